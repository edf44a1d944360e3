"""Variable elimination against enumeration, against answers of pgmpy, and where neither could follow."""

import time

import numpy as np
import pandas as pd
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import cells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical
from causalgan_tf.inference import causal_model, elimination
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.inference.tables import ConditionalTables
from tests.known_networks import ALARM, ALARM_ANSWERS, ASIA, ASIA_ANSWERS

CHAIN = CausalGraph.from_text("A -> B -> C -> D")


def random_law(seed):
    """A random graph of 2 to 8 labels of 2 to 4 values with at most 3 parents each; one number in five is 0."""
    rng = np.random.default_rng(seed)
    nodes = [f"x{i}" for i in range(rng.integers(2, 9))]
    parents = {node: rng.permutation(nodes[:i])[: rng.integers(0, 4)].tolist() for i, node in enumerate(nodes)}
    kinds = [Binary(), Binary(), Categorical(tuple("abc")), Categorical(tuple("abcd"))]
    graph = CausalGraph(parents, {node: kinds[rng.integers(4)] for node in nodes})
    tables = {}
    for node in graph.nodes:
        numbers = rng.random([graph.variables[name].size for name in (*graph.parents[node], node)])
        numbers[..., 1:][numbers[..., 1:] < 0.2] = 0.0
        tables[node] = numbers / numbers.sum(-1, keepdims=True)
    return LabelDistribution(graph, tables), rng


def random_values(graph, nodes, rng):
    return {node: graph.variables[node].shown(rng.integers(graph.variables[node].size)) for node in nodes}


def enumerated(law, wanted, do, given):
    """P(wanted, given | do), [sizes of the wanted nodes...], summed up from the joint distribution."""
    rows = cells(law.sizes)
    mass = law.joint(do) * meets(rows, law.graph, Query.create(law.graph, given=given).given)
    if not wanted:
        return mass.sum()
    table = np.zeros([law.graph.variables[node].size for node in wanted])
    np.add.at(table, tuple(rows[:, law.graph.index(node)] for node in wanted), mass)
    return table


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_any_query_on_a_random_graph_has_the_answer_of_enumeration(first):
    impossible = 0
    for seed in range(first, first + 50):
        law, rng = random_law(seed)
        shuffled = rng.permutation(law.graph.nodes).tolist()
        cut = rng.integers(0, 3, 2).cumsum()
        do, given = (random_values(law.graph, part, rng) for part in (shuffled[: cut[0]], shuffled[cut[0] : cut[1]]))
        # in any order, and labels that are set or seen may be asked for too
        wanted = rng.permutation(law.graph.nodes)[: rng.integers(1, 4)].tolist()
        expected = enumerated(law, wanted, do, given)
        if expected.sum() == 0:
            impossible += 1
            with pytest.raises(InputError, match="the condition has probability 0 here"):
                law.distribution(wanted, do, given)
            continue
        found = law.distribution(wanted, do, given)
        np.testing.assert_allclose(found, (expected / expected.sum()).ravel(), rtol=1e-12, atol=1e-15)
        assert found.sum() == pytest.approx(1.0, abs=1e-14)
    assert 0 < impossible < 10


def test_an_event_may_hold_labels_that_are_set_or_seen():
    for seed in range(100):
        law, rng = random_law(seed)
        nodes = rng.permutation(law.graph.nodes).tolist()
        do, given = (random_values(law.graph, part, rng) for part in (nodes[:1], nodes[1:2]))
        event = random_values(law.graph, rng.permutation(nodes)[: rng.integers(0, 5)], rng)
        condition = enumerated(law, [], do, given)
        if condition > 0:
            both = enumerated(law, list(event), do, given)
            place = tuple(int(law.graph.variables[node].number(value)) for node, value in event.items())
            assert law.probability(event, do, given) == pytest.approx(both[place] / condition, rel=1e-12, abs=1e-15)


def test_a_condition_may_admit_several_values_of_a_label():
    for seed in range(60):
        law, rng = random_law(seed)
        node, other = rng.permutation(law.graph.nodes)[:2]
        mask = rng.random(law.graph.variables[node].size) < 0.6
        found = elimination.eliminate(law.graph, law.tables.__getitem__, [other], {}, {node: mask})
        expected = enumerated(law, [other, node], {}, {}) @ mask
        np.testing.assert_allclose(found.table * 2.0**found.exponent, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("law", "answers"), [(ASIA, ASIA_ANSWERS), (ALARM, ALARM_ANSWERS)], ids=["asia", "alarm"])
def test_answers_about_asia_and_alarm_are_those_of_pgmpy(law, answers):
    for node, do, given, expected in answers:
        found = law.distribution(node, do, given)
        np.testing.assert_allclose(found, expected, rtol=1e-10)
        last = law.graph.variables[node].shown(len(expected) - 1)
        assert law.probability({node: last}, do, given) == pytest.approx(expected[-1], rel=1e-10)


def test_all_labels_of_alarm_are_answered_under_a_do_and_a_condition_in_a_second():
    start = time.perf_counter()
    found = {node: ALARM.distribution(node, {"VENTLUNG": "a"}, {"BP": "c"}) for node in ALARM.graph.nodes}
    assert time.perf_counter() - start < 1.0
    assert found["VENTLUNG"]["a"] == found["BP"]["c"] == 1.0
    with pytest.raises(InputError, match="joint distribution of 37 labels"):
        ALARM.joint()


def test_a_do_leaves_what_is_no_descendant_as_it_was_to_the_last_digit():
    seen, done = (ALARM.distribution(["HR", "CVP"], do) for do in ({}, {"BP": "a", "EXPCO2": "d"}))
    pd.testing.assert_series_equal(seen, done, check_exact=True)
    assert abs(ALARM.distribution("CO", {"HR": "a"}) - ALARM.distribution("CO")).max() > 0.01


def test_a_distribution_fitted_to_rows_of_alarm_answers_as_the_truth_does():
    fitted = LabelDistribution.fit(ALARM.graph, ALARM.sample(100_000, seed=0))
    for do in ({}, {"VENTALV": "b"}, {"HR": "c"}):
        for node in ("BP", "CATECHOL", "MINVOL"):
            assert abs(fitted.distribution(node, do) - ALARM.distribution(node, do)).max() < 0.02


def test_the_index_holds_the_users_values_in_the_order_asked_for():
    law = LabelDistribution(
        CausalGraph.from_text("Sky -> Wet; Sky: categorical(clear, cloud, rain)"),
        {"Sky": [0.5, 0.3, 0.2], "Wet": [0.0, 0.1, 0.9]},
    )
    single = law.distribution("Sky", given={"Wet": 1})
    assert (single.index.name, list(single.index)) == ("Sky", ["clear", "cloud", "rain"])
    np.testing.assert_allclose(single, [0.0, 0.03 / 0.21, 0.18 / 0.21])
    pd.testing.assert_series_equal(law.distribution(["Sky"], given={"Wet": 1}), single)
    both = law.distribution(["Wet", "Sky"])
    assert both.index.names == ["Wet", "Sky"] and list(both.index[:2]) == [(0, "clear"), (0, "cloud")]
    assert both[1, "rain"] == pytest.approx(0.18)


def asked(graph, wanted, do=None, given=None):
    """The nodes whose tables a query asks for."""
    made = []
    law = LabelDistribution(graph, lambda node: made.append(node) or np.full([2] * len(graph.parents[node]), 0.3))
    law.distribution(wanted, do, given)
    return sorted(made)


def test_only_tables_that_matter_are_asked_for():
    assert asked(CHAIN, "B") == ["A", "B"]
    assert asked(CHAIN, "D", do={"B": 1}) == ["C", "D"]
    assert asked(CHAIN, "B", do={"B": 1}) == []
    assert asked(CHAIN, "A", given={"C": 1}) == ["A", "B", "C"]
    assert asked(CHAIN, "A", do={"C": 1}, given={"D": 1}) == ["A", "D"]


def test_a_table_is_made_once_and_checked_when_it_is_needed():
    made = []
    tables = {"A": 0.5, "B": [0.1, 0.2], "C": [0.5, 1.5], "D": [0.5]}
    law = LabelDistribution(CHAIN, lambda node: made.append(node) or tables[node])
    assert law.probability({"B": 1}) == law.probability({"B": 1}) == pytest.approx(0.15)
    assert sorted(made) == ["A", "B"]
    with pytest.raises(InputError, match=r"table of 'C': expected probabilities in \[0, 1\]"):
        law.probability({"C": 1})
    with pytest.raises(InputError, match=r"table of 'D': expected shape \(2, 2\), got \(1,\)"):
        law.tables["D"]
    with pytest.raises(KeyError):
        law.tables["E"]
    wide = CausalGraph({"y": [f"x{i}" for i in range(20)]})
    with pytest.raises(InputError, match="table of 'y': its 20 parents and itself have 2,097,152 cells.*1,048,576"):
        LabelDistribution(wide, dict.fromkeys(wide.nodes, 0.5))
    assert list(law.tables) == list("ABCD") and len(law.tables) == 4


def test_thousands_of_rare_observations_are_weighed_without_underflow():
    n = 1_000
    graph = CausalGraph({"X": [], **{f"y{i}": ["X"] for i in range(2 * n + 1)}})
    # each of n symptoms is ten times as frequent without X, each of n others with X, and one more twice
    tables = {f"y{i}": [0.01, 0.001] if i < n else [0.001, 0.01] for i in range(2 * n)}
    law = LabelDistribution(graph, {"X": 0.5, **tables, f"y{2 * n}": [0.1, 0.2]})
    everything = {f"y{i}": 1 for i in range(2 * n + 1)}
    assert law.probability({"X": 1}, given=everything) == pytest.approx(2 / 3, rel=1e-9)


def test_what_dwarfs_a_value_does_not_erase_it_when_it_is_ruled_out_later():
    n = 400
    graph = CausalGraph({"X": [], **{f"y{i}": ["X"] for i in range(n)}, "Z": ["X"]})
    law = LabelDistribution(graph, {"X": 0.5, "Z": [0.0, 0.5], **{f"y{i}": [1.0, 0.001] for i in range(n)}})
    symptoms = {f"y{i}": 1 for i in range(n)}
    # with the symptoms X = 0 is 10**1200 times as probable as X = 1, but Z rules it out
    assert law.probability({"X": 1}, given=symptoms) == 0.0
    assert law.probability({"X": 1}, given=symptoms | {"Z": 1}) == 1.0
    with pytest.raises(InputError, match="the condition has probability 0"):
        law.distribution("X", do={"X": 0}, given=symptoms | {"Z": 1})


def test_a_chain_of_two_thousand_labels_forgets_at_its_known_rate():
    nodes = [f"x{i}" for i in range(2_000)]
    graph = CausalGraph({node: nodes[max(0, i - 1) : i] for i, node in enumerate(nodes)})
    law = LabelDistribution(graph, {node: [0.001, 0.999] if i else 0.5 for i, node in enumerate(nodes)})
    expected = 0.5 + 0.5 * 0.998**1_999
    assert law.probability({nodes[-1]: 1}, do={"x0": 1}) == pytest.approx(expected, rel=1e-9)
    assert law.probability({"x0": 1}, given={nodes[-1]: 1}) == pytest.approx(expected, rel=1e-9)


def test_a_tangled_graph_is_refused_with_the_size_before_any_table_is_made():
    nodes = [f"x{i}" for i in range(40)]
    made = []
    law = LabelDistribution(CausalGraph({node: nodes[:i] for i, node in enumerate(nodes)}), made.append)
    with pytest.raises(InputError, match=r"a table of 1,099,511,627,776 numbers over 40 labels \(x0, .*16,777,216"):
        law.distribution("x39")
    with pytest.raises(InputError, match=r"Ask for fewer labels, set some by do, or draw rows with `sample`"):
        law.probability({"x0": 1}, given={"x39": 1})
    assert made == []
    assert law.distribution("x39", do=dict.fromkeys(nodes, 1)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("nodes", "do", "given", "words"),
    [
        ([], {}, {}, r"distribution: expected the name of a label or several names, each once, got \[\]"),
        (None, {}, {}, "each once, got None"),
        ({"CO": "a"}, {}, {}, "each once, got {'CO': 'a'}"),
        ([["CO"]], {}, {}, "each once, got"),
        (["CO", "CO"], {}, {}, "each once, got"),
        ("COO", {}, {}, "no node 'COO'. Did you mean 'CO'"),
        ("CO", {"HR": "z"}, {}, "do HR='z': expected one of a, b, c"),
        ("CO", {"HR": "a"}, {"HR": "a"}, "'HR' is in do and in given"),
        (ALARM.graph.nodes[:24], {}, {}, r"24 labels have [\d,]+ cells together: expected at most 1,048,576"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(nodes, do, given, words):
    with pytest.raises(InputError, match=words):
        ALARM.distribution(nodes, do, given)


class Sampler:
    """Mechanisms that answer P(node = 1) = (1 + the number of parents that are 1) / (2 + their number)."""

    stated = False

    def __init__(self):
        self.calls = []

    def conditional(self, node, parents, draws, seed):
        self.calls.append((node, len(parents), draws, seed))
        chance = (1 + parents.sum(1)) / (2 + parents.shape[1])
        return np.stack([1 - chance, chance], axis=1)


def model_of(graph, monkeypatch):
    monkeypatch.setattr(causal_model, "LabelSampler", lambda mechanisms: Sampler())
    return CausalModel(graph, None)


def test_a_model_asks_the_mechanisms_that_matter_and_no_others(monkeypatch):
    nodes = [f"x{i}" for i in range(37)]
    graph = CausalGraph({node: nodes[max(0, i - 2) : i] for i, node in enumerate(nodes)})
    model = model_of(graph, monkeypatch)
    found = model.distribution("x2", do={"x0": 1}, draws=50, seed=3)
    assert model.labels.calls == [("x2", 4, 50, 3), ("x1", 2, 50, 3)]
    # P(x1 = 1) = 2 / 3; P(x2 = 1) = 1 / 2 or 3 / 4
    assert found[1] == pytest.approx(2 / 3 * 3 / 4 + 1 / 3 * 1 / 2)
    assert model.distribution("x36", given={"x0": 0}, draws=50, seed=3).sum() == pytest.approx(1.0)
    assert len(model.labels.calls) == 37


def test_a_node_of_too_many_parents_is_refused_by_name_where_it_matters(monkeypatch):
    causes = [f"x{i}" for i in range(13)]
    model = model_of(CausalGraph({**dict.fromkeys(causes, ()), "y": causes, "z": ["y"]}), monkeypatch)
    assert model.distribution("x3", do={"y": 1})[1] == 0.5
    assert model.distribution("z", do={"y": 1})[1] == pytest.approx(2 / 3)
    with pytest.raises(InputError, match=r"The parents of y have 8,192 cells.*at most 4,096.*`sample`"):
        model.distribution("z")
    # y's table is refused before another is made
    assert [call[0] for call in model.labels.calls] == ["x3", "z"]


def test_tables_are_a_mapping_that_joins_others():
    tables = ConditionalTables(CHAIN, dict.fromkeys("BCD", [0.1, 0.2]).get)
    assert len(tables) == 4
    with pytest.raises(InputError, match="table of 'A'"):
        tables["A"]
    joined = LabelDistribution(CHAIN, {"A": 0.5, **dict.fromkeys("BCD", [0.1, 0.2])}).tables | {"A": 0.7}
    assert list(joined) == list("ABCD") and joined["A"] == 0.7
