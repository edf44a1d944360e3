"""Serves exported models by KServe: python kserve_server.py faces=served/faces/1.

REST V1 takes {"signature_name": ..., "instances": [{...}, ...]} as TensorFlow Serving does; V2 and gRPC name the
signature in the request's parameters. It needs kserve and tensorflow; further flags are those of kserve.ModelServer.
"""

import argparse
import asyncio
import base64
import json
import re
import uuid
from collections.abc import Mapping

import kserve
import numpy as np
import tensorflow as tf
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.errors import InvalidInput
from kserve.utils.numpy_codec import from_np_dtype

DEFAULT = "serving_default"


class SavedModel(kserve.Model):
    """The signatures of a SavedModel."""

    def __init__(self, name: str, folder: str) -> None:
        super().__init__(name)
        self.folder = folder

    def load(self) -> bool:
        self.loaded = tf.saved_model.load(self.folder)
        self.ready = True
        return True

    async def predict(self, payload: Mapping | bytes | InferRequest, headers: Mapping[str, str] | None = None):
        # beside the event loop, so that a long request keeps no other waiting
        answer = self.infer if isinstance(payload, InferRequest) else self.rows
        return await asyncio.to_thread(answer, payload)

    def rows(self, payload: Mapping | bytes) -> dict:
        """The answer in REST V1; curl's own type of content is no JSON, and KServe leaves it as it came."""
        if isinstance(payload, bytes):
            try:
                payload = json.loads(payload)
            except ValueError as error:
                raise InvalidInput(f"the request is no JSON: {error}") from error
        if not isinstance(payload, Mapping) or not isinstance(payload.get("instances"), list):
            raise InvalidInput('expected {"signature_name": ..., "instances": [{...}, ...]}')
        kinds, rows = self.kinds(payload.get("signature_name", DEFAULT)), payload["instances"]
        if not all(isinstance(row, Mapping) and row.keys() == kinds.keys() for row in rows):
            raise InvalidInput(f"instances: expected the inputs {', '.join(kinds)} in each of at least one row")
        found = self.call(
            payload.get("signature_name", DEFAULT),
            {name: typed(name, kinds[name], [r[name] for r in rows]) for name in kinds},
        )
        columns = [plain(name, value) for name, value in found.items()]
        return {"predictions": [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]}

    def infer(self, request: InferRequest) -> InferResponse:
        """The answer in REST V2 and by gRPC."""
        signature = parameter(request.parameters, "signature_name") or DEFAULT
        kinds = self.kinds(signature)
        found = self.call(signature, {part.name: tensor(part, kinds) for part in request.inputs})
        wanted = [part.name for part in request.request_outputs or ()] or list(found)
        if unknown := set(wanted) - set(found):
            raise InvalidInput(f"outputs: expected some of {', '.join(found)}, got {', '.join(unknown)}")
        return InferResponse(
            request.id or str(uuid.uuid4()),
            self.name,
            [self.output(name, found[name], request.from_grpc) for name in wanted],
            use_binary_outputs=request.from_grpc,
        )

    def output(self, name: str, value: np.ndarray, binary: bool) -> InferOutput:
        """An array; a file is base64 where it travels as JSON."""
        part = InferOutput(name, list(value.shape), from_np_dtype(value.dtype))
        if value.dtype == object and not binary:
            part.data = [one["b64"] if isinstance(one, dict) else one for one in plain(name, value)]
            part.parameters = {"content_type": "base64"} if name.endswith("_bytes") else None
        elif binary:
            part.set_data_from_numpy(value)
        else:
            part.data = plain(name, value.ravel())
        return part

    def kinds(self, signature: str) -> dict[str, tf.TensorSpec]:
        """The inputs of a signature by name."""
        if not isinstance(signature, str) or signature not in self.loaded.signatures:
            raise InvalidInput(
                f"signature_name: expected one of {', '.join(self.loaded.signatures)}, got {signature!r}"
            )
        return self.loaded.signatures[signature].structured_input_signature[1]

    def call(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What the graph answers; its refusals are the client's mistakes."""
        kinds = self.kinds(signature)
        if inputs.keys() != kinds.keys():
            raise InvalidInput(
                f"{signature}: expected the inputs {', '.join(kinds)}, got {', '.join(inputs) or 'none'}"
            )
        for name, value in inputs.items():
            if value.ndim != kinds[name].shape.rank:
                raise InvalidInput(f"{name}: expected {kinds[name].shape.rank} dimensions, got {value.ndim}")
        try:
            found = self.loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
            said = re.search(r"assertion failed: \[(.*)\]", error.message)
            raise InvalidInput(said[1] if said else error.message.strip().partition("\n")[0]) from error
        return {name: value.numpy() for name, value in found.items()}


def tensor(part: InferInput, kinds: Mapping[str, tf.TensorSpec]) -> np.ndarray:
    """An input of KServe V2; an unknown one is refused later, by `call`."""
    wanted = from_np_dtype(np.dtype(kinds[part.name].dtype.as_numpy_dtype)) if part.name in kinds else part.datatype
    if part.datatype != wanted:
        raise InvalidInput(f"{part.name}: expected {wanted}, got {part.datatype}")
    try:
        return part.as_numpy()
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"{part.name}: {error}") from error


def typed(name: str, kind: tf.TensorSpec, values: list) -> np.ndarray:
    """A column of rows of JSON, null as NaN; InvalidInput for another type."""
    wanted = {"i": int, "b": bool}.get(kind.dtype.as_numpy_dtype().dtype.kind)
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    good = all(type(one) is wanted if wanted else type(one) in (int, float, type(None)) for one in flat)
    try:
        if good:
            return np.array(values, kind.dtype.as_numpy_dtype)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InvalidInput(f"{name}: expected {kind.dtype.name} in {kind.shape.rank} dimensions")


def plain(name: str, value: np.ndarray) -> list:
    """An array as JSON says it; NaN becomes null there."""
    if value.dtype != object:
        return value.tolist()
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(part).decode()} for part in value]
    return [part.decode() for part in value]


def parameter(parameters, name: str):
    """A request's parameter, of REST a plain value and of gRPC a message."""
    if not parameters or name not in parameters:
        return None
    value = parameters[name]
    return getattr(value, value.WhichOneof("parameter_choice")) if hasattr(value, "WhichOneof") else value


def main() -> None:
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser], description=__doc__)
    parser.add_argument("models", nargs="+", metavar="NAME=FOLDER", help="of a version, which holds saved_model.pb")
    arguments = parser.parse_args()
    models = [SavedModel(*text.split("=", 1)) for text in arguments.models]
    for model in models:
        model.load()
    kserve.ModelServer(http_port=arguments.http_port, grpc_port=arguments.grpc_port).start(models)


if __name__ == "__main__":
    main()
