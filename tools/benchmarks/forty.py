"""All labels of CelebA under a complete graph: label by label and pair by pair, model beside resampled real rows.

    python -m tools.benchmarks.forty --labels_file=list_attr_celeba.txt

Every label has all earlier columns of the file as parents, so the graph excludes no law, and the 2**40 cells are beyond
counting: what can be judged are the probabilities of each label and the tables of each two. Beside the model's stand
those of as many real rows drawn with replacement, the error of sampling alone. Prints aggregates and
keeps them in a csv, --out; what is there is not computed again. Training takes the settings of --flagfile and of the
--controller_... flags behind it.
"""

import argparse
import io
import pathlib
import time
import zipfile

import numpy as np
import pandas as pd

from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.data.tables import LabelTable, read_labels
from causalgan_tf.evaluation import marginals
from causalgan_tf.graphs.named import completed
from tools.benchmarks.networks import Figures, Results, controller_config, differences


def main() -> None:
    """Reads the arguments, runs what is not done and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels_file", type=pathlib.Path, required=True, help="list_attr_celeba.txt, zipped or not")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/forty.csv"))
    parser.add_argument("--draws", type=int, default=200_000, help="rows drawn of the model, and resampled")
    parser.add_argument("--seed", type=int, default=0, help="seed of the training")
    parser.add_argument("--flagfile", type=pathlib.Path, help="settings of the controller; none: the defaults")
    arguments, rest = parser.parse_known_args()
    config, results = controller_config(arguments.flagfile, rest), Results(arguments.out)
    table = read_labels(arguments.labels_file, completed(label_names(arguments.labels_file)))
    print(f"{len(table.graph)} labels, {len(table.rows):,} rows; settings: {differences(config) or 'the defaults'}")
    key = {"subject": "celeba", "data_seed": ""}
    runs = {
        "resampled rows": results.once(
            lambda: resampled(table, arguments.draws),
            **key,
            method="resampled rows",
            seed="",
            settings=f"{arguments.draws} draws",
        ),
        "causalgan_tf": results.once(
            lambda: ours(table, config, arguments),
            **key,
            method="causalgan_tf",
            seed=arguments.seed,
            settings=f"{arguments.draws} draws {differences(config)}",
        ),
    }
    print(pd.DataFrame(runs).fillna("").to_string())


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


def ours(table: LabelTable, config: ControllerConfig, arguments: argparse.Namespace) -> Figures:
    """A controller trained on the rows."""
    from causalgan_tf.training.stages import fit_labels

    start = time.perf_counter()
    model = fit_labels(table, table.graph, config, arguments.seed, progress=False)
    seconds = time.perf_counter() - start
    return compared(table, model.sample_labels(arguments.draws, seed=1)) | {"train_s": seconds}


def compared(table: LabelTable, drawn: np.ndarray) -> Figures:
    """Mean and largest absolute errors of probabilities of one label and of two, and where the largest are."""
    rows, graph = table.rows.to_numpy(), table.graph
    alone, together = marginals.marginals(graph, drawn, rows), marginals.pairs(graph, drawn, rows)
    return {
        "label, mean error": float(np.mean([found["error"] for found in alone["each"].values()])),
        "label, largest error": alone["max_error"],
        "of": alone["worst"],
        "pair, mean error": together["mean_error"],
        "pair, largest error": together["max_error"],
        "of pair": together["worst"],
    }


if __name__ == "__main__":
    main()
