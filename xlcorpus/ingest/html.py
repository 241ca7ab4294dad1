"""Text of an HTML page: character set, then main content by resiliparse.

Why resiliparse (2.0.1) and not trafilatura (2.3.1); `benchmarks/html_extraction.py`, 225 generated pages in 15 scripts
and 5 layouts, CPU time a page:

| extractor         | CPU     | content kept | of it Bengali | boilerplate let through | CPU, real page of 73 KB |
| ----------------- | ------- | ------------ | ------------- | ----------------------- | ----------------------- |
| resiliparse, main | 0.15 ms | 100 %        | 100 %         | 40 %                    | 1.6 ms                  |
| resiliparse, all  | 0.08 ms | 100 %        | 100 %         | 100 %                   | 0.9 ms                  |
| trafilatura       | 3.5 ms  | 93 %         | 28 %          | 24 %                    | 36 ms                   |
| trafilatura fast  | 1.7 ms  | 93 %         | 28 %          | 28 %                    | 30 ms                   |

trafilatura deletes U+200C and U+200D, which changes words in Persian, Bengali, Hindi and others (the 28 %), and drops
repeated or very short passages. What resiliparse lets through is on pages without HTML5 elements or telling class names
(100 % there, 0 % on the others; trafilatura 14 to 84 % there): the quality filter can still take that out, while lost
text is lost. Of the real page both keep the same 43 % of Common Crawl's text, which has the menus.
Known to be weak: a `<ul>` fewer than three elements below `<body>` is taken for navigation.
"""

from __future__ import annotations

import re

from resiliparse.extract.html2text import extract_plain_text

from xlcorpus.ingest.charset import declared_in, read_text
from xlcorpus.ingest.encodings import Decoded

# Main-content extraction takes time quadratic in the depth of the tree: 0.06 s at 2,000, 7 s at 16,000 nested <div>.
_MAX_DEPTH = 2000
_NO_DEPTH = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "p", "li", "dt", "dd", "tr", "td", "th", "option",
))  # fmt: skip
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
# So does parsing in the attributes of one tag: 0.07 s for 5,000, 1.1 s for 20,000.
_LONG_TAG = 20_000
_MAX_ATTRIBUTES = 5_000


def decode_html(body: bytes, declared: str | None) -> Decoded:
    """The page as text; `declared` is the charset of the HTTP header, if any, which counts more than the page's own."""
    labels = (declared, declared_in(body))
    return read_text(body, [label for label in labels if label])


def extract_text(page: str) -> str:
    """The main content of a page as plain text, paragraphs and lists kept; all its text where none is found."""
    page = _tame(page)
    if not _too_deep(page):
        text = extract_plain_text(page, main_content=True, preserve_formatting=True) or ""
        if text.strip():
            return str(text).strip()
    return str(extract_plain_text(page, main_content=False, preserve_formatting=True) or "").strip()


def _tame(page: str) -> str:
    """Take the attributes from tags that have thousands of them."""
    if max(map(len, page.split(">"))) <= _LONG_TAG:
        return page

    def shorten(found: re.Match[str]) -> str:
        unquoted = re.sub(r"\"[^\"]*\"|'[^']*'", "", found.group())
        return found.group() if len(unquoted.split()) <= _MAX_ATTRIBUTES else f"<{found.group(1)}>"

    return re.sub(r"<([a-zA-Z][a-zA-Z0-9:-]*)\s[^<>]{20000,}>?", shorten, page)


def _too_deep(page: str) -> bool:
    """Whether tags are nested more than 2,000 deep (an estimate from above: omitted end tags count as nesting)."""
    if page.count("<") - page.count("</") <= _MAX_DEPTH:
        return False
    depth = 0
    for found in _TAG.finditer(page):
        if found.group(2).lower() in _NO_DEPTH:
            continue
        depth += -1 if found.group(1) else 1
        if depth > _MAX_DEPTH:
            return True
    return False
