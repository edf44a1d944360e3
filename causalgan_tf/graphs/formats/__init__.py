"""Causal graphs in files; the ending of a file's name tells its form, or the first words of its text.

- .txt, or no ending: the project's text form
- .dot, .gv: Graphviz
- .dagitty: DAGitty
- .gml: GML, as networkx writes it
- .json: {node: [parents]}; also the node-link data of networkx
- .cg: neural causal models, <NODES> and <EDGES>
- .list: the 2017 program's list, [["A", []], ["B", ["A"]]]
- .graphml: GraphML; read only
- .csv, .tsv, .edgelist: a cause and an effect a line, below the header "from,to" or "source,target"; read only
- .bif, .bif.gz: Bayesian networks with their tables, as in the bnlearn repository; read only
"""

import pathlib
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from causalgan_tf.errors import InputError, shown
from causalgan_tf.graphs.formats import bif, dot, plain, table
from causalgan_tf.graphs.formats.draft import error, load
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary

__all__ = ["ENDINGS", "ending", "read_graph", "read_network", "read_text", "recognised", "write_graph"]


class _Form(NamedTuple):
    """How a form of files is read and written, and whether declared kinds have a place in it."""

    read: Callable[[pathlib.Path | None, str], CausalGraph]
    write: Callable[[CausalGraph], str] | None
    keeps_kinds: bool = True


_TEXT = _Form(plain.read_statements, plain.write_statements)
_DOT = _Form(dot.read, dot.write_dot)
_BIF = _Form(bif.read, None)
_GRAPHML, _EDGES = _Form(plain.read_graphml, None), _Form(table.read, None)
_FORMS: dict[str, _Form] = {
    ".txt": _TEXT,
    "": _TEXT,
    ".dot": _DOT,
    ".gv": _DOT,
    ".dagitty": _Form(dot.read, dot.write_dagitty, keeps_kinds=False),
    ".gml": _Form(plain.read_gml, plain.write_gml),
    ".json": _Form(plain.read_json, plain.write_json),
    ".cg": _Form(plain.read_cg, plain.write_cg, keeps_kinds=False),
    ".list": _Form(plain.read_list, plain.write_list, keeps_kinds=False),
    ".graphml": _GRAPHML,
    ".csv": _EDGES,
    ".tsv": _EDGES,
    ".edgelist": _EDGES,
    ".bif": _BIF,
    ".bif.gz": _BIF,
}
ENDINGS = tuple(filter(None, _FORMS))
_BLANKS = re.compile(r"(?:\s+|//[^\n]*|/\*(?:.*?\*/|.*)|\#[^\n]*)*", re.DOTALL)  # and comments
_BEGINNINGS = {  # of texts, behind blanks and comments
    r'(?i:(strict\s+)?(di)?graph|p?dag|[pm]ag)(\s+("[^"]*"|[\w.-]+))?\s*\{': ".dot",
    r'(Creator|Version)\s+["\d]|(?i:graph)\s*\[': ".gml",
    r"(network|variable|probability)\b[^{};>]*\{": ".bif",
    r"\{": ".json",
    r"<(NODES|EDGES)>": ".cg",
    r'(?i:"?(from"?\s*[,;\t]\s*"?to|source"?\s*[,;\t]\s*"?target|cause"?\s*[,;\t]\s*"?effect)"?)[^\S\n]*\n': ".csv",
    r"<(\?xml|!DOCTYPE|\w+[ >])": ".xml",
}

_R_CALL = re.compile(  # of DAGitty's and ggdag's packages for R
    r"(?:\s*library\([\w.\"' ]*\)\s*;?)*\s*(?:[\w.]+\s*(?:<-|=)\s*)?(?:\w+::)?(?P<name>dagitty|dagify|graphLayout)\s*\("
)
_FIRST_DAGITTY = re.compile(r"\s*\S+[ \t]+[1AEOU](?:[ \t]+@[ \t]*-?[\d.]+,[ \t]*-?[\d.]+)[ \t]*\n")


def _unwrapped(path: pathlib.Path | None, text: str) -> str:
    """The text in a call of R, g <- dagitty("dag { ... }"); InputError for what else R and DAGitty write."""
    call = _R_CALL.match(text[:1000])
    if call and call["name"] == "dagitty":
        inner = re.match(r"\s*(['\"])(.*)\1\s*\)", text[call.end() :], re.DOTALL)
        if inner and recognised(inner[2]) == ".dot":
            return inner[2]
    if call or _FIRST_DAGITTY.match(text[:1000]):
        what = f"R's {call['name']}(...)" if call else "DAGitty's first format"
        raise error(
            path,
            f"expected dag {{ A -> B }}, found {what}. Print the graph in R, or copy the text that dagitty.net shows.",
        )
    return text


def ending(path: str | pathlib.Path) -> str:
    """The ending of a file's name that tells its form, in small letters; "" if there is none."""
    suffixes = [suffix.lower() for suffix in pathlib.Path(path).suffixes[-2:]]
    return "".join(suffixes if suffixes[-1:] == [".gz"] else suffixes[-1:])


def recognised(text: str) -> str | None:
    """The ending of the form in which a text is, if its first words tell: ".dot" for "digraph {"; else None.

    >>> recognised("dag { A -> B }")
    '.dot'
    """
    # the beginning is enough, and a hostile file cannot make the patterns run over all of it
    if _R_CALL.match(text[:1000]) or _FIRST_DAGITTY.match(text[:1000]):
        return ".dagitty"
    start = text[_BLANKS.match(text).end() :][:1000]
    return next((name for pattern, name in _BEGINNINGS.items() if re.match(pattern, start)), None)


def read_text(text: str, path: pathlib.Path | None = None) -> CausalGraph:
    """Reads a causal graph from a text whose first words tell its form.

    Args:
        text: it, such as "digraph { A -> B }".
        path: the file that it is from, for errors.

    Raises:
        InputError: no text of a known form, or a graph that is not causal.
    """
    text = _unwrapped(path, text)
    form = recognised(text)
    if form == ".xml" and "<graphml" in text:
        form = ".graphml"
    if form not in _FORMS:
        found = "XML that is no GraphML, such as XMLBIF or GeNIe's" if form else shown(text.strip())
        raise error(path, f"expected a graph as in {', '.join(ENDINGS)} files, found {found}. Convert it.")
    return _FORMS[form].read(path, text)


def read_graph(path: str | pathlib.Path) -> CausalGraph:
    """Reads the causal graph of a file.

    Args:
        path: the file; its first words tell its form, such as "digraph {", or else its ending.

    Raises:
        InputError: no such file, an ending that is not known, a file that is not of its form, or a graph that is not
            causal: undirected or bidirected edges, a cycle.

    Examples:
        >>> _ = pathlib.Path("graph.dot").write_text("digraph { Old -> Ill }")
        >>> read_graph("graph.dot").edges
        (('Old', 'Ill'),)
    """
    path = pathlib.Path(path)
    try:
        text = load(path)
    except InputError:
        _form(path, ending(path))  # an unknown ending is reported first
        raise
    return read_text(text, path) if recognised(text) else _form(path, ending(path)).read(path, text)


def write_graph(graph: CausalGraph, path: str | pathlib.Path) -> None:
    """Writes a causal graph in the form that the ending tells; `read_graph` reads it back.

    Raises:
        InputError: an ending that is not known, or a form that cannot hold the declared types of labels.

    Examples:
        >>> write_graph(CausalGraph({"Ill": ["Old"]}), "graph.json")
        >>> read_graph("graph.json").edges
        (('Old', 'Ill'),)
    """
    path = pathlib.Path(path)
    path.write_text(graph_text(graph, path), encoding="utf-8")


def graph_text(graph: CausalGraph, path: str | pathlib.Path) -> str:
    """What `write_graph` writes into `path`; InputError as there."""
    path = pathlib.Path(path)
    form = _form(path, ending(path))
    writable = [name for name in ENDINGS if _FORMS[name].write]
    if form.write is None:
        why = (
            "a .bif file holds probabilities, which a graph has not" if form is _BIF else f"{ending(path)} is only read"
        )
        raise error(path, f"{why}. Write {', '.join(writable)}.")
    kinds = {node: variable for node, variable in graph.declared.items() if not isinstance(variable, Binary)}
    if kinds and not form.keeps_kinds:
        raise error(
            path,
            f"{ending(path)} has no place for kinds of labels: "
            f"{'; '.join(f'{node}: {variable.text()}' for node, variable in kinds.items())}. Write "
            f"{', '.join(name for name in writable if _FORMS[name].keeps_kinds)}.",
        )
    return form.write(graph)


def read_network(path: str | pathlib.Path) -> tuple[CausalGraph, dict[str, np.ndarray]]:
    """Reads a Bayesian network, .bif or .bif.gz.

    Args:
        path: the file.

    Returns:
        The graph, whose nodes are categorical, and the conditional probabilities of each node, float64 [sizes of its
        parents in the order of graph.parents[node]..., its own size]. Rows sum to 1: published ones, which are
        rounded, are made to.

    Raises:
        InputError: another ending, a file that is not of this form, missing rows or numbers that are no probabilities.
    """
    path = pathlib.Path(path)
    if _FORMS.get(ending(path)) is not _BIF:
        raise error(path, "expected a Bayesian network, .bif or .bif.gz: other forms hold no probabilities.")
    return bif.read_tables(path, load(path))


def _form(path: pathlib.Path, name: str) -> _Form:
    if name not in _FORMS:
        raise error(path, f"{shown(name)} is no known ending. Expected {', '.join(ENDINGS)}, or none: the text form.")
    return _FORMS[name]
