"""causalgan-query: what it reads, prints and refuses; models refitted on resampled rows."""

import csv
import io
import json

import pandas as pd
import pytest
from absl import flags

import causalgan_tf
from causalgan_tf.cli import common, query
from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.errors import InputError

FRAME = pd.DataFrame({"Old": [0, 0, 0, 1] * 200, "Smoke": ["no", "yes", "yes", "no"] * 200})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "people"
    model = causalgan_tf.fit_labels(FRAME, "Old -> Smoke", ControllerConfig(steps=200), progress=False)
    model.save(path)
    return path


@pytest.fixture(scope="module")
def model(folder):
    return causalgan_tf.load(folder)


def asked(folder, *arguments):
    values = flags.FlagValues()
    query.declare(values)
    common.parse(["causalgan-query", f"--workdir={folder}", *arguments], values)
    query.main(values)


def test_answers_are_those_of_the_model_in_every_form(folder, model, capsys):
    texts = ["P(Smoke=yes | do(Old=0))", "P(Old=1 | Smoke={no, yes})", "E(Old)"]
    asked(folder, *(f"--query={text}" for text in texts), "--out=json")
    plain = json.loads(capsys.readouterr().out)
    assert [answer["value"] for answer in plain] == [model.ask(text).value for text in texts]
    asked(folder, *(f"--query={text}" for text in texts), "--out=csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["value"]) for row in rows] == [answer["value"] for answer in plain]
    asked(folder, f"--query={texts[0]}")
    assert capsys.readouterr().out == f"{model.ask(texts[0])!r}\n"


def test_a_file_holds_a_query_a_line(folder, model, tmp_path, capsys):
    path = tmp_path / "questions.txt"
    path.write_text("# two questions\nP(Old=1)\n\nP(Smoke=no | Old=1)\n", encoding="utf-8")
    asked(folder, "--query=P(Old=0)", f"--file={path}", "--out=json")
    assert [answer["query"] for answer in json.loads(capsys.readouterr().out)] == [
        "P(Old=0)",
        "P(Old=1)",
        "P(Smoke=no | Old=1)",
    ]


def test_drawn_answers_follow_seed_and_draws(folder, model, capsys):
    text = "P(Smoke=yes | do(Old=0), evidence(Old=1))"
    asked(folder, f"--query={text}", "--draws=500", "--seed=3", "--out=json")
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer == model.ask(text, draws=500, seed=3).to_json() and answer["draws"] == 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no query: expected such as"),
        (["--query=P(Old=1"], "expected a probability"),
        (["--query=P(Old=2)"], "'P\\(Old=2\\)': given Old=2: expected 0 or 1"),
        (["--query=P(Odl=1)"], "Did you mean 'Old'"),
        (["--query=P(Smoke=yes | do(Smoke=yes), Smoke=yes)"], "'Smoke' is in do and in given"),
        (["--query=E(Smoke)"], "Smoke is a category and has no mean"),
    ],
)
def test_what_cannot_be_asked_is_refused(folder, arguments, message):
    with pytest.raises(InputError, match=message):
        asked(folder, *arguments)


def test_a_file_without_queries_is_refused(folder, tmp_path):
    path = tmp_path / "none.txt"
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="expected a query a line, found none"):
        asked(folder, f"--file={path}")
    path.write_bytes(b"P(Old=1)\xff")
    with pytest.raises(InputError, match="expected a text file in UTF-8"):
        asked(folder, f"--file={path}")


def test_refitted_models_know_all_values_and_differ():
    rare = pd.concat([FRAME, pd.DataFrame({"Old": [1], "Smoke": ["rarely"]})], ignore_index=True)
    models = causalgan_tf.refitted(rare, "Old -> Smoke", 3, ControllerConfig(steps=50), seed=1, progress=False)
    assert all(one.graph.variables["Smoke"].categories == ("no", "rarely", "yes") for one in models)
    values = [one.probability("Old=1").value for one in models]
    assert len(set(values)) == 3
    # one compiled learner serves all, and neighbouring seeds share none
    again = causalgan_tf.refitted(rare, "Old -> Smoke", 2, ControllerConfig(steps=50), seed=1, progress=False)
    other = causalgan_tf.refitted(rare, "Old -> Smoke", 2, ControllerConfig(steps=50), seed=2, progress=False)
    assert [one.probability("Old=1").value for one in again] == values[:2]
    assert not {one.probability("Old=1").value for one in other} & set(values)
    with pytest.raises(InputError, match="count: expected at least 2"):
        causalgan_tf.refitted(rare, "Old -> Smoke", 1)
