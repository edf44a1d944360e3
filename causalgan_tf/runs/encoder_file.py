"""The encoder of a run's images: encoder.json names its weights and the generator that it was fitted to."""

import hashlib
import json
import pathlib
from typing import TYPE_CHECKING

from causalgan_tf.inference import saved_model
from causalgan_tf.system.files import read_object, write_bytes, write_text

if TYPE_CHECKING:
    import keras

    from causalgan_tf.inference.image_sampler import ImageSampler

FOLDER, FILE = "encoder", "encoder.json"


def save(workdir: pathlib.Path, images: "ImageSampler", encoder: "keras.Model") -> None:
    """Writes the encoder of a run; one of before is replaced."""
    folder = workdir / FOLDER
    folder.mkdir(exist_ok=True)
    content = saved_model.packed(encoder, "float32")
    name = f"encoder-{hashlib.sha256(content).hexdigest()[:16]}.npz"
    write_bytes(folder / name, content)
    # last: until now the old one counts
    write_text(folder / FILE, json.dumps({"weights": name, "generator": generator_digest(images)}, indent=2) + "\n")
    for other in folder.glob("encoder-*.npz"):
        if other.name != name:
            other.unlink()


def load(workdir: pathlib.Path, images: "ImageSampler") -> "keras.Model | None":
    """The encoder of a run or a saved model; None if there is none, or the generator was trained on since.

    Raises:
        InputError: its files are damaged.
    """
    if saved_model.is_saved(workdir):
        weights = saved_model.weights(workdir, "encoder")
        return saved_model.restore(weights, images.untrained_encoder()) if weights else None
    path = workdir / FOLDER / FILE
    if not path.is_file():
        return None
    kept = read_object(path)
    if kept.get("generator") != generator_digest(images):
        return None
    return saved_model.restore(path.parent / str(kept.get("weights")), images.untrained_encoder())


def generator_digest(images: "ImageSampler") -> str:
    """A hash of a generator's weights."""
    found = hashlib.sha256()
    for weight in images.generator.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()[:32]
