"""Real faces: do women on whom do() puts a mustache stay women? One judge sees all of a face, one not the mustache.

    causalgan-train --dataset=folder --graph=causal_graph_1_complete ... --workdir=RUN
    python -m tools.benchmarks.kept_sex --workdir=RUN --out=tools/benchmarks/results/kept_sex.csv

No real woman of the data has a mustache, so a classifier of whole faces reads sex off the lip as well: of real women
onto whose lip a mustache is painted it calls a third men. That is the line "with a painted mustache": STRENGTH times
the mean difference of men with and without one, in an ellipse at the upper lip. The second judge is trained and asked
with HIDDEN grey, the place where a mustache and a beard can be: what it says can only come from the rest of the face.
What it says of real women held out is the most that can be asked of generated ones. Both judges are balanced and
calibrated. Labels are of the training's distribution under do(Mustache=1), --images rows, of which the women are kept.

do() changes other labels, too: where Wearing_Lipstick is an effect of Mustache it takes nearly all women's lipstick
away, and both judges call fewer women without lipstick women. So there are real women of the labels that do() gives,
and generated ones with nothing but the mustache changed.
"""

from typing import Any

import numpy as np
import pandas as pd

import causalgan_tf
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import load
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.balanced_classifier import train_balanced_classifier
from causalgan_tf.evaluation.classifier import EvaluationClassifier
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.inference.causal_model import CausalModel
from tools.benchmarks.unseen_pairs import parsed, show

SEX, SET = "Male", "Mustache"
HIDDEN = (37 / 64, 58 / 64, 18 / 64, 46 / 64)  # top, bottom, left, right, shares of an aligned face
LIP = (44 / 64, 0.5, 4 / 64, 9 / 64)  # where the ellipse lies: middle (row, column) and half axes
STRENGTH = 3.0


def main() -> None:
    """Reads the arguments, trains the judges, measures and prints the table."""
    options = parsed(__doc__, 3_000, "do")
    config = RunConfig.load(options.workdir)
    dataset, model = load(config.data, config.seed), causalgan_tf.load(options.workdir)
    check(dataset)
    seed = derived_seed(config.seed, "judge")
    hidden = ImageSet(hide(np.asarray(dataset.train.images)), dataset.train.labels)
    whole, blind = (train_balanced_classifier(images, dataset.graph, seed) for images in (dataset.train, hidden))
    show(benchmark(dataset, model, whole, blind, options.images, config.seed), options, config, "kept_sex")


def check(dataset: Dataset) -> None:
    """InputError unless both labels are there, as 0 and 1."""
    for node in (SEX, SET):
        variable = dataset.graph.variables.get(node)
        if variable is None or variable.size != 2:
            raise InputError(f"The run's graph has no binary label {node}: expected one on CelebA's faces, aligned.")


def benchmark(
    dataset: Dataset,
    model: CausalModel,
    whole: EvaluationClassifier,
    blind: EvaluationClassifier,
    images: int,
    seed: int,
) -> pd.DataFrame:
    """A line each for real women and generated ones, with and without a mustache.

    Args:
        dataset: real faces.
        model: trained on `dataset.train`.
        whole: a judge of whole faces.
        blind: a judge of faces that went through `hide`.
        images: label rows drawn, women and men.
        seed: of the draws.
    """
    sex, mustache = dataset.graph.index(SEX), dataset.graph.index(SET)
    women = dataset.test.labels[:, sex] == 0
    real, labels = np.asarray(dataset.test.images)[women], dataset.test.labels[women]
    seen, under_do = (model.sample_labels(images, do=do, seed=seed) for do in (None, {SET: 1}))
    seen, under_do = seen[seen[:, sex] == 0], under_do[under_do[:, sex] == 0]
    put_on = seen.copy()
    put_on[:, mustache] = 1
    like = real[alike(under_do, labels, mustache, seed)]
    sets = {
        "real women, held out": real,
        "the same with a painted mustache": painted(real, dataset),
        f"real women, other labels as under do({SET}=1)": like,
        "these with a painted mustache": painted(like, dataset),
        "generated women": model.images_of(seen, seed),
        "the same women with a mustache put on, other labels kept": model.images_of(put_on, seed),
        f"generated women, do({SET}=1)": model.images_of(under_do, seed),
    }
    return pd.DataFrame([line(dataset, whole, blind, name, pictures) for name, pictures in sets.items()])


def alike(wanted: np.ndarray, held: np.ndarray, column: int, seed: int) -> np.ndarray:
    """Of each row of labels [n, K] the place, in held [m, K], of a row that differs least in all but one column.

    Where several differ as little, one of them by chance.

    >>> alike(np.array([[0, 1, 1], [1, 1, 0]]), np.array([[1, 0, 0], [0, 0, 1]]), 1, seed=0).tolist()
    [1, 0]
    """
    others = np.arange(held.shape[1]) != column
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(len(held)), (len(wanted), 1)), axis=1)
    apart = (wanted[:, None, others] != held[None, :, others]).sum(axis=2)
    nearest = np.take_along_axis(apart, order, axis=1).argmin(axis=1)
    return order[np.arange(len(wanted)), nearest]


def line(
    dataset: Dataset, whole: EvaluationClassifier, blind: EvaluationClassifier, name: str, women: np.ndarray
) -> dict[str, Any]:
    """Shares of women's images [n, S, S, C] that either judge calls women, and on which one sees a mustache."""
    sex, mustache = dataset.graph.index(SEX), dataset.graph.index(SET)
    said = whole.predict(women)
    return {
        "images": name,
        "n": len(women),
        "woman": float(np.mean(said[:, sex] == 0)),
        "woman, mouth and chin hidden": float(np.mean(blind.predict(hide(women))[:, sex] == 0)),
        "mustache": float(np.mean(said[:, mustache] == 1)),
    }


def hide(images: np.ndarray) -> np.ndarray:
    """Copies of images uint8 [n, S, S, C] in which mouth and chin are grey."""
    images, (top, bottom, left, right) = images.copy(), (round(share * images.shape[1]) for share in HIDDEN)
    images[:, top:bottom, left:right] = 128
    return images


def painted(women: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Images uint8 [n, S, S, C] of women with what sets men with a mustache apart, at the upper lip.

    Raises:
        InputError: no man with a mustache, or none without one, is there to learn that from.
    """
    sex, mustache = (dataset.train.labels[:, dataset.graph.index(node)] == 1 for node in (SEX, SET))
    if not (sex & mustache).any() or not (sex & ~mustache).any():
        raise InputError(f"No training image has {SEX}=1 with {SET}=1, or none with {SET}=0: expected both.")
    faces = np.asarray(dataset.train.images)
    difference = faces[sex & mustache].mean(axis=0) - faces[sex & ~mustache].mean(axis=0)
    rows, columns = (np.mgrid[: women.shape[1], : women.shape[2]] + 0.5) / women.shape[1]
    row, column, height, width = LIP
    distance = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2
    soft = np.clip(2.0 * (1.3 - distance), 0.0, 1.0)[..., None]
    return np.clip(women + STRENGTH * soft * difference, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
