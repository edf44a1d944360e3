"""Mechanisms of a causal graph whose weights are one vector: what both families of mechanisms share.

A family says what a mechanism's network sees and how its outputs become a label; here is how nodes are computed one
after the other along the graph. Layers of ten units vectorise badly along their features and well along the batch, so
the batch is last; nodes that can be computed together share one pass; a deep graph is looped over; the weights are one
vector, which makes an optimizer step a handful of operations.
"""

import abc
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import columns
from causalgan_tf.networks.schedule import EMPTY, Stack, schedule

NO_NODE = "*empty"  # noise block of a place that holds no node

Layers = list[tuple[tf.Tensor, tf.Tensor]]  # (kernel [..., outputs, inputs], bias [..., outputs]) of an MLP


def intervene(label: tf.Tensor, do: tf.Tensor) -> tf.Tensor:
    """`do` where it is a number, `label` where it is NaN; the shapes broadcast.

    >>> intervene(tf.constant([0.0, 0.0]), tf.constant([np.nan, 1.0])).numpy().tolist()
    [0.0, 1.0]
    """
    return ops.where(ops.isnan(do), label, do)


class StackedMechanisms(keras.layers.Layer, abc.ABC):
    """One mechanism a node, label = mechanism(parents' labels, noise), joined along the graph.

    Attributes:
        graph: causal graph over K labels, with their types.
        vector: all weights.
        blocks: the nodes whose noise a draw takes, in the order of its rows; NO_NODE where no node uses them.
        stated: whether the mechanisms state their probabilities, so that none is counted in draws.

    >>> from causalgan_tf.networks.mechanisms import CausalController
    >>> mechanisms = CausalController(CausalGraph.from_text("A -> B"), noise_size=3, width=8, layers=2)
    >>> noise = mechanisms.noise(tf.range(4, dtype=tf.int64))  # of four units
    >>> seen, done = mechanisms.labels(noise), mechanisms.labels(noise, do=tf.constant([[np.nan], [1.0]]))
    >>> bool(tf.reduce_all(seen[0] == done[0])), done[1].numpy().tolist()  # A is no effect of B
    (True, [1.0, 1.0, 1.0, 1.0])
    """

    stated = False

    def __init__(self, graph: CausalGraph, width: int, layers: int, seed: int) -> None:
        """Mechanisms with random weights.

        Args:
            graph: causal graph over the labels, with their types.
            width: units of a hidden layer.
            layers: dense layers of a mechanism.
            seed: of the weights.
        """
        super().__init__(name="mechanisms")
        self.graph, self.width, self.layer_count = graph, width, layers
        self.schedule = schedule(graph)
        self.blocks = [NO_NODE if k == EMPTY else graph.nodes[k] for k in self.schedule.places]
        self.shapes = [self._stack_shapes(stack) for stack in self.schedule.stacks]
        count = sum(int(np.prod(shape)) for stack in self.shapes for pair in stack for shape in pair)
        # one vector: an optimizer's step over many small tensors is dominated by the calls, not by the arithmetic
        self.vector = self.add_weight(shape=[count], initializer="zeros", name="vector")
        self.reset(seed)
        self.built = True

    @abc.abstractmethod
    def noise(self, seeds: tf.Tensor) -> tf.Tensor:
        """The noise [rows of noise, B] of the rows with these seeds, int64 [B]."""

    @abc.abstractmethod
    def labels(self, noise: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Label columns as they are sampled, each node's before its children see it.

        Args:
            noise: as `noise` gives it.
            do: [C, B] or [C, 1], NaN = untouched; None: nothing is set.

        Returns:
            float32 [C, B]; all but those of continuous labels are 0 or 1.
        """

    @abc.abstractmethod
    def probabilities(self, node: str, parents: np.ndarray, draws: int, seed: int) -> np.ndarray:
        """P(node | parents) of a discrete node.

        Args:
            node: the node.
            parents: [cells, P] settings of its parents, one number a parent, in the order of graph.parents[node].
            draws: how often a mechanism's noise is drawn that does not state its distribution.
            seed: of that noise.

        Returns:
            float64 [cells, size], rows of sum 1.
        """

    @abc.abstractmethod
    def functional(self, hard: bool = False) -> keras.Model:
        """The Keras functional model of [noise, do] to label columns that has these weights.

        It is made of Keras' own layers and operations, so that it is saved and loaded without this package.

        Args:
            hard: labels as they are sampled, each before its children see it, where soft ones are there at all.
        """

    @abc.abstractmethod
    def sizes(self, node: str) -> list[int]:
        """Inputs of a node's network, units of its hidden layers, outputs."""

    @abc.abstractmethod
    def untrained(self, graph: CausalGraph) -> "StackedMechanisms":
        """Mechanisms of the same family and shape over another graph, with random weights."""

    def of_part(self, parents: Mapping[str, Sequence[str]]) -> "StackedMechanisms":
        """The mechanisms of some nodes alone; each draws the label from a seed that it draws here.

        Args:
            parents: of each of these nodes, in this graph's order, those that it has here, which must be among the
                nodes. A node that is always set may have none: it has no use for its mechanism.

        Raises:
            ValueError: other parents than here.
        """
        part = self.untrained(CausalGraph(parents, {node: self.graph.variables[node] for node in parents}))
        other = [node for node, above in part.graph.parents.items() if above and above != self.graph.parents[node]]
        if other:
            raise ValueError(f"of_part: expected the parents {self.graph.parents[other[0]]} of {other[0]}, or none.")
        stacks = []
        for stack, shapes in zip(part.schedule.stacks, part.shapes, strict=True):
            weights = [(np.zeros(kernel), np.zeros(bias)) for kernel, bias in shapes]
            for place in map(tuple, np.argwhere(stack.nodes != EMPTY)):
                node = part.graph.nodes[stack.nodes[place]]
                if part.graph.parents[node] != self.graph.parents[node]:
                    continue
                for (kernel, bias), (own, offset) in zip(weights, self.perceptron(node), strict=True):
                    kernel[place][: own.shape[0], : own.shape[1]], bias[place][: len(offset)] = own, offset
            stacks.append(weights)
        part.vector.assign(pack(stacks))
        return part

    def reset(self, seed: int) -> None:
        """Draws the weights anew: Glorot's uniform kernels, biases 0."""
        self.vector.assign(pack(self._glorot(s, seed) for s in range(len(self.schedule.stacks))))

    def perceptron(self, node: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """One node's kernels [outputs, inputs] and biases [outputs], first to last."""
        return [tuple(part.numpy() for part in layer) for layer in self.layers_of(node)]

    def layers_of(self, node: str, stacks: list[Layers] | None = None) -> Layers:
        """What `perceptron` returns, as parts of the vector of weights; `stacks`: that vector, unpacked already."""
        k, sizes = self.graph.index(node), self.sizes(node)
        stacks = stacks or unpack(tf.convert_to_tensor(self.vector), self.shapes)
        for stack, layers in zip(self.schedule.stacks, stacks, strict=True):
            for place in map(tuple, np.argwhere(stack.nodes == k)):
                return [
                    (kernel[place][:o, :i], bias[place][:o])
                    for (kernel, bias), i, o in zip(layers, sizes, sizes[1:], strict=False)
                ]
        raise AssertionError(f"{node} is in no stack")

    def parent_columns(self, node: str) -> list[int]:
        """The label columns of a node's parents."""
        first, _ = columns.offsets(self.graph.variables)
        parents = self.graph.parents[node]
        return [first[parent] + c for parent in parents for c in range(self.graph.variables[parent].width)]

    def parents_seen(self, node: str, parents: tf.Tensor) -> tf.Tensor:
        """Settings of a node's parents [cells, P] as its network sees them, [columns, cells]."""
        kinds = [self.graph.variables[parent] for parent in self.graph.parents[node]]
        scale, shift = (part[self.parent_columns(node), None] for part in columns.centring(self.graph))
        return scale * columns.encode(kinds, tf.transpose(parents)) + shift

    def _stack_shapes(self, stack: Stack) -> list[tuple[tuple, tuple]]:
        """Shapes of the kernels and biases of a stack, layer after layer: each the largest that a place needs."""
        found = np.array([self.sizes(self.graph.nodes[k]) for k in stack.nodes.ravel() if k != EMPTY]).max(0).tolist()
        inside = stack.nodes.shape
        return [((*inside, o, i), (*inside, o)) for i, o in zip(found, found[1:], strict=False)]

    def _glorot(self, s: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Glorot's uniform kernels, by a node's own number of inputs and outputs, and biases 0; the rest holds 0."""
        stack = self.schedule.stacks[s]
        weights = [(np.zeros(kernel), np.zeros(bias)) for kernel, bias in self.shapes[s]]
        for d, m in np.argwhere(stack.nodes != EMPTY):
            # by the node's number: the same weights whatever chunk the schedule puts the node in
            rng = np.random.default_rng([seed, int(stack.nodes[d, m])])
            sizes = self.sizes(self.graph.nodes[stack.nodes[d, m]])
            for (kernel, _), i, o in zip(weights, sizes, sizes[1:], strict=False):
                kernel[d, m, :o, :i] = rng.uniform(-1, 1, (o, i)) * np.sqrt(6 / (i + o))
        return weights

    def _walk(self, noise: tf.Tensor, do: tf.Tensor | None, numbers: Sequence[int], **how: bool) -> tf.Tensor:
        """Label columns [C, B] computed along the graph; `numbers` are the noise numbers of a place of each stack."""
        stacks = unpack(tf.convert_to_tensor(self.vector), self.shapes)
        batch = noise.shape[-1] or tf.shape(noise)[-1]
        table, used = tf.zeros([1, batch]), 0
        for s, (stack, layers) in enumerate(zip(self.schedule.stacks, stacks, strict=True)):
            depth, places, _, outputs = stack.shape
            rows = depth * places * numbers[s]
            drawn = tf.reshape(noise[used : used + rows], [depth, places, numbers[s], batch])
            used += rows
            # a chunk that is written out sees the table grow: XLA then knows every shape, and needs no loop
            if depth == 1:
                one = [(kernel[0], bias[0]) for kernel, bias in layers]
                labels = self._chunk(s, 0, one, drawn[0], table, do, how)
                table = tf.concat([table, tf.reshape(labels, [places * outputs, batch])], 0)
            else:
                table = self._loop(s, layers, drawn, do, how)
        return tf.gather(table, self.schedule.rows)

    def _chunk(
        self,
        s: int,
        d: int | tf.Tensor,
        layers: Layers,
        noise: tf.Tensor,
        table: tf.Tensor,
        do: tf.Tensor | None,
        how: dict[str, bool],
    ) -> tf.Tensor:
        """A chunk's labels [places, W, B], from its noise [places, Z, B] and the labels of its parents in the table."""
        stack = self.schedule.stacks[s]
        labels = self._draw(s, d, layers, noise, _parents(table, stack, d), **how)
        return _set(labels, tf.constant(stack.columns)[d], do)

    @abc.abstractmethod
    def _draw(
        self, s: int, d: int | tf.Tensor, layers: Layers, noise: tf.Tensor, parents: tf.Tensor, **how: bool
    ) -> tf.Tensor:
        """Labels [places, W, B] of chunk d of stack s, from noise [places, Z, B] and centred parents [places, P, B]."""

    def _loop(self, s: int, layers: Layers, noise: tf.Tensor, do: tf.Tensor | None, how: dict[str, bool]) -> tf.Tensor:
        """The label table [rows, B] of a stack of several chunks, computed one after the other."""
        depth, places, _, outputs = self.schedule.stacks[s].shape
        batch = noise.shape[-1] or tf.shape(noise)[-1]
        first = tf.zeros([1, batch])

        # the gradient of an array's element is an element; that of kernel[d] would be as large as all kernels, each
        # turn
        arrays = [tuple(tf.TensorArray(tf.float32, depth).unstack(part) for part in pair) for pair in layers]

        def turn(d: tf.Tensor, drawn: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            table = tf.concat([first, tf.reshape(drawn, [depth * places * outputs, batch])], 0)
            one = [(kernels.read(d), biases.read(d)) for kernels, biases in arrays]
            labels = self._chunk(s, d, one, noise[d], table, do, how)
            return d + 1, tf.tensor_scatter_nd_update(drawn, [[d]], labels[None])

        start = (tf.constant(0), tf.zeros([depth, places, outputs, batch]))
        _, drawn = tf.while_loop(lambda d, _: d < depth, turn, start, maximum_iterations=depth)
        return tf.concat([first, tf.reshape(drawn, [depth * places * outputs, batch])], 0)


def pack(stacks: object) -> np.ndarray:
    """Kernels and biases of all stacks as one float32 vector."""
    return np.concatenate([part.ravel() for layers in stacks for pair in layers for part in pair]).astype(np.float32)


def unpack(vector: tf.Tensor, shapes: Sequence[Sequence[tuple[tuple, tuple]]]) -> list[Layers]:
    """Kernels and biases of every stack."""
    flat = [shape for layers in shapes for pair in layers for shape in pair]
    parts = iter(tf.split(vector, [int(np.prod(shape)) for shape in flat]))
    return [
        [(tf.reshape(next(parts), kernel), tf.reshape(next(parts), bias)) for kernel, bias in layers]
        for layers in shapes
    ]


def fill(model: keras.Sequential, weights: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """Sets the weights of an `mlp` to kernels [outputs, inputs] and biases."""
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for layer, (kernel, bias) in zip(dense, weights, strict=True):
        layer.set_weights([kernel.T, bias])


def _parents(table: tf.Tensor, stack: Stack, d: int | tf.Tensor) -> tf.Tensor:
    """The centred columns [places, P, B] of a chunk's parents, out of the label table [rows, B]."""
    rows, scale, shift = (tf.constant(part)[d] for part in (stack.parents, stack.scale, stack.shift))
    found = tf.gather(table, tf.reshape(rows, [-1]))
    return scale * tf.reshape(found, [*rows.shape, table.shape[-1] or tf.shape(table)[-1]]) + shift


def _set(labels: tf.Tensor, place: np.ndarray | tf.Tensor, do: tf.Tensor | None) -> tf.Tensor:
    """A chunk's labels [places, O, B] with those replaced that `do` [C, B or 1] sets; `place` are their columns."""
    if do is None:
        return labels
    # a row of NaN behind the labels: places without a node gather it and stay as they are
    beside = tf.concat([do, tf.fill([1, tf.shape(do)[1]], np.nan)], 0)
    return intervene(labels, tf.gather(beside, place))
