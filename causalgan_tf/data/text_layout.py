"""How a file of text is written as a table: its header, what separates the values, and its rows one by one."""

import collections
import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Iterator, Sequence

from causalgan_tf.data import contents
from causalgan_tf.errors import InputError

SEPARATORS = (",", "\t", ";", "|", " ")
LOOK = 50  # rows by which a separator is chosen
COMMENT = ("#", "%", "//", "@")


@dataclasses.dataclass(frozen=True)
class Layout:
    r"""How a file of text is written.

    >>> layout_of("people.txt", "2\nOld;Ill;\n1;0;\n0;0;\n", ["Old", "Ill"])
    Layout(names=('Old', 'Ill'), written=3, separator=';', header=2, declared=2)

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


def layout_of(source: str, text: str, nodes: Sequence[str]) -> Layout:
    """Header and separator, by the header and the first rows together."""
    lines = iter([number, line] for number, line in enumerate(lines_of(text), 1) if line.strip())
    start, declared, separators = next(lines, None), None, SEPARATORS
    if start and (match := re.fullmatch(r'"?sep=(.|\\t)"?', start[1].strip("\n"), re.IGNORECASE)):
        separators, start = (match[1].replace("\\t", "\t"),), next(lines, None)
    if start and start[1].strip().isdecimal():
        declared, start = int(start[1].strip()[:18]), next(lines, None)
    if not start:
        raise InputError(f"{source} is empty. Expected a header with the label names, then one row an image or unit.")
    number, line = start
    if line.lstrip().startswith(COMMENT):
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
    sample = "".join(itertools.islice(lines_of(text), number - 1, number + 20 * LOOK))
    ranked = [(_fit(sample, mark, nodes), mark) for mark in separators]
    (*_, names, written), separator = max(ranked, key=lambda pair: pair[0][:3])  # the first of equal ones
    return Layout(names, written, separator, number, declared)


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text one by one: a large one is not copied for the sake of its first lines."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _fit(sample: str, separator: str, nodes: Sequence[str]) -> tuple[int, float, int, tuple[str, ...], int]:
    """How well a separator fits the first rows: nodes in the header, fit, columns; its names, how many it writes."""
    try:
        header, *rows = (row for row, _ in itertools.islice(records(sample, separator), LOOK + 1))
    except (csv.Error, ValueError):
        return -1, 0.0, 0, (), 0
    names = tuple(name.strip() for name in trimmed(header))
    if any(name in SEPARATORS for name in names if name):
        return -1, 0.0, 0, (), 0
    even = sum(len(row) >= len(names) >= len(trimmed(row)) for row in rows)
    longer = sum(len(row) == len(names) + 1 for row in rows)
    fit = max(1.0 * even, 0.9 * longer) / max(len(rows), 1) * (1.0 if len(names) > 1 else 0.1)
    return sum(name in nodes for name in names), fit, len(names), names, len(header)


def records(text: str, separator: str) -> Iterator[tuple[list[str], int]]:
    """The rows of a text without blanks around the values, and the line on which each begins; blank lines are none."""
    if separator == " ":  # of any number, tabs among them; none at the end of a line separates anything
        text = "".join(line.rstrip() + "\n" for line in io.StringIO(text.replace("\t", " ")))
    # whether there are blanks that csv keeps: a cheap look, for most large files have none
    csv.field_size_limit(contents.LARGEST)  # beside labels there may be whole masks
    padded = '"' in text if separator == " " else re.search(r"[^\S\n][" + re.escape(separator) + r'\n"]|"[ \t]', text)
    reader, first = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True), 1
    for row in reader:
        values = [value.strip() for value in row] if padded else row
        if len(values) > 1 or any(values):
            yield values, first
        first = reader.line_num + 1


def trimmed(row: Sequence[str]) -> Sequence[str]:
    """A row without the empty values at its end."""
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def check_header(source: str, layout: Layout, nodes: Sequence[str]) -> None:
    """Refuses a header of numbers, of one column that is no node, or that names a column twice."""
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
