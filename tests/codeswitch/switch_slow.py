"""dict-word again, one word after the other in plain Python: what the fast one must equal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import regex
import xxhash
from fontTools.unicodedata import script

from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.text.properties import UNSPACED_SCRIPTS

MASK = (1 << 64) - 1
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}\u200c\u200d]")
_FOLLOWS = regex.compile(r"[\p{M}ะาำๅະາຳ]")
_OF_ONE_BEFORE = regex.compile("[ぁぃぅぇぉゃゅょゎァィゥェォッャュョヮㇰ-ㇿーｧ-ｰﾞﾟ々〻ゝゞヽヾๆໆៗฯຽ]")
# No word ends behind the first, none begins with a letter before the second.
_OPENS, _KILLED = regex.compile(r"[เแโใไั][\p{M}ะาำๅ]*"), regex.compile(r"[\p{M}ะาำๅ]?\u0e4c")
APOSTROPHES = "'’‘‛′`´＇ʻʼʹˈꞋꞌ՚׳"
INSIDE = APOSTROPHES + "·•‧:\u05be\u00ad"
CLITICS = {"eng": ("", "s re ll ve d m"), "fra": ("l d j m t s n c qu jusqu lorsqu puisqu quoiqu", "")}


def mix(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def fold(word: str) -> str:
    def one(c: str) -> str:
        if c in APOSTROPHES:
            return "'"
        if c in "•‧":
            return "·"
        return c.casefold() if len(c.casefold()) == 1 else c.lower()[0]

    return "".join(one(c) for c in word)


def unspaced(c: str) -> bool:
    return c in "ー〆" or (_WORD.match(c) is not None and script(c) in UNSPACED_SCRIPTS)


def spaced(c: str) -> bool:
    return _WORD.match(c) is not None and not unspaced(c)


def han_or_kana(c: str) -> bool:
    return 0x2E80 <= ord(c) < 0xA4D0 or 0xF900 <= ord(c) < 0xFB00 or ord(c) >= 0x1B000


@dataclass
class Word:
    start: int
    end: int
    entries: list[str] | None = None
    exact: bool = False
    unspaced: bool = False


class Dictionary:
    """One direction: exact and folded spelling to candidates."""

    def __init__(self, entries: list[tuple[str, str]], candidates: int, language: str = "") -> None:
        self.before, self.behind = (clitics.split() for clitics in CLITICS.get(language, ("", "")))
        self.exact: dict[str, list[str]] = {}
        self.folded: dict[str, list[str]] = {}
        for src, tgt in entries:
            if fold(src) == fold(tgt) or not self._is_word(src):
                continue
            for table, key in ((self.exact, src), (self.folded, fold(src))):
                kept = table.setdefault(key, [])
                if tgt not in kept and len(kept) < candidates:
                    kept.append(tgt)
        self.longest = max((len(key) for key in self.folded), default=0)

    @staticmethod
    def _is_word(src: str) -> bool:
        if regex.search(r"\p{N}", src):
            return False
        if all(map(unspaced, src)):
            return len(src) <= 16 and not _FOLLOWS.match(src) and (len(src) > 1 or han_or_kana(src))
        return all(spaced(c) or (c in INSIDE and 0 < i < len(src) - 1) for i, c in enumerate(src))

    def find(self, word: str) -> tuple[list[str] | None, bool]:
        if fold(word) != word and any(regex.match(r"[\p{Lu}\p{Lt}]", c) for c in word) and word in self.exact:
            return self.exact[word], True
        return self.folded.get(fold(word)), False


def words_of(text: str, dictionary: Dictionary) -> list[Word]:
    letter = [spaced(c) for c in text]
    for i in range(1, len(text) - 1):
        if text[i] in INSIDE and spaced(text[i - 1]) and spaced(text[i + 1]):
            letter[i] = True
    words, i = [], 0
    while i < len(text):
        end = i
        if letter[i]:
            while end < len(text) and letter[end]:
                end += 1
            if not regex.search(r"\p{N}", text[i:end]) and regex.search(r"[^\p{M}\u200c\u200d]", text[i:end]):
                words.append(_spaced_word(text, i, end, dictionary))
        elif unspaced(text[i]):
            while end < len(text) and unspaced(text[end]):
                end += 1
            words += _segment(text, i, end, dictionary)
        i = max(end, i + 1)
    return words


def _spaced_word(text: str, start: int, end: int, dictionary: Dictionary) -> Word:
    entries, exact = dictionary.find(text[start:end])
    inner = [i for i in range(start + 1, end) if text[i] in INSIDE]
    if entries is None and len(inner) == 1 and text[inner[0]] in APOSTROPHES:
        at = inner[0]
        left, right = at - start, end - at - 1
        if right >= 3 and fold(text[start:at]) in dictionary.before:
            sought = (at + 1, end)
        elif left >= 3 and fold(text[at + 1 : end]) in dictionary.behind:
            sought = (start, at)
        else:
            return Word(start, end)
        entries = dictionary.folded.get(fold(text[sought[0] : sought[1]]))
        return Word(*sought, entries)
    return Word(start, end, entries, exact)


def _segment(text: str, start: int, end: int, dictionary: Dictionary) -> list[Word]:
    words: list[Word] = []
    i = start
    loose: list[int] = []

    def flush() -> None:
        if loose:
            size = 2 if han_or_kana(text[loose[0]]) else 5
            for at in range(loose[0], loose[-1] + 1, size):
                words.append(Word(at, min(at + size, loose[-1] + 1), unspaced=True))
            loose.clear()

    while i < end:
        size = 0
        if _may_begin(text, i, start, end):
            for length in range(1 if han_or_kana(text[i]) else 2, min(dictionary.longest, end - i) + 1):
                whole = i + length == end or _may_begin(text, i + length, start, end)
                if whole and fold(text[i : i + length]) in dictionary.folded:
                    size = length
        if size:
            flush()
            entries, exact = dictionary.find(text[i : i + size])
            words.append(Word(i, i + size, entries, exact, unspaced=True))
        else:
            loose.append(i)
        i += max(size, 1)
    flush()
    return words


def _may_begin(text: str, i: int, start: int, end: int) -> bool:
    """Whether a word of the run text[start:end] may begin at i, so far as spelling shows it."""
    inner = i > start and (
        _OF_ONE_BEFORE.match(text[i])
        or _KILLED.match(text[i + 1 : end])
        or any(_OPENS.fullmatch(text[j:i]) for j in range(start, i))
    )
    return not _FOLLOWS.match(text[i]) and not inner


def poisson_length(bits: int, mean: float) -> int:
    share, total, length = math.exp(-mean), math.exp(-mean), 0
    while total < (bits + 0.5) / 65536 and length < 255:
        length += 1
        share *= mean / length
        total += share
    return length


def slow_switch(
    text: str, doc_id: bytes, dictionary: Dictionary, settings: CodeswitchOptions, seed: int = 0
) -> dict[str, Any] | None:
    """cs_source, spans (start, end, src, new), ratio and coverage; None where nothing is switched."""
    words = words_of(text, dictionary)
    salt = xxhash.xxh3_64_intdigest(f"codeswitch/words/{seed}".encode())
    low, high = int.from_bytes(doc_id[:8], "little"), int.from_bytes(doc_id[8:], "little")
    state = mix(low ^ mix(high ^ salt))
    hashes = [mix((state + (j + 1) * 0x9E3779B97F4A7C15) & MASK) for j in range(len(words))]
    exact = settings.ratio * len(words)
    budget = math.ceil(exact - 1e-9) if settings.rounding == "ceil" else max(math.floor(exact + 0.5), 1)
    starts = sorted(range(len(words)), key=lambda j: (hashes[j] >> 33, j))
    chosen: list[int] = []
    uncovered = [j for j in starts if not any(_covers(k, j, hashes, settings) for k in range(len(words)))]
    spans = [range(j, j + poisson_length((hashes[j] >> 16) & 0xFFFF, settings.poisson)) for j in starts]
    for span in [*spans, *([j] for j in uncovered)]:
        for j in span:
            if j < len(words) and words[j].entries and j not in chosen and len(chosen) < budget:
                chosen.append(j)
    if not chosen:
        return None
    made, moved, source, at = [], 0, [], 0
    for j in sorted(chosen):
        word = words[j]
        entries = word.entries or []
        new = entries[((hashes[j] & 0xFFFF) * min(len(entries), settings.candidates)) >> 16]
        old = text[word.start : word.end]
        if not word.exact:
            new = _carry(old, new)
        region = new
        if word.unspaced:
            if word.start and _WORD.match(text[word.start - 1]) and spaced(new[0]):
                region = " " + region
            follows = any(
                words[k].start == word.end and words[k].unspaced and spaced(_entry(words[k], hashes[k], settings)[0])
                for k in chosen
            )
            if word.end < len(text) and _WORD.match(text[word.end]) and spaced(new[-1]) and not follows:
                region = region + " "
        source += [text[at : word.start], region]
        at = word.end
        made.append((word.start + moved, word.start + moved + len(region), old, new))
        moved += len(region) - len(old)
    known = sum(1 for word in words if word.entries)
    return {
        "cs_source": "".join([*source, text[at:]]),
        "spans": made,
        "ratio": len(chosen) / len(words),
        "coverage": known / len(words),
    }


def _entry(word: Word, hashed: int, settings: CodeswitchOptions) -> str:
    entries = word.entries or []
    return entries[((hashed & 0xFFFF) * min(len(entries), settings.candidates)) >> 16]


def _covers(k: int, j: int, hashes: list[int], settings: CodeswitchOptions) -> bool:
    return k <= j < k + poisson_length((hashes[k] >> 16) & 0xFFFF, settings.poisson)


def _carry(old: str, new: str) -> str:
    """The case of a word on another: signs and marks have none."""
    uppers, lowers = (regex.findall(pattern, old) for pattern in (r"[\p{Lu}\p{Lt}]", r"\p{Ll}"))
    if len(uppers) >= 2 and not lowers:
        return new.upper()
    if regex.match(r"\P{Ll}?[\p{Lu}\p{Lt}]", old):
        return new[0].upper() + new[1:]
    return new
