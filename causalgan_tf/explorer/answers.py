"""Answers of a model as plain values that the page shows."""

import base64
import dataclasses
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import causalgan_tf
from causalgan_tf.explorer.laws import Laws, settled
from causalgan_tf.explorer.picture import graph_shapes
from causalgan_tf.explorer.request import MOST, Request
from causalgan_tf.explorer.snippets import snippets
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.inference.diagnostics import METHODS
from causalgan_tf.inference.samples import Samples

VALUES = 24  # of a label in the strip at most


class Explorer:
    """What the page knows of a model and asks of it.

    The model is a CausalModel, or a ServedModel, whose laws are of drawn rows.

    Examples:
        `model` was fitted to a data frame, see `fit_labels`.

        >>> explorer = Explorer(model, {"workdir": "runs/people"})
        >>> answer = explorer.answer({"do": {"Smokes": 1}, "n": 4, "seed": 7})
        >>> answer["query"], len(answer["samples"]["labels"]), answer["samples"]["images"]
        ('do(Smokes=1)', 4, None)
    """

    def __init__(self, model: Any, origin: Mapping[str, str]) -> None:
        """Takes a model and where it is from, see `snippets`."""
        self.model, self.graph, self.origin = model, model.graph, origin
        self.laws = Laws(model)

    def description(self) -> dict[str, Any]:
        """What does not change: labels with their types and ranges, the graph, the size of images."""
        return {
            "version": causalgan_tf.__version__,
            "origin": next(iter(self.origin.values())),
            "image_size": self.model.image_size,
            "most": MOST,
            "labels": [self._label(node, variable) for node, variable in self.graph.variables.items()],
            "graph": graph_shapes(self.graph),
            "warnings": list(getattr(self.model, "warnings", ())),
        }

    def answer(self, body: Any) -> dict[str, Any]:
        """What the model says to a state of the page, see `Request.of`.

        Returns:
            "query" as text; "laws" by label, whether they are "exact", and "settled", the numbers that do sets;
            "samples" and "twins" (the same units without do; None without one) as `rows` writes them; "strip", one
            unit under each value of a label; "how" the rows were found; "code" to copy.

        Raises:
            InputError: the request is malformed, or its condition cannot be met.
        """
        asked = Request.of(self.graph, body)
        samples = self.model.sample(asked.n, asked.do, asked.given, asked.seed)
        laws, exact = self.laws.of(asked.do, asked.given, asked.query.text())
        return {
            "query": asked.query.text(),
            "laws": laws,
            "exact": exact,
            "settled": settled(self.graph, asked.query.do),
            "samples": rows(samples),
            "twins": rows(self.model.twins(samples, {})) if asked.do else None,
            "strip": self._strip(samples, asked),
            "how": METHODS[samples.diagnostics.method],
            "mass": samples.diagnostics.mass,
            "code": snippets(self.graph, asked, self.origin, samples.seeds, samples.images is not None),
        }

    def _label(self, node: str, variable: Variable) -> dict[str, Any]:
        plain = {"name": node, "kind": type(variable).__name__.lower(), "parents": list(self.graph.parents[node])}
        if variable.size is None:
            return plain | dataclasses.asdict(self.laws.scales[node]) | {"bounded": variable.bounded}
        return plain | {"values": [variable.shown(place) for place in range(variable.size)]}

    def _strip(self, samples: Samples, asked: Request) -> dict[str, Any] | None:
        """One unit under each value of a label, the rest of do kept."""
        if asked.label is None:
            return None
        variable = self.graph.variables[asked.label]
        values = self.laws.scales[asked.label].values if variable.size is None else range(variable.size)
        shown = [value if variable.size is None else variable.shown(value) for value in values][:VALUES]
        one = _only(samples, asked.unit)
        twins = [rows(self.model.twins(one, {**asked.do, asked.label: value})) for value in shown]
        return {"label": asked.label, "values": shown, "own": rows(one), "rows": twins}


def rows(samples: Samples) -> dict[str, Any]:
    """Rows as plain values: labels, images as data URLs, seeds as texts (they pass 2^53), and which are supported."""
    drawn = samples.images
    return {
        "labels": [list(row) for row in zip(*(_plain(samples.labels[node]) for node in samples.labels), strict=True)],
        "images": None if drawn is None else [data_url(image) for image in drawn],
        "seeds": [str(seed) for seed in samples.seeds],
        "supported": None if samples.supported is None else samples.supported.tolist(),
        "support": samples.support_in_words(),
    }


def data_url(image: np.ndarray) -> str:
    """An image uint8 [S, S, 1 or 3] as a PNG in a data URL.

    >>> data_url(np.zeros([2, 2, 1], np.uint8))[:22]
    'data:image/png;base64,'
    """
    file = io.BytesIO()
    Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(file, "png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _only(samples: Samples, place: int) -> Samples:
    """One row of samples, as samples."""
    row = slice(place, place + 1)
    return dataclasses.replace(
        samples,
        labels=samples.labels.iloc[row],
        images=None if samples.images is None else samples.images[row],
        seeds=samples.seeds[row],
        supported=None if samples.supported is None else samples.supported[row],
    )


def _plain(column: pd.Series) -> list[Any]:
    """A column as JSON's values; a number as short as float32 needs it."""
    if column.dtype == np.float32:
        return [float(f"{value:.7g}") for value in column]
    return column.tolist()
