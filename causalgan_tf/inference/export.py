"""Export to TensorFlow Serving: a SavedModel with a `sample` signature in plain TensorFlow operations."""

import errno
import os
import pathlib
import platform
import re
import shutil
import uuid
from collections.abc import Callable

import keras
import tensorflow as tf

from causalgan_tf.errors import InputError, brief
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.system.outputs import writing

# ops that load elsewhere without complaint and fail there
REFUSED_OPS = ("PyFunc", "EagerPyFunc", "PyFuncStateless")
PARTIAL = ".causalgan-export."  # how the name of a version begins that is not whole yet; no server reads it
LAST = 2**63 - 1
REFUSED_ATTRIBUTES = ("_XlaMustCompile",)


def export_model(model: CausalModel, export_dir: str | pathlib.Path) -> pathlib.Path:
    """Writes `export_dir/<next integer>/saved_model.pb`, a version that TensorFlow Serving takes as it is.

    Signature `sample` (also `serving_default`): `seed` int64 [B] and `do` float32 [B, K], columns in graph order, NaN
    where a label is left alone; to `labels` float32 [B, K] and, if the model draws images, `image` uint8 [B, S, S, C].
    A label of any type is one number, of a category its place. A row depends on its own seed and do alone; another do
    with the same seed changes descendants only.

    Returns:
        The folder of the version.

    Raises:
        InputError: `export_dir` is a file or cannot be written, or the graph holds operations that a server cannot run.

    Examples:
        >>> export_model(model, "served").name
        '1'
    """
    root = pathlib.Path(export_dir)
    if root.is_file():
        raise InputError(f"export_dir: expected a folder, {root} is a file.")
    columns = len(model.graph)
    for node, variable in model.graph.variables.items():
        if getattr(variable, "offset", 0.0):
            raise InputError(
                f"{node} holds numbers that a server's float32 cannot distinguish. Train on {node} minus an offset "
                f"such as {variable.offset:.0f}, and export that model."
            )

    def sample(seed: tf.Tensor, do: tf.Tensor) -> dict[str, tf.Tensor]:
        labels = model.labels(seed, do)
        return {"labels": labels} | ({"image": model.images(seed, labels)} if model.images else {})

    archive = keras.export.ExportArchive()
    for network in filter(None, (model.mechanisms, model.image_generator)):
        archive.track(network)
    inputs = [tf.TensorSpec([None], tf.int64, "seed"), tf.TensorSpec([None, columns], tf.float32, "do")]
    archive.add_endpoint("sample", sample, inputs)
    # before anything is written
    check_servable(tf.function(sample, inputs).get_concrete_function())
    try:
        with writing(root):
            return write_version(root, lambda folder: archive.write_out(str(folder), verbose=False))
    except tf.errors.OpError as error:
        line = (error.message or type(error).__name__).splitlines()[0]  # operation; file; what the system says [Op:...]
        said = brief(line.rpartition("; ")[2].partition(" [Op:")[0])
        raise InputError(f"{brief(root)} cannot be written: {said}. Name another place, or make room there.") from error


def write_version(root: pathlib.Path, save: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """Writes the next version folder: beside its place first, so that no server ever sees a part of one.

    Leftovers of an export that was killed are removed; the name of such a folder holds machine and process.

    Args:
        root: the folder of the versions; made if it does not exist.
        save: fills the folder that it is given, which it makes.

    Returns:
        The folder of the version.
    """
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f"{PARTIAL}{_host()}.*"):
        # another export may be at work beside this one, and its part must stay
        if not _runs(left.name.rpartition(".")[2]):
            shutil.rmtree(left, ignore_errors=True)
    partial = root / f"{PARTIAL}{_host()}.{uuid.uuid4().hex[:8]}.{os.getpid()}"
    try:
        save(partial)
        while True:
            folder = root / str(next_version(root))
            try:
                os.rename(partial, folder)
                return folder
            except OSError as error:  # another export took the number meanwhile
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def next_version(root: pathlib.Path) -> int:
    """One more than the largest version in `root`; 1 if there is none. Servers read ASCII digits of an int64."""
    versions = [int(path.name) for path in root.glob("*") if re.fullmatch("[0-9]+", path.name)]
    version = max((version for version in versions if version <= LAST), default=0) + 1
    if version > LAST:
        raise InputError(f"{brief(root)} holds version {LAST}, the last that a server reads. Name another folder.")
    return version


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node()) or "host"


def _runs(process: str) -> bool:
    """Whether a process of this machine is there, under this number; what is no number is taken for one that is."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError, ValueError):
        return True
    return True


def check_servable(function: tf.types.experimental.ConcreteFunction) -> None:
    """InputError if a function calls Python or must be compiled: both export without error and fail in a server."""
    definition = function.graph.as_graph_def(add_shapes=False)
    nodes = [*definition.node, *(node for called in definition.library.function for node in called.node_def)]
    bad = sorted({node.op for node in nodes if node.op in REFUSED_OPS})
    bad += [name for called in definition.library.function for name in REFUSED_ATTRIBUTES if name in called.attr]
    if bad:
        raise InputError(f"export: a server cannot run {', '.join(bad)}. Draw with plain TensorFlow operations.")
