"""Graphs in files: what is written reads back, published forms are understood, and what is no causal graph is named."""

import gzip
import itertools
import json

import networkx as nx
import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.formats import ENDINGS, ending, read_graph, read_network, write_graph
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous

DIAMOND = CausalGraph.from_text("A -> B; A -> C; B, C -> D; E")
# names that are words of DOT, begin with a digit, or are numbers
AWKWARD = CausalGraph.from_text("node -> 1; 1, 2b -> Graph; dag; label")
QUOTED = CausalGraph.from_text(
    '"Patient Age" -> "q\\"u -> \\\\o;te", "Körper, groß" -> "a.b-c"; Größe; "x/y"; "it\'s"; "#1: <b>"'
)
KINDS = CausalGraph.from_text(
    "Age -> Smoke -> Ill; Sex -> Ill; Age: continuous(0, 120.5); Sex: binary; "
    'Smoke: categorical(never, "for \\ a" while, smokes now); Ill: categorical; Weight: continuous'
)
READ_ONLY = [".bif", ".bif.gz", ".graphml", ".csv", ".tsv", ".edgelist"]
WRITTEN = [name for name in ("", *ENDINGS) if name not in READ_ONLY]
WITH_KINDS = ["", ".txt", ".dot", ".gv", ".gml", ".json"]

# Lauritzen and Spiegelhalter (1988), table 2
ASIA = """// Local computations with probabilities
network "asia" { property author = "Lauritzen; Spiegelhalter" ; }
variable asia { type discrete [ 2 ] { yes, no }; }
variable tub {
  property position = (100, 50) ;
  type discrete [ 2 ] { yes, no };
}
variable smoke { type discrete [ 2 ] { yes, no }; }
variable lung { type discrete [ 2 ] { yes, no }; }
variable bronc { type discrete [ 2 ] { yes, no }; }
variable either { type discrete [ 2 ] { yes, no }; }
variable xray { type discrete [ 2 ] { yes, no }; property seen = yes ; }
variable dysp { type discrete [ 2 ] { yes, no }; }
probability ( asia ) { table 0.01, 0.99; }
probability ( tub | asia ) { (yes) 0.05, 0.95; (no) 0.01, 0.99; }
probability ( smoke ) { table 0.5, 0.5; }
probability ( lung | smoke ) { (yes) 0.1, 0.9; (no) 0.01, 0.99; }
probability ( bronc | smoke ) { (yes) 0.6, 0.4; (no) 0.3, 0.7; }
probability ( either | lung, tub ) { /* one or both */
  (yes, yes) 1.0, 0.0;
  (no, yes) 1.0, 0.0;
  (yes, no) 1.0, 0.0;
  (no, no) 0.0, 1.0;
}
probability ( xray | either ) { (yes) 0.98, 0.02; (no) 0.05, 0.95; }
probability ( dysp | bronc, either ) {
  (yes, yes) 0.9, 0.1;
  (no, yes) 0.7, 0.3;
  (yes, no) 0.8, 0.2;
  (no, no) 0.1, 0.9;
}
"""

# the ancestral order is Size, Mood, Sound: Sound lists its parents the other way round
DOG = """network unknown {
}
variable Sound { type discrete [ 2 ] { barks, quiet }; }
variable Mood { type discrete [ 2 ] { calm, ">=angry" }; }
variable Size { type discrete [ 3 ] { small, medium, large }; }
probability ( Sound | Mood, Size ) {
  (calm, small) 0.1, 0.9;
  (calm, medium) 0.2, 0.8;
  (calm, large) 0.3, 0.7;
  (>=angry, small) 0.4, 0.6;
  default 0.5, 0.5;
}
probability ( Mood | Size ) { table 0.6 0.7 0.8 0.4 0.3 0.2; }
probability ( Size ) { table 0.33, 0.33, 0.33; }
"""


def saved(folder, name, text):
    """The path of a new file."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


# round trips


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize(
    "graph",
    [DIAMOND, AWKWARD, QUOTED, load_graph("causal_graph_1_reversed")],
    ids=["diamond", "odd", "quoted", "9"],
)
def test_every_form_reads_back_what_it_wrote(tmp_path, name, graph):
    path = tmp_path / f"graph{name}"
    write_graph(graph, path)
    again = read_graph(str(path))
    assert again == graph
    assert again.nodes == graph.nodes and not again.declared
    assert load_graph(str(path)) == graph


@pytest.mark.parametrize("name", WITH_KINDS)
def test_kinds_are_kept_where_the_form_has_a_place_for_them(tmp_path, name):
    path = tmp_path / f"graph{name}"
    write_graph(KINDS, path)
    again = read_graph(path)
    assert again == KINDS
    assert again.declared == KINDS.declared


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - set(WITH_KINDS)))
def test_kinds_are_not_lost_in_silence(tmp_path, name):
    with pytest.raises(
        InputError, match=rf"{name} has no place for kinds of labels: Age: continuous\(0, 120.5\); Smoke"
    ):
        write_graph(KINDS, tmp_path / f"graph{name}")
    assert not list(tmp_path.iterdir())
    binary = CausalGraph.from_text("A -> B; A: binary")
    write_graph(binary, tmp_path / f"graph{name}")
    assert read_graph(tmp_path / f"graph{name}") == binary


def test_the_ending_tells_the_form_whatever_its_case(tmp_path):
    assert [ending(name) for name in ("a", "b/c.DOT", "d.bif.GZ", "e.v2.json")] == ["", ".dot", ".bif.gz", ".json"]
    write_graph(DIAMOND, tmp_path / "graph.JSON")
    assert json.loads((tmp_path / "graph.JSON").read_text())["D"] == ["B", "C"]
    for act in (read_graph, lambda path: write_graph(DIAMOND, path)):
        with pytest.raises(InputError, match=r"graph.xml: '.xml' is no known ending. Expected .txt, .dot, .gv, .dagit"):
            act(saved(tmp_path, "graph.xml", "<graph/>"))


def test_a_file_of_an_unknown_ending_is_refused_with_the_known_ones(tmp_path):
    for name in ("graph.mine", "graph.md", "graph.txt.gz"):
        with pytest.raises(InputError, match=r"is no known ending. Expected .txt, .dot, .gv, .dagitty, .gml, .json"):
            load_graph(str(saved(tmp_path, name, "A -> B\n")))
    with pytest.raises(InputError, match=r"graph.txt: expected no cycle, found A -> B -> A"):
        load_graph(str(saved(tmp_path, "graph.txt", "A -> B; B -> A")))


def test_a_graph_without_tables_is_not_written_as_a_network(tmp_path):
    with pytest.raises(InputError, match=r"a .bif file holds probabilities, which a graph has not. Write .txt, .dot"):
        write_graph(DIAMOND, tmp_path / "graph.bif")
    for name in (".graphml", ".csv"):
        with pytest.raises(InputError, match=rf"{name} is only read. Write .txt, .dot"):
            write_graph(DIAMOND, tmp_path / f"graph{name}")


def test_what_is_no_text_or_is_not_there_is_named(tmp_path):
    (tmp_path / "graph.dot").write_bytes(b"\x89PNG\xff")
    (tmp_path / "asia.bif.gz").write_text("not packed")
    with pytest.raises(InputError, match=r"graph.dot, line 1: expected text in UTF-8, found the byte 0x89. .* Latin-1"):
        read_graph(tmp_path / "graph.dot")
    with pytest.raises(InputError, match=r"asia.bif.gz: expected text"):
        read_graph(tmp_path / "asia.bif.gz")
    with pytest.raises(InputError, match=r"none.dot: there is no such file"):
        read_graph(tmp_path / "none.dot")


# published forms


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "chains_and_groups.dot",
            '/* one */ strict digraph "a graph" {\n# two\nrankdir=LR; node [shape=box, kind="not read"]\n'
            'A -> "B" -> C [color="red", weight=-0.5] // three\n{A; B} -> D\n'
            "subgraph cluster_0 { label=<<b>x</b>>; E }\nD:n -> E:w\n}",
            "A -> B -> C; A, B -> D; D -> E",
        ),
        ("nodes.gv", 'DiGraph{a[label="not its name"];c,b->d;e}', "a; c, b -> d; e"),
        ("nested.dot", "digraph { {A {B C}} -> D -> {E F} }", "A; B; C; A, B, C -> D; D -> E; D -> F"),
        ("back.dot", "digraph { A -> B [dir=back]; edge [dir=back]; A -> C [dir=forward]; D -> C}", "B -> A -> C -> D"),
        ("scope.dot", "digraph { {edge [dir=back]; A -> B} A -> C}", "B -> A -> C"),
        ("ends.dot", "digraph { A -> B [dir=both, arrowtail=none, arrowhead=normal]; }", "A -> B"),
        ("kinds.dot", 'digraph { A, B [kind="continuous(0, 1)"]; A -> B }', "A -> B; A, B: continuous(0, 1)"),
        (
            "paper.dagitty",
            'dag {\nbb="0,0,1,1"\nE [exposure,pos="-2.200,-1.520"]\nD [outcome,pos="1.4,0"]\n"A1" [adjusted]\n'
            'E -> D [beta=.3]\nA1 -> E D <- A1\nE <- B -> D\n}\n',
            "E; D; A1; E -> D; A1 -> E; A1 -> D; B -> E; B -> D",
        ),
        ("short.dagitty", "dag{node->graph<-1 {a b}->1}", "node -> graph; 1 -> graph; a -> 1; b -> 1"),
        ("pdag.dagitty", "pdag { A -> B }", "A -> B"),
        ("parents.json", '{"B": ["A"], "C": []}', "A -> B; C"),
        ("named.json", '{"causal_graph": {"B": ["A"]}, "dataset": "table"}', "A -> B"),
        ("node.json", '{"causal_graph": ["nodes"], "nodes": []}', "nodes -> causal_graph"),
        ("links.json", '{"nodes": [{"id": 0}, {"id": "B", "kind": "continuous"}],'
         '"edges": [{"source": 0, "target": "B"}]}',
         "0 -> B; B: continuous"),
        ("ids.gml", "graph [ directed 1 node [ id 3 ] node [ id 1 ] edge [ source 3 target 1 ] ]", "3 -> 1"),
        (
            "names.gml",
            'graph [ directed 1 node [ id 0 name "A" ] node [ id 1 label "B" name "C" ] edge [ source 1 target 0 ] ]',
            "B -> A",
        ),
        ("model.cg", "<NODES>\nX\nY\n\n<EDGES>\n\nX -> Y\n", "X -> Y"),
        ("old.list", "\n[ # the 2017 program\n ['Male' , [ ]],['Young',[]],\n('Mustache',['Male','Young']), ]",
         "Male, Young -> Mustache"),
    ],
)  # fmt: skip
def test_files_as_people_write_them_are_read(tmp_path, name, text, expected):
    same = {
        frozenset(graph.edges) for graph in (read_graph(saved(tmp_path, name, text)), CausalGraph.from_text(expected))
    }
    assert len(same) == 1
    graph = read_graph(tmp_path / name)
    assert set(graph.nodes) == set(CausalGraph.from_text(expected).nodes)
    assert {node: graph.variables[node] for node in graph.nodes} == {
        node: CausalGraph.from_text(expected).variables[node] for node in graph.nodes
    }


@pytest.mark.parametrize("edges", ["edges", "links"])
def test_the_node_link_data_of_networkx_is_read(tmp_path, edges):
    data = nx.node_link_data(DIAMOND.to_networkx(), edges=edges)
    assert read_graph(saved(tmp_path, "graph.json", json.dumps(data))) == DIAMOND


@pytest.mark.parametrize("name", ["<5", "<x>", "<b>bold</b>", "a<b>", ">30", "&lt;", "5"])
def test_a_name_that_looks_like_html_is_a_name(tmp_path, name):
    graph = CausalGraph({name: [], "B": [name]})
    for form in WITH_KINDS:
        write_graph(graph, tmp_path / f"graph{form}")
        assert read_graph(tmp_path / f"graph{form}") == graph


def test_labels_in_quotes_are_names_and_those_in_html_are_none(tmp_path):
    path = tmp_path / "graph.dot"
    path.write_text('digraph { node [label=x]; 1 [label="<5"]; 2 [label=<a <b>bold</b> one>]; 1 -> 2 }')
    assert read_graph(path).edges == (("<5", "2"),)


def test_gml_is_that_of_networkx(tmp_path):
    write_graph(KINDS, tmp_path / "graph.gml")
    drawn = nx.read_gml(tmp_path / "graph.gml")
    assert set(drawn.edges) == set(KINDS.edges)
    assert drawn.nodes["Age"]["kind"] == "continuous(0, 120.5)"


def test_what_is_written_is_plain(tmp_path):
    graph = CausalGraph.from_text("A -> B; B: categorical(x, y)")
    expected = {
        "txt": "A\nA -> B\nB: categorical(x, y)\n",
        "dot": 'digraph {\n  A;\n  B [kind="categorical(x, y)"];\n  A -> B;\n}\n',
        "json": '{\n  "causal_graph": {\n    "A": [],\n    "B": ["A"]\n  },\n  "variables": {\n'
        '    "B": "categorical(x, y)"\n  }\n}\n',
    }
    bare = {
        "dagitty": "dag {\nA\nB\nA -> B\n}\n",
        "json": '{\n  "A": [],\n  "B": ["A"]\n}\n',
        "cg": "<NODES>\nA\nB\n\n<EDGES>\nA -> B\n",
        "list": '[["A", []],\n ["B", ["A"]]]\n',
    }
    for written, forms in ((graph, expected), (CausalGraph(graph.parents), bare)):
        for name, text in forms.items():
            write_graph(written, tmp_path / f"graph.{name}")
            assert (tmp_path / f"graph.{name}").read_text() == text


# what is refused


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        # edges that are not causal
        ("g.dot", "digraph {\n A -> B\n B -> C [dir=both]\n}", "line 3: B <-> C says that a hidden cause is common"),
        ("g.dot", "digraph { A -> B [dir=none] }", "line 1: A -- B has no direction.* Write A -> B or B -> A"),
        ("g.dot", "digraph { edge [arrowhead=none]; A -> B }", "A -- B has no direction"),
        ("g.dot", "graph {\nA -- B }", "line 2: A -- B has no direction"),
        ("g.dagitty", "dag {\nA -> B\nA <-> C\n}", "line 3: A <-> C says .* Add it as a node with edges to A and C"),
        ("g.dagitty", "pdag { A -> B\nB -- C }", "line 2: B -- C has no direction"),
        ("g.dagitty", "dag { A --- B }", "A --- B has no direction"),
        ("g.dagitty", "pdag { A @-> B }", "A @-> B leaves open what it means"),
        ("g.dagitty", "pag { A -> B }", "line 1: a PAG stands for many causal graphs"),
        ("g.dagitty", "dag { A -> B\n U [latent]\nU -> A U -> B}", "line 2: U is hidden"),
        ("g.dot", 'digraph { U [label="confounder", observed="no"]; U -> A }', "line 1: U is hidden"),
        ("g.cg", "<NODES>\nX\nY\n<EDGES>\nX <-> Y\n", "line 5: X <-> Y says that a hidden cause"),
        ("g.cg", "<NODES>\nX\nY\n<EDGES>\nX -- Y\n", "line 5: X -- Y has no direction"),
        ("g.gml", 'graph [ node [ id 0 label "A" ] node [ id 1 label "B" ] edge [ source 0 target 1 ] ]', "A -- B"),
        ("g.json", '{"directed": false, "nodes": [{"id": 1}], "links": [{"source": 1, "target": 1}]}', "1 -- 1"),
        ("g.txt", "A <-> B", r"graph text 'A <-> B': .* Hidden common causes"),
        # cycles, repetitions
        *(
            (f"g{name}", text, "expected no cycle, found A -> B -> A. Remove one of its edges")
            for name, text in {
                ".dot": "digraph { A -> B -> A }",
                ".dagitty": "dag { A -> B -> A }",
                ".json": '{"A": ["B"], "B": ["A"]}',
                ".list": "[['A', ['B']], ['B', ['A']]]",
                ".cg": "<NODES>\nA\nB\n<EDGES>\nA -> B\nB -> A",
                ".gml": "graph [ directed 1 node [ id 0 label \"A\" ] node [ id 1 label \"B\" ] "
                "edge [ source 0 target 1 ] edge [ source 1 target 0 ] ]",
            }.items()
        ),
        ("g.dot", "digraph { A -> A }", "'A' is a parent of itself"),
        ("g.dot", "digraph {\nA -> B\n{A C} -> B }", "line 3: the edge A -> B is given twice"),
        ("g.json", '{"A": [], "A": ["B"]}', "'A' is there twice"),
        ("g.list", "[['A', []], ['A', ['B']]]", "the node 'A' is listed twice"),
        ("g.gml", 'graph [ directed 1 node [ id 0 label "A" ] node [ id 1 label "A" ] ]', "two nodes are called 'A'"),
        # names
        ("g.dot", 'digraph {\n" Family" -> B }', "line 2: node name ' Family': expected printed text"),
        ("g.dagitty", 'dag { A\n"" -> A }', "line 2: node name ''"),
        ("g.gml", 'graph [ directed 1 node [ id 0 label "&#7;" ] ]', r"node name '.x07'"),
        ("g.txt", "A\nA b -> C", "node name 'A b': .* quotation marks round the name: \"A b\""),
        ("g.txt", '"A" b -> C', "expected ->, a comma or a semicolon between two names"),
        ("g.json", '{"A": [["B"]]}', r"the name of a node, got \['B'\]"),
        ("g.json", '{"A": [1.5]}', "the name of a node, got 1.5"),
        ("g.json", '{"A": [true]}', "node name True"),
        ("g.list", "[['A', [[]]]]", r"the name of a node, got \[\]"),
        ("g.cg", "<NODES>\nA b", "line 2: node name 'A b'"),
        # malformed
        ("g.dot", "digraph { A -> B", "line 1: expected a node or '}', found the end of the file"),
        ("g.dot", "", "expected 'digraph {' or 'dag {', found the end of the file"),
        ("g.dot", "A -> B", "expected 'digraph {' or 'dag {', found 'A'"),
        ("g.dot", "digraph g A -> B", "line 1: expected '{', found 'A'"),
        ("g.dot", "digraph {\nA -> ;\n}", "line 2: expected a node or '}', found ';'"),
        ("g.dot", 'digraph {\nA -> "B\n}', "line 2: cannot read '\"B'"),
        ("g.dot", "digraph {\nA [color=red\n}", "line 3: expected an attribute or ']', found '}'"),
        ("g.dot", "digraph { A }\ndigraph { B }", "line 2: expected the end of the file .*, found 'digraph'"),
        ("g.dot", "digraph { }", "no nodes"),
        ("g.dot", 'digraph {\nA [kind="continous"] }', "line 2: kind of A: 'continous': .* Did you mean 'continuous'"),
        ("g.json", '{"A": [],\n "B": ["A"}', "line 2: expected JSON, found expecting"),
        ("g.json", '["A"]', r"expected {\"A\": \[\], \"B\": \[\"A\"\]}, .* got \['A'\]"),
        ("g.json", '{"A": "B"}', "parents of 'A': expected a list of names, got 'B'"),
        ("g.json", '{"causal_graph": {"A": []}, "variables": {"B": "binary"}}', "there is no node 'B'"),
        ("g.json", '{"causal_graph": {"A": []}, "variables": ["A"]}', r"an object of node and kind, got \['A'\]"),
        ("g.json", '{"nodes": [{"name": "A"}], "edges": []}', 'expected nodes with "id"'),
        ("g.json", '{"nodes": [{"id": "A"}], "edges": ["A"]}', 'edges with "source" and "target"'),
        ("g.gml", "graph [ directed 1 node [ id 0 label ] ]", "expected a graph in GML: .*"),
        ("g.gml", "graph [\n directed 1\n node ? ]", r"expected a graph in GML: .*"),
        ("g.cg", "X -> Y", "line 1: expected <NODES>, found 'X -> Y'"),
        ("g.cg", "<NODES>\nX\n<EDGES>\nX", "line 4: expected an edge such as 'A -> B', found 'X'"),
        ("g.cg", "<NODES>\nX\n<EDGES>\nX -> Y", "line 4: the node 'Y' is not among <NODES>"),
        ("g.list", "[['A', []],\n ['B', 'A'", "line .: expected a list such as .* never closed"),
        ("g.list", "[['A', 'B']]", r"expected a list such as .* got \['A', 'B'\]"),
        ("g.list", "[['A', []], open('x')]", "expected a list such as .* and no other Python"),
        ("g.list", "5", "expected a list such as .* got 5"),
        ("g.list", "[]", "no nodes"),
    ],
)  # fmt: skip
def test_what_is_no_causal_graph_is_named_with_its_file(tmp_path, name, text, message):
    with pytest.raises(InputError, match=f"graph file .*{name}.*{message}"):
        read_graph(saved(tmp_path, name, text))


# Bayesian networks


def joint(graph, tables):
    """The joint law by the chain rule: float64 [sizes...]."""
    law = np.ones([table.shape[-1] for table in (tables[node] for node in graph.nodes)])
    for cell in itertools.product(*map(range, law.shape)):
        value = dict(zip(graph.nodes, cell, strict=True))
        for node in graph.nodes:
            law[cell] *= tables[node][(*(value[parent] for parent in graph.parents[node]), value[node])]
    return law


def test_the_chest_clinic_has_its_published_marginals(tmp_path):
    graph, tables = read_network(saved(tmp_path, "asia.bif", ASIA))
    assert len(graph.edges) == 8 and len(graph) == 8
    assert graph.variables["dysp"] == Categorical(("yes", "no"))
    assert read_graph(tmp_path / "asia.bif") == load_graph(str(tmp_path / "asia.bif")) == graph
    law = joint(graph, tables)
    marginals = {
        node: law.sum(axis=tuple(k for k in range(8) if k != graph.index(node)))[0] for node in graph.nodes
    }  # of "yes", as the paper's figure 2 and later texts print them
    expected = {"asia": 0.01, "tub": 0.0104, "smoke": 0.5, "lung": 0.055, "bronc": 0.45, "either": 0.0648}
    assert marginals == pytest.approx(expected | {"xray": 0.1103, "dysp": 0.4360}, abs=5e-5)


def test_a_packed_network_is_the_same(tmp_path):
    (tmp_path / "asia.bif.gz").write_bytes(gzip.compress(ASIA.encode()))
    graph, tables = read_network(tmp_path / "asia.bif.gz")
    expected = read_network(saved(tmp_path, "asia.bif", ASIA))
    assert graph == expected[0] == load_graph(str(tmp_path / "asia.bif.gz"))
    for node in graph.nodes:
        np.testing.assert_array_equal(tables[node], expected[1][node])


def test_tables_follow_the_graphs_order_of_parents_not_the_files(tmp_path):
    graph, tables = read_network(saved(tmp_path, "dog.bif", DOG))
    assert graph.nodes == ("Size", "Mood", "Sound")
    assert graph.parents["Sound"] == ("Size", "Mood")
    assert graph.variables["Mood"].categories == ("calm", ">=angry")
    assert {node: table.shape for node, table in tables.items()} == {"Size": (3,), "Mood": (3, 2), "Sound": (3, 2, 2)}
    np.testing.assert_allclose(tables["Size"], [1 / 3] * 3)
    # "table": the node's own value changes slowest
    np.testing.assert_allclose(tables["Mood"], [[0.6, 0.4], [0.7, 0.3], [0.8, 0.2]])
    np.testing.assert_allclose(tables["Sound"][..., 0], [[0.1, 0.4], [0.2, 0.5], [0.3, 0.5]])


def test_the_order_of_a_nodes_parents_and_rows_does_not_matter(tmp_path):
    other = DOG.replace("Sound | Mood, Size", "Sound | Size, Mood").replace(
        DOG[DOG.index("  (calm, small)") : DOG.index("}\nprobability ( Mood")],
        "(small, >=angry) 0.4, 0.6; (large, calm) 0.3, 0.7;\n(medium, calm) .2 .8; (small, calm) 1e-1, 0.9;"
        "(large, >=angry) 0.5, 0.5; (medium, >=angry) 0.5, 0.5;\n",
    )
    first, second = (read_network(saved(tmp_path, "dog.bif", text))[1]["Sound"] for text in (DOG, other))
    np.testing.assert_allclose(first, second)


PAIR = (
    "variable A { type discrete [ 2 ] { yes, no }; }\nvariable B { type discrete [ 2 ] { on, off }; }\n"
    "probability ( A ) { table 0.5, 0.5; }\n"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAIR + "probability ( B | A ) { (yes) 0.1, 0.8; (no) 0, 1; }", "line 4: .* sum to 1, found the sum 0.9"),
        (PAIR + "probability ( B | A ) { (yes) -0.1, 1.1; (no) 0, 1; }", "line 4: .* probabilities .* found -0.1"),
        (PAIR + "probability ( B | A ) {\n(yes) 0.1, x; }", "line 5: expected a probability, found 'x'"),
        (PAIR + "probability ( B | A ) {\n(yes) nan, 1; }", "line 5: expected a probability, found 'nan'"),
        (PAIR + "probability ( B | A ) { (yes) 0.1, 0.9; }", r"B: the row \(no\) is missing"),
        (PAIR + "probability ( B | A ) { (yes) 0, 1;\n(yes) 0, 1; }", r"line 5: B: the row \(yes\) is there twice"),
        (PAIR + "probability ( B | A ) { (maybe) 0.1, 0.9; }", "line 4: B: A has no value 'maybe'"),
        (PAIR + "probability ( B | A ) { (yes, no) 0.1, 0.9; }", r"a value of each of A, found \(yes, no\)"),
        (PAIR + "probability ( B | A ) { (yes) 1; (no) 1; }", "B: expected 2 probabilities, found 1"),
        (PAIR + "probability ( B | A ) { table 0.1, 0.9; }", "table of B: expected 4 numbers, found 2"),
        (PAIR + "probability ( B | A ) { table 0, 1, 1, 0; (yes) 0, 1; }", "table of B: .* found 2 rows beside it"),
        (PAIR + "probability ( B | A ) { }", r"B: the row \(yes\) is missing"),
        (PAIR, r"the variable B has no block 'probability \( B ... \)'"),
        (PAIR + "probability ( B | C ) { table 0, 1; }", "line 4: probability of B: there is no variable 'C'"),
        (PAIR + "probability ( A ) { table 0, 1; }", "line 4: the probability of A is there twice"),
        (PAIR + "probability ( B | A, A ) { table 0, 1; }", "line 4: the edge A -> B is given twice"),
        (PAIR + "variable A { type discrete [ 1 ] { x }; }", "line 4: the variable A is there twice"),
        (PAIR + "variable C { type discrete [ 3 ] { x, y }; }", "line 4: C: expected 3 values, found x, y"),
        (PAIR + "variable C { type discrete [ 1 ] { x }; }", r"line 4: values of C: categorical\(x\)"),
        (PAIR + "variable C { type continuous; }", "line 4: expected 'discrete', found 'continuous'"),
        (PAIR + 'variable " x" { type discrete [ 2 ] { x, y }; }', "line 4: node name ' x'"),
        (PAIR + "/* property", "line 4: the comment that begins here has no end"),
        (PAIR + "utility U { }", "line 4: expected 'network' or 'variable' or 'probability', found 'utility'"),
        (PAIR + "probability ( B | A ) { (yes) 0.1", "line 4: expected a probability or ';', found the end"),
        (PAIR.replace("( A )", "( A | B )") + "probability ( B | A ) { table 1, 1, 0, 0; }",
         "expected no cycle, found A -> B -> A"),
        ("", "no nodes"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(InputError, match=f"graph file .*net.bif.*{message}"):
        read_network(saved(tmp_path, "net.bif", text))


def test_only_networks_hold_tables(tmp_path):
    with pytest.raises(InputError, match=r"graph.dot: expected a Bayesian network, .bif or .bif.gz"):
        read_network(saved(tmp_path, "graph.dot", "digraph { A }"))


def test_the_kinds_of_a_network_can_be_written_in_another_form(tmp_path):
    graph = read_graph(saved(tmp_path, "dog.bif", DOG))
    write_graph(graph, tmp_path / "dog.json")
    assert read_graph(tmp_path / "dog.json") == graph
    kinds = graph.with_variables({"Size": Continuous(), "Mood": Binary()}).declared
    assert [type(kind) for kind in kinds.values()] == [Continuous, Binary, Categorical]
