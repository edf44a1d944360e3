"""The ablation's figures, its table and its picture; see ablation.py."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from causalgan_tf.reporting.pictures import ACCENT, INK, MUTED, PAPER

REAL = "real"  # the row of images of the truth
SETTINGS = (
    "minutes",
    "clock",
    "arithmetic",
    "width",
    "train_images",
    "images",
    "judge_steps",
    "data_seed",
)  # of rows that compare
# column of the csv: where it lies in the "images" part of a report, its title, its digits in the table
FIGURES = {
    "effect_observational": ("effectiveness/observational/mean", "effectiveness, observational", 3),
    "effect_do": ("effectiveness/do/mean", "effectiveness, do", 3),
    "effect_uniform": ("effectiveness/uniform_cells/mean", "effectiveness, uniform cells", 3),
    "cfid_observational": ("cfid/observational", "cFID", 2),
    "cfid_do": ("cfid/do", "cFID, do", 2),
    "kid": ("kid/model", "KID", 1),
    "precision": ("precision/model", "precision", 3),
    "recall": ("recall/model", "recall", 3),
    "density": ("density/model", "density", 3),
    "coverage": ("coverage/model", "coverage", 3),
    "distance": ("diversity/model", "pairwise distance in cells", 2),
    "distance_real": ("diversity/real", "the same, real", 2),
}
TRAINING = {
    "images_per_s": ("images/s", 0),
    "steps": ("steps", 0),
    "label_tvd": ("label TVD", 3),
    "label_tvd_do": ("label TVD, do", 3),
}
SHOWN = {name: (title, digits) for name, (_, title, digits) in FIGURES.items()} | TRAINING
COLUMNS = (*FIGURES, *TRAINING, "wall_s", "cpu_s")  # of the csv, behind settings, row and seed
PANELS = {  # columns of the figure's panels, and whether the axis is logarithmic
    "effectiveness (judge agreement)": (("effect_do", "effect_uniform"), False),
    "cFID to rendered do-images (log scale)": (("cfid_do",), True),
    "coverage": (("coverage",), False),
    "pairwise distance in cells": (("distance",), False),
}
NAMES = {"effect_do": "under do", "effect_uniform": "uniform cells"}
MARKS = (("o", ACCENT), ("D", "#e07b00"))


def figures(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The columns of `FIGURES` out of the "images" part of a report; NaN for what it does not have."""
    found = {}
    for name, (path, _, _) in FIGURES.items():
        value: Any = numbers
        for part in path.split("/"):
            value = value[part]
        found[name] = np.nan if value is None else float(value)
    return found


def rounded(found: Mapping[str, float]) -> dict[str, float]:
    """The csv's columns, NaN where the run has none."""
    return {name: float(f"{found.get(name, np.nan):.6g}") for name in COLUMNS}


def summary(runs: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean and standard error over the seeds, a line a row of the table; NaN for the error of one seed."""
    grouped = runs.groupby("row")[list(SHOWN)]
    present = [name for name in names if name in grouped.groups]
    return grouped.mean().loc[present], grouped.sem().loc[present]


def markdown(runs: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """The table: mean ± standard error over the seeds."""
    mean, error = summary(runs, list(titles))
    columns = [name for name in SHOWN if mean[name].notna().any()]
    lines = [["", "seeds", *(SHOWN[name][0] for name in columns)]]
    lines.append(["---", *["---:"] * (len(columns) + 1)])
    counts = runs.groupby("row").effect_do.count()
    for row in mean.index:
        cells = (cell(mean[name][row], error[name][row], SHOWN[name][1]) for name in columns)
        lines.append([titles[row], str(counts[row]), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(mean: float, error: float, digits: int) -> str:
    """A number and its standard error, as far as there are any."""
    if np.isnan(mean):
        return ""
    return f"{mean:,.{digits}f}" + ("" if np.isnan(error) else f" ± {error:,.{digits}f}")


def write(
    out: pathlib.Path, runs: pd.DataFrame, settings: Mapping[str, Any], rows: Mapping[str, Any], seeds: int
) -> None:
    """Writes the table and the figure of the runs of these settings, and prints the table.

    Args:
        out: the folder.
        runs: the csv.
        settings: of `SETTINGS`.
        rows: name to what has a title and a note.
        seeds: trainings of each row that count.
    """
    own = runs[(runs[list(settings)] == pd.Series(settings)).all(axis=1) & (runs.seed < seeds)]
    titles = {REAL: "real images, drawn afresh"} | {name: row.title for name, row in rows.items()}
    text = f"{settings['minutes']:g} minutes of training a row ({settings['clock']} time), width {settings['width']}; "
    text += "mean ± standard error over the seeds. images/s: real images, one batch a discriminator step.\n\n"
    text += markdown(own, titles)
    notes = [f"- {row.title}: {row.note}" for name, row in rows.items() if row.note and name in set(own.row)]
    text += "\n" + "\n".join(notes) + "\n" if notes else ""
    (out / "ablation.md").write_text(text, encoding="utf-8")
    print(f"\n{text}")
    figure = draw(own, titles)
    figure.savefig(out / "ablation.svg")
    figure.savefig(out / "ablation.png", dpi=200)


def draw(runs: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """A line a row: means over seeds and their standard errors; a dotted line for real images."""
    mean, error = summary(runs, list(titles))
    trained = [name for name in mean.index if name != REAL]
    figure = Figure(figsize=(13.6, 1.5 + 0.3 * len(trained)), facecolor=PAPER)
    panels = figure.subplots(1, len(PANELS), sharey=True)
    places = np.arange(len(trained))
    for axes, (title, (columns, log)) in zip(panels, PANELS.items(), strict=True):
        for column, (mark, color) in zip(columns, MARKS, strict=False):
            widths = error.loc[trained, column].fillna(0.0)
            style = {"fmt": mark, "color": color, "markersize": 4.5, "capsize": 2.5, "linewidth": 1.1}
            axes.errorbar(mean.loc[trained, column], places, xerr=widths, label=NAMES.get(column), **style)
            if REAL in mean.index:
                axes.axvline(mean.loc[REAL, column], color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.set_title(title, fontsize=9, color=INK, loc="left")
        axes.tick_params(labelsize=8, colors=MUTED)
        axes.grid(color="#e6e9f0", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_xscale("log" if log else "linear")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    panels[0].set_yticks(places, [titles[name] for name in trained], fontsize=8.5, color=INK)
    panels[0].set_ylim(len(trained) - 0.4, -0.6)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=8, frameon=False, loc="lower left", ncols=len(names))
    figure.text(0.995, 0.012, "dotted: real images, drawn afresh", ha="right", fontsize=8, color=MUTED)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    return figure
