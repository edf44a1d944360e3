"""Data that TensorFlow Datasets has prepared on disk: one preparation at a time, damage named."""

import pathlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
import tensorflow_datasets as tfds
from google.protobuf.json_format import ParseError

from causalgan_tf.errors import InputError
from causalgan_tf.system.locks import waiting


@contextmanager
def named(folder: str | pathlib.Path) -> Iterator[None]:
    """Names the folder of prepared data where they cannot be read or written in the block.

    Raises:
        InputError: they are damaged, or the disk is full or read-only.
    """
    try:
        yield
    except InputError:
        raise
    except (tf.errors.OpError, OSError, ParseError, ValueError, AssertionError, KeyError, EOFError) as error:
        said = (getattr(error, "message", None) or str(error)).strip().partition("\n")[0][:120]
        raise InputError(
            f"The prepared data in {folder} cannot be read or written: {said or type(error).__name__}. Free some space "
            "there, or remove that folder: they are prepared anew."
        ) from error


def prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Prepares the data of a builder that downloads nothing, unless they are; another process is waited for.

    Leftovers of a preparation that was interrupted are removed.
    """
    if builder.is_prepared():
        return
    folder = pathlib.Path(builder.data_dir).parent
    folder.mkdir(parents=True, exist_ok=True)
    with waiting(folder):
        if not builder.is_prepared():
            builder.download_and_prepare()
        for left in folder.glob("incomplete.*"):
            shutil.rmtree(left, ignore_errors=True)
