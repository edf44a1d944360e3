"""Shared by the readers of graph files: a graph under construction, a tokenizer, errors with file and line."""

import gzip
import logging
import math
import pathlib
import re
import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from causalgan_tf.errors import LONGEST, InputError, brief, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.formats import arrows
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.graph_text import MAX_EDGES, MAX_NODES
from causalgan_tf.graphs.variables import Variable, parse_variable

LARGEST = 64 * 2**20  # bytes of a file, unpacked
DEEPEST = 100  # brackets in brackets
_HIDDEN = ("latent", "unobserved", "u")  # DAGitty's marks, the last one of its first versions
_NUMBER = re.compile(r"n?\d+")  # names of nodes that a program has numbered


def error(path: pathlib.Path | None, message: str, line: int | None = None) -> InputError:
    """The error of a graph file, with the line it is about; without a path that of a text."""
    source = f"graph file {brief(str(path), 150)}" if path else "graph text"
    start = f"{source}{f', line {line}' if line else ''}: "
    return InputError(start + brief(message, LONGEST - len(start)))


def renamed(path: pathlib.Path | None, problem: InputError, line: int | None = None) -> InputError:
    """An error of the graph itself as one of the file that states it."""
    return error(path, str(problem).removeprefix("graph: ").removeprefix("graph text: "), line)


def load(path: pathlib.Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a mark of its order of bytes; unpacked if it is a .gz file.

    Raises:
        InputError: no such file, no text, another encoding, or more than LARGEST bytes.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            # one more than is allowed tells of a larger file without unpacking all of a small one that swells
            content = file.read(LARGEST + 1)
    except FileNotFoundError as problem:
        raise error(path, "there is no such file.") from problem
    except (EOFError, OSError, zlib.error) as problem:
        raise error(path, f"expected text, got a file that cannot be read: {problem}.") from problem
    if len(content) > LARGEST:
        raise error(path, f"it is larger than {LARGEST // 2**20} MB, unpacked.")
    return _decoded(path, content)


def _decoded(path: pathlib.Path, content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as problem:
        text, place = "\0", problem.start
    else:
        place = 0
    if "\0" not in text:
        return text
    if b"\0" in content:
        raise error(path, "expected text in UTF-8, found bytes that are no text.")
    raise error(
        path,
        f"expected text in UTF-8, found the byte 0x{content[place]:02x}. The file may be in Latin-1 (Windows-1252): "
        "save it as UTF-8, as by iconv -f WINDOWS-1252 -t UTF-8.",
        content[:place].count(b"\n") + 1,
    )


class Draft:
    """Nodes, edges and kinds as a file states them; `graph` makes them a causal graph or says why they are none.

    A node that a program has numbered (7, n7) is called by its title if the file gives one, in every form of files. Any
    other is called by its own name, and its title serves messages only.

    >>> draft = Draft(pathlib.Path("people.dot"))
    >>> draft.edge("Old", "->", "Ill", line=2)
    >>> draft.kind("Ill", "categorical(no, yes)", line=3)
    >>> draft.graph().edges, draft.graph().variables["Ill"].categories
    ((('Old', 'Ill'),), ('no', 'yes'))
    >>> draft.edge("Ill", "--", "Tired", line=4)
    Traceback (most recent call last):
        ...
    causalgan_tf.errors.InputError: graph file people.dot, line 4: Ill -- Tired has no direction: it stands for ...
    """

    def __init__(self, path: pathlib.Path | None, repeats: bool = False) -> None:
        """An empty draft.

        Args:
            path: the file, for errors; None: a text.
            repeats: whether an edge may be stated more than once.
        """
        self.path, self.repeats = path, repeats
        self.parents: dict[str, dict[str, None]] = {}
        self.variables: dict[str, Variable] = {}
        self.titles: dict[str, str] = {}
        self.edges = 0
        self.invisible: dict[str, None] = {}
        self.unseen: list[str] = []

    def node(self, name: object, line: int | None = None) -> str:
        """Adds a node, or finds it, and gives its name; numbers are names too."""
        # JSON and GML number their nodes; Python writes no integer of thousands of digits
        if isinstance(name, int) and not isinstance(name, bool) and name.bit_length() < 64:
            name = str(name)
        if isinstance(name, str) and name in self.parents:
            return name
        if not isinstance(name, str | bool):
            raise error(self.path, f"expected the name of a node, got {shown(name)}.", line)
        try:
            self.parents[names.checked(name)] = {}
        except InputError as problem:
            raise renamed(self.path, problem, line) from problem
        if len(self.parents) > MAX_NODES:
            raise error(self.path, f"there are more than {MAX_NODES:,} nodes.", line)
        return name

    def look(self, node: str, attributes: Mapping[str, object], line: int | None = None) -> None:
        """Takes what a file says of a node: its label or name, whether it is hidden, and whether it is invisible.

        Raises:
            InputError: it is hidden.
        """
        if _invisible(attributes):
            self.invisible[node] = None
            return
        # a hidden node is no column of the data, and to leave it out would join its effects by nothing
        words = {name: str(attributes[name]).lower() for name in (*_HIDDEN, "observed") if name in attributes}
        if words.pop("observed", "") in ("no", "false") or {"", "yes", "true"} & set(words.values()):
            raise error(
                self.path,
                f"{brief(node, 60)} is hidden: expected nodes that are labels of the data. Remove it if it has one "
                "effect alone, which has noise of its own; else make it a label, or remove it if it can be neglected.",
                line,
            )
        title = attributes.get("label", attributes.get("name"))
        words = re.sub(r"\\[nlr]", " ", str(title)).replace("\\N", node).split()  # as Graphviz writes lines and names
        if isinstance(title, str | int) and words and not words[0].lower().startswith("<html"):  # as yEd writes HTML
            self.titles[node] = " ".join(words)

    def edge(
        self,
        left: object,
        mark: str,
        right: object,
        line: int | None = None,
        attributes: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """Adds an edge.

        Args:
            left: a node.
            mark: what is written between the nodes; with the arrows of `attributes` it must be "->" or "<-".
            right: another node.
            line: where it is written.
            attributes: what is said of it, see `arrows.mark`; an invisible edge or end is left out.

        Raises:
            InputError: the edge is there already, or it is not one of a directed graph.
        """
        left, right = self.node(left, line), self.node(right, line)
        mark = arrows.mark(mark, attributes)
        # taken after `node`: the nodes of an invisible edge are there all the same
        if _invisible(attributes) or left in self.invisible or right in self.invisible:
            self.unseen.append(f"{self._called(left)} {mark} {self._called(right)}")
            return
        if mark not in ("->", "<-"):
            raise error(
                self.path,
                _refusal(*(brief(part, 30) for part in (self._called(left), mark, self._called(right)))),
                line,
            )
        cause, effect = (left, right) if mark == "->" else (right, left)
        if cause in self.parents[effect]:
            if self.repeats:
                return
            raise error(
                self.path,
                f"the edge {brief(self._called(cause), 60)} -> {brief(self._called(effect), 60)} is given twice.",
                line,
            )
        self.edges += 1
        if self.edges > MAX_EDGES:
            raise error(self.path, f"there are more than {MAX_EDGES:,} edges.", line)
        self.parents[effect][cause] = None

    def kind(self, name: object, text: object, line: int | None = None) -> None:
        """Declares the kind of a node, in the words of `parse_variable`."""
        node = self.node(name, line)
        try:
            self.variables[node] = parse_variable(str(text))
        except InputError as problem:
            raise error(self.path, f"kind of {brief(self._called(node), 60)}: {problem}", line) from problem

    def _called(self, node: str) -> str:
        """The name by which the graph has a node."""
        return self.titles.get(node, node) if _NUMBER.fullmatch(node) else node

    def _leave_out(self) -> None:
        """Takes the invisible nodes away, and says so and which invisible edges were left out."""
        for node in self.invisible:
            del self.parents[node]
            self.variables.pop(node, None)
        for what, left in (("nodes", self.invisible), ("edges", self.unseen)):
            if left:
                self.note(f"invisible {what} are left out: {names.listed(left)}")

    def note(self, words: str) -> None:
        """Says how the file was read."""
        logging.getLogger(__name__).warning("%s: %s.", f"graph file {self.path}" if self.path else "graph text", words)

    def graph(self) -> CausalGraph:
        """The causal graph.

        Raises:
            InputError: no nodes, two of one name, a node that is its own parent, or a cycle.
        """
        self._leave_out()
        called = {node: self._called(node) for node in self.parents}
        # the number under which the file has a node stays known, so that a message can say what it is called here
        titles = {called[node]: node if called[node] != node else title for node, title in self.titles.items()}
        titles = {name: title for name, title in titles.items() if name != title}
        seen = set()
        for name in called.values():
            if name in seen:
                raise error(self.path, f"two nodes are called {shown(name)}.")
            seen.add(name)
        try:
            return CausalGraph(
                {called[node]: [called[cause] for cause in causes] for node, causes in self.parents.items()},
                {called[node]: variable for node, variable in self.variables.items()},
                titles,
            )
        except InputError as problem:
            raise renamed(self.path, problem) from problem


def _invisible(attributes: Mapping[str, object]) -> bool:
    """Whether a style has the word invis, as in "dotted,invis": there for the layout of a drawing alone."""
    return any(word.startswith("invis") for word in re.split(r"[,\s]+", str(attributes.get("style", "")).lower()))


def _refusal(left: str, mark: str, right: str) -> str:
    edge = f"{left} {mark} {right}"
    if mark == "<->":
        return (
            f"{edge} says that a hidden cause is common to both. Expected {left} -> {right}. Add it as a node with "
            f"edges to {left} and {right}, or remove this edge if it can be neglected."
        )
    if set(mark) == {"-"}:
        return (
            f"{edge} has no direction: it stands for several causal graphs. Write {left} -> {right} or "
            f"{right} -> {left}."
        )
    return f"{edge} leaves open what it means. Write {left} -> {right} or {right} -> {left}."


class Token(NamedTuple):
    r"""One word of a file: its text, the line it is on, and whether it stood in quotes.

    >>> pattern = re.compile(r'(?P<skip>\s+)|(?P<open>/\*)|(?P<quoted>"[^"]*")|(?P<word>\w+)')
    >>> Tokens(None, '"graph"', pattern, marks="").take("a name")
    Token(text='graph', line=1, quoted=True)
    """

    text: str
    line: int
    quoted: bool = False


class Tokens:
    r"""The words of a file, read one after the other.

    >>> pattern = re.compile(r'(?P<skip>\s+)|(?P<open>/\*)|(?P<quoted>"[^"]*")|(?P<word>\w+|->)')
    >>> words = Tokens(pathlib.Path("people.dot"), "Old ->\n Ill", pattern, marks="-")
    >>> words.name("a node").text, words.took("->"), words.line
    ('Old', True, 2)
    >>> words.expect("Tired")
    Traceback (most recent call last):
        ...
    causalgan_tf.errors.InputError: graph file people.dot, line 2: expected 'Tired', found 'Ill'.
    """

    def __init__(
        self, path: pathlib.Path | None, text: str, pattern: re.Pattern, marks: str, most: float = math.inf
    ) -> None:
        """Cuts a text into words.

        Args:
            path: the file, for errors; None: a text.
            text: its text.
            pattern: what may follow at any place; its groups are "skip" (blanks, comments), "open" (a
                comment without an end), "quoted" (in quotation marks) and "word".
            marks: first letters of the words that are no names.
            most: words; a file of more is refused when they are read.
        """
        self.path, self._marks = path, marks
        self._left = self._most = most
        # cut as they are read: all words of a large file at once are a hundred times its size
        self._words = self._cut(text, pattern)
        self._more = True
        self.next = Token("", 0, quoted=True)  # left where it is; an empty one behind the end
        self._step()

    def _step(self) -> Token:
        """Goes to the next word, and gives the one before."""
        last, word = self.next, next(self._words, None)
        self._more, self._left = word is not None, self._left - 1
        if self._left < 0:
            raise error(self.path, f"there are more than {self._most:,} words.", last.line)
        # behind the end an empty word: who looks at the next one need not ask whether there is one
        self.next = word or Token("", last.line, quoted=True)
        return last

    def _cut(self, text: str, pattern: re.Pattern) -> Iterator[Token]:
        place, line = 0, 1
        while place < len(text):
            match = pattern.match(text, place)
            if not match:
                raise error(self.path, f"cannot read {text[place : place + 40].split(maxsplit=1)[0]!r}.", line)
            if match["open"]:
                raise error(self.path, "the comment that begins here has no end, '*/'.", line)
            if match["quoted"] is not None:
                yield Token(re.sub(r"\\([\"'\\])", r"\1", match["quoted"][1:-1]), line, quoted=True)
            elif match["word"]:
                yield Token(match["word"], line)
            place, line = match.end(), line + match[0].count("\n")

    def __bool__(self) -> bool:
        return self._more

    @property
    def line(self) -> int | None:
        """The line of the next word, or of the last one behind the end."""
        return self.next.line or None

    def take(self, expected: str) -> Token:
        """The next word; InputError at the end of the file, where `expected` is missing."""
        if not self:
            raise error(self.path, f"expected {expected}, found the end of the file.", self.line)
        return self._step()

    def sees(self, *texts: str) -> bool:
        """Whether the next word is one of these and stands without quotes."""
        return not self.next.quoted and self.next.text in texts

    def took(self, *texts: str) -> bool:
        """Whether the next word is one of these, which is then taken."""
        seen = not self.next.quoted and self.next.text in texts
        if seen:
            self._step()
        return seen

    def expect(self, *texts: str) -> Token:
        """The next word, which must be one of these; InputError for another."""
        wanted = " or ".join(map(repr, texts))
        if self and not self.sees(*texts):
            raise error(self.path, f"expected {wanted}, found {shown(self.next.text)}.", self.line)
        return self.take(wanted)

    def name(self, what: str) -> Token:
        """The next word, which must be in quotes or begin as words do; InputError for a mark."""
        if self and not self.next.quoted and self.next.text[0] in self._marks:
            raise error(self.path, f"expected {what}, found {shown(self.next.text)}.", self.line)
        return self.take(what)
