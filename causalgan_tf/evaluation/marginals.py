"""Label distributions with too many cells to count, or none: one label, two labels, the distance of points."""

from typing import Any

import numpy as np
from scipy.stats import wasserstein_distance

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Continuous, Variable
from causalgan_tf.metrics.samples import median_distance, mmd_band, mmd_unbiased

_CHUNK = 1 << 16  # rows whose indicators are held at once; fewer than float32 can count


def part_numbers(graph: CausalGraph, rows: np.ndarray, data: np.ndarray, points: int, seed: int) -> dict[str, Any]:
    """How far the labels of the model are from those of the data.

    Args:
        graph: causal graph over K labels, with their types.
        rows: the model's label rows [n, K].
        data: label rows of the data [m, K].
        points: rows on either side of an MMD, at most.
        seed: of the choice of these rows.

    Returns:
        marginals, of each label alone; pairs, of all tables of two discrete labels, None if there are no two; mmd, of
        all labels as points in space, None if every label is discrete.
    """
    return {
        "marginals": marginals(graph, rows, data),
        "pairs": pairs(graph, rows, data),
        "mmd": None if graph.sizes else mmd(graph, rows, data, points, seed),
    }


def marginals(graph: CausalGraph, rows: np.ndarray, data: np.ndarray) -> dict[str, Any]:
    """The error of each label's own distribution.

    Returns:
        each: of a discrete label the largest absolute error of a probability; of a continuous one the error of the
        mean and the Wasserstein-1 distance, both in standard deviations of the data. max_error and worst,
        max_wasserstein_sd and worst_continuous: the largest of them. sampling_error: largest standard error of a
        probability by sampling alone, .5 sqrt(1/n + 1/m); that of a mean is twice as large.
    """
    each = {
        node: _continuous(variable, rows[:, k], data[:, k])
        if variable.size is None
        else {"error": _probability_error(variable, rows[:, k], data[:, k])}
        for k, (node, variable) in enumerate(graph.variables.items())
    }
    numbers = {"sampling_error": 0.5 * float(np.sqrt(1 / len(rows) + 1 / len(data))), "each": each}
    for figure, largest, where in (
        ("error", "max_error", "worst"),
        ("wasserstein_sd", "max_wasserstein_sd", "worst_continuous"),
    ):
        found = {node: errors[figure] for node, errors in each.items() if figure in errors}
        numbers[where] = max(found, key=found.get) if found else None
        numbers[largest] = max(found.values()) if found else None
    return numbers


def pairs(graph: CausalGraph, rows: np.ndarray, data: np.ndarray) -> dict[str, Any] | None:
    """The error of the probabilities of two discrete labels' values together.

    Returns:
        mean_error over all cells of all pairs' tables, max_error, worst: which two values it is of, count of pairs;
        None if there are no two discrete labels.
    """
    nodes = [node for node, variable in graph.variables.items() if variable.size]
    if len(nodes) < 2:
        return None
    values = [(node, value) for node in nodes for value in range(graph.variables[node].size)]
    owner = np.array([nodes.index(node) for node, _ in values])
    errors = np.abs(_together(graph, values, rows) - _together(graph, values, data))
    errors[owner[:, None] >= owner] = np.nan  # each pair once, and none of a label with itself
    places = np.unravel_index(np.nanargmax(errors), errors.shape)
    worst = [f"{node}={graph.variables[node].shown(value)}" for node, value in (values[place] for place in places)]
    return {
        "mean_error": float(np.nanmean(errors)),
        "max_error": float(np.nanmax(errors)),
        "worst": ", ".join(worst),
        "count": len(nodes) * (len(nodes) - 1) // 2,
    }


def mmd(graph: CausalGraph, rows: np.ndarray, data: np.ndarray, points: int, seed: int) -> dict[str, Any] | None:
    """The unbiased MMD^2 between model and data, beside what two sets of real rows show; None of fewer than 4 rows.

    Continuous labels are standardised, of a category there is an indicator each. The width of the kernel is the median
    distance between the chosen real rows.

    Returns:
        mmd2, band: below it lie 95 % of the MMD^2 of two disjoint sets of real rows, sigma, n: rows of each set.
    """
    n, rng = min(points, len(rows), len(data) // 2), np.random.default_rng(seed)
    if n < 2:
        return None
    # the width by real rows alone: one that depends on the model would make models incomparable
    real = _coordinates(graph, data)
    chosen = real[rng.choice(len(real), n, replace=False)]
    sigma = median_distance(chosen)
    if sigma == 0:  # all rows alike
        return None
    drawn = _coordinates(graph, rows[:n])
    band = mmd_band(real, sigma, n, seed=int(rng.integers(2**31)))
    return {"mmd2": mmd_unbiased(drawn, chosen, sigma), "band": band, "sigma": sigma, "n": n}


def _probability_error(variable: Variable, drawn: np.ndarray, data: np.ndarray) -> float:
    """The largest absolute error of a value's probability."""
    shares = [np.bincount(column.astype(np.int64), minlength=variable.size) / len(column) for column in (drawn, data)]
    return float(np.abs(shares[0] - shares[1]).max())


def _continuous(variable: Continuous, drawn: np.ndarray, data: np.ndarray) -> dict[str, float]:
    """Error of the mean and Wasserstein-1 distance, in standard deviations."""
    drawn, data = ((column.astype(np.float64) - variable.mean) / variable.std for column in (drawn, data))
    return {
        "mean_error_sd": float(drawn.mean() - data.mean()),
        "wasserstein_sd": float(wasserstein_distance(drawn, data)),
    }


def _together(graph: CausalGraph, values: list[tuple[str, int]], rows: np.ndarray) -> np.ndarray:
    """How often each two of the values (node, value) come together: float64 [values, values], relative frequencies."""
    columns = [graph.index(node) for node, _ in values]
    wanted, counts = np.array([value for _, value in values]), np.zeros([len(values)] * 2)
    for start in range(0, len(rows), _CHUNK):
        # all pairs' tables at once are one product of indicators
        shown = (rows[start : start + _CHUNK, columns] == wanted).astype(np.float32)
        counts += shown.T @ shown
    return counts / len(rows)


def _coordinates(graph: CausalGraph, rows: np.ndarray) -> np.ndarray:
    """Label rows as points: a continuous label standardised, an indicator of each category but the first."""
    parts = []
    for k, variable in enumerate(graph.variables.values()):
        column = rows[:, k : k + 1].astype(np.float64)
        discrete = variable.size is not None
        parts.append(column == np.arange(1, variable.size) if discrete else (column - variable.mean) / variable.std)
    return np.concatenate(parts, axis=1, dtype=np.float64)
