"""CausalGAN's training: an image given its labels (arXiv:1709.02023, section 5)."""

import functools

import keras
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.config.image import GanConfig, ImageConfig
from causalgan_tf.learners.additivity import Additivity
from causalgan_tf.learners.augmentation import NUMBERS, augment
from causalgan_tf.learners.half_precision import in_float32
from causalgan_tf.learners.image_learner import (
    Fakes,
    ImageLearner,
    LabelSampler,
    r1_penalty,
)
from causalgan_tf.networks.dcgan import hears_batch, rows_of_replicas
from causalgan_tf.networks.label_codec import LabelCodec


class CausalGAN(ImageLearner):
    """Generator against discriminator, helped by the labeler and hindered by the anti-labeler.

    With `updates="shared"` one forward pass of the generated images serves the updates of all networks. The gradients
    are those of the plain losses, but no backward pass is made twice: the generator's goes through its images, and
    where its loss holds a multiple of another network's, so does its gradient in the images. With `in_turn` the
    generator plays against the updated networks, as in the authors' program.

    >>> from causalgan_tf.networks import dcgan
    >>> generator, averaged = (dcgan.generator(1, 2, image_size=16, width=1) for _ in range(2))
    >>> judges = [dcgan.trunk(1, image_size=16, width=1) for _ in range(3)]
    >>> for network in judges:
    ...     network.set_weights([0.0 * weight for weight in network.get_weights()])
    >>> learner = CausalGAN(generator, averaged, *judges, sample_labels=lambda seeds: tf.zeros([len(seeds), 1]))
    >>> learner.compile(ImageConfig(batch_size=4, discriminator_labels=False), GanConfig(gan_loss="hinge"))
    >>> images, labels = tf.zeros([4, 16, 16, 3]), tf.zeros([4, 1])
    >>> rows = {"image": images, "labels": labels, "labeler_image": images, "labeler_labels": labels}
    >>> logs = learner.train_step(rows)  # the losses of logits 0 are 1 + 1 and ln 2
    >>> [round(float(logs[f"{name}_loss"]), 3) for name in ("discriminator", "labeler", "anti_labeler")]
    [2.0, 0.693, 0.693]
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
        codec: LabelCodec | None = None,
    ) -> None:
        """Joins the networks.

        Args:
            generator: G(z, l), networks.dcgan.generator.
            averaged: another of the same shape, which keeps the running average of G's weights.
            discriminator: D(x), or D(x, l) by `ImageConfig.discriminator_labels`; one logit.
            labeler: LR(x), C outputs, one a label column, trained on real images.
            anti_labeler: LG(x), C outputs, trained on generated images.
            sample_labels: draws labels [B, K] from row seeds; the causal controller's distribution.
            rebuilder: DZ(x), rebuilds the noise from the generated image; None: none.
            seed: seed of the noise.
            codec: of the labels' types; None: all are binary.
        """
        players = {"generator": generator, "discriminator": discriminator}
        players |= {"labeler": labeler, "anti_labeler": anti_labeler}
        players |= {"rebuilder": rebuilder} if rebuilder else {}
        super().__init__(players, averaged, sample_labels, seed, codec)
        self.generator, self.discriminator = generator, discriminator
        self.labeler, self.anti_labeler, self.rebuilder = labeler, anti_labeler, rebuilder
        self.opponents = [name for name in players if name != "generator"]
        self.hears_batch = hears_batch(discriminator)

    def compile(self, config: ImageConfig, gan: GanConfig) -> None:
        """Sets rows and optimisation by `config`, losses by `gan`."""
        super().compile(config, generator_steps=gan.generator_steps)
        self.gan_loss, self.labeler_weight = gan.gan_loss, gan.labeler_weight
        self.anti_labeler_weight, self.anti_labeler_decay = gan.anti_labeler_weight, gan.anti_labeler_decay
        self.reconstruction_weight = gan.noise_reconstruction
        self.augmentations = () if gan.augment == "none" else tuple(gan.augment.split(","))
        self.r1_weight, self.r1_every = gan.r1_weight, gan.r1_every
        # squares of small slopes: what 16 bits leave of them is mostly rounding
        self.wide = in_float32(self.discriminator) if gan.r1_weight and config.precision != "float32" else None
        self.additivity = None
        if gan.additivity and self.codec.cells:
            self.additivity = Additivity(self.codec, gan.additivity, gan.sums == "relative")

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of D, LR and LG and `generator_steps` of G; see the paper's figure of CausalGAN.

        Args:
            data: this replica's real rows: `image` [B, S, S, C] in [-1, 1] and `labels` [B, K] for the discriminator;
                `labeler_image` and `labeler_labels` for the labeler, whose rows may be drawn by another distribution.
        """
        # a copy: the update of D moves the count
        step = tf.identity(self.step)
        c = self.anti_labeler_share(step)
        for extra in range(1, self.generator_steps):
            self._generator_update(self.generate(step, extra), step, extra, c)
        fakes = self.generate(step, 0)
        terms, lr_fake = (self._in_turn if self.in_turn else self._shared)(data, fakes, step, c)
        self.average()
        shown = {"label_agreement": self.codec.agreement(lr_fake, fakes.labels), "c": c}
        return {f"{name}_loss": loss for name, loss in terms.items()} | shown

    def anti_labeler_share(self, step: tf.Tensor) -> tf.Tensor:
        """c, the weight of the anti-labeler's term in G's loss: falls as exp(-step / decay)."""
        if not self.anti_labeler_decay:
            return tf.constant(self.anti_labeler_weight)
        return self.anti_labeler_weight * tf.exp(-tf.cast(step, tf.float32) / self.anti_labeler_decay)

    def _shared(self, data: dict, fakes: Fakes, step: tf.Tensor, c: tf.Tensor) -> tuple[dict, tf.Tensor]:
        """One update of every network, from one forward pass; returns the losses and the labeler's logits of fakes."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fakes.images)
            seen = self._outputs(fakes, step, 0, self.opponents)
            terms = self._opponents_losses(data, fakes, step, seen)
            own = self._own_loss(fakes, seen)
        gradients, towards = {}, self.gradient(tape, own, fakes.images)
        terms["generator"], common = own, self._shared_terms(c)
        for name in self.opponents:
            if name in common:
                gradients[name], image = self.gradients_of_weights_and_input(
                    tape, terms[name], self.players[name], fakes.images
                )
                terms["generator"] += common[name] * terms[name]
                towards += common[name] * image
            else:
                gradients[name] = self.gradient(tape, terms[name], self.players[name].trainable_variables)
        self.update(gradients | {"generator": self.backprop_through_generator(fakes, towards)})
        return terms, seen["labeler"]

    def _in_turn(self, data: dict, fakes: Fakes, step: tf.Tensor, c: tf.Tensor) -> tuple[dict, tf.Tensor]:
        """One update of D, LR and LG, then one of G against the updated networks; returns what `_shared` returns."""
        images = fakes._replace(images=tf.stop_gradient(fakes.images))
        with tf.GradientTape(persistent=True) as tape:
            seen = self._outputs(images, step, 0, [name for name in self.opponents if name != "labeler"])
            terms = self._opponents_losses(data, images, step, seen)
        self.update(
            {name: self.gradient(tape, terms[name], self.players[name].trainable_variables) for name in self.opponents}
        )
        terms["generator"], lr_fake = self._generator_update(fakes, step, 0, c)
        return terms, lr_fake

    def _generator_update(
        self, fakes: Fakes, step: tf.Tensor, update: int, c: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """An update of G alone, the other networks standing still; returns its loss and the labeler's logits."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fakes.images)
            seen = self._outputs(fakes, step, update, self.opponents)
            loss = self._own_loss(fakes, seen)
            for name, weight in self._shared_terms(c).items():
                loss += weight * self._fake_loss(name, fakes, seen)
        self.update({"generator": self.backprop_through_generator(fakes, self.gradient(tape, loss, fakes.images))})
        return loss, seen["labeler"]

    def _outputs(self, fakes: Fakes, step: tf.Tensor, update: int, names: list[str]) -> dict[str, tf.Tensor]:
        """What the named networks say of generated images, each by its own view of them."""
        noisy = self.add_noise(fakes.images, step, update)
        views = {
            "discriminator": self._augmented(fakes.images, step, update),
            "labeler": noisy,
            "anti_labeler": noisy,
            "rebuilder": fakes.images,
        }
        own = {name: self.players[name](views[name], training=True) for name in names if name != "discriminator"}
        if "discriminator" in names:
            shown = views["discriminator"], fakes.labels
            if self.hears_batch:
                shown = replace_unseen(fakes.weights, *shown)
            own["discriminator"] = self.judged(*shown)
        return own

    def judged(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The discriminator's logits [B, 1] of images with their labels [B, K]."""
        return self.discriminator(self.discriminator_inputs(images, labels), training=True)

    def _opponents_losses(
        self, data: dict[str, tf.Tensor], fakes: Fakes, step: tf.Tensor, seen: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Losses of every network but the generator, by name."""
        real = self._augmented(data["image"], step, -1)
        lr_real = self.labeler(self.add_noise(data["labeler_image"], step, -1), training=True)
        terms = {
            "discriminator": self.discriminator_loss(real, data["labels"], fakes, seen),
            "labeler": self.labeler_loss(data["labeler_labels"], lr_real),
        }
        return terms | {name: self._fake_loss(name, fakes, seen) for name in self.opponents if name not in terms}

    def discriminator_loss(
        self, real: tf.Tensor, labels: tf.Tensor, fakes: Fakes, seen: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """D's loss with its penalty.

        Args:
            real: images [B, S, S, C] as D sees them.
            labels: their labels [B, K].
            fakes: generated rows.
            seen: what `_outputs` returns of them.
        """
        loss = losses.discriminator(self.judged(real, labels), seen["discriminator"], self.gan_loss, fakes.weights)
        if not self.r1_weight:
            return loss
        some = labels[:: self.r1_every]

        def logits_of(x: tf.Tensor) -> tf.Tensor:
            return self.wide(self.discriminator_inputs(x, some)) if self.wide else self.judged(x, some)

        return loss + self.r1_weight * r1_penalty(logits_of, real[:: self.r1_every])

    def generator_term(self, fakes: Fakes, seen: dict[str, tf.Tensor]) -> tf.Tensor:
        """What the discriminator adds to the generator's loss; `seen`: what `_outputs` returns."""
        return losses.generator(seen["discriminator"], self.gan_loss, fakes.weights)

    def label_loss(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """CE(l, outputs) in every label term, of labels [B, K] and what a labeler says of images [B, C]."""
        return self.codec.cross_entropy(labels, outputs)

    def labeler_loss(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The labeler's loss on real rows, of their labels [B, K] and its outputs [B, C]."""
        return self.label_loss(labels, outputs)

    def _augmented(self, images: tf.Tensor, step: tf.Tensor, use: int) -> tf.Tensor:
        """Images [B, S, S, C] as the discriminator sees them; `use` tells the draws of a step apart."""
        if not self.augmentations:
            return images
        # blur draws from the same seed
        seed = tf.random.experimental.stateless_fold_in(self._seed(step, use), 1)
        chance = self._replica_rows(tf.random.stateless_uniform([self.batch_size, NUMBERS], seed))
        return augment(images, chance, self.augmentations)

    def _fake_loss(self, name: str, fakes: Fakes, seen: dict[str, tf.Tensor]) -> tf.Tensor:
        """The loss of a network that is trained on generated rows alone."""
        if name == "rebuilder":
            return losses.noise_reconstruction(fakes.noise, seen[name])
        return self.label_loss(fakes.labels, seen[name])

    def _own_loss(self, fakes: Fakes, seen: dict[str, tf.Tensor]) -> tf.Tensor:
        """GAN term + CE(l, LR(G)) + additivity: the generator's loss without what `_shared_terms` says."""
        pleased = self.label_loss(fakes.labels, seen["labeler"])
        loss = self.generator_term(fakes, seen) + self.labeler_weight * pleased
        if self.additivity:
            read = functools.partial(self.labeler, training=False)
            loss += self.additivity.loss(fakes.labels, fakes.noise, fakes.images, self.averaged_images, read)
        return loss

    def _shared_terms(self, c: tf.Tensor) -> dict[str, tf.Tensor | float]:
        """Coefficient with which another network's loss enters the generator's, by name: -c CE(l, LG(G)) is one."""
        rebuilt = {"rebuilder": self.reconstruction_weight} if self.rebuilder else {}
        return rebuilt | {"anti_labeler": -c}


def replace_unseen(weights: tf.Tensor | float, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Rows of a batch with others of the same batch in place of those that have no weight.

    What a discriminator says of a row may depend on the whole batch (its deviation, minibatch features, batch norm).
    There too rows of cells without data must not be heard: they make generated batches unlike real ones, and the
    discriminator would wipe out of these images what their labels ask for.

    Args:
        weights: [B, 1], see `ImageLearner.weights`; a number: of all rows.
        parts: tensors [B, ...] of the same rows.

    Returns:
        The parts: a row with weight in its place; rows without weight are, in turn, the rows that have one, of any
        replica, whose weights of 0 keep them out of the sums. If no row has a weight, the first row everywhere.

    >>> replace_unseen(tf.constant([[0.0], [2.0], [0.0], [2.0]]), tf.constant([10, 11, 12, 13]))[0].numpy().tolist()
    [11, 11, 11, 13]
    """
    if isinstance(weights, float):
        return parts
    heard = rows_of_replicas(weights)[:, 0] > 0.0
    order = tf.argsort(tf.cast(~heard, tf.int32), stable=True)
    every = tf.range(tf.size(order))
    turn = every % tf.maximum(tf.reduce_sum(tf.cast(heard, tf.int32)), 1)
    rows = tf.where(heard, every, tf.gather(order, turn))
    own = tf.shape(weights)[0]
    rows = rows[own * tf.distribute.get_replica_context().replica_id_in_sync_group :][:own]
    found = [rows_of_replicas(part) for part in parts]
    # through a reshape: replicas add up gradients that are tensors, and that of a gather is slices
    return tuple(tf.gather(tf.reshape(part, tf.shape(part)), rows) for part in found)
