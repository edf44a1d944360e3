"""A folder of image files and a file with their labels, CelebA's own layout or any other."""

import hashlib
import json
import os
import pathlib
import stat
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.data.decoding import decoded
from causalgan_tf.data.do_rows import split
from causalgan_tf.data.tables import read_labels
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

CELEBA_FOLDER = "img_align_celeba"
TEST_SHARE = 5  # at most one image in so many is held out
SHOWN = 3  # names listed in one error message
COMPARED = 256  # image files, spread over all, by whose contents a run knows its images


def load_folder(
    config: DataConfig,
    seed: int,
    labels_only: bool = False,
    graph: CausalGraph | None = None,
    write: bool = True,
) -> Dataset:
    """Labels and images of a folder.

    The labels file lists the images to use; others in the folder are ignored. `split_rows` says which are held out.
    Labels and images fit the same rows: `label_rows` are the labels of all listed images, train and test.

    Args:
        config: image_dir (or a folder that holds img_align_celeba/), labels_file and how it is read, graph, image_size,
            crop_size, channels, test_images, and data_dir for the decoded images.
        seed: of the split.
        labels_only: leave the images out; no image file is opened or looked for.
        graph: the causal graph; None: the one that the configuration names.
        write: see `decoded`.

    Returns:
        The data set; images are memory maps, in the order of the split's permutation.

    Raises:
        InputError: a listed image is absent, cannot be read, is not square where no crop is asked for, is smaller than
            the crop or listed twice, there are fewer than five, or the labels cannot be used (see `read_labels`).
    """
    graph = graph or load_graph(config.graph)
    c = config
    table = read_labels(c.labels_file, graph, c.drop_missing, c.decimal, c.interventions, named=True)
    graph, labels, rows = table.graph, table.rows, table.rows.to_numpy()
    observed, do_rows = split(rows, table.held)
    far = [node for node, variable in graph.variables.items() if getattr(variable, "offset", 0.0)]
    if far:
        raise InputError(
            f"{config.labels_file}: column {far[0]!r} holds numbers that float32 cannot distinguish, as image "
            f"networks need. Subtract an offset from the column, such as {graph.variables[far[0]].offset:.0f}."
        )
    if labels_only:
        return Dataset(graph=graph, label_rows=observed, dropped_rows=table.dropped, do_rows=do_rows)
    _check_names(labels, config)
    train, test = split_rows(len(labels), config.test_images, seed)
    # decoded in this order, so that both sets are slices of one memory map and no image is copied
    order = np.concatenate([train, test])
    names = list(labels.index[order])
    images = _images(config, names, write)
    sets = {
        "train": ImageSet(images[: len(train)], rows[train]),
        "test": ImageSet(images[len(train) :], rows[test]),
    }
    identity = _identity(config, names)
    # what draws an image is no node: rows on which nodes were set show it as well as others
    known = {"dropped_rows": table.dropped, "do_rows": do_rows, "image_files": identity}
    return Dataset(graph=graph, label_rows=observed, **known, **sets)


def split_rows(count: int, test_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images train and which are held out.

    Held out are the last min(`test_images`, `count` // 5) rows of the permutation that
    `numpy.random.default_rng(seed)` draws: never more than a fifth.

    Args:
        count: number of images.
        test_images: images to hold out.
        seed: of the permutation.

    Returns:
        int64 row numbers (train, test), disjoint, together all rows.

    Raises:
        InputError: there are fewer than five images, of which none can be held out.
    """
    held_out = min(test_images, count // TEST_SHARE)
    if not held_out:
        raise InputError(f"The labels file lists {count} images; at least {TEST_SHARE} are needed to hold one out.")
    order = np.random.default_rng(seed).permutation(count)
    return order[:-held_out], order[-held_out:]


def image_folder(image_dir: str | pathlib.Path) -> pathlib.Path:
    """The folder with the image files: `image_dir`, or img_align_celeba/ in it, once or, as Kaggle packs it, twice.

    Raises:
        InputError: there is no such folder.
    """
    folder = pathlib.Path(image_dir).expanduser()
    if not folder.is_dir():
        raise InputError(f"There is no folder {str(folder)!r}. Expected the folder of the images; see --image_dir.")
    for _ in range(2):
        folder = folder / CELEBA_FOLDER if (folder / CELEBA_FOLDER).is_dir() else folder
    return folder.resolve()


def _check_names(labels: pd.DataFrame, config: DataConfig) -> None:
    labels_file = config.labels_file
    if pd.api.types.infer_dtype(labels.index.astype(object)) != "string":
        raise InputError(
            f"{labels_file} does not name the images. Expected a first column 'image' with their file names."
        )
    twice = labels.index[labels.index.duplicated()]
    if len(twice):
        raise InputError(f"{labels_file} lists {twice[0]!r} more than once ({len(twice):,} such rows). Remove them.")
    folder, seen = str(image_folder(config.image_dir)), {}
    for name in labels.index:
        # not where links lead: one file may rightly stand for several images
        first = seen.setdefault(os.path.normpath(os.path.join(folder, name)), name)
        if first != name:
            raise InputError(f"{labels_file} lists one image twice, as {first!r} and {name!r}. Remove one of the rows.")


def _images(config: DataConfig, names: Sequence[str], write: bool) -> np.ndarray:
    """The decoded images, in the order of `names`."""
    folder = image_folder(config.image_dir)
    stamps = [_stamp(folder / name) for name in names]
    absent = [name for name, stamp in zip(names, stamps, strict=True) if stamp is None]
    if absent:
        listed = ", ".join(name[:30] for name in sorted(absent)[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
        raise InputError(
            f"{config.labels_file} lists {len(names):,} images, of which {folder} lacks {len(absent):,}: {listed}. "
            f"{_way_out(folder, absent)}"
        )
    files = ((str(folder / name), folder / name) for name in names)
    return decoded(files, len(names), [str(folder), list(names), stamps], config, write)


def _identity(config: DataConfig, names: Sequence[str]) -> str:
    """A hash of names and sizes of the image files, wherever they lie, and one of the contents of some of them."""
    folder = image_folder(config.image_dir)
    # no paths and no times: the folder may be moved or copied
    listed = [[name, (folder / name).stat().st_size] for name in names]
    contents = hashlib.sha256()
    # files without compression are all of one size
    for name in names[:: -(-len(names) // COMPARED)]:
        contents.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return f"{hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]}-{contents.hexdigest()[:32]}"


def _stamp(path: pathlib.Path) -> tuple[int, int, int] | None:
    """Size and times of change of a file, or None if there is no such file."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # a name that no file can have, for example with a zero byte
        return None
    # programs that copy or restore files set the one time, and none can set the other
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns) if stat.S_ISREG(status.st_mode) else None


def _way_out(folder: pathlib.Path, absent: Sequence[str]) -> str:
    """Where absent images are, or what the folder holds, so that a wrong folder or ending is seen."""
    entries = sorted(folder.iterdir())
    below = [path for path in entries if path.is_dir()]
    below += [path for outer in below for path in sorted(outer.iterdir()) if path.is_dir()]
    found = next((path for path in below if _stamp(path / absent[0])), None)
    if found:
        return f"They are in a folder below: give --image_dir={found}."
    files = [path.name for path in entries if path.is_file()]
    like = _alike(folder, files, absent)
    if like:
        return like
    holds = f"The folder holds {len(files):,} files" + (f" such as {files[0][:30]}." if files else ".")
    return f"{holds} Add the missing images, or write a labels file with only the rows whose images you have."


def _alike(folder: pathlib.Path, files: Sequence[str], absent: Sequence[str]) -> str:
    """How to write names for which the folder holds files of a like name; empty: it holds none."""
    whole = {_simple(file): file for file in files}
    stems = {_simple(pathlib.Path(file).stem): file for file in files}
    for name in absent:
        if _stamp(folder / name.replace("\\", "/")):
            return f"Write / in place of \\ between folders, as in {name.replace(chr(92), '/')[:60]}."
        if _stamp(folder.parent / name):
            return f"They are in a folder above: give --image_dir={folder.parent}."
        last = pathlib.PureWindowsPath(name).name  # behind / and \ alike
        file = whole.get(_simple(last), "")
        if file == last:
            return f"The folder holds {file[:60]}: write the names without their folders."
        if file and _composed(file) == _composed(last):
            form = "NFC" if file == _composed(file) else "NFD"
            return (
                f"The folder holds {file[:60]}, which looks the same and is written with other characters: write the "
                f"names in Unicode's form {form} (Python: unicodedata.normalize({form!r}, name))."
            )
        if file:
            return f"The folder holds {file[:60]}: write the names with the same capital letters."
        if _simple(last) in stems:
            return f"The folder holds {stems[_simple(last)][:60]}: write the names with their endings."
    return ""


def _composed(name: str) -> str:
    """A name with each letter and its accent as one character."""
    return unicodedata.normalize("NFC", name)


def _simple(name: str) -> str:
    """A name without what the eye does not tell apart, and in small letters.

    >>> _simple("E\u0301.PNG") == _simple("\u00e9.png")
    True
    """
    return _composed(_composed(name).casefold())
