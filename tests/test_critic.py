"""The critic's written-out gradients are those of automatic differentiation."""

import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.graph import CausalGraph
from causalgan_tf.networks import critic as critics
from causalgan_tf.networks import mechanisms as nets

GRAPH = CausalGraph.from_text("A -> B; A, B -> C; C -> D; C: categorical(x, y, z); D: continuous")
ROWS = 5


def scores_of(critic, vector, rows):
    """The same perceptron in operations that TensorFlow differentiates."""
    h = critic._features(rows)
    *hidden, (kernel, bias) = nets.unpack(vector, critic.shapes)[0]
    for k, b in hidden:
        h = tf.nn.leaky_relu(k @ h + b[:, None], nets.SLOPE)
    return kernel @ h + bias[:, None]


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda order: f"order {order}")
def critic(request):
    return critics.Critic(GRAPH, width=4, layers=3, order=request.param, seed=2)


@pytest.fixture(scope="module")
def rows():
    return tf.constant(np.random.default_rng(0).uniform(0, 1, (6, 3 * ROWS)), tf.float32)


def test_its_slope_is_the_gradient_of_its_scores(critic, rows):
    with tf.GradientTape() as tape:
        tape.watch(rows)
        expected = scores_of(critic, critic.vector, rows)
    scores, slope = critic.slope(rows)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    np.testing.assert_allclose(critic.scores(rows), expected, atol=1e-6)
    np.testing.assert_allclose(slope, tape.gradient(expected, rows), atol=1e-6)


def test_the_gradient_of_the_penalised_loss_is_that_of_automatic_differentiation(critic, rows):
    fixed, between = rows[:, : 2 * ROWS], rows[:, 2 * ROWS :]

    def loss(scores, slopes):
        distance = losses.wasserstein_critic(scores[:, ROWS:], scores[:, :ROWS])
        return distance + 0.7 * losses.gradient_penalty(slopes, axis=0)

    value, gradient = critic.gradient(fixed, between, loss)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(between)
            scores = scores_of(critic, critic.vector, between)
        expected = loss(scores_of(critic, critic.vector, fixed), inner.gradient(scores, between))
    np.testing.assert_allclose(value, expected, atol=1e-6)
    np.testing.assert_allclose(gradient, outer.gradient(expected, critic.vector), atol=1e-5)


def test_a_sum_of_two_columns_has_the_penalty_worked_out_by_hand():
    critic = critics.Critic(CausalGraph.from_text("A; B"), width=1, layers=1)
    critic.vector.assign([1.5, 1.5, 0.0])  # of columns between -1 and 1: slope 3 in columns between 0 and 1
    _, slope = critic.slope(tf.constant([[0.2, 1.0], [0.7, 0.0]]))
    penalty = losses.gradient_penalty(slope, axis=0)
    assert float(penalty) == pytest.approx((3 * math.sqrt(2) - 1) ** 2, rel=1e-6)


def test_products_are_those_of_labels_of_one_family():
    pairs = critics.products(CausalGraph.from_text("A -> C; B -> C; C -> D"), 2)
    assert sorted(map(tuple, pairs.T.tolist())) == [(0, 1), (0, 2), (1, 2), (2, 3)]
    triples = critics.products(CausalGraph.from_text("A -> C; B -> C; C -> D"), 3)
    assert (0, 1, 2) in map(tuple, triples.T.tolist()) and triples.shape == (3, 5)
    assert critics.products(GRAPH, 1).size == 0


def test_the_critic_sees_a_product_of_centred_columns():
    critic = critics.Critic(CausalGraph.from_text("A -> B"), width=2, layers=2, order=2)
    features = critic._features(tf.constant([[0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(features, [[-1, 1, 0], [-1, -1, 1], [1, -1, 0]])
