"""Label cells: joint values of discrete labels as numbered cells.

The code of a cell is sum_k value_k stride_k, columns in graph order and the first one fastest: stride_k is the
product of the sizes before k. Of binary labels that is sum_k label_k 2**k.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import one_code

MAX_CELLS = 2**20  # of one distribution or table; more would not fit beside others in memory
CHANGES = 9  # other values that a label is changed to, the most frequent ones
MAX_SIZE = 256  # values of a label: rows are bytes


def enumerable(graph: CausalGraph) -> bool:
    """Whether all labels are discrete, of known categories, and have at most MAX_CELLS joint cells."""
    return bool(graph.sizes) and 0 < math.prod(graph.sizes) <= MAX_CELLS


def check_enumerable(graph: CausalGraph) -> None:
    """InputError that says why a graph is not `enumerable`."""
    cell_count(discrete_sizes(graph))


def cells(sizes: int | Sequence[int]) -> np.ndarray:
    """Label vectors of all codes, uint8 [cells, K].

    Args:
        sizes: number of values of each label; an int K: of K binary labels.

    Raises:
        InputError: more than MAX_CELLS cells.
    """
    sizes = (2,) * sizes if isinstance(sizes, int) else tuple(sizes)
    rows, stride = np.empty([cell_count(sizes), len(sizes)], np.uint8), 1
    for k, size in enumerate(sizes):
        rows.reshape([-1, size, stride, len(sizes)])[..., k] = np.arange(size)[:, None]
        stride *= size
    return rows


def row_codes(rows: np.ndarray, sizes: Sequence[int] | None = None) -> np.ndarray:
    """Cell code of each label row.

    Args:
        rows: label rows [n, K].
        sizes: number of values of each label; None: all are binary.

    Returns:
        int64 [n].

    Raises:
        InputError: a value that a label of this size does not have.
    """
    rows = np.asarray(rows)
    sizes = (2,) * rows.shape[1] if sizes is None else tuple(sizes)
    if math.prod(sizes) > 2**63:
        raise InputError(f"The cells of {len(sizes)} labels cannot be numbered: expected at most 2**63 cells.")
    for k, size in enumerate(sizes):
        odd = rows[:, k][~has_value(rows[:, k], size)]
        if odd.size:
            raise InputError(f"label column {k}: expected whole numbers from 0 to {size - 1}, got {odd[0]}.")
    return one_code(list(rows.T), sizes) if sizes else np.zeros(len(rows), np.int64)


@dataclasses.dataclass(frozen=True, repr=False)
class ObservedCells:
    """Which label cells a data set holds, see data.dataset.observed_cells.

    >>> observed = ObservedCells((2, 2), (np.zeros(0), np.array([3.5])), np.array([0, 3]))
    >>> observed.holds(np.array([[0, 1.0], [1, 1.0], [1, 9.0]]))  # a binary label and a number cut at 3.5
    array([ True, False,  True])
    >>> observed
    ObservedCells: 2 of 4 cells of 2 labels

    Attributes:
        sizes: number of values or bins of each of K labels.
        edges: of each label the numbers, ascending, between its bins; empty where it is discrete.
        codes: int64, ascending, the numbers of the cells, see data.dataset.label_cells.
        examples: a label row [M, K] of each cell, those of the cells with most rows first; not of all cells where
            there are many. None: read from a file.
        counts: int64, how many rows each cell has; None: read from a file.
    """

    sizes: tuple[int, ...]
    edges: tuple[np.ndarray, ...]
    codes: np.ndarray
    examples: np.ndarray | None = None
    counts: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"ObservedCells: {len(self.codes):,} of {math.prod(self.sizes):,} cells of {len(self.sizes)} labels"

    def with_rows(self, least: int) -> np.ndarray:
        """The codes of the cells with at least so many rows; all of them where counts are not known."""
        return self.codes if self.counts is None else self.codes[self.counts >= least]

    def values(self, rows: np.ndarray) -> np.ndarray:
        """The value or bin of each label of rows [n, K], a number on an edge in the lower bin: int64 [n, K]."""
        columns = [
            np.searchsorted(edges, column.astype(np.float64)) if len(edges) else np.rint(column)
            for column, edges in zip(np.asarray(rows).T, self.edges, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.int64)

    def holds(self, rows: np.ndarray) -> np.ndarray:
        """Whether the data hold the cell of each label row [n, K]: bool [n]."""
        return np.isin(row_codes(self.values(rows), self.sizes), self.codes)

    def vectors(self) -> np.ndarray:
        """The cells as values or bins of each label: int64 [cells, K]."""
        strides = np.concatenate([[1], np.cumprod(np.array(self.sizes[:-1], np.int64))]).astype(np.int64)
        return self.codes[:, None] // strides % np.array(self.sizes, np.int64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file: neighbouring codes as FIRST-LAST, for there may be thousands."""
        starts = np.flatnonzero(np.diff(self.codes, prepend=-2) != 1)
        firsts, lasts = self.codes[starts].tolist(), self.codes[np.append(starts[1:], len(self.codes)) - 1].tolist()
        runs = [f"{first}-{last}" if last > first else str(first) for first, last in zip(firsts, lasts, strict=True)]
        return {"sizes": list(self.sizes), "edges": [own.tolist() for own in self.edges], "codes": " ".join(runs)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ObservedCells":
        """What `to_json` wrote; KeyError, TypeError, ValueError or AttributeError for anything else."""
        ends = [[int(end) for end in run.split("-")] for run in values["codes"].split()]
        codes = np.concatenate([np.arange(0), *(np.arange(run[0], run[-1] + 1) for run in ends)]).astype(np.int64)
        edges = tuple(np.array(own, np.float64) for own in values["edges"])
        sizes = tuple(int(size) for size in values["sizes"])
        if len(edges) != len(sizes) or (np.diff(codes) < 1).any():
            raise ValueError("the observed cells are not as they were written.")
        return cls(sizes, edges, codes)


def other_values(column: np.ndarray, size: int | None) -> np.ndarray:
    """What each value of a label is changed to, [changes, size]: the most frequent other values of a column of rows.

    A number, of size None, is never changed.

    >>> other_values(np.array([0, 1, 1, 2, 2, 2]), 3).tolist()  # 0 to 2 or 1, 1 to 2 or 0, 2 to 1 or 0
    [[2, 2, 1], [1, 0, 0]]
    """
    if (size or 0) < 2:
        return np.zeros([0, 0], np.int64)
    order = np.argsort(-np.bincount(column.astype(int), minlength=size), kind="stable")
    return np.stack([order[order != value][:CHANGES] for value in range(size)], axis=1)


def added_up(cells: ObservedCells) -> int:
    """How many cells without data there are that three cells with data add up to.

    >>> added_up(ObservedCells((2, 2), (np.zeros(0),) * 2, np.array([0, 1, 3]), np.array([[0, 0], [1, 0], [1, 1]])))
    1
    """
    sizes = cells.sizes[::-1]  # of the codes the first label is the fastest
    seen = np.zeros(math.prod(sizes), bool)
    seen[cells.codes] = True
    seen = seen.reshape(sizes)
    found = np.zeros_like(seen)
    for k, edges in enumerate(cells.edges):
        seen_by, found_by = (np.moveaxis(grid, len(sizes) - 1 - k, 0) for grid in (seen, found))
        size = None if len(edges) else cells.sizes[k]
        for table in other_values(cells.examples[:, k], size):
            for value, other in enumerate(table):
                if (seen_by[value] & seen_by[other]).any():
                    found_by[value] |= seen_by[other]
    return int((found & ~seen).sum())


def histogram(rows: np.ndarray, sizes: Sequence[int] | None = None) -> np.ndarray:
    """Relative frequencies of the cells of label rows [n, K]: float64 [cells], sum 1; arguments as of `row_codes`.

    Raises:
        InputError: no rows, more than MAX_CELLS cells, or a value that a label of this size does not have.
    """
    if not len(rows):
        raise InputError("histogram: expected at least one label row, got none.")
    count = cell_count((2,) * rows.shape[1] if sizes is None else sizes)
    return np.bincount(row_codes(rows, sizes), minlength=count) / len(rows)


def cell_count(sizes: Sequence[int]) -> int:
    """How many cells labels of these sizes have; InputError beyond MAX_CELLS."""
    count = math.prod(sizes)
    if count > MAX_CELLS:
        raise InputError(
            f"The joint distribution of {len(sizes)} labels has {count:,} cells: expected at most {MAX_CELLS:,}. "
            "Ask for a smaller graph."
        )
    return count


def discrete_sizes(graph: CausalGraph) -> tuple[int, ...]:
    """How many values each node has; InputError for a continuous node, or one of unknown or too many categories."""
    for node, variable in graph.variables.items():
        if variable.size is None:
            raise InputError(f"A distribution over cells needs binary and categorical labels; {node!r} is continuous.")
        if variable.size == 0:
            raise InputError(f"The graph leaves the categories of {node!r} to the table. Name them in the graph.")
        if variable.size > MAX_SIZE:
            raise InputError(f"{node!r} has {variable.size:,} categories; a distribution takes at most {MAX_SIZE}.")
    return tuple(variable.size for variable in graph.variables.values())


def has_value(column: np.ndarray, size: int) -> np.ndarray:
    """Whether each number of a column [n] is one of 0, 1, ..., size - 1."""
    return (column >= 0) & (column < size) & (np.floor(column) == column)
