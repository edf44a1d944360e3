"""Sizes, places and colours of a face, computed from labels and noise before it is drawn."""

import dataclasses

import numpy as np

from causalgan_tf.data.causal_faces import palette
from causalgan_tf.data.causal_faces.noise import Noise
from causalgan_tf.data.causal_faces.shapes import angles


@dataclasses.dataclass(frozen=True)
class Face:
    """n faces: labels and sizes float64 [n, 1], colours [n, 3]; the origin is the middle of the head, y grows down.

    >>> from causalgan_tf.data.causal_faces.noise import sample_noise
    >>> twice = sample_noise(1, seed=0)[np.array([0, 0])]
    >>> face = describe(np.array([[1, 0] + [0] * 7, [1, 1] + [0] * 7]), twice)  # of one noise a woman and a man
    >>> (face.width[1] - face.width[0]).round(3).tolist(), face.female.tolist()
    ([1.4], [[1.0], [0.0]])
    >>> bool((face.skin[0] == face.skin[1]).all())
    True
    """

    young: np.ndarray
    male: np.ndarray
    eyeglasses: np.ndarray
    bald: np.ndarray
    mustache: np.ndarray
    smiling: np.ndarray
    lipstick: np.ndarray
    open_mouth: np.ndarray
    narrow_eyes: np.ndarray
    noise: Noise
    width: np.ndarray  # half the head's width
    height: np.ndarray  # half the head's height
    eye_x: np.ndarray
    eye_y: float
    mouth_y: np.ndarray
    skin: np.ndarray
    shade: np.ndarray  # a skin colour for lines and shadows
    hair: np.ndarray

    @property
    def old(self) -> np.ndarray:
        """1 - young."""
        return 1.0 - self.young

    @property
    def female(self) -> np.ndarray:
        """1 - male."""
        return 1.0 - self.male

    @property
    def haired(self) -> np.ndarray:
        """1 - bald."""
        return 1.0 - self.bald


def describe(labels: np.ndarray, noise: Noise) -> Face:
    """The faces of labels [n, 9], in the order of LABELS, and noise of n rows."""
    columns = [labels[:, k : k + 1].astype(np.float64) for k in range(labels.shape[1])]
    young, male = columns[:2]
    build = noise.build
    skin = palette.pick(palette.SKIN, noise.skin[:, :1])
    skin = skin + (noise.skin[:, 1:] - 0.5) * np.array((6.0, -4.0, -14.0))
    hair = palette.pick(palette.HAIR, noise.hair[:, :1]) * (0.85 + 0.3 * noise.hair[:, 1:])
    return Face(
        *columns,
        noise=noise,
        width=15.6 + 1.4 * male + 1.6 * build[:, :1],
        height=20.2 + 1.8 * build[:, 1:2],
        eye_x=7.2 + 0.7 * build[:, 2:3],
        eye_y=-2.0,
        mouth_y=12.2 + 0.8 * build[:, 3:4],
        skin=skin,
        shade=skin * np.array((0.70, 0.62, 0.60)),
        hair=palette.mix(hair, palette.GREY_HAIR * (0.92 + 0.16 * noise.hair[:, 1:]), 0.92 * (1.0 - young)),
    )


def head_outline(face: Face, points: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """The outline of the head: a pointed chin for women, a square jaw for men."""
    turn = angles(points + 1)[:-1]
    cosine, low = np.cos(turn), np.maximum(np.sin(turn), 0.0)
    square = np.sign(cosine) * np.abs(cosine) ** (1.0 - 0.38 * face.male * low)
    return face.width * square * (1.0 - (0.20 - 0.10 * face.male) * low**2), face.height * np.sin(turn)
