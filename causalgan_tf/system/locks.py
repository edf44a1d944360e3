"""One training at a time in a run folder."""

import os
import pathlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from causalgan_tf.errors import InputError
from causalgan_tf.system.files import written

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
        if not _lock(descriptor):
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
        _lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool = False) -> bool:
    """Whether the lock is had; also where the system or the file system knows none."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # some network file systems
        pass
    return True
