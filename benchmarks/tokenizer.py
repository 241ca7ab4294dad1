"""Tokens a word by language of tokenizers trained here: `python -m benchmarks.tokenizer [--before FIGURES] FIGURES`.

Trains on the odd lines of ../shared/data (ntrex, udhr, and lid_train where letters look like apostrophes) and counts
the tokens of the even ones. FIGURES (.json) is written; with --before, those of another version are compared:
make them with `PYTHONPATH=OTHER python benchmarks/tokenizer.py FIGURES`, OTHER being a checkout of that version.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.text_sample import Sample
from xlcorpus.tokenizer.train import TrainOptions, train_on_sample

DATA = Path("../shared/data")
LETTERS = {"uzn_Latn": 3000, "haw_Latn": 600, "gaz_Latn": 2500, "hau_Latn": 2500, "grn_Latn": 2500}  # pieces, alone
TOGETHER = 32_000


def texts() -> dict[str, list[str]]:
    """Lines by language."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((DATA / "ntrex").glob("*.jsonl.gz")):
        for row in _rows(path):
            found[row["lang"]].append(row["text"])
    for row in _rows(DATA / "udhr" / "udhr.jsonl.gz"):
        found[row["lang"]] += row["paragraphs"]
    for lang in LETTERS:
        with gzip.open(DATA / "lid_train" / f"{lang}.txt.gz", "rt", encoding="utf-8") as lines:
            found[lang] += [line.rstrip("\n") for line in lines]
    return {lang: lines for lang, lines in sorted(found.items()) if sum(map(len, lines)) > 4000}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def figures(lines: dict[str, list[str]], model: str, pieces: int) -> dict[str, tuple[int, int]]:
    """Tokens and words (what spaces part) of the even lines by language."""
    rows = [(lang, line) for lang, of_lang in lines.items() for line in of_lang[1::2]]
    table = pa.table({"text": pa.array([row[1] for row in rows], pa.large_string()), "lang": [row[0] for row in rows]})
    data, _ = train_on_sample(Sample(table, {}), TrainOptions(model=model, vocab_size=pieces))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.model"
        path.write_bytes(data)
        tokenizer = open_tokenizer(path)
        return {
            lang: (
                int(tokenizer.count_batch(pa.array(of_lang[::2])).sum()),
                sum(len(one.split()) for one in of_lang[::2]),
            )
            for lang, of_lang in lines.items()
        }


def main() -> None:
    """Train, count, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--before", type=Path)
    given = parser.parse_args()
    lines = texts()
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for model in ("unigram", "bpe"):
        found[f"{model}, {TOGETHER:,} pieces, {len(lines)} languages"] = figures(lines, model, TOGETHER)
        alone = {lang: figures({lang: lines[lang]}, model, pieces)[lang] for lang, pieces in LETTERS.items()}
        found[f"{model}, each language alone"] = alone
    given.figures.write_text(json.dumps(found, indent=1))
    earlier = json.loads(given.before.read_text()) if given.before else found
    for name, by_lang in found.items():
        changes = {lang: 100 * (tokens / earlier[name][lang][0] - 1) for lang, (tokens, _) in by_lang.items()}
        order = sorted(changes, key=changes.__getitem__)
        print(f"{name}: {sum(one > 0.5 for one in changes.values())} languages with over 0.5 % more tokens")
        for lang in dict.fromkeys([*(one for one in LETTERS if one in changes), *order[:5], *order[-5:]]):
            (tokens, words), first = by_lang[lang], earlier[name][lang][0]
            print(f"  {lang:<10} {first / words:6.3f} -> {tokens / words:6.3f} tokens a word, {changes[lang]:+5.1f} %")


if __name__ == "__main__":
    main()
