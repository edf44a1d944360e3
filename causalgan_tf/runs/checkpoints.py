"""Checkpoints of one stage of a run: the latest whole one, refusals that name the file, saving.

ckpt-STEP.data-*   the numbers, as TensorFlow writes them
ckpt-STEP.sha256   of which run they are, and the digest of each file, in the form of sha256sum
ckpt-STEP.index    what the numbers are; it comes last: a checkpoint without it was not saved to its end
checkpoint         TensorFlow's list of checkpoints, for other programs; it is written and not read
"""

import itertools
import logging
import os
import pathlib
import re
import shutil
from typing import Any, TypeVar

import keras
import tensorflow as tf

from causalgan_tf.errors import InputError, brief
from causalgan_tf.inference import saved_model
from causalgan_tf.system.files import digest, settle, write_text, written
from causalgan_tf.system.locks import work_folder

KEPT = 2
STATE = "checkpoint"
DIGESTS = ".sha256"
WORK = ".saving-"  # begins the name of a folder in which a checkpoint is written
_FILE = re.compile(r"ckpt-(\d+)\.(?:index|sha256|data-\d{5}-of-\d{5})")
_HEAD = re.compile(r"# (.+) of run ([0-9a-f]*)")

Generator = TypeVar("Generator", bound=keras.layers.Layer)


def latest(folder: pathlib.Path, run: str = "") -> str | None:
    """The latest checkpoint in `folder` that is as it was written, to the last byte; None if there never was one.

    One that is damaged or of another run is passed over for the one before it, and that is logged.

    Args:
        folder: of the stage.
        run: identifies the run, see RunGraph.identity; empty: any.

    Raises:
        InputError: there are checkpoints and none can be used.
    """
    faults: dict[int, str] = {}
    # listed anew each time: a training may save a later one while this is read, and remove the earlier ones
    while untried := [step for step in _steps(folder) if step not in faults]:
        path = folder / f"ckpt-{untried[0]}"
        fault = _fault(path, run)
        if not fault:
            for other in faults.values():
                logging.getLogger(__name__).warning("%s. Using %s instead.", other, path)
            return str(path)
        faults[untried[0]] = f"{path} {fault}"
    if faults:
        raise InputError(
            f"{next(iter(faults.values()))}. No whole checkpoint is in {folder}. Restore its files, or remove that "
            "folder to train the stage from the start."
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

    def __init__(self, folder: pathlib.Path, everything: dict[str, Any], run: str = "") -> None:
        """Restores `everything` (networks, optimizers, variables by name) from the folder's latest checkpoint.

        What a killed training left of a save is removed: nobody else may save in this folder.

        Args:
            folder: of the stage; it is made with the first checkpoint.
            everything: by the names in the checkpoint.
            run: identifies the run, see RunGraph.identity; empty: any.

        Raises:
            InputError: no checkpoint is whole, or it is of another configuration.
        """
        self.folder, self.run, self.checkpoint = folder, run, tf.train.Checkpoint(**everything)
        self.path, self.whole = None, []
        with written(folder):
            _check_place(folder)
            _sweep(folder)
            self.path = latest(folder, run)
            if self.path:
                _restore(self.checkpoint, self.path)
                last = _step(self.path)
                before = (step for step in _steps(folder) if step < last and not _fault(folder / f"ckpt-{step}", run))
                self._list([*reversed(list(itertools.islice(before, KEPT - 1))), last])

    @property
    def latest_checkpoint(self) -> str | None:
        """The last checkpoint that was saved or restored."""
        return self.path

    def save(self, step: int) -> None:
        """Saves as `folder`/ckpt-`step`, beside its place first.

        Raises:
            InputError: the disk is full, or the folder cannot be written; the checkpoints before stay.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with work_folder(self.folder, WORK) as work:
                self._write(work, f"ckpt-{step}")
            self.path = str(self.folder / f"ckpt-{step}")
            self._list([*self.whole, step][-KEPT:])
        except (tf.errors.OpError, OSError) as error:
            kept = f"The last good checkpoint is {self.path}" if self.path else "Nothing is kept of this training"
            raise InputError(
                f"Step {step} cannot be saved in {self.folder}: {_short(error)}. {kept}. Make room there, or let it be "
                "written, then the same command resumes."
            ) from error

    def _write(self, work: pathlib.Path, name: str) -> None:
        self.checkpoint.write(str(work / name))
        lines = [f"# {self.folder.name} of run {self.run}"]
        lines += [f"{digest(path)}  {path.name}" for path in sorted(work.glob(f"{name}.*"))]
        (work / f"{name}{DIGESTS}").write_text("\n".join(lines) + "\n", encoding="utf-8")
        # the index last: without it nobody takes the others for a checkpoint
        files = sorted(work.glob(f"{name}.*"), key=lambda path: path.suffix == ".index")
        for path in files:
            settle(path)
        for path in files:
            os.replace(path, self.folder / path.name)
        settle(self.folder)

    def _list(self, whole: list[int]) -> None:
        """Keeps the checkpoints of these steps alone of this run's up to the last, and names them to TensorFlow."""
        self.whole, names = whole, [f"ckpt-{step}" for step in whole]
        text = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names)]
        write_text(self.folder / STATE, "\n".join(text) + "\n")
        for step in _steps(self.folder):
            if step < whole[-1] and step not in whole and not _is_foreign(self.folder / f"ckpt-{step}", self.run):
                _remove(self.folder, step)


def _fault(path: pathlib.Path, run: str) -> str:
    """Why a checkpoint cannot be used; empty if it can."""
    if not path.with_name(f"{path.name}.index").exists():
        return "has no index: it was not saved to its end, or lost a file"
    try:
        text = path.with_name(path.name + DIGESTS).read_text(encoding="utf-8")
    except FileNotFoundError:  # written by a version that kept no digests
        return _unread(path)
    except (OSError, UnicodeDecodeError) as error:
        return f"is damaged: {path.name}{DIGESTS} cannot be read ({_short(error)})"
    head, *lines = text.split("\n")
    if not _HEAD.fullmatch(head):
        return f"is damaged: {path.name}{DIGESTS} is not as it was written"
    if _is_foreign(path, run):
        return "is of another run or stage: of other data, another graph or another seed"
    kept = dict(reversed(line.split("  ", 1)) for line in lines if "  " in line)
    for name in sorted({*kept, *_files(path)}):
        try:
            if digest(path.with_name(name)) != kept.get(name):
                return f"is damaged: {name} is not as it was written"
        except (OSError, ValueError) as error:
            return f"is damaged: {brief(name)} cannot be read ({_short(error)})"
    return ""


def _unread(path: pathlib.Path) -> str:
    """Why a checkpoint without digests cannot be used.

    TensorFlow compares a checksum of each tensor when it is read, so all of them are read.
    """
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except Exception as error:  # the reader raises IndexError, RuntimeError and more, as the damage falls
        return f"is damaged: {_short(error) or type(error).__name__}"
    return ""


def _is_foreign(path: pathlib.Path, run: str) -> bool:
    """Whether a checkpoint says that it is another run's."""
    try:
        with open(path.with_name(path.name + DIGESTS), encoding="utf-8") as file:
            head = _HEAD.fullmatch(file.readline(200).rstrip("\n"))
    except (OSError, UnicodeDecodeError):
        return False
    if head is None:
        return False
    return head[1] != path.parent.name or bool(run and head[2] and head[2] != run)


def _restore(checkpoint: tf.train.Checkpoint, path: str) -> Any:
    try:
        status = checkpoint.read(path)
        # else a weight that the checkpoint lacks would silently keep its random start
        status.assert_existing_objects_matched()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"{path} does not fit the run's configuration and graph: {_short(error)}. Restore config.json and the "
            "graph of the run, train into another folder, or move that checkpoint's files away if they are not the "
            "run's: the one before it is used."
        ) from error
    return status


def _steps(folder: pathlib.Path) -> list[int]:
    """The steps of which `folder` holds files of a checkpoint, the last first.

    By the files' names: a kill between the writing of the files and of TensorFlow's list leaves the list behind.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}. Let it be read.") from error
    return sorted({int(match[1]) for name in names if (match := _FILE.fullmatch(name))}, reverse=True)


def _step(path: str) -> int:
    return int(path.rpartition("-")[2])


def _files(path: pathlib.Path) -> list[str]:
    """The names of a checkpoint's files that have a digest."""
    return [path.name + ".index", *(data.name for data in path.parent.glob(f"{path.name}.data-*"))]


def _check_place(folder: pathlib.Path) -> None:
    """InputError if a file is where the folder is to be, or a folder where a checkpoint's file is to be."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: expected the folder of the checkpoints. Move it away.")
    for path in folder.glob("*"):
        if path.is_dir() and (path.name == STATE or _FILE.fullmatch(path.name)):
            raise InputError(f"{path} is a folder: expected a file of a checkpoint. Move it away.")


def _sweep(folder: pathlib.Path) -> None:
    """Removes what a save that was cut off has left."""
    for left in folder.glob(f"{WORK}*"):
        for path in left.glob("ckpt-*.index"):
            # its other files may have been moved to their place already
            if not (folder / path.name).exists():
                _remove(folder, _step(path.stem))
        shutil.rmtree(left, ignore_errors=True)


def _remove(folder: pathlib.Path, step: int) -> None:
    """Removes a checkpoint, its index first: what a kill leaves is none."""
    files = [path for path in folder.glob(f"ckpt-{step}.*") if _FILE.fullmatch(path.name)]
    for path in sorted(files, key=lambda path: path.suffix != ".index"):
        path.unlink(missing_ok=True)


def _short(error: BaseException) -> str:
    """The first line of an error without TensorFlow's marks of its operations, its middle left out."""
    text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    text = text.strip().partition("\n")[0]
    return brief(re.sub(r"\{\{[^}]*\}\}|\[Op:.*|: stored .*|\S*/\.saving-\S*; ", "", text).strip(". "), 90)
