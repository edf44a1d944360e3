"""Draws labels and images from a trained run: causalgan-sample --workdir=runs/faces --do=Mustache=1 --out=OUT.

Writes OUT/labels.csv (one column per label: 0 or 1, a category's name, or a number; the last column is the row's seed)
and, if images are drawn, OUT/images.png, OUT/images/00000.png, ... With --compare=Mustache=1 also OUT/compare.png:
do(Mustache=1) above the condition Mustache=1. With --counterfactual=FILE.png OUT/counterfactual.png: that image, and
what it would be under --do. With --picture=interpolation --label=Mustache only OUT/interpolation_Mustache.png. With
--server=URL in place of --workdir a served model draws.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.config import budget
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import safe
from causalgan_tf.inference.query import Query, parse_assignments, parse_names
from causalgan_tf.inference.saved_model import is_saved
from causalgan_tf.inference.served_model import ServedModel
from causalgan_tf.reporting import gallery
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.outputs import OutputFolder

if TYPE_CHECKING:
    from PIL.Image import Image

    from causalgan_tf.inference.causal_model import CausalModel
    from causalgan_tf.inference.samples import Samples

GRID = 400  # images of images.png at most
ROW = 16  # images of a row of compare.png and of other pictures at most
NEAR = 0.25  # standard deviations on either side that --compare conditions a number on
SIDE = 64  # smallest side of an image in a picture, pixels
STEP = 65_536  # candidates that are drawn at once, label_sampler.CHUNK * CHUNKS, without TensorFlow
# what a draw replaces of an earlier one
DRAW = ("labels.csv", "images.png", "compare.png", "counterfactual.png", "images/*.png")
GROUPS = {  # what --help lists
    "Run and result": ("workdir", "server", "out", "overwrite"),
    "What is drawn": ("n", "do", "given", "evidence", "max_draws", "images", "seed"),
    "Pictures": ("compare", "counterfactual", "picture", "label"),
}
# flags that a served model does not answer
UNSERVED = ("workdir", "evidence", "max_draws", "compare", "counterfactual", "picture", "label")
PICTURES = ("none", *gallery.KINDS, "all")


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    common.define(
        values, "server", "", "in place of --workdir: a served model, such as http://127.0.0.1:8501/v1/models/faces"
    )
    common.define(values, "out", "", "folder to write to; an earlier draw in it is replaced, other files never")
    common.define(values, "overwrite", False, "replace files in --out that are in the way, whoever wrote them")
    common.define(values, "n", 16, "rows to draw", low=1)
    common.define(values, "do", "", "interventions, such as Mustache=1,Smoke=never,Age=50")
    common.define(values, "given", "", "conditions, such as Smiling=1,Age=20..30; with --do they hold under it")
    common.define(values, "evidence", "", "what was seen of the units before --do, such as Smokes=1,Ill=1")
    common.define(
        values,
        "compare",
        "",
        "also draw a picture: these labels, such as Mustache=1, set (above) and conditioned on (below)",
    )
    common.define(
        values,
        "counterfactual",
        "",
        "an image file: draw it as it would be under --do; --evidence says what is known of its labels",
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
        values,
        "max_draws",
        0,
        f"rows that may be drawn to find those that --given asks for, in steps of {STEP:,}; 0: the model chooses",
        low=0,
    )
    common.define(
        values, "seed", 0, "seed of the draw: with another --do, row i is still the same unit", low=0, high=2**63 - 1
    )


def main(values: flags.FlagValues) -> None:
    """Samples."""
    (sample_served if values.server else sample_run)(values)


def sample_run(values: flags.FlagValues) -> None:
    """Writes what a trained run draws."""
    workdir, out = common.folder(values, "workdir"), common.folder(values, "out")
    run = Run.open(workdir)
    graph = run.graph
    texts = (values.do, values.given, values.compare, values.evidence)
    do, given, compared, evidence = (parse_assignments(text) for text in texts)
    seen = {node: neighbourhood(graph, node, value) for node, value in compared.items()}
    asked = (do, given), (do | compared, given), (do, given | seen)
    queries = [Query.create(graph, *parts) for parts in asked]
    Query.create(graph, do, given, evidence)
    if evidence and (compared or values.picture != PICTURES[0]):
        raise InputError("--evidence is of the rows that are drawn: it does not go with --compare and --picture.")
    # all is checked before TensorFlow starts, which takes seconds
    kinds, labels = asked_pictures(values, graph, do, given)
    for flag, used in (("--compare", compared), ("--picture", kinds)):
        if used and not values.images:
            raise InputError(f"{flag} draws images: it does not go with --noimages.")
    folder = OutputFolder(out, values.overwrite)
    if values.counterfactual:
        counterfactual(run, values, (do, evidence), folder)
        return
    if kinds:
        folder.claim(picture_files(graph, kinds, labels, do, given))
    else:
        data = run.config.data
        drawn = values.images and (workdir / "images" / "checkpoint").is_file()
        budget.check_draw(values.n, graph, (data.image_size, data.image_size, data.channels) if drawn else ())
        folder.claim([*files(values.n if drawn else 0), *(["compare.png"] if compared else [])])
    common.start_tensorflow()
    from causalgan_tf.reporting import pictures

    model = run.model()
    if kinds:
        write_pictures(model, kinds, labels, (do, given), values, folder)
        return
    drawn = None if values.images else False
    most = values.max_draws or None
    samples = model.sample(values.n, do, given, values.seed, drawn, most, evidence=evidence, progress=True)
    extra = {}
    if compared:
        top, bottom = (
            model.sample(min(values.n, ROW), *parts, values.seed, images=True, max_draws=most, progress=True)
            for parts in asked[1:]
        )
        captions = (f"P(image | {query.text()})" for query in queries[1:])
        scale = math.ceil(SIDE / model.image_size)
        extra["compare.png"] = pictures.two_rows(top.images, bottom.images, *captions, scale)
    write(samples, folder, extra)
    if samples.images is not None and samples.supported is not None:
        print(samples.support_in_words())


def sample_served(values: flags.FlagValues) -> None:
    """Writes what a served model draws."""
    beside = [name for name in UNSERVED if values[name].value != values[name].default]
    if beside:
        raise InputError(
            f"--{beside[0]} is of a trained run: it does not go with --server. Name --workdir, or drop it."
        )
    out, do, given = common.folder(values, "out"), parse_assignments(values.do), parse_assignments(values.given)
    folder, model = OutputFolder(out, values.overwrite), ServedModel(values.server)
    Query.create(model.graph, do, given)
    drawn = values.images and model.image_size is not None
    folder.claim(files(values.n if drawn else 0))
    common.start_tensorflow()
    write(model.sample(values.n, do, given, values.seed, drawn), folder)


def counterfactual(
    run: Run, values: flags.FlagValues, asked: tuple[dict[str, Any], dict[str, Any]], folder: OutputFolder
) -> None:
    """Writes a given image beside what it would have been under do; an encoder is fitted first, if there is none."""
    from causalgan_tf.data.decoding import UnfitError, decode

    do, evidence = asked
    beside = [name for name in ("given", "compare") if values[name].value] + ["picture"] * (values.picture != "none")
    if beside or not values.images:
        raise InputError(f"--counterfactual does not go with --{beside[0] if beside else 'noimages'}.")
    if not do:
        raise InputError("--counterfactual says what an image would be under an intervention: it needs --do.")
    path, d = common.folder(values, "counterfactual"), run.config.data
    if not path.is_file():
        raise InputError(f"--counterfactual={values.counterfactual}: there is no such file.")
    try:
        image = decode((str(path), path), d.crop_size, d.image_size, d.channels)[None]
    except UnfitError as error:
        side = f" of {d.crop_size} x {d.crop_size} pixels or more" if d.crop_size > 0 else ""
        raise InputError(
            f"{error.what}. Expected a PNG or JPEG file with a square image{side}: make one of it."
        ) from None
    run.require("images")
    folder.claim(["labels.csv", "counterfactual.png", "images.png", *files(1)])
    common.start_tensorflow()
    import pandas as pd

    from causalgan_tf.reporting import pictures
    from causalgan_tf.runs import encoder_file
    from causalgan_tf.training.encoding import fit_encoder

    model = run.model()
    if model.encoder is None:
        print("Fitting an encoder to what the model draws ...", file=sys.stderr, flush=True)
        fit_encoder(model)
        # a saved model's folder is as `save` has written it
        if not is_saved(run.workdir):
            encoder_file.save(run.workdir, model.images, model.encoder)
    samples = model.counterfactual(image, do, seed=values.seed, labels=pd.DataFrame([evidence]) if evidence else None)
    scale = math.ceil(SIDE / model.image_size)
    strip = pictures.two_rows(image, samples.images, "as it is", f"under {samples.query.text()}", scale)
    # the noise of this image is the encoder's, of no seed
    write(samples, folder, {"counterfactual.png": strip}, seeds=False)


def neighbourhood(graph: CausalGraph, node: str, value: Any) -> Any:
    """The condition beside do(node=value): the value itself; of a continuous label a quarter deviation either way."""
    graph.index(node)
    variable = graph.variables[node]
    if variable.size is not None or not isinstance(value, int | float):
        return value
    # an exact number has probability 0, so there is nothing to condition on
    return value - NEAR * variable.std, value + NEAR * variable.std


def asked_pictures(
    values: flags.FlagValues, graph: CausalGraph, do: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kinds of pictures and the labels that --picture and --label ask for, checked; none without --picture."""
    labels = parse_names(values.label)
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


def picture_files(
    graph: CausalGraph, kinds: Sequence[str], labels: Sequence[str], do: Mapping[str, Any], given: Mapping[str, Any]
) -> list[str]:
    """The files of the pictures that `write_pictures` writes."""
    names = []
    for kind in kinds:
        about = gallery.subjects(graph, kind, labels, do, given)
        names += [f"{kind}_{node}" for node in about] if gallery.KINDS[kind].labelled else [kind]
    return [f"{safe(name)}.png" for name in names]


def write_pictures(
    model: "CausalModel",
    kinds: Sequence[str],
    labels: Sequence[str],
    context: tuple[Mapping[str, Any], Mapping[str, Any]],
    values: flags.FlagValues,
    folder: OutputFolder,
) -> None:
    """Writes each picture, drawn under `context` (do and given), in place of an earlier one of its name."""
    model.check_images("--picture")
    n, scale = min(values.n, ROW), math.ceil(SIDE / model.image_size)
    drawn = gallery.Gallery(model, n, n, *context, values.seed, scale, values.max_draws or None).draw(kinds, labels)
    for name, image in drawn.items():
        write_image(folder, f"{safe(name)}.png", image)
    folder.finish()


def files(images: int) -> list[str]:
    """The files of a draw with so many images."""
    single = [f"images/{row:05}.png" for row in range(images)]
    return ["labels.csv", *(["images.png"] if images else []), *single]


def write(
    samples: "Samples", folder: OutputFolder, extra: Mapping[str, "Image"] | None = None, seeds: bool = True
) -> None:
    """Writes labels.csv, with the rows' seeds or without, images and further pictures in place of an earlier draw's."""
    from PIL import Image

    from causalgan_tf.inference.samples import with_seeds
    from causalgan_tf.reporting import pictures

    drawn = samples.images
    folder.claim([*files(0 if drawn is None else len(drawn)), *(extra or {})])
    table = with_seeds(samples.labels, samples.seeds) if seeds else samples.labels
    folder.write("labels.csv", lambda file: table.to_csv(file, index=False, mode="wb"))
    print(folder.path / "labels.csv")
    if drawn is not None:
        for row, image in enumerate(drawn):
            single = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
            write_image(folder, f"images/{row:05}.png", single, say=False)
        shown = drawn[:GRID]
        scale = math.ceil(SIDE / shown.shape[1])
        write_image(folder, "images.png", pictures.grid(shown, math.ceil(math.sqrt(len(shown))), scale=scale))
    for name, image in (extra or {}).items():
        write_image(folder, name, image)
    folder.finish(DRAW)


def write_image(folder: OutputFolder, name: str, image: "Image", say: bool = True) -> None:
    """Writes a picture as PNG and, where asked to, prints its path."""
    folder.write(name, lambda file: image.save(file, format="PNG"))
    if say:
        print(folder.path / name)


def program() -> None:
    """The command causalgan-sample."""
    common.run(declare, main, groups=GROUPS)


if __name__ == "__main__":
    program()
