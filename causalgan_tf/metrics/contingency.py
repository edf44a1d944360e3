"""Is x independent of y given a condition, all of them discrete: tests of contingency tables in strata.

With counts n_xys of x and y in strata s of the condition, G = 2 sum n_xys ln(n_xys n_s / (n_xs n_ys)). Half of it is
the log-likelihood that an edge between x and y buys: n times the conditional mutual information. Where every expected
count is at least FULL, G follows a chi-squared distribution under independence. Thinner tables are tested as
metrics.thin_tables says.
"""

import numpy as np
from scipy import stats

from causalgan_tf.metrics.dependence import Dependence
from causalgan_tf.metrics.strata import Cells
from causalgan_tf.metrics.thin_tables import mean_gain, pearson_p_value, pooled_p_value

FULL = 5.0  # expected rows in a cell from which G follows its chi-squared distribution


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
    cells = Cells(x, y, strata, np.ones(len(x)) if rows is None else rows)
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
    chance = mean_gain(cells)
    if told.sum() == 1 and freedom.max() == 1:
        table = np.zeros([2, 2])
        here = told[cells.s]
        places = (np.unique(values[here], return_inverse=True)[1] for values in (cells.x, cells.y))
        table[tuple(places)] = cells.n[here]
        return Dependence(float(stats.fisher_exact(table).pvalue), gain, chance, "strata")
    # one row where two rare values meet makes X2 large, but not G
    p_value = max(pearson_p_value(cells), float(stats.chi2.sf(2 * gain, 2 * chance)))
    # of one informative stratum both statistics are the same
    if told.sum() > 1:
        p_value = min(1.0, 2 * min(p_value, pooled_p_value(cells)))
    return Dependence(p_value, gain, chance, "strata")
