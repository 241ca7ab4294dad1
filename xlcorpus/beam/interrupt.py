"""Signals that end a command: one line, exit code 128 + number, no process left behind, whatever Beam is doing."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

R = TypeVar("R")

PATIENCE = 5.0  # seconds for our own code to end, before the process ends without it; a second signal does so at once
_STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass
class _Seen:
    watching: bool = False
    number: int = 0  # of the signal that came, 0: none
    told: bool = False
    last: threading.Timer | None = None  # ends the process where nothing else does


_seen = _Seen()


def interrupted() -> bool:
    """Whether a signal has come that ends this command."""
    return _seen.number > 0


def raise_if_interrupted() -> None:
    """Raise the KeyboardInterrupt that somebody else's code has swallowed: Beam imports packages under bare excepts."""
    if interrupted():
        raise KeyboardInterrupt


@contextmanager
def watched() -> Iterator[None]:
    """Inside, Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt and are remembered; for the main thread of a command.

    A signal that is ignored stays so (`nohup`, a script's `&`). What threads and destructors say of it is not printed.
    """
    if threading.current_thread() is not threading.main_thread() or _seen.watching:
        yield
        return
    _seen.watching, _seen.number, _seen.told = True, 0, False
    before = {one: signal.getsignal(one) for one in _STOPPING}
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = _unless_interrupted(hooks[0]), _unless_interrupted(hooks[1])
    try:
        for one, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(one, _interrupt)
        yield
    finally:
        for one, handler in before.items():
            if handler is not None:
                signal.signal(one, handler)
        threading.excepthook, sys.unraisablehook = hooks
        if _seen.last is not None:
            _seen.last.cancel()
        _seen.watching, _seen.number, _seen.last = False, 0, None


def apart(work: Callable[[], R]) -> R:
    """What `work` returns or raises, called in a thread of its own while the main thread waits for signals.

    So an interrupt is raised in our code and never in Beam's, which would wait for its workers. Where no signals are
    watched, it is called as it is.
    """
    if not _seen.watching or threading.current_thread() is not threading.main_thread():
        return work()
    raise_if_interrupted()
    done: Future[R] = Future()

    def call() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=call, name="pipeline", daemon=True).start()
    try:
        return done.result()
    finally:
        raise_if_interrupted()  # workers that got the signal, too, are no error


def say_interrupted() -> int:
    """Print the one line, unless it is printed; the exit code."""
    number = _seen.number or signal.SIGINT
    if not _seen.told:
        _seen.told = _seen.watching
        what = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
        with suppress(OSError, ValueError, AttributeError):  # a terminal that is gone
            bar = "\n" if sys.stderr.isatty() else ""  # below the line of progress and the ^C
            sys.stderr.write(f"{bar}{what}: nothing that was done is lost; go on with the same command and --resume\n")
            sys.stderr.flush()
    return 128 + number


def end_now() -> None:
    """End a process that a signal interrupted, threads of Beam or not; its workers end with it (`worker.py`)."""
    with suppress(BaseException):
        sys.stdout.flush()
    with suppress(BaseException):
        atexit._run_exitfuncs()  # clusters that were started for this command
    os._exit(say_interrupted())


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _seen.number:
        os._exit(say_interrupted())
    _seen.number = number
    _seen.last = threading.Timer(PATIENCE, lambda: os._exit(say_interrupted()))
    _seen.last.daemon = True
    _seen.last.start()
    raise KeyboardInterrupt


_ENDED = tuple(f"Worker subprocess exited with return code -{int(number)}" for number in _STOPPING)


def _unless_interrupted(hook: Callable[[Any], Any]) -> Callable[[Any], None]:
    def called(told: Any) -> None:
        # A worker that got the signal ends before this process has seen its own.
        if not interrupted() and str(told.exc_value) not in _ENDED:
            hook(told)

    return called
