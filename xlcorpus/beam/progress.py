"""One line that says how far a phase is: the launcher counts the sidecars that tasks leave anyway."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any

from xlcorpus.dataset.record import Done, written_of
from xlcorpus.dataset.workspace import Task, Workspace

_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 30.0  # a log file wants fewer lines than a terminal


def format_duration(seconds: float) -> str:
    """'4 s', '3 min 20 s', '2 h 05 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@dataclass
class Progress:
    """Context manager that prints the state of a phase until it ends."""

    workspace: Workspace
    phase: str
    label: str
    tasks: Sequence[Task[Any]]
    total: int
    kind: type[Any] = Done
    quiet: bool = False
    stream: IO[str] = field(default_factory=lambda: sys.stderr)

    def __enter__(self) -> Progress:
        self._start = time.monotonic()
        self._waiting = {task.number: task.weight for task in self.tasks}
        self._weight = sum(self._waiting.values()) or 1
        self._done_weight = 0
        self._rows_in = self._rows_out = self._bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        if not self.quiet:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self.quiet:
            return
        self._thread.join()
        if kind is not None and not issubclass(kind, Exception):  # interrupted: the command says so, in one line
            return
        self._look()
        end = "\n" if kind is None else " (stopped)\n"
        self.stream.write(("\r" if self.stream.isatty() else "") + self.line(final=True) + end)
        self.stream.flush()

    def _poll(self) -> None:
        terminal = self.stream.isatty()
        while not self._stop.wait(_TERMINAL_SECONDS if terminal else _LOG_SECONDS):
            self._look()
            self.stream.write(f"\r{self.line()}\x1b[K" if terminal else self.line() + "\n")
            self.stream.flush()

    def _look(self) -> None:
        for number in [n for n in self._waiting if self.workspace.is_finished(self.phase, n)]:
            record = self.workspace.finished(self.phase, number, self.kind)
            if record is None:
                continue
            self._done_weight += self._waiting.pop(number)
            written = written_of(record)
            if written is not None and written.tallies:
                self._rows_in += written.tallies[0].rows_in
                self._rows_out += written.tallies[-1].rows_out
                self._bytes += written.tallies[0].bytes_in

    def line(self, *, final: bool = False) -> str:
        """The line: tasks done of all, documents and megabytes a second, share kept, time left (or taken)."""
        seconds = max(time.monotonic() - self._start, 1e-3)
        done = self.total - len(self._waiting)
        parts = [f"{self.label}: {done}/{self.total} tasks"]
        if self._rows_in:
            parts.append(f"{self._rows_in:,} docs")
            parts.append(f"{self._rows_in / seconds:,.0f} docs/s")
            parts.append(f"{self._bytes / seconds / 1e6:.1f} MB/s")
            if 0 < self._rows_out <= self._rows_in:
                parts.append(f"{100 * self._rows_out / self._rows_in:.1f} % kept")
        if final:
            parts.append(format_duration(seconds))
        elif self._done_weight:
            left = seconds * (self._weight - self._done_weight) / self._done_weight
            parts.append(f"ETA {format_duration(left)}")
        return ", ".join(parts)
