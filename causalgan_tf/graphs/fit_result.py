"""What tests of a causal graph on a table found, as values that show themselves as text."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from causalgan_tf.graphs.names import listed, written

LEVEL = 0.05  # probability that a graph which fits is said to be violated anywhere
ENOUGH = 0.05  # share of random graphs that may do as well as an informative one
SHOWN = 20  # violated independences in the text
SAMPLED = {False: "discrete labels", True: "numbers"}  # tests that may see a sample of the rows


@dataclasses.dataclass(frozen=True)
class ImpliedIndependence:
    """An independence that a graph implies, "x and y are independent given the parents of y", and what a table says.

    >>> one = ImpliedIndependence("A", "B", ("C",), 1e-9, 2e-9, gain=25.0, chance=1.0, rows=1_000, method="G")
    >>> one.nats_per_row, round(one.effect, 2), one.violated
    (0.024, 0.22, True)

    Attributes:
        x: the label that is no parent of y; the missing edge is x -> y.
        y: the later label in the graph's order.
        given: the parents of y.
        p_value: of this test alone.
        adjusted: p-value after Holm's correction for all tests of the graph.
        gain: log-likelihood that the missing edge buys, nats in `rows` rows.
        chance: the gain to expect under independence, nats in `rows` rows.
        rows: how many were tested.
        method: see metrics.dependence.Dependence.
    """

    x: str
    y: str
    given: tuple[str, ...]
    p_value: float
    adjusted: float
    gain: float
    chance: float
    rows: int
    method: str

    @property
    def violated(self) -> bool:
        """Whether the table contradicts it."""
        return self.adjusted <= LEVEL

    @property
    def nats_per_row(self) -> float:
        """The gain above chance, nats a row: an estimate of the conditional mutual information, at least 0."""
        return max(0.0, self.gain - self.chance) / self.rows

    @property
    def effect(self) -> float:
        """The correlation in [0, 1] of two normal variables with this mutual information (Linfoot 1957)."""
        return math.sqrt(-math.expm1(-2 * self.nats_per_row))


@dataclasses.dataclass(frozen=True)
class RandomGraphs:
    """The same graph with its nodes permuted, tested on the same table (Eulig et al. 2023, arXiv:2305.09565).

    >>> RandomGraphs(graphs=200, not_worse=4, cheaper=1, equivalent=2).share
    0.02

    Attributes:
        graphs: how many were tested.
        not_worse: how many have no more violated independences than the given graph.
        cheaper: of how many the missing edges would buy less log-likelihood in sum.
        equivalent: how many imply the same independences as the given graph; no table tells them from it.
    """

    graphs: int
    not_worse: int
    cheaper: int
    equivalent: int

    @property
    def share(self) -> float:
        """Share of the random graphs that do at least as well as the given one."""
        return self.not_worse / self.graphs


@dataclasses.dataclass(frozen=True, repr=False)
class GraphFit:
    """How well a causal graph fits a table; it shows itself as text.

    >>> from causalgan_tf import graph_fit
    >>> graph_fit(pd.DataFrame({"A": [0, 1] * 50, "B": [0, 1] * 50}), "A; B", permutations=0).verdict
    'The table contradicts the graph: 1 of 1 implied independences is violated.'

    Attributes:
        rows: of the table.
        tests: the implied independences, by what the missing edge buys, the largest first.
        random: random graphs beside this one; None: none were tested.
    """

    rows: int
    tests: tuple[ImpliedIndependence, ...]
    random: RandomGraphs | None = None

    @property
    def violated(self) -> tuple[ImpliedIndependence, ...]:
        """The independences that the table contradicts, by what the missing edge buys."""
        return tuple(test for test in self.tests if test.violated)

    @property
    def verdict(self) -> str:
        """The result in one or two sentences."""
        if not self.tests:
            return "The graph joins every two labels: it implies no independence, and no table can contradict it."
        bad, count, random = len(self.violated), len(self.tests), self.random
        if bad:
            text = f"The table contradicts the graph: {bad:,} of {count:,} implied independences {_be(bad)} violated."
        else:
            text = f"The table does not contradict the graph: none of {count:,} implied independences is violated."
        if random is None:
            return text
        if random.share > ENOUGH:
            return f"{text} Random graphs often do as well, so this says little for its arrows."
        return f"{text} Few random graphs do as well, so its arrows tell something."

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file.

        >>> GraphFit(rows=100, tests=()).to_json()["tests"]
        []
        """
        derived = ("violated", "nats_per_row", "effect")
        tests = [dataclasses.asdict(test) | {name: getattr(test, name) for name in derived} for test in self.tests]
        random = self.random and dataclasses.asdict(self.random) | {"share": self.random.share}
        return {"rows": self.rows, "level": LEVEL, "tests": tests, "random": random, "verdict": self.verdict}

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"rows: {self.rows:,}{self._sampled()}"
        violated = self.violated
        if self.tests:
            level = f"Holm's correction, {LEVEL:.0%} for all together"
            yield f"implied independences: {len(self.tests):,}, violated: {len(violated):,} ({level})"
        if violated:
            yield "violated, by what the missing edge would buy in log-likelihood above chance:"
            yield from _table(violated[:SHOWN], self.rows)
        if len(violated) > SHOWN:
            yield f"  and {len(violated) - SHOWN:,} more"
        random = self.random
        if random:
            yield (
                f"of {random.graphs:,} random graphs (the same, nodes permuted) {random.not_worse:,} violate no more, "
                f"{random.cheaper:,} miss less log-likelihood, {random.equivalent:,} imply the same"
            )
        yield self.verdict

    def _sampled(self) -> str:
        """Which tests saw a sample of the rows."""
        least = {test.method == "covariance": test.rows for test in self.tests if test.rows < self.rows}
        parts = [f"{least[key]:,} of them for tests of {what}" for key, what in SAMPLED.items() if key in least]
        return f"; {', '.join(parts)}" if parts else ""


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _table(tests: Sequence[ImpliedIndependence], rows: int) -> Iterator[str]:
    """A line an independence."""
    edges = [f"{written(test.x)} -> {written(test.y)}" for test in tests]
    width = max(map(len, edges))
    for edge, test in zip(edges, tests, strict=True):
        nats = f"{test.nats_per_row:.2g} nats a row, {test.nats_per_row * rows:,.0f} in all"
        given = f"; given {listed(map(written, test.given), 60)}" if test.given else ""
        yield f"  {edge:{width}}  {nats}; effect {test.effect:.2f}; p {_probability(test.adjusted)}{given}"


def _probability(p_value: float) -> str:
    return f"= {p_value:.2g}" if p_value >= 1e-15 else "< 1e-15"
