"""Other ways to give a generator its labels, to be held against CausalGAN's labeler and anti-labeler.

All three have CausalGAN's generator and one discriminator of 1 + K outputs, which is CausalGAN's trunk: the first
output says how real the image x is, the others say something about its K labels l.

    LabelFed   D(x, l), fed with the labels of the image: the conditional GAN that shares CausalGAN's guarantee
    ACGAN      D(x) and a classifier of the labels on one trunk (arXiv:1610.09585)
    Joint      D(x, l) trains the label mechanisms and the image generator together, from nothing
"""

import keras
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.config import ControllerConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.learners.image_learner import ImageLearner, LabelSampler, r1_penalty
from causalgan_tf.learners.optimization import update_average
from causalgan_tf.networks import builders, dcgan, mechanisms
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.runs import run_folder
from causalgan_tf.training import builders as builders_of_images

PERCEPTRON = (64, 3)  # width and layers of what sees labels without their image


def projection(config: RunConfig, labels: int, with_law: bool = False) -> keras.Model:
    """networks.dcgan.projection of CausalGAN's shape.

    Args:
        config: widths, kernel, normalisation.
        labels: K, number of label columns.
        with_law: whether a perceptron of the labels is added, for labels whose law is learnt along with the images.

    Returns:
        A functional model of [images [B, S, S, C] in [-1, 1], labels [B, K] in [-1, 1]] to one logit [B, 1].
    """
    network = dcgan.projection(labels, **builders_of_images.discriminator_shape(config))
    if not with_law:
        return network
    law = mechanisms.mlp(labels, *PERCEPTRON, outputs=1, name="law")(network.inputs[1])
    return keras.Model(network.inputs, network.outputs[0] + law, name=network.name)


def two_heads(config: RunConfig, labels: int) -> keras.Model:
    """CausalGAN's discriminator with K more outputs: images [B, S, S, C] to [B, 1 + K]."""
    return dcgan.trunk(1 + labels, **builders_of_images.discriminator_shape(config))


class LabelFed(ImageLearner):
    """Generator against a discriminator that is fed with labels: D(x, l) on real pairs, D(G(z, l), l) on drawn ones."""

    def __init__(
        self,
        generator: keras.Model,
        averaged: keras.Model,
        discriminator: keras.Model,
        sample_labels: LabelSampler,
        seed: int = 0,
        codec: LabelCodec | None = None,
    ) -> None:
        """Joins the networks; labels must be drawn from the data's law, for the discriminator sees that law too."""
        players = {"generator": generator, "discriminator": discriminator}
        super().__init__(players, averaged, sample_labels, seed, codec)
        self.generator, self.discriminator = generator, discriminator

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """Sets the losses and the optimisation."""
        super().compile(config)
        self.gan_loss, self.r1_weight, self.r1_every = gan.gan_loss, gan.r1_weight, gan.r1_every

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of every player.

        Args:
            data: this replica's real rows, of which `labeler_image` [B, S, S, C] in [-1, 1] and `labeler_labels` [B, K]
                belong together; their law must be the data's: ImageConfig.labeler_balance=0.
        """
        with tf.GradientTape(persistent=True) as tape:
            labels, z, encoded, _ = self.draw(self.step, 0)
            fakes = self.generator([z, encoded], training=True)
            real = self.how_real(data["labeler_image"], data["labeler_labels"])
            terms = self.terms(real, self.how_real(fakes, labels))
            terms["discriminator"] += self.penalty(data)
        self.descend(terms, tape)
        return {f"{name}_loss": loss for name, loss in terms.items()}

    def penalty(self, data: dict[str, tf.Tensor]) -> tf.Tensor:
        """The weighted R1 penalty, of one in `r1_every` real images."""
        if not self.r1_weight:
            return tf.constant(0.0)
        image, labels = (data[name][:: self.r1_every] for name in ("labeler_image", "labeler_labels"))
        return self.r1_weight * r1_penalty(lambda x: self.how_real(x, labels), image)

    def how_real(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The logit [B, 1] of images with their labels."""
        return self.discriminator([images, 2.0 * labels - 1.0], training=True)

    def descend(self, terms: dict[str, tf.Tensor], tape: tf.GradientTape) -> None:
        """One optimizer step of every player on its own loss, all from one pass, then the averages."""
        self.update({name: tape.gradient(loss, self.players[name].trainable_variables) for name, loss in terms.items()})
        self.average()

    def terms(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """Each player's loss, of the discriminator's logits [B, 1]."""
        return {
            "discriminator": losses.discriminator(real, fake, self.gan_loss),
            "generator": losses.generator(fake, self.gan_loss),
        }


class Joint(LabelFed):
    """Label mechanisms and image generator trained together against one D(x, l), no controller before them.

    The labels are soft while they are trained, as a controller's are: a rounded label has no gradient.

    Attributes:
        averaged_labels: mechanisms that keep the running average of the trained ones' weights.
    """

    def __init__(
        self,
        generator: keras.Model,
        averaged: keras.Model,
        discriminator: keras.Model,
        label_mechanisms: mechanisms.CausalController,
        averaged_labels: mechanisms.CausalController,
        seed: int = 0,
    ) -> None:
        """Joins the networks; the labels are drawn by the mechanisms."""

        def soft(seeds: tf.Tensor) -> tf.Tensor:
            return tf.transpose(label_mechanisms.soft_labels(label_mechanisms.noise(seeds)))

        super().__init__(generator, averaged, discriminator, soft, seed)
        self.players["controller"] = label_mechanisms
        self.controller, self.averaged_labels = label_mechanisms, averaged_labels

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """As LabelFed's."""
        super().compile(config, gan)
        self.averaged_labels.set_weights(self.controller.get_weights())

    def terms(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """As LabelFed's; the controller has the generator's loss."""
        terms = super().terms(real, fake)
        return terms | {"controller": terms["generator"]}

    def average(self) -> None:
        """Moves the averaged generator and the averaged mechanisms towards the trained ones."""
        super().average()
        update_average(self.averaged_labels.variables, self.controller.variables, self.ema)


class ACGAN(LabelFed):
    """Auxiliary classifier GAN (arXiv:1610.09585, section 4): one trunk tells if an image is real and what it shows.

    The classifier is trained on real and on generated images, and the generator to be classified as its labels say.
    """

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """As LabelFed's; `labeler_weight` (theirs: 1) is that of the classifier's terms, for either player."""
        super().compile(config, gan)
        self.labeler_weight = gan.labeler_weight

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of both players; `data` as LabelFed's."""
        with tf.GradientTape(persistent=True) as tape:
            labels, z, encoded, _ = self.draw(self.step, 0)
            fakes = self.generator([z, encoded], training=True)
            real = self.discriminator(data["labeler_image"], training=True)
            fake = self.discriminator(fakes, training=True)
            read_real = losses.label_cross_entropy(data["labeler_labels"], real[:, 1:])
            read_fake = losses.label_cross_entropy(labels, fake[:, 1:])
            terms = self.terms(real[:, :1], fake[:, :1])
            terms["discriminator"] += self.labeler_weight * (read_real + read_fake) + self.penalty(data)
            terms["generator"] += self.labeler_weight * read_fake
        self.descend(terms, tape)
        shown = {"label_agreement": self.codec.agreement(fake[:, 1:], labels)}
        return {f"{name}_loss": loss for name, loss in terms.items()} | shown

    def how_real(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The logit [B, 1] of images, whatever their labels."""
        return self.discriminator(images, training=True)[:, :1]


def build_label_fed(
    config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec | None = None
) -> LabelFed:
    """LabelFed of the configured shape and optimisation, untrained; all labels are binary, `codec` is not read."""
    del codec
    discriminator = projection(config, len(graph))
    return _compiled(LabelFed(*_generators(config, graph), discriminator, sampler, config.seed), config)


def build_ac_gan(
    config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec | None = None
) -> ACGAN:
    """ACGAN of the configured shape and optimisation, untrained; all labels are binary, `codec` is not read."""
    del codec
    discriminator = two_heads(config, len(graph))
    return _compiled(ACGAN(*_generators(config, graph), discriminator, sampler, config.seed), config)


def build_joint(
    config: RunConfig, graph: CausalGraph, sampler: LabelSampler | None = None, codec: LabelCodec | None = None
) -> Joint:
    """Joint of the configured shape and optimisation, untrained; it draws its own labels and needs no sampler."""
    del sampler, codec
    discriminator = projection(config, len(graph), with_law=True)
    shape = ControllerConfig(mechanisms="implicit", objective="wasserstein")
    controllers = (builders.implicit(graph, shape, config.seed) for _ in range(2))
    return _compiled(Joint(*_generators(config, graph), discriminator, *controllers, seed=config.seed), config)


def _generators(config: RunConfig, graph: CausalGraph) -> tuple[keras.Model, keras.Model]:
    return run_folder.build_image_generator(config, graph), run_folder.build_image_generator(config, graph)


def _compiled(learner: LabelFed, config: RunConfig) -> LabelFed:
    learner.compile(config.image, config.gan)
    return learner
