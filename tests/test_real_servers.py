"""Exported models behind real servers: TensorFlow Serving's loader in C, KServe by REST and gRPC, its own clients."""

import base64
import io
import json
import pathlib
import re
import shutil
import subprocess
import urllib.request

import mixed as world
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import causalgan_tf
from causalgan_tf.inference import warmup
from causalgan_tf.inference.export import export_model
from causalgan_tf.inference.served_model import ServedModel
from tools.serving import c_client, kserve_process, requests_of

pytestmark = pytest.mark.extra("serving")

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "guide" / "serving.md"
FACES_URL = "localhost:8501/v1/models/faces"  # of the page's examples


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not on this machine, and pip does not bring it")


@pytest.fixture(scope="module")
def models():
    return {"faces": causalgan_tf.load("builtin:faces"), "mixed": world.untrained()}


@pytest.fixture(scope="module")
def folders(models, tmp_path_factory):
    return {name: export_model(model, tmp_path_factory.mktemp(name)) for name, model in models.items()}


@pytest.fixture(scope="module")
def in_python(folders):
    loaded = {name: tf.saved_model.load(str(folder)) for name, folder in folders.items()}

    def ask(name, signature, inputs):
        typed = {key: tf.constant(value) for key, value in inputs.items()}
        return {key: value.numpy() for key, value in loaded[name].signatures[signature](**typed).items()}

    return ask


@pytest.fixture(scope="module")
def expected(models, in_python):
    """(model, signature, inputs) of a batch for each signature of each model, and Python's outputs."""
    asked = [(name, *request) for name, model in models.items() for request in requests_of.batch(model)]
    return asked, [in_python(*request) for request in asked]


@pytest.fixture(scope="module")
def kserve(folders, tmp_path_factory):
    with kserve_process.serving(folders, tmp_path_factory.mktemp("kserve") / "log") as found:
        yield found


def test_the_batch_asks_every_signature_and_meets_conditions(expected):
    asked, outputs = expected
    assert {name for _, name, _ in asked} == {
        *("sample", "labels", "picture", "sample_given", "probability", "counterfactual", "metadata")
    }
    accepted = [output["accepted"] for output in outputs if "accepted" in output]
    assert all(part.any() for part in accepted)


def test_the_loader_of_tensorflow_serving_gives_the_bytes_of_python(folders, expected, tmp_path):
    needs("gcc")
    program = c_client.built(tmp_path)
    for name, folder in folders.items():
        parts = [part for part in zip(*expected, strict=True) if part[0][0] == name]
        wrong = ("labels", {"seed": np.zeros(1, np.int64), "do": np.full([1, 2], 9, np.float32)})
        requests = [request[1:] for request, _ in parts] + [wrong]
        seconds, answers = c_client.ask(program, folder, requests, tmp_path)
        for (request, outputs), answer in zip(parts, answers, strict=False):
            assert requests_of.same(answer, outputs), request[:2]
        assert re.search(r"do: expected \d columns, one a label in graph order, got 2", answers[-1])
        assert seconds < 30  # measured in tools/benchmarks/serving.py


@pytest.mark.parametrize("protocol", ["gRPC", "REST"])
def test_kserve_gives_the_bytes_of_python(kserve, expected, protocol, tmp_path):
    url = f"http://127.0.0.1:{kserve[0]}" if protocol == "REST" else f"127.0.0.1:{kserve[1]}"
    asked, outputs = expected
    for request, (answer, _), output in zip(asked, kserve_process.ask(url, asked, tmp_path), outputs, strict=True):
        assert requests_of.same(answer, output), (request[:2], answer)


@pytest.mark.parametrize(("protocol", "count"), [("gRPC", 300), ("REST", 52)])
def test_malformed_requests_are_errors_and_the_next_answer_is_right(
    kserve, models, expected, protocol, count, tmp_path
):
    url = f"http://127.0.0.1:{kserve[0]}" if protocol == "REST" else f"127.0.0.1:{kserve[1]}"
    broken = [
        (other or name, signature, inputs)
        for name, model in models.items()
        for other, signature, inputs in requests_of.malformed(model, count // 2)
    ]
    if protocol == "REST":  # JSON has no infinity, and what KServe's client writes in its place is null
        broken = [part for part in broken if not any(np.isinf(value).any() for value in part[2].values())]
    asked, outputs = expected
    good = [asked[place % len(asked)] for place in range(len(broken))]
    mingled = [request for pair in zip(broken, good, strict=True) for request in pair]
    answers = kserve_process.ask(url, mingled, tmp_path)
    for request, (answer, _) in zip(broken, answers[::2], strict=True):
        assert isinstance(answer, str), (request[:2], {key: value.shape for key, value in request[2].items()})
    for place, (answer, _) in enumerate(answers[1::2]):
        assert requests_of.same(answer, outputs[place % len(asked)])
    assert kserve[2].poll() is None


def test_eight_clients_lose_no_request_and_memory_stays(kserve, expected, tmp_path):
    asked, outputs = expected
    places = np.random.default_rng(1).integers(len(asked), size=1_300)
    url, (warm, measured) = f"127.0.0.1:{kserve[1]}", (places[:300], places[300:])
    kserve_process.ask(url, [asked[place] for place in warm], tmp_path, clients=8)
    before = kserve_process.resident(kserve[2].pid)
    answers = kserve_process.ask(url, [asked[place] for place in measured], tmp_path, clients=8)
    assert all(requests_of.same(answer, outputs[place]) for (answer, _), place in zip(answers, measured, strict=True))
    assert kserve_process.resident(kserve[2].pid) - before < 60


@pytest.mark.parametrize("path", ["v1", "v2"])
def test_a_served_model_draws_the_rows_of_its_model(kserve, models, path):
    for name, model in models.items():
        served = ServedModel(f"http://127.0.0.1:{kserve[0]}/{path}/models/{name}")
        found, drawn = (one.sample(4, seed=3) for one in (served, model))
        np.testing.assert_array_equal(found.seeds, drawn.seeds)
        assert np.abs(found.images.astype(int) - drawn.images).max() <= 1
        for node, variable in model.graph.variables.items():
            if variable.size:
                assert found.labels[node].tolist() == drawn.labels[node].tolist()
            else:
                np.testing.assert_allclose(found.labels[node], drawn.labels[node], rtol=1e-4)


def snippet(language):
    """The example in this language of the page on serving."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found


@pytest.mark.parametrize("language", ["javascript", "bash-curl"])
def test_the_examples_of_the_page_draw_a_picture(kserve, in_python, language, tmp_path):
    code = snippet("javascript") if language == "javascript" else curl()
    code = code.replace(FACES_URL, f"127.0.0.1:{kserve[0]}/v1/models/faces")
    line = ["node", "--input-type=module", "-e", code] if language == "javascript" else ["bash", "-ec", code]
    needs("node" if language == "javascript" else "curl")
    subprocess.run(line, cwd=tmp_path, check=True, capture_output=True)
    chosen = np.arange(9)[None] == 4
    inputs = {"seed": np.array([1]), "value": chosen.astype(np.float32), "set": chosen}
    assert (tmp_path / "face.png").read_bytes() == in_python("faces", "picture", inputs)["image_bytes"][0]


def curl():
    """The page's example for the shell that asks a server."""
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if block.startswith("curl")]
    return found


def test_clients_whose_json_has_no_nan_ask_with_null_and_for_pictures(kserve):
    import requests

    url = f"http://127.0.0.1:{kserve[0]}/v1/models/faces:predict"
    empty = [None] * 9
    asked = {
        "signature_name": "probability",
        "instances": [{"event": [None, 0] + empty[2:], "do": empty, "given": empty}],
    }
    assert 0.3 < requests.post(url, json=asked, timeout=60).json()["predictions"][0]["probability"] < 0.9
    row = {"seed": 1, "value": [0] * 9, "set": [False] * 9}
    answer = requests.post(url, json={"signature_name": "picture", "instances": [row]}, timeout=60).json()
    with Image.open(io.BytesIO(base64.b64decode(answer["predictions"][0]["image_bytes"]["b64"]))) as image:
        assert image.size == (32, 32)
    with pytest.raises(requests.exceptions.InvalidJSONError, match="Out of range float values"):
        requests.post(
            url, json={"signature_name": "labels", "instances": [{"seed": 1, "do": [np.nan] * 9}]}, timeout=60
        )


def test_warm_up_requests_are_messages_of_tensorflow_serving_that_the_model_answers(folders, in_python):
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    for name, folder in folders.items():
        records = tf.data.TFRecordDataset(str(folder / warmup.FILE))
        logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]
        asked = [log.predict_log.request for log in logs]
        assert len(asked) == len({request.model_spec.signature_name for request in asked}) >= 6
        for request in asked:
            again = predict_pb2.PredictRequest.FromString(request.SerializeToString())
            inputs = {key: tf.make_ndarray(value) for key, value in again.inputs.items()}
            assert in_python(name, again.model_spec.signature_name, inputs)


def test_the_card_comes_as_text_in_json(kserve):
    url = f"http://127.0.0.1:{kserve[0]}/v1/models/mixed:predict"
    body = json.dumps({"signature_name": "metadata", "instances": [{"row": 0}]}).encode()
    with urllib.request.urlopen(url, body, timeout=60) as answer:
        (row,) = json.loads(answer.read())["predictions"]
    assert [label["name"] for label in json.loads(row["card"])["labels"]] == ["Place", "Bright", "Frame"]
