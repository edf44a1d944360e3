"""Handwritten digits as centre lines: what of scikit-learn's 1,797 digits the labels do not decide.

Each 8 x 8 digit is magnified, thinned to the middle of its strokes, put upright and centred.
"""

import functools

import numpy as np
from scipy import ndimage

from causalgan_tf.data.written_digits import written_digits

MAGNIFIED = 6  # points a cell of the 8 x 8 digits, each way
EDGE = 6.0  # of the 16 grey levels: where ink ends
CELL = 2.6  # pixels of a picture of 32 pixels that a cell becomes


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Which digit each is, and its centre line.

    Returns:
        uint8 [1797] from 0 to 9; float32 [1797, P, 2], points (right, down) from the middle, in pixels of a picture of
        32 pixels; shorter lines repeat a point.
    """
    digit, images = written_digits()
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    ink = ndimage.zoom(padded, (1, MAGNIFIED, MAGNIFIED), order=1) > EDGE
    lines = [_upright(points) for points in _smooth_points(thinned(ink))]
    longest = max(map(len, lines))
    filled = [np.concatenate([line, np.repeat(line[:1], longest - len(line), axis=0)]) for line in lines]
    return digit, np.stack(filled).astype(np.float32)


def thinned(ink: np.ndarray) -> np.ndarray:
    """The middle of strokes, bool [n, H, W], by the parallel thinning of Zhang and Suen (CACM 27, 1984).

    Args:
        ink: bool [n, H, W].
    """
    ink, moving = np.pad(ink, ((0, 0), (1, 1), (1, 1))), np.arange(len(ink))
    while moving.size:
        part = ink[moving]
        before = part.sum(axis=(1, 2))
        for first in (True, False):
            part[:, 1:-1, 1:-1] &= ~_removable(part, first)
        ink[moving] = part
        moving = moving[part.sum(axis=(1, 2)) < before]
    return ink[:, 1:-1, 1:-1]


def _removable(ink: np.ndarray, first: bool) -> np.ndarray:
    """The border points that one half of a round of the thinning takes away."""
    height, width = ink.shape[1:]
    around = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]  # from above, clockwise
    ring = [ink[:, 1 + y : height - 1 + y, 1 + x : width - 1 + x] for y, x in around]
    neighbours = np.sum(ring, axis=0, dtype=np.int8)
    turns = np.sum([~a & b for a, b in zip(ring, ring[1:] + ring[:1], strict=True)], axis=0, dtype=np.int8)
    up, right, down, left = ring[::2]
    corner = ~(up & right & down) & ~(right & down & left) if first else ~(up & right & left) & ~(up & down & left)
    return ink[:, 1:-1, 1:-1] & (neighbours >= 2) & (neighbours <= 6) & (turns == 1) & corner


def _smooth_points(lines: np.ndarray) -> list[np.ndarray]:
    """Points (right, down) of each centre line, each the mean of those within two steps, in cells of the digits."""
    down, right = np.indices(lines.shape[1:], np.float64)
    count, x, y = (ndimage.uniform_filter(lines * part, (0, 5, 5)) for part in (1.0, right, down))
    return [
        np.stack([x[k][line], y[k][line]], axis=1) / count[k][line][:, None] / MAGNIFIED for k, line in enumerate(lines)
    ]


def _upright(points: np.ndarray) -> np.ndarray:
    """Points [P, 2] sheared until right and down are uncorrelated, and centred."""
    right, down = (points - points.mean(axis=0)).T * CELL
    right = right - down * (right @ down) / (down @ down)
    upright = np.stack([right, down], axis=1)
    return upright - (upright.max(axis=0) + upright.min(axis=0)) / 2
