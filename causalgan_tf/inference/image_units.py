"""What given images would have looked like under do: the image's noise is inferred, then the image drawn anew.

Abduction: the noise with which the generator comes nearest to the image, found from an encoder's guess by gradient
steps, and the residual that no noise explains. Prediction: the image of the labels under do with the same noise, plus
the same residual. An image whose labels do not change is given back as it came.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.errors import InputError
from causalgan_tf.inference.image_sampler import ImageSampler
from causalgan_tf.networks.encoder import split

BATCH = 64  # images whose noise is inferred at once
STEPS, RATE = 200, 0.05
INSIDE = 0.97  # where the encoder's guess is cut: at 1 no step would move it


class ImageUnits:
    """Infers the noise of images.

    >>> units = ImageUnits(faces.images, faces.images.untrained_encoder())
    >>> drawn = faces.sample(2, seed=3)
    >>> labels = drawn.labels.to_numpy(np.float32)
    >>> again = units.counterfactual(drawn.images, labels, labels, steps=1)
    >>> bool((again == drawn.images).all())
    True
    """

    def __init__(self, images: ImageSampler, encoder: keras.Model) -> None:
        """Wraps a trained generator and its encoder."""
        self.images, self.encoder = images, encoder
        labels, shape = len(images.codec.variables), images.shape
        pixels, rows = tf.TensorSpec([None, *shape], tf.float32), tf.TensorSpec([None, labels], tf.float32)
        first = tf.TensorSpec([None, images.noise_size], tf.float32)
        signature = [pixels, rows, first, tf.TensorSpec([], tf.int32)]
        self._search = tf.function(self._descend, input_signature=signature, autograph=False)

    def read(self, images: np.ndarray) -> np.ndarray:
        """The labels [n, K] that the encoder reads off images uint8 [n, S, S, C]."""
        said = [
            self.images.codec.read(split(self.encoder(part), self.images.noise_size).labels) for part in _parts(images)
        ]
        return np.concatenate([part.numpy() for part in said])

    def counterfactual(
        self, images: np.ndarray, labels: np.ndarray, under: np.ndarray, steps: int = STEPS
    ) -> np.ndarray:
        """The images under other labels, uint8 [n, S, S, C].

        Args:
            images: uint8 [n, S, S, C].
            labels: [n, K], their labels.
            under: [n, K], their labels under do.
            steps: of the search for their noise.
        """
        found = np.array(images)
        moved = np.flatnonzero((np.asarray(labels) != np.asarray(under)).any(1))
        for first in range(0, len(moved), BATCH):
            rows = moved[first : first + BATCH]
            before, after = (tf.constant(part[rows], tf.float32) for part in (labels, under))
            target = _scaled(images[rows])
            z = self._search(target, before, self._guess(target), tf.constant(steps))
            # what no noise explains stays: it is noise of the image too
            drawn = self.images.pixels(z, after) + target - self.images.pixels(z, before)
            found[rows] = _eight_bits(drawn)
        return found

    def redrawn(self, images: np.ndarray, labels: np.ndarray, steps: int = STEPS) -> np.ndarray:
        """The images drawn anew from their labels [n, K] and the noise that was found, without what it leaves over."""
        found = []
        for first in range(0, len(images), BATCH):
            target = _scaled(images[first : first + BATCH])
            rows = tf.constant(labels[first : first + BATCH], tf.float32)
            drawn = self.images.pixels(self._search(target, rows, self._guess(target), tf.constant(steps)), rows)
            found.append(_eight_bits(drawn))
        return np.concatenate(found)

    def _guess(self, target: tf.Tensor) -> tf.Tensor:
        return split(self.encoder(target), self.images.noise_size).noise

    def _descend(self, target: tf.Tensor, labels: tf.Tensor, first: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """The noise [B, Z] with which the generator comes near to images, by Adam's steps from a first guess."""
        w = tf.atanh(tf.clip_by_value(first, -INSIDE, INSIDE))

        def step(number: tf.Tensor, w: tf.Tensor, mean: tf.Tensor, square: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with tf.GradientTape() as tape:
                tape.watch(w)
                # a sum over images: each has a search of its own
                error = tf.reduce_sum(
                    tf.reduce_mean(tf.square(self.images.pixels(tf.tanh(w), labels) - target), [1, 2, 3])
                )
            gradient = tape.gradient(error, w)
            mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * tf.square(gradient)
            t = tf.cast(number + 1, tf.float32)
            rate = RATE * 0.5 * (1.0 + tf.cos(np.pi * t / tf.cast(steps, tf.float32))) + 1e-3
            w -= rate * (mean / (1.0 - 0.9**t)) / (tf.sqrt(square / (1.0 - 0.99**t)) + 1e-8)
            return number + 1, w, mean, square

        start = tf.zeros_like(steps), w, tf.zeros_like(w), tf.zeros_like(w)
        _, w, _, _ = tf.while_loop(lambda number, *_: number < steps, step, start)
        return tf.tanh(w)


def given_images(images: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Images as they are given, checked; InputError for another type, shape or number than those of the model.

    >>> given_images(np.zeros([2, 8, 8, 1], np.uint8), (8, 8, 1)).shape
    (2, 8, 8, 1)
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != tuple(shape) or not len(images):
        raise InputError(
            f"counterfactual: expected images uint8 [n, {', '.join(map(str, shape))}], at least one; got "
            f"{images.dtype} {list(images.shape)}."
        )
    return images


def _scaled(images: np.ndarray) -> tf.Tensor:
    return tf.constant(images, tf.float32) / 127.5 - 1.0


def _eight_bits(pixels: tf.Tensor) -> np.ndarray:
    return np.round(127.5 * (np.clip(pixels.numpy(), -1.0, 1.0) + 1.0)).astype(np.uint8)


def _parts(images: np.ndarray) -> list[tf.Tensor]:
    return [_scaled(images[first : first + BATCH]) for first in range(0, len(images), BATCH)]
