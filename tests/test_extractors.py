"""Inception's features: only of the published weights, only of images as the network expects them."""

import hashlib
import pathlib

import h5py
import keras
import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import features


def write(network, path):
    """Writes weights as the published files hold them: a group a layer, which lists its arrays."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group, weights = file.create_group(layer.name), layer.get_weights()
            group.attrs["weight_names"] = [f"{place}".encode() for place in range(len(weights))]
            for place, weight in enumerate(weights):
                group[f"{place}"] = weight


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of random weights, without and with the layer of the classes, and the networks that wrote them."""
    folder, made = tmp_path_factory.mktemp("weights"), {}
    for whole in (False, True):
        keras.utils.set_random_seed(1)
        network = keras.applications.InceptionV3(include_top=whole, weights=None, pooling="avg")
        write(network, folder / f"{whole}.h5")
        made[whole] = folder / f"{whole}.h5", network
    return made


def published(monkeypatch, path, whole):
    """Takes a file for one of those that Keras publishes."""
    monkeypatch.setattr(features, "WEIGHTS", {hashlib.md5(path.read_bytes()).hexdigest(): whole})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


def test_features_are_those_of_the_pooling_layer_on_resized_images(monkeypatch, files, images):
    path, network = files[False]
    published(monkeypatch, path, whole=False)
    found = features.Inception(path).features(images)
    # between two pixels bilinear resizing is a line; pixels are scaled to [-1, 1]
    resized = keras.ops.image.resize(images.astype(np.float32), (299, 299), "bilinear") / 127.5 - 1.0
    assert found.shape == (3, 2048) and found.dtype == np.float32
    np.testing.assert_allclose(found, network(resized, training=False), rtol=1e-3, atol=1e-4)


def test_a_file_with_the_classes_gives_the_features_before_them(monkeypatch, files, images):
    path, network = files[True]
    published(monkeypatch, path, whole=True)
    extractor = features.Inception(path)
    resized = keras.ops.image.resize(images[:1].astype(np.float32), (299, 299), "bilinear") / 127.5 - 1.0
    pooled = keras.Model(network.input, network.get_layer("avg_pool").output)(resized, training=False)
    np.testing.assert_allclose(extractor.features(images[:1]), pooled, rtol=1e-3, atol=1e-4)
    # grey images are seen as colourless ones
    grey = images[:1, :, :, :1]
    np.testing.assert_array_equal(extractor.features(grey), extractor.features(np.repeat(grey, 3, axis=3)))


def test_an_absent_file_and_another_file_are_refused(files, tmp_path):
    with pytest.raises(InputError, match="nothing.h5: there is no such file. Download it first"):
        features.Inception(tmp_path / "nothing.h5")
    with pytest.raises(InputError, match="the file's MD5 is [0-9a-f]{32}; expected one of those that keras"):
        features.Inception(files[False][0])


def test_the_published_files_are_those_that_keras_would_fetch():
    text = pathlib.Path(keras.src.applications.inception_v3.__file__).read_text()
    assert all(f'file_hash="{digest}"' in text for digest in features.WEIGHTS)
