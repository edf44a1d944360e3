"""How weights move: the optimizer, its learning rates, the running average of weights."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def update_average(averaged: list[tf.Variable], weights: list[tf.Variable], decay: float) -> None:
    """Moves a running average: decay * averaged + (1 - decay) * weights, variable by variable."""
    for average, weight in zip(averaged, weights, strict=True):
        average.assign(decay * average + (1.0 - decay) * weight)


class LimitedAdam(keras.optimizers.Adam):
    """Adam to which no gradient is far larger than those before it.

    Adam divides by a running root mean square that a long quiet time makes small: with beta2 = .999 and no momentum a
    single hard batch moves the weights by up to 32 learning rates, and a GAN that has trained well for hours is gone
    (arXiv:2304.13013 tells of the same). Here an array's gradient whose norm is more than `limit` times what the
    running mean square says is usual is scaled down to that, before Adam sees it.

    >>> weight, optimizer = keras.Variable(0.0), LimitedAdam(0.1, beta1=0.0, limit=4.0)
    >>> optimizer.build([weight])
    >>> for gradient in [*[1.0] * 100, 1e4]:
    ...     before = float(weight)
    ...     optimizer.apply([tf.constant(gradient)], [weight])
    >>> round(before - float(weight), 1)  # four learning rates: the last gradient counts as 4
    0.4
    """

    def __init__(self, learning_rate: Any, beta1: float, limit: float) -> None:
        """`limit` 0: plain Adam."""
        super().__init__(learning_rate, beta1)
        self.limit = limit

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Keras' hook: one variable's step; in a strategy, along the gradient summed over replicas."""
        number = self._get_variable_index(variable)
        mean, square = self._momentums[number].value, self._velocities[number].value
        steps = tf.cast(self.iterations, tf.float32)
        if self.limit:
            usual = tf.reduce_sum(square) / _weight(self.beta_2, tf.maximum(steps, 1.0))
            allowed = self.limit**2 * usual / tf.reduce_sum(tf.square(gradient))
            # nothing is usual as long as every gradient has been zero
            known = (usual > 0.0) & (allowed < 1.0)
            gradient *= tf.where(known, tf.sqrt(allowed), 1.0)
        # 1 - beta ** t, which the operation would take in float32, is 7e-6 off there: it comes with the learning rate
        rate = learning_rate * tf.sqrt(_weight(self.beta_2, steps + 1.0)) / _weight(self.beta_1, steps + 1.0)
        # one operation: Keras' update_step is ten, an eighth of a whole training step to trace and to launch
        tf.raw_ops.ResourceApplyAdam(
            var=(variable.value if isinstance(variable, keras.Variable) else variable).handle,
            m=mean.handle,
            v=square.handle,
            beta1_power=0.0,
            beta2_power=0.0,
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def _weight(beta: float, steps: tf.Tensor) -> tf.Tensor | float:
    """1 - beta ** steps, all that a running mean has seen, of the float32 that `beta` is to the operation."""
    return -tf.math.expm1(steps * math.log(np.float32(beta))) if beta else 1.0


class ExponentialAfter(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate up to `start` steps, then an exponential fall to `share` of it at `end` steps.

    >>> rate = ExponentialAfter(0.1, start=100, end=200, share=0.01)
    >>> [round(float(rate(step)), 6) for step in (50, 150, 300)]
    [0.1, 0.01, 0.001]
    """

    def __init__(self, rate: float, start: float, end: float, share: float) -> None:
        self.rate, self.start, self.end, self.share = rate, start, max(end, start + 1.0), share

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The learning rate at an optimizer step."""
        progress = (tf.cast(step, tf.float32) - self.start) / (self.end - self.start)
        return self.rate * tf.pow(self.share, tf.clip_by_value(progress, 0.0, 1.0))


class Halving(keras.optimizers.schedules.ExponentialDecay):
    """Another schedule's learning rate, halved after every `every` steps.

    >>> rate = Halving(ExponentialAfter(0.1, 1e6, 2e6, 0.1), every=10)
    >>> [round(float(rate(step)), 6) for step in (9, 10, 20)]
    [0.1, 0.05, 0.025]
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, every: int) -> None:
        super().__init__(1.0, every, 0.5, staircase=True)
        self.schedule = schedule

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The learning rate at an optimizer step."""
        return self.schedule(step) * super().__call__(step)
