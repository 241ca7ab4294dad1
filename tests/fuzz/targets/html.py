"""Pages of HTML in many character sets: soup, depth, attributes, comments and entities by the thousand."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_outcome, read_files
from tests.fuzz.target import Case, Target
from tests.fuzz.texts import CODECS

QUOTES = ("'", '"', '"', "")
_TAGS = (
    "div p span a ul li ol table tr td th tbody select option optgroup form input textarea button script "
    "style svg math template iframe noscript head body html title meta link br hr img h1 h6 pre code "
    "blockquote article section nav main header footer aside b i em font center frameset frame plaintext "
    "xmp listing object embed video dl dt dd ruby rt details dialog marquee foreignObject annotation-xml "
    "caption col colgroup figure x-own o:p "
)
TAGS = tuple(_TAGS.split())
TOKENS = (
    b"<!---->",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?xml version='1.0' encoding='",
    b"<!DOCTYPE html>",
    b"<meta charset=",
    b"<meta http-equiv=content-type content='text/html; charset=",
    b"</",
    b"<div>",
    b"<option>",
    b"<a href=",
    b" a=b",
    b' x="',
    b"&amp;",
    b"&#x1F600;",
    b"&#0;",
    b"&#xD800;",
    b"&nbsp",
    b"&",
    b"<select>",
    b"<table><tr><td>",
    b"<svg><",
    b"<math><mi>",
    b"<template>",
    b"<p>",
    b"<b><i>",
    b"<form>",
    b"</p>",
    b"<li>",
    b"<textarea>",
    b"<script>",
    b"<style>",
    b"<plaintext>",
    b"<font>",
    b"<button>",
)


def element(chaos: random.Random, depth: int = 0) -> str:
    """A piece of a page."""
    kind = chaos.random()
    if depth > 6 or kind < 0.3:
        return chaotic.text(chaos, 2)
    if kind < 0.36:
        return f"<!--{chaotic.text(chaos, 1)}{chaos.choice(('-->', '-->', '--!>', '>', ''))}"
    if kind < 0.4:
        return chaos.choice(("&amp;", "&#x41;", "&#999999999;", "&#xD800;", "&nbsp;", "&notit;", "&", "&#"))
    tag = chaos.choice(TAGS)
    names = ("class", "id", "href", "style", "src", "lang", "dir", "onload", "data-x", "é", "charset", "content")
    attributes = "".join(
        f" {chaos.choice(names)}{chaos.choice('== ')}{chaos.choice(QUOTES)}{chaos.choice(('menu', 'x', 'y>z', ''))}"
        for _ in range(chaos.choice((0, 0, 1, 2)))
    )
    inner = "".join(element(chaos, depth + 1) for _ in range(chaos.randint(0, 3)))
    return f"<{tag}{attributes}>{inner}" + (f"</{tag}>" if chaos.random() < 0.8 else "")


def pumped(chaos: random.Random) -> str:
    """One thing very often: nested, beside itself, never closed, badly nested."""
    tag, other = chaos.choice(TAGS), chaos.choice(TAGS)
    form = chaos.choice(
        (
            "<{0}>",
            "<{0}></{0}>",
            "<{0}><{1}>",
            "</{0}>",
            "<{0} a=1>",
            "<{0}>x",
            "<!--{0}-->",
            "<{0}",
            "<{0} a{0}",
            "<{0}><{1}></{0}>",
            "</{0}><{1}>",
            "&{0};",
            "<{0}>x</{1}>",
            "<{0} class=x>y</{0}> ",
        )
    )
    part = form.format(tag, other)
    return chaos.choice(("", f"<{other}>", "<html><body>")) + part * chaotic.times(
        chaos, chaotic.MOST_BYTES // len(part)
    )


def make(chaos: random.Random) -> Case:
    """A page, in some character set that it says or not."""
    codec, said = chaos.choice(CODECS), chaos.choice(CODECS)
    if chaos.random() < 0.7:
        said = codec
    declared = chaos.choice(
        ("", f"<meta charset={said}>", f"<meta http-equiv=content-type content='text/html; charset={said}'>")
    )
    body = pumped(chaos) if chaos.random() < 0.25 else "".join(element(chaos) for _ in range(chaos.randint(1, 6)))
    data = f"<html><head>{declared}<title>t</title></head><body>{body}</body></html>".encode(codec, "xmlcharrefreplace")
    if chaos.random() < 0.6:
        data = chaotic.damage(chaos, data, TOKENS)
    media = chaos.choice(
        ("text/html", f"text/html; charset={said}", 'text/html;charset="x', "application/xhtml+xml", "")
    )
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\n\r\n" if media else "HTTP/1.1 200 OK\r\n\r\n"
    block = head.encode() + data
    start = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n" % len(
        block
    )
    return Case({"page.warc": start + block + b"\r\n\r\n"}, {"records": 1, "valid": True})


def run(case: Case, folder: Path) -> int:
    """One record, and no page that the extractor fails on."""
    outcome = read_files([folder / "page.warc"])
    check_outcome(outcome, case.about)
    return outcome.records


TARGET = Target("html", make, run)
