"""Tables of labels: data frames, parquet and csv files, CelebA's list_attr_celeba.txt, the latter two zipped or not."""

import csv
import dataclasses
import io
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.config import DataConfig
from causalgan_tf.data.columns import Table, is_missing, is_text, resolved
from causalgan_tf.data.images import Dataset
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graph import CausalGraph, load_graph
from causalgan_tf.variables import Categorical

NAME_COLUMNS = frozenset({"", "image", "images", "image_id", "image_name", "file", "filename", "file_name", "name"})
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A")  # in a file of text
PARQUET = (".parquet", ".pq")
SHOWN = 50  # names listed in one error message


@dataclasses.dataclass(frozen=True)
class LabelTable:
    """Label columns as numbers, and what the numbers mean.

    Attributes:
        graph: causal graph over K labels, the kind of every node resolved: categories, mean and deviation included.
        rows: numbers [N, K], columns in graph order, indexed by row name, or by row number from 0; uint8 if every
            label is binary or categorical, else float32.
        dropped: rows that were left out because they miss a value.
    """

    graph: CausalGraph
    rows: pd.DataFrame
    dropped: int = 0


@dataclasses.dataclass(frozen=True)
class _Layout:
    """How a file of text is written.

    Attributes:
        columns: names in the header.
        separator: what stands between the values, a regular expression.
        skip: lines up to and including the header.
        declared: rows that the file says it has, or None.
    """

    columns: tuple[str, ...]
    separator: str
    skip: int
    declared: int | None


def load_table(config: DataConfig, graph: CausalGraph | None = None) -> Dataset:
    """The rows of a label file as a data set without images.

    Args:
        config: `labels_file`, `graph` and `drop_missing`; every node of the graph is a column of the file.
        graph: the causal graph; None: the one that the configuration names.

    Returns:
        A data set whose `label_rows` are the rows of the file and whose graph knows the kind of every node.

    Raises:
        InputError: see `read_labels`.
    """
    table = read_labels(config.labels_file, graph or load_graph(config.graph), config.drop_missing)
    return Dataset(graph=table.graph, label_rows=table.rows.to_numpy(), dropped_rows=table.dropped)


def read_labels(path: str | pathlib.Path, graph: CausalGraph, drop_missing: bool = False) -> LabelTable:
    """Reads the label columns of a file.

    The file is CelebA's list_attr_celeba.txt (number of rows; header; image name and values, separated by spaces), a
    table with a header separated by commas, semicolons or tabs, a zip file that holds one such file, or a parquet
    file. The first column names the rows if its header says so (image, image_id, file, ...) or its values are no
    numbers.

    Args:
        path: the file.
        graph: every node is a column of the file; kinds that it declares are taken, the others read off the column.
        drop_missing: leave out the rows that miss a value of a node.

    Returns:
        The columns as numbers.

    Raises:
        InputError: the file is absent, empty, truncated or no table, a column is absent or there twice, a value is
            missing or not of the node's kind, the kind of a column is in doubt, or there are fewer than two rows.
    """
    path = pathlib.Path(path).expanduser()
    table = _parquet(path) if path.suffix.lower() in PARQUET else _text_table(path, graph)
    return _labels(_with_row_names(table, graph.nodes), graph, drop_missing)


def table_from_frame(frame: pd.DataFrame, graph: CausalGraph, drop_missing: bool = False) -> LabelTable:
    """The label columns of a data frame; arguments and errors as of `read_labels`, rows indexed as in the frame."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"table: expected a pandas DataFrame, got {type(frame).__name__}.")
    return _labels(Table("the data frame", frame.set_axis(frame.columns.map(str), axis=1)), graph, drop_missing)


def _contents(path: pathlib.Path) -> bytes:
    if not path.is_file():
        raise InputError(
            f"There is no labels file {str(path)!r}. Expected CelebA's list_attr_celeba.txt, a csv with a header, a "
            "zip file of one of them, or a parquet file; see --labels_file."
        )
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            files = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if len(files) == 1:
                return archive.read(files[0])
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is no complete zip file ({error}). Bring it again, or unpack it.") from error
    raise InputError(
        f"{path} holds {len(files)} files; expected one, the labels. Unpack it and give the file as --labels_file."
    )


def _layout(path: pathlib.Path, data: bytes) -> _Layout:
    lines = []
    try:
        for number, line in enumerate(io.BytesIO(data), 1):
            if line.strip():
                lines.append((number, line.decode("utf-8-sig").strip()))
            if len(lines) == 2:
                break
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text: {error}. Expected a csv or list_attr_celeba.txt.") from error
    declared = int(lines.pop(0)[1]) if lines and lines[0][1].isdecimal() else None
    if not lines:
        raise InputError(f"{path} is empty. Expected a header with the label names, then one row an image or unit.")
    skip, header = lines[0]
    separator = next((mark for mark in ",\t;" if mark in header), r"\s+")
    names = header.split() if separator == r"\s+" else next(csv.reader([header], delimiter=separator))
    return _Layout(tuple(name.strip() for name in names), separator, skip, declared)


def _text_table(path: pathlib.Path, graph: CausalGraph) -> Table:
    """The table in a file of text, with its column names; "" for a first column that the header leaves out."""
    data = _contents(path)
    layout = _layout(path, data)
    try:
        width = _parse(data, layout, nrows=1).shape[1]
        columns = ("",) * (width - len(layout.columns)) + layout.columns
        # all columns, for a row of the wrong width shifts its labels, and pandas lets it pass where columns are picked
        values = _parse(data, layout, dtype=_spelled(columns, graph), na_values=_missing_words(columns, graph))
    except pd.errors.EmptyDataError:
        columns, values = layout.columns, pd.DataFrame()
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table: {str(error).strip()}. Mend it, or bring the file again.") from error
    _check_shape(path, layout, values)
    return Table(str(path), values.set_axis(list(columns), axis=1), _row_lines(data, layout.skip, len(values)))


def _parse(data: bytes, layout: _Layout, **options: Any) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(data),
        sep=layout.separator,
        header=None,
        skiprows=layout.skip,
        encoding="utf-8-sig",
        skipinitialspace=True,
        keep_default_na=False,
        low_memory=False,
        **options,
    )


def _spelled(columns: Sequence[str], graph: CausalGraph) -> dict[int, type]:
    """The columns that are read as they are spelled: names of rows and declared categories, of which 01 may be one."""
    kinds = graph.declared
    return {k: str for k, name in enumerate(columns) if not k or isinstance(kinds.get(name), Categorical)}


def _missing_words(columns: Sequence[str], graph: CausalGraph) -> dict[int, list[str]]:
    """What stands for a missing value in each column; a declared category such as None is none."""
    categories = [getattr(graph.declared.get(name), "categories", ()) for name in columns]
    return {k: [word for word in MISSING if word not in names] for k, names in enumerate(categories)}


def _row_lines(data: bytes, skip: int, count: int) -> np.ndarray:
    """Numbers, from 1, of the lines behind the first `skip` that hold `count` rows: int64; blank lines hold none."""
    lines = data.split(b"\n")[skip:]
    filled = np.array([number for number, line in enumerate(lines, skip + 1) if line.strip()], np.int64)
    # a text with line ends fills several lines
    return filled[:count] if len(filled) >= count else np.arange(skip + 1, skip + 1 + count)


def _parquet(path: pathlib.Path) -> Table:
    if not path.is_file():
        raise InputError(f"There is no labels file {str(path)!r}; see --labels_file.")
    try:
        values = pd.read_parquet(path)
    except ImportError as error:
        raise InputError(f"{path}: reading parquet needs pyarrow: pip install pyarrow. Or bring a csv.") from error
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is no parquet file: {error}. Bring it again, or a csv.") from error
    return Table(str(path), values.set_axis(values.columns.map(str), axis=1))


def _with_row_names(table: Table, nodes: Sequence[str]) -> Table:
    """The table with its first column as the index, if that names the rows."""
    if not (table.values.shape[1] and isinstance(table.values.index, pd.RangeIndex)):
        return table
    header, first = table.values.columns[0], table.values.iloc[:, 0]
    named = header.lower() in NAME_COLUMNS
    if header in nodes or not (named or is_text(first)):
        return table
    unnamed = np.flatnonzero(first.isna())
    if unnamed.size and not named:  # a column of texts beside the labels, with gaps
        return table
    if unnamed.size:
        raise InputError(f"{table.source}: {unnamed.size} rows have no name, first on {table.place(unnamed[0])}.")
    return dataclasses.replace(table, values=table.values.set_index(header))


def _check_shape(path: pathlib.Path, layout: _Layout, values: pd.DataFrame) -> None:
    rows, width = values.shape
    twice = sorted({name for name in layout.columns if layout.columns.count(name) > 1})
    if twice:
        raise InputError(f"{path}: the header names {', '.join(map(repr, twice))} more than once. Remove one.")
    if not rows:
        raise InputError(f"{path} has a header but no rows. Expected one row an image or unit.")
    if layout.declared not in (None, rows):
        raise InputError(
            f"{path}: the first line says {layout.declared:,} rows, the file has {rows:,}. It seems truncated: bring "
            "it again, or correct the first line."
        )
    if width not in (len(layout.columns), len(layout.columns) + 1):
        raise InputError(f"{path}: the header has {len(layout.columns)} names, the rows have {width} values.")


def _labels(table: Table, graph: CausalGraph, drop_missing: bool) -> LabelTable:
    """The columns of the nodes as numbers."""
    _check_columns(table, graph.nodes)
    table = dataclasses.replace(table, values=table.values[list(graph.nodes)])
    whole = _without_missing(table, drop_missing)
    if len(whole.values) < 2:
        raise InputError(
            f"{table.source}: {len(whole.values)} of {len(table.values):,} rows can be used. Expected at least 2."
        )
    columns = {node: resolved(whole, node, graph.declared.get(node)) for node in graph.nodes}
    numbers = np.stack([numbers for _, numbers in columns.values()], axis=1)
    rows = pd.DataFrame(numbers, index=whole.values.index, columns=list(graph.nodes))
    graph = graph.with_variables({node: variable for node, (variable, _) in columns.items()})
    return LabelTable(graph, rows, len(table.values) - len(rows))


def _check_columns(table: Table, nodes: Sequence[str]) -> None:
    known = list(table.values.columns)
    absent = [node for node in nodes if node not in known]
    if absent:
        more = ", ..." if len(known) > SHOWN else ""
        raise InputError(
            f"{table.source} has no column {', '.join(map(repr, absent))}.{closest(absent[0], known)} Every node of "
            f"the graph needs one; there are {', '.join(known[:SHOWN]) or 'none'}{more}. Mend the graph or the table."
        )
    twice = [node for node in nodes if known.count(node) > 1]
    if twice:
        raise InputError(f"{table.source} has more than one column {twice[0]!r}. Remove one.")


def _without_missing(table: Table, drop: bool) -> Table:
    """The table without the rows that miss a value; InputError for such rows unless they are to be dropped."""
    missing = table.values.apply(is_missing)
    counts, rows = missing.sum(), missing.any(axis=1).to_numpy(bool)
    if not rows.any():
        return table
    if drop:
        return table.keep(~rows)
    listed = ", ".join(f"{node} {count:,}" for node, count in counts[counts > 0].items())
    raise InputError(
        f"{table.source}: missing values in {rows.sum():,} of {len(rows):,} rows: {listed}; first on "
        f"{table.place(int(np.argmax(rows)))}. Fill them in, remove these rows, or have them left out: drop_missing "
        "(dataset=table)."
    )
