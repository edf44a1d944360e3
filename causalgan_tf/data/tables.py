"""Tables of binary labels: CelebA's list_attr_celeba.txt, csv files, and either of them in a zip file."""

import csv
import dataclasses
import io
import pathlib
import zipfile
from collections.abc import Sequence

import numpy as np
import pandas as pd

from causalgan_tf.config import DataConfig
from causalgan_tf.data.images import Dataset
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graph import load_graph

NAME_COLUMNS = frozenset({"", "image", "images", "image_id", "image_name", "file", "filename", "file_name", "name"})
WORDS = {"true": 1.0, "false": 0.0}
SHOWN = 50  # names listed in one error message


@dataclasses.dataclass(frozen=True)
class _Layout:
    """How a label file is written.

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


@dataclasses.dataclass(frozen=True)
class _Table:
    """The values of a label file as they were parsed, and where they came from."""

    path: pathlib.Path
    data: bytes
    layout: _Layout
    values: pd.DataFrame

    def line(self, row: int) -> int:
        """The line of the file, from 1, that holds a row; blank lines hold none."""
        lines = self.data.split(b"\n")[self.layout.skip :]
        filled = [number for number, line in enumerate(lines, self.layout.skip + 1) if line.strip()]
        return filled[row]

    def place(self, row: int) -> str:
        """A row as an error names it: its line and, where rows have names, its name."""
        name = self.values.index[row]
        return f"line {self.line(row)}" + (f" ({name})" if isinstance(name, str) else "")


def load_table(config: DataConfig) -> Dataset:
    """The rows of a label file as a data set without images.

    Args:
        config: `labels_file` and `graph`; every node of the graph is a column of the file.

    Returns:
        A data set whose `label_rows` are all rows of the file.

    Raises:
        InputError: see `read_labels`.
    """
    graph = load_graph(config.graph)
    rows = read_labels(config.labels_file, graph.nodes).to_numpy()
    return Dataset(graph=graph, label_rows=rows)


def read_labels(path: str | pathlib.Path, nodes: Sequence[str]) -> pd.DataFrame:
    """Reads columns of binary labels.

    The file is CelebA's list_attr_celeba.txt (number of rows; header; image name and values, separated by spaces), a
    table with a header separated by commas, semicolons or tabs, or a zip file that holds one such file. The first
    column names the rows if its header says so (image, image_id, file, ...) or its values are no numbers. A column
    holds 0 and 1, -1 and 1, or False and True.

    Args:
        path: the file.
        nodes: names of the K columns to read.

    Returns:
        uint8 [N, K] of 0 and 1, columns in the order of `nodes`, indexed by row name, or by row number from 0.

    Raises:
        InputError: the file is absent, empty, truncated or no table, a column is absent or there twice, or a value is
            missing or none of the above.
    """
    path = pathlib.Path(path).expanduser()
    data = _contents(path)
    table = _with_row_names(_parse(path, data, _layout(path, data)), nodes)
    _check_columns(table, nodes)
    return pd.DataFrame({node: _binary(table, node) for node in nodes}, index=table.values.index)


def _contents(path: pathlib.Path) -> bytes:
    if not path.is_file():
        raise InputError(
            f"There is no labels file {str(path)!r}. Expected CelebA's list_attr_celeba.txt, a csv with a header, or a "
            "zip file of one of them; see --labels_file."
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


def _parse(path: pathlib.Path, data: bytes, layout: _Layout) -> _Table:
    """The table with its column names; "" for a first column that the header leaves out."""
    try:
        # all columns, for a row of the wrong width shifts its labels, and pandas lets it pass where columns are picked
        values = pd.read_csv(
            io.BytesIO(data),
            sep=layout.separator,
            header=None,
            skiprows=layout.skip,
            dtype={0: str},
            encoding="utf-8-sig",
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError:
        values = pd.DataFrame()
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table: {str(error).strip()}. Mend it, or bring the file again.") from error
    _check_shape(path, layout, values)
    values.columns = ("", *layout.columns) if values.shape[1] > len(layout.columns) else layout.columns
    return _Table(path, data, layout, values)


def _with_row_names(table: _Table, nodes: Sequence[str]) -> _Table:
    """The table with its first column as the index, if that names the rows."""
    header, first = table.values.columns[0], table.values.iloc[:, 0]
    if header in nodes or not (header.lower() in NAME_COLUMNS or _is_text(first)):
        return table
    unnamed = np.flatnonzero(first.isna())
    if unnamed.size:
        raise InputError(f"{table.path}: {unnamed.size} rows have no name, first on line {table.line(unnamed[0])}.")
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


def _check_columns(table: _Table, nodes: Sequence[str]) -> None:
    known = list(table.values.columns)
    absent = [node for node in nodes if node not in known]
    if absent:
        more = ", ..." if len(known) > SHOWN else ""
        raise InputError(
            f"{table.path} has no column {', '.join(map(repr, absent))}.{closest(absent[0], known)} Every node of the "
            f"graph needs one; the file has {', '.join(map(str, known[:SHOWN]))}{more}. Mend --graph or the file."
        )
    missing = table.values[list(nodes)].isna()
    counts = missing.sum()
    if counts.any():
        listed = ", ".join(f"{node} {count}" for node, count in counts[counts > 0].items())
        first = table.place(int(np.argmax(missing.any(axis=1).to_numpy())))
        raise InputError(
            f"{table.path}: missing values in {len(missing):,} rows: {listed}; first on {first}. Remove these rows or "
            "fill them in."
        )


def _binary(table: _Table, node: str) -> np.ndarray:
    """A column as uint8 [N] of 0 and 1."""
    column = table.values[node]
    numbers = _numbers(column)
    bad = np.flatnonzero(~np.isin(numbers, (-1, 0, 1)))
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{table.path}: column {node!r}, {table.place(row)}: expected 0 or 1, -1 or 1, or False or True; got "
            f"{column.iloc[row]!s}. {bad.size} of {len(column):,} rows are so."
        )
    if (numbers == -1).any() and (numbers == 0).any():
        minus, zero = (table.place(int(np.argmax(numbers == value))) for value in (-1, 0))
        raise InputError(
            f"{table.path}: column {node!r} holds both -1 ({minus}) and 0 ({zero}). Expected 0 and 1, or -1 and 1."
        )
    return (numbers > 0).astype(np.uint8)


def _numbers(column: pd.Series) -> np.ndarray:
    """float64 [N]; NaN for what is neither a number nor True or False."""
    if pd.api.types.is_numeric_dtype(column):  # booleans are
        return column.to_numpy(np.float64)
    words = column.astype(str).str.strip().str.lower()
    return words.map(WORDS).fillna(pd.to_numeric(words, errors="coerce")).to_numpy(np.float64)


def _is_text(column: pd.Series) -> bool:
    return bool(np.isnan(_numbers(column.dropna())).any())
