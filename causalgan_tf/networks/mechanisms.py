"""Causal controller: one mechanism a node, joined along the graph (arXiv:1709.02023, section 4).

`label_generator` is what the user sees: a functional model, node after node. `CausalController` is the same function of
the same weights, made for the loops where the time goes. Layers of ten units vectorise badly along their features and
well along the batch, so the batch is last; nodes that can be computed together share one pass; a deep graph is looped
over; the weights are one vector, which makes an optimizer step a handful of operations.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import safe
from causalgan_tf.networks import columns
from causalgan_tf.networks.codecs import Head, codec_of
from causalgan_tf.networks.schedule import EMPTY, Stack, schedule

SLOPE = 0.2  # of the leaky ReLU, as in the paper
NO_NODE = "*empty"  # noise block of a place that holds no node

Layers = list[tuple[tf.Tensor, tf.Tensor]]  # (kernel [..., outputs, inputs], bias [..., outputs]) of an MLP


class Intervene(keras.layers.Layer):
    """Replaces a label by the value it is set to; NaN leaves what the mechanism drew."""

    def call(self, label: tf.Tensor, do: tf.Tensor) -> tf.Tensor:
        return intervene(label, do)


class HeadLayer(keras.layers.Layer):
    """Turns a mechanism's outputs into the columns of its label, see codecs.Head."""

    def __init__(self, head: Head, **options: object) -> None:
        super().__init__(**options)
        self.head = head

    def call(self, outputs: tf.Tensor) -> tf.Tensor:
        return self.head(outputs)


def intervene(label: tf.Tensor, do: tf.Tensor) -> tf.Tensor:
    """`do` where it is a number, `label` where it is NaN; the shapes broadcast."""
    return tf.where(tf.math.is_nan(do), label, do)


def mlp(inputs: int, width: int, layers: int, outputs: int, name: str) -> keras.Sequential:
    """A multi-layer perceptron [B, inputs] -> [B, outputs] with leaky ReLU between its `layers` dense layers."""
    stack: list[keras.Layer] = [keras.Input([inputs])]
    for _ in range(layers - 1):
        stack += [keras.layers.Dense(width), keras.layers.LeakyReLU(SLOPE)]
    return keras.Sequential([*stack, keras.layers.Dense(outputs)], name=name)


def label_generator(graph: CausalGraph, noise_size: int, width: int, layers: int) -> keras.Model:
    """The causal controller: label = mechanism(parents' labels, noise), node after node in ancestral order.

    Args:
        graph: causal graph over K labels, with their types.
        noise_size: exogenous noise of one node, U(-1,1) numbers.
        width: units of a hidden layer.
        layers: dense layers of a mechanism.

    Returns:
        A functional model of [noise, do], noise {node: [B, noise_size]} and do [B, C] (NaN = untouched), to soft label
        columns [B, C] in graph order (see networks.columns). A node that is set keeps its value before its children
        see it.
    """
    first, total = columns.offsets(graph.variables)
    noise = {node: keras.Input([noise_size], name=f"noise_{safe(node)}") for node in graph.nodes}
    do = keras.Input([total], name="do_values")
    labels: dict[str, keras.KerasTensor] = {}
    scale, shift = columns.centring(graph)

    def centred(node: str) -> keras.KerasTensor:
        return keras.layers.Rescaling(float(scale[first[node]]), float(shift[first[node]]))(labels[node])

    for node, variable in graph.variables.items():
        causes = [noise[node], *(centred(parent) for parent in graph.parents[node])]
        inputs = keras.layers.Concatenate()(causes) if len(causes) > 1 else causes[0]
        f = mlp(inputs.shape[-1], width, layers, variable.width, f"mechanism_{safe(node)}")
        label = HeadLayer(codec_of(variable).head(), name=f"head_{safe(node)}")(f(inputs))
        own = slice(first[node], first[node] + variable.width)
        labels[node] = Intervene(name=f"label_{safe(node)}")(label, do[:, own])
    parts = list(labels.values())
    joint = keras.layers.Concatenate(name="labels")(parts) if len(parts) > 1 else parts[0]
    return keras.Model([noise, do], joint, name="causal_controller")


class CausalController(keras.layers.Layer):
    """The mechanisms of all nodes: `label_generator` with its weights in one vector, batch last."""

    def __init__(self, graph: CausalGraph, noise_size: int, width: int, layers: int, seed: int = 0) -> None:
        """CausalController with random weights; the arguments are those of `label_generator`, and a seed."""
        super().__init__(name="mechanisms")
        self.graph, self.noise_size, self.width, self.layer_count = graph, noise_size, width, layers
        self.schedule = schedule(graph)
        self.shapes = [_shapes(stack, noise_size, width, layers) for stack in self.schedule.stacks]
        self.blocks = [NO_NODE if k == EMPTY else graph.nodes[k] for k in self.schedule.places]
        count = sum(int(np.prod(shape)) for stack in self.shapes for pair in stack for shape in pair)
        # one vector: an optimizer's step over many small tensors is dominated by the calls, not by the arithmetic
        self.vector = self.add_weight(shape=[count], initializer="zeros", name="vector")
        self.reset(seed)
        self.built = True

    def reset(self, seed: int) -> None:
        """Draws the weights anew: Glorot's uniform kernels, biases 0."""
        shape = self.noise_size, self.width, self.layer_count
        self.vector.assign(pack(_glorot(stack, *shape, seed) for stack in self.schedule.stacks))

    @property
    def noise_rows(self) -> int:
        """Rows of noise that one draw takes."""
        return len(self.blocks) * self.noise_size

    def soft_labels(self, noise: tf.Tensor) -> tf.Tensor:
        """Soft label columns, differentiable in the weights: what the critic sees.

        Args:
            noise: [noise_rows, B], the blocks in the order of `blocks`.

        Returns:
            float32 [C, B].
        """
        table = self._table(unpack(tf.convert_to_tensor(self.vector), self.shapes), noise, None, hard=False)
        return tf.gather(table, self.schedule.rows)

    def labels(self, noise: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Label columns as they are sampled: rounded, or 1 for the likeliest category, before children see them.

        Rounding on the way makes the sampled distribution Markov to the graph: a soft parent would carry more than its
        label.

        Args:
            noise: [noise_rows, B].
            do: [C, B] or [C, 1], NaN = untouched; None: nothing is set.

        Returns:
            float32 [C, B].
        """
        table = self._table(unpack(tf.convert_to_tensor(self.vector), self.shapes), noise, do, hard=True)
        return tf.gather(table, self.schedule.rows)

    def counts(self, node: str, noise: tf.Tensor, parents: tf.Tensor) -> tf.Tensor:
        """How often each value of a discrete node is drawn in each setting of its parents.

        Args:
            node: the node.
            noise: [noise_size, B], draws of its noise, which every setting meets.
            parents: [cells, P], one number a parent, in the order of graph.parents[node].

        Returns:
            float32 [cells, size].
        """
        variable = self.graph.variables[node]
        kinds = [self.graph.variables[parent] for parent in self.graph.parents[node]]
        scale, shift = (part[self._parent_columns(node), None] for part in columns.centring(self.graph))
        # the noise part of the first layer is the same in every setting, and the parents' part in every draw:
        # multiplied apart and added, they cost cells + draws products in place of cells * draws
        above = scale * columns.encode(kinds, tf.transpose(parents)) + shift
        (kernel, bias), *rest = (tuple(map(tf.constant, layer)) for layer in self.perceptron(node))
        size, cells = self.noise_size, parents.shape[0]
        h = (kernel[:, :size] @ noise)[:, None] + (kernel[:, size:] @ above + bias[:, None])[..., None]
        h = tf.reshape(h, [len(bias), -1])
        for kernel, bias in rest:
            h = kernel @ tf.nn.leaky_relu(h, SLOPE) + bias[:, None]
        # the sigmoid and the softmax keep the order of their inputs, so the label can be read off the logits
        value = tf.argmax(h, 0, tf.int32) if variable.width > 1 else tf.cast(h[0] > 0, tf.int32)
        return tf.reduce_sum(tf.one_hot(tf.reshape(value, [cells, -1]), variable.size), 1)

    def _parent_columns(self, node: str) -> list[int]:
        first, _ = columns.offsets(self.graph.variables)
        parents = self.graph.parents[node]
        return [first[parent] + c for parent in parents for c in range(self.graph.variables[parent].width)]

    def perceptron(self, node: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """One node's kernels [outputs, inputs] and biases [outputs], first to last."""
        k = self.graph.index(node)
        width = self.graph.variables[node].width
        inputs = self.noise_size + len(self._parent_columns(node))
        sizes = [inputs, *[self.width] * (self.layer_count - 1), width]
        stacks = unpack(tf.convert_to_tensor(self.vector), self.shapes)
        for stack, layers in zip(self.schedule.stacks, stacks, strict=True):
            for place in map(tuple, np.argwhere(stack.nodes == k)):
                return [
                    (kernel[place].numpy()[:o, :i], bias[place].numpy()[:o])
                    for (kernel, bias), i, o in zip(layers, sizes, sizes[1:], strict=False)
                ]
        raise AssertionError(f"{node} is in no stack")

    def functional(self) -> keras.Model:
        """The `label_generator` that has these weights."""
        model = label_generator(self.graph, self.noise_size, self.width, self.layer_count)
        for node in self.graph.nodes:
            fill(model.get_layer(f"mechanism_{safe(node)}"), self.perceptron(node))
        return model

    def _table(self, stacks: list[Layers], noise: tf.Tensor, do: tf.Tensor | None, hard: bool) -> tf.Tensor:
        """The label table [rows, B]."""
        batch = noise.shape[-1] or tf.shape(noise)[-1]
        table, used = tf.zeros([1, batch]), 0
        for stack, layers in zip(self.schedule.stacks, stacks, strict=True):
            depth, places, _, outputs = stack.shape
            rows = depth * places * self.noise_size
            drawn = tf.reshape(noise[used : used + rows], [depth, places, self.noise_size, batch])
            used += rows
            # a chunk that is written out sees the table grow: XLA then knows every shape, and needs no loop
            if depth == 1:
                one = [(kernel[0], bias[0]) for kernel, bias in layers]
                labels = _labels(one, drawn[0], table, stack, 0, do, hard)
                table = tf.concat([table, tf.reshape(labels, [places * outputs, batch])], 0)
            else:
                table = _loop(stack, layers, drawn, do, hard)
        return table


def _shapes(stack: Stack, noise_size: int, width: int, layers: int) -> list[tuple[tuple, tuple]]:
    """Shapes of the kernels and biases of a stack, layer after layer."""
    depth, places, parents, outputs = stack.shape
    sizes = [noise_size + parents, *[width] * (layers - 1), outputs]
    return [((depth, places, o, i), (depth, places, o)) for i, o in zip(sizes, sizes[1:], strict=False)]


def _glorot(stack: Stack, noise_size: int, width: int, layers: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Glorot's uniform kernels, by a node's own number of inputs and outputs, and biases 0; empty places hold 0."""
    weights = [(np.zeros(kernel), np.zeros(bias)) for kernel, bias in _shapes(stack, noise_size, width, layers)]
    for d, m in np.argwhere(stack.nodes != EMPTY):
        # by the node's number: the same weights whatever chunk the schedule puts the node in
        rng = np.random.default_rng([seed, int(stack.nodes[d, m])])
        inputs = noise_size + int((stack.parents[d, m] > 0).sum())
        outputs = int((stack.softmax | stack.linear | (stack.span > 0))[d, m].sum())
        sizes = [inputs, *[width] * (layers - 1), outputs]
        for (kernel, _), i, o in zip(weights, sizes, sizes[1:], strict=False):
            kernel[d, m, :o, :i] = rng.uniform(-1, 1, (o, i)) * np.sqrt(6 / (i + o))
    return weights


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


def _heads(stack: Stack, d: int | tf.Tensor) -> tuple:
    """softmax, linear, rounded, low and span of a chunk; None where the stack needs no such case."""
    cases = (
        (stack.softmax, stack.softmax.any()),
        (stack.linear, stack.linear.any()),
        (stack.rounded, not stack.rounded.all()),
        (stack.low, not stack.rounded.all()),
        (stack.span, not stack.rounded.all()),
    )
    return tuple(tf.constant(case)[d] if needed else None for case, needed in cases)


def _parents(table: tf.Tensor, stack: Stack, d: int | tf.Tensor) -> tf.Tensor:
    """The centred columns [places, P, B] of a chunk's parents, out of the label table [rows, B]."""
    rows, scale, shift = (tf.constant(part)[d] for part in (stack.parents, stack.scale, stack.shift))
    found = tf.gather(table, tf.reshape(rows, [-1]))
    return scale * tf.reshape(found, [*rows.shape, table.shape[-1] or tf.shape(table)[-1]]) + shift


def _labels(
    layers: Layers,
    noise: tf.Tensor,
    table: tf.Tensor,
    stack: Stack,
    d: int | tf.Tensor,
    do: tf.Tensor | None,
    hard: bool,
) -> tf.Tensor:
    """A chunk's labels [places, O, B], from its noise [places, Z, B] and the labels of its parents in the table."""
    parents, heads = _parents(table, stack, d), _heads(stack, d)
    h = tf.concat([noise, parents], 1) if parents.shape[1] else noise
    for kernel, bias in layers[:-1]:
        h = tf.nn.leaky_relu(tf.matmul(kernel, h) + bias[..., None], SLOPE)
    kernel, bias = layers[-1]
    soft = _head(tf.matmul(kernel, h) + bias[..., None], heads)
    return _set(_harden(soft, heads) if hard else soft, tf.constant(stack.columns)[d], do)


def _head(outputs: tf.Tensor, heads: tuple) -> tf.Tensor:
    softmax, linear, _, low, span = heads
    labels = tf.sigmoid(outputs)
    labels = labels if span is None else low + span * labels
    labels = labels if linear is None else tf.where(linear, outputs, labels)
    if softmax is None:
        return labels
    # columns of other labels in the same place must not take a share of the softmax; the inner `where` keeps them
    # out of its gradient too, which an outer one alone would turn into NaN
    return tf.where(softmax, tf.nn.softmax(tf.where(softmax, outputs, outputs.dtype.min), 1), labels)


def _harden(labels: tf.Tensor, heads: tuple) -> tf.Tensor:
    """Labels as they are sampled: sigmoids of binary labels rounded at .5, the likeliest category 1, the others 0."""
    softmax, _, rounded, _, _ = heads
    hard = tf.cast(labels > 0.5, tf.float32)
    hard = hard if rounded is None else tf.where(rounded, hard, labels)
    if softmax is None:
        return hard
    best = tf.argmax(tf.where(softmax, labels, -1.0), 1, tf.int32)[:, None]
    return tf.where(softmax, tf.cast(tf.range(labels.shape[1])[None, :, None] == best, tf.float32), hard)


def _set(labels: tf.Tensor, place: np.ndarray | tf.Tensor, do: tf.Tensor | None) -> tf.Tensor:
    """A chunk's labels [places, O, B] with those replaced that `do` [C, B or 1] sets; `place` are their columns."""
    if do is None:
        return labels
    # a row of NaN behind the labels: places without a node gather it and stay as they are
    beside = tf.concat([do, tf.fill([1, tf.shape(do)[1]], np.nan)], 0)
    return intervene(labels, tf.gather(beside, place))


def _loop(stack: Stack, layers: Layers, noise: tf.Tensor, do: tf.Tensor | None, hard: bool) -> tf.Tensor:
    """The label table [rows, B] of a stack of several chunks, computed one after the other."""
    depth, places, _, outputs = stack.shape
    batch = noise.shape[-1] or tf.shape(noise)[-1]
    first = tf.zeros([1, batch])

    # the gradient of an array's element is an element; that of kernel[d] would be as large as all kernels, each turn
    arrays = [tuple(tf.TensorArray(tf.float32, depth).unstack(part) for part in pair) for pair in layers]

    def turn(d: tf.Tensor, drawn: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        table = tf.concat([first, tf.reshape(drawn, [depth * places * outputs, batch])], 0)
        one = [(kernels.read(d), biases.read(d)) for kernels, biases in arrays]
        labels = _labels(one, noise[d], table, stack, d, do, hard)
        return d + 1, tf.tensor_scatter_nd_update(drawn, [[d]], labels[None])

    start = (tf.constant(0), tf.zeros([depth, places, outputs, batch]))
    _, drawn = tf.while_loop(lambda d, _: d < depth, turn, start, maximum_iterations=depth)
    return tf.concat([first, tf.reshape(drawn, [depth * places * outputs, batch])], 0)
