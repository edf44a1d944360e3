"""Networks of the configured family and shape."""

import keras

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import dcgan, residual
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController


def explicit(graph: CausalGraph, config: ControllerConfig, seed: int) -> ExplicitController:
    """Mechanisms that state the distribution of their label, with random weights."""
    return ExplicitController(graph, config.width, config.layers, seed)


def implicit(graph: CausalGraph, config: ControllerConfig, seed: int) -> CausalController:
    """Mechanisms that map parents and noise to their label, with random weights."""
    return CausalController(graph, config.noise_size, config.width, config.layers, seed)


def gan_generator(config: RunConfig, graph: CausalGraph) -> keras.Model:
    """CausalGAN's generator for the labels of a graph, untrained."""
    features = residual.grown if config.gan.blocks == "residual" else dcgan.convolved
    shape = dcgan.shape(config, graph) | {"kernel": config.image.kernel, "modulation": config.gan.modulation}
    return dcgan.generator(**shape, features=features)
