"""Fits the encoder of a trained model of images, with which counterfactuals of given images begin."""

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from causalgan_tf.errors import InputError, shown
from causalgan_tf.inference.arguments import SEED, whole
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.learners.encoder import EncoderLearner

STEPS, BATCH, RATE = 2_000, 64, 1e-3


def fit_encoder(model: CausalModel, steps: int = STEPS, seed: int = 0, progress: bool = True) -> CausalModel:
    """Trains the encoder of a model of images on what the model itself draws; returns the model, which keeps it.

    Args:
        model: a model of images.
        steps: of 64 images each.
        seed: of weights and of the images.
        progress: whether a bar shows the steps.

    Raises:
        InputError: a model of labels only, or fewer than 1 step.

    Examples:
        >>> fit_encoder(faces, steps=1, progress=False).encoder.name
        'encoder'
    """
    if not isinstance(model, CausalModel):
        raise InputError(f"fit_encoder: expected a model, such as causalgan_tf.load gives, got {shown(model)}.")
    model.check_images("fit_encoder")
    steps, seed = whole("steps", steps, 1), whole("seed", seed, 0, SEED)
    images = model.images
    network = images.untrained_encoder(seed % 2**31)
    learner = EncoderLearner(network, images.pixels, model.labels, images.codec, BATCH, seed)
    learner.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps)))
    step = tf.function(learner.train_step, input_signature=[tf.TensorSpec([], tf.int64)], autograph=False)
    for number in tqdm(range(steps), desc="Encoder", disable=not progress):
        step(tf.constant(number, tf.int64))
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise InputError("fit_encoder: the encoder's weights are not finite. Train it with another seed.")
    model.encoder = network
    return model
