"""Does a causal graph fit a table? The independences that it implies, tested, and random graphs beside it."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import has_value
from causalgan_tf.graphs.fit_result import LEVEL, GraphFit, ImpliedIndependence, RandomGraphs
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical, one_code
from causalgan_tf.metrics.independence import Dependence, residual_dependence, residuals, table_dependence

DISCRETE_ROWS = 50_000  # different rows of discrete labels beyond which a sample of the rows is tested
NUMBER_ROWS = 2_000  # rows that are tested where a number is among the labels
BUDGET = 30_000  # tests for random graphs, about half a minute on one processor core
REGRESSION = 20  # tests that take the time of the regressions on one condition
VALUES = 8  # of a category, the most frequent ones, that are regressed on a condition
CODES = 2**31  # beyond which codes of several labels are numbered anew

ROUNDING = 1e-12  # nats a row

Triple = tuple[int, int, tuple[int, ...]]  # the columns of two labels, and those of the condition


def implied_independences(graph: CausalGraph) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(x, y, parents of y) of every two nodes that are not joined, x before y in the graph's order.

    x is independent of y given the parents of y. All other independences that the graph implies follow from these,
    unless some combination of values is impossible.

    >>> implied_independences(CausalGraph.from_text("A -> B -> C"))
    (('A', 'C', ('B',)),)
    """
    pairs = itertools.combinations(graph.nodes, 2)
    return tuple((x, y, graph.parents[y]) for x, y in pairs if x not in graph.parents[y])


def fit_to_rows(graph: CausalGraph, rows: np.ndarray, permutations: int = 200, seed: int = 0) -> GraphFit:
    """Tests the independences that a graph implies on label rows.

    >>> rows = np.random.default_rng(0).integers(0, 2, [1_000, 3])
    >>> fit_to_rows(CausalGraph.from_text("A -> B -> C"), rows, permutations=0).violated
    ()

    Args:
        graph: causal graph over K labels, with their types.
        rows: [n, K], a column a node in graph order: numbers, 0 or 1, or the place of a category.
        permutations: how many random graphs are tested too; fewer where they would take more than BUDGET tests.
        seed: of the random graphs, and of the rows that are tested where not all are.

    Raises:
        InputError: rows of another shape, fewer than two, values that a label does not have, or a negative number.
    """
    rows = _checked(graph, rows)
    for name, number in (("permutations", permutations), ("seed", seed)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
            raise InputError(f"graph fit: {name}: expected a whole number of at least 0, got {number!r}.")
    triples = [
        (graph.index(x), graph.index(y), tuple(map(graph.index, given))) for x, y, given in implied_independences(graph)
    ]
    tests = _Tests(graph, rows, seed)
    results = [tests.result(triple) for triple in triples]
    adjusted = holm([result.p_value for result in results])
    names = graph.nodes
    implied = [
        ImpliedIndependence(
            *(names[x], names[y], tuple(names[k] for k in given)),
            *(found.p_value, float(p), found.gain, found.chance, tests.rows(found.method), found.method),
        )
        for (x, y, given), found, p in zip(triples, results, adjusted, strict=True)
    ]
    random = _random_graphs(graph, triples, tests, permutations, seed) if triples and permutations else None
    return GraphFit(len(rows), tuple(sorted(implied, key=lambda test: -test.nats_per_row)), random)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """P-values after Holm's step-down correction, in the same order.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty_like(p_values)
    steps = p_values[order] * (len(p_values) - np.arange(len(p_values)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _checked(graph: CausalGraph, rows: np.ndarray) -> np.ndarray:
    """The rows as numbers [n, K] that the labels may have."""
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.shape[1] != len(graph) or len(rows) < 2:
        raise InputError(
            f"graph fit: expected at least 2 label rows of {len(graph)} columns, one a node; got shape {rows.shape}."
        )
    for (node, variable), column in zip(graph.variables.items(), rows.T, strict=True):
        if variable == Categorical():
            raise InputError(f"graph fit: the categories of {node!r} are not known. Name them in the graph.")
        legal = np.isfinite(column) if variable.size is None else has_value(column, variable.size)
        if not legal.all():
            raise InputError(f"graph fit: {node}: expected {variable.expected}; got {column[np.argmin(legal)]}.")
    return rows


class _Tests:
    """Tests of label rows, each made once."""

    def __init__(self, graph: CausalGraph, rows: np.ndarray, seed: int) -> None:
        self._variables, self._seed = tuple(graph.variables.values()), seed
        rng = np.random.default_rng(seed)
        self._discrete = [k for k, variable in enumerate(self._variables) if variable.size]
        self._tables, self._weights = self._counted(rows, rng)
        some = len(rows) > NUMBER_ROWS and len(self._discrete) < len(self._variables)
        self._some = rows[np.sort(rng.choice(len(rows), NUMBER_ROWS, replace=False))] if some else rows
        self._results: dict[Triple, Dependence] = {}
        self._strata: dict[tuple[int, ...], np.ndarray] = {}
        self._residuals: dict[tuple[int, ...], Mapping[int, np.ndarray]] = {}

    def rows(self, method: str) -> int:
        """How many rows a method's tests see."""
        return len(self._some) if method == "covariance" else int(self._weights.sum())

    def cost(self, triples: Sequence[Triple]) -> int:
        """How many tests that were not made yet these take, regressions counted as REGRESSION tests."""
        fresh = [key for key in map(_key, triples) if key not in self._results]
        conditions = {key[2] for key in fresh if not self._is_discrete(key)} - set(self._residuals)
        return len(set(fresh)) + REGRESSION * len(conditions)

    def loss(self, triple: Triple) -> float:
        """What the test says that the missing edge buys, nats a row above chance."""
        found = self.result(triple)
        return max(0.0, found.gain - found.chance) / self.rows(found.method)

    def result(self, triple: Triple) -> Dependence:
        """The test of two columns given others."""
        key = x, y, given = _key(triple)
        if key not in self._results:
            if self._is_discrete(key):
                strata = self._stratum(given)
                columns = self._tables[x], self._tables[y]
                self._results[key] = table_dependence(*columns, strata, self._weights)
            else:
                left = self._residual(given)
                self._results[key] = residual_dependence(left[x], left[y])
        return self._results[key]

    def _is_discrete(self, triple: Triple) -> bool:
        return all(self._variables[k].size for k in (*triple[:2], *triple[2]))

    def _counted(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[dict[int, np.ndarray], np.ndarray]:
        """The different rows of the discrete labels, by column, and how often each is there."""
        code = self._code({k: rows[:, k].astype(np.int64) for k in self._discrete}, len(rows))
        first, counts = np.unique(code, return_index=True, return_counts=True)[1:]
        if len(first) > DISCRETE_ROWS:
            return self._counted(rows[np.sort(rng.choice(len(rows), DISCRETE_ROWS, replace=False))], rng)
        return {k: rows[first, k].astype(np.int64) for k in self._discrete}, counts.astype(np.float64)

    def _code(self, columns: Mapping[int, np.ndarray], n: int) -> np.ndarray:
        """A number for each combination of discrete columns: int64 [n]."""
        code, count = np.zeros(n, np.int64), 1
        for k, column in columns.items():
            if count * self._variables[k].size > CODES:
                code = np.unique(code, return_inverse=True)[1]
                count = int(code.max()) + 1
            code = one_code([code, column], [count, self._variables[k].size])
            count *= self._variables[k].size
        return code

    def _stratum(self, given: tuple[int, ...]) -> np.ndarray:
        if given not in self._strata:
            code = self._code({k: self._tables[k] for k in given}, len(self._weights))
            self._strata[given] = np.unique(code, return_inverse=True)[1]
        return self._strata[given]

    def _residual(self, given: tuple[int, ...]) -> Mapping[int, np.ndarray]:
        """What a condition leaves of each column's numbers: column to [rows, D]."""
        if given not in self._residuals:
            n = len(self._some)
            rest = [k for k in range(len(self._variables)) if k not in given]
            targets = {k: self._target(k) for k in rest}
            numbers = [self._target(k)[:, :1] for k in given if not self._variables[k].size]
            indicators = [self._target(k) for k in given if self._variables[k].size]
            columns = (np.hstack([np.zeros([n, 0]), *parts]) for parts in (targets.values(), numbers, indicators))
            left = residuals(*columns, seed=self._seed % 2**32).astype(np.float32)
            ends = np.cumsum([target.shape[1] for target in targets.values()])[:-1]
            self._residuals[given] = dict(zip(rest, np.split(left, ends, axis=1), strict=True))
        return self._residuals[given]

    def _target(self, k: int) -> np.ndarray:
        """A label as columns whose means tell of it: normal score and squared rank, or an indicator a value."""
        column, size = self._some[:, k], self._variables[k].size
        if size is None:
            share = (stats.rankdata(column) - 0.5) / len(column)
            return np.stack([stats.norm.ppf(share), 1.5 * (2 * share - 1) ** 2 - 0.5], axis=1)
        counts = np.bincount(column.astype(np.int64), minlength=size)
        # the most frequent value is told by the others
        values = np.argsort(-counts, kind="stable")[1 : VALUES + 1]
        return (column[:, None] == np.sort(values)).astype(np.float64)


def _key(triple: Triple) -> Triple:
    x, y, given = triple
    return min(x, y), max(x, y), tuple(sorted(given))


def _random_graphs(
    graph: CausalGraph, triples: Sequence[Triple], tests: _Tests, permutations: int, seed: int
) -> RandomGraphs | None:
    """Counts violations of the graph with its nodes permuted: all permutations, where they are no more than asked."""
    nodes = range(len(graph))
    edges = [(graph.index(cause), graph.index(effect)) for cause, effect in graph.edges]
    rng = np.random.default_rng((seed, 1))
    few = math.factorial(min(len(graph), 20)) <= permutations
    orders = itertools.permutations(nodes) if few else (rng.permutation(len(graph)) for _ in range(permutations))
    own, found, spent = _class(edges), _violations(triples, tests), 0
    graphs = not_worse = cheaper = equivalent = 0
    loss = sum(map(tests.loss, triples))
    for order in orders:
        order = [int(k) for k in order]
        moved = [(order[x], order[y], tuple(order[k] for k in given)) for x, y, given in triples]
        spent += tests.cost(moved)
        if spent > BUDGET:
            break
        graphs += 1
        not_worse += _violations(moved, tests) <= found
        cheaper += sum(map(tests.loss, moved)) < loss - ROUNDING
        equivalent += _class([(order[cause], order[effect]) for cause, effect in edges]) == own
    return RandomGraphs(graphs, not_worse, cheaper, equivalent) if graphs else None


def _violations(triples: Sequence[Triple], tests: _Tests) -> int:
    return int((holm([tests.result(triple).p_value for triple in triples]) <= LEVEL).sum())


def _class(edges: Sequence[tuple[int, int]]) -> tuple[frozenset, frozenset]:
    """The Markov equivalence class: which nodes are joined, and which that are not have a common child."""
    joined, parents = frozenset(map(frozenset, edges)), {}
    for cause, effect in edges:
        parents.setdefault(effect, []).append(cause)
    pairs = ((frozenset(pair), node) for node, causes in parents.items() for pair in itertools.combinations(causes, 2))
    return joined, frozenset(collider for collider in pairs if collider[0] not in joined)
