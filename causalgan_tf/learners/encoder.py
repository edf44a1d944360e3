"""Training of an image encoder on what a trained generator draws; no data are needed."""

from collections.abc import Callable

import keras
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.networks import encoder as networks
from causalgan_tf.networks.label_codec import LabelCodec

BLUR = 0.05  # deviation of noise on the pixels: a given image is not as clean as a drawn one
UNIFORM = 0.5  # share of rows whose labels are independent of each other: do asks for such images too


class EncoderLearner(keras.Model):
    """Learns which noise and labels images were drawn from.

    >>> from causalgan_tf.graphs.variables import Binary
    >>> network = networks.encoder(4, 1, 16, 3)
    >>> codec = LabelCodec([Binary()])
    >>> draws = (lambda z, labels: tf.zeros([8, 16, 16, 3])), (lambda seeds: tf.zeros([8, 1]))
    >>> learner = EncoderLearner(network, *draws, codec)
    >>> learner.compile(keras.optimizers.Adam(1e-3))
    >>> bool(learner.train_step(tf.constant(0, tf.int64))["loss"] > 0.0)
    True
    """

    def __init__(
        self,
        encoder: keras.Model,
        draw: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        sample_labels: Callable[[tf.Tensor], tf.Tensor],
        codec: LabelCodec,
        batch_size: int = 8,
        seed: int = 0,
    ) -> None:
        """Joins what it learns with.

        Args:
            encoder: see networks.encoder.
            draw: noise [B, Z] and labels [B, K] to images [B, S, S, C] in [-1, 1].
            sample_labels: row seeds int64 [B] to labels [B, K] of the controller's distribution.
            codec: of the labels.
            batch_size: B.
            seed: of everything that is drawn.
        """
        super().__init__()
        self.encoder, self.draw, self.sample_labels, self.codec = encoder, draw, sample_labels, codec
        self.batch_size, self.seed = batch_size, seed
        self.noise_size = encoder.outputs[0].shape[-1] - codec.columns

    def train_step(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step, a function of the seed and the step's number."""
        seeds = noise.training_seeds(self.seed, step * self.batch_size, self.batch_size)
        z = tf.transpose(noise.uniform(seeds, [noise.IMAGE], self.noise_size))
        labels = self._labels(seeds)
        blur = tf.random.stateless_normal(
            [self.batch_size, *self.encoder.inputs[0].shape[1:]], [self.seed, tf.cast(step, tf.int32)], 0.0, BLUR
        )
        images = self.draw(z, labels) + blur
        with tf.GradientTape() as tape:
            said = networks.split(self.encoder(images, training=True), self.noise_size)
            loss = tf.reduce_mean(tf.square(said.noise - z)) + self.codec.cross_entropy(labels, said.labels)
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.encoder.trainable_variables), self.encoder.trainable_variables, strict=True)
        )
        return {"loss": loss, "label_agreement": self.codec.agreement(said.labels, labels)}

    def _labels(self, seeds: tf.Tensor) -> tf.Tensor:
        """Labels [B, K], some of the rows' independent."""
        count = len(self.codec.variables)
        chance = tf.transpose(noise.uniform(seeds, [noise.MIXING], count + 1))
        return tf.where(
            chance[:, :1] < 2.0 * UNIFORM - 1.0, self.codec.random_labels(chance[:, 1:]), self.sample_labels(seeds)
        )
