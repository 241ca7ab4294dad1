"""How fast a server is asked, and how many tokens a run may use; safe for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from xlcorpus.errors import ModelError


class Pace:
    """At most so many a minute, evenly; None: as many as there are."""

    def __init__(self, per_minute: int | None) -> None:
        self._between = 60.0 / per_minute if per_minute else 0.0
        self._next, self._lock = 0.0, threading.Lock()

    def wait(self, stopped: threading.Event) -> None:
        """Until it is this one's turn, or all is stopped."""
        if not self._between:
            return
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._between
        stopped.wait(max(turn - time.monotonic(), 0.0))


@dataclass
class Taken:
    """Tokens that a request used."""

    used: int = 0


class Allowance:
    """At most so many tokens; None: no bound."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._used = self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, bound: int, stopped: threading.Event) -> Iterator[Taken]:
        """Hold `bound` tokens while a request is under way, and then take what it used. Waits while others hold what is
        left. Raises ModelError where not enough is left: it stops before more is used."""
        with self._changed:
            while self._most is not None and self._used + self._held + bound > self._most:
                if not self._held or stopped.is_set():
                    raise ModelError(
                        f"{self._used:,} of --most-tokens {self._most:,} are used, and the next request may take "
                        f"{bound:,}; answers that came are kept",
                        remedy="run again with --resume, and with more --most-tokens if need be: each run has as many",
                    )
                self._changed.wait()
            self._held += bound
        taken = Taken()
        try:
            yield taken
        finally:
            with self._changed:
                self._held -= bound
                self._used += taken.used
                self._changed.notify_all()
