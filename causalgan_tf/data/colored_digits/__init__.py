"""Colored Digits: handwritten digits, each seen in two of ten colours alone, for do() on pairs that no image shows.

The support is the diagonal one of CoInD (ICLR 2025, github.com/sachit3022/compositional-generation): digit d has the
colours d and d + 1, modulo 10.
Pictures of all pairs can be rendered, and the colour can be measured on a picture.
"""

from causalgan_tf.data.colored_digits.loading import LABELS, law, load_colored_digits
from causalgan_tf.data.colored_digits.renderer import PALETTE, nearest_colour, render

__all__ = ["LABELS", "PALETTE", "law", "load_colored_digits", "nearest_colour", "render"]
