"""The causal graph over the labels: an immutable value, validated at birth."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import networkx as nx

import causalgan_tf
from causalgan_tf.errors import LONGEST, InputError, brief, closest, shown
from causalgan_tf.graphs import graph_text, names
from causalgan_tf.graphs.variables import Binary, Variable

TOLD = 400  # letters of edges and of types in a representation
DRAWN = 60  # nodes; a drawing of more cannot be read


class CausalGraph:
    """A directed acyclic graph over labels; the image is always a sink below all of them.

    Label columns follow the order of `nodes` everywhere. A notebook shows the graph as a drawing.

    Examples:
        >>> CausalGraph.from_text("Age -> Smoke; Age: continuous")
        CausalGraph: 2 nodes, 1 edge
        edges: Age -> Smoke
        types: Age: continuous; Smoke: binary
        >>> graph = CausalGraph({"Ill": ["Old", "Smokes"], "Smokes": ["Old"]})
        >>> graph.nodes
        ('Old', 'Smokes', 'Ill')
    """

    def __init__(
        self,
        parents: Mapping[str, Iterable[str]],
        variables: Mapping[str, Variable] | None = None,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        """Builds the graph from each node's parents; a name that is only a parent is a root.

        Args:
            parents: node to the names of its parents.
            variables: kinds of nodes, see causalgan_tf.graphs.variables; what is not declared is binary.
            titles: what a file calls some nodes beside their names, for messages.

        Raises:
            InputError: no nodes, a bad name, a self-loop, a parent named twice, a cycle, which is printed, two names
                that would share their noise, or a variable of a node that is not there.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from(names.checked(node) for node in parents)
        for node, causes in parents.items():
            if isinstance(causes, str) or not isinstance(causes, Iterable):
                raise InputError(f"graph: parents of {node!r}: expected a list of names, got {shown(causes, 80)}.")
            for cause in causes:
                _check_edge(graph, names.checked(cause), node)
                graph.add_edge(cause, node)
        if not graph:
            raise InputError(
                'The causal graph has no nodes and no edges. Expected text such as "Young -> Bald; Male -> Bald".'
            )
        _check_acyclic(graph)
        _check_noise(graph)
        # ties by first mention: the columns' order is the user's wherever the edges allow it
        first = {node: i for i, node in enumerate(graph)}
        self._nodes = tuple(nx.lexicographical_topological_sort(graph, key=first.__getitem__))
        self._columns = {node: k for k, node in enumerate(self.nodes)}
        self._parents = MappingProxyType(
            {node: tuple(sorted(graph.predecessors(node), key=self._columns.__getitem__)) for node in self.nodes}
        )
        declared = dict(variables or {})
        # names the closest node where a declaration has a typing error
        for node in declared:
            self.index(node)
        self._declared = MappingProxyType({node: declared[node] for node in self.nodes if node in declared})
        self._variables = MappingProxyType({node: declared.get(node, Binary()) for node in self.nodes})
        self._titles = MappingProxyType({node: title for node, title in (titles or {}).items() if node in graph})

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
    def titles(self) -> Mapping[str, str]:
        """What the file of the graph calls some nodes beside their names; not compared."""
        return self._titles

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
        """The same graph with the kinds of some nodes, or all, replaced.

        Examples:
            >>> from causalgan_tf.graphs.variables import Continuous
            >>> CausalGraph.from_text("Age -> Ill").with_variables({"Age": Continuous(0, 110)}).to_text()
            'Age; Age -> Ill; Age: continuous(0, 110)'
        """
        return CausalGraph(self.parents, {**self.declared, **variables}, self.titles)

    @classmethod
    def from_text(cls, text: str) -> "CausalGraph":
        """From text: statements separated by ";" or line ends; "#" starts a comment.

        A statement is "A, B -> C -> D", "Lonely", or a type of label such as "Age: continuous",
        "Height: continuous(0, 250)", "Smoke: categorical(never, former, now)" or "Sex: binary". A name that is more
        than letters, digits and underscores stands in quotation marks.

        Examples:
            >>> CausalGraph.from_text('"Patient Age" -> Smoke; "Patient Age": continuous(0, 110)').parents["Smoke"]
            ('Patient Age',)
        """
        return cls(*graph_text.read(text))

    @classmethod
    def from_list(cls, pairs: Sequence[Sequence]) -> "CausalGraph":
        """From the 2017 program's form, [[node, [parents]], ...].

        Examples:
            >>> CausalGraph.from_list([["Old", []], ["Ill", ["Old"]]]).edges
            (('Old', 'Ill'),)
        """
        parents: dict[str, Iterable[str]] = {}
        for pair in pairs:
            if len(pair) != 2 or isinstance(pair[1], str):
                raise InputError(f"graph list: expected [node, [parents]], got {shown(pair, 80)}.")
            if names.checked(pair[0]) in parents:
                raise InputError(f"graph list: node {pair[0]!r} is listed twice.")
            parents[pair[0]] = pair[1]
        return cls(parents)

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph) -> "CausalGraph":
        """From a networkx DiGraph with string nodes; attributes are ignored.

        Examples:
            >>> CausalGraph.from_networkx(nx.DiGraph([("Old", "Ill")])).edges
            (('Old', 'Ill'),)
        """
        if not graph.is_directed():
            raise InputError("networkx graph: expected a DiGraph, got an undirected graph.")
        return cls({node: list(graph.predecessors(node)) for node in graph})

    def to_text(self) -> str:
        """The text form that `from_text` reads.

        Examples:
            >>> CausalGraph({"Ill": ["Old", "Smokes"]}).to_text()
            'Old; Smokes; Old, Smokes -> Ill'
        """
        return "; ".join(self.statements())

    def statements(self) -> list[str]:
        """The statements of the text form: one for each node, then one for each declared kind.

        Examples:
            >>> CausalGraph({"Ill": ["Old"]}).statements()
            ['Old', 'Old -> Ill']
        """
        shown = {node: names.written(node) for node in self.nodes}
        return [
            *(
                f"{', '.join(map(shown.get, causes))} -> {shown[node]}" if causes else shown[node]
                for node, causes in self.parents.items()
            ),
            *(f"{shown[node]}: {variable.text()}" for node, variable in self.declared.items()),
        ]

    def to_dict(self) -> dict[str, tuple[str, ...]]:
        """Each node's parents, nodes in order.

        Examples:
            >>> CausalGraph.from_text("Old -> Ill").to_dict()
            {'Old': (), 'Ill': ('Old',)}
        """
        return dict(self.parents)

    def to_list(self) -> list[list]:
        """The 2017 program's form, [[node, [parents]], ...].

        Examples:
            >>> CausalGraph.from_text("Old -> Ill").to_list()
            [['Old', []], ['Ill', ['Old']]]
        """
        return [[node, list(parents)] for node, parents in self.parents.items()]

    def to_networkx(self) -> nx.DiGraph:
        """A networkx DiGraph of the same nodes and edges, nodes in order.

        Examples:
            >>> list(CausalGraph.from_text("Old -> Ill").to_networkx().edges)
            [('Old', 'Ill')]
        """
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
        """Whether every two nodes are joined: the graph then excludes no joint distribution."""
        return len(self.edges) == len(self) * (len(self) - 1) // 2

    def index(self, node: str) -> int:
        """The node's label column; InputError for an unknown name.

        Examples:
            >>> CausalGraph.from_text("Old -> Ill").index("Ill")
            1
        """
        if node not in self._columns:
            # a label of a drawing is not the name that a query takes, and is often taken for it
            called = [f" {name!r} has it as its label." for name, title in self.titles.items() if title == node][:1]
            hint = "".join(called) or brief(closest(str(node), self.nodes), 100)
            start = f"The causal graph has no node {shown(node)}.{hint} Nodes: "
            raise InputError(f"{start}{names.listed(self.nodes, LONGEST - 1 - len(start))}.")
        return self._columns[node]

    def children(self, node: str) -> tuple[str, ...]:
        """The nodes that have `node` as a parent.

        Examples:
            >>> CausalGraph.from_text("Old -> Smokes -> Ill; Old -> Ill").children("Old")
            ('Smokes', 'Ill')
        """
        self.index(node)
        return tuple(child for child in self.nodes if node in self.parents[child])

    def ancestors(self, node: str) -> frozenset[str]:
        """Every node from which a directed path leads to `node`; not `node` itself.

        Examples:
            >>> sorted(CausalGraph.from_text("Old -> Smokes -> Ill").ancestors("Ill"))
            ['Old', 'Smokes']
        """
        self.index(node)
        return frozenset(nx.ancestors(self.to_networkx(), node))

    def descendants(self, node: str) -> frozenset[str]:
        """Every node to which a directed path leads from `node`; not `node` itself.

        Examples:
            >>> sorted(CausalGraph.from_text("Old -> Smokes -> Ill").descendants("Old"))
            ['Ill', 'Smokes']
        """
        self.index(node)
        return frozenset(nx.descendants(self.to_networkx(), node))

    def do(self, *nodes: str) -> "CausalGraph":
        """The mutilated graph: without the edges into `nodes`, the node order kept.

        Examples:
            >>> CausalGraph.from_text("Old -> Smokes -> Ill; Old -> Ill").do("Smokes").edges
            (('Old', 'Ill'), ('Smokes', 'Ill'))
        """
        for node in nodes:
            self.index(node)
        parents = {node: () if node in nodes else self.parents[node] for node in self.nodes}
        return CausalGraph(parents, self.declared, self.titles)

    def __reduce__(self) -> tuple:
        return CausalGraph, (self.to_dict(), dict(self.declared), dict(self.titles))

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CausalGraph):
            return False
        return self.to_list() == other.to_list() and self.variables == other.variables

    def __hash__(self) -> int:
        return hash((self.nodes, self.edges))

    def __repr__(self) -> str:
        count = f"{_counted(len(self), 'node')}, {_counted(len(self.edges), 'edge')}"
        kinds = "; ".join(f"{names.written(node)}: {kind.text()}" for node, kind in self.variables.items())
        return f"CausalGraph: {count}\nedges: {brief(self._arrows(), TOLD)}\ntypes: {brief(kinds, TOLD)}"

    def _arrows(self) -> str:
        """The edges by their effects, as in the text form."""
        effects = [
            f"{', '.join(map(names.written, causes))} -> {names.written(node)}"
            for node, causes in self.parents.items()
            if causes
        ]
        return "; ".join(effects) or "none"

    def _repr_svg_(self) -> str | None:
        # by the package: a drawing imports the graph
        return causalgan_tf.draw_graph(self) if len(self) <= DRAWN else None


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _check_edge(graph: nx.DiGraph, cause: str, effect: str) -> None:
    if cause == effect:
        raise InputError(f"graph: {shown(cause)} is a parent of itself.")
    if graph.has_edge(cause, effect):
        raise InputError(f"graph: the edge {brief(cause, 60)} -> {brief(effect, 60)} is given twice.")


def _check_noise(graph: nx.DiGraph) -> None:
    """InputError if two names have one checksum: noise.py draws a node's noise by that of its name."""
    seen: dict[int, str] = {}
    for node in graph:
        other = seen.setdefault(zlib.crc32(node.encode()), node)
        if other != node:
            raise InputError(
                f"graph: the names {brief(other)!r} and {brief(node)!r} have the same checksum (CRC-32), by which a "
                "label's noise is drawn: the two would not be independent. Rename one of them."
            )


def _check_acyclic(graph: nx.DiGraph) -> None:
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        shown = brief(" -> ".join([*cycle, cycle[0]]), 150)
        raise InputError(f"graph: expected no cycle, found {shown}. Remove one of its edges.")
