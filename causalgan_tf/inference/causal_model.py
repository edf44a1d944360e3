"""A trained causal implicit generative model: one verb, `sample`, for every question."""

import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from causalgan_tf import noise
from causalgan_tf.config import budget
from causalgan_tf.config.budget import MANY
from causalgan_tf.config.data import without_images
from causalgan_tf.errors import InputError, brief
from causalgan_tf.graphs.cells import ObservedCells, check_enumerable
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import saved_model
from causalgan_tf.inference.arguments import SEED, label_rows, row_seeds, whole
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.distribution import LabelDistribution, named_probabilities
from causalgan_tf.inference.image_sampler import ImageSampler
from causalgan_tf.inference.image_units import ImageUnits
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.limits import LabelLimits
from causalgan_tf.inference.old_names import OldNames
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.questions import Questions
from causalgan_tf.inference.samples import Samples, label_frame
from causalgan_tf.inference.tables import check_parent_cells, mechanism_table
from causalgan_tf.inference.units import Units
from causalgan_tf.networks.stacked import StackedMechanisms

UNMEASURED = (
    "What the training rows leave open was not measured: the model was put together by hand, its training has not "
    "ended, or an earlier version trained it."
)


class CausalModel(Questions, OldNames):
    """Causal controller and, if it was trained, the image generator.

    Examples:
        `model` was fitted to a data frame, see `fit_labels`; `faces` draws images of 32 pixels too.

        >>> model.graph.nodes, model.image_size, faces.image_size
        (('Old', 'Smokes'), None, 32)
    """

    def __init__(
        self,
        graph: CausalGraph,
        mechanisms: StackedMechanisms,
        image_generator: keras.Model | None = None,
        label_encoding: str = "sign",
        record: Mapping[str, Any] | None = None,
        cells: ObservedCells | None = None,
    ) -> None:
        """Joins trained networks; causalgan_tf.load builds it from a run folder.

        Args:
            graph: over the labels.
            mechanisms: the label generators.
            image_generator: None: the model draws labels only.
            label_encoding: see ImageConfig.
            record: what `save` writes beside the weights, see runs.run_folder.Run.record; None: it cannot be saved.
            cells: the label cells that have training images; None: not known.
        """
        self.graph, self.record = graph, record
        self.cells = cells if image_generator else None
        self.mechanisms, self.image_generator = mechanisms, image_generator
        self.labels = LabelSampler(mechanisms)
        variables = list(graph.variables.values())
        self.images = ImageSampler(image_generator, label_encoding, variables) if image_generator else None
        self.image_units: ImageUnits | None = None
        self._exact: dict[tuple[int, int], LabelDistribution] = {}

    def __repr__(self) -> str:
        drawn = f", images of {list(self.images.shape)}" if self.images else ", no images"
        return f"CausalModel: {len(self.graph)} labels{drawn}\n{self.graph!r}"

    def save(self, folder: str | pathlib.Path, overwrite: bool = False) -> None:
        """Writes the model into a folder that causalgan_tf.load reads; it then draws the same rows from the same seed.

        Networks, graph and types of labels are written, no data; of a model of images also which label cells have
        training images, without counts or order. A model that was saved there before is replaced.

        >>> model.save("people")
        >>> causalgan_tf.load("people").sample(3, do={"Smokes": 1})
        Samples: 3 rows, do(Smokes=1)
        labels: Old, Smokes
        images: none

        Args:
            folder: made if it does not exist.
            overwrite: whether files that are in the way and that this project did not write are replaced.

        Raises:
            InputError: the folder holds a run or other files in the way, it cannot be written, or the model was put
                together by hand.
        """
        if self.record is None:
            raise InputError("save: this model was put together by hand. Models of fit_labels and load can be saved.")
        saved_model.write(folder, self.record, self.networks, overwrite)

    @property
    def networks(self) -> dict[str, keras.layers.Layer]:
        """The trained networks by stage."""
        images = {"images": self.image_generator} if self.image_generator else {}
        encoder = {"encoder": self.encoder} if self.image_units else {}
        return {"controller": self.mechanisms, **images, **encoder}

    @functools.cached_property
    def limits(self) -> LabelLimits | None:
        """Where the labels rest on few training rows; None: it was not measured."""
        return LabelLimits.from_json(self.record["limits"]) if self.record and "limits" in self.record else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Where the labels rest on few training rows or none, a short sentence each.

        Lost values, interventions whose rows the training table hardly shows, settings of parents with few rows, and
        what was not looked at. Measured when the training of the labels ended; `limits` has the numbers.
        """
        return (UNMEASURED,) if self.limits is None else self.limits.sentences

    @property
    def states_probabilities(self) -> bool:
        """Whether the mechanisms state P(label | parents), so that answers are exact and no draws are counted."""
        return self.mechanisms.stated

    @property
    def label_generator(self) -> keras.Model:
        """The causal controller as a functional Keras model, see networks.mechanisms.label_generator."""
        return self.mechanisms.functional()

    @property
    def encoder(self) -> keras.Model | None:
        """The encoder with which counterfactuals of given images begin, see fit_encoder; None: it has none."""
        return self.image_units.encoder if self.image_units else None

    @encoder.setter
    def encoder(self, network: keras.Model | None) -> None:
        # kept, for its search for an image's noise is compiled once
        self.image_units = ImageUnits(self.images, network) if network else None

    @property
    def image_size(self) -> int | None:
        """Side of the images, pixels; None if the model draws labels only."""
        return self.images.shape[0] if self.images else None

    def sample(
        self,
        n: int,
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        seed: int = 0,
        images: bool | None = None,
        max_draws: int | None = None,
        method: str = "auto",
        evidence: Mapping[str, Any] | None = None,
        progress: bool = False,
    ) -> Samples:
        """Draws exactly `n` rows from P(. | do(x), z).

        The same seed draws the same exogenous noise whatever `do` is: without `given`, row i of two interventions is
        the same unit, and labels that are not descendants of an intervention are equal.

        Args:
            n: rows, at least 1.
            do: interventions, node to 0 or 1, a category's name or a number.
            given: conditions in the model that `do` has mutilated; of a continuous node an interval, such as (20, 30).
            seed: seed of the draw, from 0 to 2**63 - 1.
            images: whether images are drawn too; None: if the model has an image generator.
            max_draws: candidate rows that may be drawn to meet `given`, in steps of 65,536; of weighted ones for each
                block of 2,048 rows, from 8,192 on; None: some millions, see LabelSampler.draw.
            method: how `given` is met: "auto", "exact", "rejection" or "particles", see LabelSampler.draw. Rows of
                rejection are drawn again from their seeds, as `twins` does.
            evidence: what was seen of the units before `do`, so that the rows say what such units would have been.
            progress: whether a bar shows how many candidates were drawn, where a condition takes seconds.

        Raises:
            InputError: an unknown node, a value that it does not have, a node in both, n below 1, images from a model
                of labels, or a condition that is not met `n` times within `max_draws`.

        Examples:
            >>> done = model.sample(1_000, do={"Smokes": 1}, seed=7).labels
            >>> seen = model.sample(1_000, given={"Smokes": 1}, seed=7).labels
            >>> bool(done["Old"].mean() > seen["Old"].mean())  # those who smoke are young; smoking makes nobody young
            True
            >>> faces.sample(4, do={"Mustache": 1}).images.shape
            (4, 32, 32, 3)
        """
        drawing = self._draws(images)
        n, seed = whole("n", n, low=1, unit=" row"), whole("seed", seed, 0, SEED)
        budget.check_draw(n, self.graph, self.images.shape if drawing else ())
        max_draws = None if max_draws is None else whole("max_draws", max_draws, low=1)
        query = Query.create(self.graph, do, given, evidence)
        if query.evidence:
            drawn_labels = Units(self.graph, self.labels).rows(query, n, seed, max_draws)
        else:
            drawn_labels = self.labels.draw(n, query, seed, max_draws, method, progress)
        labels, seeds, diagnostics = drawn_labels
        drawn = self.images.draw(labels, seeds) if drawing else None
        return self._samples(labels, drawn, seeds, query, diagnostics)

    def sample_labels(
        self, n: int, do: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None, seed: int = 0
    ) -> np.ndarray:
        """The labels of `sample` alone, as numbers: [n, K], uint8, or float32 where a label is continuous.

        Examples:
            >>> model.sample_labels(2, do={"Old": 1, "Smokes": 0}).tolist()
            [[1, 0], [1, 0]]
        """
        n, seed = whole("n", n, low=1, unit=" row"), whole("seed", seed, 0, SEED)
        budget.check_draw(n, self.graph)
        return self.labels.draw(n, Query.create(self.graph, do, given), seed)[0]

    def distribution(
        self,
        nodes: str | Sequence[str],
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        draws: int = 100_000,
        seed: int = 0,
    ) -> pd.Series:
        """P(nodes | do(x), z) of discrete labels, computed from the mechanisms by variable elimination, not sampled.

        Args:
            nodes: a label, or several for their joint distribution.
            do: interventions, as in `sample`.
            given: conditions in the model that `do` has mutilated; rare ones cost no more than others.
            draws: as in `label_distribution`; mechanisms that do not matter for the answer are not drawn.
            seed: as in `label_distribution`.

        Returns:
            float64, sum 1, indexed by the labels' values, of several labels with one level a label in the order of
            `nodes`, the last one fastest.

        Raises:
            InputError: as `label_distribution` and LabelDistribution.distribution.

        Examples:
            >>> model.distribution("Smokes", do={"Old": 1}, draws=1_000).index.tolist()
            [0, 1]
            >>> joint = model.distribution(["Smokes", "Old"], given={"Old": 0}, draws=1_000)
            >>> float(joint[0, 1]), round(float(joint.sum()), 6)
            (0.0, 1.0)
        """
        return self.label_distribution(draws, seed).distribution(nodes, do, given)

    def label_distribution(self, draws: int = 100_000, seed: int = 0) -> LabelDistribution:
        """The distribution of the labels, each mechanism a table P(node | parents).

        From it any query is computed, not sampled. Explicit mechanisms state their tables; those of implicit ones are
        counted in draws of their noise, with errors of at most .5 / sqrt(draws).
        A table is counted when a query first needs it, and kept.

        Args:
            draws: how often an implicit mechanism's noise is drawn; every cell of its parents meets the same draws.
            seed: seed of the noise.

        Raises:
            InputError: a continuous label, or draws below 1; of a query, a node that matters for it and has more than
                tables.MAX_PARENT_CELLS cells of parents.

        Examples:
            >>> labels = model.label_distribution(draws=1_000)
            >>> labels.probability({"Smokes": 1}, do={"Old": 0}) > labels.probability({"Smokes": 1}, do={"Old": 1})
            True
        """
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        if (draws, seed) not in self._exact:
            self._exact[draws, seed] = LabelDistribution(self.graph, functools.partial(self._table, draws, seed))
        return self._exact[draws, seed]

    def joint_distribution(self, do: Mapping[str, Any] | None = None, draws: int = 100_000, seed: int = 0) -> pd.Series:
        """The probability of every label cell under do(x), by the truncated factorisation of `label_distribution`.

        Returns:
            float64, sum 1, indexed by the labels' values, one level a node in graph order, the last one fastest.

        Raises:
            InputError: as `label_distribution`, more than graphs.cells.MAX_CELLS cells, or an intervention that the
                graph does not have.

        Examples:
            >>> joint = model.joint_distribution(do={"Smokes": 1}, draws=1_000)
            >>> float(joint.loc[:, 0].sum()), round(float(joint.sum()), 6)
            (0.0, 1.0)
        """
        labels = self.label_distribution(draws, seed)
        # before the first mechanism is drawn
        check_enumerable(self.graph)
        check_parent_cells(self.graph)
        table = labels.joint(do).reshape(labels.sizes[::-1]).transpose()
        return named_probabilities(self.graph, self.graph.nodes, table)

    def log_probability(self, labels: np.ndarray | pd.DataFrame) -> pd.DataFrame:
        """Log P(label | its parents) of each label in given rows, as the mechanisms state it, in nats.

        Of a continuous label it is the logarithm of its density in the label's own unit: of a length in cm, per cm.
        The sum over a row is the logarithm of its joint probability; without the columns of labels that are set, that
        under do. What a mechanism has beyond the bounds of a bounded label it draws at the bound; that mass is in no
        density.

        Args:
            labels: a data frame with a column a label, as `sample` gives it, or an array [n, K] of numbers, columns in
                graph order, as `sample_labels` gives it.

        Returns:
            float32 [n, K], a column a label in graph order, rows as in `labels`.

        Raises:
            InputError: implicit mechanisms, which state no probability; no rows, other columns, or a value that a label
                does not have.

        Examples:
            >>> scores = model.log_probability(pd.DataFrame({"Smokes": [1, 1], "Old": [0, 1]}))
            >>> bool(scores["Smokes"][1] < scores["Smokes"][0])  # the old smoke less
            True
            >>> share = model.distribution("Smokes", do={"Old": 1})[1]
            >>> round(float(np.exp(scores["Smokes"][1]) / share), 3)
            1.0
        """
        if not self.states_probabilities:
            raise InputError(
                "log_probability: the mechanisms of this model are implicit, they draw labels and state no "
                "probability. Train explicit ones (--controller_mechanisms=explicit), or count draws of `sample`."
            )
        rows = label_rows(self.graph, labels, between=False)
        if not len(rows):
            raise InputError("log_probability: expected at least 1 row of labels, got none.")
        index = labels.index if isinstance(labels, pd.DataFrame) else None
        return pd.DataFrame(self.labels.log_probability(rows), index, list(self.graph.nodes), copy=False)

    def images_of(
        self, labels: np.ndarray | pd.DataFrame, seed: int = 0, seeds: np.ndarray | None = None
    ) -> np.ndarray:
        """Images of given labels.

        Args:
            labels: a data frame with a column a label, as `sample` gives it, or an array [n, K], columns in graph
                order: 0/1, or between for an interpolation; of a category its place; of a continuous label itself.
            seed: seed of the images' noise.
            seeds: int64 [n], the rows' own seeds in place of `seed`: equal seeds have equal noise, and with those of
                `sample` an image is the one drawn there, but for its labels.

        Returns:
            uint8 [n, S, S, C].

        Raises:
            InputError: a model of labels only, other columns, a value that a label does not have, or another number of
                seeds.

        Examples:
            >>> faces.images_of(faces.sample(2).labels).shape
            (2, 32, 32, 3)
        """
        self.check_images("images_of")
        labels, seed = label_rows(self.graph, labels), whole("seed", seed, 0, SEED)
        budget.check_draw(len(labels), self.graph, self.images.shape)
        seeds = noise.row_seeds(seed, 0, len(labels)).numpy() if seeds is None else row_seeds(seeds)
        if len(seeds) != len(labels):
            raise InputError(f"images_of: expected a seed for each of {len(labels)} rows, got {len(seeds)} seeds.")
        return self.images.draw(labels, seeds)

    def check_images(self, what: str) -> None:
        """InputError, which begins with `what`, of a model that draws labels only.

        Examples:
            >>> faces.check_images("pictures")
        """
        if self.images is None:
            source = ((self.record or {}).get("config") or {}).get("data", {}).get("dataset")
            raise InputError(f"{what}: this model draws labels only. {without_images(source)}")

    def _draws(self, images: bool | None) -> bool:
        """Whether images are drawn; InputError for images of a model of labels, or for what is no answer."""
        if images is not None and not isinstance(images, bool | np.bool_):
            raise InputError(f"images: expected True, False or None, got {brief(images)!r}.")
        if images:
            self.check_images("images")
        return self.images is not None and images is not False

    def _samples(
        self, labels: np.ndarray, images: np.ndarray | None, seeds: np.ndarray, query: Query, diagnostics: Diagnostics
    ) -> Samples:
        supported = self.cells.holds(labels) if self.cells else None
        return Samples(label_frame(self.graph, labels), images, seeds, query, supported, diagnostics)

    def _table(self, draws: int, seed: int, node: str) -> np.ndarray:
        """P(node | parents); the sampler's tables or `conditional` are all that an answer takes of the mechanisms."""
        if self.labels.stated:
            return self.labels.tables[node]
        conditional = functools.partial(self.labels.conditional, draws=draws, seed=seed)
        return mechanism_table(self.graph, conditional, node)
