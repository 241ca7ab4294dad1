from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from xlcorpus.romanize.ipa import ENTRY_BYTES, EpitranTool, ipa_codes

pytest.importorskip("epitran", reason="epitran is not installed (extra ipa)")


@pytest.fixture(scope="module")
def tool() -> EpitranTool:
    return EpitranTool(1 << 20)


@pytest.mark.parametrize(
    ("text", "lcode", "script", "expected"),
    [
        ("नमस्ते, दुनिया! 12", "hin", "Deva", "nəmste, dunijaː! 12"),
        ("Merhaba dünya\nşehir", "tur", "Latn", "meɾhaba dynja\nʃehiɾ"),
        ("Habari za asubuhi", "swh", "Latn", "haɓaɾi za asuɓuhi"),  # by epitran's `swa`
    ],
)
def test_words_become_ipa(tool: EpitranTool, text: str, lcode: str, script: str, expected: str) -> None:
    assert tool.romanize(text, lcode, script) == expected
    assert tool.romanize(text, lcode, None) == expected  # by the language's usual script


def test_rules_for_ends_of_words_hold_in_every_word(tool: EpitranTool) -> None:
    made = tool.romanize("Montag und Montag", "deu", "Latn")
    assert made is not None
    first, middle, last = made.split()
    assert first == last
    assert first.endswith("k")
    assert middle.endswith("t")


@pytest.mark.parametrize(
    ("lcode", "script"),
    [
        (None, "Deva"),
        ("hin", "Latn"),  # romanised Hindi is not in epitran's tables
        ("khk", "Mong"),
        ("zzz", "Latn"),
        ("zho", "Hans"),  # these three need dictionaries that epitran would download
        ("yue", "Hant"),
        ("jpn", "Jpan"),
        ("jpn", "Hira"),
    ],
)
def test_without_rules_the_text_is_none_not_a_copy(tool: EpitranTool, lcode: str | None, script: str) -> None:
    assert tool.romanize("नमस्ते", lcode, script) is None
    assert tool.romanize("", lcode, script) == ""


def test_english_needs_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ipa_codes.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        without = EpitranTool(1 << 20)
        assert without.romanize("Hello", "eng", "Latn") is None
        program = tmp_path / "lex_lookup"
        program.write_text("#!/bin/sh\necho '(hh ax l ow1)'\n")
        program.chmod(0o755)
        ipa_codes.cache_clear()
        tool = EpitranTool(1 << 20)
        assert tool.romanize("Hello, hello!", "eng", "Latn") == "həlow, həlow!"
        assert "lex_lookup" in tool.version
        assert tool.version != without.version
    finally:
        ipa_codes.cache_clear()


def test_codes_are_those_of_the_installed_tables() -> None:
    codes = ipa_codes()
    assert codes["hin", "Deva"] == "hin-Deva"
    assert codes["swh", "Latn"] == codes["swa", "Latn"] == "swa-Latn"
    assert codes["pes", "Arab"] == "fas-Arab"
    assert codes["deu", "Latn"] == "deu-Latn"  # not one of its varieties
    assert codes["khk", "Cyrl"] == "mon-Cyrl-bab"  # nothing but a variety
    assert ("jpn", "Hira") not in codes
    assert len(codes) > 100


def test_a_long_run_of_letters_takes_linear_time(tool: EpitranTool) -> None:
    made = tool.romanize("ab" * 50_000, "tur", "Latn")
    assert made == "ab" * 50_000


def test_importing_reaches_for_no_network_and_keeps_the_logging() -> None:
    code = (
        "import logging, socket\n"
        "def refuse(*_, **__): raise SystemExit('the network was reached for')\n"
        "socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse\n"
        "from xlcorpus.romanize.tools import open_tool\n"
        "tool = open_tool('epitran', 1000)\n"
        "assert tool.romanize('şehir', 'tur', 'Latn') == 'ʃehiɾ'\n"
        "assert tool.romanize('北京', 'zho', 'Hans') is None\n"
        "print(logging.getLogger().level, logging.getLogger().handlers)\n"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == f"{logging.WARNING} []"


def test_a_word_is_read_once_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = EpitranTool(1 << 20)
    german, turkish = tool.romanize("Jahr jahr", "deu", "Latn"), tool.romanize("Jahr jahr", "tur", "Latn")
    assert german != turkish
    monkeypatch.setattr(tool, "_readers", {"deu-Latn": None, "tur-Latn": None})  # calling these would fail
    assert tool.romanize("jahr, Jahr", "deu", "Latn") == ", ".join(reversed(str(german).split()))
    assert tool.romanize("Jahr jahr", "tur", "Latn") == turkish


def test_the_cache_changes_nothing_and_keeps_its_bound(tool: EpitranTool) -> None:
    text = "bir iki üç dört beş altı yedi sekiz dokuz on " * 3
    assert EpitranTool(0).romanize(text, "tur", "Latn") == tool.romanize(text, "tur", "Latn")
    small = EpitranTool(100_000)
    small.romanize(
        "".join(f"{chr(0x61 + one)}{chr(0x61 + two)} " for one in range(26) for two in range(26)), "tur", "Latn"
    )
    assert small._kept.cache_info().currsize == 100_000 // ENTRY_BYTES
    long = "ş" * 64, "ʃ" * 100  # readings are longer than words
    assert sum(map(sys.getsizeof, (*long, long))) + 100 < ENTRY_BYTES  # and the cache's own entry
    small.romanize("b" * 65, "tur", "Latn")
    assert small._kept.cache_info().misses == 26 * 26
