"""JSON Lines: odd values, odd numbers, odd keys, damaged lines; every line that is not blank is accounted for."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import Outcome, check_cuts, check_outcome, read_files
from tests.fuzz.target import Case, Target, Violation
from tests.fuzz.texts import LABELS
from xlcorpus.dataset.schema import load_schema
from xlcorpus.raw.input_columns import EXTRA

TOKENS = (
    b'{"text": "',
    b'"}',
    b"}\n{",
    b"\\u0000",
    b"\\ud83d",
    b"\\ud83d\\ude00",
    b"[[[[[[[[",
    b'{"a":{"a":{"a":',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"123456789012345678901234567890",
    b'"text": null,',
    b'"text": 3,',
    b"\\",
    b"\\x",
    b"// c",
    b"]",
    b"{}",
    b"{}\n",
    b"null\n",
    b'"doc_id":',
    b'"lang":',
    b'"extra":',
    b'"origin":',
    b"\r\n",
    b"\n\n",
    b",,",
    b"-0.0",
    b"1.0000000000000001",
    b"\xe2\x80\xa8",
)
OURS = {*load_schema("document").names, EXTRA}
_BLANK = b" \t\r\f\v"
KEYS = (
    "id",
    "url",
    "score",
    "meta",
    "tags",
    "lang",
    "timestamp",
    "kind",
    "doc_id",
    "origin",
    "extra",
    "source",
    "",
    "a.b",
    "ключ",
    "名前",
    "x" * 300,
    "__a",
    "text2",
)


def value(chaos: random.Random, depth: int = 0) -> Any:
    """Any JSON value."""
    kind = chaos.random()
    if kind < 0.35 or depth > 4:
        return chaos.choice(
            (
                None,
                True,
                False,
                0,
                -1,
                7,
                2**53 + 1,
                2**63 - 1,
                2**63,
                -(2**63),
                10**40,
                0.5,
                -0.0,
                1e-320,
                1.7e308,
                float("nan"),
                float("inf"),
                "",
                "0",
                chaotic.nasty(chaos),
                LABELS[chaos.randrange(len(LABELS))],
            )
        )
    if kind < 0.6:
        return chaotic.text(chaos, 1)
    if kind < 0.8:
        return [value(chaos, depth + 1) for _ in range(chaos.choice((0, 1, 3)))]
    return {chaos.choice(KEYS): value(chaos, depth + 1) for _ in range(chaos.choice((0, 1, 2)))}


def line(chaos: random.Random, keys: list[str]) -> bytes:
    """A record, most often a good one."""
    content: Any = {"text": chaotic.clean(chaos)}
    content |= {key: value(chaos) for key in keys if chaos.random() < 0.9}
    if chaos.random() < 0.08:
        content["text"] = value(chaos)
    if chaos.random() < 0.03:
        content = value(chaos)
    items = list(content.items()) if isinstance(content, dict) else None
    if items is not None:
        chaos.shuffle(items)
        content = dict(items)
    raw = json.dumps(content, ensure_ascii=chaos.random() < 0.3, separators=chaos.choice(((",", ":"), (", ", ": "))))
    return raw.encode("utf-8", "surrogatepass")


def make(chaos: random.Random, name: str = "docs") -> Case:
    """A file of some lines, half of them damaged."""
    keys = chaos.sample(KEYS, chaos.randint(0, 4))
    data = chaos.choice((b"\n", b"\n", b"\n", b"\r\n", b"\n\n")).join(
        line(chaos, keys) for _ in range(chaos.randint(1, 30))
    )
    data += chaos.choice((b"\n", b"\n", b""))
    if chaos.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    if chaos.random() < 0.6:
        data = chaotic.damage(chaos, data, TOKENS)
    plain, suffix = data, ""
    if chaos.random() < 0.15:
        data, suffix = gzip.compress(data, 1, mtime=0), ".gz"
        if chaos.random() < 0.5:
            return Case({f"{name}.jsonl{suffix}": chaotic.damage(chaos, data, TOKENS)})
    return Case({f"{name}.jsonl{suffix}": data}, {"plain": plain})


def count(data: bytes) -> int:
    """Lines that are not blank."""
    return sum(bool(one.strip(_BLANK)) for one in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"))


def run(case: Case, folder: Path) -> int:
    """All lines accounted for, each text as Python's parser reads it, and the same in ranges."""
    path = folder / next(iter(case.files))
    outcome = read_files([path])
    plain = case.about.get("plain")
    if plain is not None and re.search(rb"\r(?!\n)", plain):
        plain = None  # such a line may be several records
    check_outcome(outcome, {} if plain is None else {"records": count(plain)})
    if plain is not None:
        _check_values(outcome, plain)
    if path.suffix != ".gz":
        check_cuts([path], outcome, random.Random(path.stat().st_size))
    return outcome.records


def _whole(digits: str) -> int | str:
    """The number; text where it has more digits than Python turns into one."""
    return int(digits) if len(digits) < 4000 else digits


def _check_values(outcome: Outcome, plain: bytes) -> None:
    """Each row's text, and each whole number of its line, are what Python's own parser finds there."""
    for row in outcome.rows:
        at = row["origin"]["offset"]
        end = plain.find(b"\n", at)
        try:
            found = json.loads(
                plain[at : end if end >= 0 else None].decode("utf-8-sig"), strict=False, parse_int=_whole
            )
        except (ValueError, RecursionError):
            raise Violation(f"json: row at {at} is no JSON for Python: {plain[at : at + 200]!r}") from None
        if row["text"] != found["text"]:
            raise Violation(f"json: the text at {at} is {row['text'][:100]!r}, not {found['text'][:100]!r}")
        extra = json.loads(row["extra"]) if row.get("extra") else {}
        for key, given in found.items():
            if type(given) is not int:
                continue
            names = [name for name in (f"input_{key}", key) if name not in OURS and row.get(name) is not None]
            kept = row[names[0]] if names else extra.get(key)
            if isinstance(kept, str):
                kept = json.loads(kept)
            if kept != given or isinstance(kept, bool):
                raise Violation(f"number: {key!r} at {at} is {given}, kept {kept!r}")


TARGET = Target("jsonl", make, run)
