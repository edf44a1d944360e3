"""The ablation's changes of CausalGAN: what gradient they give to whom, on tiny images of three labels."""

import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from tiny_gan import CORNER_MISSING, HALF_HELD, LABELS, fair_coins, real_rows

from causalgan_tf.config import DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.learners.image_learner import Fakes
from causalgan_tf.learners.optimization import LimitedAdam
from tools.benchmarks import variants

pytestmark = pytest.mark.long

SIZE, B = 16, 8
GRAPH = CausalGraph(dict.fromkeys("ABC", ()))
SHAPE = {
    "batch_size": B,
    "noise_size": 4,
    "width": 4,
    "discriminator_width": 4,
    "labeler_width": 4,
    "steps_per_call": 1,
}
IMAGES = np.random.default_rng(0).uniform(-1, 1, (B, SIZE, SIZE, 3)).astype(np.float32)
# rows 0 to 3 lie in cells of the data, whose first label is 0, the others do not
ROWS = np.array([[int(row >= B // 2), row % 2, 0] for row in range(B)], np.float32)
WEIGHTS = tf.constant(2.0 * (ROWS[:, :1] == 0), tf.float32)
BUILDS = {
    "relativistic": functools.partial(variants.build, variants.Relativistic),
    "plain": functools.partial(variants.build, functools.partial(variants.Relativistic, beta2=True), plain=True),
    "patched": functools.partial(variants.build_patched, variants.Patches(0.5, 0.4)),
    "overlap": functools.partial(variants.build, variants.OverlapLabeler),
    "soft": functools.partial(variants.build, variants.SoftLabeler),
    "label_fed": functools.partial(variants.build_mixed_label_fed, None),
    "label_fed_patched": functools.partial(variants.build_mixed_label_fed, variants.Patches(0.5)),
}


def build(name, minibatch="none", codec=HALF_HELD, sampler=fair_coins, **gan):
    own, image = GanConfig(minibatch=minibatch, **gan), ImageConfig(discriminator_labels=False, **SHAPE)
    config = RunConfig(data=DataConfig(image_size=SIZE), image=image, gan=own, seed=3)
    return BUILDS[name](config, GRAPH, sampler, codec)


def fakes():
    return Fakes(tf.constant(ROWS), tf.zeros([B, 4]), tf.constant(IMAGES), tf.GradientTape(), WEIGHTS)


def rows_moved(gradient):
    """Whether each image of a gradient [B, S, S, C] has any."""
    return np.abs(gradient.numpy()).max((1, 2, 3)) > 0


def towards(learner, term):
    """The gradient in generated images of what `term` makes of them and of what the networks say."""
    rows = fakes()
    with tf.GradientTape() as tape:
        tape.watch(rows.images)
        seen = {name: learner.players[name](rows.images, training=True) for name in ("discriminator", "labeler")}
        seen["real"] = learner.discriminator(tf.constant(IMAGES[::-1].copy()), training=True)
        loss = term(rows, seen)
    return tape.gradient(loss, rows.images)


@pytest.mark.parametrize("name", BUILDS)
def test_every_variant_moves_every_player_by_finite_steps(name):
    # additivity has rows in every batch, those that mixing leaves as they are
    learner = build(name, "std", CORNER_MISSING, lambda seeds: tf.ones([len(seeds), LABELS]))
    before = {player: network.get_weights() for player, network in learner.players.items()}
    rows = next(iter(real_rows()))
    logs = learner.train_step(rows | {"labels": rows["labeler_labels"]})
    assert all(math.isfinite(float(value)) for value in logs.values())
    for player, network in learner.players.items():
        assert any((a != b).any() for a, b in zip(before[player], network.get_weights(), strict=True)), player


def test_pairs_have_the_hand_worked_loss_and_rows_without_weight_none():
    fake, real = tf.constant([[1.0], [0.0], [9.0]]), tf.constant([[0.0], [2.0], [-9.0]])
    expected = (1.5 * math.log1p(math.e) + 1.5 * math.log1p(math.exp(-2))) / 3
    weights = tf.constant([[1.5], [1.5], [0.0]])
    assert float(variants.paired(fake, real, weights)) == pytest.approx(expected, rel=1e-5)
    # the mirror: the generator's logit above the real one's is no loss
    assert float(variants.paired(tf.constant([[-50.0]]), tf.constant([[50.0]]), 1.0)) == pytest.approx(0, abs=1e-6)


def test_the_penalty_is_half_the_weighted_mean_of_squared_gradients():
    images = tf.ones([2, 4, 4, 1])
    scale = tf.constant([1.0, 3.0])[:, None, None, None]
    found = variants.penalty(lambda x: tf.reduce_sum(scale * x, [1, 2, 3])[:, None], images, tf.constant([2.0, 0.0]))
    assert float(found) == pytest.approx(0.5 * (2 * 16 * 1 + 0 * 16 * 9) / 2)


def test_relativistic_rows_without_data_have_neither_pair_nor_penalty():
    learner = build("relativistic")
    np.testing.assert_array_equal(rows_moved(towards(learner, learner.generator_term)), [True] * 4 + [False] * 4)
    rows, seen = fakes(), {}
    losses = []
    for others in (IMAGES[4:], 0.3 * IMAGES[4:]):
        changed = rows._replace(images=tf.constant(np.concatenate([IMAGES[:4], others])))
        seen["discriminator"] = learner.discriminator(changed.images, training=True)
        losses.append(float(learner.discriminator_loss(tf.constant(IMAGES), tf.constant(ROWS), changed, seen)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_relativistic_discriminator_has_both_penalties_and_they_fall_to_a_tenth():
    learner, free, rows = (
        build("relativistic", r1_weight=3.0, r1_every=1),
        build("relativistic", r1_weight=0.0),
        fakes(),
    )
    real = tf.constant(IMAGES[::-1].copy())

    def loss(of):
        said = {"discriminator": of.discriminator(rows.images, training=True)}
        return float(of.discriminator_loss(real, tf.constant(ROWS), rows, said))

    def squares(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            said = learner.discriminator(images, training=True)
        return np.square(tape.gradient(said, images).numpy()).sum((1, 2, 3))

    expected = 1.5 * (squares(real).mean() + (WEIGHTS.numpy()[:, 0] * squares(rows.images)).mean())
    assert loss(learner) - loss(free) == pytest.approx(expected, rel=1e-3)
    learner.at(1.2)
    assert loss(learner) - loss(free) == pytest.approx(0.1 * expected, rel=1e-2)


def test_beta2_rises_from_its_first_to_its_last_value_by_the_clock():
    learner, optimizer = build("plain"), LimitedAdam(1e-3, 0.0, 4.0)
    learner.tune(optimizer)
    for share, value in ((0.0, 0.9), (0.5, 1 - 0.1**1.5), (1.0, 0.99)):
        learner.at(share)
        assert float(optimizer.beta_2) == pytest.approx(value)
    # of the optimizer's first step: velocity = (1 - beta2) g^2
    weight = tf.Variable([1.0])
    optimizer.build([weight])
    optimizer.apply([tf.constant([2.0])], [weight])
    assert float(optimizer._velocities[0][0]) == pytest.approx(0.01 * 4, rel=1e-4)


def test_relativistic_pairs_are_refused_where_the_generator_has_updates_of_its_own():
    with pytest.raises(ValueError, match="generator_steps=1"):
        build("relativistic", generator_steps=2)


def test_the_plain_generator_has_no_norm_no_tanh_and_begins_with_pale_images():
    net = build("plain").generator
    assert not [layer for layer in net.layers if "normalization" in layer.name]
    z, labels = np.random.default_rng(1).uniform(-1, 1, (64, 4)).astype(np.float32), np.ones([64, LABELS], np.float32)
    images = net([z, labels], training=True).numpy()
    assert images.shape == (64, SIZE, SIZE, 3) and 0 < images.std() < 0.2
    # an image does not depend on its batch
    np.testing.assert_allclose(net([z[:1], labels[:1]], training=True)[0], images[0], atol=1e-5)
    net.layers[-1].bias.assign([5.0, 5.0, 5.0])
    assert net([z, labels]).numpy().max() > 4


def test_patches_move_images_of_cells_without_data_alone_and_from_their_start_on():
    learner = build("patched")

    def heard(rows, seen):
        return learner.patches.generator(seen["discriminator"][1], rows.weights, learner.progress)

    assert not rows_moved(towards(learner, heard)).any()
    learner.at(0.4)
    np.testing.assert_array_equal(rows_moved(towards(learner, heard)), [False] * 4 + [True] * 4)
    # with the logit's own term every row is judged by one head
    assert rows_moved(towards(learner, learner.generator_term)).all()


def test_patches_are_heard_nowhere_where_all_cells_have_data():
    patches = variants.Patches(1.0)
    assert float(patches.generator(tf.ones([B, 8, 8, 1]), 1.0, tf.constant(1.0))) == 0.0


def test_the_patch_head_learns_from_all_rows_and_the_logit_from_those_with_data():
    learner, real = build("patched", r1_weight=0.0), tf.constant(IMAGES)
    said = [tf.constant(x) for x in (np.zeros([B, 1], np.float32), np.zeros([B, 8, 8, 1], np.float32))]
    with tf.GradientTape() as tape:
        tape.watch(said)
        loss = learner.discriminator_loss(real, tf.constant(ROWS), fakes(), {"discriminator": said})
    logit, patches = tape.gradient(loss, said)
    np.testing.assert_array_equal(logit.numpy()[:, 0] > 0, [True] * 4 + [False] * 4)
    # weight .5, slope 1/2 of softplus at 0, a mean over 8 x 64 patches
    np.testing.assert_allclose(patches, 0.5 * 0.5 / (B * 64), rtol=1e-5)


def test_a_patch_judges_its_own_pixels_alone():
    learner, changed = build("patched"), IMAGES[:1].copy()
    changed[:, 12:, 12:] *= -1
    first, second = (learner.discriminator(x)[1].numpy()[0, :, :, 0] for x in (IMAGES[:1], changed))
    moved = first != second
    assert moved[6:, 6:].all() and not moved[:5].any() and not moved[:, :5].any()


def test_the_head_of_a_label_learns_from_rows_whose_other_labels_have_both_of_its_values():
    learner, outputs = build("overlap"), tf.zeros([4, LABELS])
    # the data hold the cells whose first label is 0: only the second and the third label occur with both values
    np.testing.assert_array_equal(learner.overlap(tf.constant(ROWS[:4])), [[0, 1, 1]] * 4)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = learner.labeler_loss(tf.constant(ROWS[:4]), outputs)
    gradient = tape.gradient(loss, outputs).numpy()
    np.testing.assert_array_equal(gradient[:, 0], 0)
    np.testing.assert_allclose(gradient[:, 1:], (0.5 - ROWS[:4, 1:]) / (4 * LABELS), rtol=1e-5)


def test_soft_labels_ask_for_no_more_than_their_certainty():
    learner, labels = build("soft"), tf.constant([[1.0, 0.0, 1.0]])
    wanted = math.log(0.95 / 0.05)
    for distance, sign in ((0.0, 0), (-1.0, -1), (1.0, 1)):
        outputs = tf.constant([[wanted + distance, -wanted - distance, wanted + distance]])
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            loss = learner.label_loss(labels, outputs)
        slope = tape.gradient(loss, outputs).numpy()[0] * [1, -1, 1]
        assert (np.abs(slope) < 1e-6).all() if not sign else (np.sign(slope) == sign).all()


def test_the_soft_generator_hears_soft_labels_too():
    learner = build("soft", labeler_weight=2.0, additivity=0.0)
    said = tf.constant([[math.log(0.95 / 0.05)] * LABELS] * B) * (2 * ROWS - 1)
    with tf.GradientTape() as tape:
        tape.watch(said)
        loss = learner._own_loss(fakes(), {"discriminator": tf.zeros([B, 1]), "labeler": said})
    np.testing.assert_allclose(tape.gradient(loss, said), 0, atol=1e-6)


@pytest.mark.parametrize(("name", "alone"), [("label_fed", False), ("label_fed_patched", True)])
def test_the_label_fed_logit_leaves_rows_without_data_out_and_patches_do_not(name, alone):
    learner, rows = build(name, additivity=0.0, r1_weight=0.0), fakes()
    data = {"image": tf.constant(IMAGES[::-1].copy()), "labels": tf.constant(ROWS[:4].repeat(2, 0))}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(rows.images)
        terms = learner.losses_of(data, rows)
    for player in terms:
        moved = rows_moved(tape.gradient(terms[player], rows.images))
        np.testing.assert_array_equal(moved, [True] * 4 + [alone] * 4)


def test_the_label_fed_penalty_is_that_of_the_rows_that_discriminate():
    learner = build("label_fed", r1_weight=2.0, r1_every=1, additivity=0.0)
    free = build("label_fed", r1_weight=0.0, additivity=0.0)
    data = {"image": tf.constant(IMAGES), "labels": tf.constant(ROWS)}
    with tf.GradientTape() as tape:
        tape.watch(data["image"])
        said = learner.discriminator([data["image"], 2.0 * data["labels"] - 1.0], training=True)
    expected = np.square(tape.gradient(said, data["image"]).numpy()).sum((1, 2, 3)).mean()
    found = [float(one.losses_of(data, fakes())["discriminator"]) for one in (learner, free)]
    assert found[0] - found[1] == pytest.approx(expected, rel=1e-3)
