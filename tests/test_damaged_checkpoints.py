"""Whatever damages a checkpoint: the one before is used and named, or an error names the file and the way out."""

import dataclasses
import logging
import pathlib
import shutil

import killable
import numpy as np
import pytest
from absl import flags

import causalgan_tf
from causalgan_tf.cli import common, evaluate, export, sample
from causalgan_tf.errors import InputError
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.training import stages

DATA, INDEX, DIGESTS = ENDINGS = (".data-00000-of-00001", ".index", ".sha256")
LAST, BEFORE = {"controller": 100, "images": 70}, {"controller": 90, "images": 60}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of images with the trained run `run`, and the labels of runs of another graph and of another width."""
    root = tmp_path_factory.mktemp("damaged")
    with pytest.MonkeyPatch.context() as patch:
        killable.register(patch)
        killable.write_photos(root)
        config = killable.config(root, root / "data")
        stages.train(config, root / "run")
        other = dataclasses.replace(config, data=dataclasses.replace(config.data, graph="B -> A"))
        stages.train(other, root / "graph", ("controller",))
        wide = dataclasses.replace(config, controller=dataclasses.replace(config.controller, width=3))
        stages.train(wide, root / "width", ("controller",))
        yield root


@pytest.fixture
def copied(root, tmp_path):
    """A copy of the run."""
    return pathlib.Path(shutil.copytree(root / "run", tmp_path / "run"))


def cut(path):
    path.write_bytes(path.read_bytes()[:-50])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def unreadable(path):
    path.unlink()
    path.symlink_to(path.name)  # a link to itself: whoever opens it is refused, the superuser too


def a_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = (cut, empty, flip, unreadable, pathlib.Path.unlink)
# a checkpoint without digests is one of an earlier version, whose numbers have TensorFlow's checksums
CASES = [(how, end) for how in DAMAGES for end in ENDINGS if (how, end) != (pathlib.Path.unlink, DIGESTS)]

QUICK = [(cut, DATA), (flip, INDEX), (flip, DIGESTS), (pathlib.Path.unlink, INDEX)]


def main(program, *arguments):
    """Runs a program in this process."""
    values = flags.FlagValues()
    program.declare(values)
    program.main(common.parse(["", *map(str, arguments)], values))


def weights(workdir):
    """All weights of a model, by stage."""
    model = causalgan_tf.load(workdir)
    return {"controller": [model.mechanisms.vector.numpy()], "images": model.image_generator.get_weights()}


@pytest.fixture(scope="module")
def kept(root, tmp_path_factory):
    """The weights of the last checkpoints and of those before."""
    folder = pathlib.Path(shutil.copytree(root / "run", tmp_path_factory.mktemp("before") / "run"))
    for stage, step in LAST.items():
        for path in (folder / stage).glob(f"ckpt-{step}.*"):
            path.unlink()
    return weights(root / "run"), weights(folder)


def equal(found, expected):
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("how", "ending"), [*CASES, (a_folder, DATA), (a_folder, INDEX), (a_folder, DIGESTS)])
@pytest.mark.parametrize("stage", LAST)
def test_a_model_is_loaded_from_the_checkpoint_before_a_damaged_one(copied, kept, stage, how, ending, caplog):
    last, before = (copied / stage / f"ckpt-{steps[stage]}" for steps in (LAST, BEFORE))
    how(last.with_name(last.name + ending))
    with caplog.at_level(logging.WARNING):
        found = weights(copied)
    assert f"{last} " in caplog.text and f"Using {before} instead." in caplog.text
    for name in LAST:
        assert equal(found[name], kept[name == stage][name])
    assert not equal(kept[0][stage], kept[1][stage])


@pytest.mark.parametrize(
    ("how", "ending"), [case if case in QUICK else pytest.param(*case, marks=pytest.mark.long) for case in CASES]
)
def test_a_training_goes_on_from_the_checkpoint_before_a_damaged_one(root, copied, kept, how, ending, caplog):
    last, before = (copied / "controller" / f"ckpt-{steps['controller']}" for steps in (LAST, BEFORE))
    how(last.with_name(last.name + ending))
    with caplog.at_level(logging.WARNING):
        stages.train(killable.config(root, root / "data"), copied, ("controller",))
    assert f"{last} " in caplog.text and f"Using {before} instead." in caplog.text
    caplog.clear()
    assert equal(weights(copied)["controller"], kept[0]["controller"]) and not caplog.text
    names = {path.name for path in (copied / "controller").iterdir()}
    assert names == {path.name for path in (root / "run" / "controller").iterdir()}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_in_the_place_of_a_file_is_refused_before_a_training(root, copied, ending):
    path = copied / "controller" / f"ckpt-100{ending}"
    a_folder(path)
    with pytest.raises(InputError, match=f"{path} is a folder: expected a file of a checkpoint. Move it away"):
        stages.train(killable.config(root, root / "data"), copied, ("controller",))


def test_an_empty_folder_is_a_stage_that_has_not_begun_and_a_file_in_its_place_is_refused(root, copied):
    shutil.rmtree(copied / "controller")
    (copied / "controller").mkdir()
    with pytest.raises(InputError, match="has no trained controller.*Train it with"):
        causalgan_tf.load(copied)
    (copied / "controller").rmdir()
    (copied / "controller").write_text("")
    with pytest.raises(InputError, match="controller is a file: expected the folder of the checkpoints"):
        stages.train(killable.config(root, root / "data"), copied, ("controller",))


def test_a_checkpoint_of_another_graph_is_passed_over(root, copied, kept, caplog):
    for path in (root / "graph" / "controller").glob("ckpt-100.*"):
        shutil.copy(path, copied / "controller")
    with caplog.at_level(logging.WARNING):
        assert equal(weights(copied)["controller"], kept[1]["controller"])
    assert "ckpt-100 is of another run" in caplog.text and "ckpt-90 instead" in caplog.text


@pytest.mark.parametrize("other", ["graph", "width"])
def test_where_every_checkpoint_is_of_another_run_that_is_said_and_the_way_out(root, copied, other):
    shutil.rmtree(copied / "controller")
    shutil.copytree(root / other / "controller", copied / "controller")
    said = {"graph": "ckpt-100 is of another run.*remove that folder", "width": "ckpt-100 does not fit .*config.json"}
    for use in (causalgan_tf.load, lambda folder: stages.train(killable.config(root, root / "data"), folder)):
        with pytest.raises(InputError, match=said[other]):
            use(copied)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe", b'{"data": 3}'])
@pytest.mark.parametrize("name", ["config.json", "graph.json", "limits.json"])
def test_a_file_of_the_run_that_is_no_json_is_named(root, copied, name, text):
    (copied / name).write_bytes(text)
    if name == "limits.json" and text.startswith(b'{"'):
        return  # limits that name no checkpoint are not of this one
    for use in (causalgan_tf.load, lambda folder: stages.train(killable.config(root, root / "data"), folder)):
        with pytest.raises(InputError, match=name):
            use(copied)


@pytest.mark.parametrize("text", ["", "model_checkpoint_path: 3", None])
def test_tensorflows_list_of_checkpoints_is_not_needed(copied, kept, text):
    (copied / "images" / "checkpoint").unlink()
    if text is not None:
        (copied / "images" / "checkpoint").write_text(text)
    assert equal(weights(copied)["images"], kept[0]["images"])


def test_the_programs_draw_and_measure_by_the_checkpoint_before_or_end_with_one_line(copied, tmp_path, caplog):
    for stage, step in LAST.items():
        flip(copied / stage / f"ckpt-{step}{INDEX}")
    with caplog.at_level(logging.WARNING):
        main(sample, f"--workdir={copied}", f"--out={tmp_path / 'drawn'}", "--n=3")
    assert "ckpt-90 instead" in caplog.text and "ckpt-60 instead" in caplog.text
    assert len((tmp_path / "drawn" / "labels.csv").read_text().splitlines()) == 4
    flip(copied / "controller" / f"ckpt-90{INDEX}")
    for program, *out in ((sample, f"--out={tmp_path / 'b'}"), (export, f"--export_dir={tmp_path / 'c'}"), (evaluate,)):
        with pytest.raises(InputError, match="ckpt-100 is damaged: .*No whole checkpoint is in .*Restore its files"):
            main(program, f"--workdir={copied}", *out)


def test_a_run_of_labels_and_images_has_the_steps_that_this_module_says(root):
    for stage in LAST:
        steps = sorted(int(path.stem[5:]) for path in (root / "run" / stage).glob("*.index"))
        assert steps == [BEFORE[stage], LAST[stage]] and Run.open(root / "run").has(stage)
