"""CausalGAN's training: an image given its labels (arXiv:1709.02023, section 5)."""

from typing import Any

import keras
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.label_kinds import LabelKinds
from causalgan_tf.models.image_learner import ImageLearner, LabelSampler


class CausalGAN(ImageLearner):
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
        kinds: LabelKinds | None = None,
    ) -> None:
        """Joins the networks.

        Args:
            generator: G(z, l), networks.dcgan.generator.
            averaged: another of the same shape, which keeps the running average of G's weights.
            discriminator: D(x), one logit.
            labeler: LR(x), C outputs, one a label column, trained on real images.
            anti_labeler: LG(x), C outputs, trained on generated images.
            sample_labels: draws labels [B, K] from row seeds; the causal controller's law.
            rebuilder: DZ(x), rebuilds the noise from the generated image; None: none.
            seed: seed of the noise.
            kinds: the labels' kinds; None: all are binary.
        """
        players = {"generator": generator, "discriminator": discriminator}
        players |= {"labeler": labeler, "anti_labeler": anti_labeler}
        players |= {"rebuilder": rebuilder} if rebuilder else {}
        super().__init__(players, averaged, sample_labels, seed, kinds)
        self.generator, self.discriminator = generator, discriminator
        self.labeler, self.anti_labeler, self.rebuilder = labeler, anti_labeler, rebuilder

    def compile(
        self,
        gan_loss: str,
        label_loss: str,
        labeler_weight: float,
        anti_labeler_weight: float,
        anti_labeler_decay: float,
        noise_reconstruction: float,
        **shared: Any,
    ) -> None:
        """Sets losses and optimisation; the arguments are ImageConfig's fields, `shared` ImageLearner.compile's."""
        super().compile(**shared)
        self.gan_loss, self.label_loss, self.labeler_weight = gan_loss, label_loss, labeler_weight
        self.anti_labeler_weight, self.anti_labeler_decay = anti_labeler_weight, anti_labeler_decay
        self.reconstruction_weight = noise_reconstruction

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of D, LR and LG and `generator_steps` of G; see the paper's figure of CausalGAN.

        Args:
            data: this replica's real rows: `image` [B, S, S, C] in [-1, 1] for the discriminator; `labeler_image` and
                `labeler_labels` [B, K] for the labeler, whose rows may be drawn by another law.
        """
        step = self.step
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
                "labeler": self.kinds.cross_entropy(data["labeler_labels"], lr_real),
                "anti_labeler": self.kinds.cross_entropy(fake_labels, lg_fake),
                "generator": self._generator_loss(fake_labels, d_fake, lr_fake, lg_fake, c),
            }
            if self.rebuilder:
                terms["rebuilder"] = losses.noise_reconstruction(z, self.rebuilder(fakes, training=True))
                terms["generator"] += self.reconstruction_weight * terms["rebuilder"]
        self.update(terms, tape)
        shown = {"label_agreement": self.kinds.agreement(lr_fake, fake_labels), "c": c}
        return {f"{name}_loss": loss for name, loss in terms.items()} | shown

    def anti_labeler_share(self, step: tf.Tensor) -> tf.Tensor:
        """c, the weight of the anti-labeler's term in G's loss: falls as exp(-step / decay)."""
        if not self.anti_labeler_decay:
            return tf.constant(self.anti_labeler_weight)
        return self.anti_labeler_weight * tf.exp(-tf.cast(step, tf.float32) / self.anti_labeler_decay)

    def _generator_loss(
        self, labels: tf.Tensor, d_fake: tf.Tensor, lr_fake: tf.Tensor, lg_fake: tf.Tensor, c: tf.Tensor
    ) -> tf.Tensor:
        """GAN term + CE(l, LR(G)) - c CE(l, LG(G))."""
        pleased = self.kinds.cross_entropy(labels, lr_fake, self.label_loss)
        defeated = self.kinds.cross_entropy(labels, lg_fake, self.label_loss)
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
