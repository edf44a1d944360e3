"""What the page asks, checked: do, given, how many units, their seed, one of them and a label."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from causalgan_tf.errors import InputError, brief, shown
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import LARGEST
from causalgan_tf.inference.arguments import SEED, whole
from causalgan_tf.inference.query import Query

MOST = 64  # units of one answer
FIELDS = ("do", "given", "n", "seed", "unit", "label")


class RequestError(InputError):
    """A request that the model does not answer, and the control of the page that is at fault.

    Attributes:
        part: "do" or "given"; empty: neither.
        label: the label whose control it is; empty: none.

    Examples:
        >>> RequestError("do Age: expected a number.", "do", "Age").label
        'Age'
    """

    def __init__(self, message: str, part: str = "", label: str = "") -> None:
        super().__init__(message)
        self.part, self.label = part, label


@dataclasses.dataclass(frozen=True)
class Request:
    """One state of the page.

    Attributes:
        query: do and given, as numbers.
        do: the user's values by label.
        given: the same; of a number an interval (low, high).
        n: units that are drawn, 1 to MOST.
        seed: of the draw.
        unit: the place of the unit that the strip shows, from 0.
        label: the label whose values the strip goes through; None: no strip.

    Examples:
        >>> graph = CausalGraph.from_text("Age -> Ill; Age: continuous")
        >>> asked = Request.of(graph, {"do": {"Ill": 1}, "given": {"Age": [60, None]}, "n": 8})
        >>> asked.query.text(), asked.n, asked.seed
        ('do(Ill=1), Age=60..', 8, 0)
    """

    query: Query
    do: Mapping[str, Any]
    given: Mapping[str, Any]
    n: int = 24
    seed: int = 0
    unit: int = 0
    label: str | None = None

    @classmethod
    def of(cls, graph: CausalGraph, body: Any) -> "Request":
        """The request in a decoded JSON text.

        Raises:
            RequestError: a field that there is not, a label that the graph does not have, or a value that a label does
                not have.
        """
        odd = [name for name in body if name not in FIELDS] if isinstance(body, Mapping) else [shown(body)]
        if odd:
            raise RequestError(f"request: expected an object of {', '.join(FIELDS)}, got {brief(odd[0], 60)}.")
        do = _checked(graph, "do", body.get("do") or {})
        given = _checked(graph, "given", body.get("given") or {})
        try:
            query = Query.create(graph, do, given)
            n, seed = whole("n", body.get("n", cls.n), 1, MOST), whole("seed", body.get("seed", 0), 0, SEED)
            unit = whole("unit", body.get("unit", 0), 0, n - 1)
            if (label := body.get("label")) is not None:
                graph.index(label if isinstance(label, str) else shown(label))
        except InputError as error:
            both = next((node for node in do if node in given), "")
            raise RequestError(str(error), "given" if both else "", both) from error
        return cls(query, do, given, n, seed, unit, label)


def _checked(graph: CausalGraph, part: str, values: Any) -> dict[str, Any]:
    """Values by label, each of which the label can have; RequestError names the first that it cannot."""
    if not isinstance(values, Mapping):
        raise RequestError(f"{part}: expected an object of values by label, got {shown(values)}.")
    read = {node: _interval(value) if part == "given" else value for node, value in values.items()}
    for node, value in read.items():
        try:
            _check_size(part, node, value)
            Query.create(graph, **{part: {node: value}})
        except InputError as error:
            raise RequestError(str(error), part, node) from error
    return read


def _interval(value: Any) -> Any:
    """The interval of a list of two ends, of which null is an open one; anything else as it came."""
    if isinstance(value, list) and len(value) == 2:
        low, high = value
        return (-math.inf if low is None else low, math.inf if high is None else high)
    return value


def _check_size(part: str, node: str, value: Any) -> None:
    """InputError for an interval with an end that float32 does not hold."""
    for end in value if isinstance(value, tuple) else ():
        if isinstance(end, int | float) and LARGEST < abs(end) < math.inf:
            raise InputError(
                f"{part} {brief(node, 60)}: expected numbers between -{LARGEST:.3g} and {LARGEST:.3g}, got "
                f"{shown(end)}. Leave the end open instead."
            )
