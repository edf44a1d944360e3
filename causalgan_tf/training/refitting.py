"""Models refitted on resampled rows: what a table leaves open (the bootstrap of Efron, 1979)."""

import dataclasses

import numpy as np
import pandas as pd
from tqdm import tqdm

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data.do_rows import split
from causalgan_tf.data.tables import LabelTable, table_from_frame
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.arguments import whole
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.runs.run_folder import build_mechanisms
from causalgan_tf.runs.run_graph import RunGraph
from causalgan_tf.training.builders import build_controller
from causalgan_tf.training.fitting import in_memory, trained_record


def refitted(
    table: pd.DataFrame | LabelTable,
    graph: CausalGraph | str,
    count: int,
    config: ControllerConfig | None = None,
    seed: int = 0,
    progress: bool = True,
    interventions: str = "",
    drop_missing: bool = False,
) -> list[CausalModel]:
    """Models of a table's rows drawn with replacement, for CausalModel.effect(bootstrap=...).

    Args:
        table: as in `fit_labels`.
        graph: as in `fit_labels`.
        count: models, at least 2; 20 tell an interval, 200 its ends.
        config: as in `fit_labels`.
        seed: of the rows that are drawn; each model has weights of its own too.
        progress: whether a bar counts the models.
        interventions: as in `fit_labels`.
        drop_missing: as in `fit_labels`.

    Raises:
        InputError: as `fit_labels`, or a count below 2.

    Examples:
        >>> frame = pd.DataFrame({"Old": [0, 0, 0, 1] * 50, "Smokes": [0, 1, 1, 0] * 50})
        >>> models = refitted(frame, "Old -> Smokes", 2, ControllerConfig(steps=100), progress=False)
        >>> len(model.effect("Smokes", "Old", bootstrap=models).refitted)
        2
    """
    count = whole("count", count, 2)
    declared = load_graph(graph) if isinstance(graph, str) else graph
    if not isinstance(table, LabelTable):
        table = table_from_frame(table, declared, drop_missing, interventions)
    run, dataset = in_memory(table, declared, config, seed)
    kept = RunGraph(table.graph, declared)
    # each with seeds of its own: those of neighbouring seeds are not the same models
    runs = [dataclasses.replace(run, seed=derived_seed(seed, f"refitted {number}")) for number in range(count)]
    runs = tqdm(runs, desc="Refitting", disable=not progress)
    if run.controller.objective != "likelihood":
        return [_fitted_anew(table, own, kept) for own in runs]
    # what is compiled serves all models
    learner = build_controller(run, table.graph, dataset.label_rows, dataset.do_rows)
    sampler, models = LabelSampler(learner.averaged), []
    for own in runs:
        drawn = _drawn(len(dataset.label_rows), len(learner.table), own.seed)
        mechanisms = build_mechanisms(own, table.graph)
        learner.restart(mechanisms.vector, drawn, own.seed)
        observed = learner.table[drawn[: len(dataset.label_rows)]]
        record = trained_record(learner, sampler, own, kept, observed)
        mechanisms.vector.assign(learner.averaged.vector)
        models.append(CausalModel(table.graph, mechanisms, record=record))
    return models


def _drawn(observed: int, rows: int, seed: int) -> np.ndarray:
    """Numbers of rows drawn with replacement, [rows]: the first from the observed rows, the others from the others.

    Whoever made an experiment fixed how many rows it has.
    """
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.integers(0, observed, observed), rng.integers(observed, rows, rows - observed)])


def _fitted_anew(table: LabelTable, run: RunConfig, kept: RunGraph) -> CausalModel:
    """A model of drawn rows, by a learner of its own; with the types of all: a category that was not drawn stays."""
    held = np.zeros(table.rows.shape, bool) if table.held is None else table.held
    order = np.argsort(held.any(1), kind="stable")
    drawn = order[_drawn(int((~held.any(1)).sum()), len(order), run.seed)]
    rows, do_rows = split(table.rows.to_numpy()[drawn], held[drawn])
    learner = build_controller(run, table.graph, rows, do_rows)
    record = trained_record(learner, LabelSampler(learner.averaged), run, kept, rows)
    return CausalModel(table.graph, learner.averaged, record=record)
