"""Filter: one rule set for each document of a mixed batch, a named reason for each one removed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.quality_helpers import documents
from tests.quality.quality_slow import slow_stop_words
from tests.rows import records
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.yaml_file import parse_yaml
from xlcorpus.errors import UserError
from xlcorpus.quality.datatrove.signals import score_as_datatrove
from xlcorpus.quality.filter import filter_batch
from xlcorpus.quality.rules import StopWords
from xlcorpus.quality.signals import score_batch
from xlcorpus.quality.stopwords import count_stop_words
from xlcorpus.quality.thresholds import Thresholds, load_thresholds, parse_thresholds


def parse(text: str) -> Thresholds:
    return parse_thresholds(parse_yaml(text), "my.yaml")


def reasons(batch: pa.RecordBatch, thresholds: Thresholds, **options: Any) -> dict[int, str]:
    """Reason by row for the removed rows, after checking that nothing is lost."""
    result = filter_batch(batch, thresholds, **options)
    kept, decisions = result.rows, result.decisions
    load_schema("decision").check(decisions.schema, "decisions")
    assert kept.schema.equals(batch.schema)
    assert kept.num_rows + decisions.num_rows == batch.num_rows
    row_of = {doc: row for row, doc in enumerate(batch["doc_id"].to_pylist())}
    removed = [row_of[doc] for doc in decisions["doc_id"].to_pylist()]
    left = [row for row in range(batch.num_rows) if row not in removed]
    assert removed == sorted(removed)
    assert repr(kept.to_pylist()) == repr(batch.take(pa.array(left, pa.int64())).to_pylist())  # NaN equals itself here
    return dict(zip(removed, decisions["reason"].to_pylist(), strict=True))


def test_rules_are_chosen_for_each_document() -> None:
    thresholds = parse("""
default: {q_n_words: {min: 5, max: 10}, lang_score: {min: 0.5}}
scripts: {Thai: {q_n_words: {min: 2}}}
languages: {swh_Latn: {q_n_words: {min: 1, max: 3}, lang_score: null}}
""")
    rows = [
        ("deu_Latn", "Latn", 4, 0.9, "n_words_below"),
        ("deu_Latn", "Latn", 5, 0.9, None),
        ("deu_Latn", "Latn", 11, 0.9, "n_words_above"),
        ("deu_Latn", "Latn", 11, 0.4, "lang_score_below"),
        ("tha_Thai", "Thai", 2, 0.9, None),
        ("tha_Thai", "Thai", 1, 0.9, "n_words_below"),
        ("swh_Latn", "Latn", 4, 0.1, "n_words_above"),
        ("swh_Latn", "Latn", 1, 0.1, None),
        (None, "Thai", 2, 0.9, None),
        (None, None, 2, 0.9, "n_words_below"),
        ("deu_Latn", "Latn", None, 0.9, None),
        ("deu_Latn", "Latn", None, None, None),
    ]
    lang, script, words, score, wanted = zip(*rows, strict=True)
    batch = documents(
        ["x"] * len(rows),
        lang=pa.array(lang, pa.string()),
        script=pa.array(script, pa.string()),
        q_n_words=pa.array(words, pa.int32()),
        lang_score=pa.array(score, pa.float32()),
    )
    expected = {row: reason for row, reason in enumerate(wanted) if reason}
    assert reasons(batch, thresholds) == expected
    decisions = filter_batch(batch, thresholds, step="quality", keep_text=True).decisions
    first = decisions.to_pylist()[0]
    assert first["score"] == 4
    assert first["threshold"] == 5
    assert first["lang"] == "deu_Latn"
    assert first["step"] == "quality"
    assert first["text"] == "x"
    assert first["origin"] == {"file": "0", "offset": 0}
    assert first["dup_of"] is None
    encoded = batch.set_column(3, "lang", batch["lang"].dictionary_encode())
    assert reasons(encoded, thresholds) == expected


def test_what_has_no_value_goes_where_a_rule_says_so() -> None:
    grades = pa.array([4.0, 2.0, None, float("nan"), None, 5.0])
    langs = ["swh_Latn", "swh_Latn", "swh_Latn", "hin_Deva", "tha_Thai", "tha_Thai"]
    batch = documents(["habari"] * 6, lang=langs, grade=grades)
    said = "default: {grade: {min: 3, missing: drop}}\n"
    assert reasons(batch, parse(said)) == {1: "grade_below", 2: "grade_missing", 3: "grade_missing", 4: "grade_missing"}
    assert reasons(batch, parse("default: {grade: {min: 3}}")) == {1: "grade_below"}
    result = filter_batch(batch, parse(said)).decisions.to_pylist()
    assert [(row["score"], row["threshold"]) for row in result] == [
        (2.0, 3.0),
        (None, None),
        (None, None),
        (None, None),
    ]
    thai = parse(said + "languages: {tha_Thai: {grade: {missing: keep}}}")
    assert reasons(batch, thai) == {1: "grade_below", 2: "grade_missing", 3: "grade_missing"}
    alone = parse("default: {grade: {missing: drop}}")
    assert reasons(batch, alone) == dict.fromkeys((2, 3, 4), "grade_missing")
    assert len({parse(text).fingerprint for text in (said, "default: {grade: {min: 3}}")}) == 2
    for wrong in ("no", "[drop]", "null"):
        with pytest.raises(UserError, match="missing"):
            parse(f"default: {{grade: {{missing: {wrong}}}}}")


def test_text_is_left_out_unless_wanted() -> None:
    batch = documents(["x"], q_n_words=pa.array([1], pa.int32()))
    decisions = filter_batch(batch, parse("default: {q_n_words: {min: 2}}")).decisions
    assert decisions.to_pylist()[0]["text"] is None
    assert decisions.to_pylist()[0]["step"] == "filter"
    assert decisions.schema.equals(load_schema("decision").arrow)


def test_float32_scores_at_the_threshold_pass() -> None:
    batch = documents(["a", "b", "c"], q_digit_ratio=pa.array([0.3, 0.30001, float("nan")], pa.float32()))
    assert reasons(batch, parse("default: {q_digit_ratio: {max: 0.3}}")) == {1: "digit_ratio_above"}
    assert reasons(batch, parse("default: {q_digit_ratio: {min: 0.3}}")) == {}


def test_columns_of_the_user() -> None:
    batch = documents(["a", "b"], seconds=pa.array([1, 90], pa.int16()), spoken=[True, False], name=["x", "y"])
    assert reasons(batch, parse("default: {seconds: {max: 60}}")) == {1: "seconds_above"}
    assert reasons(batch, parse("default: {spoken: {min: 1}}")) == {1: "spoken_below"}
    with pytest.raises(UserError, match=r"'name'.*string"):
        filter_batch(batch, parse("default: {name: {max: 60}}"))
    with pytest.raises(UserError, match=r"'text'.*string"):
        filter_batch(batch, parse("default: {text: {max: 60}}"))


@pytest.mark.parametrize(
    ("text", "column", "remedy"),
    [
        ("default: {q_n_words: {min: 1}}", "q_n_words", "xlcorpus score"),
        ("default: {lang_score: {min: 0.1}}", "lang_score", "xlcorpus identify"),
        ("languages: {deu_Latn: {q_n_words: {min: 1}}}", "q_n_words", "xlcorpus score"),
        ("keep_languages: [deu_Latn]", "lang", "xlcorpus identify"),
        ("default: {secnds: {min: 1}}", "secnds", "did you mean 'seconds'"),
    ],
)
def test_missing_columns(text: str, column: str, remedy: str) -> None:
    with pytest.raises(UserError, match=repr(column)) as caught:
        filter_batch(documents(["a"], seconds=[1.0]), parse(text))
    assert remedy in str(caught.value)


def test_languages_wanted_and_not() -> None:
    batch = documents(["a"] * 4, lang=["deu_Latn", "swh_Latn", "zxx_Zyyy", None])
    assert reasons(batch, parse("keep_languages: [deu_Latn]")) == dict.fromkeys([1, 2, 3], "lang_not_wanted")
    assert reasons(batch, parse("drop_languages: [zxx_Zyyy]")) == {2: "lang_not_wanted"}
    decisions = filter_batch(batch, parse("drop_languages: [zxx_Zyyy]")).decisions
    assert decisions.to_pylist()[0]["score"] is None
    assert decisions.to_pylist()[0]["threshold"] is None


def test_no_rows_and_no_rules() -> None:
    batch = documents(["a", "b"], lang=["deu_Latn", None])
    assert reasons(batch, parse("default: {}")) == {}
    assert reasons(batch.slice(0, 0), parse("drop_languages: [deu_Latn]")) == {}


STOP = """
languages:
  eng_Latn: {stop_words: {words: [the, And, of, "don't"], min: 2}}
  tha_Thai: {stop_words: {words: [ที่, และ]}}
  cmn_Hani: {stop_words: [的, 是, 我们]}
  arb_Arab: {stop_words: ["،", في]}
  hin_Deva: {stop_words: [के, में]}
"""


def test_stop_words_of_each_language() -> None:
    rows = [
        ("eng_Latn", "The cat and the dog", True),
        ("eng_Latn", "the the the the", False),
        ("eng_Latn", "Of course I don't", True),
        ("eng_Latn", "other bandana offer", False),
        ("eng_Latn", "", False),
        ("tha_Thai", "คนที่มาและไป", True),
        ("tha_Thai", "คนที่มาที่ไป", False),
        ("cmn_Hani", "这是我的", True),
        ("cmn_Hani", "我们走吧", False),
        ("arb_Arab", "نعم، في البيت", True),
        ("arb_Arab", "نعم، فيل", False),
        ("hin_Deva", "गाँव के घर में", True),
        ("hin_Deva", "केले में", False),
        ("fra_Latn", "rien", True),
        (None, "nothing", True),
    ]
    batch = documents([text for _, text, _ in rows], lang=pa.array([lang for lang, *_ in rows], pa.string()))
    wanted = {row: "stop_words_below" for row, (*_, stays) in enumerate(rows) if not stays}
    assert reasons(batch, parse(STOP)) == wanted
    decisions = filter_batch(batch, parse(STOP)).decisions
    assert decisions["score"].to_pylist() == [1, 0, 0, 1, 1, 1, 1]
    assert set(decisions["threshold"].to_pylist()) == {2.0}


WORDS = ["the", "a", "l'eau", "ab", "漢", "漢字", "ที่", "กก", "،", "É", "में", "ß"]
PARTS = [*WORDS, " ", " ", "\n", "b", "字", "ก", "'", "x漢", "\u0301", "THE", "é"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PARTS), max_size=20).map("".join), min_size=1, max_size=5),
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_stop_words_equal_slow_loops(texts: list[str], lists: list[list[str]], random: Any) -> None:
    stop_words = [words for words in (StopWords.of(items, 1) for items in lists) if words]
    list_of = np.array([random.randrange(len(stop_words)) for _ in texts])
    got = count_stop_words(pa.array(texts, pa.string()), stop_words, list_of)
    wanted = [slow_stop_words(text, lists[number]) for text, number in zip(texts, list_of.tolist(), strict=True)]
    assert got.tolist() == wanted


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equal_to_one_document_at_a_time(data: st.DataObject) -> None:
    """Random scores and labels in a mixed batch give each document the reason that plain loops give."""
    thresholds = parse("""
default: {lang_score: {min: 0.3}, q_n_words: {min: 2, max: 6}, q_digit_ratio: {max: 0.5}, other: {min: 0}}
scripts: {Thai: {q_digit_ratio: null}, Hani: {q_n_words: {min: 4}}}
languages: {tha_Thai: {q_n_words: null}, deu_Latn: {other: {min: 1, max: 2}}, cmn_Hani: {lang_score: {min: 0.9}}}
drop_languages: [und_Latn]
""")
    rows = data.draw(st.integers(0, 12))
    pick = {
        "lang": (["deu_Latn", "tha_Thai", "cmn_Hani", "zho_Hans", "und_Latn", None], pa.string()),
        "script": (["Latn", "Thai", "Hani", None], pa.string()),
        "lang_score": ([0.2, 0.3, 0.8, 1.0, None], pa.float32()),
        "q_n_words": ([0, 2, 3, 6, 7, None], pa.int32()),
        "q_digit_ratio": ([0.0, 0.5, 0.6, None], pa.float32()),
        "other": ([-1.0, 0.0, 1.5, 3.0, None], pa.float64()),
    }
    columns = {
        name: pa.array(data.draw(st.lists(st.sampled_from(values), min_size=rows, max_size=rows)), kind)
        for name, (values, kind) in pick.items()
    }
    batch = documents(["x"] * rows, **columns)
    wanted = {}
    for row, doc in enumerate(batch.to_pylist()):
        failed = ["lang_not_wanted"] if doc["lang"] == "und_Latn" else []
        for rule in thresholds.rules_for(doc["lang"], doc["script"]).bounds:
            value = doc[rule.column]
            if value is not None and rule.min is not None and value < np.float32(rule.min):
                failed.append(f"{rule.column.removeprefix('q_')}_below")
            if value is not None and rule.max is not None and value > np.float32(rule.max):
                failed.append(f"{rule.column.removeprefix('q_')}_above")
        if failed:
            wanted[row] = failed[0]
    assert reasons(batch, thresholds) == wanted


def test_fineweb2_folder_is_applied(tmp_path: Path) -> None:
    (tmp_path / "swh_Latn.yml").write_text(
        "language_score: 0.3\nmin_doc_words: 5\nstopwords: [ya, na, kwa]\nmax_avg_word_length: 9\nnew_line_ratio: 0.2\n"
        "dup_n_grams: [[5, 0.1]]\ndup_line_frac: 0.3\nline_punct_thr: -1\ntop_n_grams: []\n"
    )
    good = "Watoto wanacheza mpira na marafiki zao kwa furaha kubwa."
    texts = [
        good,
        "Watoto wanacheza mpira pamoja sana.",
        "Mtu.",
        good + " " + good,
        "Watoto\nwanacheza\nmpira\nna\nmarafiki\nkwa\nfuraha",
        "Watotowanacheza mpirawamiguu namarafikizao kwa furahakubwasana na",
        good,
    ]
    batch = documents(texts, lang=["swh_Latn"] * 6 + ["deu_Latn"], lang_score=pa.array([0.5] * 6 + [0.2], pa.float32()))
    assert reasons(score_batch(batch), load_thresholds(tmp_path)) == {
        1: "stop_words_below",
        2: "n_words_below",
        3: "dup_5_gram_char_ratio_above",
        4: "newline_word_ratio_above",
        5: "mean_word_length_above",
        6: "lang_score_below",
    }


PUBLISHED = """
dup_line_frac: 0.3
dup_n_grams: [[5, 0.2]]
language_score: 0.3
line_punct_thr: -1
max_avg_word_length: 9
max_non_alpha_words_ratio: 0.7
min_avg_word_length: 2
new_line_ratio: 0.3
min_doc_words: 6
stopwords: [ya, na, "l'", और, Die]
top_n_grams: [[2, 0.6]]
"""


def published(path: Path, *labels: str) -> Thresholds:
    for label in labels:
        (path / f"{label}.yml").write_text(PUBLISHED, encoding="utf-8")
    return load_thresholds(path)


def test_fineweb2_folder_judges_what_datatrove_counts(tmp_path: Path) -> None:
    texts = {
        "Watoto na mama ya kijiji wanacheza mpira leo": None,
        "Watoto NA mama Ya kijiji wanacheza mpira leo": "stop_words_below",  # letter for letter
        "(),.;: Watoto na mama ya kijiji wanacheza mpira leo": "alpha_word_ratio_below",  # punctuation is words
        "Watoto na mama ya - . kijiji": "n_words_below",  # but makes none that count
    }
    batch = documents(list(texts), lang=["swa_Latn"] * 4, lang_score=pa.array([0.9] * 4, pa.float32()))
    scored = score_as_datatrove(batch).rows
    thresholds = published(tmp_path, "swh_Latn")
    assert reasons(scored, thresholds) == {row: why for row, why in enumerate(texts.values()) if why}
    # Our own signals fold case and count words otherwise.
    assert reasons(scored, thresholds.judging("ours")) == {3: "n_words_below"}
    assert reasons(score_batch(batch), thresholds) == {3: "n_words_below"}
    with pytest.raises(UserError, match="'dt_n") as caught:
        filter_batch(score_batch(batch), thresholds.judging("datatrove"))
    assert "score --signals datatrove" in str(caught.value.remedy)


def test_stop_words_are_words_of_the_breaker(tmp_path: Path) -> None:
    langs = ["ita_Latn", "ita_Latn", "hin_Deva", "tam_Taml", "deu_Latn", "bod_Tibt"]
    texts = [
        "dopo l'acqua e l'olio di na sera a casa",  # l' and na
        "dopo lacqua e olio di na sera a casa",
        "राम और श्याम na घर पर और खाना खाते हैं",
        "ராம்na மற்றும்और சியாம் வீட்டில் உணவு உண்கிறார்கள் இன்று",
        "Die Katze ya schläft heute im Haus und",
        "བོད་ཡིག་གི་ na སྐད་ཆ་ ya རེད་བོད་ཡིག་གི་སྐད་ཆ་རེད་བོད་ཡིག",  # estimated, so looked for as we do
    ]
    batch = documents(texts, lang=langs, lang_score=pa.array([0.9] * 6, pa.float32()))
    thresholds = published(tmp_path, *dict.fromkeys(langs))
    found = reasons(score_as_datatrove(batch).rows, thresholds)
    assert {row for row, why in found.items() if why == "stop_words_below"} == {1, 3}
    assert set(found) <= {1, 3, 5}


def test_languages_without_a_file_are_counted(tmp_path: Path) -> None:
    langs = ["pes_Arab", "fas_Arab", "vai_Vaii", None, "pes_Arab", "sw", "eng_Latn"]
    batch = documents(["x"] * 7, lang=pa.array(langs), lang_score=pa.array([0.9] * 7, pa.float32()))
    result = filter_batch(score_batch(batch), published(tmp_path, "fas_Arab", "swh_Latn"))
    assert result.counts == {
        "without_file": {"vai_Vaii": 1, "no language": 1, "eng_Latn": 1},
        "under_other_name": {"pes_Arab as fas_Arab": 2, "sw as swh_Latn": 1},
    }
    assert filter_batch(score_batch(batch), load_thresholds()).counts == {}


def test_link_lists_are_parted_from_pages_by_the_defaults(shared_data: Path) -> None:
    """crawl/: all 41 link lists go, for their links; of 1,856 pages and revisions at most 37, mostly link pages."""
    docs = records(shared_data / "crawl" / "docs.jsonl.gz")
    batch = score_batch(
        documents(
            [doc["text"] for doc in docs],
            lang=pa.array([doc["lang"] or None for doc in docs], pa.string()),
            lang_score=pa.array([1.0] * len(docs), pa.float32()),
        )
    )
    removed = Counter((docs[row]["kind"], reason) for row, reason in reasons(batch, load_thresholds()).items())
    links = {"link_line_ratio_above", "url_char_ratio_above"}
    assert sum(count for (kind, reason), count in removed.items() if kind == "link_list" and reason in links) == 41
    pages = {key: count for key, count in removed.items() if key[0] in ("page", "revision")}
    assert sum(pages.values()) <= 37
    assert sum(count for (_, reason), count in pages.items() if reason not in links) <= 10


def test_prose_in_many_languages_stays(shared_data: Path) -> None:
    """udhr/: 266 texts in 20 scripts, none is removed."""
    texts = records(shared_data / "udhr" / "udhr.jsonl.gz")
    batch = documents(
        ["\n".join(text["paragraphs"]) for text in texts],
        lang=[text["lang"] for text in texts],
        lang_score=pa.array([1.0] * len(texts), pa.float32()),
    )
    assert reasons(score_batch(batch), load_thresholds()) == {}
