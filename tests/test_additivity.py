"""Additivity: which rows add up to one of an unseen cell, and when their images do."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_gan import CORNER_MISSING

from causalgan_tf.data.dataset import observed_cells
from causalgan_tf.graphs.cells import added_up, cells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.learners.additivity import FEW, SURE, Additivity
from causalgan_tf.networks.label_codec import LabelCodec


def of(text, rows):
    graph, rows = CausalGraph.from_text(text), np.array(rows, np.float32)
    return Additivity(LabelCodec(graph.variables.values(), cells=observed_cells(graph, rows)))


def found(additivity, *rows):
    sums = additivity.sums(tf.constant(rows, tf.float32))
    return sums.rows.numpy().tolist(), sums.labels.numpy().tolist()


def test_rows_of_seen_cells_have_no_sum():
    assert found(of("A; B", [[0, 0], [1, 0], [0, 1]]), [0, 0], [1, 0], [0, 1]) == ([], [])


def test_the_example_that_differs_least_is_taken():
    # (1, 1, 0) lacks; changing A gives (0, 1, 0); rows with A = 1 whose change is seen too: (1, 0, 0), (1, 0, 1)
    seen = [[0, 1, 0], [1, 0, 1], [1, 0, 1], [0, 0, 1], [1, 0, 0], [0, 0, 0]]
    rows, three = found(of("A; B; C", seen), [0, 0, 0], [1, 1, 0])
    assert rows == [1]
    # A or B may be the label that is changed, the sum is the same: the first two may change places
    first, second, third = three[0]
    assert sorted([first, second]) == [[0, 1, 0], [1, 0, 0]] and third == [0, 0, 0]


def test_a_category_is_changed_to_its_most_frequent_other_value():
    seen = [[0, 0], [0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]
    rows, three = found(of("A; B: categorical(x, y, z)", seen), [1, 2])
    assert rows == [0]
    first, second, third = three[0]
    assert sorted([first, second]) == [[0, 2], [1, 0]] and third == [0, 0]


def test_all_values_of_a_category_are_tried():
    # digit i is seen in colours i and i + 1: (0, 2) is (0, 1) + (1, 2) - (1, 1), and no other value of either adds up
    seen = np.array([[digit, (digit + further) % 5] for digit in range(5) for further in (0, 1)])
    digits = of("D: categorical(0, 1, 2, 3, 4); C: categorical(0, 1, 2, 3, 4)", seen)
    every = cells((5, 5)).astype(np.float32)
    rows, three = found(digits, *every)
    unseen = [(digit, (digit + further) % 5) for digit in range(5) for further in (2, 4)]
    assert {tuple(every[row].astype(int).tolist()) for row in rows} == set(unseen)
    assert len(rows) == added_up(digits.codec.cells) == 10
    for row, (first, second, third) in zip(every[rows], three, strict=True):
        assert [*map(sum, zip(first, second, strict=True))] == [*map(sum, zip(row, third, strict=True))]
        assert all((np.array([first, second, third])[:, None] == seen).all(2).any(1))


def test_numbers_are_never_changed_and_tables_of_numbers_have_no_sums():
    rng = np.random.default_rng(0)
    numbers = of("X: continuous(0, 1); Y: continuous(0, 1)", rng.normal(size=[40, 2]))
    assert not numbers.usable.any() and found(numbers, [9.0, -9.0]) == ([], [])
    seen = [[0, 0, -1.0], [1, 0, -1.0], [0, 1, -1.0], [0, 0, 1.0], [1, 0, 1.0], [0, 1, 1.0]] * 4
    rows, three = found(of("A; B; X: continuous(0, 1)", seen), [1, 1, 0.9])
    assert rows == [0] and {row[2] for row in three[0][1:]} == {1.0} and three[0][0][2] == pytest.approx(0.9)


def test_a_row_far_from_every_seen_cell_has_no_sum():
    assert found(of("A; B; C", [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]), [1, 1, 1]) == ([], [])


def images_by(additive):
    """A drawing of labels (A, B, C): A lights the left half, B the right one if they add up, else the left one too."""

    def draw(labels, z):
        a, b = labels[:, 0], labels[:, 1]
        left = a if additive else tf.maximum(a, b)
        right = b if additive else tf.zeros_like(b)
        halves = tf.stack([left, right], 1) - 0.5
        return tf.repeat(tf.repeat(halves[:, None, :, None], 2, 1), 3, 3)

    return draw


def test_the_error_of_the_sum_is_nought_and_that_of_another_image_its_mean_square():
    additivity, labels = Additivity(CORNER_MISSING, weight=3.0), tf.constant([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    draw = images_by(additive=True)
    right = draw(labels, None)
    assert float(additivity.loss(labels, tf.zeros([2, 4]), right, draw)) == 0.0
    # half a grey step off in one of two rows
    assert float(additivity.loss(labels, tf.zeros([2, 4]), right - 0.5, draw)) == pytest.approx(3.0 * 0.25 / 2)


def test_what_adds_up_is_drawn_with_the_rows_own_noise():
    asked = []

    def draw(labels, z):
        asked.append(z.numpy())
        return tf.zeros([len(labels), 2, 2, 3])

    labels, z = tf.constant([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), tf.constant([[0.1], [0.2], [0.3]])
    Additivity(CORNER_MISSING).loss(labels, z, tf.zeros([3, 2, 2, 3]), draw)
    np.testing.assert_allclose(asked[0][:, 0], np.repeat([0.2, 0.3], 3))


def test_a_batch_without_unseen_cells_has_no_error_and_draws_nothing():
    def draw(labels, z):
        raise AssertionError("nothing is to be drawn")

    labels = tf.constant([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert float(Additivity(CORNER_MISSING).loss(labels, tf.zeros([2, 4]), tf.ones([2, 2, 2, 3]), draw)) == 0.0


@pytest.mark.parametrize(
    ("certainty", "weight"), [(0.3, 0.0), (SURE, 0.0), (0.5 * (1.0 + SURE), 0.5), (1.0 - 1e-7, 1.0)]
)
def test_a_sum_counts_by_the_label_that_the_labeler_is_least_certain_of(certainty, weight):
    labels, images = tf.constant([[1.0, 1.0, 0.0]]), tf.zeros([1, 2, 2, 3])
    read_of = []

    def read(sums):
        read_of.append(sums.numpy())
        return tf.constant([[9.0, np.log(certainty / (1.0 - certainty)), -9.0]])

    found = Additivity(CORNER_MISSING).loss(labels, tf.zeros([1, 4]), images, images_by(additive=True), read)
    assert float(found) == pytest.approx(0.25 * min(weight, (0.9998766 - SURE) / (1 - SURE)), abs=1e-4)
    np.testing.assert_array_equal(read_of[0], np.full([1, 2, 2, 3], 0.5))  # the sum, and not the row's own image


def test_cells_with_many_images_come_before_a_row_that_differs_less():
    # (1, 1, 0) lacks; its nearest three are (0, 1, 0), (1, 0, 0), (0, 0, 0); those with C = 1 have more images
    many = [[0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]] * FEW
    _, three = found(of("A; B; C", [*many, [1, 0, 0]]), [1, 1, 0])
    assert three[0] == [[0, 1, 0], [1, 0, 1], [0, 0, 1]]
    _, three = found(of("A; B; C", [*many, *[[1, 0, 0]] * FEW]), [1, 1, 0])
    assert three[0][2] == [0, 0, 0]
    # cells with few images are better than none
    assert found(of("A; B; C", [[0, 1, 0], [1, 0, 0], [0, 0, 0]]), [1, 1, 0])[0] == [0]


@pytest.mark.parametrize(
    ("of_sum", "weight"),
    [([0.45, 0.8, 0.2], 0.5), ([0.9, 0.6, 0.2], 0.75), ([0.99, 0.99, 0.2], 1.0)],
)
def test_a_relative_sum_counts_by_how_clearly_it_shows_what_the_added_images_show(of_sum, weight):
    # A = 1 comes from the second image, B = 1 from the first; of C, equal in all, nothing is asked
    labels, three = tf.constant([[1.0, 1.0, 0.0]]), tf.constant([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    chances = {0: of_sum, 1: [0.1, 0.8, 0.9], 2: [0.9, 0.3, 0.9]}

    def read(images):
        p = np.array(chances[int(images[0, 0, 0, 0])])
        p = np.where(labels[0] > 0.5, p, 1.0 - p)
        return tf.constant([np.log(p / (1.0 - p))], tf.float32)

    the_sum, first, second = (tf.fill([1, 2, 2, 3], float(name)) for name in chances)
    drawn = tf.stack([first, second, first], 1)
    found = Additivity(CORNER_MISSING, relative=True).trust(labels, three, the_sum, drawn, read)
    np.testing.assert_allclose(found, [weight], atol=1e-5)


def test_a_training_weighs_sums_by_what_its_labeler_says_of_all_three():
    labels, images = tf.constant([[1.0, 1.0, 0.0]]), tf.zeros([1, 2, 2, 3])
    asked = []

    def read(shown):
        asked.append(shown.numpy())
        return tf.constant([[0.5, 0.5, 0.5]])

    relative = Additivity(CORNER_MISSING, relative=True)
    # equally sure of the sum and of what it is made of: it counts in full
    assert float(relative.loss(labels, tf.zeros([1, 4]), images, images_by(additive=True), read)) == pytest.approx(0.25)
    # the sum and the two images from which its labels come, not the third
    lit = sorted(tuple(images[0, 0, :, 0].tolist()) for images in asked)
    assert lit == [(-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)]
