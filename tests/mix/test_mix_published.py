"""The shipped mixes against what their sources say (`tests.mix.published`), and docs/published-mixes.md."""

from __future__ import annotations

import re
import tarfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.mix import published
from tests.mix.mix_helpers import totals_by
from xlcorpus import quality
from xlcorpus.dataset.yaml_file import parse_yaml
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.mixcpt import CODE_SHARE, published_tables
from xlcorpus.mix.rehydration import FINEWEB2
from xlcorpus.mix.shipped import load_mix, shipped_mixes
from xlcorpus.text.labels import language_of, normalize_label
from xlcorpus.text.language_names import meaning_of

CATEGORIES = published_tables()["categories"]
GROUPS = {"hmn": "hnj_Latn", "haw": "haw_Latn"}  # a group of languages, and a code whose script labels do not know


def label(code: str) -> str:
    """A language of ours for a code as the sources write it."""
    return GROUPS.get(code) or normalize_label(code)


def languages(name: str) -> set[str]:
    """The languages of a shipped mix."""
    spec = load_mix(name)
    return set(spec.where.lang or getattr(spec.mix.rule, "names", None) or getattr(spec.mix.rule, "ratios", ()))


def test_the_languages_are_those_of_the_sources() -> None:
    names = [name.strip() for name in published.XLM_R.replace("\n", " ").split(",")]
    plain = languages("xlm-r") - published.XLM_R_ROMANISED
    assert {meaning_of(name).language for name in names} == {language_of(name) for name in plain}
    assert {"zho_Hans", "zho_Hant"} < plain
    assert len(names) + len(published.XLM_R_ROMANISED) + len(["zho_Hant", "Burmese in Zawgyi"]) == 100
    assert languages("umt5") == {label(code) for code, *_ in published.rows(published.UMT5)}
    assert len(languages("umt5")) == 107
    assert languages("xglm") == {label(code) for code, _ in published.rows(published.XGLM)}
    assert languages("centurio") == {*published.CENTURIO.split(), "lat_Latn"}
    assert languages("glot500") == {label(code) for code in published.GLOT500_KNOWN.split()} | {"zho_Hant"}
    assert len(published.GLOT500_KNOWN.split()) == 101


def test_mbart50_has_the_codes_of_the_published_tokenizer() -> None:
    module = pytest.importorskip("transformers.models.mbart50.tokenization_mbart50")
    codes = {label(code.partition("_")[0]) for code in module.FAIRSEQ_LANGUAGE_CODES}
    assert len(codes) == 52
    assert {side for pair in languages("mbart50") for side in pair.split("-")} == codes


def test_glot500s_floor_is_under_what_its_own_table_marks() -> None:
    """Eleven languages of XLM-R are new there, and get more than the floor; eleven others are known."""
    assert languages("xlm-r") - languages("glot500") == {
        *("asm_Beng", "azj_Latn", "bos_Latn", "guj_Gujr", "gaz_Latn", "srp_Cyrl", "sun_Latn"),
        *published.XLM_R_ROMANISED,
    }
    assert languages("glot500") - languages("xlm-r") == {
        *("azb_Arab", "prs_Arab", "srp_Latn", "hau_Arab", "som_Arab"),
        *("jpn_Latn", "kir_Latn", "lao_Latn", "ory_Latn", "san_Latn", "uig_Latn"),
    }
    sizes = published.GLOT500_SENTENCES
    plan = plan_mix([Cell("web", "mono", lang, "", n, n) for lang, n in sizes.items()], load_mix("glot500"))
    floor, drawn = 30 * sizes["chk_Hani"], totals_by(plan, "lang")
    assert drawn.keys() == sizes.keys() - {"enx_Latn"}  # fewer than 30,000 sentences
    for lang, units in drawn.items():
        # preprocessing/merge_files.py: scale * smallest * (n / smallest) ^ factor, cut to a whole number
        asked = floor if lang in languages("glot500") else floor * (sizes[lang] / sizes["chk_Hani"]) ** 0.3
        assert abs(units - asked) <= 1
    assert drawn["azb_Arab"] == drawn["eng_Latn"] == floor == 900_450
    assert drawn["asm_Beng"] > 3 * floor


@pytest.mark.parametrize(("column", "parts"), [(2, 1), (3, 8)])
def test_umt5_gives_each_language_the_share_that_the_paper_prints(column: int, parts: int) -> None:
    """Table 8: UniMax with N = 1 and all or an eighth of the budget, from the table's own characters."""
    table = {label(row[0]): row for row in published.rows(published.UMT5)}
    cells = [Cell("mc4", "mono", lang, "", int(row[1]) * 10**8, int(row[1])) for lang, row in table.items()]
    budget = 8 * 250_000 * 1_024 * 568 * 4 // parts
    plan = plan_mix(cells, load_mix("umt5"), budget)
    drawn = totals_by(plan, "lang")
    assert plan.budget == sum(drawn.values()) == budget
    for lang, row in table.items():
        # The table rounds sizes to 10^9 characters (to 10^8 below 10^10), and shares to hundredths of a per cent.
        size, share = int(row[1]), float(row[column])
        slack = 0.0051 + share * (0.5 if size < 100 else 5) / size
        assert 100 * drawn.get(lang, 0) / budget == pytest.approx(share, abs=slack), lang


def test_xglm_has_the_shares_of_the_card() -> None:
    ratios = load_mix("xglm").mix.rule.ratios  # type: ignore[attr-defined]
    assert {lang: round(float(share) * 100, 2) for lang, share in ratios.items()} == {
        label(code): float(share) for code, share in published.rows(published.XGLM)
    }
    assert sum(ratios.values()) == pytest.approx(0.9999)


@pytest.mark.parametrize("short", CATEGORIES)
def test_mixcpts_tokens_are_those_of_its_tables(short: str) -> None:
    pairs = {pair: [int(n) for n in numbers] for pair, *numbers in published.rows(published.MIXCPT_PAIRS[short])}
    assert CATEGORIES[short]["pairs"] == {pair: total for pair, (_, _, total) in pairs.items()}
    assert CATEGORIES[short]["mono"] == published.MIXCPT_MONO[short]
    both, mono = published.MIXCPT_TOTALS[short]
    assert sum(CATEGORIES[short]["pairs"].values()) == both
    assert abs(sum(CATEGORIES[short]["mono"].values()) - mono) <= 1
    # As much of each language as the pairs hold, but for Wolof, which ran out.
    sides: Counter[str] = Counter()
    for pair, (source, target, total) in pairs.items():
        assert abs(source + target - total) <= 1
        sides.update(dict(zip(pair.split("-"), (source, target), strict=True)))
    for lang, tokens in CATEGORIES[short]["mono"].items():
        assert abs(sides[lang] - tokens) <= 2 or lang == "wol_Latn"


def shipped_numbers() -> dict[tuple[str, str], str]:
    """Every number of the shipped mixes by (mix, place): of their files, of MixCPT's tables, and of rehydration."""
    numbers = {("rehydrate", "weights from cluster sizes"): ", ".join(f"{a}: {b}" for a, b in FINEWEB2.items())}
    for name, path in shipped_mixes().items():
        if path is None:
            continue
        content = load_mix(name).to_json()

        def walk(where: str, value: Any, name: str = name) -> None:
            if isinstance(value, dict):
                for key, inner in value.items():
                    if key not in ("about", "name", "sources", "open", "related", "only_given"):
                        walk(f"{where} {key}".strip(), inner)
            elif isinstance(value, list):
                if len(value) > 1:
                    numbers[name, f"{where} count"] = f"{len(value)}"
            elif re.fullmatch(r"[0-9./]+", str(value)):
                numbers[name, where] = f"{value}"

        walk("", content)
    for short, category in CATEGORIES.items():
        for key in ("pairs", "mono"):
            for lang, tokens in category[key].items():
                numbers[f"*-{short}", f"{key} {lang}"] = f"{tokens:,}"
    numbers["*+Code-*", "share of code"] = f"{float(CODE_SHARE):g}"
    return numbers


def test_the_page_names_every_number_with_its_source() -> None:
    page = (Path(__file__).parents[2] / "docs" / "published-mixes.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:3] == "| `"]
    found = {(mix.strip("`"), what): value for mix, what, value, *_ in lines}
    assert len(found) == len(lines)
    assert found == shipped_numbers()
    assert all(source and checked for *_, source, checked in lines)


def test_what_the_default_thresholds_say_of_fineweb2_is_so(shared_data: Path) -> None:
    """The comments of xlcorpus/quality/defaults.yaml, over all of its published files."""
    values: dict[str, list[float]] = defaultdict(list)
    with tarfile.open(shared_data / "fineweb2" / "configs.tar.gz") as archive:
        for member in archive:
            if member.isfile() and (stream := archive.extractfile(member)) is not None:
                for key, value in parse_yaml(stream.read().decode()).items():
                    if isinstance(value, int | float):
                        values[key].append(value)
                    elif key.endswith("_n_grams"):
                        for size, number in value:
                            values[f"{size}-grams"].append(number)
    scores = Counter(values["language_score"])
    assert (sum(scores.values()), min(scores), scores.most_common(1)) == (1929, 0.3, [(0.3, 1102)])
    says = (Path(quality.__file__).parent / "defaults.yaml").read_text(encoding="utf-8")
    for column, key in {
        "q_alpha_word_ratio": "max_non_alpha_words_ratio",
        "q_newline_word_ratio": "new_line_ratio",
        "q_dup_line_ratio": "dup_line_frac",
    }.items():
        (line,) = (line for line in says.splitlines() if column in line)
        low, high = np.percentile(values[key], (5, 95))
        assert f"[F2] {low:.2f} to {high:.2f};" in line
    medians = [f"{np.median(values[f'{size}-grams']):.2f}".lstrip("0") for size in range(2, 11)]
    assert f"the medians of [F2] are {' '.join(medians[:3])} and {' '.join(medians[3:])}:" in says
