"""What a field of a configuration says of itself: its default, its help text, its legal values."""

import dataclasses
import math
import pkgutil
from collections.abc import Collection
from typing import Any

from causalgan_tf.errors import InputError, closest

MOST_STEPS = 100_000_000  # of a training: weeks of the fastest GPU


def option(
    default: Any,
    text: str,
    *,
    choices: Collection[str] = (),
    low: float | None = None,
    high: float | None = None,
    compared: bool = True,
    may_grow: bool = False,
    kind: type | None = None,
) -> Any:
    """A dataclass field with its help text and its legal values.

    Args:
        default: the value when nothing is said; its type is the field's type. None: other fields decide, see `kind`.
        text: one line of help, with the unit and the reason.
        choices: the legal strings, if the field is a choice; a registry's own names if that is given.
        low: smallest legal number, inclusive.
        high: largest legal number, inclusive.
        compared: whether a run folder of another value is another run.
        may_grow: whether a larger value continues a run instead of starting another.
        kind: the field's type, where the default is None.
    """
    metadata = {
        "text": text,
        "choices": choices,
        "low": low,
        "high": high,
        "compared": compared,
        "may_grow": may_grow,
        "kind": kind or type(default),
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A function of a folder above this one, by the place where it lies: imported when it is first called.

    >>> Entry("math:gcd")(12, 18)
    6

    Attributes:
        place: "package.module:function".
    """

    place: str

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Calls the function."""
        return pkgutil.resolve_name(self.place)(*args, **named)


class Validated:
    """Checks every field against the limits that its `option` states; whole numbers become floats where due.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Mixing(Validated):
    ...     share: float = option(0.5, "share of the rows", low=0.0, high=1.0)
    >>> Mixing(share=1).share
    1.0
    >>> Mixing(share=2)
    Traceback (most recent call last):
        ...
    causalgan_tf.errors.InputError: Mixing.share: expected a value between 0.0 and 1.0, got 2.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _check(type(self).__name__, field, value)
            if field.metadata["kind"] is float:
                # a whole number may be given; TensorFlow tells it from a float
                object.__setattr__(self, field.name, float(value))


def _check(owner: str, field: dataclasses.Field, value: Any) -> None:
    limits, expected = field.metadata, field.metadata["kind"]
    fits = isinstance(value, expected) or (expected is float and type(value) is int)
    if not fits or (isinstance(value, bool) and expected is not bool):
        raise InputError(f"{owner}.{field.name}: expected {expected.__name__}, got {value!r}.")
    if limits["choices"] and value not in limits["choices"]:
        hint = closest(value, limits["choices"])
        raise InputError(f"{owner}.{field.name}: expected one of {', '.join(limits['choices'])}; got {value!r}.{hint}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{owner}.{field.name}: expected a finite number, got {value!r}.")
    low, high = limits["low"], limits["high"]
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        raise InputError(f"{owner}.{field.name}: expected a value {bounds}, got {value!r}.")
