"""What the recipes of systems of pairs, crops and chats make, by value, against the rule that each published."""

from __future__ import annotations

from collections import Counter
from math import ceil
from pathlib import Path

import pytest

from tests.rows import rows_of
from tests.running import called
from tests.systems.corpora import documents, ingested, pairs, system
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer

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


def test_mbart50(bitext: Path, tmp_path: Path) -> None:
    """Both directions, T = 1.5; [language] text eos on each side; nothing ingested twice."""
    tokenizer = tmp_path / "with-languages"
    names = [f"--special={name}" for name in ("en_XX", "de_DE", "hi_IN", "ky_KG")]
    made = called("tokenizer", "extend", TOKENIZER, "--pieces", "0", *names, "--output", tokenizer)
    assert made.returncode == 0, made.stderr
    found = system("mbart50", tmp_path / "run", pairs=bitext, tokenizer=tokenizer, budget=600)
    mixed = Counter(tuple(sorted((row["src_lang"], row["tgt_lang"]))) for row in rows_of(found["mix"]))
    for lang, share in shares(1.5).items():
        assert mixed[tuple(sorted((lang, "eng_Latn")))] == pytest.approx(600 * share, abs=1)
    opened = open_tokenizer(str(tokenizer))
    tokens = {"deu_Latn": "de_DE", "hin_Deva": "hi_IN", "kir_Cyrl": "ky_KG", "eng_Latn": "en_XX"}
    ids = {lang: opened.id_of(name) for lang, name in tokens.items()}
    rows = rows_of(found["pack"])
    assert len(rows) == 600
    assert {row["src_lang"] == "eng_Latn" for row in rows} == {True, False}
    for row in rows:
        for side in ("src", "tgt"):
            assert row[f"{side}_ids"][0] == ids[row[f"{side}_lang"]]
            assert row[f"{side}_ids"][-1] == opened.eos_id


def test_sixt_plus(bitext: Path, tmp_path: Path) -> None:
    """All into English, T = 5."""
    found = system("sixt-plus", tmp_path, pairs=bitext, tokenizer=TOKENIZER, budget=300)
    rows = rows_of(found["pack"])
    assert {row["tgt_lang"] for row in rows} == {"eng_Latn"}
    counts = Counter(row["src_lang"] for row in rows)
    for lang, share in shares(5).items():
        assert counts[lang] == pytest.approx(300 * share, abs=1)


def test_infoxlm(shared_data: Path, bitext: Path, tmp_path: Path) -> None:
    """Blocks are full but the last of a shard; both sides of a pair and three special ids are 512 at most."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "tha"]))
    found = system(
        "infoxlm", tmp_path / "run", documents=texts, pairs=bitext, tokenizer=TOKENIZER, length=128, budget=300
    )
    blocks = [len(row["input_ids"]) for row in rows_of(found["blocks"])]
    assert Counter(blocks).most_common(1)[0][0] == 128
    assert sum(size < 128 for size in blocks) == 1
    rows = rows_of(found["tlm"])
    assert len(rows) == 300
    assert max(len(row["src_ids"]) + len(row["tgt_ids"]) + 3 for row in rows) <= 128


def test_csr4mbart(shared_data: Path, tmp_path: Path) -> None:
    """What is restored is the original, byte for byte; rows are mixed at T = 1.5 without being read again."""
    rows = [row for code, count in SIZES.items() for row in pairs(shared_data, [code], count)]
    given = ingested(tmp_path / "pairs", iter(rows), kind="pairs")
    dictionary = tmp_path / "eng-deu.tsv"
    words = {"the": "der", "and": "und", "of": "von", "in": "in", "to": "zu", "a": "ein", "is": "ist", "for": "für"}
    content = "src\ttgt\tsrc_lang\ttgt_lang\n" + "".join(
        f"{one}\t{other}\teng_Latn\tdeu_Latn\n" for one, other in words.items()
    )
    dictionary.write_text(content, encoding="utf-8")
    found = system("csr4mbart", tmp_path / "run", pairs=given, dictionary=dictionary, tokenizer=TOKENIZER)
    originals = {row["src"] for row in rows} | {row["tgt"] for row in rows}
    switched = rows_of(found["codeswitch"])
    assert len(switched) > 300
    assert {row["targets"] in originals for row in switched} == {True}
    assert all(row["inputs"] != row["targets"] for row in switched)
    packed = rows_of(found["pack"])
    assert len(packed) == len(rows_of(found["mix"]))
    assert {row["lang"] for row in packed} == {row["lang"] for row in switched}


def test_contriever(shared_data: Path, tmp_path: Path) -> None:
    """Two crops of one chunk of 64 tokens, each 5 to 50 % of it, languages in equal parts."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "tha", "hin"]))
    found = system("contriever", tmp_path / "run", documents=texts, tokenizer=TOKENIZER, chunk=64)
    rows = rows_of(found["pack"])
    assert len(rows) > 200
    sides = [name for name in rows[0] if name.endswith("_ids") and isinstance(rows[0][name], list)]
    assert len(sides) == 2
    for row in rows:
        for side in sides:
            assert 1 <= len(row[side]) <= ceil(0.5 * 64)
    different = sum(row[sides[0]] != row[sides[1]] for row in rows)
    assert different > 0.9 * len(rows)


def test_xglm(shared_data: Path, tmp_path: Path) -> None:
    """Every line end of a document is eos, and none is left as a piece."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "tha"]))
    mix = tmp_path / "mix.yaml"
    mix.write_text("{name: two, unit: tokens, mix: {by: lang, rule: uniform}}", "utf-8")
    found = system("xglm", tmp_path / "run", documents=texts, tokenizer=TOKENIZER, mix=mix, budget="20k")
    opened = open_tokenizer(str(TOKENIZER))
    lines = {row["doc_id"]: row["text"].rstrip("\n").count("\n") + 1 for row in rows_of(found["mix"])}
    ends: Counter[bytes] = Counter()
    for row in rows_of(found["pack"]):
        starts = [*row["doc_starts"], len(row["input_ids"])]
        for part, doc in enumerate(row["doc_ids"]):
            ends[doc] += row["input_ids"][starts[part] : starts[part + 1]].count(opened.eos_id)
    assert dict(ends) == lines
