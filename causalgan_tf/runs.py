"""A run folder: what lies where in it, the networks of its configuration, and the trained model.

config.json     the configuration
variables.json  the kinds of the labels as they were read off the data, see run_graph
timing.json     seconds of each phase
controller/     checkpoints of the causal controller
images/         checkpoints of the image model
logs/           TensorBoard summaries
report/         what causalgan-evaluate writes
"""

import json
import pathlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import keras
import tensorflow as tf

from causalgan_tf import budget
from causalgan_tf.causal_model import CausalModel
from causalgan_tf.config import RunConfig
from causalgan_tf.errors import InputError, brief
from causalgan_tf.graph import CausalGraph
from causalgan_tf.networks import began, columns, dcgan
from causalgan_tf.networks.mechanisms import Mechanisms
from causalgan_tf.run_graph import FILE, graph_of, keep

Generator = TypeVar("Generator", bound=keras.layers.Layer)

STAGES = ("controller", "images")


def check(config: RunConfig, workdir: pathlib.Path) -> None:
    """InputError if `workdir` holds a run that `config` does not continue; the message lists what differs."""
    ours = (workdir / "config.json", workdir / "controller")
    if (workdir / FILE).exists() and not any(path.exists() for path in ours):
        raise InputError(f"{brief(workdir)} holds {FILE} that is of no run: none is here. Choose another --workdir.")
    if (workdir / "config.json").exists():
        differences = RunConfig.load(workdir).differences(config)
        if differences:
            raise InputError(
                f"{workdir} holds a run of another configuration (there -> here):\n  "
                + "\n  ".join(differences)
                + "\nChoose another --workdir, or repeat the flags of that run to continue it."
            )


def prepare(config: RunConfig, workdir: pathlib.Path, graph: CausalGraph) -> None:
    """Makes `workdir` the folder of a run of `config`, which `check` has passed, over the graph of its data."""
    workdir.mkdir(parents=True, exist_ok=True)
    keep(workdir, graph)
    config.save(workdir)


def build_mechanisms(config: RunConfig, graph: CausalGraph) -> Mechanisms:
    """Untrained mechanisms of the configured shape."""
    c = config.controller
    return Mechanisms(graph, c.noise_size, c.width, c.layers, config.seed)


def build_image_generator(config: RunConfig, graph: CausalGraph) -> keras.Model:
    """An untrained image generator of the configured shape."""
    c = config.image
    shape = {"labels": columns.count(graph), "noise_size": c.noise_size, "image_size": config.data.image_size}
    shape |= {"channels": config.data.channels, "width": c.width, "seed": config.seed}
    if c.model == "causal_began":
        return began.generator(**shape)
    return dcgan.generator(**shape, kernel=c.kernel, modulation=c.modulation)


def has_checkpoint(workdir: pathlib.Path, stage: str) -> bool:
    """Whether a stage has been trained, be it in part."""
    return tf.train.latest_checkpoint(str(workdir / stage)) is not None


def require_checkpoint(workdir: pathlib.Path, stage: str) -> str:
    """The stage's latest checkpoint; InputError if it has none."""
    path = tf.train.latest_checkpoint(str(workdir / stage))
    if path is None:
        raise InputError(
            f"{workdir} has no trained {stage}: expected a checkpoint in {workdir / stage}. "
            f"Train it with: causalgan-train --workdir={workdir} --stages={stage}"
        )
    return path


def restore_averaged(workdir: pathlib.Path, stage: str, generator: Generator) -> Generator:
    """Fills `generator` with the averaged weights of the stage's latest checkpoint and returns it.

    Raises:
        InputError: the stage has no checkpoint.
    """
    path = require_checkpoint(workdir, stage)
    tf.train.Checkpoint(averaged=generator).restore(path).assert_existing_objects_matched().expect_partial()
    return generator


def load(workdir: str | pathlib.Path) -> CausalModel:
    """The model that `causalgan-train` has trained in `workdir`; of labels only, if its images are not trained yet.

    Raises:
        InputError: the folder holds no run, or its controller has no checkpoint yet.
    """
    workdir = pathlib.Path(workdir)
    config = RunConfig.load(workdir)
    graph = graph_of(workdir, config)
    budget.check_loaded(config, graph, has_checkpoint(workdir, "images"))
    labels = restore_averaged(workdir, "controller", build_mechanisms(config, graph))
    if not has_checkpoint(workdir, "images"):
        return CausalModel(graph, labels)
    images = restore_averaged(workdir, "images", build_image_generator(config, graph))
    return CausalModel(graph, labels, images, config.image.label_encoding)


def read_timing(workdir: pathlib.Path) -> dict[str, float]:
    """Seconds of each phase so far; empty if none was timed."""
    path = workdir / "timing.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def add_timing(workdir: pathlib.Path, phase: str, seconds: float) -> None:
    """Adds seconds to a phase in timing.json."""
    timing = read_timing(workdir)
    timing[phase] = round(timing.get(phase, 0.0) + seconds, 1)
    (workdir / "timing.json").write_text(json.dumps(timing, indent=2) + "\n", encoding="utf-8")


@contextmanager
def timed(workdir: pathlib.Path, phase: str) -> Iterator[None]:
    """Adds the seconds of a block to a phase, also those of a block that is interrupted."""
    start = time.perf_counter()
    try:
        yield
    finally:
        add_timing(workdir, phase, time.perf_counter() - start)
