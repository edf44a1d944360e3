"""Measures a trained run: causalgan-evaluate --workdir=runs/faces.

Writes report/report.json and report/report.html into the run's folder.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.config import budget
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import safe
from causalgan_tf.reporting import gallery
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.outputs import OutputFolder

IMAGES = 5_000  # the library's EvaluationSizes.cfid, which cannot be read before TensorFlow starts


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    common.define(
        values,
        "inception_weights",
        "",
        "file of Keras' InceptionV3 weights, for an FID; empty: features of our own classifier, a cFID",
    )
    common.define(
        values,
        "images",
        IMAGES,
        "images on either side of a distance, also under each do; real ones as far as there are test images",
        low=100,
    )
    common.define(values, "overwrite", False, "replace files in WORKDIR/report that are in the way, whoever wrote them")


def main(values: flags.FlagValues) -> None:
    """Evaluates."""
    workdir = common.folder(values, "workdir")
    run = Run.open(workdir)  # a mistake is reported before TensorFlow is loaded
    budget.check_evaluation(values.images, run.config.data.image_size, run.config.data.channels)
    OutputFolder(workdir / "report", values.overwrite).claim(report_files(run.graph))
    common.start_tensorflow()
    from causalgan_tf.evaluation import EvaluationSizes
    from causalgan_tf.reporting.run_evaluation import evaluate_run

    numbers = evaluate_run(
        workdir, EvaluationSizes(cfid=values.images), values.inception_weights, overwrite=values.overwrite
    )
    print(*headlines(numbers), workdir / "report" / "report.html", sep="\n")


def report_files(graph: CausalGraph) -> list[str]:
    """The files that a report may have, checked before the evaluation whose work would be lost."""
    names = ["graph", "samples", "real", "unsupported"]
    for kind, told in gallery.KINDS.items():
        names += [f"{kind}_{node}" for node in graph.nodes] if told.labelled else [kind]
    return ["report.json", "report.html", *(f"{safe(name)}.png" for name in names)]


def headlines(numbers: Mapping[str, Any]) -> Iterator[str]:
    """The few lines of a report that one wants to see at once; `numbers` is what evaluate_run returned."""
    labels = numbers["labels"]
    yield from _label_lines(labels)
    for query in labels["queries"]:
        model, truth = ("unknown" if query[side] is None else f"{query[side]:.4f}" for side in ("model", "truth"))
        yield f"{query['query']}: {model}, truth {truth}"
    if "images" in numbers:
        images = numbers["images"]
        if images["effectiveness"]["do"]["mean"] is not None:
            yield f"images: {images['effectiveness']['do']['mean']:.1%} of those under do(X=x) show X=x to the judge"
        for node, own in images["continuous"].items():
            by, errors = ("measure", own["measured"]) if own["measured"] else ("the judge", own["judge"])
            off = f"{errors['do']:.4g} ({errors['do'] / own['sd']:.2f} sd) off"
            yield f"images under do({node}=x): {off}, by {by}"
    yield f"time of all phases: {numbers['timing']['total_s']:.0f} s"


def _label_lines(labels: Mapping[str, Any]) -> Iterator[str]:
    do, alone, pairs, mmd = (labels[part] for part in ("do", "marginals", "pairs", "mmd"))
    lost, thin, support = (labels[part] for part in ("lost_values", "thin_cells", "do_support"))
    if labels["tvd"] is not None:
        yield f"labels: TVD {labels['tvd']:.4f} to the data, of which sampling alone makes {labels['tvd_floor']:.4f}"
    if do:
        yield f"labels under do(X=x): mean TVD {do['mean_tvd']:.4f}, largest {do['max_tvd']:.4f} at {do['worst']}"
    if alone and alone["worst"]:
        yield f"each label alone: largest error of a probability {alone['max_error']:.4f} at {alone['worst']}"
    if alone and alone["worst_continuous"]:
        distance = f"largest Wasserstein-1 distance {alone['max_wasserstein_sd']:.4f} sd"
        yield f"each continuous label alone: {distance} at {alone['worst_continuous']}"
    if pairs:
        largest = f"largest {pairs['max_error']:.4f} at {pairs['worst']}"
        yield f"labels two by two: mean error of a probability {pairs['mean_error']:.5f}, {largest}"
    if mmd:
        yield f"all labels: MMD^2 {mmd['mmd2']:.5f}; of two sets of real rows 95 % are below {mmd['band']:.5f}"
    if lost and lost["count"]:
        yield f"{lost['count']:,} values are lost: the model gives them less than a tenth of the data's share"
    if support and support["below"]:
        yield f"{support['below']:,} of {support['count']:,} single interventions have little support in the data"
    if thin and thin["count"]:
        rows = f"fewer than {thin['below']} rows"
        yield f"{thin['count']:,} of {thin['of']:,} settings of a label's parents have {rows}: a guess is learnt there"


def program() -> None:
    """The command causalgan-evaluate."""
    common.run(declare, main)


if __name__ == "__main__":
    program()
