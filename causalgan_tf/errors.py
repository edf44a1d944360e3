"""The one error that a user can mend."""

import difflib
import reprlib
from collections.abc import Iterable

LONGEST = 300  # letters of a message


class InputError(ValueError):
    """Input that cannot be used: the message names the thing, what was expected, what came and the way out."""


def brief(text: str, limit: int = LONGEST) -> str:
    """A text of at most `limit` letters: the middle of a longer one is left out.

    >>> brief("abcdefghij", 7)
    'ab...ij'
    """
    if len(text) <= limit:
        return text
    end = (limit - 3) // 2
    return f"{text[: limit - 3 - end]}...{text[len(text) - end :]}"


def shown(value: object, limit: int = 60) -> str:
    """A value as Python writes it, cut to `limit` letters and a few of its levels.

    >>> shown(["A", [["B"]]])
    "['A', [['B']]]"
    """
    return brief(repr(value) if isinstance(value, str) else reprlib.repr(value), limit)


def closest(name: str, known: Iterable[str]) -> str:
    """The sentence "Did you mean 'X'?" for the known name nearest to `name`, with a space before it, or nothing."""
    if len(name) > LONGEST:  # the comparison takes time that grows with the square of the length
        return ""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""
