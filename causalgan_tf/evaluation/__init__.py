"""Measures a trained model against the data and, where it is known, against the truth under every intervention."""

import dataclasses
import platform
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.config import budget
from causalgan_tf.data.dataset import Dataset
from causalgan_tf.evaluation.classifier import EvaluationClassifier
from causalgan_tf.evaluation.features import FeatureExtractor
from causalgan_tf.evaluation.images import check_test, image_numbers
from causalgan_tf.evaluation.labels import fitted_distribution, label_numbers
from causalgan_tf.evaluation.metrics import ImageMetrics, LabelMetrics
from causalgan_tf.evaluation.sizes import EvaluationSizes
from causalgan_tf.inference.causal_model import CausalModel

__all__ = ["EvaluationSizes", "ImageMetrics", "LabelMetrics", "measure"]


def measure(
    model: CausalModel,
    dataset: Dataset,
    seed: int,
    sizes: EvaluationSizes | None = None,
    classifier: EvaluationClassifier | None = None,
    extractor: FeatureExtractor | None = None,
) -> dict[str, Any]:
    """Measures a model with every metric that applies; writes nothing.

    Every draw is seeded by `seed`, and no number depends on Python's, NumPy's or Keras' global seeds.

    Args:
        model: a trained model of the labels, or of labels and images.
        dataset: the data that it learnt, with the distribution and the renderer where they are known.
        seed: of every draw.
        sizes: how much is drawn; None: the defaults.
        classifier: a classifier trained on this dataset; None: one is trained.
        extractor: the features that distances and neighbours of images are measured by; None: the classifier's.

    Returns:
        A dict of plain Python values, with None where there is nothing to measure.
    """
    started = time.perf_counter()
    sizes = sizes or EvaluationSizes()
    budget.check_draw(max(sizes.draws, sizes.law, sizes.mmd), model.graph)
    if model.image_size is not None and dataset.train is not None:
        most = max(sizes.cfid, sizes.effectiveness, sizes.uniform, sizes.diversity, sizes.judge_test)
        check_test(dataset)
        budget.check_evaluation(most, model.image_size, dataset.train.images.shape[-1])
    fitted = fitted_distribution(dataset)
    truth = dataset.law or fitted
    numbers = {
        "graph": model.graph.to_text(),
        "law": "exact" if dataset.law else "fitted" if fitted else None,
        "labels": label_numbers(model, dataset, fitted, sizes, seed).to_json(),
    }
    if model.image_size is not None and dataset.train is not None:
        numbers["images"] = image_numbers(model, dataset, truth, sizes, seed, classifier, extractor).to_json()
    took = {"seconds": round(time.perf_counter() - started, 1)}
    return numbers | took | {"sizes": dataclasses.asdict(sizes), "versions": _versions()}


def _versions() -> dict[str, str]:
    packages = {"tensorflow": tf, "keras": keras, "numpy": np}
    return {"python": platform.python_version()} | {name: package.__version__ for name, package in packages.items()}
