"""Questions to fitted label models against what is known without them: exact, drawn, of single units, and how fast.

    python -m tools.benchmarks.queries networks --bif_dir=FOLDER
    python -m tools.benchmarks.queries rare --bif_dir=FOLDER --workdir=runs/demo
    python -m tools.benchmarks.queries units --rivals_python=/tmp/rivals/bin/python
    python -m tools.benchmarks.queries bootstrap --bif_dir=FOLDER

- networks: five Bayesian networks whose joint distribution can be enumerated (networks.py says where their files come
  from), a model fitted to 50,000 rows of each. Of every ordered pair of labels P(y | do(x)) and P(y | x), and of 200
  random triples P(y | do(x), z), of one value each: the largest difference of the exact answer to brute force over the
  model's own joint, how many answers by 2,000 draws lie outside an interval of 1e-3 shared out among all (Bonferroni),
  and the mean difference to the network's truth.
- rare: rows a second without a condition and given conditions of the nine labels of a run, and on alarm 1,000 rows
  given an observation of five labels of probability 1e-5; and the seconds until what never happens is refused, of
  implicit mechanisms of nine labels and of mechanisms of numbers.
- units: what 1,000 units of three nonlinear causal models would have been under each do of the benchmark, by a model
  fitted to 25,000 rows, and by causal normalizing flows (rivals/flows.py says how its environment is made): errors of
  the variables that move, in standard deviations of each, and the seconds of 100 draws of each unit.
- bootstrap: on 40 tables of 2,000 rows of asia the 95 % interval of an effect, of 20 refitted models, and how many of
  them hold the truth.

Each part prints its figures as a table and writes it to --out, a csv.
"""

import argparse
import itertools
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.data.tables import LabelTable
from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Continuous
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController
from tools.benchmarks import scms
from tools.benchmarks.networks import network, run_rival

NETWORKS = ("asia", "cancer", "earthquake", "survey", "sachs")
ROWS, TRIPLES, DRAWS, ALARM = 50_000, 200, 2_000, 1e-3
UNITS, UNIT_ROWS, MODELS = 1_000, 25_000, ("Triangle-NLIN", "Simpson-NLIN", "Fork-NLIN")
TABLES, TABLE_ROWS, REFITTED = 40, 2_000, 20
CONDITIONS = ({}, {"Mustache": 1}, {"Male": 0, "Mustache": 1})

Row = dict[str, Any]
Asked = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]  # event, do, given


def main() -> None:
    """Reads the arguments, runs a part, prints and writes its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--bif_dir", type=pathlib.Path, default=pathlib.Path(), help="folder of the networks' files")
    parser.add_argument("--workdir", type=pathlib.Path, help="a run of the built-in faces (rare)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/queries.csv"))
    parser.add_argument("--rivals_python", default="", help="python of the rivals' environment (units); empty: none")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    table = pd.DataFrame(list(PARTS[arguments.part](arguments)))
    print(table.to_string(index=False))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.out, index=False)


def fitted(graph: CausalGraph, rows: np.ndarray, seed: int, config: ControllerConfig | None = None) -> CausalModel:
    """A model of label rows [n, K]."""
    from causalgan_tf.training.fitting import fit_labels

    table = LabelTable(graph, pd.DataFrame(rows, columns=list(graph.nodes)))
    return fit_labels(table, graph, config, seed, progress=False)


def networks(arguments: argparse.Namespace) -> Iterator[Row]:
    """A row a network."""
    for name in NETWORKS:
        truth = network(name, arguments.bif_dir)
        model = fitted(truth.graph, truth.sample(ROWS, arguments.seed), arguments.seed)
        yield {"network": name} | compared(model, truth, arguments.seed)


def compared(model: CausalModel, truth: LabelDistribution, seed: int) -> Row:
    """Answers of a model against brute force, its draws and the truth."""
    own, asked = model.label_distribution(), list(asked_of(model.graph, seed))
    brute, off, outside = Brute(own), [], 0
    level = ALARM / len(asked)
    worst = 0.0
    for number, (event, do, given) in enumerate(asked):
        try:
            true = truth.probability(event, do, given)
        except InputError:  # the network never shows the condition
            continue
        exact, known = model.probability(event, do, given).value, brute.probability(event, do, given)
        worst, off = max(worst, abs(exact - known)), [*off, abs(exact - true)]
        rows = model.labels.draw(DRAWS, Query.create(model.graph, do, given), seed + number).labels
        count = int(meets(rows, model.graph, Query.create(model.graph, given=event).given).sum())
        low, high = stats.binom.interval(1.0 - level, DRAWS, min(max(exact, 0.0), 1.0))
        outside += not low <= count <= high
    return {
        "questions": len(off),
        "largest difference to brute force": f"{worst:.1e}",
        "drawn answers outside their interval": outside,
        "mean difference to the truth": round(float(np.mean(off)), 5),
    }


def asked_of(graph: CausalGraph, seed: int) -> Iterator[Asked]:
    """P(y | do(x)) and P(y | x) of every ordered pair, P(y | do(x), z) of random triples; the last value of each."""
    last = {node: {node: variable.shown(variable.size - 1)} for node, variable in graph.variables.items()}
    for x, y in itertools.permutations(graph.nodes, 2):
        yield last[y], last[x], {}
        yield last[y], {}, last[x]
    triples = list(itertools.permutations(graph.nodes, 3))
    chosen = np.random.default_rng(seed).permutation(len(triples))[:TRIPLES]
    for x, y, z in (triples[i] for i in chosen):
        yield last[y], last[x], last[z]


class Brute:
    """Probabilities by summing a model's joint distribution, made anew for every do."""

    def __init__(self, own: LabelDistribution) -> None:
        self.own, self.cells = own, np.stack(np.unravel_index(np.arange(np.prod(own.sizes)), own.sizes, order="F"), 1)
        self.joints: dict[str, np.ndarray] = {}

    def probability(self, event: Mapping[str, Any], do: Mapping[str, Any], given: Mapping[str, Any]) -> float:
        """P(event | do, given)."""
        key = str(do)
        if key not in self.joints:
            self.joints = {key: self.own.joint(do)}
        met, hit = (
            meets(self.cells, self.own.graph, Query.create(self.own.graph, given=part).given) for part in (given, event)
        )
        joint = self.joints[key]
        return float(joint[met & hit].sum() / joint[met].sum())


def rare(arguments: argparse.Namespace) -> Iterator[Row]:
    """A row a condition."""
    import causalgan_tf

    if arguments.workdir:
        model = causalgan_tf.load(arguments.workdir)
        for given in CONDITIONS:
            n = 1_000 if len(given) > 1 else 4_000_000
            yield {"model": "faces"} | timed(model, given, n)
    truth = network("alarm", arguments.bif_dir)
    rows = truth.sample(1_000_000, arguments.seed)
    model = fitted(truth.graph, rows[:ROWS], arguments.seed)
    seen = [truth.graph.index(node) for node in ("HRBP", "EXPCO2", "CATECHOL", "PRESS", "BP")]
    values, counts = np.unique(rows[:, seen], axis=0, return_counts=True)
    # of probability 1e-5: about ten of a million rows
    chosen = values[np.argmin(np.abs(counts - 10))]
    given = {
        truth.graph.nodes[k]: truth.graph.variables[truth.graph.nodes[k]].shown(value)
        for k, value in zip(seen, chosen, strict=True)
    }
    yield {"model": "alarm"} | timed(model, given, 1_000)
    yield from refused()


def refused() -> Iterator[Row]:
    """A row a model: the seconds until a condition that is never met is refused, and the draws that it took."""
    nodes = [f"x{i}" for i in range(9)]
    binary = CausalGraph({node: nodes[:i] for i, node in enumerate(nodes)})
    numbers = CausalGraph({"x": [], "y": ["x"]}, {"x": Continuous(), "y": Continuous()})
    implicit = CausalModel(binary, CausalController(binary, noise_size=4, width=16, layers=2))
    implicit.labels.mechanisms.vector.assign(50.0 * implicit.labels.mechanisms.vector)
    shown = set(map(tuple, implicit.sample(1_000_000, images=False).labels.to_numpy()))
    never = next(cell for cell in itertools.product((0, 1), repeat=9) if cell not in shown)
    explicit = CausalModel(numbers, ExplicitController(numbers, width=16, layers=2))
    asked = {
        "implicit, nine labels": (implicit, dict(zip(nodes, map(int, never), strict=True))),
        "explicit, two numbers": (explicit, {"x": (1e6, 2e6), "y": (1e6, 2e6)}),
    }
    for name, (model, given) in asked.items():
        seconds = []
        for seed in range(4):
            start = time.perf_counter()
            try:
                model.sample(1_000, given=given, seed=seed)
            except ConditioningError as error:
                draws, mass = error.draws, error.mass
            seconds.append(time.perf_counter() - start)
        yield {
            "model": name,
            "given": "what never happens",
            "probability": f"{mass:.1e}",
            "method": f"refused after {draws:,} draws",
            "rows": 0,
            "effective size": 0,
            "seconds": round(float(np.median(seconds[1:])), 3),
            "first call, seconds": round(seconds[0], 2),
        }


def timed(model: CausalModel, given: Mapping[str, Any], n: int) -> Row:
    """Seconds of a draw, the median of three behind a first one."""
    query, seconds = Query.create(model.graph, given=given), []
    for seed in range(4):
        start = time.perf_counter()
        found = model.labels.draw(n, query, seed).diagnostics
        seconds.append(time.perf_counter() - start)
    took = float(np.median(seconds[1:]))
    return {
        "given": query.text() or "nothing",
        "probability": f"{found.mass:.1e}",
        "method": found.method,
        "rows": n,
        "effective size": int(found.effective),
        "seconds": round(took, 3),
        "first call, seconds": round(seconds[0], 2),
        "rows a second": f"{n / took:.2g}",
    }


def units(arguments: argparse.Namespace) -> Iterator[Row]:
    """A row a model and method."""
    for name in MODELS:
        scm = scms.CONTINUOUS[name]
        graph = CausalGraph(dict(scm.parents), dict.fromkeys(scm.nodes, Continuous()))
        rows = scms.sample(scm, UNIT_ROWS, arguments.seed)
        seen = scms.sample(scm, UNITS, arguments.seed + 1)
        dos = [{node: float(v)} for node, values in scms.do_values(scm, rows).items() for v in values]
        true = [scms.sample(scm, UNITS, arguments.seed + 1, do) for do in dos]
        model, frame = counterfactual_model(graph, scm, rows, arguments.seed), pd.DataFrame(seen, columns=scm.nodes)
        found = [model.counterfactual(frame, do).labels[list(scm.nodes)].to_numpy() for do in dos]
        start = time.perf_counter()
        model.counterfactual(frame, dos[0], draws=100)
        row = unit_errors(scm, dos, true, found, seen, rows.std(0))
        yield {"model": name, "method": "causalgan_tf"} | row | {"100 draws, s": round(time.perf_counter() - start, 2)}
        if arguments.rivals_python:
            spec = {"parents": {node: scm.parents[node] for node in scm.nodes}, "dos": dos, "draws": 0, "seed": 0}
            drawn = run_rival(arguments.rivals_python, "flows", rows, spec, units=seen)
            found = [drawn[f"do_{number}"] for number in range(len(dos))]
            yield {"model": name, "method": "causalflows"} | unit_errors(scm, dos, true, found, seen, rows.std(0))


def unit_errors(
    scm: scms.Scm,
    dos: list[dict[str, float]],
    true: list[np.ndarray],
    found: list[np.ndarray],
    seen: np.ndarray,
    deviation: np.ndarray,
) -> Row:
    """Errors of counterfactuals [units, K] of each do, of the variables that it moves, in their deviations [K]."""
    errors = []
    for do, there, own in zip(dos, true, found, strict=True):
        moved = (np.abs(there - seen).max(0) > 1e-9) & ~np.isin(scm.nodes, list(do))
        errors.append((np.abs(own - there) / deviation)[:, moved])
    root = [float(np.sqrt(np.square(each).mean(0)).max()) for each in errors if each.size]
    every = np.concatenate([each.ravel() for each in errors])
    return {
        "interventions": len(dos),
        "root mean square error": round(float(np.sqrt(np.square(every).mean())), 4),
        "median error": round(float(np.median(every)), 4),
        "largest of a variable under one do": round(max(root), 4),
    }


def counterfactual_model(graph: CausalGraph, scm: scms.Scm, rows: np.ndarray, seed: int) -> CausalModel:
    """A model of a continuous SCM's rows, columns as the SCM orders them."""
    from causalgan_tf.training.fitting import fit_labels

    return fit_labels(pd.DataFrame(rows, columns=list(scm.nodes)), graph, None, seed, progress=False)


def bootstrap(arguments: argparse.Namespace) -> Iterator[Row]:
    """One row: how many intervals of an effect hold the truth."""
    from causalgan_tf.training.refitting import refitted

    truth = network("asia", arguments.bif_dir)
    event, cause, values = {"dysp": "yes"}, "bronc", ("no", "yes")
    low, high = (truth.probability(event, {cause: value}) for value in values)
    config, held, widths = ControllerConfig(), 0, []
    for number in range(TABLES):
        table = LabelTable(
            truth.graph, pd.DataFrame(truth.sample(TABLE_ROWS, 1_000 + number), columns=list(truth.graph.nodes))
        )
        model = fitted(truth.graph, table.rows.to_numpy(), number, config)
        models = refitted(table, truth.graph, REFITTED, config, number, progress=False)
        effect = model.effect(event, cause, values, bootstrap=models)
        held += effect.interval[0] <= high - low <= effect.interval[1]
        widths.append(effect.interval[1] - effect.interval[0])
        print(f"table {number + 1}: {held} of {number + 1} intervals hold the truth", flush=True)
    yield {
        "effect": f"P(dysp=yes | do(bronc=yes)) - P(dysp=yes | do(bronc=no)) = {high - low:.4f}",
        "tables": TABLES,
        "rows": TABLE_ROWS,
        "refitted models": REFITTED,
        "intervals that hold it": held,
        "mean width": round(float(np.mean(widths)), 4),
    }


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "networks": networks,
    "rare": rare,
    "units": units,
    "bootstrap": bootstrap,
}

if __name__ == "__main__":
    main()
