"""Soft interventions: do gives a node a law or a formula of its parents in place of a constant."""

from collections.abc import Sequence

import numpy as np

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.formula import Formula
from causalgan_tf.inference.law import Law

Soft = Law | Formula


def user_columns(graph: CausalGraph, nodes: Sequence[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    """The users' values [n] of some nodes in label rows [n, K], as formulas take them."""
    found = {}
    for node in nodes:
        variable, numbers = graph.variables[node], rows[:, graph.index(node)].astype(np.float64)
        if variable.named:
            found[node] = np.array(variable.categories)[numbers.astype(int)]
        else:
            found[node] = numbers + variable.offset
    return found
