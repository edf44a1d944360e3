"""Losses against numbers worked out by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf import losses


def test_wasserstein_terms_are_differences_of_means():
    real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[5.0], [0.0]])
    assert float(losses.wasserstein_critic(real, fake)) == 0.5
    assert float(losses.wasserstein_generator(fake)) == -2.5


@pytest.mark.parametrize("axis", [0, 1])
def test_penalty_of_the_critic_three_times_the_sum_of_two_columns(axis):
    gradient = tf.constant([[3.0, 3.0]] * 4)
    penalty = losses.gradient_penalty(gradient if axis == 1 else tf.transpose(gradient), axis)
    assert float(penalty) == pytest.approx((3 * math.sqrt(2) - 1) ** 2, rel=1e-6)


def test_penalty_has_a_finite_gradient_where_the_critic_is_flat():
    x = tf.Variable([[0.0, 0.0]])
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(x, 1)
    assert np.isfinite(tape.gradient(penalty, x)).all()


def test_discriminator_terms_by_hand():
    real, fake = tf.constant([[0.5], [2.0]]), tf.constant([[-2.0], [0.0]])
    # hinge: (.5 + 0) / 2 + (0 + 1) / 2
    assert float(losses.discriminator(real, fake, "hinge")) == pytest.approx(0.75)
    d_real, d_fake = 1 / (1 + np.exp([-0.5, -2.0])), 1 / (1 + np.exp([2.0, 0.0]))
    expected = -np.log(d_real).mean() - np.log(1 - d_fake).mean()
    assert float(losses.discriminator(real, fake, "nonsaturating")) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", [losses.generator, lambda x, kind: losses.discriminator(x, x, kind)])
def test_both_gan_terms_refuse_an_unknown_loss(loss):
    with pytest.raises(ValueError, match="expected theory, nonsaturating, minimax or hinge, got 'wasserstein'"):
        loss(tf.zeros([2, 1]), "wasserstein")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("theory", math.log((1 - 0.8) / 0.8)),
        ("hinge", -math.log(0.8 / 0.2)),
        ("nonsaturating", -math.log(0.8)),
        ("minimax", math.log(1 - 0.8)),
    ],
)
def test_generator_terms_where_the_discriminator_says_four_fifths(kind, expected):
    logit = tf.constant([[math.log(4.0)]])
    assert float(losses.generator(logit, kind)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["theory", "hinge", "nonsaturating", "minimax"])
def test_a_generated_row_of_weight_0_is_not_judged_and_the_others_keep_their_share(kind):
    logits, weights = tf.constant([[0.3], [-2.0]]), tf.constant([[2.0], [0.0]])
    assert float(losses.generator(logits, kind, weights)) == pytest.approx(float(losses.generator(logits[:1], kind)))


def test_an_unknown_term_is_named():
    with pytest.raises(ValueError, match="hing"):
        losses.generator(tf.zeros([1, 1]), "hing")


def test_label_cross_entropy_by_hand():
    labels, logits = tf.constant([[1.0, 0.0]]), tf.constant([[math.log(3.0), math.log(3.0)]])
    # p = .75 for both columns
    assert float(losses.label_cross_entropy(labels, logits)) == pytest.approx(
        -(math.log(0.75) + math.log(0.25)) / 2, rel=1e-6
    )


def test_noise_reconstruction_is_the_mean_square():
    assert float(losses.noise_reconstruction(tf.constant([[1.0, 2.0]]), tf.constant([[0.0, 4.0]]))) == 2.5


@pytest.mark.parametrize(("kind", "expected"), [("absolute", [1.25, 0.5]), ("squared", [2.125, 0.25])])
def test_reconstruction_is_the_mean_error_of_rows_by_their_weights(kind, expected):
    images, rebuilt = (tf.reshape(x, [2, 1, 1, 2]) for x in ([1.0, -1.0, 0.0, 0.0], [0.5, 1.0, 0.5, -0.5]))
    assert float(losses.reconstruction(images, rebuilt, kind)) == pytest.approx(np.mean(expected))
    weights = tf.constant([[2.0], [0.0]])
    assert float(losses.reconstruction(images, rebuilt, kind, weights)) == pytest.approx(expected[0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("squared", (0.25**2 + 0.75**2) / 2),
        ("absolute", (0.25 + 0.75) / 2),
        ("cross_entropy", -(math.log(0.75) + math.log(0.25)) / 2),
    ],
)
def test_label_distances_where_the_labeler_says_three_quarters(kind, expected):
    labels, logits = tf.constant([[1.0, 0.0]]), tf.constant([[math.log(3.0), math.log(3.0)]])
    assert float(losses.label_distance(labels, logits, kind)) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match=f"{kind}r"):
        losses.label_distance(labels, logits, f"{kind}r")


def test_the_three_margins_by_hand():
    image = losses.margin(tf.constant(0.8), tf.constant(0.1), gamma=0.5)
    label = losses.margin(tf.constant(0.4), tf.constant(0.1), gamma=0.25)
    assert float(image) == pytest.approx(0.3) and float(label) == pytest.approx(0.0, abs=1e-7)
    # images ahead, labels behind: labels are to weigh more
    assert float(losses.third_margin(tf.constant(0.3), tf.constant(-9.0), gamma=0.5)) == pytest.approx(0.15)
    # images behind, labels ahead: less
    assert float(losses.third_margin(tf.constant(-9.0), tf.constant(0.2), gamma=0.5)) == pytest.approx(-0.2)
    assert float(losses.third_margin(tf.constant(0.3), tf.constant(0.2), gamma=0.5)) == pytest.approx(-0.05)


def test_the_controllers_stay_between_zero_and_one():
    weights, margins = tf.constant([0.0, 0.5, 0.9]), tf.constant([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(losses.controlled(weights, margins, tf.constant([1e-3, 0.1, 1.0])), [0.0, 0.55, 1.0])


def test_convergence_adds_both_real_losses_and_the_margins_sizes():
    measure = losses.convergence(tf.constant(0.1), tf.constant(0.2), tf.constant([0.3, -0.4, 0.5]))
    assert float(measure) == pytest.approx(1.5)


def test_the_zero_centred_penalty_is_half_the_mean_squared_slope():
    gradient = np.zeros((2, 2, 2, 3), np.float32)
    gradient[0, 0, 0] = [1, 2, 2]  # norm 3
    gradient[1, 1, 1] = [0, 1, 0]
    assert float(losses.zero_centred_penalty(tf.constant(gradient))) == pytest.approx(0.5 * (9 + 1) / 2)
