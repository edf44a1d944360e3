"""A tiny run over a category and three numbers, from the digits to the exported model."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from absl import flags
from PIL import Image

import causalgan_tf
from causalgan_tf import data
from causalgan_tf.cli import sample as program
from causalgan_tf.config.run import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.evaluation import EvaluationSizes
from causalgan_tf.inference.export import export_model
from causalgan_tf.reporting.report import write_report
from causalgan_tf.reporting.run_evaluation import evaluate
from causalgan_tf.training import stages

NODES = ("digit", "thickness", "slant", "intensity")


@pytest.fixture(scope="module")
def config():
    digits = DataConfig(
        dataset="morpho_digits",
        graph="morpho_digits",
        channels=1,
        image_size=16,
        train_images=64,
        test_images=16,
        uniform_images=32,
        label_rows=5_000,
    )
    controller = ControllerConfig(steps=40, batch_size=64, width=6, critic_width=8, steps_per_call=20)
    widths = {"width": 4, "discriminator_width": 4, "labeler_width": 4}
    image = ImageConfig(steps=2, batch_size=8, **widths, steps_per_call=2, checkpoint_every=2, pictures_every=9)
    return RunConfig(digits, controller, image, seed=3)


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    stages.train(config, folder)
    return folder


@pytest.fixture(scope="module")
def model(workdir):
    return causalgan_tf.load(workdir)


def test_a_model_of_numbers_draws_grey_images_and_keeps_its_units(model):
    plain, thick = (model.sample(6, do=do, seed=4) for do in ({}, {"thickness": 3.5, "digit": "7"}))
    assert plain.images.shape == (6, 16, 16, 1) and plain.images.dtype == np.uint8
    assert plain.labels.dtypes.astype(str).tolist() == ["category", *["float32"] * 3]
    assert (thick.labels["digit"] == "7").all() and (thick.labels["thickness"] == 3.5).all()
    assert plain.labels["intensity"].between(64, 255).all()
    slanted = model.sample(6, do={"slant": 10}, seed=4).labels
    np.testing.assert_array_equal(slanted["thickness"], plain.labels["thickness"])
    # another number changes the image, and the same row seen twice is the same image
    rows = np.array([[3, 2.5, 0, 150], [3, 4.0, 0, 150], [3, 2.5, 0, 150]], np.float32)
    first, second, third = model.images_of(rows, seeds=np.array([5, 5, 5]))
    assert (first != second).any() and (first == third).all()


def test_the_exported_model_takes_and_gives_labels_of_any_kind(model, tmp_path):
    drawn = model.sample(4, do={"slant": 12.5, "digit": "3"}, seed=8)
    served = tf.saved_model.load(str(export_model(model, tmp_path))).signatures["sample"]
    do = np.array([[3, np.nan, 12.5, np.nan]] * 4, np.float32)
    found = served(seed=tf.constant(drawn.seeds), do=tf.constant(do))
    labels = drawn.labels.assign(digit=drawn.labels["digit"].cat.codes).to_numpy(np.float32)
    np.testing.assert_allclose(found["labels"], labels, rtol=1e-5)
    assert np.abs(found["image"].numpy().astype(int) - drawn.images).max() <= 1


def test_the_report_of_such_a_run_has_accuracies_and_errors(model, config, workdir):
    sizes = EvaluationSizes(draws=2_000, mmd=50, effectiveness=8, uniform=16, cfid=16, judge_test=8, judge_steps=5)
    numbers = evaluate(model, data.load(config.data, config.seed), config, workdir, sizes)
    write_report(workdir, numbers, {})
    images = numbers["images"]
    assert set(images["judge"]) == {"digit"} and set(images["continuous"]) == set(NODES[1:])
    # of 16 pixels a side the thickness is not measured
    assert images["continuous"]["thickness"]["measured"] is None
    for node in NODES[2:]:
        own = images["continuous"][node]
        assert own["sd"] > 0 and all(
            own[by]["do"] >= 0 and len(own[by]["do_each"]) == 3 for by in ("judge", "measured")
        )
        assert own["measured"]["real"] < 0.3 * own["sd"]
    assert len(images["effectiveness"]["do_each"]) == 10 + 3 * 3 and len(images["cfid"]["do_each"]) == 19
    assert numbers["labels"]["marginals"]["worst_continuous"] in NODES


def test_the_program_writes_grey_files_and_compares_do_with_given(model, workdir, tmp_path):
    values = flags.FlagValues()
    program.declare(values)
    arguments = [f"--workdir={workdir}", f"--out={tmp_path}", "--n=3", "--do=digit=4", "--compare=slant=0"]
    values(["program", *arguments])
    program.main(values)
    with Image.open(tmp_path / "images" / "00002.png") as image:
        assert (image.mode, image.size) == ("L", (16, 16))
    with Image.open(tmp_path / "compare.png") as image:
        assert image.size[1] > 128
    table = pd.read_csv(tmp_path / "labels.csv")
    assert list(table) == [*NODES, "seed"]
    # the seeds alone draw these rows again
    again = model.twins(table["seed"].to_numpy(), {"digit": "4"})
    np.testing.assert_allclose(again.labels["slant"], table["slant"], atol=1e-3)  # degrees
    with Image.open(tmp_path / "images" / "00002.png") as image:
        assert np.abs(again.images[2, ..., 0].astype(int) - np.asarray(image)).max() <= 1


@pytest.mark.long
def test_causal_began_takes_a_step_on_such_labels(config, workdir, tmp_path):
    shutil.copytree(workdir / "controller", tmp_path / "controller")
    image = dataclasses.replace(config.image, model="causal_began", steps=1, steps_per_call=1)
    stages.train(dataclasses.replace(config, image=image), tmp_path, ("images",))
    assert causalgan_tf.load(tmp_path).sample(2, seed=1).images.shape == (2, 16, 16, 1)
