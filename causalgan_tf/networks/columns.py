"""Label columns: how rows of numbers, one a node, enter and leave the networks. Batch last throughout.

A binary label is one column of 0/1; a categorical one a column of 0/1 for each category; a continuous one a column
standardised by the training rows.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from keras import ops

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.networks.codecs import codecs_of


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
    codecs = codecs_of(list(graph.variables.values()))
    pairs = [(codec.scale, codec.shift) for codec in codecs for _ in range(codec.width)]
    scale, shift = np.array(pairs, np.float32).reshape([-1, 2]).T
    return scale, shift


def encode(variables: Sequence[Variable], values: tf.Tensor) -> tf.Tensor:
    """Columns of label values.

    Args:
        variables: the types of K labels.
        values: [K, B], one number a node: 0/1, a category's place, or a continuous value; NaN stays NaN.

    Returns:
        float32 [C, B].
    """
    if not variables:  # the parents of a node without any
        return ops.cast(values, "float32")
    codecs = codecs_of(variables)
    parts = split(ops.cast(values, "float32"), [codec.labels for codec in codecs])
    return ops.concatenate([codec.columns(part) for codec, part in zip(codecs, parts, strict=True)], 0)


def decode(variables: Sequence[Variable], columns: tf.Tensor) -> tf.Tensor:
    """Label values of columns that are hard, that is 0/1 but for continuous ones; float32 [C, B] to [K, B]."""
    codecs = codecs_of(variables)
    parts = split(columns, [codec.width for codec in codecs])
    return ops.concatenate([codec.values(part) for codec, part in zip(codecs, parts, strict=True)], 0)


def split(values: tf.Tensor, sizes: Sequence[int], axis: int = 0) -> list[tf.Tensor]:
    """Neighbouring parts of these sizes."""
    ends = np.cumsum([0, *sizes]).tolist()
    return [values[(slice(None),) * axis + (slice(*pair),)] for pair in itertools.pairwise(ends)]
