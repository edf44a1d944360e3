"""Every registered learner on two replicas: where nothing but rounding differs, the weights of one device."""

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
import worlds
from worlds import LEARNERS, Trained, read, variables, world

from causalgan_tf.learners import additivity, half_precision

STEPS, RATE = 20, 0.01
IMAGES = [pytest.param(*row, marks=pytest.mark.long, id=title) for title, *row in LEARNERS if row[0] == "image_"]
LABELS = [
    pytest.param(*row, marks=pytest.mark.long if "wasserstein" in title else (), id=title)
    for title, *row in LEARNERS
    if row[0] == "controller_"
]


@pytest.fixture(scope="module")
def unseen():
    """Binary labels whose last cell no row shows, so that additivity has something to do."""
    data = world("binary")
    shown = data.label_rows.min(1) == 0
    images = dataclasses.replace(data.train, images=data.train.images[shown], labels=data.train.labels[shown])
    return dataclasses.replace(data, label_rows=data.label_rows[shown], train=images)


def trained(part, name, data, strategy=None, plain=False, steps=STEPS):
    """A learner after so many steps and its last logs; `plain`: by SGD, which makes no step of a rounding error."""
    made = Trained(part, name, "binary", strategy, data)
    if plain:
        with (strategy or tf.distribute.get_strategy()).scope():
            for player, network in made.learner.players.items():
                made.learner.optimizers[player] = keras.optimizers.SGD(RATE)
                vector = getattr(network, "vector", None)
                made.learner.optimizers[player].build(network.trainable_variables if vector is None else [vector])
    before = weights(made.learner)
    return made.learner, made.train(steps), before


def moving(learner):
    """The variables of everything that a step moves, by name: weights, moving averages, margins."""
    parts = learner.players | learner.state | {"averaged": learner.averaged}
    return {name: variables(part) for name, part in parts.items()}


def weights(learner):
    """Copies of their values."""
    return {name: [read(variable) for variable in part] for name, part in moving(learner).items()}


@pytest.mark.parametrize(("part", "name"), [*IMAGES, *LABELS])
def test_two_replicas_end_with_the_weights_of_one_device(part, name, unseen, mirrored, monkeypatch):
    # a labeler that is not trained is sure of nothing
    monkeypatch.setattr(additivity, "SURE", 0.2)
    one, _, before = trained(part, name, unseen, plain=True)
    two, _, same = trained(part, name, unseen, mirrored, plain=True)
    theirs = weights(two)
    for player, ours in weights(one).items():
        moved = max(np.abs(a - b).max() for a, b in zip(ours, before[player], strict=True))
        assert moved > 1e-4, player
        for a, b, start, other in zip(ours, theirs[player], before[player], same[player], strict=True):
            np.testing.assert_array_equal(start, other)
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5, err_msg=player)
    for variable in sum(moving(two).values(), []):
        np.testing.assert_array_equal(*mirrored.experimental_local_results(getattr(variable, "_value", variable)))
    if getattr(one, "additivity", None):
        asked = sum(len(one.additivity.sums(one.draw(tf.constant(step), 0)[0]).rows) for step in range(STEPS))
        assert asked > STEPS // 2


@pytest.mark.long
@pytest.mark.parametrize(("part", "name"), [*IMAGES, *LABELS])
def test_adam_on_two_replicas_has_the_losses_of_one_device(part, name, unseen, mirrored):
    _, ours, _ = trained(part, name, unseen)
    _, theirs, _ = trained(part, name, unseen, mirrored)
    assert ours.keys() == theirs.keys() and all(map(math.isfinite, ours.values()))
    for log, value in ours.items():
        assert theirs[log] == pytest.approx(value, rel=0.02, abs=0.005), log


@pytest.mark.long
@pytest.mark.parametrize(("part", "name"), IMAGES)
def test_float16_on_two_replicas_has_the_losses_of_one_device_and_about_its_scale(
    part, name, unseen, mirrored, monkeypatch
):
    plain = worlds.config

    def narrow(part, name):
        run = plain(part, name)
        return dataclasses.replace(run, image=dataclasses.replace(run.image, precision="float16"))

    monkeypatch.setattr(worlds, "config", narrow)
    # so large that the first updates overflow; where the last of these lies is a matter of rounding
    monkeypatch.setattr(half_precision, "FIRST", half_precision.LARGEST)
    (_, ours, _), (two, theirs, _) = (trained(part, name, unseen, s, steps=5) for s in (None, mirrored))
    assert ours.keys() == theirs.keys() and all(map(math.isfinite, ours.values()))
    scales = ours.pop("loss_scale"), theirs["loss_scale"]
    for log, value in ours.items():
        assert theirs[log] == pytest.approx(value, rel=0.05, abs=0.02), log
    np.testing.assert_array_equal(*mirrored.experimental_local_results(two.scale.value))
    assert max(scales) < half_precision.LARGEST and 0.5 <= scales[0] / scales[1] <= 2.0
