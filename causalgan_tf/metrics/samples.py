"""Distances between continuous laws, by way of samples: maximum mean discrepancy and what it shows of equal laws."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

from causalgan_tf.errors import InputError

_BLOCK = 1 << 22  # distances that are held at once: 32 MiB
_BINS = 4096  # cells of the histogram in which a median is sought


def mmd_causalnf(x: np.ndarray, y: np.ndarray, sigma: float | None = None) -> float:
    """MMD^2 as the published program of causal normalizing flows (arXiv:2306.05415) computes it.

    mean k(x, x) + mean k(y, y) - 2 mean k(x, y) over all pairs, a row with itself too (the biased V-statistic of
    Gretton et al., JMLR 13, 2012, equation 5), k(a, b) = exp(-|a - b|^2 / (2 sigma^2)).

    With sigma None each of the three kernels has its own width, the sum of the median distances within its two
    arguments: 2 m_x, 2 m_y and m_x + m_y. Where the two sets are not equally wide this is no distance and may be
    negative: `mmd_unbiased` is the one to judge by.

    Args:
        x: rows [n, D].
        y: rows [m, D].
        sigma: width of every kernel; None: as above.

    Raises:
        InputError: fewer than two rows, different widths, or numbers that are not finite.
    """
    x, y = _two_sets("mmd_causalnf", x, y)
    within_x, within_y, across = (sigma,) * 3
    if sigma is None:
        median_x, median_y = median_distance(x), median_distance(y)
        within_x, within_y, across = 2 * median_x, 2 * median_y, median_x + median_y
    within = _kernel_sum(x, x, within_x) / len(x) ** 2 + _kernel_sum(y, y, within_y) / len(y) ** 2
    return within - 2 * _kernel_sum(x, y, across) / (len(x) * len(y))


def mmd_unbiased(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    """The unbiased estimate of MMD^2 with a kernel of one width (Gretton et al., JMLR 13, 2012, equation 3).

    Mean over pairs of different rows of k(x, x') + k(y, y') - 2 k(x, y), k(a, b) = exp(-|a - b|^2 / (2 sigma^2)). Of
    equal laws its mean is 0, so about half of its values are negative.

    Args:
        x: rows [n, D].
        y: rows [m, D].
        sigma: width of the kernel, in the units of the rows; fix it on real rows (`median_distance`).

    Raises:
        InputError: as `mmd_causalnf`, or a width that is not positive.
    """
    x, y = _two_sets("mmd_unbiased", x, y)
    within = sum((_kernel_sum(rows, rows, sigma) - len(rows)) / (len(rows) * (len(rows) - 1)) for rows in (x, y))
    return within - 2 * _kernel_sum(x, y, sigma) / (len(x) * len(y))


def mmd_band(x: np.ndarray, sigma: float, rows: int, repeats: int = 100, seed: int = 0, level: float = 0.95) -> float:
    """What real against real shows: the level quantile of `mmd_unbiased` between disjoint random sets of real rows.

    A model whose draws lie within the band cannot be told from the data by this many rows.

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


def median_distance(rows: np.ndarray) -> float:
    """The median distance between two different rows; of an even number of pairs the lower middle one.

    The lower one is what torch.median gives, and with it the numbers published for causal normalizing flows. It is
    exact for any number of rows: where the distances do not fit in memory, the place of the middle one is counted
    first.

    Args:
        rows: [n, D], n >= 2.

    Raises:
        InputError: fewer than two rows, or numbers that are not finite.
    """
    rows = _rows("median_distance", "rows", rows)
    inside = len(rows) * (len(rows) - 1) // 2
    # twice the greatest distance from one row bounds all; a little more, against rounding
    rank, low, high = (inside - 1) // 2, 0.0, 2.001 * float(cdist(rows[:1], rows).max())
    while inside > _BLOCK and high - low > 1e-12 * high:
        counts, edges = _histogram(rows, low, high)
        place = int(np.searchsorted(np.cumsum(counts), rank, side="right"))
        rank, inside = rank - int(counts[:place].sum()), int(counts[place])
        low, high = edges[place], edges[place + 1]
    if inside > _BLOCK:  # more equal distances than fit
        return float(low)
    middle = np.concatenate([part[(part >= low) & (part <= high)] for part in _pair_distances(rows)])
    return float(np.partition(middle, rank)[rank])


def _histogram(rows: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts [_BINS] of the pairs' distances in [low, high], and the edges [_BINS + 1]."""
    parts = (np.histogram(part, _BINS, (low, high))[0] for part in _pair_distances(rows))
    return sum(parts), np.histogram_bin_edges([], _BINS, (low, high))


def _pair_distances(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Distances of all pairs i < j, in blocks."""
    step = max(1, _BLOCK // len(rows))
    for start in range(0, len(rows), step):
        block = cdist(rows[start : start + step], rows[start:])
        yield block[np.arange(block.shape[1]) > np.arange(len(block))[:, None]]


def _kernel_sum(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    if not sigma > 0:  # NaN too
        raise InputError(f"MMD: expected a positive width of the kernel, got {sigma}. Give sigma.")
    step = max(1, _BLOCK // len(y))
    blocks = (cdist(x[start : start + step], y, "sqeuclidean") for start in range(0, len(x), step))
    return float(sum(np.exp(block / (-2.0 * sigma**2)).sum() for block in blocks))


def _two_sets(metric: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
