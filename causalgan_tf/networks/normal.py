"""Standard normal numbers of uniform ones, in operations that every runtime has: none has the inverse of erf."""

import math

import tensorflow as tf
from keras import ops

FAR = -5.0  # below it the distribution function is too small for a difference, and its series is exact to 1e-4


def normal_of(uniform: tf.Tensor) -> tf.Tensor:
    """The standard normal quantiles of uniform numbers, float32 of any shape, to 1.3e-6.

    PPND7 of Wichura (1988), algorithm AS 241, without its last case, which noise of 23 bits does not reach.

    Args:
        uniform: in [2**-24, 1 - 2**-24], which `noise.unit` draws.

    Examples:
        >>> normal_of(tf.constant([0.5, 0.975])).numpy().round(3).tolist()
        [0.0, 1.9600000381469727]
    """
    middle = uniform - 0.5
    r = 0.180625 - middle * middle
    above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
    inner = middle * above / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = ops.sqrt(-ops.log(ops.minimum(uniform, 1.0 - uniform))) - 1.6
    above = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
    outer = ops.sign(middle) * above / ((0.12021132975 * r + 0.73700164250) * r + 1.0)
    return ops.where(ops.abs(middle) <= 0.425, inner, outer)


def log_below(z: tf.Tensor) -> tf.Tensor:
    """The logarithm of the standard normal distribution function, with its gradient, however small it is.

    Args:
        z: float32 or float64, any shape.

    Examples:
        >>> [f"{float(log):.3f}" for log in log_below(tf.constant([0.0, -1.96, -20.0]))]
        ['-0.693', '-3.689', '-203.917']
    """
    near, far = tf.maximum(z, FAR), tf.minimum(z, FAR)
    inverse = 1.0 / tf.square(far)
    # Abramowitz and Stegun 26.2.12
    series = 1.0 - inverse * (1.0 - inverse * (3.0 - 15.0 * inverse))
    tail = tf.math.log(series) - tf.math.log(-far) - 0.5 * tf.square(far) - 0.5 * math.log(2.0 * math.pi)
    return tf.where(z < FAR, tail, tf.math.log(0.5 * tf.math.erfc(-near / math.sqrt(2.0))))
