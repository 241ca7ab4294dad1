"""What datatrove's filters measure, one text at a time in plain Python: what the fast signals must equal."""

from __future__ import annotations

import re
import string
from collections import Counter

from tests.quality.quality_slow import seen_before
from xlcorpus.quality.datatrove.characters import terminal, word_making

_NUMBER = re.compile(r"([0-9]+ [,.:/] )+[0-9]+")
_SIGNS = string.punctuation.replace("\\", "") + "\u0964\u0965\uaaf1\uaaf0\uabeb\uabec\uabed\uabee\uabef\u1c7e\u1c7f"
_INDIC = re.compile(f"([{re.escape(_SIGNS)}])")


def slow_indic(text: str) -> list[str]:
    """Signs apart, numbers together again unless the text begins with them, then parted at spaces."""
    parted = re.sub(" +", " ", _INDIC.sub(r" \1 ", text.replace("\t", " "))).strip(" ")
    whole = _NUMBER.sub(lambda match: match[0].replace(" ", "") if match.start() else match[0], parted)
    return [word.strip() for word in whole.split(" ") if word.strip()]


def _again(items: list[str]) -> tuple[int, int]:
    again = seen_before(items)
    return len(again), sum(map(len, again))


def _met_before(words: list[str], size: int) -> int:
    seen: set[str] = set()
    place = found = 0
    while place + size <= len(words):
        gram = "".join(words[place : place + size])
        if gram in seen:
            found += len(gram)
            place += size
        else:
            seen.add(gram)
            place += 1
    return found


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def slow_datatrove(text: str, words: list[str]) -> dict[str, float]:
    """Every number of schema datatrove-1 for a text and its words."""
    lines = [line for line in text.split("\n") if line.strip()]
    all_lines = text.splitlines()
    feed_lines = re.split("\n+", text) if text else []
    paragraphs = re.split("\n{2,}", text.strip())
    counted = [word for word in words if any(word_making()[ord(c)] for c in word)]
    ellipses = text.count("...") + text.count("…")
    dup_lines, dup_line_chars = _again(feed_lines)
    dup_paragraphs, dup_paragraph_chars = _again(paragraphs)
    n = len(text)
    signals: dict[str, float] = {
        "n_words": len(counted),
        "n_tokens": len(words),
        "mean_word_length": _ratio(sum(map(len, counted)), len(counted)),
        "symbol_word_ratio": _ratio(max(text.count("#"), ellipses), len(words)),
        "alpha_word_ratio": _ratio(sum(any(c.isalpha() for c in word) for word in words), len(words)),
        "bullet_line_ratio": _ratio(sum(line.lstrip().startswith(("•", "-")) for line in all_lines), len(all_lines)),
        "ellipsis_line_ratio": _ratio(sum(line.rstrip().endswith(("...", "…")) for line in all_lines), len(all_lines)),
        "line_punct_ratio": _ratio(sum(bool(terminal()[ord(line[-1])]) for line in lines), len(lines)),
        "short_line_ratio": _ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "newline_word_ratio": _ratio(text.count("\n"), len(words)),
        "char_dup_ratio": _ratio(_again(lines)[1], n - text.count("\n")),
        "dup_line_ratio": _ratio(dup_lines, len(feed_lines)),
        "dup_line_char_ratio": _ratio(dup_line_chars, n),
        "dup_para_ratio": _ratio(dup_paragraphs, len(paragraphs)),
        "dup_para_char_ratio": _ratio(dup_paragraph_chars, n),
    }
    for size in range(2, 11):
        grams = [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)]
        if size <= 4:
            gram, count = Counter(grams).most_common(1)[0] if grams else ("", 0)
            signals[f"top_{size}_gram_char_ratio"] = _ratio(len(gram) * count, n)
        else:
            signals[f"dup_{size}_gram_char_ratio"] = _ratio(_met_before(words, size), n)
    return {f"dt_{name}": value for name, value in signals.items()}
