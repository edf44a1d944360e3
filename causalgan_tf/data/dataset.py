"""The value that every data source returns, and statistics of its labels; without TensorFlow."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from causalgan_tf.data.do_rows import DoRows
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import ObservedCells, row_codes
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import parse_probability

SPAN = 0.99  # quantile of a continuous label up to which it is visited on purpose
EXAMPLES = 512  # cells of which ObservedCells keeps a row; every generated row is compared with each of them
BINS = 4  # of a continuous label, where rows are grouped into cells
NUMBERED = 2**63  # cells whose numbers are int64
MIXED = 1_000_000  # intervened rows that are drawn to count how often a cell is visited, at least one a row of the data
MOST = 20.0  # times that a row may be drawn more often than in the data: rarer ones would be learnt by heart


@dataclasses.dataclass(frozen=True, repr=False)
class ImageSet:
    """Images and their labels, row by row.

    Attributes:
        images: uint8 [n, S, S, C], in memory or memory-mapped.
        labels: [n, K], columns in graph order, one number a label as in `Dataset.label_rows`.

    >>> ImageSet(np.zeros([5, 16, 16, 3], np.uint8), np.zeros([5, 2]))
    5 images of [16, 16, 3]
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"{len(self):,} images of {list(self.images.shape[1:])}"


@dataclasses.dataclass(frozen=True, repr=False)
class Dataset:
    """Everything that a run learns from and is measured against.

    Attributes:
        graph: causal graph over K labels, the type of every node resolved: categories, mean and deviation included.
        label_rows: [N, K], the rows that the causal controller is trained on, one column of numbers a node: 0 or 1 of a
            binary label, the place of a category, a continuous label itself. uint8 if every label is binary or
            categorical (at most 256 categories), else float32.
        train: images to train on; None: labels only.
        test: images held out; None: labels only.
        uniform: images with uniform labels, for the classifier to train on; None where nothing can render them.
        uniform_test: the same, to measure the classifier by; None: part of `uniform` is held out for that.
        law: the exact distribution of the labels; None where it is not known, or not one of cells.
        sample_labels: (n, do, seed) to label rows [n, K] of the true distribution under an intervention; None: `law`
            draws them, or they are not known.
        measures: of some labels, what measures them on images uint8 [n, S, S, C] without a network: to float64 [n].
        render: (labels [n, K], seed) to uint8 [n, S, S, C], images as the truth draws them; None: no renderer.
        image_files: a hash of names and sizes of the image files, - and one of contents; empty: the configuration says
            which images they are.
        queries: probabilities that a report states, such as "P(A=1|do(B=0))"; those of other labels than the binary
            ones of the graph are left out.
        dropped_rows: rows of the source that are not in `label_rows`, for they miss a value.
        do_rows: further rows for the causal controller, on which nodes were set; None: there are none.

    >>> graph, rows = CausalGraph.from_text("A -> B"), np.array([[0, 1], [1, 1]], np.uint8)
    >>> dataset = Dataset(graph, rows, queries=("P(B=1|do(A=0))", "P(C=1)"))
    >>> dataset.queries  # there is no C
    ('P(B=1|do(A=0))',)
    >>> dataset
    Dataset: 2 rows of labels
    CausalGraph: 2 nodes, 1 edge
    edges: A -> B
    types: A: binary; B: binary
    """

    graph: CausalGraph
    label_rows: np.ndarray
    train: ImageSet | None = None
    test: ImageSet | None = None
    uniform: ImageSet | None = None
    uniform_test: ImageSet | None = None
    law: LabelDistribution | None = None
    render: Callable[[np.ndarray, int], np.ndarray] | None = None
    dropped_rows: int = 0
    do_rows: DoRows | None = None
    sample_labels: Callable[[int, Mapping[str, Any] | None, int], np.ndarray] | None = None
    measures: Mapping[str, Callable[[np.ndarray], np.ndarray]] = dataclasses.field(default_factory=dict)
    image_files: str = ""
    queries: tuple[str, ...] = ()

    @property
    def all_rows(self) -> np.ndarray:
        """All label rows, those on which nodes were set behind the others and marked: what identifies the table."""
        return np.concatenate([self.label_rows, self.do_rows.marked]) if self.do_rows else self.label_rows

    def __post_init__(self) -> None:
        binary = {node for node, variable in self.graph.variables.items() if isinstance(variable, Binary)}
        answered = (text for text in self.queries if set().union(*parse_probability(text)) <= binary)
        object.__setattr__(self, "queries", tuple(answered))

    def __repr__(self) -> str:
        more = {"with nodes that were set": self.do_rows and len(self.do_rows.labels), "dropped": self.dropped_rows}
        rows = "".join(f", {count:,} {what}" for what, count in more.items() if count)
        images = "".join(f"\n{part}: {getattr(self, part)!r}" for part in ("train", "test") if getattr(self, part))
        return f"Dataset: {len(self.label_rows):,} rows of labels{rows}{images}\n{self.graph!r}"


def require_binary(graph: CausalGraph, user: str) -> None:
    """InputError if a label is not binary; `user` is what has or takes binary ones alone."""
    for node, variable in graph.variables.items():
        if not isinstance(variable, Binary):
            raise InputError(
                f"{user}: expected binary labels; the graph says that {node} is {variable.text()}. Drop its "
                f"declaration, or {node} from the graph."
            )


def label_ranges(graph: CausalGraph, rows: np.ndarray) -> np.ndarray:
    """Lowest and highest value of each label that is visited on purpose: float32 [K, 2].

    For a continuous label: the quantiles 1 - SPAN and SPAN of its rows [N, K]: too few rows
    lie beyond them to learn from. For a discrete label: its first and its last value.
    """
    ends = [
        (0, variable.size - 1) if variable.size else np.quantile(rows[:, k], (1.0 - SPAN, SPAN))
        for k, variable in enumerate(graph.variables.values())
    ]
    return np.array(ends, np.float32).reshape([len(graph), 2])


def uniform_labels(graph: CausalGraph, rows: np.ndarray, n: int, seed: int) -> np.ndarray:
    """`n` label rows of independent labels: fair coins, uniform categories, uniform numbers of `label_ranges`.

    Args:
        graph: causal graph over K labels, with their types.
        rows: label rows [N, K] of the data, whose ranges count.
        n: how many.
        seed: of the draw.

    Returns:
        [n, K], uint8 if every label is discrete, else float32.
    """
    rng = np.random.default_rng(seed)
    if graph.is_binary:
        return rng.integers(0, 2, (n, len(graph)), np.uint8)
    columns = [
        rng.integers(0, variable.size, n) if variable.size else rng.uniform(low, high, n)
        for variable, (low, high) in zip(graph.variables.values(), label_ranges(graph, rows), strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.float32 if graph.sizes is None else np.uint8)


def label_cells(graph: CausalGraph, labels: np.ndarray, rows: np.ndarray | None = None, bins: int = BINS) -> np.ndarray:
    """A number of the cell of each label row, a continuous label cut into bins that hold equally many rows.

    Args:
        graph: causal graph over K labels, with their types.
        labels: label rows [n, K].
        rows: label rows [N, K] whose quantiles cut; None: `labels`.
        bins: of each continuous label.

    Returns:
        int64 [n]; equal rows of discrete labels, and only they, have equal numbers.
    """
    if graph.is_binary:
        return row_codes(labels)
    cut = np.array(labels, np.float64)
    for k, edges in enumerate(cell_edges(graph, labels if rows is None else rows, bins)):
        if len(edges):
            cut[:, k] = np.searchsorted(edges, cut[:, k])
    return row_codes(cut, cell_sizes(graph, bins))


def cell_sizes(graph: CausalGraph, bins: int = BINS) -> tuple[int, ...]:
    """How many values or bins each label has where rows are grouped into cells."""
    return tuple(variable.size or bins for variable in graph.variables.values())


def cell_edges(graph: CausalGraph, rows: np.ndarray, bins: int) -> list[np.ndarray]:
    """Where each label is cut into cells, ascending: a continuous one at quantiles of its rows, a discrete one not."""
    # quantiles, so that every bin holds as many rows, however skew the label is
    shares = np.arange(1, bins) / bins
    return [
        np.zeros(0) if variable.size else np.quantile(rows[:, k], shares)
        for k, variable in enumerate(graph.variables.values())
    ]


def observed_cells(graph: CausalGraph, rows: np.ndarray) -> ObservedCells:
    """The cells of label rows [N, K], continuous labels cut as in `label_cells`."""
    codes, first, count = np.unique(label_cells(graph, rows), return_index=True, return_counts=True)
    examples = np.asarray(rows)[first[np.argsort(-count, kind="stable")[:EXAMPLES]]]
    return ObservedCells(cell_sizes(graph), tuple(cell_edges(graph, rows, BINS)), codes, examples, count)


def training_cells(dataset: Dataset) -> ObservedCells | None:
    """The cells of the training images; None without images, or where the cells are too many to be numbered."""
    if dataset.train is None or math.prod(cell_sizes(dataset.graph)) > NUMBERED:
        return None
    return observed_cells(dataset.graph, dataset.train.labels)


def mixed_weights(graph: CausalGraph, rows: np.ndarray, single: float, everywhere: float, seed: int) -> np.ndarray:
    """How often to draw each row of the data so that its labels follow the distribution after label mixing.

    The mixed distribution q intervenes on a share of the rows, see learners.image_learner.mix_labels. A row weighs q
    / p of its cell, p being the data's own distribution, but no more than `MOST`. Cells that the data do not hold
    cannot be weighed in.

    Args:
        graph: causal graph over K labels, with their types.
        rows: label rows [N, K] of the data.
        single: share of the rows in which one label, picked at random, becomes a coin.
        everywhere: share of the rows in which every label does.
        seed: of the intervened rows that are counted.

    Returns:
        float64 [N], positive unless single + everywhere is 1; all 1 if both are 0.

    Raises:
        InputError: the mixed distribution visits no cell that the data hold.
    """
    values, cell, count = np.unique(label_cells(graph, rows), return_inverse=True, return_counts=True)
    draws = -(-MIXED // len(rows))
    random_labels = uniform_labels(graph, rows, draws * len(rows), seed)
    picked = np.random.default_rng((seed, 1)).integers(0, len(graph), (len(random_labels), 1))
    one = np.where(np.arange(len(graph)) == picked, random_labels, np.tile(rows, (draws, 1)))

    def visits(labels: np.ndarray) -> np.ndarray:
        """How many of the labels fall into each cell of the data, for one row of the data."""
        codes = label_cells(graph, labels, rows)
        place = np.searchsorted(values, codes).clip(max=len(values) - 1)
        return np.bincount(place[values[place] == codes], minlength=len(values)) / draws

    mixed = (1.0 - single - everywhere) * count + single * visits(one) + everywhere * visits(random_labels)
    if not mixed.any():
        raise InputError(
            "No label cell that label mixing visits is in the data: expected some, so that the discriminator has real "
            "rows. Use --image_discriminator_rows=data, or mix less than all rows."
        )
    return np.minimum(mixed / count, MOST)[cell]
