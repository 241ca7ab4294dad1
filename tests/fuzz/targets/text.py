"""Plain text by lines, paragraphs and whole: odd ends of lines, encodings and marks."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_cuts, check_outcome, read_files
from tests.fuzz.target import Case, Target
from tests.fuzz.texts import CODECS

TOKENS = (
    b"\r",
    b"\r\r\n",
    b"\n\n",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xa9",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0",
    b"\x1a",
    b" \n \n",
)


def make(chaos: random.Random) -> Case:
    """A text."""
    newline = chaos.choice(("\n", "\n", "\r\n", "\r", "\n\n", "\u2028"))
    text = newline.join(
        chaotic.clean(chaos) if chaos.random() < 0.8 else chaos.choice(("", " ", "\t"))
        for _ in range(chaos.randint(1, 30))
    )
    codec = chaos.choice(("utf-8",) * 8 + CODECS)
    data = (text + chaos.choice((newline, ""))).encode(codec, "replace")
    if chaos.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    if chaos.random() < 0.5:
        data = chaotic.damage(chaos, data, TOKENS)
    return Case({"story.txt": data}, {"sample_by": chaos.choice(("line", "paragraph", "document"))})


def run(case: Case, folder: Path) -> int:
    """The same in ranges."""
    path = folder / "story.txt"
    options = {"sample_by": case.about["sample_by"]}
    outcome = read_files([path], **options)
    check_outcome(outcome, {})
    check_cuts([path], outcome, random.Random(path.stat().st_size), **options)
    return outcome.records


TARGET = Target("text", make, run)
