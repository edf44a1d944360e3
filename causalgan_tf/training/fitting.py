"""A causal controller that is trained on a table in memory, with no run folder."""

import contextlib
import pathlib
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.config import budget
from causalgan_tf.config.controller import OBJECTIVES, ControllerConfig
from causalgan_tf.config.data import DataConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import Dataset
from causalgan_tf.data.do_rows import split
from causalgan_tf.data.tables import LabelTable, table_from_frame
from causalgan_tf.evaluation.label_limits import label_limits
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.learners.learner import Learner
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.runs.run_graph import RunGraph
from causalgan_tf.training import callbacks
from causalgan_tf.training.builders import build_controller
from causalgan_tf.training.requirements import check_dataset


def fit_labels(
    table: pd.DataFrame | LabelTable,
    graph: CausalGraph | str,
    config: ControllerConfig | None = None,
    seed: int = 0,
    progress: bool = True,
    interventions: str = "",
    drop_missing: bool = False,
) -> CausalModel:
    """Trains a causal controller on a table in memory; nothing is written.

    Args:
        table: a row a unit, a column a node, of any type; or what data.tables.read_labels returned.
        graph: the causal graph over some of its columns, or what causalgan_tf.load_graph reads.
        config: the controller and its optimisation; None: the defaults.
        seed: of weights, noise and the choice of rows.
        progress: whether a bar shows steps, speed and losses.
        interventions: the column that names the nodes set in each row, "Smokes" or "Smokes;Age", an empty cell none; on
            these rows their mechanisms are not fitted.
        drop_missing: leave out the rows of a data frame that miss a value of a node.

    Returns:
        The model of the labels.

    Raises:
        InputError: a table that does not fit the graph, fewer rows than a batch, or losses that are not finite.

    Examples:
        >>> frame = pd.DataFrame({"Old": [0, 0, 0, 1] * 500, "Smokes": [0, 1, 1, 0] * 500})
        >>> model = fit_labels(frame, "Old -> Smokes", ControllerConfig(steps=200), progress=False)
        >>> model.sample(2, do={"Smokes": 1}).labels["Smokes"].tolist()
        [1, 1]
        >>> model.warnings  # nowhere does it rest on few rows
        ()
    """
    graph = graph if isinstance(graph, CausalGraph) else load_graph(graph)
    if not isinstance(table, LabelTable):
        table = table_from_frame(table, graph, drop_missing, interventions)
    run, dataset = in_memory(table, graph, config, seed)
    learner = build_controller(run, table.graph, dataset.label_rows, dataset.do_rows)
    record = trained_record(
        learner, LabelSampler(learner.averaged), run, RunGraph(table.graph, graph), dataset.label_rows, progress
    )
    return CausalModel(table.graph, learner.averaged, record=record)


def in_memory(
    table: LabelTable, graph: CausalGraph, config: ControllerConfig | None, seed: int
) -> tuple[RunConfig, Dataset]:
    """The configuration and the data set of a controller that is trained on a table in memory, both checked.

    Raises:
        InputError: as `fit_labels`.
    """
    source = DataConfig(dataset="table", graph=graph.to_text(), labels_file="a data frame in memory")
    run = RunConfig(source, controller=config or ControllerConfig(), seed=seed)
    rows, do_rows = split(table.rows.to_numpy(), table.held)
    dataset = Dataset(graph=table.graph, label_rows=rows, do_rows=do_rows)
    budget.check_labels(run, table.graph)
    check_dataset(dataset, run, ("controller",))
    return run, dataset


def trained_record(
    learner: Learner,
    sampler: LabelSampler,
    run: RunConfig,
    graph: RunGraph,
    rows: np.ndarray,
    progress: bool = False,
) -> dict[str, Any]:
    """Trains a controller to its last step, and tells what a model of it says of itself.

    Args:
        learner: of the configured objective.
        sampler: of its averaged mechanisms.
        run: the configuration.
        graph: what was asked for and its labels' types.
        rows: [N, K] without interventions, by which the model knows where it rests on few.
        progress: whether a bar shows steps, speed and losses.
    """
    c, done = run.controller, learner.steps_done
    bar = callbacks.Progress(done, c.steps, OBJECTIVES[c.objective].title, progress)
    if c.steps:
        with contextlib.closing(bar):
            learner.advance(c.steps, callbacks=[callbacks.Finite(done), bar])
    limits = label_limits(sampler, rows, run.seed)
    return Run(pathlib.Path(), run, graph).record | {"limits": limits.to_json()}
