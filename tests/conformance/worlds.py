"""A world of two labels of one type, with images of noise, for every type that is registered; tiny learners of it."""

import functools

import numpy as np
import tensorflow as tf

from causalgan_tf.config import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.config.controller import OBJECTIVES
from causalgan_tf.config.image import IMAGE_MODELS
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.runs import run_folder
from causalgan_tf.training import builders, stages

# how a graph declares A and B, and two values of A that a user may set
TYPES = {
    "binary": ("binary", 0, 1),
    "categorical": ("categorical(x, y, z)", "x", "z"),
    "continuous": ("continuous(0, 100)", 10.0, 90.0),
}
LEARNERS = [*((f"images-{name}", "image_", name) for name in IMAGE_MODELS)]
LEARNERS += [
    (f"labels-{name}-{family}", "controller_", f"{family} {name}")
    for name, o in OBJECTIVES.items()
    for family in o.recipes
]
SIZE, ROWS, BATCH = 16, 64, 8


@functools.cache
def world(kind: str) -> Dataset:
    """Data of the type: B is A or another value, images are noise."""
    graph, rng = CausalGraph.from_text(f"A -> B; A: {TYPES[kind][0]}; B: {TYPES[kind][0]}"), np.random.default_rng(0)
    size = graph.variables["A"].size
    values = rng.integers(0, size, (ROWS, 2)) if size else rng.uniform(5.0, 95.0, (ROWS, 2))
    rows = values.astype(np.uint8 if size else np.float32)
    variables = {node: v.fitted(rows[:, 0]) for node, v in graph.variables.items() if hasattr(v, "fitted")}
    images = ImageSet(rng.integers(0, 256, (ROWS, SIZE, SIZE, 3), np.uint8), rows)
    return Dataset(graph=graph.with_variables(variables), label_rows=rows, train=images)


def config(part: str, name: str) -> RunConfig:
    """A run of an image model or of an objective, as small as it can be."""
    widths = {"width": 4, "discriminator_width": 4, "labeler_width": 4, "noise_size": 3}
    model = {"model": name} if part == "image_" else {}
    objective = dict(zip(("mechanisms", "objective"), name.split(), strict=True)) if part == "controller_" else {}
    return RunConfig(
        DataConfig(image_size=SIZE),
        ControllerConfig(batch_size=BATCH, width=4, noise_size=2, critic_width=4, steps_per_call=1, **objective),
        ImageConfig(batch_size=BATCH, steps_per_call=1, **widths, **model),
        seed=3,
    )


class Trained:
    """A learner and what feeds it."""

    def __init__(
        self,
        part: str,
        name: str,
        kind: str,
        strategy: tf.distribute.Strategy | None = None,
        data: Dataset | None = None,
    ) -> None:
        run, self.data = config(part, name), data or world(kind)
        graph = self.data.graph
        with (strategy or tf.distribute.get_strategy()).scope():
            if part == "controller_":
                self.learner = builders.build_controller(run, graph, self.data.label_rows)
                self.mechanisms = self.learner.averaged
            else:
                self.mechanisms = run_folder.build_mechanisms(run, graph)
                kinds = stages.label_codec(run, self.data)
                self.learner = builders.build_images(run, graph, LabelSampler(self.mechanisms), kinds)
        self.rows = functools.partial(stages.real_rows, self.data, run)

    def train(self, last: int) -> dict[str, float]:
        """Trains up to a step; the last logs."""
        return self.learner.advance(last, self.rows)

    def values(self) -> dict[str, list[np.ndarray]]:
        """Everything that is saved, by name."""
        saved = self.learner.saved
        return {name: [read(value) for value in variables(part)] for name, part in saved.items()}


def variables(part: object) -> list:
    """The variables of a network or an optimizer, or a variable itself."""
    return list(part.variables) if hasattr(part, "variables") else [part]


def read(variable: object) -> np.ndarray:
    """A copy of the value of a variable, Keras' or TensorFlow's, on the first replica."""
    return np.array(tf.convert_to_tensor(variable).numpy())
