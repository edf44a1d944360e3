"""Tables of labels: data frames, files of text (CelebA's list_attr_celeba.txt, csv), parquet and Excel."""

import dataclasses
import pathlib
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data.contents import KNOWN
from causalgan_tf.data.dataset import Dataset
from causalgan_tf.data.do_rows import check_column, held_nodes, split
from causalgan_tf.data.table_columns import Table, check_plain, is_missing, is_text, resolved
from causalgan_tf.data.text_tables import UNNAMED, name_column, read_text
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

PARQUET, EXCEL = (".parquet", ".pq"), (".xlsx", ".xlsm", ".xls", ".ods")
LARGEST_SHEET = 2**27  # bytes of an Excel file, unpacked: about three million cells, which take gigabytes to read
SHOWN = 100  # letters of a list of names in one error message
FRAME = "the data frame"  # the source of a table in memory


@dataclasses.dataclass(frozen=True, repr=False)
class LabelTable:
    """Label columns as numbers, and what the numbers mean.

    >>> frame = pd.DataFrame({"Smokes": ["never", "now", "once", None], "Ill": [0, 1, 0, 1]})
    >>> table = table_from_frame(frame, CausalGraph.from_text("Smokes -> Ill"), drop_missing=True)
    >>> table.graph.variables["Smokes"].categories, table.rows["Smokes"].tolist(), table.dropped
    (('never', 'now', 'once'), [0, 1, 2], 1)
    >>> table
    LabelTable: 3 rows, 1 dropped
    CausalGraph: 2 nodes, 1 edge
    edges: Smokes -> Ill
    types: Smokes: categorical(never, now, once); Ill: binary

    Attributes:
        graph: causal graph over K labels, the type of every node resolved: categories, mean and deviation included.
        rows: numbers [N, K], columns in graph order, indexed by row name, or by row number from 0; uint8 if every
            label is binary or categorical, else float32.
        dropped: rows that were left out because they miss a value.
        held: bool [N, K], the nodes that were set in each row; None: no column told.
    """

    graph: CausalGraph
    rows: pd.DataFrame
    dropped: int = 0
    held: np.ndarray | None = None

    def __repr__(self) -> str:
        dropped = f", {self.dropped:,} dropped" if self.dropped else ""
        held = "" if self.held is None else f", {self.held.any(1).sum():,} of them with nodes that were set"
        return f"LabelTable: {len(self.rows):,} rows{held}{dropped}\n{self.graph!r}"


def load_table(
    config: DataConfig, seed: int = 0, labels_only: bool = True, graph: CausalGraph | None = None
) -> Dataset:
    """The rows of a label file as a data set without images.

    Args:
        config: `labels_file`, `graph`, `drop_missing`, `decimal` and `interventions`; every node of the graph is a
            column of the file.
        seed: not read, for nothing is drawn.
        labels_only: not read, for there are no images.
        graph: the causal graph; None: the one that the configuration names.

    Returns:
        A data set whose `label_rows` are the rows of the file and whose graph knows the type of every node.

    Raises:
        InputError: see `read_labels`.
    """
    graph = graph or load_graph(config.graph)
    table = read_labels(config.labels_file, graph, config.drop_missing, config.decimal, config.interventions)
    rows, do_rows = split(table.rows.to_numpy(), table.held)
    return Dataset(graph=table.graph, label_rows=rows, dropped_rows=table.dropped, do_rows=do_rows)


def read_labels(
    path: str | pathlib.Path,
    graph: CausalGraph,
    drop_missing: bool = False,
    decimal: str = ".",
    interventions: str = "",
    named: bool = False,
) -> LabelTable:
    r"""Reads the label columns of a file.

    The file is CelebA's list_attr_celeba.txt (number of rows; header; image name and values, separated by spaces), a
    table with a header separated by commas, semicolons, tabs, bars or blanks, one of these in a zip, gz, bz2 or xz
    file, a parquet file, or an Excel file of one sheet. A column names the rows if its header says so (image, image_id,
    file, ...), else the first one if its values are no numbers.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "people.csv")
    >>> _ = file.write_text("Smoke;Ill\nnever;0\nnow;1\nnever;0\n")
    >>> read_labels(file, CausalGraph.from_text("Smoke -> Ill")).rows.to_numpy().tolist()
    [[0, 0], [1, 1], [0, 0]]

    Args:
        path: the file.
        graph: every node is a column of the file; kinds that it declares are taken, the others read off the column.
        drop_missing: leave out the rows that miss a value of a node.
        decimal: the decimal mark in a file of text, "." or ",".
        interventions: the column that names the nodes set in each row, see data.do_rows; empty: there is none.
        named: whether a row's name is a value that must not be missing, as that of its image is.

    Returns:
        The columns as numbers.

    Raises:
        InputError: the file is absent, empty, truncated or no table, a column is absent or there twice, a value is
            missing or not of the node's kind, the kind of a column is in doubt, or there are fewer than two rows.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no plain file" if path.exists() else "is not there"
        raise InputError(f"There is no labels file {str(path)!r}: it {what}. See --labels_file. {KNOWN}")
    if path.suffix.lower() in PARQUET + EXCEL:
        table = _stored(path, "parquet" if path.suffix.lower() in PARQUET else "Excel")
    else:
        table = read_text(path, graph, decimal, interventions)
    known = [*graph.nodes, interventions] if interventions else graph.nodes
    return _labels(_with_row_names(table, known), graph, drop_missing, interventions, named)


def table_from_frame(
    frame: pd.DataFrame, graph: CausalGraph, drop_missing: bool = False, interventions: str = ""
) -> LabelTable:
    """The label columns of a data frame; arguments and errors as of `read_labels`, rows indexed as in the frame."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"table: expected a pandas DataFrame, got {type(frame).__name__}.")
    return _labels(_frame_table(FRAME, frame), graph, drop_missing, interventions)


def _frame_table(source: str, frame: pd.DataFrame) -> Table:
    """A data frame with names of columns that are texts."""
    if isinstance(frame.columns, pd.MultiIndex):
        raise InputError(
            f"{source} has column names of {frame.columns.nlevels} levels, such as {frame.columns[0]!r}. Expected one "
            "name a column: frame.columns = ['_'.join(map(str, name)) for name in frame.columns]."
        )
    return Table(source, frame.set_axis([str(name).strip() for name in frame.columns], axis=1))


def _stored(path: pathlib.Path, kind: str) -> Table:
    """The table in a parquet or an Excel file."""
    try:
        return _frame_table(str(path), pd.read_parquet(path)) if kind == "parquet" else _sheet(path)
    except ImportError as error:
        # pandas picks the reader by the contents and names it: python-calamine or xlrd for .xls
        needed = re.search(r"['`](?:Import )?([\w-]+)['`]", str(error))
        reader = needed[1] if needed else "pyarrow" if kind == "parquet" else "openpyxl"
        raise InputError(f"{path}: reading {kind} needs {reader}: pip install {reader}, or save a csv.") from error
    except InputError:
        raise
    except Exception as error:  # of the readers behind pandas, which have each their own
        raise InputError(f"{path} is no {kind} file: {str(error)[:100]}. Get it again, or save a csv.") from error


def _sheet(path: pathlib.Path) -> Table:
    """The table in an Excel file, its first row that is not empty the header."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > LARGEST_SHEET:
            raise InputError(f"{path} holds more than {LARGEST_SHEET >> 20} MB when unpacked. Save its sheet as a csv.")
    # without a header, for pandas renames a column that is there twice; and NA may be a declared category
    sheets = pd.read_excel(path, sheet_name=None, header=None, keep_default_na=False, na_values=[""])
    sheets = {name: sheet.dropna(how="all").dropna(how="all", axis=1) for name, sheet in sheets.items()}
    filled = [sheet for sheet in sheets.values() if len(sheet) > 1]
    if len(filled) != 1:
        raise InputError(f"{path} has {len(filled)} sheets with rows; expected one, the labels. Save that one as csv.")
    header, rows = filled[0].iloc[0], filled[0].iloc[1:]
    names = ["" if pd.isna(name) else str(name).strip() for name in header]
    values = rows.set_axis(names, axis=1).infer_objects().reset_index(drop=True)
    return Table(str(path), values, rows.index.to_numpy() + 1)


def _with_row_names(table: Table, nodes: Sequence[str]) -> Table:
    """The table with the column that names the rows as its index, if there is one."""
    values = table.values
    # numbers that a frame's rows had, as a filtered one in parquet has, are no names
    if not (values.shape[1] and values.index.nlevels == 1 and pd.api.types.is_integer_dtype(values.index)):
        return table
    place = name_column(values.columns, nodes)
    named = place is not None
    if not named and values.columns[0] in nodes:
        return table
    names = values.iloc[:, place or 0]
    if not named and not is_text(names[~is_missing(names)]):  # numbers, of the rows or of a column beside the labels
        return table
    unnamed = is_missing(names)
    if unnamed.any() and not (named or UNNAMED.fullmatch(values.columns[0])):  # texts beside the labels, with gaps
        return table
    names = pd.Index(names.astype(object).where(~unnamed, "") if unnamed.any() else names)
    rest = [k for k in range(values.shape[1]) if k != (place or 0)]
    return dataclasses.replace(table, values=values.iloc[:, rest].set_index(names))


def _labels(
    table: Table, graph: CausalGraph, drop_missing: bool, interventions: str = "", named: bool = False
) -> LabelTable:
    """The columns of the nodes as numbers; of rows with a name alone where they are to be `named`."""
    _check_columns(table, graph.nodes, graph.titles)
    told = [interventions] if interventions else []
    if told:
        check_column(table, interventions, graph)
    table = dataclasses.replace(table, values=table.values[[*graph.nodes, *told]])
    whole = _without_missing(table, graph, drop_missing, named)
    for node in graph.nodes:
        # behind the missing values: one dash must not make a column of numbers one of texts
        check_plain(whole, node, graph.declared.get(node))
    # a single row has no spread, and nothing varies in it
    if len(whole.values) < 2:
        raise InputError(
            f"{table.source}: {len(whole.values)} of {len(table.values):,} rows can be used. Expected at least 2."
        )
    columns = {node: resolved(whole, node, graph.declared.get(node)) for node in graph.nodes}
    numbers = np.stack([numbers for _, numbers in columns.values()], axis=1)
    rows = pd.DataFrame(numbers, index=whole.values.index, columns=list(graph.nodes))
    graph = graph.with_variables({node: variable for node, (variable, _) in columns.items()})
    held = held_nodes(whole, whole.values[interventions], graph) if told else None
    return LabelTable(graph, rows, len(table.values) - len(rows), held)


def _check_columns(table: Table, nodes: Sequence[str], titles: Mapping[str, str]) -> None:
    known = [name for name in table.values.columns if name]
    twice = [node for node in nodes if known.count(node) > 1]
    if twice:
        raise InputError(f"{table.source} has more than one column {twice[0]!r}. Remove one.")
    absent = [node for node in nodes if node not in known]
    if absent:
        called = [f"{node!r} ({titles[node]!r} in the graph)" if node in titles else repr(node) for node in absent]
        raise InputError(
            f"{table.source} has no column {_shortened(called)}.{_nearest(absent[0], known)} Every node of "
            f"the graph needs one; there are {_shortened(map(written, known)) or 'none'}. Correct the graph or the "
            "table."
        )


def written(name: str) -> str:
    """The name of a column as the text of a graph has it: in double quotes unless it is letters, digits and _."""
    return name if re.fullmatch(r"[A-Za-z0-9_]+", name) else f'"{name}"'


def _nearest(node: str, known: Sequence[str]) -> str:
    """The sentence that guesses the column, and how to write it in the graph."""
    hint = closest(node, known)
    name = next((name for name in known if repr(name) in hint), "")
    if not hint or written(name) == name:
        return hint
    return f" Did you mean {name!r}? In the graph its name is written in quotes: {written(name)}."


def _shortened(names: Iterable[str]) -> str:
    """Names in a row, cut behind SHOWN letters."""
    text = ", ".join(names)
    return text if len(text) <= SHOWN else text[: text.rfind(", ", 0, SHOWN) + 2 or SHOWN] + "..."


def _without_missing(table: Table, graph: CausalGraph, drop: bool, named: bool) -> Table:
    """The table without the rows that miss a value; InputError for such rows unless they are to be dropped."""
    missing = pd.DataFrame({node: is_missing(table.values[node], graph.declared.get(node)) for node in graph.nodes})
    counts, rows = missing.sum(), missing.any(axis=1).to_numpy(bool)
    unnamed = is_missing(table.values.index.to_series()).to_numpy(bool) if named else np.zeros(len(rows), bool)
    if unnamed.any() and not drop:
        raise InputError(
            f"{table.source}: {unnamed.sum():,} of {len(rows):,} rows do not name their image, first on "
            f"{table.place(int(np.argmax(unnamed)))}. Name the images, or leave these rows out: --drop_missing."
        )
    rows = rows | unnamed
    if not rows.any():
        return table
    if drop:
        return table.keep(~rows)
    flag = "drop_missing=True" if table.source == FRAME else "--drop_missing"
    listed = _shortened(f"{node} {count:,}" for node, count in counts[counts > 0].items())
    raise InputError(
        f"{table.source}: missing values in {rows.sum():,} of {len(rows):,} rows: {listed}; first on "
        f"{table.place(int(np.argmax(rows)))}. Fill them in, or leave these rows out: {flag}. A "
        "word such as None or ? is a value where the graph declares it as a category."
    )
