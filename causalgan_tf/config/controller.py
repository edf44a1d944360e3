"""Configuration of the causal controller, and the objectives that train it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from causalgan_tf.config.fields import MOST_STEPS, Entry, Validated, option
from causalgan_tf.errors import InputError

# families of mechanisms: (graph, ControllerConfig, seed) to networks.stacked.StackedMechanisms
MECHANISMS = {
    "explicit": Entry("causalgan_tf.networks.builders:explicit"),
    "implicit": Entry("causalgan_tf.networks.builders:implicit"),
}

CRITIC = ("critic_steps", "critic_loss", "gradient_penalty", "critic_width", "critic_layers", "critic_order")

# the values of fields of which nothing is said, unless an objective does better with others
RECIPE: Mapping[str, Any] = {
    "steps": 4_000,
    "batch_size": 1_024,
    "learning_rate": 5e-3,
    "beta1": 0.9,
    "width": 24,
    "distinct_rows": 2_048,
    "ema": 0.99,
    "decay_to": 1e-3,
    "tvd_after": 1_000,
}


@dataclasses.dataclass(frozen=True)
class Objective:
    """What a causal controller is trained by.

    Attributes:
        title: its name in a progress bar.
        build_learner: (RunConfig, CausalGraph, rows [N, K]) to a compiled learners.learner.Learner, whose `averaged`
            are the mechanisms to sample from.
        recipes: the families of mechanisms that it trains, each with the values other than RECIPE's that it does best
            with.
        unread: fields of ControllerConfig that do nothing, by the family of mechanisms.
        few_rows: whether it takes tables of fewer rows than a batch.
        do_rows: whether it takes rows on which nodes were set; `build_learner` then takes them last.

    >>> sorted(OBJECTIVES["likelihood"].recipes)
    ['explicit']
    """

    title: str
    build_learner: Entry
    recipes: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=lambda: dict.fromkeys(MECHANISMS, {}))
    unread: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    few_rows: bool = False
    do_rows: bool = False


OBJECTIVES = {
    "likelihood": Objective(
        "causal controller",
        Entry("causalgan_tf.training.builders:build_likelihood"),
        {"explicit": {}},
        {"explicit": ("noise_size", *CRITIC)},
        few_rows=True,
        do_rows=True,
    ),
    "wasserstein": Objective(
        "causal controller",
        Entry("causalgan_tf.training.builders:build_wasserstein"),
        {
            "explicit": {
                "steps": 8_000,
                "batch_size": 256,
                "learning_rate": 2e-3,
                "beta1": 0.5,
                "ema": 0.998,
                "decay_to": 0.05,
            },
            "implicit": {
                "steps": 20_000,
                "batch_size": 256,
                "learning_rate": 2e-3,
                "beta1": 0.5,
                "width": 10,
                "distinct_rows": 512,
                "ema": 0.999,
                "decay_to": 0.05,
                "tvd_after": 5_000,
            },
        },
        {
            "explicit": ("weight_decay", "noise_size", "critic_loss", "critic_order"),
            "implicit": ("weight_decay",),
        },
    ),
}


@dataclasses.dataclass(frozen=True)
class ControllerConfig(Validated):
    """Causal controller: its mechanisms and what trains them.

    A field that is None takes the value that the objective does best with, see OBJECTIVES.

    Examples:
        >>> ControllerConfig().steps, ControllerConfig(objective="wasserstein", mechanisms="implicit").steps
        (4000, 20000)
    """

    mechanisms: str = option(
        "explicit",
        "explicit: state P(label | parents), or implicit: networks of parents and noise (paper)",
        choices=MECHANISMS,
    )
    objective: str = option(
        "likelihood",
        "likelihood (explicit mechanisms; tables with numbers need it) or wasserstein (WGAN-GP, paper)",
        choices=OBJECTIVES,
    )
    steps: int = option(
        None, "generator steps; 4,000 by likelihood, 20,000 by WGAN-GP", low=0, high=MOST_STEPS, may_grow=True, kind=int
    )
    batch_size: int = option(
        None, "label rows a step, over all replicas; 1,024 by likelihood, 256 by WGAN-GP", low=2, kind=int
    )
    learning_rate: float = option(
        None, "Adam's learning rate; .005 by likelihood, .002 by WGAN-GP (paper: 8e-5)", low=0.0, kind=float
    )
    beta1: float = option(
        None, "Adam's beta1; .9 by likelihood, .5 by WGAN-GP (paper: .9)", low=0.0, high=0.9999, kind=float
    )
    weight_decay: float = option(
        0.3, "likelihood: precision of the normal prior on the networks' kernels; its weight falls as 1 / rows", low=0.0
    )
    critic_steps: int = option(3, "critic steps before each generator step (paper: 20)", low=1)
    critic_loss: str = option(
        "wasserstein",
        "loss of the critic: wasserstein (WGAN-GP) or jensen_shannon (the original GAN's, saturates on labels)",
        choices=("wasserstein", "jensen_shannon"),
    )
    gradient_penalty: float = option(1.0, "weight of the gradient penalty (paper: .1)", low=0.0)
    noise_size: int = option(10, "noise numbers of one node's implicit mechanism, each uniform in (-1, 1)", low=1)
    width: int = option(None, "units of a hidden layer of a mechanism; 24 explicit, 10 implicit", low=1, kind=int)
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
        None,
        "up to this many distinct rows their shares stand for batches; implicit: 512, else 2,048 (paper: 0)",
        low=0,
        kind=int,
    )
    ema: float = option(
        None,
        "decay per step of the averaged weights that are sampled from; .99 by likelihood, .999 by WGAN-GP; 0: the last",
        low=0.0,
        high=0.99999,
        kind=float,
    )
    decay_start: float = option(
        0.25, "share of the steps after which the learning rate decays exponentially; 1: never", low=0.0, high=1.0
    )
    decay_to: float = option(
        None,
        "share of the learning rate left at the last step; .001 (likelihood) or .05",
        low=1e-6,
        high=1.0,
        kind=float,
    )
    tvd_target: float = option(
        0.0, "stop when the total variation distance to the training rows is below this; 0: never", low=0.0, high=1.0
    )
    tvd_after: int = option(
        None, "first generator step at which tvd_target may stop; 1,000 explicit, 5,000 implicit", low=0, kind=int
    )
    steps_per_call: int = option(
        500, "generator steps inside one compiled call, the logging interval", low=1, high=MOST_STEPS, compared=False
    )
    checkpoint_every: int = option(
        5_000, "generator steps between checkpoints, the most that a kill loses", low=1, compared=False
    )

    def __post_init__(self) -> None:
        recipe = self._recipe() if self.objective in OBJECTIVES else RECIPE
        for name, value in recipe.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        super().__post_init__()
        if self.mechanisms == "explicit" and self.critic_loss != "wasserstein":
            raise InputError(
                f"--controller_critic_loss={self.critic_loss} is a loss of implicit mechanisms. Leave it out, or take "
                "--controller_mechanisms=implicit --controller_objective=wasserstein."
            )

    @property
    def unread(self) -> tuple[str, ...]:
        """The fields that do nothing with this objective and these mechanisms."""
        return OBJECTIVES[self.objective].unread.get(self.mechanisms, ())

    def _recipe(self) -> Mapping[str, Any]:
        """The objective's own values; InputError if it does not train these mechanisms."""
        recipes = OBJECTIVES[self.objective].recipes
        if self.mechanisms in MECHANISMS and self.mechanisms not in recipes:
            others = [name for name, other in OBJECTIVES.items() if self.mechanisms in other.recipes]
            raise InputError(
                f"--controller_objective={self.objective} does not train {self.mechanisms} mechanisms: they state no "
                f"probability. Take --controller_objective={' or '.join(others)}, or "
                f"--controller_mechanisms={' or '.join(recipes)}."
            )
        return {**RECIPE, **recipes.get(self.mechanisms, {})}
