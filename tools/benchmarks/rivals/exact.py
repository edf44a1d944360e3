"""pgmpy's exact answers about a Bayesian network: variable elimination, under do in the mutilated network.

Runs in an environment of its own and knows nothing of this package:

    python3 -m venv /tmp/rivals && /tmp/rivals/bin/pip install pgmpy==1.1.2
    /tmp/rivals/bin/python tools/benchmarks/rivals/exact.py TABLES SPEC OUT

TABLES is a .npz: "table_A", ... float64 [values of each parent ..., values of the node], P(node | parents). SPEC is a
JSON object:

    {"parents": {"A": [], "B": ["A"]},    every node with its parents, in the order of the tables' axes
     "queries": [{"node": "B", "do": {"A": 1}, "given": {}}]}    values are numbers, 0, 1, ...

OUT is a .npz: "answer_0", ... the distribution of each query's node; "seconds" [queries],
without those of building the network.
"""

import argparse
import json
import pathlib
import time
from collections.abc import Mapping

import numpy as np
from pgmpy.factors.discrete import TabularCPD
from pgmpy.inference import VariableElimination
from pgmpy.models import DiscreteBayesianNetwork


def main() -> None:
    """Reads the arguments, asks and writes."""
    parser = argparse.ArgumentParser(description="Exact answers by pgmpy's variable elimination.")
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("spec", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec.read_text(encoding="utf-8"))
    with np.load(arguments.tables) as file:
        tables = {node: file[f"table_{node}"] for node in spec["parents"]}
    found, seconds = {}, []
    for i, query in enumerate(spec["queries"]):
        network, seen = mutilated(spec["parents"], tables, query["do"]), {**query["do"], **query["given"]}
        start = time.perf_counter()
        inference = VariableElimination(network)
        found[f"answer_{i}"] = inference.query([query["node"]], evidence=seen, show_progress=False).values
        seconds.append(time.perf_counter() - start)
    np.savez(arguments.out, seconds=seconds, **found)


def mutilated(
    parents: Mapping[str, list[str]], tables: Mapping[str, np.ndarray], do: Mapping[str, int]
) -> DiscreteBayesianNetwork:
    """The network without the edges into the nodes that are set; these have their value for certain."""
    kept = {node: [] if node in do else list(causes) for node, causes in parents.items()}
    network = DiscreteBayesianNetwork()
    network.add_nodes_from(kept)
    network.add_edges_from((cause, node) for node, causes in kept.items() for cause in causes)
    for node, causes in kept.items():
        *sizes, size = tables[node].shape
        table = np.eye(size)[:, [do[node]]] if node in do else tables[node].reshape([-1, size]).transpose()
        above = {"evidence": causes, "evidence_card": sizes} if causes else {}
        network.add_cpds(TabularCPD(node, size, table, **above))
    return network


if __name__ == "__main__":
    main()
