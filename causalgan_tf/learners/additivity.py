"""What an image of a label cell without data should look like: what images of cells with data add up to.

No discriminator can judge a woman with a mustache where no image shows one, and labelers alone reward ever clearer
labels: the generator exaggerates and the rest of the image becomes noise. But women without mustaches are seen, and men
with and without them. At the same noise z their images add up,

    G(z, woman, mustache) = G(z, woman, none) + G(z, man, mustache) - G(z, man, none),

where the two labels change different things. CoInD (ICLR 2025) asks this of all four at once; here the three of
cells with data are the averaged generator's, as they stand, and the fourth alone moves: no image of a cell with data
is pulled away from it. Labels that change the same thing do not add up (baldness takes away hair that is long in one
sex and short in the other). Such a sum does not clearly show its labels: it counts by how certain the labeler is of the
one that it is least certain of. Rows whose sums do not count are left to the labelers.

Of photographs a labeler is never so certain. There a sum counts `relative` to the images that it is made of: a woman
with a mustache by how sure the labeler is of the woman, as a share of how sure it is of the woman without, and of the
mustache, as a share of how sure it is of the man's.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from causalgan_tf.graphs.cells import other_values
from causalgan_tf.networks.label_codec import LabelCodec

NONE = 1e6  # of a comparison that cannot be made, labels apart
FEW = 10  # images of a cell; with fewer the generator has hardly learnt it, and others are taken if there are any
SURE = 0.98  # certainty of the labeler up to which a sum does not count; from there on its weight rises to 1


class Sums(NamedTuple):
    """Rows of a batch whose images others add up to.

    Attributes:
        rows: int64 [U], their places in the batch.
        labels: [U, 3, K]: the row with one label changed, a row of the data that has the label, and it with that label
            changed. The image of the row should be the first plus the second minus the third.

    >>> from causalgan_tf.data.dataset import observed_cells
    >>> graph, seen = CausalGraph.from_text("Male; Mustache"), np.array([[0, 0], [1, 0], [1, 1]])
    >>> codec = LabelCodec(graph.variables.values(), cells=observed_cells(graph, seen))
    >>> rows, labels = Additivity(codec).sums(tf.constant([[1.0, 0.0], [0.0, 1.0]]))
    >>> (labels[0, 0] + labels[0, 1] - labels[0, 2]).numpy().tolist()  # the labels of row 1 add up as its image should
    [0.0, 1.0]
    """

    rows: tf.Tensor
    labels: tf.Tensor


class Additivity:
    """Finds, for rows of cells without data, three rows of cells with data that add up to them.

    A discrete label k of the row is changed to another value, and so is k in the row of the data that is most like it;
    all three cells must have data, and FEW images if possible. Of all k, all values and all rows of the data the pair
    that differ least is taken.

    Examples:
        >>> from causalgan_tf.graphs.cells import ObservedCells
        >>> from causalgan_tf.graphs.variables import Binary
        >>> seen = np.array([[0, 0], [1, 0], [1, 1]])  # (Male, Mustache): no woman has a mustache
        >>> cells = ObservedCells((2, 2), (np.zeros(0),) * 2, np.array([0, 1, 3]), seen)
        >>> sums = Additivity(LabelCodec([Binary()] * 2, cells=cells)).sums(tf.constant([[0.0, 1.0], [1.0, 1.0]]))
        >>> sums.rows.numpy(), sums.labels.numpy().astype(int).tolist()
        (array([0]), [[[1, 1], [0, 0], [1, 0]]])
    """

    def __init__(self, codec: LabelCodec, weight: float = 1.0, relative: bool = False) -> None:
        """Takes the labels' types with the cells of the data.

        Args:
            codec: knows the cells.
            weight: of the error.
            relative: whether a sum counts by its certainty relative to its parts', or from SURE on.
        """
        self.codec, self.weight, self.relative = codec, weight, relative
        self.examples = np.asarray(codec.cells.examples, np.float32)
        # a change: its label, and of each value of the label the one that takes its place
        others = [
            other_values(column, variable.size)
            for column, variable in zip(self.examples.T, codec.variables, strict=True)
        ]
        self.labels = np.repeat(np.arange(len(others)), [len(tables) for tables in others])
        self.tables = [table for tables in others for table in tables]
        with tf.init_scope():
            rows = tf.constant(self.examples)
            self.bins = codec.bins(rows).numpy()
            changed = self.changed(rows)
            self.usable = codec.is_observed(changed).numpy()
            # a cell with few images comes after any difference of labels
            scarce = tf.cast(~codec.is_observed(changed, FEW) | ~codec.is_observed(rows, FEW)[:, None], tf.float32)
            self.scarce = (self.last_resort * scarce).numpy()

    @property
    def last_resort(self) -> float:
        """What a cell with few images adds to how far labels are apart: more than all labels can be."""
        return len(self.codec.variables) + 1.0

    def changed(self, labels: tf.Tensor) -> tf.Tensor:
        """Label rows [B, K] under each of M changes of a discrete label: [B, M, K]; numbers stay."""
        starts = np.cumsum([0, *map(len, self.tables)])[:-1]
        old = tf.cast(tf.round(tf.gather(labels, self.labels, axis=1)), tf.int32)
        new = tf.gather(tf.constant(np.concatenate([np.zeros(0), *self.tables]), tf.float32), starts + old)
        return tf.where(np.eye(labels.shape[1], dtype=bool)[self.labels], new[..., None], labels[:, None])

    def sums(self, labels: tf.Tensor) -> Sums:
        """The rows of labels [B, K] that lie in cells without data and have three rows that add up to them."""
        if not self.tables:
            return Sums(tf.zeros([0], tf.int64), tf.zeros([0, 3, labels.shape[1]]))
        changed, bins = self.changed(labels), self.codec.bins(labels)
        same = bins[:, None] == self.bins
        apart = tf.reduce_sum(tf.cast(~same, tf.float32), -1, keepdims=True) + self.scarce
        apart += self.last_resort * tf.cast(~self.codec.is_observed(changed, FEW), tf.float32)[:, None]
        known = self.codec.is_observed(changed)[:, None] & ~self.codec.is_observed(labels)[:, None, None]
        apart = tf.where(tf.gather(same, self.labels, axis=2) & self.usable & known, apart, NONE)
        apart = tf.reshape(apart, [-1, self.usable.size])
        best = tf.argmin(apart, 1)
        rows = tf.where(tf.reduce_min(apart, 1) < NONE)[:, 0]
        example, change = tf.gather(best, rows) // len(self.tables), tf.gather(best, rows) % len(self.tables)
        second = tf.gather(self.examples, example)
        third = tf.gather(self.changed(second), change, batch_dims=1)
        return Sums(rows, tf.stack([tf.gather(tf.gather(changed, rows), change, batch_dims=1), second, third], 1))

    def loss(
        self,
        labels: tf.Tensor,
        z: tf.Tensor,
        images: tf.Tensor,
        draw: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        read: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """The weighted mean, over all rows, of the squared error of images in cells without data.

        Args:
            labels: [B, K].
            z: [B, Z], their noise.
            images: [B, S, S, C] of both, whose gradient is asked; a row's error is a mean over pixels and channels.
            draw: labels [n, K] and noise [n, Z] to images [n, S, S, C], which stand still.
            read: images [n, S, S, C] to what a labeler says of them, [n, C]; None: all sums count.
        """
        if not (self.weight and self.usable.any()):
            return tf.zeros([])
        rows, three = self.sums(labels)

        def mean() -> tf.Tensor:
            drawn = draw(tf.reshape(three, [-1, three.shape[-1]]), tf.repeat(tf.gather(z, rows), 3, axis=0))
            drawn = tf.reshape(drawn, [-1, 3, *images.shape[1:]])
            wanted = tf.stop_gradient(tf.clip_by_value(drawn[:, 0] + drawn[:, 1] - drawn[:, 2], -1.0, 1.0))
            errors = tf.reduce_mean(tf.square(tf.gather(images, rows) - wanted), [1, 2, 3])
            if read:
                errors *= tf.stop_gradient(self.trust(tf.gather(labels, rows), three, wanted, drawn, read))
            return tf.reduce_sum(errors) / tf.cast(tf.shape(images)[0], tf.float32)

        # no network takes an empty batch
        return self.weight * tf.cond(tf.size(rows) > 0, mean, lambda: tf.zeros([]))

    def trust(
        self,
        labels: tf.Tensor,
        three: tf.Tensor,
        sums: tf.Tensor,
        drawn: tf.Tensor,
        read: Callable[[tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """How much a sum counts, by how clearly it shows its labels: [U] in [0, 1].

        Args:
            labels: [U, K] of the rows.
            three: [U, 3, K], see `Sums`.
            sums: images [U, S, S, C].
            drawn: the images [U, 3, S, S, C] that are added up.
            read: as in `loss`.
        """
        said = self.codec.log_certainties(labels, read(sums))
        if not self.relative:
            return tf.nn.relu(tf.exp(tf.reduce_min(said, 1)) - SURE) / (1.0 - SURE)
        first, second = (self.codec.log_certainties(labels, read(drawn[:, place])) for place in (0, 1))
        # the first image lacks one label of the sum, which comes from the second
        shown = tf.where(tf.not_equal(three[:, 0], labels), second, first)
        # where all three have the row's label nothing was added up
        differ = tf.reduce_any(tf.not_equal(three, labels[:, None]), 1)
        return tf.exp(tf.reduce_min(tf.where(differ, tf.minimum(said - shown, 0.0), 0.0), 1))
