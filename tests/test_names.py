"""Names of nodes: legal ones, how they are written, and what stands for them in names of files and layers."""

import re
import types
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import causalgan_tf
from causalgan_tf.cli import sample
from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs import names
from causalgan_tf.graphs.drawing import draw_graph
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.query import Query, parse_assignments, parse_names, parse_probability
from causalgan_tf.system.outputs import OutputFolder

ODD = (
    "Patient Age",
    "a/b:c",
    "Größe",
    'q"u\\o',
    "x.y-z",
    "Körper, groß",
    "P(A|B)=1",
    "-> #;",
    "<b>&",
    "../up",
    "$x$",
    "c--d",
)


def test_odd_names_are_written_in_quotation_marks_and_read_back():
    chain = CausalGraph({name: ODD[:place][-1:] for place, name in enumerate(ODD)})
    assert CausalGraph.from_text(chain.to_text()) == chain
    text = ", ".join(f"{names.written(name)}={place}" for place, name in enumerate(ODD))
    assert parse_assignments(text) == {name: place for place, name in enumerate(ODD)}
    assert parse_names(",".join(map(names.written, ODD))) == ODD
    first, second = names.written(ODD[6]), names.written(ODD[5])
    assert parse_probability(f"P({first}=0|do({second}=1, {first}=1), {second}=0)") == (
        {ODD[6]: 0}, {ODD[5]: 1, ODD[6]: 1}, {ODD[5]: 0},
    )  # fmt: skip
    asked = Query.create(chain, {ODD[6]: 1}, {ODD[5]: 0})
    assert parse_probability(f"P({second}=1|{asked.text()})")[1:] == (asked.do, asked.given)


def test_a_name_in_an_assignment_needs_no_quotation_marks_unless_it_holds_a_mark():
    assert parse_assignments("Patient Age=40, Größe=1, a.b-c=x") == {"Patient Age": 40, "Größe": 1, "a.b-c": "x"}
    for text in ('"A=1', 'A"=1', '"A"B=1', '"A" "B"=1'):
        with pytest.raises(InputError, match="expected name=value"):
            parse_assignments(text)


@pytest.mark.parametrize("name", ["", " A", "A ", "a\nb", "a\0", "*image", "*empty", "x" * 201, "\u200b"])
def test_a_name_that_nobody_could_write_or_that_noise_has_is_refused(name):
    with pytest.raises(InputError, match="node name .*: expected printed text of 1 to 200 letters") as raised:
        CausalGraph({name: []})
    assert len(str(raised.value)) < 200


def test_a_name_without_its_quotation_marks_is_told_how_to_write_it():
    for name in ("Patient Age", "'Patient Age'", '"Patient Age', "“Patient Age”"):
        with pytest.raises(InputError, match='quotation marks round the name: "Patient Age"'):
            CausalGraph.from_text(f"{name} -> Smoke")


def test_what_stands_for_names_in_files_is_safe_distinct_and_the_name_where_it_is_plain():
    many = (*ODD, "Größa", "a b", "a_b", "a/b", "..", "con.", "x" * 200, "x" * 199 + "y")
    safe = [names.safe(name) for name in many]
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,100}", name) for name in safe)
    assert len(set(safe)) == len(many)
    assert names.safe("Wearing_Lipstick") == "Wearing_Lipstick"


def test_names_do_not_break_a_drawing():
    chain = CausalGraph({name: ODD[:place][-1:] for place, name in enumerate((*ODD, "-->", "]]>"))})
    assert ElementTree.fromstring(draw_graph(chain, image=True)).tag.endswith("svg")


def test_a_model_of_odd_names_is_trained_asked_and_exported_as_layers():
    text = '"Patient Age" -> "a/b:c" -> Größe; "Patient Age": continuous(0, 110)'
    source = np.random.default_rng(0)
    frame = pd.DataFrame({"a/b:c": source.integers(0, 2, 200), "Größe": source.integers(0, 2, 200)})
    frame["Patient Age"] = source.uniform(0, 110, 200)
    config = ControllerConfig(steps=2, batch_size=32, steps_per_call=2)
    model = causalgan_tf.fit_labels(frame, text, config, progress=False)
    rows = model.sample(5, do=parse_assignments('"Patient Age"=40'), given={"a/b:c": 1}).labels
    assert list(rows.columns) == ["Patient Age", "a/b:c", "Größe"]
    assert set(rows["Patient Age"]) == {40.0} and set(rows["a/b:c"]) == {1}
    layers = [layer.name for layer in model.labels.mechanisms.functional().layers]
    assert not [name for name in layers if not re.fullmatch(r"[A-Za-z0-9_]+", name)]


def test_a_picture_of_an_odd_name_lies_in_its_folder(tmp_path, monkeypatch):
    drawn = {"do_given_../up": Image.new("RGB", (2, 2)), "switched_A": Image.new("RGB", (2, 2))}
    gallery = types.SimpleNamespace(draw=lambda kinds, labels: drawn)
    monkeypatch.setattr(sample.gallery, "Gallery", lambda *arguments: gallery)
    model = types.SimpleNamespace(image_size=8, check_images=lambda what: None)
    values = types.SimpleNamespace(n=1, seed=0, max_draws=1)
    sample.write_pictures(model, ["do_given"], [], ({}, {}), values, OutputFolder(tmp_path / "out"))
    written = sorted(path.name for path in tmp_path.rglob("*.png"))
    assert written == [f"{names.safe('do_given_../up')}.png", "switched_A.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
