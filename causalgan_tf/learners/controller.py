"""What the trainers of a causal controller share: label rows in memory, thousands of steps in a compiled call."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.learners.learner import Learner, last_logs
from causalgan_tf.networks import columns
from causalgan_tf.networks.stacked import StackedMechanisms


class ControllerLearner(Learner):
    """Trains the mechanisms of a graph on label rows.

    The label table stays in memory and a compiled call picks its rows itself, so that thousands of tiny steps run
    without leaving the compiled loop. Noise and row choice are functions of
    (seed, step, row of the global batch): neither the number of devices nor a restart changes them.

    >>> from causalgan_tf.networks.explicit import ExplicitController
    >>> mechanisms, averaged = (ExplicitController(CausalGraph.from_text("A -> B"), 8, 2) for _ in range(2))
    >>> learner = ControllerLearner(mechanisms, averaged, np.array([[0, 1], [1, 0], [1, 1]]))
    >>> learner.players = {"generator": mechanisms}
    >>> learner.compile(ControllerConfig(steps_per_call=1_000), {"generator": keras.optimizers.Adam()})
    >>> [(int(first), int(count)) for first, count in learner.calls(2_500)[0]]  # first step and steps of each
    [(0, 1000), (1000, 1000), (2000, 500)]
    """

    logged: tuple[str, ...] = ()  # names of a step's logs

    def __init__(
        self, mechanisms: StackedMechanisms, averaged: StackedMechanisms, rows: np.ndarray, seed: int = 0
    ) -> None:
        """Joins the networks and the training rows.

        Args:
            mechanisms: the mechanisms of a graph of K nodes.
            averaged: others of the same shape, which keep the running average of the mechanisms' weights.
            rows: training rows [N, K], one number a node.
            seed: seed of the noise and of the choice of rows.
        """
        super().__init__()
        self.mechanisms, self.averaged = mechanisms, averaged
        # variables, not constants of the compiled loop: a restart changes them
        self.seed = tf.Variable(seed, trainable=False, dtype=tf.int64)
        table = encoded(mechanisms.graph, rows)
        if isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy) and table.dtype == np.uint8:
            table = table.astype(np.int32)  # the first machine sends it to the others, and TensorFlow sends no uint8
        self.rows = tf.Variable(table, trainable=False)

    def compile(self, config: ControllerConfig, optimizers: dict[str, keras.Optimizer]) -> None:
        """Sets the optimisation, an optimizer for each player."""
        self.batch_size, self.ema = config.batch_size, config.ema
        self.steps_per_call = min(config.steps_per_call, config.checkpoint_every)  # what a kill loses at the least
        self.optimizers = optimizers
        for name, network in self.players.items():
            self.optimizers[name].build([network.vector])
        self.averaged.vector.assign(self.mechanisms.vector)
        # XLA makes one program of a whole loop of tiny steps; across replicas it cannot
        self._run_steps = tf.function(self._steps, jit_compile=self.replicas == 1, autograph=False)

    @property
    def step(self) -> tf.Variable:
        """Generator steps done so far."""
        return self.optimizers["generator"].iterations

    def calls(self, last: int, rows: Any = None) -> tuple[tf.data.Dataset, int | None]:
        """The calls up to a generator step, see `calls`; the rows lie in memory."""
        return calls(self.steps_done(), last, self.steps_per_call), None

    def train_call(self, iterator: Any) -> dict[str, tf.Tensor]:
        """Runs the steps that the next element of `calls` names."""
        return self._run_steps(*next(iterator))

    def train_step(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of the mechanisms; returns the logs that `logged` names."""
        raise NotImplementedError(f"{type(self).__name__} must say what a step does.")

    def _steps(self, first: tf.Tensor, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """Steps first .. first + count - 1; logs of the last."""
        return last_logs(count, lambda i: self.train_step(first + i), self.logged)

    def _replica_rows(self, drawn: tf.Tensor) -> tf.Tensor:
        """The part of a global batch, along the last axis, that belongs to this replica."""
        if self.replicas == 1:
            return drawn
        rows = self.batch_size // self.replicas
        start = rows * tf.distribute.get_replica_context().replica_id_in_sync_group
        return drawn[..., start : start + rows]


def encoded(graph: CausalGraph, rows: np.ndarray, chunk: int = 100_000) -> np.ndarray:
    """Label columns [N, C] of rows [N, K] of numbers: uint8 if all labels are discrete, else float32."""
    kind = np.float32 if graph.sizes is None else np.uint8
    if graph.is_binary:
        return np.asarray(rows, kind)
    parts = (
        columns.encode(list(graph.variables.values()), tf.transpose(rows[i : i + chunk]))
        for i in range(0, len(rows), chunk)
    )
    return np.concatenate([part.numpy().T.astype(kind) for part in parts])


def calls(first: int, last: int, steps_per_call: int) -> tf.data.Dataset:
    """What `ControllerLearner` runs through: (first step, number of steps) of each compiled call, int32."""
    starts = np.arange(first, last, steps_per_call)
    counts = np.minimum(starts + steps_per_call, last) - starts
    return tf.data.Dataset.from_tensor_slices((starts.astype(np.int32), counts.astype(np.int32)))
