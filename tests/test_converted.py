"""Models in other formats: noise of the same bits, rows of the same labels, images to two grey levels."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from absl import flags

import causalgan_tf
from causalgan_tf import noise
from causalgan_tf.cli import common, export
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import converted
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.converted import export_converted
from causalgan_tf.inference.portable import portable_model
from causalgan_tf.inference.portable_noise import PortableNoise
from causalgan_tf.networks import began, columns, dcgan, residual
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController
from tests.random_models import random_model, with_moments

ROWS = 1_000
MIXED = with_moments(
    CausalGraph.from_text(
        "A -> B -> C; A -> C; B -> D; C -> D; D -> E; E -> F; C -> F; "
        "B: continuous; C: categorical(x, y, z); D: continuous(0, 100); E: continuous"
    )
)
SHAPE = {"labels": columns.count(MIXED), "noise_size": 6, "image_size": 16, "width": 16}
GENERATORS = {
    "dcgan": lambda: dcgan.generator(**SHAPE),
    "modulated, grey": lambda: dcgan.generator(**SHAPE, channels=1, kernel=5, modulation=True),
    "residual": lambda: dcgan.generator(**SHAPE | {"width": 32}, features=residual.grown, modulation=True),
    "began": lambda: began.generator(**SHAPE),
}


def with_images(name, encoding="sign"):
    """A model of labels of all types whose images have contrast."""
    generator, source = GENERATORS[name](), np.random.default_rng(0)
    weights = generator.get_weights()
    *inner, last, bias = [w + 0.02 * source.normal(size=w.shape) for w in weights]
    generator.set_weights([*inner, 8 * last, bias])
    return CausalModel(MIXED, random_model(MIXED).mechanisms, generator, encoding)


@pytest.fixture(scope="module")
def faces():
    return causalgan_tf.load("builtin:faces")


@pytest.fixture(scope="module")
def mixed():
    return with_images("dcgan")


def words_of(seeds):
    return np.asarray(seeds, np.int64).view(np.uint32).reshape(-1, 2)


def drawn(model):
    """A request of ROWS rows, half of them under do of the second label, and what the model draws for it."""
    seeds, do = noise.row_seeds(5, 0, ROWS).numpy(), np.full([ROWS, len(model.graph)], np.nan, np.float32)
    do[ROWS // 2 :, 1] = 1.0 if model.graph.variables[model.graph.nodes[1]].size else 70.0
    labels = model.labels.under(seeds, do).astype(np.float32)
    images = {} if model.images is None else {"image": model.images.draw(labels, seeds)}
    return {"seed": words_of(seeds), "do": do}, {"labels": labels, **images}


def answers(model, request):
    return {name: value.numpy() for name, value in portable_model(model)(request).items()}


def assert_same_rows(model, found, expected):
    """Labels are equal, numbers to a ten-thousandth of their deviation; images differ by two grey levels at most."""
    variables = model.graph.variables.values()
    units = np.array([0.0 if v.size else 1e-4 * v.std for v in variables])
    assert found["labels"].shape == expected["labels"].shape
    assert (np.abs(found["labels"] - expected["labels"]) <= units).all()
    assert np.unique(expected["labels"], axis=0).shape[0] > 20
    assert found.keys() == expected.keys()
    if "image" in expected:
        assert found["image"].dtype == np.uint8 and expected["image"].std() > 5
        assert np.abs(found["image"].astype(int) - expected["image"]).max() <= 2


def test_portable_noise_has_the_bits_of_the_noise():
    edges = [0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**63 - 1, -(2**63), 0x1C4FC65BE4FFED]
    some = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 500)
    seeds = np.concatenate([np.array(edges, np.int64), noise.row_seeds(3, 0, 500), some])
    units, uniforms = {"A": 1, "B": 5}, {"C": 3, noise.IMAGE: 9}
    drawn = PortableNoise(keras.ops.convert_to_tensor(words_of(seeds)), units, uniforms)
    for name, width in units.items():
        np.testing.assert_array_equal(drawn.unit(name), noise.unit(seeds, [name], width).numpy().T)
    for name, width in uniforms.items():
        np.testing.assert_array_equal(drawn.uniform(name), noise.uniform(seeds, [name], width).numpy().T)


def test_portable_noise_takes_operations_alone_that_runtimes_have():
    seeds = keras.Input([2], dtype="uint32")
    model = keras.Model(seeds, PortableNoise(seeds, {"A": 3}, {"B": 5}).uniform("B"))
    function = tf.function(lambda words: model(words)).get_concrete_function(tf.TensorSpec([None, 2], tf.uint32))
    used = {(node.op, node.attr["T"].type) for node in function.graph.as_graph_def().node if "T" in node.attr}
    # no unsigned integer is added, multiplied or shifted, and none of 64 bits is there
    arithmetic = {"AddV2", "Mul", "Sub", "FloorDiv", "BitwiseXor", "Less"}
    kinds = {tf.int32.as_datatype_enum, tf.float32.as_datatype_enum}
    assert {kind for op, kind in used if op in arithmetic} == kinds
    assert not {op for op, _ in used if "Shift" in op} and ("BitwiseXor", tf.int32.as_datatype_enum) in used


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "residual" else pytest.mark.long) for name in GENERATORS]
)
def test_the_portable_model_draws_the_rows_of_a_generator_of_any_kind(name):
    model = with_images(name, "logit" if "grey" in name else "sign")
    request, expected = drawn(model)
    assert_same_rows(model, answers(model, request), expected)


@pytest.mark.parametrize("family", [ExplicitController, CausalController])
def test_the_portable_model_draws_labels_of_either_family(family):
    model = random_model(MIXED, family)
    request, expected = drawn(model)
    assert_same_rows(model, answers(model, request), expected)


@pytest.mark.long
def test_a_keras_file_is_loaded_without_this_package_and_draws_the_same_rows(faces, tmp_path):
    file = export_converted(faces, tmp_path / "out", "keras", {"tvd": 0.007})
    assert file == tmp_path / "out" / "1" / "model.keras"
    request, expected = drawn(faces)
    np.savez(tmp_path / "request.npz", **request)
    code = """
import sys
sys.modules["causalgan_tf"] = None  # importing it is an error
import keras, numpy as np
found = keras.saving.load_model(sys.argv[1]).predict(dict(np.load("request.npz")), verbose=0)
np.savez("found.npz", **found)
"""
    environment = {**os.environ, **common.ENVIRONMENT}
    subprocess.run([sys.executable, "-c", code, str(file)], cwd=tmp_path, env=environment, check=True)
    assert_same_rows(faces, dict(np.load(tmp_path / "found.npz")), expected)


def test_the_card_lies_beside_a_file_and_says_what_it_takes(mixed, tmp_path):
    folder = export_converted(mixed, tmp_path, "keras", {"tvd": 0.007}).parent
    card = json.loads((folder / "card.json").read_text())
    sample = card["signatures"]["sample"]
    assert sample["inputs"]["seed"]["shape"] == [None, 2] and sample["inputs"]["seed"]["dtype"] == "uint32"
    assert sample["outputs"]["image"]["shape"] == [None, 16, 16, 3] and card["figures"] == {"tvd": 0.007}
    assert "library_name: keras" in (folder / "README.md").read_text()
    assert export_converted(mixed, tmp_path, "keras").parent.name == "2"


@pytest.mark.extra("onnx")
@pytest.mark.parametrize("name", ["faces", "mixed"])
def test_onnx_runtime_draws_a_thousand_rows_of_the_same_labels_and_images(name, tmp_path, request):
    import onnxruntime

    model = request.getfixturevalue(name)
    session = onnxruntime.InferenceSession(export_converted(model, tmp_path, "onnx"))
    asked, expected = drawn(model)
    found = dict(zip([each.name for each in session.get_outputs()], session.run(None, asked), strict=True))
    assert_same_rows(model, found, expected)


@pytest.mark.extra("litert")
@pytest.mark.parametrize("name", ["faces", "mixed"])
def test_litert_draws_a_thousand_rows_of_the_same_labels_and_images(name, tmp_path, request):
    from ai_edge_litert.interpreter import Interpreter

    model = request.getfixturevalue(name)
    interpreter = Interpreter(str(export_converted(model, tmp_path, "litert")))
    asked, expected = drawn(model)
    assert_same_rows(model, interpreter.get_signature_runner()(**asked), expected)


@pytest.mark.extra("onnx")
@pytest.mark.parametrize("name", ["residual", "began"])
def test_generators_of_other_blocks_are_converted(name, tmp_path):
    # the export itself asks each file for rows
    for form in ("onnx", "litert"):
        assert export_converted(with_images(name), tmp_path, form).is_file()


def test_a_format_that_needs_a_missing_package_names_the_extra(mixed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"format onnx: the package onnx is missing.*causalgan-tf\[onnx\]"):
        export_converted(mixed, tmp_path, "onnx")
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused(mixed, tmp_path):
    with pytest.raises(InputError, match="format: expected onnx, litert, keras, got 'pickle'"):
        export_converted(mixed, tmp_path, "pickle")


def test_a_model_that_a_format_cannot_hold_is_refused_by_the_formats_name(mixed, tmp_path, monkeypatch):
    def fails(portable, path):
        path.write_text("half")
        raise ValueError("no such operation: Digamma\nat line 7")

    own = converted.FORMATS["keras"]._replace(write=fails)
    monkeypatch.setitem(converted.FORMATS, "keras", own)
    with pytest.raises(
        InputError, match=r"format keras: this model cannot be converted \(no such operation: Digamma\)"
    ):
        export_converted(mixed, tmp_path, "keras")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["write", "open"])
def test_an_error_of_tensorflow_in_a_converter_is_no_fault_of_the_disk(mixed, tmp_path, monkeypatch, part):
    def fails(*_):
        raise tf.errors.UnimplementedError(None, None, "no such kernel")

    monkeypatch.setitem(converted.FORMATS, "keras", converted.FORMATS["keras"]._replace(**{part: fails}))
    with pytest.raises(InputError, match=r"format keras: this model cannot be converted \(no such kernel\)"):
        export_converted(mixed, tmp_path, "keras")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_file_is_asked_for_a_thousand_rows_of_which_one_may_differ(tmp_path, monkeypatch, wrong):
    model, asked = random_model(CausalGraph.from_text("A -> B")), []

    def ask(rows):
        labels = model.labels.under(rows["seed"].copy().view(np.int64)[:, 0], rows["do"]).astype(np.float32)
        if not asked:
            labels[:wrong, 0] += 1
        asked.append(len(labels))
        return {"labels": labels}

    own = converted.FORMATS["keras"]._replace(write=lambda *_: None, open=lambda path: ask)
    monkeypatch.setitem(converted.FORMATS, "keras", own)
    if wrong == 1:
        assert export_converted(model, tmp_path, "keras").parent.is_dir()
    else:
        with pytest.raises(InputError, match="format keras: 2 of 1000 rows are not the model's"):
            export_converted(model, tmp_path, "keras")
    assert sum(asked) == 1_000


def test_a_file_that_gives_other_rows_is_refused(mixed):
    request, right = drawn(mixed)
    converted.check_rows(mixed, "onnx", request, right)
    swapped = right | {"labels": right["labels"][::-1]}
    with pytest.raises(InputError, match=r"format onnx: \d+ of 1000 rows are not the model's"):
        converted.check_rows(mixed, "onnx", request, swapped)
    with pytest.raises(InputError, match=r"format onnx: images are [456] grey levels from"):
        converted.check_rows(mixed, "onnx", request, right | {"image": right["image"].astype(int) + 5})
    with pytest.raises(InputError, match="1000 of 1000 rows"):
        converted.check_rows(mixed, "onnx", request, right | {"labels": right["labels"] * np.nan})


def test_the_program_writes_the_format_that_it_is_asked_for(tmp_path, capsys):
    assert tuple(converted.FORMATS) == export.FORMATS[1:]
    frame = pd.DataFrame({"A": [0, 1] * 50, "B": [0, 0, 1, 1] * 25})
    config = causalgan_tf.ControllerConfig(steps=2, batch_size=32, steps_per_call=2)
    causalgan_tf.fit_labels(frame, "A -> B", config, progress=False).save(tmp_path / "model")
    values = flags.FlagValues()
    export.declare(values)
    out = tmp_path / "out"
    common.parse(
        ["x", f"--workdir={tmp_path / 'model'}", f"--export_dir={out}", "--format=keras", "--licence=mit"], values
    )
    export.main(values)
    assert json.loads((out / "1" / "card.json").read_text())["licence"] == "mit"
    assert capsys.readouterr().out == f"{out / '1' / 'model.keras'}\n" and (out / "1" / "model.keras").is_file()
