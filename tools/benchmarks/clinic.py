"""A causal model of labels of every type, its distribution under every do known by drawing from its equations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri, stdtrit

from causalgan_tf.graphs.graph import CausalGraph
from tools.benchmarks.scms import Scm

TYPES = {
    "Age": "continuous(18, 90)",
    "Smokes": "categorical(never, former, now)",
    "Dose": "continuous",
    "Pressure": "continuous",
    "Therapy": "categorical(none, pill, device, surgery)",
    "Recovery": "continuous(0, 1)",
}
TAIL = 3.0  # degrees of freedom of Student's t: the variance is finite, the fourth moment is not


def _category(u: np.ndarray, *logits: np.ndarray) -> np.ndarray:
    """The category that a uniform number picks by the softmax of logits."""
    shares = np.exp(np.stack(np.broadcast_arrays(*logits)))
    return (u > np.cumsum(shares / shares.sum(0), 0)[:-1]).sum(0).astype(np.float64)


def _smokes(sex: np.ndarray, age: np.ndarray, u: np.ndarray) -> np.ndarray:
    decades = (age - 45.0) / 15.0
    return _category(u, 0.3 - 0.4 * sex, 0.4 * decades, 0.3 * sex - 0.2 * decades**2)


def _dose(smokes: np.ndarray, u: np.ndarray) -> np.ndarray:
    which = smokes.astype(int)
    return np.array([1.0, 2.0, 3.0])[which] + np.array([0.5, 0.7, 0.9])[which] * stdtrit(TAIL, u)


def _pressure(sex: np.ndarray, age: np.ndarray, dose: np.ndarray, u: np.ndarray) -> np.ndarray:
    spread = np.exp(0.4 * np.sin(age / 12.0) + 2.0)
    return 110.0 + 10.0 * np.tanh((dose - 2.0) / 1.5) + 0.005 * (age - 30.0) ** 2 + 4.0 * sex + spread * ndtri(u)


def _ill(smokes: np.ndarray, pressure: np.ndarray, u: np.ndarray) -> np.ndarray:
    return (u < expit((pressure - 120.0) / 8.0 + 0.5 * smokes)).astype(np.float64)


def _therapy(age: np.ndarray, ill: np.ndarray, u: np.ndarray) -> np.ndarray:
    old = (age - 50.0) / 20.0
    return _category(u, 1.0 - 1.5 * ill, 0.5 - 0.3 * old**2, 0.5 * old + 0.5 * ill, 0.8 * ill - 0.5 * old - 0.5)


def _recovery(dose: np.ndarray, therapy: np.ndarray, u: np.ndarray) -> np.ndarray:
    gain = np.array([0.0, 1.0, 0.5, 2.0])[therapy.astype(int)]
    return expit(gain + np.cos(dose) + 0.7 * stdtrit(TAIL, u))


CLINIC = Scm(
    "clinic",
    {
        "Sex": (),
        "Age": (),
        "Smokes": ("Sex", "Age"),
        "Dose": ("Smokes",),
        "Pressure": ("Sex", "Age", "Dose"),
        "Ill": ("Smokes", "Pressure"),
        "Therapy": ("Age", "Ill"),
        "Recovery": ("Dose", "Therapy"),
    },
    {
        "Sex": lambda u: (u < 0.48).astype(np.float64),
        "Age": lambda u: 18.0 + 72.0 * (1.0 - (1.0 - u) ** 0.5) ** 0.6,
        "Smokes": _smokes,
        "Dose": _dose,
        "Pressure": _pressure,
        "Ill": _ill,
        "Therapy": _therapy,
        "Recovery": _recovery,
    },
    ("Sex", "Age", "Smokes", "Dose", "Pressure", "Ill", "Therapy"),
    noise="uniform",
)
GRAPH = CausalGraph.from_text(
    "; ".join(
        [f"{', '.join(parents)} -> {node}" if parents else node for node, parents in CLINIC.parents.items()]
        + [f"{node}: {kind}" for node, kind in TYPES.items()]
    )
)


def table(rows: np.ndarray) -> pd.DataFrame:
    """Rows [n, K] of numbers, columns as CLINIC's, as a user's table: categories by their names."""
    return pd.DataFrame({n: GRAPH.variables[n].column(part) for n, part in zip(CLINIC.nodes, rows.T, strict=True)})


def single_dos(rows: np.ndarray) -> list[Mapping[str, float]]:
    """Every value of each discrete label that is set, the 10th, 50th and 90th percentile of each number."""
    found = []
    for node in CLINIC.intervened:
        size, column = GRAPH.variables[node].size, rows[:, CLINIC.nodes.index(node)]
        values = np.percentile(column, (10, 50, 90)).round(2) if size is None else np.arange(size)
        found += [{node: float(value)} for value in values]
    return found
