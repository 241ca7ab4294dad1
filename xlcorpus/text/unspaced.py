"""Where words of scripts without spaces can begin and end: nowhere inside of a syllable, as far as spelling shows it.

No word begins with a mark, with a consonant that a killer makes the end of the syllable before it, or under a stacker;
none ends with a vowel that is written before its consonant (Thai, Lao), or with a stacker; what repeats, lengthens or
shortens the word before it is of that word. Tibetan words begin and end at a tsheg. What is a word within these bounds
only a dictionary knows, or a word breaker (`breakers`).
"""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text.characters import ATTACHED, TSHEGS, codes_of, is_tibetan
from xlcorpus.text.codepoints import CODE_SPACE

# Vowels before their consonant (Thai, Lao, New Tai Lue, Tai Viet), and those that a consonant must follow (Thai, Lao).
_BEFORE = (
    "\u0e31\u0eb1\u0ebb\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
    "\u19b5\u19b6\u19b7\u19ba\uaab5\uaab6\uaab9\uaabb\uaabc"
)
# Put the next consonant below the last one: Khmer, Burmese, Tai Tham, Balinese, Javanese.
_STACKERS = "\u17d2\u1039\u1a60\u1b44\ua9c0"
# Take the vowel from the consonant before them: Thai, Lao, Burmese, Tai Tham.
_KILLERS = "\u0e4c\u0ecc\u103a\u1a7a"
# Letters to Unicode that begin no word: small kana, the sign of length, halfwidth voicing; signs that repeat what is
# before them (人々, เด็กๆ) or shorten it (กรุงเทพฯ); Lao ຽ; vowels, finals and tones of Tai Le and New Tai Lue. Not っ
# and ヶ (って, ヶ月).
_KANA = "ぁぃぅぇぉゃゅょゎァィゥェォッャュョヮーｰﾞﾟ"
_REPEATING = "々〻ゝゞヽヾๆໆៗฯ"
_RANGES = ((0x1963, 0x1975), (0x19B0, 0x19B5), (0x19B8, 0x19BA), (0x19BB, 0x19CA), (0x31F0, 0x3200), (0xFF67, 0xFF70))
_FOLLOWING = _KANA + _REPEATING + "ຽ" + "".join(chr(code) for span in _RANGES for code in range(*span))
_OPEN, _KILLER, _TSHEG, _FOLLOWS = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)


@functools.cache
def _kinds() -> np.ndarray:
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    kinds = ((_BEFORE + _STACKERS, _OPEN), (_KILLERS, _KILLER), (TSHEGS, _TSHEG), (_FOLLOWING, _FOLLOWS))
    for signs, kind in kinds:
        table[codes_of(signs)] = kind
    return table


def bounds(codes: np.ndarray, flags: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool[n], bool[n]: characters that a word may begin with, and those that one may end before.

    codes: uint32[n], runs of unspaced characters end to end; flags: uint8[n], their classes; first: int64[runs], where
    each run begins.
    """
    kinds, attached = _kinds().take(codes), (flags & ATTACHED) != 0
    inside = np.ones(len(codes), dtype=bool)
    inside[first] = False
    opened, killed = np.zeros(len(codes), dtype=bool), np.zeros(len(codes), dtype=bool)
    opened[1:] = kinds[:-1] == _OPEN
    killed[:-1] = (kinds[1:] == _KILLER) & inside[1:]
    # With a vowel or tone between them.
    opened[2:] |= opened[1:-1] & attached[1:-1] & inside[1:-1]
    killed[:-2] |= killed[1:-1] & attached[1:-1] & inside[1:-1]
    begins = ~(attached | opened | killed | (kinds == _FOLLOWS))
    ends = begins.copy()
    tibetan = is_tibetan(codes)
    if tibetan.any():
        within, tsheg = tibetan[1:] & tibetan[:-1], kinds == _TSHEG
        begins[1:] &= ~within | (tsheg[:-1] & ~tsheg[1:])
        ends[1:] &= ~within | tsheg[1:]
    begins[first] = ~attached[first]
    return begins, ends
