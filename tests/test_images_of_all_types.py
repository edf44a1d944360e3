"""Images of labels of several kinds: judged, measured, drawn in pictures and reported as what they are."""

import dataclasses
import json

import mixed
import numpy as np
import pytest
import squares
import tensorflow as tf
from mixed import BRIGHT, FRAME, GRAPH, PLACE

from causalgan_tf.data.dataset import MOST, label_cells, label_ranges, mixed_weights, observed_cells, uniform_labels
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes
from causalgan_tf.evaluation.classifier import EvaluationClassifier, train_classifier
from causalgan_tf.evaluation.images import classifier_split
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.evaluation.scoring import Predictions
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.arguments import label_rows
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.reporting import gallery, report
from causalgan_tf.reporting.gallery import Gallery
from causalgan_tf.reporting.run_evaluation import evaluate

SIZES = EvaluationSizes(draws=2_000, mmd=100, effectiveness=100, uniform=100, cfid=200, judge_test=50, judge_steps=150)


@pytest.fixture(scope="module")
def world():
    return mixed.dataset()


@pytest.fixture(scope="module")
def judge(world):
    return train_classifier(classifier_split(world, 50)[0], GRAPH.variables, seed=0, steps=SIZES.judge_steps)


@pytest.fixture(scope="module")
def perfect(world, judge, tmp_path_factory):
    return evaluate(mixed.PerfectModel(), world, squares.CONFIG, tmp_path_factory.mktemp("run"), SIZES, judge)


def test_a_judge_reads_categories_and_numbers(world, judge, tmp_path):
    unseen = classifier_split(world, 50)[1]
    assert unseen is world.uniform_test
    read = judge.predict(unseen.images)
    assert read.dtype == np.float32
    assert (read[:, PLACE] == unseen.labels[:, PLACE]).mean() > 0.95
    assert (read[:, FRAME] == unseen.labels[:, FRAME]).mean() > 0.95
    assert np.abs(read[:, BRIGHT] - unseen.labels[:, BRIGHT]).mean() < 0.5 * GRAPH.variables["Bright"].std
    judge.save(tmp_path / "judge.npz")
    np.testing.assert_array_equal(EvaluationClassifier.load(tmp_path / "judge.npz").predict(unseen.images), read)


def test_a_perfect_model_shows_categories_and_numbers(perfect, world):
    images = perfect["images"]
    assert (
        images["effectiveness"]["do"]["mean"] > 0.95
        and images["effectiveness"]["uniform_cells"]["labels"]["Place"] > 0.95
    )
    assert set(images["judge"]) == {"Place", "Frame"}
    bright = images["continuous"]["Bright"]
    # rounding to whole grey levels alone: a quarter on the average
    for where in ("real", "observational", "uniform"):
        assert bright["measured"][where] == pytest.approx(0.25, abs=0.08)
    assert bright["judge"]["do"] < 0.5 * bright["sd"] and bright["measured"]["do"] <= 0.5
    quartiles = np.quantile(world.label_rows[:, BRIGHT], [0.25, 0.5, 0.75])
    assert list(bright["judge"]["do_each"]) == [f"do(Bright={float(f'{value:.4g}'):g})" for value in quartiles]
    assert images["cfid"]["do"] < 3 * images["cfid"]["control"]


def test_images_that_ignore_a_number_and_a_category_are_caught(world, judge, tmp_path):
    images = evaluate(mixed.DimModel(), world, squares.CONFIG, tmp_path, SIZES, judge)["images"]
    bright = images["continuous"]["Bright"]
    each = {float(text[10:-1]): error for text, error in bright["measured"]["do_each"].items()}
    assert each == pytest.approx({value: abs(value - 50) for value in each}, abs=1e-4)
    assert images["effectiveness"]["do"]["labels"]["Place"] == pytest.approx(1 / 3, abs=0.05)
    assert images["balanced_accuracy"]["Place"] == pytest.approx(1 / 3, abs=0.05)


def test_labels_under_do_are_held_against_the_true_ones(perfect, world, judge, tmp_path):
    found = perfect["labels"]["do_marginals"]
    assert len(found["each"]) == 3 + 3 + 2 and found["n"] == SIZES.draws
    # 2,000 rows on either side: the law is the same
    assert found["max_error"] < 0.06 and found["max_wasserstein_sd"] < 0.12

    class Deaf(mixed.PerfectModel):
        def sample_labels(self, n, do=None, given=None, seed=0):
            return super().sample_labels(n, None, given, seed)

    each = evaluate(Deaf(), world, squares.CONFIG, tmp_path, SIZES, judge)["labels"]["do_marginals"]["each"]
    assert each["do(Place=left)"]["max_error"] == pytest.approx(2 / 3, abs=0.05)
    # the middle place is the mean of the three; on the left the numbers are ten lower
    shift = 10 / GRAPH.variables["Bright"].std
    assert each["do(Place=left)"]["max_wasserstein_sd"] == pytest.approx(shift, abs=0.1)


def test_the_report_has_a_table_of_numbers(perfect):
    text = report.to_html(perfect, {})
    assert "Labels under intervention" in text
    assert "Do the images show their numbers?" in text and "Numbers show what is set" in text
    assert json.loads(report.to_json(perfect))["images"]["continuous"]["Bright"]["judge"]["do"] > 0
    alone = {**perfect["images"], "judge": {}}
    assert "Do the images show their labels?" not in report.to_html({**perfect, "images": alone}, {})


def test_balanced_accuracy_is_the_mean_over_the_categories_that_are_there():
    labels = np.array([[0, 5, 1], [0, 5, 1], [0, 5, 1], [2, 5, 1]], np.float32)
    seen = Predictions(labels, np.array([[0, 5, 1], [0, 6, 1], [1, 5, 1], [2, 5, 0]], np.float32))
    found = seen.balanced(GRAPH)
    assert found[0] == pytest.approx((2 / 3 + 1) / 2) and np.isnan(found[1]) and np.isnan(found[2])
    np.testing.assert_allclose(seen.errors()[0], [0.25, 0.25, 0.25])


def test_single_interventions_reach_numbers_at_the_quartiles_of_the_rows():
    rows = np.stack([np.zeros(101), np.arange(101), np.zeros(101)], axis=1)
    texts = [text for text, _ in single_interventions(GRAPH, rows)]
    places = [f"do(Place={name})" for name in ("left", "middle", "right")]
    assert texts == [*places, *(f"do(Bright={value})" for value in (25, 50, 75)), "do(Frame=0)", "do(Frame=1)"]
    assert [text for text, _ in single_interventions(GRAPH)] == [*places, "do(Frame=0)", "do(Frame=1)"]


def test_quartiles_that_coincide_are_visited_once_and_stay_within_their_bounds():
    graph = load_graph("X; X: continuous(0, 1.23456)")
    rows = np.array([[0.0]] * 60 + [[1.23456]] * 40)
    assert list(single_interventions(graph, rows)) == [("do(X=0)", {"X": 0.0}), ("do(X=1.23456)", {"X": 1.23456})]


def test_uniform_labels_stay_in_the_ranges_of_the_rows_and_cells_cut_at_quantiles():
    rows = np.stack([np.zeros(1001), np.linspace(0, 100, 1001), np.zeros(1001)], axis=1).astype(np.float32)
    np.testing.assert_allclose(label_ranges(GRAPH, rows), [[0, 2], [1, 99], [0, 1]], atol=1e-4)
    drawn = uniform_labels(GRAPH, rows, 3_000, seed=1)
    assert drawn[:, BRIGHT].min() >= 1 and drawn[:, BRIGHT].max() <= 99
    assert drawn[:, BRIGHT].mean() == pytest.approx(50, abs=2)
    np.testing.assert_allclose([(drawn[:, PLACE] == value).mean() for value in range(3)], 1 / 3, atol=0.03)
    cells = label_cells(GRAPH, rows)
    assert np.unique(cells, return_counts=True)[1].tolist() == pytest.approx([250] * 4, abs=1)
    assert (label_cells(GRAPH, rows[[0, -1]], rows) == cells[[0, -1]]).all()
    binary = uniform_labels(squares.GRAPH, rows, 100, seed=1)
    np.testing.assert_array_equal(binary, np.random.default_rng(1).integers(0, 2, (100, 4), np.uint8))


def test_rows_weigh_what_mixing_makes_of_their_cells():
    cells, shares = np.array([[0, 0], [0, 1], [1, 1]], np.uint8), np.array([0.76, 0.04, 0.2])
    rows, graph = np.repeat(cells, (4_000 * shares).astype(int), axis=0), CausalGraph({"A": (), "B": ("A",)})
    single, everywhere = 0.3, 0.2
    # one label is picked, and with even odds it keeps its value or shows the other one
    one = np.array([0.5 * 0.76 + 0.25 * 0.04, 0.5 * 0.04 + 0.25 * (0.76 + 0.2), 0.5 * 0.2 + 0.25 * 0.04])
    mixed = 0.5 * shares + single * one + everywhere * 0.25
    weights = mixed_weights(graph, rows, single, everywhere, seed=0)
    np.testing.assert_allclose(weights, np.repeat(mixed / shares, (4_000 * shares).astype(int)), rtol=0.03)
    assert (mixed_weights(graph, rows, single, everywhere, seed=0) == weights).all()
    np.testing.assert_allclose(mixed_weights(graph, rows, 0.0, 0.0, seed=0), 1.0)


def test_no_row_weighs_more_than_the_most_and_rows_all_different_weigh_alike():
    rows = np.repeat(np.array([[0], [1]], np.uint8), [999, 1], axis=0)
    assert mixed_weights(CausalGraph({"A": ()}), rows, 0.0, 1.0, seed=0).max() == MOST
    graph = CausalGraph({f"L{k}": () for k in range(40)})
    many = np.random.default_rng(0).integers(0, 2, (500, 40), np.uint8)
    weights = mixed_weights(graph, many, 0.4, 0.2, seed=0)
    # rows that mixing leaves as they are count, and so do those whose coin shows their label
    np.testing.assert_allclose(weights, 0.4 + 0.4 / 2, atol=0.02)
    with pytest.raises(InputError, match="No label cell that label mixing visits is in the data"):
        mixed_weights(graph, many, 0.0, 1.0, seed=1)  # of seed 0 the coins are these rows again


def test_the_kinds_know_the_cells_that_the_data_hold():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.choice(3, 400, p=[0.9, 0.1, 0.0]), rng.normal(50, 9, 400), rng.integers(0, 2, 400)], axis=1)
    rows = rows.astype(np.float32)
    cells, asked = observed_cells(GRAPH, rows), uniform_labels(GRAPH, rows, 500, seed=1)
    held = LabelCodec(GRAPH.variables.values(), cells=cells).is_observed(tf.constant(asked)).numpy()
    np.testing.assert_array_equal(held, np.isin(label_cells(GRAPH, asked, rows), label_cells(GRAPH, rows)))
    assert not held[asked[:, PLACE] == 2].any() and held[asked[:, PLACE] == 0].all() and 0 < held.mean() < 1
    nothing = dataclasses.replace(cells, codes=cells.codes[:0], counts=cells.counts[:0])
    assert not LabelCodec(GRAPH.variables.values(), cells=nothing).is_observed(tf.constant(asked)).numpy().any()


def test_mixing_visits_the_cells_of_categories_and_numbers_alike():
    rng = np.random.default_rng(0)
    places, bright = rng.choice(3, 6_000, p=[0.6, 0.3, 0.1]), 100.0 * rng.beta(1.0, 2.0, 6_000)
    rows = np.stack([places, bright, rng.integers(0, 2, 6_000)], axis=1).astype(np.float32)
    weights = mixed_weights(GRAPH, rows, 0.0, 1.0, seed=0)
    shares = [weights[places == place].sum() / weights.sum() for place in range(3)]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)
    middle = label_ranges(GRAPH, rows)[BRIGHT].mean()
    assert np.average(bright, weights=weights) == pytest.approx(middle, abs=4.0)
    assert bright.mean() < middle - 10.0


# pictures


@pytest.fixture
def arrays(monkeypatch):
    monkeypatch.setattr(gallery, "strips", lambda rows, columns, scale: rows)
    monkeypatch.setattr(gallery, "headed", lambda images, heads, caption, scale: (images, heads, caption))


def drawn(kind, label=None, **arguments):
    found = Gallery(mixed.PerfectModel(), seed=3, **arguments).draw([kind], [label] if label else [])
    return next(iter(found.values()))


def shown(images):
    """(place, bright) of each image."""
    bars = images[:, 8, [3, 7, 11], 0].astype(int)
    return bars.argmax(axis=1), mixed.brightness(images)


def test_numbers_are_set_high_above_low_and_kept_beyond_quantiles(arrays):
    rows = drawn("do_given", "Bright")
    (do, done), (given, kept) = rows.items()
    value, edge = float(do[10:-1]), float(given.removeprefix("given Bright=").removesuffix(".."))
    assert 60 < edge < value < 80
    np.testing.assert_allclose(shown(done)[1], value, atol=0.5)
    assert (shown(kept)[1] > edge - 0.5).all()
    # a high number comes of the right place, but does not make it
    assert shown(kept)[0].mean() > 1.5 and len(set(shown(done)[0])) > 1
    high, low = (shown(images)[1] for images in drawn("switched", "Bright").values())
    assert len(set(high)) == len(set(low)) == 1 and high[0] > 60 and low[0] < 35


def test_categories_are_shown_one_after_another(arrays):
    rows = drawn("given", "Place")
    assert list(rows) == [f"given Place={name}" for name in ("left", "middle", "right")]
    for place, images in enumerate(rows.values()):
        assert (shown(images)[0] == place).all()
    images, heads, caption = drawn("interpolation", "Place", units=2)
    assert heads == ["left", "middle", "right"] and caption == "Place, one category after another"
    np.testing.assert_array_equal(shown(images)[0], [0, 1, 2] * 2)


def test_an_interpolation_sweeps_a_number_over_its_usual_range(arrays):
    images, heads, caption = drawn("interpolation", "Bright", units=2)
    levels = shown(images)[1].reshape(2, 8)
    np.testing.assert_allclose(levels, [[float(head) for head in heads]] * 2, atol=1)
    assert caption.startswith("Bright from ") and 20 < levels[0, 0] < 35 and 65 < levels[0, -1] < 80


def test_a_counterfactual_takes_the_next_category_and_the_other_end_of_a_number(arrays):
    images, heads, _ = drawn("counterfactual", units=6)
    assert heads == ["as drawn", *GRAPH.nodes]
    places, levels = (part.reshape(6, 4) for part in shown(images))
    np.testing.assert_array_equal(places[:, 1], (places[:, 0] + 1) % 3)
    # Bright follows its cause: ten for each step to the right
    np.testing.assert_allclose(levels[:, 1] - levels[:, 0], 10 * (places[:, 1] - places[:, 0]), atol=1)
    middle = np.median(mixed.labels(np.arange(3_000))[:, BRIGHT])
    far = np.abs(levels[:, 0] - middle) > 5
    assert ((levels[far, 2] > middle) == (levels[far, 0] < middle)).all()
    np.testing.assert_array_equal(places[:, 2:], places[:, [0, 0]])


def test_a_diversity_grid_names_the_labels(arrays):
    rows = drawn("diversity", n=2)
    assert len(rows) == 3 and all(caption.startswith("Place=") and "Bright=" in caption for caption in rows)
    assert all(len(set(shown(images)[1])) == 1 for images in rows.values())


def test_numbers_of_a_data_frame_are_what_networks_take():
    rows = mixed.labels(np.arange(5))
    frame = mixed.PerfectModel().twins(np.arange(5), images=False).labels
    assert list(frame["Place"]) == [("left", "middle", "right")[int(place)] for place in rows[:, PLACE]]
    np.testing.assert_array_equal(label_rows(GRAPH, frame), rows)
