"""A saved model: one folder with all that `causalgan_tf.load` needs, and no data.

model.json          configuration, graph with the types of its labels, the names of the weight files, and where the
                    labels rest on few training rows
STAGE-DIGEST.npz    averaged weights of the networks of a stage, or of the encoder; DIGEST is of the file's content

model.json is replaced in one step and names its weights by their content, so a folder is never half of two models.
"""

import io
import json
import os
import pathlib
import re
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import causalgan_tf
from causalgan_tf.errors import InputError, brief, shown
from causalgan_tf.system.files import RESTORE, read_object
from causalgan_tf.system.outputs import OutputFolder

if TYPE_CHECKING:
    import keras

FILE = "model.json"
BUILTIN = "builtin:"  # begins the names of models that lie in the package
STAGES = ("controller", "images")
NETWORKS = (*STAGES, "encoder")  # what has weights of its own
_NAME = re.compile(rf"({'|'.join(NETWORKS)})-([0-9a-f]{{16}})\.npz")

Network = TypeVar("Network", bound="keras.layers.Layer")


def folder_of(workdir: str | pathlib.Path) -> pathlib.Path:
    """The folder that a name stands for: itself, or one of the package for "builtin:NAME".

    Raises:
        InputError: what is no name of a folder, or there is no built-in model of that name.
    """
    if not isinstance(workdir, str | os.PathLike):
        raise InputError(f"Expected the name of a folder, got {shown(workdir)}. Name one such as runs/mine.")
    name = str(workdir)
    if not name.startswith(BUILTIN):
        return pathlib.Path(workdir)
    home = pathlib.Path(causalgan_tf.__file__).parent / "builtin"
    known = sorted(path.parent.name for path in home.glob(f"*/{FILE}"))
    name = name.removeprefix(BUILTIN)
    if name not in known:
        listed = ", ".join(BUILTIN + one for one in known) or "none in this installation"
        raise InputError(f"There is no built-in model {brief(name, 60)!r}. Expected: {listed}.")
    return home / name


def is_saved(folder: pathlib.Path) -> bool:
    """Whether a folder holds a saved model."""
    return (folder / FILE).is_file()


def write(
    folder: str | pathlib.Path,
    record: Mapping[str, Any],
    networks: "Mapping[str, keras.layers.Layer]",
    overwrite: bool = False,
    dtype: str = "float32",
) -> None:
    """Writes a saved model; one that was written there before is replaced.

    Args:
        folder: made if it does not exist.
        record: configuration and graph, plain values for a JSON file.
        networks: by stage.
        overwrite: whether files that the project did not write may be replaced.
        dtype: of the weights in the files, float32 or float16.

    Raises:
        InputError: the folder holds a run or files that are in the way, or it cannot be written.
    """
    folder = place(folder)
    if (folder / "config.json").exists():
        raise InputError(f"{brief(folder)} holds a run of causalgan-train. Name another folder for the model.")
    contents = {stage: packed(network, dtype) for stage, network in networks.items()}
    files = {stage: f"{stage}-{sha256(content).hexdigest()[:16]}.npz" for stage, content in contents.items()}
    text = json.dumps({**record, "weights": files}, indent=2, ensure_ascii=False) + "\n"
    output = OutputFolder(folder, overwrite)
    output.claim([*files.values(), FILE])
    for stage, name in files.items():
        output.write(name, lambda file, stage=stage: file.write(contents[stage]))
    output.write(FILE, lambda file: file.write(text.encode()))
    output.finish([f"{stage}-*.npz" for stage in NETWORKS])


def place(folder: str | pathlib.Path) -> pathlib.Path:
    """A folder to write into; InputError for what is no name of one, or what `load` would take for a built-in model."""
    if not isinstance(folder, str | pathlib.Path) or not str(folder) or str(folder).startswith(BUILTIN):
        raise InputError(f"Expected the name of a folder, got {shown(folder)}. Name one such as models/mine.")
    return pathlib.Path(folder).expanduser()


def read(folder: pathlib.Path) -> dict[str, Any]:
    """What model.json of a folder holds; InputError if it is damaged."""
    values, path = read_object(folder / FILE), folder / FILE
    parts = [name for name in ("config", "graph", "weights") if not isinstance(values.get(name), dict)]
    if parts:
        raise InputError(f"{path} is damaged: expected an object {parts[0]!r}. {RESTORE}")
    for stage, name in values["weights"].items():
        match = _NAME.fullmatch(name) if isinstance(name, str) else None
        if not match or match[1] != stage:
            raise InputError(
                f"{path} is damaged: {brief(name, 40)} is no file of {brief(stage, 40)} weights. {RESTORE}"
            )
    return values


def weights(folder: pathlib.Path, stage: str) -> str | None:
    """The path of the weights of a stage; None: the model has none."""
    name = read(folder)["weights"].get(stage)
    return str(folder / name) if name else None


def restore(path: str | pathlib.Path, network: Network) -> Network:
    """Fills a network with the weights of a file and returns it.

    Raises:
        InputError: the file is gone, not as it was written, or of another network.
    """
    path = pathlib.Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Restore it, or save the model again.") from error
    match = _NAME.fullmatch(path.name)
    if not match or sha256(content).hexdigest()[:16] != match[2]:
        raise InputError(
            f"{path} is damaged: its content is not what was written. Restore it, or save the model again."
        )
    arrays = _unpacked(path, content)
    shapes = [tuple(variable.shape) for variable in network.weights]
    if [array.shape for array in arrays] != shapes:
        raise InputError(f"{path} does not fit the configuration and graph in {FILE}. Save the model again.")
    network.set_weights([array.astype(np.float32) for array in arrays])
    return network


def packed(network: "keras.layers.Layer", dtype: str) -> bytes:
    """The weights of a network as the content of a .npz file, in the network's order."""
    arrays = {f"{place:03d}": array.astype(dtype) for place, array in enumerate(network.get_weights())}
    odd = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if odd:
        raise InputError(f"The weights of this model are not all finite in {dtype}: it cannot be saved. Train it anew.")
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _unpacked(path: pathlib.Path, content: bytes) -> list[np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return [file[name] for name in sorted(file.files)]
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged: {brief(error, 80)}. Restore it, or save the model again.") from error
