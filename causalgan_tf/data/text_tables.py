"""Files of text as tables: the encoding, what separates the values, and how wide every row is."""

import csv
import dataclasses
import io
import itertools
import pathlib
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from causalgan_tf.data import contents
from causalgan_tf.data.table_columns import MISSING, Table
from causalgan_tf.data.text_layout import COMMENT, Layout, check_header, layout_of, lines_of, records, trimmed
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
SPOKEN = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", " ": "blanks"}
FEW_QUOTES = 10_000  # each is looked at
TYPES = re.compile(
    r"(u?int|float)(8|16|32|64)?|integer|double|numeric|number|real|char(acter)?|string|str|text|object|bool(ean)?|factor"
    r"|categor(y|ical)|nominal|ordinal|binary|continuous|discrete|date"
)


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


def read_text(path: pathlib.Path, graph: CausalGraph, decimal: str = ".", beside: str = "") -> Table:
    """The table in a file of text, its values not yet looked at; a column that names the rows is text.

    Args:
        path: the file, packed or not.
        graph: categories that it declares keep their spelling, and are not missing values.
        decimal: the decimal mark, "." or ",".
        beside: a column that is read beside the nodes', as it is spelled.

    Returns:
        The table with the names of its columns: "" for one without.

    Raises:
        InputError: the file cannot be read, a row has another width than the header, the header names a column twice,
            or unnamed values stand in front of or behind the others and nothing tells which.
    """
    source, text = str(path), contents.text_of(path)
    layout = layout_of(source, text, graph.nodes)
    check_header(source, layout, graph.nodes)
    rows = _rows(source, text, layout)
    if not len(rows.lines):
        raise InputError(f"{source} has a header but no rows. Expected one row an image or unit.")
    columns = _columns(source, layout, rows)
    if layout.declared not in (None, len(rows.lines)):
        raise InputError(
            f"{source}: the first line says {layout.declared:,} rows, the file has {len(rows.lines):,}. It seems "
            "truncated: get it again, or correct the first line."
        )
    values = _parsed(rows, columns, graph, decimal, beside)
    _check_kinds_of_rows(source, values, rows.lines, graph.nodes)
    if decimal == ",":
        _check_points(source, values, rows.lines, graph)
        _read_commas(values, graph)
    return Table(source, values, rows.lines)


def name_column(columns: Sequence[str], nodes: Sequence[str]) -> int | None:
    """The column whose header says that it names the rows: the first, or the only such one; None: no column."""
    found = [
        k
        for k, name in enumerate(columns)
        if name not in nodes and re.sub(r"[\s_.-]", "", name).lower() in NAME_COLUMNS
    ]
    return found[0] if found and (found[0] == 0 or len(found) == 1) else None


def _rows(source: str, text: str, layout: Layout) -> _Rows:
    """All rows behind the header."""
    plain = _plain_rows(text, layout)
    if plain:
        return plain
    _check_quotes(source, text, layout.separator)
    shown = "\n" * (layout.header - 1) + "".join(itertools.islice(io.StringIO(text), layout.header - 1, None))
    out, counts, line = io.StringIO(), [], layout.header
    # written anew in one plain form: pandas' fast reader then sees neither blanks nor other separators
    writer, found = csv.writer(out, lineterminator="\n"), records(shown, layout.separator)
    try:
        next(found)  # the header
        for row, line in found:
            # both widths: trailing separators may be part of every row, or of the header alone
            counts.append((line, len(row), len(trimmed(row))))
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


def _plain_rows(text: str, layout: Layout) -> _Rows | None:
    """The same, many times faster; None where quotes, blanks around values, blank lines or empty ends need a reader."""
    separator, ends = layout.separator, [end for end in layout.separator + "\n" if end != " "]
    start = sum(map(len, itertools.islice(lines_of(text), layout.header)))
    raw, body = next(lines_of(text[start : start + 10_000]), ""), text[start:].rstrip("\n") + "\n"
    if separator == " ":
        body = body.replace("\t", " ")
        while "  " in body:
            body = body.replace("  ", " ")
        body = body.replace(" \n", "\n").replace("\n ", "\n").strip(" ")
    while separator + " " in body and separator != " ":
        body = body.replace(separator + " ", separator)
    blanks = [blank for blank in " \t\xa0" if blank != separator and blank in body]
    padded = any(blank + end in body or "\n" + blank in body or body[0] == blank for blank in blanks for end in ends)
    if '"' in text or padded or body[0] == "\n" or "\n\n" in body or not separator.isascii():
        return None
    if separator != ",":
        if "," in body:
            return None
        body = body.replace(separator, ",")
    if ",\n" in body:
        return None
    letters = np.frombuffer(body.encode(), np.uint8)
    breaks = np.flatnonzero(letters == ord("\n"))
    widths = np.diff(np.searchsorted(np.flatnonzero(letters == ord(",")), breaks), prepend=0) + 1
    return _Rows(body, raw, np.arange(len(breaks)) + layout.header + 1, widths, widths)


def _check_quotes(source: str, text: str, separator: str) -> None:
    """Refuses a quote that is not closed, before a reader takes the rest of a large file for one value."""
    count = text.count('"')
    if count % 2 == 0 and count > FEW_QUOTES:
        return
    before = r"\s" if separator == " " else rf"[{re.escape(separator)}\n]"
    for value in re.finditer(rf'(?:\A|{before}) *(?P<open>")[^"]*(?:""[^"]*)*(?P<close>"|\Z)', text):
        # a value of several lines whose end lies within the next one has run on to the quote that opens that
        runs_on = value["close"] and not re.match(rf"{before}|\s|\Z", text[value.end() : value.end() + 1])
        if not value["close"] or (runs_on and "\n" in value[0].strip()):
            line = text.count("\n", 0, value.start("open")) + 1
            what = "the rows behind it" if runs_on else "the rest of the file"
            raise InputError(f"{source}: a quote on line {line} is not closed and swallows {what}. Close or remove it.")


def _check_end(source: str, text: str, separator: str, line: int) -> None:
    """Refuses backslashes before quotes, and a last row, which begins on `line`, with a quote that is not closed."""
    place = re.search(r'\\"[^"\n' + re.escape(separator) + "]", text)
    if place:
        raise InputError(
            f"{source}: line {text.count(chr(10), 0, place.end() - 1) + 1} has a backslash before a quote. In a csv "
            'file a quote in a value is written twice: "5"" nail". Save it so (pandas: to_csv without escapechar).'
        )
    end = list(itertools.islice(io.StringIO(text), line - 1, None))
    try:
        list(csv.reader(end, delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InputError(
                f"{source}: a quote on line {line} is not closed and swallows the rest of the file. Close or remove it."
            ) from error


def _columns(source: str, layout: Layout, rows: _Rows) -> tuple[str, ...]:
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


def _uneven(source: str, layout: Layout, rows: _Rows, row: int) -> str:
    """The message about a row of another width."""
    first = next(csv.reader(itertools.islice(io.StringIO(rows.text), row, None)))
    if first[0].startswith(COMMENT):
        return f"{source}: line {rows.lines[row]} is a comment: {first[0][:40]!r}. Remove it."
    return (
        f"{source} is no table: line {rows.lines[row]} has {rows.full[row]} values, the header has "
        f"{len(layout.names)} names, separated by {SPOKEN.get(layout.separator, repr(layout.separator))}. Give every "
        "row as many; put quotes around a value that holds the separator."
    )


def _named_rows(source: str, layout: Layout, rows: _Rows) -> tuple[str, ...]:
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
    names = counted or alone or not (first.str.match("['‘’‚]").any() or _numeric(first).any())
    return bool(first.is_unique and names and _numeric(last[~last.isin(MISSING)]).all())


def _numeric(texts: pd.Series) -> pd.Series:
    """Which texts are numbers, True or False."""
    return pd.to_numeric(texts, errors="coerce").notna() | texts.str.lower().isin(("true", "false"))


def _plain(rows: _Rows, width: int, **options: object) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(rows.text.encode()),
        header=None,
        names=range(width),
        index_col=False,
        skip_blank_lines=False,
        low_memory=False,
        **options,
    )


def _parsed(rows: _Rows, columns: Sequence[str], graph: CausalGraph, decimal: str, beside: str) -> pd.DataFrame:
    """The columns that are needed; names and declared categories, of which 01 may be one, as they are spelled."""
    kinds = [graph.declared.get(name) for name in columns]
    spelled = {k for k, kind in enumerate(kinds) if isinstance(kind, Categorical)}
    spelled |= {name_column(columns, graph.nodes) or 0} - {k for k in (0,) if columns[k] in graph.nodes}
    spelled |= {k for k, name in enumerate(columns) if beside and name == beside}
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
    found = [values[node] for node in nodes if node in values]
    texts = bool(found) and not any(map(_is_number, found))
    again = np.logical_and.reduce([column == column.name for column in found]) if texts else marked[:0]
    if again.any():
        raise InputError(f"{source}: line {lines[int(np.argmax(again))]} is the header again. Remove it.")
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


def _read_commas(values: pd.DataFrame, graph: CausalGraph) -> None:
    """Writes a point for the decimal comma of numbers that one text in their column has left as texts."""
    for node in set(graph.nodes) & set(values):
        if not (isinstance(graph.declared.get(node), Categorical) or _is_number(values[node])):
            values[node] = values[node].replace(r"^\s*([-+]?\d*),(\d+([eE][-+]?\d+)?)\s*$", r"\1.\2", regex=True)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)
