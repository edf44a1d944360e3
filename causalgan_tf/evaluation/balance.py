"""Weights of rows for a judge of real images: every value of a label counts alike, and on rows that can tell it apart.

In real images labels come together: of women hardly one has a mustache. A plain classifier of such images says rare
labels too seldom, and reads sex where it should read the mustache. So label k learns from the rows whose other labels
occur with several of its values (the overlap), and all of its values weigh alike.
"""

import dataclasses

import numpy as np

from causalgan_tf.data.dataset import cell_sizes, label_cells
from causalgan_tf.graphs.graph import CausalGraph

FEWEST = 50  # rows of each value in the overlap; with fewer a label learns from all rows


@dataclasses.dataclass(frozen=True)
class LabelWeights:
    """What each row counts for each label.

    >>> rows = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 0], [1, 1]])
    >>> weights = label_weights(CausalGraph.from_text("Male; Mustache"), rows, fewest=2)
    >>> weights.overlap.tolist()  # one man alone has a mustache: fewer than 2
    [True, False]
    >>> weights.weights.mean(axis=0).tolist()
    [1.0, 1.0]

    Attributes:
        weights: float64 [n, K], mean 1 of each label; a continuous label's are all 1.
        overlap: bool [K], whether a label learns from the overlap alone; False: from all rows.
    """

    weights: np.ndarray
    overlap: np.ndarray


def label_weights(graph: CausalGraph, labels: np.ndarray, fewest: int = FEWEST) -> LabelWeights:
    """The weights of label rows.

    A discrete label's row weighs n / (V n_v): n_v rows that count have its value v, of V values that any of them has.

    >>> graph = CausalGraph.from_text("Male; Mustache")
    >>> rows = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 0], [1, 1]])
    >>> label_weights(graph, rows, fewest=1).weights[:, 1].tolist()  # of a mustache only men tell
    [0.0, 0.0, 0.0, 1.5, 1.5, 3.0]

    Args:
        graph: causal graph over K labels, with their types.
        labels: label rows [n, K].
        fewest: rows of each value that an overlap must have.

    Raises:
        InputError: the labels have more cells than int64 can number.
    """
    codes, strides = label_cells(graph, labels), np.cumprod([1, *cell_sizes(graph)[:-1]], dtype=np.int64)
    weights, overlap = np.ones(labels.shape, np.float64), np.zeros(len(graph), bool)
    for k, variable in enumerate(graph.variables.values()):
        if not variable.size:
            continue
        values = labels[:, k].astype(np.int64)
        tells = _in_overlap(codes - values * strides[k], values, variable.size)
        shown = np.bincount(values, minlength=variable.size) > 0
        overlap[k] = shown.sum() > 1 and np.bincount(values[tells], minlength=variable.size)[shown].min() >= fewest
        counts = np.bincount(values[tells] if overlap[k] else values, minlength=variable.size)
        weights[:, k] = len(labels) / (shown.sum() * np.maximum(counts, 1))[values]
        if overlap[k]:
            weights[~tells, k] = 0.0
    return LabelWeights(weights, overlap)


def _in_overlap(others: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Whether the cell of a row's other labels [n] occurs with more than one of the values [n]: bool [n]."""
    cells, place = np.unique(others, return_inverse=True)
    seen = np.zeros([len(cells), size], bool)
    seen[place, values] = True
    return (seen.sum(axis=1) > 1)[place]
