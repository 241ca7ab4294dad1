"""Packing: every token once, documents whole where they fit, packs pure, and the same whatever the batches."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pack.pack_helpers import doc_id, options_of, pack, parts_of, rebuilt, token_documents
from xlcorpus.dataset.result import Counts, add_counts
from xlcorpus.errors import ConservationError, UserError
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.pack_counts import PackCounts
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import PACK
from xlcorpus.pack.strategies import STRATEGIES

LABELS = ["hin_Deva", "srp_Cyrl", "srp_Latn"]
IDS = LanguageIds.build(LABELS)
DOCUMENTS = st.lists(st.tuples(st.integers(1, 40), st.sampled_from(LABELS)), max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=4)


@given(DOCUMENTS, st.sampled_from(sorted(STRATEGIES)), st.booleans(), CUTS, st.integers(1, 12), st.integers(1, 80))
@example([(1, "hin_Deva")], "concatenate", True, [], 1, 1)
@example([(16, "hin_Deva"), (8, "srp_Latn")], "best-fit", True, [1], 2, 80)
def test_every_token_once(
    made: list[tuple[int, str]], strategy: str, pure: bool, cuts: list[int], window: int, tokens: int
) -> None:
    given_documents = token_documents([size for size, _ in made], [label for _, label in made])
    windows = {"window_documents": window, "window_tokens": tokens}
    packs, packer = pack(given_documents, options_of(8, strategy), IDS if pure else None, batches=cuts, **windows)
    rows = packs.to_pylist()
    tokens_out = [token for row in rows for token in row["input_ids"]]
    assert sorted(tokens_out) == given_documents.ids.tolist()
    offsets = given_documents.offsets.tolist()
    assert rebuilt(packs) == {
        doc_id(str(row)): list(range(offsets[row], offsets[row + 1])) for row in range(len(given_documents))
    }
    assert [row["pack_id"] for row in rows] == list(range(len(rows)))
    for row in rows:
        assert 1 <= len(row["input_ids"]) == row["length"] <= 8
        assert not pure or len(set(row["langs"])) == 1
    counts = packer.counts
    assert (counts.documents, counts.tokens, counts.packs) == (len(made), len(tokens_out), len(rows))
    assert counts.room == 8 * len(rows)
    assert counts.parts == sum(len(row["doc_starts"]) for row in rows)
    whole = {part["doc_id"] for part in parts_of(packs) if part["total"] == len(part["ids"])}
    assert counts.split == len(made) - len(whole)
    assert sum(counts.languages.values()) == len(tokens_out)
    packs_in_one_go, _ = pack(given_documents, options_of(8, strategy), IDS if pure else None, **windows)
    assert packs_in_one_go.equals(packs)


def cut_one_by_one(sizes: list[int], length: int) -> list[list[int]]:
    stream = list(range(sum(sizes)))
    return [stream[start : start + length] for start in range(0, len(stream), length)]


@given(st.lists(st.integers(1, 40), max_size=30))
def test_concatenate_is_a_stream_that_is_cut(sizes: list[int]) -> None:
    packs, packer = pack(token_documents(sizes), options_of(8, "concatenate"), batches=range(0, len(sizes), 3))
    assert packs.column("input_ids").to_pylist() == cut_one_by_one(sizes, 8)
    assert packer.counts.room - packer.counts.packed < 8


@given(DOCUMENTS)
def test_pure_concatenate_is_a_stream_a_group(made: list[tuple[int, str]]) -> None:
    given_documents = token_documents([size for size, _ in made], [label for _, label in made])
    packs, _ = pack(given_documents, options_of(8, "concatenate"), IDS, batches=[5, 6, 20])
    offsets = given_documents.offsets
    rows = packs.to_pylist()
    for label in LABELS:
        stream = [
            token for row, (_, of) in enumerate(made) if of == label for token in range(offsets[row], offsets[row + 1])
        ]
        assert [row["input_ids"] for row in rows if row["lang"] == label] == [
            stream[start : start + 8] for start in range(0, len(stream), 8)
        ]
    # Full packs in the order in which they were full, then what was left of each language.
    full = [max(row["input_ids"]) for row in rows if row["length"] == 8]
    assert [row["length"] == 8 for row in rows] == sorted((row["length"] == 8 for row in rows), reverse=True)
    ends = np.searchsorted(offsets, full, side="right")
    assert ends.tolist() == sorted(ends.tolist())


@given(DOCUMENTS, st.integers(1, 12))
def test_best_fit_splits_only_what_is_too_long(made: list[tuple[int, str]], window: int) -> None:
    given_documents = token_documents([size for size, _ in made])
    packs, _ = pack(given_documents, options_of(8, "best-fit"), window_documents=window)
    for part in parts_of(packs):
        if part["total"] <= 8:
            assert part["offset"] == 0
            assert len(part["ids"]) == part["total"]
        else:
            assert part["offset"] % 8 == 0
            assert len(part["ids"]) == min(8, part["total"] - part["offset"])
    for row in packs.to_pylist():
        assert row["input_ids"] == sorted(row["input_ids"])  # in order of arrival


def test_one_document_a_row() -> None:
    packs, _ = pack(token_documents([3, 20, 8]), options_of(8, "one"))
    assert packs.column("length").to_pylist() == [3, 8, 8, 4, 8]
    assert packs.column("doc_offsets").to_pylist() == [[0], [0], [8], [16], [0]]
    assert packs.column("doc_lengths").to_pylist() == [[3], [20], [20], [20], [8]]


def test_columns() -> None:
    packs, _ = pack(
        token_documents([3, 4, 5], ["srp_Latn", "hin_Deva", "srp_Latn"]), options_of(8, "best-fit"), IDS, task=3
    )
    assert packs.schema == PACK
    first, second = packs.to_pylist()
    assert first == {
        "pack_id": 3 << 32,
        "length": 4,
        "input_ids": [3, 4, 5, 6],
        "doc_starts": [0],
        "doc_ids": [doc_id("1")],
        "doc_offsets": [0],
        "doc_lengths": [4],
        "langs": ["hin_Deva"],
        "kinds": [None],
        "sources": [None],
        "epochs": [0],
        "part_bytes": [4],
        "lang": "hin_Deva",
        "script": "Deva",
        "lang_id": 0,
        "script_id": 1,
    }
    assert second["doc_starts"] == [0, 3]
    assert (second["lang"], second["lang_id"], second["script_id"]) == ("srp_Latn", 1, 2)
    mixed, _ = pack(token_documents([3, 4], ["srp_Latn", "hin_Deva"]), options_of(8, "best-fit"))
    row = mixed.to_pylist()[0]
    assert row["langs"] == ["srp_Latn", "hin_Deva"]
    assert [row[name] for name in ("lang", "script", "lang_id", "script_id")] == [None] * 4


def test_the_emptiest_pack_waits_for_the_next_window() -> None:
    sizes = [5, 5, 3, 3]
    alone, _ = pack(token_documents(sizes), options_of(8, "best-fit"), window_documents=1)
    assert alone.column("length").to_pylist() == [5, 8, 3]
    # A window of two: one of the fives waits, and meets a three.
    pairs, _ = pack(token_documents(sizes), options_of(8, "best-fit"), window_documents=2)
    assert sorted(pairs.column("length").to_pylist()) == [3, 5, 8]
    together, _ = pack(token_documents(sizes), options_of(8, "best-fit"), window_documents=4)
    assert together.column("length").to_pylist() == [8, 8]


def test_it_is_the_emptiest_one() -> None:
    packs, _ = pack(token_documents([3, 6, 5]), options_of(8, "best-fit"), window_documents=2)
    assert packs.column("length").to_pylist() == [6, 8]


@pytest.mark.parametrize("limits", [{"window_documents": 30}, {"window_tokens": 400}])
@pytest.mark.parametrize("languages", [None, IDS])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_batches_do_not_matter(strategy: str, languages: LanguageIds | None, limits: dict[str, int]) -> None:
    rng = np.random.default_rng(8)
    sizes = np.where(rng.random(400) < 0.01, 2000, rng.integers(1, 50, 400))  # a few larger than a window
    given_documents = token_documents(sizes, rng.choice(LABELS, 400).tolist())
    expected, _ = pack(given_documents, options_of(64, strategy), languages, **limits)
    for cuts in (range(0, 400, 7), range(0, 400, 41), range(400), [399]):
        assert pack(given_documents, options_of(64, strategy), languages, batches=cuts, **limits)[0].equals(expected)


def test_what_waits_is_less_than_a_pack_a_group() -> None:
    rng = np.random.default_rng(2)
    labels = [f"{a}{b}c_Latn" for a in "abcdef" for b in "abcdef"]
    ids = LanguageIds.build(labels)
    for strategy in ("concatenate", "best-fit"):
        packer = Packer(options_of(64, strategy), 0, ids, window_documents=50)
        for _ in range(12):
            sizes = rng.integers(1, 150, 100)
            list(packer.add(token_documents(sizes, rng.choice(labels, 100).tolist())))
            assert packer.counts.tokens - packer.counts.packed < 64 * len(labels)
        list(packer.finish())


def test_a_window_is_bounded_in_tokens() -> None:
    packer = Packer(options_of(64), window_tokens=1000)
    for _ in range(5):
        list(packer.add(token_documents(np.random.default_rng(1).integers(1, 100, 200))))
        assert packer.counts.tokens - packer.counts.packed <= 1000 + 64
    list(packer.finish())


def test_padding_at_2048() -> None:
    rng = np.random.default_rng(11)
    for sizes in (rng.integers(50, 3001, 5000), np.clip(np.exp(rng.normal(6.2, 0.9, 5000)), 50, 3000).astype(int)):
        _, packer = pack(token_documents(sizes), options_of(2048, "best-fit"))
        assert packer.counts.padding <= 0.01
        _, packer = pack(token_documents(sizes), options_of(2048), window_documents=1000)
        assert packer.counts.padding <= 0.01


def test_a_prefix_holds_the_ratios() -> None:
    """Short documents of one language and long ones of another, evenly mixed."""
    rng = np.random.default_rng(4)
    count = 8000
    short = rng.random(count) < 0.8
    sizes = np.where(short, rng.integers(20, 200, count), rng.integers(500, 2000, count))
    langs = np.where(short, "eng_Latn", "tha_Thai").tolist()
    share = sizes[short].sum() / sizes.sum()
    packs, _ = pack(token_documents(sizes, langs), options_of(2048), window_documents=1000)
    parts = list(parts_of(packs))
    tokens = np.array([len(part["ids"]) for part in parts])
    english = np.array([part["lang"] == "eng_Latn" for part in parts])
    held = np.cumsum(tokens * english) / np.cumsum(tokens)
    after = np.cumsum(tokens) > 0.25 * tokens.sum()
    assert np.abs(held[after] - share).max() < 0.02


def test_faults() -> None:
    with pytest.raises(ValueError, match="without tokens"):
        list(Packer(options_of(8, "one")).add(token_documents([3, 0])))
    with pytest.raises(UserError, match=r"language 'yor'.*languages\.json"):
        list(Packer(options_of(8, "one"), 0, IDS).add(token_documents([3], ["yor_Latn"])))
    packer = Packer(options_of(8, "concatenate"))
    list(packer.add(token_documents([3])))
    packer.counts.tokens += 1
    with pytest.raises(ConservationError, match="4 tokens to pack, 3 in the packs"):
        list(packer.finish())


def test_nothing_to_pack() -> None:
    for strategy in STRATEGIES:
        packs, packer = pack(token_documents([]), options_of(8, strategy), IDS)
        assert packs.num_rows == 0
        assert packer.counts == PackCounts()
        assert packer.counts.padding == 0


def test_counts_add_up() -> None:
    one, other = (
        pack(token_documents([3, 20]), options_of(8, "one"))[1],
        pack(token_documents([9]), options_of(8, "one"))[1],
    )
    total: Counts = {}
    for counts in (one.counts, other.counts):
        add_counts(total, asdict(counts))
    added = PackCounts(**total)
    assert (added.documents, added.tokens, added.packs, added.split, added.room) == (3, 32, 6, 2, 48)
    assert added.padding == pytest.approx(1 / 3)
    assert added.languages == {"eng_Latn": 32}
