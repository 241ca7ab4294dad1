"""Pages that are hostile to parsers: their text comes out, and nothing takes more than linear time or depth."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import TEXTS, read_all, response, wet, write
from xlcorpus.code.languages import language_of
from xlcorpus.ingest.html import extract_text
from xlcorpus.ingest.markup import is_heavy, strip_tags

TEXT = TEXTS["Ethi"]
HEAVY = {
    "options": "<select>" + "<option>a" * 20_000 + f"</select>{TEXT}",
    "options, closed, upper case": "<SELECT>" + "<OPTION value=1>a</OPTION>" * 20_000 + f"</SELECT>{TEXT}",
    "options of many lists": ("<select>" + "<option>a" * 500 + "</select>") * 40 + TEXT,
    "options without a list": "<div>" + "<option>a" * 20_000 + f"</div>{TEXT}",
    "deep": "<div>" * 5_000 + TEXT,
    "deep and closed": "<div>" * 5_000 + TEXT + "</div>" * 5_000,
    "deep, unknown elements": "<x-y>" * 5_000 + TEXT,
    "deep, names with odd letters": "<bodt</title></head>" * 5_000 + f"<p>{TEXT}",
    "deep, names that are no names": "<a@b.c><é><x:1>" * 3_000 + TEXT,
    "deep, end tags of others": "<div></span>" * 5_000 + TEXT,
    "deep tables": "<table><tr><td>" * 5_000 + TEXT,
    "deep in SVG": "<svg>" + "<tr>" * 5_000 + TEXT,
    "deep in SVG, in what is raw text elsewhere": "<svg><style>" + "<g>" * 5_000 + f"</style></svg>{TEXT}",
    "deep in SVG that seems to be closed": (
        "<svg><foreignObject><div></svg></div></foreignObject><style>" + "<g>" * 5_000 + f"</style>{TEXT}"
    ),
    "deep behind a short comment": "<!-->" + "<b>" * 5_000 + TEXT,
    "misnested": "<a><div>" * 5_000 + TEXT,
    "ruby": "<p>" + "<tt><rt>" * 5_000 + TEXT,
    "attributes": "<a " + " ".join(f"a{number}=1" for number in range(20_000)) + f">{TEXT}",
    "attributes with quoted ends": "<a " + " ".join(f'a{number}=">"' for number in range(20_000)) + f">{TEXT}",
    "attributes with tags in them": "<a " + " ".join(f"a{number}='<b>'" for number in range(20_000)) + f">{TEXT}",
    "attributes of many bodies": "".join(f"<body a{number}=1>" for number in range(20_000)) + TEXT,
    "lookups through the depth": "<div>" * 1_500 + "</p>" * 50_000 + TEXT,
    "rows without a table": "<tr class=x>y</tr> " * 50_000 + TEXT,
    "end tags of nothing": "<p>" + "some words </x>" * 20_000 + TEXT,
    "text between rows": "<table>" + "y<tr>" * 40_000 + f"</table>{TEXT}",
    "text and comments between cells": "<table>" + "y<!-- -->" * 40_000 + f"</table>{TEXT}",
    "forms in a form": "<form>" + "some words <form>" * 20_000 + f"</form>{TEXT}",
    "tags in a list to choose from": "<select>" + "some words <b>" * 1_000 + "<p>x" * 40_000 + f"</select>{TEXT}",
    "angles": "<" * 500_000 + f"<p>{TEXT}",
    "tags": "<p>a" * 500_000 + f"<p>{TEXT}",
}
LIGHT = {
    "long": f"<p>{TEXT}</p>" * 5_000,
    "long list": "<ul>" + f"<li>{TEXT}" * 5_000 + "</ul>",
    "long table": "<table>" + f"<tr><td>{TEXT}<td>b" * 3_000 + "</table>",
    "long definitions": "<dl>" + f"<dt>a<dd>{TEXT}" * 3_000,
    "closed": f"<div class=a id=b><b>a</b>{TEXT}<br></div>" * 3_000,
    "a list to choose from": "<select>" + "<option>a" * 300 + f"</select>{TEXT}" + "<p>a" * 3000,
    "script": "<script>" + "if (a<b) {x='<p>'};" * 5_000 + f"</script>{TEXT}",
    "a drawing and a table": "<svg><g></g></svg><table>" + f"<tr><td>{TEXT}" * 3_000,
    "rows and white space": "<table>\n" + f"<tr>\n<td>{TEXT}</td>\n</tr>\n" * 5_000 + "</table>",
    "comments": "<!-- <div> -->" * 5_000 + TEXT,
    "data in an attribute": f"<a data-x='{'x y ' * 50_000}'>{TEXT}</a>",
}


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_pages_give_their_text(name: str) -> None:
    assert is_heavy(HEAVY[name])
    assert extract_text(HEAVY[name]).endswith(TEXT)


@pytest.mark.parametrize("name", LIGHT)
def test_long_pages_are_not_heavy(name: str) -> None:
    assert not is_heavy(LIGHT[name])
    assert TEXT in extract_text(LIGHT[name])


def test_a_page_of_tags_alone_is_a_reject(tmp_path: Path) -> None:
    result = read_all(write(tmp_path / "a.warc", response(b"<b>" * 2_500_000), wet("end")))
    assert result.texts == ["end"]
    assert result.reasons == {"extraction_failed": 1}


STRIPPED = [
    ("<p>a<br>b</p>c", "a\nb\nc"),
    ("a<b>b</b><span>c</span> <i>d</i>", "abc d"),
    ("<p>a &amp; b&lt;c &#x915;</p>", "a & b<c क"),
    ("<script>if (a<b) '</p>'</script>x<STYLE>p{}</STYLE >y", "x\ny"),
    ("<script>never closed <p>x", ""),
    ("a<!-- <p>b</p> -->c<!-->d<!--->e<!-- f --!>g", "a\nc\nd\ne\ng"),
    ("a<!-- never closed <p>b", "a"),
    ("<a title='>' href=\">\">x</a>", "x"),
    ("<a title='never closed>x", ""),
    ("<!DOCTYPE html><?xml?><title>t</title>a </ x>b < c <3 d", "a\nb < c <3 d"),
    ("<select><option>a<option>b</select>c<textarea>d</textarea>", "c"),
    ("<p>ab\u200dc\u200c d\u00a0e", "ab\u200dc\u200c d e"),
]


@pytest.mark.parametrize(("page", "text"), STRIPPED)
def test_text_without_its_tags(page: str, text: str) -> None:
    assert strip_tags(page) == text


PIECES = st.sampled_from(
    ["<", ">", "</", "<!--", "-->", "<a", " b='", '"', "=", "<div>", "<script>", "</script>", "&amp;", "&", "x", " ",
     "<svg>", "<table>", "<tr>", "<td>", "<option>", "<select>", "<p>", "<!", "<?", "\0", "ক", "𞤀", "<b>", "</b>"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=6), st.lists(PIECES, min_size=1, max_size=4))
def test_repeated_pieces_come_to_an_end(begin: list[str], repeated: list[str]) -> None:
    """With the suite's limit of 300 s: an exponential or quadratic pattern would not."""
    page = "".join(begin) + "".join(repeated) * 10_000
    extract_text(page)
    strip_tags(page[:100_000])


@pytest.mark.parametrize(
    "body",
    [
        b"<!---->" * 40 + b"x",
        b"<!-- a -->" * 3_000 + b"<p>x",
        b"<?xml " * 3_000,
        b" \n" * 8_000 + b"x",
        b"<!--" * 4_000,
        b"<meta " * 3_000,
        b"<meta a='" * 3_000,
        b"<meta charset=" * 3_000 + b"x",
        b"<?xml encoding " * 3_000,
    ],
)
def test_pages_without_a_type_whose_beginning_repeats(tmp_path: Path, body: bytes) -> None:
    """`<!---->` forty times, then x, kept an older pattern busy for ever."""
    result = read_all(write(tmp_path / "a.warc", response(body, content_type=""), response(body), wet("end")))
    assert result.records == 3
    assert result.texts[-1] == "end"


@pytest.mark.parametrize(
    "head",
    [
        "<!-- x -->\n<!DOCTYPE html>",
        "\ufeff<html>",
        "  <?xml version='1.0'?>\n<!-- --><p>",
        "<title>t</title>",
        "<A ",
        "<div>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_pages_without_a_type_are_known_by_their_first_tag(tmp_path: Path, head: str, encoding: str) -> None:
    body = f"{head}<p>{TEXT}</p>".encode(encoding)
    assert read_all(write(tmp_path / "a.warc", response(body, content_type=""))).texts == [TEXT]


@pytest.mark.parametrize("head", ["\n" * 4096, " \n" * 2048, "#!" + "/" * 4094, "#!env" + " -a" * 1300, "a(" * 2048])
def test_heads_of_source_files_that_repeat(head: str) -> None:
    for suffix in ("h", "m", "pl", "v", "ts", "fs", "cls", "t", "d"):
        assert language_of(f"a.{suffix}", head) is None or head
    assert language_of("a", head) is None
