"""The passes over files: what is marked, what stays, and that neither order nor sharding nor batches decide it."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dedup.dedup_helpers import SURE, Deduplicated, check_by_brute_force, deduplicate, documents, jaccard
from tests.rows import doc_id
from xlcorpus.dataset import dataset
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dedup import match
from xlcorpus.dedup.mark import KeepBest, keep_best_batch
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import band_name, check_columns, sign_batch
from xlcorpus.dedup.signature import choose_banding, shingle_texts
from xlcorpus.errors import UserError

# Texts that are near one another, in scripts with spaces and without; some copies, some without a word.
SWAHILI = "moja mbili tatu nne tano sita saba nane tisa kumi kumi na moja na mbili na tatu ishirini thelathini"
WORDS = SWAHILI.split()
JAPANESE = "すべての人間は生まれながらにして自由でありかつ尊厳と権利とについて平等である人間は理性と良心とを授けられ"
HINDI = "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है उन्हें बुद्धि और अन्तरात्मा"
SIMILAR = (len(WORDS) - 4) / (len(WORDS) - 3)  # of a text and the same with a word more, by windows of five words
POOL = [
    SWAHILI,
    SWAHILI + " arobaini",
    SWAHILI.upper() + "!",
    "mia " + SWAHILI,
    " ".join(WORDS[:9]),
    " ".join(WORDS[9:]),
    JAPANESE,
    JAPANESE[:40],
    JAPANESE.replace("尊厳", "権威"),
    HINDI,
    HINDI + " प्राप्त",
    "!?",
    "... ...",
    "",
    "kumi",
    "Kumi",
]


def check_texts(texts: list[str], names: list[str], threshold: float, found: Deduplicated) -> None:
    """Every text against every one that stays; copies are compared by their words here, not by digests."""
    values = shingle_texts(pa.array(texts))
    sets = [set(values.hashes[a:b].tolist()) for a, b in pairwise(values.offsets)]
    contents = [" ".join(text.split()) for text in texts]
    ids = [doc_id(name) for name in names]

    def likeness(one: int, two: int) -> float:
        return 1.0 if contents[one] == contents[two] else jaccard(sets[one], sets[two])

    def exact(one: int, two: int) -> bool:
        return contents[one] == contents[two]

    def length(text: int) -> int:
        return len(texts[text].encode())

    check_by_brute_force(found, ids, threshold, length=length, likeness=likeness, exact=exact)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(POOL), min_size=1, max_size=14),
    st.lists(st.integers(0, 14), max_size=3),
    st.integers(1, 40),
    st.sampled_from([0.5, 0.8, 1.0]),
    st.data(),
)
def test_verdicts_are_those_of_brute_force_in_any_order_and_sharding(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    cuts: list[int],
    most: int,
    threshold: float,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("dedup")
    names = [str(row) for row in range(len(texts))]
    order = data.draw(st.permutations(range(len(texts))))
    mixed = documents([texts[row] for row in order], [names[row] for row in order])
    places = sorted([0, len(texts), *(min(cut, len(texts)) for cut in cuts)])  # some shards are empty
    shards = [mixed.slice(a, b - a) for a, b in pairwise(places)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "BATCH_ROWS", data.draw(st.integers(1, 5)))
        patch.setattr(match, "BLOCK_SHINGLES", most)
        patch.setattr(match, "GROUP_SHINGLES", 3 * most)
        found = deduplicate(folder / "mixed", shards, threshold=threshold, banding=SURE)
        whole = deduplicate(folder / "whole", [documents(texts, names)], threshold=threshold, banding=SURE)
    shutil.rmtree(folder)
    assert whole.verdicts == found.verdicts
    check_texts(texts, names, threshold, found)
    assert found.kept.num_rows + found.decisions.num_rows == len(texts)


def test_a_small_corpus_by_hand(tmp_path: Path) -> None:
    texts = [SWAHILI, SWAHILI + " arobaini", SWAHILI, JAPANESE, "!?", "!?", "", "kumi", HINDI]
    names = list("abcdefghi")
    batch = documents(texts, names)
    found = deduplicate(tmp_path, [batch.slice(0, 4), batch.slice(4, 0), batch.slice(4)])
    kept = {row["origin"]["file"]: row for row in found.kept.to_pylist()}
    assert list(kept) == ["b", "d", min("ef", key=doc_id), "g", "h", "i"]
    assert found.kept.column_names == ["doc_id", "origin", "text", "dup_cluster", "dup_size"]
    assert (kept["b"]["dup_size"], kept["b"]["dup_cluster"]) == (3, doc_id("b"))
    assert (kept["d"]["dup_size"], kept["d"]["dup_cluster"]) == (1, doc_id("d"))
    gone = {row["origin"]["file"]: row for row in found.decisions.to_pylist()}
    # A copy of each other, but of the one that stays only nearly.
    assert {gone[name]["reason"] for name in "ac"} == {"near_duplicate"}
    assert {gone[name]["dup_of"] for name in "ac"} == {doc_id("b")}
    assert [gone[name]["similarity"] for name in "ac"] == [pytest.approx(SIMILAR)] * 2
    assert gone[max("ef", key=doc_id)]["reason"] == "exact_duplicate"
    assert len(gone) == 3


def test_nothing_in_common_leaves_all(tmp_path: Path) -> None:
    found = deduplicate(tmp_path, [documents([SWAHILI, JAPANESE, HINDI])])
    assert found.kept.num_rows == 3
    assert found.kept["dup_cluster"].to_pylist() == found.kept["doc_id"].to_pylist()
    assert found.decisions.num_rows == 0
    assert found.decisions.schema.equals(DECISION)


@pytest.mark.parametrize("within", ["lang", "source"])
def test_within_compares_only_equal_values(tmp_path: Path, within: str) -> None:
    values = pa.array(["a", "a", "b", "b", "", None, None], pa.string())
    batch = documents([SWAHILI] * 7, **{within: values})
    alike = deduplicate(tmp_path / "none", [batch])
    assert alike.kept["dup_size"].to_pylist() == [7]
    apart = deduplicate(tmp_path / within, [batch.slice(0, 3), batch.slice(3)], within=within)
    assert sorted(apart.kept["dup_size"].to_pylist()) == [2, 2, 3]
    found = apart.verdicts
    assert [found[doc_id(name)][0] == found[doc_id("0")][0] for name in "123456"] == [True] + [False] * 5
    assert found[doc_id("2")][0] == found[doc_id("3")][0] != found[doc_id("4")][0]
    # Texts without a word are kept apart too.
    bare = deduplicate(tmp_path / "bare", [documents(["!"] * 7, **{within: values})], within=within)
    assert sorted(bare.kept["dup_size"].to_pylist()) == [2, 2, 3]


def test_copies_apart_by_value_keep_their_own_near_copies(tmp_path: Path) -> None:
    near = SWAHILI + " arobaini"
    values = pa.array(["a", "b", "a", "b"], pa.string())
    found = deduplicate(tmp_path, [documents([SWAHILI, SWAHILI, near, near], lang=values)], within="lang")
    assert found.kept["dup_size"].to_pylist() == [2, 2]
    assert found.kept["text"].to_pylist() == [near, near]


@pytest.mark.parametrize(
    ("ranks", "best"),
    [
        (pa.array([1, 3, 2]), "1"),
        (pa.array([0.5, None, 0.25], pa.float32()), "0"),
        (pa.array([float("nan"), -1.0, float("nan")]), "1"),
        (pa.array([2**53 + 1, 2**60 + 1, 2**60 + 2**40], pa.int64()), "2"),  # nanoseconds are this large
        (pa.array([2**64 - 1, 0, 7], pa.uint64()), "0"),
    ],
)
def test_keep_by_keeps_the_highest(tmp_path: Path, ranks: pa.Array, best: str) -> None:
    found = deduplicate(tmp_path, [documents([SWAHILI] * 3, rank=ranks)], keep_by="rank")
    assert found.kept["origin"].to_pylist() == [{"file": best, "offset": 0}]
    assert found.kept.column_names[:4] == ["doc_id", "origin", "text", "rank"]


def test_keep_by_length_counts_bytes_and_ties_go_by_id(tmp_path: Path) -> None:
    texts = [SWAHILI, SWAHILI + " .", SWAHILI + " 。"]
    found = deduplicate(tmp_path / "one", [documents(texts)])
    assert [row["file"] for row in found.kept["origin"].to_pylist()] == ["2"]
    names = [str(number) for number in range(20)]
    found = deduplicate(tmp_path / "two", [documents([SWAHILI] * 20)])
    assert found.kept["doc_id"].to_pylist() == [min(doc_id(name) for name in names)]


def test_signatures_are_a_function_of_the_text() -> None:
    batch = documents([SWAHILI, "", None, JAPANESE, "!?", SWAHILI])
    options = DedupOptions()
    for banding in (choose_banding(0.8), SURE):
        together = sign_batch(batch, options, banding, 0)
        bands = [band_name(number) for number in range(banding.bands + 1)]
        assert together.schema.names == ["doc_id", "digest", "rank", "shingles", *bands]
        alone = [sign_batch(batch.slice(row, 1), options, banding, 0).to_pylist()[0] for row in range(6)]
        rows = together.to_pylist()
        for row in (*rows, *alone):
            row["rank"] = str(row["rank"])  # NaN is equal to nothing; it is that of null
        assert rows == alone
        assert [rows[0][name] for name in bands] == [rows[5][name] for name in bands]
        assert len({row[name] for row in rows for name in bands[:-1]}) == 4 * banding.bands  # null is empty
    assert sign_batch(batch, options, SURE, 1).column("band 0")[0] != together.column("band 0")[0]
    assert together.column("rank").to_pylist()[:2] == [len(SWAHILI.encode()), 0]
    assert together.column("shingles").to_pylist()[:3] == [len(WORDS) - 4, 0, 0]


def test_rows_without_a_candidate_are_their_own_cluster(tmp_path: Path) -> None:
    found = deduplicate(tmp_path, [documents([SWAHILI, JAPANESE]), documents([]), documents([HINDI], ["x"])])
    assert list(found.verdicts.values()) == [(key, 1, True, False, 0) for key in found.verdicts]


@pytest.mark.parametrize("apart", [False, True])
def test_the_same_document_twice_is_removed(tmp_path: Path, apart: bool) -> None:
    """As where a file is in the input twice: a copy is a copy, and its row names its own id, which stays."""
    batch = documents([SWAHILI, JAPANESE, "!"], list("abc"))
    found = deduplicate(tmp_path, [batch, batch] if apart else [pa.concat_batches([batch, batch])])
    assert sorted(found.kept["doc_id"].to_pylist()) == sorted(doc_id(name) for name in "abc")
    assert found.kept["dup_size"].to_pylist() == [2, 2, 2]
    assert found.decisions["reason"].to_pylist() == ["exact_duplicate"] * 3
    assert found.decisions["dup_of"].to_pylist() == found.decisions["doc_id"].to_pylist()


@pytest.mark.parametrize(
    "other",
    [
        documents([SWAHILI + " arobaini"], ["a"], lang=pa.array(["swh_Latn"])),
        documents([HINDI], ["a"], lang=pa.array(["swh_Latn"])),
        documents([SWAHILI], ["a"], lang=pa.array(["zza_Latn"])),  # a copy, but not within the same language
    ],
)
def test_one_id_of_two_documents_is_refused(tmp_path: Path, other: pa.RecordBatch) -> None:
    batch = documents([JAPANESE, SWAHILI], list("ba"), lang=pa.array(["jpn_Jpan", "swh_Latn"]))
    with pytest.raises(UserError, match=r"(?s)1 documents have the doc_id of another.*row 1 of .*00000.* and row 0 of"):
        deduplicate(tmp_path, [batch, other], within="lang")


def marked() -> pa.RecordBatch:
    batch = documents(["one", "two", "three"], list("abc"), lang=pa.array(["eng_Latn", None, "swh_Latn"]))
    marks = {
        "dup_cluster": pa.array([doc_id(name) for name in "acc"], pa.binary(16)),
        "dup_size": pa.array([2, 2, 2], pa.int32()),
        "__dup_kept": pa.array([False, False, True]),
        "__dup_exact": pa.array([True, False, False]),
        "__dup_similarity": pa.array([1.0, 0.875, 0.875], pa.float32()),
    }
    return pa.RecordBatch.from_pydict({**{name: batch.column(name) for name in batch.schema.names}, **marks})


@pytest.mark.parametrize("keep_text", [False, True])
def test_decisions_name_reason_similarity_and_the_member_kept(keep_text: bool) -> None:
    result = keep_best_batch(marked(), 0.8, keep_text=keep_text)
    kept, decisions = result.rows, result.decisions
    assert decisions is not None
    assert kept.schema.names == ["doc_id", "origin", "text", "lang", "dup_cluster", "dup_size"]
    assert kept.column("text").to_pylist() == ["three"]
    assert decisions.schema.equals(DECISION)
    assert decisions.select(["reason", "lang", "dup_of", "similarity", "score", "threshold", "step"]).to_pylist() == [
        {
            "reason": "exact_duplicate",
            "lang": "eng_Latn",
            "dup_of": doc_id("a"),
            "similarity": 1.0,
            "score": 1.0,
            "threshold": 0.8,
            "step": "dedup",
        },
        {
            "reason": "near_duplicate",
            "lang": None,
            "dup_of": doc_id("c"),
            "similarity": 0.875,
            "score": 0.875,
            "threshold": 0.8,
            "step": "dedup",
        },
    ]
    assert decisions.column("text").to_pylist() == (["one", "two"] if keep_text else [None, None])
    by_kernel = KeepBest(0.8, keep_text).apply(marked(), None)
    assert by_kernel == result


SCHEMA = documents(["x"], lang=pa.array(["a"]), lang_score=pa.array([0.5])).schema


def test_columns_of_the_right_kind_pass() -> None:
    check_columns(SCHEMA, DedupOptions(), "here")
    check_columns(SCHEMA, DedupOptions(within="lang", keep_by="lang_score"), "here")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"within": "language"}, r"no column 'language' in out/web \(did you mean 'lang'\?\)\n.*remedy: .*--within"),
        (
            {"keep_by": "lang_scores"},
            r"no column 'lang_scores' in out/web \(did you mean 'lang_score'\?",
        ),
        ({"keep_by": "lang"}, r"--keep-by lang: the column is string\n.*remedy: keep-by needs a number"),
        ({"within": "lang_score"}, r"--within lang_score: the column is double\n.*within needs a string"),
        ({"within": "origin"}, r"--within origin: the column is struct"),
    ],
)
def test_columns_that_will_not_do_are_named(changes: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_columns(SCHEMA, DedupOptions(**changes), "out/web")


def test_rows_of_a_large_shard_are_read_in_pieces(tmp_path: Path) -> None:
    """Rows are counted over batches and row groups alike."""
    texts = [f"{SWAHILI} {number} {number * 7919}" for number in range(9000)]
    texts[8999] = texts[4095] = texts[0]
    found = deduplicate(tmp_path, [documents(texts)], threshold=0.99)
    assert [row["file"] for row in found.decisions["origin"].to_pylist()] == sorted(
        sorted(["0", "4095", "8999"], key=doc_id)[1:], key=int
    )
    assert found.kept.num_rows == 8998
    assert np.unique(found.kept["dup_size"].to_numpy()).tolist() == [1, 3]


def test_users_columns_may_bear_the_names_of_ours_on_the_way(tmp_path: Path) -> None:
    names = ("dup_kept", "dup_exact", "dup_similarity", "rank", "band 0", "digest", "row", "label", "shingles")
    mine = {name: pa.array([f"my {name}"] * 3) for name in names}
    found = deduplicate(tmp_path, [documents([SWAHILI, SWAHILI + " mia", JAPANESE], **mine)])
    rows = found.kept.to_pylist()
    assert [row["origin"]["file"] for row in rows] == ["1", "2"]
    assert all(row[name] == f"my {name}" for row in rows for name in names)
