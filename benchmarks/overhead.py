"""What Beam costs: the same chain through Beam and in a plain loop, CPU seconds of each, and the same bytes from both.

`python -m benchmarks.overhead [--documents 100000] [--workers 1] [--scaling]` prints Markdown for docs/performance.md.
The exit code is 1 where a shard differs or a run fails, never because of a figure.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.beamed import PLAN
from benchmarks.chain import PASSES, PHASES, Chain
from benchmarks.corpus import Corpus, write_corpus
from benchmarks.duplicates import check_duplicates
from benchmarks.machine import describe_machine
from benchmarks.meter import Measured
from xlcorpus.dataset.layout import DATA, DECISIONS, REJECTS
from xlcorpus.dataset.storage import sha256_of

GOAL_OVERHEAD, GOAL_SCALING = 1.15, 10.5


class BenchmarkError(Exception):
    """A run failed, or two runs gave different files."""


@dataclass(frozen=True)
class Run:
    """One run of the chain in a process of its own: its folder, figures and wall-clock seconds."""

    output: Path
    measured: Measured
    wall: float


def run_chain(kind: str, raw: Path, work: Path, documents: int, workers: int, number: int) -> Run:
    """Run the chain by `loop` or `beam` in a new process; raises BenchmarkError with the end of its log."""
    output = work / f"{kind}-{number}"
    chain = Chain.of(raw, output, documents).save(work / f"{kind}-{number}.json")
    figures, log = work / f"{kind}-{number}.measured.json", work / f"{kind}-{number}.log"
    command = ["benchmarks.loop", str(chain)] if kind == "loop" else ["benchmarks.beamed", str(chain), str(workers)]
    start = time.monotonic()
    with log.open("wb") as stream:
        code = subprocess.run(
            [sys.executable, "-m", *command, str(figures)], stdout=stream, stderr=stream, check=False
        ).returncode
    wall = time.monotonic() - start
    if code:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise BenchmarkError(f"{kind}: exit code {code}; the end of {log}:\n{tail}")
    return Run(output, Measured.load(figures), wall)


def hashes(output: Path) -> dict[str, str]:
    """SHA-256 of every Parquet file of every dataset of a run, by its name."""
    folders = [output / name / kind for name in PASSES for kind in (DATA, DECISIONS, REJECTS)]
    files = sorted(path for folder in folders for path in folder.rglob("*.parquet"))
    return {path.relative_to(output).as_posix(): sha256_of(path) for path in files}


def assert_same(one: Run, other: Run) -> int:
    """The number of files, all the same in both runs; raises BenchmarkError naming those that differ."""
    left, right = hashes(one.output), hashes(other.output)
    differing = sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
    if differing or not left:
        what = f"differ in {', '.join(differing)}" if differing else "hold no files"
        raise BenchmarkError(f"{one.output} and {other.output} {what}")
    return len(left)


def summary(corpus: Corpus, loop: Run, beam: Run, workers: int) -> list[str]:
    """Both runs as a Markdown table."""
    lines = [
        "| Run | CPU s | documents / CPU s | MB of text / CPU s | peak memory, MB | wall s |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, run in (("plain loop", loop), (f"Beam, {workers} worker{'s' * (workers > 1)}", beam)):
        used = run.measured
        memory = f"{used.memory / 1e6:,.0f}"
        if workers > 1 and run is beam:
            memory += f" + {used.child_memory / 1e6:,.0f} a worker"
        lines.append(
            f"| {name} | {used.cpu:,.1f} | {corpus.documents / used.cpu:,.0f} "
            f"| {corpus.text_bytes / used.cpu / 1e6:.2f} | {memory} | {run.wall:,.1f} |"
        )
    ratio = beam.measured.cpu / loop.measured.cpu
    lines.append(f"\nBeam / loop: **{ratio:.3f}** in CPU seconds (goal: at most {GOAL_OVERHEAD}).")
    return lines


def by_phase(corpus: Corpus, loop: Measured, beam: Measured) -> list[str]:
    """CPU seconds of each phase as a Markdown table."""
    lines = ["| Phase | loop, CPU s | Beam, CPU s | difference | loop, us a document |", "|---|---:|---:|---:|---:|"]
    others = sorted((loop.phases.keys() | beam.phases.keys()) - {"imports", *PHASES, PLAN})
    for name in ("imports", *PHASES, *others, PLAN):
        one, other = loop.phases.get(name, 0.0), beam.phases.get(name, 0.0)
        each = f"{1e6 * one / corpus.documents:,.0f}" if name in PHASES else ""
        lines.append(f"| {name} | {one:.2f} | {other:.2f} | {other - one:+.2f} | {each} |")
    difference = beam.rest - loop.rest
    lines.append(f"| start and end of the process | {loop.rest:.2f} | {beam.rest:.2f} | {difference:+.2f} | |")
    return lines


def least(runs: Sequence[Run]) -> Run:
    """The figures of several runs as one: the least of each phase, the largest memory, the shortest time."""
    return Run(runs[0].output, Measured.least([run.measured for run in runs]), min(run.wall for run in runs))


def describe(corpus: Corpus) -> str:
    """What the corpus holds."""
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(corpus.kinds.items()))
    return f"{corpus.documents:,} documents ({kinds}), {corpus.text_bytes / 1e6:,.1f} MB of text"


def benchmark(documents: int, workers: int, repeats: int, scaling: bool, work: Path) -> None:
    """Make the corpus, run, compare and print."""
    print(f"{describe_machine('apache-beam', 'pyarrow', 'numpy')}\n", flush=True)
    raw = work / "raw"
    corpus = write_corpus(raw, documents)
    print(f"{describe(corpus)}\n", flush=True)
    runs: dict[str, list[Run]] = {"loop": [], "beam": []}
    for number in range(repeats):
        for kind, done in runs.items():
            done.append(run_chain(kind, raw, work, documents, workers, number))
            files = assert_same(runs["loop"][0], done[-1])
    loop, beam = least(runs["loop"]), least(runs["beam"])
    if repeats > 1:
        print(f"CPU seconds are the least of {repeats} runs of each, phase by phase.\n")
    print("\n".join(summary(corpus, loop, beam, workers)))
    print(f"The same SHA-256 for all {files} Parquet files of {len(PASSES)} datasets.\n")
    print("\n".join(by_phase(corpus, loop.measured, beam.measured)))
    print(f"\n{check_duplicates(beam.output, documents).line()}.", flush=True)
    if scaling:
        tenth = documents // 10
        small = write_corpus(work / "raw-tenth", tenth)
        numbers = range(repeats, 2 * repeats)
        less = least([run_chain("beam", work / "raw-tenth", work, tenth, workers, number) for number in numbers])
        ratio = beam.measured.cpu / less.measured.cpu
        print(
            f"\nScaling, Beam: {documents:,} documents {beam.measured.cpu:,.1f} CPU s, {describe(small)}: "
            f"{less.measured.cpu:,.1f} CPU s; ratio **{ratio:.2f}** (goal: at most {GOAL_SCALING}), peak memory "
            f"{beam.measured.memory / 1e6:,.0f} and {less.measured.memory / 1e6:,.0f} MB."
        )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=100_000, help="size of the corpus (default: 100000)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of Beam; the loop has one")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each; the least of each phase counts")
    parser.add_argument("--scaling", action="store_true", help="run a tenth of the documents through Beam as well")
    parser.add_argument("--work", type=Path, help="folder for the files of the runs (default: a temporary one)")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    given = parser.parse_args()
    if given.work is not None:
        given.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="xlcorpus-overhead-", dir=given.work))
    try:
        benchmark(given.documents, given.workers, given.repeats, given.scaling, work)
    except BenchmarkError as error:
        print(f"benchmarks.overhead: {error}", file=sys.stderr)
        return 1
    finally:
        if given.keep:
            print(f"\nThe files are in {work}.")
        else:
            shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
