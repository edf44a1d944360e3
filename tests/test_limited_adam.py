"""Adam with a limit: plain where gradients are as usual, and bounded where one is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.learners.optimization import LimitedAdam

RATE = 0.01


def moves(optimizer, gradients):
    """How far one array's weights [n] move in each step along gradients [steps, n]."""
    weights = keras.Variable(np.zeros(len(gradients[0]), np.float32))
    optimizer.build([weights])
    step = tf.function(lambda gradient: optimizer.apply([gradient], [weights]), autograph=False)
    found = []
    for gradient in gradients:
        weights.assign(np.zeros(len(gradient)))  # a difference of places would have the rounding of both
        step(tf.constant(gradient, tf.float32))
        found.append(weights.numpy())
    return np.array(found)


def quiet(steps, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, 8))


def textbook(gradients, beta1):
    """How far Adam moves the weights, after arXiv:1412.6980 in float64; its running mean is kept in float32."""
    mean, square, found = np.zeros(8, np.float32), np.zeros(8), []
    for t, gradient in enumerate(np.float32(gradients), 1):
        mean += (gradient - mean) * np.float32(1 - beta1)
        square = 0.999 * square + 0.001 * np.float64(gradient) ** 2
        rate = RATE * np.sqrt(1 - 0.999**t) / (1 - beta1**t)
        found.append(-rate * np.float64(mean) / (np.sqrt(square) + 1e-7))
    return np.array(found)


def test_usual_gradients_move_the_weights_as_plain_adam_does():
    gradients = quiet(50)
    np.testing.assert_allclose(
        moves(LimitedAdam(RATE, 0.5, 4.0), gradients), textbook(gradients, 0.5), rtol=1e-5, atol=1e-8
    )


def test_a_limit_of_0_is_plain_adam_whatever_comes():
    gradients = np.concatenate([quiet(20), [np.full(8, 1e4)]])
    np.testing.assert_allclose(moves(LimitedAdam(RATE, 0.0, 0.0), gradients), textbook(gradients, 0.0), rtol=1e-6)


def test_one_hard_batch_after_a_quiet_time_moves_the_weights_by_the_limit_only():
    gradients = np.concatenate([quiet(2_000), [np.full(8, 1e4)]])
    assert np.abs(moves(keras.optimizers.Adam(RATE, 0.0), gradients)[-1]).mean() > 25 * RATE
    limited = np.abs(moves(LimitedAdam(RATE, 0.0, 4.0), gradients)[-1])
    assert 3.5 * RATE < np.sqrt(np.square(limited).mean()) < 4.5 * RATE


def test_weights_whose_gradients_were_zero_begin_to_move():
    gradients = np.concatenate([np.zeros((5, 8)), quiet(1)])
    np.testing.assert_allclose(
        moves(LimitedAdam(RATE, 0.0, 4.0), gradients)[-1], moves(LimitedAdam(RATE, 0.0, 0.0), gradients)[-1]
    )


@pytest.mark.parametrize("growth", [10.0, 1000.0])
def test_gradients_that_stay_larger_become_usual(growth):
    gradients = np.concatenate([quiet(300), growth * quiet(2_000, 1)])
    last = np.abs(moves(LimitedAdam(RATE, 0.0, 4.0), gradients)[-200:])
    assert np.sqrt(np.square(last).mean()) == pytest.approx(RATE, rel=0.3)
