"""Metrics of images by way of their features: Frechet distance, coverage, diversity, balanced accuracy."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from causalgan_tf.errors import InputError

_CHUNK = 1024  # rows whose distances to all others are held at once


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|mu_a - mu_b|^2 + Tr(S_a + S_b - 2 (S_a S_b)^(1/2)) of features (arXiv:1706.08500, equation 6).

    It may be called FID for 2048 Inception-v3 features only.

    Args:
        a: features [n, F].
        b: features [m, F].

    Raises:
        InputError: fewer than two rows, or different widths.
    """
    a, b = (np.asarray(rows, np.float64) for rows in (a, b))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise InputError(f"frechet_distance: expected two [rows >= 2, same F] arrays, got {a.shape} and {b.shape}.")
    cov_a, cov_b = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (a, b))
    # Tr (S_a S_b)^(1/2) = Tr (R S_b R)^(1/2) with R the symmetric root of S_a: no root of an asymmetric matrix
    root = _symmetric_root(cov_a)
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0.0, None)).sum()
    shift = np.square(a.mean(0) - b.mean(0)).sum()
    return float(max(shift + np.trace(cov_a) + np.trace(cov_b) - 2.0 * cross, 0.0))


def _symmetric_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


def coverage(real: np.ndarray, generated: np.ndarray, k: int = 5) -> float:
    """Share of real rows that have a generated row within their k-th nearest real neighbour (arXiv:2002.09797, eq. 8).

    Args:
        real: features [n, F], n > k.
        generated: features [m, F].
        k: neighbours, the row itself not counted.

    Returns:
        A number in [0, 1]; of an equal law and m = n about 1 - 2**-k, see the control beside it.

    Raises:
        InputError: too few real rows.
    """
    if len(real) <= k:
        raise InputError(f"coverage: expected more than k = {k} real rows, got {len(real)}.")
    # a row is its own nearest neighbour, hence k + 1
    radii = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, -1]
    nearest = NearestNeighbors(n_neighbors=1).fit(generated).kneighbors(real)[0][:, 0]
    return float((nearest <= radii).mean())


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


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of the recalls of 0 and 1 of each column; NaN where a column lacks one of the values.

    Args:
        predicted: [n, K] of 0/1.
        labels: [n, K] of 0/1.

    Returns:
        float64 [K] in [0, 1].
    """
    predicted, labels = np.asarray(predicted, bool), np.asarray(labels, bool)
    hits = predicted == labels
    with np.errstate(invalid="ignore"):
        recall_1 = (hits & labels).sum(0) / labels.sum(0)
        recall_0 = (hits & ~labels).sum(0) / (~labels).sum(0)
    return 0.5 * (recall_0 + recall_1)
