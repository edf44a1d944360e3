"""CausalBEGAN's networks: a generator, and an autoencoder for a discriminator.

There are two shapes. `full` is the papers' (BEGAN, arXiv:1703.10717, section 3.3; CausalBEGAN, arXiv:1709.02023): 3x3
convolutions, two of them a resolution, of the encoder's the second with stride 2; exponential linear units, no
normalisation. `strided` takes CausalGAN's generator and an autoencoder of one stride-2 convolution a resolution. The
labeler is dcgan.trunk, with weights of its own: a head on the autoencoder's code would set the two margins against each
other, for the discriminator has to spoil the code of a generated image while the labeler has to read it.
"""

import keras

from causalgan_tf.config.run import RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import dcgan
from causalgan_tf.networks.convolution import Conv2D, Conv2DTranspose
from causalgan_tf.networks.dcgan import OUTPUT, Seeds

COARSEST = 8  # side at which decoders start and encoders end, pixels
KERNEL = 3


def resolutions(image_size: int) -> int:
    """How many resolutions there are from COARSEST to `image_size` pixels, both included."""
    return image_size.bit_length() - COARSEST.bit_length() + 1


def build_generator(config: RunConfig, graph: CausalGraph) -> keras.Model:
    """An untrained generator of the configured shape, for the labels of a graph."""
    shape = dcgan.shape(config, graph)
    if config.began.networks == "full":
        return generator(**shape)
    return dcgan.generator(**shape, kernel=config.image.kernel, modulation=True)


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


def autoencoder(
    image_size: int,
    channels: int = 3,
    width: int = 32,
    code_size: int = 64,
    labels: int = 0,
    kernel: int = 0,
    seed: int = 0,
) -> keras.Model:
    """D(x), or D(x, l): images, with their labels if it is fed with them, to their reconstructions.

    Args:
        image_size: side of the image, pixels, a power of two from 16 on.
        channels: colour channels.
        width: channels n of the finest convolutions. Full: the decoder's are all n, the encoder's n, 2 n, 3 n, ... from
            the image inwards. Strided: they double from block to block.
        code_size: numbers of the code.
        labels: C, label columns that enter with the features before the code and with the code; 0: none, D(x).
        kernel: side of the stride-2 convolutions, pixels; 0: the full shape.
        seed: seed of the initial weights.

    Returns:
        A functional model of images [B, S, S, channels], or of [those, encoded labels [B, C]], to images of that shape.
    """
    seeds = Seeds(seed)
    image, encoded = keras.Input([image_size, image_size, channels], name="image"), keras.Input([labels])

    def with_labels(x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.Concatenate()([x, encoded]) if labels else x

    if kernel:
        features = dcgan.halved(image, width, dcgan.blocks(image_size), kernel, seeds)
    else:
        features = _features(image, width, seeds)
    features = with_labels(keras.layers.Flatten()(features))
    code = with_labels(keras.layers.Dense(code_size, kernel_initializer=seeds(), name="code")(features))
    name = "reconstruction"
    if kernel:
        rebuilt = _strided_decode(code, image_size, channels, width, kernel, name, seeds)
    else:
        rebuilt = _decode(code, image_size, channels, width, name, seeds)
    return keras.Model([image, encoded] if labels else image, rebuilt, name="discriminator")


def _strided_decode(
    code: keras.KerasTensor, image_size: int, channels: int, width: int, kernel: int, name: str, seeds: Seeds
) -> keras.KerasTensor:
    activated = keras.layers.LeakyReLU(dcgan.SLOPE)
    x = dcgan.convolved(code, width, dcgan.blocks(image_size), kernel, activated, seeds, use_bias=True)
    return Conv2DTranspose(channels, kernel, 2, "same", kernel_initializer=seeds(), dtype=OUTPUT, name=name)(x)


def _features(x: keras.KerasTensor, width: int, seeds: Seeds) -> keras.KerasTensor:
    # the last resolution keeps its size: the code is read off it
    coarsest = resolutions(x.shape[1])
    x = _convolution(width, seeds)(x)
    for k in range(1, coarsest + 1):
        x = _convolution(k * width, seeds)(x)
        x = _convolution(k * width, seeds, stride=2 if k < coarsest else 1)(x)
    return x


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
