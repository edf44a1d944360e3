"""The ablation table: what each part of the recipes is worth, every row trained for equally long.

    python -m tools.benchmarks.ablation --out=/tmp/ablation [--minutes=6] [--seeds=3] [--rows=default,no_labeler]

On the built-in faces, 32 x 32, generators and discriminators of one width. A row is an image model: the product's with
other settings, another way to give a generator its labels (baselines.py), a change that is under trial (variants.py) or
a flow (flow_matching.py). ablation_rows.py names them all. A row's training lasts `--minutes` of wall time after the
first compiled call. Its learning rates fall by the share of that time instead of the share of its steps, so that a slow
row is not cut off before its rates have fallen. The labels are drawn from the exact law, in training and in evaluation:
no controller's errors enter. The row `joint` alone learns them.

All rows of a data seed are measured by one judge, on the same label rows and against the same rendered do-images. The
row `real` is fresh images of the truth in place of a model's. Run it on an idle machine: `cpu_s` beside `wall_s` in the
csv shows how many processors a training had. On a machine with other work --clock=cpu counts processor time instead.
The evaluation of the row `flow` takes far longer than its training: an image is 20 passes of a large network.
The decay of the anti-labeler's weight and CausalBEGAN's controllers still go by steps.

Writes ablation.csv, ablation.md, ablation.png and .svg, and samples/ROW_SEED.png. Runs that ablation.csv holds are not
repeated; one that is interrupted starts again.
"""

import argparse
import dataclasses
import functools
import os
import pathlib
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from PIL import Image

from causalgan_tf import data, noise
from causalgan_tf.config import DataConfig, RunConfig
from causalgan_tf.data import Dataset
from causalgan_tf.evaluation.classifier import EvaluationClassifier, train_classifier
from causalgan_tf.evaluation.images import classifier_split, image_numbers
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.evaluation.sizes import EvaluationSizes, derived_seed
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.image_sampler import ImageSampler
from causalgan_tf.learners.image_learner import ImageLearner
from causalgan_tf.learners.optimization import ExponentialAfter, LimitedAdam
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.reporting import pictures
from causalgan_tf.training import builders, stages
from tools.benchmarks import ablation_table, baselines
from tools.benchmarks.ablation_rows import Row, rows
from tools.benchmarks.tvd_figure import append

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
SHOWN = ("Mustache", "Wearing_Lipstick", "Eyeglasses", "Bald")  # interventions in the pictures
COLUMNS = 16  # images in a row of the pictures
LABEL_ROWS = 100_000  # that a label law is counted in


class ExactLabels:
    """Labels by the true law, images by whatever draws them: all that evaluation.images asks of a CausalModel."""

    def __init__(self, law: LabelDistribution, images_of: Callable[[np.ndarray, int], np.ndarray]) -> None:
        """`images_of`: (labels [n, K], seed) to uint8 [n, S, S, C]."""
        self.graph, self.law, self.images_of = law.graph, law, images_of

    def sample_labels(self, n: int, do: Mapping[str, int] | None = None, seed: int = 0) -> np.ndarray:
        """uint8 [n, K]; row i is the same unit under any do."""
        return self.law.sample(n, seed=seed, do=do)


class LawSampler:
    """The true law as the learners draw labels: row seeds int64 [B] to float32 [B, K] of 0/1."""

    def __init__(self, law: LabelDistribution) -> None:
        self.graph = law.graph
        self.tables = {node: tf.constant(law.tables[node][..., 1], tf.float32) for node in law.graph.nodes}

    def __call__(self, seeds: tf.Tensor) -> tf.Tensor:
        """One number of noise a node decides it, given its parents."""
        drawn = 0.5 * (noise.uniform(seeds, self.graph.nodes, 1) + 1.0)
        labels: dict[str, tf.Tensor] = {}
        for node, number in zip(self.graph.nodes, tf.unstack(drawn), strict=True):
            parents = self.graph.parents[node]
            chance = self.tables[node]
            if parents:
                chance = tf.gather_nd(chance, tf.stack([labels[parent] for parent in parents], -1))
            labels[node] = tf.cast(number < chance, tf.int32)
        return tf.cast(tf.stack([labels[node] for node in self.graph.nodes], -1), tf.float32)


@dataclasses.dataclass(frozen=True)
class Rendered:
    """A renderer that keeps in a folder what it has drawn: every row is held against the same do-images."""

    render: Callable[[np.ndarray, int], np.ndarray]
    folder: pathlib.Path

    def __call__(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """uint8 [n, S, S, C] of labels [n, K]."""
        path = self.folder / f"{seed}_{len(labels)}_{zlib.crc32(np.ascontiguousarray(labels)):08x}.npy"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part")  # another process may be drawing the same
            with partial.open("wb") as file:
                np.save(file, self.render(labels, seed))
            partial.rename(path)
        return np.load(path)


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all rows share.

    Attributes:
        config: where the data come from.
        dataset: the data, with the law and the renderer.
        judge: measures every row.
        sizes: how much is measured.
        seconds: time of a training.
        clock: of `CLOCKS`, which counts it.
        seed: of the data, and of the evaluation, which draws the same labels for every row.
    """

    config: DataConfig
    dataset: Dataset
    judge: EvaluationClassifier
    sizes: EvaluationSizes
    seconds: float
    clock: str
    seed: int

    def measure(self, model: Any) -> dict[str, float]:
        """The figures of the table, by column."""
        numbers = image_numbers(model, self.dataset, self.dataset.law, self.sizes, self.seed, self.judge)
        return ablation_table.figures(numbers.to_json())

    def finish(self, name: str, row: Row | None, seed: int, samples: pathlib.Path) -> dict[str, float]:
        """The figures of a row, or without one those of the truth; a picture goes to the folder of samples."""
        try:
            model, found = self.train(row, seed) if row else (ExactLabels(self.dataset.law, self.dataset.render), {})
        except FloatingPointError as error:
            print(f"{name} {seed} has no figures: {error}", flush=True)
            return {}
        samples.mkdir(exist_ok=True)
        picture(model).save(samples / f"{name}_{seed}.png")
        return found | self.measure(model)

    def train(self, row: Row, seed: int) -> tuple[Any, dict[str, float]]:
        """A trained row as evaluation.images takes it, and the figures of its training."""
        config = RunConfig(data=self.config, image=row.image, gan=row.gan, began=row.began, seed=10 * seed)
        codec = stages.label_codec(config, self.dataset)
        build = row.build or builders.build_images
        with builders.dtype_policy_scope(row.image.precision):
            learner = build(config, self.dataset.graph, LawSampler(self.dataset.law), codec)
        found = timed_training(learner, stages.real_rows(self.dataset, config, 0), config, self.seconds, self.clock)
        if isinstance(learner, baselines.Joint):
            mechanisms, encoding = learner.averaged_labels, row.image.label_encoding
            model = CausalModel(self.dataset.graph, mechanisms, learner.averaged, encoding)
            return model, found | label_errors(model, self.dataset.law)
        sampler = ImageSampler(learner.averaged, row.image.label_encoding, list(self.dataset.graph.variables.values()))
        return ExactLabels(self.dataset.law, functools.partial(seeded, sampler)), found


def timed_training(
    learner: ImageLearner, batches: tf.data.Dataset, config: RunConfig, seconds: float, clock: str = "wall"
) -> dict[str, float]:
    """Trains for so long by a clock; the first compiled call trains too, but its time is not counted."""
    c, iterator, schedules = config.image, iter(batches), {}
    for name, network in learner.players.items():
        rate = c.discriminator_learning_rate if name == "discriminator" else c.learning_rate
        schedules[name] = ExponentialAfter(rate, c.decay_start * seconds, seconds, c.decay_to)
        # the learner's own learning rates follow a number of steps that is not known yet
        learner.optimizers[name] = LimitedAdam(rate, c.beta1, c.gradient_limit)
        if tune := getattr(learner, "tune", None):
            tune(learner.optimizers[name])
        learner.optimizers[name].build(network.trainable_variables)
    logs = learner.train_call(iterator)
    first, passed = int(learner.step), dict.fromkeys(CLOCKS, 0.0)
    starts = {name: read() for name, read in CLOCKS.items()}
    while passed[clock] < seconds:
        for name, schedule in schedules.items():
            learner.optimizers[name].learning_rate = schedule(tf.constant(passed[clock], tf.float32))
        if at := getattr(learner, "at", None):
            at(passed[clock] / seconds)
        logs = learner.train_call(iterator)
        wrong = [name for name, value in logs.items() if not np.isfinite(value)]
        if wrong:
            raise FloatingPointError(f"{wrong[0]} is no longer finite after {int(learner.step)} steps.")
        passed = {name: read() - starts[name] for name, read in CLOCKS.items()}
    steps = int(learner.step)
    rate = (steps - first) * c.batch_size / passed[clock]
    return {"steps": steps, "images_per_s": rate} | {f"{name}_s": passed[name] for name in CLOCKS}


def seeded(sampler: ImageSampler, labels: np.ndarray, seed: int) -> np.ndarray:
    """Images of labels, uint8 [n, S, S, C], each with noise of its own."""
    return sampler.draw(labels, noise.row_seeds(seed, 0, len(labels)).numpy())


def label_errors(model: CausalModel, law: LabelDistribution) -> dict[str, float]:
    """TVD of learnt labels to the true law, and its mean over all single interventions."""

    def distance(do: dict | None) -> float:
        return total_variation(histogram(model.sample_labels(LABEL_ROWS, do=do)), law.joint(do))

    each = [distance(do) for _, do in single_interventions(law.graph)]
    return {"label_tvd": distance(None), "label_tvd_do": float(np.mean(each))}


def picture(model: Any) -> Image.Image:
    """Samples without an intervention and under some, and one label vector with several draws of noise."""
    nodes = [node for node in SHOWN if node in model.graph.nodes]
    drawn = {"no intervention": None} | {f"do({node}=1)": {node: 1} for node in nodes}
    labels = {caption: model.sample_labels(COLUMNS, do=do, seed=1) for caption, do in drawn.items()}
    labels["one label vector, other noise"] = np.repeat(labels["no intervention"][:1], COLUMNS, axis=0)
    return pictures.strips({caption: model.images_of(own, seed=1) for caption, own in labels.items()}, COLUMNS, 2)


def main() -> None:
    options = parsed()
    table, every = options.out / "ablation.csv", rows(options.width, options.arithmetic)
    wanted = options.rows.split(",") if options.rows else list(every)
    if unknown := set(wanted) - set(every):
        raise SystemExit(f"--rows: expected some of {','.join(every)}, got {sorted(unknown)[0]!r}.")
    settings = {name: getattr(options, name) for name in ablation_table.SETTINGS}
    todo = [{"row": name, "seed": seed} for seed in range(options.seeds) for name in wanted]
    todo = [settings | key for key in ({"row": ablation_table.REAL, "seed": 0}, *todo)]
    bench = None
    for key in todo:
        if held(table, key):
            continue
        bench = bench or prepared(options)
        found = bench.finish(key["row"], every.get(key["row"]), key["seed"], options.out / "samples")
        append(table, [key | ablation_table.rounded(found)])
        print(key["row"], key["seed"], ablation_table.rounded(found), flush=True)
        keras.utils.clear_session(free_memory=True)
    ablation_table.write(options.out, pd.read_csv(table), settings, every, options.seeds)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What each part of the image models is worth, for equal time.")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the csv, the figure and the samples")
    parser.add_argument("--data_dir", default="", help="where the rendered faces are kept; empty: TFDS' default")
    parser.add_argument("--rows", default="", help="names of rows; empty: all of them")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each row")
    parser.add_argument("--minutes", type=float, default=6.0, help="time of a training, compilation left out")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: processor time, summed over processors")
    parser.add_argument("--arithmetic", choices=("float32", "bfloat16"), default="float32", help="of the networks")
    parser.add_argument("--width", type=int, default=32, help="channels of CausalGAN's finest blocks")
    parser.add_argument("--train_images", type=int, default=20_000, help="real images; the judge's are 3/5 as many")
    parser.add_argument("--images", type=int, default=5_000, help="images on either side of a distance")
    parser.add_argument("--judge_steps", type=int, default=800, help="optimizer steps of the judge")
    parser.add_argument("--data_seed", type=int, default=0, help="seed of the data, the judge and the evaluation")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def prepared(options: argparse.Namespace) -> Bench:
    """Data, judge and sizes; the judge is trained once and lies beside the csv."""
    n, seed = options.images, options.data_seed
    config = DataConfig(
        train_images=options.train_images,
        uniform_images=3 * options.train_images // 5,
        test_images=n,
        data_dir=options.data_dir,
    )
    sizes = EvaluationSizes(
        effectiveness=min(EvaluationSizes.effectiveness, n),
        uniform=n,
        cfid=n,
        diversity=n,
        judge_test=min(EvaluationSizes.judge_test, n),
        judge_steps=options.judge_steps,
    )
    dataset = data.load(config, seed)
    dataset = dataclasses.replace(dataset, render=Rendered(dataset.render, options.out / "rendered"))
    path = options.out / f"judge_{seed}_{options.judge_steps}_{options.train_images}_{n}.npz"
    if not path.exists():
        seen, _ = classifier_split(dataset, sizes.judge_test)
        train_classifier(seen, dataset.graph.variables, derived_seed(seed, "judge"), sizes.judge_steps).save(path)
    return Bench(config, dataset, EvaluationClassifier.load(path), sizes, 60.0 * options.minutes, options.clock, seed)


def held(table: pathlib.Path, key: dict) -> bool:
    """Whether the csv holds this run."""
    if not table.exists():
        return False
    found = pd.read_csv(table)
    return bool((found[list(key)] == pd.Series(key)).all(axis=1).any())


if __name__ == "__main__":
    main()
