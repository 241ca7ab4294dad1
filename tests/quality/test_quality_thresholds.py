"""Thresholds: layers, switches, FineWeb-2's files, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from xlcorpus.dataset.yaml_file import parse_yaml
from xlcorpus.errors import UserError
from xlcorpus.quality import thresholds as thresholds_module
from xlcorpus.quality.rules import Rule, Rules, StopWords
from xlcorpus.quality.thresholds import Thresholds, load_thresholds, parse_thresholds

OURS = """
default:
  lang_score: {min: 0.3}
  q_n_words: {min: 20, max: 1000}
  q_mean_word_length: {min: 3, max: 10}
  audio_seconds: {max: 60}
scripts:
  Thai: {q_mean_word_length: null, q_n_words: {min: 30}}
  Hani: {q_mean_word_length: {max: null}}
languages:
  tha_Thai: {lang_score: {min: 0.9}, q_n_words: {max: null}, stop_words: {words: [ที่, และ, ที่], min: 2}}
  swh_Latn: {lang_score: null}
drop_languages: [zxx_Zyyy]
"""

SWAHILI = """
dup_line_frac: 0.302
dup_n_grams:
- - 5
  - 0.193
- - 10
  - 0.113
language_score: 0.3
line_punct_thr: 0.143
max_avg_word_length: 9
max_non_alpha_words_ratio: 0.802
min_avg_word_length: 3
new_line_ratio: 0.167
stopwords: [ya, na, wa, katika, kwa]
top_n_grams:
- - 2
  - 0.396
"""


def parse(text: str) -> Thresholds:
    return parse_thresholds(parse_yaml(text), "my.yaml")


def bounds(rules: Rules) -> dict[str, tuple[float | None, float | None]]:
    return {rule.column: (rule.min, rule.max) for rule in rules.bounds}


def test_default_then_script_then_language() -> None:
    thresholds = parse(OURS)
    default = {
        "lang_score": (0.3, None),
        "q_n_words": (20, 1000),
        "q_mean_word_length": (3, 10),
        "audio_seconds": (None, 60),
    }
    assert bounds(thresholds.rules_for(None, None)) == default
    assert bounds(thresholds.rules_for("deu_Latn", "Latn")) == default
    lao_in_thai = {"lang_score": (0.3, None), "q_n_words": (30, 1000), "audio_seconds": (None, 60)}
    assert bounds(thresholds.rules_for("lao_Thai", None)) == lao_in_thai
    assert bounds(thresholds.rules_for(None, "Thai")) == lao_in_thai
    assert bounds(thresholds.rules_for("tha_Thai", "Thai")) == {
        "lang_score": (0.9, None),
        "q_n_words": (30, None),
        "audio_seconds": (None, 60),
    }
    assert "lang_score" not in bounds(thresholds.rules_for("swh_Latn", None))
    assert bounds(thresholds.rules_for("cmn_Hans", None))["q_mean_word_length"] == (3, None)
    assert thresholds.rules_for("tha_Thai", None).stop_words == StopWords(("ที่", "และ"), 2)
    assert thresholds.rules_for("deu_Latn", None).stop_words is None


def test_rules_are_in_the_order_of_the_schema() -> None:
    columns = ("lang_score", "q_n_words", "q_mean_word_length", "audio_seconds")
    assert parse(OURS).rule_columns == columns
    assert parse(OURS).columns == (*columns, "lang", "text")
    assert parse("default: {q_n_words: {min: 1}}").columns == ("q_n_words",)
    assert parse("keep_languages: [deu_Latn]").columns == ("lang",)


def test_the_script_of_the_text_comes_before_that_of_the_label() -> None:
    thresholds = parse("scripts: {Latn: {q_n_words: {min: 1}}, Deva: {q_n_words: {min: 2}}}")
    assert bounds(thresholds.rules_for("hin_Deva", "Latn")) == {"q_n_words": (1, None)}


def test_other_names_of_a_language() -> None:
    thresholds = parse("languages: {cmn_Hani: {q_n_words: {min: 1}}, arb_Arab: {q_n_words: {min: 2}}}")
    for label in ("cmn_Hani", "zho_Hans", "zho_Hant", "zho_Hani", "cmn_Hans"):
        assert bounds(thresholds.rules_for(label, None)) == {"q_n_words": (1, None)}, label
    assert bounds(thresholds.rules_for("ara_Arab", None)) == {"q_n_words": (2, None)}
    assert bounds(thresholds.rules_for("yue_Hani", None)) == {}


def test_fingerprint_depends_on_content_alone() -> None:
    first = parse(OURS)
    second = parse("# another order\ndrop_languages: [zxx_Zyyy]\n" + OURS.replace("drop_languages: [zxx_Zyyy]", ""))
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 32
    changed = [OURS.replace("0.9", "0.8"), OURS.replace("max: null", "max: 5"), OURS.replace("zxx", "und")]
    changed += [OURS.replace("lang_score: null", "audio_seconds: null"), OURS.replace("และ", "กับ"), "extends: defaults"]
    assert len({first.fingerprint, *(parse(text).fingerprint for text in changed)}) == 7


def test_pickle() -> None:
    thresholds = parse(OURS)
    assert thresholds.columns
    size = len(pickle.dumps(thresholds))
    for lang in ("tha_Thai", "deu_Latn", "swh_Latn"):
        thresholds.rules_for(lang, None)
    assert len(pickle.dumps(thresholds)) == size
    copy = pickle.loads(pickle.dumps(thresholds))
    assert copy == thresholds
    assert copy.fingerprint == thresholds.fingerprint
    assert copy.rules_for("tha_Thai", None) == thresholds.rules_for("tha_Thai", None)


def test_shipped_defaults() -> None:
    thresholds = load_thresholds()
    assert thresholds.fingerprint == load_thresholds(None).fingerprint
    assert "q_link_line_ratio" in thresholds.columns
    assert not thresholds.warnings
    assert "q_mean_word_length" not in bounds(thresholds.rules_for("tha_Thai", None))
    assert thresholds.rules_for("xxx_Latn", "Latn").bounds[0] == Rule("lang_score", 0.3, None)


def test_extends_changes_the_defaults() -> None:
    thresholds = parse("extends: defaults\ndefault: {lang_score: null, q_n_words: {max: 7}}")
    got, shipped = bounds(thresholds.rules_for(None, None)), bounds(load_thresholds().rules_for(None, None))
    assert "lang_score" not in thresholds.columns
    assert got["q_n_words"] == (shipped["q_n_words"][0], 7)
    assert got["q_link_line_ratio"] == shipped["q_link_line_ratio"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a mapping, found nothing"),
        ("[1]", "expected a mapping, found a list"),
        ("defaults: {}", r"unknown key 'defaults'.*did you mean 'default'"),
        ("default: 3", "my.yaml: default: expected a mapping, found a number"),
        ("default: {n_words: {min: 1}}", "default: n_words.*did you mean 'q_n_words'"),
        ("default: {q_nwords: {min: 1}}", "no such signal.*did you mean 'q_n_words'"),
        ("default: {q_n_words: 3}", "q_n_words: expected .*found a number"),
        ("default: {q_n_words: [1, 2]}", "found a list"),
        ("default: {q_n_words: {mim: 3}}", "unknown key 'mim'; did you mean 'min'"),
        ("default: {q_n_words: {min: '3'}}", "min must be a number"),
        ("default: {q_n_words: {min: true}}", "min must be a number"),
        ("default: {q_n_words: {max: .nan}}", "max must be a number"),
        ("default: {q_n_words: {max: .inf}}", "max must be a number"),
        ("default: {q_n_words: {min: 3, max: 2}}", "min 3 is above max 2"),
        ("default: {1: {min: 3}}", "name must be a string"),
        ("scripts: {thai: {}}", "scripts: 'thai'.*did you mean 'Thai'"),
        ("scripts: [Thai]", "scripts: expected a mapping"),
        ("languages: {tha_Thai: 3}", "languages: tha_Thai: expected a mapping"),
        ("default: {stop_words: 3}", "stop_words: expected a list of words"),
        ("default: {stop_words: {word: [a]}}", "stop_words: expected a list of words"),
        ("default: {stop_words: [1]}", "words must be a list of strings"),
        ("default: {stop_words: {words: [a], min: x}}", "min must be a whole number"),
        ("keep_languages: deu_Latn", "keep_languages: expected a list"),
        ("drop_languages: [1]", "drop_languages: expected a list"),
        ("extends: fineweb", "extends: 'fineweb'"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        parse(text)
    assert "my.yaml" in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["a: &a [x]\n" * 2, "default: !!python/name:os.system\n"])
def test_files_that_are_not_plain(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"mine\.yaml, line"):
        load_thresholds(file)


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.yml").write_text(text, encoding="utf-8")
    return path


def test_fineweb2_file_as_published(tmp_path: Path) -> None:
    thresholds = load_thresholds(folder(tmp_path, swh_Latn=SWAHILI))
    rules = thresholds.rules_for("swh_Latn", "Latn")
    assert bounds(rules) == {
        "lang_score": (0.3, None),
        "q_n_words": (50, 100_000),
        "q_mean_word_length": (3, 9),
        "q_symbol_word_ratio": (None, 0.1),
        "q_alpha_word_ratio": (0.802, None),
        "q_bullet_line_ratio": (None, 0.9),
        "q_ellipsis_line_ratio": (None, 0.3),
        "q_line_punct_ratio": (0.143, None),
        "q_newline_word_ratio": (None, 0.167),
        "q_char_dup_ratio": (None, 0.1),
        "q_dup_line_ratio": (None, 0.302),
        "q_top_2_gram_char_ratio": (None, 0.396),
        "q_dup_5_gram_char_ratio": (None, 0.193),
        "q_dup_10_gram_char_ratio": (None, 0.113),
    }
    assert rules.stop_words == StopWords(("ya", "na", "wa", "katika", "kwa"), 2)
    assert not thresholds.warnings
    assert thresholds.columns[-2:] == ("lang", "text")
    # A language without a file follows the shipped defaults.
    assert thresholds.rules_for("deu_Latn", "Latn") == load_thresholds().rules_for("deu_Latn", "Latn")
    alone = load_thresholds(tmp_path / "swh_Latn.yml")
    assert alone.fingerprint == thresholds.fingerprint


def test_fineweb2_switches(tmp_path: Path) -> None:
    text = "line_punct_thr: -1\nmin_avg_word_length: 0\ndup_line_frac: 0\nstopwords: ['no', Na]\nmin_doc_words: 0\n"
    rules = load_thresholds(folder(tmp_path, aai_Latn=text)).rules_for("aai_Latn", None)
    assert not {"q_line_punct_ratio", "q_mean_word_length", "q_dup_line_ratio"} & set(bounds(rules))
    assert bounds(rules)["q_n_words"] == (None, 100_000)
    assert rules.stop_words == StopWords(("no", "na"), 2)


def test_fineweb2_warnings_are_never_silent(tmp_path: Path) -> None:
    text = "stopwords: []\ntop_n_grams: [[2, 0.1], [7, 0.2]]\nline_punct_exclude_zero: true\n"
    path = folder(tmp_path, tha_Thai=text, swh_Latn="stopwords: [na]\n", notes="x: 1\n")
    warnings = load_thresholds(path).warnings
    missing = [warning for warning in warnings if "missing" in warning]
    assert len(warnings) - len(missing) == 6
    assert len(missing) == 9  # of the ten things that every published file has, these two have stopwords or top_n_grams
    for words in ("stopwords is empty", "7 words", "exclude_zero", "without spaces", "fewer words", "notes.yml"):
        assert sum(words in warning for warning in warnings) == 1, words
    assert all("tha_Thai" in warning or "swh_Latn" in warning or "notes.yml" in warning for warning in warnings)
    many = folder(tmp_path, **{f"aa{letter}_Latn": "stopwords: []\n" for letter in "abcdefgh"})
    assert any("and 4 more" in warning for warning in load_thresholds(many).warnings)


def test_every_label_finds_its_file(tmp_path: Path) -> None:
    names = ("fas_Arab", "fil_Latn", "kng_Latn", "swh_Latn", "cmn_Hani", "kor_Hang", "ekk_Latn", "srp_Cyrl")
    thresholds = load_thresholds(folder(tmp_path, **dict.fromkeys(names, SWAHILI)))
    for label, name in {
        "pes_Arab": "fas_Arab",
        "prs_Arab": "fas_Arab",
        "tgl_Latn": "fil_Latn",
        "kon_Latn": "kng_Latn",
        "swa_Latn": "swh_Latn",
        "sw": "swh_Latn",
        "zho_Hant": "cmn_Hani",
        "kor_Kore": "kor_Hang",
        "est_Latn": "ekk_Latn",
        "srp": "srp_Cyrl",
    }.items():
        assert thresholds.section_of(label) == name, label
        assert thresholds.rules_for(label, None) == thresholds.rules_for(name, None), label
    for label in ("srp_Latn", "eng_Latn", "yue_Hant", None):
        assert thresholds.section_of(label) is None
    assert thresholds.section_of("srp", "Cyrl") == "srp_Cyrl"


def test_published_thresholds_judge_what_datatrove_counts(tmp_path: Path) -> None:
    thresholds = load_thresholds(folder(tmp_path, swh_Latn=SWAHILI, tha_Thai=SWAHILI))
    exact = thresholds.suited_to(["text", "dt_n_words"])
    assert thresholds.suited_to(["q_n_words"]) is thresholds
    assert thresholds.judging("datatrove") == exact
    assert thresholds.judging("ours").suited_to(["dt_n_words"]).rules_for("swh_Latn", None) == thresholds.rules_for(
        "swh_Latn", None
    )
    ours, theirs = (one.rules_for("swh_Latn", None) for one in (thresholds, exact))
    assert {f"dt_{name[2:]}" if name[:2] == "q_" else name: sides for name, sides in bounds(ours).items()} == bounds(
        theirs
    )
    assert theirs.stop_words == StopWords(("ya", "na", "wa", "katika", "kwa"), 2, exact=True)
    # A language without a file follows our own thresholds on our own signals.
    assert exact.rules_for("deu_Latn", None) == load_thresholds().rules_for("deu_Latn", None)
    assert not exact.warnings
    assert "without spaces" in thresholds.warnings[0]
    assert len({thresholds.fingerprint, exact.fingerprint, thresholds.judging("ours").fingerprint}) == 3
    assert load_thresholds().suited_to(["dt_n_words"]) == load_thresholds()


def test_too_few_stop_words_as_in_datatrove(tmp_path: Path) -> None:
    text = SWAHILI.replace("[ya, na, wa, katika, kwa]", "[ya]")
    exact = load_thresholds(folder(tmp_path, swh_Latn=text)).judging("datatrove")
    assert exact.rules_for("swh_Latn", None).stop_words == StopWords(("ya",), 2, exact=True)
    assert exact.warnings == (
        "stopwords has fewer words than must be found: as in datatrove, every document goes (swh_Latn)",
    )


def test_equal_files_are_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    own = thresholds_module.parse_yaml
    monkeypatch.setattr(thresholds_module, "parse_yaml", lambda text, name: calls.append(name) or own(text, name))
    path = folder(tmp_path, swh_Latn=SWAHILI, kin_Latn=SWAHILI)
    first = load_thresholds(path)
    assert load_thresholds(path) is first
    assert load_thresholds(str(path)) is first
    assert len(calls) == 2
    (path / "kin_Latn.yml").write_text(SWAHILI.replace("0.302", "0.5"), encoding="utf-8")
    assert load_thresholds(path).fingerprint != first.fingerprint
    assert len(calls) == 4


def test_two_files_for_one_label(tmp_path: Path) -> None:
    folder(tmp_path, swh_Latn=SWAHILI)
    (tmp_path / "swh_Latn.yaml").write_text(SWAHILI, encoding="utf-8")
    with pytest.raises(UserError, match=r"swh_Latn\.yaml and swh_Latn\.yml: two files for swh_Latn"):
        load_thresholds(tmp_path)


def test_our_files_may_name_signals_of_datatrove() -> None:
    thresholds = parse("default: {dt_n_words: {min: 5}, dt_alpha_word_ratio: {min: 0.5}, q_n_words: {min: 1}}")
    assert thresholds.rule_columns == ("q_n_words", "dt_n_words", "dt_alpha_word_ratio")
    with pytest.raises(UserError, match="did you mean 'dt_n_words'"):
        parse("default: {dt_nwords: {min: 5}}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("language_scor: 0.3", "unknown key 'language_scor'; did you mean 'language_score'"),
        ("language_score: high", "language_score: expected a number, found 'high'"),
        ("language_score: true", "expected a number"),
        ("dup_n_grams: 3", "expected pairs"),
        ("dup_n_grams: [[5, a]]", "expected a number"),
        ("dup_n_grams: [[5]]", "expected pairs"),
        ("dup_n_grams: [[a, 0.1]]", "expected pairs"),
        ("stopwords: na", "expected a list of strings"),
        ("stopwords: [1]", "expected a list of strings"),
        ("[1]", "expected a mapping"),
        ("", "expected a mapping"),
        ("language_score: 0.3\nlanguage_score: 0.4", "line 2.*twice"),
        ("language_score: [0.3", "line 2"),
        ("a: !!python/name:os.system", "not allowed"),
    ],
)
def test_fineweb2_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        load_thresholds(folder(tmp_path, swh_Latn=text))
    assert "swh_Latn.yml" in str(caught.value)


def test_no_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="xxx_Yyyy"):
        load_thresholds(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        load_thresholds(tmp_path / "absent.yaml")
