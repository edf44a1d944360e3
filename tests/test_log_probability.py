"""Rows scored by a model: exact tables, densities of mass 1 in their own units, a fitted normal distribution."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController
from causalgan_tf.training.fitting import fit_labels

GRAPH = CausalGraph.from_text(
    "Old -> Smokes; Old, Smokes -> Weight; Smokes -> Share; Smokes: categorical(no, some, yes)"
)
DECLARED = CausalGraph.from_text("Weight: continuous; Share: continuous(-2, 6)").variables


@pytest.fixture(scope="module")
def model():
    kinds = {"Weight": DECLARED["Weight"].fitted(np.array([50.0, 90.0])), "Share": DECLARED["Share"].fitted([0.0, 4.0])}
    graph = GRAPH.with_variables(kinds)
    mechanisms = ExplicitController(graph, width=8, layers=3, seed=4)
    mechanisms.vector.assign(3.0 * mechanisms.vector)
    return CausalModel(graph, mechanisms)


def test_discrete_labels_have_the_probabilities_of_the_exact_tables(model):
    rows = pd.DataFrame([(o, s, 60.0, 1.0) for o in (0, 1) for s in ("no", "some", "yes")], columns=[*"osws"])
    rows.columns = ["Old", "Smokes", "Weight", "Share"]
    found = np.exp(model.log_probability(rows.sample(frac=1.0, random_state=0)).sort_index())
    tables = {
        node: model.mechanisms.probabilities(node, np.array(cells))
        for node, cells in (("Old", [[]]), ("Smokes", [[0], [1]]))
    }
    np.testing.assert_allclose(found["Old"], np.repeat(tables["Old"][0], 3), rtol=1e-5)
    np.testing.assert_allclose(found["Smokes"], tables["Smokes"].ravel(), rtol=1e-5)
    assert np.ptp(tables["Smokes"], axis=0).max() > 0.05


@pytest.mark.parametrize(("node", "ends"), [("Weight", (-500.0, 700.0)), ("Share", (-2.0, 6.0))])
def test_a_density_and_what_lies_at_the_bounds_have_mass_1_in_the_labels_unit(model, node, ends):
    grid = np.linspace(*ends, 60_001)
    for old, smokes in ((0, "no"), (1, "yes")):
        rows = pd.DataFrame({"Old": old, "Smokes": smokes, "Weight": 70.0, "Share": 1.0}, index=range(len(grid)))
        mass = np.trapezoid(np.exp(model.log_probability(rows.assign(**{node: grid}))[node].astype(float)), grid)
        drawn = model.sample(100_000, do={"Old": old, "Smokes": smokes}).labels[node]
        assert mass + drawn.isin(ends).mean() == pytest.approx(1.0, abs=2e-3)
        assert drawn.isin(ends).mean() < 0.3


def test_a_fitted_linear_model_has_scipys_normal_density_in_any_unit():
    rng = np.random.default_rng(0)
    height = rng.normal(1.7, 0.1, 20_000)  # metres
    weight = 80_000.0 * height - 70_000.0 + rng.normal(0.0, 6_000.0, 20_000)  # grams
    frame = pd.DataFrame({"Height": height, "Weight": weight})
    settings = ControllerConfig(steps=1_500)
    model = fit_labels(frame, "Height -> Weight; Height: continuous; Weight: continuous", settings, progress=False)
    asked = frame.iloc[:2_000]
    found = model.log_probability(asked)
    assert found.index.equals(asked.index)
    means = {"Height": 1.7, "Weight": 80_000.0 * asked["Height"] - 70_000.0}
    for node, deviation in (("Height", 0.1), ("Weight", 6_000.0)):
        true = stats.norm.logpdf(asked[node], means[node], deviation)
        # the mean is minus the entropy, known to a few thousandths; a unit forgotten would be off by log 10 or more
        assert found[node].mean() == pytest.approx(true.mean(), abs=0.01)
        assert np.abs(found[node] - true)[np.abs(asked["Height"] - 1.7) < 0.2].mean() < 0.05


def test_an_array_of_numbers_and_a_data_frame_in_any_order_are_scored_alike(model):
    samples = model.sample(50, seed=3)
    by_frame = model.log_probability(samples.labels[["Share", "Smokes", "Weight", "Old"]])
    by_array = model.log_probability(model.sample_labels(50, seed=3))
    assert list(by_frame) == list(model.graph.nodes) == list(by_array)
    np.testing.assert_array_equal(by_frame, by_array)


def test_a_number_with_an_offset_is_scored_in_the_users_values():
    seconds = 1.7e9 + np.random.default_rng(1).normal(0.0, 20.0, 4_000)
    frame = pd.DataFrame({"Time": seconds})
    model = fit_labels(frame, "Time; Time: continuous", ControllerConfig(steps=600), progress=False)
    assert model.graph.variables["Time"].offset > 1e9
    found = model.log_probability(frame)["Time"]
    assert found.mean() == pytest.approx(stats.norm.logpdf(seconds, 1.7e9, 20.0).mean(), abs=0.03)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="Old"), "lacks the columns: Old"),
        (lambda f: f.assign(Wealth=1), "has columns that are no labels: Wealth"),
        (lambda f: f.assign(Old=0.5), "Old of row 0 is 0.5: expected 0 or 1.$"),
        (lambda f: f.assign(Smokes="maybe"), "Smokes of row 0 is 'maybe': expected one of no, some, yes"),
        (lambda f: f.assign(Share=6.5), "Share of row 0 is 6.5: expected a number between -2 and 6"),
        (lambda f: f.assign(Weight=np.nan), "Weight of row 0 is nan: expected a finite number"),
        (lambda f: f.iloc[:0], "expected at least 1 row of labels, got none"),
        (lambda f: f.to_numpy()[:, :2], r"labels: expected \[n, 4\], got \[3, 2\]"),
    ],
)
def test_rows_that_a_model_cannot_have_are_refused_by_name(model, change, words):
    with pytest.raises(InputError, match=words):
        model.log_probability(change(model.sample(3).labels))


def test_implicit_mechanisms_state_no_probability_and_the_error_says_what_to_do():
    graph = CausalGraph.from_text("A -> B")
    model = CausalModel(graph, CausalController(graph, noise_size=2, width=4, layers=2))
    with pytest.raises(InputError, match="implicit.*Train explicit ones .--controller_mechanisms=explicit."):
        model.log_probability(np.zeros([1, 2]))
