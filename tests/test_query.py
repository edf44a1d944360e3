"""Queries: what is read, and what is refused."""

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.query import Query, parse_assignments, parse_probability

GRAPH = CausalGraph.from_text("Male -> Mustache; Young")


def test_the_do_vector_holds_values_in_graph_order_and_nan_elsewhere():
    vector = Query.create(GRAPH, {"Mustache": 1, "Male": False}).do_vector(GRAPH)
    np.testing.assert_array_equal(vector, np.array([0.0, 1.0, np.nan], np.float32))


def test_numbers_that_are_zero_or_one_are_values():
    query = Query.create(GRAPH, {"Male": np.int64(1)}, {"Young": 0.0})
    assert query.do == {"Male": 1} and query.given == {"Young": 0}
    assert query.text() == "do(Male=1), Young=0"


@pytest.mark.parametrize(
    ("do", "given", "message"),
    [
        ({"Mustash": 1}, {}, "no node 'Mustash'. Did you mean 'Mustache'"),
        ({"Male": 2}, {}, "do Male=2: expected 0 or 1"),
        ({}, {"Male": "1"}, "given Male='1': expected 0 or 1"),
        ({"Male": float("nan")}, {}, "expected 0 or 1"),
        ({0: 1}, {}, "no node 0. Nodes: Male"),
        ("Male=1", {}, "do: expected a mapping such as {'Mustache': 1}, got 'Male=1'"),
        ({"Male": 1}, {"Male": 1}, "'Male' is in do and in given"),
    ],
)
def test_an_impossible_query_is_refused(do, given, message):
    with pytest.raises(InputError, match=message):
        Query.create(GRAPH, do, given)


def test_a_query_cannot_be_changed():
    with pytest.raises(TypeError):
        Query.create(GRAPH, {"Male": 1}).do["Male"] = 0


def test_assignments_are_read():
    assert parse_assignments("Mustache=1, Young=0") == {"Mustache": 1, "Young": 0}
    assert parse_assignments("") == {}


@pytest.mark.parametrize(
    ("text", "message"), [("Male", "'Male': expected"), ("Male=2", "expected"), ("A=1,A=0", "A is assigned twice")]
)
def test_malformed_assignments_are_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_assignments(text)


def test_probabilities_are_read():
    assert parse_probability("P(Male=0|do(Mustache=1))") == ({"Male": 0}, {"Mustache": 1}, {})
    assert parse_probability("P(Male=0|Mustache=1)") == ({"Male": 0}, {}, {"Mustache": 1})
    assert parse_probability("P(A=1, B=0 | do(C=1), D=0)") == ({"A": 1, "B": 0}, {"C": 1}, {"D": 0})
    assert parse_probability("P(A=1)") == ({"A": 1}, {}, {})


@pytest.mark.parametrize("text", ["Male=0", "P(Male=0", "P()", "P( )", "P(,)", "P(Male=0|)", "Q(Male=0)"])
def test_what_is_no_probability_is_refused(text):
    with pytest.raises(InputError, match="expected a probability"):
        parse_probability(text)


@pytest.mark.parametrize("text", ["P(Male=0|do(Mustache=1)", "P(Male=0|do(Mustache))", "P(Male=0|Young)"])
def test_a_malformed_condition_is_named(text):
    with pytest.raises(InputError, match="expected name=0 or name=1"):
        parse_probability(text)


def test_a_query_writes_what_a_probability_reads():
    query = Query.create(GRAPH, {"Mustache": 1, "Male": 0}, {"Young": 1})
    assert query.text() == "do(Mustache=1, Male=0), Young=1"
    assert parse_probability(f"P(Young=1|{query.text()})")[1:] == (query.do, query.given)
    assert Query.create(GRAPH).text() == ""
    assert np.isnan(Query.create(GRAPH).do_vector(GRAPH)).all()
