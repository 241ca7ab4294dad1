"""Passes of the TransliCo view: each text once, a share of each language by hash, all documents accounted for."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import regex
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import cut, doc_id
from tests.translico.translico_runs import ALL, View, documents, pairs_of, view
from xlcorpus.dataset import dataset
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.romanize.tools import check_latin, language_code
from xlcorpus.text import slices
from xlcorpus.translico import choose
from xlcorpus.translico.choose import halves, order_keys, wanted
from xlcorpus.translico.options import PairOptions
from xlcorpus.translico.pairs import pair_table
from xlcorpus.translico.sentences import check_columns, one_line

LANGUAGES = ["hin_Deva", "amh_Ethi", "zho_Hani", "eng_Latn", None]
SENTENCES = {
    "hin_Deva": "नदी {} रात में बढ़ गई।",
    "amh_Ethi": "ወንዙ {} በሌሊት ሞላ።",
    "zho_Hani": "河水夜里上涨了{}次。",
    "eng_Latn": "The river rose {} times.",
    None: "Река поднялась {} раз.",
}


def corpus(rows: int, kinds: int = 1000) -> pa.RecordBatch:
    """Documents of one to four sentences, of which there are `kinds` in each language."""
    langs = [LANGUAGES[row % 5] for row in range(rows)]
    texts = [
        " ".join(SENTENCES[lang].format((row * 31 + part * 7919) % kinds) for part in range(1 + row % 4))
        for row, lang in enumerate(langs)
    ]
    return documents(texts, langs)


def assert_whole(found: View, batch: pa.RecordBatch) -> None:
    """Each document gave a pair or has one decision or reject; no text is there twice; both sides are lines."""
    paired = set(found.pairs["doc_id"].to_pylist())
    gone = [*found.decisions["doc_id"].to_pylist(), *found.rejects["doc_id"].to_pylist()]
    assert Counter([*paired, *gone]) == Counter(batch.column("doc_id").to_pylist())
    assert found.repeated == found.pairs.num_rows - len(paired)
    rows = found.pairs.to_pylist()
    assert len({row["text"] for row in rows}) == len(rows)
    for row in rows:
        assert row["pair_id"] == xxhash.xxh3_128_digest(row["text"].encode())
        for side in (row["text"], row["text_latn"]):
            assert side
            assert side == regex.sub(r"[\s\x1c-\x1f]+", " ", side).strip(" ")
            assert len(side.splitlines()) == 1
    for group in found.counts["groups"]:
        assert group["distinct"] >= group["asked"] >= group["written"]
    assert sum(group["written"] for group in found.counts["groups"]) == len(rows)


@settings(max_examples=10)
@given(
    st.lists(st.integers(0, 60), max_size=4),
    st.sampled_from([0.1, 0.5, 1.0]),
    st.integers(0, 9),
    st.booleans(),
    st.data(),
)
def test_the_pairs_follow_from_the_documents_alone(
    tmp_path_factory: pytest.TempPathFactory,
    cuts: list[int],
    share: float,
    floor: int,
    include_latin: bool,
    data: st.DataObject,
) -> None:
    batch, folder = corpus(60, 20), tmp_path_factory.mktemp("view")
    asked = PairOptions(share=share, floor=floor, include_latin=include_latin)
    once = view(folder / "once", [batch], asked, seed=3)
    mixed = batch.take(pa.array(data.draw(st.permutations(range(60)))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "BATCH_ROWS", data.draw(st.integers(1, 30)))
        patch.setattr(choose, "PARTITION_ROWS", data.draw(st.integers(1, 60)))
        patch.setattr(slices, "PIECE_BYTES", data.draw(st.integers(1, 999)))
        again = view(folder / "again", cut(mixed, cuts), asked, seed=3, shuffle=len(cuts))
    shutil.rmtree(folder)
    by_id = [("pair_id", "ascending")]
    assert again.pairs.sort_by(by_id).to_pylist() == once.pairs.sort_by(by_id).to_pylist()
    assert again.counts == once.counts
    assert again.reasons == once.reasons
    assert_whole(once, batch)
    assert_whole(again, batch)


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_each_group_gives_its_share_of_distinct_sentences(tmp_path: Path, share: float) -> None:
    batch = corpus(400, 90)
    found = view(tmp_path, cut(batch, [100, 101]), PairOptions(share=share, floor=7))
    texts: dict[str | None, set[str]] = {}
    for row in batch.to_pylist():
        parts = regex.findall(r".+?[.。።।](?:\s|$|(?=河))", row["text"])
        texts.setdefault(row["lang"], set()).update(part.strip() for part in parts)
    due = {lang: min(len(values), max(7, math.ceil(round(share * len(values), 9)))) for lang, values in texts.items()}
    assert {row["lang"]: row["distinct"] for row in found.counts["groups"]} == {k: len(v) for k, v in texts.items()}
    assert {row["lang"]: row["asked"] for row in found.counts["groups"]} == due
    assert Counter(found.pairs["lang"].to_pylist()) == Counter(due)
    assert {row["text"] for row in found.pairs.to_pylist()} <= set().union(*texts.values())
    assert_whole(found, batch)


def test_the_sample_is_the_sentences_of_the_smallest_hashes(tmp_path: Path) -> None:
    batch = corpus(300, 60)
    everything, part = (
        view(tmp_path / "all", [batch], ALL),
        view(tmp_path / "part", [batch], PairOptions(share=0.2, floor=0)),
    )
    for lang in LANGUAGES:
        ids = [row["pair_id"] for row in everything.pairs.to_pylist() if row["lang"] == lang]
        keys = order_keys(halves(pa.array(ids, pa.binary(16))), 0)
        least = [ids[place] for place in np.argsort(keys)[: wanted(len(ids), 0.2, 0)].tolist()]
        assert {row["pair_id"] for row in part.pairs.to_pylist() if row["lang"] == lang} == set(least)


def test_a_larger_share_holds_the_smaller_and_a_seed_changes_it(tmp_path: Path) -> None:
    batch = corpus(300)
    shares = [set(view(tmp_path / str(s), [batch], PairOptions(share=s, floor=0)).texts) for s in (0.05, 0.2, 0.7)]
    assert shares[0] < shares[1] < shares[2]
    other = set(view(tmp_path / "seed", [batch], PairOptions(share=0.2, floor=0), seed=1).texts)
    assert len(other) == len(shares[1])
    assert other != shares[1]


@pytest.mark.parametrize(
    ("distinct", "share", "floor", "due"),
    [(100, 0.07, 0, 7), (101, 0.07, 0, 8), (20, 0.05, 1000, 20), (20, 0.05, 3, 3), (1, 0.05, 0, 1), (0, 1.0, 5, 0)],
)
def test_how_many_are_wanted(distinct: int, share: float, floor: int, due: int) -> None:
    assert wanted(distinct, share, floor) == due


@pytest.mark.parametrize("shuffle", range(4))
def test_of_equal_texts_the_one_of_the_smallest_document_and_place_is_kept(tmp_path: Path, shuffle: int) -> None:
    names = [f"doc {number}" for number in range(8)]
    same = "नदी रात में बढ़ गई।"
    texts = [f"पहला वाक्य {number} है। {same} {same}" for number in range(8)]
    batch = documents(texts, ["hin_Deva", "mar_Deva"] * 4, names=names)
    found = view(tmp_path, cut(batch, [2, 5]), ALL, shuffle=shuffle)
    (row,) = [row for row in found.pairs.to_pylist() if row["text"] == same]
    least = min(range(8), key=lambda number: doc_id(names[number]))
    assert (row["doc_id"], row["sentence"]) == (doc_id(names[least]), 1)
    assert row["lang"] == ["hin_Deva", "mar_Deva"][least % 2]
    assert found.counts["left_out"] == {"duplicate": 15}


def test_documents_without_a_pair_have_a_reason(tmp_path: Path) -> None:
    given = {
        "empty": ("", "hin_Deva"),
        "null": (None, "hin_Deva"),
        "signs": ("😀 😀 😀! 12 345.", "hin_Deva"),
        "short": ("हाँ।", "hin_Deva"),
        "long": ("क" * 1001, "hin_Deva"),
        "english": ("This one is in Latin script.", "eng_Latn"),
        "gone": ("This will vanish altogether.", "rus_Cyrl"),
        "unknown": ("The tool knows no such script.", "und_Zsym"),
        "bad": ("Here the tool will crash.", "rus_Cyrl"),
        "mixed": ("This lets the tool crash. This is in order.", "rus_Cyrl"),
        "first": ("नदी रात में बढ़ गई। 2012.", "hin_Deva"),
        "second": ("नदी  रात\tमें बढ़ गई।", "hin_Deva"),
    }
    batch = documents([text for text, _ in given.values()], [lang for _, lang in given.values()], names=list(given))
    found = view(tmp_path, [batch], PairOptions(share=1.0, floor=0, include_latin=False), keep_text=True)
    assert_whole(found, batch)
    kept, other = ("first", "second") if doc_id("first") < doc_id("second") else ("second", "first")
    assert found.reasons == {
        **dict.fromkeys(["empty", "null", "signs", "short", "long"], "no_sentence"),
        "english": "latin",
        "gone": "no_romanization",
        "unknown": "no_romanization",
        other: "duplicate_sentences",
    }
    assert {row["origin"]["file"]: row["text"] for row in found.decisions.to_pylist()}["english"] == given["english"][0]
    (reject,) = found.rejects.to_pylist()
    assert (reject["origin"]["file"], reject["reason"]) == ("bad", "ArithmeticError")
    assert "cannot read" in reject["message"]
    assert found.counts["left_out"] == {
        "duplicate": 1,
        "no_letter": 3,
        "no_romanization": 2,
        "too_long": 1,
        "too_short": 1,
        "tool_failed": 2,
    }
    pairs = {row["doc_id"]: row for row in found.pairs.to_pylist()}
    assert pairs[doc_id(kept)]["text"] == "नदी रात में बढ़ गई।"
    assert pairs[doc_id("mixed")]["text"] == "This is in order."
    assert pairs[doc_id("mixed")]["sentence"] == 1


def test_what_was_not_sampled_is_told_from_what_is_a_duplicate(tmp_path: Path) -> None:
    batch = corpus(200, 30)
    found = view(tmp_path, [batch], PairOptions(share=0.1, floor=0))
    assert set(found.reasons.values()) == {"not_sampled", "duplicate_sentences"}
    everything = view(tmp_path / "all", [batch], ALL)
    firsts = set(everything.pairs["doc_id"].to_pylist())
    for name, reason in found.reasons.items():
        assert (reason == "not_sampled") == (doc_id(name) in firsts)
    assert set(everything.reasons.values()) == {"duplicate_sentences"}


def test_how_a_pair_was_made_is_in_it(tmp_path: Path) -> None:
    batch = documents(
        ["नदी\u00a0 रात\tमें बढ़ गई।", "Река поднялась ночью.", "Other words here."], ["hin_Deva", None, "zxx_Zyyy"]
    )
    rows = view(tmp_path / "a", [batch], ALL).pairs.to_pylist()
    assert [row["text_latn"] for row in rows] == [
        "hin नदी रात में बढ़ गई।",
        "- РЕКА ПОДНЯЛАСЬ НОЧЬЮ.",
        "- OTHER WORDS HERE.",
    ]
    assert [row["translit_lcode"] for row in rows] == ["hin", None, None]
    assert {(row["translit_tool"], row["translit_version"]) for row in rows} == {("uppercase", "7")}
    assert [(row["lang"], row["script"]) for row in rows] == [("hin_Deva", "Deva"), (None, None), ("zxx_Zyyy", "Zyyy")]
    paper = view(tmp_path / "b", [batch], ALL, lcode="none").pairs.to_pylist()
    assert [row["translit_lcode"] for row in paper] == [None, None, None]
    assert paper[0]["text_latn"].startswith("- ")


@pytest.mark.parametrize(
    ("lang", "code"),
    [("hin_Deva", "hin"), ("yue_Hant", "yue"), ("en", None), ("zxx_Zyyy", None), ("und_Latn", None), ("", None)],
)
def test_language_codes(lang: str, code: str | None) -> None:
    assert language_code(lang, "auto", "icu") == code
    assert language_code(lang, "none", "icu") is None
    assert language_code(lang, "urd", "icu") == "urd"
    assert language_code(None, "auto", "icu") is None


def test_shards_without_rows_or_sentences(tmp_path: Path) -> None:
    batch = documents(["नदी रात में बढ़ गई।", "", None], ["hin_Deva"] * 3)
    found = view(tmp_path, [batch.slice(1), batch.slice(0, 0), batch.slice(0, 1)], ALL)
    assert found.texts == ["नदी रात में बढ़ गई।"]
    assert_whole(found, batch)
    nothing = view(tmp_path / "nothing", [batch.slice(0, 0)], ALL)
    assert nothing.pairs.num_rows == nothing.decisions.num_rows == 0


def test_a_shard_that_lost_sentences_is_refused(tmp_path: Path) -> None:
    batch = corpus(20)
    view(tmp_path, [batch], ALL)
    shard = tmp_path / "data" / "part-00000-000.parquet"
    pq.write_table(pq.read_table(shard).slice(0, 5), shard)
    with pytest.raises(IntegrityError, match=r"sentences, .* were listed"):
        pairs_of(shard, tmp_path / "scratch", 0)


@pytest.mark.parametrize("name", ["lang", "script", "text"])
def test_a_missing_column_is_named(name: str) -> None:
    schema = corpus(1).schema
    check_columns(schema, "out/web")
    with pytest.raises(UserError, match=rf"no column '{name}' in out/web") as caught:
        check_columns(schema.remove(schema.get_field_index(name)), "out/web")
    assert ("xlcorpus identify out/web" in str(caught.value)) == (name != "text")


def test_a_tool_that_writes_no_latin_letters_is_refused() -> None:
    check_latin("uroman")
    with pytest.raises(UserError, match="epitran writes text_ipa"):
        check_latin("epitran")


def test_hashes_sort_as_bytes_and_slices_too() -> None:
    ids = pa.array([doc_id(str(number)) for number in range(50)], pa.binary(16))
    for values in (ids, ids.slice(7, 20), ids.slice(3, 0)):
        due = sorted(range(len(values)), key=lambda row: values[row].as_py())
        found = halves(values)
        assert np.lexsort((found[:, 1], found[:, 0])).tolist() == due


def test_one_line_knows_every_white_space() -> None:
    spaces = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
    assert one_line(pa.array([f"{spaces}a{spaces}b{spaces}", spaces, None])).to_pylist() == ["a b", "", None]


def test_the_table_ends_with_what_does_not_fit() -> None:
    rows = [
        {"lang": f"x{number:02d}_Latn", "script": "Latn", "distinct": 2000 + number, "asked": number, "written": number}
        for number in range(45)
    ]
    lines = pair_table([*rows, {"lang": None, "script": None, "distinct": 9, "asked": 0, "written": 0}])
    assert len(lines) == 43
    assert lines[1].split() == ["x44_Latn", "Latn", "2,044", "44", "44"]
    assert lines[-2].split() == ["6", "more", f"{sum(range(2000, 2005)) + 9:,}", "10", "10"]
    assert lines[-1].split() == ["total", f"{sum(range(2000, 2045)) + 9:,}", "990", "990"]
