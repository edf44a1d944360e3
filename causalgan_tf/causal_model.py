"""A trained causal implicit generative model: one verb, `sample`, for every question."""

import dataclasses
from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd

from causalgan_tf import noise
from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.query import Query
from causalgan_tf.sampling.images import ImageSampler
from causalgan_tf.sampling.labels import MAX_DRAWS, LabelSampler


@dataclasses.dataclass(frozen=True)
class Samples:
    """What `CausalModel.sample` returns.

    Attributes:
        labels: n rows of 0/1, one column a node, in graph order.
        images: uint8 [n, S, S, C], or None if only labels were asked for.
        seeds: int64 [n], the rows' seeds: the exported model draws the same row from them.
    """

    labels: pd.DataFrame
    images: np.ndarray | None
    seeds: np.ndarray


class CausalModel:
    """Causal controller and, if it was trained, the image generator."""

    def __init__(
        self,
        graph: CausalGraph,
        label_generator: keras.Model,
        image_generator: keras.Model | None = None,
        label_encoding: str = "sign",
    ) -> None:
        """Joins trained networks; causalgan_tf.load builds it from a run folder."""
        self.graph = graph
        self.label_generator, self.image_generator = label_generator, image_generator
        self.labels = LabelSampler(graph, label_generator)
        self.images = ImageSampler(image_generator, label_encoding) if image_generator else None

    @property
    def image_size(self) -> int | None:
        """Side of the images, pixels; None if the model draws labels only."""
        return self.images.shape[0] if self.images else None

    def sample(
        self,
        n: int,
        do: Mapping[str, int] | None = None,
        given: Mapping[str, int] | None = None,
        seed: int = 0,
        images: bool | None = None,
        max_draws: int = MAX_DRAWS,
    ) -> Samples:
        """Draws exactly `n` rows from P(. | do(x), z).

        The same seed draws the same exogenous noise whatever `do` is: without `given`, row i of two interventions is
        the same unit, and labels that are not descendants of an intervention are equal.

        Args:
            n: rows, at least 1.
            do: interventions, node to 0 or 1.
            given: conditions, node to 0 or 1, in the model that `do` has mutilated.
            seed: seed of the draw, any int64.
            images: whether images are drawn too; None: if the model has an image generator.
            max_draws: candidate rows that may be drawn to meet `given`.

        Raises:
            InputError: an unknown node, a value other than 0 and 1, a node in both, n below 1, images from a model of
                labels, or a condition that is not met `n` times within `max_draws`.
        """
        if images and self.images is None:
            raise InputError("images: this model draws labels only. Train its images: --stages=images.")
        labels, seeds = self.labels.draw(n, Query.create(self.graph, do, given), seed, max_draws)
        drawn = self.images.draw(labels, seeds) if self.images and images is not False else None
        return Samples(pd.DataFrame(labels, columns=list(self.graph.nodes)), drawn, seeds)

    def sample_labels(
        self, n: int, do: Mapping[str, int] | None = None, given: Mapping[str, int] | None = None, seed: int = 0
    ) -> np.ndarray:
        """The labels of `sample` alone, uint8 [n, K], columns in graph order."""
        return self.labels.draw(n, Query.create(self.graph, do, given), seed)[0]

    def images_of(self, labels: np.ndarray, seed: int = 0) -> np.ndarray:
        """Images of given labels.

        Args:
            labels: [n, K] of 0/1, or between for an interpolation, columns in graph order.
            seed: seed of the images' noise.

        Returns:
            uint8 [n, S, S, C].

        Raises:
            InputError: a model of labels only, or labels of another width.
        """
        if self.images is None:
            raise InputError("images_of: this model draws labels only. Train its images: --stages=images.")
        labels = np.asarray(labels)
        if labels.ndim != 2 or labels.shape[1] != len(self.graph):
            raise InputError(f"labels: expected [n, {len(self.graph)}], got {list(labels.shape)}.")
        return self.images.draw(labels, noise.row_seeds(seed, 0, len(labels)).numpy())
