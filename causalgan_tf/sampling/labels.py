"""Labels from a trained causal controller: P(.), P(. | do(x)), P(. | z) and P(. | do(x), z)."""

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.networks import mechanisms as nets
from causalgan_tf.query import Query

CHUNK = 4_096  # rows of one pass: their layers stay in the processor's cache
CHUNKS = 16  # passes of one compiled call
MAX_DRAWS = 20_000_000  # default budget of conditional sampling, rows


class LabelSampler:
    """Draws label rows; row i of a draw is a function of (seed, i) and of the intervention alone."""

    def __init__(self, graph: CausalGraph, generator: keras.Model) -> None:
        """Wraps a trained networks.mechanisms.label_generator."""
        self.graph = graph
        self.weights = nets.mechanisms(generator, graph)
        self.noise_size = generator.inputs[0].shape[-1]
        self._compiled = tf.function(self._chunks, jit_compile=True)

    def __call__(self, seeds: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Labels of the rows with these seeds, in plain TensorFlow operations.

        Args:
            seeds: int64 [B].
            do: float32 [B, K], NaN = untouched; None: nothing is set.

        Returns:
            float32 [B, K] of 0/1: the mechanisms' outputs rounded at .5 (a value that is set stays as it is).
        """
        drawn = noise.uniform(seeds, self.graph.nodes, self.noise_size)
        soft = nets.draw_labels(self.graph, self.weights, drawn, None if do is None else tf.transpose(do))
        rounded = tf.cast(soft > 0.5, tf.float32)
        return tf.transpose(rounded if do is None else nets.intervene(rounded, tf.transpose(do)))

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
            uint8 [n, K] labels, columns in graph order; int64 [n] the rows' seeds.

        Raises:
            InputError: `n` below 1, or fewer than `n` rows within the budget.
        """
        if n < 1:
            raise InputError(f"n: expected at least 1 row, got {n}.")
        do = tf.constant(query.do_vector(self.graph)[:, None])
        wanted = {self.graph.index(node): value for node, value in query.given.items()}
        kept, found, first = [], 0, 0
        while found < n and first < max(max_draws, n):
            labels, seeds = (part.numpy() for part in self._compiled(np.int64(seed), np.int64(first), do))
            fits = np.ones(len(labels), bool)
            for column, value in wanted.items():
                fits &= labels[:, column] == value
            kept.append((labels[fits], seeds[fits]))
            found += int(fits.sum())
            first += len(labels)
        if found < n:
            raise InputError(
                f"Found {found} of {n} rows with {_event(query)} in {first:,} draws (rate {found / first:.1e}). "
                "Raise max_draws, ask for fewer rows, or set the labels with do= instead."
            )
        labels, seeds = (np.concatenate(parts)[:n] for parts in zip(*kept, strict=True))
        return labels, seeds

    def _chunks(self, seed: tf.Tensor, first: tf.Tensor, do: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Rows first .. first + CHUNK * CHUNKS - 1: uint8 [rows, K] and their seeds int64 [rows]."""
        labels = tf.zeros([CHUNKS, CHUNK, len(self.graph)], tf.uint8)
        seeds = tf.reshape(noise.row_seeds(seed, first, CHUNK * CHUNKS), [CHUNKS, CHUNK])
        for i in tf.range(CHUNKS):
            drawn = noise.uniform(seeds[i], self.graph.nodes, self.noise_size)
            rows = tf.transpose(tf.cast(nets.draw_labels(self.graph, self.weights, drawn, do) > 0.5, tf.uint8))
            labels = tf.tensor_scatter_nd_update(labels, [[i]], rows[None])
        return tf.reshape(labels, [-1, len(self.graph)]), tf.reshape(seeds, [-1])


def _event(query: Query) -> str:
    given = ", ".join(f"{node}={value}" for node, value in query.given.items())
    under = ", ".join(f"{node}={value}" for node, value in query.do.items())
    return f"{given} under do({under})" if under else given
