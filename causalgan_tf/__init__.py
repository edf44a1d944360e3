"""Causal implicit generative models: labels and images under observation, condition and intervention.

The method is CausalGAN (Kocaoglu, Snyder, Dimakis, Vishwanath, ICLR 2018, arXiv:1709.02023). TensorFlow is imported
with the first name that needs it.
"""

import importlib
import warnings
from typing import Any

__version__ = "0.3.0"

_HOMES = {
    "BeganConfig": "config.run",
    "CausalGraph": "graphs.graph",
    "CausalModel": "inference.causal_model",
    "ConditioningError": "errors",
    "ControllerConfig": "config.run",
    "DataConfig": "config.run",
    "Formula": "inference.formula",
    "GanConfig": "config.run",
    "ImageConfig": "config.run",
    "Gallery": "reporting.gallery",
    "GraphFit": "graphs.fit_result",
    "InputError": "errors",
    "LabelDistribution": "inference.distribution",
    "LabelLimits": "inference.limits",
    "Law": "inference.law",
    "Query": "inference.query",
    "Run": "runs.run_folder",
    "RunConfig": "config.run",
    "Samples": "inference.samples",
    "ServedModel": "inference.served_model",
    "draw_graph": "graphs.drawing",
    "evaluate": "reporting.run_evaluation",
    "evaluate_run": "reporting.run_evaluation",
    "fit_encoder": "training.encoding",
    "fit_labels": "training.fitting",
    "export_model": "inference.export",
    "graph_fit": "data.graph_fit",
    "load": "runs.run_folder",
    "load_graph": "graphs.loading",
    "read_graph": "graphs.formats",
    "refitted": "training.refitting",
    "save_drawing": "graphs.drawing",
    "train": "training.stages",
    "write_graph": "graphs.formats",
}

__all__ = sorted(_HOMES)

_FORMER = {"LabelLaw": "LabelDistribution"}  # names of version 0.3


def __getattr__(name: str) -> Any:
    if name in _FORMER:
        warnings.warn(f"causalgan_tf.{name} is now causalgan_tf.{_FORMER[name]}.", DeprecationWarning, stacklevel=2)
        name = _FORMER[name]
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
