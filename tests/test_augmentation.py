"""Augmentation by hand: what each change does to an image, and that gradients come through."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.config.image import AUGMENTATIONS
from causalgan_tf.learners.augmentation import NUMBERS, augment

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)


def changed(kind, **numbers):
    """Images changed by one kind, all random numbers .5 but the named ones."""
    chance = np.full((2, NUMBERS), 0.5, np.float32)
    for place, value in numbers.items():
        chance[:, int(place[1:])] = value
    return augment(tf.constant(IMAGES), tf.constant(chance), (kind,)).numpy()


@pytest.mark.parametrize("kind", ["brightness", "saturation", "contrast", "translation"])
def test_the_middle_of_every_law_changes_nothing(kind):
    np.testing.assert_allclose(changed(kind), IMAGES, atol=1e-6)


def test_brightness_adds_saturation_greys_and_contrast_halves():
    np.testing.assert_allclose(changed("brightness", n0=0.75), IMAGES + 0.25, atol=1e-6)
    grey = changed("saturation", n1=0.0)
    np.testing.assert_allclose(grey, np.broadcast_to(IMAGES.mean(-1, keepdims=True), grey.shape), atol=1e-6)
    mean = IMAGES.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(changed("contrast", n2=0.0), mean + 0.5 * (IMAGES - mean), atol=1e-6)


def test_a_translation_shifts_by_at_most_an_eighth_and_zeros_come_in():
    down = changed("translation", n3=0.0)
    np.testing.assert_array_equal(down[:, 2:], IMAGES[:, :-2])
    assert (down[:, :2] == 0).all()
    left = changed("translation", n4=0.999)
    np.testing.assert_array_equal(left[:, :, :-2], IMAGES[:, :, 2:])
    assert (left[:, :, -2:] == 0).all()


def test_a_hole_is_half_a_side_wide_and_may_hang_over_the_border():
    holes = changed("cutout")
    assert (holes[:, 4:12, 4:12] == 0).all() and (holes == 0).sum() == 2 * 8 * 8 * 3
    assert (changed("cutout", n5=0.0) == 0).sum() == 2 * 4 * 8 * 3


def test_rows_are_changed_apart_and_gradients_come_through():
    chance = tf.constant(np.random.default_rng(1).random((2, NUMBERS)).astype(np.float32))
    x = tf.constant(IMAGES[[0, 0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = augment(x, chance, AUGMENTATIONS)
    assert np.abs(y[0] - y[1]).max() > 0.1
    assert (np.abs(tape.gradient(y, x)).reshape(2, -1).max(1) > 0).all()
