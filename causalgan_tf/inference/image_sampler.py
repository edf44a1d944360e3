"""Images of given labels from a trained generator."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from causalgan_tf import noise
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.networks.encoder import encoder
from causalgan_tf.networks.label_codec import LabelCodec

BATCH = 250  # images of one pass


class ImageSampler:
    """Draws images; an image is a function of its row's seed and labels alone.

    >>> images = faces.images.draw(np.zeros([3, 9]), np.array([7, 7, 8]))
    >>> images.shape, bool((images[0] == images[1]).all()), bool((images[1] == images[2]).all())
    ((3, 32, 32, 3), True, False)
    """

    def __init__(self, generator: keras.Model, label_encoding: str, variables: Sequence[Variable]) -> None:
        """Wraps a trained generator, the label encoding of its training and the kinds of its K labels.

        Args:
            generator: networks.dcgan's or networks.began's.
            label_encoding: `sign` or `logit`.
            variables: the kinds, in graph order.
        """
        self.generator, self.label_encoding, self.codec = generator, label_encoding, LabelCodec(variables)
        self.noise_size, self.columns = generator.inputs[0].shape[-1], generator.inputs[1].shape[-1]
        self.shape = generator.outputs[0].shape[1:]
        rows = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, len(variables)], tf.float32)]
        self._compiled = tf.function(self.__call__, input_signature=rows, autograph=False)

    def __call__(self, seeds: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Images of rows, in plain TensorFlow operations.

        Args:
            seeds: int64 [B].
            labels: float32 [B, K], one number a label; a binary one may lie between 0 and 1.

        Returns:
            uint8 [B, S, S, C].
        """
        z = tf.transpose(noise.uniform(seeds, [noise.IMAGE], self.noise_size))
        jitter = tf.transpose(noise.uniform(seeds, [noise.JITTER], self.columns))
        return self.of_noise(z, jitter, labels, self.generator)

    def of_noise(self, z: tf.Tensor, jitter: tf.Tensor, labels: tf.Tensor, generator: keras.Model) -> tf.Tensor:
        """Images uint8 [B, S, S, C] of noise [B, Z], jitter [B, columns] and labels [B, K], by a generator."""
        image = generator([z, self.codec.encode(labels, self.label_encoding, jitter)], training=False)
        return ops.cast(ops.round(127.5 * (ops.clip(image, -1.0, 1.0) + 1.0)), "uint8")

    def pixels(self, z: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Images [B, S, S, C] in [-1, 1] of noise [B, Z] in (-1, 1) and labels [B, K], without jitter."""
        encoded = self.codec.encode(labels, self.label_encoding, tf.zeros([tf.shape(z)[0], self.columns]))
        return self.generator([z, encoded], training=False)

    def untrained_encoder(self, seed: int = 0) -> keras.Model:
        """An encoder of such images, with random weights."""
        return encoder(self.noise_size, self.codec.columns, self.shape[0], self.shape[2], seed)

    def draw(self, labels: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """uint8 [n, S, S, C] images of label rows [n, K] with these row seeds int64 [n]."""
        images = np.empty([len(labels), *self.shape], np.uint8)
        for start in range(0, len(labels), BATCH):
            rows = slice(start, start + BATCH)
            images[rows] = self._compiled(tf.constant(seeds[rows]), tf.constant(labels[rows], tf.float32))
        return images
