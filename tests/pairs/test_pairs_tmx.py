"""Pairs out of translation memories: the texts that an independent parser finds, whatever is broken beside them."""

from __future__ import annotations

import codecs
import gzip
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import TEXTS, ReadRows, read_all
from xlcorpus.errors import UserError
from xlcorpus.pairs.tmx_units import RawUnit, UnitScanner
from xlcorpus.raw.rejects import Reject

CODES = {
    "Latn": "sw-KE", "Cyrl": "ru", "Arab": "ar", "Deva": "hi", "Beng": "bn", "Thai": "th", "Hans": "zh-CN",
    "Jpan": "ja", "Kore": "ko", "Ethi": "am", "Hebr": "he", "Grek": "el", "Taml": "ta", "Adlm": "ff-Adlm",
}  # fmt: skip
HEAD = '<?xml version="1.0" encoding="{}"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
BEGIN = '<tmx version="1.4"><header srclang="en-US" segtype="sentence" datatype="plaintext"/><body>\n'


def read_pairs(path: Path, **options: Any) -> ReadRows:
    return read_all(path, kind="pairs", **options)


def unit(*variants: tuple[str, str], said: str = "", raw: bool = False) -> str:
    inner = "".join(
        f'<tuv xml:lang="{code}"><seg>{text if raw else escape(text)}</seg></tuv>' for code, text in variants
    )
    return f"<tu{said}>{inner}</tu>\n"


def tmx(path: Path, *units: str, encoding: str = "UTF-8", begin: str = BEGIN, end: str = "</body></tmx>\n") -> Path:
    path.write_bytes((HEAD.format(encoding.removesuffix("-sig")) + begin + "".join(units) + end).encode(encoding))
    return path


def independent(path: Path, src: str, tgt: str) -> list[tuple[str, str]]:
    """What ElementTree and the rule about native code give."""

    def text_of(element: ElementTree.Element) -> str:
        inner = "" if element.tag in ("bpt", "ept", "ph", "it", "ut") else (element.text or "")
        within = "" if element.tag in ("bpt", "ept", "ph", "it", "ut") else "".join(map(text_of, element))
        return inner + within + ("" if element.tag == "seg" else element.tail or "")

    pairs = []
    for one in ElementTree.fromstring(path.read_bytes()).iter("tu"):
        found = {
            tuv.get("{http://www.w3.org/XML/1998/namespace}lang") or tuv.get("lang"): text_of(tuv.find("seg"))  # type: ignore[arg-type]
            for tuv in one.iter("tuv")
        }
        if src in found and tgt in found:
            pairs.append((found[src].strip(), found[tgt].strip()))
    return pairs


ENGLISH = 'The old mill <burned> & nobody "knew" why 🌧️ ]]> .'
UNITS = [unit(("en-US", f"{ENGLISH} {number}"), *((code, TEXTS[script]) for script, code in CODES.items()))
         for number in range(3)]  # fmt: skip


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "utf-8-sig"])
@pytest.mark.parametrize("script", CODES)
def test_every_script_and_encoding(tmp_path: Path, script: str, encoding: str) -> None:
    path = tmx(tmp_path / "a.tmx", *UNITS, encoding=encoding)
    read = read_pairs(path, src_column="en-US", tgt_column=CODES[script])
    assert not read.rejects
    assert read.pairs == independent(path, "en-US", CODES[script]) != []
    assert {row["src_lang"] for row in read.documents} == {"eng_Latn"}
    assert {row["tgt_lang"].partition("_")[2] for row in read.documents} == {{"Kore": "Hang"}.get(script, script)}
    size = read.bytes
    assert size == len(path.read_bytes())
    content = path.read_bytes()
    little = "utf-16-le" if encoding == "UTF-16" else "utf-8"
    for row in read.documents:
        assert content[row["origin"]["offset"] :].startswith("<tu>".encode(little))


INLINE = [
    'Press <bpt i="1" x="1">&lt;b&gt;</bpt>Start<ept i="1">&lt;/b&gt;</ept> now.',
    'A <hi type="x">bold <ph x="2">{1}<sub>a footnote</sub></ph>word</hi> here',
    "<it pos='begin'>&lt;i&gt;</it>बच्चा<ut>{\\f}</ut> खेलता है <!-- no text --> ।",
    "<![CDATA[a < b && c </tu> <tu>]]> &#x939;&#2368; &amp;amp;",
    "\n   indented\n   twice \r\n",
]


def test_native_code_is_no_text(tmp_path: Path) -> None:
    path = tmx(tmp_path / "a.tmx", *(unit(("en", one), ("hi", f"<hi>{one}</hi>"), raw=True) for one in INLINE))
    read = read_pairs(path)
    assert read.pairs == independent(path, "en", "hi")
    assert [row["src"] for row in read.documents] == [
        "Press Start now.",
        "A bold word here",
        "बच्चा खेलता है  ।",
        "a < b && c </tu> <tu> ही &amp;",
        "indented\n   twice",
    ]


def test_which_languages_are_the_sides(tmp_path: Path) -> None:
    path = tmx(tmp_path / "a.tmx", unit(("hi", "एक"), ("en-US", "one")), unit(("en-US", "two"), ("hi", "दो")))
    assert read_pairs(path).pairs == [("one", "एक"), ("two", "दो")]  # srclang is the source
    assert read_pairs(path, src_column="tgt", tgt_column="src").pairs == [("एक", "one"), ("दो", "two")]
    for src, tgt in [("Hindi", "eng_Latn"), ("hin_Deva", "en"), ("HI", "EN_us"), ("hi", "tgt"), ("src", "en")]:
        turned = read_pairs(path, src_column=src, tgt_column=tgt)
        assert [(row["src_lang"], row["tgt_lang"]) for row in turned.documents] == [("hin_Deva", "eng_Latn")] * 2
    said = read_pairs(path, src_lang="gbr_Latn", tgt_lang="mar_Deva").documents
    assert [(row["src_lang"], row["tgt_lang"]) for row in said] == [("gbr_Latn", "mar_Deva")] * 2
    assert set(said[0]) == {"doc_id", "src", "tgt", "src_lang", "tgt_lang", "source", "origin"}
    two = tmx(tmp_path / "b.tmx", unit(("en-GB", "lorry"), ("en-US", "truck"), ("de", "Lastwagen")))
    with pytest.raises(UserError, match=r"b.tmx has texts in en-GB, en-US, de.*(.|\n)*--src-column en-GB"):
        read_pairs(two)
    for wanted, text in [("en", "lorry"), ("en-US", "truck"), ("en_gb", "lorry"), ("English", "lorry")]:
        assert read_pairs(two, src_column=wanted, tgt_column="de").pairs == [(text, "Lastwagen")]
    ids = {read_pairs(two, src_column=src, tgt_column=tgt).documents[0]["doc_id"]
           for src, tgt in [("en-US", "de"), ("de", "en-US"), ("en-GB", "en-US")]}  # fmt: skip
    assert len(ids) == 3


def test_a_unit_without_a_language_is_a_reject(tmp_path: Path) -> None:
    path = tmx(
        tmp_path / "a.tmx",
        unit(("en", "one"), ("de", "eins")),
        unit(("en", "two"), ("fr", "deux")),
        unit(("fr", "trois"), ("de", "drei")),
        unit(("en", "  "), ("de", "vier")),
        "<tu/>",
    )
    read = read_pairs(path, src_column="en", tgt_column="de")
    assert read.pairs == [("one", "eins")]
    assert [row["reason"] for row in read.rejects] == ["missing_tgt", "missing_src", "missing_src"]
    assert "the unit has no text in 'de'; it has: en, fr" in read.rejects[0]["message"]
    assert [row["reason"] for row in read.decisions] == ["empty_src"]


def test_attributes_and_properties_are_columns(tmp_path: Path) -> None:
    said = ' tuid="7" creationdate="20240131T120000Z" srclang="de"'
    variants = '<tuv lang="en"><prop type="by">no</prop><seg>{}</seg></tuv><tuv lang="de"><seg>{}</seg></tuv></tu>'
    path = tmx(
        tmp_path / "a.tmx",
        f"<tu{said}><note>n</note><prop type='domain'>law &amp; order</prop>{variants.format('a', 'b')}",
        f"<tu>{variants.format('c', 'd')}",
    )
    rows = read_pairs(path).documents
    named = ("tuid", "creationdate", "domain")
    assert [tuple(row[name] for name in named) for row in rows] == [
        ("7", "20240131T120000Z", "law & order"),
        (None, None, None),
    ]
    assert list(rows[0])[7:] == ["domain", "tuid", "creationdate"]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
    '<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
)


def test_entities_are_not_followed(tmp_path: Path) -> None:
    pairs = [("&b;", "eins"), ("two", "&secret;"), ("three&nbsp;", "drei"), ("four", "vier")]
    body = "".join(unit(("en", one), ("de", other), raw=True) for one, other in pairs)
    path = tmp_path / "a.tmx"
    path.write_text(f"{BOMB}{BEGIN}{body}</body></tmx>", encoding="utf-8")
    read = read_pairs(path)
    assert read.pairs == [("four", "vier")]
    assert [row["reason"] for row in read.rejects] == ["invalid_xml"] * 3
    assert all("undefined entity" in row["message"] for row in read.rejects)


def test_damage_costs_a_unit(tmp_path: Path) -> None:
    good = [unit(("en", f"one {n}"), ("de", f"eins {n}")) for n in range(4)]
    broken = [
        unit(("en", "bell \x01"), ("de", "x")),
        unit(("en", "a"), ("de", "b")).replace("</seg>", "</sag>"),
        "</tu>",
        "<!-- <tu>no unit</tu> --><tu><tuv xml:lang='en'><seg>never closed\n",
    ]
    begin = "".join(one + other for one, other in zip(good, broken, strict=True))
    latin = unit(("en", "na\xefve"), ("de", "naiv")).encode("latin-1")
    path = tmp_path / "a.tmx"
    path.write_bytes((HEAD.format("UTF-8") + BEGIN + begin).encode() + latin + good[0].encode() + b"<tu><tuv")
    read = read_pairs(path)
    assert read.pairs == [*((f"one {n}", f"eins {n}") for n in range(4)), ("one 0", "eins 0")]
    assert [row["reason"] for row in read.rejects] == [*["invalid_xml"] * 4, "invalid_utf8", "truncated_file"]
    content = path.read_bytes()
    assert content[read.rejects[3]["origin"]["offset"] :].startswith(b"<tu><tuv xml:lang='en'><seg>never")
    assert "a.tmx, byte" in read.rejects[0]["message"]
    assert "line 1, column" in read.rejects[0]["message"]
    whole = gzip.compress(content[:-8])
    for size in (len(whole) - 20, len(whole) - 1):
        (tmp_path / "b.tmx.gz").write_bytes(whole[:size])
        assert read_pairs(tmp_path / "b.tmx.gz").rejects[-1]["reason"] == "truncated_file"


def test_a_file_that_ends_between_units(tmp_path: Path) -> None:
    path = tmx(tmp_path / "a.tmx", unit(("en", "a"), ("de", "b")), end="")
    read = read_pairs(path)
    assert len(read.documents) == 1
    assert [row["reason"] for row in read.rejects] == ["truncated_file"]


def test_an_encoding_that_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(HEAD.format("klingon") + BEGIN, encoding="utf-8")
    with pytest.raises(UserError, match=r"a.tmx is in an encoding(.|\n)*UTF-8"):
        read_pairs(path)
    path.write_bytes((HEAD.format("windows-1251") + BEGIN + unit(("en", "x"), ("ru", "ёж"))
                      + "</body></tmx>").encode("cp1251"))  # fmt: skip
    assert read_pairs(path).pairs == [("x", "ёж")]


def test_found_by_content_and_compressed(tmp_path: Path) -> None:
    tmx(tmp_path / "x.tmx", *UNITS)
    content = (tmp_path / "x.tmx").read_bytes()
    (tmp_path / "memory.xml").write_bytes(content)
    (tmp_path / "x.tmx.gz").write_bytes(gzip.compress(content))
    wide = tmx(tmp_path / "wide.xml", *UNITS, encoding="UTF-16")
    texts = [
        read_pairs(tmp_path / name, src_column="en", tgt_column="am").pairs
        for name in ("x.tmx", "memory.xml", "x.tmx.gz", wide.name)
    ]
    assert texts[0] == texts[1] == texts[2] == texts[3] != []


def scan(content: bytes, cuts: Sequence[int], limit: int, encoding: str) -> list[tuple[Any, ...]]:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [content[a:b] for a, b in itertools.pairwise(edges)]
    found = UnitScanner(encoding, 0, limit).read(iter(pieces))
    return [
        ("unit", one.offset, one.data) if isinstance(one, RawUnit) else (one.reason, one.offset, one.message)
        for one in found
    ]


PARTS = [
    "<tu>",
    "</tu>",
    "<tu a='1'>",
    "<tuv>",
    "अ",
    "🌧",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "x" * 30,
    "</tmx>",
    "<?",
    "?>",
]


@given(
    st.lists(st.sampled_from(PARTS), max_size=25),
    st.lists(st.integers(0, 400), max_size=12),
    st.sampled_from(["utf-8", "utf-16-le"]),
)
def test_units_do_not_depend_on_how_the_bytes_come_in(parts: list[str], cuts: list[int], encoding: str) -> None:
    content = "".join(parts).encode(encoding)
    whole = scan(content, [], 1000, encoding)
    assert scan(content, cuts, 1000, encoding) == whole
    for kind, offset, data in whole:
        if kind == "unit":
            assert content[offset:].startswith(data.decode().encode(encoding))
    small = scan(content, cuts, 40, encoding)
    assert [one[1] for one in small if one[0] != "truncated_file"] == [
        one[1] for one in whole if one[0] != "truncated_file"
    ]
    assert {one[0] for one in small} <= {"unit", "record_too_large", "invalid_xml", "truncated_file"}


def test_a_unit_that_is_too_large_is_not_held(tmp_path: Path) -> None:
    def pieces() -> Any:
        yield b"<tmx><tu><seg>"
        for _ in range(200):
            yield b"y" * 10_000
        yield b"</seg></tu><tu></tu></tmx>"

    scanner = UnitScanner("utf-8", 0, 50_000)
    found, most = [], 0
    for one in scanner.read(pieces()):
        found.append(one)
        most = max(most, len(scanner._data))
    assert isinstance(found[0], Reject)
    assert (found[0].reason, found[0].offset) == ("record_too_large", 5)
    assert found[1] == RawUnit(2_000_030, b"<tu></tu>") or isinstance(found[1], RawUnit)
    assert most < 100_000


def test_a_byte_order_mark_counts(tmp_path: Path) -> None:
    path = tmx(tmp_path / "a.tmx", *UNITS, encoding="utf-8-sig")
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    (row, *_) = read_pairs(path, src_column="en", tgt_column="hi").documents
    assert path.read_bytes()[row["origin"]["offset"] :].startswith(b"<tu>")
