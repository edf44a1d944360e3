"""Image files to square arrays, decoded once and kept on disk."""

import hashlib
import io
import itertools
import json
import os
import pathlib
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from causalgan_tf.config import DataConfig
from causalgan_tf.errors import InputError

CHUNK = 512  # images decoded between two writes
DEFAULT_FOLDER = pathlib.Path("~/.cache/causalgan_tf")

Source = tuple[str, pathlib.Path | bytes]  # the name of an image in errors; its file, or the file's contents


MODES = {1: "L", 3: "RGB"}  # Pillow's, by channels
LARGEST = -1  # crop: the largest centred square


def square(image: Image.Image, crop: int, size: int, channels: int, name: str) -> np.ndarray:
    """Centre crop, then antialiased resize (Lanczos), in grey or RGB.

    Args:
        image: any size, with 8 bits a channel or 16 bits of grey; what is transparent is seen on white. A grey one gets
            three equal channels, a coloured one its luminance (ITU-R 601-2).
        crop: side of the crop, pixels; 0: none, for the image is square; LARGEST: the largest centred square.
        size: side S of the result, pixels.
        channels: C, 1 or 3.
        name: of the image, for the error.

    Returns:
        uint8 [S, S, C].

    Raises:
        InputError: the image is not square and no crop was asked for, the crop is larger than the image, or its
            pixels have 32 bits.
    """
    width, height = image.size
    if not crop and width != height:
        raise InputError(
            f"{name} has {width} x {height} pixels: expected a square. --crop_size={LARGEST} takes the largest square "
            "in the middle of each image, --crop_size=N one of N pixels."
        )
    side = crop if crop > 0 else min(width, height)
    if side > min(width, height):
        raise InputError(
            f"{name} has {width} x {height} pixels, fewer than --crop_size={crop}. Lower it; {LARGEST} takes the "
            "largest square of each image."
        )
    image = _eight_bits(image, name)
    left, top = (width - side) // 2, (height - side) // 2
    image = image.convert(MODES[channels]).crop((left, top, left + side, top + side))
    if side != size:
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape([size, size, channels])


def _eight_bits(image: Image.Image, name: str) -> Image.Image:
    """Sixteen bits of grey scaled to eight, which Pillow would cut off at 255; what is transparent on white."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(np.rint(np.asarray(image, np.float32) / 257.0).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise InputError(
            f"{name} has pixels of 32 bits (Pillow's mode {image.mode}), whose range nothing tells: expected 8 bits a "
            "channel, or 16 bits of grey. Convert it."
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def decode(source: Source, crop: int, size: int, channels: int) -> np.ndarray:
    """The square of an image file, upright by its EXIF orientation.

    Args:
        source: name and file, or name and contents.
        crop: see `square`.
        size: side S of the result, pixels.
        channels: C, see `square`.

    Returns:
        uint8 [S, S, C].

    Raises:
        InputError: the file is no image or truncated, not square without a crop, or smaller than the crop.
    """
    name, file = source
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            image.load()
            return square(ImageOps.exif_transpose(image), crop, size, channels, name)
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{name} cannot be read as an image ({error}). Bring the file again, or remove its row from the labels."
        ) from error


def decoded(sources: Iterable[Source], count: int, key: Any, config: DataConfig) -> np.ndarray:
    """The squares of image files, read from disk if they were decoded before.

    They are kept as one .npy file in `config.data_dir`, or in ~/.cache/causalgan_tf, and mapped into memory.

    Args:
        sources: the images; looked at only if they are not kept yet.
        count: number n of images.
        key: whatever tells these images from others (JSON); crop, size and channels are added.
        config: dataset, crop_size, image_size, channels and data_dir.

    Returns:
        uint8 [n, S, S, C], a read-only memory map.

    Raises:
        InputError: an image cannot be used, or the folder cannot be written.
    """
    folder = pathlib.Path(config.data_dir or DEFAULT_FOLDER).expanduser()
    crop, size, channels = config.crop_size, config.image_size, config.channels
    # those of three channels keep the name that they had when there were no others
    told = [key, crop, size] + ([] if channels == 3 else [channels])
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    path = folder / f"{config.dataset}-{config.image_size}-{digest[:16]}.npy"
    shape = (count, size, size, channels)
    if not path.is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(path, shape, sources, partial(decode, crop=crop, size=size, channels=channels))
        except OSError as error:
            raise InputError(
                f"The decoded images, {np.prod(shape) / 1e6:,.0f} MB, cannot be written to {folder} ({error}). Name "
                "another folder by --data_dir."
            ) from error
    return _mapped(path, shape)


def _mapped(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        images = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} (decoded images) cannot be read: {error}. Remove it and start again.") from error
    if images.shape != shape or images.dtype != np.uint8:
        raise InputError(
            f"{path} (decoded images): expected uint8 {shape}, got {images.dtype} {images.shape}. Remove it and start "
            "again."
        )
    return images


def _write(path: pathlib.Path, shape: tuple[int, ...], sources: Iterable[Source], function: Any) -> None:
    """Writes the .npy file in one step as others see it; a failure leaves nothing behind."""
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    sources = iter(sources)
    try:
        with (
            ThreadPoolExecutor(os.cpu_count()) as pool,
            tqdm(total=shape[0], desc="decoding images", unit="image", leave=False, disable=None) as bar,
        ):
            images, written = np.lib.format.open_memmap(scratch, "w+", np.uint8, shape), 0
            while chunk := list(itertools.islice(sources, CHUNK)):
                images[written : written + len(chunk)] = list(pool.map(function, chunk))
                written += len(chunk)
                bar.update(len(chunk))
            images.flush()
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
