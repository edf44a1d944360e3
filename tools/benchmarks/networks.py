"""Bayesian networks with known tables: what each method says of every do(X = x) after 50,000 rows.

    python -m tools.benchmarks.networks asia cancer earthquake survey sachs alarm --bif_dir=FOLDER
    python -m tools.benchmarks.networks asia --bif_dir=FOLDER --rivals_python=/tmp/rivals/bin/python

FOLDER holds NETWORK.bif or NETWORK.bif.gz, as the package pgmpy 1.1.2 brings them in pgmpy/utils/example_models; the
folder rivals/ beside this file says how its environment is made. Rows are drawn from the network itself; a controller
is trained on them for each seed with the settings of --flagfile and of the --controller_... flags behind it.

- A network whose joint law can be enumerated: the total variation to the truth, observational and under every single
  do, mean and largest, and the probabilities of known questions, do and conditional.
- A larger one: the total variation of each label's own law, of every table of a node and one parent, and of the labels
  under some seeded single do's, by counting a million draws on either side.

Beside the model stand pgmpy's maximum likelihood and DoWhy's causal models (counted in 500,000 draws a do: `floor` is
what counting alone shows) on the same rows. Every figure is a line of --out, a csv; what is there is not computed
again.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.data.tables import LabelTable
from causalgan_tf.graphs.cells import enumerable, histogram
from causalgan_tf.graphs.formats import read_network
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.metrics.tvd import sampling_floor, total_variation

HERE = pathlib.Path(__file__).parent
KEY = ("subject", "method", "seed", "data_seed", "settings")
LAW_DRAWS, GCM_DRAWS, COUNTED, DOS = 100_000, 500_000, 1_000_000, 20
GCM_CELLS = 1_000  # of a larger law the draws would show little but their floor
# P(event = value | do(cause)) and P(event = value | cause), for every value of the cause
QUESTIONS = {
    "asia": (("dysp", "yes", "bronc"), ("lung", "yes", "bronc"), ("smoke", "yes", "lung")),
    "cancer": (("Dyspnoea", "True", "Xray"),),
    "earthquake": (("Burglary", "True", "Alarm"), ("MaryCalls", "True", "JohnCalls")),
    "survey": (("T", "car", "R"),),
    "sachs": (("Akt", "LOW", "PKA"), ("Erk", "LOW", "PKA"), ("Akt", "LOW", "Erk"), ("PKA", "LOW", "Erk")),
}

Figures = dict[str, float | str]
Sampler = Callable[[int, Mapping[str, Any]], np.ndarray]


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
    parser.add_argument("--bif_dir", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/networks.csv"))
    parser.add_argument("--rows", type=int, default=50_000, help="rows drawn from the truth")
    parser.add_argument("--data_seed", type=int, default=0, help="seed of the rows")
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the training")
    parser.add_argument("--rivals_python", default="", help="python of the rivals' environment; empty: no rivals")
    parser.add_argument("--no_gcm", action="store_true", help="leave DoWhy out")
    parser.add_argument("--flagfile", type=pathlib.Path, help="settings of the controller; none: the defaults")
    arguments, rest = parser.parse_known_args()
    config, results = controller_config(arguments.flagfile, rest), Results(arguments.out)
    print("settings:", differences(config) or "the defaults")
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


def differences(config: ControllerConfig) -> str:
    """What a controller has other than the defaults."""
    fields = vars(ControllerConfig())
    return " ".join(f"{name}={value}" for name, value in vars(config).items() if value != fields[name])


def benchmark(name: str, arguments: argparse.Namespace, config: ControllerConfig, results: Results) -> Iterator[str]:
    """The lines of one network's table; runs what is not in the results."""
    path = next(p for p in (arguments.bif_dir / f"{name}.bif.gz", arguments.bif_dir / f"{name}.bif") if p.exists())
    graph, tables = read_network(path)
    truth = LabelDistribution(graph, tables)
    rows = truth.sample(arguments.rows, arguments.data_seed)
    thin = LabelDistribution.fit(graph, rows).thin_cells()
    shown = "; ".join(f"{node} | {cell}: {count}" for node, cell, count in thin[:3])
    yield f"\n{name}: {len(graph)} nodes, {len(rows):,} rows; parent cells of fewer than 30 rows: {len(thin)} {shown}"
    judge = Comparison(name, truth)
    key = {"subject": name, "data_seed": arguments.data_seed}
    exact = enumerable(graph)
    methods = {("truth's draws", "", f"{arguments.rows} rows"): lambda: judge.floors(arguments.rows)} if exact else {}
    for seed in map(int, arguments.seeds.split(",")):
        settings = differences(config)
        methods["causalgan_tf", seed, settings] = lambda seed=seed: ours(judge, graph, rows, config, seed)
    if arguments.rivals_python:
        methods["pgmpy", "", ""] = lambda: pgmpy(judge, graph, rows, arguments)
        if not arguments.no_gcm and exact and len(judge.observed) <= GCM_CELLS:
            methods["dowhy gcm", "", ""] = lambda: gcm(judge, graph, rows, arguments)
    for (method, seed, settings), compute in methods.items():
        found = results.once(compute, **key, method=method, seed=seed, settings=settings)
        figures = "  ".join(f"{figure} {value}" for figure, value in found.items() if not figure.startswith("P("))
        yield f"  {method} {seed}: {figures}"
    yield from questions(results, key, tuple(methods))


def questions(results: Results, key: Mapping[str, Any], runs: Sequence[tuple]) -> Iterator[str]:
    """A line a known question: the truth, then every method."""
    found = {(m, s): results.of(**key, method=m, seed=s, settings=settings) for m, s, settings in runs}
    asked = dict.fromkeys(name for figures in found.values() for name in figures if name.startswith("P("))
    for name in asked:
        told = "  ".join(f"{m} {s}: {figures[name]}".strip() for (m, s), figures in found.items() if name in figures)
        yield f"  {name}  {told}"


class Comparison:
    """Compares laws and draws with a network's truth."""

    def __init__(self, name: str, truth: LabelDistribution) -> None:
        self.name, self.truth, self.graph = name, truth, truth.graph
        self.dos = [{n: v.shown(x)} for n, v in self.graph.variables.items() for x in range(v.size)]
        if enumerable(self.graph):
            self.observed = truth.joint()
            self.intervened = [truth.joint(do) for do in self.dos]

    def laws(self, observed: np.ndarray, intervened: Sequence[np.ndarray]) -> Figures:
        """Total variations of the joint laws [cells], observational and of every do in order."""
        errors = [total_variation(law, true) for law, true in zip(intervened, self.intervened, strict=True)]
        return {
            "do_mean": float(np.mean(errors)),
            "do_max": max(errors),
            "worst": _do_text(self.dos[int(np.argmax(errors))]),
            "obs": total_variation(observed, self.observed),
        }

    def law(self, law: LabelDistribution) -> Figures:
        """Total variations of a law, and its answers to the known questions."""
        figures = self.laws(law.joint(), [law.joint(do) for do in self.dos])
        return figures | dict(self.answers(law))

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
        found = [sampling_floor(law, draws, repeats=3) for law in self.intervened]
        own = {"do_mean": float(np.mean(found)), "do_max": max(found), "obs": sampling_floor(self.observed, draws)}
        return own | dict(self.answers(self.truth))

    def sampled(self, draw: Sampler) -> Figures:
        """Total variations of labels, of tables of a node and one parent, and of labels under some single do's."""
        real, drawn = self.truth.sample(COUNTED, seed=1), draw(COUNTED, {})
        alone = [self._distance(real, drawn, [k]) for k in range(len(self.graph))]
        edges = [[self.graph.index(parent), self.graph.index(node)] for parent, node in self.graph.edges]
        pairs = [self._distance(real, drawn, edge) for edge in edges]
        chosen = np.random.default_rng(0).choice(len(self.dos), min(DOS, len(self.dos)), replace=False)
        under = {}
        for do in (self.dos[i] for i in sorted(chosen)):
            real, drawn = self.truth.sample(COUNTED, seed=1, do=do), draw(COUNTED, do)
            errors = [self._distance(real, drawn, [k]) for k in range(len(self.graph))]
            under[f"{_do_text(do)}: {self.graph.nodes[int(np.argmax(errors))]}"] = (float(np.mean(errors)), max(errors))
        means, largest = zip(*under.values(), strict=True)
        return {
            "label_mean": float(np.mean(alone)),
            "label_max": max(alone),
            "pair_mean": float(np.mean(pairs)),
            "pair_max": max(pairs),
            "worst_pair": " -> ".join(self.graph.nodes[k] for k in edges[int(np.argmax(pairs))]),
            "do_label_mean": float(np.mean(means)),
            "do_label_max": max(largest),
            "worst": max(under, key=lambda do: under[do][1]),
        }

    def _distance(self, real: np.ndarray, drawn: np.ndarray, columns: list[int]) -> float:
        sizes = [self.truth.sizes[k] for k in columns]
        return total_variation(histogram(drawn[:, columns], sizes), histogram(real[:, columns], sizes))


def ours(judge: Comparison, graph: CausalGraph, rows: np.ndarray, config: ControllerConfig, seed: int) -> Figures:
    """A controller trained on the rows."""
    from causalgan_tf.training.stages import fit_labels

    start = time.perf_counter()
    table = LabelTable(graph, pd.DataFrame(rows, columns=list(graph.nodes)))
    model = fit_labels(table, graph, config, seed, progress=False)
    seconds = {"train_s": time.perf_counter() - start}
    if enumerable(graph):
        return judge.law(model.label_distribution(LAW_DRAWS)) | seconds
    return judge.sampled(lambda n, do: model.sample_labels(n, do, seed=2)) | seconds


def pgmpy(judge: Comparison, graph: CausalGraph, rows: np.ndarray, arguments: argparse.Namespace) -> Figures:
    """Maximum likelihood."""
    found = run_rival(arguments.rivals_python, "tabular", rows, specification(graph))
    law = LabelDistribution(graph, {node: found[f"table_{node}"] for node in graph.nodes})
    figures = judge.law(law) if enumerable(graph) else judge.sampled(lambda n, do: law.sample(n, seed=2, do=do))
    return figures | {"train_s": float(found["seconds"][0])}


def gcm(judge: Comparison, graph: CausalGraph, rows: np.ndarray, arguments: argparse.Namespace) -> Figures:
    """DoWhy's causal models, their laws counted in draws."""
    codes = [{node: int(graph.variables[node].number(value)) for node, value in do.items()} for do in judge.dos]
    wanted = {"dos": [{}, *codes], "draws": GCM_DRAWS, "seed": 0}
    found = run_rival(arguments.rivals_python, "gcm", rows, specification(graph) | wanted)
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
    python: str, runner: str, rows: np.ndarray, spec: Mapping[str, Any], options: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """What a runner of the folder rivals/ writes, given rows [n, K] and a specification."""
    with tempfile.TemporaryDirectory() as folder:
        data, said, out = (pathlib.Path(folder) / name for name in ("rows.npz", "spec.json", "out.npz"))
        np.savez(data, rows=rows)
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
