"""The pictures of a model's answers: what is set above what is seen, one noise under many labels, and the reverse."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from causalgan_tf.data.dataset import training_cells
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.digits import rounded
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import safe
from causalgan_tf.inference.arguments import label_rows
from causalgan_tf.inference.query import Query
from causalgan_tf.reporting.pictures import CELL, COLUMNS, grid, headed, strips

if TYPE_CHECKING:
    from causalgan_tf.data import Dataset
    from causalgan_tf.inference.causal_model import CausalModel
    from causalgan_tf.inference.samples import Samples

ROWS = 4  # rows of an interpolation and of counterfactuals
STEPS = 8  # images of an interpolation, from 0 to 1
COMMON = 3  # label vectors of a diversity grid
COUNTED = 200  # draws in which the commonest label vectors are counted, and the range of a number is found
FEW = 3  # categories that are shown, of more
LOW, HIGH = (0.05, 0.1), (0.95, 0.9)  # quantiles of a number: to which it is set, and beyond which it is kept


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of picture.

    >>> KINDS["given"].conditions, KINDS["switched"].conditions
    (True, False)
    >>> subjects(model.graph, "given", (), do={}, given={"Old": 1})  # Old is in the condition already
    ('Smokes',)
    >>> subjects(model.graph, "switched", (), do={}, given={"Old": 1})
    ('Old', 'Smokes')

    Attributes:
        title: its heading.
        caption: what is to be seen in it.
        labelled: whether there is one picture a label.
        conditions: whether it conditions on the label, which then cannot be in a condition already.
    """

    title: str
    caption: str
    labelled: bool = True
    conditions: bool = False


KINDS = {
    "do_given": Kind(
        "Intervention above, condition below",
        "The upper row sets the label and leaves its causes alone; the lower keeps who has it anyway. A number is set "
        "to a high value, and kept where it is high; of categories the first few are shown.",
        conditions=True,
    ),
    "switched": Kind(
        "The same people, one label switched",
        "do(X=1) above do(X=0). Each column is one draw of all noise: only what the label causes may change from row "
        "to row. A number is set high above low, a category to one after another.",
    ),
    "given": Kind(
        "Those who have it above those who have not",
        "Given X=1 above given X=0: with the label go its causes and all that goes with them. The columns are not the "
        "same people. A number is given high above low.",
        conditions=True,
    ),
    "interpolation": Kind(
        "One label, little by little",
        "The label that the image sees goes from 0 on the left to 1 on the right, a number from a low to a high value, "
        "a category from one to the next; each row is one draw of all noise, and its other labels stay.",
    ),
    "counterfactual": Kind(
        "Each label switched in turn",
        "On the left people as they were drawn; then, with all their noise, each label set to its other value, and "
        "what it causes follows; a low number becomes high and a high one low, a category the next. The data do not "
        "tell what becomes of a person: this is what the fitted mechanisms make of it.",
        labelled=False,
    ),
    "diversity": Kind(
        "Equal labels, other noise",
        "All images under a caption have the same labels; a column has the same noise under each caption.",
        labelled=False,
    ),
}


def subjects(
    graph: CausalGraph, kind: str, labels: Sequence[str], do: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[str, ...]:
    """The labels that a kind of picture is about.

    Args:
        graph: the model's graph.
        kind: one of KINDS.
        labels: those asked for; none: every label that can be asked for.
        do: interventions under which the pictures are drawn.
        given: conditions, likewise.

    Raises:
        InputError: an unknown label, one that is set already or, where the kind conditions on it, in a condition, or
            labels for a picture that is about none.
    """
    for label in labels:
        graph.index(label)
    if kind == "diversity":
        if labels:
            raise InputError(f"A picture of diversity is about no label, got {labels[0]!r}: set labels by do.")
        return ()
    taken = {**do, **(given if KINDS[kind].conditions else {})}
    for label in labels:
        if label in taken:
            part = "do" if label in do else "given"
            raise InputError(f"{label!r} is in {part}, so a {kind} picture cannot change it. Drop it from one of them.")
    return tuple(node for node in graph.nodes if (node in labels if labels else node not in taken))


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Draws pictures of one model; a condition that the model never meets leaves its message in place of a row.

    Attributes:
        model: a model of labels and images.
        n: images in a row.
        units: rows of an interpolation and of counterfactuals.
        do: interventions under which all is drawn.
        given: conditions under which all is drawn.
        seed: of all draws.
        scale: every pixel is drawn as scale x scale pixels.
        max_draws: candidate rows that may be drawn to meet a condition; None: the model chooses.

    Examples:
        `faces` is a model of labels and images.

        >>> Gallery(faces, n=4, do={"Young": 1}).seed
        0
    """

    model: "CausalModel"
    n: int = COLUMNS
    units: int = ROWS
    do: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    given: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0
    scale: int = 1
    max_draws: int | None = None
    _kept: dict[str, "Samples | str"] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    def draw(self, kinds: Iterable[str] = tuple(KINDS), labels: Sequence[str] = ()) -> dict[str, Image.Image]:
        """Pictures by name: KIND_LABEL, or KIND alone of a kind that is not `labelled`.

        Args:
            kinds: some of KINDS.
            labels: labels that they are about; none: see `subjects`.

        Raises:
            InputError: as `subjects`; nothing is drawn then.

        Examples:
            >>> list(Gallery(faces, n=4).draw(["switched"], ["Male", "Young"]))
            ['switched_Young', 'switched_Male']
        """
        # for all kinds first: a wrong label must not end a call whose first pictures took minutes
        about = {kind: subjects(self.model.graph, kind, labels, self.do, self.given) for kind in kinds}
        drawn = {}
        for kind, nodes in about.items():
            if kind == "diversity":
                drawn[kind] = self._diversity()
            elif kind == "counterfactual":
                drawn[kind] = self._counterfactual(nodes)
            else:
                drawn |= {f"{kind}_{node}": getattr(self, f"_{kind}")(node) for node in nodes}
        return drawn

    def _do_given(self, node: str) -> Image.Image:
        ends = self._ends(node)
        shown = ends if self.model.graph.variables[node].named else ends[:1]
        queries = [
            query
            for value, kept in shown
            for query in (({**self.do, node: value}, self.given), (self.do, {**self.given, node: kept}))
        ]
        return self._rows(*queries)

    def _given(self, node: str) -> Image.Image:
        return self._rows(*((self.do, {**self.given, node: kept}) for _, kept in self._ends(node)))

    def _rows(self, *queries: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Image.Image:
        """Rows, each of its own query."""
        rows = {}
        for do, given in queries:
            row = self._sample(self.n, do, given)
            rows[self._words(do, given)] = row if isinstance(row, str) else row.images
        return strips(rows, self.n, self.scale)

    def _switched(self, node: str) -> Image.Image:
        units, rows = self._sample(self.n, self.do, self.given), {}
        for place, (value, _) in enumerate(self._ends(node)):
            do, more = {**self.do, node: value}, "; the same noise" if place else ""
            row = units if isinstance(units, str) else self.model.twins(units, do).images
            rows[f"{self._words(do, {}, self.given)}{more}"] = row
        return strips(rows, self.n, self.scale)

    def _interpolation(self, node: str) -> Image.Image:
        units, words = self._sample(self.units, self.do, self.given), self._words(self.do, self.given)
        if isinstance(units, str):
            return strips({words: units}, STEPS, self.scale)
        steps, heads, caption = self._sweep(node)
        labels = np.repeat(label_rows(self.model.graph, units.labels), len(steps), axis=0)
        labels[:, self.model.graph.index(node)] = np.tile(steps, len(units.seeds))
        images = self.model.images_of(labels, seeds=np.repeat(units.seeds, len(steps)))
        return headed(images, heads, f"{caption}{self._context()}", self.scale)

    def _sweep(self, node: str) -> tuple[np.ndarray, list[str], str]:
        """The numbers that a label takes little by little, what stands above them, and a caption."""
        variable = self.model.graph.variables[node]
        if variable.named:
            return np.arange(variable.size), list(variable.categories), f"{node}, one category after another"
        low, high = (0.0, 1.0) if variable.size else self._quantiles(node, LOW[0], HIGH[0])
        steps = np.linspace(low, high, STEPS)
        heads = [f"{step:.2f}".rstrip("0").rstrip(".") if high - low < 10 else f"{step:.0f}" for step in steps]
        return steps - variable.offset, heads, f"{node} from {low:g} to {high:g}"

    def _ends(self, node: str) -> list[tuple[Any, Any]]:
        """The values that a label is shown at, the present or the high one first: set by do, and as a condition."""
        variable = self.model.graph.variables[node]
        if variable.named:
            return [(name, name) for name in variable.categories[:FEW]]
        if variable.size:
            return [(1, 1), (0, 0)]
        low, below, above, high = self._quantiles(node, *LOW, *HIGH[::-1])
        return [(high, (above, math.inf)), (low, (-math.inf, below))]

    def _quantiles(self, node: str, *shares: float) -> list[float]:
        """Quantiles of a continuous label as the model observes it, three digits or more, within its bounds."""
        drawn, variable = self._sample(COUNTED, {}, {}, images=False), self.model.graph.variables[node]
        numbers = drawn.labels[node].to_numpy(np.float64) - variable.offset
        found = [rounded(value, numbers.std(), 3) for value in np.quantile(numbers, shares)]
        return [variable.shown(np.clip(value, variable.low, variable.high)) for value in found]

    def _counterfactual(self, nodes: Sequence[str]) -> Image.Image:
        units, words = self._sample(self.units, self.do, self.given), self._words(self.do, self.given)
        if isinstance(units, str):
            return strips({words: units}, STEPS, self.scale)
        columns = [units.images]
        for node in nodes:
            # each value is set for all units and the fitting row picked: fewer calls than one a unit
            values, chosen = self._others(node, units.labels[node])
            twins = [self.model.twins(units, {**self.do, node: value}).images for value in values]
            columns.append(np.stack(twins)[chosen, np.arange(len(chosen))])
        images = np.stack(columns, axis=1).reshape(-1, *units.images.shape[1:])
        return headed(images, ["as drawn", *nodes], f"each label switched{self._context()}", self.scale)

    def _others(self, node: str, own: pd.Series) -> tuple[list[Any], np.ndarray]:
        """Values of a label, and the place among them of each unit's other one: 1 for 0, high for low, the next."""
        variable = self.model.graph.variables[node]
        if variable.named:
            return list(variable.categories), (own.cat.codes.to_numpy(np.int64) + 1) % variable.size
        if variable.size:
            return [0, 1], 1 - own.to_numpy(np.int64)
        low, middle, high = self._quantiles(node, LOW[0], 0.5, HIGH[0])
        return [low, high], (own.to_numpy() <= middle).astype(np.int64)

    def _diversity(self) -> Image.Image:
        drawn = self._sample(COUNTED, self.do, self.given, images=False)
        if isinstance(drawn, str):
            return strips({self._words(self.do, self.given): drawn}, self.n, self.scale)
        rows = {}
        for vector in self._common(label_rows(self.model.graph, drawn.labels)):
            labels = np.tile(vector, [2 * self.n, 1])
            rows[self._labels_in_words(vector)] = self.model.images_of(labels, seed=self.seed)
        return strips(rows, self.n, self.scale)

    def _common(self, labels: np.ndarray) -> np.ndarray:
        """The commonest of label rows [n, K]; with a continuous label no two are alike, and the first are taken."""
        if self.model.graph.sizes is None:
            return labels[:COMMON]
        # labels that the model draws often: on rare ones its images say little of its noise
        vectors, counts = np.unique(labels, axis=0, return_counts=True)
        return vectors[np.argsort(-counts, kind="stable")[:COMMON]]

    def _labels_in_words(self, vector: np.ndarray) -> str:
        graph = self.model.graph
        if graph.is_binary:
            present = [node for node, value in zip(graph.nodes, vector, strict=True) if value]
            return f"{', '.join(present)} = 1, all else 0" if present else "every label 0"
        values = (variable.shown(value) for variable, value in zip(graph.variables.values(), vector, strict=True))
        shown = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in values)
        return ", ".join(f"{node}={value}" for node, value in zip(graph.nodes, shown, strict=True))

    def _sample(self, n: int, do: Mapping[str, Any], given: Mapping[str, Any], images: bool = True) -> "Samples | str":
        """Rows under a query, or why there are none; a condition is searched for once, for it may take seconds."""
        if not given:  # the same rows as by `sample`, which draws many at once to keep a few
            return self.model.twins(self._kept_sample(n, {}, {}, False), do, images)
        return self._kept_sample(n, do, given, images)

    def _kept_sample(self, n: int, do: Mapping[str, Any], given: Mapping[str, Any], images: bool) -> "Samples | str":
        key = f"{n} {images} {sorted(do.items())} {sorted(given.items())}"
        if key not in self._kept:
            try:
                self._kept[key] = self.model.sample(n, do, given, self.seed, images, self.max_draws)
            except InputError as error:
                self._kept[key] = f"Left out. {error}"
        return self._kept[key]

    def _context(self) -> str:
        """The query under which all is drawn, behind a comma; empty without one."""
        return f", {self._words(self.do, self.given)}" if self.do or self.given else ""

    def _words(self, do: Mapping[str, Any], given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
        """A query in words; `before` are conditions that held before anything was set."""
        graph, parts = self.model.graph, []
        if before:
            parts.append(f"of those with {Query.create(graph, None, before).text()}")
        if do:
            parts.append(Query.create(graph, do).text())
        if given:
            parts.append(f"given {Query.create(graph, None, given).text()}")
        return ", ".join(parts) or "as observed"


def report_pictures(model: "CausalModel", dataset: "Dataset", seed: int) -> dict[str, Image.Image]:
    """The pictures of the report.

    Args:
        model: a trained model.
        dataset: real images to stand beside the generated ones.
        seed: of all draws.

    Returns:
        Name to picture: "samples" and "real", "unsupported" where there are rows without training images of their
        labels, and those of `Gallery.draw`. Empty if the model draws labels only.
    """
    if model.image_size is None:
        return {}
    scale = max(1, CELL // model.image_size)
    pictures = {"samples": grid(model.sample(6 * COLUMNS, seed=seed).images, COLUMNS, scale=scale)}
    real = dataset.test or dataset.train
    if real is not None:
        pictures["real"] = grid(np.asarray(real.images[: 6 * COLUMNS]), COLUMNS, scale=scale)
    # the package brings TensorFlow, which this module starts without
    from causalgan_tf.evaluation.interventions import single_interventions
    from causalgan_tf.reporting.unsupported import unsupported_picture

    if cells := training_cells(dataset):
        interventions = dict(single_interventions(model.graph, dataset.label_rows))
        if extrapolated := unsupported_picture(model, cells, interventions, seed, scale):
            pictures["unsupported"] = extrapolated
    return pictures | Gallery(model, seed=seed, scale=scale).draw()


def summary_pictures(model: "CausalModel", kinds: Iterable[str] = tuple(KINDS)) -> dict[str, np.ndarray]:
    """Pictures for TensorBoard: samples, and for each label and kind KIND/LABEL; uint8 [H, W, 3]."""
    scale = max(1, CELL // model.image_size)
    shown = {"samples": grid(model.sample(5 * COLUMNS, seed=1).images, COLUMNS)}
    gallery = Gallery(model, seed=2, scale=scale, max_draws=1_000_000)
    for kind in kinds:
        for name, picture in gallery.draw([kind]).items():
            shown[f"{kind}/{safe(name.removeprefix(f'{kind}_'))}" if KINDS[kind].labelled else kind] = picture
    return {name: np.asarray(picture) for name, picture in shown.items()}
