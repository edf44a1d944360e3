"""What a served model answers: signatures in plain TensorFlow operations, each request checked inside the graph.

Every input is required. Rows come first and are independent: a row is a function of its own seed and values, whatever
batch it comes in. A batch has at most ROWS rows, or SEARCHED. One row of an input beside several of the others stands
for all of them. Labels are numbers in graph order, K of them: 0 or 1, a category's place, or the value of a number.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.inference.abduction import predicted
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.request_checks import RequestChecks
from causalgan_tf.networks import columns
from causalgan_tf.networks.exogenous import exogenous_of
from causalgan_tf.networks.stacked import unpack

CANDIDATES = 64  # rows of a seed that are looked at in one step
MOST = 4_096  # rows of a seed that are looked at before a condition counts as not met
CELLS = 16_384  # label cells up to which probabilities are computed
ROWS, SEARCHED = 65_536, 4_096  # rows of a request at most; where images are drawn or candidates looked at
TABLE = 2**22  # label cells of all rows of a request for probabilities
DRAWN = 64  # images that are drawn at once
PNG_CHANNELS = (1, 3, 4)

Outputs = dict[str, tf.Tensor]


class Signature(NamedTuple):
    """One of a served model's functions: of keyword inputs, which it names with their types.

    >>> list(Signatures(model, card="{}").all["labels"].inputs)
    ['seed', 'do']
    """

    function: Callable[..., Outputs]
    inputs: dict[str, tf.TensorSpec]


class Signatures:
    """The signatures of a model.

    >>> served = Signatures(model, card="{}")
    >>> sorted(served.all)
    ['counterfactual', 'labels', 'metadata', 'probability', 'sample', 'sample_given']
    >>> unset = np.full([1, 2], np.nan, np.float32)
    >>> row = served.sample(tf.constant([1, 2], tf.int64), tf.constant([[0.0, np.nan]]))  # one do beside two seeds
    >>> row["labels"].shape.as_list(), row["labels"].numpy()[:, 0].tolist()
    ([2, 2], [0.0, 0.0])
    >>> served.sample(tf.constant([1], tf.int64), tf.constant([[2.0, np.nan]]))
    Traceback (most recent call last):
    tensorflow.python.framework.errors_impl.InvalidArgumentError: ...do of Old: expected 0, 1 or NaN, got 2...
    """

    def __init__(self, model: CausalModel, card: str = "") -> None:
        """Takes a trained model, and what `metadata` answers."""
        self.model, self.card = model, card
        self.variables: dict[str, Variable] = model.graph.variables
        self.checks = RequestChecks(self.variables)
        self.sizes = self.checks.sizes
        # functions of their own, so that the exported graph holds each network once and not in every signature
        rows = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, len(self.variables)], tf.float32)]
        self._labels = tf.function(model.labels.__call__, input_signature=rows, autograph=False)
        self._images = tf.function(self._in_parts, input_signature=rows, autograph=False) if model.images else None
        self.most = SEARCHED if model.images else ROWS

    @property
    def all(self) -> dict[str, Signature]:
        """Every signature that this model has, by name."""
        ends = ("given_low", "given_high") if (self.sizes == 0).any() else ()
        found = {
            "sample": Signature(self.sample, _inputs("seed", "do")),
            "labels": Signature(self.labels, _inputs("seed", "do")),
            "sample_given": Signature(self.sample_given, _inputs("seed", "do", "given", *ends)),
            "metadata": Signature(self.metadata, _inputs("row")),
        }
        if self.model.images and self.model.images.shape[2] in PNG_CHANNELS:
            found["picture"] = Signature(self.picture, _inputs("seed", "value", "set"))
        if self.model.states_probabilities:
            found["counterfactual"] = Signature(self.counterfactual, _inputs("seed", "observed", "do"))
        if self.model.states_probabilities and not ends and math.prod(map(int, self.sizes)) <= CELLS:
            found["probability"] = Signature(self.probability, _inputs("event", "do", "given"))
        return found

    def sample(self, seed: tf.Tensor, do: tf.Tensor) -> Outputs:
        """Labels and images of rows.

        Args:
            seed: int64 [B].
            do: float32 [B, K], NaN where a label is left alone.

        Returns:
            `labels` float32 [B, K] and, if the model draws images, `image` uint8 [B, S, S, C].
        """
        seed, do = self.checks.together(self.most, seed=seed, do=do)
        labels = self._labels(seed, self.checks.values("do", do))
        return {"labels": labels} | ({"image": self._images(seed, labels)} if self.model.images else {})

    def labels(self, seed: tf.Tensor, do: tf.Tensor) -> Outputs:
        """The labels of `sample` alone."""
        seed, do = self.checks.together(ROWS, seed=seed, do=do)
        return {"labels": self._labels(seed, self.checks.values("do", do))}

    # the name is that of the input
    def picture(self, seed: tf.Tensor, value: tf.Tensor, set: tf.Tensor) -> Outputs:
        """`sample` for clients whose JSON knows no NaN, and an image as a file.

        Args:
            seed: int64 [B].
            value: float32 [B, K], of which those count that are set.
            set: bool [B, K].

        Returns:
            `labels` float32 [B, K] and `image_bytes`, string [B]: PNG files.
        """
        seed, value, chosen = self.checks.together(self.most, seed=seed, value=value, set=set)
        # what is not set may hold anything, and what is set must hold a value
        value = self.checks.whole("value", tf.where(chosen, value, self.checks.any_row))
        drawn = self.sample(seed, tf.where(chosen, value, math.nan))
        files = tf.map_fn(tf.io.encode_png, drawn["image"], fn_output_signature=tf.TensorSpec([], tf.string))
        return {"labels": drawn["labels"], "image_bytes": files}

    def sample_given(
        self,
        seed: tf.Tensor,
        do: tf.Tensor,
        given: tf.Tensor,
        given_low: tf.Tensor | None = None,
        given_high: tf.Tensor | None = None,
    ) -> Outputs:
        """Rows under do that meet a condition: the first of MOST candidates of each seed that does.

        Args:
            seed: int64 [B].
            do: float32 [B, K], NaN where a label is left alone.
            given: float32 [B, K] of discrete labels, NaN where there is no condition.
            given_low: float32 [B, K] of numbers, NaN: from the lowest.
            given_high: float32 [B, K] of numbers, NaN: to the highest.

        Returns:
            `labels` float32 [B, K], NaN where no candidate met the condition; `image` uint8 [B, S, S, C], then 0;
            `accepted` bool [B]; `draws` int64 [B], candidates that were looked at; `row_seed` int64 [B], of the
            candidate, which `sample` draws again.
        """
        ends = {} if given_low is None else {"given_low": given_low, "given_high": given_high}
        seed, do, given, *limits = self.checks.together(SEARCHED, seed=seed, do=do, given=given, **ends)
        do, given = self.checks.values("do", do), self.checks.places("given", given)
        low, high = [self.checks.ends(*end) for end in zip(ends, limits, strict=True)] or [given, given]
        asked = ~tf.math.is_nan(given) | ~tf.math.is_nan(low) | ~tf.math.is_nan(high)
        do = self.checks.apart(do, asked)
        labels, chosen, draws, accepted = self._first(seed, do, self._meets(given, low, high))
        found = {"labels": labels, "accepted": accepted, "draws": draws, "row_seed": chosen}
        if not self.model.images:
            return found
        # an image is asked of every row; of one without labels it is thrown away
        image = self._images(chosen, tf.where(accepted[:, None], labels, self.checks.any_row))
        return found | {"image": tf.where(accepted[:, None, None, None], image, tf.zeros_like(image))}

    def probability(self, event: tf.Tensor, do: tf.Tensor, given: tf.Tensor) -> Outputs:
        """P(event | do, given), summed over all label cells.

        Args:
            event: float32 [B, K], NaN where the event says nothing.
            do: float32 [B, K], NaN where a label is left alone.
            given: float32 [B, K], NaN where there is no condition.

        Returns:
            `probability` float32 [B].
        """
        most = min(ROWS, TABLE // int(np.prod(self.sizes)))
        event, do, given = self.checks.together(most, event=event, do=do, given=given)
        event, do, given = (
            self.checks.values(name, part) for name, part in (("event", event), ("do", do), ("given", given))
        )
        do = self.checks.apart(do, ~tf.math.is_nan(given))
        strides = np.concatenate([[1], np.cumprod(self.sizes)[:-1]])
        cells = tf.range(int(np.prod(self.sizes)), dtype=tf.int64)[:, None] // strides % self.sizes
        numbers = tf.cast(cells, tf.float32)
        encoded = columns.encode(list(self.variables.values()), tf.transpose(numbers))
        logs = tf.transpose(self.model.mechanisms.row_log_probability(encoded))
        # a node that is set has no mechanism; its value has probability 1
        set_to = do[:, None]
        free = tf.reduce_sum(tf.where(tf.math.is_nan(set_to), logs, 0.0), -1)
        possible = self._agree(numbers, set_to) & self._agree(numbers, given[:, None])
        # as shares of the likeliest cell: of a rare condition no digit is lost
        free = tf.where(possible, free, -math.inf)
        within = tf.exp(free - tf.reduce_max(free, 1, keepdims=True))
        hit = tf.where(self._agree(numbers, event[:, None]), within, 0.0)
        return {"probability": tf.reduce_sum(hit, 1) / tf.reduce_sum(within, 1)}

    def counterfactual(self, seed: tf.Tensor, observed: tf.Tensor, do: tf.Tensor) -> Outputs:
        """What units that were seen would have been under do, see inference.abduction.

        Args:
            seed: int64 [B], of the noise that a unit's labels leave open.
            observed: float32 [B, K], every label of each unit.
            do: float32 [B, K], NaN where a label is left alone.

        Returns:
            `labels` float32 [B, K] and, if the model draws images, `image` uint8 [B, S, S, C]: one with these labels.
        """
        seed, observed, do = self.checks.together(self.most, seed=seed, observed=observed, do=do)
        observed, do = self.checks.whole("observed", observed), self.checks.values("do", do)
        graph, mechanisms, under = self.model.graph, self.model.mechanisms, {}
        stacks = unpack(tf.convert_to_tensor(mechanisms.vector), mechanisms.shapes)
        uniforms = self._abduction(seed)
        for k, node in enumerate(graph.nodes):
            value, parents = observed[:, k], graph.parents[node]
            if parents:
                seen = tf.gather(observed, [graph.index(parent) for parent in parents], axis=1)
                now = tf.stack([under[parent] for parent in parents], 1)
                own = predicted(mechanisms, node, value, seen, now, uniforms[node], stacks)
                # the others keep what was seen, to the bit
                value = tf.where(tf.reduce_any(now != seen, 1), tf.cast(own, tf.float32), value)
            under[node] = tf.where(tf.math.is_nan(do[:, k]), value, do[:, k])
        labels = tf.stack(list(under.values()), 1)
        return {"labels": labels} | ({"image": self._images(seed, labels)} if self.model.images else {})

    def _abduction(self, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """The noise [U, B] of each node that has parents: drawn at once, for a cipher a node fills the graph."""
        nodes = [node for node in self.variables if self.model.graph.parents[node]]
        if not nodes:
            return {}
        width = max(exogenous_of(self.variables[node]).uniforms for node in nodes)
        drawn = noise.unit(seed, [f"{noise.ABDUCTION}{node}" for node in nodes], width)
        return dict(zip(nodes, tf.split(drawn, len(nodes)), strict=True))

    def metadata(self, row: tf.Tensor) -> Outputs:
        """The model's card as JSON, `card` string [B], for each of `row` int64 [B]."""
        (row,) = self.checks.together(SEARCHED, row=row)
        return {"card": tf.fill(tf.shape(row), self.card)}

    def _in_parts(self, seed: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Images of rows, drawn in parts: the networks' layers take a hundred times the memory of the images."""
        rows, shape = tf.shape(seed)[0], self.model.images.shape

        def draw(first: tf.Tensor, found: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            part = slice(first, first + DRAWN)
            return first + DRAWN, found.write(first // DRAWN, self.model.images(seed[part], labels[part]))

        # one part even of no rows, so that there is something to join
        parts = tf.TensorArray(tf.uint8, 1, dynamic_size=True, infer_shape=False, element_shape=[None, *shape])
        _, parts = tf.while_loop(
            lambda first, _: (first < rows) | (first == 0), draw, (tf.constant(0), parts), parallel_iterations=1
        )
        return tf.ensure_shape(parts.concat(), [None, *shape])

    def _first(
        self, seed: tf.Tensor, do: tf.Tensor, meets: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """The first candidates that meet a condition: labels [B, K], seeds, how many were looked at, and whether."""
        rows, width = tf.shape(seed)[0], len(self.variables)

        def look(
            step: tf.Tensor, labels: tf.Tensor, chosen: tf.Tensor, draws: tf.Tensor, accepted: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            open_rows = tf.where(~accepted)
            seeds = noise.derived(tf.gather_nd(seed, open_rows), CANDIDATES, step * CANDIDATES)
            own = tf.repeat(tf.gather_nd(do, open_rows), CANDIDATES, axis=0)
            drawn = tf.reshape(self._labels(tf.reshape(seeds, [-1]), own), [-1, CANDIDATES, width])
            fits = meets(drawn, open_rows[:, 0])
            first, found = tf.argmax(fits, 1), tf.reduce_any(fits, 1)
            kept = tf.where(found[:, None], tf.gather(drawn, first, batch_dims=1), math.nan)
            looked = tf.where(found, first + 1, tf.constant(CANDIDATES, tf.int64))
            return (
                step + 1,
                tf.tensor_scatter_nd_update(labels, open_rows, kept),
                tf.tensor_scatter_nd_update(chosen, open_rows, tf.gather(seeds, first, batch_dims=1)),
                tf.tensor_scatter_nd_add(draws, open_rows, looked),
                tf.tensor_scatter_nd_update(accepted, open_rows, found),
            )

        start = (
            tf.constant(0, tf.int64),
            tf.fill([rows, width], math.nan),
            seed,
            tf.zeros([rows], tf.int64),
            tf.fill([rows], False),
        )
        _, labels, chosen, draws, accepted = tf.while_loop(
            lambda step, *state: (step < MOST // CANDIDATES) & ~tf.reduce_all(state[-1]), look, start
        )
        return labels, chosen, draws, accepted

    def _meets(self, given: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Whether labels [b, n, K] of these rows int64 [b] of the request meet its conditions: bool [b, n]."""
        discrete = self.sizes > 0

        def meets(labels: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
            value, least, most = (tf.gather(part, rows)[:, None] for part in (given, low, high))
            equal = tf.math.is_nan(value) | (labels == value)
            inside = (tf.math.is_nan(least) | (labels >= least)) & (tf.math.is_nan(most) | (labels <= most))
            return tf.reduce_all(tf.where(discrete, equal, inside), -1)

        return meets

    def _agree(self, numbers: tf.Tensor, asked: tf.Tensor) -> tf.Tensor:
        """Whether cells [C, K] have the values [B, 1, K] that are asked for, NaN any: bool [B, C]."""
        return tf.reduce_all(tf.math.is_nan(asked) | (numbers == asked), -1)


def _inputs(*names: str) -> dict[str, tf.TensorSpec]:
    """The types of inputs; those of labels have any width, so that a wrong one is an error that names the input."""
    rows = {name: tf.TensorSpec([None], tf.int64, name) for name in ("seed", "row")}
    chosen = {"set": tf.TensorSpec([None, None], tf.bool, "set")}
    return {name: (rows | chosen).get(name, tf.TensorSpec([None, None], tf.float32, name)) for name in names}
