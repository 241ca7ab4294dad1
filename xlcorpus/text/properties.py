"""Tables of Unicode properties indexed by code point, built once a process."""

from __future__ import annotations

import functools

import numpy as np
import regex
from fontTools.unicodedata import Scripts

from xlcorpus.text.codepoints import CODE_SPACE

# Scripts that put no spaces between words; a character of theirs is a token by itself (spec A6).
UNSPACED_SCRIPTS = frozenset(
    "Hani Hira Kana Bopo Thai Laoo Khmr Mymr Tibt Lana Talu Tale Java Bali Yiii Nshu Tang Kits".split()  # noqa: SIM905
)

# What labels of languages and of texts call scripts that Unicode's property has other names for.
_LABELLED_UNSPACED = UNSPACED_SCRIPTS | {"Hans", "Hant", "Jpan", "Hrkt"}

# Scripts of agglutinating languages whose aksharas (a letter and its vowel signs) stand in for words in shingles:
# a Tamil or Malayalam word is 8 code points on average (Hindi 4, English 5), so one changed suffix in a window of
# five words spoils 40 code points. By words, 6 of the crawl's 380 listed pairs at 0.85 fell below 0.8, all Tamil.
SYLLABIC_SCRIPTS = frozenset(["Taml", "Mlym", "Telu", "Knda"])

# Mean code points of a word in scripts without spaces, marks included: measured on PUD (Thai 4.8 letters and marks,
# Chinese 1.7, Japanese 1.9 in the treebanks' own segmentation); others by analogy with Thai.
LETTERS_PER_WORD: dict[str, float] = {"Hani": 1.7, "Hira": 1.9, "Kana": 3.0, "Bopo": 1.7, "Yiii": 1.5}
LETTERS_PER_WORD_ELSEWHERE = 4.8


@functools.cache
def _all_characters() -> str:
    """Every code point in order; surrogates, which text cannot hold, stand as U+FFFF."""
    codes = np.arange(CODE_SPACE, dtype=np.uint32)
    codes[0xD800:0xE000] = 0xFFFF
    return codes.tobytes().decode("utf-32-le")


@functools.cache
def matches(pattern: str) -> np.ndarray:
    """bool[0x110000]: code points that match a one-character regular expression of the `regex` module."""
    table = np.zeros(CODE_SPACE, dtype=bool)
    for match in regex.finditer(f"(?:{pattern})+", _all_characters()):
        table[match.start() : match.end()] = True
    table[0xD800:0xE000] = False
    return table


# bool[0x110000] each, when called.
letters = functools.partial(matches, r"\p{L}")
marks = functools.partial(matches, r"\p{M}")
numbers = functools.partial(matches, r"\p{N}")
digits = functools.partial(matches, r"\p{Nd}")  # of decimal systems
capitals = functools.partial(matches, r"[\p{Lu}\p{Lt}]")
small_letters = functools.partial(matches, r"\p{Ll}")
joiners = functools.partial(matches, r"[\u200c\u200d]")  # zero-width; Persian and Indic spelling needs them
apostrophes = functools.partial(matches, r"['\u2019]")  # stand inside of words; U+02BC is a word character anyway
whitespace = functools.partial(matches, r"\s")  # with the line separators U+0085, U+2028 and U+2029
# Show nothing: default-ignorable characters (joiners, soft hyphen, variation selectors, marks of direction, tags,
# fillers), controls that are no white space, interlinear annotation.
unseen = functools.partial(matches, r"(?!\s)[\p{Default_Ignorable_Code_Point}\p{Cc}\uFFF9-\uFFFB]")
# Letters in another shape; U+FB00 and the following are ligatures of Latin and Armenian.
other_shapes = functools.partial(
    matches, r"[\p{dt=wide}\p{dt=narrow}\p{dt=font}\p{dt=initial}\p{dt=medial}\p{dt=final}\p{dt=isolated}\uFB00-\uFB17]"
)
# Unicode's, and the shads that end clauses and sentences in Tibetan.
sentence_terminals = functools.partial(matches, r"[\p{Sentence_Terminal}\u0F0D-\u0F12]")


@functools.cache
def word_characters() -> np.ndarray:
    r"""bool[0x110000]: letters, marks, numbers, joiners. `\w` of `re` has no marks: it splits Devanagari and Thai."""
    table: np.ndarray = letters() | marks() | numbers() | joiners()
    return table


@functools.cache
def script_names() -> tuple[str, ...]:
    """ISO 15924 codes; the position in this tuple is the script's number in `scripts()`."""
    return tuple(sorted(set(Scripts.VALUES)))


@functools.cache
def scripts() -> np.ndarray:
    """uint8[0x110000]: number of each code point's script (Unicode `Script` property) in `script_names()`."""
    number = {name: index for index, name in enumerate(script_names())}
    values = np.array([number[name] for name in Scripts.VALUES], dtype=np.uint8)
    return np.repeat(values, np.diff([*Scripts.RANGES, CODE_SPACE]))


def _word_characters_of(wanted: frozenset[str]) -> np.ndarray:
    """bool[0x110000]: word characters of these scripts."""
    numbers = [index for index, name in enumerate(script_names()) if name in wanted]
    table: np.ndarray = np.isin(scripts(), numbers) & word_characters()
    return table


@functools.cache
def unspaced() -> np.ndarray:
    """bool[0x110000]: word characters of scripts that write no spaces between words."""
    return _word_characters_of(UNSPACED_SCRIPTS)


@functools.cache
def shingled_singly() -> np.ndarray:
    """bool[0x110000]: word characters that are a token by themselves in shingles: unspaced and syllabic scripts."""
    return _word_characters_of(UNSPACED_SCRIPTS | SYLLABIC_SCRIPTS)


@functools.cache
def words_per_character() -> np.ndarray:
    """float32[0x110000]: share of a word that one unspaced character counts for; 0 for all others."""
    rate = np.array(
        [1 / LETTERS_PER_WORD.get(name, LETTERS_PER_WORD_ELSEWHERE) for name in script_names()], dtype=np.float32
    )
    return np.where(unspaced(), rate[scripts()], np.float32(0))


def writes_spaces(script: str) -> bool:
    """Whether texts of a script (ISO 15924, as labels name it: Hans, Jpan, ...) have spaces between words."""
    return script not in _LABELLED_UNSPACED
