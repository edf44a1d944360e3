"""Answers of a model as plain values that the page shows."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import causalgan_tf
from causalgan_tf.explorer.laws import Laws, settled
from causalgan_tf.explorer.picture import graph_shapes
from causalgan_tf.explorer.request import MOST, Request
from causalgan_tf.explorer.rows import one_row, rows
from causalgan_tf.explorer.snippets import notes, snippets
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
            "drawn": self.laws.drawn,
            "labels": [self._label(node, variable) for node, variable in self.graph.variables.items()],
            "graph": graph_shapes(self.graph),
            "warnings": list(getattr(self.model, "warnings", ())),
        }

    def answer(self, body: Any) -> dict[str, Any]:
        """What the model says to a state of the page, see `Request.of`.

        Returns:
            "query" as text; "laws" by label, whether they are "exact", and "settled", the numbers that do sets;
            "samples" and "twins" (the same units without do; None without one) as `rows` writes them; "strip", one
            unit under each value of a label; "how" the rows were found; "code" to copy and "notes" on it.

        Raises:
            InputError: the request is malformed, or its condition cannot be met.
        """
        asked = Request.of(self.graph, body)
        samples = self.model.sample(asked.n, asked.do, asked.given, asked.seed)
        images, null = samples.images is not None, getattr(self.model, "null", math.nan)
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
            "code": snippets(self.graph, asked, self.origin, samples.seeds, images, null),
            "notes": notes(asked, self.origin, images),
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
        one = one_row(samples, asked.unit)
        twins = [rows(self.model.twins(one, {**asked.do, asked.label: value})) for value in shown]
        return {"label": asked.label, "values": shown, "own": rows(one), "rows": twins}
