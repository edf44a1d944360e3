"""Rows say whether training images hold their label cell: drawn, saved, loaded, shown beside the nearest that do."""

import json

import numpy as np
import pytest
import squares
import tensorflow as tf
from mixed import GRAPH as MIXED

import causalgan_tf
from causalgan_tf.config.run import DataConfig, ImageConfig, RunConfig
from causalgan_tf.data.dataset import Dataset, ImageSet, label_cells, observed_cells, training_cells, uniform_labels
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.reporting import unsupported
from causalgan_tf.runs import run_graph
from causalgan_tf.runs.run_folder import Run, build_image_generator, build_mechanisms
from causalgan_tf.runs.run_graph import Fingerprint, RunGraph

PAIR = CausalGraph.from_text("A -> B")
SEEN = np.array([[0, 0], [1, 1], [0, 0]], np.uint8)  # never A without B nor B without A


def pair_model(cells: ObservedCells | None) -> CausalModel:
    """A model of two labels and images that nobody has trained."""
    config = RunConfig(image=ImageConfig(width=16, noise_size=4), data=DataConfig(image_size=16, graph="A -> B"))
    networks = build_mechanisms(config, PAIR), build_image_generator(config, PAIR)
    kept = RunGraph(PAIR, PAIR, cells=cells)
    return CausalModel(PAIR, *networks, record=Run(None, config, kept).record, cells=cells)


@pytest.fixture(scope="module")
def model() -> CausalModel:
    return pair_model(observed_cells(PAIR, SEEN))


def test_a_row_is_supported_where_a_training_image_has_its_labels(model):
    for drawn in (model.sample(40, do={"A": 1}, seed=3), model.twins(np.arange(40), do={"A": 1})):
        assert drawn.supported.dtype == bool
        assert drawn.supported.tolist() == (drawn.labels["B"] == 1).tolist()
    assert 0 < model.sample(40, seed=3, images=False).supported.sum() < 40


def test_samples_say_how_many_rows_are_supported(model):
    drawn = model.sample(40, do={"A": 1}, seed=3)
    words = f"{drawn.supported.sum()} of 40 rows lie in label cells with training images"
    assert repr(drawn).endswith(words) and words in drawn._repr_html_()
    assert list(drawn.labels) == ["A", "B"]  # the frame holds labels alone


def test_where_nothing_is_known_nothing_is_said():
    drawn = pair_model(None).sample(3)
    assert drawn.supported is None and drawn.support_in_words() == "" and "training images" not in repr(drawn)
    labels_only = CausalModel(PAIR, build_mechanisms(RunConfig(), PAIR), cells=observed_cells(PAIR, SEEN))
    assert labels_only.sample(3).supported is None
    assert training_cells(Dataset(PAIR, SEEN)) is None


def test_labels_of_more_cells_than_numbers_have_no_known_cells():
    many = CausalGraph({f"x{k}": () for k in range(64)})
    rows = np.zeros([2, 64], np.uint8)
    assert training_cells(Dataset(many, rows, train=ImageSet(np.zeros([2, 16, 16, 3], np.uint8), rows))) is None


def test_a_saved_model_knows_its_cells_again(model, tmp_path):
    model.save(tmp_path / "saved")
    drawn, again = model.sample(20, seed=5), causalgan_tf.load(tmp_path / "saved").sample(20, seed=5)
    assert again.supported.tolist() == drawn.supported.tolist()


def test_a_model_that_was_saved_before_is_loaded_and_knows_nothing(model, tmp_path):
    model.save(tmp_path / "saved")
    path = tmp_path / "saved" / "model.json"
    values = json.loads(path.read_text())
    del values["graph"]["cells"]
    path.write_text(json.dumps(values))
    assert causalgan_tf.load(tmp_path / "saved").sample(3).supported is None


@pytest.mark.parametrize(
    "cells",
    [{"sizes": [2]}, {"sizes": [2], "edges": [[]], "codes": "0"}, {"sizes": [2, 2], "edges": [[]], "codes": ""}],
)
def test_damaged_cells_are_refused_by_the_name_of_their_file(model, tmp_path, cells):
    model.save(tmp_path / "saved")
    path = tmp_path / "saved" / "model.json"
    values = json.loads(path.read_text())
    values["graph"]["cells"] = cells
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="model.json is damaged"):
        causalgan_tf.load(tmp_path / "saved")


def test_a_run_learns_its_cells_with_its_images_and_keeps_them(tmp_path):
    first, now = observed_cells(PAIR, SEEN), observed_cells(PAIR, SEEN[:1])
    mark = Fingerprint.of(PAIR, SEEN)
    labels_only = RunGraph(PAIR, PAIR, mark)
    with_images = run_graph.settled(tmp_path, labels_only, PAIR, mark, first)
    assert with_images.cells is first
    assert run_graph.settled(tmp_path, with_images, PAIR, mark, now).cells is first
    with_images.save(tmp_path)
    assert run_graph.stored(tmp_path, RunConfig()).cells.holds(np.array([[0, 0], [0, 1], [1, 1]])).tolist() == [1, 0, 1]


def mixed_rows(n: int, seed: int) -> np.ndarray:
    rows = uniform_labels(MIXED, np.array([[0, 0.0, 0], [0, 100.0, 0]], np.float32), n, seed)
    rows[rows[:, 2] == 1, 1] *= 0.3  # in frames, dim ones alone
    return rows


def test_numbers_are_supported_by_their_bins_as_the_networks_and_the_cells_say():
    rows, asked = mixed_rows(300, 0), mixed_rows(300, 1)
    asked[:100, 1] += 40.0
    cells = ObservedCells.from_json(json.loads(json.dumps(observed_cells(MIXED, rows).to_json())))
    expected = np.isin(label_cells(MIXED, asked, rows), label_cells(MIXED, rows))
    assert cells.holds(asked).tolist() == expected.tolist() and 0 < expected.sum() < 300
    codec = LabelCodec(MIXED.variables.values(), cells=cells)
    assert codec.is_observed(tf.constant(asked)).numpy().tolist() == expected.tolist()
    assert cells.holds(rows).all()


def test_the_nearest_supported_labels_change_the_fewest_and_keep_what_was_set():
    # A, B, C: data hold 000, 011 and 110
    observed = observed_cells(CausalGraph.from_text("A; B; C"), np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0]]))
    asked = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], np.float32)
    assert unsupported.nearest_supported(observed, asked[:1], kept=0).tolist() == [[1, 1, 0]]
    assert unsupported.nearest_supported(observed, asked[1:2], kept=1).tolist() == [[0, 0, 0]]
    assert unsupported.nearest_supported(observed, asked[2:], kept=0).tolist() == [[1, 1, 0]]


def test_a_number_moves_no_further_than_into_its_bin():
    edges = np.array([10.0, 20.0, 30.0])
    observed = ObservedCells((4,), (edges,), np.array([1, 2]))
    moved = unsupported.nearest_supported(observed, np.array([[5.0], [15.0], [99.0]], np.float32))
    assert observed.holds(moved).all() and moved[1, 0] == 15.0
    assert moved[:, 0] == pytest.approx([10.0, 15.0, 20.0], abs=1e-4)  # equally near: the lower cell


def test_unsupported_images_stand_above_the_nearest_supported_ones():
    cells = observed_cells(squares.GRAPH, squares.image_set(800, 2).labels)
    asked = {"do(Young=1)": {"Young": 1}, "do(Mustache=1)": {"Mustache": 1}}
    found = list(unsupported.unsupported_rows(squares.PerfectModel(), cells, asked, seed=0))
    assert found[0].text == "do(Mustache=1)"
    male, mustache = (squares.GRAPH.index(node) for node in ("Male", "Mustache"))
    # no woman of this world has a mustache: the nearest who has one is a man
    assert not found[0].rows[:, male].any() and found[0].nearest[:, [male, mustache]].all()
    assert not cells.holds(found[0].rows).any() and cells.holds(found[0].nearest).all()
    picture = unsupported.unsupported_picture(squares.PerfectModel(), cells, asked, seed=0)
    assert picture.height > 2 * squares.SIZE


def test_where_every_row_is_supported_there_is_no_picture():
    cells = observed_cells(squares.GRAPH, squares.image_set(800, 2).labels)
    asked = {"do(Mustache=0)": {"Mustache": 0}}
    full = ObservedCells(cells.sizes, cells.edges, np.arange(16))
    assert unsupported.unsupported_picture(squares.PerfectModel(), full, asked, seed=0) is None
    none = ObservedCells(cells.sizes, cells.edges, np.zeros(0, np.int64))
    assert unsupported.unsupported_picture(squares.PerfectModel(), none, asked, seed=0) is None
