"""Labels from a trained causal controller: P(.), P(. | do(x)), P(. | z) and P(. | do(x), z)."""

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.errors import InputError
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.networks import columns
from causalgan_tf.networks.stacked import StackedMechanisms

CHUNK = 2_048  # rows of one pass: their layers stay in the processor's cache
CHUNKS = 32  # passes of one compiled call
SCORED = 16_384  # rows that are scored at once
MAX_DRAWS = 20_000_000  # default budget of conditional sampling, rows


class LabelSampler:
    """Draws label rows; row i of a draw is a function of (seed, i) and of the intervention alone.

    `model` was fitted to rows in which a quarter is old, no one of whom smokes, and two in three of the others do.

    >>> plain, old = (Query.create(model.graph, do=do) for do in ({}, {"Old": 1}))
    >>> labels, seeds = model.labels.draw(1_000, plain, seed=0)
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
        self._compiled = tf.function(self._chunks, jit_compile=True)
        # rows of every number in one trace, which XLA does not have
        rows = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, len(self.variables)], tf.float32)]
        self._compiled_rows = tf.function(self.__call__, input_signature=rows)

    def __call__(self, seeds: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Labels of the rows with these seeds, in plain TensorFlow operations.

        Args:
            seeds: int64 [B].
            do: float32 [B, K], one number a node, NaN = untouched; None: nothing is set.

        Returns:
            float32 [B, K], one number a node: 0/1, a category's place, or a continuous value.
        """
        drawn = self.mechanisms.noise(seeds)
        fixed = None if do is None else columns.encode(self.variables, tf.transpose(do))
        return tf.transpose(columns.decode(self.variables, self.mechanisms.labels(drawn, fixed)))

    def draw(self, n: int, query: Query, seed: int, max_draws: int = MAX_DRAWS) -> tuple[np.ndarray, np.ndarray]:
        """`n` rows under a query.

        Conditions are met by rejection: the candidate rows 0, 1, 2, ... of the seed are drawn under the
        interventions, and the first `n` that satisfy `given` are kept.

        Args:
            n: rows wanted, at least 1.
            query: interventions and conditions.
            seed: seed of the draw.
            max_draws: budget of candidate rows.

        Returns:
            [n, K] one number a node, uint8 if all labels are discrete, else float32; int64 [n] the rows' seeds.

        Raises:
            InputError: `n` below 1, or fewer than `n` rows within the budget.
        """
        if n < 1:
            raise InputError(f"n: expected at least 1 row, got {n}.")
        do = tf.constant(query.do_vector(self.graph)[:, None])
        kept, found, first = [], 0, 0
        # whole calls even for a few rows: one compiled shape serves every n, and what is too many is cut off
        while found < n and first < max(max_draws, n):
            labels, seeds = (part.numpy() for part in self._compiled(np.int64(seed), np.int64(first), do))
            first += len(labels)
            if query.given:
                fits = meets(labels, self.graph, query.given)
                labels, seeds = labels[fits], seeds[fits]
            kept.append((labels, seeds))
            found += len(labels)
        if found < n:
            way_out = "Ask for fewer rows" if found else "The model hardly ever shows that: condition on less"
            raise InputError(
                f"Found {found} of {n} rows with {_event(query)} in {first:,} draws (rate {found / first:.1e}). "
                f"{way_out}, set the labels by do, or raise max_draws (--max_draws)."
            )
        labels, seeds = (np.concatenate(parts)[:n] for parts in zip(*kept, strict=True))
        return labels, seeds

    def redraw(self, seeds: np.ndarray, query: Query) -> np.ndarray:
        """The rows of these seeds int64 [n] under the interventions of a query: [n, K], as `draw` gives them."""
        return self.under(seeds, np.tile(query.do_vector(self.graph), [len(seeds), 1]))

    def under(self, seeds: np.ndarray, do: np.ndarray) -> np.ndarray:
        """The rows of these seeds int64 [n], each under interventions of its own: [n, K], as `draw` gives them.

        Args:
            seeds: int64 [n].
            do: float32 [n, K], one number a node, NaN = untouched.
        """
        labels = self._compiled_rows(tf.constant(seeds, tf.int64), tf.constant(do)).numpy()
        return labels if self.graph.sizes is None else labels.astype(np.uint8)

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

    def _chunks(self, seed: tf.Tensor, first: tf.Tensor, do: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Rows first .. first + CHUNK * CHUNKS - 1: [rows, K] and their seeds int64 [rows]."""
        kind = tf.float32 if self.graph.sizes is None else tf.uint8
        labels = tf.zeros([CHUNKS, CHUNK, len(self.graph)], kind)
        seeds = tf.reshape(noise.row_seeds(seed, first, CHUNK * CHUNKS), [CHUNKS, CHUNK])
        fixed = columns.encode(self.variables, do)
        for i in tf.range(CHUNKS):
            drawn = self.mechanisms.noise(seeds[i])
            rows = columns.decode(self.variables, self.mechanisms.labels(drawn, fixed))
            labels = tf.tensor_scatter_nd_update(labels, [[i]], tf.transpose(tf.cast(rows, kind))[None])
        return tf.reshape(labels, [-1, len(self.graph)]), tf.reshape(seeds, [-1])


def _event(query: Query) -> str:
    given, under = Query({}, query.given, query.variables).text(), Query(query.do, {}, query.variables).text()
    return f"{given} under {under}" if under else given
