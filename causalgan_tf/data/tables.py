"""Tables of labels: data frames, parquet and csv files, CelebA's list_attr_celeba.txt, the last two in a zip file too.

A node's kind is the declared one, else it is read off its column: 0 and 1, -1 and 1, False and True are binary, texts
are categorical, numbers with a fractional part continuous.
"""

import csv
import dataclasses
import io
import pathlib
import re
import zipfile
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.config import DataConfig
from causalgan_tf.data.images import Dataset
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graph import CausalGraph, load_graph
from causalgan_tf.variables import Binary, Categorical, Continuous, Variable

NAME_COLUMNS = frozenset({"", "image", "images", "image_id", "image_name", "file", "filename", "file_name", "name"})
WORDS = {"true": 1.0, "false": 0.0}
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A")  # in a file of text
PARQUET = (".parquet", ".pq")
SHOWN = 50  # names listed in one error message
LISTED = 10  # categories listed in a line of `describe`
MAX_INFERRED = 100  # different texts that are taken for categories unasked
MAX_CATEGORIES = 256  # their places are one byte
BINARY = "0 or 1, -1 or 1, or False or True"


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


@dataclasses.dataclass(frozen=True)
class _Table:
    """Values as they were parsed, and where they came from.

    Attributes:
        source: the file, or what an error calls a data frame.
        values: a column a name, a row a unit.
        lines: number of the line of the file that holds each row; None: rows are numbered by their index.
    """

    source: str
    values: pd.DataFrame
    lines: np.ndarray | None = None

    def place(self, row: int) -> str:
        """A row as an error names it: its line and, where rows have names, its name."""
        name = self.values.index[row]
        if self.lines is None:
            return f"row {name}"
        return f"line {self.lines[row]}" + (f" ({name})" if isinstance(name, str) else "")

    def keep(self, rows: np.ndarray) -> "_Table":
        """The table of the rows with True in a mask [N]."""
        lines = None if self.lines is None else self.lines[rows]
        return dataclasses.replace(self, values=self.values[rows], lines=lines)


def load_table(config: DataConfig) -> Dataset:
    """The rows of a label file as a data set without images.

    Args:
        config: `labels_file`, `graph` and `drop_missing`; every node of the graph is a column of the file.

    Returns:
        A data set whose `label_rows` are the rows of the file and whose graph knows the kind of every node.

    Raises:
        InputError: see `read_labels`.
    """
    table = read_labels(config.labels_file, load_graph(config.graph), config.drop_missing)
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
    return _labels(_Table("the data frame", frame.set_axis(frame.columns.map(str), axis=1)), graph, drop_missing)


def describe(graph: CausalGraph, rows: np.ndarray, declared: Collection[str] | None = None) -> list[str]:
    """What the label rows hold, a line a node: kind, distribution, and what they cannot teach.

    Args:
        graph: causal graph with resolved kinds.
        rows: numbers [N, K], columns in graph order.
        declared: nodes whose kind the user has declared; the others are marked as inferred. None: nothing is marked.

    Returns:
        Lines such as "Smoke: categorical(never .61, former .22, now .17), inferred", in graph order.
    """
    lines = []
    for k, (node, variable) in enumerate(graph.variables.items()):
        text = _described(node, variable, np.asarray(rows[:, k]))
        lines.append(f"{node}: {text}" + ("" if declared is None or node in declared else ", inferred"))
    return lines


def _described(node: str, variable: Variable, column: np.ndarray) -> str:
    low, high = column.min(), column.max()
    if low == high:
        binary = isinstance(variable, Binary)
        lost = f"do({node}={1 - int(low)}) cannot be learnt" if binary else f"no other do({node}) can be learnt"
        value = _figure(low) if isinstance(variable, Continuous) else variable.shown(low)
        return f"{type(variable).__name__.lower()}, constant {value}: it carries no information and {lost}"
    if isinstance(variable, Binary):
        return f"binary, {100 * column.mean():.3g} % are 1"
    if isinstance(variable, Continuous):
        mean, std = (_figure(statistic(column, dtype=np.float64)) for statistic in (np.mean, np.std))
        return f"continuous, mean {mean}, sd {std}, {_figure(low)} to {_figure(high)}"
    shares = np.bincount(column.astype(np.int64), minlength=variable.size) / len(column)
    listed = [f"{name} {_share(share)}" for name, share in zip(variable.categories, shares, strict=True)]
    more = f", and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    absent = [name for name, share in zip(variable.categories, shares, strict=True) if not share]
    note = f": do({node}={absent[0]}) cannot be learnt" if absent else ""
    return f"categorical({', '.join(listed[:LISTED])}{more}){note}"


def _figure(number: float) -> str:
    """A number with four digits, such as 41.2 and 54,320."""
    return f"{float(f'{number:.4g}'):,g}"


def _share(share: float) -> str:
    """A share with two digits, such as .61 and .0022."""
    return f"{share:.2g}".removeprefix("0") or "0"


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


def _text_table(path: pathlib.Path, graph: CausalGraph) -> _Table:
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
    return _Table(str(path), values.set_axis(list(columns), axis=1), _row_lines(data, layout.skip, len(values)))


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


def _parquet(path: pathlib.Path) -> _Table:
    if not path.is_file():
        raise InputError(f"There is no labels file {str(path)!r}; see --labels_file.")
    try:
        values = pd.read_parquet(path)
    except ImportError as error:
        raise InputError(f"{path}: reading parquet needs pyarrow: pip install pyarrow. Or bring a csv.") from error
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is no parquet file: {error}. Bring it again, or a csv.") from error
    return _Table(str(path), values.set_axis(values.columns.map(str), axis=1))


def _with_row_names(table: _Table, nodes: Sequence[str]) -> _Table:
    """The table with its first column as the index, if that names the rows."""
    if not (table.values.shape[1] and isinstance(table.values.index, pd.RangeIndex)):
        return table
    header, first = table.values.columns[0], table.values.iloc[:, 0]
    named = header.lower() in NAME_COLUMNS
    if header in nodes or not (named or _is_text(first)):
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


def _labels(table: _Table, graph: CausalGraph, drop_missing: bool) -> LabelTable:
    """The columns of the nodes as numbers."""
    _check_columns(table, graph.nodes)
    table = dataclasses.replace(table, values=table.values[list(graph.nodes)])
    whole = _without_missing(table, drop_missing)
    if len(whole.values) < 2:
        raise InputError(
            f"{table.source}: {len(whole.values)} of {len(table.values):,} rows can be used. Expected at least 2."
        )
    columns = {node: _resolved(whole, node, graph.declared.get(node)) for node in graph.nodes}
    numbers = np.stack([numbers for _, numbers in columns.values()], axis=1)
    rows = pd.DataFrame(numbers, index=whole.values.index, columns=list(graph.nodes))
    graph = graph.with_variables({node: variable for node, (variable, _) in columns.items()})
    return LabelTable(graph, rows, len(table.values) - len(rows))


def _check_columns(table: _Table, nodes: Sequence[str]) -> None:
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


def _without_missing(table: _Table, drop: bool) -> _Table:
    """The table without the rows that miss a value; InputError for such rows unless they are to be dropped."""
    missing = table.values.apply(_is_missing)
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


def _is_missing(column: pd.Series) -> pd.Series:
    """Whether each value is missing, bool [N]; a blank text is."""
    missing = column.isna()
    return missing if _is_numeric(column) else missing | (column.astype(str).str.strip() == "")


def _resolved(table: _Table, node: str, declared: Variable | None) -> tuple[Variable, np.ndarray]:
    """A column's kind, all of it known, and its numbers [N]: uint8, or float32 of a continuous label."""
    variable = declared or _inferred(table, node)
    if isinstance(variable, Binary):
        return variable, _binary(table, node)
    if isinstance(variable, Categorical):
        return _categorical(table, node, variable)
    numbers = _continuous(table, node, variable)
    return variable.fitted(numbers), numbers


def _inferred(table: _Table, node: str) -> Variable:
    """The kind that a column seems to have; InputError if that is in doubt."""
    column = table.values[node]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Categorical()
    numbers, words = _numbers(column), _is_word(column)
    texts = np.isnan(numbers)
    if texts.any() or (words.any() and not np.isin(numbers, (-1, 0, 1)).all()):
        _check_texts(table, node, texts | words)
        return Categorical()
    return Continuous() if (np.isinf(numbers) | (numbers != np.floor(numbers))).any() else Binary()


def _check_texts(table: _Table, node: str, texts: np.ndarray) -> None:
    """Refuses a column of which not all values are texts [N], or which holds so many that they may be names."""
    column = table.values[node]
    if not texts.all():
        number, text = int(np.argmin(texts)), int(np.argmax(texts))
        raise InputError(
            f"{table.source}: column {node!r} mixes numbers and texts: {column.iloc[number]!s} on "
            f"{table.place(number)}, {column.iloc[text]!s} on {table.place(text)}; {texts.sum():,} of {len(column):,} "
            f"rows hold texts. Mend these rows, or declare '{node}: categorical' in the graph."
        )
    count = column.nunique()
    if count > MAX_INFERRED:
        raise InputError(
            f"{table.source}: column {node!r} holds {count:,} different texts; does it name the rows? Drop {node} "
            f"from the graph, or declare '{node}: categorical' in it (at most {MAX_CATEGORIES})."
        )


def _binary(table: _Table, node: str) -> np.ndarray:
    """A column as uint8 [N] of 0 and 1."""
    column = table.values[node]
    numbers = _numbers(column)
    bad = np.flatnonzero(~np.isin(numbers, (-1, 0, 1)))
    if bad.size:
        row = int(bad[0])
        kinds = ("categorical",) if np.isnan(numbers[row]) else ("continuous", "categorical")
        raise InputError(
            f"{table.source}: column {node!r}, {table.place(row)}: expected {BINARY}; got {column.iloc[row]!s}. "
            f"{bad.size:,} of {len(column):,} rows are so. If it is no binary label, declare its kind in the graph: "
            f"{' or '.join(repr(f'{node}: {kind}') for kind in kinds)}."
        )
    if (numbers == -1).any() and (numbers == 0).any():
        minus, zero = (table.place(int(np.argmax(numbers == value))) for value in (-1, 0))
        raise InputError(
            f"{table.source}: column {node!r} holds both -1 ({minus}) and 0 ({zero}). Expected 0 and 1, or -1 and 1; "
            f"or declare '{node}: categorical' in the graph."
        )
    return (numbers > 0).astype(np.uint8)


def _categorical(table: _Table, node: str, variable: Categorical) -> tuple[Categorical, np.ndarray]:
    """A column's categories, those of the variable if it has any, and their places, uint8 [N]."""
    column = table.values[node]
    texts = _texts(column)
    if not variable.categories:
        dtype = column.dtype
        known = isinstance(dtype, pd.CategoricalDtype)
        names = list(_texts(dtype.categories.to_series())) if known else sorted(texts.unique(), key=_rank)
        variable = _named(table, node, names)
    if variable.size > MAX_CATEGORIES:
        raise InputError(f"{node}: expected at most {MAX_CATEGORIES} categories, there are {variable.size:,}.")
    places = pd.Index(variable.categories).get_indexer(texts)
    unseen = np.flatnonzero(places < 0)
    if unseen.size:
        row, name = int(unseen[0]), texts.iloc[unseen[0]]
        raise InputError(
            f"{table.source}: column {node!r}, {table.place(row)}: expected {variable.expected}; got {name}, a "
            f"category unseen.{closest(name, variable.categories)} {unseen.size:,} of {len(texts):,} rows are so."
        )
    return variable, places.astype(np.uint8)


def _named(table: _Table, node: str, names: Sequence[str]) -> Categorical:
    """The variable of the categories that a column holds."""
    if len(names) < 2:
        raise InputError(
            f"{table.source}: column {node!r} holds only {names[0]!r}: it carries no information. Drop {node} from the "
            f"graph, or declare all its categories: '{node}: categorical({names[0]}, other)'."
        )
    try:
        return Categorical(tuple(names))
    except InputError as error:
        bad = next((name for name in names if re.search(r"[(),;#\n]", name)), names[0])
        raise InputError(
            f"{table.source}: column {node!r}: the category {bad!r} cannot be written in a graph or a query. Rename "
            "it without commas, semicolons, parentheses, # and line ends."
        ) from error


def _continuous(table: _Table, node: str, variable: Continuous) -> np.ndarray:
    """A column as float32 [N] of finite numbers within the variable's bounds."""
    column = table.values[node]
    numbers = np.where(_is_word(column), np.nan, _numbers(column))
    legal = (np.abs(numbers) <= np.finfo(np.float32).max) & (numbers >= variable.low) & (numbers <= variable.high)
    bad = np.flatnonzero(~legal)
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{table.source}: column {node!r}, {table.place(row)}: expected {variable.expected}; got "
            f"{column.iloc[row]!s}. {bad.size:,} of {len(column):,} rows are so."
        )
    return numbers.astype(np.float32)


def _is_numeric(column: pd.Series) -> bool:
    """Whether a column was parsed as numbers or booleans."""
    return not isinstance(column.dtype, pd.CategoricalDtype) and pd.api.types.is_numeric_dtype(column)


def _numbers(column: pd.Series) -> np.ndarray:
    """float64 [N]; NaN for what is neither a number nor True or False."""
    if _is_numeric(column):  # booleans are
        return column.to_numpy(np.float64)
    words = _texts(column).str.lower()
    return words.map(WORDS).fillna(pd.to_numeric(words, errors="coerce")).to_numpy(np.float64)


def _is_word(column: pd.Series) -> np.ndarray:
    """Which values are the words True and False, bool [N]; a column of booleans holds no words."""
    if _is_numeric(column):
        return np.zeros(len(column), bool)
    return _texts(column).str.lower().isin(WORDS).to_numpy(bool)


def _texts(column: pd.Series) -> pd.Series:
    """The values as they are written: whole numbers without a point, texts without spaces around."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda number: repr(float(number)).removesuffix(".0"))
    return column.astype(object).astype(str).str.strip()


def _rank(name: str) -> tuple[float, str]:
    """Order of categories: numbers by their size, before texts by the alphabet."""
    number = pd.to_numeric(name, errors="coerce")
    return (np.inf if np.isnan(number) else float(number), name)


def _is_text(column: pd.Series) -> bool:
    """Whether some value is neither a number nor True or False."""
    return bool(np.isnan(_numbers(column.dropna())).any())
