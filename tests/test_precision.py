"""Image networks that compute in bfloat16: what is narrow, what is not, and that they learn the same."""

import keras
import numpy as np
import pytest
import squares
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.config import DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.training import builders

WIDE = {"width": 16, "discriminator_width": 16}
GAN = {"noise_reconstruction": 1.0}
VARIANTS = {
    "std": (WIDE, GAN),
    "features": (WIDE, GAN | {"discriminator_norm": "batch", "minibatch": "features"}),
    "spectral": (WIDE, GAN | {"discriminator_norm": "spectral", "gan_loss": "hinge", "r1_weight": 0.0}),
    "began": (WIDE | {"model": "causal_began"}, {}),
}


def fair_coins(seeds):
    return tf.cast(tf.transpose(noise.uniform(seeds, ["A"], 4)) > 0, tf.float32)


def gradients(variant, precision):
    """A learner, and what its first step applies to each player, as one vector."""
    shared, own = VARIANTS[variant]
    image = ImageConfig(batch_size=8, labeler_width=16, precision=precision, **shared)
    config = RunConfig(data=DataConfig(image_size=16), image=image, gan=GanConfig(**own))
    learner = builders.build_images(config, squares.GRAPH, fair_coins)
    seen, apply = {}, learner.update

    def update(given):
        seen.update({name: np.concatenate([g.numpy().ravel() for g in values]) for name, values in given.items()})
        apply(given)

    learner.update = update
    images = tf.random.stateless_uniform([8, 16, 16, 3], [0, 1], -1.0, 1.0)
    labels = tf.cast(tf.random.stateless_uniform([8, 4], [0, 2]) > 0.5, tf.float32)
    learner.train_step({"image": images, "labels": labels, "labeler_image": images, "labeler_labels": labels})
    return learner, seen


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_of_bfloat16_point_where_those_of_float32_do(variant):
    (wide, exact), (narrow, rough) = (gradients(variant, precision) for precision in ("float32", "bfloat16"))
    assert exact.keys() == rough.keys() == wide.players.keys()
    for name, gradient in exact.items():
        lengths = np.linalg.norm(gradient), np.linalg.norm(rough[name])
        assert gradient @ rough[name] > 0.98 * lengths[0] * lengths[1], name
        assert lengths[1] == pytest.approx(lengths[0], rel=0.1), name
        assert (gradient != rough[name]).any(), name
    for network in (*narrow.players.values(), narrow.averaged):
        assert {variable.dtype for variable in network.variables} == {"float32"}
        assert {output.dtype for output in network.outputs} == {"float32"}
    layers = narrow.players["discriminator"].layers
    convolutions = [getattr(layer, "layer", layer) for layer in layers if layer.name.startswith(("conv", "spectral"))]
    # a weight that is stored in bfloat16's eight bits on the way would be the nearest of them
    assert all(
        (layer.kernel.numpy() != tf.cast(tf.cast(layer.kernel, tf.bfloat16), tf.float32)).numpy().any()
        for layer in convolutions
    )
    assert {layer.compute_dtype for layer in convolutions} == {"bfloat16"}


def test_what_is_built_after_the_image_networks_computes_in_float32():
    learner, _ = gradients("std", "bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    assert {layer.compute_dtype for layer in learner.averaged.layers} == {"float32"}
