"""Exact distributions of discrete labels by enumeration: observational, conditional and interventional.

A joint distribution is a vector over the label cells; the code of a cell is sum_k value_k stride_k, columns in graph
order and the first one fastest: stride_k is the product of the sizes before k. Of binary labels that is
sum_k label_k 2**k.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError, brief
from causalgan_tf.graphs import names
from causalgan_tf.graphs.cells import cell_count, cells, discrete_sizes, has_value
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, one_code
from causalgan_tf.inference.query import Query, meets

MAX_PARENT_CELLS = 4_096  # of a node whose mechanism is drawn in each of them
TOLERANCE = 1e-6  # by which the probabilities of a table may miss 1
THIN = 30  # rows under which a parent cell tells little of its children

ThinCell = tuple[str, dict[str, Any], int]


class LabelDistribution:
    """A Bayesian network over discrete labels whose mechanisms are tables.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Smokes")
        >>> law = LabelDistribution(graph, {"Old": np.array(0.4), "Smokes": np.array([0.5, 0.2])})
        >>> round(law.probability({"Smokes": 1}), 2)
        0.38
    """

    def __init__(
        self, graph: CausalGraph, tables: Mapping[str, np.ndarray], parent_rows: Mapping[str, np.ndarray] | None = None
    ) -> None:
        """Joins a graph and its conditional probabilities.

        Args:
            graph: causal graph over K labels, each binary or of known categories.
            tables: P(node = v | parents) of each node, [sizes of the parents..., size of the node], one axis a parent
                in the order of graph.parents[node], then one for v; of a binary node also P(node = 1 | parents),
                [sizes of the parents...].
            parent_rows: rows that each node's table was counted in, [sizes of the parents...]; None: it was not.

        Raises:
            InputError: a continuous label, a missing table, a table of another shape or of more than MAX_CELLS numbers,
                or numbers that are no probabilities.
        """
        self.graph, self.sizes = graph, discrete_sizes(graph)
        self.parent_rows = dict(parent_rows or {})
        self.tables = {}
        for node in graph.nodes:
            if node not in tables:
                raise InputError(f"tables: expected one for each node, {node!r} has none.")
            self.tables[node] = self._checked_table(node, np.asarray(tables[node], np.float64))

    @classmethod
    def fit(cls, graph: CausalGraph, labels: np.ndarray) -> "LabelDistribution":
        """Maximum likelihood along the graph from label rows [n, K]: the product of the empirical conditionals.

        A parent cell without rows gets the node's marginal; `empty_cells` counts them.

        Raises:
            InputError: a continuous label, no rows, another number of columns than nodes, a value that a label does not
                have, or a table of more than MAX_CELLS numbers.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Smokes")
            >>> law = LabelDistribution.fit(graph, np.array([[0, 0], [0, 1], [1, 0], [1, 0]]))
            >>> law.probability({"Smokes": 1}, given={"Old": 0})
            0.5
        """
        sizes = discrete_sizes(graph)
        labels = _checked_rows(graph, sizes, labels)
        tables, parent_rows = {}, {}
        for node in graph.nodes:
            columns = [*map(graph.index, graph.parents[node]), graph.index(node)]
            own = [sizes[k] for k in columns]
            code = one_code([labels[:, k] for k in columns], own)
            # a code's first column changes fastest, a C-ordered table's last axis does
            counts = np.bincount(code, minlength=cell_count(own)).reshape(own[::-1]).transpose()
            rows = counts.sum(-1)
            # no row tells what follows from such parents: what the node does on the whole is the least claim
            marginal = np.bincount(labels[:, columns[-1]], minlength=own[-1]) / len(labels)
            tables[node] = np.where(rows[..., None] > 0, counts / np.maximum(rows, 1)[..., None], marginal)
            parent_rows[node] = rows
        return cls(graph, tables, parent_rows)

    def __repr__(self) -> str:
        kinds = "; ".join(f"{names.written(node)}: {kind.text()}" for node, kind in self.graph.variables.items())
        counted = f"; {len(self.thin_cells()):,} parent cells of fewer than {THIN} rows" if self.parent_rows else ""
        return (
            f"LabelDistribution: {len(self.graph)} labels, {math.prod(self.sizes):,} cells{counted}\n"
            f"tables: {brief('; '.join(map(self._table_text, self.graph.nodes)), 300)}\ntypes: {brief(kinds, 300)}"
        )

    def _table_text(self, node: str) -> str:
        given = " | " + ", ".join(map(names.written, self.graph.parents[node])) if self.graph.parents[node] else ""
        return f"P({names.written(node)}{given})"

    @property
    def empty_cells(self) -> int:
        """Parent cells in which no row was counted: their probabilities are a guess; see `fit`."""
        return sum(int((rows == 0).sum()) for rows in self.parent_rows.values())

    def thin_cells(self, below: int = THIN) -> list[ThinCell]:
        """The parent cells in which fewer than `below` rows were counted, nodes in graph order.

        Returns:
            (node, {parent: value}, rows) of each; the values are the user's. None of a distribution that was not
            fitted.

        Examples:
            >>> law = LabelDistribution.fit(CausalGraph.from_text("Old -> Ill"), np.array([[0, 0], [0, 1], [1, 0]]))
            >>> law.thin_cells(below=2)
            [('Ill', {'Old': 1}, 1)]
        """
        found = []
        for node, rows in self.parent_rows.items():
            parents = self.graph.parents[node]
            for place in zip(*np.nonzero(np.asarray(rows)[None] < below), strict=True):
                shown = {p: self.graph.variables[p].shown(value) for p, value in zip(parents, place[1:], strict=True)}
                found.append((node, shown, int(rows[place[1:]])))
        return found

    def joint(self, do: Mapping[str, Any] | None = None) -> np.ndarray:
        """P(labels | do(x)) by the truncated factorisation, float64 [cells] over codes.

        Raises:
            InputError: more than MAX_CELLS cells, or an intervention that the graph does not have.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> law = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 0.5])})
            >>> law.joint(do={"Old": 1})  # the cells are (Old, Ill) = (0, 0), (1, 0), (0, 1), (1, 1)
            array([0. , 0.5, 0. , 0.5])
        """
        do, joint = Query.create(self.graph, do).do, np.ones(1)
        cell_count(self.sizes)
        for node, size in zip(self.graph.nodes, self.sizes, strict=True):
            # the cells of the nodes before, then a slower axis for this one
            # truncated factorisation: what is set has no mechanism, all others keep theirs
            if node in do:
                factor = np.eye(size)[do[node]]
            else:
                factor = self.tables[node][self._parent_values(node, np.arange(len(joint)))]
            # one node after the other: no array is larger than the joint of the nodes so far
            joint = (np.atleast_2d(factor).transpose() * joint).ravel()
        return joint

    def probability(
        self, event: Mapping[str, Any], do: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None
    ) -> float:
        """P(event | do(x), z), values as Query.create takes them; InputError if z has probability 0 under do(x).

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> law = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 0.5])})
            >>> law.probability({"Ill": 1}), law.probability({"Ill": 1}, do={"Old": 1})
            (0.25, 0.5)
            >>> law.probability({"Old": 1}, given={"Ill": 1})
            1.0
        """
        query, wanted = Query.create(self.graph, do, given), Query.create(self.graph, given=event).given
        joint, rows = self.joint(do), cells(self.sizes)
        condition = meets(rows, self.graph, query.given)
        mass = joint[condition].sum()
        if mass <= 0:
            raise InputError(
                f"given {dict(given or {})}: the condition has probability 0 here; what follows from it is undefined."
            )
        return float(joint[condition & meets(rows, self.graph, wanted)].sum() / mass)

    def sample(self, n: int, seed: int, do: Mapping[str, Any] | None = None) -> np.ndarray:
        """`n` label rows from P(. | do(x)), uint8 [n, K]; the same seed draws the same noise under any do.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> law = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 1.0])})
            >>> law.sample(2, seed=0, do={"Old": 1}).tolist()
            [[1, 1], [1, 1]]
        """
        do, rng = Query.create(self.graph, do).do, np.random.default_rng(seed)
        rows = np.empty([n, len(self.graph)], np.uint8)
        for k, node in enumerate(self.graph.nodes):
            # drawn for a node that is set too, so that the others' noise is the same under any do
            drawn = rng.random(n)
            # P(node >= v) for v = 1, 2, ...: a small number draws a high value
            tails = np.cumsum(self.tables[node][..., :0:-1], axis=-1)[..., ::-1]
            parents = tuple(rows[:, self.graph.index(parent)] for parent in self.graph.parents[node])
            rows[:, k] = do[node] if node in do else (drawn[:, None] < tails[parents]).sum(-1)
        return rows

    def _parent_values(self, node: str, codes: np.ndarray) -> tuple[np.ndarray, ...]:
        """The values [n] of each parent of a node in cells [n] of the nodes before it."""
        places = [self.graph.index(parent) for parent in self.graph.parents[node]]
        return tuple(codes // math.prod(self.sizes[:k]) % self.sizes[k] for k in places)

    def _checked_table(self, node: str, table: np.ndarray) -> np.ndarray:
        """A node's table with an axis for its own values, each row with sum 1."""
        parents = tuple(self.sizes[self.graph.index(parent)] for parent in self.graph.parents[node])
        shape, binary = (*parents, self.sizes[self.graph.index(node)]), isinstance(self.graph.variables[node], Binary)
        cell_count(shape)
        if table.shape != shape and not (binary and table.shape == parents):
            raise InputError(f"table of {node!r}: expected shape {shape}, got {table.shape}.")
        if not ((table >= 0) & (table <= 1)).all():
            raise InputError(f"table of {node!r}: expected probabilities in [0, 1], got {_listed(table)}.")
        if table.shape != shape:
            return np.stack([1.0 - table, table], axis=-1)
        sums = table.sum(-1, keepdims=True)
        if not (np.abs(sums - 1.0) <= TOLERANCE).all():
            raise InputError(f"table of {node!r}: expected rows of sum 1, got sums {_listed(sums)}.")
        # published tables are rounded: what is missing to 1 is shared out
        return table / sums


def _checked_rows(graph: CausalGraph, sizes: Sequence[int], labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.shape[1] != len(graph):
        raise InputError(
            f"LabelDistribution.fit: expected label rows [n, {len(graph)}], a column for each node, "
            f"got shape {labels.shape}."
        )
    if not len(labels):
        raise InputError("LabelDistribution.fit: expected at least one label row, got none.")
    for column, node, size in zip(labels.T, graph.nodes, sizes, strict=True):
        odd = column[~has_value(column, size)]
        if odd.size:
            expected = f"whole numbers from 0 to {size - 1}"
            raise InputError(f"LabelDistribution.fit: {node}: expected {expected}, got {odd[0]}.")
    return labels.astype(np.uint8, copy=False)


def _listed(numbers: np.ndarray) -> str:
    return np.array2string(numbers.ravel(), threshold=8, precision=6)
