"""The encoder of images: what noise and which labels an image was drawn from."""

from typing import NamedTuple

import keras
import tensorflow as tf

from causalgan_tf.networks import dcgan

WIDTH = 32  # channels of its finest block


class Encoded(NamedTuple):
    """What an encoder says of images: noise [B, Z] in (-1, 1), and outputs [B, C] as a labeler's, see LabelCodec.

    >>> network = encoder(noise_size=4, columns=2, image_size=16, channels=3)
    >>> said = split(network(tf.zeros([5, 16, 16, 3])), noise_size=4)
    >>> said.noise.shape, said.labels.shape
    (TensorShape([5, 4]), TensorShape([5, 2]))
    """

    noise: tf.Tensor
    labels: tf.Tensor


def encoder(noise_size: int, columns: int, image_size: int, channels: int, seed: int = 0) -> keras.Model:
    """A functional model of images [B, S, S, channels] in [-1, 1] to numbers [B, Z + C], see `split`."""
    outputs = noise_size + columns
    return dcgan.trunk(outputs, image_size, channels, WIDTH, norm="none", name="encoder", seed=seed)


def split(outputs: tf.Tensor, noise_size: int) -> Encoded:
    """Noise and labels of an encoder's outputs."""
    return Encoded(tf.tanh(outputs[:, :noise_size]), outputs[:, noise_size:])
