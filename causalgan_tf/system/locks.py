"""One training at a time in a run folder, and folders of work in progress that others leave alone."""

import os
import pathlib
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from causalgan_tf.errors import InputError
from causalgan_tf.system.files import written
from causalgan_tf.system.parts import lock

FILE = "lock"


@contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Holds `workdir`, which exists, for the training of a block.

    The system drops the lock with the process, however it ends: a file that is left behind locks nothing.

    Raises:
        InputError: another training holds it, or the folder cannot be written.
    """
    with written(workdir):
        descriptor = os.open(workdir / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if lock(descriptor) is False:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "unknown"
            raise InputError(
                f"Another training runs in {workdir} ({holder[:100]}). Wait for its end, or choose another --workdir."
            )
        with written(workdir):
            # the words are for people; the lock itself is the system's, and goes with the process
            os.ftruncate(descriptor, 0)
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, since {now}\n".encode())
        yield
    finally:
        os.close(descriptor)


@contextmanager
def waiting(folder: pathlib.Path) -> Iterator[None]:
    """Holds `folder`, which exists, for a block; waits for whoever holds it."""
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def work_folder(root: pathlib.Path, prefix: str) -> Iterator[pathlib.Path]:
    """A folder of its own in `root`, which exists, for a block; it is gone afterwards.

    What killed processes left under this prefix is removed. A folder is known to be left by its lock, which the system
    drops with the process: the number of a process means nothing in another container. Where the system knows no locks
    nothing is removed.
    """
    for left in root.glob(f"{prefix}*"):
        with suppress(OSError):
            _remove_unlocked(left)
    folder, descriptor = _locked_folder(root, prefix)
    try:
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_unlocked(folder: pathlib.Path) -> None:
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if lock(descriptor):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _locked_folder(root: pathlib.Path, prefix: str) -> tuple[pathlib.Path, int]:
    """A new folder and the descriptor of its lock."""
    while True:
        folder = root / f"{prefix}{uuid.uuid4().hex[:12]}"
        folder.mkdir()
        with suppress(FileNotFoundError):
            descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
            # another process may take it for one that was left, before it is locked
            if lock(descriptor) is not False and (folder / FILE).exists():
                return folder, descriptor
            os.close(descriptor)
