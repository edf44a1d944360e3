"""Noise of explicit mechanisms, forwards and backwards: the value of a unit's noise, and the noise of a value.

The noise is kept in the form in which it is added, not as uniform numbers, so that no digit is lost in a tail: of a
binary label a logistic number e with label = 1 where logit + e > 0, of a category Gumbel numbers, of a number a
standard normal one. All in float64, batch last: outputs [O, B], noise [U, B], numbers [B].

`value` and `infer` are TensorFlow operations, so that a served model has them too; what only Python asks is NumPy's.
"""

import abc
import math

import numpy as np
import tensorflow as tf
from scipy import special

from causalgan_tf.graphs.variables import Binary, Categorical, Continuous, Variable
from causalgan_tf.networks.codecs import CONSTANTS, ContinuousCodec, at_exact_bounds, codec_of

Array = np.ndarray | tf.Tensor  # float64
TINY = 1e-300  # of a uniform number: its logarithm stays finite


class Exogenous(abc.ABC):
    """The noise of one node.

    Attributes:
        uniforms: how many uniform numbers a draw takes.

    >>> noise = exogenous_of(Binary())
    >>> e = noise.infer(np.array([[0.0, 0.0]]), np.array([1.0, 0.0]), np.full([1, 2], 0.5))  # even odds
    >>> noise.value(np.array([[0.0, 0.0]]), e).numpy().tolist()  # the noise gives the values back
    [1.0, 0.0]
    >>> noise.value(np.array([[-1.0, 3.0]]), e).numpy().tolist()  # under other parents
    [1.0, 1.0]
    """

    uniforms = 1

    def __init__(self, variable: Variable) -> None:
        self.variable, self.codec = variable, codec_of(variable)

    @abc.abstractmethod
    def value(self, outputs: Array, noise: Array) -> tf.Tensor:
        """The numbers [B] of a node whose mechanism says `outputs`."""

    @abc.abstractmethod
    def infer(self, outputs: Array, numbers: Array, uniform: Array) -> tf.Tensor:
        """Noise [U, B] given that it gave these numbers [B], drawn by uniform ones [uniforms, B]."""

    @abc.abstractmethod
    def draw(
        self, outputs: np.ndarray, condition: np.ndarray | tuple[float, float] | None, uniform: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Numbers [B] that meet a condition, and the logarithm [B] of the probability that one does.

        Args:
            outputs: [O, B].
            condition: bool [size] of a discrete node's values, (low, high) of a number; None: all.
            uniform: [uniforms, B].
        """

    @abc.abstractmethod
    def log_probability(self, outputs: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Log P(number | parents) in nats, of a number the density of its standardised column; [B]."""


class _Discrete(Exogenous):
    """What discrete nodes share: a table of log-probabilities [size, B]."""

    @abc.abstractmethod
    def table(self, outputs: np.ndarray) -> np.ndarray:
        """Log-probabilities [size, B]."""

    def draw(
        self, outputs: np.ndarray, condition: np.ndarray | tuple[float, float] | None, uniform: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        logs = self.table(outputs)
        if condition is not None:
            logs = np.where(condition[:, None], logs, -np.inf)
        mass = special.logsumexp(logs, 0)
        with np.errstate(invalid="ignore"):
            shares = np.exp(logs - np.where(np.isfinite(mass), mass, 0.0))
        sums = np.cumsum(shares, 0)
        numbers = (uniform[:1] * sums[-1:] > sums[:-1]).sum(0).astype(np.float64)
        if condition is not None:
            # a sum that is rounded must not let a value slip in that the condition forbids
            numbers = np.where(condition[numbers.astype(int)], numbers, float(np.flatnonzero(condition)[-1]))
        return numbers, mass

    def log_probability(self, outputs: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return np.take_along_axis(self.table(outputs), numbers[None].astype(int), 0)[0]


class BinaryNoise(_Discrete):
    """Logistic noise.

    >>> BinaryNoise(Binary()).value(np.array([[0.5, 0.5]]), np.array([[-0.4, -0.6]])).numpy().tolist()
    [1.0, 0.0]
    """

    def table(self, outputs: np.ndarray) -> np.ndarray:
        return _of_logit(outputs).numpy()

    def value(self, outputs: Array, noise: Array) -> tf.Tensor:
        return tf.cast(outputs[0] + noise[0] > 0.0, tf.float64)

    def infer(self, outputs: Array, numbers: Array, uniform: Array) -> tf.Tensor:
        # of a label of 1 the uniform number lies within p of 1, of a label of 0 within 1 - p of 0
        one, logs = tf.convert_to_tensor(numbers) > 0.5, _of_logit(outputs)
        log_share = tf.where(one, logs[1], logs[0]) + tf.math.log(tf.maximum(uniform[0], TINY))
        logit = log_share - tf.math.log(-tf.math.expm1(tf.minimum(log_share, -1e-16)))
        return tf.where(one, -logit, logit)[None]


class CategoricalNoise(_Discrete):
    """Gumbel noise; given a category it is the truncated one of Maddison, Tarlow and Minka (2014, arXiv:1411.0030).

    >>> noise = CategoricalNoise(Categorical(("a", "b", "c")))
    >>> outputs = np.zeros([3, 1])
    >>> noise.value(outputs, noise.infer(outputs, np.array([2.0]), np.full([3, 1], 0.5))).numpy().tolist()
    [2.0]
    """

    def __init__(self, variable: Categorical) -> None:
        super().__init__(variable)
        self.uniforms = variable.size

    def table(self, outputs: np.ndarray) -> np.ndarray:
        return _normalised(outputs).numpy()

    def value(self, outputs: Array, noise: Array) -> tf.Tensor:
        return tf.cast(tf.argmax(_normalised(outputs) + noise, 0), tf.float64)

    def infer(self, outputs: Array, numbers: Array, uniform: Array) -> tf.Tensor:
        # normalised, so that the largest sum is a standard Gumbel number whichever category has it
        logits, size = _normalised(outputs), self.variable.size
        own = tf.transpose(tf.one_hot(tf.cast(numbers, tf.int32), size, dtype=tf.float64))
        bits = -tf.math.log(tf.maximum(uniform, TINY))
        # the largest sum of all, whichever category has it; the others' lie below
        top = -tf.math.log(tf.reduce_sum(own * bits, 0, keepdims=True))
        below = -_log_add_exp(-top, tf.math.log(bits) - logits)
        return tf.where(own > 0.5, top, below) - logits


class NormalNoise(Exogenous):
    """Standard normal noise through a spline.

    >>> noise = NormalNoise(Continuous(mean=10.0, std=2.0))
    >>> outputs = np.zeros([noise.codec.outputs, 1])
    >>> z = noise.infer(outputs, np.array([13.0]), np.full([1, 1], 0.5))
    >>> noise.value(outputs, z).numpy().round(3).tolist()
    [13.0]
    """

    def __init__(self, variable: Continuous) -> None:
        super().__init__(variable)
        own = self.codec.constants()
        self.constants = tf.constant([*own, *[1.0] * (CONSTANTS - len(own))], tf.float64)[None, :, None]

    def value(self, outputs: Array, noise: Array) -> tf.Tensor:
        columns = ContinuousCodec.from_normal(_stack(outputs), tf.convert_to_tensor(noise[:1]), self.constants)
        v, numbers = self.variable, columns[0, 0] * self.variable.std + self.variable.mean
        return at_exact_bounds(numbers, v) if v.bounded else numbers

    def infer(self, outputs: Array, numbers: Array, uniform: Array) -> tf.Tensor:
        z = self._normal(outputs, numbers)
        v = self.variable
        if v.bounded:
            # all noise beyond the bound gives the bound, which float32 labels may not hold exactly
            low, high = max(v.low, float(np.float32(v.low))), min(v.high, float(np.float32(v.high)))
            z = tf.where(numbers <= low, tf.math.ndtri(tf.maximum(_below(z) * uniform[0], TINY)), z)
            z = tf.where(numbers >= high, -tf.math.ndtri(tf.maximum(_below(-z) * uniform[0], TINY)), z)
        return z[None]

    def draw(
        self, outputs: np.ndarray, condition: np.ndarray | tuple[float, float] | None, uniform: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if condition is None:
            return self.value(outputs, special.ndtri(uniform[:1])).numpy(), np.zeros(outputs.shape[1])
        low, high = (self._end(outputs, end, sign) for end, sign in zip(condition, (-1.0, 1.0), strict=True))
        # in the tail that is nearer, where a difference of probabilities keeps its digits
        flipped = low > 0.0
        a, b = np.where(flipped, -high, low), np.where(flipped, -low, high)
        below, above = special.log_ndtr(a), special.log_ndtr(b)
        with np.errstate(divide="ignore", invalid="ignore"):
            mass = above + np.log1p(-np.exp(below - above))
        mass = np.where(above > below, mass, -np.inf)
        share = np.logaddexp(below, np.where(np.isfinite(mass), mass, above) + np.log(np.maximum(uniform[0], TINY)))
        z = special.ndtri_exp(np.minimum(share, 0.0))
        z = np.clip(np.where(flipped, -z, z), low, high)
        numbers = self.value(outputs, z[None]).numpy()
        return np.clip(numbers, *condition), mass

    def log_probability(self, outputs: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return ContinuousCodec.log_probability(_stack(outputs), self._columns(numbers), self.constants).numpy()[0]

    def _end(self, outputs: np.ndarray, end: float, sign: float) -> np.ndarray:
        """The noise [B] of an interval's end; of one at or beyond a bound all that lies beyond is in."""
        v = self.variable
        if math.isinf(end) or (v.bounded and (end <= v.low if sign < 0.0 else end >= v.high)):
            return np.full(outputs.shape[1], sign * math.inf)
        return self._normal(outputs, np.full(outputs.shape[1], end)).numpy()

    def _normal(self, outputs: Array, numbers: Array) -> tf.Tensor:
        return ContinuousCodec.to_normal(_stack(outputs), self._columns(numbers), self.constants)[0][0]

    def _columns(self, numbers: Array) -> tf.Tensor:
        return tf.convert_to_tensor((numbers - self.variable.mean) / self.variable.std)[None, None]


def _stack(outputs: Array) -> tf.Tensor:
    return tf.convert_to_tensor(outputs)[None]


def _of_logit(outputs: Array) -> tf.Tensor:
    """Log-probabilities [2, B] of 0 and of 1."""
    return -tf.math.softplus(tf.stack([outputs[0], -outputs[0]]))


def _normalised(outputs: Array) -> tf.Tensor:
    return tf.nn.log_softmax(tf.convert_to_tensor(outputs), 0)


def _log_add_exp(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(a - b)))


def _below(z: tf.Tensor) -> tf.Tensor:
    """The standard normal distribution function."""
    return 0.5 * tf.math.erfc(-z / math.sqrt(2.0))


KINDS: dict[type, type[Exogenous]] = {Binary: BinaryNoise, Categorical: CategoricalNoise, Continuous: NormalNoise}


def exogenous_of(variable: Variable) -> Exogenous:
    """The noise of a node of this type."""
    return KINDS[type(variable)](variable)
