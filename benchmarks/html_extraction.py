"""Compare HTML text extractors: CPU time, content kept, boilerplate let through, by script and by layout.

    python benchmarks/html_extraction.py [--shared ../shared/data] [--repeat 5]

Pages are generated from the Universal Declaration of Human Rights (public domain): articles as content; menu entries,
teasers, a cookie notice and a footer made of the preamble as boilerplate. A paragraph counts as kept, and a piece of
boilerplate as let through, when it is in the output whole (white space aside). Then the real page of
`warc/whirlwind.warc.gz` against Common Crawl's own text of it, which keeps menus. Needs trafilatura.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trafilatura
from resiliparse.extract.html2text import extract_plain_text

from xlcorpus.ingest.find import find_files
from xlcorpus.ingest.http_message import decode_body, parse_http
from xlcorpus.ingest.warc_records import Record, read_records
from xlcorpus.raw.options import ReadOptions

LANGUAGES = (
    "kmb_Latn", "bul_Cyrl", "arb_Arab", "ben_Beng", "hin_Deva", "tam_Taml", "khm_Khmr", "lao_Laoo", "mya_Mymr",
    "zho_Hans", "yue_Hani", "tir_Ethi", "heb_Hebr", "bod_Tibt", "chr_Cher",
)  # fmt: skip

EXTRACTORS: dict[str, Callable[[str], str | None]] = {
    "resiliparse main": lambda page: extract_plain_text(page, main_content=True, preserve_formatting=True),
    "resiliparse all": lambda page: extract_plain_text(page, main_content=False, preserve_formatting=True),
    "trafilatura": trafilatura.extract,
    "trafilatura fast": lambda page: trafilatura.extract(page, fast=True),
    "trafilatura recall": lambda page: trafilatura.extract(page, favor_recall=True),
}


@dataclass(frozen=True)
class Page:
    """A page and what it is made of."""

    script: str
    layout: str
    source: str
    content: tuple[str, ...]
    boilerplate: tuple[str, ...]


def semantic(title: str, content: list[str], menu: list[str], teasers: list[str], footer: list[str]) -> str:
    """HTML5 elements say what is what."""
    return (
        f"<header><nav><ul>{_items(menu)}</ul></nav></header><main><article><h1>{title}</h1>{_paragraphs(content)}</article>"
        f"</main><aside>{_paragraphs(teasers)}</aside><footer>{_paragraphs(footer)}</footer>"
    )


def classes(title: str, content: list[str], menu: list[str], teasers: list[str], footer: list[str]) -> str:
    """Only class names say it."""
    return (
        f'<div class="navbar"><ul class="menu">{_items(menu)}</ul></div><div id="wrapper"><div class="sidebar widget">'
        f'{_paragraphs(teasers)}</div><div class="post-content"><h2>{title}</h2>{_paragraphs(content)}</div></div>'
        f'<div id="footer">{_paragraphs(footer)}</div>'
    )


def bare(title: str, content: list[str], menu: list[str], teasers: list[str], footer: list[str]) -> str:
    """No names at all: links and lengths are the only hints."""
    links = " | ".join(f'<a href="/{index}">{one}</a>' for index, one in enumerate(menu))
    related = "".join(f'<div><a href="/t{index}">{one}</a></div>' for index, one in enumerate(teasers))
    main = f"<div><b>{title}</b><div>{_paragraphs(content)}</div></div>"
    return f"<div>{links}</div>{main}{related}<div>{'<br>'.join(footer)}</div>"


def table(title: str, content: list[str], menu: list[str], teasers: list[str], footer: list[str]) -> str:
    """Laid out in a table, text broken by <br>, as pages of the nineties and many small sites still are."""
    links = "<br>".join(f'<a href="{index}.htm">{one}</a>' for index, one in enumerate(menu))
    related = "<br>".join(f'<a href="t{index}.htm">{one}</a>' for index, one in enumerate(teasers))
    return (
        f'<table><tr><td width="20%">{links}</td><td><font size="+2">{title}</font><br>{"<br><br>".join(content)}</td>'
        f'<td>{related}</td></tr><tr><td colspan="3"><small>{" ".join(footer)}</small></td></tr></table>'
    )


def rich(title: str, content: list[str], menu: list[str], teasers: list[str], footer: list[str]) -> str:
    """Content in lists, quotes, tables and headings; a banner, sharing buttons and related links around it."""
    shapes = ("<p>{}</p>", "<ul><li>{}</li></ul>", "<blockquote>{}</blockquote>", "<h3>{}</h3>", "<div>{}</div>",
              "<table><tr><td>{}</td></tr></table>", "<dl><dt></dt><dd>{}</dd></dl>", "<pre>{}</pre>")  # fmt: skip
    body = "".join(shapes[index % len(shapes)].format(one) for index, one in enumerate(content))
    return (
        f'<div class="cookie-banner">{footer[0]}</div><nav>{_items(menu)}</nav><div id="page"><div class="row">'
        f'<div class="content"><h1>{title}</h1>{body}<div class="share-buttons">{_items(menu[:3])}</div></div></div>'
        f'<div class="related-posts">{_paragraphs(teasers)}</div></div><footer>{_paragraphs(footer[1:])}</footer>'
    )


LAYOUTS = (semantic, classes, rich, bare, table)
LENGTHS = (1, 3, 20)


def _items(texts: list[str]) -> str:
    return "".join(f'<li><a href="/{index}">{one}</a></li>' for index, one in enumerate(texts))


def _paragraphs(texts: list[str]) -> str:
    return "".join(f"<p>{one}</p>" for one in texts)


def make_pages(shared: Path) -> list[Page]:
    """One page a language, layout and length (1, 3 and 20 paragraphs)."""
    texts: dict[str, list[str]] = {}
    with gzip.open(shared / "udhr" / "udhr.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            record = json.loads(line)
            texts.setdefault(record["lang"], [html.escape(" ".join(one.split())) for one in record["paragraphs"]])
    pages = []
    for language in LANGUAGES:
        paragraphs = texts.get(language, [])
        # Titles are short; what is neither may stand inside something else and could not be told apart.
        median = sorted(map(len, paragraphs))[len(paragraphs) // 2] if paragraphs else 0
        long = list(dict.fromkeys(one for one in paragraphs[2:] if len(one) >= median))
        short = [
            one for one in dict.fromkeys(paragraphs[2:]) if len(one) < median and not any(one in text for text in long)
        ]
        if len(long) < 25 or len(short) < 5:
            print(f"{language}: too few paragraphs, left out")
            continue
        menu = short[:12]
        teasers, footer, rest = long[:3], long[3:5], long[5:]
        for layout in LAYOUTS:
            for count in LENGTHS:
                content = rest[:count]
                body = layout(paragraphs[0], content, menu, teasers, footer)
                head = f'<head><meta charset="utf-8"><title>{paragraphs[0]}</title></head>'
                source = f"<!DOCTYPE html><html>{head}<body>{body}</body></html>"
                boilerplate = tuple(html.unescape(one) for one in [*menu, *teasers, *footer])
                script = language.partition("_")[2]
                pages.append(Page(script, layout.__name__, source, tuple(map(html.unescape, content)), boilerplate))
    return pages


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFC", text))  # trafilatura normalises, resiliparse does not


def measure(pages: list[Page], extract: Callable[[str], str | None], repeat: int) -> None:
    """Print CPU time a page, content kept and boilerplate let through: over all, by layout and by script."""
    begin = time.process_time()
    for _ in range(repeat):
        outputs = [extract(page.source) or "" for page in pages]
    cpu = (time.process_time() - begin) / repeat / len(pages)
    kept: Counter[str] = Counter()
    leaked: Counter[str] = Counter()
    content: Counter[str] = Counter()
    boilerplate: Counter[str] = Counter()
    for page, output in zip(pages, outputs, strict=True):
        squeezed = _squeeze(output)
        for key in ("all", page.layout, f"{len(page.content)} par.", page.script):
            content[key] += len(page.content)
            boilerplate[key] += len(page.boilerplate)
            kept[key] += sum(_squeeze(one) in squeezed for one in page.content)
            leaked[key] += sum(_squeeze(one) in squeezed for one in page.boilerplate)
    print(f"  {cpu * 1000:.2f} ms of CPU a page")
    for what, counts, totals in (("kept", kept, content), ("boilerplate", leaked, boilerplate)):
        print(f"  {what}: " + ", ".join(f"{key} {counts[key] / totals[key]:.0%}" for key in totals))


def measure_real(shared: Path, repeat: int) -> None:
    """The Common Crawl page: CPU time, words shared with Common Crawl's own text of it."""
    files = {file.name: file for file in find_files([str(shared / "warc")], ReadOptions())}

    def record(name: str, kind: str) -> Record:
        found = (one for one in read_records(files[name], 1 << 30) if isinstance(one, Record) and one.type == kind)
        return next(found)

    message = parse_http(record("whirlwind.warc.gz", "response").block or b"")
    assert message is not None
    page = decode_body(message, 1 << 30).decode("utf-8")
    reference = Counter(
        re.findall(r"\w+", (record("whirlwind.warc.wet.gz", "conversion").block or b"").decode("utf-8"))
    )
    for name, extract in EXTRACTORS.items():
        begin = time.process_time()
        for _ in range(repeat):
            output = extract(page) or ""
        cpu = (time.process_time() - begin) / repeat
        words = Counter(re.findall(r"\w+", output))
        common = (words & reference).total()
        print(
            f"  {name:18} {cpu * 1000:6.2f} ms   {words.total():5,} words   "
            f"{common / reference.total():5.1%} of the WET's   {common / max(1, words.total()):5.1%} in the WET"
        )


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    pages = make_pages(arguments.shared)
    size = sum(len(page.source.encode()) for page in pages) / len(pages)
    print(
        f"{len(pages)} generated pages, {size / 1024:.1f} KB on average, {len({page.script for page in pages})} scripts"
    )
    for name, extract in EXTRACTORS.items():
        print(name)
        measure(pages, extract, arguments.repeat)
    print("whirlwind.warc.gz (one Aragonese Wikipedia page, 73 KB)")
    measure_real(arguments.shared, arguments.repeat * 4)


if __name__ == "__main__":
    main()
