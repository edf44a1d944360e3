"""Evaluation of models whose every number is known: a perfect one, and ones that are wrong on purpose."""

import dataclasses
import json

import numpy as np
import pytest
import squares

from causalgan_tf.data.dataset import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes, images, scoring
from causalgan_tf.evaluation.classifier import train_classifier
from causalgan_tf.evaluation.images import classifier_split, with_mean
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.metrics.images import frechet_distance
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.reporting.run_evaluation import evaluate

SIZES = EvaluationSizes(draws=20_000, effectiveness=200, uniform=300, cfid=400, judge_test=100, judge_steps=50)
NODES = squares.GRAPH.nodes


@pytest.fixture(scope="module")
def world():
    return squares.dataset()


@pytest.fixture(scope="module")
def judge(world):
    return train_classifier(
        classifier_split(world, SIZES.judge_test)[0], squares.GRAPH.variables, seed=0, steps=SIZES.judge_steps
    )


def measure(model, world, judge, workdir):
    return evaluate(model, world, squares.CONFIG, workdir, SIZES, judge)


@pytest.fixture(scope="module")
def perfect(world, judge, tmp_path_factory):
    return measure(squares.PerfectModel(), world, judge, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def conditioning(world, judge, tmp_path_factory):
    return measure(squares.ConditioningModel(), world, judge, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def blind(world, judge, tmp_path_factory):
    return measure(squares.BlindModel(), world, judge, tmp_path_factory.mktemp("run"))


def test_a_perfect_model_is_as_far_from_the_data_as_sampling_alone(perfect):
    labels = perfect["labels"]
    assert labels["tvd"] == pytest.approx(labels["tvd_floor"], abs=0.006)
    assert labels["tvd_to_graph_law"] < 0.02
    assert labels["off_support_mass"] == 0.0
    # the enumerated law is the law itself: no draw blurs it
    assert labels["do"]["max_tvd"] == 0.0 and labels["do"]["draws"] == SIZES.law
    assert set(labels["do"]["each"]) == {f"do({node}={value})" for node in NODES for value in (0, 1)}


def test_the_four_statements_come_with_their_truth(perfect):
    answers = {row["query"]: (row["model"], row["truth"]) for row in perfect["labels"]["queries"]}
    truth = {
        "P(Male=0|do(Mustache=1))": 0.6,
        "P(Male=0|Mustache=1)": 0.0,  # only men grow one in this world
        "P(Male=1|do(Wearing_Lipstick=1))": 0.4,
        "P(Male=1|Wearing_Lipstick=1)": 0.02 / (0.02 + 0.48),
    }
    assert list(answers) == list(truth)
    for query, value in truth.items():
        assert answers[query] == (pytest.approx(value, abs=1e-9), pytest.approx(value, abs=1e-9))


def test_a_perfect_model_shows_every_label(perfect):
    images = perfect["images"]
    for part in ("observational", "uniform_cells", "do"):
        assert images["effectiveness"][part]["mean"] > 0.99
        assert set(NODES) == set(images["effectiveness"][part]["labels"])
    assert images["effectiveness"]["do"]["other_labels"] > 0.99
    assert min(images["judge"].values()) > 0.99


def test_rendered_images_pass_for_real_ones(perfect):
    images = perfect["images"]
    cfid = images["cfid"]
    # squared distances of 400 images in 64 features: the control is the yardstick
    assert cfid["observational"] < 2 * cfid["control"]
    assert cfid["do"] == pytest.approx(np.mean(list(cfid["do_each"].values())))
    assert cfid["do"] < 2 * cfid["control"]
    for part in ("precision", "recall", "coverage"):
        assert images[part]["model"] == pytest.approx(images[part]["control"], abs=0.1)
    assert images["density"]["model"] == pytest.approx(images["density"]["control"], rel=0.2)
    kid = images["kid"]
    assert abs(kid["model"] - kid["control"]) < 4 * (kid["model_error"] + kid["control_error"])
    assert images["diversity"]["model"] == pytest.approx(images["diversity"]["real"], rel=0.05)


def test_support_is_the_share_of_units_of_whom_the_data_show_the_like(perfect):
    images = perfect["images"]
    support, cfid = images["support"], images["cfid"]
    # no woman of this world has a mustache, and 60 % of its units are women
    assert support["do(Mustache=1)"] == pytest.approx(0.4, abs=0.06)
    assert min(share for text, share in support.items() if text != "do(Mustache=1)") > images["supported_from"]
    supported = [distance for text, distance in cfid["do_each"].items() if text != "do(Mustache=1)"]
    assert cfid["do_supported"] == pytest.approx(np.mean(supported))


def test_conditioning_in_place_of_doing_is_caught(conditioning, perfect):
    labels = conditioning["labels"]
    observed = squares.LAW.joint()
    wearing = (np.arange(16) >> NODES.index("Mustache")) & 1
    given = observed * wearing / (observed * wearing).sum()
    known = total_variation(given, squares.LAW.joint({"Mustache": 1}))
    assert known > 0.55
    assert labels["do"]["each"]["do(Mustache=1)"] == pytest.approx(known)
    assert labels["do"]["worst"] == "do(Mustache=1)"
    assert labels["do"]["max_tvd"] == labels["do"]["each"]["do(Mustache=1)"]
    # its observational law is right all the same
    assert labels["tvd"] == pytest.approx(labels["tvd_floor"], abs=0.006)
    cfid, right = conditioning["images"]["cfid"], perfect["images"]["cfid"]
    assert cfid["do_each"]["do(Mustache=1)"] > 5 * right["do_each"]["do(Mustache=1)"]


def test_the_judge_says_labels_of_real_images_beside_those_of_generated_ones(perfect, blind):
    found, ignored = perfect["images"]["judge_recall"], blind["images"]["judge_recall"]
    assert set(found) == set(NODES) and set(found["Mustache"]) == {"0", "1"}
    assert min(found["Mustache"]["1"][part] for part in ("real", "observational", "do")) > 0.99
    assert found["Male"]["0"]["n"] + found["Male"]["1"]["n"] == perfect["images"]["n"]["judge_test"]
    # its images always wear one
    assert ignored["Mustache"]["0"]["real"] > 0.99 and ignored["Mustache"]["0"]["do"] < 0.02
    assert perfect["images"]["judge_training"] == {"balanced": False, "overlap": {}, "calibrated": {}}
    assert abs(perfect["images"]["off_target"]["mean"]) < 0.01


def test_a_label_that_the_images_ignore_is_caught(blind):
    effect = blind["images"]["effectiveness"]
    do = effect["do"]["labels"]
    assert do["Mustache"] == pytest.approx(0.5, abs=0.02)
    assert do["Male"] > 0.99
    assert effect["do"]["mean"] == pytest.approx(np.mean([do[node] for node in NODES]))
    assert effect["uniform_cells"]["labels"]["Mustache"] == pytest.approx(0.5, abs=0.1)
    assert (
        effect["do_each"]["do(Mustache=0)"]["Mustache"] < 0.02 < 0.98 < effect["do_each"]["do(Mustache=1)"]["Mustache"]
    )
    # P(Mustache = 1) = .4 (.25 * .6 + .75 * .4) = .18
    assert effect["observational"]["labels"]["Mustache"] == pytest.approx(0.18, abs=0.07)


def test_a_label_called_mean_does_not_take_the_place_of_the_mean():
    graph = CausalGraph.from_text("mean -> other_labels")
    labels = np.array([[0, 1], [1, 1]])
    shown = with_mean(graph, scoring.Predictions(labels, np.array([[0, 0], [1, 1]])).agreement())
    assert shown == {"mean": 0.75, "labels": {"mean": 1.0, "other_labels": 0.5}}


def test_images_of_another_law_are_far_by_every_measure(blind):
    images = blind["images"]
    # all wear a mustache, of the real ones 18 %: the rest of the real ones is out of reach
    assert images["recall"]["model"] < 0.5 < images["recall"]["control"]
    assert images["coverage"]["model"] < 0.5 < images["coverage"]["control"]
    assert images["kid"]["model"] > 10 * images["kid"]["model_error"] > 0


class Brightness:
    """A feature extractor of two features."""

    name, distance = "brightness", "FID"

    def features(self, images):
        assert len(images) <= 1_000  # memory: no more at once
        return np.stack([images.mean(axis=(1, 2, 3)), images.std(axis=(1, 2, 3))], axis=1).astype(np.float32)


def test_another_extractor_gives_the_features_and_the_name(world, judge, tmp_path):
    images = evaluate(squares.PerfectModel(), world, squares.CONFIG, tmp_path, SIZES, judge, Brightness())["images"]
    assert images["features"] == {"extractor": "brightness", "width": 2, "distance": "FID", "neighbours": 5}
    assert "cfid" not in images and images["fid"]["do"] > 0
    assert images["effectiveness"]["do"]["mean"] > 0.99  # by the judge all the same
    rows = world.test.images[: SIZES.cfid], world.train.images[: SIZES.cfid]
    test, train = (Brightness().features(part) for part in rows)
    assert images["fid"]["control"] == pytest.approx(frechet_distance(train, test))


def test_images_are_drawn_chunk_by_chunk_and_every_row_is_judged_by_its_own_labels(world, judge, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", 150)
    largest = []

    class Model(squares.PerfectModel):
        def images_of(self, labels, seed=0):
            largest.append(len(labels))
            return super().images_of(labels, seed)

    images = measure(Model(), world, judge, tmp_path)["images"]
    assert max(largest) == 150
    assert images["effectiveness"]["observational"]["mean"] > 0.99
    assert images["effectiveness"]["do"]["other_labels"] > 0.99


def test_balanced_accuracy_of_an_ignored_label_is_a_half(blind):
    images = blind["images"]
    assert images["balanced_accuracy"]["Mustache"] == pytest.approx(0.5)
    assert images["balanced_accuracy_observational"]["Mustache"] == pytest.approx(0.5)


def test_the_same_run_gives_the_same_numbers(perfect, world, judge, tmp_path):
    again = measure(squares.PerfectModel(), world, judge, tmp_path)
    assert {**again, "timing": None} == {**perfect, "timing": None}


NO_NODES = {"node_count": 0, "nodes": []}


def test_settings_of_parents_with_few_rows_are_counted(world, perfect, tmp_path):
    # a Male, a Young, four Mustaches, two Lipsticks; 40 rows spread over the four cells of Male and Young
    assert perfect["labels"]["thin_cells"] == {"below": 30, "count": 0, "of": 8, "fewest": []} | NO_NODES
    few = dataclasses.replace(world, label_rows=world.label_rows[:40])
    thin = evaluate(squares.LabelsOnlyModel(), few, squares.CONFIG, tmp_path, SIZES)["labels"]["thin_cells"]
    male, young = few.label_rows[:, :2].T
    expected = sorted(int((2 * male + young == cell).sum()) for cell in range(4))
    cells = [cell for cell in thin["fewest"] if cell["node"] == "Mustache"]
    assert [cell["rows"] for cell in cells] == expected
    assert set(cells[0]["parents"]) == {"Male", "Young"}
    assert thin["count"] == len(thin["fewest"]) >= 4


SKIES = CausalGraph.from_text("Sky -> Wet; Sky, Wet -> Trip; Sky: categorical(clear, cloud, rain)")
TABLES = {"Sky": [0.5, 0.3, 0.2], "Wet": [0.0, 0.1, 0.9], "Trip": [[0.8, 0.5], [0.6, 0.4], [0.3, 0.1]]}


class LawModel(squares.LabelsOnlyModel):
    """Draws labels from any law."""

    def __init__(self, law):
        self.graph, self.own, self.labels = law.graph, law, squares.LawSampler(law)

    def sample_labels(self, n, do=None, given=None, seed=0):
        return self.own.sample(n, seed, do)

    def label_distribution(self, draws, seed):
        return self.own


def test_categories_are_measured_under_do_by_their_names(tmp_path):
    right, wrong = LabelDistribution(SKIES, TABLES), LabelDistribution(SKIES, TABLES | {"Wet": [0.0, 0.1, 0.4]})
    world = Dataset(SKIES, right.sample(20_000, seed=1), law=right)
    labels = evaluate(LawModel(wrong), world, squares.CONFIG, tmp_path, SIZES)["labels"]
    do = labels["do"]
    assert list(do["each"])[:4] == ["do(Sky=clear)", "do(Sky=cloud)", "do(Sky=rain)", "do(Wet=0)"]
    assert do["worst"] == "do(Sky=rain)" and do["max_tvd"] == pytest.approx(0.5)
    assert do["each"]["do(Wet=1)"] == do["each"]["do(Sky=clear)"] == 0.0
    # half of the wet rows of the rain are dry: .2 * .5
    assert labels["tvd_to_graph_law"] == pytest.approx(0.1, abs=0.02)
    assert (labels["marginals"], labels["pairs"], labels["mmd"], labels["queries"]) == (None, None, None, [])


class NormalModel(squares.LabelsOnlyModel):
    """A standard normal A and B = A + noise + shift."""

    def __init__(self, shift):
        self.graph, self.shift, self.stated = CausalGraph.from_text("A -> B; A, B: continuous"), shift, True
        self.labels = self

    def under(self, seeds, do):
        drawn = self.sample_labels(len(seeds), seed=0)
        return np.where(np.isnan(do), drawn, do).astype(np.float32)

    def sample_labels(self, n, do=None, given=None, seed=0):
        a, noise = np.random.default_rng(seed).normal(size=(2, n))
        return np.stack([a, a + noise + self.shift], axis=1).astype(np.float32)


def test_continuous_labels_are_measured_as_points(tmp_path):
    sizes = dataclasses.replace(SIZES, draws=5_000, mmd=300)
    right, wrong = NormalModel(0), NormalModel(1)
    world = Dataset(right.graph, right.sample_labels(4_000, seed=9))
    numbers = [evaluate(model, world, squares.CONFIG, tmp_path, sizes) for model in (right, wrong)]
    right, wrong = (part["labels"] for part in numbers)
    assert numbers[0]["law"] is None
    assert (right["tvd"], right["do"], right["queries"]) == (None, None, [])
    # A has no parents, those of B are the quartiles of A
    assert (right["thin_cells"]["count"], right["thin_cells"]["of"]) == (0, 5)
    assert right["marginals"]["max_wasserstein_sd"] < 0.1 < wrong["marginals"]["max_wasserstein_sd"]
    assert right["mmd"]["mmd2"] < right["mmd"]["band"] < wrong["mmd"]["mmd2"]


def test_a_graph_of_too_many_cells_is_measured_label_by_label(tmp_path):
    graph = CausalGraph({f"x{i}": [f"x{i - 1}"] if i else [] for i in range(25)})
    right, wrong = (LabelDistribution(graph, {f"x{i}": [p, 0.9] if i else 0.5 for i in range(25)}) for p in (0.1, 0.3))
    world = Dataset(graph, right.sample(5_000, seed=1))
    numbers = evaluate(LawModel(wrong), world, squares.CONFIG, tmp_path, SIZES)
    assert numbers["law"] == "fitted"
    labels = numbers["labels"]
    assert labels["tvd"] is None and labels["do"] is None and labels["mmd"] is None
    assert labels["marginals"]["max_error"] > 0.2 and labels["pairs"]["max_error"] > 0.1
    assert labels["thin_cells"]["count"] == 0


def test_statements_are_computed_where_the_joint_law_is_too_large(tmp_path):
    other = CausalGraph({**squares.GRAPH.parents, **{f"x{i}": () for i in range(20)}})
    law = LabelDistribution(other, squares.LAW.tables | {f"x{i}": 0.5 for i in range(20)})
    world = Dataset(other, law.sample(2_000, seed=1), queries=squares.CELEBA_QUERIES)
    labels = evaluate(LawModel(law), world, squares.CONFIG, tmp_path, SIZES)["labels"]
    assert labels["do"] is None and labels["queries"][0]["rows"] is None
    assert labels["queries"][0]["model"] == pytest.approx(0.6) and labels["queries"][1]["model"] == 0.0
    # the truth is fitted to 2,000 rows
    assert labels["queries"][0]["truth"] == pytest.approx(0.6, abs=0.05)


def test_statements_are_counted_where_a_node_has_too_many_parents_for_a_table(tmp_path):
    causes = [f"x{i}" for i in range(13)]
    other = CausalGraph({**squares.GRAPH.parents, **dict.fromkeys(causes, ()), "y": causes})
    law = LabelDistribution(other, squares.LAW.tables | dict.fromkeys(causes, 0.5) | {"y": np.full([2] * 13, 0.5)})
    world = Dataset(other, law.sample(2_000, seed=1), queries=squares.CELEBA_QUERIES)
    rows = evaluate(LawModel(law), world, squares.CONFIG, tmp_path, SIZES)["labels"]["queries"]
    assert rows[0]["model"] == pytest.approx(0.6, abs=0.02) and rows[1]["model"] == 0.0
    assert rows[0]["rows"] == SIZES.draws and rows[0]["truth"] == pytest.approx(0.6, abs=0.05)


def test_labels_only(world, tmp_path):
    numbers = evaluate(squares.LabelsOnlyModel(), world, squares.CONFIG, tmp_path, SIZES)
    assert "images" not in numbers
    assert numbers["labels"]["n"] == SIZES.draws


def test_without_a_renderer_nothing_is_rendered_and_the_law_is_fitted(tmp_path):
    world = squares.dataset(renderer=False)
    numbers = evaluate(squares.PerfectModel(), world, squares.CONFIG, tmp_path, SIZES)
    assert numbers["law"] == "fitted"
    assert numbers["labels"]["do"]["max_tvd"] < 0.03
    images = numbers["images"]
    assert images["judge_cells"] == "observational"
    assert images["cfid"]["do"] is None and images["cfid"]["do_each"] == {}
    assert images["judge_training"]["balanced"] and set(images["judge_training"]["overlap"]) == set(NODES)
    assert images["off_target"]["truth"] == "none" and abs(images["off_target"]["mean"]) < 0.02
    assert images["n"]["control"] == 200  # two halves of the 400 test images
    assert images["effectiveness"]["do"]["mean"] > 0.95


def test_generated_images_are_compared_at_the_numbers_of_the_real_halves(tmp_path, monkeypatch):
    # distances fall and coverage grows with the number of images
    compared = {"frechet_distance": [], "kernel_distance": [], "neighbours": []}
    for name, sizes in compared.items():
        measured = getattr(images, name)

        def noted(a, b, *rest, measured=measured, sizes=sizes, **named):
            sizes.append((len(a), len(b)))
            return measured(a, b, *rest, **named)

        monkeypatch.setattr(images, name, noted)
    evaluate(squares.PerfectModel(), squares.dataset(renderer=False), squares.CONFIG, tmp_path, SIZES)
    assert compared == dict.fromkeys(compared, [(200, 200), (200, 200)])


def test_timing_joins_the_phases_before_with_this_one(world, tmp_path):
    (tmp_path / "timing.json").write_text(json.dumps({"data_s": 10.0, "controller_train_s": 20.0}))
    timing = evaluate(squares.LabelsOnlyModel(), world, squares.CONFIG, tmp_path, SIZES)["timing"]
    assert (timing["install_s"], timing["data_s"], timing["controller_train_s"]) == (None, 10.0, 20.0)
    assert timing["total_s"] == pytest.approx(30.0 + timing["evaluate_s"], abs=0.11)


def test_nothing_is_written(world, tmp_path):
    evaluate(squares.LabelsOnlyModel(), world, squares.CONFIG, tmp_path, SIZES)
    assert list(tmp_path.iterdir()) == []


def test_too_few_test_images_are_refused_before_anything_is_trained(world, tmp_path):
    few = dataclasses.replace(world, test=squares.image_set(11, 3))
    with pytest.raises(InputError, match="There are 11 test images"):
        evaluate(squares.PerfectModel(), few, squares.CONFIG, tmp_path, SIZES)


def test_every_purpose_has_noise_of_its_own():
    seeds = {derived_seed(seed, purpose) for seed in range(10) for purpose in ("rows", "images", "cells")}
    assert len(seeds) == 30
    assert derived_seed(3, "rows") == derived_seed(3, "rows")


def test_sizes_are_checked():
    with pytest.raises(InputError, match=r"EvaluationSizes.cfid: expected an integer of at least 2, got 0"):
        EvaluationSizes(cfid=0)
