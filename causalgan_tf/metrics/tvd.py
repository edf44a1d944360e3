"""Distances between label distributions, given as vectors over the cells."""

import numpy as np

from causalgan_tf.errors import InputError


def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """TVD(p, q) = 1/2 sum |p - q| over the union of the supports, in [0, 1].

    Args:
        p: probabilities [cells].
        q: probabilities [cells], the same cells.

    Raises:
        InputError: different lengths, negative numbers, or a sum that is not 1.
    """
    p, q = _same_cells("total_variation", _checked("p", p), _checked("q", q))
    return float(0.5 * np.abs(p - q).sum())


def off_support_mass(model: np.ndarray, data: np.ndarray) -> float:
    """The model's mass on cells that the data never show, sum over data = 0 of model, in [0, 1].

    Raises:
        InputError: as `total_variation`.
    """
    model, data = _same_cells("off_support_mass", _checked("model", model), _checked("data", data))
    return float(model[data == 0].sum())


def sampling_floor(
    probabilities: np.ndarray, draws: int, data_rows: int | None = None, repeats: int = 20, seed: int = 0
) -> float:
    """The TVD that a perfect model would show, from sampling alone.

    Args:
        probabilities: [cells], which sum to 1.
        draws: model draws of one measurement.
        data_rows: rows of data to which they are compared, resampled too; None: they are compared to the distribution.
        repeats: measurements averaged.
        seed: seed of the resampling.

    Returns:
        Mean of 1/2 sum |p_hat - q_hat|.
    """
    probabilities, rng = _checked("probabilities", probabilities), np.random.default_rng(seed)
    probabilities = probabilities / probabilities.sum()
    model = rng.multinomial(draws, probabilities, repeats) / draws
    data = probabilities if data_rows is None else rng.multinomial(data_rows, probabilities, repeats) / data_rows
    return float(0.5 * np.abs(model - data).sum(1).mean())


def _same_cells(metric: str, p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if p.shape != q.shape:
        raise InputError(f"{metric}: expected the same cells, got {len(p)} and {len(q)}.")
    return p, q


def _checked(name: str, p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, np.float64)
    if p.ndim != 1 or (p < 0).any() or not abs(p.sum() - 1.0) <= 1e-6:  # NaN too
        raise InputError(f"{name}: expected probabilities [cells] with sum 1, got shape {p.shape}, sum {p.sum():.6g}.")
    return p
