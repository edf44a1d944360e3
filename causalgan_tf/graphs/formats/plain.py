"""Graphs in short forms: the project's text, JSON, GML, the .cg files of neural causal models, a Python list."""

import ast
import collections
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import networkx as nx

from causalgan_tf.errors import InputError, brief, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.formats import arrows
from causalgan_tf.graphs.formats.draft import Draft, error, renamed
from causalgan_tf.graphs.graph import CausalGraph

_CG_EDGE = re.compile(rf"({names.QUOTED}|[^\s\"<>-]+)\s*(<?[-o]+>?)\s*({names.QUOTED}|[^\s\"<>-]+)")
_YED = "{http://www.yworks.com/xml/graphml}"
_JSON_FORMS = (
    '{"A": [], "B": ["A"]}, {"causal_graph": {...}, "variables": {"A": "continuous"}} or the node-link data of networkx'
)


def read_statements(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads the project's text form, see `CausalGraph.from_text`."""
    try:
        return CausalGraph.from_text(text)
    except InputError as problem:
        raise renamed(path, problem) from problem


def write_statements(graph: CausalGraph) -> str:
    """The project's text form, a statement a line."""
    return "".join(f"{statement}\n" for statement in graph.statements())


def read_json(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads {node: [parents]}, alone or as "causal_graph" beside "variables", or networkx' node-link data."""
    draft = Draft(path)

    # JSON's reader keeps the last of two equal names and says nothing: parents would be lost
    def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique = dict(pairs)
        if len(unique) < len(pairs):
            counts = collections.Counter(name for name, _ in pairs)
            raise error(path, f"{shown(counts.most_common(1)[0][0])} is there twice.")
        return unique

    try:
        data = json.loads(text, object_pairs_hook=without_repetition)
    except json.JSONDecodeError as problem:
        raise error(path, f"expected JSON, found {problem.msg.lower()}.", problem.lineno) from problem
    except (RecursionError, ValueError) as problem:  # brackets in brackets; a number of too many digits
        if isinstance(problem, InputError):
            raise
        raise error(
            path, f"expected {_JSON_FORMS}, found JSON that cannot be read: {brief(str(problem), 60)}."
        ) from problem
    if not isinstance(data, dict):
        raise error(path, f"expected {_JSON_FORMS}, got {shown(data)}.")
    data = _as_node_links(path, data)
    if isinstance(data.get("nodes"), list) and (data.keys() & {"edges", "links", "directed"} or len(data) == 1):
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


def read_gml(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads GML; for the names of nodes see `Draft`, for arrows `arrows.mark`; "kind" is a node's kind."""
    try:
        # GML is ASCII with XML's marks for other letters; by number, since labels may be alike or absent
        graph = nx.parse_gml(text.encode("ascii", "xmlcharrefreplace").decode(), label="id")
    except Exception as problem:  # its parser was not made for damaged files
        raise error(path, f"expected a graph in GML: {shown(str(problem), 120)}.") from problem
    return _from_networkx(path, graph)


def read_graphml(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads GraphML, as networkx, igraph and yEd write it; for names see `Draft`, for arrows `arrows.mark`."""
    # entities can swell a small file to gigabytes, and can name files of this machine
    if "<!" in text.replace("<!--", ""):
        raise error(path, "expected GraphML without <!DOCTYPE and <!ENTITY. Remove them.")
    try:
        root = ElementTree.fromstring(text)
        edges = _with_arrows(root)
        graph = nx.parse_graphml(ElementTree.tostring(root))
    except Exception as problem:  # its parser was not made for damaged files
        raise error(path, f"expected a graph in GraphML: {shown(str(problem), 120)}.") from problem
    if len(graph.edges) < edges:
        raise error(
            path, f"{edges - graph.number_of_edges()} of {edges} edges are in another graph or group. Save one."
        )
    return _from_networkx(path, graph)


def _with_arrows(root: ElementTree.Element) -> int:
    """Adds yEd's arrows to the edges of a GraphML document as data that networkx reads; the number of its edges."""
    space = root.tag.removesuffix("graphml")
    edges = list(root.iter(f"{space}edge"))
    for end in ("source", "target"):
        key = f"{end}Arrow"
        named = {"id": key, "for": "edge", "attr.name": key, "attr.type": "string"}
        ElementTree.SubElement(root, f"{space}key", named)
        for edge in edges:
            if (ends := edge.find(f".//{_YED}Arrows")) is not None:
                ElementTree.SubElement(edge, f"{space}data", {"key": key}).text = ends.get(end, "none")
    return len(edges)


def _from_networkx(path: pathlib.Path | None, graph: nx.Graph) -> CausalGraph:
    draft = Draft(path)
    # all nodes first: their order in the file is the order of the labels
    keys = {key: draft.node(key) for key in graph}
    for key, node in graph.nodes(data=True):
        draft.look(keys[key], node)
        if "kind" in node:
            draft.kind(keys[key], node["kind"])
    # where a program has drawn arrows at some edges, an edge without one is a line and has no direction
    some = any(arrows.drawn(look) for *_, look in graph.edges(data=True))
    for left, right, look in graph.edges(data=True):
        directed = graph.is_directed() and (not some or arrows.drawn(look))
        draft.edge(keys[left], "->" if directed else "--", keys[right], attributes=look)
    return draft.graph()


def write_gml(graph: CausalGraph) -> str:
    """GML, declared kinds as the attribute "kind" of their nodes."""
    drawn = graph.to_networkx()
    for node, variable in graph.declared.items():
        drawn.nodes[node]["kind"] = variable.text()
    return "".join(f"{line}\n" for line in nx.generate_gml(drawn))


def read_cg(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads a .cg file: <NODES>, a name a line, <EDGES>, an edge "A -> B" a line; # starts a comment."""
    draft, section = Draft(path), None
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if line in ("<NODES>", "<EDGES>"):
            section = line
        elif not line or line.startswith("#"):
            continue
        elif section == "<NODES>":
            _cg_names(draft, line, number)
        else:
            parts = _CG_EDGE.fullmatch(line)
            if section is None or not parts:
                expected = "<NODES>" if section is None else "an edge such as 'A -> B'"
                raise error(path, f"expected {expected}, found {shown(line)}.", number)
            left, right = (names.unquoted(part) if part[0] == '"' else part for part in parts.group(1, 3))
            for node in (node for node in (left, right) if node not in draft.parents):
                raise error(path, f"the node {shown(node)} is not among <NODES>.", number)
            draft.edge(left, parts[2], right, number)
    return draft.graph()


def _cg_names(draft: Draft, line: str, number: int) -> None:
    try:
        draft.node(names.unquoted(line) if line[0] == line[-1] == '"' else names.checked(line, plain=True), number)
    except InputError as problem:
        raise problem if problem.args[0].startswith("graph file") else renamed(draft.path, problem, number) from problem


def write_cg(graph: CausalGraph) -> str:
    """A .cg file."""
    nodes = map(names.written, graph.nodes)
    edges = [f"{names.written(cause)} -> {names.written(effect)}" for cause, effect in graph.edges]
    return "".join(f"{line}\n" for line in ["<NODES>", *nodes, "", "<EDGES>", *edges])


def read_list(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads the 2017 program's form, [["A", []], ["B", ["A"]]], as a Python literal."""
    expected = 'expected a list such as [["A", []], ["B", ["A"]]]'
    try:
        # literals alone: the 2017 program evaluated the file, which may run anything
        pairs = ast.literal_eval(text.strip())
    except SyntaxError as problem:
        raise error(path, f"{expected}, found {shown(problem.msg)}.", problem.lineno) from problem
    except (ValueError, TypeError, MemoryError, RecursionError) as problem:
        raise error(path, f"{expected} and no other Python.") from problem
    draft, listed = Draft(path), set()
    for pair in pairs if isinstance(pairs, list | tuple) else [pairs]:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[1], list | tuple):
            raise error(path, f"{expected}, got {shown(pair)}.")
        node = draft.node(pair[0])
        if node in listed:
            raise error(path, f"the node {node!r} is listed twice.")
        listed.add(node)
        for parent in pair[1]:
            draft.edge(parent, "->", node)
    return draft.graph()


def write_list(graph: CausalGraph) -> str:
    """The 2017 program's form, a node a line."""
    return "[" + ",\n ".join(json.dumps(pair, ensure_ascii=False) for pair in graph.to_list()) + "]\n"


def _read_parents(draft: Draft, parents: Mapping[str, Any]) -> None:
    for node in parents:
        draft.node(node)
    for node, causes in parents.items():
        if not isinstance(causes, list):
            raise error(
                draft.path, f"parents of {node!r}: expected a list of names, got {shown(causes)}. Known: {_JSON_FORMS}."
            )
        for cause in causes:
            draft.edge(cause, "->", node)


def _read_kinds(draft: Draft, kinds: Any) -> None:
    if not isinstance(kinds, dict):
        raise error(draft.path, f'"variables": expected an object of node and kind, got {shown(kinds)}.')
    for node, kind in kinds.items():
        if node not in draft.parents:
            raise error(draft.path, f'"variables": there is no node {node!r}.')
        draft.kind(node, kind)


def _as_node_links(path: pathlib.Path | None, data: dict[str, Any]) -> dict[str, Any]:
    """The adjacency and the Cytoscape data of networkx as its node-link data; any other data as they are.

    Raises:
        InputError: data that seem to be of these forms and are not.
    """
    try:
        if isinstance(data.get("adjacency"), list) and isinstance(data.get("nodes"), list):
            pairs = zip(data["nodes"], data["adjacency"], strict=True)
            edges = [edge | {"source": node["id"], "target": edge["id"]} for node, ends in pairs for edge in ends]
            return {"directed": data.get("directed", True), "nodes": data["nodes"], "edges": edges}
        if isinstance(data.get("elements"), dict):
            nodes, edges = ([item["data"] for item in data["elements"][part]] for part in ("nodes", "edges"))
            return {"directed": data.get("directed", True), "nodes": nodes, "edges": edges}
    except (KeyError, TypeError, ValueError) as problem:
        raise error(
            path, f"expected adjacency or Cytoscape data as networkx writes them, found {shown(problem.args[0])}."
        ) from problem
    return data


def _read_node_links(draft: Draft, data: Mapping[str, Any]) -> None:
    directed = data.get("directed", True)
    if not isinstance(directed, bool):
        raise error(draft.path, f'node-link data: "directed": expected true or false, got {shown(directed)}.')
    if data.get("edges") and data.get("links"):
        raise error(draft.path, 'node-link data: both "edges" and "links" are there. Remove one.')
    try:
        entries = [{"id": node} if isinstance(node, str) else node for node in data["nodes"]]
        nodes = [draft.node(node["id"]) for node in entries]
        if len(set(nodes)) < len(nodes):
            raise error(draft.path, f"{shown(collections.Counter(nodes).most_common(1)[0][0])} is there twice.")
        for node, entry in zip(nodes, entries, strict=True):
            draft.look(node, entry)
            if "kind" in entry:
                draft.kind(node, entry["kind"])
        edges = data.get("edges") or data["links" if "links" in data else "edges"]
        edges = [
            dict(zip(("source", "target"), edge, strict=True)) if isinstance(edge, list) else edge for edge in edges
        ]
        ends = [(edge["source"], edge["target"]) for edge in edges]
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise error(
            draft.path,
            'node-link data: expected nodes with "id" and edges with "source" and "target", found '
            f"{shown(problem.args[0])}.",
        ) from problem
    for edge, (left, right) in zip(edges, _named_ends(draft, nodes, ends), strict=True):
        draft.edge(left, "->" if directed else "--", right, attributes=edge)


def _named_ends(draft: Draft, nodes: list[str], ends: list[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """The ends of edges as names; networkx 1 wrote places of nodes: integers that are the name of no node."""
    flat = [end for pair in ends for end in pair]
    known = set(nodes)
    # only if no end is a node's own name: a number may be both
    places = flat and all(type(end) is int and 0 <= end < len(nodes) and str(end) not in known for end in flat)
    for end in flat:
        if not places and (not isinstance(end, str | int) or isinstance(end, bool) or str(end) not in known):
            raise error(draft.path, f"node-link data: an edge to {shown(end)}, which is not among the nodes.")
    return [(nodes[a], nodes[b]) if places else (str(a), str(b)) for a, b in ends]


def _json_object(entries: Mapping[str, Any], indent: str) -> str:
    lines = ",\n".join(
        f"{indent}  {json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in entries.items()
    )
    return f"{{\n{lines}\n{indent}}}\n"
