"""A small server of an exported model that speaks the REST dialects of TensorFlow Serving, KServe V1 and KServe V2.

It stands in for the real ones where clients are tested; tests/test_real_servers.py asks a real server.
"""

import base64
import contextlib
import http.server
import json
import re
import threading

import numpy as np
import tensorflow as tf

KINDS = {"INT64": np.int64, "FP32": np.float32, "BOOL": np.bool_}


class AnswerError(Exception):
    """A status and a JSON value."""


@contextlib.contextmanager
def serving(folder, dialect="tensorflow", name="faces"):
    """The address of the model in the folder of a version, while it is served.

    Args:
        folder: it holds saved_model.pb.
        dialect: "tensorflow" reads the word NaN and refuses null; "v1" and "v2" the reverse.
        name: the model's.
    """
    loaded = tf.saved_model.load(str(folder))
    path = f"/{'v2' if dialect == 'v2' else 'v1'}/models/{name}"

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):  # noqa: N802
            self.reply(lambda: status(dialect, path, name, self.path))

        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(lambda: predicted(loaded, dialect, path, self.path, body))

        def reply(self, answer):
            try:
                code, value = 200, answer()
            except AnswerError as error:
                code, value = error.args
            data = json.dumps(value, allow_nan=dialect == "tensorflow").encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(dialect, path, name, asked):
    if asked == "/v1/models" and dialect == "v1":
        return {"models": [name]}
    if asked != path:
        raise AnswerError(404, {"error": f"Could not find any versions of model {asked.rpartition('/')[2]}"})
    if dialect == "tensorflow":
        return {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}
    return {"name": name, "ready": True}


def predicted(loaded, dialect, path, asked, body):
    if asked != f"{path}/infer" * (dialect == "v2") + f"{path}:predict" * (dialect != "v2"):
        raise AnswerError(404, {"error": "Not found"})
    text = body.decode()
    if ("null" if dialect == "tensorflow" else "NaN") in text:
        raise AnswerError(400, {"error": "JSON Parse error"})
    request = json.loads(text)
    parameters = request if dialect != "v2" else request["parameters"]
    signature = loaded.signatures[parameters["signature_name"]]
    kinds = signature.structured_input_signature[1]
    if dialect == "v2":
        inputs = {
            part["name"]: np.array(part["data"], KINDS[part["datatype"]]).reshape(part["shape"])
            for part in request["inputs"]
        }
    else:
        rows = request["instances"]
        inputs = {key: np.array([row[key] for row in rows], kinds[key].dtype.as_numpy_dtype) for key in rows[0]}
    try:
        found = signature(**{key: tf.constant(value) for key, value in inputs.items()})
    except tf.errors.InvalidArgumentError as error:
        said = re.search(r"assertion failed: \[.*\]", error.message)[0]
        raise AnswerError(400, {"error": f"{said}\n\t [[{{{{node Assert}}}}]]"}) from error
    found = {key: value.numpy() for key, value in found.items()}
    return flat(found) if dialect == "v2" else {"predictions": rows_of(found, dialect)}


def rows_of(found, dialect):
    columns = {key: plain(key, value, dialect) for key, value in found.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [next(iter(row.values())) for row in rows] if len(columns) == 1 and dialect == "tensorflow" else rows


def flat(found):
    """The answer of KServe V2: flat lists with shapes; a file as base64."""
    outputs = []
    for key, value in found.items():
        data = plain(key, value.ravel(), "v2")
        data = [part["b64"] if isinstance(part, dict) else part for part in data]
        outputs.append({"name": key, "shape": list(value.shape), "datatype": value.dtype.name, "data": data})
    return {"outputs": outputs}


def plain(key, value, dialect):
    if value.dtype == object:
        texts = [base64.b64encode(part).decode() if key.endswith("_bytes") else part.decode() for part in value]
        return [{"b64": text} for text in texts] if key.endswith("_bytes") else texts
    if value.dtype.kind == "f" and dialect != "tensorflow":
        return np.where(np.isnan(value), None, value.astype(object)).tolist()
    return value.tolist()
