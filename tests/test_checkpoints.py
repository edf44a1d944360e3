"""Checkpoints of a stage: the latest whole one is used, damage is named, nothing outside of the folder is read."""

import logging

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
    if (ending, how) != (".index", "gone"):
        assert "ckpt-2 is damaged" in caplog.text and "Using" in caplog.text


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("how", ["gone", "empty", "half", "garbage"])
def test_where_no_checkpoint_is_whole_the_training_does_not_begin_anew(folder, ending, how):
    for step in (1, 2):
        damage(folder / f"ckpt-{step}{ending}", how)
    with pytest.raises(InputError, match="ckpt-.*No whole checkpoint is in .*remove that folder"):
        Saver(folder, variables())


def test_every_flipped_byte_of_the_data_is_noticed(folder):
    path = folder / "ckpt-2.data-00000-of-00001"
    data = path.read_bytes()
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert latest(folder) == str(folder / "ckpt-1"), place


@pytest.mark.parametrize("text", ["", "garbage {", 'model_checkpoint_path: "ckpt-9"', "\udcff\udcfe"])
def test_the_list_of_checkpoints_is_not_needed(folder, text):
    (folder / "checkpoint").write_bytes(text.encode(errors="surrogateescape"))
    assert restored(folder) == 2
    (folder / "checkpoint").unlink()
    assert restored(folder) == 2


@pytest.mark.parametrize("name", ["../other/ckpt-2", "/tmp/ckpt-2", "sub/ckpt-2"])
@pytest.mark.parametrize("field", ["model_checkpoint_path", "all_model_checkpoint_paths"])
def test_a_list_that_names_files_outside_of_the_folder_is_refused(folder, field, name):
    (folder / "checkpoint").write_text(f'{field}: "{name}"\n')
    with pytest.raises(InputError, match="names files outside of its folder"):
        latest(folder)


def test_weights_of_another_shape_are_refused_and_the_checkpoint_is_named(folder):
    with pytest.raises(InputError, match="ckpt-2 does not fit the run's configuration"):
        Saver(folder, variables(size=7))


def test_what_a_save_that_was_cut_off_left_is_removed_and_nothing_else(folder):
    (folder / "ckpt-3_temp").mkdir()
    (folder / "ckpt-3_temp" / "part-00000-of-00001.data-00000-of-00001").write_text("x")
    (folder / "ckpt-4_temp").mkdir()
    (folder / "ckpt-4_temp" / "notes.txt").write_text("mine")
    restored(folder)
    assert not (folder / "ckpt-3_temp").exists() and (folder / "ckpt-4_temp" / "notes.txt").exists()


def test_a_checkpoint_that_cannot_be_saved_is_an_error_that_names_the_last_good_one(folder, monkeypatch):
    saver = Saver(folder, variables())

    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(saver.manager, "save", full)
    with pytest.raises(InputError, match="Step 3 cannot be saved in .*No space left.*ckpt-2.*resumes"):
        saver.save(3)


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
