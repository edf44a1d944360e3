"""What units would have been: against enumerated causal models and the units of a seed."""

import inspect
import itertools

import numpy as np
import pandas as pd
import pytest
from random_models import random_model, with_moments
from scipy import special

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from causalgan_tf.inference.causes import tian_pearl
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.soft_do import Formula, Law
from causalgan_tf.networks.exogenous import exogenous_of
from causalgan_tf.networks.mechanisms import CausalController
from causalgan_tf.training.fitting import fit_labels

GRAPH = CausalGraph.from_text("A -> B -> C; A -> C; C -> D; E -> D; B: categorical(x, y, z)")
UNITS = 300_000


@pytest.fixture(scope="module")
def model():
    return random_model(GRAPH)


@pytest.fixture(scope="module")
def mixed():
    graph = CausalGraph.from_text("Age -> Ill -> Dose; Age -> Dose; Age: continuous(0, 100); Dose: continuous")
    return random_model(with_moments(graph))


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


def test_a_bound_that_float32_does_not_hold_is_one_all_the_same():
    noise = exogenous_of(Continuous(0.1, 0.7, mean=0.5, std=0.2))
    outputs, uniform = np.zeros([noise.codec.outputs, 1_000]), np.random.default_rng(0).random([1, 1_000])
    for bound in (0.1, 0.7):
        exact, rounded = (
            noise.infer(outputs, np.full(1_000, value), uniform).numpy() for value in (bound, float(np.float32(bound)))
        )
        assert exact.std() > 0.1
        np.testing.assert_allclose(rounded, exact, rtol=1e-4, atol=1e-4)


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


# three causal models as code: of each node the probability of 1 given its parents; it is 1 where a uniform number of
# the unit lies below that
SCMS = {
    "confounded": {
        "z": lambda: 0.4,
        "x": lambda z: 0.7 if z else 0.2,
        "y": lambda x, z: [[0.1, 0.3], [0.6, 0.9]][x][z],
    },
    "mediated": {
        "x": lambda: 0.55,
        "m": lambda x: 0.8 if x else 0.3,
        "w": lambda m: 0.35 if m else 0.65,
        "y": lambda x, m: 0.15 + 0.25 * x + 0.4 * m - 0.3 * x * m,
    },
    "diamond": {
        "a": lambda: 0.3,
        "x": lambda a: 0.75 if a else 0.4,
        "b": lambda a: 0.2 if a else 0.6,
        "y": lambda x, b: [[0.2, 0.7], [0.5, 0.35]][x][b],
        "c": lambda y, a: 0.1 + 0.5 * y + 0.3 * a,
    },
}


class Enumerated:
    """All units of a model as code, by the cells of their uniform numbers in which every label is one value."""

    def __init__(self, code):
        self.code = code
        self.parents = {node: inspect.getfullargspec(p).args for node, p in code.items()}
        cells = []
        for node, probability in code.items():
            settings = itertools.product((0, 1), repeat=len(self.parents[node]))
            ends = np.unique([0.0, 1.0, *(probability(*values) for values in settings)])
            cells.append([(low, high) for low, high in itertools.pairwise(ends)])
        self.units = list(itertools.product(*cells))
        self.weights = np.array([np.prod([high - low for low, high in unit]) for unit in self.units])

    @property
    def graph(self):
        return "; ".join([*self.code, *(f"{', '.join(p)} -> {node}" for node, p in self.parents.items() if p)])

    def under(self, do):
        """The labels of each unit under do, [units] a node."""
        found = []
        for unit in self.units:
            values = {}
            for (node, probability), (low, high) in zip(self.code.items(), unit, strict=True):
                p = probability(**{parent: values[parent] for parent in self.parents[node]})
                values[node] = do.get(node, int((low + high) / 2 < p))
            found.append(values)
        return pd.DataFrame(found)

    def probability(self, event, do, evidence):
        seen = self.meets(self.under({}), evidence) * self.weights
        return float((seen * self.meets(self.under(do), event)).sum() / seen.sum())

    def meets(self, rows, values):
        return np.all([rows[node] == value for node, value in values.items()], axis=0)

    def sample(self, n, seed):
        chosen = np.random.default_rng(seed).choice(len(self.units), n, p=self.weights)
        return self.under({}).iloc[chosen].reset_index(drop=True)


@pytest.fixture(scope="module", params=SCMS)
def fitted(request):
    truth = Enumerated(SCMS[request.param])
    config = ControllerConfig(steps=1_500, weight_decay=0.0)
    return truth, fit_labels(truth.sample(200_000, 1), truth.graph, config, progress=False)


def test_counterfactuals_are_those_of_a_model_given_as_code(fitted):
    truth, model = fitted
    nodes = list(truth.code)
    rng = np.random.default_rng(5)
    for number in range(12):
        cause, effect, *seen = rng.permutation(nodes)
        event, do = {effect: 1}, {cause: int(rng.integers(2))}
        row = truth.sample(1, number).iloc[0]
        evidence = {node: int(row[node]) for node in [cause, *seen[: 1 + number % 2]]}
        found = model.probability(event, do, evidence=evidence)
        assert found.value == pytest.approx(truth.probability(event, do, evidence), abs=0.01), (event, do, evidence)


def test_probabilities_of_causation_are_those_of_a_model_given_as_code(fitted):
    truth, model = fitted
    found = model.causation("x", "y=1", draws=300_000)
    assert found.necessity.value == pytest.approx(truth.probability({"y": 0}, {"x": 0}, {"x": 1, "y": 1}), abs=0.01)
    assert found.sufficiency.value == pytest.approx(truth.probability({"y": 1}, {"x": 1}, {"x": 0, "y": 0}), abs=0.01)
    both = (truth.under({"x": 1})["y"] == 1) & (truth.under({"x": 0})["y"] == 0)
    assert found.both.value == pytest.approx((truth.weights * both).sum(), abs=0.01)
    by_evidence = model.probability("y=0", {"x": 0}, evidence={"x": 1, "y": 1})
    assert by_evidence.method == "abduction"
    assert by_evidence.value == pytest.approx(found.necessity.value, abs=0.01)


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
