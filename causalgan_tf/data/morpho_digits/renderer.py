"""The renderer: labels and a digit's centre line to pictures, a deterministic function without randomness."""

import numpy as np

from causalgan_tf.data.morpho_digits.strokes import digits

UNITS = 32.0  # side of the picture in the units of centre lines and thicknesses
_CHUNK = 64  # pictures whose distances are held at once


def render(labels: np.ndarray, instances: np.ndarray, image_size: int = 32) -> np.ndarray:
    """Pictures of digits; the same instances under another thickness, slant or intensity are counterfactuals.

    A pixel at the distance d from the centre line is covered by the share t / 2 - d + 1 / 2, between 0 and 1.

    Args:
        labels: [n, 3]: thickness t of the strokes, 32ths of the picture's side; slant, degrees to the right; intensity,
            grey level of full ink.
        instances: [n], which of the 1,797 digits.
        image_size: side of the pictures S, pixels.

    Returns:
        uint8 [n, S, S, 1].
    """
    lines, unit = digits()[1], image_size / UNITS
    pixels = (np.arange(image_size, dtype=np.float32) + 0.5 - image_size / 2) / unit
    images = np.empty((len(labels), image_size, image_size, 1), np.uint8)
    for start in range(0, len(labels), _CHUNK):
        rows = slice(start, start + _CHUNK)
        thickness, slant, intensity = np.asarray(labels[rows], np.float32).T
        right, down = lines[instances[rows]].transpose(2, 0, 1)
        right = right - down * np.tan(np.deg2rad(slant))[:, None]
        across = np.square(pixels - right[..., None])  # [n, P, S]
        along = np.square(pixels - down[..., None])
        distance = np.sqrt((along[..., None] + across[..., None, :]).min(axis=1))
        covered = np.clip((thickness[:, None, None] / 2 - distance) * unit + 0.5, 0.0, 1.0)
        images[rows] = np.rint(covered * intensity[:, None, None])[..., None]
    return images
