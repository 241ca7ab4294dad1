"""Stretches of a text that are never switched: URLs, addresses, code, markup, and spans named by a column.

Numbers are protected where words are found (`switchable`): a word that holds a number is not looked up.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from xlcorpus.codeswitch import characters
from xlcorpus.codeswitch.characters import BREAK, TECHNICAL
from xlcorpus.errors import UserError
from xlcorpus.text.characters import Classes, codes_of, is_word
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import ranges
from xlcorpus.text.words import Edges

_ALWAYS = codes_of(characters.ALWAYS_TECHNICAL)
_BLOCKS = regex.compile(
    r"""
    (?P<fence>```|~~~) .*? (?: (?P=fence) | \Z )
    | (?<! [\p{L}\p{M}] ) `[^`\n]+`
    | <!-- .*? (?: --> | \Z )
    | <(?P<tag>script|style|code|pre|math|svg)\b[^<>]{0,500}> .*? (?: </(?P=tag)\s*> | \Z )
    | </?[A-Za-z][^<>]{0,500}>
    """,
    regex.VERBOSE | regex.DOTALL | regex.IGNORECASE,
)
_BLOCK_STARTS = codes_of("`<{}")
_CODE_SIGNS = frozenset("(){}[]=<>")


def protected(points: CodePoints, classes: Classes, named: list[Edges]) -> np.ndarray:
    """int64[k]: code points that may not be switched; some may be there twice.

    points: the texts; classes: of their characters; named: spans of a column, (starts, ends) int64 in `points.codes`.
    """
    signs = classes.where(TECHNICAL)
    found = [_chunks(points, classes.flags, signs), _blocks(points, signs), *named]
    starts = np.concatenate([edges[0] for edges in found])
    sizes = np.concatenate([edges[1] for edges in found]) - starts
    return ranges(starts, sizes)


def _chunks(points: CodePoints, flags: np.ndarray, signs: np.ndarray) -> Edges:
    """Runs without white space that hold a sign of URLs, addresses, file names, code or markup."""
    if not len(signs):
        return signs, signs
    codes = points.codes
    row = np.searchsorted(points.offsets, signs, side="right") - 1
    first, last = points.offsets[row], points.offsets[row + 1]
    sign = codes[signs]
    before = np.where(signs > first, codes[signs - 1], 0x20)
    after = np.where(signs + 1 < last, codes[np.minimum(signs + 1, len(codes) - 1)], 0x20)
    table = characters.classes()
    word_before, word_after = is_word(table[before]), is_word(table[after])
    # A grave accent behind a letter is typed for an apostrophe (Uzbek o`zbek), or ends what `_BLOCKS` finds.
    technical = _one_of(sign, _ALWAYS) & ~((sign == ord("`")) & word_before)
    # example.com, U.S., report.pdf: in each a full stop between two letters.
    technical |= (sign == ord(".")) & word_before & word_after & ((table[before] | table[after]) & BREAK == 0)
    technical |= (sign == ord("/")) & ((after == ord("/")) | (word_after & (table[before] & BREAK != 0)))
    technical |= (sign == ord(":")) & (after == ord(":"))
    technical |= (sign == ord("&")) & word_after
    technical |= (sign == ord("$")) & word_after
    technical |= (sign == ord("(")) & word_before & (after == ord(")"))
    signs, first, last = signs[technical], first[technical], last[technical]
    if not len(signs):
        return signs, signs
    breaks = np.flatnonzero((flags & BREAK) != 0)
    place = np.searchsorted(breaks, signs)
    around = np.concatenate([[-1], breaks, [len(codes)]])
    starts = np.maximum(around[place] + 1, first)
    ends = np.minimum(around[place + 1], last)
    once = np.append(True, starts[1:] != starts[:-1])
    return starts[once], ends[once]


def _blocks(points: CodePoints, signs: np.ndarray) -> Edges:
    """Fenced and quoted code, tags, elements of code, and lines of code; only texts with a sign of these are read."""
    signs = signs[_one_of(points.codes[signs], _BLOCK_STARTS)]
    if not len(signs):
        return signs, signs
    starts: list[int] = []
    ends: list[int] = []
    for row in np.unique(np.searchsorted(points.offsets, signs, side="right") - 1).tolist():
        begin, stop = points.offsets[row : row + 2].tolist()
        text = points.codes[begin:stop].tobytes().decode("utf-32-le")
        for match in _BLOCKS.finditer(text):
            starts.append(begin + match.start())
            ends.append(begin + match.end())
        at = begin
        for line in text.split("\n"):
            body = line.rstrip()
            if body.endswith(("{", "}")) or (body.endswith(";") and not _CODE_SIGNS.isdisjoint(body)):
                starts.append(at)
                ends.append(at + len(line))
            at += len(line) + 1
    return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)


def _one_of(codes: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """bool[n]: `np.isin` for signs of ASCII, without its sorting."""
    table = np.zeros(0x81, dtype=bool)
    table[signs] = True
    return table.take(np.minimum(codes, 0x80))


def named_spans(column: pa.Array | None, points: CodePoints, back: np.ndarray | None = None) -> list[Edges]:
    """Spans of a column list<struct<start, end, ...>>: positions in code points of the text, cut to the text.

    back: where each of other code points comes from (`text.composed`), if the spans are wanted in these.
    Raises UserError where the column has another type.
    """
    if column is None:
        return []
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        raise UserError(
            f"the column of named spans is {kind}, not list<struct<start, end>>",
            remedy="give spans as list<struct<start: int32, end: int32>>, in characters of the text",
        )
    if {"start", "end"} - {field.name for field in kind.value_type}:
        raise UserError(
            f"the column of named spans holds {kind.value_type}: start or end is missing",
            remedy="give spans as list<struct<start: int32, end: int32>>, in characters of the text",
        )
    items = pc.list_flatten(column)
    row = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    first, size = points.offsets[row], points.lengths[row]
    start, end = (
        np.clip(pc.fill_null(pc.struct_field(items, name).cast(pa.int64()), 0).to_numpy(zero_copy_only=False), 0, size)
        for name in ("start", "end")
    )
    some = end > start
    start, end = (first + start)[some], (first + end)[some]
    if back is None:
        return [(start, end)]
    return [(np.searchsorted(back, start, side="right") - 1, np.searchsorted(back, end))]
