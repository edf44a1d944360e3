"""Tests of independence between the labels of a table, each made once."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import one_code
from causalgan_tf.metrics.contingency import table_dependence
from causalgan_tf.metrics.dependence import Dependence
from causalgan_tf.metrics.residuals import residual_dependence, residuals

DISCRETE_ROWS = 50_000  # different rows of discrete labels beyond which a sample of the rows is tested
NUMBER_ROWS = 2_000  # rows that are tested where a number is among the labels
REGRESSION = 20  # tests that take the time of the regressions on one condition
VALUES = 8  # of a category, the most frequent ones, that are regressed on a condition
CODES = 2**31  # beyond which codes of several labels are numbered anew

Triple = tuple[int, int, tuple[int, ...]]  # the columns of two labels, and those of the condition


class LabelTests:
    """Tests of label rows, each made once.

    Two coins that always fall alike: to know one is worth log 2 = .693 nats a row, less what chance would give.

    >>> tests = LabelTests(CausalGraph.from_text("A; B"), np.array([[0, 0], [1, 1]] * 500), seed=0)
    >>> tests.cost([(0, 1, ())]), round(tests.loss((0, 1, ())), 2), tests.cost([(1, 0, ())])
    (1, 0.69, 0)
    >>> tests.result((0, 1, ())).method
    'G'
    """

    def __init__(self, graph: CausalGraph, rows: np.ndarray, seed: int) -> None:
        self._variables, self._seed = tuple(graph.variables.values()), seed
        rng = np.random.default_rng(seed)
        self._discrete = [k for k, variable in enumerate(self._variables) if variable.size]
        self._tables, self._weights = self._counted(rows, rng)
        some = len(rows) > NUMBER_ROWS and len(self._discrete) < len(self._variables)
        self._some = rows[np.sort(rng.choice(len(rows), NUMBER_ROWS, replace=False))] if some else rows
        self._results: dict[Triple, Dependence] = {}
        self._strata: dict[tuple[int, ...], np.ndarray] = {}
        self._residuals: dict[tuple[int, ...], Mapping[int, np.ndarray]] = {}

    def rows(self, method: str) -> int:
        """How many rows a method's tests see."""
        return len(self._some) if method == "covariance" else int(self._weights.sum())

    def cost(self, triples: Sequence[Triple]) -> int:
        """How many tests that were not made yet these take, regressions counted as REGRESSION tests."""
        fresh = [key for key in map(_key, triples) if key not in self._results]
        conditions = {key[2] for key in fresh if not self._is_discrete(key)} - set(self._residuals)
        return len(set(fresh)) + REGRESSION * len(conditions)

    def loss(self, triple: Triple) -> float:
        """What the test says that the missing edge buys, nats a row above chance."""
        found = self.result(triple)
        return max(0.0, found.gain - found.chance) / self.rows(found.method)

    def result(self, triple: Triple) -> Dependence:
        """The test of two columns given others."""
        key = x, y, given = _key(triple)
        if key not in self._results:
            if self._is_discrete(key):
                strata = self._stratum(given)
                columns = self._tables[x], self._tables[y]
                self._results[key] = table_dependence(*columns, strata, self._weights)
            else:
                left = self._residual(given)
                self._results[key] = residual_dependence(left[x], left[y])
        return self._results[key]

    def _is_discrete(self, triple: Triple) -> bool:
        return all(self._variables[k].size for k in (*triple[:2], *triple[2]))

    def _counted(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[dict[int, np.ndarray], np.ndarray]:
        """The different rows of the discrete labels, by column, and how often each is there."""
        code = self._code({k: rows[:, k].astype(np.int64) for k in self._discrete}, len(rows))
        first, counts = np.unique(code, return_index=True, return_counts=True)[1:]
        if len(first) > DISCRETE_ROWS:
            return self._counted(rows[np.sort(rng.choice(len(rows), DISCRETE_ROWS, replace=False))], rng)
        return {k: rows[first, k].astype(np.int64) for k in self._discrete}, counts.astype(np.float64)

    def _code(self, columns: Mapping[int, np.ndarray], n: int) -> np.ndarray:
        """A number for each combination of discrete columns: int64 [n]."""
        code, count = np.zeros(n, np.int64), 1
        for k, column in columns.items():
            if count * self._variables[k].size > CODES:
                code = np.unique(code, return_inverse=True)[1]
                count = int(code.max()) + 1
            code = one_code([code, column], [count, self._variables[k].size])
            count *= self._variables[k].size
        return code

    def _stratum(self, given: tuple[int, ...]) -> np.ndarray:
        if given not in self._strata:
            code = self._code({k: self._tables[k] for k in given}, len(self._weights))
            self._strata[given] = np.unique(code, return_inverse=True)[1]
        return self._strata[given]

    def _residual(self, given: tuple[int, ...]) -> Mapping[int, np.ndarray]:
        """What a condition leaves of each column's numbers: column to [rows, D]."""
        if given not in self._residuals:
            n = len(self._some)
            rest = [k for k in range(len(self._variables)) if k not in given]
            targets = {k: self._target(k) for k in rest}
            numbers = [self._target(k)[:, :1] for k in given if not self._variables[k].size]
            indicators = [self._target(k) for k in given if self._variables[k].size]
            columns = (np.hstack([np.zeros([n, 0]), *parts]) for parts in (targets.values(), numbers, indicators))
            left = residuals(*columns, seed=self._seed % 2**32).astype(np.float32)
            ends = np.cumsum([target.shape[1] for target in targets.values()])[:-1]
            self._residuals[given] = dict(zip(rest, np.split(left, ends, axis=1), strict=True))
        return self._residuals[given]

    def _target(self, k: int) -> np.ndarray:
        """A label as columns whose means tell of it: normal score and squared rank, or an indicator a value."""
        column, size = self._some[:, k], self._variables[k].size
        if size is None:
            share = (stats.rankdata(column) - 0.5) / len(column)
            return np.stack([stats.norm.ppf(share), 1.5 * (2 * share - 1) ** 2 - 0.5], axis=1)
        counts = np.bincount(column.astype(np.int64), minlength=size)
        # the most frequent value is told by the others
        values = np.argsort(-counts, kind="stable")[1 : VALUES + 1]
        return (column[:, None] == np.sort(values)).astype(np.float64)


def _key(triple: Triple) -> Triple:
    x, y, given = triple
    return min(x, y), max(x, y), tuple(sorted(given))
