"""Which characters a vocabulary must hold, decided script by script.

One coverage for a whole mixture is wrong at both ends: 99.95 % of all characters leaves out every letter of a language
that has less than 0.05 % of the text, and 100 % takes thousands of characters that a Chinese crawl shows once. So each
script is covered by itself: nearly wholly where it has an alphabet or a syllabary of a few hundred signs, to 99.95 %
where it has thousands (Han, Hangul, Yi, ...) and among the symbols that all scripts share (emoji). What is left out
goes to bytes where the tokenizer has byte fallback, else to the unknown token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE, code_points
from xlcorpus.tokenizer.piece_borders import of_words

ALPHABETIC = 0.99999
LARGE = 0.9995
LARGE_SCRIPTS = frozenset(["Hani", "Hang", "Yiii", "Tang", "Nshu", "Kits", "Egyp", "Hluw", "Xsux", "Zyyy"])
# Letters, marks and digits of no script, and apostrophes: as alphabets, not as emoji, which are of none either.
OF_WORDS = "Zinh"
# Seen once, a character is a slip or a quotation.
LEAST_COUNT = 2

PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))  # always there: source code, and names in any language


@dataclass(frozen=True)
class ScriptCoverage:
    """A script's characters in the sample: how many different ones, how many kept, and the share of running text."""

    script: str
    characters: int
    kept: int
    coverage: float


def count_characters(texts: Iterable[pa.Array]) -> np.ndarray:
    """int64[0x110000]: how often each character stands in the texts."""
    counts = np.zeros(CODE_SPACE, dtype=np.int64)
    for part in texts:
        counts += np.bincount(code_points(part).codes, minlength=CODE_SPACE)
    return counts


def required_characters(counts: np.ndarray) -> tuple[str, list[ScriptCoverage]]:
    """The characters to keep, in the order of their code points, and what that covers of each script.

    counts: of `count_characters`. The space is the tokenizer's own; control characters go to bytes. Spaces
    of other kinds (U+00A0 in French and Polish) are characters like others.
    """
    ours = (counts > 0) & ~properties.matches(r"[\p{Cc}\p{Cs}\p{Cn}\p{Co}]")
    ours[ord(" ")] = False
    scripts = properties.scripts().copy()
    scripts[of_words()] = properties.script_names().index(OF_WORDS)
    keep = np.zeros(CODE_SPACE, dtype=bool)
    covered: list[ScriptCoverage] = []
    for number, name in enumerate(properties.script_names()):
        characters = np.flatnonzero(ours & (scripts == number))
        if not len(characters):
            continue
        seen = counts[characters]
        order = np.lexsort((characters, -seen))
        total = int(seen.sum())
        enough = int(np.searchsorted(np.cumsum(seen[order]), (LARGE if name in LARGE_SCRIPTS else ALPHABETIC) * total))
        kept = order[: enough + 1]
        kept = kept[seen[kept] >= LEAST_COUNT]
        keep[characters[kept]] = True
        covered.append(ScriptCoverage(name, len(characters), len(kept), float(seen[kept].sum() / total)))
    keep[[ord(letter) for letter in PRINTABLE]] = True
    return "".join(map(chr, np.flatnonzero(keep).tolist())), covered
