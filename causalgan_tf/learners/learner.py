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

    >>> class Fit(Learner):  # of one number to the mean of the rows
    ...     def __init__(self, number):
    ...         super().__init__()
    ...         self.players, self.averaged = {"number": number}, number
    ...         self.optimizers = {"number": keras.optimizers.SGD(0.5)}
    ...     step = property(lambda self: self.optimizers["number"].iterations)
    ...     def calls(self, last, rows):
    ...         return rows(self.steps_done()), last - self.steps_done()
    ...     def train_call(self, iterator):
    ...         number, away = self.players["number"], self.players["number"] - tf.reduce_mean(next(iterator))
    ...         self.apply([away], self.optimizers["number"], [number])
    ...         return {"loss": 0.5 * away**2}
    >>> learner = Fit(tf.Variable(8.0))
    >>> learner.compile()
    >>> learner.advance(3, lambda step: tf.data.Dataset.from_tensors([0.0, 0.0]).repeat())
    >>> learner.steps_done(), float(learner.players["number"])  # halved three times
    (3, 1.0)
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

    def mean_logs(self, function: Callable, *args: Any) -> dict[str, tf.Tensor]:
        """The logs of `function(*args)`, scalars by name, run on every replica and averaged over them."""

        def averaged(*args: Any) -> dict[str, tf.Tensor]:
            logs = function(*args)
            return dict(zip(logs, mean_over_replicas(list(logs.values())), strict=True))

        # all replicas have the same mean: this worker's first one tells it
        local = self.distribute_strategy.experimental_local_results
        return {name: local(value)[0] for name, value in self.per_replica(averaged, *args).items()}

    def apply(self, gradients: list[tf.Tensor], optimizer: keras.Optimizer, variables: list) -> None:
        """One optimizer step along `gradients` of a mean over this replica's rows, averaged over replicas.

        Every replica then moves its own copies by the optimizer's `update_step`. Keras' own aggregation sends an array at
        a time, and breaks with several workers.
        """
        rate = optimizer.learning_rate
        for gradient, variable in zip(mean_over_replicas(gradients), variables, strict=True):
            optimizer.update_step(gradient, variable, rate)
        optimizer.iterations.assign_add(1)


def mean_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """Means over the replicas of float32 tensors, in one all-reduce; every replica must call it.

    >>> [float(value) for value in mean_over_replicas([tf.constant(1.0), tf.constant(2.0)])]  # one device
    [1.0, 2.0]
    """
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        return values
    flat = tf.concat([tf.reshape(value, [-1]) for value in values], 0)
    mean = replica.all_reduce(tf.distribute.ReduceOp.MEAN, flat)
    parts = tf.split(mean, [value.shape.num_elements() for value in values])
    return [tf.reshape(part, value.shape) for part, value in zip(parts, values, strict=True)]
