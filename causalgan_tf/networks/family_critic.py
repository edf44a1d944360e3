"""Critics of explicit mechanisms: one perceptron a node, on its parents and its own label, batch last."""

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import SLOPE
from causalgan_tf.networks.schedule import EMPTY
from causalgan_tf.networks.stacked import pack, unpack


class FamilyCritics(keras.layers.Layer):
    """A node's parents and label to a score, for all nodes of a graph; the weights are one vector.

    >>> mechanisms = ExplicitController(CausalGraph.from_text("A -> B"), width=8, layers=2)
    >>> critics = FamilyCritics(mechanisms, width=8, layers=2)
    >>> seen = mechanisms.seen(tf.constant([[1.0, 1.0], [0.0, 1.0]]))  # two rows of A and B that differ in B
    >>> of_a, of_b = (critics.scores(s, *parts).numpy()[0] for s, parts in enumerate(seen))
    >>> bool(of_a[0] == of_a[1]), bool(of_b[0] == of_b[1])
    (True, False)
    """

    def __init__(self, mechanisms: ExplicitController, width: int, layers: int, seed: int = 0) -> None:
        """Critics with random weights.

        Args:
            mechanisms: whose labels they score.
            width: units of a hidden layer.
            layers: dense layers.
            seed: of the weights.
        """
        super().__init__(name="critic")
        self.stacks, self.centring = mechanisms.schedule.stacks, mechanisms.centring
        self.shapes = []
        for stack in self.stacks:
            sizes = [stack.parents.shape[2] + stack.columns.shape[2], *[width] * (layers - 1), 1]
            inside = (stack.nodes.size,)
            self.shapes.append([((*inside, o, i), (*inside, o)) for i, o in zip(sizes, sizes[1:], strict=False)])
        count = sum(int(np.prod(shape)) for stack in self.shapes for pair in stack for shape in pair)
        self.vector = self.add_weight(shape=[count], initializer="zeros", name="vector")
        self.reset(seed)
        self.built = True

    def reset(self, seed: int) -> None:
        """Draws the weights anew: Glorot's uniform kernels, biases 0; those of empty places are never read."""
        weights = []
        for stack, shapes in zip(self.stacks, self.shapes, strict=True):
            layers = [(np.zeros(kernel), np.zeros(bias)) for kernel, bias in shapes]
            for place, k in enumerate(stack.nodes.ravel()):
                # numbers of its own: the mechanisms draw theirs by (seed, number of the node)
                rng = np.random.default_rng([seed, 499, int(k)])
                for kernel, _ in layers if k != EMPTY else ():
                    o, i = kernel.shape[1:]
                    kernel[place] = rng.uniform(-1, 1, (o, i)) * np.sqrt(6 / (i + o))
            weights.append(layers)
        self.vector.assign(pack(weights))

    def scores(self, s: int, above: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
        """Scores [places, B] of the labels of stack s, columns [places, W, B] beside centred parents [places, P, B]."""
        scale, shift = self.centring[s]
        h = tf.concat([above, scale * own + shift], 1)
        *hidden, (kernel, bias) = unpack(tf.convert_to_tensor(self.vector), self.shapes)[s]
        for inner, offset in hidden:
            h = tf.nn.leaky_relu(tf.matmul(inner, h) + offset[..., None], SLOPE)
        return (tf.matmul(kernel, h) + bias[..., None])[:, 0]
