"""Probabilities, means and effects: exact ones against enumeration, drawn ones within their intervals."""

import itertools
import json

import numpy as np
import pytest
from random_models import random_model, with_moments

from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.soft_do import Formula, Law
from causalgan_tf.networks.mechanisms import CausalController

GRAPH = CausalGraph.from_text("A -> B -> C; A -> C; C -> D; B: categorical(x, y, z)")
REPEATS = 200


@pytest.fixture(scope="module")
def model():
    return random_model(GRAPH)


@pytest.fixture(scope="module")
def mixed():
    graph = CausalGraph.from_text("Age -> Ill -> Dose; Age -> Dose; Age: continuous(0, 100); Dose: continuous")
    return random_model(with_moments(graph))


def brute(model, event, do, given):
    """P(event | do, given) by the product of the mechanisms' tables over all cells."""
    graph, tables = model.graph, model.label_distribution().tables
    sizes, hit, all_ = graph.sizes, 0.0, 0.0
    for cell in itertools.product(*map(range, sizes)):
        row = dict(zip(graph.nodes, cell, strict=True))
        shown = {node: graph.variables[node].shown(value) for node, value in row.items()}
        if any(shown[node] != value for node, value in do.items()):
            continue
        weight = 1.0
        for node in graph.nodes:
            if node not in do:
                weight *= tables[node][(*(row[parent] for parent in graph.parents[node]), row[node])]
        if all(shown[node] in (value if isinstance(value, set) else {value}) for node, value in given.items()):
            all_ += weight
            hit += weight * all(shown[node] == value for node, value in event.items())
    return hit / all_


def test_exact_probabilities_of_every_pair_are_those_of_brute_force(model):
    values = {"A": 1, "B": "z", "C": 0, "D": 1}
    for x, y in itertools.permutations(values, 2):
        event, other = {y: values[y]}, {x: values[x]}
        for do, given in ((other, {}), ({}, other)):
            found = model.probability(event, do, given)
            assert found.method == "tables" and found.standard_error == 0.0
            assert found.value == pytest.approx(brute(model, event, do, given), abs=1e-6)
    for x, y, z in itertools.permutations(values, 3):
        event, do, given = ({node: values[node]} for node in (y, x, z))
        assert model.probability(event, do, given).value == pytest.approx(brute(model, event, do, given), abs=1e-6)


def test_sets_are_conditions_and_events(model):
    given = {"B": {"x", "z"}}
    assert model.probability("D=1", given=given).value == pytest.approx(brute(model, {"D": 1}, {}, given), abs=1e-6)
    assert model.probability("B={x, y, z}").value == pytest.approx(1.0)


def test_one_text_asks_what_the_verbs_ask(model):
    assert model.ask("P(C=1 | do(A=1), D=0)") == model.probability({"C": 1}, {"A": 1}, {"D": 0})
    assert model.ask("E(C | do(A~0.25))").value == model.probability("C=1", {"A": Law.of(0.25)}).value
    asked = model.ask("P(C=0 | do(A=0), evidence(A=1, C=1))", draws=20_000)
    assert asked == model.probability("C=0", {"A": 0}, evidence={"A": 1, "C": 1}, draws=20_000)
    assert repr(asked).startswith("P(C=0 | do(A=0), evidence(A=1, C=1)) = 0.") and "abduction" in repr(asked)


def test_evidence_without_an_intervention_is_a_condition(model):
    assert model.probability("A=1", evidence={"D": 1}).value == model.probability("A=1", given={"D": 1}).value


@pytest.mark.long
def test_intervals_of_drawn_answers_cover_the_enumerated_one(model, monkeypatch):
    truth = {query: model.ask(query).value for query in ("P(C=1 | do(A=1))", "P(A=1 | D=0)")}
    monkeypatch.setattr(CausalModel, "_exact_probability", lambda self, event, query: None)
    for query, value in truth.items():
        found = [model.ask(query, draws=400, seed=seed) for seed in range(REPEATS)]
        assert found[0].method in ("direct", "exact")
        covered = sum(answer.interval[0] <= value <= answer.interval[1] for answer in found)
        assert 0.90 * REPEATS <= covered <= 0.99 * REPEATS
        scatter = np.std([answer.value for answer in found])
        assert np.mean([answer.standard_error for answer in found]) == pytest.approx(scatter, rel=0.2)


def test_means_of_numbers_are_drawn_and_their_intervals_cover(mixed):
    truth = mixed.mean("Dose", do={"Ill": 1}, draws=2_000_000, seed=99).value
    found = [mixed.mean("Dose", do={"Ill": 1}, draws=500, seed=seed) for seed in range(REPEATS)]
    covered = sum(answer.interval[0] <= truth <= answer.interval[1] for answer in found)
    assert 0.90 * REPEATS <= covered <= 0.99 * REPEATS


def test_an_effect_is_the_difference_of_its_answers(model):
    effect = model.effect("C=1", "A")
    p0, p1 = (model.probability("C=1", do={"A": value}).value for value in (0, 1))
    assert effect.table["answer"].tolist() == [p0, p1]
    assert effect.value == p1 - p0 and effect.interval == (effect.value, effect.value)
    by_category = model.effect("D=1", "B", values=("x", "y", "z"))
    assert by_category.table["value"].tolist() == ["x", "y", "z"]
    among = model.effect("C=1", "A", given={"D": 1})
    assert among.value == pytest.approx(
        brute(model, {"C": 1}, {"A": 1}, {"D": 1}) - brute(model, {"C": 1}, {"A": 0}, {"D": 1}), abs=1e-6
    )


def test_the_same_units_make_the_error_of_an_effect_small(mixed):
    effect = mixed.effect("Dose", "Ill", draws=20_000)
    apart = np.hypot(*effect.table["standard_error"])
    assert 0.0 < effect.standard_error < apart
    again = [mixed.effect("Dose", "Ill", draws=2_000, seed=seed).value for seed in range(40)]
    assert np.std(again) == pytest.approx(mixed.effect("Dose", "Ill", draws=2_000).standard_error, rel=0.35)


def test_quantiles_of_a_number(mixed):
    effect = mixed.effect("Dose", "Ill", quantile=0.5, draws=50_000)
    medians = [np.median(mixed.sample(200_000, {"Ill": value}, seed=8).labels["Dose"]) for value in (0, 1)]
    assert effect.value == pytest.approx(medians[1] - medians[0], abs=5 * effect.standard_error)


def test_refitted_models_make_the_interval(model):
    others = [random_model(GRAPH, scale=scale) for scale in (3.5, 3.8, 4.2, 4.5)]
    effect = model.effect("C=1", "A", bootstrap=others)
    assert effect.refitted == tuple(one.effect("C=1", "A").value for one in others)
    low, high = effect.interval
    assert low < effect.value < high and "4 refitted models" in repr(effect)
    assert effect.standard_error == pytest.approx(np.std(effect.refitted, ddof=1))


def test_a_formula_shifts_a_number(mixed):
    plain, shifted = (mixed.mean("Dose", do=do, draws=50_000) for do in ({}, {"Dose": Formula("Dose + 10")}))
    assert shifted.value == pytest.approx(plain.value + 10.0, abs=0.01)


@pytest.mark.long
def test_implicit_mechanisms_are_counted_in_draws():
    implicit = random_model(GRAPH, CausalController, scale=1.5)
    found = implicit.probability("C=1", {"A": 1}, draws=50_000)
    assert found.method == "direct" and found.draws == 50_000 and found.standard_error > 0
    exact = implicit.label_distribution(draws=400_000).probability({"C": 1}, {"A": 1})
    assert found.value == pytest.approx(exact, abs=5 * found.standard_error)
    seen = implicit.probability("C=0", {"A": 0}, evidence={"A": 1}, draws=20_000)
    assert seen.method == "abduction" and 0.0 < seen.value < 1.0


def test_an_answer_is_plain_json(model):
    plain = json.loads(json.dumps(model.probability("C=1", draws=10).to_json()))
    assert set(plain) == {"query", "value", "standard_error", "low", "high", "method", "draws", "mass", "effective"}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.probability(""), "event: expected"),
        (lambda m: m.probability("C=2"), "event C=2: expected 0 or 1"),
        (lambda m: m.mean("B"), 'B is a category and has no mean. Ask for an event: "B=x"'),
        (lambda m: m.effect("C", "A", values=(1,)), "at least two values"),
        (lambda m: m.effect("C", "A", quantile=0.5), "C is no number"),
        (lambda m: m.effect("C=1", "A", quantile=0.5), "of a number, not of an event"),
        (lambda m: m.causation("B", "C=1"), "B is not binary"),
        (lambda m: m.causation("A", "A=1"), "expected another node than the cause"),
        (lambda m: m.mediation("C", "A", mediators=["D"]), "D lies on no path"),
        (lambda m: m.ask("P(C=1", draws=10), "expected a probability"),
        (lambda m: m.probability("C=1", draws=0), "draws: expected at least 1"),
        (lambda m: m.effect("Cc", "A"), "no node 'Cc'"),
        (lambda m: m.ask(5), "expected a probability"),
        (lambda m: m.effect("C", "A", values=5), "at least two values"),
        (lambda m: m.mediation("C", "A", values=5), "expected two values"),
        (lambda m: m.effect("C", "A", bootstrap=5), "bootstrap: expected refitted models"),
        (lambda m: m.probability("C=1", do={"A": Law.of("x")}), "probabilities from 0 to 1, got 'x'"),
        (lambda m: m.probability("C=1", do={"A": Formula(5)}), "expected a text such as Age"),
    ],
)
def test_what_cannot_be_answered_is_refused(model, ask, message):
    with pytest.raises(InputError, match=message):
        ask(model)


def test_a_condition_of_probability_zero_has_no_answer(model):
    sure = random_model(CausalGraph.from_text("A -> B"), scale=1e6)
    with pytest.raises(ConditioningError, match="probability 0"):
        for a, b in itertools.product((0, 1), repeat=2):
            sure.probability("A=1", given={"A": a, "B": b})


def test_what_is_too_large_for_tables_is_drawn():
    """Fourteen causes of one label have more cells than a table may."""
    many = random_model(CausalGraph({f"x{i}": [] for i in range(14)} | {"y": [f"x{i}" for i in range(14)]}))
    found = many.probability("y=1", {"x0": 1}, draws=20_000)
    assert found.method == "direct" and 0.0 < found.value < 1.0
    assert many.effect("y", "x0", draws=2_000).difference.method == "direct"
    met = many.probability("x0=1", given={"y": 1}, draws=20_000)
    assert met.method in ("rejection", "particles")
    # Bayes' rule, each part drawn
    share, joint = many.probability("y=1", draws=20_000), many.probability("y=1, x0=1", draws=20_000)
    assert met.value == pytest.approx(joint.value / share.value, abs=0.03)


def test_the_effect_of_a_cause_on_a_number_is_drawn_from_the_same_units(mixed):
    effect = mixed.effect("Dose", "Ill", draws=1_000, seed=4)
    rows = [mixed.sample(1_000, {"Ill": value}, seed=4).labels["Dose"].astype(float) for value in (0, 1)]
    assert effect.value == pytest.approx((rows[1] - rows[0]).mean(), rel=1e-5)
