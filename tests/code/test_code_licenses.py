"""Licences: texts by their phrases, folders with several, SPDX expressions, heads of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.code.licenses import (
    KNOWN,
    PERMISSIVE,
    allows,
    canonical_expression,
    classify_license,
    folder_license,
    header_license,
    is_license_file,
    parse_licenses,
)
from xlcorpus.errors import UserError

COMMON = Path("/usr/share/common-licenses")  # Debian's

# The phrases by which a text is known, in words of our own around them.
GRANT = "Permission is hereby granted, free of charge, to any person\nobtaining a copy of the mill"
MIT = f"{GRANT}. The above copyright notice and this permission notice go with it."
BSD2 = "Redistribution and use in source and binary forms: fine. Redistributions of source code must retain this."
BSD3 = f"{BSD2} Nobody may endorse or promote products derived from it with our names."
APACHE = "Apache License\n   Version 2.0, January 2004"
GPL3 = "GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007"
LGPL3 = "GNU LESSER GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007. See the GNU General Public License."
ISC = "Use it for any purpose with or without fee is hereby granted, provided that the above copyright notice appears"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIT, "MIT"),
        (f"MIT License\n\nCopyright (c) 1999 Nobody\n\n{MIT}".upper(), "MIT"),
        (GRANT, "MIT-0"),
        (f"{MIT} Use it for Good, not Evil.", "JSON"),
        (BSD2, "BSD-2-Clause"),
        (BSD3, "BSD-3-Clause"),
        (f"{BSD3} All advertising materials mentioning features must say so.", "BSD-4-Clause"),
        (APACHE, "Apache-2.0"),
        (ISC, "ISC"),
        (ISC.partition(", provided")[0], "0BSD"),
        (GPL3, "GPL-3.0"),
        (LGPL3, "LGPL-3.0"),
        (f"{MIT}\n---\n{APACHE}", "Apache-2.0 AND MIT"),
        (f"{MIT}\n---\n{GPL3}", "GPL-3.0 AND MIT"),
        (f"{MIT} With the Commons Clause License Condition.", "MIT AND NOASSERTION"),
        (f"{BSD3} For non-commercial purposes alone.", "BSD-3-Clause AND NOASSERTION"),
        (f"{MIT} Parts are under the GNU General Public Licence.", "MIT AND NOASSERTION"),
        ("All rights reserved.", "NOASSERTION"),
        ("", "NOASSERTION"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert classify_license(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GPL-2", "GPL-2.0"),
        ("GPL-3", "GPL-3.0"),
        ("LGPL-2", "LGPL-2.0"),
        ("LGPL-2.1", "LGPL-2.1"),
        ("LGPL-3", "LGPL-3.0"),
        ("Apache-2.0", "Apache-2.0"),
        ("MPL-2.0", "MPL-2.0"),
        ("BSD", "BSD-3-Clause"),
        ("CC0-1.0", "CC0-1.0"),
        ("GFDL-1.3", "NOASSERTION"),
        ("Artistic", "NOASSERTION"),
    ],
)
def test_real_texts(name: str, expected: str) -> None:
    path = COMMON / name
    if not path.is_file():
        pytest.skip(f"{path} is not there: no Debian system")
    assert classify_license(path.read_text(encoding="utf-8")) == expected


def test_our_own_licence_is_known() -> None:
    assert classify_license((Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")) == "Apache-2.0"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"LICENSE": MIT}, "MIT"),
        ({"LICENSE-MIT": MIT, "LICENSE-APACHE": APACHE}, "Apache-2.0 OR MIT"),
        (
            {"LICENSE": "Under either of the two.", "LICENSE.APACHE": APACHE, "LICENSE.BSD": BSD3},
            "Apache-2.0 OR BSD-3-Clause",
        ),
        (
            {"LICENSE": "Ask us.", "LICENSE.APACHE": APACHE, "LICENSE.BSD": BSD3},
            "Apache-2.0 AND BSD-3-Clause AND NOASSERTION",
        ),
        ({"LICENSE": MIT, "COPYING": GPL3}, "GPL-3.0 AND MIT"),
        ({"LICENSE-MIT": MIT, "LICENSE-THIRD-PARTY": GPL3}, "GPL-3.0 AND MIT"),
        ({"COPYING": GPL3, "COPYING.LESSER": LGPL3}, "LGPL-3.0"),
        ({"LICENSE": MIT, "COPYING": MIT}, "MIT"),
    ],
)
def test_folders_with_several_files(texts: dict[str, str], expected: str) -> None:
    assert folder_license(texts) == expected
    assert folder_license(dict(reversed(texts.items()))) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LICENSE", True),
        ("a/b/License.txt", True),
        ("LICENCE.md", True),
        ("COPYING.LESSER", True),
        ("UNLICENSE", True),
        ("LICENSE-MIT", True),
        ("MIT-LICENSE", True),
        ("license.py", False),
        ("licenses.json", False),
        ("license.lua", False),
        ("licenses.scala", False),
        ("License.tsx", False),
        ("license.rst", True),
        ("license-header.txt", False),
        ("src/copying_machine.txt", False),
        ("README", False),
        ("relicense", False),
    ],
)
def test_licence_files_by_name(name: str, expected: bool) -> None:
    assert is_license_file(name) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("# SPDX-License-Identifier: MIT\n", "MIT"),
        ("/* SPDX-License-Identifier: apache-2.0 or MIT */\n", "Apache-2.0 OR MIT"),
        ("<!-- SPDX-License-Identifier: GPL-2.0-or-later -->", "GPL-2.0-or-later"),
        (
            "// SPDX-License-Identifier: (GPL-2.0 WITH Classpath-exception-2.0)\n",
            "(GPL-2.0 WITH Classpath-exception-2.0)",
        ),
        ("# SPDX-License-Identifier: MIT/X11 of sorts\n", "NOASSERTION"),
        ("# SPDX-License-Identifier:\n", "NOASSERTION"),
        ("// Licensed under the Apache License, Version 2.0 (the\n// thing)", "Apache-2.0"),
        ("# The foundation licenses this to You under\n# the Apache License, Version 2.0", "Apache-2.0"),
        ("# under the terms of the GNU General Public License as published,\n# version 3 of the License", "GPL-3.0"),
        ("/* GNU Lesser General Public License, version 2.1 */", "LGPL-2.1"),
        ("/* under the GNU General Public License */", "NOASSERTION"),
        ("int main(void) { return 0; }\n", None),
    ],
)
def test_heads_of_files(head: str, expected: str | None) -> None:
    assert header_license(head) == expected


@pytest.mark.parametrize(
    ("expression", "allowed", "expected"),
    [
        ("MIT", "MIT", True),
        ("mit", "MIT", True),
        ("MIT OR GPL-3.0-only", "MIT", True),
        ("MIT AND GPL-3.0-only", "MIT", False),
        ("GPL-3.0-only OR MIT AND Apache-2.0", "MIT Apache-2.0", True),
        ("(GPL-3.0 OR MIT) AND Apache-2.0", "MIT", False),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0", True),
        ("GPL-2.0-or-later", "GPL-2.0", True),
        ("GPL-2.0+", "GPL-2.0", True),
        ("NOASSERTION", "MIT", False),
        ("MIT AND NOASSERTION", "MIT", False),
    ],
)
def test_expressions(expression: str, allowed: str, expected: bool) -> None:
    assert allows(expression, frozenset(allowed.split())) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT AND",
        "AND MIT",
        "(MIT",
        "MIT)",
        "MIT Apache-2.0",
        "MIT, ISC",
        "OR",
        "WITH x",
        "MIT OR ISC OR",
        "MIT OR (ISC) X11",
        "MIT WITH OR",
    ],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match="SPDX"):
        canonical_expression(text)


names = st.sampled_from(["MIT", "ISC", "GPL-3.0", "MPL-2.0"])
trees = st.recursive(names, lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner), max_leaves=8)


@given(trees, st.frozensets(names))
def test_expressions_mean_what_they_say(tree: object, allowed: frozenset[str]) -> None:
    def write(node: object) -> str:
        return node if isinstance(node, str) else f"({write(node[1])} {node[0]} {write(node[2])})"  # type: ignore[index]

    def meant(node: object) -> bool:
        if isinstance(node, str):
            return node in allowed
        one, other = meant(node[1]), meant(node[2])  # type: ignore[index]
        return (one and other) if node[0] == "AND" else (one or other)  # type: ignore[index]

    text = write(tree)
    assert allows(text, allowed) is meant(tree)
    assert allows(canonical_expression(text), allowed) is meant(tree)


@given(st.text(alphabet="MITGPL-30.()ANDORWH +", max_size=25))
def test_any_text_is_an_expression_or_is_not(text: str) -> None:
    try:
        canonical = canonical_expression(text)
    except ValueError:
        return
    assert canonical_expression(canonical) == canonical


def test_the_option() -> None:
    assert parse_licenses("any") is None
    assert parse_licenses("permissive") == PERMISSIVE
    assert parse_licenses("mit, GPL-3.0-only") == {"MIT", "GPL-3.0"}
    assert parse_licenses("permissive,MPL-2.0") == PERMISSIVE | {"MPL-2.0"}
    with pytest.raises(UserError, match=r"did you mean 'Apache-2\.0'") as error:
        parse_licenses("MIT,Apache2.0")
    assert error.value.remedy


def test_what_is_called_permissive_asks_for_no_source_and_allows_all_uses() -> None:
    for name in KNOWN:
        if name.startswith(("GPL", "LGPL", "AGPL", "MPL", "EPL", "EUPL", "CC-BY", "SSPL", "BUSL", "Elastic", "CDDL")):
            assert name not in PERMISSIVE
