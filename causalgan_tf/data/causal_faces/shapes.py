"""Outlines of many faces at once: each is a pair x, y of float arrays [n, points]; sizes are [n, 1] or numbers."""

import dataclasses

import numpy as np

Size = np.ndarray | float
Outline = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Layer:
    """One filled polygon of every face, drawn over the layers before it.

    >>> from causalgan_tf.data.causal_faces import LABELS, features, sample_noise
    >>> from causalgan_tf.data.causal_faces.face import describe
    >>> labels = np.eye(len(LABELS))[[LABELS.index("Bald"), LABELS.index("Mustache")]]
    >>> (layer,) = features.mustache(describe(labels, sample_noise(2, seed=0)))
    >>> layer.shown.tolist(), layer.outline[0].shape, layer.colour.shape
    ([[0.0], [1.0]], (2, 34), (2, 3))
    """

    outline: Outline  # x and y, each [n, points] or broadcastable to it; 64 units are the picture's side
    colour: np.ndarray  # [n, 3] or [3], 0 to 255
    shown: np.ndarray | None = None  # [n, 1], above 0 where the face has it; None: every face


def angles(points: int, start: float = 0.0, stop: float = 1.0) -> np.ndarray:
    """`points` angles from `start` to `stop` turns, both included; 0 is right, .25 is down."""
    return 2.0 * np.pi * np.linspace(start, stop, points)


def ellipse(x: Size, y: Size, across: Size, down: Size, points: int = 18) -> Outline:
    """An ellipse around (x, y) with the half axes `across` and `down`."""
    turn = angles(points + 1)[:-1]
    return np.atleast_2d(x + across * np.cos(turn)), np.atleast_2d(y + down * np.sin(turn))


def rounded_box(x: Size, y: Size, across: Size, down: Size, roundness: Size, points: int = 20) -> Outline:
    """A superellipse: `roundness` 1 is an ellipse, towards 0 a rectangle."""
    turn = angles(points + 1)[:-1]
    cosine, sine = np.cos(turn), np.sin(turn)
    return (
        x + across * np.sign(cosine) * np.abs(cosine) ** roundness,
        y + down * np.sign(sine) * np.abs(sine) ** roundness,
    )


def ring(outline: Outline, inner: Outline) -> Outline:
    """The area between two closed outlines that run in the same direction."""
    return tuple(
        np.concatenate([a, a[:, :1], b[:, :1], b[:, ::-1]], axis=1) for a, b in zip(outline, inner, strict=True)
    )


def between(x: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> Outline:
    """The area between two curves over the same x, [n, points]."""
    x, upper, lower = np.broadcast_arrays(np.atleast_2d(x), upper, lower)
    return np.concatenate([x, x[:, ::-1]], axis=1), np.concatenate([upper, lower[:, ::-1]], axis=1)


def stroke(x: np.ndarray, y: np.ndarray, thickness: Size) -> Outline:
    """A line through the points (x, y), [n, points], as wide as `thickness`."""
    x, y = np.broadcast_arrays(np.atleast_2d(x), y)
    along_x, along_y = np.gradient(x, axis=1), np.gradient(y, axis=1)
    half = 0.5 * thickness / np.maximum(np.hypot(along_x, along_y), 1e-9)
    left_x, left_y = x - half * along_y, y + half * along_x
    right_x, right_y = x + half * along_y, y - half * along_x
    return (
        np.concatenate([left_x, right_x[:, ::-1]], axis=1),
        np.concatenate([left_y, right_y[:, ::-1]], axis=1),
    )


def mirrored(outline: Outline) -> Outline:
    """The same outline on the other side of the face."""
    return -outline[0], outline[1]
