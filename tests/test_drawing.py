"""Drawings: every edge arrives at its effect, nothing lies on a box, and the files are whole and the same each time."""

import html
import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.drawing import draw_graph, save_drawing
from causalgan_tf.graphs.drawing.layout import GAP, LANE, lay_out
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.named import completed
from causalgan_tf.graphs.variables import Categorical

PAPER = load_graph("causal_graph_1")
ASIA = CausalGraph.from_text(
    "asia -> tub; smoke -> lung, bronc; tub, lung -> either; either -> xray; either, bronc -> dysp"
)
KINDS = CausalGraph.from_text(
    "Age -> Smoke -> Ill; Sex -> Ill; Lonely; Age: continuous(0, 120); Weight: continuous; "
    "Smoke: categorical(never, former, now); Ill: categorical; Cost: categorical($1--$2, <5 & more)"
)
SVG = "{http://www.w3.org/2000/svg}"


def random_graph(nodes, parents, seed):
    """A graph whose every node has that many parents among the 30 nodes before it, or all of them."""
    rng = np.random.default_rng(seed)
    earlier = {k: range(max(0, k - 30), k) for k in range(nodes)}
    chosen = {k: rng.choice(earlier[k], min(parents, len(earlier[k])), replace=False) if k else [] for k in earlier}
    return CausalGraph({f"N{k}": [f"N{parent}" for parent in chosen[k]] for k in earlier})


GRAPHS = {
    "paper": PAPER,
    "complete": load_graph("causal_graph_1_complete"),
    "asia": ASIA,
    "kinds": KINDS,
    "one": CausalGraph({"A": []}),
    "sparse": random_graph(37, 2, seed=1),
    "dense": random_graph(25, 5, seed=2),
}


def widths(graph):
    """A width of each box, the longer the name."""
    return {node: 0.3 + 0.1 * len(node) for node in graph.nodes}


@pytest.fixture(params=GRAPHS, name="case")
def _case(request):
    graph = GRAPHS[request.param]
    return graph, lay_out(graph, widths(graph))


def test_causes_stand_above_their_effects(case):
    graph, layout = case
    assert set(layout.depth) == set(graph.nodes)
    for cause, effect in graph.edges:
        assert layout.depth[cause] < layout.depth[effect]
    assert all(layout.layers)


def test_links_join_neighbouring_layers_into_exactly_the_edges(case):
    graph, layout = case
    assert len(set(layout.links)) == len(layout.links)
    for upper, lower in layout.links:
        assert lower[1] == upper[1] + 1
        assert layout.is_node(lower) or lower[0] == upper[0]
    arrows = {(upper[0], lower[0]) for upper, lower in layout.links if layout.is_node(lower)}
    assert arrows == set(graph.edges)
    below = {upper for upper, _ in layout.links}
    assert all(item in below for item in layout.x if not layout.is_node(item))


def test_boxes_and_the_edges_between_them_keep_apart(case):
    graph, layout = case
    half = {item: widths(graph)[item[0]] / 2 if layout.is_node(item) else 0.0 for item in layout.x}
    for layer in layout.layers:
        for left, right in itertools.pairwise(layer):
            room = layout.x[right] - half[right] - layout.x[left] - half[left]
            assert room >= (GAP if half[left] and half[right] else LANE) - 1e-9
    assert min(layout.x[item] - half[item] for item in half) == pytest.approx(0.0)
    assert max(layout.x[item] + half[item] for item in half) == pytest.approx(layout.width)


def test_a_graph_that_can_be_drawn_without_crossings_is():
    for graph in (ASIA, completed(["A", "B", "C"]), CausalGraph.from_text("A -> D; B -> C; B -> E; A -> F")):
        layout = lay_out(graph, widths(graph))
        for one, other in itertools.combinations(layout.links, 2):
            if one[0][1] == other[0][1]:
                across = (layout.x[one[0]] - layout.x[other[0]]) * (layout.x[one[1]] - layout.x[other[1]])
                assert across >= 0


def test_one_cause_of_all_has_one_trunk():
    layout = lay_out(completed([f"N{k}" for k in range(9)]), {f"N{k}": 0.5 for k in range(9)})
    assert max(map(len, layout.layers)) == 8  # the node itself, and a trunk of each earlier one but the last


def test_a_root_stands_near_its_effects_not_at_the_top():
    layout = lay_out(CausalGraph.from_text("A -> B -> C -> D; E -> D"), dict.fromkeys("ABCDE", 0.4))
    assert layout.depth == {"A": 0, "B": 1, "C": 2, "D": 3, "E": 2}


def test_nodes_without_edges_stand_in_rows():
    layout = lay_out(CausalGraph({f"N{k}": [] for k in range(20)}), {f"N{k}": 0.5 for k in range(20)})
    assert list(map(len, layout.layers)) == [6, 6, 6, 2]
    layout = lay_out(CausalGraph.from_text("Lonely; A -> B"), dict.fromkeys(["Lonely", "A", "B"], 0.5))
    assert layout.depth == {"Lonely": 0, "A": 0, "B": 1}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("image", [False, True])
def test_the_svg_is_whole_and_names_every_node(name, image):
    graph = GRAPHS[name]
    text = draw_graph(graph, image)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    # text is drawn as outlines, and noted beside them
    assert all(f"<!-- {node} -->" in text for node in graph.nodes)
    assert ("<!-- image -->" in text) == image
    assert not root.findall(f".//{SVG}image") and 'href="http' not in text
    assert draw_graph(graph, image) == text


def test_the_kinds_are_told():
    text = draw_graph(KINDS)
    shown = ["never, former, now", "categories of the table", "0 to 120", "any number", "$1- -$2, &lt;5 &amp; more"]
    for detail in shown:
        assert f"<!-- {detail} -->" in text
    many = CausalGraph({"A": []}).with_variables({"A": Categorical(tuple(map(str, range(100, 160))))})
    assert "<!-- 100, 101, 102, 103, 104, ... (60) -->" in draw_graph(many)
    long = CausalGraph({"A": []}).with_variables({"A": Categorical(("x" * 50, "y"))})
    assert "<!-- 2 categories -->" in draw_graph(long)


@pytest.mark.parametrize("image", [False, True])
def test_every_pixel_of_a_frame_round_the_drawing_is_paper(tmp_path, image):
    save_drawing(PAPER, tmp_path / "graph.PNG", image)
    pixels = np.asarray(Image.open(tmp_path / "graph.PNG").convert("RGB"))
    assert 700 < pixels.shape[1] < 1600 and 300 < pixels.shape[0] < 900
    for edge in (pixels[:6], pixels[-6:], pixels[:, :6], pixels[:, -6:]):
        assert (edge == 255).all()
    assert (pixels < 128).any(axis=2).sum() > 1000  # words


def test_the_ending_tells_the_form(tmp_path):
    for name, start in {"a.svg": b"<?xml", "a.pdf": b"%PDF", "a.png": b"\x89PNG"}.items():
        save_drawing(ASIA, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(InputError, match=r"drawing graph.gif: expected a name that ends in .svg, .pdf, .png"):
        save_drawing(ASIA, "graph.gif")


@pytest.mark.parametrize("graph", [random_graph(400, 2, seed=0), completed([f"N{k}" for k in range(60)])])
def test_large_graphs_are_drawn(tmp_path, graph):
    save_drawing(graph, tmp_path / "graph.png", image=True)
    with Image.open(tmp_path / "graph.png") as drawn:
        assert max(drawn.size) <= 8_000


def test_names_that_are_markup_are_text_in_an_svg(tmp_path):
    node, category = "<script>alert(1)</script>", "<script>alert`1`</script>"
    graph = CausalGraph({node: [], "B": [node]}, {node: Categorical((category, "no"))})
    save_drawing(graph, tmp_path / "graph.svg")
    text = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(text).iter()}
    assert "script" not in tags and "<script" not in text
    assert html.escape(node) in text  # said beside the letters, which are drawn as paths
