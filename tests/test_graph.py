"""The causal graph: order, surgery, forms, and what is refused."""

import networkx as nx
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.named import ALIASES, NAMED

ORDER = ["Young", "Male", "Eyeglasses", "Bald", "Mustache", "Smiling", "Wearing_Lipstick"]
ORDER += ["Mouth_Slightly_Open", "Narrow_Eyes"]
DIAMOND = CausalGraph.from_text("A -> B; A -> C; B, C -> D; E")


def test_causal_graph_1_has_the_papers_nodes_in_order_and_edges():
    graph = load_graph("causal_graph_1")
    assert list(graph.nodes) == ORDER
    assert graph.parents["Narrow_Eyes"] == ("Young", "Male", "Smiling")
    assert graph.parents["Mouth_Slightly_Open"] == ("Young", "Smiling")
    assert graph.parents["Eyeglasses"] == ("Young",)
    assert [node for node in ORDER if not graph.parents[node]] == ["Young", "Male"]
    assert len(graph.edges) == 14


@pytest.mark.parametrize(("name", "order"), [("complete", ORDER), ("reversed", ORDER[::-1])])
def test_the_completions_join_every_two_nodes_in_their_order(name, order):
    graph = load_graph(f"causal_graph_1_{name}")
    assert list(graph.nodes) == order
    assert graph.is_complete and len(graph.edges) == 36
    assert graph.parents[order[-1]] == tuple(order[:-1])


def test_every_alias_is_a_named_graph():
    for old, new in {"big": "", "complete_big": "_complete", "reverse_big": "_reversed"}.items():
        assert load_graph(f"{old}_causal_graph") is NAMED[f"causal_graph_1{new}"]
    assert set(ALIASES.values()) <= set(NAMED)


def test_nodes_keep_the_order_of_first_mention_where_ancestry_allows():
    assert CausalGraph.from_text("Z; B -> A; C").nodes == ("Z", "B", "A", "C")
    assert CausalGraph({"A": ["B"], "B": []}).nodes == ("B", "A")


@pytest.mark.parametrize("graph", [DIAMOND, load_graph("causal_graph_1_reversed")])
def test_every_form_reads_back_what_it_wrote(graph):
    assert CausalGraph.from_text(graph.to_text()) == graph
    assert CausalGraph.from_list(graph.to_list()) == graph
    assert CausalGraph.from_networkx(graph.to_networkx()) == graph
    assert CausalGraph(graph.to_dict()) == graph
    assert hash(CausalGraph(graph.to_dict())) == hash(graph)


def test_graphs_are_equal_where_nodes_their_order_and_edges_are():
    assert CausalGraph.from_text("A; B") != CausalGraph.from_text("B; A")
    assert CausalGraph.from_text("A -> B") != CausalGraph.from_text("A; B")
    # C is mentioned before B, yet must follow it: one and the same graph
    same = {CausalGraph.from_text("A -> C; B -> C"), CausalGraph({"A": [], "B": [], "C": ["B", "A"]})}
    assert len(same) == 1
    assert DIAMOND.to_text() != DIAMOND


def test_relatives_of_a_diamond():
    assert DIAMOND.ancestors("D") == {"A", "B", "C"}
    assert DIAMOND.descendants("A") == {"B", "C", "D"}
    assert DIAMOND.children("A") == ("B", "C")
    assert DIAMOND.edges == (("A", "B"), ("A", "C"), ("B", "D"), ("C", "D"))
    assert DIAMOND.descendants("E") == frozenset()


def test_do_cuts_the_edges_into_its_nodes_and_keeps_the_order():
    cut = DIAMOND.do("D", "B")
    assert cut.nodes == DIAMOND.nodes
    assert cut.edges == (("A", "C"),)
    assert len(DIAMOND.edges) == 4


def test_chains_comments_and_lines_are_read():
    text = "# heading\nA -> B -> C  # a chain\n\nD, E -> C"
    assert CausalGraph.from_text(text).parents["C"] == ("B", "D", "E")


def test_the_parents_cannot_be_changed():
    with pytest.raises(TypeError):
        DIAMOND.parents["A"] = ("D",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A -> B; B -> C; C -> A", "cycle, found A -> B -> C -> A"),
        ("A -> A", "'A' is a parent of itself"),
        ("A -> B; A -> B", "edge A -> B is given twice"),
        ("A b -> C", "node name 'A b'"),
        ("A -> ", "node name ''"),
        ("A <-> B", r"Hidden common causes \(<->\)"),
        ("A -- B", r"undirected edges \(--\)"),
        ("# nothing", "no nodes"),
    ],
)
def test_a_text_that_is_no_causal_graph_is_named(text, message):
    with pytest.raises(InputError, match=message):
        CausalGraph.from_text(text)


def test_two_names_that_would_share_their_noise_are_refused():
    with pytest.raises(InputError, match="'plumless' and 'buckeroo' have the same checksum .CRC-32.*Rename one"):
        CausalGraph.from_text("plumless -> Ill; buckeroo -> Ill")


def test_other_forms_that_are_no_causal_graph_are_named():
    with pytest.raises(InputError, match="'A' is listed twice"):
        CausalGraph.from_list([["A", []], ["A", []]])
    with pytest.raises(InputError, match="undirected"):
        CausalGraph.from_networkx(nx.Graph([("A", "B")]))
    with pytest.raises(InputError, match="no node 'Mustach'. Did you mean 'Mustache'?"):
        load_graph("causal_graph_1").index("Mustach")
    with pytest.raises(InputError, match="Did you mean 'causal_graph_1'"):
        load_graph("causal_graph1")
    with pytest.raises(InputError, match="parents of 'Mustache': expected a list of names, got 'Male'"):
        CausalGraph({"Mustache": "Male"})
    with pytest.raises(InputError, match="parents of 'A': expected a list of names, got 5"):
        CausalGraph.from_list([["A", 5]])
    with pytest.raises(InputError, match="no node 0. Nodes: A, B, C, D, E"):
        DIAMOND.index(0)
    with pytest.raises(InputError, match=r"node name \['A'\]"):
        CausalGraph.from_list([[["A"], []]])
    with pytest.raises(InputError, match="node name 7"):
        CausalGraph.from_networkx(nx.DiGraph([(7, 8)]))


def test_a_file_in_text_form_is_read(tmp_path):
    (tmp_path / "graph.txt").write_text("A -> B\nA -> C\nB, C -> D\nE\n")
    assert load_graph(str(tmp_path / "graph.txt")) == DIAMOND
    (tmp_path / "face.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(InputError, match="face.png: '.png' is no known ending. Expected .txt, .dot"):
        load_graph(str(tmp_path / "face.png"))


def test_a_text_is_read_where_a_name_is_expected_however_long():
    assert load_graph("Male, Young") == CausalGraph({"Male": [], "Young": []})
    names = [f"Attribute_number_{k}" for k in range(40)]
    assert load_graph("; ".join(names)).nodes == load_graph("\n".join(names)).nodes == tuple(names)
    with pytest.raises(InputError, match="no known name, no file"):
        load_graph("x" * 300)
