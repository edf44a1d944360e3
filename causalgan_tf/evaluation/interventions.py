"""The single interventions that a model is measured under."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from causalgan_tf.graphs.digits import digits, rounded
from causalgan_tf.graphs.graph import CausalGraph

QUARTILES = (0.25, 0.5, 0.75)


def single_interventions(graph: CausalGraph, rows: np.ndarray | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Single interventions as ("do(X=x)", {X: x}), in graph order.

    Args:
        graph: causal graph over K labels, with their types.
        rows: label rows [N, K] of the data; None: continuous labels are left out.

    Yields:
        Every discrete node at each of its values, and every continuous one at its QUARTILES in the rows, each once.
    """
    for k, (node, variable) in enumerate(graph.variables.items()):
        values = [variable.shown(value) for value in range(variable.size or 0)]
        if not variable.size and rows is not None:
            # quartiles may coincide, and rounding may leave the range
            found = [rounded(value, np.std(rows[:, k]), 4) for value in np.quantile(rows[:, k], QUARTILES)]
            inside = (min(max(value, variable.low), variable.high) for value in found)
            values = list(dict.fromkeys(map(variable.shown, inside)))
        for value in values:
            # the text is the value
            yield f"do({node}={digits(value) if isinstance(value, float) else value})", {node: value}
