"""Metrics against numbers worked out by hand."""

import math

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.metrics import images
from causalgan_tf.metrics.tvd import off_support_mass, sampling_floor, total_variation


def test_total_variation_counts_mass_outside_the_other_support():
    assert total_variation([0.5, 0.5, 0.0], [0.5, 0.2, 0.3]) == pytest.approx(0.3)
    assert total_variation([1.0, 0.0], [0.0, 1.0]) == 1.0
    assert off_support_mass([0.5, 0.2, 0.3], [0.5, 0.5, 0.0]) == pytest.approx(0.3)


@pytest.mark.parametrize("law", [[0.5, 0.6], [1.5, -0.5], [[0.5, 0.5]], [math.nan, 1.0]])
def test_what_is_no_law_is_refused(law):
    with pytest.raises(InputError, match="p: expected probabilities"):
        total_variation(law, [0.5, 0.5])


def test_laws_over_different_cells_are_refused():
    with pytest.raises(InputError, match="same cells, got 2 and 3"):
        total_variation([0.5, 0.5], [0.5, 0.5, 0.0])
    with pytest.raises(InputError, match="off_support_mass: expected the same cells, got 2 and 3"):
        off_support_mass([0.5, 0.5], [0.5, 0.5, 0.0])


def test_the_sampling_floor_of_one_label_is_the_binomials_mean_deviation():
    # E|p_hat - p| = sqrt(2 p (1 - p) / (pi n)) for large n; with data as noisy as the draws, sqrt(2) times that
    expected = math.sqrt(2 * 0.3 * 0.7 / (math.pi * 1_000))
    assert sampling_floor([0.7, 0.3], 1_000, repeats=4_000) == pytest.approx(expected, rel=0.05)
    both = sampling_floor([0.7, 0.3], 1_000, 1_000, repeats=4_000)
    assert both == pytest.approx(math.sqrt(2) * expected, rel=0.05)


def test_the_sampling_floor_of_four_draws_is_de_moivres_mean_deviation():
    # E|X - n p| = 2 m C(n, m) p^m (1 - p)^(n - m + 1), m = floor(n p) + 1 = 2: 2 * 2 * 6 * .09 * .343 = .74088
    assert sampling_floor([0.7, 0.3], 4, repeats=40_000) == pytest.approx(0.74088 / 4, rel=0.02)
    assert sampling_floor([0.0, 1.0], 4) == 0.0
    assert sampling_floor([0.7, 0.3], 4, seed=3) == sampling_floor([0.7, 0.3], 4, seed=3)


def gaussian(mean, covariance):
    """Eight rows whose sample mean and covariance are exactly these."""
    corners = np.array([[x, y] for x in (-1, 1) for y in (-1, 1)] * 2, float)
    corners *= math.sqrt((len(corners) - 1) / len(corners))
    return mean + corners @ np.linalg.cholesky(np.array(covariance, float)).T


def test_frechet_distance_of_two_known_gaussians():
    a = gaussian([0, 0], [[4, 0], [0, 9]])
    # diagonal: |mu|^2 + sum (s_a - s_b)^2
    assert images.frechet_distance(a, gaussian([3, 4], [[1, 0], [0, 1]])) == pytest.approx(25 + 1 + 4)
    turn = np.array([[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]])
    turned = gaussian([3, 4], turn @ np.diag([1.0, 1.0]) @ turn.T)
    assert images.frechet_distance(a, turned) == pytest.approx(30)
    assert images.frechet_distance(a @ turn, gaussian([0, 0], np.eye(2)) @ turn) == pytest.approx(5)
    # eigenvalues l of S_a S_b with trace 12.5 and determinant 16: sum of roots sqrt(12.5 + 2 * 4)
    stretched, tilted = gaussian([0, 0], [[4, 0], [0, 1]]), gaussian([0, 0], [[2.5, 1.5], [1.5, 2.5]])
    assert images.frechet_distance(stretched, tilted) == pytest.approx(10 - 2 * math.sqrt(20.5))
    assert images.frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_one_feature_is_that_of_means_and_deviations():
    # mean 0, variance 8; mean 3, variance 2
    assert images.frechet_distance(np.array([[-2.0], [2.0]]), np.array([[2.0], [4.0]])) == pytest.approx(9 + 2)
    for a, b in (((1, 2), (4, 2)), ((4,), (4,))):
        with pytest.raises(InputError, match="moments: expected features .rows >= 2, F., got"):
            images.frechet_distance(np.zeros(a), np.zeros(b))
    with pytest.raises(InputError, match="frechet_distance: expected features of one width, got 2 and 3"):
        images.frechet_distance(np.zeros((4, 2)), np.zeros((4, 3)))


def test_moments_of_more_rows_than_a_chunk_are_those_of_the_whole():
    rows = np.random.default_rng(0).normal(5, 2, (2_500, 3)).astype(np.float32)
    moments = images.Moments.of(rows)
    np.testing.assert_allclose(moments.mean, rows.mean(0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(moments.covariance, np.cov(rows.astype(np.float64), rowvar=False), rtol=1e-9)
    assert images.frechet_distance(moments, rows) == pytest.approx(0.0, abs=1e-9)


REAL = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])


def test_coverage_by_hand():
    def coverage(generated, k):
        return images.neighbours(REAL, np.array(generated)[:, None], k).coverage

    # radii of the first neighbours are 1 everywhere: the generated rows reach the first three only
    assert coverage([0.5, 1.5, 1.9], k=1) == 0.5
    assert coverage([3.5, 30.0], k=1) == 0.0
    # second neighbours lie at 2, 1, 2, 2, 1, 2: 3.5 reaches the row at 2 alone
    assert coverage([3.5, 30.0, 40.0], k=2) == pytest.approx(1 / 6)
    assert images.neighbours(REAL, REAL, k=1) == images.Neighbours(1.0, 1.0, (2 + 3 + 2 + 2 + 3 + 2) / 6, 1.0)


def test_precision_recall_and_density_by_hand():
    found = images.neighbours(REAL, np.array([[0.5], [2.5], [5.0]]), k=1)
    # real radii 1: .5 lies in the spheres of 0 and 1, 2.5 in that of 2, 5 in none
    assert found.precision == pytest.approx(2 / 3)
    assert found.density == pytest.approx(3 / 3)
    assert found.coverage == pytest.approx(3 / 6)
    # generated radii 2, 2, 2.5: of .5 it holds 0, 1, 2; of 2.5 it holds 1, 2; of 5 nothing
    assert found.recall == pytest.approx(3 / 6)
    far = images.neighbours(REAL, REAL + 100, k=2)
    assert far == images.Neighbours(0.0, 0.0, 0.0, 0.0)


def test_neighbours_do_not_depend_on_the_size_of_a_block(monkeypatch):
    real, generated = np.random.default_rng(0).normal(size=(2, 300, 6))
    whole = images.neighbours(real, generated)
    monkeypatch.setattr(images, "_BLOCK", 7 * 300)
    assert images.neighbours(real, generated) == whole


def test_of_equal_laws_the_neighbours_are_those_that_theory_expects():
    found = images.neighbours(*np.random.default_rng(1).normal(size=(2, 2_000, 3)))
    # coverage 1 - 2**-5 = .969; density 1; precision and recall are alike by symmetry
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.015)
    assert found.density == pytest.approx(1, abs=0.05)
    assert found.precision == pytest.approx(found.recall, abs=0.02)


def test_a_set_that_shows_a_part_only_is_precise_and_does_not_cover():
    rng = np.random.default_rng(2)
    both = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(50, 1, (500, 2))])
    found = images.neighbours(both, rng.normal(0, 1, (1_000, 2)))
    assert found.precision > 0.9 and found.density > 0.9
    assert found.recall < 0.5 and found.coverage < 0.51


@pytest.mark.parametrize(
    ("real", "generated"), [((6, 1), (9, 1)), ((9, 1), (6, 1)), ((9, 2), (9, 1)), ((9,), (9,))], ids=str
)
def test_too_few_rows_or_other_widths_have_no_neighbours(real, generated):
    with pytest.raises(InputError, match="neighbours: expected two .rows >= 7, same F. arrays, got"):
        images.neighbours(np.zeros(real), np.zeros(generated), k=6)


def test_the_polynomial_mmd_by_hand():
    # one feature: k(x, y) = (x y + 1)^3; within 1 and 27, across the mean of 1, 1, 8 and 27
    a, b = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    assert images.polynomial_mmd(a, b) == pytest.approx(1 + 27 - 2 * 37 / 4)
    assert images.kernel_distance(a, b)[0] == pytest.approx(9.5) and math.isnan(images.kernel_distance(a, b)[1])
    # two features: products are divided by 2; three rows have six ordered pairs
    a = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    # products 0, 2, 2 within a, so kernels 1, 27, 27 and with b 0: kernel 1
    assert images.polynomial_mmd(a, np.zeros((2, 2))) == pytest.approx((1 + 27 + 27) / 3 + 1 - 2 * 1)


def test_the_kernel_distance_of_equal_laws_is_zero_within_its_standard_error():
    a, b = np.random.default_rng(3).normal(size=(2, 4_000, 8))
    mean, error = images.kernel_distance(a, b, subset=200)
    assert abs(mean) < 3 * error and error > 0
    moved, _ = images.kernel_distance(a, b + 0.3, subset=200)
    assert moved > 10 * error
    # each dimension of N(0, 1) rows moved by .3: the mean of k changes as the whole sets say
    assert moved == pytest.approx(images.polynomial_mmd(a, b + 0.3), abs=4 * error)


def test_the_subsets_are_seeded_and_a_tenth_of_few_rows():
    a, b = np.random.default_rng(4).normal(size=(2, 100, 3))
    assert images.kernel_distance(a, b, seed=1) == images.kernel_distance(a, b, seed=1)
    assert images.kernel_distance(a, b, seed=1) == images.kernel_distance(a, b, subset=10, seed=1)
    assert images.kernel_distance(a, b, seed=1) != images.kernel_distance(a, b, seed=2)
    with pytest.raises(InputError, match="subsets of at least 2 rows, got 1"):
        images.kernel_distance(a, b, subset=1)


def test_diversity_by_hand():
    rows = np.array([[0.0, 0.0], [2.0, 2.0], [5.0, 5.0], [5.0, 7.0], [9.0, 9.0]])
    codes = np.array([0, 0, 1, 1, 2])
    # root mean square differences 2 and sqrt(2); a lone row has no pair
    assert images.mean_pairwise_distance_within_cells(rows, codes) == pytest.approx((2 + math.sqrt(2)) / 2)
    weighted = images.mean_pairwise_distance_within_cells(rows, codes, {0: 3.0, 1: 1.0})
    assert weighted == pytest.approx((3 * 2 + math.sqrt(2)) / 4)
    with pytest.raises(InputError, match="at least two rows"):
        images.mean_pairwise_distance_within_cells(rows, np.arange(5))
    with pytest.raises(InputError, match="a code for each of 5 rows, got 4"):
        images.mean_pairwise_distance_within_cells(rows, codes[:4])


def test_equal_rows_have_no_diversity_wherever_they_lie():
    row = 1_000 + np.random.default_rng(0).random((1, 64))
    assert images.mean_pairwise_distance_within_cells(np.repeat(row, 50, axis=0), np.zeros(50)) == 0.0


def test_diversity_of_more_rows_than_one_chunk_counts_every_pair():
    # 0, 1, ..., n - 1 on a line: the mean distance of a pair is (n + 1) / 3
    rows = np.arange(2_500.0)[:, None]
    diversity = images.mean_pairwise_distance_within_cells(rows, np.zeros(2_500))
    assert diversity == pytest.approx(2_501 / 3, rel=1e-5)


def test_balanced_accuracy_by_hand():
    predicted = np.array([[1, 1], [0, 1], [0, 1], [1, 1]])
    labels = np.array([[1, 1], [1, 1], [0, 1], [0, 1]])
    values = images.balanced_accuracy(predicted, labels, [2, 2])
    assert values[0] == 0.5 and math.isnan(values[1])
    # recall 1 of the one, 2/3 of the zeros; a column of zeros alone
    predicted, labels = np.array([[[1, 0], [1, 0], [0, 1], [0, 0]], [[1, 0], [0, 0], [0, 0], [0, 0]]])
    values = images.balanced_accuracy(predicted, labels, [2, 2])
    assert values[0] == pytest.approx(5 / 6) and math.isnan(values[1])
    # a category that is never shown does not count; a number has no values
    values = images.balanced_accuracy(predicted + np.array([1, 0.5]), labels + np.array([1, 0.5]), [4, None])
    assert values[0] == pytest.approx(5 / 6) and math.isnan(values[1])
