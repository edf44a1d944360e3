"""A run stands alone: the user's files may change, and nothing takes what it has trained."""

import dataclasses
import errno
import json
import logging
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from absl import flags

import causalgan_tf
from causalgan_tf.cli import common, export, sample, train
from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system import interrupts
from causalgan_tf.system.interrupts import Interrupted
from causalgan_tf.system.locks import locked
from causalgan_tf.training import callbacks, stages

SIGNALS = [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]


def config(folder: pathlib.Path, steps: int = 20) -> RunConfig:
    """A tiny controller of A -> B, whose graph is a file and whose rows are a table."""
    return RunConfig(
        DataConfig(dataset="table", graph=str(folder / "graph.txt"), labels_file=str(folder / "rows.csv")),
        ControllerConfig(steps=steps, batch_size=64, width=4, critic_width=4, steps_per_call=5, checkpoint_every=10),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> pathlib.Path:
    """A folder with graph.txt, rows.csv and the trained run `run`."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "graph.txt").write_text("A -> B\n")
    rows = np.random.default_rng(0).integers(0, 2, (200, 2))
    (folder / "rows.csv").write_text("A,B\n" + "\n".join(f"{a},{b}" for a, b in rows))
    stages.train(config(folder), folder / "run")
    return folder


def main(program, *arguments: object) -> None:
    """Runs a program in this process."""
    values = flags.FlagValues()
    program.declare(values)
    program.main(common.parse(["", *map(str, arguments)], values))


@pytest.mark.parametrize("text", ["B -> A\n", "A; B\n", "nothing -> like\n", None])
def test_a_trained_run_is_sampled_measured_and_exported_whatever_became_of_the_graph(
    trained, tmp_path, monkeypatch, text
):
    before = causalgan_tf.load(trained / "run").sample(20, do={"A": 1}, seed=3).labels
    kept = (trained / "graph.txt").read_text()
    monkeypatch.chdir(tmp_path)
    try:
        (trained / "graph.txt").unlink()
        if text:
            (trained / "graph.txt").write_text(text)
        assert causalgan_tf.load(trained / "run").sample(20, do={"A": 1}, seed=3).labels.equals(before)
        main(sample, f"--workdir={trained / 'run'}", "--out=drawn", "--n=5", "--do=A=1")
        assert len(pathlib.Path("drawn/labels.csv").read_text().splitlines()) == 6
        if text is None:
            main(export, f"--workdir={trained / 'run'}", "--export_dir=served")
            sizes = EvaluationSizes(draws=500, law=500, mmd=50)
            numbers = causalgan_tf.evaluate_run(trained / "run", sizes)
            assert numbers["graph"] == "A; A -> B; A: binary; B: binary"
            report = json.loads((trained / "run" / "report" / "report.json").read_text())
            assert report["dataset"] == "table" and report["timing"]["evaluate_s"] is not None
    finally:
        (trained / "graph.txt").write_text(kept)


def test_a_training_that_goes_on_with_another_graph_is_refused_before_anything_is_written(trained):
    files = {path: path.read_bytes() for path in (trained / "run").rglob("*") if path.is_file()}
    (trained / "graph.txt").write_text("B -> A\n")
    try:
        for arguments in ([], [f"--controller_steps={30}"]):
            with pytest.raises(InputError, match="edge A -> B turned round|another configuration"):
                main(train, f"--workdir={trained / 'run'}", *arguments)
    finally:
        (trained / "graph.txt").write_text("A -> B\n")
    changed = {path.name for path, data in files.items() if path.read_bytes() != data}
    assert changed <= {"lock"}


def test_a_second_training_in_the_folder_is_refused(trained):
    with locked(trained / "run"), pytest.raises(InputError, match=f"Another training runs in .*process {os.getpid()}"):
        stages.train(config(trained), trained / "run")
    stages.train(config(trained), trained / "run")


def test_a_lock_file_that_a_killed_training_left_locks_nothing(tmp_path):
    code = (
        "import os, pathlib, sys; from causalgan_tf.system.locks import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 9
    assert (tmp_path / "lock").read_text().startswith("process ")
    with locked(tmp_path):
        pass


@pytest.fixture
def heeded():
    """Signals as a terminal hands them on: nohup, and a shell in the background, have tests begin with some ignored."""
    before = {name: signal.signal(getattr(signal, name), signal.SIG_DFL) for name, _ in SIGNALS}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(("name", "status"), SIGNALS[1:])
def test_a_signal_saves_what_is_trained_and_the_training_goes_on_bit_by_bit(
    trained, tmp_path, monkeypatch, name, status
):
    at = callbacks.Progress.at

    def signalled(self, step, logs):
        at(self, step, logs)
        if step == 5:
            os.kill(os.getpid(), getattr(signal, name))

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Progress, "at", signalled)
        with pytest.raises(Interrupted, match="step 5 is saved in .*ckpt-5") as ended:
            stages.train(config(trained), tmp_path / "run")
    assert 128 + ended.value.number == status
    assert Run.open(tmp_path / "run").require("controller").endswith("ckpt-5")
    stages.train(config(trained), tmp_path / "run")
    whole, parts = (causalgan_tf.load(folder).mechanisms for folder in (trained / "run", tmp_path / "run"))
    for a, b in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(("name", "status"), SIGNALS)
def test_a_program_that_a_signal_ends_says_so_and_exits_with_128_and_its_number(name, status):
    code = (
        "import os, signal\n"
        "from causalgan_tf.cli import common\n"
        f"def main(values): os.kill(os.getpid(), signal.{name})\n"
        "common.run(lambda values: None, main, 'the same command resumes')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, "interrupted; the same command resumes\n")


def test_the_second_signal_ends_a_training_at_once_and_an_ignored_one_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts.deferred() as request:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not request.number
            os.kill(os.getpid(), signal.SIGTERM)
            assert request.number == signal.SIGTERM
            with pytest.raises(Interrupted):
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture
def copied(trained, tmp_path) -> pathlib.Path:
    """A copy of the trained run."""
    return pathlib.Path(shutil.copytree(trained / "run", tmp_path / "copy"))


def test_a_run_goes_on_from_the_last_whole_checkpoint_and_the_damage_is_said(trained, copied, caplog):
    path = copied / "controller" / "ckpt-20.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        causalgan_tf.load(copied)
    assert "ckpt-20 is damaged" in caplog.text and "ckpt-10 instead" in caplog.text
    stages.train(config(trained), copied)
    assert Run.open(copied).require("controller").endswith("ckpt-20")


def test_damaged_times_and_logs_do_not_stop_a_training(trained, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "timing.json").write_bytes(b"[\xe9")
    (tmp_path / "run" / "logs").write_text("a file")
    stages.train(config(trained), tmp_path / "run")
    assert Run.open(tmp_path / "run").has("controller") and "data_s" in Run.open(tmp_path / "run").timing


def test_a_run_of_another_width_than_its_checkpoint_is_refused_by_name(trained, copied):
    wide = config(trained)
    dataclasses.replace(wide, controller=dataclasses.replace(wide.controller, width=9)).save(copied)
    with pytest.raises(InputError, match="ckpt-20 does not fit the run's configuration"):
        causalgan_tf.load(copied)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EFBIG, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_one_message_and_nothing_is_lost(copied, monkeypatch, number):
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}

    def full(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=f"copy cannot be written: {os.strerror(number)}"):
        Run.open(copied).save()
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(InputError, match=f"copy cannot be written: {os.strerror(number)}"), locked(copied):
        pass
