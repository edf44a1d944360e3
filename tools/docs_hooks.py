"""What mkdocs does beside its configuration: finds the modules of the package's names, which are imported lazily."""

import re

import causalgan_tf

NAME = re.compile(r"^::: causalgan_tf\.(\w+)$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Points mkdocstrings, which reads source without running it, to the module in which a public name is defined."""
    return NAME.sub(lambda match: f"::: {getattr(causalgan_tf, match[1]).__module__}.{match[1]}", markdown)
