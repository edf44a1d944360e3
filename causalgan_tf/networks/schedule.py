"""Which nodes of a causal graph are computed together.

A node can be computed once its parents are. Nodes that are ready at the same time share one pass over stacked
weights, a chunk; a graph of a few chunks is written out chunk after chunk, and a deep or large one is looped over with
chunks of one shape, so that neither tracing nor compiling grows with the number of nodes.
"""

import dataclasses

import numpy as np

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import columns
from causalgan_tf.networks.codecs import codec_of

WRITTEN_OUT = 12  # chunks; a graph of more is looped over
SIZES = (1, 2, 4, 8, 16, 32)  # places of a looped chunk: more would not fit the processor's cache
CHUNK_COST = 8  # what a turn of the loop costs, in places
EMPTY = -1  # a place of a chunk that holds no node
NO_PARENT = 0  # row of the label table that is always 0


@dataclasses.dataclass(frozen=True)
class Stack:
    """Chunks of one shape: D chunks of M places with P parent columns and O output columns each.

    Attributes:
        nodes: int [D, M], numbers of nodes in graph order, or EMPTY.
        parents: int32 [D, M, P], rows of the label table; NO_PARENT where a node has fewer.
        scale: float32 [D, M, P, 1], by which a parent's column is multiplied before a layer sees it; 0 for NO_PARENT.
        shift: float32 [D, M, P, 1], what is then added to it.
        columns: int32 [D, M, O], label columns in graph order; the number of columns where a place has none.
        softmax: bool [D, M, O, 1], columns that are one category of several.
        linear: bool [D, M, O, 1], columns of unbounded continuous labels.
        rounded: bool [D, M, O, 1], columns of binary labels.
        low: float32 [D, M, O, 1], lower end of the remaining columns, which are sigmoids.
        span: float32 [D, M, O, 1], their upper end minus their lower one; 0 where a place has no column.

    >>> first, second = schedule(CausalGraph.from_text("A; B; A -> C; B -> C")).stacks
    >>> first.nodes.tolist(), second.nodes.tolist(), second.shape  # A and B together; C, which has 2 parent columns
    ([[0, 1]], [[2]], (1, 1, 2, 1))
    """

    nodes: np.ndarray
    parents: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    columns: np.ndarray
    softmax: np.ndarray
    linear: np.ndarray
    rounded: np.ndarray
    low: np.ndarray
    span: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """D, M, P and O."""
        return (*self.parents.shape, self.columns.shape[2])


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A graph's stacks in the order in which they are computed.

    The label table has a row of zeros and, behind it, M * O rows for every chunk in turn.

    Attributes:
        stacks: one for each chunk, or a single one.
        rows: int32 [C], the table's row of each label column.

    >>> len(schedule(CausalGraph.from_text("A -> C; B -> C")).stacks)  # A and B together, then C
    2
    """

    stacks: tuple[Stack, ...]
    rows: np.ndarray

    @property
    def places(self) -> list[int]:
        """The node at every place, or EMPTY, in the order of the stacks."""
        return [int(node) for stack in self.stacks for node in stack.nodes.ravel()]


def schedule(graph: CausalGraph) -> Schedule:
    """The schedule of a graph."""
    chunks = _chunks(graph, len(graph))
    if len(chunks) <= WRITTEN_OUT:
        groups = [[chunk] for chunk in chunks]
    else:
        sized = {size: _chunks(graph, size) for size in SIZES}
        # wide chunks waste places and narrow ones turns: the sum of both costs decides
        groups = [sized[min(SIZES, key=lambda size: len(sized[size]) * (CHUNK_COST + size))]]
    return _placed(graph, groups)


def _chunks(graph: CausalGraph, most: int) -> list[list[int]]:
    """Chunks of at most `most` nodes; of the nodes that are ready, those with the longest way below them go first."""
    parents = [[graph.index(parent) for parent in graph.parents[node]] for node in graph.nodes]
    # the longest way below a node bounds how soon all can be done: list scheduling by the critical path
    height = np.zeros(len(graph), int)
    for k in reversed(range(len(graph))):
        for parent in parents[k]:
            height[parent] = max(height[parent], height[k] + 1)
    left, done, chunks = list(range(len(graph))), set(), []
    while left:
        ready = sorted((k for k in left if done.issuperset(parents[k])), key=lambda k: -height[k])
        chunks.append(ready[:most])
        done.update(chunks[-1])
        left = [k for k in left if k not in done]
    return chunks


def _placed(graph: CausalGraph, groups: list[list[list[int]]]) -> Schedule:
    variables = list(graph.variables.values())
    first, total = columns.offsets(graph.variables)
    # row 0 is NO_PARENT: what is gathered for an absent parent
    rows, above, stacks = np.zeros(total, np.int32), 1, []
    for group in groups:
        places = max(map(len, group))
        outputs = max(variables[k].width for chunk in group for k in chunk)
        for d, chunk in enumerate(group):
            for m, k in enumerate(chunk):
                start = first[graph.nodes[k]]
                for o in range(variables[k].width):
                    rows[start + o] = above + (d * places + m) * outputs + o
        stacks.append(_stack(graph, group, places, outputs, rows))
        above += len(group) * places * outputs
    return Schedule(tuple(stacks), rows)


def _stack(graph: CausalGraph, group: list[list[int]], places: int, outputs: int, rows: np.ndarray) -> Stack:
    first, total = columns.offsets(graph.variables)

    def own(node: str) -> range:
        return range(first[node], first[node] + graph.variables[node].width)

    above = {node: [c for parent in graph.parents[node] for c in own(parent)] for node in graph.nodes}
    centring = columns.centring(graph)
    widest = max(len(above[graph.nodes[k]]) for chunk in group for k in chunk)
    shape = (len(group), places, outputs, 1)
    nodes = np.full(shape[:2], EMPTY)
    parents = np.full((*shape[:2], widest), NO_PARENT, np.int32)
    scale, shift = (np.zeros((*parents.shape, 1), np.float32) for _ in range(2))
    # `total` is one behind the last column: the row of NaN that `_set` puts there
    label_columns = np.full(shape[:3], total, np.int32)
    softmax, linear, rounded = (np.zeros(shape, bool) for _ in range(3))
    low, span = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for d, m, k in ((d, m, k) for d, chunk in enumerate(group) for m, k in enumerate(chunk)):
        node = graph.nodes[k]
        variable, width = graph.variables[node], graph.variables[node].width
        nodes[d, m] = k
        parents[d, m, : len(above[node])] = rows[above[node]]
        for part, value in zip((scale, shift), centring, strict=True):
            part[d, m, : len(above[node]), 0] = value[above[node]]
        label_columns[d, m, :width] = own(node)
        head = codec_of(variable).head()
        softmax[d, m, :width], linear[d, m, :width] = head.activation == "softmax", head.activation == "linear"
        rounded[d, m, :width], low[d, m, :width], span[d, m, :width] = head.rounded, head.low, head.span
    return Stack(nodes, parents, scale, shift, label_columns, softmax, linear, rounded, low, span)
