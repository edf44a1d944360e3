"""What a field of a configuration says of itself: its default, its help text, its legal values."""

import dataclasses
import math
from typing import Any

from causalgan_tf.errors import InputError, closest

MOST_STEPS = 100_000_000  # of a training: weeks of the fastest GPU


def option(
    default: Any,
    text: str,
    *,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    compared: bool = True,
    may_grow: bool = False,
    model: str = "",
) -> Any:
    """A dataclass field with its help text and its legal values.

    Args:
        default: the value when nothing is said; its type is the field's type.
        text: one line of help, with the unit and the reason.
        choices: the legal strings, if the field is a choice.
        low: smallest legal number, inclusive.
        high: largest legal number, inclusive.
        compared: whether a run folder of another value is another run.
        may_grow: whether a larger value continues a run instead of starting another.
        model: the one image model that reads the field; empty: every one.
    """
    metadata = {
        "text": text,
        "choices": choices,
        "low": low,
        "high": high,
        "compared": compared,
        "may_grow": may_grow,
        "model": model,
    }
    return dataclasses.field(default=default, metadata=metadata)


class Validated:
    """Checks every field against the limits that its `option` states; whole numbers become floats where due."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _check(type(self).__name__, field, value)
            if type(field.default) is float:
                # a whole number may be given; TensorFlow tells it from a float
                object.__setattr__(self, field.name, float(value))


def _check(owner: str, field: dataclasses.Field, value: Any) -> None:
    limits, expected = field.metadata, type(field.default)
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


def reader_of(field: dataclasses.Field, reader_of_all: str = "") -> str:
    """The one image model that reads a field; empty: every one."""
    return field.metadata["model"] or reader_of_all


def check_read(part: str, config: Any, model: str, reader_of_all: str = "") -> None:
    """InputError for a field that another image model than `model` reads, unless it has its default."""
    for field in dataclasses.fields(config):
        reader, value = reader_of(field, reader_of_all), getattr(config, field.name)
        if reader not in ("", model) and value != field.default:
            raise InputError(
                f"--{part}_{field.name}={value} is read by --image_model={reader} alone, and this is {model}: there it "
                "would do nothing. Leave it out, or train the other model."
            )


def read_by(part: type, values: dict[str, Any], model: str, reader_of_all: str = "") -> dict[str, Any]:
    """Those of a configuration's values that an image model reads."""
    readers = {field.name: reader_of(field, reader_of_all) for field in dataclasses.fields(part)}
    return {name: value for name, value in values.items() if readers[name] in ("", model)}
