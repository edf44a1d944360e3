"""Numbers on the page: the range of their sliders, and histograms of drawn rows."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.graphs.variables import Continuous

BINS = 32
TAILS = (0.005, 0.995)  # quantiles between which the sliders of an unbounded number go


@dataclasses.dataclass(frozen=True)
class Scale:
    """The range of the sliders of a number, in the label's own unit.

    >>> Scale.of(Continuous(0, 100), np.array([1.0, 2.0]))
    Scale(low=0.0, high=100.0, step=1.0)
    """

    low: float
    high: float
    step: float

    @classmethod
    def of(cls, variable: Continuous, values: np.ndarray) -> "Scale":
        """The range of a number that was drawn: its bounds, else where nearly all of `values` [n] lie."""
        if variable.bounded:
            low, high = variable.shown(variable.low), variable.shown(variable.high)
            return cls(low, high, _step(high - low))
        low, high = (float(end) for end in np.quantile(values.astype(np.float64), TAILS))
        step = _step(high - low if high > low else 1.0)
        # a number that hardly varies still needs a range
        low, high = math.floor(low / step) * step, max(math.ceil(high / step), math.floor(low / step) + 100) * step
        return cls(low, high, step)

    @property
    def values(self) -> list[float]:
        """Seven numbers from the lowest to the highest, but for the ends in whole steps."""
        between = [self.low + self.step * round(k * (self.high - self.low) / self.step / 6) for k in range(1, 6)]
        return [float(f"{value:.10g}") for value in (self.low, *between, self.high)]


def histogram(scale: Scale, before: pd.Series, after: pd.Series) -> dict[str, Any]:
    """Shares of a number in BINS bins without and with a query, and its means; the longest tails are cut off."""
    columns = {"before": before.to_numpy(np.float64), "after": after.to_numpy(np.float64)}
    # a query may move the number away from where the sliders are
    least, most = np.quantile(columns["after"], TAILS)
    low, high = min(scale.low, float(least)), max(scale.high, float(most))
    found: dict[str, Any] = {"low": low, "high": high}
    for name, values in columns.items():
        counts = np.histogram(values, BINS, (low, high))[0]
        found |= {name: (counts / len(values)).tolist(), f"mean_{name}": float(values.mean())}
    return found


def _step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, of which 100 to 250 cover the span."""
    power = 10.0 ** math.floor(math.log10(span / 100))
    # just below a power of ten the logarithm may round up, and no part is small enough
    return next((power * part for part in (5, 2) if power * part <= span / 100), power)
