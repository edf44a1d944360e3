"""Laws: distributions that do gives a node in place of a constant."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from causalgan_tf.errors import InputError, brief, closest, shown
from causalgan_tf.graphs.variables import Variable, written

TOLERANCE = 1e-6  # by which probabilities may miss 1


@dataclasses.dataclass(frozen=True)
class Law:
    """A distribution that a node is drawn from under do, whatever its parents are.

    Make one with a probability of 1 for a binary node, a mapping from values to probabilities, or `normal` and
    `uniform` for a number.

    Attributes:
        probabilities: value to probability, sum 1; None of a number.
        shape: "normal" or "uniform" of a number; empty otherwise.
        first: the mean, or the lower end.
        second: the standard deviation, or the upper end.

    Examples:
        >>> Law.of(0.25).text(), Law.of({"never": 0.5, "now": 0.5}).text(), Law.normal(40, 10).text()
        ('0.25', '{never: 0.5, now: 0.5}', 'normal(40, 10)')
    """

    probabilities: Mapping[Any, float] | None = None
    shape: str = ""
    first: float = 0.0
    second: float = 0.0

    @classmethod
    def of(cls, probabilities: float | Mapping[Any, float]) -> "Law":
        """The law of a binary node by its probability of 1, or of a discrete node by all values' probabilities.

        Examples:
            >>> Law.of({"never": 0.25, "now": 0.75}).probabilities["now"]
            0.75
        """
        return cls(dict(probabilities) if isinstance(probabilities, Mapping) else {1: probabilities})

    @classmethod
    def normal(cls, mean: float, deviation: float) -> "Law":
        """The normal law of a number.

        Examples:
            >>> Law.normal(40, 10).text()
            'normal(40, 10)'
        """
        return cls(None, "normal", mean, deviation)

    @classmethod
    def uniform(cls, low: float, high: float) -> "Law":
        """The uniform law of a number.

        Examples:
            >>> Law.uniform(20, 30).text()
            'uniform(20, 30)'
        """
        return cls(None, "uniform", low, high)

    def text(self) -> str:
        """The law as a query's text holds it behind a tilde.

        Examples:
            >>> Law.of(0.3).text()
            '0.3'
        """
        if self.probabilities is None:
            return f"{self.shape}({_text(self.first)}, {_text(self.second)})"
        if list(self.probabilities) == [1]:
            return _text(self.probabilities[1])
        return "{" + ", ".join(f"{value}: {_text(p)}" for value, p in self.probabilities.items()) + "}"

    def checked(self, node: str, variable: Variable) -> "Law":
        """The law in terms of a node's values; InputError if the node cannot have it.

        Examples:
            >>> from causalgan_tf.graphs.variables import Binary
            >>> Law.of({0: 0.75, 1: 0.25}).checked("Ill", Binary())
            Law(probabilities={1: 0.25}, shape='', first=0.0, second=0.0)
        """
        return self._checked_number(node, variable) if variable.size is None else self._checked_values(node, variable)

    def shares(self, variable: Variable) -> np.ndarray:
        """Probabilities [size] of a discrete node's values; of a checked law.

        Examples:
            >>> from causalgan_tf.graphs.variables import Binary
            >>> Law.of(0.25).shares(Binary())
            array([0.75, 0.25])
        """
        if list(self.probabilities) == [1] and variable.size == 2 and not variable.named:
            return np.array([1.0 - self.probabilities[1], self.probabilities[1]])
        return np.array([self.probabilities.get(variable.shown(place), 0.0) for place in range(variable.size)])

    def draw(self, variable: Variable, uniform: np.ndarray) -> np.ndarray:
        """Numbers [n] of uniform ones [n]; of a checked law.

        Examples:
            >>> from causalgan_tf.graphs.variables import Binary
            >>> Law.of(0.25).draw(Binary(), np.array([0.7, 0.8]))
            array([0., 1.])
        """
        if self.probabilities is not None:
            # a small number draws a low value
            return np.searchsorted(np.cumsum(self.shares(variable))[:-1], uniform, side="right").astype(np.float64)
        if self.shape == "uniform":
            values = self.first + (self.second - self.first) * uniform
        else:
            values = self.first + self.second * special.ndtri(uniform)
        numbers = values - variable.offset
        return np.clip(numbers, variable.low, variable.high)

    def _checked_values(self, node: str, variable: Variable) -> "Law":
        what = f"do {brief(node, 60)}~{brief(self.text(), 60)}"
        if self.probabilities is None:
            raise InputError(f"{what}: the law of a number; expected probabilities of {brief(variable.expected, 120)}.")
        found: dict[Any, float] = {}
        for value, share in self.probabilities.items():
            try:
                place = variable.number(variable.read(value))
            except (TypeError, ValueError, OverflowError) as error:
                hint = closest(brief(value), variable.categories)
                raise InputError(f"{what}: {shown(value)}: expected {brief(variable.expected, 120)}.{hint}") from error
            if not _is_number(share) or not 0.0 <= share <= 1.0:
                raise InputError(f"{what}: expected probabilities from 0 to 1, got {shown(share)}.")
            found[variable.shown(place)] = float(share)
        if variable.size == 2 and not variable.named and list(found) == [1]:
            return Law(found)
        if abs(sum(found.values()) - 1.0) > TOLERANCE:
            raise InputError(f"{what}: expected probabilities with sum 1, got {sum(found.values()):g}.")
        # a binary node's law has one spelling
        return Law({1: found.get(1, 0.0)}) if variable.size == 2 and not variable.named else Law(found)

    def _checked_number(self, node: str, variable: Variable) -> "Law":
        what = f"do {brief(node, 60)}~{brief(self.text(), 60)}"
        if self.probabilities is not None:
            raise InputError(f"{what}: {brief(node, 60)} is a number; expected normal(mean, sd) or uniform(low, high).")
        if not all(_is_number(end) and math.isfinite(end) for end in (self.first, self.second)):
            raise InputError(f"{what}: expected two finite numbers.")
        if self.shape == "normal" and self.second <= 0.0:
            raise InputError(f"{what}: expected a standard deviation above 0.")
        if self.shape == "uniform":
            low, high = variable.shown(variable.low), variable.shown(variable.high)
            if not self.first < self.second or self.first < low or self.second > high:
                raise InputError(f"{what}: expected two numbers, the lower one first, of {variable.expected}.")
        return Law(None, self.shape, float(self.first), float(self.second))


def _text(number: Any) -> str:
    return written(float(number)) if _is_number(number) else shown(number)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
