"""Monotone rational-quadratic splines (Durkan et al., 2019, arXiv:1906.04032), the identity outside an interval.

Batch last: a spline's parameters lie along the last axis but one. The linear tails keep the normal distribution's where
no data say otherwise.
"""

import itertools
import math

import tensorflow as tf
from keras import ops

BINS = 12
REACH = 4.0  # the spline bends between -REACH and REACH
SMALLEST = 1e-3  # share of the interval that a bin has at least, and the least slope at a knot
PARAMETERS = 3 * BINS - 1  # widths, heights and the slopes of inner knots
UNIT_SLOPE = math.log(math.exp(1.0 - SMALLEST) - 1.0)  # a slope of 1: parameters of 0 are the identity

Knots = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def forward(x: tf.Tensor, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The spline's value and the logarithm of its slope.

    Args:
        x: [..., B].
        parameters: [..., PARAMETERS, B].

    Returns:
        Two tensors [..., B].
    """
    xs, ys, slopes = knots(parameters)
    inner = ops.clip(x, -REACH, REACH)
    x0, x1, y0, y1, d0, d1 = _bin(inner, xs, (xs, ys, slopes))
    width, height = x1 - x0, y1 - y0
    s, t = height / width, ops.clip((inner - x0) / width, 0.0, 1.0)
    q = t * (1.0 - t)
    below = s + (d1 + d0 - 2.0 * s) * q
    y = y0 + height * (s * t * t + d0 * q) / below
    log_slope = 2.0 * ops.log(s / below) + ops.log(d1 * t * t + 2.0 * s * q + d0 * ops.square(1.0 - t))
    inside = ops.abs(x) < REACH
    return ops.where(inside, y, x), ops.where(inside, log_slope, 0.0)


def inverse(y: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
    """The x of which `forward` gives y; shapes as there."""
    xs, ys, slopes = knots(parameters)
    inner = ops.clip(y, -REACH, REACH)
    x0, x1, y0, y1, d0, d1 = _bin(inner, ys, (xs, ys, slopes))
    width, height, above = x1 - x0, y1 - y0, inner - y0
    s = height / width
    bend = above * (d1 + d0 - 2.0 * s)
    a, b, c = height * (s - d0) + bend, height * d0 - bend, -s * above
    # the root as 2c / (...): the usual form loses its digits where a is near 0
    t = 2.0 * c / (-b - ops.sqrt(ops.maximum(b * b - 4.0 * a * c, 0.0)))
    return ops.where(ops.abs(y) < REACH, x0 + width * ops.clip(t, 0.0, 1.0), y)


def knots(parameters: tf.Tensor) -> Knots:
    """The knots' places, values and slopes, each [..., BINS + 1, B], of parameters [..., PARAMETERS, B]."""
    ends = (0, BINS, 2 * BINS, PARAMETERS)
    widths, heights, slopes = (parameters[..., slice(*pair), :] for pair in itertools.pairwise(ends))
    inner = SMALLEST + ops.softplus(slopes + UNIT_SLOPE)
    ends = ops.ones_like(inner[..., :1, :])
    return _places(widths), _places(heights), ops.concatenate([ends, inner, ends], -2)


def _places(parameters: tf.Tensor) -> tf.Tensor:
    """Knots from -REACH to REACH whose distances are a softmax."""
    shares = SMALLEST + (1.0 - SMALLEST * BINS) * ops.softmax(parameters, -2)
    inner = ops.cumsum(shares[..., :-1, :], -2)
    ends = ops.zeros_like(inner[..., :1, :])
    # the last knot is set, not summed: a sum would miss REACH by its rounding
    return REACH * (2.0 * ops.concatenate([ends, inner, ends + 1.0], -2) - 1.0)


def _bin(x: tf.Tensor, places: tf.Tensor, parts: Knots) -> list[tf.Tensor]:
    """Each part at the knot below x [..., B] and at the one above it, among knots at `places` [..., BINS + 1, B]."""
    reached = ops.cast(ops.expand_dims(x, -2) >= places[..., 1:-1, :], x.dtype)
    # sums of steps, not a gather: it has a quick gradient, and vectorises along the batch
    found = []
    for part in parts:
        steps = part[..., 1:, :] - part[..., :-1, :]
        found += [
            part[..., 0, :] + ops.sum(reached * steps[..., :-1, :], -2),
            part[..., 1, :] + ops.sum(reached * steps[..., 1:, :], -2),
        ]
    return found
