"""What a training would do: read as `train` reads, refused as `train` refuses, nothing trained and nothing written."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator

import numpy as np

from causalgan_tf.config import budget
from causalgan_tf.config.data import SOURCES
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import Dataset, ImageSet
from causalgan_tf.data.dataset import cell_sizes, label_cells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import listed
from causalgan_tf.inference.distribution import THIN
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.outputs import check_folder
from causalgan_tf.training import devices
from causalgan_tf.training.requirements import check_dataset, check_shares, check_stages, description

TENSORFLOW = 1_200_000_000  # bytes of TensorFlow with its compiled programs, as measured on processors
# seconds, measured on two processor cores without a GPU; see docs/results/labels.md and images.md
COMPILE = 20
LABEL_STEP, LABEL_ROW = 2.5e-4, 1.1e-7  # a step, and each row of each node in it
IMAGE_STEP = 0.09  # of 32 images of 32 x 32 pixels by networks of the default widths
GENERATOR_UPDATE = 0.7  # of the generator alone, in such steps
UNITS = ((3_600.0, "hours"), (60.0, "minutes"), (0.0, "seconds"))


def check(
    config: RunConfig,
    workdir: str | pathlib.Path,
    stages: tuple[str, ...],
    strategy: str = "default",
    logical_devices: int = 0,
    num_devices: int = 0,
) -> Iterator[str]:
    """What `train` of the same arguments would do, line by line.

    Image files are opened, and drawn images are not drawn. Data that are prepared or decoded already are read.

    Raises:
        InputError: as `train`.
    """
    stages = check_stages(stages, config)
    check_shares(config, stages, devices.check_devices(strategy, logical_devices, num_devices) or 1)
    run = Run.create(workdir, config)
    if "controller" not in stages:
        run.require("controller")
    if run.workdir.exists() or run.workdir.is_symlink():
        yield f"folder: {run.workdir}, {'goes on with the run there' if run.has('controller') else 'is there already'}"
    else:
        yield f"folder: {run.workdir}, would be made"
    check_folder(run.workdir)
    if _is_unprepared(run):
        budget.check_training(run.config, run.graph, stages)
        yield "CelebA's files are there; a training prepares them first. Rows are counted after that."
    else:
        drawn = SOURCES[config.data.dataset].drawn
        run, dataset = run.with_data(labels_only=drawn or stages == ("controller",), write=False)
        if drawn and "images" in stages:
            dataset = dataclasses.replace(dataset, train=_blank(config, dataset))
        budget.check_training(run.config, dataset.graph, stages)
        check_dataset(dataset, run.config, stages)
        yield from _data_lines(run, dataset)
    yield from _memory_lines(run, stages)
    yield from _stage_lines(run, stages)
    yield "Nothing was trained or written. Without --check the same command trains."


def _data_lines(run: Run, dataset: Dataset) -> Iterator[str]:
    """Rows, types of labels, cells, images."""
    graph, rows = dataset.graph, dataset.label_rows
    yield f"graph: {len(graph)} labels, {len(graph.edges)} edges"
    yield f"rows: {len(rows):,}" + (f", {dataset.dropped_rows:,} left out" if dataset.dropped_rows else "")
    drawn = SOURCES[run.config.data.dataset].drawn
    yield from (f"  {line}" for line in description(dataset, run, blank=drawn))
    yield from cell_lines(graph, rows)
    if dataset.train is not None:
        d = run.config.data
        source = "would be drawn" if drawn else f"of {d.image_dir or d.dataset}"
        yield f"images: {len(dataset.train):,} to train on, {d.image_size} x {d.image_size} x {d.channels}, {source}"


def cell_lines(graph: CausalGraph, rows: np.ndarray) -> Iterator[str]:
    r"""How many cells the labels have and how many of them hold few rows; continuous labels count as four bins.

    >>> rows = np.repeat([[0, 0], [1, 0], [1, 1]], [50, 50, 10], axis=0)
    >>> print(*cell_lines(CausalGraph.from_text("A -> B"), rows), sep="\n")
    cells of all labels: 2 of 4 hold 30 rows or more, 1 fewer, 1 none
    cells of a label's parents: 2 of 2 hold 30 rows or more, 0 fewer, 0 none
    """
    sizes = dict(zip(graph.nodes, cell_sizes(graph), strict=True))
    count = math.prod(sizes.values())
    if count < 2**63:
        enough, observed = _counted(graph, rows, graph.nodes)
        yield f"cells of all labels: {_share(count, enough, observed)}"
    else:
        yield f"cells of all labels: 2**{math.log2(count):.0f}"
    total, thin = np.zeros(3, object), []
    for node, parents in graph.parents.items():
        own = math.prod(sizes[parent] for parent in parents)
        if parents and own < 2**63:
            enough, observed = _counted(graph, rows, parents)
            total += [own, enough, observed]
            thin += [node] if enough < own else []
    if total[0]:
        yield f"cells of a label's parents: {_share(*total)}"
    if thin:
        yield f"  few rows tell how these follow their parents: {listed(thin, 200)}"


def _counted(graph: CausalGraph, rows: np.ndarray, nodes: tuple[str, ...]) -> tuple[int, int]:
    """Cells of some labels that hold THIN rows or more, and cells that hold any."""
    some = CausalGraph(dict.fromkeys(nodes, ()), {node: graph.variables[node] for node in nodes})
    columns = rows[:, [graph.index(node) for node in nodes]]
    _, observed = np.unique(label_cells(some, columns), return_counts=True)
    return int((observed >= THIN).sum()), len(observed)


def _share(count: int, enough: int, observed: int) -> str:
    return f"{enough:,} of {count:,} hold {THIN} rows or more, {observed - enough:,} fewer, {count - observed:,} none"


def _memory_lines(run: Run, stages: tuple[str, ...]) -> Iterator[str]:
    parts = {"TensorFlow": TENSORFLOW}
    if SOURCES[run.config.data.dataset].drawn and "images" in stages:
        parts["data"] = budget.data_memory(run.config.data)
    if "controller" in stages:
        parts["label networks"] = budget.label_memory(run.config, run.graph)
    if "images" in stages:
        parts["image networks"] = budget.image_memory(run.config, run.graph)
    told = ", ".join(f"{name} {budget.readable(size)}" for name, size in parts.items())
    total = budget.readable(sum(parts.values()))
    yield f"memory: about {total} at least ({told}); this machine has {budget.readable(budget.machine())}"


def _stage_lines(run: Run, stages: tuple[str, ...]) -> Iterator[str]:
    """What each stage would train, and roughly how long."""
    c = run.config
    steps = {"controller": c.controller.steps, "images": c.image.steps}
    for stage in stages:
        path = run.checkpoints(stage)
        done = int(path.rpartition("-")[2]) if path else 0
        left = max(0, steps[stage] - done)
        seconds = left * _seconds(run, stage) + COMPILE
        before = f" of {steps[stage]:,}" if done else ""
        time = f"about {readable_time(seconds)}" if left else "no time"
        yield f"{stage}: {left:,} steps{before} would be trained, {time}"
    yield (
        "time: an estimate from rates that were measured on two processor cores without a GPU; another machine, or "
        "one that others use, may take a third or three times as long"
    )


def _seconds(run: Run, stage: str) -> float:
    """Of a step, on the machine on which it was measured."""
    c, i = run.config.controller, run.config.image
    if stage == "controller":
        return LABEL_STEP + LABEL_ROW * c.batch_size * (1 + c.critic_steps) * len(run.graph)
    default = type(i)()
    widths = [one.width + one.discriminator_width + one.labeler_width for one in (i, default)]
    updates = 1.0 + GENERATOR_UPDATE * (getattr(run.config.image_part, "generator_steps", 1) - 1)
    return IMAGE_STEP * updates * i.batch_size / 32 * (run.config.data.image_size / 32) ** 2 * widths[0] / widths[1]


def readable_time(seconds: float) -> str:
    """Seconds in words, to two digits.

    >>> readable_time(90), readable_time(9_000)
    ('1.5 minutes', '2.5 hours')
    """
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= 1.5 * size or not size)
    number = seconds / (size or 1.0)
    return f"{number:.0f} {unit}" if number >= 10 else f"{number:.2g} {unit}"


def _blank(config: RunConfig, dataset: Dataset) -> ImageSet:
    """As many images as would be drawn, of which nobody looks at one."""
    d, shape = config.data, dataset.label_rows.shape[1:]
    images = np.broadcast_to(np.uint8(0), (d.train_images, d.image_size, d.image_size, d.channels))
    return ImageSet(images, np.broadcast_to(np.uint8(0), (d.train_images, *shape)))


def _is_unprepared(run: Run) -> bool:
    """Whether the data are CelebA's and are not prepared yet."""
    if run.config.data.dataset != "celeb_a":
        return False
    from causalgan_tf.data import celeb_a

    return not celeb_a.is_prepared(run.config.data, run.graph)
