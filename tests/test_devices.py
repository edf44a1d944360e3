"""Which devices a training takes, and what is said where there are fewer."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.data import DataConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.system.interrupts import Request
from causalgan_tf.training import devices, stages
from causalgan_tf.training.callbacks import StopOnSignal
from causalgan_tf.training.check import check
from causalgan_tf.training.workers import PIECE, Workers, variables_of
from tests import tiny_began, tiny_gan

CLUSTER = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]}, "task": {"type": "worker", "index": 0}}


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two GPUs, as far as a list tells; what is done to them is kept."""
    gpus, done = [tf.config.PhysicalDevice(f"/physical_device:GPU:{number}", "GPU") for number in range(2)], []
    cpus = tf.config.list_physical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: {"GPU": gpus, "CPU": cpus}.get(kind, []))
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, grows: done.append((gpu, grows)))
    return gpus, done


@pytest.fixture
def config(tmp_path):
    """The labels of a small table."""
    (tmp_path / "rows.csv").write_text("Old,Smokes\n" + "0,0\n0,1\n1,1\n" * 200)
    data = DataConfig(dataset="table", labels_file=str(tmp_path / "rows.csv"), graph="Old -> Smokes")
    return RunConfig(data, ControllerConfig(steps=20, steps_per_call=10, batch_size=64))


def test_replicas_are_named():
    assert devices.described(devices.make_strategy()) == "replicas: 1 (CPU:0)"
    assert devices.described(devices.make_strategy("mirrored", 2)) == "replicas: 2 (CPU:0, CPU:1)"
    assert devices.described(devices.make_strategy("mirrored", 2, 1)) == "replicas: 1 (CPU:0)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("horovod",), "expected one of default, mirrored, multi_worker, tpu; got 'horovod'"),
        (("mirrored", 0, 2), r"this machine has 1 to train on \(CPU:0\); --logical_devices splits the CPU"),
        (("mirrored", 2, 3), r"this machine has 2 to train on \(CPU:0, CPU:1\)"),
        (("default", 0, 2), "--num_devices=2 needs --strategy=mirrored"),
        (("default", 2), "--logical_devices=2 needs --strategy=mirrored"),
        (("multi_worker", 2), "--logical_devices=2 needs --strategy=mirrored"),
        (("tpu", 0, 1), "a TPU is used as a whole"),
        (("multi_worker",), "no variable tells who trains together"),
    ],
)
def test_devices_that_are_not_there_are_refused(arguments, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for refuses in (devices.make_strategy, devices.check_devices):
        with pytest.raises(InputError, match=message):
            refuses(*arguments)


def test_a_tpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.delenv("TPU_NAME", raising=False)
    with pytest.raises(InputError, match=r"no TPU can be used here \(TPU_NAME=local\).*Set TPU_NAME"):
        devices.make_strategy("tpu")


def test_more_gpus_than_exist_are_refused_with_their_names(two_gpus):
    with pytest.raises(InputError, match=r"--num_devices=3: this machine has 2 to train on \(GPU:0, GPU:1\)\. Lower"):
        devices.check_devices("mirrored", 0, 3)
    assert devices.check_devices("mirrored") == 2 and devices.check_devices("mirrored", 0, 1) == 1


def test_gpus_take_memory_as_they_need_it(two_gpus):
    gpus, done = two_gpus
    devices.limit_memory()
    assert done == [(gpu, True) for gpu in gpus]


def test_replicas_of_a_cluster_are_those_of_all_its_workers(two_gpus, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))
    assert devices.check_devices("multi_worker") == 6
    with pytest.raises(InputError, match="--num_devices=3: this machine has 2"):
        devices.check_devices("multi_worker", 0, 3)


def test_a_check_waits_for_no_worker(config, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))
    with pytest.raises(InputError, match="--controller_batch_size=64 is shared by 3 replicas.*such as 63"):
        list(check(config, tmp_path / "run", ("controller",), "multi_worker"))


def test_another_number_of_devices_goes_on_and_is_told(config, tmp_path):
    said = []
    stages.train(config, tmp_path / "run", strategy="mirrored", logical_devices=2, say=said.append)
    assert said[0] == "replicas: 2 (CPU:0, CPU:1)" and not any("before" in line for line in said)
    stages.train(config, tmp_path / "run", say=said.append)
    assert [line for line in said if "before" in line] == [
        "replicas: 2 before, 1 now: the global batches stay, and what is learnt, up to rounding"
    ]
    # a damaged file stops no training
    (tmp_path / "run" / "devices.json").write_text("{")
    stages.train(config, tmp_path / "run", say=said.append)
    assert said.count("controller: 20 steps trained") == 3


class Three(Workers):
    """Worker 1 of three, whose others have given numbers."""

    def __init__(self, others):
        super().__init__(tf.distribute.get_strategy())
        self.count, self.number, self.others = 3, 1, others

    def all(self, value):
        return [self.others[0], value, self.others[1]]


def test_workers_agree_on_the_largest_number():
    assert Three((4, 9)).largest(7) == 9 and Three((0, 0)).largest(7) == 7


def test_a_worker_that_has_something_else_is_named():
    Workers(tf.distribute.get_strategy()).agree("rows", "the rows")  # one alone has nobody to differ from
    with pytest.raises(InputError, match="Worker 1 of 3 has not the rows that the chief has"):
        Three((4, 4)).agree("other rows", "the rows")


@pytest.mark.parametrize("error", [tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError])
def test_the_death_of_another_worker_is_told_as_such(error):
    lost = error(None, None, "Collective ops is aborted by: task heartbeat timeout")
    with pytest.raises(InputError, match="another worker has ended.*Start all workers again"), Three((0, 0)).watched():
        raise lost
    # one process alone loses nobody
    with pytest.raises(error), Workers(tf.distribute.get_strategy()).watched():
        raise lost


def test_other_errors_of_tensorflow_stay_what_they_are():
    with pytest.raises(tf.errors.ResourceExhaustedError), Three((0, 0)).watched():
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")


@pytest.mark.parametrize("build", [tiny_gan.build, tiny_began.build])
def test_all_that_a_checkpoint_holds_is_shared(build, tmp_path):
    saved = build().saved
    path = tf.train.Checkpoint(**saved).write(str(tmp_path / "all"))
    held = [shape for name, shape in tf.train.list_variables(path) if name.endswith("VARIABLE_VALUE")]
    shared = [list(variable.shape) for variable in variables_of(saved.values())]
    assert sorted(held) == sorted(shared) and len(held) > 50


class Chief(Workers):
    """Sends what it has to itself, as the first of two."""

    def __init__(self, strategy):
        super().__init__(strategy)
        self.count = 2


def test_shared_weights_keep_their_bits(mirrored):
    layer = tf.keras.layers.Dense(300)
    layer.build([None, 1_000])  # more numbers than are sent at once
    odd = tf.Variable([-0.0, np.nan, np.inf, 1e-42])
    step, small = tf.Variable(2**40 + 1, dtype=tf.int64), tf.Variable([3, 255], dtype=tf.uint8)
    before = [np.asarray(value).tobytes() for value in (layer.kernel, layer.bias, odd, step, small)]
    assert layer.kernel.shape[0] * layer.kernel.shape[1] > PIECE
    Chief(mirrored).share([layer, odd, step, small])
    assert [np.asarray(value).tobytes() for value in (layer.kernel, layer.bias, odd, step, small)] == before


def test_a_signal_that_comes_while_others_are_waited_for_is_not_forgotten():
    request, model, heard = Request(), keras.Model(), []

    def largest(number):
        heard.append(number)
        request.number = 15  # it comes now
        return number

    stops = StopOnSignal(request, largest)
    stops.set_model(model)
    model.stop_training = False
    stops.on_train_batch_end(0)
    assert not model.stop_training and request.number == 15
    stops.on_train_batch_end(1)
    assert model.stop_training and heard == [0, 30]
