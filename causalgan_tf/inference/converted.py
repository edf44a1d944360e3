"""Export to formats of other runtimes: the portable model as a file of ONNX, LiteRT or Keras, with its card.

A file is read again and asked for rows before its folder has its name: a converter may succeed and be wrong.
"""

import json
import pathlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.errors import InputError, brief
from causalgan_tf.inference.card import card_of, readme
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.export import checked_folder, written_version
from causalgan_tf.inference.portable import portable_model

OPSET = 18  # the first ONNX that has exclusive ors
ROWS, PART = 1_000, 250  # that a file is asked for, so many at a time
NEAR = 1e-3  # deviations by which its numbers may be off
LEVELS = 2  # grey levels by which its images may be
SEED = "low and high 32-bit word of the row's seed; the same seed under another do is the same unit"

INSTEAD = "Export it as saved_model, or in another format."

Rows = dict[str, np.ndarray]


class Format(NamedTuple):
    """How a portable model becomes a file, and how the file is opened to be asked; the hub's name of its library.

    >>> {name: form.file for name, form in FORMATS.items()}
    {'onnx': 'model.onnx', 'litert': 'model.tflite', 'keras': 'model.keras'}
    """

    file: str
    library: str
    write: Callable[[keras.Model, pathlib.Path], None]
    open: Callable[[pathlib.Path], Callable[[Rows], Rows]]


def export_converted(
    model: CausalModel,
    export_dir: str | pathlib.Path,
    form: str,
    figures: Mapping[str, Any] | None = None,
    licence: str | None = None,
) -> pathlib.Path:
    """Writes `export_dir/<next integer>/model.onnx`, model.tflite or model.keras, and card.json and README.md beside.

    The model in the file takes `seed` uint32 [B, 2], low and high words of the rows' seeds, and `do` float32 [B, K],
    NaN where a label is left alone, which it does not check. It gives `labels` float32 [B, K] and, if the model draws
    images, `image` uint8 [B, S, S, C].

    Args:
        model: a trained model.
        export_dir: folder of the versions; made if it does not exist.
        form: a name in FORMATS.
        figures: what a report measured, for the card.
        licence: of the model, for the card, such as mit or apache-2.0; None: not stated.

    Returns:
        The file.

    Raises:
        InputError: no such format, a package that it needs is missing, the model cannot be converted, the file gives
            other rows than the model (more than one of 1,000), `licence` is no line of text, or `export_dir` cannot be
            written.

    Examples:
        >>> file = export_converted(model, "converted", "keras")
        >>> file.relative_to("converted").as_posix()
        '1/model.keras'
        >>> opened = keras.saving.load_model(file)  # without this package, too
        >>> seed, unset = np.array([[7, 0], [8, 0]], np.uint32), np.full([2, 2], np.nan, np.float32)
        >>> opened({"seed": seed, "do": unset})["labels"].shape.as_list()
        [2, 2]
    """
    if form not in FORMATS:
        raise InputError(f"format: expected {', '.join(FORMATS)}, got {brief(form)!r}.")
    root, own = checked_folder(model, export_dir), FORMATS[form]
    portable = portable_model(model)
    inputs = {"seed": tf.TensorSpec([None, 2], tf.uint32), "do": tf.TensorSpec([None, len(model.graph)], tf.float32)}
    outputs = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in portable.output.items()}
    card = card_of(model, {"sample": (inputs, outputs)}, figures, licence)
    card["signatures"]["sample"]["inputs"]["seed"]["what"] = SEED

    def save(folder: pathlib.Path) -> None:
        folder.mkdir()
        try:
            own.write(portable, folder / own.file)
            found = _in_parts(own.open(folder / own.file), _request(model))
        except (InputError, OSError):
            raise
        # what converters raise has no common type
        except Exception as error:
            said = brief((str(error).splitlines() or [type(error).__name__])[0], 200)
            raise InputError(f"format {form}: this model cannot be converted ({said}). {INSTEAD}") from error
        check_rows(model, form, _request(model), found)
        text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / "card.json").write_text(text + "\n", encoding="utf-8")
        (folder / "README.md").write_text(readme(card, own.library), encoding="utf-8")

    return written_version(root, save) / own.file


def _request(model: CausalModel) -> Rows:
    """Rows of seed 0, in a third of which the first label is set to what the row before drew."""
    seeds = noise.row_seeds(0, 0, ROWS).numpy()
    do = np.full([ROWS, len(model.graph)], np.nan, np.float32)
    do[1::3, 0] = model.labels(seeds[::3][: len(do[1::3])], do[1::3]).numpy()[:, 0]
    return {"seed": seeds.view(np.uint32).reshape(-1, 2), "do": do}


def _in_parts(ask: Callable[[Rows], Rows], rows: Rows) -> Rows:
    """What a file answers, asked for a few rows at a time: layers take a hundred times the memory of images."""
    parts = [ask({name: value[first : first + PART] for name, value in rows.items()}) for first in range(0, ROWS, PART)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_rows(model: CausalModel, form: str, asked: Rows, found: Rows) -> None:
    """InputError if a file of a format answers a request with other rows than the model, but for one of 1,000.

    Args:
        model: the model.
        form: the format's name.
        asked: `seed` uint32 [B, 2] and `do` float32 [B, K].
        found: `labels` [B, K] and perhaps `image` [B, S, S, C].
    """
    seeds = asked["seed"].copy().view(np.int64)[:, 0]
    labels = model.labels(seeds, asked["do"]).numpy()
    units = np.array([1.0 if v.size else v.std for v in model.graph.variables.values()])
    wrong = ~(np.abs(found["labels"] - labels) <= NEAR * units).all(1)
    # of a label whose noise lies at the very edge of a value, another order of sums may give the next value
    if wrong.sum() > len(labels) // ROWS:
        raise InputError(f"format {form}: {wrong.sum()} of {len(labels)} rows are not the model's. {INSTEAD}")
    if model.images:
        image = model.images.draw(labels, seeds).astype(int)
        away = np.abs(found["image"] - image)[~wrong].max()
        if away > LEVELS:
            raise InputError(f"format {form}: images are {away} grey levels from the model's. {INSTEAD}")


def _write_onnx(portable: keras.Model, path: pathlib.Path) -> None:
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import tf2onnx
    except ImportError as error:
        raise InputError(
            f"format onnx: the package {error.name} is missing. Install it by pip install 'causalgan-tf[onnx]'."
        ) from error
    inputs = [tf.TensorSpec(value.shape, value.dtype, name) for name, value in portable.input.items()]
    function = tf.function(lambda seed, do: portable({"seed": seed, "do": do}, training=False), autograph=False)
    # tf2onnx has no word for exclusive ors, which are called the same in ONNX
    same = {"BitwiseXor": (lambda context, node, name, arguments: node, [])}
    made, _ = tf2onnx.convert.from_function(function, inputs, opset=OPSET, custom_op_handlers=same)
    onnx.checker.check_model(made)
    onnx.save(made, path)


def _open_onnx(path: pathlib.Path) -> Callable[[Rows], Rows]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return lambda rows: dict(zip(names, session.run(None, rows), strict=True))


def _write_litert(portable: keras.Model, path: pathlib.Path) -> None:
    # without TensorFlow's own operations, which a LiteRT interpreter does not have
    only = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    portable.export(path, format="litert", verbose=False, target_spec=only)


def _open_litert(path: pathlib.Path) -> Callable[[Rows], Rows]:
    with warnings.catch_warnings():
        # it says that it will move to a package of its own
        warnings.simplefilter("ignore", UserWarning)
        runner = tf.lite.Interpreter(str(path)).get_signature_runner()
    return lambda rows: runner(**rows)


def _write_keras(portable: keras.Model, path: pathlib.Path) -> None:
    with warnings.catch_warnings():
        # Keras copies TensorFlow's variables in a way that NumPy 2 gives up
        warnings.simplefilter("ignore", DeprecationWarning)
        portable.save(path)


def _open_keras(path: pathlib.Path) -> Callable[[Rows], Rows]:
    opened = keras.saving.load_model(path, compile=False)
    return lambda rows: {name: value.numpy() for name, value in opened(rows, training=False).items()}


FORMATS = {
    "onnx": Format("model.onnx", "onnx", _write_onnx, _open_onnx),
    "litert": Format("model.tflite", "tflite", _write_litert, _open_litert),
    "keras": Format("model.keras", "keras", _write_keras, _open_keras),
}
