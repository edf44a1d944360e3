"""What CausalGAN and CausalBEGAN share: the rows they train on, their optimizers, the averaged generator."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from causalgan_tf import losses, noise
from causalgan_tf.config.image import ImageConfig
from causalgan_tf.graphs.variables import Binary
from causalgan_tf.learners.half_precision import LossScale
from causalgan_tf.learners.learner import Learner, Rows, last_logs, mean_over_replicas
from causalgan_tf.learners.optimization import ExponentialAfter, Halving, LimitedAdam, update_average
from causalgan_tf.networks.label_codec import LabelCodec

# row seeds int64 [B] -> labels [B, K], one number each: 0/1, or between if soft, a category's place, a number
LabelSampler = Callable[[tf.Tensor], tf.Tensor]


class Fakes(NamedTuple):
    """Generated rows: labels [B, K], noise [B, Z], images [B, S, S, C], and the tape that saw them drawn.

    `weights`: of the rows in the GAN terms, see `ImageLearner.weights`.

    >>> z, weight = tf.ones([1, 1]), tf.Variable([[2.0]])
    >>> with tf.GradientTape() as tape:
    ...     images = tf.reshape(z @ weight, [1, 1, 1, 1])
    >>> fakes = Fakes(tf.ones([1, 1]), z, images, tape, weights=1.0)
    >>> towards = 2.0 * fakes.images  # the gradient of the image's square, which the tape takes on to the weight
    >>> fakes.tape.gradient(fakes.images, weight, towards).numpy().tolist()
    [[4.0]]
    """

    labels: tf.Tensor
    noise: tf.Tensor
    images: tf.Tensor
    tape: tf.GradientTape
    weights: tf.Tensor | float


class ImageLearner(Learner):
    """Players around a generator of images given labels; a subclass says how they play.

    `generator` and `discriminator` are among the players; a step is one of the discriminator's optimizer.

    >>> from causalgan_tf.networks import dcgan
    >>> generator, averaged = (dcgan.generator(2, 3, image_size=16, width=1) for _ in range(2))
    >>> players = {"generator": generator, "discriminator": dcgan.trunk(1, image_size=16, width=1)}
    >>> learner = ImageLearner(players, averaged, sample_labels=lambda seeds: tf.ones([len(seeds), 2]), seed=0)
    >>> learner.compile(ImageConfig(batch_size=4))
    >>> one, again, other = (learner.generate(learner.step, update) for update in (0, 0, 1))
    >>> one.images.shape.as_list(), bool(tf.reduce_all(one.noise == again.noise))  # a step's draws are repeatable
    ([4, 16, 16, 3], True)
    >>> bool(tf.reduce_any(one.noise == other.noise))
    False
    """

    def __init__(
        self,
        players: dict[str, keras.Model],
        averaged: keras.Model,
        sample_labels: LabelSampler,
        seed: int,
        codec: LabelCodec | None = None,
    ) -> None:
        """Joins the networks; the noise of a step is drawn from `seed`, its labels, of `codec`, by `sample_labels`."""
        super().__init__()
        self.players, self.averaged, self.sample_labels, self.seed = players, averaged, sample_labels, seed
        generator = players["generator"]
        self.noise_size, self.columns = generator.inputs[0].shape[-1], generator.inputs[1].shape[-1]
        self.codec = codec or LabelCodec([Binary()] * self.columns)

    def compile(self, config: ImageConfig, generator_steps: int = 1, halve_every: int = 0) -> None:
        """Sets rows and optimisation.

        Args:
            config: batches, rates, mixing and averaging.
            generator_steps: updates of the generator for each one of the others.
            halve_every: steps after which the rates are halved, each time, besides their fall; 0: never.
        """
        self.batch_size, self.generator_steps, self.ema = config.batch_size, generator_steps, config.ema
        self.in_turn = config.updates == "in_turn"
        self.labeler_noise, self.label_encoding = config.labeler_noise, config.label_encoding
        self.mix_single, self.mix_uniform = config.mix_single, config.mix_uniform
        self.label_fed = config.discriminator_labels
        self.optimizers = {}
        for name, network in self.players.items():
            rate = self._learning_rate(name, config, halve_every)
            self.optimizers[name] = LimitedAdam(rate, config.beta1, config.gradient_limit)
            self.optimizers[name].build(network.trainable_variables)
        self.averaged.set_weights(self.players["generator"].get_weights())
        if config.precision == "float16":
            self.scale = LossScale(self.replicas)
            self.state = self.state | self.scale.state
        self.steps_per_call = min(config.steps_per_call, config.checkpoint_every)  # what a kill loses at the least
        self.train_call = tf.function(self._steps, autograph=False)

    def _learning_rate(self, player: str, config: ImageConfig, halve_every: int) -> LearningRateSchedule:
        """The learning rate of a player by its optimizer's steps."""
        rate = config.discriminator_learning_rate if player == "discriminator" else config.learning_rate
        total = config.steps * (self.generator_steps if player == "generator" else 1)
        falling = ExponentialAfter(rate, config.decay_start * total, total, config.decay_to)
        return Halving(falling, halve_every) if halve_every else falling

    @property
    def step(self) -> tf.Variable:
        """Training steps done so far."""
        return self.optimizers["discriminator"].iterations

    def calls(self, last: int, rows: Rows) -> tuple[Any, int]:
        """Batches from the next step on; the steps of a call divide those that are left."""
        left = last - self.steps_done()
        self.steps_per_call = math.gcd(left, self.steps_per_call)
        return self.share_out(rows), left // self.steps_per_call

    def _steps(self, iterator: Any) -> dict[str, tf.Tensor]:
        return last_logs(self.steps_per_call, lambda _: self.mean_logs(self._step, next(iterator)))

    def _step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """A training step, and what the losses are scaled by if they are."""
        logs = self.train_step(data)
        return logs | ({"loss_scale": tf.identity(self.scale.value)} if self.scale else {})

    def update(self, gradients: dict[str, list[tf.Tensor]]) -> None:
        """One optimizer step of each named player along its gradients."""
        for name, gradient in gradients.items():
            self.apply(gradient, self.optimizers[name], self.players[name].trainable_variables)

    def average(self) -> None:
        """Moves the averaged generator towards the trained one."""
        update_average(self.averaged.variables, self.players["generator"].variables, self.ema)

    def averaged_images(self, labels: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Images [n, S, S, C] by the averaged generator of labels [n, K] and noise [n, Z]; no jitter of the labels."""
        encoded = self.codec.encode(labels, self.label_encoding, tf.zeros([tf.shape(labels)[0], self.columns]))
        return self.averaged([z, encoded], training=False)

    def generate(self, step: tf.Tensor, update: int) -> Fakes:
        """This replica's generated rows of a step; `update` tells the draws of a step apart."""
        labels, z, encoded, observed = self.draw(step, update)
        with tf.GradientTape() as tape:
            images = self.players["generator"]([z, encoded], training=True)
        return Fakes(labels, z, images, tape, self.weights(observed))

    def weights(self, observed: tf.Tensor) -> tf.Tensor | float:
        """Weights [B, 1] of generated rows in the GAN terms: rows of cells that the data do not hold have none.

        D would learn that such labels are generated, whatever the image, and a generator that is told so hides them.
        So would one that heard a D which never saw them: such an image is unlike any real one for showing its labels.
        """
        if not self.codec.cells:
            return 1.0
        counted = tf.cast(observed, tf.float32)
        (share,) = mean_over_replicas([tf.reduce_mean(counted)])
        return (counted / tf.maximum(share, 1.0 / self.batch_size))[:, None]

    def discriminator_inputs(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """What the discriminator takes: images [B, S, S, C], with their labels [B, K] encoded if it sees labels."""
        if not self.label_fed:
            return images
        return [images, self.codec.encode(labels, "sign", tf.zeros([tf.shape(labels)[0], self.columns]))]

    def backprop_through_generator(self, fakes: Fakes, towards: tf.Tensor) -> list[tf.Tensor]:
        """Gradients of a loss in the generator's weights, from `towards`, its gradient in the generated images."""
        return self.gradient(fakes.tape, fakes.images, self.players["generator"].trainable_variables, towards)

    def gradient(self, tape: tf.GradientTape, target: tf.Tensor, sources: Any, towards: tf.Tensor | None = None) -> Any:
        """`tape.gradient` of this learner's arithmetic; `towards`: the gradient in the target, ones if None."""
        return (
            self.scale.gradient(tape, target, sources, towards)
            if self.scale
            else tape.gradient(target, sources, towards)
        )

    def gradients_of_weights_and_input(
        self, tape: tf.GradientTape, loss: tf.Tensor, network: keras.Model, images: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Gradients of a loss in a network's weights and in the images that it saw, from one backward pass."""
        *weights, image = self.gradient(tape, loss, [*network.trainable_variables, images])
        return weights, image

    def draw(self, step: tf.Tensor, update: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Labels [B, K], the image's noise [B, Z] and encoded labels [B, C] of this replica's generated rows.

        The fourth, bool [B], is false where mixing has moved a row into a cell that the data do not hold; always true
        where the codec does not know the data's cells.
        """
        rows = self.batch_size // self.replicas
        # rows are numbered through the whole training, so that a resumed one draws what was to come
        first = tf.cast(step, tf.int64) * self.batch_size + self._first_row()
        seeds = noise.training_seeds(self.seed, first, rows, update)
        chance = tf.transpose(noise.uniform(seeds, [noise.MIXING], 2 + len(self.codec.variables)))
        random_labels = self.codec.random_labels(chance[:, 2:])
        drawn = self.sample_labels(seeds)
        labels = mix_labels(drawn, random_labels, chance[:, :2], self.mix_single, self.mix_uniform)
        observed = tf.ones([rows], tf.bool)
        if self.codec.cells:
            observed = tf.reduce_all(labels == drawn, 1) | self.codec.is_observed(labels)
        # by the row's seed, not the batch's: an image stays the same in a batch of another size
        jitter = tf.transpose(noise.uniform(seeds, [noise.JITTER], self.columns))
        z = tf.transpose(noise.uniform(seeds, [noise.IMAGE], self.noise_size))
        return labels, z, self.codec.encode(labels, self.label_encoding, jitter), observed

    def add_noise(self, images: tf.Tensor, step: tf.Tensor, use: int) -> tf.Tensor:
        """Images [B, S, S, C] with Gaussian noise, as the labelers see them; `use` tells the draws of a step apart."""
        if not self.labeler_noise:
            return images
        drawn = tf.random.stateless_normal(
            [self.batch_size, *images.shape[1:]], self._seed(step, use), stddev=self.labeler_noise
        )
        return images + self._replica_rows(drawn)

    def _seed(self, step: tf.Tensor, use: int) -> tf.Tensor:
        """Seed [2] of what a step draws for its images; `use`, from -1 to 59, tells its draws apart."""
        return tf.stack([self.seed, 64 * tf.cast(step, tf.int32) + use + 1])

    def _replica_rows(self, drawn: tf.Tensor) -> tf.Tensor:
        """This replica's rows of what was drawn for the global batch."""
        first = self._first_row()
        return drawn[first : first + self.batch_size // self.replicas]

    def _first_row(self) -> tf.Tensor:
        """Row of the global batch at which this replica's rows begin, int64."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.cast(replica, tf.int64) * (self.batch_size // self.replicas)


def r1_penalty(logits_of: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    """R1 without its weight, see losses.zero_centred_penalty, of real images [B, S, S, C] and their logits."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = logits_of(images)
    return losses.zero_centred_penalty(tape.gradient(logits, images))


def mix_labels(
    labels: tf.Tensor, random_labels: tf.Tensor, chance: tf.Tensor, single: float, everywhere: float
) -> tf.Tensor:
    """Intervenes on a share of the rows, so that cells which an intervention visits are trained on purpose.

    Args:
        labels: [B, K] drawn from the causal controller.
        random_labels: [B, K] independent labels, see LabelCodec.random_labels.
        chance: [B, 2] uniform on [-1, 1): which rows, which label.
        single: share of the rows in which one label, picked at random, becomes its coin.
        everywhere: share of the rows in which every label does.

    Returns:
        [B, K].
    """
    row, columns = 0.5 * (chance[:, :1] + 1.0), labels.shape[-1]
    picked = tf.one_hot(tf.cast(0.5 * (chance[:, 1] + 1.0) * columns, tf.int32), columns) > 0.5
    intervened = (row < everywhere) | ((row < everywhere + single) & picked)
    return tf.where(intervened, random_labels, labels)
