"""What a source of data gives: values without TensorFlow."""

import dataclasses
from collections.abc import Callable

import numpy as np

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.laws import LabelLaw
from causalgan_tf.variables import Binary


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images and their labels, row by row.

    Attributes:
        images: uint8 [n, S, S, C], in memory or memory-mapped.
        labels: uint8 [n, K] of 0/1, columns in graph order.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Everything that a run learns from and is measured against.

    Attributes:
        graph: causal graph over K labels, the kind of every node resolved: categories, mean and deviation included.
        label_rows: [N, K], the rows that the causal controller is trained on, one column of numbers a node: 0 or 1 of a
            binary label, the place of a category, a continuous label itself. uint8 if every label is binary or
            categorical (at most 256 categories), else float32.
        train: images to train on; None: labels only.
        test: images held out; None: labels only.
        uniform: images with uniform label cells, for the judge; None where nothing can render them.
        law: the exact law of the labels; None where it is not known.
        render: (labels [n, K], seed) to uint8 [n, S, S, C], images as the truth draws them; None: no renderer.
        dropped_rows: rows of the source that are not in `label_rows`, for they miss a value.
    """

    graph: CausalGraph
    label_rows: np.ndarray
    train: ImageSet | None = None
    test: ImageSet | None = None
    uniform: ImageSet | None = None
    law: LabelLaw | None = None
    render: Callable[[np.ndarray, int], np.ndarray] | None = None
    dropped_rows: int = 0


def require_binary(graph: CausalGraph, user: str) -> None:
    """InputError if a label is not binary; `user` is what needs binary ones."""
    for node, variable in graph.variables.items():
        if not isinstance(variable, Binary):
            raise InputError(
                f"{user}: image models need binary labels for now; {node} is {variable.text()}. Make it a label of 0 "
                f"and 1, drop {node} from the graph, or learn labels alone: --dataset=table."
            )
