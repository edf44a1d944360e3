"""Measures a run and writes its report: data, model, numbers, pictures in one call."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from causalgan_tf import evaluation
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data.dataset import Dataset
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes, features
from causalgan_tf.evaluation.classifier import EvaluationClassifier
from causalgan_tf.evaluation.features import FeatureExtractor
from causalgan_tf.graphs import drawing
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.reporting import gallery, report
from causalgan_tf.runs.hparams import write_final
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.runs.timing import read_timing
from causalgan_tf.system.outputs import OutputFolder

PHASES = ("install_s", "data_s", "controller_train_s", "image_train_s")
# what TensorBoard compares runs by, and where it stands in report.json
FIGURES = {
    "labels_tvd": "labels.tvd",
    "labels_do_tvd_max": "labels.do.max_tvd",
    "labels_error": "labels.marginals.max_error",
    "images_effectiveness_do": "images.effectiveness.do.mean",
    "images_cfid": "images.cfid.observational",
    "images_cfid_do": "images.cfid.do",
    "images_fid": "images.fid.observational",
    "images_coverage": "images.coverage.model",
    "images_off_target": "images.off_target.mean",
}
DRAWN = 60  # nodes; a drawing of more cannot be read in a report


def evaluate_run(
    workdir: str | pathlib.Path,
    sizes: EvaluationSizes | None = None,
    inception_weights: str | pathlib.Path = "",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Measures the run in `workdir` and writes its report/report.json and report/report.html.

    The data must be those of the training; the user's graph file is not read.

    Args:
        workdir: the run folder.
        sizes: how much is drawn; None: the defaults.
        inception_weights: file of Keras' InceptionV3 weights, to measure images by an FID; empty: by the classifier's
            features.
        overwrite: whether files of report/ that the project did not write may be replaced.

    Returns:
        The numbers of report.json.

    Raises:
        InputError: the folder holds no trained run, its data are not there or not the same, or there are weights of
            Inception for a model of labels.

    Examples:
        >>> numbers = evaluate_run("runs/people", EvaluationSizes(draws=2_000))
        >>> numbers["labels"]["n"]
        2000
        >>> sorted(path.name for path in pathlib.Path("runs/people/report").glob("report.*"))
        ['report.html', 'report.json']
    """
    run = Run.open(workdir)
    if run.workdir != pathlib.Path(workdir):
        raise InputError(f"{workdir} lies in the package and was measured there: see {run.workdir / 'report.json'}.")
    model = run.model()
    if inception_weights and model.image_size is None:
        raise InputError("--inception_weights measure images: this model draws labels only.")
    extractor = features.Inception(inception_weights) if inception_weights else None
    dataset = run.dataset(labels_only=model.image_size is None)
    numbers = evaluate(model, dataset, run.config, run.workdir, sizes, extractor=extractor)
    pictures = gallery.report_pictures(model, dataset, run.config.seed)
    if len(model.graph) <= DRAWN:
        pictures["graph"] = drawing.graph_picture(model.graph, image=model.image_size is not None)
    report.write_report(OutputFolder(run.workdir / "report", overwrite), numbers, pictures)
    write_final(run.workdir, run.config, report_figures(numbers), step=0)
    return numbers


def report_figures(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a report that TensorBoard compares runs by, those that were measured.

    >>> report_figures({"labels": {"tvd": 0.01, "do": {"max_tvd": 0.02}}})
    {'report/labels_tvd': 0.01, 'report/labels_do_tvd_max': 0.02}
    """
    found: dict[str, float | None] = {}
    for name, path in FIGURES.items():
        value: Any = numbers
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        found[f"report/{name}"] = value
    return {tag: float(value) for tag, value in found.items() if value is not None}


def evaluate(
    model: CausalModel,
    dataset: Dataset,
    config: RunConfig,
    workdir: str | pathlib.Path,
    sizes: EvaluationSizes | None = None,
    classifier: EvaluationClassifier | None = None,
    extractor: FeatureExtractor | None = None,
) -> dict[str, Any]:
    """The numbers of report.json: those of `evaluation.measure`, the configuration and the times; writes nothing.

    Args:
        model: as in `evaluation.measure`.
        dataset: as in `evaluation.measure`.
        config: the run's configuration.
        workdir: the run folder, whose timing.json holds the seconds of the phases before.
        sizes: as in `evaluation.measure`.
        classifier: as in `evaluation.measure`.
        extractor: as in `evaluation.measure`.

    Returns:
        A dict of plain Python values, with None where there is nothing to measure.

    Examples:
        >>> run = Run.open("runs/people")
        >>> numbers = evaluate(run.model(), run.dataset(), run.config, run.workdir, EvaluationSizes(draws=2_000))
        >>> numbers["graph"]
        'Old; Old -> Smokes; Old: binary; Smokes: binary'
    """
    numbers = evaluation.measure(model, dataset, config.seed, sizes, classifier, extractor)
    known = read_timing(workdir)
    timing = {phase: known.get(phase) for phase in PHASES} | {"evaluate_s": numbers.pop("seconds")}
    timing["total_s"] = round(sum(seconds for seconds in timing.values() if seconds is not None), 1)
    return numbers | {"dataset": config.data.dataset, "timing": timing, "config": dataclasses.asdict(config)}
