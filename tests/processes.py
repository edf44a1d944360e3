"""Processes that leave something behind."""

import contextlib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


@contextlib.contextmanager
def killed_and_running(code, folder):
    """What two processes made, a path each, of which the first was killed; and the second, which waits for a line.

    `code` makes something in the folder sys.argv[1], prints its path and reads a line.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    command = [sys.executable, "-c", code, folder]
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        left, running = (pathlib.Path(process.stdout.readline().strip()) for process in (first, second))
        first.kill()
        first.wait()
        yield left, running, second
