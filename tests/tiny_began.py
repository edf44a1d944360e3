"""A tiny CausalBEGAN on rows of noise."""

import dataclasses

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.config import BeganConfig, ImageConfig
from causalgan_tf.learners.causal_began import CausalBEGAN
from causalgan_tf.networks import began, dcgan

LABELS, SIZE, BATCH, Z = 3, 16, 8, 4
CONFIG = ImageConfig(
    model="causal_began",
    steps=100,
    batch_size=BATCH,
    learning_rate=1e-3,
    discriminator_learning_rate=1e-3,
    beta1=0.5,
    labeler_noise=0.1,
    mix_single=0.5,
    mix_uniform=0.25,
    label_encoding="sign",
    ema=0.9,
    decay_start=0.5,
    decay_to=0.1,
    gradient_limit=0.0,
    discriminator_labels=False,
    steps_per_call=1,
)
BEGAN = BeganConfig(
    label_loss="squared",
    error="absolute",
    gamma1=0.5,
    gamma2=0.25,
    gamma3=0.75,
    lambda1=0.01,
    lambda2=0.02,
    lambda3=0.1,
    third_margin=True,
)


def fair_coins(seeds):
    return tf.cast(tf.transpose(noise.uniform(seeds, ["A"], LABELS)) > 0, tf.float32)


def soft_coins(seeds):
    return 0.5 * (1.0 + tf.transpose(noise.uniform(seeds, ["A"], LABELS)))


def build(strategy=None, sample_labels=fair_coins, width=4, kernel=0, codec=None, **changes):
    fed = LABELS if changes.get("discriminator_labels") else 0
    with (strategy or tf.distribute.get_strategy()).scope():
        learner = CausalBEGAN(
            generator=began.generator(LABELS, Z, SIZE, width=width),
            averaged=began.generator(LABELS, Z, SIZE, width=width),
            discriminator=began.autoencoder(SIZE, width=width, code_size=5, labels=fed, kernel=kernel, seed=1),
            labeler=dcgan.trunk(LABELS, SIZE, width=width, kernel=3, seed=2),
            sample_labels=sample_labels,
            seed=5,
            codec=codec,
        )
        began_changes = {name: changes.pop(name) for name in list(changes) if hasattr(BEGAN, name)}
        learner.compile(dataclasses.replace(CONFIG, **changes), dataclasses.replace(BEGAN, **began_changes))
    return learner


def real_rows():
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (10 * BATCH, SIZE, SIZE, 3)).astype(np.float32)
    labels = rng.integers(0, 2, (10 * BATCH, LABELS)).astype(np.float32)
    rows = {"image": images, "labels": labels[::-1].copy()}
    return rows | {"labeler_image": images[::-1].copy(), "labeler_labels": labels}


def fit(learner, steps):
    """Trains further steps; the last one's logs."""

    def rows(first, context):
        share = context.num_replicas_in_sync
        parts = tf.data.Dataset.from_tensor_slices(real_rows()).repeat().batch(BATCH // share, drop_remainder=True)
        return parts.skip(first * share)

    return learner.advance(learner.steps_done() + steps, rows)
