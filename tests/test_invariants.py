"""What holds for every causal model, whatever its graph, types, weights and interventions (hypothesis)."""

import networkx as nx
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from random_models import DISCRETE, NUMBERS, SETTINGS, dos, models, rows_of, values
from scipy import stats

from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.graphs.variables import Continuous
from causalgan_tf.inference.abduction import Abduction
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.networks import spline
from causalgan_tf.networks.codecs import codec_of

ROWS, MANY, POINTS = 256, 10_000, 2_000
ALARM = 1e-9  # of one comparison: of the few thousand below at most one in 100,000 runs of new examples would fail


def names_of(graph, do):
    return {node: graph.variables[node].shown(value) for node, value in do.items()}


def assert_counts(count, of, share):
    """Counts [...] that a binomial distribution of these shares would show."""
    low, high = stats.binom.interval(1.0 - ALARM, of, np.clip(share, 0.0, 1.0))
    assert (low <= count).all() and (count <= high).all(), (count, share)


@SETTINGS
@given(st.data())
def test_do_sets_its_label_and_leaves_what_does_not_descend_from_it_exactly_equal(data):
    model = data.draw(models())
    graph, first = model.graph, data.draw(st.integers(0, 2**40))
    do, seeds = data.draw(dos(model.graph)), np.arange(first, first + ROWS) * 7_919
    before, after = rows_of(model, seeds, {}), rows_of(model, seeds, do)
    edges = nx.DiGraph(graph.edges)
    edges.add_nodes_from(graph.nodes)
    moved = set().union(*(nx.descendants(edges, node) for node in do)) - set(do)
    for k, node in enumerate(graph.nodes):
        if node in do:
            np.testing.assert_allclose(after[:, k], np.float32(do[node]), rtol=1e-5, atol=1e-4)
        elif node not in moved:
            np.testing.assert_array_equal(after[:, k], before[:, k])


@SETTINGS
@given(st.data())
def test_a_label_under_do_does_not_depend_on_what_its_former_causes_are(data):
    model = data.draw(models())
    graph, seeds = model.graph, np.arange(ROWS)
    (node,) = data.draw(st.lists(st.sampled_from(graph.nodes), min_size=1, max_size=1))
    do = {node: data.draw(values(graph.variables[node]))}
    # with every other parent of its children held too, nothing of its causes can be told from the children
    children = [name for name in graph.nodes if node in graph.parents[name]]
    held = {
        p: data.draw(values(graph.variables[p]))
        for c in children
        for p in graph.parents[c]
        if p not in (node, *children)
    }
    causes = {p: data.draw(values(graph.variables[p])) for p in graph.parents[node] if p not in held}
    one, other = rows_of(model, seeds, do | held), rows_of(model, seeds, do | held | causes)
    for name in children:
        if not set(graph.parents[name]) & set(children):
            np.testing.assert_array_equal(one[:, graph.index(name)], other[:, graph.index(name)])


@SETTINGS
@given(st.data())
def test_a_label_that_is_set_to_what_it_is_anyway_changes_nothing(data):
    model = data.draw(models())
    graph, seeds, do = model.graph, np.arange(ROWS), data.draw(dos(model.graph, most=1))
    before = rows_of(model, seeds, do)
    node = data.draw(st.sampled_from(graph.nodes))
    again = rows_of(model, seeds, do | {node: before[:, graph.index(node)]})
    for k, name in enumerate(graph.nodes):
        # a number is rounded on its way in and out, and a label right at a threshold may turn
        same = np.isclose(again[:, k], before[:, k], rtol=1e-3, atol=1e-3 * getattr(graph.variables[name], "std", 1.0))
        assert same.mean() >= (0.99 if graph.sizes is None else 1.0)


@SETTINGS
@given(st.data())
def test_distributions_sum_to_1_and_do_is_the_whole_of_its_label(data):
    model = data.draw(models(kinds=DISCRETE))
    graph = model.graph
    do = data.draw(dos(graph))
    for node in graph.nodes:
        law = model.distribution(node, names_of(graph, do), draws=500)
        assert (law >= 0.0).all() and law.sum() == pytest.approx(1.0, abs=1e-12)
        if node in do:
            assert law[graph.variables[node].shown(do[node])] == 1.0
    joint = model.joint_distribution(names_of(graph, do), draws=500)
    assert joint.sum() == pytest.approx(1.0, abs=1e-12)


@SETTINGS
@given(st.data())
def test_draws_have_the_frequencies_of_the_distribution_under_every_do(data):
    model = data.draw(models(families=["explicit"], kinds=DISCRETE))
    graph = model.graph
    do = data.draw(dos(graph))
    rows = rows_of(model, np.arange(MANY) * 31 + 5, do).astype(int)
    pair = data.draw(st.lists(st.sampled_from(graph.nodes), min_size=2, max_size=2, unique=True))
    for asked in (*([node] for node in graph.nodes), pair):
        sizes = [graph.variables[node].size for node in asked]
        code = np.ravel_multi_index([rows[:, graph.index(node)] for node in asked], sizes)
        law = model.distribution(asked, names_of(graph, do)).to_numpy()
        assert_counts(np.bincount(code, minlength=len(law)), MANY, law)


@SETTINGS
@given(st.data())
def test_a_discrete_label_among_numbers_has_the_frequencies_that_its_mechanism_states(data):
    model = data.draw(models(families=["explicit"]))
    graph = model.graph
    discrete = [node for node in graph.nodes if graph.variables[node].size is not None]
    for node in discrete[-2:]:
        cell = {parent: data.draw(values(graph.variables[parent])) for parent in graph.parents[node]}
        law = model.mechanisms.probabilities(node, np.array([[*cell.values()]]))[0]
        assert law.sum() == pytest.approx(1.0, abs=1e-12)
        drawn = rows_of(model, np.arange(MANY), cell)[:, graph.index(node)].astype(int)
        assert_counts(np.bincount(drawn, minlength=len(law)), MANY, law)
        row = np.array([[cell.get(name, 0.5 if name not in discrete else 0.0) for name in graph.nodes]], np.float32)
        row = np.repeat(row, len(law), 0)
        row[:, graph.index(node)] = np.arange(len(law))
        np.testing.assert_allclose(np.exp(model.labels.log_probability(row)[:, graph.index(node)]), law, atol=1e-5)


@SETTINGS
@given(st.data())
def test_the_density_of_a_number_has_mass_1_whatever_its_causes_are(data):
    model = data.draw(models(families=["explicit"], kinds=[*DISCRETE[:2], *NUMBERS]))
    graph = model.graph
    numbers = [node for node in graph.nodes if graph.variables[node].size is None]
    for node in numbers[-1:]:
        cell = {parent: data.draw(values(graph.variables[parent])) for parent in graph.parents[node]}
        drawn = rows_of(model, np.arange(MANY), cell)
        column = np.sort(drawn[:, graph.index(node)].astype(np.float64))
        # between the draws, which are dense where the density is; far beyond them the tails are a normal distribution's
        bounded = graph.variables[node].bounded
        far = [] if bounded else 12.0 * graph.variables[node].std * np.linspace(0.001, 1.0, 1_000)
        ends = [graph.variables[node].low, graph.variables[node].high] if bounded else []
        grid = np.unique(np.concatenate([column, column[0] - far, column[-1] + far, ends]).astype(np.float32))
        rows = np.repeat(drawn[:1], len(grid), 0)
        for name, value in (cell | {node: grid}).items():
            rows[:, graph.index(name)] = value
        density = np.exp(model.labels.log_probability(rows)[:, graph.index(node)].astype(np.float64))
        at_bounds = np.isin(column, ends).mean()
        assert np.trapezoid(density, grid) + at_bounds == pytest.approx(1.0, abs=0.01)


codec_parameters = st.tuples(st.sampled_from(NUMBERS), st.integers(0, 10_000), st.floats(0.0, 1.5))


def stated(kind, seed, scale):
    """Random outputs [1, O, 1] of a number's mechanism, and its constants."""
    codec = codec_of(kind)
    outputs = scale * np.random.default_rng(seed).normal(size=(1, codec.outputs, 1)).astype(np.float32)
    constants = np.ones([1, 3, 1], np.float32)
    constants[0, :, 0] = codec.constants()
    return codec, tf.constant(np.repeat(outputs, POINTS, 2)), tf.constant(constants)


@SETTINGS
@given(codec_parameters)
def test_a_number_rises_with_its_noise_and_its_density_is_the_slopes_inverse(parameters):
    """The change of variables: p(F^-1(u)) dF^-1/du = 1, bounds, scale and spline together."""
    codec, outputs, constants = stated(*parameters)
    uniform = tf.constant((np.arange(POINTS) + 0.5)[None, None] / POINTS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(uniform)
        drawn = codec.draw(outputs, uniform, constants)
    slope = tape.gradient(drawn, uniform)[0, 0].numpy()
    assert (np.diff(drawn[0, 0]) >= -1e-6).all()
    inner = slope > 1e-6
    found = codec.log_probability(outputs, drawn, constants)[0].numpy()[inner] + np.log(slope[inner])
    # float32 knows a value to 1e-7, and a steep spline multiplies that
    assert np.median(np.abs(found)) < 2e-3 and np.quantile(np.abs(found), 0.99) < 0.05
    kind: Continuous = parameters[0]
    if kind.bounded:
        within = codec.values(drawn[0]).numpy()
        assert within.min() >= kind.low and within.max() <= kind.high


@SETTINGS
@given(st.integers(0, 10_000), st.floats(0.0, 2.0), st.floats(1.0, 30.0))
def test_a_spline_and_its_inverse_undo_each_other_in_the_tails_too(seed, scale, reach):
    rng = np.random.default_rng(seed)
    parameters = tf.constant(np.repeat(scale * rng.normal(size=(1, spline.PARAMETERS, 1)), 1_000, 2), tf.float32)
    y = tf.constant(np.sort(rng.uniform(-reach, reach, (1, 1_000))), tf.float32)
    x = spline.inverse(y, parameters)
    again, log_slope = spline.forward(x, parameters)
    np.testing.assert_allclose(again, y, atol=3e-4)
    assert (np.diff(x) >= -1e-6).all()
    with tf.GradientTape() as tape:
        tape.watch(x)
        forward, _ = spline.forward(x, parameters)
    np.testing.assert_allclose(tf.math.log(tape.gradient(forward, x)), log_slope, atol=5e-3)
    outside = np.abs(y) >= spline.REACH
    np.testing.assert_array_equal(x.numpy()[outside], y.numpy()[outside])


@st.composite
def conditions(draw, graph, most=2):
    """Conditions on at most so many labels: a value, a set or an interval each, by the user's values."""
    found = {}
    for node in draw(st.lists(st.sampled_from(graph.nodes), min_size=1, max_size=most, unique=True)):
        variable = graph.variables[node]
        if variable.size is None:
            low = draw(st.floats(-1.0, 0.5))
            ends = [variable.mean + z * variable.std for z in (low, low + draw(st.floats(0.5, 3.0)))]
            found[node] = tuple(np.clip(ends, variable.low, variable.high).tolist())
            if not found[node][0] < found[node][1]:
                del found[node]
        else:
            places = draw(st.sets(st.integers(0, variable.size - 1), min_size=1))
            found[node] = {variable.shown(place) for place in places}
    return found


@pytest.mark.long
@SETTINGS
@given(st.data())
def test_every_row_meets_the_condition_and_the_query_reads_what_it_wrote(data):
    model = data.draw(models())
    given = data.draw(conditions(model.graph))
    do = {node: value for node, value in data.draw(dos(model.graph)).items() if node not in given}
    query = Query.create(model.graph, names_of(model.graph, do), given)
    assert Query.parse(model.graph, query.text()).text() == query.text()
    try:
        rows = model.labels.draw(20, query, seed=1).labels
    except ConditioningError as error:
        # a condition that is not rare is met
        assert error.found < 20 and error.mass < 1e-4
        return
    assert len(rows) == 20 and meets(rows, model.graph, query.given).all()
    for node, value in do.items():
        np.testing.assert_allclose(rows[:, model.graph.index(node)], np.float32(value), rtol=1e-5, atol=1e-4)


@SETTINGS
@given(st.data())
def test_a_label_is_never_set_and_observed_at_once(data):
    graph = data.draw(models()).graph
    given = data.draw(conditions(graph))
    for node in given:
        value = graph.variables[node].shown(data.draw(values(graph.variables[node])))
        with pytest.raises(InputError, match="is in do and in given"):
            Query.create(graph, {node: value}, given)


@pytest.mark.long
@SETTINGS
@given(st.data())
def test_counterfactuals_keep_what_do_cannot_move_and_an_empty_do_moves_nothing(data):
    model = data.draw(models(families=("explicit",)))
    graph, do = model.graph, names_of(model.graph, data.draw(dos(model.graph)))
    rows = model.labels.redraw(np.arange(40) * 7_919, Query.create(graph))
    seeds = np.arange(40)
    unit = Abduction(graph, model.mechanisms, Query.create(graph, do))
    there = unit.predict(rows, seeds)
    moved = set().union(*(graph.descendants(node) for node in do), set(do))
    for k, node in enumerate(graph.nodes):
        if node not in moved:
            np.testing.assert_array_equal(there[:, k], rows[:, k].astype(np.float64))
    # what was done is done: a second time nothing moves
    np.testing.assert_array_equal(unit.predict(there, seeds), there)


@SETTINGS
@given(st.data())
def test_a_condition_on_what_descends_from_do_is_one_on_the_mutilated_model(data):
    model = data.draw(models(families=("explicit",), kinds=tuple(DISCRETE)))
    graph = model.graph
    edges = list(graph.edges)
    if not edges:
        return
    cause, effect = data.draw(st.sampled_from(edges))
    do = {cause: graph.variables[cause].shown(data.draw(values(graph.variables[cause])))}
    law = model.label_distribution()
    seen = {effect: graph.variables[effect].shown(data.draw(values(graph.variables[effect])))}
    if law.probability(seen, do) < 1e-9:
        return
    for node in graph.nodes:
        if node in (cause, effect):
            continue
        value = {node: graph.variables[node].shown(0)}
        expected = law.probability({**value, **seen}, do) / law.probability(seen, do)
        assert law.probability(value, do, seen) == pytest.approx(expected, abs=1e-9)
