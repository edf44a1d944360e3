"""Checks of what a served model is asked, inside the graph: an error names the label, its values and what came."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from causalgan_tf.graphs.variables import Categorical, Variable

INTERVAL = "NaN, for given_low and given_high hold it"  # of a number in given
LISTED = 200  # letters of a category's values that an error shows


class RequestChecks:
    """Checks inputs of K labels, float32 [B, K], NaN where nothing is said of a label.

    >>> from causalgan_tf.graphs.variables import Binary, Continuous
    >>> checks = RequestChecks({"Ill": Binary(), "Age": Continuous(0.0, 100.0)})
    >>> checks.values("do", tf.constant([[1.0, np.nan]])).numpy().tolist()
    [[1.0, nan]]
    >>> checks.values("do", tf.constant([[1.0, 130.0]]))
    Traceback (most recent call last):
    tensorflow.python.framework.errors_impl.InvalidArgumentError: ...do of Age: expected a number from 0 to 100...
    """

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        """Takes the labels' types, in graph order."""
        self.names = list(variables)
        self.kinds = [_kind(variable) for variable in variables.values()]
        self.sizes = np.array([variable.size or 0 for variable in variables.values()])
        bounds = [_bounds(variable) for variable in variables.values()]
        self.low, self.high = (np.array(part, np.float32) for part in zip(*bounds, strict=True))

    @property
    def any_row(self) -> np.ndarray:
        """Labels [K] that there may be: 0, or of a number the value in its bounds that is nearest to it."""
        return np.clip(np.float32(0.0), self.low, self.high)

    def together(self, most: int, **inputs: tf.Tensor) -> list[tf.Tensor]:
        """Inputs of as many rows each, `most` at most; one row stands for all."""
        inputs = {name: self._few(name, value, most) for name, value in inputs.items()}
        sizes = {name: tf.shape(value)[0] for name, value in inputs.items()}
        several = tf.reduce_max([tf.where(size == 1, -1, size) for size in sizes.values()])
        rows, width, found = tf.where(several < 0, 1, several), len(self.names), []
        alike = f"as many rows as the largest of {', '.join(inputs)} has, {{}}, or one"
        for name, value in inputs.items():
            message = tf.strings.format(f"{name}: expected {alike}; got {{}}.", [rows, sizes[name]])
            checked = _asserted((sizes[name] == rows) | (sizes[name] == 1), message, value)
            if value.shape.rank == 2:
                columns = tf.shape(value)[1]
                message = f"{name}: expected {width} columns, one a label in graph order, got {{}}."
                checked = _asserted(columns == width, tf.strings.format(message, [columns]), checked)
                found.append(tf.ensure_shape(tf.broadcast_to(checked, [rows, width]), [None, width]))
            else:
                found.append(tf.broadcast_to(checked, [rows]))
        return found

    def _few(self, name: str, value: tf.Tensor, most: int) -> tf.Tensor:
        """An input of at most so many rows: a short request must not take a server's memory."""
        rows = tf.shape(value)[0]
        message = f"{name}: expected at most {most} rows in a request, got {{}}. Ask in several."
        return _asserted(rows <= most, tf.strings.format(message, [rows]), value)

    def values(self, what: str, values: tf.Tensor) -> tf.Tensor:
        """Values [B, K] of the input `what`, each one that its label has, or NaN."""
        return self._only(what, values, self._has(values) | tf.math.is_nan(values), self._or_nan)

    def whole(self, what: str, values: tf.Tensor) -> tf.Tensor:
        """Values [B, K] of the input `what`, each one that its label has."""
        return self._only(what, values, self._has(values), self.kinds)

    def places(self, what: str, values: tf.Tensor) -> tf.Tensor:
        """As `values`, but of numbers NaN alone: intervals are asked of them."""
        texts = [text if size else INTERVAL for text, size in zip(self._or_nan, self.sizes, strict=True)]
        good = (self._has(values) & (self.sizes > 0)) | tf.math.is_nan(values)
        return self._only(what, values, good, texts)

    def ends(self, what: str, values: tf.Tensor) -> tf.Tensor:
        """Ends [B, K] of intervals: of numbers any, infinite ones too, of other labels NaN alone."""
        good = (self.sizes == 0) | tf.math.is_nan(values)
        return self._only(what, values, good, ["NaN, for it is in given"] * len(self.names))

    def apart(self, do: tf.Tensor, asked: tf.Tensor) -> tf.Tensor:
        """Interventions [B, K], none on a label of which a condition is asked, bool [B, K]."""

        def message(row: tf.Tensor, column: tf.Tensor) -> list[tf.Tensor | str]:
            return [tf.gather(self.names, column), " is in do and in given in row ", tf.strings.as_string(row)]

        return _first_refused(do, tf.math.is_nan(do) | ~asked, message)

    @property
    def _or_nan(self) -> list[str]:
        return [f"{kind} or NaN" for kind in self.kinds]

    def _has(self, values: tf.Tensor) -> tf.Tensor:
        """Whether a label has a value, bool [B, K]."""
        place = (values == tf.round(values)) & (values >= 0.0) & (values < self.sizes.astype(np.float32))
        number = tf.math.is_finite(values) & (values >= self.low) & (values <= self.high)
        return tf.where(self.sizes > 0, place, number)

    def _only(self, what: str, values: tf.Tensor, good: tf.Tensor, expected: Sequence[str]) -> tf.Tensor:
        """Values [B, K] if all are good; `expected`: of each label, for the error."""

        def message(row: tf.Tensor, column: tf.Tensor) -> list[tf.Tensor | str]:
            name, kind = (tf.gather(texts, column) for texts in (self.names, list(expected)))
            got = tf.strings.as_string(values[row, column], shortest=True)
            return [f"{what} of ", name, ": expected ", kind, ", got ", got, " in row ", tf.strings.as_string(row)]

        return _first_refused(values, good, message)


def _first_refused(values: tf.Tensor, good: tf.Tensor, message: Callable[..., list[tf.Tensor | str]]) -> tf.Tensor:
    """Values [B, K] if all are good, bool [B, K]; else an error of what `message` says of the first that is not."""

    def refuse() -> tf.Tensor:
        row, column = tf.unstack(tf.where(~good)[0])
        return _asserted(tf.constant(False), tf.strings.join([*message(row, column), "."]), values)

    # the message is only made where it is needed
    return tf.cond(tf.reduce_all(good), lambda: values, refuse)


def _asserted(condition: tf.Tensor, message: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """The value, behind an assertion."""
    assertion = tf.debugging.Assert(condition, [message])
    with tf.control_dependencies([] if assertion is None else [assertion]):  # there is none outside a graph
        return tf.identity(value)


def _bounds(variable: Variable) -> tuple[float, float]:
    """The least and the largest number of a label, 0 and 0 of one that has places."""
    if variable.size is not None:
        return 0.0, 0.0
    return (variable.low, variable.high) if variable.bounded else (-math.inf, math.inf)


def _kind(variable: Variable) -> str:
    """What a label's values are."""
    if isinstance(variable, Categorical):
        return ", ".join(f"{place} ({name})" for place, name in enumerate(variable.categories))[:LISTED]
    if variable.size is not None:
        return "0, 1"
    return f"a number from {variable.low:g} to {variable.high:g}" if variable.bounded else "a finite number"
