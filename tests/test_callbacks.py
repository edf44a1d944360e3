"""The watch over collapsed images: when it begins, when it stops a training, and what it says."""

import types

import pytest

from causalgan_tf.callbacks import Collapse
from causalgan_tf.errors import InputError


def watch(folder, values, share=0.1):
    manager = types.SimpleNamespace(latest_checkpoint="images/ckpt-7")
    return Collapse(lambda: 0, iter(values).__next__, manager, folder, every_steps=10, share=share)


def test_images_that_become_one_stop_the_training_with_the_last_checkpoint(tmp_path):
    look = watch(tmp_path, [0.01, 0.15, 0.25, 0.12, 0.05])
    for step in (0, 10, 20, 30):
        look.at(step, {})
    with pytest.raises(InputError, match="(?s)step 40 .* 0.050 of what real.*images/ckpt-7.*minibatch=std"):
        look.at(40, {})


def test_an_untrained_generator_and_a_share_of_zero_stop_nothing(tmp_path):
    for look in (watch(tmp_path, [0.0, 0.19, 0.05]), watch(tmp_path, [0.9, 0.0, 0.0], share=0.0)):
        for step in (0, 10, 20):
            look.at(step, {})


def test_between_two_looks_nothing_is_measured(tmp_path):
    look = watch(tmp_path, [0.5])
    for step in (0, 5, 9):
        look.at(step, {})
