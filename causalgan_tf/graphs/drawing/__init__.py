"""Drawings of a causal graph, for papers and pages: SVG, PDF, PNG. Matplotlib only."""

import io
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from PIL import Image

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.drawing.colours import ACCENT, INK, MUTED, PAPER
from causalgan_tf.graphs.drawing.layout import Item, Layout, lay_out
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous, Variable

ENDINGS = (".svg", ".pdf", ".png")
DPI, PIXELS = 200, 8_000  # of a PNG: its resolution, less where a side would have more pixels
MARGIN = 0.12  # inches, as all lengths here
NAME, DETAIL = 9.0, 6.5  # font sizes, points
HEIGHT, DETAILED = 0.3, 0.42  # of a box without and with a line of detail
SPACE = (0.34, 0.8)  # between layers, least and most
PORT = 0.1  # between the ends of edges at a box, at most
HEAD = (0.075, 0.035)  # length and half width of an arrow's head
LETTERS = 34  # of a line of detail at most
IMAGE = (0.8, 0.34, 0.74)  # width and height of the box of the image, and how far it ends below the frame
EDGE, FRAME = "#8792a6", "#f4f6fa"
# radius of the corners, colours of the face and of the edge
LOOKS = {
    Binary: (0.07, "#e8effd", ACCENT),
    Categorical: (0.0, "#fdf1dc", "#c98a1b"),
    Continuous: (0.15, "#e3f4ea", "#2f9e62"),
}


class _Box(NamedTuple):
    """Size and words of a node's box."""

    width: float
    height: float
    name: str
    detail: str


def draw_graph(graph: CausalGraph, image: bool = False) -> str:
    """A drawing of a causal graph as the text of an SVG file that needs no other.

    Causes stand above their effects. A binary label has a rounded box, a categorical one a box with corners and its
    categories, a continuous one a box with round ends. The edges of one cause may share a trunk. Noise is not drawn.

    Args:
        graph: the graph.
        image: draw the image too, below a frame round the labels, all of which are its causes.

    Examples:
        >>> draw_graph(CausalGraph.from_text("Old -> Smokes")).startswith("<?xml")
        True
    """
    return _saved(graph, image, "svg").getvalue().decode()


def graph_picture(graph: CausalGraph, image: bool = False) -> Image.Image:
    """The drawing of `draw_graph` as a picture."""
    return Image.open(_saved(graph, image, "png")).convert("RGB")


def save_drawing(graph: CausalGraph, path: str | pathlib.Path, image: bool = False) -> None:
    """Writes a drawing, see `draw_graph`, as .svg, .pdf or .png; InputError for another ending.

    Examples:
        >>> save_drawing(CausalGraph({"Ill": ["Old"]}), "graph.svg")
        >>> pathlib.Path("graph.svg").read_text()[:5]
        '<?xml'
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"drawing {path}: expected a name that ends in {', '.join(ENDINGS)}.")
    path.write_bytes(drawn_as(graph, path.suffix.lower(), image))


def drawn_as(graph: CausalGraph, ending: str, image: bool = False) -> bytes:
    """The content of a file of a drawing; `ending` is one of ENDINGS."""
    return _saved(graph, image, ending[1:]).getvalue()


def _saved(graph: CausalGraph, image: bool, form: str) -> io.BytesIO:
    figure, file = _figure(graph, image), io.BytesIO()
    # without a date the same graph gives the same file, byte for byte
    undated = {} if form == "png" else {"Date" if form == "svg" else "CreationDate": None}
    # letters as outlines: a page that shows the drawing need not have the font
    with matplotlib.rc_context({"svg.hashsalt": "causalgan_tf", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(file, format=form, dpi=min(DPI, PIXELS / max(figure.get_size_inches())), metadata=undated)
    return file


def _figure(graph: CausalGraph, image: bool) -> Figure:
    boxes = {node: _box(node, variable) for node, variable in graph.variables.items()}
    layout = lay_out(graph, {node: box.width for node, box in boxes.items()})
    middles = _middles(layout, boxes)
    bottom = middles[-1] + _layer_height(layout.layers[-1], boxes) / 2
    edge = 2 * MARGIN if image else MARGIN
    end = bottom + (edge + IMAGE[2] if image else edge)
    figure = Figure(figsize=(layout.width + 2 * edge, end + edge), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-edge, layout.width + edge), ylim=(end, -edge))
    axes.set_axis_off()
    if image:
        _draw_image(axes, layout.width, bottom)
    _draw_edges(axes, layout, boxes, middles)
    for node, layer in layout.depth.items():
        _draw_box(axes, boxes[node], graph.variables[node], layout.x[node, layer], middles[layer])
    return figure


def _box(node: str, variable: Variable) -> _Box:
    detail = variable.detail(LETTERS)
    width = max(_length(node, NAME), _length(detail, DETAIL)) + 0.2
    return _Box(max(width, 0.42), DETAILED if detail else HEIGHT, node, detail)


def _length(text: str, size: float) -> float:
    """How long a printed text is, inches."""
    plain = text.replace("$", "S")  # Matplotlib would take what stands between two for a formula
    return float(TextPath((0, 0), plain, size=size).get_extents().width) / 72 if plain.strip() else 0.0


def _layer_height(layer: Sequence[Item], boxes: dict[str, _Box]) -> float:
    return max(boxes[node].height for node, _ in layer)


def _middles(layout: Layout, boxes: dict[str, _Box]) -> list[float]:
    """The height of each layer's middle, measured downwards from the top of the first."""
    heights = [_layer_height(layer, boxes) for layer in layout.layers]
    counts = np.bincount([upper[1] for upper, _ in layout.links], minlength=len(heights))
    spaces = np.clip(SPACE[0] + 0.02 * counts, *SPACE).tolist()
    middles = [heights[0] / 2]
    for number in range(1, len(heights)):
        middles.append(middles[-1] + (heights[number - 1] + heights[number]) / 2 + spaces[number - 1])
    return middles


def _draw_edges(axes: Axes, layout: Layout, boxes: dict[str, _Box], middles: Sequence[float]) -> None:
    """Draws every link as a curve that leaves and arrives upright, and a head where it meets a node."""
    half = {
        item: boxes[item[0]].height / 2 if layout.is_node(item) else _layer_height(layout.layers[item[1]], boxes) / 2
        for item in layout.x
    }
    starts, ends = _ports(layout, boxes, 0), _ports(layout, boxes, 1)
    curves, heads = [], []
    for link in layout.links:
        upper, lower = link
        x0, y0 = starts[link], middles[upper[1]] + half[upper]
        x1, y1 = ends[link], middles[lower[1]] - half[lower]
        passing = [] if layout.is_node(upper) else [(x0, y0 - 2 * half[upper])]
        if layout.is_node(lower):
            length, side = HEAD
            heads.append([(x1, y1), (x1 - side, y1 - length), (x1 + side, y1 - length)])
            y1 -= 0.8 * length
        bend = (y1 - y0) * 0.55
        points = [*passing, (x0, y0), (x0, y0 + bend), (x1, y1 - bend), (x1, y1)]
        codes = [Path.MOVETO] + [Path.LINETO] * len(passing) + [Path.CURVE4] * 3
        curves.append(Path(points, codes))
    axes.add_collection(PathCollection(curves, facecolors="none", edgecolors=EDGE, linewidths=0.9, capstyle="round"))
    axes.add_collection(PolyCollection(heads, facecolors=EDGE, edgecolors="none", zorder=2))


def _ports(layout: Layout, boxes: dict[str, _Box], end: int) -> dict[tuple[Item, Item], float]:
    """Where each link leaves its upper item (end 0) or meets its lower one (end 1): side by side at a box."""
    meeting: dict[Item, list[tuple[Item, Item]]] = {}
    for link in layout.links:
        meeting.setdefault(link[end], []).append(link)
    ports = {}
    for item, links in meeting.items():
        room = 0.75 * boxes[item[0]].width if layout.is_node(item) else 0.0
        step = min(PORT, room / max(1, len(links) - 1))
        for number, link in enumerate(sorted(links, key=lambda link: layout.x[link[1 - end]])):
            ports[link] = layout.x[item] + (number - (len(links) - 1) / 2) * step
    return ports


def _draw_box(axes: Axes, box: _Box, variable: Variable, x: float, y: float) -> None:
    # a type that was added looks like binary labels
    looks = LOOKS.get(type(variable), LOOKS[Binary])
    _draw_frame(axes, x, y, box.width, box.height, *looks)
    above = -0.06 if box.detail else 0.0
    _draw_text(axes, x, y + above, box.name, NAME, INK)
    if box.detail:
        _draw_text(axes, x, y + 0.095, box.detail, DETAIL, MUTED)


def _draw_image(axes: Axes, width: float, bottom: float) -> None:
    """Draws a frame round the labels, and the image below it."""
    _draw_frame(axes, width / 2, bottom / 2, width + 2 * MARGIN, bottom + 2 * MARGIN, 0.1, FRAME, "none", order=0)
    top, middle = bottom + MARGIN, bottom + MARGIN + IMAGE[2] - IMAGE[1] / 2
    arrow = FancyArrowPatch(
        (width / 2, top), (width / 2, middle - IMAGE[1] / 2), arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0
    )
    arrow.set(color=INK, linewidth=1.6)
    axes.add_patch(arrow)
    _draw_frame(axes, width / 2, middle, *IMAGE[:2], 0.07, INK, INK)
    _draw_text(axes, width / 2, middle, "image", NAME, PAPER)


def _draw_frame(
    axes: Axes, x: float, y: float, width: float, height: float, radius: float, face: str, edge: str, order: int = 3
) -> None:
    style = f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0"
    corner = (x - width / 2, y - height / 2)
    look = {"facecolor": face, "edgecolor": edge, "linewidth": 0.9, "zorder": order}
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, **look))


def _draw_text(axes: Axes, x: float, y: float, text: str, size: float, color: str) -> None:
    style = {"ha": "center", "va": "center_baseline", "parse_math": False, "zorder": 4}
    axes.text(x, y, text, fontsize=size, color=color, **style)
