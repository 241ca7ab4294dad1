"""Sentence pairs in two parallel text files and in JSON Lines: sides of other lengths, one damaged, one compressed."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_cuts, check_outcome, read_files
from tests.fuzz.target import Case, Target
from tests.fuzz.targets.jsonl import TOKENS, value
from tests.fuzz.texts import LABELS


def make(chaos: random.Random) -> Case:
    """Two files, or one of JSON Lines."""
    count = chaos.randint(0, 30)
    pairs = [[chaotic.clean(chaos) if chaos.random() < 0.95 else "" for _ in "st"] for _ in range(count)]
    if chaos.random() < 0.4:
        return _json_lines(chaos, pairs)
    sides = []
    for side in (0, 1):
        newline = chaos.choice(("\n", "\n", "\r\n"))
        data = "".join(pair[side] + newline for pair in pairs).encode()
        sides.append(data[: -len(newline)] if data and chaos.random() < 0.2 and pairs[-1][side] else data)
    about: dict[str, object] = {"records": count, "valid": count > 0}
    hurt = chaos.random()
    for side in (0, 1):
        if hurt < 0.5 and chaos.random() < 0.7:
            sides[side], about = chaotic.damage(chaos, sides[side], TOKENS), {}
    suffixes = ["", ""]
    for side in (0, 1):
        if chaos.random() < 0.15:
            sides[side], suffixes[side] = gzip.compress(sides[side], 1, mtime=0), ".gz"
            if chaos.random() < 0.3:
                sides[side], about = chaotic.damage(chaos, sides[side]), {}
    return Case({f"talk.src{suffixes[0]}": sides[0], f"talk.tgt{suffixes[1]}": sides[1]}, about)


def _json_lines(chaos: random.Random, pairs: list[list[str]]) -> Case:
    lines = []
    for src, tgt in pairs:
        row = {"src": src, "tgt": tgt, "src_lang": chaos.choice(LABELS), "tgt_lang": chaos.choice(LABELS)}
        if chaos.random() < 0.1:
            row[chaos.choice([*row, "more"])] = value(chaos)
        lines.append(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    data = b"".join(line + b"\n" for line in lines)
    about: dict[str, object] = {"records": len(pairs)}
    if chaos.random() < 0.5:
        data, about = chaotic.damage(chaos, data, TOKENS), {}
    return Case({"talk.jsonl": data}, about)


def run(case: Case, folder: Path) -> int:
    """All pairs accounted for, and the same in ranges."""
    paths = [folder / name for name in case.files]
    options = (
        {"kind": "pairs"} if len(paths) == 1 else {"kind": "pairs", "src_lang": "eng_Latn", "tgt_lang": "swh_Latn"}
    )
    outcome = read_files(paths, **options)
    check_outcome(outcome, case.about)
    check_cuts(paths, outcome, random.Random(sum(map(len, case.files.values()))), **options)
    return outcome.records


TARGET = Target("bitext", make, run)
