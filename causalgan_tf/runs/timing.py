"""timing.json: seconds of each phase of a run."""

import logging
import math
import pathlib

from causalgan_tf.errors import InputError
from causalgan_tf.system.files import read_object


def read_timing(workdir: str | pathlib.Path) -> dict[str, float]:
    """Seconds of each phase so far; empty if none was timed, and what is damaged is left out and logged."""
    path = pathlib.Path(workdir) / "timing.json"
    if not path.exists():
        return {}
    try:
        timing = read_object(path)
    except (InputError, OSError) as error:
        logging.getLogger(__name__).warning("%s Times begin anew.", error)
        return {}
    return {phase: float(seconds) for phase, seconds in timing.items() if _is_number(seconds)}


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
