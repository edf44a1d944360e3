"""Kept sex: a judge that reads sex off the lip is shown to, one that does not see it is not fooled."""

import dataclasses

import numpy as np
import pytest

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import load
from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from tools.benchmarks import kept_sex

SIDE = 32
LIP = (slice(21, 23), slice(13, 19))  # inside the ellipse, and inside what is hidden
HAIR = (slice(0, 4), slice(0, SIDE))  # of women


def faces(labels):
    """Images of (Male, Mustache): women have bright hair, a mustache is a bright lip."""
    images = np.full([len(labels), SIDE, SIDE, 3], 100, np.uint8)
    for image, (male, mustache) in zip(images, labels, strict=True):
        image[HAIR] = 20 if male else 220
        image[LIP] = 160 if mustache else 100
    return images


class Judge:
    """Says that a bright lip is a mustache, and `says` who is a man."""

    def __init__(self, says):
        self.says = says

    def predict(self, images):
        lip = images[(slice(None), *LIP)].mean(axis=(1, 2, 3))
        hair = images[(slice(None), *HAIR)].mean(axis=(1, 2, 3))
        return np.stack([self.says(lip, hair), lip > 140], axis=1).astype(np.uint8)


class Model:
    graph = CausalGraph.from_text("Male -> Mustache")

    def sample_labels(self, n, do, seed):
        male = np.arange(n) % 4 == 0
        return np.stack([male, np.ones(n) if do else male], axis=1).astype(np.uint8)

    def images_of(self, labels, seed):
        """A woman with a mustache gets a man's hair in one of three images."""
        images = faces(labels)
        images[::3][(labels == [0, 1]).all(axis=1)[::3], :4] = 20
        return images


@pytest.fixture(scope="module")
def dataset():
    base = load(DataConfig(dataset="causal_faces", image_size=32, train_images=8, test_images=8, uniform_images=8), 0)
    labels = np.array([[0, 0], [1, 0], [1, 1]] * 4, np.uint8)
    images = ImageSet(faces(labels), labels)
    return dataclasses.replace(base, graph=Model.graph, train=images, test=images)


def test_women_are_counted_by_both_judges(dataset):
    whole, blind = Judge(lambda lip, hair: lip > 140), Judge(lambda lip, hair: hair < 100)
    table = kept_sex.benchmark(dataset, Model(), whole, blind, 400, 0).set_index("images")
    assert table["n"].tolist() == [4, 4, 300, 300, 300, 300, 300]
    assert table["woman"].tolist() == [1, 0, 1, 0, 1, 0, 0]  # the lip alone decides
    assert table["mustache"].tolist() == [0, 1, 0, 1, 0, 1, 1]
    two_thirds = pytest.approx(2 / 3)
    assert table["woman, mouth and chin hidden"].tolist() == [1, 1, 1, 1, 1, two_thirds, two_thirds]


def test_real_women_are_those_whose_other_labels_are_as_under_do():
    held = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]])
    wanted = np.array([[0, 1, 1, 1], [0, 0, 0, 1], [1, 1, 0, 1]])  # the last differs from every one
    assert kept_sex.alike(wanted, held, 3, seed=0).tolist() == [2, 0, 1]
    # of equals each is taken about as often
    taken = np.bincount(kept_sex.alike(np.zeros([900, 4]), np.zeros([3, 4]), 3, seed=0), minlength=3)
    assert (taken > 250).all()


def test_only_mouth_and_chin_are_hidden():
    hidden = kept_sex.hide(faces([[0, 1]]))
    assert (hidden[(0, *LIP)] == 128).all() and (hidden[(0, *HAIR)] == 220).all()


def test_other_labels_are_refused_by_name(dataset):
    for graph in ("Male -> Beard", "Male -> Mustache; Mustache: continuous"):
        with pytest.raises(InputError, match="no binary label Mustache"):
            kept_sex.check(dataclasses.replace(dataset, graph=CausalGraph.from_text(graph)))


def test_without_men_of_both_kinds_no_mustache_can_be_painted(dataset):
    rows = dataset.train.labels[:, 1] == 0
    bare = dataclasses.replace(dataset, train=ImageSet(dataset.train.images[rows], dataset.train.labels[rows]))
    with pytest.raises(InputError, match="expected both"):
        kept_sex.painted(dataset.test.images, bare)
