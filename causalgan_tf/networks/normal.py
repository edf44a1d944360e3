"""Standard normal numbers of uniform ones, in operations that every runtime has: none has the inverse of erf."""

import tensorflow as tf
from keras import ops


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
