"""How often pages in many encodings are read right, next to browsers, resiliparse, charset-normalizer and chardet.

    python -m benchmarks.encodings [--shared ../shared/data] [--pages 2000] [--before ../base] [--quick]

Pages of NTREX in 30 languages, each written in one of its language's encodings, old ones and Unicode, in turn; and of
the Universal Declaration of Human Rights in those whose encodings NTREX has no language for. Each is read five times:
declared (in the header or in a meta element), undeclared, wrongly declared (UTF-8 as iso-8859-1, else as UTF-8), cut in
the middle of a character, and with one byte replaced, both declared. Read right: the whole text, of the damaged ones
all but four characters. Needs charset-normalizer; chardetng-py gives browsers their detector, else
they take windows-1252. `--before`: another working tree of this project.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chardet
from resiliparse.parse.encoding import bytes_to_str, detect_encoding, map_encoding_to_html5

from xlcorpus.ingest.charset import declared_in
from xlcorpus.ingest.encodings import decode, find_encoding
from xlcorpus.ingest.html import decode_html

UNICODE = ("utf-8", "utf-16le")
WESTERN = ("windows-1252",)
CENTRAL = ("windows-1250", "iso-8859-2")
BALTIC = ("windows-1257", "iso-8859-13", "iso-8859-4")
NTREX = {
    "afr": WESTERN, "arb": ("windows-1256", "iso-8859-6"), "bul": ("windows-1251", "iso-8859-5", "ibm866"),
    "cat": WESTERN, "cym": ("iso-8859-14",), "deu": WESTERN, "ell": ("windows-1253", "iso-8859-7"), "eng": WESTERN,
    "est": BALTIC, "fin": WESTERN, "fra-CA": WESTERN, "gle": WESTERN, "heb": ("windows-1255", "iso-8859-8"), "hin": (),
    "hrv": CENTRAL, "isl": WESTERN, "kor": ("euc-kr",), "lav": BALTIC, "mlt": ("iso-8859-3",), "nld": WESTERN,
    "nob": ("windows-1252", "iso-8859-10"), "pol": CENTRAL, "por-BR": WESTERN, "slk": CENTRAL, "spa-MX": WESTERN,
    "srp-Cyrl": ("windows-1251", "iso-8859-5"), "srp-Latn": ("windows-1250",), "tha": ("windows-874",),
    "tur": ("windows-1254",), "yue": ("big5",),
}  # fmt: skip
UDHR = {
    "jpn_Jpan": ("shift_jis", "euc-jp", "iso-2022-jp"), "zho_Hans": ("gbk", "gb18030"), "zho_Hant": ("big5",),
    "rus_Cyrl": ("windows-1251", "koi8-r", "ibm866"), "ukr_Cyrl": ("koi8-u", "windows-1251"), "lit_Latn": BALTIC,
    "hun_Latn": CENTRAL, "ces_Latn": CENTRAL, "vie_Latn": ("windows-1258",), "kor_Hang": ("euc-kr",),
}  # fmt: skip
CODECS = {
    "euc-kr": "cp949", "big5": "big5hkscs", "windows-874": "cp874", "ibm866": "cp866", "shift_jis": "cp932"
}  # fmt: skip
CONDITIONS = ("declared", "undeclared", "wrongly", "cut", "bad byte")


@dataclass(frozen=True)
class Page:
    """A page: its encoding, how it is declared, bytes, header's charset, text as it is right, how much may differ."""

    encoding: str
    condition: str
    body: bytes
    header: str | None
    text: str
    slack: int


def texts(folder: Path, pages: int) -> Iterator[tuple[str, str]]:
    """(encoding, text) of NTREX, then of the declaration."""
    lines = 970 * len(NTREX) // pages
    for language, encodings in NTREX.items():
        with gzip.open(folder / "ntrex" / f"{language}.jsonl.gz", "rt", encoding="utf-8") as stream:
            rows = [json.loads(line)["text"] for line in stream]
        for number, begin in enumerate(range(0, len(rows) - lines + 1, lines)):
            every = (*encodings, *UNICODE)
            yield every[number % len(every)], "\n".join(rows[begin : begin + lines])
    with gzip.open(folder / "udhr" / "udhr.jsonl.gz", "rt", encoding="utf-8") as stream:
        for record in map(json.loads, stream):
            for encoding in UDHR.get(record["lang"], ()):
                paragraphs = record["paragraphs"]
                for begin in range(0, len(paragraphs), 8):
                    yield f"{encoding} (UDHR)", "\n".join(paragraphs[begin : begin + 8])


def _html(text: str, meta: str) -> str:
    """A page with a menu, a heading and paragraphs."""
    title, *content = [line.replace("&", "").replace("<", "") for line in text.split("\n")]
    menu = "".join(f'<li class="item"><a href="/{number}">{line[:20]}</a></li>' for number, line in enumerate(content))
    body = "".join(f"<p>{line}</p>\n" for line in content)
    return (
        f"<!DOCTYPE html>\n<html><head>{meta}<title>{title[:60]}</title><style>p {{ margin: 0 }}</style></head>\n"
        f"<body><nav><ul>{menu}</ul></nav><main><h1>{title}</h1>\n{body}</main></body></html>"
    )


def make_pages(folder: Path, pages: int) -> list[Page]:
    """Every text under every condition; what its encoding cannot write is left out of it."""
    chance = random.Random(1)
    made = []
    for number, (named, text) in enumerate(texts(folder, pages)):
        encoding = named.split(" ")[0]
        codec = CODECS.get(encoding, encoding)
        meta = f'<meta charset="{encoding}">'
        bare = _html(text, "").encode(codec, "ignore")
        page = decode(bare, encoding).text
        in_meta = number % 2 == 0 and encoding != "utf-16le"
        body = _html(text, meta).encode(codec, "ignore") if in_meta else bare
        written = decode(body, encoding).text
        header = None if in_meta else encoding
        wrong = "iso-8859-1" if encoding == "utf-8" else "utf-8"
        at = _inside(body, codec)
        broken = body[:at] + bytes([chance.choice((0xFF, 0x80, 0xC3))]) + body[at + 1 :]
        made += [
            Page(named, "declared", body, header, written, 0),
            Page(named, "undeclared", bare, None, page, 0),
            Page(named, "wrongly", bare, wrong, page, 0),
            Page(named, "cut", body[: at + 1], header, decode(body[:at], encoding).text, 4),
            Page(named, "bad byte", broken, header, written, 4),
        ]
    return made


def _inside(body: bytes, codec: str) -> int:
    """A place in the second half within a character beyond ASCII, if there is one."""
    for at in range(len(body) * 2 // 3, len(body) - 1):
        if body[at] >= 0x80 and (len(body[:at].decode(codec, "ignore").encode(codec)) == at):
            return at
    return len(body) * 2 // 3


def right(page: Page, text: str) -> bool:
    """Whether a page is read right."""
    if not page.slack:
        return text == page.text
    size = min(len(text), len(page.text))
    before = next((at for at in range(size) if text[at] != page.text[at]), size)
    after = next((at for at in range(size - before) if text[-1 - at] != page.text[-1 - at]), size - before)
    return before + after >= max(len(text), len(page.text)) - page.slack


def by_browsers(detector: Any) -> Callable[[Page], str]:
    """Byte order mark, header, meta element, then Firefox's detector, or windows-1252."""

    def read(page: Page) -> str:
        for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")):
            if page.body.startswith(mark):
                return decode(page.body[len(mark) :], encoding).text
        for label in (page.header, declared_in(page.body)):
            if label and (name := find_encoding(label)):
                return decode(page.body, name).text
        if detector is None:
            return decode(page.body, "windows-1252").text
        found = detector.EncodingDetector()
        found.feed(page.body, last=True)
        return decode(page.body, find_encoding(found.guess(tld=None, allow_utf8=False)) or "windows-1252").text

    return read


def by_resiliparse(page: Page) -> str:
    """The header, else what it finds in the page or detects."""
    named = map_encoding_to_html5(page.header, fallback_utf8=False) if page.header else None
    return str(bytes_to_str(page.body, named or detect_encoding(page.body, from_html_meta=True) or "utf-8"))


def by_charset_normalizer(page: Page) -> str:
    """Its best guess; it looks at declarations inside of the page."""
    from charset_normalizer import from_bytes

    return str(from_bytes(page.body).best() or "")


def by_chardet(page: Page) -> str:
    """Its guess from the bytes."""
    return page.body.decode(chardet.detect(page.body)["encoding"] or "ascii", "replace")


def reader_of(tree: Path) -> Callable[[Page], str]:
    """`decode_html` of another working tree."""
    spec = importlib.util.spec_from_file_location("before_html", tree / "xlcorpus" / "ingest" / "html.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda page: getattr(read := module.decode_html(page.body, page.header), "text", read)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--quick", action="store_true", help="this project alone")
    arguments = parser.parse_args()
    pages = make_pages(arguments.shared, arguments.pages)
    readers: dict[str, Callable[[Page], str]] = {"xlcorpus": lambda page: decode_html(page.body, page.header).text}
    if arguments.before:
        readers["xlcorpus before"] = reader_of(arguments.before)
    if not arguments.quick:
        there = importlib.util.find_spec("chardetng_py") is not None
        detector = importlib.import_module("chardetng_py") if there else None
        readers |= {
            "browsers" if detector else "browsers (windows-1252)": by_browsers(detector),
            "resiliparse": by_resiliparse,
            "charset-normalizer": by_charset_normalizer,
            "chardet": by_chardet,
        }
    good: dict[str, dict[tuple[str, str], int]] = defaultdict(Counter)
    total = Counter((page.encoding, page.condition) for page in pages)
    of_ntrex = [page for page in pages if "UDHR" not in page.encoding]
    print(
        f"{len(of_ntrex) // len(CONDITIONS)} pages of NTREX, {(len(pages) - len(of_ntrex)) // len(CONDITIONS)} of UDHR"
    )
    print(f"\n| {'read right':24} | " + " | ".join(f"{one:>10}" for one in CONDITIONS) + " | CPU, ms a page |")
    for name, read in readers.items():
        begin = time.process_time()
        answers = [read(page) for page in pages]
        cpu = (time.process_time() - begin) / len(pages)
        for page, answer in zip(pages, answers, strict=True):
            good[name][page.encoding, page.condition] += right(page, answer)
        for where in ("NTREX", "UDHR"):
            cells = []
            for condition in CONDITIONS:
                keys = [key for key in total if key[1] == condition and ("UDHR" in key[0]) == (where == "UDHR")]
                cells.append(f"{sum(good[name][key] for key in keys) / sum(total[key] for key in keys):10.1%}")
            print(f"| {name + ', ' + where:24} | " + " | ".join(cells) + f" | {cpu * 1000:.2f} |")
        sys.stdout.flush()
    names = [name for name in readers if name.startswith("xlcorpus")]
    print(f"\n| {'encoding':24} | pages | " + " | ".join(f"{one:>12}" for one in CONDITIONS) + " |")
    for encoding in sorted({key[0] for key in total}):
        cells = []
        for condition in CONDITIONS:
            key = encoding, condition
            cells.append(f"{', '.join(f'{good[name][key] / total[key]:.0%}' for name in names):>12}")
        print(f"| {encoding:24} | {total[encoding, 'declared']:5} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
