"""Bytes to text: the WHATWG decoders, what is declared, what is damaged, and what nothing says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import TEXTS, page, read_all, record, response, wet, write
from tests.running import called
from xlcorpus.ingest.charset import declared_in, read_text
from xlcorpus.ingest.encodings import decode, find_encoding
from xlcorpus.ingest.html import decode_html

# What encoding_rs 0.8 makes of these bytes, where Python's codecs of the same names make something else or fail.
STANDARD = [
    ("euc-kr", "8c63b9e6b0a2c6ec", "똠방각펴"),
    ("ks_c_5601-1987", "8c63", "똠"),
    ("shift_jis", "8740877e8aeefb46fbfc", "①㍻基渹髙"),
    ("x-sjis", "8160817cf040ffa0", "～－\ue000\ufffd\ufffd"),
    ("big5", "9df69df7fb48a145a1c2877a", "喺咗嘅‧¯㡵"),
    ("big5", "88628864a3e1", "Ê̄Ê̌€"),
    ("euc-jp", "ada1f9a1fcfea1c18fb0a1", "①纊＂～丂"),
    ("iso-2022-jp", "1b24422d21213d1b284278", "①―x"),
    ("iso-2022-jp", "1b2849313233341b2842", "ｱｲｳｴ"),
    ("gb2312", "80a8bcfe5981308130", "€ḿ龴\x80"),
    ("gbk", "a2e3815184", "€丵\ufffd"),
    ("windows-874", "939480d4", "“”€ิ"),
    ("tis-620", "a1a285dbff", "กข…\ufffd\ufffd"),
    ("windows-1251", "98c098", "\x98А\x98"),
    ("windows-1252", "81808d", "\x81€\x8d"),
    ("iso-8859-1", "939480", "“”€"),
    ("windows-1253", "aae1d281", "\ufffdα\ufffd\x81"),
    ("windows-1255", "cae0d9", "\u05baא\ufffd"),
    ("koi8-u", "aebea4b4", "ўЎєЄ"),
    ("iso-8859-8-i", "e0bfbf", "א\ufffd\ufffd"),
    ("logical", "f9", "ש"),
    ("x-user-defined", "41ff80", "A\uf7ff\uf780"),
    ("macintosh", "dbf0bd", "€\uf8ffΩ"),
    ("x-mac-cyrillic", "80ffa2", "А€Ґ"),
    ("utf-16", "310430", "б\ufffd"),
    ("utf-16be", "0431d800", "б\ufffd"),
    ("unicode-1-1-utf-8", "d0b1ff", "б\ufffd"),
]


@pytest.mark.parametrize(("label", "data", "text"), STANDARD)
def test_labels_mean_what_the_standard_says(label: str, data: str, text: str) -> None:
    name = find_encoding(f" {label.upper()}\n")
    assert name is not None
    assert decode(bytes.fromhex(data), name).text == text


@pytest.mark.parametrize("label", ["utf-7", "utf-32", "nonsense", "", "iso-2022-cn", "cp037", "rot13", "idna", "hex"])
def test_labels_that_are_none(label: str) -> None:
    assert find_encoding(label) is None


@pytest.mark.parametrize("name", ["euc-kr", "gbk", "big5", "shift_jis", "euc-jp", "utf-8"])
def test_markup_behind_half_a_character_is_markup(name: str) -> None:
    """A browser takes no ASCII for the second byte of a bad character: else a tag would be swallowed."""
    text = decode(b"\xfe<p>\xfe</p>\x81 \xfe", name)
    assert text.text.replace("\ufffd", "") == "<p></p> "
    assert text.replaced == text.text.count("\ufffd") == 4


@given(st.binary(max_size=60), st.sampled_from([*{label for label, _, _ in STANDARD}, "hz-gb-2312", "iso-2022-kr"]))
def test_no_bytes_are_refused(data: bytes, label: str) -> None:
    name = find_encoding(label)
    assert name is not None
    read = decode(data, name)
    assert 0 <= read.replaced <= len(data)
    assert read_text(data, [label]).text is not None


def test_a_megabyte_of_bad_bytes_calls_the_handler_a_bounded_number_of_times() -> None:
    read = decode(b"\xff" * (1 << 20), "euc-kr")
    assert read.replaced == len(read.text) == 1 << 20


def test_replacement_characters_that_the_page_has_are_not_counted() -> None:
    assert decode("a\ufffdb".encode(), "utf-8").replaced == 0
    assert decode("a\ufffdb".encode() + b"\xff", "utf-8").replaced == 1
    assert decode("a\ufffdb".encode("gb18030") + b"\xff", "gb18030").replaced == 1
    assert decode("a\ufffdb".encode("utf-16-le") + b"\0", "utf-16le").replaced == 1


LEGACY = [
    ("Cyrl", "windows-1251"), ("Cyrl", "koi8-r"), ("Cyrl", "iso-8859-5"), ("Grek", "windows-1253"),
    ("Hebr", "windows-1255"), ("Arab", "windows-1256"), ("Thai", "windows-874"), ("Jpan", "shift_jis"),
    ("Jpan", "euc-jp"), ("Hans", "gbk"), ("Kore", "euc-kr"),
]  # fmt: skip
CODECS = {"euc-kr": "cp949", "windows-874": "cp874", "shift_jis": "cp932"}
BALTIC = {
    "lav": "Vecā māja stāvēja pie upes, kur vasarā bērni ķēra zivis un dziedāja dziesmas par jūru.",
    "lit": "Senas namas stovėjo prie upės, kur vasarą vaikai gaudė žuvis ir dainavo apie jūrą.",
    "est": "Vana maja seisis jõe ääres, kus lapsed püüdsid suvel kalu ja laulsid õhtuti žürii ees.",
}


@pytest.mark.parametrize(("script", "encoding"), LEGACY)
def test_one_bad_byte_costs_itself_only(script: str, encoding: str) -> None:
    """Wherever it is: what stands before is as it was, and no other encoding is taken for the page."""
    text = f"{TEXTS[script]} {TEXTS[script]}"
    good = page(text, CODECS.get(encoding, encoding))
    for bad in (b"\xff", b"\xa0\xff"):
        for at in (good.index(b"</h1>"), good.index(b"</p>")):
            read = decode_html(good[:at] + bad + good[at:], encoding)
            assert read.encoding == encoding
            assert text in read.text
    cut = decode_html(good[: good.index(b"</p>") - 1], encoding)
    assert cut.encoding == encoding
    assert text in cut.text


@pytest.mark.parametrize("script", TEXTS)
@pytest.mark.parametrize("declared", ["utf-8", None, "iso-8859-1", "windows-1251", "gb2312"])
def test_utf8_that_is_cut_or_damaged_stays_utf8(script: str, declared: str | None) -> None:
    text = TEXTS[script] + " ünï"
    body = page(text)
    for cut in range(body.index(b"</p>") - 9, body.index(b"</p>")):
        read = decode_html(body[:cut], declared)
        assert read.encoding == "utf-8"
        assert text in read.text
    at = body.rindex(b"</p>")
    read = decode_html(body[:at] + b"\xe2\x82 \xff" + body[at:], declared)
    assert (read.encoding, read.replaced) == ("utf-8", 2)


@pytest.mark.parametrize(("script", "encoding"), LEGACY)
@pytest.mark.parametrize("wrong", [None, "utf-8", "iso-8859-1", "utf-16"])
def test_pages_that_say_nothing_or_the_wrong_thing(script: str, encoding: str, wrong: str | None) -> None:
    text = f"{TEXTS[script]} " * 3
    assert text in decode_html(page(text, CODECS.get(encoding, encoding)), wrong).text


@pytest.mark.parametrize("encoding", ["windows-1257", "iso-8859-13", "iso-8859-4"])
@pytest.mark.parametrize("language", BALTIC)
def test_undeclared_baltic_pages(language: str, encoding: str) -> None:
    text = BALTIC[language]
    read = decode_html(page(text, encoding), None).text
    assert text in read or (language == "est" and encoding != "windows-1257")  # Estonian alone does not tell them apart


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("script", TEXTS)
def test_utf16_with_and_without_a_mark(script: str, order: str) -> None:
    text = TEXTS[script]
    body = page(text, f"utf-16-{order}")
    for declared in (None, "utf-8", "utf-16", "iso-8859-1"):
        assert text in decode_html(body, declared).text
        assert text in decode_html("\ufeff".encode(f"utf-16-{order}") + body, declared).text
    assert text in decode_html(f"\ufeff{text}".encode(f"utf-32-{order}"), None).text
    assert read_text(text.encode(f"utf-16-{order}"), [f"utf-16{order}"]).text == text


def test_a_byte_order_mark_beats_every_declaration() -> None:
    body = page(TEXTS["Deva"])
    for declared in (None, "windows-1252", "utf-16", "gbk"):
        read = decode_html(b"\xef\xbb\xbf" + body, declared)
        assert TEXTS["Deva"] in read.text
        assert not read.text.startswith("\ufeff")


@pytest.mark.parametrize(
    ("encoding", "codec", "script"), [("iso-2022-jp", "iso2022_jp", "Jpan"), ("iso-2022-kr", "iso2022_kr", "Kore")]
)
def test_seven_bit_encodings(encoding: str, codec: str, script: str) -> None:
    for declared in (None, encoding, "utf-8"):
        assert TEXTS[script] in decode_html(page(TEXTS[script], codec), declared).text
    assert TEXTS["Hans"] in decode_html(page(TEXTS["Hans"], "hz"), "hz-gb-2312").text
    assert "a ~{x~} b" in decode_html(b"<p>a ~{x~} b</p>", None).text
    assert "+AGE-" in decode_html(b"<p>+AGE-</p>", "utf-7").text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("책", "euc-kr"),
        ("체육 체조", "euc-kr"),
        ("联通", "gbk"),
        ("«CAFÉ» IRMÃ»", "windows-1252"),
        ("ДІЇ", "windows-1251"),
        ("Jäääär", "iso-8859-15"),
        ("ÅÄÖ", "iso-8859-1"),
        ("ลด", "tis-620"),
        ("¿Qué?", "iso-8859-1"),
    ],
)
def test_short_pages_are_read_as_they_say(text: str, encoding: str) -> None:
    """Some of these bytes are valid UTF-8 by chance."""
    body = f"<p>{text}</p>".encode(CODECS.get(encoding, "cp874" if encoding == "tis-620" else encoding))
    assert decode_html(body, encoding).text == f"<p>{text}</p>"
    meta = f"<meta charset={encoding}>".encode()
    assert decode_html(meta + body, None).text.endswith(f"<p>{text}</p>")


@pytest.mark.parametrize("text", ["© 2020", "café", "it’s", "«да»", "naïve – so"])
@pytest.mark.parametrize("wrong", ["iso-8859-1", "windows-1252", "windows-1251", "us-ascii"])
def test_short_utf8_pages_that_servers_call_something_else(text: str, wrong: str) -> None:
    assert decode_html(f"<p>{text}</p>".encode(), wrong).text == f"<p>{text}</p>"


def test_of_two_declarations_the_header_counts_unless_its_text_is_damaged() -> None:
    text = "Новая библиотека открылась в центре города"
    body = f'<meta charset="koi8-r"><p>{text}</p>'
    assert text in decode_html(body.encode("koi8-r"), "windows-1251").text
    assert text in decode_html(body.encode("cp1251"), "windows-1251").text
    korean = f'<meta charset="euc-kr"><p>{TEXTS["Kore"]}</p>'
    assert TEXTS["Kore"] in decode_html(korean.encode("cp949"), "utf-8").text
    assert TEXTS["Kore"] in decode_html(korean.encode(), "utf-8").text


META = [
    (b"<meta charset=koi8-r>", "koi8-r"),
    (b"<META CHARSET = 'KOI8-R' />", "KOI8-R"),
    (b'<meta content="text/html; charset=big5" http-equiv="Content-Type">', "big5"),
    (b"<meta http-equiv=content-type content='a; charset = \"euc-kr\"'>", "euc-kr"),
    (b'<meta name="x" content="charset=big5"><meta charset="gbk">', "gbk"),
    (b"<!-- <meta charset=big5> --><meta charset=gbk>", "gbk"),
    (b"<!--><meta charset=gbk><!-- -->", "gbk"),
    (b"<meta charset=nonsense><meta charset=gbk>", "gbk"),
    (b"<meta title='>' charset=gbk>", "gbk"),
    (b"<metadata charset=big5><meta\ncharset\n=\ngbk\n>", "gbk"),
    (b"<meta charset=UTF-16LE>", "utf-8"),
    (b"<meta charset=x-user-defined>", "windows-1252"),
    (b"<?xml version='1.0' encoding='windows-1251'?>", "windows-1251"),
    (b"<?xml version='1.0' encoding='utf-16'?>", "utf-8"),
    (b"<p>charset=gbk</p>", None),
    (b"<!-- <meta charset=big5>", None),
    (b"<meta charset", None),
]


@pytest.mark.parametrize(("head", "label"), META)
def test_what_a_page_says_of_itself(head: bytes, label: str | None) -> None:
    assert declared_in(b"<!DOCTYPE html>" * (b"<?xml" not in head) + head) == label


def test_bytes_that_were_replaced_are_counted_and_told(tmp_path: Path) -> None:
    russian, thai = page(TEXTS["Cyrl"]), page(TEXTS["Thai"], "cp874")
    records = [
        response(russian + b"\xff", content_type="text/html; charset=utf-8"),
        response(thai + b"\xdb\xdb", content_type="text/html; charset=windows-874"),
        response(page(TEXTS["Grek"], "iso-8859-7"), content_type="text/html; charset=iso-8859-7"),
        record("conversion", TEXTS["Beng"].encode() + b"\xe0\xa6", "text/plain"),
        wet(TEXTS["Taml"]),
    ]
    write(tmp_path / "a.warc", *records)
    made = called("ingest", tmp_path / "a.warc", "--output", tmp_path / "out", "--quiet")
    assert "utf-8 2 in 2 pages, windows-874 2 in 1 pages" in made.stdout
    result = read_all(tmp_path / "a.warc")
    assert len(result.texts) == 5
    assert result.texts[3] == TEXTS["Beng"] + "\ufffd"


def test_bytes_that_are_no_text_are_rejects(tmp_path: Path) -> None:
    noise = bytes(number * 37 % 251 for number in range(4000))
    records = [
        response(noise),
        response(b"\x89PNG\r\n\x1a\n" + noise, content_type="text/html; charset=utf-8"),
        record("resource", noise, "text/plain"),
        record("conversion", noise.replace(b"\0", b"\1"), "text/plain"),
    ]
    assert read_all(write(tmp_path / "a.warc", *records, wet("ok"))).reasons == {"not_text": 4}
