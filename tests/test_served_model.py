"""The client of a served model: rows as CausalModel draws them, and what is said of a server that cannot answer."""

import base64
import contextlib
import io
import json
import re
import socket
import threading

import numpy as np
import pandas as pd
import pytest
import rest_server
from PIL import Image
from random_models import random_model, with_moments

import causalgan_tf
from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import signatures
from causalgan_tf.inference.export import export_model
from causalgan_tf.inference.served_model import CANDIDATES, ServedModel
from causalgan_tf.inference.served_requests import Requests
from causalgan_tf.inference.soft_do import Law

KINDS = (
    "Age -> Ill -> Dose; Age -> Dose; "
    "Age: continuous(0, 100); Ill: categorical(no, <b>yes</b>, badly); Dose: continuous"
)


def png_of_one_pixel():
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


GREY = png_of_one_pixel()


@pytest.fixture(scope="module")
def faces():
    return causalgan_tf.load("builtin:faces")


@pytest.fixture(scope="module")
def mixed():
    return random_model(with_moments(CausalGraph.from_text(KINDS)))


@pytest.fixture(scope="module")
def folder(faces, tmp_path_factory):
    return export_model(faces, tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def served(folder):
    with rest_server.serving(folder) as url:
        yield ServedModel(url)


@pytest.fixture(scope="module")
def folder_mixed(mixed, tmp_path_factory):
    return export_model(mixed, tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def served_mixed(folder_mixed):
    with rest_server.serving(folder_mixed, name="mixed") as url:
        yield ServedModel(url)


def test_a_served_model_knows_its_graph_with_types(faces, mixed, served, served_mixed):
    assert served.graph == faces.graph and served.image_size == 32
    assert served_mixed.graph == mixed.graph and served_mixed.image_size is None
    assert repr(served).startswith(f"ServedModel: {served.url}, 9 labels, images of [32, 32, 3]")


def test_rows_of_a_seed_are_those_of_the_model(faces, served):
    expected, found = (one.sample(20, {"Mustache": 1}, seed=5) for one in (faces, served))
    pd.testing.assert_frame_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.seeds, expected.seeds)
    assert np.abs(found.images.astype(int) - expected.images).max() <= 1
    assert found.query.text() == "do(Mustache=1)" and found.diagnostics.method == "direct"
    labels = served.sample(20, {"Mustache": 1}, seed=5, images=False)
    pd.testing.assert_frame_equal(labels.labels, expected.labels)
    assert labels.images is None


def test_twins_are_the_same_units_also_of_rows_that_met_a_condition(faces, served):
    for given in ({}, {"Male": 1}):
        units = served.sample(6, {"Smiling": 1}, given, seed=5)
        expected, found = (one.twins(units, {"Young": 0}) for one in (faces, served))
        pd.testing.assert_frame_equal(found.labels, expected.labels)
        assert np.abs(found.images.astype(int) - expected.images).max() <= 1
        pd.testing.assert_frame_equal(served.twins(units, {"Smiling": 1}, images=False).labels, units.labels)
    with pytest.raises(InputError, match="ask `counterfactual`"):
        served.twins(served.counterfactual(units.labels, {}), {})


def test_rows_of_all_types_are_those_of_the_model_with_names_of_categories(mixed, served_mixed):
    expected, found = (one.sample(30, {"Ill": "<b>yes</b>"}, seed=2).labels for one in (mixed, served_mixed))
    assert (found["Ill"] == "<b>yes</b>").all() and list(found.dtypes) == list(expected.dtypes)
    np.testing.assert_allclose(found[["Age", "Dose"]], expected[["Age", "Dose"]], rtol=1e-4, atol=1e-3)
    expected, found = (one.sample(30, seed=3).labels for one in (mixed, served_mixed))
    assert found["Ill"].tolist() == expected["Ill"].tolist()


@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_every_dialect_of_json_gives_the_same_rows(folder, folder_mixed, served, served_mixed, dialect):
    with rest_server.serving(folder, dialect) as url:
        other = ServedModel(url)
        found, expected = (one.sample(3, {"Mustache": 1}, seed=5) for one in (other, served))
        pd.testing.assert_frame_equal(found.labels, expected.labels)
        np.testing.assert_array_equal(found.images, expected.images)
        assert other.probability("Male=0").value == served.probability("Male=0").value
    with rest_server.serving(folder_mixed, dialect) as url:
        drawn = [one.sample(20, given={"Ill": "badly"}, seed=2).labels for one in (ServedModel(url), served_mixed)]
        pd.testing.assert_frame_equal(*drawn)


def test_rows_of_more_than_one_request_are_in_order(faces, served, monkeypatch):
    monkeypatch.setattr("causalgan_tf.inference.served_model.PICTURE_ROWS", 3)
    expected, found = (one.sample(8, seed=5) for one in (faces, served))
    pd.testing.assert_frame_equal(found.labels, expected.labels)
    assert np.abs(found.images.astype(int) - expected.images).max() <= 1


def test_a_condition_is_met_by_each_of_exactly_n_rows(served):
    found = served.sample(7, {"Young": 1}, {"Mustache": 1}, seed=3)
    assert len(found.labels) == 7 and found.images.shape == (7, 32, 32, 3)
    assert (found.labels[["Young", "Mustache"]] == 1).all(axis=None)
    assert found.diagnostics.method == "rejection" and found.diagnostics.draws > 7
    again = served._drawn(found.seeds, served._query({"Young": 1}, None), drawing=False)
    np.testing.assert_array_equal(again["labels"], found.labels)


def test_rows_that_one_search_does_not_find_are_searched_for_again(faces, served):
    rare = {"Male": 0, "Mustache": 1}
    share = faces.probability(rare).value
    assert share * 4_096 < 1  # of one seed's candidates
    found = served.sample(3, given=rare, seed=1, images=False)
    assert (found.labels["Male"] == 0).all() and found.diagnostics.draws > 4_096
    assert found.diagnostics.mass == pytest.approx(share, rel=3.0)


def test_rows_under_a_condition_are_those_of_the_signature_whatever_n_is(served):
    assert CANDIDATES == signatures.MOST
    found = served.sample(20, {"Young": 1}, {"Mustache": 1}, seed=3, images=False)
    inputs = {"seed": served.sample(20, seed=3, images=False).seeds}
    inputs |= {"do": served._rows({"Young": 1}, 20), "given": served._rows({"Mustache": 1}, 20)}
    expected = served._requests.ask("sample_given", inputs)
    np.testing.assert_array_equal(found.labels, expected["labels"])
    np.testing.assert_array_equal(found.seeds, expected["row_seed"])
    assert found.diagnostics.draws == expected["draws"].sum()
    few = served.sample(4, {"Young": 1}, {"Mustache": 1}, seed=3)
    assert few.labels.equals(found.labels[:4])
    assert np.abs(few.images.astype(int) - expected["image"][:4]).max() <= 1


def test_rows_under_a_condition_come_without_images_in_few_requests(served, monkeypatch):
    sent, call = [], Requests._call

    def counted(self, url, body=None):
        sent.append(len(json.dumps(call(self, url, body))))
        return call(self, url, body)

    monkeypatch.setattr(Requests, "_call", counted)
    found = served.sample(2_000, given={"Male": 1}, images=False)
    assert len(found.labels) == 2_000 and (found.labels["Male"] == 1).all() and found.images is None
    assert len(sent) <= 10 and sum(sent) < 1_000_000


def test_a_set_of_values_is_a_condition(served_mixed):
    found = served_mixed.sample(30, given={"Ill": ["no", "badly"]}, seed=1).labels
    assert set(found["Ill"]) == {"no", "badly"}


def test_a_rare_condition_ends_at_a_number_of_draws_with_what_was_found(served, monkeypatch):
    monkeypatch.setattr("causalgan_tf.inference.served_model.MOST", 1_000)
    with pytest.raises(ConditioningError, match=r"rows meet Mustache=1 in [0-9,]+ draws.*Ask for fewer") as caught:
        monkeypatch.setattr("causalgan_tf.inference.served_model.MOST_A_ROW", 2)
        served.sample(500, given={"Mustache": 1}, seed=1, images=False)
    error = caught.value
    assert 0 < error.found < error.wanted == 500 and 1_000 <= error.draws < 6_000
    assert error.mass == error.found / error.draws


def test_a_served_model_warns_of_what_its_model_warns(faces, mixed, served, served_mixed):
    assert served.warnings == faces.warnings and served_mixed.warnings == mixed.warnings != ()


def test_a_condition_that_is_never_met_ends_with_what_was_tried(served_mixed, monkeypatch):
    monkeypatch.setattr("causalgan_tf.inference.served_model.FRUITLESS", 20_000)
    with pytest.raises(ConditioningError, match=r"0 of 2 rows meet Age=1e-30..2e-30 in [0-9,]+ draws") as caught:
        served_mixed.sample(2, given={"Age": (1e-30, 2e-30)})
    assert caught.value.found == 0 and caught.value.wanted == 2


def test_intervals_of_numbers_hold_whatever_end_is_open(served_mixed):
    found = served_mixed.sample(20, given={"Age": (50, 80), "Ill": "badly"}, seed=1).labels
    assert found["Age"].between(50, 80).all() and (found["Ill"] == "badly").all()
    assert (served_mixed.sample(20, given={"Age": "60.."}, seed=1).labels["Age"] >= 60).all()


def test_counterfactuals_are_those_of_the_model(faces, mixed, served, served_mixed):
    units = faces.sample(30, seed=4, images=False).labels
    expected, found = (one.counterfactual(units, {"Young": 0}, seed=2) for one in (faces, served))
    pd.testing.assert_frame_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.seeds, expected.seeds)
    assert np.abs(found.images.astype(int) - expected.images).max() <= 1
    units = mixed.sample(30, seed=4).labels
    expected, found = (one.counterfactual(units, {"Age": 30}, seed=2).labels for one in (mixed, served_mixed))
    assert found["Ill"].tolist() == expected["Ill"].tolist()
    np.testing.assert_allclose(found["Dose"], expected["Dose"], rtol=1e-4, atol=1e-3)
    assert served_mixed.counterfactual(units, {}).labels.equals(units)


def test_probabilities_are_those_of_the_model(faces, served):
    for asked in (("Male=0",), ("Male=0, Bald=1", {"Mustache": 1}), ({"Male": 0}, None, {"Mustache": 1})):
        expected, found = faces.probability(*asked), served.probability(*asked)
        assert found.value == pytest.approx(expected.value, rel=1e-4) and found.query == expected.query


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.sample(0), "n: expected at least 1 row"),
        (lambda m: m.sample(2, {"Mustach": 1}), "Did you mean 'Mustache'"),
        (lambda m: m.sample(2, {"Mustache": 2}), "expected 0 or 1"),
        (lambda m: m.sample(2, {"Mustache": Law.of(0.5)}), "do Mustache: a served model sets labels to constants"),
        (lambda m: m.probability("Male=0", given={"Bald": {0, 1}}), "given Bald: .* one value"),
        (lambda m: m.counterfactual(pd.DataFrame({"Male": [1]}), {}), "Young is missing in some row"),
    ],
)
def test_what_a_served_model_cannot_do_is_refused_by_name(served, ask, message):
    with pytest.raises(InputError, match=message):
        ask(served)


def test_what_a_model_of_numbers_lacks_is_refused_by_name(served_mixed):
    with pytest.raises(InputError, match="no signature 'probability'. It states none: draw rows"):
        served_mixed.probability("Ill=no")
    with pytest.raises(InputError, match="draws labels only"):
        served_mixed.sample(1, images=True)


def test_what_the_server_refuses_is_told_in_its_words(served):
    with pytest.raises(
        InputError, match=r"the server says: .*do of Young: expected 0, 1 or NaN, got 7.*\(status 400\)$"
    ):
        served._requests.ask("labels", {"seed": np.zeros(1, np.int64), "do": np.full([1, 9], 7, np.float32)})


def test_a_server_that_lists_its_models_needs_no_name(folder):
    with rest_server.serving(folder, "v1") as url:
        address = re.search("127.0.0.1:[0-9]+", url)[0]
        assert ServedModel(address).url == url
        assert ServedModel(f"{url}:predict/").url == url
    with rest_server.serving(folder) as url:
        with pytest.raises(InputError, match="does not say which models it has. Name one: http://.*/v1/models/NAME"):
            ServedModel(re.search("127.0.0.1:[0-9]+", url)[0])
        with pytest.raises(InputError, match="the server says: Could not find any versions of model cats"):
            ServedModel(url.replace("faces", "cats"))


@pytest.mark.parametrize(
    "url", ["", "ftp://a/v1/models/x", "http://a:b/v1/models/x", "http://a/models/x", "a/v3/models"]
)
def test_what_is_no_address_of_a_model_is_refused(url):
    with pytest.raises(InputError, match="expected a served model, such as"):
        ServedModel(url)


def test_a_server_that_is_not_there_is_named_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # it does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}/v1/models/faces"
        with pytest.raises(InputError, match=r"no server answers: Connection refused. Start one"):
            ServedModel(address)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "no answer within 0.3 s. Ask for fewer rows, or allow more time"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", "the answer is no JSON"),
        (b"hello\r\n", "no server answers"),
        (b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}', "metadata: expected a model of causalgan-export; it answers {'a': 1}"),
        (b"HTTP/1.0 200 OK\r\n\r\nnull", "/v1/models/faces, its status: expected a model of .* it answers None"),
        (b"HTTP/1.0 200 OK\r\n\r\n5", "/v1/models/faces, its status: expected a model of .* it answers 5"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000, "the answer is no JSON"),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", r"the server says: Bad Gateway \(status 502\)"),
        (b"HTTP/1.0 500 Oh\r\nContent-Length: 99\r\n\r\nabc", r"the server says: Oh \(status 500\)"),
    ],
)
def test_what_answers_otherwise_is_told(said, message):
    with stranger(said) as address, pytest.raises(InputError, match=message):
        ServedModel(f"{address}/v1/models/faces", timeout=10.0 if said else 0.3)


def test_an_error_whose_message_never_ends_is_told_by_its_status():
    said = b"HTTP/1.0 503 Busy\r\nContent-Length: 99\r\n\r\nabc"
    with stranger(said, ends=False) as address, pytest.raises(InputError, match=r"Busy \(status 503\)"):
        ServedModel(f"{address}/v1/models/faces", timeout=0.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [],
        lambda rows: rows * 2,
        lambda rows: [{"car": "x"}],
        lambda rows: [{"card": "5"}],
        lambda rows: [{"card": '{"labels": 5, "signatures": {}}'}],
        lambda rows: [{"card": rows[0].replace('"outputs"', '"out"')}],
        lambda rows: [{"card": rows[0].replace('"limits"', '"limit"')}],
        lambda rows: [{"card": rows[0]}, 5],
        lambda rows: ["a", 5],
    ],
)
def test_a_card_that_is_none_is_refused(served, monkeypatch, change):
    answered(monkeypatch, change)
    with pytest.raises(InputError, match=r"its card is none of causalgan-export|metadata: expected a model of"):
        ServedModel(served.url)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:1], r"labels: expected the shape \[5, 9\], got \[1, 9\]"),
        (lambda rows: [row[:-1] for row in rows], r"labels: expected the shape \[5, 9\], got \[5, 8\]"),
        (lambda rows: [row if isinstance(row, dict) else {"label": row} for row in rows], "expected labels, got label"),
        (lambda rows: [[7, *row[1:]] for row in rows], "labels: Young is 7 in row 0, expected 0 or 1"),
        (lambda rows: [*rows[:4], [0.5, *rows[4][1:]]], "labels: Young is 0.5 in row 4, expected 0 or 1"),
        (lambda rows: [[None] * 9] * 5, "labels: Young is nan in row 0, expected 0 or 1"),
        (lambda rows: [["a"] * 9] * 5, "labels: expected float32, got <U1"),
        (lambda rows: ["a", 5, 5, 5, 5], "labels: expected a model of causalgan-export"),
        (lambda rows: [5, {"labels": 5}, 5, 5, 5], r"labels: expected the shape \[5, 9\], got \[5\]"),
        (lambda rows: {"labels": rows}, r"labels: expected the shape \[5, 9\], got \[1\]"),
        (lambda rows: [[10**400] * 9] * 5, "labels: expected a model of causalgan-export"),
    ],
)
def test_rows_that_no_model_has_drawn_are_refused(served, monkeypatch, change, message):
    answered(monkeypatch, change)
    with pytest.raises(InputError, match=f"/v1/models/faces.*{message}"):
        served.sample(5, images=False)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ({"b64": "aGk="}, "image_bytes: cannot identify image file"),
        ({"b64": "a"}, "picture: expected a model of causalgan-export"),
        (5, r"image_bytes: expected string, got int64"),
        ({"b64": GREY}, r"image_bytes: expected images of \[32, 32, 3\], got \[1, 1, 1\]"),
    ],
)
def test_pictures_that_are_none_or_of_another_size_are_refused(served, monkeypatch, picture, message):
    answered(monkeypatch, lambda rows: [row | {"image_bytes": picture} for row in rows])
    with pytest.raises(InputError, match=message):
        served.sample(2)


def test_a_number_that_is_no_probability_is_refused(served, monkeypatch):
    answered(monkeypatch, lambda rows: [1.5])
    with pytest.raises(InputError, match="probability: expected a number from 0 to 1, got 1.5"):
        served.probability("Male=0")


def answered(monkeypatch, change):
    """Changes the predictions of a server on their way."""
    call = Requests._call

    def changed(self, url, body=None):
        answer = call(self, url, body)
        return answer if body is None else {"predictions": change(answer["predictions"])}

    monkeypatch.setattr(Requests, "_call", changed)


@contextlib.contextmanager
def stranger(said, ends=True):
    """The address of a program that gives this answer to each connection; without one it is silent."""
    listening, kept = socket.create_server(("127.0.0.1", 0)), []

    def answer():
        with contextlib.suppress(OSError):
            while True:
                one = listening.accept()[0]
                kept.append(one)
                one.recv(65_536)
                one.sendall(said)
                if said and ends:
                    one.shutdown(socket.SHUT_WR)
                    while one.recv(65_536):  # a connection that is closed before all is read is reset
                        pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for one in kept:
            one.close()
