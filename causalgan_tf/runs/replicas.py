"""devices.json: by how many replicas a run was trained; and what all workers of a training must have in common."""

import dataclasses
import json
import logging
import pathlib

import causalgan_tf
from causalgan_tf.config.data import FILES
from causalgan_tf.data.dataset import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.variables import to_json
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.files import read_object, write_text

FILE = "devices.json"


def exchange(workdir: pathlib.Path, replicas: int) -> int:
    """Writes the number of replicas of a training that begins; returns the one before, 0: none is known.

    A file that cannot be read or written is logged: it decides nothing.

    >>> folder = pathlib.Path("runs/people")
    >>> exchange(folder, 2), exchange(folder, 1)
    (1, 2)
    """
    path = workdir / FILE
    try:
        before = read_object(path).get("replicas", 0) if path.exists() else 0
        write_text(path, json.dumps({"replicas": replicas}) + "\n")
    except (InputError, OSError) as error:
        logging.getLogger(__name__).warning("%s is not read or written: %s", path, error)
        return 0
    return before if isinstance(before, int) else 0


def identity(run: Run, dataset: Dataset) -> str:
    """What decides the next step besides weights, as text that all workers must share; files may lie elsewhere."""
    config = dataclasses.asdict(run.config)
    for name in ("graph", "data_dir", *FILES):
        config["data"].pop(name, None)
    fingerprint = dataclasses.replace(run.kept.fingerprint, images=dataset.image_files)
    graph = {"edges": run.graph.edges, "variables": to_json(run.graph.variables)}
    return json.dumps([causalgan_tf.__version__, config, graph, dataclasses.asdict(fingerprint)])
