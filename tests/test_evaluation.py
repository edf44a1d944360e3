"""Evaluation of models whose every number is known: a perfect one, and ones that are wrong on purpose."""

import dataclasses
import json

import numpy as np
import pytest
import squares

from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes, evaluate
from causalgan_tf.evaluation.images import judge_split
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.judge import train_judge
from causalgan_tf.metrics.tvd import total_variation

SIZES = EvaluationSizes(draws=20_000, effectiveness=200, uniform=300, cfid=400, judge_test=100, judge_steps=50)
NODES = squares.GRAPH.nodes


@pytest.fixture(scope="module")
def world():
    return squares.dataset()


@pytest.fixture(scope="module")
def judge(world):
    return train_judge(judge_split(world, SIZES.judge_test)[0], NODES, seed=0, steps=SIZES.judge_steps)


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
    assert labels["do"]["max_tvd"] < 0.02
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
        assert answers[query][1] == pytest.approx(value, abs=1e-9)
        assert answers[query][0] == pytest.approx(value, abs=0.02)


def test_a_perfect_model_shows_every_label(perfect):
    images = perfect["images"]
    for part in ("observational", "uniform_cells", "do"):
        assert images["effectiveness"][part]["mean"] > 0.99
        assert set(NODES) < set(images["effectiveness"][part])
    assert images["effectiveness"]["do"]["other_labels"] > 0.99
    assert min(images["judge"].values()) > 0.99


def test_rendered_images_pass_for_real_ones(perfect):
    images = perfect["images"]
    cfid = images["cfid"]
    # squared distances of 400 images in 64 features: the control is the yardstick
    assert cfid["observational"] < 2 * cfid["control"]
    assert cfid["do"] == pytest.approx(np.mean(list(cfid["do_each"].values())))
    assert cfid["do"] < 2 * cfid["control"]
    assert images["coverage"]["model"] == pytest.approx(images["coverage"]["control"], abs=0.1)
    assert images["diversity"]["model"] == pytest.approx(images["diversity"]["real"], rel=0.05)


def test_conditioning_in_place_of_doing_is_caught(conditioning, perfect):
    labels = conditioning["labels"]
    observed = squares.LAW.joint()
    wearing = (np.arange(16) >> NODES.index("Mustache")) & 1
    given = observed * wearing / (observed * wearing).sum()
    known = total_variation(given, squares.LAW.joint({"Mustache": 1}))
    assert known > 0.55
    assert labels["do"]["each"]["do(Mustache=1)"] == pytest.approx(known, abs=0.02)
    assert labels["do"]["worst"] == "do(Mustache=1)"
    assert labels["do"]["max_tvd"] == labels["do"]["each"]["do(Mustache=1)"]
    # its observational law is right all the same
    assert labels["tvd"] == pytest.approx(labels["tvd_floor"], abs=0.006)
    cfid, right = conditioning["images"]["cfid"], perfect["images"]["cfid"]
    assert cfid["do_each"]["do(Mustache=1)"] > 5 * right["do_each"]["do(Mustache=1)"]


def test_a_label_that_the_images_ignore_is_caught(blind):
    effect = blind["images"]["effectiveness"]
    assert effect["do"]["Mustache"] == pytest.approx(0.5, abs=0.02)
    assert effect["do"]["Male"] > 0.99
    assert effect["do"]["mean"] == pytest.approx(np.mean([effect["do"][node] for node in NODES]))
    assert effect["uniform_cells"]["Mustache"] == pytest.approx(0.5, abs=0.1)
    assert (
        effect["do_each"]["do(Mustache=0)"]["Mustache"] < 0.02 < 0.98 < effect["do_each"]["do(Mustache=1)"]["Mustache"]
    )
    # P(Mustache = 1) = .4 (.25 * .6 + .75 * .4) = .18
    assert effect["observational"]["Mustache"] == pytest.approx(0.18, abs=0.07)


def test_balanced_accuracy_of_an_ignored_label_is_a_half(blind):
    images = blind["images"]
    assert images["balanced_accuracy"]["Mustache"] == pytest.approx(0.5)
    assert images["balanced_accuracy_observational"]["Mustache"] == pytest.approx(0.5)


def test_the_same_run_gives_the_same_numbers(perfect, world, judge, tmp_path):
    again = measure(squares.PerfectModel(), world, judge, tmp_path)
    assert {**again, "timing": None} == {**perfect, "timing": None}


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
    # two halves of the 400 test images
    assert images["n"]["control"] == 200
    assert images["effectiveness"]["do"]["mean"] > 0.95


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
