"""Export to TensorFlow Serving: a SavedModel whose signatures are plain TensorFlow operations, with its card."""

import errno
import json
import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from causalgan_tf.errors import InputError, brief
from causalgan_tf.inference import warmup
from causalgan_tf.inference.card import card_of, readme
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.compact import compact
from causalgan_tf.inference.signatures import Signature, Signatures
from causalgan_tf.system.locks import work_folder
from causalgan_tf.system.outputs import writing

# ops that load elsewhere without complaint and fail there
REFUSED_OPS = ("PyFunc", "EagerPyFunc", "PyFuncStateless")
PARTIAL = ".causalgan-export."  # how the name of a version begins that is not whole yet; no server reads it
LAST = 2**63 - 1
REFUSED_ATTRIBUTES = ("_XlaMustCompile",)


def export_model(
    model: CausalModel,
    export_dir: str | pathlib.Path,
    figures: Mapping[str, Any] | None = None,
    licence: str | None = None,
) -> pathlib.Path:
    """Writes `export_dir/<next integer>/saved_model.pb`, a version that TensorFlow Serving takes as it is.

    Its signatures are those of inference.signatures: `sample` (also `serving_default`), `labels`, `sample_given`,
    `metadata` and, where the model has what they need, `picture`, `probability` and `counterfactual`. Beside
    them lie the model's card (assets/card.json and README.md) and requests with which a server warms up.

    Args:
        model: a trained model.
        export_dir: folder of the versions; made if it does not exist.
        figures: what a report measured, for the card.
        licence: of the model, for the card, such as mit or apache-2.0; None: not stated.

    Returns:
        The folder of the version.

    Raises:
        InputError: `export_dir` is a file or cannot be written, `licence` is no line of text, or the graph holds
            operations that a server cannot run.

    Examples:
        >>> export_model(model, "served").name
        '1'
    """
    root = checked_folder(model, export_dir)
    signatures = Signatures(model)
    traced = {name: _traced(signature) for name, signature in signatures.all.items()}
    card = card_of(model, _specs(signatures, traced), figures, licence)
    # the card tells what all signatures answer, and is what one of them answers
    signatures.card = json.dumps(card, ensure_ascii=False, allow_nan=False)
    traced["metadata"] = _traced(signatures.all["metadata"])
    # before anything is written
    for function in traced.values():
        check_servable(function)
    row = model.sample_labels(1)

    def save(folder: pathlib.Path) -> None:
        module = tf.Module()
        # each variable once: networks that hold it beside would be written as well
        module.weights = list({id(v): v for function in traced.values() for v in function.variables}.values())
        with tempfile.TemporaryDirectory() as beside:
            path = pathlib.Path(beside) / "card.json"
            path.write_text(json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
            module.card = tf.saved_model.Asset(str(path))
            tf.saved_model.save(module, str(folder), {"serving_default": traced["sample"], **traced})
        compact(folder)
        (folder / "README.md").write_text(readme(card), encoding="utf-8")
        warmup.write(folder, {name: example(part.inputs, row) for name, part in signatures.all.items()})

    return written_version(root, save)


def checked_folder(model: CausalModel, export_dir: str | pathlib.Path) -> pathlib.Path:
    """The folder of the versions; InputError if it is a file, or if float32 cannot hold the model's numbers."""
    root = pathlib.Path(export_dir)
    if root.is_file():
        raise InputError(f"export_dir: expected a folder, {root} is a file.")
    for node, variable in model.graph.variables.items():
        if getattr(variable, "offset", 0.0):
            raise InputError(
                f"{node} holds numbers that a server's float32 cannot distinguish. Train on {node} minus an offset "
                f"such as {variable.offset:.0f}, and export that model."
            )
    return root


def written_version(root: pathlib.Path, save: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """What `write_version` does; InputError where the folder cannot be written."""
    try:
        with writing(root):
            return write_version(root, save)
    except tf.errors.OpError as error:
        line = (error.message or type(error).__name__).splitlines()[0]  # operation; file; what the system says [Op:...]
        said = brief(line.rpartition("; ")[2].partition(" [Op:")[0])
        raise InputError(f"{brief(root)} cannot be written: {said}. Name another place, or make room there.") from error


def _traced(signature: Signature) -> tf.types.experimental.ConcreteFunction:
    return tf.function(signature.function, autograph=False).get_concrete_function(**signature.inputs)


def _specs(
    signatures: Signatures, traced: Mapping[str, tf.types.experimental.ConcreteFunction]
) -> dict[str, tuple[dict[str, tf.TensorSpec], dict[str, tf.TensorSpec]]]:
    """Inputs and outputs by signature, inputs of labels as wide as they have to be."""
    width, found = len(signatures.variables), {}
    for name, function in traced.items():
        inputs = {
            key: tf.TensorSpec([None, width][: len(spec.shape)], spec.dtype)
            for key, spec in signatures.all[name].inputs.items()
        }
        outputs = {key: tf.TensorSpec(value.shape, value.dtype) for key, value in function.structured_outputs.items()}
        found[name] = inputs, outputs
    return found


def example(inputs: Mapping[str, tf.TensorSpec], labels: np.ndarray) -> dict[str, np.ndarray]:
    """A request of one row that the model answers: seed 0, nothing set, nothing asked for, labels [1, K] seen."""
    fill = {tf.int64: np.int64(0), tf.float32: np.float32(np.nan), tf.bool: np.bool_(False)}
    row = {name: np.full([1, labels.shape[1]][: len(spec.shape)], fill[spec.dtype]) for name, spec in inputs.items()}
    return row | ({"observed": labels.astype(np.float32)} if "observed" in row else {})


def write_version(root: pathlib.Path, save: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """Writes the next version folder: beside its place first, so that no server ever sees a part of one.

    What an export that was killed left is removed, see system.locks.work_folder.

    Args:
        root: the folder of the versions; made if it does not exist.
        save: fills the folder that it is given, which it makes.

    Returns:
        The folder of the version.
    """
    root.mkdir(parents=True, exist_ok=True)
    with work_folder(root, PARTIAL) as partial:
        save(partial / "version")
        while True:
            folder = root / str(next_version(root))
            try:
                os.rename(partial / "version", folder)
                return folder
            except OSError as error:  # another export took the number meanwhile
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise


def next_version(root: pathlib.Path) -> int:
    """One more than the largest version in `root`; 1 if there is none. Servers read ASCII digits of an int64."""
    versions = [int(path.name) for path in root.glob("*") if re.fullmatch("[0-9]+", path.name)]
    version = max((version for version in versions if version <= LAST), default=0) + 1
    if version > LAST:
        raise InputError(f"{brief(root)} holds version {LAST}, the last that a server reads. Name another folder.")
    return version


def check_servable(function: tf.types.experimental.ConcreteFunction) -> None:
    """InputError if a function calls Python or must be compiled: both export without error and fail in a server."""
    definition = function.graph.as_graph_def(add_shapes=False)
    nodes = [*definition.node, *(node for called in definition.library.function for node in called.node_def)]
    bad = sorted({node.op for node in nodes if node.op in REFUSED_OPS})
    bad += [name for called in definition.library.function for name in REFUSED_ATTRIBUTES if name in called.attr]
    if bad:
        raise InputError(f"export: a server cannot run {', '.join(bad)}. Draw with plain TensorFlow operations.")
