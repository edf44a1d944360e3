"""The graph as shapes that the page draws, pixels from the upper left corner."""

from typing import Any

from causalgan_tf.graphs.drawing.layout import Layout, lay_out
from causalgan_tf.graphs.graph import CausalGraph

INCH = 96  # pixels
LETTER, SIDES = 0.082, 0.3  # width of a letter and of both margins of a box, inches
LETTERS = 28  # of a name that is shown whole
HEIGHT, LAYER, MARGIN = 30, 82, 14  # of a box, from layer to layer, round all: pixels


def graph_shapes(graph: CausalGraph) -> dict[str, Any]:
    """Boxes of the labels and the courses of the arrows.

    Returns:
        "width" and "height"; "boxes": name to x and y of the middle, width, height and the text shown; "arrows": from,
        to and the points [x, y] that the arrow passes, the first below its cause and the last above its effect.

    >>> shapes = graph_shapes(CausalGraph.from_text("Old -> Ill"))
    >>> [arrow["from"] for arrow in shapes["arrows"]], len(shapes["arrows"][0]["points"])
    (['Old'], 2)
    """
    texts = {node: node if len(node) <= LETTERS else node[: LETTERS - 1] + "…" for node in graph.nodes}
    widths = {node: LETTER * len(text) + SIDES for node, text in texts.items()}
    layout = lay_out(graph, widths)
    boxes = {
        node: {
            "x": _x(layout, node, layer),
            "y": _y(layer),
            "width": round(widths[node] * INCH, 1),
            "height": HEIGHT,
            "text": texts[node],
        }
        for node, layer in layout.depth.items()
    }
    arrows = [{"from": cause, "to": effect, "points": _points(layout, cause, effect)} for cause, effect in graph.edges]
    size = {
        "width": round(layout.width * INCH + 2 * MARGIN, 1),
        "height": _y(max(layout.depth.values())) + HEIGHT / 2 + MARGIN,
    }
    return {**size, "boxes": boxes, "arrows": arrows}


def _points(layout: Layout, cause: str, effect: str) -> list[list[float]]:
    """From the cause's lower edge, upright past the boxes of each layer between, to the effect's upper edge."""
    first, last = layout.depth[cause], layout.depth[effect]
    passed = [(_x(layout, cause, layer), layer, side) for layer in range(first + 1, last) for side in (-1, 1)]
    whole = [(_x(layout, cause, first), first, 1), *passed, (_x(layout, effect, last), last, -1)]
    return [[x, _y(layer) + side * HEIGHT / 2] for x, layer, side in whole]


def _x(layout: Layout, node: str, layer: int) -> float:
    return round(layout.x[node, layer] * INCH + MARGIN, 1)


def _y(layer: int) -> float:
    return MARGIN + HEIGHT / 2 + layer * LAYER
