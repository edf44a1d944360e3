"""Answers questions about labels: causalgan-query --workdir=runs/faces "P(Male=0 | do(Mustache=1), Young=1)".

A query is P(event | conditions) or the mean E(node | conditions). Conditions are do(Mustache=1), do(Mustache~0.3), a
value Male=1, a set Smoke={never, former}, an interval Age=20..30, and evidence(...), what was seen of a unit before do.
Several queries may be given, and a file of them. --out=json or csv prints each with its error and how it was found.
"""

import csv
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.errors import InputError, shown
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.query_text import parse_query
from causalgan_tf.runs.run_folder import Run

if TYPE_CHECKING:
    from causalgan_tf.inference.estimate import Estimate

COLUMNS = ("query", "value", "standard_error", "low", "high", "method", "draws", "mass", "effective")
GROUPS = {  # what --help lists
    "Run": ("workdir",),
    "Questions": ("query", "file"),
    "Answers": ("out", "draws", "seed"),
}


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    flags.DEFINE_multi_string(
        "query",
        [],
        "a query; --query= may be left out before P(...) and E(...)",
        flag_values=values,
        module_name=sys.argv[0],
    )
    common.define(values, "file", "", "file with a query a line; empty lines and those that begin with # are left out")
    common.define(values, "out", "text", "form of the answers", ("text", "csv", "json"))
    common.define(values, "draws", 100_000, "rows drawn for an answer that is not exact", low=1, high=100_000_000)
    common.define(values, "seed", 0, "seed of these rows", low=0, high=2**63 - 1)


def main(values: flags.FlagValues) -> None:
    """Answers."""
    run = Run.open(common.folder(values, "workdir"))
    asked = [*values.query, *(read_queries(common.folder(values, "file")) if values.file else [])]
    if not asked:
        raise InputError('no query: expected such as "P(Male=0 | do(Mustache=1))", or --file=FILE with a query a line.')
    # all is checked before TensorFlow starts, which takes seconds
    for text in asked:
        check(run.graph, text)
    common.start_tensorflow()
    model = run.model()
    write([model.ask(text, values.draws, values.seed) for text in asked], values.out)


def read_queries(path: pathlib.Path) -> list[str]:
    """The queries of a file; InputError for one that cannot be read or has none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"--file={path}: expected a text file in UTF-8.") from error
    found = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise InputError(f"--file={path}: expected a query a line, found none.")
    return found


def check(graph: CausalGraph, text: str) -> None:
    """InputError for a query that the graph does not have."""
    parsed = parse_query(text)
    try:
        Query.create(graph, parsed.do, parsed.given, parsed.evidence)
        Query.create(graph, given=parsed.event)
        if parsed.outcome:
            graph.index(parsed.outcome)
    except InputError as error:
        raise InputError(f"{shown(text, 120)}: {error}") from error


def write(answers: "Sequence[Estimate]", form: str) -> None:
    """Prints the answers."""
    plain = [answer.to_json() for answer in answers]
    if form == "json":
        print(json.dumps(plain, indent=2, allow_nan=False))
    elif form == "csv":
        table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(plain)
    else:
        for answer in answers:
            print(answer)


def flagged(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments with --query= before each query that lacks it.

    >>> flagged(["--out=json", "P(A=1)"])
    ['--out=json', '--query=P(A=1)']
    """
    # absl knows flags alone; a query is told from a forgotten flag by how it begins
    return [f"--query={part}" if part.lstrip().startswith(("P(", "E(")) else part for part in arguments]


def program() -> None:
    """The command causalgan-query."""
    sys.argv[1:] = flagged(sys.argv[1:])
    common.run(declare, main, groups=GROUPS)


if __name__ == "__main__":
    program()
