"""Configurations: frozen dataclasses with one default, unit and reason a field."""

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.data import DataConfig
from causalgan_tf.config.image import BeganConfig, GanConfig, ImageConfig
from causalgan_tf.config.run import RunConfig

__all__ = ["BeganConfig", "ControllerConfig", "DataConfig", "GanConfig", "ImageConfig", "RunConfig"]
