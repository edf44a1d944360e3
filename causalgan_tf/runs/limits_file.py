"""limits.json of a run folder: where its labels rest on few training rows, measured when their training has ended.

It names the checkpoint that was measured: it says nothing of another.
"""

import json
import pathlib

from causalgan_tf.errors import InputError
from causalgan_tf.inference import saved_model
from causalgan_tf.inference.limits import LabelLimits
from causalgan_tf.system.files import read_object, write_text, written

FILE = "limits.json"


def save_limits(workdir: pathlib.Path, limits: LabelLimits, checkpoint: str) -> None:
    """Writes what was measured of a checkpoint of the controller; InputError if the folder cannot be written."""
    values = {"checkpoint": pathlib.Path(checkpoint).name, **limits.to_json()}
    with written(workdir):
        write_text(workdir / FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def read_limits(workdir: pathlib.Path, checkpoint: str | None) -> LabelLimits | None:
    """What was measured of a checkpoint, or of a saved model; None if nothing was.

    Raises:
        InputError: the file is damaged.
    """
    saved = saved_model.is_saved(workdir)
    path = workdir / (saved_model.FILE if saved else FILE)
    if not path.exists() or not checkpoint:
        return None
    values = read_object(path)
    if saved:
        values = values.get("limits")
    elif values.get("checkpoint") != pathlib.Path(checkpoint).name:
        return None
    try:
        return None if values is None else LabelLimits.from_json(values)
    except InputError as error:
        way_out = "Save the model again." if saved else "Remove it, and causalgan-train measures it again."
        raise InputError(f"{path} is damaged: {error} {way_out}") from error
