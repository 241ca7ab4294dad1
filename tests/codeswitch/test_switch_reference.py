"""dict-word equals a slow reference word by word, whatever the batch, the order of its rows, or the size of a piece."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codeswitch.switch_helpers import check, documents, index_of, parts_of
from tests.codeswitch.switch_slow import Dictionary, poisson_length, slow_switch
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions, Rounding
from xlcorpus.codeswitch.word_choice import poisson_lengths
from xlcorpus.dataset.result import Result
from xlcorpus.text import slices

# Few letters, so that words meet entries, and one entry is the beginning of another.
LETTERS = "abAB'’·ʻßéσςΣИи"
UNSPACED = "我爱水กาิแ้์ัーかカ々ๆ"
ALPHABET = LETTERS + UNSPACED + "0٣ !,\n-\u200d\u0301"
ANYTHING = ALPHABET + ".@/`<>{&$();"  # the reference has no rules for technical signs
words = st.text(alphabet=LETTERS, min_size=1, max_size=4) | st.text(alphabet=UNSPACED, min_size=1, max_size=4)
entries = st.lists(
    st.tuples(words, st.sampled_from(["x", "y", "Zü", "水", "ไทย", "two words", "ij", "ß"])), max_size=40
)
any_text = st.lists(words | st.text(alphabet=ANYTHING, max_size=12) | st.just(" "), max_size=40).map("".join)
text = st.lists(words | st.text(alphabet=ALPHABET, max_size=12) | st.just(" "), max_size=40).map("".join)


def test_poisson_lengths() -> None:
    for mean in (0.5, 3.5, 20.0):
        lengths = poisson_lengths(mean)
        assert lengths.mean() == pytest.approx(mean, abs=0.01)
        assert [poisson_length(bits, mean) for bits in range(0, 65536, 97)] == lengths[::97].tolist()


@settings(max_examples=120)
@given(
    entries=entries,
    texts=st.lists(text, min_size=1, max_size=6),
    ratio=st.sampled_from([0.1, 0.35, 1.0]),
    seed=st.integers(0, 3),
    mean=st.sampled_from([0.4, 3.5]),
    rounding=st.sampled_from(["nearest", "ceil"]),
    candidates=st.integers(1, 3),
)
def test_equals_the_reference(
    entries: list[tuple[str, str]],
    texts: list[str],
    ratio: float,
    seed: int,
    mean: float,
    rounding: Rounding,
    candidates: int,
) -> None:
    chosen = CodeswitchOptions(ratio=ratio, poisson=mean, rounding=rounding, candidates=candidates)
    entries = [*entries, ("qqq", "x")]  # at least one that can be used
    index = index_of([(src, tgt, "aaa_Latn", "bbb_Latn") for src, tgt in entries])
    dictionary = Dictionary(entries, 3)
    batch = documents(texts, "aaa_Latn")
    made, decisions = parts_of(switch_words(batch, index, chosen, seed=seed))
    found = {row["doc_id"]: row for row in check(batch, made, decisions)}
    for doc_id, source in zip(batch["doc_id"].to_pylist(), texts, strict=True):
        wanted = slow_switch(source, doc_id, dictionary, chosen, seed)
        assert (wanted is None) == (doc_id not in found)
        if wanted is not None:
            row = found[doc_id]
            assert row["cs_source"] == wanted["cs_source"]
            spans = [(s["start"], s["end"], s["src_token"], s["new_token"]) for s in row["cs_spans"]]
            assert spans == wanted["spans"]
            assert row["cs_ratio"] == pytest.approx(wanted["ratio"])
            assert row["cs_coverage"] == pytest.approx(wanted["coverage"])


@settings(max_examples=40)
@given(
    texts=st.lists(any_text, min_size=2, max_size=12),
    entries=entries,
    langs=st.integers(1, 3),
    cut=st.integers(0, 12),
    shuffle=st.randoms(use_true_random=False).map(lambda random: random.shuffle),
)
def test_rows_do_not_depend_on_each_other(
    texts: list[str],
    entries: list[tuple[str, str]],
    langs: int,
    cut: int,
    shuffle: Callable[[list[int]], None],
) -> None:
    both = [*entries, ("qqq", "x")]
    index = index_of([(src, f"{tgt}{lang}", "aaa_Latn", lang) for lang in ("bbb", "ccc") for src, tgt in both])
    batch = documents(texts, ["aaa_Latn", "ddd_Latn"] * (len(texts) // 2) + ["aaa_Latn"] * (len(texts) % 2))
    chosen = CodeswitchOptions(max_langs=langs)
    whole = _by_id(switch_words(batch, index, chosen))
    order = list(range(len(texts)))
    shuffle(order)
    shuffled = batch.take(pa.array(order))
    parts = [shuffled.slice(0, cut), shuffled.slice(cut)]
    assert {k: v for part in parts for k, v in _by_id(switch_words(part, index, chosen)).items()} == whole


def test_pieces_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    texts = ["".join(random.choice(list(ANYTHING), size)) for size in random.integers(0, 400, 60)]
    index = index_of(
        [(src, tgt, "aaa", "bbb") for src in ("a", "b", "ab", "我", "我爱", "กา", "A") for tgt in ("x", "y")]
    )
    batch, results = documents(texts, "aaa"), []
    for size in (1, 100, 1 << 20):
        monkeypatch.setattr(slices, "PIECE_BYTES", size)
        results.append(parts_of(switch_words(batch, index, CodeswitchOptions())))
    assert results[0][0].num_rows > 30
    for made, decisions in results[1:]:
        assert made.equals(results[0][0])
        assert decisions.equals(results[0][1])


def test_other_dictionaries_change_nothing() -> None:
    ours = [("a", "x", "aaa_Latn", "bbb_Latn"), ("b", "y", "aaa_Latn", "bbb_Latn")]
    others = [("a", "z", "ddd_Latn", "bbb_Latn"), ("c", "z", "eee_Latn", "fff_Latn")]
    batch = documents(["a b c " * 20] * 5, "aaa_Latn")
    alone, together = (switch_words(batch, index_of(e), CodeswitchOptions()).rows for e in (ours, others + ours))
    assert alone.equals(together)


def test_seed_and_document_decide() -> None:
    index = index_of([("a", "x", "aaa", "bbb")])
    batch = documents(["a " * 50] * 2, "aaa")
    results = [
        switch_words(batch, index, CodeswitchOptions(), seed=seed).rows["cs_source"].to_pylist() for seed in (0, 0, 1)
    ]
    assert results[0] == results[1]
    assert len({*results[0], *results[2]}) == 4


def _by_id(result: Result) -> dict[bytes, object]:
    return {row["doc_id"]: row for part in parts_of(result) for row in part.to_pylist()}


def test_candidates_and_places_are_uniform() -> None:
    index = index_of([("a", tgt, "aaa", "bbb") for tgt in ("x", "y", "z", "never")])
    made = switch_words(documents(["a " * 100] * 300, "aaa"), index, CodeswitchOptions()).rows
    spans = [span for row in made["cs_spans"].to_pylist() for span in row]
    counts = [sum(span["new_token"] == word for span in spans) for word in ("x", "y", "z", "never")]
    assert sum(counts) == len(spans) == 300 * 35
    assert counts[3] == 0
    assert max(counts[:3]) - min(counts[:3]) < 5 * len(spans) ** 0.5
    thirds = np.bincount([min(span["start"] // 67, 2) for span in spans])
    # The first words are covered by fewer spans: as published.
    assert thirds.min() > 0.28 * len(spans)
