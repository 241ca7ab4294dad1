"""Do switches cover whole words? Code-switching with all dictionaries of the shared data, both directions.

    python -m benchmarks.switched_words [--data ../shared/data] [--sentences 200] [--only dz ...] [--word-breaker icu]
        [--lexicons en-tha.parquet ...]

Sentences of PUD, NTREX, UDHR (paragraphs) or Tatoeba, the first of these that has the language, with the dictionaries
of `dict`, and lines of twelve entries for languages without any of these; all words that have an entry are switched
(--ratio 1 --candidates 1). Prints Markdown: a row for each script and direction, with the languages summed; `--only` a
row for each of these languages. `--lexicons`: instead of those dictionaries, lexicons from English that `xlcorpus
lexicon` made (both versions get the same ones, as text).

- whole: switches both of whose edges are where ICU's word breaker (root locale) ends a word, or at an apostrophe of a
  language that has clitics (l'|homme). ICU has no words of Tibetan: there it is its syllables.
- affixes: new words that begin or end with a hyphen.
- first: switches with the translation that the file lists first, of those whose first one is another word.
- twin: sentences that give the same new words decomposed (NFD), of those that NFD changes and that have a switch.

Judged by ICU, unicodedata and the files alone, so that the script can run on other versions:
`cd OLD && PYTHONPATH=. .venv/bin/python NEW/benchmarks/switched_words.py --data ...`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.errors import UserError
from xlcorpus.lexicon.dictionaries import open_index

_APOSTROPHES = "'\u2019\u02bc"
_CLITICS = {"eng", "fra", "bre", "fur", "lmo", "kin", "run", "cgg", "zza"}
_MORE: dict[str, str] = {}  # further options, `--word-breaker`
_SHORTEST = 20  # sentences; of a language with fewer entries stand for them
icu = import_module("icu")  # which has no types
_WORDS = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from lines


def _sentences(data: Path, code: str, label: str, most: int) -> list[str]:
    """Sentences of a language: code as dictionaries name it, label as we do."""
    language = label.split("_")[0]
    found = data / "pud" / f"{code}.jsonl.gz"
    for row in list(_lines(data / "ntrex" / "languages.tsv.gz"))[1:]:
        name, lang = row.split("\t")[:2]
        if not found.exists() and lang.split("_")[0] == language:
            found = data / "ntrex" / f"{name}.jsonl.gz"
    if found.exists():
        return [json.loads(line)["text"] for line in _lines(found)][:most]
    declared = (json.loads(line) for line in _lines(data / "udhr" / "udhr.jsonl.gz"))
    for row in declared:
        if row["lang"].split("_")[0] == language:
            return list(row["paragraphs"])[:most]
    found = data / "tatoeba" / f"{language}-eng.tsv.gz"
    return [row.split("\t")[1] for row in list(_lines(found))[1 : most + 1]] if found.exists() else []


def _strung(path: Path, most: int) -> list[str]:
    """Where there is no text: entries of the dictionary, among them phrases, twelve a line."""
    entries = [line.rstrip("\n").split("\t")[1] for line in list(_lines(path))[1::7]]
    return [" ".join(entries[start : start + 12]) for start in range(0, len(entries), 12)][:most]


def _batch(texts: Sequence[str], label: str) -> pa.RecordBatch:
    ids = [number.to_bytes(16, "little") for number in range(len(texts))]
    origin = pa.StructArray.from_arrays(
        [pa.array(["bench"] * len(texts)), pa.array(range(len(texts)), pa.int64())], names=["file", "offset"]
    )
    columns = {"doc_id": pa.array(ids, pa.binary(16)), "text": pa.array(list(texts)), "origin": origin}
    return pa.RecordBatch.from_pydict(columns | {"lang": pa.array([label] * len(texts))})


def _switched(texts: Sequence[str], label: str, index: Any) -> dict[bytes, dict[str, Any]]:
    chosen = CodeswitchOptions.model_validate({"ratio": 1.0, "candidates": 1, **_MORE})
    made = switch_words(_batch(texts, label), index, chosen)
    return {row["doc_id"]: row for row in made.rows.to_pylist()}


def _plain(word: str) -> str:
    """As two spellings of one word: composed, small, without signs and marks of direction at its ends."""
    folded = unicodedata.normalize("NFC", word).casefold().replace("\u2019", "'").replace("\u0f0c", "\u0f0b")
    marked = "".join("-" if unicodedata.category(character)[0] in "PZCS" else "x" for character in folded)
    start, end = marked.find("x"), marked.rfind("x") + 1
    return folded[start:end] or folded


def _edges(text: str) -> set[int]:
    _WORDS.setText(text)
    units = np.cumsum([0, *(1 + (character > "\uffff") for character in text)])
    return {0, *np.searchsorted(units, list(_WORDS)).tolist()}


def _is_edge(text: str, at: int, edges: set[int], label: str) -> bool:
    clitics = label.split("_")[0] in _CLITICS
    return at in edges or (clitics and any(sign in _APOSTROPHES for sign in text[max(at - 1, 0) : at + 1]))


def _measure(texts: Sequence[str], label: str, index: Any, first: dict[str, str]) -> Counter[str]:
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    found, twins, counts = _switched(composed, label, index), _switched(decomposed, label, index), Counter[str]()
    for number, text in enumerate(composed):
        own = number.to_bytes(16, "little")
        spans = found[own]["cs_spans"] if own in found else []
        if spans and text != decomposed[number]:
            other = twins[own]["cs_spans"] if own in twins else []
            counts["twins"] += 1
            counts["twin"] += [s["new_token"] for s in spans] == [s["new_token"] for s in other]
        edges, moved = _edges(text), 0
        for span in spans:
            start = span["start"] - moved
            region = found[own]["cs_source"][span["start"] : span["end"]]
            end = start + len(span["src_token"])
            moved += len(region) - len(span["src_token"])
            counts["switches"] += 1
            counts["whole"] += _is_edge(text, start, edges, label) and _is_edge(text, end, edges, label)
            counts["affixes"] += span["new_token"][0] == "-" or span["new_token"][-1] == "-"
            key = span["src_token"] if span["src_token"] in first else _plain(span["src_token"])
            if key in first and _plain(first[key]) != _plain(key):
                counts["listed"] += 1
                counts["first"] += _plain(span["new_token"]) == _plain(first[key])
    return counts


def _rows(path: Path) -> list[list[str]]:
    """The lines of a dictionary, the languages first; of a lexicon its entries by rank."""
    if path.suffix != ".parquet":
        return [line.rstrip("\n").split("\t") for line in _lines(path)]
    columns = [f"{side}{of}" for side in ("src", "tgt") for of in ("", "_lang")]
    table = pq.read_table(path, columns=[*columns, "rank"]).sort_by([("src", "ascending"), ("rank", "ascending")])
    src, src_lang, tgt, tgt_lang = (table.column(name).to_pylist() for name in columns)
    return [[src_lang[0], tgt_lang[0]], *map(list, zip(src, tgt, strict=True))]


def _directions(path: Path, folder: Path) -> Iterator[tuple[Any, dict[str, str], bool]]:
    """From English and into it: the index, the first translation of each word, and whether it is from English."""
    rows = _rows(path)
    for forward in (True, False):
        one, other = (0, 1) if forward else (1, 0)
        names = rows[0][one], rows[0][other]
        file = folder / f"{names[0]}-{names[1]}.tsv"
        file.write_text("\n".join(f"{row[one]}\t{row[other]}" for row in rows) + "\n", encoding="utf-8")
        first: dict[str, str] = {}
        for row in rows[1:]:
            for key in (row[one], _plain(row[one])):
                first.setdefault(key, row[other])
        yield open_index([file], candidates=1), first, forward


def run(
    data: Path, most: int, only: Sequence[str], lexicons: Sequence[Path] = ()
) -> dict[tuple[str, str], Counter[str]]:
    """Sums by script (or code of the language) and direction; `languages` counts them."""
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    english = _sentences(data, "en", "eng_Latn", most)
    for path in lexicons or sorted((data / "dict").glob("*/en-*.tsv.gz")):
        code = path.name.split(".")[0][3:]
        if (only and code not in only) or (path.parent.name == "gatitos" and code in ("es", "fr", "hi")):
            continue
        with tempfile.TemporaryDirectory() as folder, suppress(UserError):  # cpf is a family of languages
            for index, first, forward in _directions(path, Path(folder)):
                label = index.directions[0].tgt if forward else index.directions[0].src
                texts = _sentences(data, code, label, most)
                if len(texts) < _SHORTEST:
                    texts = _strung(path, most)
                script = "".join(label.split("_")[1:])
                name = (code if only else script, "English into it" if forward else "into English")
                sums[name] += _measure(english if forward else texts, "eng_Latn" if forward else label, index, first)
                sums[name]["languages"] += 1
    return sums


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--lexicons", type=Path, nargs="*", default=[])
    parser.add_argument("--word-breaker", help="as of `xlcorpus codeswitch`")
    options = parser.parse_args(arguments)
    if options.word_breaker:
        _MORE["word_breaker"] = options.word_breaker
    print("| script | direction | languages | switches | whole | affixes | first | twin |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    sums = run(options.data, options.sentences, options.only, options.lexicons)
    for way in ("English into it", "into English"):
        total = sum((counts for name, counts in sums.items() if name[1] == way), Counter[str]())
        for (name, direction), c in [*((n, c) for n, c in sorted(sums.items()) if n[1] == way), (("all", way), total)]:
            pairs = [("whole", "switches"), ("affixes", "switches"), ("first", "listed"), ("twin", "twins")]
            shown = " | ".join(f"{c[part] / c[all_of]:.4f}" if c[all_of] else "-" for part, all_of in pairs)
            print(f"| {name} | {direction} | {c['languages']} | {c['switches']:,} | {shown} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
