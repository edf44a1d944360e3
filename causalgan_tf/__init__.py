"""Causal implicit generative models: labels and images under observation, condition and intervention.

The method is CausalGAN (Kocaoglu, Snyder, Dimakis, Vishwanath, ICLR 2018, arXiv:1709.02023). TensorFlow is imported
with the first name that needs it.
"""

import importlib
from typing import Any

__version__ = "0.3.0"

_HOMES = {
    "BeganConfig": "config",
    "CausalGraph": "graph",
    "CausalModel": "causal_model",
    "ControllerConfig": "config",
    "DataConfig": "config",
    "ImageConfig": "config",
    "Gallery": "gallery",
    "InputError": "errors",
    "LabelLaw": "laws",
    "Query": "query",
    "Run": "runs",
    "RunConfig": "config",
    "Samples": "causal_model",
    "evaluate": "run_evaluation",
    "evaluate_run": "run_evaluation",
    "fit_labels": "training",
    "export_model": "export",
    "load": "runs",
    "load_graph": "graph",
    "read_graph": "graph_formats",
    "save_drawing": "drawing",
    "train": "training",
    "write_graph": "graph_formats",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
