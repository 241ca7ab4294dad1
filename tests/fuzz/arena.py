"""Run cases of one target in this process, with an alarm and a bound on memory, and note what is no answer."""

from __future__ import annotations

import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.target import Case, Target, Violation
from xlcorpus.errors import UserError

EACH = 0.001  # CPU seconds more for each other record of a case
HANG = 20.0  # and those after which it is given up
MEMORY = 1 << 30  # bytes beyond what the process had before the first case
ADDRESSES = 3 << 29  # of address space that it can take at all
_ROOMS = ("/xlcorpus/", "/pipelines/")
_SHRINKS = 150


class Hang(BaseException):
    """Raised by the alarm; no `except Exception` of the product may swallow it."""


@dataclass
class Find:
    """One fault: its kind and place, the case and its smallest input, what happened."""

    key: str
    number: int
    case: Case
    trace: str
    count: int = 1


@dataclass
class Score:
    """What the cases of one target came to."""

    target: str
    cases: int = 0
    records: int = 0
    parser_seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)  # CPU seconds and number of the case
    peak: int = 0  # bytes beyond the base
    finds: dict[str, Find] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, find: Find) -> bool:
        """Note a find; whether it is the first of its key."""
        if find.key in self.finds:
            self.finds[find.key].count += 1
            return False
        self.finds[find.key] = find
        return True


def place_of(frames: traceback.StackSummary) -> str:
    """The innermost line of the product in a stack, as file:function."""
    ours = [one for one in frames if any(room in one.filename for room in _ROOMS) and "/tests/" not in one.filename]
    if not ours:
        return "tests"
    last = ours[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.name}"


class _Alarm:
    """Notes where a case is after so many seconds of CPU, ends it after HANG."""

    def __init__(self, slow: float) -> None:
        self.slow = slow
        self.where: str | None = None
        self.stack = ""
        self.rang = False

    def __enter__(self) -> _Alarm:
        signal.signal(signal.SIGPROF, self._ring)
        signal.setitimer(signal.ITIMER_PROF, self.slow)
        return self

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self.where is None:
            frames = traceback.extract_stack(frame)
            self.where, self.stack = place_of(frames), "".join(frames.format()[-8:])
            signal.setitimer(signal.ITIMER_PROF, HANG - self.slow)
        else:
            self.rang = True
            raise Hang


@contextmanager
def bounded_memory() -> Iterator[None]:
    """No more address space than ADDRESSES beyond what is taken now."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + ADDRESSES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Arena:
    """Runs cases of a target one after another, each in an empty folder."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.score = Score(target.name)
        self.base: int | None = None

    def run(self, number: int, case: Case, *, shrink: bool = True) -> None:
        """One case; what it shows goes into the score."""
        if self.base is None:
            self.base = _peak()
        find, spent, records = self._attempt(number, case)
        self.score.cases += 1
        self.score.records += records
        self.score.parser_seconds += spent
        self.score.slowest = max(self.score.slowest, (spent, number))
        grown = _peak() - self.base
        if find is None and grown > MEMORY and self.score.peak <= MEMORY:
            find = Find("memory", number, case, f"{grown >> 20:,} MB more than before the first case")
        self.score.peak = max(self.score.peak, grown)
        if (
            find is not None
            and self.score.add(find)
            and shrink
            and case.files
            and not find.key.startswith(("slow", "hang", "memory"))
        ):
            find.case = self._shrunk(number, case, find.key)

    def _attempt(self, number: int, case: Case) -> tuple[Find | None, float, int]:
        with tempfile.TemporaryDirectory(dir=self.folder) as where:
            folder = Path(where)
            case.write(folder)
            begin, records, find = time.process_time(), 0, None
            with _Alarm(self.target.seconds) as alarm:
                try:
                    records = self.target.run(case, folder)
                except Hang:
                    find = Find(f"hang {alarm.where}", number, case, alarm.stack)
                except Violation as error:
                    find = Find(f"violation {str(error).partition(':')[0]}", number, case, str(error))
                except (Exception, RecursionError) as error:
                    what = "UserError outside" if isinstance(error, UserError) else type(error).__name__
                    place = place_of(traceback.extract_tb(error.__traceback__))
                    find = Find(f"{what} {place}", number, case, traceback.format_exc()[-4000:])
            spent = time.process_time() - begin
            if alarm.rang:  # a runner may have made another exception of it
                find = Find(f"hang {alarm.where}", number, case, alarm.stack)
            if find is None and spent > self.target.seconds + EACH * records:
                find = Find(f"slow {alarm.where}", number, case, f"{spent:.1f} s of CPU\n{alarm.stack}")
        return find, spent, records

    def _shrunk(self, number: int, case: Case, key: str) -> Case:
        """The case with its first file as small as some tries make it."""
        name, data = next(iter(case.files.items()))
        # What was known of the whole file is not known of a part of it.
        about = {key: value for key, value in case.about.items() if key not in ("records", "texts", "valid", "plain")}
        known = {**case.about} if key in ("violation records", "violation texts", "violation refused") else about
        if known is not about:
            return case

        def same(smaller: bytes) -> bool:
            found, _, _ = self._attempt(number, replace(case, files={**case.files, name: smaller}, about=about))
            return found is not None and found.key == key

        smallest = shrunk(data, same, _SHRINKS)
        return replace(case, files={**case.files, name: smallest}, about=about)


def shrunk(data: bytes, same: Callable[[bytes], bool], tries: int) -> bytes:
    """Data of which parts are taken away while `same` holds, with at most so many tries."""
    step = max(len(data) // 2, 1)
    while step and tries > 0:
        at = 0
        while at < len(data) and tries > 0:
            smaller = data[:at] + data[at + step :]
            tries -= 1
            if same(smaller):
                data = smaller
            else:
                at += step
        step //= 2
    return data


def scratch() -> Path:
    """A folder in memory where there is one."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="xlcorpus-fuzz-", dir=memory if memory.is_dir() else None))


def remove(folder: Path) -> None:
    """The scratch folder and all in it."""
    shutil.rmtree(folder, ignore_errors=True)


def told(score: Score) -> dict[str, Any]:
    """The score as JSON."""
    return {
        "target": score.target,
        "cases": score.cases,
        "records": score.records,
        "parser_seconds": round(score.parser_seconds, 1),
        "slowest_seconds": round(score.slowest[0], 2),
        "slowest_case": score.slowest[1],
        "peak_mb": score.peak >> 20,
        "finds": {key: find.count for key, find in score.finds.items()},
        "outcomes": dict(score.outcomes.most_common(40)),
    }
