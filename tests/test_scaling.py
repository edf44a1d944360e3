"""The scale plan's numbers: operations against hand counts, bytes exactly, and the model of an all-reduce."""

import re

import keras
import pandas as pd
import pytest
import tensorflow as tf

from tools import scaling
from tools.benchmarks import image_speed

FACES = "faces, 32 x 32"
TIMED = {
    "operations",
    "one H100, ms",
    "rows/s",
    "speed-up at batch 512",
    "efficiency, 100 Gb/s",
    "efficiency, 400 Gb/s",
}
TIMED |= {"hours", "dollars", "as many steps, hours", "as many steps, dollars"}


@pytest.fixture(scope="module")
def config():
    return scaling.configuration(scaling.MODELS[FACES])


@pytest.fixture(scope="module")
def counted(config):
    """The step of the preset of 32 x 32 faces, and its learner."""
    return scaling.image_step(FACES, config)


def layers(*parts, shape):
    return keras.Sequential([keras.Input(shape), *parts])


@pytest.mark.parametrize(
    ("network", "forward", "both"),
    [
        # a dense layer of 3 to 5 numbers: 2 x 15, and as much for the gradient in the weights and in the input each
        (lambda: layers(keras.layers.Dense(5), shape=[3]), 2 * 15, 3 * 2 * 15),
        # 8 x 8 pixels of 6 channels, each of 4 x 4 x 3 products
        (lambda: layers(keras.layers.Conv2D(6, 4, 2, "same"), shape=[16, 16, 3]), 2 * 64 * 6 * 48, 3 * 2 * 64 * 6 * 48),
        # each of 8 x 8 pixels of 3 channels goes to 4 x 4 pixels of 6
        (
            lambda: layers(keras.layers.Conv2DTranspose(6, 4, 2, "same"), shape=[8, 8, 3]),
            2 * 64 * 3 * 16 * 6,
            3 * 2 * 64 * 3 * 16 * 6,
        ),
        (lambda: layers(keras.layers.ReLU(), shape=[9]), 0, 0),
    ],
)
def test_operations_of_a_layer_are_those_counted_by_hand(network, forward, both):
    assert scaling.network_flop(network(), rows=7) == (forward, both)


def test_products_of_a_batch_of_matrices_count_all_of_them():
    a, b = tf.TensorSpec([5, 2, 3]), tf.TensorSpec([5, 7, 3])
    assert scaling.counted(lambda a, b: tf.matmul(a, b, transpose_b=True), a, b)[0] == 5 * 2 * 2 * 3 * 7
    assert (
        scaling.counted(lambda a, b: tf.matmul(a, b, transpose_a=True), a, tf.TensorSpec([5, 2, 4]))[0] == 5 * 240 / 5
    )


def test_what_nothing_asks_for_is_not_counted_and_what_is_called_is():
    def step(x):
        x @ x  # traced, and never run
        return tf.function(lambda y: y @ y)(x)

    assert scaling.counted(step, tf.TensorSpec([4, 4]))[0] == 2 * 4**3


def test_a_loop_is_refused_for_its_length_is_not_known():
    with pytest.raises(ValueError, match="a loop"):
        scaling.counted(lambda x: tf.while_loop(lambda y: True, lambda y: [y @ y], [x])[0], tf.TensorSpec([4, 4]))


def test_bytes_of_the_labelers_gradient_are_exact(counted):
    step, learner = counted
    convolutions = (16 * 3 * 16 + 16) + (16 * 16 * 32 + 32) + (16 * 32 * 64 + 64)
    norms, last = 2 * 32 + 2 * 64, 16 * 64 * 9 + 9
    assert step.parameters["labeler"] == step.parameters["anti_labeler"] == convolutions + norms + last
    assert step.exchanged[list(step.parameters).index("labeler")] == 4 * (convolutions + norms + last)
    weights = sum(weight.size for player in learner.players.values() for weight in _trained_arrays(player))
    assert sum(step.exchanged[: len(step.parameters)]) == 4 * weights


def _trained_arrays(network):
    return [variable.numpy() for variable in network.trainable_variables]


def test_a_step_has_the_passes_of_its_networks_and_the_penalty_of_real_images(counted):
    step, learner = counted
    forward = {name: 1e9 * image_speed.products(network) for name, network in learner.players.items()}
    passes = image_speed.PASSES["causal_gan", "shared"]
    without = sum(count * forward[name] for name, count in passes.items())
    # R1, of a quarter of the rows: forward, in the images, and both of these differentiated
    assert without + forward["discriminator"] < step.flop / step.batch < without + 7 / 4 * forward["discriminator"]


def test_statistics_are_those_of_batch_norm_alone_where_nothing_else_sees_the_batch():
    plain = scaling.MODELS[FACES] + ["--image_labeler_norm=none"]
    found = scaling.exchanges(scaling.configuration(plain))
    # the generator's three layers: sums, sums of squares and their gradients
    assert set(found) == {192, 96, 48}
    assert found.count(192) == found.count(96) == found.count(48) >= 4


def test_an_all_reduce_is_a_ring_in_each_node_and_one_between_them():
    inside, between = scaling.NVLINK, 50e9
    assert scaling.all_reduce(1e9, 1, between) == 0.0
    assert scaling.all_reduce(1e9, 8, between) == pytest.approx(2 * 7 / 8 * 1e9 / inside + 6 * scaling.HOP_INSIDE)
    across = 2 * 63 / 64 * 1e9 / between + 12 * scaling.HOP_BETWEEN
    assert scaling.all_reduce(1e9, 512, between) == pytest.approx(scaling.all_reduce(1e9, 8, between) + across)


def test_efficiency_falls_with_gpus_and_rises_with_rows_and_bandwidth(counted):
    slow, fast = sorted(scaling.NETWORKS.values())
    step = counted[0]
    weak = [step.weak(gpus, fast) for gpus in (1, *scaling.GPUS)]
    assert weak[0] == 1.0 and weak == sorted(weak, reverse=True)
    assert step.weak(64, slow) < step.weak(64, fast)
    assert step.strong(64, fast, 64) < step.strong(64, fast, 65_536) < 64
    assert step.strong(1, fast, 512) == 1.0


def test_a_measured_step_takes_the_place_of_the_assumed_one(counted, monkeypatch):
    step = counted[0]
    assert step.seconds(step.batch) == pytest.approx(scaling.LAUNCH * step.operations + step.flop / scaling.RATE)
    for milliseconds in (1.0, 40.0):
        monkeypatch.setitem(scaling.MEASURED_MS, FACES, milliseconds)
        assert step.seconds(step.batch) == pytest.approx(1e-3 * milliseconds)
    assert scaling.step_row(step)["one H100, ms"] == "40 (measured)"


def test_a_billion_rows_cost_what_the_measured_speed_says():
    measured = pd.DataFrame(
        {
            "quantity": ["labels, 1 worker", "images, 1 worker"],
            "rows/s of a core": ["100,000", "500"],
            "bytes a row": ["10.0", "2,000.0"],
        }
    )
    labels, small, large = scaling.sample_rows(measured, {"faces, 32 x 32": 1e6, "faces, 64 x 64": 5e6})
    assert (labels["core hours"], labels["dollars"], labels["terabytes"]) == ("2.78", ".14", ".01")
    assert (small["core hours"], small["terabytes"]) == ("556", "2")
    assert (large["rows/s of a core"], large["terabytes"]) == ("100 (by FLOP and pixels)", "8")


def assert_told(name, model, rows):
    """A table's rows of a model are these; what depends on the number of operations, to 5 %: any change moves it."""
    told = pd.read_csv(scaling.RESULTS / f"scaling_{name}.csv", dtype=str, keep_default_na=False)
    told = told[told["model"] == model].drop(columns="command").to_dict("records")
    for old, new in zip(told, rows, strict=True):
        assert {name: old[name] for name in old if name not in TIMED} == {
            k: v for k, v in new.items() if k not in TIMED
        }
        for name in TIMED & old.keys():
            assert numbers(old[name]) == pytest.approx(numbers(new[name]), rel=0.05)


def numbers(text):
    return [float(number.replace(",", "")) for number in re.findall(r"[\d,]*\.?\d+", text)]


def test_the_tables_of_32_x_32_faces_are_what_is_counted_now(counted):
    step, learner = counted
    assert_told("networks", FACES, scaling.network_rows(step, learner.players))
    assert_told("steps", FACES, [scaling.step_row(step)])
    assert_told("gpus", FACES, scaling.gpu_rows(step))


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in scaling.MODELS if name != FACES])
def test_the_tables_of_the_larger_models_are_what_is_counted_now(name):
    step, learner = scaling.image_step(name, scaling.configuration(scaling.MODELS[name]))
    assert_told("networks", name, scaling.network_rows(step, learner.players))
    assert_told("steps", name, [scaling.step_row(step)])
    assert_told("gpus", name, scaling.gpu_rows(step))
    if "CelebA" in name:
        assert_told("celeba", name, scaling.celeba_rows(step))
