"""The causal controller learns a known law of two labels, and its interventions."""

import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.graph import CausalGraph
from causalgan_tf.laws import LabelLaw, histogram
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.models.controller import CausalController, calls
from causalgan_tf.networks import mechanisms as nets
from causalgan_tf.query import Query
from causalgan_tf.sampling.labels import LabelSampler

GRAPH = CausalGraph.from_text("Rain -> Wet")
LAW = LabelLaw(GRAPH, {"Rain": np.array(0.3), "Wet": np.array([0.2, 0.9])})
OPTIMISATION = {
    "steps": 2_000,
    "batch_size": 128,
    "critic_steps": 5,
    "learning_rate": 2e-3,
    "beta1": 0.5,
    "gradient_penalty": 1.0,
    "ema": 0.99,
    "decay_start": 0.5,
    "decay_to": 0.1,
}


def controller(seed=0, strategy=None, **changes):
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        generator, averaged = (nets.label_generator(GRAPH, 4, 8, 3, seed) for _ in range(2))
        learner = CausalController(
            GRAPH, generator, averaged, nets.critic(2, 16, 3, seed), LAW.sample(50_000, seed=1), seed
        )
        learner.compile(**OPTIMISATION | changes)
    return learner


def fit(learner, first, last, per_call=500):
    learner.fit(calls(first, last, per_call, learner.replicas), verbose=0, shuffle=False)
    return learner


@pytest.fixture(scope="module", params=["one device", "two replicas"])
def trained(request, mirrored):
    return fit(controller(strategy=mirrored if request.param == "two replicas" else None), 0, 2_000)


def law_of(learner, **do):
    sampler = LabelSampler(GRAPH, learner.averaged)
    return histogram(sampler.draw(200_000, Query.create(GRAPH, do), seed=3)[0])


def test_the_controller_fits_the_observational_law(trained):
    assert total_variation(law_of(trained), LAW.joint()) < 0.03


@pytest.mark.parametrize("do", [{"Rain": 0}, {"Rain": 1}, {"Wet": 0}, {"Wet": 1}])
def test_the_controller_fits_every_interventional_law(trained, do):
    assert total_variation(law_of(trained, **do), LAW.joint(do)) < 0.05


def test_two_trainings_of_one_seed_end_with_equal_weights_and_another_seed_does_not():
    one, two, other = (fit(controller(seed), 0, 40, 20) for seed in (0, 0, 1))
    for a, b in zip(one.averaged.get_weights(), two.averaged.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.averaged.get_weights()[0], other.averaged.get_weights()[0])


def test_training_in_two_parts_equals_training_at_once(tmp_path):
    whole, first = fit(controller(), 0, 40, 20), fit(controller(), 0, 20, 20)
    first = fit(first, 20, 40, 20)
    for a, b in zip(whole.generator.get_weights(), first.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_replicas_train_the_same_weights_as_one(mirrored):
    one, two = fit(controller(), 0, 3, 3), fit(controller(strategy=mirrored), 0, 3, 3)
    for a, b in zip(one.generator.get_weights(), two.generator.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_calls_cover_every_step_once():
    covered = [
        step for start, count in calls(3, 25, 10, replicas=2) for step in range(int(start[0]), int(start[1] + count[1]))
    ]
    assert covered == list(range(3, 25))
