"""Which licence a text is, by phrases that only it has; what an SPDX expression allows; what a file's head says."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from license_expression import LicenseWithExceptionSymbol, Licensing

from xlcorpus.code.languages import PROSE, language_of
from xlcorpus.errors import UserError, nearest

_LICENSING = Licensing()  # without a list of names: identifiers that nobody knows are read too
UNKNOWN = "NOASSERTION"  # SPDX's word: there is a licence, and nobody could say which
_PERMISSIVE = (
    "0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 ISC MIT MIT-0 NCSA PostgreSQL PSF-2.0 "
    "Python-2.0 Unlicense UPL-1.0 WTFPL X11 Zlib curl"
)
PERMISSIVE = frozenset(_PERMISSIVE.split())


@dataclass(frozen=True)
class _Licence:
    """SPDX identifier; a text is this licence that has all of `phrases` and none of `without`."""

    id: str
    phrases: tuple[str, ...]
    without: tuple[str, ...] = ()


_GRANT = "permission is hereby granted free of charge to any person obtaining a copy"
_NOTICE = "the above copyright notice and this permission notice"
_FEE = "for any purpose with or without fee is hereby granted"
_BSD = ("redistribution and use in source and binary forms", "redistributions of source code must retain")
_NO_ENDORSEMENT = "endorse or promote products derived from"
_ADVERTISING = "all advertising materials mentioning features"
_LICENCES = (
    _Licence("MIT", (_GRANT, _NOTICE), ("for good not evil", "ncsa open source license", "promote the sale")),
    _Licence("X11", (_GRANT, _NOTICE, "promote the sale")),
    _Licence("JSON", (_GRANT, "for good not evil")),
    _Licence("MIT-0", (_GRANT,), (_NOTICE, "ncsa open source license", "redistributions of source code")),
    _Licence("NCSA", (_GRANT, "ncsa open source license")),
    _Licence("ISC", (_FEE, "provided that the above copyright notice")),
    _Licence("0BSD", (_FEE,), ("provided that the above copyright notice",)),
    _Licence("BSD-4-Clause", (*_BSD, _ADVERTISING)),
    _Licence(
        "BSD-3-Clause-Clear", (*_BSD, _NO_ENDORSEMENT, "no express or implied licenses to any party s patent"), ()
    ),
    _Licence("BSD-3-Clause", (*_BSD, _NO_ENDORSEMENT), (_ADVERTISING, "licenses to any party s patent")),
    _Licence("BSD-2-Clause", _BSD, (_NO_ENDORSEMENT, _ADVERTISING)),
    _Licence("Apache-2.0", ("apache license version 2 0 january 2004",)),
    _Licence("Apache-2.0", ("under the apache license version 2 0",)),
    _Licence("MPL-2.0", ("mozilla public license version 2 0",)),
    _Licence("MPL-2.0", ("subject to the terms of the mozilla public license v 2 0",)),
    _Licence("GPL-2.0", ("gnu general public license version 2 june 1991",)),
    _Licence("GPL-3.0", ("gnu general public license version 3 29 june 2007",)),
    _Licence("LGPL-2.0", ("gnu library general public license version 2 june 1991",)),
    _Licence("LGPL-2.1", ("gnu lesser general public license version 2 1 february 1999",)),
    _Licence("LGPL-3.0", ("gnu lesser general public license version 3 29 june 2007",)),
    _Licence("AGPL-3.0", ("gnu affero general public license version 3 19 november 2007",)),
    _Licence("Unlicense", ("free and unencumbered software released into the public domain",)),
    _Licence("CC0-1.0", ("cc0 1 0 universal",)),
    _Licence("CC-BY-4.0", ("attribution 4 0 international",)),
    _Licence("CC-BY-SA-4.0", ("attribution sharealike 4 0 international",)),
    _Licence("CC-BY-NC-4.0", ("attribution noncommercial 4 0 international",)),
    _Licence("CC-BY-NC-SA-4.0", ("attribution noncommercial sharealike 4 0 international",)),
    _Licence("CC-BY-ND-4.0", ("attribution noderivatives 4 0 international",)),
    _Licence("CC-BY-NC-ND-4.0", ("attribution noncommercial noderivatives 4 0 international",)),
    _Licence("EPL-1.0", ("eclipse public license v 1 0",)),
    _Licence("EPL-2.0", ("eclipse public license v 2 0",)),
    _Licence("Zlib", ("the origin of this software must not be misrepresented", "altered source versions")),
    _Licence("BSL-1.0", ("boost software license version 1 0",)),
    _Licence("PSF-2.0", ("python software foundation license version 2",)),
    _Licence("WTFPL", ("do what the fuck you want to public license",)),
    _Licence("EUPL-1.2", ("european union public licence v 1 2",)),
    _Licence("Artistic-2.0", ("the artistic license 2 0",)),
    _Licence("OFL-1.1", ("sil open font license version 1 1",)),
    _Licence("UPL-1.0", ("universal permissive license",)),
    _Licence("BlueOak-1.0.0", ("blue oak model license", "version 1 0 0")),
    _Licence("PostgreSQL", ("for any purpose without fee and without a written agreement is hereby granted",)),
    _Licence("MS-PL", ("microsoft public license ms pl",)),
    _Licence("CDDL-1.0", ("common development and distribution license", "version 1 0")),
    _Licence("SSPL-1.0", ("server side public license version 1",)),
    _Licence("BUSL-1.1", ("business source license 1 1",)),
    _Licence("Elastic-2.0", ("elastic license 2 0",)),
)
# Conditions that a permissive text does not have, and names of licences that are not permissive.
_RIDERS = (
    "general public licen", "mozilla public licen", "share alike", "sharealike", "commons clause",
    "non commercial use", "noncommercial use", "non commercial purposes", "noncommercial purposes",
    "academic use only", "research purposes only", "evaluation purposes only", "internal use only",
)  # fmt: skip
KNOWN = frozenset({licence.id for licence in _LICENCES} | PERMISSIVE)
_CANONICAL = {one.lower(): one for one in KNOWN}
_LICENCE_NAME = re.compile(
    r"(un)?licen[cs]es?([-_. ].*)?|copying([-.].*)?|(mit|apache|bsd|gpl)[-_]licen[cs]e([-_. ].*)?"
)
_NAMED_LICENCE = re.compile(r"licen[cs]e[-_.](mit|apache|bsd|isc|zlib|unlicense|boost|bsl|mpl|l?gpl|cc0|0bsd)[\w.-]*")
_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([^\r\n]*)")
_GNU = re.compile(r"gnu (lesser |library |affero )?general public license(?:.{0,120}?\bversion (2 1|[23])\b)?")
_GNU_NAME = {None: "GPL", "lesser ": "LGPL", "library ": "LGPL", "affero ": "AGPL"}


def is_license_file(name: str) -> bool:
    """Whether a file (path with /) is the text of a licence by its name: LICENSE, COPYING.LESSER, LICENSE-MIT, ..."""
    base = name.rpartition("/")[2].lower()
    language = language_of(base, "")
    if language is not None and language not in PROSE:  # a program about licences: license.lua, licenses.scala
        return False
    if re.search(r"header|template", base):  # what is put into files
        return False
    return _LICENCE_NAME.fullmatch(base) is not None


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def classify_license(text: str) -> str:
    """SPDX identifier of a licence's text, several with AND between; NOASSERTION where nobody can say.

    By phrases, not by the whole text: names and years do not matter, and neither do small changes, seen or not. A
    permissive text that goes on with a condition, or names another kind of licence, has NOASSERTION beside it.
    """
    words = f" {_words(text)} "
    found = {
        one.id
        for one in _LICENCES
        if all(phrase in words for phrase in one.phrases) and not any(phrase in words for phrase in one.without)
    }
    if "PSF-2.0" in found:
        words = words.replace("general public licen", "")  # Python's licence tells how it gets on with it
    if not found or (found <= PERMISSIVE and any(rider in words for rider in _RIDERS)):
        found.add(UNKNOWN)
    return " AND ".join(sorted(found))


def folder_license(texts: Mapping[str, str]) -> str:
    """The licence of a folder from its licence files, texts by name.

    Files that name their licence (LICENSE-MIT, LICENSE-APACHE) are a choice: OR; a short LICENSE beside them that says
    so (`either`) is no licence of its own. Any others hold together: AND; of a GPL beside the LGPL that amends it the
    LGPL counts.
    """
    found = {name: classify_license(text) for name, text in sorted(texts.items())}
    named = {name: one for name, one in found.items() if _NAMED_LICENCE.fullmatch(name.lower())}
    if named and all(found[name] == UNKNOWN and _offers_a_choice(texts[name]) for name in found.keys() - named.keys()):
        found = named
    expressions = list(dict.fromkeys(found.values()))
    if len(expressions) > 1 and found == named:
        return " OR ".join(f"({one})" if " AND " in one else one for one in sorted(expressions))
    if any(one.startswith("LGPL") for one in expressions):
        expressions = [one for one in expressions if not one.startswith("GPL")]
    parts = sorted({part for one in expressions for part in one.split(" AND ")})
    return " AND ".join(parts)


def _offers_a_choice(text: str) -> bool:
    words = _words(text).split()
    return len(words) < 150 and "either" in words


def header_license(head: str) -> str | None:
    """The licence that the head of a source file names: an SPDX line, or the notice of a well-known licence; else None.

    head: its first few thousand characters. An SPDX line that is no expression is NOASSERTION.
    """
    line = _SPDX.search(head)
    if line is not None:
        expression = re.split(r"\*/|-->|\*\)|#\}|%>|[\"']", line.group(1), maxsplit=1)[0].strip()
        try:
            return canonical_expression(expression)
        except ValueError:
            return UNKNOWN
    words = _words(head)
    gnu = _GNU.search(words)
    if gnu is not None:
        version = {"2": "2.0", "3": "3.0", "2 1": "2.1", None: None}[gnu.group(2)]
        return UNKNOWN if version is None else f"{_GNU_NAME[gnu.group(1)]}-{version}"
    found = {name for name, phrase in _NOTICES if phrase in words}
    return " AND ".join(sorted(found)) or None


_NOTICES = (
    ("Apache-2.0", "under the apache license version 2 0"),
    ("MPL-2.0", "subject to the terms of the mozilla public license v 2 0"),
    ("MIT", _GRANT),
    ("EPL-2.0", "eclipse public license v 2 0"),
)


_OPERATORS = ("AND", "OR", "WITH")
_MOST_BRACKETS = 100  # so that no line of a file can exhaust the stack


def _tokens(expression: str) -> list[str]:
    return re.findall(r"[()]|[^\s()]+", expression)


@functools.lru_cache(maxsize=4096)  # a tree has few licences and many files
def _parse(expression: str) -> Any:
    """The tree of an SPDX expression; raises ValueError where it is none."""
    tokens = _tokens(expression)
    # The library lets some slips pass: an operator at the end, two names of which one is in brackets.
    shape = "".join("o" if one.upper() in _OPERATORS else one if one in "()" else "n" for one in tokens)
    letters = re.fullmatch(r"[A-Za-z0-9.+:()\s-]+", expression)
    if letters is None or tokens.count("(") > _MOST_BRACKETS or re.search(r"[n)][n(]|[(o][)o]|^o|o$|^$", shape):
        raise ValueError(f"not an SPDX expression: {expression!r}")
    try:
        return _LICENSING.parse(expression, simple=True)
    except Exception as error:  # it fails with IndexError and the like besides its own
        raise ValueError(f"not an SPDX expression: {expression!r}: {error}") from None


def canonical_expression(expression: str) -> str:
    """An SPDX expression with known identifiers in their usual spelling; raises ValueError where it is none."""
    _parse(expression)
    words = [one.upper() if one.upper() in _OPERATORS else _canonical(one) for one in _tokens(expression)]
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def _canonical(identifier: str) -> str:
    base = _base(identifier)
    return _CANONICAL.get(base.lower(), base) + identifier[len(base) :]


def _base(identifier: str) -> str:
    """Without what says whether later versions count too: GPL-2.0-or-later, GPL-2.0-only, GPL-2.0+ are GPL-2.0."""
    return re.sub(r"(-only|-or-later|\+)$", "", identifier, flags=re.I)


def allows(expression: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX expression can be met with the allowed identifiers alone; exceptions (WITH ...) only add rights.

    Raises ValueError where it is no expression.
    """
    names = frozenset(name.lower() for name in allowed)

    def met(node: Any) -> bool:
        if isinstance(node, _LICENSING.AND):
            return all(met(part) for part in node.args)
        if isinstance(node, _LICENSING.OR):
            return any(met(part) for part in node.args)
        license = node.license_symbol if isinstance(node, LicenseWithExceptionSymbol) else node
        return _base(license.key).lower() in names

    return met(_parse(expression))


def parse_licenses(text: str) -> frozenset[str] | None:
    """The identifiers that `--licenses` allows: `permissive`, a list with commas, or `any` (None).

    Raises UserError for an identifier that is not known here, with the nearest one.
    """
    if text == "any":
        return None
    allowed: set[str] = set()
    for name in (part.strip() for part in text.split(",")):
        if name == "permissive":
            allowed |= PERMISSIVE
        elif _base(name).lower() in _CANONICAL:
            allowed.add(_CANONICAL[_base(name).lower()])
        else:
            raise UserError(
                f"--licenses: {name!r} is no licence known here; {nearest(name, {*KNOWN, 'permissive', 'any'})}",
                remedy="give `permissive`, `any`, or SPDX identifiers with commas between: MIT,Apache-2.0,MPL-2.0",
            )
    return frozenset(allowed)
