"""A query to a causal model: interventions (do) and conditions (given), as one validated value."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError, brief, closest, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Variable, parse_range, written

Interval = tuple[float, float]

_PART = rf'\s*(?:{names.QUOTED}[^|(),]*|(?!\s*")[^|(),]*)'  # of a list: a name in quotation marks may hold any mark
_PARTS = rf"{_PART}(?:,{_PART})*"
_ASSIGNMENT = re.compile(
    rf'\s*(?P<name>{names.QUOTED}|[^\s"=,|()](?:[^"=,|()]*[^\s"=,|()])?)\s*=\s*(?P<value>.*\S)\s*', re.S
)
_LISTED = re.compile(rf"\s*(?:{names.QUOTED})?[^,]*")
_PROBABILITY = re.compile(rf"\s*P\((?P<event>{_PARTS})(?:\|(?P<condition>.+))?\)\s*")
_DO = re.compile(rf"\s*do\((?P<inside>{_PARTS})\)\s*")
_CONDITION = re.compile(rf"\s*do\({_PARTS}\)[^,]*|\s*(?:{names.QUOTED})?[^,]*")


@dataclasses.dataclass(frozen=True, repr=False)
class Query:
    """Interventions and conditions on labels; make one with `create`, which checks it.

    Values are numbers as label rows hold them: of a category its place.

    Attributes:
        do: node to the number that it is set to, an int for a discrete node, a float for a continuous one.
        given: node to what it was seen to be in the model that `do` has mutilated: an int for a discrete node, an
            interval (low, high), both ends included, for a continuous one.
        variables: the kinds of the nodes in both.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Smokes -> Ill")
        >>> Query.create(graph, do={"Smokes": 1}, given={"Old": 0}).text()
        'do(Smokes=1), Old=0'
    """

    do: Mapping[str, int | float]
    given: Mapping[str, int | Interval]
    variables: Mapping[str, Variable]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, MappingProxyType(dict(getattr(self, field.name))))

    @classmethod
    def create(
        cls, graph: CausalGraph, do: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None
    ) -> "Query":
        """A query on a graph.

        Args:
            graph: the graph, with the kinds of its nodes.
            do: node to the value that it is set to: 0 or 1, a category's name, or a number.
            given: node to the value that it was seen to have; of a continuous node an interval, (20, 30) or "20..30".

        Raises:
            InputError: an unknown node, a value that the node cannot have, a single value of a continuous node in
                `given`, or a node that is both set and observed.

        Examples:
            >>> graph = CausalGraph.from_text("Age -> Smokes; Age: continuous; Smokes: categorical(never, now)")
            >>> query = Query.create(graph, do={"Smokes": "now"}, given={"Age": (20, 30)})
            >>> dict(query.do), dict(query.given)
            ({'Smokes': 1}, {'Age': (20.0, 30.0)})
        """
        for part, values in (("do", do), ("given", given)):
            _check_nodes(graph, part, values)
        variables = {node: graph.variables[node] for node in graph.nodes if node in {*(do or {}), *(given or {})}}
        do = {node: _number("do", node, variables[node], value) for node, value in (do or {}).items()}
        given = {node: _condition(node, variables[node], value) for node, value in (given or {}).items()}
        both = [node for node in variables if node in do and node in given]
        if both:
            raise InputError(f"{both[0]!r} is in do and in given: a label is either set or observed. Drop it from one.")
        return cls(do, given, variables)

    def __repr__(self) -> str:
        return f"Query({self.text() or 'no do, no given'})"

    def do_vector(self, graph: CausalGraph) -> np.ndarray:
        """The interventions as float32 [K], columns in graph order, NaN where a label is left alone.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Smokes")
            >>> Query.create(graph, do={"Smokes": 1}).do_vector(graph)
            array([nan,  1.], dtype=float32)
        """
        vector = np.full(len(graph), np.nan, np.float32)
        for node, value in self.do.items():
            vector[graph.index(node)] = value
        return vector

    def text(self) -> str:
        """The query as one writes it behind the bar of a probability: "do(Mustache=1), Smoke=never, Age=20..30".

        Examples:
            >>> Query.create(CausalGraph.from_text("Old -> Smokes"), do={"Smokes": 1}).text()
            'do(Smokes=1)'
        """
        parts = [f"do({self._assignments(self.do)})"] if self.do else []
        return ", ".join(parts + ([self._assignments(self.given)] if self.given else []))

    def _assignments(self, values: Mapping[str, int | float | Interval]) -> str:
        plain = {
            node: tuple(map(self.variables[node].shown, value))
            if isinstance(value, tuple)
            else self.variables[node].shown(value)
            for node, value in values.items()
        }
        return ", ".join(f"{names.written(node)}={written(value)}" for node, value in plain.items())

    def __reduce__(self) -> tuple:
        return Query, (dict(self.do), dict(self.given), dict(self.variables))


def meets(rows: np.ndarray, graph: CausalGraph, given: Mapping[str, int | Interval]) -> np.ndarray:
    """Whether each row shows what was observed.

    Args:
        rows: label rows [n, K], columns in graph order.
        graph: causal graph over K labels.
        given: numbers and intervals by node, as `Query.given` holds them.

    Returns:
        bool [n].
    """
    met = np.ones(len(rows), bool)
    for node, value in given.items():
        low, high = value if isinstance(value, tuple) else (value, value)
        column = rows[:, graph.index(node)]
        met &= (column >= low) & (column <= high)
    return met


def parse_assignments(text: str) -> dict[str, Any]:
    """Reads "Mustache=1,Smoke=never smoked,Age=20..30"; an empty text assigns nothing.

    A name may stand in quotation marks, and must where it holds a comma, a bar, a parenthesis or an equals sign.

    >>> parse_assignments('"Patient Age"=40, Smoke=former')
    {'Patient Age': 40, 'Smoke': 'former'}

    Values are not checked, for there is no graph: 1 becomes an int, 1.5 a float, 20..30 an interval (20.0, 30.0), and
    all else stays text, so does a number in another spelling, such as 01, which may be a category's name.

    Raises:
        InputError: a part that is not name=value, nothing between two commas, or a name assigned twice.
    """
    return _parsed(_split(_LISTED, text)) if text.strip() else {}


def parse_names(text: str) -> tuple[str, ...]:
    """Reads names with commas between, in quotation marks where they hold one; an empty text names nothing.

    >>> parse_names('Male, "Körper, groß"')
    ('Male', 'Körper, groß')
    """
    parts = [part.strip() for part in _split(_LISTED, text)] if text.strip() else []
    return tuple(names.unquoted(part) if re.fullmatch(names.QUOTED, part) else part for part in parts)


def parse_probability(text: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Reads "P(Male=0|do(Mustache=1),Young=1)" into (event, do, given), values as `parse_assignments` reads them.

    Raises:
        InputError: it is nothing of the kind.
    """
    match = _PROBABILITY.fullmatch(text)
    if not match or not match["event"].strip(" ,"):
        raise InputError(f'{shown(text)}: expected a probability such as "P(Male=0|do(Mustache=1))".')
    parts = _split(_CONDITION, match["condition"]) if match["condition"] else []
    set_to = [match["inside"] for match in map(_DO.fullmatch, parts) if match]
    do = [part for inside in set_to for part in _split(_LISTED, inside)]
    given = [part for part in parts if not _DO.fullmatch(part)]
    return parse_assignments(match["event"]), _parsed(do), _parsed(given)


def _split(pattern: re.Pattern, text: str) -> list[str]:
    """The parts of a list between its commas, as a pattern finds them."""
    # by a pattern, not by split: a comma within quotation marks or parentheses separates nothing
    parts, place = [], 0
    while place <= len(text):
        match = pattern.match(text, place)
        parts.append(match[0])
        place = match.end() + 1  # behind the comma
    return parts


def _parsed(parts: Sequence[str]) -> dict[str, Any]:
    """The assignments in texts of the form name=value."""
    assigned: dict[str, Any] = {}
    for part in parts:
        match = _ASSIGNMENT.fullmatch(part)
        if not match:
            found = shown(part.strip()) if part.strip() else f"{shown(','.join(parts))} has an empty part"
            raise InputError(f"{found}: expected name=value, such as Mustache=1,Young=0.")
        name = names.unquoted(match["name"]) if match["name"][0] == '"' else match["name"]
        if name in assigned:
            raise InputError(f"{shown(','.join(parts))}: {brief(name, 60)} is assigned twice.")
        assigned[name] = _value(match["value"])
    return assigned


def _value(text: str) -> int | float | Interval | str:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        # only in Python's own spelling: 01, 1e3 or +1 may be the name of a category
        if repr(number) == text and math.isfinite(number):
            return number
    return parse_range(text) or text


def _check_nodes(graph: CausalGraph, part: str, values: Mapping[str, Any] | None) -> None:
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f"{part}: expected a mapping such as {{'Mustache': 1}}, got {shown(values)}.")
    for node in values or {}:
        graph.index(node)


def _number(part: str, node: str, variable: Variable, value: Any) -> int | float:
    """The number that stands for a user's value of a node."""
    if variable.size == 0:
        raise InputError(
            f"{part} {node}: the graph leaves its categories to the table. Ask on the graph of the trained model, or "
            f"name them: {node}: categorical(never, former, now)."
        )
    try:
        number = variable.number(variable.read(value))
    except (TypeError, ValueError, OverflowError) as error:
        hint = closest(brief(value), variable.categories)
        raise InputError(
            f"{part} {brief(node, 60)}={shown(value)}: expected {brief(variable.expected, 120)}.{hint}"
        ) from error
    return number if variable.size is None else int(number)


def _condition(node: str, variable: Variable, value: Any) -> int | Interval:
    """The number or the interval that a node was seen to have."""
    if variable.size is not None:
        return _number("given", node, variable, value)
    ends = parse_range(value) if isinstance(value, str) else value
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise InputError(
            f"given {brief(node, 60)}={shown(value)}: expected an interval, such as "
            f"{names.written(node)}=20..30 or (20, 30), for a continuous label meets a single value with probability 0."
        )
    try:
        low, high = (float(end) - variable.offset for end in ends)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise InputError(
            f"given {brief(node, 60)}={shown(value)}: expected two numbers, the lower one first, such as 20..30."
        )
    # an interval that overlaps the bounds is legal; one outside of them would be searched for in vain
    if high < variable.low or low > variable.high:
        raise InputError(
            f"given {brief(node, 60)}={shown(value)}: no value is there; expected {brief(variable.expected, 120)}."
        )
    return low, high
