"""Pages on which a tree takes too long, and their text by the tags alone, in time and memory linear in the page.

Main-content extraction (resiliparse 2.0.1) takes time quadratic in the depth of the tree: 0.06 s for 2,000, 7 s for
16,000 nested <div>; the parser under it (lexbor) in the <option> of a page (1.6 s for 16,000) and in the attributes of
one tag or of all <html> and <body> (0.5 s for 16,000), and it looks up through the whole depth at some tags (0.6 s for
16,000 </p> in 1,000 <div>). Text around tags that are passed over it copies for each of them (0.7 GB for 52,000 <tr>
without a table).
"""

from __future__ import annotations

import html
import io
import re
from collections import Counter

_MOST_DEPTH = 2_000
_MOST_TAGS = 400_000  # in a tree: some 1.5 s and 0.2 GB
_MOST_TO_STRIP = 2_000_000  # some 2.5 s; a page of 64 MB that people read has fewer
_MOST_LOOKS = 15_000_000  # depth summed over all tags
_MOST_COPIED = 500_000_000  # characters, for which some 0.15 GB are taken
_MOST_OPTIONS = 4_000
_MOST_ATTRIBUTES = 4_000
_SMALL = 1 << 16  # characters in which there cannot be enough of anything but depth

# Tags that open no level: void elements, and those that end the one of their name before them.
_NO_LEVEL = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "p", "li", "dt", "dd", "tr", "td", "th", "option",
))  # fmt: skip
_NO_LEVEL_IN_SVG = frozenset(("br", "dd", "dt", "embed", "hr", "img", "li", "meta", "p"))  # the others nest there
_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+"""
_RAW_NAMES = ("script", "style", "title", "textarea", "iframe", "noembed", "noframes")  # no tags are read in them
_IN_SVG = frozenset(("foreignobject", "desc", "title", "annotation-xml"))  # HTML again: too much to keep track of
_ROOTS = frozenset(("html", "head", "body", "frame", "frameset"))
_CELLS = frozenset(("td", "th", "caption"))
_TABLE_PARTS = frozenset(("tr", "tbody", "thead", "tfoot", "col", "colgroup"))
_RAW = "|".join((*_RAW_NAMES, "select"))
_COMMENT = r"<!--(?:-?>|.*?(?:--!?>|\Z))"
_TAG = rf"<(/?)([a-zA-Z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE})*+)>?"
_ALL_TAGS = re.compile(rf"{_COMMENT}|{_TAG}|<[!?/][^>]*+>?", re.DOTALL)
_RAW_OR_TAG = re.compile(
    rf"{_COMMENT}|<({_RAW})(?=[\s/>]).*?(?:</\1(?=[\s/>])[^>]*+>?|\Z)|{_TAG}|<[!?/][^>]*+>?", re.DOTALL | re.IGNORECASE
)
_ONE_ATTRIBUTE = re.compile(_ATTRIBUTE)
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW_NAMES}
_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "nobr", "q", "rb", "rp", "rt", "rtc", "ruby", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
))  # fmt: skip
_PIECE = 1 << 20  # characters of text that are unescaped at once


def is_heavy(page: str) -> bool:
    """Whether a tree of the page would take too long or too much: an estimate from above of all that it grows with."""
    tags = page.count("<")
    if tags <= _MOST_DEPTH and len(page) <= _SMALL:
        return False
    if tags > _MOST_TAGS:
        return True
    open_now: Counter[str] = Counter()
    depth = looks = options = attributes_of_roots = at = 0
    joined = _Joined()
    foreign = False
    while (found := _ALL_TAGS.search(page, at)) is not None:
        gap, at = page[at : found.start()], found.end()
        closing, name, attributes = found.groups()
        name = "" if name is None else name.lower()
        looks += depth
        joined.meet(gap, closing, name, open_now)
        if looks > _MOST_LOOKS or joined.copied > _MOST_COPIED:
            return True
        if not name:
            continue
        if closing:
            if open_now[name]:
                open_now[name] -= 1
                depth -= 1
            continue
        in_svg = foreign or open_now["svg"] > 0 or open_now["math"] > 0
        foreign = foreign or (in_svg and name in _IN_SVG)
        if name in _RAW_END and not in_svg:
            end = _RAW_END[name].search(page, at)
            at = len(page) if end is None else end.end()
            continue
        if len(attributes) > _MOST_ATTRIBUTES and _count(attributes) > _MOST_ATTRIBUTES:
            return True
        options += name == "option"
        attributes_of_roots += _count(attributes) if name in ("html", "body") else 0
        if name not in (_NO_LEVEL_IN_SVG if in_svg else _NO_LEVEL):
            open_now[name] += 1
            depth += 1
        if depth > _MOST_DEPTH or options > _MOST_OPTIONS or attributes_of_roots > _MOST_ATTRIBUTES:
            return True
    return False


class _Joined:
    """Text around tags that the parser passes over: it makes one node of the pieces, and copies it for each of them."""

    def __init__(self) -> None:
        self.copied = 0
        self._size = 0  # of the node that grows here
        self._before_table = 0  # of the node before a table, to which text between its cells goes
        self._in_cell = False

    def meet(self, gap: str, closing: str, name: str, open_now: Counter[str]) -> None:
        """Count a tag, or a comment (name is ''), and the text before it."""
        self._size += len(gap)
        in_table = open_now["table"] > 0
        if in_table and not self._in_cell and gap and not gap.isspace():
            self._before_table += len(gap)
            self.copied += self._before_table
        if name in _CELLS:
            self._in_cell = not closing
        elif name == "table":
            self._in_cell = bool(closing)
            self._before_table = 0 if in_table else self._before_table
        elif name in _TABLE_PARTS:
            self._in_cell = False
        if name in _TABLE_PARTS or name in _CELLS:
            passed = not in_table
        elif closing:
            passed = not open_now[name] and name not in _NO_LEVEL
        else:
            passed = name in _ROOTS or (name == "form" and open_now["form"] > 0) or open_now["select"] > 0
        if passed:
            self.copied += self._size
        else:
            self._size = 0


def _count(attributes: str) -> int:
    return sum(1 for _ in _ONE_ATTRIBUTE.finditer(attributes))


def strip_tags(page: str) -> str:
    """The text of a page without its tags, scripts, styles and lists to choose from; blocks begin lines.

    Raises ValueError where there is little else than tags.
    """
    if page.count("<") > _MOST_TO_STRIP:
        raise ValueError(f"more than {_MOST_TO_STRIP:,} tags")
    out = io.StringIO()
    at = 0
    for found in _RAW_OR_TAG.finditer(page):
        _write(out, page, at, found.start())
        name = found.group(3)
        out.write("" if name is not None and name.lower() in _INLINE else "\n")
        at = found.end()
    _write(out, page, at, len(page))
    out.seek(0)
    lines = (" ".join(line.split()) for line in out)
    return "\n".join(line for line in lines if line)


def _write(out: io.StringIO, page: str, begin: int, end: int) -> None:
    """Text between tags, character references read."""
    while begin < end:
        stop = min(begin + _PIECE, end)
        piece = page[begin:stop]
        out.write(html.unescape(piece) if "&" in piece else piece)
        begin = stop
