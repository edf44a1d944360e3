"""Trains a causal graph's labels, then their images: causalgan-train --flagfile=flags/faces.flags --workdir=runs/faces.

A run that is in the folder already is continued, if its configuration is the same or no flag about data, graph and
models is given. A flag behind --flagfile overrides the file's.
"""

import functools
import os
import pathlib

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.config import budget
from causalgan_tf.config.data import SOURCES
from causalgan_tf.config.run import PARTS, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.clusters import Cluster

GROUPS = {  # what --help lists
    "Run": ("workdir", "stages", "check", "seed"),
    "Data": ("dataset", "graph", "labels_file", "image_dir", "data_dir", "image_size", "crop_size", "channels"),
    "Labels": ("controller_steps", "controller_batch_size", "controller_learning_rate"),
    "Images": (
        *("image_model", "image_steps", "image_batch_size", "image_width", "image_learning_rate"),
        *("image_augment", "image_labeler_noise", "image_precision"),
    ),
    "Devices": ("strategy", "num_devices", "logical_devices"),
}
STAGES = ("controller,images", "controller", "images")
STRATEGIES = ("default", "mirrored", "multi_worker", "tpu")


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the run")
    common.define(values, "stages", STAGES[0], "what to train; dataset=table has labels only", STAGES)
    common.define(
        values,
        "strategy",
        STRATEGIES[0],
        "default: one device; mirrored: this machine's GPUs; multi_worker: a cluster's (TF_CONFIG, SLURM); tpu: a TPU",
        STRATEGIES,
    )
    common.define(values, "num_devices", 0, "devices of this machine to train on; 0: all", low=0, high=256)
    common.define(
        values,
        "logical_devices",
        0,
        "devices that the CPU is split into, to rehearse several GPUs (--strategy=mirrored); 0: no split",
        low=0,
        high=256,
    )
    common.define(values, "check", False, "read data and graph, say what would be trained, train and write nothing")
    common.define(values, "seed", RunConfig.seed, "seed of everything that is drawn", low=0, high=2**31 - 1)
    for prefix, config in PARTS.values():
        common.define_fields(values, config, prefix)


def run_config(values: flags.FlagValues, workdir: pathlib.Path) -> RunConfig:
    """The configuration that the flags describe; if none of them is given, the one of the run in `workdir`."""
    names = {prefix + field for prefix, config in PARTS.values() for field in config.__dataclass_fields__} | {"seed"}
    there = (workdir / "config.json").exists()
    if there and not any(values[name].present for name in names):
        return RunConfig.load(workdir)
    parts = {name: common.read_fields(values, config, prefix) for name, (prefix, config) in PARTS.items()}
    described = RunConfig(**parts, seed=values.seed)
    if not there:  # the same command continues a run, whatever was accepted when it began
        described.check_read()
    return described


def main(values: flags.FlagValues) -> None:
    """Trains, or says what would be trained."""
    workdir = common.folder(values, "workdir")
    config = run_config(values, workdir)
    stages = tuple(values.stages.split(","))
    learnt = ("controller",) if SOURCES[config.data.dataset].labels_only else stages
    run = Run.create(workdir, config)  # a mistake is reported before TensorFlow is loaded
    budget.check_training(config, run.graph, learnt)
    if values.logical_devices and values.strategy != "mirrored":
        raise InputError(f"--logical_devices={values.logical_devices} needs --strategy=mirrored.")
    if values.strategy == "multi_worker":
        Cluster.of(os.environ)
    common.start_tensorflow()
    from causalgan_tf.training.check import check
    from causalgan_tf.training.stages import train

    devices = values.strategy, values.logical_devices, values.num_devices
    say = functools.partial(print, flush=True)
    if values.check:
        for line in check(config, workdir, stages, *devices):
            say(line)
        return
    train(config, workdir, stages, *devices, say)


def program() -> None:
    """The command causalgan-train."""
    common.run(declare, main, "the same command resumes", GROUPS)


if __name__ == "__main__":
    program()
