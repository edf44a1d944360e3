"""Exact distributions of discrete labels: observational, conditional and interventional.

What is asked of a few labels is computed by variable elimination, whatever the size of the graph. The joint
distribution of all labels is enumerated. It is a vector over the label cells; the code of a cell is
sum_k value_k stride_k, columns in graph order and the first one fastest: stride_k is the product of the sizes before k.
Of binary labels that is sum_k label_k 2**k.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.errors import ConditioningError, InputError, brief
from causalgan_tf.graphs import names
from causalgan_tf.graphs.cells import MAX_CELLS, cell_count, discrete_sizes, has_value
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import one_code
from causalgan_tf.inference.elimination import Mass, eliminate
from causalgan_tf.inference.query import Condition, Query, allowed_values
from causalgan_tf.inference.tables import ConditionalTables, tables_under

THIN = 30  # rows under which a parent cell tells little of its children

ThinCell = tuple[str, dict[str, Any], int]


class LabelDistribution:
    """A Bayesian network over discrete labels whose mechanisms are tables.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Smokes")
        >>> labels = LabelDistribution(graph, {"Old": np.array(0.4), "Smokes": np.array([0.5, 0.2])})
        >>> round(labels.probability({"Smokes": 1}), 2)
        0.38
    """

    def __init__(
        self,
        graph: CausalGraph,
        tables: Mapping[str, Any] | Callable[[str], Any],
        parent_rows: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Joins a graph and its conditional probabilities.

        Args:
            graph: causal graph over K labels, each binary or of known categories.
            tables: P(node = v | parents) of each node, [sizes of the parents..., size of the node], one axis a parent
                in the order of graph.parents[node], then one for v; of a binary node also P(node = 1 | parents),
                [sizes of the parents...]. Or a function of the node, which is called when its table is first needed.
            parent_rows: rows that each node's table was counted in, [sizes of the parents...]; None: it was not.

        Raises:
            InputError: a continuous label, a missing table, a table of another shape or of more than MAX_CELLS numbers,
                or numbers that are no probabilities; of a function's tables when they are needed.
        """
        self.graph, self.sizes = graph, discrete_sizes(graph)
        self.parent_rows = dict(parent_rows or {})
        missing = [] if callable(tables) else [node for node in graph.nodes if node not in tables]
        if missing:
            raise InputError(f"tables: expected one for each node, {missing[0]!r} has none.")
        self.tables = ConditionalTables(graph, tables if callable(tables) else tables.__getitem__)
        if not callable(tables):
            # all at once: what is wrong with a table is told where it is given
            list(self.tables.values())

    @classmethod
    def fit(cls, graph: CausalGraph, labels: np.ndarray) -> "LabelDistribution":
        """Maximum likelihood along the graph from label rows [n, K]: the product of the empirical conditionals.

        A parent cell without rows gets the node's marginal; `empty_cells` counts them.

        Raises:
            InputError: a continuous label, no rows, another number of columns than nodes, a value that a label does not
                have, or a table of more than MAX_CELLS numbers.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Smokes")
            >>> labels = LabelDistribution.fit(graph, np.array([[0, 0], [0, 1], [1, 0], [1, 0]]))
            >>> labels.probability({"Smokes": 1}, given={"Old": 0})
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
            >>> labels = LabelDistribution.fit(CausalGraph.from_text("Old -> Ill"), np.array([[0, 0], [0, 1], [1, 0]]))
            >>> labels.thin_cells(below=2)
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
            >>> labels = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 0.5])})
            >>> labels.joint(do={"Old": 1})  # the cells are (Old, Ill) = (0, 0), (1, 0), (0, 1), (1, 1)
            array([0. , 0.5, 0. , 0.5])
        """
        query, joint = Query.create(self.graph, do), np.ones(1)
        do, table = query.constants, tables_under(self.graph, self.tables, query)
        cell_count(self.sizes)
        for node, size in zip(self.graph.nodes, self.sizes, strict=True):
            # the cells of the nodes before, then a slower axis for this one
            # truncated factorisation: what is set has no mechanism, all others keep theirs
            if node in do:
                factor = np.eye(size)[do[node]]
            else:
                factor = table(node)[self._parent_values(node, np.arange(len(joint)))]
            # one node after the other: no array is larger than the joint of the nodes so far
            joint = (np.atleast_2d(factor).transpose() * joint).ravel()
        return joint

    def distribution(
        self,
        nodes: str | Sequence[str],
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> pd.Series:
        """P(nodes | do(x), z) by variable elimination: of a graph of any size, if not all of it is tangled.

        Args:
            nodes: a label, or several for their joint distribution.
            do: interventions, values as Query.create takes them.
            given: conditions in the distribution that `do` has mutilated.

        Returns:
            float64, sum 1, indexed by the labels' values, of several labels with one level a label in the order of
            `nodes`, the last one fastest.

        Raises:
            InputError: an unknown label or value, a label named twice, a condition of probability 0, more than
                MAX_CELLS cells of the nodes, or a table of more than elimination.MAX_FACTOR numbers on the way.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> labels = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 0.5])})
            >>> labels.distribution("Old", given={"Ill": 0}).round(3).to_dict()
            {0: 0.667, 1: 0.333}
            >>> labels.distribution(["Old", "Ill"], do={"Ill": 1}).to_dict()
            {(0, 0): 0.0, (0, 1): 0.5, (1, 0): 0.0, (1, 1): 0.5}
        """
        query, wanted = Query.create(self.graph, do, given), self._wanted(nodes)
        mass = self._mass(wanted, query, query.given)
        if not mass.table.any():
            raise _impossible(query)
        return named_probabilities(self.graph, wanted, mass.table / mass.table.sum())

    def probability(
        self, event: Mapping[str, Any], do: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None
    ) -> float:
        """P(event | do(x), z) by variable elimination, values as Query.create takes them.

        Raises:
            InputError: as `distribution`.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> labels = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 0.5])})
            >>> labels.probability({"Ill": 1}), labels.probability({"Ill": 1}, do={"Old": 1})
            (0.25, 0.5)
            >>> labels.probability({"Old": 1}, given={"Ill": 1})
            1.0
        """
        return self.probability_of(Query.create(self.graph, given=event), Query.create(self.graph, do, given))

    def probability_of(self, event: Query, query: Query) -> float:
        """P(event | do(x), z) of queries: the event's `given`, and another one's do and given.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> labels = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 0.5])})
            >>> labels.probability_of(Query.create(graph, given={"Ill": {0, 1}}), Query.create(graph))
            1.0
        """
        condition = self._mass((), query, query.given)
        if not condition.table.any():
            raise _impossible(query)
        return min(self._mass((), query, query.given, event.given).over(condition), 1.0)

    def sample(self, n: int, seed: int, do: Mapping[str, Any] | None = None) -> np.ndarray:
        """`n` label rows from P(. | do(x)), uint8 [n, K]; the same seed draws the same noise under any do.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Ill")
            >>> labels = LabelDistribution(graph, {"Old": np.array(0.5), "Ill": np.array([0.0, 1.0])})
            >>> labels.sample(2, seed=0, do={"Old": 1}).tolist()
            [[1, 1], [1, 1]]
        """
        query, rng = Query.create(self.graph, do), np.random.default_rng(seed)
        do, table = query.constants, tables_under(self.graph, self.tables, query)
        rows = np.empty([n, len(self.graph)], np.uint8)
        for k, node in enumerate(self.graph.nodes):
            # drawn for a node that is set too, so that the others' noise is the same under any do
            drawn = rng.random(n)
            # P(node >= v) for v = 1, 2, ...: a small number draws a high value
            tails = np.cumsum(table(node)[..., :0:-1], axis=-1)[..., ::-1]
            parents = tuple(rows[:, self.graph.index(parent)] for parent in self.graph.parents[node])
            rows[:, k] = do[node] if node in do else (drawn[:, None] < tails[parents]).sum(-1)
        return rows

    def _wanted(self, nodes: str | Sequence[str]) -> tuple[str, ...]:
        """The labels of a distribution, checked."""
        several = isinstance(nodes, Iterable) and not isinstance(nodes, str | Mapping)
        wanted = tuple(nodes) if several else (nodes,)
        if not wanted or not all(isinstance(node, str) for node in wanted) or len(set(wanted)) < len(wanted):
            raise InputError(
                f"distribution: expected the name of a label or several names, each once, got {brief(nodes)}."
            )
        count = math.prod(self.sizes[self.graph.index(node)] for node in wanted)
        if count > MAX_CELLS:
            raise InputError(
                f"distribution: {len(wanted)} labels have {count:,} cells together: expected at most {MAX_CELLS:,}. "
                "Ask for fewer labels, or draw rows with `sample` instead."
            )
        return wanted

    def _mass(self, wanted: Sequence[str], query: Query, *conditions: Mapping[str, Condition]) -> Mass:
        """The probabilities of the wanted labels' cells together with all conditions, under a query's do."""
        allowed: dict[str, np.ndarray] = {}
        for node, value in (pair for condition in conditions for pair in condition.items()):
            allowed[node] = allowed.get(node, True) & allowed_values(self.graph.variables[node], value)
        return eliminate(self.graph, tables_under(self.graph, self.tables, query), wanted, query.constants, allowed)

    def _parent_values(self, node: str, codes: np.ndarray) -> tuple[np.ndarray, ...]:
        """The values [n] of each parent of a node in cells [n] of the nodes before it."""
        places = [self.graph.index(parent) for parent in self.graph.parents[node]]
        return tuple(codes // math.prod(self.sizes[:k]) % self.sizes[k] for k in places)


def named_probabilities(graph: CausalGraph, nodes: Sequence[str], table: np.ndarray) -> pd.Series:
    """Probabilities [sizes of the nodes...] as a series indexed by the users' values, a level a node, the last fastest.

    >>> named_probabilities(CausalGraph.from_text("Sky: categorical(clear, rain)"), ["Sky"], np.array([0.7, 0.3]))
    Sky
    clear    0.7
    rain     0.3
    Name: probability, dtype: float64
    """
    values = [[graph.variables[node].shown(value) for value in range(graph.variables[node].size)] for node in nodes]
    single = pd.Index(values[0], name=nodes[0]) if len(nodes) == 1 else None
    index = pd.MultiIndex.from_product(values, names=nodes) if single is None else single
    return pd.Series(table.ravel(), index, name="probability")


def _impossible(query: Query) -> ConditioningError:
    text = Query({}, query.given, query.variables).text()
    return ConditioningError(
        f"given {text}: the condition has probability 0 here; what follows from it is undefined.", 0, 1, 0, 0.0
    )


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
