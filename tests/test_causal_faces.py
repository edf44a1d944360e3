"""Causal Faces: the labels' law, the renderer and the TFDS builder."""

import dataclasses
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data.causal_faces import LABELS, FacesConfig, distribution_over, law, load_faces, render, sample_noise
from causalgan_tf.data.causal_faces.builder import split_seeds
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

CELLS = (np.arange(512)[:, None] >> np.arange(9)) & 1  # row c has the labels of code c

# where a label may change the picture of a small face, in units of 1/16 of its side: top, bottom, left, right
MOUTH, EYES = (8, 15, 3, 13), (5, 11, 1, 15)
REGIONS = {"Mustache": MOUTH, "Smiling": MOUTH, "Wearing_Lipstick": MOUTH, "Mouth_Slightly_Open": MOUTH}
REGIONS |= {"Eyeglasses": EYES, "Narrow_Eyes": EYES}


def cells_of(label: str, value: int) -> np.ndarray:
    """The 256 cells with label = value; row i of value 0 and row i of value 1 differ in `label` alone."""
    return CELLS[CELLS[:, LABELS.index(label)] == value]


@pytest.mark.parametrize(
    ("event", "do", "given", "answer", "digits"),
    [
        ({"Male": 0}, {"Mustache": 1}, {}, 0.583, 3),
        ({"Male": 0}, {}, {"Mustache": 1}, 0.0006, 4),
        ({"Male": 1}, {"Wearing_Lipstick": 1}, {}, 0.417, 3),
        ({"Male": 1}, {}, {"Wearing_Lipstick": 1}, 0.007, 3),
        ({"Young": 1}, {}, {}, 0.77362, 5),
        ({"Bald": 1}, {}, {"Male": 1, "Young": 0}, 0.11263, 5),
        ({"Narrow_Eyes": 1}, {}, {"Young": 0, "Male": 0, "Smiling": 1}, 0.14483, 5),
    ],
)
def test_law_gives_the_published_probabilities(event, do, given, answer, digits):
    assert round(law().probability(event, do=do, given=given), digits) == answer


def test_law_is_strictly_positive_on_all_cells():
    joint = law().joint()
    assert law().graph.nodes == LABELS
    assert joint.shape == (512,) and joint.min() > 0 and joint.sum() == pytest.approx(1.0)


def test_law_over_a_graph_with_more_edges_is_the_same_law():
    graph = load_graph("causal_graph_1_complete")
    wide = distribution_over(graph)
    for event, do in (({"Male": 0}, {"Mustache": 1}), ({"Narrow_Eyes": 1}, {"Smiling": 0}), ({"Bald": 1}, {})):
        assert wide.probability(event, do=do) == pytest.approx(law().probability(event, do=do))


def test_no_law_over_a_graph_that_lacks_an_edge_or_a_label():
    assert distribution_over(load_graph("causal_graph_1_reversed")) is None
    assert distribution_over(CausalGraph({"Mustache": ["Male"]})) is None


def test_noise_of_a_row_does_not_depend_on_how_many_are_drawn():
    few, many = sample_noise(3, seed=5), sample_noise(9, seed=5)
    for field in dataclasses.fields(few):
        np.testing.assert_array_equal(getattr(few, field.name), getattr(many, field.name)[:3])


@pytest.mark.parametrize("image_size", [16, 32, 128])
def test_render_is_deterministic_and_a_row_depends_on_itself_alone(image_size):
    labels, noise = CELLS[100:140], sample_noise(40, seed=2)
    images = render(labels, noise, image_size)
    assert images.shape == (40, image_size, image_size, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, render(labels, noise, image_size))
    np.testing.assert_array_equal(images[17:18], render(labels[17:18], noise[17:18], image_size))
    np.testing.assert_array_equal(images[::-1], render(labels[::-1], noise[::-1], image_size))


def test_the_512_cells_of_one_noise_give_512_pictures():
    images = render(CELLS, sample_noise(1, seed=0)[np.zeros(512, int)], image_size=32)
    assert len(np.unique(images.reshape(512, -1), axis=0)) == 512


@pytest.mark.parametrize("label", LABELS)
def test_each_label_alone_is_visible_in_every_cell(label):
    """With all else equal, at least 5 of 1,024 pixels change by 25 grey levels, 12 times the pixel noise."""
    noise = sample_noise(256, seed=3)
    without, having = (render(cells_of(label, value), noise, image_size=32).astype(int) for value in (0, 1))
    change = np.abs(having - without).max(axis=3)
    assert (change >= 25).sum(axis=(1, 2)).min() >= 5


@pytest.mark.parametrize("label", REGIONS)
def test_a_label_of_mouth_or_eyes_changes_nothing_elsewhere(label):
    noise = sample_noise(256, seed=4)
    without, having = (render(cells_of(label, value), noise, image_size=32) for value in (0, 1))
    changed = (having != without).any(axis=(0, 3))
    top, bottom, left, right = (2 * edge for edge in REGIONS[label])
    changed[top:bottom, left:right] = False
    assert not changed.any()


def test_pixel_noise_has_two_grey_levels_and_is_the_same_under_any_labels():
    noise = sample_noise(60, seed=6)
    corners = [render(np.repeat(CELLS[[c]], 60, 0), noise, image_size=64)[:, :6, :6].astype(float) for c in (0, 8)]
    np.testing.assert_array_equal(*corners)
    rough = np.diff(corners[0], axis=2).std() / np.sqrt(2)
    assert 1.6 < rough < 2.6


def test_render_names_what_is_wrong_with_its_input():
    noise = sample_noise(2, seed=0)
    with pytest.raises(InputError, match="labels: expected"):
        render(np.full((2, 9), 2), noise)
    with pytest.raises(InputError, match="labels: expected"):
        render(np.zeros((2, 8), int), noise)
    with pytest.raises(InputError, match="noise: expected 3 rows"):
        render(np.zeros((3, 9), int), noise)
    with pytest.raises(InputError, match="image_size"):
        render(np.zeros((2, 9), int), noise, image_size=48)


def test_a_configuration_is_named_after_all_that_is_not_default():
    assert FacesConfig().name == "32" and FacesConfig(image_size=64).name == "64"
    assert FacesConfig(image_size=16, train=200, test=50, uniform=64, seed=3).name == "16_n200_t50_u64_s3"


def test_a_name_gives_its_configuration_back():
    built = FacesConfig.from_name("16_n200_u64_s3")
    assert (built.image_size, built.train, built.test, built.uniform, built.seed) == (16, 200, 5_000, 64, 3)
    assert FacesConfig.from_name("16_x3") is None and FacesConfig.from_name("large") is None


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Small faces in a folder of their own."""
    sizes = {"train_images": 3000, "test_images": 40, "uniform_images": 600, "label_rows": 200_000}
    return DataConfig(image_size=16, data_dir=str(tmp_path_factory.mktemp("tfds")), **sizes)


@pytest.fixture(scope="module")
def faces(config):
    """The faces of seed 1."""
    return load_faces(config, seed=1)


def test_splits_have_the_sizes_asked_for(faces):
    assert faces.graph.nodes == LABELS
    for split, n in ((faces.train, 3000), (faces.test, 40), (faces.uniform, 600)):
        assert split.images.shape == (n, 16, 16, 3) and split.images.dtype == np.uint8
        assert split.labels.shape == (n, 9) and split.labels.dtype == np.uint8
    assert faces.label_rows.shape == (200_000, 9)


def test_label_frequencies_of_training_rows_follow_the_law(faces):
    means = np.array([law().probability({name: 1}) for name in LABELS])
    for labels in (faces.train.labels, faces.label_rows):
        deviation = np.abs(labels.mean(axis=0) - means) / np.sqrt(means * (1 - means) / len(labels))
        assert deviation.max() < 4


def test_labels_of_the_uniform_split_are_fair_coins(faces):
    assert np.abs(faces.uniform.labels.mean(axis=0) - 0.5).max() < 4 * 0.5 / np.sqrt(600)
    assert len(np.unique(faces.uniform.labels, axis=0)) > 300


def test_stored_pictures_are_the_renderings_of_their_labels(faces):
    noise = sample_noise(3000, seed=split_seeds("train", 1)[1])
    np.testing.assert_array_equal(faces.train.images, render(faces.train.labels, noise, image_size=16))


def test_a_second_load_reads_the_same_pictures_and_another_seed_draws_others(config, faces):
    again, other = load_faces(config, seed=1), load_faces(dataclasses.replace(config, train_images=40), seed=2)
    np.testing.assert_array_equal(again.train.images, faces.train.images)
    np.testing.assert_array_equal(again.label_rows, faces.label_rows)
    assert len(other.train) == 40 and not np.array_equal(other.train.images, faces.train.images[:40])


def test_tfds_serves_any_configuration_by_its_name(tmp_path):
    rows = tfds.load("causal_faces/16_n12_t4_u4_s5", split="train", data_dir=str(tmp_path))
    images, labels = zip(*[(row["image"], row["labels"]) for row in tfds.as_numpy(rows)], strict=True)
    noise = sample_noise(12, seed=split_seeds("train", 5)[1])
    np.testing.assert_array_equal(np.stack(images), render(np.stack(labels), noise, image_size=16))


def test_another_graph_reorders_the_label_columns(config, faces):
    backwards = load_faces(dataclasses.replace(config, graph="causal_graph_1_reversed"), seed=1)
    order = [LABELS.index(name) for name in backwards.graph.nodes]
    assert order != list(range(9)) and backwards.law is None
    np.testing.assert_array_equal(backwards.train.labels, faces.train.labels[:, order])
    np.testing.assert_array_equal(backwards.label_rows, faces.label_rows[:, order])
    rows = faces.uniform.labels[:30]
    np.testing.assert_array_equal(backwards.render(rows[:, order], 7), faces.render(rows, 7))


def test_a_graph_over_some_labels_has_their_columns_and_no_renderer(config, faces):
    some = load_faces(dataclasses.replace(config, graph="Male -> Mustache"), seed=1)
    np.testing.assert_array_equal(some.train.labels, faces.train.labels[:, [1, 4]])
    assert some.render is None and some.law is None


def test_a_graph_with_another_node_is_refused_with_a_suggestion(config):
    with pytest.raises(InputError, match="Did you mean 'Mustache'"):
        load_faces(dataclasses.replace(config, graph="Male -> Moustache"), seed=1)


def test_labels_alone_need_no_pictures(config):
    rows = load_faces(dataclasses.replace(config, data_dir="/nowhere"), seed=1, labels_only=True)
    assert rows.train is None and rows.test is None and rows.uniform is None and len(rows.label_rows) == 200_000


def prepared(tmp_path) -> tuple[DataConfig, pathlib.Path]:
    """A few faces, prepared in a folder of their own, and where they lie."""
    config = DataConfig(
        data_dir=str(tmp_path), image_size=16, train_images=20, test_images=5, uniform_images=5, label_rows=10
    )
    load_faces(config, 0)
    return config, next(tmp_path.glob("causal_faces/*/1.0.0"))


def test_damaged_prepared_faces_are_refused_by_the_name_of_their_folder(tmp_path):
    config, folder = prepared(tmp_path)
    right = load_faces(config, 0).train.images
    shard = next(folder.glob("*train*tfrecord*"))
    for path in (shard, folder / "dataset_info.json", folder / "features.json"):
        data = path.read_bytes()
        for damaged in (b"", data[: len(data) // 2], data[:-1], None):
            path.write_bytes(damaged) if damaged is not None else path.unlink()
            try:
                again = load_faces(config, 0).train.images
            except InputError as error:
                assert str(folder.parent) in str(error) and "remove that folder" in str(error)
            else:
                assert np.array_equal(again, right)
            path.write_bytes(data)
    np.testing.assert_array_equal(load_faces(config, 0).train.images, right)


def test_what_a_preparation_that_was_cut_off_left_is_removed_by_the_next(tmp_path):
    config, folder = prepared(tmp_path)
    shutil.rmtree(folder)
    (folder.parent / "incomplete.ABCDEF_1.0.0").mkdir()
    load_faces(config, 0)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["1.0.0", "lock"]
