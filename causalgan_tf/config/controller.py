"""Configuration of the causal controller, and the objectives that train it."""

import dataclasses

from causalgan_tf.config.fields import MOST_STEPS, Entry, Validated, option


@dataclasses.dataclass(frozen=True)
class Objective:
    """What a causal controller is trained by.

    Attributes:
        title: its name in a progress bar.
        build_learner: (RunConfig, CausalGraph, rows [N, K]) to a compiled learners.learner.Learner, whose `averaged`
            are the mechanisms to sample from.
    """

    title: str
    build_learner: Entry


OBJECTIVES = {
    "adversarial": Objective("causal controller", Entry("causalgan_tf.training.builders:build_adversarial")),
}


@dataclasses.dataclass(frozen=True)
class ControllerConfig(Validated):
    """Causal controller trained by WGAN-GP (arXiv:1709.02023, section 4; arXiv:1704.00028).

    Examples:
        >>> ControllerConfig(steps=4_000).critic_steps
        3
    """

    objective: str = option("adversarial", "what trains the mechanisms: adversarial (WGAN-GP)", choices=OBJECTIVES)
    steps: int = option(20_000, "generator steps", low=0, high=MOST_STEPS, may_grow=True)
    batch_size: int = option(256, "label rows a step, over all replicas", low=2)
    critic_steps: int = option(3, "critic steps before each generator step (paper: 20)", low=1)
    learning_rate: float = option(2e-3, "Adam's learning rate, generator and critic (paper: 8e-5)", low=0.0)
    beta1: float = option(0.5, "Adam's beta1 (paper: .9)", low=0.0, high=0.9999)
    critic_loss: str = option(
        "wasserstein",
        "loss of the critic: wasserstein (WGAN-GP) or jensen_shannon (the original GAN's, saturates on labels)",
        choices=("wasserstein", "jensen_shannon"),
    )
    gradient_penalty: float = option(1.0, "weight of the gradient penalty (paper: .1)", low=0.0)
    noise_size: int = option(10, "noise numbers of one node, each uniform in (-1, 1)", low=1)
    width: int = option(10, "units of a hidden layer of a mechanism", low=1)
    layers: int = option(3, "layers of a mechanism, the output layer included (paper: 6)", low=1)
    critic_width: int = option(32, "units of a hidden layer of the critic (paper: 15)", low=1)
    critic_layers: int = option(3, "layers of the critic, the output layer included (paper: 6)", low=1)
    critic_order: int = option(
        2,
        "the critic sees products of up to this many labels of a node and its parents (paper: 1)",
        low=1,
        high=3,
    )
    distinct_rows: int = option(
        512,
        "with at most this many distinct rows the critic sees exact shares, not batches; wasserstein only (paper: 0)",
        low=0,
    )
    ema: float = option(
        0.999,
        "decay per step of the averaged weights that are sampled from; 0: use the last weights",
        low=0.0,
        high=0.99999,
    )
    decay_start: float = option(
        0.25, "share of the steps after which the learning rate decays exponentially; 1: never", low=0.0, high=1.0
    )
    decay_to: float = option(0.05, "share of the learning rate that remains at the last step", low=1e-6, high=1.0)
    tvd_target: float = option(
        0.0, "stop when the total variation distance to the training rows is below this; 0: never", low=0.0, high=1.0
    )
    tvd_after: int = option(5_000, "first generator step at which tvd_target may stop the training", low=0)
    steps_per_call: int = option(
        500, "generator steps inside one compiled call, the logging interval", low=1, high=MOST_STEPS, compared=False
    )
    checkpoint_every: int = option(5_000, "generator steps between checkpoints", low=1, compared=False)
