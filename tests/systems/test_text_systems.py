"""What the recipes of systems of text make, by value, against the rule that each published."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import regex
from uroman import Uroman

from tests.rows import rows_of
from tests.systems.corpora import documents, ingested, pairs, system
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer

pytestmark = pytest.mark.slow
TOKENIZER = sample_folder() / "tokenizer.model"
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
CODES = ("eng", "swa", "hin", "tha", "bul", "srp-Cyrl", "hrv", "yor")


@pytest.fixture(scope="module")
def texts(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    codes = [code for code in CODES if (shared_data / "ntrex" / f"{code}.jsonl.gz").is_file()]
    return ingested(tmp_path_factory.mktemp("texts") / "documents", documents(shared_data, codes))


def test_translico(texts: Path, tmp_path: Path) -> None:
    """Each pair is what uroman gives without a language; a share of each language and script, the floor at least."""
    made = system("translico", tmp_path, documents=texts, tokenizer=TOKENIZER, share=0.1, floor=30)
    rows = rows_of(made["pairs"])
    uroman = Uroman()
    for row in rows[::7]:
        assert row["text_latn"] == " ".join(uroman.romanize_string(row["text"]).split())
    counts = Counter(row["lang"] for row in rows)
    assert len(counts) >= 6
    assert all(count >= 30 for count in counts.values())
    packed = rows_of(made["pack"])
    assert len(packed) == len(rows)
    assert {len(row["text_ids"]) > 0 and len(row["text_latn_ids"]) > 0 for row in packed} == {True}
    assert max(max(len(row["text_ids"]), len(row["text_latn_ids"])) for row in packed) <= 126


def test_langsamp(texts: Path, tmp_path: Path) -> None:
    """Shares by n^0.3; each pack of one language and script, with the numbers of both, at most 512 tokens."""
    made = system("langsamp", tmp_path, documents=texts, tokenizer=TOKENIZER, budget=200_000)
    cells = made["mix"].manifest.notes["cells"]
    opened = open_tokenizer(str(TOKENIZER))
    framed = {
        row["doc_id"]: [opened.bos_id, *opened.encode_batch(pa.array([row["text"]]))[0].tolist(), opened.eos_id]
        for row in rows_of(made["identify"])
    }
    sizes = Counter[str]()
    for row in rows_of(made["identify"]):
        sizes[row["lang"]] += len(framed[row["doc_id"]])
    assert {cell["lang"]: cell["available"] for cell in cells} == sizes
    weights = np.array(list(sizes.values()), dtype=float) ** 0.3
    due = dict(zip(sizes, 200_000 * weights / weights.sum(), strict=True))
    assert {cell["lang"]: cell["budget"] for cell in cells} == pytest.approx(due, abs=1)
    streams: dict[str, list[int]] = {}
    order: dict[str, list[int]] = {}
    for row in rows_of(made["mix"]):
        order.setdefault(row["lang"], []).extend(framed[row["doc_id"]])
    for lang, stream in order.items():
        largest = max(len(framed[row["doc_id"]]) for row in rows_of(made["mix"]) if row["lang"] == lang)
        assert abs(len(stream) - due[lang]) <= largest
    numbers: dict[str, set[tuple[int, int]]] = {}
    for row in rows_of(made["pack"]):
        assert set(row["langs"]) == {row["lang"]}
        assert len(row["input_ids"]) <= 512
        streams.setdefault(row["lang"], []).extend(row["input_ids"])
        numbers.setdefault(row["lang"], set()).add((row["lang_id"], row["script_id"]))
    assert all(len(found) == 1 for found in numbers.values())
    assert len({next(iter(found)) for found in numbers.values()}) == len(numbers)
    assert streams == order  # every token of the mix once, in its order


def test_monobyte(texts: Path, tmp_path: Path) -> None:
    """The same number of bytes of each language, to the byte; an id is a byte of the text and three."""
    made = system("monobyte", tmp_path, documents=texts, bytes="20000", length=256)
    by_id = {row["doc_id"]: row["text"].encode() for row in rows_of(made["identify"])}
    bytes_of: Counter[str] = Counter()
    for row in rows_of(made["pack"]):
        starts = [*row["doc_starts"], len(row["input_ids"])]
        for part, (start, end) in enumerate(itertools.pairwise(starts)):
            text = bytes(one - 3 for one in row["input_ids"][start:end] if one >= 3)
            at = row["doc_offsets"][part]
            assert by_id[row["doc_ids"][part]][at : at + len(text)] == text
            bytes_of[row["lang"]] += len(text)
    assert len(bytes_of) >= 6
    assert set(bytes_of.values()) == {20_000}


def test_cw2v(shared_data: Path, texts: Path, tmp_path: Path) -> None:
    """No span above 0.4 of the words, half of the rows switched; rows are the tokenizer's ids alone."""
    given = ingested(tmp_path / "pairs", pairs(shared_data, ["hin"], 300), kind="pairs")
    made = system("cw2v", tmp_path / "run", pairs=given, documents=texts, tokenizer=TOKENIZER)
    switched = rows_of(made["mixed"])
    assert len(switched) > 200
    for row in switched:
        at, rebuilt = 0, []
        for span in row["cs_spans"]:  # each span is of the source, and stands where it says
            assert span["new_token"] in row["src"]
            assert row["cs_source"][span["start"] : span["end"]] == span["new_token"]
            rebuilt += [row["cs_source"][at : span["start"]], span["src_token"]]
            at = span["end"]
        assert "".join([*rebuilt, row["cs_source"][at:]]).split() == row["cs_target"].split()
        longest = max(len(WORD.findall(span["new_token"])) for span in row["cs_spans"])
        assert longest <= max(1, 0.4 * len(WORD.findall(row["src"])))
    kinds = Counter(row["kind"] for row in rows_of(made["mix"]))
    assert abs(kinds["cs"] - kinds["mono"]) <= 1
    opened = open_tokenizer(str(TOKENIZER))
    specials = {opened.bos_id, opened.eos_id, opened.pad_id}
    packed = rows_of(made["pack"])
    assert {one for row in packed for one in row["doc_ids"]} == {row["doc_id"] for row in rows_of(made["mix"])}
    assert not any(specials & set(row["input_ids"]) for row in packed)


def test_maltese_ladder(shared_data: Path, tmp_path: Path) -> None:
    """Domains in proportion; a smaller rung holds the documents that a larger one begins with."""
    rows = [
        {**row, "domain": "wiki" if number % 3 else "blogs"}
        for number, row in enumerate(documents(shared_data, ["mlt"]))
    ]
    given = ingested(tmp_path / "texts", iter(rows))
    rungs = [
        system("maltese-bertu", tmp_path / str(budget), documents=given, tokenizer=TOKENIZER, budget=budget)
        for budget in (2_000, 5_000, 9_000)
    ]
    held = [[row["doc_id"] for row in rows_of(rung["mix"])] for rung in rungs]
    assert 0 < len(held[0]) < len(held[1]) < len(held[2])
    assert set(held[0]) < set(held[1]) < set(held[2])
    sizes = Counter[str]()
    for row in rows:
        sizes[row["domain"]] += len(row["text"])
    for rung in rungs[1:]:  # in proportion, but for a document each
        kept = rows_of(rung["mix"])
        units = Counter({name: sum(row["mix_units"] for row in kept if row["domain"] == name) for name in sizes})
        largest = max(row["mix_units"] for row in kept)
        assert abs(units["wiki"] / units.total() - sizes["wiki"] / sizes.total()) <= 2 * largest / units.total()


def test_ofa(shared_data: Path, tmp_path: Path) -> None:
    """Glot500's rule with four new languages: known ones at one floor, scale m; new ones scale m (n / m)^0.3."""
    known, new = {"eng": 40, "hin": 9, "tha": 25}, {"yor": 50, "wol": 23, "ven": 12, "fij": 7}
    rows = [row for code, size in {**known, **new}.items() for row in list(documents(shared_data, [code]))[:size]]
    given = ingested(tmp_path / "given", iter(rows))
    mix = tmp_path / "glot.yaml"
    mix.write_text(
        "{name: small, unit: docs, max_epochs: 3, mix: {rule: floor, alpha: 0.3, scale: 3, least: 7, "
        "names: [eng_Latn, hin_Deva, tha_Thai]}}",
        encoding="utf-8",
    )
    made = system("ofa", tmp_path / "run", documents=given, tokenizer=TOKENIZER, mix=mix, budget="largest")
    counts = Counter(row["lang"] for row in rows_of(made["mix"]))
    smallest = min(new.values())
    due = {"eng_Latn": 1.0, "hin_Deva": 1.0, "tha_Thai": 1.0}
    due |= {f"{code}_Latn": (size / smallest) ** 0.3 for code, size in new.items()}
    total = sum(counts.values())
    share = total / sum(due.values())
    assert counts == pytest.approx({lang: share * weight for lang, weight in due.items()}, abs=1)
    assert share == pytest.approx(3 * smallest, abs=1)  # the smallest new one is used three times, no more can be
    held = {doc for row in rows_of(made["pack"]) for doc in row["doc_ids"]}
    assert held == {row["doc_id"] for row in rows_of(made["mix"])}
