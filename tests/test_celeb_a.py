"""CelebA by TFDS, mocked: splits, columns, pixels, and what a user without it is told."""

import dataclasses
import io
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import celeb_a, load
from causalgan_tf.errors import InputError

ROWS = {"train": 6, "test": 4}
ATTRIBUTES = list(tfds.builder("celeb_a").info.features["attributes"])


@pytest.fixture
def config(tmp_path) -> DataConfig:
    """Three of the forty attributes, one of them not in the nine of Causal Graph 1."""
    return DataConfig(
        dataset="celeb_a",
        graph="Male -> Blond_Hair; Young -> Male",
        data_dir=str(tmp_path),
        image_size=16,
        crop_size=-1,
        test_images=3,
    )


def rows(split: str) -> tf.data.Dataset:
    """Row i: Male if i is odd, Young if i >= 2, never Blond_Hair, all else; grey 20 * i with a red top and bottom."""
    number = np.arange(ROWS[split])
    attributes = {name: np.ones(len(number), bool) for name in ATTRIBUTES}
    attributes |= {"Male": number % 2 == 1, "Young": number >= 2, "Blond_Hair": number < 0}
    files = []
    for i in number:
        pixels = np.full((218, 178, 3), (255, 0, 0), np.uint8)
        pixels[20:198] = 20 * i
        files.append(io.BytesIO())
        Image.fromarray(pixels).save(files[-1], "JPEG", quality=95)
    return tf.data.Dataset.from_tensor_slices({"image": [file.getvalue() for file in files], "attributes": attributes})


@pytest.fixture
def prepared(monkeypatch):
    """TFDS as if it had prepared `rows`."""

    def as_dataset(self, split, **_):
        name, _, stop = str(split).partition("[:")
        return rows(name).take(int(stop.rstrip("]")) if stop else -1)

    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: True)
    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        yield


def test_official_splits_in_graph_order(config, prepared):
    """Train is train, the first test_images of test are test; the largest centred square is taken."""
    dataset = load(config, seed=0)
    assert (len(dataset.train), len(dataset.test)) == (6, 3)
    for images in (dataset.train, dataset.test):
        number = np.arange(len(images))
        assert images.images.shape == (len(images), 16, 16, 3)
        assert (abs(images.images.astype(int) - 20 * number[:, None, None, None]) < 10).all()
        for node, column in {"Male": number % 2, "Young": number >= 2, "Blond_Hair": 0 * number}.items():
            assert (images.labels[:, dataset.graph.index(node)] == column).all()
    assert (dataset.label_rows == dataset.train.labels).all()


def test_more_test_images_than_there_are_is_refused_by_the_flags_name(config, prepared, monkeypatch):
    """The way out is not to remove what took long to prepare."""
    monkeypatch.setattr(tfds.core.DatasetInfo, "splits", {"test": types.SimpleNamespace(num_examples=4)})
    with pytest.raises(InputError, match="^--test_images=5: expected at most 4, as many as CelebA's test split has.$"):
        load(dataclasses.replace(config, test_images=5), seed=0)


def test_labels_alone_open_no_image(config, prepared):
    """labels_only gives the rows of the train split and leaves no decoded images behind."""
    dataset = load(config, seed=0, labels_only=True)
    assert dataset.label_rows.shape == (6, 3) and dataset.train is None and dataset.test is None


def test_damaged_prepared_data_are_named(config, prepared, monkeypatch):
    """A shard that is cut off, or one without rows."""

    def broken(self, **how):
        raise tf.errors.DataLossError(None, None, "truncated record")

    for damaged in (broken, lambda self, **how: rows("train").take(0)):
        monkeypatch.setattr(tfds.core.DatasetBuilder, "as_dataset", damaged)
        with pytest.raises(InputError, match="The prepared data in .* cannot be read.*remove that folder"):
            load(config, seed=0)


def test_the_decoders_fit_the_real_features(config, monkeypatch):
    """TFDS' own random rows, encoded as the real ones are: both splits draw the same ones."""
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: True)
    with tfds.testing.mock_data(num_examples=5):
        dataset = load(config, seed=0)
    assert dataset.train.images.shape == (5, 16, 16, 3)
    assert (dataset.train.labels == dataset.test.labels).all()


def test_a_user_without_celeba_is_told_what_goes_where(config, tmp_path):
    """The five files, their folder, and the way without TFDS."""
    with pytest.raises(InputError) as error:
        load(config, seed=0)
    words = [*celeb_a.MANUAL_FILES, str(tmp_path / "downloads" / "manual"), "5 of them are absent", "--dataset=folder"]
    for word in words:
        assert word in str(error.value)


def test_a_file_that_is_not_the_original_is_named(config, tmp_path):
    """TFDS compares checksums; its error reaches the user as one that he can mend."""
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    for name in celeb_a.MANUAL_FILES:
        (manual / name).write_text("not the original")
    with pytest.raises(InputError, match="not the original one; get it again"):
        load(config, seed=0)


def test_an_unknown_attribute_is_named(config):
    """With the nearest of the forty."""
    with pytest.raises(InputError, match="celeb_a: expected binary labels; the graph says that Male is categorical"):
        load(dataclasses.replace(config, graph="Male: categorical(f, m)"), seed=0)
    with pytest.raises(InputError, match=r"'Mal' is no attribute of celeb_a\. Did you mean 'Male'\?"):
        load(dataclasses.replace(config, graph="Mal -> Young"), seed=0)
