"""Tables of few rows: statistics beside their exact moments under permutations within the strata.

Pearson's X2, summed over the strata, sees dependence that differs between them (moments: Haldane 1940,
doi:10.1093/biomet/31.3-4.346). The tables summed over the strata (generalised Mantel-Haenszel) see weak dependence
that is alike in many strata.
"""

import numpy as np
from scipy import special, stats

from causalgan_tf.metrics.dependence import NONE, quadratic
from causalgan_tf.metrics.strata import Cells

FEW = 2.0  # variance of a count in the summed tables below which it is mostly 0, and far from normal
POOLED = 64  # degrees of freedom up to which tables are summed over the strata
SPREAD = 10.0  # standard deviations of a count that an expectation is summed over


def pearson_moments(
    n: np.ndarray, sizes: tuple[np.ndarray, np.ndarray], inverses: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Exact mean and variance of Pearson's X2 of tables with fixed margins (Haldane 1940).

    >>> mean, variance = pearson_moments(*(np.array([4.0]), (np.array([2]),) * 2, (np.array([1.0]),) * 2))
    >>> mean.round(3).tolist(), variance.round(3).tolist()  # 2 by 2, margins 2: X2 is 4, 0 or 4 with P 1/6, 4/6, 1/6
    ([1.333], [3.556])

    Args:
        n: rows of each table, above 2.
        sizes: numbers of its rows and of its columns with a count.
        inverses: sums of 1 / margin over these rows, and over these columns.
    """
    pairs = list(zip(sizes, inverses, strict=True))
    (v, w), (v2, w2) = (((k - 1) * (n - k) / (n - 1), (n * sums - k**2) / (n - 2)) for k, sums in pairs)
    first = np.where(n > 3, 2 * n / np.maximum(n - 3, 1) * (v - w) * (v2 - w2), 0.0)
    return n * (sizes[0] - 1) * (sizes[1] - 1) / (n - 1), first + n**2 / (n - 1) * w * w2


def pearson_p_value(cells: Cells) -> float:
    """P-value of X2 summed over strata: a gamma distribution of the exact mean and variance."""
    (of_x, _, x_stratum), (of_y, _, y_stratum) = cells.x_margin, cells.y_margin
    share = cells.n**2 / (of_x[cells.x_place] * of_y[cells.y_place])
    statistic = cells.total * (np.bincount(cells.s, share) - 1)
    told = cells.total > 2
    sizes = np.bincount(x_stratum)[told], np.bincount(y_stratum)[told]
    inverses = np.bincount(x_stratum, 1 / of_x)[told], np.bincount(y_stratum, 1 / of_y)[told]
    mean, variance = (moment.sum() for moment in pearson_moments(cells.total[told], sizes, inverses))
    if variance <= NONE * max(mean, 1.0):  # every permutation gives the same tables
        return 1.0
    freedom = 2 * mean**2 / variance
    return float(stats.chi2.sf(statistic[told].sum() * freedom / mean, freedom))


def pooled_p_value(cells: Cells) -> float:
    """P-value of the generalised Mantel-Haenszel statistic; 1 for tables of too many values."""
    sizes = int(cells.x.max()) + 1, int(cells.y.max()) + 1
    if (sizes[0] - 1) * (sizes[1] - 1) > POOLED:
        return 1.0
    shares, spreads = [], []
    for (margin, value, stratum), size in zip((cells.x_margin, cells.y_margin), sizes, strict=True):
        share = np.zeros([len(cells.total), size])
        share[stratum, value] = margin / cells.total[stratum]
        shares.append(share)
        spreads.append(share[:, :, None] * np.eye(size) - share[:, :, None] * share[:, None])
    counted = np.zeros(sizes)
    np.add.at(counted, (cells.x, cells.y), cells.n)
    expected = np.einsum("s,si,sj->ij", cells.total, *shares)
    weights = cells.total**2 / np.maximum(cells.total - 1, 1)
    covariance = np.einsum("s,sij,skl->ikjl", weights, *spreads).reshape([expected.size] * 2)
    statistic, freedom = quadratic((counted - expected).ravel(), covariance, FEW)
    return float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0


def mean_gain(cells: Cells) -> float:
    """Exact mean of G / 2 over permutations within the strata: each count is hypergeometric."""
    (of_x, _, x_stratum), (of_y, _, y_stratum) = cells.x_margin, cells.y_margin
    high, wide = np.bincount(x_stratum), np.bincount(y_stratum)
    # all pairs of a value of x and one of y in each stratum
    stratum = np.repeat(np.arange(len(high)), high * wide)
    pair = _counters(high * wide)
    x = of_x[np.repeat(np.cumsum(high) - high, high * wide) + pair // wide[stratum]]
    y = of_y[np.repeat(np.cumsum(wide) - wide, high * wide) + pair % wide[stratum]]
    margins = np.stack([cells.total[stratum], np.minimum(x, y), np.maximum(x, y)], axis=1)
    different, often = np.unique(margins, axis=0, return_counts=True)
    cell_term = (often * _mean_xlogx(*different.T)).sum()
    others = (special.xlogy(n, n).sum() for n in (cells.total, of_x, of_y))
    return float(cell_term + next(others) - sum(others))


def _mean_xlogx(n: np.ndarray, few: np.ndarray, many: np.ndarray) -> np.ndarray:
    """E[k ln k] of hypergeometric counts k, of `few` draws from n of which `many` count."""
    mean = few * many / n
    reach = 10 + SPREAD * np.sqrt(mean * (1 - few / n) * (n - many) / np.maximum(n - 1, 1))
    low = np.maximum(np.floor(mean - reach), np.maximum(0, few + many - n))
    length = (np.minimum(np.ceil(mean + reach), few) - low + 1).astype(int)
    place = np.repeat(np.arange(len(n)), length)
    k = low[place] + _counters(length)
    factorials = special.gammaln(np.arange(n.max() + 1) + 1.0)
    n, few, many = (numbers[place] for numbers in (n, few, many))
    above = (few, n - few, many, n - many)
    below = (n, k, few - k, many - k, n - few - many + k)
    logs = sum(factorials[m.astype(int)] for m in above) - sum(factorials[m.astype(int)] for m in below)
    return np.bincount(place, np.exp(logs) * special.xlogy(k, k))


def _counters(lengths: np.ndarray) -> np.ndarray:
    """0, 1, ... up to each length, one behind the other."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
