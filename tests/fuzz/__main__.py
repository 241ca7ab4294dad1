"""`python -m tests.fuzz [--seconds N] [--seed N] [--out DIR] [--jobs N] [TARGET...]`: a table, exit 1 for finds."""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from tests.fuzz.target import targets

_MOST_WORKERS = 20
_SILENT = 90.0  # seconds without a new case after which a worker is killed: C code hears no alarm


def attack(name: str, seed: int, seconds: float, out: Path) -> dict[str, Any]:
    """The figures of one target; a worker that dies or is silent is a find, and another goes on behind the case."""
    total: dict[str, Any] = {"target": name, "slowest_seconds": 0.0, "peak_mb": 0}
    counts: Counter[str] = Counter()
    finds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    at = 0
    for _ in range(_MOST_WORKERS):
        if counts["cpu_seconds"] >= seconds * 0.99:
            break
        left = str(seconds - counts["cpu_seconds"])
        arguments = [sys.executable, "-m", "tests.fuzz.worker", name, str(seed), str(at), left, str(out)]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors)
            score, at, died = _watch(process, errors, at)
        if died:
            finds[f"{died} at case {at}"] += 1
        at += 1
        if score is None:
            continue
        for key in ("cases", "records", "parser_seconds", "cpu_seconds"):
            counts[key] += score[key]
        finds.update(score["finds"])
        outcomes.update(score["outcomes"])
        if score["slowest_seconds"] > total["slowest_seconds"]:
            total |= {key: score[key] for key in ("slowest_seconds", "slowest_case")}
        total["peak_mb"] = max(total["peak_mb"], score["peak_mb"])
    return total | counts | {"finds": dict(finds), "outcomes": dict(outcomes)}


def _watch(process: subprocess.Popen[bytes], errors: BinaryIO, at: int) -> tuple[dict[str, Any] | None, int, str]:
    """Follow a worker: its score if it came to one, the last case, and how it died."""
    assert process.stdout is not None
    score, held = None, b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], _SILENT)
        if not ready:
            process.kill()
            process.wait()
            return None, at, "silent"
        data = os.read(process.stdout.fileno(), 1 << 16)
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            if line.startswith(b"score "):
                score = json.loads(line[6:])
            elif line.strip().isdigit():
                at = int(line)
        if not data:
            break
    code = process.wait()
    errors.seek(0)
    told = errors.read().decode("utf-8", "replace")[-500:]
    return score, at, "" if code == 0 else f"worker ended with {code}: {told}"


def main() -> None:
    """Parse, attack, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument(
        "--seconds", type=float, default=30, help="of CPU for each target, the making of its cases included"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"), help="folder for the inputs that show faults")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    given = parser.parse_args()
    names = given.targets or list(targets())
    with ThreadPoolExecutor(given.jobs) as pool:
        results = pool.map(lambda name: attack(name, given.seed, given.seconds, given.out), names)
        bad = [print_result(result) for result in results]
    sys.exit(any(bad))


def print_result(result: dict[str, Any]) -> bool:
    """A line a target, and its finds; whether there were any."""
    print(
        f"{result['target']:<14} {result.get('cases', 0):>8,} cases {result.get('records', 0):>10,} records  "
        f"{result.get('parser_seconds', 0):>6.0f} s in the parser ({result.get('cpu_seconds', 0):.0f} s CPU)  "
        f"slowest case {result['slowest_seconds']:.2f} s (number {result.get('slowest_case')})  "
        f"peak +{result['peak_mb']:,} MB  finds {len(result['finds'])}",
        flush=True,
    )
    for key, count in result["finds"].items():
        print(f"    {count:>6} x {key}", flush=True)
    print("    " + ", ".join(f"{key} {count:,}" for key, count in result["outcomes"].items()), flush=True)
    return bool(result["finds"])


if __name__ == "__main__":
    main()
