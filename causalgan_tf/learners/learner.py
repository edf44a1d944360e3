"""What the learners share: several training steps in one compiled call, on one device or on many.

Learners are keras.Models that override `train_step`. Their loop, `advance`, is our own, for Keras 3's `fit` and
`Optimizer.apply` do not train on several machines. It is also what several steps in a compiled call need on several
devices.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from causalgan_tf.learners.half_precision import LossScale

# what Keras' optimizers do outside of `update_step`
UNSUPPORTED = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "gradient_accumulation_steps")
# a step and the part of the global batch that is asked for, to the real rows from that step on, replica by replica
Rows = Callable[[int, tf.distribute.InputContext], tf.data.Dataset]


class Learner(keras.Model):
    """A keras.Model of players with their own optimizers, trained by `train_call` in the strategy that it was made in.

    All that a stage of the training asks of it, for labels and for images:

    Attributes:
        players: the networks that are trained, by name.
        optimizers: of the players, by their names.
        averaged: a network that keeps the running average of the weights of the one that is sampled from.
        state: variables besides these that the next step depends on, by name.
        scale: of the losses of a learner that computes in float16; else None.
        stop_training: whether the training ends after this call; a callback sets it.

    >>> class Fit(Learner):  # of one number to the mean of the rows
    ...     def __init__(self, number):
    ...         super().__init__()
    ...         self.players, self.averaged = {"number": number}, number
    ...         self.optimizers = {"number": keras.optimizers.SGD(0.5)}
    ...         self.optimizers["number"].build([number])
    ...     step = property(lambda self: self.optimizers["number"].iterations)
    ...     def calls(self, last, rows):
    ...         return self.share_out(rows), last - self.steps_done()
    ...     def train_call(self, iterator):
    ...         number, away = self.players["number"], self.players["number"] - tf.reduce_mean(next(iterator))
    ...         self.apply([away], self.optimizers["number"], [number])
    ...         return {"loss": 0.5 * away**2}
    >>> learner = Fit(tf.Variable(8.0))
    >>> learner.advance(3, lambda step, context: tf.data.Dataset.from_tensors([0.0, 0.0]).repeat())
    {'loss': 2.0}
    >>> learner.steps_done(), float(learner.players["number"])  # halved three times
    (3, 1.0)
    """

    players: dict[str, Any]
    optimizers: dict[str, keras.Optimizer]
    averaged: Any

    def __init__(self) -> None:
        super().__init__()
        self.built = True  # by its players
        self.state: dict[str, tf.Variable] = {}
        self.stop_training = False
        self.scale: LossScale | None = None

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

    def calls(self, last: int, rows: Rows | None) -> tuple[Any, int | None]:
        """What the training runs through up to step `last`.

        Args:
            last: step at which the training ends.
            rows: the real rows, for a learner that does not hold its own.

        Returns:
            The data set whose iterator `train_call` takes, and how many calls are made; None: as many as it has.
        """
        raise NotImplementedError(f"{type(self).__name__} must say which calls it makes.")

    def share_out(self, rows: Rows) -> Any:
        """The real rows from the next step on, each replica its own; see `Rows`."""
        first = self.steps_done()
        return self.distribute_strategy.distribute_datasets_from_function(lambda context: rows(first, context))

    def advance(
        self, last: int, rows: Rows | None = None, callbacks: Sequence[keras.callbacks.Callback] = ()
    ) -> dict[str, float]:
        """Trains up to step `last`, in the calls that `calls` names, while the callbacks look on; the last logs."""
        calls, count = self.calls(last, rows)
        watching, logs = keras.callbacks.CallbackList(list(callbacks), model=self), {}
        iterator, self.stop_training = iter(calls), False
        watching.on_train_begin()
        for number in range(len(calls) if count is None else count):
            watching.on_train_batch_begin(number)
            logs = {name: float(value) for name, value in self.train_call(iterator).items()}
            watching.on_train_batch_end(number, logs)
            if self.stop_training:
                break
        watching.on_train_end(logs)
        return logs

    def train_call(self, iterator: Any) -> dict[str, tf.Tensor]:
        """Runs the training steps of one compiled call and returns their last or mean logs, reduced over replicas."""
        raise NotImplementedError(f"{type(self).__name__} must say what one compiled call does.")

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

        Every replica then moves its own copies by the optimizer's `update_step`. Keras' own aggregation sends array by
        array, and breaks with several workers.

        Raises:
            ValueError: the optimizer clips gradients, decays weights or does other such things around its step.
        """
        asked = [name for name in UNSUPPORTED if getattr(optimizer, name, None)]
        if asked:
            raise ValueError(
                f"Learner.apply: {type(optimizer).__name__} has {asked[0]}, which update_step does not do."
            )
        means, rate = mean_over_replicas(gradients), optimizer.learning_rate

        def update() -> None:
            for mean, variable in zip(means, variables, strict=True):
                optimizer.update_step(mean, variable, rate)

        if self.scale:
            self.scale.guarded(means, update)
        else:
            update()
        optimizer.iterations.assign_add(1)


def last_logs(
    count: tf.Tensor | int, step: Callable[[tf.Tensor], dict[str, tf.Tensor]], logged: Sequence[str] | None = None
) -> dict[str, tf.Tensor]:
    """Runs step(0), ..., step(count - 1), a loop of the graph in which a step is traced once; the logs of the last.

    Args:
        count: at least 1.
        step: returns its logs, scalars by name.
        logged: their names, which XLA must know before the loop; None: those that the step returns.

    >>> {name: float(value) for name, value in last_logs(3, lambda i: {"half": i / 2}).items()}
    {'half': 1.0}
    """
    names = list(logged or ())
    size = None if logged is None else len(names)

    def body(i: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logs = step(i)
        names[:] = logs
        return i + 1, tf.stack([tf.cast(value, tf.float32) for value in logs.values()])

    count = tf.convert_to_tensor(count)
    start, shapes = (tf.zeros_like(count), tf.zeros([size or 0])), (tf.TensorShape([]), tf.TensorShape([size]))
    _, values = tf.while_loop(lambda i, _: i < count, body, start, shapes)
    return {name: values[k] for k, name in enumerate(names)}


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
