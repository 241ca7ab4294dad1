"""What each part of a run took: seconds, CPU seconds, and the most memory of the process and its workers together."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xlcorpus.dataset import storage
from xlcorpus.text.tables import table_lines

_EVERY = 0.1  # seconds between two looks at the memory: a look takes 0.2 ms
_PROCESS = "/proc/self"


@dataclass(frozen=True)
class Cost:
    """Of one part: wall-clock seconds, CPU seconds of all cores (workers' too, once they have ended), and bytes."""

    name: str
    seconds: float
    cpu: float
    memory: int


@dataclass
class Costs:
    """The parts in their order."""

    parts: list[Cost] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Take down what happens within."""
        before, begun, used = _highest(), time.monotonic(), _cpu()
        seen, ended = [_now()], threading.Event()

        def look() -> None:
            while not ended.wait(_EVERY):
                seen.append(max(seen.pop(), _now()))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()
            after = _highest()  # of the process alone, and exact, where it went beyond all that was before
            most = max(seen[0], _now(), after if after > before else 0)
            self.parts.append(Cost(name, time.monotonic() - begun, _cpu() - used, most))

    def lines(self) -> list[str]:
        """A table, with the sums of the seconds and the most memory."""
        parts = self.parts
        seconds, cpu = (sum(values) for values in zip(*((one.seconds, one.cpu) for one in parts), strict=True))
        together = Cost("all", seconds, cpu, max(one.memory for one in parts))
        rows = [["what", "seconds", "CPU seconds", "peak memory, MB"]]
        rows += [
            [one.name, f"{one.seconds:,.1f}", f"{one.cpu:,.1f}", f"{one.memory / 1e6:,.0f}"]
            for one in [*parts, together]
        ]
        return table_lines(rows, right=(1, 2, 3))


def _cpu() -> float:
    """User and system seconds of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _highest() -> int:
    """The most memory of this process since it began."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def _now() -> int:
    """The memory of this process and of its children, in bytes; where there is no /proc, the most since it began."""
    try:
        return sum(_resident(one) for one in [_PROCESS, *(f"/proc/{child}" for child in _children())])
    except (OSError, ValueError, IndexError):
        return _highest()


def _children() -> list[str]:
    threads = storage.entries_of(storage.locate(f"{_PROCESS}/task"))
    return [child for thread in threads for child in _text(thread / "children").split()]


def _resident(process: str) -> int:
    pages = _text(storage.locate(f"{process}/statm")).split()
    return int(pages[1]) * resource.getpagesize() if pages else 0


def _text(location: storage.Location) -> str:
    """Of a process or thread that may have ended."""
    try:
        return storage.read_text(location)
    except OSError:
        return ""
