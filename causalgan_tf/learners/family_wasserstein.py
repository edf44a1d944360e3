"""Explicit mechanisms against Wasserstein critics of their families (arXiv:1704.00028, node by node).

A mechanism does not depend on the distribution of its parents, so each node has a critic of its own, and both sides
take the parents from the data: half of them as they come, half by a tempered distribution that visits rare settings
more often (weight log(count + 1) a setting, as in arXiv:1907.00503). Critics see hard values: the expectation over what
a node may be is exact, sum_v P(v | parents) C(v, parents).
"""

import numpy as np
import tensorflow as tf

from causalgan_tf import losses, noise
from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.graphs.variables import one_code
from causalgan_tf.learners.controller import ControllerLearner
from causalgan_tf.learners.learner import last_logs
from causalgan_tf.learners.likelihood import families
from causalgan_tf.learners.optimization import update_average
from causalgan_tf.learners.wasserstein import adversarial_optimizers
from causalgan_tf.networks.explicit import ExplicitController, Seen
from causalgan_tf.networks.family_critic import FamilyCritics
from causalgan_tf.networks.schedule import EMPTY

CRITIC, GENERATOR = 2, 1_000_000  # numbers of the noise's first streams, one a stack
TABLE = 16_384  # rows that stand for a node's tempered distribution of parents


class FamilyWassersteinTrainer(ControllerLearner):
    """Mechanisms that state distributions against one Wasserstein critic a node.

    >>> mechanisms, averaged = (ExplicitController(CausalGraph.from_text("A -> B"), 8, 2) for _ in range(2))
    >>> _ = mechanisms.vector.assign(tf.zeros_like(mechanisms.vector))  # every probability is 1/2, as in these rows
    >>> rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> learner = FamilyWassersteinTrainer(mechanisms, averaged, FamilyCritics(mechanisms, 8, 2), rows)
    >>> learner.compile(ControllerConfig(gradient_penalty=0.0))
    >>> abs(float(learner.critic_update(tf.constant(0))["critic_loss"])) < 1e-6  # no critic tells the two apart
    True
    """

    logged = ("critic_loss", "generator_loss")

    def __init__(
        self,
        mechanisms: ExplicitController,
        averaged: ExplicitController,
        critic: FamilyCritics,
        rows: np.ndarray,
        seed: int = 0,
    ) -> None:
        """Joins the networks and the training rows, see ControllerLearner."""
        super().__init__(mechanisms, averaged, rows, seed)
        self.critic, self.table = critic, rows
        self.players = {"generator": mechanisms, "critic": critic}

    def compile(self, config: ControllerConfig) -> None:
        """Sets the optimisation."""
        self.critic_steps, self.penalty_weight = config.critic_steps, config.gradient_penalty
        self.families = families(self.mechanisms, self.table, config.distinct_rows, tempered=True)
        if self.families is None:
            self.tempered = tf.constant(tempered_rows(self.mechanisms, self.table, int(self.seed.numpy())))
        super().compile(config, adversarial_optimizers(config))

    def train_step(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """`critic_steps` updates of the critics, then one of the mechanisms."""
        first = step * self.critic_steps
        logs = last_logs(self.critic_steps, lambda j: self.mean_logs(self.critic_update, first + j), ["critic_loss"])
        return logs | self.mean_logs(self.generator_update, step)

    def critic_update(self, number: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of the critics; returns the sum of their losses."""
        seen, shares = self._asked(number, 0)
        outputs = self.mechanisms.outputs(seen)
        with tf.GradientTape() as tape:
            loss = tf.constant(0.0)
            for s, ((above, own), share) in enumerate(zip(seen, shares, strict=True)):
                uniform = self._uniform(number, CRITIC, s, own)
                drawn, values, probability = self.mechanisms.alternatives(s, outputs[s], uniform[:, :-1])
                real = self.critic.scores(s, above, own)
                loss += tf.reduce_sum(share * (self._expected(s, above, values, probability) - real))
                between = own + uniform[:, -1:] * (drawn - own)
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    scores = self.critic.scores(s, above, between)
                slopes = inner.gradient(scores, between)
                loss += self.penalty_weight * losses.lipschitz_penalty(slopes, 1, share)
        self.apply([tape.gradient(loss, self.critic.vector)], self.optimizers["critic"], [self.critic.vector])
        return {"critic_loss": loss}

    def generator_update(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of the mechanisms; returns the sum of their losses."""
        seen, shares = self._asked(step, 1)
        with tf.GradientTape() as tape:
            loss, outputs = tf.constant(0.0), self.mechanisms.outputs(seen)
            for s, ((above, own), share) in enumerate(zip(seen, shares, strict=True)):
                uniform = self._uniform(step, GENERATOR, s, own)
                _, values, probability = self.mechanisms.alternatives(s, outputs[s], uniform[:, :-1])
                loss -= tf.reduce_sum(share * self._expected(s, above, values, probability))
        gradient = tape.gradient(loss, self.mechanisms.vector)
        self.apply([gradient], self.optimizers["generator"], [self.mechanisms.vector])
        update_average([self.averaged.vector], [self.mechanisms.vector], self.ema)
        return {"generator_loss": loss}

    def _expected(self, s: int, above: tf.Tensor, values: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
        """sum_v P(v | parents) C(v, parents), [places, B]."""
        places, width, count, batch = values.shape
        repeated = tf.repeat(above[:, :, None], count, 2)
        scores = self.critic.scores(
            s,
            tf.reshape(repeated, [places, above.shape[1], count * batch]),
            tf.reshape(values, [places, width, count * batch]),
        )
        return tf.reduce_sum(probability * tf.reshape(scores, [places, count, batch]), 1)

    def _uniform(self, step: tf.Tensor, number: int, s: int, own: tf.Tensor) -> tf.Tensor:
        """U(0,1) numbers [places, numbers + 1, B] for stack s: those of the mechanisms' noise, and one more."""
        rows = own.shape[-1] if self.families is not None else self.batch_size
        shape = [own.shape[0], self.mechanisms.numbers[s] + 1, rows]
        drawn = noise.step_uniform(self.seed, step, number + s, shape)
        return drawn if self.families is not None else self._replica_rows(drawn)

    def _asked(self, step: tf.Tensor, number: int) -> tuple[Seen, list[tf.Tensor]]:
        """Parents and labels of the data and the weight [places, B] of each row: all of them, or a batch a node."""
        if self.families is not None:
            return self.families.seen, self.families.shares
        found, shares, used = [], [], 0
        flat, columns = tf.reshape(self.rows, [-1]), self.rows.shape[1]
        chosen = noise.step_choice(self.seed, step, number, [self.tempered.shape[0], self.batch_size], TABLE)
        chosen = tf.gather(self.tempered, self._replica_rows(chosen), batch_dims=1)
        for stack, (above, own) in zip(self.mechanisms.schedule.stacks, self.mechanisms.places, strict=True):
            rows = chosen[used : used + stack.nodes.size, None]
            used += stack.nodes.size

            def read(place: np.ndarray, rows: tf.Tensor = rows) -> tf.Tensor:
                # a column behind the last one is none: what it gathers is made 0
                values = tf.gather(flat, rows * columns + np.minimum(place, columns - 1)[..., None])
                return tf.where((place < columns)[..., None], tf.cast(values, tf.float32), 0.0)

            scale, shift = (part.reshape([stack.nodes.size, -1, 1]) for part in (stack.scale, stack.shift))
            found.append((scale * read(above) + shift, read(own)))
            weights = (stack.nodes.reshape([-1, 1]) != EMPTY) / self.batch_size * self.replicas
            shares.append(tf.constant(weights, tf.float32) * tf.ones([1, rows.shape[-1]]))
        return found, shares


def tempered_rows(mechanisms: ExplicitController, rows: np.ndarray, seed: int) -> np.ndarray:
    """Rows that stand for each node's distribution of parents: int32 [places, TABLE] of numbers of rows.

    Half of them are rows as they come, half have settings of the parents by log(count + 1). Parents that are numbers
    have no settings: all rows are as they come.
    """
    rng, graph, found = np.random.default_rng([seed, 77]), mechanisms.graph, []
    for k in mechanisms.schedule.places:
        parents = () if k == EMPTY else graph.parents[graph.nodes[k]]
        sizes = [graph.variables[parent].size for parent in parents]
        weight = np.full(len(rows), 1.0 / len(rows))
        if parents and None not in sizes:
            _, setting, counts = np.unique(
                one_code([rows[:, graph.index(parent)] for parent in parents], sizes),
                return_inverse=True,
                return_counts=True,
            )
            share = np.log(counts + 1.0) / np.log(counts + 1.0).sum() / counts
            weight = 0.5 * weight + 0.5 * share[setting]
        # systematic sampling: each row comes as often as its weight says, but for rounding
        ends = (np.arange(TABLE) + rng.random()) / TABLE
        found.append(np.searchsorted(np.cumsum(weight), ends).clip(0, len(rows) - 1))
    return np.array(found, np.int32)
