"""The images: effectiveness, cFID, coverage and diversity, by a judge that never saw a generated image."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from causalgan_tf.causal_model import CausalModel
from causalgan_tf.data.images import Dataset, ImageSet
from causalgan_tf.evaluation.labels import single_interventions
from causalgan_tf.evaluation.sizes import EvaluationSizes, derived_seed
from causalgan_tf.graph import CausalGraph
from causalgan_tf.judge import Judge, train_judge
from causalgan_tf.laws import LabelLaw, row_codes
from causalgan_tf.metrics.images import (
    balanced_accuracy,
    coverage,
    frechet_distance,
    mean_pairwise_distance_within_cells,
)

NEIGHBOURS = 5  # k of the coverage


@dataclasses.dataclass(frozen=True)
class Seen:
    """Images as the judge sees them.

    Attributes:
        labels: uint8 [n, K], the labels that the images were drawn for.
        predicted: uint8 [n, K], the judge's labels.
        features: float32 [n, F], the judge's features.
    """

    labels: np.ndarray
    predicted: np.ndarray
    features: np.ndarray

    def agreement(self) -> np.ndarray:
        """Share of the images whose predicted label is the label, float64 [K]."""
        return (self.labels == self.predicted).mean(axis=0)

    def first(self, n: int) -> "Seen":
        """The first n images."""
        return Seen(self.labels[:n], self.predicted[:n], self.features[:n])


@dataclasses.dataclass(frozen=True)
class Source:
    """A law of labels and images: the model's, or the true one.

    Attributes:
        rows: (n, do, seed) -> label rows uint8 [n, K].
        images: (labels, seed) -> uint8 [n, S, S, C], each row with its own noise.
    """

    rows: Callable[[int, Mapping[str, int], int], np.ndarray]
    images: Callable[[np.ndarray, int], np.ndarray]


def look(judge: Judge, labels: np.ndarray, images: np.ndarray) -> Seen:
    """Shows images and the labels that they were drawn for to the judge."""
    reading = judge.examine(images)
    return Seen(labels, reading.labels, reading.features)


def under_do(source: Source, judge: Judge, base: Seen, do: Mapping[str, int], rows_seed: int, seed: int) -> Seen:
    """As many images under an intervention as `base` has without one.

    An image depends on its labels and on noise of its own, so a row whose labels equal those of the same row of
    `base` keeps that row's image: about half of the images need not be drawn again, and the law is the same.
    """
    rows = source.rows(len(base.labels), do, rows_seed)
    predicted, features = base.predicted.copy(), base.features.copy()
    new = (rows != base.labels).any(axis=1)
    if new.any():
        fresh = look(judge, rows[new], source.images(rows[new], seed))
        predicted[new], features[new] = fresh.predicted, fresh.features
    return Seen(rows, predicted, features)


def judge_split(dataset: Dataset, held_out: int) -> tuple[ImageSet, ImageSet]:
    """What the judge trains on and what measures it: uniform cells if there are any, else the observational images."""
    if dataset.uniform is None:
        return dataset.train, dataset.test
    images, labels = dataset.uniform.images, dataset.uniform.labels
    cut = len(labels) - min(held_out, len(labels) // 3)
    return ImageSet(images[:cut], labels[:cut]), ImageSet(images[cut:], labels[cut:])


def image_numbers(
    model: CausalModel, dataset: Dataset, law: LabelLaw, sizes: EvaluationSizes, seed: int, judge: Judge | None = None
) -> dict[str, Any]:
    """Measures the images.

    Args:
        model: a model of labels and images.
        dataset: real images, and the renderer if there is one.
        law: the labels' true law under interventions, for the rendered images.
        sizes: how much is drawn.
        seed: of the evaluation.
        judge: a trained judge; None: one is trained.

    Returns:
        The "images" part of report.json.
    """
    nodes = model.graph.nodes
    train, held_out = judge_split(dataset, sizes.judge_test)
    judge = judge or train_judge(train, nodes, derived_seed(seed, "judge"), sizes.judge_steps)
    ceiling = look(judge, held_out.labels, held_out.images)
    labels = model.sample_labels(sizes.cfid, seed=derived_seed(seed, "rows"))
    images = model.images_of(labels, derived_seed(seed, "images"))
    observational = look(judge, labels, images)
    cells = np.random.default_rng(derived_seed(seed, "cells")).integers(0, 2, (sizes.uniform, len(nodes)), np.uint8)
    uniform = look(judge, cells, model.images_of(cells, derived_seed(seed, "uniform")))
    real = look(judge, dataset.test.labels[: sizes.cfid], dataset.test.images[: sizes.cfid])
    halves = _real_halves(judge, dataset, real)
    generated, rendered = _interventions(model, dataset, law, judge, observational, sizes, seed)
    return {
        "judge": _named(nodes, ceiling.agreement()),
        "judge_cells": "observational" if dataset.uniform is None else "uniform",
        "effectiveness": {
            "observational": _with_mean(nodes, observational.agreement()),
            "uniform_cells": _with_mean(nodes, uniform.agreement()),
            "do": _effectiveness_under_do(model.graph, generated, sizes.effectiveness),
        },
        "balanced_accuracy": _named(nodes, balanced_accuracy(uniform.predicted, uniform.labels)),
        "balanced_accuracy_observational": _named(
            nodes, balanced_accuracy(observational.predicted, observational.labels)
        ),
        "cfid": _cfid(observational, real, halves, generated, rendered),
        "coverage": {
            "model": coverage(real.features, observational.features, NEIGHBOURS),
            "control": coverage(halves[0], halves[1], NEIGHBOURS),
        },
        "diversity": _diversity(images, labels, dataset.test.images[: sizes.cfid], real.labels),
        "n": {
            "judge_test": len(held_out),
            "observational": len(labels),
            "uniform": len(cells),
            "do_effectiveness": sizes.effectiveness,
            "real": len(real.labels),
            "control": len(halves[0]),
            "rendered": len(next(iter(rendered.values())).labels) if rendered else 0,
        },
    }


def _interventions(
    model: CausalModel,
    dataset: Dataset,
    law: LabelLaw,
    judge: Judge,
    observational: Seen,
    sizes: EvaluationSizes,
    seed: int,
) -> tuple[dict[str, Seen], dict[str, Seen]]:
    """Generated and, where there is a renderer, rendered images under every single intervention."""
    rows_seed = derived_seed(seed, "rows")
    sides = [(Source(lambda n, do, s: model.sample_labels(n, do=do, seed=s), model.images_of), observational)]
    if dataset.render is None:
        sides[0] = sides[0][0], observational.first(sizes.effectiveness)
    else:
        rows = law.sample(sizes.cfid, seed=rows_seed)
        base = look(judge, rows, dataset.render(rows, derived_seed(seed, "rendered")))
        sides.append((Source(lambda n, do, s: law.sample(n, seed=s, do=do), dataset.render), base))
    seen = tuple({} for _ in range(2))
    for text, do in tqdm(list(single_interventions(model.graph)), desc="images under do", leave=False, disable=None):
        for place, (source, base) in enumerate(sides):
            fresh = derived_seed(seed, f"{('generated', 'rendered')[place]} {text}")
            seen[place][text] = under_do(source, judge, base, do, rows_seed, fresh)
    return seen


def _real_halves(judge: Judge, dataset: Dataset, real: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Features of two equally large sets of real images, neither of which the judge was trained on."""
    if dataset.uniform is None:
        half = len(real.features) // 2
        return real.features[:half], real.features[half : 2 * half]
    n = min(len(real.features), len(dataset.train))
    return judge.features(dataset.train.images[:n]), real.features[:n]


def _effectiveness_under_do(graph: CausalGraph, generated: Mapping[str, Seen], n: int) -> dict[str, float]:
    """Agreement on the label that was set (mean of do(0) and do(1)) and, over all interventions, on the others."""
    own, others = dict.fromkeys(graph.nodes, 0.0), []
    for text, do in single_interventions(graph):
        agreement = generated[text].first(n).agreement()
        (node,) = do
        own[node] += agreement[graph.index(node)] / 2
        others.extend(np.delete(agreement, graph.index(node)))
    return {
        "mean": float(np.mean(list(own.values()))),
        "other_labels": float(np.mean(others)) if others else None,
        **{node: float(value) for node, value in own.items()},
    }


def _cfid(
    observational: Seen,
    real: Seen,
    halves: tuple[np.ndarray, np.ndarray],
    generated: Mapping[str, Seen],
    rendered: Mapping[str, Seen],
) -> dict[str, Any]:
    each = {text: frechet_distance(generated[text].features, rendered[text].features) for text in rendered}
    return {
        "observational": frechet_distance(observational.features, real.features),
        "do": float(np.mean(list(each.values()))) if each else None,
        "control": frechet_distance(*halves),
        "do_each": each,
    }


def _diversity(
    images: np.ndarray, labels: np.ndarray, real_images: np.ndarray, real_labels: np.ndarray
) -> dict[str, float | None]:
    """Mean pixel distance of images with equal labels, over the label cells that both sets show twice."""
    codes, real_codes = row_codes(labels), row_codes(real_labels)
    counts, real_counts = (Counter(both.tolist()) for both in (codes, real_codes))
    weights = {cell: rows for cell, rows in real_counts.items() if rows >= 2 and counts[cell] >= 2}
    if not weights:
        return {"model": None, "real": None}
    return {
        "model": mean_pairwise_distance_within_cells(images, codes, weights),
        "real": mean_pairwise_distance_within_cells(real_images, real_codes, weights),
    }


def _named(nodes: Sequence[str], values: np.ndarray) -> dict[str, float | None]:
    return {node: None if np.isnan(value) else float(value) for node, value in zip(nodes, values, strict=True)}


def _with_mean(nodes: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {"mean": float(np.mean(values)), **_named(nodes, values)}
