"""What a served model answers: rows as Python draws them, conditions, probabilities; the rest is refused by name."""

import io
import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from random_models import random_model, with_moments

import causalgan_tf
from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import server_files, warmup
from causalgan_tf.inference.abduction import Abduction
from causalgan_tf.inference.card import card_of, readme
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.export import example, export_model, next_version
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.signatures import Signatures
from causalgan_tf.networks.mechanisms import CausalController
from causalgan_tf.runs import run_folder

KINDS = (
    "Age -> Ill -> Dose; Age -> Dose; "
    "Age: continuous(0, 100); Ill: categorical(no, <b>yes</b>, badly); Dose: continuous"
)
NAN = np.nan


@pytest.fixture(scope="module")
def faces():
    return causalgan_tf.load("builtin:faces")


@pytest.fixture(scope="module")
def mixed():
    return random_model(with_moments(CausalGraph.from_text(KINDS)))


@pytest.fixture(scope="module")
def folder(faces, tmp_path_factory):
    return export_model(faces, tmp_path_factory.mktemp("faces"), {"tvd": 0.007})


@pytest.fixture(scope="module")
def served(folder):
    return caller(folder)


@pytest.fixture(scope="module")
def served_mixed(mixed, tmp_path_factory):
    return caller(export_model(mixed, tmp_path_factory.mktemp("mixed")))


def caller(folder):
    loaded = tf.saved_model.load(str(folder))

    def ask(signature, **inputs):
        kinds = loaded.signatures[signature].structured_input_signature[1]
        typed = {name: tf.constant(np.asarray(value), kinds[name].dtype) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in loaded.signatures[signature](**typed).items()}

    ask.names = set(loaded.signatures)
    ask.kept = loaded
    return ask


def rows(model, n, **values):
    """[n, K], NaN but for the named labels."""
    found = np.full([n, len(model.graph)], NAN)
    for node, value in values.items():
        found[:, model.graph.index(node)] = value
    return found


def test_a_model_has_the_signatures_that_it_can_answer(served, served_mixed):
    both = {"serving_default", "sample", "labels", "sample_given", "metadata"}
    assert served.names == both | {"picture", "probability", "counterfactual"}
    assert served_mixed.names == both | {"counterfactual"}


def test_rows_are_those_of_python(faces, served):
    drawn = faces.sample(12, {"Bald": 1}, seed=5)
    found = served("sample", seed=drawn.seeds, do=rows(faces, 12, Bald=1))
    np.testing.assert_array_equal(found["labels"], drawn.labels.to_numpy())
    assert np.abs(found["image"].astype(int) - drawn.images).max() <= 1
    np.testing.assert_array_equal(served("labels", seed=drawn.seeds, do=rows(faces, 1, Bald=1))["labels"], drawn.labels)


def test_rows_of_all_types_are_those_of_python(mixed, served_mixed):
    drawn = mixed.sample_labels(50, {"Ill": "badly"}, seed=2)
    seeds = mixed.sample(50, {"Ill": "badly"}, seed=2).seeds
    np.testing.assert_allclose(
        served_mixed("labels", seed=seeds, do=rows(mixed, 50, Ill=2))["labels"], drawn, rtol=1e-4, atol=1e-3
    )


def test_one_row_beside_several_stands_for_all(faces, served):
    do = rows(faces, 3)
    do[1, 0], do[2, 0] = 0, 1
    unit = served("labels", seed=[7], do=do)["labels"]
    for one, own in zip(unit, do, strict=True):
        np.testing.assert_array_equal(one, served("labels", seed=[7], do=own[None])["labels"][0])
    for do in (rows(faces, 0), rows(faces, 1)):
        assert len(served("labels", seed=[], do=do)["labels"]) == 0


def test_a_picture_needs_no_nan_and_is_a_png_of_the_image(faces, served):
    value, chosen = np.zeros([3, 9]), np.zeros([3, 9], bool)
    value[:, 4], chosen[:, 4] = 1, True
    value[:, 0], value[:, 1] = 17, NAN  # they do not count, for they are not set
    found = served("picture", seed=[1, 2, 3], value=value, set=chosen)
    drawn = served("sample", seed=[1, 2, 3], do=rows(faces, 3, Mustache=1))
    np.testing.assert_array_equal(found["labels"], drawn["labels"])
    for file, image in zip(found["image_bytes"], drawn["image"], strict=True):
        with Image.open(io.BytesIO(file)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)


def test_a_picture_of_a_value_that_is_set_and_missing_is_refused(served):
    chosen = np.arange(9)[None] == 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="value of Mustache: expected 0, 1, got nan"):
        served("picture", seed=[1], value=np.full([1, 9], NAN), set=chosen)


def test_rows_given_a_condition_meet_it_and_are_first_of_their_seed(faces, served):
    given = rows(faces, 6, Mustache=1)
    found = served("sample_given", seed=np.arange(6), do=rows(faces, 6, Young=1), given=given)
    assert found["accepted"].all() and (found["labels"][:, [0, 4]] == 1).all() and found["draws"].max() > 1
    alone = served("sample_given", seed=[3], do=rows(faces, 1, Young=1), given=given[:1])
    np.testing.assert_array_equal(alone["labels"][0], found["labels"][3])
    assert np.abs(alone["image"][0].astype(int) - found["image"][3]).max() <= 1
    # of a share of .04 the mean wait is 1 / .04
    many = served("sample_given", seed=np.arange(400), do=rows(faces, 1), given=rows(faces, 1, Mustache=1))
    share = faces.probability("Mustache=1").value
    assert many["draws"].mean() == pytest.approx(1 / share, rel=0.2)


def test_an_accepted_row_is_drawn_again_from_its_seed(faces, served):
    found = served("sample_given", seed=np.arange(6), do=rows(faces, 6, Young=1), given=rows(faces, 6, Mustache=1))
    again = served("sample", seed=found["row_seed"], do=rows(faces, 6, Young=1))
    np.testing.assert_array_equal(again["labels"], found["labels"])
    assert np.abs(again["image"].astype(int) - found["image"]).max() <= 1


def test_what_no_candidate_shows_is_not_accepted(faces, served):
    found = served("sample_given", seed=np.arange(4), do=rows(faces, 4), given=rows(faces, 4, Male=0, Mustache=1))
    missed = ~found["accepted"]
    assert missed.any() and np.isnan(found["labels"][missed]).all() and not found["image"][missed].any()
    assert (found["draws"][missed] == 4_096).all()


def test_numbers_are_given_by_intervals(mixed, served_mixed):
    asked = {"do": rows(mixed, 1), "given": rows(mixed, 1, Ill=2), "given_high": rows(mixed, 1, Age=80)}
    found = served_mixed("sample_given", seed=np.arange(50), given_low=rows(mixed, 1, Age=50), **asked)
    kept = found["labels"][found["accepted"]]
    assert len(kept) > 20 and (kept[:, 1] == 2).all()
    assert (kept[:, 0] >= 50).all() and (kept[:, 0] <= 80).all()


def test_probabilities_are_those_of_python(faces, served):
    event, do, given = rows(faces, 3, Male=0), rows(faces, 3), rows(faces, 3)
    do[1, 4] = given[2, 4] = 1
    found = served("probability", event=event, do=do, given=given)["probability"]
    expected = [faces.probability("Male=0", *parts).value for parts in ((), ({"Mustache": 1},), ({}, {"Mustache": 1}))]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("do", [{}, {"Ill": 2}, {"Age": 30.0}, {"Age": 99.0, "Ill": 0}])
def test_counterfactuals_are_those_of_python(mixed, served_mixed, do):
    seen, seeds = mixed.sample_labels(300, seed=4), np.arange(300)
    found = served_mixed("counterfactual", seed=seeds, observed=seen, do=rows(mixed, 1, **do))["labels"]
    categories = mixed.graph.variables["Ill"].categories
    named = {node: categories[value] if node == "Ill" else value for node, value in do.items()}
    expected = Abduction(mixed.graph, mixed.mechanisms, Query.create(mixed.graph, named)).predict(seen, seeds)
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    if not do:
        np.testing.assert_array_equal(found, seen)


def test_counterfactuals_of_binary_labels_are_those_of_python(faces, served):
    seen, seeds = faces.sample_labels(200, seed=4), np.arange(200)
    found = served("counterfactual", seed=seeds, observed=seen, do=rows(faces, 1, Young=0))
    expected = Abduction(faces.graph, faces.mechanisms, Query.create(faces.graph, {"Young": 0})).predict(seen, seeds)
    np.testing.assert_array_equal(found["labels"], expected)
    assert (found["labels"][:, 1] == seen[:, 1]).all() and (found["labels"] != seen).any(0).sum() > 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="observed of Male: expected 0, 1, got nan in row 1"):
        broken = seen[:2].astype(float)
        broken[1, 1] = NAN
        served("counterfactual", seed=[1, 2], observed=broken, do=rows(faces, 2))


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("labels", {"do": {"Mustache": 2}}, "do of Mustache: expected 0, 1 or NaN, got 2 in row 0"),
        ("labels", {"do": {"Male": 0.5}}, "do of Male: expected 0, 1 or NaN, got 0.5 in row 0"),
        ("sample", {"do": {"Male": -1}}, "do of Male: .* got -1"),
        ("sample", {"do": {"Male": np.inf}}, "do of Male: .* got inf"),
        ("sample_given", {"do": {}, "given": {"Bald": 3}}, "given of Bald: expected 0, 1 or NaN, got 3"),
        ("sample_given", {"do": {"Bald": 1}, "given": {"Bald": 1}}, "Bald is in do and in given in row 0"),
        ("probability", {"event": {"Bald": 9}, "do": {}, "given": {}}, "event of Bald: .* got 9"),
    ],
)
def test_a_value_that_a_label_does_not_have_is_named(faces, served, signature, inputs, message):
    asked = {name: rows(faces, 2, **values) for name, values in inputs.items()}
    seed = {} if signature == "probability" else {"seed": [1, 2]}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served(signature, **seed, **asked)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Age": 130}, "do of Age: expected a number from 0 to 100 or NaN, got 130"),
        ({"Dose": np.inf}, "do of Dose: expected a finite number or NaN, got inf"),
        ({"Ill": 3}, r"do of Ill: expected 0 \(no\), 1 \(<b>yes</b>\), 2 \(badly\) or NaN, got 3"),
    ],
)
def test_a_value_of_any_type_is_named(mixed, served_mixed, values, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served_mixed("labels", seed=[1], do=rows(mixed, 1, **values))
    with pytest.raises(tf.errors.InvalidArgumentError, match="given of Age: expected NaN, for given_low"):
        served_mixed(
            "sample_given",
            seed=[1],
            do=rows(mixed, 1),
            given=rows(mixed, 1, Age=3),
            **dict.fromkeys(("given_low", "given_high"), rows(mixed, 1)),
        )


@pytest.mark.parametrize(
    ("seed", "shape", "message"),
    [
        ([1, 2, 3], (2, 9), r"do: expected as many rows as the largest of seed, do has, 3, or one; got 2"),
        ([1, 2], (3, 9), r"seed: expected as many rows as the largest of seed, do has, 3, or one; got 2"),
        ([1, 2], (2, 8), "do: expected 9 columns, one a label in graph order, got 8"),
        ([1], (1, 0), "do: expected 9 columns, .* got 0"),
    ],
)
def test_inputs_that_do_not_fit_each_other_are_named(served, seed, shape, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served("sample", seed=seed, do=np.full(shape, NAN))


def test_the_card_says_what_the_model_is_and_no_path(faces, folder, served):
    (answer,) = served("metadata", row=[0])["card"]
    card = json.loads(answer)
    assert card == json.loads((folder / "assets" / "card.json").read_text())
    assert [label["name"] for label in card["labels"]] == list(faces.graph.nodes)
    assert set(card["signatures"]) == served.names - {"serving_default"} and card["figures"] == {"tvd": 0.007}
    assert card["signatures"]["picture"]["inputs"]["set"]["shape"] == [None, 9]
    assert not re.search("/(home|tmp|work|root)", (folder / "README.md").read_text() + answer.decode())


def test_an_exported_model_names_no_file_of_the_machine_that_trained_it(tmp_path):
    table = tmp_path / "hospital" / "patients.csv"
    table.parent.mkdir()
    table.write_text("Old,Ill\n" + "0,0\n1,1\n0,1\n1,0\n" * 20)
    config = RunConfig(
        DataConfig(dataset="table", graph="Old -> Ill", labels_file=str(table)), ControllerConfig(steps=2)
    )
    causalgan_tf.train(config, tmp_path / "run", ("controller",))
    assert "patients" in (tmp_path / "run" / "config.json").read_text()
    exported = export_model(causalgan_tf.load(tmp_path / "run"), tmp_path / "served")
    for path in filter(pathlib.Path.is_file, exported.rglob("*")):
        assert b"hospital" not in path.read_bytes() and str(tmp_path).encode() not in path.read_bytes(), path


def test_labels_that_look_like_html_are_text_in_the_card(mixed):
    page = readme(card_of(mixed, {}))
    table = page.split("````")[2]
    assert "&#60;b&#62;yes" in table and "<b>" not in table


def test_each_weight_is_written_once(faces, folder):
    weights = sum(array.nbytes for network in faces.networks.values() for array in network.get_weights())
    assert sum(path.stat().st_size for path in (folder / "variables").iterdir()) < 1.01 * weights


def test_the_whole_export_takes_a_tenth_more_than_the_weights_of_a_model_of_64_pixels(tmp_path):
    config, graph = RunConfig(DataConfig(image_size=64)), causalgan_tf.load_graph("causal_graph_1")
    networks = run_folder.build_mechanisms(config, graph), run_folder.build_image_generator(config, graph)
    model = CausalModel(graph, *networks, config.image.label_encoding)
    weights = sum(array.nbytes for network in networks for array in network.get_weights())
    size = sum(path.stat().st_size for path in export_model(model, tmp_path).rglob("*") if path.is_file())
    assert 1.0 < size / weights <= 1.1


@pytest.mark.parametrize(("signature", "most"), [("labels", 65_536), ("picture", 4_096), ("metadata", 4_096)])
def test_more_rows_than_memory_holds_are_refused(served, signature, most):
    inputs = {"do": np.full([1, 9], NAN)} if signature == "labels" else {}
    inputs |= {"value": np.zeros([1, 9]), "set": np.zeros([1, 9], bool)} if signature == "picture" else {}
    rows = np.zeros(most + 1, np.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"expected at most {most} rows .* got {most + 1}"):
        served(signature, **inputs, **{"row" if signature == "metadata" else "seed": rows})


def test_images_of_many_rows_are_those_of_few(served):
    do = np.full([1, 9], NAN)
    many = served("sample", seed=np.arange(130), do=do)["image"]
    assert np.abs(many[120:].astype(int) - served("sample", seed=np.arange(120, 130), do=do)["image"]).max() <= 1
    assert served("sample", seed=[], do=do)["image"].shape == (0, 32, 32, 3)


def test_a_server_warms_up_with_a_request_of_each_signature(faces, folder, served):
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(folder / warmup.FILE))]
    assert len(records) == len(served.names) - 1
    asked = warmup.prediction_log("model", "labels", {"seed": np.zeros(1, np.int64), "do": np.full([1, 9], NAN, "f4")})
    assert asked in records
    # a request that fails would keep a server from loading the model
    signatures = Signatures(faces, "{}").all
    for name, part in signatures.items():
        assert served(name, **example(part.inputs, faces.sample_labels(1)))


def test_each_signature_is_a_model_of_tritons_that_leads_to_the_version(folder, served):
    repository = server_files.write(folder, json.loads((folder / "assets" / "card.json").read_text()), "triton")
    server_files.write(folder, json.loads((folder / "assets" / "card.json").read_text()), "triton")  # once more
    assert {path.name for path in repository.iterdir()} == served.names - {"serving_default"}
    assert {path.name for path in (repository / "picture").iterdir()} == {"1", "config.pbtxt"}
    assert (repository / "picture" / "1" / "model.savedmodel" / "saved_model.pb").samefile(folder / "saved_model.pb")
    text = (repository / "picture" / "config.pbtxt").read_text()
    assert 'input { name: "set" data_type: TYPE_BOOL dims: [-1, 9] }\n' in text
    assert 'output { name: "image_bytes" data_type: TYPE_STRING dims: [-1] }\n' in text
    assert next_version(folder.parent) == 2


def test_the_service_of_kserve_is_yaml_with_a_name_that_a_cluster_takes(folder):
    yaml = pytest.importorskip("yaml")
    service = yaml.safe_load(server_files.write(folder, {}, "kserve").read_text())
    assert service["spec"]["predictor"]["model"]["modelFormat"] == {"name": "tensorflow"}
    assert re.fullmatch("[a-z]([a-z0-9-]*[a-z0-9])?", service["metadata"]["name"])


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("2026", "model-2026"),
        ("2026-faces", "model-2026-faces"),
        ("x" * 59 + "-x", "x" * 59),
        ("7" * 80, "model-" + "7" * 54),
        ("no", "no"),
        ("My: faces", "my-faces"),
        ("é", "model"),
        ("", "model"),
    ],
)
def test_a_cluster_takes_the_service_of_any_folder_and_finds_the_folder(folder, name):
    yaml = pytest.importorskip("yaml")
    service = yaml.safe_load(server_files.service(folder))
    assert service["metadata"]["name"] == name
    assert service["spec"]["predictor"]["model"]["storageUri"] == f"pvc://models/{folder}"


def test_the_files_of_a_server_leave_nothing_beside_them_where_the_disk_is_full(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    for server in server_files.SERVERS:
        with pytest.raises(OSError, match="no space"):
            server_files.write(tmp_path / "1", json.loads((folder / "assets" / "card.json").read_text()), server)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("licence", ["apache-2.0", 'mine: "all" #1'])
def test_the_card_states_the_licence_that_it_is_given(mixed, licence):
    yaml, card = pytest.importorskip("yaml"), card_of(mixed, {}, licence=licence)
    assert card["licence"] == licence and yaml.safe_load(readme(card).split("---\n")[1])["license"] == licence
    assert "license" not in readme(card_of(mixed, {}))


@pytest.mark.parametrize("licence", ["", " ", "mit\n---", 5])
def test_a_licence_that_is_no_line_of_text_is_refused(mixed, licence):
    with pytest.raises(InputError, match="licence: expected one line of text"):
        card_of(mixed, {}, licence=licence)


def test_implicit_mechanisms_have_no_probability(tmp_path):
    graph = CausalGraph.from_text("A -> B")
    implicit = random_model(graph, family=CausalController)
    assert caller(export_model(implicit, tmp_path)).names == {
        "serving_default",
        "sample",
        "labels",
        "sample_given",
        "metadata",
    }
