"""The text form of causal graphs: "Young -> Bald; "Patient Age" -> Bald; "Patient Age": continuous(0, 110)"."""

import re

from causalgan_tf.errors import InputError, brief, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.variables import Variable, parse_variable

MAX_NODES, MAX_EDGES = 10_000, 200_000
_WORDS = re.compile(
    rf"(?P<skip>[^\S\n]+|#[^\n]*)|{names.QUOTED}|(?P<mark><?->|<-+>?|--+>?|[,;\n])|:(?P<kind>[^;#\n]*)"
    r"|(?:(?!->|--|<)[^,;:#\n])+|."
)

Groups = list[list[str]]


def read(text: str) -> tuple[dict[str, list[str]], dict[str, Variable]]:
    """Reads statements separated by ";" or line ends; "#" starts a comment.

    Args:
        text: see `CausalGraph.from_text`.

    Returns:
        Each node's parents, and the kinds that are declared.

    Raises:
        InputError: a statement that is none, or more nodes or edges than any graph of labels has.
    """
    reader = _Reader()
    words: list[re.Match] = []
    for word in _WORDS.finditer("".join(f"{line}\n" for line in text.splitlines())):
        if word["mark"] in (";", "\n"):
            reader.statement(words)
            words = []
        elif word["skip"] is None:
            words.append(word)
    return reader.parents, reader.variables


class _Reader:
    """Collects what statements say."""

    def __init__(self) -> None:
        self.parents: dict[str, list[str]] = {}
        self.variables: dict[str, Variable] = {}
        self.edges = 0

    def statement(self, words: list[re.Match]) -> None:
        """Reads one statement, the words of it that are no blanks."""
        if not words:
            return
        kind = next((word["kind"] for word in words if word["kind"] is not None), None)
        groups = self._groups([word for word in words if word["kind"] is None], _statement(words))
        for name in (name for group in groups for name in group):
            self.parents.setdefault(name, [])
        if len(self.parents) > MAX_NODES:
            raise InputError(f"graph text: more than {MAX_NODES:,} nodes.")
        if kind is not None:
            self._declare(groups, kind, _statement(words))
        marks = [word["mark"] for word in words if word["mark"] in ("->", "<-")]
        for left, mark, right in zip(groups, marks, groups[1:], strict=False):
            causes, effects = (left, right) if mark == "->" else (right, left)
            # counted first: "A, B, ... -> X, Y, ..." makes millions of edges of a short line
            self.edges += len(causes) * len(effects)
            if self.edges > MAX_EDGES:
                raise InputError(f"graph text: more than {MAX_EDGES:,} edges.")
            for effect in effects:
                self.parents[effect] += causes

    def _groups(self, words: list[re.Match], shown: str) -> Groups:
        """The names between arrows."""
        groups: Groups = [[]]
        named = False  # whether a name has come since the last mark
        for word in words:
            if word["mark"] is None:
                if named:
                    raise InputError(f"graph text {shown}: expected ->, a comma or a semicolon between two names.")
                groups[-1].append(_name(word[0]))
                named = True
                continue
            if word["mark"] not in ("->", "<-", ","):
                raise InputError(
                    f"graph text {shown}: expected directed edges 'A -> B'. Hidden common causes (<->) and "
                    "undirected edges (--) are not supported."
                )
            if not named:
                names.checked("")
            groups += [] if word["mark"] == "," else [[]]
            named = False
        if not named:
            names.checked("")
        return groups

    def _declare(self, groups: Groups, kind: str, shown: str) -> None:
        if len(groups) > 1:
            raise InputError(f"graph text {shown}: expected a kind of label such as 'Age: continuous'.")
        for name in groups[0]:
            if name in self.variables:
                raise InputError(f"graph text: the kind of {brief(name, 60)} is declared twice.")
            self.variables[name] = parse_variable(kind)


def _name(word: str) -> str:
    if word[:1] == '"' and re.fullmatch(names.QUOTED, word):
        return names.checked(names.unquoted(word))
    return names.checked(word.strip(), plain=True)


def _statement(words: list[re.Match]) -> str:
    """The statement, in quotation marks and cut."""
    return shown(words[0].string[words[0].start() : words[-1].end()].strip(), 80)
