"""The rival flow: its integration by hand, its loss, and that it learns an image."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from tiny_gan import HALF_HELD, LABELS, fair_coins

from causalgan_tf.config import DataConfig, ImageConfig, RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary
from causalgan_tf.inference.image_sampler import ImageSampler
from tools.benchmarks import flow_matching

pytestmark = pytest.mark.long

SIZE, B = 16, 16
IMAGE = np.ones([SIZE, SIZE, 3], np.float32) * np.where(np.arange(SIZE) < SIZE // 2, 0.8, -0.8)[:, None]
IMAGE = IMAGE.astype(np.float32)


@pytest.fixture(scope="module")
def learner():
    image = ImageConfig(batch_size=B, ema=0.9, learning_rate=5e-3, beta1=0.9, steps_per_call=10)
    config = RunConfig(data=DataConfig(image_size=SIZE), image=image, seed=3)
    graph = CausalGraph(dict.fromkeys("ABC", ()))
    return flow_matching.build_flow(config, graph, fair_coins, HALF_HELD, widths=(8, 8))


def linear_field(function):
    """A velocity of images [B, 2, 2, 1] that is `function` of x and t."""
    image, labels, time = keras.Input([2, 2, 1]), keras.Input([LABELS]), keras.Input([1])
    field = function(image, keras.ops.reshape(time, [-1, 1, 1, 1]))
    return keras.Model([image, labels, time], field + 0.0 * keras.ops.sum(labels))


def test_uniform_noise_becomes_normal_and_stays_finite():
    uniform = np.random.default_rng(0).uniform(-1, 1, 100_000).astype(np.float32)
    assert stats.kstest(flow_matching.normal(uniform).numpy(), "norm").statistic < 0.01
    assert np.isfinite(flow_matching.normal(tf.constant([-1.0, 1.0]))).all()
    assert float(flow_matching.normal(tf.constant(0.0))) == 0.0


def test_eulers_steps_add_up_to_the_hand_worked_integral():
    noise, labels = np.linspace(-0.5, 0.5, 8, dtype=np.float32).reshape(2, 4), np.ones([2, LABELS], np.float32)
    z = flow_matching.normal(noise).numpy().reshape(2, 2, 2, 1)
    drift = flow_matching.Euler(linear_field(lambda x, t: 3.0 + 0.0 * x), 20)([noise, labels])
    np.testing.assert_allclose(drift, z + 3.0, rtol=1e-5)
    # (1 + 1/4)^4 of a growing one, and the mean of t at 0, 1/4, 1/2, 3/4
    growth = flow_matching.Euler(linear_field(lambda x, t: x), 4)([noise, labels])
    np.testing.assert_allclose(growth, z * 1.25**4, rtol=1e-5)
    time = flow_matching.Euler(linear_field(lambda x, t: t + 0.0 * x), 4)([noise, labels])
    np.testing.assert_allclose(time, z + 0.375, rtol=1e-5)


def test_networks_of_16_bits_are_integrated_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        velocity = flow_matching.u_net(SIZE, 3, LABELS, (8, 8))
        noise, given = keras.Input([SIZE * SIZE * 3]), keras.Input([LABELS])
        drawn = keras.Model([noise, given], flow_matching.Euler(velocity)([noise, given]))
    finally:
        keras.config.set_dtype_policy("float32")
    uniform = np.random.default_rng(0).uniform(-1, 1, (2, SIZE * SIZE * 3)).astype(np.float32)
    images = tf.function(drawn)([uniform, np.ones([2, LABELS], np.float32)])
    assert images.dtype == tf.float32  # untrained, it draws the noise as it is
    np.testing.assert_array_equal(images, flow_matching.normal(uniform).numpy().reshape(images.shape))


def test_an_untrained_velocity_is_zero_and_draws_the_noise_as_it_is(learner):
    untrained = flow_matching.u_net(SIZE, 3, LABELS, (8, 8))
    inputs = [tf.ones([2, SIZE, SIZE, 3]), tf.ones([2, LABELS]), tf.ones([2, 1])]
    np.testing.assert_array_equal(untrained(inputs), 0)
    noise = np.random.default_rng(0).uniform(-1, 1, (2, SIZE * SIZE * 3)).astype(np.float32)
    drawn = learner.averaged([noise, np.ones([2, LABELS], np.float32)])
    np.testing.assert_allclose(drawn, flow_matching.normal(noise).numpy().reshape(2, SIZE, SIZE, 3), rtol=1e-5)


def test_a_flow_begins_at_the_hand_worked_loss_and_learns_what_its_labels_show(learner):
    """Images that the first label turns from one picture into its negative."""
    labels = np.random.default_rng(1).integers(0, 2, (64 * B, LABELS)).astype(np.float32)
    images = IMAGE * (2.0 * labels[:, 0, None, None, None] - 1.0)
    rows = tf.data.Dataset.from_tensor_slices({"image": images, "labels": labels}).repeat().batch(B)
    first = {name: value[:B] for name, value in (("image", images), ("labels", labels))}
    first = {name: tf.constant(value) for name, value in first.items()}
    # E |x - z|^2 of a velocity of 0 is 1 plus the images' mean square
    loss = float(learner.train_step(first)["generator_loss"])
    assert loss == pytest.approx(1.0 + np.square(IMAGE).mean(), rel=0.1)
    iterator = iter(rows)
    for _ in range(20):
        logs = learner.train_call(iterator)
    assert float(logs["generator_loss"]) < 0.6 * loss and math.isfinite(logs["generator_loss"])
    assert int(learner.step) == 201
    sampler = ImageSampler(learner.averaged, "sign", [Binary()] * LABELS)
    asked = np.array([[0, 1, 0], [1, 1, 0]], np.float32).repeat(8, 0)
    drawn = sampler.draw(asked, np.arange(16)) / 127.5 - 1.0
    match = (drawn * IMAGE).mean((1, 2, 3)) / np.square(IMAGE).mean()
    assert (match[:8] < 0).all() and (match[8:] > 0).all() and match[8:].mean() - match[:8].mean() > 0.4
    # the averaged velocity draws, and follows the trained one
    pairs = zip(learner.averaged.get_weights(), learner.velocity.get_weights(), strict=True)
    assert all(np.abs(a - b).max() < 0.3 for a, b in pairs)


def test_the_configured_u_net_has_three_levels_and_its_side_comes_back():
    net = flow_matching.u_net(16, 3, 9)
    assert net.outputs[0].shape[1:] == (16, 16, 3) and 200_000 < net.count_params() < 1_500_000
    sides = {layer.output.shape[1] for layer in net.layers if "group_normalization" in layer.name}
    assert sides == {16, 8, 4}
