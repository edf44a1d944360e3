"""report.json and report.html of an evaluated run."""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from causalgan_tf import page, pictures

NOTHING = "–"
CHART_WIDTH = 720  # pixels of the page


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
    labels, images = _labels(numbers), numbers.get("images")
    if images:
        labels = [*_do_and_given(drawn), *labels, *_effectiveness(images), *_image_law(images), *_samples(drawn)]
    body = [
        page.heading("What this model has learnt", 1),
        page.paragraph(_subtitle(numbers), note=True),
        _headline(numbers),
        *_statements(numbers["labels"]),
        *labels,
        *_run(numbers),
    ]
    return page.document("CausalGAN report", body)


def _plain(value: Any) -> Any:
    """Plain Python values, None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _decimal(value: float | None, digits: int = 3) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f} s"


def _subtitle(numbers: Mapping[str, Any]) -> str:
    data = numbers["config"]["data"]
    size = f" · {data['image_size']} × {data['image_size']} pixels" if "images" in numbers else " · labels only"
    return f"{data['dataset']} · graph {data['graph']}{size} · seed {numbers['config']['seed']}"


def _headline(numbers: Mapping[str, Any]) -> str:
    labels, images, timing = numbers["labels"], numbers.get("images"), numbers["timing"]
    do = labels["do"]
    rows = [
        (
            "Labels as in the data",
            _decimal(labels["tvd"]),
            f"total variation distance: 0 is the same law, 1 disjoint. Sampling alone gives "
            f"{_decimal(labels['tvd_floor'])}.",
        ),
        (
            "Labels under interventions",
            _decimal(do["max_tvd"]),
            f"largest distance over the {len(do['each'])} single interventions, at {do['worst']}; "
            f"their mean is {_decimal(do['mean_tvd'])}.",
        ),
    ]
    if images:
        rows += _image_cards(images)
    spent = f"in all, {_seconds(timing['evaluate_s'])} of it for this evaluation."
    rows.append(("Time", _seconds(timing["total_s"]), spent))
    return page.cards(rows)


def _image_cards(images: Mapping[str, Any]) -> list[tuple[str, str, str]]:
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
            _decimal(cfid["do"] if cfid["do"] is not None else cfid["observational"], 2),
            f"cFID; two sets of real images are {_decimal(cfid['control'], 2)} apart.",
        ),
        (
            "Variety",
            _percent(cover["model"]),
            f"of the real images have a generated one nearby; other real ones cover {_percent(cover['control'])}.",
        ),
    ]


def _statements(labels: Mapping[str, Any]) -> list[str]:
    if not labels["queries"]:
        return []
    rows = [
        (
            query["query"],
            _decimal(query["model"], 4),
            _decimal(query["truth"], 4),
            NOTHING if None in (query["model"], query["truth"]) else f"{query['model'] - query['truth']:+.4f}",
        )
        for query in labels["queries"]
    ]
    return [
        page.heading("To do is not to condition"),
        page.paragraph(
            "Giving everybody a mustache changes nobody's sex; meeting somebody with a mustache tells it. A causal "
            "model must answer both questions, and answer them differently."
        ),
        page.table(("Probability", "Model", "Truth", "Difference"), rows),
    ]


def _labels(numbers: Mapping[str, Any]) -> list[str]:
    labels = numbers["labels"]
    do = labels["do"]
    law = "the exact law of the data" if numbers["law"] == "exact" else "the law that the graph implies for the data"
    rows = [
        ("TVD to the data", _decimal(labels["tvd"], 4)),
        ("its sampling floor", _decimal(labels["tvd_floor"], 4)),
        ("TVD to the graph's law", _decimal(labels["tvd_to_graph_law"], 4)),
        ("TVD of the data to the graph's law", _decimal(labels["tvd_data_to_graph_law"], 4)),
        ("mass on combinations that the data lacks", _decimal(labels["off_support_mass"], 4)),
    ]
    each = [(name, _decimal(value, 4), _decimal(do["floor"][name], 4)) for name, value in do["each"].items()]
    chart = pictures.bars(do["each"], do["floor"], "total variation distance")
    return [
        page.heading("Labels"),
        page.table(("Joint law of all labels", f"n = {labels['n']:,}"), rows),
        page.heading("Every single intervention", 3),
        page.paragraph(
            f"Distance of the model's labels under do(X=x) to {law}, mechanisms of X removed. "
            "The dark tick is what sampling alone would give."
        ),
        page.picture(chart, "total variation distance under each single intervention", CHART_WIDTH),
        page.folded("The same as a table", page.table(("Intervention", "TVD", "sampling floor"), each)),
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
    under_do = _decimal(cfid["do"], 2) if cfid["do"] is not None else "no renderer"
    parts = [
        page.heading("Are they images of the right law?"),
        page.table(
            ("", "cFID", "cFID under do", "coverage", "pairwise distance"),
            [
                (
                    "model",
                    _decimal(cfid["observational"], 2),
                    under_do,
                    _percent(cover["model"]),
                    _decimal(diversity["model"]),
                ),
                (
                    "real images (control)",
                    _decimal(cfid["control"], 2),
                    "",
                    _percent(cover["control"]),
                    _decimal(diversity["real"]),
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
        rows = [(name, _decimal(value, 2)) for name, value in cfid["do_each"].items()]
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
