"""Monotone splines against numbers worked by hand; their inverse and slope for any parameters: test_invariants.py."""

import math

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.networks import spline


def test_parameters_of_zero_are_the_identity():
    places = tf.constant(np.linspace(-6.0, 6.0, 241)[None], tf.float32)
    parameters = tf.zeros([1, spline.PARAMETERS, 241])
    y, log_slope = spline.forward(places, parameters)
    for found in (y, spline.inverse(places, parameters)):
        np.testing.assert_allclose(found, places, atol=1e-5)
    np.testing.assert_allclose(log_slope, 0.0, atol=1e-5)


def test_the_middle_of_a_bin_is_where_the_formula_puts_it():
    """Equation 4 of arXiv:1906.04032 at the middle of the bin from 0 to REACH / 6, whose slopes at the ends are 3, .5.

    All bins are as wide as high, so s = 1: with q = 1/4 the value is y0 + h (1/4 + 3/4) / (1 + 1.5 / 4), the slope
    (.5 / 4 + 2 / 4 + 3 / 4) / (1.375)^2.
    """
    parameters = np.zeros([1, spline.PARAMETERS, 1], np.float32)
    middle = spline.BINS // 2
    for knot, slope in ((middle, 3.0), (middle + 1, 0.5)):
        softplus = slope - spline.SMALLEST
        parameters[0, 2 * spline.BINS + knot - 1] = math.log(math.expm1(softplus)) - spline.UNIT_SLOPE
    height = 2.0 * spline.REACH / spline.BINS
    y, log_slope = spline.forward(tf.constant([[0.5 * height]]), tf.constant(parameters))
    assert float(y[0, 0]) == pytest.approx(height / 1.375, abs=1e-5)
    assert math.exp(float(log_slope[0, 0])) == pytest.approx(1.375 / 1.375**2, abs=1e-5)
    assert float(spline.inverse(y, tf.constant(parameters))[0, 0]) == pytest.approx(0.5 * height, abs=1e-5)


def test_knots_reach_from_end_to_end_and_keep_their_distance():
    parameters = np.zeros([1, spline.PARAMETERS, 1], np.float32)
    parameters[0, 0] = 50.0
    xs, ys, slopes = (part[0, :, 0].numpy() for part in spline.knots(tf.constant(parameters)))
    assert xs[0] == ys[0] == -spline.REACH and xs[-1] == ys[-1] == spline.REACH
    # the first bin takes all but the least shares of the eleven others
    np.testing.assert_allclose(np.diff(xs)[1:], 2 * spline.REACH * spline.SMALLEST, atol=2e-6)
    np.testing.assert_allclose(np.diff(ys), 2 * spline.REACH / spline.BINS, atol=2e-6)
    assert slopes[0] == slopes[-1] == 1.0
