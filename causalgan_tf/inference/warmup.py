"""Requests that TensorFlow Serving makes of a model before it answers others, so that no user waits for the first one.

The file is a TFRecord of tensorflow.serving.PredictionLog messages. They are written field by field, for their
package would replace a tensorflow-cpu by tensorflow.
"""

import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

FILE = "assets.extra/tf_serving_warmup_requests"
# numbers of fields in prediction_log.proto, predict.proto and model.proto of tensorflow_serving/apis
PREDICT_LOG, REQUEST, MODEL_SPEC, INPUTS, NAME, SIGNATURE_NAME = 6, 1, 1, 2, 1, 3
KEY, VALUE = 1, 2  # of an entry of a map


def write(folder: pathlib.Path, requests: Mapping[str, Mapping[str, np.ndarray]], name: str = "model") -> None:
    """Writes the requests of each signature into the folder of a version.

    Args:
        folder: it holds saved_model.pb; FileNotFoundError if it is gone.
        requests: inputs by signature.
        name: the model's, which servers overlook here.
    """
    path = folder / FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            writer.write(prediction_log(name, signature, inputs))


def prediction_log(name: str, signature: str, inputs: Mapping[str, np.ndarray]) -> bytes:
    """A PredictionLog of one request.

    >>> prediction_log("m", "labels", {}).hex()
    '320f0a0d0a0b0a016d1a066c6162656c73'
    """
    spec = _field(NAME, name.encode()) + _field(SIGNATURE_NAME, signature.encode())
    request = _field(MODEL_SPEC, spec)
    for key, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(INPUTS, _field(KEY, key.encode()) + _field(VALUE, tensor))
    return _field(PREDICT_LOG, _field(REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes: its number with wire type 2, its length, itself."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
