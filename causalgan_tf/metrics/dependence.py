"""What a test of conditional independence found, and quadratic forms."""

import dataclasses

import numpy as np

NONE = 1e-9  # share of the largest variance below which there is none


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


def quadratic(sums: np.ndarray, covariance: np.ndarray, least: float = 0.0) -> tuple[float, int]:
    """Sums [D] squared, by their covariance, and their degrees of freedom; directions of less variance are left out."""
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > max(least, NONE * variances[-1], NONE**2)
    return float(((directions[:, kept].T @ sums) ** 2 / variances[kept]).sum()), int(kept.sum())
