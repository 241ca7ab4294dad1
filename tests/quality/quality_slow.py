"""The signals again, one document at a time in plain Python loops: what the fast ones must equal."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import regex
from fontTools.unicodedata import script

from xlcorpus.text.properties import LETTERS_PER_WORD, LETTERS_PER_WORD_ELSEWHERE, UNSPACED_SCRIPTS

POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
SOFT = set(".!?…․‥⋯")
DANDA_SCRIPTS = {"Deva", "Beng", "Guru", "Gujr", "Orya", "Olck", "Mtei", "Tibt"}
BULLETS = set("-*+•‣⁃∙◦●○■□▪▫◆◇►▶▸➢➤➔·・❖✓✔")
ELLIPSES = ("...", "…", "⋯")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}\u200C\u200D]")
_TERMINAL = regex.compile(r"[\p{Sentence_Terminal}\u0F0D-\u0F12]")
_QUOTE = regex.compile(r"[\p{Pi}\p{Pf}\"'＂＇」』﹂﹄》〉]")
_CLOSE = regex.compile(r"\p{Pe}")


def _is(pattern: str, character: str) -> bool:
    return regex.fullmatch(pattern, character) is not None


def is_word(c: str) -> bool:
    return _WORD.fullmatch(c) is not None


def is_space(c: str) -> bool:
    return _is(r"\s", c)


def unspaced(c: str) -> bool:
    return is_word(c) and script(c) in UNSPACED_SCRIPTS


def unseen(c: str) -> bool:
    return _is(r"[\p{Default_Ignorable_Code_Point}\p{Cc}\uFFF9-\uFFFB]", c) and not is_space(c)


def letter_share(c: str) -> float:
    return float(np.float32(1 / LETTERS_PER_WORD.get(script(c), LETTERS_PER_WORD_ELSEWHERE)))


def tokens(text: str) -> list[tuple[int, int, float]]:
    """Start, end and share of a word of each token."""
    found: list[list[int]] = []
    for i, c in enumerate(text):
        if not is_word(c):
            continue
        after_word = i > 0 and is_word(text[i - 1])
        attached = after_word and _is(r"\p{M}", c)
        apart = (unspaced(c) or (i > 0 and unspaced(text[i - 1]))) and not attached
        if not after_word or apart:
            found.append([i, i + 1])
        else:
            found[-1][1] = i + 1
    found = [[s, e] for s, e in found if not all(unseen(c) for c in text[s:e])]
    shares = [
        sum(letter_share(c) for c in text[s:e] if unspaced(c)) + (0 if unspaced(text[s]) else 1) for s, e in found
    ]
    return [(s, e, share) for (s, e), share in zip(found, shares, strict=True)]


def ngrams(words: list[tuple[int, int, float]], size: int) -> list[tuple[int, int]]:
    """First and one past the last token of every n-gram."""
    grams = []
    total = [0.0]
    for *_, share in words:
        total.append(total[-1] + share)
    for i in range(len(words)):
        if total[-1] - total[i] + words[-1][2] / 2 < size:
            break
        j = i
        while j < len(words) and total[j] + words[j][2] / 2 - total[i] < size:
            j += 1
        grams.append((i, j))
    return grams


def _lines(text: str) -> list[tuple[int, int]]:
    """Spans of the lines that show something, trimmed."""
    spans, start = [], 0
    for line in text.split("\n"):
        solid = [i for i, c in enumerate(line) if not is_space(c) and not unseen(c)]
        if solid:
            spans.append((start + solid[0], start + solid[-1] + 1))
        start += len(line) + 1
    return spans


def _paragraphs(text: str, lines: list[tuple[int, int]]) -> list[str]:
    spans: list[list[int]] = []
    for start, end in lines:
        if spans and text.count("\n", spans[-1][1], start) == 1:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    return [text[start:end] for start, end in spans]


def seen_before(items: list[str]) -> list[str]:
    seen: set[str] = set()
    again = []
    for item in items:
        if item in seen:
            again.append(item)
        seen.add(item)
    return again


def _url_end(line: str, place: int) -> int:
    while place < len(line) and 0x21 <= ord(line[place]) < 0x7F and line[place] not in '<>"{}|\\^`[]()':
        place += 1
    return place


def _links(line: str) -> tuple[set[int], set[int]]:
    """Places under addresses, and places under addresses and Markdown links."""
    urls: set[int] = set()
    links: set[int] = set()
    for i in range(len(line)):
        if line.startswith("://", i):
            start = i
            while start > 0 and i - start < 6 and line[start - 1].lower() in "abcdefghijklmnopqrstuvwxyz":
                start -= 1
            end = _url_end(line, start)
            if end >= i + 3:
                urls.update(range(start, end))
        if line[i : i + 4].lower() == "www." and (i == 0 or not is_word(line[i - 1])):
            urls.update(range(i, _url_end(line, i)))
        if line.startswith("](", i):
            left, right = line.rfind("[", 0, i), line.find(")", i)
            if left >= 0 and right >= 0:
                urls.update(range(i + 2, right))
                links.update(range(left, right + 1))
    return urls, urls | links


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _danda_bars(text: str) -> set[int]:
    """Last bars of runs that follow a script with dandas (and 12 digits, quotes or spaces at most) and end a word."""
    found = set()
    for run in regex.finditer("[|｜│∣ǀ৷]+", text):
        before = text[: run.start()]
        for at in range(len(before), max(len(before) - 13, 0), -1):
            if script(before[at - 1]) in DANDA_SCRIPTS:
                after = text[run.end() :].lstrip(
                    "".join(c for c in text if unseen(c) or _is(r"[\p{Pe}\p{Pf}\"'.․．﹒]", c))
                )
                if not after or is_space(after[0]):
                    found.add(run.end() - 1)
                break
            if not _is(r"[\p{N}\p{Pf})\]\"'.,% ]", before[at - 1]):
                break
    return found


def _sentences(text: str) -> int:
    count, bars = 0, _danda_bars(text)
    for i, c in enumerate(text):
        soft, hard = c in SOFT, (_TERMINAL.fullmatch(c) is not None and c not in SOFT) or i in bars
        if not (soft or hard):
            continue
        place, after = next(((j, d) for j, d in enumerate(text[i + 1 :], i + 1) if not unseen(d)), (len(text), " "))
        if after in SOFT or _TERMINAL.fullmatch(after) or place in bars:
            continue
        count += hard or is_space(after) or _QUOTE.fullmatch(after) is not None or _CLOSE.fullmatch(after) is not None
    return count


def _symbol_runs(text: str) -> int:
    words = {i for s, e, _ in tokens(text) for i in range(s, e)}
    seen = [(i, c) for i, c in enumerate(text) if i in words or not _is(r"\p{Default_Ignorable_Code_Point}", c)]
    symbol = [i not in words and not is_space(c) for i, c in seen if c not in "\u0f0b\u0f0c\u1361"]
    return sum(now and not before for before, now in zip([False, *symbol], symbol, strict=False))


def _control(c: str) -> bool:
    return (_is(r"\p{Cc}", c) and not is_space(c)) or _is(r"\p{Noncharacter_Code_Point}", c) or c == "\ufffd"


def _ascii_lower(text: str) -> str:
    return "".join(c.lower() if c < "\x80" else c for c in text)


def slow_signals(text: str) -> dict[str, float]:
    """Every column of schema quality-1 for one text."""
    words = tokens(text)
    spans = _lines(text)
    lines = [text[start:end] for start, end in spans]
    paragraphs = _paragraphs(text, spans)
    n_words = sum(share for *_, share in words)
    lettered = sum(share for s, e, share in words if any(_is(r"\p{L}", c) for c in text[s:e]))
    again, again_paragraphs = seen_before(lines), seen_before(paragraphs)
    dup_chars = sum(map(len, again))
    lower = [_ascii_lower(line) for line in lines]
    linked = [_links(line) for line in lines]
    feeds = text.count("\n")
    ellipses = sum(text.count(mark) for mark in ELLIPSES)
    n = len(text)
    result = {
        "q_n_bytes": len(text.encode()),
        "q_n_chars": n,
        "q_n_words": round(n_words),
        "q_n_lines": len(lines),
        "q_n_sentences": _sentences(text),
        "q_url_char_ratio": _ratio(sum(len(urls) for urls, _ in linked), n),
        "q_link_line_ratio": _ratio(
            sum(bool(links) and 2 * len(links) >= len(line) for line, (_, links) in zip(lines, linked, strict=True)),
            len(lines),
        ),
        "q_mean_word_length": _ratio(sum(e - s for s, e, _ in words), n_words),
        "q_symbol_word_ratio": max(text.count("#"), ellipses) / max(n_words, 1),
        "q_alpha_word_ratio": _ratio(lettered, n_words + _symbol_runs(text)),
        "q_digit_ratio": _ratio(sum(_is(r"\p{Nd}", c) for c in text), n),
        "q_control_char_ratio": _ratio(sum(map(_control, text)), n),
        "q_bullet_line_ratio": _ratio(sum(line[0] in BULLETS for line in lines), len(lines)),
        "q_ellipsis_line_ratio": _ratio(sum(line.endswith(ELLIPSES) for line in lines), len(lines)),
        "q_line_punct_ratio": _ratio(
            sum(
                line[-1] in SOFT
                or bool(_TERMINAL.fullmatch(line[-1]))
                or bool(_QUOTE.fullmatch(line[-1]))
                or len(line) - 1 in _danda_bars(line)
                for line in lines
            ),
            len(lines),
        ),
        "q_short_line_ratio": _ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "q_newline_word_ratio": feeds / max(n_words, 1),
        "q_char_dup_ratio": _ratio(dup_chars, n - feeds),
        "q_dup_line_ratio": _ratio(len(again), len(lines)),
        "q_dup_line_char_ratio": _ratio(dup_chars, n),
        "q_dup_para_ratio": _ratio(len(again_paragraphs), len(paragraphs)),
        "q_dup_para_char_ratio": _ratio(sum(map(len, again_paragraphs)), n),
        "q_curly_brackets": text.count("{"),
        "q_lorem_ipsum": _ascii_lower(text).count("lorem ipsum"),
        "q_javascript_line_ratio": _ratio(sum("javascript" in line for line in lower), len(lines)),
        "q_policy_line_ratio": _ratio(sum(any(p in line for p in POLICY) for line in lower), len(lines)),
    }
    for size in range(2, 11):
        places: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
        for i, j in ngrams(words, size):
            places[tuple(text[s:e] for s, e, _ in words[i:j])].append((i, j))
        if size <= 4:
            best = (0, 0)
            for grams in places.values():
                under = {place for i, j in grams for place in range(words[i][0], words[j - 1][1])}
                if len(grams) > 1:
                    best = max(best, (len(grams), len(under)))
            result[f"q_top_{size}_gram_char_ratio"] = _ratio(best[1], n)
        else:
            under = {k for grams in places.values() for i, j in grams[1:] for k in range(i, j)}
            result[f"q_dup_{size}_gram_char_ratio"] = _ratio(sum(words[k][1] - words[k][0] for k in under), n)
    return result


def slow_stop_words(text: str, words: list[str]) -> int:
    """How many different words of the list stand in the text, case aside."""
    text = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)

    def spaced(c: str) -> bool:
        return is_word(c) and not unspaced(c)

    count = 0
    for word in {w.strip().lower() for w in words}:
        place = text.find(word)
        while place >= 0:
            end = place + len(word)
            cut_before = place > 0 and spaced(text[place - 1]) and spaced(text[place])
            cut_after = end < len(text) and spaced(text[end]) and spaced(text[end - 1])
            if not cut_before and not cut_after:
                count += 1
                break
            place = text.find(word, place + 1)
    return count
