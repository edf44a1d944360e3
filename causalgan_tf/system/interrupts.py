"""Signals that end a program: at once, or at the end of the training step that is running."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal has ended the program; the message says what was saved.

    >>> try:
    ...     with raising():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except Interrupted as ended:
    ...     print(128 + ended.number)  # a shell's exit status
    143
    """

    def __init__(self, number: int, message: str = "") -> None:
        """`number` is the signal's."""
        super().__init__(message)
        self.number = number


class Request:
    """The signal that asks a training to end; 0 until one has come.

    >>> with deferred() as request:
    ...     before = request.number
    ...     signal.raise_signal(signal.SIGTERM)
    ...     print(before, request.number)  # the block goes on
    0 15
    """

    def __init__(self) -> None:
        self.number = 0


def at_once(number: int, frame: FrameType | None) -> None:
    """Ends whatever runs."""
    raise Interrupted(number)


@contextmanager
def raising() -> Iterator[None]:
    """Within the block every signal raises Interrupted."""
    with _handled(at_once):
        yield


@contextmanager
def deferred() -> Iterator[Request]:
    """Within the block the first signal is noted, for the block to end by itself; the second ends it at once."""
    request = Request()

    def note(number: int, frame: FrameType | None) -> None:
        # whoever asks twice does not want to wait for the step to end
        if request.number:
            raise Interrupted(number)
        request.number = number

    with _handled(note):
        yield request


@contextmanager
def by_the_system() -> Iterator[None]:
    """Within the block a signal ends the process as the system does: for a wait in a library, which no exception ends.

    Behind it the handlers are as before, also where the library has set its own.
    """
    with _handled(signal.SIG_DFL):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Sets the handler of each signal that is not ignored (nohup ignores SIGHUP); only the main thread can."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in SIGNALS}
        # None: a handler that was not set from Python and cannot be put back
        before = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
