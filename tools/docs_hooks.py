"""What mkdocs does beside its configuration: places of lazily imported names, and tables of the programs' flags."""

import importlib
import re

from absl import flags

import causalgan_tf
from causalgan_tf.cli import common

NAME = re.compile(r"^::: causalgan_tf\.(\w+)$", re.MULTILINE)
FLAGS = re.compile(r"^<!-- flags: (\w+) -->$", re.MULTILINE)


def on_startup(**_: object) -> None:
    """Starts TensorFlow without its messages: the package's names need it."""
    common.start_tensorflow()


def on_page_markdown(markdown: str, **_: object) -> str:
    """Points mkdocstrings, which reads source without running it, to where a name is defined; fills in the flags."""
    markdown = NAME.sub(lambda match: f"::: {getattr(causalgan_tf, match[1]).__module__}.{match[1]}", markdown)
    return FLAGS.sub(lambda match: table(match[1]), markdown)


def table(program: str) -> str:
    """The flags of a program as Markdown."""
    declared = flags.FlagValues()
    importlib.import_module(f"causalgan_tf.cli.{program}").declare(declared)
    lines = ["| flag | default | what |", "| --- | --- | --- |"]
    for name in declared:
        choices, _, text = declared[name].help.rpartition(">: ")
        text += f" ({choices.removeprefix('<').replace('|', ', ')})" if choices else ""
        default = declared[name].default
        shown = "" if default in ("", None) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        escaped = text.replace("|", "&#124;").replace("*", "&#42;")
        lines.append(f"| `--{name}` | {shown} | {escaped} |")
    return "\n".join(lines)
