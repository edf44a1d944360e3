"""CausalBEGAN's networks, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.networks import began


@pytest.mark.parametrize(("size", "expected"), [(16, 2), (32, 3), (64, 4), (256, 6)])
def test_resolutions_double_from_eight_pixels(size, expected):
    assert began.resolutions(size) == expected
    assert 8 * 2 ** (expected - 1) == size


@pytest.mark.parametrize("kernel", [0, 4])
def test_an_autoencoder_that_sees_labels_rebuilds_an_image_by_its_own(kernel):
    autoencoder = began.autoencoder(16, width=4, code_size=5, labels=2, kernel=kernel)
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)), tf.float32)
    one, other = (
        autoencoder([images, tf.constant([[1.0, 1.0], label])]).numpy() for label in ([1.0, 1.0], [1.0, -1.0])
    )
    np.testing.assert_array_equal(one[0], other[0])
    assert np.abs(one[1] - other[1]).max() > 1e-3


def test_a_strided_autoencoder_has_one_convolution_a_resolution():
    found = began.autoencoder(32, 1, width=2, code_size=5, kernel=4)
    sides = [layer.output.shape[1] for layer in found.layers if "conv" in layer.name or layer.name == "reconstruction"]
    assert sides == [16, 8, 4, 8, 16, 32] and found.output_shape == (None, 32, 32, 1)


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (32, 3)])
def test_generator_and_autoencoder_make_images_of_the_stated_shape(size, channels):
    generator = began.generator(labels=3, noise_size=5, image_size=size, channels=channels, width=4)
    images = generator([tf.zeros([2, 5]), tf.ones([2, 3])])
    assert images.shape == (2, size, size, channels)
    assert began.autoencoder(size, channels, width=4, code_size=7)(images).shape == images.shape


def test_the_weights_are_as_many_as_the_paper_lays_out():
    def convolution(inputs, outputs):
        return 9 * inputs * outputs + outputs

    # noise and labels to 8 x 8 x 4, two convolutions at 8 and two at 16 pixels, one to the image
    decoder = 64 * 4 + 4 * convolution(4, 4) + convolution(4, 1)
    generator = began.generator(labels=2, noise_size=3, image_size=16, channels=1, width=4)
    assert generator.count_params() == (3 + 2) * 64 * 4 + decoder
    # from the image, two of n, the second with a stride, two of 2 n, the code; then the decoder from the code
    encoder = convolution(1, 4) + 2 * convolution(4, 4) + convolution(4, 8) + convolution(8, 8) + (64 * 8 * 5 + 5)
    assert began.autoencoder(16, 1, 4, code_size=5).count_params() == encoder + 5 * 64 * 4 + decoder


def test_a_reconstruction_depends_on_its_own_image_alone():
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 3)), tf.float32)
    autoencoder = began.autoencoder(16, width=4)
    together = autoencoder(images, training=True)
    np.testing.assert_allclose(together[1:2], autoencoder(images[1:2], training=True), atol=1e-5)


def test_up_sampling_repeats_pixels():
    """With the last convolutions made to pass a channel on, 2 x 2 pixels are alike."""
    generator = began.generator(labels=1, noise_size=1, image_size=16, channels=1, width=4)
    for layer in [layer for layer in generator.layers if "conv" in layer.name][-2:] + [generator.get_layer("image")]:
        kernel = np.zeros(layer.kernel.shape, np.float32)
        kernel[1, 1] = np.eye(*kernel.shape[2:])
        layer.set_weights([kernel, np.zeros(layer.bias.shape, np.float32)])
    image = generator([tf.ones([1, 1]), tf.ones([1, 1])]).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(image, image[::2, ::2].repeat(2, 0).repeat(2, 1))
    assert len(np.unique(image)) > 30


def test_a_seed_draws_the_same_weights_and_another_does_not():
    one, two, other = (began.autoencoder(16, width=4, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert (one[0] != other[0]).any()
