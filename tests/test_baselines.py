"""The rival image learners: their discriminators by hand, who moves whom, a step on the world of squares."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.config import DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.training import stages
from tests import squares
from tools.benchmarks import baselines
from tools.benchmarks.ablation import LawSampler
from tools.benchmarks.ablation_rows import PLAIN

pytestmark = pytest.mark.long

BUILDS = {
    "label_fed": baselines.build_label_fed,
    "ac_gan": baselines.build_ac_gan,
    "joint": baselines.build_joint,
}
K, B = len(squares.GRAPH), 16
IMAGE = ImageConfig(
    batch_size=B,
    noise_size=6,
    width=4,
    discriminator_width=4,
    labeler_width=4,
    ema=0.5,
    steps_per_call=1,
    **PLAIN,
)
GAN = GanConfig(gan_loss="hinge", discriminator_norm="spectral", r1_weight=0.0)


def config(**changes):
    shared = {name: changes.pop(name) for name in list(changes) if hasattr(IMAGE, name)}
    image, gan = dataclasses.replace(IMAGE, **shared), dataclasses.replace(GAN, **changes)
    return RunConfig(data=DataConfig(image_size=squares.SIZE), image=image, gan=gan, seed=3)


def build(name, **changes):
    return BUILDS[name](config(**changes), squares.GRAPH, LawSampler(squares.LAW))


def weights(learner):
    return {name: [np.array(value) for value in player.get_weights()] for name, player in learner.players.items()}


def moved(before, after):
    return any((a != b).any() for a, b in zip(before, after, strict=True))


@pytest.fixture(scope="module")
def batches():
    return stages.real_rows(squares.dataset(), config(), 0)


def pixels(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, squares.SIZE, squares.SIZE, 3)).astype(np.float32)


def test_the_projection_is_linear_in_the_labels_and_reads_the_trunk():
    net = baselines.projection(config(minibatch="none"), K)
    trunk = baselines.two_heads(config(minibatch="none"), K)
    trunk.set_weights(net.get_weights())
    images, labels = pixels(5), np.random.default_rng(1).integers(0, 2, (5, K)).astype(np.float32)
    outputs = trunk(images).numpy()
    expected = outputs[:, 0] + ((2 * labels - 1) * outputs[:, 1:]).sum(1)
    np.testing.assert_allclose(net([images, 2 * labels - 1]).numpy()[:, 0], expected, rtol=1e-4, atol=1e-5)
    # y = 0: psi alone
    np.testing.assert_allclose(net([images, 0 * labels]).numpy()[:, 0], outputs[:, 0], rtol=1e-4, atol=1e-5)


def test_only_with_the_labels_law_does_the_projection_see_two_labels_together():
    images = np.repeat(pixels(1), 4, axis=0)
    labels = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]], np.float32)
    for with_law in (False, True):
        net = baselines.projection(config(minibatch="none"), K, with_law)
        none, first, second, both = net([images, 2 * labels - 1]).numpy()[:, 0]
        assert (abs(both - first - second + none) > 1e-4) == with_law


@pytest.mark.parametrize("name", BUILDS)
def test_an_update_moves_every_player_by_finite_steps_and_the_average_by_its_share(name, batches):
    learner = build(name)
    before, first = weights(learner), [np.array(value) for value in learner.averaged.get_weights()]
    logs = learner.train_call(iter(batches))
    assert all(math.isfinite(float(value)) for value in logs.values())
    after = weights(learner)
    assert set(after) == {"generator", "discriminator"} | ({"controller"} if name == "joint" else set())
    for player in after:
        assert moved(before[player], after[player]), player
    for old, new, average in zip(first, after["generator"], learner.averaged.get_weights(), strict=True):
        np.testing.assert_allclose(average, 0.5 * old + 0.5 * new, rtol=1e-4, atol=1e-6)
    if name == "joint":
        expected = 0.5 * before["controller"][0] + 0.5 * after["controller"][0]
        np.testing.assert_allclose(learner.averaged_labels.get_weights()[0], expected, rtol=1e-4, atol=1e-6)
    assert int(learner.step) == 1


def gradients(learner, batches):
    """Those of the first step by player, from Adam's first moments: m = (1 - beta1) g."""
    learner.train_call(iter(batches))
    return {
        player: [v.numpy() / (1 - IMAGE.beta1) for v in optimizer.variables if "momentum" in v.path]
        for player, optimizer in learner.optimizers.items()
    }


def test_the_label_fed_discriminator_hears_of_the_labels(batches):
    """With the embedding's bias V_k's gradient is that of y_k: on real rows -mean y_k, on drawn ones +mean y_k."""
    learner, rows = build("label_fed"), next(iter(batches))
    labels, _, _, _ = learner.draw(learner.step, 0)
    real, drawn = (2 * np.array(part) - 1 for part in (rows["labeler_labels"], labels))
    *_, bias = gradients(learner, batches)["discriminator"]
    # hinge: every row counts while |D| < 1, which small initial weights see to
    np.testing.assert_allclose(bias, [0, *(drawn.mean(0) - real.mean(0))], atol=0.02)


def test_the_classifier_of_ac_gan_learns_from_both_and_its_weight_counts_for_both_players(batches):
    one, two = (gradients(build("ac_gan", labeler_weight=weight), batches) for weight in (0.0, 2.0))
    # the last bias is that of the heads: without weight, the classifier's has no gradient
    np.testing.assert_array_equal(one["discriminator"][-1][1:], 0)
    assert (np.abs(two["discriminator"][-1][1:]) > 0).any()
    assert moved(one["generator"], two["generator"])


@pytest.mark.parametrize("name", BUILDS)
def test_the_penalty_is_that_of_the_logit_that_says_how_real(name, batches):
    learner, rows = build(name, r1_weight=3.0, r1_every=4, discriminator_norm="none"), next(iter(batches))
    images, labels = rows["labeler_image"][::4], rows["labeler_labels"][::4]
    with tf.GradientTape() as tape:
        tape.watch(images)
        said = learner.discriminator(images if name == "ac_gan" else [images, 2 * labels - 1], training=True)[:, :1]
    squares_of = np.square(tape.gradient(said, images).numpy()).sum(axis=(1, 2, 3))
    assert float(learner.penalty(rows)) == pytest.approx(1.5 * squares_of.mean(), rel=1e-4)
    assert float(build(name).penalty(rows)) == 0.0


def test_labels_that_are_trained_are_soft_and_have_a_gradient():
    learner = build("joint")
    with tf.GradientTape() as tape:
        labels, _, encoded, _ = learner.draw(learner.step, 0)
        loss = tf.reduce_mean(encoded)
    assert ((labels.numpy() > 0) & (labels.numpy() < 1)).all()
    (gradient,) = tape.gradient(loss, learner.controller.trainable_variables)
    assert np.abs(gradient.numpy()).max() > 0


def test_ac_gans_labels_come_to_be_readable(batches):
    """Forty steps on squares: the classifier reads generated images, and does not say the commonest labels to all."""
    learner, iterator = build("ac_gan", learning_rate=2e-3, discriminator_learning_rate=2e-3), iter(batches)
    agreements = [float(learner.train_call(iterator)["label_agreement"]) for _ in range(40)]
    shares = squares.LAW.sample(20_000, seed=0).mean(0)
    assert np.mean(agreements[-10:]) > np.maximum(shares, 1 - shares).mean() + 0.1
