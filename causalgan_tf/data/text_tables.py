"""Files of text as tables: the encoding, what separates the values, and how wide every row is."""

import collections
import csv
import dataclasses
import io
import itertools
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from causalgan_tf.data import contents
from causalgan_tf.data.table_columns import MISSING, Table
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical

NAME_COLUMNS = frozenset({"image", "images", "file", "filename", "name", "imageid", "imagename", "imagepath"}) | {
    "imagefile", "imageindex", "imagefilename", "filepath", "path",
}  # fmt: skip
UNNAMED = re.compile(r"|Unnamed: ?\d+")  # the header of a column that pandas or R wrote as row numbers
IDENTIFIER = re.compile(  # a header of what tells units apart
    r"(.*[\s_.-])?(ids?|uid|no|nr|number|key|code|index|row|unit|case|sample|record|subject|person|patient|participant"
    r"|respondent|user|who|names?|label)",
    re.IGNORECASE,
)
SEPARATORS = (",", "\t", ";", "|", " ")
SPOKEN = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", " ": "blanks"}
LOOK = 50  # rows by which a separator is chosen
COMMENT = ("#", "%", "//", "@")
TYPES = re.compile(
    r"(u?int|float)(8|16|32|64)?|integer|double|numeric|number|real|char(acter)?|string|str|text|object|bool(ean)?|factor"
    r"|categor(y|ical)|nominal|ordinal|binary|continuous|discrete|date"
)


@dataclasses.dataclass(frozen=True)
class _Layout:
    """How a file of text is written.

    Attributes:
        names: the header, without what trailing separators add to it.
        written: how many names the header has with those.
        separator: what stands between the values.
        header: number of the header's line, from 1.
        declared: rows that the file says it has, or None.
    """

    names: tuple[str, ...]
    written: int
    separator: str
    header: int
    declared: int | None


@dataclasses.dataclass
class _Rows:
    """The rows of a file in one plain form: comma-separated, no blanks around values.

    Attributes:
        text: the rows.
        raw: the first line of the first one, as it is written.
        lines: int64 [N], the line on which each begins.
        full: int64 [N], how many values each has.
        used: int64 [N], the same without empty ones at its end.
    """

    text: str
    raw: str
    lines: np.ndarray
    full: np.ndarray
    used: np.ndarray


def read_text(path: pathlib.Path, graph: CausalGraph, decimal: str = ".") -> Table:
    """The table in a file of text, its values not yet looked at; a column that names the rows is text.

    Args:
        path: the file, packed or not.
        graph: categories that it declares keep their spelling, and are not missing values.
        decimal: the decimal mark, "." or ",".

    Returns:
        The table with the names of its columns: "" for one without.

    Raises:
        InputError: the file cannot be read, a row has another width than the header, the header names a column twice,
            or unnamed values stand in front of or behind the others and nothing tells which.
    """
    source, text = str(path), contents.text_of(path)
    layout = _layout(source, text, graph.nodes)
    _check_header(source, layout, graph.nodes)
    rows = _rows(source, text, layout)
    if not len(rows.lines):
        raise InputError(f"{source} has a header but no rows. Expected one row an image or unit.")
    columns = _columns(source, layout, rows)
    if layout.declared not in (None, len(rows.lines)):
        raise InputError(
            f"{source}: the first line says {layout.declared:,} rows, the file has {len(rows.lines):,}. It seems "
            "truncated: get it again, or correct the first line."
        )
    values = _parsed(rows, columns, graph, decimal)
    _check_kinds_of_rows(source, values, rows.lines, graph.nodes)
    if decimal == ",":
        _check_points(source, values, rows.lines, graph)
    return Table(source, values, rows.lines)


def name_column(columns: Sequence[str], nodes: Sequence[str]) -> int | None:
    """The column whose header says that it names the rows: the first, or the only such one; None: no column."""
    found = [
        k
        for k, name in enumerate(columns)
        if name not in nodes and re.sub(r"[\s_.-]", "", name).lower() in NAME_COLUMNS
    ]
    return found[0] if found and (found[0] == 0 or len(found) == 1) else None


def _layout(source: str, text: str, nodes: Sequence[str]) -> _Layout:
    """Header and separator, by the header and the first rows together."""
    lines = iter([number, line] for number, line in enumerate(io.StringIO(text), 1) if line.strip())
    start, declared, separators = next(lines, None), None, SEPARATORS
    # Excel's own way to say the separator; nothing else is then tried
    if start and (match := re.fullmatch(r'"?sep=(.)"?', start[1].strip("\n"))):
        separators, start = (match[1],), next(lines, None)
    # CelebA's list begins with the number of its rows
    if start and start[1].strip().isdecimal():
        declared, start = int(start[1].strip()[:18]), next(lines, None)
    if not start:
        raise InputError(f"{source} is empty. Expected a header with the label names, then one row an image or unit.")
    number, line = start
    if line.lstrip().startswith(COMMENT):
        # comments are not passed over: in some files the one in front of the rows is the header
        last = next((n - 1 for n, other in lines if not other.lstrip().startswith(COMMENT)), number)
        span = f"line {number}" if last == number else f"lines {number} to {last}"
        raise InputError(
            f"{source}: line {number} is a comment: {line.strip()[:40]!r}. Expected the header with the names of the "
            f"columns. Remove {span}, or, if it is the header, the mark in front of it."
        )
    if line.lstrip().startswith(("{", "[", "<")):
        raise InputError(
            f"{source}: line {number}, {line.strip()[:40]!r}, is that of a JSON, XML or web page, not of a table. "
            "Expected a header with the names of the columns: save the table as csv."
        )
    # more lines than rows: a quoted value may hold line ends
    sample = "".join(itertools.islice(io.StringIO(text), number - 1, number + 20 * LOOK))
    ranked = [(_fit(sample, mark, nodes), mark) for mark in separators]
    (*_, names, written), separator = max(ranked, key=lambda pair: pair[0][:3])  # the first of equal ones
    return _Layout(names, written, separator, number, declared)


def _fit(sample: str, separator: str, nodes: Sequence[str]) -> tuple[int, float, int, tuple[str, ...], int]:
    """How well a separator fits the first rows: nodes in the header, fit, columns; its names, how many it writes."""
    try:
        header, *rows = (row for row, _ in itertools.islice(_records(sample, separator), LOOK + 1))
    except (csv.Error, ValueError):
        return -1, 0.0, 0, (), 0
    names = tuple(_trimmed(header))
    # a name that is itself a separator: the line was cut at the wrong mark
    if any(name in SEPARATORS for name in names if name):
        return -1, 0.0, 0, (), 0
    even = sum(len(row) >= len(names) >= len(_trimmed(row)) for row in rows)
    # R leaves out the header of the row names; a little less, for an even table is likelier
    longer = sum(len(row) == len(names) + 1 for row in rows)
    fit = max(1.0 * even, 0.9 * longer) / max(len(rows), 1) * (1.0 if len(names) > 1 else 0.1)
    return sum(name in nodes for name in names), fit, len(names), names, len(header)


def _records(text: str, separator: str) -> Iterator[tuple[list[str], int]]:
    """The rows of a text without blanks around the values, and the line on which each begins; blank lines are none."""
    if separator == " ":  # of any number, tabs among them; none at the end of a line separates anything
        text = "".join(line.rstrip() + "\n" for line in io.StringIO(text.replace("\t", " ")))
    # whether there are blanks that csv keeps: a cheap look, for most large files have none
    csv.field_size_limit(contents.LARGEST)  # beside labels there may be whole masks
    padded = (
        '"' in text if separator == " " else re.search(r"[ \t\xa0]\s*[" + re.escape(separator) + r'\n"]|"[ \t]', text)
    )
    reader, first = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True), 1
    for row in reader:
        values = [value.strip() for value in row] if padded else row
        if len(values) > 1 or any(values):
            yield values, first
        first = reader.line_num + 1


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    """A row without the empty values at its end."""
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def _check_header(source: str, layout: _Layout, nodes: Sequence[str]) -> None:
    names = [name for name in layout.names if name]
    twice = sorted({name[:30] for name, count in collections.Counter(names).items() if count > 1})
    if not set(names) & set(nodes) and names and all(re.fullmatch(r"[-+]?[\d.]+", name) for name in names):
        raise InputError(
            f"{source}: line {layout.header} holds the numbers {', '.join(names[:3])[:60]}. Expected a header with the "
            "names of the columns: write one above."
        )
    if len(names) == 1 and names[0] not in nodes:
        raise InputError(
            f"{source}: line {layout.header} names one column, {names[0][:60]!r}, and no node of the graph. Expected a "
            f"header with {nodes[0][:30]} and the other nodes, separated by commas, semicolons, tabs, bars or blanks."
        )
    if twice:
        raise InputError(
            f"{source}: the header names {', '.join(map(repr, twice[:3]))} more than once. Remove or rename one."
        )


def _rows(source: str, text: str, layout: _Layout) -> _Rows:
    """All rows behind the header."""
    shown = "\n" * (layout.header - 1) + "".join(itertools.islice(io.StringIO(text), layout.header - 1, None))
    out, counts, line = io.StringIO(), [], layout.header
    # written anew in one plain form: pandas' fast reader then sees neither blanks nor other separators
    writer, records = csv.writer(out, lineterminator="\n"), _records(shown, layout.separator)
    try:
        next(records)  # the header
        for row, line in records:
            # both widths: trailing separators may be part of every row, or of the header alone
            counts.append((line, len(row), len(_trimmed(row))))
            writer.writerow(row)
    except csv.Error as error:
        raise InputError(
            f"{source} is no table: {error}, behind line {line}. A quote that is not closed swallows the rows behind "
            "it: close it or remove it."
        ) from error
    _check_end(source, text, layout.separator, line)
    lines, full, used = np.array(counts, np.int64).reshape([-1, 3]).T
    # csv takes quotation marks away, and whether a name stood in them tells R's row names
    raw = next(itertools.islice(io.StringIO(text), int(lines[0]) - 1, None)) if len(lines) else ""
    return _Rows(out.getvalue(), raw, lines, full, used)


def _check_end(source: str, text: str, separator: str, line: int) -> None:
    """Refuses a file whose last row, which begins on `line`, has a quote that is not closed."""
    end = list(itertools.islice(io.StringIO(text), line - 1, None))
    try:
        list(csv.reader(end, delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InputError(
                f"{source}: a quote on line {line} is not closed and swallows the rest of the file. Close or remove it."
            ) from error


def _columns(source: str, layout: _Layout, rows: _Rows) -> tuple[str, ...]:
    """The names of all columns; every row is as wide, but for empty values at its end."""
    names, width = layout.names, len(layout.names)
    longest = int(rows.used.max())
    bad = np.flatnonzero(rows.full < width)
    # to read such a file as it stands would shift every label by a column
    one_more = longest == width + 1 and not bad.size and (rows.full >= longest).all()
    if one_more and (layout.written == width or (rows.full > layout.written).all()):
        return _named_rows(source, layout, rows)
    if not bad.size and longest <= max(width, layout.written):
        return names + ("",) * (longest - width)
    if not bad.size:
        bad = np.flatnonzero(rows.used > max(width, layout.written))
    raise InputError(_uneven(source, layout, rows, int(bad[0])))


def _uneven(source: str, layout: _Layout, rows: _Rows, row: int) -> str:
    """The message about a row of another width."""
    first = next(csv.reader(itertools.islice(io.StringIO(rows.text), row, None)))
    if first[0].startswith(COMMENT):
        return f"{source}: line {rows.lines[row]} is a comment: {first[0][:40]!r}. Remove it."
    return (
        f"{source} is no table: line {rows.lines[row]} has {rows.full[row]} values, the header has "
        f"{len(layout.names)} names, separated by {SPOKEN.get(layout.separator, repr(layout.separator))}. Give every "
        "row as many; put quotes around a value that holds the separator."
    )


def _named_rows(source: str, layout: _Layout, rows: _Rows) -> tuple[str, ...]:
    """The columns where every row has one value more than the header: ("", ...) if the first ones can be names.

    R leaves the header of row names out. A note behind the others without a header looks the same, and to take the one
    for the other shifts every label by a column.
    """
    width = len(layout.names)
    # as texts: whether a first value is a name cannot be told once pandas has made it a number
    ends = _plain(rows, int(rows.full.max()), usecols=[0, width], dtype=str, keep_default_na=False)
    first, last = ends.iloc[:, 0], ends.iloc[:, 1]
    named = name_column(layout.names[:1], ()) is not None or IDENTIFIER.fullmatch(layout.names[0])
    if not named and _are_names(first, last, rows.raw):
        return ("", *layout.names)
    row = 0 if first.is_unique else int(np.argmax(first.duplicated(keep=False)))
    comma = layout.separator == "," and width == 1 and _numeric(last).all()
    hint = " A decimal comma? Write a point, or give --decimal=,." if comma else ""
    raise InputError(
        f"{source}: line {rows.lines[row]} has {width + 1} values, the header has {width} names. Either "
        f"{first.iloc[row][:20]!r} names the row, or it is {layout.names[0][:30]!r} and {last.iloc[row][:20]!r} has no "
        f"header; nothing tells which. Complete the header.{hint}"
    )


def _are_names(first: pd.Series, last: pd.Series, raw: str) -> bool:
    """Whether first values without a header can be names of rows, and last ones the last column: texts [N] each.

    Names are different; and they are the numbers 1 to N or 0 to N - 1, or texts, or alone in quotes, as R writes them.
    Behind names stand numbers, unless the names are quoted numbers: a text there may be a note.
    """
    counted = len(first) > 2 and any(
        (first.to_numpy() == np.arange(start, start + len(first)).astype(str)).all() for start in (0, 1)
    )
    quoted, alone = raw.lstrip().startswith('"'), bool(re.match(r'\s*"[^"]*"[\s,;|]\s*[^"\s]', raw))
    if counted and quoted:
        return True
    names = counted or alone or not _numeric(first).any()
    return bool(first.is_unique and names and _numeric(last[~last.isin(MISSING)]).all())


def _numeric(texts: pd.Series) -> pd.Series:
    """Which texts are numbers, True or False."""
    return pd.to_numeric(texts, errors="coerce").notna() | texts.str.lower().isin(("true", "false"))


def _plain(rows: _Rows, width: int, **options: object) -> pd.DataFrame:
    return pd.read_csv(
        io.StringIO(rows.text),
        header=None,
        names=range(width),
        index_col=False,
        skip_blank_lines=False,
        low_memory=False,
        **options,
    )


def _parsed(rows: _Rows, columns: Sequence[str], graph: CausalGraph, decimal: str) -> pd.DataFrame:
    """The columns that are needed; names and declared categories, of which 01 may be one, as they are spelled."""
    kinds = [graph.declared.get(name) for name in columns]
    spelled = {k for k, kind in enumerate(kinds) if isinstance(kind, Categorical)}
    spelled |= {name_column(columns, graph.nodes) or 0} - {k for k in (0,) if columns[k] in graph.nodes}
    absent = set(graph.nodes) - set(columns)  # then an error lists all columns
    wanted = sorted(spelled | {0} | {k for k, name in enumerate(columns) if name in graph.nodes or absent})
    values = _plain(
        rows,
        max(len(columns), int(rows.full.max())),
        usecols=wanted,
        dtype=dict.fromkeys(spelled, str),
        keep_default_na=False,
        na_values={k: [word for word in MISSING if word not in getattr(kinds[k], "categories", ())] for k in wanted},
        decimal=decimal,
    )
    return values.set_axis([columns[k] for k in wanted], axis=1)


def _check_kinds_of_rows(source: str, values: pd.DataFrame, lines: np.ndarray, nodes: Sequence[str]) -> None:
    """Refuses a comment among the rows, and a first row of the types of the columns: they would be units more."""
    marked = values.iloc[:, 0].astype(str).str.startswith("#").to_numpy(bool)
    if values.columns[0] not in nodes and 0 < marked.sum() < len(marked):
        row = int(np.argmax(marked))
        raise InputError(f"{source}: line {lines[row]} is a comment: {values.iloc[row, 0][:40]!r}. Remove it.")
    first = [str(value).lower() for name, value in values.iloc[0].items() if name in nodes]
    if first and all(TYPES.fullmatch(value) for value in first):
        raise InputError(f"{source}: line {lines[0]} is a second header: {', '.join(first[:5])}. Remove it.")


def _check_points(source: str, values: pd.DataFrame, lines: np.ndarray, graph: CausalGraph) -> None:
    """Refuses numbers with a point where the decimal mark is a comma: 1.234 could be either."""
    for node in graph.nodes:
        if node not in values or isinstance(graph.declared.get(node), Categorical):
            continue
        pointed = values[node].astype(str).str.fullmatch(r"[-+]?\d+\.\d[\d.,]*") & ~_is_number(values[node])
        if pointed.any():
            row = int(np.argmax(pointed))
            raise InputError(
                f"{source}: column {node!r}, line {lines[row]}: {values[node].iloc[row]} has a point; with --decimal=, "
                "expected a comma and no other mark. Leave --decimal out, or write the number without points."
            )


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)
