"""Tables of sentence pairs, TSV and CSV: quotes, widths, headers and ends of lines that do not fit."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_cuts, check_outcome, read_files
from tests.fuzz.target import Case, Target
from tests.fuzz.texts import LABELS

TOKENS = (
    b'"',
    b'""',
    b',"',
    b'",',
    b"\t",
    b",",
    b"\r",
    b"\r\n",
    b"\n\n",
    b'"\n',
    b"src",
    b"src,tgt",
    b"src_lang",
    b";",
    b"\\",
    b"'",
    b"\xef\xbb\xbf",
    b"eng_Latn",
)


def make(chaos: random.Random) -> Case:
    """A table, half of the time damaged."""
    kind = chaos.choice(("tsv", "csv"))
    names = [
        "src",
        "tgt",
        *chaos.sample(["src_lang", "tgt_lang", "score", "id", "", "text", "doc_id", "ID", "名"], chaos.randint(0, 4)),
    ]
    chaos.shuffle(names)
    rows = []
    for _ in range(chaos.randint(0, 30)):
        values = {"src_lang": chaos.choice(LABELS), "tgt_lang": chaos.choice((*LABELS, "en", "xx_Yyyy_z"))}
        row = [values.get(name) or (chaotic.clean(chaos) if chaos.random() < 0.97 else "") for name in names]
        if chaos.random() < 0.03:
            row = [*row[:-2], "less"] if chaos.random() < 0.5 else [*row, "more"]
        rows.append(row)
    if kind == "tsv":
        lines = ["\t".join(value.replace("\t", " ") for value in row) for row in [names, *rows]]
        data = (chaos.choice(("\n", "\r\n")).join(lines) + chaos.choice(("\n", ""))).encode()
    else:
        for row in rows:
            row[:] = [value.replace(" ", chaos.choice((" ", "\n", '"', ",", "\r\n")), 1) for value in row]
        sink = io.StringIO(newline="")
        csv.writer(
            sink, lineterminator=chaos.choice(("\n", "\r\n")), quoting=chaos.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        ).writerows([names, *rows])
        data = sink.getvalue().encode()
    about: dict[str, object] = {"records": len(rows)}
    if chaos.random() < 0.6:
        data, about = chaotic.damage(chaos, data, TOKENS), {}
    return Case({f"pairs.{kind}": data}, about)


def run(case: Case, folder: Path) -> int:
    """All records accounted for, and of TSV the same in ranges."""
    path = folder / next(iter(case.files))
    options = {"kind": "pairs", "src_lang": "eng_Latn", "tgt_lang": "swh_Latn"}
    if b"_lang" in case.files[path.name][:300]:
        options = {"kind": "pairs"}
    outcome = read_files([path], **options)
    check_outcome(outcome, case.about)
    check_cuts([path], outcome, random.Random(path.stat().st_size), **options)
    return outcome.records


TARGET = Target("csv", make, run)
