"""Metrics of images from their features: Frechet and kernel distance, neighbours, diversity, accuracy."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.metrics import recall_score
from sklearn.neighbors import NearestNeighbors

from causalgan_tf.errors import InputError

_CHUNK = 1024  # rows whose distances to all others are held at once
_BLOCK = 1 << 23  # distances that are held at once: 64 MiB


@dataclasses.dataclass(frozen=True)
class Moments:
    """Mean and covariance of a set of features, as a Frechet distance needs them.

    Attributes:
        mean: float64 [F].
        covariance: float64 [F, F], of the sample: divided by n - 1.

    >>> moments = Moments.of(np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> moments.mean.tolist(), moments.covariance.tolist()
    ([1.0, 2.0], [[2.0, 2.0], [2.0, 2.0]])
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> "Moments":
        """The moments of features [n, F], n at least 2, converted to float64 chunk by chunk.

        Raises:
            InputError: another shape, or fewer than two rows.
        """
        rows = np.asarray(rows)
        if rows.ndim != 2 or len(rows) < 2:
            raise InputError(f"moments: expected features [rows >= 2, F], got {rows.shape}.")
        mean, total = rows.mean(axis=0, dtype=np.float64), np.zeros([rows.shape[1]] * 2)
        # by chunks: the features are float32 and many, and float64 of all of them would be twice as large
        for part in _parts(len(rows), _CHUNK):
            centred = rows[part] - mean
            total += centred.T @ centred
        return cls(mean, total / (len(rows) - 1))


def frechet_distance(a: np.ndarray | Moments, b: np.ndarray | Moments) -> float:
    """|mu_a - mu_b|^2 + Tr(S_a + S_b - 2 (S_a S_b)^(1/2)) of features (arXiv:1706.08500, equation 6).

    It may be called FID for 2048 Inception-v3 features only.

    Args:
        a: features [n, F], or their moments.
        b: features [m, F], or their moments.

    Raises:
        InputError: fewer than two rows, or different widths.
    """
    a, b = (rows if isinstance(rows, Moments) else Moments.of(rows) for rows in (a, b))
    if a.mean.shape != b.mean.shape:
        raise InputError(f"frechet_distance: expected features of one width, got {len(a.mean)} and {len(b.mean)}.")
    # Tr (S_a S_b)^(1/2) = Tr (R S_b R)^(1/2) with R the symmetric root of S_a: no root of an asymmetric matrix
    root = _symmetric_root(a.covariance)
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ b.covariance @ root), 0.0, None)).sum()
    shift = np.square(a.mean - b.mean).sum()
    return float(max(shift + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * cross, 0.0))


def _symmetric_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


def polynomial_mmd(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased MMD^2 with the kernel (x.y / F + 1)^3 (arXiv:1801.01401, section 4; KID for Inception features).

    Mean over pairs of different rows of k(a, a') + k(b, b'), minus twice the mean of k(a, b). Of equal distributions
    its mean is 0, so about half of its values are negative.

    Args:
        a: features [n, F], n at least 2.
        b: features [m, F], m at least 2.

    Raises:
        InputError: fewer than two rows, or different widths.
    """
    a, b = _feature_sets("polynomial_mmd", a, b, fewest=2)
    within = 0.0
    for rows in (a, b):
        kernel = _kernel(rows, rows)
        # without a row's kernel with itself, which would make the estimate of equal distributions positive
        within += (kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1))
    return float(within - 2.0 * _kernel(a, b).mean())


def kernel_distance(a: np.ndarray, b: np.ndarray, subset: int = 1000, seed: int = 0) -> tuple[float, float]:
    """KID: the mean of `polynomial_mmd` over disjoint random subsets of either set, and its standard error.

    Ten subsets or more where there are enough rows. Disjoint subsets are independent of each other, so that the
    standard error is that of the estimate; the usual hundred overlapping subsets of 5,000 rows would understate it.

    Args:
        a: features [n, F].
        b: features [m, F]; of the larger set, as many random rows are used as the smaller one has.
        subset: rows of a subset at most; a tenth of the rows where they are fewer than ten times as many.
        seed: seed of the choice of rows.

    Returns:
        Mean and standard error; NaN for the error of a single subset.

    Raises:
        InputError: fewer than two rows, different widths, or a subset below two rows.
    """
    a, b = _feature_sets("kernel_distance", a, b, fewest=2)
    if subset < 2:
        raise InputError(f"kernel_distance: expected subsets of at least 2 rows, got {subset}.")
    # as many of either set, so that each subset of one has its own of the other
    rng, n = np.random.default_rng(seed), min(len(a), len(b))
    size = min(subset, max(2, n // 10))
    # disjoint subsets are independent, so their spread gives an honest standard error
    chosen = [rng.permutation(len(rows))[: n // size * size].reshape(-1, size) for rows in (a, b)]
    values = np.array([polynomial_mmd(a[left], b[right]) for left, right in zip(*chosen, strict=True)])
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """How two sets of features lie among each other.

    Attributes:
        precision: share of generated rows that lie in the sphere of some real row, whose radius is the distance to the
            row's k-th neighbour (arXiv:1904.06991).
        recall: share of real rows that lie in the sphere of some generated row (the same).
        density: in how many real rows' spheres a generated row lies, divided by k (arXiv:2002.09797); of equal
            distributions about 1, and not bounded by 1.
        coverage: share of real rows whose sphere holds a generated row (the same); of equal distributions and as many
            rows about 1 - 2**-k.

    >>> real, generated = np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([[0.0], [1.0]])
    >>> neighbours(real, generated, k=1)  # the pair at 8 and 9 is never drawn
    Neighbours(precision=1.0, recall=0.5, density=2.0, coverage=0.5)
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(real: np.ndarray, generated: np.ndarray, k: int = 5) -> Neighbours:
    """Precision, recall, density and coverage, the row itself not counted among its neighbours.

    The time grows with n m F, the memory with n + m: 50,000 rows of 64 features on either side take a minute and a half
    on one core and .2 GiB beside the features.

    Args:
        real: features [n, F], n > k.
        generated: features [m, F], m > k.
        k: neighbours.

    Raises:
        InputError: too few rows, or different widths.
    """
    real, generated = _feature_sets("neighbours", real, generated, fewest=k + 1)
    # distances do not feel the shift; without it those of near rows far from 0 are rounding alone
    real, generated = real - real[0], generated - real[0]
    real_radii, generated_radii = (_squared_radii(rows, k) for rows in (real, generated))
    generated_squares = np.square(generated).sum(axis=1)
    precise, recalled, covered, inside = np.zeros(len(generated), bool), 0, 0, 0
    for part in _parts(len(real), max(1, _BLOCK // len(generated))):
        squared = real[part] @ generated.T
        squared *= -2.0
        squared += generated_squares
        squared += np.square(real[part]).sum(axis=1)[:, None]
        within = squared <= real_radii[part, None]
        # all four figures from one block of distances, which is too large to be kept or computed twice
        precise |= within.any(axis=0)
        covered += np.count_nonzero(within.any(axis=1))
        inside += np.count_nonzero(within)
        recalled += np.count_nonzero((squared <= generated_radii).any(axis=1))
    return Neighbours(
        precision=float(precise.mean()),
        recall=float(recalled / len(real)),
        density=float(inside / (k * len(generated))),
        coverage=float(covered / len(real)),
    )


def mean_pairwise_distance_within_cells(
    rows: np.ndarray, codes: np.ndarray, weights: dict[int, float] | None = None
) -> float:
    """Diversity at given labels: mean distance between two rows of the same label cell.

    The distance is the root mean square difference of two rows. A cell with n >= 2 rows enters with the mean over its
    pairs and its weight; cells of fewer rows are left out.

    Args:
        rows: [n, ...], images or features.
        codes: [n], the cell of each row.
        weights: weight of each cell; None: its number of rows. Give two sets the same weights to compare them.

    Raises:
        InputError: another number of codes than of rows, or no cell has two rows and a weight.
    """
    if len(rows) != len(codes):
        raise InputError(f"diversity: expected a code for each of {len(rows)} rows, got {len(codes)} codes.")
    flat = np.asarray(rows).reshape(len(rows), -1)
    total = mass = 0.0
    for cell in np.unique(codes):
        own = flat[codes == cell]
        weight = len(own) if weights is None else weights.get(int(cell), 0.0)
        if len(own) >= 2 and weight > 0:
            total += weight * _mean_pair_distance(own.astype(np.float32))
            mass += weight
    if not mass:
        raise InputError("diversity: expected a label cell with at least two rows, found none. Give more rows.")
    return total / mass


def _mean_pair_distance(rows: np.ndarray) -> float:
    # distances do not feel the shift; without it |a|^2 + |b|^2 - 2ab of near rows far from 0 is rounding alone
    rows = rows - rows[0]
    squares, total = np.square(rows).sum(1), 0.0
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        squared = squares[part, None] + squares - 2.0 * rows[part] @ rows.T
        np.fill_diagonal(squared[:, start:], 0.0)
        total += np.sqrt(np.clip(squared, 0.0, None) / rows.shape[1]).sum(dtype=np.float64)
    return float(total / (len(rows) * (len(rows) - 1)))


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray, sizes: Sequence[int | None]) -> np.ndarray:
    """Mean over the values of each column of the share that is predicted right.

    >>> balanced_accuracy(np.array([[1], [0], [0], [1]]), np.array([[1], [1], [0], [0]]), [2])
    array([0.5])

    Args:
        predicted: [n, K], one number a label.
        labels: [n, K].
        sizes: how many values each column has, from 0 on; None: it is continuous.

    Returns:
        float64 [K] in [0, 1]. NaN of a continuous column, and of a column of two values that shows one; of more, those
        that are never shown are left out.
    """
    found = np.full(len(sizes), np.nan)
    for k, size in enumerate(sizes):
        if size and (size > 2 or len(np.unique(labels[:, k])) > 1):
            truth, seen = labels[:, k].astype(np.int64), predicted[:, k].astype(np.int64)
            found[k] = recall_score(truth, seen, labels=np.unique(truth), average="macro")
    return found


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    products = a @ b.T / a.shape[1] + 1.0
    return products * products * products  # an array's ** 3 is many times slower


def _squared_radii(rows: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each row to its k-th neighbour among the others."""
    return NearestNeighbors(n_neighbors=k, algorithm="brute", metric="sqeuclidean").fit(rows).kneighbors()[0][:, -1]


def _feature_sets(metric: str, a: np.ndarray, b: np.ndarray, fewest: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.asarray(rows, np.float64) for rows in (a, b))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < fewest:
        raise InputError(f"{metric}: expected two [rows >= {fewest}, same F] arrays, got {a.shape} and {b.shape}.")
    return a, b


def _parts(rows: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, rows, size))
