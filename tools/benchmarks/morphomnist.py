"""Digits of Morpho-MNIST: do images show the digit, the thickness and the intensity that do() set?

    causalgan-train --flagfile=flags/morphomnist.flags --workdir=RUN
    python -m tools.benchmarks.morphomnist --workdir=RUN --out=tools/benchmarks/results/morphomnist.csv

docs/guide/own_images.md says which files it reads. Three do's, --images images of each: every digit, and the quartiles
of thickness and of intensity in the training rows, equally often; the other labels come from the model. Two judge: a
classifier trained on the real training images, and, for the intensity, its definition, the median of the pixels that
are at least half as bright as the brightest. The first line is what both say of the real images held out, whose labels
are known. Errors are mean absolute ones, thickness in pixels, intensity in grey levels. Lines of --out with the same
settings are replaced.
"""

from typing import Any

import numpy as np
import pandas as pd

import causalgan_tf
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import load
from causalgan_tf.data.dataset import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.classifier import EvaluationClassifier, train_classifier
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.inference.arguments import label_rows
from causalgan_tf.inference.causal_model import CausalModel
from tools.benchmarks.unseen_pairs import parsed, show

LABELS = ("digit", "thickness", "intensity")


def main() -> None:
    """Reads the arguments, measures and prints the table."""
    options = parsed(__doc__, 3_000, "do")
    config = RunConfig.load(options.workdir)
    dataset, model = load(config.data, config.seed), causalgan_tf.load(options.workdir)
    check(dataset)
    judge = train_classifier(dataset.train, dataset.graph.variables, config.seed)
    show(benchmark(dataset, model, judge, options.images, config.seed), options, config, "morphomnist")


def check(dataset: Dataset) -> None:
    """InputError unless the labels are the digit and two numbers."""
    if sorted(dataset.graph.nodes) != sorted(LABELS):
        raise InputError(
            f"The run has the labels {', '.join(dataset.graph.nodes)}: expected {', '.join(LABELS)}, as "
            "flags/morphomnist.flags has them."
        )
    for node in LABELS[1:]:
        if dataset.graph.variables[node].size is not None:
            raise InputError(f"The run's graph says that {node} is {dataset.graph.variables[node].text()}: a number.")


def benchmark(
    dataset: Dataset, model: CausalModel, judge: EvaluationClassifier, images: int, seed: int
) -> pd.DataFrame:
    """A line for the real images held out, one for each do and one for all of them.

    Args:
        dataset: real images and labels.
        model: trained on `dataset.train`.
        judge: trained on `dataset.train`.
        images: of each do.
        seed: of the draws.
    """
    lines = [errors(dataset, judge, "real, held out", dataset.test.labels, np.asarray(dataset.test.images))]
    labels, pictures = [], []
    for node in LABELS:
        dos = dos_of(dataset, node)
        for place, do in enumerate(dos):
            drawn = model.sample(images // len(dos), do=do, seed=seed + place)
            labels.append(label_rows(model.graph, drawn.labels))
            pictures.append(drawn.images)
        own = slice(-len(dos), None)
        lines.append(errors(dataset, judge, f"do({node})", np.concatenate(labels[own]), np.concatenate(pictures[own])))
    lines.append(errors(dataset, judge, "all do's", np.concatenate(labels), np.concatenate(pictures)))
    return pd.DataFrame(lines)


def dos_of(dataset: Dataset, node: str) -> list[dict[str, Any]]:
    """What is set: every category, or the quartiles of the training rows."""
    return [do for _, do in single_interventions(dataset.graph, dataset.train.labels) if node in do]


def errors(
    dataset: Dataset, judge: EvaluationClassifier, name: str, labels: np.ndarray, images: np.ndarray
) -> dict[str, float | str]:
    """One line: how far images uint8 [n, S, S, 1] are from labels [n, 3]."""
    said, column = judge.predict(images), {node: dataset.graph.index(node) for node in LABELS}
    digit, thickness, intensity = (np.abs(said[:, k] - labels[:, k]) for k in column.values())
    measured = np.abs(median_intensity(images) - labels[:, column["intensity"]])
    return {
        "images": name,
        "n": len(labels),
        "digit right": float((digit == 0).mean()),
        "thickness error": float(thickness.mean()),
        "intensity error": float(intensity.mean()),
        "measured intensity error": float(measured.mean()),
    }


def median_intensity(images: np.ndarray) -> np.ndarray:
    """Morpho-MNIST's intensity: the median of the pixels at least half as bright as the brightest, float64 [n].

    >>> median_intensity(np.array([0, 49, 100, 80, 60], np.uint8).reshape(1, 1, 5, 1)).tolist()
    [80.0]

    Args:
        images: uint8 [n, S, S, 1].
    """
    flat = np.asarray(images, np.float64).reshape(len(images), -1)
    return np.nanmedian(np.where(flat >= flat.max(axis=1, keepdims=True) / 2.0, flat, np.nan), axis=1)


if __name__ == "__main__":
    main()
