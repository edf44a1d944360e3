"""The renderer: labels and exogenous noise to pictures, a deterministic function with no randomness of its own."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from causalgan_tf.data.causal_faces import features, figure, palette
from causalgan_tf.data.causal_faces.face import Face, describe
from causalgan_tf.data.causal_faces.noise import Noise
from causalgan_tf.data.causal_faces.scm import LABELS
from causalgan_tf.data.causal_faces.shapes import Layer
from causalgan_tf.errors import InputError

UNITS = 64.0  # side of the picture in the units of the outlines
OVERSAMPLING = 4  # canvas pixels to a picture's pixel, each way
_CHUNK = 256  # rows whose outlines are held at once

# from back to front
_PARTS = (
    figure.clothes,
    figure.back_hair,
    figure.neck,
    figure.head,
    features.cheeks,
    figure.wrinkles,
    features.lenses,
    features.eyes,
    figure.front_hair,
    features.brows,
    features.nose,
    features.mouth,
    features.mustache,
    features.frames,
)


def render(labels: np.ndarray, noise: Noise, image_size: int = 64) -> np.ndarray:
    """Pictures of faces. The same noise under other labels is the true counterfactual.

    A row depends on its own labels and its own noise only.

    Args:
        labels: [n, 9] of 0 and 1, columns in the order of LABELS.
        noise: exogenous noise of n rows.
        image_size: side of the pictures, pixels: a power of two in [16, 256].

    Returns:
        uint8 [n, image_size, image_size, 3].

    Raises:
        InputError: labels of another shape or with other values, noise of another length, another image size.
    """
    labels = np.asarray(labels)
    _check(labels, noise, image_size)
    images = np.empty((len(labels), image_size, image_size, 3), np.uint8)
    for start in range(0, len(labels), _CHUNK):
        rows = slice(start, start + _CHUNK)
        face = describe(labels[rows], noise[rows])
        images[rows] = _lit(_painted(face, image_size), noise[rows])
    return images


def _check(labels: np.ndarray, noise: Noise, image_size: int) -> None:
    if labels.ndim != 2 or labels.shape[1] != len(LABELS) or not np.isin(labels, (0, 1)).all():
        raise InputError(
            f"labels: expected [n, {len(LABELS)}] of 0 and 1, columns {', '.join(LABELS)}; got shape {labels.shape}, "
            f"values {np.unique(labels)[:5].tolist()}."
        )
    if len(noise) != len(labels):
        raise InputError(f"noise: expected {len(labels)} rows, one for each row of labels; got {len(noise)}.")
    if image_size not in (16, 32, 64, 128, 256):
        raise InputError(f"image_size: expected a power of two from 16 to 256, got {image_size}.")


def _painted(face: Face, image_size: int) -> np.ndarray:
    """The figures without background: float32 [n, S, S, 4], colour times coverage, and coverage in [0, 255]."""
    # drawn larger and averaged: Pillow's polygons have hard edges, and whole pixels would move in steps
    side = image_size * OVERSAMPLING
    strokes: list[list[tuple[list[int], tuple[int, ...]]]] = [[] for _ in face.noise.grain]
    for part in _PARTS:
        for layer in part(face):
            for row, outline, colour in _placed(layer, face, side):
                strokes[row].append((outline, colour))
    pictures = np.empty((len(strokes), image_size, image_size, 4), np.uint8)
    for picture, layers in zip(pictures, strokes, strict=True):
        # premultiplied by coverage, so that the averaging at an edge takes nothing of the colour behind it
        canvas = Image.new("RGBa", (side, side))
        draw = ImageDraw.Draw(canvas)
        for outline, colour in layers:
            draw.polygon(outline, colour)
        picture[...] = np.asarray(canvas.reduce(OVERSAMPLING))
    return pictures.astype(np.float32)


def _placed(layer: Layer, face: Face, side: int) -> Iterator[tuple[int, list[int], tuple[int, ...]]]:
    """(row, flat outline on the canvas, opaque colour) of each face that shows the layer."""
    shown = np.ones(len(face.noise), bool) if layer.shown is None else layer.shown[:, 0] > 0.5
    rows = np.flatnonzero(shown)
    x, y = (np.broadcast_to(axis, (len(shown), axis.shape[1]))[rows] for axis in layer.outline)
    x, y = _posed(x, y, face.noise.pose[rows])
    outlines = np.rint(np.stack([x, y], axis=2) * (side / UNITS)).astype(np.int64).reshape(len(rows), 2 * x.shape[1])
    colours = np.broadcast_to(layer.colour, (len(shown), 3))[rows].clip(0.0, 255.0).astype(np.int64)
    opaque = np.concatenate([colours, np.full((len(rows), 1), 255)], axis=1)
    return zip(rows.tolist(), outlines.tolist(), map(tuple, opaque.tolist()), strict=True)


def _posed(x: np.ndarray, y: np.ndarray, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the upright face, moved to its place in the picture."""
    right, down, tilt, size = (pose[:, k : k + 1] for k in range(4))
    angle, scale = 0.24 * (tilt - 0.5), 1.02 + 0.12 * size
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return (
        UNITS / 2 + 4.0 * (right - 0.5) + cosine * x - sine * y,
        UNITS / 2 + 1.0 + 2.6 * (down - 0.5) + sine * x + cosine * y,
    )


def _lit(figures: np.ndarray, noise: Noise) -> np.ndarray:
    """Figures before their backgrounds, in the light, with pixel noise: uint8 [n, S, S, 3]."""
    size = figures.shape[1]
    along = (np.arange(size, dtype=np.float32) + 0.5) / size * 2.0 - 1.0
    towards, strength = 2.0 * np.pi * noise.light[:, :1], 0.06 + 0.12 * noise.light[:, 1:]
    light = 1.0 + _slope(along, towards, strength)
    images = figures[..., :3] * light + (1.0 - figures[..., 3:] / np.float32(255.0)) * _background(along, noise)
    return np.clip(images + _grain(noise.grain, size) + np.float32(0.5), 0.0, 255.0).astype(np.uint8)


def _slope(along: np.ndarray, angle: np.ndarray, height: np.ndarray | float) -> np.ndarray:
    """A plane over the picture that rises by `height` from the middle to the edge at `angle`: float32 [n, S, S, 1]."""
    x, y = (height * np.cos(angle)).astype(np.float32), (height * np.sin(angle)).astype(np.float32)
    return (x[:, :, None] * along + (y * along)[:, :, None])[..., None]


def _background(along: np.ndarray, noise: Noise) -> np.ndarray:
    """Two near colours with a gradient between them: float32 [n, S, S, 3]."""
    hue, saturation, brightness, direction = (noise.background[:, k : k + 1] for k in range(4))
    first = palette.from_hue(hue, 0.10 + 0.30 * saturation, 0.70 + 0.28 * brightness)
    second = palette.from_hue(hue + 0.08, 0.22 + 0.34 * saturation, 0.46 + 0.34 * brightness)
    share = 0.5 + _slope(along, 2.0 * np.pi * direction, 0.4)
    first, second = (colour.astype(np.float32)[:, None, None, :] for colour in (first, second))
    return first + (second - first) * share


def _grain(seeds: np.ndarray, size: int) -> np.ndarray:
    """Pixel noise of one standard deviation in grey levels: float32 [n, S, S, 1], a function of the row's seed."""
    grain = np.empty((len(seeds), size, size, 1), np.float32)
    for picture, seed in zip(grain, seeds.tolist(), strict=True):
        np.random.default_rng(seed).standard_normal(dtype=np.float32, out=picture)
    return 2.0 * grain
