"""CausalGAN's training: an image given its labels (arXiv:1709.02023, section 5)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from causalgan_tf import losses, noise
from causalgan_tf.models.learner import ExponentialAfter, Learner, update_average
from causalgan_tf.networks.dcgan import encode_labels

LabelSampler = Callable[[tf.Tensor], tf.Tensor]  # row seeds int64 [B] -> labels [B, K] of 0/1


class CausalGAN(Learner):
    """Generator against discriminator, helped by the labeler and hindered by the anti-labeler.

    One forward pass of the generated images serves the updates of all networks, whose gradients are taken together.
    """

    def __init__(
        self,
        generator: keras.Model,
        averaged: keras.Model,
        discriminator: keras.Model,
        labeler: keras.Model,
        anti_labeler: keras.Model,
        sample_labels: LabelSampler,
        rebuilder: keras.Model | None = None,
        seed: int = 0,
    ) -> None:
        """Joins the networks.

        Args:
            generator: G(z, l), networks.dcgan.generator.
            averaged: another of the same shape, which keeps the running average of G's weights.
            discriminator: D(x), one logit.
            labeler: LR(x), K logits, trained on real images.
            anti_labeler: LG(x), K logits, trained on generated images.
            sample_labels: draws labels [B, K] of 0/1 from row seeds; the causal controller's law.
            rebuilder: DZ(x), rebuilds the noise from the generated image; None: none.
            seed: seed of the noise.
        """
        super().__init__()
        self.generator, self.averaged, self.discriminator = generator, averaged, discriminator
        self.labeler, self.anti_labeler, self.rebuilder = labeler, anti_labeler, rebuilder
        self.sample_labels, self.seed = sample_labels, seed
        self.noise_size, self.columns = generator.inputs[0].shape[-1], generator.inputs[1].shape[-1]

    def compile(
        self,
        steps: int,
        batch_size: int,
        learning_rate: float,
        discriminator_learning_rate: float,
        beta1: float,
        gan_loss: str,
        label_loss: str,
        labeler_weight: float,
        labeler_noise: float,
        anti_labeler_weight: float,
        anti_labeler_decay: float,
        generator_steps: int,
        mix_single: float,
        mix_uniform: float,
        label_encoding: str,
        noise_reconstruction: float,
        ema: float,
        decay_start: float,
        decay_to: float,
        steps_per_call: int = 1,
    ) -> None:
        """Sets losses and optimisation; the arguments are ImageConfig's fields."""
        super().compile()
        self.batch_size, self.generator_steps, self.ema = batch_size, generator_steps, ema
        self.gan_loss, self.label_loss = gan_loss, label_loss
        self.labeler_weight, self.labeler_noise = labeler_weight, labeler_noise
        self.reconstruction_weight = noise_reconstruction
        self.anti_labeler_weight, self.anti_labeler_decay = anti_labeler_weight, anti_labeler_decay
        self.mix_single, self.mix_uniform = mix_single, mix_uniform
        self.label_encoding = label_encoding
        players = {"generator": self.generator, "discriminator": self.discriminator}
        players |= {"labeler": self.labeler, "anti_labeler": self.anti_labeler}
        players |= {"rebuilder": self.rebuilder} if self.rebuilder else {}
        self.players = players
        rates = dict.fromkeys(players, learning_rate) | {"discriminator": discriminator_learning_rate}
        updates = dict.fromkeys(players, steps) | {"generator": steps * generator_steps}
        self.optimizers = {
            name: keras.optimizers.Adam(
                ExponentialAfter(rates[name], decay_start * updates[name], updates[name], decay_to), beta1
            )
            for name in players
        }
        for name, network in players.items():
            self.optimizers[name].build(network.trainable_variables)
        self.averaged.set_weights(self.generator.get_weights())
        self.steps_per_call = steps_per_call
        self.train_call = tf.function(self._steps)

    def _steps(self, iterator: Any) -> dict[str, tf.Tensor]:
        logs = self.mean_over_replicas(self.per_replica(self.train_step, next(iterator)))
        for _ in tf.range(self.steps_per_call - 1):
            logs = self.mean_over_replicas(self.per_replica(self.train_step, next(iterator)))
        return logs

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of D, LR and LG and `generator_steps` of G; see the paper's figure of CausalGAN.

        Args:
            data: this replica's real rows: `image` [B, S, S, C] in [-1, 1] for the discriminator; `labeler_image` and
                `labeler_labels` [B, K] for the labeler, whose rows may be drawn by another law.
        """
        step = self.optimizers["discriminator"].iterations
        for extra in range(1, self.generator_steps):
            self._generator_update(step, extra)
        c = self.anti_labeler_share(step)
        with tf.GradientTape(persistent=True) as tape:
            fake_labels, z, encoded = self.draw(step, 0)
            fakes = self.generator([z, encoded], training=True)
            d_real, d_fake = self.discriminator(data["image"], training=True), self.discriminator(fakes, training=True)
            blurred = self.blur(fakes, step, 0)
            lr_real = self.labeler(self.blur(data["labeler_image"], step, -1), training=True)
            lr_fake = self.labeler(blurred, training=True)
            lg_fake = self.anti_labeler(blurred, training=True)
            terms = {
                "discriminator": losses.discriminator(d_real, d_fake, self.gan_loss),
                "labeler": losses.label_cross_entropy(data["labeler_labels"], lr_real),
                "anti_labeler": losses.label_cross_entropy(fake_labels, lg_fake),
                "generator": self._generator_loss(fake_labels, d_fake, lr_fake, lg_fake, c),
            }
            if self.rebuilder:
                terms["rebuilder"] = losses.noise_reconstruction(z, self.rebuilder(fakes, training=True))
                terms["generator"] += self.reconstruction_weight * terms["rebuilder"]
        for name, loss in terms.items():
            self.minimise(loss, tape, self.optimizers[name], self.players[name].trainable_variables)
        update_average(self.averaged.variables, self.generator.variables, self.ema)
        agreement = tf.reduce_mean(tf.cast((lr_fake > 0) == (fake_labels > 0.5), tf.float32))
        return {f"{name}_loss": loss for name, loss in terms.items()} | {"label_agreement": agreement, "c": c}

    def anti_labeler_share(self, step: tf.Tensor) -> tf.Tensor:
        """c, the weight of the anti-labeler's term in G's loss: falls as exp(-step / decay)."""
        if not self.anti_labeler_decay:
            return tf.constant(self.anti_labeler_weight)
        return self.anti_labeler_weight * tf.exp(-tf.cast(step, tf.float32) / self.anti_labeler_decay)

    def draw(self, step: tf.Tensor, update: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Labels [B, K], the image's noise [B, Z] and encoded labels [B, K] of this replica's generated rows."""
        rows = self.batch_size // self.replicas
        first = tf.cast(step, tf.int64) * self.batch_size + self._first_row()
        seeds = noise.row_seeds(self.seed, first, rows, update)
        chance = tf.transpose(noise.uniform(seeds, [noise.MIXING], 2 + self.columns))
        labels = mix_labels(self.sample_labels(seeds), chance, self.mix_single, self.mix_uniform)
        jitter = tf.transpose(noise.uniform(seeds, [noise.JITTER], self.columns))
        z = tf.transpose(noise.uniform(seeds, [noise.IMAGE], self.noise_size))
        return labels, z, encode_labels(labels, self.label_encoding, jitter)

    def blur(self, images: tf.Tensor, step: tf.Tensor, use: int) -> tf.Tensor:
        """Images [B, S, S, C] with Gaussian noise, as the labelers see them; `use` tells the draws of a step apart."""
        if not self.labeler_noise:
            return images
        seed = tf.stack([self.seed, 64 * tf.cast(step, tf.int32) + use + 1])
        drawn = tf.random.stateless_normal([self.batch_size, *images.shape[1:]], seed, stddev=self.labeler_noise)
        first = self._first_row()
        return images + drawn[first : first + self.batch_size // self.replicas]

    def _first_row(self) -> tf.Tensor:
        """Row of the global batch at which this replica's rows begin, int64."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.cast(replica, tf.int64) * (self.batch_size // self.replicas)

    def _generator_loss(
        self, labels: tf.Tensor, d_fake: tf.Tensor, lr_fake: tf.Tensor, lg_fake: tf.Tensor, c: tf.Tensor
    ) -> tf.Tensor:
        """GAN term + CE(l, LR(G)) - c CE(l, LG(G))."""
        pleased = losses.label_cross_entropy(labels, lr_fake, self.label_loss)
        defeated = losses.label_cross_entropy(labels, lg_fake, self.label_loss)
        return losses.generator(d_fake, self.gan_loss) + self.labeler_weight * pleased - c * defeated

    def _generator_update(self, step: tf.Tensor, update: int) -> None:
        """An update of G alone, the other networks standing still."""
        with tf.GradientTape() as tape:
            labels, z, encoded = self.draw(step, update)
            fakes = self.generator([z, encoded], training=True)
            blurred = self.blur(fakes, step, update)
            loss = self._generator_loss(
                labels,
                self.discriminator(fakes, training=True),
                self.labeler(blurred, training=True),
                self.anti_labeler(blurred, training=True),
                self.anti_labeler_share(step),
            )
            if self.rebuilder:
                rebuilt = self.rebuilder(fakes, training=True)
                loss += self.reconstruction_weight * losses.noise_reconstruction(z, rebuilt)
        self.minimise(loss, tape, self.optimizers["generator"], self.generator.trainable_variables)


def mix_labels(labels: tf.Tensor, chance: tf.Tensor, single: float, everywhere: float) -> tf.Tensor:
    """Intervenes on a share of the rows, so that cells which an intervention visits are trained on purpose.

    Args:
        labels: [B, K] of 0/1, drawn from the causal controller.
        chance: [B, 2 + K] uniform on [-1, 1): which rows, which label, which values.
        single: share of the rows in which one label, picked at random, becomes a fair coin.
        everywhere: share of the rows in which every label becomes one.

    Returns:
        [B, K] of 0/1.
    """
    row, columns = 0.5 * (chance[:, :1] + 1.0), labels.shape[-1]
    picked = tf.one_hot(tf.cast(0.5 * (chance[:, 1] + 1.0) * columns, tf.int32), columns) > 0.5
    intervened = (row < everywhere) | ((row < everywhere + single) & picked)
    return tf.where(intervened, tf.cast(chance[:, 2:] > 0.0, labels.dtype), labels)
