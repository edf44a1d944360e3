"""Image networks that compute in 16 bits: what is narrow, what is not, and that they learn the same."""

import keras
import numpy as np
import pytest
import squares
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.config import DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.learners import half_precision
from causalgan_tf.training import builders

WIDE = {"width": 16, "discriminator_width": 16}
GAN = {"noise_reconstruction": 1.0}
VARIANTS = {
    "std": (WIDE, GAN),
    "features": (WIDE, GAN | {"discriminator_norm": "batch", "minibatch": "features"}),
    "spectral": (WIDE, GAN | {"discriminator_norm": "spectral", "gan_loss": "hinge", "r1_weight": 0.0}),
    "spectral_r1": (WIDE, GAN | {"discriminator_norm": "spectral"}),
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


@pytest.fixture(scope="module", params=VARIANTS)
def exact(request):
    return request.param, *gradients(request.param, "float32")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_gradients_of_16_bits_point_where_those_of_float32_do(exact, precision):
    variant, wide, exact = exact
    narrow, rough = gradients(variant, precision)
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
    assert {layer.compute_dtype for layer in convolutions} == {precision}


def test_what_is_built_after_the_image_networks_computes_in_float32():
    learner, _ = gradients("std", "bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    assert {layer.compute_dtype for layer in learner.averaged.layers} == {"float32"}


@pytest.fixture(scope="module")
def half():
    """A learner in float16, one step on, with what it saw."""
    return gradients("std", "float16")


def test_the_penalty_of_narrow_networks_is_that_of_wide_ones(half):
    learner, _ = half
    images = tf.random.stateless_uniform([4, 16, 16, 3], [0, 1], -1.0, 1.0)
    fed = learner.discriminator_inputs(images, tf.zeros([4, 4]))
    twin = gradients("std", "float32")[0].discriminator
    twin.set_weights(learner.discriminator.get_weights())
    np.testing.assert_allclose(learner.wide(fed), twin(fed, training=True), rtol=1e-5, atol=1e-6)
    assert (learner.discriminator(fed, training=True) != twin(fed, training=True)).numpy().any()


def test_a_loss_too_small_for_float16_has_a_gradient(half):
    learner, _ = half
    images = tf.random.stateless_uniform([4, 16, 16, 3], [0, 1], -1.0, 1.0)
    kernel = learner.labeler.trainable_variables[0]
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_mean(learner.labeler(images, training=True)) * 1e-7
    assert (tape.gradient(loss, kernel).numpy() == 0.0).mean() > 0.5
    assert (learner.gradient(tape, loss, kernel).numpy() == 0.0).mean() < 0.1


def test_an_update_that_overflows_is_skipped_and_halves_the_scale(half):
    learner, _ = half
    scale, step = float(learner.scale.value), int(learner.step)
    player, optimizer = learner.players["discriminator"], learner.optimizers["discriminator"]
    kept = player.get_weights() + [
        variable.numpy() for variable in optimizer.variables if "iteration" not in variable.name
    ]
    zeros = [tf.zeros(variable.shape) for variable in player.trainable_variables]
    learner.apply([*zeros[:-1], zeros[-1] + np.inf], optimizer, player.trainable_variables)
    now = player.get_weights() + [
        variable.numpy() for variable in optimizer.variables if "iteration" not in variable.name
    ]
    for a, b in zip(kept, now, strict=True):
        np.testing.assert_array_equal(a, b)
    # what the next step draws follows the steps that were taken, and those that were skipped
    assert (float(learner.scale.value), int(learner.step)) == (scale / 2.0, step + 1)


def test_good_updates_double_the_scale_and_it_is_part_of_a_checkpoint(half):
    learner, _ = half
    scale = learner.scale
    assert learner.saved["loss_scale"] is scale.value and learner.saved["loss_scale_good"] is scale.good
    start = float(scale.value)
    scale.good.assign(half_precision.PATIENCE - 2)
    values = []
    for _ in range(2):
        scale.guarded([tf.zeros([2])], lambda: None)
        values.append(float(scale.value) / start)
    assert values == [1.0, 2.0] and int(scale.good) == 0


def test_the_scale_of_a_row_does_not_depend_on_the_number_of_replicas():
    """A mean over half of the rows has twice their gradients: two replicas scale it half as much."""
    weight = tf.Variable(1.0)

    def gradient(replicas, rows):
        scale = half_precision.LossScale(replicas)
        scale.value.assign(2.0**19)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.cast(tf.cast(weight * tf.ones([rows]), tf.float16), tf.float32))
        return float(scale.gradient(tape, loss, weight))

    # float16 ends at 65,504: of 2**19 a part in 16 fits, one in 8 does not
    assert gradient(1, 16) == gradient(2, 8) == 1.0
    assert np.isinf(gradient(1, 8)) and np.isinf(gradient(2, 4))
