"""A served model of 64 x 64 images behind KServe: what serving costs beside the bare generator, and what it withstands.

    python -m tools.benchmarks.serving

The model has nine labels, the default width and random weights, which cost what trained ones do. Export: bytes of the
whole folder beside those of the weights. Cold load: seconds of the loader of TensorFlow Serving, in
tools/serving/client.c, the median of five. Then KServe's server is asked through gRPC by its own client on the same
machine: images a second of `sample` in batches of 64 and milliseconds of `picture` for one image, each in rounds that
alternate with the bare generator, compiled by tf.function in this process; medians. Last, 300 malformed requests, each
with a right one behind it, and 1,000 mixed requests of eight clients; every answer is held to that of the SavedModel in
Python.

Prints the figures as a table and writes it to --out, a csv.
"""

import argparse
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import tensorflow as tf

import causalgan_tf
from causalgan_tf.config.run import DataConfig, RunConfig
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.export import export_model
from causalgan_tf.runs import run_folder
from tools.serving import c_client, kserve_process, requests_of

NAME, SIDE, BATCH = "model", 64, 64
ROUNDS, CALLS, WARM = 5, 8, 2
MALFORMED, MIXED, CLIENTS = 300, 1_000, 8
COMMAND = "python -m tools.benchmarks.serving"


def main() -> None:
    """Reads the arguments, measures, prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, help="csv to write")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as place:
        rows = measured(untrained(), pathlib.Path(place))
    table = pd.DataFrame([(*row, COMMAND) for row in rows], columns=["quantity", "measured", "bar", "command"])
    print(table.drop(columns="command").to_string(index=False))
    if out:
        table.to_csv(out, index=False)


def untrained() -> CausalModel:
    """A model of nine labels and images with random weights."""
    config, graph = RunConfig(DataConfig(image_size=SIDE)), causalgan_tf.load_graph("causal_graph_1")
    networks = run_folder.build_mechanisms(config, graph), run_folder.build_image_generator(config, graph)
    return CausalModel(graph, *networks, config.image.label_encoding)


def measured(model: CausalModel, place: pathlib.Path) -> list[tuple[str, str, str]]:
    """Rows of the table: what, how much, and how much it may be."""
    folder = export_model(model, place / "served")
    loaded = tf.saved_model.load(str(folder))
    asked = requests_of.batch(model)
    typed = [{name: tf.constant(value) for name, value in inputs.items()} for _, inputs in asked]
    expected = [
        {name: value.numpy() for name, value in loaded.signatures[signature](**inputs).items()}
        for (signature, _), inputs in zip(asked, typed, strict=True)
    ]
    rows = [size(model, folder), cold(folder, asked, place)]
    with kserve_process.serving({NAME: folder}, place / "log") as (_, port, server):

        def ask(requests: list, clients: int = 1) -> list:
            named = [request if len(request) == 3 else (NAME, *request) for request in requests]
            return kserve_process.ask(f"127.0.0.1:{port}", named, place, clients)

        rows += speed(model, ask)
        rows.append(broken(model, ask, asked, expected))
        rows.append(crowd(ask, asked, expected, lambda: kserve_process.resident(server.pid)))
    return rows


def size(model: CausalModel, folder: pathlib.Path) -> tuple[str, str, str]:
    """Bytes of the export beside those of the weights."""
    weights = sum(array.nbytes for network in model.networks.values() for array in network.get_weights())
    whole = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return "whole export / weights", f"{whole / weights:.3f} ({whole:,} / {weights:,} bytes)", "1.1"


def cold(folder: pathlib.Path, asked: list, place: pathlib.Path) -> tuple[str, str, str]:
    """Seconds in which TensorFlow Serving's loader has the model."""
    program = c_client.built(place)
    seconds = [c_client.ask(program, folder, asked[:1], place)[0] for _ in range(5)]
    return "cold load, seconds", f"{statistics.median(seconds):.2f}", "5"


def speed(model: CausalModel, ask: Callable[..., list]) -> list[tuple[str, str, str]]:
    """Throughput and latency, the bare generator's between the rounds."""
    noise, columns = (part.shape[-1] for part in model.image_generator.inputs)
    bare = tf.function(lambda z, labels: model.image_generator([z, labels], training=False))
    unset = np.full([1, len(model.graph)], np.nan, np.float32)
    times: dict[str, list[float]] = {"sample": [], "picture": [], "bare 64": [], "bare 1": []}
    for part in range(ROUNDS):
        seeds = np.arange(BATCH, dtype=np.int64) + BATCH * part
        inputs = {"seed": seeds[:1], "value": np.zeros_like(unset), "set": np.zeros(unset.shape, bool)}
        for n in (BATCH, 1):
            z, labels = tf.random.stateless_uniform([n, noise], [1, part]), tf.zeros([n, columns])
            times[f"bare {n}"] += timed(lambda z=z, labels=labels: bare(z, labels).numpy())
        for name, request in (("sample", {"seed": seeds, "do": unset}), ("picture", inputs)):
            answers = ask([(name, request)] * (WARM + CALLS))
            assert all(isinstance(answer, dict) for answer, _ in answers)
            times[name] += [seconds for _, seconds in answers[WARM:]]
    found = {name: statistics.median(part) for name, part in times.items()}
    share = found["bare 64"] / found["sample"]
    rates = f"{BATCH / found['sample']:,.0f} / {BATCH / found['bare 64']:,.0f} images/s"
    over = 1_000 * (found["picture"] - found["bare 1"])
    both = f"{1_000 * found['picture']:.1f} less {1_000 * found['bare 1']:.1f}"
    return [
        ("`sample`, batch 64, through gRPC / bare generator", f"{share:.2f} ({rates})", ".8 at least"),
        ("`picture`, one image, over the bare generator, ms", f"{over:.1f} ({both})", "10"),
    ]


def timed(call: Callable[[], object]) -> list[float]:
    """Seconds of calls, behind the first ones."""
    found = []
    for _ in range(WARM + CALLS):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found[WARM:]


def broken(model: CausalModel, ask: Callable[..., list], asked: list, expected: list) -> tuple[str, str, str]:
    """Malformed requests: how many are answered by an error, and how many right ones behind them by their answer."""
    wrong = [(name or NAME, *request) for name, *request in requests_of.malformed(model, MALFORMED)]
    good = [(NAME, *asked[place % len(asked)]) for place in range(MALFORMED)]
    answers = ask([request for pair in zip(wrong, good, strict=True) for request in pair])
    errors = sum(isinstance(answer, str) for answer, _ in answers[::2])
    right = sum(
        requests_of.same(answer, expected[place % len(asked)]) for place, (answer, _) in enumerate(answers[1::2])
    )
    text = f"{errors} errors, {right} right answers behind them"
    return f"{MALFORMED} malformed requests", text, f"{MALFORMED}, {MALFORMED}"


def crowd(ask: Callable[..., list], asked: list, expected: list, memory: Callable[[], float]) -> tuple[str, str, str]:
    """Mixed requests of several clients at once: how many are answered rightly, and how the server's memory grows."""
    places = np.random.default_rng(1).integers(len(asked), size=2 * MIXED)
    ask([asked[place] for place in places[:MIXED]], CLIENTS)  # its threads and arenas come with the first ones
    before, start = memory(), time.perf_counter()
    answers = ask([asked[place] for place in places[MIXED:]], CLIENTS)
    seconds, grown = time.perf_counter() - start, memory() - before
    right = sum(
        requests_of.same(answer, expected[place]) for (answer, _), place in zip(answers, places[MIXED:], strict=True)
    )
    text = f"{right} right in {seconds:.0f} s, memory {grown:+.0f} MB of {before:,.0f}"
    return f"{MIXED:,} mixed requests of {CLIENTS} clients", text, f"{MIXED:,}, flat"


if __name__ == "__main__":
    main()
