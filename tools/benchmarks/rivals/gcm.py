"""DoWhy's graphical causal models (arXiv:2206.06821) on a table: mechanisms assigned by data, then do.

Runs in an environment of its own and knows nothing of this package:

    python3 -m venv /tmp/rivals && /tmp/rivals/bin/pip install dowhy==0.14
    /tmp/rivals/bin/python tools/benchmarks/rivals/gcm.py ROWS SPEC OUT [--quality=good] [--jobs=1]

ROWS is a .csv with a header, or a .npz with "rows" [n, K] in the order of SPEC's parents. SPEC is a JSON object:

    {"parents": {"x1": [], "x2": ["x1"]},      every node with its parents, in the order of the columns
     "kinds": {"x1": "continuous", "x2": 3},   "continuous" or the number of values, 0, 1, ...; "continuous" if left out
     "dos": [{}, {"x1": 0.5}],                 {}: observational
     "draws": 10000, "seed": 0}

OUT is a .npz: "do_0", "do_1", ... float64 [draws, K], one for each do; "seconds" [2], of fitting and of sampling.

Roots are drawn from the data. A continuous node is a regression plus resampled residuals, a discrete one a classifier;
which regression and which classifier is chosen by cross-validation.
"""

import argparse
import json
import pathlib
import time
from collections.abc import Mapping

import networkx as nx
import numpy as np
import pandas as pd
from dowhy import gcm


def main() -> None:
    """Reads the arguments, fits, draws and writes."""
    parser = argparse.ArgumentParser(description="Samples of DoWhy's graphical causal models under do.")
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("spec", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--quality", choices=("good", "better"), default="good", help="how many models are compared")
    parser.add_argument("--jobs", type=int, default=1, help="processes of the package")
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec.read_text(encoding="utf-8"))
    gcm.config.disable_progress_bars()
    gcm.config.set_default_n_jobs(arguments.jobs)
    gcm.util.general.set_random_seed(spec["seed"])

    start = time.perf_counter()
    model = fit(read(arguments.rows, spec), spec["parents"], gcm.auto.AssignmentQuality[arguments.quality.upper()])
    fitted = time.perf_counter()
    draws = {f"do_{number}": draw(model, spec, do) for number, do in enumerate(spec["dos"])}
    np.savez_compressed(arguments.out, seconds=[fitted - start, time.perf_counter() - fitted], **draws)


def read(path: pathlib.Path, spec: Mapping) -> pd.DataFrame:
    """The rows, discrete columns as text: the package takes numbers for ordered."""
    nodes = list(spec["parents"])
    frame = pd.DataFrame(np.load(path)["rows"], columns=nodes) if path.suffix == ".npz" else pd.read_csv(path)
    for node in nodes:
        if is_discrete(spec, node):
            frame[node] = frame[node].astype(np.int64).map(str).astype(object)
        else:
            frame[node] = frame[node].astype(np.float64)
    return frame[nodes]


def is_discrete(spec: Mapping, node: str) -> bool:
    """Whether a node's kind is a number of values."""
    return spec.get("kinds", {}).get(node, "continuous") != "continuous"


def fit(frame: pd.DataFrame, parents: Mapping, quality: gcm.auto.AssignmentQuality) -> gcm.StructuralCausalModel:
    """The model of a graph, its mechanisms chosen by the data and fitted to them."""
    graph = nx.DiGraph()
    graph.add_nodes_from(parents)
    graph.add_edges_from((cause, node) for node, causes in parents.items() for cause in causes)
    model = gcm.StructuralCausalModel(graph)
    gcm.auto.assign_causal_mechanisms(model, frame, quality)
    gcm.fit(model, frame)
    return model


def draw(model: gcm.StructuralCausalModel, spec: Mapping, do: Mapping[str, float]) -> np.ndarray:
    """Rows under a do, float64 [draws, K]."""
    values = {node: str(int(value)) if is_discrete(spec, node) else float(value) for node, value in do.items()}
    if values:
        setters = {node: lambda _, value=value: value for node, value in values.items()}
        frame = gcm.interventional_samples(model, setters, num_samples_to_draw=spec["draws"])
    else:
        frame = gcm.draw_samples(model, spec["draws"])
    return frame[list(spec["parents"])].astype(np.float64).to_numpy()


if __name__ == "__main__":
    main()
