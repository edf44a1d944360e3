"""Checks of the arguments of a model's methods: numbers of rows, seeds, and rows of labels."""

from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.errors import InputError, brief
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import LARGEST, Variable

SEED = 2**63 - 1  # the largest


def whole(name: str, value: Any, low: int, high: int | None = None, unit: str = "") -> int:
    """An argument that must be a whole number; InputError for another type or a number out of its bounds.

    Example:
        >>> whole("n", np.int64(3), low=1)
        3
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        hint = f" Write {value:.0f}." if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else ""
        raise InputError(f"{name}: expected an integer, got {_told(value)}.{hint}")
    if value < low:
        raise InputError(f"{name}: expected at least {low}{unit}, got {brief(value)}.")
    if high is not None and value > high:
        raise InputError(f"{name}: expected at most {high}, got {brief(value)}.")
    return int(value)


def row_seeds(seeds: Any) -> np.ndarray:
    """The seeds of rows as int64 [n]; InputError for what `sample` has not given."""
    expected = "expected the seeds of rows, one integer each, such as samples.seeds"
    if not isinstance(seeds, np.ndarray | pd.Series | pd.Index | list | tuple):
        raise InputError(f"seeds: {expected}; got {_told(seeds)}.")
    try:
        array = np.asarray(seeds)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"seeds: {expected}; got values of several shapes.") from error
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"seeds: {expected}; got {array.dtype} {list(array.shape)}.")
    if array.dtype.kind == "u" and len(array) and array.max() > SEED:
        raise InputError(f"seeds: expected integers below 2**63, got {array.max()}.")
    return array.astype(np.int64, copy=False)


def label_rows(graph: CausalGraph, labels: Any, between: bool = True) -> np.ndarray:
    """Labels as the networks take them, float32 [n, K].

    Args:
        graph: over K labels.
        labels: a data frame, whose columns are found by their names in any order and whose categories are named or
            numbered; or an array [n, K] of numbers, columns in graph order, a label's offset taken off.
        between: whether a binary label may lie between 0 and 1.

    Raises:
        InputError: missing or further columns, another width, or a value that a label does not have.

    Example:
        >>> graph = CausalGraph.from_text("A -> B; B: categorical(no, yes)")
        >>> label_rows(graph, pd.DataFrame({"B": ["yes", "no"], "A": [0, 1]}))
        array([[0., 1.],
               [1., 0.]], dtype=float32)
    """
    if isinstance(labels, pd.DataFrame):
        check_columns(graph, labels)
        columns, offsets = (
            [labels[node] for node in graph.nodes],
            [graph.variables[node].offset for node in graph.nodes],
        )
    else:
        columns, offsets = list(_array(graph, labels).T), [0.0] * len(graph)
    parts = zip(graph.nodes, graph.variables.values(), columns, offsets, strict=True)
    rows = [_numbers(*each, between) for each in parts]
    return np.stack(rows, axis=1)


def check_columns(graph: CausalGraph, frame: pd.DataFrame) -> None:
    """InputError unless a data frame has each node as a column, once, and nothing else."""
    names = list(frame.columns)
    for words, found in (
        ("lacks the columns", [node for node in graph.nodes if node not in names]),
        ("has columns that are no labels", [name for name in names if name not in graph.nodes]),
        ("has columns twice", [node for node in graph.nodes if names.count(node) > 1]),
    ):
        if found:
            told = brief(", ".join(map(str, found)))
            raise InputError(f"labels: the data frame {words}: {told}. Expected {brief(', '.join(graph.nodes))}.")


def frame_rows(graph: CausalGraph, rows: Any) -> np.ndarray:
    """Label rows float64 [n, K] of a data frame, NaN where a cell or a whole column is missing.

    Raises:
        InputError: no data frame or no rows, columns that are no labels, or a value that a label does not have.

    >>> frame_rows(CausalGraph.from_text("Old -> Smokes"), pd.DataFrame({"Old": [1, None]})).tolist()
    [[1.0, nan], [nan, nan]]
    """
    if not isinstance(rows, pd.DataFrame):
        raise InputError(f"counterfactual: expected a data frame of labels, got a {type(rows).__name__}.")
    if not len(rows):
        raise InputError("counterfactual: expected at least 1 row, got none.")
    unknown = [name for name in rows.columns if name not in graph.parents]
    if unknown:
        raise InputError(
            f"counterfactual: the data frame has columns that are no labels: {brief(', '.join(map(str, unknown)))}. "
            f"Expected some of {brief(', '.join(graph.nodes))}."
        )
    found = np.full([len(rows), len(graph)], np.nan)
    for node in rows.columns:
        seen = rows[node].notna().to_numpy()
        if seen.any():
            k, alone = graph.index(node), _single(graph, node)
            column = rows.loc[seen, [node]]
            found[seen, k] = label_rows(alone, column, between=False)[:, 0]
    return found


def _array(graph: CausalGraph, labels: Any) -> np.ndarray:
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError) as error:
        raise InputError(f"labels: expected an array [n, {len(graph)}], got rows of several lengths.") from error
    if array.ndim != 2 or array.shape[1] != len(graph):
        raise InputError(f"labels: expected [n, {len(graph)}], got {list(array.shape)}.")
    return array


def _numbers(node: str, variable: Variable, column: Any, offset: float, between: bool) -> np.ndarray:
    """A column of numbers that are more by an offset, or of a category's names, as float32 [n]."""
    values = column
    if variable.named:
        places = {name: place for place, name in enumerate(variable.categories)}
        values = [places.get(value, value) if isinstance(value, str) else value for value in column]
    plain = isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind in "biuf"
    wrong = np.zeros(len(values), bool) if plain else np.array([not _is_number(value) for value in values], bool)
    if not wrong.any():
        numbers = np.asarray(values, np.float64) - offset
        wrong = ~variable.holds(numbers)
        if variable.size and not between:
            wrong |= numbers != np.floor(numbers)
    if wrong.any():
        row = int(np.argmax(wrong))
        value = list(column)[row]
        told = brief(repr(value) if isinstance(value, str) else value, 60)
        expected = variable.expected_in_rows if between or variable.named else variable.expected
        raise InputError(f"labels: {node} of row {row} is {told}: expected {expected}.")
    return numbers.astype(np.float32)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating | np.bool_) and abs(value) <= LARGEST


def _single(graph: CausalGraph, node: str) -> CausalGraph:
    return CausalGraph({node: []}, {node: graph.variables[node]})


def _told(value: Any) -> str:
    """A value or, of what holds many, its type."""
    many = isinstance(value, np.ndarray | pd.DataFrame | pd.Series) or not isinstance(value, str | int | float | None)
    return f"a {type(value).__name__}" if many else brief(repr(value) if isinstance(value, str) else value)
