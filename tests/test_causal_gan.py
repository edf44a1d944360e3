"""CausalGAN's updates: who moves whom, the decay of c, the mixed labels, one device and two."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tiny_gan import BATCH, HALF_HELD, LABELS, build, fit

from causalgan_tf import noise
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from causalgan_tf.learners.image_learner import mix_labels
from causalgan_tf.networks.label_codec import LabelCodec


@pytest.fixture(scope="module")
def once():
    return {name: fit_weights(build(labeler_weight=weight)) for name, weight in (("weak", 1.0), ("strong", 9.0))}


def fit_weights(learner):
    fit(learner, 1)
    return {name: player.get_weights() for name, player in learner.players.items()}


def test_the_generators_label_term_moves_the_generator_alone(once):
    for name in ("discriminator", "labeler", "anti_labeler"):
        for a, b in zip(once["weak"][name], once["strong"][name], strict=True):
            np.testing.assert_array_equal(a, b)
    pairs = zip(once["weak"]["generator"], once["strong"]["generator"], strict=True)
    assert any((a != b).any() for a, b in pairs)


@pytest.mark.parametrize(
    "variant",
    [
        {"gan_loss": "theory", "generator_steps": 2, "anti_labeler_decay": 0.0},
        {"gan_loss": "nonsaturating", "label_encoding": "logit", "rebuild": True, "noise_reconstruction": 1.0},
        {"gan_loss": "minimax", "norm": "spectral", "minibatch": "std"},
        {"norm": "none", "minibatch": "features", "mix_single": 0.0, "mix_uniform": 0.0},
    ],
)
def test_every_variant_moves_every_player_by_finite_steps(variant):
    learner = build(**variant)
    before = {name: player.get_weights()[0] for name, player in learner.players.items()}
    logs = fit(learner, 2)
    assert all(map(math.isfinite, logs.values()))
    for name, player in learner.players.items():
        assert (player.get_weights()[0] != before[name]).any(), name
    assert ("rebuilder_loss" in logs) == variant.get("rebuild", False)


def test_c_falls_to_one_over_e_in_the_stated_steps():
    learner = build(anti_labeler_decay=10.0, anti_labeler_weight=2.0)
    assert float(learner.anti_labeler_share(tf.constant(0))) == 2.0
    assert float(learner.anti_labeler_share(tf.constant(10))) == pytest.approx(2 / math.e)


def test_labels_of_other_kinds_move_every_player_by_finite_steps():
    kinds = LabelCodec([Categorical(("a", "b")), Continuous(mean=10.0, std=2.0)])
    learner = build(
        codec=kinds,
        sample_labels=lambda seeds: kinds.random_labels(tf.transpose(noise.uniform(seeds, ["A"], 2))),
        generator_steps=2,
    )
    before = {name: player.get_weights()[0] for name, player in learner.players.items()}
    rows = np.stack([np.arange(10 * BATCH) % 2, np.linspace(0, 20, 10 * BATCH)], axis=1).astype(np.float32)
    assert all(map(math.isfinite, fit(learner, 1, rows).values()))
    for name, player in learner.players.items():
        assert (player.get_weights()[0] != before[name]).any(), name


def gradients(learner):
    """The gradients of the first step, from Adam's first moments: m = (1 - beta1) g."""
    variables = [variable for name in learner.players for variable in learner.optimizers[name].variables]
    return [2 * variable.numpy() for variable in variables if "momentum" in variable.path]


@pytest.mark.long
@pytest.mark.parametrize(
    ("kinds", "changes"),
    [(None, {"minibatch": "features"}), (HALF_HELD, {"minibatch": "std", "mix_single": 0.0, "mix_uniform": 1.0})],
)
def test_two_replicas_take_the_gradients_of_the_global_batch(mirrored, kinds, changes):
    # channels enough for the kernel gradient of this project
    one, two = (build(strategy, width=16, codec=kinds, **changes) for strategy in (None, mirrored))
    fit(one, 1), fit(two, 1)
    for a, b in zip(gradients(one), gradients(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert max(np.abs(a).max() for a in gradients(one)) > 0.01


def test_rows_that_mixing_moves_to_a_cell_without_data_have_no_weight_in_the_gan_terms():
    learner = build(codec=HALF_HELD, batch_size=4_096, mix_single=0.0, mix_uniform=0.5)
    labels, _, _, held = learner.draw(tf.constant(0), 0)
    first = labels.numpy()[:, 0] == 0
    assert held.numpy()[first].all()
    # of the others half are unmixed, and an eighth of the mixed ones are as they were
    assert held.numpy()[~first].mean() == pytest.approx(0.5 + 0.5 / 8, abs=0.03)
    weights = learner.weights(held).numpy()[:, 0]
    assert weights.mean() == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_array_equal(weights > 0, held)
    none = tf.zeros_like(held)
    assert (learner.weights(none).numpy() == 0).all()
    assert build().weights(none) == 1.0


def test_unmixed_labels_stay_as_they_are():
    np.testing.assert_array_equal(mixed(100, single=0.0, everywhere=0.0), np.ones([100, LABELS]))


def test_single_mixing_overwrites_one_label_of_its_share_by_a_fair_coin():
    labels = mixed(60_000, single=0.5, everywhere=0.0)
    changed = (labels == 0).sum(1)
    assert changed.max() == 1
    # half of the rows, of which a coin changes half
    assert changed.mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose((labels == 0).mean(0), 0.25 / LABELS, atol=0.01)


def test_uniform_mixing_makes_every_label_a_fair_coin():
    labels = mixed(60_000, single=0.0, everywhere=1.0)
    np.testing.assert_allclose(np.cov(labels, rowvar=False), 0.25 * np.eye(LABELS), atol=0.01)


def mixed(rows, single, everywhere):
    """Labels that were all 1, mixed with fair coins."""
    chance = tf.constant(np.random.default_rng(1).uniform(-1, 1, (rows, 2 + LABELS)), tf.float32)
    coins = LabelCodec([Binary()] * LABELS).random_labels(chance[:, 2:])
    return mix_labels(tf.ones([rows, LABELS]), coins, chance[:, :2], single, everywhere).numpy()
