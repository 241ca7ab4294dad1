"""Load a lexicon of a million generated entries and look words up: seconds, memory, look-ups per second.

    python -m benchmarks.lexicon [--entries 1000000] [--folder DIR]

Words are generated in Latin, Cyrillic, Devanagari and Ethiopic script, a third of them with several translations. Each
figure is taken in a process of its own: first MUSE text, read and built, then the built file, loaded as a step does.
Seconds are those of the processor, all threads together. Look-ups: batches of 65,536 running words drawn as in text
(Zipf), half of them in the dictionary; then batches of words that are all different.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from xlcorpus.lexicon.dictionaries import open_index, read_entries, write_lexicon
from xlcorpus.lexicon.index import Direction

ALPHABETS = (
    [chr(code) for code in range(0x61, 0x7B)],
    [chr(code) for code in range(0x430, 0x450)],
    [chr(code) for code in range(0x915, 0x93A)],
    [chr(code) for code in range(0x1200, 0x1240)],
)
BATCH = 65_536
ROUNDS = 10
DIRECTION = Direction("eng_Latn", "und_Zyyy")


def generate_words(count: int, seed: int) -> list[str]:
    """Different words of 3 to 9 letters, in all alphabets."""
    draw = np.random.default_rng(seed)
    words: dict[str, None] = {}
    while len(words) < count:
        for alphabet in ALPHABETS:
            letters = np.array(alphabet)[draw.integers(0, len(alphabet), (count, 9))]
            lengths = draw.integers(3, 10, count)
            words |= {"".join(row[:length]): None for row, length in zip(letters, lengths, strict=True)}
    ordered = list(words)
    draw.shuffle(ordered)
    return ordered[:count]


def write_muse(path: Path, entries: int) -> None:
    """`entries` lines: for every four, three source words, one of which has two translations."""
    sources = generate_words(entries - entries // 4, seed=1)
    targets = generate_words(entries, seed=2)
    lines = [f"{sources[row % len(sources)]} {target}x\n" for row, target in enumerate(targets)]
    path.write_text("".join(lines), encoding="utf-8")


def measure_build(text: Path, built: Path) -> dict[str, float]:
    """Read MUSE text and write the lexicon."""
    start = time.process_time()
    read = read_entries([text], src=DIRECTION.src, tgt=DIRECTION.tgt)
    middle = time.process_time()
    write_lexicon(read.table, built)
    end = time.process_time()
    figures = {"entries": read.table.num_rows, "read_s": middle - start, "write_s": end - middle}
    return figures | {"peak_mb": _memory("VmHWM") / 1e6, "file_mb": built.stat().st_size / 1e6}


def measure_load(built: Path) -> dict[str, float]:
    """Load the built lexicon and look words up."""
    start = time.process_time()
    index = open_index([built])
    loaded = time.process_time() - start
    resident, peak = _memory("VmRSS"), _memory("VmHWM")
    known = index.keys.words.to_pylist()
    draw = np.random.default_rng(3)
    unknown = generate_words(BATCH, seed=4)
    draw.shuffle(known)
    mixed = [word for pair in zip(known, unknown, strict=False) for word in pair]
    ranks = np.minimum(draw.zipf(1.2, BATCH * ROUNDS), len(mixed)) - 1
    running = [pa.array([mixed[rank] for rank in part]) for part in np.array_split(ranks, ROUNDS)]
    different = [pa.array(known[at : at + BATCH]) for at in range(0, min(len(known), BATCH * ROUNDS), BATCH)]
    figures = {"entries": len(index.targets), "load_s": loaded, "resident_mb": resident / 1e6, "peak_mb": peak / 1e6}
    figures["index_mb"] = index.nbytes() / 1e6
    for name, batches in (("running", running), ("different", different)):
        start = time.process_time()
        found = sum(int((index.find(batch, DIRECTION) >= 0).sum()) for batch in batches)
        seconds = time.process_time() - start
        words = sum(len(batch) for batch in batches)
        figures[f"{name}_per_s"] = words / seconds
        figures[f"{name}_found"] = found / words
    return figures


def _memory(field: str) -> int:
    """Bytes of this process in memory, now (VmRSS) or at most (VmHWM); Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field))


def main() -> None:
    """Run each measurement in a process of its own and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keep the files here")
    parser.add_argument("--measure", choices=("build", "load"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        text, built = arguments.folder / "words.txt", arguments.folder / "words.parquet"
        figures = measure_build(text, built) if arguments.measure == "build" else measure_load(built)
        print(json.dumps(figures))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_muse(folder / "words.txt", arguments.entries)
        for measure in ("build", "load"):
            command = [sys.executable, "-m", "benchmarks.lexicon", "--folder", str(folder), "--measure", measure]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout)
            print(measure, ", ".join(f"{name} {value:,.2f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
