"""A tiny run from the data to the exported model: trained, resumed, refused, sampled, exported."""

import dataclasses
import json
import pathlib
import shutil
import types

import numpy as np
import pytest
import squares
import tensorboard_log as tensorboard
import tensorflow as tf
from absl import flags

import causalgan_tf
from causalgan_tf import data
from causalgan_tf.cli import common, sample
from causalgan_tf.cli import evaluate as evaluate_program
from causalgan_tf.config.data import CELEBA_QUERIES
from causalgan_tf.config.image import IMAGE_MODELS
from causalgan_tf.config.run import BeganConfig, ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.data.causal_faces import distribution_over
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes
from causalgan_tf.evaluation.labels import do_distances
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical
from causalgan_tf.inference.export import check_servable, export_model
from causalgan_tf.reporting.report import write_report
from causalgan_tf.reporting.run_evaluation import evaluate
from causalgan_tf.runs import run_folder, timing
from causalgan_tf.runs.run_graph import RunGraph
from causalgan_tf.runs.tags import MEAN
from causalgan_tf.training import requirements, stages

PAPER = {"mechanisms": "implicit", "objective": "wasserstein"}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    faces = DataConfig(
        data_dir=str(tmp_path_factory.mktemp("data")),
        image_size=16,
        train_images=64,
        test_images=16,
        uniform_images=32,
        label_rows=5_000,
    )
    controller = ControllerConfig(
        steps=100, batch_size=64, width=6, critic_width=8, steps_per_call=50, checkpoint_every=250
    )
    image = ImageConfig(
        steps=4,
        batch_size=8,
        width=4,
        discriminator_width=4,
        labeler_width=4,
        steps_per_call=2,
        checkpoint_every=2,
        pictures_every=4,
    )
    return RunConfig(faces, controller, image, seed=3)


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    stages.train(config, folder)
    return folder


@pytest.fixture(scope="module")
def model(workdir):
    return causalgan_tf.load(workdir)


def test_a_run_folder_holds_what_the_next_command_needs(workdir, config):
    assert RunConfig.load(workdir) == config
    assert run_folder.graph_of(workdir, config).is_binary and (workdir / "graph.json").exists()
    assert {"data_s", "controller_train_s", "image_train_s"} <= set(timing.read_timing(workdir))
    assert all(run_folder.Run.open(workdir).has(stage) for stage in run_folder.STAGES)


def test_each_stage_writes_one_file_of_events_as_tensorboard_reads_on_only_in_the_last(workdir):
    for stage, of_each in {"controller": "labels/tvd", "images": "images/diversity"}.items():
        (_,) = (workdir / "logs" / stage).glob("*tfevents*")
        assert of_each in tensorboard.tags(workdir / "logs" / stage)


def test_tensorboard_has_a_group_for_each_stage_and_no_tag_twice(workdir, model, config):
    tags = {stage: tensorboard.tags(workdir / "logs" / stage) for stage in run_folder.STAGES}
    groups = {"controller": {"controller", "labels"}, "images": {"images", "effectiveness"}}
    for stage, own in groups.items():
        assert {tag.split("/")[0] for tag in tags[stage]} == own | {"pictures", "run"}
    assert {"images/diversity", "images/learning_rate_generator", "pictures/samples"} <= tags["images"].keys()
    assert {"labels/tvd", "labels/do_tvd_mean", "labels/do_tvd_max"} <= tags["controller"].keys()
    assert {"controller/negative_log_likelihood", "pictures/graph", "pictures/labels"} <= tags["controller"].keys()
    assert {f"labels/Male/{side}" for side in ("real", "generated")} <= tags["controller"].keys()
    assert {f"effectiveness/{name}" for name in (*model.graph.nodes, MEAN)} <= tags["images"].keys()
    assert tags["images"].keys() & tags["controller"].keys() == {"run/configuration", "run/graph"}
    (text,) = tensorboard.read(workdir / "logs" / "images").Tensors("run/configuration")
    assert config.to_json() in text.tensor_proto.string_val[0].decode()


def test_every_tag_of_tensorboard_has_a_description(workdir):
    parts = [tensorboard.tags(workdir / "logs" / part) for part in ("controller", "images", "final")]
    tags = {tag: told for part in parts for tag, told in part.items()}
    assert len(tags) > 40 and not [tag for tag, told in tags.items() if not told]


def test_tensorboard_sees_the_labels_approach_the_data_and_the_truth_under_do(workdir, model):
    log = tensorboard.read(workdir / "logs" / "controller")
    first, *_, last = (float(tf.make_ndarray(event.tensor_proto)) for event in log.Tensors("labels/do_tvd_mean"))
    assert 0.0 < last < first < 1.0
    exact = do_distances(model.label_distribution(), distribution_over(model.graph))
    assert last == pytest.approx(exact["mean_tvd"], abs=1e-5)
    histograms = [
        tf.make_ndarray(log.Tensors(f"labels/Male/{side}")[-1].tensor_proto) for side in ("real", "generated")
    ]
    shares = [histogram[1, 2] / histogram[:, 2].sum() for histogram in histograms]
    assert abs(shares[0] - shares[1]) < 0.1 and histograms[1][:, 2].sum() == 10_000


def test_tensorboard_compares_runs_by_settings_and_final_figures(workdir, config):
    log = tensorboard.read(workdir / "logs" / "final")
    found = tensorboard.hparams(log)
    assert found["controller.steps"] == 100 and found["image.model"] == "causal_gan" and found["seed"] == 3
    assert found["controller.critic_width"] == 8  # no default
    assert "image.labeler_noise" not in found  # a default
    assert "data.data_dir" not in found  # another folder of data is no other run
    tags = set(log.Tags()["tensors"])
    assert {
        "final/labels_tvd",
        "final/labels_do_tvd_max",
        "final/effectiveness_mean",
        "final/images_generator_loss",
    } <= tags
    assert "final/controller_negative_log_likelihood" in tags
    last = tensorboard.read(workdir / "logs" / "images").Tensors(f"effectiveness/{MEAN}")[-1]
    assert log.Tensors("final/effectiveness_mean")[-1].tensor_proto == last.tensor_proto


def test_the_report_of_a_run_holds_every_promised_number(model, config, workdir):
    dataset = data.load(config.data, config.seed)
    sizes = EvaluationSizes(draws=2_000, effectiveness=8, uniform=16, cfid=16, judge_test=8, judge_steps=5)
    numbers = evaluate(model, dataset, config, workdir, sizes)
    write_report(workdir, numbers, {})
    report = json.loads((workdir / "report" / "report.json").read_text())
    assert (workdir / "report" / "report.html").read_text().startswith("<!doctype html>")
    assert {"tvd", "tvd_floor", "tvd_to_graph_law", "off_support_mass", "n"} <= set(report["labels"])
    assert {"mean_tvd", "max_tvd", "worst"} <= set(report["labels"]["do"])
    assert [query["query"] for query in report["labels"]["queries"]] == list(CELEBA_QUERIES)
    truth = [query["truth"] for query in report["labels"]["queries"]]
    np.testing.assert_allclose(truth, [0.5832, 0.0006, 0.4168, 0.0066], atol=1e-4)
    images = report["images"]
    for part in ("observational", "uniform_cells", "do"):
        assert set(images["effectiveness"][part]["labels"]) == set(model.graph.nodes)
    assert set(images["judge"]) == set(images["balanced_accuracy"]) == set(model.graph.nodes)
    assert all(value > 0 for value in (images["cfid"][part] for part in ("observational", "do", "control")))
    assert set(images["coverage"]) == {"model", "control"} and set(images["diversity"]) == {"model", "real"}
    assert report["timing"]["total_s"] > 0 and report["config"]["seed"] == 3


def test_training_again_does_nothing_and_more_steps_continue(workdir, config, capsys):
    stages.train(config, workdir, say=print)
    said = capsys.readouterr().out
    assert said.startswith("replicas: 1 (CPU:0)\n")
    assert "controller: 100 steps" in said and "images: 4 steps" in said


def test_the_discriminators_real_rows_have_the_mixed_law_and_without_mixing_the_datas_own():
    dataset = squares.dataset(n=4_000)

    def lipstick(**image) -> float:
        """Share of bright last quadrants among the discriminator's real images."""
        fed = image.get("discriminator_rows") != "data"
        image = ImageConfig(batch_size=500, labeler_balance=0.0, discriminator_labels=fed, **image)
        config = RunConfig(image=image)
        batches = stages.real_rows(dataset, config, 0).take(8)
        return float(np.mean([np.mean(batch["image"][:, 9:15, 9:15], axis=(1, 2, 3)) > 0.0 for batch in batches]))

    own = dataset.train.labels[:, 3].mean()
    assert lipstick(mix_single=0.0, mix_uniform=0.0) == pytest.approx(own, abs=0.001)
    assert lipstick(mix_uniform=0.5, discriminator_rows="data") == pytest.approx(own, abs=0.001)
    assert lipstick(mix_single=0.0, mix_uniform=1.0) == pytest.approx(0.5, abs=0.05)


def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(workdir, config, tmp_path):
    halfway = dataclasses.replace(config, image=dataclasses.replace(config.image, steps=2))
    stages.train(halfway, tmp_path / "parts")
    stages.train(config, tmp_path / "parts")
    whole, parts = (causalgan_tf.load(folder).image_generator for folder in (workdir, tmp_path / "parts"))
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def began_config(config):
    """A tiny CausalBEGAN on the same data and controller, whose weights of the margins move fast."""
    image = dataclasses.replace(config.image, model="causal_began")
    return dataclasses.replace(config, image=image, began=BeganConfig(code_size=5, gamma1=3.0, lambda1=0.1))


@pytest.fixture(scope="module")
def began_folders(began_config, workdir, tmp_path_factory):
    """The folders of a training at one go and of one that stopped half way."""
    folders = tuple(tmp_path_factory.mktemp("began") / name for name in ("whole", "parts"))
    for folder in folders:
        shutil.copytree(workdir / "controller", folder / "controller")
    half = dataclasses.replace(began_config, image=dataclasses.replace(began_config.image, steps=2))
    for folder, config in zip((folders[0], folders[1], folders[1]), (began_config, half, began_config), strict=True):
        stages.train(config, folder, ("images",))
    return folders


@pytest.mark.long
def test_an_interrupted_causal_began_ends_with_the_weights_of_an_uninterrupted_one(began_folders):
    whole, parts = (tf.train.latest_checkpoint(str(folder / "images")) for folder in began_folders)
    names = [name for name, _ in tf.train.list_variables(whole) if name.endswith("VARIABLE_VALUE")]
    for name in names:
        np.testing.assert_array_equal(tf.train.load_variable(whole, name), tf.train.load_variable(parts, name), name)
    c = tf.train.load_variable(whole, next(name for name in names if name.startswith("c/")))
    assert c.shape == (3,) and 0 < c[0] < 1


@pytest.mark.long
def test_a_causal_began_is_sampled_and_exported_by_the_same_calls(began_folders, tmp_path):
    model = causalgan_tf.load(began_folders[0])
    drawn = model.sample(4, do={"Smiling": 1}, seed=8)
    assert drawn.images.shape == (4, 16, 16, 3) and drawn.images.dtype == np.uint8
    sample = tf.saved_model.load(str(export_model(model, tmp_path))).signatures["sample"]
    do = np.full((4, 9), np.nan, np.float32)
    do[:, model.graph.index("Smiling")] = 1
    served = sample(seed=tf.constant(drawn.seeds), do=tf.constant(do))
    np.testing.assert_array_equal(served["labels"], drawn.labels)
    assert np.abs(served["image"].numpy().astype(int) - drawn.images).max() <= 1


def test_another_margin_is_another_run(began_folders, began_config):
    other = dataclasses.replace(began_config, began=dataclasses.replace(began_config.began, gamma1=0.7))
    with pytest.raises(InputError, match="began.gamma1: 3.0 -> 0.7"):
        stages.train(other, began_folders[0])


def test_a_training_of_images_that_diverges_stops_with_its_last_good_checkpoint(began_folders, began_config, tmp_path):
    folder = tmp_path / "diverged"
    shutil.copytree(began_folders[0], folder)
    # the step after the checkpoint meets weights that are no numbers
    config = dataclasses.replace(began_config, image=dataclasses.replace(began_config.image, steps=6))
    began = IMAGE_MODELS["causal_began"]

    def diverging(*arguments):
        learner = began.build_learner(*arguments)
        learner.gammas = (float("nan"), 0.5, 0.5)
        return learner

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(IMAGE_MODELS, "causal_began", dataclasses.replace(began, build_learner=diverging))
        with pytest.raises(InputError, match="(?s)nan after step 6: the training has diverged.*images/ckpt-4.*Lower"):
            stages.train(config, folder)
    assert run_folder.Run.open(folder).require("images").endswith("ckpt-4")


@pytest.mark.long
def test_a_training_whose_images_become_one_stops_with_its_last_good_checkpoint(began_folders, began_config, tmp_path):
    folder = tmp_path / "collapsed"
    shutil.copytree(began_folders[0], folder)
    image = dataclasses.replace(began_config.image, steps=8, checkpoint_every=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "relative_diversity", lambda model, images: iter([0.9, 0.9, 0.05]).__next__)
        with pytest.raises(InputError, match="(?s)After step 8 .*draws one image.*images/ckpt-6.*began_gamma1"):
            stages.train(dataclasses.replace(began_config, image=image), folder)
    assert run_folder.Run.open(folder).require("images").endswith("ckpt-6")


def test_the_real_images_own_diversity_is_one():
    images = np.random.default_rng(0).integers(0, 256, (64, 4, 4, 3), np.uint8)
    drawn = types.SimpleNamespace(sample=lambda rows, seed: types.SimpleNamespace(images=images[::2]))
    assert stages.relative_diversity(drawn, images)() == pytest.approx(1.0)
    same = types.SimpleNamespace(sample=lambda rows, seed: types.SimpleNamespace(images=images[:1].repeat(rows, 0)))
    assert stages.relative_diversity(same, images)() == pytest.approx(0.0, abs=1e-6)


def test_another_configuration_is_refused_with_what_differs(workdir, config):
    other = dataclasses.replace(config, controller=dataclasses.replace(config.controller, batch_size=32), seed=4)
    with pytest.raises(InputError, match=r"(?s)seed: 3 -> 4.*controller.batch_size: 64 -> 32"):
        stages.train(other, workdir)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (
            "controller",
            PAPER | {"batch_size": 6_000},
            "5000 rows, fewer than one batch of 6000.*--controller_batch_size",
        ),
        ("image", {"batch_size": 100}, "64 training images, fewer than one batch of 100.*--image_batch_size"),
        ("controller", {"tvd_target": 0.001}, "--controller_tvd_target=0.001 lies below the sampling floor"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_training(config, tmp_path, part, change, message):
    wrong = dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **change)})
    with pytest.raises(InputError, match=message):
        stages.train(wrong, tmp_path / "wrong")
    # a folder left behind would refuse the mended command
    assert not (tmp_path / "wrong").exists()


KINDS = "Sex -> Smoke -> Age; Smoke: categorical(never, former, now); Age: continuous(0, 120)"


@pytest.fixture(scope="module")
def table_config(tmp_path_factory):
    """A table of a binary, a categorical and a continuous label, three rows of which miss a value."""
    rng = np.random.default_rng(0)
    sex, smoke = rng.integers(0, 2, 400), rng.choice(["never", "former", "now"], 400)
    rows = [f"{s},{m},{a:.1f}" for s, m, a in zip(sex, smoke, rng.uniform(18, 90, 400), strict=True)]
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    path.write_text("\n".join(["Sex,Smoke,Age", *rows, "1,,30", ",now,30", "0,now,"]))
    table = DataConfig(dataset="table", graph=KINDS, labels_file=str(path), drop_missing=True)
    return RunConfig(
        table, ControllerConfig(steps=20, batch_size=64, width=6, critic_width=8, steps_per_call=10), seed=1
    )


@pytest.fixture(scope="module")
def table_run(table_config, tmp_path_factory):
    """The folder of its run, and what the training said."""
    folder, said = tmp_path_factory.mktemp("runs") / "table", []
    stages.train(table_config, folder, say=said.append)
    return folder, said


def test_the_training_says_what_it_learns_and_what_it_leaves_out(table_run):
    _, said = table_run
    assert [line.split(":")[0] for line in said[1:4]] == ["Sex", "Smoke", "Age"]
    assert said[1].endswith("% are 1, inferred") and not said[2].endswith("inferred")
    assert said[4] == "3 rows left out, for they miss a value; 400 remain"


def test_the_training_says_how_to_watch_it(table_run):
    folder, said = table_run
    assert f"TensorBoard: tensorboard --logdir={folder / 'logs'}" in said


def test_tensorboard_shows_numbers_and_categories_and_the_figures_of_the_evaluation(table_run):
    folder, _ = table_run
    numbers = causalgan_tf.evaluate_run(folder, EvaluationSizes(draws=2_000, mmd=50))
    found = tensorboard.tags(folder / "logs" / "controller")
    assert {"labels/error", "labels/wasserstein", "labels/Age/real", "labels/Smoke/generated"} <= found.keys()
    assert all(found.values())
    log = tensorboard.read(folder / "logs" / "final")
    measured = tf.make_ndarray(log.Tensors("report/labels_error")[-1].tensor_proto)
    assert float(measured) == pytest.approx(numbers["labels"]["marginals"]["max_error"])
    assert tensorboard.hparams(log)["data.dataset"] == "table" and "final/labels_error" in log.Tags()["tensors"]
    assert numbers["labels"]["independences"]["implied"] >= 0


def test_a_run_of_other_kinds_of_labels_is_loaded_with_them(table_run):
    folder, _ = table_run
    kinds = causalgan_tf.load(folder).graph.variables
    assert kinds["Smoke"].categories == ("never", "former", "now")
    assert kinds["Age"].mean == pytest.approx(54, abs=3) and kinds["Age"].low == 0
    model = causalgan_tf.load(folder)
    rows = model.sample(50, do={"Smoke": "now"}, given={"Age": (0, 120)}, seed=2).labels
    assert (rows["Smoke"] == "now").all() and rows["Age"].between(0, 120).all()
    assert rows.dtypes.astype(str).tolist() == ["uint8", "category", "float32"]


def test_a_run_does_not_go_on_with_other_rows_or_other_categories_and_its_checkpoint_stays(table_run, table_config):
    folder, _ = table_run
    kept, files = (folder / "graph.json").read_text(), sorted((folder / "controller").iterdir())
    more = dataclasses.replace(table_config, controller=dataclasses.replace(table_config.controller, steps=40))
    path = pathlib.Path(table_config.data.labels_file)
    text = path.read_text()
    try:
        path.write_text(text + "\n1,now,119.5")
        with pytest.raises(InputError, match="400 rows there, 401 rows now"):
            stages.train(more, folder)
        path.write_text(text.replace("former", "once"))
        with pytest.raises(InputError, match=r"once"):
            stages.train(more, folder)
    finally:
        path.write_text(text)
    assert (folder / "graph.json").read_text() == kept
    assert sorted((folder / "controller").iterdir()) == files


def test_a_run_of_other_kinds_of_labels_has_a_report(table_run, table_config):
    folder, _ = table_run
    dataset = data.load(table_config.data, table_config.seed)
    sizes = EvaluationSizes(draws=2_000, mmd=100)
    write_report(folder, evaluate(causalgan_tf.load(folder), dataset, table_config, folder, sizes), {})
    labels = json.loads((folder / "report" / "report.json").read_text())["labels"]
    assert set(labels["marginals"]["each"]) == {"Sex", "Smoke", "Age"} and labels["pairs"]["count"] == 1
    assert labels["mmd"]["n"] == 100 and labels["tvd"] is None


def test_a_target_that_cannot_be_measured_is_refused(table_config, tmp_path):
    target = dataclasses.replace(table_config.controller, tvd_target=0.1)
    with pytest.raises(InputError, match="--controller_tvd_target=0.1: the TVD is measured over the cells"):
        stages.train(dataclasses.replace(table_config, controller=target), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_faces_with_other_types_of_labels_are_refused(config, tmp_path):
    faces = dataclasses.replace(config.data, graph="Male -> Bald; Male: categorical(f, m)")
    with pytest.raises(InputError, match="causal_faces: expected binary labels; the graph says that Male is categ"):
        stages.train(dataclasses.replace(config, data=faces), tmp_path / "odd")


def test_more_label_cells_than_can_be_numbered_are_refused_for_images(began_config):
    graph = CausalGraph({f"L{k}": () for k in range(63)})
    with pytest.raises(InputError, match="The 63 labels have 2..63 cells: expected fewer than 2..63 where images"):
        requirements.check_dataset(data.Dataset(graph, np.zeros((9, 63), np.uint8)), began_config, ("images",))


def test_of_many_labels_only_those_are_described_that_have_something_to_tell(table_config):
    graph = CausalGraph({f"x{i}": () for i in range(41)}, {"x3": Categorical(("a", "b"))})
    rows = np.tile(np.array([[0], [1]], np.uint8), [1, 41])
    rows[:, 7] = 1
    kept = RunGraph(graph, graph)
    told = list(
        requirements.description(data.Dataset(graph, rows), run_folder.Run(pathlib.Path("x"), RunConfig(), kept))
    )
    assert told[0] == "x3: categorical(a .5, b .5)" and told[1].startswith("x7: binary, constant 1") and len(told) == 2


def test_images_without_a_controller_are_refused(config, tmp_path):
    with pytest.raises(InputError, match="no trained controller.*--stages=controller"):
        stages.train(config, tmp_path / "none", stages=("images",))


def test_a_batch_that_replicas_cannot_share_is_refused(config, tmp_path):
    odd = dataclasses.replace(config, image=dataclasses.replace(config.image, batch_size=9))
    with pytest.raises(InputError, match="--image_batch_size=9 is shared by 2 replicas.*such as 8"):
        stages.train(odd, tmp_path / "odd", strategy="mirrored", logical_devices=2)
    penalty = dataclasses.replace(config.gan, r1_weight=1.0, r1_every=4)
    unequal = dataclasses.replace(config, image=dataclasses.replace(config.image, batch_size=12), gan=penalty)
    with pytest.raises(InputError, match="--image_r1_every=4 .* 6 images each.*--image_r1_every=2"):
        stages.train(unequal, tmp_path / "odd", strategy="mirrored", logical_devices=2)
    # labels alone do not care; that they are refused for another reason tells that this one was passed
    target = dataclasses.replace(odd, controller=dataclasses.replace(odd.controller, tvd_target=1e-6))
    with pytest.raises(InputError, match="lies below the sampling floor"):
        stages.train(target, tmp_path / "odd", ("controller",), strategy="mirrored", logical_devices=2)


def test_the_training_stops_at_the_tvd_target(config, tmp_path):
    easy = dataclasses.replace(
        config, controller=dataclasses.replace(config.controller, steps=1_000, tvd_target=0.99, tvd_after=60)
    )
    stages.train(easy, tmp_path / "easy", stages=("controller",))
    checkpoint = tf.train.latest_checkpoint(str(tmp_path / "easy" / "controller"))
    assert checkpoint.endswith("-100")


def test_one_seed_draws_the_same_bytes_and_another_does_not(model):
    one, two, other = (model.sample(5, seed=seed) for seed in (1, 1, 2))
    assert one.labels.equals(two.labels)
    np.testing.assert_array_equal(one.images, two.images)
    assert (one.images != other.images).any()


def test_do_keeps_non_descendants_and_fewer_rows_are_the_first_rows(model):
    before, after = model.sample(200, seed=4, images=False), model.sample(100, do={"Smiling": 1}, seed=4, images=False)
    kept = [node for node in model.graph.nodes if node not in {"Smiling", *model.graph.descendants("Smiling")}]
    assert before.labels[kept][:100].equals(after.labels[kept])
    assert (after.labels["Smiling"] == 1).all()


def test_twins_are_the_rows_of_another_do_with_the_same_seed(model):
    seen, done = model.sample(40, seed=4), model.sample(40, do={"Smiling": 1}, seed=4)
    twins = model.twins(seen.seeds, {"Smiling": 1})
    assert twins.labels.equals(done.labels)
    np.testing.assert_array_equal(twins.images, done.images)
    assert model.twins(done.seeds).labels.equals(seen.labels)
    assert model.twins(seen.seeds, images=False).images is None
    with pytest.raises(InputError, match="do Smiling=2: expected 0 or 1"):
        model.twins(seen.seeds, {"Smiling": 2})


def test_images_of_the_labels_and_seeds_of_a_draw_are_its_images(model):
    drawn = model.sample(5, seed=4)
    labels = drawn.labels.to_numpy()
    np.testing.assert_array_equal(model.images_of(labels, seeds=drawn.seeds), drawn.images)
    same = model.images_of(np.repeat(labels[:1], 3, axis=0), seeds=np.repeat(drawn.seeds[:1], 3))
    assert (same == drawn.images[0]).all()
    with pytest.raises(InputError, match="a seed for each of 5 rows, got 4 seeds"):
        model.images_of(labels, seeds=drawn.seeds[:4])


def test_pictures_of_a_run_are_written_by_the_command(workdir, tmp_path, capsys):
    values = flags.FlagValues()
    sample.declare(values)
    line = ["", f"--workdir={workdir}", f"--out={tmp_path}", "--picture=all", "--label=Bald,Young", "--n=2", "--seed=5"]
    common.parse(line, values)
    sample.main(values)
    expected = {
        f"{kind}_{node}" for kind in ("do_given", "switched", "given", "interpolation") for node in ("Bald", "Young")
    }
    assert {path.stem for path in tmp_path.glob("*.png")} == expected | {"counterfactual"}
    assert capsys.readouterr().out.count(".png\n") == 9


def test_weights_of_inception_that_cannot_be_used_are_refused_before_anything_is_measured(workdir, table_run):
    def measure(folder):
        values = flags.FlagValues()
        evaluate_program.declare(values)
        common.parse(["", f"--workdir={folder}", "--inception_weights=/no/weights.h5"], values)
        evaluate_program.main(values)

    with pytest.raises(InputError, match="Inception weights /no/weights.h5: there is no such file"):
        measure(workdir)
    with pytest.raises(InputError, match="--inception_weights measure images: this model draws labels only"):
        measure(table_run[0])


def test_given_returns_exactly_the_rows_asked_for_or_says_why(model):
    rows = model.sample(300, given={"Young": 1}, do={"Male": 0}, seed=5, images=False).labels
    assert len(rows) == 300 and (rows["Young"] == 1).all() and (rows["Male"] == 0).all()
    with pytest.raises(InputError, match="'Young' is in do and in given"):
        model.sample(2, do={"Young": 0}, given={"Young": 1})
    with pytest.raises(InputError, match=r"Found \d+ of 60000 rows with Young=1 in 65,536 draws.*max_draws"):
        model.sample(60_000, given={"Young": 1}, images=False, max_draws=65_536, method="rejection")


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_row_is_refused(model, n):
    with pytest.raises(InputError, match=f"at least 1 row, got {n}"):
        model.sample(n)


def test_the_exported_model_draws_the_rows_of_sample_from_their_seeds(model, tmp_path):
    assert export_model(model, tmp_path).name == "1"
    folder = export_model(model, tmp_path)
    assert folder.name == "2" and (folder / "saved_model.pb").exists()
    sample = tf.saved_model.load(str(folder)).signatures["sample"]
    drawn = model.sample(6, do={"Smiling": 1}, seed=8)
    do = np.full((6, 9), np.nan, np.float32)
    do[:, model.graph.index("Smiling")] = 1
    served = sample(seed=tf.constant(drawn.seeds), do=tf.constant(do))
    np.testing.assert_array_equal(served["labels"], drawn.labels)
    assert np.abs(served["image"].numpy().astype(int) - drawn.images).max() <= 1
    alone = sample(seed=tf.constant(drawn.seeds[2:3]), do=tf.constant(do[2:3]))
    np.testing.assert_array_equal(alone["labels"][0], served["labels"][2])
    assert np.abs(alone["image"].numpy().astype(int)[0] - served["image"][2]).max() <= 1


def test_a_python_function_or_an_xla_island_is_not_exported():
    spec = tf.TensorSpec([None], tf.float32)
    python = tf.function(lambda x: tf.numpy_function(np.sin, [x], tf.float32), [spec])
    island = tf.function(lambda x: tf.function(tf.sin, jit_compile=True)(x), [spec])
    for function, name in ((python, "PyFunc"), (island, "_XlaMustCompile")):
        with pytest.raises(InputError, match=name):
            check_servable(function.get_concrete_function())
