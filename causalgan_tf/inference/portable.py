"""A model as one Keras model of Keras' own layers and operations, from rows' seeds to labels and images.

It draws what CausalModel draws: the same labels, images to two grey levels. Keras loads its file without this package,
and converters to other formats know all of its operations.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from causalgan_tf import noise
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.portable_noise import PortableNoise
from causalgan_tf.networks import columns
from causalgan_tf.networks.convolution import Conv2D, Conv2DTranspose

PLAIN = {Conv2D: keras.layers.Conv2D, Conv2DTranspose: keras.layers.Conv2DTranspose}


def portable_model(model: CausalModel) -> keras.Model:
    """The Keras model of {seed, do} to {labels, image}.

    `seed` uint32 [B, 2] holds the low and the high word of each row's seed, `do` float32 [B, K] one number a label, NaN
    where it is left alone. `labels` float32 [B, K] and, if the model draws images, `image` uint8 [B, S, S, C] are those
    of `CausalModel.sample`. Values of `do` are not checked.

    >>> import numpy as np
    >>> drawn = model.sample(3, seed=5)
    >>> seed, do = drawn.seeds.view(np.uint32).reshape(-1, 2), np.full([3, 2], np.nan, np.float32)
    >>> again = portable_model(model)({"seed": seed, "do": do})["labels"]
    >>> bool((again.numpy() == drawn.labels.to_numpy()).all())
    True
    """
    graph, images, variables = model.graph, model.images, list(model.graph.variables.values())
    seed = keras.Input([2], dtype="uint32", name="seed")
    do = keras.Input([len(graph)], name="do")
    mechanisms = model.mechanisms.functional(hard=True)
    widths = {node: mechanisms.input[0][node].shape[-1] for node in graph.nodes}
    units, uniforms = (widths, {}) if model.states_probabilities else ({}, widths)
    if images:
        uniforms = uniforms | {noise.IMAGE: images.noise_size, noise.JITTER: images.columns}
    drawn = PortableNoise(seed, units, uniforms)
    own = {node: drawn.unit(node) if units else drawn.uniform(node) for node in graph.nodes}
    found = mechanisms([own, ops.transpose(columns.encode(variables, ops.transpose(do)))])
    labels = ops.where(ops.isnan(do), ops.transpose(columns.decode(variables, ops.transpose(found))), do)
    outputs = {"labels": labels}
    if images:
        generator = keras.models.clone_model(images.generator, clone_function=_plain)
        parts = drawn.uniform(noise.IMAGE), drawn.uniform(noise.JITTER)
        outputs["image"] = images.of_noise(*parts, labels, generator)
    return keras.Model({"seed": seed, "do": do}, outputs, name="causal_model")


def _plain(layer: keras.Layer | keras.Operation) -> keras.Layer | keras.Operation:
    """A layer or operation of a generator as one of Keras' own that all converters know, in float32."""
    config = layer.get_config()
    # what training alone needs, and TensorFlow alone has
    config |= {name: value for name, value in (("dtype", "float32"), ("synchronized", False)) if name in config}
    if config.get("groups", 1) > 1:
        return _grouped(layer, config)
    if isinstance(layer, keras.layers.UpSampling2D):
        return _doubled(layer)
    found = PLAIN.get(type(layer), type(layer)).from_config(config)
    if getattr(layer, "weights", None):
        found.build(layer.input.shape)
        found.set_weights(layer.get_weights())
    return found


def _grouped(layer: keras.layers.Conv2D, config: dict[str, Any]) -> keras.Model:
    """A convolution of each group of channels: Keras' own of groups calls XLA, which converters do not know."""
    groups, name = layer.groups, config["name"]
    config |= {"groups": 1, "filters": layer.filters // groups}
    kernel, bias = (np.split(weight, groups, -1) for weight in layer.get_weights())
    image, size, parts = keras.Input(layer.input.shape[1:]), layer.input.shape[-1] // groups, []
    for k in range(groups):
        part = keras.layers.Conv2D.from_config(config | {"name": f"{name}_{k}"})
        parts.append(part(image[..., k * size : (k + 1) * size]))
        part.set_weights([kernel[k], bias[k]])
    return keras.Model(image, keras.layers.Concatenate()(parts), name=name)


def _doubled(layer: keras.layers.UpSampling2D) -> keras.Model:
    """Pixels twice in each direction, their channels joined and parted again: LiteRT knows no repetition of them."""
    image = keras.Input(layer.input.shape[1:])
    height, width, channels = image.shape[1:]
    wide = keras.layers.Reshape([height, 2 * width, channels])(keras.layers.Concatenate()([image, image]))
    rows = keras.layers.Concatenate(axis=2)([wide, wide])
    return keras.Model(image, keras.layers.Reshape([2 * height, 2 * width, channels])(rows), name=layer.name)
