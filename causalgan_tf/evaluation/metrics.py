"""Results of an evaluation as values; `to_json` gives the parts of report.json."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class LabelMetrics:
    """The "labels" part of report.json; what does not apply is None.

    >>> LabelMetrics(n=5_000, n_data=4_000, tvd=0.02).to_json()["tvd"]
    0.02

    Attributes:
        n: label rows drawn from the model.
        n_data: label rows of the data.
        tvd: total variation distance of the joint distribution of all labels to that of the data.
        tvd_floor: what sampling alone gives for tvd.
        tvd_to_graph_law: distance to the distribution that the graph implies.
        tvd_data_to_graph_law: the data's own distance to it.
        off_support_mass: probability of label combinations that the data lacks.
        do: distances under each single intervention, where all cells are enumerated.
        marginals: errors of each label alone, where the cells cannot be counted.
        pairs: errors of two discrete labels together.
        mmd: squared maximum mean discrepancy, where a label is continuous.
        do_marginals: errors of each label alone under each single intervention.
        lost_values: values that the data have and the model hardly draws, see inference.limits.LostValues.
        thin_cells: settings of a label's parents with few rows, see inference.limits.ThinCells.
        independences: that the graph implies, tested on the rows: implied, violated, rows and worst; None: too many.
        do_support: share of the rows under each do that the data show, see inference.limits.DoSupports.
        warnings: the same in sentences.
        queries: statements with the model's probability and the true one.
    """

    n: int
    n_data: int
    tvd: float | None = None
    tvd_floor: float | None = None
    tvd_to_graph_law: float | None = None
    tvd_data_to_graph_law: float | None = None
    off_support_mass: float | None = None
    do: dict[str, Any] | None = None
    marginals: dict[str, Any] | None = None
    pairs: dict[str, Any] | None = None
    mmd: dict[str, Any] | None = None
    do_marginals: dict[str, Any] | None = None
    lost_values: dict[str, Any] | None = None
    thin_cells: dict[str, Any] | None = None
    do_support: dict[str, Any] | None = None
    independences: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    queries: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The part of report.json."""
        return _fields(self) | {"queries": list(self.queries), "warnings": list(self.warnings)}


@dataclasses.dataclass(frozen=True)
class ImageMetrics:
    """The "images" part of report.json, where `frechet` has the name of its distance, "cfid" or "fid".

    >>> fields = {field.name: {} for field in dataclasses.fields(ImageMetrics)}
    >>> fields |= {"features": {"distance": "FID"}, "frechet": {"observational": 12.5}}
    >>> ImageMetrics(**fields).to_json()["fid"]
    {'observational': 12.5}

    Attributes:
        judge: accuracy of the classifier on real images, of each discrete label.
        judge_cells: "uniform" or "observational", the labels that the classifier was trained on.
        effectiveness: how often images show their labels, as observed, on uniform cells and under do: the "mean" and,
            by name, "labels".
        balanced_accuracy: mean over the values of each label, on uniform cells.
        balanced_accuracy_observational: the same, as observed.
        judge_training: whether the classifier was balanced, and of each label whether on overlap and calibrated.
        judge_recall: of each label's each value how often the classifier says it where it is the label: real images,
            generated ones as observed and under do.
        off_target: what interventions move in images beside the label that they set, see evaluation.off_target.
        continuous: errors of each continuous label as it is read off the image.
        support: of each intervention the share of label rows whose cell has a training image.
        supported_from: share from which an intervention counts as supported.
        features: extractor, width, distance and number of neighbours.
        kid: squared kernel distance of the features, with standard errors and the control.
        precision: share of generated images near a real one, of model and control.
        recall: share of real images near a generated one, of model and control.
        density: in how many real images' neighbourhoods a generated one lies, of model and control.
        coverage: share of real images with a generated one nearby, of model and control.
        frechet: Frechet distances: observational, control and under do.
        diversity: distance between images of equal labels, of model and real ones.
        n: numbers of images; "control": on either side of distances and neighbours.
    """

    judge: dict[str, Any]
    judge_cells: str
    effectiveness: dict[str, Any]
    balanced_accuracy: dict[str, Any]
    balanced_accuracy_observational: dict[str, Any]
    judge_training: dict[str, Any]
    judge_recall: dict[str, Any]
    off_target: dict[str, Any]
    continuous: dict[str, Any]
    support: dict[str, Any]
    supported_from: float
    features: dict[str, Any]
    kid: dict[str, Any]
    precision: dict[str, Any]
    recall: dict[str, Any]
    density: dict[str, Any]
    coverage: dict[str, Any]
    frechet: dict[str, Any]
    diversity: dict[str, Any]
    n: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The part of report.json."""
        fields = _fields(self)
        return fields | {self.features["distance"].lower(): fields.pop("frechet")}


def _fields(metrics: LabelMetrics | ImageMetrics) -> dict[str, Any]:
    return {field.name: getattr(metrics, field.name) for field in dataclasses.fields(metrics)}
