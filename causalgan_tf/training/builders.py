"""Learners of the configured shape and optimisation, untrained: networks from a configuration, joined and compiled."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from causalgan_tf.config.controller import OBJECTIVES
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data.do_rows import DoRows
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.learners.causal_began import CausalBEGAN
from causalgan_tf.learners.causal_gan import CausalGAN
from causalgan_tf.learners.family_wasserstein import FamilyWassersteinTrainer
from causalgan_tf.learners.image_learner import ImageLearner
from causalgan_tf.learners.learner import Learner
from causalgan_tf.learners.likelihood import LikelihoodTrainer
from causalgan_tf.learners.wasserstein import WassersteinTrainer
from causalgan_tf.networks import began, dcgan, residual
from causalgan_tf.networks.critic import Critic
from causalgan_tf.networks.family_critic import FamilyCritics
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.runs import run_folder


def build_controller(config: RunConfig, graph: CausalGraph, rows: np.ndarray, do_rows: DoRows | None = None) -> Learner:
    """A learner of the configured objective for the mechanisms of a graph, untrained."""
    build = OBJECTIVES[config.controller.objective].build_learner
    return build(config, graph, rows) if do_rows is None else build(config, graph, rows, do_rows)


def build_images(
    config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec | None = None
) -> ImageLearner:
    """A learner of the configured image model, untrained; `codec` None: those of the graph."""
    return config.image_model.build_learner(config, graph, sampler, codec or LabelCodec(graph.variables.values()))


def build_likelihood(
    config: RunConfig, graph: CausalGraph, rows: np.ndarray, do_rows: DoRows | None = None
) -> LikelihoodTrainer:
    """Explicit mechanisms that maximum likelihood trains, of the configured shape and optimisation, untrained."""
    mechanisms, averaged = (run_folder.build_mechanisms(config, graph) for _ in range(2))
    held = None
    if do_rows is not None:
        held = np.concatenate([np.zeros(rows.shape, bool), do_rows.held])
        rows = np.concatenate([rows, do_rows.labels])
    learner = LikelihoodTrainer(mechanisms, averaged, rows, config.seed, held)
    learner.compile(config.controller)
    return learner


def build_wasserstein(config: RunConfig, graph: CausalGraph, rows: np.ndarray) -> Learner:
    """A causal controller that WGAN-GP trains, of the configured shape and optimisation, untrained.

    Implicit mechanisms meet a critic of whole rows, explicit ones a critic of each node and its parents.
    """
    c = config.controller
    mechanisms, averaged = (run_folder.build_mechanisms(config, graph) for _ in range(2))
    if c.mechanisms == "explicit":
        critics = FamilyCritics(mechanisms, c.critic_width, c.critic_layers, config.seed)
        learner = FamilyWassersteinTrainer(mechanisms, averaged, critics, rows, config.seed)
        learner.compile(c)
        return learner
    critic = Critic(graph, c.critic_width, c.critic_layers, c.critic_order, config.seed)
    learner = WassersteinTrainer(mechanisms, averaged, critic, rows, config.seed)
    learner.compile(c)
    return learner


def causal_gan_networks(config: RunConfig, graph: CausalGraph, codec: LabelCodec) -> dict[str, keras.Model | None]:
    """The untrained networks of CausalGAN of the configured shape, by the names of its arguments."""
    c, own = config.image, config.gan
    norm = labeler_norm(config, codec)
    with dtype_policy_scope(c.precision):
        shape, fed = discriminator_shape(config), c.discriminator_labels
        discriminator = dcgan.projection(codec.columns, **shape) if fed else dcgan.trunk(1, **shape)
        players = {
            "generator": run_folder.build_image_generator(config, graph),
            "discriminator": discriminator,
            "labeler": _reader(config, "labeler", codec.columns, 2, norm),
            "anti_labeler": _reader(config, "anti_labeler", codec.columns, 3, norm),
            "rebuilder": _reader(config, "rebuilder", c.noise_size, 4, "batch") if own.noise_reconstruction else None,
        }
    return players | {"averaged": run_folder.build_image_generator(config, graph)}


def discriminator_shape(config: RunConfig) -> dict[str, Any]:
    """What CausalGAN's discriminator is told of its shape, arguments of dcgan.trunk."""
    c, own, d = config.image, config.gan, config.data
    shape = {"image_size": d.image_size, "channels": d.channels, "width": c.discriminator_width, "kernel": c.kernel}
    shape |= {"norm": own.discriminator_norm, "minibatch": own.minibatch, "seed": config.seed + 1}
    features = residual.shrunk if own.blocks == "residual" else None
    return shape | {"features": features, "name": "discriminator"}


def build_causal_gan(config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec) -> CausalGAN:
    """CausalGAN of the configured shape and optimisation, untrained."""
    networks = causal_gan_networks(config, graph, codec)
    learner = CausalGAN(**networks, sample_labels=sampler, seed=config.seed, codec=codec)
    learner.compile(config.image, config.gan)
    return learner


def build_causal_began(config: RunConfig, graph: CausalGraph, sampler: LabelSampler, codec: LabelCodec) -> CausalBEGAN:
    """CausalBEGAN of the configured shape and optimisation, untrained."""
    c, b, d = config.image, config.began, config.data
    shape = {"image_size": d.image_size, "channels": d.channels, "width": c.discriminator_width}
    shape |= {"code_size": b.code_size, "labels": codec.columns if c.discriminator_labels else 0}
    shape |= {"kernel": c.kernel if b.networks == "strided" else 0, "seed": config.seed + 1}
    with dtype_policy_scope(c.precision):
        players = {
            "generator": run_folder.build_image_generator(config, graph),
            "discriminator": began.autoencoder(**shape),
            "labeler": _reader(config, "labeler", codec.columns, 2, labeler_norm(config, codec)),
        }
    averaged = run_folder.build_image_generator(config, graph)
    learner = CausalBEGAN(**players, averaged=averaged, sample_labels=sampler, seed=config.seed, codec=codec)
    learner.compile(c, b)
    return learner


@contextlib.contextmanager
def dtype_policy_scope(precision: str) -> Iterator[None]:
    """Networks built in this block compute in `precision`, see ImageConfig; their weights and outputs are float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def labeler_norm(config: RunConfig, codec: LabelCodec) -> str:
    """The normalisation of the labelers, `batch` or `none`; see ImageConfig.labeler_norm.

    >>> from causalgan_tf.graphs.variables import Binary, Continuous
    >>> [labeler_norm(RunConfig(), LabelCodec([label])) for label in (Binary(), Continuous(mean=0.0, std=1.0))]
    ['batch', 'none']
    """
    if config.image.labeler_norm != "auto":
        return config.image.labeler_norm
    return "none" if any(variable.size is None for variable in codec.variables) else "batch"


def _reader(config: RunConfig, name: str, outputs: int, number: int, norm: str) -> keras.Model:
    """A network that reads `outputs` numbers off an image; `number` tells its initial weights from others'."""
    c, d = config.image, config.data
    shape = {"image_size": d.image_size, "channels": d.channels, "width": c.labeler_width, "kernel": c.kernel}
    shape |= {} if name == "rebuilder" else {"seen_size": c.labeler_size}
    return dcgan.trunk(outputs, **shape, norm=norm, name=name, seed=config.seed + number)
