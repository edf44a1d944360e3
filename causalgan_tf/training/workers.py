"""The processes of a strategy: what they agree on, and how all of them get the chief's weights.

The chief alone reads and writes the run folder. The other workers read the data, train the same steps on rows of their
own, and are given all that a step depends on by the chief; they need no folder in common.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from causalgan_tf.errors import InputError

LOST = (tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError, tf.errors.UnavailableError)
MARKS = ("Collective ops is aborted", "CoordinationService", "heartbeat")  # of messages about a worker that has ended

PIECE = 2**18  # numbers that are sent at once


class Workers:
    """The processes that train in a strategy, of which this is one; a single one where it is of one process.

    All of them must call the same methods in the same order.

    Attributes:
        strategy: what they train in.
        count: how many they are.
        number: of this one; the chief is 0.

    >>> alone, weight = Workers(tf.distribute.get_strategy()), tf.Variable(2.0)
    >>> alone.share([weight])
    >>> alone.is_chief, alone.largest(3), float(weight)
    (True, 3, 2.0)
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        """The workers of `strategy`, as its cluster says."""
        self.strategy, self.count, self.number = strategy, 1, 0
        self._run = tf.function(lambda function, value: strategy.run(function, (value,)), autograph=False)
        resolver = strategy.cluster_resolver
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and resolver is not None:
            self.count, self.number = len(resolver.cluster_spec().as_dict()["worker"]), resolver.task_id

    @property
    def is_chief(self) -> bool:
        """Whether this is the worker that writes."""
        return self.number == 0

    def all(self, value: int) -> list[int]:
        """The values, of 64 bits, of all workers by their numbers; it waits for all of them."""
        if self.count == 1:
            return [value]
        pairs = self._everywhere(_gathered, tf.constant([[self.number, value]], tf.int64))
        found = dict(pairs.numpy().tolist())
        return [found[number] for number in range(self.count)]

    def largest(self, value: int) -> int:
        """The largest of all workers' values."""
        return max(self.all(value))

    def agree(self, text: str, what: str) -> None:
        """Raises InputError on every worker unless all of them give the same text.

        `what` is what they have in common, for the message.
        """
        digests = self.all(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True))
        others = [number for number, digest in enumerate(digests) if digest != digests[0]]
        if others:
            raise InputError(
                f"Worker {others[0]} of {self.count} has not {what} that the chief has, worker 0. Start all workers "
                "with the same flags, the same data and the same version of causalgan_tf."
            )

    def share(self, things: Iterable[Any]) -> None:
        """Gives every worker the chief's values of variables, or of what has `variables`; bit for bit."""
        if self.count == 1:
            return
        variables = variables_of(things)
        values = [np.asarray(variable) for variable in variables]
        sent = b"".join(value.tobytes() for value in values)
        # whole numbers: floats would lose the sign of a zero in a sum; pieces of one size: one compiled function
        words = np.frombuffer(sent + bytes(-len(sent) % (4 * PIECE)), np.int32).reshape(-1, PIECE)
        pieces = (self._everywhere(_of_first_replica, tf.constant(piece, tf.int64)) for piece in words)
        data, place = b"".join(piece.numpy().astype(np.int32).tobytes() for piece in pieces), 0
        for variable, value in zip(variables, values, strict=True):
            variable.assign(np.frombuffer(data, value.dtype, value.size, place).reshape(value.shape))
            place += value.nbytes

    def _everywhere(self, function: Callable[[tf.Tensor], tf.Tensor], value: tf.Tensor) -> tf.Tensor:
        """What `function(value)`, run on every replica, gives on this worker's first."""
        return self.strategy.experimental_local_results(self._run(function, value))[0]

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within the block, InputError tells of another worker that has ended in place of TensorFlow's errors."""
        try:
            yield
        except tf.errors.OpError as error:
            if self.count == 1 or not (isinstance(error, LOST) or any(mark in str(error) for mark in MARKS)):
                raise
            raise InputError(
                f"Worker {self.number} of {self.count}: another worker has ended or is not reached any more; what it "
                "said tells why. Start all workers again by the same commands: they go on where the last checkpoint is."
            ) from error


def variables_of(things: Iterable[Any]) -> list[Any]:
    """The variables among some things, and those of the others."""
    return [variable for thing in things for variable in getattr(thing, "variables", [thing])]


def _gathered(rows: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas."""
    # a copy has a device, which a function's argument has not and gathering asks for
    return tf.distribute.get_replica_context().all_gather(tf.identity(rows), axis=0)


def _of_first_replica(bits: tf.Tensor) -> tf.Tensor:
    """The whole numbers that the first replica has."""
    replica = tf.distribute.get_replica_context()
    mine = tf.where(replica.replica_id_in_sync_group == 0, bits, tf.zeros_like(bits))
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, mine)
