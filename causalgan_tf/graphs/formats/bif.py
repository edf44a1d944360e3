"""Bayesian networks in the Bayesian Interchange Format, as the bnlearn repository publishes them."""

import dataclasses
import math
import pathlib
import re

import numpy as np

from causalgan_tf.errors import InputError, shown
from causalgan_tf.graphs.formats.draft import Draft, Token, Tokens, error
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import listed
from causalgan_tf.graphs.variables import Categorical

MAX_NUMBERS = 10_000_000  # of one table
TOLERANCE = 0.01  # by which a row of rounded numbers may miss 1: three thirds of .33 do
_WORDS = re.compile(
    r'(?P<skip>\s+|//[^\n]*|/\*.*?\*/)|(?P<open>/\*)|(?P<quoted>"[^"]*")'
    r'|(?P<word>[{}()\[\],;|]|[^\s{}()\[\],;|"]+)',
    re.DOTALL,
)


@dataclasses.dataclass
class _Block:
    """One probability block: the parents as the file lists them, and its rows of numbers.

    Attributes:
        node: the node, and the line that names it.
        parents: the file's order.
        rows: (parents' categories, numbers, line); no categories: a "table" or a "default".
        is_table: whether the row without categories holds the numbers of all parents' values.
    """

    node: Token
    parents: list[str]
    rows: list[tuple[tuple[str, ...] | None, list[float], int]] = dataclasses.field(default_factory=list)
    is_table: bool = False


def read(path: pathlib.Path | None, text: str) -> CausalGraph:
    """Reads the graph of a network; every node is categorical, with the categories' names."""
    return _Reader(path, text).graph()


def read_tables(path: pathlib.Path | None, text: str) -> tuple[CausalGraph, dict[str, np.ndarray]]:
    """Reads a network: its graph and the nodes' conditional probabilities, see `formats.read_network`."""
    reader = _Reader(path, text)
    graph = reader.graph()
    return graph, {node: reader.table(reader.blocks[node], graph.parents[node]) for node in graph.nodes}


class _Reader:
    """Reads blocks "variable" and "probability"; the network's own block and all properties are passed over."""

    def __init__(self, path: pathlib.Path | None, text: str) -> None:
        self.path = path
        self.tokens = Tokens(path, text, _WORDS, marks="{}()[],;|")
        self.categories: dict[str, dict[str, int]] = {}
        self.blocks: dict[str, _Block] = {}
        self.draft = Draft(path)
        while self.tokens:
            block = self.tokens.expect("network", "variable", "probability").text
            {"network": self._network, "variable": self._variable, "probability": self._probability}[block]()

    def graph(self) -> CausalGraph:
        """The graph; InputError unless every variable has a probability block, and every block its variables."""
        # checked at the end, for blocks come in any order
        for node in self.categories:
            if node not in self.blocks:
                raise error(self.path, f"the variable {node} has no block 'probability ( {node} ... )'.")
        for node, block in self.blocks.items():
            for name in (name for name in (node, *block.parents) if name not in self.categories):
                raise error(self.path, f"probability of {node}: there is no variable {shown(name)}.", block.node.line)
            for parent in block.parents:
                self.draft.edge(parent, "->", node, block.node.line)
        return self.draft.graph()

    def table(self, block: _Block, order: tuple[str, ...]) -> np.ndarray:
        """The conditional probabilities of a node, float64 [sizes of parents in this order..., size of the node]."""
        sizes = [len(self.categories[node]) for node in (*block.parents, block.node.text)]
        if math.prod(sizes) > MAX_NUMBERS:
            raise error(self.path, f"{block.node.text}: a table of more than {MAX_NUMBERS:,} numbers.", block.node.line)
        values = self._whole_table(block, sizes) if block.is_table else self._rows(block, sizes)
        sums = values.sum(axis=-1, keepdims=True)
        if not (values >= 0).all() or not (np.abs(sums - 1) <= TOLERANCE + 1e-9).all():
            worst = float(sums.flat[np.abs(sums - 1).argmax()])
            raise error(
                self.path,
                f"probability of {block.node.text}: expected rows of probabilities that sum to 1, found "
                f"{f'the sum {worst:g}' if (values >= 0).all() else f'{values.min():g}'}.",
                block.node.line,
            )
        return (values / sums).transpose([*map(block.parents.index, order), len(order)])

    def _network(self) -> None:
        while not self.tokens.took("{"):
            self.tokens.take("'{'")
        self._properties()

    def _properties(self) -> None:
        """Passes over the rest of a block, which holds nothing but properties."""
        while not self.tokens.took("}"):
            self.tokens.expect("property", "}")
            self._to_semicolon()

    def _to_semicolon(self) -> None:
        while not self.tokens.took(";"):
            self.tokens.take("';'")

    def _variable(self) -> None:
        node = self.tokens.name("a variable")
        if node.text in self.categories:
            raise error(self.path, f"the variable {node.text} is there twice.", node.line)
        self.draft.node(node.text, node.line)
        self.tokens.expect("{")
        while self.tokens.took("property"):
            self._to_semicolon()
        self.tokens.expect("type")
        self.tokens.expect("discrete")
        self.tokens.expect("[")
        size = self.tokens.name("the number of values").text
        self.tokens.expect("]")
        self.tokens.expect("{")
        names = self._names("}")
        if size != str(len(names)):
            raise error(
                self.path,
                f"{node.text}: expected {size} values, found {listed(names)}. Put quotes round a value with blanks.",
                node.line,
            )
        self.tokens.expect(";")
        self._properties()
        try:
            self.draft.variables[node.text] = Categorical(tuple(names))
        except InputError as problem:
            raise error(self.path, f"values of {node.text}: {problem}", node.line) from problem
        self.categories[node.text] = {name: place for place, name in enumerate(names)}

    def _names(self, closing: str) -> list[str]:
        """Reads names, with commas or without, up to a closing mark."""
        names = []
        while not self.tokens.took(closing):
            if self.tokens.sees("[", "]", "(", ")"):
                raise error(
                    self.path,
                    f"expected a name or '{closing}', found {shown(self.tokens.next.text)}. Rename values with "
                    "brackets here and in the table: [0,5) as 0-4.",
                    self.tokens.line,
                )
            names.append(self.tokens.name(f"a name or '{closing}'").text)
            self.tokens.took(",")
        return names

    def _probability(self) -> None:
        self.tokens.expect("(")
        node = self.tokens.name("a variable")
        while self.tokens.took("|", ","):  # JavaBayes writes neither: the first name is the node
            pass
        block = _Block(node, self._names(")"))
        if node.text in self.blocks:
            raise error(self.path, f"the probability of {node.text} is there twice.", node.line)
        self.blocks[node.text] = block
        self.tokens.expect("{")
        while not self.tokens.took("}"):
            self._row(block)

    def _row(self, block: _Block) -> None:
        word = self.tokens.expect("(", "table", "default", "property", "}")
        if word.text == "property":
            return self._to_semicolon()
        block.is_table |= word.text == "table"
        causes = tuple(self._names(")")) if word.text == "(" else None
        numbers = []
        while not self.tokens.took(";"):
            numbers.append(self._number())
            self.tokens.took(",")
        block.rows.append((causes, numbers, word.line))

    def _number(self) -> float:
        word = self.tokens.take("a probability or ';'")
        try:
            number = float(word.text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise error(self.path, f"expected a probability, found {shown(word.text)}.", word.line)
        return number

    def _whole_table(self, block: _Block, sizes: list[int]) -> np.ndarray:
        """The numbers of a "table": the node's value changes slowest, the last parent's fastest."""
        *_, (_, numbers, line) = block.rows
        if len(block.rows) > 1 or len(numbers) != math.prod(sizes):
            found = f"{len(block.rows)} rows beside it" if len(block.rows) > 1 else f"{len(numbers)}"
            raise error(
                self.path, f"table of {block.node.text}: expected {math.prod(sizes)} numbers, found {found}.", line
            )
        return np.moveaxis(np.reshape(numbers, [sizes[-1], *sizes[:-1]]), 0, -1)

    def _rows(self, block: _Block, sizes: list[int]) -> np.ndarray:
        """The numbers of rows "(yes, no) 0.1, 0.9;" and, for those that are not there, of "default"."""
        # NaN marks rows that were not given: 0 is a probability
        values, default = np.full(sizes, np.nan), None
        for causes, numbers, line in block.rows:
            if len(numbers) != sizes[-1]:
                raise error(
                    self.path, f"{block.node.text}: expected {sizes[-1]} probabilities, found {len(numbers)}.", line
                )
            if causes is None:
                default = numbers
                continue
            place = self._place(block, causes, line)
            if not np.isnan(values[place]).all():
                raise error(self.path, f"{block.node.text}: the row ({listed(causes)}) is there twice.", line)
            values[place] = numbers
        missing = np.isnan(values).all(axis=-1)
        if missing.any() and default is None:
            cell = np.argwhere(missing)[0]
            names = [list(self.categories[parent])[code] for parent, code in zip(block.parents, cell, strict=True)]
            raise error(self.path, f"{block.node.text}: the row ({listed(names)}) is missing.", block.node.line)
        values[missing] = default if default is not None else 0.0
        return values

    def _place(self, block: _Block, causes: tuple[str, ...], line: int) -> tuple[int, ...]:
        if len(causes) != len(block.parents):
            raise error(
                self.path,
                f"{block.node.text}: expected a value of each of {listed(block.parents)}, found ({listed(causes)}).",
                line,
            )
        for parent, cause in zip(block.parents, causes, strict=True):
            if cause not in self.categories[parent]:
                raise error(self.path, f"{block.node.text}: {parent} has no value {shown(cause)}.", line)
        return tuple(self.categories[p][cause] for p, cause in zip(block.parents, causes, strict=True))
