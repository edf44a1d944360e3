"""Endless batches of images and labels whose order is a function of the seed and the step alone."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import tensorflow as tf

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.errors import InputError


def batches(
    images: ImageSet,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    weights: np.ndarray | None = None,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Batches for training, from a step on.

    The global batch of step t is a function of (seed, t), so that a run resumed at step t sees what it would have seen,
    whatever the number of its devices. A worker reads the rows of its own replicas alone.

    Args:
        images: n images and labels; memory maps are read batch by batch.
        batch_size: rows B of a global batch.
        seed: of the order.
        first_step: step of the first batch.
        weights: [n], non-negative: rows are drawn with replacement in proportion to them. None: every epoch is a
            permutation of the rows, and rows that do not fill a batch at its end are dropped.
        context: which worker asks, and how many replicas R share a batch; None: one worker with one replica.

    Returns:
        Endless (image float32 [B / R, S, S, C] in [-1, 1], labels float32 [B / R, K]), its replicas in turn.

    Raises:
        InputError: there are fewer images than rows in a batch.
    """
    if len(images) < batch_size:
        raise InputError(
            f"There are {len(images)} images, fewer than one batch of {batch_size}. Lower --image_batch_size, or add "
            "more images."
        )
    context = context or tf.distribute.InputContext()
    local = context.num_replicas_in_sync // context.num_input_pipelines
    size = context.get_per_replica_batch_size(batch_size)
    rows_of = _permuted(len(images), batch_size, seed) if weights is None else _weighted(weights, batch_size, seed)

    def gather(number: np.int64) -> tuple[np.ndarray, np.ndarray]:
        step, replica = divmod(int(number), local)
        first = size * (context.input_pipeline_id * local + replica)
        rows = rows_of(step)[first : first + size]
        return np.asarray(images.images[rows]), np.asarray(images.labels[rows])

    def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels, labels = tf.numpy_function(gather, [number], (tf.uint8, tf.as_dtype(images.labels.dtype)))
        # numpy_function forgets shapes, which the networks need to be built
        pixels = tf.ensure_shape(pixels, (size, *images.images.shape[1:]))
        labels = tf.ensure_shape(labels, (size, images.labels.shape[1]))
        return tf.cast(pixels, tf.float32) / 127.5 - 1.0, tf.cast(labels, tf.float32)

    return tf.data.Dataset.counter(first_step * local).map(batch).prefetch(tf.data.AUTOTUNE)


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

    # the replicas of a worker ask for the same step, one after the other
    @lru_cache(maxsize=2)
    def rows(step: int) -> np.ndarray:
        draws = np.random.default_rng((seed, step)).random(batch_size) * cumulative[-1]
        return np.searchsorted(cumulative, draws, side="right")

    return rows
