"""Bayesian networks with known tables: what each method says of every do(X = x), from tables of any size.

    python -m tools.benchmarks.networks asia cancer earthquake survey sachs alarm --bif_dir=FOLDER
    python -m tools.benchmarks.networks asia --bif_dir=FOLDER --rows=1000 --seeds=0,1,2,3,4,5,6,7,8,9
    python -m tools.benchmarks.networks sachs --bif_dir=FOLDER --controller_objective=wasserstein
    python -m tools.benchmarks.networks asia --bif_dir=FOLDER --rivals_python=/tmp/rivals/bin/python
    python -m tools.benchmarks.networks 2_parents 4_parents 8_parents 12_parents

FOLDER holds NETWORK.bif or NETWORK.bif.gz, as the package pgmpy 1.1.2 brings them in pgmpy/utils/example_models; the
folder rivals/ beside this file says how its environment is made. N_parents is a binary label and its N binary parents,
random probabilities all. For each seed rows are drawn from the network itself
and a controller is trained on them with the settings of --flagfile and of the --controller_... flags behind it.

- A network whose joint distribution can be enumerated: the total variation to the truth, observational and under every
  single do, mean and largest, of small ones the mean under all pairs of do's too, and the probabilities of known
  questions, do and conditional; of N_parents also that of the child's distribution in every cell of its parents.
- A larger one: the total variation of each label's own distribution, observational and under 20 single do's, by
  elimination, and the seconds that all labels take under one do.

Beside the model stand maximum likelihood (a parent cell without rows gets the node's marginal) and, on the first seed's
rows, pgmpy's (uniform there) and DoWhy's causal models (counted in 500,000 draws a do: `floor` is what counting alone
shows). `lost` counts the values that a parent cell of at least 30 rows shows three times or more and to which the model
gives less than a tenth of their share. Every figure is a line of --out, a csv; what is there is not computed again.
"""

import argparse
import csv
import itertools
import json
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.data.tables import LabelTable
from causalgan_tf.graphs.cells import enumerable, histogram
from causalgan_tf.graphs.formats import read_network
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import THIN, LabelDistribution
from causalgan_tf.metrics.tvd import sampling_floor, total_variation

if TYPE_CHECKING:
    from causalgan_tf.inference.causal_model import CausalModel

HERE = pathlib.Path(__file__).parent
KEY = ("subject", "rows", "method", "seed", "settings")
LAW_DRAWS, GCM_DRAWS, DOS = 100_000, 500_000, 20
CHILD = "Y"
SMALL = 1_000  # cells; of a larger distribution gcm's draws would show little but their floor, and pairs take long
SEEN = 3  # rows of a parent cell that show a value, from which on it can be lost
# P(event = value | do(cause)) and P(event = value | cause), for every value of the cause
QUESTIONS = {
    "asia": (("dysp", "yes", "bronc"), ("lung", "yes", "bronc"), ("smoke", "yes", "lung")),
    "cancer": (("Dyspnoea", "True", "Xray"),),
    "earthquake": (("Burglary", "True", "Alarm"), ("MaryCalls", "True", "JohnCalls")),
    "survey": (("T", "car", "R"),),
    "sachs": (("Akt", "LOW", "PKA"), ("Erk", "LOW", "PKA"), ("Akt", "LOW", "Erk"), ("PKA", "LOW", "Erk")),
}

Figures = dict[str, float | str]


class Results:
    """A csv of figures, one a line, that says which runs are done."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.lines = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records") if path.exists() else []

    def of(self, **key: Any) -> Figures:
        """The figures of a run; none if it is not done."""
        wanted = {name: str(value) for name, value in key.items()}
        return {
            line["figure"]: line["value"] for line in self.lines if all(line[name] == wanted[name] for name in wanted)
        }

    def once(self, compute: Callable[[], Figures], **key: Any) -> Figures:
        """The figures of a run, computed and written unless they are there."""
        if not self.of(**key):
            lines = [{**key, "figure": name, "value": _text(value)} for name, value in compute().items()]
            self._append([{name: str(value) for name, value in line.items()} for line in lines])
        return self.of(**key)

    def _append(self, lines: list[dict[str, str]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*KEY, "figure", "value"])
            if fresh:
                writer.writeheader()
            writer.writerows(lines)
        self.lines += lines


def main() -> None:
    """Reads the arguments, runs what is not done and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--bif_dir", type=pathlib.Path, default=pathlib.Path(), help="folder of the networks' files")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/networks.csv"))
    parser.add_argument("--rows", type=int, default=50_000, help="rows drawn from the truth")
    parser.add_argument("--seeds", default="0,1,2", help="seeds, each of the rows and of the training on them")
    parser.add_argument("--rivals_python", default="", help="python of the rivals' environment; empty: no rivals")
    parser.add_argument("--no_gcm", action="store_true", help="leave DoWhy out")
    parser.add_argument("--flagfile", type=pathlib.Path, help="settings of the controller; none: the defaults")
    arguments, rest = parser.parse_known_args()
    config, results = controller_config(arguments.flagfile, rest), Results(arguments.out)
    print("controller:", method_of(config), differences(config))
    for name in arguments.networks:
        for line in benchmark(name, arguments, config, results):
            print(line, flush=True)


def controller_config(flagfile: pathlib.Path | None, rest: Sequence[str]) -> ControllerConfig:
    """The controller that a flag file and the flags behind it describe."""
    values = flags.FlagValues()
    common.define_fields(values, ControllerConfig, "controller_")
    common.define(values, "stages", "controller", "what a flag file for causalgan-train says beside them")
    common.parse(["benchmark", *([f"--flagfile={flagfile}"] if flagfile else []), *rest], values)
    return common.read_fields(values, ControllerConfig, "controller_")


def method_of(config: ControllerConfig) -> str:
    """What trains a controller, and its mechanisms."""
    return f"{config.objective}, {config.mechanisms}"


def differences(config: ControllerConfig) -> str:
    """What a controller has other than its objective's own values."""
    fields = vars(ControllerConfig(mechanisms=config.mechanisms, objective=config.objective))
    return " ".join(f"{name}={value}" for name, value in vars(config).items() if value != fields[name])


def benchmark(name: str, arguments: argparse.Namespace, config: ControllerConfig, results: Results) -> Iterator[str]:
    """The lines of one network's table; runs what is not in the results."""
    truth = network(name, arguments.bif_dir)
    graph = truth.graph
    judge, key = Comparison(name, truth), {"subject": name, "rows": arguments.rows}
    yield f"\n{name}: {len(graph)} nodes, {arguments.rows:,} rows"
    runs = []
    for place, seed in enumerate(map(int, arguments.seeds.split(","))):
        methods = methods_on(judge, truth.sample(arguments.rows, seed), seed, arguments, config)
        if place == 0:
            methods |= rivals_on(judge, truth.sample(arguments.rows, seed), arguments)
        for (method, settings), compute in methods.items():
            runs += [(method, seed, settings)] if place == 0 else []
            found = results.once(compute, **key, method=method, seed=seed, settings=settings)
            figures = "  ".join(f"{figure} {value}" for figure, value in found.items() if not figure.startswith("P("))
            yield f"  {method} {seed}: {figures}"
    yield from questions(results, key, runs)


def network(name: str, folder: pathlib.Path) -> LabelDistribution:
    """A network of the folder, or N_parents: a child of N binary roots, every probability from U(.05, .95)."""
    count, _, star = name.partition("_")
    if star != "parents":
        path = next(p for p in (folder / f"{name}.bif.gz", folder / f"{name}.bif") if p.exists())
        return LabelDistribution(*read_network(path))
    roots, rng = [f"X{k}" for k in range(int(count))], np.random.default_rng(int(count))
    graph = CausalGraph(dict.fromkeys(roots, ()) | {CHILD: tuple(roots)})
    tables = {node: rng.uniform(0.05, 0.95, (2,) * len(parents)) for node, parents in graph.parents.items()}
    return LabelDistribution(graph, tables)


def methods_on(
    judge: "Comparison", rows: np.ndarray, seed: int, arguments: argparse.Namespace, config: ControllerConfig
) -> dict[tuple[str, str], Callable[[], Figures]]:
    """What is run on every table: (method, settings) to its figures."""
    mle = LabelDistribution.fit(judge.graph, rows)
    methods = {("maximum likelihood", ""): lambda: judge.law(mle) | judge.thin(mle)}
    if judge.exact:
        methods["truth's draws", ""] = lambda: judge.floors(arguments.rows)
    return methods | {(method_of(config), differences(config)): lambda: ours(judge, mle, rows, config, seed)}


def rivals_on(
    judge: "Comparison", rows: np.ndarray, arguments: argparse.Namespace
) -> dict[tuple[str, str], Callable[[], Figures]]:
    """The rivals, if there is an environment of theirs: (method, settings) to its figures."""
    if not arguments.rivals_python:
        return {}
    methods = {("pgmpy", ""): lambda: pgmpy(judge, rows, arguments)}
    if judge.small and not arguments.no_gcm:
        methods["dowhy gcm", ""] = lambda: gcm(judge, rows, arguments)
    return methods


def questions(results: Results, key: Mapping[str, Any], runs: Sequence[tuple]) -> Iterator[str]:
    """A line a known question: the truth, then every method."""
    found = {(m, s): results.of(**key, method=m, seed=s, settings=settings) for m, s, settings in runs}
    asked = dict.fromkeys(name for figures in found.values() for name in figures if name.startswith("P("))
    for name in asked:
        told = "  ".join(f"{m} {s}: {figures[name]}".strip() for (m, s), figures in found.items() if name in figures)
        yield f"  {name}  {told}"


class Comparison:
    """Compares distributions with a network's truth."""

    def __init__(self, name: str, truth: LabelDistribution) -> None:
        self.name, self.truth, self.graph = name, truth, truth.graph
        self.exact = enumerable(self.graph)
        self.small = self.exact and int(np.prod(truth.sizes)) <= SMALL
        singles = [{n: v.shown(x)} for n, v in self.graph.variables.items() for x in range(v.size)]
        chosen = np.sort(np.random.default_rng(0).choice(len(singles), min(DOS, len(singles)), replace=False))
        self.dos = singles if self.exact else [singles[i] for i in chosen]
        self.pairs = [a | b for a, b in itertools.combinations(singles, 2) if a.keys() != b.keys()] * self.small

    def law(self, law: LabelDistribution) -> Figures:
        """A distribution's total variations, and its answers to the known questions."""
        if not self.exact:
            return self.labels(law)
        figures = self.laws(law.joint(), map(law.joint, self.dos)) | dict(self.answers(law))
        if CHILD in self.graph.nodes:
            cells = np.abs(law.tables[CHILD] - self.truth.tables[CHILD]).sum(-1) / 2
            figures |= {"child_mean": float(cells.mean()), "child_max": float(cells.max())}
        if self.small:
            errors = [total_variation(law.joint(do), self.truth.joint(do)) for do in self.pairs]
            figures |= {"pairs_mean": float(np.mean(errors)), "pairs_max": max(errors)}
        return figures

    def laws(self, observed: np.ndarray, intervened: Iterable[np.ndarray]) -> Figures:
        """Total variations of the joint distributions [cells], observational and of every do in order."""
        errors = [total_variation(law, self.truth.joint(do)) for law, do in zip(intervened, self.dos, strict=True)]
        return {
            "do_mean": float(np.mean(errors)),
            "do_max": max(errors),
            "worst": _do_text(self.dos[int(np.argmax(errors))]),
            "obs": total_variation(observed, self.truth.joint()),
        }

    def labels(self, law: LabelDistribution) -> Figures:
        """Total variations of every label's own distribution, observational and under the do's."""
        nodes, seconds, under = self.graph.nodes, [], {}
        for do in ({}, *self.dos):
            start = time.perf_counter()
            found = [law.distribution(node, do=do).to_numpy() for node in nodes]
            seconds.append(time.perf_counter() - start)
            true = [self.truth.distribution(node, do=do).to_numpy() for node in nodes]
            under[_do_text(do)] = [total_variation(*both) for both in zip(found, true, strict=True)]
        alone = under.pop("")
        worst = max(under, key=lambda do: max(under[do]))
        return {
            "do_mean": float(np.mean([*under.values()])),
            "do_max": max(under[worst]),
            "worst": f"{worst}: {nodes[int(np.argmax(under[worst]))]}",
            "obs": float(np.mean(alone)),
            "obs_max": max(alone),
            "first_query_s": seconds[0],  # its tables are made
            "query_s": max(seconds[1:]),
        }

    def thin(self, mle: LabelDistribution) -> Figures:
        """How thin the rows are: parent cells of fewer than 30, and of none."""
        return {"thin_cells": len(mle.thin_cells()), "empty_cells": mle.empty_cells}

    def answers(self, law: LabelDistribution) -> Iterator[tuple[str, float]]:
        """The known questions and a law's answers."""
        for event, value, cause in QUESTIONS.get(self.name, ()):
            for setting in range(self.graph.variables[cause].size):
                what = {cause: self.graph.variables[cause].shown(setting)}
                asked = f"{event}={value} | {{}}{_do_text(what)}{{}}"
                yield f"P({asked.format('do(', ')')})", law.probability({event: value}, do=what)
                yield f"P({asked.format('', '')})", law.probability({event: value}, given=what)

    def floors(self, draws: int) -> Figures:
        """What that many draws of the truth itself would show, and the truth's answers."""
        found = [sampling_floor(self.truth.joint(do), draws, repeats=3) for do in self.dos]
        own = {"do_mean": float(np.mean(found)), "do_max": max(found)}
        return own | {"obs": sampling_floor(self.truth.joint(), draws)} | dict(self.answers(self.truth))


def ours(judge: Comparison, mle: LabelDistribution, rows: np.ndarray, config: ControllerConfig, seed: int) -> Figures:
    """A controller trained on the rows."""
    table = LabelTable(judge.graph, pd.DataFrame(rows, columns=list(judge.graph.nodes)))
    model, seconds = trained(table, judge.graph, config, seed)
    law = model.label_distribution(LAW_DRAWS)
    return judge.law(law) | {"lost": lost_values(law, mle)} | seconds


def trained(
    table: LabelTable | pd.DataFrame, graph: CausalGraph, config: ControllerConfig, seed: int
) -> tuple["CausalModel", Figures]:
    """A controller and what its training took, compiling included: seconds, and those of the processors."""
    from causalgan_tf.training.fitting import fit_labels

    start, worked = time.perf_counter(), time.process_time()
    model = fit_labels(table, graph, config, seed, progress=False)
    return model, {"train_s": time.perf_counter() - start, "train_cpu_s": time.process_time() - worked}


def lost_values(law: LabelDistribution, mle: LabelDistribution) -> int:
    """How many values a distribution all but lost that the rows show."""
    lost = 0
    for node, rows in mle.parent_rows.items():
        shares, rows = mle.tables[node], np.asarray(rows)[..., None]
        lost += int(((rows >= THIN) & (rows * shares > SEEN - 0.5) & (law.tables[node] < shares / 10)).sum())
    return lost


def pgmpy(judge: Comparison, rows: np.ndarray, arguments: argparse.Namespace) -> Figures:
    """Maximum likelihood."""
    found = run_rival(arguments.rivals_python, "tabular", rows, specification(judge.graph))
    law = LabelDistribution(judge.graph, {node: found[f"table_{node}"] for node in judge.graph.nodes})
    return judge.law(law) | {"train_s": float(found["seconds"][0])}


def gcm(judge: Comparison, rows: np.ndarray, arguments: argparse.Namespace) -> Figures:
    """DoWhy's causal models, their distributions counted in draws."""
    variables = judge.graph.variables
    codes = [{node: int(variables[node].number(value)) for node, value in do.items()} for do in judge.dos]
    wanted = {"dos": [{}, *codes], "draws": GCM_DRAWS, "seed": 0}
    found = run_rival(arguments.rivals_python, "gcm", rows, specification(judge.graph) | wanted)
    laws = [histogram(found[f"do_{i}"].astype(np.uint8), judge.truth.sizes) for i in range(len(codes) + 1)]
    floors = judge.floors(GCM_DRAWS)
    return judge.laws(laws[0], laws[1:]) | {
        "floor_mean": floors["do_mean"],
        "floor_max": floors["do_max"],
        "train_s": float(found["seconds"][0]),
    }


def specification(graph: CausalGraph) -> dict[str, Any]:
    """The graph as the rivals' runners read it."""
    kinds = {node: variable.size or "continuous" for node, variable in graph.variables.items()}
    return {"parents": {node: list(parents) for node, parents in graph.parents.items()}, "kinds": kinds}


def run_rival(
    python: str,
    runner: str,
    rows: np.ndarray,
    spec: Mapping[str, Any],
    options: Sequence[str] = (),
    **more: np.ndarray,
) -> dict[str, np.ndarray]:
    """What a runner of the folder rivals/ writes, given rows [n, K], a specification and `more` arrays."""
    with tempfile.TemporaryDirectory() as folder:
        data, said, out = (pathlib.Path(folder) / name for name in ("rows.npz", "spec.json", "out.npz"))
        np.savez(data, rows=rows, **more)
        said.write_text(json.dumps(spec), encoding="utf-8")
        return run_program(python, runner, data, said, out, *options)


def run_program(
    python: str, runner: str, data: pathlib.Path, spec: pathlib.Path, out: pathlib.Path, *options: str
) -> dict[str, np.ndarray]:
    """What a runner of the folder rivals/ writes to the file `out`, given its files."""
    command = [python, "-W", "ignore", HERE / "rivals" / f"{runner}.py", data, spec, out, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{runner}: {done.stderr.strip()[-2000:]}")
    return dict(np.load(out))


def _do_text(do: Mapping[str, Any]) -> str:
    return ", ".join(f"{node}={value}" for node, value in do.items())


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}" if abs(value) >= 1 else f"{value:.6f}"


if __name__ == "__main__":
    main()
