"""An entry in a registry is enough: a toy image model, source, type of variable and objective train and draw."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import LeastSquares

import causalgan_tf
from causalgan_tf import data
from causalgan_tf.config import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.config.controller import OBJECTIVES, Objective
from causalgan_tf.config.data import CELEBA_QUERIES, SOURCES, Source
from causalgan_tf.config.image import IMAGE_MODELS, ImageModel
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.errors import InputError
from causalgan_tf.graphs import variables
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical
from causalgan_tf.learners.controller import encoded
from causalgan_tf.learners.learner import Learner
from causalgan_tf.networks import builders, codecs, dcgan
from causalgan_tf.runs.run_folder import build_mechanisms
from causalgan_tf.training import stages

GRAPH = "A -> B; A: ordinal(low, middle, high)"


@dataclasses.dataclass(frozen=True)
class Ordinal(Categorical):
    """Categories in an order."""


class OrdinalCodec(codecs.CategoricalCodec):
    """CausalBEGAN's distance is that of the places."""

    def distance(self, columns, outputs, loss):
        del loss
        places = tf.range(self.width, dtype=tf.float32)
        return tf.reduce_mean(tf.abs(tf.linalg.matvec(columns - tf.nn.softmax(outputs), places)))


def load(config, seed, labels_only, graph):
    """64 rows over the graph, and images whose grey is the label B."""
    graph = graph or CausalGraph.from_text(config.graph)
    rows = np.random.default_rng(seed).integers(0, 2, (64, 2)).astype(np.uint8)
    images = np.broadcast_to(100 * rows[:, 1, None, None, None], (64, 16, 16, 3)).astype(np.uint8)
    return Dataset(graph=graph, label_rows=rows, train=None if labels_only else ImageSet(images, rows))


def build_least_squares(config, graph, sampler, kinds):
    generator, averaged = (builders.gan_generator(config, graph) for _ in range(2))
    players = {"generator": generator, "discriminator": dcgan.trunk(1, 16, width=4, kernel=4)}
    learner = LeastSquares(players, averaged, sampler, config.seed, kinds)
    learner.compile(config.image)
    return learner


class Moments(Learner):
    """CausalController whose labels have the rows' means."""

    def __init__(self, config, graph, rows):
        super().__init__()
        self.mechanisms = self.averaged = build_mechanisms(config, graph)
        self.players = {"generator": self.mechanisms}
        self.optimizers = {"generator": keras.optimizers.SGD(0.1)}
        self.optimizers["generator"].build([self.mechanisms.vector])
        self.means = encoded(graph, rows).mean(0).astype(np.float32)

    @property
    def step(self):
        return self.optimizers["generator"].iterations

    def calls(self, last, rows):
        return tf.data.Dataset.range(int(self.step.numpy()), last), None

    def train_call(self, iterator):
        noise = tf.random.stateless_uniform([self.mechanisms.noise_rows, 64], [next(iterator), 0], -1.0, 1.0)
        with tf.GradientTape() as tape:
            means = tf.reduce_mean(self.mechanisms.soft_labels(noise), 1)
            loss = tf.reduce_sum((means - self.means) ** 2)
        gradient = tape.gradient(loss, self.mechanisms.vector)
        self.apply([gradient], self.optimizers["generator"], [self.mechanisms.vector])
        return {"loss": loss}


@pytest.fixture
def registered(monkeypatch):
    """The toys' entries; this is all that is said of them."""
    monkeypatch.setitem(variables.TYPES, "ordinal", Ordinal)
    monkeypatch.setitem(codecs.CODECS, Ordinal, OrdinalCodec)
    monkeypatch.setitem(SOURCES, "toy", Source(load, queries=("P(B=1|do(B=0))", "P(C=1)")))
    monkeypatch.setitem(OBJECTIVES, "moments", Objective("moments", Moments))
    toy = ImageModel("Toy", "", builders.gan_generator, build_least_squares)
    monkeypatch.setitem(IMAGE_MODELS, "least_squares", toy)


@pytest.mark.long
def test_an_entry_each_is_enough_to_train_save_load_and_draw(registered, tmp_path):
    config = RunConfig(
        DataConfig(dataset="toy", graph=GRAPH, image_size=16),
        ControllerConfig("implicit", "moments", batch_size=8, steps=2),
        ImageConfig(model="least_squares", batch_size=8, steps=2, width=4, noise_size=3, steps_per_call=2),
    )
    stages.train(config, tmp_path / "run")
    model = causalgan_tf.load(tmp_path / "run")
    assert isinstance(model.graph.variables["A"], Ordinal)
    drawn = model.sample(5, do={"A": "high"}, seed=1)
    assert (drawn.labels["A"] == "high").all() and drawn.images.shape == (5, 16, 16, 3)
    assert data.load(config.data, 0).queries == ("P(B=1|do(B=0))",)
    with pytest.raises(InputError, match="--image_gan_loss=hinge is read by --image_model=causal_gan alone"):
        dataclasses.replace(config, gan=causalgan_tf.GanConfig(gan_loss="hinge"))


def test_what_is_not_registered_is_refused_by_name():
    for make in (
        lambda: DataConfig(dataset="toy"),
        lambda: ImageConfig(model="least_squares"),
        lambda: ControllerConfig(objective="moments"),
        lambda: variables.parse_variable("ordinal(a, b)"),
    ):
        with pytest.raises(InputError, match="expected"):
            make()


def test_the_queries_of_celeba_are_those_of_celebas_own_labels(tmp_path):
    text = "Male,Mustache\n" + "0,0\n1,1\n1,0\n" * 4
    for name, expected in (("mine.csv", ()), ("list_attr_celeba.csv", CELEBA_QUERIES[:2])):
        (tmp_path / name).write_text(text)
        config = DataConfig(dataset="table", graph="Male -> Mustache", labels_file=str(tmp_path / name))
        assert data.load(config, 0).queries == expected
    faces = DataConfig(graph="Male -> Wearing_Lipstick", label_rows=100)
    assert data.load(faces, 0, labels_only=True).queries == CELEBA_QUERIES[2:]
