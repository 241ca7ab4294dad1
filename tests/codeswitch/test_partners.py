"""Which of several dictionaries a text gets: one that has words of it, the same whatever the other texts are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.codeswitch.switch_helpers import (
    Entry,
    check,
    direction,
    documents,
    index_of,
    parts_of,
    sentences,
    wiktionary,
)
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.partners import choose_turn
from xlcorpus.text import slices
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import hash_text, mix

RATIO = 0.35


def _english(folder: Path, label: str) -> dict[str, list[Entry]]:
    """Two good dictionaries, half of one, one of a single word that is rare."""
    good = {code: wiktionary(folder, code, label, f"{code}_Zyyy") for code in ("de", "hi")}
    half = [(src, "half", label, "half_Zyyy") for src, *_ in good["de"][::2]]
    return good | {"half": half, "none": [("water", "none", label, "none_Zyyy")]}


def _chinese(folder: Path, label: str) -> dict[str, list[Entry]]:
    every = wiktionary(folder, "zh", label, "eng_Latn", inverse=True)
    return {
        "all": every,
        "half": [(src, "half", label, "half_Zyyy") for src, *_ in every[::2]],
        "few": [(src, "few", label, "few_Zyyy") for src, *_ in every[::500]],
    }


@pytest.mark.parametrize(("code", "label"), [("en", "eng_Latn"), ("zh", "zho_Hant")])
def test_each_text_gets_the_first_dictionary_that_is_good_for_it(shared_data: Path, code: str, label: str) -> None:
    """The row is that of the dictionary alone; which one it is, by a loop over what each does alone."""
    entries = _english(shared_data, label) if code == "en" else _chinese(shared_data, label)
    batch = documents(sentences(shared_data / "pud" / f"{code}.jsonl.gz")[:400], label)
    alone = {}
    for own in entries.values():
        rows = check(batch, *parts_of(switch_words(batch, index_of(own), CodeswitchOptions())))
        alone[own[0][3]] = {row["doc_id"]: row for row in rows}
    several = index_of([entry for own in entries.values() for entry in own])
    made, decisions = parts_of(switch_words(batch, several, CodeswitchOptions()))
    together = {row["doc_id"]: row for row in check(batch, made, decisions)}
    order = _order(batch, list(alone))
    for doc_id, drawn in zip(batch["doc_id"].to_pylist(), order, strict=True):
        found = [alone[name].get(doc_id) for name in drawn]
        known = [0 if row is None else round(row["cs_coverage"] * row["cs_words"]) for row in found]
        if not max(known):
            assert doc_id not in together
            continue
        # Scripts without spaces: what counts as a word depends on the dictionary, and so does what is asked for.
        asked = [max(np.floor(row["cs_words"] * RATIO + 0.5), 1) if row else np.inf for row in found]
        enough = [2 * have >= want for have, want in zip(known, asked, strict=True)]
        first = enough.index(True) if any(enough) else [2 * have >= max(known) for have in known].index(True)
        assert together[doc_id] == found[first]
    assert set(together) == set().union(*alone.values())  # nobody loses a switch by one more dictionary
    used = {row["cs_langs"][0] for row in together.values()}
    assert len(used) >= (3 if code == "en" else 2)


def _order(batch: pa.RecordBatch, names: list[str]) -> list[list[str]]:
    """The languages of each text as they are drawn, one text after the other."""
    states = row_states(batch["doc_id"], "codeswitch/partners/0")
    salts = {name: np.uint64(hash_text(f"codeswitch/partner/{name}")) for name in names}
    return [sorted(names, key=lambda name: int(mix(np.array([state ^ salts[name]]))[0])) for state in states]


def test_small_dictionaries_take_no_switch_away(shared_data: Path) -> None:
    german = wiktionary(shared_data, "de", "eng_Latn", "deu_Latn")
    batch = documents(sentences(shared_data / "pud" / "en.jsonl.gz"))
    small = direction("eng_Latn", "aaa_Latn", year="x", good="y") + direction("eng_Latn", "bbb_Latn", city="z")
    for most in (1, 2, 3):
        options = CodeswitchOptions(max_langs=most)
        one = switch_words(batch, index_of(german), options)
        three = switch_words(batch, index_of(german + small), options)
        assert set(one.rows["doc_id"].to_pylist()) <= set(three.rows["doc_id"].to_pylist())
        check(batch, *parts_of(three))
        assert max(map(len, three.rows["cs_langs"].to_pylist())) <= most
        assert {name for names in three.rows["cs_langs"].to_pylist() for name in names} >= {"deu_Latn", "aaa_Latn"}


def test_good_dictionaries_are_drawn_alike() -> None:
    names = ("aaa_Latn", "bbb_Latn", "ccc_Latn")
    entries = [(src, f"{src}{name}", "eng_Latn", name) for name in names for src in ("old", "house", "water")]
    idle = [("qqqq", f"x{name}", "eng_Latn", name) for name in ("ddd_Latn", "eee_Latn")]
    batch = documents(["the old house, cold water"] * 3000)
    for index in (index_of(entries), index_of(entries + idle)):
        made = switch_words(batch, index, CodeswitchOptions()).rows
        counts = [sum(langs == [name] for langs in made["cs_langs"].to_pylist()) for name in names]
        assert sum(counts) == 3000
        assert max(abs(count - 1000) for count in counts) < 4 * (3000 * 2 / 9) ** 0.5


@pytest.mark.parametrize("most", [1, 2])
def test_other_rows_and_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    random, words = np.random.default_rng(3), ["old", "house", "water", "year", "水", "我爱", "คน", "xx", "7", "é"]
    texts = [" ".join(random.choice(words, size)) for size in random.integers(0, 30, 120)]
    entries = [
        (src, f"{src}-{name}", "eng_Latn", name)
        for at, name in enumerate(("aaa", "bbb", "ccc", "ddd", "eee"))
        for src in [one for place, one in enumerate(words) if place % 5 == at or (at == 4 and place < 7)]
    ]
    batch, index, options = documents(texts), index_of(entries), CodeswitchOptions(max_langs=most)
    whole = switch_words(batch, index, options)
    check(batch, *parts_of(whole))
    assert 50 < whole.rows.num_rows < 120
    for size in (1, 200):
        monkeypatch.setattr(slices, "PIECE_BYTES", size)
        assert switch_words(batch, index, options).rows.equals(whole.rows)
    order = random.permutation(len(texts))
    found = {}
    for cut in (slice(0, 7), slice(7, 80), slice(80, None)):
        part = batch.take(pa.array(order[cut]))
        found |= {row["doc_id"]: row for row in switch_words(part, index, options).rows.to_pylist()}
    assert found == {row["doc_id"]: row for row in whole.rows.to_pylist()}


def test_choose_turn() -> None:
    known = np.array([[0, 5, 9], [5, 9, 0], [1, 3, 2], [1, 0, 3], [0, 0, 0], [4, 9, 9]])
    assert choose_turn(known, np.array([9, 9, 20, 20, 5, 8])).tolist() == [1, 0, 1, 2, 0, 0]


def test_words_of_a_macrolanguage_are_for_its_members_in_their_script() -> None:
    entries = direction("eng_Latn", "hbs_Latn", water="voda") + direction("eng_Latn", "hbs_Cyrl", water="вода")
    entries += direction("hbs_Cyrl", "eng_Latn", вода="water")
    pairs = documents(["water"] * 4, cs_partner=pa.array(["srp_Latn", "srp_Cyrl", "hrv_Latn", "slv_Latn"]))
    made, decisions = parts_of(switch_words(pairs, index_of(entries), CodeswitchOptions()))
    assert made["cs_source"].to_pylist() == ["voda", "вода", "voda"]
    assert decisions["reason"].to_pylist() == ["no_dictionary"]
    serbian = documents(["вода"] * 3, ["srp_Cyrl", "hrv_Latn", "mkd_Cyrl"])
    made, decisions = parts_of(switch_words(serbian, index_of(entries), CodeswitchOptions()))
    assert made["cs_source"].to_pylist() == ["water"]
    assert decisions["reason"].to_pylist() == ["no_dictionary"] * 2
