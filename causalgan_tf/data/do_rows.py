"""Rows of a table on which nodes were intervened: which nodes, told by a column of the table."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from causalgan_tf.data.table_columns import Table, is_missing
from causalgan_tf.errors import InputError, brief, closest, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.graph import CausalGraph

NONE = ("", "-", "none", "observational")  # cells of rows on which nothing was set


@dataclasses.dataclass(frozen=True, repr=False)
class DoRows:
    """Label rows on which some nodes were set, whose mechanisms they say nothing of.

    Attributes:
        labels: [M, K], one number a node, those that were set at what they were set to.
        held: bool [M, K], the nodes that were set; at least one a row.

    >>> DoRows(np.array([[1, 0]]), np.array([[True, False]])).marked.tolist()  # tells it from a row that was observed
    [[-2, 0]]
    >>> DoRows(np.array([[1, 0]]), np.array([[True, False]]))
    DoRows: 1 rows of 2 labels
    """

    labels: np.ndarray
    held: np.ndarray

    def __repr__(self) -> str:
        return f"DoRows: {len(self.labels):,} rows of {self.labels.shape[1]} labels"

    @property
    def marked(self) -> np.ndarray:
        """The rows, a number that was set as what no observed one is: -1 less it."""
        return np.where(self.held, -1 - self.labels.astype(np.float64), self.labels).astype(
            np.float32 if self.labels.dtype.kind == "f" else np.int16
        )


def split(rows: np.ndarray, held: np.ndarray | None) -> tuple[np.ndarray, DoRows | None]:
    """The observed rows [N, K], and those on which something was set; None: there are none.

    >>> observed, done = split(np.array([[0, 1], [1, 1]]), np.array([[False, False], [True, False]]))
    >>> observed.tolist(), done.labels.tolist()
    ([[0, 1]], [[1, 1]])
    """
    if held is None or not held.any():
        return rows, None
    some = held.any(1)
    return rows[~some], DoRows(rows[some], held[some])


def check_column(table: Table, column: str, graph: CausalGraph) -> None:
    """InputError unless a table has this column of interventions, once, and it is no node."""
    if column in graph.parents:
        raise InputError(f"--interventions={column}: it is a node of the graph; expected the name of another column.")
    known = list(map(str, table.values.columns))
    if known.count(column) != 1:
        raise InputError(
            f"{table.source} has {known.count(column)} columns {column!r}: expected one that names the nodes set in "
            f"each row, see --interventions.{closest(column, known)}"
        )


def held_nodes(table: Table, column: pd.Series, graph: CausalGraph) -> np.ndarray:
    """The nodes that each row's cell names, bool [N, K]: names with ; or , between, an empty cell none.

    Raises:
        InputError: a name of no node, or fewer than two rows without interventions.

    >>> frame = pd.DataFrame({"A": [0, 1, 1], "what": [None, "", "A"]})
    >>> held_nodes(Table("it", frame), frame["what"], CausalGraph.from_text("A")).ravel().tolist()
    [False, False, True]
    """
    # each text is read once, however many rows have it
    missing, found = is_missing(column), np.zeros([len(column), len(graph)], bool)
    codes, texts = pd.factorize(column.astype(object).where(~missing, "").astype(str).str.strip())
    for code, text in enumerate(texts):
        found[codes == code] = _named(table, graph, text, int(np.argmax(codes == code)))
    if (~found.any(1)).sum() < 2:
        raise InputError(
            f"{table.source}: {int((~found.any(1)).sum())} rows have no intervention in {column.name!r}; expected at "
            "least 2. In a table in which all was set, leave --interventions and the edges into what was set out."
        )
    return found


def _named(table: Table, graph: CausalGraph, text: str, row: int) -> np.ndarray:
    parts: Sequence[str] = [] if text.lower() in NONE else text.replace(";", ",").split(",")
    held = np.zeros(len(graph), bool)
    for part in map(str.strip, parts):
        name = names.unquoted(part) if len(part) > 1 and part[0] == part[-1] == '"' else part
        if name not in graph.parents:
            raise InputError(
                f"{table.source}, {table.place(row)}: intervention on {shown(name)}, which is no "
                f"node.{closest(name, graph.nodes)} Expected names of nodes with ; between, or an empty "
                f"cell. Nodes: {brief(', '.join(graph.nodes))}."
            )
        held[graph.index(name)] = True
    return held
