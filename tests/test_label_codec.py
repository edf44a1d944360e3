"""Labels of three kinds before the networks of images: encodings and losses by hand, and the bounds that are stated."""

import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from causalgan_tf.networks.codecs import REACH
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.networks.label_encoding import encode_labels

MIXED = LabelCodec([Binary(), Categorical(("a", "b", "c")), Continuous(mean=10.0, std=2.0)])
ROW = tf.constant([[1.0, 2.0, 12.0]])  # 1, c, one standard deviation above the mean
SILENT = tf.zeros([1, 5])


def test_the_generator_sees_signs_and_standard_deviations():
    assert MIXED.columns == 5
    np.testing.assert_allclose(MIXED.encode(ROW, "sign", SILENT), [[1, -1, -1, 1, 1]])
    logit = MIXED.encode(ROW, "logit", SILENT).numpy()
    np.testing.assert_allclose(logit[:, :1], encode_labels(ROW[:, :1], "logit", SILENT[:, :1]))
    np.testing.assert_allclose(logit[:, 1:], [[-1, -1, 1, 1]])


def test_a_silent_labeler_loses_the_entropy_of_three_categories_and_the_squared_deviation():
    expected = (math.log(2) + math.log(3) + 1 / (2 * 0.5**2)) / 3
    assert float(MIXED.cross_entropy(ROW, SILENT)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("squared", 0.25 + 0.5 * (4 / 9 + 2 / 9) + 1),
        ("absolute", 0.5 + 0.5 * (2 / 3 + 2 / 3) + 1),
        ("cross_entropy", math.log(2) + math.log(3) + 2),
    ],
)
def test_distances_of_a_silent_labeler(kind, expected):
    assert float(MIXED.distance(ROW, SILENT, kind)) == pytest.approx(expected / 3, rel=1e-6)


def test_a_labeler_that_is_right_loses_nothing_and_reads_the_row():
    sure = tf.constant([[50.0, -50.0, -50.0, 50.0, REACH * math.atanh(1 / REACH)]])
    assert float(MIXED.cross_entropy(ROW, sure)) == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(MIXED.read(sure), ROW, rtol=1e-6)
    assert float(MIXED.agreement(sure, ROW)) == 1.0
    # 11.5 is more than half a deviation of 2 from 10, and 10.9 is not
    near, far = (tf.constant([[1.0, 2.0, value]]) for value in (10.9, 11.5))
    right = tf.constant([[50.0, -50.0, -50.0, 50.0, 0.0]])
    assert (float(MIXED.agreement(right, near)), float(MIXED.agreement(right, far))) == (1.0, pytest.approx(2 / 3))


def test_the_error_of_a_continuous_label_is_bounded_whatever_is_said():
    kinds = LabelCodec([Continuous()])
    worst = kinds.cross_entropy(tf.constant([[-1e6]]), tf.constant([[1e6]]))
    assert float(worst) == pytest.approx((2 * REACH) ** 2 / (2 * 0.5**2))


def test_at_c_1_the_generators_terms_are_the_distance_of_the_labelers_means():
    # one image for the labels -1 and 1: generated mean 0, real mean .5
    labels = tf.constant([[-1.0], [1.0]])
    means = [tf.constant([[REACH * math.atanh(mean / REACH)]] * 2) for mean in (0.5, 0.0)]
    pleased, defeated = (LabelCodec([Continuous()]).cross_entropy(labels, mean) for mean in means)
    assert float(pleased - defeated) == pytest.approx((0.5 - 0.0) ** 2 / (2 * 0.5**2), rel=1e-5)


def test_binary_labels_have_the_papers_terms_to_the_bit():
    rng = np.random.default_rng(0)
    labels = tf.constant(rng.integers(0, 2, (7, 3)), tf.float32)
    logits = tf.constant(rng.normal(size=(7, 3)), tf.float32)
    kinds = LabelCodec([Binary()] * 3)
    assert float(kinds.cross_entropy(labels, logits)) == float(losses.label_cross_entropy(labels, logits))
    assert float(kinds.distance(labels, logits, "squared")) == float(losses.label_distance(labels, logits, "squared"))
    np.testing.assert_array_equal(kinds.encode(labels, "sign", logits), 2 * labels - 1)


def test_coins_are_fair_and_numbers_uniform_over_their_range():
    kinds = LabelCodec(MIXED.variables, np.array([[0, 1], [0, 2], [4, 20]]))
    chance = tf.constant(np.random.default_rng(1).uniform(-1, 1, (60_000, 3)), tf.float32)
    coins = kinds.random_labels(chance).numpy()
    assert coins[:, 0].mean() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose([(coins[:, 1] == place).mean() for place in range(3)], 1 / 3, atol=0.01)
    assert coins[:, 2].min() >= 4 and coins[:, 2].max() <= 20
    assert (coins[:, 2].mean(), coins[:, 2].std()) == pytest.approx((12, 16 / math.sqrt(12)), abs=0.1)
    np.testing.assert_allclose(np.corrcoef(coins, rowvar=False), np.eye(3), atol=0.02)


def test_a_smaller_deviation_makes_an_error_of_a_number_cost_more():
    labels, outputs = tf.constant([[14.0]]), tf.zeros([1, 1])
    # two deviations off the mean: 2^2 / (2 .5^2) and 2^2 / (2 .25^2)
    for deviation, loss in ((0.5, 8.0), (0.25, 32.0)):
        kinds = LabelCodec([Continuous(mean=10.0, std=2.0)], deviation=deviation)
        assert float(kinds.cross_entropy(labels, outputs)) == pytest.approx(loss)
    mixed = LabelCodec(MIXED.variables, deviation=0.25)
    rows = tf.constant([[1.0, 2.0, 10.0]])
    # discrete labels and a number that is right cost what they did
    assert float(mixed.cross_entropy(rows, tf.zeros([1, 5]))) == pytest.approx(
        float(MIXED.cross_entropy(rows, tf.zeros([1, 5])))
    )


def test_certainty_is_the_probability_of_a_label_and_falls_with_the_distance_of_a_number():
    codec = LabelCodec([Binary(), Categorical(("x", "y", "z")), Continuous(mean=100.0, std=10.0)])
    labels = tf.constant([[1.0, 2.0, 105.0]] * 4)
    sure, half, even = np.log(0.99 / 0.01), 0.5, 0.0
    outputs = [
        [sure, -9.0, -9.0, 9.0, half],  # the number is said exactly: half a deviation above the mean
        [sure, even, even, even, half],
        [-sure, -9.0, -9.0, 9.0, half],
        [9.0, -9.0, -9.0, 9.0, 1.0],  # 5 off, and 5 is the tolerance
    ]
    found = np.exp(codec.log_certainties(labels, tf.constant(outputs, tf.float32)).numpy())
    wanted = [[0.99, 1.0, 1.0], [0.99, 1 / 3, 1.0], [0.01, 1.0, 1.0], [1.0, 1.0, np.exp(-0.5)]]
    np.testing.assert_allclose(found, wanted, atol=0.03)
