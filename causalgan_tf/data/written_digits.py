"""scikit-learn's 1,797 handwritten digits, and which of them are trained on and which held out.

The 8 x 8 digits (E. Alpaydin and C. Kaynak, UCI repository, 1998) ship with scikit-learn.
"""

import functools
from collections.abc import Sequence

import numpy as np
from sklearn.datasets import load_digits

HELD_OUT = 5  # every fifth written digit is in no training picture


@functools.cache
def written_digits() -> tuple[np.ndarray, np.ndarray]:
    """Which digit each is, and its ink: uint8 [1797] from 0 to 9; float64 [1797, 8, 8] from 0 to 16."""
    data = load_digits()
    return data.target.astype(np.uint8), data.images


def pools(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Which written digits are trained on and which are held out, disjoint: the numbers of each digit's, ten arrays."""
    rng, digit = np.random.default_rng(seed), written_digits()[0]
    orders = [rng.permutation(np.flatnonzero(digit == value)) for value in range(10)]
    return [order[len(order) // HELD_OUT :] for order in orders], [order[: len(order) // HELD_OUT] for order in orders]


def picked(digit: np.ndarray, pool: Sequence[np.ndarray], seed: int) -> np.ndarray:
    """A written digit for each of digits [n], its number picked from a pool by noise of its own: int64 [n]."""
    share = np.random.default_rng(seed).random(len(digit))
    chosen = [pool[value][int(part * len(pool[value]))] for value, part in zip(digit, share, strict=True)]
    return np.array(chosen, np.int64)
