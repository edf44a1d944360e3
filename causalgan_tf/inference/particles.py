"""Rows that meet a condition, by sequential Monte Carlo along the graph: for explicit mechanisms of any type.

A node that was seen is drawn from what its mechanism gives to the values seen, and the row carries that probability as
its weight (likelihood weighting); rows are resampled where their weights have drifted apart (Doucet, de Freitas and
Gordon, 2001). A population method: a row depends on all rows of its population. Each block of BLOCK rows has one of its
own, so that row i is a function of the seed and i here too.
"""

import numpy as np

from causalgan_tf.errors import ConditioningError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.elimination import ancestors
from causalgan_tf.inference.query import Query, allowed_values
from causalgan_tf.inference.soft_do import Formula, Law, user_columns
from causalgan_tf.networks.exogenous import Exogenous, exogenous_of
from causalgan_tf.networks.explicit import ExplicitController

BLOCK = 2_048  # rows that one population gives
FIRST = 8_192  # rows of the first population
FRUITLESS = 40_000  # rows of which none has any weight, after which the condition counts as impossible
GROWTH = 4  # of the population, where it was too small
DRIFTED = 0.5  # share of the effective size under which rows are resampled


class Particles:
    """Draws rows [n, K] of the ancestors of a condition, all other columns NaN.

    >>> graph = CausalGraph.from_text("Age -> Ill; Age: continuous")
    >>> drawn = Particles(graph, ExplicitController(graph, width=4, layers=2), Query.create(graph, given={"Ill": 1}))
    >>> rows, found = drawn.draw(3, seed=0, max_draws=100_000)
    >>> rows.shape, rows[:, 1].tolist(), found.method
    ((3, 2), [1.0, 1.0, 1.0], 'particles')
    """

    def __init__(self, graph: CausalGraph, mechanisms: ExplicitController, query: Query) -> None:
        """Wraps explicit mechanisms."""
        self.graph, self.mechanisms, self.query = graph, mechanisms, query
        self.nodes = ancestors(graph, query.given, query.constants)
        self.noise: dict[str, Exogenous] = {node: exogenous_of(graph.variables[node]) for node in self.nodes}
        self.conditions = {
            node: value if graph.variables[node].size is None else allowed_values(graph.variables[node], value)
            for node, value in query.given.items()
        }

    def draw(self, n: int, seed: int, max_draws: int) -> tuple[np.ndarray, Diagnostics]:
        """`n` rows and how they were found; `max_draws`: rows of all populations of a block.

        Raises:
            ConditioningError: those of a block are worth fewer rows than are asked of it.
        """
        parts, masses, draws, worth = [], [], 0, 0.0
        for first in range(0, n, BLOCK):
            wanted = min(BLOCK, n - first)
            rows, drawn, mass, effective = self._block(np.random.default_rng([seed, first // BLOCK]), max_draws)
            draws += drawn
            if effective < wanted:
                raise self._too_few(first + int(effective), n, draws, mass)
            parts.append(rows[:wanted])
            masses.append(mass)
            # the error of the population and that of drawing rows from it add up
            worth += wanted / (1.0 + wanted / effective)
        return np.concatenate(parts), Diagnostics("particles", draws, float(np.mean(masses)), float(worth))

    def _block(self, rng: np.random.Generator, max_draws: int) -> tuple[np.ndarray, int, float, float]:
        """Rows [BLOCK, K], how many were drawn, the mass of the condition, and how many rows they are worth."""
        size, draws = FIRST, 0
        while True:
            rows, weights, mass, effective = self._population(size, rng)
            effective *= mass > 0.0  # weights that are all too small for a number are worth nothing
            draws += size
            size *= GROWTH
            if effective >= BLOCK or draws + size > max_draws or (mass == 0.0 and draws >= FRUITLESS):
                return rows[resampled(weights, BLOCK, rng)], draws, mass, effective

    def _too_few(self, found: int, n: int, draws: int, mass: float) -> ConditioningError:
        given = Query({}, self.query.given, self.query.variables).text()
        return ConditioningError(
            f"Found {found:,} of {n:,} rows with {given} in {draws:,} weighted draws (probability about {mass:.1e}). "
            "Ask for fewer rows, condition on less, set the labels by do, or raise max_draws (--max_draws).",
            found=found,
            wanted=n,
            draws=draws,
            mass=mass,
        )

    def _population(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Rows [size, K], their weights with sum 1, the mass of the condition, and the least effective size."""
        rows, logs = np.full([size, len(self.graph)], np.nan), np.zeros(size)
        log_mass, least = 0.0, float(size)
        for node in self.nodes:
            numbers, weight = self._node(node, rows, rng)
            rows[:, self.graph.index(node)] = numbers
            if node not in self.conditions:
                continue
            logs = logs + weight
            if not np.isfinite(logs).any():
                return rows, np.full(size, 1.0 / size), 0.0, 0.0
            weights = _shares(logs)
            # Kong's effective size; the least of all stages, for resampling does not bring back what was lost
            found = 1.0 / np.square(weights).sum()
            least = min(least, found)
            if found < DRIFTED * size:
                log_mass += _log_mean(logs)
                rows, logs = rows[resampled(weights, size, rng)], np.zeros(size)
        return rows, _shares(logs), float(np.exp(log_mass + _log_mean(logs))), least

    def _node(self, node: str, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | float]:
        """A node's numbers [size] and, where it was seen, their log-weights."""
        do, noise = self.query.do.get(node), self.noise[node]
        uniform = rng.random([noise.uniforms, len(rows)])
        if isinstance(do, Law):
            return do.draw(noise.variable, uniform[0]), 0.0
        if do is not None and not isinstance(do, Formula):
            return np.full(len(rows), float(do)), 0.0
        parents = rows[:, [self.graph.index(parent) for parent in self.graph.parents[node]]]
        outputs, condition = self.mechanisms.statements(node, parents), self.conditions.get(node)
        if isinstance(condition, float):
            numbers = np.full(len(rows), condition)
            weight = noise.log_probability(outputs, numbers)
        else:
            numbers, weight = noise.draw(outputs, condition, uniform)
        if isinstance(do, Formula):
            rows[:, self.graph.index(node)] = numbers
            numbers = do.numbers(node, noise.variable, user_columns(self.graph, do.nodes, rows))
        return numbers, weight


def resampled(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Systematic resampling: numbers of `n` rows, each about n times its weight often, in random order; int64 [n].

    >>> sorted(resampled(np.array([0.5, 0.0, 0.5]), 4, np.random.default_rng(0)).tolist())
    [0, 0, 2, 2]
    """
    places = (np.arange(n) + rng.random()) / n
    found = np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
    return rng.permutation(found)


def _shares(logs: np.ndarray) -> np.ndarray:
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def _log_mean(logs: np.ndarray) -> float:
    return float(logs.max() + np.log(np.exp(logs - logs.max()).mean()))
