"""Fields of public dictionaries: what of them goes into a text, and what was done to them is counted."""

from __future__ import annotations

import time
import unicodedata
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lexicon.lexicon_files import pairs, write
from xlcorpus.lexicon.dictionaries import open_index, read_entries
from xlcorpus.lexicon.dictionary_file import read_dictionary
from xlcorpus.lexicon.fields import clean_texts, take_apart, without_particles
from xlcorpus.lexicon.stress import without_stress


def apart(target: str, source: str = "x") -> tuple[list[tuple[str, str]], dict[str, int]]:
    """The entries of one row, and the counts that are not zero."""
    counts: Counter[str] = Counter()
    cleaned = []
    for text in (source, target):
        texts, unseen = clean_texts(pa.array([text]))
        cleaned.append(texts)
        counts["unseen"] += unseen
    rows, src, tgt = take_apart(*cleaned, counts)
    assert rows.tolist() == [0] * len(src)
    return list(zip(src.to_pylist(), tgt.to_pylist(), strict=True)), {name: n for name, n in counts.items() if n}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("laufen, rennen", ["laufen", "rennen"]),
        ("Brot; Laib;", ["Brot", "Laib"]),
        ("Katze / Kater", ["Katze", "Kater"]),
        ("colour/color", ["colour", "color"]),
        ("/traditional/old/", ["traditional", "old"]),
        ("run | flow", ["run", "flow"]),
        ("1. run 2. flow", ["run", "flow"]),
        ("(1) run; (2) flow", ["run", "flow"]),
        ("run\\nflow", ["run", "flow"]),
        ("کتاب، دفتر", ["کتاب", "دفتر"]),
        ("كتاب؛ سفر", ["كتاب", "سفر"]),
        ("二、三", ["二", "三"]),
        ("業餘人士；一知半解的人", ["業餘人士", "一知半解的人"]),
        ("亞洲人／亚洲人", ["亞洲人", "亚洲人"]),
        ("犬，狗", ["犬", "狗"]),
        ("ሰው፣ ሰብ፤ ሰብእ", ["ሰው", "ሰብ", "ሰብእ"]),
        ("ငို၊ ယို", ["ငို", "ယို"]),
        ("ߘߐ߸ ߞߐ", ["ߘߐ", "ߞߐ"]),
        ("बाप\\बप्पा", ["बाप", "बप्पा"]),
        ("Haus, Haus", ["Haus"]),
    ],
)
def test_translations_of_one_field_are_entries_in_their_order(field: str, words: list[str]) -> None:
    found, counts = apart(field)
    assert [tgt for _, tgt in found] == words
    assert counts.get("apart", 0) == (len(words) > 1)


@pytest.mark.parametrize(
    ("field", "word", "reason"),
    [
        ("Kinder.", "Kinder", "trimmed"),
        ("Haus,", "Haus", "trimmed"),
        ("Wasser!", "Wasser", "trimmed"),
        ("¿qué?", "qué", "trimmed"),
        ("«дом»", "дом", "trimmed"),
        ("„Haus“", "Haus", "trimmed"),
        ("'Haus'", "Haus", "trimmed"),
        ("《卫报》", "卫报", "trimmed"),
        ("घर।", "घर", "trimmed"),
        ("سؤال؟", "سؤال", "trimmed"),
        ("ཡིག་", "ཡིག", "trimmed"),
        ("տուն։", "տուն", "trimmed"),
        ("ինչո՞ւ", "ինչու", ""),
        ("* fugarse", "fugarse", "trimmed"),
        ("- Haus", "Haus", "trimmed"),
        ("ice_cream", "ice cream", ""),
        ("Haus {n}", "Haus", "notes"),
        ("(coll.) Bude", "Bude", "notes"),
        ("Haus [zum (alten) Markt]", "Haus", "notes"),
        ("рука (анат., мед.)", "рука", "notes"),
        ("犬（いぬ）", "犬", "notes"),
        ("colo(u)r", "color", "notes"),
        ("run (quickly, fast)", "run", "notes"),
        ("cat CL:隻|只[zhi1]", "cat", "notes"),
        ("maison, f", "maison", "notes"),
        ("Leute, pl.", "Leute", "notes"),
        ("дом, m.", "дом", "notes"),
        ("\u200eGarten\u200e", "Garten", "unseen"),
        ("Gar\u00adten", "Garten", "unseen"),
        ("\u202bطز\u202c", "طز", "unseen"),
        ("\ufeffHaus", "Haus", "unseen"),
        ("पालन \u200b\u200bकरब", "पालन करब", "unseen"),
        ("باوَر\u200c کَنَگ", "باوَر کَنَگ", "unseen"),
        ("amigo/a", "amigo", "affixes"),
        ("Freund/in", "Freund", "affixes"),
    ],
)
def test_what_is_no_part_of_the_word_is_taken_off(field: str, word: str, reason: str) -> None:
    found, counts = apart(field)
    assert found == [("x", word)]
    assert counts == ({reason: counts.get(reason)} if reason else {})
    assert apart(word, source=field)[0] == [(word, word)]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("-ul", "affixes"),
        ("re-", "affixes"),
        ("ה־", "affixes"),
        ("الـ", "affixes"),
        ("〜になる", "affixes"),
        ("—色の", "affixes"),
        ("so ... as", "affixes"),
        ("bi … ya", "affixes"),
        ("Nwng ___ da", "affixes"),
        ("ose~", "affixes"),
        ("C++", "signs"),
        ("km/h", "signs"),
        ("https://de.wiktionary.org/wiki/Haus", "signs"),
        ("info@example.org", "signs"),
        ("100%", "signs"),
        ("U.S.A.", "signs"),
        ("a - b", "signs"),
        ("Syn.: concorde", "signs"),
        ("?", "no_word"),
        ("(x)", "no_word"),
        ("。", "no_word"),
        ("\u200b", "no_word"),
        ("\u3164", "no_word"),
        ("NULL", "no_word"),
        (r"\N", "no_word"),
    ],
)
def test_what_is_no_word_is_left_out_and_counted(field: str, reason: str) -> None:
    for source, target in (("x", field), (field, "x")):
        found, counts = apart(target, source)
        assert found == []
        assert counts[reason] == 1


@pytest.mark.parametrize(
    "word",
    [
        "null", "Null", "N", "NULLE",
        "don't", "col·legi", "o‘zbek", "ʻohana", "`ātakai", "ña´ẽmbe", "anna'", "forty-two", "می‌روم", "צה״ל", 'צה"ל',
        "エジプト・アラブ", "བོད་ཡིག", "ﷺ", "ᠮᠣᠩᠭᠣᠯ", "ক্‍ষ", "jeikerypy´ũ", "ice cream", "24-hour", "ቤት፡ቤት", "բան֊ման",
    ],
)  # fmt: skip
def test_signs_that_stand_inside_words_stay(word: str) -> None:
    word = unicodedata.normalize("NFC", word)
    assert apart(word) == ([("x", word)], {})


def test_phrases_and_sides_that_belong_together() -> None:
    assert apart("ja, natürlich", "yes, of course") == ([], {"signs": 1})
    assert apart("哈囉，你好嗎", "hello how are you today")[0] == []
    assert apart("actor | actriz", "actor | actress")[0] == [("actor", "actor"), ("actress", "actriz")]
    assert apart("Farbe, Farbton", "colour; color")[0] == [
        ("colour", "Farbe"), ("colour", "Farbton"), ("color", "Farbe"), ("color", "Farbton"),
    ]  # fmt: skip
    assert apart("1,000", "thousand") == ([], {"signs": 1})


def test_words_before_the_dictionary_form_where_a_dictionary_writes_them() -> None:
    counts: Counter[str] = Counter()
    listed = pa.array(["das Haus", "die Katze", "der", "laufen", "Derwisch"])
    assert without_particles(listed, "deu", counts).to_pylist() == ["Haus", "Katze", "der", "laufen", "Derwisch"]
    assert without_particles(pa.array(["l'eau", "Le chat", "lait"]), "fra", counts).to_pylist() == [
        "eau",
        "chat",
        "lait",
    ]
    assert counts == {"particles": 4}
    rare = pa.array(["to date", *["word"] * 40])
    assert without_particles(rare, "eng", counts).equals(rare)
    assert without_particles(listed, "rus", counts).equals(listed)


@pytest.mark.parametrize("language", ["fra", "rus", "hin"])
def test_genders_behind_the_word_where_a_dictionary_writes_them(language: str) -> None:
    listed = pa.array(["maison f", "дом m", "बेटा m", "gens m pl", "f", "a m", "rock n roll"])
    counts: Counter[str] = Counter()
    plain = ["maison", "дом", "बेटा", "gens", "f", "a m", "rock n roll"]
    assert without_particles(listed, language, counts).to_pylist() == plain
    assert counts == {"particles": 4}
    rare = pa.array(["renmen m", *["word"] * 40])
    assert without_particles(rare, language, counts).equals(rare)


def test_clitics_are_no_words(tmp_path: Path) -> None:
    french = write(tmp_path, "en-fr.tsv", "en\tfr\nthe\tl'\nthe\tle\nof\td’\nwater\teau\n")
    assert pairs(read_entries([french]).table) == [("the", "le"), ("water", "eau")]
    assert read_entries([french]).left_out["affixes"] == 2
    english = write(tmp_path, "de-en.tsv", "de\ten\nist\t's\nist\tis\nHund\tdog\n")
    assert pairs(read_entries([english]).table) == [("Hund", "dog"), ("ist", "is")]
    afar = write(tmp_path, "en-aa.tsv", "en\taa\nmilk\tqibna'\nhouse\tqari\n")
    assert ("milk", "qibna'") in pairs(read_entries([afar]).table)


@pytest.mark.parametrize(
    ("code", "words", "remark"),
    [
        ("zh-TW", ["狗", "卡拉OK", "DVD"], "Not used in Chinese"),
        ("ja", ["犬", "Tシャツ"], "kensyō tsuki"),
        ("hi", ["घर", "A B कंपनी"], "the house"),
        ("ar", ["بيت"], "al-bayt al-abyad"),
    ],
)
def test_remarks_in_latin_letters_are_no_translations(tmp_path: Path, code: str, words: list[str], remark: str) -> None:
    content = f"en\t{code}\n" + "".join(f"x\t{word}\n" for word in [remark, *words])
    read = read_entries([write(tmp_path, "x.tsv", content)])
    assert [tgt for _, tgt in pairs(read.table)] == words
    assert read.left_out["other_script"] == 1
    swahili = write(tmp_path, "y.tsv", f"en\tsw\nx\t{remark}\nx\tmbwa\n")
    assert [tgt for _, tgt in pairs(read_entries([swahili]).table)] == [remark, "mbwa"]


def test_a_file_of_them_reads_as_words_with_everything_counted(tmp_path: Path) -> None:
    lines = ["to run\tlaufen, rennen", "to go\tgehen", "the\t-ul", "house\tHaus", "house\tGebäude", "house\tAbode"]
    lines += ["cat\tKatze / Kater", "percent\t%", "hotel\tHotel", "bread\tBrot {n}"]
    path = write(tmp_path, "en-de.tsv", "\n".join(["en\tde", *lines]) + "\n")
    read = read_entries([path])
    assert read.rows == len(lines)
    assert [tgt for src, tgt in pairs(read.table) if src == "house"] == ["Haus", "Gebäude", "Abode"]
    assert [pair for pair in pairs(read.table) if pair[0] in ("run", "go")] == [
        ("go", "gehen"), ("run", "laufen"), ("run", "rennen"),
    ]  # fmt: skip
    assert {name: count for name, count in read.left_out.items() if count} == {
        "affixes": 1, "no_word": 1, "identical": 1, "notes": 1, "apart": 2, "particles": 3,
    }  # fmt: skip
    unused = open_index([path]).unused
    assert (unused["affixes"], unused["no_word"], unused["identical"]) == (1, 1, 1)
    assert not {"notes", "apart", "particles"} & unused.keys()


SIGNS = "/,;|.()[]{}<>-~…_'’`+*\\1 \u200b\u200c\u00ad\u0640، 。（）་"


@given(st.text(st.sampled_from("abcДом水ئ" + SIGNS), max_size=12), st.text(st.sampled_from("ab" + SIGNS), max_size=8))
def test_no_sign_of_alternatives_or_notes_is_left_in_any_field(target: str, source: str) -> None:
    found, counts = apart(target, source)
    assert found or counts
    for word in (word for entry in found for word in entry):
        assert not set(word) & set("/,;|.()[]{}<>~…_+*\\\u200b\u00ad،。（）")
        assert word == word.strip() == unicodedata.normalize("NFC", word)
        assert word[0] not in "-\u0640་"
        assert word[-1] not in "-\u0640་"
        again, _ = apart(word, "x")
        assert again == [("x", word)]


def test_long_fields_take_time_that_grows_with_their_length() -> None:
    for unit in ("(", "a/", "1. ", "- ", "<a", "[x] ", "..", "_", "-a"):
        started = time.process_time()
        apart(unit * 20_000)
        assert time.process_time() - started < 5  # seconds; some 10 ms, and hours if one of the patterns went back


@pytest.mark.parametrize(
    ("code", "words", "remark"),
    [
        ("en", ["because of", "γ-ray", "ǁXam"], "variant of 為"),
        ("vi", ["nhà", "ông"], "茹"),
        ("fr", ["maison", "ªb"], "بيت"),
        ("sw", ["mbwa", "дом"], "cat 猫"),
    ],
)
def test_letters_without_capitals_are_of_no_word_in_latin_letters(
    tmp_path: Path, code: str, words: list[str], remark: str
) -> None:
    content = f"ja\t{code}\n" + "".join(f"猫\t{word}\n" for word in [remark, *words])
    read = read_entries([write(tmp_path, "x.tsv", content)])
    assert [tgt for _, tgt in pairs(read.table)] == words
    assert read.left_out["other_script"] == 1


@pytest.mark.parametrize(
    ("label", "written", "word"),
    [
        ("rus_Cyrl", "вода\u0301", "вода"),
        ("rus_Cyrl", "ёлка", "ёлка"),
        ("rus_Cyrl", "мо\u0301й сара\u0301й", "мой сарай"),
        ("ukr_Cyrl", "ї\u0301жа", "їжа"),
        ("bel_Cyrl", "до\u0301ўгі", "доўгі"),
        ("bul_Cyrl", "\u045d", "\u045d"),
        ("bul_Cyrl", "\u0432\u045d\u043d\u043e", "вино"),
        ("mkd_Cyrl", "ќе ѓавол сѐ", "ќе ѓавол сѐ"),
        ("tgk_Cyrl", "забонӣ кӯҳ", "забонӣ кӯҳ"),
        ("chv_Cyrl", "чӑва\u0301ш", "чӑваш"),
        ("srp_Cyrl", "ку\u030fћа", "кућа"),
        ("srp_Latn", "kȕća", "kuća"),
        ("hbs_Latn", "žívot, šûm, đȁk", "život, šum, đak"),
        ("hrv_Latn", "pȑst", "prst"),
        ("slv_Latn", "življênje", "življenje"),
        ("lit_Latn", "kal̃bą žodžių̃ ū̃kis ė̃sti", "kalbą žodžių ūkis ėsti"),
        ("lat_Latn", "rosārum", "rosarum"),
        ("fra_Latn", "été où", "été où"),
        ("ita_Latn", "città", "città"),
        ("pol_Latn", "źródło", "źródło"),
        ("ell_Grek", "νερό", "νερό"),
        ("chu_Cyrl", "вода\u0301", "вода\u0301"),
    ],
)
def test_accents_that_only_dictionaries_write_are_taken_off(label: str, written: str, word: str) -> None:
    counts: Counter[str] = Counter()
    written, word = (unicodedata.normalize("NFC", text) for text in (written, word))
    found = without_stress(pa.array([written, None, "a", written]), label, counts)
    assert found.to_pylist() == [word, None, "a", word]
    assert counts["stress"] == 2 * (written != word)
    assert without_stress(found, label, Counter()).equals(found)


def test_accents_are_taken_off_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "ru-sh.tsv"
    path.write_text("ru\tsh\nвода\u0301\tvòda [imen.]\nдом\tkȕća\n", encoding="utf-8")
    read = read_dictionary(path)
    assert read.entries["src"].to_pylist() == ["вода", "дом"]
    assert read.entries["tgt"].to_pylist() == ["voda", "kuća"]
    assert (read.left_out["stress"], read.left_out["notes"]) == (3, 1)
