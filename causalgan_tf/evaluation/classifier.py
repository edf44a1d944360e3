"""A classifier of images: a network that says their labels and has only ever seen real or rendered images.

The labeler that trained the generator cannot judge it; this network is trained apart, on uniform label cells where a
renderer exists, so that it cannot infer one label from others that usually come with it.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.special import softmax
from tqdm import tqdm

from causalgan_tf.data.dataset import ImageSet
from causalgan_tf.data.pipeline import batches
from causalgan_tf.graphs.variables import Variable, from_json, to_json
from causalgan_tf.networks.codecs import Codec, codec_of
from causalgan_tf.networks.label_codec import LabelCodec

STEPS = 800  # optimizer steps
BATCH = 128  # images a step
FEATURES = 64  # width of the feature layer
CHUNK = 500  # images of one inference pass
CALL = 25  # steps of one compiled call


@dataclasses.dataclass(frozen=True)
class Reading:
    """Predictions and features of n images.

    >>> from causalgan_tf.graphs.variables import Binary
    >>> network = classifier_network((16, 16, 3), columns=2, seed=0)
    >>> images = np.random.default_rng(0).integers(0, 256, [5, 16, 16, 3], np.uint8)
    >>> reading = EvaluationClassifier(network, {"Old": Binary(), "Ill": Binary()}).examine(images)
    >>> reading.labels.shape, reading.features.shape
    ((5, 2), (5, 64))
    >>> bool((reading.labels == (reading.outputs > 0)).all())  # 1 where the logit is above 0
    True

    Attributes:
        labels: [n, K], predicted labels in graph order, one number each; uint8 if all are discrete, else float32.
        features: float32 [n, F], activations of the feature layer.
        outputs: float32 [n, C], a logit of a binary label or of each category, a continuous label's value.
    """

    labels: np.ndarray
    features: np.ndarray
    outputs: np.ndarray


class EvaluationClassifier:
    """A trained network of K labels and its feature layer; a FeatureExtractor, see `features`.

    >>> from causalgan_tf.graphs.variables import Binary
    >>> labels = np.array([[0], [1]] * 8, np.uint8)
    >>> images = np.tile(255 * labels[:, :, None, None], [1, 16, 16, 1])  # black is 0, white is 1
    >>> classifier = train_classifier(ImageSet(images, labels), {"White": Binary()}, seed=0, steps=25)
    >>> classifier.predict(images[:4]).tolist()
    [[0], [1], [0], [1]]
    >>> (classifier.probabilities(images[:2])["White"] > 0.9).tolist()
    [[True, False], [False, True]]
    """

    name, distance = "judge", "cFID"

    def __init__(
        self, network: keras.Model, variables: Mapping[str, Variable], training: Mapping[str, Any] | None = None
    ) -> None:
        """Wraps a network.

        Args:
            network: of `classifier_network`, see `train_classifier` and `load`.
            variables: node to type.
            training: what a report says of how it was trained, see judge.train_judge; None: by all rows alike.
        """
        self.network, self.nodes, self.training = network, tuple(variables), training
        self.codec = LabelCodec(variables.values())
        self.dtype = np.uint8 if all(variable.size for variable in self.codec.variables) else np.float32
        # images of every number in one trace
        signature = [tf.TensorSpec([None, *network.input_shape[1:]], tf.uint8)]
        self._compiled = tf.function(self._read, input_signature=signature, autograph=False)

    def examine(self, images: np.ndarray) -> Reading:
        """Labels and features of images uint8 [n, S, S, C], in one pass."""
        labels = np.empty([len(images), len(self.nodes)], self.dtype)
        features = np.empty([len(images), FEATURES], np.float32)
        outputs = np.empty([len(images), self.codec.columns], np.float32)
        for start in range(0, len(images), CHUNK):
            rows = slice(start, start + CHUNK)
            labels[rows], features[rows], outputs[rows] = self._compiled(tf.constant(images[rows]))
        return Reading(labels, features, outputs)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Labels [n, K] that the classifier sees in images uint8 [n, S, S, C]."""
        return self.examine(images).labels

    def probabilities(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Of each discrete label the probability of each of its values in images uint8 [n, S, S, C]: float64 [n, V]."""
        outputs = self.examine(images).outputs.astype(np.float64)
        return {node: softmax(value_logits(outputs[:, own]), axis=1) for node, own in self.columns.items()}

    @property
    def columns(self) -> dict[str, slice]:
        """Which outputs are of each discrete label."""
        widths = [codec_of(variable).width for variable in self.codec.variables]
        ends = np.cumsum(widths).tolist()
        places = zip(self.nodes, self.codec.variables, widths, ends, strict=True)
        return {node: slice(end - width, end) for node, variable, width, end in places if variable.size}

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, F] of images uint8 [n, S, S, C], for distances and neighbours."""
        return self.examine(images).features

    def save(self, path: pathlib.Path) -> None:
        """Writes names, kinds, shape and weights to `path`, an .npz file."""
        weights = {f"weight_{place}": weight for place, weight in enumerate(self.network.get_weights())}
        kinds = json.dumps(to_json(dict(zip(self.nodes, self.codec.variables, strict=True))))
        shape, training = self.network.input_shape[1:], json.dumps(self.training)
        np.savez(path, shape=shape, kinds=kinds, training=training, **weights)

    @classmethod
    def load(cls, path: pathlib.Path) -> "EvaluationClassifier":
        """The classifier that `save` wrote to `path`."""
        with np.load(path) as saved:
            shape, variables = saved["shape"].tolist(), from_json(json.loads(str(saved["kinds"])))
            training = json.loads(str(saved["training"])) if "training" in saved else None
            weights = [saved[f"weight_{place}"] for place in range(sum(name.startswith("weight_") for name in saved))]
        network = classifier_network(shape, LabelCodec(variables.values()).columns, seed=0)
        network.set_weights(weights)
        return cls(network, variables, training)

    def _read(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        logits, features = self.network(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)
        return tf.cast(self.codec.read(logits), self.dtype), features, logits


def value_logits(outputs: np.ndarray) -> np.ndarray:
    """A logit of each value [n, V] of a discrete label's outputs [n, W]: a binary one has one, and value 0 the logit 0.

    >>> value_logits(np.array([[1.5], [-2.0]])).tolist()
    [[0.0, 1.5], [0.0, -2.0]]
    """
    return np.concatenate([np.zeros_like(outputs), outputs], axis=1) if outputs.shape[1] == 1 else outputs


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
    train: ImageSet,
    variables: Mapping[str, Variable],
    seed: int,
    steps: int = STEPS,
    weights: np.ndarray | None = None,
) -> EvaluationClassifier:
    """Trains a classifier by Adam on each label's own loss, the learning rate falling along a cosine to zero.

    The weights are a function of the arguments: initial weights, dropout and order of the images have seeds of their
    own, and nothing global is seeded.

    Args:
        train: real or rendered images and their labels.
        variables: node to type, in the order of the columns; the losses are those of LabelCodec.cross_entropy.
        seed: of the initial weights, the dropout and the order of the images.
        steps: optimizer steps of `BATCH` images: the cost does not grow with the data.
        weights: float [n, K], what each row's loss counts of each label, see balance.label_weights; None: all alike.

    Returns:
        The classifier.
    """
    codec = LabelCodec(variables.values())
    network = classifier_network(train.images.shape[1:], codec.columns, seed)
    # without the features, which have no loss; the weights are shared
    learner = keras.Model(network.inputs, network.outputs[0])
    learner.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        codec.cross_entropy if weights is None else weighted_cross_entropy(codec),
        steps_per_execution=CALL,
        jit_compile=False,  # XLA's convolutions are several times slower on a CPU
    )
    chances = None
    if weights is not None:
        # rows that count much are drawn often and count less then: the expected loss is the same, its spread smaller
        chances = weights.mean(axis=1)
        shares = weights / np.maximum(chances, 1e-12)[:, None]
        train = ImageSet(train.images, np.concatenate([train.labels, shares], axis=1).astype(np.float32))
    calls = -(-steps // CALL)
    with tqdm(total=calls, desc="judge", leave=False, disable=None) as bar:
        learner.fit(
            batches(train, min(BATCH, len(train)), seed, weights=chances),
            steps_per_epoch=CALL,
            epochs=calls,
            shuffle=False,  # the batches come in their own order
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: bar.update())],
        )
    return EvaluationClassifier(network, variables)


def weighted_cross_entropy(codec: LabelCodec) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """LabelCodec.cross_entropy with a weight for each row's each label: (truth, outputs [B, C]) -> mean.

    `truth` is [B, 2 K]: the labels, then their weights.
    """
    own = [codec_of(variable) for variable in codec.variables]
    widths = [one.width for one in own]

    def loss(truth: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        labels, weights = tf.split(truth, 2, axis=1)
        columns = tf.split(codec.columns_of(labels), widths, 1)
        each = [_row_losses(*parts) for parts in zip(own, columns, tf.split(outputs, widths, 1), strict=True)]
        return tf.reduce_mean(weights * tf.stack(each, axis=1))

    return loss


def _row_losses(codec: Codec, columns: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """A codec's loss of each row [B], which the codec itself gives as a mean."""
    return tf.vectorized_map(lambda row: codec.cross_entropy(row[0][None], row[1][None]), (columns, outputs))
