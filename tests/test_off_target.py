"""Off-target change: nothing where images move as the truth does, and the amplified share where they do not."""

import dataclasses

import numpy as np
import pytest
import squares

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.evaluation.classifier import train_classifier
from causalgan_tf.evaluation.off_target import excess_movement, off_target_change
from causalgan_tf.evaluation.scoring import Source
from causalgan_tf.graphs.graph import CausalGraph

ASKED = {"do(Mustache=1)": {"Mustache": 1}, "do(Male=1)": {"Male": 1}}
MALE, MUSTACHE = (squares.GRAPH.index(node) for node in ("Male", "Mustache"))


class AmplifyingModel(squares.PerfectModel):
    """Right labels; whoever has a mustache is shown as a man."""

    def images_of(self, labels, seed=0, seeds=None):
        shown = labels.copy()
        shown[:, MALE] |= shown[:, MUSTACHE]
        return super().images_of(shown, seed, seeds)


@pytest.fixture(scope="module")
def judge():
    return train_classifier(squares.image_set(600, 5, uniform=True), squares.GRAPH.variables, seed=3, steps=60)


@pytest.fixture(scope="module")
def world():
    return squares.dataset(n=50)


def change(model, world, judge, asked=ASKED, n=400):
    source = Source("generated", lambda n, do, seed: model.sample_labels(n, do=do, seed=seed), model.images_of)
    return off_target_change(source, world, judge, asked, n, seed=1)


def test_movement_counts_kept_rows_alone_and_takes_off_the_truths():
    kept = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]], bool)
    moved = np.array([[0.5, 0.3, 9], [0.1, 9, 9], [9, 0.1, 0.2]])
    assert excess_movement(kept, moved, fewest=1) == pytest.approx([0.3, 0.2, 0.2])
    truth = np.array([[0.3, 0.3, 0], [0.1, 0, 0], [0, 0.1, 0.4]])
    assert excess_movement(kept, moved, truth, fewest=1) == pytest.approx([0.1, 0.0, -0.2])
    assert np.isnan(excess_movement(kept, moved, fewest=2)).tolist() == [False, False, True]


def test_a_perfect_model_moves_nothing_else(world, judge):
    found = change(squares.PerfectModel(), world, judge)
    assert abs(found["mean"]) < 0.01 and found["largest"] < 0.02 and found["truth"] == "rendered"
    # a descendant is measured too, on units whose label it leaves
    assert set(found["each"]["do(Male=1)"]["labels"]) == {"Young", "Mustache", "Wearing_Lipstick"}


def test_a_model_that_amplifies_is_caught_at_the_label_and_by_the_share(world, judge):
    found = change(AmplifyingModel(), world, judge)
    one = found["each"]["do(Mustache=1)"]
    # of those without a mustache, .6 + .4 (.25 .4 + .75 .6) of all, .6 are women, who become men in their images
    assert one["labels"]["Male"] == pytest.approx(0.6 / 0.82, abs=0.06)
    assert one["rows"] == pytest.approx(0.82 * 400, abs=30)
    assert found["worst"] == "do(Mustache=1): Male"
    assert one["mean"] == pytest.approx(np.mean(list(one["labels"].values())))
    assert abs(one["labels"]["Young"]) < 0.02


def test_without_a_renderer_labels_that_are_not_caused_are_measured(world, judge):
    plain = dataclasses.replace(world, render=None)
    found = change(AmplifyingModel(), plain, judge)
    assert found["truth"] == "none"
    assert set(found["each"]["do(Male=1)"]["labels"]) == {"Young"}  # the others are caused by Male
    assert set(found["each"]["do(Mustache=1)"]["labels"]) == {"Male", "Young", "Wearing_Lipstick"}
    assert found["each"]["do(Mustache=1)"]["labels"]["Male"] == pytest.approx(0.73, abs=0.06)
    assert abs(change(squares.PerfectModel(), plain, judge)["mean"]) < 0.01


def test_an_intervention_that_switches_few_is_left_out(world, judge):
    assert change(squares.PerfectModel(), world, judge, n=9) == {
        "mean": None,
        "largest": None,
        "worst": None,
        "truth": "rendered",
        "n": 9,
        "each": {},
    }


def test_a_graph_of_one_label_has_nothing_else_to_move():
    graph = CausalGraph.from_text("A")
    rows = np.array([[0], [1]] * 20, np.uint8)
    images = squares.render(rows, 0)
    judge = train_classifier(ImageSet(images, rows), graph.variables, seed=0, steps=1)
    source = Source("generated", lambda n, do, seed: rows[:n] if not do else np.ones_like(rows[:n]), squares.render)
    world = dataclasses.replace(squares.dataset(n=20), graph=graph)
    assert off_target_change(source, world, judge, {"do(A=1)": {"A": 1}}, 40, seed=0)["mean"] is None
