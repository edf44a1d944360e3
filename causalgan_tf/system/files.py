"""Files of a run folder: written in one step, read as JSON objects or refused by name."""

import errno
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from causalgan_tf.errors import InputError
from causalgan_tf.system.parts import part_of, sweep

RESTORE = "Restore it, or train into another folder."


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file so that it holds the old text or the new one, never half of it."""
    write_bytes(path, text.encode())


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file so that it holds the old bytes or the new ones, never half of them, also after a loss of power.

    What killed processes left of files in the making is removed from its folder.
    """
    sweep(path.parent)
    with part_of(path) as part:
        part.write_bytes(content)
        settle(part)
        # one step as others see it, and a full disk has failed before it
        os.replace(part, path)


def settle(path: pathlib.Path) -> None:
    """Has the system put what it holds of a file or a folder on the disk, as far as it can."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # others mean that there is nothing to do: Windows opens no folder, and some file systems know no fsync
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise


def digest(path: pathlib.Path) -> str:
    """The SHA-256 of a file's content.

    >>> _ = pathlib.Path("empty").write_bytes(b"")
    >>> digest(pathlib.Path("empty"))[:8]
    'e3b0c442'
    """
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


@contextmanager
def written(folder: pathlib.Path) -> Iterator[None]:
    """Around what is written to a folder: InputError if it cannot be, such as on a full or read-only disk."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written: {error.strerror or error}. What was there is as it was. Free some space, or "
            "choose another folder."
        ) from error


def read_object(path: pathlib.Path) -> dict[str, Any]:
    """The JSON object in a file; InputError if the file holds anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {str(error)[:80]}. {RESTORE}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is damaged: expected an object, got {type(value).__name__}. {RESTORE}")
    return value
