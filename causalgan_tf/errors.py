"""The error for invalid input, whose message says how to correct it, and helpers that shorten messages."""

import difflib
import reprlib
from collections.abc import Iterable

LONGEST = 300  # letters of a message


class InputError(ValueError):
    """Input that cannot be used: the message names the thing, what was expected, what came and the way out.

    Examples:
        >>> raise InputError("n: expected at least 1 row, got 0.")
        Traceback (most recent call last):
            ...
        causalgan_tf.errors.InputError: n: expected at least 1 row, got 0.
    """


class TooLargeError(InputError):
    """An exact answer that would need too large a table; rows can be drawn instead.

    Examples:
        >>> isinstance(TooLargeError("table of 'Ill': 2 ** 40 cells."), InputError)
        True
    """


class ConditioningError(InputError):
    """A condition that a model never shows, or too seldom for what was asked.

    Attributes:
        found: rows that met it.
        wanted: rows that were asked for.
        draws: candidate rows that were drawn.
        mass: the estimated probability of the condition.

    Examples:
        >>> ConditioningError("No row has Ill=1.", found=0, wanted=10, draws=1_000, mass=0.0).draws
        1000
    """

    def __init__(self, message: str, found: int, wanted: int, draws: int, mass: float) -> None:
        super().__init__(message)
        self.found, self.wanted, self.draws, self.mass = found, wanted, draws, mass


def brief(value: object, limit: int = 140) -> str:
    """A value as text of at most `limit` letters, its middle left out: for messages about any input.

    >>> brief("abcdefghij", 7)
    'ab...ij'
    """
    try:
        text = str(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "an integer of thousands of digits"
    if len(text) <= limit:
        return text
    end = (limit - 3) // 2
    return f"{text[: limit - 3 - end]}...{text[len(text) - end :]}"


def shown(value: object, limit: int = 60) -> str:
    """A value as Python writes it, cut to `limit` letters and a few of its levels.

    >>> shown(["A", [["B"]]])
    "['A', [['B']]]"
    """
    try:
        return brief(repr(value) if isinstance(value, str) else reprlib.repr(value), limit)
    except ValueError:  # an integer of more than 4,300 digits
        return brief(value, limit)


def closest(name: str, known: Iterable[str]) -> str:
    """The sentence "Did you mean 'X'?" for the known name nearest to `name`, with a space before it, or nothing."""
    if len(name) > LONGEST:  # the comparison takes time that grows with the square of the length
        return ""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""
