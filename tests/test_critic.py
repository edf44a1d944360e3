"""The critic: its gradients by finite differences, its products and its penalty by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import critic as critics

GRAPH = CausalGraph.from_text("A -> B; A, B -> C; C -> D; C: categorical(x, y, z); D: continuous")
ROWS = 5


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda order: f"order {order}")
def critic(request):
    return critics.Critic(GRAPH, width=4, layers=3, order=request.param, seed=2)


@pytest.fixture(scope="module")
def rows():
    return tf.constant(np.random.default_rng(0).uniform(0, 1, (6, 3 * ROWS)), tf.float32)


def input_gradient(critic, rows):
    """What automatic differentiation finds."""
    with tf.GradientTape() as tape:
        tape.watch(rows)
        scores = critic.scores(rows)
    return tape.gradient(scores, rows)


def loss(scores, slopes):
    return tf.reduce_mean(scores**2) + losses.gradient_penalty(slopes, axis=0)


def test_its_input_gradient_is_that_of_finite_differences(critic, rows):
    (_, gradient), step = seen(critic, rows), 1e-2
    for column in range(rows.shape[0]):
        moved = tf.one_hot(column, rows.shape[0])[:, None] * step
        difference = (critic.scores(rows + moved) - critic.scores(rows - moved)) / (2 * step)
        # a leaky ReLU's kink may lie between both points
        assert np.median(np.abs(difference[0] - gradient[column])) < 1e-3


def seen(critic, rows):
    """The scores of all rows and the input gradients of all rows, as the loss meets them."""
    met = []
    critic.loss_gradient(rows, rows, lambda *parts: met.extend(parts) or tf.reduce_sum(parts[1]))
    np.testing.assert_allclose(met[0], critic.scores(rows), atol=1e-6)
    return met


def test_its_loss_gradient_is_that_of_automatic_differentiation(critic, rows):
    fixed, between = rows[:, : 2 * ROWS], rows[:, 2 * ROWS :]
    value, gradient = critic.loss_gradient(fixed, between, loss)
    with tf.GradientTape() as tape:
        expected = loss(critic.scores(fixed), input_gradient(critic, between))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, tape.gradient(expected, critic.vector), atol=1e-5)


def test_a_loss_of_scores_alone_has_the_gradient_of_the_scores(critic, rows):
    _, gradient = critic.loss_gradient(rows, rows[:, :ROWS], lambda scores, slopes: tf.reduce_sum(scores))
    with tf.GradientTape() as tape:
        scores = tf.reduce_sum(critic.scores(rows))
    np.testing.assert_allclose(gradient, tape.gradient(scores, critic.vector), atol=1e-5)


def test_the_penaltys_gradient_is_that_of_finite_differences(critic, rows):
    def penalty():
        return critic.loss_gradient(rows, rows, lambda scores, slopes: losses.gradient_penalty(slopes, axis=0))

    gradient, vector = penalty()[1].numpy(), critic.vector.numpy()
    direction = np.sign(gradient) * 1e-3
    penalties = []
    for sign in (1, -1):
        critic.vector.assign(vector + sign * direction)
        penalties.append(float(penalty()[0]))
    critic.vector.assign(vector)
    assert (penalties[0] - penalties[1]) / 2 == pytest.approx(float((gradient * direction).sum()), rel=0.02)


def test_a_sum_of_two_columns_has_the_penalty_worked_out_by_hand():
    critic = critics.Critic(CausalGraph.from_text("A; B"), width=1, layers=1)
    critic.vector.assign([1.5, 1.5, 0.0])  # of columns between -1 and 1: slope 3 in columns between 0 and 1
    _, gradient = seen(critic, tf.constant([[0.2, 1.0], [0.7, 0.0]]))
    penalty = losses.gradient_penalty(gradient, axis=0)
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
