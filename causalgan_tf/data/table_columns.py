"""Columns of labels: their kinds, the numbers that stand for their values, and what they hold.

A node's kind is the declared one, else it is read off its column: 0 and 1, -1 and 1, False and True are binary, texts
are categorical, numbers with a fractional part continuous.
"""

import dataclasses
import re
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous, Variable

MISSING = (
    "",
    "NA",
    "N/A",
    "n/a",
    "<NA>",
    "#N/A",
    "#NA",
    "NaN",
    "nan",
    "-nan",
    "NaT",
    "NULL",
    "null",
    "None",
    "?",
    ".",
    "-",
)
WORDS = {"true": 1.0, "false": 0.0}
LISTED = 10  # categories listed in a line of `describe`
MAX_INFERRED = 100  # different texts that become categories without a declaration
MAX_CATEGORIES = 256  # their places are one byte
CONTAINERS = (list, tuple, dict, set, np.ndarray)
THOUSANDS = r"[-+]?[1-9]\d{0,2},\d{3}"  # or a number with three digits behind a decimal comma
FORMS = (  # numbers and dates that are written as pandas does not read them, and what is done about it
    (r"[-+]?\d*,\d+", "a decimal comma", "Write a point, or give --decimal=, (pandas: decimal=',')"),
    (r"[-+]?\d{1,3}([,.'’\s]\d{3})+([.,]\d+)?", "marks between thousands", "Remove them"),
    (r"[-+]?\d[\d.,]*\s*[%€$£¥]|[-+]?[€$£¥]\s*\d[\d.,]*", "a sign of percent or money", "Remove it"),
    (r"[−–]\s*[\d.,]+", "a minus sign that is no hyphen", "Write a hyphen"),
    (r"=?([\"'“”‘’])[-+]?\d[\d.,]*([\"'“”‘’])", "marks round the number", "Remove them"),
    (
        r"\d{4}([-/.])\d{1,2}\1\d{1,2}([T ].*)?|\d{1,2}([/.])\d{1,2}\3(\d{4}|\d{2})([T ].*)?|\d{1,2}:\d{2}(:\d{2}.*)?",
        "a date or time",
        "Turn it into days or seconds since the first",
    ),
)
ROUNDING = 1e-4  # share of the standard deviation that float32 may round off a continuous label
BINARY = "0 or 1, -1 or 1, or False or True"


@dataclasses.dataclass(frozen=True)
class Table:
    """Values as they were parsed, and where they came from.

    Attributes:
        source: the file, or what an error calls a data frame.
        values: a column a name, a row a unit.
        lines: number of the line of the file that holds each row; None: rows are numbered by their index.

    >>> Table("people.csv", pd.DataFrame({"Old": [0, 1]}), np.array([2, 4])).place(1)
    'line 4'
    """

    source: str
    values: pd.DataFrame
    lines: np.ndarray | None = None

    def place(self, row: int) -> str:
        """A row as an error names it: its line and, where rows have names, its name."""
        name = self.values.index[row]
        if self.lines is None:
            return f"row {name}"
        return f"line {self.lines[row]}" + (f" ({name})" if isinstance(name, str) and name else "")

    def keep(self, rows: np.ndarray) -> "Table":
        """The table of the rows with True in a mask [N]."""
        lines = None if self.lines is None else self.lines[rows]
        return dataclasses.replace(self, values=self.values[rows], lines=lines)


def resolved(table: Table, node: str, declared: Variable | None) -> tuple[Variable, np.ndarray]:
    """A column's kind, all of it known, and its numbers [N]: uint8, or float32 of a continuous label."""
    variable = declared or _inferred(table, node)
    if variable.named:
        return _categorical(table, node, variable)
    if variable.size:
        return variable, _binary(table, node)
    numbers = _continuous(table, node, variable)
    _check_steps(table, node, numbers)
    variable = variable if variable.offset else variable.moved(_offset(numbers))
    numbers = (numbers - variable.offset).astype(np.float32)
    return variable.fitted(numbers), numbers


def _check_steps(table: Table, node: str, numbers: np.ndarray) -> None:
    """Refuses a column [N] whose differences float64 rounds away, such as nanoseconds since 1970 within a second."""
    step, spread = np.spacing(np.abs(numbers).max()), numbers.std()
    if step > ROUNDING * spread > 0:
        raise InputError(
            f"{table.source}: column {node!r}: expected numbers that float64 can tell apart; got numbers of about "
            f"{numbers.mean():.6g}, which it holds in steps of {step:g}, with a standard deviation of {spread:.3g}. "
            "Subtract the smallest of them, as whole numbers, before they are read."
        )


def _offset(numbers: np.ndarray) -> float:
    """The whole number to subtract from a column [N]; 0 unless float32 would round away its differences."""
    rounding, spread = np.abs(numbers - numbers.astype(np.float32)).max(), numbers.std()
    # a whole number: what is whole before stays whole
    return float(np.round(numbers.mean())) if rounding > ROUNDING * spread > 0 else 0.0


def is_missing(column: pd.Series, declared: Variable | None = None) -> pd.Series:
    """Whether each value is missing, bool [N]: a blank, or a word of MISSING that is no declared category."""
    missing = column.isna()
    if _is_numeric(column):
        return missing
    categories = declared.categories if declared else ()
    return missing | column.astype(str).str.strip().isin([word for word in MISSING if word not in categories])


def check_plain(table: Table, node: str, declared: Variable | None) -> None:
    """Refuses a column of lists, dates or complex numbers, or of numbers with a decimal comma, percent or currency."""
    column = table.values[node]
    if not _is_numeric(column) and column.astype(object).map(lambda value: isinstance(value, CONTAINERS)).any():
        raise InputError(
            f"{table.source}: column {node!r} holds lists, arrays or the like. Expected one value a row: give each "
            "element a column of its own."
        )
    if pd.api.types.is_complex_dtype(column):
        raise InputError(f"{table.source}: column {node!r} holds complex numbers. Give each part a column of its own.")
    if (declared and declared.named) or _is_numeric(column):
        return
    if column.dtype.kind in "mM":
        raise InputError(
            f"{table.source}: column {node!r} holds dates or times. Expected numbers or texts: turn them into days or "
            f"seconds since the first, or declare '{node}: categorical' in the graph."
        )
    texts = _texts(column)
    # one text leaves all numbers beside it texts: what can be read, such as 2.755, has no marks
    unread = pd.to_numeric(texts, errors="coerce").isna().to_numpy(bool)
    for form, what, way in FORMS[:-1] if isinstance(column.dtype, pd.CategoricalDtype) else FORMS:
        found = unread & texts.str.fullmatch(form).to_numpy(bool)
        if found.any():
            row = int(np.argmax(found))
            category = "" if texts.str.contains(",").any() else f", or declare '{node}: categorical' in the graph"
            if what == FORMS[0][1] and texts[found].str.fullmatch(THOUSANDS).all():
                what, way = "a comma that marks thousands or decimals", "Remove it, or write a point"
            raise InputError(
                f"{table.source}: column {node!r}, {table.place(row)}: {_cut(texts.iloc[row])} has {what} "
                f"({found.sum():,} of {len(texts):,} rows). {way}{category}."
            )


def is_text(column: pd.Series) -> bool:
    """Whether some value is neither a number nor True or False."""
    column = column.dropna()
    return any(bool(np.isnan(_numbers(part)).any()) for part in (column[:1000], column[1000:]))


def describe(graph: CausalGraph, rows: np.ndarray, declared: Collection[str] | None = None) -> list[str]:
    """Describes the label rows, one line per node: type, distribution, and what cannot be learnt from them.

    Args:
        graph: causal graph with resolved kinds.
        rows: numbers [N, K], columns in graph order.
        declared: nodes whose kind the user has declared; the others are marked as inferred. None: nothing is marked.

    Returns:
        Lines such as "Smoke: categorical(never .61, former .22, now .17), inferred", in graph order.
    """
    lines = []
    for k, (node, variable) in enumerate(graph.variables.items()):
        text = _described(node, variable, np.asarray(rows[:, k]))
        lines.append(f"{node}: {text}" + ("" if declared is None or node in declared else ", inferred"))
    return lines


def _described(node: str, variable: Variable, column: np.ndarray) -> str:
    low, high = column.min(), column.max()
    if low == high:
        binary = variable.size and not variable.named
        lost = f"do({node}={1 - int(low)}) cannot be learnt" if binary else f"no other do({node}) can be learnt"
        value = variable.shown(low) if variable.size else _figure(variable.shown(low), variable.offset)
        return f"{type(variable).__name__.lower()}, constant {value}: it carries no information and {lost}"
    if not variable.named and variable.size:
        return f"binary, {100 * column.mean():.3g} % are 1"
    if not variable.named:
        mean, std = (statistic(column, dtype=np.float64) for statistic in (np.mean, np.std))
        mean, low, high = (_figure(variable.shown(value), variable.offset) for value in (mean, low, high))
        return f"continuous, mean {mean}, sd {_figure(std)}, {low} to {high}"
    shares = np.bincount(column.astype(np.int64), minlength=variable.size) / len(column)
    listed = [f"{name} {_share(share)}" for name, share in zip(variable.categories, shares, strict=True)]
    more = f", and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    absent = [name for name, share in zip(variable.categories, shares, strict=True) if not share]
    note = f": do({node}={absent[0]}) cannot be learnt" if absent else ""
    return f"categorical({', '.join(listed[:LISTED])}{more}){note}"


def _figure(number: float, offset: float = 0.0) -> str:
    """A number with four digits, such as 41.2 and 54,320, or with its whole part where there is an offset."""
    if offset:
        return f"{number:,.0f}"
    return f"{float(f'{number:.4g}'):,g}"


def _cut(value: object, letters: int = 40) -> str:
    """A value as an error shows it: not more than so many letters."""
    text = " ".join(str(value)[:10_000].split())
    return text if len(text) <= letters else text[: letters - 3] + "..."


def _share(share: float) -> str:
    """A share with two digits, such as .61 and .0022."""
    return f"{share:.2g}".removeprefix("0") or "0"


def _inferred(table: Table, node: str) -> Variable:
    """The kind that a column seems to have; InputError if that is in doubt."""
    column = table.values[node]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Categorical()
    numbers, words = _numbers(column), _is_word(column)
    texts = np.isnan(numbers)
    if texts.any() or (words.any() and not np.isin(numbers, (-1, 0, 1)).all()):
        _check_texts(table, node, texts | words)
        return Categorical()
    # whole numbers are not taken for continuous unasked: 1, 2, 3 may be the codes of categories
    return Continuous() if (np.isinf(numbers) | (numbers != np.floor(numbers))).any() else Binary()


def _check_texts(table: Table, node: str, texts: np.ndarray) -> None:
    """Refuses a column of which not all values are texts [N], or which holds so many that they may be names."""
    column = table.values[node]
    if not texts.all():
        number, text = int(np.argmin(texts)), int(np.argmax(texts))
        raise InputError(
            f"{table.source}: column {node!r} mixes numbers and texts: {_cut(column.iloc[number])} on "
            f"{table.place(number)}, {_cut(column.iloc[text])} on {table.place(text)}; {texts.sum():,} of "
            f"{len(column):,} rows hold texts. Correct these rows, or declare '{node}: categorical' in the graph."
        )
    count = column.nunique()
    if count > MAX_INFERRED:
        raise InputError(
            f"{table.source}: column {node!r} holds {count:,} different texts; does it name the rows? Drop {node} "
            f"from the graph, or declare '{node}: categorical' in it (at most {MAX_CATEGORIES})."
        )


def _binary(table: Table, node: str) -> np.ndarray:
    """A column as uint8 [N] of 0 and 1."""
    column = table.values[node]
    numbers = _numbers(column)
    bad = np.flatnonzero(~np.isin(numbers, (-1, 0, 1)))
    if bad.size:
        row = int(bad[0])
        kinds = ("categorical",) if np.isnan(numbers[row]) else ("continuous", "categorical")
        raise InputError(
            f"{table.source}: column {node!r}, {table.place(row)}: expected {BINARY}; got {_cut(column.iloc[row])}. "
            f"{bad.size:,} of {len(column):,} rows are so. If it is no binary label, declare its kind in the graph: "
            f"{' or '.join(repr(f'{node}: {kind}') for kind in kinds)}."
        )
    # 0 may be the absent value of a -1/1 column or its missing one: nothing tells which
    if (numbers == -1).any() and (numbers == 0).any():
        minus, zero = (table.place(int(np.argmax(numbers == value))) for value in (-1, 0))
        raise InputError(
            f"{table.source}: column {node!r} holds both -1 ({minus}) and 0 ({zero}). Expected 0 and 1, or -1 and 1; "
            f"or declare '{node}: categorical' in the graph."
        )
    return (numbers > 0).astype(np.uint8)


def _categorical(table: Table, node: str, variable: Categorical) -> tuple[Categorical, np.ndarray]:
    """A column's categories, those of the variable if it has any, and their places, uint8 [N]."""
    column = table.values[node]
    texts = _texts(column)
    if not variable.categories:
        dtype = column.dtype
        known = isinstance(dtype, pd.CategoricalDtype)
        names = _without_points(_texts(dtype.categories.to_series()) if known else pd.Series(texts.unique()))
        variable = _named(table, node, list(names) if known else sorted(names, key=_rank))
    texts = _without_points(texts, variable.categories)
    if variable.size > MAX_CATEGORIES:
        raise InputError(f"{node}: expected at most {MAX_CATEGORIES} categories, there are {variable.size:,}.")
    places = pd.Index(variable.categories).get_indexer(texts)
    unseen = np.flatnonzero(places < 0)
    if unseen.size:
        row, name = int(unseen[0]), texts.iloc[unseen[0]]
        raise InputError(
            f"{table.source}: column {node!r}, {table.place(row)}: expected {_cut(variable.expected, 100)}; "
            f"got {_cut(name)}, a category unseen.{closest(name, variable.categories)} {unseen.size:,} of "
            f"{len(texts):,} rows are so."
        )
    return variable, places.astype(np.uint8)


def _without_points(texts: pd.Series, categories: Collection[str] = ()) -> pd.Series:
    """Codes of categories as 1, 2, 3 where a gap among them made a program write 1.0, 2.0, 3.0.

    >>> _without_points(pd.Series(["1.0", "2.0"])).tolist(), _without_points(pd.Series(["1.0", "2.5"])).tolist()
    (['1', '2'], ['1.0', '2.5'])
    """
    short = texts.str.replace(r"^(-?\d+)\.0$", r"\1", regex=True)
    if categories:
        return texts.where(texts.isin(categories) | ~short.isin(categories), short)
    return short if (short != texts).all() else texts


def _named(table: Table, node: str, names: Sequence[str]) -> Categorical:
    """The variable of the categories that a column holds."""
    if len(names) < 2:
        raise InputError(
            f"{table.source}: column {node!r} holds only {_cut(names[0])!r}: it carries no information. Drop {node} "
            f"from the graph, or declare all its categories: '{node}: categorical({_cut(names[0])}, other)'."
        )
    try:
        return Categorical(tuple(names))
    except InputError as error:
        bad = next((name for name in names if re.search(r"[(),;#\n]", name)), names[0])
        raise InputError(
            f"{table.source}: column {node!r}: the category {_cut(bad)!r} cannot be written in a graph or a query. "
            "Rename it without commas, semicolons, parentheses, # and line ends."
        ) from error


def _continuous(table: Table, node: str, variable: Continuous) -> np.ndarray:
    """A column as float64 [N] of finite values within the variable's bounds."""
    column = table.values[node]
    # True is the number 1 of a binary label, and no measurement
    numbers = np.where(_is_word(column), np.nan, _numbers(column))
    legal = np.abs(numbers) <= np.finfo(np.float32).max
    low, high = variable.ends
    legal &= (numbers - variable.offset >= low) & (numbers - variable.offset <= high)
    bad = np.flatnonzero(~legal)
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{table.source}: column {node!r}, {table.place(row)}: expected {_cut(variable.expected, 100)}; got "
            f"{_cut(column.iloc[row])}. {bad.size:,} of {len(column):,} rows are so."
        )
    return numbers


def _is_numeric(column: pd.Series) -> bool:
    """Whether a column was parsed as numbers or booleans."""
    return not isinstance(column.dtype, pd.CategoricalDtype) and pd.api.types.is_numeric_dtype(column)


def _numbers(column: pd.Series) -> np.ndarray:
    """float64 [N]; NaN for what is neither a number nor True or False."""
    if _is_numeric(column):  # booleans are
        return column.to_numpy(np.float64)
    words = _texts(column).str.lower()
    return words.map(WORDS).fillna(pd.to_numeric(words, errors="coerce")).to_numpy(np.float64)


def _is_word(column: pd.Series) -> np.ndarray:
    """Which values are the words True and False, bool [N]; a column of booleans holds no words."""
    if _is_numeric(column):
        return np.zeros(len(column), bool)
    return _texts(column).str.lower().isin(WORDS).to_numpy(bool)


def _texts(column: pd.Series) -> pd.Series:
    """The values as they are written: whole numbers without a point, texts without spaces around."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda number: repr(float(number)).removesuffix(".0"))
    return column.astype(object).astype(str).str.strip()


def _rank(name: str) -> tuple[float, str]:
    """Order of categories: numbers by their size, before texts by the alphabet."""
    number = pd.to_numeric(name, errors="coerce")
    return (np.inf if np.isnan(number) else float(number), name)
