"""Corpora of invented words in any language and script, small enough to mix in tests; the same bytes every time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.rows import documents, write_dataset
from tests.running import run, write_recipe
from xlcorpus.mix.units import count_units

# First letter and number of letters by script; scripts that write words without spaces; the others are Latin here.
LETTERS = {
    "Arab": (0x0628, 19), "Armn": (0x0561, 30), "Beng": (0x0995, 20), "Cyrl": (0x0430, 32), "Deva": (0x0915, 35),
    "Ethi": (0x1208, 60), "Geor": (0x10D0, 30), "Grek": (0x03B1, 17), "Hang": (0xAC00, 200), "Hans": (0x4E10, 300),
    "Hant": (0x5010, 300), "Hebr": (0x05D0, 22), "Jpan": (0x3042, 60), "Khmr": (0x1780, 30), "Laoo": (0x0E94, 4),
    "Latn": (0x0061, 26), "Mymr": (0x1000, 30), "Taml": (0x0BAE, 8), "Telu": (0x0C15, 18), "Thai": (0x0E01, 40),
}  # fmt: skip
UNSPACED = ("Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai")


def sentences(lang: str, tokens: int, purpose: str = "", longest: int = 30, shortest: int = 1) -> list[str]:
    """Texts of `shortest` to `longest` words in the script of a language, `tokens` pre-tokens or a few more in all."""
    draw = np.random.default_rng(zlib.crc32(f"{lang}/{purpose}".encode()))
    script = lang.rpartition("_")[2]
    first, count = LETTERS.get(script, LETTERS["Latn"])
    space = "" if script in UNSPACED else " "
    texts: list[str] = []
    left = tokens
    while left > 0:
        lengths = draw.integers(shortest, longest + 1, size=100)
        for words in lengths.tolist():
            letters = draw.integers(first, first + count, size=(words, 8))
            sizes = draw.integers(1, 9 if space else 3, size=words).tolist()
            made = ("".join(map(chr, row[:size])) for row, size in zip(letters.tolist(), sizes, strict=True))
            texts.append(space.join(made) + ".")
        left = tokens - int(count_units(pa.array(texts), "tokens").sum())
    enough = np.cumsum(count_units(pa.array(texts), "tokens"))
    return texts[: int(np.searchsorted(enough, tokens)) + 1]


def write_documents(folder: Path, sizes: Mapping[tuple[str, str], int], source: str = "web", **lengths: int) -> Path:
    """A dataset of documents, as `identify` leaves it, with so many pre-tokens for each (language, domain)."""
    texts: list[str] = []
    langs: list[str] = []
    domains: list[str | None] = []
    for (lang, domain), tokens in sizes.items():
        made = sentences(lang, tokens, f"{source}/{domain}", **lengths)
        texts += made
        langs += [lang] * len(made)
        domains += [domain or None] * len(made)
    return write_texts(folder, texts, langs, domains, source)


def write_texts(
    folder: Path, texts: list[str], langs: list[str], domains: list[str | None] | None = None, source: str = "web"
) -> Path:
    """A dataset of documents in two shards."""
    names = [f"{source}/{lang}/{row}" for row, lang in enumerate(langs)]
    domain = pa.array(domains or [None] * len(texts), pa.string())
    batch = documents(texts, langs, names=names, source=source, domain=domain)
    batch = batch.select(["doc_id", "origin", "text", "source", "lang", "domain"])
    write_dataset(folder, [batch.take(pa.array(np.arange(number, batch.num_rows, 2))) for number in range(2)])
    return folder


def write_pairs(folder: Path, sizes: Mapping[str, int], source: str = "opus") -> Path:
    """`ingest --kind pairs` on a JSONL of pairs with so many pre-tokens for each pair of languages."""
    folder.mkdir(parents=True)
    lines = []
    for pair, tokens in sizes.items():
        src_lang, tgt_lang = pair.split("-")
        # Sides of unlike length, as translations are: the source has three words for two of the target.
        sides = sentences(src_lang, tokens * 3 // 5, pair, 18), sentences(tgt_lang, tokens * 3 // 5, pair, 12)
        for src, tgt in zip(*sides, strict=False):
            row = {"src": src, "tgt": tgt, "src_lang": src_lang, "tgt_lang": tgt_lang}
            lines.append(json.dumps(row, ensure_ascii=False))
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = f"steps: [{{step: ingest, files: {folder}/pairs.jsonl, kind: pairs, source: {source}}}]\n"
    return run(write_recipe(folder, recipe), folder / "out")["ingest"].dataset.folder


def write_code(folder: Path, tokens: int) -> Path:
    """`ingest --kind code` on a tree of small Python files with so many pre-tokens."""
    tree = folder / "mill"
    tree.mkdir(parents=True)
    made = 0
    number = 0
    while made < tokens:
        lines = ["# SPDX-License-Identifier: MIT"]
        for line in range(1 + number % 9):
            lines.append(f"def turn_{number}_{line}(grain):\n    return grain * {number} + {line}\n")
        text = "\n".join(lines)
        (tree / f"wheel_{number}.py").write_text(text, encoding="utf-8")
        made += int(count_units(pa.array([text]), "tokens")[0])
        number += 1
    recipe = f"steps: [{{step: ingest, files: {tree}, kind: code, source: code}}]\n"
    return run(write_recipe(folder, recipe), folder / "out")["ingest"].dataset.folder
