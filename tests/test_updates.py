"""The updates' gradients are those of the plain losses, taken by automatic differentiation without any sharing."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_began
import tiny_gan

from causalgan_tf import losses
from causalgan_tf.learners import additivity
from causalgan_tf.learners.image_learner import r1_penalty

STEP = tf.constant(0)


def recorded(learner, data):
    """Gradients that a training step applies, by player; the optimizers do apply them."""
    seen, apply = {}, learner.update

    def update(gradients):
        seen.update({name: [g.numpy() for g in values] for name, values in gradients.items()})
        apply(gradients)

    learner.update = update
    learner.train_step(data)
    return seen


def plain(learner, loss_of):
    """Gradients of losses by player, each in its own weights, by one tape over everything."""
    with tf.GradientTape(persistent=True) as tape:
        terms = loss_of()
    return {n: tape.gradient(loss, learner.players[n].trainable_variables) for n, loss in terms.items()}


def assert_alike(ours, reference):
    assert ours.keys() == reference.keys()
    for name, gradients in reference.items():
        largest = max(np.abs(g).max() for g in gradients)
        assert largest > 1e-5, name
        for a, b in zip(ours[name], gradients, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * largest, err_msg=name)


def gan_losses(learner, data, only=None):
    """CausalGAN's losses as the paper writes them."""

    def terms():
        labels, z, encoded, held = learner.draw(STEP, 0)
        fakes = learner.generator([z, encoded], training=True)
        noisy = learner.add_noise(fakes, STEP, 0)
        d_fake = logits_of(learner, *(tf.gather(part, heard(held.numpy())) for part in (fakes, labels)))
        lr_fake, lg_fake = learner.labeler(noisy, training=True), learner.anti_labeler(noisy, training=True)
        pleased, defeated = (losses.label_cross_entropy(labels, x) for x in (lr_fake, lg_fake))
        c = learner.anti_labeler_share(STEP)
        judged = losses.generator(tf.boolean_mask(d_fake, held), learner.gan_loss)
        loss = judged + learner.labeler_weight * pleased - c * defeated
        rebuilt = 0.0
        if learner.rebuilder:
            rebuilt = losses.noise_reconstruction(z, learner.rebuilder(fakes, training=True))
        found = {"generator": loss + learner.reconstruction_weight * rebuilt}
        if only == "generator":
            return found
        d_real = logits_of(learner, data["image"], data["labels"])
        lr_real = learner.labeler(learner.add_noise(data["labeler_image"], STEP, -1), training=True)
        found["discriminator"] = losses.discriminator(d_real, tf.boolean_mask(d_fake, held), learner.gan_loss)
        found["labeler"] = losses.label_cross_entropy(data["labeler_labels"], lr_real)
        found["anti_labeler"] = losses.label_cross_entropy(labels, lg_fake)
        if learner.additivity:  # last: the labeler's moving averages are those behind the step's images
            found["generator"] += learner.additivity.weight * added_up(learner, labels, z, fakes)
        return found | ({"rebuilder": rebuilt} if learner.rebuilder else {})

    return terms


def heard(held):
    """The rows that D is shown: those with data, again and again in place of the others."""
    rows = np.flatnonzero(held)
    return [i if held[i] else rows[i % len(rows)] for i in range(len(held))]


def logits_of(learner, images, labels):
    """D's logits; a label-fed one sees -1 and 1 for 0 and 1."""
    fed = learner.label_fed
    return learner.discriminator([images, 2.0 * labels - 1.0] if fed else images, training=True)


def added_up(learner, labels, z, fakes):
    """Additivity of rows (1, 1, .), which CORNER_MISSING lacks: their images against those of its other rows."""
    error, counted = 0.0, []
    for i, row in enumerate(labels.numpy()):
        if row[:2].all():
            three = tf.constant([[0, 1, row[2]], [1, 0, row[2]], [0, 0, row[2]]], tf.float32)
            images = learner.averaged([tf.repeat(z[i : i + 1], 3, 0), 2.0 * three - 1.0], training=False)
            wanted = tf.clip_by_value(images[0] + images[1] - images[2], -1.0, 1.0)
            shown = [wanted, images[0], images[1]]
            said = [tf.sigmoid((2.0 * row - 1.0) * learner.labeler(x[None], training=False)[0]) for x in shown]
            if learner.additivity.relative:  # the first image has the row's second label, the second its first
                weight = min(1.0, float(said[0][1] / said[1][1]), float(said[0][0] / said[2][0]))
            else:
                weight = tf.maximum(tf.reduce_min(said[0]) - additivity.SURE, 0.0) / (1.0 - additivity.SURE)
            counted.append(float(weight))
            error += weight * tf.reduce_mean((fakes[i] - wanted) ** 2)
    assert max(counted) > 0.1
    return error / len(labels)


def began_losses(learner, data, only=None):
    """CausalBEGAN's losses as the paper writes them."""

    def terms():
        labels, z, encoded, observed = learner.draw(STEP, 0)
        fakes, (c1, c2, c3), kind = learner.generator([z, encoded], training=True), learner.c, learner.label_loss
        read_real = learner.labeler(learner.add_noise(data["labeler_image"], STEP, -1), training=True)
        read_fake = learner.labeler(learner.add_noise(fakes, STEP, 0), training=True)
        llab_real = losses.label_distance(data["labeler_labels"], read_real, kind)
        llab_fake = losses.label_distance(labels, read_fake, kind)
        l_real, l_fake = (
            learner.error(data["image"], data["labels"]),
            learner.error(fakes, labels, learner.weights(observed)),
        )
        found = {"generator": l_fake + c3 * llab_fake}
        if only == "generator":
            return found
        return found | {"discriminator": l_real - c1 * l_fake, "labeler": llab_real - c2 * llab_fake}

    return terms


GAN_VARIANTS = [
    {"gan_loss": "hinge", "norm": "spectral", "minibatch": "std"},
    {"gan_loss": "nonsaturating"},
    {"gan_loss": "theory", "norm": "none", "minibatch": "features"},
    {"gan_loss": "minimax", "rebuild": True, "noise_reconstruction": 0.7},
    {"gan_loss": "hinge", "codec": tiny_gan.HALF_HELD},
    {"gan_loss": "nonsaturating", "codec": tiny_gan.HALF_HELD},
    {"gan_loss": "nonsaturating", "discriminator_labels": True, "codec": tiny_gan.HALF_HELD},
    {"additivity": 30.0, "codec": tiny_gan.CORNER_MISSING, "sample_labels": tiny_gan.corners},
    {"additivity": 30.0, "sums": "relative", "codec": tiny_gan.CORNER_MISSING, "sample_labels": tiny_gan.corners},
]


def build_gan(**changes):
    return tiny_gan.build(width=16, **changes), next(iter(tiny_gan.real_rows()))


def build_began(**changes):
    learner = tiny_began.build(width=16, **changes)
    learner.c.assign([0.2, 0.3, 0.4])
    return learner, {name: tf.constant(part[:8]) for name, part in tiny_began.real_rows().items()}


BUILDS = {
    **{f"gan-{n}": (build_gan, gan_losses, variant) for n, variant in enumerate(GAN_VARIANTS)},
    "began-squared": (build_began, began_losses, {}),
    "began-cross_entropy": (build_began, began_losses, {"label_loss": "cross_entropy"}),
    "began-fed": (build_began, began_losses, {"discriminator_labels": True, "codec": tiny_gan.HALF_HELD}),
    "began-fed-strided": (build_began, began_losses, {"discriminator_labels": True, "kernel": 4, "error": "squared"}),
}


@pytest.mark.parametrize("name", BUILDS)
def test_updates_from_one_pass_take_the_gradients_of_the_plain_losses(name, monkeypatch):
    # an untrained labeler is certain of no sum
    monkeypatch.setattr(additivity, "SURE", 0.2)
    build, loss_of, variant = BUILDS[name]
    learner, data = build(**variant)
    assert_alike(recorded(build(**variant)[0], data), plain(learner, loss_of(learner, data)))


@pytest.mark.parametrize(
    "network",
    [
        {"norm": "none", "minibatch": "std"},
        {"norm": "none", "minibatch": "features"},
        {"norm": "batch"},
        {"norm": "none"},
    ],
)
def test_a_discriminator_does_not_move_images_of_cells_without_data_by_way_of_the_batch(network):
    learner, _ = build_gan(codec=tiny_gan.HALF_HELD, mix_single=0.0, mix_uniform=1.0, **network)
    fakes = learner.generate(STEP, 0)
    with tf.GradientTape() as tape:
        tape.watch(fakes.images)
        loss = learner.generator_term(fakes, learner._outputs(fakes, STEP, 0, ["discriminator"]))
    moved = tf.reduce_max(tf.abs(tape.gradient(loss, fakes.images)), [1, 2, 3]).numpy()
    held = fakes.weights.numpy()[:, 0] > 0.0
    assert 1 < held.sum() < len(held) and (moved[held] > 0.0).all() and (moved[~held] == 0.0).all()


@pytest.mark.parametrize("name", ["gan-1", "gan-3", "began-squared"])
def test_in_turn_the_generator_plays_against_the_updated_networks(name):
    build, loss_of, variant = BUILDS[name]
    learner, data = build(**variant)
    first = plain(learner, loss_of(learner, data))
    learner.update({player: gradients for player, gradients in first.items() if player != "generator"})
    second = plain(learner, loss_of(learner, data, "generator"))
    in_turn = recorded(build(updates="in_turn", **variant)[0], data)
    assert_alike(in_turn, first | second)
    moved = [np.abs(a - b).max() for a, b in zip(first["generator"], second["generator"], strict=True)]
    assert max(moved) > 1e-3 * max(np.abs(g).max() for g in first["generator"])


def test_the_slope_of_a_linear_discriminator_is_half_its_squared_weights():
    weights = tf.random.stateless_normal([16 * 16 * 3], [0, 0])
    found = r1_penalty(lambda x: tf.reshape(x, [-1, 16 * 16 * 3]) @ weights[:, None], tf.zeros([2, 16, 16, 3]))
    assert float(found) == pytest.approx(0.5 * float(tf.reduce_sum(weights**2)), rel=1e-5)


def test_the_penalty_and_the_augmentation_move_the_discriminator():
    runs = {}
    changes = {"plain": {}, "r1": {"r1_weight": 10.0, "r1_every": 4}, "augment": {"augment": "translation,cutout"}}
    for name, change in changes.items():
        learner, data = build_gan(norm="spectral", **change)
        runs[name] = recorded(learner, data)["discriminator"]
    for name in ("r1", "augment"):
        assert all(np.isfinite(g).all() for g in runs[name])
        assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(runs[name], runs["plain"], strict=True)), name
