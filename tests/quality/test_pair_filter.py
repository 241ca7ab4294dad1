"""Thresholds of pairs: of each side by its language, of the pair by its direction; each removal has its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.test_quality_filter import PUBLISHED
from tests.rows import documents, pairs
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.quality.filter import filter_batch, filter_pairs
from xlcorpus.quality.thresholds import PairThresholds, load_thresholds, parse_thresholds

LANGS = ["tha_Thai", "khm_Khmr", "tha_Thai", "deu_Latn", "fra_Latn"]
TEXTS = [("one", "หนึ่ง"), ("two", "ពីរ"), ("three", "สาม"), ("four", "vier"), ("five", "cinq")]


def of_pairs(given: str | dict[str, Any]) -> PairThresholds:
    found = parse_thresholds(yaml.safe_load(given) if isinstance(given, str) else given, "own.yaml").of_pairs
    assert found is not None
    return found


def batch(**columns: Any) -> pa.RecordBatch:
    return pairs(TEXTS, "eng_Latn", LANGS, **{name: pa.array(values) for name, values in columns.items()})


def judged(given: str | dict[str, Any], rows: pa.RecordBatch) -> tuple[list[int], list[tuple[Any, ...]]]:
    """Rows that stay, and (row, reason, score, threshold) of the others."""
    made = filter_pairs(rows, of_pairs(given), keep_text=True)
    ids = rows.column("doc_id").to_pylist()
    assert made.decisions is not None
    gone = made.decisions.to_pylist()
    assert all(one["lang"].startswith("eng_Latn-") and "\n" in one["text"] for one in gone)
    kept = [ids.index(one) for one in made.rows.column("doc_id").to_pylist()]
    assert made.rows.equals(rows.take(pa.array(kept, pa.int64())))
    return kept, [(ids.index(one["doc_id"]), one["reason"], one["score"], one["threshold"]) for one in gone]


def test_sides_are_judged_by_their_language() -> None:
    rows = batch(src_q_n_words=[5, 5, 1, 5, 5], tgt_q_n_words=[9, 9, 1, 9, 3])
    text = """
    default: {q_n_words: {min: 4}}
    scripts: {Khmr: {q_n_words: {max: 8}}}
    languages: {deu_Latn: {q_n_words: null}}
    """
    kept, gone = judged(text, rows)
    assert kept == [0, 3]
    assert gone == [(1, "tgt_n_words_above", 9, 8), (2, "src_n_words_below", 1, 4), (4, "tgt_n_words_below", 3, 4)]


def test_pairs_are_judged_by_their_direction_on_any_column() -> None:
    rows = batch(sim=[0.9, 0.8, None, 0.7, 0.95], pair_copy=[False, False, False, False, True], src_n=[1, 2, 3, 4, 5])
    text = """
    pairs: {sim: {min: 0.75}, pair_copy: {max: 0}, src_n: {min: 1}}
    directions:
      eng_Latn-khm_Khmr: {sim: {min: 0.85}}
      eng_Latn-deu_Latn: {sim: null, src_n: {min: 5}}
      deu_Latn-eng_Latn: {src_n: {min: 9}}
    """
    kept, gone = judged(text, rows)
    assert kept == [0, 2]
    assert gone == [
        (1, "sim_below", 0.8, 0.85),
        (3, "src_n_below", 4, 5),
        (4, "pair_copy_above", 1, 0),
    ]


def test_languages_and_directions_that_are_not_wanted() -> None:
    assert judged("{drop_languages: [tha_Thai]}", batch())[1] == [
        (0, "tgt_lang_not_wanted", None, None),
        (2, "tgt_lang_not_wanted", None, None),
    ]
    assert judged("{keep_languages: [deu_Latn]}", batch())[1][0][1] == "src_lang_not_wanted"
    kept, gone = judged("{keep_directions: [eng_Latn-deu_Latn, deu_Latn-eng_Latn]}", batch())
    assert (kept, {reason for _, reason, *_ in gone}) == ([3], {"direction_not_wanted"})
    assert judged("{drop_directions: [eng_Latn-tha_Thai]}", batch())[0] == [1, 3, 4]


def test_other_names_of_a_label_mean_the_rows_that_have_it() -> None:
    """Rows have kor_Hang and zho_Hans, whatever their files said."""
    rows = pairs([("a", "b")] * 2, "eng_Latn", ["kor_Hang", "zho_Hans"], sim=pa.array([0.5, 0.5]))
    for text in (
        "{drop_languages: [kor_Kore]}",
        "{keep_languages: [eng_Latn, cmn_Hans]}",
        "{drop_directions: [eng_Latn-kor_Kore]}",
        "{keep_directions: [eng_Latn-cmn_Hans]}",
        "{directions: {eng_Latn-kor_Kore: {sim: {min: 0.9}}}}",
        "{languages: {kor_Kore: {n: {min: 1}}}, default: {n: {min: 0}}}",
    ):
        given = rows.append_column("src_n", pa.array([0, 0])).append_column("tgt_n", pa.array([0, 0]))
        assert judged(text, given)[0] == [1], text


def test_the_first_rule_that_fails_is_the_reason() -> None:
    rows = batch(src_lang_disagreement=[0.95] * 5, tgt_lang_disagreement=[1.0] * 5, src_q_n_chars=[0] * 5)
    rows = rows.append_column("tgt_q_n_chars", pa.array([0] * 5)).append_column("pair_numerals", pa.array([0.0] * 5))
    text = "{default: {q_n_chars: {min: 1}, lang_disagreement: {max: 0.9}}, pairs: {pair_numerals: {min: 0.5}}}"
    assert {one[1] for one in judged(text, rows)[1]} == {"src_lang_disagreement_above"}
    text = "{default: {q_n_chars: {min: 1}, lang_disagreement: {max: 0.99}}, pairs: {pair_numerals: {min: 0.5}}}"
    assert {one[1] for one in judged(text, rows)[1]} == {"src_n_chars_below"}
    text = "{pairs: {pair_numerals: {min: 0.5}}}"
    assert {one[1:] for one in judged(text, rows)[1]} == {("pair_numerals_below", 0, 0.5)}


_SCORES = st.lists(st.floats(0, 1, width=32) | st.none(), min_size=5, max_size=5)


@given(_SCORES, _SCORES, _SCORES, st.floats(0, 1))
@settings(max_examples=20)
def test_a_pair_stays_where_both_sides_and_the_pair_stay(one: Any, two: Any, sim: Any, least: float) -> None:
    """Equal to `filter_batch` of each side as documents, and of the pair."""
    names = [str(row) for row in range(5)]
    float32 = pa.float32()
    rows = pairs(TEXTS, "eng_Latn", LANGS, names=names, src_n=pa.array(one, float32), tgt_n=pa.array(two, float32))
    rows = rows.append_column("sim", pa.array(sim, float32))
    sides = {"default": {"n": {"min": least}}, "languages": {"deu_Latn": {"n": None}}}
    alone = parse_thresholds(sides, "own.yaml")
    whole = parse_thresholds({"default": {"n": {"min": least}}}, "own.yaml")
    stay = np.ones(5, dtype=bool)
    for values, langs, rules in ((one, ["eng_Latn"] * 5, alone), (two, LANGS, alone), (sim, LANGS, whole)):
        made = documents(names, langs, names=names, n=pa.array(values, float32))
        kept = filter_batch(made, rules).rows.column("text").to_pylist()
        stay &= np.isin(names, kept)
    file = {**sides, "pairs": {"sim": {"min": least}}}
    assert judged(file, rows)[0] == np.flatnonzero(stay).tolist()


def test_missing_columns_are_named_as_the_pairs_have_them() -> None:
    cases = {
        "{default: {q_n_words: {min: 1}}}": ("'src_q_n_words'", "xlcorpus score"),
        "{default: {lang_disagreement: {max: 0.9}}}": ("'src_lang_disagreement'", "xlcorpus identify"),
        "{pairs: {pair_copy: {max: 0}}}": ("'pair_copy'", "xlcorpus score"),
        "{pairs: {src_q_n_words: {min: 1}}}": ("'src_q_n_words'", "xlcorpus score"),
        "{pairs: {pair_lang_disagreement: {max: 0.9}}}": ("'pair_lang_disagreement'", "xlcorpus identify"),
        "{pairs: {simm: {min: 0.5}}}": ("did you mean 'sim'", "correct the name"),
    }
    for text, (message, remedy) in cases.items():
        with pytest.raises(UserError, match=message) as raised:
            filter_pairs(batch(sim=[1.0] * 5), of_pairs(text))
        assert remedy in (raised.value.remedy or "")
    with pytest.raises(UserError, match="'src_lang', which is string"):
        filter_pairs(batch(), of_pairs("{pairs: {src_lang: {min: 1}}}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{pairs: {pair_lenght_ratio: {max: 3}}}", "did you mean 'pair_length_ratio'"),
        ("{pairs: {q_n_words: {min: 3}}}", "there is no such signal; did you mean"),
        ("{pairs: {src_q_n_wrds: {min: 3}}}", "did you mean 'src_q_n_words'"),
        ("{pairs: {length_ratio: {min: 3}}}", "did you mean"),
        ("{pairs: {stop_words: [a]}}", "stop words are of a language"),
        ("{directions: {eng_Latn: {}}}", "'eng_Latn' is no direction"),
        ("{keep_directions: [eng]}", "'eng' is no direction"),
        ("{drop_directions: [eng_Latn-ko]}", "drop_directions: 'ko' is no label of a language with its script"),
        ("{keep_languages: [swh]}", "keep_languages: 'swh' is no label"),
        ("{directions: {eng_Latn-kor_Kore: {}, eng_Latn-kor_Hang: {}}}", "eng_Latn-kor_Hang is there twice"),
        ("{keep_directions: eng-deu}", "expected a list of directions"),
        ("{directions: {eng_Latn-deu_Latn: {sim: {min: 2, max: 1}}}}", "no document can pass"),
        ("{direction: {}}", "did you mean 'directions'"),
    ],
)
def test_faults_of_files_are_named(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        of_pairs(text)


def test_defaults_of_pairs_are_those_that_files_extend() -> None:
    shipped = load_thresholds().of_pairs
    assert shipped is not None
    extended = of_pairs("{extends: defaults, default: {q_n_words: {min: 3}}, pairs: {pair_copy: null}}")
    own = {rule.column: rule for rule in shipped.sides.rules_for("deu_Latn", None).bounds}
    new = {rule.column: rule for rule in extended.sides.rules_for("deu_Latn", None).bounds}
    assert own.keys() == new.keys()
    assert (own["q_n_words"].min, new["q_n_words"].min, new["q_n_words"].max) == (1, 3, own["q_n_words"].max)
    assert set(shipped.pairs.rule_columns) - set(extended.pairs.rule_columns) == {"pair_copy"}
    assert "q_mean_word_length" not in [rule.column for rule in shipped.sides.rules_for("tha_Thai", None).bounds]
    # Documents do not see them, and a change of either is another fingerprint.
    plain = load_thresholds()
    assert plain.rules_for("deu_Latn", None).bounds != shipped.sides.rules_for("deu_Latn", None).bounds
    prints = [
        parse_thresholds(yaml.safe_load(text), "own.yaml").fingerprint for text in ("{}", "{pairs: {sim: {min: 1}}}")
    ]
    assert prints[0] != prints[1]


def test_published_thresholds_judge_the_sides(tmp_path: Path) -> None:
    (tmp_path / "tha_Thai.yml").write_text(PUBLISHED, encoding="utf-8")
    found = load_thresholds(locate(str(tmp_path))).of_pairs
    assert found is not None
    shipped = load_thresholds().of_pairs
    assert shipped is not None
    assert found.sides.published
    assert found.sides.rules_for("deu_Latn", None) == shipped.sides.rules_for("deu_Latn", None)
    assert found.sides.rules_for("tha_Thai", None) != shipped.sides.rules_for("tha_Thai", None)
    assert found.pairs.fingerprint == shipped.pairs.fingerprint
