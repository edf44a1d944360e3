"""One training at a time in a run folder, and folders of work in progress that others leave alone."""

import os
import pathlib
import re
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
_WORDS = re.compile(r"process (\d+) \((.*?)\) on (.+), since ")


@contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Holds `workdir`, which exists, for the training of a block.

    The system drops the lock with the process, however it ends: a file that is left behind locks nothing. Where the
    file system knows no locks, as some network file systems do not, the words in the file count as long as the process
    that they name may be alive.

    Raises:
        InputError: another training holds it, or the folder cannot be written.
    """
    with written(workdir):
        descriptor = os.open(workdir / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        had = lock(descriptor)
        words = os.read(descriptor, 400).decode("utf-8", "replace").strip()
        if had is False or (had is None and _may_live(words)):
            way_out = "" if had is False else f" If it has ended, remove {workdir / FILE}."
            raise InputError(
                f"Another training runs in {workdir} ({words[:160] or 'unknown'}). Wait for its end, or choose another "
                f"--workdir.{way_out}"
            )
        with written(workdir):
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            _replace(
                descriptor, f"process {os.getpid()} ({_age(os.getpid())}) on {socket.gethostname()}, since {now}\n"
            )
        try:
            yield
        finally:
            with suppress(OSError):
                _replace(descriptor, "")
    finally:
        os.close(descriptor)


def _replace(descriptor: int, words: str) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, words.encode())


def _may_live(words: str) -> bool:
    """Whether the process that a lock file names may be alive; of one on another machine nobody can tell."""
    named = _WORDS.match(words)
    if not named or named[3] != socket.gethostname():
        return bool(words)
    # after another start of the machine, or in a process of another age, the number is not the same process'
    return named[2] == _age(int(named[1]))


def _age(process: int) -> str:
    """Which start of the machine, and ticks from there to that of a process; as far as the system tells."""
    try:
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        # behind the program's name, which may hold blanks and brackets
        return (
            f"{boot} {pathlib.Path(f'/proc/{process}/stat').read_text(errors='replace').rpartition(')')[2].split()[19]}"
        )
    except (OSError, IndexError):
        return ""


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
