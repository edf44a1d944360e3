"""Checkpoints of a stage: the latest whole one is used, damage is named, nothing outside of the folder is read."""

import itertools
import logging
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.errors import InputError
from causalgan_tf.runs import checkpoints
from causalgan_tf.runs.checkpoints import Saver, latest
from causalgan_tf.runs.event_log import Log
from causalgan_tf.training import summaries


def variables(value: float = 0.0, size: int = 50) -> dict[str, tf.Variable]:
    """Two arrays and the number of steps."""
    return {
        "averaged": tf.Variable(np.full([size, 3], value, np.float32)),
        "critic": tf.Variable(np.full([9], value, np.float32)),
        "step": tf.Variable(int(value), dtype=tf.int64),
    }


@pytest.fixture
def folder(tmp_path):
    """A stage with checkpoints of steps 1 and 2, the numbers of which are all 1 and all 2."""
    everything = variables()
    saver = Saver(tmp_path / "stage", everything)
    for value in (1, 2):
        for name, variable in variables(value).items():
            everything[name].assign(variable)
        saver.save(value)
    return tmp_path / "stage"


def restored(folder) -> int:
    """The step from which a training would go on; all numbers are of it."""
    everything = variables()
    Saver(folder, everything)
    values = {float(value) for variable in everything.values() for value in np.unique(variable.numpy())}
    assert len(values) == 1
    return int(values.pop())


def test_a_training_goes_on_from_the_latest_checkpoint(folder):
    assert latest(folder) == str(folder / "ckpt-2") and restored(folder) == 2


def damage(path, how: str) -> None:
    """Damages a file."""
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "garbage": b"\xe9" * len(data)}[how])


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("how", ["gone", "empty", "half", "garbage"])
def test_a_damaged_checkpoint_is_said_and_the_one_before_is_used(folder, ending, how, caplog):
    damage(folder / f"ckpt-2{ending}", how)
    with caplog.at_level(logging.WARNING):
        assert restored(folder) == 1
    assert f"{folder}/ckpt-2 " in caplog.text and f"Using {folder}/ckpt-1 instead" in caplog.text


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("how", ["gone", "empty", "half", "garbage"])
def test_where_no_checkpoint_is_whole_the_training_does_not_begin_anew(folder, ending, how):
    for step in (1, 2):
        damage(folder / f"ckpt-{step}{ending}", how)
    with pytest.raises(InputError, match="ckpt-.*No whole checkpoint is in .*remove that folder"):
        Saver(folder, variables())


@pytest.mark.parametrize("ending", [".index", ".sha256", ".data-00000-of-00001"])
def test_every_flipped_byte_is_noticed(folder, ending):
    path = folder / f"ckpt-2{ending}"
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert latest(folder, "0") == str(folder / "ckpt-1"), place


def test_a_checkpoint_of_another_run_is_passed_over_and_stays(tmp_path, caplog):
    mine, other = tmp_path / "mine" / "stage", tmp_path / "other" / "stage"
    for folder, run, step in ((mine, "a1", 1), (other, "b2", 2)):
        Saver(folder, variables(step), run).save(step)
    files = [shutil.copy(path, mine) for path in other.glob("ckpt-*")]
    everything = variables()
    with caplog.at_level(logging.WARNING):
        saver = Saver(mine, everything, "a1")
    assert int(everything["step"]) == 1
    assert "ckpt-2 is of another run" in caplog.text and "ckpt-1 instead" in caplog.text
    for step in (3, 4, 5):
        saver.save(step)
    assert len(files) == 3 and all(os.path.exists(file) for file in files)
    with pytest.raises(InputError, match="ckpt-2 is of another run.*No whole checkpoint"):
        latest(other, "a1")


def test_a_checkpoint_of_an_earlier_version_has_no_digests_and_is_used(folder):
    for path in folder.glob("*.sha256"):
        path.unlink()
    assert restored(folder) == 2
    damage(folder / "ckpt-2.data-00000-of-00001", "garbage")
    assert restored(folder) == 1


@pytest.mark.parametrize("text", ["", "garbage {", 'model_checkpoint_path: "ckpt-9"', "\udcff\udcfe"])
def test_the_list_of_checkpoints_is_not_needed(folder, text):
    (folder / "checkpoint").write_bytes(text.encode(errors="surrogateescape"))
    assert restored(folder) == 2
    (folder / "checkpoint").unlink()
    assert restored(folder) == 2


@pytest.mark.parametrize("name", ["../other/ckpt-2", "sub/ckpt-2"])
@pytest.mark.parametrize("field", ["model_checkpoint_path", "all_model_checkpoint_paths"])
def test_a_list_that_names_files_outside_of_the_folder_is_not_followed(folder, field, name):
    elsewhere = (folder / name).resolve().parent
    shutil.copytree(folder, elsewhere)
    files = {path: path.read_bytes() for path in elsewhere.iterdir()}
    (folder / "checkpoint").write_text(f'{field}: "{name}"\n')
    assert restored(folder) == 2
    saver = Saver(folder, variables())
    for step in (3, 4, 5):
        saver.save(step)
    assert {path: path.read_bytes() for path in elsewhere.iterdir()} == files


def test_weights_of_another_shape_are_refused_and_the_checkpoint_is_named(folder):
    with pytest.raises(InputError, match="ckpt-2 does not fit the run's configuration"):
        Saver(folder, variables(size=7))


def names(folder) -> set[str]:
    """The names of what a folder holds."""
    return {path.name for path in folder.iterdir()}


def test_the_last_two_checkpoints_are_kept_and_tensorflow_finds_the_last(folder):
    saver = Saver(folder, variables())
    for step in (3, 4, 5):
        saver.save(step)
    ends = (".index", ".sha256", ".data-00000-of-00001")
    assert names(folder) == {"checkpoint"} | {f"ckpt-{step}{end}" for step in (4, 5) for end in ends}
    assert tf.train.latest_checkpoint(folder) == str(folder / "ckpt-5")


class Killed(BaseException):
    """What no cleaning up survives."""


def killed_at(monkeypatch, folder, call: int) -> None:
    """Saves step 3, ended at the `call`-th renaming of a file as kill -9 does: nothing is cleaned up."""
    replace, calls = os.replace, itertools.count()

    def killing(*arguments):
        if next(calls) == call:
            raise Killed
        replace(*arguments)

    saver = Saver(folder, variables(3.0))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", killing)
        patch.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        saver.save(3)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("call", range(4))
def test_a_save_that_is_killed_between_two_files_leaves_the_checkpoint_before(folder, monkeypatch, call, first):
    if first:
        shutil.rmtree(folder)
    killed_at(monkeypatch, folder, call)
    # before the last file there is no checkpoint; behind it TensorFlow's list alone is late
    kept = 3 if call == 3 else None if first else 2
    path = Saver(folder, variables()).latest_checkpoint
    assert path == (kept and str(folder / f"ckpt-{kept}"))
    assert not [name for name in names(folder) if name.startswith(".") or (name.startswith("ckpt-3") and kept != 3)]


def test_a_folder_that_only_looks_like_a_save_of_ours_stays(folder):
    (folder / ".savings").mkdir()
    (folder / "ckpt-3_temp").mkdir()
    assert restored(folder) == 2 and {".savings", "ckpt-3_temp"} <= names(folder)


@pytest.mark.parametrize(
    "error", [tf.errors.ResourceExhaustedError(None, None, "No space left"), OSError(28, "No space")]
)
def test_a_checkpoint_that_cannot_be_saved_is_an_error_that_names_the_last_good_one(folder, monkeypatch, error):
    saver, before = Saver(folder, variables()), names(folder)

    def full(*arguments, **options):
        raise error

    monkeypatch.setattr(saver.checkpoint, "write", full)
    with pytest.raises(InputError, match="Step 3 cannot be saved in .*No space.*ckpt-2.*resumes"):
        saver.save(3)
    assert names(folder) == before and restored(folder) == 2


def test_a_checkpoint_larger_than_files_may_be_is_an_error_and_the_one_before_stays(tmp_path):
    resource = pytest.importorskip("resource")
    large = variables(size=100_000)
    saver = Saver(tmp_path / "stage", large)
    saver.save(1)
    before, limits = names(tmp_path / "stage"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
    try:
        with pytest.raises(InputError, match="Step 2 cannot be saved in .*: File too large.*ckpt-1. Make room"):
            saver.save(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path / "stage") == before
    saver.save(2)
    assert Saver(tmp_path / "stage", large).latest_checkpoint.endswith("ckpt-2")


def test_summaries_that_cannot_be_written_do_not_stop_a_training(tmp_path, caplog):
    (tmp_path / "logs").write_text("a file is in the way")
    log = summaries.Summaries(lambda: 0, Log(tmp_path / "logs"))
    log.at(1, {"loss": 1.0})
    log.on_train_end()
    assert "No more summaries are written" in caplog.text


def test_a_stage_without_any_checkpoint_has_none(tmp_path):
    assert latest(tmp_path / "nowhere") is None and latest(tmp_path) is None


def test_a_failed_save_says_why_without_the_names_of_tensorflows_operations():
    message = "{{function_node __wrapped__SaveV2_device_/job:localhost}} a/" + "b" * 200 + "; No space left [Op:SaveV2]"
    assert checkpoints._short(OSError(message)).startswith("a/bb")
    assert checkpoints._short(OSError(message)).endswith("No space left")
