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
