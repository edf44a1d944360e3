"""Checkpoints of one stage of a run: the latest whole one, refusals that name the file, saving."""

import logging
import pathlib
import re
import shutil
from typing import Any, TypeVar

import keras
import tensorflow as tf

from causalgan_tf.errors import InputError, brief
from causalgan_tf.inference import saved_model

KEPT = 2
STATE = "checkpoint"  # TensorFlow's list of checkpoints
_INDEX = re.compile(r"ckpt-(\d+)\.index")
_NAMED = re.compile(r'paths?:\s*"([^"]*)"')

Generator = TypeVar("Generator", bound=keras.layers.Layer)


def latest(folder: pathlib.Path) -> str | None:
    """The latest checkpoint in `folder` that can be read to the last byte; None if there never was one.

    A damaged one is passed over for the one before it, and that is logged. TensorFlow's own list is not followed.

    Raises:
        InputError: there are checkpoints and none is whole, or the list names files outside of the folder.
    """
    _check_state(folder)
    files = list(folder.glob("ckpt-*")) if folder.is_dir() else []
    # by the files' names: a kill between the writing of the files and of the list leaves the list behind
    steps = sorted({int(match[1]) for path in files if (match := _INDEX.fullmatch(path.name))}, reverse=True)
    damaged = []
    for step in steps:
        path = folder / f"ckpt-{step}"
        fault = _fault(str(path))
        if not fault:
            for other in damaged:
                logging.getLogger(__name__).warning("%s Using %s instead.", other, path)
            return str(path)
        damaged.append(f"{path} is damaged: {fault}")
    # data without an index is a checkpoint that lost a file, not a stage that has not begun
    lost = [path.name for path in files if path.is_file()]
    if damaged or lost:
        raise InputError(
            f"{damaged[0] if damaged else f'{folder} holds {lost[0]} without an index'}. No whole checkpoint is in "
            f"{folder}. Restore its files, or remove that folder to train the stage from the start."
        )
    return None


def restore_averaged(path: str, generator: Generator) -> Generator:
    """Fills `generator` with the averaged weights of a checkpoint, or of a saved model's file, and returns it.

    Raises:
        InputError: they are damaged or do not fit.
    """
    if path.endswith(".npz"):
        return saved_model.restore(path, generator)
    # the checkpoint holds optimizers and critics too, which sampling does not need
    _restore(tf.train.Checkpoint(averaged=generator), path).expect_partial()
    return generator


class Saver:
    """Saves everything that the next step depends on, and restores it where a training goes on.

    >>> weight, folder = tf.Variable(3.0), pathlib.Path("runs/saved/controller")
    >>> Saver(folder, {"weight": weight}).save(step=100)
    >>> again = tf.Variable(0.0)
    >>> Saver(folder, {"weight": again}).latest_checkpoint, float(again)
    ('runs/saved/controller/ckpt-100', 3.0)
    """

    def __init__(self, folder: pathlib.Path, everything: dict[str, Any]) -> None:
        """Restores `everything` (networks, optimizers, variables by name) from the folder's latest checkpoint.

        Raises:
            InputError: no checkpoint is whole, or it is of another configuration.
        """
        # before the manager looks into the folder: it would go by TensorFlow's list, which may be damaged
        self.folder, self.path = folder, latest(folder)
        _sweep(folder)
        checkpoint = tf.train.Checkpoint(**everything)
        if self.path:
            _restore(checkpoint, self.path)
        _write_state(folder, self.path)
        self.manager = tf.train.CheckpointManager(checkpoint, str(folder), KEPT)

    @property
    def latest_checkpoint(self) -> str | None:
        """The last checkpoint that was saved or restored."""
        return self.path

    def save(self, step: int) -> None:
        """Saves as `folder`/ckpt-`step`.

        Raises:
            InputError: the disk is full, or the folder cannot be written; the checkpoints before stay.
        """
        try:
            self.path = self.manager.save(step)
        except (tf.errors.OpError, OSError) as error:
            _sweep(self.folder)
            kept = f"The last good checkpoint is {self.path}" if self.path else "Nothing is kept of this training"
            raise InputError(
                f"Step {step} cannot be saved in {self.folder}: {_short(error)}. {kept}. Free some space there, then "
                "the same command resumes."
            ) from error


def _fault(path: str) -> str:
    """Why a checkpoint cannot be read as a whole; empty if it can.

    TensorFlow compares a checksum of each tensor when it is read, so all of them are read.
    """
    try:
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except Exception as error:  # the reader raises IndexError, RuntimeError and more, as the damage falls
        return _short(error) or type(error).__name__
    return ""


def _restore(checkpoint: tf.train.Checkpoint, path: str) -> Any:
    try:
        status = checkpoint.restore(path)
        # else a weight that the checkpoint lacks would silently keep its random start
        status.assert_existing_objects_matched()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"{path} does not fit the run's configuration and graph: {_short(error)}. Restore config.json and the "
            "graph of the run, or train into another folder."
        ) from error
    return status


def _check_state(folder: pathlib.Path) -> None:
    """InputError if TensorFlow's list names files that are not in `folder`."""
    path = folder / STATE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for named in _NAMED.findall(text):
        # the manager deletes what the list names when it is old: a list from elsewhere must not name a user's files
        if (folder / named).resolve().parent != folder.resolve():
            raise InputError(
                f"{path} names files outside of its folder: {named[:80]!r}. They are not read. Remove {path}: "
                "the checkpoints beside it are found without it."
            )


def _write_state(folder: pathlib.Path, path: str | None) -> None:
    """Rewrites TensorFlow's list from the files that exist: it may be damaged or out of date."""
    if path is None:
        return
    before = [str(folder / f"ckpt-{step}") for step in _steps(folder) if step < int(path.rpartition("-")[2])]
    names = [pathlib.Path(name).name for name in [*before[-(KEPT - 1) :], path]]
    text = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names)]
    (folder / STATE).write_text("\n".join(text) + "\n", encoding="utf-8")


def _steps(folder: pathlib.Path) -> list[int]:
    return sorted(int(match[1]) for path in folder.glob("ckpt-*") if (match := _INDEX.fullmatch(path.name)))


def _sweep(folder: pathlib.Path) -> None:
    """Removes what a save that was cut off has left: TensorFlow's ckpt-*_temp folders."""
    for left in folder.glob("ckpt-*_temp"):
        # only what TensorFlow can have written: a folder of the user's may have such a name too
        if left.is_dir() and not left.is_symlink() and all(part.name.startswith("part-") for part in left.iterdir()):
            shutil.rmtree(left, ignore_errors=True)


def _short(error: BaseException) -> str:
    """The first line of an error without TensorFlow's marks of its operations, its middle left out."""
    text = (getattr(error, "message", None) or str(error)).strip().partition("\n")[0]
    return brief(re.sub(r"\{\{[^}]*\}\}|\[Op:.*|: stored .*", "", text).strip(". "), 90)
