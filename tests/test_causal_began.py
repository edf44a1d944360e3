"""CausalBEGAN's updates: the margins by hand, who moves whom, the controllers, one device and two."""

import math

import numpy as np
import pytest
import tensorboard_log as tensorboard
import tensorflow as tf
from tiny_began import BATCH, build, fit, real_rows, soft_coins

from causalgan_tf.learners.optimization import ExponentialAfter, Halving
from causalgan_tf.runs.event_log import Log
from causalgan_tf.training.summaries import Summaries


def run(steps=1, **changes):
    """What one training leaves: what it logged last, its controllers and the players' weights."""
    learner = build(**changes)
    logs = fit(learner, steps)
    weights = {name: player.get_weights() for name, player in learner.players.items()}
    return {"learner": learner, "logs": logs, "c": learner.c.numpy(), "weights": weights}


@pytest.fixture(scope="module")
def with_margin():
    return run()


@pytest.fixture(scope="module")
def without_margin():
    return run(third_margin=False)


def test_the_first_steps_margins_and_controllers_are_those_of_the_equations(with_margin):
    learner, rows = build(), {name: part[:BATCH] for name, part in real_rows().items()}
    labels, z, encoded, _ = learner.draw(tf.constant(0), 0)
    fakes = learner.generator([z, encoded])
    l_real, l_fake = (np.abs(x - learner.discriminator(x)).mean() for x in (rows["image"], fakes.numpy()))
    pairs = ((rows["labeler_image"], rows["labeler_labels"], -1), (fakes, labels.numpy(), 0))
    llab_real, llab_fake = (
        np.square(truth - tf.sigmoid(learner.labeler(learner.add_noise(x, tf.constant(0), use), training=True))).mean()
        for x, truth, use in pairs
    )
    b1, b2 = 0.5 * l_real - l_fake, 0.25 * llab_real - llab_fake
    b3 = 0.75 * max(b1, 0) - max(b2, 0)
    logs = with_margin["logs"]
    assert b1 > 0 > b2  # an untrained generator's images are easy to rebuild, and their labels hard to read
    assert [logs[name] for name in ("b1", "b2", "b3")] == pytest.approx([b1, b2, b3], rel=1e-4)
    assert logs["convergence"] == pytest.approx(l_real + llab_real + abs(b1) + abs(b2) + abs(b3), rel=1e-4)
    assert with_margin["c"] == pytest.approx([0.01 * b1, 0.0, 0.1 * b3], rel=1e-4)
    # all c are 0 in the first step
    losses = [logs[f"{name}_loss"] for name in ("discriminator", "labeler", "generator")]
    assert losses == pytest.approx([l_real, llab_real, l_fake], rel=1e-4)


def test_tensorboard_shows_margins_and_weights_and_says_what_they_are(with_margin, tmp_path):
    log = Log(tmp_path / "images")
    summaries = Summaries(lambda: 1, log)
    summaries.at(1, with_margin["logs"])
    summaries.on_train_end()
    log.close()
    found = tensorboard.tags(tmp_path / "images")
    assert {f"images/{name}" for name in ("b1", "b2", "b3", "c1", "c2", "c3", "convergence")} <= found.keys()
    assert all(found.values())


def test_the_generators_label_term_moves_the_generator_alone(with_margin, without_margin):
    for name, weights in with_margin["weights"].items():
        same = all((a == b).all() for a, b in zip(weights, without_margin["weights"][name], strict=True))
        assert same == (name != "generator"), name


def test_without_the_third_margin_labels_always_weigh_one(without_margin):
    logs = without_margin["logs"]
    assert without_margin["c"][2] == 1.0 and logs["b3"] == 0.0
    assert logs["convergence"] == pytest.approx(
        logs["discriminator_loss"] + logs["labeler_loss"] + abs(logs["b1"]) + abs(logs["b2"]), rel=1e-5
    )


@pytest.mark.parametrize(
    "variant",
    [
        {"label_loss": "cross_entropy", "label_encoding": "logit", "lambda1": 100.0, "mix_single": 0.0},
        {"label_loss": "absolute", "sample_labels": soft_coins, "halve_every": 1, "labeler_noise": 0.0},
    ],
)
def test_every_variant_moves_every_player_by_finite_steps(variant):
    done = run(steps=3, **variant)
    assert all(math.isfinite(value) for value in done["logs"].values())
    assert (done["c"] >= 0).all() and (done["c"] <= 1).all()
    untrained = build().players
    for name, weights in done["weights"].items():
        assert (weights[0] != untrained[name].get_weights()[0]).any(), name


def gradients(learner):
    """The gradients of the first step, from Adam's first moments: m = (1 - beta1) g."""
    variables = [variable for name in learner.players for variable in learner.optimizers[name].variables]
    return [2 * variable.numpy() for variable in variables if "momentum" in variable.path]


@pytest.mark.long
def test_two_replicas_take_the_gradients_and_the_controllers_of_the_global_batch(mirrored, without_margin):
    one, two = without_margin["learner"], build(mirrored, third_margin=False)
    logs = fit(two, 1)
    for a, b in zip(gradients(one), gradients(two), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert max(np.abs(a).max() for a in gradients(one)) > 0.01
    copies = [copy.numpy() for copy in two.distribute_strategy.experimental_local_results(two.c)]
    assert len(copies) == 2
    for copy in copies:
        np.testing.assert_allclose(copy, one.c.numpy(), rtol=1e-5)
    np.testing.assert_array_equal(*copies)
    assert logs["convergence"] == pytest.approx(without_margin["logs"]["convergence"], rel=1e-5)


def test_the_margins_of_unequal_halves_are_those_of_their_mean(mirrored):
    """b3 is not linear: the mean of the replicas' own third margins would be another number."""
    learner = build(mirrored, gamma1=1.0, gamma2=1.0, gamma3=1.0, lambda3=1.0)

    def halves():
        second = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32)
        # b1 is .3 on the first replica and -.1 on the second; b2 is -.2 on both
        return learner.control(0.5 - 0.4 * second, tf.constant(0.2), tf.constant(0.1), tf.constant(0.3))

    mirrored.run(tf.function(halves))
    np.testing.assert_allclose(learner.c.numpy(), [0.01 * 0.1, 0.0, 0.1], rtol=1e-4)


def test_the_rate_is_halved_after_every_stated_number_of_steps():
    rate = Halving(ExponentialAfter(0.8, 100.0, 100.0, 1.0), every=10)
    assert [float(rate(tf.constant(step))) for step in (0, 9, 10, 19, 20)] == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2])
