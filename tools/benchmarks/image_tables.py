"""Makes a result table of images from the reports of runs: a column a recipe, its runs differing by their seeds alone.

    python -m tools.benchmarks.image_tables images_faces "tools/demo (32x32)=runs/demo,runs/demo1,runs/demo2" \
        "flags/faces64.flags (64x64)=runs/faces64" --command="tools/demo; tools/demo runs/demo1 --seed=1"

Writes results/images_faces.csv; `python -m tools.docs_tables` then writes the page. A cell of several runs has the mean
and the standard deviation over them. What a figure should be is that of the classifier on real images and of halves of
real images, in the first column's runs.
"""

import argparse
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tools.benchmarks.label_tables import RESULTS, short

Report = Mapping[str, Any]
Numbers = Callable[[Report], Sequence[float]]  # of a report, the figures of a cell


def main() -> None:
    """Reads the reports and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the file in results/, without .csv")
    parser.add_argument("columns", nargs="+", help="TITLE=RUN or TITLE=RUN,RUN,...")
    parser.add_argument("--command", required=True, help="what made the runs")
    arguments = parser.parse_args()
    columns = {title: runs.split(",") for title, runs in (text.split("=", 1) for text in arguments.columns)}
    reports = {title: [report(pathlib.Path(run)) for run in runs] for title, runs in columns.items()}
    made = table(reports).assign(command=arguments.command)
    made.to_csv(RESULTS / f"{arguments.name}.csv", index=False)
    print(f"{arguments.name}: {len(made)} rows")


def report(run: pathlib.Path) -> Report:
    """A run's report."""
    return json.loads((run / "report" / "report.json").read_text(encoding="utf-8"))


def table(reports: Mapping[str, Sequence[Report]]) -> pd.DataFrame:
    """A line a quantity that the reports have, a column a recipe, and what it should be."""
    first = next(iter(reports.values()))
    lines = []
    for quantity, numbers, digits, ideal in quantities(first[0]):
        line = {"quantity": quantity}
        line |= {title: cell([numbers(run) for run in runs], digits) for title, runs in reports.items()}
        line["what it should be"] = ideal if isinstance(ideal, str) else cell([ideal(run) for run in first], digits)
        lines.append(line)
    return pd.DataFrame(lines)


def quantities(example: Report) -> list[tuple[str, Numbers, int, Numbers | str]]:
    """Title, figures, digits (0: by size) and what they should be, of each line."""
    lines: list[tuple[str, Numbers, int, Numbers | str]] = [
        ("labels: TVD to the exact distribution", lambda r: [r["labels"]["tvd_to_graph_law"]], 4, ""),
        ("labels: largest TVD of the single do(X=x)", lambda r: [r["labels"]["do"]["max_tvd"]], 4, "0"),
    ]
    for k, query in enumerate(example["labels"]["queries"]):
        lines.append(
            (query["query"], lambda r, k=k: [r["labels"]["queries"][k]["model"]], 4, short(query["truth"], 4)),
        )

    def shown(part: str) -> Numbers:
        return lambda r: [r["images"]["effectiveness"][part]["mean"]]

    def cfid(*names: str) -> Numbers:
        return lambda r: [_at(r["images"]["cfid"], name) for name in names]

    def pair(part: str) -> tuple[Numbers, Numbers]:
        return lambda r: [r["images"][part]["model"]], lambda r: [r["images"][part]["control"]]

    judge = ("images show their labels: observational", lambda r: [np.mean(list(r["images"]["judge"].values()))])
    lines += [
        (judge[0], shown("observational"), 4, judge[1]),
        ("images show the label that do() set", shown("do"), 4, ""),
        ("images show their labels: uniform cells", shown("uniform_cells"), 4, ""),
        (
            "lowest balanced accuracy of a label, uniform cells",
            lambda r: [min(r["images"]["balanced_accuracy"].values())],
            3,
            "",
        ),
        ("cFID, features of the classifier: observational", cfid("observational"), 2, cfid("control")),
        ("cFID: mean under all single do(X=x)", cfid("do"), 2, ""),
        ("cFID: mean of those that training images support", cfid("do_supported"), 2, ""),
    ]
    # those that ask for what the training images hardly show
    thin = [do for do, share in example["images"]["support"].items() if share < example["images"]["supported_from"]]
    lines += [(f"cFID: {do}", cfid(f"do_each/{do}"), 1, "") for do in thin]
    lines += [
        (f"{part} (k = {example['images']['features']['neighbours']})", pair(part)[0], 3, pair(part)[1])
        for part in ("precision", "recall", "density", "coverage")
    ]
    lines += [
        (
            "diversity within label cells, of the real one's",
            lambda r: [r["images"]["diversity"]["model"] / r["images"]["diversity"]["real"]],
            2,
            "1",
        ),
        ("off-target change, mean", lambda r: [r["images"]["off_target"]["mean"]], 4, "0"),
        ("off-target change, largest", lambda r: [r["images"]["off_target"]["largest"]], 3, "0"),
    ]
    return lines


def _at(values: Mapping[str, Any], path: str) -> float:
    """The value at a path of keys, a/b."""
    for key in path.split("/", 1):
        values = values[key]
    return values


def cell(runs: Sequence[Sequence[float]], digits: int) -> str:
    """The figures of a cell: of one run as they are, of several with their standard deviation.

    >>> cell([[0.25], [0.35]], 2), cell([[1.0, 12.0]], 1)
    ('.30 ± .07', '1.0; 12.0')
    """
    values = np.array(runs, float)
    means = [short(mean, digits) for mean in values.mean(0)]
    if len(runs) == 1:
        return "; ".join(means)
    return "; ".join(
        f"{mean} ± {short(spread, digits)}" for mean, spread in zip(means, values.std(0, ddof=1), strict=True)
    )


if __name__ == "__main__":
    main()
