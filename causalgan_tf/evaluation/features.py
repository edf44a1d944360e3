"""Features of images, by which distances between sets of images are measured: the classifier's, or Inception-v3's.

Distances are comparable only between results of the same extractor, so every result names its extractor.
"""

import hashlib
import pathlib
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.errors import InputError

SIDE = 299  # pixels of the images that Inception-v3 sees
CHUNK = 50  # images of one pass
# Keras' published weights on ImageNet, by the MD5 of the file: whether the classes' layer is in it
WEIGHTS = {
    "bcbd6486424b2319ff4ef7d526e38f63": False,  # inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5
    "9a0d58056eeedaa3f26cb7ebd46da564": True,  # inception_v3_weights_tf_dim_ordering_tf_kernels.h5
}


class FeatureExtractor(Protocol):
    """Computes features of images.

    One that sees the mean of each of three colours: 3 * 4**2 from black to a grey of 4.

    >>> from causalgan_tf.metrics.images import frechet_distance
    >>> class Colours:
    ...     name, distance = "colours", "Frechet distance of mean colours"
    ...     def features(self, images):
    ...         return images.mean(axis=(1, 2), dtype=np.float32)
    >>> extractor: FeatureExtractor = Colours()
    >>> black, grey = np.zeros([2, 8, 8, 3], np.uint8), np.full([2, 8, 8, 3], 4, np.uint8)
    >>> frechet_distance(extractor.features(black), extractor.features(grey))
    48.0

    Attributes:
        name: the extractor, as results name it.
        distance: what the Frechet distance of its features is called.
    """

    name: str
    distance: str

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, F] of images uint8 [n, S, S, C], in memory or memory-mapped, chunk by chunk."""


class Inception:
    """The 2048 features of Inception-v3's pooling layer, with Keras' weights, on images resized to 299 x 299 pixels.

    The Frechet distance of these features is the FID (arXiv:1706.08500) by Keras' weights and by bilinear resizing;
    another program's weights or resizing give other numbers.

    >>> _ = pathlib.Path("weights.h5").write_bytes(b"")
    >>> Inception("weights.h5")
    Traceback (most recent call last):
        ...
    causalgan_tf.errors.InputError: Inception weights weights.h5: the file's MD5 is d41d8cd98f00b204e9800998ecf8427e;
    expected one of those that keras.applications publishes for InceptionV3, ...
    """

    name, distance = "inception_v3", "FID"

    def __init__(self, weights: str | pathlib.Path) -> None:
        """Loads the network.

        Args:
            weights: one of the files of `WEIGHTS`, as keras.applications publishes them; nothing is downloaded.

        Raises:
            InputError: no such file, or another one: features of other weights would give no FID.
        """
        path = pathlib.Path(weights).expanduser()
        if not path.is_file():
            raise InputError(
                f"Inception weights {path}: there is no such file. Download it first: this program does not."
            )
        found = _md5(path)
        if found not in WEIGHTS:
            raise InputError(
                f"Inception weights {path}: the file's MD5 is {found}; expected one of those that keras.applications "
                f"publishes for InceptionV3, {' or '.join(WEIGHTS)}. By other weights the distance would be no FID."
            )
        # the file with the classes' layer does not fit a network without it
        whole = WEIGHTS[found]
        network = keras.applications.InceptionV3(include_top=whole, weights=str(path), pooling="avg")
        self.network = keras.Model(network.input, network.get_layer("avg_pool").output) if whole else network
        self._compiled = tf.function(
            self._read, input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)], autograph=False
        )

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features float32 [n, 2048] of images uint8 [n, S, S, 1 or 3]."""
        features = np.empty([len(images), self.network.output_shape[-1]], np.float32)
        for start in range(0, len(images), CHUNK):
            rows = slice(start, start + CHUNK)
            part = np.asarray(images[rows])
            features[rows] = self._compiled(tf.constant(np.broadcast_to(part, [*part.shape[:3], 3])))
        return features

    def _read(self, images: tf.Tensor) -> tf.Tensor:
        resized = tf.image.resize(tf.cast(images, tf.float32), [SIDE, SIDE], antialias=True)
        return self.network(keras.applications.inception_v3.preprocess_input(resized), training=False)


def _md5(path: pathlib.Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
