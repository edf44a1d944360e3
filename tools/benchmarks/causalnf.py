"""The distance that the published program of causal normalizing flows (arXiv:2306.05415) reports."""

import numpy as np

from causalgan_tf.metrics.samples import kernel_sum, median_distance, two_sets


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
    x, y = two_sets("mmd_causalnf", x, y)
    within_x, within_y, across = (sigma,) * 3
    if sigma is None:
        median_x, median_y = median_distance(x), median_distance(y)
        within_x, within_y, across = 2 * median_x, 2 * median_y, median_x + median_y
    within = kernel_sum(x, x, within_x) / len(x) ** 2 + kernel_sum(y, y, within_y) / len(y) ** 2
    return within - 2 * kernel_sum(x, y, across) / (len(x) * len(y))
