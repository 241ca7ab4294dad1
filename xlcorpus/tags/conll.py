"""Sentences of CoNLL files: a token a line, its columns between tabs or spaces, a blank line behind each sentence.

Known by their number of columns: two (token, tag), three (token, part of speech, tag), four as in CoNLL-2003 (token,
part of speech, chunk, tag), ten as in CoNLL-U (with tabs and a number first). CoNLL-U: of words that are written
together (`1-2 vámonos`) the written form is the token, with the first word's values where its own are `_`; empty nodes
(`1.1`) are no tokens. Comments (`# sent_id = 1`) and -DOCSTART- lines are no tokens; `# text = ...` is the text where
the tokens stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

CONLL_U = ("id", "tokens", "lemmas", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_BY_COUNT = {
    1: ("tokens",),
    2: ("tokens", "tags"),
    3: ("tokens", "pos_tags", "tags"),
    4: ("tokens", "pos_tags", "chunk_tags", "tags"),
}
SKIPPED = ("_", "id")  # names of columns that are not kept
_TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
_DOCUMENT = "-DOCSTART-"
_RANGE, _EMPTY = re.compile(r"(\d+)-(\d+)"), re.compile(r"\d+\.\d+")


class BadSentence(ValueError):
    """A sentence whose lines have unlike numbers of columns; the message names the line."""


@dataclass(frozen=True)
class Sentence:
    """text: what `# text = ` says, else None; values: of each column that is kept, one a token."""

    text: str | None
    values: tuple[list[str], ...]


def columns_by_count(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names of the columns of a file, from the fields of its first tokens; () where it has none.

    Raises ValueError where the tokens are numbered and it is not CoNLL-U: what the other columns are, differs
    (GermEval 2014: token, outer and inner tag; Universal NER: token, tag and two signs).
    """
    if len(rows) > 1 and rows[0][0] == "#" and len(rows[0]) != len(rows[1]):
        rows = rows[1:]  # a comment with a tab, as GermEval has them
    if not rows:
        return ()
    fields = rows[0]
    if len(fields) == len(CONLL_U) and fields[0].partition("-")[0].isdecimal():
        return CONLL_U
    if len(rows) > 1 and all(row[0] == str(number) for number, row in enumerate(rows, 1)):
        raise ValueError(f"its first column numbers the tokens, and nothing says what the other {len(fields) - 1} are")
    found = _BY_COUNT.get(len(fields))
    if found is not None:
        return found
    return ("tokens", *(f"column_{number}" for number in range(2, len(fields))), "tags")


def parse_columns(given: str) -> tuple[str, ...]:
    """Names with commas between; raises ValueError where tokens is not among them, or a name is there twice."""
    names = tuple(name.strip() for name in given.split(","))
    kept = [name for name in names if name not in SKIPPED]
    if "tokens" not in names or "" in names or len(set(kept)) < len(kept) or "text" in names:
        raise ValueError("name each column once, `tokens` among them, `_` for those to leave out, none `text`")
    return names


def first_rows(text: str) -> list[list[str]]:
    """The fields of the first three tokens of a text that stand in one sentence; of the first one that has any."""
    rows: list[list[str]] = []
    for line in text.split("\n"):
        fields = _fields(line, "\t" in text)
        if fields is not None:
            rows.append(fields)
        if len(rows) == 3 or (rows and not line.strip()):
            break
    return rows


def _fields(line: str, tabs: bool) -> list[str] | None:
    """The fields of a line; None where it is no token. tabs: the sentence has some."""
    if not line.strip() or line.startswith(_DOCUMENT) or _is_comment(line, tabs):
        return None
    return line.split("\t") if tabs else line.split()


def _is_comment(line: str, tabs: bool) -> bool:
    """A sign # may be a token, with its columns behind it. A comment has no tab; where there are none, it has `=`, or
    more words than a token has columns."""
    if not line.startswith("#") or "\t" in line:
        return False
    return tabs or "=" in line or len(line.split()) > len(_BY_COUNT)


def parse_sentence(text: str, names: Sequence[str]) -> Sentence | None:
    """A sentence; None where it has no token. text: its lines; raises BadSentence."""
    given: str | None = None
    rows: list[list[str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        said = _TEXT.match(line)
        if said is not None and "\t" not in line:
            given = said[1]
            continue
        fields = _fields(line, "\t" in text)
        if fields is None or (names[0] == "id" and fields[0] == "#"):
            continue
        if len(fields) != len(names):
            raise BadSentence(
                f"line {number} of the sentence has {len(fields)} columns, not {len(names)} ({', '.join(names)})"
            )
        rows.append(fields)
    if names == CONLL_U:
        rows = _written(rows)
    if not rows:
        return None
    kept = [at for at, name in enumerate(names) if name not in SKIPPED]
    return Sentence(given, tuple([row[at] for row in rows] for at in kept))


def _written(rows: list[list[str]]) -> list[list[str]]:
    """The rows of CoNLL-U that are written words."""
    found: list[list[str]] = []
    last = 0  # the last word of the range that was begun
    waiting = False
    for row in rows:
        together = _RANGE.fullmatch(row[0])
        if together is not None:
            last, waiting = int(together[2]), True
            found.append(list(row))
        elif _EMPTY.fullmatch(row[0]):
            continue
        elif row[0].isdecimal() and int(row[0]) <= last:
            if waiting:
                found[-1] = [own if own != "_" else theirs for own, theirs in zip(found[-1], row, strict=True)]
                waiting = False
        else:
            found.append(row)
    return found
