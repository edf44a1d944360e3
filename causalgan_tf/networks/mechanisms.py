"""Implicit mechanisms, the paper's: a label is a network of its parents and of noise (arXiv:1709.02023, section 4).

`label_generator` is what the user sees: a functional model, node after node. `CausalController` is the same function of
the same weights, made for the loops where the time goes, see networks.stacked.
"""

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import noise as exogenous
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import safe
from causalgan_tf.networks import columns
from causalgan_tf.networks.codecs import codec_of
from causalgan_tf.networks.schedule import Stack
from causalgan_tf.networks.stacked import Layers, StackedMechanisms, fill, intervene

SLOPE = 0.2  # of the leaky ReLU, as in the paper
CHUNK = 2_048  # draws of a mechanism's noise that are counted at once


def mlp(inputs: int, width: int, layers: int, outputs: int, name: str) -> keras.Sequential:
    """A multi-layer perceptron [B, inputs] -> [B, outputs] with leaky ReLU between its `layers` dense layers."""
    stack: list[keras.Layer] = [keras.Input([inputs])]
    for _ in range(layers - 1):
        stack += [keras.layers.Dense(width), keras.layers.LeakyReLU(SLOPE)]
    return keras.Sequential([*stack, keras.layers.Dense(outputs)], name=name)


def label_generator(graph: CausalGraph, noise_size: int, width: int, layers: int, hard: bool = False) -> keras.Model:
    """The causal controller: label = mechanism(parents' labels, noise), node after node in ancestral order.

    Args:
        graph: causal graph over K labels, with their types.
        noise_size: exogenous noise of one node, U(-1,1) numbers.
        width: units of a hidden layer.
        layers: dense layers of a mechanism.
        hard: labels as they are sampled, not soft.

    Returns:
        A functional model of [noise, do], noise {node: [B, noise_size]} and do [B, C] (NaN = untouched), to label
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
        head, own = codec_of(variable).head(), slice(first[node], first[node] + variable.width)
        labels[node] = intervene(head.hard(f(inputs)) if hard else head(f(inputs)), do[:, own])
    parts = list(labels.values())
    joint = keras.layers.Concatenate(name="labels")(parts) if len(parts) > 1 else parts[0]
    return keras.Model([noise, do], joint, name="causal_controller")


class CausalController(StackedMechanisms):
    """Implicit mechanisms of all nodes: `label_generator` with its weights in one vector, batch last.

    >>> mechanisms = CausalController(CausalGraph.from_text("A -> B"), noise_size=3, width=8, layers=2)
    >>> mechanisms.soft_labels(mechanisms.noise(tf.range(5, dtype=tf.int64))).shape.as_list()
    [2, 5]
    """

    def __init__(self, graph: CausalGraph, noise_size: int, width: int, layers: int, seed: int = 0) -> None:
        """CausalController with random weights; the arguments are those of `label_generator`, and a seed."""
        self.noise_size = noise_size
        super().__init__(graph, width, layers, seed)

    @property
    def noise_rows(self) -> int:
        """Rows of noise that one draw takes."""
        return len(self.blocks) * self.noise_size

    def sizes(self, node: str) -> list[int]:
        """Inputs of a node's network, units of its hidden layers, outputs."""
        inputs, outputs = self.noise_size + len(self.parent_columns(node)), self.graph.variables[node].width
        return [inputs, *[self.width] * (self.layer_count - 1), outputs]

    def untrained(self, graph: CausalGraph) -> StackedMechanisms:
        return type(self)(graph, self.noise_size, self.width, self.layer_count)

    def noise(self, seeds: tf.Tensor) -> tf.Tensor:
        """U(-1,1) noise [noise_rows, B], the blocks in the order of `blocks`."""
        return exogenous.uniform(seeds, self.blocks, self.noise_size)

    def soft_labels(self, noise: tf.Tensor) -> tf.Tensor:
        """Soft label columns, differentiable in the weights: what the critic sees.

        Args:
            noise: [noise_rows, B], the blocks in the order of `blocks`.

        Returns:
            float32 [C, B].
        """
        return self._walk(noise, None, [self.noise_size] * len(self.shapes), hard=False)

    def labels(self, noise: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Label columns as they are sampled: rounded, or 1 for the likeliest category, before children see them.

        Rounding on the way makes the sampled distribution Markov to the graph: a soft parent would carry more than its
        label. Shapes as in StackedMechanisms.
        """
        return self._walk(noise, do, [self.noise_size] * len(self.shapes), hard=True)

    def probabilities(self, node: str, parents: np.ndarray, draws: int, seed: int) -> np.ndarray:
        """P(node | parents), counted in draws of the node's noise; every cell meets the same draws."""
        count = np.zeros([len(parents), self.graph.variables[node].size])
        # chunks of rows, not one array: the noise of all draws in all cells would not fit in memory
        for first in range(0, draws, CHUNK):
            seeds = exogenous.row_seeds(seed, first, min(CHUNK, draws - first))
            drawn = exogenous.uniform(seeds, [node], self.noise_size)
            count += self.counts(node, drawn, tf.constant(parents, tf.float32)).numpy()
        return count / draws

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
        # the noise part of the first layer is the same in every setting, and the parents' part in every draw:
        # multiplied apart and added, they cost cells + draws products in place of cells * draws
        above = self.parents_seen(node, parents)
        (kernel, bias), *rest = (tuple(map(tf.constant, layer)) for layer in self.perceptron(node))
        size, cells = self.noise_size, parents.shape[0]
        h = (kernel[:, :size] @ noise)[:, None] + (kernel[:, size:] @ above + bias[:, None])[..., None]
        h = tf.reshape(h, [len(bias), -1])
        for kernel, bias in rest:
            h = kernel @ tf.nn.leaky_relu(h, SLOPE) + bias[:, None]
        # the sigmoid and the softmax keep the order of their inputs, so the label can be read off the logits
        value = tf.argmax(h, 0, tf.int32) if variable.width > 1 else tf.cast(h[0] > 0, tf.int32)
        return tf.reduce_sum(tf.one_hot(tf.reshape(value, [cells, -1]), variable.size), 1)

    def functional(self, hard: bool = False) -> keras.Model:
        """The `label_generator` that has these weights."""
        model = label_generator(self.graph, self.noise_size, self.width, self.layer_count, hard)
        for node in self.graph.nodes:
            fill(model.get_layer(f"mechanism_{safe(node)}"), self.perceptron(node))
        return model

    def _draw(
        self, s: int, d: int | tf.Tensor, layers: Layers, noise: tf.Tensor, parents: tf.Tensor, hard: bool = False
    ) -> tf.Tensor:
        heads = _heads(self.schedule.stacks[s], d)
        h = tf.concat([noise, parents], 1) if parents.shape[1] else noise
        for kernel, bias in layers[:-1]:
            h = tf.nn.leaky_relu(tf.matmul(kernel, h) + bias[..., None], SLOPE)
        kernel, bias = layers[-1]
        soft = _head(tf.matmul(kernel, h) + bias[..., None], heads)
        return _harden(soft, heads) if hard else soft


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
