"""Files of particular servers beside the versions of an export: Triton's model repository, KServe's service."""

import json
import pathlib
import re
import shutil
from collections.abc import Mapping
from typing import Any

from causalgan_tf.system.files import write_text
from causalgan_tf.system.locks import work_folder

SERVERS = ("triton", "kserve")
TYPES = {"float32": "FP32", "int64": "INT64", "uint8": "UINT8", "bool": "BOOL", "string": "STRING"}  # Triton's
SERVICE = "inference_service.yaml"
LINK = "model.savedmodel"
PARTIAL = ".causalgan-export."  # how the name of a version begins that is not whole yet
NAMED = 60  # letters of a service's name, of which a cluster takes 63


def write(version: pathlib.Path, card: Mapping[str, Any], server: str) -> pathlib.Path:
    """Writes the files of one of SERVERS beside the folder of a version that was exported.

    Args:
        version: the folder of the version.
        card: the model's.
        server: "triton": triton/SIGNATURE/config.pbtxt, a model for each signature, with links to the version;
            "kserve": inference_service.yaml.

    Returns:
        The repository's folder or the service's file.
    """
    root = version.parent
    if server == "kserve":
        write_text(root / SERVICE, service(root.resolve().name))
        return root / SERVICE
    for name, signature in card["signatures"].items():
        folder = root / "triton" / name
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "config.pbtxt", config(name, signature) + "\n")
        # renamed into its place, so that no server sees a version without a model
        with work_folder(folder, PARTIAL) as partial:
            (partial / version.name).mkdir()
            (partial / version.name / LINK).symlink_to(pathlib.Path("..", "..", "..", version.name))
            shutil.rmtree(folder / version.name, ignore_errors=True)
            (partial / version.name).rename(folder / version.name)
    return root / "triton"


def config(name: str, signature: Mapping[str, Mapping[str, Any]]) -> str:
    """Triton's configuration of a signature as the card tells it; the first dimension is the rows.

    >>> seed = {"seed": {"dtype": "int64", "shape": [None]}}
    >>> print(config("labels", {"inputs": seed, "outputs": {}}))
    name: "labels"
    platform: "tensorflow_savedmodel"
    max_batch_size: 0
    input { name: "seed" data_type: TYPE_INT64 dims: [-1] }
    parameters { key: "TF_SIGNATURE_DEF" value { string_value: "labels" } }
    """
    lines = [f'name: "{name}"', 'platform: "tensorflow_savedmodel"', "max_batch_size: 0"]
    for part in ("inputs", "outputs"):
        for key, spec in signature[part].items():
            dims = json.dumps([-1 if size is None else size for size in spec["shape"]])
            lines.append(f'{part[:-1]} {{ name: "{key}" data_type: TYPE_{TYPES[spec["dtype"]]} dims: {dims} }}')
    return "\n".join([*lines, f'parameters {{ key: "TF_SIGNATURE_DEF" value {{ string_value: "{name}" }} }}'])


def service(folder: str) -> str:
    """A KServe InferenceService that serves the versions in a folder of this name by TensorFlow Serving.

    >>> print(service("My faces").splitlines()[3].strip())
    name: "my-faces"
    """
    name = re.sub("[^a-z0-9]+", "-", folder.lower()).strip("-")
    # a cluster wants a letter first and none but a letter or a digit last
    name = (name if re.match("[a-z]", name) else f"model-{name}")[:NAMED].strip("-")
    uri = json.dumps(f"pvc://models/{folder}", ensure_ascii=False)
    return f"""apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: "{name}"
spec:
  predictor:
    model:
      modelFormat:
        name: tensorflow
      # where the cluster finds the folder that holds the versions
      storageUri: {uri}
"""
