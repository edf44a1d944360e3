"""Models refitted on resampled rows: what a table leaves open (the bootstrap of Efron, 1979)."""

import numpy as np
import pandas as pd
from tqdm import tqdm

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.data.tables import LabelTable, table_from_frame
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.arguments import whole
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.training.stages import fit_labels


def refitted(
    table: pd.DataFrame | LabelTable,
    graph: CausalGraph | str,
    count: int,
    config: ControllerConfig | None = None,
    seed: int = 0,
    progress: bool = True,
    interventions: str = "",
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

    Raises:
        InputError: as `fit_labels`, or a count below 2.

    Examples:
        >>> frame = pd.DataFrame({"Old": [0, 0, 0, 1] * 50, "Smokes": [0, 1, 1, 0] * 50})
        >>> models = refitted(frame, "Old -> Smokes", 2, ControllerConfig(steps=100), progress=False)
        >>> len(model.effect("Smokes", "Old", bootstrap=models).refitted)
        2
    """
    count = whole("count", count, 2)
    graph = load_graph(graph) if isinstance(graph, str) else graph
    table = table if isinstance(table, LabelTable) else table_from_frame(table, graph, interventions=interventions)
    models = []
    for number in tqdm(range(count), desc="Refitting", disable=not progress):
        drawn = np.random.default_rng([seed, number]).integers(0, len(table.rows), len(table.rows))
        # with the types of all rows: a category that was not drawn stays one
        held = None if table.held is None else table.held[drawn]
        part = LabelTable(table.graph, table.rows.iloc[drawn], table.dropped, held)
        models.append(fit_labels(part, table.graph, config, seed + number + 1, progress=False))
    return models
