"""Settings of labels' parents, counted in rows; a number is cut at the quartiles of the training rows."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalgan_tf.data.dataset import BINS, cell_edges
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Variable

DENSE = 2**20  # settings that are counted in a plain array
MOST = 2**62  # settings that are numbered


@dataclasses.dataclass(frozen=True)
class ParentCells:
    """The settings of a node's parents that N training rows hold, and how many of these M other rows meet.

    >>> cut = CutRows(CausalGraph.from_text("Old -> Ill"), np.array([[0, 0], [0, 1], [1, 0]]))
    >>> cut.beside(np.array([[1, 1], [0, 0]]))
    >>> cells = cut.cells("Ill")
    >>> cells.of, cells.rows.tolist(), cells.place.tolist(), cells.met.tolist()
    (2, [2, 1], [0, 0, 1], [1, 2])

    Attributes:
        of: settings that there are.
        rows: int64 [C], training rows of each setting that has any.
        first: int64 [C], one of these rows.
        place: int64 [N], the setting of each training row.
        codes: int64 [C], the settings' numbers, the first parent fastest; None: `of` is too large to number them.
        met: int64 [M], training rows in the setting of each other row.
    """

    of: int
    rows: np.ndarray
    first: np.ndarray
    place: np.ndarray
    codes: np.ndarray | None
    met: np.ndarray


class CutRows:
    """Training rows [N, K], numbers cut into bins, and other rows cut alike.

    >>> cut = CutRows(CausalGraph.from_text("Old -> Ill"), np.array([[0, 0], [0, 1], [1, 0]]))
    >>> cut.cells("Ill").rows.tolist()
    [2, 1]
    """

    def __init__(self, graph: CausalGraph, rows: np.ndarray) -> None:
        """Cuts the rows; each column is kept by itself, as bytes."""
        self.graph, self.n = graph, len(rows)
        edges = cell_edges(graph, rows, BINS)
        # where many rows are equal, bins fall together
        self.edges = [np.unique(e[e < rows[:, k].max()]) if len(e) else e for k, e in enumerate(edges)]
        cuts = zip(graph.variables.values(), self.edges, strict=True)
        self.sizes = [variable.size or len(own) + 1 for variable, own in cuts]
        self.columns = self._cut(rows)
        self.others = np.zeros([len(graph), 0], np.uint8)

    def beside(self, others: np.ndarray) -> None:
        """Sets the other rows [M, K]."""
        self.others = self._cut(others)

    def cells(self, node: str) -> ParentCells:
        """The settings of a node's parents."""
        parents = [self.graph.index(parent) for parent in self.graph.parents[node]]
        sizes = [self.sizes[k] for k in parents]
        own, met, numbered = self._codes(parents, sizes)
        of = math.prod(sizes)
        if of <= DENSE:
            counts = np.bincount(own, minlength=of)
            codes = np.flatnonzero(counts)
            place = np.cumsum(counts > 0)[own] - 1
            first = np.empty(len(codes), np.int64)
            first[place[::-1]] = np.arange(self.n)[::-1]
            return ParentCells(of, counts[codes], first, place, codes, counts[met])
        codes, first, place, rows = np.unique(own, return_index=True, return_inverse=True, return_counts=True)
        there = np.searchsorted(codes, met).clip(max=len(codes) - 1)
        found = np.where(codes[there] == met, rows[there], 0)
        return ParentCells(of, rows, first, place, codes if numbered else None, found)

    def shown(self, node: str, values: Sequence[int]) -> dict[str, Any]:
        """A setting of a node's parents as users write it, from their places; numbers as intervals such as 20..30."""
        return {
            parent: self._value(self.graph.index(parent), int(value))
            for parent, value in zip(self.graph.parents[node], values, strict=True)
        }

    def setting(self, node: str, code: int) -> list[int]:
        """The places of a node's parents in the setting of a number."""
        places = []
        for parent in self.graph.parents[node]:
            code, place = divmod(code, self.sizes[self.graph.index(parent)])
            places.append(place)
        return places

    def places(self, node: str, row: int) -> list[int]:
        """The places of a node's parents in a training row."""
        return [int(self.columns[self.graph.index(parent), row]) for parent in self.graph.parents[node]]

    def _cut(self, rows: np.ndarray) -> np.ndarray:
        """uint8 [K, rows]: categories are at most 256, bins few."""
        return np.stack(
            [
                (np.searchsorted(edges, rows[:, k]) if variable.size is None else rows[:, k]).astype(np.uint8)
                for k, (variable, edges) in enumerate(zip(self.graph.variables.values(), self.edges, strict=True))
            ]
        )

    def _codes(self, parents: Sequence[int], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray, bool]:
        """Numbers of the parents' settings of both sets of rows, and whether these are the settings' own numbers."""
        code, stride, numbered = np.zeros(self.n + self.others.shape[1], np.int64), 1, True
        for k, size in zip(parents, sizes, strict=True):
            if stride * size > MOST:
                # numbered anew: there are no more of them than rows
                code, stride, numbered = np.unique(code, return_inverse=True)[1], len(code), False
            code += np.concatenate([self.columns[k], self.others[k]]).astype(np.int64) * stride
            stride *= size
        return code[: self.n], code[self.n :], numbered

    def _value(self, k: int, place: int) -> Any:
        variable, edges = list(self.graph.variables.values())[k], self.edges[k]
        if variable.size is not None:
            return variable.shown(place)
        low, high = (_digits(variable, edges[end]) if 0 <= end < len(edges) else "" for end in (place - 1, place))
        return f"{low}..{high}"


def _digits(variable: Variable, number: float) -> str:
    """An end of a bin, with four digits, or with its whole part where there is an offset."""
    return f"{variable.shown(number):.0f}" if variable.offset else f"{variable.shown(number):.4g}"
