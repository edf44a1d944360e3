"""Configurations: frozen dataclasses with one default, unit and reason a field."""

from causalgan_tf.config.image import BeganConfig, ImageConfig
from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig

__all__ = ["BeganConfig", "ControllerConfig", "DataConfig", "ImageConfig", "RunConfig"]
