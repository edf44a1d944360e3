"""A model that was saved is the model that was trained, wherever and whenever it is read."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from absl import flags

import causalgan_tf
from causalgan_tf.cli import common, export, sample
from causalgan_tf.config.run import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import saved_model
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.runs.run_folder import Run, build_image_generator, build_mechanisms
from causalgan_tf.runs.run_graph import RunGraph

TINY = ControllerConfig(steps=10, batch_size=64, width=4, critic_width=4, steps_per_call=5)
GRAPH = "A -> Smoke -> Age; Age: continuous"


@pytest.fixture(scope="module")
def model() -> CausalModel:
    """A model of a frame with labels of every type."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"A": rng.integers(0, 2, 200), "Smoke": rng.choice(["now", "<b>é"], 200), "Age": rng.normal(40, 9, 200)}
    )
    return causalgan_tf.fit_labels(frame, GRAPH, TINY, progress=False)


@pytest.fixture
def saved(model, tmp_path) -> pathlib.Path:
    model.save(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture(scope="module")
def with_images() -> CausalModel:
    """A model of labels and images that nobody has trained."""
    config = RunConfig(image=ImageConfig(width=16, noise_size=4), data=DataConfig(image_size=16, graph="A -> B"))
    graph = CausalGraph.from_text("A -> B")
    record = Run(pathlib.Path(), config, RunGraph(graph, graph)).record
    mechanisms = build_mechanisms(config, graph)
    return CausalModel(graph, mechanisms, build_image_generator(config, graph), record=record)


def only_ours(folder: pathlib.Path) -> set[str]:
    return {path.name.split("-")[0] for path in folder.iterdir()}


def test_a_loaded_model_draws_the_rows_that_the_saved_one_draws(model, saved):
    loaded = causalgan_tf.load(saved)
    assert loaded.graph == model.graph
    for query in ({}, {"do": {"A": 1}}, {"do": {"Age": 30.5}, "given": {"Smoke": "<b>é"}}):
        assert loaded.sample(50, seed=4, **query).labels.equals(model.sample(50, seed=4, **query).labels)
    assert only_ours(saved) == {"causalgan", "controller", "model.json"}


def test_a_model_is_loaded_by_another_process_in_another_folder(model, saved, tmp_path):
    code = (
        f"import causalgan_tf as c; c.load({str(saved)!r}).sample(20, do={{'A': 1}}, seed=9).labels.to_pickle('rows')"
    )
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(causalgan_tf.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert pd.read_pickle(tmp_path / "rows").equals(model.sample(20, do={"A": 1}, seed=9).labels)


def test_images_are_saved_with_their_labels_bit_for_bit(with_images, tmp_path):
    with_images.save(tmp_path / "saved")
    loaded, drawn = causalgan_tf.load(tmp_path / "saved"), with_images.sample(6, seed=2)
    again = loaded.sample(6, seed=2)
    assert np.array_equal(drawn.images, again.images) and drawn.labels.equals(again.labels)


def test_a_loaded_model_is_saved_again_as_it_was(saved, tmp_path):
    causalgan_tf.load(saved).save(tmp_path / "again")
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()
    }


def test_a_second_model_replaces_the_first_and_leaves_what_others_put_there(saved, with_images):
    (saved / "notes.txt").write_text("mine")
    with_images.save(saved)
    assert causalgan_tf.load(saved).graph.nodes == ("A", "B")
    assert only_ours(saved) == {"causalgan", "controller", "images", "model.json", "notes.txt"}
    assert len(list(saved.glob("controller-*"))) == 1


def test_a_save_that_is_cut_off_leaves_the_model_before(model, saved, with_images, monkeypatch):
    rows = model.sample(5, seed=1).labels
    write = saved_model.OutputFolder.write

    def cut_off(folder, name, save):
        if name == saved_model.FILE:
            raise KeyboardInterrupt
        write(folder, name, save)

    monkeypatch.setattr(saved_model.OutputFolder, "write", cut_off)
    with pytest.raises(KeyboardInterrupt):
        with_images.save(saved)
    assert causalgan_tf.load(saved).sample(5, seed=1).labels.equals(rows)


def test_files_that_are_not_ours_are_not_overwritten(model, tmp_path):
    (tmp_path / "model.json").write_text("mine")
    with pytest.raises(InputError, match="did not write"):
        model.save(tmp_path)
    assert (tmp_path / "model.json").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["config.json", "file"])
def test_runs_and_files_are_no_place_for_a_model(model, tmp_path, name):
    (tmp_path / name).write_text("{}")
    place = tmp_path if name == "config.json" else tmp_path / name
    with pytest.raises(InputError, match="holds a run|cannot be"):
        model.save(place)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("place", ["", None, 3, "builtin:faces", pathlib.Path("builtin:mine")])
def test_what_is_no_folder_to_write_into_is_refused(model, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Expected the name of a folder"):
        model.save(place)
    assert not list(tmp_path.iterdir())


def test_programs_sample_and_export_a_saved_model(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program, arguments in ((sample, ["--out=out", "--n=5", "--do=A=1"]), (export, ["--export_dir=served"])):
        values = flags.FlagValues()
        program.declare(values)
        program.main(common.parse(["", f"--workdir={saved}", *arguments], values))
    assert len(pathlib.Path("out/labels.csv").read_text().splitlines()) == 6
    assert pathlib.Path("served/1/saved_model.pb").is_file()


def test_an_export_of_the_built_in_model_says_what_was_measured_and_its_licence(tmp_path):
    values = flags.FlagValues()
    export.declare(values)
    arguments = ["", "--workdir=builtin:faces", f"--export_dir={tmp_path}", "--licence=apache-2.0"]
    export.main(common.parse(arguments, values))
    card = json.loads((tmp_path / "1" / "assets" / "card.json").read_text())
    assert 0 < card["figures"]["labels"]["tvd"] < 0.1 and "effectiveness" in card["figures"]["images"]
    assert card["licence"] == "apache-2.0"
    assert 'license: "apache-2.0"\n' in (tmp_path / "1" / "README.md").read_text()


def test_the_report_of_a_run_comes_before_one_beside_it(tmp_path):
    assert export.figures(tmp_path) is None
    (tmp_path / "report.json").write_text('{"labels": {"tvd": 0.5}}')
    assert export.figures(tmp_path) == {"labels": {"tvd": 0.5}}
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text('{"labels": {"tvd": 0.25}}')
    assert export.figures(tmp_path) == {"labels": {"tvd": 0.25}}


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "other"])
def test_damaged_weights_are_named(saved, with_images, tmp_path, damage):
    path = next(saved.glob("controller-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "other":
        with_images.save(tmp_path / "other")
        content = next((tmp_path / "other").glob("controller-*")).read_bytes()
    path.write_bytes(content[:100] if damage == "cut" else content)
    if damage == "gone":
        path.unlink()
    with pytest.raises(InputError, match=f"{path.name} (is damaged|cannot be read)"):
        causalgan_tf.load(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"controller": "../../secret.npz"}},
        {"weights": []},
        {"weights": {"controller": 3}},
        {"graph": {}},
        {"graph": {"nodes": ["A"], "edges": [["A", "A"]]}},
        {"config": {"controller": {"width": 10**12}}},
        {"config": {"nothing": 1}},
        {"config": 7},
    ],
)
def test_a_damaged_model_json_is_one_sentence(saved, change):
    path = saved / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError) as error:
        causalgan_tf.load(saved)
    assert len(str(error.value)) <= 300 + len(str(path))


def test_weights_of_another_shape_are_refused(saved):
    values = json.loads((saved / "model.json").read_text())
    values["config"]["controller"]["width"] += 1
    (saved / "model.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="does not fit"):
        causalgan_tf.load(saved)


def test_half_the_digits_take_half_the_room_and_are_read_as_float32(with_images, tmp_path):
    saved_model.write(tmp_path / "half", with_images.record, with_images.networks, dtype="float16")
    with_images.save(tmp_path / "whole")
    sizes = [sum(path.stat().st_size for path in (tmp_path / name).glob("*.npz")) for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    images = [causalgan_tf.load(tmp_path / name).sample(8, seed=1).images.astype(float) for name in ("half", "whole")]
    assert 0 < np.abs(images[0] - images[1]).max() <= 4


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    graph = CausalGraph.from_text("A -> B")
    mechanisms = build_mechanisms(RunConfig(controller=TINY), graph)
    mechanisms.vector.assign(np.nan * mechanisms.vector)
    with pytest.raises(InputError, match="not all finite"):
        CausalModel(graph, mechanisms, record={}).save(tmp_path / "saved")
    assert not list(tmp_path.iterdir())


def test_a_model_put_together_by_hand_says_that_it_cannot_be_saved(tmp_path):
    graph = CausalGraph.from_text("A -> B")
    with pytest.raises(InputError, match="put together by hand"):
        CausalModel(graph, build_mechanisms(RunConfig(), graph)).save(tmp_path / "saved")


def test_a_saved_model_is_neither_trained_on_nor_measured_by_other_data(saved):
    with pytest.raises(InputError, match="saved model"):
        Run.create(saved, RunConfig(DataConfig(dataset="table", graph=GRAPH, labels_file="rows.csv")))
    with pytest.raises(InputError, match="without its data"):
        Run.open(saved).dataset()


def test_an_unknown_builtin_is_refused_by_name():
    with pytest.raises(InputError, match="no built-in model 'fases'"):
        causalgan_tf.load("builtin:fases")
