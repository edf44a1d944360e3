"""The speed benchmark measures the update that it says it does."""

import argparse

import pytest

from tools.benchmarks import image_speed


@pytest.mark.parametrize("model", image_speed.SHAPES)
def test_its_configuration_is_one_of_the_model_without_extras(model):
    options = argparse.Namespace(model=model, norm="batch", updates="shared", precision="float32")
    config = image_speed.configuration(options)
    assert config.image.model == model and config.image.batch_size == image_speed.SHAPES[model]["batch_size"]
    assert (config.image.mix_single, config.image.ema, config.data.image_size) == (0.0, 0.0, 64)
    if model == "causal_gan":
        assert (config.gan.r1_weight, config.gan.modulation, config.gan.minibatch) == (0.0, False, "none")
    else:
        assert (config.began.networks, config.began.error) == ("full", "absolute")
    assert not config.image.discriminator_labels
