"""Exact laws against enumerations by hand."""

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs import cells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical
from causalgan_tf.inference.distribution import LabelDistribution
from tests.known_networks import ASIA

# the back-door model: Z confounds X and Y
GRAPH = CausalGraph.from_text("Z -> X; Z, X -> Y")
LAW = LabelDistribution(GRAPH, {"Z": np.array(0.4), "X": np.array([0.2, 0.8]), "Y": np.array([[0.1, 0.4], [0.6, 0.9]])})


def test_a_code_counts_the_first_label_as_one():
    assert cells.row_codes(np.array([[1, 0, 0], [0, 1, 1]])).tolist() == [1, 6]
    np.testing.assert_array_equal(cells.cells(2), [[0, 0], [1, 0], [0, 1], [1, 1]])
    counted = cells.histogram(np.array([[0, 0], [1, 0], [1, 0], [1, 1]]))
    np.testing.assert_allclose(counted, [0.25, 0.5, 0.0, 0.25])


def test_codes_of_categories_are_mixed_radix():
    sizes = (2, 3, 2)  # strides 1, 2, 6
    rows = cells.cells(sizes)
    assert rows.dtype == np.uint8 and len(rows) == 12
    assert rows[:7].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 2, 0], [1, 2, 0], [0, 0, 1]]
    np.testing.assert_array_equal(cells.row_codes(rows, sizes), np.arange(12))
    np.testing.assert_allclose(cells.histogram(rows[[0, 5, 5, 11]], sizes)[[0, 5, 11]], [0.25, 0.5, 0.25])
    np.testing.assert_array_equal(cells.cells((2, 2, 2)), cells.cells(3))


@pytest.mark.parametrize("odd", [-1, 3, 0.5, np.nan])
def test_a_value_that_a_label_does_not_have_is_no_cell(odd):
    for count in (cells.row_codes, cells.histogram):
        with pytest.raises(InputError, match="label column 1: expected whole numbers from 0 to 2, got"):
            count(np.array([[0, 2], [1, odd]]), (2, 3))
    with pytest.raises(InputError, match="from 0 to 1, got 2"):
        cells.row_codes(np.array([[0, 2]]))


def test_only_discrete_graphs_of_limited_size_can_be_enumerated():
    assert cells.enumerable(CausalGraph.from_text("A -> B; A: categorical(x, y, z)"))
    assert not cells.enumerable(CausalGraph.from_text("A -> B; A: continuous"))
    assert not cells.enumerable(CausalGraph.from_text("A -> B; A: categorical"))
    assert cells.enumerable(CausalGraph({f"x{i}": () for i in range(20)}))
    assert not cells.enumerable(CausalGraph({f"x{i}": () for i in range(21)}))


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
            assert joint[cells.cells(3)[:, GRAPH.index(node)] != value].sum() == 0.0


def test_a_do_leaves_the_law_of_what_is_not_below_it():
    assert LAW.probability({"Z": 1}, do={"X": 1}) == pytest.approx(0.4)
    assert LAW.probability({"Z": 1}, given={"X": 1}) == pytest.approx(0.32 / 0.44)


def test_fit_recovers_every_table_from_rows_in_the_laws_proportions():
    rows = np.repeat(cells.cells(3), np.rint(LAW.joint() * 10_000).astype(int), axis=0)
    fitted = LabelDistribution.fit(GRAPH, rows)
    for node in GRAPH.nodes:
        np.testing.assert_allclose(fitted.tables[node], LAW.tables[node], atol=1e-9)
    assert fitted.empty_cells == 0


def test_fit_keeps_the_axes_of_three_parents_apart():
    # D = 1 in 1 + A + 2 B + 4 C of eight rows; the list names the parents against the node order
    graph = CausalGraph({"A": [], "B": [], "C": [], "D": ["C", "A", "B"]})
    rows = [[a, b, c, n < 1 + a + 2 * b + 4 * c] for a, b, c in np.ndindex(2, 2, 2) for n in range(8)]
    table = LabelDistribution.fit(graph, np.array(rows, np.uint8)).tables["D"][..., 1]
    assert graph.parents["D"] == ("A", "B", "C")
    np.testing.assert_allclose(table, [[[1 / 8, 5 / 8], [3 / 8, 7 / 8]], [[2 / 8, 6 / 8], [4 / 8, 1]]])


def test_the_cells_of_the_back_door_model_by_hand():
    # P(Z=1, X=0, Y=1) = .4 * .2 * .6; under do(X=0) the factor .2 is gone. Code 1 + 0 + 4
    assert LAW.joint()[5] == pytest.approx(0.048)
    assert LAW.joint({"X": 0})[5] == pytest.approx(0.24)
    assert LAW.probability({"Z": 1, "Y": 1}, do={"X": 0}) == pytest.approx(0.24)
    assert LAW.probability({"Z": 1}, do={"X": 0}, given={"Y": 1}) == pytest.approx(0.24 / 0.3)


def test_a_parent_cell_without_rows_gets_the_marginal_and_is_counted():
    fitted = LabelDistribution.fit(CausalGraph.from_text("A -> B"), np.array([[1, 0], [1, 1], [1, 1], [1, 1]]))
    np.testing.assert_allclose(fitted.tables["B"], [[0.25, 0.75], [0.25, 0.75]])
    assert fitted.empty_cells == 1


def test_interventions_and_conditions_of_the_asia_network():
    for event, cause, interventional, conditional in (
        ("dysp", {"bronc": 1}, 0.806483, 0.807967),
        ("dysp", {"bronc": 0}, 0.138897, 0.131610),
        ("lung", {"bronc": 1}, 0.055, 0.07),
        ("lung", {"bronc": 0}, 0.055, 0.042727),
        ("smoke", {"lung": 1}, 0.5, 0.909091),
        ("smoke", {"lung": 0}, 0.5, 0.476190),
    ):
        assert ASIA.probability({event: 1}, do=cause) == pytest.approx(interventional, abs=1e-6)
        assert ASIA.probability({event: 1}, given=cause) == pytest.approx(conditional, abs=1e-6)


def test_interventions_and_conditions_of_the_cancer_network():
    # the tables of Korb and Nicholson 2010, as the bnlearn repository publishes them
    graph = CausalGraph.from_text("Pollution, Smoker -> Cancer -> Xray, Dyspnoea; Pollution: categorical(low, high)")
    tables = {"Pollution": [0.9, 0.1], "Smoker": 0.3, "Cancer": [[0.001, 0.03], [0.02, 0.05]]}
    cancer = LabelDistribution(graph, tables | {"Xray": [0.2, 0.9], "Dyspnoea": [0.3, 0.65]})
    for xray, conditional in ((1, 0.317601), (0, 0.300514)):
        assert cancer.probability({"Dyspnoea": 1}, do={"Xray": xray}) == pytest.approx(0.304071, abs=1e-6)
        assert cancer.probability({"Dyspnoea": 1}, given={"Xray": xray}) == pytest.approx(conditional, abs=1e-6)


def test_interventions_and_conditions_of_the_earthquake_network():
    # the tables of Korb and Nicholson 2010
    graph = CausalGraph.from_text("Burglary, Earthquake -> Alarm -> JohnCalls, MaryCalls")
    tables = {"Burglary": 0.01, "Earthquake": 0.02, "Alarm": [[0.001, 0.29], [0.94, 0.95]]}
    earthquake = LabelDistribution(graph, tables | {"JohnCalls": [0.05, 0.9], "MaryCalls": [0.01, 0.7]})
    for event, cause, interventional, conditional in (
        ("Burglary", {"Alarm": 1}, 0.01, 0.583461),
        ("Burglary", {"Alarm": 0}, 0.01, 0.000608),
        ("MaryCalls", {"JohnCalls": 1}, 0.021119, 0.167102),
        ("MaryCalls", {"JohnCalls": 0}, 0.021119, 0.011188),
    ):
        assert earthquake.probability({event: 1}, do=cause) == pytest.approx(interventional, abs=1e-6)
        assert earthquake.probability({event: 1}, given=cause) == pytest.approx(conditional, abs=1e-6)


def test_interventions_and_conditions_of_the_survey_network():
    # the tables of Scutari and Denis 2014; ages and means of transport have three values
    kinds = "A: categorical(young, adult, old); S: categorical(M, F); E: categorical(high, uni)"
    kinds += "; O: categorical(emp, self); R: categorical(small, big); T: categorical(car, train, other)"
    graph = CausalGraph.from_text(f"A, S -> E -> O, R -> T; {kinds}")
    tables = {
        "A": [0.3, 0.5, 0.2],
        "S": [0.6, 0.4],
        "E": [[[0.75, 0.25], [0.64, 0.36]], [[0.72, 0.28], [0.7, 0.3]], [[0.88, 0.12], [0.9, 0.1]]],
        "O": [[0.96, 0.04], [0.92, 0.08]],
        "R": [[0.25, 0.75], [0.2, 0.8]],
        "T": [[[0.48, 0.42, 0.1], [0.58, 0.24, 0.18]], [[0.56, 0.36, 0.08], [0.7, 0.21, 0.09]]],
    }
    survey = LabelDistribution(graph, tables)
    for size, interventional, conditional in (("small", 0.484015, 0.483887), ("big", 0.586022, 0.586082)):
        assert survey.probability({"T": "car"}, do={"R": size}) == pytest.approx(interventional, abs=1e-6)
        assert survey.probability({"T": "car"}, given={"R": size}) == pytest.approx(conditional, abs=1e-6)


CLIMATE = CausalGraph.from_text("Sky -> Wet; Sky -> Trip; Wet -> Trip; Sky: categorical(clear, cloud, rain)")
TRIPS = LabelDistribution(
    CLIMATE,
    {"Sky": [0.5, 0.3, 0.2], "Wet": [0.0, 0.1, 0.9], "Trip": [[0.8, 0.5], [0.6, 0.4], [0.3, 0.1]]},
)


def test_a_law_of_categories_by_hand():
    # P(Wet) = .3 * .1 + .2 * .9 = .21; under do(Wet=1) the sky keeps its law
    assert TRIPS.probability({"Wet": 1}) == pytest.approx(0.21)
    assert TRIPS.probability({"Trip": 1}, do={"Wet": 1}) == pytest.approx(0.5 * 0.5 + 0.3 * 0.4 + 0.2 * 0.1)
    assert TRIPS.probability({"Trip": 1}, given={"Wet": 1}) == pytest.approx((0.03 * 0.4 + 0.18 * 0.1) / 0.21)
    assert TRIPS.probability({"Sky": "rain"}, given={"Wet": 1}) == pytest.approx(0.18 / 0.21)
    assert TRIPS.probability({"Trip": 1}, do={"Sky": "rain"}) == pytest.approx(0.1 * 0.3 + 0.9 * 0.1)
    # Sky=cloud, Wet=1, Trip=0: code 1 + 3 * 1
    assert TRIPS.joint()[4] == pytest.approx(0.3 * 0.1 * 0.6)
    assert TRIPS.joint({"Wet": 1})[4] == pytest.approx(0.3 * 0.6)


def test_fit_recovers_a_law_of_categories_and_its_samples_show_it():
    fitted = LabelDistribution.fit(
        CLIMATE, np.repeat(cells.cells(TRIPS.sizes), np.rint(TRIPS.joint() * 10_000).astype(int), 0)
    )
    for node in ("Sky", "Wet"):
        np.testing.assert_allclose(fitted.tables[node], TRIPS.tables[node], atol=1e-9)
    np.testing.assert_allclose(fitted.joint({"Wet": 0}), TRIPS.joint({"Wet": 0}), atol=1e-9)
    for do in ({}, {"Wet": 1}, {"Sky": "cloud"}):
        rows = TRIPS.sample(200_000, seed=1, do=do)
        assert rows.dtype == np.uint8
        # twelve cells of 200,000 rows: a TVD of .003 is the noise
        assert 0.5 * np.abs(cells.histogram(rows, TRIPS.sizes) - TRIPS.joint(do)).sum() < 0.006


def test_parent_cells_with_few_rows_are_listed_by_the_users_values():
    rows = np.array([[0, 0, 1]] * 40 + [[2, 1, 0]] * 29 + [[1, 0, 0]] * 31, np.uint8)
    fitted = LabelDistribution.fit(CLIMATE, rows)
    assert fitted.parent_rows["Trip"].tolist() == [[40, 0], [31, 0], [0, 29]]
    assert fitted.thin_cells()[:2] == [("Wet", {"Sky": "rain"}, 29), ("Trip", {"Sky": "clear", "Wet": 1}, 0)]
    assert ("Trip", {"Sky": "rain", "Wet": 1}, 29) in fitted.thin_cells()
    assert fitted.thin_cells(below=1) == [
        ("Trip", {"Sky": sky, "Wet": wet}, 0) for sky, wet in (("clear", 1), ("cloud", 1), ("rain", 0))
    ]
    # nothing was seen there: the marginal is all one can say
    assert fitted.empty_cells == 3
    np.testing.assert_allclose(fitted.tables["Trip"][0, 1], [0.6, 0.4])
    assert fitted.thin_cells(below=101)[0] == ("Sky", {}, 100)
    assert TRIPS.thin_cells() == []


def test_a_joint_law_of_three_to_the_eleventh_cells_sums_to_one():
    kind = Categorical(("a", "b", "c"))
    nodes = [f"x{i}" for i in range(11)]
    graph = CausalGraph({node: nodes[max(0, i - 2) : i] for i, node in enumerate(nodes)}, dict.fromkeys(nodes, kind))
    rng = np.random.default_rng(0)
    tables = {node: rng.dirichlet(np.ones(3), [3] * len(graph.parents[node])) for node in nodes}
    law = LabelDistribution(graph, tables)
    joint = law.joint({"x5": "b"})
    assert joint.shape == (177_147,) and joint.sum() == pytest.approx(1.0)
    row = (0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 0)
    expected = np.prod(
        [tables[node][(*row[max(0, i - 2) : i], row[i])] for i, node in enumerate(nodes) if node != "x5"]
    )
    assert joint[cells.row_codes(np.array([row]), law.sizes)[0]] == pytest.approx(expected)


def test_samples_show_the_law():
    for do in ({}, {"X": 1}):
        drawn = cells.histogram(LAW.sample(200_000, seed=1, do=do))
        # eight cells of 200,000 rows: a TVD of .003 is the noise
        assert 0.5 * np.abs(drawn - LAW.joint(do)).sum() < 0.006


def test_a_binary_label_is_1_where_its_uniform_number_is_below_its_probability():
    drawn, rng = LAW.sample(1_000, seed=2), np.random.default_rng(2)
    z, x, y = (rng.random(1_000) for _ in range(3))
    expected_z = z < 0.4
    expected_x = x < np.where(expected_z, 0.8, 0.2)
    np.testing.assert_array_equal(drawn[:, 0], expected_z)
    np.testing.assert_array_equal(drawn[:, 1], expected_x)
    np.testing.assert_array_equal(drawn[:, 2], y < LAW.tables["Y"][drawn[:, 0], drawn[:, 1], 1])


def test_one_seed_draws_the_same_units_under_another_do():
    before, after = LAW.sample(1_000, seed=2), LAW.sample(1_000, seed=2, do={"X": 1})
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    same = before[:, 1] == 1
    np.testing.assert_array_equal(before[same], after[same])
    before, after = TRIPS.sample(1_000, seed=2), TRIPS.sample(1_000, seed=2, do={"Wet": 1})
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    same = before[:, 1] == 1
    np.testing.assert_array_equal(before[same], after[same])


def test_what_has_no_answer_is_refused():
    sure = LabelDistribution(CausalGraph.from_text("A -> B"), {"A": np.array(1.0), "B": np.array([0.5, 0.5])})
    with pytest.raises(InputError, match="probability 0"):
        sure.probability({"B": 1}, given={"A": 0})
    for sizes in (21, [3] * 13):
        with pytest.raises(InputError, match=r"of \d+ labels has .* cells: expected at most 1,048,576"):
            cells.cells(sizes)
    wide = CausalGraph({f"x{i}": () for i in range(21)})
    with pytest.raises(InputError, match="joint distribution of 21 labels has 2,097,152 cells"):
        LabelDistribution(wide, dict.fromkeys(wide.nodes, 0.5)).joint()
    with pytest.raises(InputError, match="'A' is continuous"):
        LabelDistribution(CausalGraph.from_text("A: continuous"), {"A": 0.5})
    with pytest.raises(InputError, match="categories of 'A' to the table"):
        LabelDistribution.fit(CausalGraph.from_text("A: categorical"), np.zeros((5, 1)))
    with pytest.raises(InputError, match=r"table of 'Sky': expected rows of sum 1, got sums \[1.5\]"):
        LabelDistribution(CLIMATE, TRIPS.tables | {"Sky": [0.5, 0.5, 0.5]})
    with pytest.raises(InputError, match=r"table of 'Sky': expected shape \(3,\), got \(2,\)"):
        LabelDistribution(CLIMATE, TRIPS.tables | {"Sky": [0.5, 0.5]})
    with pytest.raises(InputError, match="Sky='snow': expected one of clear, cloud, rain"):
        TRIPS.probability({"Sky": "snow"})
    with pytest.raises(InputError, match="table of 'X': expected shape"):
        LabelDistribution(GRAPH, {"Z": np.array(0.4), "X": np.array(0.5), "Y": np.zeros((2, 2))})
    with pytest.raises(InputError, match=r"expected probabilities in \[0, 1\]"):
        LabelDistribution(CausalGraph.from_text("A"), {"A": np.array(1.5)})
    for empty in (cells.histogram, lambda rows: LabelDistribution.fit(GRAPH, rows)):
        with pytest.raises(InputError, match="at least one label row"):
            empty(np.empty((0, 3)))
    with pytest.raises(InputError, match=r"label rows \[n, 3\], a column for each node, got shape \(5, 4\)"):
        LabelDistribution.fit(GRAPH, np.zeros((5, 4)))
    with pytest.raises(InputError, match="LabelDistribution.fit: X: expected whole numbers from 0 to 1, got -1"):
        LabelDistribution.fit(GRAPH, np.array([[1, -1, 1]]))
    with pytest.raises(InputError, match="'Y' is in do and in given"):
        LAW.probability({"X": 1}, do={"Y": 1}, given={"Y": 1})
    with pytest.raises(InputError, match="'A' has none"):
        LabelDistribution(CausalGraph.from_text("A"), {})
