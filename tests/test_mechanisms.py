"""The controller's networks: one function, written twice; and what do() may touch."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.graph import CausalGraph
from causalgan_tf.networks import mechanisms as nets

GRAPH = CausalGraph.from_text("A -> B; A, B -> C; D -> C; E")
SIZE, ROWS = 3, 16


@pytest.fixture(scope="module")
def generator():
    return nets.label_generator(GRAPH, noise_size=SIZE, width=4, layers=3, seed=1)


@pytest.fixture(scope="module")
def noise():
    return {node: np.random.default_rng(k).uniform(-1, 1, (ROWS, SIZE)) for k, node in enumerate(GRAPH.nodes)}


def draw(generator, noise, **do):
    values = np.full((ROWS, len(GRAPH)), np.nan, np.float32)
    for node, value in do.items():
        values[:, GRAPH.index(node)] = value
    return generator(
        [{node: tf.constant(part, tf.float32) for node, part in noise.items()}, tf.constant(values)]
    ).numpy()


def test_the_functional_model_and_the_batch_last_form_give_the_same_labels(generator, noise):
    do = np.full((len(GRAPH), 1), np.nan, np.float32)
    do[GRAPH.index("B")] = 1.0
    flat = np.concatenate([noise[node].T for node in GRAPH.nodes]).astype(np.float32)
    for values, expected in ((None, draw(generator, noise)), (do, draw(generator, noise, B=1))):
        labels = nets.draw_labels(GRAPH, nets.mechanisms(generator, GRAPH), tf.constant(flat), values)
        np.testing.assert_allclose(tf.transpose(labels), expected, atol=1e-6)


def test_do_sets_its_node_moves_descendants_and_leaves_the_rest_exactly_equal(generator, noise):
    before, after = draw(generator, noise), draw(generator, noise, B=1)
    assert (after[:, GRAPH.index("B")] == 1.0).all()
    assert (before[:, GRAPH.index("C")] != after[:, GRAPH.index("C")]).all()
    others = [GRAPH.index(node) for node in "ADE"]
    np.testing.assert_array_equal(before[:, others], after[:, others])


def test_a_label_depends_on_its_own_noise_and_its_ancestors_alone(generator, noise):
    before = draw(generator, noise)
    after = draw(generator, noise | {"D": noise["D"] + 0.5})
    moved = (before != after).any(0)
    assert set(np.array(GRAPH.nodes)[moved]) == {"C", "D"}


def test_the_critics_written_out_gradient_is_its_gradient():
    critic = nets.critic(4, width=5, layers=3, seed=2)
    x = tf.constant(np.random.default_rng(0).uniform(0, 1, (4, 12)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        expected = critic(tf.transpose(x))
    scores, slope = nets.score_and_slope(nets.dense_layers(critic), x, rows=5)
    np.testing.assert_allclose(tf.transpose(scores), expected, atol=1e-6)
    np.testing.assert_allclose(slope, tape.gradient(expected, x)[:, -5:], atol=1e-6)
    np.testing.assert_allclose(nets.score(nets.dense_layers(critic), x), scores, atol=1e-6)
