"""The 36 mixes of MixCPT (3 base models, 4 kinds of data, 3 categories of languages), from one table.

Li, Ji, Luo, Tiedemann (2025), Rethinking Multilingual Continual Pretraining: Data Mixing for Adapting LLMs Across
Languages and Resources, COLM 2025, arXiv 2504.04152, tables 13 to 15 (tokens); code: github.com/MaLA-LM/MixCPT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from xlcorpus.errors import UserError
from xlcorpus.mix.exact import Number, exact
from xlcorpus.mix.spec import MixSpec, parse_mix

SOURCES = (
    "Li, Ji, Luo, Tiedemann (2025): Rethinking Multilingual Continual Pretraining: Data Mixing for Adapting LLMs "
    "Across Languages and Resources. COLM 2025, arXiv:2504.04152, tables 13-15",
    "https://github.com/MaLA-LM/MixCPT (train_config/)",
)
CODE_SHARE = Fraction(1, 10)  # ours: the published share is not known

MODELS = {
    "L3": {"base_model": "meta-llama/Meta-Llama-3.1-8B", "tokenizer": "meta-llama/Meta-Llama-3.1-8B"},
    "L2": {"base_model": "meta-llama/Llama-2-7b-hf", "tokenizer": "meta-llama/Llama-2-7b-hf"},
    "V7": {"base_model": "LumiOpen/Viking-7B", "tokenizer": "LumiOpen/Viking-7B"},
}
DATA = ("Mono", "Bi", "Mono+Code", "Bi+Code")


@dataclass(frozen=True)
class Category:
    """One category of languages: what is trained on, what is only evaluated, and millions of tokens.

    languages: their resource level. pairs: bilingual data. mono: monolingual data, by design as much of each language
    as the pairs hold.
    """

    name: str
    languages: Mapping[str, str]
    related: tuple[str, ...]
    pairs: Mapping[str, str]
    mono: Mapping[str, str]
    open: tuple[str, ...] = ()


_CHINESE = "the source writes zho_Hani; zho_Hans, the label of simplified Chinese, stands for it here"

CATEGORIES = {
    "Alt": Category(
        "altruistic",
        {"zho_Hans": "high", "ceb_Latn": "mid", "mar_Deva": "mid", "zul_Latn": "low", "khm_Khmr": "low"},
        ("yue_Hant", "tgl_Latn", "ilo_Latn", "hin_Deva", "npi_Deva", "xho_Latn", "ssw_Latn", "vie_Latn"),
        {
            "eng_Latn-zul_Latn": "21.9",
            "zho_Hans-zul_Latn": "0.55",
            "ceb_Latn-zul_Latn": "0.29",
            "zho_Hans-ceb_Latn": "1.56",
            "eng_Latn-mar_Deva": "15.0",
            "zho_Hans-mar_Deva": "4.07",
            "ceb_Latn-mar_Deva": "1.47",
            "ceb_Latn-eng_Latn": "24.1",
            "zho_Hans-khm_Khmr": "1.74",
            "eng_Latn-khm_Khmr": "21.5",
        },
        {
            "eng_Latn": "43.5",
            "zho_Hans": "4.4",
            "ceb_Latn": "14.2",
            "mar_Deva": "9.7",
            "zul_Latn": "9.5",
            "khm_Khmr": "10.7",
        },
        (_CHINESE,),
    ),
    "Sel": Category(
        "selfish",
        {"deu_Latn": "high", "bel_Cyrl": "mid", "mri_Latn": "mid", "kir_Cyrl": "low", "nya_Latn": "low"},
        (
            "nld_Latn",
            "dan_Latn",
            "rus_Cyrl",
            "ukr_Cyrl",
            "smo_Latn",
            "fij_Latn",
            "kaz_Cyrl",
            "bak_Cyrl",
            "bem_Latn",
            "sna_Latn",
        ),
        {
            "bel_Cyrl-deu_Latn": "45.1",
            "bel_Cyrl-eng_Latn": "3.5",
            "deu_Latn-mri_Latn": "3.9",
            "eng_Latn-mri_Latn": "1.6",
            "deu_Latn-kir_Cyrl": "3.3",
            "eng_Latn-kir_Cyrl": "3.8",
            "deu_Latn-nya_Latn": "2.2",
            "eng_Latn-nya_Latn": "36.5",
        },
        {
            "eng_Latn": "24.6",
            "deu_Latn": "22.6",
            "bel_Cyrl": "28.6",
            "mri_Latn": "3.2",
            "kir_Cyrl": "3.1",
            "nya_Latn": "17.9",
        },
    ),
    "Stag": Category(
        "stagnant",
        {"tha_Thai": "mid", "yor_Latn": "mid", "sna_Latn": "low", "wol_Latn": "low"},
        ("lao_Laoo", "shn_Mymr", "ibo_Latn", "hau_Latn", "nya_Latn", "zul_Latn", "bam_Latn"),
        {
            "eng_Latn-tha_Thai": "23.8",
            "eng_Latn-yor_Latn": "31.2",
            "eng_Latn-sna_Latn": "17.4",
            "eng_Latn-wol_Latn": "27.2",
        },
        {"eng_Latn": "43.4", "tha_Thai": "18.1", "yor_Latn": "16.9", "sna_Latn": "7.6", "wol_Latn": "0.55"},
        (
            "Wolof: monolingual text ended at 0.55 M tokens, so the monolingual mix is smaller than the bilingual one "
            "and the two are not matched in that language",
        ),
    ),
}

_OPEN = (
    "the source trains 3 epochs in its 36 configurations (train_config/*/*/*/full_pt_ds3.yaml), 2 by its README",
    "the tokenizer in which its tables count tokens is not said; here the tokenizer of the run counts",
)
_OPEN_MONO = ("published numbers, not a measured mix: `match: {to: DIR}` matches the bilingual mix that was made",)
_OPEN_CODE = (
    "the share of code is not published (The Stack, 32 programming languages, down-sampled to an unknown amount): "
    "{share} is xlcorpus's choice, a parameter of `mixcpt_cells`",
    "whether code replaced text or came on top is not said; here it comes on top of the published text",
)


def mixcpt_cells(code_share: Number = CODE_SHARE) -> dict[str, MixSpec]:
    """The 36 mixes by name (`L3-Bi+Code-Alt`), models outermost. code_share: code's part of a +Code mix, in (0, 1).

    The three models of a row differ in `model`, the metadata of the run card, alone. Budgets are the published text,
    with code on top; `spec.at(budget=...)` scales them. Raises UserError for a share that is none.
    """
    try:
        share = exact(code_share)
    except ValueError as error:
        raise UserError(f"the share of code: {error}", remedy="give a number above 0 and below 1") from None
    if not 0 < share < 1:
        raise UserError(f"the share of code is {code_share}", remedy="give a number above 0 and below 1")
    return {
        f"{model}-{data}-{short}": _cell(f"{model}-{data}-{short}", model, data, category, share)
        for model in MODELS
        for data in DATA
        for short, category in CATEGORIES.items()
    }


def _cell(name: str, model: str, data: str, category: Category, share: Fraction) -> MixSpec:
    kind, _, code = data.partition("+")
    table = category.mono if kind == "Mono" else category.pairs
    totals = {lang: int(exact(millions) * 10**6) for lang, millions in table.items()}
    text = sum(totals.values())
    languages = {"rule": "match", "by": "lang", "totals": totals}
    total = text + round(text * share / (1 - share)) if code else text
    parts = [{"where": {"kind": kind.lower()}, "share": f"{text}/{total}", "within": languages}]
    if code:
        parts.append({"where": {"kind": "code"}, "share": f"{total - text}/{total}"})
    trained = ", ".join(f"{lang} ({level})" for lang, level in category.languages.items())
    words = {"Mono": "monolingual text", "Bi": "sentence pairs"}[kind] + (" and code" if code else "")
    return parse_mix(
        {
            "name": name,
            "about": f"MixCPT, {category.name} languages: {words} of {trained} and English.",
            "sources": SOURCES,
            "open": (
                *_OPEN,
                *category.open,
                *(_OPEN_MONO if kind == "Mono" else ()),
                *(line.format(share=f"{float(share):g}") for line in _OPEN_CODE if code),
            ),
            "related": category.related,
            "model": MODELS[model],
            "budget": total,
            "mix": {"parts": parts},
        },
        name,
    )
