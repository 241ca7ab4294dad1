"""Signs that uroman reads by their Unicode name and not as they sound, by script, with their sound.

Where uroman's hand-made tables say nothing it takes a reading from the name: for LETTER KA that is right; for COMBINING
HIGH TONE it is `tone`, for the vowels of Ol Chiki, LETTER LA to LETTER LO, `l`. tests/romanize/test_signs.py looks for
such signs in all of Unicode, by names, categories and Indic_Syllabic_Category.

Sounds, in uroman's letters: The Unicode Standard 15, names, aliases and code charts (of most scripts; the names of
Shavian letters are words with their sound); ALA-LC romanization tables without diacritics (Santali in Ol Chiki, N'Ko,
Manipuri, Balinese, Javanese). Tones, recitation marks of the Quran, and signs that sound otherwise in each language
have none. Checked: 59 signs of 12 scripts sound the same in the tables of Aksharamukha 2.3, but for length and three
choices (Simalungun reads Karo's O as au; Limbu's bare carrier is a there; Sora's EH is its ai); Pahawh Hmong by the
names in L2/12-013, Lisu's UH (New Lisu e) and Wancho (L2/17-067R) by what is published of their orthographies.
"""

from __future__ import annotations

import re
from functools import cache

_CODES = re.compile(r"[0-9A-F]{4,5}(\+[0-9A-F]{4,5})?")

# Code point (two of one sign joined by +), and the sounds of it and of those that follow it. `-`: no sound; `=`: as
# uroman reads it.
_SOUNDS = """
Adlm 1E948 - -
Aghb 10530 a  10534 e  10536 e  1053C i  10548 o  10552 o  1055E u
Arab 0615 - - -  065A - - -  065F '  06D6 - - -  06DC -  06DF -  06E2 - - - w y y n  06EB -  06ED -
Arab 08D3 w  08F3 w  08FF -
Armn 0559 -
Avst 10B04 an aan
Bali 1B35 aa i ii u uu r rr l ll e ai o au e oe  1B3E+1B35 o  1B3F+1B35 au  1B42+1B35 oe
Bass 16AF0 - - - - -
Batk 1BC6 b  1BCD w  1BE8 e  1BEB i  1BED o  1BEF u
Bopo 311D e  3122 an en ang eng er  312D i  31A5 enn  31A7 onn ir ann inn unn im  31AE ainn aunn am om ong innn
Bopo 31BF a
Cyrl 0487 -  A66F -  A67C - -  A67F -  A69C - -
Dsrt 10403 Ah  10409 Ah  1040C Ay Ow  10426 Oi Ew  1042B ah  10431 ah  10434 ay ow  1044E oi ew
Hmng 16B00 eeb eev ib iv aub auv ub uv eb ev aib aiv oob oov awb awv uab uav ob ov iab iav ab av wb wv aab aav
Hmng 16B1C v nts l h nl r nk qh y hl m ch nch hn plh nth n - x c
Java A989 re le le  A9B4 aa o i ii u uu e ai e re y r -  A9BA+A9B4 o  A9BB+A9B4 au
Khar 10A0D -
Lana 1A7F -
Laoo 0EBA -
Latn 1D25 '  1D5C '  A724 ' '  A738 Av av Av av Ay ay  A76A Et et Is is  A770 us  A778 um
Lepc 1C34 ng ng
Limb 1900 -  191D gya
Lisu A4F6 e
Lyci 10299 an en
Lydi 10935 an en
Mand 0858 '
Mong 1843 -  1897 a
Mtei AAF5 h  ABCE u  ABE4 i a e = u ei ng
Mymr 1063 - -  1069 - - - - -  1087 - - - - - - -  108F -  109A - -  A9E5 - -  AA70 -  AA7B - - -
Narb 10A92 '
Nkoo 07EB - - - - - - -  07F3 -
Hatr 108EF '
Olck 1C5A a  1C5F a  1C64 i  1C69 u  1C6E e  1C73 o
Osge 104B2 Ain Ah  104B8 Ein  104C3 Oin  104DA ain ah  104E0 ein  104EB oin
Perm 10350 a  10376 a
Phnx 10900 a  1090F '
Plrd 16F43 a  16F4F -  16F8F - - - - - - - - - - - - - - - - -
Samr 0807 h  080F '  082C -
Sarb 10A72 '
Saur A8B4 h
Shaw 10456 sh  10459 ng  10460 zh  10466 i e a a o u ow ah  10470 ee ay ai u o oo oi aw ar or air er ar ear ia yoo
Sogd 10F4E -
Sora 110E2 a e i u o e
Sylo A82C -
Tale 1966 e  1970 - - - - -
Ugar 10393 '
Wcho 1E2E2 ong aang ang ing on en aan  1E2EA uen i
Yezi 10E97 '  10EA3 um  10EA5 ow ew
Zinh 0653 -  1CDA -  1CF9 -  1DD6 av  1DFC -  1D18A -
Zyyy 02BD ' ' ' ' '  02C9 -  02CD -  02EC -  02EE '
"""


@cache
def sounds() -> dict[str, str]:
    """Sign -> how it sounds; of two signs that are one there is an entry of both together."""
    found: dict[str, str] = {}
    for line in _SOUNDS.split("\n"):
        sign = ""
        for word in line.split()[1:]:
            if _CODES.fullmatch(word):
                sign = "".join(chr(int(code, 16)) for code in word.split("+"))
                continue
            if word != "=":
                found[sign] = "" if word == "-" else word
            sign = sign[:-1] + chr(ord(sign[-1]) + 1)
    return found
