"""What a model sees of a text: an excerpt of a long one; for the embedded model its letters only."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.codepoints import code_points
from xlcorpus.text.normalize import compose

# fastText splits at these; a line feed would end the text, a NUL the C string.
_BREAKS = r"[\x00-\x20\x7f\x{85}\x{a0}\x{2028}\x{2029}]+"
# Inline code, markup, and ASCII tokens with a digit or a sign of code or an address in them: 35 % of the bytes of the
# tldr pages are such, and in a page of shell commands they speak for English whatever its language. ASCII only (without
# the signs of markup), so that a Thai or Chinese sentence with a number in it is not one token.
_CODE = r"`[^`]{1,300}`|<[^<>]{1,200}>|[!-;=?-~]*[0-9_/\\=@{}#$&|][!-;=?-~]*"
# ZERO WIDTH JOINER and SOFT HYPHEN stand inside words; every other non-letter separates them.
_INSIDE = r"[\x{ad}\x{200d}\x{2060}\x{feff}]+"
_NOT_LETTERS = r"[^\p{L}\p{M}']+"
_QUOTES = r"'+ '*| '+|^'+|'+$"  # an apostrophe counts inside a word only
_LETTER = r"\p{L}"
_HUGE_BYTES = 1 << 20  # of longer texts, which are few, the excerpt is taken one by one


def one_line(texts: pa.StringArray) -> pa.StringArray:
    """Each text on one line (string[n]): control characters and Unicode line ends become spaces, nulls empty texts."""
    return pc.replace_substring_regex(pc.fill_null(texts, ""), _BREAKS, " ")


def _letters(texts: pa.StringArray) -> pa.StringArray:
    texts = pc.replace_substring_regex(texts, _INSIDE, "")
    texts = pc.replace_substring(texts, "’", "'")
    texts = pc.replace_substring_regex(texts, _NOT_LETTERS, " ")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, _QUOTES, " "))


def without_code(texts: pa.StringArray) -> pa.StringArray:
    """Drop inline code, markup and addresses (string[n]); a text that is nothing else is left as it is."""
    kept = pc.replace_substring_regex(texts, _CODE, " ")
    return pc.if_else(pc.match_substring_regex(kept, _LETTER), kept, texts)


def fold(texts: pa.StringArray) -> pa.StringArray:
    """Fold texts for a model trained on folded text (string[n]): NFC, lower case, letters and apostrophes only.

    The cleaning of OpenLID (Burchell et al., ACL 2023: punctuation and digits removed) plus `without_code`.
    """
    return _letters(pc.utf8_lower(without_code(compose(one_line(texts)))))


def excerpt(texts: pa.StringArray, max_chars: int) -> pa.StringArray:
    """Start, middle and end of texts of more than `max_chars` code points, a third each; others whole (string[n])."""
    long = pc.greater(pc.utf8_length(texts), max_chars)
    if not pc.any(long).as_py():
        return texts
    width = max_chars // 3
    huge = pc.and_(long, pc.greater(pc.binary_length(texts), _HUGE_BYTES))
    cut = pc.replace_with_mask(
        texts, huge, pa.array([_windows_of(text.as_py(), width) for text in texts.filter(huge)], pa.string())
    )
    long = pc.and_(long, pc.invert(huge))
    points = code_points(cut.filter(long))
    starts, lengths = points.offsets[:-1], points.lengths
    middles = starts + (lengths - width) // 2
    windows = np.stack([starts, middles, starts + lengths - width], axis=1)
    codes = points.codes[windows[:, :, None] + np.arange(width)]
    codes[:, :2, -1] = ord(" ")  # so that no word is made of two windows
    size = 3 * width
    joined = np.ascontiguousarray(codes.reshape(len(points), size)).view(f"<U{size}").reshape(-1)
    return pc.replace_with_mask(cut, long, pa.array(joined.tolist(), type=pa.string()))


def _windows_of(text: str, width: int) -> str:
    """The excerpt of one text: a third of a gigabyte as code points would be four times that."""
    middle = (len(text) - width) // 2
    return f"{text[: width - 1]} {text[middle : middle + width - 1]} {text[len(text) - width :]}"
