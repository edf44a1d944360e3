"""report.json and report.html of an evaluated run."""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from causalgan_tf import page, report_labels
from causalgan_tf.page import NOTHING, Card, decimal


def write_report(workdir: str | pathlib.Path, numbers: Mapping[str, Any], drawn: Mapping[str, Image.Image]) -> None:
    """Writes `workdir`/report: report.json, report.html with everything inside, and each picture as a PNG file.

    Args:
        workdir: the run folder.
        numbers: what evaluation.evaluate returned.
        drawn: what pictures.draw_pictures returned.
    """
    folder = pathlib.Path(workdir) / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(to_json(numbers), encoding="utf-8")
    (folder / "report.html").write_text(to_html(numbers, drawn), encoding="utf-8")
    for name, image in drawn.items():
        image.save(folder / f"{name}.png")


def to_json(numbers: Mapping[str, Any]) -> str:
    """The numbers as JSON text; NaN and infinities, which JSON lacks, become null."""
    return json.dumps(_plain(numbers), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def to_html(numbers: Mapping[str, Any], drawn: Mapping[str, Image.Image]) -> str:
    """The whole report as one self-contained page."""
    numbers = _plain(numbers)
    labels, images = report_labels.sections(numbers["labels"], numbers["law"]), numbers.get("images")
    if images:
        labels = [*_do_and_given(drawn), *labels, *_effectiveness(images), *_image_law(images), *_samples(drawn)]
    body = [
        page.heading("What this model has learnt", 1),
        page.paragraph(_subtitle(numbers), note=True),
        _headline(numbers),
        *report_labels.statements(numbers["labels"]),
        *_graph(drawn),
        *labels,
        *_run(numbers),
    ]
    return page.document("CausalGAN report", body)


def _graph(drawn: Mapping[str, Image.Image]) -> list[str]:
    if "graph" not in drawn:
        return []
    width = min(report_labels.CHART_WIDTH, drawn["graph"].width)
    return [page.heading("The causal graph"), page.picture(drawn["graph"], "the causal graph", width)]


def _plain(value: Any) -> Any:
    """Plain Python values, None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f} s"


def _subtitle(numbers: Mapping[str, Any]) -> str:
    data = numbers["config"]["data"]
    size = f" · {data['image_size']} × {data['image_size']} pixels" if "images" in numbers else " · labels only"
    return f"{data['dataset']} · graph {data['graph']}{size} · seed {numbers['config']['seed']}"


def _headline(numbers: Mapping[str, Any]) -> str:
    images, timing = numbers.get("images"), numbers["timing"]
    rows = list(report_labels.cards(numbers["labels"]))
    if images:
        rows += _image_cards(images)
    spent = f"in all, {_seconds(timing['evaluate_s'])} of it for this evaluation."
    rows.append(("Time", _seconds(timing["total_s"]), spent))
    return page.cards(rows)


def _image_cards(images: Mapping[str, Any]) -> list[Card]:
    effect, cfid, cover = images["effectiveness"]["do"], images["cfid"], images["coverage"]
    judge = np.mean(list(images["judge"].values()))
    return [
        (
            "Images show what is set",
            _percent(effect["mean"]),
            f"of the images under do(X=x) show X=x to a judge, who is right on {_percent(judge)} of unseen real ones.",
        ),
        (
            "Other labels stay right",
            _percent(effect["other_labels"]),
            "of the labels that were not set are seen in those images as the model drew them.",
        ),
        (
            "Image law under do" if cfid["do"] is not None else "Image law",
            decimal(cfid["do"] if cfid["do"] is not None else cfid["observational"], 2),
            f"cFID; two sets of real images are {decimal(cfid['control'], 2)} apart.",
        ),
        (
            "Variety",
            _percent(cover["model"]),
            f"of the real images have a generated one nearby; other real ones cover {_percent(cover['control'])}.",
        ),
    ]


def _do_and_given(drawn: Mapping[str, Image.Image]) -> list[str]:
    rows, switched = [], []
    for name, image in drawn.items():
        for kind, parts, words in (
            ("do_given_", rows, "do({0}=1) above given {0}=1"),
            ("switched_", switched, "do({0}=1) above do({0}=0), the same noise"),
        ):
            if name.startswith(kind):
                label = name.removeprefix(kind)
                parts.append(page.picture(image, words.format(label)))
    return [
        page.heading("Intervention above, condition below"),
        page.paragraph("The upper row sets the label and leaves its causes alone; the lower keeps who has it anyway."),
        page.pair(rows),
        page.heading("The same people, one label switched"),
        page.paragraph("Each column is one draw of all noise: only what the label causes may change from row to row."),
        page.pair(switched),
    ]


def _effectiveness(images: Mapping[str, Any]) -> list[str]:
    effect, judge = images["effectiveness"], images["judge"]
    balanced = images["balanced_accuracy_observational"], images["balanced_accuracy"]
    columns = [effect["observational"], balanced[0], effect["do"], effect["uniform_cells"], balanced[1], judge]
    rows = [(label, *(_percent(column.get(label)) for column in columns)) for label in judge]
    means = [np.mean([column[label] for label in judge if column.get(label) is not None]) for column in columns]
    rows.append(("mean", *map(_percent, means)))
    seen = (
        "The judge was trained on rendered images with all label combinations alike."
        if images["judge_cells"] == "uniform"
        else "The judge has seen observational images only: on combinations that the data lacks it extrapolates."
    )
    return [
        page.heading("Do the images show their labels?"),
        page.paragraph(f"{seen} It never saw a generated image. Its own score on held-out real images is the ceiling."),
        page.table(
            ("Label", "as observed", "balanced", "set by do", "uniform cells", "balanced", "judge on real"),
            rows,
            {len(rows) - 1: "total"},
        ),
        page.paragraph(
            f"Share of images in which the judge sees the label that they were drawn for; balanced: mean of the shares "
            f"for label 0 and label 1. Set by do: mean of do(X=0) and do(X=1), n = {images['n']['do_effectiveness']:,} "
            f"images each; {_percent(effect['do']['other_labels'])} of the labels that were not set are seen as drawn.",
            note=True,
        ),
        page.folded(
            "Every label under each intervention",
            page.table(
                ("Intervention", *judge),
                [(name, *(_percent(row[label]) for label in judge)) for name, row in effect["do_each"].items()],
            ),
        ),
    ]


def _image_law(images: Mapping[str, Any]) -> list[str]:
    cfid, cover, diversity, n = images["cfid"], images["coverage"], images["diversity"], images["n"]
    under_do = decimal(cfid["do"], 2) if cfid["do"] is not None else "no renderer"
    parts = [
        page.heading("Are they images of the right law?"),
        page.table(
            ("", "cFID", "cFID under do", "coverage", "pairwise distance"),
            [
                (
                    "model",
                    decimal(cfid["observational"], 2),
                    under_do,
                    _percent(cover["model"]),
                    decimal(diversity["model"]),
                ),
                (
                    "real images (control)",
                    decimal(cfid["control"], 2),
                    "",
                    _percent(cover["control"]),
                    decimal(diversity["real"]),
                ),
            ],
            {1: "control"},
        ),
        page.paragraph(
            f"cFID: Fréchet distance of the judge's features, {n['observational']:,} generated against "
            f"{n['real']:,} real images; the control compares {n['control']:,} with {n['control']:,} real ones. It is "
            "no FID: the features are this judge's, so compare it with the control and with runs on the same data "
            "only. Under do: against rendered images under the same intervention, mean over all single ones. Coverage: "
            "share of the real images that have a generated one within the distance of their fifth nearest real "
            "neighbour. Pairwise distance: between images with equal labels, root mean square, of 255 grey levels.",
            note=True,
        ),
    ]
    if cfid["do_each"]:
        rows = [(name, decimal(value, 2)) for name, value in cfid["do_each"].items()]
        parts.append(page.folded("cFID under each intervention", page.table(("Intervention", "cFID"), rows)))
    return parts


def _samples(drawn: Mapping[str, Image.Image]) -> list[str]:
    titles = {"samples": "Generated", "real": "Real"}
    shown = [
        page.heading(title, 3) + page.picture(drawn[name], f"{title} images")
        for name, title in titles.items()
        if name in drawn
    ]
    return [page.heading("Random samples"), page.pair(shown)]


def _run(numbers: Mapping[str, Any]) -> list[str]:
    timing = [(name.removesuffix("_s").replace("_", " "), _seconds(value)) for name, value in numbers["timing"].items()]
    versions = ", ".join(f"{name} {version}" for name, version in numbers["versions"].items())
    return [
        page.heading("The run"),
        page.heading("Causal graph", 3),
        page.code(numbers["graph"]),
        page.heading("Time", 3),
        page.table(("Phase", "seconds"), timing, {len(timing) - 1: "total"}),
        page.folded("Configuration", page.code(json.dumps(numbers["config"], indent=2))),
        page.folded("Sizes of the evaluation", page.code(json.dumps(numbers["sizes"], indent=2))),
        page.paragraph(versions, note=True),
    ]
