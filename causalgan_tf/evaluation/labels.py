"""The labels' distribution: total variation distances, also under every single intervention, and the queries.

Where the cells of all labels together cannot be enumerated, the labels are measured one by one, two by two and as
points in space; see `parts`.
"""

import math
from typing import Any

import numpy as np
from tqdm import tqdm

from causalgan_tf.data.dataset import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import marginals
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.evaluation.label_limits import label_limits
from causalgan_tf.evaluation.metrics import LabelMetrics
from causalgan_tf.evaluation.sizes import EvaluationSizes, derived_seed
from causalgan_tf.graphs.cells import discrete_sizes, enumerable, histogram
from causalgan_tf.graphs.fit import quick_fit
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import Query, meets, parse_probability
from causalgan_tf.inference.tables import check_parent_cells
from causalgan_tf.metrics.tvd import off_support_mass, sampling_floor, total_variation

EVALUATIONS = 100_000_000  # of mechanisms at most for the enumerated distribution; half a minute or so
UNDER_DO = 50_000  # rows of either side under an intervention, at most
WORST = 10  # violated independences that are told


def fitted_distribution(dataset: Dataset) -> LabelDistribution | None:
    """The distribution that the graph implies for the label rows; None if it does not fit in tables."""
    try:
        return LabelDistribution.fit(dataset.graph, dataset.label_rows)
    except InputError:  # a continuous label, or too many parents
        return None


def label_numbers(
    model: CausalModel, dataset: Dataset, fitted: LabelDistribution | None, sizes: EvaluationSizes, seed: int
) -> LabelMetrics:
    """Distances of the model's label distribution, each TVD taken over the union of the supports.

    Args:
        model: the trained model.
        dataset: its label rows are the data; its distribution, if it has one, is the truth.
        fitted: the distribution that the graph implies for the rows; the truth where none is known.
        sizes: how much is drawn.
        seed: of the evaluation.

    Returns:
        Of discrete labels with few enough cells: tvd and its sampling floor (draws and data rows resampled),
        off_support_mass, tvd_to_graph_law, the data's own distance to that distribution, and under "do" the distances
        of the model's enumerated distribution, whose mechanisms were drawn "draws" times a cell, 0 if they state it.
        Of other labels: "marginals", "pairs" and "mmd", see `parts`, and where the truth under do can be drawn
        "do_marginals". What does not apply is None. Of both the answers to the data set's "queries", and where the
        data tell little, see `label_limits`.
    """
    rows = model.sample_labels(sizes.draws, seed=derived_seed(seed, "labels"))
    truth = dataset.law or fitted
    draws = draws_of_a_cell(model.graph, sizes.law)
    # enumerated rather than counted in draws: under do the differences are smaller than the noise of counting
    own = model.label_distribution(draws, derived_seed(seed, "law")) if draws else None
    drawn = 0 if model.states_probabilities else draws
    numbers: dict[str, Any] = {}
    if truth and enumerable(model.graph):
        numbers |= _joint_distances(model.graph, rows, dataset.label_rows, truth)
        numbers["do"] = do_distances(own, truth) | {"draws": drawn} if own else None
    else:
        numbers |= marginals.part_numbers(model.graph, rows, dataset.label_rows, sizes.mmd, derived_seed(seed, "mmd"))
        if dataset.sample_labels:
            numbers["do_marginals"] = marginals_under_do(model, dataset, min(len(rows), UNDER_DO), seed)
    limits = label_limits(model.labels, dataset.label_rows, seed)
    return LabelMetrics(
        n=len(rows),
        n_data=len(dataset.label_rows),
        **{part: limits.to_json()[part] for part in ("lost_values", "thin_cells", "do_support")},
        independences=_independences(dataset),
        warnings=limits.sentences,
        queries=tuple(_statement(text, model, own, truth, rows, seed) for text in dataset.queries),
        **numbers,
    )


def _independences(dataset: Dataset) -> dict[str, Any] | None:
    """The independences that the graph implies, tested on the data; None where the tests would take long."""
    fit = quick_fit(dataset.graph, dataset.label_rows)
    if fit is None:
        return None
    told = ("x", "y", "given", "nats_per_row")
    worst = [{name: getattr(test, name) for name in told} for test in fit.violated[:WORST]]
    return {"implied": len(fit.tests), "violated": len(fit.violated), "rows": fit.rows, "worst": worst}


def draws_of_a_cell(graph: CausalGraph, most: int) -> int:
    """How often each mechanism is drawn in each cell of its parents; 0 if the distribution does not fit in tables."""
    try:
        sizes = dict(zip(graph.nodes, discrete_sizes(graph), strict=True))
        check_parent_cells(graph)
    except InputError:
        return 0
    count = sum(math.prod(sizes[parent] for parent in parents) for parents in graph.parents.values())
    # fewer draws where parents have many cells, so that the time stays the same
    return min(most, EVALUATIONS // count)


def _joint_distances(
    graph: CausalGraph, rows: np.ndarray, data_rows: np.ndarray, distribution: LabelDistribution
) -> dict[str, Any]:
    """Distances of the draws' frequencies to those of the data and to the distribution."""
    drawn, data, joint = histogram(rows, graph.sizes), histogram(data_rows, graph.sizes), distribution.joint()
    return {
        "tvd": total_variation(drawn, data),
        "tvd_floor": sampling_floor(data, len(rows), len(data_rows)),
        "tvd_to_graph_law": total_variation(drawn, joint),
        "tvd_data_to_graph_law": total_variation(data, joint),
        "off_support_mass": off_support_mass(drawn, data),
    }


def do_distances(own: LabelDistribution, truth: LabelDistribution) -> dict[str, Any]:
    """TVD of P(. | do(X=x)) between two distributions, for every single intervention."""
    each = {}
    for text, do in tqdm(list(single_interventions(truth.graph)), desc="labels under do", leave=False, disable=None):
        each[text] = total_variation(own.joint(do), truth.joint(do))
    worst = max(each, key=each.get)
    return {"mean_tvd": float(np.mean(list(each.values()))), "max_tvd": each[worst], "worst": worst, "each": each}


def marginals_under_do(model: CausalModel, dataset: Dataset, n: int, seed: int) -> dict[str, Any]:
    """How far each label's own distribution under do(X=x) is from the true one, for every single intervention.

    Returns:
        each: the largest error of a probability and the largest Wasserstein-1 distance in standard deviations, see
        marginals.marginals; max_error and max_wasserstein_sd, the largest of these; n rows on either side.
    """
    each, figures = {}, ("max_error", "max_wasserstein_sd")
    for text, do in single_interventions(model.graph, dataset.label_rows):
        drawn = model.sample_labels(n, do=do, seed=derived_seed(seed, f"labels {text}"))
        true = dataset.sample_labels(n, do, derived_seed(seed, f"true labels {text}"))
        found = marginals.marginals(model.graph, drawn, true)
        each[text] = {figure: found[figure] for figure in figures}
    known = {figure: [errors[figure] for errors in each.values() if errors[figure] is not None] for figure in figures}
    return {"each": each, "n": n} | {figure: max(values) if values else None for figure, values in known.items()}


def _statement(
    text: str,
    model: CausalModel,
    own: LabelDistribution | None,
    truth: LabelDistribution | None,
    rows: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    """A probability by the model's distribution, or counted in as many draws as `rows` has, beside the truth."""
    event, do, given = parse_probability(text)
    answers = {"query": text, "model": _probability(own, event, do, given), "rows": None}
    # without tables the probability is counted in rows, and how many met the condition is told beside it
    if own is None:
        if do:
            rows = model.sample_labels(len(rows), do=do, seed=derived_seed(seed, f"labels {text}"))
        met = rows[meets(rows, model.graph, Query.create(model.graph, given=given).given)]
        shown = meets(met, model.graph, Query.create(model.graph, given=event).given)
        answers |= {"model": float(shown.mean()) if len(met) else None, "rows": len(met)}
    return answers | {"truth": _probability(truth, event, do, given)}


def _probability(distribution: LabelDistribution | None, event: dict, do: dict, given: dict) -> float | None:
    """A probability of a distribution; None without one, with too many cells, or under a condition never met."""
    try:
        return distribution.probability(event, do, given) if distribution else None
    except InputError:
        return None
