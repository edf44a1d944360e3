"""Names of nodes: which are legal, how they are written, and what stands for them in names of files and layers."""

import re
import zlib
from collections.abc import Iterable

from causalgan_tf.errors import InputError, brief, shown

LONGEST = 200  # letters of a name
QUOTED = r'"(?:[^"\\\n]|\\.)*"'  # a name in quotation marks, as a pattern
MARKS = "'\"‘’“”`"  # that people put round names
_PLAIN = re.compile(r"\w+")
_SAFE = re.compile(r"[A-Za-z0-9_]{1,100}")


def checked(name: object, plain: bool = False) -> str:
    """A name that is legal; any printed text without blanks at its ends is.

    Args:
        name: what is given as a name.
        plain: whether it stands without quotation marks, where it must be a plain word.

    Raises:
        InputError: it is not legal.

    >>> checked("Patient Age")
    'Patient Age'
    """
    legal = isinstance(name, str) and 0 < len(name) <= LONGEST and name.isprintable() and name == name.strip()
    if not legal or name[0] == "*":  # as the names of noise that is no node's begin
        raise InputError(
            f"graph: node name {shown(name)}: expected printed text of 1 to {LONGEST} letters, without "
            "blanks at its ends and without an asterisk before it."
        )
    if plain and not _PLAIN.fullmatch(name):
        raise InputError(
            f"graph: node name {shown(name)}: expected letters, digits and underscores, or quotation marks "
            f"round the name: {brief(quoted(name.strip(MARKS)), 60)}. An edge is written A -> B."
        )
    return name


def quoted(name: str) -> str:
    r"""A name in quotation marks, its own marks and backslashes behind backslashes.

    >>> print(quoted('5" nail'))
    "5\" nail"
    """
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    """The name that `quoted` wrote."""
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])


def written(name: str) -> str:
    """A name as graph texts and assignments hold it: in quotation marks unless it is a plain word.

    >>> print(written("Age"), written("Patient Age"))
    Age "Patient Age"
    """
    return name if _PLAIN.fullmatch(name) else quoted(name)


def safe(name: str) -> str:
    """A substitute for a name in file names, layer names and tags: letters, digits and underscores only.

    A plain ASCII name stands for itself. Of another the letters that are not are replaced, and a sum of its letters is
    added, so that different names stay different.

    >>> safe("Age"), safe("a/b").startswith("a_b_")
    ('Age', True)
    """
    if _SAFE.fullmatch(name):
        return name
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', name)[:60].strip('_')}_{zlib.crc32(name.encode()):08x}"


def listed(names: Iterable[str], limit: int = 120) -> str:
    """Names with commas between, cut to a length."""
    return brief(", ".join(names), limit)
