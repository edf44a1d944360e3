"""Queries as text: "P(Ill=1 | do(Smokes=0), evidence(Smokes=1, Ill=1), Age=20..30)", the same everywhere.

    query       P(event | conditions) or E(node | conditions), conditions may be left out
    conditions  do(settings), evidence(assignments) and assignments, commas between
    settings    name=value, name~law or name:=formula
    assignment  name=value, name=20..30, name=20.. or name={value, value}
    law         .3 (the probability of 1), {value: .2, value: .8}, normal(mean, sd) or uniform(low, high)

A name may stand in double quotation marks, and must where it holds a comma, a bar, a parenthesis, an equals sign, a
tilde or ":=".
"""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from causalgan_tf.errors import InputError, brief, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.variables import parse_range
from causalgan_tf.inference.soft_do import Formula, Law

ASSIGNMENT = "expected name=value, such as Mustache=1,Young=0"
PROBABILITY = 'expected a probability such as "P(Male=0|do(Mustache=1))" or a mean such as "E(Age|Smokes=1)"'
_QUERY = re.compile(r"\s*(?P<verb>[PE])\((?P<inside>.*)\)\s*", re.S)
_BEGUN = re.compile(r"\s*[PE]\(")
_GROUP = re.compile(r"\s*(?P<name>do|evidence)\(")
_NAME = re.compile(rf"\s*(?P<name>{names.QUOTED}|[^\s\"=,|()~](?:(?!:=)[^\"=,|()~])*?)\s*(?P<sign>:=|=|~)", re.S)
_LAW = re.compile(r"(normal|uniform)\(([^,()]*),([^,()]*)\)\s*")
_BLANKS, _QUOTED = re.compile(r"\s*"), re.compile(names.QUOTED)
_QUOTED_FIRST = re.compile(rf"\s*{names.QUOTED}")


@dataclasses.dataclass(frozen=True)
class QueryText:
    """What a query's text says, values not yet checked against a graph.

    Attributes:
        event: node to value, set or interval; empty of a mean.
        outcome: the node whose mean is asked for; empty of a probability.
        do: node to a value, a Law or a Formula.
        given: conditions in the model that do has mutilated.
        evidence: what was seen of the unit before the intervention.

    >>> parse_query("P(Ill=1 | Old=0)").given
    {'Old': 0}
    """

    event: Mapping[str, Any]
    outcome: str
    do: Mapping[str, Any]
    given: Mapping[str, Any]
    evidence: Mapping[str, Any]


def parse_query(text: str) -> QueryText:
    """Reads a probability or a mean.

    >>> parsed = parse_query("P(Ill=1 | do(Smokes=0, Age:=Age + 5), evidence(Smokes=1), Sex={0, 1})")
    >>> parsed.event, dict(parsed.do), parsed.evidence
    ({'Ill': 1}, {'Smokes': 0, 'Age': Formula(text='Age + 5')}, {'Smokes': 1})
    >>> parse_query("E(Age | Sex=1)").outcome
    'Age'

    Raises:
        InputError: it is nothing of the kind; the place in the text is named.
    """
    match = _QUERY.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise InputError(f"{shown(text)}{_unframed(text)}: {PROBABILITY}.")
    start, end = match.span("inside")
    bar = _bar(text, start, end)
    head, rest = text[start:bar], text[bar + 1 : end]
    if not head.strip(" ,"):
        raise InputError(f"{shown(text)}: nothing is asked for at character {start + 1}; {PROBABILITY}.")
    if bar < end and not rest:
        raise InputError(f"{shown(text)}: no condition follows the bar at character {bar + 1}; {PROBABILITY}.")
    event, outcome = {}, ""
    if match["verb"] == "E":
        outcome = _single_name(head.strip(), text, start)
    else:
        event = _Reader(text, start, bar).assignments()
    parts: dict[str, dict[str, Any]] = {"do": {}, "evidence": {}, "given": {}}
    if bar < end:
        _Reader(text, bar + 1, end).conditions(parts)
    return QueryText(event, outcome, parts["do"], parts["given"], parts["evidence"])


def parse_probability(text: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Reads "P(Male=0|do(Mustache=1),Young=1)" into (event, do, given), values as `parse_assignments` reads them.

    Raises:
        InputError: it is nothing of the kind, a mean, or of a unit with evidence.
    """
    query = parse_query(text)
    if query.outcome or query.evidence:
        raise InputError(f'{shown(text)}: expected a probability without evidence, such as "P(Male=0|do(Mustache=1))".')
    return dict(query.event), dict(query.do), dict(query.given)


def parse_assignments(text: str) -> dict[str, Any]:
    """Reads "Mustache=1,Smoke=never smoked,Age=20..30"; an empty text assigns nothing.

    A name may stand in quotation marks, and must where it holds a comma, a bar, a parenthesis or an equals sign.

    >>> parse_assignments('"Patient Age"=40, Smoke={never, former}') == {
    ...     "Patient Age": 40, "Smoke": frozenset({"never", "former"})}
    True

    Values are not checked, for there is no graph: 1 becomes an int, 1.5 a float, 20..30 an interval (20.0, 30.0),
    {a, b} a set, and all else stays text, so does a number in another spelling, such as 01, which may be a category's
    name. Name~law becomes a Law and name:=formula a Formula, as do takes them.

    Raises:
        InputError: a part that is not name=value, nothing between two commas, or a name assigned twice.
    """
    return _Reader(text, 0, len(text)).assignments() if text.strip() else {}


def parse_names(text: str) -> tuple[str, ...]:
    """Reads names with commas between, in quotation marks where they hold one; an empty text names nothing.

    >>> parse_names('Male, "Körper, groß"')
    ('Male', 'Körper, groß')
    """
    parts = (
        [part.strip() for part in re.findall(rf"(?:^|(?<=,))\s*(?:{names.QUOTED})?[^,]*", text)] if text.strip() else []
    )
    return tuple(names.unquoted(part) if re.fullmatch(names.QUOTED, part) else part for part in parts)


class _Reader:
    """Reads assignments between two places of a text."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.at, self.end = text, start, start, end

    def assignments(self) -> dict[str, Any]:
        """All of them."""
        found: dict[str, Any] = {}
        while True:
            self._assign(found)
            if not self._comma():
                return found

    def conditions(self, parts: dict[str, dict[str, Any]]) -> None:
        """Assignments into "given", and those in do(...) and evidence(...)."""
        while True:
            group = _GROUP.match(self.text, self.at, self.end)
            if group:
                inside = _Reader(self.text, group.end(), self._closing(group))
                for name, value in inside.assignments().items():
                    self._put(parts[group["name"]], name, value)
                self.at = inside.end + 1
            else:
                self._assign(parts["given"])
            if not self._comma():
                return

    def _assign(self, found: dict[str, Any]) -> None:
        begin = self.at
        if not self.text[begin : self._part_end(begin)].strip():
            raise InputError(
                f"{shown(self.text[self.start : self.end])} has an empty part at character {begin + 1}: {ASSIGNMENT}."
            )
        match = _NAME.match(self.text, begin, self.end)
        if not match:
            raise self._malformed(begin)
        self.at = match.end()
        name = names.unquoted(match["name"]) if match["name"][0] == '"' else match["name"]
        value = {"=": self._value, "~": self._law, ":=": self._formula}[match["sign"]](begin)
        self._put(found, name, value)

    def _put(self, found: dict[str, Any], name: str, value: Any) -> None:
        if name in found:
            raise InputError(f"{shown(self.text[self.start : self.end])}: {brief(name, 60)} is assigned twice.")
        found[name] = value

    def _value(self, begin: int) -> Any:
        first = self._first(self.at)
        # braces alone make a set: a category's name may hold one further on
        if self.text[first : first + 1] == "{":
            parts = [self.text[a:b].strip() for a, b in self._braced(first, begin)]
            if not all(parts):
                raise InputError(f"{self._told(begin)}: a set with an empty part; expected such as {{never, former}}.")
            return frozenset(_read(part) for part in parts)
        end = self._part_end(self.at)
        value, self.at = self.text[self.at : end].strip(), end
        if not value:
            raise self._malformed(begin)
        return _read(value)

    def _law(self, begin: int) -> Law:
        first = self._first(self.at)
        shape = _LAW.match(self.text, first, self.end)
        if shape:
            self.at = shape.end()
            return Law(None, shape[1], *(self._real(part, begin) for part in shape.groups()[1:]))
        if self.text[first : first + 1] == "{":
            pairs = [self.text[a:b].rpartition(":") for a, b in self._braced(first, begin)]
            if any(not value.strip() for value, _, _ in pairs):
                raise InputError(f"{self._told(begin)}: expected a law such as {{never: 0.2, now: 0.8}}.")
            return Law({_read(value.strip()): self._real(share, begin) for value, _, share in pairs})
        end = self._part_end(self.at)
        share, self.at = self.text[self.at : end], end
        return Law({1: self._real(share, begin)})

    def _formula(self, begin: int) -> Formula:
        depth, place, quote = 0, self.at, ""
        while place < self.end and (depth or quote or self.text[place] != ","):
            letter = self.text[place]
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "\"'":
                quote = letter
            depth += 0 if quote else (letter == "(") - (letter == ")")
            place += 1
        formula, self.at = self.text[self.at : place], place
        if not formula.strip():
            raise InputError(f"{self._told(begin)}: expected a formula, such as Age:=Age + 5.")
        try:
            return Formula(formula)
        except InputError as error:
            raise InputError(f"{self._told(begin)}: {error}") from error

    def _braced(self, first: int, begin: int) -> list[tuple[int, int]]:
        """The places of the parts between braces, of which one opens at `first`."""
        close = self.text.find("}", first, self.end)
        if close < 0:
            raise InputError(f"{self._told(begin)}: the brace at character {first + 1} is not closed.")
        self.at, ends = close + 1, [first]
        ends += [place for place in range(first + 1, close) if self.text[place] == ","]
        return [(a + 1, b) for a, b in zip(ends, [*ends[1:], close], strict=True)]

    def _real(self, text: str, begin: int) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InputError(
                f"{self._told(begin)}: expected a law: .3, {{never: .2, now: .8}}, normal(40, 10) or uniform(20, 30)."
            )
        return number

    def _comma(self) -> bool:
        """Whether another part follows; InputError for anything but a comma."""
        place = self._first(self.at)
        if place == self.end:
            return False
        if self.text[place] != ",":
            raise self._malformed(place)
        self.at = place + 1
        return True

    def _part_end(self, begin: int) -> int:
        quoted = _QUOTED_FIRST.match(self.text, begin, self.end)
        comma = self.text.find(",", quoted.end() if quoted else begin, self.end)
        return self.end if comma < 0 else comma

    def _closing(self, group: re.Match) -> int:
        """The place of the parenthesis that closes a group."""
        depth, place = 1, group.end()
        while place < self.end:
            quoted = _QUOTED.match(self.text, place, self.end)
            if quoted:
                place = quoted.end()
                continue
            depth += (self.text[place] == "(") - (self.text[place] == ")")
            if depth == 0:
                return place
            place += 1
        raise InputError(
            f"{shown(self.text[group.start() : self.end].strip())}: the parenthesis at character {group.end()} is not "
            f"closed; {ASSIGNMENT}."
        )

    def _told(self, begin: int) -> str:
        part = shown(self.text[begin : self._part_end(begin)].strip())
        return part if part == shown(self.text.strip()) else f"{part} at character {self._first(begin) + 1}"

    def _malformed(self, begin: int) -> InputError:
        part = shown(self.text[begin : self._part_end(begin)].strip())
        place = (
            f" It is at character {self._first(begin) + 1} of {shown(self.text)}."
            if part != shown(self.text.strip())
            else ""
        )
        return InputError(f"{part}: {ASSIGNMENT}.{place}")

    def _first(self, begin: int) -> int:
        """The place of the first letter that is no blank."""
        return _BLANKS.match(self.text, begin, self.end).end()


def _bar(text: str, start: int, end: int) -> int:
    """The place of the bar between event and conditions; `end` if there is none."""
    place = start
    while place < end:
        quoted = _QUOTED.match(text, place, end)
        if quoted:
            place = quoted.end()
        elif text[place] == "|":
            return place
        else:
            place += 1
    return end


def _unframed(text: Any) -> str:
    """Where a text stops being P(...) or E(...), for an error."""
    begun = _BEGUN.match(text) if isinstance(text, str) else None
    if not begun:
        return " at character 1" if isinstance(text, str) and text else ""
    return f": expected the parenthesis that closes it at character {len(text.rstrip())}, the last one"


def _single_name(text: str, whole: str, start: int) -> str:
    if re.fullmatch(names.QUOTED, text):
        return names.unquoted(text)
    if not text or re.search(r'["=,()~]', text):
        raise InputError(f"{shown(whole)}: expected the name of one node at character {start + 1}, got {shown(text)}.")
    return text


def _read(text: str) -> int | float | tuple[float, float] | str:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        # only in Python's own spelling: 01, 1e3 or +1 may be the name of a category
        if repr(number) == text and math.isfinite(number):
            return number
    return parse_range(text) or text
