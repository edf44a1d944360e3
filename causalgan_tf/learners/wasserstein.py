"""WGAN-GP on label rows for implicit mechanisms (arXiv:1709.02023, section 4; arXiv:1704.00028)."""

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import losses, noise
from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.learners.controller import ControllerLearner, encoded
from causalgan_tf.learners.learner import last_logs
from causalgan_tf.learners.optimization import ExponentialAfter, update_average
from causalgan_tf.networks.critic import Critic
from causalgan_tf.networks.mechanisms import CausalController

WASSERSTEIN, JENSEN_SHANNON = "wasserstein", "jensen_shannon"


class WassersteinTrainer(ControllerLearner):
    """Per-node label generators against a Wasserstein critic of whole rows.

    >>> graph, rows = CausalGraph.from_text("A -> B"), np.array([[0, 0], [0, 1], [1, 1]])
    >>> mechanisms, averaged = (CausalController(graph, noise_size=2, width=8, layers=2) for _ in range(2))
    >>> critic = Critic(graph, width=8, layers=2)
    >>> _ = critic.vector.assign(tf.zeros_like(critic.vector))
    >>> learner = WassersteinTrainer(mechanisms, averaged, critic, rows)
    >>> learner.compile(ControllerConfig(critic_steps=1, gradient_penalty=10.0))
    >>> logs = learner.train_step(tf.constant(0))  # the critic's slopes are 0 and should be 1
    >>> round(float(logs["critic_loss"]), 3), learner.steps_done()
    (10.0, 1)
    """

    logged = ("critic_loss", "generator_loss")

    def __init__(
        self,
        mechanisms: CausalController,
        averaged: CausalController,
        critic: Critic,
        rows: np.ndarray,
        seed: int = 0,
    ) -> None:
        """Joins the networks and the training rows, see ControllerLearner; the critic sees the graph's columns."""
        super().__init__(mechanisms, averaged, rows, seed)
        self.critic = critic
        self.players = {"generator": mechanisms, "critic": critic}
        self.distinct: tuple[tf.Tensor, tf.Tensor] | None = None

    def compile(self, config: ControllerConfig) -> None:
        """Sets the optimisation."""
        self.critic_steps = config.critic_steps
        self.critic_loss, self.penalty_weight = config.critic_loss, config.gradient_penalty
        # a Jensen-Shannon loss takes batches of rows, not their shares
        self._find_distinct(config.distinct_rows if config.critic_loss == WASSERSTEIN else 0)
        super().compile(config, adversarial_optimizers(config))

    def restart(self, rows: np.ndarray, seed: int) -> None:
        """Starts over on as many other rows, with another seed, in the loop that is compiled already."""
        if self.distinct is not None:
            raise ValueError("restart: shares of distinct rows are constants of the compiled loop; distinct_rows=0.")
        self.rows.assign(encoded(self.mechanisms.graph, rows))
        self.seed.assign(seed)
        for network in (self.mechanisms, self.critic):
            network.reset(seed)
        for optimizer in self.optimizers.values():
            for variable in optimizer.variables:
                variable.assign(tf.zeros_like(variable))
        self.averaged.vector.assign(self.mechanisms.vector)

    def train_step(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One generator step of WGAN-GP: `critic_steps` critic updates, then one of the generator."""
        batches = self.per_replica(self.critic_batches, step)
        logs = last_logs(self.critic_steps, lambda j: self.mean_logs(self.critic_update, batches, j), ["critic_loss"])
        return logs | self.mean_logs(self.generator_update, step)

    def critic_batches(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Fake rows, real rows and points between them for all critic updates of a step.

        The generator stands still meanwhile, so one forward pass draws every fake.

        Returns:
            Three tensors [critic_steps, C, rows of this replica].
        """
        shape = [self.critic_steps, self.batch_size]
        fakes = self.mechanisms.soft_labels(self._noise(step, 0, self.critic_steps))
        fakes = tf.transpose(tf.reshape(fakes, [self.critic.columns, self.critic_steps, -1]), [1, 0, 2])
        # of the global batch on every replica, which then takes its part: the rows do not depend on their number
        chosen = noise.step_choice(self.seed, step, 1, shape, self.rows.shape[0])
        reals = tf.transpose(tf.gather(self.rows, self._replica_rows(chosen)), [0, 2, 1])
        reals = tf.cast(reals, tf.float32)
        along = noise.step_uniform(self.seed, step, 2, shape)
        return fakes, reals, reals + self._replica_rows(along)[:, None] * (fakes - reals)

    def _find_distinct(self, most: int) -> None:
        """The distinct training rows [C, D] and their shares [1, D], if there are at most `most`."""
        # with few distinct rows the data's mean over them is exact: a batch would only add noise to the critic
        rows, counts = np.unique(self.rows.numpy(), axis=0, return_counts=True)
        self.distinct = None
        if len(rows) <= most:
            self.distinct = tf.constant(rows.T, tf.float32), tf.constant(counts[None] / counts.sum(), tf.float32)

    def critic_update(self, batches: tuple[tf.Tensor, tf.Tensor, tf.Tensor], j: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of the critic on the j-th batch; returns its loss."""
        fake, real, between = (batch[j] for batch in batches)
        rows = self.batch_size // self.replicas
        real, weights = (real, None) if self.distinct is None else self.distinct

        def loss(scores: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
            if self.critic_loss == JENSEN_SHANNON:
                return losses.discriminator(scores[:, rows:], scores[:, :rows], "nonsaturating")
            distance = losses.wasserstein_critic(scores[:, rows:], scores[:, :rows], weights)
            return distance + self.penalty_weight * losses.gradient_penalty(slopes, axis=0)

        value, gradient = self.critic.loss_gradient(tf.concat([fake, real], 1), between, loss)
        self.apply([gradient], self.optimizers["critic"], [self.critic.vector])
        return {"critic_loss": value}

    def generator_update(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of the mechanisms; returns their loss."""
        with tf.GradientTape() as tape:
            scores = self.critic.scores(self.mechanisms.soft_labels(self._noise(step, 3, 1)))
            if self.critic_loss == JENSEN_SHANNON:
                loss = losses.generator(scores, "nonsaturating")
            else:
                loss = losses.wasserstein_generator(scores)
        gradient = tape.gradient(loss, self.mechanisms.vector)
        self.apply([gradient], self.optimizers["generator"], [self.mechanisms.vector])
        update_average([self.averaged.vector], [self.mechanisms.vector], self.ema)
        return {"generator_loss": loss}

    def _noise(self, step: tf.Tensor, number: int, batches: int) -> tf.Tensor:
        """U(-1,1) noise of this replica's rows, [noise_rows, batches * rows]."""
        inputs = self.mechanisms.noise_rows
        # stratified: the mean over a batch is exact in each noise number, and the gradient's variance falls
        drawn = 2.0 * noise.step_strata(self.seed, step, number, [inputs, batches, self.batch_size]) - 1.0
        return tf.reshape(self._replica_rows(drawn), [inputs, -1])


def adversarial_optimizers(config: ControllerConfig) -> dict[str, keras.Optimizer]:
    """Adam for the generator and for the critic, whose rates fall along the same share of their steps."""

    def adam(updates: int) -> keras.optimizers.Adam:
        total = config.steps * updates
        rate = ExponentialAfter(config.learning_rate, config.decay_start * total, total, config.decay_to)
        return keras.optimizers.Adam(rate, config.beta1)

    return {"generator": adam(1), "critic": adam(config.critic_steps)}
