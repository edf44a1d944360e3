"""The benchmarks of queries: brute force is brute, every pair is asked, differences of images are differences."""

import types

import numpy as np
import pytest

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from tools.benchmarks import image_counterfactuals, queries

GRAPH = CausalGraph.from_text("Sky -> Wet -> Trip; Sky: categorical(clear, cloud, rain)")
LAW = LabelDistribution(GRAPH, {"Sky": [0.5, 0.3, 0.2], "Wet": [0.0, 0.1, 0.9], "Trip": [0.1, 0.4]})


def test_every_ordered_pair_is_asked_both_ways_and_triples_beside():
    asked = list(queries.asked_of(GRAPH, seed=0))
    assert len(asked) == 2 * 6 + 6
    assert ({"Trip": 1}, {"Sky": "rain"}, {}) in asked and ({"Sky": "rain"}, {}, {"Trip": 1}) in asked
    assert all(len({*event, *do, *given}) == 3 for event, do, given in asked[12:])


def test_brute_force_sums_the_joint_distribution():
    brute = queries.Brute(LAW)
    for event, do, given in queries.asked_of(GRAPH, seed=0):
        assert brute.probability(event, do, given) == pytest.approx(LAW.probability(event, do, given), abs=1e-12)
    assert brute.probability({"Trip": 1}, {"Wet": 1}, {}) == pytest.approx(0.4)


def test_differences_of_images_are_mean_absolute_ones():
    a, b = np.zeros([2, 4, 4, 3], np.uint8), np.full([2, 4, 4, 3], 6, np.uint8)
    b[1] = 2
    np.testing.assert_allclose(image_counterfactuals.apart(a, b), [6.0, 2.0])
    assert image_counterfactuals.away(a, b) == 4.0


def test_the_least_change_that_shows_the_labels_diverges_least():
    """Images are one grey level: the label's, plus that of the unit; the unit's own counterfactual is nearest."""

    def render(labels, seed):
        level = 100.0 * labels[:, 0] + np.random.default_rng(seed).integers(0, 50, len(labels))
        return np.broadcast_to(level[:, None, None, None], [len(labels), 2, 2, 1]).astype(np.uint8)

    dataset = types.SimpleNamespace(render=render)
    labels, under = np.zeros([50, 1]), np.ones([50, 1])
    images, own, other = render(labels, 3), render(under, 3), render(under, 4)
    same, random, none = (
        image_counterfactuals.divergence(dataset, images, made, labels, under) for made in (own, other, images)
    )
    # an unchanged image is at no distance: all others with its labels are farther away
    assert same == pytest.approx(random, abs=0.3) and none < same
