"""A tiny CausalGAN on rows of noise."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.config import GanConfig, ImageConfig
from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.variables import Binary
from causalgan_tf.learners.causal_gan import CausalGAN
from causalgan_tf.networks import dcgan
from causalgan_tf.networks.label_codec import LabelCodec

LABELS, SIZE, BATCH, Z = 3, 16, 8, 4
# the data hold the cells whose first label is 0
CELLS = ObservedCells(
    (2,) * LABELS,
    (np.zeros(0),) * LABELS,
    np.array([0, 2, 4, 6]),
    np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]]),
)
HALF_HELD = LabelCodec([Binary()] * LABELS, cells=CELLS)
# they hold all cells but those whose first two labels are 1
_SEEN = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]])
_CODES = np.array([0, 1, 2, 4, 5, 6])
CORNER_MISSING = LabelCodec(
    [Binary()] * LABELS, cells=ObservedCells((2,) * LABELS, (np.zeros(0),) * LABELS, _CODES, _SEEN)
)
CONFIG = ImageConfig(
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
GAN = GanConfig(
    gan_loss="hinge",
    labeler_weight=1.0,
    anti_labeler_weight=1.0,
    anti_labeler_decay=10.0,
    additivity=0.0,
    generator_steps=1,
    noise_reconstruction=0.0,
    r1_weight=0.0,
    r1_every=1,
)


def fair_coins(seeds):
    return tf.cast(tf.transpose(noise.uniform(seeds, ["A"], LABELS)) > 0, tf.float32)


def corners(seeds):
    """Rows of the cells that CORNER_MISSING lacks."""
    return tf.concat([tf.ones([len(seeds), 2]), fair_coins(seeds)[:, 2:]], 1)


def build(
    strategy=None,
    norm="batch",
    minibatch="none",
    rebuild=False,
    width=4,
    codec=None,
    sample_labels=fair_coins,
    **changes,
):
    with (strategy or tf.distribute.get_strategy()).scope():
        shape = {"image_size": SIZE, "width": width, "kernel": 3}
        judged = functools.partial(dcgan.projection, LABELS) if changes.get("discriminator_labels") else one_logit
        learner = CausalGAN(
            generator=dcgan.generator(LABELS, Z, **shape),
            averaged=dcgan.generator(LABELS, Z, **shape),
            discriminator=judged(**shape, norm=norm, minibatch=minibatch, seed=1),
            labeler=dcgan.trunk(LABELS, **shape, seed=2),
            anti_labeler=dcgan.trunk(LABELS, **shape, seed=3),
            sample_labels=sample_labels,
            rebuilder=dcgan.trunk(Z, **shape, seed=4) if rebuild else None,
            seed=5,
            codec=codec,
        )
        own = {name: changes.pop(name) for name in list(changes) if hasattr(GAN, name)}
        learner.compile(dataclasses.replace(CONFIG, **changes), dataclasses.replace(GAN, **own))
    return learner


one_logit = functools.partial(dcgan.trunk, 1)


def real_rows(labels=None, context=None, first=0):
    """Batches from a step on; with a context those of its replicas in turn."""
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (10 * BATCH, SIZE, SIZE, 3)).astype(np.float32)
    labels = rng.integers(0, 2, (10 * BATCH, LABELS)).astype(np.float32) if labels is None else labels
    rows = {"image": images, "labels": labels[::-1].copy()}
    rows |= {"labeler_image": images[::-1].copy(), "labeler_labels": labels}
    share = context.num_replicas_in_sync if context else 1
    parts = tf.data.Dataset.from_tensor_slices(rows).repeat().batch(BATCH // share, drop_remainder=True)
    return parts.skip(first * share)


def fit(learner, steps, rows=None):
    """Trains further steps; the last one's logs."""
    return learner.advance(learner.steps_done() + steps, lambda step, context: real_rows(rows, context, step))
