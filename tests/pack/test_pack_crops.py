"""The view crops: two stretches of tokens of each chunk, against a slow reference; decisions; determinism."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pack.pack_helpers import TEXTS, Bytes, documents, view_options
from xlcorpus.errors import UserError
from xlcorpus.pack.crops import tokenize_crops
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.sides import VIEWS
from xlcorpus.text.draws import draw_keys, id_halves, stream

TOKENIZER = Bytes()


def reference(text: str, doc: bytes, chunk: int, least: int, ratios: tuple[float, float], seed: int) -> list[Any]:
    """Both crops of each chunk, one at a time, as Contriever's randomcrop takes them."""
    tokens = list(text.encode())
    made = []
    for number, start in enumerate(range(0, len(tokens), chunk)):
        part = tokens[start : start + chunk]
        if len(part) < min(least, chunk):
            continue
        halves = id_halves(pa.array([doc], pa.binary(16)))
        (state,) = draw_keys(halves, f"pack/crops/{seed}", np.array([number], dtype=np.uint64))
        drawn = [int(one) for one in stream(state, 5)[1:]]
        crops = []
        for share, place in ((drawn[0], drawn[1]), (drawn[2], drawn[3])):
            ratio = ratios[0] + (ratios[1] - ratios[0]) * ((share >> 11) / 2**53)
            length = max(1, int(len(part) * ratio))
            begin = ((place >> 32) * (len(part) - length + 1)) >> 32
            crops.append(part[begin : begin + length])
        made.append(crops)
    return made


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=8),
    st.integers(2, 40),
    st.integers(1, 30),
    st.floats(0.01, 0.4),
    st.floats(0.4, 1),
)
def test_crops_are_those_of_the_reference(sizes: list[int], chunk: int, least: int, low: float, high: float) -> None:
    texts = ["".join(chr(97 + (row + place) % 26) for place in range(size)) for row, size in enumerate(sizes)]
    batch = documents(texts, ["eng_Latn"] * len(texts))
    options = view_options("crops", 64, chunk=chunk, min_tokens=least, least_ratio=low, most_ratio=high)
    made = tokenize_crops(batch, TOKENIZER, options, 5, seed=9)
    names = batch.column("doc_id").to_pylist()
    wanted = {
        name: reference(text, name, chunk, least, (low, high), 9)
        for name, text in zip(names, texts, strict=True)
        if len(text) >= least
    }
    found: dict[bytes, list[Any]] = {name: [] for name in wanted}
    for row in made.rows.to_pylist():
        sides = [[token - 5 for token in row[f"{side}_ids"]] for side in ("query", "positive")]
        found[row["pair_id"]].append(sides)
        assert row["length"] == sum(map(len, sides))
        assert not row["truncated"]
    assert found == wanted
    assert made.decisions is not None
    assert made.decisions.num_rows == len(texts) - len(wanted)
    assert set(made.decisions.column("reason").to_pylist()) <= {"no_tokens", "fewer_than_min_tokens"}
    assert len(texts) + made.repeated == made.rows.num_rows + made.decisions.num_rows
    rests = [size % chunk for size in sizes if least <= size and 0 < size % chunk < min(least, chunk)]
    assert (made.counts["rests"], made.counts["rest_tokens"]) == (len(rests), sum(rests))
    assert made.counts["tokens"] == {
        side: sum(len(row[place]) for rows in wanted.values() for row in rows)
        for place, side in enumerate(("query", "positive"))
    }


def test_rows_are_of_their_language_whatever_the_batch() -> None:
    batch = documents(list(TEXTS.values()), list(TEXTS))
    ids = LanguageIds.build(list(TEXTS))
    options = view_options("crops", 64, chunk=16)
    whole = tokenize_crops(batch, TOKENIZER, options, 0, ids, seed=1)
    assert whole.rows.schema == VIEWS["crops"].schema
    parts = [tokenize_crops(batch.slice(row, 1), TOKENIZER, options, 0, ids, seed=1).rows for row in range(len(TEXTS))]
    assert pa.Table.from_batches(parts).drop(["pack_id"]).equals(pa.Table.from_batches([whole.rows]).drop(["pack_id"]))
    again = tokenize_crops(batch, TOKENIZER, options, 0, ids, seed=2)
    assert again.rows.column("query_ids") != whole.rows.column("query_ids")
    later = documents(list(TEXTS.values()), list(TEXTS), mix_epoch=pa.array([1] * len(TEXTS), pa.int32()))
    assert tokenize_crops(later, TOKENIZER, options, 0, ids, seed=1).rows.column("query_ids") != whole.rows.column(
        "query_ids"
    )
    langs = dict(zip(batch.column("doc_id").to_pylist(), TEXTS, strict=True))
    for row in whole.rows.to_pylist():
        assert row["lang"] == langs[row["pair_id"]]
        assert row["lang_id"] == ids.number(pa.array([row["lang"]]))[0][0]


def test_what_is_too_long_is_cut_or_refused() -> None:
    batch = documents(["a" * 100], ["eng_Latn"])
    made = tokenize_crops(batch, TOKENIZER, view_options("crops", 12, chunk=100, least_ratio=0.4, most_ratio=0.4), 0)
    (row,) = made.rows.to_pylist()
    assert (len(row["query_ids"]), len(row["positive_ids"]), row["truncated"]) == (10, 10, True)
    assert made.counts["tokens_cut"] == {"query": 30, "positive": 30}
    limits = view_options("crops", 64, chunk=100, least_ratio=0.4, most_ratio=0.4, limits="query=12")
    (row,) = tokenize_crops(batch, TOKENIZER, limits, 0).rows.to_pylist()
    assert (len(row["query_ids"]), len(row["positive_ids"])) == (10, 40)
    refused = tokenize_crops(batch, TOKENIZER, view_options("crops", 64, long="refuse"), 0)
    assert refused.decisions is not None
    (decision,) = refused.decisions.to_pylist()
    assert (decision["reason"], decision["score"], decision["threshold"]) == ("longer_than_pack", 100, 64)
    with pytest.raises(UserError, match=r"--least-ratio 0\.5 is above"):
        view_options("crops", 64, least_ratio=0.5, most_ratio=0.2)
    with pytest.raises(UserError, match="--chunk is an option of --view crops"):
        view_options("tlm", 64, chunk=16)
