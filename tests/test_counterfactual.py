"""What units would have been: against enumerated causal models and the units of a seed."""

import numpy as np
import pandas as pd
import pytest
from random_models import random_model, with_moments
from scipy import special

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.causes import tian_pearl
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.soft_do import Formula, Law
from causalgan_tf.networks.exogenous import exogenous_of
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController

GRAPH = CausalGraph.from_text("A -> B -> C; A -> C; C -> D; E -> D; B: categorical(x, y, z)")
UNITS = 300_000


@pytest.fixture(scope="module")
def model():
    return random_model(GRAPH)


@pytest.fixture(scope="module")
def mixed():
    graph = CausalGraph.from_text("Age -> Ill -> Dose; Age -> Dose; Age: continuous(0, 100); Dose: continuous")
    return random_model(with_moments(graph))


def table_model(p_z, p_x, p_y):
    """Z -> X -> Y, Z -> Y with these probabilities of 1; a linear logit for each setting needs none of training."""
    graph = CausalGraph.from_text("Z -> X -> Y; Z -> Y")

    class Tables(ExplicitController):
        def statements(self, node, parents):
            table = {"Z": np.array(p_z), "X": np.array(p_x), "Y": np.array(p_y)}[node]
            places = tuple(np.asarray(parents).T.astype(int))
            return special.logit(table[places] if places else np.full(len(parents), table))[None]

    return CausalModel(graph, Tables(graph, width=4, layers=2))


@pytest.mark.parametrize(
    "variable", [Binary(), Categorical(("a", "b", "c")), Continuous(mean=5.0, std=2.0), Continuous(0.0, 9.0, 4.0, 2.0)]
)
def test_noise_that_is_inferred_gives_its_value_back(variable):
    noise, rng = exogenous_of(variable), np.random.default_rng(0)
    outputs = 2.0 * rng.normal(size=[noise.codec.outputs, 2_000])
    numbers, mass = noise.draw(outputs, None, rng.random([noise.uniforms, 2_000]))
    assert np.abs(mass).max() < 1e-9
    inferred = noise.infer(outputs, numbers, rng.random([noise.uniforms, 2_000]))
    np.testing.assert_allclose(noise.value(outputs, inferred), numbers, atol=1e-4 if variable.size is None else 0)


@pytest.mark.parametrize("variable", [Binary(), Categorical(("a", "b", "c"))])
def test_inferred_noise_has_the_law_of_the_noise(variable):
    """Values drawn by the mechanism, then their noise: together they are noise as it is drawn."""
    noise, rng, n = exogenous_of(variable), np.random.default_rng(1), 50_000
    outputs = np.repeat(rng.normal(size=[noise.codec.outputs, 1]), n, 1)
    numbers, _ = noise.draw(outputs, None, rng.random([noise.uniforms, n]))
    inferred = noise.infer(outputs, numbers, rng.random([noise.uniforms, n]))
    if variable.size == 2:
        uniform = special.expit(inferred[0])
    else:
        uniform = np.exp(-np.exp(-inferred)).ravel()
        assert np.abs(np.corrcoef(inferred)[0, 1:]).max() < 0.02  # Gumbel numbers of categories are independent
    assert np.abs(np.quantile(uniform, [0.01, 0.25, 0.5, 0.75, 0.99]) - [0.01, 0.25, 0.5, 0.75, 0.99]).max() < 0.01


def test_an_empty_do_gives_rows_back_to_the_bit(model, mixed):
    for one in (model, mixed):
        rows = one.sample(200, seed=4).labels
        back = one.counterfactual(rows, {}, draws=2, seed=1).labels
        pd.testing.assert_frame_equal(back, rows.loc[rows.index.repeat(2)].reset_index(drop=True))


def test_what_does_not_descend_from_do_never_changes(model, mixed):
    for one, do in ((model, {"C": 1}), (mixed, {"Ill": 0})):
        rows = one.sample(300, seed=4).labels
        node = next(iter(do))
        there = one.counterfactual(rows, do, seed=1).labels
        for other in set(one.graph.nodes) - one.graph.descendants(node) - {node}:
            assert there[other].equals(rows[other])
        assert (there[node] == do[node]).all()


def test_a_unit_has_the_counterfactual_law_of_all_units_with_its_labels(model):
    """Abduction against counting: of many units of a seed those with the same labels, each under do."""
    seen, seeds, _ = model.labels.draw(UNITS, Query.create(GRAPH), seed=5)
    under = model.labels.redraw(seeds, Query.create(GRAPH, {"A": 1 - int(seen[0, 0]), "E": 1}))
    same = (seen == seen[0]).all(1)
    counted = np.array([[(under[same, k] == v).mean() for v in range(3)] for k in range(5)])
    row = model.sample(1, seed=5).labels
    drawn = model.counterfactual(row, {"A": 1 - int(seen[0, 0]), "E": 1}, draws=50_000, seed=2).labels
    drawn["B"] = drawn["B"].cat.codes
    found = np.array([[(drawn[node] == v).mean() for v in range(3)] for node in GRAPH.nodes])
    assert np.abs(found - counted).max() < 4.5 * np.sqrt(0.25 / same.sum() + 0.25 / 50_000)


def test_missing_cells_are_drawn_given_those_that_were_seen(model):
    truth = model.probability({"C": 1}, {"A": 1}, evidence={"A": 0, "D": 1, "E": 0, "C": 0}, draws=200_000).value
    frame = pd.DataFrame({"A": [0] * 40, "C": [0] * 40, "D": [1] * 40, "E": [0] * 40})
    drawn = model.counterfactual(frame, {"A": 1}, draws=1_000)
    assert abs(drawn.labels["C"].mean() - truth) < 0.012
    assert (drawn.labels["E"] == 0).all() and drawn.diagnostics.effective == 40_000


def test_rows_depend_on_their_place_and_seed_alone(model):
    frame = model.sample(20, seed=1).labels
    frame["D"] = pd.Series([None, 1] * 10, dtype=object)
    whole = model.counterfactual(frame, {"A": 1}, draws=3, seed=4).labels
    assert model.counterfactual(frame[:5], {"A": 1}, draws=3, seed=4).labels.equals(whole[:15])
    assert not model.counterfactual(frame, {"A": 1}, draws=3, seed=5).labels.equals(whole)


P_Z, P_X, P_Y = 0.4, [0.2, 0.7], [[0.1, 0.6], [0.3, 0.9]]  # P(Y=1 | X, Z): columns are parents in graph order


def enumerated():
    """PN, PS and PNS of Z -> X -> Y with a confounder, where a unit's label is 1 if a uniform number is above 1 - p."""
    p_y = np.array(P_Y)  # [Z, X]
    joint = {}
    for z in (0, 1):
        p0, p1 = p_y[z]
        for x in (0, 1):
            weight = (P_Z if z else 1 - P_Z) * (P_X[z] if x else 1 - P_X[z])
            both, only1 = min(p0, p1), max(p1 - p0, 0.0)  # Y_0 = Y_1 = 1; Y_1 = 1 alone
            joint[z, x] = weight, both, only1, 1 - max(p0, p1)
    necessity = sum(w * only for (z, x), (w, _, only, _) in joint.items() if x)
    necessity /= sum(w * (both + only) for (z, x), (w, both, only, _) in joint.items() if x)
    sufficiency = sum(w * only for (z, x), (w, _, only, _) in joint.items() if not x)
    sufficiency /= sum(w * (only + none) for (z, x), (w, _, only, none) in joint.items() if not x)
    return necessity, sufficiency, sum(w * only for w, _, only, _ in joint.values())


@pytest.fixture(scope="module")
def tables():
    return table_model(P_Z, P_X, P_Y)


def test_probabilities_of_causation_by_evidence_are_the_enumerated_ones(tables):
    necessity, sufficiency, both = enumerated()
    pn = tables.probability("Y=0", {"X": 0}, evidence={"X": 1, "Y": 1})
    ps = tables.probability("Y=1", {"X": 1}, evidence={"X": 0, "Y": 0})
    assert pn.method == "abduction"
    assert pn.value == pytest.approx(necessity, abs=0.01) and ps.value == pytest.approx(sufficiency, abs=0.01)


def test_probabilities_of_causation_lie_in_their_bounds(model):
    found = model.causation("A", "C=1")
    for answer, name in ((found.necessity, "PN"), (found.sufficiency, "PS"), (found.both, "PNS")):
        low, high = found.bounds[name]
        assert low - 4 * answer.standard_error <= answer.value <= high + 4 * answer.standard_error
    assert "the fitted model's" in repr(found)
    by_evidence = model.probability("C=0", {"A": 0}, evidence={"A": 1, "C": 1})
    assert found.necessity.value == pytest.approx(by_evidence.value, abs=0.005)


def test_bounds_of_a_randomised_and_of_a_confounded_cause():
    # Tian and Pearl (2000): with P(y_x) = .7, P(y_x') = .3 and a randomised cause PNS lies in [.4, .7]
    assert tian_pearl(0.3, 0.7, (0.15, 0.35), (0.35, 0.15))["PNS"] == pytest.approx((0.4, 0.7))
    # the legal example of Pearl (2009, section 9.3.4): experiment .014 and .016, survey .002 and .998 of 1,000 each
    bounds = tian_pearl(0.014, 0.016, (28 / 2000, 972 / 2000), (2 / 2000, 998 / 2000))
    assert bounds["PN"] == pytest.approx((1.0, 1.0))


def test_mediation_splits_an_effect(model):
    found = model.mediation("C", "A", draws=200_000)
    assert found.mediators == ("B",)
    total = model.probability("C=1", {"A": 1}).value - model.probability("C=1", {"A": 0}).value
    labels = model.label_distribution()
    before, after = (labels.distribution("B", {"A": value}) for value in (0, 1))
    of = {(a, b): labels.probability({"C": 1}, {"A": a, "B": b}) for a in (0, 1) for b in "xyz"}
    direct = sum(before[b] * (of[1, b] - of[0, b]) for b in "xyz")
    indirect = sum((after[b] - before[b]) * of[0, b] for b in "xyz")
    for answer, truth in ((found.total, total), (found.direct, direct), (found.indirect, indirect)):
        assert answer.value == pytest.approx(truth, abs=5 * answer.standard_error + 1e-9)


def test_counterfactuals_of_soft_interventions(model, mixed):
    rows = model.sample(2_000, seed=1).labels
    there = model.counterfactual(rows, {"C": Formula("1 - C"), "E": Law.of(1.0)}).labels
    assert (there["C"] == 1 - rows["C"]).all() and (there["E"] == 1).all()
    people = mixed.sample(500, seed=1).labels
    older = mixed.counterfactual(people, {"Age": Formula("min(Age + 5, 100)")}).labels
    np.testing.assert_allclose(older["Age"], np.minimum(people["Age"] + 5, 100), rtol=1e-5)


def test_additive_noise_is_kept_in_a_number(mixed):
    """Between equal parents a number keeps its value; between others its rank among those parents' values."""
    people = mixed.sample(2_000, seed=1).labels
    there = mixed.counterfactual(people, {"Ill": 1}).labels
    kept = people["Ill"] == 1
    np.testing.assert_array_equal(there["Dose"][kept], people["Dose"][kept])
    back = mixed.counterfactual(there[~kept], {"Ill": 0}).labels["Dose"]
    np.testing.assert_allclose(back, people["Dose"][~kept], rtol=1e-3, atol=0.05)


def test_implicit_mechanisms_answer_by_units_that_show_the_row():
    implicit = random_model(GRAPH, family=CausalController, scale=1.5)
    rows = implicit.sample(30, seed=3).labels
    there = implicit.counterfactual(rows, {}, draws=2)
    assert there.labels.equals(rows.loc[rows.index.repeat(2)].reset_index(drop=True))
    assert there.diagnostics.method == "rejection"
    with pytest.raises(InputError, match="without missing cells"):
        implicit.counterfactual(rows.drop(columns="D"), {})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"A": []}), "at least 1 row"),
        (pd.DataFrame({"A": [1], "F": [0]}), "columns that are no labels: F"),
        (pd.DataFrame({"B": ["w"]}), "B of row 0 is 'w': expected one of x, y, z"),
        (pd.DataFrame({"A": [0.5]}), "A of row 0 is 0.5: expected 0 or 1"),
        ([[1, 0]], "expected a data frame of labels, got a list"),
    ],
)
def test_rows_that_no_unit_has_are_refused(model, frame, message):
    with pytest.raises(InputError, match=message):
        model.counterfactual(frame, {"A": 1})


def test_twins_of_rows_of_any_method_keep_what_does_not_descend_from_do(model):
    for method in ("exact", "rejection", "particles"):
        units = model.sample(400, {"B": "x"}, {"D": 1}, seed=3, method=method)
        again = model.twins(units, {"B": "x"})
        assert again.labels.equals(units.labels)
        assert model.twins(again, {"B": "x"}).labels.equals(units.labels)  # they are known by their labels still
        other = model.twins(units, {"B": "z"})
        assert (other.labels["B"] == "z").all()
        assert other.labels[["A", "E"]].equals(units.labels[["A", "E"]])


def test_twins_of_what_was_set_are_as_their_mechanism_draws_them(model):
    units = model.sample(20_000, {"B": "x"}, {"D": 1}, seed=3, method="exact")
    free = model.twins(units).labels
    by_a = {a: model.distribution("B", given={"A": a}) for a in (0, 1)}
    expected = sum((units.labels["A"] == a).mean() * by_a[a] for a in (0, 1))
    found = free["B"].value_counts(normalize=True)
    assert (found - expected).abs().max() < 0.02


def test_rows_of_units_with_evidence_are_exactly_as_many_as_asked_for(model):
    samples = model.sample(3_000, {"A": 1}, {"D": 1}, seed=2, evidence={"A": 0, "C": 0})
    assert len(samples.labels) == 3_000 and (samples.labels["D"] == 1).all() and (samples.labels["A"] == 1).all()
    truth = model.probability("C=1", {"A": 1}, {"D": 1}, {"A": 0, "C": 0}, draws=100_000)
    assert samples.labels["C"].mean() == pytest.approx(truth.value, abs=5 * (0.25 / 3_000) ** 0.5)
    assert samples.diagnostics.method == "abduction"
    assert samples.query.text() == "do(A=1), evidence(A=0, C=0), D=1"


def test_evidence_of_one_number_is_met_exactly(mixed):
    samples = mixed.sample(500, {"Ill": 1}, seed=2, evidence={"Age": 42.5, "Ill": 0})
    np.testing.assert_allclose(samples.labels["Age"], 42.5)
    with pytest.raises(InputError, match="Give an interval"):
        random_model(mixed.graph, family=CausalController).sample(5, evidence={"Age": 42.5})
