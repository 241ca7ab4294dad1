"""Bags of n-grams and words, their overlaps and distances, against slow code that is written out."""

from __future__ import annotations

import csv
import math
import tempfile
from collections import Counter as Slow
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlcorpus.errors import UserError
from xlcorpus.languages import typology
from xlcorpus.languages.bags import Bag, Counter, cosines, jaccards
from xlcorpus.languages.distance import feature_distances, parse_weights, weighted
from xlcorpus.languages.profile import ngram_hashes, profiles
from xlcorpus.languages.typology import Typology, typology_of
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import hash_spans
from xlcorpus.tokenizer import open_tokenizer

_TEXTS = {
    "eng_Latn": ["The water, the WATER!", "cafe\u0301 2024"],
    "deu_Latn": ["Das Wasser; das", "Café"],
    "rus_Cyrl": ["вода воды"],
    "tha_Thai": ["น้ำดื่ม น้ำ"],
    "zho_Hans": ["水和水"],
}


def _batch() -> pa.RecordBatch:
    rows = [(lang, text) for lang, texts in _TEXTS.items() for text in texts]
    return pa.RecordBatch.from_pydict({"text": [text for _, text in rows], "lang": [lang for lang, _ in rows]})


def _slow_ngrams(texts: list[str], size: int) -> Slow[str]:
    """Each word of word characters with a space at either side, cut by hand (lower case, NFC here)."""
    import regex

    found: Slow[str] = Slow()
    for text in texts:
        for run in regex.findall(r"[\p{L}\p{M}\p{N}]+", text):
            word = f" {run} "
            found.update(word[at : at + size] for at in range(len(word) - size + 1))
    return found


def _hash(text: str) -> int:
    codes = code_points(pa.array([text])).codes
    return int(hash_spans(codes, np.array([0]), np.array([len(codes)]))[0])


@pytest.mark.parametrize("size", [3, 4])
def test_ngrams_are_those_cut_by_hand(size: int) -> None:
    texts = ["the water", "вода, вода", "น้ำดื่ม", "水和水", "", " ", "a"]
    expected = {_hash(gram): count for gram, count in _slow_ngrams(texts, size).items()}
    found = Slow(ngram_hashes(code_points(pa.array(texts)), size).tolist())
    assert found == expected


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 60), max_size=80), min_size=1, max_size=6), st.integers(1, 20))
def test_a_bag_keeps_the_smallest_hashes_and_counts_them_whole(batches: list[list[int]], most: int) -> None:
    counter = Counter(most)
    for batch in batches:
        counter.add(np.array(batch, dtype=np.uint64))
        counter._settle()  # as if much had come
    bag = counter.bag()
    expected = sorted(Slow(value for batch in batches for value in batch).items())
    assert list(zip(bag.hashes.tolist(), bag.counts.tolist(), strict=True)) == expected[:most]
    assert (bag.limit is None) == (len(expected) <= most)


def test_overlaps_are_those_of_sets_and_vectors() -> None:
    bags = [
        Bag(np.array(h, np.uint64), np.array(c, np.int64)) for h, c in (([1, 2, 5], [3, 1, 1]), ([2, 5, 7], [2, 2, 9]))
    ]
    bags.append(Bag(np.zeros(0, np.uint64), np.zeros(0, np.int64)))
    cosine, jaccard = cosines(bags), jaccards(bags)
    assert cosine[0, 1] == pytest.approx((1 * 2 + 1 * 2) / math.sqrt((9 + 1 + 1) * (4 + 4 + 81)))
    assert jaccard[0, 1] == 2 / 4
    assert np.isnan(cosine[2]).all()
    assert np.isnan(jaccard[2]).all()


def test_a_cut_bag_is_compared_below_its_limit() -> None:
    whole = Bag(np.arange(10, dtype=np.uint64), np.ones(10, np.int64))
    cut = Bag(np.arange(4, dtype=np.uint64), np.ones(4, np.int64), limit=3)
    assert jaccards([whole, cut])[0, 1] == 1.0


def test_distances_by_hand() -> None:
    found = profiles([_batch()], open_tokenizer("bytes"), 3)
    labels = list(found)
    assert labels == sorted(_TEXTS)
    none = Typology([None] * len(labels))
    distances = feature_distances(labels, found, none)
    assert set(distances) == {
        "script",
        "ngrams",
        "ngrams_jaccard",
        "words",
        "words_jaccard",
        "pieces",
        "pieces_jaccard",
    }
    eng, deu, rus, zho = (labels.index(one) for one in ("eng_Latn", "deu_Latn", "rus_Cyrl", "zho_Hans"))
    assert (distances["script"][eng, deu], distances["script"][eng, rus]) == (0, 1)
    # the water cafe 2024 | das wasser café, all in NFC and lower case: of 5 words one is in both
    assert distances["words_jaccard"][eng, deu] == pytest.approx(1 - 1 / 6)
    assert distances["ngrams"][zho, rus] == 1
    for matrix in distances.values():
        assert np.array_equal(matrix, matrix.T)
        assert not np.diag(matrix).any()
    both = weighted(distances, {"script": 1, "ngrams": 3})
    assert both[eng, rus] == pytest.approx((1 + 3 * distances["ngrams"][eng, rus]) / 4)


def test_batches_make_no_difference() -> None:
    batch = _batch()
    parts = [batch.slice(at, 1) for at in range(batch.num_rows)]
    tokenizer = open_tokenizer("bytes")
    one, other = profiles([batch], tokenizer, 3), profiles(reversed(parts), tokenizer, 3)
    for label, profile in one.items():
        for name in ("ngrams", "words", "pieces"):
            ours, theirs = getattr(profile, name), getattr(other[label], name)
            assert np.array_equal(ours.hashes, theirs.hashes)
            assert np.array_equal(ours.counts, theirs.counts)


def test_a_table_of_numbers_and_families(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Code;family;a;b;km\nSWH;Bantu;1;0;10\nzu;Bantu;1;0;20\ndeu;;0;1;30\nquy;Quechuan;;;\n")
    labels = ["swh_Latn", "zul_Latn", "deu_Latn", "quy_Latn"]
    known = typology_of(labels, path)
    assert known.families[0] == known.families[1] == "Bantu"
    vectors = known.vectors["table"]
    assert vectors[0].tolist() == [1, 0, 0]
    assert vectors[1].tolist() == [1, 0, 0.5]
    assert np.isnan(vectors[3]).all()
    distances = feature_distances(labels, profiles([_labelled(labels)], open_tokenizer("bytes"), 3), known)
    table = distances["table"]
    assert table[0].tolist()[:3] == pytest.approx([0, 0.5 / 3, 1])
    assert np.isnan(table[0, 3])
    # Without Swahili's row in the dataset all others are as far apart as before: columns are scaled over the file.
    assert typology_of(labels[1:], path).vectors["table"][:2].tolist() == vectors[1:3].tolist()


@settings(max_examples=40, deadline=None)
@given(st.data(), st.booleans())
def test_distances_of_a_table_are_those_of_slow_code(data: st.DataObject, yes_no: bool) -> None:
    """Cosine of what is known of both where all is yes or no, else the mean difference (Gower); each a semimetric."""
    number = st.sampled_from([0.0, 1.0]) if yes_no else st.integers(-50, 50).map(lambda value: value / 4)
    cells = st.lists(st.lists(st.one_of(st.none(), number), min_size=3, max_size=3), min_size=2, max_size=6)
    rows = data.draw(cells)
    labels = ["swh_Latn", "zul_Latn", "deu_Latn", "quy_Latn", "rus_Cyrl", "hin_Deva"][: len(rows)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        lines = (",".join([label, *("" if cell is None else str(cell) for cell in row)])
                 for label, row in zip(labels, rows, strict=True))  # fmt: skip
        path.write_text("\n".join(["code,a,b,c", *lines]))
        known = typology_of(labels, path)
    found = feature_distances(labels, profiles([_labelled(labels)], open_tokenizer("bytes"), 3), known)["table"]
    plain = all(cell in (None, 0, 1) for row in rows for cell in row)
    spans = []
    for column in zip(*rows, strict=True):
        there = [cell for cell in column if cell is not None]
        spans.append((max(there) - min(there)) or 1 if there else 1)
    for one, ours in enumerate(rows):
        for other, theirs in enumerate(rows):
            both = [(a, b, span) for a, b, span in zip(ours, theirs, spans, strict=True) if None not in (a, b)]
            if not both:
                assert np.isnan(found[one, other])
            elif plain:
                lengths = math.sqrt(sum(a * a for a, _, _ in both) * sum(b * b for _, b, _ in both))
                alike = not any(a or b for a, b, _ in both)
                cosine = 1 if alike else sum(a * b for a, b, _ in both) / lengths if lengths else 0
                assert found[one, other] == pytest.approx(1 - cosine, abs=1e-9)
            else:
                assert found[one, other] == pytest.approx(sum(abs(a - b) / span for a, b, span in both) / len(both))
    assert np.array_equal(found, found.T, equal_nan=True)
    assert not np.nan_to_num(np.diag(found)).any()
    if not plain and all(None not in row for row in rows):  # all is known: a metric
        assert (found[:, None, :] <= found[:, :, None] + found[None, :, :] + 1e-9).all()


def _labelled(labels: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": ["abc"] * len(labels), "lang": labels})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "names no column of codes"),
        ("code,x\nswh,hot\n", "line 2, column 'x': 'hot' is no number"),
        ("code,x\nswh,1\nSWH,2\n", "line 3: 'SWH' is given twice"),
        ("code,x\nswh,1,5\n", "line 2: 3 fields, and 2 columns"),
        ("code,x,X\nswh,1,5\n", "two columns are called 'x'"),
        ("code,x\n,1\n", "line 2: no code"),
        ("code,x\nswh,inf\n", "line 2, column 'x': 'inf' is no number"),
        ('code,x\nswh,"' + "1" * 200_000, "cannot be read: field larger"),
    ],
)
def test_wrong_tables_are_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    before = csv.field_size_limit(1 << 17)  # readers of pairs raise it for the whole process
    try:
        with pytest.raises(UserError, match=said):
            typology_of(["swh_Latn"], path)
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("given_", ["scrip=1", "script=0", "script=x", "script=1,script=2", "ngrams=nan"])
def test_wrong_weights_are_named(given_: str) -> None:
    with pytest.raises(UserError, match="--distance"):
        parse_weights([given_])


@pytest.mark.slow  # 210 MB of arrays
def test_uriel_is_read_where_a_package_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("urielplus")
    monkeypatch.setattr(typology, "_PACKAGES", {"urielplus": ("database", "original_uriel")})
    labels = ["swh_Latn", "zul_Latn", "deu_Latn", "xxx_Latn", "zho_Hans", "srp_Cyrl", "srp_Latn", "pes_Arab"]
    known = typology_of(labels)
    assert known.families[:5] == ["Atlantic-Congo", "Atlantic-Congo", "Indo-European", None, "Sino-Tibetan"]
    assert {name: vectors.shape[1] for name, vectors in known.vectors.items()} == {
        "syntactic": 103, "phonological": 28, "inventory": 158,
    }  # fmt: skip
    assert np.isnan(known.vectors["syntactic"][3]).all()
    assert not np.isnan(known.vectors["syntactic"][2]).all()
    # A user's file of the same features, without the package, gives the same distances and families.
    vectors = known.vectors["syntactic"]
    lines = [",".join(["code", "family", *(f"s{at}" for at in range(103))])]
    for label, family, row in zip(labels, known.families, vectors, strict=True):
        lines.append(",".join([label, family or "", *("" if value != value else f"{value:g}" for value in row)]))
    (tmp_path / "uriel.csv").write_text("\n".join(lines))
    monkeypatch.setattr(typology, "_PACKAGES", {})
    own = typology_of(labels, tmp_path / "uriel.csv")
    assert own.families == known.families
    found = profiles([_labelled(labels)], open_tokenizer("bytes"), 3)
    ours, theirs = feature_distances(labels, found, own)["table"], feature_distances(labels, found, known)["syntactic"]
    assert np.array_equal(ours, theirs, equal_nan=True)
