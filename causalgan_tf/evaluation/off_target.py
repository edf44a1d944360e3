"""Off-target change: what an intervention moves in images beside the label that it sets (attribute amplification).

arXiv:2403.09422 found that counterfactual image models strengthen attributes that were not touched.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from causalgan_tf.data.dataset import Dataset
from causalgan_tf.evaluation.classifier import EvaluationClassifier
from causalgan_tf.evaluation.scoring import Source
from causalgan_tf.graphs.graph import CausalGraph

FEWEST = 10  # rows that an intervention must switch, and that keep a label, for the label to be measured
PURPOSE = "off target"  # names the noise of the images: the same with and without an intervention


def excess_movement(
    kept: np.ndarray, moved: np.ndarray, truth: np.ndarray | None = None, fewest: int = FEWEST
) -> np.ndarray:
    """How much further probabilities move than the truth's, mean over the rows that count: float64 [K], NaN for few.

    >>> kept, moved = np.array([[1, 1], [1, 0]], bool), np.array([[0.5, 0.9], [0.1, 0.9]])
    >>> excess_movement(kept, moved, np.array([[0.1, 0.9], [0.1, 0.4]]), fewest=1).tolist()
    [0.2, 0.0]

    Args:
        kept: bool [n, K], which rows count for a label.
        moved: [n, K], total variation between a row's two images of the judge's distributions of each label.
        truth: the same of rendered images of the same labels; None: the truth does not move.
        fewest: rows that a label needs.
    """
    beyond = moved if truth is None else moved - truth
    counts = kept.sum(axis=0)
    means = np.where(kept, beyond, 0.0).sum(axis=0) / np.maximum(counts, 1)
    return np.where(counts >= fewest, means, np.nan)


def off_target_change(
    source: Source,
    dataset: Dataset,
    classifier: EvaluationClassifier,
    interventions: Mapping[str, Mapping[str, Any]],
    n: int,
    seed: int,
) -> dict[str, Any]:
    """What each do(X=x) moves of the judge's probabilities of other labels in the same units' images.

    A unit is drawn twice, with and without do(X=x), from the same seeds: labels and image have the same noise. Counted
    are units whose X the intervention changes and, for a label Y, whose Y it does not. On them the truth moves nothing
    of Y but what the judge mistakes; that is measured on images rendered for the same labels, and taken off.

    Args:
        source: the model.
        dataset: with the renderer, if there is one; without it only labels that are no descendants of X are measured.
        classifier: whose probabilities they are; labels are the discrete ones.
        interventions: text to do, of one label each.
        n: units of each intervention.
        seed: of the draws.

    Returns:
        mean: over interventions, of the mean over labels; None if nothing could be measured. worst and largest: the
        intervention and label that move most. truth: "rendered", or "none" where non-descendants alone are measured.
        each: of each intervention "mean", "rows" (units that it switches) and "labels". n: units.
    """
    truth = Source("rendered", source.rows, dataset.render) if dataset.render else None
    base, each = source.labels(n, None, seed), {}
    before = [_probabilities(one, base, classifier, seed) for one in (source, truth) if one]
    for text, do in interventions.items():
        node = next(iter(do))
        labels = source.labels(n, do, seed)
        switched = labels[:, dataset.graph.index(node)] != base[:, dataset.graph.index(node)]
        others = _others(dataset.graph, node, descendants=truth is not None)
        if switched.sum() < FEWEST or not others:
            continue
        after = [_probabilities(one, labels, classifier, seed) for one in (source, truth) if one]
        places = [dataset.graph.index(other) for other in others]
        kept = switched[:, None] & (labels == base)[:, places]
        moved = [_movement(*both, others) for both in zip(before, after, strict=True)]
        found = dict(zip(others, excess_movement(kept, *moved).tolist(), strict=True))
        found = {other: value for other, value in found.items() if not np.isnan(value)}
        if found:
            mean = float(np.mean(list(found.values())))
            each[text] = {"mean": mean, "rows": int(switched.sum()), "labels": found}
    return _summary(each) | {"truth": "rendered" if truth else "none", "n": n, "each": each}


def _summary(each: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The mean, and the largest of all."""
    if not each:
        return {"mean": None, "largest": None, "worst": None}
    values = {f"{text}: {node}": value for text, one in each.items() for node, value in one["labels"].items()}
    worst = max(values, key=values.get)
    mean = float(np.mean([one["mean"] for one in each.values()]))
    return {"mean": mean, "largest": values[worst], "worst": worst}


def _others(graph: CausalGraph, node: str, descendants: bool) -> list[str]:
    """The discrete labels beside a node, with its descendants or without them."""
    left_out = {node} if descendants else {node, *graph.descendants(node)}
    return [other for other, variable in graph.variables.items() if variable.size and other not in left_out]


def _probabilities(
    source: Source, labels: np.ndarray, classifier: EvaluationClassifier, seed: int
) -> dict[str, np.ndarray]:
    """The judge's probabilities [n, V] of each label in images of these labels; their noise depends on the row."""
    parts = [classifier.probabilities(images) for _, images in source.chunks(labels, PURPOSE, seed)]
    return {node: np.concatenate([part[node] for part in parts]) for node in parts[0]}


def _movement(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], nodes: list[str]) -> np.ndarray:
    """Total variation [n, K] between the probabilities of each row's images."""
    return np.stack([0.5 * np.abs(after[node] - before[node]).sum(axis=1) for node in nodes], axis=1)
