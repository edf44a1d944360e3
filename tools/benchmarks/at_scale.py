"""Draws at scale by Beam's DirectRunner, with one worker and with two, beside causalgan-sample.

    python -m tools.benchmarks.at_scale [--folder=FOLDER]

It exports the built-in faces, draws 100,000 labels and 2,000 images both ways, and says whether the labels are equal
and how far the images are apart. A larger draw says how fast it is: rows/s from its first finished shard to its last,
and rows for each second of a processor beyond those of the smaller draw, so that the start of processes and of
TensorFlow is in neither. Needs the extra [beam] and minutes; writes results/at_scale.csv.
"""

import argparse
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from PIL import Image

import causalgan_tf
from causalgan_tf.inference.export import export_model

ROOT = pathlib.Path(__file__).parents[2]
RESULTS = pathlib.Path(__file__).parent / "results" / "at_scale.csv"
COMMAND = "python -m tools.benchmarks.at_scale"
SEED = 7
DRAWS = {"labels": (100_000, 2_100_000, ["--noimages"], 25_000), "images": (2_000, 12_000, [], 250)}
WORKERS = (1, 2)


def timed(line: list[str]) -> tuple[float, float]:
    """Seconds that a program takes, and seconds of its processors."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    start, before = time.monotonic(), os.times()
    done = subprocess.run([sys.executable, *line], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - start, used


def drawn(model: pathlib.Path, out: pathlib.Path, what: str, n: int, workers: int) -> tuple[float, float]:
    """Seconds of a draw by Beam, as of `timed`."""
    _, _, flags, shard_rows = DRAWS[what]
    line = ["tools/at_scale/beam_sample.py", f"--model={model}", f"--out={out}", f"--n={n}", f"--seed={SEED}", *flags]
    line += [f"--shard_rows={shard_rows}", "--runner=DirectRunner", f"--direct_num_workers={workers}"]
    return timed([*line, "--direct_running_mode=multi_processing"])


def steady(out: pathlib.Path, n: int, workers: int) -> float:
    """Rows/s of a draw from when its first shard was there; by then each worker has begun one."""
    times = sorted(path.stat().st_mtime for path in out.glob("part-*"))
    return n * (len(times) - workers) / len(times) / (times[-1] - times[0])


def rows_of(out: pathlib.Path) -> pd.DataFrame:
    """The rows of all shards."""
    shards = json.loads((out / "draw.json").read_text(encoding="utf-8"))["shards"]
    return pd.concat([pd.read_parquet(out / shard["file"]) for shard in shards], ignore_index=True)


def agreement(out: pathlib.Path, expected: pathlib.Path) -> str:
    """How the rows of shards differ from what causalgan-sample has written."""
    rows, labels = rows_of(out), pd.read_csv(expected / "labels.csv")
    equal = int((rows[labels.columns].to_numpy() == labels.to_numpy()).all(axis=1).sum())
    text = f"{equal:,} of {len(labels):,} rows equal"
    if "image" not in rows:
        return text
    single = sorted((expected / "images").iterdir())
    pairs = zip(rows["image"], single, strict=True)
    levels = max(np.abs(pixels(io.BytesIO(file)) - pixels(path)).max() for file, path in pairs)
    return f"{text}, images apart by {levels} grey levels at most"


def pixels(file: io.BytesIO | pathlib.Path) -> np.ndarray:
    return np.asarray(Image.open(file)).astype(int)


def measured(place: pathlib.Path) -> list[dict[str, str]]:
    """A row for each kind of draw and number of workers."""
    model = causalgan_tf.load("builtin:faces")
    model.save(place / "run")
    folder, rows = export_model(model, place / "model"), []
    for what, (few, many, flags, _) in DRAWS.items():
        expected = place / f"{what}_expected"
        line = [f"--workdir={place / 'run'}", f"--out={expected}", f"--n={few}", f"--seed={SEED}", *flags]
        timed(["-m", "causalgan_tf.cli.sample", *line])
        for workers in WORKERS:
            outs = [place / f"{what}_{n}_{workers}" for n in (few, many)]
            short, long = (drawn(folder, out, what, n, workers) for out, n in zip(outs, (few, many), strict=True))
            cores = (many - few) / (long[1] - short[1])
            size = sum(path.stat().st_size for path in outs[1].glob("part-*")) / many
            found = {"quantity": f"{what}, {workers} worker{'s' * (workers > 1)}"}
            found |= {"whole run, s": f"{long[0]:.0f}", "rows": f"{many:,}"}
            found |= {"rows/s": f"{steady(outs[1], many, workers):,.0f}"}
            found |= {"rows/s of a core": f"{cores:,.0f}", "bytes a row": f"{size:,.1f}"}
            rows.append(found | {"beside causalgan-sample": agreement(outs[0], expected)})
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="", help="where to draw to, and what to leave; else a temporary one")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        rows = measured(pathlib.Path(folder or temporary))
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "command"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"command": COMMAND} for row in rows)


if __name__ == "__main__":
    main()
