"""How labels of each kind meet the networks of images: what the generator sees, what a labeler says, and its losses.

B: batch, K: labels, C: label columns. A labeler has one output a column: of a binary label a logit, of a categorical
one a logit for each category, of a continuous one its value in standard deviations from the mean. If every label is
binary, all of this is what arXiv:1709.02023 states, term by term.

The theorem of CausalGAN is about label laws that the labelers can state. Logits state any law of a binary or a
categorical label. A labeler of a continuous label states a mean m(x) alone, by squared errors, and at c = 1 the
generator's two terms add up to E (m_G(x) - m_R(x))^2 / (2 v), with m_R and m_G the optimal labelers of real and of
generated images: never negative, and 0 for the true law, but blind to the spread of the labels that one image is drawn
for. As c falls, (1 - c) E Var(label | generated image) / (2 v) joins it, which is 0 for the truth only where the label
is a function of the image: there the true law remains the optimum. A learnt variance would state more and, with labels
that are functions of the image, make the anti-labeler's term unbounded. As it is, no term of a continuous label
exceeds (2 REACH)^2 / (2 v), for a labeler's value and the label that it is compared with lie within REACH.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from causalgan_tf import losses
from causalgan_tf.laws import HeldCells
from causalgan_tf.networks import columns
from causalgan_tf.networks.dcgan import encode_labels
from causalgan_tf.variables import Binary, Categorical, Continuous, Variable

REACH = 4.0  # standard deviations from the mean in which labelers say continuous labels
KINDS = (Binary, Categorical, Continuous)
NEAR = 0.5  # standard deviations within which a continuous label counts as read


class LabelKinds:
    """The kinds of K labels."""

    def __init__(
        self, variables: Sequence[Variable], ranges: np.ndarray | None = None, cells: HeldCells | None = None
    ) -> None:
        """Takes the kinds, for `coins` the ranges of continuous labels, and for `held` the cells of the data.

        Args:
            variables: the kinds of K labels, all of them known.
            ranges: [K, 2], lowest and highest value of each continuous label that training visits on purpose, see
                data.images.label_ranges; None: two standard deviations around the mean.
            cells: the label cells that the data hold; None: not known, `held` cannot be asked.
        """
        self.variables = list(variables)
        self.all_binary = all(isinstance(variable, Binary) for variable in self.variables)
        self.columns = sum(variable.width for variable in self.variables)
        if ranges is None:
            spread = [(v.mean - 2.0 * v.std, v.mean + 2.0 * v.std) for v in map(_as_continuous, self.variables)]
            ranges = np.array(spread)
        self.ranges, self.cells = np.asarray(ranges, np.float32), cells

    def encode(self, labels: tf.Tensor, kind: str, jitter: tf.Tensor) -> tf.Tensor:
        """Labels as the generator sees them.

        Args:
            labels: [B, K], one number a label; a binary one may lie between 0 and 1, for an interpolation.
            kind: of binary labels, see networks.dcgan.encode_labels; categories are -1 and 1, continuous labels
                standardised.
            jitter: [B, C] uniform on [-1, 1).

        Returns:
            [B, C].
        """
        if self.all_binary:
            return encode_labels(labels, kind, jitter)
        parts = zip(self.variables, self._split(self.columns_of(labels)), self._split(jitter), strict=True)
        return tf.concat([_encoded(variable, own, kind, noise) for variable, own, noise in parts], 1)

    def columns_of(self, labels: tf.Tensor) -> tf.Tensor:
        """Label columns [B, C] of labels [B, K]."""
        return tf.transpose(columns.encode(self.variables, tf.transpose(labels)))

    def read(self, outputs: tf.Tensor) -> tf.Tensor:
        """Labels [B, K], one number each, that a labeler's outputs [B, C] say, rounded or most probable."""
        if self.all_binary:
            return tf.cast(outputs > 0.0, tf.float32)
        said = []
        for variable, own in zip(self.variables, self._split(outputs), strict=True):
            if isinstance(variable, Binary):
                said.append(tf.cast(own > 0.0, tf.float32))
            elif isinstance(variable, Categorical):
                said.append(tf.cast(tf.argmax(own, 1, tf.int32), tf.float32)[:, None])
            else:
                value = losses.within(own, REACH) * variable.std + variable.mean
                said.append(tf.clip_by_value(value, variable.low, variable.high))
        return tf.concat(said, 1)

    def cross_entropy(self, labels: tf.Tensor, outputs: tf.Tensor, orientation: str = "cross_entropy") -> tf.Tensor:
        """A labeler's loss in nats, mean over rows and labels: see losses, one function a kind.

        Args:
            labels: [B, K].
            outputs: [B, C].
            orientation: of discrete labels, as losses.label_cross_entropy; a squared error has but one.
        """
        if self.all_binary:
            return losses.label_cross_entropy(labels, outputs, orientation)
        return self._mean(
            labels,
            outputs,
            lambda label, logit: losses.label_cross_entropy(label, logit, orientation),
            lambda label, logits: losses.category_cross_entropy(label, logits, orientation),
            lambda label, said: losses.gaussian_error(label, said, REACH),
        )

    def distance(self, labels: tf.Tensor, outputs: tf.Tensor, kind: str) -> tf.Tensor:
        """CausalBEGAN's label loss, mean over rows and labels; arguments as of `cross_entropy`, `kind` as in losses."""
        if self.all_binary:
            return losses.label_distance(labels, outputs, kind)
        return self._mean(
            labels,
            outputs,
            lambda label, logit: losses.label_distance(label, logit, kind),
            lambda label, logits: losses.category_distance(label, logits, kind),
            lambda label, said: losses.value_distance(label, said, kind, REACH),
        )

    def agreement(self, outputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Share of the labels [B, K] that outputs [B, C] say: rounded, most probable, or within NEAR."""
        if self.all_binary:
            return tf.reduce_mean(tf.cast((outputs > 0) == (labels > 0.5), tf.float32))
        margins = [NEAR * v.std if isinstance(v, Continuous) else 0.5 for v in self.variables]
        return tf.reduce_mean(tf.cast(tf.abs(self.read(outputs) - labels) < tf.constant(margins), tf.float32))

    def coins(self, chance: tf.Tensor) -> tf.Tensor:
        """Independent labels [B, K]: fair coins, uniform categories, uniform numbers of their range.

        Args:
            chance: [B, K] uniform on (-1, 1).
        """
        if self.all_binary:
            return tf.cast(chance > 0.0, tf.float32)
        low, high = (
            tf.constant([0.0 if v.size else end for v, end in zip(self.variables, ends, strict=True)], tf.float32)
            for ends in self.ranges.T
        )
        sizes = tf.constant([float(v.size or 0) for v in self.variables])
        share = 0.5 * (chance + 1.0)
        return tf.where(sizes > 0, tf.floor(share * sizes), low + share * (high - low))

    def held(self, labels: tf.Tensor) -> tf.Tensor:
        """Whether the data hold the cell of each label row [B, K]: bool [B]."""
        code, stride = tf.zeros(tf.shape(labels)[:1], tf.int64), 1
        for label, edges, size in zip(tf.unstack(labels, axis=1), self.cells.edges, self.cells.sizes, strict=True):
            value = tf.reduce_sum(tf.cast(label[:, None] > edges, tf.int64), 1) if len(edges) else tf.round(label)
            code, stride = code + stride * tf.cast(value, tf.int64), stride * size
        # a number that no cell has: the data may hold none
        codes = tf.constant(np.append(self.cells.codes, np.iinfo(np.int64).max), tf.int64)
        return tf.gather(codes, tf.searchsorted(codes, code)) == code

    def _mean(self, labels: tf.Tensor, outputs: tf.Tensor, *losses_of: Callable) -> tf.Tensor:
        """Mean over labels of each one's loss, a function of its columns and outputs a kind, in the order of KINDS."""
        own = dict(zip(KINDS, losses_of, strict=True))
        parts = zip(self.variables, self._split(self.columns_of(labels)), self._split(outputs), strict=True)
        return tf.add_n([own[type(variable)](label, said) for variable, label, said in parts]) / len(self.variables)

    def _split(self, values: tf.Tensor) -> list[tf.Tensor]:
        return tf.split(values, [variable.width for variable in self.variables], 1)


def _encoded(variable: Variable, own: tf.Tensor, kind: str, jitter: tf.Tensor) -> tf.Tensor:
    if isinstance(variable, Continuous):
        return own
    return encode_labels(own, kind if isinstance(variable, Binary) else "sign", jitter)


def _as_continuous(variable: Variable) -> Continuous:
    return variable if isinstance(variable, Continuous) else Continuous()
