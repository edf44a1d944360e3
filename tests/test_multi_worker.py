"""Two processes on this machine that train as two workers: both stages, a death of either, the weights of all of them.

The workers share no folder: what one has of another came by the network.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

pytestmark = pytest.mark.long

ROOT = pathlib.Path(__file__).parents[1]
STAGES = ("controller", "images")
FLAGS = {
    "dataset": "causal_faces",
    "graph": "Male -> Smiling",
    "train_images": 400,
    "image_size": 16,
    "image_width": 4,
    "image_discriminator_width": 4,
    "image_labeler_width": 4,
    "image_batch_size": 8,
    "image_steps": 24,
    "image_steps_per_call": 2,
    "image_checkpoint_every": 6,
    "controller_steps": 40,
    "controller_steps_per_call": 10,
    "controller_checkpoint_every": 20,
    "controller_batch_size": 64,
}
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "PYTHONPATH": str(ROOT)}
# bias and moving mean of a convolution before a batch normalisation, which takes both out: the bias has no gradient
# but rounding, which Adam scales up to steps of a learning rate
WITHOUT_EFFECT = {f"{player}/{number}" for player in ("labeler", "anti_labeler") for number in (3, 6)}
PATIENCE = 400  # seconds that a training of two workers may take on a busy machine


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Where the faces are drawn once for all."""
    return tmp_path_factory.mktemp("data")


def start(folder, data, cluster=None, **flags):
    """A training whose run folder, weights and output lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    given = FLAGS | {"workdir": folder / "run", "data_dir": data} | flags
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"} | ENVIRONMENT
    command = [
        sys.executable,
        str(ROOT / "tests" / "worker.py"),
        str(folder),
        *(f"--{k}={v}" for k, v in given.items()),
    ]
    with open(folder / "said.txt", "w") as said:
        return subprocess.Popen(command, env=environment | (cluster or {}), stdout=said, stderr=said)


def free_ports(count):
    """Ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def start_workers(folder, data, **flags):
    """Two workers in `folder`/0 and `folder`/1."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    return [
        start(
            folder / str(number),
            data,
            {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}})},
            strategy="multi_worker",
            **flags,
        )
        for number in range(2)
    ]


def finished(processes, folder):
    """Exit codes, once all have ended; what they said is shown where a test fails."""
    codes = [process.wait(PATIENCE) for process in processes]
    for number in range(len(processes)):
        print((folder / str(number) / "said.txt").read_text()[-3_000:])
    return codes


def weights(folder, stage):
    """All that the next step of a stage depends on."""
    with np.load(folder / f"{stage}.npz") as arrays:
        return dict(arrays)


def assert_equal(one, other, tolerance=0.0):
    """Equal to the bit, or within a tolerance but for what has no effect."""
    assert one.keys() == other.keys() and len(one) >= 5
    for name in one.keys() - (WITHOUT_EFFECT if tolerance else set()):
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, data):
    """The folder of two workers whose training nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert finished(start_workers(folder, data), folder) == [0, 0]
    return folder


@pytest.mark.parametrize("stage", STAGES)
def test_both_workers_end_with_the_same_weights_to_the_bit(undisturbed, stage):
    assert_equal(weights(undisturbed / "0", stage), weights(undisturbed / "1", stage))


def test_the_chief_alone_writes(undisturbed):
    assert {path.name for path in (undisturbed / "0" / "run").iterdir()} >= {"config.json", "logs", *STAGES}
    assert not (undisturbed / "1" / "run").exists()


def test_two_workers_train_what_two_replicas_of_one_process_train(undisturbed, data, tmp_path):
    process = start(tmp_path / "0", data, strategy="mirrored", logical_devices=2)
    assert finished([process], tmp_path) == [0]
    for stage in STAGES:
        assert_equal(weights(tmp_path / "0", stage), weights(undisturbed / "0", stage), tolerance=1e-5)


def wait_for_checkpoint(folder, processes):
    """Returns once the images have a checkpoint that is not their last."""
    until = time.monotonic() + PATIENCE
    while not any((folder / "0" / "run" / "images").glob("ckpt-*")):
        assert time.monotonic() < until and all(process.poll() is None for process in processes)
        time.sleep(0.05)


@pytest.mark.parametrize("victim", [0, 1], ids=["the_chief", "the_other"])
def test_both_end_when_one_is_killed_and_then_finish_as_if_undisturbed(undisturbed, data, tmp_path, victim):
    processes = start_workers(tmp_path, data)
    wait_for_checkpoint(tmp_path, processes)
    processes[victim].kill()
    processes[victim].wait()
    begun = time.monotonic()
    assert processes[1 - victim].wait(60) == 2
    print(f"the survivor has ended after {time.monotonic() - begun:.1f} s")
    said = (tmp_path / str(1 - victim) / "said.txt").read_text()
    assert "another worker has ended" in said and "Traceback" not in said
    assert finished(start_workers(tmp_path, data), tmp_path) == [0, 0]
    for stage in STAGES:
        assert_equal(weights(tmp_path / str(1 - victim), stage), weights(undisturbed / "0", stage))


def test_a_signal_to_one_worker_ends_both_behind_the_same_step(data, tmp_path):
    processes = start_workers(tmp_path, data, image_steps=5_000)
    wait_for_checkpoint(tmp_path, processes)
    processes[1].send_signal(signal.SIGTERM)
    assert finished(processes, tmp_path) == [128 + signal.SIGTERM] * 2
    said = [(tmp_path / str(number) / "said.txt").read_text() for number in range(2)]
    steps = [re.search(r"interrupted; step ([\d,]+) is saved (in|by the chief)", text) for text in said]
    assert steps[0][1] == steps[1][1] and (steps[0][2], steps[1][2]) == ("in", "by the chief")
    assert_equal(weights(tmp_path / "0", "images"), weights(tmp_path / "1", "images"))


def test_ctrl_c_ends_a_worker_that_waits_for_the_others(data, tmp_path):
    ports = free_ports(2)
    task = {"cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]}, "task": {"type": "worker", "index": 1}}
    process = start(tmp_path, data, {"TF_CONFIG": json.dumps(task)}, strategy="multi_worker")
    until = time.monotonic() + PATIENCE
    while f"waits for 127.0.0.1:{ports[0]}" not in (tmp_path / "said.txt").read_text():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.1)
    time.sleep(5)  # it has begun to wait
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT


def test_workers_of_other_flags_are_told_apart(data, tmp_path):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = []
    for number in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        own = {"strategy": "multi_worker", "stages": "controller", "controller_learning_rate": 0.01 * (1 + number)}
        processes.append(start(tmp_path / str(number), data, {"TF_CONFIG": json.dumps(task)}, **own))
    assert finished(processes, tmp_path) == [2, 2]
    for number in range(2):
        assert "Worker 1 of 2 has not the configuration" in (tmp_path / str(number) / "said.txt").read_text()
