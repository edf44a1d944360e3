"""A table of labels of every type with known truth: what the model says of do from 50,000 rows.

    python -m tools.benchmarks.mixed
    python -m tools.benchmarks.mixed --rows=20000 --seeds=0 --controller_steps=8000

The truth is tools/benchmarks/clinic.py: two binary labels, two categories and four numbers, of them two bounded and two
with heavy tails (Student's t, 3 degrees of freedom); non-linear, categories and numbers among each other's causes.
Labels are set one at a time, discrete ones to each value and numbers to the 10th, 50th and 90th percentile of the rows.
Of every label that is not set, and without a do too: the error of a discrete one's probabilities, and that of a
number's mean and standard deviation, in its standard deviation without a do. `rows` is what as many rows of the truth
itself under each do would show.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from causalgan_tf.inference.causal_model import CausalModel
from tools.benchmarks.clinic import CLINIC, GRAPH, single_dos, table
from tools.benchmarks.networks import controller_config, differences
from tools.benchmarks.scms import sample

TRUE_DRAWS, DRAWS = 1_000_000, 200_000

Do = Mapping[str, float]


def main() -> None:
    """Reads the arguments, trains for each seed and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000, help="rows drawn from the truth")
    parser.add_argument("--data_seed", type=int, default=0, help="seed of the rows")
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the training")
    arguments, rest = parser.parse_known_args()
    config = controller_config(None, rest)
    print("settings:", differences(config) or "the defaults")
    rows = sample(CLINIC, arguments.rows, arguments.data_seed)
    judge = Comparison(rows)
    found = {"rows": judge.figures(lambda do: sample(CLINIC, arguments.rows, 12, do))}
    from causalgan_tf.training.fitting import fit_labels

    for seed in map(int, arguments.seeds.split(",")):
        start = time.perf_counter()
        model = fit_labels(table(rows), GRAPH, config, seed, progress=False)
        seconds = {"train_s": round(time.perf_counter() - start, 1)}
        found[f"seed {seed}"] = judge.figures(draws_of(model)) | seconds
        print(pd.DataFrame(found).fillna("").to_string(), flush=True)


class Comparison:
    """Compares draws with the truth under every do."""

    def __init__(self, rows: np.ndarray, draws: int = TRUE_DRAWS) -> None:
        """The truth by `draws` rows a do; `rows` [n, K] give the percentiles and the standard deviations."""
        self.deviation = dict(zip(CLINIC.nodes, rows.std(0), strict=True))
        self.dos = [{}, *single_dos(rows)]
        self.true = [dict(statistics(sample(CLINIC, draws, 11, do))) for do in self.dos]

    def figures(self, draw: Callable[[Do], np.ndarray]) -> dict[str, float | str]:
        """The largest error of each kind, where it is, and the mean error."""
        errors: dict[str, dict[str, float]] = {}
        for do, true in zip(self.dos, self.true, strict=True):
            for (kind, node, value), answer in statistics(draw(do)):
                if node not in do:
                    scale = 1.0 if kind == "probability" else self.deviation[node]
                    name = f"{node}{value} | {do or 'obs'}"
                    errors.setdefault(kind, {})[name] = abs(answer - true[kind, node, value]) / scale
        figures: dict[str, float | str] = {}
        for kind, found in errors.items():
            worst = max(found, key=found.get)
            figures |= {f"{kind}: largest": found[worst], f"{kind}: where": worst}
            figures[f"{kind}: mean"] = float(np.mean(list(found.values())))
        return figures


def statistics(rows: np.ndarray) -> Iterator[tuple[tuple[str, str, str], float]]:
    """(kind, node, value) and the answer: shares of discrete values, means and standard deviations of numbers."""
    for node, column in zip(CLINIC.nodes, rows.T, strict=True):
        size = GRAPH.variables[node].size
        if size is None:
            yield ("mean", node, ""), float(column.mean())
            yield ("deviation", node, ""), float(column.std())
        for value in range(size or 0):
            yield ("probability", node, f"={value}"), float((column == value).mean())


def draws_of(model: CausalModel) -> Callable[[Do], np.ndarray]:
    """Rows of a model under a do, columns as CLINIC's."""
    order = [model.graph.index(node) for node in CLINIC.nodes]

    def draw(do: Do) -> np.ndarray:
        named = {node: model.graph.variables[node].shown(value) for node, value in do.items()}
        return model.sample_labels(DRAWS, named, seed=1)[:, order].astype(np.float64)

    return draw


if __name__ == "__main__":
    main()
