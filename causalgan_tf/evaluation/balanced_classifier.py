"""A run's evaluation classifier: a plain one of uniform cells, else one of real images, balanced and calibrated."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.evaluation.balance import label_weights
from causalgan_tf.evaluation.classifier import STEPS, EvaluationClassifier, train_classifier, value_logits
from causalgan_tf.graphs.graph import CausalGraph

CALIBRATION_ROWS = 2_000  # training images that are held back for the calibration, at most
CALIBRATION_SHARE = 5  # and at most one in so many
FEWEST = 10  # rows of each value by which a label can be calibrated
PRIOR = 1e-5  # weight of a squared penalty that keeps a calibration finite where all rows are right


def evaluation_classifier(dataset: Dataset, train: ImageSet, seed: int, steps: int = STEPS) -> EvaluationClassifier:
    """A classifier of `train`: plain where they are uniform cells, else by `train_balanced_classifier`."""
    if dataset.uniform is not None:
        return train_classifier(train, dataset.graph.variables, seed, steps)
    return train_balanced_classifier(train, dataset.graph, seed, steps)


def train_balanced_classifier(
    train: ImageSet, graph: CausalGraph, seed: int, steps: int = STEPS
) -> EvaluationClassifier:
    """A classifier of real images that is balanced, trained on overlap and calibrated.

    The last images, at most `CALIBRATION_ROWS` and a fifth, are held back. By them each discrete label's logits are
    scaled and shifted (Platt 1999; of categories, a shift each), all values of the label weighing alike: probabilities
    are those at even odds of the values, and one of a half is the middle between them however rare a value is.

    Args:
        train: real images and their labels.
        graph: over the labels, with their types.
        seed: as in `train_classifier`.
        steps: as in `train_classifier`.

    Returns:
        The classifier. Its `training` says "balanced", and of each discrete label "overlap" (False: it learnt from all
        rows, for too few overlap) and "calibrated" (False: too few images of a value were held back).
    """
    cut = len(train) - min(CALIBRATION_ROWS, len(train) // CALIBRATION_SHARE)
    seen, kept = (ImageSet(train.images[rows], train.labels[rows]) for rows in (slice(cut), slice(cut, None)))
    found = label_weights(graph, seen.labels)
    classifier = train_classifier(seen, graph.variables, seed, steps, found.weights)
    done = calibrate(classifier, kept, seen.labels)
    own = dict(zip(graph.nodes, found.overlap.tolist(), strict=True))
    classifier.training = {"balanced": True, "overlap": {node: own[node] for node in done}, "calibrated": done}
    return classifier


def calibrate(classifier: EvaluationClassifier, kept: ImageSet, seen: np.ndarray) -> dict[str, bool]:
    """Scales and shifts the outputs of discrete labels in place; returns which labels had rows enough for it.

    Args:
        classifier: a trained one.
        kept: images that it has not seen, and their labels.
        seen: label rows [N, K] that it was trained on; each value there needs `FEWEST` images that were kept.
    """
    outputs, done = classifier.examine(kept.images).outputs, {}
    scale, shift = np.ones(outputs.shape[1], np.float32), np.zeros(outputs.shape[1], np.float32)
    for node, own in classifier.columns.items():
        values, known = (rows[:, classifier.nodes.index(node)].astype(np.int64) for rows in (kept.labels, seen))
        counts = np.bincount(values, minlength=known.max() + 1)
        # a value without images that were kept would be fitted as one that never is
        needed = (np.bincount(known, minlength=len(counts)) > 0) | (counts > 0)
        done[node] = np.count_nonzero(needed) > 1 and bool(counts[needed].min() >= FEWEST)
        if done[node]:
            scale[own], shift[own] = platt(outputs[:, own], values)
    # the last layer takes both, so that the network itself is calibrated
    last = classifier.network.layers[-1]
    kernel, bias = last.get_weights()
    last.set_weights([kernel * scale, bias * scale + shift])
    return done


def platt(outputs: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
    """The positive factor and the shifts [W] by which outputs fit values best, each value weighing alike.

    Args:
        outputs: [n, W], logits: of a binary label one, else one a value.
        values: int64 [n], the label's values.
    """
    logits = value_logits(outputs.astype(np.float64))
    n, width = logits.shape
    weights = 1.0 / (np.count_nonzero(np.bincount(values)) * np.bincount(values)[values])
    hits = np.eye(width)[values]
    free = slice(1, None) if outputs.shape[1] == 1 else slice(None)  # a binary label's value 0 keeps the logit 0

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        factor, shifts = np.exp(parameters[0]), np.zeros(width)
        shifts[free] = parameters[1:]
        moved = factor * logits + shifts
        error = weights[:, None] * (softmax(moved, axis=1) - hits)
        slope = np.concatenate([[(error * logits).sum() * factor], error.sum(axis=0)[free]])
        value = -(weights * log_softmax(moved, axis=1)[np.arange(n), values]).sum()
        return value + PRIOR * np.square(parameters).sum(), slope + 2.0 * PRIOR * parameters

    best = minimize(loss, np.zeros(1 + outputs.shape[1]), jac=True, method="L-BFGS-B").x
    return float(np.exp(best[0])), best[1:]
