"""dict-word: speed on one core, and whether the achieved ratio and every replacement are right on real text.

    python -m benchmarks.codeswitch speed [--data ../shared/data] [--megabytes 8] [--repeats 5]
    python -m benchmarks.codeswitch ratios [--data ../shared/data]

Both print Markdown. Speed: MB of text in UTF-8 by CPU seconds, documents of 20 sentences of PUD and NTREX, dictionaries
of Wiktionary, for other sources than English inverted; Thai has none here, so its keys are the frequent substrings of
the text itself, which is good for the seconds alone. The best of the repeats counts: other work on the machine only
ever adds to the seconds of one.

Ratios: the English sentences of PUD (1,000) and NTREX (970) and each dictionary, as the step reads it. wanted is
min(0.35, coverage); coverage and achieved are shares of all words of the set (replaced words by words;
words are those that may be switched: without numbers and protected stretches). `sentences` and `documents` are the
shares of texts (those with a switch) whose own ratio is within 0.02 of their own min(0.35, coverage): a sentence of 20
words can only come within 0.025, documents are 20 sentences. Replacements are looked up in the file itself, case
folded; `undone` counts texts whose cs_target is the original byte for byte and which cs_spans turn cs_source back to.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.machine import describe_machine
from benchmarks.parallel import read_rows, read_texts
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.dictionaries import open_index
from xlcorpus.lexicon.index import LexiconIndex

GOAL = 20.0
WITHIN = 0.02
_SENTENCES = 20
_BATCH = 2048  # documents in an element of a pipeline, about 5 MB
_OTHERS = {"de": "deu_Latn", "ru": "rus_Cyrl", "hi": "hin_Deva", "ar": "arb_Arab", "zh": "zho_Hant", "ja": "jpn_Jpan"}


@dataclass(frozen=True)
class Figures:
    """Of one direction: the direction, words of the dictionary, MB/s, coverage and achieved ratio."""

    direction: str
    words: int
    speed: float
    coverage: float
    ratio: float


def _batches(texts: Sequence[str], label: str, size: int) -> Iterator[pa.RecordBatch]:
    """Documents of 20 sentences, until there are `size` bytes."""
    joined = [" ".join(texts[start : start + _SENTENCES]) for start in range(0, len(texts), _SENTENCES)]
    count = max(1, size * len(joined) // sum(len(text.encode()) for text in joined))
    yield from _rows(joined, label, range(count), _BATCH)


def _rows(texts: Sequence[str], label: str, numbers: range, most: int) -> Iterator[pa.RecordBatch]:
    """Batches of at most `most` rows; the texts in turn, again and again."""
    for start in range(0, len(numbers), most):
        some = numbers[start : start + most]
        origin = pa.StructArray.from_arrays(
            [pa.array(["bench"] * len(some)), pa.array(list(some), pa.int64())], names=["file", "offset"]
        )
        yield pa.RecordBatch.from_pydict(
            {
                "doc_id": pa.array([number.to_bytes(16, "little") for number in some], pa.binary(16)),
                "text": pa.array([texts[number % len(texts)] for number in some]),
                "lang": pa.array([label] * len(some)),
                "origin": origin,
            }
        )


def _dictionary(folder: Path, code: str, label: str, *, inverse: bool) -> LexiconIndex:
    rows = read_rows(folder / "dict" / "wiktionary" / f"en-{code}.tsv.gz")
    english, other = pa.array([row[0] for row in rows]), pa.array([row[1] for row in rows])
    sides = [(english, "eng_Latn"), (other, label)]
    (src, src_lang), (tgt, tgt_lang) = reversed(sides) if inverse else sides
    return build_index(src, tgt, pa.array([src_lang] * len(rows)), pa.array([tgt_lang] * len(rows)))


def measure(direction: str, batches: Sequence[pa.RecordBatch], index: LexiconIndex, repeats: int) -> Figures:
    """The best of the repeats. MB are bytes of text in UTF-8."""
    size = sum(pc.sum(pc.binary_length(batch["text"])).as_py() for batch in batches)
    settings, best, words, known, replaced = CodeswitchOptions(), float("inf"), 0.0, 0.0, 0.0
    for repeat in range(repeats):
        start = time.process_time()
        made = [switch_words(batch, index, settings).rows for batch in batches]
        best = min(best, time.process_time() - start)
        if repeat == 0:
            counts = np.concatenate([batch["cs_words"].to_numpy() for batch in made])
            words = float(counts.sum())
            known, replaced = (
                float(counts @ np.concatenate([batch[name].to_numpy() for batch in made]))
                for name in ("cs_coverage", "cs_ratio")
            )
    return Figures(direction, len(index.keys), size / best / 1e6, known / words, replaced / words)


def _substrings(texts: Sequence[str], label: str, most: int) -> LexiconIndex:
    """The most frequent substrings of Thai as keys, 2 to 6 characters."""
    counts: Counter[str] = Counter()
    for run in re.findall(r"[\u0e01-\u0e4e]+", " ".join(texts)):
        for size in range(2, 7):
            counts.update(run[at : at + size] for at in range(len(run) - size + 1))
    keys = [key for key, _ in counts.most_common(most)]
    columns = (keys, [f"w{number}" for number in range(len(keys))], [label] * len(keys), ["eng_Latn"] * len(keys))
    return build_index(*(pa.array(column, pa.string()) for column in columns))


def run(data: Path, megabytes: int, repeats: int) -> Iterator[Figures]:
    """Figures of each direction, English first."""
    size = megabytes * 1_000_000
    english = list(_batches([text for texts in _english(data).values() for text in texts], "eng_Latn", size))
    for code, label in _OTHERS.items():
        yield measure(f"eng_Latn > {label}", english, _dictionary(data, code, label, inverse=False), repeats)
    for code, label in _OTHERS.items():
        batches = list(_batches(read_texts(data / f"pud/{code}.jsonl.gz"), label, size))
        yield measure(f"{label} > eng_Latn", batches, _dictionary(data, code, label, inverse=True), repeats)
    thai = read_texts(data / "pud/th.jsonl.gz")
    batches = list(_batches(thai, "tha_Thai", size))
    yield measure("tha_Thai > (substrings)", batches, _substrings(thai, "tha_Thai", 20_000), repeats)


def _english(data: Path) -> dict[str, list[str]]:
    return {"PUD": read_texts(data / "pud/en.jsonl.gz"), "NTREX": read_texts(data / "ntrex/eng.jsonl.gz")}


@dataclass(frozen=True)
class Checked:
    """Of a set of texts and a dictionary: see the module; within: share of texts near their own wanted ratio."""

    texts: int
    words: int
    coverage: float
    ratio: float
    within: float
    replaced: int
    strange: int
    undone: int


def _plainly(word: str) -> str:
    """Case folded, by Python; the i without a dot and the dot of a capital I as in other languages."""
    folded = unicodedata.normalize("NFC", word.strip()).casefold().replace("\u0307", "").replace("ı", "i")
    return folded.replace("’", "'")


def _file_entries(path: Path) -> set[tuple[str, str]]:
    """All entries of a dictionary file, read without any of the project's own code."""
    return {(_plainly(row[0]), _plainly(row[1])) for row in read_rows(path)}


def check_texts(texts: Sequence[str], index: LexiconIndex, entries: set[tuple[str, str]]) -> Checked:
    """Switch the texts and check every one."""
    (batch,) = list(_rows(texts, "eng_Latn", range(len(texts)), len(texts)))
    made = switch_words(batch, index, CodeswitchOptions())
    originals = dict(zip(batch["doc_id"].to_pylist(), texts, strict=True))
    words, known, replaced = Counter[bytes](), Counter[bytes](), Counter[bytes]()
    strange = undone = 0
    for row in made.rows.to_pylist():
        own, source = row["doc_id"], row["cs_source"]
        words[own], replaced[own] = row["cs_words"], len(row["cs_spans"])
        known[own] = round(row["cs_coverage"] * row["cs_words"])
        for span in reversed(row["cs_spans"]):
            source = source[: span["start"]] + span["src_token"] + source[span["end"] :]
            strange += (_plainly(span["src_token"]), _plainly(span["new_token"])) not in entries
        undone += row["cs_target"].encode() == originals[own].encode() and source == row["cs_target"]
    near = sum(abs(replaced[own] - min(0.35 * words[own], known[own])) <= WITHIN * words[own] for own in words)
    total = max(made.counts["words"]["eng_Latn"], 1)  # with those of texts without a switch
    return Checked(
        texts=len(words),
        words=total,
        coverage=made.counts["known"]["eng_Latn"] / total,
        ratio=made.counts["replaced"]["eng_Latn"] / total,
        within=near / max(len(words), 1),
        replaced=sum(replaced.values()),
        strange=strange,
        undone=undone,
    )


def print_speed(data: Path, megabytes: int, repeats: int) -> None:
    """The table of speeds."""
    print(f"{describe_machine('numpy', 'pyarrow')}; best of {repeats}; goal {GOAL:.0f} MB/s\n")
    print("| direction | keys | MB/s a core | coverage | achieved ratio |\n| --- | ---: | ---: | ---: | ---: |")
    for figures in run(data, megabytes, repeats):
        print(
            f"| {figures.direction} | {figures.words:,} | {figures.speed:.1f} | {figures.coverage:.3f} "
            f"| {figures.ratio:.3f} |",
            flush=True,
        )


def print_ratios(data: Path) -> None:
    """The table of ratios: one row for a dictionary and a set of sentences."""
    columns = ["dictionary", "set", "coverage", "wanted", "achieved", "sentences", "documents", "replaced"]
    columns += ["not an entry", "undone"]
    print("| " + " | ".join(columns) + " |\n" + "| --- | --- |" + " ---: |" * (len(columns) - 2))
    farthest = 0.0
    for path in sorted((data / "dict/wiktionary").glob("en-*.tsv.gz")):
        index, entries = open_index([path]), _file_entries(path)
        for name, texts in _english(data).items():
            joined = [" ".join(texts[start : start + _SENTENCES]) for start in range(0, len(texts), _SENTENCES)]
            found, documents = check_texts(texts, index, entries), check_texts(joined, index, entries)
            wanted = min(0.35, found.coverage)
            farthest = max(farthest, abs(found.ratio - wanted), abs(documents.ratio - min(0.35, documents.coverage)))
            print(
                f"| {path.name.split('.')[0]} | {name} | {found.coverage:.3f} | {wanted:.3f} | {found.ratio:.3f} "
                f"| {found.within:.3f} | {documents.within:.3f} | {found.replaced + documents.replaced:,} "
                f"| {found.strange + documents.strange} "
                f"| {found.undone + documents.undone:,} of {found.texts + documents.texts:,} |",
                flush=True,
            )
    print(f"\nfarthest from wanted, sentences and documents: {farthest:.4f} (bound {WITHIN})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; the exit code is never because of a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", choices=("speed", "ratios"), default="speed")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--megabytes", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    pa.set_cpu_count(1)
    if options.table == "ratios":
        print_ratios(options.data)
    else:
        print_speed(options.data, options.megabytes, options.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
