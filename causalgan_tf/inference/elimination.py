"""Variable elimination: exact probabilities of a few discrete labels from the tables P(node | parents) of many.

Nodes that are neither asked about nor seen are summed out one after the other, so that no table is over all labels
(Zhang and Poole 1994; Koller and Friedman 2009, chapter 9). An intervention cuts the edges into a node and fixes it
first; nodes without a descendant that is asked about or seen play no part, and their tables are not asked for.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import networkx as nx
import numpy as np
from networkx.algorithms.approximation import treewidth_min_fill_in

from causalgan_tf.errors import TooLargeError
from causalgan_tf.graphs import names
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.tables import table_shape

MAX_FACTOR = 2**24  # numbers of one table; at most a GiB and a few seconds
IMPOSSIBLE = -(2**29)  # exponent of 0; the sum of two still fits in 32 bits
SHOWN = 100  # letters of the labels' names in a message

Scope = tuple[int, ...]  # places of nodes in the graph, ascending
Part = TypeVar("Part")


@dataclasses.dataclass(frozen=True)
class Factor:
    """Numbers of at least 0 over some nodes: mantissa * 2**exponent in each cell.

    Every cell has an exponent of its own: a product of thousands of probabilities is not rounded to 0, however far
    its cells lie apart, and a power of 2 changes no digit.

    Attributes:
        scope: the nodes, an axis each.
        mantissa: float64 [sizes of the nodes...], 0 or in [.5, 1).
        exponent: int32 of the same shape.

    Examples:
        >>> rare = Factor.of((0,), np.array([1e-300, 0.0]))
        >>> product = functools.reduce(Factor.times, [rare] * 10)
        >>> int(product.exponent[0]), float(product.without(0).mantissa) == float(product.mantissa[0])
        (-9965, True)
    """

    scope: Scope
    mantissa: np.ndarray
    exponent: np.ndarray

    @classmethod
    def of(cls, scope: Scope, numbers: np.ndarray, exponent: np.ndarray | int = 0) -> "Factor":
        """The factor of numbers * 2**exponent."""
        mantissa, shift = np.frexp(numbers)
        return cls(scope, mantissa, np.where(mantissa > 0, exponent + shift, np.int32(IMPOSSIBLE)))

    def times(self, other: "Factor") -> "Factor":
        """The product, over the nodes of both."""
        scope = tuple(sorted({*self.scope, *other.scope}))
        # an axis of length 1 for each node of the other factor alone
        here, there = (tuple(slice(None) if k in part.scope else None for k in scope) for part in (self, other))
        numbers = self.mantissa[here] * other.mantissa[there]
        return Factor.of(scope, numbers, self.exponent[here] + other.exponent[there])

    def without(self, k: int) -> "Factor":
        """The sum over the values of node k."""
        axis = self.scope.index(k)
        numbers, top = self.scaled(axis)
        return Factor.of(self.scope[:axis] + self.scope[axis + 1 :], numbers.sum(axis), top.squeeze(axis))

    def scaled(self, axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Plain numbers and the exponent that all of them, or those along an axis, have in common."""
        top = self.exponent.max(axis=axis, keepdims=True)
        # what vanishes here is below the last digit of the number that it is added to
        with np.errstate(under="ignore"):
            return np.ldexp(self.mantissa, self.exponent - top), top


@dataclasses.dataclass(frozen=True)
class Mass:
    """P(wanted, condition | do(x)) = table * 2**exponent.

    >>> condition, both = Mass(np.array([0.75]), -2_000), Mass(np.array([0.5, 0.25]), -2_001)
    >>> both.over(condition)  # though neither is a number that a float64 holds
    0.5

    Attributes:
        table: float64 [sizes of the wanted nodes...], largest number in [.5, 1), or all 0.
        exponent: of 2.
    """

    table: np.ndarray
    exponent: int

    def over(self, other: "Mass") -> float:
        """The ratio of the sums of two masses, the other one's not 0."""
        return math.ldexp(float(self.table.sum() / other.table.sum()), self.exponent - other.exponent)


def eliminate(
    graph: CausalGraph,
    table: Callable[[str], np.ndarray],
    wanted: Sequence[str],
    do: Mapping[str, int],
    allowed: Mapping[str, np.ndarray],
) -> Mass:
    """The probability of each cell of the wanted nodes together with a condition, under do(x).

    Args:
        graph: over discrete labels.
        table: of a node the float64 P(node | parents), [sizes of the parents..., size of the node], parents in graph
            order; asked for nodes that matter alone.
        wanted: nodes of the result, an axis each in this order; none: the probability of the condition.
        do: node to the number that it is set to.
        allowed: node to the values that the condition admits, bool [size].

    Raises:
        InputError: a table of more than MAX_FACTOR numbers would be needed; it is raised before any table is asked for.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Ill -> Tired")
        >>> tables = {"Old": np.array([0.5, 0.5]), "Ill": np.array([[1.0, 0.0], [0.5, 0.5]])}
        >>> mass = eliminate(graph, tables.__getitem__, ["Ill"], {}, {"Old": np.array([True, True])})
        >>> mass.table, mass.exponent  # P(Ill) = .75, .25; nobody asked for Tired
        (array([0.75, 0.25]), 0)
    """
    factors, order, fixed = _factors(graph, table, wanted, do, allowed)
    left = _along(order, factors, lambda factor: factor.scope, lambda parts, k: _product(parts).without(k))
    return _mass(graph, _product(left), wanted, fixed)


def backward(
    graph: CausalGraph,
    table: Callable[[str], np.ndarray],
    do: Mapping[str, int],
    allowed: Mapping[str, np.ndarray],
) -> tuple[Mass, list[tuple[int, Factor]], Mapping[str, int]]:
    """What is needed to draw the ancestors of a condition from their distribution given it.

    Elimination backwards (Koller and Friedman 2009, section 12.3): the node that was summed out last is drawn first.

    Args:
        graph: as in `eliminate`.
        table: as there.
        do: as there.
        allowed: as there.

    Returns:
        The probability of the condition; (node, factor) in the order of drawing, each factor's nodes but its own drawn
        before; and the nodes that have one value alone.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Ill")
        >>> tables = {"Old": np.array([0.5, 0.5]), "Ill": np.array([[1.0, 0.0], [0.5, 0.5]])}
        >>> mass, steps, fixed = backward(graph, tables.__getitem__, {}, {"Ill": np.array([False, True])})
        >>> float(mass.table) * 2**mass.exponent, [k for k, _ in steps], fixed
        (0.25, [0], {'Ill': 1})
    """
    factors, order, fixed = _factors(graph, table, (), do, allowed)
    steps = []

    def join(parts: list[Factor], k: int) -> Factor:
        steps.append((k, _product(parts)))
        return steps[-1][1].without(k)

    left = _along(order, factors, lambda factor: factor.scope, join)
    return _mass(graph, _product(left), (), fixed), steps[::-1], fixed


def _factors(
    graph: CausalGraph,
    table: Callable[[str], np.ndarray],
    wanted: Sequence[str],
    do: Mapping[str, int],
    allowed: Mapping[str, np.ndarray],
) -> tuple[list[Factor], list[int], dict[str, int]]:
    """Factors of what matters, an order to sum nodes out, and the nodes of one value."""
    seen = {node: int(mask.argmax()) for node, mask in allowed.items() if mask.sum() == 1}
    fixed = {**seen, **do}
    relevant = [node for node in ancestors(graph, [*wanted, *allowed], do) if node not in do]
    scopes = {node: _scope(graph, [*graph.parents[node], node], fixed) for node in relevant}
    free = _scope(graph, wanted, fixed)
    order = elimination_order([*scopes.values(), free], free)
    _check_size(graph, [*scopes.values(), free], order)
    factors = [_condition(graph, node, mask, do) for node, mask in allowed.items() if node in do or node not in seen]
    # the largest first: one that is refused costs no other
    for node in sorted(relevant, key=lambda node: -math.prod(table_shape(graph, node)[:-1])):
        place = tuple(fixed.get(name, slice(None)) for name in (*graph.parents[node], node))
        factors.append(Factor.of(scopes[node], table(node)[place]))
    return factors, order, fixed


def ancestors(graph: CausalGraph, nodes: Iterable[str], do: Collection[str]) -> list[str]:
    """Nodes with all their ancestors in the graph without the edges into `do`, in graph order.

    >>> ancestors(CausalGraph.from_text("A -> B -> C -> D"), ["C"], do=["B"])
    ['B', 'C']
    """
    found, ahead = set(), list(nodes)
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead += [] if node in do else graph.parents[node]
    return sorted(found, key=graph.index)


def elimination_order(scopes: Sequence[Scope], last: Scope) -> list[int]:
    """An order in which to sum nodes out that keeps tables small: networkx' minimum fill-in heuristic.

    Args:
        scopes: the nodes of each factor.
        last: nodes that stay.

    >>> elimination_order([(0,), (0, 1), (1, 2), (2, 3)], last=(3,))
    [0, 1, 2]
    """
    moral = nx.Graph()
    # those that stay share a table at the end
    for scope in (*scopes, last):
        moral.add_nodes_from(scope)
        moral.add_edges_from(itertools.combinations(scope, 2))
    if not moral:
        return []
    _, tree = treewidth_min_fill_in(moral)
    root = next(bag for bag in tree if bag.issuperset(last))
    above = dict(nx.bfs_predecessors(tree, root))
    order = []
    # from the leaves: what the bag above does not hold occurs nowhere else
    for bag in nx.dfs_postorder_nodes(tree, root):
        order += sorted(bag - above.get(bag, frozenset(last)))
    return order


def _along(
    order: Sequence[int],
    parts: Iterable[Part],
    scope: Callable[[Part], Iterable[int]],
    join: Callable[[list[Part], int], Part],
) -> list[Part]:
    """What is left of parts with scopes when for each node in turn those that hold it are joined to one without it."""
    place = {k: i for i, k in enumerate(order)}
    # each part waits for the first of its nodes, so that no step searches through all parts
    buckets: list[list[Part]] = [[] for _ in range(len(order) + 1)]

    def put(part: Part) -> None:
        buckets[min((place[k] for k in scope(part) if k in place), default=len(order))].append(part)

    for part in parts:
        put(part)
    for i, k in enumerate(order):
        put(join(buckets[i], k))
    return buckets[-1]


def _check_size(graph: CausalGraph, scopes: Iterable[Scope], order: Sequence[int]) -> None:
    """TooLargeError if a table of an elimination would be too large."""
    sizes = [variable.size for variable in graph.variables.values()]
    joined = [frozenset(scope) for scope in scopes]

    def join(parts: list[frozenset[int]], k: int) -> frozenset[int]:
        joined.append(frozenset().union(*parts))
        return joined[-1] - {k}

    _along(order, list(joined), lambda scope: scope, join)
    largest = max(joined, key=lambda scope: math.prod(sizes[k] for k in scope))
    size = math.prod(sizes[k] for k in largest)
    if size > MAX_FACTOR:
        together = names.listed([graph.nodes[k] for k in sorted(largest)], SHOWN)
        raise TooLargeError(
            f"An exact answer needs a table of {size:,} numbers over {len(largest)} labels ({together}): expected at "
            f"most {MAX_FACTOR:,}. Ask for fewer labels, set some by do, or draw rows with `sample` instead."
        )


def _scope(graph: CausalGraph, nodes: Iterable[str], fixed: Mapping[str, int]) -> Scope:
    return tuple(sorted(graph.index(node) for node in nodes if node not in fixed))


def _condition(graph: CausalGraph, node: str, mask: np.ndarray, do: Mapping[str, int]) -> Factor:
    """1 where a condition on a node is met, else 0."""
    numbers = np.asarray(mask, np.float64)
    return Factor.of((), numbers[do[node]]) if node in do else Factor.of((graph.index(node),), numbers)


def _product(factors: Iterable[Factor]) -> Factor:
    # small ones first: the product is large for the last of them only
    return functools.reduce(
        Factor.times, sorted(factors, key=lambda part: part.mantissa.size), Factor.of((), np.ones(()))
    )


def _mass(graph: CausalGraph, factor: Factor, wanted: Sequence[str], fixed: Mapping[str, int]) -> Mass:
    """A factor over the wanted nodes that are not fixed, as the mass of all of them."""
    numbers, top = factor.scaled()
    free = [node for node in wanted if node not in fixed]
    axes = sorted(free, key=graph.index)
    full = np.zeros([graph.variables[node].size for node in wanted])
    full[tuple(fixed.get(node, slice(None)) for node in wanted)] = numbers.transpose(
        [axes.index(node) for node in free]
    )
    return Mass(full, int(top.item()))
