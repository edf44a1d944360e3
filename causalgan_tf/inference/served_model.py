"""A served model: the questions of CausalModel that a server answers, asked over REST."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.config import budget
from causalgan_tf.config.data import without_images
from causalgan_tf.errors import ConditioningError, InputError, brief
from causalgan_tf.inference import estimate, served_answers
from causalgan_tf.inference.arguments import SEED, frame_rows, whole
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.estimate import Estimate
from causalgan_tf.inference.query import Event, Query, event_query, meets
from causalgan_tf.inference.samples import Samples, label_frame
from causalgan_tf.inference.served_requests import Outputs, Requests

LABEL_ROWS, PICTURE_ROWS, IMAGE_ROWS = 4_096, 256, 32  # of one request; an image as JSON takes a hundred kB
CANDIDATES = 4_096  # of a row's seed before another seed takes its place, as in the signature sample_given
REDRAWN = ("direct", "rejection")  # methods whose rows are functions of their seeds
FRUITLESS = 200_000  # candidates after which a condition that none met is given up
MOST, MOST_A_ROW = 1_000_000, 100  # candidates of a draw at most, or so many times its rows


class ServedModel:
    """A model behind TensorFlow Serving, KServe, or another server of its signatures.

    Attributes:
        url: the address of the model.
        card: what the model says of itself, as in assets/card.json of the export.
        graph: over the labels, with their types.
        image_size: side of the images, pixels; None if the model draws labels only.
        warnings: where the labels rest on few training rows or none, a sentence each, as CausalModel.warnings.

    Examples:
        `served` is a model that draws images, behind a server of this machine.

        >>> served.graph.nodes[:2], served.image_size
        (('Young', 'Male'), 32)
    """

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        """Asks a server for the model's card.

        Args:
            url: such as http://127.0.0.1:8501/v1/models/faces, or /v2/models/faces of the open inference protocol; of
                a server that lists its models, as KServe's does, HOST:PORT is enough.
            timeout: of one request, seconds.

        Raises:
            InputError: no server is there, or none in time; no such model, or one that causalgan-export has not
                written.
        """
        self._requests = Requests(url, timeout)
        self.url = self._requests.url
        texts = self._requests.ask("metadata", {"row": np.zeros(1, np.int64)}).get("card", ())
        try:
            self.card: dict[str, Any] = served_answers.card_in(texts)
            self.graph = served_answers.graph_of(self.card)
            self.image_size: int | None = self.card["images"][0] if self.card["images"] else None
            self.warnings = tuple(map(str, self.card["limits"]))
            self._signatures = self.card["signatures"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{brief(self.url)}: its card is none of causalgan-export. Export the model anew."
            ) from error

    def __repr__(self) -> str:
        drawn = f", images of {self.card['images']}" if self.image_size else ", no images"
        return f"ServedModel: {brief(self.url)}, {len(self.graph)} labels{drawn}\n{self.graph!r}"

    @property
    def null(self) -> float | None:
        """What its server reads for NaN in JSON: NaN, or None for null."""
        return self._requests.null

    def sample(
        self,
        n: int,
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        seed: int = 0,
        images: bool | None = None,
    ) -> Samples:
        """Draws exactly `n` rows from P(. | do(x), z); without `given` those of CausalModel.sample with this seed.

        A condition is met by rejection of label rows that the server draws; images are drawn of the rows that meet it.
        They are those of CausalModel's exact method in distribution, but not row by row.

        Args:
            n: rows, at least 1.
            do: interventions, node to 0 or 1, a category's name or a number.
            given: conditions, node to a value or a set of values; of a continuous node to an interval.
            seed: seed of the draw, from 0 to 2**63 - 1.
            images: whether images are drawn too; None: if the model has an image generator.

        Raises:
            InputError: as CausalModel.sample; a law or a formula in `do`; an answer that is none of this model.
            ConditioningError: too few candidates meet the condition: none of 200,000, or fewer than `n` of 1,000,000,
                or of 100 for each row where these are more.

        Examples:
            >>> put_on = served.sample(3, do={"Mustache": 1}, seed=7)
            >>> put_on.images.shape, put_on.labels["Mustache"].tolist()
            ((3, 32, 32, 3), [1, 1, 1])
        """
        drawing = self._draws(images)
        n, seed = whole("n", n, low=1, unit=" row"), whole("seed", seed, 0, SEED)
        budget.check_draw(n, self.graph, self.card["images"] if drawing else ())
        query = self._query(do, given)
        if query.given:
            return self._given(n, query, seed, drawing)
        seeds = _row_seeds(seed, n)
        found = self._drawn(seeds, query, drawing)
        return self._samples(found, seeds, query, Diagnostics("direct", n, effective=float(n)), drawing)

    def twins(self, samples: Samples, do: Mapping[str, Any] | None = None, images: bool | None = None) -> Samples:
        """The same units under another intervention, as CausalModel.twins.

        Args:
            samples: what `sample` has drawn.
            do: interventions; those under which the rows were drawn are not kept.
            images: as in `sample`.

        Raises:
            InputError: as `sample`; rows of `counterfactual`, whose labels are no function of their seeds.

        Examples:
            >>> shaved = served.twins(served.sample(3, do={"Mustache": 1}, seed=7), do={"Mustache": 0})
            >>> shaved.labels.equals(served.sample(3, do={"Mustache": 0}, seed=7).labels)
            True
        """
        if samples.diagnostics.method not in REDRAWN:
            raise InputError("twins: expected what `sample` has drawn; ask `counterfactual` about rows that were seen.")
        drawing, query, n = self._draws(images), self._query(do, None), len(samples.seeds)
        found = self._drawn(samples.seeds, query, drawing)
        return self._samples(found, samples.seeds, query, Diagnostics("direct", n, effective=float(n)), drawing)

    def counterfactual(
        self, rows: pd.DataFrame, do: Mapping[str, Any], seed: int = 0, images: bool | None = None
    ) -> Samples:
        """What units that were seen would have been under do, as CausalModel.counterfactual of whole rows.

        Args:
            rows: a data frame with a column a label and no missing cell.
            do: interventions.
            seed: of the noise that a unit's labels leave open.
            images: whether images of the new labels are drawn too; None: if the model has an image generator.

        Raises:
            InputError: as CausalModel.counterfactual; a missing column or cell, or a model without this signature.

        Examples:
            >>> units = served.sample(2, images=False).labels
            >>> served.counterfactual(units, do={}).labels.equals(units)
            True
        """
        self._require("counterfactual", "Its mechanisms are implicit: train explicit ones and export them.")
        drawing, query, seed = self._draws(images), self._query(do, None), whole("seed", seed, 0, SEED)
        seen = frame_rows(self.graph, rows)
        if np.isnan(seen).any():
            node = self.graph.nodes[int(np.flatnonzero(np.isnan(seen).any(0))[0])]
            raise InputError(
                f"counterfactual: {node} is missing in some row; a served model needs every label. "
                "CausalModel.counterfactual does not."
            )
        budget.check_draw(len(seen), self.graph, self.card["images"] if drawing else ())
        seeds = _row_seeds(seed, len(seen))
        inputs = {"seed": seeds, "observed": seen.astype(np.float32), "do": self._rows(query.constants, len(seen))}
        found = self._ask("counterfactual", inputs)
        diagnostics = Diagnostics("abduction", len(seen), effective=float(len(seen)))
        return self._samples(found, seeds, query, diagnostics, drawing)

    def probability(
        self, event: Event, do: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None
    ) -> Estimate:
        """P(event | do, given), exact, of discrete labels and explicit mechanisms.

        Args:
            event: "Ill=1", or a mapping from nodes to values.
            do: interventions.
            given: conditions in the model that `do` has mutilated.

        Raises:
            InputError: an unknown node, a value that it does not have, a set of values, or a model that has no such
                signature.
            ConditioningError: a condition of probability 0.

        Examples:
            >>> 0.0 < served.probability("Male=0", do={"Mustache": 1}).value < 1.0
            True
        """
        self._require("probability", "It states none: draw rows with `sample` and count them.")
        wanted, query = event_query(self.graph, event), self._query(do, given)
        parts = {"event": wanted.given, "do": query.constants, "given": query.given}
        inputs = {name: self._rows(_single(name, values), 1) for name, values in parts.items()}
        value = float(self._ask("probability", inputs)["probability"][0])
        asked = query.text()
        if math.isnan(value):
            raise ConditioningError(f"given {asked}: the model never shows it. Condition on less.", 0, 1, 0, 0.0)
        return estimate.exact(f"P({wanted.text()}{' | ' * bool(asked)}{asked})", value)

    def _query(self, do: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> Query:
        query = Query.create(self.graph, do, given)
        if query.soft:
            node = next(iter(query.soft))
            raise InputError(f"do {node}: a served model sets labels to constants. Draw laws and formulas in Python.")
        return query

    def _draws(self, images: bool | None) -> bool:
        """Whether images are drawn; InputError for images of a model of labels."""
        if images and not self.image_size:
            source = (self.card.get("data") or {}).get("source")
            way_out = without_images(str(source), "Train its images and export it anew.")
            raise InputError(f"images: this model draws labels only. {way_out}")
        return self.image_size is not None and images is not False

    def _require(self, signature: str, way_out: str) -> None:
        if signature not in self._signatures:
            raise InputError(f"{brief(self.url)}: this model has no signature {signature!r}. {way_out}")

    def _rows(self, values: Mapping[str, float], n: int) -> np.ndarray:
        """Numbers of nodes as float32 [n, K], NaN elsewhere."""
        vector = np.full(len(self.graph), np.nan, np.float32)
        for node, value in values.items():
            vector[self.graph.index(node)] = value
        return np.tile(vector, [n, 1])

    def _drawn(self, seeds: np.ndarray, query: Query, drawing: bool) -> Outputs:
        """The rows of these seeds under do, by the signature that sends least."""
        do = self._rows(query.constants, len(seeds))
        if drawing and "picture" in self._signatures:
            chosen = ~np.isnan(do)
            return self._ask("picture", {"seed": seeds, "value": np.where(chosen, do, np.float32(0)), "set": chosen})
        return self._ask("sample" if drawing else "labels", {"seed": seeds, "do": do})

    def _given(self, n: int, query: Query, seed: int, drawing: bool) -> Samples:
        """Rows that meet a condition, each the first of its candidates that does."""
        rows, chosen = np.zeros([n, len(self.graph)], np.float32), np.zeros(n, np.int64)
        left, draws, first, ahead = np.arange(n), 0, 0, 1
        while len(left) and draws < max(MOST, MOST_A_ROW * n) and (len(left) < n or draws < FRUITLESS):
            # more candidates at once where few rows are left, and never those of two seeds
            step = min(ahead, CANDIDATES - first % CANDIDATES)
            seeds = _candidates(seed, n, first, step)[left]
            drawn = self._drawn(seeds.ravel(), query, drawing=False)["labels"].reshape([*seeds.shape, -1])
            fits = meets(drawn.reshape([-1, len(self.graph)]), self.graph, query.given).reshape(seeds.shape)
            met, place = fits.any(1), fits.argmax(1)
            rows[left[met]], chosen[left[met]] = drawn[met, place[met]], seeds[met, place[met]]
            draws += int(np.where(met, place + 1, step).sum())
            left, first = left[~met], first + step
            ahead = max(1, min(2 * ahead, LABEL_ROWS // max(len(left), 1)))
        if len(left):
            raise _too_rare(n - len(left), n, draws, query)
        found = self._drawn(chosen, query, drawing) if drawing else {"labels": rows}
        return self._samples(found, chosen, query, Diagnostics("rejection", draws, n / draws, float(n)), drawing)

    def _ask(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Outputs:
        """The outputs of many rows, asked for in several requests; InputError if one is not as the card promises."""
        promised, parts = self._signatures[signature]["outputs"], []
        step = IMAGE_ROWS if "image" in promised else PICTURE_ROWS if "image_bytes" in promised else LABEL_ROWS
        for first in range(0, len(next(iter(inputs.values()))), step):
            part = {name: value[first : first + step] for name, value in inputs.items()}
            found = self._requests.ask(signature, part)
            if fault := served_answers.fault(found, promised, self.graph, len(next(iter(part.values())))):
                raise self._unlike(signature, fault)
            parts.append(found)
        return {name: np.concatenate([part[name] for part in parts]) for name in promised}

    def _unlike(self, signature: str, fault: str) -> InputError:
        way_out = "Another model may have taken its place: make a ServedModel anew, or correct the address."
        return InputError(f"{brief(self.url)}: signature {signature!r} answers as no such model. {fault}. {way_out}")

    def _images(self, found: Outputs) -> np.ndarray:
        """Images uint8 [n, S, S, C] of an answer."""
        if "image" in found:
            return found["image"].astype(np.uint8)
        try:
            images = served_answers.pictures(found["image_bytes"])
        except served_answers.UNREADABLE as error:
            raise self._unlike("picture", f"image_bytes: {brief(error)}") from error
        if list(images.shape[1:]) != self.card["images"]:
            expected = f"expected images of {self.card['images']}"
            raise self._unlike("picture", f"image_bytes: {expected}, got {list(images.shape[1:])}")
        return images

    def _samples(self, found: Outputs, seeds: np.ndarray, query: Query, how: Diagnostics, drawing: bool) -> Samples:
        labels = found["labels"].astype(np.float32 if self.graph.sizes is None else np.uint8)
        images = self._images(found) if drawing else None
        return Samples(label_frame(self.graph, labels), images, seeds, query, None, how)


def _single(part: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, each one number."""
    for node, value in values.items():
        if isinstance(value, frozenset | tuple):
            raise InputError(
                f"{part} {brief(node, 60)}: a served model takes one value of a label. Ask for each value."
            )
    return values


def _too_rare(found: int, n: int, draws: int, query: Query) -> ConditioningError:
    return ConditioningError(
        f"{found:,} of {n:,} rows meet {query.text()} in {draws:,} draws of the server. Ask for fewer "
        "rows or condition on less; causalgan_tf.load finds rarer rows than a server does.",
        found,
        n,
        draws,
        found / draws,
    )


def _row_seeds(seed: int, n: int) -> np.ndarray:
    """noise.row_seeds, which starts TensorFlow: not before rows are drawn."""
    from causalgan_tf import noise

    return noise.row_seeds(seed, 0, n).numpy()


def _candidates(seed: int, n: int, first: int, step: int) -> np.ndarray:
    """Seeds [n, step] of the candidates first .. first + step - 1 of each row, those that sample_given looks at."""
    from causalgan_tf import noise

    own = noise.row_seeds(seed, 0, n, first // CANDIDATES)
    return noise.derived(own, step, first % CANDIDATES).numpy()
