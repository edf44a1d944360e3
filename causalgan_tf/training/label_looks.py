"""What TensorBoard shows of labels while they are trained, measured in a second or less."""

from collections.abc import Callable

import numpy as np

from causalgan_tf import noise
from causalgan_tf.data import Dataset
from causalgan_tf.evaluation.labels import do_distances, draws_of_a_cell, fitted_distribution, marginals_under_do
from causalgan_tf.evaluation.marginals import marginals
from causalgan_tf.graphs.cells import enumerable
from causalgan_tf.graphs.names import safe
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.reporting.pictures import bars
from causalgan_tf.runs.event_log import Shown

ROWS = 10_000  # label rows on either side
DRAWS = 5_000  # of an implicit mechanism's noise for each cell of its parents
WORK = 20_000_000  # cells of all interventions' distributions together, at most: half a second
MOST_NODES = 100  # labels of a graph that is looked at
NODES = 20  # labels that have histograms; interventions are looked at where a graph has no more
BUCKETS = 30  # of a number's histogram
BARS = 60  # values of labels in a picture


def label_look(sampler: LabelSampler, dataset: Dataset) -> Callable[[], Shown]:
    """A function that shows the labels as the sampler draws them now, beside the training rows and the truth.

    >>> rows = np.array([[0, 1], [1, 0], [0, 0], [0, 1]] * 500, np.uint8)
    >>> look = label_look(model.labels, Dataset(model.graph, rows))
    >>> sorted(look().scalars), sorted(look().histograms)[:2]
    (['labels/do_tvd_max', 'labels/do_tvd_mean'], ['labels/Old/generated', 'labels/Old/real'])
    """
    graph, real = dataset.graph, _some(dataset.label_rows)
    truth = (dataset.law or fitted_distribution(dataset)) if _quick(dataset) else None

    def look() -> Shown:
        if len(graph) > MOST_NODES:
            return Shown()
        # anew at each look: a model keeps the tables that it has made
        model = CausalModel(graph, sampler.mechanisms)
        rows = _drawn(sampler)
        scalars = {} if enumerable(graph) else _errors(marginals(graph, rows, real), "")
        if truth:
            found = do_distances(model.label_distribution(draws_of_a_cell(graph, DRAWS)), truth)
            scalars |= {"labels/do_tvd_mean": found["mean_tvd"], "labels/do_tvd_max": found["max_tvd"]}
        elif dataset.sample_labels and len(graph) <= NODES:
            scalars |= _errors(marginals_under_do(model, dataset, ROWS, seed=0), "do_")
        return Shown(scalars, histograms=_histograms(dataset, rows, real))

    return look


def label_bars(sampler: LabelSampler, dataset: Dataset) -> Callable[[], Shown]:
    """A function that draws how often the sampler gives each value of a label, with ticks where training rows have it.

    >>> look = label_bars(model.labels, Dataset(model.graph, np.array([[0, 1], [1, 0]] * 500, np.uint8)))
    >>> list(look().pictures)
    ['pictures/labels']
    """

    def look() -> Shown:
        if not 0 < sum(variable.size or 0 for variable in dataset.graph.variables.values()) <= BARS:
            return Shown()
        rows, drawn, real = _drawn(sampler), {}, {}
        for k, (node, variable) in enumerate(dataset.graph.variables.items()):
            for value in range(variable.size or 0):
                name = f"{node}={variable.shown(value)}"
                drawn[name], real[name] = (float(np.mean(side[:, k] == value)) for side in (rows, dataset.label_rows))
        picture = bars(drawn, real, "share of rows; ticks: of the training rows")
        return Shown(pictures={"pictures/labels": np.asarray(picture)})

    return look


def _drawn(sampler: LabelSampler) -> np.ndarray:
    """Label rows [ROWS, K], by the program that needs no compiling."""
    return sampler.under(noise.row_seeds(0, 0, ROWS).numpy(), np.full([ROWS, len(sampler.graph)], np.nan, np.float32))


def _some(rows: np.ndarray) -> np.ndarray:
    """At most ROWS of the rows, always the same."""
    if len(rows) <= ROWS:
        return rows
    return rows[np.random.default_rng(0).choice(len(rows), ROWS, replace=False)]


def _quick(dataset: Dataset) -> bool:
    """Whether the distributions under all single interventions are computed within a second."""
    graph = dataset.graph
    if not enumerable(graph) or len(graph) > NODES or not draws_of_a_cell(graph, DRAWS):
        return False
    return sum(graph.sizes) * float(np.prod(graph.sizes, dtype=np.float64)) <= WORK


def _errors(found: dict, prefix: str) -> dict[str, float]:
    names = {"error": "max_error", "wasserstein": "max_wasserstein_sd"}
    return {f"labels/{prefix}{name}": found[key] for name, key in names.items() if found[key] is not None}


def _histograms(dataset: Dataset, rows: np.ndarray, real: np.ndarray) -> dict[str, tuple[np.ndarray, int]]:
    shown = {}
    for k, (node, variable) in list(enumerate(dataset.graph.variables.items()))[:NODES]:
        for side, values in (("real", real), ("generated", rows)):
            shown[f"labels/{safe(node)}/{side}"] = values[:, k].astype(np.float32), variable.size or BUCKETS
    return shown
