"""The rule tables against those of a real Uroman: every key, and every attribute that decides a reading."""

from __future__ import annotations

import unicodedata

import pytest

from tests.romanize.uroman_reference import Reference
from xlcorpus.romanize.rules import RuleSet, load_rules

# Attribute of uroman's rule -> attribute of ours.
FLAGS = {
    "use-only-at-start-of-word": "only_start",
    "dont-use-at-start-of-word": "not_start",
    "use-only-at-end-of-word": "only_end",
    "dont-use-at-end-of-word": "not_end",
    "use-only-for-whole-word": "whole_word",
}


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load_rules()


def known(table: dict[tuple[str, str], object], name: str) -> dict[str, object]:
    """The entries of one kind in uroman's tables of everything; empty ones are left there by look-ups."""
    return {key[1]: value for key, value in table.items() if key[0] == name and value}


def test_every_rule_of_every_source(reference: Reference, rules: RuleSet) -> None:
    theirs = {source: found for source, found in reference.uroman.rom_rules.items() if found}
    assert theirs.keys() == rules.rules.keys()
    assert len(theirs) > 40_000
    for source, found in theirs.items():
        ours = rules.rules[source]
        assert [rule["t"] for rule in found] == [rule.target for rule in ours], source
        assert [frozenset(rule["lcodes"] or ()) for rule in found] == [rule.languages for rule in ours], source
        assert [rule["t-at-end-of-syllable"] for rule in found] == [rule.at_syllable_end for rule in ours], source
        assert [rule["n-restr"] or 0 for rule in found] == [rule.restrictions for rule in ours], source
        for theirs_name, ours_name in FLAGS.items():
            assert [bool(rule[theirs_name]) for rule in found] == [getattr(rule, ours_name) for rule in ours], source


def test_every_flag_is_used_by_some_rule(rules: RuleSet) -> None:
    used = {name for found in rules.rules.values() for rule in found for name in FLAGS.values() if getattr(rule, name)}
    assert used == {"only_start", "not_start", "only_end", "not_end", "whole_word"}
    assert any(rule.at_syllable_end is not None for found in rules.rules.values() for rule in found)


def test_prefixes_and_scripts(reference: Reference, rules: RuleSet) -> None:
    assert known(reference.uroman.dict_bool, "s-prefix").keys() == rules.prefixes
    assert known(reference.uroman.dict_str, "script") == rules.scripts
    vowels = {name: tuple(script["abugida-default-vowels"] or ()) for name, script in reference.uroman.scripts.items()}
    assert {name: found for name, found in vowels.items() if found} == {
        k: v for k, v in rules.abugida_vowels.items() if v
    }


def test_classes_of_signs(reference: Reference, rules: RuleSet) -> None:
    uroman = reference.uroman
    assert known(uroman.dict_bool, "is-vowel-sign").keys() == rules.vowel_signs
    assert known(uroman.dict_bool, "is-medial-consonant-sign").keys() == rules.medial_consonants
    assert known(uroman.dict_bool, "is-virama").keys() == rules.viramas
    assert known(uroman.dict_str, "tone-mark").keys() == rules.tone_marks
    syllables = known(uroman.dict_str, "syllable-info")
    assert syllables.keys() == rules.pre_vowels
    assert set(syllables.values()) == {"written-pre-consonant-spoken-post-consonant"}
    for signs in (rules.vowel_signs, rules.medial_consonants, rules.viramas, rules.tone_marks, rules.pre_vowels):
        assert signs


def test_names(reference: Reference, rules: RuleSet) -> None:
    assert known(reference.uroman.dict_str, "name") == rules.names
    for char in [*sorted(rules.names), "क", "\u094d", "a", "\ue000", "\u0378"]:
        assert rules.name(char) == reference.uroman.chr_name(char)


def test_numerals_signs_and_connectors(reference: Reference, rules: RuleSet) -> None:
    uroman = reference.uroman
    theirs = {char: found for char, found in uroman.num_props.items() if found}
    assert theirs.keys() == rules.numerals.keys()
    for char, found in theirs.items():
        ours = rules.numerals[char]
        fraction = tuple(found["fraction"]) if found.get("fraction") else None
        assert (found.get("value"), fraction, found.get("base")) == (ours.value, ours.fraction, ours.base), char
        assert (found.get("type"), found.get("script")) == (ours.kind, ours.script), char
        assert bool(found.get("is-large-power")) is ours.large_power, char
    assert tuple(uroman.minus_signs) == tuple(dict.fromkeys(rules.minus_signs))
    assert tuple(uroman.plus_signs) == tuple(dict.fromkeys(rules.plus_signs))
    assert tuple(uroman.fraction_connectors) == rules.fraction_connectors


def test_names_beyond_pythons_tables_hold_no_secret_digits(rules: RuleSet) -> None:
    """A name with DIGIT in it makes a digit of a character that has a value in Python's tables: none of these has."""
    digits = [char for char, name in rules.names.items() if "DIGIT" in name and len(char) == 1]
    assert all(unicodedata.numeric(char, None) is None for char in digits)
    assert digits
