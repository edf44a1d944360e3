"""The controller's networks: one function, written twice; and what do() may touch."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.networks import columns, schedule, stacked
from causalgan_tf.networks import mechanisms as nets

SIZE, ROWS = 3, 16
BINARY = CausalGraph.from_text("A -> B; A, B -> C; D -> C; E")
MIXED = CausalGraph.from_text(
    "A -> B; A, B -> C; D -> C; E; C, E -> F; B: continuous; C: categorical(x, y, z); E: continuous(0, 2)"
)


@pytest.fixture(scope="module", params=["binary", "binary looped", "mixed", "mixed looped"])
def both(request):
    """CausalController, and the functional model that has their weights."""
    patch = pytest.MonkeyPatch()
    if "looped" in request.param:
        patch.setattr(schedule, "WRITTEN_OUT", 1)
    mechanisms = nets.CausalController(BINARY if "binary" in request.param else MIXED, SIZE, width=4, layers=3, seed=1)
    patch.undo()
    assert (mechanisms.schedule.stacks[0].shape[0] > 1) == ("looped" in request.param)
    return mechanisms, mechanisms.functional()


def exogenous(mechanisms, seed=0):
    drawn = np.random.default_rng(seed).uniform(-1, 1, (mechanisms.noise_rows, ROWS)).astype(np.float32)
    blocks = drawn.reshape(-1, SIZE, ROWS)
    named = {node: tf.constant(block.T) for node, block in zip(mechanisms.blocks, blocks, strict=True)}
    return tf.constant(drawn), {node: named[node] for node in mechanisms.graph.nodes}


def untouched(mechanisms):
    return np.full((columns.count(mechanisms.graph), 1), np.nan, np.float32)


def test_the_functional_model_and_the_batch_last_form_give_the_same_labels(both):
    mechanisms, model = both
    drawn, named = exogenous(mechanisms)
    do = np.repeat(untouched(mechanisms), ROWS, 1)
    np.testing.assert_allclose(
        mechanisms.soft_labels(drawn), tf.transpose(model([named, tf.constant(do.T)])), atol=2e-6
    )


def test_the_gradient_is_the_functional_models(both):
    mechanisms, model = both
    drawn, named = exogenous(mechanisms)
    do = np.repeat(untouched(mechanisms), ROWS, 1)
    weight = tf.constant(np.random.default_rng(1).normal(size=do.shape), tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weight * mechanisms.soft_labels(drawn))
    packed = stacked.unpack(tape.gradient(loss, mechanisms.vector), mechanisms.shapes)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weight * tf.transpose(model([named, tf.constant(do.T)])))
    expected = dict(
        zip(map(id, model.trainable_variables), tape.gradient(loss, model.trainable_variables), strict=True)
    )
    for stack, layers in zip(mechanisms.schedule.stacks, packed, strict=True):
        for place in map(tuple, np.argwhere(stack.nodes != schedule.EMPTY)):
            node = mechanisms.graph.nodes[stack.nodes[place]]
            dense = [part for part in model.get_layer(f"mechanism_{node}").layers if hasattr(part, "kernel")]
            for layer, (kernel, bias) in zip(dense, layers, strict=True):
                right = expected[id(layer.kernel)].numpy()
                np.testing.assert_allclose(
                    kernel[place].numpy()[: right.shape[1], : right.shape[0]].T, right, atol=1e-5
                )
                right = expected[id(layer.bias)].numpy()
                np.testing.assert_allclose(bias[place].numpy()[: len(right)], right, atol=1e-5)


def test_sampled_labels_are_hard_and_children_see_them(both):
    mechanisms, model = both
    drawn, named = exogenous(mechanisms)
    labels = mechanisms.labels(drawn).numpy()
    continuous = columns.centring(mechanisms.graph)[0] == 1.0
    assert np.isin(labels[~continuous], (0.0, 1.0)).all()
    # the functional model, told every sampled label, rounds to the same ones: each mechanism saw its parents rounded
    again = tf.transpose(model([named, tf.constant(labels.T)])).numpy()
    np.testing.assert_array_equal(again, labels)
    first, _ = columns.offsets(mechanisms.graph.variables)
    for node, variable in mechanisms.graph.variables.items():
        own = slice(first[node], first[node] + variable.width)
        told = labels.copy()
        told[own] = np.nan
        soft = tf.transpose(model([named, tf.constant(told.T)])).numpy()[own]
        hard = soft if continuous[own].all() else (soft == soft.max(0) if variable.width > 1 else soft > 0.5)
        np.testing.assert_allclose(hard, labels[own], atol=2e-6)


def test_a_label_depends_on_its_own_noise_and_its_ancestors_alone(both):
    mechanisms, _ = both
    drawn, _ = exogenous(mechanisms)
    other, _ = exogenous(mechanisms, seed=5)
    rows = np.repeat([node == "D" for node in mechanisms.blocks], SIZE)[:, None]
    before, after = (mechanisms.soft_labels(tf.where(rows & moved, other, drawn)).numpy() for moved in (False, True))
    first, _ = columns.offsets(mechanisms.graph.variables)
    moved = {node for node in mechanisms.graph.nodes if (before != after).any(1)[first[node]]}
    assert moved == ({"C", "D"} | {"F"} if "F" in mechanisms.graph.nodes else {"C", "D"})


def test_counts_are_those_of_a_sample_in_which_the_parents_are_set(both):
    mechanisms, _ = both
    graph, cells = mechanisms.graph, np.array([[1, 0, 1], [0, 1, 0]])
    drawn, named = exogenous(mechanisms)
    order = [graph.parents["C"].index(parent) for parent in ("A", "B", "D")]
    counted = mechanisms.counts("C", tf.transpose(named["C"]), tf.constant(cells[:, np.argsort(order)]))
    first, _ = columns.offsets(graph.variables)
    for cell, count in zip(cells, counted.numpy(), strict=True):
        do = untouched(mechanisms)
        for parent, value in zip("ABD", cell, strict=True):
            do[first[parent]] = value
        labels = mechanisms.labels(drawn, tf.constant(do)).numpy()[first["C"] :]
        expected = labels[:3].sum(1) if graph.variables["C"].size == 3 else [ROWS - labels[0].sum(), labels[0].sum()]
        np.testing.assert_array_equal(count, expected)


def test_values_survive_their_columns():
    values = tf.constant([[1.0, 0.0], [2.5, -1.0], [1.0, 0.0], [2.0, 1.0], [0.5, 2.0]])
    kinds = [MIXED.variables[node] for node in "ABDCE"]
    held = columns.encode(kinds, values)
    assert held.shape == [7, 2] and tf.reduce_sum(held[3:6], 0).numpy().tolist() == [1.0, 1.0]
    np.testing.assert_allclose(columns.decode(kinds, held), values, atol=1e-6)
    assert np.isnan(columns.encode(kinds, tf.fill([5, 1], np.nan))).all()
    assert columns.encode([], tf.zeros([0, 3])).shape == [0, 3]


@pytest.mark.parametrize("text", ["; ".join(f"N{i} -> N{i + 1}" for i in range(60)), "A -> B; A, B -> C; D; E"])
def test_a_schedule_computes_every_node_once_and_behind_its_parents(text):
    graph = CausalGraph.from_text(text)
    plan, done = schedule.schedule(graph), {schedule.NO_PARENT}
    row = 1
    for stack in plan.stacks:
        for nodes, parents in zip(stack.nodes, stack.parents, strict=True):
            assert set(parents.ravel().tolist()) <= done
            done |= set(range(row, row + len(nodes)))
            row += len(nodes)
    assert sorted(k for k in plan.places if k != schedule.EMPTY) == list(range(len(graph)))
    assert len(plan.stacks) == (1 if len(graph) > 50 else 3)
