"""The judge of real images reads rare labels: balanced, on overlap, calibrated; what it does is said."""

import numpy as np
import pytest
import squares
from scipy.special import expit

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.evaluation import balance, balanced_classifier
from causalgan_tf.evaluation.classifier import train_classifier, value_logits
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.metrics.images import balanced_accuracy

GRAPH = CausalGraph.from_text("Male -> Mustache")


def faces(n: int, seed: int) -> ImageSet:
    """Grey 16 x 16 images: the upper half is bright for a man; 8 % of men and .4 % of women have a faint bar."""
    rng = np.random.default_rng(seed)
    male = rng.random(n) < 0.5
    mustache = rng.random(n) < np.where(male, 0.08, 0.004)
    images = rng.normal(90, 25, (n, 16, 16, 1))
    images[male, :8] += 60
    images[mustache, 11:13, 4:12] += 12
    return ImageSet(images.clip(0, 255).astype(np.uint8), np.stack([male, mustache], 1).astype(np.uint8))


def test_a_label_learns_from_rows_whose_other_labels_have_both_of_its_values():
    graph = CausalGraph.from_text("A; B; Sky: categorical(clear, rain, snow)")
    rows = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 2]])
    found = balance.label_weights(graph, rows, fewest=1)
    # A: the first two rows; B: rows 1 and 2; the sky: rows 2 and 4, where no rain is seen
    assert found.overlap.tolist() == [True, True, False]
    assert found.weights[:, 0].tolist() == [2.5, 2.5, 0, 0, 0]
    assert found.weights[:, 1].tolist() == [0, 2.5, 2.5, 0, 0]
    # of the sky too few overlap: all rows, each of three values a third
    assert found.weights[:, 2] == pytest.approx([5 / 9, 5 / 9, 5 / 9, 5 / 3, 5 / 3])
    assert found.weights.mean(axis=0) == pytest.approx([1, 1, 1])


def test_where_too_few_rows_overlap_a_label_learns_from_all():
    rows = np.array([[0, 0]] * 500 + [[1, 0]] * 400 + [[1, 1]] * 49)
    assert balance.label_weights(GRAPH, rows).overlap.tolist() == [True, False]
    rows = np.concatenate([rows, [[1, 1]]])
    assert balance.label_weights(GRAPH, rows).overlap.tolist() == [True, True]


def test_a_label_of_one_value_counts_every_row_alike():
    found = balance.label_weights(GRAPH, np.array([[0, 0], [1, 0]] * 100))
    assert (found.weights[:, 1] == 1).all() and not found.overlap[1]


def test_a_calibration_finds_the_scale_and_the_shift_that_were_put_on():
    rng = np.random.default_rng(0)
    values = np.repeat([0, 1], 20_000)
    # N(-1, 1) and N(1, 1): at even odds the logit of value 1 is 2 x
    x = rng.normal(2.0 * values - 1.0, 1.0)
    some = (values == 0) | (rng.random(len(values)) < 0.05)  # value 1 is rare: the odds stay even
    factor, shift = balanced_classifier.platt((x[some, None] + 3.0) / 4.0, values[some])
    assert factor == pytest.approx(8.0, rel=0.1) and shift == pytest.approx([-6.0], rel=0.1)
    assert expit(factor * 0.75 + shift[0]) == pytest.approx(0.5, abs=0.05)  # the middle, x = 0


def test_categories_are_calibrated_with_a_shift_each():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 3, 30_000)
    truth = np.log(rng.dirichlet(np.ones(3), 30_000))
    values = (truth + rng.gumbel(size=truth.shape)).argmax(1)
    factor, shift = balanced_classifier.platt(truth / 2.0 + [0.0, 1.0, -1.0], values)
    assert factor == pytest.approx(2.0, rel=0.05)
    assert shift - shift[0] == pytest.approx([0.0, -2.0, 2.0], abs=0.1)


def test_a_separable_label_keeps_finite_logits():
    factor, shift = balanced_classifier.platt(np.array([[-1.0], [-2.0], [1.0], [3.0]]), np.array([0, 0, 1, 1]))
    assert 1.0 < factor < 100.0 and np.isfinite(shift).all()


@pytest.fixture(scope="module")
def train():
    return faces(3_000, 1)


@pytest.fixture(scope="module")
def balanced(train):
    return balanced_classifier.train_balanced_classifier(train, GRAPH, seed=0, steps=100)


def test_a_rare_label_that_goes_with_another_is_read_far_oftener_than_by_a_plain_judge(train, balanced):
    unseen = faces(4_000, 2)
    mustache = unseen.labels[:, 1] == 1
    assert 0.03 < mustache.mean() < 0.055
    plain = train_classifier(train, GRAPH.variables, seed=0, steps=100)
    recalls = [one.predict(unseen.images[mustache])[:, 1].mean() for one in (plain, balanced)]
    assert recalls[1] > 0.75 and recalls[1] > recalls[0] + 0.25
    both = [balanced_accuracy(one.predict(unseen.images), unseen.labels, (2, 2)) for one in (plain, balanced)]
    assert both[1][1] > both[0][1] + 0.1 and both[1][0] > 0.97


def test_a_judge_says_how_it_was_trained(balanced):
    assert balanced.training == {
        "balanced": True,
        "overlap": {"Male": True, "Mustache": True},
        "calibrated": {"Male": True, "Mustache": True},
    }


def test_probabilities_are_of_each_value_and_fit_the_predictions(balanced):
    images = faces(50, 3).images
    found = balanced.probabilities(images)
    assert set(found) == {"Male", "Mustache"} and found["Male"].shape == (50, 2)
    assert found["Male"].sum(1) == pytest.approx(np.ones(50))
    assert (found["Mustache"].argmax(1) == balanced.predict(images)[:, 1]).all()


def test_with_few_images_of_a_value_a_label_is_not_calibrated_and_that_is_said(balanced):
    few = faces(400, 4)
    rare = ImageSet(few.images, few.labels * np.array([1, 0], np.uint8))
    before = balanced.examine(few.images).outputs
    done = balanced_classifier.calibrate(balanced, rare, few.labels)
    assert done == {"Male": True, "Mustache": False}
    np.testing.assert_allclose(balanced.examine(few.images).outputs[:, 1], before[:, 1], rtol=1e-5)


def test_uniform_cells_keep_the_plain_judge():
    world = squares.dataset(n=100)
    assert balanced_classifier.evaluation_classifier(world, world.uniform, seed=0, steps=1).training is None
    assert value_logits(np.zeros([2, 3])).shape == (2, 3)
