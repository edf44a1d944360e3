"""Graph files that people have: each is read as its owner meant it, or refused with a sentence that helps."""

import json
import logging

import pandas as pd
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.formats import read_graph, recognised
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

NODES = [{"id": "Age"}, {"id": "Smoke"}, {"id": "Ill"}]
GML = 'graph [ directed 1 node [ id 0 label "Age" ] node [ id 1 label "Ill" ] edge [ source 0 target 1 ] ]'
GRAPHML = (
    '<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrafts.org/xmlns">'
    '<key id="v" for="node" attr.name="name" attr.type="string"/><graph edgedefault="directed">'
    '<node id="n0"><data key="v">Age</data></node><node id="n1"><data key="v">Ill</data></node>'
    '<edge source="n0" target="n1"/></graph></graphml>'
).replace("graphdrafts", "graphdrawing")
YED_GML = """Creator "yFiles"
graph [ hierarchic 1 directed 1
node [ id 0 label "A" ] node [ id 1 label "B" ] node [ id 2 label "C" ]
edge [ source 0 target 1 graphics [ fill "#000000" targetArrow "standard" ] ]
edge [ source 2 target 1 graphics [ fill "#000000" LAST ] ] ]
"""
YED = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
<key id="d6" for="node" yfiles.type="nodegraphics"/><key id="d9" for="edge" yfiles.type="edgegraphics"/>
<graph edgedefault="directed" id="G">
<node id="n0"><data key="d6"><y:ShapeNode><y:NodeLabel>A</y:NodeLabel></y:ShapeNode></data></node>
<node id="n1"><data key="d6"><y:ShapeNode><y:NodeLabel>B</y:NodeLabel></y:ShapeNode></data></node>
<node id="n2"><data key="d6"><y:ShapeNode><y:NodeLabel>C</y:NodeLabel></y:ShapeNode></data></node>
<edge id="e0" source="n0" target="n1"><data key="d9"><y:PolyLineEdge>
<y:LineStyle color="#000000"/><y:Arrows source="none" target="standard"/></y:PolyLineEdge></data></edge>
<edge id="e1" source="n2" target="n1"><data key="d9"><y:ArcEdge>LAST</y:ArcEdge></data></edge>
</graph></graphml>
"""
BIF = """// from a program
network "pets" { }
variable  "lights" { type discrete[2] {  "true"  "false" }; }
variable  "dog-out" { type discrete[2] {  "true"  "false" }; }
probability (  "lights"BAR"dog-out" ) { table 0.6 0.05 0.4 0.95 ; }
probability (  "dog-out" ) { table 0.15 0.85 ; }
"""


def saved(folder, name, text, encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


@pytest.mark.parametrize(
    ("name", "text", "edges"),
    [
        # invisible, for the layout of a drawing alone
        ("a.dot", "digraph { {rank=same; A; B} A -> B [style=invis]; A -> C; B -> C }", "A C; B C"),
        ("b.dot", 'digraph { A -> B -> C; C -> A [style="dotted,invis", constraint=false] }', "A B; B C"),
        ("c.dot", 'digraph { edge [style="invis"]; A -> B; edge [style=solid] B -> C; A -> C }', "B C; A C"),
        ("d.dot", "digraph { {edge [style=invis] A -> B} B -> C; A -> C }", "B C; A C"),
        ("e.dot", "digraph { d [style=invis]; A -> d; A -> B }", "A B"),
        ("f.dot", "digraph { subgraph x { node [style=invis]; d1; d2 } A -> B; d1 -> B; B -> d2 }", "A B"),
        ("g.dot", "digraph { A -> B; A -> B [style=INVIS]; A [style=filled] }", "A B"),
        ("h.dot", "digraph { A -> C; A -> C [style=invis]; C -> A [dir=none style=invis] }", "A C"),
        ("i.gml", GML[:-1] + ' edge [ source 1 target 0 style "invis" ] ]', "Age Ill"),
        ("j.json", '{"nodes":[{"id":"A"},{"id":"B"},{"id":"d","style":"invis"}],"links":[{"source":"A","target":"B"},'
         '{"source":"B","target":"A","style":"dotted, invis"},{"source":"d","target":"B"}]}', "A B"),
        ("k.json", '{"nodes":[{"id":0,"latent":false,"u":0.5},{"id":1}],"links":[{"source":0,"target":1}]}', "0 1"),
        # numbered nodes with labels
        ("causallearn.dot", "digraph { 0 [label=Age]; 1 [label=Ill]; 0 -> 1 [dir=both, arrowtail=none] }", "Age Ill"),
        ("late.dot", 'digraph { n1 -> n2; n1 [label="Patient\\nAge"]; n2 [label="Ill"] }', "Patient Age Ill"),
        ("some.dot", "digraph { 0 -> 1; 1 [label=B]; 0 [label=\"\\N\"] }", "0 B"),
        ("words.gv", "digraph {\n\t # Nodes\n A [label = 'Age']\n B [label = \"Ill\"] # more\n A->B\n}", "A B"),
        ("label.json", '{"nodes":[{"id":0,"label":"Age"},{"id":1,"label":"Ill"}],"links":[{"source":0,"target":1}]}',
         "Age Ill"),
        ("name.json", '{"nodes":[{"id":0,"name":"Age"},{"id":1,"name":"Ill"}],"links":[{"source":0,"target":1}]}',
         "Age Ill"),
        ("label.gml", GML, "Age Ill"),
        ("name.graphml", GRAPHML, "Age Ill"),
        # the arrow at the other end: the edge that was drawn from the effect to the cause
        ("target.gml", YED_GML.replace("LAST", 'targetArrow "delta"'), "A B; C B"),
        ("source.gml", YED_GML.replace("LAST", 'sourceArrow "delta"'), "A B; B C"),
        ("ends.gml", YED_GML.replace("LAST", 'sourceArrow "diamond" targetArrow "none"'), "A B; B C"),
        ("first.gml", YED_GML.replace("LAST", 'arrow "first"'), "A B; B C"),
        ("last.gml", YED_GML.replace("LAST", 'arrow "last"'), "A B; C B"),
        ("edge.gml", GML.replace("source 0 target 1", 'source 0 target 1 arrow "first"'), "Ill Age"),
        ("dir.gml", GML.replace("source 0 target 1", 'source 0 target 1 dir "back"'), "Ill Age"),
        ("igraph.gml", GML.replace("source 0 target 1", "source 0 target 1 arrowmode 1"), "Ill Age"),
        ("igraph2.gml", GML.replace("source 0 target 1", "source 0 target 1 arrowmode 2"), "Age Ill"),
        ("plain.gml", GML.replace("source 0 target 1", 'source 0 target 1 graphics [ fill "#0" ]'), "Age Ill"),
        ("target.graphml", YED.replace("LAST", '<y:Arrows source="none" target="delta"/>'), "A B; C B"),
        ("source.graphml", YED.replace("LAST", '<y:Arrows source="delta" target="none"/>'), "A B; B C"),
        ("pydot.json", '{"nodes":[{"id":"A"},{"id":"B"}],"links":[{"source":"A","target":"B","dir":"back"}]}', "B A"),
        ("cytoscape.json", '{"elements":{"nodes":[{"data":{"id":"A"}},{"data":{"id":"B"}}],"edges":[{"data":{"source":'
         '"A","target":"B","source-arrow-shape":"triangle","target-arrow-shape":"none"}}]}}', "B A"),
        ("back.dot", "digraph { A -> B [dir=back]; C -> B [dir=both arrowhead=none] }", "B A; B C"),
        # links by the places of their nodes, as networkx 1 wrote them
        ("nx1.json", json.dumps({"directed": True, "nodes": NODES, "links": [{"source": 0, "target": 1},
                                                                             {"source": 1, "target": 2}]}),
         "Age Smoke; Smoke Ill"),
        ("ids.json", '{"nodes":[{"id":1},{"id":0}],"links":[{"source":0,"target":1}]}', "0 1"),
        # repetitions where the form allows them
        ("strict.dot", "strict digraph { A -> B; A -> B }", "A B"),
        ("tlverse.dagitty", "dag { W -> A\nW -> Y\nA -> Y\nW -> A -> Y }", "W A; W Y; A Y"),
        # JavaBayes writes no bar, and commas are blanks
        ("java.bif", BIF.replace("BAR", " "), "dog-out lights"),
        ("bar.bif", BIF.replace("BAR", " | "), "dog-out lights"),
        ("comma.bif", BIF.replace("BAR", " , "), "dog-out lights"),
        # names
        ("hyphen.dagitty", "dag { institutions -> political-inequality }", "institutions political-inequality"),
        ("dots.dagitty", "dag { age.at.entry -> bmi ; bmi -> hba1c.v2 }", "age.at.entry bmi; bmi hba1c.v2"),
        ("single.dagitty", "dag{ smoking -> 'lung cancer' [beta=0.2] }", "smoking lung cancer"),
        ("quoted.txt", '"Patient Age" -> Körper; # "x" -> y\n"a;b" -> "c, d"', "Patient Age Körper; a;b c, d"),
        ("model.cg", '# mine\n<NODES>\nX\n"Y z"\n<EDGES>\nX->"Y z"\n', "X Y z"),
        # edge lists with a header that says so
        ("edges.csv", "from,to\nAge,Ill\nIll,Test\n", "Age Ill; Ill Test"),
        ("r.csv", '"from","to"\n"Age","Ill, very"\n', "Age Ill, very"),
        ("tabs.tsv", "Source\tTarget\nAge\tIll\n", "Age Ill"),
        ("blanks.edgelist", "source target\nAge Ill\n", "Age Ill"),
        ("edges.txt", "from,to\nAge,Ill\nIll,Test\n", "Age Ill; Ill Test"),
        # the first words tell the form, whatever the ending
        ("dag.txt", "dag { A -> B }", "A B"),
        ("graph", "strict digraph G\n{ A -> B }", "A B"),
        ("gml.txt", 'Creator "yFiles"\nVersion 2\n' + GML, "Age Ill"),
        ("plain.graphml", GML, "Age Ill"),
        ("net.dat", BIF.replace("BAR", " "), "dog-out lights"),
        ("parents.net", '{"B": ["A"]}', "A B"),
        ("words.foo", "# mine\ndigraph { A -> B }", "A B"),
    ],
)  # fmt: skip
def test_a_file_is_read_as_its_owner_meant_it(tmp_path, name, text, edges):
    graph = read_graph(saved(tmp_path, name, text))
    assert {f"{cause} {effect}" for cause, effect in graph.edges} == set(edges.split("; "))
    assert all(graph.parents[node] or graph.children(node) for node in graph.nodes)
    assert CausalGraph.from_text(graph.to_text()) == graph


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("edge.csv", "A,B\n", "expected the header from,to or source,target .* found 'A,B'. Add it, .*.txt .*.dot"),
        ("edges.edgelist", "Age Ill\nIll Test\n", "expected the header from,to"),
        ("wide.csv", "from,to\nA,B,0.5\n", "line 2: expected a cause and an effect"),
        ("none.csv", "from,to\n", "no edges"),
        ("none.tsv", "", "no edges"),
        ("graph.md", "A -> B", "'.md' is no known ending. Expected .txt, .dot, .gv, .dagitty, .gml"),
        ("weka.bif", '<?xml version="1.0"?><BIF VERSION="0.3"></BIF>', "expected .*.txt, .dot.*found XML .*XMLBIF"),
        ("genie.xdsl", '<?xml version="1.0"?><smile></smile>', "expected .*.txt, .dot.*found XML"),
        ("pag.dot", "digraph { 0 -> 1 [arrowtail=odot, dir=both] }", "0 o-> 1 leaves open what it means"),
        ("lost.json", '{"nodes":[{"id":"A"}],"links":[{"source":"A","target":"B"}]}', "to 'B', which is not among"),
        ("place.json", '{"nodes":[{"id":"A"}],"links":[{"source":0,"target":1}]}', "an edge to 0, which is not among"),
        ("mixed.json", '{"nodes":[{"id":0},{"id":7}],"links":[{"source":0,"target":1}]}', "an edge to 1, which"),
        ("twice.json", '{"nodes":[{"id":"A"},{"id":"A"}],"links":[]}', "'A' is there twice"),
        ("words.json", '{"directed":"no","nodes":[{"id":"A"}],"links":[]}', '"directed": expected true or false'),
        ("hidden.gml", GML.replace('label "Age"', 'label "Age" observed "no"'), "is hidden: expected nodes that are"),
        ("hidden.json", '{"nodes":[{"id":"A","latent":true}],"links":[]}', "A is hidden"),
        ("arrow.txt", "A → B", "An edge is written A -> B"),
        ("twice.dot", "digraph { 0 [label=A]; 1 [label=A]; 0 -> 1 }", "two nodes are called 'A'"),
        ("twice2.dot", "digraph { A -> B; A -> B }", "the edge A -> B is given twice"),
        ("seen.dot", "digraph { d [style=invis] }", "no nodes"),
        ("entity.graphml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><graphml/>', "without <!DOCTYPE"),
        ("undirected.graphml", GRAPHML.replace('"directed"', '"undirected"'), "Age -- Ill has no direction"),
        ("empty.txt", "", "no nodes and no edges"),
        # arrows at both ends or at none
        ("both.gml", YED_GML.replace("LAST", 'sourceArrow "delta" targetArrow "delta"'), "C <-> B says that a hidden"),
        ("none.gml", YED_GML.replace("LAST", 'sourceArrow "none" targetArrow "none"'), "C -- B has no direction"),
        ("line.gml", YED_GML.replace("LAST", ""), "C -- B has no direction"),
        ("both2.gml", YED_GML.replace("LAST", 'arrow "both"'), "C <-> B says that a hidden cause"),
        ("none2.gml", YED_GML.replace("LAST", 'arrow "none"'), "C -- B has no direction"),
        ("igraph.gml", GML.replace("source 0 target 1", "source 0 target 1 arrowmode 3"), "Age <-> Ill says"),
        ("both.graphml", YED.replace("LAST", '<y:Arrows source="delta" target="delta"/>'), "C <-> B says that a"),
        ("none.graphml", YED.replace("LAST", '<y:Arrows source="none" target="none"/>'), "C -- B has no direction"),
        ("line.graphml", YED.replace("LAST", ""), "C -- B has no direction"),
        ("pydot.json", '{"nodes":[{"id":"A"},{"id":"B"}],"links":[{"source":"A","target":"B","dir":"none"}]}',
         "A -- B has no direction"),
        ("both.dot", "digraph { A -> B [dir=both] }", "A <-> B says that a hidden cause"),
        ("none.dot", "digraph { A -> B [dir=none] }", "A -- B has no direction"),
        ("group.graphml", GRAPHML.replace("</node><edge", '<graph><edge source="n1" target="n0"/></graph></node><edge'),
         "1 of 2 edges are in another graph or group"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_a_way_out(tmp_path, name, text, message):
    with pytest.raises(InputError, match=message):
        load_graph(str(saved(tmp_path, name, text)))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("dag{A}", ".dot"), ("digraph \"a b\" {", ".dot"), ("strict graph x {}", ".dot"), ("pag { }", ".dot"),
        ("graph [", ".gml"), ("network unknown {", ".bif"), ("/* */ variable a {", ".bif"), (" {", ".json"),
        ("<NODES>", ".cg"), ("<?xml", ".xml"), ("<graphml>", ".xml"),
        ("dag -> B", None), ("graph; digraph", None), ("Version -> B", None), ("network", None), ("", None),
    ],
)  # fmt: skip
def test_the_first_words_of_a_text_tell_its_form(text, form):
    assert recognised(text) == form


def test_a_text_of_any_form_is_read_on_the_command_line():
    expected = CausalGraph.from_text("A -> B")
    for text in ("dag { A -> B }", "digraph { A -> B }", '{"B": ["A"]}', "strict digraph g {\nA -> B\n}"):
        assert load_graph(text) == expected
    with pytest.raises(InputError, match=r"graph text, line 1: A <-> B says that a hidden cause"):
        load_graph("dag { A <-> B }")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "A, B\n", "no edges between A, B: every label is independent"),
        ("a.dot", "digraph { A; B }", "no edges between A, B"),
        ("b.dot", "digraph { A -> B; B -> A [style=invis]; A -> C }", "invisible edges are left out: B -> A"),
        ("c.dot", "digraph { A -> B; d [style=invis] }", "invisible nodes are left out: d"),
        ("d.csv", "from,to\nA,B\n", "read as an edge list with the header from,to; edges: 1"),
    ],
)
def test_what_is_left_out_or_guessed_is_said(tmp_path, caplog, name, text, message):
    with caplog.at_level(logging.WARNING, "causalgan_tf"):
        load_graph(str(saved(tmp_path, name, text)))
    assert message in caplog.text


def test_nothing_is_said_of_a_graph_with_edges_or_of_a_single_label(caplog):
    load_graph("A -> B")
    load_graph("causal_graph_1")
    load_graph("A: binary")
    assert not caplog.text


def test_a_missing_column_is_named_with_its_label_in_the_graph(tmp_path):
    from causalgan_tf.data.tables import table_from_frame

    frame = pd.DataFrame({"B": [0, 1, 1]})
    for text, message in {
        "digraph { 7 [label=Age]; 7 -> B }": r"no column 'Age' \('7' in the graph\)",
        "digraph { A [label='Age at entry']; A -> B }": r"no column 'A' \('Age at entry' in the graph\)",
    }.items():
        with pytest.raises(InputError, match=message):
            table_from_frame(frame, load_graph(text))
    with pytest.raises(InputError, match="no node 'Age'. 'A' has it as its label"):
        load_graph("digraph { A [label=Age]; A -> B }").do("B").index("Age")


def test_encodings_are_read_or_named(tmp_path):
    expected = CausalGraph.from_text("Größe -> B")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_graph(saved(tmp_path, "graph.txt", "Größe -> B", encoding)) == expected
    with pytest.raises(
        InputError, match=r"line 4: expected text in UTF-8, found the byte 0xf6. .* iconv -f WINDOWS-12"
    ):
        read_graph(saved(tmp_path, "net.bif", BIF.replace("dog", "Köter"), "latin-1"))
    with pytest.raises(InputError, match="found bytes that are no text"):
        read_graph(saved(tmp_path, "graph.txt", "A -> B", "utf-16-le"))


@pytest.mark.parametrize(
    "text",
    [
        '{"nodes": ["A", "B"], "edges": [["A", "B"]]}',
        '{"nodes": ["A", "B"], "links": [{"source": "A", "target": "B"}]}',
        '{"directed": true, "nodes": [{"id": "A"}, {"id": "B"}], "adjacency": [[{"id": "B"}], []]}',
        '{"directed": true, "elements": {"nodes": [{"data": {"id": "A"}}, {"data": {"id": "B"}}],'
        ' "edges": [{"data": {"source": "A", "target": "B"}}]}}',
        "g <- dagitty('dag {\nA -> B\n}')",
        'library(dagitty)\ng = dagitty::dagitty( "dag { B <- A }" )\n',
        "B <- A",
    ],
)
def test_graphs_that_other_programs_write_are_read_in_any_wrapping(text):
    assert load_graph(text).edges == (("A", "B"),)


@pytest.mark.parametrize("edges", ['"edges": []', '"links": []'])
def test_lists_of_nodes_and_edges_are_never_taken_for_nodes_of_these_names(edges):
    assert load_graph(f'{{"nodes": ["A", "B"], {edges}}}').nodes == ("A", "B")


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"nodes": [{"id": "A"}], "edges": [{"source": "A"}], "links": [{}]}', 'both "edges" and "links"'),
        ('{"nodes": ["A", "B"]}', "'edges'"),
        ('{"nodes": [], "edges": [["A", "B"]]}', "not among the nodes"),
        ('{"nodes": ["A"], "adjacency": [[{"id": "A"}]]}', "adjacency or Cytoscape data"),
        ('{"elements": {"nodes": []}}', "adjacency or Cytoscape data"),
        ("dagify(y ~ x)", "found R's dagify(...)"),
        ('dagitty(c("dag { A -> B }"))', "found R's dagitty(...)"),
        ("A E @0.1,0.2\nB O @0.5,0.2\n\nA B\n", "DAGitty's first format"),
        ("variable A { type discrete [ 2 ] { [0,5), [5,9] }; }", "Rename values with brackets"),
        ("variable A { type discrete [ 2 ] { not ill, ill }; }", "Put quotes round a value with blanks"),
    ],
)
def test_a_form_that_is_not_read_is_named(text, said):
    with pytest.raises(InputError) as problem:
        load_graph(text)
    assert said in str(problem.value) and len(str(problem.value)) <= 300
