"""Files of a run folder: written in one step, read as JSON objects or refused by name."""

import json
import os
import pathlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from causalgan_tf.errors import InputError

RESTORE = "Restore it, or train into another folder."


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file so that it holds the old text or the new one, never half of it."""
    write_bytes(path, text.encode())


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file so that it holds the old bytes or the new ones, never half of them."""
    # a name of its own: two programs may write the same file at a time
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        scratch.write_bytes(content)
        # one step as others see it, and a full disk has failed before it
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


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
