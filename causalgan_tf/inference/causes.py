"""Causes of an event in single units: probabilities of causation, and direct and indirect effects."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalgan_tf.config.budget import MANY
from causalgan_tf.errors import InputError, brief
from causalgan_tf.inference import estimate
from causalgan_tf.inference.answers import Causation, Mediation
from causalgan_tf.inference.arguments import SEED, whole
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.estimate import Estimate
from causalgan_tf.inference.query import Event, Query, event_query, meets

UNITS = 1_000_000  # that are drawn


class Causes:
    """Methods of CausalModel about units under several interventions at once."""

    def causation(self, cause: str, event: Event, draws: int = UNITS, seed: int = 0) -> Causation:
        """Probabilities of necessity and sufficiency of a binary cause for an event, with Tian and Pearl's bounds.

        Raises:
            InputError: a cause that is not binary, or an event about it.

        Examples:
            >>> found = model.causation("Old", "Smokes=0")
            >>> low, high = found.bounds["PN"]
            >>> low - 0.01 < found.necessity.value < high + 0.01
            True
        """
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        self._binary_cause(cause)
        wanted = event_query(self.graph, event)
        if cause in wanted.given:
            raise InputError(f"event {wanted.text()}: expected another node than the cause {cause}.")
        # the same units, thrice: all noise is kept, so that each one's three worlds stand side by side
        seen, seeds, _ = self.labels.draw(draws, Query.create(self.graph), seed)
        x = seen[:, self.graph.index(cause)] > 0
        y, y0, y1 = (
            meets(rows, self.graph, wanted.given)
            for rows in (
                seen,
                *(self.labels.redraw(seeds, Query.create(self.graph, {cause: value})) for value in (0, 1)),
            )
        )
        text = wanted.text()
        return Causation(
            cause,
            text,
            _share(f"PN({cause}, {text})", ~y0[x & y]),
            _share(f"PS({cause}, {text})", y1[~x & ~y]),
            _share(f"PNS({cause}, {text})", y1 & ~y0),
            self._bounds(cause, wanted, (x, y, y0, y1)),
        )

    def mediation(
        self,
        outcome: Event,
        cause: str,
        values: Sequence[Any] = (0, 1),
        mediators: Sequence[str] | None = None,
        draws: int = UNITS,
        seed: int = 0,
    ) -> Mediation:
        """Natural direct and indirect effect of a cause on an outcome.

        Args:
            outcome: a number or binary node, whose mean is compared, or an event, whose probability is.
            cause: the node that is set.
            values: the first value and the second.
            mediators: nodes through which the indirect part goes; None: all between cause and outcome.
            draws: units.
            seed: of the units.

        Raises:
            InputError: as `effect`; a mediator that is no descendant of the cause.

        Examples:
            >>> model.mediation("Smokes", "Old").indirect.value  # there is nothing between them
            0.0
        """
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        if not isinstance(values, list | tuple) or len(values) != 2:
            raise InputError(f"values: expected two values of {cause}, such as (0, 1), got {brief(values)}.")
        event = self._outcome(outcome, None)
        nodes = [event] if isinstance(event, str) else list(event.given)
        through = self._mediators(cause, nodes, mediators)
        _, seeds, _ = self.labels.draw(draws, Query.create(self.graph), seed)
        queries = [Query.create(self.graph, {cause: value}) for value in values]
        before, after = (self.labels.redraw(seeds, query) for query in queries)
        held = [(queries[1], before), (queries[0], after)]
        direct, indirect = (self._with(seeds, query, rows, through) for query, rows in held)
        y0, y1, yd, yi = (self._measured(event, rows) for rows in (before, after, direct, indirect))
        text = event if isinstance(event, str) else event.text()
        parts = [_paired(f"{name} effect of {cause} on {text}", a - y0) for name, a in _named(y1, yd, yi)]
        return Mediation(text, cause, tuple(through), *parts)

    def _binary_cause(self, cause: str) -> None:
        self.graph.index(cause)
        variable = self.graph.variables[cause]
        if variable.size != 2 or variable.named:
            raise InputError(f"causation: {cause} is not binary; expected a cause of 0 or 1.")

    def _mediators(self, cause: str, outcomes: Sequence[str], mediators: Sequence[str] | None) -> list[str]:
        below = self.graph.descendants(cause)
        above = set().union(*(self.graph.ancestors(node) for node in outcomes)) - set(outcomes)
        if mediators is None:
            return [node for node in self.graph.nodes if node in below & above]
        for node in mediators:
            self.graph.index(node)
            if node not in below & above:
                raise InputError(f"mediators: {node} lies on no path from {cause} to the outcome.")
        return [node for node in self.graph.nodes if node in set(mediators)]

    def _with(self, seeds: np.ndarray, query: Query, rows: np.ndarray, held: Sequence[str]) -> np.ndarray:
        """The units under a query, some nodes held at what they are in other rows."""
        do = np.tile(query.do_vector(self.graph), [len(seeds), 1])
        for node in held:
            do[:, self.graph.index(node)] = rows[:, self.graph.index(node)]
        return self.labels.under(seeds, do)

    def _bounds(self, cause: str, event: Query, units: tuple[np.ndarray, ...]) -> dict[str, tuple[float, float]]:
        """Tian and Pearl's bounds of PN, PS and PNS, of exact probabilities where there are some."""
        x, y, y0, y1 = units
        exact = functools.partial(self._exact_probability, event)
        do0, do1 = (exact(Query.create(self.graph, {cause: value})) for value in (0, 1))
        p_do0, p_do1 = (float(a.mean()) if p is None else p for a, p in ((y0, do0), (y1, do1)))
        joint = {}
        for value in (0, 1):
            both = Query.create(self.graph, given={cause: value})
            p_x, p_y = self._exact_probability(both, Query.create(self.graph)), None
            if p_x:
                p_y = self._exact_probability(event, both)
            chosen = x if value else ~x
            share = float(chosen.mean()) if p_x is None else p_x
            yes = float((chosen & y).mean()) if p_y is None else p_y * share
            joint[value] = yes, share - yes  # with the event and without it
        return tian_pearl(p_do0, p_do1, joint[0], joint[1])


def tian_pearl(
    p_do0: float, p_do1: float, without: tuple[float, float], having: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """Bounds of PN, PS and PNS (Tian and Pearl, 2000, section 4.2).

    Args:
        p_do0: P(y | do(x = 0)).
        p_do1: P(y | do(x = 1)).
        without: P(x = 0, y) and P(x = 0, not y).
        having: P(x = 1, y) and P(x = 1, not y).

    >>> bounds = tian_pearl(0.3, 0.7, (0.15, 0.35), (0.35, 0.15))  # a cause that was randomised
    >>> {name: tuple(round(end, 3) for end in ends) for name, ends in bounds.items()}
    {'PN': (0.571, 1.0), 'PS': (0.571, 1.0), 'PNS': (0.4, 0.7)}
    """
    (x0y, x0n), (x1y, x1n) = without, having
    p_y = x0y + x1y
    both = (
        max(0.0, p_do1 - p_do0, p_y - p_do0, p_do1 - p_y),
        min(p_do1, 1.0 - p_do0, x1y + x0n, p_do1 - p_do0 + x1n + x0y),
    )
    necessity = (_ratio(p_y - p_do0, x1y), _ratio(1.0 - p_do0 - x0n, x1y))
    sufficiency = (_ratio(p_do1 - p_y, x0n), _ratio(p_do1 - x1y, x0n))
    clipped = ((max(0.0, low), min(1.0, high)) for low, high in (necessity, sufficiency, both))
    return dict(zip(("PN", "PS", "PNS"), clipped, strict=True))


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0.0 else math.nan


def _share(text: str, hits: np.ndarray) -> Estimate:
    count = len(hits)
    if not count:
        return Estimate(text, math.nan, math.nan, Diagnostics("direct", 0), (math.nan, math.nan))
    return estimate.counted(text, float(hits.mean()), Diagnostics("direct", count, effective=float(count)))


def _paired(text: str, differences: np.ndarray) -> Estimate:
    diagnostics = Diagnostics("direct", len(differences), effective=float(len(differences)))
    return estimate.averaged(text, float(differences.mean()), float(differences.std()), diagnostics)


def _named(*parts: np.ndarray) -> zip:
    return zip(("total", "direct", "indirect"), parts, strict=True)
