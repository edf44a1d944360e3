"""How the causal controller grows with its graph: build, compile and step time, memory.

    python -m tools.benchmarks.growth [--nodes=9,40,100,400] [--shapes=dag,chain] [--layers=6]

Random sparse DAGs with three edges a node, and chains; the paper's mechanisms (6 layers of 10 units), batch 64, 5
critic steps. Each case runs in a process of its own, so that its peak memory is its own.
"""

import argparse
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


def graph_of(shape: str, nodes: int) -> CausalGraph:
    """A chain, or a random DAG with three edges a node."""
    names = [f"N{k}" for k in range(nodes)]
    if shape == "chain":
        return CausalGraph({name: names[max(k - 1, 0) : k] for k, name in enumerate(names)})
    rng, edges = np.random.default_rng(0), set()
    while len(edges) < min(3 * nodes, nodes * (nodes - 1) // 2):
        a, b = sorted(rng.integers(0, nodes, 2).tolist())
        if a < b:
            edges.add((a, b))
    parents: dict[str, list[str]] = {name: [] for name in names}
    for a, b in sorted(edges):
        parents[names[b]].append(names[a])
    return CausalGraph(parents)


def measure(shape: str, nodes: int, layers: int) -> dict[str, float]:
    """One case, in this process."""
    import tensorflow as tf

    from causalgan_tf.config.run import ControllerConfig, RunConfig
    from causalgan_tf.training.builders import build_controller

    config = ControllerConfig(
        mechanisms="implicit",
        objective="wasserstein",
        batch_size=64,
        critic_steps=5,
        layers=layers,
        critic_width=15,
        critic_layers=6,
        critic_order=1,
        distinct_rows=0,
    )
    graph = graph_of(shape, nodes)
    rows = np.random.default_rng(0).integers(0, 2, (20_000, nodes), dtype=np.uint8)
    start = time.perf_counter()
    learner = build_controller(RunConfig(controller=config), graph, rows)
    built = time.perf_counter() - start

    def call(first: int, count: int) -> float:
        begin = time.perf_counter()
        loss = learner._run_steps(tf.constant(first), tf.constant(count))["critic_loss"].numpy()
        if not np.isfinite(loss):
            raise SystemExit(f"{shape} {nodes}: the loss is {loss}")
        return time.perf_counter() - begin

    count = 100
    compiled = call(0, count)
    seconds = float(np.median([call((i + 1) * count, count) for i in range(MEASURED)])) / count
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"build_s": built, "compile_s": compiled - count * seconds, "steps_per_s": 1 / seconds, "peak_GiB": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", default="9,40,100,400")
    parser.add_argument("--shapes", default="dag,chain")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--case", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        shape, nodes = options.case.split(",")
        print(json.dumps(measure(shape, int(nodes), options.layers)))
        return
    print(f"{'graph':>12} {'edges':>6} {'build s':>8} {'compile s':>10} {'steps/s':>8} {'peak GiB':>9}")
    for shape in options.shapes.split(","):
        for nodes in map(int, options.nodes.split(",")):
            command = [sys.executable, "-m", "tools.benchmarks.growth", f"--case={shape},{nodes}"]
            command.append(f"--layers={options.layers}")
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            case = json.loads(done.stdout.splitlines()[-1])
            edges = len(graph_of(shape, nodes).edges)
            print(
                f"{shape:>8} {nodes:>3} {edges:>6} {case['build_s']:>8.1f} {case['compile_s']:>10.1f} "
                f"{case['steps_per_s']:>8.0f} {case['peak_GiB']:>9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
