"""Labels of CelebA under a complete graph, the nine of Causal Graph 1 or all forty: model beside resampled real rows.

    python -m tools.benchmarks.celeba nine forty --labels_file=list_attr_celeba.zip
    python -m tools.benchmarks.celeba nine --labels_file=list_attr_celeba.zip --seeds=0,1,2,3,4

Every label has all earlier ones as parents, so the graph excludes no distribution. Of nine labels the total variation
to the rows is counted in draws and, of explicit mechanisms, exact too. The 2**40 cells of all of them are beyond
counting: what can be judged are the probabilities of each label and the tables of each two. Beside the model's stand
those of as many real rows drawn with replacement, the error of sampling alone. Prints aggregates and keeps them in a
csv, --out; what is there is not computed again. Training takes the settings of --flagfile and of the --controller_...
flags behind it.
"""

import argparse
import io
import pathlib
import zipfile

import numpy as np
import pandas as pd

from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.data.tables import LabelTable, read_labels
from causalgan_tf.evaluation import marginals
from causalgan_tf.graphs.cells import enumerable, histogram
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.named import completed
from causalgan_tf.metrics.tvd import total_variation
from tools.benchmarks.networks import Figures, Results, controller_config, differences, method_of, trained


def main() -> None:
    """Reads the arguments, runs what is not done and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", nargs="+", choices=("nine", "forty"))
    parser.add_argument("--labels_file", type=pathlib.Path, required=True, help="list_attr_celeba.txt, zipped or not")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/celeba.csv"))
    parser.add_argument("--draws", type=int, default=500_000, help="rows drawn of the model, and resampled")
    parser.add_argument("--seeds", default="0", help="seeds of the training")
    parser.add_argument("--flagfile", type=pathlib.Path, help="settings of the controller; none: the defaults")
    arguments, rest = parser.parse_known_args()
    config, results = controller_config(arguments.flagfile, rest), Results(arguments.out)
    for subject in arguments.labels:
        names = label_names(arguments.labels_file)
        graph = load_graph("causal_graph_1_complete") if subject == "nine" else completed(names)
        table = read_labels(arguments.labels_file, graph)
        key = {"subject": f"celeba {subject}", "rows": len(table.rows)}
        found = {
            "resampled rows": results.once(
                lambda table=table: resampled(table, arguments.draws),
                **key,
                method="resampled rows",
                seed="",
                settings="",
            )
        }
        for seed in map(int, arguments.seeds.split(",")):
            found[f"{method_of(config)} {seed}"] = results.once(
                lambda table=table, seed=seed: ours(table, config, arguments.draws, seed),
                **key,
                method=method_of(config),
                seed=seed,
                settings=differences(config),
            )
        print(f"{subject} labels, {len(table.rows):,} rows, {arguments.draws:,} draws; {differences(config)}")
        print(pd.DataFrame(found).fillna("").to_string(), flush=True)


def label_names(path: pathlib.Path) -> list[str]:
    """The labels' names, in the file's order: its second line."""
    data = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[0])
    lines = io.StringIO(data.decode("utf-8"))
    next(lines)
    return [name for name in next(lines).split() if name != "image_id"]


def resampled(table: LabelTable, draws: int) -> Figures:
    """What real rows show, drawn with replacement."""
    rows = table.rows.to_numpy()
    return compared(table, rows[np.random.default_rng(0).integers(len(rows), size=draws)])


def ours(table: LabelTable, config: ControllerConfig, draws: int, seed: int) -> Figures:
    """A controller trained on the rows."""
    model, figures = trained(table, table.graph, config, seed)
    if enumerable(table.graph) and model.states_probabilities:
        truth = histogram(table.rows.to_numpy(), table.graph.sizes)
        figures["TVD, exact"] = total_variation(model.label_distribution().joint(), truth)
    return compared(table, model.sample_labels(draws, seed=seed + 1)) | figures


def compared(table: LabelTable, drawn: np.ndarray) -> Figures:
    """Total variation, if it can be counted; errors of probabilities of one label and of two, mean and largest."""
    rows, graph = table.rows.to_numpy(), table.graph
    alone, together = marginals.marginals(graph, drawn, rows), marginals.pairs(graph, drawn, rows)
    figures: Figures = {
        "label, mean error": float(np.mean([found["error"] for found in alone["each"].values()])),
        "label, largest error": alone["max_error"],
        "of": alone["worst"],
        "pair, mean error": together["mean_error"],
        "pair, largest error": together["max_error"],
        "of pair": together["worst"],
    }
    if enumerable(graph):
        figures["TVD"] = total_variation(histogram(drawn, graph.sizes), histogram(rows, graph.sizes))
    return figures


if __name__ == "__main__":
    main()
