"""What the explorer answers: the model's own rows, laws and twins, as plain values; requests that it refuses."""

import base64
import io
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request

import numpy as np
import pandas as pd
import pytest
from absl import flags
from PIL import Image

import causalgan_tf
from causalgan_tf.cli import common, explore, sample
from causalgan_tf.errors import InputError
from causalgan_tf.explorer import histograms
from causalgan_tf.explorer.answers import Explorer
from causalgan_tf.explorer.histograms import BINS, Scale
from causalgan_tf.explorer.picture import graph_shapes
from causalgan_tf.explorer.request import Request, RequestError
from causalgan_tf.explorer.rows import rows
from causalgan_tf.graphs.variables import Continuous
from causalgan_tf.inference.query import Query, parse_assignments
from causalgan_tf.inference.served_model import ServedModel
from causalgan_tf.networks.mechanisms import CausalController
from tests import rest_server
from tests.explored import BOLD, DOSE, MIXED, OBJECT, SCRIPT, SUM, faces, mixed
from tests.random_models import random_model

ASKED = {"do": {"Mustache": 1}, "n": 12, "seed": 7}


def pixels(url):
    """The image uint8 [S, S, C] of a data URL."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def drawn(units):
    return np.stack([pixels(url) for url in units["images"]])


def frame(explorer, units):
    return pd.DataFrame(units["labels"], columns=list(explorer.graph.nodes))


def test_the_units_are_those_that_the_model_draws():
    answer = faces().answer(ASKED)
    samples = faces().model.sample(12, {"Mustache": 1}, seed=7)
    assert (frame(faces(), answer["samples"]) == samples.labels).all(axis=None)
    assert all(
        (pixels(url) == image).all() for url, image in zip(answer["samples"]["images"], samples.images, strict=True)
    )
    assert answer["samples"]["seeds"] == [str(seed) for seed in samples.seeds]
    assert answer["samples"]["supported"] == samples.supported.tolist()
    assert answer["samples"]["support"] == samples.support_in_words()


def test_setting_a_mustache_leaves_the_law_of_male_and_seeing_one_moves_it():
    done, seen = faces().answer(ASKED)["laws"]["Male"], faces().answer({"given": {"Mustache": 1}})["laws"]["Male"]
    assert done["after"] == done["before"] == seen["before"]
    assert seen["after"] == faces().model.distribution("Male", given={"Mustache": 1}).tolist()
    assert seen["after"][1] > 0.99 > 0.5 > seen["before"][1]


def test_twins_are_the_same_units_without_do():
    answer = faces().answer(ASKED)
    plain = faces().model.sample(12, seed=7)
    assert (frame(faces(), answer["twins"]) == plain.labels).all(axis=None)
    assert (drawn(answer["twins"]) == plain.images).all()
    assert faces().answer({"given": {"Mustache": 1}})["twins"] is None


@pytest.mark.parametrize("given", [{}, {"Mustache": 1}])
def test_the_strip_is_one_unit_under_each_value_of_a_label(given):
    answer = faces().answer({"do": {"Young": 0}, "given": given, "n": 12, "seed": 7, "unit": 5, "label": "Smiling"})
    samples = faces().model.sample(12, {"Young": 0}, given, 7)
    for value, row in zip((0, 1), answer["strip"]["rows"], strict=True):
        twins = faces().model.twins(samples, {"Young": 0, "Smiling": value})
        assert row["labels"] == [twins.labels.iloc[5].tolist()]
        assert np.abs(pixels(row["images"][0]).astype(int) - twins.images[5]).max() <= 1
    assert answer["strip"]["own"]["labels"][0] == answer["samples"]["labels"][5]


@pytest.mark.long
def test_laws_of_a_number_are_histograms_and_of_a_category_shares_of_drawn_rows():
    answer = mixed().answer({"do": {"Age": 80}, "given": {SCRIPT: SUM}})
    counted = mixed().model.sample(2_000, {"Age": 80}, {SCRIPT: SUM}, 1).labels
    assert not answer["exact"] and answer["settled"] == {"Age": 80.0}
    assert answer["laws"][SCRIPT]["after"] == [0.0, 1.0, 0.0]
    assert answer["laws"]["Ill"]["after"][1] == pytest.approx(counted["Ill"].mean())
    dose = answer["laws"][DOSE]
    counts = np.histogram(counted[DOSE].astype(float), BINS, (dose["low"], dose["high"]))[0]
    assert dose["after"] == (counts / 2_000).tolist() and sum(dose["after"]) > 0.98
    assert dose["mean_after"] == pytest.approx(counted[DOSE].mean(), rel=1e-5)


def test_numbers_are_set_in_seven_steps_of_their_range_and_categories_by_name():
    strip = mixed().answer({"label": "Age", "n": 3, "unit": 2})["strip"]
    assert strip["values"] == [0.0, 17.0, 33.0, 50.0, 67.0, 83.0, 100.0]
    assert [row["labels"][0][MIXED.index("Age")] for row in strip["rows"]] == strip["values"]
    strip = mixed().answer({"label": SCRIPT})["strip"]
    assert strip["values"] == [BOLD, SUM, "plain"] == [row["labels"][0][MIXED.index(SCRIPT)] for row in strip["rows"]]


def test_the_range_of_an_unbounded_number_holds_nearly_all_of_its_rows():
    values = np.random.default_rng(0).normal(1e6, 3.0, 4_000)
    scale = Scale.of(Continuous(mean=1e6, std=3.0), values)
    assert ((values >= scale.low) & (values <= scale.high)).mean() > 0.98
    assert 100 <= (scale.high - scale.low) / scale.step <= 260


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.3), (0.9, 1.9), (0.0, 1e-7), (0.0, 1e30), (-0.3, 0.7), (0.0, 30.0)])
def test_a_bounded_number_has_100_to_250_steps_of_its_range(low, high):
    scale = Scale.of(Continuous(low, high), np.array([]))
    assert 99.999 <= (high - low) / scale.step <= 250.001
    assert scale.values[0] == low and scale.values[-1] == high and sorted(scale.values) == scale.values


def test_implicit_mechanisms_have_laws_of_drawn_rows():
    explorer = Explorer(random_model(faces().graph, CausalController), {"workdir": "runs/implicit"})
    answer = explorer.answer({"do": {"Male": 1}})
    assert not answer["exact"] and answer["laws"]["Male"]["after"] == [0.0, 1.0]
    counted = explorer.model.sample(2_000, {"Male": 1}, seed=1).labels
    assert answer["laws"]["Bald"]["after"][1] == pytest.approx(counted["Bald"].mean())


@pytest.mark.long
def test_a_served_model_has_the_same_units_and_twins_and_laws_of_drawn_rows(tmp_path):
    with rest_server.serving(causalgan_tf.export_model(faces().model, tmp_path)) as url:
        values = flags.FlagValues()
        explore.declare(values)
        common.parse(["causalgan-explore", f"--server={url}"], values)
        model, origin = explore.opened(values)
        served = Explorer(model(), origin)
        asked = ASKED | {"label": "Bald"}
        answer, own = served.answer(asked), faces().answer(asked)
        both = served.answer({"do": {"Smiling": 1}, "given": {"Male": 1}, "n": 6, "label": "Young"})
        names = {}
        exec(answer["code"]["python"], names)
        assert sent(answer["code"]["curl"])["labels"].tolist() == answer["samples"]["labels"][:4]
    for part in ("samples", "twins"):
        assert answer[part]["labels"] == own[part]["labels"] and answer[part]["seeds"] == own[part]["seeds"]
        assert np.abs(drawn(answer[part]).astype(int) - drawn(own[part])).max() <= 1
    assert [row["labels"] for row in answer["strip"]["rows"]] == [row["labels"] for row in own["strip"]["rows"]]
    assert not answer["exact"] and answer["samples"]["supported"] is None
    assert answer["laws"]["Male"]["after"] == pytest.approx(own["laws"]["Male"]["after"], abs=0.05)
    assert rows(names["samples"]) == answer["samples"]
    asking = flags.FlagValues()
    sample.declare(asking)
    common.parse(shlex.split(answer["code"]["command"]), asking)
    assert (asking.server, asking.workdir, asking.do) == (url, "", "Mustache=1")
    male = faces().graph.index("Male")
    assert {row[male] for part in ("samples", "twins") for row in both[part]["labels"]} == {1}
    assert len(both["strip"]["rows"]) == 2


@pytest.mark.parametrize(
    ("body", "message", "part", "label"),
    [
        ([], "expected an object of do, given", "", ""),
        ({"path": "/etc/passwd"}, "expected an object of do, given", "", ""),
        ({"do": [1]}, "expected an object of values by label", "", ""),
        ({"do": {"Ill": 2}}, "expected 0 or 1", "do", "Ill"),
        ({"do": {"Ill": "1"}}, "expected 0 or 1", "do", "Ill"),
        ({"do": {"Ill": {"a": []}}}, "expected 0 or 1", "do", "Ill"),
        ({"do": {"Age": 101}}, "a number between 0 and 100", "do", "Age"),
        ({"do": {"Age": None}}, "a number between 0 and 100", "do", "Age"),
        ({"do": {SCRIPT: "bold"}}, "expected one of", "do", SCRIPT),
        ({"do": {"Il": 1}}, "Did you mean 'Ill'", "do", "Il"),
        ({"given": {"Age": 50}}, "interval", "given", "Age"),
        ({"given": {"Age": [60, 50]}}, "Age", "given", "Age"),
        ({"given": {"Age": ["a", None]}}, "Age", "given", "Age"),
        ({"given": {"Age": [1, 2, 3]}}, "Age", "given", "Age"),
        ({"given": {DOSE: [-1e308, None]}}, "between -3.4e+38 and 3.4e+38", "given", DOSE),
        ({"given": {DOSE: [None, 3.5e38]}}, "between -3.4e+38 and 3.4e+38", "given", DOSE),
        ({"given": {"Age": [10**400, None]}}, "between -3.4e+38 and 3.4e+38", "given", "Age"),
        ({"do": {"Age": 10**400}}, "a number between 0 and 100", "do", "Age"),
        ({"do": {DOSE: -1e308}}, "a finite number", "do", DOSE),
        ({"given": {"Ill": [0, 1]}}, "Ill", "given", "Ill"),
        ({"do": {"Ill": 1}, "given": {"Ill": 1}}, "either set or observed", "given", "Ill"),
        ({"n": 65}, "at most 64", "", ""),
        ({"n": 0}, "at least 1", "", ""),
        ({"n": 2.5}, "expected an integer", "", ""),
        ({"seed": -1}, "at least 0", "", ""),
        ({"n": 3, "unit": 3}, "at most 2", "", ""),
        ({"label": "Nobody"}, "no node 'Nobody'", "", ""),
        ({"label": ["Ill"]}, "no node", "", ""),
    ],
)
def test_a_malformed_request_is_refused_and_names_its_control(body, message, part, label):
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        mixed().answer(body)
    assert (caught.value.part, caught.value.label) == (part, label)


def test_an_impossible_condition_is_an_input_error():
    with pytest.raises(InputError, match="Age"):
        mixed().answer({"do": {"Old": 1}, "given": {DOSE: [1e6, 2e6], "Age": [10, 90]}})


def test_all_answers_are_json_without_nan():
    for body in ({}, {"given": {DOSE: [None, 5], "Age": [20, None]}, "label": DOSE}, {"do": {DOSE: -3.5}}):
        json.dumps(mixed().answer(body), allow_nan=False)
    json.dumps(mixed().description(), allow_nan=False)


STATES = [
    (faces, {"do": {"Mustache": 1, "Young": 0}, "given": {"Male": 0}, "n": 5, "seed": 3}),
    (mixed, {"do": {SCRIPT: SUM}, "given": {"Age": [20, None], DOSE: [None, 6.5]}, "n": 5, "seed": 3}),
    (mixed, {"do": {DOSE: 2.5, "Old": 1}, "n": 4}),
]


@pytest.mark.parametrize(("explorer", "body"), STATES)
def test_the_python_to_copy_draws_the_same_rows(explorer, body, monkeypatch):
    explorer = explorer()
    answer, names = explorer.answer(body), {}
    monkeypatch.setattr("causalgan_tf.runs.run_folder.load", lambda workdir: explorer.model)
    exec(answer["code"]["python"], names)
    assert explorer.origin["workdir"] in answer["code"]["python"]
    assert rows(names["samples"]) == answer["samples"]


@pytest.mark.parametrize(("explorer", "body"), STATES)
def test_the_command_to_copy_asks_the_same(explorer, body):
    explorer = explorer()
    program, *arguments = shlex.split(explorer.answer(body)["code"]["command"])
    values = flags.FlagValues()
    sample.declare(values)
    common.parse([program, *arguments], values)
    query = Query.create(explorer.graph, parse_assignments(values.do), parse_assignments(values.given))
    assert program == "causalgan-sample" and query == Request.of(explorer.graph, body).query
    assert (values.workdir, values.n, values.seed) == (explorer.origin["workdir"], body["n"], body.get("seed", 0))


def request_of(text):
    """The address and the body, text, of a curl to copy."""
    program, *words = shlex.split(text)
    assert program == "curl" and words[words.index("-H") + 1] == "Content-Type: application/json"
    return words[1], words[words.index("-d") + 1]


def sent(text):
    """What a server answers to a curl to copy: labels [n, K], and accepted where a condition was asked."""
    url, body = request_of(text)
    asked = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        found = json.load(answer)
    if "outputs" in found:
        return {part["name"]: np.reshape(part["data"], part["shape"]) for part in found["outputs"]}
    rows = [row if isinstance(row, dict) else {"labels": row} for row in found["predictions"]]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return causalgan_tf.export_model(mixed().model, tmp_path_factory.mktemp("mixed"))


@pytest.mark.parametrize("dialect", ["tensorflow", "v1", "v2"])
def test_the_curl_to_copy_asks_a_served_model_for_the_same_rows(exported, dialect):
    with rest_server.serving(exported, dialect) as url:
        served = ServedModel(url)
        served.warnings = ("Few rows are ill.",)
        explorer = Explorer(served, {"server": served.url})
        answer = explorer.answer({"do": {SCRIPT: SUM, "Old": 1}, "n": 9, "seed": 3})
        found = sent(answer["code"]["curl"])
        seen = explorer.answer({"do": {"Old": 1}, "given": {"Age": [20, 60], "Ill": 1}, "n": 4})
        met = sent(seen["code"]["curl"])
        ages = served.sample(500, {"Old": 1}, {"Age": (20, 60), "Ill": 1}, 1).labels["Age"].to_numpy(float)
    labels = mixed().model.sample(9, {SCRIPT: SUM, "Old": 1}, seed=3).labels[:4]
    columns = [labels[node].cat.codes if node == SCRIPT else labels[node] for node in MIXED.nodes]
    np.testing.assert_allclose(found["labels"].astype(float), np.stack(columns, 1), rtol=1e-5)
    assert "NaN" not in answer["notes"]["curl"] and "others" not in answer["notes"]["curl"]
    assert explorer.description()["warnings"] == ["Few rows are ill."]
    assert explorer.description()["drawn"] == 500 < mixed().description()["drawn"] == 2_000
    assert seen["laws"]["Age"]["mean_after"] == pytest.approx(ages.mean())
    # the server looks for rows of its own, which meet the condition too
    ages, ill, old = (met["labels"][:, MIXED.index(node)].astype(float) for node in ("Age", "Ill", "Old"))
    assert met["accepted"].all() and ((ages >= 20) & (ages <= 60)).all() and (ill == 1).all() and (old == 1).all()
    assert "others than these" in seen["notes"]["curl"]


def test_the_curl_of_a_model_that_is_not_served_yet_is_one_of_tensorflow_serving():
    answer = faces().answer(ASKED)
    url, body = request_of(answer["code"]["curl"])
    request = json.loads(body)
    samples = faces().model.sample(4, {"Mustache": 1}, seed=7)
    chosen = [node == "Mustache" for node in faces().graph.nodes]
    assert url.endswith(":predict") and request["signature_name"] == "picture"
    assert request["instances"] == [
        {"seed": seed, "value": [float(one) for one in chosen], "set": chosen} for seed in samples.seeds.tolist()
    ]
    given = mixed().answer({"do": {SCRIPT: SUM}, "given": {"Age": [20, None], "Ill": 1}})
    assert "NaN" in request_of(given["code"]["curl"])[1] and "null" not in request_of(given["code"]["curl"])[1]
    assert "KServe wants null" in answer["notes"]["curl"] and "others" not in answer["notes"]["curl"]
    assert "KServe wants null" in given["notes"]["curl"] and "others than these" in given["notes"]["curl"]
    assert "images" in answer["notes"]["command"] and "images" not in given["notes"]["command"]


KEPT = """
import * as page from "STATE";
const model = { most: 64, labels: ["A", ...NAMES].map((name) => ({ name, kind: "binary", parents: [] })) };
const seen = NAMES.map((name) => {
  const first = page.fromHash("", model);
  const set = page.withValue(page.withValue(first.do, "A", 0), name, 1);
  const linked = page.fromHash(page.toHash({ ...first, do: set }), model);
  const left = page.without(linked.do, "A");
  const none = page.without(left, name);
  return [first.do[name] === undefined, JSON.stringify(linked.do), left[name], none[name] === undefined];
});
console.log(JSON.stringify(seen));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_the_page_keeps_values_of_labels_called_what_every_object_has(tmp_path):
    place = tmp_path / "state.mjs"
    shutil.copy(pathlib.Path(histograms.__file__).parent / "static" / "state.js", place)
    code = KEPT.replace("STATE", place.as_uri()).replace("NAMES", json.dumps(OBJECT))
    said = subprocess.run(["node", "--input-type=module", "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == [[True, f'{{"A":0,"{name}":1}}', 1, True] for name in OBJECT]


def test_without_its_extra_the_program_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(InputError, match=re.escape('pip install "causalgan-tf[explore]"')):
        explore.require_extra()


def test_every_arrow_leaves_its_cause_and_meets_its_effect():
    for explorer in (faces(), mixed()):
        shapes = graph_shapes(explorer.graph)
        boxes = shapes["boxes"]
        assert [(arrow["from"], arrow["to"]) for arrow in shapes["arrows"]] == list(explorer.graph.edges)
        for arrow in shapes["arrows"]:
            cause, effect = boxes[arrow["from"]], boxes[arrow["to"]]
            assert arrow["points"][0] == [cause["x"], cause["y"] + cause["height"] / 2]
            assert arrow["points"][-1] == [effect["x"], effect["y"] - effect["height"] / 2]
        for box in boxes.values():
            assert box["width"] / 2 <= box["x"] <= shapes["width"] - box["width"] / 2 and box["y"] < shapes["height"]


def test_the_description_has_what_each_control_needs():
    labels = {label["name"]: label for label in mixed().description()["labels"]}
    assert labels[SCRIPT]["values"] == [BOLD, SUM, "plain"] and labels["Ill"]["values"] == [0, 1]
    assert (labels["Age"]["low"], labels["Age"]["high"], labels["Age"]["step"]) == (0.0, 100.0, 1.0)
    assert labels["Ill"]["parents"] == ["Age", DOSE] and list(labels) == list(MIXED.nodes)
