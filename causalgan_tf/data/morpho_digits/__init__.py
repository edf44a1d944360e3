"""Morpho Digits: real handwritten digits in strokes whose thickness, slant and intensity follow a known causal model.

The pictures under every intervention can be rendered, and thickness, slant and intensity can be measured on a picture.
"""

from causalgan_tf.data.morpho_digits.loading import load_morpho_digits
from causalgan_tf.data.morpho_digits.measures import MEASURES
from causalgan_tf.data.morpho_digits.renderer import render
from causalgan_tf.data.morpho_digits.scm import LABELS, sample

__all__ = ["LABELS", "MEASURES", "load_morpho_digits", "render", "sample"]
