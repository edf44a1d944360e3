"""Counterfactuals of held-out rendered faces against rendered counterfactuals of the same unit.

    python -m tools.benchmarks.image_counterfactuals --workdir=runs/demo

WORKDIR is a run of the built-in faces. An encoder is fitted to its generator. Of 256 held-out faces each label is
switched in turn, and the labels that descend from it are those of the unit in the true model's place: the same ones for
the rendered and for the generated image. The columns, of images in [0, 255]:

- effectiveness: share in which the report's classifier sees the label that was set;
- error: mean absolute difference to the rendered counterfactual, and by that of a random rendered face of these labels;
- composition: the same of an image whose labels stay, drawn anew from the noise that was found, without the residual
  (with it the image is given back as it came);
- reversibility: the difference to the image, switched there and back;
- minimality: the counterfactual latent divergence of Monteiro et al. (ICLR 2023), of absolute differences,
  log(.8 e^P(S* <= d) + .2 e^P(S >= d)); the lower the better, the rendered one's beside it;
- seconds an image, in batches of 64.
"""

import argparse
import pathlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from causalgan_tf.data.dataset import Dataset
    from causalgan_tf.evaluation.classifier import EvaluationClassifier
    from causalgan_tf.inference.image_units import ImageUnits

FACES, UNIT, OTHER, NEAR, KEPT = 256, 77, 12_345, 20, 2_000
W_SET, W_SEEN = 0.8, 0.2


def main() -> None:
    """Reads the arguments, prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=pathlib.Path, required=True, help="a run of the built-in faces")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/image_counterfactuals.csv"))
    parser.add_argument("--encoder_steps", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    table = pd.DataFrame(list(measured(arguments)))
    table.loc[len(table)] = {"label": "mean", **table.drop(columns="label").mean().round(3)}
    print(table.to_string(index=False))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.out, index=False)


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row a label."""
    from causalgan_tf.evaluation.classifier import train_classifier
    from causalgan_tf.evaluation.images import classifier_split
    from causalgan_tf.inference.image_units import ImageUnits
    from causalgan_tf.runs.run_folder import Run
    from causalgan_tf.training.encoding import fit_encoder

    run = Run.open(arguments.workdir)
    dataset, model = run.dataset(), run.model()
    start = time.perf_counter()
    fit_encoder(model, arguments.encoder_steps, arguments.seed)
    print(f"encoder: {time.perf_counter() - start:.0f} s")
    units, (seen, kept) = ImageUnits(model.images, model.encoder), classifier_split(dataset, KEPT)
    judge = train_classifier(seen, dataset.graph.variables, arguments.seed)
    print(f"the classifier on rendered faces it has not seen: {(judge.predict(kept.images) == kept.labels).mean():.4f}")
    labels = dataset.test.labels[:FACES].astype(np.float32)
    read = units.read(dataset.render(labels, UNIT))
    print(f"labels read off held-out faces: {(read == labels).mean():.4f}")
    for k, node in enumerate(dataset.graph.nodes):
        yield {"label": node} | switched(dataset, units, judge, labels, k)


def switched(
    dataset: "Dataset", units: "ImageUnits", judge: "EvaluationClassifier", labels: np.ndarray, k: int
) -> dict[str, float]:
    """The figures of a label that is switched."""
    under = labels.copy()
    under[:, k] = 1.0 - under[:, k]
    images, truth, other = dataset.render(labels, UNIT), dataset.render(under, UNIT), dataset.render(under, OTHER)
    start = time.perf_counter()
    made = units.counterfactual(images, labels, under)
    seconds = (time.perf_counter() - start) / len(images)
    back, alike = units.counterfactual(made, under, labels), units.redrawn(images, labels)
    random = away(other, truth)
    return {
        "effectiveness": float((judge.predict(made)[:, k] == under[:, k]).mean()),
        "error": round(away(made, truth), 2),
        "of a random face's": round(away(made, truth) / random, 3),
        "composition": round(away(alike, images) / random, 3),
        "reversibility": round(away(back, images) / random, 3),
        "minimality": round(divergence(dataset, images, made, labels, under), 3),
        "minimality, rendered": round(divergence(dataset, images, truth, labels, under), 3),
        "seconds": round(seconds, 3),
    }


def divergence(
    dataset: "Dataset", images: np.ndarray, made: np.ndarray, labels: np.ndarray, under: np.ndarray
) -> float:
    """The mean counterfactual latent divergence, of absolute differences."""
    own, among, beside = apart(images, made), np.zeros(len(images)), np.zeros(len(images))
    for seed in range(NEAR):
        beside += apart(images, dataset.render(labels, 1_000 + seed)) >= own
        among += apart(images, dataset.render(under, 1_000 + seed)) <= own
    return float(np.log(W_SET * np.exp(among / NEAR) + W_SEEN * np.exp(beside / NEAR)).mean())


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean absolute difference of each pair of images [n]."""
    return np.abs(a.astype(np.float32) - b.astype(np.float32)).mean((1, 2, 3))


def away(a: np.ndarray, b: np.ndarray) -> float:
    """Its mean."""
    return float(apart(a, b).mean())


if __name__ == "__main__":
    main()
