"""Measures a trained model against the data and, where it is known, against the truth under every intervention."""

import dataclasses
import pathlib
import platform
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import runs
from causalgan_tf.causal_model import CausalModel
from causalgan_tf.config import RunConfig
from causalgan_tf.data.images import Dataset
from causalgan_tf.evaluation.images import image_numbers
from causalgan_tf.evaluation.labels import fitted_law, label_numbers
from causalgan_tf.evaluation.metrics import ImageMetrics, LabelMetrics
from causalgan_tf.evaluation.sizes import EvaluationSizes
from causalgan_tf.extractors import FeatureExtractor
from causalgan_tf.judge import Judge

PHASES = ("install_s", "data_s", "controller_train_s", "image_train_s")

__all__ = ["EvaluationSizes", "ImageMetrics", "LabelMetrics", "evaluate"]


def evaluate(
    model: CausalModel,
    dataset: Dataset,
    config: RunConfig,
    workdir: str | pathlib.Path,
    sizes: EvaluationSizes | None = None,
    judge: Judge | None = None,
    extractor: FeatureExtractor | None = None,
) -> dict[str, Any]:
    """The numbers of report.json; writes nothing.

    Every draw is seeded by `config.seed`, and no number depends on Python's, NumPy's or Keras' global seeds.

    Args:
        model: a trained model of the labels, or of labels and images.
        dataset: the data that it learnt, with the law and the renderer where they are known.
        config: the run's configuration.
        workdir: the run folder, whose timing.json holds the seconds of the phases before.
        sizes: how much is drawn; None: the defaults.
        judge: a judge trained on this dataset; None: one is trained.
        extractor: the features that distances and neighbours of images are measured by; None: the judge's.

    Returns:
        A dict of plain Python values, with None where there is nothing to measure.
    """
    started = time.perf_counter()
    sizes = sizes or EvaluationSizes()
    fitted = fitted_law(dataset)
    law = dataset.law or fitted
    numbers = {
        "graph": model.graph.to_text(),
        "dataset": config.data.dataset,
        "law": "exact" if dataset.law else "fitted" if fitted else None,
        "labels": label_numbers(model, dataset, fitted, sizes, config.seed).to_json(),
    }
    if model.image_size is not None and dataset.train is not None:
        images = image_numbers(model, dataset, law, sizes, config.seed, judge, extractor)
        numbers["images"] = images.to_json()
    known = runs.read_timing(pathlib.Path(workdir))
    timing = {phase: known.get(phase) for phase in PHASES} | {"evaluate_s": round(time.perf_counter() - started, 1)}
    timing["total_s"] = round(sum(seconds for seconds in timing.values() if seconds is not None), 1)
    return numbers | {
        "timing": timing,
        "config": dataclasses.asdict(config),
        "sizes": dataclasses.asdict(sizes),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    packages = {"tensorflow": tf, "keras": keras, "numpy": np}
    return {"python": platform.python_version()} | {name: package.__version__ for name, package in packages.items()}
