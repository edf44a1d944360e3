"""The parts of the picture around the face's features: clothes, neck, head and hair."""

import numpy as np

from causalgan_tf.data.causal_faces import palette
from causalgan_tf.data.causal_faces.face import Face, head_outline
from causalgan_tf.data.causal_faces.shapes import Layer, angles, between, ellipse, mirrored, stroke

WHITE = np.array((244.0, 244.0, 246.0))
GOLD = np.array((250.0, 208.0, 74.0))


def clothes(face: Face) -> list[Layer]:
    """A suit with broad shoulders for men, a dress with narrow ones for women."""
    suit = palette.pick(palette.SUITS, face.noise.clothes[:, :1])
    dress = palette.pick(palette.DRESSES, face.noise.clothes[:, :1])
    colour = palette.mix(dress, suit, face.male) * (0.9 + 0.2 * face.noise.clothes[:, 1:])
    across = 23.0 + 8.0 * face.male
    return [Layer(ellipse(0.0, 46.0, across, 24.0 - 1.0 * face.female, points=24), colour)]


def neck(face: Face) -> list[Layer]:
    """The neck with the head's shadow, and what the clothes leave open: a collar and tie, or a round neckline."""
    half = 6.0 + 2.6 * face.male
    x = half * np.linspace(-1.0, 1.0, 5)
    shadow = palette.mix(face.skin, face.shade, 0.45)
    tie = palette.pick(palette.TIES, face.noise.clothes[:, 1:])
    layers = [
        Layer(ellipse(0.0, 23.0, 8.4, 6.4), face.skin * 0.93, face.female),
        Layer(between(x, 8.0, 25.0), face.skin * 0.93),
        Layer(between(x, 10.0, face.height + 2.2 - 2.0 * (x / half) ** 2), shadow),
    ]
    collar = np.array([[-9.6, -7.4, 0.0, -2.6, -9.0]]), np.array([[18.5, 17.5, 27.0, 31.0, 25.0]])
    knot = np.array([[-2.6, 2.6, 3.2, -3.2]]), np.array([[25.2, 25.2, 46.0, 46.0]])
    return [
        *layers,
        Layer(knot, tie, face.male),
        Layer(collar, WHITE, face.male),
        Layer(mirrored(collar), WHITE, face.male),
    ]


def head(face: Face) -> list[Layer]:
    """Ears, a woman's earrings, the head, a man's shaven jaw, and the gleam of a bald scalp."""
    ear = ellipse(face.width + 0.3, 0.5, 2.6, 4.2, points=12)
    ring = ellipse(face.width + 1.4, 6.4, 1.8, 2.4, points=10)
    outline = head_outline(face)
    jaw = _jaw(face)
    gleam = ellipse(5.0, -0.72 * face.height, 5.0, 2.4, points=12)
    return [
        Layer(ear, face.skin * 0.92),
        Layer(mirrored(ear), face.skin * 0.92),
        Layer(ring, GOLD, face.female),
        Layer(mirrored(ring), GOLD, face.female),
        Layer(outline, face.skin),
        Layer(jaw, palette.mix(face.skin, np.array((70.0, 72.0, 84.0)), 0.22), face.male),
        Layer(gleam, palette.mix(face.skin, WHITE, 0.45), face.bald),
    ]


def _jaw(face: Face) -> tuple[np.ndarray, np.ndarray]:
    """The lower part of the head, from ear to ear below the cheeks."""
    x, y = head_outline(face, points=36)
    x, y = x[:, 1:18], y[:, 1:18]
    share = np.linspace(1.0, -1.0, 9)
    upper = 5.4 + 2.6 * (1.0 - share**2) - 2.0 * np.abs(share) ** 3
    return np.concatenate([x, -0.97 * x[:, :1] * share], axis=1), np.concatenate([y, 0.0 * y[:, :1] + upper], axis=1)


def back_hair(face: Face) -> list[Layer]:
    """Long hair behind a woman's head, down to the shoulders."""
    volume, length = face.noise.hair_style[:, :1], face.noise.hair_style[:, 1:2]
    half = face.width + 4.4 + 2.4 * volume
    crown, ends = angles(19, 0.5, 1.0), angles(9, 0.0, 0.5)
    x = np.concatenate([half * np.cos(crown), half * 1.04 * np.cos(ends)], axis=1)
    y = np.concatenate(
        [-3.0 + (face.height + 0.6 + 1.6 * volume) * np.sin(crown), 16.0 + 9.0 * length + 5.0 * np.sin(ends)], axis=1
    )
    return [Layer((x, y), face.hair * 0.82, face.female * face.haired)]


def front_hair(face: Face) -> list[Layer]:
    """Hair over the forehead: short with a side parting for men, parted curtains for women."""
    sheen = angles(7, 0.60, 0.72)
    gleam = stroke(0.78 * face.width * np.cos(sheen), (face.height + 0.4) * np.sin(sheen), 1.3)
    return [_short_hair(face), _curtains(face), Layer(gleam, palette.mix(face.hair, WHITE, 0.22), face.haired)]


def _crown(face: Face, rise: np.ndarray | float, points: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """The outer edge of the hair from the left temple over the top to the right one."""
    turn = angles(points, 0.5, 1.0)
    return (face.width + 1.2) * np.cos(turn), (face.height + rise) * np.sin(turn)


def _short_hair(face: Face) -> Layer:
    volume, place = face.noise.hair_style[:, :1], face.noise.hair_style[:, 2:]
    x, y = _crown(face, 3.0 + 2.6 * volume)
    side = np.where(place > 0.5, 1.0, -1.0)
    inner = np.array((0.98, 0.93, 0.86, 0.55, 0.1, -0.35, -0.72, -0.86, -0.93, -0.98))
    line = np.array((2.0, 1.4, -8.6, -12.6, -13.6, -14.4, -12.8, -8.6, 1.4, 2.0))
    tilt = 1.6 * inner * side
    outline = np.concatenate([x, face.width * inner], axis=1), np.concatenate([y, line + tilt], axis=1)
    return Layer(outline, face.hair, face.male * face.haired)


def _curtains(face: Face) -> Layer:
    volume, place = face.noise.hair_style[:, :1], face.noise.hair_style[:, 2:]
    x, y = _crown(face, 2.4 + 2.0 * volume)
    part = 5.0 * (2.0 * place - 1.0)
    bend = np.array((1.02, 0.95, 0.80, 0.45))
    right = part + (face.width - part) * bend, np.array((10.0, 0.0, -8.0, -13.0))
    left = part - (face.width + part) * bend, right[1]
    top = part, np.array((-16.8,))
    inner_x = np.concatenate([1.08 * face.width, right[0], top[0], left[0][:, ::-1], -1.08 * face.width], axis=1)
    inner_y = np.concatenate([(14.0,), right[1], top[1], left[1][::-1], (14.0,)]) + 0.0 * part
    outline = np.concatenate([x, inner_x], axis=1), np.concatenate([y, inner_y], axis=1)
    return Layer(outline, face.hair, face.female * face.haired)


def wrinkles(face: Face) -> list[Layer]:
    """The lines of age: on the forehead, under and beside the eyes, and from the nose to the mouth."""
    share = np.linspace(-1.0, 1.0, 7)
    forehead = [stroke(half * share, y + 0.7 * share**2, 0.95) for half, y in ((8.2, -11.2), (6.6, -13.6))]
    bag = stroke(face.eye_x + 3.8 * share, face.eye_y + 6.6 - 1.8 * share**2, 0.9)
    down = np.linspace(0.0, 1.0, 6)
    fold = stroke(3.6 + 4.6 * down**0.8, 4.6 + 7.8 * down, 1.0)
    foot = stroke(face.eye_x + np.array((5.2, 7.4)), face.eye_y + np.array((0.8, 2.0)), 0.8)
    lines = [*forehead, bag, fold, foot, mirrored(bag), mirrored(fold), mirrored(foot)]
    return [Layer(line, face.shade, face.old) for line in lines]
