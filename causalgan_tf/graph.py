"""The causal graph over the labels: an immutable value, validated at birth."""

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import networkx as nx

from causalgan_tf.errors import InputError, closest
from causalgan_tf.variables import Binary, Variable, parse_variable

_NAME = re.compile(r"[A-Za-z0-9_]+")


class CausalGraph:
    """A directed acyclic graph over labels; the image is always a sink below all of them.

    Label columns follow the order of `nodes` everywhere.
    """

    def __init__(self, parents: Mapping[str, Iterable[str]], variables: Mapping[str, Variable] | None = None) -> None:
        """Builds the graph from each node's parents; a name that is only a parent is a root.

        Args:
            parents: node to the names of its parents.
            variables: kinds of nodes, see causalgan_tf.variables; what is not declared is binary.

        Raises:
            InputError: no nodes, a bad name, a self-loop, a parent named twice, a cycle, which is printed, or a
                variable of a node that is not there.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from(_checked_name(node) for node in parents)
        for node, causes in parents.items():
            if isinstance(causes, str) or not isinstance(causes, Iterable):
                raise InputError(f"graph: parents of {node!r}: expected a list of names, got {causes!r}.")
            for cause in causes:
                _check_edge(graph, _checked_name(cause), node)
                graph.add_edge(cause, node)
        if not graph:
            raise InputError('The causal graph has no nodes. Expected text such as "Young -> Bald; Male -> Bald".')
        _check_acyclic(graph)
        first = {node: i for i, node in enumerate(graph)}
        self._nodes = tuple(nx.lexicographical_topological_sort(graph, key=first.__getitem__))
        self._columns = {node: k for k, node in enumerate(self.nodes)}
        self._parents = MappingProxyType(
            {node: tuple(sorted(graph.predecessors(node), key=self._columns.__getitem__)) for node in self.nodes}
        )
        declared = dict(variables or {})
        for node in declared:
            self.index(node)
        self._declared = MappingProxyType({node: declared[node] for node in self.nodes if node in declared})
        self._variables = MappingProxyType({node: declared.get(node, Binary()) for node in self.nodes})

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names in ancestral order: every node behind its parents, else in the order of first mention."""
        return self._nodes

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Each node's parents, in the order of `nodes`."""
        return self._parents

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Each node's kind, in the order of `nodes`; Binary where none was declared."""
        return self._variables

    @property
    def declared(self) -> Mapping[str, Variable]:
        """The kinds that were declared, in the order of `nodes`."""
        return self._declared

    @property
    def is_binary(self) -> bool:
        """Whether every label is 0 or 1."""
        return all(isinstance(variable, Binary) for variable in self.variables.values())

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """How many values each node has, in the order of `nodes`; None if a node is continuous."""
        sizes = tuple(variable.size for variable in self.variables.values())
        return None if None in sizes else sizes

    def with_variables(self, variables: Mapping[str, Variable]) -> "CausalGraph":
        """The same graph with the kinds of some nodes, or all, replaced."""
        return CausalGraph(self.parents, {**self.declared, **variables})

    @classmethod
    def from_text(cls, text: str) -> "CausalGraph":
        """From text: statements separated by ";" or line ends; "#" starts a comment.

        A statement is "A, B -> C -> D", "Lonely", or a kind of label such as "Age: continuous",
        "Height: continuous(0, 250)", "Smoke: categorical(never, former, now)" or "Sex: binary".
        """
        parents: dict[str, list[str]] = {}
        variables: dict[str, Variable] = {}
        for line in text.splitlines():
            for statement in filter(str.strip, line.split("#")[0].split(";")):
                if ":" in statement:
                    _read_declaration(statement, parents, variables)
                else:
                    _read_statement(statement, parents)
        return cls(parents, variables)

    @classmethod
    def from_list(cls, pairs: Sequence[Sequence]) -> "CausalGraph":
        """From the 2017 program's form, [[node, [parents]], ...]."""
        parents: dict[str, Iterable[str]] = {}
        for pair in pairs:
            if len(pair) != 2 or isinstance(pair[1], str):
                raise InputError(f"graph list: expected [node, [parents]], got {pair!r}.")
            if _checked_name(pair[0]) in parents:
                raise InputError(f"graph list: node {pair[0]!r} is listed twice.")
            parents[pair[0]] = pair[1]
        return cls(parents)

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph) -> "CausalGraph":
        """From a networkx DiGraph with string nodes; attributes are ignored."""
        if not graph.is_directed():
            raise InputError("networkx graph: expected a DiGraph, got an undirected graph.")
        return cls({node: list(graph.predecessors(node)) for node in graph})

    def to_text(self) -> str:
        """The text form that `from_text` reads."""
        statements = [
            f"{', '.join(self.parents[node])} -> {node}" if self.parents[node] else node for node in self.nodes
        ]
        declared = [f"{node}: {variable.text()}" for node, variable in self.declared.items()]
        return "; ".join(statements + declared)

    def to_dict(self) -> dict[str, tuple[str, ...]]:
        """Each node's parents, nodes in order."""
        return dict(self.parents)

    def to_list(self) -> list[list]:
        """The 2017 program's form, [[node, [parents]], ...]."""
        return [[node, list(parents)] for node, parents in self.parents.items()]

    def to_networkx(self) -> nx.DiGraph:
        """A networkx DiGraph of the same nodes and edges, nodes in order."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from(self.edges)
        return graph

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(parent, child) pairs, children in the order of `nodes`."""
        return tuple((parent, node) for node in self.nodes for parent in self.parents[node])

    @property
    def is_complete(self) -> bool:
        """Whether every two nodes are joined: the graph then excludes no joint law."""
        return len(self.edges) == len(self) * (len(self) - 1) // 2

    def index(self, node: str) -> int:
        """The node's label column; InputError for an unknown name."""
        if node not in self._columns:
            hint = closest(str(node), self.nodes)
            raise InputError(f"The causal graph has no node {node!r}.{hint} Nodes: {', '.join(self.nodes)}.")
        return self._columns[node]

    def children(self, node: str) -> tuple[str, ...]:
        """The nodes that have `node` as a parent."""
        self.index(node)
        return tuple(child for child in self.nodes if node in self.parents[child])

    def ancestors(self, node: str) -> frozenset[str]:
        """Every node from which a directed path leads to `node`; not `node` itself."""
        self.index(node)
        return frozenset(nx.ancestors(self.to_networkx(), node))

    def descendants(self, node: str) -> frozenset[str]:
        """Every node to which a directed path leads from `node`; not `node` itself."""
        self.index(node)
        return frozenset(nx.descendants(self.to_networkx(), node))

    def do(self, *nodes: str) -> "CausalGraph":
        """The mutilated graph: without the edges into `nodes`, the node order kept."""
        for node in nodes:
            self.index(node)
        return CausalGraph({node: () if node in nodes else self.parents[node] for node in self.nodes}, self.declared)

    def __reduce__(self) -> tuple:
        return CausalGraph, (self.to_dict(), dict(self.declared))

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CausalGraph):
            return False
        return self.to_list() == other.to_list() and self.variables == other.variables

    def __hash__(self) -> int:
        return hash((self.nodes, self.edges))

    def __repr__(self) -> str:
        return f"CausalGraph.from_text({self.to_text()!r})"


def load_graph(spec: str) -> CausalGraph:
    """The causal graph that a user names.

    Args:
        spec: a name (causal_graph_1, ...; see named_graphs), the path of a file (see graph_formats; text form where
            the ending is none of its own), or the text itself.

    Raises:
        InputError: nothing of the kind, or a graph that is not valid.
    """
    from causalgan_tf import graph_formats, named_graphs

    named = named_graphs.ALIASES.get(spec, spec)
    if named in named_graphs.NAMED:
        return named_graphs.NAMED[named]
    if "->" not in spec and "\n" not in spec and _is_file(spec):
        return graph_formats.read_graph(spec, otherwise=".txt")
    if any(mark in spec for mark in ("->", ";", ",", ":", "\n", "<", "--")):
        return CausalGraph.from_text(spec)
    known = [*named_graphs.NAMED, *named_graphs.ALIASES]
    raise InputError(
        f'graph: {spec!r} is no known name, no file, and no text such as "Young -> Bald; Male -> Bald".'
        f"{closest(spec, known)} Names: {', '.join(named_graphs.NAMED)}."
    )


def _is_file(spec: str) -> bool:
    try:
        return pathlib.Path(spec).is_file()
    except OSError:  # a text longer than a file name may be
        return False


def _read_statement(statement: str, parents: dict[str, list[str]]) -> None:
    if "<" in statement or "--" in statement.replace("->", ""):
        raise InputError(
            f"graph text {statement.strip()!r}: expected directed edges 'A -> B'. Hidden common causes (<->) and "
            "undirected edges (--) are not supported."
        )
    groups = [[name.strip() for name in group.split(",")] for group in statement.split("->")]
    for name in (name for group in groups for name in group):
        parents.setdefault(_checked_name(name), [])
    for causes, effects in zip(groups, groups[1:], strict=False):
        for effect in effects:
            parents[effect] += causes


def _read_declaration(statement: str, parents: dict[str, list[str]], variables: dict[str, Variable]) -> None:
    names, kind = statement.split(":", 1)
    for name in (_checked_name(name.strip()) for name in names.split(",")):
        if name in variables:
            raise InputError(f"graph text: the kind of {name} is declared twice.")
        parents.setdefault(name, [])
        variables[name] = parse_variable(kind)


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"graph: node name {name!r}: expected letters, digits and underscores, [A-Za-z0-9_]+.")
    return name


def _check_edge(graph: nx.DiGraph, cause: str, effect: str) -> None:
    if cause == effect:
        raise InputError(f"graph: {cause!r} is a parent of itself.")
    if graph.has_edge(cause, effect):
        raise InputError(f"graph: the edge {cause} -> {effect} is given twice.")


def _check_acyclic(graph: nx.DiGraph) -> None:
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        raise InputError(f"graph: expected no cycle, found {' -> '.join([*cycle, cycle[0]])}. Remove one of its edges.")
