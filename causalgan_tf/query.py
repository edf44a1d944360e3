"""A question to a causal model: what is set (do) and what is observed (given), as one validated value."""

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph

_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_]+)\s*=\s*([^\s,=]+)\s*")
_PROBABILITY = re.compile(r"\s*P\((?P<event>[^|()]+)(?:\|(?P<condition>.+))?\)\s*")
_DO = re.compile(r"do\(([^()]*)\)")


@dataclasses.dataclass(frozen=True)
class Query:
    """Interventions and conditions on labels; make one with `create`, which checks it.

    Attributes:
        do: node to the value that it is set to.
        given: node to the value that it was seen to have, in the model that `do` has mutilated.
    """

    do: Mapping[str, int]
    given: Mapping[str, int]

    @classmethod
    def create(
        cls, graph: CausalGraph, do: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None
    ) -> "Query":
        """A query on a graph.

        Raises:
            InputError: an unknown node, a value other than 0 and 1, or a node that is both set and observed.
        """
        checked_do, checked_given = (_checked(graph, name, part) for name, part in (("do", do), ("given", given)))
        both = [node for node in graph.nodes if node in checked_do and node in checked_given]
        if both:
            raise InputError(f"{both[0]!r} is in do and in given: a label is either set or observed. Drop it from one.")
        return cls(MappingProxyType(checked_do), MappingProxyType(checked_given))

    def do_vector(self, graph: CausalGraph) -> np.ndarray:
        """The interventions as float32 [K], columns in graph order, NaN where a label is left alone."""
        vector = np.full(len(graph), np.nan, np.float32)
        for node, value in self.do.items():
            vector[graph.index(node)] = value
        return vector

    def text(self) -> str:
        """The query as one writes it behind the bar of a probability: "do(Mustache=1), Young=0"."""
        parts = [f"do({_assignments(self.do)})"] if self.do else []
        return ", ".join(parts + ([_assignments(self.given)] if self.given else []))


def parse_assignments(text: str) -> dict[str, int]:
    """Reads "Mustache=1,Young=0"; an empty text assigns nothing.

    Raises:
        InputError: a part that is not name=0 or name=1, or a name assigned twice.
    """
    assigned: dict[str, int] = {}
    for part in filter(str.strip, text.split(",")):
        match = _ASSIGNMENT.fullmatch(part)
        if not match or match[2] not in ("0", "1"):
            raise InputError(f"{part.strip()!r}: expected name=0 or name=1, such as Mustache=1,Young=0.")
        if match[1] in assigned:
            raise InputError(f"{text!r}: {match[1]} is assigned twice.")
        assigned[match[1]] = int(match[2])
    return assigned


def parse_probability(text: str) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Reads "P(Male=0|do(Mustache=1),Young=1)" into (event, do, given); InputError if it is nothing of the kind."""
    match = _PROBABILITY.fullmatch(text)
    if not match or not match["event"].strip(" ,"):
        raise InputError(f'{text!r}: expected a probability such as "P(Male=0|do(Mustache=1))".')
    condition = match["condition"] or ""
    do = ",".join(_DO.findall(condition))
    return parse_assignments(match["event"]), parse_assignments(do), parse_assignments(_DO.sub("", condition))


def _checked(graph: CausalGraph, part: str, values: Mapping[str, Any] | None) -> dict[str, int]:
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f"{part}: expected a mapping such as {{'Mustache': 1}}, got {values!r}.")
    checked = {}
    for node, value in (values or {}).items():
        graph.index(node)
        if isinstance(value, str) or not np.isscalar(value) or value not in (0, 1):
            raise InputError(f"{part} {node}={value!r}: expected 0 or 1.")
        checked[node] = int(value)
    return checked


def _assignments(values: Mapping[str, int]) -> str:
    return ", ".join(f"{node}={value}" for node, value in values.items())
