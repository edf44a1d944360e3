"""Graphs in the words of Graphviz (DOT) and of DAGitty, whose language is DOT with bare attributes and more arrows."""

import pathlib
import re

from causalgan_tf.errors import shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.formats.draft import DEEPEST, Draft, Token, Tokens, error
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.graph_text import MAX_EDGES, MAX_NODES

MAX_STATEMENTS = MAX_EDGES + MAX_NODES  # as many as the largest graph needs
MAX_WORDS = 10 * MAX_EDGES  # an edge with two attributes is 12 words, and few edges have any
_GRAPHVIZ, _DAGITTY = ("digraph", "graph"), ("dag", "pdag")
_KEYWORDS = ("node", "edge", "graph", "digraph", "subgraph", "strict")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*.*?\*/|(?<![^\s;{}\],])\#[^\n]*)|(?P<open>/\*)"
    r"""|(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"|(?P<word>-?(?:\d+\.\d*|\.?\d+)(?![\w.-])|[\w.]+(?:-[\w.]+)*|<?@?-+@?>?|[{}\[\];,=:]|<(?:[^<>]|<[^<>]*>)*>)",
    re.DOTALL,
)


def read(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads a graph in DOT or in DAGitty's language.

    These attributes matter: a node's kind="categorical(never, former, now)"; its label, see `Draft`; observed="no" or
    [latent], which are refused; the ends of an edge (dir, arrowhead, arrowtail); and a style with the word invis: such
    edges and nodes, there for the layout of a drawing, are left out.
    """
    return _Reader(path, text).graph()


def write_dot(graph: CausalGraph) -> str:
    """The graph in DOT, declared kinds as the attribute "kind" of their nodes."""
    nodes = [
        f"{_name(node)} [kind={names.quoted(graph.declared[node].text())}];"
        if node in graph.declared
        else f"{_name(node)};"
        for node in graph.nodes
    ]
    edges = [f"{_name(cause)} -> {_name(effect)};" for cause, effect in graph.edges]
    return "".join(f"{line}\n" for line in ["digraph {", *(f"  {line}" for line in nodes + edges), "}"])


def write_dagitty(graph: CausalGraph) -> str:
    """The graph in DAGitty's language."""
    edges = [f"{_name(cause)} -> {_name(effect)}" for cause, effect in graph.edges]
    return "".join(f"{line}\n" for line in ["dag {", *map(_name, graph.nodes), *edges, "}"])


def _name(node: str) -> str:
    plain = _PLAIN.fullmatch(node) and node.lower() not in _KEYWORDS + _DAGITTY
    return node if plain else names.quoted(node)


class _Reader:
    """Recursive descent: block -> statements -> groups of nodes, joined by marks, and their attributes."""

    def __init__(self, path: pathlib.Path | None, text: str) -> None:
        self.draft = Draft(path)
        self.tokens = Tokens(path, text, _WORDS, marks="{}[];,=:<>@-", most=MAX_WORDS)
        self.defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.looks: dict[str, tuple[Token, dict[str, str]]] = {}  # each node where it is described, and its attributes
        self.edges: list[tuple[str, str, str, dict[str, str], int]] = []
        self.pairs = self.depth = self.statements = 0
        head = self._head()
        self.keywords = _KEYWORDS if head in _GRAPHVIZ else ()
        if not self.tokens.sees("{"):
            self.tokens.name("'{'")  # what the graph is called
        self._block()
        if self.tokens:
            found = shown(self.tokens.next.text)
            raise error(path, f"expected the end of the file behind the graph, found {found}.", self.tokens.line)

    def graph(self) -> CausalGraph:
        """The causal graph; InputError for what is none."""
        # at the end, when all is known of a node: it may be described after its edges
        for node, (token, look) in self.looks.items():
            self.draft.look(node, look, token.line)
            if "kind" in look:
                self.draft.kind(node, look["kind"], token.line)
        for left, mark, right, look, line in self.edges:
            self.draft.edge(left, mark, right, line, look)
        return self.draft.graph()

    def _head(self) -> str:
        """Reads what kind of graph it is, in small letters."""
        expected = "'digraph {' or 'dag {'"
        word = self.tokens.take(expected)
        self.draft.repeats = word.text.lower() in ("strict", *_DAGITTY)
        if word.text.lower() == "strict":
            word = self.tokens.take(expected)
        head = word.text.lower()
        if head in ("mag", "pag"):
            message = f"a {head.upper()} stands for many causal graphs. Write the one that you mean: dag {{ ... }}."
        elif head not in _GRAPHVIZ + _DAGITTY:
            message = f"expected {expected}, found {shown(word.text)}."
        else:
            return head
        raise error(self.draft.path, message, word.line)

    def _block(self) -> list[Token]:
        """Reads { ... } and gives the nodes named in it."""
        start = self.tokens.expect("{")
        self.depth += 1
        if self.depth > DEEPEST:
            raise error(self.draft.path, f"there are more than {DEEPEST} braces in one another.", start.line)
        # defaults that are set inside of a block end with it
        outer, nodes = dict(self.defaults), []
        while not self.tokens.took("}"):
            nodes += self._statement()
        self.defaults = outer
        self.depth -= 1
        return list({node.text: node for node in nodes}.values())

    def _statement(self) -> list[Token]:
        if self.tokens.took(";", ","):
            return []
        self.statements += 1
        if self.statements > MAX_STATEMENTS:
            raise error(self.draft.path, f"there are more than {MAX_STATEMENTS:,} statements.", self.tokens.line)
        if self._sees_keyword("node", "edge", "graph"):
            keyword, found = self.tokens.take("'edge'").text.lower(), self._attributes()
            if keyword in self.defaults:
                self.defaults[keyword] = self.defaults[keyword] | found
            return []
        groups, marks = [self._group()], []
        if self.tokens.took("="):  # an attribute of the whole graph
            self.tokens.take("a value")
            return []
        while self._sees_mark():
            marks.append(self.tokens.take("'->'"))
            groups.append(self._group())
        self._add(groups, marks, self._attributes())
        return [node for group in groups for node in group]

    def _sees_keyword(self, *keywords: str) -> bool:
        word = self.tokens.next
        return not word.quoted and word.text.lower() in keywords and word.text.lower() in self.keywords

    def _sees_mark(self) -> bool:
        word = self.tokens.next
        return not word.quoted and word.text[0] in "<@-" and "-" in word.text

    def _group(self) -> list[Token]:
        """Reads the nodes at one end of an edge: A, or A, B or { A B }."""
        if self._sees_keyword("subgraph"):
            self.tokens.take("'subgraph'")
            if not self.tokens.sees("{"):
                self.tokens.name("the name of a subgraph")
        if self.tokens.sees("{"):
            return self._block()
        nodes = [self._node()]
        while self.tokens.took(","):
            nodes.append(self._node())
        return nodes

    def _node(self) -> Token:
        node = self.tokens.name("a node or '}'")
        while self.tokens.took(":"):  # the place at which edges meet it in a drawing
            self.tokens.name("a port")
        return node

    def _attributes(self) -> dict[str, str]:
        found = {}
        while self.tokens.took("["):
            while not self.tokens.took("]"):
                if self.tokens.took(",", ";"):
                    continue
                name = self.tokens.name("an attribute or ']'").text.lower()
                value = self.tokens.take("a value") if self.tokens.took("=") else None
                # HTML, in <> and not in quotes, says more than a name
                html = value and not value.quoted and value.text.startswith("<")
                found[name] = value.text if value and not html else ""
        return found

    def _add(self, groups: list[list[Token]], marks: list[Token], attributes: dict[str, str]) -> None:
        for node in (node for group in groups for node in group):
            if node.text not in self.looks:
                self.draft.node(node.text, node.line)
                # a default label or kind would give all nodes one name
                plain = {name: value for name, value in self.defaults["node"].items() if name not in ("kind", "label")}
                self.looks[node.text] = node, plain
            if not marks:
                self.looks[node.text] = node, self.looks[node.text][1] | attributes
        look = self.defaults["edge"] | attributes
        for left, mark, right in zip(groups, marks, groups[1:], strict=False):
            # counted before they are made: two groups of a few thousand nodes are millions of edges
            self.pairs += len(left) * len(right)
            if self.pairs > MAX_EDGES:
                raise error(self.draft.path, f"there are more than {MAX_EDGES:,} edges.", mark.line)
            for cause, effect in ((cause.text, effect.text) for effect in right for cause in left):
                self.edges.append((cause, mark.text, effect, look, mark.line))
