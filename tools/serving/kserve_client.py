"""Asks a KServe server by KServe's own clients: python kserve_client.py URL REQUESTS ANSWERS [CLIENTS].

URL is HOST:PORT of gRPC, or http://HOST:PORT of REST V2. REQUESTS is a pickled list of (model, signature, inputs by
name), ANSWERS one of (outputs by name, or the server's message; seconds), in the same order. Several clients, each with
a connection of its own, take the next request when they are free.
"""

import asyncio
import base64
import pickle
import sys
import time

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.utils.numpy_codec import from_np_dtype


def request(model: str, signature: str, inputs: dict[str, np.ndarray], binary: bool) -> InferRequest:
    """A request of KServe V2."""
    parts = []
    for name, value in inputs.items():
        part = InferInput(name, list(value.shape), from_np_dtype(value.dtype))
        part.set_data_from_numpy(value, binary_data=binary)
        if not binary and value.dtype.kind == "f":  # null, for JSON has no NaN
            part.data = [None if one != one else one for one in part.data]
        parts.append(part)
    return InferRequest(model, parts, parameters={"signature_name": signature})


def arrays(response) -> dict[str, np.ndarray]:
    """The outputs of a response by name."""
    found = {part.name: part.as_numpy() for part in response.outputs}
    for part in response.outputs:
        value = found[part.name]
        if value.dtype == object and len(value) and isinstance(value.flat[0], str):
            decode = base64.b64decode if part.name.endswith("_bytes") else str.encode
            found[part.name] = np.array([decode(text) for text in value.flat], object).reshape(value.shape)
    return found


async def work(url: str, waiting: list, answers: list) -> None:
    """One client: takes requests until there are no more."""
    rest = url.startswith("http")
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0)) if rest else InferenceGRPCClient(url, retries=0)
    while waiting:
        number, (model, signature, inputs) = waiting.pop()
        start = time.perf_counter()
        try:
            asked = request(model, signature, inputs, binary=not rest)
            response = await (client.infer(url, asked, model_name=model) if rest else client.infer(asked))
            found = arrays(response)
        except Exception as error:  # whatever the client raises is the answer
            details = error.details() if hasattr(error, "details") else error
            found = f"{type(error).__name__}: {details}"
        answers[number] = found, time.perf_counter() - start
    await client.close()


async def ask(url: str, requests: list, clients: int = 1) -> list:
    """The answers to requests, in their order."""
    waiting, answers = list(enumerate(requests))[::-1], [None] * len(requests)
    await asyncio.gather(*(work(url, waiting, answers) for _ in range(clients)))
    return answers


if __name__ == "__main__":
    place, asked, written, *more = sys.argv[1:]
    with open(asked, "rb") as file:
        found = asyncio.run(ask(place, pickle.load(file), *map(int, more)))
    with open(written, "wb") as file:
        pickle.dump(found, file)
