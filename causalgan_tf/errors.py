"""The one error that a user can mend."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used: the message names the thing, what was expected, what came and the way out."""


def closest(name: str, known: Iterable[str]) -> str:
    """The sentence "Did you mean 'X'?" for the known name nearest to `name`, with a space before it, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def brief(value: object, length: int = 140) -> str:
    """A value as text of at most `length` characters, its middle left out: for messages about any input."""
    try:
        text = str(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "an integer of thousands of digits"
    return text if len(text) <= length else f"{text[: length // 2]}...{text[-(length // 2 - 3) :]}"
