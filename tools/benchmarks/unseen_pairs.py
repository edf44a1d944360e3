"""Colored Digits: do images show a digit in a colour in which no image showed it?

    causalgan-train --flagfile=flags/colored_digits.flags --workdir=RUN
    python -m tools.benchmarks.unseen_pairs --workdir=RUN --out=tools/benchmarks/results/unseen_pairs.csv

RUN is a run on dataset=colored_digits, in whose images each digit has two colours. Of all hundred pairs of digit and
colour --images each are drawn, under do(digit, colour). A classifier that was trained on rendered images of all pairs
says what they show; its own accuracy, on rendered images of written digits that nothing was trained on, is the first
line. The colour is also measured without a network. CoInD (ICLR 2025) asks the same of 60,000 digits of 28 x 28; here
are 1,797 of 8 x 8, so figures cannot be compared across. Lines of --out with the same settings and seed are replaced.
"""

import argparse
import os
import pathlib
import shlex

import numpy as np
import pandas as pd

import causalgan_tf
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import load
from causalgan_tf.data.colored_digits import law, nearest_colour
from causalgan_tf.data.dataset import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation.classifier import EvaluationClassifier, train_classifier
from causalgan_tf.graphs.cells import cells, row_codes

KEY = ["settings", "seed", "images"]


def main() -> None:
    """Reads the arguments, measures and prints the table."""
    options = parsed(__doc__, 40, "pair")
    config = RunConfig.load(options.workdir)
    show(benchmark(options.workdir, config, options.images), options, config, "unseen_pairs")


def parsed(text: str, images: int, each: str) -> argparse.Namespace:
    """What a benchmark of a run's images is told: its run, how many images, where its lines go.

    Args:
        text: of the help.
        images: how many by default.
        each: of what.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=pathlib.Path, required=True)
    parser.add_argument("--settings", default="preset", help="what the lines of --out call this run")
    parser.add_argument("--images", type=int, default=images, help=f"images of each {each}")
    parser.add_argument("--out", type=pathlib.Path, help="csv of results")
    return parser.parse_args()


def show(table: pd.DataFrame, options: argparse.Namespace, config: RunConfig, benchmark: str) -> None:
    """Prints a run's table; with --out its lines are written too."""
    print(table.round(3).to_string(index=False))
    if options.out:
        told = f"{training(config)}; python -m tools.benchmarks.{benchmark} --workdir=RUN --images={options.images}"
        key = {"settings": options.settings, "seed": config.seed, "steps": config.image.steps, "command": told}
        written(table.round(4).assign(**key), options.out)


def training(config: RunConfig) -> str:
    """The command that trains a run of this configuration; of files and folders it says the last name alone.

    >>> training(RunConfig(seed=1))
    'causalgan-train --seed=1 --workdir=RUN'
    """

    def bare(flag: str) -> str:
        name, value = flag.split("=", 1)
        return f"{name}={pathlib.Path(value).name if os.sep in value and pathlib.Path(value).exists() else value}"

    return shlex.join(["causalgan-train", *map(bare, config.flags()), "--workdir=RUN"])


def benchmark(workdir: pathlib.Path, config: RunConfig, each: int) -> pd.DataFrame:
    """A line for the judge's own accuracy, and for generated images of seen and of unseen pairs.

    Args:
        workdir: a run with images.
        config: its configuration.
        each: images of each of the hundred pairs.

    Raises:
        InputError: the run has other data.
    """
    if config.data.dataset != "colored_digits":
        raise InputError(f"{workdir} has dataset={config.data.dataset}: expected a run on colored_digits.")
    dataset, model = load(config.data, config.seed), causalgan_tf.load(workdir)
    judge = train_classifier(dataset.uniform, dataset.graph.variables, seed=config.seed)
    asked = np.repeat(cells(dataset.graph.sizes), each, axis=0)
    return shares(dataset, judge, asked, model.images_of(asked, config.seed))


def shares(dataset: Dataset, judge: EvaluationClassifier, asked: np.ndarray, images: np.ndarray) -> pd.DataFrame:
    """Shares of images that show what was asked, on rendered ones and on generated ones of seen and unseen pairs.

    Args:
        dataset: Colored Digits.
        judge: trained on all pairs.
        asked: label rows [n, 2].
        images: uint8 [n, S, S, 3], generated for them.
    """
    places = [dataset.graph.index(node) for node in law().graph.nodes]
    seen = law().joint()[row_codes(asked[:, places], law().sizes)] > 0
    test = dataset.uniform_test
    parts = {
        "rendered, held-out digits": (test.labels, test.images),
        "seen pairs": (asked[seen], images[seen]),
        "unseen pairs": (asked[~seen], images[~seen]),
    }
    lines = []
    for name, (labels, pictures) in parts.items():
        right = dict(zip(dataset.graph.nodes, (judge.predict(pictures) == labels).T, strict=True))
        colour = nearest_colour(pictures) == labels[:, dataset.graph.index("colour")]
        shown = {"digit": right["digit"], "colour": right["colour"], "both": right["digit"] & right["colour"]}
        shares = {what: float(np.mean(flags)) for what, flags in shown.items()}
        lines.append({"images": name, "n": len(labels), **shares, "measured colour": float(colour.mean())})
    return pd.DataFrame(lines)


def written(lines: pd.DataFrame, path: pathlib.Path) -> None:
    """Adds lines to a csv, in place of those with the same settings, seed and images."""
    old = pd.read_csv(path) if path.exists() else lines.iloc[:0]
    kept = old[~old[KEY].apply(tuple, axis=1).isin(set(lines[KEY].apply(tuple, axis=1)))] if len(old) else old
    path.parent.mkdir(parents=True, exist_ok=True)
    (pd.concat([kept, lines]) if len(kept) else lines).to_csv(path, index=False)


if __name__ == "__main__":
    main()
