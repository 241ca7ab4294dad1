"""What filters on the languages of sentences take of right documents, and find of mixed ones, by the limits.

`python -m benchmarks.sentence_languages [--data FOLDER]` prints Markdown for docs/sentence-languages.md: documents of
NTREX (sentences joined) and of the crawl whose own label is right; into each of NTREX sentences of others are put.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import load_model
from xlcorpus.lid.sentence_languages import SENTENCES, Counted, agreement, with_sentences
from xlcorpus.text.labels import script_seen

LIMITS = ((1, 0.0), (20, 0.8), (30, 0.9), (40, 0.0), (40, 0.8), (40, 0.9), (40, 0.95), (60, 0.9), (80, 0.9))
FOREIGN = (1, 3)
_DOCUMENTS = 30  # of each language of NTREX


def records(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def ntrex(data: Path) -> Iterator[tuple[str, str]]:
    """Language and text."""
    for path in sorted((data / "ntrex").glob("*.jsonl.gz")):
        texts: dict[str, list[str]] = defaultdict(list)
        lang = ""
        for row in records(path):
            texts[row["doc"]].append(row["text"])
            lang = row["lang"]
        yield from ((lang, " ".join(lines)) for lines in list(texts.values())[:_DOCUMENTS])


def crawl(data: Path) -> Iterator[tuple[str, str]]:
    """Language and text, where it is known."""
    yield from ((row["lang"], row["text"]) for row in records(data / "crawl" / "docs.jsonl.gz") if row["lang"])


def right(documents: Sequence[tuple[str, str]]) -> pa.RecordBatch:
    """lang and lang_sentences, every sentence judged, of the documents whose own label is right."""
    model = load_model("embedded")
    parts = []
    for first in range(0, len(documents), 200):
        langs, texts = zip(*documents[first : first + 200], strict=True)
        judged = identify_batch(pa.record_batch({"text": pa.array(texts, pa.string())}), model)
        same = [
            script_seen(one) == script_seen(two) for one, two in zip(judged["lang"].to_pylist(), langs, strict=True)
        ]
        made = with_sentences(judged.filter(pa.array(same)), model, Counted(1, 0.0))
        parts.append(made.select(["lang", SENTENCES]))
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def mixed(documents: pa.RecordBatch, foreign: int) -> pa.RecordBatch:
    """Each with so many sentences more, of documents in other languages."""
    drawn = random.Random(foreign)
    langs, found = documents["lang"].to_pylist(), documents[SENTENCES].to_pylist()
    others = [(lang, one) for lang, rows in zip(langs, found, strict=True) for one in rows]
    made = []
    for lang, rows in zip(langs, found, strict=True):
        added: list[dict[str, object]] = []
        while len(added) < foreign:
            other, one = drawn.choice(others)
            added += [one] if other != lang else []
        made.append(rows + added)
    return pa.record_batch({"lang": documents["lang"], SENTENCES: pa.array(made, documents[SENTENCES].type)})


def percent(values: np.ndarray) -> str:
    """A share of rows."""
    return f"{100 * float(np.mean(values)):.1f}"


def lines(news: pa.RecordBatch, pages: pa.RecordBatch) -> Iterator[str]:
    """The table."""
    with_foreign = [mixed(news, count) for count in FOREIGN]
    for chars, score in LIMITS:
        cells = [str(chars), str(score)]
        for batch in (news, pages):
            labels, share = agreement(batch["lang"], batch[SENTENCES], Counted(chars, score))
            below = np.asarray(share.fill_null(1.0))
            cells += [
                percent(labels.to_numpy() > 1),
                percent(below < np.float32(0.8)),
                percent(below < np.float32(0.5)),
            ]
        for batch in with_foreign:
            cells.append(percent(agreement(batch["lang"], batch[SENTENCES], Counted(chars, score))[0].to_numpy() > 1))
        yield "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    news, pages = right(list(ntrex(data))), right(list(crawl(data)))
    print(f"{news.num_rows} documents of NTREX, {pages.num_rows} of the crawl\n")
    print(
        "| characters | score | NTREX: > 1 language | share < 0.8 | share < 0.5 | crawl: > 1 | < 0.8 | < 0.5 | ", end=""
    )
    print(" | ".join(f"{count} foreign" for count in FOREIGN), "|")
    print("| ---: " * 10 + "|")
    print(*lines(news, pages), sep="\n")


if __name__ == "__main__":
    main()
