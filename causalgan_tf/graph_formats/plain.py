"""Graphs in short forms: the project's text, JSON, GML, the .cg files of neural causal models, a Python list."""

import ast
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import networkx as nx

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.graph_formats.draft import Draft, error, renamed

_JSON_FORMS = (
    '{"A": [], "B": ["A"]}, {"causal_graph": {...}, "variables": {"A": "continuous"}} or the node-link data of networkx'
)


def read_statements(path: pathlib.Path, text: str) -> CausalGraph:
    """Reads the project's text form, see `CausalGraph.from_text`."""
    try:
        return CausalGraph.from_text(text)
    except InputError as problem:
        raise renamed(path, problem) from problem


def write_statements(graph: CausalGraph) -> str:
    """The project's text form, a statement a line."""
    return graph.to_text().replace("; ", "\n") + "\n"


def read_json(path: pathlib.Path, text: str) -> CausalGraph:
    """Reads {node: [parents]}, alone or as "causal_graph" beside "variables", or networkx' node-link data."""
    draft = Draft(path)

    def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in (name for place, name in enumerate(names) if name in names[:place]):
            raise error(path, f"{name!r} is there twice.")
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=without_repetition)
    except json.JSONDecodeError as problem:
        raise error(path, f"expected JSON, found {problem.msg.lower()}.", problem.lineno) from problem
    if not isinstance(data, dict):
        raise error(path, f"expected {_JSON_FORMS}, got {_shortened(data)}.")
    if isinstance(data.get("nodes"), list) and any(isinstance(node, dict) for node in data["nodes"]):
        _read_node_links(draft, data)
    elif isinstance(data.get("causal_graph"), dict):
        _read_parents(draft, data["causal_graph"])
        _read_kinds(draft, data.get("variables", {}))
    else:
        _read_parents(draft, data)
    return draft.graph()


def write_json(graph: CausalGraph) -> str:
    """{node: [parents]}; with declared kinds, that as "causal_graph" beside "variables"."""
    if not graph.declared:
        return _json_object(graph.parents, "")
    kinds = {node: variable.text() for node, variable in graph.declared.items()}
    parts = {"causal_graph": graph.parents, "variables": kinds}
    inner = ",\n".join(f"  {json.dumps(name)}: {_json_object(part, '  ').rstrip()}" for name, part in parts.items())
    return f"{{\n{inner}\n}}\n"


def read_gml(path: pathlib.Path, text: str) -> CausalGraph:
    """Reads GML; a node is called by its label, else its name, else its id, and "kind" is its kind."""
    draft = Draft(path)
    try:
        graph = nx.parse_gml(text, label="id")
    except (nx.NetworkXException, ValueError, TypeError, LookupError) as problem:
        raise error(path, f"expected a graph in GML: {problem}.") from problem
    names = {key: node.get("label", node.get("name", key)) for key, node in graph.nodes(data=True)}
    for key, name in names.items():
        if name in draft.parents:
            raise error(path, f"two nodes are called {name!r}.")
        draft.node(name)
        if "kind" in graph.nodes[key]:
            draft.kind(name, graph.nodes[key]["kind"])
    for left, right, *_ in graph.edges:
        draft.edge(names[left], "->" if graph.is_directed() else "--", names[right])
    return draft.graph()


def write_gml(graph: CausalGraph) -> str:
    """GML, declared kinds as the attribute "kind" of their nodes."""
    drawn = graph.to_networkx()
    for node, variable in graph.declared.items():
        drawn.nodes[node]["kind"] = variable.text()
    return "".join(f"{line}\n" for line in nx.generate_gml(drawn))


def read_cg(path: pathlib.Path, text: str) -> CausalGraph:
    """Reads a .cg file: <NODES>, a name a line, <EDGES>, an edge "A -> B" a line."""
    draft, section = Draft(path), None
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if line in ("<NODES>", "<EDGES>"):
            section = line
        elif line and section == "<NODES>":
            draft.node(line, number)
        elif line:
            parts = line.split()
            if section is None or len(parts) != 3:
                expected = "<NODES>" if section is None else "an edge such as 'A -> B'"
                raise error(path, f"expected {expected}, found {line!r}.", number)
            for node in (node for node in parts[::2] if node not in draft.parents):
                raise error(path, f"the node {node!r} is not among <NODES>.", number)
            draft.edge(*parts, number)
    return draft.graph()


def write_cg(graph: CausalGraph) -> str:
    """A .cg file."""
    edges = [f"{cause} -> {effect}" for cause, effect in graph.edges]
    return "".join(f"{line}\n" for line in ["<NODES>", *graph.nodes, "", "<EDGES>", *edges])


def read_list(path: pathlib.Path, text: str) -> CausalGraph:
    """Reads the 2017 program's form, [["A", []], ["B", ["A"]]], as a Python literal."""
    expected = 'expected a list such as [["A", []], ["B", ["A"]]]'
    try:
        pairs = ast.literal_eval(text.strip())
    except SyntaxError as problem:
        raise error(path, f"{expected}, found {problem.msg}.", problem.lineno) from problem
    except (ValueError, TypeError, MemoryError, RecursionError) as problem:
        raise error(path, f"{expected} and no other Python.") from problem
    draft, listed = Draft(path), set()
    for pair in pairs if isinstance(pairs, list | tuple) else [pairs]:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[1], list | tuple):
            raise error(path, f"{expected}, got {_shortened(pair)}.")
        node = draft.node(pair[0])
        if node in listed:
            raise error(path, f"the node {node!r} is listed twice.")
        listed.add(node)
        for parent in pair[1]:
            draft.edge(parent, "->", node)
    return draft.graph()


def write_list(graph: CausalGraph) -> str:
    """The 2017 program's form, a node a line."""
    return "[" + ",\n ".join(json.dumps(pair) for pair in graph.to_list()) + "]\n"


def _read_parents(draft: Draft, parents: Mapping[str, Any]) -> None:
    for node in parents:
        draft.node(node)
    for node, causes in parents.items():
        if not isinstance(causes, list):
            raise error(draft.path, f"parents of {node!r}: expected a list of names, got {_shortened(causes)}.")
        for cause in causes:
            draft.edge(cause, "->", node)


def _read_kinds(draft: Draft, kinds: Any) -> None:
    if not isinstance(kinds, dict):
        raise error(draft.path, f'"variables": expected an object of node and kind, got {_shortened(kinds)}.')
    for node, kind in kinds.items():
        if node not in draft.parents:
            raise error(draft.path, f'"variables": there is no node {node!r}.')
        draft.kind(node, kind)


def _read_node_links(draft: Draft, data: Mapping[str, Any]) -> None:
    mark = "->" if data.get("directed", True) else "--"
    try:
        for node in data["nodes"]:
            draft.node(node["id"])
            if "kind" in node:
                draft.kind(node["id"], node["kind"])
        for edge in data["edges" if "edges" in data else "links"]:
            draft.edge(edge["source"], mark, edge["target"])
    except (KeyError, TypeError) as problem:
        raise error(
            draft.path, f'node-link data: expected nodes with "id" and edges with "source" and "target", {problem}.'
        ) from problem


def _json_object(entries: Mapping[str, Any], indent: str) -> str:
    lines = ",\n".join(f"{indent}  {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
    return f"{{\n{lines}\n{indent}}}\n"


def _shortened(value: Any, length: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."
