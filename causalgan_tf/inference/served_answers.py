"""Checks of what a server answers, so that what is no row of a model never passes for one."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import from_json

ROUNDED = 1e-6  # by which a probability of float32 may pass 1
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow says of a file


def graph_of(card: Mapping[str, Any]) -> CausalGraph:
    """The graph over a card's labels, with their types; an error of several kinds if it is no card of an export."""
    for signature in ("labels", *card["signatures"]):
        for spec in card["signatures"][signature]["outputs"].values():
            if not isinstance(spec["shape"], list) or not isinstance(spec["dtype"], str):
                raise TypeError(f"the card's {signature}")
    if card["images"] and not all(isinstance(size, int) and size > 0 for size in card["images"]):
        raise TypeError("the card's images")
    types = from_json({label["name"]: label["type"] for label in card["labels"]})
    return CausalGraph({label["name"]: label["parents"] for label in card["labels"]}, types)


def card_in(texts: Sequence[bytes]) -> dict[str, Any]:
    """The only card in what `metadata` answers; ValueError if there are others.

    >>> card_in([b'{"labels": []}'])
    {'labels': []}
    """
    (text,) = texts
    return json.loads(text)


def fault(
    found: Mapping[str, np.ndarray], promised: Mapping[str, Mapping[str, Any]], graph: CausalGraph, rows: int
) -> str:
    """What of an answer is not as the card promises, in words; "" if nothing is.

    Args:
        found: the outputs.
        promised: `dtype` and `shape` of each, as the card tells them.
        graph: over the labels, with their types.
        rows: how many were asked for.

    >>> graph, promised = CausalGraph.from_text("Old"), {"labels": {"dtype": "float32", "shape": [None, 1]}}
    >>> fault({"labels": np.array([[1]])}, promised, graph, 1)
    ''
    >>> fault({"labels": np.array([[0.5]])}, promised, graph, 1)
    'labels: Old is 0.5 in row 0, expected 0 or 1'
    """
    for name, spec in promised.items():
        if name not in found:
            return f"expected {name}, got {', '.join(found) or 'nothing'}"
        value, shape = found[name], [rows, *spec["shape"][1:]]
        if len(shape) != value.ndim or any(
            own not in (None, size) for own, size in zip(shape, value.shape, strict=True)
        ):
            return f"{name}: expected the shape {shape}, got {list(value.shape)}"
        if (value.dtype == object) != (spec["dtype"] == "string") or value.dtype.kind not in "biufO":
            return f"{name}: expected {spec['dtype']}, got {value.dtype}"
        if wrong := _wrong(name, value, graph):
            return f"{name}: {wrong}"
    return ""


def pictures(files: Sequence[bytes]) -> np.ndarray:
    """The contents of PNG files [n] as uint8 [n, S, S, C]; one of UNREADABLE if a file is none, or of another size."""
    images = []
    for file in files:
        with Image.open(io.BytesIO(file)) as picture:
            image = np.asarray(picture)
        images.append(image[..., None] if image.ndim == 2 else image)
    return np.stack(images)


def _wrong(name: str, value: np.ndarray, graph: CausalGraph) -> str:
    """What is wrong with the numbers of an output."""
    if name == "labels":
        return _wrong_label(value, graph)
    if name == "image" and not ((value >= 0) & (value <= 255)).all():
        return "expected grey levels from 0 to 255"
    if name == "probability" and not (np.isnan(value) | ((value >= 0) & (value <= 1 + ROUNDED))).all():
        return f"expected a number from 0 to 1, got {value[0]}"
    return ""


def _wrong_label(rows: np.ndarray, graph: CausalGraph) -> str:
    """What is wrong with label rows [n, K]: a place beyond its label's values, a part of one, no finite number."""
    if rows.shape[1] != len(graph):
        return f"expected {len(graph)} columns, got {rows.shape[1]}"
    for k, (node, variable) in enumerate(graph.variables.items()):
        column = rows[:, k].astype(np.float64)
        good = np.isfinite(column)
        if variable.size is not None:
            good &= (column == np.floor(column)) & (column >= 0) & (column < variable.size)
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            return f"{node} is {column[row]:g} in row {row}, expected {variable.expected}"
    return ""
