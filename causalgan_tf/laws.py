"""Exact laws of binary labels by enumeration: observational, conditional and interventional.

A joint law is a vector over the 2**K label cells; the code of a cell is sum_k label_k 2**k, columns in graph order.
"""

from collections.abc import Mapping

import numpy as np

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.query import Query

MAX_ENUMERATED = 20  # nodes; a joint law of more would not fit beside others in memory


def cells(columns: int) -> np.ndarray:
    """Label vectors of all codes, uint8 [2**columns, columns]; InputError beyond MAX_ENUMERATED columns."""
    if columns > MAX_ENUMERATED:
        raise InputError(
            f"The joint law of {columns} labels has 2**{columns} cells: expected at most {MAX_ENUMERATED} labels. "
            "Ask for a smaller graph."
        )
    return ((np.arange(2**columns)[:, None] >> np.arange(columns)) & 1).astype(np.uint8)


def row_codes(labels: np.ndarray) -> np.ndarray:
    """Cell code of each label row [n, K]: int64 [n]."""
    return np.asarray(labels, np.int64) @ (1 << np.arange(labels.shape[1], dtype=np.int64))


def histogram(labels: np.ndarray) -> np.ndarray:
    """Relative frequencies of the cells of label rows [n, K]: float64 [2**K], sum 1."""
    if not len(labels):
        raise InputError("histogram: expected at least one label row, got none.")
    cell_count = len(cells(labels.shape[1]))
    return np.bincount(row_codes(labels), minlength=cell_count) / len(labels)


class LabelLaw:
    """A Bayesian network over binary labels whose mechanisms are tables."""

    def __init__(self, graph: CausalGraph, tables: Mapping[str, np.ndarray], empty_cells: int = 0) -> None:
        """Joins a graph and its conditional probabilities.

        Args:
            graph: causal graph over K labels.
            tables: P(node = 1 | parents) of each node, [2] * number of parents, one axis a parent in the order of
                graph.parents[node].
            empty_cells: parent cells whose probability is a guess; see `fit`.

        Raises:
            InputError: a missing table, a table of another shape, or numbers outside [0, 1].
        """
        self.graph, self.empty_cells = graph, empty_cells
        self.tables = {}
        for node in graph.nodes:
            if node not in tables:
                raise InputError(f"tables: expected one for each node, {node!r} has none.")
            table, shape = np.asarray(tables[node], np.float64), (2,) * len(graph.parents[node])
            if table.shape != shape:
                raise InputError(f"table of {node!r}: expected shape {shape}, got {table.shape}.")
            if not ((table >= 0) & (table <= 1)).all():
                raise InputError(f"table of {node!r}: expected probabilities in [0, 1], got {table.ravel()}.")
            self.tables[node] = table

    @classmethod
    def fit(cls, graph: CausalGraph, labels: np.ndarray) -> "LabelLaw":
        """Maximum likelihood along the graph from label rows [n, K]: the product of the empirical conditionals.

        A parent cell without rows gets the node's marginal; `empty_cells` counts them.

        Raises:
            InputError: no rows, another number of columns than nodes, or values other than 0 and 1.
        """
        labels = _checked_rows(graph, labels)
        tables, empty = {}, 0
        for k, node in enumerate(graph.nodes):
            parents = [graph.index(parent) for parent in graph.parents[node]]
            code, size = row_codes(labels[:, parents]), 2 ** len(parents)
            count = np.bincount(code, minlength=size)
            ones = np.bincount(code, weights=labels[:, k], minlength=size)
            marginal = labels[:, k].mean()
            p1 = np.where(count > 0, ones / np.maximum(count, 1), marginal)
            empty += int((count == 0).sum())
            # a code's lowest bit is the first parent, a C-ordered table's last axis changes fastest
            tables[node] = p1.reshape((2,) * len(parents)).transpose()
        return cls(graph, tables, empty)

    def joint(self, do: Mapping[str, int] | None = None) -> np.ndarray:
        """P(labels | do(x)) by the truncated factorisation, float64 [2**K] over codes."""
        do, rows = Query.create(self.graph, do).do, cells(len(self.graph))
        joint = np.ones(len(rows))
        for k, node in enumerate(self.graph.nodes):
            one = np.full(len(rows), float(do[node])) if node in do else self._p1(node, rows)
            joint *= np.where(rows[:, k] == 1, one, 1.0 - one)
        return joint

    def probability(
        self, event: Mapping[str, int], do: Mapping[str, int] | None = None, given: Mapping[str, int] | None = None
    ) -> float:
        """P(event | do(x), z); InputError if z has probability 0 under do(x)."""
        joint, rows = self.joint(do), cells(len(self.graph))
        condition = holds(self.graph, rows, Query.create(self.graph, do, given).given)
        mass = joint[condition].sum()
        if mass <= 0:
            raise InputError(f"given {dict(given or {})}: the event has probability 0 here, nothing follows from it.")
        return float(joint[condition & holds(self.graph, rows, Query.create(self.graph, event).do)].sum() / mass)

    def sample(self, n: int, seed: int, do: Mapping[str, int] | None = None) -> np.ndarray:
        """`n` label rows from P(. | do(x)), uint8 [n, K]; the same seed draws the same noise under any do."""
        do, rng = Query.create(self.graph, do).do, np.random.default_rng(seed)
        rows = np.empty([n, len(self.graph)], np.uint8)
        for k, node in enumerate(self.graph.nodes):
            drawn = rng.random(n) < self._p1(node, rows)
            rows[:, k] = do.get(node, drawn)
        return rows

    def _p1(self, node: str, rows: np.ndarray) -> np.ndarray:
        """P(node = 1 | its parents' values in each row), float64 [n]."""
        parents = tuple(rows[:, self.graph.index(parent)] for parent in self.graph.parents[node])
        return self.tables[node][parents] if parents else np.full(len(rows), float(self.tables[node]))


def _checked_rows(graph: CausalGraph, labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.shape[1] != len(graph):
        raise InputError(
            f"LabelLaw.fit: expected label rows [n, {len(graph)}], a column for each node, got shape {labels.shape}."
        )
    if not len(labels):
        raise InputError("LabelLaw.fit: expected at least one label row, got none.")
    odd = labels[(labels != 0) & (labels != 1)]
    if odd.size:
        raise InputError(f"LabelLaw.fit: expected labels 0 and 1, got {odd[0]}.")
    return labels


def holds(graph: CausalGraph, rows: np.ndarray, event: Mapping[str, int]) -> np.ndarray:
    """Whether each row shows the event, bool [n]."""
    holds = np.ones(len(rows), bool)
    for node, value in event.items():
        holds &= rows[:, graph.index(node)] == value
    return holds
