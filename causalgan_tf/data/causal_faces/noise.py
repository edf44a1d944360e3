"""Exogenous noise of the pictures: everything about a face that its labels do not decide."""

import dataclasses

import numpy as np

_WIDTHS = {
    "pose": 4,
    "build": 4,
    "skin": 2,
    "hair": 2,
    "hair_style": 3,
    "iris": 1,
    "lips": 1,
    "clothes": 2,
    "frames": 2,
    "background": 4,
    "light": 2,
}


@dataclasses.dataclass(frozen=True)
class Noise:
    """Independent U(0,1) numbers, float64 [n, width of the field], and one integer a row for the pixel noise.

    Two renderings with the same noise are counterfactuals of each other: only what the labels decide differs.

    >>> from causalgan_tf.data.causal_faces import LABELS, render
    >>> twice = sample_noise(1, seed=0)[np.array([0, 0])]
    >>> labels = np.zeros([2, len(LABELS)], int)
    >>> labels[1, LABELS.index("Mouth_Slightly_Open")] = 1
    >>> one, other = render(labels, twice, image_size=32)
    >>> np.flatnonzero((one != other).any(axis=(1, 2))).tolist()  # of 32 lines those of the mouth
    [20, 21, 22, 23, 24, 25]
    """

    pose: np.ndarray  # shift right, shift down, tilt, size
    build: np.ndarray  # face's width and height, distance of the eyes, height of the mouth
    skin: np.ndarray  # tone from light to dark, undertone
    hair: np.ndarray  # colour, brightness
    hair_style: np.ndarray  # volume, length, place of the parting
    iris: np.ndarray  # colour of the eyes
    lips: np.ndarray  # shade of natural lips and of the lipstick
    clothes: np.ndarray  # colour, brightness
    frames: np.ndarray  # shape and colour of the eyeglasses
    background: np.ndarray  # hue, saturation, brightness, direction of the gradient
    light: np.ndarray  # direction, strength
    grain: np.ndarray  # int64 [n], seed of the row's pixel noise, in [0, 2**32)

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.grain)

    def __getitem__(self, rows: slice | np.ndarray) -> "Noise":
        """The noise of some rows, chosen as in a NumPy array."""
        return Noise(**{field.name: getattr(self, field.name)[rows] for field in dataclasses.fields(self)})


def sample_noise(n: int, *, seed: int) -> Noise:
    """Exogenous noise of n faces; row i is the same for every n.

    Args:
        n: number of faces.
        seed: of the whole draw.

    Returns:
        Noise of n rows.
    """
    width = sum(_WIDTHS.values()) + 1
    numbers = np.random.default_rng(seed).random((n, width))
    places = np.cumsum([0, *_WIDTHS.values()])
    fields = {name: numbers[:, start:stop] for name, start, stop in zip(_WIDTHS, places, places[1:], strict=False)}
    return Noise(**fields, grain=(numbers[:, -1] * 2**32).astype(np.int64))
