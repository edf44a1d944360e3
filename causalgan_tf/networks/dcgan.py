"""CausalGAN's networks: a DCGAN generator, and one trunk shape for discriminator, labeler and anti-labeler.

Sources: DCGAN, arXiv:1511.06434; CausalGAN, arXiv:1709.02023; spectral normalisation, arXiv:1802.05957; minibatch
features, arXiv:1606.03498; batch standard deviation, arXiv:1710.10196.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from causalgan_tf.config.run import RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import columns
from causalgan_tf.networks.convolution import Conv2D, Conv2DTranspose

SLOPE = 0.2  # of the leaky ReLU, as in DCGAN
BATCH_NORM_MOMENTUM = 0.9
Activation = Callable[[keras.KerasTensor], keras.KerasTensor]
Features = Callable[..., keras.KerasTensor]  # see `convolved`, `residual`
OUTPUT = "float32"  # of what networks say, and of sums over a batch, whatever they compute with


def blocks(image_size: int) -> int:
    """How many times a side of `image_size` pixels is halved until 4 pixels are left."""
    return image_size.bit_length() - 3


class Seeds:
    """Initializers that differ from layer to layer and repeat from run to run.

    >>> layers, again = Seeds(seed=1), Seeds(seed=1)
    >>> first, second = (layers()([4, 4]) for _ in range(2))
    >>> bool(tf.reduce_all(first == again()([4, 4]))), bool(tf.reduce_any(first == second))
    (True, False)
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.next = seed, 1_000 * seed

    def __call__(self) -> keras.Initializer:
        self.next += 1
        return keras.initializers.GlorotUniform(seed=self.next)


def shape(config: RunConfig, graph: CausalGraph) -> dict[str, int]:
    """What generators of any image model are told of their shape."""
    c, d = config.image, config.data
    own = {"labels": columns.count(graph), "noise_size": c.noise_size, "width": c.width, "seed": config.seed}
    return own | {"image_size": d.image_size, "channels": d.channels}


def convolved(
    causes: keras.KerasTensor,
    width: int,
    n: int,
    kernel: int,
    activated: Activation,
    initializer: Seeds,
    use_bias: bool = False,
) -> keras.KerasTensor:
    """A DCGAN's feature maps [B, S / 2, S / 2, width] of causes [B, Z + K], where n doublings of 4 pixels give S.

    Biases are for an activation without batch norm, which has its own.
    """
    # channels double as the side halves: every block costs about the same
    deepest = width * 2 ** (n - 1)
    x = keras.layers.Dense(16 * deepest, use_bias=use_bias, kernel_initializer=initializer())(causes)
    x = activated(keras.layers.Reshape([4, 4, deepest])(x))
    for k in reversed(range(n - 1)):
        up = Conv2DTranspose(width * 2**k, kernel, 2, "same", use_bias=use_bias, kernel_initializer=initializer())
        x = activated(up(x))
    return x


def generator(
    labels: int,
    noise_size: int,
    image_size: int,
    channels: int = 3,
    width: int = 32,
    kernel: int = 4,
    modulation: bool = False,
    seed: int = 0,
    features: Features = convolved,
) -> keras.Model:
    """G(z, l): an image from noise and encoded labels.

    Args:
        labels: K, number of label columns.
        noise_size: numbers of the image's exogenous noise.
        image_size: side of the image, pixels, a power of two.
        channels: colour channels.
        width: channels of the block before the image; every coarser block has twice as many.
        kernel: side of the convolutions, pixels.
        modulation: whether noise and labels also scale and shift every block (arXiv:1810.01365), or enter at the
            first layer alone, as in DCGAN.
        seed: seed of the initial weights.
        features: makes the feature maps that the last convolution turns into the image.

    Returns:
        A functional model of [noise [B, noise_size], encoded labels [B, K]] to images [B, S, S, channels] in [-1, 1].
    """
    initializer, n = Seeds(seed), blocks(image_size)
    noise, encoded = keras.Input([noise_size], name="noise"), keras.Input([labels], name="encoded_labels")
    causes = keras.layers.Concatenate()([noise, encoded])
    activated = _activation(causes, initializer, modulation)
    x = features(causes, width, n, kernel, activated, initializer)
    image = Conv2DTranspose(
        channels,
        kernel,
        2,
        "same",
        activation="tanh",
        kernel_initializer=initializer(),
        dtype=OUTPUT,
        name="image",
    )
    return keras.Model([noise, encoded], image(x), name="generator")


def batch_norm(x: keras.KerasTensor) -> keras.KerasTensor:
    """Feature maps [B, S, S, C] normalised over the batch of all replicas."""
    return keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, synchronized=True)(x)


def _activation(causes: keras.KerasTensor, initializer: Seeds, modulation: bool) -> Activation:
    """A function of a generator's feature maps: batch norm, modulation by the causes [B, Z + K] if asked, ReLU."""

    def activated(x: keras.KerasTensor) -> keras.KerasTensor:
        x = batch_norm(x)
        if modulation:
            scale, shift = (
                keras.layers.Reshape([1, 1, x.shape[-1]])(
                    keras.layers.Dense(x.shape[-1], kernel_initializer=initializer())(causes)
                )
                for _ in range(2)
            )
            x = x * (1.0 + scale) + shift
        return keras.layers.ReLU()(x)

    return activated


def trunk(
    outputs: int,
    image_size: int,
    channels: int = 3,
    width: int = 32,
    kernel: int = 4,
    norm: str = "batch",
    minibatch: str = "none",
    name: str = "labeler",
    seed: int = 0,
    features: Features | None = None,
    seen_size: int = 0,
) -> keras.Model:
    """The shape that discriminator, labeler and anti-labeler share: images [B, S, S, channels] to logits [B, outputs].

    Args:
        outputs: logits: 1 for the discriminator, K for the labelers, the noise's size for the reconstruction.
        image_size: side of the image, pixels, a power of two.
        channels: colour channels.
        width: channels of the first block; every later block has twice as many.
        kernel: side of the stride-2 convolutions, pixels.
        norm: `batch`, `spectral` or `none`.
        minibatch: what sees the whole batch: `std` (one feature at the end), `features` (kernels after the second
            block, as the authors place them) or `none`.
        name: name of the model.
        seed: seed of the initial weights.
        features: makes the feature maps, 4 pixels a side, in place of stride-2 convolutions; it knows no norm.
        seen_size: side to which the image is averaged down first, pixels, a power of two; 0, or one that is not
            smaller than the image: it is seen as it is.

    Raises:
        ValueError: for `features` with a norm, or with the minibatch's.
    """
    if features and (norm != "none" or minibatch == "features"):
        raise ValueError(f"trunk: of other features expected norm none, minibatch std or none: {norm}, {minibatch}.")
    seen_size = min(seen_size or image_size, image_size)
    initializer, n = Seeds(seed), blocks(seen_size)
    image = x = keras.Input([image_size, image_size, channels], name="image")
    if seen_size < image_size:
        x = keras.layers.AveragePooling2D(image_size // seen_size)(x)
    if features:
        x = features(x, width, n, kernel, initializer)
    else:
        x = halved(x, width, n, kernel, initializer, norm, minibatch)
    if minibatch == "std":
        x = BatchDeviation(dtype=OUTPUT)(x)
    x = keras.layers.Flatten()(x)
    logits = keras.layers.Dense(outputs, kernel_initializer=initializer(), dtype=OUTPUT, name="logits")(x)
    model = keras.Model(image, logits, name=name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.SpectralNormalization):
            # Keras draws the start of its power iteration without a seed
            layer.vector_u.assign(initializer()(layer.vector_u.shape))
    return model


def halved(
    x: keras.KerasTensor,
    width: int,
    n: int,
    kernel: int,
    initializer: Seeds,
    norm: str = "none",
    minibatch: str = "none",
) -> keras.KerasTensor:
    """A DCGAN's feature maps [B, 4, 4, width 2^(n-1)] of images; the arguments are those of `trunk`."""
    for k in range(n):
        conv = Conv2D(width * 2**k, kernel, 2, "same", kernel_initializer=initializer())
        # the wrapper stores the weights that it has divided: in float32, whatever the convolution computes in
        x = keras.layers.SpectralNormalization(conv, dtype=OUTPUT)(x) if norm == "spectral" else conv(x)
        if norm == "batch" and k:
            x = batch_norm(x)
        x = keras.layers.LeakyReLU(SLOPE)(x)
        if minibatch == "features" and k == 1:
            x = MinibatchFeatures(seed=initializer.seed, dtype=OUTPUT)(x)
    return x


def projection(labels: int, **shape: Any) -> keras.Model:
    """D(x, l) = psi(phi(x)) + l . V phi(x), fed with the labels of the image (arXiv:1802.05637, equation 3).

    phi is the trunk up to its last layer, and that layer holds psi and V. The form is exact where the labels are
    independent of each other given the image, as they are where each can be seen in it.

    Args:
        labels: C, number of label columns.
        shape: arguments of `trunk`.

    Returns:
        A functional model of [images [B, S, S, channels], encoded labels [B, C]] to one logit [B, 1].
    """
    network, encoded = trunk(1 + labels, **shape), keras.Input([labels], name="encoded_labels")
    outputs = network.outputs[0]
    logit = outputs[:, :1] + keras.ops.sum(encoded * outputs[:, 1:], axis=1, keepdims=True)
    return keras.Model([network.inputs[0], encoded], logit, name=network.name)


class BatchDeviation(keras.layers.Layer):
    """Appends one channel: the standard deviation over the batch, averaged over all features (arXiv:1710.10196).

    The batch is the global one: replicas share their moments.

    >>> BatchDeviation()(tf.constant([[1.0, 5.0], [5.0, 5.0]])).numpy().round(3).tolist()  # deviations 2 and 0
    [[1.0, 5.0, 1.0], [5.0, 5.0, 1.0]]
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        # the mean first: the mean of squares less the square of the mean loses small deviations to rounding
        away = x - _mean_over_replicas(tf.reduce_mean(x, 0))
        deviation = tf.sqrt(_mean_over_replicas(tf.reduce_mean(tf.square(away), 0)) + 1e-8)
        return tf.concat([x, tf.zeros_like(x[..., :1]) + tf.reduce_mean(deviation)], -1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], input_shape[-1] + 1)


def _mean_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """The mean of what every replica has, whose gradient reaches them all."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def rows_of_replicas(rows: tf.Tensor) -> tf.Tensor:
    """The rows of every replica, whose gradient reaches them all; of one device its own.

    >>> rows_of_replicas(tf.constant([1, 2])).numpy().tolist()
    [1, 2]
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows
    return context.all_gather(rows, axis=0)


class MinibatchFeatures(keras.layers.Layer):
    """Appends channels that say how near a sample's projections lie to the batch's (arXiv:1606.03498, section 3.2).

    o(x_i)_b = sum_j exp(-|M_ib - M_jb|_1), with M_ib the b-th learned projection of sample i. B rows, N kernels and C
    numbers each need B * B * N * C memory. The batch is the global one: replicas share their projections.

    >>> samples = tf.reshape([3.0, 3.0, 1e6], [3, 1, 1, 1])  # the first two are the same
    >>> MinibatchFeatures(kernels=1)(samples)[:, 0, 0, 1].numpy().tolist()
    [1.0, 1.0, 0.0]
    """

    def __init__(self, kernels: int = 16, size: int = 5, seed: int = 0, **kwargs: object) -> None:
        """`kernels` projections of `size` numbers."""
        super().__init__(**kwargs)
        self.kernels, self.size, self.seed = kernels, size, seed

    def build(self, input_shape: tuple) -> None:
        features = 1
        for side in input_shape[1:]:
            features *= side
        initializer = keras.initializers.GlorotUniform(seed=self.seed)
        self.projection = self.add_weight(
            shape=[features, self.kernels * self.size], initializer=initializer, name="projection"
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(x, [tf.shape(x)[0], self.projection.shape[0]])
        m = tf.reshape(flat @ self.projection, [-1, self.kernels, self.size])
        near = tf.exp(-tf.reduce_sum(tf.abs(m[:, None] - rows_of_replicas(m)[None]), -1))
        # a sample is always near itself: that 1 carries nothing
        features = tf.reduce_sum(near, 1) - 1.0
        return tf.concat([x, tf.ones_like(x[..., :1]) * features[:, None, None]], -1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], input_shape[-1] + self.kernels)


def hears_batch(network: keras.Model) -> bool:
    """Whether what a network says of a row depends on the other rows of the batch.

    >>> [hears_batch(trunk(1, image_size=8, width=1, minibatch=kind)) for kind in ("none", "std")]
    [False, True]
    """
    kinds = (BatchDeviation, MinibatchFeatures, keras.layers.BatchNormalization)
    return any(isinstance(layer, kinds) for layer in network.layers)
