"""The images: effectiveness, distances, neighbours and diversity, by a judge that never saw a generated image."""

from collections import Counter
from collections.abc import Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from causalgan_tf.causal_model import CausalModel
from causalgan_tf.data.images import Dataset, ImageSet, require_binary
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.labels import single_interventions
from causalgan_tf.evaluation.seen import Eyes, Intervened, Judged, Seen, Source
from causalgan_tf.evaluation.sizes import EvaluationSizes, derived_seed
from causalgan_tf.extractors import FeatureExtractor
from causalgan_tf.graph import CausalGraph
from causalgan_tf.judge import Judge, train_judge
from causalgan_tf.laws import LabelLaw, row_codes
from causalgan_tf.metrics.images import (
    frechet_distance,
    kernel_distance,
    mean_pairwise_distance_within_cells,
    neighbours,
)

NEIGHBOURS = 5  # k of precision, recall, density and coverage
FEWEST = 2 * (NEIGHBOURS + 1)  # test images: either half needs k neighbours of an image


def judge_split(dataset: Dataset, held_out: int) -> tuple[ImageSet, ImageSet]:
    """What the judge trains on and what measures it: uniform cells if there are any, else the observational images."""
    if dataset.uniform is None:
        return dataset.train, dataset.test
    images, labels = dataset.uniform.images, dataset.uniform.labels
    cut = len(labels) - min(held_out, len(labels) // 3)
    return ImageSet(images[:cut], labels[:cut]), ImageSet(images[cut:], labels[cut:])


def image_numbers(
    model: CausalModel,
    dataset: Dataset,
    law: LabelLaw,
    sizes: EvaluationSizes,
    seed: int,
    judge: Judge | None = None,
    extractor: FeatureExtractor | None = None,
) -> dict[str, Any]:
    """Measures the images; what it holds at once does not grow with their number, but for labels and features.

    Args:
        model: a model of labels and images.
        dataset: real images, and the renderer if there is one.
        law: the labels' true law under interventions, for the rendered images.
        sizes: how much is drawn.
        seed: of the evaluation.
        judge: a trained judge; None: one is trained.
        extractor: what the features of distances and neighbours come from; None: the judge.

    Returns:
        The "images" part of report.json. Its Frechet distance is named as the extractor says: "cfid" or "fid".

    Raises:
        InputError: a label that is not binary, or too few test images.
    """
    require_binary(model.graph, "evaluation")
    _check_test(dataset)
    nodes = model.graph.nodes
    train, held_out = judge_split(dataset, sizes.judge_test)
    judge = judge or train_judge(train, nodes, derived_seed(seed, "judge"), sizes.judge_steps)
    eyes = Eyes(judge, extractor or judge)
    real = eyes.look(dataset.test.labels[: sizes.cfid], dataset.test.images[: sizes.cfid])
    source = Source("generated", lambda n, do, s: model.sample_labels(n, do=do, seed=s), model.images_of)
    observational = eyes.observe(source, sizes.cfid, seed)
    generated, rendered = _both_under_every_do(source, observational, dataset, law, eyes, sizes, seed)
    uniform = _on_uniform_cells(source, judge, len(nodes), sizes.uniform, seed)
    halves = _real_halves(eyes, dataset, real)
    return {
        "judge": _named(nodes, Judged(held_out.labels, judge.predict(held_out.images)).agreement()),
        "judge_cells": "observational" if dataset.uniform is None else "uniform",
        **_accuracies(model.graph, observational, uniform, generated, sizes.effectiveness),
        **_by_features(eyes.extractor, observational, real, halves, derived_seed(seed, "subsets")),
        eyes.extractor.distance.lower(): _frechet(observational, real, halves, generated, rendered),
        "diversity": _diversity(source, observational.labels[: sizes.diversity], dataset, seed),
        "n": {
            **_counts(judge_train=train, judge_test=held_out, observational=observational, uniform=uniform),
            **_counts(real=real, control=halves[0], diversity=observational.labels[: sizes.diversity]),
            "do_effectiveness": min(sizes.effectiveness, sizes.cfid),
            "do_cfid": sizes.cfid if rendered else 0,
        },
    }


def _counts(**sets: Sized) -> dict[str, int]:
    return {name: len(rows) for name, rows in sets.items()}


def _check_test(dataset: Dataset) -> None:
    if len(dataset.test) < FEWEST:
        raise InputError(
            f"There are {len(dataset.test)} test images, too few to measure by: expected at least {FEWEST}. "
            "Raise --test_images, or bring more images."
        )


def _on_uniform_cells(source: Source, judge: Judge, columns: int, n: int, seed: int) -> Judged:
    """Generated images whose labels are independent fair coins."""
    cells = np.random.default_rng(derived_seed(seed, "cells")).integers(0, 2, (n, columns), np.uint8)
    predicted = [judge.predict(images) for _, images in source.chunks(cells, "uniform", seed)]
    return Judged(cells, np.concatenate(predicted))


def _both_under_every_do(
    source: Source, observational: Seen, dataset: Dataset, law: LabelLaw, eyes: Eyes, sizes: EvaluationSizes, seed: int
) -> tuple[dict[str, Intervened], dict[str, Intervened]]:
    """The generated images under every single intervention and the true ones, which without a renderer are none."""
    if dataset.render is None:
        return eyes.under_every_do(source, observational.first(sizes.effectiveness), dataset.graph, seed), {}
    truth = Source("rendered", lambda n, do, s: law.sample(n, seed=s, do=do), dataset.render)

    def rendered() -> dict[str, Intervened]:
        return eyes.under_every_do(truth, eyes.observe(truth, sizes.cfid, seed), law.graph, seed)

    with ThreadPoolExecutor(1) as beside:  # the renderer works in Python, the generator and the judge in TensorFlow
        rendering = beside.submit(rendered)
        return eyes.under_every_do(source, observational, dataset.graph, seed), rendering.result()


def _real_halves(eyes: Eyes, dataset: Dataset, real: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Features of two equally large sets of real images, neither of which the judge was trained on."""
    if dataset.uniform is None:
        half = len(real.features) // 2
        return real.features[:half], real.features[half : 2 * half]
    n = min(len(real.features), len(dataset.train))
    return eyes.extractor.features(dataset.train.images[:n]), real.features[:n]


def _accuracies(
    graph: CausalGraph, observational: Judged, uniform: Judged, generated: Mapping[str, Judged], n: int
) -> dict[str, dict[str, Any]]:
    """Effectiveness and balanced accuracies; `n` images of each intervention count."""
    nodes = graph.nodes
    return {
        "effectiveness": {
            "observational": _with_mean(nodes, observational.agreement()),
            "uniform_cells": _with_mean(nodes, uniform.agreement()),
            **_effectiveness_under_do(graph, generated, n),
        },
        "balanced_accuracy": _named(nodes, uniform.balanced()),
        "balanced_accuracy_observational": _named(nodes, observational.balanced()),
    }


def _effectiveness_under_do(graph: CausalGraph, generated: Mapping[str, Judged], n: int) -> dict[str, Any]:
    """Agreement under single interventions, of the first n images of each.

    Returns:
        do: on the label that was set, mean of do(0) and do(1), which is its balanced accuracy; on the other labels,
        over all interventions. do_each: on every label under every intervention.
    """
    each = {text: seen.agreement(n) for text, seen in generated.items()}
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


def _frechet(
    observational: Seen,
    real: Seen,
    halves: tuple[np.ndarray, np.ndarray],
    generated: Mapping[str, Intervened],
    rendered: Mapping[str, Intervened],
) -> dict[str, Any]:
    each = {text: frechet_distance(generated[text].moments, rendered[text].moments) for text in rendered}
    return {
        "observational": frechet_distance(observational.features, real.features),
        "do": float(np.mean(list(each.values()))) if each else None,
        "control": frechet_distance(*halves),
        "do_each": each,
    }


def _by_features(
    extractor: FeatureExtractor, observational: Seen, real: Seen, halves: tuple[np.ndarray, np.ndarray], seed: int
) -> dict[str, dict[str, Any]]:
    """features: whose they are; kid with standard errors; precision, recall, density, coverage; with their control."""
    pairs = {"model": (real.features, observational.features), "control": halves}
    kid, figures = {}, {}
    for row, both in pairs.items():
        kid[row], kid[f"{row}_error"] = kernel_distance(*both, seed=seed)
        figures[row] = neighbours(*both, NEIGHBOURS)
    return {
        "features": {
            "extractor": extractor.name,
            "width": real.features.shape[1],
            "distance": extractor.distance,
            "neighbours": NEIGHBOURS,
        },
        "kid": kid,
        **{
            name: {row: getattr(found, name) for row, found in figures.items()}
            for name in ("precision", "recall", "density", "coverage")
        },
    }


def _diversity(source: Source, labels: np.ndarray, dataset: Dataset, seed: int) -> dict[str, float | None]:
    """Mean pixel distance of images with equal labels, over the label cells that both sets show twice."""
    real_labels = dataset.test.labels[: len(labels)]
    codes, real_codes = row_codes(labels), row_codes(real_labels)
    counts, real_counts = (Counter(both.tolist()) for both in (codes, real_codes))
    weights = {cell: rows for cell, rows in real_counts.items() if rows >= 2 and counts[cell] >= 2}
    if not weights:
        return {"model": None, "real": None}
    images = np.concatenate([drawn for _, drawn in source.chunks(labels, "images", seed)])
    return {
        "model": mean_pairwise_distance_within_cells(images, codes, weights),
        "real": mean_pairwise_distance_within_cells(dataset.test.images[: len(labels)], real_codes, weights),
    }


def _named(nodes: Sequence[str], values: np.ndarray) -> dict[str, float | None]:
    return {node: None if np.isnan(value) else float(value) for node, value in zip(nodes, values, strict=True)}


def _with_mean(nodes: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {"mean": float(np.mean(values)), **_named(nodes, values)}
