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
import pyarrow.compute as pc

from xlcorpus.lid.close import MACROLANGUAGE, NONE, close_languages
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import load_model
from xlcorpus.lid.sentence_languages import SENTENCES, Counted, agreement, letters_seen, with_sentences
from xlcorpus.text.labels import script_seen

COLUMNS = (SENTENCES, "letters")
LIMITS = (
    (1, 0.0, NONE),
    (30, 0.9, NONE),
    *((letters, score, MACROLANGUAGE) for letters, score in ((1, 0.0), (20, 0.8), (30, 0.0), (30, 0.8), (30, 0.9))),
    *((letters, score, MACROLANGUAGE) for letters, score in ((30, 0.95), (40, 0.9), (60, 0.9))),
)
SHOWN = (30, 0.9)  # limits of the table by language
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
    """lang, lang_sentences, all of them judged, and how many letters each has: documents whose own label is right."""
    model = load_model("embedded")
    parts = []
    for first in range(0, len(documents), 200):
        langs, texts = zip(*documents[first : first + 200], strict=True)
        judged = identify_batch(pa.record_batch({"text": pa.array(texts, pa.string())}), model)
        same = [
            script_seen(one) == script_seen(two) for one, two in zip(judged["lang"].to_pylist(), langs, strict=True)
        ]
        made = with_sentences(judged.filter(pa.array(same)), model, Counted(1, 0.0))
        spans = zip(made["text"].to_pylist(), made[SENTENCES].to_pylist(), strict=True)
        letters = [
            letters_seen(pa.array([text[one["start"] : one["end"]] for one in found], pa.string()))
            for text, found in spans
        ]
        parts.append(made.select(["lang", SENTENCES]).append_column("letters", pa.array(letters, pa.list_(pa.int64()))))
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def mixed(documents: pa.RecordBatch, foreign: int) -> pa.RecordBatch:
    """Each with so many sentences more, of documents in other languages."""
    drawn = random.Random(foreign)
    langs = documents["lang"].to_pylist()
    judged = [[*zip(*row, strict=True)] for row in zip(*(documents[name].to_pylist() for name in COLUMNS), strict=True)]
    others = [(lang, one) for lang, row in zip(langs, judged, strict=True) for one in row]
    for lang, row in zip(langs, judged, strict=True):
        size = len(row) + foreign
        while len(row) < size:
            other, one = drawn.choice(others)
            row += [one] if other != lang else []
    columns = [
        pa.array([[one[place] for one in row] for row in judged], documents[name].type)
        for place, name in enumerate(COLUMNS)
    ]
    return pa.RecordBatch.from_arrays([documents["lang"], *columns], names=["lang", *COLUMNS])


def filtered(documents: pa.RecordBatch, letters: int, score: float, close: str) -> tuple[np.ndarray, np.ndarray]:
    """Languages and share of each document, 1 where no sentence counts."""
    start, end, lang, scores = documents[SENTENCES].flatten().flatten()
    enough = pc.greater_equal(documents["letters"].flatten(), letters)
    judged = pa.StructArray.from_arrays(
        [start, end, lang, pc.if_else(enough, scores, None)], fields=list(documents[SENTENCES].type.value_type)
    )
    found = pa.ListArray.from_arrays(documents[SENTENCES].offsets, judged)
    labels, share = agreement(documents["lang"], found, Counted(letters, score, close_languages(close)))
    return labels.to_numpy(), np.asarray(share.fill_null(1.0))


def percent(values: np.ndarray) -> str:
    """A share of rows."""
    return f"{100 * float(np.mean(values)):.1f}"


def lines(news: pa.RecordBatch, pages: pa.RecordBatch) -> Iterator[str]:
    """The table."""
    with_foreign = [mixed(news, count) for count in FOREIGN]
    for limits in LIMITS:
        cells = list(map(str, limits))
        for batch in (news, pages):
            labels, share = filtered(batch, *limits)
            cells += [percent(labels > 1), percent(share < np.float32(0.8)), percent(share < np.float32(0.5))]
        cells += [percent(filtered(batch, *limits)[0] > 1) for batch in with_foreign]
        yield "| " + " | ".join(cells) + " |"


def by_language(news: pa.RecordBatch) -> Iterator[str]:
    """Languages of which a filter would take most, without and with close languages."""
    langs = np.array(news["lang"].to_pylist())
    gone = [filtered(news, *SHOWN, close)[0] > 1 for close in (NONE, MACROLANGUAGE)]
    shares = {lang: [float(one[langs == lang].mean()) for one in gone] for lang in np.unique(langs).tolist()}
    for lang, (before, after) in sorted(shares.items(), key=lambda item: -item[1][0])[:5]:
        yield f"{lang}: {100 * before:.0f} % without close languages, {100 * after:.0f} % with them"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    news, pages = right(list(ntrex(data))), right(list(crawl(data)))
    print(f"{news.num_rows} documents of NTREX, {pages.num_rows} of the crawl\n")
    print(
        "| letters | score | close | NTREX: > 1 language | share < 0.8 | share < 0.5 | crawl: > 1 | < 0.8 | < 0.5 | ",
        end="",
    )
    print(" | ".join(f"{count} foreign" for count in FOREIGN), "|")
    print("| ---: | ---: | --- " + "| ---: " * 8 + "|")
    print(*lines(news, pages), "", *by_language(news), sep="\n")


if __name__ == "__main__":
    main()
