"""Labels from a trained causal controller: P(.), P(. | do(x)), P(. | z) and P(. | do(x), z)."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from causalgan_tf import noise
from causalgan_tf.errors import ConditioningError, InputError, brief
from causalgan_tf.inference.conditioning import ExactConditioning, exact_conditioning
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.elimination import ancestors
from causalgan_tf.inference.particles import Particles
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.inference.soft_do import Law, user_columns
from causalgan_tf.inference.tables import ConditionalTables, mechanism_table, tables_under
from causalgan_tf.networks import columns
from causalgan_tf.networks.stacked import StackedMechanisms

CHUNK = 2_048  # rows of one pass: their layers stay in the processor's cache
CHUNKS = 32  # passes of one compiled call
SCORED = 16_384  # rows that are scored at once
MAX_DRAWS = 20_000_000  # default budget of conditional sampling, rows
MAX_WEIGHTED = 2_000_000  # the same of weighted rows, which cost more, for each block of rows
FRUITLESS = 4_000_000  # rows without any that meets the condition, after which it counts as impossible
SPARED = 8  # nodes for each ancestor of a condition from which on candidates are drawn of the ancestors alone
FREQUENT = 0.01  # share of rows that meet a condition from which on rejection is quicker than weighted rows
DELAY = 2.0  # seconds before a bar shows how far rejection is


class LabelDraw(NamedTuple):
    """What was drawn: [n, K] one number a node, uint8 if all labels are discrete, else float32; int64 [n] row seeds.

    >>> drawn = model.labels.draw(3, Query.create(model.graph), seed=0)
    >>> drawn.labels.shape, drawn.seeds.shape, drawn.diagnostics.method
    ((3, 2), (3,), 'direct')
    """

    labels: np.ndarray
    seeds: np.ndarray
    diagnostics: Diagnostics


class LabelSampler:
    """Draws label rows; row i of a draw is a function of (seed, i) and of the intervention alone.

    `model` was fitted to rows in which a quarter is old, no one of whom smokes, and two in three of the others do.

    >>> plain, old = (Query.create(model.graph, do=do) for do in ({}, {"Old": 1}))
    >>> labels, seeds, _ = model.labels.draw(1_000, plain, seed=0)
    >>> bool((model.labels.redraw(seeds, plain) == labels).all()), int(model.labels.redraw(seeds, old)[:, 0].min())
    (True, 1)
    >>> model.labels.conditional("Smokes", np.array([[0.0], [1.0]]), draws=1, seed=0).round(1)
    array([[0.3, 0.7],
           [1. , 0. ]])
    """

    def __init__(self, mechanisms: StackedMechanisms) -> None:
        """Wraps trained mechanisms."""
        self.mechanisms, self.graph = mechanisms, mechanisms.graph
        self.variables = list(self.graph.variables.values())
        self._judges: dict[tuple, LabelSampler] = {}
        self._compiled = tf.function(self._chunks, jit_compile=True, autograph=False)
        self._compiled_under = tf.function(self._chunks_under, jit_compile=True, autograph=False)

    def __call__(self, seeds: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Labels of the rows with these seeds, in plain TensorFlow operations.

        Args:
            seeds: int64 [B].
            do: float32 [B, K], one number a node, NaN = untouched; None: nothing is set.

        Returns:
            float32 [B, K], one number a node: 0/1, a category's place, or a continuous value.
        """
        drawn, do = self.mechanisms.noise(seeds), None if do is None else tf.transpose(do)
        return tf.transpose(self._rows(drawn, do))

    def _rows(self, drawn: tf.Tensor, do: tf.Tensor | None) -> tf.Tensor:
        """Labels [K, B] of noise, under do [K, 1 or B], NaN = untouched; None: nothing is set."""
        fixed = None if do is None else columns.encode(self.variables, do)
        labels = columns.decode(self.variables, self.mechanisms.labels(drawn, fixed))
        # what do sets comes back to the last digit, which standardising would change
        return labels if do is None else tf.where(tf.math.is_nan(do), labels, do)

    def draw(
        self,
        n: int,
        query: Query,
        seed: int,
        max_draws: int | None = None,
        method: str = "auto",
        progress: bool = False,
    ) -> LabelDraw:
        """`n` rows under a query.

        Without a condition row i is a function of (seed, i) and do. A condition is met by the first of these that can:
        the exact distribution of its ancestors (explicit mechanisms, discrete ancestors); rejection, where a first look
        finds the condition often enough; weighted rows (explicit mechanisms). Rejection keeps the candidate rows 0, 1,
        2, ... of the seed that meet the condition, and their seeds draw them again.

        Args:
            n: rows wanted, at least 1.
            query: interventions and conditions.
            seed: seed of the draw.
            max_draws: candidate rows that may be drawn, of weighted ones for each block; None: MAX_DRAWS, and no more
                than FRUITLESS if none is found, or MAX_WEIGHTED.
            method: "auto", or one of diagnostics.METHODS that draws rows.
            progress: whether a bar shows how many candidates were drawn, once rejection has taken DELAY seconds.

        Raises:
            InputError: `n` below 1, or evidence, which is of a unit: see CausalModel.counterfactual.
            ConditioningError: no row has the condition, or fewer than `n` within the budget.
        """
        if n < 1:
            raise InputError(f"n: expected at least 1 row, got {n}.")
        if method not in ("auto", "exact", "rejection", "particles"):
            raise InputError(f"method: expected auto, exact, rejection or particles, got {brief(method)!r}.")
        if not query.given:
            labels, seeds = self._first(n, query, seed)
            return LabelDraw(labels, seeds, Diagnostics("direct", n, effective=float(n)))
        exact = None
        if method in ("auto", "exact") and self.stated:
            exact = exact_conditioning(self.graph, tables_under(self.graph, self.tables, query), query)
        if exact:
            return self._completed(n, query, seed, exact.draw(self._noise(exact, n, seed)), exact.mass)
        if method == "exact":
            raise InputError(
                "method exact: the condition depends on numbers, on implicit mechanisms or on too many labels at once. "
                "Leave the method to the model."
            )
        if method != "particles":
            found = self._rejected(n, query, seed, max_draws, self.stated and method == "auto", progress)
            if found:
                return found
        elif not self.stated:
            raise InputError("method particles: implicit mechanisms state no probabilities. Use rejection.")
        particles = Particles(self.graph, self.mechanisms, query)
        rows, diagnostics = particles.draw(n, seed, max_draws or MAX_WEIGHTED)
        values = {node: rows[:, self.graph.index(node)] for node in particles.nodes}
        return self._completed(n, query, seed, values, diagnostics.mass, diagnostics)

    def redraw(self, seeds: np.ndarray, query: Query) -> np.ndarray:
        """The rows of these seeds int64 [n] under the interventions of a query: [n, K], as `draw` gives them."""
        return self.under(seeds, self.interventions(seeds, query))

    def interventions(self, seeds: np.ndarray, query: Query, fixed: np.ndarray | None = None) -> np.ndarray:
        """What do sets each of these rows to, float32 [n, K], NaN = untouched.

        Args:
            seeds: int64 [n].
            query: laws and formulas are drawn and computed row by row.
            fixed: float32 [n, K] of numbers that the rows have already; None: the query's constants.
        """
        do = np.tile(query.do_vector(self.graph), [len(seeds), 1]) if fixed is None else fixed.copy()
        # node after node: what a formula sees has its own soft interventions behind it
        for node in (node for node in self.graph.nodes if node in query.soft):
            k, soft, variable = self.graph.index(node), query.soft[node], self.graph.variables[node]
            if not np.isnan(do[:, k]).all():
                continue
            if isinstance(soft, Law):
                uniform = noise.unit(tf.constant(seeds, tf.int64), [f"{noise.UNDER_LAW}{node}"], 1).numpy()[0]
                do[:, k] = soft.draw(variable, uniform.astype(np.float64))
            else:
                do[:, k] = soft.numbers(node, variable, user_columns(self.graph, soft.nodes, self.under(seeds, do)))
        return do

    def under(self, seeds: np.ndarray, do: np.ndarray) -> np.ndarray:
        """The rows of these seeds int64 [n], each under interventions of its own: [n, K], as `draw` gives them.

        Args:
            seeds: int64 [n].
            do: float32 [n, K], one number a node, NaN = untouched.
        """
        kind = np.float32 if self.graph.sizes is None else np.uint8
        labels = np.empty(do.shape, kind)
        # whole chunks even for a few rows: sums of another shape are rounded otherwise, and a number of a unit that do
        # leaves alone would change in its last digit
        first = 0
        while first < len(seeds):
            chunks = CHUNKS if first + CHUNK * CHUNKS <= len(seeds) else 1
            rows = slice(first, first + CHUNK * chunks)
            here, missing = len(seeds[rows]), max(rows.stop - len(seeds), 0)
            padded = np.pad(seeds[rows], [0, missing]), np.pad(do[rows], [[0, missing], [0, 0]])
            drawn = self._compiled_under(*(part.reshape([chunks, CHUNK, *part.shape[1:]]) for part in padded))
            labels[rows] = drawn.numpy()[:here]
            first = rows.stop
        return labels

    @property
    def stated(self) -> bool:
        """Whether the mechanisms state their probabilities, so that none is counted in draws."""
        return self.mechanisms.stated

    def conditional(self, node: str, parents: np.ndarray, draws: int, seed: int) -> np.ndarray:
        """P(node | parents) of a discrete node, exactly or, of implicit mechanisms, counted in draws of its noise.

        All that the model's exact answers take of its mechanisms, see CausalModel.distribution.

        Args:
            node: the node.
            parents: [cells, P] settings of its parents, one number a parent, in the order of graph.parents[node].
            draws: how often its noise is drawn; every cell meets the same draws.
            seed: of the noise.

        Returns:
            float64 [cells, size], relative frequencies, each row with sum 1.
        """
        return self.mechanisms.probabilities(node, parents, draws, seed)

    def log_probability(self, rows: np.ndarray) -> np.ndarray:
        """Log P(label | parents) of mechanisms that state it, in nats; of a number its density.

        Args:
            rows: [n, K], one number a node.

        Returns:
            float32 [n, K].
        """
        parts = []
        for first in range(0, len(rows), SCORED):
            encoded = columns.encode(self.variables, tf.transpose(rows[first : first + SCORED]))
            parts.append(self.mechanisms.row_log_probability(encoded).numpy().T)
        return np.concatenate(parts)

    def _chunks_under(self, seeds: tf.Tensor, do: tf.Tensor) -> tf.Tensor:
        """Rows of seeds [chunks, CHUNK] under interventions [chunks, CHUNK, K] of their own: [rows, K]."""
        return self._filled(seeds, lambda i: tf.transpose(do[i]))

    def _filled(self, seeds: tf.Tensor, do: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """Rows of seeds [chunks, CHUNK] under the interventions [K, 1 or CHUNK] of each chunk: [rows, K]."""
        kind = tf.float32 if self.graph.sizes is None else tf.uint8

        def chunk(i: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = self._rows(self.mechanisms.noise(seeds[i]), do(i))
            return i + 1, tf.tensor_scatter_nd_update(labels, [[i]], tf.transpose(tf.cast(rows, kind))[None])

        start = tf.zeros([*seeds.shape, len(self.graph)], kind)
        _, labels = tf.while_loop(lambda i, _: i < seeds.shape[0], chunk, (0, start))
        return tf.reshape(labels, [-1, len(self.graph)])

    @functools.cached_property
    def tables(self) -> ConditionalTables:
        """The tables that explicit mechanisms state, made when needed."""
        conditional = functools.partial(self.conditional, draws=1, seed=0)
        return ConditionalTables(self.graph, functools.partial(mechanism_table, self.graph, conditional))

    def _noise(self, exact: ExactConditioning, n: int, seed: int) -> np.ndarray:
        """Uniform numbers [nodes, n] for the ancestors of a condition."""
        if not exact.nodes:
            return np.zeros([0, n])
        blocks = [f"{noise.GIVEN}{node}" for node in exact.nodes]
        return noise.unit(noise.row_seeds(seed, 0, n), blocks, 1).numpy()

    def _completed(
        self,
        n: int,
        query: Query,
        seed: int,
        values: Mapping[str, np.ndarray],
        mass: float,
        diagnostics: Diagnostics | None = None,
    ) -> LabelDraw:
        """Rows whose ancestors of the condition are known, the rest drawn along the graph."""
        # by do, so that the rest follows along the graph from its own noise, as in any other draw
        seeds = noise.row_seeds(seed, 0, n).numpy()
        fixed = np.tile(query.do_vector(self.graph), [n, 1])
        for node, numbers in values.items():
            fixed[:, self.graph.index(node)] = numbers
        if len(values.keys() | query.constants.keys()) == len(self.graph) and self.graph.sizes is not None:
            labels = fixed.astype(np.uint8)
        else:
            labels = self.under(seeds, self.interventions(seeds, query, fixed))
        return LabelDraw(labels, seeds, diagnostics or Diagnostics("exact", n, mass, float(n)))

    def _first(self, n: int, query: Query, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows 0 to n - 1 of a seed under do, and their seeds."""
        do = tf.constant(query.do_vector(self.graph)[:, None])
        # whole calls even for a few rows: one compiled shape serves every n, and what is too many is cut off
        parts = [self._compiled(np.int64(seed), np.int64(first), do) for first in range(0, n, CHUNK * CHUNKS)]
        labels, seeds = (np.concatenate([part.numpy() for part in found])[:n] for found in zip(*parts, strict=True))
        return (self.redraw(seeds, query) if query.soft else labels), seeds

    def _rejected(
        self, n: int, query: Query, seed: int, max_draws: int | None, give_up: bool, progress: bool
    ) -> LabelDraw | None:
        """Rows that meet a condition among the rows of a seed; None if it is too rare and may be given up."""
        judge, budget = self._judge(query), max(max_draws or MAX_DRAWS, n)
        set_to = query.do_vector(self.graph)[[self.graph.index(node) for node in judge.graph.nodes]]
        do = tf.constant(set_to[:, None])
        kept, found, first = [], 0, 0
        shown = {"desc": "rows drawn", "unit_scale": True, "delay": DELAY, "leave": False, "disable": not progress}
        with tqdm(total=budget, **shown) as bar:
            while found < n and first < budget:
                labels, seeds = (part.numpy() for part in judge._compiled(np.int64(seed), np.int64(first), do))
                first += len(labels)
                labels = self.redraw(seeds, query) if query.soft else labels
                fits = meets(labels, judge.graph, query.given)
                labels, seeds = labels[fits], seeds[fits]
                if judge is not self and len(seeds):
                    labels = self.redraw(seeds, query)
                    # a sum of other shape is rounded otherwise: a number at its very end may lie on its other side
                    fits = meets(labels, self.graph, query.given)
                    labels, seeds = labels[fits], seeds[fits]
                kept.append((labels, seeds))
                found += len(seeds)
                bar.set_postfix_str(f"{found:,} of {n:,} meet the condition", refresh=False)
                bar.update(first - bar.n)
                # by the first look alone, however many rows are wanted: 16 are the first of 64
                if give_up and found < FREQUENT * first:
                    return None
                give_up = False
                if max_draws is None and not found and first >= FRUITLESS:
                    break
        if found < n:
            raise _too_few(n, found, first, query)
        labels, seeds = (np.concatenate(parts)[:n] for parts in zip(*kept, strict=True))
        return LabelDraw(labels, seeds, Diagnostics("rejection", first, found / first, float(n)))

    def _judge(self, query: Query) -> "LabelSampler":
        """What tells whether candidates meet a condition: mechanisms of its ancestors, if they are few of many."""
        nodes = ancestors(self.graph, query.given, query.constants)
        if query.soft or len(nodes) * SPARED > len(self.graph):
            return self
        parents = {node: () if node in query.constants else self.graph.parents[node] for node in nodes}
        key = tuple(parents.items())
        if key not in self._judges:
            self._judges[key] = LabelSampler(self.mechanisms.of_part(parents))
        return self._judges[key]

    def _chunks(self, seed: tf.Tensor, first: tf.Tensor, do: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Rows first .. first + CHUNK * CHUNKS - 1: [rows, K] and their seeds int64 [rows]."""
        seeds = tf.reshape(noise.row_seeds(seed, first, CHUNK * CHUNKS), [CHUNKS, CHUNK])
        return self._filled(seeds, lambda i: do), tf.reshape(seeds, [-1])


def _too_few(n: int, found: int, draws: int, query: Query) -> ConditioningError:
    way_out = "Ask for fewer rows" if found else "The model hardly ever shows that: condition on less"
    return ConditioningError(
        f"Found {found} of {n} rows with {_event(query)} in {draws:,} draws (rate {found / draws:.1e}). "
        f"{way_out}, set the labels by do, or raise max_draws (--max_draws).",
        found,
        n,
        draws,
        found / draws,
    )


def _event(query: Query) -> str:
    given, under = Query({}, query.given, query.variables).text(), Query(query.do, {}, query.variables).text()
    return f"{given} under {under}" if under else given
