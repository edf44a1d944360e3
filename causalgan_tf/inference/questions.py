"""Questions to a causal model beyond samples: probabilities, means, effects and counterfactuals."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.config.budget import MANY
from causalgan_tf.errors import InputError, TooLargeError, brief
from causalgan_tf.graphs import names
from causalgan_tf.inference import estimate
from causalgan_tf.inference.answers import Effect
from causalgan_tf.inference.arguments import SEED, frame_rows, label_rows, row_seeds, whole
from causalgan_tf.inference.causes import Causes
from causalgan_tf.inference.diagnostics import Diagnostics
from causalgan_tf.inference.estimate import Estimate
from causalgan_tf.inference.image_units import given_images
from causalgan_tf.inference.query import Event, Query, event_query, meets
from causalgan_tf.inference.query_text import parse_query
from causalgan_tf.inference.samples import Samples
from causalgan_tf.inference.units import Units

DRAWS = 100_000  # of an answer that is not exact
REDRAWN = ("direct", "rejection")  # methods whose rows are functions of their seeds and do alone


class Questions(Causes):
    """Methods of CausalModel that answer questions."""

    def ask(self, text: str, draws: int = DRAWS, seed: int = 0) -> Estimate:
        """The answer to a query as text: "P(Ill=1 | do(Smokes=1), Age=60..)", or "E(Age | Ill=1)" of a mean.

        Args:
            text: the query, see inference.query_text.
            draws: rows that are drawn where there is no exact answer.
            seed: of these draws.

        Raises:
            InputError: a text that is no query, or as `probability`.

        Examples:
            >>> model.ask("P(Smokes=1 | do(Old=0))").value == model.probability("Smokes=1", do={"Old": 0}).value
            True
        """
        parsed = parse_query(text)
        parts = {"do": parsed.do, "given": parsed.given, "evidence": parsed.evidence, "draws": draws, "seed": seed}
        return self.mean(parsed.outcome, **parts) if parsed.outcome else self.probability(parsed.event, **parts)

    def probability(
        self,
        event: Event,
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        evidence: Mapping[str, Any] | None = None,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> Estimate:
        """P(event | do, given), or of a unit with evidence P(event had do been done).

        Args:
            event: "Ill=1, Age=20..30", or a mapping from nodes to values, sets or intervals.
            do: interventions: constants, a Law or a Formula.
            given: conditions in the model that `do` has mutilated.
            evidence: what was seen of the unit before the intervention; the answer is then the fitted mechanisms'.
            draws: rows that are drawn where there is no exact answer.
            seed: of these draws.

        Raises:
            InputError: an unknown node, a value that it does not have, or draws below 1.
            ConditioningError: a condition or evidence that the model never shows, or too seldom.

        Examples:
            >>> model.probability("Smokes=1", do={"Old": 1}).method
            'tables'
            >>> model.probability("Old=1", given={"Smokes": 1}).value < model.probability("Old=1").value
            True
        """
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        wanted = event_query(self.graph, event)
        query = Query.create(self.graph, do, given, evidence)
        text = f"P({wanted.text()}{_bar(query)})"
        value = self._exact_probability(wanted, query)
        if value is not None:
            return estimate.exact(text, value)
        rows, diagnostics = self._rows(query, draws, seed)
        return estimate.counted(text, float(meets(rows, self.graph, wanted.given).mean()), diagnostics)

    def mean(
        self,
        node: str,
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        evidence: Mapping[str, Any] | None = None,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> Estimate:
        """The mean of a number, or of a binary label the probability of 1; arguments as in `probability`.

        Raises:
            InputError: as `probability`, or a category, which has no mean.

        Examples:
            >>> model.mean("Smokes", do={"Old": 0}).value == model.probability("Smokes=1", do={"Old": 0}).value
            True
        """
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        variable = self._number_node(node)
        query = Query.create(self.graph, do, given, evidence)
        text = f"E({names.written(node)}{_bar(query)})"
        if variable.size is not None:
            return dataclasses.replace(self.probability({node: 1}, do, given, evidence, draws, seed), query=text)
        rows, diagnostics = self._rows(query, draws, seed)
        values = rows[:, self.graph.index(node)].astype(np.float64) + variable.offset
        return estimate.averaged(text, float(values.mean()), float(values.std()), diagnostics)

    def effect(
        self,
        outcome: Event,
        cause: str,
        values: Sequence[Any] = (0, 1),
        given: Mapping[str, Any] | None = None,
        quantile: float | None = None,
        bootstrap: Sequence["Questions"] = (),
        draws: int = DRAWS,
        seed: int = 0,
    ) -> Effect:
        """What setting a cause to one value or another does to an outcome: the average effect, or that given z.

        Args:
            outcome: a node, whose mean is compared, or an event such as "Ill=1", whose probability is.
            cause: the node that is set.
            values: at least two values of the cause; the difference is the last one's answer less the first one's.
            given: conditions in the model in which the cause is set: the effect among such rows.
            quantile: of a number in place of its mean, such as .5.
            bootstrap: models refitted on resampled rows, as causalgan_tf.refitted gives them; their differences make
                the interval, which then holds what the rows leave open.
            draws: as in `probability`; the same units are set to each value.
            seed: as in `probability`.

        Raises:
            InputError: as `probability`; fewer than two values; a quantile of what is no number, or outside (0, 1).

        Examples:
            >>> model.effect("Smokes", "Old").table["value"].tolist()
            [0, 1]
        """
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        self.graph.index(cause)
        if not isinstance(values, list | tuple) or len(values) < 2:
            raise InputError(f"values: expected at least two values of {cause}, such as (0, 1), got {brief(values)}.")
        _check_models(bootstrap)
        event = self._outcome(outcome, quantile)
        queries = [Query.create(self.graph, {cause: value}, given) for value in values]
        found, difference = self._compared(event, queries, quantile, draws, seed)
        table = pd.DataFrame(
            {
                "value": list(values),
                "answer": [answer.value for answer in found],
                "standard_error": [answer.standard_error for answer in found],
            }
        )
        # the same draws in each model: what differs is the rows that it was fitted to
        others = tuple(
            model.effect(outcome, cause, (values[0], values[-1]), given, quantile, (), draws, seed).value
            for model in bootstrap
        )
        return Effect(event if isinstance(event, str) else event.text(), cause, table, difference, others)

    def twins(
        self, seeds: np.ndarray | Samples, do: Mapping[str, Any] | None = None, images: bool | None = None
    ) -> Samples:
        """The same units under another intervention: all of their noise is kept, whatever it was drawn for.

        Graph and data do not identify what becomes of a unit: twins are a property of the fitted mechanisms.

        Args:
            seeds: what `sample` has drawn, under any do and given; or int64 [n], seeds of rows that it drew without
                `given`, or by rejection.
            do: interventions, as in `sample`; those under which the rows were drawn are not kept.
            images: as in `sample`.

        Raises:
            InputError: as `sample`.

        Examples:
            >>> units = model.sample(100, seed=7)
            >>> smoking = model.twins(units.seeds, do={"Smokes": 1})
            >>> bool((smoking.labels["Old"] == units.labels["Old"]).all())  # smoking makes nobody younger
            True
        """
        drawing, query = self._draws(images), Query.create(self.graph, do)
        if isinstance(seeds, Samples) and seeds.diagnostics.method not in REDRAWN:
            units, seeds, method = seeds, seeds.seeds, "abduction"
            seen = label_rows(self.graph, units.labels, between=False)
            labels = Units(self.graph, self.labels).again(seen, seeds, units.query, query)
        else:
            seeds, method = row_seeds(seeds.seeds if isinstance(seeds, Samples) else seeds), "direct"
            labels = self.labels.redraw(seeds, query)
        drawn = self.images.draw(labels, seeds) if drawing else None
        return self._samples(labels, drawn, seeds, query, Diagnostics(method, len(seeds), effective=float(len(seeds))))

    def counterfactual(
        self,
        rows: pd.DataFrame | np.ndarray,
        do: Mapping[str, Any],
        draws: int = 1,
        seed: int = 0,
        images: bool | None = None,
        labels: pd.DataFrame | None = None,
    ) -> Samples:
        """What units that were seen would have been under do: abduction, action, prediction.

        Each unit's noise is drawn from its distribution given the row, and what descends from do is computed anew from
        it. Labels that do not descend from it stay as they were seen; an empty do gives the row back. Graph and data do
        not determine what becomes of one unit: this is the fitted mechanisms' answer.

        Args:
            rows: a data frame with columns of labels, as `sample` gives them; a missing column or cell was not seen. Or
                images uint8 [n, S, S, C], which are then drawn as they would have been.
            do: interventions.
            draws: of each unit; rows of one unit follow each other.
            seed: of the noise: a unit's draws are a function of the seed, its place and its row.
            images: as in `sample`; an image has noise of its own, for none was seen.
            labels: of images, what is known of their labels; the encoder reads the others off them.

        Returns:
            Samples of len(rows) * draws rows.

        Raises:
            InputError: no rows, columns that are no labels, a value that a label does not have, implicit mechanisms
                with a number or a missing cell, or images of another size, or without an encoder (see `fit_encoder`).
            ConditioningError: a row that the mechanisms do not show within the budget.

        Examples:
            >>> people = pd.DataFrame({"Old": [1, 0], "Smokes": [0, 1]})
            >>> model.counterfactual(people, do={}).labels.equals(people.astype("uint8"))
            True
            >>> model.counterfactual(people, do={"Old": 1}).labels["Smokes"].tolist()  # no old one smokes
            [0, 0]
        """
        drawing = self._draws(images)
        draws, seed = whole("draws", draws, 1, MANY), whole("seed", seed, 0, SEED)
        query = Query.create(self.graph, do)
        given = isinstance(rows, np.ndarray)
        seen = self._labels_of(rows, labels) if given else frame_rows(self.graph, rows)
        under, seeds, diagnostics = Units(self.graph, self.labels).counterfactual(seen, query, draws, seed)
        if given:
            parts = (np.repeat(part, draws, axis=0) for part in (rows, seen))
            drawn = self.image_units.counterfactual(*parts, under)
        else:
            drawn = self.images.draw(under, seeds) if drawing else None
        return self._samples(under, drawn, seeds, query, diagnostics)

    def _labels_of(self, images: np.ndarray, labels: pd.DataFrame | None) -> np.ndarray:
        """The labels [n, K] of given images: those that are known, the others as the encoder reads them."""
        self.check_images("counterfactual")
        if self.image_units is None:
            raise InputError(
                "counterfactual: images need a model of images with an encoder. Fit one: "
                "causalgan_tf.fit_encoder(model)."
            )
        read = self.image_units.read(given_images(images, self.images.shape)).astype(np.float64)
        if labels is None:
            return read
        seen = frame_rows(self.graph, labels)
        if len(seen) != len(read):
            raise InputError(f"labels: expected a row for each of {len(read)} images, got {len(seen)} rows.")
        return np.where(np.isnan(seen), read, seen)

    def _outcome(self, outcome: Event, quantile: float | None) -> str | Query:
        """A node whose mean is asked for, or an event."""
        if isinstance(outcome, str) and outcome in self.graph.parents:
            variable = self._number_node(outcome)
            if quantile is not None and variable.size is not None:
                raise InputError(f"quantile: {outcome} is no number. Ask for its probability.")
            if quantile is not None and not 0.0 < quantile < 1.0:
                raise InputError(f"quantile: expected a number between 0 and 1, such as .5, got {brief(quantile)}.")
            return outcome
        if quantile is not None:
            raise InputError("quantile: it is of a number, not of an event. Name a node.")
        if isinstance(outcome, str) and "=" not in outcome:
            self.graph.index(outcome)
        return event_query(self.graph, outcome)

    def _number_node(self, node: str) -> Any:
        self.graph.index(node)
        variable = self.graph.variables[node]
        if variable.named:
            raise InputError(
                f'{node} is a category and has no mean. Ask for an event: "{node}={variable.categories[0]}".'
            )
        return variable

    def _exact_probability(self, event: Query, query: Query) -> float | None:
        """By elimination, if the mechanisms state tables and these are not too large; else None."""
        if not self.states_probabilities or self.graph.sizes is None:
            return None
        # without an intervention evidence is a condition like any other
        if query.evidence and (query.do or query.given):
            return None
        given = {**query.given, **query.evidence}
        try:
            return self.label_distribution().probability_of(event, Query(query.do, given, query.variables))
        except TooLargeError:
            return None

    def _rows(self, query: Query, draws: int, seed: int) -> tuple[np.ndarray, Diagnostics]:
        """Label rows of a query, by its conditions or its evidence."""
        if not query.evidence:
            labels, _, diagnostics = self.labels.draw(draws, query, seed)
        else:
            labels, _, diagnostics = Units(self.graph, self.labels).rows(query, draws, seed)
        return labels, diagnostics

    def _compared(
        self, event: str | Query, queries: Sequence[Query], quantile: float | None, draws: int, seed: int
    ) -> tuple[list[Estimate], Estimate]:
        """The answers to an outcome under several interventions, and the last one's less the first one's."""
        asked = event if isinstance(event, str) else event.text()
        texts = [f"{asked}{_bar(query)}" for query in queries]
        difference = f"{texts[-1]} less {texts[0]}"
        if isinstance(event, str) and self.graph.variables[event].size is not None:
            event = Query.create(self.graph, given={event: 1})
        if isinstance(event, Query):
            values = [self._exact_probability(event, query) for query in queries]
            if None not in values:
                found = [estimate.exact(*pair) for pair in zip(texts, values, strict=True)]
                return found, estimate.exact(difference, values[-1] - values[0])
        drawn = [self._rows(query, draws, seed) for query in queries]
        outcomes = [self._measured(event, rows) for rows, _ in drawn]
        how = [diagnostics for _, diagnostics in drawn]
        counted = isinstance(event, Query)
        found = [_estimated(*parts, counted, quantile) for parts in zip(texts, outcomes, how, strict=True)]
        own = found[-1].value - found[0].value
        if quantile is None and not queries[0].given:
            return found, estimate.averaged(difference, own, float((outcomes[-1] - outcomes[0]).std()), how[-1])
        # a condition chooses other units under one value than under the other
        error = math.hypot(found[0].standard_error, found[-1].standard_error)
        return found, estimate.averaged(difference, own, error * math.sqrt(how[-1].effective), how[-1])

    def _measured(self, event: str | Query, rows: np.ndarray) -> np.ndarray:
        """The outcome of each row, float64 [n]."""
        if isinstance(event, str):
            return rows[:, self.graph.index(event)].astype(np.float64) + self.graph.variables[event].offset
        return meets(rows, self.graph, event.given).astype(np.float64)


def _check_models(models: Any) -> None:
    if not isinstance(models, list | tuple) or not all(isinstance(model, Questions) for model in models):
        raise InputError("bootstrap: expected refitted models, such as causalgan_tf.refitted(frame, graph, 20).")


def _bar(query: Query) -> str:
    return f" | {query.text()}" if query.text() else ""


def _estimated(text: str, outcomes: np.ndarray, how: Diagnostics, counted: bool, quantile: float | None) -> Estimate:
    """The share, the mean or a quantile of drawn outcomes [n]."""
    if counted:
        return estimate.counted(text, float(outcomes.mean()), how)
    if quantile is None:
        return estimate.averaged(text, float(outcomes.mean()), float(outcomes.std()), how)
    # the quantiles at one standard error of the share either way
    half = math.sqrt(quantile * (1.0 - quantile) / how.effective)
    low, value, high = np.quantile(outcomes, np.clip([quantile - half, quantile, quantile + half], 0.0, 1.0))
    error = float(high - low) / 2.0 * math.sqrt(how.effective)
    return estimate.averaged(f"quantile {quantile:g} of {text}", float(value), error, how)
