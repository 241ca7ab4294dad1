from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from xlcorpus.errors import UserError
from xlcorpus.romanize.tools import COLUMNS, TOOLS, check_lcode, language_code, open_tool, uroman_code


def test_uroman_is_given_the_codes_its_rules_know() -> None:
    pytest.importorskip("uroman", reason="the rules come with the package uroman")
    labels = ("pes_Arab", "arb_Arab", "fas_Arab", "swh_Latn", None)
    assert [language_code(label, "auto", "uroman") for label in labels] == ["fas", "ara", "fas", "swh", None]
    assert language_code("pes_Arab", "auto", "icu") == "pes"
    # once more changes nothing: a step may record the code it gives
    assert [uroman_code(uroman_code(lcode)) for lcode in ("pes", "lvs", "pbt", "rus")] == ["fas", "lav", "pus", "rus"]


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_keeps_the_lines(name: str) -> None:
    if name == "icu":
        pytest.importorskip("icu", reason="PyICU is not installed (extra icu)")
    if name == "epitran":
        pytest.importorskip("epitran", reason="epitran is not installed (extra ipa)")
    if name == "uroman":
        pytest.importorskip("uroman", reason="the package uroman is not installed")
    tool = open_tool(name, 1 << 20)
    assert tool.name == name
    assert tool.column == COLUMNS[name]
    assert any(char.isdigit() for char in tool.version)
    for text in ("", "\n", "\n\n", "мир\n", "\nмир", "Привет, мир!\n\n  Как дела? 12\r\nслова\u2028и ещё\n"):
        made = tool.romanize(text, "rus", "Cyrl")
        assert made is not None
        assert made.count("\n") == text.count("\n")
        assert [not line.strip() for line in made.split("\n")] == [not line.strip() for line in text.split("\n")]
        assert "р" not in made
        assert tool.romanize(text, "rus", "Cyrl") == made  # from the cache, where there is one


def test_wrong_names_are_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'uroman'"):
        open_tool("uromn", 0)


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("icu", "icu", "[icu]"), ("epitran", "epitran.simple", "[ipa]")]
)
def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # what `import` takes for "not there"
    with pytest.raises(UserError) as caught:
        open_tool(name, 0)
    assert f"pip install 'xlcorpus{extra}'" in str(caught.value)


def test_the_interface_imports_no_tool() -> None:
    code = "import sys, xlcorpus.romanize.tools, xlcorpus.romanize.icu, xlcorpus.romanize.ipa\n"
    code += "print([name for name in ('icu', 'epitran', 'panphon', 'uroman', 'pandas') if name in sys.modules])"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "code",
    ["rus", "hin", "zho", "swh", "pes", "fas", "ara", "nqo", "pcm", "quy", "ave", "RUS", " kor ", "ain", "hbs", "xog"],
)
def test_iso_639_3_codes_are_taken(code: str) -> None:
    assert check_lcode(code) == code.strip().lower()


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("ru", "rus"),
        ("dut", "nld"),
        ("iw", "heb"),
        ("swh_Latn", "swh"),
        ("zh-Hant", "zho"),
        ("Russian", "rus"),
        ("english", "eng"),
        ("russ", "rus"),
    ],
)
def test_other_codes_are_refused_with_the_one_meant(code: str, meant: str) -> None:
    pytest.importorskip("uroman", reason="names of languages come from the package uroman")
    with pytest.raises(UserError, match=f"did you mean '{meant}'") as caught:
        check_lcode(code)
    assert "ISO 639-3" in str(caught.value)


@pytest.mark.parametrize("code", ["xyz", "qqq", "", "7", "und", "кто", "__label__"])
def test_nonsense_is_refused_in_a_few_words(code: str) -> None:
    with pytest.raises(UserError) as caught:
        check_lcode(code)
    assert len(str(caught.value)) < 300


def test_codes_are_checked_without_the_package_uroman(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = importlib.import_module("xlcorpus.romanize.tools")
    tools._known_languages.cache_clear()
    monkeypatch.setattr(tools, "_uroman_languages", list)
    try:
        assert check_lcode("swh") == "swh"
        with pytest.raises(UserError, match="did you mean 'rus'"):
            check_lcode("ru")
    finally:
        tools._known_languages.cache_clear()
