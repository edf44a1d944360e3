"""Does a causal graph fit a table? The independences that it implies, tested, and random graphs beside it."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import has_value
from causalgan_tf.graphs.fit_result import LEVEL, GraphFit, ImpliedIndependence, RandomGraphs
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.label_tests import LabelTests, Triple
from causalgan_tf.graphs.variables import Categorical

QUICK_ROWS, QUICK_TESTS, QUICK_REGRESSIONS = 20_000, 300, 10  # of a graph's fit that takes a second at most
BUDGET = 30_000  # tests for random graphs, about half a minute on one processor core
ROUNDING = 1e-12  # nats a row


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
    tests = LabelTests(graph, rows, seed)
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


def quick_fit(graph: CausalGraph, rows: np.ndarray) -> GraphFit | None:
    """The same on at most QUICK_ROWS rows, without random graphs; None where the tests may take over a second.

    >>> quick_fit(CausalGraph.from_text("A; B"), np.array([[0, 0], [1, 1]] * 50)).violated[0].y
    'B'

    Args:
        graph: as in `fit_to_rows`.
        rows: as in `fit_to_rows`; of more, so many are drawn, always the same.
    """
    implied = implied_independences(graph)
    slow = graph.sizes is None and len({given for *_, given in implied}) > QUICK_REGRESSIONS
    if slow or len(implied) > QUICK_TESTS:
        return None
    if len(rows) > QUICK_ROWS:
        rows = rows[np.sort(np.random.default_rng(0).choice(len(rows), QUICK_ROWS, replace=False))]
    return fit_to_rows(graph, rows, permutations=0)


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


def _random_graphs(
    graph: CausalGraph, triples: Sequence[Triple], tests: LabelTests, permutations: int, seed: int
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


def _violations(triples: Sequence[Triple], tests: LabelTests) -> int:
    return int((holm([tests.result(triple).p_value for triple in triples]) <= LEVEL).sum())


def _class(edges: Sequence[tuple[int, int]]) -> tuple[frozenset, frozenset]:
    """The Markov equivalence class: which nodes are joined, and which that are not have a common child."""
    joined, parents = frozenset(map(frozenset, edges)), {}
    for cause, effect in edges:
        parents.setdefault(effect, []).append(cause)
    pairs = ((frozenset(pair), node) for node, causes in parents.items() for pair in itertools.combinations(causes, 2))
    return joined, frozenset(collider for collider in pairs if collider[0] not in joined)
