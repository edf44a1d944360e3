"""Ancestors of a condition, drawn from their exact distribution given it, in a model of discrete labels."""

import math
from collections.abc import Callable

import numpy as np

from causalgan_tf.errors import ConditioningError, TooLargeError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.elimination import Factor, ancestors, backward
from causalgan_tf.inference.query import Query, allowed_values
from causalgan_tf.inference.tables import table_shape


class ExactConditioning:
    """Draws the ancestors of a condition by variable elimination and backward simulation.

    A row is a function of its uniform numbers alone, so that row i of a draw is the same whatever n is.

    Attributes:
        mass: the probability of the condition.
        nodes: the nodes that `draw` needs noise for, in the order of drawing.

    >>> graph = CausalGraph.from_text("Old -> Ill")
    >>> tables = {"Old": np.array([0.5, 0.5]), "Ill": np.array([[1.0, 0.0], [0.5, 0.5]])}
    >>> given = ExactConditioning(graph, tables.__getitem__, Query.create(graph, given={"Ill": 0}))
    >>> given.mass, given.nodes, {node: drawn.tolist() for node, drawn in given.draw(np.array([[0.6, 0.7]])).items()}
    (0.75, ['Old'], {'Ill': [0, 0], 'Old': [0, 1]})
    """

    def __init__(self, graph: CausalGraph, table: Callable[[str], np.ndarray], query: Query) -> None:
        """Eliminates; ConditioningError for a condition of probability 0, TooLargeError for a table."""
        self.graph, self.set = graph, query.constants.keys()
        allowed = {node: allowed_values(graph.variables[node], value) for node, value in query.given.items()}
        mass, steps, self.fixed = backward(graph, table, query.constants, allowed)
        self.mass = min(math.ldexp(float(mass.table), mass.exponent), 1.0)
        if not mass.table > 0:
            raise ConditioningError(
                f"given {Query({}, query.given, query.variables).text()}: the condition has probability 0 in this "
                "model; no row can have it. Condition on less, or set the labels by do.",
                found=0,
                wanted=1,
                draws=0,
                mass=0.0,
            )
        self._steps = [(k, *_cumulative(factor, k)) for k, factor in steps]
        self.nodes = [graph.nodes[k] for k, *_ in self._steps]

    def draw(self, uniform: np.ndarray) -> dict[str, np.ndarray]:
        """The values [n] of each ancestor that is not set by do, of uniform numbers [nodes, n]."""
        n = uniform.shape[1]
        drawn = {self.graph.index(node): np.full(n, value, np.int64) for node, value in self.fixed.items()}
        for (k, scope, sums), noise in zip(self._steps, uniform, strict=True):
            code = np.zeros(n, np.int64)
            for other, size in zip(scope, sums.shape[:-1], strict=True):
                code = code * size + drawn[other]
            flat = sums.reshape([-1, sums.shape[-1]])
            drawn[k] = sum((noise > flat[code, v]).astype(np.int64) for v in range(flat.shape[1]))
        # what do sets may be a number, which no table holds
        return {self.graph.nodes[k]: own for k, own in drawn.items() if self.graph.nodes[k] not in self.set}


def exact_conditioning(
    graph: CausalGraph, table: Callable[[str], np.ndarray], query: Query
) -> ExactConditioning | None:
    """The exact way to draw under a query's condition; None if it depends on numbers, or on too large tables.

    Raises:
        ConditioningError: the condition has probability 0.
    """
    free = [node for node in ancestors(graph, query.given, query.constants) if node not in query.constants]
    if any(None in table_shape(graph, node) for node in free):
        return None
    try:
        return ExactConditioning(graph, table, query)
    except TooLargeError:
        return None


def _cumulative(factor: Factor, k: int) -> tuple[tuple[int, ...], np.ndarray]:
    """The other nodes of a factor, and cumulative shares [sizes of the others..., size - 1] of node k."""
    axis = factor.scope.index(k)
    numbers, _ = factor.scaled(axis)
    numbers = np.moveaxis(numbers, axis, -1)
    sums = np.cumsum(numbers, -1)
    # where all is 0 no row comes
    shares = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-300)
    return tuple(other for other in factor.scope if other != k), shares
