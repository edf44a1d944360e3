"""Labels without countable cells: errors of one label, of two, and distances of points, against hand-worked ones."""

import numpy as np
import pytest

from causalgan_tf.evaluation import marginals
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical, Continuous

GRAPH = CausalGraph(
    {"Sex": (), "Smoke": ("Sex",), "Age": ()},
    {"Smoke": Categorical(("never", "now", "once")), "Age": Continuous(mean=40.0, std=10.0)},
)
DATA = np.array([[0, 0, 30], [0, 1, 50], [1, 2, 40], [1, 2, 40]], np.float32)


def test_equal_rows_have_no_error():
    numbers = marginals.part_numbers(GRAPH, DATA, DATA[::-1], points=2, seed=0)
    assert numbers["marginals"]["each"] == {
        "Sex": {"error": 0.0},
        "Smoke": {"error": 0.0},
        "Age": {"mean_error_sd": 0.0, "wasserstein_sd": 0.0},
    }
    assert (numbers["pairs"]["mean_error"], numbers["pairs"]["max_error"], numbers["pairs"]["count"]) == (0.0, 0.0, 1)


def test_the_errors_of_each_label_by_hand():
    drawn = np.array([[0, 0, 35], [1, 0, 45], [1, 0, 45], [1, 2, 55]], np.float32)
    numbers = marginals.marginals(GRAPH, drawn, DATA)
    # Smoke=never: 3/4 for 1/4. Ages 35, 45, 45, 55 for 30, 40, 40, 50: every one moves by half a deviation
    assert numbers["each"]["Sex"]["error"] == pytest.approx(0.25)
    assert numbers["each"]["Smoke"]["error"] == pytest.approx(0.5)
    assert numbers["each"]["Age"] == {"mean_error_sd": pytest.approx(0.5), "wasserstein_sd": pytest.approx(0.5)}
    assert (numbers["worst"], numbers["max_error"]) == ("Smoke", pytest.approx(0.5))
    assert (numbers["worst_continuous"], numbers["max_wasserstein_sd"]) == ("Age", pytest.approx(0.5))
    assert numbers["sampling_error"] == pytest.approx(0.5 * np.sqrt(0.5))


def test_the_errors_of_two_labels_together_by_hand():
    drawn = np.array([[0, 0, 0], [0, 1, 0], [1, 2, 0], [0, 2, 0]], np.float32)
    numbers = marginals.pairs(GRAPH, drawn, DATA)
    # of the six cells of Sex and Smoke, (0, once) gains 1/4 and (1, once) loses it
    assert numbers["max_error"] == pytest.approx(0.25)
    assert numbers["mean_error"] == pytest.approx(0.5 / 6)
    assert numbers["worst"] == "Sex=0, Smoke=once" and numbers["count"] == 1


def test_pairs_that_lose_their_bond_are_seen_though_each_label_is_right():
    graph = CausalGraph({f"x{i}": () for i in range(30)})
    rng = np.random.default_rng(0)
    data = rng.integers(0, 2, (70_000, 30), np.uint8)
    data[:, 7] = data[:, 3]
    drawn = rng.integers(0, 2, (80_000, 30), np.uint8)
    numbers = marginals.part_numbers(graph, drawn, data, points=100, seed=0)
    assert numbers["marginals"]["max_error"] < 5 * numbers["marginals"]["sampling_error"]
    assert numbers["pairs"]["max_error"] == pytest.approx(0.25, abs=0.01)
    assert {name.split("=")[0] for name in numbers["pairs"]["worst"].split(", ")} == {"x3", "x7"}
    assert numbers["pairs"]["count"] == 435
    assert numbers["mmd"] is None and numbers["marginals"]["worst_continuous"] is None


def test_a_graph_of_continuous_labels_has_an_mmd_and_no_pairs():
    graph = CausalGraph({"A": (), "B": ("A",)}, {"A": Continuous(), "B": Continuous(mean=5.0, std=2.0)})
    rng = np.random.default_rng(0)
    data, same, other = (rng.normal((0, 5), (1, 2), (2_000, 2)).astype(np.float32) for _ in range(3))
    other[:, 1] += 1.0  # half a deviation
    right, wrong = (marginals.part_numbers(graph, rows, data, points=300, seed=1) for rows in (same, other))
    assert right["pairs"] is None and right["marginals"]["worst"] is None
    assert right["mmd"]["mmd2"] < right["mmd"]["band"] < 0.3 * wrong["mmd"]["mmd2"]
    assert right["mmd"]["n"] == 300
    assert wrong["marginals"]["worst_continuous"] == "B"
    assert wrong["marginals"]["max_wasserstein_sd"] == pytest.approx(0.5, abs=0.1)
    assert marginals.part_numbers(graph, same, data, points=300, seed=1) == right


def test_too_few_or_equal_rows_have_no_mmd():
    assert marginals.mmd(GRAPH, DATA[:3], DATA[:3], points=10, seed=0) is None
    assert marginals.mmd(GRAPH, DATA[[2] * 8], DATA[[2] * 8], points=10, seed=0) is None
