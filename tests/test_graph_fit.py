"""Does a graph fit a table: tests of independence against other programs, false alarms, power, random graphs."""

import itertools
import json
import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from absl import flags
from scipy import stats

import causalgan_tf
from causalgan_tf.cli import common
from causalgan_tf.cli import graph as graph_program
from causalgan_tf.data.tables import table_from_frame
from causalgan_tf.errors import InputError
from causalgan_tf.graphs import fit as fit_module
from causalgan_tf.graphs.fit import fit_to_rows, holm, implied_independences
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Categorical
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.metrics.contingency import table_dependence
from causalgan_tf.metrics.residuals import residual_dependence, residuals
from causalgan_tf.metrics.thin_tables import pearson_moments
from causalgan_tf.training.requirements import fit_line
from tests.graph_tables import (
    ASIA,
    NUMBERS,
    SACHS,
    asia,
    continuous,
    in_order,
    numbers,
    random_tables,
    without_edge,
)


def alarms(tables) -> int:
    """In how many of (graph, rows) an independence is said to be violated."""
    return sum(bool(fit_to_rows(graph, rows, permutations=0).violated) for graph, rows in tables)


def found_first(graph: CausalGraph, rows: np.ndarray, edge: tuple[str, str]) -> bool:
    """Whether the edge that a graph lacks is the first of the missing ones."""
    less = without_edge(graph, edge)
    violated = fit_to_rows(less, in_order(less, rows, graph), permutations=0).violated
    return bool(violated) and {violated[0].x, violated[0].y} == set(edge)


@pytest.mark.parametrize(
    ("x", "y", "strata", "statistic", "p_value", "freedom"),
    [  # pgmpy 0.1.26: pgmpy.estimators.CITests.g_sq("X", "Y", ["Z"], frame, boolean=False), of the columns below
        ("X", "Y", None, 0.5388707664161778, 0.7638106329205447, 2),
        ("X", "Y", "Z", 6.883921864730229, 0.33171565695727057, 6),
        ("Y", "Z", "X", 8.222686926081211, 0.41202540501452933, 8),
    ],
)
def test_g_p_value_and_degrees_of_freedom_are_those_of_pgmpy(x, y, strata, statistic, p_value, freedom):
    rng = np.random.default_rng(0)
    columns = {"Z": rng.integers(0, 3, 2_000)}
    columns["X"] = (rng.random(2_000) < 0.3 + 0.2 * columns["Z"]).astype(int)
    columns["Y"] = (rng.integers(0, 3, 2_000) + (rng.random(2_000) < 0.2) * columns["X"] + columns["Z"]) % 3
    found = table_dependence(columns[x], columns[y], columns[strata] if strata else np.zeros(2_000, int))
    assert found.method == "G"
    np.testing.assert_allclose([2 * found.gain, found.p_value, 2 * found.chance], [statistic, p_value, freedom], 1e-10)


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (5, 2)])
def test_g_of_full_tables_is_that_of_scipy_and_values_without_rows_do_not_count(shape):
    table = np.random.default_rng(1).integers(20, 60, shape)
    wide = np.insert(table, 1, 0, axis=0)  # a value that no row has
    x, y = np.indices(wide.shape).reshape(2, -1)
    found = table_dependence(x, y, np.zeros(x.size, int), wide.ravel().astype(float))
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    np.testing.assert_allclose([2 * found.gain, found.p_value], [expected.statistic, expected.pvalue], 1e-9)


@pytest.mark.parametrize(
    ("x", "y"), [([0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1]), ([0, 1, 1, 2, 2, 2], [0, 0, 1, 1, 2, 2])]
)
def test_moments_of_thin_tables_are_those_of_all_permutations(x, y):
    x, y = np.array(x), np.array(y)
    pearson, gains = [], []
    for order in itertools.permutations(range(6)):
        table = np.zeros((3, y.max() + 1))
        np.add.at(table, (x[list(order)], y), 1)
        pearson.append(stats.chi2_contingency(table, correction=False).statistic)
        gains.append(stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic / 2)
    margins = np.bincount(x), np.bincount(y)
    moments = pearson_moments(
        np.array([6.0]), tuple(np.array([len(m)]) for m in margins), tuple(np.array([(1 / m).sum()]) for m in margins)
    )
    np.testing.assert_allclose(np.ravel(moments), [np.mean(pearson), np.var(pearson)], 1e-9)
    found = table_dependence(x, y, np.zeros(6, int))
    assert found.method == "strata" and found.chance == pytest.approx(np.mean(gains))


def test_the_gain_is_what_the_edge_adds_to_the_log_likelihood():
    rows = random_tables(SACHS, 0).sample(5_000, 1)
    less = without_edge(SACHS, ("Raf", "Mek"))
    rows = in_order(less, rows, SACHS)

    def log_likelihood(graph: CausalGraph) -> float:
        tables = LabelDistribution.fit(graph, in_order(graph, rows, less)).tables
        columns = dict(zip(less.nodes, rows.T, strict=True))
        return sum(
            np.log(tables[node][tuple(columns[name] for name in (*graph.parents[node], node))]).sum()
            for node in graph.nodes
        )

    test = next(test for test in fit_to_rows(less, rows, 0).tests if {test.x, test.y} == {"Raf", "Mek"})
    more = CausalGraph({**less.parents, test.y: [*less.parents[test.y], test.x]}, less.variables)
    assert test.gain == pytest.approx(log_likelihood(more) - log_likelihood(less), rel=1e-9)


def test_equal_coins_gain_the_logarithm_of_two_a_row_and_have_effect_near_one():
    rows = np.repeat([[0, 0], [1, 1]], 500, axis=0)
    (test,) = fit_to_rows(CausalGraph.from_text("A; B"), rows, 0).tests
    assert test.gain == pytest.approx(1_000 * math.log(2)) and test.violated
    assert test.effect == pytest.approx(math.sqrt(1 - 1 / 4), abs=1e-3)  # Linfoot's, of ln 2


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.02, 0.01, 0.3, 0.04]), [0.06, 0.04, 0.3, 0.08])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert holm([]).size == 0


def test_every_independence_that_is_tested_follows_from_the_graph():
    rng = np.random.default_rng(0)
    for _ in range(20):
        upper = np.triu(rng.random([7, 7]) < 0.4, 1)
        graph = CausalGraph({f"N{k}": [f"N{j}" for j in np.flatnonzero(upper[:, k])] for k in rng.permutation(7)})
        implied, network = implied_independences(graph), graph.to_networkx()
        assert len(implied) == 21 - len(graph.edges)
        assert all(nx.is_d_separator(network, {x}, {y}, set(given)) for x, y, given in implied)


@pytest.mark.parametrize("n", [300, 1_000, 20_000])
def test_known_networks_raise_few_false_alarms(n):
    law = asia()
    assert alarms((ASIA, law.sample(n, seed)) for seed in range(60)) <= 7  # 3 expected at most


@pytest.mark.parametrize(("n", "spread"), [(1_000, 1.0), (20_000, 1.0)])
def test_random_networks_raise_few_false_alarms(n, spread):
    tables = ((SACHS, random_tables(SACHS, seed, spread).sample(n, seed)) for seed in range(60))
    assert alarms(tables) <= 7


def test_rare_values_raise_few_false_alarms():
    tables = ((SACHS, random_tables(SACHS, seed, 0.3).sample(1_000, seed)) for seed in range(200))
    assert alarms(tables) <= 12  # Pearson's X2 alone: 20


def test_twelve_parents_and_a_thousand_rows_raise_few_false_alarms():
    parents = [f"P{k}" for k in range(12)]
    graph = CausalGraph({"Y": parents, "Z": []})
    assert alarms((graph, random_tables(graph, seed, 2.0).sample(1_000, seed)) for seed in range(40)) <= 5


@pytest.mark.parametrize("edge", ASIA.edges)
def test_a_missing_edge_of_asia_is_found_and_ranks_first(edge):
    assert found_first(ASIA, asia().sample(50_000, 3), edge)


@pytest.mark.parametrize("seed", range(3))
def test_a_missing_edge_of_sachs_is_found_and_ranks_first_in_a_thousand_rows(seed):
    rows = random_tables(SACHS, seed).sample(1_000, seed)
    assert np.mean([found_first(SACHS, rows, edge) for edge in SACHS.edges]) >= 0.9


def test_weak_dependence_alike_in_many_thin_strata_is_seen():
    rng = np.random.default_rng(0)
    strata, x = rng.integers(0, 512, 1_000), rng.integers(0, 2, 1_000)
    y = (rng.random(1_000) < 0.35 + 0.3 * x).astype(int)
    found = table_dependence(x, y, strata)
    assert found.method == "strata" and found.p_value < 1e-6


def test_dependence_that_cancels_over_thin_strata_is_seen():
    rng = np.random.default_rng(0)
    strata, x = rng.integers(0, 100, 1_000), rng.integers(0, 2, 1_000)
    y = (x + strata) % 2 ^ (rng.random(1_000) < 0.2)
    assert table_dependence(x, y, strata).p_value < 1e-6
    assert table_dependence(x, y, np.zeros(1_000, int)).p_value > 0.01


def test_one_row_in_which_two_rare_values_meet_is_no_alarm():
    x, y = np.zeros([2, 1_000], int)
    x[[0, 1]] = y[[0, 2]] = 1  # X2 is 249
    once = 1 - math.comb(998, 2) / math.comb(1_000, 2)
    assert table_dependence(x, y, np.zeros(1_000, int)).p_value == pytest.approx(once)


def test_rare_values_that_meet_in_one_stratum_of_five_are_no_alarm():
    x, y = np.zeros([2, 5, 200], int)
    x[:, 0] = y[1:, 1] = y[0, 0] = 1
    once = 1 - (199 / 200) ** 5  # .025
    p_value = table_dependence(x.ravel(), y.ravel(), np.arange(5).repeat(200)).p_value
    assert once / 4 < p_value < 4 * once


def test_the_covariance_measure_of_two_columns_is_the_t_test_of_their_products():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=[2, 500])
    y += 0.1 * x
    found = residual_dependence(x[:, None], y[:, None])
    assert found.p_value == pytest.approx(stats.ttest_1samp(x * y, 0).pvalue)
    r = (x @ y) / np.sqrt((x @ x) * (y @ y))
    assert found.gain == pytest.approx(-250 * math.log(1 - r**2)) and found.chance == 0.5


def test_numbers_gain_minus_half_the_logarithm_of_one_minus_r_squared():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2_000)
    y = 0.6 * x + 0.8 * rng.normal(size=2_000)
    graph = CausalGraph.from_text("X; Y").with_variables(continuous("X", "Y"))
    (test,) = fit_to_rows(graph, np.stack([x, y], axis=1), 0).tests
    assert test.nats_per_row == pytest.approx(-0.5 * math.log(1 - 0.36), rel=0.1)
    assert test.effect == pytest.approx(0.6, abs=0.03) and test.violated


def test_numbers_and_a_category_raise_few_false_alarms():
    assert alarms((NUMBERS, numbers(3_000, seed)) for seed in range(30)) <= 4


@pytest.mark.parametrize("edge", NUMBERS.edges)
def test_a_missing_edge_between_numbers_is_found_whatever_its_shape(edge):
    assert found_first(NUMBERS, numbers(3_000, 0), edge)


def test_dependence_that_a_correlation_does_not_see_is_found():
    x, noise = np.random.default_rng(0).normal(size=[2, 1_000])
    graph = CausalGraph.from_text("X; Y").with_variables(continuous("X", "Y"))
    assert fit_to_rows(graph, np.stack([x, x**2 + noise], axis=1), 0).violated


def test_what_five_rugged_parents_explain_is_regressed_away():
    rng = np.random.default_rng(0)
    parents, noise = rng.normal(size=[2_000, 5]), rng.normal(size=[2_000, 1])
    left = residuals(np.sin(2 * parents).sum(1, keepdims=True) + noise, parents, np.zeros([2_000, 0]))
    assert np.corrcoef(left[:, 0], noise[:, 0])[0, 1] > 0.95


def test_a_label_that_its_cause_determines_is_no_alarm():
    column = np.random.default_rng(0).normal(size=1_000)
    graph = CausalGraph.from_text("A -> B -> C").with_variables(continuous("A", "B", "C"))
    assert not fit_to_rows(graph, np.stack([column, 2 * column, column**3], axis=1), 0).violated


def test_all_permutations_of_a_small_graph_are_tested_once():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 5_000)
    b, c = (np.where(rng.random(5_000) < 0.8, column, 1 - column) for column in (a, a))
    graph = CausalGraph.from_text("B <- A -> C")
    rows = in_order(graph, np.stack([a, b, c], axis=1), CausalGraph.from_text("A -> B; A -> C"))
    random = fit_to_rows(graph, rows, 200).random
    # A in the middle: 2 of 6 orders, and both imply the same
    assert (random.graphs, random.not_worse, random.equivalent, random.cheaper) == (6, 2, 2, 0)


def test_few_random_graphs_do_as_well_as_the_true_one_and_the_seed_repeats_them():
    rows = random_tables(SACHS, 5).sample(5_000, 5)
    fit = fit_to_rows(SACHS, rows, 200, seed=3)
    assert fit.random.graphs == 200 and fit.random.share < 0.01 and "Few random graphs" in fit.verdict
    assert fit == fit_to_rows(SACHS, rows, 200, seed=3)


def test_independent_labels_make_any_graph_do_as_well():
    rows = np.random.default_rng(0).integers(0, 2, [2_000, 4])
    fit = fit_to_rows(CausalGraph.from_text("A -> B -> C -> D"), rows, 200)
    assert fit.random.share > 0.9 and "Random graphs often do as well" in fit.verdict


def test_random_graphs_stop_where_they_would_take_long(monkeypatch):
    monkeypatch.setattr(fit_module, "BUDGET", 300)
    random = fit_to_rows(SACHS, random_tables(SACHS, 0).sample(300, 0), 200).random
    assert 0 < random.graphs < 15
    monkeypatch.setattr(fit_module, "BUDGET", 3)
    assert fit_to_rows(SACHS, random_tables(SACHS, 0).sample(300, 0), 200).random is None


@pytest.mark.parametrize("k", [1, 2, 40])
def test_a_complete_graph_implies_nothing_and_says_so(k):
    graph = CausalGraph({f"N{j}": [f"N{i}" for i in range(j)] for j in range(k)})
    fit = fit_to_rows(graph, np.random.default_rng(0).integers(0, 2, [100, k]))
    assert fit.tests == () and fit.random is None
    assert "it implies no independence" in repr(fit) and not list(fit_line(graph, np.zeros([100, k])))


def test_more_rows_than_are_tested_are_sampled_and_the_text_says_so():
    fit = fit_to_rows(NUMBERS, numbers(5_000, 0), 0)
    assert repr(fit).startswith("rows: 5,000; 2,000 of them for tests of numbers\n")
    assert {test.rows for test in fit.tests} == {2_000}


def test_seventy_labels_and_categories_of_many_values_are_tested():
    rng = np.random.default_rng(0)
    names = [f"N{k}" for k in range(70)]
    graph = CausalGraph({**dict.fromkeys(names, ()), "Y": names[:65]})  # 2**65 strata
    assert not fit_to_rows(graph, rng.integers(0, 2, [500, 71]), 0).violated
    many = Categorical(tuple(f"c{k}" for k in range(256)))
    pair = CausalGraph.from_text("A; B").with_variables({"A": many, "B": many})
    rows = rng.integers(0, 256, [2_000, 2])
    assert not fit_to_rows(pair, rows, 0).violated
    rows[:, 1] = rows[:, 0]
    assert fit_to_rows(pair, rows, 0).violated


@pytest.mark.parametrize("n", [2, 3, 10])
def test_tiny_and_constant_tables_are_no_alarm(n):
    assert not fit_to_rows(NUMBERS, numbers(n, 0), 6).violated
    assert not fit_to_rows(NUMBERS, np.zeros([n, 5]), 6).violated
    assert not fit_to_rows(ASIA, np.zeros([n, 8]), 6).violated


def test_the_result_as_json_holds_all_that_the_text_says():
    frame = pd.DataFrame({"Old": [0, 0, 1, 1] * 50, "Smokes": [0, 1, 0, 1] * 50, "Ill": [0, 1, 1, 1] * 50})
    fit = causalgan_tf.graph_fit(frame, "Old; Smokes -> Ill")
    plain = json.loads(json.dumps(fit.to_json()))
    assert plain["rows"] == 200 and plain["verdict"] == fit.verdict and plain["random"]["graphs"] == 6
    first = plain["tests"][0]
    assert (first["x"], first["y"], first["given"], first["violated"]) == ("Old", "Ill", ["Smokes"], True)
    assert first["nats_per_row"] == fit.tests[0].nats_per_row


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (np.zeros([5, 3]), {}, "expected at least 2 label rows of 2 columns, one a node; got shape"),
        (np.zeros([1, 2]), {}, "expected at least 2 label rows"),
        (np.array([[0, 0], [0, 2]]), {}, "B: expected 0 or 1; got 2"),
        (np.zeros([5, 2]), {"permutations": -1}, "permutations: expected a whole number of at least 0, got -1"),
        (np.zeros([5, 2]), {"seed": 1.5}, "seed: expected a whole number of at least 0, got 1.5"),
    ],
)
def test_what_cannot_be_tested_is_refused(rows, options, message):
    with pytest.raises(InputError, match=message):
        fit_to_rows(CausalGraph.from_text("A; B"), rows, **options)


def test_numbers_that_are_not_finite_and_unknown_categories_are_refused():
    graph = CausalGraph.from_text("A; B: categorical")
    with pytest.raises(InputError, match="categories of 'B' are not known"):
        fit_to_rows(graph, np.zeros([5, 2]))
    with pytest.raises(InputError, match="A: expected a finite number; got nan"):
        fit_to_rows(CausalGraph.from_text("A: continuous"), np.array([[0.0], [np.nan]]))


def run(*arguments: object) -> None:
    """The program causalgan-graph with these arguments."""
    values = flags.FlagValues()
    graph_program.declare(values)
    graph_program.main(common.parse(["causalgan-graph", *map(str, arguments)], values))


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A working folder with rows.csv: Ill follows Old and Smokes, and one row misses a value."""
    rng = np.random.default_rng(0)
    old, smokes = rng.integers(0, 2, [2, 2_000])
    ill = (rng.random(2_000) < 0.1 + 0.3 * old + 0.3 * smokes).astype(int)
    frame = pd.DataFrame({"Old": old, "Smokes": np.where(smokes, "now", "never"), "Ill": ill.astype(object)})
    frame.to_csv(tmp_path / "whole.csv", index=False)
    frame.loc[7, "Ill"] = ""
    frame.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_program_names_the_violated_independence_and_the_edge(table, capsys):
    run("--graph=Old; Smokes -> Ill", "--labels_file=rows.csv", "--drop_missing", "--out=graph.dot")
    out = capsys.readouterr().out
    assert "Smokes  categorical(never, now)" in out and "rows: 1,999\n" in out
    assert "implied independences: 2, violated: 1" in out and "  Old -> Ill  0.0" in out and "given Smokes" in out
    assert "of 6 random graphs" in out and "The table contradicts the graph: 1 of 2" in out
    assert out.endswith("graph.dot\n") and (table / "graph.dot").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels_file=rows.csv"], "missing values in 1 of 2,000 rows"),
        (["--labels_file=absent.csv"], "There is no labels file 'absent.csv'"),
        (
            ["--interventions=set"],
            "--interventions is about a table that the graph is tested on",
        ),
        (["--permutations=3"], "--permutations is about a table that the graph is tested on: give --labels_file too"),
        (["--drop_missing"], "--drop_missing is about a table"),
    ],
)
def test_the_program_refuses_before_it_writes_or_tells(table, capsys, arguments, message):
    with pytest.raises(InputError, match=message):
        run("--graph=Old; Smokes -> Ill", "--out=graph.dot", *arguments)
    assert not capsys.readouterr().out and not (table / "graph.dot").exists()


def experiments():
    """300 rows in which A and X are independent, and 300 in which an experiment gave X the value of A."""
    a = np.tile([0, 1, 0, 1, 1, 1], 100)
    x = np.concatenate([np.tile([0, 0, 1, 1, 0, 1], 50), a[300:]])
    return pd.DataFrame({"A": a, "X": x, "set": [""] * 300 + ["X"] * 300})


def test_rows_of_experiments_are_left_out(tmp_path, capsys):
    frame = experiments()
    assert len(causalgan_tf.graph_fit(frame, "A; X", 0).violated) == 1
    fit = causalgan_tf.graph_fit(frame, "A; X", 0, interventions="set")
    assert (fit.rows, fit.violated) == (300, ())
    assert fit.tests == causalgan_tf.graph_fit(frame[:300], "A; X", 0).tests
    assert causalgan_tf.graph_fit(table_from_frame(frame, load_graph("A; X"), interventions="set"), "A; X", 0) == fit
    frame.to_csv(tmp_path / "rows.csv", index=False)
    run("--graph=A; X", f"--labels_file={tmp_path / 'rows.csv'}", "--permutations=0", "--interventions=set")
    assert "rows: 300\nimplied independences: 1, violated: 0" in capsys.readouterr().out


def test_a_training_says_in_one_line_whether_its_table_contradicts_the_graph():
    rows = random_tables(SACHS, 0).sample(30_000, 0)
    assert list(fit_line(SACHS, rows)) == ["graph: none of 38 implied independences is violated"]
    less = without_edge(SACHS, ("PKC", "PKA"))
    (line,) = fit_line(less, in_order(less, rows, SACHS))
    assert line.startswith("graph: 1 of 39 implied independences is violated (PKC -> PKA would buy ")


def test_a_training_says_nothing_of_a_graph_that_takes_long_to_test():
    wide = CausalGraph({f"N{k}": [f"N{k - 1}"] if k else [] for k in range(40)})
    assert not list(fit_line(wide, np.zeros([100, 40])))
    deep = CausalGraph({f"N{k}": [f"N{k - 1}"] if k else [] for k in range(14)})
    assert list(fit_line(deep, np.zeros([100, 14])))
    assert not list(fit_line(deep.with_variables(continuous(*deep.nodes)), np.zeros([100, 14])))


def test_two_hundred_thousand_rows_drawn_along_graph_1_do_not_contradict_it():
    graph = load_graph("causal_graph_1")
    assert not fit_to_rows(graph, random_tables(graph, 1).sample(200_000, 1), 0).violated
