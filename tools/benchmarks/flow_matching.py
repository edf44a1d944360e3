"""The rival of another kind: a conditional flow-matching model (arXiv:2210.02747), to be held against the GANs.

A U-Net v(x_t, t, l) learns, between noise z and an image x of labels l, the velocity of the straight line
x_t = (1 - t) z + t x: the loss is E |v - (x - z)|^2. An image is drawn by 20 Euler steps from noise at t = 0 to t = 1.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.config import ImageConfig, RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.learners.image_learner import ImageLearner, LabelSampler
from causalgan_tf.learners.optimization import update_average
from causalgan_tf.networks.convolution import Conv2D
from causalgan_tf.networks.dcgan import OUTPUT, Seeds
from causalgan_tf.networks.label_codec import LabelCodec

WIDTHS = (32, 64, 96)  # channels at the image's side, half of it, a quarter
GROUPS = 8  # of a group normalisation
STEPS = 20  # of Euler's method
EMBEDDING = 32  # numbers that tell the time
FASTEST = 1_000.0  # angle of the fastest of their waves at t = 1


def u_net(image_size: int, channels: int, columns: int, widths: Sequence[int] = WIDTHS, seed: int = 0) -> keras.Model:
    """The velocity: [x_t [B, S, S, C], encoded labels [B, columns], t [B, 1]] to [B, S, S, C]; at first it is 0.

    A residual block a level on the way down and one on the way up; time and labels scale and shift every block.
    """
    initializer = Seeds(seed)
    image = keras.Input([image_size, image_size, channels], name="image")
    encoded, time = keras.Input([columns], name="encoded_labels"), keras.Input([1], name="time")
    waves = keras.ops.exp(keras.ops.linspace(0.0, math.log(FASTEST), EMBEDDING // 2))
    causes = keras.ops.concatenate([keras.ops.sin(time * waves), keras.ops.cos(time * waves), encoded], 1)
    for _ in range(2):
        causes = keras.layers.Dense(4 * widths[0], "silu", kernel_initializer=initializer())(causes)

    def convolved(x: keras.KerasTensor, width: int, side: int = 3) -> keras.KerasTensor:
        return Conv2D(width, side, padding="same", kernel_initializer=initializer())(x)

    def normalised(x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.GroupNormalization(GROUPS)(x)

    def block(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
        y = convolved(keras.ops.silu(normalised(x)), width)
        scale, shift = (
            keras.layers.Reshape([1, 1, width])(keras.layers.Dense(width, kernel_initializer=initializer())(causes))
            for _ in range(2)
        )
        y = keras.ops.silu(normalised(y) * (1.0 + scale) + shift)
        y = Conv2D(width, 3, padding="same", kernel_initializer="zeros")(y)
        return y + (x if x.shape[-1] == width else convolved(x, width, 1))

    x, passed = convolved(image, widths[0]), []
    for level, width in enumerate(widths):
        x = block(keras.layers.AveragePooling2D(2)(x) if level else x, width)
        passed.append(x)
    for width, skipped in zip(reversed(widths[:-1]), reversed(passed[:-1]), strict=True):
        x = block(keras.layers.Concatenate()([keras.layers.UpSampling2D()(x), skipped]), width)
    last = keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer="zeros", dtype=OUTPUT)
    return keras.Model([image, encoded, time], last(keras.ops.silu(normalised(x))), name="velocity")


class Euler(keras.layers.Layer):
    """Integrates a velocity from uniform noise [B, S*S*C] in (-1, 1), made normal, to images [B, S, S, C]."""

    def __init__(self, velocity: keras.Model, steps: int = STEPS) -> None:
        # twenty small steps in 16 bits would lose what each of them adds
        super().__init__(dtype=OUTPUT)
        self.velocity, self.steps = velocity, steps

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Of [noise, encoded labels]."""
        uniform, encoded = inputs
        x = tf.reshape(normal(uniform), [-1, *self.velocity.inputs[0].shape[1:]])

        def step(k: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            time = tf.zeros_like(encoded[:, :1]) + tf.cast(k, tf.float32) / self.steps
            return k + 1, x + self.velocity([x, encoded, time], training=False) / self.steps

        return tf.while_loop(lambda k, _: k < self.steps, step, [0, x])[1]

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        return (input_shape[0][0], *self.velocity.inputs[0].shape[1:])


def normal(uniform: tf.Tensor) -> tf.Tensor:
    """Standard normal numbers of uniform ones in [-1, 1): the inverse of the normal distribution."""
    return math.sqrt(2.0) * tf.math.erfinv(tf.clip_by_value(uniform, -1.0 + 1e-6, 1.0 - 1e-6))


class FlowMatching(ImageLearner):
    """The velocity as a learner; its one player is called `generator`.

    Attributes:
        averaged: draws images by the averaged velocity: [noise [B, S*S*C], encoded labels] to [B, S, S, C].
    """

    def __init__(
        self, velocity: keras.Model, averaged: keras.Model, sampler: LabelSampler, seed: int, codec: LabelCodec
    ) -> None:
        """`averaged`: another velocity of the same shape; `sampler` is never asked, for labels come with images."""
        side, encoded, _ = velocity.inputs
        noise = keras.Input([int(np.prod(side.shape[1:]))], name="noise")
        given = keras.Input(encoded.shape[1:], name="encoded_labels")
        drawn = keras.Model([noise, given], Euler(averaged)([noise, given]), name="flow")
        super().__init__({"generator": velocity}, drawn, sampler, seed, codec)
        self.velocity = velocity

    @property
    def step(self) -> tf.Variable:
        return self.optimizers["generator"].iterations

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update on real rows `image` [B, S, S, C] and their `labels` [B, K]."""
        seed = self._seed(self.step, 0)
        images, rows = data["image"], tf.shape(data["image"])[0]
        time = tf.random.stateless_uniform([rows, 1], seed)
        z = tf.random.stateless_normal(tf.shape(images), tf.random.experimental.stateless_fold_in(seed, 1))
        encoded = self.codec.encode(data["labels"], self.label_encoding, tf.zeros([rows, self.columns]))
        with tf.GradientTape() as tape:
            between = z + time[:, :, None, None] * (images - z)
            error = self.velocity([between, encoded, time], training=True) - (images - z)
            loss = tf.reduce_mean(tf.square(error))
        self.update({"generator": tape.gradient(loss, self.velocity.trainable_variables)})
        self.average()
        return {"generator_loss": loss}

    def average(self) -> None:
        """As other learners', with a shorter memory at first: the initial weights would fill that of a short run."""
        step = tf.cast(self.step, tf.float32)
        decay = tf.minimum(self.ema, (1.0 + step) / (10.0 + step))
        update_average(self.averaged.variables, self.velocity.variables, decay)


def build_flow(
    config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec, widths: Sequence[int] = WIDTHS
) -> FlowMatching:
    """FlowMatching of the configured optimisation, untrained; of `config.image` it takes no width."""
    del graph
    shape = config.data.image_size, config.data.channels, codec.columns, widths
    networks = (u_net(*shape, seed=config.seed) for _ in range(2))
    learner = FlowMatching(*networks, sampler, config.seed, codec)
    learner.compile(config.image)
    return learner


def optimisation(image: ImageConfig) -> dict[str, float | int]:
    """What a flow needs otherwise than a GAN: momentum and a higher rate; its compiled calls take long."""
    return {"beta1": 0.9, "learning_rate": 2.0 * image.learning_rate, "steps_per_call": 2}
