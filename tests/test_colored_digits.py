"""The coloured digits: the diagonal support, exact colours, full support for the judge, no leakage."""

import dataclasses

import numpy as np
import pytest

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import load
from causalgan_tf.data.colored_digits import LABELS, PALETTE, law, nearest_colour, render
from causalgan_tf.data.written_digits import picked, pools, written_digits
from causalgan_tf.errors import InputError

CONFIG = DataConfig(
    dataset="colored_digits",
    graph="colored_digits",
    image_size=16,
    train_images=300,
    test_images=40,
    uniform_images=2_000,
    label_rows=5_000,
)


@pytest.fixture(scope="module")
def dataset():
    return load(CONFIG, seed=2)


def pairs(labels):
    return {(int(digit), int(colour)) for digit, colour in labels}


DIAGONAL = {(digit, (digit + step) % 10) for digit in range(10) for step in (0, 1)}


def test_a_digit_is_seen_in_its_own_colour_and_the_next_alone(dataset):
    assert dataset.graph.nodes == LABELS == ("digit", "colour")
    assert pairs(dataset.label_rows) == pairs(dataset.train.labels) == DIAGONAL >= pairs(dataset.test.labels)
    for column in dataset.label_rows.T:
        np.testing.assert_allclose(np.bincount(column) / len(column), 0.1, atol=0.02)


def test_the_judge_trains_on_all_hundred_pairs(dataset):
    assert len(pairs(dataset.uniform.labels)) == 100
    assert len(dataset.uniform) == 2_000 and len(dataset.uniform_test) == 40


def test_do_of_a_colour_leaves_the_digit_uniform_and_asks_for_unseen_pairs(dataset):
    rows = dataset.law.sample(20_000, 0, {"colour": "red"})
    np.testing.assert_allclose(np.bincount(rows[:, 0]) / len(rows), 0.1, atol=0.01)
    assert dataset.law.probability({"digit": "0"}, given={"colour": "red"}) == pytest.approx(0.5)
    assert dataset.law.probability({"digit": "5"}, given={"colour": "red"}) == 0
    joint = law().joint()
    assert np.count_nonzero(joint) == 20 and joint.max() == pytest.approx(0.05)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_pictures_have_their_colour_exactly_and_at_full_ink(size):
    colours = np.repeat(np.arange(10), 30)
    images = render(colours, np.random.default_rng(0).integers(0, 1797, 300), size)
    assert images.shape == (300, size, size, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images.max(axis=(1, 2)), PALETTE[colours])
    np.testing.assert_array_equal(nearest_colour(images), colours)
    assert not images[:, 0].any() and not images[:, :, -1].any()


def test_noise_does_not_change_what_colour_is_measured():
    rng, colours = np.random.default_rng(1), np.repeat(np.arange(10), 20)
    images = render(colours, rng.integers(0, 1797, 200), 16) + rng.normal(0, 15, (200, 16, 16, 3))
    assert (nearest_colour(np.clip(images, 0, 255).astype(np.uint8)) == colours).mean() > 0.99
    assert np.isfinite(nearest_colour(np.zeros((1, 16, 16, 3), np.uint8))).all()


def test_a_shrunken_picture_is_the_written_digit():
    white = render(np.full(50, 8), np.arange(50), 32)[..., 0].astype(float)
    # 28 of 32 pixels hold the 8 cells
    cells = white[:, 2:-2, 2:-2].reshape(50, 28, 28)[:, 1::3][:, :, 1::3]
    digits = written_digits()[1][:50]
    small = np.stack([digits[:, (3 * k + 1) * 8 // 28] for k in range(9)], 1)
    small = np.stack([small[:, :, (3 * k + 1) * 8 // 28] for k in range(9)], 2)
    correlation = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(cells[:, :9, :9], small, strict=True)]
    assert min(correlation) > 0.7


def test_no_written_digit_is_trained_on_and_tested_by(dataset):
    train, test = pools(seed=5)
    assert sorted(np.concatenate([*train, *test])) == list(range(1797))
    digit = np.repeat(np.arange(10), 20)
    numbers = picked(digit, test, seed=1)
    assert set(numbers) <= set(np.concatenate(test))
    np.testing.assert_array_equal(written_digits()[0][numbers], digit)
    # greys tell written digits apart whatever their colour
    shapes = [
        {image.tobytes() for image in np.rint(part.images.max(axis=3) / part.images.max((1, 2, 3))[:, None, None] * 9)}
        for part in (dataset.train, dataset.test)
    ]
    assert not shapes[0] & shapes[1]


def test_true_images_under_do_keep_the_written_digit_of_the_seed(dataset):
    labels = np.array([[3, 0], [3, 8]])
    one, other = (dataset.render(row[None], 9)[0] for row in labels)
    np.testing.assert_allclose(one.max(axis=2) / 230.0, other.max(axis=2) / 255.0, atol=0.01)


def test_a_graph_over_one_label_or_in_the_other_order_has_its_own_columns():
    few = dataclasses.replace(CONFIG, train_images=50, test_images=8, uniform_images=8, label_rows=500)
    turned = load(dataclasses.replace(few, graph="colour -> digit"), seed=2)
    assert turned.graph.nodes == ("colour", "digit") and turned.law is None
    assert pairs(turned.train.labels[:, ::-1]) <= DIAGONAL
    np.testing.assert_array_equal(nearest_colour(turned.train.images), turned.train.labels[:, 0])
    np.testing.assert_array_equal(nearest_colour(turned.render(turned.uniform.labels, 1)), turned.uniform.labels[:, 0])
    assert set(turned.sample_labels(400, {"colour": "red"}, 1)[:, 1]) == set(range(10))
    alone = load(dataclasses.replace(few, graph="colour;"), seed=2)
    assert alone.render is None and alone.train.labels.shape == (50, 1)
    assert load(few, seed=2, labels_only=True).train is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"graph": "digt -> colour"}, "'digt' is no label of colored_digits. Did you mean 'digit'"),
        ({"graph": "digit -> colour; colour: continuous"}, "in colored_digits colour is categorical"),
        ({"channels": 1}, "colored_digits draws colour images: it needs --channels=3"),
        ({"image_size": 8}, "image_size: expected .*16"),
        ({"image_size": 24}, "image_size: expected a power of two, got 24"),
    ],
)
def test_what_the_coloured_digits_lack_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        load(dataclasses.replace(CONFIG, **change), seed=0, labels_only=True)
