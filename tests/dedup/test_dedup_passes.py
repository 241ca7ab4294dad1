"""The passes over files: what is marked, what stays, and that neither order nor sharding nor batches decide it."""

from __future__ import annotations

import shutil
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dedup.dedup_helpers import SURE, deduplicate, documents, jaccard, union_find
from tests.rows import doc_id
from xlcorpus.dataset import dataset
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dedup.mark import KeepBest, keep_best_batch, mark_rows
from xlcorpus.dedup.match import judge_candidates
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import check_columns, sign_batch
from xlcorpus.dedup.signature import choose_banding, shingle_texts
from xlcorpus.errors import UserError

# Texts that are near one another, in scripts with spaces and without; some copies, some without a word.
SWAHILI = "moja mbili tatu nne tano sita saba nane tisa kumi kumi na moja na mbili na tatu ishirini thelathini"
WORDS = SWAHILI.split()
JAPANESE = "すべての人間は生まれながらにして自由でありかつ尊厳と権利とについて平等である人間は理性と良心とを授けられ"
HINDI = "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है उन्हें बुद्धि और अन्तरात्मा"
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


def verdicts_by_brute_force(texts: list[str], names: list[str], threshold: float) -> dict[bytes, tuple[Any, ...]]:
    """Every text against every other one; copies are compared by their words here, not by digests."""
    values = shingle_texts(pa.array(texts))
    sets = [set(values.hashes[a:b].tolist()) for a, b in pairwise(values.offsets)]
    contents = [" ".join(text.split()) for text in texts]
    edges: dict[tuple[int, int], float] = {}
    for two in range(len(texts)):
        for one in range(two):
            value = 1.0 if contents[one] == contents[two] else jaccard(sets[one], sets[two])
            if value >= threshold:
                edges[one, two] = value
    labels = union_find(len(texts), list(edges))
    found: dict[bytes, tuple[Any, ...]] = {}
    for place in range(len(texts)):
        members = [other for other, label in enumerate(labels) if label == labels[place]]
        best_first = sorted(members, key=lambda m: (-len(texts[m].encode()), doc_id(names[m])))
        copies = [member for member in best_first if contents[member] == contents[place]]
        nearest = max((value for edge, value in edges.items() if place in edge), default=0.0)
        kept = best_first[0]
        found[doc_id(names[place])] = (
            doc_id(names[kept]),
            len(members),
            kept == place,
            copies[0] != place,
            pytest.approx(nearest),
        )
    return found


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(POOL), min_size=1, max_size=14),
    st.lists(st.integers(0, 14), max_size=3),
    st.integers(1, 3),
    st.sampled_from([0.5, 0.8, 1.0]),
    st.data(),
)
def test_verdicts_are_those_of_brute_force_in_any_order_and_sharding(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    cuts: list[int],
    partitions: int,
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
        found = deduplicate(folder, shards, threshold=threshold, banding=SURE, partitions=partitions, shuffle=len(cuts))
    shutil.rmtree(folder)
    due = verdicts_by_brute_force(texts, names, threshold)
    assert found.verdicts == due
    assert {doc.as_py() for doc in found.kept["doc_id"]} == {name for name, verdict in due.items() if verdict[2]}
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
    first, second = sorted("ac", key=doc_id)
    assert gone[first]["reason"] == "near_duplicate"
    assert gone[second]["reason"] == "exact_duplicate"
    assert gone[first]["dup_of"] == gone[second]["dup_of"] == doc_id("b")
    assert {gone[name]["similarity"] for name in "ac"} == {1.0}  # each has a copy
    assert gone[max("ef", key=doc_id)]["reason"] == "exact_duplicate"
    assert len(gone) == 3


def test_nothing_in_common_leaves_all(tmp_path: Path) -> None:
    found = deduplicate(tmp_path, [documents([SWAHILI, JAPANESE, HINDI])])
    assert found.kept.num_rows == 3
    assert found.kept["dup_cluster"].to_pylist() == found.kept["doc_id"].to_pylist()
    assert found.decisions.num_rows == 0
    assert found.decisions.schema.equals(DECISION)


def test_a_decomposed_copy_is_an_exact_copy(tmp_path: Path) -> None:
    text = "Tiếng Việt rất đẹp và giàu"
    texts = [text, unicodedata.normalize("NFD", text)]
    assert texts[0] != texts[1]
    found = deduplicate(tmp_path, [documents(texts)])
    assert found.decisions["reason"].to_pylist() == ["exact_duplicate"]


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
        assert together.schema.names == ["doc_id", "digest", "rank", "bands"]
        assert together.column("bands").type == pa.binary(8 * (banding.bands + 1))
        alone = [sign_batch(batch.slice(row, 1), options, banding, 0).to_pylist()[0] for row in range(6)]
        rows = together.to_pylist()
        assert [row["bands"] for row in rows] == [row["bands"] for row in alone]
        assert [row["digest"] for row in rows] == [row["digest"] for row in alone]
        assert rows[0]["bands"] == rows[5]["bands"]
        bands = {row["bands"][start : start + 8] for row in rows for start in range(0, 8 * banding.bands, 8)}
        assert len(bands) == 4 * banding.bands  # null and empty text are one, and so are the copies
    assert sign_batch(batch, options, SURE, 1).column("bands")[0] != together.column("bands")[0]
    lengths = together.column("rank").to_pylist()[:2]
    assert lengths == [len(SWAHILI.encode()), 0]


def test_rows_without_verdict_are_their_own_cluster() -> None:
    ids = pa.array([doc_id(name) for name in "abcd"], pa.binary(16))
    marks = mark_rows(ids.slice(1), [])
    assert marks.column("dup_cluster").to_pylist() == ids.slice(1).to_pylist()
    assert marks.column("dup_size").to_pylist() == [1, 1, 1]
    assert marks.column("__dup_kept").to_pylist() == [True] * 3
    assert marks.column("__dup_exact").to_pylist() == [False] * 3
    assert marks.column("__dup_similarity").to_pylist() == [0] * 3
    assert mark_rows(ids.slice(4), []).num_rows == 0


def test_verdicts_go_to_their_rows() -> None:
    keys = [(5 << 32) + 2, (5 << 32) + 0, (6 << 32) + 1]
    members = pa.RecordBatch.from_arrays(
        [
            pa.array(keys, pa.uint64()),
            pa.array([keys[1]] * 3, pa.uint64()),
            pa.array([doc_id(name) for name in "cax"], pa.binary(16)),
            pa.array([b"digest-000000000"] * 3, pa.binary(16)),
            pa.array([1.0, 1.0, 9.0]),
            pa.array([[1, 2], [1, 2], [1, 2]], pa.large_list(pa.uint64())),
        ],
        names=["key", "label", "doc_id", "digest", "rank", "shingles"],
    )
    found = dict(judge_candidates(members, 0.8))
    assert sorted(found) == [5, 6]
    marks = mark_rows(pa.array([doc_id(name) for name in "abc"], pa.binary(16)), [found[5]])
    assert marks.column("dup_cluster").to_pylist() == [doc_id("x"), doc_id("b"), doc_id("x")]
    assert marks.column("dup_size").to_pylist() == [3, 1, 3]
    assert marks.column("__dup_kept").to_pylist() == [False, True, False]
    assert found[6].column("__dup_kept").to_pylist() == [True]


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
    names = ("dup_kept", "dup_exact", "dup_similarity", "rank", "bands", "digest", "key", "label", "shingles")
    mine = {name: pa.array([f"my {name}"] * 3) for name in names}
    found = deduplicate(tmp_path, [documents([SWAHILI, SWAHILI + " mia", JAPANESE], **mine)])
    rows = found.kept.to_pylist()
    assert [row["origin"]["file"] for row in rows] == ["1", "2"]
    assert all(row[name] == f"my {name}" for row in rows for name in names)
