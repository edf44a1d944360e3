"""What the networks ask of a label's type: the base class of the codecs in codecs.py.

Shapes: B batch, K labels, C label columns, W columns of one label. The controller's columns are batch last, [C, B];
those of the image networks are batch first, [B, C].
"""

import abc
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.networks.label_encoding import Head, encode_labels


class Codec(abc.ABC):
    """One label, or several neighbouring labels of one type that share their operations.

    Attributes:
        variables: the labels.
        labels: how many they are, k.
        width: columns of all of them, w.
        together: whether neighbours of the type are one codec.
        deviation: of a continuous label that is read off an image, see losses.gaussian_error.
        scale: factor that brings a column near [-1, 1] before a layer sees it.
        shift: what is added then.

    >>> from causalgan_tf.graphs.variables import Binary, Categorical
    >>> from causalgan_tf.networks.codecs import codecs_of
    >>> found = codecs_of([Binary(), Binary(), Categorical(("x", "y", "z"))])
    >>> [(codec.labels, codec.width, codec.head().activation) for codec in found]
    [(2, 2, 'sigmoid'), (1, 3, 'softmax')]
    """

    together = False
    scale, shift = 2.0, -1.0

    def __init__(self, variables: Sequence[Variable], deviation: float = losses.LABEL_DEVIATION) -> None:
        self.variables, self.labels, self.deviation = list(variables), len(variables), deviation
        self.width = sum(variable.width for variable in variables)

    @abc.abstractmethod
    def head(self) -> Head:
        """How a mechanism draws such a label."""

    @property
    def outputs(self) -> int:
        """How many numbers state P(label | parents): the outputs of an explicit mechanism."""
        return self.width

    @property
    def uniforms(self) -> int:
        """How many uniform numbers draw a value from them."""
        return 1

    @property
    def unit(self) -> float:
        """What a difference of 1 in a column is in the label's own unit."""
        return 1.0

    def constants(self) -> tuple[float, ...]:
        """What tells this label's explicit mechanism from others of its type, at most CONSTANTS numbers."""
        return ()

    @staticmethod
    @abc.abstractmethod
    def draw(outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        """The label whose noise is `uniform`.

        Args:
            outputs: [M, O, B] of the explicit mechanisms of M labels of the type; O may be larger than `outputs`.
            uniform: [M, U, B] in (0, 1); U may be larger than `uniforms`.
            constants: [M, CONSTANTS, 1].

        Returns:
            Hard columns [M, W, B].
        """

    @staticmethod
    @abc.abstractmethod
    def log_probability(outputs: tf.Tensor, columns: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        """Log P(label | parents) in nats, [M, B], for columns [M, W, B]; of a continuous label its columns' density."""

    @classmethod
    def alternatives(cls, outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The values that a label may take, hard columns [M, W, V, B], and their probabilities [M, V, B].

        A number may take infinitely many: one that is drawn stands for them, and carries the gradient. Arguments are
        those of `draw`.
        """
        drawn = cls.draw(outputs, uniform, constants)
        return drawn[:, :, None], tf.ones_like(drawn[:, :1])

    @abc.abstractmethod
    def columns(self, values: tf.Tensor) -> tf.Tensor:
        """Columns [w, B] of values [k, B]; NaN stays NaN."""

    @abc.abstractmethod
    def values(self, columns: tf.Tensor) -> tf.Tensor:
        """Values [k, B] of hard columns [w, B]."""

    def encode(self, columns: tf.Tensor, encoding: str, jitter: tf.Tensor) -> tf.Tensor:
        """Columns [B, w] as the image generator sees them; `encoding` and jitter [B, w] as in `encode_labels`."""
        del encoding
        return encode_labels(columns, "sign", jitter)

    @abc.abstractmethod
    def predicted(self, outputs: tf.Tensor) -> tf.Tensor:
        """Labels [B, k] that a labeler's outputs [B, w] say."""

    @abc.abstractmethod
    def cross_entropy(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """A labeler's loss in nats, mean over rows and labels."""

    @abc.abstractmethod
    def log_certainty(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The logarithm of how certain a labeler is of each label, [B, k]; see LabelCodec.log_certainties."""

    @abc.abstractmethod
    def distance(self, columns: tf.Tensor, outputs: tf.Tensor, loss: str) -> tf.Tensor:
        """CausalBEGAN's label loss, mean over rows and labels; `loss` as in losses.label_distance."""

    def random(self, share: tf.Tensor, ranges: np.ndarray) -> tf.Tensor:
        """Uniform labels [B, k] from shares [B, k] uniform on [0, 1); ranges [k, 2] are those of continuous labels."""
        del ranges
        return tf.floor(share * [float(variable.size) for variable in self.variables])

    def range(self) -> tuple[float, float]:
        """Ends between which a label without known rows is visited on purpose."""
        return 0.0, float(self.variables[0].size - 1)

    def tolerance(self) -> float:
        """How far from a label a prediction may be that agrees with it."""
        return 0.5
