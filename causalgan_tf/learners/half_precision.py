"""Training in 16 bits: penalties in 32, and in float16 losses scaled up for their gradients (arXiv:1710.03740).

float16 holds no number below 6e-8 and none above 65,504, and gradients of images are often smaller. The scale moves: an
update whose gradients overflow is skipped and halves it, and many good ones in a row double it.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

FIRST, LARGEST = 2.0**13, 2.0**24
PATIENCE = 8_000  # good updates of a network before the scale is doubled: 2,000 steps of four


class LossScale:
    """A factor of all losses, a power of 2, so that it rounds nothing.

    A replica's losses are means over its part of the rows. Divided by the number of replicas, the factor scales each
    row as on one device, where it overflows at the same value.

    >>> weight, scale = tf.Variable(2.0), LossScale()
    >>> with tf.GradientTape() as tape:
    ...     loss = weight**2
    >>> gradient = scale.gradient(tape, loss, weight)
    >>> float(gradient)  # of the loss itself
    4.0
    >>> scale.guarded([gradient], lambda: weight.assign_sub(0.5 * gradient))
    >>> scale.guarded([gradient / 0.0], lambda: weight.assign_sub(gradient / 0.0))  # is skipped
    >>> float(weight), float(scale.value) / FIRST
    (0.0, 0.5)
    """

    def __init__(self, replicas: int = 1) -> None:
        self.replicas = replicas
        # every replica sees the same gradients and moves its own copies
        self.value = tf.Variable(FIRST, trainable=False, name="loss_scale")
        self.good = tf.Variable(0, trainable=False, name="loss_scale_good")

    @property
    def state(self) -> dict[str, tf.Variable]:
        """What the next step depends on, by the names of a checkpoint."""
        return {"loss_scale": self.value, "loss_scale_good": self.good}

    def gradient(self, tape: tf.GradientTape, target: tf.Tensor, sources: Any, towards: tf.Tensor | None = None) -> Any:
        """What `tape.gradient(target, sources, towards)` is, scaled on its way; not finite where it overflows."""
        factor = self.value / self.replicas
        scaled = tape.gradient(target, sources, factor * (tf.ones_like(target) if towards is None else towards))
        return tf.nest.map_structure(lambda gradient: gradient / factor, scaled)

    def guarded(self, gradients: list[tf.Tensor], update: Callable[[], Any]) -> None:
        """Calls `update` if the gradients, averaged over replicas, are finite, and moves the scale."""

        def good() -> tf.Tensor:
            update()
            often = self.good + 1 >= PATIENCE
            self.value.assign(tf.where(often, tf.minimum(2.0 * self.value, LARGEST), self.value))
            return self.good.assign(tf.where(often, 0, self.good + 1))

        def overflown() -> tf.Tensor:
            self.value.assign(tf.maximum(0.5 * self.value, 1.0))
            return self.good.assign(0)

        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        tf.cond(finite, good, overflown)


def in_float32(network: keras.Model) -> Callable[[Any], tf.Tensor]:
    """A function that computes in float32 what a network computes in 16 bits, with its weights; it moves no statistics.

    >>> layer = keras.layers.Dense(1, dtype="mixed_bfloat16", kernel_initializer="ones")
    >>> network, row = keras.Sequential([keras.Input([2]), layer]), tf.constant([[1.0, 1e-3]])
    >>> [round(float(call(row)[0, 0]), 6) for call in (network, in_float32(network))]
    [1.0, 1.001]
    """
    twin = keras.models.clone_model(network, clone_function=_widened)

    def call(inputs: Any) -> tf.Tensor:
        parts = network.trainable_variables, network.non_trainable_variables
        values = ([tf.convert_to_tensor(variable) for variable in part] for part in parts)
        return twin.stateless_call(*values, inputs, training=True)[0]

    return call


def _widened(layer: keras.Layer | keras.Operation) -> keras.Layer | keras.Operation:
    config = layer.get_config()
    config |= {"dtype": "float32"} if "dtype" in config else {}
    if isinstance(layer, keras.layers.SpectralNormalization):
        return Normalised(**(config | {"layer": _widened(layer.layer)}))
    return type(layer).from_config(config)


class Normalised(keras.layers.SpectralNormalization):
    """A layer whose kernel is normalised already, by the pass in 16 bits.

    Normalised once more outside variables, the kernel's gradient would go through the normalisation, as it does not
    elsewhere.

    >>> layer = Normalised(keras.layers.Dense(1, kernel_initializer="ones"))
    >>> layer(tf.ones([1, 4]), training=True).numpy().tolist()  # and not 2, by the kernel divided by its norm of 2
    [[4.0]]
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The layer's output."""
        return self.layer(inputs, training=training)
