"""A toy image learner, for tests of what surrounds learners."""

import tensorflow as tf

from causalgan_tf.learners.image_learner import ImageLearner


class LeastSquares(ImageLearner):
    """A generator against a discriminator by squares."""

    def train_step(self, data):
        with tf.GradientTape(persistent=True) as tape:
            _, z, encoding, _ = self.draw(tf.identity(self.step), 0)
            fake = self.players["discriminator"](self.players["generator"]([z, encoding], training=True))
            real = self.players["discriminator"](data["image"])
            losses = {
                "generator": tf.reduce_mean((fake - 1.0) ** 2),
                "discriminator": tf.reduce_mean((real - 1.0) ** 2) + tf.reduce_mean(fake**2),
            }
        self.update({n: tape.gradient(loss, self.players[n].trainable_variables) for n, loss in losses.items()})
        self.average()
        return {f"{name}_loss": loss for name, loss in losses.items()}
