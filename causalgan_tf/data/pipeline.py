"""Endless batches of images and labels whose order is a function of the seed and the step alone."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import tensorflow as tf

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.errors import InputError


def batches(
    images: ImageSet, batch_size: int, seed: int, first_step: int = 0, weights: np.ndarray | None = None
) -> tf.data.Dataset:
    """Batches for training, from a step on.

    The batch of step t is a function of (seed, t), so that a run resumed at step t sees what it would have seen.
    Every worker of a distributed run makes the same global batches, and tf.data hands each its part.

    Args:
        images: n images and labels; memory maps are read batch by batch.
        batch_size: rows B of a global batch.
        seed: of the order.
        first_step: step of the first batch.
        weights: [n], non-negative: rows are drawn with replacement in proportion to them. None: every epoch is a
            permutation of the rows, and rows that do not fill a batch at its end are dropped.

    Returns:
        Endless (image float32 [B, S, S, C] in [-1, 1], labels float32 [B, K]).

    Raises:
        InputError: there are fewer images than rows in a batch.
    """
    if len(images) < batch_size:
        raise InputError(
            f"There are {len(images)} images, fewer than one batch of {batch_size}. Lower --image_batch_size, or add "
            "more images."
        )
    rows_of = _permuted(len(images), batch_size, seed) if weights is None else _weighted(weights, batch_size, seed)

    def gather(step: np.int64) -> tuple[np.ndarray, np.ndarray]:
        rows = rows_of(int(step))
        return np.asarray(images.images[rows]), np.asarray(images.labels[rows])

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels, labels = tf.numpy_function(gather, [step], (tf.uint8, tf.as_dtype(images.labels.dtype)))
        # numpy_function forgets shapes, which the networks need to be built
        pixels = tf.ensure_shape(pixels, (batch_size, *images.images.shape[1:]))
        labels = tf.ensure_shape(labels, (batch_size, images.labels.shape[1]))
        return tf.cast(pixels, tf.float32) / 127.5 - 1.0, tf.cast(labels, tf.float32)

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return tf.data.Dataset.counter(first_step).map(batch).prefetch(tf.data.AUTOTUNE).with_options(options)


def _permuted(count: int, batch_size: int, seed: int) -> Callable[[int], np.ndarray]:
    """From step to row numbers [B]: epoch e is cut from the permutation of the generator seeded by (seed, e)."""
    steps = count // batch_size

    # two epochs: a batch is prepared ahead of its step, across the border too
    @lru_cache(maxsize=2)
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng((seed, epoch)).permutation(count)

    def rows(step: int) -> np.ndarray:
        epoch, number = divmod(step, steps)
        return order(epoch)[number * batch_size : (number + 1) * batch_size]

    return rows


def _weighted(weights: np.ndarray, batch_size: int, seed: int) -> Callable[[int], np.ndarray]:
    """From step to row numbers [B], drawn by the generator seeded by (seed, step)."""
    cumulative = np.cumsum(weights, dtype=np.float64)

    def rows(step: int) -> np.ndarray:
        draws = np.random.default_rng((seed, step)).random(batch_size) * cumulative[-1]
        return np.searchsorted(cumulative, draws, side="right")

    return rows
