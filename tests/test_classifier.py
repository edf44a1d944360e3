"""The judge learns what is there to see, repeatably, and touches no global seed."""

import keras
import numpy as np
import pytest
import squares
import tensorflow as tf

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.evaluation.classifier import EvaluationClassifier, classifier_network, train_classifier

STEPS = 50


@pytest.fixture(scope="module")
def uniform():
    return squares.image_set(600, 5, uniform=True)


@pytest.fixture(scope="module")
def judge(uniform):
    return train_classifier(uniform, squares.GRAPH.variables, seed=3, steps=STEPS)


def test_learns_squares_that_it_has_not_seen(judge):
    unseen = squares.image_set(300, 6, uniform=True)
    assert (judge.predict(unseen.images) == unseen.labels).mean() > 0.99


def test_an_image_is_judged_alike_in_any_company(judge, uniform):
    many = judge.examine(uniform.images[:501])
    np.testing.assert_array_equal(judge.predict(uniform.images[500:501]), many.labels[500:])
    np.testing.assert_allclose(judge.features(uniform.images[500:501]), many.features[500:], atol=1e-4)


def test_same_seed_same_judge_and_another_seed_another(judge, uniform):
    images = uniform.images[:50]
    again = train_classifier(uniform, squares.GRAPH.variables, seed=3, steps=STEPS)
    other = classifier_network((16, 16, 3), 4, seed=4).get_weights()[0]
    np.testing.assert_array_equal(again.features(images), judge.features(images))
    assert not np.array_equal(classifier_network((16, 16, 3), 4, seed=3).get_weights()[0], other)


def test_training_leaves_the_global_seeds_alone(uniform):
    keras.utils.set_random_seed(1)
    expected = np.random.random(), float(tf.random.uniform([])), float(keras.random.uniform([]))
    keras.utils.set_random_seed(1)
    train_classifier(uniform, squares.GRAPH.variables, seed=3, steps=1)
    assert (np.random.random(), float(tf.random.uniform([])), float(keras.random.uniform([]))) == expected


def test_fewer_images_than_a_batch_are_enough(uniform):
    few = ImageSet(uniform.images[:20], uniform.labels[:20])
    assert train_classifier(few, squares.GRAPH.variables, seed=0, steps=1).predict(few.images).shape == (20, 4)


def test_a_saved_judge_sees_the_same(judge, uniform, tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "training", {"balanced": True, "overlap": {"A": True}, "calibrated": {}})
    judge.save(tmp_path / "judge.npz")
    loaded = EvaluationClassifier.load(tmp_path / "judge.npz")
    assert loaded.training == judge.training
    assert loaded.nodes == squares.GRAPH.nodes
    np.testing.assert_array_equal(loaded.features(uniform.images[:9]), judge.features(uniform.images[:9]))
