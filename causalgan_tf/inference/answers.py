"""Answers with how sure they are: probabilities, means, effects, and probabilities of causation."""

import dataclasses
import math

import pandas as pd
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
    reach = stats.norm.ppf(0.5 + LEVEL / 2) * error
    return Estimate(query, value, error, diagnostics, (value - reach, value + reach))


@dataclasses.dataclass(frozen=True, repr=False)
class Effect:
    """What an outcome does when a cause is set to one value or another.

    Attributes:
        outcome: the node or event, as text.
        cause: the node that is set.
        table: a row a value of the cause: value, answer, standard_error.
        difference: of the last value's answer to the first one's.
        refitted: the differences in models refitted on resampled rows; empty: not asked for.
        interval: the two ends of a 95 % interval of the difference: of the refitted models if there are any, else of
            the draws alone.

    Examples:
        >>> model.effect("Smokes=1", "Old").difference.value < 0.0  # age keeps from smoking
        True
    """

    outcome: str
    cause: str
    table: pd.DataFrame
    difference: Estimate
    refitted: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The difference."""
        return self.difference.value

    @property
    def standard_error(self) -> float:
        """Of the draws, or, where models were refitted, the standard deviation of their differences."""
        return float(pd.Series(self.refitted).std()) if self.refitted else self.difference.standard_error

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % interval."""
        if not self.refitted:
            return self.difference.interval
        # refitted models scatter round the fitted one as that one does round the truth
        reach = stats.t.ppf(0.5 + LEVEL / 2, max(len(self.refitted) - 1, 1)) * self.standard_error
        return self.value - reach, self.value + reach

    def __repr__(self) -> str:
        low, high = self.interval
        what = f"{len(self.refitted)} refitted models" if self.refitted else "draws of one model"
        return (
            f"effect of {self.cause} on {self.outcome}: {self.value:.6g}, 95 % interval {low:.4g} to {high:.4g} "
            f"({what}, {self.difference.method})\n{self.table.to_string(index=False)}"
        )


@dataclasses.dataclass(frozen=True, repr=False)
class Causation:
    """Probabilities of causation of a binary event by a binary cause (Pearl 2009, chapter 9).

    Graph and data bound these numbers; a single one is the fitted mechanisms'.

    Attributes:
        cause: the node.
        event: the outcome, as text.
        necessity: PN, P(no event had the cause been 0 | cause = 1, event).
        sufficiency: PS, P(event had the cause been 1 | cause = 0, no event).
        both: PNS, P(event if the cause is 1, no event if it is 0).
        bounds: of each by name ("PN", "PS", "PNS") what do and observation leave open (Tian and Pearl, 2000).

    Examples:
        >>> found = model.causation("Old", "Smokes=0", draws=10_000)
        >>> found.event, sorted(found.bounds)
        ('Smokes=0', ['PN', 'PNS', 'PS'])
    """

    cause: str
    event: str
    necessity: Estimate
    sufficiency: Estimate
    both: Estimate
    bounds: dict[str, tuple[float, float]]

    def __repr__(self) -> str:
        lines = [f"{self.cause} as a cause of {self.event}:"]
        for name, answer in (("PN", self.necessity), ("PS", self.sufficiency), ("PNS", self.both)):
            low, high = self.bounds[name]
            error = f", standard error {answer.standard_error:.2g}" if answer.standard_error else ""
            lines.append(f"{name} = {answer.value:.4f}{error}; any model of these do's lies in {low:.4f} to {high:.4f}")
        lines.append("What happens to one unit is the fitted model's; graph and data determine the bounds alone.")
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True, repr=False)
class Mediation:
    """An effect in two parts: through mediators and past them (Pearl, 2001).

    Attributes:
        outcome: the node or event, as text.
        cause: the node that is set.
        mediators: the nodes that carry the indirect part.
        total: the whole effect.
        direct: natural direct effect, the mediators as under the first value.
        indirect: natural indirect effect, the cause at its first value and the mediators as under the second.

    Examples:
        >>> found = model.mediation("Smokes", "Old", draws=10_000)
        >>> found.mediators, found.total.value == found.direct.value  # there is nothing between them
        ((), True)
    """

    outcome: str
    cause: str
    mediators: tuple[str, ...]
    total: Estimate
    direct: Estimate
    indirect: Estimate

    def __repr__(self) -> str:
        through = ", ".join(self.mediators) or "nothing"
        lines = [f"effect of {self.cause} on {self.outcome} through {through}:"]
        for name in ("total", "direct", "indirect"):
            answer = getattr(self, name)
            lines.append(f"{name} {answer.value:.4f}, standard error {answer.standard_error:.2g}")
        return "\n".join(lines)
