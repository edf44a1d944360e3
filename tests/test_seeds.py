"""A row is a function of (seed, row): more rows, other batches or other devices leave it as it is."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import causalgan_tf
from causalgan_tf.inference import image_sampler
from causalgan_tf.inference.soft_do import Law

QUERIES = {
    "observational": ({}, {}, "auto"),
    "do": ({"Mustache": 1, "Male": 0}, {}, "auto"),
    "soft do": ({"Mustache": Law.of(0.4)}, {}, "auto"),
    "exact": ({"Young": 1}, {"Smiling": 1, "Male": 0}, "exact"),
    "rejection": ({"Young": 1}, {"Smiling": 1}, "rejection"),
}


@pytest.fixture(scope="module")
def model():
    return causalgan_tf.load("builtin:faces")


@pytest.mark.parametrize("name", QUERIES)
def test_few_rows_are_the_first_of_many(model, name):
    do, given, method = QUERIES[name]
    few, many = (model.sample(n, do, given, seed=3, method=method) for n in (16, 64))
    pd.testing.assert_frame_equal(few.labels, many.labels[:16])
    np.testing.assert_array_equal(few.seeds, many.seeds[:16])
    np.testing.assert_array_equal(few.images, many.images[:16])


def test_the_batch_changes_no_label_and_no_image_by_more_than_a_grey_level(model, monkeypatch):
    whole = model.sample(40, {"Bald": 1}, seed=3)
    monkeypatch.setattr(image_sampler, "BATCH", 7)
    parts = model.sample(40, {"Bald": 1}, seed=3)
    pd.testing.assert_frame_equal(parts.labels, whole.labels)
    assert np.abs(parts.images.astype(int) - whole.images).max() <= 1


def test_a_strategy_of_two_devices_changes_no_row(model, mirrored):
    expected = model.sample(16, {"Male": 0}, {"Young": 1}, seed=3)
    with mirrored.scope():
        shared = causalgan_tf.load("builtin:faces")
        found = shared.sample(16, {"Male": 0}, {"Young": 1}, seed=3)
    with tf.device("CPU:1"):
        other = causalgan_tf.load("builtin:faces").sample(16, {"Male": 0}, {"Young": 1}, seed=3)
    for one in (found, other):
        pd.testing.assert_frame_equal(one.labels, expected.labels)
        assert np.abs(one.images.astype(int) - expected.images).max() <= 1
