"""The causal graph that a user names: by name, by file or by text."""

import logging
import pathlib

from causalgan_tf.errors import InputError, closest, shown
from causalgan_tf.graphs import formats, named, names
from causalgan_tf.graphs.graph import CausalGraph


def load_graph(spec: str) -> CausalGraph:
    """The causal graph that a user names; a graph without edges is logged as a warning.

    Args:
        spec: a name (causal_graph_1, ...; see graphs.named), the path of a file (see graphs.formats), or the text of
            such a file itself.

    Raises:
        InputError: nothing of the kind, or a graph that is not valid.

    Examples:
        >>> load_graph("Old -> Smokes -> Ill").nodes
        ('Old', 'Smokes', 'Ill')
        >>> len(load_graph("causal_graph_1"))
        9
    """
    graph = _named_or_read(spec)
    if len(graph) > 1 and not graph.edges:
        logging.getLogger(__name__).warning(
            "graph: no edges between %s: every label is independent of the others, and do() changes no other. "
            "Edges are written 'A -> B'.",
            names.listed(graph.nodes),
        )
    return graph


def _named_or_read(spec: str) -> CausalGraph:
    if not isinstance(spec, str):
        raise InputError(f'graph: expected a text such as "Young -> Bald" or the name of a file, got {shown(spec)}.')
    name = named.ALIASES.get(spec, spec)
    if name in named.NAMED:
        return named.NAMED[name]
    if "->" not in spec and "\n" not in spec and (path := _file(spec)):
        return formats.read_graph(path)
    if formats.recognised(spec):
        return formats.read_text(spec)
    if any(mark in spec for mark in ("->", ";", ",", ":", "\n", "<", "--")):
        return CausalGraph.from_text(spec)
    known = [*named.NAMED, *named.ALIASES]
    raise InputError(
        f'graph: {shown(spec)} is no known name, no file, and no text such as "Young -> Bald; Male -> Bald".'
        f"{closest(spec, known)} Names: {names.listed(named.NAMED, 100)}."
    )


def _file(spec: str) -> pathlib.Path | None:
    """The file that a text names, ~ being the user's folder; None: there is none."""
    try:
        path = pathlib.Path(spec).expanduser()
        return path if path.is_file() else None
    # a text longer than a file name may be, with a character that none has, or ~ and nobody's name
    except (OSError, RuntimeError, ValueError):
        return None
