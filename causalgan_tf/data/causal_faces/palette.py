"""Colours of many faces at once: float arrays [n, 3], 0 to 255."""

import numpy as np

SKIN = ((255, 224, 198), (246, 205, 172), (229, 180, 140), (205, 150, 108), (166, 112, 76), (140, 92, 62))
HAIR = ((28, 22, 24), (52, 34, 26), (92, 58, 34), (128, 62, 32), (186, 112, 48), (224, 184, 104))
IRIS = ((70, 42, 26), (96, 62, 30), (60, 110, 70), (50, 110, 160))
LIPSTICK = ((228, 14, 44), (206, 8, 66), (236, 30, 104))
SUITS = ((38, 52, 92), (58, 72, 86), (34, 84, 92), (70, 74, 60), (44, 40, 52))
TIES = ((196, 44, 48), (222, 160, 40), (40, 120, 190), (92, 150, 74), (120, 60, 130))
DRESSES = ((238, 112, 98), (216, 74, 128), (164, 92, 200), (246, 176, 72), (96, 186, 176))
FRAMES = ((22, 22, 28), (30, 26, 70), (84, 22, 30), (50, 30, 18))
GREY_HAIR = np.array((206.0, 206.0, 212.0))
GREY_MUSTACHE = np.array((62.0, 62.0, 68.0))


def pick(palette: tuple[tuple[int, int, int], ...], place: np.ndarray) -> np.ndarray:
    """The colour at `place` [n, 1] in [0, 1] along a palette, between its neighbours."""
    colours = np.array(palette, np.float64)
    at = place * (len(colours) - 1)
    first = np.minimum(at.astype(np.int64), len(colours) - 2)
    return mix(colours[first[:, 0]], colours[first[:, 0] + 1], at - first)


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """`first` with `share` of `second`; `share` is a number or [n, 1]."""
    return first + (second - first) * share


def from_hue(hue: np.ndarray, saturation: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Colours of [n, 1] hue, saturation and brightness in [0, 1] (the HSV cone)."""
    wheel = np.abs((hue + np.array((0.0, 2 / 3, 1 / 3))) % 1.0 * 6.0 - 3.0) - 1.0
    return 255.0 * brightness * (1.0 - saturation * (1.0 - np.clip(wheel, 0.0, 1.0)))
