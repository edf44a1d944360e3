"""Exogenous noise: known answers, and independence of the batch."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf import noise


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [  # the known answers that the Random123 library ships
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_known_answers(key, counter, expected):
    words = noise.threefry(*(tuple(tf.constant(word, tf.uint32) for word in pair) for pair in (key, counter)))
    assert tuple(int(word) for word in words) == expected


def test_seeds_of_drawn_rows_are_numbers_that_float64_and_json_clients_hold():
    drawn = np.concatenate(
        [noise.row_seeds(5, 0, 4_000), noise.derived(noise.row_seeds(5, 0, 40), 100).numpy().ravel()]
    )
    assert drawn.min() >= 0 and drawn.max() < 2**53
    np.testing.assert_array_equal(drawn.astype(np.float64).astype(np.int64), drawn)
    # all 53 bits are used, each one as often as not: of 8,000 numbers 4,000 +- 45
    ones = (drawn[:, None] >> np.arange(53) & 1).sum(0)
    assert abs(ones - 4_000).max() < 4 * 45


def test_seeds_of_drawn_rows_are_the_words_of_the_cipher_without_the_highest_bits():
    words = noise.threefry(
        (tf.constant(7, tf.uint32), tf.constant(0, tf.uint32)),
        (tf.constant([0, 1, 2], tf.uint32), tf.constant(0, tf.uint32)),
    )
    low, high = (word.numpy().astype(np.int64) for word in words)
    np.testing.assert_array_equal(noise.row_seeds(7, 0, 3), (high % 2**21) * 2**32 + low)


def test_a_row_draws_the_same_noise_in_any_batch_and_beside_any_blocks():
    seeds = noise.row_seeds(7, 0, 100)
    together = noise.uniform(seeds, ["A", "B"], 5)
    alone = noise.uniform(noise.row_seeds(7, 42, 1), ["B"], 5)
    np.testing.assert_array_equal(together[5:, 42], alone[:, 0])


def test_noise_is_uniform_on_minus_one_to_one():
    drawn = noise.uniform(noise.row_seeds(1, 0, 50_000), ["A"], 4).numpy()
    assert drawn.min() > -1.0 and drawn.max() < 1.0
    # the mean of 200,000 numbers of variance 1/3 has standard error .0013
    assert abs(drawn.mean()) < 0.005
    assert abs(drawn.var() - 1 / 3) < 0.005


def test_seeds_attempts_and_blocks_draw_different_noise():
    rows = [noise.row_seeds(1, 0, 3), noise.row_seeds(2, 0, 3), noise.row_seeds(1, 0, 3, attempt=1)]
    assert len({int(seed) for row in rows for seed in row}) == 9
    a, b = np.split(noise.uniform(rows[0], ["A", "B"], 3).numpy(), 2)
    assert not np.isin(a, b).any()


def test_negative_and_large_seeds_are_distinct():
    seeds = [noise.row_seeds(seed, 0, 1) for seed in (-1, 1, 2**40, -(2**40))]
    assert len({int(seed[0]) for seed in seeds}) == 4


def test_stratified_numbers_meet_each_stratum_once_and_are_uniform():
    drawn = noise.step_strata(3, tf.constant(7), 1, [200, 256]).numpy()
    np.testing.assert_array_equal(np.sort((drawn * 256).astype(int), 1), np.tile(np.arange(256), (200, 1)))
    # independent orders: correlations of 256 numbers have standard deviation 1/16
    others = np.corrcoef(drawn)[np.triu_indices(200, 1)]
    assert abs(others.std() - 1 / 16) < 0.005 and abs(others).max() < 0.4
    place = np.stack([noise.step_strata(3, tf.constant(i), 1, [1, 64]).numpy()[0] for i in range(800)])
    # every place meets every stratum: 51,200 numbers in all, 800 of a place
    assert abs(place.mean(0) - 0.5).max() < 5 * np.sqrt(1 / 12 / 800)


def test_as_many_numbers_as_is_no_power_of_two_are_independent():
    drawn = noise.step_strata(3, tf.constant(7), 1, [4, 100]).numpy()
    np.testing.assert_array_equal(drawn, noise.step_uniform(3, tf.constant(7), 1, [4, 100]))
