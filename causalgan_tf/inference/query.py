"""A query to a causal model: interventions (do), conditions (given) and evidence, as one validated value."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError, brief, closest, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Variable, parse_range, written
from causalgan_tf.inference.query_text import parse_assignments, parse_names, parse_probability, parse_query
from causalgan_tf.inference.soft_do import Formula, Law, Soft

__all__ = [
    "Event",
    "Interval",
    "Query",
    "event_query",
    "meets",
    "parse_assignments",
    "parse_names",
    "parse_probability",
    "parse_query",
]

Interval = tuple[float, float]
Event = str | Mapping[str, Any]
Condition = int | float | Interval | frozenset[int]


@dataclasses.dataclass(frozen=True, repr=False)
class Query:
    """Interventions, conditions and evidence on labels; make one with `create`, which checks it.

    Values are numbers as label rows hold them: of a category its place.

    Attributes:
        do: node to the number that it is set to, an int for a discrete node, a float for a continuous one; a Law that
            it is drawn from; or a Formula of its parents.
        given: node to what it was seen to be in the model that `do` has mutilated: an int for a discrete node, a set of
            them, or an interval (low, high), both ends included, for a continuous one.
        variables: the kinds of the nodes in all three.
        evidence: node to what was seen of the unit before the intervention, as in `given`, or a float.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Smokes -> Ill")
        >>> Query.create(graph, do={"Smokes": 1}, given={"Old": 0}).text()
        'do(Smokes=1), Old=0'
        >>> Query.create(graph, do={"Smokes": Law.of(0.2)}, evidence={"Ill": 1}).text()
        'do(Smokes~0.2), evidence(Ill=1)'
    """

    do: Mapping[str, int | float | Soft]
    given: Mapping[str, Condition]
    variables: Mapping[str, Variable]
    evidence: Mapping[str, Condition] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, MappingProxyType(dict(getattr(self, field.name))))

    @classmethod
    def create(
        cls,
        graph: CausalGraph,
        do: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> "Query":
        """A query on a graph.

        Args:
            graph: the graph, with the kinds of its nodes.
            do: node to the value that it is set to: 0 or 1, a category's name, or a number; or to a Law or a Formula.
            given: node to the value that it was seen to have, or of a discrete node a set of values; of a continuous
                node an interval, (20, 30) or "20..30".
            evidence: node to what was seen before the intervention, as in `given`; of a continuous node a number too.

        Raises:
            InputError: an unknown node, a value that the node cannot have, an empty set or interval, a single value of
                a continuous node in `given`, or a node that is both set and observed.

        Examples:
            >>> graph = CausalGraph.from_text("Age -> Smokes; Age: continuous; Smokes: categorical(never, now)")
            >>> query = Query.create(graph, do={"Smokes": "now"}, given={"Age": (20, 30)})
            >>> dict(query.do), dict(query.given)
            ({'Smokes': 1}, {'Age': (20.0, 30.0)})
        """
        parts = {"do": do, "given": given, "evidence": evidence}
        for part, values in parts.items():
            _check_nodes(graph, part, values)
        named = {node for values in parts.values() for node in values or {}}
        variables = {node: graph.variables[node] for node in graph.nodes if node in named}
        do = {node: _intervention(graph, node, variables[node], value) for node, value in (do or {}).items()}
        given = {node: _condition("given", node, variables[node], value) for node, value in (given or {}).items()}
        evidence = {
            node: _condition("evidence", node, variables[node], value) for node, value in (evidence or {}).items()
        }
        both = [node for node in variables if node in do and node in given]
        if both:
            raise InputError(f"{both[0]!r} is in do and in given: a label is either set or observed. Drop it from one.")
        return cls(do, given, variables, evidence)

    @classmethod
    def parse(cls, graph: CausalGraph, text: str) -> "Query":
        """The query of a text as `text` writes it, "do(Smokes=1), Old=0"; InputError for anything else.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Smokes")
            >>> Query.parse(graph, "do(Smokes=1), Old={0, 1}").text()
            'do(Smokes=1), Old={0, 1}'
        """
        parsed = parse_query(f"E(it|{text})" if text.strip() else "E(it)")
        return cls.create(graph, parsed.do, parsed.given, parsed.evidence)

    def __repr__(self) -> str:
        return f"Query({self.text() or 'no do, no given'})"

    @property
    def constants(self) -> dict[str, int | float]:
        """The nodes that do sets to a constant."""
        return {node: value for node, value in self.do.items() if not isinstance(value, Soft)}

    @property
    def soft(self) -> dict[str, Soft]:
        """The nodes that do draws from a law or computes."""
        return {node: value for node, value in self.do.items() if isinstance(value, Soft)}

    def do_vector(self, graph: CausalGraph) -> np.ndarray:
        """The constants of do as float32 [K], columns in graph order, NaN where a label is not set to one.

        Examples:
            >>> graph = CausalGraph.from_text("Old -> Smokes")
            >>> Query.create(graph, do={"Smokes": 1}).do_vector(graph)
            array([nan,  1.], dtype=float32)
        """
        vector = np.full(len(graph), np.nan, np.float32)
        for node, value in self.constants.items():
            vector[graph.index(node)] = value
        return vector

    def text(self) -> str:
        """The query as one writes it behind the bar of a probability: "do(Mustache=1), Smoke=never, Age=20..30".

        Examples:
            >>> Query.create(CausalGraph.from_text("Old -> Smokes"), do={"Smokes": 1}).text()
            'do(Smokes=1)'
        """
        parts = [f"do({self._assignments(self.do)})"] if self.do else []
        parts += [f"evidence({self._assignments(self.evidence)})"] if self.evidence else []
        return ", ".join(parts + ([self._assignments(self.given)] if self.given else []))

    def _assignments(self, values: Mapping[str, Any]) -> str:
        return ", ".join(f"{names.written(node)}{self._assigned(node, value)}" for node, value in values.items())

    def _assigned(self, node: str, value: Any) -> str:
        show = self.variables[node].shown
        if isinstance(value, Law):
            return f"~{value.text()}"
        if isinstance(value, Formula):
            return f":={value.text}"
        if isinstance(value, frozenset):
            return "={" + ", ".join(written(show(place)) for place in sorted(value)) + "}"
        return f"={written(tuple(map(show, value)) if isinstance(value, tuple) else show(value))}"

    def __reduce__(self) -> tuple:
        return Query, tuple(dict(getattr(self, field.name)) for field in dataclasses.fields(self))


def event_query(graph: CausalGraph, event: Event) -> Query:
    """The query whose `given` is an event, "Ill=1, Age=20..30" or a mapping.

    Raises:
        InputError: no event, an unknown node, or a value that it does not have.

    Examples:
        >>> event_query(CausalGraph.from_text("Old -> Ill"), "Ill=1").text()
        'Ill=1'
    """
    values = parse_assignments(event) if isinstance(event, str) else event
    if not isinstance(values, Mapping) or not values:
        raise InputError(f'event: expected "Ill=1" or {{"Ill": 1}}, got {brief(repr(event))}.')
    try:
        return Query.create(graph, given=values)
    except InputError as error:
        raise InputError(str(error).replace("given ", "event ", 1)) from error


def meets(rows: np.ndarray, graph: CausalGraph, given: Mapping[str, Condition]) -> np.ndarray:
    """Whether each row shows what was observed.

    Args:
        rows: label rows [n, K], columns in graph order.
        graph: causal graph over K labels.
        given: numbers, sets and intervals by node, as `Query.given` holds them.

    Returns:
        bool [n].
    """
    met = np.ones(len(rows), bool)
    for node, value in given.items():
        column = rows[:, graph.index(node)]
        if isinstance(value, frozenset):
            met &= np.isin(column, list(value))
        else:
            low, high = value if isinstance(value, tuple) else (value, value)
            met &= (column >= low) & (column <= high)
    return met


def allowed_values(variable: Variable, value: Condition) -> np.ndarray:
    """The values of a discrete node that a condition admits, bool [size]."""
    places = np.arange(variable.size)
    if isinstance(value, tuple):
        return (places >= value[0]) & (places <= value[1])
    return np.isin(places, list(value) if isinstance(value, frozenset) else [value])


def _check_nodes(graph: CausalGraph, part: str, values: Mapping[str, Any] | None) -> None:
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f"{part}: expected a mapping such as {{'Mustache': 1}}, got {shown(values)}.")
    for node in values or {}:
        graph.index(node)


def _intervention(graph: CausalGraph, node: str, variable: Variable, value: Any) -> int | float | Soft:
    """The number, law or formula that do gives a node."""
    if isinstance(value, Law):
        _check_known("do", node, variable)
        return value.checked(node, variable)
    if isinstance(value, Formula):
        _check_known("do", node, variable)
        return value.checked(graph, node)
    return _number("do", node, variable, value)


def _check_known(part: str, node: str, variable: Variable) -> None:
    if variable.size == 0:
        raise InputError(
            f"{part} {node}: the graph leaves its categories to the table. Ask on the graph of the trained model, or "
            f"name them: {node}: categorical(never, former, now)."
        )


def _number(part: str, node: str, variable: Variable, value: Any) -> int | float:
    """The number that stands for a user's value of a node."""
    _check_known(part, node, variable)
    try:
        number = variable.number(variable.read(value))
    except (TypeError, ValueError, OverflowError) as error:
        hint = closest(brief(value), variable.categories)
        raise InputError(
            f"{part} {brief(node, 60)}={shown(value)}: expected {brief(variable.expected, 120)}.{hint}"
        ) from error
    return number if variable.size is None else int(number)


def _condition(part: str, node: str, variable: Variable, value: Any) -> Condition:
    """The number, the set or the interval that a node was seen to have."""
    if variable.size is not None:
        if isinstance(value, set | frozenset | list):
            return _set(part, node, variable, value)
        return _number(part, node, variable, value)
    if part == "evidence" and not isinstance(value, str | tuple | list | set | frozenset):
        return _number(part, node, variable, value)
    ends = parse_range(value) if isinstance(value, str) else value
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise InputError(
            f"{part} {brief(node, 60)}={shown(value)}: expected an interval, such as "
            f"{names.written(node)}=20..30 or (20, 30), for a continuous label meets a single value with probability 0."
        )
    try:
        low, high = (float(end) - variable.offset for end in ends)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise InputError(
            f"{part} {brief(node, 60)}={shown(value)}: expected two numbers, the lower one first, such as 20..30."
        )
    # an interval that overlaps the bounds is legal; one outside of them would be searched for in vain
    if high < variable.low or low > variable.high:
        raise InputError(
            f"{part} {brief(node, 60)}={shown(value)}: no value is there; expected {brief(variable.expected, 120)}."
        )
    return low, high


def _set(part: str, node: str, variable: Variable, values: Iterable[Any]) -> int | frozenset[int]:
    """The places of a set of values; the only one of a set of one."""
    places = frozenset(int(_number(part, node, variable, value)) for value in values)
    if not places:
        raise InputError(f"{part} {brief(node, 60)}: an empty set; expected at least one of {variable.expected}.")
    return next(iter(places)) if len(places) == 1 else places
