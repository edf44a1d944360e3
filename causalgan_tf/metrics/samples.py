"""Distances between continuous distributions by their samples: maximum mean discrepancy, its value for equal ones."""

import numpy as np
from scipy.spatial.distance import cdist, pdist

from causalgan_tf.errors import InputError

_BLOCK = 1 << 22  # distances that are held at once: 32 MiB
_MEDIAN_ROWS = 10_000  # rows whose median distance is exact: 400 MB of distances


def mmd_unbiased(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    """The unbiased estimate of MMD^2 with a kernel of one width (Gretton et al., JMLR 13, 2012, equation 3).

    Mean over pairs of different rows of k(x, x') + k(y, y') - 2 k(x, y), k(a, b) = exp(-|a - b|^2 / (2 sigma^2)). Of
    equal distributions its mean is 0, so about half of its values are negative.

    Args:
        x: rows [n, D].
        y: rows [m, D].
        sigma: width of the kernel, in the units of the rows; fix it on real rows (`median_distance`).

    Raises:
        InputError: fewer than two rows, different numbers of columns, numbers that are not finite, or a width that is
            not positive.
    """
    x, y = two_sets("mmd_unbiased", x, y)
    within = sum((kernel_sum(rows, rows, sigma) - len(rows)) / (len(rows) * (len(rows) - 1)) for rows in (x, y))
    return within - 2 * kernel_sum(x, y, sigma) / (len(x) * len(y))


def mmd_band(x: np.ndarray, sigma: float, rows: int, repeats: int = 100, seed: int = 0, level: float = 0.95) -> float:
    """The level quantile of `mmd_unbiased` between disjoint random sets of real rows.

    A model whose draws lie within the band cannot be distinguished from the data with this many rows.

    Args:
        x: real rows [n, D].
        sigma: width of the kernel, that of the measurement.
        rows: rows of each of the two sets, those of the measurement; at most n / 2.
        repeats: pairs of sets.
        seed: seed of their choice.
        level: share of the pairs that lie below the band's edge.

    Raises:
        InputError: fewer than 2 rows in a set, or more than half of x.
    """
    x, rng = _rows("mmd_band", "x", x), np.random.default_rng(seed)
    if not 2 <= rows <= len(x) // 2:
        raise InputError(f"mmd_band: expected rows of 2 to {len(x) // 2}, half of the {len(x)} of x, got {rows}.")
    chosen = (x[rng.choice(len(x), 2 * rows, replace=False)] for _ in range(repeats))
    return float(np.quantile([mmd_unbiased(both[:rows], both[rows:], sigma) for both in chosen], level))


def median_distance(rows: np.ndarray, seed: int = 0) -> float:
    """The median distance between two different rows; of an even number of pairs the lower middle one.

    The lower one is what torch.median gives, and with it the numbers published for causal normalizing flows. Of more
    than 10,000 rows it is that of 10,000 chosen by the seed.

    >>> median_distance(np.array([[0.0], [1.0], [3.0], [7.0]]))
    3.0

    Args:
        rows: [n, D], n >= 2.
        seed: seed of the choice.

    Raises:
        InputError: fewer than two rows, or numbers that are not finite.
    """
    rows = _rows("median_distance", "rows", rows)
    if len(rows) > _MEDIAN_ROWS:
        rows = np.random.default_rng(seed).choice(rows, _MEDIAN_ROWS, replace=False)
    distances = pdist(rows)
    middle = (len(distances) - 1) // 2
    return float(np.partition(distances, middle)[middle])


def kernel_sum(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    """Sum over all pairs of rows x [n, D] and y [m, D] of exp(-|x - y|^2 / (2 sigma^2)).

    Raises:
        InputError: sigma is not positive.
    """
    if not sigma > 0:  # NaN too
        raise InputError(f"MMD: expected a positive width of the kernel, got {sigma}. Give sigma.")
    step = max(1, _BLOCK // len(y))
    blocks = (cdist(x[start : start + step], y, "sqeuclidean") for start in range(0, len(x), step))
    return float(sum(np.exp(block / (-2.0 * sigma**2)).sum() for block in blocks))


def two_sets(metric: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [n, D] and [m, D]; InputError, which names the metric, if they are not such rows."""
    x, y = _rows(metric, "x", x), _rows(metric, "y", y)
    if x.shape[1] != y.shape[1]:
        raise InputError(f"{metric}: expected rows of the same columns, got {x.shape[1]} and {y.shape[1]}.")
    return x, y


def _rows(metric: str, name: str, rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or len(rows) < 2 or not np.isfinite(rows).all():
        raise InputError(f"{metric}: expected {name} [rows >= 2, D] of finite numbers, got {_description(rows)}.")
    return rows


def _description(rows: np.ndarray) -> str:
    bad = int((~np.isfinite(rows)).sum())
    return f"shape {rows.shape}" + (f" with {bad} that are not" if bad else "")
