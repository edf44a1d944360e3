"""Tests of conditional independence: contingency tables of discrete labels, covariance of residuals with numbers.

With counts n_xys of x and y in strata s of the condition, G = 2 sum n_xys ln(n_xys n_s / (n_xs n_ys)). Half of it is
the log-likelihood that an edge between x and y buys: n times the conditional mutual information. Where every expected
count is at least FULL, G follows a chi-squared distribution under independence. Elsewhere it does not, and two other
statistics are compared with their exact moments under permutations within the strata: Pearson's X2 (Haldane 1940,
doi:10.1093/biomet/31.3-4.346), and the tables summed over the strata (generalised Mantel-Haenszel). The first sees
dependence that differs between strata, the second sees weak dependence that is alike in many thin ones.

With numbers, both labels are regressed on the condition. Products of residuals have mean 0 under independence: the
generalised covariance measure (Shah and Peters 2020, arXiv:1804.07203).
"""

import dataclasses

import numpy as np
from scipy import special, stats

FULL = 5.0  # expected rows in a cell from which G follows its chi-squared distribution
FEW = 2.0  # expected rows in a cell of the summed tables from which it is looked at
DENSE = 2**18  # cells that are counted in a plain array
POOLED = 64  # degrees of freedom up to which tables are summed over the strata
SPREAD = 10.0  # standard deviations of a count that an expectation is summed over
NONE = 1e-9  # share of the largest variance below which there is none
TOLD = 1e-4  # share of its variance that is left of a label which the condition determines
RIDGES = tuple(10.0**power for power in range(-4, 4))
FEATURES = 100  # kernel features of a condition
KNOTS = 6  # of the splines of each number in a condition
JOINED = 12  # columns of a condition up to which their products are features


@dataclasses.dataclass(frozen=True)
class Dependence:
    """What a test of "x is independent of y given a condition" found.

    >>> Dependence(p_value=0.5, gain=0.2, chance=0.5, method="G").gain
    0.2

    Attributes:
        p_value: probability under independence of a statistic as large, in [0, 1].
        gain: log-likelihood that knowing x adds for y beside the condition, nats in all rows.
        chance: the gain to expect under independence, nats in all rows.
        method: "G", "strata" (thin strata) or "covariance" (of residuals).
    """

    p_value: float
    gain: float
    chance: float
    method: str


class _Cells:
    """The cells that hold rows in the tables x by y of all strata.

    Attributes:
        n: rows of each cell [cells]; `x`, `y`, `s`: its values and its stratum, from 0.
        total: rows of each stratum [strata].
        x_margin: the rows of each value of x in each stratum, with its value and stratum; `x_place`: a cell's place.
        y_margin: the same of y.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, strata: np.ndarray, rows: np.ndarray) -> None:
        wide, high, deep = (int(column.max()) + 1 for column in (y, x, strata))
        code = (strata * high + x) * wide + y
        if deep * high * wide <= DENSE:
            dense = np.bincount(code, rows, deep * high * wide)
            cells = np.flatnonzero(dense)
            self.n = dense[cells]
        else:
            cells, place = np.unique(code, return_inverse=True)
            self.n = np.bincount(place, rows)
        self.x, self.y = cells // wide % high, cells % wide
        self.s = np.unique(cells // (wide * high), return_inverse=True)[1]
        self.total = np.bincount(self.s, self.n)
        self.x_margin, self.x_place = self._margin(self.x, high)
        self.y_margin, self.y_place = self._margin(self.y, wide)

    def _margin(self, values: np.ndarray, size: int) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
        codes, place = np.unique(self.s * size + values, return_inverse=True)
        return (np.bincount(place, self.n), codes % size, codes // size), place


def table_dependence(x: np.ndarray, y: np.ndarray, strata: np.ndarray, rows: np.ndarray | None = None) -> Dependence:
    """Tests discrete x and y within strata.

    >>> x, y = np.repeat([[0, 0, 1, 1], [0, 1, 0, 1]], [30, 10, 10, 30], axis=1)
    >>> found = table_dependence(x, y, np.zeros(80, int))
    >>> round(2 * found.gain, 2), found.method, found.p_value < 1e-4
    (20.93, 'G', True)

    Args:
        x: whole numbers from 0, [n].
        y: whole numbers from 0, [n].
        strata: the number of each row's stratum, from 0, [n].
        rows: how often each row is there, [n]; None: once.
    """
    cells = _Cells(x, y, strata, np.ones(len(x)) if rows is None else rows)
    (of_x, _, x_stratum), (of_y, _, y_stratum) = cells.x_margin, cells.y_margin
    freedom = (np.bincount(x_stratum) - 1) * (np.bincount(y_stratum) - 1)
    ratio = cells.n * cells.total[cells.s] / (of_x[cells.x_place] * of_y[cells.y_place])
    gain, told = float((cells.n * np.log(ratio)).sum()), freedom > 0
    if not told.any():
        return Dependence(1.0, 0.0, 0.0, "G")
    starts = [np.searchsorted(stratum, np.arange(len(freedom))) for stratum in (x_stratum, y_stratum)]
    least = np.minimum.reduceat(of_x, starts[0]) * np.minimum.reduceat(of_y, starts[1]) / cells.total
    if least[told].min() >= FULL:
        return Dependence(float(stats.chi2.sf(2 * gain, freedom.sum())), gain, float(freedom.sum()) / 2, "G")
    chance = _chance(cells)
    if told.sum() == 1 and freedom.max() == 1:
        table = np.zeros([2, 2])
        here = told[cells.s]
        places = (np.unique(values[here], return_inverse=True)[1] for values in (cells.x, cells.y))
        table[tuple(places)] = cells.n[here]
        return Dependence(float(stats.fisher_exact(table).pvalue), gain, chance, "strata")
    # one row where two rare values meet makes X2 large, but not G
    p_value = max(_p_pearson(cells), float(stats.chi2.sf(2 * gain, 2 * chance)))
    # of one informative stratum both statistics are the same
    if told.sum() > 1:
        p_value = min(1.0, 2 * min(p_value, _p_pooled(cells)))
    return Dependence(p_value, gain, chance, "strata")


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


def _p_pearson(cells: _Cells) -> float:
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


def _p_pooled(cells: _Cells) -> float:
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
    # counts that are nearly always 0 are far from normal
    kept = np.flatnonzero(expected >= FEW)
    statistic, freedom = _quadratic((counted - expected).ravel()[kept], covariance[np.ix_(kept, kept)])
    return float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0


def _chance(cells: _Cells) -> float:
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


def residuals(targets: np.ndarray, numbers: np.ndarray, indicators: np.ndarray, seed: int = 0) -> np.ndarray:
    """What a kernel ridge regression on a condition leaves of each target, 0 where that is next to nothing: [n, D].

    The features are splines of each number, products of two columns, and kernel features of all; the strength of the
    ridge is chosen for each target by generalised cross-validation.

    >>> x = np.linspace(-2, 2, 400)[:, None]
    >>> noise = np.random.default_rng(0).normal(size=[400, 1])
    >>> float(np.corrcoef(residuals(x**2 + noise, x, np.zeros([400, 0])).T, noise.T)[0, 1].round(1))
    1.0

    Args:
        targets: [n, D].
        numbers: those columns of the condition that are numbers, [n, C].
        indicators: those that are 0 or 1, [n, B].
        seed: of the rows at which kernel features are centred.
    """
    # scikit-learn takes half a second, and tables of discrete labels do without
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import PolynomialFeatures, SplineTransformer
    from threadpoolctl import threadpool_limits

    targets = targets - targets.mean(0)
    condition = np.hstack([numbers, indicators])
    condition = condition[:, np.ptp(condition, axis=0) > 0]
    if not condition.shape[1]:
        return targets
    condition = (condition - condition.mean(0)) / condition.std(0)
    count, wide = min(FEATURES, len(condition)), condition.shape[1]
    kernel = Nystroem(gamma=0.5 / wide, n_components=count, random_state=seed)
    makers = [(1, PolynomialFeatures(2 if wide <= JOINED else 1, include_bias=False), condition)]
    makers.append((10, kernel, condition))
    varied = numbers[:, np.ptp(numbers, axis=0) > 0]
    if varied.shape[1]:
        makers.append((3, SplineTransformer(KNOTS, knots="quantile"), varied))
    ridge = RidgeCV(RIDGES, alpha_per_target=True)
    # matrices this small are slower on several threads, by far where other programs run
    with threadpool_limits(1):
        design = np.hstack([scale * maker.fit_transform(columns) for scale, maker, columns in makers])
        left = targets - ridge.fit(design, targets).predict(design).reshape(targets.shape)
    return np.where(left.var(0) > TOLD * targets.var(0), left, 0.0)


def residual_dependence(x: np.ndarray, y: np.ndarray) -> Dependence:
    """The generalised covariance measure of residuals x [n, D] and y [n, E].

    The gain is that of two normal variables, -n/2 ln(1 - r2) of the largest canonical correlation r.

    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.normal(size=[2, 1_000, 1])
    >>> residual_dependence(x, x + noise).p_value < 1e-6, residual_dependence(x, noise).p_value > 0.01
    (True, True)
    """
    n, x, y = len(x), np.asarray(x, np.float64), np.asarray(y, np.float64)
    products = (x[:, :, None] * y[:, None]).reshape(n, -1)
    centred = products - products.mean(0)
    statistic, freedom = _quadratic(products.sum(0), centred.T @ centred)
    p_value = 1.0
    if 0 < freedom < n:  # Hotelling's T2: the covariance is estimated
        p_value = float(stats.f.sf(statistic * (n - freedom) / (n * freedom), freedom, n - freedom))
    shared = _whitened(x).T @ _whitened(y)
    correlation = min(np.linalg.svd(shared, compute_uv=False).max(initial=0.0), 1 - NONE)
    return Dependence(p_value, -n / 2 * float(np.log1p(-(correlation**2))), shared.size / 2, "covariance")


def _whitened(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of an array [n, D]."""
    vectors, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return vectors[:, sizes > NONE * max(sizes[0], NONE)]


def _quadratic(sums: np.ndarray, covariance: np.ndarray) -> tuple[float, int]:
    """Sums [D] squared, by their covariance, and their degrees of freedom."""
    if not sums.size:
        return 0.0, 0
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > NONE * max(variances[-1], NONE)
    return float(((directions[:, kept].T @ sums) ** 2 / variances[kept]).sum()), int(kept.sum())
