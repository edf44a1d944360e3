"""Benchmarks of labels: what is compared with the truth, what counts as lost, and what the tables say."""

import pathlib

import numpy as np
import pandas as pd
import pytest

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from tools.benchmarks import label_tables, networks

GRAPH = CausalGraph.from_text("A -> B")


def test_the_truth_is_no_distance_from_itself_and_another_law_is():
    truth = networks.network("3_parents", pathlib.Path())
    judge = networks.Comparison("3_parents", truth)
    assert truth.graph.parents["Y"] == ("X0", "X1", "X2")
    assert len(judge.dos) == 8 and len(judge.pairs) == 24
    figures = judge.law(truth)
    assert [figures[name] for name in ("do_mean", "do_max", "obs", "child_max", "pairs_max")] == [0.0] * 5
    # the child's probabilities moved by .05 in every cell: the distance of the joint under any do of a parent
    moved = LabelDistribution(truth.graph, dict(truth.tables) | {"Y": np.abs(truth.tables["Y"] - [0.05, -0.05])})
    figures = judge.law(moved)
    assert [figures[name] for name in ("child_mean", "child_max", "obs", "do_max")] == pytest.approx([0.05] * 4)
    # a do of the child leaves its parents, which are right
    assert figures["do_mean"] == pytest.approx(0.05 * 6 / 8)


def test_labels_of_a_large_network_are_compared_one_by_one():
    truth = LabelDistribution(GRAPH, {"A": np.array(0.5), "B": np.array([0.2, 0.6])})
    other = LabelDistribution(GRAPH, {"A": np.array(0.5), "B": np.array([0.2, 0.7])})
    figures = networks.Comparison("large", truth).labels(other)
    assert figures["do_max"] == pytest.approx(0.1) and figures["worst"] == "A=1: B"
    assert figures["obs_max"] == pytest.approx(0.05)
    # of the four do's and two labels each, do(A=1) alone moves B
    assert figures["do_mean"] == pytest.approx(0.1 / 8)


@pytest.mark.parametrize(("stated", "lost"), [(0.009, 1), (0.011, 0)])
def test_a_value_below_a_tenth_of_its_share_is_lost(stated, lost):
    # B = 1 in 4 of the 40 rows of A = 0; in one of 10 rows of A = 1, which are too few to tell
    rows = np.array([[0, 1]] * 4 + [[0, 0]] * 36 + [[1, 1]] + [[1, 0]] * 9)
    law = LabelDistribution(GRAPH, {"A": np.array(0.2), "B": np.array([stated, 0.0])})
    assert networks.lost_values(law, LabelDistribution.fit(GRAPH, rows)) == lost


def test_a_method_is_compared_with_maximum_likelihood_on_its_own_tables():
    means = {"maximum likelihood": [0.1, 0.3], "likelihood, explicit": [0.1, 0.2], "pgmpy": [0.2]}
    lines = [("asia", 1000, method, seed, mean, 0.5) for method, own in means.items() for seed, mean in enumerate(own)]
    names = [*label_tables.KEY, "do_mean", "do_max"]
    runs = pd.DataFrame(lines, columns=names).set_index(label_tables.KEY)
    (row,) = label_tables.discrete(runs, "asia|survey", ("do_mean", "do_max")).to_dict("records")
    assert row["rows"] == "1,000" and row["tables"] == 2
    assert row["maximum likelihood (tables)"] == ".200, .500"
    assert row["likelihood, explicit (default)"] == ".150, .500 (.75)"
    assert row["pgmpy"] == ".200, .500 (2.00)"
