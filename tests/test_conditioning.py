"""Rows that meet a condition: exact, by rejection and by weighted rows, against the enumerated law of the model."""

import numpy as np
import pandas as pd
import pytest
from random_models import random_model, with_moments
from scipy import stats

from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import label_sampler
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.particles import resampled
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.inference.soft_do import Formula, Law
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController

GRAPH = CausalGraph.from_text("A -> B -> C; A -> C; C -> D; E -> D; B: categorical(x, y, z)")
MIXED = CausalGraph.from_text("Age -> Ill; Ill -> Dose; Age -> Dose; Sex; Age: continuous(0, 100); Dose: continuous")
N, ALARM = 40_000, 1e-6


@pytest.fixture(scope="module")
def model():
    return random_model(GRAPH)


@pytest.fixture(scope="module")
def mixed():
    return random_model(with_moments(MIXED))


def conditional(model, do, given):
    """P(all labels | do, given) by enumeration of the truncated factorisation."""
    query = Query.create(model.graph, do, given)
    joint = model.label_distribution().joint(do)
    cells = np.stack(np.unravel_index(np.arange(len(joint)), model.graph.sizes, order="F"), 1)
    kept = joint * meets(cells, model.graph, query.given)
    return kept / kept.sum()


QUESTIONS = (
    ({}, {"D": 1}),
    ({}, {"D": 1, "B": {"x", "z"}, "E": 0}),
    ({"C": 1}, {"D": 0, "B": "y"}),
    ({"B": Law.of({"x": 0.9, "z": 0.1})}, {"C": 0}),
    ({"C": Formula("1 - C"), "A": Law.of(0.2)}, {"D": 1}),
)


@pytest.mark.parametrize("method", ["exact", "rejection", "particles"])
@pytest.mark.parametrize(("do", "given"), QUESTIONS)
def test_rows_of_every_method_have_the_enumerated_conditional_law(model, method, do, given):
    samples = model.labels.draw(N, Query.create(GRAPH, do, given), seed=5, method=method)
    truth, counts = conditional(model, do, given), histogram(samples.labels, GRAPH.sizes) * N
    assert counts[truth == 0.0].sum() == 0
    kept = truth * N >= 5.0
    # particles are resampled from twice as many: at most four times the variance of independent rows
    spread = 4.0 if method == "particles" else 1.0
    error = ((counts - N * truth)[kept] ** 2 / (N * truth[kept])).sum() / spread
    assert error < stats.chi2.isf(ALARM, kept.sum()), (error, kept.sum())
    assert samples.diagnostics.method == method and len(samples.labels) == N


def test_the_mass_of_the_condition_is_its_probability(model):
    given = {"D": 1, "B": ["x", "z"]}
    truth = model.probability({"D": 1, "B": ["x", "z"]}).value
    for method in ("exact", "rejection", "particles"):
        found = model.labels.draw(N, Query.create(GRAPH, given=given), seed=1, method=method).diagnostics.mass
        assert found == pytest.approx(truth, abs=0.01 if method != "exact" else 1e-9)


def test_the_method_is_chosen_by_what_there_is(model, mixed):
    def chosen(one, **query):
        return one.sample(10, **query).diagnostics.method

    assert chosen(model) == chosen(model, do={"A": 1}) == "direct"
    assert chosen(model, given={"D": 1}) == "exact"
    assert chosen(mixed, given={"Sex": 1}) == "exact"  # nothing but itself matters
    assert chosen(mixed, given={"Age": (40, 60)}) == "rejection"
    assert chosen(mixed, given={"Age": (50, 50.001), "Ill": 1}) == "particles"
    assert chosen(random_model(GRAPH, CausalController), given={"D": 1}) == "rejection"


def test_a_number_that_is_set_beside_a_condition_stays_as_it_was_set(mixed):
    for given in ({"Sex": 1}, {"Ill": 1}, {"Age": (40.0, 60.0)}):
        do = {"Dose": -7.25} | ({} if "Age" in given else {"Age": 41.5})
        drawn = mixed.sample(20, do, given)
        for node, value in do.items():
            assert drawn.labels[node].to_numpy() == pytest.approx(value, rel=1e-5), (given, drawn.diagnostics.method)


def test_an_exact_row_is_a_function_of_seed_and_row(model):
    few, many = (model.sample(n, {"E": 1}, {"D": 1}, seed=9) for n in (16, 64))
    assert few.labels.equals(many.labels[:16]) and (few.seeds == many.seeds[:16]).all()
    assert not many.labels.equals(model.sample(64, {"E": 1}, {"D": 1}, seed=10).labels)


LONG = with_moments(
    CausalGraph.from_text(
        "n0 -> n1 -> n2 -> n3; n0 -> n2; n1: categorical(a, b, c); n2: continuous; n3 -> n4;"
        + ";".join(f"n{i} -> n{i + 1}" for i in range(4, 40))
    )
)


@pytest.mark.parametrize("family", [ExplicitController, CausalController])
@pytest.mark.parametrize(
    "do", [pytest.param(do, marks=pytest.mark.long) for do in ({}, {"n30": 1}, {"n1": "b"})] + [{"n1": "c", "n20": 0}]
)
def test_candidates_of_ancestors_alone_are_accepted_as_whole_rows_are(family, do, monkeypatch):
    wide = random_model(LONG, family, scale=1.5)
    asked = {"do": do, "given": {"n0": 1, "n2": (40, 70)}, "seed": 4, "method": "rejection"}
    found = wide.sample(200, **asked)
    assert [len(judge.graph) for judge in wide.labels._judges.values()] == [3]
    monkeypatch.setattr(label_sampler, "SPARED", 10**9)
    whole = wide.sample(200, **asked)
    pd.testing.assert_frame_equal(found.labels, whole.labels)
    np.testing.assert_array_equal(found.seeds, whole.seeds)
    assert found.diagnostics == whole.diagnostics and found.labels["n2"].between(40, 70).all()


@pytest.mark.parametrize("family", [ExplicitController, CausalController])
def test_mechanisms_of_a_part_draw_what_they_draw_in_the_whole(family):
    whole = random_model(LONG, family, scale=1.5).mechanisms
    part = whole.of_part({"n0": (), "n1": ("n0",), "n2": ("n0", "n1"), "n3": ("n2",)})
    seeds = np.arange(1_000)
    kept = LabelSampler(part)(seeds).numpy()
    np.testing.assert_allclose(kept, LabelSampler(whole)(seeds).numpy()[:, :4], rtol=1e-4, atol=1e-3)
    # n1 is always set here: nothing above it is drawn
    cut = whole.of_part({"n0": (), "n1": (), "n2": ("n0", "n1")})
    do = np.full([1_000, 3], np.nan, np.float32)
    do[:, cut.graph.index("n1")] = 2
    everywhere = np.full([1_000, len(LONG)], np.nan, np.float32)
    everywhere[:, 1] = 2
    drawn, expected = LabelSampler(cut)(seeds, do).numpy(), LabelSampler(whole)(seeds, everywhere).numpy()
    np.testing.assert_allclose(drawn[:, cut.graph.index("n2")], expected[:, 2], rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="expected the parents"):
        whole.of_part({"n0": (), "n2": ("n0",)})


@pytest.mark.parametrize("given", [{"Age": (40, 60)}, {"Age": (50, 50.001), "Ill": 1}])
def test_how_many_rows_are_asked_for_changes_none_of_them(mixed, given):
    few, many = (mixed.sample(n, given=given, seed=9) for n in (16, 2_500))
    assert few.diagnostics.method == many.diagnostics.method
    pd.testing.assert_frame_equal(few.labels, many.labels[:16])


def test_rows_of_rejection_are_drawn_again_from_their_seeds(model):
    samples = model.sample(50, {"A": Law.of(0.5)}, {"D": 1}, seed=2, method="rejection")
    again = model.labels.redraw(samples.seeds, samples.query)
    assert (
        again
        == np.stack(
            [samples.labels[node].cat.codes if node == "B" else samples.labels[node] for node in GRAPH.nodes], 1
        )
    ).all()


def test_weighted_rows_meet_intervals_and_have_the_law_of_rejected_ones(mixed):
    given = {"Dose": (55.0, 70.0), "Ill": 1}
    weighted, rejected = (mixed.sample(20_000, given=given, seed=3, method=m) for m in ("particles", "rejection"))
    assert weighted.labels["Dose"].between(55.0, 70.0).all() and (weighted.labels["Ill"] == 1).all()
    for node in ("Age", "Dose"):
        assert stats.ks_2samp(weighted.labels[node], rejected.labels[node]).statistic < 0.025
    assert weighted.diagnostics.mass == pytest.approx(rejected.diagnostics.mass, rel=0.05)
    # the error of the populations and that of drawing from them add up: a block is worth half its rows or more
    assert 10_000 <= weighted.diagnostics.effective < 20_000


@pytest.mark.parametrize("do", [{"Age": Formula("Age / 2")}, {"Age": Law.normal(40, 10)}, {"Ill": Formula("1 - Ill")}])
def test_weighted_rows_under_the_same_do_are_the_same_rows(mixed, do):
    seen = mixed.sample(200, do, {"Dose": (50.0, 75.0)}, seed=4, method="particles")
    pd.testing.assert_frame_equal(mixed.twins(seen, do).labels, seen.labels)
    moved = mixed.twins(seen, do | {"Sex": 1}).labels
    pd.testing.assert_frame_equal(moved.drop(columns="Sex"), seen.labels.drop(columns="Sex"))


def test_a_formula_behind_a_constant_begins_with_a_natural_value_anew(mixed):
    seen = mixed.sample(2_000, {"Age": 99.0}, {"Ill": 1}, seed=4, method="particles")
    found = mixed.twins(seen, {"Age": Formula("Age / 2")}).labels["Age"]
    natural = mixed.sample(2_000, {"Age": Formula("Age / 2")}, seed=5).labels["Age"]
    assert stats.ks_2samp(found, natural).pvalue > 1e-3 and found.nunique() > 1_000


def test_soft_interventions_hold_in_weighted_rows(mixed):
    do = {"Age": Law.uniform(30, 40), "Dose": Formula("Dose + Age")}
    samples = mixed.sample(2_000, do, {"Ill": 1}, seed=3, method="particles")
    plain = mixed.labels.redraw(samples.seeds[:5], Query.create(mixed.graph, do))
    assert samples.labels["Age"].between(30.0, 40.0).all() and plain[:, 0].min() >= 30.0


@pytest.mark.parametrize("method", ["exact", "particles"])
def test_an_impossible_condition_is_an_error_that_says_how_often_it_was_met(method):
    graph = CausalGraph.from_text("A -> B")
    mechanisms = ExplicitController(graph, width=4, layers=2)
    mechanisms.vector.assign(1e6 * mechanisms.vector)
    sure = CausalModel(graph, mechanisms)
    impossible = next(
        {"A": a, "B": b} for a in (0, 1) for b in (0, 1) if sure.probability({"A": a, "B": b}).value == 0.0
    )
    with pytest.raises(ConditioningError) as caught:
        sure.sample(10, given=impossible, method=method, max_draws=100_000)
    assert (caught.value.found, caught.value.mass) == (0, 0.0)


def test_too_few_rows_within_the_budget_are_an_error_and_never_fewer_rows():
    implicit = random_model(GRAPH, CausalController)
    with pytest.raises(ConditioningError, match="Found .* of 2000000 rows") as caught:
        implicit.sample(2_000_000, given={"D": 1, "B": "x"}, max_draws=100_000)
    error = caught.value
    assert 0 < error.found < error.wanted == 2_000_000 and error.draws >= 100_000
    assert error.mass == pytest.approx(error.found / error.draws)


def test_a_bar_shows_how_far_a_rare_condition_is_only_where_it_was_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(label_sampler, "DELAY", 0.0)
    implicit = random_model(GRAPH, CausalController)
    for progress in (False, True):
        implicit.sample(5, given={"D": 1, "B": "x"}, progress=progress)
        assert ("rows drawn" in capsys.readouterr().err) is progress


def test_a_method_that_cannot_draw_it_is_refused(mixed):
    with pytest.raises(InputError, match="method: expected auto, exact, rejection or particles"):
        mixed.sample(5, given={"Sex": 1}, method="best")
    with pytest.raises(InputError, match="method exact: the condition depends on numbers"):
        mixed.sample(5, given={"Age": (0, 50)}, method="exact")
    with pytest.raises(InputError, match="implicit mechanisms state no probabilities"):
        random_model(GRAPH, CausalController).sample(5, given={"A": 1}, method="particles")


def test_systematic_resampling_keeps_shares():
    weights = np.array([0.1, 0.0, 0.6, 0.3])
    found = np.bincount(resampled(weights, 1_000, np.random.default_rng(0)), minlength=4)
    assert np.abs(found - 1_000 * weights).max() <= 1
