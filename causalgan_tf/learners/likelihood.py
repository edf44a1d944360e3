"""Explicit mechanisms by maximum likelihood: the sum over nodes of log P(label | parents)."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import one_code
from causalgan_tf.learners.controller import ControllerLearner, encoded
from causalgan_tf.learners.optimization import update_average
from causalgan_tf.networks import columns
from causalgan_tf.networks.explicit import ExplicitController, Parts, Seen
from causalgan_tf.networks.schedule import EMPTY
from causalgan_tf.networks.stacked import pack

SIZE = 4  # ratio of the numbers of distinct rows that are padded to each other


class LikelihoodTrainer(ControllerLearner):
    """Mechanisms that state distributions, fitted to label rows node by node.

    The loss is the rows' mean of -log P(labels) in nats, plus weight_decay / (2 N) times the kernels' squares: a normal
    prior, whose weight beside N rows falls as 1 / N. Of nodes that have few distinct rows with their parents, the
    shares stand for all rows and the gradient is exact; for the others a step takes a batch.

    >>> mechanisms, averaged = (ExplicitController(CausalGraph.from_text("A -> B"), 8, 2) for _ in range(2))
    >>> rows = np.array([[0, 0], [0, 1], [0, 1], [0, 1], [1, 1]])
    >>> learner = LikelihoodTrainer(mechanisms, averaged, rows)
    >>> learner.compile(ControllerConfig(steps=1_000, weight_decay=0.0))
    >>> _ = learner.advance(1_000)
    >>> averaged.probabilities("B", np.array([[0.0]])).round(2).tolist()  # three of the four rows where A is 0
    [[0.25, 0.75]]
    """

    logged = ("negative_log_likelihood",)

    def __init__(
        self,
        mechanisms: ExplicitController,
        averaged: ExplicitController,
        rows: np.ndarray,
        seed: int = 0,
        held: np.ndarray | None = None,
    ) -> None:
        """Joins the networks and the training rows, see ControllerLearner.

        `held`, bool [N, K]: nodes that were set in a row, whose mechanisms it says nothing of; None: none was.
        """
        super().__init__(mechanisms, averaged, rows, seed)
        self.players = {"generator": mechanisms}
        self.table, self.exact, self.rest, self.held, self.distinct_rows = rows, None, None, held, 0
        if held is not None:
            self.told = tf.Variable(_told(held), trainable=False)

    def compile(self, config: ControllerConfig) -> None:
        """Sets the optimisation; InputError for fewer rows than a batch that the replicas cannot share."""
        self.distinct_rows = config.distinct_rows
        exact, self.rest = split_families(self.mechanisms, self.table, self.distinct_rows, self.held)
        # variables, not constants of the compiled loop: resampled rows change them
        self.exact = exact._replace(shares=[tf.Variable(share, trainable=False) for share in exact.shares])
        self.prior = config.weight_decay / len(self.table)
        self.kernels = tf.constant(
            pack([[(np.ones(kernel), np.zeros(bias)) for kernel, bias in stack] for stack in self.mechanisms.shapes])
        )
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps or 1, config.decay_to)
        batch_size = min(config.batch_size, len(self.table))
        if self.rest and batch_size % self.replicas:
            shared = batch_size // self.replicas * self.replicas
            raise InputError(
                f"The {batch_size} rows are one batch, which {self.replicas} replicas cannot share: expected "
                f"{f'--controller_batch_size={shared}, or ' if shared else ''}one device."
            )
        config = dataclasses.replace(config, batch_size=batch_size)
        super().compile(config, {"generator": keras.optimizers.Adam(rate, config.beta1, 0.99)})

    def restart(self, weights: tf.Tensor, drawn: np.ndarray, seed: int) -> None:
        """Begins anew, on rows drawn from the table; the compiled loop stays.

        Args:
            weights: the mechanisms' vector at the start.
            drawn: int [N], numbers of rows of the table.
            seed: of the choice of rows.
        """
        self.seed.assign(seed)
        self.rows.assign(encoded(self.mechanisms.graph, self.table[drawn]))
        if self.held is not None:
            self.told.assign(_told(self.held[drawn]))
        counts = np.bincount(drawn, minlength=len(self.table))
        exact, _ = split_families(self.mechanisms, self.table, self.distinct_rows, self.held, counts)
        for variable, share in zip(self.exact.shares, exact.shares, strict=True):
            variable.assign(share)
        for variable in self.optimizers["generator"].variables:
            variable.assign(tf.zeros(variable.shape, variable.dtype))
        self.mechanisms.vector.assign(weights)
        self.averaged.vector.assign(weights)

    def train_step(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step along the gradient of the likelihood."""
        return self.mean_logs(self.update, step)

    def update(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of the mechanisms; returns their loss without the prior."""
        parts, seen, shares = self._asked(step)
        with tf.GradientTape() as tape:
            found = self.mechanisms.log_probability(seen, parts)
            loss = -sum(tf.reduce_sum(share * part) for share, part in zip(shares, found, strict=True))
            prior = 0.5 * self.prior * tf.reduce_sum(self.kernels * tf.square(self.mechanisms.vector))
            total = loss + prior
        gradient = tape.gradient(total, self.mechanisms.vector)
        self.apply([gradient], self.optimizers["generator"], [self.mechanisms.vector])
        update_average([self.averaged.vector], [self.mechanisms.vector], self.ema)
        return {"negative_log_likelihood": loss}

    def _asked(self, step: tf.Tensor) -> "Families":
        """What the mechanisms are asked in a step: distinct rows with their shares, and a batch of the other nodes."""
        if not self.rest:
            return self.exact
        chosen = noise.step_choice(self.seed, step, 0, [self.batch_size], self.rows.shape[0])
        rows = tf.cast(tf.gather(self.rows, self._replica_rows(chosen)), tf.float32)
        seen = self.mechanisms.seen(tf.transpose(rows), self.rest)
        shares = [tf.fill([1, 1], 1.0 / rows.shape[0])] * len(seen)
        if self.held is not None:
            told = tf.transpose(tf.gather(self.told, self._replica_rows(chosen))) / rows.shape[0]
            shares = [tf.gather(told, self._nodes(part)) for part in self.rest]
        batch = Families(self.rest, seen, shares)
        return Families(*(list(own) + list(other) for own, other in zip(self.exact, batch, strict=True)))

    def _nodes(self, part: tuple[int, np.ndarray]) -> np.ndarray:
        """The numbers of the nodes at a part's places; 0 where a place is empty, whose logarithm is 0."""
        s, chosen = part
        return np.maximum(self.mechanisms.schedule.stacks[s].nodes.ravel()[chosen], 0)


def _told(held: np.ndarray) -> np.ndarray:
    """The weight of each row for each mechanism, float32 [N, K], of mean 1: 0 where the node was set."""
    return (~held / np.maximum((~held).mean(0), 1.0 / len(held))).astype(np.float32)


class Families(NamedTuple):
    """Distinct rows of nodes and their parents.

    Attributes:
        parts: the places that each of the other two speak of, see networks.explicit.
        seen: what ExplicitController.seen gives of them, padded to a number of distinct rows D.
        shares: of all rows, [places, D] each, 0 where a place has fewer.

    >>> mechanisms = ExplicitController(CausalGraph.from_text("A -> B"), 8, 2)
    >>> found = families(mechanisms, np.array([[0, 0], [0, 1], [0, 1], [1, 1]]), most=9)
    >>> found.shares[1].numpy().tolist()  # of B with A: (0, 0), (0, 1), (1, 1)
    [[0.25, 0.5, 0.25]]
    """

    parts: Parts
    seen: Seen
    shares: Sequence[tf.Tensor]


def split_families(
    mechanisms: ExplicitController,
    rows: np.ndarray,
    most: int,
    held: np.ndarray | None = None,
    counts: np.ndarray | None = None,
) -> tuple[Families, Parts]:
    """The families that have at most `most` distinct rows, and the places of the other nodes.

    `held`: as in LikelihoodTrainer; `counts`: int [N], how often each row counts; None: once.

    Nodes of about as many distinct rows share a part: padding all to the largest would cost more than the rows do. A
    graph with a continuous label has no families here.
    """
    graph, sizes, found = mechanisms.graph, {}, {}
    for node in graph.nodes if graph.sizes and most else ():
        told = slice(None) if held is None else ~held[:, graph.index(node)]
        found[node] = distinct_family(graph, node, rows[told], counts=None if counts is None else counts[told])
    for node, (values, _) in found.items():
        if len(values) <= most:
            sizes[graph.index(node)] = SIZE ** math.ceil(math.log(len(values), SIZE))
    if sizes and sum(sizes.values()) * SIZE > max(sizes.values()) * len(sizes):
        sizes = dict.fromkeys(sizes, max(sizes.values()))  # about the same work in fewer parts
    exact, rest = [], []
    for s, stack in enumerate(mechanisms.schedule.stacks):
        own = [sizes.get(k, 0) if k != EMPTY else EMPTY for k in stack.nodes.ravel()]
        for size in sorted(set(own) - {EMPTY}):
            (exact if size else rest).append((s, np.flatnonzero(np.array(own) == size)))
    return _padded(mechanisms, exact, found), rest


def families(mechanisms: ExplicitController, rows: np.ndarray, most: int, tempered: bool = False) -> Families | None:
    """The distinct rows of each node and its parents, with their shares of the rows.

    Args:
        mechanisms: of a graph of K nodes.
        rows: [N, K], one number a node.
        most: distinct rows of a node and its parents up to which they are looked for.
        tempered: see `distinct_family`.

    Returns:
        Those of all places of each stack; None: a label is continuous, or a node has more than `most`.
    """
    graph, found = mechanisms.graph, {}
    if graph.sizes is None or not most:
        return None
    for node in graph.nodes:
        found[node] = distinct_family(graph, node, rows, tempered)
        if len(found[node][0]) > most:
            return None
    return _padded(mechanisms, mechanisms.whole, found)


def _padded(
    mechanisms: ExplicitController, parts: Parts, found: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Families:
    """Families of the nodes at some places, each part padded to its largest number of distinct rows."""
    graph, seen, shares = mechanisms.graph, [], []
    for s, chosen in parts:
        stack = mechanisms.schedule.stacks[s]
        nodes = [(place, graph.nodes[k]) for place, k in enumerate(stack.nodes.ravel()[chosen]) if k != EMPTY]
        width = max(len(found[node][0]) for _, node in nodes)
        above = np.zeros([len(chosen), stack.parents.shape[2], width], np.float32)
        own = np.zeros([len(chosen), stack.columns.shape[2], width], np.float32)
        share = np.zeros([len(chosen), width], np.float32)
        for place, node in nodes:
            values, part = found[node]
            parents = mechanisms.parents_seen(node, tf.constant(values[:, :-1], tf.float32))
            label = columns.encode([graph.variables[node]], tf.constant(values[:, -1:].T, tf.float32))
            above[place, : parents.shape[0], : len(values)] = parents
            own[place, : label.shape[0], : len(values)] = label
            share[place, : len(values)] = part
        seen.append((tf.constant(above), tf.constant(own)))
        shares.append(tf.constant(share))
    return Families(parts, seen, shares)


def distinct_family(
    graph: CausalGraph,
    node: str,
    rows: np.ndarray,
    tempered: bool = False,
    counts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows [D, P + 1] of a node's parents and the node, and their shares [D] of all rows.

    `counts`: int [N], how often each row counts; None: once. `tempered`: half of the weight is shared out among the
    parents' settings by log(count + 1), within a setting as the rows are.
    """
    family = [*map(graph.index, graph.parents[node]), graph.index(node)]
    own = rows[:, family]
    sizes = [graph.variables[graph.nodes[k]].size for k in family]
    if math.prod(sizes) < 2**63:
        # numbers sort ten times as fast as rows
        code = one_code(list(own.T[::-1]), sizes[::-1])
        _, first, *found = np.unique(
            code, return_index=True, return_inverse=counts is not None, return_counts=counts is None
        )
        values = own[first]
    else:
        values, *found = np.unique(own, axis=0, return_inverse=counts is not None, return_counts=counts is None)
    counts = found[0] if counts is None else np.bincount(found[0].ravel(), counts, len(values))
    shares = counts / max(counts.sum(), 1)
    if tempered:
        _, setting = np.unique(values[:, :-1], axis=0, return_inverse=True)
        seen = np.bincount(setting.ravel(), counts)
        weight = np.log(seen + 1.0) / np.log(seen + 1.0).sum()
        shares = 0.5 * shares + 0.5 * (weight / seen)[setting.ravel()] * counts
    return values, shares
