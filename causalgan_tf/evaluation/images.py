"""The images: effectiveness, distances, neighbours and diversity, by a classifier that never saw a generated image."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sized
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from causalgan_tf.data.dataset import Dataset, ImageSet, label_cells, uniform_labels
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.balanced_classifier import evaluation_classifier
from causalgan_tf.evaluation.classifier import EvaluationClassifier
from causalgan_tf.evaluation.features import FeatureExtractor
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.evaluation.metrics import ImageMetrics
from causalgan_tf.evaluation.off_target import off_target_change
from causalgan_tf.evaluation.scoring import ImageScorer, Predictions, ScoredImages, ScoredIntervention, Source
from causalgan_tf.evaluation.sizes import FEWEST_TEST, NEIGHBOURS, EvaluationSizes, derived_seed
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.metrics.images import (
    frechet_distance,
    kernel_distance,
    mean_pairwise_distance_within_cells,
    neighbours,
)

SUPPORTED = 0.95  # share of an intervention's label rows with training images, from which on these support it


def classifier_split(dataset: Dataset, held_out: int) -> tuple[ImageSet, ImageSet]:
    """The classifier's training and test images: those of uniform cells if there are any, else observational ones."""
    if dataset.uniform is None:
        return dataset.train, dataset.test
    if dataset.uniform_test is not None:
        return dataset.uniform, dataset.uniform_test
    images, labels = dataset.uniform.images, dataset.uniform.labels
    # images that the classifier has seen would flatter it
    cut = len(labels) - min(held_out, len(labels) // 3)
    return ImageSet(images[:cut], labels[:cut]), ImageSet(images[cut:], labels[cut:])


def image_numbers(
    model: CausalModel,
    dataset: Dataset,
    distribution: LabelDistribution | None,
    sizes: EvaluationSizes,
    seed: int,
    classifier: EvaluationClassifier | None = None,
    extractor: FeatureExtractor | None = None,
) -> ImageMetrics:
    """Measures the images chunk by chunk: only labels and features of all images are in memory together.

    Args:
        model: a model of labels and images.
        dataset: real images, and the renderer if there is one.
        distribution: the true distribution of the labels under interventions, for the rendered images; None:
            dataset.sample_labels draws it.
        sizes: how much is drawn.
        seed: of the evaluation.
        classifier: a trained one; None: one is trained.
        extractor: what the features of distances and neighbours come from; None: the classifier.

    Returns:
        The "images" part of report.json. Its Frechet distance is named as the extractor says: "cfid" or "fid".
        Accuracies are of discrete labels, "continuous" holds the errors of the others. "support" is, of each
        intervention, the share of its generated label rows in whose cell there is a training image (the overlap or
        positivity of causal inference): on the others images extrapolate. "do_supported" of the Frechet distance is
        the mean over interventions with a support of at least "supported_from", None where there is none. Distances and
        neighbours of the model and of their control are of n["control"] images on either side.

    Raises:
        InputError: too few test images.
    """
    check_test(dataset)
    graph = dataset.graph
    train, held_out = classifier_split(dataset, sizes.judge_test)
    classifier = classifier or evaluation_classifier(dataset, train, derived_seed(seed, "judge"), sizes.judge_steps)
    scorer = ImageScorer(classifier, extractor or classifier, dataset.measures)
    real = scorer.score(dataset.test.labels[: sizes.cfid], dataset.test.images[: sizes.cfid])
    source = Source("generated", lambda n, do, s: model.sample_labels(n, do=do, seed=s), model.images_of)
    observational = scorer.observe(source, sizes.cfid, seed)
    generated, rendered = _both_under_every_do(source, observational, dataset, distribution, scorer, sizes, seed)
    uniform = _on_uniform_cells(source, scorer, dataset, sizes.uniform, seed)
    halves, unseen = _real_halves(scorer, dataset, real), scorer.predictions(held_out.labels, held_out.images)
    # distances fall and coverage grows with the number of images: the control has as many on either side
    pairs = {"control": halves, "model": tuple(own.features[: len(halves[0])] for own in (real, observational))}
    sets = {"real": unseen, "observational": observational, "uniform": uniform}
    support = _support(dataset, generated)
    return ImageMetrics(
        judge=_named(graph, unseen.agreement()),
        judge_cells="observational" if dataset.uniform is None else "uniform",
        judge_training=_training(classifier),
        judge_recall=_recalls(
            dataset, {"real": unseen, "observational": observational}, generated, sizes.effectiveness
        ),
        off_target=off_target_change(
            source, dataset, classifier, dict(single_interventions(graph, dataset.label_rows)), sizes.off_target, seed
        ),
        **_accuracies(dataset, observational, uniform, generated, sizes.effectiveness),
        continuous=_errors(dataset, sets, generated, sizes.effectiveness),
        support=support,
        supported_from=SUPPORTED,
        **_by_features(scorer.extractor, pairs, derived_seed(seed, "subsets")),
        frechet=_frechet(pairs, generated, rendered, support),
        diversity=_diversity(source, observational.labels[: sizes.diversity], dataset, seed),
        n={
            **_counts(judge_train=train, judge_test=held_out, observational=observational, uniform=uniform),
            **_counts(real=real, control=halves[0], diversity=observational.labels[: sizes.diversity]),
            "do_effectiveness": min(sizes.effectiveness, sizes.cfid),
            "do_cfid": sizes.cfid if rendered else 0,
        },
    )


def _counts(**sets: Sized) -> dict[str, int]:
    return {name: len(rows) for name, rows in sets.items()}


def check_test(dataset: Dataset) -> None:
    """InputError if there are too few test images to measure by."""
    if len(dataset.test) < FEWEST_TEST:
        raise InputError(
            f"There are {len(dataset.test)} test images, too few to measure by: expected at least {FEWEST_TEST}. "
            f"Train with --test_images={FEWEST_TEST} or more; of a folder a fifth is held out at most, so it needs at "
            f"least {5 * FEWEST_TEST} images."
        )


def _on_uniform_cells(source: Source, scorer: ImageScorer, dataset: Dataset, n: int, seed: int) -> Predictions:
    """Generated images whose labels are independent and uniform."""
    cells = uniform_labels(dataset.graph, dataset.label_rows, n, derived_seed(seed, "cells"))
    parts = [scorer.predictions(cells[rows], images) for rows, images in source.chunks(cells, "uniform", seed)]
    measured = np.concatenate([part.measured for part in parts]) if scorer.measures else None
    return Predictions(cells, np.concatenate([part.predicted for part in parts]), measured=measured)


def _both_under_every_do(
    source: Source,
    observational: ScoredImages,
    dataset: Dataset,
    distribution: LabelDistribution | None,
    scorer: ImageScorer,
    sizes: EvaluationSizes,
    seed: int,
) -> tuple[dict[str, ScoredIntervention], dict[str, ScoredIntervention]]:
    """The generated images under every single intervention and the true ones, which without a renderer are none."""
    interventions = list(single_interventions(dataset.graph, dataset.label_rows))
    if dataset.render is None:
        return scorer.under_every_do(source, observational.first(sizes.effectiveness), interventions, seed), {}
    rows = dataset.sample_labels or (lambda n, do, s: distribution.sample(n, seed=s, do=do))
    truth, plain = Source("rendered", rows, dataset.render), dataclasses.replace(scorer, measures={})

    def rendered() -> dict[str, ScoredIntervention]:
        return plain.under_every_do(truth, plain.observe(truth, sizes.cfid, seed), interventions, seed)

    # the renderer works in Python, the generator and the classifier in TensorFlow
    with ThreadPoolExecutor(1) as beside:
        rendering = beside.submit(rendered)
        return scorer.under_every_do(source, observational, interventions, seed), rendering.result()


def _real_halves(scorer: ImageScorer, dataset: Dataset, real: ScoredImages) -> tuple[np.ndarray, np.ndarray]:
    """Features of two equally large sets of real images, neither of which the classifier was trained on."""
    if dataset.uniform is None:
        half = len(real.features) // 2
        return real.features[:half], real.features[half : 2 * half]
    n = min(len(real.features), len(dataset.train))
    return scorer.extractor.features(dataset.train.images[:n]), real.features[:n]


def _accuracies(
    dataset: Dataset, observational: Predictions, uniform: Predictions, generated: Mapping[str, Predictions], n: int
) -> dict[str, dict[str, Any]]:
    """Effectiveness and balanced accuracies of discrete labels; `n` images of each intervention count."""
    graph = dataset.graph
    return {
        "effectiveness": {
            "observational": with_mean(graph, observational.agreement()),
            "uniform_cells": with_mean(graph, uniform.agreement()),
            **_effectiveness_under_do(dataset, generated, n),
        },
        "balanced_accuracy": _named(graph, uniform.balanced(graph)),
        "balanced_accuracy_observational": _named(graph, observational.balanced(graph)),
    }


def _training(judge: EvaluationClassifier) -> dict[str, Any]:
    """How the judge was trained, see judge.train_balanced_classifier."""
    return dict(judge.training or {"balanced": False, "overlap": {}, "calibrated": {}})


def _recalls(
    dataset: Dataset, sets: Mapping[str, Predictions], generated: Mapping[str, Predictions], n: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """How often the judge says a value on images that have it, of each discrete label's each value.

    Returns:
        Of each of `sets` and of "do", the first n images of do(X=x): the share, None where no image has the value; and
        "n", of the real images that have it.
    """
    graph, found = dataset.graph, {node: {} for node in _discrete_nodes(dataset.graph)}
    for text, do in single_interventions(graph, dataset.label_rows):
        ((node, shown),) = do.items()
        if node not in found:
            continue
        k, variable = graph.index(node), graph.variables[node]
        value = next(place for place in range(variable.size) if variable.shown(place) == shown)
        shares = {name: seen.recall(k, value) for name, seen in sets.items()}
        real = int((sets["real"].labels[:, k] == value).sum())
        found[node][str(shown)] = shares | {"do": generated[text].recall(k, value, n), "n": real}
    return found


def _effectiveness_under_do(dataset: Dataset, generated: Mapping[str, Predictions], n: int) -> dict[str, Any]:
    """Agreement of discrete labels under single interventions, of the first n images of each.

    Returns:
        do: on the label that was set, mean over its values, which is its balanced accuracy; on the other labels,
        over all interventions. do_each: on every label under every intervention.
    """
    graph = dataset.graph
    each = {text: seen.agreement(n) for text, seen in generated.items()}
    own, others = {graph.nodes[k]: 0.0 for k in _discrete(graph)}, []
    for text, do in single_interventions(graph, dataset.label_rows):
        node = next(iter(do))
        if node in own:
            # over the values, not over the images: a label that is always said to be absent gets a half
            own[node] += float(each[text][graph.index(node)]) / graph.variables[node].size
        others.extend(each[text][[k for k in _discrete(graph) if graph.nodes[k] != node]])
    mean = float(np.mean(list(own.values()))) if own else None
    return {
        "do": {"mean": mean, "other_labels": float(np.mean(others)) if others else None, "labels": own},
        "do_each": {text: _named(graph, agreement) for text, agreement in each.items()},
    }


def _errors(
    dataset: Dataset, sets: Mapping[str, Predictions], generated: Mapping[str, Predictions], n: int
) -> dict[str, dict[str, Any]]:
    """How far the continuous labels that images show are from those that they were drawn for.

    Returns:
        Of each continuous label its "sd" in the data and, as mean absolute errors in its own unit, what the "judge"
        reads and what is "measured" without one (None where nothing measures it): "real", on images of the truth that
        the classifier has not seen, which is the error of classifier and measure themselves; "observational", "uniform"
        and "do", the mean over "do_each", where the label was set, of the first n images each.
    """
    graph, found = dataset.graph, {}
    for k, (node, variable) in enumerate(graph.variables.items()):
        if variable.size:
            continue
        own = [text for text, do in single_interventions(graph, dataset.label_rows) if node in do]
        errors = {name: seen.errors() for name, seen in sets.items()}
        errors |= {text: generated[text].errors(n) for text in own}
        found[node] = {"sd": variable.std, "judge": None, "measured": None}
        for place, by in enumerate(("judge", "measured")):
            if by == "judge" or node in dataset.measures:
                mae = {name: float(pair[place][k]) for name, pair in errors.items()}
                each = {text: mae.pop(text) for text in own}
                found[node][by] = mae | {"do": float(np.mean(list(each.values()))), "do_each": each}
    return found


def _support(dataset: Dataset, generated: Mapping[str, Predictions]) -> dict[str, float]:
    """The share of label rows whose cell occurs in the training images, for each intervention."""
    observed = np.unique(label_cells(dataset.graph, dataset.train.labels, dataset.label_rows))
    return {
        text: float(np.isin(label_cells(dataset.graph, seen.labels, dataset.label_rows), observed).mean())
        for text, seen in generated.items()
    }


def _frechet(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]],
    generated: Mapping[str, ScoredIntervention],
    rendered: Mapping[str, ScoredIntervention],
    support: Mapping[str, float],
) -> dict[str, Any]:
    each = {text: frechet_distance(generated[text].moments, rendered[text].moments) for text in rendered}
    # images of cells without training images are extrapolated, and a mean over both kinds tells of neither
    supported = [distance for text, distance in each.items() if support[text] >= SUPPORTED]
    return {
        "observational": frechet_distance(*pairs["model"]),
        "do": float(np.mean(list(each.values()))) if each else None,
        "do_supported": float(np.mean(supported)) if supported else None,
        "control": frechet_distance(*pairs["control"]),
        "do_each": each,
    }


def _by_features(
    extractor: FeatureExtractor, pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], seed: int
) -> dict[str, dict[str, Any]]:
    """features: whose they are; kid with standard errors; precision, recall, density, coverage; with their control."""
    kid, figures = {}, {}
    for row, both in pairs.items():
        kid[row], kid[f"{row}_error"] = kernel_distance(*both, seed=seed)
        figures[row] = neighbours(*both, NEIGHBOURS)
    return {
        "features": {
            "extractor": extractor.name,
            "width": pairs["model"][0].shape[1],
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
    codes, real_codes = (label_cells(dataset.graph, rows, dataset.label_rows) for rows in (labels, real_labels))
    counts, real_counts = (Counter(both.tolist()) for both in (codes, real_codes))
    # the real images' counts for both: a model that draws other labels is not less diverse for it
    weights = {cell: rows for cell, rows in real_counts.items() if rows >= 2 and counts[cell] >= 2}
    if not weights:
        return {"model": None, "real": None}
    images = np.concatenate([drawn for _, drawn in source.chunks(labels, "images", seed)])
    return {
        "model": mean_pairwise_distance_within_cells(images, codes, weights),
        "real": mean_pairwise_distance_within_cells(dataset.test.images[: len(labels)], real_codes, weights),
    }


def _discrete(graph: CausalGraph) -> list[int]:
    """The columns of the labels that have a number of values."""
    return [k for k, variable in enumerate(graph.variables.values()) if variable.size]


def _discrete_nodes(graph: CausalGraph) -> list[str]:
    """The labels that have a number of values."""
    return [graph.nodes[k] for k in _discrete(graph)]


def _named(graph: CausalGraph, values: np.ndarray) -> dict[str, float | None]:
    """Those of values [K] that are of discrete labels, by name."""
    return {graph.nodes[k]: None if np.isnan(values[k]) else float(values[k]) for k in _discrete(graph)}


def with_mean(graph: CausalGraph, values: np.ndarray) -> dict[str, Any]:
    """The mean of values [K] of discrete labels, and each one apart from it: a label may be called mean."""
    own = values[_discrete(graph)]
    return {"mean": float(np.mean(own)) if own.size else None, "labels": _named(graph, values)}
