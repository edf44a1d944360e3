"""Convolutions whose kernel gradients run at the speed of their forward pass on a processor.

oneDNN's own gradient of a kernel reaches a third to two thirds of the speed of a forward convolution where images are
small and channels are many, as in a DCGAN. It is the same sum written as a convolution: channels of the images take
the batch's place, rows of the batch are summed over as channels, and the output's gradient is the kernel. At stride 1
and larger images that kernel is too large, and the sum is a matrix product for each pixel of the kernel. On a GPU the
stock gradient is left alone.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

FEWEST = 16  # channels: of fewer the stock gradient is the faster one
LARGEST = 16  # side of the images, pixels, up to which a kernel gradient of stride 1 is taken as a convolution
MANY = 64  # channels from which on it is taken as matrix products beyond that; of fewer the stock gradient is faster


class Conv2D(keras.layers.Conv2D):
    """keras.layers.Conv2D of padding `same`, trained with the kernel gradient of this module where it applies.

    >>> layer = Conv2D(16, 3, padding="same")
    >>> with tf.GradientTape() as tape:
    ...     image = layer(tf.ones([1, 4, 4, 16]), training=True)
    >>> tape.gradient(image, layer.kernel)[:, :, 0, 0].numpy().tolist()  # how many pixels each of the kernel meets
    [[9.0, 12.0, 9.0], [12.0, 16.0, 12.0], [9.0, 12.0, 9.0]]
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """[B, S, S, C] to [B, S / stride, S / stride, D]; the kernel is [k, k, C, D]."""
        kernel, stride = tf.convert_to_tensor(self.kernel), self.strides[0]
        if self.groups > 1:
            # Keras sends groups through XLA, whose gradients take fifty times as long on a processor
            x = tf.nn.conv2d(inputs, kernel, stride, "SAME")
        # a gradient of its own would be missed in a model that is exported
        elif not (training and applies(inputs.shape[1:3], self.kernel.shape, stride)):
            return super().call(inputs)
        else:
            x = convolution(inputs, kernel, stride)
        return self.activation(x + self.bias if self.use_bias else x)


class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """keras.layers.Conv2DTranspose of padding `same`, trained with this module's kernel gradient where it applies.

    >>> layer = Conv2DTranspose(16, 4, 2, padding="same")
    >>> with tf.GradientTape() as tape:
    ...     image = layer(tf.ones([1, 2, 2, 16]), training=True)
    >>> image.shape.as_list(), tape.gradient(image, layer.kernel)[0, :, 0, 0].numpy().tolist()
    ([1, 4, 4, 16], [1.0, 2.0, 2.0, 1.0])
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """[B, S, S, D] to [B, stride S, stride S, C]; the kernel is [k, k, C, D]."""
        size = [self.strides[0] * side for side in inputs.shape[1:3]]
        if not (training and applies(size, self.kernel.shape, self.strides[0])):
            return super().call(inputs)
        x = transposed_convolution(inputs, tf.convert_to_tensor(self.kernel), self.strides[0])
        return self.activation(x + self.bias if self.use_bias else x)


def applies(fine: list[int], kernel: tuple[int, ...], stride: int) -> bool:
    """Whether the gradient of a kernel [k, k, C, D] is taken by `kernel_gradient`; `fine`: the larger images' sides."""
    if not all(side is not None and side % stride == 0 for side in fine) or kernel[0] < stride:
        return False
    fewest = MANY if by_products(fine, stride) else FEWEST
    return min(kernel[2:]) >= fewest and not tf.config.list_physical_devices("GPU")


def by_products(fine: list[int], stride: int) -> bool:
    """Whether a kernel gradient is a matrix product for each pixel of the kernel, and no convolution."""
    return stride == 1 and max(fine) > LARGEST


def convolution(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """tf.nn.conv2d of padding SAME: [B, S, S, C] and [k, k, C, D] to [B, S / stride, S / stride, D]."""

    @tf.custom_gradient
    def differentiable(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            dx = tf.nn.conv2d_transpose(dy, kernel, tf.shape(x), stride, "SAME")
            return dx, kernel_gradient(x, dy, kernel.shape[0], stride)

        return tf.nn.conv2d(x, kernel, stride, "SAME"), gradient

    return differentiable(x, kernel)


def transposed_convolution(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """tf.nn.conv2d_transpose of padding SAME: [B, S, S, D] and [k, k, C, D] to [B, stride S, stride S, C]."""

    @tf.custom_gradient
    def differentiable(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.nn.conv2d(dy, kernel, stride, "SAME"), kernel_gradient(dy, x, kernel.shape[0], stride)

        rows, height, width = tf.shape(x)[0], stride * x.shape[1], stride * x.shape[2]
        size = [rows, height, width, kernel.shape[2]]
        return tf.nn.conv2d_transpose(x, kernel, size, stride, "SAME"), gradient

    return differentiable(x, kernel)


def kernel_gradient(fine: tf.Tensor, coarse: tf.Tensor, kernel: int, stride: int) -> tf.Tensor:
    """Gradient of the kernel between images and their convolution of padding SAME.

    Entry [i, j, c, d] is the sum over rows b and places p, q of fine[b, stride p + i, stride q + j, c]
    coarse[b, p, q, d], the fine images padded.

    Args:
        fine: [B, S, S, C], a convolution's input, or the gradient of a transposed one's output.
        coarse: [B, S / stride, S / stride, D], the gradient of a convolution's output, or a transposed one's input.
        kernel: side k of the kernel, pixels, at least the stride.
        stride: of the convolution, pixels.

    Returns:
        [k, k, C, D].
    """
    # TensorFlow pads `same` so: the odd pixel comes after
    before = (kernel - stride) // 2
    margin = [before, kernel - stride - before]
    padded = tf.pad(fine, [[0, 0], margin, margin, [0, 0]])
    if by_products(fine.shape[1:3], stride):
        return _sum_of_products(padded, coarse, kernel)
    # channels take the batch's place and rows that of channels: a sum over the batch becomes one over channels
    images = tf.transpose(padded, [3, 1, 2, 0])
    sums = tf.nn.conv2d(images, tf.transpose(coarse, [1, 2, 0, 3]), 1, "VALID", dilations=stride)
    return tf.transpose(sums, [1, 2, 0, 3])


def _sum_of_products(padded: tf.Tensor, coarse: tf.Tensor, kernel: int) -> tf.Tensor:
    """The same at stride 1 as a matrix product for each pixel of the kernel: kernels as large as images are slow."""
    height, width, channels = coarse.shape[1:]
    gradient = tf.reshape(coarse, [-1, channels])
    products = [
        tf.matmul(
            tf.reshape(padded[:, i : i + height, j : j + width], [-1, padded.shape[-1]]), gradient, transpose_a=True
        )
        for i in range(kernel)
        for j in range(kernel)
    ]
    return tf.reshape(tf.stack(products), [kernel, kernel, padded.shape[-1], channels])
