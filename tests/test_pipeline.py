"""Batches: order, resume, ranges, distribution."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.data.pipeline import batches
from causalgan_tf.errors import InputError

COUNT, SIZE = 11, 4


@pytest.fixture(scope="module")
def images() -> ImageSet:
    """Image i is grey i * 20; its labels are the lowest two bits of i."""
    rows = np.arange(COUNT)
    pixels = np.broadcast_to((rows * 20).astype(np.uint8)[:, None, None, None], (COUNT, SIZE, SIZE, 3)).copy()
    return ImageSet(pixels, np.stack([rows & 1, rows >> 1 & 1], axis=1).astype(np.uint8))


def rows_of(batch: tuple[tf.Tensor, tf.Tensor]) -> list[int]:
    """Which rows a batch holds, told by the grey of its images; checks the labels against them."""
    pixels, labels = (part.numpy() for part in batch)
    rows = np.rint((pixels[:, 0, 0, 0] + 1) * 127.5 / 20).astype(int)
    assert (labels == np.stack([rows & 1, rows >> 1 & 1], axis=1)).all()
    return rows.tolist()


def test_images_are_scaled_and_labels_are_numbers(images):
    """float32 in [-1, 1]: 0 becomes -1, 200 becomes 200 / 127.5 - 1; static shapes."""
    data = batches(images, COUNT, seed=0)
    assert data.element_spec[0].shape == (COUNT, SIZE, SIZE, 3) and data.element_spec[1].shape == (COUNT, 2)
    pixels, labels = next(iter(data))
    assert pixels.dtype == labels.dtype == tf.float32
    np.testing.assert_allclose([pixels.numpy().min(), pixels.numpy().max()], [-1, 200 / 127.5 - 1], atol=1e-6)
    black = ImageSet(np.array([0, 255], np.uint8).repeat(16 * 3).reshape(2, 4, 4, 3), images.labels[:2])
    extremes = next(iter(batches(black, 2, seed=0)))[0].numpy()
    assert (extremes.min(), extremes.max()) == (-1.0, 1.0)


def test_an_epoch_visits_no_row_twice_and_drops_the_rest(images):
    """11 rows in batches of 4: two batches an epoch, 8 distinct rows, and every epoch in another order."""
    steps = [rows_of(batch) for batch in batches(images, 4, seed=3).take(40)]
    epochs = [steps[i] + steps[i + 1] for i in range(0, 40, 2)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 20
    assert {row for epoch in epochs for row in epoch} == set(range(COUNT))


@pytest.mark.parametrize("weights", [None, np.arange(COUNT) + 1.0], ids=["permuted", "weighted"])
def test_a_resumed_run_sees_what_it_would_have_seen(images, weights):
    """The batch of step t does not depend on the step where the iteration began."""
    whole = [rows_of(batch) for batch in batches(images, 4, seed=3, weights=weights).take(12)]
    for first in (1, 4, 7):
        rest = batches(images, 4, seed=3, first_step=first, weights=weights).take(12 - first)
        assert [rows_of(batch) for batch in rest] == whole[first:]


def test_the_order_is_a_function_of_the_seed(images):
    """Same seed, same rows; another seed, others."""
    first, again, other = ([rows_of(batch) for batch in batches(images, 4, seed).take(4)] for seed in (1, 1, 2))
    assert first == again != other


def test_weights_are_the_frequencies_of_the_rows(images):
    """Rows of weight 0, 1, 3 make 0, 1/4, 3/4 of 20,000 draws within five standard errors (.0031)."""
    weights = np.zeros(COUNT)
    weights[[4, 9]] = 1.0, 3.0
    drawn = sum((rows_of(batch) for batch in batches(images, 10, seed=0, weights=weights).take(2_000)), [])
    assert set(drawn) == {4, 9}
    assert abs(np.mean(np.array(drawn) == 9) - 0.75) < 0.016


def test_memory_maps_give_the_same_batches(images, tmp_path):
    """Images on disk are read batch by batch."""
    np.save(tmp_path / "images.npy", images.images)
    mapped = ImageSet(np.load(tmp_path / "images.npy", mmap_mode="r"), images.labels)
    for disk, memory in zip(batches(mapped, 4, 0).take(3), batches(images, 4, 0).take(3), strict=True):
        assert (disk[0].numpy() == memory[0].numpy()).all()


def test_replicas_share_the_global_batch(images, mirrored):
    """What a strategy's replicas get, put together, is the batch of one device; so it is from a later step on."""
    for first in (0, 3):
        parts = mirrored.distribute_datasets_from_function(
            lambda context, first=first: batches(images, 4, seed=5, first_step=first, context=context)
        )
        parts = iter(parts)
        for batch in batches(images, 4, seed=5, first_step=first).take(3):
            shared = [tf.concat(mirrored.experimental_local_results(part), 0) for part in next(parts)]
            assert rows_of(shared) == rows_of(batch)


@pytest.mark.parametrize("weights", [None, np.arange(COUNT) + 1.0], ids=["permuted", "weighted"])
def test_workers_take_their_own_rows_of_the_global_batch(images, weights):
    """Three workers of two replicas each: what they get in a step, in their order, is the batch of one device."""
    contexts = [tf.distribute.InputContext(3, worker, 6) for worker in range(3)]
    whole = batches(images, 6, 7, first_step=2, weights=weights).take(4)
    workers = [iter(batches(images, 6, 7, 2, weights, context)) for context in contexts]
    for batch in whole:
        assert sum((rows_of(next(worker)) for worker in workers for _ in range(2)), []) == rows_of(batch)


def test_fewer_images_than_a_batch_are_refused(images):
    """The error names both numbers and the flag."""
    with pytest.raises(InputError, match=r"11 images, fewer than one batch of 64\. Lower --image_batch_size"):
        batches(images, 64, seed=0)
