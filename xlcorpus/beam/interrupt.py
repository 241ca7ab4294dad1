"""Ctrl-C that is not lost: Beam imports optional packages under bare excepts, which swallow a KeyboardInterrupt."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_interrupted = threading.Event()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def remember_interrupts() -> None:
    """Handle SIGINT as Python does, and remember it; for the main thread of a command."""
    _interrupted.clear()
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def raise_if_interrupted() -> None:
    """Raise the KeyboardInterrupt that somebody else's code has swallowed."""
    if _interrupted.is_set():
        raise KeyboardInterrupt
