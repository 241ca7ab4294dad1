"""What the recipes of systems of pairs, crops and chats make, by value, against the rule that each published."""

from __future__ import annotations

from collections import Counter
from math import ceil
from pathlib import Path

import pyarrow as pa
import pytest
import regex

from tests.rows import rows_of
from tests.systems.corpora import documents, ingested, pairs, system, with_languages
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer

pytestmark = pytest.mark.slow
TOKENIZER = sample_folder() / "tokenizer.model"
SIZES = {"deu": 400, "hin": 200, "kir": 100}
LANGS = {"deu": "deu_Latn", "hin": "hin_Deva", "kir": "kir_Cyrl"}


@pytest.fixture(scope="module")
def bitext(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three languages with English, 400, 200 and 100 pairs."""
    rows = (row for code, count in SIZES.items() for row in pairs(shared_data, [code], count))
    return ingested(tmp_path_factory.mktemp("bitext") / "pairs", rows, kind="pairs")


def shares(temperature: float) -> dict[str, float]:
    """p^(1/T), as fairseq samples."""
    weights = {code: count ** (1 / temperature) for code, count in SIZES.items()}
    return {LANGS[code]: weight / sum(weights.values()) for code, weight in weights.items()}


def tokens_of(tokenizer: Tokenizer, text: str) -> list[int]:
    """A text by itself, without special ids."""
    found: list[int] = tokenizer.encode_batch(pa.array([text]))[0].tolist()
    return found


def given_pairs(folder: Path) -> set[tuple[str, str, str, str]]:
    return {(row["src"], row["tgt"], row["src_lang"], row["tgt_lang"]) for row in rows_of(folder)}


@pytest.mark.parametrize("budget", [600, "largest"])
def test_mbart50(bitext: Path, tmp_path: Path, budget: int | str) -> None:
    """Both directions, T = 1.5 at any budget; [language] text eos on each side, token by token."""
    tokenizer, ids = with_languages(TOKENIZER, tmp_path / "with-languages")
    found = system("mbart50", tmp_path / "run", pairs=bitext, tokenizer=tokenizer, budget=budget, epochs=2)
    mixed = rows_of(found["mix"])
    ways = Counter((row["src_lang"], row["tgt_lang"]) for row in mixed)
    for lang, share in shares(1.5).items():
        together = ways[lang, "eng_Latn"] + ways["eng_Latn", lang]
        assert together == pytest.approx(len(mixed) * share, abs=1)
        assert min(ways[lang, "eng_Latn"], ways["eng_Latn", lang]) > 0.4 * together
    assert len(mixed) == 600 if budget == 600 else len(mixed) > 900
    opened = open_tokenizer(str(tokenizer))
    rows, known = rows_of(found["pack"]), given_pairs(bitext)
    for row, pair in zip(rows, mixed, strict=True):
        kept = (pair["src"], pair["tgt"], pair["src_lang"], pair["tgt_lang"])
        assert kept in known or (kept[1], kept[0], kept[3], kept[2]) in known
        for side in ("src", "tgt"):
            lang = pair[f"{side}_lang"]
            assert row[f"{side}_lang"] == lang
            assert row[f"{side}_ids"] == [ids[lang], *tokens_of(opened, pair[side])[:254], opened.eos_id]


@pytest.mark.parametrize("budget", [300, "largest"])
def test_sixt_plus(bitext: Path, tmp_path: Path, budget: int | str) -> None:
    """All into English, T = 5 at any budget, token by token."""
    found = system("sixt-plus", tmp_path, pairs=bitext, tokenizer=TOKENIZER, budget=budget, epochs=2)
    rows, mixed = rows_of(found["pack"]), rows_of(found["mix"])
    counts = Counter(row["src_lang"] for row in rows)
    for lang, share in shares(5).items():
        assert counts[lang] == pytest.approx(len(rows) * share, abs=1)
    assert len(rows) == 300 if budget == 300 else len(rows) > 600
    opened, known = open_tokenizer(str(TOKENIZER)), given_pairs(bitext)
    for row, pair in zip(rows, mixed, strict=True):
        assert (pair["src"], pair["tgt"], row["src_lang"], "eng_Latn") in known
        assert row["tgt_lang"] == "eng_Latn"
        assert row["src_ids"] == tokens_of(opened, pair["src"])[:254]
        assert row["tgt_ids"] == tokens_of(opened, pair["tgt"])[:254]


def test_infoxlm(shared_data: Path, bitext: Path, tmp_path: Path) -> None:
    """Blocks are one stream of <s> text </s> cut at the length; pairs by n^0.7, both sides cut to the length with three
    special ids, the longer one first."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "tha"]))
    found = system("infoxlm", tmp_path / "run", documents=texts, pairs=bitext, tokenizer=TOKENIZER, length=128)
    opened = open_tokenizer(str(TOKENIZER))
    blocks = [row["input_ids"] for row in rows_of(found["blocks"])]
    stream = [
        one
        for row in rows_of(found["identify"])
        for one in (opened.bos_id, *tokens_of(opened, row["text"]), opened.eos_id)
    ]
    assert [one for block in blocks for one in block] == stream
    assert {len(block) for block in blocks[:-1]} == {128}
    rows, mixed = rows_of(found["tlm"]), rows_of(found["mix"])
    counts = Counter(row["src_lang"] for row in rows)
    weights = {LANGS[code]: size**0.7 for code, size in SIZES.items()}
    for lang, weight in weights.items():
        assert counts[lang] == pytest.approx(len(rows) * weight / sum(weights.values()), abs=1)
    cut = 0
    for row, pair in zip(rows, mixed, strict=True):
        sides = [tokens_of(opened, pair["src"]), tokens_of(opened, pair["tgt"])]
        while sum(map(len, sides)) > 125:
            max(sides, key=len).pop() if len(sides[0]) != len(sides[1]) else sides[1].pop()
            cut += 1
        found_sides = [row["src_ids"], row["tgt_ids"]]
        assert sum(map(len, found_sides)) == sum(map(len, sides))
        for one, other in zip(found_sides, sides, strict=True):
            assert abs(len(one) - len(other)) <= 1
            assert one[: len(other)] == other[: len(one)]
    assert cut > 100


def test_csr4mbart(shared_data: Path, tmp_path: Path) -> None:
    """Of each sentence min(ceil(0.35 n), coverage) words are switched, into one of their translations; the original is
    restored byte for byte; either side in half of the pairs; mixed at T = 1.5 without being read again; eos and the
    language of the original end each side, and of the pairs that are translated each side's own."""
    tokenizer, ids = with_languages(TOKENIZER, tmp_path / "with-languages")
    plain = regex.compile(r"[\p{L}\p{M} ,]+\.?")  # no U.S.
    rows = [
        row
        for code, count in SIZES.items()
        for row in pairs(shared_data, [code], count)
        if plain.fullmatch(row["src"]) and plain.fullmatch(row["tgt"])
    ]
    given = ingested(tmp_path / "pairs", iter(rows), kind="pairs")
    words: dict[str, Counter[str]] = {}
    for row in rows:
        for side in ("src", "tgt"):
            words.setdefault(row[f"{side}_lang"], Counter()).update(regex.findall(r"[\p{L}\p{M}]+", row[side].lower()))
    # Every other word has three entries into each partner, of letters that no text has.
    forms = {
        lang: {word: [f"ж{n}ж".replace(str(n), "ҕҩӄ"[n]) + word for n in range(3)] for word in sorted(counts)[::2]}
        for lang, counts in words.items()
    }
    ways = [(lang, other) for lang in words for other in words if "eng_Latn" in (lang, other) and lang != other]
    lines = [
        f"{word}\t{form}\t{lang}\t{other}"
        for lang, other in ways
        for word, made in forms[lang].items()
        for form in made
    ]
    dictionary = tmp_path / "both.tsv"
    dictionary.write_text("\n".join(["src\ttgt\tsrc_lang\ttgt_lang", *lines]), encoding="utf-8")
    found = system("csr4mbart", tmp_path / "run", pairs=given, dictionary=dictionary, tokenizer=tokenizer)
    by_text = {row[side]: row[f"{side}_lang"] for row in rows for side in ("src", "tgt")}
    switched = rows_of(found["codeswitch"])
    assert len(switched) > 0.9 * len(rows)
    for row in switched:
        lang = by_text[row["targets"]]
        assert row["lang"] == lang
        old, new = (regex.findall(r"[\p{L}\p{M}]+", row[name]) for name in ("targets", "inputs"))
        assert len(old) == len(new)
        changed = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
        covered = sum(word.lower() in forms[lang] for word in old)
        assert len(changed) == min(ceil(0.35 * len(old)), covered)
        assert all(other.lower() in forms[lang][one.lower()] for one, other in changed)
    english = sum(row["lang"] == "eng_Latn" for row in switched)
    assert abs(english - len(switched) / 2) < 2.5 * len(switched) ** 0.5  # five standard deviations
    mixed = rows_of(found["mix"])
    sizes = Counter(row["lang"] for row in switched)
    weights = {lang: size ** (1 / 1.5) for lang, size in sizes.items()}
    counts = Counter(row["lang"] for row in mixed)
    for lang, weight in weights.items():
        assert counts[lang] == pytest.approx(len(mixed) * weight / sum(weights.values()), abs=1)
    opened = open_tokenizer(str(tokenizer))
    for row, pair in zip(rows_of(found["pack"]), mixed, strict=True):
        assert row["lang"] == pair["lang"]
        for side in ("inputs", "targets"):
            assert row[f"{side}_ids"] == [*tokens_of(opened, pair[side])[:510], opened.eos_id, ids[pair["lang"]]]
    for row, pair in zip(rows_of(found["bitext"]), rows_of(found["pairs"]), strict=True):
        for side in ("src", "tgt"):
            end = [opened.eos_id, ids[pair[f"{side}_lang"]]]
            assert row[f"{side}_ids"] == [*tokens_of(opened, pair[side])[:510], *end]


def test_contriever(shared_data: Path, tmp_path: Path) -> None:
    """Two crops of one whole chunk of 64 tokens, each 10 to 50 % of it; rows of languages in equal parts."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "tha", "hin"]))
    found = system("contriever", tmp_path / "run", documents=texts, tokenizer=TOKENIZER, chunk=64)
    opened = open_tokenizer(str(TOKENIZER))
    chunks: dict[bytes, list[str]] = {}
    for row in rows_of(found["mix"]):
        ids = tokens_of(opened, row["text"])
        whole = [ids[at : at + 64] for at in range(0, len(ids) - 63, 64)]
        chunks[row["doc_id"]] = [",".join(map(str, ["", *chunk, ""])) for chunk in whole]
    rows = rows_of(found["pack"])
    assert Counter(row["pair_id"] for row in rows) == {doc: len(found) for doc, found in chunks.items() if found}
    sizes = []
    for row in rows:
        crops = [",".join(map(str, ["", *row[side], ""])) for side in ("query_ids", "positive_ids")]
        assert any(crops[0] in chunk and crops[1] in chunk for chunk in chunks[row["pair_id"]])
        sizes += [len(row["query_ids"]), len(row["positive_ids"])]
    assert (min(sizes), max(sizes)) == (6, 31)  # rounded down, the longest excluded, as data.py draws them
    assert sum(row["query_ids"] != row["positive_ids"] for row in rows) > 0.9 * len(rows)
    counts = Counter(row["lang"] for row in rows)
    assert max(counts.values()) <= 1.1 * min(counts.values())


def test_xglm(shared_data: Path, tmp_path: Path) -> None:
    """Every line end of a document is eos, and none is left as a piece."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "tha"]))
    mix = tmp_path / "mix.yaml"
    mix.write_text("{name: two, unit: tokens, mix: {by: lang, rule: uniform}}", "utf-8")
    found = system("xglm", tmp_path / "run", documents=texts, tokenizer=TOKENIZER, mix=mix, budget="20k")
    opened = open_tokenizer(str(TOKENIZER))
    due = {
        row["doc_id"]: [one for line in row["text"].split("\n") for one in (*tokens_of(opened, line), opened.eos_id)]
        for row in rows_of(found["mix"])
    }
    made: dict[bytes, list[int]] = {}
    for row in sorted(rows_of(found["pack"]), key=lambda row: row["pack_id"]):
        starts = [*row["doc_starts"], len(row["input_ids"])]
        for part, doc in enumerate(row["doc_ids"]):
            made.setdefault(doc, []).extend(row["input_ids"][starts[part] : starts[part + 1]])
    assert made == due
