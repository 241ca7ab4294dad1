"""Signals as datatrove counts them: its words in many languages, and every number against a slow count."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.quality.datatrove_slow import slow_datatrove, slow_indic
from tests.quality.datatrove_words import WORDS
from tests.quality.quality_helpers import documents
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.quality.datatrove import breakers, spacy_words
from xlcorpus.quality.datatrove.breakers import breaker, choose
from xlcorpus.quality.datatrove.indic import IndicBreaker
from xlcorpus.quality.datatrove.signals import datatrove_fields, score_as_datatrove
from xlcorpus.quality.datatrove.spacy_words import LONGEST_RUN, SpacyBreaker
from xlcorpus.quality.datatrove.words import Words, laid_end_to_end, words_of
from xlcorpus.quality.signals import score_batch

ANY = "spacy:xx"
_CHARACTERS = st.sampled_from([*"ab  \n\n\t.…-•#\"',1७カ\r\u2028\u00a0", "...", "\n\n\n", "कि", "ab ab ab ab ab ab "])
TEXTS = st.lists(_CHARACTERS, max_size=60).map("".join)


def lists_of(words: Words) -> list[list[str]]:
    joined = words.codes.tobytes().decode("utf-32-le")
    texts = [joined[start:end] for start, end in zip(words.offsets[:-1], words.offsets[1:], strict=True)]
    return [texts[start:end] for start, end in zip(words.texts[:-1], words.texts[1:], strict=True)]


def words_in(name: str, *texts: str) -> list[list[str]]:
    return lists_of(breaker(name).words(pa.array(list(texts), pa.string())))


def scored(texts: list[str], langs: list[str | None]) -> list[dict[str, Any]]:
    batch = documents(list(texts), lang=pa.array(langs, pa.string()))
    return score_as_datatrove(batch).rows.to_pylist()


@pytest.mark.parametrize(("label", "text", "words"), WORDS)
def test_words_of_datatrove(label: str, text: str, words: list[str]) -> None:
    choice = choose(label)
    assert not choice.why
    assert words_in(choice.breaker, text, "", text) == [words, [], words]


@pytest.mark.parametrize("code", ["xx", "es", "tr"])
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("aEU.,ç'’-…!?()[] \n\t5%€@/:;\"“”»ЖҢ中ক\u200b\u0301"), max_size=40), max_size=4)
)
@example(["EE. UU.", "EE. UU., x", "(EE. UU.)", "EE.  UU.", "EE.", " UU."])
def test_runs_are_broken_as_whole_texts_are(code: str, texts: list[str]) -> None:
    pipeline = spacy_words.import_spacy().blank(code)
    whole = [[token.text for token in pipeline.tokenizer(text) if token.text.strip()] for text in texts]
    assert words_in(f"spacy:{code}", *texts) == whole


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.sampled_from("12ab.,:/ \n\t-।\\क"), max_size=30), max_size=4))
@example(["12:30 x 1,5", "1:2x5:3", "x 1.2.3.4", "7", " 1 , 2 ", "\n1:2", "a 1:\n2"])
def test_indic_words(texts: list[str]) -> None:
    assert lists_of(IndicBreaker().words(pa.array(texts, pa.string()))) == [slow_indic(text) for text in texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
@example(["", "\n", "\n\n", "a", "\na\n\nb\n", "\r\n", "a\r", "\na", "-\r-\n•\u2028…", "......", "a.. ."])
def test_signals_are_those_of_a_slow_count(texts: list[str]) -> None:
    rows = scored(texts, ["hin_Deva"] * len(texts))
    for text, row in zip(texts, rows, strict=True):
        for name, value in slow_datatrove(text, slow_indic(text)).items():
            assert row[name] == pytest.approx(value, rel=1e-6, abs=1e-7), (name, text)


def test_a_text_does_not_depend_on_its_neighbours() -> None:
    texts = [text * 3 for _, text, _ in WORDS]
    labels: list[str | None] = [label for label, _, _ in WORDS]
    together = scored(texts, labels)
    alone = [scored([text], [label])[0] for text, label in zip(texts, labels, strict=True)]
    names = [field.name for field in datatrove_fields()]
    assert [[row[name] for name in names] for row in together] == [[row[name] for name in names] for row in alone]


def test_columns_stand_beside_ours() -> None:
    batch = documents(["Mtu mmoja. " * 20, None], lang=pa.array(["swh_Latn", None]), dt_n_words=pa.array([9, 9]))
    result = score_as_datatrove(batch)
    ours = score_batch(batch)
    assert result.rows.select([field.name for field in load_schema("quality").columns_of("score")]).equals(
        ours.select([field.name for field in load_schema("quality").columns_of("score")])
    )
    for field in datatrove_fields():
        assert result.rows.schema.field(field.name).type == field.type
    rows = result.rows.to_pylist()
    assert (rows[0]["dt_n_words"], rows[0]["dt_n_tokens"], rows[0]["dt_word_breaker"]) == (40, 60, "spacy:tn")
    assert rows[1]["dt_n_words"] == 0
    assert result.counts == {
        "word_breakers": {"spacy:tn": 1, ANY: 1},
        "other_breakers": {f"{ANY}, no language": {"no language": 1}},
    }
    again = score_as_datatrove(result.rows).rows
    assert again.equals(result.rows.select(again.schema.names))
    assert score_as_datatrove(batch.slice(0, 0)).rows.schema.equals(result.rows.schema)


def test_lang_is_needed() -> None:
    with pytest.raises(UserError, match="'lang'") as caught:
        score_as_datatrove(documents(["x"]))
    assert "identify" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("pes_Arab", "spacy:fa"),
        ("prs_Arab", "spacy:fa"),
        ("tgl_Latn", "spacy:tl"),
        ("kon_Latn", "spacy:tn"),
        ("aym_Latn", "spacy:xx"),
        ("kok_Deva", "indic"),
        ("zho_Hant", "jieba"),
        ("sw", "spacy:tn"),
        ("urd_Arab", "indic:urdu"),
        ("nob_Latn", "spacy:nb"),
    ],
)
def test_breakers_by_any_name_of_a_language(label: str, name: str) -> None:
    assert breakers.choose(label) == breakers.Choice(name)


@pytest.mark.parametrize(
    ("label", "name", "why"),
    [
        ("wol_Latn", ANY, "stanza"),
        ("bod_Tibt", "estimate", "botok"),
        ("lzh_Hani", "estimate", "stanza"),
        ("khm_Khmr", "estimate", "khmer-nltk would have to be installed"),
        ("kor_Hang", "estimate", "kiwipiepy"),
        ("vie_Latn", ANY, "pyvi"),
        ("vai_Vaii", ANY, "no word breaker for it"),
        (None, ANY, "no language"),
    ],
)
def test_another_breaker_has_a_reason(label: str | None, name: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "versions_of", lambda segmenter: None)
    choice = breakers.choose.__wrapped__(label)
    assert choice.breaker == name
    assert why in choice.why


def test_every_assigned_spacy_language_is_there() -> None:
    names = {name for table in breakers._assigned() for name in table.values()}
    codes = {name.partition(":")[2] for name in names if name.startswith("spacy:")}
    assert len(codes) == 57
    for code in codes:
        assert find_spec(f"spacy.lang.{code}") is not None


def test_estimates_are_our_own_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["བོད་ཡིག་གི་སྐད་ཆ། " * 20 + "\n- a", "नमस्ते दुनिया। " * 9]
    first, second = scored(texts, ["bod_Tibt", "hin_Deva"])
    assert first["dt_word_breaker"] == "estimate"
    assert first["dt_n_words"] == first["dt_n_tokens"] == first["q_n_words"] > 0
    for name in ("mean_word_length", "alpha_word_ratio", "top_2_gram_char_ratio", "dup_5_gram_char_ratio"):
        assert first[f"dt_{name}"] == first[f"q_{name}"]
    assert first["dt_bullet_line_ratio"] == 0.5  # lines need no words
    assert second["dt_word_breaker"] == "indic"
    assert second["dt_n_words"] == 18
    assert second["dt_n_tokens"] == 27


def test_spacy_sees_each_different_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of more than 500 characters: spaCy takes a minute over 16,000 exclamation marks."""
    seen: list[int] = []
    own = SpacyBreaker._break

    def counted(self: SpacyBreaker, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Any:
        seen.extend((ends - starts).tolist())
        return own(self, codes, starts, ends)

    monkeypatch.setattr(SpacyBreaker, "_break", counted)
    fresh = SpacyBreaker("xx")
    texts = pa.array(["moja mbili moja, " * 50, "mbili tatu", "!" * 3 * LONGEST_RUN])
    first = lists_of(fresh.words(texts))
    assert first[0][:5] == ["moja", "mbili", "moja", ",", "moja"]
    assert first[2] == ["!"] * 3 * LONGEST_RUN
    assert sorted(seen) == [4, 4, 5, 5, LONGEST_RUN]
    assert lists_of(fresh.words(texts)) == first
    assert len(seen) == 5


def test_what_is_kept_of_a_language_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spacy_words, "_MOST_RUNS", 3)
    fresh = SpacyBreaker("xx")
    texts = [[f"a{number}.", f"b{number}"] for number in range(6)]
    for first, second in texts:
        assert lists_of(fresh.words(pa.array([f"{first} {second}"]))) == [[first[:-1], ".", second]]
    assert len(fresh._number) <= 6


def test_words_end_to_end() -> None:
    one, other = words_of([["a", " bc ", " "], []]), words_of([["é中"]])
    assert lists_of(laid_end_to_end([one, other, words_of([])])) == [["a", "bc"], [], ["é中"]]
    assert lists_of(laid_end_to_end([])) == []


def test_spacy_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "spacy", None)
    with pytest.raises(UserError, match="spaCy") as caught:
        spacy_words.import_spacy()
    assert "xlcorpus[datatrove]" in str(caught.value.remedy)
