"""A training that kill -9 ends at any moment is resumed, and ends as if nothing had been."""

import multiprocessing
import os
import re
import signal
import sys
import time

import killable
import numpy as np
import pytest
import tensorflow as tf

MOMENTS = ("data",) * 3 + ("any", "saving", "any") * 5 + ("data", "saving")


class Trainings:
    """Trainings in processes of their own, which fork from one that has imported TensorFlow and run nothing."""

    def __init__(self, root):
        self.root, self.context = root, multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["killable", "tensorboard.plugins.hparams.api"])
        killable.write_photos(root)

    def start(self, name):
        """A training in root/name, decoded images in root/name-data; its process, phase and steps done."""
        phase, done, begun = self.context.Value("i", 0), self.context.Array("i", 2), self.context.Event()
        arguments = (self.root, self.root / name, self.root / f"{name}-data", phase, done, begun)
        process = self.context.Process(target=killable.train, args=arguments)
        process.start()
        assert begun.wait(120)
        return process, phase, done

    def end(self, name):
        """Trains to the end; how long it took, seconds."""
        process, _, _ = self.start(name)
        start = time.monotonic()
        process.join()
        assert process.exitcode == 0
        return time.monotonic() - start

    def result(self, name):
        """The names of all files, those of events once a folder, and all arrays of the last checkpoints."""
        roots, arrays = (self.root / name, self.root / f"{name}-data"), {}
        paths = [str(path.relative_to(root)) for root in roots for path in root.rglob("*") if path.is_file()]
        for stage in killable.EVERY:
            reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(self.root / name / stage))
            arrays |= {(stage, key): reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}
        return {re.sub(r"events\.out.*", "events", path) for path in paths}, arrays


def wait_for(moment, takes, random, process, phase):
    """Until a random moment of a phase, of a whole training that `takes` so many seconds, or the process' end."""
    if moment == "any":
        process.join(random.uniform(0.0, takes))
        return
    # decoding takes longer than saving, of which the first or a later one is meant
    times, within = (1, 0.1) if moment == "data" else (int(random.integers(1, 4)), 0.02)
    for _ in range(times):
        for before in (False, True):
            while (killable.PHASES[phase.value] == moment) is not before and process.is_alive():
                time.sleep(0.0005)
    process.join(random.uniform(0.0, within))


@pytest.mark.long
def test_twenty_trainings_killed_at_random_moments_end_with_the_weights_of_an_undisturbed_one(tmp_path, monkeypatch):
    # the server of forks finds what it imports beforehand by this alone
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    trainings, random = Trainings(tmp_path), np.random.default_rng(0)
    takes = trainings.end("whole")
    whole = trainings.result("whole")
    killed, ended = 0, 0
    while killed < len(MOMENTS):
        name = f"killed-{ended}"
        process, phase, done = trainings.start(name)
        wait_for(MOMENTS[killed], takes, random, process, phase)
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        for stage, steps in zip(killable.EVERY, done, strict=True):
            kept = [int(path.stem[5:]) for path in (tmp_path / name / stage).glob("ckpt-*.index")]
            assert steps - max(kept, default=0) <= killable.EVERY[stage]
        killed += process.exitcode != 0
        if process.exitcode == 0 or killed == len(MOMENTS):
            trainings.end(name)
            same(trainings.result(name), whole)
            ended += 1
    assert ended > 2


def same(found, whole):
    """The same files, and the same arrays to the bit."""
    assert found[0] == whole[0] and set(found[1]) == set(whole[1])
    for key, value in whole[1].items():
        np.testing.assert_array_equal(found[1][key], value, err_msg=str(key))
