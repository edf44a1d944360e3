"""A classifier of images: a network that says their labels and has only ever seen real or rendered images.

The labeler that trained the generator cannot judge it; this network is trained apart, on uniform label cells where a
renderer exists, so that it cannot infer one label from others that usually come with it.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.data.pipeline import batches
from causalgan_tf.graphs.variables import Variable, from_json, to_json
from causalgan_tf.networks.label_codec import LabelCodec

STEPS = 800  # optimizer steps
BATCH = 128  # images a step
FEATURES = 64  # width of the feature layer
CHUNK = 500  # images of one inference pass
CALL = 25  # steps of one compiled call


@dataclasses.dataclass(frozen=True)
class Reading:
    """Predictions and features of n images.

    Attributes:
        labels: [n, K], predicted labels in graph order, one number each; uint8 if all are discrete, else float32.
        features: float32 [n, F], activations of the feature layer.
    """

    labels: np.ndarray
    features: np.ndarray


class EvaluationClassifier:
    """A trained network of K labels and its feature layer; a FeatureExtractor, see `extractors`."""

    name, distance = "judge", "cFID"

    def __init__(self, network: keras.Model, variables: Mapping[str, Variable]) -> None:
        """Wraps a network of `classifier_network`, see `train_classifier` and `load`; `variables`: node to type."""
        self.network, self.nodes = network, tuple(variables)
        self.codec = LabelCodec(variables.values())
        self.dtype = np.uint8 if all(variable.size for variable in self.codec.variables) else np.float32
        # images of every number in one trace
        signature = [tf.TensorSpec([None, *network.input_shape[1:]], tf.uint8)]
        self._compiled = tf.function(self._read, input_signature=signature)

    def examine(self, images: np.ndarray) -> Reading:
        """Labels and features of images uint8 [n, S, S, C], in one pass."""
        labels = np.empty([len(images), len(self.nodes)], self.dtype)
        features = np.empty([len(images), FEATURES], np.float32)
        for start in range(0, len(images), CHUNK):
            rows = slice(start, start + CHUNK)
            labels[rows], features[rows] = self._compiled(tf.constant(images[rows]))
        return Reading(labels, features)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Labels [n, K] that the classifier sees in images uint8 [n, S, S, C]."""
        return self.examine(images).labels

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, F] of images uint8 [n, S, S, C], for distances and neighbours."""
        return self.examine(images).features

    def save(self, path: pathlib.Path) -> None:
        """Writes names, kinds, shape and weights to `path`, an .npz file."""
        weights = {f"weight_{place}": weight for place, weight in enumerate(self.network.get_weights())}
        kinds = json.dumps(to_json(dict(zip(self.nodes, self.codec.variables, strict=True))))
        np.savez(path, shape=self.network.input_shape[1:], kinds=kinds, **weights)

    @classmethod
    def load(cls, path: pathlib.Path) -> "EvaluationClassifier":
        """The classifier that `save` wrote to `path`."""
        with np.load(path) as saved:
            shape, variables = saved["shape"].tolist(), from_json(json.loads(str(saved["kinds"])))
            weights = [saved[f"weight_{place}"] for place in range(len(saved.files) - 2)]
        network = classifier_network(shape, LabelCodec(variables.values()).columns, seed=0)
        network.set_weights(weights)
        return cls(network, variables)

    def _read(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, features = self.network(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)
        return tf.cast(self.codec.read(logits), self.dtype), features


def classifier_network(shape: Sequence[int], columns: int, seed: int, width: int = 16) -> keras.Model:
    """Strided convolutions down to 4 x 4 pixels, a feature layer, one output a label column.

    Args:
        shape: (S, S, C) of the images, S a power of two, at least 16.
        columns: C, number of label columns, see LabelCodec.
        seed: of the initial weights and the dropout; Keras' global seed is neither read nor set.
        width: channels where the image has 16 x 16 pixels; half as many at twice the side, but never under 16.

    Returns:
        float32 [B, S, S, C] in [-1, 1] -> (outputs [B, C], features [B, F]).
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(32).tolist())

    def initial() -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(seed=next(seeds))

    inputs = hidden = keras.Input(shape)
    side = shape[0]
    while side > 4:
        side //= 2
        channels = max(16, width * 16 // side)
        hidden = keras.layers.Conv2D(channels, 4, 2, "same", use_bias=False, kernel_initializer=initial())(hidden)
        hidden = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(hidden))
    hidden = keras.layers.Dropout(0.3, seed=next(seeds))(keras.layers.Flatten()(hidden))
    features = keras.layers.Dense(FEATURES, "relu", kernel_initializer=initial())(hidden)
    logits = keras.layers.Dense(columns, kernel_initializer=initial())(features)
    return keras.Model(inputs, [logits, features])


def train_classifier(
    train: ImageSet, variables: Mapping[str, Variable], seed: int, steps: int = STEPS
) -> EvaluationClassifier:
    """Trains a classifier by Adam on each label's own loss, the learning rate falling along a cosine to zero.

    The weights are a function of the arguments: initial weights, dropout and order of the images have seeds of their
    own, and nothing global is seeded.

    Args:
        train: real or rendered images and their labels.
        variables: node to type, in the order of the columns; the losses are those of LabelCodec.cross_entropy.
        seed: of the initial weights, the dropout and the order of the images.
        steps: optimizer steps of `BATCH` images: the cost does not grow with the data.

    Returns:
        The classifier.
    """
    codec = LabelCodec(variables.values())
    network = classifier_network(train.images.shape[1:], codec.columns, seed)
    # without the features, which have no loss; the weights are shared
    learner = keras.Model(network.inputs, network.outputs[0])
    learner.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        codec.cross_entropy,
        steps_per_execution=CALL,
        jit_compile=False,  # XLA's convolutions are several times slower on a CPU
    )
    calls = -(-steps // CALL)
    with tqdm(total=calls, desc="judge", leave=False, disable=None) as bar:
        learner.fit(
            batches(train, min(BATCH, len(train)), seed),
            steps_per_epoch=CALL,
            epochs=calls,
            shuffle=False,  # the batches come in their own order
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: bar.update())],
        )
    return EvaluationClassifier(network, variables)
