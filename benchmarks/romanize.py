"""How fast the romanisation engine is beside the package `uroman`: CPU seconds on the same texts, read alike by both.

`python -m benchmarks.romanize [--share 0.1] [--lcode]` prints Markdown for docs/performance.md; all texts take uroman
about 9 minutes. The exit code is 1 where a reading differs, never because of a figure.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import xxhash

from benchmarks.machine import describe_machine
from benchmarks.romanize_texts import FOLDERS, distinct, read_folder
from xlcorpus.romanize.engine import Engine
from xlcorpus.text.script import main_script

_BLOCK = 2_000  # texts
_SHOWN = 5  # of the texts that are read differently
_BUCKETS = 1 << 20


@dataclass
class Side:
    """One of the two romanisers: what loading and reading took, in CPU seconds."""

    name: str
    romanize: Callable[[str, str | None], str]
    load: float
    seconds: dict[str, float] = field(default_factory=dict)

    def read(self, script: str, text: str, lcode: str | None) -> str | type[Exception]:
        """The reading, or the type of the exception; the time counts for the script."""
        start = time.process_time()
        try:
            made: str | type[Exception] = self.romanize(text, lcode)
        except Exception as error:
            made = type(error)
        self.seconds[script] = self.seconds.get(script, 0.0) + time.process_time() - start
        return made

    @property
    def total(self) -> float:
        """CPU seconds over all scripts, without loading."""
        return sum(self.seconds.values())


def load_engine() -> tuple[Side, Engine]:
    """A fresh engine with its tables loaded and no word in its cache."""
    start = time.process_time()
    engine = Engine()
    Engine().romanize("\u00e9")  # the tables are the process's, the words are an engine's
    return Side("engine", engine.romanize, time.process_time() - start), engine


def load_uroman() -> Side:
    """The package, its data loaded."""
    start = time.process_time()
    uroman = importlib.import_module("uroman").Uroman()

    def romanize(text: str, lcode: str | None) -> str:
        return str(uroman.romanize_string(text, lcode=lcode))

    return Side("uroman", romanize, time.process_time() - start)


@dataclass(frozen=True)
class Text:
    """One text, the code that it is read with, and the script under which it counts."""

    lcode: str | None
    text: str
    script: str


def sample(data: Path, share: float, *, lcode: bool) -> list[Text]:
    """The distinct texts, or a share of them that does not depend on their order."""
    texts = (pair for folder in FOLDERS for pair in read_folder(data, folder))
    found = distinct(texts, by_language=lcode)
    limit = share * _BUCKETS
    chosen = [key for key in found if xxhash.xxh3_64_intdigest(key[1].encode()) % _BUCKETS < limit]
    unknown = {key: found[key] for key in chosen if found[key].startswith("und_")}
    scripts = dict(
        zip(unknown, main_script(pa.array([text for _, text in unknown], pa.string()))[0].to_pylist(), strict=True)
    )
    return [Text(*key, scripts[key] if key in scripts else found[key][-4:]) for key in chosen]


def compare(texts: list[Text], ours: Side, theirs: Side) -> list[Text]:
    """Read blocks of texts with both by turns, so that a busy machine slows both; returns those read differently.

    Where uroman fails the engine reads: such texts do not count as different.

    Blocks, not single texts: in a pipeline no other program clears the processor's caches between two documents.
    """
    differing = []
    for number, start in enumerate(range(0, len(texts), _BLOCK)):
        block = texts[start : start + _BLOCK]
        sides = (ours, theirs) if number % 2 else (theirs, ours)
        one, other = ([side.read(text.script, text.text, text.lcode) for text in block] for side in sides)
        differing += [
            text
            for text, *both in zip(block, one, other, strict=True)
            if both[0] != both[1] and all(isinstance(made, str) for made in both)
        ]
    return differing


def by_script(texts: list[Text], ours: Side, theirs: Side) -> list[str]:
    """A Markdown table of scripts, those with the greatest gain first, and all of them in the last row."""
    counts: dict[str, tuple[int, int]] = {}
    for text in texts:
        number, chars = counts.get(text.script, (0, 0))
        counts[text.script] = (number + 1, chars + len(text.text))
    lines = [
        "| Script | texts | characters | uroman, CPU s | engine, CPU s | uroman / engine | engine, us a character |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]

    def row(name: str, number: int, chars: int, slow: float, fast: float) -> str:
        ratio, each = f"{slow / fast:.1f}", f"{1e6 * fast / chars:.2f}"
        return f"| {name} | {number:,} | {chars:,} | {slow:,.2f} | {fast:,.3f} | {ratio} | {each} |"

    for script in sorted(counts, key=lambda name: -theirs.seconds[name] / ours.seconds[name]):
        lines.append(row(script, *counts[script], theirs.seconds[script], ours.seconds[script]))
    number, chars = (sum(column) for column in zip(*counts.values(), strict=True))
    lines.append(row("**all**", number, chars, theirs.total, ours.total))
    return lines


def benchmark(data: Path, share: float, *, lcode: bool) -> int:
    """Load both, read, compare and print; the number of texts read differently."""
    ours, engine = load_engine()
    own_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    theirs = load_uroman()
    texts = sample(data, share, lcode=lcode)
    print(f"{describe_machine('uroman')}\n")
    codes = "with their language codes" if lcode else "without language codes"
    print(f"{len(texts):,} distinct texts of {', '.join(FOLDERS)} ({share:.0%}), {codes}.\n", flush=True)
    differing = compare(texts, ours, theirs)
    print("\n".join(by_script(texts, ours, theirs)))
    hits = 1 - engine.misses / engine.lookups
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"\nLoading: uroman {theirs.load:.2f} CPU s, engine {ours.load:.2f} CPU s; not in the table.")
    print(
        f"Cache of the engine: empty at the start, hit rate {hits:.1%} of {engine.lookups:,} look-ups, "
        f"at most {engine.peak_bytes / 1e6:,.1f} MB."
    )
    print(
        f"Peak memory: {own_memory / 1e6:,.0f} MB with the engine loaded, {peak / 1e6:,.0f} MB with both and all texts."
    )
    print(f"Read alike: {len(texts) - len(differing):,} of {len(texts):,} texts.")
    for text in differing[:_SHOWN]:
        print(f"- {text.lcode} {text.text!r}", file=sys.stderr)
    return len(differing)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.romanize", description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="share of the texts, by a hash of each (default: 1)")
    parser.add_argument("--lcode", action="store_true", help="give both the language of each text")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    default = Path(os.environ.get("XLCORPUS_SHARED_DATA", beside))
    parser.add_argument("--data", type=Path, default=default, help="the shared data (default: %(default)s)")
    given = parser.parse_args()
    if not 0 < given.share <= 1:
        parser.error("--share is above 0 and at most 1")
    missing = [name for name in FOLDERS if not (given.data / name).is_dir()]
    if missing:
        parser.error(f"no folder {', '.join(missing)} in {given.data} (set XLCORPUS_SHARED_DATA)")
    return 1 if benchmark(given.data, given.share, lcode=given.lcode) else 0


if __name__ == "__main__":
    sys.exit(main())
