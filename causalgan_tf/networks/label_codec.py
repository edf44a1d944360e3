"""Encoding of labels for the image networks, predictions of labelers, and their losses, for every variable type.

B: batch, K: labels, C: label columns. A labeler has one output a column: of a binary label a logit, of a categorical
one a logit for each category, of a continuous one its value in standard deviations from the mean. If every label is
binary, all of this is what arXiv:1709.02023 states, term by term.

The theorem of CausalGAN is about label distributions that the labelers can state. Logits state any distribution of a
binary or a categorical label. A labeler of a continuous label states a mean m(x) alone, by squared errors, and at c = 1
the generator's two terms add up to E (m_G(x) - m_R(x))^2 / (2 v), with m_R and m_G the optimal labelers of real and of
generated images: never negative, and 0 for the true distribution, but blind to the spread of the labels that one image
is drawn for. As c falls, (1 - c) E Var(label | generated image) / (2 v) joins it, which is 0 for the truth only where
the label
is a function of the image: there the true distribution remains the optimum. A learnt variance would state more and,
with labels that are functions of the image, make the anti-labeler's term unbounded. As it is, no term of a continuous
label exceeds (2 REACH)^2 / (2 v), for a labeler's value and the label that it is compared with lie within REACH.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from keras import ops

from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.variables import Variable
from causalgan_tf.losses import LABEL_DEVIATION
from causalgan_tf.networks import columns
from causalgan_tf.networks.codecs import codec_of, codecs_of


class LabelCodec:
    """The types of K labels.

    >>> graph = CausalGraph.from_text("A -> B; B: categorical(no, yes, maybe)")
    >>> LabelCodec(graph.variables.values()).columns
    4
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        ranges: np.ndarray | None = None,
        cells: ObservedCells | None = None,
        deviation: float = LABEL_DEVIATION,
    ) -> None:
        """Takes the types, for `random_labels` ranges of continuous labels, and for `is_observed` the data's cells.

        Args:
            variables: the types of K labels, all of them known.
            ranges: [K, 2], lowest and highest value of each continuous label that training visits on purpose, see
                data.dataset.label_ranges; None: two standard deviations around the mean.
            cells: the label cells that the data hold; None: not known, `is_observed` cannot be asked.
            deviation: of continuous labels in `cross_entropy`, see losses.gaussian_error.
        """
        self.variables = list(variables)
        self.codecs = codecs_of(self.variables, deviation)
        self.columns = sum(codec.width for codec in self.codecs)
        if ranges is None:
            ranges = [codec_of(variable).range() for variable in self.variables]
        self.ranges, self.cells = np.asarray(ranges, np.float32), cells

    def encode(self, labels: tf.Tensor, kind: str, jitter: tf.Tensor) -> tf.Tensor:
        """Labels as the generator sees them.

        Args:
            labels: [B, K], one number a label; a binary one may lie between 0 and 1, for an interpolation.
            kind: of binary labels, see label_encoding.encode_labels; categories are -1 and 1, continuous labels
                standardised.
            jitter: [B, C] uniform on [-1, 1).

        Returns:
            [B, C].
        """
        parts = zip(self.codecs, self._columns(self.columns_of(labels)), self._columns(jitter), strict=True)
        return ops.concatenate([codec.encode(own, kind, noise) for codec, own, noise in parts], 1)

    def columns_of(self, labels: tf.Tensor) -> tf.Tensor:
        """Label columns [B, C] of labels [B, K]."""
        return ops.transpose(columns.encode(self.variables, ops.transpose(labels)))

    def read(self, outputs: tf.Tensor) -> tf.Tensor:
        """Labels [B, K], one number each, that a labeler's outputs [B, C] say, rounded or most probable."""
        parts = zip(self.codecs, self._columns(outputs), strict=True)
        return tf.concat([codec.predicted(own) for codec, own in parts], 1)

    def cross_entropy(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """A labeler's loss in nats, mean over rows and labels.

        Args:
            labels: [B, K].
            outputs: [B, C].
        """
        return self._mean(lambda codec, label, said: codec.cross_entropy(label, said), labels, outputs)

    def distance(self, labels: tf.Tensor, outputs: tf.Tensor, kind: str) -> tf.Tensor:
        """CausalBEGAN's label loss, mean over rows and labels; arguments as of `cross_entropy`, `kind` as in losses."""
        return self._mean(lambda codec, label, said: codec.distance(label, said, kind), labels, outputs)

    def agreement(self, outputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Share of the labels [B, K] that outputs [B, C] say: rounded, most probable, or nearly a number."""
        margins = [codec_of(variable).tolerance() for variable in self.variables]
        return tf.reduce_mean(tf.cast(tf.abs(self.read(outputs) - labels) < tf.constant(margins), tf.float32))

    def log_certainties(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """How certain a labeler's outputs [B, C] are of each label of labels [B, K]: logarithms [B, K], at most 0.

        Of the probability of a binary label or category; of a number -d^2 / 2 at a distance of d of its tolerances.
        """
        parts = zip(self.codecs, self._columns(self.columns_of(labels)), self._columns(outputs), strict=True)
        return tf.concat([codec.log_certainty(label, said) for codec, label, said in parts], 1)

    def random_labels(self, chance: tf.Tensor) -> tf.Tensor:
        """Independent labels [B, K]: fair coins, uniform categories, uniform numbers of their range.

        Args:
            chance: [B, K] uniform on (-1, 1).
        """
        counts = [codec.labels for codec in self.codecs]
        ranges = np.split(self.ranges, np.cumsum(counts)[:-1])
        parts = zip(self.codecs, tf.split(0.5 * (chance + 1.0), counts, 1), ranges, strict=True)
        return tf.concat([codec.random(share, ends) for codec, share, ends in parts], 1)

    def bins(self, labels: tf.Tensor) -> tf.Tensor:
        """Value or bin of each label, int64, of the shape of `labels` [..., K]: rows with equal bins share a cell."""
        values = [
            # as np.searchsorted does for the data's rows: on an edge the lower bin
            tf.reduce_sum(tf.cast(label[..., None] > edges, tf.int64), -1)
            if len(edges)
            else tf.cast(tf.round(label), tf.int64)
            for label, edges in zip(tf.unstack(labels, axis=-1), self.cells.edges, strict=True)
        ]
        return tf.stack(values, -1)

    def is_observed(self, labels: tf.Tensor, least: int = 1) -> tf.Tensor:
        """Whether the data hold the cell of each label row [..., K], with at least so many rows: bool [...]."""
        strides = np.cumprod([1, *self.cells.sizes[:-1]])
        code = tf.reduce_sum(self.bins(labels) * tf.constant(strides, tf.int64), -1)
        known = self.cells.with_rows(least)
        codes = tf.constant(np.append(known, np.iinfo(np.int64).max), tf.int64)  # the data may hold none
        flat = tf.reshape(code, [-1])
        return tf.reshape(tf.gather(codes, tf.searchsorted(codes, flat)) == flat, tf.shape(code))

    def _mean(self, loss: Callable[..., tf.Tensor], labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Mean over labels of `loss` of each codec, its columns and its outputs."""
        parts = zip(self.codecs, self._columns(self.columns_of(labels)), self._columns(outputs), strict=True)
        # a codec's loss is a mean over its own labels: weighted by how many they are, the sum is one over all
        return tf.add_n([codec.labels / len(self.variables) * loss(codec, label, said) for codec, label, said in parts])

    def _columns(self, values: tf.Tensor) -> list[tf.Tensor]:
        return columns.split(values, [codec.width for codec in self.codecs], 1)
