"""pgmpy's maximum likelihood on a table of discrete labels: the conditional tables of a graph.

Runs in an environment of its own and knows nothing of this package:

    python3 -m venv /tmp/rivals && /tmp/rivals/bin/pip install pgmpy==1.1.2
    /tmp/rivals/bin/python tools/benchmarks/rivals/tabular.py ROWS SPEC OUT

ROWS is a .csv with a header, or a .npz with "rows" [n, K] in the order of SPEC's parents. SPEC is a JSON object:

    {"parents": {"A": [], "B": ["A"]},   every node with its parents, in the order of the columns
     "kinds": {"A": 2, "B": 3}}          the number of values, 0, 1, ...; 2 if left out

OUT is a .npz: "table_A", "table_B", ... float64 [values of each parent ..., values of the node], P(node | parents) with
the parents in SPEC's order; "seconds" [1], of fitting. A product of tables without those of the nodes that are set is
the law under do. Parents' values that no row shows get the uniform law, the package's choice.
"""

import argparse
import json
import pathlib
import time
from collections.abc import Mapping

import numpy as np
import pandas as pd
from pgmpy.models import DiscreteBayesianNetwork
from pgmpy.parameter_estimator import DiscreteMLE


def main() -> None:
    """Reads the arguments, fits and writes."""
    parser = argparse.ArgumentParser(description="Conditional tables by pgmpy's maximum likelihood.")
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("spec", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec.read_text(encoding="utf-8"))
    nodes = list(spec["parents"])
    frame = read(arguments.rows, nodes)
    start = time.perf_counter()
    tables = fit(frame, spec["parents"], {node: spec.get("kinds", {}).get(node, 2) for node in nodes})
    np.savez_compressed(
        arguments.out,
        seconds=[time.perf_counter() - start],
        **{f"table_{node}": table for node, table in tables.items()},
    )


def read(path: pathlib.Path, nodes: list[str]) -> pd.DataFrame:
    """The rows as whole numbers, columns in the order of the nodes."""
    frame = pd.DataFrame(np.load(path)["rows"], columns=nodes) if path.suffix == ".npz" else pd.read_csv(path)
    return frame[nodes].astype(np.int64)


def fit(frame: pd.DataFrame, parents: Mapping[str, list[str]], sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """P(node | parents) of every node, [values of each parent ..., values of the node]."""
    network = DiscreteBayesianNetwork()
    network.add_nodes_from(parents)
    network.add_edges_from((cause, node) for node, causes in parents.items() for cause in causes)
    network.fit(frame, estimator=DiscreteMLE(state_names={node: list(range(size)) for node, size in sizes.items()}))
    tables = {}
    for node, causes in parents.items():
        # the package sorts the parents by name
        factor = network.get_cpds(node).to_factor()
        axes = [factor.variables.index(name) for name in (*causes, node)]
        tables[node] = np.transpose(np.asarray(factor.values, np.float64), axes)
    return tables


if __name__ == "__main__":
    main()
