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


def test_its_input_gradient_is_that_of_finite_differences(critic, rows):
    scores, gradient = critic.input_gradient(rows)
    np.testing.assert_allclose(scores, critic.scores(rows), atol=1e-6)
    step = 1e-2
    for column in range(rows.shape[0]):
        moved = tf.one_hot(column, rows.shape[0])[:, None] * step
        difference = (critic.scores(rows + moved) - critic.scores(rows - moved)) / (2 * step)
        # a leaky ReLU's kink may lie between both points
        assert np.median(np.abs(difference[0] - gradient[column])) < 1e-3


def test_the_penaltys_gradient_reaches_the_weights_through_the_input_gradient(critic, rows):
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(critic.input_gradient(rows)[1], axis=0)
    gradient, vector = tape.gradient(penalty, critic.vector).numpy(), critic.vector.numpy()
    direction = np.sign(gradient) * 1e-3
    penalties = []
    for sign in (1, -1):
        critic.vector.assign(vector + sign * direction)
        penalties.append(float(losses.gradient_penalty(critic.input_gradient(rows)[1], axis=0)))
    critic.vector.assign(vector)
    assert (penalties[0] - penalties[1]) / 2 == pytest.approx(float((gradient * direction).sum()), rel=0.02)


def test_a_sum_of_two_columns_has_the_penalty_worked_out_by_hand():
    critic = critics.Critic(CausalGraph.from_text("A; B"), width=1, layers=1)
    critic.vector.assign([1.5, 1.5, 0.0])  # of columns between -1 and 1: slope 3 in columns between 0 and 1
    _, gradient = critic.input_gradient(tf.constant([[0.2, 1.0], [0.7, 0.0]]))
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
