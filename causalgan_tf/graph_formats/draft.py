"""What the readers of graph files share: a graph as a file states it, words, and errors that name file and line."""

import gzip
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.variables import Variable, parse_variable


def error(path: pathlib.Path, message: str, line: int | None = None) -> InputError:
    """The error of a graph file, with the line it is about."""
    return InputError(f"graph file {path}{f', line {line}' if line else ''}: {message}")


def renamed(path: pathlib.Path, problem: InputError, line: int | None = None) -> InputError:
    """An error of the graph itself as one of the file that states it."""
    return error(path, str(problem).removeprefix("graph: "), line)


def read_text(path: pathlib.Path) -> str:
    """The text of a file in UTF-8, unpacked if its name ends in .gz.

    Raises:
        InputError: no such file, or no text.
    """
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix.lower() == ".gz" else content).decode("utf-8-sig")
    except FileNotFoundError as problem:
        raise error(path, "there is no such file.") from problem
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as problem:
        raise error(path, f'expected text such as "Young -> Bald; Male -> Bald", got {problem}.') from problem


class Draft:
    """Nodes, edges and kinds as a file states them; `graph` makes them a causal graph or says why they are none."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.parents: dict[str, list[str]] = {}
        self.variables: dict[str, Variable] = {}

    def node(self, name: str | int, line: int | None = None) -> str:
        """Adds a node, or finds it, and gives its name; numbers are names too."""
        name = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
        if isinstance(name, str) and name in self.parents:
            return name
        try:
            CausalGraph({name: ()})  # the rule for names, here with the line
        except InputError as problem:
            raise renamed(self.path, problem, line) from problem
        except TypeError as problem:
            raise error(self.path, f"expected the name of a node, got {name!r}.", line) from problem
        self.parents[name] = []
        return name

    def edge(self, left: str | int, mark: str, right: str | int, line: int | None = None) -> None:
        """Adds an edge.

        Args:
            left: a node.
            mark: what is written between the nodes: "->" or "<-"; anything else is refused.
            right: another node.
            line: where it is written.

        Raises:
            InputError: the edge is there already, or it is not one of a directed graph.
        """
        left, right = self.node(left, line), self.node(right, line)
        if mark not in ("->", "<-"):
            raise error(self.path, _refusal(left, mark, right), line)
        cause, effect = (left, right) if mark == "->" else (right, left)
        if cause in self.parents[effect]:
            raise error(self.path, f"the edge {cause} -> {effect} is given twice.", line)
        self.parents[effect].append(cause)

    def kind(self, name: str | int, text: str, line: int | None = None) -> None:
        """Declares the kind of a node, in the words of `parse_variable`."""
        node = self.node(name, line)
        try:
            self.variables[node] = parse_variable(str(text))
        except InputError as problem:
            raise error(self.path, f"kind of {node}: {problem}", line) from problem

    def graph(self) -> CausalGraph:
        """The causal graph.

        Raises:
            InputError: no nodes, a node that is its own parent, or a cycle.
        """
        try:
            return CausalGraph(self.parents, self.variables)
        except InputError as problem:
            raise renamed(self.path, problem) from problem


def _refusal(left: str, mark: str, right: str) -> str:
    shown = f"{left} {mark} {right}"
    if mark == "<->":
        return (
            f"{shown} says that a hidden cause is common to both. Expected edges {left} -> {right}: every common cause "
            f"must be a label of its own. Add it as a node with edges to {left} and {right}, or remove this edge if "
            "there is none to speak of."
        )
    if set(mark) == {"-"}:
        return (
            f"{shown} has no direction: it stands for several causal graphs, in which do({left}) differs. Write "
            f"{left} -> {right} or {right} -> {left}."
        )
    return (
        f"{shown} leaves open what it means: it stands for several causal graphs. Expected {left} -> {right} or "
        f"{right} -> {left}."
    )


class Token(NamedTuple):
    """One word of a file: its text, the line it is on, and whether it stood in quotes."""

    text: str
    line: int
    quoted: bool = False


class Tokens:
    """The words of a file, read one after the other."""

    def __init__(self, path: pathlib.Path, text: str, pattern: re.Pattern, marks: str) -> None:
        """Cuts a text into words.

        Args:
            path: the file, for errors.
            text: its text.
            pattern: what may follow at any place; its groups are "skip" (blanks, comments), "quoted" (between the
                quotation marks) and "word".
            marks: first letters of the words that are no names.
        """
        self.path, self._marks = path, marks
        self._words = list(self._cut(text, pattern))
        self._place = 0

    def _cut(self, text: str, pattern: re.Pattern) -> Iterator[Token]:
        place, line = 0, 1
        while place < len(text):
            match = pattern.match(text, place)
            if not match:
                raise error(self.path, f"cannot read {text[place:].split(maxsplit=1)[0]!r}.", line)
            if match["quoted"] is not None:
                yield Token(re.sub(r'\\(["\\])', r"\1", match["quoted"]), line, quoted=True)
            elif match["word"]:
                yield Token(match["word"], line)
            place, line = match.end(), line + match[0].count("\n")

    def __bool__(self) -> bool:
        return self._place < len(self._words)

    @property
    def line(self) -> int | None:
        """The line of the next word, or of the last one behind the end."""
        return self._words[min(self._place, len(self._words) - 1)].line if self._words else None

    @property
    def next(self) -> Token:
        """The next word, left where it is; an empty one behind the end."""
        return self._words[self._place] if self else Token("", 0, quoted=True)

    def take(self, expected: str) -> Token:
        """The next word; InputError at the end of the file, where `expected` is missing."""
        if not self:
            raise error(self.path, f"expected {expected}, found the end of the file.", self.line)
        self._place += 1
        return self._words[self._place - 1]

    def sees(self, *texts: str) -> bool:
        """Whether the next word is one of these and stands without quotes."""
        return not self.next.quoted and self.next.text in texts

    def took(self, *texts: str) -> bool:
        """Whether the next word is one of these, which is then taken."""
        seen = self.sees(*texts)
        self._place += seen
        return seen

    def expect(self, *texts: str) -> Token:
        """The next word, which must be one of these; InputError for another."""
        wanted = " or ".join(map(repr, texts))
        if self and not self.sees(*texts):
            raise error(self.path, f"expected {wanted}, found {self.next.text!r}.", self.line)
        return self.take(wanted)

    def name(self, what: str) -> Token:
        """The next word, which must be in quotes or begin as words do; InputError for a mark."""
        if self and not self.next.quoted and self.next.text[0] in self._marks:
            raise error(self.path, f"expected {what}, found {self.next.text!r}.", self.line)
        return self.take(what)
