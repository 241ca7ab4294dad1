"""The 36 mixes of MixCPT (3 base models, 4 kinds of data, 3 categories of languages), from one table: mixcpt.yaml.

Li, Ji, Luo, Tiedemann (2025), Rethinking Multilingual Continual Pretraining: Data Mixing for Adapting LLMs Across
Languages and Resources, COLM 2025, arXiv 2504.04152, tables 13 to 15 (tokens); code: github.com/MaLA-LM/MixCPT.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError
from xlcorpus.mix.exact import Number, exact
from xlcorpus.mix.spec import MixSpec, parse_mix

DATA = ("Mono", "Bi", "Mono+Code", "Bi+Code")
CODE_SHARE = Fraction(1, 10)  # ours: the published share is not known


@functools.cache
def published_tables() -> dict[str, Any]:
    """The tables of the paper, and what it leaves open: the file beside this one, which says what its keys hold."""
    content: dict[str, Any] = load_yaml(storage.packaged("xlcorpus.mix", "mixcpt.yaml"))
    return content


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
        name: parse_mix(_cell(name, model, data, category, share), name)
        for model in published_tables()["models"]
        for data in DATA
        for category in published_tables()["categories"]
        for name in [f"{model}-{data}-{category}"]
    }


def _cell(name: str, model: str, data: str, short: str, share: Fraction) -> dict[str, Any]:
    kind, _, code = data.partition("+")
    table, category = published_tables(), published_tables()["categories"][short]
    totals: dict[str, int] = category["mono" if kind == "Mono" else "pairs"]
    text = sum(totals.values())
    languages = {"rule": "match", "by": "lang", "totals": totals}
    total = text + round(text * share / (1 - share)) if code else text
    parts = [{"where": {"kind": kind.lower()}, "share": f"{text}/{total}", "within": languages}]
    if code:
        parts.append({"where": {"kind": "code"}, "share": f"{total - text}/{total}"})
    trained = ", ".join(f"{lang} ({level})" for lang, level in category["languages"].items())
    words = {"Mono": "monolingual text", "Bi": "sentence pairs"}[kind] + (" and code" if code else "")
    return {
        "name": name,
        "about": f"MixCPT, {category['name']} languages: {words} of {trained} and English.",
        "sources": table["sources"],
        "open": [
            *table["open"]["all"],
            *category.get("open", ()),
            *table["open"].get(kind, ()),
            *(line.format(share=f"{float(share):g}") for line in table["open"].get(code, ())),
        ],
        "related": category["related"],
        "model": table["models"][model],
        "budget": total,
        "mix": {"parts": parts},
    }
