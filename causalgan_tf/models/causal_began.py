"""CausalBEGAN's training: an image given its labels, with an autoencoder for a discriminator (arXiv:1709.02023)."""

from typing import Any

import keras
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.label_kinds import LabelKinds
from causalgan_tf.models.image_learner import ImageLearner, LabelSampler


class CausalBEGAN(ImageLearner):
    """Generator against autoencoder and labeler, balanced by three margins.

    c1 and c2 say how much the autoencoder and the labeler work against generated images, c3 how much the generator
    cares for labels. One forward pass of the generated images serves the updates of all networks, whose gradients are
    taken together.
    """

    def __init__(
        self,
        generator: keras.Model,
        averaged: keras.Model,
        discriminator: keras.Model,
        labeler: keras.Model,
        sample_labels: LabelSampler,
        seed: int = 0,
        kinds: LabelKinds | None = None,
    ) -> None:
        """Joins the networks.

        Args:
            generator: G(z, l), networks.began.generator.
            averaged: another of the same shape, which keeps the running average of G's weights.
            discriminator: D(x), an image, networks.began.autoencoder.
            labeler: C outputs of an image, one a label column.
            sample_labels: draws labels [B, K] from row seeds; the causal controller's law, rounded or soft.
            seed: seed of the noise.
            kinds: the labels' kinds; None: all are binary.
        """
        players = {"generator": generator, "discriminator": discriminator, "labeler": labeler}
        super().__init__(players, averaged, sample_labels, seed, kinds)
        self.generator, self.discriminator, self.labeler = generator, discriminator, labeler
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA  # every replica assigns the same
        self.c = tf.Variable(tf.zeros([3]), trainable=False, aggregation=first, name="c")
        self.state = {"c": self.c}

    def compile(
        self,
        label_loss: str,
        gamma1: float,
        gamma2: float,
        gamma3: float,
        lambda1: float,
        lambda2: float,
        lambda3: float,
        third_margin: bool,
        **shared: Any,
    ) -> None:
        """Sets losses and optimisation; the arguments are BeganConfig's fields, `shared` ImageLearner.compile's."""
        super().compile(**shared)
        self.label_loss, self.third_margin = label_loss, third_margin
        self.gammas, self.lambdas = (gamma1, gamma2, gamma3), (lambda1, lambda2, lambda3)
        self.c.assign([0.0, 0.0, 0.0 if third_margin else 1.0])

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of D, the labeler and G, then of the margins' controllers.

        Args:
            data: this replica's real rows: `image` [B, S, S, C] in [-1, 1] for the autoencoder; `labeler_image` and
                `labeler_labels` [B, K] for the labeler, whose rows may be drawn by another law.
        """
        step, (c1, c2, c3) = self.step, tf.unstack(self.c)
        with tf.GradientTape(persistent=True) as tape:
            labels, z, encoded = self.draw(step, 0)
            fakes = self.generator([z, encoded], training=True)
            l_real, l_fake = self.error(data["image"]), self.error(fakes)
            read_real = self.labeler(self.blur(data["labeler_image"], step, -1), training=True)
            read_fake = self.labeler(self.blur(fakes, step, 0), training=True)
            llab_real = self.kinds.distance(data["labeler_labels"], read_real, self.label_loss)
            llab_fake = self.kinds.distance(labels, read_fake, self.label_loss)
            terms = {
                "discriminator": l_real - c1 * l_fake,
                "labeler": llab_real - c2 * llab_fake,
                "generator": l_fake + c3 * llab_fake,
            }
        self.update(terms, tape)
        shown = {"label_agreement": self.kinds.agreement(read_fake, labels), "c1": c1, "c2": c2, "c3": c3}
        shown |= self.control(l_real, l_fake, llab_real, llab_fake)
        return {f"{name}_loss": loss for name, loss in terms.items()} | shown

    def error(self, images: tf.Tensor) -> tf.Tensor:
        """L(v), the autoencoder's error on images [B, S, S, C]."""
        return losses.reconstruction(images, self.discriminator(images, training=True))

    def control(
        self, l_real: tf.Tensor, l_fake: tf.Tensor, llab_real: tf.Tensor, llab_fake: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Moves c1, c2 and c3 by the margins of the global batch; returns the margins and the convergence measure."""
        terms = [l_real, l_fake, llab_real, llab_fake]
        replica = tf.distribute.get_replica_context()
        l_real, l_fake, llab_real, llab_fake = replica.all_reduce(tf.distribute.ReduceOp.MEAN, terms)
        b1 = losses.image_margin(l_real, l_fake, self.gammas[0])
        b2 = losses.label_margin(llab_real, llab_fake, self.gammas[1])
        b3 = losses.third_margin(b1, b2, self.gammas[2]) if self.third_margin else tf.zeros([])
        margins = tf.stack([b1, b2, b3])
        self.c.assign(losses.controlled(self.c, margins, tf.constant(self.lambdas)))
        measure = losses.convergence(l_real, llab_real, margins)
        return {"b1": b1, "b2": b2, "b3": b3, "convergence": measure}
