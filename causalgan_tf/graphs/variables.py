"""Kinds of label nodes: Binary, Categorical, Continuous.

Everywhere outside the networks a node occupies one column of plain numbers: a binary label 0 or 1, a categorical one
the place of its category, a continuous one itself. Inside the networks it occupies `width` columns: a binary label
one, a categorical one an indicator for each category, a continuous one its standardised value.

Whoever asks what a label is like asks its attributes, not its type: `size` (None: any number; 0: categories that only a
table tells), `named` (its values are the `categories`) and `offset`.
"""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from causalgan_tf.errors import InputError, brief, closest, shown
from causalgan_tf.graphs.digits import digits

LARGEST = float(np.finfo(np.float32).max)  # of a number that the networks hold
_DECLARATION = re.compile(r"([A-Za-z]+)\s*(?:\((.*)\))?", re.DOTALL)
_RANGE = re.compile(r"\s*(?P<low>[^.\s]*(?:\.\d[^.\s]*)?)\s*\.\.\s*(?P<high>\S*)\s*")


@dataclasses.dataclass(frozen=True)
class Binary:
    """A label of 0 or 1.

    >>> Binary().number(True), Binary().shown(1.0)
    (1.0, 1)
    """

    categories, named, offset = (), False, 0.0

    @classmethod
    def parse(cls, parts: Sequence[str]) -> "Binary | None":
        """The variable that a declaration with these arguments states; None if it states none."""
        return None if parts else cls()

    @property
    def width(self) -> int:
        """Columns inside the networks."""
        return 1

    @property
    def size(self) -> int:
        """How many values there are."""
        return 2

    @property
    def expected(self) -> str:
        """The legal values, in words."""
        return "0 or 1"

    @property
    def expected_in_rows(self) -> str:
        """The numbers that `holds` takes, in words."""
        return "0 or 1, or a number between for an interpolation"

    def holds(self, numbers: np.ndarray) -> np.ndarray:
        """Which numbers [n] of label rows the label can have, bool [n]: for an interpolation also those between."""
        return (numbers >= 0.0) & (numbers <= 1.0)

    def read(self, value: Any) -> Any:
        """What `number` takes for a value that stood in a text as `parse_assignments` reads it."""
        return value

    def detail(self, letters: int) -> str:
        """The values in one short line of a drawing; empty where they are a matter of course."""
        del letters
        return ""

    def number(self, value: Any) -> float:
        """The number that stands for a user's value; ValueError if none does."""
        # "1" is refused, not converted: a text may be the name of a category in another graph
        if isinstance(value, str) or not np.isscalar(value) or value not in (0, 1):
            raise ValueError(value)
        return float(value)

    def shown(self, number: float) -> int:
        """The user's value that a number stands for."""
        return int(number)

    def column(self, numbers: np.ndarray) -> np.ndarray:
        """A data frame's column of numbers [n]: uint8."""
        return np.asarray(numbers).astype(np.uint8, copy=False)

    def text(self) -> str:
        """The declaration that `parse_variable` reads."""
        return "binary"


@dataclasses.dataclass(frozen=True)
class Categorical:
    """A label that is one of several named categories.

    Attributes:
        categories: at least two names, in the order of their numbers; none: they are read from the table.

    >>> Categorical(("never", "former", "now")).number("former")
    1.0
    """

    categories: tuple[str, ...] = ()

    named, offset = True, 0.0

    def __post_init__(self) -> None:
        names = self.categories
        if (
            len(names) == 1
            or len(set(names)) < len(names)
            or any(re.search(r"[(),;#\n]|^\s*\{", name) for name in names)
        ):
            raise InputError(
                f"categorical({brief(', '.join(map(str, names)), 60)}): expected at least two different names without "
                "commas, semicolons, parentheses and #, and no brace at their beginning, where queries begin a set."
            )

    @classmethod
    def parse(cls, parts: Sequence[str]) -> "Categorical":
        """The variable that a declaration with these arguments states."""
        return cls(tuple(parts))

    @property
    def width(self) -> int:
        """Columns inside the networks."""
        return len(self.categories)

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.categories)

    @property
    def expected(self) -> str:
        """The legal values, in words."""
        return f"one of {', '.join(self.categories)}"

    @property
    def expected_in_rows(self) -> str:
        """The numbers that `holds` takes, in words."""
        return brief(self.expected) + f", or its place, 0 to {self.size - 1}"

    def holds(self, numbers: np.ndarray) -> np.ndarray:
        """Which numbers [n] of label rows the label can have, bool [n]."""
        return (numbers >= 0) & (numbers < self.size) & (numbers == np.floor(numbers))

    def read(self, value: Any) -> Any:
        """What `number` takes for a value that stood in a text: 1..2 may be the name of a category."""
        return written(value) if isinstance(value, tuple) else value

    def detail(self, letters: int) -> str:
        """The categories, or the first of them and how many there are, in one line of a drawing."""
        if not self.categories:
            return "categories of the table"
        for count in range(self.size, 0, -1):
            rest = [f"... ({self.size})"] if count < self.size else []
            line = ", ".join([*self.categories[:count], *rest])
            if len(line) <= letters:
                return line
        return f"{self.size} categories"

    def number(self, value: Any) -> float:
        """The number that stands for a user's value, a category's name; ValueError if none does."""
        return float(self.categories.index(str(value)))

    def shown(self, number: float) -> str:
        """The user's value that a number stands for."""
        return self.categories[int(number)]

    def column(self, numbers: np.ndarray) -> pd.Categorical:
        """A data frame's column of numbers [n], with the categories' names."""
        return pd.Categorical.from_codes(np.asarray(numbers).astype(np.int64), categories=list(self.categories))

    def text(self) -> str:
        """The declaration that `parse_variable` reads."""
        return f"categorical({', '.join(self.categories)})" if self.categories else "categorical"


@dataclasses.dataclass(frozen=True)
class Continuous:
    """A label that is any number, or any number between two bounds.

    Attributes:
        low: smallest number; minus infinity: none.
        high: largest number; infinity: none. Either both bounds are given or none.
        mean: of the training rows, by which the networks standardise it.
        std: standard deviation of the training rows, above 0.
        offset: what a user's value is more than its number: 0 but where float32 could not tell the values apart, such
            as seconds since 1970. `low`, `high` and `mean` are numbers, the offset taken off.

    >>> Continuous(offset=1.7e9).number(1_700_000_510)
    510.0
    """

    low: float = -math.inf
    high: float = math.inf
    mean: float = 0.0
    std: float = 1.0
    offset: float = 0.0

    categories, named = (), False

    def __post_init__(self) -> None:
        if not self.low < self.high or math.isfinite(self.low) != math.isfinite(self.high):
            raise InputError(
                f"continuous({self.low:g}, {self.high:g}): expected two finite bounds, the lower one first."
            )

    @classmethod
    def parse(cls, parts: Sequence[str]) -> "Continuous | None":
        """The variable that a declaration with these arguments states; None if it states none."""
        try:
            return cls(*map(float, parts)) if len(parts) in (0, 2) else None
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            return None

    @property
    def bounded(self) -> bool:
        """Whether there are bounds."""
        return math.isfinite(self.low)

    @property
    def ends(self) -> tuple[float, float]:
        """The bounds as float32 labels may have them, which can lie a last digit beyond.

        >>> Continuous(0.0, 0.3).ends[1] > 0.3
        True
        """
        return min(self.low, float(np.float32(self.low))), max(self.high, float(np.float32(self.high)))

    @property
    def width(self) -> int:
        """Columns inside the networks."""
        return 1

    @property
    def size(self) -> None:
        """There is no number of values."""
        return None

    @property
    def expected(self) -> str:
        """The legal values, in words."""
        return (
            f"a number between {digits(self.low + self.offset)} and {digits(self.high + self.offset)}"
            if self.bounded
            else "a finite number"
        )

    @property
    def expected_in_rows(self) -> str:
        """The numbers that `holds` takes, in words."""
        return self.expected

    def holds(self, numbers: np.ndarray) -> np.ndarray:
        """Which numbers [n] of label rows the label can have, bool [n]."""
        low, high = self.ends
        return (np.abs(numbers) <= LARGEST) & (numbers >= low) & (numbers <= high)

    def read(self, value: Any) -> Any:
        """What `number` takes for a value that stood in a text; ValueError if it is no number."""
        return float(value) if isinstance(value, str) else value

    def detail(self, letters: int) -> str:
        """The bounds in one short line of a drawing."""
        del letters
        return f"{self.shown(self.low):g} to {self.shown(self.high):g}" if self.bounded else "any number"

    def number(self, value: Any) -> float:
        """The number of a user's value; ValueError if there is none or it is out of bounds."""
        if isinstance(value, bool | str) or not np.isscalar(value):
            raise ValueError(value)
        number, (low, high) = float(value) - self.offset, self.ends
        if not abs(number) <= LARGEST or not low <= number <= high:
            raise ValueError(value)
        return number

    def shown(self, number: float) -> float:
        """The user's value that a number stands for."""
        return float(number) + self.offset

    def column(self, numbers: np.ndarray) -> np.ndarray:
        """A data frame's column of numbers [n]: float32, or float64 where there is an offset."""
        if self.offset:
            return np.asarray(numbers, np.float64) + self.offset
        return np.asarray(numbers).astype(np.float32, copy=False)

    def text(self) -> str:
        """The declaration that `parse_variable` reads; the training rows' statistics are not in it."""
        low, high = digits(self.low + self.offset), digits(self.high + self.offset)
        return f"continuous({low}, {high})" if self.bounded else "continuous"

    def moved(self, offset: float) -> "Continuous":
        """The same variable with another offset: the same values of the user, other numbers."""
        by = offset - self.offset
        return dataclasses.replace(self, low=self.low - by, high=self.high - by, mean=self.mean - by, offset=offset)

    def fitted(self, numbers: np.ndarray) -> "Continuous":
        """The same variable with the mean and the standard deviation of training rows [n]."""
        std = float(np.std(numbers, dtype=np.float64))
        return dataclasses.replace(self, mean=float(np.mean(numbers, dtype=np.float64)), std=std if std > 0 else 1.0)


Variable = Binary | Categorical | Continuous
# by their names in a declaration and in graph.json
TYPES: dict[str, type] = {"binary": Binary, "categorical": Categorical, "continuous": Continuous}


def parse_variable(text: str) -> Variable:
    """Reads "binary", "categorical", "categorical(never, former, now)", "continuous" or "continuous(0, 250)".

    Raises:
        InputError: anything else.
    """
    match = _DECLARATION.fullmatch(text.strip())
    kind = match[1].lower() if match else ""
    parts = [part.strip() for part in match[2].split(",")] if match and match[2] is not None else []
    variable = TYPES[kind].parse(parts) if kind in TYPES else None
    if variable is not None:
        return variable
    raise InputError(
        f"{shown(text.strip())}: expected a kind of label: binary, categorical, categorical(never, former, now), "
        f"continuous or continuous(0, 250).{closest(kind, TYPES)}"
    )


def parse_range(text: str) -> tuple[float, float] | None:
    """Reads an interval "20..30", "20.." or "..30"; None if the text is none."""
    match = _RANGE.fullmatch(text)
    if not match or not (match["low"] or match["high"]):
        return None
    try:
        return float(match["low"] or -math.inf), float(match["high"] or math.inf)
    except ValueError:
        return None


def written(value: int | float | str | tuple[float, float]) -> str:
    """A value or an interval as it is written in a query: numbers with all their digits, but 30.0 as 30.

    >>> written((20.0, math.inf)), written(30.0)
    ('20..', '30')
    """
    if isinstance(value, tuple):
        return "..".join("" if math.isinf(end) else written(float(end)) for end in value)
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def to_json(variables: Mapping[str, Variable]) -> dict[str, dict[str, Any]]:
    """Variables by node as plain values for a JSON file; infinite bounds are left out."""
    plain = {}
    for node, variable in variables.items():
        fields = dataclasses.asdict(variable)
        plain[node] = {"kind": type(variable).__name__.lower()} | {
            name: value for name, value in fields.items() if not (isinstance(value, float) and math.isinf(value))
        }
    return plain


def from_json(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, Variable]:
    """The variables that `to_json` wrote; InputError for anything else."""
    variables = {}
    for node, fields in plain.items():
        # JSON has no tuples, and a frozen variable with a list could not be hashed
        rest = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        try:
            variables[node] = TYPES[rest.pop("kind")](**rest)
        except (KeyError, TypeError) as error:
            raise InputError(f"variable of {node!r}: expected a kind and its fields, got {dict(fields)}.") from error
    return variables


def one_code(columns: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """One integer for each combination of several columns of codes, the first column changing fastest: int64 [n]."""
    code, stride = np.zeros(len(columns[0]) if columns else 0, np.int64), 1
    for column, size in zip(columns, sizes, strict=True):
        code += np.asarray(column, np.int64) * stride
        stride *= size
    return code
