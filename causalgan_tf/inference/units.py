"""Units that were seen: their rows given evidence, and what they would have been under do."""

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.abduction import Abduction, completed
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.label_sampler import FRUITLESS, LabelDraw, LabelSampler
from causalgan_tf.inference.query import Query, meets

FEW = 32  # effective completions of a row with missing cells at least
COMPLETIONS = 256  # of a row, at first
MOST = 65_536  # of a row
MOST_UNITS = 2_000_000  # that are drawn to find those that show something under do
TOGETHER = 500_000  # completions in memory at once


class Units:
    """Units of a model and what becomes of them; `model` is as in CausalModel.

    >>> unit = Units(model.graph, model.labels)
    >>> seen = np.array([[1.0, 0.0], [0.0, np.nan]])  # of the second one nothing is known but that it is young
    >>> rows, seeds, found = unit.counterfactual(seen, Query.create(model.graph), draws=2, seed=0)
    >>> rows.shape, rows[:2].tolist(), rows[2:, 0].tolist()
    ((4, 2), [[1, 0], [1, 0]], [0, 0])
    """

    def __init__(self, graph: CausalGraph, sampler: LabelSampler) -> None:
        """Wraps a model's label sampler."""
        self.graph, self.sampler = graph, sampler

    def rows(self, query: Query, n: int, seed: int, max_draws: int | None = None) -> LabelDraw:
        """`n` rows under do of units with a query's evidence, of those that meet its `given` there.

        Raises:
            ConditioningError: the evidence is not met as often as needed, or `given` is not met `n` times.
        """
        factual, draws, budget = Query({}, query.evidence, query.variables), n, max_draws or max(MOST_UNITS, 2 * n)
        while True:
            seen, seeds, diagnostics = self._units(factual, draws, seed)
            under = self._under(seen, seeds, query)
            met = np.flatnonzero(meets(under, self.graph, query.given))[:n]
            if len(met) == n:
                break
            if draws >= budget:
                raise self._too_few(query, len(met), n, draws)
            # a tenth more than the rate so far promises
            draws = int(min(budget, max(2 * draws, 1.1 * n * draws / max(len(met), 1))))
        mass = diagnostics.mass * len(met) / (int(met[-1]) + 1)
        effective = diagnostics.effective * n / draws
        kind = np.float32 if self.graph.sizes is None else np.uint8
        return LabelDraw(under[met].astype(kind), seeds[met], Diagnostics("abduction", draws, mass, effective))

    def _units(self, factual: Query, draws: int, seed: int) -> LabelDraw:
        """Units that show the evidence."""
        if self.sampler.stated:
            return self.sampler.draw(draws, factual, seed)
        if any(isinstance(value, float) for value in factual.given.values()):
            raise InputError("evidence: implicit mechanisms never show one number exactly. Give an interval.")
        return self.sampler.draw(draws, factual, seed, method="rejection" if factual.given else "auto")

    def _under(self, seen: np.ndarray, seeds: np.ndarray, query: Query) -> np.ndarray:
        """What units that were drawn would have been."""
        if self.sampler.stated:
            return Abduction(self.graph, self.sampler.mechanisms, query).predict(seen, seeds)
        return self.sampler.redraw(seeds, query)

    def _too_few(self, query: Query, found: int, n: int, draws: int) -> ConditioningError:
        evidence, given = (Query({}, part, query.variables).text() for part in (query.evidence, query.given))
        return ConditioningError(
            f"Of {draws:,} units with {evidence} {found:,} show {given} under do: expected {n:,}. Ask for fewer rows, "
            "condition on less, or raise max_draws (--max_draws).",
            found,
            n,
            draws,
            found / draws,
        )

    def counterfactual(self, seen: np.ndarray, query: Query, draws: int, seed: int) -> LabelDraw:
        """Rows under do of units that were seen, `draws` of each, one unit's after the other's.

        Args:
            seen: float64 [n, K], NaN where a label was not seen.
            query: do.
            draws: of each unit.
            seed: row i's noise is a function of (seed, i).
        """
        seeds = noise.row_seeds(seed, 0, len(seen) * draws).numpy()
        if not self.sampler.stated:
            return self._by_rejection(seen, query, draws, seed)
        whole, effective = self._completed(seen, draws, seeds)
        under = Abduction(self.graph, self.sampler.mechanisms, query).predict(whole, seeds)
        labels = under.astype(np.float32 if self.graph.sizes is None else np.uint8)
        return LabelDraw(labels, seeds, Diagnostics("abduction", len(labels), effective=effective))

    def again(self, seen: np.ndarray, seeds: np.ndarray, before: Query, query: Query) -> np.ndarray:
        """The rows [n, K] of units under another do, of whole rows that were seen under the do of `before`."""
        under = Abduction(self.graph, self.sampler.mechanisms, query, before).predict(seen, seeds)
        return under.astype(np.float32 if self.graph.sizes is None else np.uint8)

    def _completed(self, seen: np.ndarray, draws: int, seeds: np.ndarray) -> tuple[np.ndarray, float]:
        """Whole rows [n * draws, K] of rows with missing cells, and the effective size of all."""
        found, worth = np.repeat(seen, draws, axis=0), np.full(len(seen), float(draws))
        left, size = np.flatnonzero(np.isnan(seen).any(1)), max(COMPLETIONS, 4 * draws)
        while len(left):
            behind = []
            for first in range(0, len(left), max(1, TOGETHER // size)):
                part = left[first : first + max(1, TOGETHER // size)]
                # of the unit's own seed, so that its completions do not depend on the other rows
                own = noise.derived(tf.constant(seeds[part * draws]), size).numpy()
                rows, weights = completed(self.graph, self.sampler.mechanisms, seen[part], own)
                effective = 1.0 / np.square(weights).sum(1)
                picked = chosen(weights, draws, noise.unit(own[:, 0], [noise.PICKED], 1).numpy()[0])
                found[(part[:, None] * draws + np.arange(draws)).ravel()] = np.take_along_axis(
                    rows, picked[..., None], 1
                ).reshape([-1, len(self.graph)])
                worth[part] = np.minimum(effective, draws)
                behind.append(part[effective < max(FEW, draws)])
            # what even these do not tell well is said by the effective size
            if size >= MOST:
                break
            left, size = np.concatenate(behind), min(size * 8, MOST)
        return found, float(worth.sum())

    def _by_rejection(self, seen: np.ndarray, query: Query, draws: int, seed: int) -> LabelDraw:
        """Units of implicit mechanisms: drawn until each row was met often enough."""
        if self.graph.sizes is None or np.isnan(seen).any():
            raise InputError(
                "counterfactual: implicit mechanisms state no noise; expected discrete labels without missing "
                "cells. Train explicit ones: --controller_mechanisms=explicit."
            )
        # equal rows share their search, which takes as long for one as for many
        kinds, which = np.unique(seen, axis=0, return_inverse=True)
        which, seeds = which.ravel(), np.empty([len(seen), draws], np.int64)
        drawn = 0
        for kind, row in enumerate(kinds):
            places = np.flatnonzero(which == kind)
            given = dict(zip(self.graph.nodes, map(int, row), strict=True))
            factual = Query({}, given, self.graph.variables)
            _, own, found = self.sampler.draw(len(places) * draws, factual, seed, FRUITLESS, method="rejection")
            seeds[places] = own.reshape([len(places), draws])
            drawn += found.draws
        flat = seeds.ravel()
        labels = self.sampler.redraw(flat, query)
        return LabelDraw(labels, flat, Diagnostics("rejection", drawn, effective=float(len(labels))))


def chosen(weights: np.ndarray, draws: int, shares: np.ndarray) -> np.ndarray:
    """Numbers [n, draws] of completions, of each row by systematic resampling with a shift of its own [n] in [0, 1).

    >>> chosen(np.array([[0.5, 0.0, 0.5]]), 2, np.array([0.3])).tolist()
    [[0, 2]]
    """
    places = (np.arange(draws) + shares[:, None]) / draws
    sums = np.cumsum(weights, 1)
    found = [np.searchsorted(line, place) for line, place in zip(sums, places, strict=True)]
    return np.minimum(np.array(found).reshape([len(weights), draws]), weights.shape[1] - 1)
