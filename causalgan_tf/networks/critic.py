"""The critic of the causal controller: a perceptron on label columns, with its gradients written out.

WGAN-GP differentiates a gradient. For a perceptron of leaky ReLUs everything that this needs are products of kernels
and masks: one forward pass and one backward pass of real, fake and interpolated rows together give the scores and the
penalty's gradient; a second forward pass of the interpolated rows alone carries the penalty's own gradient. Written
out, that is two thirds of what automatic differentiation computes.
"""

import itertools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.graph import CausalGraph
from causalgan_tf.networks import columns
from causalgan_tf.networks import mechanisms as nets


class Critic(keras.layers.Layer):
    """Label columns [C, B] to scores [1, B], batch last; the weights are one vector.

    The perceptron sees each column between -1 and 1 and, up to an order, the products of columns whose labels belong
    to one family, a node and its parents: rare combinations of labels, which a perceptron of the labels alone is slow
    to tell apart.
    """

    def __init__(self, graph: CausalGraph, width: int, layers: int, order: int = 1, seed: int = 0) -> None:
        """A perceptron with random weights.

        Args:
            graph: causal graph over the labels, with their kinds.
            width: units of a hidden layer.
            layers: dense layers.
            order: largest number of labels in a product; 1: the labels alone.
            seed: of the weights.
        """
        super().__init__(name="critic")
        self.columns, self.width, self.layer_count = columns.count(graph), width, layers
        self.scale, self.shift = (part[:, None] for part in columns.centring(graph))
        self.factors = products(graph, order)
        sizes = [self.columns + self.factors.shape[1], *[width] * (layers - 1), 1]
        self.shapes = [[((o, i), (o,)) for i, o in zip(sizes, sizes[1:], strict=False)]]
        count = sum(int(np.prod(shape)) for pair in self.shapes[0] for shape in pair)
        self.vector = self.add_weight(shape=[count], initializer="zeros", name="vector")
        self._transposed = nets.transposition(self.shapes)
        self.reset(seed)
        self.built = True

    def reset(self, seed: int) -> None:
        """Draws the weights anew: Glorot's uniform kernels, biases 0."""
        rng = np.random.default_rng([seed, 499])
        layers = [
            (rng.uniform(-1, 1, kernel) * np.sqrt(6 / sum(kernel)), np.zeros(bias)) for kernel, bias in self.shapes[0]
        ]
        self.vector.assign(nets.pack([layers]))

    def scores(self, rows: tf.Tensor) -> tf.Tensor:
        """Scores [1, B] of rows [C, B]."""
        return self._forward(self._perceptron(), self._features(rows))[0]

    def slope(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores [1, B] of rows [C, B] and the gradient of each in its row, [C, B]."""
        scores, inputs = self._forward(self._perceptron(), self._features(rows))
        return scores, self._pulled(rows, self._backward(inputs)[0])

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
        scores, inputs = self._forward(layers, self._features(tf.concat([fixed, between], 1)))
        slope, deltas = self._backward(inputs, count)
        scores, slope = scores[:, :count], self._pulled(between, slope)
        with tf.GradientTape() as tape:
            tape.watch((scores, slope))
            value = loss(scores, slope)
        weight, along = tape.gradient(value, (scores, slope), unconnected_gradients="zero")
        along, found = self._pushed(between, along), []
        for (kernel, _), h, delta in zip(layers, inputs, deltas, strict=True):
            left = tf.concat([h[:, :count] * weight, along], 1)
            found.append((tf.matmul(delta, left, transpose_b=True), tf.reduce_sum(delta[:, :count] * weight, 1)))
            if len(found) < len(layers):
                along = tf.matmul(kernel, along) * _mask(inputs[len(found)][:, count:])
        return value, nets.pack_tensors([found])

    def _perceptron(self) -> nets.Layers:
        return nets.unpack(tf.convert_to_tensor(self.vector), self.shapes)[0]

    def _forward(self, layers: nets.Layers, h: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Scores of features [F, B], and every layer's input."""
        inputs = []
        for kernel, bias in layers[:-1]:
            inputs.append(h)
            h = tf.nn.leaky_relu(tf.matmul(kernel, h) + bias[:, None], nets.SLOPE)
        kernel, bias = layers[-1]
        return tf.matmul(kernel, h) + bias[:, None], [*inputs, h]

    def _backward(self, inputs: list[tf.Tensor], skip: int = 0) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The scores' gradients in the features from row number `skip` on, [F, B], and in every layer's outputs."""
        vector = tf.gather(tf.convert_to_tensor(self.vector), self._transposed[0])
        kernels = zip(tf.split(vector, self._transposed[1]), self.shapes[0], strict=True)
        transposed = [tf.reshape(kernel, shape[::-1]) for kernel, (shape, _) in kernels]
        deltas = [tf.ones([1, inputs[0].shape[1]])]
        for kernel, h in zip(transposed[:0:-1], inputs[:0:-1], strict=True):
            # the last layer's outputs have slope 1: its kernel itself, repeated along the batch
            deltas.append((tf.matmul(kernel, deltas[-1]) if len(deltas) > 1 else kernel) * _mask(h))
        return tf.matmul(transposed[0], deltas[-1][:, skip:]), deltas[::-1]

    def _factors(self, rows: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Centred columns [C, B], and the factors of every product, each [P, B]."""
        centred = self.scale * rows + self.shift
        beside = tf.concat([centred, tf.ones([1, rows.shape[1]])], 0)
        return centred, [tf.gather(beside, index) for index in self.factors]

    def _features(self, rows: tf.Tensor) -> tf.Tensor:
        """What the perceptron sees of rows [C, B]: [F, B]."""
        centred, factors = self._factors(rows)
        return tf.concat([centred, _product(factors)], 0) if self.factors.size else centred

    def _pulled(self, rows: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        """Gradients in rows [C, B] from those in their features [F, B]."""
        found = slope[: self.columns]
        if self.factors.size:
            _, factors = self._factors(rows)
            parts = [slope[self.columns :] * _product(factors, but=i) for i in range(len(factors))]
            index = self.factors.ravel()
            found += tf.math.unsorted_segment_sum(tf.concat(parts, 0), index, self.columns + 1)[: self.columns]
        return self.scale * found

    def _pushed(self, rows: tf.Tensor, along: tf.Tensor) -> tf.Tensor:
        """How the features [F, B] of rows [C, B] change when the rows change by `along` [C, B]."""
        along = self.scale * along
        if not self.factors.size:
            return along
        _, factors = self._factors(rows)
        beside = tf.concat([along, tf.zeros([1, rows.shape[1]])], 0)
        parts = [tf.gather(beside, index) * _product(factors, but=i) for i, index in enumerate(self.factors)]
        return tf.concat([along, tf.add_n(parts)], 0)


def products(graph: CausalGraph, order: int) -> np.ndarray:
    """Sets of 2 to `order` columns of different labels of one family, int32 [order, P]; C stands for no column."""
    first, total = columns.offsets(graph.variables)
    found: dict[tuple[int, ...], None] = {}
    for node in graph.nodes:
        family = [*graph.parents[node], node]
        own = {name: range(first[name], first[name] + graph.variables[name].width) for name in family}
        for size in range(2, order + 1):
            for names in itertools.combinations(family, size):
                found.update(dict.fromkeys(tuple(sorted(c)) for c in itertools.product(*(own[name] for name in names))))
    padded = [(*chosen, *[total] * (order - len(chosen))) for chosen in found]
    return np.array(padded, np.int32).reshape(-1, order).T


def _product(factors: list[tf.Tensor], but: int | None = None) -> tf.Tensor:
    """The product of all factors but one."""
    result = None
    for i, factor in enumerate(factors):
        if i != but:
            result = factor if result is None else result * factor
    return tf.ones_like(factors[0]) if result is None else result


def _mask(h: tf.Tensor) -> tf.Tensor:
    """The leaky ReLU's slope where its output is `h`, whose sign is its input's."""
    return tf.where(h > 0, 1.0, nets.SLOPE)
