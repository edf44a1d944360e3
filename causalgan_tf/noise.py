"""Exogenous noise as a pure function of (row seed, block name): counter-based, in plain TensorFlow operations.

Every number is Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11) of the row's seed
and the number's place. A row therefore draws the same noise in a batch of any size, on any device, in a fresh process
and inside an exported SavedModel, and a node's noise depends on the node's name alone.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# names of blocks that belong to no label node: a node's name does not begin with an asterisk
IMAGE = "*image"
JITTER = "*jitter"
MIXING = "*mixing"
PICKED = "*picked"
# before a node's name: its value under a law, its value given a condition, and its noise given its value
UNDER_LAW, GIVEN, ABDUCTION = "*law ", "*given ", "*abduction "

# constants of the cipher, chosen in the paper for how fast they mix
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
ROUNDS = 13  # for numbers by the million; 20, the recommended margin, for the seeds they come from
PARITY = 0x1BD11BDA

DRAWN = 2**53 - 1  # bits of a drawn row's seed: JavaScript and many JSON readers keep every number as float64


def threefry(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor], rounds: int = 20
) -> tuple[tf.Tensor, tf.Tensor]:
    """Threefry-2x32.

    Args:
        key: two uint32 tensors.
        counter: two uint32 tensors, broadcast against the key.
        rounds: 20 is the recommended number, 13 the smallest that passes BigCrush (SC11, table 2).

    Returns:
        Two uint32 tensors of random bits, of the broadcast shape.
    """
    # the key enters anew every four rounds, with the number of the group so that no two groups are alike
    schedule = (key[0], key[1], key[0] ^ key[1] ^ tf.constant(PARITY, tf.uint32))
    x, y = counter[0] + key[0], counter[1] + key[1]
    for i in range(rounds):
        x = x + y
        y = x ^ _rotate_left(y, ROTATIONS[i // 4 % 2][i % 4])
        if i % 4 == 3:
            group = i // 4
            x = x + schedule[(group + 1) % 3]
            y = y + schedule[(group + 2) % 3] + tf.constant(group + 1, tf.uint32)
    return x, y


def _rotate_left(bits: tf.Tensor, by: int) -> tf.Tensor:
    left = tf.bitwise.left_shift(bits, tf.constant(by, tf.uint32))
    return left | tf.bitwise.right_shift(bits, tf.constant(32 - by, tf.uint32))


def _key(seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The low and the high word of int64 seeds."""
    return tf.cast(seeds, tf.uint32), tf.cast(tf.bitwise.right_shift(seeds, tf.constant(32, tf.int64)), tf.uint32)


def row_seeds(
    seed: int | tf.Tensor, first: int | tf.Tensor, n: int | tf.Tensor, attempt: int | tf.Tensor = 0
) -> tf.Tensor:
    """Seeds of rows first .. first + n - 1 of a draw.

    Args:
        seed: seed of the whole draw, int64.
        first: number of the first row, in [0, 2**32).
        n: how many rows.
        attempt: number of the attempt at these rows, for rejection sampling.

    Returns:
        int64 [n] in [0, 2**53), which every JSON client holds exactly; row i has the same seed whatever `n` and `first`
        are.
    """
    return training_seeds(seed, first, n, attempt) & DRAWN


def training_seeds(seed: int | tf.Tensor, first: int | tf.Tensor, n: int, attempt: int | tf.Tensor = 0) -> tf.Tensor:
    """Seeds int64 [n] of rows that are drawn for a training step: `row_seeds` of 64 bits, for no client sees them."""
    rows = tf.cast(first, tf.int64) + tf.range(tf.cast(n, tf.int64))
    counter = tf.cast(rows, tf.uint32), tf.cast(tf.cast(attempt, tf.int64), tf.uint32)
    return _joined(*threefry(_key(tf.cast(seed, tf.int64)), counter))


def derived(seeds: tf.Tensor, n: int, first: int | tf.Tensor = 0) -> tf.Tensor:
    """Seeds int64 [B, n] of draws first .. first + n - 1 of each row with a seed int64 [B]: what `row_seeds` makes."""
    low, high = (part[:, None] for part in _key(tf.cast(seeds, tf.int64)))
    draws = tf.cast(first, tf.int64) + tf.range(n, dtype=tf.int64)
    return _joined(*threefry((low, high), (tf.cast(draws, tf.uint32)[None], tf.constant(0, tf.uint32)))) & DRAWN


def _joined(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    """int64 seeds of their two words."""
    return tf.bitwise.left_shift(tf.cast(high, tf.int64), tf.constant(32, tf.int64)) | tf.cast(low, tf.int64)


def uniform(seeds: tf.Tensor, blocks: Sequence[str], width: int) -> tf.Tensor:
    """Noise U(-1,1) of named blocks, batch last.

    Args:
        seeds: int64 [B], one seed a row.
        blocks: names of the blocks: label nodes, IMAGE, ...
        width: numbers in a block.

    Returns:
        float32 [len(blocks) * width, B] in (-1, 1), 16 bits each; block j occupies rows j * width to (j + 1) * width.
    """
    pairs = (width + 3) // 4  # of words, of which each holds two numbers
    words = _words(seeds, blocks, pairs)
    numbers = [tf.reshape(half, [len(blocks), pairs, -1]) for word in words for half in _halves(word)]
    drawn = tf.concat(numbers, 1)[:, :width]
    return tf.reshape(2.0 * drawn - 1.0, [len(blocks) * width, -1])


def unit(seeds: tf.Tensor, blocks: Sequence[str], width: int) -> tf.Tensor:
    """Noise U(0,1) of named blocks, batch last, fine enough for the inverse of a distribution function.

    Args:
        seeds: int64 [B], one seed a row.
        blocks: names of the blocks.
        width: numbers in a block; number i of a block is the same whatever `width` is.

    Returns:
        float32 [len(blocks) * width, B] in (0, 1), 23 bits each; block j occupies rows j * width to (j + 1) * width.
    """
    pairs = (width + 1) // 2  # of words, of which each holds one number
    words = [tf.reshape(word, [len(blocks), pairs, -1]) for word in _words(seeds, blocks, pairs)]
    # a block of one number, as most labels have, needs neither the second word nor a copy
    bits = tf.reshape(tf.stack(words, 2), [len(blocks), 2 * pairs, -1])[:, :width] if width > 1 else words[0]
    # the middle of each of 2**23 equal parts: with a bit more, float32 would round the last one to 1
    drawn = (tf.cast(tf.bitwise.right_shift(bits, tf.constant(9, tf.uint32)), tf.float32) + 0.5) * 2.0**-23
    return tf.reshape(drawn, [len(blocks) * width, -1])


def _words(seeds: tf.Tensor, blocks: Sequence[str], pairs: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Two tensors of random bits, uint32 [len(blocks) * pairs, B], of named blocks for rows' seeds int64 [B]."""
    places = np.tile(np.arange(pairs, dtype=np.uint32), len(blocks))[:, None]
    # by the name's checksum, not its place: a node draws the same noise in a graph with more nodes
    streams = np.repeat(np.array([zlib.crc32(name.encode()) for name in blocks], np.uint32), pairs)[:, None]
    low, high = _key(seeds)
    return threefry((low[None], high[None]), (tf.constant(places), tf.constant(streams)), ROUNDS)


def _halves(word: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Two float32 in (0, 1) of 16 bits each out of uint32 bits."""
    parts = word & tf.constant(0xFFFF, tf.uint32), tf.bitwise.right_shift(word, tf.constant(16, tf.uint32))
    # the middle of each of 65,536 equal parts: neither end can come, and the mean is a half exactly
    return tuple((tf.cast(part, tf.float32) + 0.5) * 2.0**-16 for part in parts)


def _unit(bits: tf.Tensor) -> tf.Tensor:
    """uint32 bits to float32 in [0, 1): 24 of them fill the mantissa, so that 1 is never reached."""
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def step_bits(seed: int | tf.Tensor, step: tf.Tensor, number: int, shape: Sequence[int]) -> tf.Tensor:
    """uint32 random bits of one training step: a function of (seed, step, number) and of the place in `shape` alone.

    tf.random.stateless_uniform would do, but its fast generator exists under XLA only, and one seed must draw the same
    noise on one device and on many.
    """
    pairs = (int(np.prod(shape)) + 1) // 2
    key = tf.cast(tf.cast(seed, tf.int64), tf.uint32), tf.cast(step, tf.uint32)
    counter = tf.cast(tf.range(pairs, dtype=tf.int32), tf.uint32), tf.constant(number, tf.uint32)
    bits = tf.concat(threefry(key, counter, ROUNDS), 0)
    return tf.reshape(bits[: int(np.prod(shape))], shape)


def step_uniform(seed: int | tf.Tensor, step: tf.Tensor, number: int, shape: Sequence[int]) -> tf.Tensor:
    """float32 in (0, 1) of the given shape, in 16 bits each for a step takes thousands; see `step_bits`."""
    count = int(np.prod(shape))
    bits = step_bits(seed, step, number, [(count + 1) // 2])
    return tf.reshape(tf.concat(_halves(bits), 0)[:count], shape)


def step_strata(seed: int | tf.Tensor, step: tf.Tensor, number: int, shape: Sequence[int]) -> tf.Tensor:
    """float32 in (0, 1) of the given shape, stratified along the last axis: Latin hypercube samples.

    The n numbers of a series lie one in each of n equal strata, in an order of the series' own (McKay, Beckman and
    Conover, 1979). Each number alone is uniform, so a mean over the series is unbiased, and what is additive in the
    numbers adds no variance to it. Needs a fifth of the random bits. If n is no power of two: independent numbers.
    """
    series, n = [int(size) for size in shape[:-1]], int(shape[-1])
    if n & (n - 1) or n < 4:
        return step_uniform(seed, step, number, shape)
    keys = tf.unstack(step_bits(seed, step, number, [3, *series, 1]))
    place, mask = tf.cast(tf.range(n), tf.uint32), tf.constant(n - 1, tf.uint32)
    half = tf.constant((n.bit_length() - 1) // 2, tf.uint32)
    for key in keys[:2]:  # odd multiples, sums and shifted exclusive ors permute the numbers below n
        place = (
            place * (key | tf.constant(1, tf.uint32)) + tf.bitwise.right_shift(key, tf.constant(16, tf.uint32))
        ) & mask
        place ^= tf.bitwise.right_shift(place, half)
    place = (place * (tf.bitwise.right_shift(keys[0], tf.constant(8, tf.uint32)) | tf.constant(1, tf.uint32))) & mask
    return (tf.cast(place, tf.float32) + _unit(keys[2]) * (1.0 - 2.0**-10) + 2.0**-11) / n


def step_choice(seed: int | tf.Tensor, step: tf.Tensor, number: int, shape: Sequence[int], count: int) -> tf.Tensor:
    """int32 in [0, count) of the given shape, uniform up to count / 2**32; see `step_bits`."""
    # the upper half of a product: quicker than a remainder, which divides
    bits = tf.cast(step_bits(seed, step, number, shape), tf.int64)
    return tf.cast(tf.bitwise.right_shift(bits * count, tf.constant(32, tf.int64)), tf.int32)
