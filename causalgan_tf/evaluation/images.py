"""The images: effectiveness, cFID, coverage and diversity, by a judge that never saw a generated image."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from tqdm import tqdm

from causalgan_tf.causal_model import CausalModel
from causalgan_tf.data.images import Dataset, ImageSet, require_binary
from causalgan_tf.errors import InputError
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
FEWEST = 2 * (NEIGHBOURS + 1)  # test images: either half needs k neighbours of an image


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

    def __len__(self) -> int:
        return len(self.labels)

    def agreement(self) -> np.ndarray:
        """Share of the images whose predicted label is the label, float64 [K]."""
        return (self.labels == self.predicted).mean(axis=0)

    def balanced(self) -> np.ndarray:
        """The same, as the mean of the shares for label 0 and label 1, NaN where one of them is missing."""
        return balanced_accuracy(self.predicted, self.labels)

    def first(self, n: int) -> "Seen":
        """The first n images."""
        return Seen(self.labels[:n], self.predicted[:n], self.features[:n])


@dataclasses.dataclass(frozen=True)
class Source:
    """A law of labels and images: the model's, or the true one.

    Attributes:
        name: tells the noise of its images from another source's.
        rows: (n, do, seed) -> label rows uint8 [n, K].
        images: (labels, seed) -> uint8 [n, S, S, C], each row with its own noise.
    """

    name: str
    rows: Callable[[int, Mapping[str, int] | None, int], np.ndarray]
    images: Callable[[np.ndarray, int], np.ndarray]

    def observe(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels and images without an intervention."""
        rows = self.rows(n, None, derived_seed(seed, "rows"))
        return rows, self.images(rows, derived_seed(seed, f"{self.name} images"))


def look(judge: Judge, labels: np.ndarray, images: np.ndarray) -> Seen:
    """Shows images and the labels that they were drawn for to the judge."""
    reading = judge.examine(images)
    return Seen(labels, reading.labels, reading.features)


def under_every_do(source: Source, judge: Judge, base: Seen, graph: CausalGraph, seed: int) -> dict[str, Seen]:
    """Images under every single intervention, as many of each as `base`, what `source.observe` showed, has.

    An image depends on its labels and on noise of its own, so a row whose labels equal those of the same row of
    `base` keeps that row's image: about half of the images need not be drawn again, and the law is the same.
    """
    seen = {}
    for text, do in tqdm(list(single_interventions(graph)), source.name, leave=False, disable=None):
        rows = source.rows(len(base), do, derived_seed(seed, "rows"))
        predicted, features = base.predicted.copy(), base.features.copy()
        new = (rows != base.labels).any(axis=1)
        if new.any():
            images = source.images(rows[new], derived_seed(seed, f"{source.name} {text}"))
            reading = judge.examine(images)
            predicted[new], features[new] = reading.labels, reading.features
        seen[text] = Seen(rows, predicted, features)
    return seen


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

    Raises:
        InputError: a label that is not binary, or too few test images.
    """
    require_binary(model.graph, "evaluation")
    _check_test(dataset)
    nodes = model.graph.nodes
    train, held_out = judge_split(dataset, sizes.judge_test)
    judge = judge or train_judge(train, nodes, derived_seed(seed, "judge"), sizes.judge_steps)
    real = look(judge, dataset.test.labels[: sizes.cfid], dataset.test.images[: sizes.cfid])
    source = Source("generated", lambda n, do, s: model.sample_labels(n, do=do, seed=s), model.images_of)
    labels, images = source.observe(sizes.cfid, seed)
    observational = look(judge, labels, images)
    uniform = _on_uniform_cells(model, judge, sizes.uniform, seed)
    with ThreadPoolExecutor(1) as beside:  # the renderer works in Python, the generator and the judge in TensorFlow
        rendering = beside.submit(_rendered_under_every_do, dataset, law, judge, sizes.cfid, seed)
        base = observational.first(sizes.cfid if dataset.render else sizes.effectiveness)
        generated = under_every_do(source, judge, base, model.graph, seed)
        rendered = rendering.result()
    halves = _real_halves(judge, dataset, real)
    return {
        "judge": _named(nodes, look(judge, held_out.labels, held_out.images).agreement()),
        "judge_cells": "observational" if dataset.uniform is None else "uniform",
        "effectiveness": {
            "observational": _with_mean(nodes, observational.agreement()),
            "uniform_cells": _with_mean(nodes, uniform.agreement()),
            **_effectiveness_under_do(model.graph, generated, sizes.effectiveness),
        },
        "balanced_accuracy": _named(nodes, uniform.balanced()),
        "balanced_accuracy_observational": _named(nodes, observational.balanced()),
        "cfid": _cfid(observational, real, halves, generated, rendered),
        "coverage": {
            "model": coverage(real.features, observational.features, NEIGHBOURS),
            "control": coverage(*halves, NEIGHBOURS),
        },
        "diversity": _diversity(images, labels, dataset.test.images[: sizes.cfid], real.labels),
        "n": {
            "judge_train": len(train),
            "judge_test": len(held_out),
            "observational": len(observational),
            "uniform": len(uniform),
            "do_effectiveness": min(sizes.effectiveness, sizes.cfid),
            "do_cfid": sizes.cfid if rendered else 0,
            "real": len(real),
            "control": len(halves[0]),
        },
    }


def _check_test(dataset: Dataset) -> None:
    if len(dataset.test) < FEWEST:
        raise InputError(
            f"There are {len(dataset.test)} test images, too few to measure by: expected at least {FEWEST}. "
            "Raise --test_images, or bring more images."
        )


def _on_uniform_cells(model: CausalModel, judge: Judge, n: int, seed: int) -> Seen:
    """Generated images whose labels are independent fair coins."""
    cells = np.random.default_rng(derived_seed(seed, "cells")).integers(0, 2, (n, len(model.graph)), np.uint8)
    return look(judge, cells, model.images_of(cells, derived_seed(seed, "uniform")))


def _rendered_under_every_do(dataset: Dataset, law: LabelLaw, judge: Judge, n: int, seed: int) -> dict[str, Seen]:
    """The true images under every single intervention; empty without a renderer."""
    if dataset.render is None:
        return {}
    source = Source("rendered", lambda n, do, s: law.sample(n, seed=s, do=do), dataset.render)
    base = look(judge, *source.observe(n, seed))
    return under_every_do(source, judge, base, law.graph, seed)


def _real_halves(judge: Judge, dataset: Dataset, real: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Features of two equally large sets of real images, neither of which the judge was trained on."""
    if dataset.uniform is None:
        half = len(real.features) // 2
        return real.features[:half], real.features[half : 2 * half]
    n = min(len(real.features), len(dataset.train))
    return judge.features(dataset.train.images[:n]), real.features[:n]


def _effectiveness_under_do(graph: CausalGraph, generated: Mapping[str, Seen], n: int) -> dict[str, Any]:
    """Agreement under single interventions, of the first n images of each.

    Returns:
        do: on the label that was set, mean of do(0) and do(1), which is its balanced accuracy; on the other labels,
        over all interventions. do_each: on every label under every intervention.
    """
    each = {text: seen.first(n).agreement() for text, seen in generated.items()}
    own, others = dict.fromkeys(graph.nodes, 0.0), []
    for text, do in single_interventions(graph):
        column = graph.index(next(iter(do)))
        own[graph.nodes[column]] += float(each[text][column]) / 2
        others.extend(np.delete(each[text], column))
    mean = float(np.mean(list(own.values())))
    return {
        "do": {"mean": mean, "other_labels": float(np.mean(others)) if others else None, **own},
        "do_each": {text: _named(graph.nodes, agreement) for text, agreement in each.items()},
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
