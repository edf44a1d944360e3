"""report.json and report.html of an evaluated run."""

import base64
import dataclasses
import functools
import io
import json
import math
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
import markupsafe
import numpy as np
from PIL import Image

from causalgan_tf.config.image import IMAGE_MODELS
from causalgan_tf.graphs.names import safe
from causalgan_tf.reporting import pictures, trust
from causalgan_tf.reporting.gallery import KINDS, Kind
from causalgan_tf.system.outputs import OutputFolder

CHART_WIDTH = 720  # pixels of the page
BARS = 60  # bars of a chart at most, the largest
FIRST = 4  # pictures of a kind that are not folded
ROOM = 1_200_000  # bytes of all pictures of the page: as text they are a third more, and the page below 2 MB
QUALITIES = (80, 60, 40)  # of WebP; the first that fits is taken
CHARTS = ("graph",)  # pictures of lines and letters, kept to the bit
LEVELS = {
    trust.TRUSTED: "What you can rely on",
    trust.DOUBTED: "What you cannot rely on",
    trust.UNTOLD: "What nothing here can tell",
}
NOTHING = "–"


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
    # all files at once: a report of which a part could not be written would mix two evaluations
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
    """The whole report as one self-contained page, by report.html.j2; every text is escaped."""
    numbers = {"images": None} | _plain(numbers)
    images, distance, shown = numbers["images"], None, embedded(drawn)
    if images:
        distance = images["features"]["distance"]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            numbers,
            drawn=shown,
            sections=_sections(drawn, shown),
            statements_of=trust.statements(numbers),
            model=IMAGE_MODELS[numbers["config"]["image"]["model"]].title if images else "Causal controller",
            distance=distance,
            frechet=images[distance.lower()] if images else None,
        )
    )


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture in the page: its size in pixels, its content as a data URI, and whether it is a chart.

    >>> Picture.of(Image.new("RGB", (20, 10)), chart=True).uri[:23]
    'data:image/webp;base64,'
    """

    width: int
    height: int
    uri: str
    chart: bool = False

    @classmethod
    def of(cls, image: Image.Image, chart: bool = False, quality: int = 80) -> "Picture":
        """An image as WebP, a chart without loss."""
        file = io.BytesIO()
        image.convert("RGB").save(file, "WEBP", lossless=chart, quality=quality)
        uri = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
        return cls(*image.size, uri, chart)


def embedded(drawn: Mapping[str, Image.Image], room: int = ROOM) -> dict[str, Picture]:
    """The pictures that the page has room for: all, coarser if need be, else those of the first labels of each kind.

    >>> list(embedded({"graph": Image.new("RGB", (20, 10)), "given_A": Image.effect_noise((99, 99), 99)}, room=500))
    ['graph']
    """
    for quality in QUALITIES:
        found = {name: Picture.of(image, name in CHARTS, quality) for name, image in drawn.items()}
        if sum(len(picture.uri) for picture in found.values()) * 3 / 4 <= room:
            return found
    places: dict[str, int] = {}
    for name in drawn:
        kind = next((kind for kind in KINDS if name.startswith(f"{kind}_")), name)
        places[name] = sum(other.startswith(f"{kind}_") for other in places)
    kept, left = {}, room
    for name in sorted(drawn, key=places.get):
        left -= len(found[name].uri) * 3 / 4
        if left >= 0:
            kept[name] = found[name]
    return kept


def _environment() -> jinja2.Environment:
    """Jinja with the page's filters; autoescape is on whatever the template's ending."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("causalgan_tf.reporting", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "anchor": _anchor,
        "assignments": lambda values: ", ".join(f"{name}={value}" for name, value in values.items()),
        "column": lambda rows, name: {row: values[name] for row, values in rows.items() if name in values},
        "count": "{:,}".format,
        "decimal": _decimal,
        "error_of": lambda where, errors, sd: f"{errors[where]:.4g} ({errors[where] / sd:.2f} sd)",
        "indented": functools.partial(json.dumps, indent=2),
        "mean": _mean,
        "mean_over": lambda values, names: _mean(values.get(name) for name in names),
        "oneline": lambda text: markupsafe.Markup(" ".join(text.split())),
        "percent": lambda value: NOTHING if value is None else f"{100 * value:.1f} %",
        "seconds": lambda value: NOTHING if value is None else f"{value:,.0f} s",
        "told": _told,
        "value_in": lambda name, values: values[name],
        "value_of": lambda values, name: values.get(name),
    }
    environment.globals |= {
        "BARS": BARS,
        "CHART_WIDTH": CHART_WIDTH,
        "FIRST": FIRST,
        "LEVELS": LEVELS,
        "bars": _bars,
        "difference": lambda a, b: NOTHING if None in (a, b) else f"{a - b:+.4f}",
        "mean_error_sd": _mean_error_sd,
    }
    return environment


def _sections(
    drawn: Mapping[str, Image.Image], shown: Mapping[str, Picture]
) -> list[tuple[Kind, list[tuple[str, Picture | None]]]]:
    """Each kind of picture that was drawn, with its pictures by label; None where the page has no room for one."""
    sections = []
    for name, kind in KINDS.items():
        prefix = f"{name}_"
        keys = [key for key in drawn if key == name or key.startswith(prefix)]
        if keys and (kind.labelled or name in shown):
            sections.append((kind, [(key.removeprefix(prefix), shown.get(key)) for key in keys]))
    return sections


def _bars(values: Mapping[str, float], axis: str) -> Picture:
    """A chart of the largest values, in their order."""
    largest = set(sorted(values, key=values.get, reverse=True)[:BARS])
    kept = {name: value for name, value in values.items() if name in largest}
    return Picture.of(pictures.bars(kept, {}, axis), chart=True)


def _anchor(title: str) -> str:
    """What a link to a heading ends with."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _decimal(value: float | None, digits: int = 3) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are there."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _told(flags: Mapping[str, bool], everywhere: str, otherwise: str) -> str:
    """What holds of all labels, or in other words of those of which it does not."""
    missing = [name for name, holds in flags.items() if not holds]
    return f"{otherwise} {', '.join(missing)}" if missing else everywhere


def _mean_error_sd(continuous: Mapping[str, Any], where: str) -> float | None:
    """Mean error of continuous labels, in standard deviations, by measure where there is one."""
    return _mean((own["measured"] or own["judge"])[where] / own["sd"] for own in continuous.values())


def _plain(value: Any) -> Any:
    """Plain Python values, None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
