"""Label columns: how rows of numbers, one a node, enter and leave the networks. Batch last throughout.

A binary label is one column of 0/1; a categorical one a column of 0/1 for each category; a continuous one a column
standardised by the training rows.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from causalgan_tf.graph import CausalGraph
from causalgan_tf.variables import Binary, Categorical, Continuous, Variable


def offsets(variables: Mapping[str, Variable]) -> tuple[dict[str, int], int]:
    """The first column of each node, and the number of columns."""
    first, columns = {}, 0
    for node, variable in variables.items():
        first[node] = columns
        columns += variable.width
    return first, columns


def count(graph: CausalGraph) -> int:
    """How many columns the labels of a graph have."""
    return offsets(graph.variables)[1]


def centring(graph: CausalGraph) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift, float32 [C] each, that bring columns to a range around 0 before a layer sees them.

    Columns of 0/1 become -1/1: what is learnt of a label's absence then moves as easily as what is learnt of its
    presence. Continuous columns are standardised already.
    """
    kinds = [variable for variable in graph.variables.values() for _ in range(variable.width)]
    continuous = np.array([isinstance(kind, Continuous) for kind in kinds])
    return np.where(continuous, 1.0, 2.0).astype(np.float32), np.where(continuous, 0.0, -1.0).astype(np.float32)


def encode(variables: Sequence[Variable], values: tf.Tensor) -> tf.Tensor:
    """Columns of label values.

    Args:
        variables: the kinds of K labels.
        values: [K, B], one number a node: 0/1, a category's place, or a continuous value; NaN stays NaN.

    Returns:
        float32 [C, B].
    """
    values = tf.cast(values, tf.float32)
    if all(isinstance(variable, Binary) for variable in variables):
        return values
    return tf.concat([_columns(variable, values[k : k + 1]) for k, variable in enumerate(variables)], 0)


def _columns(variable: Variable, value: tf.Tensor) -> tf.Tensor:
    if isinstance(variable, Binary):
        return value
    if isinstance(variable, Continuous):
        return (value - variable.mean) / variable.std
    places = tf.range(variable.size, dtype=tf.float32)[:, None]
    return tf.where(tf.math.is_nan(value), value, tf.cast(value == places, tf.float32))


def decode(variables: Sequence[Variable], columns: tf.Tensor) -> tf.Tensor:
    """Label values of columns that are hard, that is 0/1 but for continuous ones; float32 [C, B] to [K, B]."""
    if all(isinstance(variable, Binary) for variable in variables):
        return columns
    parts = tf.split(columns, [variable.width for variable in variables])
    return tf.concat([_value(variable, part) for variable, part in zip(variables, parts, strict=True)], 0)


def _value(variable: Variable, columns: tf.Tensor) -> tf.Tensor:
    if isinstance(variable, Continuous):
        value = columns * variable.std + variable.mean
        return tf.clip_by_value(value, variable.low, variable.high) if variable.bounded else value
    if isinstance(variable, Categorical):
        return tf.cast(tf.argmax(columns, 0, tf.int32), tf.float32)[None]
    return columns
