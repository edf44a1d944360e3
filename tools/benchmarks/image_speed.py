"""Speed of an image model's updates beside a PyTorch twin, in one interleaved run.

    python -m tools.benchmarks.image_speed --twin=my_twin.py --twin_python=/tmp/rivals/bin/python [--model=causal_began]

The twin is a program that is called as `twin.py causalgan|began SECONDS` and prints images per second first; no such
program is part of this repository (rivals/twin.py is the controller's). CausalGAN:
64 x 64, width 64, kernel 5, batch 64, one update each of D, LR, LG and G, no minibatch features. CausalBEGAN: n = 128,
batch 16. Printed are images per second, medians of each turn; their ratio; the share of the machine's matmul peak, by
the floating-point operations of the passes that are taken; the share of the time that goes to making batches; and,
after each round, the peak memory of this process. Ours and the twin's turns alternate.
"""

import argparse
import math
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.config import BeganConfig, DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.data import Dataset
from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.runs import run_folder
from causalgan_tf.training import builders, stages
from tools.benchmarks.speed import matmul_peak, timed

PLAIN = dict.fromkeys(("mix_single", "mix_uniform", "labeler_balance", "labeler_noise", "ema", "gradient_limit"), 0.0)
SHAPES = {
    "causal_gan": {"batch_size": 64, "noise_size": 100, "modulation": False, "minibatch": "none"},
    "causal_began": {"batch_size": 16, "noise_size": 64},
}
WIDTHS = {"causal_gan": 64, "causal_began": 128}
TWINS = {"causal_gan": "causalgan", "causal_began": "began"}
# passes through each network in a step: forward, in the images, in the weights
PASSES = {
    ("causal_gan", "in_turn"): {"generator": 3, "discriminator": 8, "labeler": 5, "anti_labeler": 5},
    ("causal_gan", "shared"): {"generator": 3, "discriminator": 7, "labeler": 5, "anti_labeler": 3},
    ("causal_began", "in_turn"): {"generator": 3, "discriminator": 8, "labeler": 8},
    ("causal_began", "shared"): {"generator": 3, "discriminator": 6, "labeler": 6},
}


def products(network: keras.Model) -> float:
    """GFLOP of a network's products for one image, forward."""
    total = 0
    for layer in network.layers:
        layer = getattr(layer, "layer", layer)  # spectral normalisation wraps
        if isinstance(layer, keras.layers.Conv2DTranspose):
            total += 2 * math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:3])
        elif isinstance(layer, keras.layers.Conv2D):
            side = [size // stride for size, stride in zip(layer.input.shape[1:3], layer.strides, strict=True)]
            total += 2 * math.prod(layer.kernel.shape) * math.prod(side)
        elif isinstance(layer, keras.layers.Dense):
            total += 2 * math.prod(layer.kernel.shape)
    return total / 1e9


def configuration(options: argparse.Namespace) -> RunConfig:
    width = WIDTHS[options.model]
    values = SHAPES[options.model] | {"width": width, "discriminator_width": width, "labeler_width": 64, "kernel": 5}
    values |= PLAIN | {"updates": options.updates, "precision": options.precision, "steps_per_call": 1}
    values |= {"discriminator_labels": False}  # the twin has neither this nor additivity
    own = {"additivity": 0.0}
    own |= {"discriminator_norm": options.norm, "gan_loss": "nonsaturating", "labeler_weight": 1.0, "r1_weight": 0.0}
    # what CausalGAN alone reads lies in a part of its own
    shared = {name: value for name, value in values.items() if name in ImageConfig.__dataclass_fields__}
    own |= {name: value for name, value in values.items() if name not in shared}
    gan = GanConfig(**own) if options.model == "causal_gan" else GanConfig()
    began = BeganConfig() if options.model == "causal_gan" else BeganConfig(networks="full", error="absolute")
    return RunConfig(DataConfig(image_size=64), image=ImageConfig(model=options.model, **shared), gan=gan, began=began)


def rows(config: RunConfig, columns: int) -> tf.data.Dataset:
    """The batches of a training on images of noise."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2_000, 64, 64, 3), np.uint8)
    labels = rng.integers(0, 2, (2_000, columns), np.uint8)
    graph = load_graph("causal_graph_1")
    return stages.real_rows(Dataset(graph=graph, label_rows=labels, train=ImageSet(images, labels)), config, 0)


def turn(call: Callable, batches: Iterator, seconds: float) -> float:
    """Median seconds of a step."""
    times, start = [], time.perf_counter()
    while not times or time.perf_counter() - start < seconds:
        times.append(timed(lambda: call(batches)["generator_loss"].numpy()))
    return statistics.median(times)


def peak_memory() -> float:
    """GiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def twin_speed(options: argparse.Namespace) -> float:
    command = [options.twin_python, options.twin, TWINS[options.model], str(options.seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=tuple(TWINS), default="causal_gan")
    parser.add_argument("--norm", choices=("batch", "spectral", "none"), default="batch", help="in D; twin: batch")
    parser.add_argument("--updates", choices=("shared", "in_turn"), default="shared")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="ours; twin: float32")
    parser.add_argument("--twin", default="", help="the twin's program; empty: none")
    parser.add_argument("--twin_python", default="", help="an interpreter with PyTorch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each turn")
    options = parser.parse_args()
    config, graph = configuration(options), load_graph("causal_graph_1")
    learner = builders.build_images(config, graph, LabelSampler(run_folder.build_mechanisms(config, graph)))
    batches = rows(config, len(graph))
    fixed = iter(batches.take(1).cache().repeat())
    fed, batch = iter(batches), config.image.batch_size
    print(f"compiled, with the first step, in {timed(lambda: learner.train_call(fixed)):.0f} s", flush=True)
    learner.train_call(fed)
    ours, shares, ratios = [], [], []
    for _ in range(options.rounds):
        alone, whole = turn(learner.train_call, fixed, options.seconds), turn(learner.train_call, fed, options.seconds)
        ours.append(batch / whole)
        shares.append(1.0 - alone / whole)
        line = f"images/s: {batch / whole:.2f} with batches made, {batch / alone:.2f} with a fixed one"
        line += f", peak memory {peak_memory():.2f} GiB"
        if options.twin:
            other = twin_speed(options)
            ratios.append(ours[-1] / other)
            line += f", twin {other:.2f}, ratio {ratios[-1]:.2f}"
        print(line, flush=True)
    print(f"median {statistics.median(ours):.2f} images/s; batches take {statistics.median(shares):.1%} of a step")
    if ratios:
        print(f"ratio to the twin: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    passes = PASSES[options.model, options.updates]
    work = sum(count * products(learner.players[name]) for name, count in passes.items())
    rate, peak = statistics.median(ours) * work, matmul_peak(options.precision)
    share = f"{rate / peak:.0%} of matmul's {peak:.0f} in {options.precision}"
    print(f"{work:.1f} GFLOP an image: {rate:.0f} GFLOP/s, {share}")


if __name__ == "__main__":
    main()
