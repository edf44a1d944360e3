"""Explicit mechanisms: the functional form, couplings of twins, ends; what holds for any graph: test_invariants.py."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import codecs, columns, schedule
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.normal import normal_of

ROWS = 64
MIXED = CausalGraph.from_text(
    "A -> B; A, B -> C; D -> C; E; C, E -> F; B: continuous; C: categorical(x, y, z); E: continuous(0, 2)"
)
TOTAL = columns.count(MIXED)


@pytest.fixture(scope="module", params=["written out", "looped"])
def mechanisms(request):
    patch = pytest.MonkeyPatch()
    if request.param == "looped":
        patch.setattr(schedule, "WRITTEN_OUT", 1)
    made = ExplicitController(MIXED, width=8, layers=3, seed=1)
    patch.undo()
    # mechanisms begin almost the same for all parents: ten times the weights tell settings apart
    made.vector.assign(3.0 * made.vector)
    assert (made.schedule.stacks[0].shape[0] > 1) == (request.param == "looped")
    return made


def named(mechanisms, noise):
    """The noise by node, as the functional model takes it."""
    found, used = {}, 0
    for stack, number in zip(mechanisms.schedule.stacks, mechanisms.numbers, strict=True):
        for k in stack.nodes.ravel():
            if k != schedule.EMPTY:
                node = MIXED.nodes[k]
                found[node] = tf.transpose(noise[used : used + mechanisms.codecs[node].uniforms])
            used += number
    return found


def test_the_functional_model_draws_the_same_labels(mechanisms):
    noise = mechanisms.noise(tf.range(ROWS, dtype=tf.int64) * 7_919)
    model, labels = mechanisms.functional(), mechanisms.labels(noise).numpy()
    drawn = tf.transpose(model([named(mechanisms, noise), tf.fill([ROWS, TOTAL], np.nan)]))
    np.testing.assert_allclose(drawn, labels, atol=2e-5)
    assert len(np.unique(labels, axis=1).T) > 4


def test_a_larger_probability_never_turns_a_1_into_a_0():
    uniform = tf.random.stateless_uniform([1, 1, 10_000], [0, 0], 1e-6, 1.0 - 1e-6)
    low, high = (codecs.BinaryCodec.draw(tf.fill([1, 1, 10_000], odds), uniform, None) for odds in (-0.5, 0.7))
    assert (high >= low).numpy().all() and (high > low).numpy().any()


def test_a_category_is_left_only_for_one_whose_odds_against_it_have_grown():
    uniform = tf.random.stateless_uniform([1, 3, 20_000], [0, 1], 1e-6, 1.0 - 1e-6)
    size = tf.constant([[[3.0], [1.0], [1.0]]])
    before = tf.tile(tf.constant([[[0.0], [0.3], [0.6]]]), [1, 1, 20_000])
    # x gains 1 against y and z, y loses .5 against z
    after = before + tf.constant([[[1.0], [0.0], [0.5]]])
    one, two = (tf.argmax(codecs.CategoricalCodec.draw(p, uniform, size), 1)[0].numpy() for p in (before, after))
    assert (two[one == 0] == 0).all()
    assert not (two[one == 2] == 1).any()
    assert (two[one == 1] == 2).any() and (two[one == 2] == 0).any()


def test_a_bounded_label_stays_in_its_bounds_at_both_ends_of_its_noise():
    codec = codecs.codec_of(CausalGraph.from_text("X; X: continuous(-1, 3)").variables["X"])
    outputs = np.zeros([1, codec.outputs, 4], np.float32)
    outputs[0, -2] = [-50.0, 50.0, 0.0, 0.0]
    uniform = tf.constant([[[0.5, 0.5, 1e-7, 1 - 1e-7]]])
    constants = tf.constant(np.reshape(codec.constants(), [1, -1, 1]), tf.float32)
    drawn = codec.draw(tf.constant(outputs), uniform, constants)[0, 0].numpy()
    assert drawn[:2].tolist() == [-1.0, 3.0] and (drawn >= -1.0).all() and (drawn <= 3.0).all()
    # the ends themselves have a density: a table may hold them
    ends = codec.log_probability(tf.constant(outputs[..., 2:]), tf.constant([[[-1.0, 3.0]]]), constants)
    assert np.isfinite(ends).all()


def test_fresh_mechanisms_are_nearly_the_same_for_all_parents():
    graph = CausalGraph.from_text("A -> B; A, B -> C; C: categorical(x, y, z)")
    stated = ExplicitController(graph, width=24, layers=3).probabilities("C", np.array([[0, 0], [0, 1], [1, 1]]))
    assert np.ptp(stated, axis=0).max() < 0.1


def test_normal_noise_is_the_normal_quantile_of_all_numbers_that_noise_draws():
    steps = np.concatenate([np.arange(2_000), np.arange(0, 2**23, 997), 2**23 - 1 - np.arange(2_000)])
    uniform = ((steps + 0.5) * 2.0**-23).astype(np.float32)
    np.testing.assert_allclose(normal_of(uniform), special.ndtri(uniform.astype(np.float64)), rtol=0, atol=1.3e-6)
