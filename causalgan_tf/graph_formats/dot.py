"""Graphs in the words of Graphviz (DOT) and of DAGitty, whose language is DOT with bare attributes and more arrows."""

import pathlib
import re

from causalgan_tf.graph import CausalGraph
from causalgan_tf.graph_formats.draft import Draft, Token, Tokens, error

_GRAPHVIZ, _DAGITTY = ("digraph", "graph"), ("dag", "pdag")
_KEYWORDS = ("node", "edge", "graph", "digraph", "subgraph", "strict")
_HIDDEN = ("latent", "unobserved", "u")  # DAGitty's marks, the last one of its first versions
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = re.compile(
    r'(?P<skip>\s+|//[^\n]*|/\*.*?\*/|^\#[^\n]*)|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<word>-?(?:\d+\.\d*|\.?\d+)(?![\w.])|[\w.]+|<?@?-+@?>?|[{}\[\];,=:]|<(?:[^<>]|<[^<>]*>)*>)",
    re.DOTALL | re.MULTILINE,
)


def read(path: pathlib.Path, text: str) -> CausalGraph:
    """Reads a graph in DOT or in DAGitty's language.

    Of the attributes three matter: a node's kind="categorical(never, former, now)", a node's observed="no" or
    [latent], which is refused, and the ends of an edge (dir, arrowhead, arrowtail).
    """
    return _Reader(path, text).draft.graph()


def write_dot(graph: CausalGraph) -> str:
    """The graph in DOT, declared kinds as the attribute "kind" of their nodes."""
    nodes = [
        f"{_name(node)} [kind={_quoted(graph.declared[node].text())}];" if node in graph.declared else f"{_name(node)};"
        for node in graph.nodes
    ]
    edges = [f"{_name(cause)} -> {_name(effect)};" for cause, effect in graph.edges]
    return "".join(f"{line}\n" for line in ["digraph {", *(f"  {line}" for line in nodes + edges), "}"])


def write_dagitty(graph: CausalGraph) -> str:
    """The graph in DAGitty's language."""
    edges = [f"{_name(cause)} -> {_name(effect)}" for cause, effect in graph.edges]
    return "".join(f"{line}\n" for line in ["dag {", *map(_name, graph.nodes), *edges, "}"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(node: str) -> str:
    plain = _PLAIN.fullmatch(node) and node.lower() not in _KEYWORDS + _DAGITTY
    return node if plain else _quoted(node)


class _Reader:
    """Recursive descent: block -> statements -> groups of nodes, joined by marks, and their attributes."""

    def __init__(self, path: pathlib.Path, text: str) -> None:
        self.draft = Draft(path)
        self.tokens = Tokens(path, text, _WORDS, marks="{}[];,=:<>@-")
        self.edge_defaults: dict[str, str] = {}
        head = self._head()
        self.keywords = _KEYWORDS if head in _GRAPHVIZ else ()
        if not self.tokens.sees("{"):
            self.tokens.name("'{'")  # what the graph is called
        self._block()
        if self.tokens:
            found = self.tokens.next.text
            raise error(path, f"expected the end of the file behind the graph, found {found!r}.", self.tokens.line)

    def _head(self) -> str:
        """Reads what kind of graph it is, in small letters."""
        expected = "'digraph {' or 'dag {'"
        word = self.tokens.take(expected)
        if word.text.lower() == "strict":
            word = self.tokens.take(expected)
        head = word.text.lower()
        if head in ("mag", "pag"):
            message = f"a {head.upper()} stands for many causal graphs. Write the one that you mean: dag {{ ... }}."
        elif head not in _GRAPHVIZ + _DAGITTY:
            message = f"expected {expected}, found {word.text!r}."
        else:
            return head
        raise error(self.draft.path, message, word.line)

    def _block(self) -> list[Token]:
        """Reads { ... } and gives the nodes named in it."""
        self.tokens.expect("{")
        outer, nodes = self.edge_defaults, []
        while not self.tokens.took("}"):
            nodes += self._statement()
        self.edge_defaults = outer
        return nodes

    def _statement(self) -> list[Token]:
        if self.tokens.took(";", ","):
            return []
        if self._sees_keyword("node", "edge", "graph"):
            keyword, found = self.tokens.take("'edge'"), self._attributes()
            if keyword.text.lower() == "edge":
                self.edge_defaults = self.edge_defaults | found
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
                found[name] = self.tokens.take("a value").text if self.tokens.took("=") else ""
        return found

    def _add(self, groups: list[list[Token]], marks: list[Token], attributes: dict[str, str]) -> None:
        for node in (node for group in groups for node in group):
            self.draft.node(node.text, node.line)
        if not marks:
            for node in groups[0]:
                self._describe(node, attributes)
        for left, mark, right in zip(groups, marks, groups[1:], strict=False):
            shown = _mark(mark.text, self.edge_defaults | attributes)
            for cause, effect in ((cause, effect) for effect in right for cause in left):
                self.draft.edge(cause.text, shown, effect.text, mark.line)

    def _describe(self, node: Token, attributes: dict[str, str]) -> None:
        if any(name in attributes for name in _HIDDEN) or attributes.get("observed", "").lower() in ("no", "false"):
            raise error(
                self.draft.path,
                f"{node.text} is hidden: expected nodes that are labels of the data. Remove it if it has one effect "
                "alone, which has noise of its own; else make it a label, or remove it if it can be neglected.",
                node.line,
            )
        if "kind" in attributes:
            self.draft.kind(node.text, attributes["kind"], node.line)


def _mark(mark: str, attributes: dict[str, str]) -> str:
    """The mark of an edge after its attributes, which can turn it round or take its direction."""
    if mark != "->":
        return mark
    direction = attributes.get("dir", "forward").lower()
    at_head = direction in ("forward", "both") and attributes.get("arrowhead") != "none"
    at_tail = direction in ("back", "both") and attributes.get("arrowtail") != "none"
    return f"{'<' * at_tail}-{'>' * at_head}" if at_head or at_tail else "--"
