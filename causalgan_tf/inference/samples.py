"""What a model draws: labels, images, seeds, and which rows lie where there are training images."""

import dataclasses

import numpy as np
import pandas as pd

from causalgan_tf.graphs import names
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import showing
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.query import Query

SHOWN = 100  # letters of the labels' names in a representation


@dataclasses.dataclass(frozen=True, repr=False)
class Samples:
    """What `CausalModel.sample` returns; a notebook shows its first labels and images.

    Attributes:
        labels: n rows, one column a node, in graph order: uint8 of 0/1, categories with their names, float32.
        images: uint8 [n, S, S, C], or None if only labels were asked for.
        seeds: int64 [n], the rows' seeds: the exported model draws the same row from them, but for labels that another
            method than "direct" and "rejection" drew.
        query: the do and given that they were drawn for.
        supported: bool [n], whether some training image has the row's labels, a number in its quarter of the training
            images; elsewhere an image is extrapolated. None: not known, as of a model of labels.
        diagnostics: how the rows were found.

    Examples:
        `model` was fitted to a data frame, see `fit_labels`.

        >>> samples = model.sample(3, seed=7)
        >>> list(samples.labels), samples.images, samples.seeds.shape
        (['Old', 'Smokes'], None, (3,))
    """

    labels: pd.DataFrame
    images: np.ndarray | None
    seeds: np.ndarray
    query: Query = Query({}, {}, {})
    supported: np.ndarray | None = None
    diagnostics: Diagnostics = Diagnostics("direct", 0)

    def __repr__(self) -> str:
        shape = "none" if self.images is None else f"{self.images.dtype} {list(self.images.shape)}"
        return (
            f"Samples: {len(self.labels):,} rows, {self.query.text() or 'no do, no given'}\n"
            f"labels: {names.listed(list(self.labels.columns), SHOWN)}\n"
            f"images: {shape}" + (f"\n{self.support_in_words()}" if self.supported is not None else "")
        )

    def support_in_words(self) -> str:
        """How many rows lie in label cells with training images; empty where it is not known.

        Examples:
            >>> drawn = causalgan_tf.load("builtin:faces").sample(100, do={"Mustache": 1}, seed=7)
            >>> drawn.support_in_words()
            '46 of 100 rows lie in label cells with training images'
        """
        if self.supported is None:
            return ""
        count, n = int(self.supported.sum()), len(self.supported)
        return f"{count:,} of {n:,} row{'s' * (n != 1)} lie in label cells with training images"

    def _repr_html_(self) -> str:
        return showing.page(repr(self), self.labels, self.images)

    def _repr_png_(self) -> bytes | None:
        return showing.grid_png(self.images) if self.images is not None and len(self.images) else None


def label_frame(graph: CausalGraph, rows: np.ndarray) -> pd.DataFrame:
    """Label rows [n, K] of numbers as a data frame of the user's values, one column a node."""
    if graph.is_binary:
        return pd.DataFrame(rows, columns=list(graph.nodes), copy=False)
    columns = {node: variable.column(rows[:, k]) for k, (node, variable) in enumerate(graph.variables.items())}
    return pd.DataFrame(columns, copy=False)


def with_seeds(labels: pd.DataFrame, seeds: np.ndarray) -> pd.DataFrame:
    """The labels, and last the seeds of the rows: in a column `seed`, or `row_seed`, ... where a label is called so.

    >>> list(with_seeds(pd.DataFrame({"seed": [1]}), np.array([7])))
    ['seed', 'row_seed']
    """
    return labels.assign(**{free_name("seed", labels): seeds})


def free_name(name: str, table: pd.DataFrame) -> str:
    """A name for a new column: `name`, or `row_name`, ... where there is one of that name."""
    while name in table:
        name = f"row_{name}"
    return name
