"""The paper's figure of TVD against training step (arXiv:1709.02023), for Causal Graph 1 and its two completions.

    python -m tools.benchmarks.tvd_figure --out=/tmp/tvd [--seeds=3] [--presets=paper,fast]
    python -m tools.benchmarks.tvd_figure --out=/tmp/tvd_celeba --labels_file=list_attr_celeba.zip

Trains on the law of the built-in faces, or on a table of labels, with the paper's constants (flags/labels_paper.flags,
without its stop) and with this project's constants for WGAN-GP (36,000 steps); once more on the completion with a
Jensen-Shannon critic.
Writes tvd.csv, tvd.png and tvd.svg and prints a table. Runs that tvd.csv holds are not trained again.

"seconds" in tvd.csv is what training took up to a step, compilation included and measuring left out; "tvd" is the true
TVD, over the union of the supports, of `--draws` model draws to the training rows.
"""

import argparse
import dataclasses
import itertools
import pathlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from absl import flags
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from causalgan_tf import data
from causalgan_tf.cli import common
from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig
from causalgan_tf.data import Dataset
from causalgan_tf.data.tables import read_labels
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.learners.wasserstein import JENSEN_SHANNON, WASSERSTEIN, WassersteinTrainer
from causalgan_tf.metrics.tvd import sampling_floor, total_variation
from causalgan_tf.reporting.pictures import INK, MUTED, PAPER
from causalgan_tf.training.builders import build_controller
from causalgan_tf.training.stages import label_tvd

GRAPH_1, COMPLETE, REVERSED = "causal_graph_1", "causal_graph_1_complete", "causal_graph_1_reversed"
FLAGS = pathlib.Path(__file__).parents[2] / "flags"
TITLES = {"paper": "the paper's constants", "fast": "this project's constants"}
FAST = ControllerConfig(mechanisms="implicit", objective="wasserstein", steps=36_000)
POINTS = 30  # measurements of one training, about
RUN = ["data", "graph", "critic", "preset", "seed"]  # columns that name a training
NAMES = ("graph_1", "complete", "reversed", "jensen_shannon")  # of the curves, in their order
CURVES = {  # (graph, critic): name, colour, line
    (GRAPH_1, WASSERSTEIN): ("Causal Graph 1", "#2f6fed", "-"),
    (COMPLETE, WASSERSTEIN): ("its completion", "#e07b00", "-"),
    (REVERSED, WASSERSTEIN): ("the completion, every edge reversed", "#0f9d8a", "-"),
    (COMPLETE, JENSEN_SHANNON): ("the completion, Jensen-Shannon critic", "#7a5195", "--"),
}
CELEBA_ROWS = 202_599
CELEBA_BEST = 0.1154  # lowest TVD to CelebA's labels known of a law that is Markov to Causal Graph 1
# best logged (step, TVD) of the 2017 program, by a measure that leaves out what is drawn off the data's support
CELEBA_2017 = {GRAPH_1: (18_000, 0.1378), COMPLETE: (28_000, 0.0354), REVERSED: (29_000, 0.0442)}


def main() -> None:
    parser = argparse.ArgumentParser(description="TVD against training step, Causal Graph 1 and its completions.")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the csv and the figure")
    parser.add_argument("--labels_file", default="", help="table with the nine labels; empty: the built-in faces' law")
    parser.add_argument("--label_rows", type=int, default=200_000, help="rows drawn from the built-in faces' law")
    parser.add_argument("--presets", default="paper,fast", help="some of paper,fast")
    parser.add_argument("--curves", default=",".join(NAMES), help=f"some of {','.join(NAMES)}, to be trained now")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each curve")
    parser.add_argument("--steps", type=int, default=0, help="generator steps; 0: as the preset says")
    parser.add_argument("--draws", type=int, default=500_000, help="model draws of one measurement")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table, datasets = options.out / "tvd.csv", datasets_of(options)
    configs = {name: preset(name, options.steps) for name in options.presets.split(",")}
    name = f"{pathlib.Path(options.labels_file).name or 'causal_faces'}, {len(datasets[GRAPH_1].label_rows)} rows"
    for graph, critic in itertools.compress(CURVES, [name in options.curves.split(",") for name in NAMES]):
        for label, config in configs.items():
            keys = [dict(zip(RUN, (name, graph, critic, label, seed), strict=True)) for seed in range(options.seeds)]
            config = dataclasses.replace(config, critic_loss=critic)
            train_curve(table, keys, config, datasets[graph], options.draws)
    runs = pd.read_csv(table).query("data == @name and preset in @configs and seed < @options.seeds")
    marks = landmarks(datasets[GRAPH_1], options)
    figure = draw(runs, marks, list(configs), is_celeba(options, datasets[GRAPH_1]))
    figure.savefig(options.out / "tvd.svg")
    figure.savefig(options.out / "tvd.png", dpi=200)
    report(runs, marks)


def preset(name: str, steps: int) -> ControllerConfig:
    """FAST, or what flags/labels_paper.flags says, without its stop."""
    if name not in TITLES:
        raise SystemExit(f"--presets: expected some of {','.join(TITLES)}, got {name!r}.")
    if name == "fast":
        return dataclasses.replace(FAST, steps=steps or FAST.steps)
    values = flags.FlagValues()
    common.define_fields(values, ControllerConfig, "controller_")
    common.define(values, "stages", "", "not used")
    common.parse(["tvd_figure", f"--flagfile={FLAGS / 'labels_paper.flags'}"], values)
    config = common.read_fields(values, ControllerConfig, "controller_")
    return dataclasses.replace(config, tvd_target=0.0, steps=steps or config.steps)


def datasets_of(options: argparse.Namespace) -> dict[str, Dataset]:
    """The label rows, columns in the order of each graph."""
    found = {}
    for graph in (GRAPH_1, COMPLETE, REVERSED):
        if options.labels_file:
            table = read_labels(options.labels_file, load_graph(graph))
            found[graph] = Dataset(graph=table.graph, label_rows=table.rows.to_numpy())
        else:
            config = DataConfig(dataset="causal_faces", graph=graph, label_rows=options.label_rows)
            found[graph] = data.load(config, seed=0, labels_only=True)
    return found


def is_celeba(options: argparse.Namespace, dataset: Dataset) -> bool:
    return bool(options.labels_file) and len(dataset.label_rows) == CELEBA_ROWS


def pieces(steps: int, about: int = POINTS) -> list[tuple[int, int]]:
    """(first step, end) of equal parts of a training: another length would be compiled anew."""
    count = min((n for n in range(1, 2 * about + 1) if steps % n == 0), key=lambda n: abs(n - about))
    size = steps // count
    return [(first, first + size) for first in range(0, steps, size)]


def train_curve(table: pathlib.Path, keys: list[dict], config: ControllerConfig, dataset: Dataset, draws: int) -> None:
    """Trains what the csv does not hold, one seed after the other, in one compiled loop where that can be."""
    learner = None
    for key in keys:
        if finished(table, key, config.steps):
            continue
        if learner is None or learner.distinct:
            run = RunConfig(controller=config, seed=key["seed"])
            learner = build_controller(run, dataset.graph, dataset.label_rows)
            measure = label_tvd(LabelSampler(learner.averaged), dataset, draws)
        else:
            learner.restart(dataset.label_rows, key["seed"])
        rows = [
            key | {"step": step, "seconds": round(seconds, 3), "tvd": round(measure(), 6)}
            for step, seconds in trained(learner, config.steps)
        ]
        append(table, rows)
        print(*key.values(), rows[-1], flush=True)


def trained(learner: WassersteinTrainer, steps: int) -> Iterator[tuple[int, float]]:
    """Trains piece after piece; (steps done, seconds of training so far) after each."""
    seconds = 0.0
    for first, end in pieces(steps):
        start = time.perf_counter()
        learner.steps_per_call = end - first
        learner.advance(end)
        seconds += time.perf_counter() - start
        yield end, seconds


def finished(table: pathlib.Path, key: dict, steps: int) -> bool:
    """Whether the csv holds this training; one of another number of steps is dropped from it."""
    if not table.exists():
        return False
    rows = pd.read_csv(table)
    own = (rows[list(key)] == pd.Series(key)).all(axis=1)
    if own.any() and rows.step[own].max() != steps:
        rows[~own].to_csv(table, index=False)
        return False
    return bool(own.any())


def append(table: pathlib.Path, rows: list[dict]) -> None:
    pd.DataFrame(rows).to_csv(table, mode="a", header=not table.exists(), index=False)


def landmarks(dataset: Dataset, options: argparse.Namespace) -> dict[str, float]:
    """TVDs that training is to be held against: of a perfect model, and of Graph 1's product of conditionals."""
    law = histogram(dataset.label_rows, dataset.graph.sizes)
    rows = len(dataset.label_rows)
    return {
        "floor": sampling_floor(law, options.draws),
        "floor of two tables": sampling_floor(law, options.draws, rows),
        "product": total_variation(LabelDistribution.fit(dataset.graph, dataset.label_rows).joint(), law),
    }


def report(runs: pd.DataFrame, marks: dict[str, float]) -> None:
    """Prints the final TVDs, the speed and the compilation of every curve."""
    print(f"sampling floor, draws against the data's law: {marks['floor']:.4f}")
    print(f"sampling floor, draws against as many fresh rows: {marks['floor of two tables']:.4f}")
    print(f"product of Causal Graph 1's empirical conditionals: {marks['product']:.4f}")
    summary = []
    for (graph, critic, label), own in runs.groupby(["graph", "critic", "preset"], sort=False):
        trainings = [run.sort_values("step") for _, run in own.groupby("seed")]
        final = np.array([run.tvd.iloc[-1] for run in trainings])
        rates = [np.diff(run.step).sum() / np.diff(run.seconds).sum() for run in trainings if len(run) > 1]
        first = [run.seconds.iloc[0] - run.step.iloc[0] / rate for run, rate in zip(trainings, rates, strict=False)]
        numbers = [len(final), final.mean(), final.min(), final.max(), own.tvd.min()]
        summary.append([graph, critic, label, *numbers, np.mean(rates), max(first, default=np.nan)])
    names = ["graph", "critic", "preset", "seeds", "mean", "min", "max", "best step", "steps/s", "compile s"]
    formats = {"steps/s": "{:,.0f}".format, "compile s": "{:.1f}".format}
    print(pd.DataFrame(summary, columns=names).to_string(index=False, float_format="%.4f", formatters=formats))


def draw(runs: pd.DataFrame, marks: dict[str, float], configs: Sequence[str], celeba: bool) -> Figure:
    """One panel a preset: mean over seeds and the range between them, log TVD against step."""
    figure = Figure(figsize=(5.6 * len(configs) + 0.6, 5.4), facecolor=PAPER)
    panels = figure.subplots(1, len(configs), sharey=True, squeeze=False)[0]
    for axes, label in zip(panels, configs, strict=True):
        for (graph, critic), look in CURVES.items():
            own = runs[(runs.graph == graph) & (runs.critic == critic) & (runs.preset == label)]
            band(axes, own.pivot_table(index="step", columns="seed", values="tvd"), *look)
        style(axes, "generator step", f"{TITLES[label]}")
        annotate(axes, marks, celeba, label == "paper")
    panels[0].set_ylabel("TVD to the data, true (log scale)", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=3, frameon=False, fontsize=8.5)
    figure.tight_layout(rect=(0, 0.085, 1, 1))
    return figure


def band(axes: Axes, curves: pd.DataFrame, name: str, color: str, line: str) -> None:
    if curves.empty:
        return
    axes.fill_between(curves.index, curves.min(axis=1), curves.max(axis=1), color=color, alpha=0.18, linewidth=0)
    axes.plot(curves.index, curves.mean(axis=1), color=color, linestyle=line, linewidth=1.7, label=name)


def annotate(axes: Axes, marks: dict[str, float], celeba: bool, markers: bool) -> None:
    """Horizontal lines with their meaning in words, and the 2017 program's results."""
    end = axes.get_xlim()[1]
    for words, height, side in lines_of(marks, celeba):
        axes.axhline(height, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        place = {"xytext": (-2, 2 if side == "bottom" else -2), "textcoords": "offset points", "ha": "right"}
        axes.annotate(words, (end, height), va=side, fontsize=7.5, color=INK, **place)
    axes.set_xlim(0, end)
    axes.set_ylim(bottom=0.6 * marks["floor"])
    if celeba and markers:
        for graph, (step, tvd) in CELEBA_2017.items():
            name = "best logged by the 2017 program, which drops mass off the support" if graph == GRAPH_1 else None
            color = CURVES[graph, WASSERSTEIN][1]
            axes.plot(step, tvd, "D", color=color, markeredgecolor=INK, markersize=5, label=name, linestyle="none")


def lines_of(marks: dict[str, float], celeba: bool) -> Iterator[tuple[str, float, str]]:
    """Words, height, and which side of the words the line is on."""
    yield f"sampling floor: a perfect copy of these rows {marks['floor']:.4f}", marks["floor"], "top"
    both = marks["floor of two tables"]
    yield f"sampling floor: the law itself, the rows are a sample too {both:.4f}", both, "top"
    if marks["product"] > 2 * both:
        words = "Causal Graph 1 cannot fit this law: the gap is the graph's, not the network's.\n"
        words += f"product of its empirical conditionals {marks['product']:.4f}"
        yield words, marks["product"], "bottom"
    if celeba:
        yield f"lowest known TVD of a law Markov to Causal Graph 1 {CELEBA_BEST}", CELEBA_BEST, "top"


def style(axes: Axes, label: str, title: str) -> None:
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(label, fontsize=9)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.tick_params(labelsize=8, colors=MUTED)
    axes.grid(color="#e6e9f0", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
