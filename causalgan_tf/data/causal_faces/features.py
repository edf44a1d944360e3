"""The features of the face: eyes, brows, nose, mouth, mustache and eyeglasses."""

import numpy as np

from causalgan_tf.data.causal_faces import palette
from causalgan_tf.data.causal_faces.face import Face
from causalgan_tf.data.causal_faces.shapes import Layer, Outline, between, ellipse, mirrored, ring, rounded_box, stroke

SCLERA = np.array((250.0, 250.0, 250.0))
DARK = np.array((30.0, 20.0, 22.0))
MOUTH = np.array((74.0, 12.0, 22.0))
TEETH = np.array((252.0, 250.0, 244.0))
ROSE = np.array((236.0, 110.0, 110.0))


def both(outline: Outline, colour: np.ndarray, shown: np.ndarray | None = None) -> list[Layer]:
    """An outline on the right and on the left side of the face."""
    return [Layer(outline, colour, shown), Layer(mirrored(outline), colour, shown)]


def cheeks(face: Face) -> list[Layer]:
    """A woman's rosy cheeks."""
    return both(ellipse(face.eye_x + 2.6, 6.4, 3.4, 2.4, points=12), palette.mix(face.skin, ROSE, 0.30), face.female)


def eyes(face: Face) -> list[Layer]:
    """The eyeball's visible part, the iris and pupil cut by the lids, and the lids; narrow eyes are almost shut."""
    share = np.linspace(-1.0, 1.0, 11)
    half = 4.3
    arch = (1.0 - share**2) ** 0.8
    up, down = 3.5 - 2.5 * face.narrow_eyes, 3.1 - 2.3 * face.narrow_eyes
    x = face.eye_x + half * share
    upper, lower = face.eye_y - up * arch, face.eye_y + down * arch
    lash = 1.0 + 0.5 * face.female
    lid = stroke(x, upper, lash)
    wing = stroke(face.eye_x + np.array((3.9, 5.9)), face.eye_y - 0.2 - np.array((0.0, 1.5)) + 0.0 * up, 1.2)
    rim = stroke(x, lower, 0.5)
    return [
        *both(between(x, upper, lower), SCLERA),
        *both(_cut(face, 2.5, up, down), palette.pick(palette.IRIS, face.noise.iris)),
        *both(_cut(face, 1.3, up, down), DARK),
        *both(rim, face.shade),
        *both(lid, DARK),
        *both(wing, DARK, face.female),
    ]


def _cut(face: Face, radius: float, up: np.ndarray, down: np.ndarray) -> Outline:
    """A disc in the middle of the eye, cut by the lids."""
    x, y = ellipse(0.0, 0.0, radius, radius, points=14)
    arch = (1.0 - (x / 4.3) ** 2) ** 0.8
    return face.eye_x + x, face.eye_y + np.clip(y, -up * arch, down * arch)


def brows(face: Face) -> list[Layer]:
    """Thick flat brows for men, thin arched ones for women, grey ones for the old."""
    share = np.linspace(-1.0, 1.0, 7)
    x = face.eye_x + 0.2 + 4.6 * share
    y = face.eye_y - 6.6 - (1.5 - 1.0 * face.male) * (1.0 - (share - 0.25) ** 2)
    thickness = (1.2 + 1.1 * face.male) * (1.0 - 0.35 * (share > 0.5))
    colour = palette.mix(np.minimum(face.hair * 0.72, np.array((110.0, 70.0, 44.0))), face.hair, face.old)
    return both(stroke(x, y, thickness), colour)


def nose(face: Face) -> list[Layer]:
    """The nose's side and tip, in shadow."""
    side = np.array([[-0.4, -1.0, -2.2, -2.6, -1.2, 1.4]]), np.array([[-1.0, 2.0, 4.0, 5.2, 5.6, 5.4]])
    return [Layer(stroke(*side, 0.95), palette.mix(face.skin, face.shade, 0.75))]


def mouth(face: Face) -> list[Layer]:
    """Lips, and between them a seam or, when open, the mouth's inside with teeth; a smile dimples the cheeks."""
    share = np.linspace(-1.0, 1.0, 13)
    arch = np.sqrt(1.0 - share**2)
    half = 5.0 + 2.8 * face.smiling - 0.6 * face.open_mouth * (1.0 - face.smiling)
    middle = face.mouth_y + face.smiling - (4.6 * face.smiling - 0.4) * share**2
    upper = middle - face.open_mouth * (2.3 - 2.0 * face.smiling) * arch
    lower = middle + face.open_mouth * (2.8 + 1.4 * face.smiling) * arch
    x = half * share
    thick = 1.4 + 0.7 * face.lipstick
    outer = between(x * (1.0 + 0.06 * thick), upper - 0.9 * thick * arch, lower + 1.15 * thick * arch)
    teeth = between(x * 0.94, upper, np.minimum(upper + (0.8 + 1.0 * face.smiling) * arch, lower))
    dimple = stroke(half + np.array((1.0, 2.0, 2.0)), face.mouth_y - np.array((5.4, 4.0, 2.2)), 0.9)
    return [
        *both(dimple, palette.mix(face.skin, face.shade, 0.8), face.smiling),
        Layer(outer, _lips(face)),
        Layer(between(x, upper, lower), MOUTH, face.open_mouth),
        Layer(teeth, TEETH, face.open_mouth),
        Layer(stroke(x, middle, 1.1), _lips(face) * 0.42, 1.0 - face.open_mouth),
    ]


def _lips(face: Face) -> np.ndarray:
    """The colour of the lips: near the skin's, or lipstick."""
    natural = face.skin * (np.array((0.82, 0.60, 0.60)) - 0.06 * face.noise.lips)
    return palette.mix(natural, palette.pick(palette.LIPSTICK, face.noise.lips), face.lipstick)


def mustache(face: Face) -> list[Layer]:
    """A thick dark mustache between nose and mouth; a smile lifts its tips."""
    share = np.linspace(-1.0, 1.0, 17)
    lift = (0.4 + 1.6 * face.smiling) * share**2
    upper = face.mouth_y - 6.0 + 1.6 * np.abs(share) ** 1.5 - 0.5 * (1.0 - (1.0 - np.abs(share)) ** 2) - lift
    lower = face.mouth_y - 2.6 + 0.3 * np.abs(share) - 0.9 * np.abs(share) ** 4 - lift
    young = np.minimum(face.hair * 0.42, np.array((62.0, 36.0, 24.0)))
    colour = palette.mix(young, palette.GREY_MUSTACHE, face.old)
    return [Layer(between(7.6 * share, upper, lower), colour, face.mustache)]


def lenses(face: Face) -> list[Layer]:
    """The pale glass of eyeglasses, behind the eyes so that these stay clear."""
    tint = palette.mix(face.skin, np.array((225.0, 240.0, 250.0)), 0.35)
    return both(_lens(face, 0.0), tint, face.eyeglasses)


def frames(face: Face) -> list[Layer]:
    """The frames of eyeglasses with bridge and arms."""
    colour = palette.pick(palette.FRAMES, face.noise.frames[:, 1:])
    bridge = stroke(np.array([[-1.0, 0.0, 1.0]]) * (face.eye_x - 5.6), face.eye_y - np.array((0.6, 1.4, 0.6)), 1.3)
    arm = stroke(np.concatenate([face.eye_x + 6.2, face.width + 0.6], axis=1), face.eye_y - np.array((0.8, 1.4)), 1.4)
    return [
        *both(ring(_lens(face, 0.8), _lens(face, -0.8)), colour, face.eyeglasses),
        Layer(bridge, colour, face.eyeglasses),
        *both(arm, colour, face.eyeglasses),
    ]


def _lens(face: Face, grow: float) -> Outline:
    """The edge of a lens, `grow` outside its middle line; round to almost rectangular."""
    roundness = 1.0 - 0.5 * face.noise.frames[:, :1]
    return rounded_box(face.eye_x, face.eye_y + 0.3, 6.2 + grow, 5.4 + grow, roundness)
