"""What a served model answers: signatures in plain TensorFlow operations, each request checked inside the graph.

Every input is required. Rows come first and are independent: a row is a function of its own seed and values, whatever
batch it comes in. One row of an input beside several of the others stands for all of them. Labels are numbers in graph
order, K of them: 0 or 1, a category's place, or the value of a number.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.graphs.variables import Categorical, Variable
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.networks import columns
from causalgan_tf.networks.exogenous import exogenous_of
from causalgan_tf.networks.stacked import unpack

CANDIDATES = 64  # rows of a seed that are looked at in one step
MOST = 4_096  # rows of a seed that are looked at before a condition counts as not met
CELLS = 16_384  # label cells up to which probabilities are computed
PNG_CHANNELS = (1, 3, 4)
TOLD = tf.TensorSpec([], tf.string)

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

    def __init__(self, model: CausalModel, card: str) -> None:
        """Takes a trained model, and what `metadata` answers."""
        self.model, self.card = model, card
        self.variables: dict[str, Variable] = model.graph.variables
        self.names = tf.constant(list(self.variables))
        self.expected = tf.constant([_expected(variable) for variable in self.variables.values()])
        self.sizes = np.array([variable.size or 0 for variable in self.variables.values()])
        bounds = [_bounds(variable) for variable in self.variables.values()]
        self.low, self.high = (np.array(part, np.float32) for part in zip(*bounds, strict=True))
        # functions of their own, so that the exported graph holds each network once and not in every signature
        rows = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, len(self.variables)], tf.float32)]
        self._labels = tf.function(model.labels.__call__, input_signature=rows)
        self._images = tf.function(model.images.__call__, input_signature=rows) if model.images else None

    @property
    def all(self) -> dict[str, Signature]:
        """Every signature that this model has, by name."""
        seed = row = tf.TensorSpec([None], tf.int64)
        # of any width: another one than K is an error with a name
        values, chosen = tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None, None], tf.bool)
        given = {"given": values}
        if (self.sizes == 0).any():
            given |= {"given_low": values, "given_high": values}
        found = {
            "sample": Signature(self.sample, {"seed": seed, "do": values}),
            "labels": Signature(self.labels, {"seed": seed, "do": values}),
            "sample_given": Signature(self.sample_given, {"seed": seed, "do": values, **given}),
            "metadata": Signature(self.metadata, {"row": row}),
        }
        if self.model.images and self.model.images.shape[2] in PNG_CHANNELS:
            found["picture"] = Signature(self.picture, {"seed": seed, "value": values, "set": chosen})
        if self.model.states_probabilities and (self.sizes > 0).all() and math.prod(map(int, self.sizes)) <= CELLS:
            asked = {"event": values, "do": values, "given": values}
            found["probability"] = Signature(self.probability, asked)
        if self.model.states_probabilities:
            found["counterfactual"] = Signature(self.counterfactual, {"seed": seed, "observed": values, "do": values})
        for _, inputs in found.values():
            inputs |= {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in inputs.items()}
        return found

    def sample(self, seed: tf.Tensor, do: tf.Tensor) -> Outputs:
        """Labels and images of rows.

        Args:
            seed: int64 [B].
            do: float32 [B, K], NaN where a label is left alone.

        Returns:
            `labels` float32 [B, K] and, if the model draws images, `image` uint8 [B, S, S, C].
        """
        seed, do = self._together(seed=seed, do=do)
        labels = self._labels(seed, self._checked("do", do))
        return {"labels": labels} | ({"image": self._images(seed, labels)} if self.model.images else {})

    def labels(self, seed: tf.Tensor, do: tf.Tensor) -> Outputs:
        """The labels of `sample` alone."""
        seed, do = self._together(seed=seed, do=do)
        return {"labels": self._labels(seed, self._checked("do", do))}

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
        seed, value, chosen = self._together(seed=seed, value=value, set=set)
        # what is not set may hold anything, and what is set must hold a value
        value = tf.where(chosen, value, np.clip(0.0, self.low, self.high).astype(np.float32))
        drawn = self.sample(seed, tf.where(chosen, self._checked("value", value, whole=True), math.nan))
        files = tf.map_fn(tf.io.encode_png, drawn["image"], fn_output_signature=TOLD)
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
        seed, do, given, *limits = self._together(seed=seed, do=do, given=given, **ends)
        do, given = self._checked("do", do), self._checked("given", given, numbers=False)
        low, high = (
            (self._checked(name, end, any_number=True) for name, end in zip(ends, limits, strict=True))
            if ends
            else (given, given)
        )
        asked = ~tf.math.is_nan(given) | ~tf.math.is_nan(low) | ~tf.math.is_nan(high)
        do = self._apart(do, asked)
        labels, chosen, draws, accepted = self._first(seed, do, self._meets(given, low, high))
        found = {"labels": labels, "accepted": accepted, "draws": draws, "row_seed": chosen}
        if not self.model.images:
            return found
        # an image is asked of every row; of one without labels it is thrown away
        image = self._images(chosen, tf.where(accepted[:, None], labels, self.low))
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
        event, do, given = self._together(event=event, do=do, given=given)
        event, do, given = (
            self._checked(name, part) for name, part in (("event", event), ("do", do), ("given", given))
        )
        do = self._apart(do, ~tf.math.is_nan(given))
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
        seed, observed, do = self._together(seed=seed, observed=observed, do=do)
        observed, do = self._checked("observed", observed, whole=True), self._checked("do", do)
        graph, mechanisms, under = self.model.graph, self.model.mechanisms, {}
        stacks = unpack(tf.convert_to_tensor(mechanisms.vector), mechanisms.shapes)
        for k, (node, variable) in enumerate(self.variables.items()):
            value, parents = observed[:, k], graph.parents[node]
            if parents:
                seen = tf.gather(observed, [graph.index(parent) for parent in parents], axis=1)
                now = tf.stack([under[parent] for parent in parents], 1)
                own = exogenous_of(variable)
                uniform = tf.cast(noise.unit(seed, [f"{noise.ABDUCTION}{node}"], own.uniforms), tf.float64)
                both = mechanisms.stated_by(node, tf.concat([seen, now], 0), stacks)
                before, after = tf.split(both, 2, axis=1)
                unit = own.infer(before, tf.cast(value, tf.float64), uniform)
                predicted = tf.cast(own.value(after, unit), tf.float32)
                # the others keep what was seen, to the bit
                value = tf.where(tf.reduce_any(now != seen, 1), predicted, value)
            under[node] = tf.where(tf.math.is_nan(do[:, k]), value, do[:, k])
        labels = tf.stack(list(under.values()), 1)
        return {"labels": labels} | ({"image": self._images(seed, labels)} if self.model.images else {})

    def metadata(self, row: tf.Tensor) -> Outputs:
        """The model's card as JSON, `card` string [B], for each of `row` int64 [B]."""
        return {"card": tf.fill(tf.shape(row), self.card)}

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

    def _apart(self, do: tf.Tensor, conditions: tf.Tensor) -> tf.Tensor:
        """Interventions [B, K], none on a label with a condition bool [B, K]."""
        both = ~tf.math.is_nan(do) & conditions

        def refuse() -> tf.Tensor:
            row, column = tf.unstack(tf.where(both)[0])
            message = tf.strings.join(
                [self.names[column], " is in do and in given in row ", tf.strings.as_string(row), ": expected one."]
            )
            with tf.control_dependencies([tf.debugging.Assert(False, [message])]):
                return tf.identity(do)

        return tf.cond(tf.reduce_any(both), refuse, lambda: do)

    def _together(self, **inputs: tf.Tensor) -> list[tf.Tensor]:
        """Inputs of as many rows each; one row stands for all."""
        sizes = {name: tf.shape(value)[0] for name, value in inputs.items()}
        several = tf.reduce_max([tf.where(size == 1, -1, size) for size in sizes.values()])
        rows, width, checks = tf.where(several < 0, 1, several), len(self.variables), []
        for name, value in inputs.items():
            fits = (sizes[name] == rows) | (sizes[name] == 1)
            message = tf.strings.format(
                f"{name}: expected as many rows as the largest of {', '.join(inputs)} has, {{}}, or one; got {{}}.",
                [rows, sizes[name]],
            )
            checks.append(tf.debugging.Assert(fits, [message]))
            if value.shape.rank == 2:
                got = tf.shape(value)[1]
                message = tf.strings.format(
                    f"{name}: expected {width} columns, one a label in graph order, got {{}}.", [got]
                )
                checks.append(tf.debugging.Assert(got == width, [message]))
        with tf.control_dependencies([check for check in checks if check is not None]):
            found = []
            for value in inputs.values():
                if value.shape.rank == 1:
                    found.append(tf.broadcast_to(value, [rows]))
                else:
                    found.append(tf.ensure_shape(tf.broadcast_to(value, [rows, width]), [None, width]))
            return found

    def _checked(
        self, what: str, values: tf.Tensor, numbers: bool = True, any_number: bool = False, whole: bool = False
    ) -> tf.Tensor:
        """Values [B, K], each one that its label has, or NaN.

        Args:
            what: the input's name.
            values: float32 [B, K].
            numbers: whether a number may have one.
            any_number: whether a number may have any, infinite ones too, and other labels none.
            whole: whether NaN is refused.
        """
        discrete, unset = self.sizes > 0, tf.math.is_nan(values)
        place = (values == tf.round(values)) & (values >= 0.0) & (values < tf.constant(self.sizes, tf.float32))
        inside = tf.math.is_finite(values) & (values >= self.low) & (values <= self.high)
        if any_number:
            good = tf.where(discrete, unset, True)
        else:
            good = unset | tf.where(discrete, place, inside if numbers else tf.zeros_like(unset))
        said = "NaN, for it is in given" if any_number else ""
        texts = tf.where(discrete, said, self.expected) if any_number else self.expected
        if whole:
            good &= ~unset
            texts = tf.strings.regex_replace(self.expected, "(,? or|,) NaN$", "")
        if not numbers:
            texts = tf.where(discrete, texts, "NaN, for given_low and given_high hold it")

        def refuse() -> tf.Tensor:
            row, column = tf.unstack(tf.where(~good)[0])
            message = tf.strings.join(
                [
                    f"{what} of ",
                    self.names[column],
                    ": expected ",
                    tf.gather(texts, column),
                    ", got ",
                    tf.strings.as_string(values[row, column], shortest=True),
                    " in row ",
                    tf.strings.as_string(row),
                    ".",
                ]
            )
            with tf.control_dependencies([tf.debugging.Assert(False, [message])]):
                return tf.identity(values)

        return tf.cond(tf.reduce_all(good), lambda: values, refuse)


def _bounds(variable: Variable) -> tuple[float, float]:
    """The least and the largest number of a label that is no number of places."""
    if variable.size is None and variable.bounded:
        return variable.low, variable.high
    return (-math.inf, math.inf) if variable.size is None else (0.0, 0.0)


def _expected(variable: Variable) -> str:
    """What a label's values are, for an error."""
    if isinstance(variable, Categorical):
        listed = ", ".join(f"{place} ({name})" for place, name in enumerate(variable.categories))
        return f"{listed[:200]} or NaN"
    if variable.size is not None:
        return "0, 1 or NaN"
    return (
        f"a number from {variable.low:g} to {variable.high:g} or NaN" if variable.bounded else "a finite number or NaN"
    )
