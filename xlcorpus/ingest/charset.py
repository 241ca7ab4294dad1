"""Which encoding a page is in: byte order mark, what the page is said to be in, and what its bytes and its text show.

A declaration is followed, as browsers follow it, unless its text is damaged and another encoding's is not: then the
least damaged of the declarations, UTF-8 and what chardet (7.7) detects. Damage is the share of the characters beyond
ASCII that stand for bad bytes or where no language has them: a sign between two letters, a capital behind a small
letter, two alphabets in a word, five accented Latin letters in a row. `benchmarks/encodings.py` says how often it is
right.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence

import regex

from xlcorpus.ingest.encodings import BAD, Decoded, decode, find_encoding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
_UTF16 = ("utf-16le", "utf-16be")
# Escape sequences of 7-bit encodings, which look like ASCII.
_ESCAPES = (
    ("iso-2022-jp", re.compile(rb"\x1b(?:\$[@B]|\([IJ])")),
    ("iso-2022-kr", re.compile(rb"\x1b\$\)C")),
    ("hz-gb-2312", re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])++~\}")),
)
_FOLLOWED = 0.1  # most damage of a declaration that is followed without a look at others
_FEW = 0.2  # of the characters beyond ASCII may be bad in what is UTF-8 whatever is declared
_MUCH_LESS = 0.5  # of the damage of a declaration must be left for another encoding to be taken instead
_UTF8_PROOF = dict.fromkeys(("big5", "euc-jp", "euc-kr", "gb18030", "gbk", "shift_jis"), 6)  # see `_proves_utf8`
_SAMPLE = 1 << 13  # bytes that the detector is shown, characters that are looked at for odd ones
_LOOK = 1 << 18  # bytes of a page from which they are taken

# What chardet may find, Python's names, by the standard's; rare ones are left out: macintosh, x-mac-cyrillic.
_DETECTED = {
    "cp1252": "windows-1252", "iso8859-1": "windows-1252", "iso8859-15": "iso-8859-15", "cp1250": "windows-1250",
    "iso8859-2": "iso-8859-2", "iso8859-3": "iso-8859-3", "iso8859-4": "iso-8859-4", "cp1257": "windows-1257",
    "iso8859-13": "iso-8859-13", "iso8859-10": "iso-8859-10", "iso8859-14": "iso-8859-14", "iso8859-16": "iso-8859-16",
    "cp1251": "windows-1251", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "iso8859-5": "iso-8859-5", "cp866": "ibm866",
    "cp1253": "windows-1253", "iso8859-7": "iso-8859-7", "cp1254": "windows-1254", "iso8859-9": "windows-1254",
    "cp1255": "windows-1255", "iso8859-8": "iso-8859-8", "cp1256": "windows-1256", "iso8859-6": "iso-8859-6",
    "cp1258": "windows-1258", "cp874": "windows-874", "tis-620": "windows-874", "cp932": "shift_jis",
    "shift_jis_2004": "shift_jis", "euc_jis_2004": "euc-jp", "cp949": "euc-kr", "euc_kr": "euc-kr",
    "gb18030": "gb18030", "big5hkscs": "big5",
}  # fmt: skip
_TIE = 0.98  # of the best confidence: chardet's order among those says nothing, their damage does

_MARKUP = re.compile(rb"<[^>]{0,1000}>")
_CONTROLS = re.compile(f"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f{BAD}]")
_WORDS_BEYOND = re.compile(r"[^\0-\x20<>]{0,40}[^\0-\x7f][^\0-\x20<>]{0,40}.?")
_SIGN = r"(?: (?![\p{L}\p{M}\p{Nd}\p{Cf}\p{P}\p{Z}´]) [^\0-\x7f] )"
_OTHER = r"[\p{Greek}\p{Cyrillic}\p{Hebrew}\p{Arabic}]"
_ACCENTED = r"[\p{Latin}&&[^\0-\x7f]]"
_ODD = regex.compile(
    rf"""
    [\x80-\x9f{BAD}\p{{Co}}\p{{Cn}}]                                  # no character at all
    | (?<=\p{{L}}) {_SIGN}{{1,3}} (?=\p{{L}})                         # by³o, itâ€™s
    | (?<=\p{{L}}) [¡¿«»„¶§ÿºª] (?=\p{{Ll}}) | (?<=\p{{L}}) [‚„†‡‰‹›•] (?=\p{{L}})
    | (?<=\p{{Ll}}) (?![A-Z]) \p{{Lu}}+                               # нОВАЯ
    | (?<=[\p{{Ll}}&&[^\0-\x7f]]) [A-Z]
    | (?<=[A-Za-z]) {_OTHER} | {_OTHER} (?=[A-Za-z])                  # cafй
    | (?<=[a-z]) \p{{Han}}{{1,2}} (?=[a-z<\s])                        # caf閟
    | (?<![A-Z]) [ÂÃ] (?: [\xa0-\xbf] | [€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ] )  # mÃ©s
    | (?<!\p{{L}}) [\p{{Lu}}&&[^\0-\x7f]] [©®§¶±·]                    # В© 2020
    | {_ACCENTED}{{5,}} | (?<!\p{{L}}) {_ACCENTED}{{4,}} (?!\p{{L}})  # Íîâàÿ
    """,
    regex.VERBOSE | regex.V1,
)
_READABLE = re.compile(rb"</?[a-zA-Z]{2,10}[^<>]{0,999}>|<p>")


def read_text(data: bytes, declared: Sequence[str]) -> Decoded:
    """The text of bytes that are said to be in these encodings (labels, the one that counts most first; may be none).

    Never a failure: what is bad becomes U+FFFD and is counted.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return decode(data if encoding == "utf-32" else data[len(mark) :], encoding)
    names = [name for name in map(find_encoding, declared) if name is not None]
    wide = _wide(data, names)
    if wide is not None:
        return decode(data, wide)
    names = [name for name in dict.fromkeys(names) if name not in _UTF16]
    if data.isascii():
        return _seven_bits(data, names)
    utf8 = _utf8(data)
    if utf8 is not None and (not names or names[0] == "utf-8"):
        return utf8
    return _least_damaged(data, names, utf8)


def is_text(read: Decoded) -> bool:
    """Whether it is text at all: of an image, a PDF or packed bytes a quarter is control characters, however read."""
    if read.encoding == "utf-8" and not read.replaced:
        return True
    head = read.text[:_LOOK]
    return len(_CONTROLS.findall(head)) * 10 <= len(head)


def _wide(data: bytes, names: Sequence[str]) -> str | None:
    """UTF-16 by its zero bytes, which fill every second place of ASCII; or because it is declared and fits."""
    head = data[:_SAMPLE]
    zeros = [head[parity::2].count(0) for parity in (0, 1)]
    low, high = sorted(zeros)
    if high > 3 and high * 20 > len(head) and low * 10 < high:
        return _UTF16[zeros[0] > zeros[1]]
    if not names or names[0] not in _UTF16 or len(data) < 2 or _READABLE.search(head):
        return None
    narrow = _utf8(head)
    if narrow is not None and len(_CONTROLS.findall(narrow.text)) * 10 < len(narrow.text):
        return None
    order = sorted(_UTF16, key=lambda name: name != names[0])
    return next((name for name in order if _damage(decode(head[: len(head) & ~1], name)) < _FOLLOWED), None)


def _seven_bits(data: bytes, names: Sequence[str]) -> Decoded:
    for encoding, escape in _ESCAPES:
        if escape.search(data) and (encoding != "hz-gb-2312" or encoding in names):
            return decode(data, encoding)
    return Decoded(data.decode("ascii"), names[0] if names else "utf-8")


def _utf8(data: bytes) -> Decoded | None:
    """The text, if it is UTF-8 but for few of its characters: no other encoding's is for so many."""
    read = decode(data, "utf-8")
    beyond = _beyond_ascii(read.text) if read.replaced else 0
    return read if read.replaced <= beyond * _FEW else None


def _least_damaged(data: bytes, names: Sequence[str], utf8: Decoded | None) -> Decoded:
    """Of the declarations, UTF-8 and what is detected, in this order of preference."""
    if utf8 is not None and _proves_utf8(utf8.text, names[0]):
        return utf8
    tried = []
    for name in names:
        read = utf8 if name == "utf-8" and utf8 is not None else decode(data, name)
        damage = _damage(read)
        if damage < _FOLLOWED:
            return read
        tried.append((damage, read))
    if "utf-8" not in names:
        read = utf8 or decode(data, "utf-8")
        damage = _damage(read)
        if damage < _FOLLOWED and not names:
            return read
        tried.append((damage, read))
    tried += [(_damage(read), read) for read in _detect(data)]
    least, best = tried[0]
    for damage, read in tried[1:]:
        if damage < least * _MUCH_LESS:
            least, best = damage, read
    return best


def _proves_utf8(text: str, declared: str) -> bool:
    """Whether bytes that are valid UTF-8 are UTF-8, though they are said to be something else and could be.

    Of words of Korean, Chinese, Japanese in their own encodings 1 in 300 to 1 in 40 is valid UTF-8 by chance, of words
    in one-byte encodings 1 in 100 or fewer (ibm866, iso-8859-5, windows-1250), in each case with one or two characters.
    """
    return sum(len(one.encode()) - 1 for one in set(text) if not one.isascii()) >= _UTF8_PROOF.get(declared, 4)


def _beyond_ascii(text: str) -> int:
    """How many characters are beyond ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def _damage(read: Decoded) -> float:
    """The share of the characters beyond ASCII that are bad, plus that of those in a sample that are odd, at most 1."""
    bad = read.replaced / max(1, _beyond_ascii(read.text)) if read.replaced else 0.0
    words = " ".join(_first(_WORDS_BEYOND.finditer(read.text[:_LOOK]), _SAMPLE))
    beyond = _beyond_ascii(words)
    odd = sum(found.end() - found.start() for found in _ODD.finditer(words)) - words.count(BAD)
    return min(1.0, bad + odd / max(1, beyond))


def _first(found: Iterator[re.Match[str]], size: int) -> Iterator[str]:
    """Matches until they have so many characters."""
    for one in found:
        yield one.group()
        size -= one.end() - one.start()
        if size < 0:
            return


def _detect(data: bytes) -> Iterator[Decoded]:
    """The encodings that chardet finds most likely, windows-1252 where it finds none."""
    from chardet import detect_all  # loads its models, which only pages without a good declaration need

    pieces = (piece for piece in _MARKUP.split(data[:_LOOK]) if not piece.isascii())
    found = detect_all(
        b"\n".join(pieces)[:_SAMPLE], ignore_threshold=True, compat_names=False, include_encodings=list(_DETECTED),
        empty_input_encoding="cp1252", no_match_encoding="cp1252",
    )  # fmt: skip
    found = [one for one in found if one["encoding"] in _DETECTED]
    least = max((one["confidence"] for one in found), default=0.0) * _TIE
    names = [_DETECTED[str(one["encoding"])] for one in found if one["confidence"] >= least]
    for name in dict.fromkeys(names or ["windows-1252"]):
        yield decode(data, name)


_META = re.compile(rb"<meta(?=[\s/])((?:[^>\"']|\"[^\"]{0,999}\"|'[^']{0,999}')*+)", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"([^\s/>=]++)\s*+(?:=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s>]++)))?")
_XML = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;]+))", re.IGNORECASE)
_HEAD = 1 << 14  # the standard says 1,024 bytes; real pages put scripts first


def declared_in(page: bytes) -> str | None:
    """The label in a page's own meta elements, or else in its XML declaration, as the HTML Standard's prescan finds it.

    One that could be read as ASCII is not in UTF-16: such a label means UTF-8; x-user-defined means windows-1252.
    """
    head = without_comments(page[:_HEAD])
    for tag in _META.finditer(head):
        label = _label_of(tag.group(1))
        name = find_encoding(label) if label else None
        if name is not None:
            return {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}.get(name, label)
    found = _XML.match(head)
    label = found.group(1).decode("ascii") if found else None
    return "utf-8" if label and find_encoding(label) in _UTF16 else label


def _label_of(attributes: bytes) -> str | None:
    given: dict[bytes, bytes] = {}
    for found in _ATTRIBUTE.finditer(attributes):
        name, *values = found.groups()
        given.setdefault(name.lower(), next((value for value in values if value is not None), b""))
    label = given.get(b"charset")
    if label is None and given.get(b"http-equiv", b"").strip().lower() == b"content-type":
        found_label = _CHARSET.search(given.get(b"content", b""))
        label = next((value for value in found_label.groups() if value is not None), None) if found_label else None
    return label.decode("ascii", "replace") if label else None


def without_comments(head: bytes) -> bytes:
    """Markup without comments; one that is not closed ends it."""
    parts = []
    at = 0
    while (begin := head.find(b"<!--", at)) >= 0:
        parts.append(head[at:begin])
        end = head.find(b"-->", begin + 2)
        at = len(head) if end < 0 else end + 3
    return b"".join([*parts, head[at:]])
