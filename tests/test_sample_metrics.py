"""Distances of samples against numbers worked out by hand and laws whose distance is known."""

import math

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.metrics import samples
from causalgan_tf.metrics.samples import median_distance, mmd_band, mmd_unbiased
from tools.benchmarks.causalnf import mmd_causalnf

ROOT_LN4 = math.sqrt(2 * math.log(2))  # at this distance a kernel of width 1 is 1/2


def normal(n, mean=0.0, columns=1, seed=0):
    return np.random.default_rng(seed).normal(mean, 1.0, (n, columns))


def normals_mmd(shift, sigma, columns=1):
    """MMD^2 of N(0, I) and N(shift, I), each column shifted: E k(a, b) with a - b ~ N(mu, 2 I)."""
    share = sigma**2 / (sigma**2 + 2)
    return 2 * share ** (columns / 2) * (1 - math.exp(-columns * shift**2 / (2 * (sigma**2 + 2))))


def test_mmd_of_two_pairs_by_hand():
    # within x the kernel is 1/2, within y 1/16 (twice the distance), across 1/2, 1/2, 1 and 1/2
    x, y = np.array([[0.0], [ROOT_LN4]]), np.array([[ROOT_LN4], [-ROOT_LN4]])
    across = (0.5 + 0.5 + 1.0 + 0.5**4) / 4
    assert mmd_unbiased(x, y, 1.0) == pytest.approx(0.5 + 0.5**4 - 2 * across)
    biased = (2 + 2 * 0.5) / 4 + (2 + 2 * 0.5**4) / 4 - 2 * across
    assert mmd_causalnf(x, y, sigma=1.0) == pytest.approx(biased)
    assert mmd_causalnf(3 * x, 3 * y, sigma=3.0) == pytest.approx(biased)


def test_each_kernel_of_causalnf_has_its_own_width_unless_it_is_given():
    # distances 1 within x and 3 within y: widths 2, 6 and 4
    x, y = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 3.0]])
    within_x, within_y = (2 + 2 * math.exp(-1 / 8)) / 4, (2 + 2 * math.exp(-9 / 72)) / 4
    across = (1 + math.exp(-9 / 32) + math.exp(-1 / 32) + math.exp(-10 / 32)) / 4
    assert mmd_causalnf(x, y) == pytest.approx(within_x + within_y - 2 * across)


def test_causalnf_takes_the_lower_of_two_middle_distances():
    # distances 1, 2, 3, 4, 6, 7: the lower middle one is 3
    x = np.array([[0.0], [1.0], [3.0], [7.0]])
    assert median_distance(x) == 3.0
    assert median_distance(x[:3]) == 2.0
    assert mmd_causalnf(x, 2 * x[::-1]) != mmd_causalnf(x, 2 * x[::-1], sigma=6.0)
    assert mmd_causalnf(x, x[::-1] + 0.5) == pytest.approx(mmd_causalnf(x, x[::-1] + 0.5, sigma=6.0))


def test_the_median_of_many_rows_is_that_of_a_sample_chosen_by_the_seed(monkeypatch):
    rows = normal(3_000, columns=2)
    exact = median_distance(rows)
    monkeypatch.setattr(samples, "_MEDIAN_ROWS", 1_000)
    assert median_distance(rows) == pytest.approx(exact, rel=0.05)
    assert median_distance(rows) == median_distance(rows, seed=0) != median_distance(rows, seed=1)


def test_blocks_do_not_change_a_distance(monkeypatch):
    x, y = normal(50, columns=3), normal(70, 1.0, 3, seed=1)
    expected = mmd_causalnf(x, y), mmd_unbiased(x, y, 2.0)
    monkeypatch.setattr(samples, "_BLOCK", 256)
    assert (mmd_causalnf(x, y), mmd_unbiased(x, y, 2.0)) == pytest.approx(expected)


@pytest.mark.parametrize(("shift", "sigma", "columns"), [(1.0, 1.0, 1), (0.5, 2.0, 3), (10.0, 1.0, 1)])
def test_mmd_of_two_normals_is_the_known_one(shift, sigma, columns):
    x, y = normal(3_000, 0.0, columns), normal(3_000, shift, columns, seed=1)
    expected = normals_mmd(shift, sigma, columns)
    assert mmd_unbiased(x, y, sigma) == pytest.approx(expected, abs=0.025)
    assert mmd_causalnf(x, y, sigma) == pytest.approx(expected, abs=0.025)


def test_equal_laws_are_at_0_on_average_and_the_biased_one_is_above():
    pairs = [(normal(50, seed=2 * i), normal(50, seed=2 * i + 1)) for i in range(300)]
    unbiased = [mmd_unbiased(x, y, 1.0) for x, y in pairs]
    assert abs(np.mean(unbiased)) < 3 * np.std(unbiased) / math.sqrt(300)
    # (2 / n)(1 - E k) with E k(a, a') = 1 / sqrt(3)
    biased = np.mean([mmd_causalnf(x, y, 1.0) for x, y in pairs])
    assert biased == pytest.approx(2 / 50 * (1 - 1 / math.sqrt(3)), abs=0.002)
    x = pairs[0][0]
    assert mmd_causalnf(x, x) == pytest.approx(0.0, abs=1e-12)


def test_the_band_holds_its_share_of_equal_laws_and_none_of_another():
    real = normal(4_000)
    band = mmd_band(real, 1.0, rows=100, repeats=200)
    fresh = np.array([mmd_unbiased(normal(100, seed=2 * i), normal(100, seed=2 * i + 1), 1.0) for i in range(400)])
    assert (fresh <= band).mean() == pytest.approx(0.95, abs=0.04)
    assert mmd_unbiased(real[:100], normal(100, 1.0, seed=9), 1.0) > band > 0
    assert mmd_band(real, 1.0, 100, 20, level=0.5) < mmd_band(real, 1.0, 100, 20)
    assert mmd_band(real, 1.0, 100, 20, seed=3) == mmd_band(real, 1.0, 100, 20, seed=3)
    assert mmd_band(real, 1.0, 100, 20, seed=3) != mmd_band(real, 1.0, 100, 20, seed=4)


def test_the_band_sets_are_disjoint():
    # two far points: the sets are one point each, or the other way round
    assert mmd_band(np.array([[0.0], [0.0], [9.0], [9.0]]), 1.0, rows=2, level=1.0) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[0.0]], [[0.0], [1.0]], r"mmd_unbiased: expected x \[rows >= 2, D\] of finite numbers, got shape \(1, 1\)"),
        ([[0.0], [1.0]], [0.0, 1.0], r"mmd_unbiased: expected y .* got shape \(2,\)"),
        ([[0.0], [math.nan]], [[0.0], [1.0]], r"got shape \(2, 1\) with 1 that are not"),
        ([[0.0], [1.0]], [[0.0, 1.0], [1.0, 1.0]], "same columns, got 1 and 2"),
    ],
)
def test_what_are_no_two_sets_of_rows_is_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        mmd_unbiased(x, y, 1.0)


def test_a_width_that_is_not_positive_is_refused():
    x = normal(4)
    for sigma in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="positive width"):
            mmd_unbiased(x, x, sigma)
    with pytest.raises(InputError, match="positive width"):
        mmd_causalnf(np.zeros((3, 1)), np.zeros((3, 1)))


@pytest.mark.parametrize("rows", [1, 6])
def test_a_band_of_more_rows_than_half_is_refused(rows):
    with pytest.raises(InputError, match=f"2 to 5, half of the 10 of x, got {rows}"):
        mmd_band(normal(10), 1.0, rows)
