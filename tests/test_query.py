"""Queries: what is read, and what is refused."""

import copy
import math
import pickle
import random
import re

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.query import Query, meets, parse_assignments, parse_probability, parse_query
from causalgan_tf.inference.soft_do import Formula, Law

GRAPH = CausalGraph.from_text("Male -> Mustache; Young")
KINDS = CausalGraph.from_text(
    "Sex -> Smoke -> BMI; Age; Smoke: categorical(never smoked, former, 01, <=5 a day); BMI: continuous; "
    "Age: continuous(0, 120)"
)


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


def test_values_are_read_without_a_graph():
    """A number is one if it is spelled as Python spells it, for 01 may be a category."""
    assert parse_assignments("A=2, B=-1.5,C=never smoked , D=20..30,E=..5,F=01,G=<=5") == {
        "A": 2,
        "B": -1.5,
        "C": "never smoked",
        "D": (20.0, 30.0),
        "E": (-math.inf, 5.0),
        "F": "01",
        "G": "<=5",
    }
    assert isinstance(parse_assignments("A=2")["A"], int) and isinstance(parse_assignments("A=2.0")["A"], float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Male", "'Male': expected name=value"),
        ("Male=", "'Male=': expected name=value"),
        ("=1", "'=1': expected name=value"),
        ("A=1,A=0", "A is assigned twice"),
        ("A=1,,B=0", "'A=1,,B=0' has an empty part"),
        ("A=1,", "'A=1,' has an empty part"),
    ],
)
def test_malformed_assignments_are_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_assignments(text)


def test_probabilities_are_read():
    assert parse_probability("P(Male=0|do(Mustache=1))") == ({"Male": 0}, {"Mustache": 1}, {})
    assert parse_probability("P(Male=0|Mustache=1)") == ({"Male": 0}, {}, {"Mustache": 1})
    assert parse_probability("P(A=1, B=0 | do(C=1), D=0)") == ({"A": 1, "B": 0}, {"C": 1}, {"D": 0})
    assert parse_probability("P(A=1)") == ({"A": 1}, {}, {})
    assert parse_probability("P(A=x y|D=2..3, do(B=0.5, C=z), E=1)") == (
        {"A": "x y"},
        {"B": 0.5, "C": "z"},
        {"D": (2.0, 3.0), "E": 1},
    )


@pytest.mark.parametrize("text", ["Male=0", "P(Male=0", "P()", "P( )", "P(,)", "P(Male=0|)", "Q(Male=0)"])
def test_what_is_no_probability_is_refused(text):
    with pytest.raises(InputError, match="expected a probability"):
        parse_probability(text)


@pytest.mark.parametrize("text", ["P(Male=0|do(Mustache=1)", "P(Male=0|do(Mustache))", "P(Male=0|Young)"])
def test_a_malformed_condition_is_named(text):
    with pytest.raises(InputError, match="expected name=value"):
        parse_probability(text)


@pytest.mark.parametrize("condition", [" ", "do()", "do(B=1),", "do(B=1),,C=0", "do(B=1,,C=0)", "do(B=1) C=0"])
def test_an_empty_or_joined_condition_is_refused(condition):
    with pytest.raises(InputError, match="expected name=value"):
        parse_probability(f"P(A=1|{condition})")


def test_a_query_writes_what_a_probability_reads():
    query = Query.create(GRAPH, {"Mustache": 1, "Male": 0}, {"Young": 1})
    assert query.text() == "do(Mustache=1, Male=0), Young=1"
    assert parse_probability(f"P(Young=1|{query.text()})")[1:] == (query.do, query.given)
    assert Query.create(GRAPH).text() == ""
    assert np.isnan(Query.create(GRAPH).do_vector(GRAPH)).all()


def test_values_of_every_kind_become_numbers():
    query = Query.create(KINDS, {"Smoke": "former", "Age": 30}, {"BMI": (20, 30), "Sex": 1})
    assert query.do == {"Smoke": 1, "Age": 30.0} and query.given == {"BMI": (20.0, 30.0), "Sex": 1}
    assert isinstance(query.do["Smoke"], int) and isinstance(query.do["Age"], float)
    np.testing.assert_array_equal(query.do_vector(KINDS), np.array([np.nan, 1, np.nan, 30], np.float32))
    assert Query.create(KINDS, given={"BMI": "20.."}).given == {"BMI": (20.0, math.inf)}
    assert Query.create(KINDS, given={"Smoke": "never smoked"}).given == {"Smoke": 0}


@pytest.mark.parametrize(
    ("do", "given", "message"),
    [
        ({"Smoke": "fomer"}, {}, "do Smoke='fomer': expected one of never smoked, former, .* Did you mean 'former'"),
        ({}, {"Smoke": 1}, "given Smoke=1: expected one of never smoked"),
        ({"Age": 130}, {}, "do Age=130: expected a number between 0 and 120"),
        ({"BMI": "high"}, {}, "do BMI='high': expected a finite number"),
        ({"BMI": (20, 30)}, {}, r"do BMI=\(20, 30\): expected a finite number"),
        ({}, {"BMI": 20}, "given BMI=20: expected an interval, such as BMI=20..30 .* probability 0"),
        ({}, {"BMI": "20"}, "given BMI='20': expected an interval"),
        ({}, {"BMI": (30, 20)}, "expected two numbers, the lower one first"),
        ({}, {"BMI": (20, 20)}, "expected two numbers, the lower one first"),
        ({}, {"BMI": (math.nan, 20)}, "expected two numbers"),
        ({}, {"BMI": ("a", "b")}, "expected two numbers"),
        ({}, {"Age": "130..140"}, "given Age='130..140': no value is there; expected a number between 0 and 120"),
        ({}, {"Sex": "0..1"}, "given Sex='0..1': expected 0 or 1"),
    ],
)
def test_a_value_that_a_label_cannot_have_is_refused(do, given, message):
    with pytest.raises(InputError, match=message):
        Query.create(KINDS, do, given)


def test_categories_that_are_still_in_the_table_cannot_be_asked_for():
    with pytest.raises(InputError, match="do A: the graph leaves its categories to the table"):
        Query.create(CausalGraph.from_text("A: categorical"), {"A": "x"})


@pytest.mark.parametrize(
    "text",
    ["do(Smoke=never smoked, Age=30), BMI=20..30.5", "Smoke=01, BMI=..0.1", "do(Smoke=<=5 a day), Sex=0, Age=18.."],
)
def test_a_query_of_every_kind_reads_what_it_wrote(text):
    event, do, given = parse_probability(f"P(Sex=1|{text})")
    assert event == {"Sex": 1} and Query.create(KINDS, do, given).text() == text


def test_another_spelling_of_a_number_is_that_number_of_a_continuous_label():
    assert Query.create(KINDS, parse_assignments("Age=030,BMI=2e1")).do == {"Age": 30.0, "BMI": 20.0}


def test_a_query_survives_pickling_and_copying():
    query = Query.create(KINDS, {"Smoke": "former"}, {"BMI": "20..30"})
    assert pickle.loads(pickle.dumps(query)) == query == copy.deepcopy(query)
    assert pickle.loads(pickle.dumps(query)).text() == "do(Smoke=former), BMI=20..30"


def test_rows_meet_values_and_intervals_ends_included():
    rows = np.array([[0, 1, 19.5, 1], [0, 1, 20, 1], [1, 1, 25, 1], [0, 2, 25, 1], [0, 1, 30, 1]], np.float32)
    given = Query.create(KINDS, given={"Sex": 0, "Smoke": "former", "BMI": "20..30"}).given
    assert meets(rows, KINDS, given).tolist() == [False, True, False, False, True]
    assert meets(rows, KINDS, {"BMI": (25.0, math.inf)}).tolist() == [False, False, True, True, True]
    assert meets(np.eye(3, dtype=np.uint8), GRAPH, {"Male": 0}).tolist() == [False, True, True]
    assert meets(rows, KINDS, {}).all()


@pytest.mark.parametrize(
    "text",
    [
        "do(Mustache~0.25), Male={0, 1}",
        "do(Mustache:=1 - Mustache, Male=0), evidence(Young=0, Male=1)",
        "evidence(Young={0, 1})",
        "",
    ],
)
def test_a_query_of_every_part_reads_what_it_wrote(text):
    query = Query.parse(GRAPH, text)
    assert query.text() == text and Query.parse(GRAPH, query.text()) == query
    assert pickle.loads(pickle.dumps(query)) == query


@pytest.mark.parametrize(
    "text",
    [
        "do(Smoke~{never smoked: 0.5, <=5 a day: 0.5}, BMI~normal(25, 4)), Age=18..",
        "do(BMI:=BMI + 5 if Smoke == '01' else 20, Age~uniform(20, 30))",
        "evidence(BMI=23.5, Age=30..40, Smoke={former, 01}), Sex=1",
    ],
)
def test_laws_formulas_and_evidence_of_every_type_read_what_they_wrote(text):
    query = Query.parse(KINDS, text)
    assert query.text() == text and Query.parse(KINDS, query.text()).text() == text


def test_names_with_any_marks_are_quoted_in_every_part():
    graph = CausalGraph({"a, b": [], "x|y": ["a, b"], "z~(1)": ["a, b", "x|y"]})
    text = 'do("x|y"~0.5, "z~(1)":="a, b" * "x|y"), evidence("a, b"=1)'
    query = Query.parse(graph, text)
    assert query.text() == text and query.do["z~(1)"].nodes == ("a, b", "x|y")
    assert parse_query('P("a, b"=1 | "x|y"=0)').event == {"a, b": 1}


def test_sets_laws_and_formulas_are_read_without_a_graph():
    assert parse_assignments("A={1, 2},B={never, 20..30}") == {
        "A": frozenset({1, 2}),
        "B": frozenset({"never", (20.0, 30.0)}),
    }
    assert parse_assignments("A~0.5, B~{x: .2, y: .8}, C~normal(40, 10)") == {
        "A": Law.of(0.5),
        "B": Law.of({"x": 0.2, "y": 0.8}),
        "C": Law.normal(40, 10),
    }
    assert parse_assignments("A:=max((B), 2) if C == ',' else 1, D=1")["D"] == 1


def test_means_have_one_outcome():
    parsed = parse_query("E(Age | do(Sex=1), evidence(Sex=0))")
    assert (parsed.outcome, parsed.event, parsed.do, parsed.evidence) == ("Age", {}, {"Sex": 1}, {"Sex": 0})
    assert parse_query('E("two words")').outcome == "two words"
    with pytest.raises(InputError, match="the name of one node"):
        parse_query("E(Age=1)")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("P(A=1 | do(B=1), C)", "'C': expected name=value.*character 18 of"),
        ("P(A=1 | do(B=1, D) , C=1)", "'D': expected name=value.*character 17 of"),
        ("P(A={1, 2)", "the brace at character 5 is not closed"),
        ("P(A={1,,2})", "a set with an empty part"),
        ("P(A=1 | do(B~x))", "'B~x' at character 12: expected a law"),
        ("P(A=1 | do(B:= ))", "expected a formula"),
        ("P(A=1 | evidence(B=1)", "parenthesis at character 17 is not closed"),
        ("P(A=1 | B=1 | C=1, C=2, C=3)", "C is assigned twice"),
        ("P(A=1 | do(B=1), do(B=0))", "B is assigned twice"),
    ],
)
def test_a_malformed_query_names_the_place(text, place):
    with pytest.raises(InputError, match=place):
        parse_query(text)


def test_whatever_is_mistyped_is_read_or_named_with_its_place():
    queries = (
        "P(A=1 | do(B=1), C=20..30)",
        'E(Age | evidence(X="a b", Y={1,2}), do(Z~normal(1, 2)), W=1)',
        'P("two words"=yes | do(Q:=X+1))',
        'P(A={a, "b, c"} | do(B~{0: .2, 1: .8}))',
    )
    rng, refused = random.Random(1), 0
    for _ in range(3_000):
        letters = list(rng.choice(queries))
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(letters))
            letters[place : place + rng.randint(0, 1)] = rng.choice(["", *'(){}|,="~:. \\1aP\n'])
        text = "".join(letters)
        try:
            parse_query(text)
        except InputError as error:
            refused += 1
            assert re.search(r"character \d+", str(error)), text
    assert refused > 1_500


def test_a_set_of_one_is_its_value_and_an_empty_one_is_refused():
    assert Query.create(KINDS, given={"Smoke": {"former"}}).given == {"Smoke": 1}
    assert Query.create(KINDS, given={"Smoke": ["former", "01"]}).given == {"Smoke": frozenset({1, 2})}
    with pytest.raises(InputError, match="given Sex: an empty set"):
        Query.create(KINDS, given={"Sex": set()})
    with pytest.raises(InputError, match="given BMI=.*expected an interval"):
        Query.create(KINDS, given={"BMI": {20, 30, 40}})


def test_evidence_may_be_one_number_and_may_be_about_what_is_set():
    query = Query.create(KINDS, do={"BMI": 30}, evidence={"BMI": 20, "Age": (30, 40)})
    assert query.evidence == {"BMI": 20.0, "Age": (30.0, 40.0)} and query.constants == {"BMI": 30.0}
    with pytest.raises(InputError, match="evidence Age=130: expected a number between 0 and 120"):
        Query.create(KINDS, evidence={"Age": 130})


def test_constants_and_soft_interventions_are_told_apart():
    query = Query.create(GRAPH, {"Mustache": Formula("Male"), "Male": Law.of(0.5), "Young": 1})
    assert query.constants == {"Young": 1} and list(query.soft) == ["Mustache", "Male"]
    np.testing.assert_array_equal(query.do_vector(GRAPH), np.array([np.nan, np.nan, 1.0], np.float32))


def test_rows_meet_sets():
    rows = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 2, 0, 0]], np.float32)
    assert meets(rows, KINDS, Query.create(KINDS, given={"Smoke": {"never smoked", "01"}}).given).tolist() == [1, 0, 1]
