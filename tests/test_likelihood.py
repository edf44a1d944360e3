"""Maximum likelihood and family critics learn known distributions, and every do of them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from causalgan_tf.config.run import ControllerConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.learners.controller import encoded
from causalgan_tf.learners.family_wasserstein import TABLE, tempered_rows
from causalgan_tf.learners.likelihood import distinct_family, families, split_families
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.training.builders import build_controller
from causalgan_tf.training.fitting import fit_labels

GRAPH = CausalGraph.from_text("Rain -> Wet; Rain, Wet -> Slip; Slip: categorical(no, a bit, fall)")
TRUTH = LabelDistribution(
    GRAPH,
    {
        "Rain": np.array(0.05),
        "Wet": np.array([0.2, 0.9]),
        "Slip": np.array([[[0.9, 0.08, 0.02], [0.6, 0.3, 0.1]], [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]]),
    },
)
ROWS = TRUTH.sample(20_000, seed=1)
DOS = [{}, {"Rain": 0}, {"Rain": 1}, {"Wet": 0}, {"Wet": 1}, {"Slip": "fall"}]
# objective, the seconds' worth of steps, the largest TVD under a do to the rows' own conditional frequencies
CASES = {
    "likelihood": ({"steps": 2_000, "weight_decay": 0.0}, 0.004),
    "likelihood by batches": ({"steps": 1_500, "distinct_rows": 0}, 0.03),
    "wasserstein": ({"steps": 8_000}, 0.03),
    "wasserstein by batches": ({"steps": 1_500, "ema": 0.99, "distinct_rows": 0}, 0.06),
}
# a critic takes half a minute to compile
SLOW = {"wasserstein", "wasserstein by batches"}


def cases(slow, *names):
    """Those cases, the slow ones in the long set."""
    return [pytest.param(name, marks=pytest.mark.long if name in slow else ()) for name in names or CASES]


def learner(case, strategy=None, seed=0, **changes):
    own = {"objective": case.split()[0], **CASES[case][0], "steps_per_call": 500, **changes}
    with (strategy or tf.distribute.get_strategy()).scope():
        return build_controller(RunConfig(controller=ControllerConfig(**own), seed=seed), GRAPH, ROWS)


def fit(made, first, last, per_call=500):
    made.steps_per_call = per_call
    assert made.steps_done() == first
    made.advance(last)
    return made


@pytest.mark.parametrize("case", cases({"wasserstein by batches"}))
def test_every_do_is_that_of_the_rows_own_frequencies(case):
    steps, most = CASES[case]
    made = learner(case)
    made.steps_per_call = 500
    logs = made.advance(steps["steps"])
    tables = {}
    for node in GRAPH.nodes:
        sizes = [GRAPH.variables[parent].size for parent in GRAPH.parents[node]]
        cells = np.array(list(np.ndindex(*sizes)), float).reshape([int(np.prod(sizes)), len(sizes)])
        tables[node] = made.averaged.probabilities(node, cells).reshape([*sizes, -1])
    law, counted = LabelDistribution(GRAPH, tables), LabelDistribution.fit(GRAPH, ROWS)
    assert max(total_variation(law.joint(do), counted.joint(do)) for do in DOS) < most
    if case == "likelihood":
        # the loss is the entropy of the counted tables, and no model's is below
        loss, floor = logs["negative_log_likelihood"], -np.log(counted_row_shares()).mean()
        assert floor - 1e-5 <= loss <= floor + 1e-3


def counted_row_shares():
    """The probability of each row's labels given their parents by counting, [N * K]."""
    counted, codes = LabelDistribution.fit(GRAPH, ROWS), ROWS.astype(int)
    found = [
        np.broadcast_to(
            table[tuple(codes[:, GRAPH.index(p)] for p in GRAPH.parents[node])], [len(codes), table.shape[-1]]
        )
        for node, table in counted.tables.items()
    ]
    # times the number of labels: the mean over all of them is a K-th of a row's sum
    return np.concatenate([f[np.arange(len(codes)), codes[:, k]] for k, f in enumerate(found)]) ** len(GRAPH)


def test_exact_shares_weigh_what_rows_one_by_one_do():
    mechanisms = ExplicitController(GRAPH, 8, 3)
    mechanisms.vector.assign(np.random.default_rng(0).normal(0.0, 0.4, mechanisms.vector.shape))
    _, seen, shares = families(mechanisms, ROWS, 64)
    parts = zip(shares, mechanisms.log_probability(seen), strict=True)
    found = sum(float(tf.reduce_sum(share * part)) for share, part in parts)
    one_by_one = mechanisms.row_log_probability(tf.constant(encoded(GRAPH, ROWS).T, tf.float32))
    assert found == pytest.approx(float(tf.reduce_sum(one_by_one)) / len(ROWS), abs=1e-4)


HUB = CausalGraph.from_text("; ".join(f"N{k} -> Hub" for k in range(8)) + "; N0 -> End")


@pytest.mark.parametrize(("most", "nodes_left"), [(2_048, 0), (100, 1), (3, 2), (0, 10)])
def test_a_node_of_many_distinct_rows_takes_no_exact_shares_from_the_others(most, nodes_left):
    """The hub has some 300 distinct rows with its eight parents, the others two to four."""
    rows = np.random.default_rng(0).integers(0, 2, [400, len(HUB)])
    mechanisms = ExplicitController(HUB, 8, 3)
    mechanisms.vector.assign(np.random.default_rng(1).normal(0.0, 0.4, mechanisms.vector.shape))
    exact, rest = split_families(mechanisms, rows, most)
    assert sum(len(places) for _, places in rest) == nodes_left
    assert sum(len(places) for _, places in exact.parts) == len(HUB) - nodes_left
    found = sum(
        float(tf.reduce_sum(share * part))
        for share, part in zip(exact.shares, mechanisms.log_probability(exact.seen, exact.parts), strict=True)
    )
    columns = tf.constant(encoded(HUB, rows).T, tf.float32)
    batch = mechanisms.log_probability(mechanisms.seen(columns, rest), rest) if rest else []
    found += sum(float(tf.reduce_sum(part)) for part in batch) / len(rows)
    expected = float(tf.reduce_sum(mechanisms.row_log_probability(columns))) / len(rows)
    assert found == pytest.approx(expected, abs=1e-4)


def test_distinct_rows_are_not_padded_to_those_of_a_hub():
    rows = np.random.default_rng(0).integers(0, 2, [400, len(HUB)])
    exact, _ = split_families(ExplicitController(HUB, 8, 3), rows, 2_048)
    widths = sorted(share.shape[1] for share in exact.shares)
    assert widths[0] == 2 and widths[-1] > 250 and len(widths) > 2


def test_fewer_rows_than_a_batch_are_learnt_and_a_stronger_prior_keeps_tables_flatter():
    graph, rows = CausalGraph.from_text("Rain -> Wet"), np.array([[0, 0], [0, 1], [1, 1]])
    found = []
    for decay in (0.0, 3.0):
        config = ControllerConfig(steps=300, learning_rate=1e-2, ema=0.9, weight_decay=decay, steps_per_call=300)
        made = fit(build_controller(RunConfig(controller=config), graph, rows), 0, 300, 300)
        assert made.batch_size == 3
        found.append(made.averaged.probabilities("Wet", np.array([[0], [1]]))[:, 1])
    np.testing.assert_allclose(found[0], [0.5, 1.0], atol=0.05)
    assert np.ptp(found[1]) < 0.8 * np.ptp(found[0])


@pytest.mark.parametrize("case", cases(SLOW))
def test_training_in_two_parts_equals_training_at_once(case):
    whole = fit(learner(case), 0, 8, 4)
    parts = fit(fit(learner(case), 0, 4, 4), 4, 8, 4)
    np.testing.assert_array_equal(whole.averaged.vector, parts.averaged.vector)
    assert not np.array_equal(whole.averaged.vector, learner(case).averaged.vector)


@pytest.mark.parametrize("case", cases(SLOW, "likelihood by batches", "wasserstein by batches"))
def test_two_replicas_train_the_same_weights_as_one(case, mirrored):
    one, two = fit(learner(case), 0, 3, 3), fit(learner(case, mirrored), 0, 3, 3)
    np.testing.assert_allclose(one.mechanisms.vector, two.mechanisms.vector, atol=2e-4)


def test_fewer_rows_than_a_batch_that_replicas_cannot_share_are_refused(mirrored):
    for rows, said in ((101, "--controller_batch_size=100, or one device"), (1, "expected one device")):
        with mirrored.scope(), pytest.raises(InputError, match=f"The {rows} rows are one batch.*{said}"):
            config = RunConfig(controller=ControllerConfig(distinct_rows=0))
            build_controller(config, GRAPH, ROWS[:rows])
    with mirrored.scope():  # no batch is drawn where shares stand for the rows
        assert not build_controller(RunConfig(controller=ControllerConfig()), GRAPH, ROWS[:101]).rest


def test_numbers_and_few_rows_are_learnt():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"Kind": np.repeat(["a", "b", "c"], [250, 150, 100])})
    means = table["Kind"].map({"a": -1.0, "b": 0.5, "c": 2.0})
    table["Size"] = means + rng.uniform(-0.5, 0.5, len(table))
    model = fit_labels(table, "Kind -> Size", ControllerConfig(steps=1_000), progress=False)
    for name, mean in (("a", -1.0), ("b", 0.5), ("c", 2.0)):
        drawn = model.sample(20_000, do={"Kind": name}).labels["Size"]
        assert drawn.mean() == pytest.approx(mean, abs=0.08)
        assert drawn.std() == pytest.approx(1.0 / np.sqrt(12.0), abs=0.05)


def test_families_hold_the_shares_of_their_distinct_rows():
    rows = np.array([[0, 0], [0, 1], [0, 1], [1, 1]], np.uint8)
    graph = CausalGraph.from_text("A -> B")
    values, shares = distinct_family(graph, "B", rows)
    assert values.tolist() == [[0, 0], [0, 1], [1, 1]] and shares.tolist() == [0.25, 0.5, 0.25]
    # by hand: A = 0 has three rows and A = 1 one, log(4) and log(2): two thirds and one third
    _, tempered = distinct_family(graph, "B", rows, tempered=True)
    expected = [0.125 + 0.5 * 2 / 9, 0.25 + 0.5 * 4 / 9, 0.125 + 0.5 / 3]
    np.testing.assert_allclose(tempered, expected, atol=1e-12)
    mechanisms = ExplicitController(graph, 4, 2)
    assert families(mechanisms, rows, 2) is None and families(mechanisms, rows, 0) is None
    parts = families(mechanisms, rows, 3).shares
    assert [float(tf.reduce_sum(part)) for part in parts] == [1.0, 1.0]
    chosen = dict(
        zip([graph.nodes[k] for k in mechanisms.schedule.places], tempered_rows(mechanisms, rows, 0), strict=True)
    )
    np.testing.assert_allclose(np.bincount(chosen["B"], minlength=4)[3] / TABLE, expected[2], atol=1e-3)
    np.testing.assert_allclose(np.bincount(chosen["A"], minlength=4) / TABLE, 0.25, atol=1e-3)


def test_rows_are_as_they_come_where_a_parent_is_a_number():
    graph = CausalGraph.from_text("Heat -> Melts; Heat: continuous")
    rows = np.array([[0.5, 0], [1.5, 1], [1.5, 1], [1.5, 0]], np.float32)
    for chosen in tempered_rows(ExplicitController(graph, 4, 2), rows, seed=0):
        np.testing.assert_allclose(np.bincount(chosen, minlength=4), TABLE / 4, atol=1.0)


@pytest.mark.parametrize("distinct_rows", [10_000, 0])
def test_a_restart_on_drawn_rows_is_a_training_of_its_own(distinct_rows):
    config = RunConfig(controller=ControllerConfig(steps=200, distinct_rows=distinct_rows))
    drawn = np.random.default_rng(0).integers(0, len(ROWS), len(ROWS))
    again = build_controller(config, GRAPH, ROWS)
    again.advance(200)
    fresh = build_controller(dataclasses.replace(config, seed=7), GRAPH, ROWS[drawn])
    again.restart(fresh.mechanisms.vector, drawn, seed=7)
    assert again.steps_done() == 0
    for one in (again, fresh):
        one.advance(200)
    np.testing.assert_allclose(again.averaged.vector, fresh.averaged.vector, atol=1e-5)
