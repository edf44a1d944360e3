"""What a label model cannot tell well, for its training rows do not: values that show themselves as sentences."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.names import listed, written
from causalgan_tf.inference.distribution import THIN

LOST = 0.1  # share of the table's probability under which a value counts as lost
SUPPORTED = 0.9  # share of a do's rows with enough training rows from which nothing is said
SHOWN = 10  # sentences in the text
Parents = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class LostValue:
    """A value that the table has in a setting of the parents, and that the model hardly draws there.

    >>> LostValue("Ill", 1, {"Old": "60..", "Sex": 0}, value_rows=12, rows=400, share=0.03, model=0.0004).sentence
    'Lost value: Ill=1 given Old=60.., Sex=0 has 12 of 400 training rows (3 %), and 0.04 % in the model.'

    Attributes:
        node: the label.
        value: its value.
        parents: the parents' values; of a number the interval, as `given` takes it.
        value_rows: training rows with this value.
        rows: training rows of the parents' setting, at least THIN.
        share: the table's probability in [0, 1].
        model: the model's probability, less than LOST times `share`.
    """

    node: str
    value: Any
    parents: Parents
    value_rows: int
    rows: int
    share: float
    model: float

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        given = f" given {_assigned(self.parents)}" if self.parents else ""
        return (
            f"Lost value: {written(self.node)}={self.value}{given} has {self.value_rows:,} of {self.rows:,} training "
            f"rows ({_percent(self.share)}), and {_percent(self.model)} in the model."
        )


@dataclasses.dataclass(frozen=True)
class LostValues:
    """Lost values of all labels.

    >>> LostValues().count
    0

    Attributes:
        count: how many were found.
        looked_at: values of settings with THIN rows or more that were compared.
        untold: values too rare for as many draws as were made; none where the mechanisms state probabilities.
        worst: those with the most training rows, the most first.
    """

    count: int = 0
    looked_at: int = 0
    untold: int = 0
    worst: tuple[LostValue, ...] = ()


@dataclasses.dataclass(frozen=True)
class ThinCell:
    """A setting of a label's parents that has few training rows.

    >>> ThinCell("Ill", {"Old": 1}, 2).rows
    2

    Attributes:
        node: the label.
        parents: its parents' values; of a number the interval.
        rows: training rows, fewer than THIN.
    """

    node: str
    parents: Parents
    rows: int


@dataclasses.dataclass(frozen=True)
class ThinNode:
    """A label some of whose parents' settings have few training rows.

    >>> ThinNode("Ill", cells=8, thin=3, empty=1, rows=12, fewest=ThinCell("Ill", {"Old": 1}, 2)).sentence
    'Few rows: 3 of 8 settings of the parents of Ill have fewer than 30 training rows, 1 none; fewest: Old=1, 2 rows.'

    Attributes:
        node: the label.
        cells: settings that its parents may have, a number as quartiles of the training rows.
        thin: those with fewer than THIN rows, the empty ones among them.
        empty: those without a row.
        rows: training rows in thin settings.
        fewest: a setting with the fewest rows; None: the settings are too many to be numbered.
    """

    node: str
    cells: int
    thin: int
    empty: int
    rows: int
    fewest: ThinCell | None

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        empty, fewest = f", {self.empty:,} none" if self.empty else "", ""
        if self.fewest:
            rows = f"{self.fewest.rows} row{'s' * (self.fewest.rows != 1)}"
            if not self.fewest.parents:
                return f"Few rows: {written(self.node)} has no parents and {rows}."
            fewest = f"; fewest: {_assigned(self.fewest.parents)}, {rows}"
        return (
            f"Few rows: {self.thin:,} of {self.cells:,} settings of the parents of {written(self.node)} have fewer "
            f"than {THIN} training rows{empty}{fewest}."
        )


@dataclasses.dataclass(frozen=True)
class ThinCells:
    """Parents' settings with few training rows, of all labels.

    >>> ThinCells().count
    0

    Attributes:
        count: settings with fewer than THIN rows.
        of: all settings.
        fewest: those with the fewest rows, the fewest first.
        node_count: labels that have any.
        nodes: those with the most training rows in such settings, the most first.
    """

    count: int = 0
    of: int = 0
    fewest: tuple[ThinCell, ...] = ()
    node_count: int = 0
    nodes: tuple[ThinNode, ...] = ()


@dataclasses.dataclass(frozen=True)
class DoSupport:
    """How far training rows reach under one intervention.

    >>> DoSupport("do(Old=1)", seen=0.96, enough=0.8).sentence
    'Little support: under do(Old=1) 96 % of the rows have parents that training rows show, 80 % that 30 or more show.'

    Attributes:
        do: the intervention.
        seen: share of its rows, drawn from the model, in which every descendant's parents have a setting with a
            training row.
        enough: the same with THIN rows.
    """

    do: str
    seen: float
    enough: float

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        return (
            f"Little support: under {self.do} {_percent(self.seen)} of the rows have parents that training rows show, "
            f"{_percent(self.enough)} that {THIN} or more show."
        )


@dataclasses.dataclass(frozen=True)
class DoSupports:
    """Support of all single interventions, a number set to its quartiles.

    >>> DoSupports().below
    0

    Attributes:
        rows: drawn under each.
        count: interventions that were looked at: on labels with descendants.
        below: those of which less than SUPPORTED of the rows have enough training rows.
        lowest: those with the least, the least first.
    """

    rows: int = 0
    count: int = 0
    below: int = 0
    lowest: tuple[DoSupport, ...] = ()


@dataclasses.dataclass(frozen=True, repr=False)
class LabelLimits:
    """Where the labels of a model rest on few training rows or none; it shows itself as text.

    >>> frame = pd.DataFrame({"Old": [0] * 990 + [1] * 10, "Ill": [0, 1] * 500})
    >>> limits = causalgan_tf.fit_labels(frame, "Old -> Ill", ControllerConfig(steps=200), progress=False).limits
    >>> limits.thin_cells.count, limits.do_support.lowest[0].do
    (1, 'do(Old=1)')

    Attributes:
        rows: of the training table.
        lost_values: values that the table has and the model hardly draws.
        thin_cells: settings of a label's parents with few rows.
        do_support: share of each intervention's rows that training rows show.
        left_out: what was not looked at, a sentence each.
    """

    rows: int
    lost_values: LostValues = LostValues()
    thin_cells: ThinCells = ThinCells()
    do_support: DoSupports = DoSupports()
    left_out: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The findings, a short sentence each: lost values, interventions, thin cells, and what was not looked at."""
        return tuple(self._sentences())

    def brief(self, most: int = SHOWN) -> tuple[str, ...]:
        """At most so many sentences, and how many more there are.

        Examples:
            >>> LabelLimits(100, left_out=("One.", "Two.", "Three.")).brief(1)
            ('One.', 'and 2 more')
        """
        found = self.sentences
        return (*found[:most], *([f"and {len(found) - most:,} more"] if len(found) > most else []))

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file.

        Examples:
            >>> LabelLimits(rows=100).to_json()["lost_values"]
            {'count': 0, 'looked_at': 0, 'untold': 0, 'worst': []}
        """
        # by JSON itself, which makes lists of tuples
        plain = json.loads(json.dumps(dataclasses.asdict(self)))
        return plain | {"thin_cells": {"below": THIN} | plain["thin_cells"]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "LabelLimits":
        """What `to_json` wrote.

        Raises:
            InputError: anything else.

        Examples:
            >>> LabelLimits.from_json(LabelLimits(rows=100).to_json()).rows
            100
        """
        try:
            lost, thin, do = (dict(plain[part]) for part in ("lost_values", "thin_cells", "do_support"))
            thin.pop("below", None)
            lost["worst"] = tuple(LostValue(**one) for one in lost["worst"])
            thin["fewest"] = tuple(ThinCell(**one) for one in thin["fewest"])
            thin["nodes"] = tuple(
                ThinNode(**{**one, "fewest": one["fewest"] and ThinCell(**one["fewest"])}) for one in thin["nodes"]
            )
            do["lowest"] = tuple(DoSupport(**one) for one in do["lowest"])
            limits = cls(plain["rows"], LostValues(**lost), ThinCells(**thin), DoSupports(**do), (*plain["left_out"],))
            # numbers of another type fail here, where the file can still be named
            repr(limits)
            return limits
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"limits: expected what LabelLimits.to_json gives, got {_kind(error)}.") from error

    def __repr__(self) -> str:
        lost, thin, do = self.lost_values, self.thin_cells, self.do_support
        return "\n".join(
            [
                f"LabelLimits of {self.rows:,} training rows",
                f"lost values: {lost.count:,} of {lost.looked_at:,}",
                f"interventions with little support: {do.below:,} of {do.count:,}",
                f"settings of parents with fewer than {THIN} rows: {thin.count:,} of {thin.of:,}",
                *self.brief(),
            ]
        )

    def _sentences(self) -> Iterator[str]:
        lost, thin, do = self.lost_values, self.thin_cells, self.do_support
        yield from (one.sentence for one in lost.worst)
        if lost.count > len(lost.worst):
            yield f"{lost.count - len(lost.worst):,} more values are lost."
        low = [one.sentence for one in do.lowest if one.enough < SUPPORTED]
        yield from low
        if do.below > len(low):
            yield f"{do.below - len(low):,} more interventions have little support."
        yield from (one.sentence for one in thin.nodes)
        if thin.node_count > len(thin.nodes):
            yield f"Few rows: {thin.node_count - len(thin.nodes):,} more labels have settings of parents with few."
        yield from self.left_out


def _assigned(parents: Parents) -> str:
    return listed((f"{written(name)}={value}" for name, value in parents.items()), 200)


def _percent(share: float) -> str:
    """A share in percent with two digits, or more where it is large."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:60]}"
