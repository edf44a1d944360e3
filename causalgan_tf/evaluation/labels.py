"""The labels' law: total variation distances, under every single intervention too, and the four statements."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from causalgan_tf.causal_model import CausalModel
from causalgan_tf.data.images import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.graph import CausalGraph
from causalgan_tf.laws import LabelLaw, histogram, holds
from causalgan_tf.metrics.tvd import off_support_mass, sampling_floor, total_variation
from causalgan_tf.query import parse_probability

# to do is not to condition: the first of each pair equals P(Male), the second does not
STATEMENTS = (
    "P(Male=0|do(Mustache=1))",
    "P(Male=0|Mustache=1)",
    "P(Male=1|do(Wearing_Lipstick=1))",
    "P(Male=1|Wearing_Lipstick=1)",
)


def single_interventions(graph: CausalGraph) -> Iterator[tuple[str, dict[str, int]]]:
    """("do(X=x)", {X: x}) for every node X and x in 0, 1, in graph order."""
    for node in graph.nodes:
        for value in (0, 1):
            yield f"do({node}={value})", {node: value}


def label_numbers(model: CausalModel, dataset: Dataset, law: LabelLaw, draws: int, seed: int) -> dict[str, Any]:
    """Distances of the model's label law, each TVD taken over the union of the supports.

    Args:
        model: the trained model.
        dataset: its label rows are the data.
        law: the law that the graph implies; its truncated factorisation is the truth under an intervention.
        draws: rows drawn from the model for each law.
        seed: of the evaluation.

    Returns:
        tvd and its sampling floor (draws and data rows resampled), off_support_mass, tvd_to_graph_law, the data's own
        distance to that law, the interventions' distances under "do", and the four statements under "queries".
    """
    rows = model.sample_labels(draws, seed=derived_seed(seed, "labels"))
    drawn, data = histogram(rows), histogram(dataset.label_rows)
    return {
        "tvd": total_variation(drawn, data),
        "tvd_floor": sampling_floor(data, draws, len(dataset.label_rows)),
        "tvd_to_graph_law": total_variation(drawn, law.joint()),
        "tvd_data_to_graph_law": total_variation(data, law.joint()),
        "off_support_mass": off_support_mass(drawn, data),
        "n": draws,
        "n_data": len(dataset.label_rows),
        "do": _interventional(model, law, draws, seed),
        "queries": [
            _statement(text, model, law, rows, seed) for text in STATEMENTS if _nodes(text) <= set(model.graph.nodes)
        ],
    }


def _interventional(model: CausalModel, law: LabelLaw, draws: int, seed: int) -> dict[str, Any]:
    """TVD of P(. | do(X=x)) to its truncated factorisation, for every single intervention."""
    each, floors = {}, {}
    for text, do in tqdm(list(single_interventions(model.graph)), desc="labels under do", leave=False, disable=None):
        truth = law.joint(do)
        rows = model.sample_labels(draws, do=do, seed=derived_seed(seed, f"labels {text}"))
        each[text] = total_variation(histogram(rows), truth)
        floors[text] = sampling_floor(truth, draws, None)
    worst = max(each, key=each.get)
    mean = float(np.mean(list(each.values())))
    return {"mean_tvd": mean, "max_tvd": each[worst], "worst": worst, "each": each, "floor": floors}


def _nodes(text: str) -> set[str]:
    return set().union(*parse_probability(text))


def _statement(text: str, model: CausalModel, law: LabelLaw, rows: np.ndarray, seed: int) -> dict[str, Any]:
    """A probability of the model, counted in as many draws as `rows` has, beside the law's."""
    event, do, given = parse_probability(text)
    if do:
        rows = model.sample_labels(len(rows), do=do, seed=derived_seed(seed, f"labels {text}"))
    met = rows[holds(model.graph, rows, given)]
    try:
        truth = law.probability(event, do=do, given=given)
    except InputError:  # the law never meets the condition: there is no truth
        truth = None
    counted = float(holds(model.graph, met, event).mean()) if len(met) else None
    return {"query": text, "model": counted, "truth": truth, "rows": len(met)}
