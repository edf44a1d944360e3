"""Draws labels and images from a trained run: causalgan-sample --workdir=runs/faces --do=Mustache=1 --out=OUT.

Writes OUT/labels.csv (one column per label: 0 or 1, a category's name, or a number) and, if images are drawn,
OUT/images.png, OUT/images/00000.png, ... With --compare=Mustache=1 also OUT/compare.png: do(Mustache=1) above the
condition Mustache=1. With --picture=interpolation --label=Mustache only OUT/interpolation_Mustache.png.
"""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from causalgan_tf import gallery
from causalgan_tf.cli import common
from causalgan_tf.config import RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.query import Query, parse_assignments
from causalgan_tf.run_graph import graph_of
from causalgan_tf.variables import Continuous

if TYPE_CHECKING:
    from causalgan_tf.causal_model import CausalModel, Samples

GRID = 400  # images of images.png at most
ROW = 16  # images of a row of compare.png and of other pictures at most
NEAR = 0.25  # standard deviations on either side that --compare conditions a number on
SIDE = 64  # smallest side of an image in a picture, pixels
GROUPS = {  # what --help lists
    "Run and result": ("workdir", "out"),
    "What is drawn": ("n", "do", "given", "images", "seed"),
    "Pictures": ("compare", "picture", "label"),
}
PICTURES = ("none", *gallery.KINDS, "all")


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    common.define(values, "out", "", "folder to write to; an earlier draw in it is replaced")
    common.define(values, "n", 16, "rows to draw", low=1)
    common.define(values, "do", "", "interventions, such as Mustache=1,Smoke=never,Age=50")
    common.define(values, "given", "", "conditions, such as Smiling=1,Age=20..30; with --do they hold under it")
    common.define(
        values,
        "compare",
        "",
        "also draw a picture: these labels, such as Mustache=1, set (above) and conditioned on (below)",
    )
    common.define(
        values,
        "picture",
        PICTURES[0],
        "draw this picture, under --do and --given, instead of single images; --n, at most 16, is its rows or columns",
        PICTURES,
    )
    common.define(
        values, "label", "", "labels of --picture, such as Mustache,Bald; empty: all that --do and --given leave free"
    )
    common.define(values, "images", True, "draw images, if the run has them; --noimages: labels only")
    common.define(
        values, "seed", 0, "seed of the draw: with another --do, row i is still the same unit", low=0, high=2**63 - 1
    )


def main(values: flags.FlagValues) -> None:
    """Samples."""
    workdir, out = common.folder(values, "workdir"), common.folder(values, "out")
    graph = graph_of(workdir, RunConfig.load(workdir))
    do, given, compared = (parse_assignments(text) for text in (values.do, values.given, values.compare))
    seen = {node: neighbourhood(graph, node, value) for node, value in compared.items()}
    asked = (do, given), (do | compared, given), (do, given | seen)
    queries = [Query.create(graph, *parts) for parts in asked]
    kinds, labels = asked_pictures(values, graph, do, given)
    for flag, used in (("--compare", compared), ("--picture", kinds)):
        if used and not values.images:
            raise InputError(f"{flag} draws images: it does not go with --noimages.")
    common.start_tensorflow()
    from causalgan_tf import pictures, runs

    model = runs.load(workdir)
    if kinds:
        write_pictures(model, kinds, labels, (do, given), values, out)
        return
    samples = model.sample(values.n, do, given, values.seed, images=None if values.images else False)
    write(samples, out)
    if compared:
        top, bottom = (model.sample(min(values.n, ROW), *parts, values.seed, images=True) for parts in asked[1:])
        captions = (f"P(image | {query.text()})" for query in queries[1:])
        scale = math.ceil(SIDE / model.image_size)
        pictures.two_rows(top.images, bottom.images, *captions, scale).save(out / "compare.png")
        print(out / "compare.png")


def neighbourhood(graph: CausalGraph, node: str, value: Any) -> Any:
    """The condition beside do(node=value): the value itself; of a continuous label a quarter deviation either way."""
    graph.index(node)
    variable = graph.variables[node]
    if not isinstance(variable, Continuous) or not isinstance(value, int | float):
        return value
    return value - NEAR * variable.std, value + NEAR * variable.std


def asked_pictures(
    values: flags.FlagValues, graph: CausalGraph, do: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kinds of pictures and the labels that --picture and --label ask for, checked; none without --picture."""
    labels = tuple(label.strip() for label in values.label.split(",")) if values.label else ()
    if values.picture == "none":
        if labels:
            raise InputError(f"--label={values.label} says what a picture is about: it needs --picture.")
        return (), ()
    if values.compare:
        raise InputError("--compare and --picture do not go together; --picture=do_given --label=X compares too.")
    kinds = tuple(gallery.KINDS) if values.picture == "all" else (values.picture,)
    if labels:  # diversity is about none
        kinds = tuple(kind for kind in kinds if kind != "diversity" or values.picture != "all")
    for kind in kinds:
        gallery.subjects(graph, kind, labels, do, given)
    return kinds, labels


def write_pictures(
    model: "CausalModel",
    kinds: Sequence[str],
    labels: Sequence[str],
    context: tuple[Mapping[str, Any], Mapping[str, Any]],
    values: flags.FlagValues,
    out: pathlib.Path,
) -> None:
    """Writes each picture, drawn under `context` (do and given), to `out`, in place of an earlier one of its name."""
    if model.image_size is None:
        raise InputError("--picture: this model draws labels only. Train its images: --stages=images.")
    n, scale = min(values.n, ROW), math.ceil(SIDE / model.image_size)
    drawn = gallery.Gallery(model, n, n, *context, values.seed, scale).draw(kinds, labels)
    out.mkdir(parents=True, exist_ok=True)
    for name, image in drawn.items():
        image.save(out / f"{name}.png")
        print(out / f"{name}.png")


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
        Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(single / f"{row:05}.png")
    shown = samples.images[:GRID]
    scale = math.ceil(SIDE / shown.shape[1])
    pictures.grid(shown, math.ceil(math.sqrt(len(shown))), scale=scale).save(out / "images.png")
    print(out / "images.png")


def program() -> None:
    """The command causalgan-sample."""
    common.run(declare, main, groups=GROUPS)


if __name__ == "__main__":
    program()
