"""Convolutions with this project's kernel gradient are the stock ones, value and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.networks import convolution

ROWS, C, D = 3, 16, 24  # rows, channels of the fine and of the coarse images


def normal(*shape):
    return tf.constant(np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32))


def answers(function, *arguments):
    """The value of a function and the gradients of its sum of squares."""
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        y = function(*arguments)
        loss = tf.reduce_sum(tf.square(y))
    return [y, *tape.gradient(loss, arguments)]


def assert_alike(ours, stock):
    for a, b in zip(ours, stock, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("kernel", "stride", "side"), [(5, 2, 8), (4, 2, 16), (3, 2, 8), (2, 2, 8), (3, 1, 8), (3, 1, 18), (4, 1, 17)]
)
def test_convolutions_and_their_gradients_are_the_stock_ones(kernel, stride, side):
    fine, coarse = normal(ROWS, side, side, C), normal(ROWS, side // stride, side // stride, D)
    w = normal(kernel, kernel, C, D)
    stock = answers(lambda x, w: tf.nn.conv2d(x, w, stride, "SAME"), fine, w)
    assert_alike(answers(lambda x, w: convolution.convolution(x, w, stride), fine, w), stock)
    stock = answers(lambda x, w: tf.nn.conv2d_transpose(x, w, fine.shape, stride, "SAME"), coarse, w)
    assert_alike(answers(lambda x, w: convolution.transposed_convolution(x, w, stride), coarse, w), stock)


def test_the_gradient_of_a_gradient_is_the_stock_one():
    """A penalty on the slope in the image is differentiated in the kernel."""

    def slope(function):
        def penalty(x, w):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(tf.nn.leaky_relu(function(x, w)) ** 2)
            return tape.gradient(y, x)

        return penalty

    x, w = 0.1 * normal(2, 8, 8, C), 0.1 * normal(4, 4, C, D)
    ours = answers(slope(lambda x, w: convolution.convolution(x, w, 2)), x, w)
    assert_alike(ours, answers(slope(lambda x, w: tf.nn.conv2d(x, w, 2, "SAME")), x, w))


def test_few_channels_odd_sides_and_unknown_sizes_are_left_to_the_stock_gradient():
    assert not convolution.applies([8, 8], (5, 5, 3, 64), 2)
    assert not convolution.applies([9, 8], (5, 5, 64, 64), 2)
    assert not convolution.applies([32, 32], (3, 3, 64, 32), 1)
    assert not convolution.applies([None, 8], (5, 5, 64, 64), 2)
    layer = convolution.Conv2D(20, 3, 2, "same")
    assert layer(normal(2, 9, 9, 3)).shape == (2, 5, 5, 20)


@pytest.mark.parametrize("kind", ["Conv2D", "Conv2DTranspose"])
def test_a_layer_is_the_stock_layer_in_training_and_out_of_it(kind, monkeypatch):
    monkeypatch.setattr(convolution, "applies", lambda *_: True)
    ours, stock = (getattr(home, kind)(D, 4, 2, "same", activation="elu") for home in (convolution, keras.layers))
    x = normal(2, 8, 8, C)
    ours.build(x.shape), stock.build(x.shape)
    stock.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in stock.get_weights()])
    ours.set_weights(stock.get_weights())
    for training in (True, False):
        np.testing.assert_allclose(ours(x, training=training), stock(x), rtol=1e-5, atol=1e-5)


def test_spectral_normalisation_hands_training_on(monkeypatch):
    monkeypatch.setattr(convolution, "applies", lambda *_: True)
    layer = keras.layers.SpectralNormalization(convolution.Conv2D(D, 4, 2, "same"))
    traced = tf.function(lambda x, training: layer(x, training=training))
    graphs = [traced.get_concrete_function(normal(2, 8, 8, C), training).graph for training in (True, False)]
    assert [any(op.type == "IdentityN" for op in graph.get_operations()) for graph in graphs] == [True, False]
