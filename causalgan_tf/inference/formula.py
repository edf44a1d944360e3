"""Formulas: functions of a node's parents that do gives it in place of a constant."""

import ast
import dataclasses
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from causalgan_tf.errors import InputError, brief, closest, shown
from causalgan_tf.graphs import names
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Variable

LONGEST = 500  # letters of a formula
_NAMED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\']*\'')
_BINARY = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_UNARY = {ast.USub: np.negative, ast.UAdd: np.positive, ast.Not: np.logical_not}
_COMPARED = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_PLAIN_PARTS = (
    ast.Name | ast.BoolOp | ast.IfExp | ast.operator | ast.unaryop | ast.cmpop | ast.boolop | ast.expr_context
)
_CALLED: dict[str, tuple[Callable, int]] = {
    "abs": (np.abs, 1),
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "max": (np.maximum, 2),
    "min": (np.minimum, 2),
    "round": (np.round, 1),
    "sqrt": (np.sqrt, 1),
    "where": (np.where, 3),
}


@dataclasses.dataclass(frozen=True)
class Formula:
    """A node's value under do as a function of its parents' values and of its own natural one.

    Numbers, names of nodes (in double quotation marks where they are no plain word), categories in single ones,
    + - * / % **, comparisons, and, or, not, a if b else c, abs, exp, log, max, min, round, sqrt, where. The node's own
    name is the value that it would have had.

    Attributes:
        text: the formula.

    Examples:
        >>> rule = Formula("Age + 5 if Sex == 1 else Age")
        >>> rule.values({"Age": np.array([30.0, 40.0]), "Sex": np.array([0, 1])}).tolist()
        [30.0, 45.0]
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError(f"formula: expected a text such as Age + 5, got {shown(self.text)}.")
        object.__setattr__(self, "text", self.text.strip())
        # what cannot be read is refused here, not where it is first computed
        _check_syntax(self.tree, self.text)

    @functools.cached_property
    def tree(self) -> ast.expr:
        """The formula's syntax tree, names in quotation marks replaced."""
        if not self.text or len(self.text) > LONGEST:
            raise InputError(f"formula {shown(self.text)}: expected 1 to {LONGEST} letters.")
        # Python's own grammar has no names with blanks: a word stands for each
        plain = _NAMED.sub(lambda match: _hidden(match[0]) if match[0][0] == '"' else match[0], self.text)
        try:
            return ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            place = f", character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise InputError(
                f"formula {shown(self.text)}{place}: expected an expression such as Age + 5 or max(Dose, 10)."
            ) from error

    @functools.cached_property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that it names, each once."""
        parts = list(ast.walk(self.tree))
        functions = [part.func for part in parts if isinstance(part, ast.Call)]
        found = [part for part in parts if isinstance(part, ast.Name) and part not in functions]
        return tuple(dict.fromkeys(_shown_name(part.id) for part in found))

    def checked(self, graph: CausalGraph, node: str) -> "Formula":
        """Itself; InputError if it names anything but the node's parents and the node itself.

        Examples:
            >>> Formula("1 - Ill").checked(CausalGraph.from_text("Old -> Ill"), "Ill").nodes
            ('Ill',)
        """
        legal = {*graph.parents[node], node}
        for name in self.nodes:
            if name not in legal:
                graph.index(name)
                parents = names.listed(graph.parents[node], 100) or "none"
                raise InputError(
                    f"do {brief(node, 60)}:={brief(self.text, 60)}: {brief(name, 60)} is no parent of it. Expected its "
                    f"parents ({parents}) or {brief(node, 60)} itself, whose value it would have had."
                )
        return self

    def values(self, known: Mapping[str, np.ndarray]) -> np.ndarray:
        """The users' values [n] of users' values [n] of nodes.

        Examples:
            >>> Formula("max(Age, 18)").values({"Age": np.array([12.0, 40.0])})
            array([18., 40.])
        """
        with np.errstate(all="ignore"):
            try:
                found = _value(self.tree, known)
            except (TypeError, ValueError) as error:
                raise InputError(f"formula {shown(self.text)}: a category was taken for a number.") from error
        count = len(next(iter(known.values()))) if known else 1
        return np.broadcast_to(found, [count])

    def numbers(self, node: str, variable: Variable, known: Mapping[str, np.ndarray]) -> np.ndarray:
        """Numbers [n] of the node; InputError for a value that it cannot have.

        Examples:
            >>> from causalgan_tf.graphs.variables import Binary
            >>> Formula("1 - Ill").numbers("Ill", Binary(), {"Ill": np.array([0.0, 1.0])})
            array([1., 0.])
        """
        values = self.values(known)
        if variable.named:
            places = {name: float(place) for place, name in enumerate(variable.categories)}
            numbers = np.array([places.get(str(value), np.nan) for value in values])
        else:
            numbers = values.astype(np.float64) - variable.offset
        wrong = ~(variable.holds(numbers) & (np.floor(numbers) == numbers if variable.size else np.isfinite(numbers)))
        if wrong.any():
            got = values[int(np.argmax(wrong))]
            raise InputError(
                f"do {brief(node, 60)}:={brief(self.text, 60)} gives {shown(got)}: expected "
                f"{brief(variable.expected, 120)}. Bound it by max and min, or write a if b else c."
            )
        return numbers


def _value(part: ast.expr, known: Mapping[str, np.ndarray]) -> Any:
    if isinstance(part, ast.Constant):
        # floats alone: a power of whole numbers could take for ever
        return part.value if isinstance(part.value, str) else float(part.value)
    if isinstance(part, ast.Name):
        return known[_shown_name(part.id)]
    if isinstance(part, ast.BinOp):
        return _BINARY[type(part.op)](_number(part.left, known), _number(part.right, known))
    if isinstance(part, ast.UnaryOp):
        return _UNARY[type(part.op)](_number(part.operand, known))
    if isinstance(part, ast.BoolOp):
        joined = np.logical_and if isinstance(part.op, ast.And) else np.logical_or
        return functools.reduce(joined, (_number(value, known) for value in part.values))
    if isinstance(part, ast.Compare):
        return _COMPARED[type(part.ops[0])](_value(part.left, known), _value(part.comparators[0], known))
    if isinstance(part, ast.IfExp):
        return np.where(_number(part.test, known), _value(part.body, known), _value(part.orelse, known))
    return _CALLED[part.func.id][0](*(_value(value, known) for value in part.args))


def _number(part: ast.expr, known: Mapping[str, np.ndarray]) -> Any:
    value = _value(part, known)
    return np.asarray(value).astype(np.float64)


def _check_syntax(tree: ast.expr, text: str) -> None:
    """InputError unless each part of a formula is one that `_value` knows."""
    for part in ast.walk(tree):
        legal = (
            (isinstance(part, ast.Constant) and isinstance(part.value, int | float | str))
            or (isinstance(part, ast.BinOp) and type(part.op) in _BINARY)
            or (isinstance(part, ast.UnaryOp) and type(part.op) in _UNARY)
            or (isinstance(part, ast.Compare) and len(part.ops) == 1 and type(part.ops[0]) in _COMPARED)
            or isinstance(part, _PLAIN_PARTS)
        )
        if isinstance(part, ast.Call):
            name = part.func.id if isinstance(part.func, ast.Name) else ""
            if name not in _CALLED or part.keywords or len(part.args) != _CALLED[name][1]:
                known = ", ".join(f"{key} of {count}" for key, (_, count) in _CALLED.items())
                raise InputError(
                    f"formula {shown(text)}, character {part.col_offset + 1}: expected a function with so many "
                    f"arguments: {known}.{closest(name, _CALLED)}"
                )
            legal = True
        if not legal:
            raise InputError(
                f"formula {shown(text)}, character {getattr(part, 'col_offset', 0) + 1}: expected numbers, names, "
                "+ - * / % **, comparisons, and, or, not, a if b else c, or a function."
            )


def _hidden(quoted: str) -> str:
    """A word that stands for a name in quotation marks."""
    return "_q" + names.unquoted(quoted).encode().hex() + "_"


def _shown_name(word: str) -> str:
    if re.fullmatch(r"_q[0-9a-f]+_", word):
        return bytes.fromhex(word[2:-1]).decode()
    return word
