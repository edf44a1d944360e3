"""Shows a causal graph, draws it, converts it or tests it: causalgan-graph --graph=asia.bif --out=asia.svg.

Prints the nodes in ancestral order, each with its type and its parents. The ending of --out says what is written: a
drawing (.svg, .pdf, .png), or the graph in another form (.txt, .dot, .gv, .dagitty, .gml, .json, .cg, .list). With
--labels_file it says whether a table contradicts the graph, and which missing edges would explain it best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.errors import InputError
from causalgan_tf.graphs import formats
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.names import written
from causalgan_tf.system.outputs import write_file

if TYPE_CHECKING:
    from causalgan_tf.data.tables import LabelTable

OF_A_TABLE = ("drop_missing", "decimal", "interventions", "permutations", "seed")  # flags that are about --labels_file


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "graph", "", "causal graph: a name such as causal_graph_1, a file, or text such as 'A -> B'")
    common.define(values, "out", "", "file to write, a drawing or the graph in another form; empty: none")
    common.define(values, "overwrite", False, "replace a file that is there already")
    common.define(values, "image", False, "draw the image below the labels, which are its causes")
    common.define(values, "labels_file", "", "table that the graph is tested on: csv, parquet or CelebA's list")
    common.define(values, "drop_missing", False, "leave out rows of labels_file with missing values")
    common.define(values, "decimal", ".", "decimal mark of numbers in labels_file", (".", ","))
    common.define(
        values, "interventions", "", "column of labels_file that names the nodes set in each row, as A or A;B: left out"
    )
    common.define(
        values,
        "permutations",
        200,
        "random graphs, the same with its nodes permuted, that are tested on labels_file too; 0: none",
        low=0,
        high=100_000,
    )
    common.define(values, "seed", 0, "seed of the random graphs and of rows that are sampled", low=0, high=2**31 - 1)


def main(values: flags.FlagValues) -> None:
    """Shows a graph, and tests it on a table if one is given."""
    if not values.graph:
        raise InputError(f"--graph is missing: {values['graph'].help}.")
    graph = load_graph(values.graph)
    unread = [name for name in OF_A_TABLE if values[name].present and not values.labels_file]
    if unread:
        raise InputError(f"--{unread[0]} is about a table that the graph is tested on: give --labels_file too.")
    if values.image and not values.out:
        raise InputError("--image is about a drawing: say where to write it, such as --out=graph.svg.")
    table = read_table(graph, values) if values.labels_file else None
    if values.out:
        write(graph, values)
    print(described(table.graph if table else graph))
    if table:
        from causalgan_tf.data.graph_fit import graph_fit

        print(f"\n{graph_fit(table, table.graph, values.permutations, values.seed)}")
    if values.out:
        print(common.folder(values, "out"))


def read_table(graph: CausalGraph, values: flags.FlagValues) -> LabelTable:
    """The labels that the graph is tested on."""
    # pandas takes a second, and a graph alone does without
    from causalgan_tf.data.tables import read_labels

    how = values.drop_missing, values.decimal, values.interventions
    return read_labels(common.folder(values, "labels_file"), graph, *how)


def described(graph: CausalGraph) -> str:
    """The graph in words: a line a node, and one on the whole."""
    kinds = {written(node): variable.text() for node, variable in graph.variables.items()}
    columns = [max(map(len, texts)) for texts in (kinds, kinds.values())]
    lines = [
        f"{name:{columns[0]}}  {kind:{columns[1]}}{' <- ' if causes else ''}{', '.join(map(written, causes))}".rstrip()
        for (name, kind), causes in zip(kinds.items(), graph.parents.values(), strict=True)
    ]
    possible = len(graph) * (len(graph) - 1) // 2
    lines.append(
        f"nodes: {len(graph)}; edges: {len(graph.edges)} of {possible}, {'' if graph.is_complete else 'not '}complete; "
        f"longest path: {nx.dag_longest_path_length(graph.to_networkx())}"
    )
    return "\n".join(lines)


def write(graph: CausalGraph, values: flags.FlagValues) -> None:
    """Writes the drawing or the other form; InputError for an ending that is neither's."""
    from causalgan_tf.graphs import drawing

    out = common.folder(values, "out")
    ending = formats.ending(out)
    if ending not in ("", *drawing.ENDINGS, *formats.ENDINGS):
        raise InputError(
            f"--out={values.out}: expected a drawing, {', '.join(drawing.ENDINGS)}, or another form of the graph, "
            f"{', '.join(formats.ENDINGS)}."
        )
    if values.image and ending not in drawing.ENDINGS:
        raise InputError(f"--image is about drawings, {', '.join(drawing.ENDINGS)}: it does not go with {values.out}.")
    if ending in drawing.ENDINGS:
        content = drawing.drawn_as(graph, ending, values.image)
    else:
        content = formats.graph_text(graph, out).encode()
    write_file(out, content, values.overwrite)


def program() -> None:
    """The command causalgan-graph."""
    common.run(declare, main)


if __name__ == "__main__":
    program()
