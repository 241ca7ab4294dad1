"""Rests of split documents that are too short: dropped with counts, balanced, or kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pack.pack_helpers import doc_id, documents, options_of, pack, rebuilt, token_documents
from tests.pack.pack_runs import SAMPLE, ids_of
from xlcorpus.errors import UserError
from xlcorpus.pack.notes import pack_lines
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer.objectives import special_ids_around
from xlcorpus.tokenizer.open import open_tokenizer

LENGTH = 10


def parts_of_size(size: int, least: int, rests: str) -> list[int]:
    """The slow reference: parts of a document."""
    parts = [LENGTH] * (size // LENGTH) + ([size % LENGTH] if size % LENGTH else [])
    if len(parts) > 1 and parts[-1] < least:
        if rests == "drop":
            parts.pop()
        elif rests == "balance":
            both = LENGTH + parts.pop()
            parts[-1:] = [both - both // 2, both // 2]
    return parts


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 45), max_size=20),
    st.integers(2, 5),
    st.sampled_from(["drop", "balance", "keep"]),
    st.integers(1, 60),
)
def test_rests_are_what_the_option_says(sizes: list[int], least: int, rests: str, window: int) -> None:
    given_documents = token_documents(sizes)
    options = options_of(LENGTH, "one", "plain", min_tokens=least, rests=rests)
    packs, packer = pack(given_documents, options, window_tokens=window)
    wanted = [parts_of_size(size, least, rests) for size in sizes]
    rows = packs.to_pylist()
    assert [row["length"] for row in rows] == [size for parts in wanted for size in parts]
    assert [row["pack_id"] for row in rows] == list(range(len(rows)))
    offsets = given_documents.offsets.tolist()
    assert rebuilt(packs) == {
        doc_id(str(row)): list(range(offsets[row], offsets[row] + sum(parts))) for row, parts in enumerate(wanted)
    }
    counts = packer.counts
    lost = [size - sum(parts) for size, parts in zip(sizes, wanted, strict=True)]
    assert (counts.rests, counts.rest_tokens) == (sum(map(bool, lost)), sum(lost))
    assert counts.rest_bytes == counts.rest_tokens  # a token is a byte here
    assert counts.tokens == counts.packed + counts.rest_tokens
    # Whatever is shorter than the least is a whole document, which tokenize_batch has let through, or was to be kept.
    assert rests == "keep" or all(row["length"] >= least for row in rows if row["doc_lengths"][0] > LENGTH)
    assert any("rests of long documents" in line for line in pack_lines(counts, LENGTH)) == bool(counts.rests)


def test_rests_are_dropped_where_each_document_has_a_row() -> None:
    assert options_of(LENGTH, "one").rests_of_documents == "drop"
    assert options_of(LENGTH, "best-fit").rests_of_documents == "keep"
    assert options_of(LENGTH, "concatenate").rests_of_documents == "keep"


@pytest.mark.parametrize("objective", ["plain", "clm", "mlm", "span"])
@settings(max_examples=25)
@given(st.lists(st.text(alphabet="aйก😀 ", min_size=1, max_size=30), min_size=1, max_size=8), st.integers(8, 20))
def test_truncated_texts_have_a_row_each_that_ends_as_whole_ones(objective: str, texts: list[str], length: int) -> None:
    """Bytes, so that the slow reference is a slice; what is cut is counted."""
    tokenizer = open_tokenizer(SAMPLE if objective == "mlm" else "bytes")
    options = options_of(length, "one", objective, long="truncate")
    made = tokenize_batch(documents(texts, ["und"] * len(texts)), tokenizer, options)
    packs, packer = pack(made.documents, options)
    before, after = special_ids_around(tokenizer, objective, None, None)
    rows = [ids_of(tokenizer, text, "plain") for text in texts]
    rows = [ids for ids in rows if ids]
    room = length - len(before) - len(after)
    assert [row["input_ids"] for row in packs.to_pylist()] == [[*before, *ids[:room], *after] for ids in rows]
    assert packer.counts.rest_tokens == sum(max(len(ids) - room, 0) for ids in rows)
    assert packer.counts.split == 0
    if objective != "mlm":
        assert [row["part_bytes"] for row in packs.to_pylist()] == [[len(ids[:room])] for ids in rows]
        assert packer.counts.rest_bytes == packer.counts.rest_tokens


def test_what_cannot_be() -> None:
    with pytest.raises(UserError, match="cannot make parts of 6 tokens"):
        options_of(LENGTH, "one", min_tokens=6, rests="balance")
    for least, long, message in (
        (1, None, "--rests drop means nothing: no rest is below --min-tokens 1"),
        (5, "refuse", "--rests drop means nothing: --long refuse splits no document"),
        (11, None, "--min-tokens 11 is more than a row of --length 10 can have"),
    ):
        with pytest.raises(UserError, match=message):
            options_of(LENGTH, "one", min_tokens=least, rests="drop", long=long)
    with pytest.raises(UserError, match="--min-tokens 11 is more than a row"):
        options_of(LENGTH, "best-fit", min_tokens=11, long="refuse")
    assert options_of(LENGTH, "best-fit", min_tokens=11).min_tokens == 11  # of documents, which share packs
    with pytest.raises(UserError, match="--rests is an option of --strategy one; this is --strategy best-fit"):
        options_of(LENGTH, "best-fit", rests="keep")
    with pytest.raises(UserError, match="--rests is of split documents; --long truncate leaves none"):
        options_of(LENGTH, "one", long="truncate", rests="keep")
    for more in ({"strategy": "best-fit"}, {"strategy": "one", "template": "{text}"}):
        with pytest.raises(UserError, match="--long truncate is for views, and for --strategy one without a template"):
            options_of(LENGTH, long="truncate", **more)
    with pytest.raises(UserError, match="--min-tokens is an option of runs without --view, or with --view crops"):
        PackOptions(tokenizer="bytes", view="tlm", min_tokens=2)
