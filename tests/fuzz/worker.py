"""`python -m tests.fuzz.worker TARGET SEED FIRST CPU_SECONDS FOLDER`: cases in a row; says on stdout what it is at."""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from pathlib import Path

from tests.fuzz.arena import MEMORY, Arena, Find, bounded_memory, remove, scratch, told
from tests.fuzz.reading import REASONS
from tests.fuzz.target import targets

_WARM = 3  # cases before memory is measured: what is loaded once is no case's


def write_find(find: Find, folder: Path) -> None:
    """The input and what came of it, in a folder named after the fault."""
    name = "".join(letter if letter.isalnum() else "-" for letter in find.key)[:80]
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    find.case.write(place)
    about = {key: value for key, value in find.case.about.items() if key not in ("texts",)}
    (place / "FAULT.txt").write_text(
        f"{find.key}\ncase {find.number}\n{about!r}\n\n{find.trace}\n", encoding="utf-8", errors="backslashreplace"
    )


def main() -> None:
    """Run until so much CPU was spent on cases, their making included, or the memory is used up."""
    warnings.simplefilter("ignore")
    name, seed, first, seconds, out = sys.argv[1:]
    target, folder = targets()[name], scratch()
    arena = Arena(target, folder)
    try:
        for number in range(_WARM):
            Arena(target, folder).run(number, target.case(-1, number), shrink=False)
        begin = time.process_time()
        with bounded_memory():
            for number in itertools.count(int(first)):
                print(number, flush=True)
                arena.run(number, target.case(int(seed), number))
                if time.process_time() - begin >= float(seconds) or arena.score.peak > MEMORY:
                    break
        spent = time.process_time() - begin
    finally:
        remove(folder)
    for find in arena.score.finds.values():
        write_find(find, Path(out) / name)
    arena.score.outcomes.update(REASONS)
    print("score " + json.dumps(told(arena.score) | {"cpu_seconds": round(spent, 1)}), flush=True)


if __name__ == "__main__":
    main()
