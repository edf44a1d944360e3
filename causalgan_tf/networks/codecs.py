"""Codecs of variable types: everything that the networks do with a label of one type.

A new type is a class in `causalgan_tf.graphs.variables` and a codec here: nothing else in the networks asks for types.
Shapes: B batch, K labels, C label columns, W columns of one label. The controller's columns are batch last, [C, B];
those of the image networks are batch first, [B, C].
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from keras import ops

from causalgan_tf import losses
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous, Variable
from causalgan_tf.networks import spline
from causalgan_tf.networks.codec import Codec
from causalgan_tf.networks.label_encoding import Head, encode_labels, largest
from causalgan_tf.networks.normal import log_below, normal_of

REACH = 4.0  # standard deviations from the mean in which labelers predict continuous labels
NEAR = 0.5  # standard deviations within which a continuous label counts as predicted
CONSTANTS = 3  # numbers that tell one label's explicit mechanism from another's
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
FAR_BELOW = -1e9  # a logit of probability 0
LEAST_LOG_SCALE = -6.0
BOUND = 1e-6  # share of its range within which a bounded label is at a bound: what rounding leaves of one
EDGE = 1e-3  # share of its range by which a bounded label keeps away from the logit's infinite ends


class BinaryCodec(Codec):
    """One column of 0 or 1 a label; the paper's terms.

    >>> logits, uniform = tf.constant([[[0.40, 0.41]]]), tf.fill([1, 1, 2], 0.4)  # p is .5987, then .6011
    >>> BinaryCodec.draw(logits, uniform, None).numpy().tolist()  # the unit's label is 1 where p > 1 - .4
    [[[0.0, 1.0]]]
    """

    together = True

    def head(self) -> Head:
        return Head("sigmoid", rounded=True, span=1.0)

    @staticmethod
    def draw(outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        del constants
        # 1 where the uniform number is above 1 - p: a larger p never turns a 1 into a 0
        return ops.cast(outputs[:, :1] + _logit(uniform[:, :1]) > 0.0, "float32")

    @classmethod
    def alternatives(cls, outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        del uniform, constants
        probability = tf.sigmoid(outputs[:, 0])
        values = tf.zeros_like(probability)
        return tf.stack([values, values + 1.0], 1)[:, None], tf.stack([1.0 - probability, probability], 1)

    @staticmethod
    def log_probability(outputs: tf.Tensor, columns: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        del constants
        return -tf.nn.softplus((1.0 - 2.0 * columns[:, 0]) * outputs[:, 0])

    def columns(self, values: tf.Tensor) -> tf.Tensor:
        return values

    def values(self, columns: tf.Tensor) -> tf.Tensor:
        return columns

    def encode(self, columns: tf.Tensor, encoding: str, jitter: tf.Tensor) -> tf.Tensor:
        return encode_labels(columns, encoding, jitter)

    def predicted(self, outputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(outputs > 0.0, tf.float32)

    def cross_entropy(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return losses.label_cross_entropy(columns, outputs)

    def log_certainty(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return -tf.nn.softplus((1.0 - 2.0 * columns) * outputs)

    def distance(self, columns: tf.Tensor, outputs: tf.Tensor, loss: str) -> tf.Tensor:
        return losses.label_distance(columns, outputs, loss)


class CategoricalCodec(Codec):
    """A column of 0 or 1 for each category.

    >>> codec = CategoricalCodec([Categorical(("no", "yes", "maybe"))])
    >>> codec.columns(tf.constant([[2.0, 0.0]])).numpy().tolist()  # a unit of maybe, and one of no
    [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    """

    def head(self) -> Head:
        return Head("softmax")

    @property
    def uniforms(self) -> int:
        return self.width

    def constants(self) -> tuple[float, ...]:
        return (float(self.width),)

    @staticmethod
    def draw(outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        # Gumbel-max: between two settings of the parents a unit leaves its category only for one whose odds against it
        # have grown (Oberst and Sontag, 2019, arXiv:1905.05824)
        count = uniform.shape[1]
        gumbel = -ops.log(-ops.log(uniform))
        return largest(_valid(outputs[:, :count] + gumbel, constants))

    @classmethod
    def alternatives(cls, outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = uniform.shape[1]
        probability = tf.nn.softmax(_valid(outputs[:, :count], constants), 1)
        return tf.eye(count)[None, :, :, None] * tf.ones_like(probability)[:, None], probability

    @staticmethod
    def log_probability(outputs: tf.Tensor, columns: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        logits = _valid(outputs[:, : columns.shape[1]], constants)
        return tf.reduce_sum(columns * logits, 1) - tf.reduce_logsumexp(logits, 1)

    def columns(self, values: tf.Tensor) -> tf.Tensor:
        places = np.arange(self.width, dtype=np.float32)[:, None]
        # NaN compares unequal to every place, and would become a category of none
        return ops.where(ops.isnan(values), values, ops.cast(ops.equal(values, places), "float32"))

    def values(self, columns: tf.Tensor) -> tf.Tensor:
        return ops.sum(columns * np.arange(self.width, dtype=np.float32)[:, None], 0, keepdims=True)

    def predicted(self, outputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.argmax(outputs, 1, tf.int32), tf.float32)[:, None]

    def cross_entropy(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return losses.category_cross_entropy(columns, outputs)

    def log_certainty(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(columns * tf.nn.log_softmax(outputs), 1, keepdims=True)

    def distance(self, columns: tf.Tensor, outputs: tf.Tensor, loss: str) -> tf.Tensor:
        return losses.category_distance(columns, outputs, loss)


class ContinuousCodec(Codec):
    """One column, standardised by the training rows; a bounded label goes through a sigmoid.

    >>> codec = ContinuousCodec([Continuous(mean=170.0, std=10.0)])
    >>> float(codec.columns(tf.constant([[185.0]]))[0, 0]), float(codec.values(tf.constant([[-1.0]]))[0, 0])
    (1.5, 160.0)
    """

    scale, shift = 1.0, 0.0

    def __init__(self, variables: Sequence[Continuous], deviation: float = losses.LABEL_DEVIATION) -> None:
        super().__init__(variables, deviation)
        (self.variable,) = variables

    def head(self) -> Head:
        v = self.variable
        return (
            Head("sigmoid", False, (v.low - v.mean) / v.std, (v.high - v.low) / v.std) if v.bounded else Head("linear")
        )

    @property
    def outputs(self) -> int:
        return spline.PARAMETERS + 2

    @property
    def unit(self) -> float:
        return self.variable.std

    def constants(self) -> tuple[float, ...]:
        head = self.head()
        return (1.0, head.low, head.span) if self.variable.bounded else (0.0, 0.0, 1.0)

    @classmethod
    def draw(cls, outputs: tf.Tensor, uniform: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        return cls.from_normal(outputs, normal_of(uniform[:, 0]), constants)

    @staticmethod
    def from_normal(outputs: tf.Tensor, z: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        """Columns [M, 1, B] of standard normal noise z [M, B]; other arguments as in `draw`."""
        bends, shift, log_scale = _spline_parts(outputs)
        free = shift + ops.exp(log_scale) * spline.inverse(z, bends)
        bounded, low, span = (constants[:, k] for k in range(CONSTANTS))
        inside = ops.clip((ops.sigmoid(free) - EDGE) / (1.0 - 2.0 * EDGE), 0.0, 1.0) * span + low
        return ops.expand_dims(ops.where(bounded > 0.0, inside, free), 1)

    @classmethod
    def log_probability(cls, outputs: tf.Tensor, columns: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
        """Of a number its density; of one at a bound the probability of all noise that gives the bound."""
        z, log_slope = cls.to_normal(outputs, columns, constants)
        density = log_slope - 0.5 * tf.square(z) - HALF_LOG_2PI
        known = tf.get_static_value(constants)
        if known is not None and not known[:, 0].any():
            return density  # most numbers have no bounds, and every step of training comes here
        low, high = cls.at_bounds(columns[:, 0], constants)
        return tf.where(low, log_below(z), tf.where(high, log_below(-z), density))

    @staticmethod
    def at_bounds(columns: tf.Tensor, constants: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether columns [M, B] lie at the lower and at the upper bound, bool; `constants` [M, 3, 1 or B]."""
        bounded, low, span = tf.unstack(constants, axis=1)
        share = (columns - low) / span
        return (bounded > 0.0) & (share <= BOUND), (bounded > 0.0) & (share >= 1.0 - BOUND)

    @staticmethod
    def to_normal(outputs: tf.Tensor, columns: tf.Tensor, constants: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The noise z [M, B] of columns [M, 1, B], and the logarithm of dz / dcolumn."""
        bends, shift, log_scale = _spline_parts(outputs)
        bounded, low, span = tf.unstack(constants, axis=1)
        unit = EDGE + (1.0 - 2.0 * EDGE) * tf.clip_by_value((columns[:, 0] - low) / span, 0.0, 1.0)
        free = tf.where(bounded > 0.0, _logit(unit), columns[:, 0])
        z, log_slope = spline.forward((free - shift) * tf.exp(-log_scale), bends)
        within = tf.math.log((1.0 - 2.0 * EDGE) / (span * unit * (1.0 - unit)))
        return z, log_slope + tf.where(bounded > 0.0, within, 0.0) - log_scale

    def columns(self, values: tf.Tensor) -> tf.Tensor:
        return (values - self.variable.mean) / self.variable.std

    def values(self, columns: tf.Tensor) -> tf.Tensor:
        v = self.variable
        values = columns * v.std + v.mean
        return at_exact_bounds(values, v) if v.bounded else values

    def encode(self, columns: tf.Tensor, encoding: str, jitter: tf.Tensor) -> tf.Tensor:
        del encoding, jitter
        return columns

    def predicted(self, outputs: tf.Tensor) -> tf.Tensor:
        return self.values(losses.within(outputs, REACH))

    def cross_entropy(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return losses.gaussian_error(columns, outputs, REACH, self.deviation)

    def log_certainty(self, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return -0.5 * tf.square((columns - losses.within(outputs, REACH)) / NEAR)

    def distance(self, columns: tf.Tensor, outputs: tf.Tensor, loss: str) -> tf.Tensor:
        return losses.value_distance(columns, outputs, loss, REACH)

    def random(self, share: tf.Tensor, ranges: np.ndarray) -> tf.Tensor:
        low, high = ranges[0]
        return low + share * (high - low)

    def range(self) -> tuple[float, float]:
        return self.variable.mean - 2.0 * self.variable.std, self.variable.mean + 2.0 * self.variable.std

    def tolerance(self) -> float:
        return NEAR * self.variable.std


def at_exact_bounds(values: tf.Tensor, variable: Continuous) -> tf.Tensor:
    """Numbers of a bounded variable, those at a bound but for rounding exactly there."""
    near = BOUND * (variable.high - variable.low)
    raised = ops.where(values <= variable.low + near, variable.low, values)
    return ops.where(raised >= variable.high - near, variable.high, raised)


def _logit(share: tf.Tensor) -> tf.Tensor:
    return ops.log(share) - ops.log(1.0 - share)


def _valid(logits: tf.Tensor, constants: tf.Tensor) -> tf.Tensor:
    """Logits [M, O, B] of the categories that each label has; those behind them count for nothing."""
    return ops.where(np.arange(logits.shape[1], dtype=np.float32)[:, None] < constants[:, :1], logits, FAR_BELOW)


def _spline_parts(outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A spline's parameters [M, P, B], shift and logarithm of the scale [M, B] of a continuous label's outputs."""
    count = spline.PARAMETERS
    # a scale of e^-6 deviations is finer than any table: without an end, rows that are equal would make it 0
    return (
        outputs[:, :count],
        outputs[:, count],
        LEAST_LOG_SCALE + ops.softplus(outputs[:, count + 1] - LEAST_LOG_SCALE),
    )


CODECS: dict[type, type[Codec]] = {Binary: BinaryCodec, Categorical: CategoricalCodec, Continuous: ContinuousCodec}


def codec_of(variable: Variable) -> Codec:
    """The codec of one label."""
    return CODECS[type(variable)]([variable])


def codecs_of(variables: Sequence[Variable], deviation: float = losses.LABEL_DEVIATION) -> list[Codec]:
    """The codecs of several labels, in their order; neighbours of a type are one codec where the type allows it."""
    found: list[Codec] = []
    for kind, run in itertools.groupby(variables, type):
        codec, members = CODECS[kind], list(run)
        groups = [members] if codec.together else [[variable] for variable in members]
        found += [codec(group, deviation) for group in groups]
    return found
