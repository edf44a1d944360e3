"""Losses: free functions of tensors, one term each. B: batch, K: label columns. Every mean runs over all its elements.

Sources: CausalGAN and CausalBEGAN, arXiv:1709.02023; WGAN-GP, arXiv:1704.00028; GAN, arXiv:1406.2661; hinge,
arXiv:1802.05957; R1, arXiv:1801.04406; BEGAN, arXiv:1703.10717.
"""

import tensorflow as tf

# of a continuous label that is read off an image, standard deviations: it then tells about as much as a fair coin,
# log(1 / .5) nats, so that labels of all kinds weigh alike
LABEL_DEVIATION = 0.5


def wasserstein_critic(real: tf.Tensor, fake: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """E[C(fake)] - E[C(real)] of critic scores, any shapes (arXiv:1704.00028, equation 3 without its penalty).

    Args:
        real: scores of real rows.
        fake: scores of generated rows.
        weights: probabilities of the real rows, of the same shape, sum 1; None: all alike.
    """
    return tf.reduce_mean(fake) - (tf.reduce_mean(real) if weights is None else tf.reduce_sum(weights * real))


def wasserstein_generator(fake: tf.Tensor) -> tf.Tensor:
    """-E[C(fake)] of critic scores, any shape."""
    return -tf.reduce_mean(fake)


def gradient_penalty(gradient: tf.Tensor, axis: int) -> tf.Tensor:
    """E[(|grad C(x)| - 1)^2] (arXiv:1704.00028, equation 3).

    Args:
        gradient: gradient of the critic's score in its input, one vector a sample.
        axis: the axis along which a sample's gradient lies.
    """
    return tf.reduce_mean(tf.square(_norm(gradient, axis) - 1.0))


def lipschitz_penalty(gradient: tf.Tensor, axis: int, weights: tf.Tensor) -> tf.Tensor:
    """sum_i w_i max(0, |grad C(x_i)| - 1)^2 (arXiv:1709.08894, equation 7).

    The critic of a single column needs it one-sided: to change its sign a slope must pass 0, which `gradient_penalty`
    punishes.

    >>> float(lipschitz_penalty(tf.constant([[3.0], [0.0]]), 1, tf.constant([0.5, 0.5])))
    2.0

    Args:
        gradient: gradient of the critic's score in its input, one vector a sample.
        axis: the axis along which a sample's gradient lies.
        weights: of the samples.
    """
    return tf.reduce_sum(weights * tf.square(tf.nn.relu(_norm(gradient, axis) - 1.0)))


def _norm(gradient: tf.Tensor, axis: int) -> tf.Tensor:
    # the square root has no gradient at 0, where a dead critic sits
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis) + 1e-12)


def zero_centred_penalty(gradient: tf.Tensor) -> tf.Tensor:
    """R1 without its weight: 1/2 E|grad D(x)|^2 over real images (arXiv:1801.04406, equation 9).

    Args:
        gradient: [B, S, S, C], of each image's logit in the image.
    """
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(gradient), [1, 2, 3]))


def discriminator(real: tf.Tensor, fake: tf.Tensor, kind: str, weights: tf.Tensor | float = 1.0) -> tf.Tensor:
    """The discriminator's loss on logits [B, 1]; generated rows may have weights [B, 1], of mean 1 over all rows.

    `hinge`: E relu(1 - D(x)) + E relu(1 + D(G)) (arXiv:1802.05957, equation 16). `theory`, `nonsaturating` and
    `minimax`: -E log D(x) - E log(1 - D(G)) with D the sigmoid of the logit (arXiv:1406.2661, equation 1).

    >>> float(discriminator(tf.constant([[2.0]]), tf.constant([[0.0]]), "hinge"))
    1.0

    Raises:
        ValueError: another kind.
    """
    if kind == "hinge":
        return tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(weights * tf.nn.relu(1.0 + fake))
    if kind in ("theory", "nonsaturating", "minimax"):
        return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(weights * tf.nn.softplus(fake))
    raise ValueError(f"GAN term: expected theory, nonsaturating, minimax or hinge, got {kind!r}.")


def generator(fake: tf.Tensor, kind: str, weights: tf.Tensor | float = 1.0) -> tf.Tensor:
    """The generator's GAN term on D's logits [B, 1] of generated images, weighted as in `discriminator`.

    `theory`: E log((1 - D) / D), what the theorem needs (arXiv:1709.02023, section 5), which is minus the mean logit;
    `hinge`: the same, against a hinge discriminator; `nonsaturating`: -E log D; `minimax`: E log(1 - D).
    """
    if kind in ("theory", "hinge"):
        return -tf.reduce_mean(weights * fake)
    if kind == "nonsaturating":
        return tf.reduce_mean(weights * tf.nn.softplus(-fake))
    if kind == "minimax":
        return -tf.reduce_mean(weights * tf.nn.softplus(fake))
    raise ValueError(f"GAN term: expected theory, nonsaturating, minimax or hinge, got {kind!r}.")


def label_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy between labels and a labeler's predictions, mean over rows and columns.

    -l log p - (1 - l) log(1 - p) (arXiv:1709.02023, section 5), the orientation that the theorem needs.

    Args:
        labels: [B, K] in [0, 1].
        logits: [B, K]; the prediction p is their sigmoid.
    """
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


def category_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The same of a label of several categories, -sum l log p, mean over rows.

    Args:
        labels: [B, n], 1 at the category and 0 elsewhere.
        logits: [B, n]; the prediction p is their softmax.
    """
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))


def within(values: tf.Tensor, reach: float) -> tf.Tensor:
    """Any numbers moved smoothly into (-reach, reach), those near 0 hardly at all: reach tanh(value / reach)."""
    return reach * tf.tanh(values / reach)


def gaussian_error(
    labels: tf.Tensor, outputs: tf.Tensor, reach: float, deviation: float = LABEL_DEVIATION
) -> tf.Tensor:
    """Minus the logarithm of a normal density with its constant left out, mean over rows: (l - m)^2 / (2 v).

    The variance v = deviation^2 is fixed, not learnt, so that the error is bounded by (2 reach)^2 / (2 v).

    Args:
        labels: [B, 1] continuous labels in standard deviations from their mean; beyond `reach` they count as `reach`.
        outputs: [B, 1] any numbers; the prediction m is `within` of them.
        reach: in standard deviations.
        deviation: of the normal density, in standard deviations of the label: the less, the more an error costs.
    """
    error = tf.clip_by_value(labels, -reach, reach) - within(outputs, reach)
    return tf.reduce_mean(tf.square(error)) / (2.0 * deviation**2)


def noise_reconstruction(noise: tf.Tensor, rebuilt: tf.Tensor) -> tf.Tensor:
    """Mean squared error between the image's noise [B, Z] and its reconstruction from the generated image."""
    return tf.reduce_mean(tf.square(noise - rebuilt))


def reconstruction(
    images: tf.Tensor, rebuilt: tf.Tensor, kind: str = "absolute", weights: tf.Tensor | float = 1.0
) -> tf.Tensor:
    """L(v) = mean |v - D(v)|^eta of images and their reconstructions (arXiv:1703.10717, equation 1).

    Args:
        images: v, [B, S, S, C].
        rebuilt: D(v), of the same shape.
        kind: `absolute`: eta is 1; `squared`: 2.
        weights: [B, 1] of the rows, mean 1.
    """
    errors = tf.square(images - rebuilt) if kind == "squared" else tf.abs(images - rebuilt)
    return tf.reduce_mean(weights * tf.reduce_mean(errors, [1, 2, 3])[:, None])


def label_distance(labels: tf.Tensor, logits: tf.Tensor, kind: str) -> tf.Tensor:
    """CausalBEGAN's label loss, mean over rows and columns (arXiv:1709.02023, section 6).

    Args:
        labels: [B, K] in [0, 1].
        logits: [B, K]; the prediction p is their sigmoid.
        kind: `squared`: (l - p)^2; `absolute`: |l - p|; `cross_entropy`: -l log p - (1 - l) log(1 - p).
    """
    if kind == "cross_entropy":
        return label_cross_entropy(labels, logits)
    return tf.reduce_mean(_size(labels - tf.sigmoid(logits), kind))


def category_distance(labels: tf.Tensor, logits: tf.Tensor, kind: str) -> tf.Tensor:
    """The same of a label of several categories [B, n]: sum over categories, half for each of the two that differ."""
    if kind == "cross_entropy":
        return category_cross_entropy(labels, logits)
    return 0.5 * tf.reduce_mean(tf.reduce_sum(_size(labels - tf.nn.softmax(logits), kind), -1))


def value_distance(labels: tf.Tensor, outputs: tf.Tensor, kind: str, reach: float) -> tf.Tensor:
    """The same of a continuous label [B, 1]: squared or absolute error in standard deviations, see `gaussian_error`."""
    if kind == "cross_entropy":
        return gaussian_error(labels, outputs, reach)
    return tf.reduce_mean(_size(tf.clip_by_value(labels, -reach, reach) - within(outputs, reach), kind))


def _size(error: tf.Tensor, kind: str) -> tf.Tensor:
    if kind == "squared":
        return tf.square(error)
    if kind == "absolute":
        return tf.abs(error)
    raise ValueError(f"label loss: expected squared, absolute or cross_entropy, got {kind!r}.")


def margin(real: tf.Tensor, fake: tf.Tensor, gamma: float) -> tf.Tensor:
    """How far generated images are ahead of their share of the real ones' loss.

    b1 = gamma1 L(x) - L(G), of the autoencoder's errors; b2 = gamma2 Llab(x) - Llab(G), of the labels' losses.
    """
    return gamma * real - fake


def third_margin(image: tf.Tensor, label: tf.Tensor, gamma: float) -> tf.Tensor:
    """b3 = gamma3 relu(b1) - relu(b2): positive where images are ahead and labels lag."""
    return gamma * tf.nn.relu(image) - tf.nn.relu(label)


def controlled(weights: tf.Tensor, margins: tf.Tensor, rates: tf.Tensor) -> tf.Tensor:
    """The margins' controllers after a step: c_i + lambda_i b_i, clipped to [0, 1]; all [3]."""
    return tf.clip_by_value(weights + rates * margins, 0.0, 1.0)


def convergence(real: tf.Tensor, real_labels: tf.Tensor, margins: tf.Tensor) -> tf.Tensor:
    """CausalBEGAN's measure of convergence: L(x) + Llab(x) + |b1| + |b2| + |b3|, the margins [3]."""
    return real + real_labels + tf.reduce_sum(tf.abs(margins))
