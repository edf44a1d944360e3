"""The built-in digits: their causal model by its moments, exact do-images, measures with a known error, no leakage."""

import dataclasses

import numpy as np
import pytest

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import load
from causalgan_tf.data.morpho_digits import LABELS, MEASURES, render, sample
from causalgan_tf.data.morpho_digits.strokes import digits, thinned
from causalgan_tf.data.written_digits import pools
from causalgan_tf.errors import InputError

CONFIG = DataConfig(
    dataset="morpho_digits",
    graph="morpho_digits",
    channels=1,
    train_images=60,
    test_images=40,
    uniform_images=50,
    label_rows=20_000,
)


@pytest.fixture(scope="module")
def dataset():
    return load(CONFIG, seed=2)


def test_the_labels_have_the_moments_of_their_causal_model(dataset):
    assert LABELS == ("digit", "thickness", "slant", "intensity")
    digit, thickness, slant, intensity = dataset.label_rows.T
    # .5 + 10 / 5, 10 / 25
    assert (thickness.mean(), thickness.var()) == pytest.approx((2.5, 0.4), rel=0.05)
    assert slant.std() == pytest.approx(np.sqrt(144 * 0.4 + 36), rel=0.05)
    assert np.polyfit(thickness, slant, 1) == pytest.approx([12, -30], abs=0.5)
    assert intensity.min() > 64 and intensity.max() < 255 and np.median(intensity) == pytest.approx(153.5, abs=6)
    assert np.corrcoef(digit, thickness)[0, 1] == pytest.approx(0, abs=0.03)
    np.testing.assert_allclose([(digit == value).mean() for value in range(10)], 0.1, atol=0.01)
    kind = dataset.graph.variables["thickness"]
    assert (kind.mean, kind.std) == pytest.approx((thickness.mean(), thickness.std()), rel=1e-4)


def test_an_intervention_moves_effects_and_nothing_else(dataset):
    plain = sample(500, seed=1)
    slanted, thick = sample(500, seed=1, do={"slant": 5}), sample(500, seed=1, do={"thickness": 3, "digit": "7"})
    np.testing.assert_array_equal(slanted[:, [0, 1, 3]], plain[:, [0, 1, 3]])
    assert (slanted[:, 2] == 5).all() and (thick[:, :2] == [7, 3]).all()
    # the noise of the slant is kept: 12 degrees for each unit of thickness
    np.testing.assert_allclose(thick[:, 2] - plain[:, 2], 12 * (3 - plain[:, 1]), atol=1e-4)
    np.testing.assert_array_equal(dataset.sample_labels(500, {"slant": 5}, 1), slanted)


def test_thinning_leaves_the_middle_line_of_a_bar():
    bar = np.zeros((1, 9, 15), bool)
    bar[0, 3:6, 2:13] = True
    line = thinned(bar)[0]
    assert line.sum() >= 8 and line[4].sum() == line.sum()


def test_centre_lines_are_upright_and_inside_the_picture():
    kinds, lines = digits()
    assert kinds.shape == (1797,) and lines.shape[::2] == (1797, 2) and np.bincount(kinds).min() == 174
    assert np.abs(lines).max() < 12


def test_a_picture_is_a_function_of_its_row_and_intensity_scales_it():
    labels = np.array([[2.5, 10, 200], [2.5, 10, 100], [4, 10, 200]])
    images = render(labels, np.array([5, 5, 5]))
    np.testing.assert_array_equal(render(labels[1:2], np.array([5]))[0], images[1])
    assert images.shape == (3, 32, 32, 1) and images[0].max() == 200
    np.testing.assert_allclose(images[1], images[0] / 2.0, atol=0.5)
    assert (images[2] >= images[0]).all() and images[2].sum() > 1.2 * images[0].sum()


@pytest.mark.parametrize("size", [32, 64])
def test_measures_read_rendered_pictures_with_the_stated_errors(size):
    labels = sample(400, seed=3)[:, 1:]
    images = render(labels, np.random.default_rng(0).integers(0, 1797, 400), size)
    errors = {name: np.abs(MEASURES[name](images) - labels[:, k]).mean() for k, name in enumerate(LABELS[1:])}
    assert errors["thickness"] < 0.12 and errors["slant"] < 1.0 and errors["intensity"] < 0.5
    np.testing.assert_allclose(MEASURES["slant"](np.repeat(images, 3, axis=3)), MEASURES["slant"](images))


def test_an_empty_picture_is_measured_without_complaint():
    assert all(np.isfinite(measure(np.zeros((2, 32, 32, 1), np.uint8))).all() for measure in MEASURES.values())


def test_no_written_digit_is_trained_on_and_tested_by(dataset):
    train, test = pools(seed=5)
    assert all(len(pool) > 30 for pool in test)
    assert sorted(np.concatenate([*train, *test])) == list(range(1797))
    parts = (dataset.train, dataset.test, dataset.uniform, dataset.uniform_test)
    for images in parts:
        assert images.images.dtype == np.uint8 and images.labels.dtype == np.float32
    assert [len(part) for part in (dataset.train, dataset.test, dataset.uniform, dataset.uniform_test)] == [
        60,
        40,
        50,
        40,
    ]
    again = load(CONFIG, seed=2)
    np.testing.assert_array_equal(again.test.images, dataset.test.images)
    np.testing.assert_array_equal(again.label_rows, dataset.label_rows)


def test_true_images_under_do_keep_the_noise_of_the_seed(dataset):
    labels = dataset.test.labels[:8].copy()
    labels[:, 3] = 200
    images = dataset.render(labels, 9)
    labels[:, 3] = 100
    np.testing.assert_allclose(dataset.render(labels, 9), images / 2.0, atol=0.5)


def test_another_graph_over_some_of_the_labels_has_its_own_columns():
    few = dataclasses.replace(CONFIG, graph="slant -> thickness", train_images=8, test_images=8, uniform_images=8)
    found = load(few, seed=2)
    assert (
        found.graph.nodes == ("slant", "thickness")
        and found.render is None
        and set(found.measures)
        == {
            "slant",
            "thickness",
        }
    )
    np.testing.assert_allclose(found.measures["slant"](found.train.images), found.train.labels[:, 0], atol=5)
    only = load(dataclasses.replace(few, graph="digit;"), seed=2, labels_only=True)
    assert only.label_rows.dtype == np.uint8 and only.train is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"graph": "thicknes -> slant"}, "'thicknes' is no label of morpho_digits. Did you mean 'thickness'"),
        ({"graph": "digit: continuous"}, "in morpho_digits digit is categorical"),
        ({"channels": 3}, "morpho_digits draws grey images: it needs --channels=1"),
    ],
)
def test_what_the_digits_lack_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        load(dataclasses.replace(CONFIG, **change), seed=0, labels_only=True)
