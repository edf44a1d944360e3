"""What the page shows as the same question elsewhere: in Python, on the command line, and to a served model."""

import json
import math
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np

from causalgan_tf.explorer.request import Request
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import written
from causalgan_tf.inference.query import Query

SERVER = "http://localhost:8501/v1/models/NAME"  # where a model that is not served yet may come to be
ROWS = 4  # of a request at most


def snippets(graph: CausalGraph, asked: Request, origin: Mapping[str, str], seeds: np.ndarray, images: bool) -> dict:
    """The texts to copy.

    Args:
        graph: of the model.
        asked: what is asked.
        origin: "workdir", as `causalgan_tf.load` takes it, or "server", its address.
        seeds: of the rows that were drawn, int64 [n].
        images: whether the model draws images.

    Returns:
        "python", "command" and "curl".
    """
    return {
        "python": python(asked, origin),
        "command": command(asked, origin),
        "curl": curl(graph, asked, origin, seeds[:ROWS], images),
    }


def python(asked: Request, origin: Mapping[str, str]) -> str:
    """A program that draws the same rows."""
    if "server" in origin:
        head = "from causalgan_tf.inference.served_model import ServedModel\n\n"
        head += f"model = ServedModel({origin['server']!r})\n"
    else:
        head = f"import causalgan_tf\n\nmodel = causalgan_tf.load({origin['workdir']!r})\n"
    parts = [str(asked.n), *(f"{part}={values!r}" for part, values in _written(asked) if values)]
    lines = [f"samples = model.sample({', '.join(parts)}, seed={asked.seed})  # .labels, .images"]
    if "server" not in origin and asked.do:
        lines.append("same_units = model.twins(samples, do={})  # what they are without do")
    return head + "\n".join(lines) + "\n"


def command(asked: Request, origin: Mapping[str, str]) -> str:
    """A command line that draws the same rows."""
    (name, place), *_ = origin.items()
    do = Query(asked.query.do, {}, asked.query.variables).text().removeprefix("do(").removesuffix(")")
    given = Query({}, asked.query.given, asked.query.variables).text()
    flags = {name: place, "n": str(asked.n), "do": do, "given": given, "seed": str(asked.seed), "out": "out"}
    return " ".join(["causalgan-sample", *(shlex.quote(f"--{flag}={text}") for flag, text in flags.items() if text)])


def curl(graph: CausalGraph, asked: Request, origin: Mapping[str, str], seeds: np.ndarray, images: bool) -> str:
    """A request to the exported model behind TensorFlow Serving's REST interface, which reads NaN."""
    do = asked.query.do_vector(graph)
    rows = {"seed": [int(seed) for seed in seeds]}
    if asked.given:
        name, inputs = "sample_given", rows | {"do": [do.tolist()]} | _conditions(graph, asked)
    elif images:
        set_ = ~np.isnan(do)
        name, inputs = "picture", rows | {"value": [np.where(set_, do, 0.0).tolist()], "set": [set_.tolist()]}
    else:
        name, inputs = "labels", rows | {"do": [do.tolist()]}
    body = json.dumps({"signature_name": name, "inputs": inputs})
    return f"curl -s {shlex.quote(origin.get('server', SERVER) + ':predict')} -d {shlex.quote(body)}"


def _written(asked: Request) -> list[tuple[str, dict[str, Any]]]:
    """What is set and seen as Python holds them, intervals as texts: an open end has no number."""
    given = {node: written(tuple(map(float, v))) if isinstance(v, tuple) else v for node, v in asked.given.items()}
    return [("do", dict(asked.do)), ("given", given)]


def _conditions(graph: CausalGraph, asked: Request) -> dict[str, list[list[float]]]:
    """The inputs given, and with numbers in the graph given_low and given_high, one row each."""
    names = ("given", "given_low", "given_high") if graph.sizes is None else ("given",)
    rows = {name: [math.nan] * len(graph) for name in names}
    for node, value in asked.query.given.items():
        k = graph.index(node)
        if isinstance(value, tuple):
            # NaN is an open end, as it is no condition
            rows["given_low"][k], rows["given_high"][k] = (end if math.isfinite(end) else math.nan for end in value)
        else:
            rows["given"][k] = float(value)
    return {name: [row] for name, row in rows.items()}
