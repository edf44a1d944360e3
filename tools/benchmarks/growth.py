"""How the causal controller grows with its graph: build, compile and step time, memory.

    python -m tools.benchmarks.growth [--sizes=9,40,100,400] [--shapes=dag,chain,three] [--mechanisms=implicit,explicit]
    python -m tools.benchmarks.growth --sizes=1000 --shapes=three --mechanisms=explicit

Random sparse DAGs with three edges a node (of 400 nodes some have eleven parents), chains, or DAGs of three parents a
node; all labels binary, 20,000 rows. Implicit mechanisms: the paper's (6 layers of 10 units), batch 64, 5 critic steps.
Explicit ones: the defaults, by likelihood; `training s` is then what the default number of steps takes, building and
compiling included. Each case runs in a process of its own, so that its peak memory is its own.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np

from causalgan_tf.graphs.graph import CausalGraph

MEASURED = 3  # calls, of which the median counts
PAPER = {
    "mechanisms": "implicit",
    "objective": "wasserstein",
    "batch_size": 64,
    "critic_steps": 5,
    "layers": 6,
    "critic_width": 15,
    "critic_layers": 6,
    "critic_order": 1,
    "distinct_rows": 0,
}


def graph_of(shape: str, nodes: int) -> CausalGraph:
    """A chain, a random DAG with three edges a node, or one of three random parents a node."""
    names = [f"N{k}" for k in range(nodes)]
    if shape == "chain":
        return CausalGraph({name: names[max(k - 1, 0) : k] for k, name in enumerate(names)})
    rng, edges = np.random.default_rng(0), set()
    if shape == "three":
        chosen = {k: sorted(rng.choice(k, min(k, 3), replace=False)) for k in range(nodes)}
        return CausalGraph({names[k]: [names[parent] for parent in above] for k, above in chosen.items()})
    while len(edges) < min(3 * nodes, nodes * (nodes - 1) // 2):
        a, b = sorted(rng.integers(0, nodes, 2).tolist())
        if a < b:
            edges.add((a, b))
    parents: dict[str, list[str]] = {name: [] for name in names}
    for a, b in sorted(edges):
        parents[names[b]].append(names[a])
    return CausalGraph(parents)


def measure(shape: str, nodes: int, mechanisms: str) -> dict[str, float]:
    """One case, in this process."""
    import tensorflow as tf

    from causalgan_tf.config.run import ControllerConfig, RunConfig
    from causalgan_tf.training.builders import build_controller

    config = ControllerConfig(**PAPER) if mechanisms == "implicit" else ControllerConfig()
    graph = graph_of(shape, nodes)
    rows = np.random.default_rng(0).integers(0, 2, (20_000, nodes), dtype=np.uint8)
    start = time.perf_counter()
    learner = build_controller(RunConfig(controller=config), graph, rows)
    built = time.perf_counter() - start

    def call(first: int, count: int) -> float:
        begin = time.perf_counter()
        logs = learner._run_steps(tf.constant(first), tf.constant(count))
        if not all(np.isfinite(value.numpy()).all() for value in logs.values()):
            raise SystemExit(f"{shape} {nodes}: not all of {', '.join(logs)} are finite")
        return time.perf_counter() - begin

    count = 100
    compiled = call(0, count)
    seconds = float(np.median([call((i + 1) * count, count) for i in range(MEASURED)])) / count
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "build_s": built,
        "compile_s": compiled - count * seconds,
        "steps_per_s": 1 / seconds,
        "training_s": built + compiled + (config.steps - count) * seconds,
        "peak_GiB": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", help="numbers of nodes", default="9,40,100,400")
    parser.add_argument("--shapes", default="dag,chain")
    parser.add_argument("--mechanisms", default="implicit,explicit")
    parser.add_argument("--case", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        shape, nodes, mechanisms = options.case.split(",")
        print(json.dumps(measure(shape, int(nodes), mechanisms)))
        return
    print(f"{'mechanisms':>10} {'graph':>12} {'edges':>6}    build s  compile s    steps/s training s   peak GiB")
    chosen = (options.mechanisms.split(","), options.shapes.split(","), map(int, options.sizes.split(",")))
    for mechanisms, shape, nodes in itertools.product(*chosen):
        command = [sys.executable, "-m", "tools.benchmarks.growth", f"--case={shape},{nodes},{mechanisms}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        figures = " ".join(f"{value:>10.1f}" for value in json.loads(done.stdout.splitlines()[-1]).values())
        edges = len(graph_of(shape, nodes).edges)
        print(f"{mechanisms:>10} {shape:>7} {nodes:>4} {edges:>6} {figures}", flush=True)


if __name__ == "__main__":
    main()
