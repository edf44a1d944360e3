"""The labels' causal model: how thick, how slanted and how bright a digit is written, in the spirit of Morpho-MNIST.

Thickness and intensity are those of Pawlowski, Coelho de Castro and Glocker (NeurIPS 2020, arXiv:2006.06485):
t = .5 + Gamma(10, rate 5) and i = 64 + 191 sigmoid(N(2 t - 5, .5)); they speak of deviations. The slant, which is ours,
is N(12 (t - 2.5), 6) degrees to the right. The digit has no cause and no effect among the labels.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from causalgan_tf.data.morpho_digits.strokes import digits
from causalgan_tf.graphs.named import NAMED
from causalgan_tf.inference.query import Query

GRAPH = NAMED["morpho_digits"]
LABELS = GRAPH.nodes


def sample(n: int, seed: int, do: Mapping[str, Any] | None = None) -> np.ndarray:
    """`n` label rows from P(. | do(x)).

    Args:
        n: how many.
        seed: of the draw; the same seed draws the same noise under any do.
        do: label to the value that it is set to.

    Returns:
        float32 [n, 4], columns in the order of LABELS: digit (its place), thickness (32ths of the picture's side),
        slant (degrees), intensity (grey level).
    """
    fixed, rng = Query.create(GRAPH, do).do, np.random.default_rng(seed)
    which, gamma, lean, light = (
        rng.integers(len(digits()[0]), size=n),
        rng.gamma(10.0, 0.2, n),
        *rng.normal(size=(2, n)),
    )
    rows = {"digit": digits()[0][which], "thickness": 0.5 + gamma}
    rows |= {node: np.full(n, value) for node, value in fixed.items()}
    t = rows["thickness"]
    own = {"slant": 12.0 * (t - 2.5) + 6.0 * lean, "intensity": 64.0 + 191.0 * expit(2.0 * t - 5.0 + 0.5 * light)}
    rows = own | rows
    return np.stack([rows[node] for node in LABELS], axis=1).astype(np.float32)
