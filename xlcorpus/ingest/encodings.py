"""Bytes to text in a named encoding, as browsers do it (WHATWG Encoding Standard); what is bad becomes U+FFFD.

Labels are those of the standard (webencodings 0.6.1), which mean supersets: `euc-kr` is cp949, `latin1` windows-1252.
Python's codecs do the work; where they differ from the standard's index tables (compared with encoding_rs 0.8, all
sequences of one and two bytes, of EUC-JP and GB18030 those of three and four) it is said here: 192 characters of Big5,
457 of EUC-JP, 39 others; two (A241, A242 of Big5) are left as Python has them. Not taken over: that `iso-2022-kr` and
`hz-gb-2312` give nothing but U+FFFD; here they are read.
"""

from __future__ import annotations

import codecs
import functools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import webencodings

BAD = "\ufffd"
_MOST_CALLS = 100_000  # of the error handler for one text, 1 microsecond each: behind that all bad bytes are U+FFFD

# Python's codecs by the standard's names.
_MULTIBYTE = {
    "big5": "big5hkscs",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "hz-gb-2312": "hz",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-kr": "iso2022_kr",
    "shift_jis": "cp932",
    "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "utf-32": "utf-32",  # no browser has it; pages that begin with its byte order mark cannot be anything else
    "utf-8": "utf-8",
}
_READ_ALL_THE_SAME = {"hz-gb-2312": "hz-gb-2312", "iso-2022-kr": "iso-2022-kr", "csiso2022kr": "iso-2022-kr"}

# What the codecs read as other characters than the standard: in JIS X 0208 the forms of the wrong width, in Big5 the
# same, in GB18030 the places of 2005 that Unicode has had characters for since, in cp932 bytes that are none.
_JIS = str.maketrans("\u301c\u2016\u2212\xa2\xa3\xac", "\uff5e\u2225\uff0d\uffe0\uffe1\uffe2")
_GB = str.maketrans(
    "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
    "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
)
_OTHERS: dict[str, dict[int, int]] = {
    "euc_jp": _JIS,
    "iso2022_jp_ext": _JIS,
    "gb18030": _GB,
    "big5hkscs": str.maketrans(
        "\u2022\uff64\u203e\u223c\u2641\u2609\xa5\xa2\xa3", "\u2027\ufe51\xaf\uff5e\u2295\u2299\uffe5\uffe0\uffe1"
    ),
    "cp932": str.maketrans("\uf8f0\uf8f1\uf8f2\uf8f3", BAD * 4),
}
_FIND_OTHERS = {codec: re.compile(f"[{''.join(map(chr, table))}]") for codec, table in _OTHERS.items()}
_SINGLE = {
    "koi8-u": {0xAE: "\u045e", 0xBE: "\u040e"},  # Belarusian letters, where Python has box drawings
    "windows-1255": {0xCA: "\u05ba"},
}


@dataclass(frozen=True)
class Decoded:
    """A text, the standard's name of the encoding it was read in, how many U+FFFD stand for bytes that are bad."""

    text: str
    encoding: str
    replaced: int = 0


def find_encoding(label: str) -> str | None:
    """The standard's name of the encoding that a label means; None where it means none, or one without text."""
    name = label.strip("\t\n\f\r ").lower()
    if name in _READ_ALL_THE_SAME:
        return _READ_ALL_THE_SAME[name]
    found = webencodings.lookup(label)
    return None if found is None or found.name == "replacement" else str(found.name)


def decode(data: bytes, encoding: str) -> Decoded:
    """The text, without byte order mark handling. encoding: as `find_encoding` names it, or utf-32."""
    codec = _MULTIBYTE.get(encoding)
    if codec is None:
        text = codecs.charmap_decode(data, "strict", _table(encoding))[0]
        return Decoded(text, encoding, text.count(BAD))
    try:
        return Decoded(_with_others(data.decode(codec), codec), encoding)
    except UnicodeDecodeError:
        pass
    text = _with_others(_replace(data, codec), codec)
    own = data.decode(codec, "ignore").count(BAD) if codec.startswith(("utf", "gb18030")) else 0
    return Decoded(text, encoding, text.count(BAD) - own)


def _with_others(text: str, codec: str) -> str:
    find = _FIND_OTHERS.get(codec)
    return text.translate(_OTHERS[codec]) if find is not None and find.search(text) else text


@functools.cache
def _table(encoding: str) -> str:
    """The 256 characters of a single-byte encoding; U+FFFD for none, C1 controls where the standard has them."""
    codec = webencodings.lookup(encoding).codec_info
    table = []
    for byte in range(256):
        try:
            character = codec.decode(bytes([byte]), "strict")[0]
        except UnicodeDecodeError:
            character = chr(byte) if 0x80 <= byte < 0xA0 and encoding.startswith("windows-") else BAD
        table.append(character)
    for byte, character in _SINGLE.get(encoding, {}).items():
        table[byte] = character
    return "".join(table)


_calls = threading.local()


class _TooMany(Exception):
    pass


def _replace(data: bytes, codec: str) -> str:
    handler = _HANDLERS.get(codec)
    if handler is None:
        return data.decode(codec, "replace")
    _calls.number = 0
    try:
        return data.decode(codec, handler)
    except _TooMany:
        return data.decode(codec, "replace")


def _handler(leads: bytes, known: Callable[[bytes], str | None]) -> Callable[[UnicodeDecodeError], tuple[str, int]]:
    """What to do about two bytes that the codec does not know: the character where the standard has one, else U+FFFD.

    leads: first bytes of two; one of them and the next byte are one bad character, but ASCII behind it is none.
    """

    def replace(error: UnicodeDecodeError) -> tuple[str, int]:
        _calls.number += 1
        if _calls.number > _MOST_CALLS:
            raise _TooMany
        pair = error.object[error.start : error.start + 2]
        character = known(pair)
        if character is not None:
            return character, error.start + (1 if pair[0] == 0x80 else 2)
        whole = len(pair) == 2 and pair[0] in leads and pair[1] >= 0x80
        return BAD, error.start + 1 + whole

    return replace


def _none(pair: bytes) -> str | None:
    return None


def _euro(pair: bytes) -> str | None:
    return "€" if pair[0] == 0x80 else None


def _of_cp932(pair: bytes) -> str | None:
    """NEC's and IBM's characters (rows 13, 89 to 92): cp932 has them, Python's EUC-JP and ISO-2022-JP have not."""
    if len(pair) < 2 or (pair[0] < 0x80) != (pair[1] < 0x80):
        return None
    row, cell = pair[0] | 0x80, pair[1] | 0x80
    if row not in (0xAD, 0xF9, 0xFA, 0xFB, 0xFC) or not 0xA1 <= cell <= 0xFE:
        return None
    half, odd = divmod(row - 0xA1, 2)
    second = cell - 2 if odd else cell - 0x61 + (cell >= 0xE0)
    try:
        return bytes([half + (0x81 if half < 0x1F else 0xC1), second]).decode("cp932")
    except UnicodeDecodeError:
        return None


# HKSCS-2008 and what it shares with ETEN, by first byte; the rest is in Python's big5hkscs of 2004.
_BIG5_RUNS = {
    "877a": "㡵𡵓𣚞𦀡㻬", "87a1": "𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹",
    "87c1": "瓆鿇垳䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋", "8e69": "箸", "8e6f": "簆",
    "8e7e": "糎", "8eab": "緒", "8eb4": "縝", "8ecd": "者", "8ed0": "耨", "8f57": "菁", "8f69": "蒨",
    "8f6e": "萏", "8fcb": "覦覩", "8ffe": "起", "906d": "都", "907a": "銹", "90dc": "靜", "90f1": "響",
    "91bf": "鼖", "9244": "蔃", "92af": "兙兛兝兞", "92c8": "鍮", "92d1": "瑹", "9447": "浧", "94ca": "禛",
    "95d9": "邗", "9644": "靝", "96ed": "瀞", "96fc": "嬨", "9b76": "爁", "9b78": "矗", "9b7b": "纇",
    "9bc6": "駖", "9bde": "釔", "9bec": "惞", "9bf6": "澶", "9c42": "輶", "9c53": "侻", "9c62": "營",
    "9c68": "鄄", "9c6b": "鷰", "9c77": "菏", "9cbc": "尐秣", "9cd0": "婧", "9d57": "輋", "9d5a": "筑",
    "9dc4": "拐", "9ea9": "恢", "9eef": "痹", "9efd": "汊", "9f60": "鬮", "9f66": "鼗", "9fcb": "僭",
    "9fd8": "弌", "a063": "蠏", "a077": "拎", "a0d5": "瑨", "a0df": "煢", "a0e4": "牐",
    "a3c0": "␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟", "a3e0": "␡€", "c6cf": "廴", "c6d3": "无", "c6d5": "癶",
    "c6d7": "隶", "c6de": "〃仝", "fa5f": "倩", "fa66": "偽", "fabd": "包", "fac5": "卄", "fad5": "卿",
    "fb48": "嘅", "fbb8": "婷", "fbf3": "幵", "fbf9": "廐", "fc4f": "彘", "fc6c": "悤", "fcb9": "撐",
    "fce2": "晴", "fcf1": "杞", "fdb7": "沜渝", "fdbb": "港", "fdf1": "煮", "fe52": "猪", "fe6f": "瑜",
    "feaa": "瓩", "fedd": "砉",
}  # fmt: skip
_BIG5 = {
    int(first, 16) + number: character for first, run in _BIG5_RUNS.items() for number, character in enumerate(run)
}


def _of_hkscs(pair: bytes) -> str | None:
    return _BIG5.get(int.from_bytes(pair, "big"))


_LEADS = bytes(range(0x81, 0xFF))
_HANDLERS = {}
for _codec, _leads, _known in (
    ("big5hkscs", _LEADS, _of_hkscs),
    ("cp932", _LEADS, _none),
    ("cp949", _LEADS, _none),
    ("euc_jp", b"\x8e\x8f" + _LEADS[0x20:], _of_cp932),
    ("gb18030", _LEADS, _euro),
    ("iso2022_jp_ext", b"", _of_cp932),
):
    _HANDLERS[_codec] = f"xlcorpus-{_codec}"
    codecs.register_error(_HANDLERS[_codec], _handler(_leads, _known))  # type: ignore[arg-type]
