"""Edge lists: a cause and an effect a line, below a header that says so."""

import csv
import pathlib

from causalgan_tf.errors import shown
from causalgan_tf.graphs.formats.draft import Draft, error
from causalgan_tf.graphs.graph import CausalGraph

_HEADERS = (("from", "to"), ("source", "target"), ("cause", "effect"))


def read(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads an edge list, its two columns apart by a comma, a tab, a semicolon or blanks.

    Raises:
        InputError: no header "from,to", "source,target" or "cause,effect", or a line that is not of two names.
    """
    lines = text.strip().splitlines()
    if not lines:
        raise error(path, "no edges: the file is empty.")
    # by the header, which has two words: a comma in a name below is then a fault and not a third column
    mark = next((mark for mark in ",\t;" if mark in lines[0]), " ")
    draft = Draft(path)
    for number, row in enumerate(_rows(path, lines, mark), start=1):
        cells = [cell.strip() for cell in row]
        if number == 1:
            if tuple(cell.lower() for cell in cells) not in _HEADERS:
                raise error(
                    path,
                    f"expected the header from,to or source,target of an edge list, found {shown(lines[0])}. Add it, "
                    "or use another format: .txt with edges A -> B, .dot, .gv, .dagitty, .gml, .json, .bif.",
                    1,
                )
        elif cells and any(cells):
            if len(cells) != 2:
                raise error(path, f"expected a cause and an effect, found {shown(cells)}.", number)
            draft.edge(cells[0], "->", cells[1], number)
    if not draft.parents:
        raise error(path, "no edges: there is nothing below the header.")
    draft.note(f"read as an edge list with the header {lines[0]}; edges: {draft.edges}")
    return draft.graph()


def _rows(path: pathlib.Path | None, lines: list[str], mark: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True))
    except csv.Error as problem:
        raise error(path, f"expected an edge list: {shown(str(problem), 120)}.") from problem
