"""Applies the classifier and the feature extractor to images, chunk by chunk, so that memory stays bounded."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from causalgan_tf.evaluation.classifier import EvaluationClassifier
from causalgan_tf.evaluation.features import FeatureExtractor
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.metrics.images import Moments, balanced_accuracy

CHUNK = 1_000  # images that are drawn and looked at together


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Labels of images and the labels that the classifier predicted.

    Attributes:
        labels: [n, K], the labels that the images were drawn for.
        predicted: [n, K], the classifier's labels.
        measured: float64 [n, K], what measures of the data set find on the images, NaN where a label has none; None:
            nothing was measured.

    >>> Predictions(np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 1]])).agreement().tolist()
    [0.5, 1.0]
    """

    labels: np.ndarray
    predicted: np.ndarray
    measured: np.ndarray | None = dataclasses.field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.labels)

    def agreement(self, n: int | None = None) -> np.ndarray:
        """Share of the images, or of the first n, whose predicted label is the label, float64 [K]."""
        return (self.labels[:n] == self.predicted[:n]).mean(axis=0)

    def recall(self, k: int, value: int, n: int | None = None) -> float | None:
        """Share of the images, or of the first n, of label k at a value that show it; None where no image has it."""
        own = self.labels[:n, k] == value
        return float((self.predicted[:n, k][own] == value).mean()) if own.any() else None

    def balanced(self, graph: CausalGraph) -> np.ndarray:
        """The same, as the mean of the shares for each value of the label, see metrics.images.balanced_accuracy."""
        return balanced_accuracy(self.predicted, self.labels, [variable.size for variable in graph.variables.values()])

    def errors(self, n: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Mean absolute errors over the images, or the first n, of what was predicted and what was measured, [K] each.

        Those of a continuous label are in its own unit.
        """
        labels = self.labels[:n].astype(np.float64)
        predicted = np.abs(self.predicted[:n] - labels).mean(axis=0)
        return predicted, None if self.measured is None else np.abs(self.measured[:n] - labels).mean(axis=0)


@dataclasses.dataclass(frozen=True)
class ScoredImages(Predictions):
    """The same and the features of every image.

    >>> scored = ScoredImages(np.array([[0], [1], [1]]), np.array([[0], [0], [1]]), np.zeros([3, 2]))
    >>> scored.recall(0, 1), scored.first(2).recall(0, 1), scored.first(2).features.shape
    (0.5, 0.0, (2, 2))

    Attributes:
        features: float32 [n, F], the extractor's features.
    """

    features: np.ndarray

    def first(self, n: int) -> "ScoredImages":
        """The first n images."""
        measured = None if self.measured is None else self.measured[:n]
        return ScoredImages(self.labels[:n], self.predicted[:n], self.features[:n], measured=measured)


@dataclasses.dataclass(frozen=True)
class ScoredIntervention(Predictions):
    """The same and, in place of features, which would not fit for every intervention, what a distance needs of them.

    >>> moments = Moments.of(np.array([[0.0], [2.0]]))
    >>> under = ScoredIntervention(np.array([[1], [1]]), np.array([[1], [0]]), moments)
    >>> under.recall(0, 1), under.moments.mean.tolist()
    (0.5, [1.0])

    Attributes:
        moments: of the extractor's features.
    """

    moments: Moments


@dataclasses.dataclass(frozen=True)
class Source:
    """A distribution of labels and images: the model's, or the true one.

    >>> def rows(n, do, seed):
    ...     return np.full([n, 1], do["Old"]) if do else np.random.default_rng(seed).integers(0, 2, [n, 1])
    >>> def images(labels, seed):
    ...     return np.tile(labels[:, :, None, None].astype(np.uint8), [1, 4, 4, 1])
    >>> source = Source("coins", rows, images)
    >>> labels = source.labels(2_500, {"Old": 1}, seed=0)
    >>> [(len(part), int(part.min())) for _, part in source.chunks(labels, "do(Old=1)", seed=0)]
    [(1000, 1), (1000, 1), (500, 1)]

    Attributes:
        name: tells the noise of its images from another source's.
        rows: (n, do, seed) -> label rows [n, K].
        images: (labels, seed) -> uint8 [n, S, S, C], each row with its own noise.
    """

    name: str
    rows: Callable[[int, Mapping[str, Any] | None, int], np.ndarray]
    images: Callable[[np.ndarray, int], np.ndarray]

    def labels(self, n: int, do: Mapping[str, Any] | None, seed: int) -> np.ndarray:
        """Label rows of an evaluation with this seed: row i is the same unit under any do."""
        return self.rows(n, do, derived_seed(seed, "rows"))

    def chunks(self, labels: np.ndarray, purpose: str, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Images of label rows for a purpose, chunk by chunk: which rows, and their images."""
        for start in range(0, len(labels), CHUNK):
            rows = slice(start, start + CHUNK)
            # a seed for each chunk: its first row names it, so the same rows get the same images in any run
            yield rows, self.images(labels[rows], derived_seed(seed, f"{self.name} {purpose} {start}"))


@dataclasses.dataclass(frozen=True)
class ImageScorer:
    """The classifier and the extractor, which may be the classifier itself.

    >>> from types import SimpleNamespace
    >>> classifier = SimpleNamespace(nodes=("Bright",), predict=lambda images: images.max(axis=(1, 2)) > 127)
    >>> extractor = SimpleNamespace(features=lambda images: images.mean(axis=(1, 2)))
    >>> scorer = ImageScorer(classifier, extractor, {"Bright": lambda images: images.mean(axis=(1, 2, 3)) / 255})
    >>> images = np.tile(np.array([0, 51, 255], np.uint8)[:, None, None, None], [1, 8, 8, 1])
    >>> scored = scorer.score(np.array([[0], [1], [1]]), images)
    >>> scored.agreement().round(3).tolist(), scored.features.tolist(), scored.measured.tolist()
    ([0.667], [[0.0], [51.0], [255.0]], [[0.0], [0.2], [1.0]])

    Attributes:
        classifier: predicts labels.
        extractor: computes features.
        measures: of some labels, what measures them without a network, see data.images.Dataset.
    """

    classifier: EvaluationClassifier
    extractor: FeatureExtractor
    measures: Mapping[str, Callable[[np.ndarray], np.ndarray]] = dataclasses.field(default_factory=dict)

    def measure(self, images: np.ndarray) -> np.ndarray | None:
        """float64 [n, K] of images uint8 [n, S, S, C], NaN where a label has no measure; None without measures."""
        if not self.measures:
            return None
        found = np.full([len(images), len(self.classifier.nodes)], np.nan)
        for node, measure in self.measures.items():
            for start in range(0, len(images), CHUNK):
                rows = slice(start, start + CHUNK)
                found[rows, self.classifier.nodes.index(node)] = measure(images[rows])
        return found

    def predictions(self, labels: np.ndarray, images: np.ndarray) -> Predictions:
        """Predictions for given images, without features."""
        return Predictions(labels, self.classifier.predict(images), measured=self.measure(images))

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predicted labels [n, K] and features float32 [n, F] of images uint8 [n, S, S, C]."""
        # one pass gives both
        if self.extractor is self.classifier:
            reading = self.classifier.examine(images)
            return reading.labels, reading.features
        return self.classifier.predict(images), self.extractor.features(images)

    def score(self, labels: np.ndarray, images: np.ndarray) -> ScoredImages:
        """Predictions and features of given images, in memory or memory-mapped."""
        return ScoredImages(labels, *self.predict(images), measured=self.measure(images))

    def observe(self, source: Source, n: int, seed: int) -> ScoredImages:
        """N images of a source without an intervention."""
        return self.score_drawn(source, source.labels(n, None, seed), "images", seed)

    def score_drawn(self, source: Source, labels: np.ndarray, purpose: str, seed: int) -> ScoredImages:
        """Images that a source draws of these labels."""
        parts = [self.score(labels[rows], images) for rows, images in source.chunks(labels, purpose, seed)]
        predicted, features = (np.concatenate([getattr(part, n) for part in parts]) for n in ("predicted", "features"))
        measured = np.concatenate([part.measured for part in parts]) if self.measures else None
        return ScoredImages(labels, predicted, features, measured=measured)

    def under_every_do(
        self, source: Source, base: ScoredImages, interventions: Sequence[tuple[str, Mapping[str, Any]]], seed: int
    ) -> dict[str, ScoredIntervention]:
        """Images under every single intervention, as many of each as `base`, what `observe` showed, has.

        An image depends on its labels and on noise of its own, so a row whose labels equal those of the same row of
        `base` keeps that row's image: about half of the images need not be drawn again, and the distribution is the
        same.
        """
        found = {}
        for text, do in tqdm(interventions, source.name, leave=False, disable=None):
            labels = source.labels(len(base), do, seed)
            predicted, features = base.predicted.copy(), base.features.copy()
            measured = base.measured.copy() if self.measures else None
            # rows that an intervention leaves as they were need no new image
            new = np.flatnonzero((labels != base.labels).any(axis=1))
            for rows, images in source.chunks(labels[new], text, seed):
                seen = self.score(labels[new[rows]], images)
                predicted[new[rows]], features[new[rows]] = seen.predicted, seen.features
                if self.measures:
                    measured[new[rows]] = seen.measured
            found[text] = ScoredIntervention(labels, predicted, Moments.of(features), measured=measured)
        return found
