"""The pictures of a model's answers: what is set above what is seen, one noise under many labels, and the reverse."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.pictures import CELL, COLUMNS, grid, headed, strips
from causalgan_tf.query import Query

if TYPE_CHECKING:
    from causalgan_tf.causal_model import CausalModel, Samples
    from causalgan_tf.data import Dataset

ROWS = 4  # rows of an interpolation and of counterfactuals
STEPS = 8  # images of an interpolation, from 0 to 1
COMMON = 3  # label vectors of a diversity grid
COUNTED = 200  # draws in which the commonest label vectors are counted


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of picture.

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
        "The upper row sets the label and leaves its causes alone; the lower keeps who has it anyway.",
        conditions=True,
    ),
    "switched": Kind(
        "The same people, one label switched",
        "do(X=1) above do(X=0). Each column is one draw of all noise: only what the label causes may change from row "
        "to row.",
    ),
    "given": Kind(
        "Those who have it above those who have not",
        "Given X=1 above given X=0: with the label go its causes and all that goes with them. The columns are not the "
        "same people.",
        conditions=True,
    ),
    "interpolation": Kind(
        "One label, little by little",
        "The label that the image sees goes from 0 on the left to 1 on the right; each row is one draw of all noise, "
        "and its other labels stay.",
    ),
    "counterfactual": Kind(
        "Each label switched in turn",
        "On the left people as they were drawn; then, with all their noise, each label set to its other value, and "
        "what it causes follows. The data do not tell what becomes of a person: this is what the fitted mechanisms "
        "make of it.",
        labelled=False,
    ),
    "diversity": Kind(
        "Equal labels, other noise",
        "All images under a caption have the same labels; a column has the same noise under each caption.",
        labelled=False,
    ),
}


def subjects(
    graph: CausalGraph, kind: str, labels: Sequence[str], do: Mapping[str, int], given: Mapping[str, int]
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
        max_draws: candidate rows that may be drawn to meet a condition.
    """

    model: "CausalModel"
    n: int = COLUMNS
    units: int = ROWS
    do: Mapping[str, int] = dataclasses.field(default_factory=dict)
    given: Mapping[str, int] = dataclasses.field(default_factory=dict)
    seed: int = 0
    scale: int = 1
    max_draws: int = 20_000_000
    _kept: dict[str, "Samples | str"] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    def draw(self, kinds: Iterable[str] = tuple(KINDS), labels: Sequence[str] = ()) -> dict[str, Image.Image]:
        """Pictures by name: KIND_LABEL, or KIND alone of a kind that is not `labelled`.

        Args:
            kinds: some of KINDS.
            labels: labels that they are about; none: see `subjects`.

        Raises:
            InputError: as `subjects`; nothing is drawn then.
        """
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
        return self._two(({**self.do, node: 1}, self.given), (self.do, {**self.given, node: 1}))

    def _given(self, node: str) -> Image.Image:
        return self._two(*((self.do, {**self.given, node: value}) for value in (1, 0)))

    def _two(self, *queries: tuple[Mapping[str, int], Mapping[str, int]]) -> Image.Image:
        """Two rows, each of its own query."""
        rows = {}
        for do, given in queries:
            row = self._sample(self.n, do, given)
            rows[self._words(do, given)] = row if isinstance(row, str) else row.images
        return strips(rows, self.n, self.scale)

    def _switched(self, node: str) -> Image.Image:
        units, rows = self._sample(self.n, self.do, self.given), {}
        for value, more in ((1, ""), (0, "; the same noise")):
            do = {**self.do, node: value}
            row = units if isinstance(units, str) else self.model.twins(units.seeds, do).images
            rows[f"{self._words(do, {}, self.given)}{more}"] = row
        return strips(rows, self.n, self.scale)

    def _interpolation(self, node: str) -> Image.Image:
        units, words = self._sample(self.units, self.do, self.given), self._words(self.do, self.given)
        if isinstance(units, str):
            return strips({words: units}, STEPS, self.scale)
        steps = np.linspace(0.0, 1.0, STEPS)
        labels = np.repeat(units.labels.to_numpy(np.float32), STEPS, axis=0)
        labels[:, self.model.graph.index(node)] = np.tile(steps, len(units.seeds))
        images = self.model.images_of(labels, seeds=np.repeat(units.seeds, STEPS))
        heads = [f"{step:.2f}".rstrip("0").rstrip(".") for step in steps]
        return headed(images, heads, f"{node} from 0 to 1{self._context()}", self.scale)

    def _counterfactual(self, nodes: Sequence[str]) -> Image.Image:
        units, words = self._sample(self.units, self.do, self.given), self._words(self.do, self.given)
        if isinstance(units, str):
            return strips({words: units}, STEPS, self.scale)
        columns = [units.images]
        for node in nodes:
            twins = [self.model.twins(units.seeds, {**self.do, node: value}).images for value in (0, 1)]
            own = units.labels[node].to_numpy()
            columns.append(np.where(own[:, None, None, None] == 1, *twins))
        images = np.stack(columns, axis=1).reshape(-1, *units.images.shape[1:])
        return headed(images, ["as drawn", *nodes], f"each label switched{self._context()}", self.scale)

    def _diversity(self) -> Image.Image:
        drawn = self._sample(COUNTED, self.do, self.given, images=False)
        if isinstance(drawn, str):
            return strips({self._words(self.do, self.given): drawn}, self.n, self.scale)
        vectors, counts = np.unique(drawn.labels.to_numpy(), axis=0, return_counts=True)
        rows = {}
        for vector in vectors[np.argsort(-counts, kind="stable")[:COMMON]]:
            present = [node for node, value in zip(self.model.graph.nodes, vector, strict=True) if value]
            caption = f"{', '.join(present)} = 1, all else 0" if present else "every label 0"
            rows[caption] = self.model.images_of(np.tile(vector, [2 * self.n, 1]), seed=self.seed)
        return strips(rows, self.n, self.scale)

    def _sample(self, n: int, do: Mapping[str, int], given: Mapping[str, int], images: bool = True) -> "Samples | str":
        """Rows under a query, or why there are none; a condition is searched for once, for it may take seconds."""
        if not given:  # the same rows as by `sample`, which draws many at once to keep a few
            return self.model.twins(self._kept_sample(n, {}, {}, False).seeds, do, images)
        return self._kept_sample(n, do, given, images)

    def _kept_sample(self, n: int, do: Mapping[str, int], given: Mapping[str, int], images: bool) -> "Samples | str":
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

    def _words(self, do: Mapping[str, int], given: Mapping[str, int], before: Mapping[str, int] | None = None) -> str:
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
        Name to picture: "samples" and "real", and those of `Gallery.draw`. Empty if the model draws labels only.
    """
    if model.image_size is None:
        return {}
    scale = max(1, CELL // model.image_size)
    pictures = {"samples": grid(model.sample(6 * COLUMNS, seed=seed).images, COLUMNS, scale=scale)}
    real = dataset.test or dataset.train
    if real is not None:
        pictures["real"] = grid(np.asarray(real.images[: 6 * COLUMNS]), COLUMNS, scale=scale)
    return pictures | Gallery(model, seed=seed, scale=scale).draw()


def summary_pictures(model: "CausalModel", kinds: Iterable[str] = tuple(KINDS)) -> dict[str, np.ndarray]:
    """Pictures for TensorBoard: samples, and for each label and kind KIND/LABEL; uint8 [H, W, 3]."""
    scale = max(1, CELL // model.image_size)
    shown = {"samples": grid(model.sample(5 * COLUMNS, seed=1).images, COLUMNS)}
    gallery = Gallery(model, seed=2, scale=scale, max_draws=1_000_000)
    for kind in kinds:
        for name, picture in gallery.draw([kind]).items():
            shown[f"{kind}/{name.removeprefix(f'{kind}_')}" if KINDS[kind].labelled else kind] = picture
    return {name: np.asarray(picture) for name, picture in shown.items()}
