"""CausalBEGAN's networks: a generator, and an autoencoder for a discriminator.

Sources: BEGAN, arXiv:1703.10717, section 3.3; CausalBEGAN, arXiv:1709.02023. 3x3 convolutions, two of them a
resolution, of the encoder's the second with stride 2; exponential linear units, no normalisation. The labeler is
dcgan.trunk, with weights of its own: a head on the autoencoder's code would set the two margins against each other,
for the discriminator has to spoil the code of a generated image while the labeler has to read it.
"""

import keras

from causalgan_tf.config.run import RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks.convolution import Conv2D
from causalgan_tf.networks.dcgan import OUTPUT, Seeds, shape

COARSEST = 8  # side at which decoders start and encoders end, pixels
KERNEL = 3


def resolutions(image_size: int) -> int:
    """How many resolutions there are from COARSEST to `image_size` pixels, both included."""
    return image_size.bit_length() - COARSEST.bit_length() + 1


def build_generator(config: RunConfig, graph: CausalGraph) -> keras.Model:
    """An untrained generator of the configured shape, for the labels of a graph."""
    return generator(**shape(config, graph))


def generator(
    labels: int,
    noise_size: int,
    image_size: int,
    channels: int = 3,
    width: int = 32,
    seed: int = 0,
) -> keras.Model:
    """G(z, l): an image from noise and encoded labels.

    Args:
        labels: K, number of label columns.
        noise_size: numbers of the image's exogenous noise.
        image_size: side of the image, pixels, a power of two from 16 on.
        channels: colour channels.
        width: channels n of every convolution.
        seed: seed of the initial weights.

    Returns:
        A functional model of [noise [B, noise_size], encoded labels [B, K]] to images [B, S, S, channels], which learn
        to lie in [-1, 1] and are not bounded.
    """
    noise, encoded = keras.Input([noise_size], name="noise"), keras.Input([labels], name="encoded_labels")
    causes = keras.layers.Concatenate()([noise, encoded])
    image = _decode(causes, image_size, channels, width, "image", Seeds(seed))
    return keras.Model([noise, encoded], image, name="generator")


def autoencoder(image_size: int, channels: int = 3, width: int = 32, code_size: int = 64, seed: int = 0) -> keras.Model:
    """D(x): images [B, S, S, channels] to their reconstructions, of the same shape.

    Args:
        image_size: side of the image, pixels, a power of two from 16 on.
        channels: colour channels.
        width: channels n of the decoder; the encoder's are n, 2 n, 3 n, ... from the image inwards.
        code_size: numbers of the code.
        seed: seed of the initial weights.
    """
    seeds = Seeds(seed)
    image = keras.Input([image_size, image_size, channels], name="image")
    code = _encode(image, image_size, width, code_size, seeds)
    rebuilt = _decode(code, image_size, channels, width, "reconstruction", seeds)
    return keras.Model(image, rebuilt, name="discriminator")


def _encode(x: keras.KerasTensor, image_size: int, width: int, code_size: int, seeds: Seeds) -> keras.KerasTensor:
    # the last resolution keeps its size: the code is read off it
    x, coarsest = _convolution(width, seeds)(x), resolutions(image_size)
    for k in range(1, coarsest + 1):
        x = _convolution(k * width, seeds)(x)
        x = _convolution(k * width, seeds, stride=2 if k < coarsest else 1)(x)
    return keras.layers.Dense(code_size, kernel_initializer=seeds(), name="code")(keras.layers.Flatten()(x))


def _decode(
    code: keras.KerasTensor, image_size: int, channels: int, width: int, name: str, seeds: Seeds
) -> keras.KerasTensor:
    x = keras.layers.Dense(COARSEST**2 * width, kernel_initializer=seeds())(code)
    x = keras.layers.Reshape([COARSEST, COARSEST, width])(x)
    for k in range(resolutions(image_size)):
        if k:
            x = keras.layers.UpSampling2D(interpolation="nearest")(x)
        for _ in range(2):
            x = _convolution(width, seeds)(x)
    last = keras.layers.Conv2D(channels, KERNEL, padding="same", kernel_initializer=seeds(), dtype=OUTPUT, name=name)
    return last(x)


def _convolution(filters: int, seeds: Seeds, stride: int = 1) -> keras.layers.Layer:
    return Conv2D(filters, KERNEL, stride, "same", activation="elu", kernel_initializer=seeds())
