"""The --help of the programs: one screen, the flags that matter in groups; absl's --helpfull lists all of them."""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from absl import flags

WIDTH = 110  # columns
Groups = Mapping[str, Sequence[str]]


class ShortHelp(flags.BooleanFlag):
    """absl's flag --help, with a text of our own.

    >>> import contextlib
    >>> values = flags.FlagValues()
    >>> _ = flags.DEFINE_integer("n", 5, "rows to draw.", flag_values=values)
    >>> _ = flags.DEFINE_flag(ShortHelp(values, "Draws rows.", {"How much": ["n"]}), flag_values=values)
    >>> with contextlib.suppress(SystemExit):
    ...     values(["draw", "--help"])
    Draws rows.
    <BLANKLINE>
    How much:
      --n: rows to draw. (default 5)
    <BLANKLINE>
    --flagfile=FILE reads flags from a file. --helpfull lists every flag.
    """

    def __init__(self, values: flags.FlagValues, head: str, groups: Groups) -> None:
        """Takes what `text` takes."""
        super().__init__("help", False, "show the flags that matter", short_name="?", allow_override=True)
        self._written = values, head, groups

    def parse(self, argument: str | bool | None) -> None:
        """Prints the help and exits, if the flag is given and true."""
        super().parse(argument)
        if self.value:
            print(text(*self._written))
            sys.exit(0)


def text(values: flags.FlagValues, head: str, groups: Groups) -> str:
    """The help of a program.

    Args:
        values: the declared flags.
        head: what the program does.
        groups: title to names of flags. A flag that the program itself declares, not a configuration, and that no
            group names is listed below them.
    """
    named = [name for names in groups.values() for name in names]
    own = [flag.name for flag in values.get_flags_for_module(sys.argv[0])]
    shown = {**groups, "Other" if groups else "Flags": [name for name in own if name not in named]}
    lines = [head.strip()]
    for title, names in shown.items():
        if names:
            lines += ["", f"{title}:", *(line for name in names for line in _lines(values[name]))]
    return "\n".join([*lines, "", "--flagfile=FILE reads flags from a file. --helpfull lists every flag."])


def _lines(flag: flags.Flag) -> Iterator[str]:
    """A flag with its help and its default, wrapped."""
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    default = "" if flag.default in (None, "", False, True) else f" (default {flag.default})"
    words = f"{name}: {flag.help}{default}"  # absl puts the legal strings in front of the help
    yield from textwrap.wrap(words, WIDTH, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)
