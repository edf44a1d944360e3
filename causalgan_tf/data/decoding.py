"""Image files to square arrays, decoded once and kept on disk."""

import hashlib
import io
import itertools
import json
import math
import os
import pathlib
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from causalgan_tf.config.run import DataConfig
from causalgan_tf.errors import InputError
from causalgan_tf.system.files import settle, write_text
from causalgan_tf.system.parts import part_of, sweep

CHUNK = 512  # images decoded between two writes
BROKEN = 100  # broken images after which decoding stops
SHOWN = 5  # broken images named in one error
DEFAULT_FOLDER = pathlib.Path("~/.cache/causalgan_tf")

Source = tuple[str, pathlib.Path | bytes]  # the name of an image in errors; its file, or the file's contents


MODES = {1: "L", 3: "RGB"}  # Pillow's, by channels
SIXTEEN_BITS = ("PPM", "PNG")  # formats that have no more bits, whatever Pillow opens them as
LARGEST = -1  # crop: the largest centred square


class UnfitError(InputError):
    """An image file that cannot be used as it is: what is the matter, and a way out for one of many files.

    >>> try:
    ...     square(Image.new("L", (30, 20)), crop=0, size=8, channels=1, name="cat.png")
    ... except UnfitError as error:
    ...     print(error.what)
    cat.png has 30 x 20 pixels: expected a square
    """

    def __init__(self, what: str, way: str) -> None:
        super().__init__(what, way)
        self.what, self.way = what, way

    def __str__(self) -> str:
        return f"{self.what}. {self.way}"


class UnreadableError(UnfitError):
    """An image file that is damaged or none.

    >>> decode(("cat.png", b"a cat"), crop=LARGEST, size=8, channels=3)
    Traceback (most recent call last):
        ...
    causalgan_tf.data.decoding.UnreadableError: cat.png cannot be read as an image (of no known form). Get the file
    again, or remove its row from the labels.
    """


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
        raise UnfitError(
            f"{name} has {width} x {height} pixels: expected a square",
            f"--crop_size={LARGEST} takes the largest square in the middle of each image, --crop_size=N one of N "
            "pixels.",
        )
    side = crop if crop > 0 else min(width, height)
    if side > min(width, height):
        raise UnfitError(
            f"{name} has {width} x {height} pixels, fewer than --crop_size={crop}",
            f"Lower it; {LARGEST} takes the largest square of each image.",
        )
    # before the conversion to grey or RGB, which cuts 16 bits off at 255 and shows what lies under transparency
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
            f"{name} has 32-bit pixels (Pillow's mode {image.mode}), whose value range is unknown: expected 8 bits a "
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
            # opening reads the header only: a truncated file fails here, where the error is still told by its name
            image.load()
            upright = ImageOps.exif_transpose(image)
            if image.mode == "I" and image.format in SIXTEEN_BITS:
                upright = upright.convert("I;16")
            return square(upright, crop, size, channels, name)
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = "of no known form" if isinstance(error, UnidentifiedImageError) else str(error)[:80]
        raise UnreadableError(
            f"{name} cannot be read as an image ({why})", "Get the file again, or remove its row from the labels."
        ) from error


def decoded(sources: Iterable[Source], count: int, key: Any, config: DataConfig, write: bool = True) -> np.ndarray:
    """The squares of image files, read from disk if they were decoded before.

    They are kept as one .npy file in `config.data_dir`, or in ~/.cache/causalgan_tf, and mapped into memory. A file
    that is damaged is made anew. Where some images are broken, the others are kept for the next start.

    Args:
        sources: the images; looked at only if they are not kept yet.
        count: number n of images.
        key: identifies these images (JSON); crop, size and channels are added.
        config: dataset, crop_size, image_size, channels and data_dir.
        write: False: images that are not kept yet are looked at, and zeros stand for them.

    Returns:
        uint8 [n, S, S, C], a read-only memory map.

    Raises:
        InputError: an image cannot be used, or the folder cannot be written.
    """
    folder = pathlib.Path(config.data_dir or DEFAULT_FOLDER).expanduser()
    crop, size, channels = config.crop_size, config.image_size, config.channels
    # those of three channels keep the name that they had when there were no others
    told = [key, crop, size] + ([] if channels == 3 else [channels])
    # whatever changes the pixels changes the name: other settings never read these images
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    path = folder / f"{config.dataset}-{config.image_size}-{digest[:16]}.npy"
    shape = (count, size, size, channels)
    images = _mapped(path, shape)
    function = partial(decode, crop=crop, size=size, channels=channels)
    if images is None and not write:
        broken = [square for _, square in _squares(sources, count, function) if isinstance(square, InputError)]
        if broken:
            raise _told(broken, count)
        return np.broadcast_to(np.uint8(0), shape)
    if images is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            rest = folder / f"{config.dataset}-{size}-{crop}-{channels}.undone.json"
            _write(path, shape, sources, function, rest)
        except OSError as error:
            raise InputError(
                f"The decoded images, {np.prod(shape) / 1e6:,.0f} MB, cannot be written to {folder} ({error}). Name "
                "another folder by --data_dir."
            ) from error
        images = _mapped(path, shape)
    return images


def _mapped(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The array of this shape in a .npy file; None if it is not there or damaged."""
    try:
        images = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError, SyntaxError):
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None


def _write(
    path: pathlib.Path, shape: tuple[int, ...], sources: Iterable[Source], function: Any, rest: pathlib.Path
) -> None:
    """Writes the .npy file in one step as others see it; if images are broken, keeps the others and says where."""
    known, marks, broken = _Undone(rest), [], []
    sweep(path.parent)
    with part_of(path) as part:
        # image by image: all of them together need not fit in memory, and a full disk is an error where it would end a
        # program that writes to a map of the file
        with open(part, "wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for mark, image in _squares(sources, shape[0], function, known):
                lost = isinstance(image, InputError)
                marks.append(None if lost else mark)
                if lost:
                    broken.append(image)
                file.write(bytes(math.prod(shape[1:])) if lost else image.tobytes())
            # where many are broken the rest is not looked at
            file.truncate(file.tell() + (shape[0] - len(marks)) * math.prod(shape[1:]))
        known.forget()
        if broken:
            _Undone.keep(rest, part, marks)
            raise _told(broken, shape[0])
        settle(part)
        os.replace(part, path)


def _squares(
    sources: Iterable[Source], count: int, function: Any, known: "_Undone | None" = None
) -> Iterator[tuple[str, np.ndarray | InputError]]:
    """Yields the mark of each image and its square, or its error; ends early where many are broken."""
    sources, errors = iter(sources), []
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=count, desc="decoding images", unit="image", leave=False, disable=None) as bar,
    ):
        while len(errors) < BROKEN and (chunk := list(itertools.islice(sources, CHUNK))):
            for mark, image in pool.map(partial(_marked, function, known), chunk):
                errors += [image] if isinstance(image, InputError) else []
                yield mark, image
            bar.update(len(chunk))
            # a wrong setting spoils all images alike: there is no use in decoding the others
            if any(not isinstance(error, UnreadableError) for error in errors):
                return


def _marked(function: Any, known: "_Undone | None", source: Source) -> tuple[str, np.ndarray | InputError]:
    """A mark that identifies an image, and its square or the error that decoding raised."""
    name, file = source
    # size and times in place of the content: to read all files anew costs as much as to decode them
    status = None if isinstance(file, bytes) else file.stat()
    told = file if status is None else f"{file} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}".encode()
    mark = hashlib.sha256(told).hexdigest()
    try:
        return mark, known.image(mark) if known and mark in known.places else function((name, file))
    except InputError as error:
        return mark, error


def _told(broken: list[InputError], count: int) -> InputError:
    """The error of one broken image, or of several at once."""
    serious = next((error for error in broken if not isinstance(error, UnreadableError)), None)
    if serious or len(broken) == 1:
        return serious or broken[0]
    names = [pathlib.Path(str(error).split(" cannot be read")[0]).name[:30] for error in broken]
    listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    many = f"{len(broken)} or more" if len(broken) >= BROKEN else str(len(broken))
    return UnreadableError(
        f"{many} of {count:,} image files cannot be read as images: {listed}",
        "Get them again, or remove their rows from the labels. The others stay decoded.",
    )


class _Undone:
    """Squares that were decoded when others beside them turned out to be broken: a .npy file, and a list of marks."""

    def __init__(self, path: pathlib.Path) -> None:
        """Reads the list at `path`, if it is there and whole."""
        self.path, self.places, self.array = path, {}, None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.array = np.load(path.with_name(kept["file"]), mmap_mode="r")
            self.places = {mark: place for place, mark in enumerate(kept["marks"]) if mark}
        except (OSError, ValueError, EOFError, KeyError, TypeError):
            return

    def image(self, mark: str) -> np.ndarray:
        """The square [S, S, C] of an image with this mark."""
        return np.asarray(self.array[self.places[mark]])

    def forget(self) -> None:
        """Removes what was read."""
        if self.places:
            self.path.with_name(pathlib.Path(self.array.filename).name).unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    @staticmethod
    def keep(path: pathlib.Path, array: pathlib.Path, marks: list[str | None]) -> None:
        """Keeps a .npy file, which is renamed, with the mark of each image, None of a broken one."""
        file = path.with_name(f"{path.name.removesuffix('.json')}-{uuid.uuid4().hex}.npy")
        os.replace(array, file)
        write_text(path, json.dumps({"file": file.name, "marks": marks}))
