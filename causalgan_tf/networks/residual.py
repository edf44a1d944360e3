"""CausalGAN's networks of residual blocks, for images of many pixels.

A block adds to its input what a 1x1, a grouped 3x3 and another 1x1 convolution make of it (arXiv:2501.05441). Groups
of 16 channels cost a processor less than the stride-2 convolutions of a DCGAN from 64 channels on, and the path around
the blocks lets a deep network begin as a shallow one: the last convolution of a block begins at 0. Blocks begin at half
the side of the image, for at its full side they would take most of the time.
"""

import keras

from causalgan_tf.networks.convolution import Conv2D, Conv2DTranspose
from causalgan_tf.networks.dcgan import OUTPUT, SLOPE, BatchDeviation, Seeds, activation, blocks

GROUP = 16  # channels that a 3x3 convolution joins, or a few more where 16 do not divide them


def generator(
    labels: int,
    noise_size: int,
    image_size: int,
    channels: int = 3,
    width: int = 32,
    kernel: int = 4,
    modulation: bool = False,
    seed: int = 0,
) -> keras.Model:
    """G(z, l) of residual blocks; arguments and model are those of `dcgan.generator`.

    >>> generator(labels=2, noise_size=3, image_size=16, width=4).output_shape
    (None, 16, 16, 3)
    """
    initializer, n = Seeds(seed), blocks(image_size)
    noise, encoded = keras.Input([noise_size], name="noise"), keras.Input([labels], name="encoded_labels")
    causes = keras.layers.Concatenate()([noise, encoded])
    activated = activation(causes, initializer, modulation)

    deepest = width * 2 ** (n - 1)
    x = keras.layers.Dense(16 * deepest, kernel_initializer=initializer())(causes)
    x = keras.layers.Reshape([4, 4, deepest])(x)
    for k in reversed(range(n)):
        h = activated(_pointwise(width * 2**k, initializer())(x))
        x = x + _inner(keras.layers.ReLU(), h, initializer)
        if k:
            # fewer channels first: both steps commute, and so the convolution sees a quarter of the pixels
            x = keras.layers.UpSampling2D()(_pointwise(width * 2 ** (k - 1), initializer())(x))
    last = initializer()
    image = Conv2DTranspose(
        channels, kernel, 2, "same", activation="tanh", kernel_initializer=last, dtype=OUTPUT, name="image"
    )
    return keras.Model([noise, encoded], image(activated(x)), name="generator")


def trunk(
    outputs: int,
    image_size: int,
    channels: int = 3,
    width: int = 32,
    kernel: int = 4,
    norm: str = "none",
    minibatch: str = "none",
    name: str = "discriminator",
    seed: int = 0,
) -> keras.Model:
    """A discriminator of residual blocks without normalisation; arguments and model are those of `dcgan.trunk`.

    Raises:
        ValueError: for a norm, or for minibatch features.

    >>> trunk(1, image_size=16, width=4).output_shape
    (None, 1)
    """
    if norm != "none" or minibatch == "features":
        raise ValueError(f"residual.trunk: expected norm none, minibatch std or none; got {norm}, {minibatch}.")
    initializer, n = Seeds(seed), blocks(image_size)
    image = keras.Input([image_size, image_size, channels], name="image")
    x = Conv2D(width, kernel, 2, "same", kernel_initializer=initializer())(image)
    for k in range(n):
        if k:
            x = _pointwise(width * 2**k, initializer())(keras.layers.AveragePooling2D(2)(x))
        h = keras.layers.LeakyReLU(SLOPE)(_pointwise(width * 2**k, initializer())(x))
        x = x + _inner(keras.layers.LeakyReLU(SLOPE), h, initializer)
    x = keras.layers.LeakyReLU(SLOPE)(x)
    x = BatchDeviation(dtype=OUTPUT)(x) if minibatch == "std" else x
    logits = keras.layers.Dense(outputs, kernel_initializer=initializer(), dtype=OUTPUT, name="logits")
    return keras.Model(image, logits(keras.layers.Flatten()(x)), name=name)


def _pointwise(channels: int, initializer: keras.Initializer | str) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(channels, 1, kernel_initializer=initializer)


def _inner(activation: keras.Layer, h: keras.KerasTensor, initializer: Seeds) -> keras.KerasTensor:
    """What a block adds: the grouped 3x3 convolution of h [B, S, S, C] and the last 1x1, which begins at 0."""
    count = h.shape[-1]
    groups = next(number for number in range(max(count // GROUP, 1), 0, -1) if count % number == 0)
    grouped = Conv2D(count, 3, padding="same", groups=groups, kernel_initializer=initializer())
    return _pointwise(count, "zeros")(activation(grouped(h)))
