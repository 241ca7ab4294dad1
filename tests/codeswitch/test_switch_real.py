"""dict-word on real sentences with real dictionaries: the ratio that is asked for, and nothing but entries."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.codeswitch.switch_helpers import check, documents, index_of, parts_of, sentences, wiktionary
from tests.codeswitch.switch_slow import Dictionary, fold, slow_switch
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions

CODES = ["ar", "de", "el", "es", "fa", "fr", "hi", "id", "ja", "ko", "ms", "pt", "ru", "tr", "vi", "zh"]


@cache
def english(folder: Path) -> tuple[list[str], list[str]]:
    return sentences(folder / "pud" / "en.jsonl.gz"), sentences(folder / "ntrex" / "eng.jsonl.gz")


def _folded(word: str) -> str:
    return fold(word).replace("ı", "i")  # its capital is I, that of i


@pytest.mark.parametrize("code", CODES)
def test_achieved_ratio_and_entries(shared_data: Path, code: str) -> None:
    entries = wiktionary(shared_data, code, "eng_Latn", f"{code}_Zyyy")
    index = index_of(entries)
    known: dict[str, set[str]] = {}
    for src, tgt, _, _ in entries:
        known.setdefault(fold(src.strip()), set()).add(_folded(tgt.strip()))
    for texts in english(shared_data):
        batch = documents(texts)
        made = switch_words(batch, index, CodeswitchOptions()).rows
        words, coverage, ratio = (made[name].to_numpy() for name in ("cs_words", "cs_coverage", "cs_ratio"))
        wanted = min(0.35, float(coverage @ words / words.sum()))
        assert float(ratio @ words / words.sum()) == pytest.approx(wanted, abs=0.02)
        # Of each sentence: as near as whole words come to it, one at least.
        budget = np.maximum(np.floor(words * 0.35 + 0.5), 1)
        assert np.array_equal(np.rint(ratio * words), np.minimum(budget, np.rint(coverage * words)))
        few = batch.slice(0, 200)
        rows = check(few, *parts_of(switch_words(few, index, CodeswitchOptions())))
        spans = [(fold(span["src_token"]), _folded(span["new_token"])) for row in rows for span in row["cs_spans"]]
        assert all(new in known[src] for src, new in spans)


@pytest.mark.parametrize(
    ("pud", "code", "label"),
    [("zh", "zh", "zho_Hant"), ("th", "zh", "tha_Thai"), ("hi", "hi", "hin_Deva"), ("ja", "ja", "jpn_Jpan")],
)
def test_other_scripts_as_the_reference(shared_data: Path, pud: str, code: str, label: str) -> None:
    entries = wiktionary(shared_data, code, label, "eng_Latn", inverse=True)
    if pud == "th":  # the shared data has no Thai dictionary
        animals = [("ปี", "year"), ("คน", "person"), ("ประเทศ", "country"), ("และ", "and"), ("ใน", "in"), ("การ", "act")]
        entries = [(src, tgt, label, "eng_Latn") for src, tgt in animals]
    dictionary = Dictionary([(src.strip(), tgt.strip()) for src, tgt, _, _ in entries], 3)
    batch = documents(
        [text for text in sentences(shared_data / "pud" / f"{pud}.jsonl.gz") if not set(text) & set("./@&")][:150],
        label,
    )
    made, decisions = parts_of(switch_words(batch, index_of(entries), CodeswitchOptions()))
    found = {row["doc_id"]: row["cs_source"] for row in check(batch, made, decisions)}
    for doc_id, text in zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True):
        wanted = slow_switch(text, doc_id, dictionary, CodeswitchOptions())
        assert found.get(doc_id) == (None if wanted is None else wanted["cs_source"])
    assert len(found) > 0.7 * len(batch)
