"""The renderer: a colour and a written digit to a picture, a deterministic function; and the colour of a picture."""

import functools

import numpy as np
from scipy import ndimage

from causalgan_tf.data.written_digits import written_digits

# neighbours, in which the same digit is seen, are far apart
PALETTE = np.array(
    [
        (230, 25, 40),  # red
        (70, 230, 240),  # cyan
        (245, 130, 30),  # orange
        (30, 70, 230),  # blue
        (255, 235, 40),  # yellow
        (150, 40, 200),  # purple
        (40, 180, 60),  # green
        (255, 150, 200),  # pink
        (255, 255, 255),  # white
        (150, 90, 40),  # brown
    ],
    np.uint8,
)
FULL = 16.0  # ink of the darkest point of a written digit
MARGIN = 16  # a sixteenth of a side stays black on each side
INKED = 0.25  # of a picture's brightest value: darker pixels say little of their colour


def render(colours: np.ndarray, instances: np.ndarray, image_size: int = 32) -> np.ndarray:
    """Pictures of written digits in a colour on black, magnified by cubic splines.

    >>> render(np.array([3]), np.array([0]), 16).max(axis=(0, 1, 2))
    array([ 30,  70, 230], dtype=uint8)

    Args:
        colours: [n], places in PALETTE.
        instances: [n], which of the 1,797 digits.
        image_size: side of the pictures S, pixels, at least 16.

    Returns:
        uint8 [n, S, S, 3].
    """
    ink = magnified(image_size)[np.asarray(instances, np.int64)]
    return np.rint(ink[..., None] * PALETTE[np.asarray(colours, np.int64)][:, None, None]).astype(np.uint8)


@functools.cache
def magnified(image_size: int) -> np.ndarray:
    """All written digits at a size: float32 [1797, S, S], the share of full ink."""
    margin = image_size // MARGIN
    inner = image_size - 2 * margin
    digits = written_digits()[1] / FULL
    large = ndimage.zoom(digits, (1, inner / 8, inner / 8), order=3, mode="grid-constant", grid_mode=True)
    large = np.clip(large, 0.0, None)
    # the spline overshoots: the brightest point is full ink, so that every picture says its colour exactly
    large /= large.max(axis=(1, 2), keepdims=True)
    return np.pad(large, ((0, 0), (margin, margin), (margin, margin))).astype(np.float32)


def nearest_colour(images: np.ndarray) -> np.ndarray:
    """Place in PALETTE of the colour nearest to a picture's ink, float64 [n], of pictures uint8 [n, S, S, 3].

    Ink are the pixels with at least a quarter of the picture's highest value. The colour is what PALETTE times the
    pixels' own ink explains best, by least squares.
    """
    pixels = np.asarray(images, np.float64).reshape(len(images), -1, 3)
    bright = pixels.max(axis=2)
    pixels = pixels * (bright >= INKED * np.clip(bright.max(axis=1, keepdims=True), 1.0, None))[..., None]
    # how bright a colour is cannot be told from how much ink there is but by full ink, the brightest pixels
    ink = np.clip(pixels @ (PALETTE / np.square(PALETTE.astype(np.float64)).sum(axis=1, keepdims=True)).T, 0.0, 1.0)
    left = np.square(pixels[:, :, None] - ink[..., None] * PALETTE).sum(axis=(1, 3))
    return left.argmin(axis=1).astype(np.float64)
