"""A model's answers as data frames, and its law by enumeration, against tables that are known."""

import time

import numpy as np
import pandas as pd
import pytest
from random_models import random_model

from causalgan_tf.errors import InputError
from causalgan_tf.graphs import cells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical, Continuous
from causalgan_tf.inference import causal_model
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.samples import label_frame
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController
from causalgan_tf.training.encoding import fit_encoder

GRAPH = CausalGraph.from_text("Sky -> Wet; Sky, Wet -> Trip; Sky: categorical(clear, cloud, rain)")
LAW = LabelDistribution(
    GRAPH, {"Sky": [0.5, 0.3, 0.2], "Wet": [0.0, 0.1, 0.9], "Trip": [[0.8, 0.5], [0.6, 0.4], [0.3, 0.1]]}
)


class TableSampler:
    """A sampler whose mechanisms are the tables of a law, to be counted."""

    stated = False

    def __init__(self, law):
        self.tables, self.parents, self.calls = law.tables, law.graph.parents, []

    def conditional(self, node, parents, draws, seed):
        assert parents.shape[1] == len(self.parents[node])
        self.calls.append((node, len(parents), draws, seed))
        return np.array([self.tables[node][tuple(setting.astype(int))] for setting in parents])


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(causal_model, "LabelSampler", lambda mechanisms: TableSampler(LAW))
    return CausalModel(GRAPH, None)


@pytest.mark.parametrize(
    ("dataset", "way_out"),
    [
        ("table", r"It is of a table \(dataset=table\), which has no images. Ask for labels alone."),
        ("causal_faces", "Train its images: --stages=images."),
        (None, "Train its images: --stages=images."),
    ],
)
def test_a_model_without_images_names_a_way_out_that_works(model, dataset, way_out):
    model.record = {"config": {"data": {"dataset": dataset}}} if dataset else None
    asked = {
        "images": lambda: model.sample(2, images=True),
        "images_of": lambda: model.images_of(np.zeros([1, 3])),
        "fit_encoder": lambda: fit_encoder(model, steps=1),
        "counterfactual": lambda: model.counterfactual(np.zeros([1, 8, 8, 3], np.uint8), {"Wet": 1}),
    }
    for what, ask in asked.items():
        with pytest.raises(InputError, match=f"^{what}: this model draws labels only. {way_out}$"):
            ask()


def test_the_law_of_a_model_has_the_tables_of_its_mechanisms(model):
    law = model.label_distribution(draws=10, seed=3)
    for node in GRAPH.nodes:
        np.testing.assert_allclose(law.tables[node], LAW.tables[node])
    assert model.labels.calls == [("Sky", 1, 10, 3), ("Wet", 3, 10, 3), ("Trip", 6, 10, 3)]
    assert model.label_distribution(draws=10, seed=3) is law
    assert model.label_distribution(draws=10, seed=4) is not law


def test_every_cell_under_do_has_its_probability_and_its_name(model):
    seen, done = model.joint_distribution(), model.joint_distribution({"Wet": 1})
    assert seen.index.names == list(GRAPH.nodes) and len(seen) == 12
    assert seen.sum() == pytest.approx(1.0) and done.sum() == pytest.approx(1.0)
    assert seen["cloud", 1, 0] == pytest.approx(0.3 * 0.1 * 0.6)
    assert done["cloud", 1, 0] == pytest.approx(0.3 * 0.6)
    assert done.xs(0, level="Wet").sum() == 0.0
    assert done.groupby("Sky", observed=True).sum()["rain"] == pytest.approx(0.2)
    assert list(seen.index[:3]) == [("clear", 0, 0), ("clear", 0, 1), ("clear", 1, 0)]


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("A -> B; B: continuous", "'B' is continuous"),
        (";".join(f"x{i}" for i in range(21)), "21 labels has 2,097,152 cells: expected at most 1,048,576"),
        (", ".join(f"x{i}" for i in range(13)) + " -> y", "parents of y have 8,192 cells.*at most 4,096"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(monkeypatch, graph, words):
    monkeypatch.setattr(causal_model, "LabelSampler", lambda mechanisms: None)
    with pytest.raises(InputError, match=words):
        CausalModel(CausalGraph.from_text(graph), None).joint_distribution()


def test_a_law_of_no_draws_and_an_unknown_value_are_refused(model):
    with pytest.raises(InputError, match="draws: expected at least 1, got 0"):
        model.label_distribution(draws=0)
    with pytest.raises(InputError, match="do Sky='snow': expected one of clear, cloud, rain"):
        model.joint_distribution({"Sky": "snow"})


def test_the_enumerated_law_is_the_law_of_the_draws():
    graph = GRAPH.with_variables({"Trip": Categorical(("none", "near", "far"))})
    model = CausalModel(graph, CausalController(graph, noise_size=3, width=5, layers=2, seed=1))
    for do in ({}, {"Wet": 1}, {"Sky": "cloud"}):
        drawn = cells.histogram(model.sample_labels(100_000, do=do, seed=5), graph.sizes)
        # eighteen cells, 100,000 draws on either side: a TVD of .005 is the noise
        assert total_variation(drawn, model.label_distribution(100_000, seed=6).joint(do)) < 0.012


@pytest.mark.parametrize("family", [CausalController, ExplicitController])
def test_numbers_of_twins_are_the_samples_to_the_last_bit(family):
    graph = CausalGraph.from_text("A -> B -> C; A -> C; D").with_variables(dict.fromkeys("ABC", Continuous()))
    model = random_model(graph, family)
    few, many = model.sample(40, seed=3), model.sample(66_000, seed=3)
    assert few.labels.equals(many.labels[:40])
    assert model.twins(few.seeds).labels.equals(few.labels)
    assert model.twins(many.seeds).labels.equals(many.labels)
    set_to, kept = model.twins(few.seeds[5:], {"B": 1.5}).labels, few.labels[5:].reset_index(drop=True)
    assert set_to[["A", "D"]].equals(kept[["A", "D"]]) and not set_to["C"].equals(kept["C"])


def test_labels_come_in_the_users_values():
    graph = CausalGraph.from_text("A -> B; A: categorical(no, yes); C").with_variables({"B": Continuous()})
    frame = label_frame(graph, np.array([[1, 0.25, 0], [0, -2.5, 1]], np.float32))
    assert list(frame.columns) == list(graph.nodes)
    expected = pd.DataFrame({"A": pd.Categorical(["yes", "no"], ["no", "yes"])})
    pd.testing.assert_frame_equal(frame[["A"]], expected)
    assert (frame["B"].dtype, frame["C"].dtype) == (np.float32, np.uint8)
    assert frame["B"].tolist() == [0.25, -2.5] and frame["C"].tolist() == [0, 1]


def test_binary_labels_become_a_data_frame_without_a_copy():
    graph, rows = CausalGraph({f"x{i}": () for i in range(9)}), np.zeros([100_000, 9], np.uint8)
    assert np.shares_memory(label_frame(graph, rows)["x3"].to_numpy(), rows)
    start = time.perf_counter()
    for _ in range(100):
        label_frame(graph, rows)
    assert (time.perf_counter() - start) / 100 < 0.005
