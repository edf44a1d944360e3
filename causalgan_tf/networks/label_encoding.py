"""Label columns as image generators see them, and as mechanisms make them."""

import dataclasses
import math

import tensorflow as tf
from keras import ops


def encode_labels(labels: tf.Tensor, encoding: str, jitter: tf.Tensor) -> tf.Tensor:
    """Binary labels as the image generator sees them.

    Args:
        labels: [B, K] of 0/1, or between for an interpolation.
        encoding: `sign`: 2 l - 1. `logit` (the authors' default but for the jitter's distribution, theirs goes inwards
            too): {0, 1} -> {.3, .7}, pushed outwards by a truncated exponential of mean about .05 and at most .25, then
            log(p / (1 - p)).
        jitter: [B, K] uniform on [-1, 1), the randomness of `logit`.

    Returns:
        [B, K].

    Examples:
        >>> encode_labels(tf.constant([[0.0, 0.5, 1.0]]), "sign", tf.zeros([1, 3])).numpy().tolist()
        [[-1.0, 0.0, 1.0]]
    """
    if encoding == "sign":
        return 2.0 * labels - 1.0
    # the authors' numbers: .5 + .2 + .25 stays below 1, where the logit is infinite
    bound, rate = 0.25, 20.0
    uniform = 0.5 * (jitter + 1.0)
    # the inverse of the truncated exponential's distribution function
    push = -ops.log(1.0 - uniform * (1.0 - math.exp(-rate * bound))) / rate
    probability = 0.5 + (2.0 * labels - 1.0) * (0.2 + push)
    return ops.log(probability) - ops.log(1.0 - probability)


def largest(values: tf.Tensor) -> tf.Tensor:
    """1 at the largest number along axis 1, of equal ones at the first, and 0 elsewhere.

    >>> largest(tf.constant([[1.0, 3.0, 3.0]])).numpy().tolist()
    [[0.0, 1.0, 0.0]]
    """
    # no argmax: Keras' one takes a number apart bit by bit, which runtimes of other formats cannot
    reached = ops.cast(values >= ops.max(values, 1, keepdims=True), "float32")
    return reached * ops.cast(ops.cumsum(reached, 1) < 1.5, "float32")


@dataclasses.dataclass(frozen=True)
class Head:
    """How a mechanism's outputs become the soft columns of its label.

    Attributes:
        activation: `sigmoid` between low and low + span, `softmax` over the columns, or `linear`.
        rounded: whether a drawn column is rounded at .5.
        low: lower end of a sigmoid.
        span: upper end of a sigmoid minus its lower end.

    >>> Head("sigmoid", low=10.0, span=20.0)(tf.constant([[-99.0, 0.0, 99.0]])).numpy().tolist()
    [[10.0, 20.0, 30.0]]
    """

    activation: str
    rounded: bool = False
    low: float = 0.0
    span: float = 0.0

    def __call__(self, outputs: tf.Tensor) -> tf.Tensor:
        """Soft columns [B, W] of a mechanism's outputs [B, W]."""
        if self.activation == "softmax":
            return ops.softmax(outputs)
        return outputs if self.activation == "linear" else self.low + self.span * ops.sigmoid(outputs)

    def hard(self, outputs: tf.Tensor) -> tf.Tensor:
        """Columns [B, W] as they are sampled: rounded, or 1 for the likeliest category."""
        soft = self(outputs)
        if self.activation == "softmax":
            return largest(soft)
        return ops.cast(soft > 0.5, "float32") if self.rounded else soft
