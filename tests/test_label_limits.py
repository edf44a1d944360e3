"""Where labels rest on few rows: tables counted by hand, and mechanisms that lose a value on purpose."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import squares

import causalgan_tf
from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import label_limits as measuring
from causalgan_tf.evaluation import lost_values
from causalgan_tf.evaluation.label_limits import label_limits
from causalgan_tf.evaluation.parent_cells import CutRows
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.limits import DoSupport, LabelLimits, LostValue, ThinCell
from causalgan_tf.networks.explicit import ExplicitController

GRAPH = CausalGraph.from_text("A -> C; B -> C; B: categorical(low, mid, high)")
# rows of (A, B), and how many of them have C = 1; (1, high) has no row
COUNTS = {(0, 0): (100, 10), (0, 1): (40, 0), (0, 2): (30, 3), (1, 0): (60, 60), (1, 1): (29, 1)}
ROWS = np.array([(a, b, i < ones) for (a, b), (count, ones) in COUNTS.items() for i in range(count)], np.uint8)
N = len(ROWS)
TINY = ControllerConfig(steps=20, batch_size=64, width=4, steps_per_call=10)


def law(**tables):
    """The table's own distribution, some tables replaced; P(C=1 | 1, high) is .5."""
    chances = np.array([[0.1, 0.0, 0.1], [1.0, 1 / 29, 0.5]])
    own = {"A": np.mean(ROWS[:, 0]), "B": np.bincount(ROWS[:, 1]) / N, "C": chances}
    return LabelDistribution(GRAPH, own | tables)


def measured(distribution, stated=True, rows=ROWS):
    return label_limits(squares.LawSampler(distribution, stated), rows, seed=3)


@pytest.fixture(scope="module")
def right():
    return measured(law())


def test_settings_of_parents_are_counted_as_by_hand(right):
    thin = right.thin_cells
    # A and B have no parents and all 259 rows; C has six settings
    assert (thin.of, thin.count, thin.node_count) == (8, 2, 1)
    assert thin.fewest == (ThinCell("C", {"A": 1, "B": "high"}, 0), ThinCell("C", {"A": 1, "B": "mid"}, 29))
    node = thin.nodes[0]
    assert (node.node, node.cells, node.thin, node.empty, node.rows) == ("C", 6, 2, 1, 29)


def test_the_share_of_a_dos_rows_with_rows_of_the_table_is_that_of_the_distribution(right):
    support = right.do_support
    found = {one.do: one for one in support.lowest}
    a, b = np.mean(ROWS[:, 0]), np.bincount(ROWS[:, 1]) / N
    # under do(A=1) B keeps its distribution: (1, low) is enough, (1, mid) is seen, (1, high) is not
    expected = {
        "do(A=0)": (1.0, 1.0),
        "do(A=1)": (b[0] + b[1], b[0]),
        "do(B=low)": (1.0, 1.0),
        "do(B=mid)": (1.0, 1 - a),
        "do(B=high)": (1 - a, 1 - a),
    }
    assert set(found) == set(expected) and support.count == 5 and support.below == 3
    for do, (seen, enough) in expected.items():
        # five standard errors of 2,000 rows
        assert found[do].seen == pytest.approx(seen, abs=0.055) and found[do].enough == pytest.approx(enough, abs=0.055)
    assert support.lowest[0].do == "do(A=1)" and support.rows == 2_000


def test_a_model_of_the_tables_own_probabilities_loses_nothing(right):
    # A 2, B 3, C: (0, low) 2, (0, mid) 1, (0, high) 2, (1, low) 1 values that the table has
    assert (right.lost_values.count, right.lost_values.looked_at) == (0, 11)


@pytest.mark.parametrize("stated", [True, False])
def test_a_value_that_the_mechanism_gives_less_than_a_tenth_is_found_with_its_numbers(stated):
    chances = np.array([[0.0, 0.0, 0.05], [1.0, 0.0, 0.5]])
    lost = measured(law(C=chances), stated).lost_values
    # (0, low) has 10 of 100; (0, high) keeps half of its share; (1, mid) has 29 rows, too few
    assert lost.worst == (LostValue("C", 1, {"A": 0, "B": "low"}, 10, 100, 0.1, 0.0),)
    assert (lost.count, lost.untold) == (1, 0)


def test_just_over_a_tenth_is_no_lost_value_and_just_under_is():
    for chance, count in ((0.0101, 0), (0.0099, 1)):
        chances = np.array([[chance, 0.0, 0.1], [1.0, 0.0, 0.5]])
        assert measured(law(C=chances)).lost_values.count == count


def test_values_too_rare_for_the_draws_are_told_from_lost_ones(monkeypatch):
    monkeypatch.setattr(lost_values, "DRAWS", 3 * 4 * 100)
    limits = measured(law(C=np.zeros([2, 3])), stated=False)
    # 100 draws of each of C's four settings: shares of .1 would be seen 10 times
    assert limits.lost_values.untold >= 2
    assert any("too rare" in line for line in limits.left_out)


def test_numbers_are_cut_at_quartiles_and_written_as_intervals():
    graph = CausalGraph.from_text("X -> Y; X: continuous")
    x = np.arange(100, dtype=np.float32)
    cut = CutRows(graph, np.stack([x, x % 2], 1))
    assert cut.cells("Y").rows.tolist() == [25, 25, 25, 25]
    shown = [cut.shown("Y", [place])["X"] for place in range(4)]
    assert shown == ["..24.75", "24.75..49.5", "49.5..74.25", "74.25.."]
    constant = CutRows(graph, np.stack([np.full(100, 7, np.float32), x % 2], 1))
    assert constant.cells("Y").of == 1


def test_parents_of_more_settings_than_can_be_numbered_are_counted():
    graph = CausalGraph({f"x{i}": [f"x{k}" for k in range(i)] if i == 70 else [] for i in range(71)})
    rows = np.zeros([200, 71], np.uint8)
    rows[:40] = 1
    limits = label_limits(squares.LawSampler(_Coins(graph)), rows)
    # 2 of 2**70 settings have rows, 160 and 40
    assert limits.thin_cells.count == 2**70 - 2 and limits.thin_cells.nodes[0].rows == 0
    assert json.loads(json.dumps(limits.to_json()))["thin_cells"]["of"] == 2**70 + 70


class _Coins:
    """Fair coins whatever the parents are, without tables of all their settings."""

    def __init__(self, graph):
        self.graph, self.tables = graph, {node: _Coin() for node in graph.nodes}


class _Coin:
    def __getitem__(self, parents):
        return np.full([len(parents[0]) if len(parents) else 1, 2], 0.5)


def test_what_does_not_fit_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(measuring, "WORK", (N + 5 * 200) * 9)
    monkeypatch.setattr(measuring, "DO_LABELS", 2 * 3 * 200)
    limits = measured(law())
    # the rarest values: A=1 (89 of 259) is more frequent than B=high (30) and B=mid (69)
    assert {one.do for one in limits.do_support.lowest} == {"do(B=high)", "do(B=mid)"}
    assert limits.left_out[0] == "Not looked at: 3 interventions on the more frequent values, for labels are too many."
    monkeypatch.setattr(measuring, "WORK", 1)
    assert measured(law()).left_out[0].startswith("Not looked at: 3 labels")


def test_the_result_survives_json_and_says_what_it_found(right):
    found = dataclasses.replace(right, left_out=("Not looked at: 2 labels.",))
    again = LabelLimits.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    assert [line.split(":")[0] for line in again.sentences] == 3 * ["Little support"] + ["Few rows", "Not looked at"]
    assert again.brief(2)[-1] == "and 3 more" and "settings of parents with fewer than 30 rows: 2 of 8" in repr(again)
    assert DoSupport("do(A=1)", 0.5, 0.25).sentence in repr(LabelLimits.from_json(_with(again)))


def _with(limits):
    plain = limits.to_json()
    plain["do_support"]["lowest"] = [{"do": "do(A=1)", "seen": 0.5, "enough": 0.25}]
    return plain


@pytest.mark.parametrize("damage", [{}, {"rows": "many"}, {"lost_values": {"worst": [3]}}, {"thin_cells": None}])
def test_damaged_limits_are_one_error(right, damage):
    with pytest.raises(InputError, match="limits: expected"):
        LabelLimits.from_json({**right.to_json(), **damage} if damage else {})


@pytest.fixture(scope="module")
def frame():
    names = np.array(["low", "mid", "high"])
    return pd.DataFrame({"A": ROWS[:, 0], "B": names[ROWS[:, 1]], "C": ROWS[:, 2]})


def test_a_fitted_model_warns_and_so_does_the_saved_one(frame, tmp_path):
    model = causalgan_tf.fit_labels(frame, GRAPH, TINY, progress=False)
    assert model.limits.thin_cells.count == 2 and len(model.warnings) >= 2
    model.save(tmp_path / "saved")
    loaded = causalgan_tf.load(tmp_path / "saved")
    assert loaded.warnings == model.warnings
    loaded.save(tmp_path / "again")
    assert causalgan_tf.load(tmp_path / "again").warnings == model.warnings
    by_hand = type(model)(model.graph, model.mechanisms)
    assert by_hand.limits is None and "not measured" in by_hand.warnings[0]


def test_a_mechanism_whose_weights_lose_a_value_is_caught():
    graph = CausalGraph.from_text("A -> C")
    mechanisms = ExplicitController(graph, width=4, layers=2)
    mechanisms.vector.assign(np.zeros_like(mechanisms.vector))
    rows = np.array([(i % 2, i % 4 == 0) for i in range(400)], np.uint8)
    # P(C=1 | A) is .5 for both values of A: at A=1 the table has no C=1, at A=0 half of the rows
    sampler = causalgan_tf.CausalModel(graph, mechanisms).labels
    assert label_limits(sampler, rows).lost_values.count == 0
    vector = mechanisms.vector.numpy()
    # the last weight of the last node's vector is its bias: a logit of -9
    vector[-1] = -9.0
    mechanisms.vector.assign(vector)
    (lost,) = label_limits(sampler, rows).lost_values.worst
    assert (lost.node, lost.value, lost.value_rows, lost.rows) == ("C", 1, 100, 200)
    assert lost.model == pytest.approx(1 / (1 + np.exp(9)), rel=1e-3)


def test_a_run_says_keeps_and_reports_where_it_rests_on_few_rows(frame, tmp_path):
    frame.to_csv(tmp_path / "rows.csv", index=False)
    data = DataConfig(dataset="table", labels_file=str(tmp_path / "rows.csv"), graph=GRAPH.to_text())
    said, run = [], tmp_path / "run"
    causalgan_tf.train(RunConfig(data, TINY), run, say=said.append)
    warnings = causalgan_tf.load(run).warnings
    few = "  Few rows: 2 of 6 settings of the parents of C have fewer than 30 training rows, 1 none; fewest: "
    assert few + "A=1, B=high, 0 rows." in said and said[-len(warnings) :] == [f"  {line}" for line in warnings]
    numbers = causalgan_tf.evaluate_run(run, causalgan_tf.evaluation.EvaluationSizes(draws=2_000))["labels"]
    assert numbers["thin_cells"]["count"] == 2 and numbers["do_support"]["count"] == 5
    page = (run / "report" / "report.html").read_text()
    assert "Which interventions the data support" in page and "Lost values" in page
    # more steps are another checkpoint: measured anew
    causalgan_tf.train(RunConfig(data, dataclasses.replace(TINY, steps=30)), run)
    assert json.loads((run / "limits.json").read_text())["checkpoint"] == "ckpt-30"
    (run / "limits.json").write_text("{")
    with pytest.raises(InputError, match=r"limits.json is damaged"):
        causalgan_tf.load(run)
