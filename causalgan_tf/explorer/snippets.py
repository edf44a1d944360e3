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
from causalgan_tf.inference.served_requests import request

SERVER = "http://localhost:8501/v1/models/NAME"  # where a model that is not served yet may come to be
ROWS = 4  # of a request at most


def snippets(
    graph: CausalGraph,
    asked: Request,
    origin: Mapping[str, str],
    seeds: np.ndarray,
    images: bool,
    null: float | None = math.nan,
) -> dict[str, str]:
    """The texts to copy.

    Args:
        graph: of the model.
        asked: what is asked.
        origin: "workdir", as `causalgan_tf.load` takes it, or "server", its address.
        seeds: of the rows that were drawn, int64 [n].
        images: whether the model draws images.
        null: what the server reads for NaN, see `ServedModel`.

    Returns:
        "python", "command" and "curl".
    """
    return {
        "python": python(asked, origin),
        "command": command(asked, origin),
        "curl": curl(graph, asked, origin, seeds[:ROWS], images, null),
    }


def notes(asked: Request, origin: Mapping[str, str], images: bool) -> dict[str, str]:
    """What the page says below each text, see `snippets`."""
    curl = [f"For a served model (causalgan-export), at most {ROWS} rows."]
    if "server" not in origin:
        curl.append("TensorFlow Serving reads NaN; KServe wants null in its place.")
    if asked.given:
        curl.append(
            "The rows are others than these, of the same law: the server looks for rows that meet the condition "
            "itself, among candidates of each seed."
        )
    written = "labels.csv and images" if images else "labels.csv"
    return {"python": "", "command": f"Writes {written} into the folder out.", "curl": " ".join(curl)}


def python(asked: Request, origin: Mapping[str, str]) -> str:
    """A program that draws the same rows."""
    made = f"ServedModel({origin['server']!r})" if "server" in origin else f"load({origin['workdir']!r})"
    parts = [str(asked.n), *(f"{part}={values!r}" for part, values in _written(asked) if values)]
    lines = [f"samples = model.sample({', '.join(parts)}, seed={asked.seed})  # .labels, .images"]
    if asked.do:
        lines.append("same_units = model.twins(samples, do={})  # what they are without do")
    return "\n".join(["import causalgan_tf", "", f"model = causalgan_tf.{made}", *lines, ""])


def command(asked: Request, origin: Mapping[str, str]) -> str:
    """A command line that draws the same rows."""
    (name, place), *_ = origin.items()
    do = Query(asked.query.do, {}, asked.query.variables).text().removeprefix("do(").removesuffix(")")
    given = Query({}, asked.query.given, asked.query.variables).text()
    flags = {name: place, "n": str(asked.n), "do": do, "given": given, "seed": str(asked.seed), "out": "out"}
    return " ".join(["causalgan-sample", *(shlex.quote(f"--{flag}={text}") for flag, text in flags.items() if text)])


def curl(
    graph: CausalGraph, asked: Request, origin: Mapping[str, str], seeds: np.ndarray, images: bool, null: float | None
) -> str:
    """A request to the exported model over REST: TensorFlow Serving's, or the open inference protocol's."""
    do, url = asked.query.do_vector(graph), origin.get("server", SERVER)
    set_ = ~np.isnan(do)
    if asked.given:
        name, inputs = "sample_given", {"do": do, **_conditions(graph, asked)}
    elif images:
        name, inputs = "picture", {"value": np.where(set_, do, np.float32(0)), "set": set_}
    else:
        name, inputs = "labels", {"do": do}
    rows = {key: np.tile(row, [len(seeds), 1]) for key, row in inputs.items()}
    url, body = request(url, name, {"seed": seeds, **rows}, null)
    kind = "-H 'Content-Type: application/json'"
    return f"curl -s {shlex.quote(url)} {kind} -d {shlex.quote(json.dumps(body))}"


def _written(asked: Request) -> list[tuple[str, dict[str, Any]]]:
    """What is set and seen as Python holds them, intervals as texts: an open end has no number."""
    given = {node: written(tuple(map(float, v))) if isinstance(v, tuple) else v for node, v in asked.given.items()}
    return [("do", dict(asked.do)), ("given", given)]


def _conditions(graph: CausalGraph, asked: Request) -> dict[str, np.ndarray]:
    """The inputs given, and with numbers in the graph given_low and given_high: float32 [K], NaN: no condition."""
    names = ("given", "given_low", "given_high") if graph.sizes is None else ("given",)
    rows = {name: np.full(len(graph), np.nan, np.float32) for name in names}
    for node, value in asked.query.given.items():
        k = graph.index(node)
        if isinstance(value, tuple):
            rows["given_low"][k], rows["given_high"][k] = (end if math.isfinite(end) else math.nan for end in value)
        else:
            rows["given"][k] = value
    return rows
