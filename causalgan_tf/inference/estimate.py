"""A number that answers a question, and how sure it is."""

import dataclasses
import math

from scipy import stats

from causalgan_tf.inference.diagnostics import Diagnostics

LEVEL = 0.95  # of intervals


@dataclasses.dataclass(frozen=True, repr=False)
class Estimate:
    """A number and what it rests on.

    Attributes:
        query: what was asked, as text.
        value: the answer.
        standard_error: of the draws; 0 of an exact answer. How far the model is from the world is not in it.
        diagnostics: how it was found.
        interval: the two ends of a 95 % interval of the same error.

    Examples:
        >>> Estimate("P(Ill=1)", 0.25, 0.0, Diagnostics("tables", 0), (0.25, 0.25))
        P(Ill=1) = 0.25 (exact)
        >>> float(Estimate("P(Ill=1)", 0.25, 0.01, Diagnostics("direct", 2_000), (0.23, 0.27)))
        0.25
    """

    query: str
    value: float
    standard_error: float
    diagnostics: Diagnostics
    interval: tuple[float, float]

    @property
    def method(self) -> str:
        """One of diagnostics.METHODS."""
        return self.diagnostics.method

    @property
    def draws(self) -> int:
        """Rows that were drawn."""
        return self.diagnostics.draws

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        sure = "exact" if self.method == "tables" else f"standard error {self.standard_error:.2g}, {self.method}"
        return f"{self.query} = {self.value:.6g} ({sure})"

    def to_json(self) -> dict[str, object]:
        """Plain values.

        Examples:
            >>> Estimate("P(Ill=1)", 0.25, 0.0, Diagnostics("tables", 0), (0.25, 0.25)).to_json()["value"]
            0.25
        """
        low, high = self.interval
        return {
            "query": self.query,
            "value": self.value,
            "standard_error": self.standard_error,
            "low": low,
            "high": high,
            **dataclasses.asdict(self.diagnostics),
        }


def exact(query: str, value: float) -> Estimate:
    """An answer without an error."""
    return Estimate(query, value, 0.0, Diagnostics("tables", 0), (value, value))


def counted(query: str, share: float, diagnostics: Diagnostics) -> Estimate:
    """A probability as a share of draws; its error and interval are those of a binomial (Jeffreys)."""
    n = diagnostics.effective
    hits = share * n
    smooth = (hits + 0.5) / (n + 1.0)
    low = 0.0 if hits <= 0 else float(stats.beta.ppf(0.5 - LEVEL / 2, hits + 0.5, n - hits + 0.5))
    high = 1.0 if hits >= n else float(stats.beta.ppf(0.5 + LEVEL / 2, hits + 0.5, n - hits + 0.5))
    return Estimate(query, share, math.sqrt(smooth * (1.0 - smooth) / n), diagnostics, (low, high))


def averaged(query: str, value: float, deviation: float, diagnostics: Diagnostics) -> Estimate:
    """A mean of draws of a standard deviation."""
    error = deviation / math.sqrt(diagnostics.effective)
    reach = float(stats.norm.ppf(0.5 + LEVEL / 2)) * error
    return Estimate(query, value, error, diagnostics, (value - reach, value + reach))
