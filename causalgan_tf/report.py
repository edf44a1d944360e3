"""report.json and report.html of an evaluated run."""

import functools
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from causalgan_tf import page, report_labels
from causalgan_tf.gallery import KINDS, Kind
from causalgan_tf.image_config import IMAGE_MODELS
from causalgan_tf.names import safe
from causalgan_tf.outputs import OutputFolder
from causalgan_tf.page import NOTHING, Card, decimal


def write_report(
    workdir: str | pathlib.Path | OutputFolder, numbers: Mapping[str, Any], drawn: Mapping[str, Image.Image]
) -> None:
    """Writes `workdir`/report: report.json, report.html with everything inside, and each picture as a PNG file.

    Args:
        workdir: the run folder, or the folder `report` itself as an OutputFolder.
        numbers: what run_evaluation.evaluate returned.
        drawn: what gallery.report_pictures returned.

    Raises:
        InputError: a file of the report is there that the project did not write, or the folder cannot be written.
    """
    folder = workdir if isinstance(workdir, OutputFolder) else OutputFolder(pathlib.Path(workdir) / "report")
    pictures = {f"{safe(name)}.png": image for name, image in drawn.items()}
    folder.claim(["report.json", "report.html", *pictures])
    folder.write("report.json", lambda file: file.write(to_json(numbers).encode()))
    folder.write("report.html", lambda file: file.write(to_html(numbers, drawn).encode()))
    for name, image in pictures.items():
        folder.write(name, functools.partial(image.save, format="PNG"))
    folder.finish()


def to_json(numbers: Mapping[str, Any]) -> str:
    """The numbers as JSON text; NaN and infinities, which JSON lacks, become null."""
    return json.dumps(_plain(numbers), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def to_html(numbers: Mapping[str, Any], drawn: Mapping[str, Image.Image]) -> str:
    """The whole report as one self-contained page."""
    numbers = _plain(numbers)
    labels, images = report_labels.sections(numbers["labels"], numbers["law"]), numbers.get("images")
    if images:
        shown = [*_effectiveness(images), *_errors(images["continuous"])]
        labels = [*_gallery(drawn), *labels, *shown, *_image_law(images), *_samples(drawn)]
    body = [
        page.heading("What this model has learnt", 1),
        page.paragraph(_subtitle(numbers), note=True),
        _headline(numbers),
        *report_labels.statements(numbers["labels"]),
        *_graph(drawn),
        *labels,
        *_run(numbers),
    ]
    return page.document(f"{_model(numbers)} report", body)


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


def _model(numbers: Mapping[str, Any]) -> str:
    return IMAGE_MODELS[numbers["config"]["image"]["model"]] if "images" in numbers else "Causal controller"


def _subtitle(numbers: Mapping[str, Any]) -> str:
    data = numbers["config"]["data"]
    size = f" · {data['image_size']} × {data['image_size']} pixels" if "images" in numbers else " · labels only"
    return f"{_model(numbers)} · {data['dataset']} · graph {data['graph']}{size} · seed {numbers['config']['seed']}"


def _headline(numbers: Mapping[str, Any]) -> str:
    images, timing = numbers.get("images"), numbers["timing"]
    rows = list(report_labels.cards(numbers["labels"]))
    if images:
        rows += _image_cards(images)
    spent = f"in all, {_seconds(timing['evaluate_s'])} of it for this evaluation."
    rows.append(("Time", _seconds(timing["total_s"]), spent))
    return page.cards(rows)


def _image_cards(images: Mapping[str, Any]) -> list[Card]:
    cover = images["coverage"]
    distance, frechet = _frechet(images)
    return [
        *(_accuracy_cards(images) if images["judge"] else []),
        *(_error_cards(images["continuous"]) if images["continuous"] else []),
        (
            "Image law under do" if frechet["do"] is not None else "Image law",
            decimal(frechet["do"] if frechet["do"] is not None else frechet["observational"], 2),
            f"{distance}; two sets of real images are {decimal(frechet['control'], 2)} apart.",
        ),
        (
            "Variety",
            _percent(cover["model"]),
            f"of the real images have a generated one nearby; other real ones cover {_percent(cover['control'])}.",
        ),
    ]


def _accuracy_cards(images: Mapping[str, Any]) -> list[Card]:
    effect, judge = images["effectiveness"]["do"], np.mean(list(images["judge"].values()))
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
    ]


def _error_cards(continuous: Mapping[str, Any]) -> list[Card]:
    def mean(where: str) -> float:
        """Of the labels, in standard deviations, by measure where there is one."""
        return np.mean([(own["measured"] or own["judge"])[where] / own["sd"] for own in continuous.values()])

    words = f"mean error of a number that was set, as it is read off the image; off real images {mean('real'):.2f} sd."
    return [("Numbers show what is set", f"{mean('do'):.2f} sd", words)]


def _frechet(images: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """What the Frechet distance is called, cFID or FID, and its numbers."""
    distance = images["features"]["distance"]
    return distance, images[distance.lower()]


def _gallery(drawn: Mapping[str, Image.Image]) -> list[str]:
    """A section for each kind of picture that was drawn."""
    parts = []
    for name, kind in KINDS.items():
        own = {label: image for label, image in drawn.items() if label == name or label.startswith(f"{name}_")}
        if own:
            parts += [page.heading(kind.title), page.paragraph(kind.caption)]
            shown = [_labelled(kind, label.removeprefix(f"{name}_"), image) for label, image in own.items()]
            parts.append(page.pair(shown) if kind.labelled else "".join(shown))
    return parts


def _labelled(kind: Kind, label: str, image: Image.Image) -> str:
    """A picture, and the words that stand for it where it cannot be seen."""
    return page.picture(image, f"{kind.title}: {label}" if kind.labelled else kind.title)


def _effectiveness(images: Mapping[str, Any]) -> list[str]:
    if not images["judge"]:  # no label is discrete
        return []
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
            "Share of images in which the judge sees the label that they were drawn for; balanced: mean of the shares "
            "for label 0 and label 1, or for each category. Set by do: mean over do(X=x) for each x, "
            f"n = {images['n']['do_effectiveness']:,} images each; {_percent(effect['do']['other_labels'])} of the "
            "labels that were not set are seen as drawn.",
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


def _errors(continuous: Mapping[str, Any]) -> list[str]:
    if not continuous:
        return []
    sets, rows = ("observational", "do", "uniform", "real"), []
    for node, own in continuous.items():
        for by in ("judge", "measured"):
            if own[by]:
                figures = (f"{own[by][where]:.4g} ({own[by][where] / own['sd']:.2f} sd)" for where in sets)
                rows.append((node, "the judge" if by == "judge" else "measured", *figures))
    return [
        page.heading("Do the images show their numbers?"),
        page.table(("Label", "read by", "as observed", "set by do", "uniform labels", "real images"), rows),
        page.paragraph(
            "Mean absolute error of a continuous label as it is read off the image, in its own unit and in standard "
            "deviations of the data: by the judge, and where there is one by a measure, which is no network. Set by "
            "do: mean over do(X=x) at the quartiles of X. On real images: the error of judge and measure themselves.",
            note=True,
        ),
    ]


def _image_law(images: Mapping[str, Any]) -> list[str]:
    distance, frechet = _frechet(images)
    under_do = decimal(frechet["do"], 2) if frechet["do"] is not None else "no renderer"
    shown = (("model", "model", "observational", under_do), ("real images (control)", "control", "control", ""))
    rows = [
        (
            name,
            decimal(frechet[law], 2),
            do,
            f"{decimal(images['kid'][side], 4)} ± {decimal(images['kid'][f'{side}_error'], 4)}",
            *(_percent(images[part][side]) for part in ("precision", "recall")),
            decimal(images["density"][side], 2),
            _percent(images["coverage"][side]),
            decimal(images["diversity"]["model" if side == "model" else "real"]),
        )
        for name, side, law, do in shown
    ]
    header = ("", distance, f"{distance} under do", "KID", "precision", "recall", "density", "coverage")
    parts = [
        page.heading("Are they images of the right law?"),
        page.table((*header, "pairwise distance"), rows, {1: "control"}),
        page.paragraph(_law_note(images, distance), note=True),
    ]
    if frechet["do_each"]:
        header = ("Intervention", distance, "label cells with training images")
        rows = [
            (name, decimal(value, 2), _percent(images["support"][name])) for name, value in frechet["do_each"].items()
        ]
        parts.append(page.folded(f"{distance} under each intervention", page.table(header, rows)))
        parts.append(page.paragraph(_support_note(images, distance, frechet["do_supported"]), note=True))
    return parts


def _support_note(images: Mapping[str, Any], distance: str, mean: float | None) -> str:
    """How much of the distance under do is where the data show nothing."""
    return (
        "An intervention may ask for label vectors of which there is not one training image; such images extrapolate. "
        f"Over the interventions with training images for at least {images['supported_from']:.0%} of their rows the "
        f"mean {distance} is {NOTHING if mean is None else decimal(mean, 2)}."
    )


def _law_note(images: Mapping[str, Any], distance: str) -> str:
    """What the columns of the image law mean."""
    features, n = images["features"], images["n"]
    whose = (
        f"It is no FID, nor is the KID one of Inception features: the {features['width']} features are this judge's, "
        "so compare them with the control and with runs on the same data only."
        if features["extractor"] == "judge"
        else f"The {features['width']} features are Inception-v3's with the weights of keras.applications, images "
        "resized bilinearly: another program's differ a little."
    )
    return (
        f"{distance}: Fréchet distance of features, {n['observational']:,} generated against {n['real']:,} real "
        f"images; the control compares {n['control']:,} with {n['control']:,} real ones. {whose} Under do: against "
        "rendered images under the same intervention, mean over all single ones. KID: squared maximum mean discrepancy "
        "of these features by a cubic kernel, 0 for equal laws, ± its standard error. A sphere around an image reaches "
        f"to its neighbour number {features['neighbours']} of its own kind. Precision: share of the generated images "
        "in the sphere of a real one; density: in how many of them, divided by that number, about 1 for equal laws. "
        "Recall: share of the real images in the sphere of a generated one; coverage: share of the real ones whose "
        "own sphere holds a generated one. Pairwise distance: between images with equal labels, root mean square, of "
        "255 grey levels."
    )


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
