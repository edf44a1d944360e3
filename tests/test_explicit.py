"""Explicit mechanisms: what they state is what they draw, in every form; splines and their inverses."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import codecs, columns, schedule, spline
from causalgan_tf.networks.explicit import ExplicitController

ROWS = 200_000
MIXED = CausalGraph.from_text(
    "A -> B; A, B -> C; D -> C; E; C, E -> F; B: continuous; C: categorical(x, y, z); E: continuous(0, 2)"
)
FIRST, TOTAL = columns.offsets(MIXED.variables)


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


@pytest.fixture(scope="module")
def drawn(mechanisms):
    noise = mechanisms.noise(tf.range(ROWS, dtype=tf.int64) * 7_919)
    return noise, mechanisms.labels(noise).numpy()


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


def test_the_functional_model_draws_the_same_labels(mechanisms, drawn):
    noise, labels = drawn[0][:, :64], drawn[1][:, :64]
    model = mechanisms.functional()
    np.testing.assert_allclose(tf.transpose(model([named(mechanisms, noise), tf.fill([64, TOTAL], np.nan)])), labels)


def test_do_moves_descendants_and_leaves_the_rest_exactly_equal(mechanisms, drawn):
    noise, before = drawn
    do = np.full((TOTAL, 1), np.nan, np.float32)
    do[FIRST["B"]] = 2.5
    after = mechanisms.labels(noise, tf.constant(do)).numpy()
    assert (after[FIRST["B"]] == 2.5).all()
    others = [FIRST[node] for node in "ADE"]
    np.testing.assert_array_equal(before[others], after[others])
    assert (before[FIRST["C"] :] != after[FIRST["C"] :]).any()


def test_what_is_drawn_has_the_frequencies_that_are_stated(mechanisms, drawn):
    noise, _ = drawn
    for cell in ([0, 1.0, 1], [1, -0.5, 0]):
        do = np.full((TOTAL, 1), np.nan, np.float32)
        for node, value in zip(MIXED.parents["C"], cell, strict=True):
            do[FIRST[node]] = value
        shares = mechanisms.labels(noise, tf.constant(do)).numpy()[FIRST["C"] : FIRST["C"] + 3].mean(1)
        stated = mechanisms.probabilities("C", np.array([cell]))[0]
        assert stated.sum() == pytest.approx(1.0, abs=1e-12) and stated.min() > 0.005
        # five standard deviations of a binomial share
        assert (np.abs(shares - stated) < 5.0 * np.sqrt(stated * (1.0 - stated) / ROWS)).all()
    share, stated = drawn[1][FIRST["A"]].mean(), mechanisms.probabilities("A", np.zeros([1, 0]))[0, 1]
    assert abs(share - stated) < 5.0 * np.sqrt(stated * (1.0 - stated) / ROWS)


def test_log_probabilities_are_those_that_are_stated_and_densities_have_mass_1(mechanisms):
    grid = np.linspace(-12.0, 12.0, 4_001, dtype=np.float32)
    rows = np.zeros([TOTAL, len(grid)], np.float32)
    rows[FIRST["C"]] = 1.0
    rows[FIRST["B"]] = grid
    rows[FIRST["E"]] = (np.linspace(0.0, 2.0, len(grid)) - MIXED.variables["E"].mean) / MIXED.variables["E"].std
    found = {}
    parts = mechanisms.log_probability(mechanisms.seen(tf.constant(rows)))
    for stack, part in zip(mechanisms.schedule.stacks, parts, strict=True):
        found |= {MIXED.nodes[k]: row.numpy() for k, row in zip(stack.nodes.ravel(), part, strict=True) if k >= 0}
    middle = len(grid) // 2
    setting = [[rows[FIRST[p], middle] for p in MIXED.parents["C"]]]
    assert found["C"][middle] == pytest.approx(np.log(mechanisms.probabilities("C", np.array(setting))[0, 0]), abs=1e-5)
    assert np.trapezoid(np.exp(found["B"]), grid) == pytest.approx(1.0, abs=2e-3)
    # a thousandth of the logit's range lies at each end, where the label itself is drawn
    assert np.trapezoid(np.exp(found["E"]), rows[FIRST["E"]]) == pytest.approx(1.0, abs=0.02)


def test_a_bounded_number_stays_between_its_bounds(mechanisms, drawn):
    values = columns.decode(list(MIXED.variables.values()), tf.constant(drawn[1])).numpy()[MIXED.index("E")]
    assert values.min() >= 0.0 and values.max() <= 2.0 and values.std() > 0.05


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


def test_a_spline_and_its_inverse_undo_each_other_and_its_slope_is_the_derivative():
    rng = np.random.default_rng(0)
    parameters = tf.constant(rng.normal(size=(3, spline.PARAMETERS, 1_000)), tf.float32)
    x = tf.constant(np.sort(rng.normal(scale=2.0, size=(3, 1_000))), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_slope = spline.forward(x, parameters)
    np.testing.assert_allclose(tf.math.log(tape.gradient(y, x)), log_slope, atol=1e-4)
    again, _ = spline.forward(spline.inverse(y, parameters), parameters)
    np.testing.assert_allclose(again, y, atol=1e-4)
    one = tf.repeat(parameters[:, :, :1], 1_000, 2)
    assert (np.diff(spline.forward(x, one)[0].numpy()) >= 0.0).all()


def test_a_spline_of_zeros_and_the_tails_of_any_are_the_identity():
    x = tf.constant([[-9.0, -3.3, 0.0, 1.7, 5.0]])
    np.testing.assert_allclose(spline.forward(x, tf.zeros([1, spline.PARAMETERS, 5]))[0], x, atol=1e-5)
    bent = tf.ones([1, spline.PARAMETERS, 5]) * tf.range(spline.PARAMETERS, dtype=tf.float32)[None, :, None] / 10.0
    y, log_slope = spline.forward(x, bent)
    np.testing.assert_array_equal(y.numpy()[0, [0, 4]], [-9.0, 5.0])
    assert log_slope.numpy()[0, 0] == 0.0 and abs(y.numpy()[0, 2]) > 0.05
