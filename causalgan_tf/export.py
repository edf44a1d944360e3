"""Export to TensorFlow Serving: a SavedModel with a `sample` signature in plain TensorFlow operations."""

import pathlib

import keras
import tensorflow as tf

from causalgan_tf.causal_model import CausalModel
from causalgan_tf.errors import InputError

# ops that load elsewhere without complaint and fail there
REFUSED_OPS = ("PyFunc", "EagerPyFunc", "PyFuncStateless")
REFUSED_ATTRIBUTES = ("_XlaMustCompile",)


def export_model(model: CausalModel, export_dir: str | pathlib.Path) -> pathlib.Path:
    """Writes `export_dir/<next integer>/saved_model.pb`, a version that TensorFlow Serving takes as it is.

    Signature `sample` (also `serving_default`): `seed` int64 [B] and `do` float32 [B, K], columns in graph order, NaN
    where a label is left alone; to `labels` float32 [B, K] and, if the model draws images, `image` uint8 [B, S, S, C].
    A label of any kind is one number, of a category its place. A row depends on its own seed and do alone; another do
    with the same seed changes descendants only.

    Returns:
        The folder of the version.

    Raises:
        InputError: `export_dir` is a file, or the graph holds operations that a server cannot run.
    """
    root = pathlib.Path(export_dir)
    if root.is_file():
        raise InputError(f"export_dir: expected a folder, {root} is a file.")
    columns = len(model.graph)

    def sample(seed: tf.Tensor, do: tf.Tensor) -> dict[str, tf.Tensor]:
        labels = model.labels(seed, do)
        return {"labels": labels} | ({"image": model.images(seed, labels)} if model.images else {})

    archive = keras.export.ExportArchive()
    for network in filter(None, (model.mechanisms, model.image_generator)):
        archive.track(network)
    inputs = [tf.TensorSpec([None], tf.int64, "seed"), tf.TensorSpec([None, columns], tf.float32, "do")]
    archive.add_endpoint("sample", sample, inputs)
    check_servable(tf.function(sample, inputs).get_concrete_function())
    folder = root / str(next_version(root))
    archive.write_out(str(folder), verbose=False)
    return folder


def next_version(root: pathlib.Path) -> int:
    """One more than the largest version folder in `root`; 1 if there is none."""
    versions = [int(path.name) for path in root.glob("*") if path.name.isdigit()]
    return max(versions, default=0) + 1


def check_servable(function: tf.types.experimental.ConcreteFunction) -> None:
    """InputError if a function calls Python or must be compiled: both export without error and fail in a server."""
    definition = function.graph.as_graph_def(add_shapes=False)
    nodes = [*definition.node, *(node for called in definition.library.function for node in called.node_def)]
    bad = sorted({node.op for node in nodes if node.op in REFUSED_OPS})
    bad += [name for called in definition.library.function for name in REFUSED_ATTRIBUTES if name in called.attr]
    if bad:
        raise InputError(f"export: a server cannot run {', '.join(bad)}. Draw with plain TensorFlow operations.")
