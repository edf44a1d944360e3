"""Numbers with bounds: a share of rows lies at a bound exactly, and has a probability there, not a density."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy import stats

import causalgan_tf
from causalgan_tf.data.dataset import observed_cells
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Continuous
from causalgan_tf.inference.arguments import label_rows
from causalgan_tf.inference.query import Query
from causalgan_tf.networks.normal import log_below
from causalgan_tf.reporting.unsupported import nearest_supported

HIGH = 0.3  # which float32 has a little above it


@pytest.fixture(scope="module")
def frame():
    """A share that is cut at 0 and at HIGH, more often at HIGH where B = 0."""
    rng = np.random.default_rng(0)
    b = rng.integers(0, 2, 4_000)
    share = np.where(b == 1, rng.normal(0.8, 0.15, len(b)), rng.normal(0.7, 0.6, len(b))).clip(0.0, 1.0)
    return pd.DataFrame({"B": b, "Share": HIGH * share})


@pytest.fixture(scope="module")
def model(frame):
    return causalgan_tf.fit_labels(frame, f"B -> Share; Share: continuous(0, {HIGH})", progress=False)


def test_draws_lie_at_a_bound_as_often_as_the_data_do(model, frame):
    drawn = model.sample(50_000, seed=1).labels
    for b in (0, 1):
        for bound in (0.0, HIGH):
            found, real = (
                np.isclose(rows["Share"][rows["B"] == b], bound, rtol=0, atol=1e-7).mean() for rows in (drawn, frame)
            )
            assert found == pytest.approx(real, abs=0.025)
    assert drawn["Share"].min() == 0.0 and drawn["Share"].max() == np.float32(HIGH)


def test_what_a_bound_says_of_its_cause_is_the_same_by_every_method(model, frame):
    real = frame["B"][frame["Share"] == HIGH].mean()
    query = Query({}, {"Share": HIGH}, model.graph.variables)
    found = model.labels.draw(4_000, query, 0, method="particles")
    assert found.labels[:, model.graph.index("B")].mean() == pytest.approx(real, abs=0.03)
    assert found.diagnostics.mass == pytest.approx((frame["Share"] == HIGH).mean(), abs=0.02)
    seen = model.counterfactual(pd.DataFrame({"Share": [HIGH]}), do={}, draws=4_000).labels["B"].mean()
    assert seen == pytest.approx(real, abs=0.03)


def test_probabilities_at_the_bounds_and_the_density_between_them_sum_to_1(model):
    grid = np.linspace(0.0, HIGH, 20_001)
    for b in (0, 1):
        logs = model.log_probability(pd.DataFrame({"B": b, "Share": grid}))["Share"].to_numpy(np.float64)
        ends = np.exp(logs[[0, -1]])
        assert ends.sum() + np.trapezoid(np.exp(logs[1:-1]), grid[1:-1]) == pytest.approx(1.0, abs=5e-3)
        assert ends[1] > 0.05


def test_a_model_takes_its_own_labels_at_a_bound(model):
    drawn = model.sample(500, seed=2).labels
    assert (drawn["Share"] == np.float32(HIGH)).any()
    assert np.isfinite(model.log_probability(drawn)).all(axis=None)
    assert (model.counterfactual(drawn, do={}).labels["Share"] == drawn["Share"]).all()
    assert model.sample(1, do={"Share": float(np.float32(HIGH))}).labels["Share"][0] == np.float32(HIGH)


def test_what_do_sets_comes_back_to_the_last_digit(model):
    values = np.linspace(0.0, HIGH, 50)
    drawn = [model.sample(1, do={"Share": value}).labels["Share"][0] for value in values]
    assert (np.array(drawn, np.float32) == values.astype(np.float32)).all()
    assert model.ask("P(Share=0.1.. | do(Share=0.1))").value == 1.0


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_the_normal_tail_is_scipys_and_has_its_slope(dtype):
    z = tf.constant(np.linspace(-30.0, 8.0, 200), dtype)
    with tf.GradientTape() as tape:
        tape.watch(z)
        found = log_below(z)
    np.testing.assert_allclose(found, stats.norm.logcdf(z), rtol=1e-4, atol=1e-6)
    slope = np.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z))
    np.testing.assert_allclose(tape.gradient(found, z), slope, rtol=5e-3, atol=1e-6)


def test_a_row_that_is_moved_to_a_bound_stays_within_it():
    """Of a dose that is mostly 0 the lowest bin ends at 0."""
    graph = CausalGraph.from_text("B; Dose: continuous(0, 10)")
    dose = np.repeat([0.0, 2.0, 4.0, 8.0], [60, 10, 10, 20])
    rows = np.stack([np.arange(100) < 30, dose], 1).astype(np.float32)
    cells = observed_cells(graph, rows)
    moved = nearest_supported(cells, np.array([[1.0, 7.3]], np.float32), kept=0)
    assert moved[0, 1] == 0.0 and cells.holds(moved).all()
    np.testing.assert_array_equal(label_rows(graph, moved), moved)


def test_an_edge_that_float32_has_not_is_not_passed():
    cells = ObservedCells((2,), (np.array([HIGH]),), np.array([0]))
    moved = nearest_supported(cells, np.array([[0.9]], np.float32))
    assert cells.holds(moved).all() and moved[0, 0] == pytest.approx(HIGH)


@pytest.mark.parametrize(("mean", "spread"), [(101_325.0, 5.0), (2015.5, 0.2), (40.0, 10.0), (1e-7, 1e-9)])
def test_quartiles_that_do_sets_stay_within_the_data(mean, spread):
    rows = np.random.default_rng(0).normal(mean, spread, [2_000, 1])
    graph = CausalGraph({"X": []}, {"X": Continuous(mean=mean, std=spread)})
    found = list(single_interventions(graph, rows))
    values = [do["X"] for _, do in found]
    np.testing.assert_allclose(values, np.quantile(rows, [0.25, 0.5, 0.75]), atol=0.011 * spread)
    assert [float(text.removeprefix("do(X=").removesuffix(")")) for text, _ in found] == values
