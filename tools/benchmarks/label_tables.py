"""Makes result tables of the label benchmarks from the csv files that these write, one figure a line.

    python -m tools.benchmarks.label_tables runs/networks.csv runs/continuous.csv

Writes labels_*.csv in the folder results/, of those benchmarks whose figures the files hold; `python -m
tools.docs_tables` then writes the pages. A cell has the means over the seeds. Where a method ran on fewer tables than
maximum likelihood, it is compared with maximum likelihood on these.
"""

import argparse
import pathlib
from collections.abc import Sequence

import pandas as pd

KEY = ["subject", "rows", "method", "seed"]
RESULTS = pathlib.Path(__file__).with_name("results")
MLE, OURS = "maximum likelihood", "likelihood, explicit"
METHODS = {  # of discrete labels: title of the column
    MLE: "maximum likelihood (tables)",
    OURS: "likelihood, explicit (default)",
    "wasserstein, explicit": "Wasserstein, explicit",
    "wasserstein, implicit": "WGAN-GP, implicit",
    "pgmpy": "pgmpy",
    "dowhy gcm": "gcm",
}
DISCRETE = {  # table: (its subjects, the figures of a cell)
    "labels_networks": (r"asia|cancer|earthquake|survey|sachs", ("do_mean", "do_max")),
    "labels_pairs": (r"asia|cancer|earthquake|survey", ("pairs_mean",)),
    "labels_alarm": (r"alarm", ("do_mean", "do_max")),
    "labels_parents": (r"\d+_parents", ("do_mean", "child_mean")),
}
CONTINUOUS = {  # method: title of its columns
    OURS: "likelihood, explicit (default)",
    "causalflows": "causal normalizing flow",
    "dowhy gcm": "gcm",
    "wasserstein, explicit": "Wasserstein, explicit",
}
ERROR, DISTANCE = "largest |error|/sd_obs", "1000 mmd2 do, largest"
COMMANDS = {
    "networks": "python -m tools.benchmarks.networks {} --bif_dir=FOLDER --rows=ROWS --rivals_python=PYTHON",
    "continuous": "python -m tools.benchmarks.continuous all --rivals_python=PYTHON",
}


def main() -> None:
    """Reads the files and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    raw = pd.concat([pd.read_csv(path, keep_default_na=False) for path in parser.parse_args().files])
    # a figure of text, such as where the largest error is, is in no table
    raw["value"] = pd.to_numeric(raw["value"], errors="coerce")
    runs = raw[raw.settings == ""].pivot_table(index=KEY, columns="figure", values="value")
    tables = {name: discrete(runs, subjects, figures) for name, (subjects, figures) in DISCRETE.items()}
    tables["labels_continuous"] = continuous(runs)
    for name, table in tables.items():
        if len(table):
            table.to_csv(RESULTS / f"{name}.csv", index=False)
            print(f"{name}: {len(table)} rows")


def discrete(runs: pd.DataFrame, subjects: str, figures: Sequence[str]) -> pd.DataFrame:
    """A row a network and number of rows, a column a method: figures and the first one over maximum likelihood's."""
    chosen, lines = runs[runs.index.get_level_values("subject").str.fullmatch(subjects)], []
    # 2_parents before 12_parents
    for (subject, rows), own in sorted(chosen.groupby(["subject", "rows"]), key=lambda one: (len(one[0][0]), one[0])):
        of = {method: group.droplevel([0, 1, 2]) for method, group in own.groupby("method")}
        if MLE not in of or figures[0] not in own:
            continue
        line = {"network": subject.replace("_", " "), "rows": f"{rows:,}", "tables": len(of[MLE])}
        for method, title in METHODS.items():
            line[title] = ""
            if method in of:
                found = of[method][list(figures)].dropna()
                ratio = found[figures[0]].mean() / of[MLE].loc[found.index, figures[0]].mean()
                line[title] = ", ".join(map(short, found.mean())) + (f" ({short(ratio, 2)})" if method != MLE else "")
        line["processor seconds of the default"] = seconds(of[OURS])
        lines.append(line | {"command": COMMANDS["networks"].format("NETWORK ..." if subject[0] > "9" else subject)})
    return filled(lines)


def continuous(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a model: errors of means, distances beside the truth's band, seconds."""
    lines = []
    for subject, own in runs[runs.index.get_level_values("subject").str.contains("LIN|Sym")].groupby("subject"):
        of = dict(iter(own.groupby("method")))
        line = {"model": subject}
        for method, title in CONTINUOUS.items():
            found = of.get(method, pd.DataFrame(columns=own.columns))
            line[f"{title}: mean"] = ", ".join(map(short, found[ERROR]))
            line[f"{title}: MMD²"] = ", ".join(short(value, 1) for value in found[DISTANCE])
        line["band of the truth"] = short(of["truth"][DISTANCE].mean(), 1) if "truth" in of else ""
        line["processor seconds of the default"] = seconds(of[OURS])
        lines.append(line | {"command": COMMANDS["continuous"]})
    return filled(lines)


def filled(lines: list[dict[str, str]]) -> pd.DataFrame:
    """The lines without columns that are empty in all of them."""
    table = pd.DataFrame(lines)
    return table[[column for column in table if (table[column] != "").any()]]


def seconds(runs: pd.DataFrame) -> str:
    """What a training takes of a processor, in the mean."""
    known = runs.get("train_cpu_s", pd.Series(dtype=float)).dropna()
    return f"{known.mean():.0f}" if len(known) else ""


def short(value: float, digits: int = 0) -> str:
    """A number without a leading zero, as in .0174: four decimals, three from .1 on, or as many as said."""
    digits = digits or (3 if value >= 0.1 else 4)
    # 0 is added to a -0
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
