"""Structural causal models of continuous variables: what each method says of do, from 25,000 rows.

    python -m tools.benchmarks.continuous Triangle-NLIN Simpson-NLIN Fork-NLIN Chain-NLIN
    python -m tools.benchmarks.continuous all --rivals_python=/tmp/rivals/bin/python
    python -m tools.benchmarks.continuous Triangle-NLIN --controller_objective=wasserstein

For each seed rows are drawn from the model itself (tools/benchmarks/scms.py) and a controller is trained on them with
the settings of the --controller_... flags. `all` are the models whose means settle, all but Diamond-NLIN. The nodes
that arXiv:2306.05415 intervenes on are set to the 25th, 50th and 75th percentile of the rows; some more values are in
GOLDEN, and count for `largest |error| of all` alone. Each method draws 200,000 rows a do:

- the mean of the last node: its error, in standard deviations of that node under the same do and without any;
- the effects between two percentiles: root mean square of their errors, in the observational standard deviation;
- the unbiased MMD^2 of 2,000 rows, each variable divided by its standard deviation, the kernel as wide as the median
  distance of the truth's rows, and the MMD^2 of that paper's program; `truth` is what two sets of the truth's rows stay
  below in 19 of 20 cases.

On the first seed's rows causal normalizing flows and DoWhy's causal models stand beside the model. Every figure is a
line of --out, a csv; what is there is not computed again.
"""

import argparse
import functools
import itertools
import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.metrics.samples import median_distance, mmd_unbiased
from tools.benchmarks.causalnf import mmd_causalnf
from tools.benchmarks.networks import Figures, Results, controller_config, differences, method_of, run_rival, trained
from tools.benchmarks.scms import CONTINUOUS, Scm, do_values, sample

HEAVY = ("Diamond-NLIN",)  # a tail whose mean does not settle in a million draws
GOLDEN: Mapping[str, tuple[dict[str, float], ...]] = {
    "Triangle-NLIN": ({"x1": -1.0}, {"x1": 1.0}, {"x2": 0.0}, {"x2": 2.0}),
    "Simpson-NLIN": ({"x1": -1.0}, {"x1": 1.0}, {"x2": 0.0}, {"x2": 2.0}, {"x3": 0.0}),
    "Fork-NLIN": ({"x2": -1.0}, {"x2": 1.0}, {"x3": 0.0}, {"x3": 1.0}),
}
TRUE_DRAWS, DRAWS, POINTS, REPEATS = 1_000_000, 200_000, 2_000, 20

Draws = Callable[[Mapping[str, float]], np.ndarray]  # rows under a do


def main() -> None:
    """Reads the arguments, runs what is not done and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scms", nargs="+", choices=("all", *CONTINUOUS), metavar="SCM")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/continuous.csv"))
    parser.add_argument("--rows", type=int, default=25_000, help="rows drawn from the truth")
    parser.add_argument("--seeds", default="0,1,2", help="seeds, each of the rows and of the training on them")
    parser.add_argument("--rivals_python", default="", help="python of the rivals' environment; empty: no rivals")
    arguments, rest = parser.parse_known_args()
    config, results = controller_config(None, rest), Results(arguments.out)
    print("controller:", method_of(config), differences(config))
    chosen = [name for name in CONTINUOUS if name not in HEAVY] if "all" in arguments.scms else arguments.scms
    for name in chosen:
        for line in benchmark(CONTINUOUS[name], arguments, config, results):
            print(line, flush=True)


def benchmark(scm: Scm, arguments: argparse.Namespace, config: ControllerConfig, results: Results) -> Iterator[str]:
    """The lines of one model's table; runs what is not in the results."""
    key, found = {"subject": scm.name, "rows": arguments.rows}, {}
    for place, seed in enumerate(map(int, arguments.seeds.split(","))):
        rows = sample(scm, arguments.rows, seed)
        judge = Comparison(scm, rows)
        methods = {(method_of(config), differences(config)): functools.partial(ours, judge, rows, config, seed)}
        if place == 0:
            methods["truth", ""] = judge.bands
        if place == 0 and arguments.rivals_python:
            for method, runner in (("causalflows", "flows"), ("dowhy gcm", "gcm")):
                methods[method, ""] = functools.partial(rival, judge, rows, arguments.rivals_python, runner)
        for (method, settings), compute in methods.items():
            one = results.once(compute, **key, method=method, seed=seed, settings=settings)
            found[f"{method} {seed}"] = one
    yield f"\n{scm.name}: E[{scm.nodes[-1]}], errors in standard deviations"
    yield pd.DataFrame(found).fillna("").to_string()


class Comparison:
    """Compares draws with the truth of a model."""

    def __init__(self, scm: Scm, rows: np.ndarray) -> None:
        self.scm, self.deviation = scm, rows.std(0)
        self.percentiles = do_values(scm, rows)
        self.chosen = [{node: value} for node, values in self.percentiles.items() for value in values]
        self.dos = [{}, *self.chosen, *(do for do in GOLDEN.get(scm.name, ()) if do not in self.chosen)]

    @functools.cached_property
    def true(self) -> list[tuple[float, float]]:
        """Mean and standard deviation of the last node under each do."""
        last = (sample(self.scm, TRUE_DRAWS, seed=11, do=do)[:, -1] for do in self.dos)
        return [(float(column.mean()), float(column.std())) for column in last]

    def figures(self, draw: Draws) -> Figures:
        """What the draws of a method are off by."""
        figures, means, unbiased, published = {}, {}, [], []
        for do, (mean, deviation) in zip(self.dos, self.true, strict=True):
            rows = draw(do)
            means[_text(do)] = float(rows[:, -1].mean())
            error = means[_text(do)] - mean
            figures[f"E {_text(do)}"] = means[_text(do)]
            figures[f"error/sd {_text(do)}"] = error / deviation
            figures[f"error/sd_obs {_text(do)}"] = error / self.true[0][1]
            if not do or do in self.chosen:
                unbiased.append(self.mmd(do, rows[:POINTS]))
                published.append(mmd_causalnf(rows[:POINTS], sample(self.scm, POINTS, seed=12, do=do)))
        return self.summary(figures, means) | _mmds(unbiased, published)

    def summary(self, figures: Figures, means: Mapping[str, float]) -> Figures:
        """The means' errors, and before them the largest ones and those of effects."""
        true = {_text(do): mean for do, (mean, _) in zip(self.dos, self.true, strict=True)}
        pairs = [
            (_text({node: low}), _text({node: high}))
            for node, values in self.percentiles.items()
            for low, high in itertools.combinations(values, 2)
        ]
        effects = [(means[high] - means[low]) - (true[high] - true[low]) for low, high in pairs]
        own, wide = ([abs(v) for name, v in figures.items() if name.startswith(head)] for head in _HEADS)
        asked = [abs(figures[f"error/sd_obs {_text(do)}"]) for do in ({}, *self.chosen)]
        return {
            "largest |error|/sd_obs": max(asked),
            "mean |error|/sd_obs": float(np.mean(asked)),
            "largest |error|/sd_obs of all": max(wide),
            "largest |error|/sd of all": max(own),
            "rms effect error/sd_obs": float(np.sqrt(np.mean(np.square(effects)))) / self.true[0][1],
        } | figures

    def mmd(self, do: Mapping[str, float], rows: np.ndarray, seed: int = 12) -> float:
        """The unbiased MMD^2 of rows to as many of the truth's."""
        real, drawn = (part / self.deviation for part in (sample(self.scm, len(rows), seed, do), rows))
        return mmd_unbiased(drawn, real, median_distance(real))

    def bands(self) -> Figures:
        """The truth's means, and what its own draws show as MMD^2."""
        figures = {f"E {_text(do)}": mean for do, (mean, _) in zip(self.dos, self.true, strict=True)}
        repeats, unbiased, published = range(REPEATS), [], []
        for do in ({}, *self.chosen):
            halves = [[sample(self.scm, POINTS, seed=100 + 2 * i + j, do=do) for j in (0, 1)] for i in repeats]
            unbiased.append(_upper([self.mmd(do, one, seed=101 + 2 * i) for i, (one, _) in enumerate(halves)]))
            published.append(_upper([mmd_causalnf(one, other) for one, other in halves]))
        return figures | _mmds(unbiased, published)


def ours(judge: Comparison, rows: np.ndarray, config: ControllerConfig, seed: int) -> Figures:
    """A controller trained on the rows."""
    scm = judge.scm
    graph = CausalGraph({node: list(parents) for node, parents in scm.parents.items()})
    model, seconds = trained(pd.DataFrame(rows, columns=list(scm.nodes)), graph, config, seed)
    order = [model.graph.index(node) for node in scm.nodes]
    return judge.figures(lambda do: model.sample_labels(DRAWS, do, seed=1)[:, order].astype(np.float64)) | seconds


def rival(judge: Comparison, rows: np.ndarray, python: str, runner: str) -> Figures:
    """A runner of the folder rivals/ on the rows."""
    parents = {node: list(causes) for node, causes in judge.scm.parents.items()}
    found = run_rival(python, runner, rows, {"parents": parents, "dos": judge.dos, "draws": DRAWS, "seed": 0})
    draws = {_text(do): found[f"do_{i}"] for i, do in enumerate(judge.dos)}
    return judge.figures(lambda do: draws[_text(do)]) | {"train_s": float(found["seconds"][0])}


_HEADS = ("error/sd ", "error/sd_obs ")


def _mmds(unbiased: list[float], published: list[float]) -> Figures:
    """MMD^2 without a do, and mean and largest of those under one."""
    return {
        "1000 mmd2 obs": 1e3 * unbiased[0],
        "1000 mmd2 do, mean": 1e3 * float(np.mean(unbiased[1:])),
        "1000 mmd2 do, largest": 1e3 * max(unbiased[1:]),
        "1000 mmd_causalnf obs": 1e3 * published[0],
        "1000 mmd_causalnf do, mean": 1e3 * float(np.mean(published[1:])),
    }


def _upper(values: list[float]) -> float:
    return float(np.quantile(values, 0.95))


def _text(do: Mapping[str, float]) -> str:
    return f"do({', '.join(f'{node}={value:g}' for node, value in do.items())})" if do else "obs"


if __name__ == "__main__":
    main()
