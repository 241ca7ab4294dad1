"""dedup over sentence pairs: by src, by tgt, by both, and pairs turned round; brute force is the judge."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xlcorpus as xl
from tests import rows
from tests.dedup.dedup_helpers import SURE, Deduplicated, check_by_brute_force, deduplicate, jaccard
from tests.dedup.test_dedup_passes import HINDI, JAPANESE, POOL, SWAHILI, documents
from tests.ingest.ingest_helpers import jsonl
from tests.rows import doc_id
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sets import jaccard_of_both, sets_of
from xlcorpus.dedup.signature import shingle_texts
from xlcorpus.dedup.texts import Texts, row_digests, row_shingles
from xlcorpus.errors import UserError
from xlcorpus.text.normalize import as_seen

KHMER = "គ្រូសរសេរសំបុត្រទៅមិត្តភក្តិរបស់គាត់រាល់សប្តាហ៍"
SOME = [*POOL[:4], *POOL[6:12], "", "Kumi", "kumi", KHMER, KHMER + "ហើយ"]
PLACES = range(len(SOME))


def pairs(texts: list[tuple[str, str]], turned: list[bool] | None = None, **columns: Any) -> pa.RecordBatch:
    """Pairs of Swahili and Hindi by their labels, or of Hindi and Swahili."""
    turned = turned or [False] * len(texts)
    labels = [("hin_Deva", "swh_Latn") if back else ("swh_Latn", "hin_Deva") for back in turned]
    src, tgt = (list(side) for side in zip(*labels, strict=True)) if labels else ([], [])
    return rows.pairs(texts, src, tgt, names=[str(row) for row in range(len(texts))], **columns)


def likenesses() -> np.ndarray:
    """float64[texts, texts] of SOME: copies by their words, else Jaccard of Python's sets."""
    values = shingle_texts(pa.array(SOME))
    sets = [set(values.hashes[a:b].tolist()) for a, b in pairwise(values.offsets)]
    return np.array([[1.0 if one == two else jaccard(sets[one], sets[two]) for two in PLACES] for one in PLACES])


LIKE = likenesses()


def check_pairs(
    chosen: list[tuple[int, int]], turned: list[bool], threshold: float, found: Deduplicated, by: str, swapped: bool
) -> None:
    ids = [doc_id(str(row)) for row in range(len(chosen))]
    sides = [(tgt, src) if swapped and back else (src, tgt) for (src, tgt), back in zip(chosen, turned, strict=True)]
    used = {"src": (0,), "tgt": (1,), "both": (0, 1)}[by]

    def likeness(one: int, two: int) -> float:
        return float(min(LIKE[sides[one][side], sides[two][side]] for side in used))

    def length(row: int) -> int:
        return sum(len(SOME[sides[row][side]].encode()) for side in used)

    def exact(one: int, two: int) -> bool:
        return all(sides[one][side] == sides[two][side] for side in used)

    check_by_brute_force(found, ids, threshold, length=length, likeness=likeness, exact=exact)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES), st.booleans()), min_size=1, max_size=14),
    st.lists(st.integers(0, 14), max_size=2),
    st.sampled_from(["src", "tgt", "both"]),
    st.booleans(),
    st.sampled_from([0.5, 0.8, 1.0]),
)
def test_verdicts_are_those_of_brute_force_however_the_pairs_are_cut(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, int, bool]],
    cuts: list[int],
    by: str,
    swapped: bool,
    threshold: float,
) -> None:
    chosen, turned = [(src, tgt) for src, tgt, _ in drawn], [back for *_, back in drawn]
    batch = pairs([(SOME[src], SOME[tgt]) for src, tgt in chosen], turned)
    swapped &= by == "both"
    bounds = [0, *sorted(min(cut, len(drawn)) for cut in cuts), len(drawn)]
    shards = [batch.slice(start, end - start) for start, end in pairwise(bounds)]
    options: dict[str, Any] = {"by": by, "swapped": swapped, "threshold": threshold}
    found = deduplicate(tmp_path_factory.mktemp("pairs"), shards, banding=SURE, pairs=True, **options)
    check_pairs(chosen, turned, threshold, found, by, swapped)


def test_one_side_is_judged_as_documents_are(tmp_path: Path) -> None:
    texts = [POOL[number % len(POOL)] for number in range(30)]
    alone = deduplicate(tmp_path / "documents", [documents(texts, [str(row) for row in range(30)])], banding=SURE)
    for side, made in (("src", [(text, "x") for text in texts]), ("tgt", [("x", text) for text in texts])):
        found = deduplicate(tmp_path / side, [pairs(made)], banding=SURE, pairs=True, by=side)
        assert found.verdicts == alone.verdicts


def test_a_pair_is_as_like_as_its_less_similar_side() -> None:
    texts = [(SWAHILI, JAPANESE), (SWAHILI + " arobaini", JAPANESE), (JAPANESE, SWAHILI), ("!?", "!"), ("!?", "?")]
    seen = Texts.of(DedupOptions(), pairs=True).seen(pairs(texts))
    found = sets_of(row_shingles(seen, 5))
    one, two = (np.array(column) for column in zip((0, 1), (0, 0), (0, 2), (3, 3), (3, 4), strict=True))
    words = len(SWAHILI.split()) - 4
    assert jaccard_of_both(found, one, found, two).tolist() == [words / (words + 1), 1, 0, 1, 0]
    assert len(set(row_digests(seen).tolist())) == len(texts)
    assert (
        len(set(row_digests([as_seen(pa.array(["a", "b", "a"])), as_seen(pa.array(["b", "a", " b"]))]).tolist())) == 2
    )


def test_pairs_turned_round_are_others_unless_they_are_asked_for(tmp_path: Path) -> None:
    batch = pairs([(SWAHILI, HINDI), (HINDI, SWAHILI), (SWAHILI, HINDI + " प्राप्त")], [False, True, False])
    apart = deduplicate(tmp_path / "apart", [batch], pairs=True)
    assert apart.kept.column("tgt").to_pylist() == [SWAHILI, HINDI + " प्राप्त"]
    one = deduplicate(tmp_path / "one", [batch], pairs=True, by="both", swapped=True)
    assert one.kept.column("tgt").to_pylist() == [HINDI + " प्राप्त"]
    # Pairs in one language have no order but their own.
    same = rows.pairs([("a b", "c d"), ("c d", "a b")], "swh_Latn", "swh_Latn", names=["0", "1"])
    assert deduplicate(tmp_path / "same", [same], pairs=True, by="both", swapped=True).kept.num_rows == 2


LINES = [
    {"src": src, "tgt": tgt, "src_lang": "swh_Latn", "tgt_lang": lang, "sim": sim, "text": "user's"}
    for src, tgt, lang, sim in (
        (SWAHILI, HINDI, "hin_Deva", 0.7),
        (SWAHILI + "!", HINDI + " प्राप्त", "hin_Deva", 0.9),
        (SWAHILI, JAPANESE, "jpn_Jpan", 0.8),
        ("mia " + SWAHILI, JAPANESE, "jpn_Jpan", None),
        (SWAHILI.upper(), KHMER, "khm_Khmr", 0.1),
    )
]


def test_the_step_says_what_went_and_for_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = xl.ingest(jsonl(tmp_path / "a.jsonl", *LINES), output=tmp_path / "in", kind="pairs")
    kept = xl.dedup(given, output=tmp_path / "both", threshold=0.7, keep_by="sim", keep_text=True)
    assert kept.manifest.schema == "pair-1"
    stays = {row["sim"]: row for batch in kept.batches() for row in batch.to_pylist()}
    assert sorted(stays) == [0.1, 0.8, 0.9]
    gone = {row["lang"]: row for batch in kept.decisions() for row in batch.to_pylist()}
    assert {lang: (row["reason"], row["dup_of"]) for lang, row in gone.items()} == {
        "swh_Latn-hin_Deva": ("near_duplicate", stays[0.9]["doc_id"]),
        "swh_Latn-jpn_Jpan": ("near_duplicate", stays[0.8]["doc_id"]),
    }
    assert gone["swh_Latn-hin_Deva"]["text"] == f"{SWAHILI}\n{HINDI}"
    assert 0.7 <= gone["swh_Latn-jpn_Jpan"]["similarity"] < 1
    assert [stays[sim]["dup_size"] for sim in (0.9, 0.8, 0.1)] == [2, 2, 1]
    capsys.readouterr()
    alone = xl.dedup(kept, output=tmp_path / "src", threshold=0.7, by="src")  # once more: marks are made anew
    assert alone.manifest.rows == 1
    within = xl.dedup(kept, output=tmp_path / "within", threshold=0.7, by="src", within="tgt_lang")
    assert within.manifest.rows == 3


def test_options_of_pairs_are_refused_for_documents(tmp_path: Path) -> None:
    given = xl.ingest(jsonl(tmp_path / "a.jsonl", {"text": SWAHILI}), output=tmp_path / "in")
    with pytest.raises(UserError, match="--by src is about sentence pairs"):
        xl.dedup(given, output=tmp_path / "out", by="src")
    with pytest.raises(UserError, match="--swapped is about sentence pairs"):
        xl.dedup(given, output=tmp_path / "out", swapped=True)
    with pytest.raises(UserError, match="--swapped compares both sides"):
        xl.dedup(given, output=tmp_path / "out", swapped=True, by="tgt")
    assert Dataset.open(tmp_path / "in").manifest.rows == 1
