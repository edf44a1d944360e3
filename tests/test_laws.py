"""Exact laws against enumerations by hand."""

import numpy as np
import pytest

from causalgan_tf import laws
from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.laws import LabelLaw

# the back-door model: Z confounds X and Y
GRAPH = CausalGraph.from_text("Z -> X; Z, X -> Y")
LAW = LabelLaw(GRAPH, {"Z": np.array(0.4), "X": np.array([0.2, 0.8]), "Y": np.array([[0.1, 0.4], [0.6, 0.9]])})


def test_a_code_counts_the_first_label_as_one():
    assert laws.row_codes(np.array([[1, 0, 0], [0, 1, 1]])).tolist() == [1, 6]
    np.testing.assert_array_equal(laws.cells(2), [[0, 0], [1, 0], [0, 1], [1, 1]])
    np.testing.assert_allclose(laws.histogram(np.array([[0, 0], [1, 0], [1, 0], [1, 1]])), [0.25, 0.5, 0.0, 0.25])


def test_interventions_and_conditions_of_the_back_door_model():
    assert LAW.probability({"Y": 1}, do={"X": 0}) == pytest.approx(0.3)
    assert LAW.probability({"Y": 1}, do={"X": 1}) == pytest.approx(0.6)
    assert LAW.probability({"Y": 1}, given={"X": 0}) == pytest.approx(0.171429, abs=1e-6)
    assert LAW.probability({"Y": 1}, given={"X": 1}) == pytest.approx(0.763636, abs=1e-6)


def test_every_law_sums_to_one_and_do_is_a_point_mass():
    for do in ({}, {"X": 1}, {"Z": 0, "Y": 1}):
        joint = LAW.joint(do)
        assert joint.sum() == pytest.approx(1.0)
        for node, value in do.items():
            assert joint[laws.cells(3)[:, GRAPH.index(node)] != value].sum() == 0.0


def test_a_do_leaves_the_law_of_what_is_not_below_it():
    assert LAW.probability({"Z": 1}, do={"X": 1}) == pytest.approx(0.4)
    assert LAW.probability({"Z": 1}, given={"X": 1}) == pytest.approx(0.32 / 0.44)


def test_fit_recovers_every_table_from_rows_in_the_laws_proportions():
    rows = np.repeat(laws.cells(3), np.rint(LAW.joint() * 10_000).astype(int), axis=0)
    fitted = LabelLaw.fit(GRAPH, rows)
    for node in GRAPH.nodes:
        np.testing.assert_allclose(fitted.tables[node], LAW.tables[node], atol=1e-9)
    assert fitted.empty_cells == 0


def test_fit_keeps_the_axes_of_three_parents_apart():
    # D = 1 in 1 + A + 2 B + 4 C of eight rows; the list names the parents against the node order
    graph = CausalGraph({"A": [], "B": [], "C": [], "D": ["C", "A", "B"]})
    rows = [[a, b, c, n < 1 + a + 2 * b + 4 * c] for a, b, c in np.ndindex(2, 2, 2) for n in range(8)]
    table = LabelLaw.fit(graph, np.array(rows, np.uint8)).tables["D"]
    assert graph.parents["D"] == ("A", "B", "C")
    np.testing.assert_allclose(table, [[[1 / 8, 5 / 8], [3 / 8, 7 / 8]], [[2 / 8, 6 / 8], [4 / 8, 1]]])


def test_the_cells_of_the_back_door_model_by_hand():
    # P(Z=1, X=0, Y=1) = .4 * .2 * .6; under do(X=0) the factor .2 is gone. Code 1 + 0 + 4
    assert LAW.joint()[5] == pytest.approx(0.048)
    assert LAW.joint({"X": 0})[5] == pytest.approx(0.24)
    assert LAW.probability({"Z": 1, "Y": 1}, do={"X": 0}) == pytest.approx(0.24)
    assert LAW.probability({"Z": 1}, do={"X": 0}, given={"Y": 1}) == pytest.approx(0.24 / 0.3)


def test_a_parent_cell_without_rows_gets_the_marginal_and_is_counted():
    fitted = LabelLaw.fit(CausalGraph.from_text("A -> B"), np.array([[1, 0], [1, 1], [1, 1], [1, 1]]))
    np.testing.assert_allclose(fitted.tables["B"], [0.75, 0.75])
    assert fitted.empty_cells == 1


def test_interventions_and_conditions_of_the_asia_network():
    # the tables of Lauritzen and Spiegelhalter 1988
    graph = CausalGraph.from_text(
        "asia -> tub; smoke -> lung, bronc; tub, lung -> either; either -> xray; bronc, either -> dysp"
    )
    tables = {"asia": 0.01, "smoke": 0.5, "tub": [0.01, 0.05], "lung": [0.01, 0.1], "bronc": [0.3, 0.6]}
    tables |= {"xray": [0.05, 0.98], "dysp": [[0.1, 0.7], [0.8, 0.9]], "either": [[0.0, 1.0], [1.0, 1.0]]}
    asia = LabelLaw(graph, tables)
    for event, cause, interventional, conditional in (
        ("dysp", {"bronc": 1}, 0.806483, 0.807967),
        ("dysp", {"bronc": 0}, 0.138897, 0.131610),
        ("lung", {"bronc": 1}, 0.055, 0.07),
        ("lung", {"bronc": 0}, 0.055, 0.042727),
        ("smoke", {"lung": 1}, 0.5, 0.909091),
        ("smoke", {"lung": 0}, 0.5, 0.476190),
    ):
        assert asia.probability({event: 1}, do=cause) == pytest.approx(interventional, abs=1e-6)
        assert asia.probability({event: 1}, given=cause) == pytest.approx(conditional, abs=1e-6)


def test_samples_show_the_law():
    for do in ({}, {"X": 1}):
        drawn = laws.histogram(LAW.sample(200_000, seed=1, do=do))
        # eight cells of 200,000 rows: a TVD of .003 is the noise
        assert 0.5 * np.abs(drawn - LAW.joint(do)).sum() < 0.006


def test_one_seed_draws_the_same_units_under_another_do():
    before, after = LAW.sample(1_000, seed=2), LAW.sample(1_000, seed=2, do={"X": 1})
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    same = before[:, 1] == 1
    np.testing.assert_array_equal(before[same], after[same])


def test_what_has_no_answer_is_refused():
    sure = LabelLaw(CausalGraph.from_text("A -> B"), {"A": np.array(1.0), "B": np.array([0.5, 0.5])})
    with pytest.raises(InputError, match="probability 0"):
        sure.probability({"B": 1}, given={"A": 0})
    with pytest.raises(InputError, match="21 labels"):
        laws.cells(21)
    with pytest.raises(InputError, match="table of 'X': expected shape"):
        LabelLaw(GRAPH, {"Z": np.array(0.4), "X": np.array(0.5), "Y": np.zeros((2, 2))})
    with pytest.raises(InputError, match=r"expected probabilities in \[0, 1\]"):
        LabelLaw(CausalGraph.from_text("A"), {"A": np.array(1.5)})
    for empty in (laws.histogram, lambda rows: LabelLaw.fit(GRAPH, rows)):
        with pytest.raises(InputError, match="at least one label row"):
            empty(np.empty((0, 3)))
    with pytest.raises(InputError, match=r"label rows \[n, 3\], a column for each node, got shape \(5, 4\)"):
        LabelLaw.fit(GRAPH, np.zeros((5, 4)))
    with pytest.raises(InputError, match="expected labels 0 and 1, got -1"):
        LabelLaw.fit(GRAPH, np.array([[1, -1, 1]]))
    with pytest.raises(InputError, match="'Y' is in do and in given"):
        LAW.probability({"X": 1}, do={"Y": 1}, given={"Y": 1})
    with pytest.raises(InputError, match="'A' has none"):
        LabelLaw(CausalGraph.from_text("A"), {})
