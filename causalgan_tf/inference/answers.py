"""Answers of several numbers: effects, probabilities of causation, mediation."""

import dataclasses

import pandas as pd
from scipy import stats

from causalgan_tf.inference.estimate import LEVEL, Estimate


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
        return float(self.value - reach), float(self.value + reach)

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
