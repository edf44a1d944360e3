"""What a training needs of its configuration and its data, checked before it starts."""

import math
from collections.abc import Iterator

import numpy as np

from causalgan_tf.config.controller import OBJECTIVES
from causalgan_tf.config.data import SOURCES
from causalgan_tf.config.image import GanConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import Dataset
from causalgan_tf.data.dataset import cell_sizes, training_cells
from causalgan_tf.data.table_columns import describe
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.sizes import FEWEST_TEST
from causalgan_tf.graphs.cells import MAX_CELLS, ObservedCells, added_up, enumerable, histogram
from causalgan_tf.graphs.fit import quick_fit
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import listed, written
from causalgan_tf.graphs.variables import Binary
from causalgan_tf.metrics.tvd import sampling_floor
from causalgan_tf.runs import run_folder
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.training import devices

DESCRIBED = 40  # labels; of more, those that have nothing to tell are not described


def check_shares(config: RunConfig, stages: tuple[str, ...], replicas: int) -> None:
    """InputError for a global batch that replicas cannot share, or of whose parts R1 would take other rows.

    >>> check_shares(RunConfig(gan=GanConfig(r1_every=12)), ("images",), replicas=2)
    Traceback (most recent call last):
    causalgan_tf.errors.InputError: --image_r1_every=12 ... 2 replicas have 16 images each. ... --image_r1_every=4.
    """
    if "controller" in stages:
        devices.rows_per_replica(config.controller.batch_size, replicas, "controller_batch_size")
    if "images" not in stages:
        return
    rows, part = devices.rows_per_replica(config.image.batch_size, replicas, "image_batch_size"), config.image_part
    if replicas > 1 and isinstance(part, GanConfig) and part.r1_weight and rows % part.r1_every:
        raise InputError(
            f"--image_r1_every={part.r1_every} takes one in so many images of a batch, and {replicas} replicas have "
            f"{rows} images each. Expected a divisor of {rows}: --image_r1_every={math.gcd(rows, part.r1_every)}."
        )


def check_stages(stages: tuple[str, ...], config: RunConfig) -> tuple[str, ...]:
    """The stages in their order; InputError for an unknown one, or for images of a table."""
    unknown = sorted(set(stages) - set(run_folder.STAGES))
    if unknown or not stages:
        raise InputError(
            f"stages: expected some of {','.join(run_folder.STAGES)}; got {unknown[0] if unknown else 'none'!r}."
        )
    if SOURCES[config.data.dataset].labels_only:
        if "controller" not in stages:
            raise InputError(
                f"--stages=images: dataset={config.data.dataset} has labels only. Expected --stages=controller."
            )
        return ("controller",)
    return tuple(stage for stage in run_folder.STAGES if stage in stages)


def check_dataset(dataset: Dataset, config: RunConfig, stages: tuple[str, ...]) -> None:
    """Checks that every stage can fill its batches and reach its target; InputError names the flag to change."""
    rows, batch = len(dataset.label_rows), config.controller.batch_size
    if "controller" in stages and rows < 2:
        raise InputError(f"The label table has {rows} row{'s' * (rows != 1)}: nothing varies. Bring more rows.")
    if "controller" in stages and rows < batch and not OBJECTIVES[config.controller.objective].few_rows:
        raise InputError(
            f"The label table has {rows} rows, fewer than one batch of {batch}. "
            f"Lower --controller_batch_size to {rows} or less, or bring more rows."
        )
    if "controller" in stages and dataset.do_rows and not OBJECTIVES[config.controller.objective].do_rows:
        raise InputError(
            f"--controller_objective={config.controller.objective} learns from observed rows alone. Leave "
            "--interventions out, or use --controller_objective=likelihood."
        )
    if "controller" in stages:
        check_target(dataset, config.controller.tvd_target)
    if "images" in stages:
        check_image_labels(dataset.graph, config)
    if "images" in stages and (dataset.train is None or len(dataset.train) < config.image.batch_size):
        images = 0 if dataset.train is None else len(dataset.train)
        raise InputError(
            f"There are {images} training images, fewer than one batch of {config.image.batch_size}. "
            "Lower --image_batch_size, or bring more images."
        )


def check_image_labels(graph: CausalGraph, config: RunConfig) -> None:
    """InputError for labels that the image model cannot be trained on."""
    count = math.prod(cell_sizes(graph))
    if count >= 2**63:
        raise InputError(
            f"The {len(graph)} labels have 2**{math.log2(count):.0f} cells: expected fewer than 2**63 where images are "
            "trained. Leave labels out of the graph, or train labels alone: --stages=controller."
        )
    config.image_model.check_graph(config, graph)


def description(dataset: Dataset, run: Run, blank: bool = False) -> Iterator[str]:
    """What is learnt, a line a label; of more than DESCRIBED labels only those that are not binary or never change.

    Of `blank` training images, which are not drawn yet, the labels are not known.
    """
    declared = run.kept.declared.declared if SOURCES[run.config.data.dataset].infers_types else None
    rows, variables = dataset.label_rows, dataset.graph.variables
    for k, (node, line) in enumerate(zip(variables, describe(dataset.graph, rows, declared), strict=True)):
        plain = isinstance(variables[node], Binary) and rows[:, k].min() < rows[:, k].max()
        if len(variables) <= DESCRIBED or not plain:
            yield line
    if dataset.do_rows:
        held = {node: int(count) for node, count in zip(variables, dataset.do_rows.held.sum(0), strict=True) if count}
        told = listed((f"{written(node)} on {count:,}" for node, count in held.items()), 200)
        yield f"{len(dataset.do_rows.labels):,} further rows with interventions: {told}"
    if dataset.dropped_rows:
        yield f"{dataset.dropped_rows:,} rows left out, for they miss a value; {len(rows):,} remain"
    yield from fit_line(dataset.graph, rows)
    held_out = run.config.data.test_images if blank else len(dataset.test or ())
    if dataset.train is not None and held_out < FEWEST_TEST:
        few = f"too few for causalgan-evaluate, which needs {FEWEST_TEST} (--test_images)"
        yield f"images: {held_out} are held out, {few}"
    part = run.config.image_part
    if isinstance(part, GanConfig) and part.additivity and run.config.image.leaves_out_unseen and not blank:
        yield from unseen_line(training_cells(dataset))


def unseen_line(cells: ObservedCells | None) -> Iterator[str]:
    """How many label cells have images, and what is asked of the others; nothing where they cannot be numbered.

    >>> rows = np.array([[0, 0], [1, 0], [1, 1]])
    >>> print(*unseen_line(ObservedCells((2, 2), (np.zeros(0),) * 2, np.array([0, 1, 3]), rows)))
    images: 3 of 4 label cells have some; of the others 1 is drawn towards what those add up to
    """
    if cells is None:
        return
    seen, count = len(cells.codes), math.prod(cells.sizes)
    if seen == count:
        yield f"images: all {count:,} label cells have some; --image_additivity has nothing to do"
        return
    if count <= MAX_CELLS:
        sums = added_up(cells)
        which = f"of the others {sums or 'none':{',' if sums else ''}} {'is' if sums < 2 else 'are'}"
    else:
        which = "others are, where there is such a sum,"
    yield f"images: {seen:,} of {count:,} label cells have some; {which} drawn towards what those add up to"


def fit_line(graph: CausalGraph, rows: np.ndarray) -> Iterator[str]:
    """Whether rows contradict the graph; nothing where the graph implies nothing or the tests take over a second.

    >>> print(*fit_line(CausalGraph.from_text("A; B"), np.array([[0, 0], [1, 1]] * 50)))
    graph: 1 of 1 implied independences is violated (A -> B would buy 0.69 nats a row); causalgan-graph tells more
    """
    fit = quick_fit(graph, rows)
    if not fit or not fit.tests:
        return
    if not fit.violated:
        yield f"graph: none of {len(fit.tests)} implied independences is violated"
        return
    worst, count = fit.violated[0], len(fit.violated)
    yield (
        f"graph: {count} of {len(fit.tests)} implied independences {'is' if count == 1 else 'are'} violated "
        f"({written(worst.x)} -> {written(worst.y)} would buy {worst.nats_per_row:.2g} nats a row); "
        "causalgan-graph tells more"
    )


def check_target(dataset: Dataset, target: float, draws: int = 500_000) -> None:
    """InputError if a TVD target lies below what a perfect controller's draws would show."""
    if not target:
        return
    if not enumerable(dataset.graph):
        raise InputError(
            f"--controller_tvd_target={target}: the TVD is measured over the cells of discrete labels, at most "
            f"{MAX_CELLS:,}; this graph has other labels or more cells. Leave the target out."
        )
    floor = sampling_floor(histogram(dataset.label_rows, dataset.graph.sizes), draws)
    if target < floor:
        raise InputError(
            f"--controller_tvd_target={target} lies below the sampling floor {floor:.4f} of {draws:,} draws: "
            "a perfect controller would not reach it. Raise the target."
        )
