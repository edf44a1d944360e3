"""The causal controller learns a known law of two labels, and its interventions."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from causalgan_tf.config.run import ControllerConfig
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.query import Query
from causalgan_tf.learners.controller import calls
from causalgan_tf.learners.wasserstein import WassersteinTrainer
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.networks.critic import Critic
from causalgan_tf.networks.mechanisms import CausalController
from causalgan_tf.training.fitting import fit_labels

GRAPH = CausalGraph.from_text("Rain -> Wet")
LAW = LabelDistribution(GRAPH, {"Rain": np.array(0.3), "Wet": np.array([0.2, 0.9])})
ROWS = LAW.sample(50_000, seed=1)
CONFIG = ControllerConfig(
    mechanisms="implicit",
    objective="wasserstein",
    steps=2_000,
    batch_size=128,
    critic_steps=5,
    learning_rate=2e-3,
    beta1=0.5,
    critic_loss="wasserstein",
    gradient_penalty=1.0,
    distinct_rows=0,
    ema=0.99,
    decay_start=0.5,
    decay_to=0.1,
)


def controller(seed=0, strategy=None, **changes):
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        mechanisms, averaged = (CausalController(GRAPH, 4, 8, 3, seed) for _ in range(2))
        learner = WassersteinTrainer(mechanisms, averaged, Critic(GRAPH, 16, 3, 1, seed), ROWS, seed)
        learner.compile(dataclasses.replace(CONFIG, **changes))
    return learner


def fit(learner, first, last, per_call=500):
    learner.steps_per_call = per_call
    assert learner.steps_done() == first
    learner.advance(last)
    return learner


@pytest.fixture(scope="module", params=["one device", pytest.param("two replicas", marks=pytest.mark.long)])
def trained(request, mirrored):
    return fit(controller(strategy=mirrored if request.param == "two replicas" else None), 0, 2_000)


def law_of(learner, **do):
    sampler = LabelSampler(learner.averaged)
    return histogram(sampler.draw(200_000, Query.create(GRAPH, do), seed=3)[0])


def test_the_controller_fits_the_observational_law(trained):
    assert total_variation(law_of(trained), LAW.joint()) < 0.03


@pytest.mark.parametrize("do", [{"Rain": 0}, {"Rain": 1}, {"Wet": 0}, {"Wet": 1}])
def test_the_controller_fits_every_interventional_law(trained, do):
    assert total_variation(law_of(trained, **do), LAW.joint(do)) < 0.05


@pytest.mark.long
def test_two_trainings_of_one_seed_end_with_equal_weights_and_another_seed_does_not():
    one, two, other = (fit(controller(seed), 0, 40, 20) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.averaged.vector, two.averaged.vector)
    assert not np.array_equal(one.averaged.vector, other.averaged.vector)


def test_training_in_two_parts_equals_training_at_once(tmp_path):
    whole, first = fit(controller(), 0, 40, 20), fit(controller(), 0, 20, 20)
    first = fit(first, 20, 40, 20)
    np.testing.assert_array_equal(whole.mechanisms.vector, first.mechanisms.vector)


def test_two_replicas_train_the_same_weights_as_one(mirrored):
    one, two = fit(controller(), 0, 3, 3), fit(controller(strategy=mirrored), 0, 3, 3)
    np.testing.assert_allclose(one.mechanisms.vector, two.mechanisms.vector, atol=2e-5)


def test_a_restarted_learner_trains_what_a_new_one_of_that_seed_does():
    other = LAW.sample(50_000, seed=2)
    once = fit(controller(seed=1), 0, 20, 20)
    once.restart(ROWS, 0)
    fresh = fit(controller(seed=0), 0, 20, 20)
    np.testing.assert_array_equal(fit(once, 0, 20, 20).averaged.vector, fresh.averaged.vector)
    once.restart(other, 0)
    assert not np.array_equal(fit(once, 0, 20, 20).averaged.vector, fresh.averaged.vector)


def test_shares_of_distinct_rows_replace_batches_and_fit_the_law():
    learner = fit(controller(distinct_rows=4), 0, 2_000)
    rows, shares = learner.distinct
    np.testing.assert_allclose(shares[0], np.bincount(ROWS @ [2, 1], minlength=4) / len(ROWS), atol=1e-6)
    assert total_variation(law_of(learner), LAW.joint()) < 0.03
    assert controller(distinct_rows=3).distinct is None
    assert controller(distinct_rows=4, critic_loss="jensen_shannon").distinct is None


def test_a_jensen_shannon_critic_loses_the_law_that_the_wasserstein_critic_fits():
    # labels are discrete: such a critic tells soft rows from real ones at a glance and then has no slope to give
    learner = fit(controller(critic_loss="jensen_shannon"), 0, 1_000)
    assert total_variation(law_of(learner), LAW.joint()) > 0.1


def test_the_controller_fits_categories_and_numbers():
    table = pd.DataFrame({"Kind": np.repeat(["a", "b", "c"], [500, 300, 200])})
    table["Size"] = table["Kind"].map({"a": -1.0, "b": 0.5, "c": 2.0}) + np.tile(np.linspace(-0.5, 0.5, 100), 10)
    own = {"steps": 3_000, "batch_size": 128, "width": 16, "critic_steps": 5, "steps_per_call": 1_000}
    config = ControllerConfig("implicit", "wasserstein", **own)
    model = fit_labels(table, "Kind -> Size", config, progress=False)
    drawn = model.sample(50_000).labels
    shares = drawn["Kind"].value_counts(normalize=True)
    assert [shares[name] for name in "abc"] == pytest.approx([0.5, 0.3, 0.2], abs=0.04)
    assert drawn["Size"].std() == pytest.approx(table["Size"].std(), abs=0.1)
    for name, mean in (("a", -1.0), ("b", 0.5), ("c", 2.0)):
        assert model.sample(20_000, do={"Kind": name}).labels["Size"].mean() == pytest.approx(mean, abs=0.15)
    assert (model.sample(1_000, given={"Size": "1..3"}).labels["Kind"] == "c").mean() > 0.9


def test_calls_cover_every_step_once():
    covered = [step for start, count in calls(3, 25, 10) for step in range(int(start), int(start + count))]
    assert covered == list(range(3, 25))
