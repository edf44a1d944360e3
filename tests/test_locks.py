"""One training a run folder, also where the file system knows no locks; parts of files that killed processes left."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from processes import killed_and_running

from causalgan_tf.errors import InputError
from causalgan_tf.system import files, locks, parts
from causalgan_tf.system.locks import FILE, locked

ROOT = pathlib.Path(__file__).parents[1]
HOLD = (
    "import pathlib, sys; from causalgan_tf.system import locks\n"
    "if len(sys.argv) > 2: locks.lock = lambda *arguments, **options: None\n"
    "with locks.locked(pathlib.Path(sys.argv[1])): print('held', flush=True); input()"
)


@pytest.fixture(params=[True, False], ids=["locks", "no locks"])
def system(request, monkeypatch) -> bool:
    """Whether the file system knows locks."""
    if not request.param:
        monkeypatch.setattr(locks, "lock", lambda *arguments, **options: None)
    return request.param


@pytest.fixture
def holder(tmp_path, system):
    """Another process that holds the folder."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    command = [sys.executable, "-c", HOLD, str(tmp_path), *(["no locks"] if not system else [])]
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_that_another_process_holds_is_refused_with_its_number(tmp_path, holder, system):
    with (
        pytest.raises(InputError, match=f"Another training runs in .*process {holder.pid} ") as error,
        locked(tmp_path),
    ):
        pass
    assert (f"remove {tmp_path / FILE}" in str(error.value)) is not system


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_holder_lets_go_and_a_stopped_one_does_not(tmp_path, holder, how):
    holder.send_signal(how)
    if how == signal.SIGKILL:
        holder.wait()
        assert (tmp_path / FILE).read_text().startswith(f"process {holder.pid} ")
        with locked(tmp_path):
            pass
    else:
        with pytest.raises(InputError, match="Another training"), locked(tmp_path):
            pass


def test_a_folder_is_held_once_in_one_process_too_and_free_afterwards(tmp_path, system):
    with locked(tmp_path):
        with pytest.raises(InputError, match=f"process {os.getpid()} "), locked(tmp_path):
            pass
        assert (tmp_path / FILE).read_text()
    assert not (tmp_path / FILE).read_text()
    with locked(tmp_path):
        pass


@pytest.fixture
def without_locks(monkeypatch, tmp_path) -> str:
    """What a process that was killed has left in its file; the file system knows no locks."""
    monkeypatch.setattr(locks, "lock", lambda *arguments, **options: None)
    with locked(tmp_path):
        return (tmp_path / FILE).read_text()


@pytest.mark.parametrize(
    ("pattern", "other"),
    [
        (r"process \d+", "process 999999999"),  # of no process
        (r" (\d+)\)", " 17)"),  # of an earlier process of the same number
        (r"\(\w+-? ", "(00000000 "),  # before the machine was started anew
    ],
)
def test_words_of_a_process_that_is_gone_hold_nothing(tmp_path, without_locks, pattern, other):
    words, changed = re.subn(pattern, other, without_locks, count=1)
    assert changed and words != without_locks
    (tmp_path / FILE).write_text(words)
    with locked(tmp_path):
        pass


@pytest.mark.parametrize(
    "words", ["process 1 (0 1) on another-machine, since 2026-01-01", "process 1 on a, since 2025"]
)
def test_words_of_which_nobody_can_tell_hold_the_folder_and_the_way_out_is_said(tmp_path, without_locks, words):
    (tmp_path / FILE).write_text(words)
    with pytest.raises(InputError, match=f"If it has ended, remove {tmp_path / FILE}"), locked(tmp_path):
        pass
    (tmp_path / FILE).unlink()
    with locked(tmp_path):
        pass


def test_what_a_killed_process_left_of_a_file_is_removed_and_what_a_running_one_writes_is_not(tmp_path):
    code = (
        "import pathlib, sys; from causalgan_tf.system.parts import part_of\n"
        "with part_of(pathlib.Path(sys.argv[1]) / 'a.json') as part: print(part, flush=True); input()"
    )
    with killed_and_running(code, tmp_path) as (left, running, second):
        (tmp_path / ".causal").write_text("the user's")
        files.write_text(tmp_path / "b.json", "{}")
        assert {path.name for path in tmp_path.iterdir()} == {"b.json", ".causal", running.name}
        assert left.name not in {path.name for path in tmp_path.iterdir()}
        second.communicate("\n")
    assert second.returncode == 0 and not list(tmp_path.glob(f"{parts.PREFIX}*"))


def test_a_part_is_made_anew_if_another_process_takes_it_before_it_is_locked(tmp_path, monkeypatch):
    lock, stolen = parts.lock, []

    def late(descriptor, wait=False):
        if not stolen:
            stolen.extend(tmp_path.iterdir())
            stolen[0].unlink()
        return lock(descriptor, wait)

    monkeypatch.setattr(parts, "lock", late)
    files.write_text(tmp_path / "a", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and len(stolen) == 1
