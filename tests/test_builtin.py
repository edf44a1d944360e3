"""The built-in model: small, quick to load, and right about do and given."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import causalgan_tf
from causalgan_tf.cli import common
from causalgan_tf.config.run import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.inference import saved_model
from causalgan_tf.runs.run_folder import Run, build_image_generator, build_mechanisms
from causalgan_tf.runs.run_graph import RunGraph
from tools import make_builtin

HOME = pathlib.Path(causalgan_tf.__file__).parent
FACES = HOME / "builtin" / "faces"
present = pytest.mark.skipif(not (FACES / saved_model.FILE).is_file(), reason="the built-in model is not made yet")


def made_up_run(folder: pathlib.Path, width: int) -> None:
    """A run folder whose networks nobody has trained, read as a saved model, with a report."""
    graph = causalgan_tf.load_graph("A -> B")
    data = DataConfig(image_size=16, data_dir="/home/somebody")
    config = RunConfig(data, ControllerConfig(width=4), ImageConfig(width=width, noise_size=4))
    networks = {"controller": build_mechanisms(config, graph), "images": build_image_generator(config, graph)}
    saved_model.write(folder, Run(folder, config, RunGraph(graph, graph)).record, networks)
    (folder / "report").mkdir()
    measured = {"config": {"data": {"data_dir": "/home/somebody"}}}
    (folder / "report" / "report.json").write_text(json.dumps(measured))


def test_a_built_in_model_is_made_of_a_run_and_loaded_by_its_name(tmp_path, monkeypatch):
    made_up_run(tmp_path / "run", width=8)
    size = make_builtin.make(tmp_path / "run", tmp_path / "builtin" / "tiny")
    make_builtin.make(tmp_path / "run", tmp_path / "builtin" / "tiny")
    monkeypatch.setattr(saved_model.causalgan_tf, "__file__", str(tmp_path / "__init__.py"))
    folder = tmp_path / "builtin" / "tiny"
    assert sum(path.stat().st_size for path in folder.iterdir()) == size
    assert {path.suffix for path in folder.iterdir()} == {".json", ".npz"} and (folder / "report.json").is_file()
    assert not [path.name for path in folder.glob("*.json") if "somebody" in path.read_text()]
    assert causalgan_tf.load("builtin:tiny").sample(3).images.shape == (3, 16, 16, 3)
    with pytest.raises(InputError, match="Expected: builtin:tiny"):
        causalgan_tf.load("builtin:huge")
    with pytest.raises(InputError, match="was measured there"):
        causalgan_tf.evaluate_run("builtin:tiny")


def test_a_model_of_more_than_the_largest_size_is_not_built_in(tmp_path, monkeypatch):
    made_up_run(tmp_path / "run", width=8)
    monkeypatch.setattr(make_builtin, "LARGEST", 5_000)
    with pytest.raises(SystemExit, match="expected at most 5,000"):
        make_builtin.make(tmp_path / "run", tmp_path / "builtin" / "big")
    assert not list((tmp_path / "builtin").iterdir())


@present
def test_the_built_in_faces_are_small_and_come_with_their_report():
    assert sum(path.stat().st_size for path in FACES.iterdir()) <= 2_000_000
    report = json.loads((FACES / "report.json").read_text())
    assert report["dataset"] == "causal_faces" and report["images"]["effectiveness"]["do"]["mean"] > 0.95
    assert "/" not in json.loads((FACES / saved_model.FILE).read_text())["config"]["data"]["data_dir"]
    assert "data_dir" not in report["config"]["data"]


@present
def test_the_built_in_faces_load_in_a_fresh_process_from_any_folder(tmp_path):
    environment = {**os.environ, **common.ENVIRONMENT, "PYTHONPATH": str(HOME.parent)}
    code = "import causalgan_tf; print(causalgan_tf.load('builtin:faces').image_size)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert done.stdout == b"32\n"


@present
def test_the_built_in_faces_tell_do_from_given():
    model = causalgan_tf.load("builtin:faces")
    put_on = model.label_distribution().probability({"Male": 0}, do={"Mustache": 1})
    seen = model.label_distribution().probability({"Male": 0}, given={"Mustache": 1})
    # in truth .5832 and .0006; this model gives .5838 and .0007
    assert put_on == pytest.approx(0.583, abs=0.005) and seen < 0.002
    drawn = model.sample(40, do={"Mustache": 1}, seed=1)
    assert drawn.images.shape == (40, 32, 32, 3) and drawn.images.dtype == np.uint8
    assert set(drawn.labels["Mustache"]) == {1} and np.ptp(drawn.images) > 100
