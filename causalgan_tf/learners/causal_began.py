"""CausalBEGAN's training: an image given its labels, with an autoencoder for a discriminator (arXiv:1709.02023)."""

import keras
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.config.image import BeganConfig, ImageConfig
from causalgan_tf.learners.image_learner import Fakes, ImageLearner, LabelSampler
from causalgan_tf.learners.learner import mean_over_replicas
from causalgan_tf.networks.label_codec import LabelCodec


class CausalBEGAN(ImageLearner):
    """Generator against autoencoder and labeler, balanced by three margins.

    c1 and c2 say how much the autoencoder and the labeler work against generated images, c3 how much the generator
    cares for labels. With `updates="shared"` one forward and one backward pass of the generated images through each
    network serve all updates, for every loss holds a multiple of the same error. With `in_turn` the generator plays
    against the updated networks.

    >>> from causalgan_tf.networks import began, dcgan
    >>> generator, averaged = (began.generator(1, 2, image_size=16, width=1) for _ in range(2))
    >>> autoencoder, labeler = began.autoencoder(16, width=1, code_size=2), dcgan.trunk(1, 16, width=1)
    >>> learner = CausalBEGAN(generator, averaged, autoencoder, labeler, lambda seeds: tf.zeros([len(seeds), 1]))
    >>> learner.compile(ImageConfig("causal_began", discriminator_labels=False), BeganConfig(gamma1=0.5, lambda1=0.1))
    >>> margins = learner.control(l_real=0.5, l_fake=0.05, llab_real=0.25, llab_fake=0.25)
    >>> round(float(margins["b1"]), 3), round(float(learner.c[0]), 3)  # gamma1 L(x) - L(G); lambda1 times it
    (0.2, 0.02)
    """

    def __init__(
        self,
        generator: keras.Model,
        averaged: keras.Model,
        discriminator: keras.Model,
        labeler: keras.Model,
        sample_labels: LabelSampler,
        seed: int = 0,
        codec: LabelCodec | None = None,
    ) -> None:
        """Joins the networks.

        Args:
            generator: G(z, l), networks.began.generator or networks.dcgan.generator.
            averaged: another of the same shape, which keeps the running average of G's weights.
            discriminator: D(x), or D(x, l) by `ImageConfig.discriminator_labels`: an image, networks.began.autoencoder.
            labeler: C outputs of an image, one a label column.
            sample_labels: draws labels [B, K] from row seeds; the causal controller's distribution, rounded or soft.
            seed: seed of the noise.
            codec: of the labels' types; None: all are binary.
        """
        players = {"generator": generator, "discriminator": discriminator, "labeler": labeler}
        super().__init__(players, averaged, sample_labels, seed, codec)
        self.generator, self.discriminator, self.labeler = generator, discriminator, labeler
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA  # every replica assigns the same
        self.c = tf.Variable(tf.zeros([3]), trainable=False, aggregation=first, name="c")
        self.state = {"c": self.c}

    def compile(self, config: ImageConfig, began: BeganConfig) -> None:
        """Sets rows and optimisation by `config`, the labels' loss, the margins and their controllers by `began`."""
        super().compile(config, halve_every=began.halve_every)
        self.label_loss, self.third_margin = began.label_loss, began.third_margin
        self.error_kind = began.error
        self.gammas = (began.gamma1, began.gamma2, began.gamma3)
        self.lambdas = (began.lambda1, began.lambda2, began.lambda3)
        self.c.assign([0.0, 0.0, 0.0 if began.third_margin else 1.0])

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of D, the labeler and G, then of the margins' controllers.

        Args:
            data: this replica's real rows: `image` [B, S, S, C] in [-1, 1] for the autoencoder; `labeler_image` and
                `labeler_labels` [B, K] for the labeler, whose rows may be drawn by another distribution.
        """
        # copies: the updates move both
        step, c = tf.identity(self.step), tf.unstack(self.c)
        fakes = self.generate(step, 0)
        parts, read_fake = (self._in_turn if self.in_turn else self._shared)(data, fakes, step, c)
        self.average()
        (c1, c2, c3), (l_real, l_fake, llab_real, llab_fake, generator) = c, parts
        terms = {"discriminator": l_real - c1 * l_fake, "labeler": llab_real - c2 * llab_fake, "generator": generator}
        shown = {"label_agreement": self.codec.agreement(read_fake, fakes.labels), "c1": c1, "c2": c2, "c3": c3}
        shown |= self.control(l_real, l_fake, llab_real, llab_fake)
        return {f"{name}_loss": loss for name, loss in terms.items()} | shown

    def _shared(self, data: dict, fakes: Fakes, step: tf.Tensor, c: list[tf.Tensor]) -> tuple[tuple, tf.Tensor]:
        """One update of every network from one pass; returns L and Llab, real and fake, G's loss, the fakes' logits."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes.images)
            (l_real, llab_real), (l_fake, llab_fake, read_fake) = self._real(data, step), self._fake(fakes, step)
        # the generator's loss holds the same errors as the others', so their passes give its gradient too
        d_fake, towards_real = self.gradients_of_weights_and_input(tape, l_fake, self.discriminator, fakes.images)
        lab_fake, towards_labels = self.gradients_of_weights_and_input(tape, llab_fake, self.labeler, fakes.images)
        d_real = self.gradient(tape, l_real, self.discriminator.trainable_variables)
        lab_real = self.gradient(tape, llab_real, self.labeler.trainable_variables)
        self.update(
            {
                "discriminator": [real - c[0] * fake for real, fake in zip(d_real, d_fake, strict=True)],
                "labeler": [real - c[1] * fake for real, fake in zip(lab_real, lab_fake, strict=True)],
                "generator": self.backprop_through_generator(fakes, towards_real + c[2] * towards_labels),
            }
        )
        return (l_real, l_fake, llab_real, llab_fake, l_fake + c[2] * llab_fake), read_fake

    def _in_turn(self, data: dict, fakes: Fakes, step: tf.Tensor, c: list[tf.Tensor]) -> tuple[tuple, tf.Tensor]:
        """One update of D and the labeler, then one of G against both; returns what `_shared` returns."""
        images = fakes._replace(images=tf.stop_gradient(fakes.images))
        with tf.GradientTape(persistent=True) as tape:
            (l_real, llab_real), (l_fake, llab_fake, read_fake) = self._real(data, step), self._fake(images, step)
            terms = {"discriminator": l_real - c[0] * l_fake, "labeler": llab_real - c[1] * llab_fake}
        self.update({n: self.gradient(tape, loss, self.players[n].trainable_variables) for n, loss in terms.items()})
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fakes.images)
            error, distance, _ = self._fake(fakes, step)
            loss = error + c[2] * distance
        self.update({"generator": self.backprop_through_generator(fakes, self.gradient(tape, loss, fakes.images))})
        return (l_real, l_fake, llab_real, llab_fake, loss), read_fake

    def _real(self, data: dict[str, tf.Tensor], step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """L(x) and Llab(x) of real rows."""
        read = self.labeler(self.add_noise(data["labeler_image"], step, -1), training=True)
        error = self.error(data["image"], data["labels"])
        return error, self.codec.distance(data["labeler_labels"], read, self.label_loss)

    def _fake(self, fakes: Fakes, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """L(G) and Llab(G) of generated rows, and the labeler's logits of them."""
        read = self.labeler(self.add_noise(fakes.images, step, 0), training=True)
        error = self.error(fakes.images, fakes.labels, fakes.weights)
        return error, self.codec.distance(fakes.labels, read, self.label_loss), read

    def error(self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | float = 1.0) -> tf.Tensor:
        """L(v), the autoencoder's error on images [B, S, S, C] with labels [B, K]; rows count by weights [B, 1]."""
        rebuilt = self.discriminator(self.discriminator_inputs(images, labels), training=True)
        return losses.reconstruction(images, rebuilt, self.error_kind, weights)

    def control(
        self, l_real: tf.Tensor, l_fake: tf.Tensor, llab_real: tf.Tensor, llab_fake: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Moves c1, c2 and c3 by the margins of the global batch; returns the margins and the convergence measure."""
        # the margins are no means of rows: averaged over replicas afterwards they would be others
        l_real, l_fake, llab_real, llab_fake = mean_over_replicas([l_real, l_fake, llab_real, llab_fake])
        b1 = losses.margin(l_real, l_fake, self.gammas[0])
        b2 = losses.margin(llab_real, llab_fake, self.gammas[1])
        b3 = losses.third_margin(b1, b2, self.gammas[2]) if self.third_margin else tf.zeros([])
        margins = tf.stack([b1, b2, b3])
        self.c.assign(losses.controlled(self.c, margins, tf.constant(self.lambdas)))
        measure = losses.convergence(l_real, llab_real, margins)
        return {"b1": b1, "b2": b2, "b3": b3, "convergence": measure}
