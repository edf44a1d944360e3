"""Laws and formulas under do: what they are, and what is refused."""

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.soft_do import Formula, Law

KINDS = CausalGraph.from_text(
    "Sex -> Smoke -> BMI; Age; Smoke: categorical(never smoked, former, now); BMI: continuous; Age: continuous(0, 120)"
)
CHAIN = CausalGraph.from_text("Sky -> Wet -> Trip; Sky: categorical(clear, cloud, rain)")
TABLES = {"Sky": [0.5, 0.3, 0.2], "Wet": [0.0, 0.1, 0.9], "Trip": [0.1, 0.4]}


def distribution():
    return LabelDistribution(CHAIN, TABLES)


def test_a_law_replaces_the_causes_of_its_node():
    labels = distribution()
    assert labels.probability({"Wet": 1}, do={"Wet": Law.of(0.25)}) == pytest.approx(0.25)
    assert labels.probability({"Trip": 1}, do={"Wet": Law.of(0.25)}) == pytest.approx(0.1 + 0.25 * 0.3)
    # what is wet tells nothing of the sky any more
    assert labels.probability({"Sky": "rain"}, {"Wet": Law.of(0.25)}, {"Trip": 1}) == pytest.approx(0.2)


def test_a_formula_sees_parents_and_the_value_that_would_have_been():
    labels = distribution()
    rule = {"Wet": Formula("1 if Sky == 'cloud' else Wet")}
    assert labels.probability({"Wet": 1}, do=rule) == pytest.approx(0.3 + 0.2 * 0.9)
    turned = {"Wet": Formula("1 - Wet")}
    natural = labels.probability({"Wet": 1})
    assert labels.probability({"Wet": 1}, do=turned) == pytest.approx(1.0 - natural)
    assert labels.probability({"Sky": "rain"}, turned, {"Trip": 1}) > 0.0


def test_the_joint_distribution_and_its_rows_follow_soft_interventions():
    labels, do = (
        distribution(),
        {"Sky": Law.of({"clear": 0.5, "rain": 0.5}), "Wet": Formula("max(Wet, Sky == 'clear')")},
    )
    joint = labels.joint(do).reshape([2, 2, 3])  # Trip, Wet, Sky
    np.testing.assert_allclose(joint.sum((0, 1)), [0.5, 0.0, 0.5])
    np.testing.assert_allclose(joint.sum((0, 2)), [0.05, 0.95])
    rows = labels.sample(50_000, seed=1, do=do)
    assert abs(rows[:, 1].mean() - 0.95) < 0.005 and abs(rows[:, 2].mean() - (0.1 * 0.05 + 0.4 * 0.95)) < 0.01


def test_laws_of_numbers_are_drawn_from_uniform_numbers():
    age, uniform = KINDS.variables["Age"], np.array([0.0228, 0.5, 0.9772])
    np.testing.assert_allclose(Law.normal(40, 10).draw(age, uniform), [20, 40, 60], atol=0.1)
    np.testing.assert_allclose(Law.uniform(20, 40).draw(age, uniform), [20.456, 30, 39.544])
    assert Law.normal(115, 10).draw(age, np.array([0.99])) == 120.0  # the label's bound


def test_formulas_know_arithmetic_comparisons_and_functions():
    known = {"A": np.array([1.0, 2.0]), "B": np.array(["x", "y"]), "two words": np.array([3.0, 4.0])}
    for text, expected in {
        "A * 2 + 1": [3, 5],
        "min(A, 1.5)": [1, 1.5],
        "where(B == 'x', 10, A)": [10, 2],
        'A if "two words" > 3 else -A': [-1, 2],
        "A ** 2 % 3": [1, 1],
        "not A == 1 and B == 'y'": [0, 1],
        "sqrt(exp(log(A)) * A)": [1, 2],
    }.items():
        np.testing.assert_allclose(Formula(text).values(known).astype(float), expected, err_msg=text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected 1 to 500 letters"),
        ("A +", "expected an expression such as"),
        ("__import__('os')", "expected a function with so many arguments"),
        ("A.real", "expected numbers, names"),
        ("[A]", "expected numbers, names"),
        ("max(A)", "max of 2"),
        ("maxx(A, 1)", "Did you mean 'max'"),
        ("lambda: 1", "expected numbers, names"),
        ("A" * 501, "expected 1 to 500 letters"),
    ],
)
def test_what_is_no_formula_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        Formula(text)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ({"Sex": Law.of(1.5)}, "probabilities from 0 to 1, got 1.5"),
        ({"Sex": Law.of({0: 0.5, 1: 0.2})}, "sum 1, got 0.7"),
        ({"Smoke": Law.of({"never smoked": 0.5, "formr": 0.5})}, "Did you mean 'former'"),
        ({"Smoke": Law.of(0.5)}, "Smoke~0.5: 1: expected one of"),
        ({"Sex": Law.normal(0, 1)}, "the law of a number"),
        ({"BMI": Law.of(0.5)}, "BMI is a number"),
        ({"BMI": Law.normal(20, 0)}, "a standard deviation above 0"),
        ({"Age": Law.uniform(100, 130)}, "of a number between 0 and 120"),
        ({"Age": Law.uniform(30, 20)}, "the lower one first"),
        ({"BMI": Formula("Sex")}, "Sex is no parent of it. Expected its parents \\(Smoke\\) or BMI itself"),
        ({"BMI": Formula("Smok")}, "Did you mean 'Smoke'"),
    ],
)
def test_a_soft_intervention_that_its_node_cannot_have_is_refused(do, message):
    with pytest.raises(InputError, match=message):
        Query.create(KINDS, do)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("Wet + 1", "gives np.float64\\(2.0\\): expected 0 or 1|gives 2.0"),
        ("Sky + 1", "a category was taken for a number"),
    ],
)
def test_a_formula_that_gives_no_value_of_its_node_is_refused(rule, message):
    with pytest.raises(InputError, match=message):
        distribution().probability({"Wet": 1}, do={"Wet": Formula(rule)})
