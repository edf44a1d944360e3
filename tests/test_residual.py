"""Networks of residual blocks: what a block is at the start, its groups, and what goes together."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.config import GanConfig, RunConfig
from causalgan_tf.config.data import DataConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import builders, dcgan, residual
from causalgan_tf.networks.convolution import Conv2D

generator = functools.partial(dcgan.generator, features=residual.grown)
trunk = functools.partial(dcgan.trunk, norm="none", features=residual.shrunk)


def grouped(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.groups > 1]


def test_blocks_add_nothing_at_the_start():
    network = trunk(3, 16, width=4, seed=1)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    before = network(image).numpy()
    for layer in network.layers:
        # whatever the grouped convolutions say, the last ones of the blocks are deaf to it
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3):
            layer.kernel.assign(layer.kernel * 7.0)
    np.testing.assert_array_equal(before, network(image))


@pytest.mark.parametrize(("width", "groups"), [(16, [2, 4]), (25, [2, 5]), (4, [])])
def test_groups_are_as_many_as_divide_the_channels_and_leave_sixteen_each(width, groups):
    found = [layer.groups for layer in grouped(trunk(1, 32, width=width))]
    assert found == groups
    assert sorted(layer.groups for layer in grouped(generator(2, 3, 32, width=width))) == groups


def test_a_generators_path_is_normalised_wherever_its_channels_change():
    # behind batch norm means have no effect and no gradient: around blocks they would add up without end
    network = generator(2, 3, 32, width=4)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1):
            layer.bias.assign(layer.bias + 5.0)
    grown = [layer.output for layer in network.layers if isinstance(layer, keras.layers.UpSampling2D)]
    assert len(grown) == 2
    noise, labels = np.random.default_rng(0).uniform(-1, 1, (64, 3)), np.zeros((64, 2))
    for maps in keras.Model(network.inputs, grown)([noise, labels], training=True):
        np.testing.assert_allclose(np.mean(maps, (0, 1, 2)), 0.0, atol=1e-3)
        np.testing.assert_allclose(np.std(maps, (0, 1, 2)), 1.0, atol=0.3)  # less where the variance is near 1e-3


@pytest.mark.parametrize("size", [16, 128])
def test_images_have_the_size_asked(size):
    made = generator(2, 3, size, channels=1, width=4, modulation=True)
    assert made.output_shape == (None, size, size, 1)
    assert trunk(5, size, 1, width=4, minibatch="std").output_shape == (None, 5)


def test_labels_change_the_image_at_every_block():
    dense = [
        layer for layer in generator(1, 3, 16, width=4, modulation=True).layers if isinstance(layer, keras.layers.Dense)
    ]
    assert len(dense) == 1 + 2 * 3  # the first layer, and scale and shift of two blocks and of the image


def test_the_configuration_chooses_the_blocks():
    graph = CausalGraph.from_text("A -> B")
    config = RunConfig(DataConfig(image_size=32), gan=GanConfig(blocks="residual"))
    assert grouped(builders.gan_generator(config, graph))
    assert not grouped(builders.gan_generator(RunConfig(DataConfig(image_size=32)), graph))


def test_a_label_fed_discriminator_can_have_residual_blocks():
    judged = dcgan.projection(2, image_size=16, width=16, norm="none", features=residual.shrunk)
    assert [part.shape for part in judged.inputs] == [(None, 16, 16, 3), (None, 2)] and grouped(judged)


@pytest.mark.parametrize("other", [{"discriminator_norm": "batch"}, {"minibatch": "features"}])
def test_residual_blocks_with_what_they_have_not_are_refused(other):
    shape = {"norm": other.get("discriminator_norm", "none"), "minibatch": other.get("minibatch", "none")}
    with pytest.raises(ValueError, match="expected norm none"):
        trunk(1, 16, width=4, **shape)
    with pytest.raises(InputError, match="--image_blocks=residual.*--image_minibatch=std"):
        dataclasses.replace(RunConfig(), gan=GanConfig(blocks="residual", **other))


def test_a_grouped_convolution_is_one_of_each_group_of_channels():
    layer, rng = Conv2D(4, 3, padding="same", groups=2), np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 5, 5, 6)), tf.float32)
    found = layer(x, training=True)
    for group in range(2):
        kernel, part = layer.kernel[..., 2 * group : 2 * group + 2], x[..., 3 * group : 3 * group + 3]
        alone = tf.nn.conv2d(part, kernel, 1, "SAME")
        np.testing.assert_allclose(found[..., 2 * group : 2 * group + 2], alone, atol=1e-5)


def test_no_grouped_convolution_goes_through_xla():
    network = trunk(1, 32, width=16)
    graph = tf.function(network).get_concrete_function(tf.TensorSpec([2, 32, 32, 3])).graph.as_graph_def()
    assert grouped(network)
    assert not [made.signature.name for made in graph.library.function if made.attr["_XlaMustCompile"].b]
