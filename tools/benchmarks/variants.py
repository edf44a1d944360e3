"""Changes of CausalGAN that the ablation measures and the product does not have.

    Relativistic    D compares a generated image with a real one; penalties on both (R3GAN, arXiv:2501.05441)
    Patched         D also judges patches, those of label cells without data too
    OverlapLabeler  a label is learnt from rows whose other labels occur with both of its values
    SoftLabeler     labels are nearly certain, not certain (arXiv:2403.09422)
    MixedLabelFed   D(x, l) on mixed labels, cells without data left out; may judge patches, too

All run on one device, for the time that the ablation's clock says: `at` tells them which share of it has passed.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.config import GanConfig, ImageConfig, RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.learners.additivity import Additivity
from causalgan_tf.learners.causal_gan import CausalGAN
from causalgan_tf.learners.image_learner import Fakes, LabelSampler
from causalgan_tf.networks import dcgan
from causalgan_tf.networks.convolution import Conv2D
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.training import builders
from tools.benchmarks import baselines

FALL = 0.1  # share of the penalties' weight that is left at the end of a relativistic training
BETA2 = (0.9, 0.99)  # at its begin and at its end
PATCHES = 8  # side of the map that the patch head reads
CERTAIN = 0.95  # probability that a soft label gives to its value
SMALL = 0.1  # share of the usual initial weights in the last layer of the plain generator


class Clocked:
    """A learner, or another class beside one, whose losses depend on the share of the training that has passed.

    Attributes:
        progress: that share, in [0, 1].
    """

    progress: tf.Variable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.progress = tf.Variable(0.0, trainable=False)

    def at(self, share: float) -> None:
        """Says which share of the training has passed."""
        self.progress.assign(min(share, 1.0))

    def tune(self, optimizer: keras.Optimizer) -> None:
        """Changes a player's optimizer before its first step."""


class Relativistic(Clocked, CausalGAN):
    """CausalGAN whose discriminator says which of a generated and a real image is the real one, row by row.

    D: softplus(D(G) - D(x)) + gamma/2 (|grad D(x)|^2 + |grad D(G)|^2), G: softplus(D(x) - D(G)); gamma begins at
    `r1_weight`. Rows of cells without data have no pair and no penalty.
    """

    def __init__(self, *args: Any, beta2: bool = False, **kwargs: Any) -> None:
        """`beta2`: whether Adam's beta2 rises from .9 to .99, or stays as it is."""
        super().__init__(*args, **kwargs)
        self.beta2 = tf.Variable(BETA2[0], trainable=False) if beta2 else None

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """As CausalGAN's.

        Raises:
            ValueError: updates of the generator that no batch of real images belongs to.
        """
        super().compile(config, gan)
        if self.in_turn or self.generator_steps > 1:
            raise ValueError("Relativistic: expected updates='shared' and generator_steps=1, for images are paired.")

    def at(self, share: float) -> None:
        super().at(share)
        if self.beta2 is not None:
            first, last = (1.0 - end for end in BETA2)
            self.beta2.assign(1.0 - first * (last / first) ** min(share, 1.0))

    def tune(self, optimizer: keras.Optimizer) -> None:
        if self.beta2 is not None:
            optimizer.beta_2 = self.beta2

    def discriminator_loss(
        self, real: tf.Tensor, labels: tf.Tensor, fakes: Fakes, seen: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """Of pairs, with both penalties; keeps the real images' logits for the generator's term."""
        seen["real"] = self.judged(real, labels)
        loss = paired(seen["discriminator"], seen["real"], fakes.weights)
        gamma = self.r1_weight * tf.pow(FALL, self.progress)
        some = slice(None, None, self.r1_every)
        weights = fakes.weights if isinstance(fakes.weights, float) else fakes.weights[some, 0]
        r1 = penalty(lambda x: self.judged(x, labels[some]), real[some])
        r2 = penalty(lambda x: self.judged(x, fakes.labels[some]), tf.stop_gradient(fakes.images)[some], weights)
        return loss + gamma * (r1 + r2)

    def generator_term(self, fakes: Fakes, seen: dict[str, tf.Tensor]) -> tf.Tensor:
        """The mirror of the pairs' loss."""
        return paired(tf.stop_gradient(seen["real"]), seen["discriminator"], fakes.weights)


def paired(lower: tf.Tensor, higher: tf.Tensor, weights: tf.Tensor | float) -> tf.Tensor:
    """Mean of softplus(lower - higher) over rows of weights [B, 1]; all [B, 1].

    >>> round(float(paired(tf.constant([[2.0]]), tf.constant([[2.0]]), 1.0)), 4)
    0.6931
    """
    return tf.reduce_mean(weights * tf.nn.softplus(lower - higher))


def penalty(
    logits_of: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, weights: tf.Tensor | float = 1.0
) -> tf.Tensor:
    """1/2 E w |grad D|^2 over images [B, S, S, C] of weights [B]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = logits_of(images)
    squares = tf.reduce_sum(tf.square(tape.gradient(logits, images)), [1, 2, 3])
    return 0.5 * tf.reduce_mean(weights * squares)


def with_patch_head(discriminator: keras.Model, seed: int) -> keras.Model:
    """A discriminator that also says how real each patch is: a 1x1 convolution on its map of PATCHES x PATCHES.

    Returns:
        A model of the same inputs to [the logit [B, 1], patches [B, PATCHES, PATCHES, 1]], of shared weights.

    Raises:
        ValueError: a discriminator without such a map.
    """
    activated = [layer.output for layer in discriminator.layers if isinstance(layer, keras.layers.LeakyReLU)]
    maps = [x for x in activated if x.shape[1] == PATCHES]
    if not maps:
        raise ValueError(f"patch head: expected a map with a side of {PATCHES}, got {[x.shape[1] for x in activated]}.")
    initializer = keras.initializers.GlorotUniform(seed=seed)
    patches = keras.layers.Conv2D(1, 1, kernel_initializer=initializer, dtype=dcgan.OUTPUT, name="patches")(maps[-1])
    return keras.Model(discriminator.input, [discriminator.outputs[0], patches], name="discriminator")


class Patches:
    """The losses of a patch head.

    Attributes:
        weight: of its loss, for either player.
        start: share of the training after which the generator hears it; the head learns from the begin.
        everywhere: whether the generator hears it on all rows, or on those of cells without data alone.
    """

    def __init__(self, weight: float, start: float = 0.0, everywhere: bool = False) -> None:
        self.weight, self.start, self.everywhere = weight, start, everywhere

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """The weighted loss of patches [B, P, P, 1] of real and of all generated rows."""
        return self.weight * losses.discriminator(real, fake, "nonsaturating")

    def generator(self, fake: tf.Tensor, weights: tf.Tensor | float, progress: tf.Tensor) -> tf.Tensor:
        """The weighted loss of generated patches, a mean over rows to which those not heard add nothing.

        Args:
            fake: [B, P, P, 1].
            weights: of the rows in the GAN terms, [B, 1]: 0 in cells without data; a number where there are none.
            progress: share of the training that has passed.
        """
        alone = 1.0 if self.everywhere else tf.cast(tf.equal(weights, 0.0), tf.float32)
        heard = self.weight * tf.cast(progress >= self.start, tf.float32)
        return heard * tf.reduce_mean(alone * tf.reduce_mean(tf.nn.softplus(-fake), [1, 2]))


class Patched(Clocked, CausalGAN):
    """CausalGAN with a discriminator `with_patch_head`: the logit leaves cells without data out, the patches do not.

    Every patch of a woman with a mustache is in the data, the combination is not. R1 is that of the logit plus the mean
    of the patches.
    """

    def __init__(self, *args: Any, patches: Patches, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patches = patches

    def discriminator_loss(
        self, real: tf.Tensor, labels: tf.Tensor, fakes: Fakes, seen: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        logit, patches = self.judged(real, labels)
        loss = losses.discriminator(logit, seen["discriminator"][0], self.gan_loss, fakes.weights)
        loss += self.patches.discriminator(patches, seen["discriminator"][1])
        some = labels[:: self.r1_every]
        return loss + self.r1_weight * penalty(lambda x: both(self.judged(x, some)), real[:: self.r1_every])

    def generator_term(self, fakes: Fakes, seen: dict[str, tf.Tensor]) -> tf.Tensor:
        logit, patches = seen["discriminator"]
        judged = losses.generator(logit, self.gan_loss, fakes.weights)
        return judged + self.patches.generator(patches, fakes.weights, self.progress)


def both(outputs: list[tf.Tensor]) -> tf.Tensor:
    """The logit [B, 1] plus the mean of the patches [B, P, P, 1]: [B, 1]."""
    return outputs[0] + tf.reduce_mean(outputs[1], [1, 2])


class OverlapLabeler(CausalGAN):
    """CausalGAN whose labeler learns label k only from real rows whose other labels occur with both of its values.

    Where no woman has a mustache, sex tells that there is none, and a labeler that may use it asks women with mustaches
    for a man's jaw. All labels must be binary.
    """

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """As CausalGAN's; the codec must know the cells of the data."""
        super().compile(config, gan)
        self.flips = Additivity(self.codec)

    def overlap(self, labels: tf.Tensor) -> tf.Tensor:
        """1 where the other labels of a row occur with both values of the label, else 0: [B, K]."""
        return tf.cast(self.codec.is_observed(self.flips.changed(labels)), tf.float32)

    def labeler_loss(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Mean over labels of the cross-entropy's mean over the label's rows, 0 where the batch holds none."""
        counted = self.overlap(labels)
        error = tf.nn.sigmoid_cross_entropy_with_logits(labels, outputs)
        return tf.reduce_mean(tf.reduce_sum(counted * error, 0) / tf.maximum(tf.reduce_sum(counted, 0), 1.0))


class SoftLabeler(CausalGAN):
    """CausalGAN whose label terms, the generator's too, take binary labels for .05 and .95: none asks for more."""

    def label_loss(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return super().label_loss(1.0 - CERTAIN + (2.0 * CERTAIN - 1.0) * labels, outputs)


class MixedLabelFed(Clocked, baselines.LabelFed):
    """LabelFed on mixed labels: real pairs are reweighted to their law, and cells without data have no real pair.

    D leaves generated rows of such cells out. What they get instead is `additivity`, and the patches where D has a head
    for them.
    """

    def __init__(self, *args: Any, patches: Patches | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patches = patches

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """As LabelFed's, with `gan.additivity`; the codec must know the cells of the data."""
        super().compile(config, gan)
        self.additivity = Additivity(self.codec, gan.additivity)

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of both players; `data`: real rows `image` [B, S, S, C] and their `labels` [B, K]."""
        fakes = self.generate(tf.identity(self.step), 0)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes.images)
            terms = self.losses_of(data, fakes)
        gradient = tape.gradient(terms["discriminator"], self.discriminator.trainable_variables)
        towards = tape.gradient(terms["generator"], fakes.images)
        self.update({"discriminator": gradient, "generator": self.backprop_through_generator(fakes, towards)})
        self.average()
        return {f"{name}_loss": loss for name, loss in terms.items()}

    def losses_of(self, data: dict[str, tf.Tensor], fakes: Fakes) -> dict[str, tf.Tensor]:
        """Each player's loss."""
        real, real_patches = self.said(data["image"], data["labels"])
        fake, fake_patches = self.said(fakes.images, fakes.labels)
        pairs = {"labeler_image": data["image"], "labeler_labels": data["labels"]}
        d = losses.discriminator(real, fake, self.gan_loss, fakes.weights) + self.penalty(pairs)
        g = losses.generator(fake, self.gan_loss, fakes.weights)
        g += self.additivity.loss(fakes.labels, fakes.noise, fakes.images, self.averaged_images)
        if self.patches:
            d += self.patches.discriminator(real_patches, fake_patches)
            g += self.patches.generator(fake_patches, fakes.weights, self.progress)
        return {"discriminator": d, "generator": g}

    def said(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Logits [B, 1] and patches [B, P, P, 1], None without a head for them."""
        said = self.discriminator([images, 2.0 * labels - 1.0], training=True)
        return tuple(said) if self.patches else (said, None)

    def how_real(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """What the penalty is of."""
        logit, patches = self.said(images, labels)
        return logit if patches is None else both([logit, patches])


def plain_generator(config: RunConfig, graph: CausalGraph) -> keras.Model:
    """A generator by R3GAN's rules: no normalisation, bilinear upsampling and convolution, no tanh, small last layers.

    Blocks from 4 x 4 to the image's side, of half as many channels each; the finest has half of `width`. A block adds
    to its input a convolution of it, scaled and shifted by noise and labels, by a 1x1 convolution that is 0 at first.

    Returns:
        A model of [noise [B, Z], encoded labels [B, C]] to images [B, S, S, channels], mostly in [-1, 1].
    """
    own = dcgan.shape(config, graph)
    initializer, sizes = dcgan.Seeds(own["seed"]), dcgan.blocks(own["image_size"]) + 1
    noise, encoded = keras.Input([own["noise_size"]], name="noise"), keras.Input([own["labels"]], name="encoded_labels")
    causes = keras.layers.Concatenate()([noise, encoded])
    widths = [max(1, own["width"] * 2**k // 2) for k in reversed(range(sizes))]
    x = keras.layers.Dense(16 * widths[0], kernel_initializer=initializer())(causes)
    x = keras.layers.Reshape([4, 4, widths[0]])(x)
    for level, width in enumerate(widths):
        if level:
            x = keras.layers.Conv2D(width, 1, use_bias=False, kernel_initializer=initializer())(x)
            x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
        y = Conv2D(width, 3, padding="same", kernel_initializer=initializer())(x)
        scale, shift = (
            keras.layers.Reshape([1, 1, width])(keras.layers.Dense(width, kernel_initializer=initializer())(causes))
            for _ in range(2)
        )
        y = keras.layers.LeakyReLU(dcgan.SLOPE)(y * (1.0 + scale) + shift)
        x = x + keras.layers.Conv2D(width, 1, kernel_initializer="zeros")(y)
    small = keras.initializers.VarianceScaling(SMALL**2, "fan_avg", "uniform", seed=own["seed"])
    image = Conv2D(own["channels"], 3, padding="same", kernel_initializer=small, dtype=dcgan.OUTPUT, name="image")
    return keras.Model([noise, encoded], image(x), name="generator")


def build(
    learner: Callable[..., CausalGAN],
    config: RunConfig,
    graph: CausalGraph,
    sampler: LabelSampler,
    codec: LabelCodec,
    plain: bool = False,
) -> CausalGAN:
    """A variant of the configured shape and optimisation, untrained.

    Args:
        learner: makes one of this module's from CausalGAN's arguments.
        config: shape and optimisation.
        graph: of the labels.
        sampler: draws labels.
        codec: the labels' types, with the cells of the data.
        plain: whether its generator is `plain_generator`.
    """
    networks = builders.causal_gan_networks(config, graph, codec)
    if plain:
        networks |= {name: plain_generator(config, graph) for name in ("generator", "averaged")}
    if getattr(learner, "func", learner) is Patched:
        networks["discriminator"] = with_patch_head(networks["discriminator"], config.seed + 5)
    found = learner(**networks, sample_labels=sampler, seed=config.seed, codec=codec)
    found.compile(config.image, config.gan)
    return found


def build_patched(patches: Patches, *arguments: Any) -> Patched:
    """`Patched`; `arguments` are those of `build` from `config` on."""
    return build(functools.partial(Patched, patches=patches), *arguments)


def build_mixed_label_fed(
    patches: Patches | None, config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec
) -> MixedLabelFed:
    """`MixedLabelFed`, with a patch head or without; the other arguments as of `build`."""
    networks = builders.causal_gan_networks(config, graph, codec)
    discriminator = baselines.projection(config, len(graph))
    if patches:
        discriminator = with_patch_head(discriminator, config.seed + 5)
    players = networks["generator"], networks["averaged"], discriminator
    learner = MixedLabelFed(*players, sampler, config.seed, codec, patches=patches)
    learner.compile(config.image, config.gan)
    return learner
