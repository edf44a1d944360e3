"""Thickness, slant and intensity as they are measured on a picture: no network says them."""

from collections.abc import Callable

import numpy as np

from causalgan_tf.data.morpho_digits.renderer import UNITS

BRIGHT = 0.05  # of the inked pixels: so many are at least as bright as the intensity


def intensity(images: np.ndarray) -> np.ndarray:
    """Grey level of full ink, float64 [n], of pictures uint8 [n, S, S, C].

    That level which one in twenty of the pixels that are at least half as bright as the brightest reaches.
    """
    pixels = np.sort(_grey(images).reshape(len(images), -1), axis=1)[:, ::-1]
    inked = (pixels > pixels[:, :1] / 2).sum(axis=1)
    return pixels[np.arange(len(pixels)), (BRIGHT * inked).astype(np.int64)]


def thickness(images: np.ndarray) -> np.ndarray:
    """Thickness of the strokes, 32ths of the picture's side, float64 [n], of pictures uint8 [n, S, S, C].

    A stroke of length l and thickness t with round ends has the area A = l t + pi t^2 / 4 and the outline
    P = 2 l + pi t; t = (P - sqrt(P^2 - 4 pi A)) / pi solves both. The outline is the total variation of the ink.
    """
    ink = np.pad(_ink(images), ((0, 0), (1, 1), (1, 1)))
    here, right, down, across = ink[:, :-1, :-1], ink[:, :-1, 1:], ink[:, 1:, :-1], ink[:, 1:, 1:]
    # the one understates the slope of thin strokes, the other overstates it
    slopes = (np.hypot(right - here, down - here) + np.hypot(across - here, right - down) / np.sqrt(2.0)) / 2.0
    area, outline = ink.sum(axis=(1, 2)), slopes.sum(axis=(1, 2))
    root = np.sqrt(np.clip(outline**2 - 4.0 * np.pi * area, 0.0, None))
    return (outline - root) / np.pi * UNITS / np.shape(images)[1]


def slant(images: np.ndarray) -> np.ndarray:
    """Slant to the right, degrees, float64 [n], of pictures uint8 [n, S, S, C].

    The arc tangent of the shear that leaves the ink's places down and to the right uncorrelated.
    """
    ink = _ink(images)
    mass = np.clip(ink.sum(axis=(1, 2)), 1e-9, None)
    place = np.arange(ink.shape[1]) + 0.5
    rows, columns = ink.sum(axis=2), ink.sum(axis=1)
    down, right = (rows @ place / mass)[:, None], (columns @ place / mass)[:, None]
    variance = (rows * np.square(place - down)).sum(axis=1)
    covariance = np.einsum("nyx,ny,nx->n", ink, place - down, place - right)
    return np.rad2deg(np.arctan2(-covariance, np.clip(variance, 1e-9, None)))


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "thickness": thickness,
    "slant": slant,
    "intensity": intensity,
}


def _grey(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float64).mean(axis=3)


def _ink(images: np.ndarray) -> np.ndarray:
    """Share of each pixel that is covered, float64 [n, S, S] in [0, 1]."""
    full = np.clip(intensity(images), 1.0, None)
    return np.clip(_grey(images) / full[:, None, None], 0.0, 1.0)
