"""The record of a run's data: the resolved graph and the fingerprint of its rows, in graph.json of the run folder.

It is written once. No program reads the user's graph file after that.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

import causalgan_tf
from causalgan_tf.config.run import RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Categorical, Continuous, Variable, from_json, to_json
from causalgan_tf.system.files import RESTORE, read_object, write_text

FILE = "graph.json"
BEFORE = "variables.json"  # what a run of 0.3.0 and earlier kept in its place: variable types alone
SHOWN = 3  # names listed in one message


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """Tells the rows and the images of a run from others.

    Attributes:
        rows: number of label rows.
        dtype: NumPy's name of their type.
        columns: a hash of each label's column, by node; rows in another order have another hash.
        images: what identifies the image files: a hash of names and sizes, and behind a - one of contents, which runs
            of before may lack; empty: no images, or images that the configuration identifies.

    >>> graph = CausalGraph.from_text("A -> B")
    >>> one, other = (Fingerprint.of(graph, np.array(rows)) for rows in ([[0, 1]], [[0, 0]]))
    >>> list(one.differences(other))
    ['values or order of the rows in B']
    """

    rows: int
    dtype: str
    columns: dict[str, str]
    images: str = ""

    @classmethod
    def of(cls, graph: CausalGraph, label_rows: np.ndarray, images: str = "") -> "Fingerprint":
        """The fingerprint of label rows [N, K], columns in graph order."""
        columns = {
            # a column each, so that a refusal can name the label that changed
            node: hashlib.sha256(np.ascontiguousarray(label_rows[:, k]).tobytes()).hexdigest()[:32]
            for k, node in enumerate(graph.nodes)
        }
        return cls(len(label_rows), str(label_rows.dtype), columns, images)

    def differences(self, other: "Fingerprint") -> Iterator[str]:
        """The differences between `other` and this, one phrase each."""
        if self.rows != other.rows:
            yield f"{self.rows:,} rows there, {other.rows:,} rows now"
        # with another number of rows every column differs, which says nothing more
        elif self.columns != other.columns or self.dtype != other.dtype:
            changed = [node for node, digest in self.columns.items() if other.columns.get(node) != digest]
            yield f"values or order of the rows in {_listed(changed)}" if changed else f"{self.dtype} -> {other.dtype}"
        names, contents, *_ = [one == now for one, now in self._images_beside(other)] + [True, True]
        if not (names and contents):
            yield f"{'contents' if names else 'names, sizes or number'} of the image files"

    def _images_beside(self, other: "Fingerprint") -> Iterator[tuple[str, str]]:
        """The hashes of images that both have."""
        if self.images and other.images:
            yield from zip(self.images.split("-"), other.images.split("-"), strict=False)


@dataclasses.dataclass(frozen=True)
class RunGraph:
    """The content of graph.json.

    Attributes:
        graph: the causal graph, the type of every node resolved: categories, mean and deviation included.
        declared: the same graph with the types that the user declared and no others.
        fingerprint: of the training rows; None: a run of 0.3.0, which kept none.
        version: of the package that began the run.
        cells: the label cells that have training images; None: no images, or a run of 0.3.0 or earlier.

    >>> graph = CausalGraph.from_text("A -> B; B: categorical(no, yes)")
    >>> RunGraph.from_json(RunGraph(graph, graph).to_json()).graph == graph
    True
    """

    graph: CausalGraph
    declared: CausalGraph
    fingerprint: Fingerprint | None = None
    version: str = causalgan_tf.__version__
    cells: ObservedCells | None = dataclasses.field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file, nodes in order."""
        return {
            "version": self.version,
            "nodes": list(self.graph.nodes),
            "edges": [list(edge) for edge in self.graph.edges],
            "variables": to_json(self.graph.variables),
            "declared": to_json(self.declared.declared),
            "fingerprint": dataclasses.asdict(self.fingerprint) if self.fingerprint else None,
            "cells": self.cells.to_json() if self.cells else None,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RunGraph":
        """What `to_json` wrote.

        Raises:
            InputError, KeyError, TypeError, ValueError, AttributeError: anything else.
        """
        parents: dict[str, list[str]] = {node: [] for node in values["nodes"]}
        for parent, child in values["edges"]:
            parents[child].append(parent)
        variables, declared = from_json(values["variables"]), from_json(values["declared"])
        if set(variables) != set(parents):
            raise InputError("nodes and variables are of two graphs.")
        kept = values["fingerprint"]
        fingerprint = Fingerprint(**kept) if kept is not None else None
        # what 0.3.0 and earlier wrote says nothing of cells
        cells = ObservedCells.from_json(values["cells"]) if values.get("cells") is not None else None
        if cells and len(cells.sizes) != len(parents):
            raise InputError("nodes and observed cells are of two graphs.")
        graphs = CausalGraph(parents, variables), CausalGraph(parents, declared)
        return cls(*graphs, fingerprint, str(values["version"]), cells)

    def identity(self, seed: int) -> str:
        """What tells this run's checkpoints from those of other graphs, rows and seeds; empty: a run of 0.3.0.

        >>> graph = CausalGraph.from_text("A -> B")
        >>> run = RunGraph(graph, graph, Fingerprint.of(graph, np.array([[0, 1]])))
        >>> len(run.identity(seed=0)), run.identity(seed=0) == run.identity(seed=1)
        (16, False)
        """
        if self.fingerprint is None:
            return ""
        # images are not among it: a run of labels may go on with images
        rows = dataclasses.replace(self.fingerprint, images="")
        told = [seed, list(self.graph.nodes), sorted(self.graph.edges), dataclasses.asdict(rows)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def save(self, workdir: pathlib.Path) -> None:
        """Writes `workdir`/graph.json; `workdir` exists."""
        write_text(workdir / FILE, json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n")


def stored(workdir: str | pathlib.Path, config: RunConfig) -> RunGraph:
    """The graph of the run in `workdir`, as it was when the run began.

    A run of 0.3.0 or earlier kept no graph: it is read from where the configuration says.

    Raises:
        InputError: graph.json is damaged, or an old run's graph cannot be read any more.
    """
    path = pathlib.Path(workdir) / FILE
    if not path.is_file():
        return _stored_before(pathlib.Path(workdir), config)
    try:
        return RunGraph.from_json(read_object(path))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path} is damaged: {_short(error)} {RESTORE}") from error


def graph_of(workdir: str | pathlib.Path, config: RunConfig) -> CausalGraph:
    """The graph of the run in `workdir`: categories, mean and deviation as in its training rows; see `stored`."""
    return stored(workdir, config).graph


def agreed(workdir: pathlib.Path, mine: RunGraph | None, now: CausalGraph) -> RunGraph:
    """The record of a run whose graph the user names: a new one, or `mine`, if the run has one already.

    Raises:
        InputError: the graph that the user names now is not the run's; the message lists what differs.
    """
    if mine is None:
        return RunGraph(now, now)
    lines = list(_graph_differences(mine, now))
    if lines:
        raise InputError(
            f"{workdir} holds a run of another graph (there -> here): {_listed(lines, '; ')}. Restore the graph of "
            "that run, or choose another --workdir. The run is as it was."
        )
    return mine


def settled(
    workdir: pathlib.Path,
    mine: RunGraph,
    graph: CausalGraph,
    fingerprint: Fingerprint,
    cells: ObservedCells | None = None,
) -> RunGraph:
    """The record with which a run continues, after a check that its data are still the same.

    Mean and deviation of continuous labels stay the stored ones, by which the networks were trained.

    Args:
        workdir: the run folder, for messages.
        mine: what the run keeps.
        graph: the graph of the data as they are now, the type of every node resolved.
        fingerprint: of the rows and images as they are now.
        cells: the label cells that have training images now; None: none are read.

    Returns:
        `mine`, completed by what it did not keep yet.

    Raises:
        InputError: a node's type, categories or bounds, the rows or the images are not those of the run.
    """
    for node, variable in mine.graph.variables.items():
        now = graph.variables[node]
        if _plain(variable) != _plain(now):
            raise InputError(
                f"{workdir} holds a run in which {node} is {_short(variable.text())}; in the data it is "
                f"{_short(now.text())} now. Restore the data of that run, declare the kind of {node} in the graph, or "
                "choose another --workdir."
            )
    if mine.fingerprint is None:
        return dataclasses.replace(mine, fingerprint=fingerprint, cells=cells)
    lines = list(mine.fingerprint.differences(fingerprint))
    if lines:
        raise InputError(
            f"{workdir} holds a run of other data. What differs: {'; '.join(lines)}. Restore the data of that run, "
            "or choose another --workdir. The run is as it was."
        )
    # a run of labels that goes on with images learns of them now, an old one of their contents
    images = max(mine.fingerprint.images, fingerprint.images, key=len)
    known = dataclasses.replace(mine.fingerprint, images=images)
    return dataclasses.replace(mine, fingerprint=known, cells=mine.cells or cells)


def _stored_before(workdir: pathlib.Path, config: RunConfig) -> RunGraph:
    """The record of a folder without graph.json: the user's graph, with variables.json if there is one."""
    try:
        graph = load_graph(config.data.graph)
    except (InputError, OSError) as error:
        raise InputError(
            f"{workdir} holds a run of 0.3.0 or earlier, which did not keep its graph: {_short(error)} Restore the "
            f"graph file, or write its text into {workdir / 'config.json'}, field data.graph."
        ) from error
    path = workdir / BEFORE
    if not path.is_file():
        return RunGraph(graph, graph)
    values = read_object(path)
    try:
        variables = from_json(values)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: {_short(error)} {RESTORE}") from error
    if set(variables) != set(graph.nodes):
        other = sorted(set(variables) ^ set(graph.nodes))[0]
        raise InputError(f"{path} is of another graph than the run's: {other!r} is in one of them only. Restore it.")
    return RunGraph(graph.with_variables(variables), graph)


def _graph_differences(mine: RunGraph, now: CausalGraph) -> Iterator[str]:
    """The differences between the user's graph and the run's, one phrase each."""
    old, new = set(mine.graph.edges), set(now.edges)
    nodes = set(mine.graph.nodes), set(now.nodes)
    yield from (f"node {node} removed" for node in sorted(nodes[0] - nodes[1]))
    yield from (f"node {node} added" for node in sorted(nodes[1] - nodes[0]))
    # said as one change, not as an edge removed and one added
    turned = {edge for edge in old - new if edge[::-1] in new}
    yield from (f"edge {a} -> {b} turned round" for a, b in sorted(turned))
    yield from (f"edge {a} -> {b} removed" for a, b in sorted(old - new - turned))
    yield from (f"edge {a} -> {b} added" for a, b in sorted(new - old) if (b, a) not in turned)
    for node, variable in now.declared.items():
        if node in nodes[0] and not _fits(variable, mine.graph.variables[node]):
            yield f"{node}: {_short(mine.graph.variables[node].text(), 60)} -> {_short(variable.text(), 60)}"


def _fits(declared: Variable, variable: Variable) -> bool:
    """Whether a declaration allows a resolved variable."""
    if isinstance(declared, Categorical) and not declared.categories:
        return isinstance(variable, Categorical)
    return _plain(declared) == _plain(variable)


def _plain(variable: Variable) -> Variable:
    """A variable without the statistics of its rows."""
    return dataclasses.replace(variable, mean=0.0, std=1.0) if isinstance(variable, Continuous) else variable


def _listed(names: list[str], between: str = ", ") -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more


def _short(value: object, length: int = 100) -> str:
    """A text cut to a length that a message bears."""
    text = f"no field {value}" if isinstance(value, KeyError) else str(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."
