"""The critic of the causal controller: a perceptron on label columns, with its gradients written out.

WGAN-GP differentiates a gradient. For a perceptron of leaky ReLUs everything that this needs are products of kernels
and masks: one forward pass and one backward pass of real, fake and interpolated rows together give the scores and the
penalty's gradient; a second forward pass of the interpolated rows alone carries the penalty's own gradient. Written
out, that is two thirds of what automatic differentiation computes.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.networks import mechanisms as nets


class Critic(keras.layers.Layer):
    """Label columns [C, B] to scores [1, B], batch last; the weights are one vector."""

    def __init__(self, columns: int, width: int, layers: int, seed: int = 0) -> None:
        """A perceptron of `layers` dense layers of `width` units with random weights."""
        super().__init__(name="critic")
        self.columns, self.width, self.layer_count = columns, width, layers
        sizes = [columns, *[width] * (layers - 1), 1]
        self.shapes = [[((o, i), (o,)) for i, o in zip(sizes, sizes[1:], strict=False)]]
        rng = np.random.default_rng([seed, 499])
        initial = nets.pack(
            [(rng.uniform(-1, 1, kernel) * np.sqrt(6 / sum(kernel)), np.zeros(bias)) for kernel, bias in layers]
            for layers in self.shapes
        )
        self.vector = self.add_weight(shape=initial.shape, initializer="zeros", name="vector")
        self.vector.assign(initial)
        self._transposed = nets.transposition(self.shapes)

    def scores(self, rows: tf.Tensor) -> tf.Tensor:
        """Scores [1, B] of rows [C, B]."""
        return self._forward(self._perceptron(), rows)[0]

    def slope(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores [1, B] of rows [C, B] and the gradient of each in its row, [C, B]."""
        layers = self._perceptron()
        scores, inputs = self._forward(layers, rows)
        return scores, self._backward(layers, inputs)[0]

    def gradient(
        self, fixed: tf.Tensor, between: tf.Tensor, loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A loss of scores and of slopes, and its gradient in the weights.

        Args:
            fixed: rows [C, A] whose scores enter the loss.
            between: rows [C, B] whose slopes enter the loss.
            loss: of scores [1, A] and slopes [C, B], to a scalar.

        Returns:
            The loss, and its gradient [weights].
        """
        layers, count = self._perceptron(), fixed.shape[1]
        scores, inputs = self._forward(layers, tf.concat([fixed, between], 1))
        slope, deltas = self._backward(layers, inputs, count)
        scores = scores[:, :count]
        with tf.GradientTape() as tape:
            tape.watch((scores, slope))
            value = loss(scores, slope)
        weight, along = tape.gradient(value, (scores, slope), unconnected_gradients="zero")
        found = []
        for (kernel, _), h, delta in zip(layers, inputs, deltas, strict=True):
            left = tf.concat([h[:, :count] * weight, along], 1)
            found.append((tf.matmul(delta, left, transpose_b=True), tf.reduce_sum(delta[:, :count] * weight, 1)))
            if len(found) < len(layers):
                along = tf.matmul(kernel, along) * _mask(inputs[len(found)][:, count:])
        return value, nets.pack_tensors([found])

    def functional(self) -> keras.Model:
        """A functional model with these weights: label columns [B, C] to scores [B, 1]."""
        model = nets.mlp(self.columns, self.width, self.layer_count, 1, "critic")
        nets.fill(model, [(kernel.numpy(), bias.numpy()) for kernel, bias in self._perceptron()])
        return model

    def _perceptron(self) -> nets.Layers:
        return nets.unpack(tf.convert_to_tensor(self.vector), self.shapes)[0]

    def _forward(self, layers: nets.Layers, h: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Scores, and every layer's input."""
        inputs = []
        for kernel, bias in layers[:-1]:
            inputs.append(h)
            h = tf.nn.leaky_relu(tf.matmul(kernel, h) + bias[:, None], nets.SLOPE)
        kernel, bias = layers[-1]
        return tf.matmul(kernel, h) + bias[:, None], [*inputs, h]

    def _backward(
        self, layers: nets.Layers, inputs: list[tf.Tensor], skip: int = 0
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The scores' gradients in the rows from number `skip` on, [C, B], and in every layer's outputs."""
        vector = tf.gather(tf.convert_to_tensor(self.vector), self._transposed[0])
        kernels = zip(tf.split(vector, self._transposed[1]), self.shapes[0], strict=True)
        transposed = [tf.reshape(kernel, shape[::-1]) for kernel, (shape, _) in kernels]
        deltas = [tf.ones([1, inputs[0].shape[1]])]
        for kernel, h in zip(transposed[:0:-1], inputs[:0:-1], strict=True):
            # the last layer's outputs have slope 1: its kernel itself, repeated along the batch
            deltas.append((tf.matmul(kernel, deltas[-1]) if len(deltas) > 1 else kernel) * _mask(h))
        return tf.matmul(transposed[0], deltas[-1][:, skip:]), deltas[::-1]


def _mask(h: tf.Tensor) -> tf.Tensor:
    """The leaky ReLU's slope where its output is `h`, whose sign is its input's."""
    return tf.where(h > 0, 1.0, nets.SLOPE)
