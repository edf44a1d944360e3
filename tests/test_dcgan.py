"""CausalGAN's networks and the label encodings, by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.networks import began, dcgan
from causalgan_tf.networks.label_encoding import encode_labels


@pytest.mark.parametrize(("size", "expected"), [(16, 2), (32, 3), (64, 4), (256, 6)])
def test_every_block_halves_the_side_until_four_pixels_are_left(size, expected):
    assert dcgan.blocks(size) == expected
    assert size // 2**expected == 4


def test_generator_and_trunk_have_the_stated_shapes():
    generator = dcgan.generator(labels=3, noise_size=5, image_size=16, width=4)
    images = generator([tf.zeros([2, 5]), tf.ones([2, 3])]).numpy()
    assert images.shape == (2, 16, 16, 3)
    assert np.abs(images).max() <= 1.0
    for norm, minibatch in (("batch", "features"), ("spectral", "std"), ("none", "none")):
        trunk = dcgan.trunk(7, 16, width=4, norm=norm, minibatch=minibatch)
        assert trunk(images).shape == (2, 7)


@pytest.mark.parametrize("size", [32, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_image_models_have_networks_for_every_size_grey_or_coloured(size, channels):
    shape = (None, size, size, channels)
    for module in (dcgan, began):
        assert module.generator(2, 3, size, channels, width=4).output_shape == shape
    assert dcgan.trunk(5, size, channels, width=4).output_shape == (None, 5)
    assert began.autoencoder(size, channels, width=4).output_shape == shape


def test_batch_deviation_appends_the_mean_standard_deviation():
    x = tf.reshape(tf.constant([[0.0, 1.0], [4.0, 1.0]]), [2, 1, 1, 2])
    # deviations over the batch: 2 and 0
    np.testing.assert_allclose(dcgan.BatchDeviation()(x)[..., 2], np.full((2, 1, 1), 1.0), atol=1e-4)


def test_minibatch_features_count_near_neighbours():
    layer = dcgan.MinibatchFeatures(kernels=1, size=1)
    layer.build((None, 1, 1, 1))
    layer.projection.assign([[1.0]])
    x = tf.reshape(tf.constant([0.0, 1.0, 3.0]), [3, 1, 1, 1])
    expected = [math.exp(-1) + math.exp(-3), math.exp(-1) + math.exp(-2), math.exp(-3) + math.exp(-2)]
    np.testing.assert_allclose(layer(x)[:, 0, 0, 1], expected, rtol=1e-5)


def test_sign_encoding_is_plus_or_minus_one():
    np.testing.assert_array_equal(encode_labels(tf.constant([[0.0, 1.0]]), "sign", tf.zeros([1, 2])), [[-1, 1]])


def test_logit_encoding_starts_at_three_and_seven_tenths_and_stays_bounded():
    labels = tf.constant([[0.0, 1.0]])
    least = encode_labels(labels, "logit", tf.constant([[-1.0, -1.0]]))
    np.testing.assert_allclose(least, [[math.log(0.3 / 0.7), math.log(0.7 / 0.3)]], rtol=1e-5)
    most = encode_labels(labels, "logit", tf.constant([[0.999999, 0.999999]]))
    np.testing.assert_allclose(tf.sigmoid(most), [[0.05, 0.95]], atol=1e-3)
    jitter = tf.constant(np.random.default_rng(0).uniform(-1, 1, (20_000, 2)), tf.float32)
    push = tf.sigmoid(encode_labels(tf.ones([20_000, 2]), "logit", jitter)) - 0.7
    # mean of an exponential of rate 20 truncated at .25: 1/20 - .25 exp(-5) / (1 - exp(-5))
    assert float(tf.reduce_mean(push)) == pytest.approx(0.05 - 0.25 * math.exp(-5) / (1 - math.exp(-5)), abs=1e-3)


def test_a_trunk_may_see_an_image_averaged_down():
    whole, small = dcgan.trunk(3, 32, seen_size=16, width=4), dcgan.trunk(3, 16, width=4)
    images = np.random.default_rng(0).normal(size=[5, 32, 32, 3]).astype(np.float32)
    averaged = images.reshape(5, 16, 2, 16, 2, 3).mean((2, 4))
    np.testing.assert_allclose(whole(images), small(averaged), rtol=1e-4, atol=1e-5)
    checks = (images + np.tile([[1.0, -1.0], [-1.0, 1.0]], [16, 16])[None, ..., None]).astype(np.float32)
    np.testing.assert_allclose(whole(checks), whole(images), rtol=1e-3, atol=1e-4)  # what averages out is not seen
    assert dcgan.trunk(3, 16, seen_size=32, width=4).count_params() == small.count_params()
