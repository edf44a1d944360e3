"""CausalGAN's networks of residual blocks, for images of many pixels.

A block adds to its input what a 1x1, a grouped 3x3 and another 1x1 convolution make of it (arXiv:2501.05441). Groups
of 16 channels cost a processor less than the stride-2 convolutions of a DCGAN from 64 channels on, and the path around
the blocks lets a deep network begin as a shallow one: the last convolution of a block begins at 0. Blocks begin at half
the side of the image, for at its full side they would take most of the time.

A generator's path is normalised wherever its channels change. Behind batch norm a channel's mean has no effect and no
gradient, and around blocks such means add up: after 4,500 steps they were thirty deviations, which no moving average
holds closely enough, and images by the averaged generator had lost their colours.
"""

import keras

from causalgan_tf.networks.convolution import Conv2D
from causalgan_tf.networks.dcgan import SLOPE, Activation, Seeds, batch_norm

GROUP = 16  # channels that a 3x3 convolution joins, or a few more where 16 do not divide them


def grown(
    causes: keras.KerasTensor, width: int, n: int, kernel: int, activated: Activation, initializer: Seeds
) -> keras.KerasTensor:
    """A generator's feature maps [B, S / 2, S / 2, width] of causes [B, Z + K]; arguments as of `dcgan.convolved`.

    >>> from causalgan_tf.networks import dcgan
    >>> dcgan.generator(labels=2, noise_size=3, image_size=16, width=4, features=grown).output_shape
    (None, 16, 16, 3)
    """
    del kernel  # of the image's convolution alone
    deepest = width * 2 ** (n - 1)
    x = keras.layers.Dense(16 * deepest, kernel_initializer=initializer())(causes)
    x = keras.layers.Reshape([4, 4, deepest])(x)
    for k in reversed(range(n)):
        h = activated(_pointwise(width * 2**k, initializer())(x))
        x = x + _inner(keras.layers.ReLU(), h, initializer)
        if k:
            # fewer channels first: both steps commute, and so the convolution sees a quarter of the pixels
            x = keras.layers.UpSampling2D()(batch_norm(_pointwise(width * 2 ** (k - 1), initializer())(x)))
    return activated(x)


def shrunk(image: keras.KerasTensor, width: int, n: int, kernel: int, initializer: Seeds) -> keras.KerasTensor:
    """A discriminator's feature maps [B, 4, 4, width 2^(n-1)] of images [B, S, S, C], without normalisation.

    >>> from causalgan_tf.networks import dcgan
    >>> dcgan.trunk(1, image_size=16, width=4, norm="none", features=shrunk).output_shape
    (None, 1)
    """
    x = Conv2D(width, kernel, 2, "same", kernel_initializer=initializer())(image)
    for k in range(n):
        if k:
            x = _pointwise(width * 2**k, initializer())(keras.layers.AveragePooling2D(2)(x))
        h = keras.layers.LeakyReLU(SLOPE)(_pointwise(width * 2**k, initializer())(x))
        x = x + _inner(keras.layers.LeakyReLU(SLOPE), h, initializer)
    return keras.layers.LeakyReLU(SLOPE)(x)


def _pointwise(channels: int, initializer: keras.Initializer | str) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(channels, 1, kernel_initializer=initializer)


def _inner(activation: keras.Layer, h: keras.KerasTensor, initializer: Seeds) -> keras.KerasTensor:
    """What a block adds: the grouped 3x3 convolution of h [B, S, S, C] and the last 1x1, which begins at 0."""
    count = h.shape[-1]
    groups = next(number for number in range(max(count // GROUP, 1), 0, -1) if count % number == 0)
    grouped = Conv2D(count, 3, padding="same", groups=groups, kernel_initializer=initializer())
    return _pointwise(count, "zeros")(activation(grouped(h)))
