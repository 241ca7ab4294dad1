"""Signs that uroman reads by their Unicode name: found in all of Unicode, counted, and left, dropped or read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from uroman.uroman import RomRule

from tests.romanize.uroman_reference import Reference, punctuation
from tests.running import run, write_recipe
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.romanize.documents import notes_of, romanize_batch
from xlcorpus.romanize.engine import Engine
from xlcorpus.romanize.options import RomanizeOptions
from xlcorpus.romanize.rules import NamedSigns, load_rules
from xlcorpus.romanize.signs import sounds


def generated() -> Iterator[tuple[str, str, str]]:
    """Sign, name and reading, where the reading is still the one that uroman's authors generated from the name."""
    rules = load_rules()
    table = storage.read_text(storage.packaged("uroman", "data", "romanization-auto-table.txt"))
    for sign, name, target in re.findall(r"::s (\S) .*?::name (.*?)\s+::t (.*?)\s*$", table, re.MULTILINE):
        found = rules.rules[sign]
        if len(found) == 1 and found[0].target == target.strip("'\""):
            yield sign, name, target.strip("'\"")


_SOUND = r"\+?[bcdfghjklmnpqrstvwxyz']*[aeiou]*-?|[aeiou]+[bcdfghjklmnpqrstvwxyz']*"
_SILENT = ["Tone_Mark", "Virama", "Pure_Killer", "Nukta", "Gemination_Mark", "Register_Shifter", "Tone_Letter"]
_VOWEL = ["Vowel_Dependent", "Vowel_Independent", "Vowel"]
_LAST = re.compile(r"(?:VOWEL|SIGN|MEDIAL|LETTER|FINAL|SUBJOINED|SYLLABLE|SARA) (?:.* )?(\S+)$")


def is_read_by_name(sign: str, name: str, target: str) -> bool:
    """By name and category alone: a mark, a vowel or a tone whose reading is not the sound it is named for."""
    if not target or "VOWEL-CARRIER" in name:
        return bool(target)
    syllabic = [value for value in (*_SILENT, *_VOWEL) if regex.match(rf"\p{{InSC={value}}}", sign)]
    if syllabic and syllabic[0] in _SILENT:
        return True
    if syllabic:
        return not re.fullmatch(r"q?[aeiouyw]+[kqv]?|[aeiou]+[mn]|[rl]+(?:i|y+)?", target)
    if unicodedata.category(sign)[0] != "M":
        return False
    if regex.search(r"COMBINING.* LETTER|SIGN -A$", name):
        return False  # letters above others, and Soyombo's glottal stop: their names are their sounds
    last = _LAST.search(name)
    named = last is not None and last.group(1).lower().startswith(target.lower().lstrip("+")) and target
    return not (re.fullmatch(_SOUND, target, re.I) and (named or target.startswith("+")))


def test_every_such_sign_in_unicode_is_known() -> None:
    found = [(sign, name, target) for sign, name, target in generated() if is_read_by_name(sign, name, target)]
    assert len(found) >= 100
    missing = [
        f"{ord(sign):04X} {name}: {target}" for sign, name, target in found if sign not in sounds() and target != sign
    ]
    assert missing == []


def test_tones_have_no_sound_and_vowels_have_one() -> None:
    for sign, sound in sounds().items():
        assert re.fullmatch(r"[A-Za-z]{0,5}|'", sound), sign
        if "TONE" in load_rules().name(sign):
            assert sound == ""
        if regex.match(r"\p{InSC=Vowel_Dependent}", sign) and load_rules().scripts.get(sign) in (
            "Javanese",
            "Balinese",
        ):
            assert re.fullmatch("[aeiou]+|[rl]+", sound)


def test_uroman_reads_these_by_name(reference: Reference) -> None:
    """What is counted is what the package itself writes."""
    for sign in sorted(load_rules().named_signs):
        read = reference(f",{sign},")
        assert read != f",{sounds()[sign]},"
        assert read != f",{sign},"


# What uroman writes, and how it sounds. The texts were written for this test.
TEXTS = [
    ("Olck", "ᱥᱟᱱᱛᱟᱲᱤ ᱚᱞ", "slntlrrl ll", "santarri al"),
    ("Olck", "ᱜᱮ ᱦᱳᱲ ᱩ", "gl hlrr l", "ge horr u"),
    ("Nkoo", "ߊ߬ߟߎ߫ ߒ߯", "atonelutone ntone", "alu n"),
    ("Mtei", "ꯃꯤ ꯑꯩ ꯎ", "minap acheinap n", "mi aei u"),
    ("Java", "ꦲꦏꦸ ꦱꦼꦒ ꦏꦺꦴ", "hksuku spepetg ktalingtarung", "hku seg ko"),
    ("Bali", "ᬓᬸ ᬓᭀ ᬓᭀ", "ksuku ktalingtedung ktaling", "ku ko ko"),
    ("Batk", "ᯅᯯ", "bsa", "bu"),
    ("Mymr", "တႇ", "tatone-2", "ta"),
    ("Plrd", "𖼊𖽔𖾓", "tat", "ta"),
    ("Tale", "ᥐᥦᥱ", "kht", "ke"),
    ("Bopo", "ㄅㄤ ㄓㄣ", "bng zhn", "bang zhen"),
    ("Zyyy", "Qurʾān ʿAlī", "Qurran rAli", "Qur'an 'Ali"),
    ("Zinh", "القرا\u0653ن", "alqramaddahn", "alqran"),
    ("Arab", "لهۥ", "lhwaw", "lhw"),
    ("Cyrl", "и҇", "ipokrytie", "i"),
    ("Sora", "𑃟𑃢𑃓𑃤", "khch", "kaci"),
    ("Limb", "ᤀᤡᤏᤛᤠ ᤀᤥᤱ", "linsa loong", "insa oong"),
]


@pytest.fixture(scope="module")
def engines() -> dict[NamedSigns, Engine]:
    treatments: tuple[NamedSigns, ...] = ("uroman", "leave", "drop", "read")
    return {treatment: Engine(1 << 24, treatment) for treatment in treatments}


@pytest.mark.parametrize(("script", "text", "by_name", "sound"), TEXTS)
def test_signs_are_read_as_they_sound(
    engines: dict[NamedSigns, Engine], reference: Reference, script: str, text: str, by_name: str, sound: str
) -> None:
    assert engines["uroman"].romanize(text) == by_name == reference(text)
    assert engines["read"].romanize(text) == sound
    named = load_rules().named_signs
    without = "".join(char for char in text if char not in named)
    assert engines["drop"].romanize(text) == engines["uroman"].romanize(without)
    left = engines["leave"].romanize(text)
    assert [char for char in left if char in named] == [char for char in text if char in named]


@contextmanager
def other_rules(reference: Reference, treatment: NamedSigns) -> Iterator[None]:
    """uroman itself with the rules of a treatment for the signs that are read by name."""
    ours, before = load_rules().treating(treatment), load_rules()
    theirs, prefixes = reference.uroman.rom_rules, [("s-prefix", text) for text in ours.prefixes - before.prefixes]
    changed = {sign: found for sign, found in ours.rules.items() if found != before.rules.get(sign)}
    kept = {sign: theirs.get(sign, []) for sign in changed}
    theirs.update({sign: [RomRule(s=sign, t=found[0].target, n_restr=0)] for sign, found in changed.items()})
    reference.uroman.dict_bool.update(dict.fromkeys(prefixes, True))
    try:
        yield
    finally:
        theirs.update(kept)
        reference.uroman.dict_bool.update(dict.fromkeys(prefixes, False))


@pytest.mark.parametrize("treatment", ["leave", "drop", "read"])
def test_readings_are_those_of_a_uroman_with_such_rules(
    engines: dict[NamedSigns, Engine], reference: Reference, treatment: NamedSigns
) -> None:
    """The compiled paths hold for the changed rules too: in words of each script, beside letters, marks and signs."""
    by_script: dict[str, list[str]] = {}
    for sign in sorted(load_rules().named_signs):
        by_script.setdefault(load_rules().scripts.get(sign, ""), []).append(sign)
    letters = {s: [c for c, script in sorted(load_rules().scripts.items()) if script == s] for s in by_script}
    scripts = sorted(script for script in by_script if script and letters[script])

    def words(script: str) -> st.SearchStrategy[str]:
        chars = st.one_of(st.sampled_from(letters[script]), st.sampled_from(by_script[script]))
        return st.lists(st.one_of(st.text(chars, min_size=1, max_size=5), punctuation()), min_size=1, max_size=3).map(
            "".join
        )

    with other_rules(reference, treatment):

        @given(st.sampled_from(scripts).flatmap(words))
        @settings(max_examples=300)
        def check(text: str) -> None:
            assert engines[treatment].romanize(text) == reference(text)

        check()


def test_they_are_counted_by_script_and_said(engines: dict[NamedSigns, Engine]) -> None:
    texts = [text for _, text, _, _ in TEXTS] + ["река", "", None]
    batch = pa.RecordBatch.from_pylist([{"text": text} for text in texts])
    counts = romanize_batch(batch, engines["uroman"], "none").counts["signs_read_by_name"]
    expected: dict[str, int] = {}
    for script, text, _, _ in TEXTS:
        if number := sum(char in load_rules().named_signs for char in text):
            expected[script] = expected.get(script, 0) + number
    assert counts == expected
    assert len(counts) >= 12
    assert "signs_read_by_name" not in romanize_batch(batch, engines["read"], "none").counts


RECIPE = """
name: signs
steps:
  - {{step: ingest, files: {file}}}
  - {{step: identify}}
  - {{step: romanize, id: latin, keep: true{option}}}
  - {{step: romanize, id: pairs, view: translico, share: 1.0{option}}}
"""


@pytest.mark.parametrize("option", ["", ", named_signs: read"])
def test_the_manifest_and_the_end_of_the_run_say_so(tmp_path: Path, option: str) -> None:
    lines = ["ᱥᱟᱱᱛᱟᱲᱤ ᱯᱟᱨᱥᱤ", "ߊ߬ߟߎ߫ ߟߊ߫ ߞߊ߲", "我们有百分之好几的人"]
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    run(write_recipe(tmp_path, RECIPE.format(file=file, option=option)), tmp_path / "out")
    for name in ("latin", "pairs"):
        notes = Dataset.open(Location(str(tmp_path / "out" / name))).manifest.notes
        said = "\n".join(notes["table"])
        assert notes["words_left_by_failure"] == 1
        assert "left where the tool fails" in said
        if option:
            assert "signs_read_by_name" not in notes
            assert "by name" not in said
        else:
            assert notes["signs_read_by_name"] == {"Nkoo": 3, "Olck": 5}
            assert "by name" in said
            assert "Nkoo 3, Olck 5" in said


def test_notes_are_in_order_and_without_what_is_not_there(engines: dict[NamedSigns, Engine]) -> None:
    batch = pa.RecordBatch.from_pylist([{"text": "река"}])
    made = romanize_batch(batch, engines["uroman"], "none")

    class Nothing:
        counts = made.counts

    assert notes_of(Nothing(), iter([])) == {"letters_left": {}, "table": []}  # type: ignore[arg-type]


def test_other_tools_have_no_such_option() -> None:
    assert RomanizeOptions(named_signs="read").named_signs == "read"
    with pytest.raises(UserError, match="--named-signs is an option of --tool uroman"):
        RomanizeOptions(tool="icu", named_signs="read")
    assert engines_differ()


def engines_differ() -> bool:
    """The version, which is in fingerprints, tells treatments apart."""
    return Engine(1, "read").version != Engine(1).version == "1.3.1.1"
