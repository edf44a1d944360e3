"""The structure experiment (arXiv:1709.02023): generators of several shapes on data of several causal graphs.

    python -m tools.benchmarks.structure --out=/tmp/structure [--seeds=10]

The data are three continuous variables, cubic polynomials of their parents and own noise, along a line X -> Y -> Z, a
collider X -> Y <- Z or the complete graph X -> Y -> Z <- X; every seed is another model (scms.polynomial_scm). The
generators are mechanisms along each of the three graphs, and perceptrons from all noise to all three variables. The
distance is the TVD of histograms of 10 x 10 x 10 cells, `ROWS` draws against as many fresh rows.

Writes structure.csv, structure.png and structure.svg, and prints final TVDs with their paired differences to the
generator that is shaped like the data. Trainings that structure.csv holds are not repeated.
"""

import argparse
import functools
import itertools
import pathlib

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from matplotlib.figure import Figure

from causalgan_tf import noise as exogenous
from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Continuous
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.query import Query
from causalgan_tf.learners.wasserstein import WassersteinTrainer
from causalgan_tf.metrics.tvd import sampling_floor, total_variation
from causalgan_tf.networks import mechanisms as nets
from causalgan_tf.networks import stacked
from causalgan_tf.networks.codecs import codec_of
from causalgan_tf.networks.critic import Critic
from causalgan_tf.reporting.pictures import INK, PAPER
from tools.benchmarks import scms
from tools.benchmarks.tvd_figure import append, finished, style, trained

ROWS = 50_000  # of training, of a measurement, and of fresh data
CELLS = 10  # a side of the histogram
GRAPHS = {"line": "X -> Y -> Z", "collider": "X -> Y; Z -> Y", "complete": "X -> Y -> Z; X -> Z"}
SHOWN = {
    "line": "line, X → Y → Z",
    "collider": "collider, X → Y ← Z",
    "complete": "complete, X → Y → Z ← X",
}
PERCEPTRONS = {"fully connected, 3 layers": 3, "fully connected, 5 layers": 5, "fully connected, 10 layers": 10}
GENERATORS = (*GRAPHS, *PERCEPTRONS)
EXCLUDED = {("line", "collider"), ("collider", "line"), ("complete", "line"), ("complete", "collider")}
COLORS = ("#2f6fed", "#e07b00", "#0f9d8a", "#7a5195", "#7a5195", "#7a5195")
LOOKS = dict(zip(GENERATORS, zip(COLORS, ("-", "-", "-", ":", "--", "-."), strict=True), strict=True))
# one kind for every variable of every data set, so that one compiled learner serves them all
KIND = Continuous(0.0, 1.0, mean=0.5, std=0.29)
CONFIG = ControllerConfig(
    mechanisms="implicit",
    objective="wasserstein",
    steps=6_000,
    batch_size=128,
    critic_steps=3,
    beta1=0.0,
    gradient_penalty=0.1,
    noise_size=3,
    width=16,
    layers=4,
    critic_width=48,
    critic_layers=4,
    critic_order=1,
    distinct_rows=0,
)
WIDTH = 24  # of a fully connected generator: about as many weights in five layers as three mechanisms have


class Perceptron(keras.layers.Layer):
    """One perceptron from the noise of all nodes to all labels, in the place of nets.CausalController."""

    def __init__(self, graph: CausalGraph, noise_size: int, width: int, layers: int, seed: int = 0) -> None:
        super().__init__(name="perceptron")
        self.graph, self.noise_size, self.blocks = graph, noise_size, list(graph.nodes)
        self.noise_rows = len(graph) * noise_size
        sizes = [self.noise_rows, *[width] * (layers - 1), len(graph)]
        self.shapes = [[((o, i), (o,)) for i, o in itertools.pairwise(sizes)]]
        count = sum(o * i + o for (o, i), _ in self.shapes[0])
        self.vector = self.add_weight(shape=[count], initializer="zeros", name="vector")
        self.head = codec_of(KIND).head()
        self.reset(seed)
        self.built = True

    def reset(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        glorot = [rng.uniform(-1, 1, kernel) * np.sqrt(6 / sum(kernel)) for kernel, _ in self.shapes[0]]
        self.vector.assign(stacked.pack([[(kernel, np.zeros(len(kernel))) for kernel in glorot]]))

    def noise(self, seeds: tf.Tensor) -> tf.Tensor:
        """U(-1, 1) noise [noise_rows, B] of the rows with these seeds."""
        return exogenous.uniform(seeds, self.blocks, self.noise_size)

    def soft_labels(self, noise: tf.Tensor) -> tf.Tensor:
        """Label columns [3, B] of noise [noise_rows, B]."""
        *hidden, (kernel, bias) = stacked.unpack(tf.convert_to_tensor(self.vector), self.shapes)[0]
        for inner, shift in hidden:
            noise = tf.nn.leaky_relu(inner @ noise + shift[:, None], nets.SLOPE)
        return self.head(kernel @ noise + bias[:, None])

    def labels(self, noise: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """As they are sampled: the same, for nothing is rounded; this generator has no interventions."""
        return self.soft_labels(noise)


def main() -> None:
    parser = argparse.ArgumentParser(description="Generators of several shapes on data of several causal graphs.")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the csv and the figure")
    parser.add_argument("--seeds", type=int, default=10, help="models of each graph, and trainings of each generator")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / "structure.csv"
    for generator in GENERATORS:
        train_generator(table, generator, options.seeds)
    runs = pd.read_csv(table).query("seed < @options.seeds")
    figure = draw(runs)
    figure.savefig(options.out / "structure.svg")
    figure.savefig(options.out / "structure.png", dpi=200)
    report(runs)


def train_generator(table: pathlib.Path, generator: str, seeds: int) -> None:
    """Trains one shape on every data set that the csv does not hold, in one compiled loop."""
    learner = None
    for structure, seed in itertools.product(GRAPHS, range(seeds)):
        key = {"data": structure, "generator": generator, "seed": seed}
        if finished(table, key, CONFIG.steps):
            continue
        graph = graph_of(generator)
        rows, fresh, floor = data_set(structure, seed, graph.nodes)
        if learner is None:
            learner = build(generator, graph, rows)
            sampler = LabelSampler(learner.averaged)
        learner.restart(rows, seed)
        found = [
            key
            | {"step": step, "seconds": round(seconds, 3), "tvd": round(distance(sampler, fresh), 5), "floor": floor}
            for step, seconds in trained(learner, CONFIG.steps)
        ]
        append(table, found)
        print(*found[-1].values(), flush=True)


def graph_of(generator: str) -> CausalGraph:
    """The generator's graph; that of a perceptron gives the columns only."""
    graph = CausalGraph.from_text(GRAPHS.get(generator, GRAPHS["complete"]))
    return graph.with_variables(dict.fromkeys(graph.nodes, KIND))


def build(generator: str, graph: CausalGraph, rows: np.ndarray) -> WassersteinTrainer:
    """An untrained learner."""
    networks = []
    for _ in ("trained", "averaged"):
        if generator in PERCEPTRONS:
            networks.append(Perceptron(graph, CONFIG.noise_size, WIDTH, PERCEPTRONS[generator]))
        else:
            networks.append(nets.CausalController(graph, CONFIG.noise_size, CONFIG.width, CONFIG.layers))
    critic = Critic(graph, CONFIG.critic_width, CONFIG.critic_layers, CONFIG.critic_order)
    learner = WassersteinTrainer(*networks, critic, rows)
    learner.compile(CONFIG)
    return learner


@functools.lru_cache(maxsize=1_000)
def data_set(structure: str, seed: int, nodes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, float]:
    """Training rows, the histogram of as many fresh rows, and the TVD that sampling alone gives."""
    scm = scms.polynomial_scm(structure, seed)
    order = [scm.nodes.index(node) for node in nodes]
    rows, fresh = (scms.sample(scm, ROWS, 2 * seed + k)[:, order].astype(np.float32) for k in (0, 1))
    law = cells_of(scms.sample(scm, 10 * ROWS, 1_000_000 + seed)[:, order])
    return rows, cells_of(fresh), round(sampling_floor(law, ROWS, ROWS), 5)


def cells_of(rows: np.ndarray) -> np.ndarray:
    """Shares of the cells of [0, 1]^3."""
    return histogram(np.clip((rows * CELLS).astype(np.int64), 0, CELLS - 1), (CELLS,) * rows.shape[1])


def distance(sampler: LabelSampler, fresh: np.ndarray) -> float:
    drawn, _ = sampler.draw(ROWS, Query.create(sampler.graph), seed=0)
    return total_variation(cells_of(drawn), fresh)


def final(runs: pd.DataFrame, structure: str) -> pd.DataFrame:
    """TVD after the last step, a row a seed, a column a generator."""
    last = runs[(runs.data == structure) & (runs.step == runs.step.max())]
    return last.pivot_table(index="seed", columns="generator", values="tvd")[list(GENERATORS)]


def draw(runs: pd.DataFrame) -> Figure:
    """One panel a kind of data: mean over seeds and its standard error, log TVD against step."""
    figure = Figure(figsize=(14.2, 4.8), facecolor=PAPER)
    panels = figure.subplots(1, len(GRAPHS), sharey=True)
    for axes, structure in zip(panels, GRAPHS, strict=True):
        own = runs[runs.data == structure]
        for generator, (color, line) in LOOKS.items():
            curves = own[own.generator == generator].pivot_table(index="step", columns="seed", values="tvd")
            mean, error = curves.mean(axis=1), curves.sem(axis=1)
            axes.fill_between(curves.index, mean - error, mean + error, color=color, alpha=0.18, linewidth=0)
            axes.plot(curves.index, mean, color=color, linestyle=line, linewidth=1.7, label=generator)
        axes.axhline(own.floor.mean(), color=INK, linewidth=0.8, linestyle=(0, (1, 2)), label="sampling floor")
        style(axes, "generator step", f"data: {SHOWN[structure]}")
    panels[0].set_ylabel("TVD of histograms (log scale)", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, title="generator", loc="lower center", ncols=7, frameon=False, fontsize=8.5)
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    return figure


def report(runs: pd.DataFrame) -> None:
    """Prints final TVDs, and each generator's difference to the one shaped like the data, pair by pair."""
    for structure in GRAPHS:
        tvd = final(runs, structure)
        floor = runs[runs.data == structure].floor.mean()
        print(f"\ndata: {SHOWN[structure]}; {len(tvd)} seeds, sampling floor {floor:.4f}")
        lines = []
        for generator in GENERATORS:
            difference = tvd[generator] - tvd[structure]
            error = difference.sem()
            ratio = difference.mean() / error if error > 0 else 0.0
            lines.append([generator, tvd[generator].mean(), tvd[generator].sem(), difference.mean(), error, ratio])
            lines[-1].append(verdict(structure, generator, ratio))
        names = ["generator", "mean", "se", "to matching", "se of it", "in se", ""]
        print(pd.DataFrame(lines, columns=names).to_string(index=False, float_format="%.4f"))


def verdict(structure: str, generator: str, ratio: float) -> str:
    """What the theory says of a pair, and whether it is found."""
    if generator == structure:
        return "matching"
    if (structure, generator) in EXCLUDED:
        return "excludes the law: worse" if ratio > 2 else "excludes the law, NOT worse by 2 se"
    return "agrees within 2 se" if abs(ratio) <= 2 else f"can give the law, differs by {ratio:+.1f} se"


if __name__ == "__main__":
    main()
