"""The law of each label with and without a query, the bars of the page: exact where it can be, else of drawn rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.errors import TooLargeError
from causalgan_tf.explorer.histograms import Scale, histogram
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.inference.served_model import ServedModel

DRAWN, SEED = 2_000, 1  # rows of a law that is not exact, and their seed
DRAWN_SERVED = 500  # of a served model: each candidate of a condition travels
MOST_EXACT = 60  # labels of a graph whose laws are computed one by one


def exact_laws(model: Any, do: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, list[float]] | None:
    """The probabilities of each label's values by elimination; None where they are not exact or take too long."""
    stated = getattr(model, "states_probabilities", False) and model.graph.sizes is not None
    if not stated or len(model.graph) > MOST_EXACT:
        return None
    try:
        return {node: model.distribution(node, do, given).tolist() for node in model.graph.nodes}
    except TooLargeError:
        return None


def shares(variable: Variable, column: pd.Series) -> list[float]:
    """The share of each value of a discrete label among drawn rows."""
    codes = column.cat.codes if variable.named else column
    return (np.bincount(codes.to_numpy(np.int64), minlength=variable.size) / len(column)).tolist()


class Laws:
    """The laws of a model's labels, kept for the queries that were asked last.

    Attributes:
        drawn: rows of a law that is not exact.
        scales: of the sliders of each number.

    >>> laws = Laws(model)
    >>> found, exact = laws.of({"Old": 1}, {}, "do(Old=1)")
    >>> exact, found["Old"]["after"]
    (True, [0.0, 1.0])
    """

    KEPT = 64

    def __init__(self, model: Any) -> None:
        """Draws the rows without a query, unless all is exact."""
        self.model, self.graph = model, model.graph
        self.drawn = DRAWN_SERVED if isinstance(model, ServedModel) else DRAWN
        self._kept: dict[str, Any] = {}
        self._before = self._found({}, {})
        self.scales = {
            node: Scale.of(variable, self._before[node].to_numpy())
            for node, variable in self.graph.variables.items()
            if variable.size is None
        }

    def of(self, do: Mapping[str, Any], given: Mapping[str, Any], text: str) -> tuple[dict[str, Any], bool]:
        """The law of each label, and whether they are exact.

        Args:
            do: interventions, as in `CausalModel.sample`.
            given: conditions.
            text: the query as text, by which its laws are kept.

        Returns:
            Of a discrete label the probabilities "before" and "after" the query, values in their order; of a number
            shares of bins, see `histogram`.

        Raises:
            InputError: the condition cannot be met.
        """
        if text not in self._kept:
            if len(self._kept) >= self.KEPT:
                self._kept.clear()
            after = self._found(do, given) if text else self._before
            self._kept[text] = {node: self._law(node, after) for node in self.graph.nodes}, isinstance(after, dict)
        return self._kept[text]

    def _found(self, do: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, list[float]] | pd.DataFrame:
        exact = exact_laws(self.model, do, given)
        return self.model.sample(self.drawn, do, given, SEED, images=False).labels if exact is None else exact

    def _law(self, node: str, after: dict[str, list[float]] | pd.DataFrame) -> dict[str, Any]:
        variable = self.graph.variables[node]
        if variable.size is None:
            return histogram(self.scales[node], self._before[node], after[node])
        parts = {"before": self._before[node], "after": after[node]}
        return {name: part if isinstance(part, list) else shares(variable, part) for name, part in parts.items()}


def settled(graph: CausalGraph, do: Mapping[str, float]) -> dict[str, float]:
    """The values of the numbers that do sets, in the labels' own units: their laws are a point."""
    return {
        node: variable.shown(do[node]) for node, variable in graph.variables.items() if node in do and not variable.size
    }
