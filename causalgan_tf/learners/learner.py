"""What the learners share: several training steps in one compiled call, on one device or on many.

Keras' own loop compiles one step. Here `fit` makes one compiled call for each element of its data set, and the call
runs as many training steps as the learner says. A custom loop is also what MirroredStrategy needs: Keras 3 refuses
both `steps_per_execution` and XLA there.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf


class Learner(keras.Model):
    """A keras.Model with its own optimizers whose `train_function` calls `train_call(iterator)`.

    All that a stage of the training asks of it, for labels and for images:

    Attributes:
        players: the networks that are trained, by name.
        optimizers: of the players, by their names.
        averaged: a network that keeps the running average of the weights of the one that is sampled from.
        state: variables besides these that the next step depends on, by name.
    """

    players: dict[str, Any]
    optimizers: dict[str, keras.Optimizer]
    averaged: Any

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, tf.Variable] = {}

    @property
    def step(self) -> tf.Variable:
        """Training steps done so far."""
        raise NotImplementedError(f"{type(self).__name__} must say how many steps are done.")

    def steps_done(self) -> int:
        """The value of `step`."""
        return int(self.step.numpy())

    @property
    def saved(self) -> dict[str, Any]:
        """Everything that the next step depends on, by the names of a checkpoint."""
        optimizers = {f"{name}_optimizer": optimizer for name, optimizer in self.optimizers.items()}
        return self.players | self.state | {"averaged": self.averaged} | optimizers

    def calls(self, last: int, rows: Callable[[int], tf.data.Dataset] | None) -> tuple[tf.data.Dataset, int | None]:
        """What `fit` runs through up to step `last`.

        Args:
            last: step at which the training ends.
            rows: the real batches from a step on, for a learner that does not hold its rows.

        Returns:
            The data set whose iterator `train_call` takes, and how many calls are made; None: as many as it has.
        """
        raise NotImplementedError(f"{type(self).__name__} must say which calls it makes.")

    def advance(
        self,
        last: int,
        rows: Callable[[int], tf.data.Dataset] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        """Trains up to step `last`, in the calls that `calls` names, while the callbacks look on."""
        calls, count = self.calls(last, rows)
        self.fit(calls, steps_per_epoch=count, epochs=1, verbose=0, shuffle=False, callbacks=list(callbacks))

    def compile(self) -> None:
        """Prepares for `fit`: the learner keeps optimizers of its own, so Keras must make none."""
        super().compile(optimizer=None, loss=None)
        self.built = True

    def train_call(self, iterator: Any) -> dict[str, tf.Tensor]:
        """Runs the training steps of one compiled call and returns their last or mean logs, reduced over replicas."""
        raise NotImplementedError(f"{type(self).__name__} must say what one compiled call does.")

    def make_train_function(self, force: bool = False) -> Callable:
        """Keras' hook: what `fit` calls with its iterator."""
        if self.train_function is None or force:
            self.train_function = self.train_call
        return self.train_function

    @property
    def replicas(self) -> int:
        """How many devices share a global batch."""
        return self.distribute_strategy.num_replicas_in_sync

    def per_replica(self, function: Callable, *args: Any) -> Any:
        """`function(*args)` on every replica, in this learner's strategy."""
        return self.distribute_strategy.run(function, args)

    def mean_over_replicas(self, logs: dict[str, Any]) -> dict[str, tf.Tensor]:
        """One value a log, averaged over replicas."""
        return {name: self.distribute_strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

    def apply(self, gradients: list[tf.Tensor], optimizer: keras.Optimizer, variables: list) -> None:
        """One optimizer step along `gradients` of a mean over this replica's rows.

        Keras sums gradients over replicas, so a replica contributes its share of the global mean.
        """
        optimizer.apply([gradient / self.replicas for gradient in gradients], variables)


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
    """

    def __init__(self, learning_rate: Any, beta1: float, limit: float) -> None:
        """`limit` 0: plain Adam."""
        super().__init__(learning_rate, beta1)
        self.limit = limit

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Keras' hook: one variable's step; in a strategy, along the gradient summed over replicas."""
        if self.limit:
            steps = tf.cast(self.iterations, tf.float32)
            velocity = self._velocities[self._get_variable_index(variable)]
            usual = tf.reduce_sum(velocity) / (1.0 - tf.pow(self.beta_2, tf.maximum(steps, 1.0)))
            allowed = self.limit**2 * usual / tf.reduce_sum(tf.square(gradient))
            # nothing is usual as long as every gradient has been zero
            known = (usual > 0.0) & (allowed < 1.0)
            gradient *= tf.where(known, tf.sqrt(allowed), 1.0)
        super().update_step(gradient, variable, learning_rate)


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
