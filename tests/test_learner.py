"""What all learners share: gradients of a network travel as one vector, and optimizers do no more than their step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.learners.learner import Learner, last_logs, mean_over_replicas

SHAPES = ([], [3], [2, 3])


class Away(Learner):
    """Moves arrays by the given gradients."""

    def __init__(self, optimizer):
        super().__init__()
        self.arrays = [tf.Variable(tf.zeros(shape)) for shape in SHAPES]
        self.optimizer = optimizer
        optimizer.build(self.arrays)

    def move(self):
        """A step along 1 on the first replica and 3 on the second."""
        second = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32)
        self.apply([tf.ones(shape) * (1.0 + 2.0 * second) for shape in SHAPES], self.optimizer, self.arrays)
        return {"second": second}


@pytest.fixture
def reduced(monkeypatch):
    """The shapes of all that is reduced over replicas."""
    seen, all_reduce = [], tf.distribute.ReplicaContext.all_reduce

    def record(context, op, value, *arguments):
        seen.append([tensor.shape.as_list() for tensor in tf.nest.flatten(value)])
        return all_reduce(context, op, value, *arguments)

    monkeypatch.setattr(tf.distribute.ReplicaContext, "all_reduce", record)
    return seen


def test_replicas_move_along_the_mean_in_one_all_reduce_of_one_vector(mirrored, reduced):
    with mirrored.scope():
        learner = Away(keras.optimizers.SGD(0.5))
    logs = tf.function(lambda: learner.mean_logs(learner.move))()
    # of gradients and of logs, on each of two replicas
    assert sorted(reduced) == [[[1]], [[1]], [[10]], [[10]]]
    assert float(logs["second"]) == 0.5 and int(learner.optimizer.iterations.numpy()) == 1
    for weight in learner.arrays:
        for copy in mirrored.experimental_local_results(weight):
            np.testing.assert_array_equal(copy, np.full(weight.shape, -1.0))


def test_one_device_reduces_nothing(reduced):
    learner = Away(keras.optimizers.SGD(0.5))
    assert float(learner.mean_logs(learner.move)["second"]) == 0.0
    np.testing.assert_array_equal(learner.arrays[1], np.full(3, -0.5))
    values = [tf.ones([2])]
    assert mean_over_replicas(values) is values and not reduced


@pytest.mark.parametrize("argument", ["weight_decay", "clipnorm", "clipvalue", "global_clipnorm"])
def test_an_optimizer_that_does_more_than_its_step_is_refused(argument):
    with pytest.raises(ValueError, match=f"SGD has {argument}, which update_step does not do"):
        Away(keras.optimizers.SGD(0.5, **{argument: 1.0})).move()


@pytest.mark.parametrize("logged", [None, ["twice"]])
def test_a_step_is_traced_once_however_often_it_runs(logged):
    traced, total = [], tf.Variable(0)

    def step(i):
        traced.append(i)
        total.assign_add(i)
        return {"twice": 2 * i}

    run = tf.function(lambda count: last_logs(count, step, logged), autograph=False)
    assert float(run(tf.constant(4))["twice"]) == 6.0 and int(total) == 0 + 1 + 2 + 3
    assert float(run(tf.constant(1))["twice"]) == 0.0 and len(traced) == 1
