"""Causal normalizing flows (arXiv:2306.05415) on a table of continuous variables, by the package causalflows.

Runs in an environment of its own and knows nothing of this package:

    python3 -m venv /tmp/rivals && /tmp/rivals/bin/pip install torch==2.13.0 causalflows==0.1.0 pandas
    /tmp/rivals/bin/python tools/benchmarks/rivals/flows.py ROWS SPEC OUT [--flow=maf] [--epochs=1000]

ROWS is a .csv with a header, or a .npz with "rows" [n, K] in the order of SPEC's parents and, if it is there,
"validation" [m, K]; without it the last tenth of the rows is held out. SPEC is a JSON object:

    {"parents": {"x1": [], "x2": ["x1"]},   every node behind its parents, in the order of the columns
     "kinds": {"x1": "continuous"},         nothing else is possible; may be left out
     "dos": [{}, {"x1": 0.5}],              {}: observational
     "draws": 10000, "seed": 0}

A .npz may hold "units" [u, K], too: rows whose counterfactuals are asked for, in place of draws.

OUT is a .npz: "do_0", "do_1", ... float64 [draws, K], one for each do, of the same noise, or [u, K] of the units;
"seconds" [2], of fitting and of sampling; "loss" [epochs], mean negative log-likelihood of the validation rows,
standardized.

The settings are those of the paper's program: one masked autoregressive layer that knows the graph, three hidden layers
of 32, ELU, Adam 1e-3, batches of 4096, the rate times .95 after 60 epochs without progress. The weights with the best
validation loss are kept.
"""

import argparse
import copy
import json
import pathlib
import time
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from causalflows.flows import CausalFlow, CausalMAF, CausalNSF

_BATCH = 4096
_FLOWS = {"maf": CausalMAF, "nsf": CausalNSF}


def main() -> None:
    """Reads the arguments, fits, draws and writes."""
    parser = argparse.ArgumentParser(description="Samples of causal normalizing flows under do.")
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("spec", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--flow", choices=tuple(_FLOWS), default="maf", help="affine or spline")
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec.read_text(encoding="utf-8"))
    if set(spec.get("kinds", {}).values()) - {"continuous"}:
        parser.error("a flow has a density: every node must be continuous.")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(spec["seed"])

    start = time.perf_counter()
    rows, validation = read(arguments.rows, list(spec["parents"]))
    mean, scale = rows.mean(0), rows.std(0)
    flow = build(arguments.flow, spec["parents"])
    loss = fit(flow, (rows - mean) / scale, (validation - mean) / scale, arguments.epochs)
    fitted = time.perf_counter()
    units = (units_of(arguments.rows) - mean) / scale
    draws = {f"do_{number}": draw(flow, spec, do, mean, scale, units) for number, do in enumerate(spec["dos"])}
    seconds = [fitted - start, time.perf_counter() - fitted]
    np.savez_compressed(arguments.out, seconds=seconds, loss=loss, **draws)


def read(path: pathlib.Path, nodes: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Training and validation rows, float32 [n, K] and [m, K]."""
    arrays = np.load(path) if path.suffix == ".npz" else {"rows": pd.read_csv(path)[nodes].to_numpy()}
    rows = torch.as_tensor(arrays["rows"], dtype=torch.float32)
    if "validation" in arrays:
        return rows, torch.as_tensor(arrays["validation"], dtype=torch.float32)
    held_out = len(rows) // 10
    return rows[:-held_out], rows[-held_out:]


def units_of(path: pathlib.Path) -> torch.Tensor:
    """The rows whose counterfactuals are asked for, float32 [u, K]; none where the file has none."""
    arrays = np.load(path) if path.suffix == ".npz" else {}
    return torch.as_tensor(arrays["units"] if "units" in arrays else np.zeros([0, 1]), dtype=torch.float32)


def build(kind: str, parents: Mapping[str, list[str]]) -> CausalFlow:
    """A flow from rows to noise whose every output depends on a node and its parents alone."""
    nodes = list(parents)
    adjacency = torch.eye(len(nodes), dtype=torch.bool)
    for node, causes in parents.items():
        for cause in causes:
            adjacency[nodes.index(node), nodes.index(cause)] = True
    return _FLOWS[kind](len(nodes), adjacency=adjacency, hidden_features=(32, 32, 32), activation=torch.nn.ELU)


def fit(flow: CausalFlow, rows: torch.Tensor, validation: torch.Tensor, epochs: int) -> list[float]:
    """Maximum likelihood; leaves the weights of the best epoch in the flow and returns every epoch's loss."""
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.95, patience=60)
    losses, best = [], copy.deepcopy(flow.state_dict())
    for _ in range(epochs):
        for batch in rows[torch.randperm(len(rows))].split(_BATCH):
            optimizer.zero_grad()
            (-flow().log_prob(batch).mean()).backward()
            optimizer.step()
        with torch.no_grad():
            loss = float(-flow().log_prob(validation).mean())
        plateau.step(loss)
        if loss < min(losses, default=float("inf")):
            best = copy.deepcopy(flow.state_dict())
        losses.append(loss)
    flow.load_state_dict(best)
    return losses


@torch.no_grad()
def draw(
    flow: CausalFlow,
    spec: Mapping,
    do: Mapping[str, float],
    mean: torch.Tensor,
    scale: torch.Tensor,
    units: torch.Tensor,
) -> np.ndarray:
    """Rows under a do, float64 [draws, K]; or what standardized units [u, K] would have been, if there are any.

    Algorithm 1 of the paper, one node after the other in ancestral order: the set node's noise is replaced by the one
    that gives the value under the parents as they are now. The package sets all nodes at once, which is the same for
    one of them, and not where one that is set lies above another.
    """
    torch.manual_seed(spec["seed"])
    distribution = flow()
    transform = distribution.transform
    noise = transform(units).clone() if len(units) else distribution.base.sample((spec["draws"],))
    for index, node in enumerate(spec["parents"]):
        if node in do:
            rows = transform.inv(noise)
            rows[:, index] = (do[node] - mean[index]) / scale[index]
            noise[:, index] = transform(rows)[:, index]
    rows = (transform.inv(noise) * scale + mean).to(torch.float64)
    for index, node in enumerate(spec["parents"]):
        if node in do:  # away with rounding
            rows[:, index] = do[node]
    return rows.numpy()


if __name__ == "__main__":
    main()
