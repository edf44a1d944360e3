"""Conditional probabilities of discrete labels as tables, P(node | parents), made and checked when first asked for."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError, TooLargeError
from causalgan_tf.graphs.cells import MAX_CELLS
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.soft_do import Law, Soft, user_columns

MAX_PARENT_CELLS = 4_096  # of a node whose mechanism is asked in each of them
TOLERANCE = 1e-6  # by which the probabilities of a table may miss 1

Mechanism = Callable[[str, np.ndarray], np.ndarray]


class ConditionalTables(Mapping[str, np.ndarray]):
    """The tables of a graph's nodes, float64 [sizes of the parents..., size of the node], each row with sum 1.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Ill")
        >>> tables = ConditionalTables(graph, lambda node: [0.2, 0.6] if node == "Ill" else 0.5)
        >>> tables["Ill"]  # nobody has asked for Old yet
        array([[0.8, 0.2],
               [0.4, 0.6]])
    """

    def __init__(self, graph: CausalGraph, make: Callable[[str], Any]) -> None:
        """Tables that are not made yet.

        Args:
            graph: over discrete labels of known categories.
            make: of a node its table; of a binary node also P(node = 1 | parents), [sizes of the parents...].
        """
        self.graph, self._make = graph, make
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, node: str) -> np.ndarray:
        """A node's table; InputError if what was made is none, or would have more than MAX_CELLS numbers."""
        if node not in self.graph.parents:
            raise KeyError(node)
        if node not in self._made:
            shape = table_shape(self.graph, node)
            if math.prod(shape) > MAX_CELLS:
                raise TooLargeError(
                    f"table of {node!r}: its {len(shape) - 1} parents and itself have {math.prod(shape):,} cells: "
                    f"expected at most {MAX_CELLS:,}. Give it fewer parents, or draw rows with `sample` instead."
                )
            binary = isinstance(self.graph.variables[node], Binary)
            self._made[node] = _checked(node, np.asarray(self._make(node), np.float64), shape, binary)
        return self._made[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self.graph.nodes)

    def __len__(self) -> int:
        return len(self.graph)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **other}


def table_shape(graph: CausalGraph, node: str) -> tuple[int, ...]:
    """The shape of a node's table: sizes of its parents in graph order, then its own."""
    return tuple(graph.variables[name].size for name in (*graph.parents[node], node))


def mechanism_table(graph: CausalGraph, mechanism: Mechanism, node: str) -> np.ndarray:
    """P(node | parents) of a mechanism that is asked in every setting of the parents.

    Args:
        graph: over discrete labels.
        mechanism: (node, settings float32 [cells, P] of its parents, one number a parent in the order of
            graph.parents[node]) -> probabilities float64 [cells, size]; of a model LabelSampler.conditional.
        node: the node.

    Returns:
        float64 [sizes of the parents..., size of the node].

    Raises:
        InputError: parents of more than MAX_PARENT_CELLS cells.

    Example:
        >>> graph = CausalGraph.from_text("Old -> Ill")
        >>> mechanism_table(graph, lambda node, parents: np.array([[1.0, 0.0], [0.75, 0.25]]), "Ill")
        array([[1.  , 0.  ],
               [0.75, 0.25]])
    """
    check_parent_cells(graph, node)
    *sizes, size = table_shape(graph, node)
    settings = np.array(list(np.ndindex(*sizes)), np.float32).reshape([math.prod(sizes), len(sizes)])
    return mechanism(node, settings).reshape([*sizes, size])


def soft_table(graph: CausalGraph, node: str, soft: Soft, natural: np.ndarray) -> np.ndarray:
    """P(node | parents) under a soft intervention, of the shape of its natural table.

    Args:
    graph: over discrete labels.
    node: the node.
    soft: the law or the formula that do gives it.
    natural: its table without it, float64 [sizes of the parents..., size of the node].

    Raises:
    InputError: a formula that gives a value that the node does not have.

    Example:
    >>> from causalgan_tf.inference.soft_do import Formula
    >>> graph = CausalGraph.from_text("Old -> Ill")
    >>> soft_table(graph, "Ill", Formula("max(Ill, Old)"), np.array([[0.9, 0.1], [0.8, 0.2]]))
    array([[0.9, 0.1],
           [0. , 1. ]])
    """
    variable = graph.variables[node]
    if isinstance(soft, Law):
        return np.broadcast_to(soft.shares(variable), natural.shape)
    cells = np.array(list(np.ndindex(*natural.shape)))
    scope = [*graph.parents[node], node]
    rows = np.zeros([len(cells), len(graph)])
    rows[:, [graph.index(name) for name in scope]] = cells
    places = soft.numbers(node, variable, user_columns(graph, scope, rows)).astype(int)
    table = np.zeros([len(cells) // variable.size, variable.size])
    np.add.at(table, (np.arange(len(cells)) // variable.size, places), natural.ravel())
    return table.reshape(natural.shape)


def tables_under(graph: CausalGraph, tables: Mapping[str, np.ndarray], query: Query) -> Callable[[str], np.ndarray]:
    """Of a node its table under the soft interventions of a query, made once; constants are not in it."""

    @functools.cache
    def table(node: str) -> np.ndarray:
        soft = query.soft.get(node)
        return tables[node] if soft is None else soft_table(graph, node, soft, tables[node])

    return table


def check_parent_cells(graph: CausalGraph, *nodes: str) -> None:
    """InputError if a mechanism cannot be asked in every setting of its parents: those of all nodes, or of some."""
    for node in nodes or graph.nodes:
        count = math.prod(table_shape(graph, node)[:-1])
        if count > MAX_PARENT_CELLS:
            raise TooLargeError(
                f"The parents of {node} have {count:,} cells; its mechanism can be drawn in at most "
                f"{MAX_PARENT_CELLS:,}. Draw rows with `sample` instead."
            )


def _checked(node: str, table: np.ndarray, shape: tuple[int, ...], binary: bool) -> np.ndarray:
    """A table with an axis for the node's own values, each row with sum 1."""
    if table.shape != shape and not (binary and table.shape == shape[:-1]):
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


def _listed(numbers: np.ndarray) -> str:
    return np.array2string(numbers.ravel(), threshold=8, precision=6)
