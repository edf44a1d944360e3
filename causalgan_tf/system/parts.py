"""Files in the making, beside the files that they become; what killed processes left of them is removed.

A part is known to be left by its lock, which the system drops with the process: the number of a process means nothing
in another container, nor once it is given anew. Where the system knows no locks nothing is removed.
"""

import os
import pathlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PREFIX = ".causalgan-"  # begins the names of parts


@contextmanager
def part_of(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """An empty file beside `path` for a block to write and to rename; it is gone afterwards.

    >>> path = pathlib.Path("notes.txt")
    >>> with part_of(path) as part:
    ...     _ = part.write_text("whole")
    ...     os.replace(part, path)
    >>> path.read_text()
    'whole'
    """
    # beside the file, for a rename is one step only within a file system
    part, descriptor = _locked_part(path)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def sweep(folder: pathlib.Path) -> None:
    """Removes the parts in a folder that killed processes left."""
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(OSError), open(left, "rb") as file:
            if lock(file.fileno()):
                left.unlink()


def lock(descriptor: int, wait: bool = False) -> bool | None:
    """Whether the lock of an open file is had; None where the system or the file system knows none."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # some network file systems
        return None
    return True


def _locked_part(path: pathlib.Path) -> tuple[pathlib.Path, int | None]:
    """A new file and the descriptor that holds its lock; None where there are no locks."""
    while True:
        part = path.with_name(f"{PREFIX}{uuid.uuid4().hex[:12]}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        had = lock(descriptor)
        if not had:
            os.close(descriptor)  # Windows renames no open file
            descriptor = None
        # a sweep may take it for one that was left, before it is locked
        if had is not False and part.exists():
            return part, descriptor
