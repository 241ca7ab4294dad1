"""The words that are switched and those that dictionaries are induced of are the same, one definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from tests.codeswitch.switch_helpers import sentences
from tests.text.text_reference import texts
from xlcorpus.codeswitch.characters import classify
from xlcorpus.codeswitch.switchable import find_switchable
from xlcorpus.lexicon.build import build_index
from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import joined_tokens, tokens, vocabulary


def nothing(at: np.ndarray, room: np.ndarray, may_end: np.ndarray) -> np.ndarray:
    return np.zeros(len(at), dtype=np.int64)


def cut(values: list[str], starts: np.ndarray, ends: np.ndarray) -> list[str]:
    whole = "".join(values)
    return [whole[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def switchable(values: list[str]) -> list[str]:
    """Words of scripts with spaces that the switcher looks up, when nothing is protected."""
    points = code_points(pa.array(values, pa.string()))
    found = find_switchable(points, classify(points.codes), np.zeros(0, dtype=np.int64), nothing)
    return cut(values, found.starts[~found.unspaced], found.ends[~found.unspaced])


def induced(values: list[str]) -> list[str]:
    """Words that vectors are trained on, without those that hold a number."""
    spans = vocabulary(code_points(pa.array(values, pa.string())))
    words = cut(values, spans.starts, spans.ends)
    number = properties.numbers()
    return [word for word in words if not number[[ord(c) for c in word]].any()]


@given(st.lists(texts(), max_size=6))
@example(["don't l'eau пам'ять O’Neill", "'a' b' 'c", "rock'n'roll", "x2'y 3'z", "a\u0301'b", "\u200d'x", "か\u3099a"])
@example(["ab'", "'cd", "e'", "", "'f"])  # an apostrophe joins nothing across texts
def test_induction_and_switcher_see_the_same_words(values: list[str]) -> None:
    assert switchable(values) == induced(values)


def test_they_do_in_real_text(shared_data: Path) -> None:
    values = [text for path in sorted((shared_data / "pud").glob("*.jsonl.gz")) for text in sentences(path)[:200]]
    words = switchable(values)
    assert len(values) == 21 * 200
    assert words == induced(values)
    # What is induced of them can be looked up: each is one word for the index of the switcher.
    words = sorted(set(words))
    columns = [words, [f"={word}" for word in words], ["aaa_Zyyy"] * len(words), ["bbb_Zyyy"] * len(words)]
    index = build_index(*(pa.array(column, pa.string()) for column in columns))
    assert index.unused["not_one_word"] == 0


@given(st.lists(texts(), max_size=4))
@example(["don't", "漢'字", "a'b'c 'd'", "l’eau", "ab'", "'cd"])
def test_joined_tokens_are_tokens_with_apostrophes_between(values: list[str]) -> None:
    points = code_points(pa.array(values, pa.string()))
    wanted: list[tuple[int, int]] = []
    parts = tokens(points)
    content = "".join(values)
    for row in range(len(values)):
        first = len(wanted)
        for one in range(*parts.offsets[row : row + 2].tolist()):
            start, end = int(parts.starts[one]), int(parts.ends[one])
            if len(wanted) > first and start == wanted[-1][1] + 1 and content[start - 1] in "'’":
                wanted[-1] = (wanted[-1][0], end)
            else:
                wanted.append((start, end))
    found = joined_tokens(points)
    assert list(zip(found.starts.tolist(), found.ends.tolist(), strict=True)) == wanted
    assert found.per_text.sum() == len(wanted)
