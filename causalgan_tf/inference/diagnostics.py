"""How an answer was found: the method, what it drew, and what that is worth."""

import dataclasses

METHODS = {
    "direct": "rows drawn along the graph",
    "rejection": "rows drawn along the graph; those that meet the condition are kept",
    "exact": "ancestors of the condition drawn from their exact distribution given it, the rest along the graph",
    "particles": "weighted rows, resampled where the condition is met",
    "tables": "computed by variable elimination, nothing is drawn",
    "abduction": "the unit's noise inferred from the evidence, then predicted under do",
}


@dataclasses.dataclass(frozen=True)
class Diagnostics:
    """The method of an answer.

    Attributes:
        method: one of METHODS.
        draws: rows that were drawn, weighted or not.
        mass: the probability of the condition, 1 without one; exact or estimated, as the method is. Of a number that
            evidence holds it is a density, which may be above 1.
        effective: the number of independent rows that are worth as much as those returned.

    Examples:
        >>> Diagnostics("exact", draws=1_000, mass=2.2e-5, effective=1_000.0).text()
        'exact: 1,000 draws, P(condition) = 2.2e-05, effective size 1,000'
    """

    method: str
    draws: int
    mass: float = 1.0
    effective: float = 0.0

    def text(self) -> str:
        """One line."""
        mass = f", P(condition) = {self.mass:.2g}" if self.mass < 1.0 else ""
        return f"{self.method}: {self.draws:,} draws{mass}, effective size {self.effective:,.0f}"
