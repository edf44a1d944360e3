"""Where the nodes and edges of a drawn graph lie: layers from top to bottom, few crossings, long edges between boxes.

After Sugiyama, Tagawa and Toda (1981). An edge that passes layers has a bend in each of them. The edges of one cause
share their bends, so that they run as one trunk with branches: a graph with all edges stays legible.
"""

import bisect
import collections
import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np

from causalgan_tf.graphs.graph import CausalGraph

Item = tuple[str, int]  # a node, or the bend of its edges, in a layer

GAP = 0.26  # between neighbouring boxes, inches
LANE = 0.13  # between an edge and its neighbour, inches
ROW = 6  # nodes without edges that may stand side by side in any drawing
SWEEPS = 80  # of ordering and of placing; fewer in large graphs
WORK = 400_000  # links times sweeps


@dataclasses.dataclass(frozen=True)
class Layout:
    """A laid out graph.

    Attributes:
        layers: the items of each layer from left to right; a node's own layer holds the node, a later one a bend.
        links: (upper item, lower item) in neighbouring layers; an edge is a chain of them.
        x: place of each item's middle, inches from the left edge.
        width: inches from the leftmost edge of a box to the rightmost one.
        depth: each node's own layer.

    >>> layout = lay_out(CausalGraph.from_text("A -> B; A -> C"), {"A": 0.5, "B": 0.5, "C": 0.5})
    >>> layout.depth
    {'A': 0, 'B': 1, 'C': 1}
    """

    layers: list[list[Item]]
    links: list[tuple[Item, Item]]
    x: dict[Item, float]
    width: float
    depth: dict[str, int]

    def is_node(self, item: Item) -> bool:
        """Whether an item is a node, not a bend."""
        return self.depth[item[0]] == item[1]


def lay_out(graph: CausalGraph, widths: Mapping[str, float]) -> Layout:
    """Lays a graph out.

    Args:
        graph: the graph.
        widths: width of each node's box, inches.

    Returns:
        The layout, the same one whenever it is asked for.
    """
    depth = _depths(graph)
    links = _links(graph, depth)
    layers: list[list[Item]] = [[] for _ in range(max(depth.values()) + 1)]
    for item in dict.fromkeys(
        [(node, depth[node]) for node in graph.nodes] + [item for link in links for item in link]
    ):
        layers[item[1]].append(item)
    above: dict[Item, list[Item]] = {item: [] for layer in layers for item in layer}
    below: dict[Item, list[Item]] = {item: [] for item in above}
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    # large graphs get fewer sweeps, so that the time of a drawing stays bounded
    sweeps = max(2, min(SWEEPS, WORK // max(1, len(links))))
    layers = _ordered(layers, above, below, sweeps)
    half = {item: widths[item[0]] / 2 if depth[item[0]] == item[1] else 0.0 for item in above}
    x = _placed(layers, above, below, half, sweeps)
    left = min(x[item] - half[item] for item in x)
    right = max(x[item] + half[item] for item in x)
    return Layout(layers, links, {item: place - left for item, place in x.items()}, right - left, depth)


def _depths(graph: CausalGraph) -> dict[str, int]:
    """The layer of each node: its longest path from a root, but near its effects if it has more of them than causes."""
    generations = nx.topological_generations(graph.to_networkx())
    depth = {node: layer for layer, nodes in enumerate(generations) for node in nodes}
    children = {node: [] for node in graph.nodes}
    for cause, effect in graph.edges:
        children[cause].append(effect)
    for node in reversed(graph.nodes):
        if len(children[node]) > len(graph.parents[node]):
            # a root with many effects stands just above them, else its edges cross all layers in between
            depth[node] = min(depth[child] for child in children[node]) - 1
    alone = [node for node in graph.nodes if not children[node] and not graph.parents[node]]
    sizes = collections.Counter(layer for node, layer in depth.items() if node not in alone)
    # nodes without edges fill up the layers that are there: a row of all of them would be as wide as the graph is long
    row = max(ROW, *sizes.values(), math.isqrt(len(alone)))
    for node in alone:
        depth[node] = next(layer for layer in itertools.count() if sizes[layer] < row)
        sizes[depth[node]] += 1
    return depth


def _links(graph: CausalGraph, depth: Mapping[str, int]) -> list[tuple[Item, Item]]:
    links = {}
    for cause, effect in graph.edges:
        # bends by the cause alone, not by the edge: edges of one cause share them and run as one line
        trunk = [(cause, layer) for layer in range(depth[cause], depth[effect])]
        links |= dict.fromkeys(zip(trunk, [*trunk[1:], (effect, depth[effect])], strict=True))
    return list(links)


def _ordered(
    layers: list[list[Item]], above: Mapping[Item, list[Item]], below: Mapping[Item, list[Item]], sweeps: int
) -> list[list[Item]]:
    """The layers with few crossings: each item near the mean of its neighbours, down and up in turns."""
    layers = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in layers], _crossings(layers, below)
    for sweep in range(sweeps):
        down = sweep % 2 == 0
        near = above if down else below
        for number in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            fixed = layers[number - 1 if down else number + 1]
            # shares of the layer's width, which compare between layers of different lengths
            place = {item: (k + 0.5) / len(fixed) for k, item in enumerate(fixed)}
            own = {item: (k + 0.5) / len(layers[number]) for k, item in enumerate(layers[number])}
            wanted = {item: _mean([place[other] for other in near[item]], own[item]) for item in layers[number]}
            layers[number].sort(key=wanted.__getitem__)
        crossings = _crossings(layers, below)
        # a sweep may make it worse: the best order so far is kept
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: Sequence[Sequence[Item]], below: Mapping[Item, list[Item]]) -> int:
    """How often links cross."""
    count = 0
    for upper, lower in zip(layers, layers[1:], strict=False):
        place = {item: k for k, item in enumerate(lower)}
        passed: list[int] = []
        for item in upper:
            # two links cross where their upper and lower ends are in opposite order: inversions, which a sorted list of
            # the ends so far counts without comparing all pairs
            ends = sorted(place[other] for other in below[item])
            count += sum(len(passed) - bisect.bisect_right(passed, end) for end in ends)
            for end in ends:
                bisect.insort(passed, end)
    return count


def _placed(
    layers: Sequence[Sequence[Item]],
    above: Mapping[Item, list[Item]],
    below: Mapping[Item, list[Item]],
    half: Mapping[Item, float],
    sweeps: int,
) -> dict[Item, float]:
    """The place of each item: near its neighbours, bends above all, and apart from those beside it."""
    gaps = [[_gap(half, a, b) for a, b in zip(layer, layer[1:], strict=False)] for layer in layers]
    x = {}
    for layer, between in zip(layers, gaps, strict=True):
        places = np.cumsum([0.0, *between])
        x |= dict(zip(layer, (places - places[-1] / 2).tolist(), strict=True))
    for sweep in range(sweeps):
        for number in range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1):
            wanted, weights = [], []
            for item in layers[number]:
                pulls = [(x[other], _pull(half, x, item, other)) for other in above[item] + below[item]]
                weight = sum(pull for _, pull in pulls)
                wanted.append(sum(place * pull for place, pull in pulls) / weight if pulls else x[item])
                weights.append(weight or 0.1)
            x |= dict(zip(layers[number], _apart(wanted, gaps[number], weights), strict=True))
    for layer, between in zip(layers, gaps, strict=True):
        _straighten(layer, between, above, half, x)
    return x


def _straighten(
    layer: Sequence[Item],
    gaps: Sequence[float],
    above: Mapping[Item, list[Item]],
    half: Mapping[Item, float],
    x: dict[Item, float],
) -> None:
    """Moves the bends of a layer below the bends above them, as far as their neighbours leave room."""
    wanted = {item: x[above[item][0]] for item in layer if half[item] == 0 and half[above[item][0]] == 0}
    least = [-math.inf, *gaps]  # room on the left of each item
    for place, item in enumerate(layer):
        if wanted.get(item, x[item]) < x[item]:
            x[item] = max(wanted[item], x[layer[place - 1]] + least[place])
    least = [*gaps, -math.inf]  # and on the right
    for place in reversed(range(len(layer))):
        item = layer[place]
        if wanted.get(item, x[item]) > x[item]:
            x[item] = min(wanted[item], x[layer[(place + 1) % len(layer)]] - least[place])


def _gap(half: Mapping[Item, float], left: Item, right: Item) -> float:
    return half[left] + half[right] + (GAP if half[left] and half[right] else LANE)


def _pull(half: Mapping[Item, float], x: Mapping[Item, float], item: Item, other: Item) -> float:
    """How much a link pulls its ends together: trunks shall be upright, with few bends rather than small ones."""
    bends = (half[item] == 0) + (half[other] == 0)
    return 2.0 / (0.1 + abs(x[item] - x[other])) if bends == 2 else 1.0 + bends


def _apart(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, in weighted squares, that keep the order and the gaps."""
    # less the gaps, the places must only not decrease: isotonic regression, by pooling neighbours that do
    offsets = np.cumsum([0.0, *gaps])
    blocks: list[list[float]] = []  # mean, weight, count of runs of items that touch
    for place, weight in zip(np.asarray(wanted) - offsets, weights, strict=True):
        blocks.append([float(place), weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, weight, count = blocks.pop()
            last = blocks[-1]
            blocks[-1] = [(last[0] * last[1] + mean * weight) / (last[1] + weight), last[1] + weight, last[2] + count]
    means = np.repeat([block[0] for block in blocks], [int(block[2]) for block in blocks])
    return (means + offsets).tolist()
