"""The single interventions that a model is measured under."""

from collections.abc import Iterator
from typing import Any

import numpy as np

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
            # four digits: the text is the value; quartiles may coincide, and rounding may leave the range
            rounded = [float(f"{value:.4g}") for value in np.quantile(rows[:, k], QUARTILES)]
            inside = (min(max(value, variable.low), variable.high) for value in rounded)
            values = list(dict.fromkeys(map(variable.shown, inside)))
        for value in values:
            short = isinstance(value, float) and not variable.offset
            yield f"do({node}={value:g})" if short else f"do({node}={value})", {node: value}
