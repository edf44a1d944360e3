"""What training on many GPUs and drawing on many machines cost: counted steps, and a model of what connects them.

    python -m tools.scaling

Floating-point operations and all-reduced bytes are counted in the graphs of the training steps themselves. How long a
step takes, and how long an all-reduce, are assumptions: the constants below, each with its unit. Writes
tools/benchmarks/results/scaling_*.csv, which docs/scaling.md shows and talks about; it takes minutes and no GPU.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from absl import flags

from causalgan_tf.cli import common, train
from causalgan_tf.config.run import RunConfig
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.learners.learner import Learner
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.training import builders

RESULTS = pathlib.Path(__file__).parent / "benchmarks" / "results"
COMMAND = "python -m tools.scaling"
MODELS = {  # flags of each
    "faces, 32 x 32": ["--flagfile=flags/faces.flags"],
    "faces, 64 x 64": ["--flagfile=flags/faces64.flags"],
    "faces, 128 x 128": ["--flagfile=flags/faces128.flags"],
    "CelebA, 64 x 64": ["--flagfile=flags/celeba.flags"],
    "CelebA, 128 x 128": [
        "--flagfile=flags/celeba.flags",
        "--image_size=128",
        "--image_blocks=residual",
        "--image_labeler_noise=0.6",
        "--image_labeler_size=32",
    ],
}

# Milliseconds of a step on one H100 at the preset's batch, by names of MODELS. ASSUMED where a name is missing: then
# every operation of the step costs LAUNCH, and the counted products run at RATE.
MEASURED_MS: dict[str, float] = {}
LAUNCH = 3e-6  # seconds of one operation, whatever its size: its launch, and for small ones all of it
RATE = 15e12  # FLOP/s of these convolutions on an H100: a thirtieth of its TF32 peak of 495e12

GPUS_A_NODE = 8
NVLINK = 300e9  # bytes/s of a ring inside a node; NCCL reaches two thirds of 450e9
NETWORKS = {"100 Gb/s": 12.5e9, "400 Gb/s": 50e9}  # bytes/s out of a node
HOP_INSIDE, HOP_BETWEEN = 3e-6, 8e-6  # seconds of one hop of a tree, in a node and between nodes

GPU_HOUR, CORE_HOUR, TB_MONTH = 3.0, 0.05, 23.0  # dollars: an H100, a processor core, a terabyte of object storage
GPUS = (8, 64, 512)
FIXED = 512  # rows of the global batch of which more and more GPUs share
ROWS = 1_000_000_000  # of the large draw
IGNORED = {"Const", "Identity", "NoOp", "ReadVariableOp", "Placeholder", "Shape", "StridedSlice", "Pack", "Reshape"}


@dataclasses.dataclass(frozen=True)
class Step:
    """A training step as it was counted.

    Attributes:
        name: of the model.
        batch: rows of the global batch.
        steps: of the preset's training.
        parameters: trained numbers of each player.
        flop: floating-point operations of its matrix products and convolutions.
        operations: operations that do any work.
        statistics: numbers that each all-reduce beside the gradients' exchanges.
    """

    name: str
    batch: int
    steps: int
    parameters: dict[str, int]
    flop: float
    operations: int
    statistics: tuple[int, ...]

    @property
    def exchanged(self) -> list[int]:
        """Bytes of each all-reduce of a step: a gradient a player in one vector, then the statistics, float32."""
        return [4 * count for count in (*self.parameters.values(), *self.statistics)]

    def seconds(self, rows: float) -> float:
        """Seconds of a step with so many rows on one GPU."""
        launches = LAUNCH * self.operations
        whole = MEASURED_MS.get(self.name, 1e3 * (launches + self.flop / RATE)) / 1e3
        fixed = min(launches, whole)
        return fixed + (whole - fixed) * rows / self.batch

    def waiting(self, gpus: int, network: float) -> float:
        """Seconds that a step waits for `gpus` to exchange all of it; nothing overlaps with computing."""
        return sum(all_reduce(size, gpus, network) for size in self.exchanged)

    def weak(self, gpus: int, network: float) -> float:
        """Share of the GPUs' time that computes, the preset's batch on each."""
        alone = self.seconds(self.batch)
        return alone / (alone + self.waiting(gpus, network))

    def strong(self, gpus: int, network: float, rows: int) -> float:
        """How many times faster GPUs that share a global batch of so many rows are than one of them."""
        return self.seconds(rows) / (self.seconds(rows / gpus) + self.waiting(gpus, network))


def all_reduce(size: float, gpus: int, network: float) -> float:
    """Seconds to sum `size` bytes over GPUs: a ring in each node, and one between nodes at `network` bytes/s.

    A ring moves 2 (N - 1) / N of the bytes through each link. Latency is that of a tree, 2 log2(N) hops.

    >>> all_reduce(1e9, 1, 50e9)
    0.0
    """
    total = 0.0
    inside, nodes = min(gpus, GPUS_A_NODE), math.ceil(gpus / GPUS_A_NODE)
    for n, bandwidth, hop in ((inside, NVLINK, HOP_INSIDE), (nodes, network, HOP_BETWEEN)):
        total += 2 * (n - 1) / n * size / bandwidth + 2 * math.ceil(math.log2(n)) * hop
    return total


def operations_of(graph: tf.Graph) -> Iterator[tf.Operation]:
    """The operations that a function's graph runs, and those of the functions that it calls.

    What nothing asks for is traced, too, and never run. ValueError for a loop, whose length a graph does not say.
    """
    waiting = [output.op for output in graph.outputs] + list(graph.control_outputs)
    seen = set()
    while waiting:
        operation = waiting.pop()
        if operation in seen:
            continue
        seen.add(operation)
        waiting += [value.op for value in operation.inputs] + list(operation.control_inputs)
        if "While" in operation.type:
            raise ValueError(f"{operation.name}: a loop, which cannot be counted.")
        if "PartitionedCall" in operation.type:
            yield from operations_of(graph._get_function(operation.node_def.attr["f"].func.name).graph)
        else:
            yield operation


def flop(operation: tf.Operation) -> float:
    """Floating-point operations, two a product, of a matrix product or a convolution; 0 of all others.

    What is not counted is bound by memory: activations, normalisation, optimizers.
    """
    inputs, output = operation.inputs, operation.outputs[0].shape if operation.outputs else None
    if operation.type in ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        flipped = any(operation.node_def.attr[name].b for name in ("transpose_a", "adj_x"))
        return 2.0 * math.prod(output) * inputs[0].shape[-2 if flipped else -1]
    if operation.type == "Conv2D":
        return 2.0 * math.prod(output) * math.prod(inputs[1].shape[:3])
    if operation.type == "Conv2DBackpropInput":
        return 2.0 * math.prod(inputs[2].shape) * math.prod(inputs[1].shape[:3])
    if operation.type == "Conv2DBackpropFilter":
        return 2.0 * math.prod(inputs[2].shape) * math.prod(output[:3])
    if operation.type in ("Einsum", "XlaEinsum", "Conv3D", "DepthwiseConv2dNative", "If", "StatelessIf"):
        raise ValueError(f"{operation.name}: products of type {operation.type} are not counted.")
    return 0.0


def counted(function: Callable, *arguments: Any) -> tuple[float, int]:
    """Floating-point operations of a function of tensors, and how many operations do any work."""
    graph = tf.function(function, autograph=False).get_concrete_function(*arguments).graph
    found = list(operations_of(graph))
    return sum(map(flop, found)), sum(operation.type not in IGNORED for operation in found)


def network_flop(network: keras.Model, rows: int) -> tuple[float, float]:
    """Floating-point operations of a network for one row: forward; and forward and backward, in weights and inputs."""
    inputs = [tf.TensorSpec([rows, *value.shape[1:]]) for value in network.inputs]

    def both(*values: tf.Tensor) -> list:
        with tf.GradientTape() as tape:
            tape.watch(values)
            output = network(list(values) if len(values) > 1 else values[0], training=True)
        return [output, *tape.gradient(output, [*network.trainable_variables, *values])]

    forward = counted(lambda *values: network(list(values) if len(values) > 1 else values[0]), *inputs)[0]
    return forward / rows, counted(both, *inputs)[0] / rows


def configuration(arguments: Sequence[str]) -> RunConfig:
    """The configuration of a training's flags."""
    values = flags.FlagValues()
    train.declare(values)
    common.parse(["train", *arguments], values)
    return train.run_config(values, pathlib.Path("/no/such/folder"))


def image_learner(config: RunConfig) -> Learner:
    """An untrained learner of images; its labels are drawn as zeros, which costs nothing."""
    graph = load_graph(config.data.graph)
    codec = LabelCodec(graph.variables.values())
    return builders.build_images(config, graph, lambda seeds: tf.zeros([tf.shape(seeds)[0], len(graph)]), codec)


def controller(config: RunConfig) -> tuple[Learner, int]:
    """An untrained learner of labels, of rows that show every value, and how many rows a step takes."""
    graph = load_graph(config.data.graph)
    learner = builders.build_controller(config, graph, np.random.default_rng(0).integers(0, 2, [20_000, len(graph)]))
    return learner, learner.batch_size


def batch_specs(config: RunConfig, rows: int) -> dict[str, tf.TensorSpec]:
    """What an image learner's step takes."""
    d, labels = config.data, len(load_graph(config.data.graph))
    image, label = tf.TensorSpec([rows, d.image_size, d.image_size, d.channels]), tf.TensorSpec([rows, labels])
    return {"image": image, "labels": label, "labeler_image": image, "labeler_labels": label}


def exchanges(config: RunConfig) -> tuple[int, ...]:
    """Numbers in each all-reduce of an image learner's step beside its gradients', on two replicas.

    Batch norm and the discriminator's deviation exchange moments, forward and backward. Each is counted where it is
    traced.
    """
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        learner = image_learner(config)
    found, original = [], tf.distribute.ReplicaContext.all_reduce

    def recorded(context: Any, how: Any, value: Any, *rest: Any, **options: Any) -> Any:
        if context._replica_id_in_sync_group == 0:
            found.append(sum(math.prod(part.shape) for part in tf.nest.flatten(value)))
        return original(context, how, value, *rest, **options)

    rows = config.image.batch_size
    with mock.patch.object(tf.distribute.ReplicaContext, "all_reduce", recorded):
        tf.function(lambda data: learner.per_replica(learner.train_step, data), autograph=False).get_concrete_function(
            batch_specs(config, rows // 2)
        )
    gradients = {trained(player) for player in learner.players.values()}
    return tuple(count for count in found if count not in gradients)


def trained(network: Any) -> int:
    """How many numbers of a network are trained."""
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def image_step(name: str, config: RunConfig) -> tuple[Step, Learner]:
    """The counted step of an image learner, and the learner."""
    learner, rows = image_learner(config), config.image.batch_size
    work, operations = counted(learner.train_step, batch_specs(config, rows))
    parameters = {player: trained(network) for player, network in learner.players.items()}
    return Step(name, rows, config.image.steps, parameters, work, operations, exchanges(config)), learner


def controller_step(name: str, config: RunConfig) -> Step:
    """The counted step of a controller, whose players are one vector each."""
    learner, rows = controller(config)
    work, operations = counted(learner.train_step, tf.TensorSpec([], tf.int32))
    parameters = {player: int(network.vector.shape[0]) for player, network in learner.players.items()}
    return Step(name, rows, config.controller.steps, parameters, work, operations, ())


def network_rows(step: Step, players: dict[str, Any], measure: bool = True) -> Iterator[dict[str, str]]:
    """The table of networks: a row a player."""
    for name, network in players.items():
        forward, both = network_flop(network, step.batch) if measure else (0.0, 0.0)
        yield {
            "model": step.name,
            "network": name.replace("_", "-"),
            "parameters": f"{step.parameters[name]:,}",
            "gradient, bytes": f"{4 * step.parameters[name]:,}",
            "forward, MFLOP a row": figure(forward / 1e6) if measure else "",
            "forward and backward": figure(both / 1e6) if measure else "",
        }


def step_row(step: Step) -> dict[str, str]:
    """The table of steps: one row."""
    alone = step.seconds(step.batch)
    return {
        "model": step.name,
        "batch": f"{step.batch:,}",
        "GFLOP a step": figure(step.flop / 1e9),
        "MFLOP a row": figure(step.flop / step.batch / 1e6),
        "operations": f"{step.operations:,}",
        "gradients, MB": figure(4e-6 * sum(step.parameters.values())),
        "statistics": f"{len(step.statistics)} times, {4e-3 * sum(step.statistics):,.0f} kB",
        "one H100, ms": f"{figure(1e3 * alone)} ({'measured' if step.name in MEASURED_MS else 'assumed'})",
        "rows/s": figure(step.batch / alone),
    }


def gpu_rows(step: Step) -> Iterator[dict[str, str]]:
    """The table of efficiencies: a row a number of GPUs."""
    for gpus in GPUS:
        row = {"model": step.name, "GPUs": f"{gpus:,}", "global batch": f"{step.batch * gpus:,}"}
        row |= {f"efficiency, {name}": figure(step.weak(gpus, speed), 2) for name, speed in NETWORKS.items()}
        fast = max(NETWORKS.values())
        row["rows/s"] = figure(gpus * step.weak(gpus, fast) * step.batch / step.seconds(step.batch))
        yield row | {f"speed-up at batch {FIXED}": figure(step.strong(gpus, fast, FIXED), 2)}


def figure(value: float, digits: int = 3) -> str:
    """A number above 0 of so many digits, as the documentation writes it.

    >>> figure(12_345.6), figure(0.000291), figure(9.96, 2)
    ('12,300', '.000291', '10')
    """
    return f"{float(f'{value:.{digits}g}'):,.12f}".rstrip("0").rstrip(".").removeprefix("0")


def celeba_rows(step: Step) -> Iterator[dict[str, str]]:
    """The table of CelebA's trainings: as many images as the preset's, or as many steps, on a growing global batch."""
    for gpus in (1, *GPUS[:2]):
        seconds = step.seconds(step.batch) + step.waiting(gpus, max(NETWORKS.values()))
        few, many = (steps * seconds / 3600 for steps in (step.steps / gpus, step.steps))
        yield {
            "model": step.name,
            "GPUs": f"{gpus}",
            "global batch": f"{step.batch * gpus:,}",
            "steps, as many images": f"{step.steps / gpus:,.0f}",
            "hours": figure(few, 2),
            "dollars": figure(few * gpus * GPU_HOUR, 2),
            "as many steps, hours": figure(many, 2),
            "as many steps, dollars": figure(many * gpus * GPU_HOUR, 2),
        }


def sample_rows(measured: pd.DataFrame, flops: dict[str, float]) -> Iterator[dict[str, str]]:
    """The table of a billion rows, of rows/s of a core and bytes a row as results/at_scale.csv has them.

    Args:
        measured: that table.
        flops: floating-point operations of one image, by model; the first is the measured one.
    """
    told = measured.set_index("quantity")[["rows/s of a core", "bytes a row"]].map(
        lambda text: float(text.replace(",", ""))
    )
    speed, size = told.loc["labels, 1 worker"]
    yield sample_row("labels, faces", speed, size, "measured")
    speed, size = told.loc["images, 1 worker"]
    first = next(iter(flops.values()))
    side = _side(next(iter(flops)))
    for name, work in flops.items():
        how = "measured" if work is first else "by FLOP and pixels"
        yield sample_row(name, speed * first / work, size * (_side(name) / side) ** 2, how)


def sample_row(name: str, speed: float, size: float, how: str) -> dict[str, str]:
    """A billion rows at so many rows/s of a core, of so many bytes each."""
    hours, terabytes = ROWS / speed / 3600, ROWS * size / 1e12
    return {
        "rows": name,
        "rows/s of a core": f"{figure(speed)} ({how})",
        "core hours": figure(hours),
        "dollars": figure(hours * CORE_HOUR, 2),
        "hours on 1,000 cores": figure(hours / 1000, 2),
        "terabytes": figure(terabytes, 2),
        "dollars a month": figure(terabytes * TB_MONTH, 2),
    }


def _side(name: str) -> int:
    return int(name.rpartition(" ")[2])


def write(name: str, rows: Sequence[dict[str, str]]) -> None:
    """Writes a table of results."""
    pd.DataFrame(rows).assign(command=COMMAND).to_csv(RESULTS / f"scaling_{name}.csv", index=False)


def main() -> None:
    """Counts, and writes the tables."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    config = configuration(MODELS["faces, 32 x 32"])
    labels = controller_step("labels of the faces", config)
    networks, steps, flops = [*network_rows(labels, {"generator": None}, measure=False)], [labels], {}
    networks[0]["network"] = "mechanisms"
    for name, arguments in MODELS.items():
        step, learner = image_step(name, configuration(arguments))
        steps.append(step)
        networks += network_rows(step, learner.players)
        flops[name] = network_flop(learner.players["generator"], step.batch)[0]
        print(name, flush=True)
    write("networks", networks)
    # a controller's loop is one program of XLA: its operations are not launched one by one
    write("steps", [step_row(labels) | {"one H100, ms": "", "rows/s": ""}, *map(step_row, steps[1:])])
    write("gpus", [row for step in steps[1:] for row in gpu_rows(step)])
    write("celeba", [row for step in steps if "CelebA" in step.name for row in celeba_rows(step)])
    write("samples", list(sample_rows(pd.read_csv(RESULTS / "at_scale.csv"), flops)))


if __name__ == "__main__":
    main()
