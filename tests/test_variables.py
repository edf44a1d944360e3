"""Kinds of labels: declared, written, read, and held as numbers."""

import math

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs import variables
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous, parse_variable


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("binary", Binary()),
        ("Categorical", Categorical()),
        ("categorical(never, former, now)", Categorical(("never", "former", "now"))),
        (" continuous ", Continuous()),
        ("continuous(-1, 2.5)", Continuous(-1.0, 2.5)),
    ],
)
def test_a_declaration_is_read_and_written_back(text, variable):
    assert parse_variable(text) == variable
    assert parse_variable(variable.text()) == variable


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("categorial(a, b)", "Did you mean 'categorical'"),
        ("binary(2)", "expected a kind of label"),
        ("continuous(1)", "expected a kind of label"),
        ("continuous(2, 1)", "the lower one first"),
        ("continuous(0, inf)", "two finite bounds"),
        ("categorical(a)", "at least two different names"),
        ("categorical(a, a)", "at least two different names"),
    ],
)
def test_a_wrong_declaration_is_refused_in_words(text, message):
    with pytest.raises(InputError, match=message):
        parse_variable(text)


def test_a_graphs_text_declares_kinds_and_keeps_them():
    graph = CausalGraph.from_text("Age, Sex -> Smoke; Age: continuous(0, 110); Smoke: categorical(no, yes, often)")
    assert graph.variables["Sex"] == Binary() and "Sex" not in graph.declared
    assert graph.sizes is None and not graph.is_binary
    assert CausalGraph.from_text(graph.to_text()) == graph
    assert graph.do("Smoke").variables == graph.variables
    with pytest.raises(InputError, match="declared twice"):
        CausalGraph.from_text("A: binary; A: continuous")


@pytest.mark.parametrize(
    ("variable", "value", "number"),
    [(Binary(), True, 1.0), (Categorical(("a", "b", "c")), "c", 2.0), (Categorical(("1", "2")), 2, 1.0)]
    + [(Continuous(), 2, 2.0), (Continuous(0.0, 1.0), 0.5, 0.5)],
)
def test_a_value_stands_for_a_number(variable, value, number):
    assert variable.number(value) == number
    assert variable.number(variable.shown(number)) == number


@pytest.mark.parametrize(
    ("variable", "value"),
    [(Binary(), 2), (Binary(), "1"), (Categorical(("a", "b")), "z"), (Continuous(), "x")]
    + [(Continuous(), math.nan), (Continuous(), True), (Continuous(0.0, 1.0), 1.5)],
)
def test_a_value_that_the_label_cannot_have_is_no_number(variable, value):
    with pytest.raises(ValueError):
        variable.number(value)


def test_a_column_shows_categories_by_name():
    column = Categorical(("low", "high")).column(np.array([1, 0, 1], np.uint8))
    assert list(column) == ["high", "low", "high"] and list(column.categories) == ["low", "high"]


def test_a_continuous_label_takes_mean_and_deviation_of_its_rows():
    fitted = Continuous(0.0, 10.0).fitted(np.array([1.0, 3.0]))
    assert (fitted.mean, fitted.std, fitted.high) == (2.0, 1.0, 10.0)
    assert Continuous().fitted(np.array([5.0, 5.0])).std == 1.0


@pytest.mark.parametrize(
    ("text", "interval"),
    [("20..30", (20, 30)), ("..30", (-math.inf, 30)), ("-1.5..", (-1.5, math.inf)), ("1e-3..2", (0.001, 2))]
    + [("20", None), ("a..b", None), ("..", None)],
)
def test_intervals_are_read(text, interval):
    assert variables.parse_range(text) == interval


def test_kinds_survive_json():
    kinds = {"A": Binary(), "B": Categorical(("x", "y")), "C": Continuous(mean=2.0, std=0.5), "D": Continuous(0.0, 1.0)}
    assert variables.from_json(variables.to_json(kinds)) == kinds
    with pytest.raises(InputError, match="variable of 'A'"):
        variables.from_json({"A": {"kind": "ordinal"}})


@pytest.mark.parametrize("name", ["a,b", "a(b)", "#a", "{a}", " {a: b}"])
def test_a_category_that_no_query_can_write_is_refused(name):
    with pytest.raises(InputError, match="without commas.*no brace at their beginning"):
        Categorical((name, "other"))
    assert Categorical(("a{1}", "other")).number("a{1}") == 0.0
