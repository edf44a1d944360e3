"""Pictures: every pixel of a grid is where it belongs."""

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.reporting import pictures


def flat_images(values, channels=3):
    """2 x 2 images, each of one grey value."""
    return np.broadcast_to(np.array(values, np.uint8)[:, None, None, None], (len(values), 2, 2, channels))


def test_a_grid_reads_left_to_right_and_down_with_white_between():
    pixels = np.asarray(pictures.grid(flat_images([10, 20, 30]), columns=2, padding=1))
    assert pixels.shape == (5, 5, 3)
    row = [10, 10, 255, 20, 20]
    np.testing.assert_array_equal(
        pixels[:, :, 0], [row, row, [255] * 5, [30, 30, 255, 255, 255]] + [[30, 30, 255, 255, 255]]
    )


def test_scale_repeats_pixels_and_grey_becomes_colour():
    image = np.array([[[[1], [2]], [[3], [4]]]], np.uint8)
    pixels = np.asarray(pictures.grid(image, columns=5, scale=2))
    assert pixels.shape == (4, 4, 3)
    np.testing.assert_array_equal(pixels[:, :, 2], [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])


@pytest.mark.parametrize("images", [np.zeros((0, 2, 2, 3)), np.zeros((2, 2, 3)), np.zeros((1, 2, 2, 4))])
def test_what_is_no_image_is_refused(images):
    with pytest.raises(InputError, match="expected images"):
        pictures.grid(images.astype(np.uint8), columns=2)


def test_two_rows_hold_both_strips_in_order():
    picture = np.asarray(pictures.two_rows(flat_images([7] * 4), flat_images([9] * 4), "above", "below", scale=20))
    sevens = np.flatnonzero((picture[:, 0] == 7).all(axis=1))
    nines = np.flatnonzero((picture[:, 0] == 9).all(axis=1))
    assert len(sevens) == len(nines) == 40
    assert sevens.max() < nines.min()


def test_a_sentence_takes_the_place_of_a_row():
    with_row = pictures.two_rows(flat_images([7] * 10), flat_images([9] * 10), "a", "b", scale=20)
    with_words = pictures.two_rows(flat_images([7] * 10), "Found 0 of 10 rows with Mustache=1.", "a", "b", scale=20)
    assert with_words.width == with_row.width
    assert with_words.height < with_row.height
    assert (np.asarray(with_words)[-15:] < 200).any()


def test_bars_are_as_long_as_their_values():
    chart = np.asarray(pictures.bars({"full": 1.0, "half": 0.5}, {"full": 0.1}, "length")).astype(int)
    blue = (chart[:, :, 2] - chart[:, :, 0] > 100).sum(axis=1)
    long, short = np.unique(blue[blue > 0].round(-1))[[-1, 0]]
    assert short / long == pytest.approx(0.5, abs=0.05)


def test_every_column_stands_under_its_head():
    picture = np.asarray(pictures.headed(flat_images([7, 9, 17, 19]), ["as drawn", "Wearing_Lipstick"], scale=32))
    body = picture[-130:]
    assert picture.shape[1] == 130 and (body[0, :64] == 7).all() and (body[0, 66:] == 9).all()
    assert (body[-1, :64] == 17).all() and (body[-1, 66:] == 19).all()
    # one line of words on the left, two on the right, at the bottom of their cells
    left, right = (
        np.flatnonzero((picture[:-130, part] < 128).any(axis=(1, 2))) for part in (slice(64), slice(66, 130))
    )
    assert right.min() < left.min() and len(right) > len(left) > 0
    above = pictures.headed(flat_images([7, 9]), ["a", "b"], "a caption", scale=32)
    assert above.height > pictures.headed(flat_images([7, 9]), ["a", "b"], scale=32).height
