"""Writes the result tables of the documentation's pages and of README from tools/benchmarks/results/*.csv.

    python -m tools.docs_tables [--check]

A page holds a table between the lines `<!-- table: NAME -->` and `<!-- end of table -->`. NAME.csv is shown as it is,
without its column `command`; the commands stand below the table. Those of `ABLATIONS` hold single trainings: their
tables have means and standard errors over the seeds.
"""

import argparse
import csv
import pathlib
import re
import sys

import pandas as pd

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "tools" / "benchmarks" / "results"
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
ROWS = {  # of ablation.csv: each part of the recipe before the changes below
    "real": "real images, drawn afresh",
    "paper": "CausalGAN, the paper's recipe (updates in turn, 6 of G)",
    "paper_hinge": "the same + hinge + spectral norm",
    "paper_hinge_mixed": "the same + label mixing",
    "default": "**CausalGAN, the default recipe**",
    "no_anti_labeler": "without anti-labeler",
    "no_labeler": "without labeler",
    "unmixed": "without label mixing",
    "in_turn": "updates in turn",
    "began": "CausalBEGAN, `faces_began`",
    "began_two_margins": "CausalBEGAN without third margin",
    "label_fed": "label-fed discriminator D(x, l), no mixing",
    "ac_gan": "AC-GAN, no mixing",
    "joint": "labels and image by one discriminator",
}
CHANGES = {  # of ablation_changes.csv: one change each of the present recipe
    "real": "real images, drawn afresh",
    "default": "**CausalGAN, the default recipe**",
    "no_additivity": "without additivity",
    "image_fed": "the discriminator does not see the labels, D(x)",
    "relativistic": "D(x), relativistic pairs with R1 and R2",
    "relativistic_plain_norm": "the same + generator without batch norm",
    "relativistic_fed": "D(x, l), relativistic pairs with R1 and R2",
    "patch": "D(x) + patch head",
    "patch_fed": "D(x, l) + patch head",
    "patch_fed_everywhere": "the same, heard on rows of unseen cells too",
    "overlap_labeler": "labelers learn on overlap",
    "soft_labeler": "soft labels",
    "label_fed_mixed_patch": "D(x, l) as a projection, mixed labels, patch head, no labelers",
}
RIVAL = {  # of flow.csv: rows and their minutes
    "real 6": "real images, drawn afresh",
    "flow 6": "conditional flow matching, 6 minutes",
    "flow 30": "conditional flow matching, 30 minutes",
}
ABLATIONS = {"ablation": ROWS, "ablation_changes": CHANGES, "flow": RIVAL}
COLUMNS = {  # of them all: title and decimals
    "effect_observational": ("shows its labels: observational", 3),
    "effect_do": ("set by do", 3),
    "effect_uniform": ("uniform cells", 3),
    "cfid_observational": ("cFID", 1),
    "cfid_do": ("cFID do", 1),
    "kid": ("KID", 0),
    "precision": ("precision", 2),
    "recall": ("recall", 2),
    "density": ("density", 2),
    "coverage": ("coverage", 2),
    "distance": ("distance in cells", 1),
    "images_per_s": ("images/s", 0),
    "steps": ("steps", 0),
}


def number(value: float, digits: int) -> str:
    """A number with thousands separators and no leading zero, as in .98."""
    return re.sub(r"^0\.", ".", f"{value:,.{digits}f}")


def ablation(runs: pd.DataFrame, titles: dict[str, str]) -> list[list[str]]:
    """Head and rows of the ablation: mean ± standard error over the seeds; a row of one seed has no error.

    Where rows took different times, `titles` names them with their minutes.
    """
    if runs.minutes.nunique() > 1:
        runs = runs.assign(row=runs.row + runs.minutes.map(" {:.0f}".format))
    grouped = runs.groupby("row")[list(COLUMNS)]
    mean, error = grouped.mean(), grouped.sem()
    seeds = runs[~runs.row.str.startswith("real")].groupby("row").seed.nunique()
    head = "mean ± standard error of three seeds" if seeds.max() > 1 else "one seed"
    head += "; without ± one seed" if seeds.min() < seeds.max() else ""
    table = [[head, *(title for title, _ in COLUMNS.values())]]
    for row, name in titles.items():
        cells = []
        for column, (_, digits) in COLUMNS.items():
            value, spread = mean[column][row], error[column][row]
            text = "" if pd.isna(value) else number(value, digits)
            cells.append(text if pd.isna(spread) else f"{text} ± {number(spread, digits)}")
        table.append([name, *cells])
    return table


def figures(path: pathlib.Path) -> pd.DataFrame:
    """A csv's cells as they are written; ValueError if a row is wider or narrower than the header.

    pandas would take the first columns of wider rows for an index, and the page would show the rest.
    """
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    wrong = [k for k, row in enumerate(rows, 2) if len(row) != len(head)]
    if wrong:
        raise ValueError(f"{path.name}: row {wrong[0]} has other than {len(head)} cells: quote those with a comma.")
    return pd.DataFrame(rows, columns=head)


def table(name: str) -> str:
    """The table of results/NAME.csv as Markdown, its commands below."""
    path = RESULTS / f"{name}.csv"
    if name in ABLATIONS:
        rows, commands = ablation(pd.read_csv(path), ABLATIONS[name]), []
    else:
        frame = figures(path)
        shown = frame.drop(columns="command")
        head = ["" if column in ("quantity", "what") else column for column in shown.columns]
        rows = [head, *shown.values.tolist()]
        commands = list(dict.fromkeys(frame["command"]))
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    text = "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
    if commands:
        lines = dict.fromkeys(line for command in commands for line in command.split("; "))
        text += "\n```bash\n" + "\n".join(lines) + "\n```\n"
    return text


def filled(page: str) -> str:
    """A page's text with all of its tables made anew."""
    return BLOCK.sub(lambda match: f"{match[1]}{table(match[2])}{match[3]}", page)


def pages() -> list[pathlib.Path]:
    """README and all pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main() -> int:
    """Writes the tables; with --check only says which pages are out of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a page is out of date")
    check = parser.parse_args().check
    old = {page: page.read_text(encoding="utf-8") for page in pages()}
    stale = [page for page, text in old.items() if filled(text) != text]
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'out of date' if check else 'written'}")
        if not check:
            page.write_text(filled(old[page]), encoding="utf-8")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
