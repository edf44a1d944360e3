"""Exact answers by variable elimination: how long they take, and pgmpy's beside them.

    python -m tools.benchmarks.exact asia alarm hailfinder --bif_dir=FOLDER
    python -m tools.benchmarks.exact asia alarm --bif_dir=FOLDER --rivals_python=/tmp/rivals/bin/python

FOLDER holds NETWORK.bif or NETWORK.bif.gz, as for networks.py. Every node is asked for under seeded single do's, once
without a condition and once with one, of another node. A line says the seconds that all nodes take under one do, the
mean and the largest, and with --rivals_python the largest difference of a probability to pgmpy's, which is asked about
--compared of the queries, and the seconds of a query of either.
"""

import argparse
import json
import pathlib
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.formats import read_network
from causalgan_tf.inference.distribution import LabelDistribution
from tools.benchmarks.networks import run_program

Query = tuple[str, dict[str, Any], dict[str, Any]]


def main() -> None:
    """Reads the arguments and prints a line a network and kind of query."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--bif_dir", type=pathlib.Path, required=True)
    parser.add_argument("--dos", type=int, default=20, help="interventions of each network")
    parser.add_argument("--compared", type=int, default=200, help="queries that pgmpy is asked too")
    parser.add_argument("--rivals_python", default="", help="python of the rivals' environment; empty: no pgmpy")
    arguments = parser.parse_args()
    for name in arguments.networks:
        path = next(p for p in arguments.bif_dir.glob(f"{name}.bif*"))
        law = LabelDistribution(*read_network(path))
        for kind, seen in (("do", 0), ("do and given", 1)):
            print(f"{name}, {len(law.graph)} nodes, {kind}: {line(law, arguments, seen)}", flush=True)


def line(law: LabelDistribution, arguments: argparse.Namespace, seen: int) -> str:
    """The figures of one network, with conditions on that many nodes."""
    rng, seconds, asked = np.random.default_rng(0), [], []
    for _ in range(arguments.dos):
        chosen = rng.choice(law.graph.nodes, 1 + seen, replace=False).tolist()
        values = {
            node: law.graph.variables[node].shown(rng.integers(law.graph.variables[node].size)) for node in chosen
        }
        do, given = {chosen[0]: values[chosen[0]]}, {node: values[node] for node in chosen[1:]}
        if possible(law, do, given):
            start = time.perf_counter()
            asked += [((node, do, given), law.distribution(node, do, given)) for node in law.graph.nodes]
            seconds.append(time.perf_counter() - start)
    told = f"all nodes under one do: {np.mean(seconds):.3f} s, at most {max(seconds):.3f} s"
    if arguments.rivals_python:
        # pgmpy refuses a node that is set or seen
        open_ones = [(query, own) for query, own in asked if query[0] not in {**query[1], **query[2]}]
        some = [open_ones[i] for i in rng.permutation(len(open_ones))[: arguments.compared]]
        answers, rival = pgmpy(law, [query for query, _ in some], arguments.rivals_python)
        error = max(np.abs(own.to_numpy() - other).max() for (_, own), other in zip(some, answers, strict=True))
        own = sum(seconds) / len(asked)
        told += f"; {len(some)} queries: largest difference {error:.1e}; a query {own:.4f} s, pgmpy {rival:.4f} s"
    return told


def possible(law: LabelDistribution, do: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether a condition has a probability above 0."""
    try:
        law.probability({}, do, given)
    except InputError:
        return False
    return True


def pgmpy(law: LabelDistribution, queries: Sequence[Query], python: str) -> tuple[list[np.ndarray], float]:
    """pgmpy's distributions of the queries' nodes, and its seconds a query."""
    plain = [{"node": node, "do": numbers(law, do), "given": numbers(law, given)} for node, do, given in queries]
    parents = {node: list(causes) for node, causes in law.graph.parents.items()}
    with tempfile.TemporaryDirectory() as folder:
        tables, spec, out = (pathlib.Path(folder) / name for name in ("tables.npz", "spec.json", "out.npz"))
        np.savez(tables, **{f"table_{node}": table for node, table in law.tables.items()})
        spec.write_text(json.dumps({"parents": parents, "queries": plain}), encoding="utf-8")
        found = run_program(python, "exact", tables, spec, out)
    return [found[f"answer_{i}"] for i in range(len(queries))], float(found["seconds"].mean())


def numbers(law: LabelDistribution, values: dict[str, Any]) -> dict[str, int]:
    """Values as the numbers that stand for them."""
    return {node: int(law.graph.variables[node].number(value)) for node, value in values.items()}


if __name__ == "__main__":
    main()
