"""Requests to a served model over REST, with the standard library alone.

Three dialects differ in how JSON says NaN and in how rows are laid out: TensorFlow Serving's, which writes the word NaN
and refuses null; KServe V1, whose servers read null alone; and the open inference protocol, KServe V2.
"""

import base64
import contextlib
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError, brief, shown

DATATYPES = {"int64": "INT64", "float32": "FP32", "bool": "BOOL"}  # of KServe V2
# servers leave out the name of an output that is a signature's only one; of other signatures it is labels
ONLY = {"metadata": "card", "probability": "probability"}
MODEL = re.compile(r"/(v1|v2)/models/[^/]+(/versions/[^/]+)?$")
LISTED = 400  # letters of a server's message
# what reading an answer as rows may raise
NO_ROWS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Inputs = Mapping[str, np.ndarray]
Outputs = dict[str, np.ndarray]


class Requests:
    """Asks the signatures of one served model.

    >>> Requests("http://127.0.0.1:9/v1/models/faces", timeout=5.0)
    Traceback (most recent call last):
    causalgan_tf.errors.InputError: http://127.0.0.1:9/v1/models/faces: no server answers: Connection refused. ...
    """

    def __init__(self, url: str, timeout: float) -> None:
        """Finds the model and its server's dialect.

        Args:
            url: http://HOST:PORT/v1/models/NAME, or /v2/models/NAME, with /versions/N or without; of a server that
                lists its models, as KServe does, HOST:PORT is enough and names the first one.
            timeout: of one request, seconds.

        Raises:
            InputError: no such address, no server, no such model, or no answer in time.
        """
        self.timeout = timeout
        self.url = self._model(url)
        self.version = MODEL.search(urllib.parse.urlsplit(self.url).path)[1]
        status = self._call(self.url)
        if not isinstance(status, Mapping):
            raise self._strange("its status", status)
        # TensorFlow Serving alone knows versions here, and it alone refuses null
        self.null = None if "model_version_status" not in status else float("nan")

    def ask(self, signature: str, inputs: Inputs) -> Outputs:
        """The outputs of a signature; numbers float64, integers and truth values as they are, texts and files bytes.

        Args:
            signature: its name.
            inputs: arrays of B rows each, B at least 1.

        Raises:
            InputError: what the server refuses, in its own words; no answer, or one that is none.
        """
        if self.version == "v2":
            return self._flat(signature, inputs)
        answer = self._call(*request(self.url, signature, inputs, self.null))
        try:
            found = answer["predictions"]
            found = [row if isinstance(row, dict) else {ONLY.get(signature, "labels"): row} for row in found]
            return {name: _array([row[name] for row in found]) for name in found[0]}
        except NO_ROWS as error:
            raise self._strange(signature, answer) from error

    def _flat(self, signature: str, inputs: Inputs) -> Outputs:
        """`ask` in KServe V2, where every array is a flat list with a shape."""
        answer = self._call(*request(self.url, signature, inputs, self.null))
        try:
            return {
                part["name"]: _array(
                    [{"b64": text} for text in part["data"]] if part["name"].endswith("_bytes") else part["data"]
                ).reshape(part["shape"])
                for part in answer["outputs"]
            }
        except NO_ROWS as error:
            raise self._strange(signature, answer) from error

    def _model(self, url: str) -> str:
        """The address of the model, without what stands behind it."""
        url = (url if "://" in url else f"http://{url}").rstrip("/").removesuffix(":predict").removesuffix("/infer")
        try:
            parts = urllib.parse.urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            good = False
        if not good or not (MODEL.search(parts.path) or parts.path in ("", "/v1", "/v2")):
            raise InputError(f"{brief(url)}: expected a served model, such as http://127.0.0.1:8501/v1/models/faces.")
        if MODEL.search(parts.path):
            return url
        root = url.removesuffix("/v1").removesuffix("/v2")
        try:
            names = self._call(f"{root}/v1/models")["models"]
            return f"{root}/v1/models/{urllib.parse.quote(names[0], safe='')}"
        except _RefusedError as error:
            lists = f"{brief(root)} does not say which models it has"
            raise InputError(f"{lists}. Name one: {brief(root)}/v1/models/NAME.") from error
        except (IndexError, KeyError, TypeError) as error:
            raise InputError(f"{brief(root)} serves no model. Load one, or name another server.") from error

    def _call(self, url: str, body: Any = None) -> Any:
        """The JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=self.timeout) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise _RefusedError(f"{brief(url)}: the server says: {_said(error)}") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(url, error) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{brief(url)}: the answer is no JSON. Is a model's server there?") from error

    def _unreachable(self, url: str, error: Exception) -> InputError:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            way = "Ask for fewer rows, or allow more time: ServedModel(url, timeout=600)."
            return InputError(f"{brief(url)}: no answer within {self.timeout:g} s. {way}")
        said = brief(getattr(reason, "strerror", None) or reason or type(error).__name__)
        way = "Start one, see docs/guide/serving.md, or correct the address."
        return InputError(f"{brief(url)}: no server answers: {said}. {way}")

    def _strange(self, what: str, answer: Any) -> InputError:
        expected = f"{what}: expected a model of causalgan-export"
        return InputError(f"{brief(self.url)}, {expected}; it answers {shown(answer, 80)}.")


def request(url: str, signature: str, inputs: Inputs, null: float | None) -> tuple[str, dict[str, Any]]:
    """The address and the JSON value of a request to a signature.

    Args:
        url: the address of the model, of either protocol.
        signature: its name.
        inputs: arrays of B rows each.
        null: what a /v1/ server reads for NaN, see `Requests`; the open inference protocol has null alone.

    >>> request("http://host/v1/models/m", "labels", {"seed": np.array([7]), "do": np.array([[1, np.nan]])}, None)
    ('http://host/v1/models/m:predict', {'signature_name': 'labels', 'instances': [{'seed': 7, 'do': [1.0, None]}]})
    """
    if MODEL.search(urllib.parse.urlsplit(url).path)[1] == "v1":
        columns = {name: _plain(value, null) for name, value in inputs.items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return f"{url}:predict", {"signature_name": signature, "instances": rows}
    parts = [
        {
            "name": name,
            "shape": list(value.shape),
            "datatype": DATATYPES[value.dtype.name],
            "data": _plain(value.ravel(), None),
        }
        for name, value in inputs.items()
    ]
    return f"{url}/infer", {"parameters": {"signature_name": signature}, "inputs": parts}


class _RefusedError(InputError):
    """A request that the server answers by an error."""


def _said(error: urllib.error.HTTPError) -> str:
    """A server's message, or its status."""
    text = ""
    with contextlib.suppress(OSError, http.client.HTTPException):  # the message may never end
        text = error.read().decode(errors="replace")
    try:
        answer = json.loads(text)
        message = answer.get("error") or answer["detail"]
    except (ValueError, KeyError, TypeError, AttributeError):
        message = text or error.reason
    # TensorFlow writes where in the graph below what
    return brief(f"{str(message).strip().partition(chr(10))[0]} (status {error.code})", LISTED)


def _plain(values: np.ndarray, null: float | None) -> list:
    """An array as lists of JSON's values, NaN as this server reads it."""
    if values.dtype.kind != "f":
        return values.tolist()
    return np.where(np.isnan(values), null, values.astype(object)).tolist()


def _array(values: list) -> np.ndarray:
    """The rows of an output; null is NaN, and {"b64": ...} and texts are bytes.

    >>> _array([[0, None], [1, 2]]).tolist(), _array([{"b64": "aGk="}]).tolist()
    ([[0.0, nan], [1.0, 2.0]], [b'hi'])
    """
    first = values[0] if values else 0.0
    if isinstance(first, dict):
        return np.array([base64.b64decode(value["b64"]) for value in values], object)
    if isinstance(first, str):
        return np.array([value.encode() for value in values], object)
    array = np.array(values)
    return array.astype(np.float64) if array.dtype == object else array
