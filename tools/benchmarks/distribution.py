"""What a distribution strategy costs, and whether batches are made as fast as they are used.

    python -m tools.benchmarks.distribution --out=tools/benchmarks/results/distribution.csv [--rounds=9] [--seconds=4]

CausalGAN with its defaults on 32 x 32 images of noise with nine labels, and their controller by either objective, train
without a strategy and under a MirroredStrategy of one device (the first GPU, or the processor). Short turns of both
alternate, a ratio is taken in every round, and medians are printed with the smallest and the largest: another program
on the same machine slows both turns of a round. `cpu_ratio` is the same of this process' own processor seconds, which
other programs hardly change. The input pipeline alone takes turns with the training whose batches it
makes. `--only=images,labels,input` leaves rows out.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import pandas as pd
import tensorflow as tf

from causalgan_tf.config import ControllerConfig, RunConfig
from causalgan_tf.data import Dataset
from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.learners.learner import Learner
from causalgan_tf.runs import run_folder
from causalgan_tf.training import builders, stages

ROWS, SIDE = 4_000, 32
COMMAND = "python -m tools.benchmarks.distribution --out=tools/benchmarks/results/distribution.csv"
PARTS = ("images", "labels", "input")
Turn = Callable[[], int]  # does a piece of work; returns how many images or steps it was


def dataset(graph: str = "causal_graph_1", side: int = SIDE) -> Dataset:
    """Images of noise with coins for labels."""
    rng, graph = np.random.default_rng(0), load_graph(graph)
    labels = rng.integers(0, 2, (ROWS, len(graph)), np.uint8)
    images = rng.integers(0, 256, (ROWS, side, side, 3), np.uint8)
    return Dataset(graph=graph, label_rows=labels, train=ImageSet(images, labels))


def strategies() -> tuple[tf.distribute.Strategy, tf.distribute.Strategy]:
    """None, and a MirroredStrategy of one device."""
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    return tf.distribute.get_strategy(), tf.distribute.MirroredStrategy([device])


def image_turn(data: Dataset, config: RunConfig, strategy: tf.distribute.Strategy) -> Turn:
    """A compiled call of the image model's training."""
    with strategy.scope():
        sampler = LabelSampler(run_folder.build_mechanisms(config, data.graph))
        learner = builders.build_images(config, data.graph, sampler, stages.label_codec(config, data))
    rows = iter(learner.share_out(lambda step, context: stages.real_rows(data, config, step, context)))
    return calling(learner, rows, config.image.steps_per_call * config.image.batch_size)


def label_turn(data: Dataset, config: RunConfig, strategy: tf.distribute.Strategy) -> Turn:
    """A compiled call of the controller's training."""
    with strategy.scope():
        learner = builders.build_controller(config, data.graph, data.label_rows)
    calls = iter(learner.calls(config.controller.steps)[0])
    return calling(learner, calls, config.controller.steps_per_call)


def input_turn(data: Dataset, config: RunConfig) -> Turn:
    """A batch of real rows that nobody trains on."""
    rows = iter(stages.real_rows(data, config, 0))
    return lambda: len(next(rows)["image"])


def calling(learner: Learner, iterator: Iterator, count: int) -> Turn:
    """A compiled call, which is done when its logs can be read, and counts for so many images or steps."""

    def turn() -> int:
        logs = learner.train_call(iterator)
        assert np.isfinite([float(value) for value in logs.values()]).all()
        return count

    return turn


def rate(turn: Turn, seconds: float) -> np.ndarray:
    """Images or steps a second, and a processor second, of turns that take at least so long together."""
    starts, done, passed = np.array([time.perf_counter(), time.process_time()]), 0, np.zeros(2)
    while passed[0] < seconds:
        done += turn()
        passed = np.array([time.perf_counter(), time.process_time()]) - starts
    return done / passed


def compared(one: Turn, other: Turn, rounds: int, seconds: float) -> dict[str, float]:
    """Medians of two rates whose turns alternate, and of their ratio, with its smallest and its largest."""
    for turn in (one, other):  # compiles
        turn()
    rates = []
    for number in range(rounds):
        pair = {turn: rate(turn, seconds) for turn in ((one, other) if number % 2 else (other, one))}
        rates.append([pair[one], pair[other]])
    (first, _), (second, _) = np.median(rates, 0)
    ratios, own = (np.array(rates)[:, 1] / np.array(rates)[:, 0]).T
    found = {
        "without": first,
        "with": second,
        "ratio": np.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }
    return {name: float(value) for name, value in (found | {"cpu_ratio": np.median(own)}).items()}


def measured(parts: list[str], rounds: int, seconds: float, data: Dataset, images: RunConfig) -> Iterator[dict]:
    """The rows of the table."""
    none, mirrored = strategies()
    if "images" in parts:
        turns = [image_turn(data, images, strategy) for strategy in (none, mirrored)]
        yield {"measured": "CausalGAN: mirrored, one device", "unit": "images/s"} | compared(*turns, rounds, seconds)
    for objective in ("likelihood", "wasserstein") if "labels" in parts else ():
        config = RunConfig(controller=ControllerConfig(objective=objective, steps=10**7, steps_per_call=200))
        turns = [label_turn(data, config, strategy) for strategy in (none, mirrored)]
        title = f"controller, {objective}: mirrored, one device"
        yield {"measured": title, "unit": "steps/s"} | compared(*turns, rounds, seconds)
    if "input" in parts:
        turns = image_turn(data, images, none), input_turn(data, images)
        title = "CausalGAN: the input pipeline alone"
        yield {"measured": title, "unit": "images/s"} | compared(*turns, rounds, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn")
    parser.add_argument("--out", default="", help="a csv file; empty: none")
    options = parser.parse_args()
    rows = []
    for row in measured(options.only.split(","), options.rounds, options.seconds, dataset(), RunConfig()):
        rows.append({name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in row.items()})
        print(", ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
        if options.out:
            pd.DataFrame(rows).assign(command=COMMAND).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
