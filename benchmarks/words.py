r"""What the usual pattern for words, `[^\W_]+`, makes of scripts with combining marks: `python -m benchmarks.words`."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import regex

from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import tokens

LANGUAGES = "eng bul arb heb hin nep pan mal tel sin tha khm dzo kor".split()  # noqa: SIM905
_USUAL = re.compile(r"[^\W_]+")
_MARKED = regex.compile(r"[\p{L}\p{M}\p{N}\u200c\u200d]+")


def main() -> None:
    """Print the table, of ntrex."""
    print(
        "| language | runs of word characters | usual pattern | runs that it splits, % | tokens of shingles in dedup |"
    )
    print("|---|---:|---:|---:|---:|")
    for code in LANGUAGES:
        with gzip.open(Path("../shared/data/ntrex") / f"{code}.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        text = "\n".join(record["text"] for record in records)
        runs = _MARKED.findall(text)
        split = sum(len(_USUAL.findall(run)) != 1 for run in runs)
        ours = len(tokens(code_points(pa.array([text])), properties.shingled_singly()))
        lang = records[0]["lang"]
        print(f"| {lang} | {len(runs):,} | {len(_USUAL.findall(text)):,} | {100 * split / len(runs):.1f} | {ours:,} |")


if __name__ == "__main__":
    main()
