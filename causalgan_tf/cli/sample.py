"""Draws labels and images from a trained run: causalgan-sample --workdir=runs/faces --do=Mustache=1 --out=OUT.

Writes OUT/labels.csv (one column a label: 0 or 1, a category's name, or a number) and, if images are drawn,
OUT/images.png, OUT/images/00000.png, ... With --compare=Mustache=1 also OUT/compare.png: do(Mustache=1) above the
condition Mustache=1.
"""

import math
import pathlib
from typing import TYPE_CHECKING

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.config import RunConfig
from causalgan_tf.data.images import require_binary
from causalgan_tf.errors import InputError
from causalgan_tf.query import Query, parse_assignments
from causalgan_tf.run_graph import graph_of

if TYPE_CHECKING:
    from causalgan_tf.causal_model import Samples

GRID = 400  # images of images.png at most
ROW = 16  # images of a row of compare.png at most
SIDE = 64  # smallest side of an image in a picture, pixels


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    common.define(values, "out", "", "folder to write to; an earlier draw in it is replaced")
    common.define(values, "n", 16, "rows to draw", low=1)
    common.define(values, "do", "", "interventions, such as Mustache=1,Smoke=never,Age=50")
    common.define(values, "given", "", "conditions, such as Smiling=1,Age=20..30, in the model that --do has mutilated")
    common.define(values, "compare", "", "labels, such as Mustache=1, to be set above and conditioned on below")
    common.define(values, "images", True, "draw images, if the run has them; --noimages: labels only")
    common.define(
        values, "seed", 0, "seed of the draw: with another --do, row i is still the same unit", low=0, high=2**63 - 1
    )


def main(values: flags.FlagValues) -> None:
    """Samples."""
    workdir, out = common.folder(values, "workdir"), common.folder(values, "out")
    graph = graph_of(workdir, RunConfig.load(workdir))
    do, given, compared = (parse_assignments(text) for text in (values.do, values.given, values.compare))
    if compared:
        require_binary(graph, "--compare")
    asked = (do, given), (do | compared, given), (do, given | compared)
    queries = [Query.create(graph, *parts) for parts in asked]
    if compared and not values.images:
        raise InputError("--compare draws images: it does not go with --noimages.")
    common.start_tensorflow()
    from causalgan_tf import pictures, runs

    model = runs.load(workdir)
    samples = model.sample(values.n, do, given, values.seed, images=None if values.images else False)
    write(samples, out)
    if compared:
        top, bottom = (model.sample(min(values.n, ROW), *parts, values.seed, images=True) for parts in asked[1:])
        captions = (f"P(image | {query.text()})" for query in queries[1:])
        scale = math.ceil(SIDE / model.image_size)
        pictures.two_rows(top.images, bottom.images, *captions, scale).save(out / "compare.png")
        print(out / "compare.png")


def write(samples: "Samples", out: pathlib.Path) -> None:
    """Writes labels.csv, images.png and images/ into `out`, in place of those of an earlier draw."""
    from PIL import Image

    from causalgan_tf import pictures

    single = out / "images"
    out.mkdir(parents=True, exist_ok=True)
    for old in (out / "images.png", out / "compare.png", *single.glob("[0-9]*.png")):
        old.unlink(missing_ok=True)
    samples.labels.to_csv(out / "labels.csv", index=False)
    print(out / "labels.csv")
    if samples.images is None:
        return
    single.mkdir(exist_ok=True)
    for row, image in enumerate(samples.images):
        Image.fromarray(image).save(single / f"{row:05}.png")
    shown = samples.images[:GRID]
    scale = math.ceil(SIDE / shown.shape[1])
    pictures.grid(shown, math.ceil(math.sqrt(len(shown))), scale=scale).save(out / "images.png")
    print(out / "images.png")


def program() -> None:
    """The command causalgan-sample."""
    common.run(declare, main)


if __name__ == "__main__":
    program()
