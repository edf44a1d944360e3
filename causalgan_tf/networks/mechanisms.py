"""Causal controller: one mechanism a node, joined along the graph; and its critic (arXiv:1709.02023, section 4).

The functional model is what the user sees. Its layers are tiny, and tiny layers run several times faster with the
batch last: `draw_labels` and `score` compute the same functions of the same weights on [features, batch] tensors, for
the loops where the time goes.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from causalgan_tf.graph import CausalGraph

SLOPE = 0.2  # of the leaky ReLU, as in the paper

Layers = list[tuple[tf.Tensor, tf.Tensor]]  # (kernel [inputs, outputs], bias [outputs]) of an MLP, first to last


class Intervene(keras.layers.Layer):
    """Replaces a label by the value it is set to; NaN leaves what the mechanism drew."""

    def call(self, label: tf.Tensor, do: tf.Tensor) -> tf.Tensor:
        return intervene(label, do)


def intervene(label: tf.Tensor, do: tf.Tensor) -> tf.Tensor:
    """`do` where it is a number, `label` where it is NaN; the shapes broadcast."""
    return tf.where(tf.math.is_nan(do), label, do)


def mlp(inputs: int, width: int, layers: int, name: str, seed: int, activation: str | None = None) -> keras.Sequential:
    """A multi-layer perceptron [B, inputs] -> [B, 1] with leaky ReLU between its `layers` dense layers."""

    def dense(i: int) -> keras.layers.Dense:
        last = i == layers - 1
        initializer = keras.initializers.GlorotUniform(seed=seed * 1_000 + i)
        return keras.layers.Dense(1 if last else width, None, kernel_initializer=initializer)

    stack: list[keras.Layer] = [keras.Input([inputs])]
    for i in range(layers):
        stack.append(dense(i))
        stack.append(keras.layers.LeakyReLU(SLOPE) if i < layers - 1 else keras.layers.Activation(activation))
    return keras.Sequential(stack, name=name)


def label_generator(graph: CausalGraph, noise_size: int, width: int, layers: int, seed: int = 0) -> keras.Model:
    """The causal controller: label = mechanism(parents' labels, noise), node after node in ancestral order.

    Args:
        graph: causal graph over K labels.
        noise_size: exogenous noise of one node, U(-1,1) numbers.
        width: units of a hidden layer.
        layers: dense layers of a mechanism.
        seed: seed of the initial weights.

    Returns:
        A functional model of [noise, do], noise {node: [B, noise_size]} and do [B, K] (NaN = untouched), to soft labels
        [B, K] in [0, 1], columns in graph order. A node that is set keeps its value before its children see it.
    """
    noise = {node: keras.Input([noise_size], name=f"noise_{node}") for node in graph.nodes}
    do = keras.Input([len(graph)], name="do_values")
    labels: dict[str, keras.KerasTensor] = {}
    for k, node in enumerate(graph.nodes):
        causes = [noise[node], *(labels[parent] for parent in graph.parents[node])]
        inputs = keras.layers.Concatenate()(causes) if len(causes) > 1 else causes[0]
        f = mlp(inputs.shape[-1], width, layers, f"mechanism_{node}", seed * 997 + k, "sigmoid")
        labels[node] = Intervene(name=f"label_{node}")(f(inputs), do[:, k : k + 1])
    columns = list(labels.values())
    joint = keras.layers.Concatenate(name="labels")(columns) if len(columns) > 1 else columns[0]
    return keras.Model([noise, do], joint, name="causal_controller")


def critic(columns: int, width: int, layers: int, seed: int = 0) -> keras.Model:
    """The Wasserstein critic: labels [B, columns] to a score [B, 1]."""
    return mlp(columns, width, layers, "critic", seed * 997 + 499)


def dense_layers(model: keras.Model) -> Layers:
    """Kernels and biases of an `mlp`, first to last."""
    return [(layer.kernel, layer.bias) for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def mechanisms(model: keras.Model, graph: CausalGraph) -> list[Layers]:
    """Kernels and biases of a `label_generator`, one mechanism a node in graph order."""
    return [dense_layers(model.get_layer(f"mechanism_{node}")) for node in graph.nodes]


def draw_labels(
    graph: CausalGraph, weights: Sequence[Layers], noise: tf.Tensor, do: tf.Tensor | None = None
) -> tf.Tensor:
    """What `label_generator` computes, batch last.

    Args:
        graph: causal graph over K labels.
        weights: one mechanism a node, see `mechanisms`.
        noise: [K * noise_size, B], the nodes' blocks in graph order.
        do: [K, B] or [K, 1], NaN = untouched; None: nothing is set.

    Returns:
        Soft labels [K, B] in [0, 1].
    """
    size = noise.shape[0] // len(graph)
    labels: list[tf.Tensor] = []
    for k, node in enumerate(graph.nodes):
        causes = [labels[graph.index(parent)] for parent in graph.parents[node]]
        logit = score(weights[k], tf.concat([noise[k * size : (k + 1) * size], *causes], 0))
        label = tf.sigmoid(logit)
        labels.append(label if do is None else intervene(label, do[k : k + 1]))
    return tf.concat(labels, 0)


def score(layers: Layers, x: tf.Tensor) -> tf.Tensor:
    """An MLP, batch last: [inputs, B] to [1, B], no activation after its last layer."""
    for kernel, bias in layers[:-1]:
        x = tf.nn.leaky_relu(_affine(kernel, bias, x), SLOPE)
    return _affine(*layers[-1], x)


def score_and_slope(layers: Layers, x: tf.Tensor, rows: int) -> tuple[tf.Tensor, tf.Tensor]:
    """`score` and, for the last `rows` rows of the batch, its gradient.

    The gradient of a piecewise linear function is a product of kernels and masks. Writing it out spares the
    differentiation of a gradient, and three batches share one pass.

    Args:
        layers: the MLP.
        x: [inputs, B].
        rows: how many rows at the end of the batch the gradient is wanted for.

    Returns:
        Scores [1, B]; gradient of the score in x [inputs, rows].
    """
    masks = []
    for kernel, bias in layers[:-1]:
        x = _affine(kernel, bias, x)
        mask = tf.stop_gradient(tf.where(x > 0, 1.0, SLOPE))
        masks.append(mask[:, -rows:])
        x = x * mask
    slope = tf.ones([1, rows])
    for (kernel, _), mask in zip(reversed(layers), [*reversed(masks), None], strict=True):
        slope = tf.matmul(kernel, slope)
        slope = slope if mask is None else slope * mask
    return _affine(*layers[-1], x), slope


def _affine(kernel: tf.Tensor, bias: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    return tf.matmul(kernel, x, transpose_a=True) + bias[:, None]
