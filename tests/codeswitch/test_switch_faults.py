"""What goes wrong on purpose: missing columns, useless dictionaries, hashes that collide."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from tests.codeswitch.switch_helpers import check, direction, documents, index_of, parts_of
from tests.lexicon.lexicon_files import found_in
from xlcorpus.codeswitch import lookup
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.errors import UserError
from xlcorpus.lexicon import build
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.index import LexiconIndex

WATER = direction("eng_Latn", "deu_Latn", water="Wasser")


def test_missing_columns_are_named() -> None:
    batch = documents(["water"])
    with pytest.raises(UserError, match="'lang'"):
        switch_words(batch.drop_columns(["lang"]), index_of(WATER), CodeswitchOptions())
    with pytest.raises(UserError, match="'text'"):
        switch_words(batch.drop_columns(["text"]), index_of(WATER), CodeswitchOptions())
    made = switch_words(batch, index_of(WATER), CodeswitchOptions()).rows
    with pytest.raises(UserError, match="cs_source"):
        switch_words(made, index_of(WATER), CodeswitchOptions())


@pytest.mark.parametrize(
    "wrong", [{"ratio": 0.0}, {"ratio": 1.1}, {"poisson": 0.0}, {"candidates": 0}, {"max_langs": 0}]
)
def test_settings_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        CodeswitchOptions(**wrong)  # type: ignore[arg-type]


def test_what_a_dictionary_leaves_out() -> None:
    entries = [
        ("water", "Wasser", "eng", "deu"),
        ("water", "Wasser", "eng", "deu"),
        ("water", "WASSER", "eng", "deu"),
        ("water", "Nass", "eng", "deu"),
        ("water", "See", "eng", "deu"),
        ("Berlin", "BERLIN", "eng", "deu"),
        ("give up", "aufgeben", "eng", "deu"),
        ("4th", "vierte", "eng", "deu"),
        ("", "x", "eng", "deu"),
        ("x", " ", "eng", "deu"),
    ]
    index = index_of(entries)
    assert found_in(index, ["Water", "Berlin"], "eng", "deu") == [["Wasser", "WASSER", "Nass"], []]
    assert index.unused == {
        "empty": 2,
        "same_on_both_sides": 1,
        "not_one_word": 2,
        "repeated": 1,
        "beyond_candidates": 1,
        "same_hash": 0,
    }
    with pytest.raises(UserError, match="no entry"):
        index_of([("give up", "aufgeben", "eng", "deu")])
    with pytest.raises(UserError, match="rows"):
        build_index(pa.array(["a"]), pa.array(["b", "c"]), pa.array(["eng"]), pa.array(["deu"]))


def test_null_and_empty_batches() -> None:
    for batch in (documents([]), documents([None]), documents([""]), documents(["water"], [None])):
        made, decisions = parts_of(switch_words(batch, index_of(WATER), CodeswitchOptions()))
        assert (made.num_rows, decisions.num_rows) == (0, len(batch))
        assert "cs_spans" in made.schema.names
    whole = switch_words(documents(["water"]), index_of(WATER), CodeswitchOptions()).rows
    assert whole.schema == made.schema


def test_large_and_sliced_text() -> None:
    batch = documents(["xx", "the water", "water", "yy"])
    wide = batch.set_column(2, "text", batch["text"].cast(pa.large_string()))
    for some in (batch, wide):
        made, decisions = parts_of(switch_words(some.slice(1, 2), index_of(WATER), CodeswitchOptions()))
        assert made["cs_source"].to_pylist() == ["the Wasser", "Wasser"]
        assert decisions.num_rows == 0


def _few_hashes(monkeypatch: pytest.MonkeyPatch, entries: list[tuple[str, str, str, str]]) -> LexiconIndex:
    """An index, and look-ups, of which every hash has 6 bits that differ."""
    kept = np.uint64(0x3F << 58)
    whole_hash = build.hash_words
    monkeypatch.setattr(build, "hash_words", lambda *spans: whole_hash(*spans) & kept)
    monkeypatch.setattr(lookup, "hash_words", lambda *spans: whole_hash(*spans) & kept)
    monkeypatch.setattr(build, "_salts", lambda pairs: np.zeros((len(pairs), 2), dtype=np.uint64))
    words_hash = lookup.SpanHasher.hash
    monkeypatch.setattr(lookup.SpanHasher, "hash", lambda self, starts, ends: words_hash(self, starts, ends) & kept)
    return index_of(entries)


def test_words_with_the_hash_of_a_key_are_not_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = "abcdefghijklmnop"
    entries = [(f"{a}{b}", f"{b}{a}x", "eng_Latn", "deu_Latn") for a in letters for b in letters]
    batch = documents([" ".join(f"{a}{b}{c}" for a in letters for b in letters for c in ("", "q"))])
    index = _few_hashes(monkeypatch, entries)
    assert index.unused["same_hash"] > 150
    made, decisions = parts_of(switch_words(batch, index, CodeswitchOptions(ratio=1.0)))
    rows = check(batch, made, decisions)
    known = {(src, tgt) for src, tgt, _, _ in entries}
    spans = [(span["src_token"], span["new_token"]) for span in rows[0]["cs_spans"]]
    assert 10 < len(spans) <= 64
    assert set(spans) <= known
