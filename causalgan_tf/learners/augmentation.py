"""Differentiable augmentation: random changes of the images that the discriminator sees (arXiv:2006.10738).

Real and generated images are changed alike, and the generator's gradient runs through the change, so that the
discriminator cannot learn a small data set by heart and the generator does not learn the changes.
"""

import tensorflow as tf

NUMBERS = 7  # random numbers a row: brightness, saturation, contrast, two shifts, two places of the hole
SHIFT = 8  # a translation is by at most 1/SHIFT of a side
HOLE = 2  # a hole's side is 1/HOLE of the image's


def augment(images: tf.Tensor, chance: tf.Tensor, changes: tuple[str, ...]) -> tf.Tensor:
    """Changed images, each kind of change after the one before it.

    Args:
        images: [B, S, S, C].
        chance: [B, NUMBERS] uniform on [0, 1).
        changes: some of `brightness`: adds up to .5 either way; `saturation`: scales the distance to a pixel's grey by
            0 to 2; `contrast`: scales the distance to the image's mean by .5 to 1.5; `translation`: shifts by up to an
            eighth of a side, zeros come in; `cutout`: zeros in a square of half a side.

    Returns:
        [B, S, S, C].
    """
    for name in changes:
        images = _CHANGES[name](images, chance)
    return images


def _brightness(x: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    return x + chance[:, 0, None, None, None] - 0.5


def _saturation(x: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    grey = tf.reduce_mean(x, -1, keepdims=True)
    return grey + 2.0 * chance[:, 1, None, None, None] * (x - grey)


def _contrast(x: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    mean = tf.reduce_mean(x, [1, 2, 3], keepdims=True)
    return mean + (0.5 + chance[:, 2, None, None, None]) * (x - mean)


def _translation(x: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    side = x.shape[1]
    most = side // SHIFT
    padded = tf.pad(x, [[0, 0], [most, most], [most, most], [0, 0]])
    first = tf.cast(chance[:, 3:5] * (2 * most + 1), tf.int32)
    rows, columns = (first[:, axis, None] + tf.range(side) for axis in (0, 1))
    shifted = tf.gather(padded, rows, axis=1, batch_dims=1)
    return tf.transpose(tf.gather(tf.transpose(shifted, [0, 2, 1, 3]), columns, axis=1, batch_dims=1), [0, 2, 1, 3])


def _cutout(x: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    side = x.shape[1]
    # a hole's middle may lie anywhere, so that the borders lose as much as the middle
    first = tf.cast(chance[:, 5:7] * (side + 1), tf.int32) - side // HOLE // 2
    offset = tf.range(side) - first[:, :, None]
    rows, columns = tf.unstack((offset >= 0) & (offset < side // HOLE), axis=1)
    return tf.where((rows[:, :, None] & columns[:, None])[..., None], 0.0, x)


_CHANGES = {
    "brightness": _brightness,
    "saturation": _saturation,
    "contrast": _contrast,
    "translation": _translation,
    "cutout": _cutout,
}
