"""What languages write beside an apostrophe: clitics, which leave a word to look up, or letters of the same word.

Only what is listed is parted: of l'homme and house's the words homme and house can be switched, of c'hoar (Breton),
go'aan (Somali) and Ankara'da (Turkish) nothing can. Left out are clitics that are written with a hyphen or not at all.

Checked against what stands beside apostrophes in the texts of UDHR, NTREX, Tatoeba and African Storybook and in the
dictionaries of GATITOS and Wiktionary; letters also against the base characters of hyperglot 0.8.2 and gflanguages
0.7.11 (made from CLDR and Omniglot) and, for rap, smo, som, wls and yap, accounts of their spelling. In none of these:
cos ext nrf pcd scn srd vec (clitics); apw fud ixl kac lac mak min mop ood poc rap tet tzj (edges).
"""

from __future__ import annotations

import functools

from xlcorpus.text.labels import canonical_code, language_of

# Before the apostrophe, by the languages that have them.
_BEFORE = {
    "fra": "l d j m t s n c qu jusqu lorsqu puisqu quoiqu",
    "pcd wln nrf frp": "l d dj j m t s n c ch qu k y z",
    "oci": "l d m t s n c j qu",
    "cat": "l d m t s n",
    "ast arg ext mxi": "l d m t s n qu p",
    "por glg": "d",
    "ita": "l d c v m t s n gl un dell all dall nell sull coll pell quell quest bell sant com dov",
    "cos srd sro scn nap lmo pms lij vec fur lld egl": (
        "l d c m t s n v b dd g gh gl j un ch ss nd dl tl st dell all dall nell sull"
    ),
    "roh": "l d s n m t c in ch gl tg ill ell dall",
    "epo ido": "l",
    "mlt": "b f m t x s",
    "gle gla glv": "b mb d m s t v th dh",
    "bre": "d m n t",
    "ltz gsw swg bar": "d s z",
    "sqi als aln": "s t m ç c",
    "ell grc": "σ τ μ ν θ δ απ γι κατ παρ αλλ ἀλλ ἀπ δι ἐπ οὐδ",
    "ydd yid": "ס מ ר כ ד ז",
    "hat gcf acf mfe crs": "l m n t w y k s d",
    "kin run cgg nyn lug xog ttj nyo koo guz nuj": (
        "n y w b z k s g c h nn by cy ky ty vy gy ry ly bw gw kw lw mw rw tw nk"
        " ez eb eby eky ery ey ab ow obw olw iby ivy"
    ),
    "nya tum yao ach adh": "m",
    "umb": "l v k p",
    "fon gej": "n d b ɖ j",
    "plt mlg": "an amin anatin",
    "ibo": "n",
    "yor": "l n b t s k f d m",
    "aka twi fat": "n m w",
}
# Behind it.
_BEHIND = {
    "eng sco": "s re ll ve d m",
    "deu gsw bar nds": "s n m",
    "cat": "m t s n l ls ns",
    "oci": "m t s n u us",
    "ast": "l",
    "cym": "r n i u w m th ch",
    "cor": "n th m s",
    "acf": "y",
    "tgl fil ceb hil war": "y t g",
}
# Where an apostrophe at the edge of a word is of the word: a letter or a part of one (glottal stops, Uzbek tog', Luo
# wang', tones in Bodo), or the sign of what the word has lost (Maltese ta', Italian po', Afrikaans 'n, Gaelic a').
_AT_EDGES = (
    "uzn uzs kaa hau haw ton smo tah rar rap wls fud mlt som nav apw quc kek mam tzo tzh tzj yua cak ixl mop lac poc"
    " cha ace mak bug min tet afr ita scn nap lmo vec moh one ood tli yap dtp kac"
    " aar mad iba kzj luo lin pau brx mai oss yrk vep mic maz cbi chj mtp ame zam ztu toj hus bax bvi"
    " gla glv bre frp lij pms nds gsw ell grc"
)


@functools.cache
def _by_language(behind: bool) -> dict[str, tuple[str, ...]]:
    listed = _BEHIND if behind else _BEFORE
    return {_canonical(code): tuple(words.split()) for codes, words in listed.items() for code in codes.split()}


@functools.cache
def _at_edges() -> frozenset[str]:
    return frozenset(map(_canonical, _AT_EDGES.split()))


def clitics(label: str, *, behind: bool) -> tuple[str, ...]:
    """The clitics of a language before an apostrophe or behind it, in small letters; () for none."""
    return _by_language(behind).get(_canonical(language_of(label)), ())


def is_of_words_at_edges(label: str) -> bool:
    """Whether an apostrophe at the edge of a word is of the word in this language: 'okina, not okina."""
    return _canonical(language_of(label)) in _at_edges()


def _canonical(code: str) -> str:
    return canonical_code(code) or code
