"""Causal Faces: drawn faces whose labels follow a known causal model, and whose do-images can be rendered.

The TFDS builder `CausalFaces` and `load_faces` load TensorFlow when they are first used; the rest needs none.
"""

import importlib
from typing import Any

from causalgan_tf.data.causal_faces.noise import Noise, sample_noise
from causalgan_tf.data.causal_faces.renderer import render
from causalgan_tf.data.causal_faces.scm import LABELS, distribution_over, law

_LAZY = {"CausalFaces": "builder", "FacesConfig": "builder", "load_faces": "loading"}

__all__ = [
    "LABELS",
    "CausalFaces",
    "FacesConfig",
    "Noise",
    "law",
    "distribution_over",
    "load_faces",
    "render",
    "sample_noise",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
