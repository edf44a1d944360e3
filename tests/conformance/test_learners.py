"""Every registered image model and controller objective, with every registered type of variable, keeps the promises."""

import numpy as np
import pytest
import tensorflow as tf
from worlds import LEARNERS, TYPES, Trained, config, read, variables, world

from causalgan_tf.graphs import variables as types
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.export import export_model
from causalgan_tf.runs.tags import described

# of every learner one type in the quick set, and every type with a learner
ROWS = [
    pytest.param((part, name, kind), id=f"{title}-{kind}", marks=[] if k % len(TYPES) == t else pytest.mark.long)
    for k, (title, part, name) in enumerate(LEARNERS)
    for t, kind in enumerate(TYPES)
]


@pytest.fixture(scope="module", params=ROWS)
def row(request):
    """A row of the table, its learner two steps on; the logs of both and what was saved after each."""
    trained = Trained(*request.param)
    first = trained.train(1)
    saved = [(variable, read(variable)) for part in trained.learner.saved.values() for variable in variables(part)]
    logs = [first, trained.train(2)]
    return request.param, trained, logs, saved, trained.values()


def model_of(row) -> CausalModel:
    (part, _, _), trained, *_ = row
    images = trained.learner.averaged if part == "image_" else None
    return CausalModel(trained.data.graph, trained.mechanisms, images)


def test_every_type_of_variable_has_a_row():
    assert set(TYPES) == set(types.TYPES)


def test_two_steps_are_finite_and_every_network_moves(row):
    _, trained, logs, saved, values = row
    assert all(np.isfinite(value).all() for log in logs for value in log.values())
    assert int(trained.learner.step) == 2
    assert set(trained.learner.optimizers) <= set(trained.learner.players)
    before = {id(variable): value for variable, value in saved}
    for name in (*trained.learner.players, "averaged"):
        now = variables(trained.learner.saved[name])
        assert any((before[id(variable)] != read(variable)).any() for variable in now), name
        assert all(np.isfinite(value).all() for value in values[name]), name


def test_tensorboard_says_what_each_log_is(row):
    _, _, logs, *_ = row
    assert not [name for log in logs for name in log if not described(f"images/{name}")]


def test_a_step_from_what_was_saved_is_the_same_to_the_bit(row):
    _, trained, _, saved, values = row
    for variable, value in saved:
        variable.assign(value)
    trained.train(2)
    for name, again in trained.values().items():
        for a, b in zip(values[name], again, strict=True):
            np.testing.assert_array_equal(a, b, name)


def gradients(learner) -> dict[str, list[np.ndarray]]:
    """Adam's first moments by player: what the gradients have come to.

    Weights would not do. A bias before a batch norm has no gradient, and Adam makes steps of its rounding error.
    """
    moments = {name: [v for v in one.variables if "momentum" in v.path] for name, one in learner.optimizers.items()}
    return {name: [read(variable) for variable in some] for name, some in moments.items()}


@pytest.mark.long
def test_two_replicas_take_the_steps_of_one(row, mirrored):
    parameters, trained, *_, values = row
    both = Trained(*parameters, strategy=mirrored)
    both.train(2)
    for name in trained.learner.state:
        np.testing.assert_allclose(values[name], both.values()[name], atol=1e-6, err_msg=name)
    theirs = gradients(both.learner)
    for name, ours in gradients(trained.learner).items():
        largest = max(np.abs(one).max() for one in ours)
        assert largest > 1e-6, name
        for a, b in zip(ours, theirs[name], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * largest, err_msg=name)


def test_an_intervention_changes_its_descendants_alone_and_keeps_the_unit(row):
    (_, _, kind), *_ = row
    model, (_, low, high) = model_of(row), TYPES[kind]
    plain = model.sample(6, seed=4)
    again = model.twins(plain.seeds)
    for node, column in plain.labels.items():
        if kind == "continuous":  # by another program, whose sums, in deviations, are rounded in another order
            deviation = model.graph.variables[node].std
            np.testing.assert_allclose(column, again.labels[node], rtol=1e-6, atol=1e-6 * deviation)
        else:
            assert (column == again.labels[node]).all()
    one, other = (model.sample(6, do={"B": value}, seed=4) for value in (low, high))
    assert (one.labels["A"] == plain.labels["A"]).all() and (other.labels["A"] == plain.labels["A"]).all()
    assert (one.labels["B"] == low).all() and (other.labels["B"] == high).all()
    if plain.images is not None:
        assert np.abs(plain.images.astype(int) - again.images).max() <= (kind == "continuous")
        assert plain.images.shape == (6, 16, 16, 3)
        assert (one.images != other.images).any()


def test_the_exported_model_draws_the_same_rows(row, tmp_path):
    model = model_of(row)
    drawn = model.sample(4, seed=8)
    sample = tf.saved_model.load(str(export_model(model, tmp_path))).signatures["sample"]
    served = sample(seed=tf.constant(drawn.seeds), do=tf.fill([4, 2], np.float32(np.nan)))
    numbers = model.sample_labels(4, seed=8)
    np.testing.assert_allclose(served["labels"], numbers, rtol=1e-6)
    if drawn.images is not None:
        assert np.abs(served["image"].numpy().astype(int) - drawn.images).max() <= 1


@pytest.mark.parametrize(("part", "name"), [row[1:] for row in LEARNERS], ids=[row[0] for row in LEARNERS])
def test_a_configuration_of_every_entry_is_one(part, name):
    run = config(part, name)
    assert type(run).from_json(run.to_json()) == run and world("binary").graph.is_binary
