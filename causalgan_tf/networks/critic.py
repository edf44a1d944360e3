"""The critic of the causal controller: a perceptron on label columns, batch last as in `mechanisms`."""

import itertools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import columns, stacked
from causalgan_tf.networks.mechanisms import SLOPE

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # of scores and input gradients


class Critic(keras.layers.Layer):
    """Label columns [C, B] to scores [1, B], batch last; the weights are one vector.

    The perceptron sees each column between -1 and 1 and, up to an order, the products of columns whose labels belong
    to one family, a node and its parents: rare combinations of labels, which a perceptron of the labels alone is slow
    to tell apart.

    >>> critic = Critic(CausalGraph.from_text("A -> B"), width=8, layers=2, order=2)
    >>> critic.scores(tf.zeros([2, 5])).shape.as_list()
    [1, 5]
    """

    def __init__(self, graph: CausalGraph, width: int, layers: int, order: int = 1, seed: int = 0) -> None:
        """A perceptron with random weights.

        Args:
            graph: causal graph over the labels, with their types.
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
        self.reset(seed)
        self.built = True

    def reset(self, seed: int) -> None:
        """Draws the weights anew: Glorot's uniform kernels, biases 0."""
        # a number of its own: the mechanisms draw theirs by (seed, number of the node)
        rng = np.random.default_rng([seed, 499])
        layers = [
            (rng.uniform(-1, 1, kernel) * np.sqrt(6 / sum(kernel)), np.zeros(bias)) for kernel, bias in self.shapes[0]
        ]
        self.vector.assign(stacked.pack([layers]))

    def scores(self, rows: tf.Tensor) -> tf.Tensor:
        """Scores [1, B] of rows [C, B], differentiable in the rows and in the weights, twice."""
        return self._forward(self._features(rows))[0]

    def loss_gradient(self, fixed: tf.Tensor, between: tf.Tensor, loss: Loss) -> tuple[tf.Tensor, tf.Tensor]:
        """A loss of scores and of input gradients, and its gradient in the weights.

        It is written out. Automatic differentiation of a gradient costs 1.4 times as much with the paper's constants,
        for it does not see that a perceptron of leaky ReLUs is linear where its masks stand still: one pass carries
        the loss' gradient in the slopes, and both gradients of a kernel are one product.

        Args:
            fixed: rows [C, A] whose scores enter the loss.
            between: rows [C, B] whose input gradients enter it.
            loss: of scores [1, A] and input gradients [C, B], to a scalar.

        Returns:
            The loss, and its gradient [weights].
        """
        layers, count = self._perceptron(), fixed.shape[1]
        with tf.GradientTape() as tape:
            tape.watch(between)
            features = self._features(between)
        scores, inputs = self._forward(tf.concat([self._features(fixed), features], 1))
        deltas = [tf.ones_like(scores)]
        for (kernel, _), h in zip(layers[:0:-1], inputs[:0:-1], strict=True):
            deltas.append(tf.matmul(kernel, deltas[-1], transpose_a=True) * _mask(h))
        slope = tf.matmul(layers[0][0], deltas[-1][:, count:], transpose_a=True)
        with tf.GradientTape() as outer:
            outer.watch(slope)
            pulled = tape.gradient(features, between, output_gradients=slope)
        with tf.GradientTape() as inner:
            inner.watch((scores, pulled))
            value = loss(scores[:, :count], pulled)
        weights, along = inner.gradient(value, (scores, pulled), unconnected_gradients="zero")
        # the rows' gradient is linear in that of the features: its transpose carries `along` back to the features
        weights, along = weights[:, :count], outer.gradient(pulled, slope, output_gradients=along)
        found = []
        for k, ((kernel, _), h, delta) in enumerate(zip(layers, inputs, deltas[::-1], strict=True)):
            left = tf.concat([h[:, :count] * weights, along], 1)
            found += [tf.matmul(delta, left, transpose_b=True), tf.reduce_sum(delta[:, :count] * weights, 1)]
            along = tf.matmul(kernel, along)
            along *= _mask(inputs[k + 1][:, count:]) if k + 1 < len(layers) else 1.0
        return value, tf.concat([tf.reshape(part, [-1]) for part in found], 0)

    def _perceptron(self) -> stacked.Layers:
        return stacked.unpack(tf.convert_to_tensor(self.vector), self.shapes)[0]

    def _forward(self, features: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Scores [1, B] of features [F, B], and the inputs of every layer."""
        *hidden, (kernel, bias) = self._perceptron()
        inputs = [features]
        for inner, offset in hidden:
            inputs.append(tf.nn.leaky_relu(tf.matmul(inner, inputs[-1]) + offset[:, None], SLOPE))
        return tf.matmul(kernel, inputs[-1]) + bias[:, None], inputs

    def _features(self, rows: tf.Tensor) -> tf.Tensor:
        """The perceptron's inputs [F, B] for rows [C, B]."""
        centred = self.scale * rows + self.shift
        if not self.factors.size:
            return centred
        # a one behind the columns is the factor of products that have fewer labels than the order
        beside = tf.concat([centred, tf.ones([1, rows.shape[1]])], 0)
        product = tf.gather(beside, self.factors[0])
        for index in self.factors[1:]:
            product *= tf.gather(beside, index)
        return tf.concat([centred, product], 0)


def products(graph: CausalGraph, order: int) -> np.ndarray:
    """Sets of 2 to `order` columns of different labels of one family, int32 [order, P]; C stands for no column."""
    first, total = columns.offsets(graph.variables)
    found: dict[tuple[int, ...], None] = {}
    for node in graph.nodes:
        family = [*graph.parents[node], node]
        own = {name: range(first[name], first[name] + graph.variables[name].width) for name in family}
        for size in range(2, order + 1):
            for names in itertools.combinations(family, size):
                # sorted: the same product is met again in other families that share these labels
                found.update(dict.fromkeys(tuple(sorted(c)) for c in itertools.product(*(own[name] for name in names))))
    padded = [(*chosen, *[total] * (order - len(chosen))) for chosen in found]
    return np.array(padded, np.int32).reshape(-1, order).T


def _mask(h: tf.Tensor) -> tf.Tensor:
    """The leaky ReLU's slope where its output is `h`, whose sign is its input's."""
    return tf.where(h > 0, 1.0, SLOPE)
