"""Speed of the causal controller beside a PyTorch twin, in one interleaved run.

    python -m tools.benchmarks.speed --twin_python=/tmp/rivals/bin/python [--rounds=5] [--seconds=8]
    python -m tools.benchmarks.speed --twin_python=... --twin=another_twin.py

Prints generator steps per second with the paper's constants (completed Causal Graph 1, batch 64, 20 critic steps), the
twin's, their ratio, the share of the machine's matmul peak, the time to true TVDs of .05 and .02, and label rows per
second into a data frame. Everything is measured several times, ours and the twin's in turn; medians are printed.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import tensorflow as tf

from causalgan_tf.config.run import ControllerConfig, RunConfig
from causalgan_tf.data.causal_faces.scm import LABELS, law
from causalgan_tf.data.tables import read_labels
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.learners.wasserstein import WassersteinTrainer
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.training.builders import build_controller

TWIN = pathlib.Path(__file__).with_name("rivals") / "twin.py"
PAPER = ControllerConfig(
    mechanisms="implicit",
    objective="wasserstein",
    steps=30_000,
    batch_size=64,
    critic_steps=20,
    learning_rate=8e-5,
    beta1=0.9,
    gradient_penalty=0.1,
    layers=6,
    critic_width=15,
    critic_layers=6,
    critic_order=1,
    distinct_rows=0,
    ema=0.0,
    decay_start=1.0,
)


def timed(function: object) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def matmul_peak(kind: str = "float32") -> float:
    """GFLOP/s of a 2048^3 matmul of numbers of a kind, the best of nine."""
    a = tf.cast(tf.random.stateless_normal([2048, 2048], [0, 0]), kind)
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    return 2 * 2048**3 / min(timed(lambda: product().numpy()) for _ in range(9)) / 1e9


def work(c: ControllerConfig, graph: CausalGraph) -> float:
    """GFLOP of the products of one generator step, as few as the method needs."""
    sizes = [[c.noise_size + len(graph.parents[node]), *[c.width] * (c.layers - 1), 1] for node in graph.nodes]
    mechanisms = sum(2 * i * o for chain in sizes for i, o in zip(chain, chain[1:], strict=False))
    chain = [len(graph), *[c.critic_width] * (c.critic_layers - 1), 1]
    critic = sum(2 * i * o for i, o in zip(chain, chain[1:], strict=False))
    # forward, backward and weights of real, fake and between; once more forward for between
    update = c.batch_size * critic * (3 + 3 + 3 + 1)
    return (c.critic_steps * (c.batch_size * mechanisms + update) + c.batch_size * (3 * mechanisms + 2 * critic)) / 1e9


def rows_of(graph: CausalGraph, labels_file: str) -> np.ndarray:
    if labels_file:
        return read_labels(labels_file, graph).rows.to_numpy()
    return law().sample(200_000, seed=1)[:, [LABELS.index(node) for node in graph.nodes]]


def call(learner: WassersteinTrainer, first: int, count: int) -> None:
    learner._run_steps(tf.constant(first), tf.constant(count))["critic_loss"].numpy()


def twin_speed(options: argparse.Namespace) -> float:
    command = [options.twin_python, options.twin, "controller", str(options.seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def race(options: argparse.Namespace, learner: WassersteinTrainer, count: int = 200) -> None:
    ours, twins, first = [], [], 0
    compiled = timed(lambda: call(learner, 0, count))
    for _ in range(options.rounds):
        if options.twin_python:
            twins.append(twin_speed(options))
        times, start = [], time.perf_counter()
        while time.perf_counter() - start < options.seconds:
            first += count
            times.append(timed(lambda: call(learner, first, count)))  # noqa: B023
        ours.append(count / statistics.median(times))
    print(f"compiled, with the first {count} steps, in {compiled:.1f} s")
    print("generator steps/s, paper's constants:", *(f"{speed:.0f}" for speed in ours))
    if twins:
        print("twin's:", *(f"{speed:.1f}" for speed in twins))
        ratios = [a / b for a, b in zip(ours, twins, strict=True)]
        print(f"ratio: median {statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}")
    rate = statistics.median(ours) * work(PAPER, learner.mechanisms.graph)
    peak = matmul_peak()
    print(f"{rate:.1f} GFLOP/s in the products, {rate / peak:.1%} of the matmul peak of {peak:.0f} GFLOP/s")


def time_to(config: ControllerConfig, graph: CausalGraph, rows: np.ndarray, name: str, limit: float) -> None:
    """Seconds of training until the true TVD falls below .05 and .02, measured every 500 steps, compile apart."""
    learner = build_controller(RunConfig(controller=config), graph, rows)
    model, real = CausalModel(graph, learner.averaged), histogram(rows)
    compiled, spent, done = timed(lambda: call(learner, 0, 500)), 0.0, 500
    goals = [0.05, 0.02, 0.01]
    while goals and spent < limit and done < config.steps:
        spent += timed(lambda: call(learner, done, 500))  # noqa: B023
        done += 500
        tvd = total_variation(histogram(model.sample_labels(500_000, seed=1)), real)
        while goals and tvd <= goals[0]:
            print(f"{name}: TVD {goals.pop(0)} after {done:,} steps, {spent:.1f} s (compile {compiled:.1f} s apart)")
    print(f"{name}: stopped after {done:,} steps, {spent:.1f} s, at TVD {tvd:.4f}")
    if name == "fast":
        sampling(model)


def sampling(model: CausalModel, n: int = 2_000_000) -> None:
    model.sample(n, seed=0)
    speeds = [n / timed(lambda: model.sample(n, seed=1)) / 1e6 for _ in range(5)]
    print("label rows into a data frame, 1e6/s:", *(f"{speed:.2f}" for speed in speeds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--twin_python", default="", help="an interpreter with PyTorch; empty: no twin")
    parser.add_argument("--twin", default=str(TWIN), help="the twin's program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each turn")
    parser.add_argument("--labels_file", default="", help="a label table; empty: the built-in faces' law")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of each training to a TVD; 0: none")
    options = parser.parse_args()
    graph = load_graph("causal_graph_1_complete")
    rows = rows_of(graph, options.labels_file)
    race(options, build_controller(RunConfig(controller=PAPER), graph, rows))
    if options.limit:
        time_to(PAPER, graph, rows, "paper", options.limit)
        fast = ControllerConfig(mechanisms="implicit", objective="wasserstein")
        time_to(fast, graph, rows, "fast", options.limit)


if __name__ == "__main__":
    main()
