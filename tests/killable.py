"""A training of both stages in a few seconds, for tests that kill it: toy learners, all else as in any training."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from toys import LeastSquares

from causalgan_tf.config import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.config.controller import OBJECTIVES, Objective
from causalgan_tf.config.image import IMAGE_MODELS, ImageModel
from causalgan_tf.data import folder as folder_source
from causalgan_tf.learners.controller import encoded
from causalgan_tf.learners.learner import Learner
from causalgan_tf.runs.checkpoints import Saver
from causalgan_tf.runs.event_log import Shown
from causalgan_tf.runs.run_folder import build_mechanisms
from causalgan_tf.training import callbacks, stages

PHASES = ("start", "data", "training", "saving")
EVERY = {"controller": 30, "images": 20}  # steps between checkpoints
ROWS, SIZE = 400, 16


class Moments(Learner):
    """Mechanisms whose labels come to have the rows' means; a call is a step."""

    def __init__(self, config, graph, rows):
        super().__init__()
        self.mechanisms, self.averaged = (build_mechanisms(config, graph) for _ in range(2))
        self.players = {"generator": self.mechanisms}
        self.optimizers = {"generator": keras.optimizers.Adam(0.01)}
        self.optimizers["generator"].build([self.mechanisms.vector])
        self.means, self.steps_per_call = encoded(graph, rows).mean(0).astype(np.float32), 1
        self.train_call = tf.function(lambda iterator: self.one(next(iterator)))

    @property
    def step(self):
        return self.optimizers["generator"].iterations

    def calls(self, last, rows):
        return tf.data.Dataset.range(self.steps_done(), last), None

    def one(self, step):
        noise = tf.random.stateless_uniform([self.mechanisms.noise_rows, 64], [step, 0], -1.0, 1.0)
        with tf.GradientTape() as tape:
            means = tf.reduce_mean(self.mechanisms.soft_labels(noise), 1)
            loss = tf.reduce_sum((means - self.means) ** 2)
        gradient = tape.gradient(loss, self.mechanisms.vector)
        self.apply([gradient], self.optimizers["generator"], [self.mechanisms.vector])
        self.averaged.vector.assign(0.9 * self.averaged.vector + 0.1 * self.mechanisms.vector)
        return {"loss": loss}


def dense(units, activation=None):
    """A layer with fixed random weights."""
    return keras.layers.Dense(units, activation, kernel_initializer=keras.initializers.RandomNormal(0.1, seed=0))


def generator(config, graph):
    """Noise and labels to an image, by one matrix."""
    inputs = [keras.Input([config.image.noise_size]), keras.Input([len(graph)])]
    flat = dense(3 * SIZE**2, "tanh")(keras.layers.Concatenate()(inputs))
    return keras.Model(inputs, keras.layers.Reshape([SIZE, SIZE, 3])(flat))


def build_images(config, graph, sampler, codec):
    """The toy of the second stage."""
    image = keras.Input([SIZE, SIZE, 3])
    discriminator = keras.Model(image, dense(1)(dense(8, "tanh")(keras.layers.Flatten()(image))))
    players = {"generator": generator(config, graph), "discriminator": discriminator}
    learner = LeastSquares(players, generator(config, graph), sampler, config.seed, codec)
    learner.compile(config.image)
    return learner


def register(patch) -> None:
    """Enters the toys into the registries, by a pytest.MonkeyPatch."""
    patch.setitem(OBJECTIVES, "moments", Objective("moments", Moments))
    patch.setitem(IMAGE_MODELS, "least_squares", ImageModel("Toy", "", generator, build_images))
    patch.setattr(stages, "image_look", lambda *arguments: Shown)  # pictures take longer than all the rest


def config(root: pathlib.Path, data_dir: pathlib.Path) -> RunConfig:
    """The training, on images in `root`."""
    return RunConfig(
        DataConfig(
            dataset="folder",
            image_dir=str(root / "photos"),
            labels_file=str(root / "labels.csv"),
            graph="A -> B",
            image_size=SIZE,
            crop_size=-1,
            data_dir=str(data_dir),
        ),
        ControllerConfig(
            "implicit", "moments", steps=100, batch_size=64, steps_per_call=1, checkpoint_every=EVERY["controller"]
        ),
        ImageConfig(
            model="least_squares",
            steps=70,
            batch_size=8,
            noise_size=3,
            steps_per_call=2,
            checkpoint_every=EVERY["images"],
            collapse_share=0.0,
        ),
    )


def write_photos(root: pathlib.Path) -> None:
    """ROWS images of noise, larger than SIZE, and their labels."""
    random = np.random.default_rng(0)
    (root / "photos").mkdir()
    lines = ["image,A,B"]
    for k, (a, b) in enumerate(random.integers(0, 2, (ROWS, 2))):
        Image.fromarray(random.integers(0, 256, (64, 80, 3), np.uint8)).save(root / "photos" / f"{k}.png")
        lines.append(f"{k}.png,{a},{b}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")


def train(root: pathlib.Path, workdir: pathlib.Path, data_dir: pathlib.Path, phase, done, begun) -> None:
    """Trains in a process of its own.

    Args:
        root: of the images.
        workdir: the run folder.
        data_dir: for decoded images.
        phase: shared, the index of what it does now in PHASES.
        done: shared, steps of the controller and of the images that are trained, saved or not.
        begun: set at the start.
    """
    register(pytest.MonkeyPatch())

    def told(number, function):
        def telling(*arguments, **options):
            before, phase.value = phase.value, number
            try:
                return function(*arguments, **options)
            finally:
                phase.value = before

        return telling

    Saver.save = told(3, Saver.save)
    stages.train_stage = told(2, stages.train_stage)
    folder_source.decoded = told(1, folder_source.decoded)
    at = callbacks.Checkpoints.at

    def counted(self, step, logs):
        done[["controller", "images"].index(self.manager.folder.name)] = step
        at(self, step, logs)

    callbacks.Checkpoints.at = counted
    begun.set()
    stages.train(config(root, data_dir), workdir)
