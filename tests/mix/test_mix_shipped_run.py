"""The mixes of published systems as they run, on generated corpora that have a part of their languages."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.mix.mix_corpora import write_documents, write_pairs, write_texts
from tests.rows import rows_of
from tests.running import run, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.mix.cells import canonical_lang
from xlcorpus.mix.shipped import load_mix, shipped_mixes
from xlcorpus.mix.units import count_units

# Pre-tokens by language; sco_Latn is in no mix, ast_Latn, oci_Latn, scn_Latn are related to the languages of some.
SIZES = {
    "eng_Latn": 24_000, "rus_Cyrl": 9_000, "zho_Hans": 6_000, "kor_Hang": 5_000, "swh_Latn": 2_500, "tam_Taml": 1_200,
    "ell_Grek": 5_500, "hau_Latn": 700, "sco_Latn": 3_000, "ast_Latn": 1_000, "oci_Latn": 800,
}  # fmt: skip
PAIRS = {"eng_Latn-rus_Cyrl": 6_000, "swh_Latn-eng_Latn": 1_500, "eng_Latn-tam_Taml": 500, "eng_Latn-slk_Latn": 900}
MALTESE = {"wiki": 1_500, "press_mt": 6_000, "law_mt": 3_000, "speeches": 500, "tweets": 900}
# Documents, for a rule that counts them; the first three are new to XLM-R, the third is too small for Glot500.
GLOT = {"bci_Latn": 30_000, "cak_Latn": 60_000, "xav_Latn": 29_999, "eng_Latn": 40_000, "swh_Latn": 33_333}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs `--mix NAME` on one of the corpora, each mix once."""
    folder = tmp_path_factory.mktemp("shipped")

    @functools.cache
    def corpus(kind: str) -> list[Path]:
        where = folder / kind
        if kind == "web":
            web = write_documents(where / "web", {(lang, ""): size for lang, size in SIZES.items()})
            return [web, write_pairs(where / "pairs", PAIRS)]
        if kind == "maltese":
            sizes = {("mlt_Latn", domain): size for domain, size in MALTESE.items()}
            return [write_documents(where, sizes | {("eng_Latn", "wiki"): 400, ("scn_Latn", "wiki"): 400})]
        rows = [(lang, f"{lang[:3]} {row}") for lang, count in GLOT.items() for row in range(count)]
        return [write_texts(where, [text for _, text in rows], [lang for lang, _ in rows])]

    @functools.cache
    def of(name: str, kind: str, **options: Any) -> Dataset:
        given = {"mix": name, "shards": 2, **options}
        words = ", ".join(f"{key}: {value}" for key, value in given.items())
        inputs = ", ".join(map(str, corpus(kind)))
        output = folder / "-".join([name, kind, *map(str, options.values())])
        recipe = write_recipe(output, f"seed: 5\nsteps: [{{step: mix, input: [{inputs}], {words}}}]\n")
        return run(recipe, output / "out")["mix"].dataset

    of.corpus = corpus  # type: ignore[attr-defined]
    return of


def sums(dataset: Dataset, unit: str, by: str = "lang") -> tuple[dict[str, int], dict[str, int]]:
    """Units and the largest document by language (pairs in either direction are one) or domain, counted anew."""
    rows = rows_of(dataset.folder, ["text", by, "mix_units"])
    units: Counter[str] = Counter()
    largest: Counter[str] = Counter()
    counted = count_units(pa.array([row["text"] for row in rows]), unit).tolist()
    assert counted == [row["mix_units"] for row in rows]
    for row, size in zip(rows, counted, strict=True):
        name = canonical_lang(str(row[by]))
        units[name] += size
        largest[name] = max(largest[name], size)
    return dict(units), dict(largest)


def available(paths: list[Path], unit: str, by: str = "lang") -> dict[str, int]:
    """Units by language or domain of the documents that a mix was given."""
    units: Counter[str] = Counter()
    rows = [row for path in paths for row in rows_of(path, ["text", by])]
    for row, size in zip(rows, count_units(pa.array([row["text"] for row in rows]), unit).tolist(), strict=True):
        units[str(row[by])] += size
    return dict(units)


def check(dataset: Dataset, unit: str, wanted: Mapping[str, float | Fraction], by: str = "lang") -> dict[str, int]:
    """Units of each language or domain are those wanted, within a document; nothing else is in the mix."""
    units, largest = sums(dataset, unit, by)
    assert units.keys() == wanted.keys()
    for name, size in units.items():
        assert abs(size - wanted[name]) <= largest[name] + 1, name
    notes = dataset.manifest.notes
    assert sum(cell["units"] for cell in notes["cells"]) == sum(units.values())
    assert notes["budget"] == pytest.approx(float(sum(wanted.values())), abs=1)
    spec = load_mix(notes["spec"]["name"])
    assert notes["related"] == list(spec.related)
    assert notes["related_trained"] == []
    assert notes["spec"]["sources"] == list(spec.sources)
    assert notes["spec"]["open"] == list(spec.open)
    return units


def named(mix: str) -> set[str]:
    """The languages that a mix draws from."""
    return set(load_mix(mix).where.lang or ())


def by_share(shares: Mapping[str, float], budget: float) -> dict[str, float]:
    total = sum(shares.values())
    return {name: share * budget / total for name, share in shares.items()}


def test_xlm_r_damps_large_languages(mixed: Any) -> None:
    dataset = mixed("xlm-r", "web", budget=20_000)
    sizes = available(mixed.corpus("web")[:1], "tokens")
    known = {lang: size**0.3 for lang, size in sizes.items() if lang in named("xlm-r")}
    assert set(sizes) - set(known) == {"sco_Latn", "ast_Latn", "oci_Latn"}
    units = check(dataset, "tokens", by_share(known, 20_000))
    assert units["eng_Latn"] / units["hau_Latn"] == pytest.approx(
        (sizes["eng_Latn"] / sizes["hau_Latn"]) ** 0.3, rel=0.02
    )
    assert len(dataset.manifest.notes["missing"]) == 99 - len(known)
    epochs = {cell["lang"]: cell["epochs"] for cell in dataset.manifest.notes["cells"]}
    assert 1 < epochs["hau_Latn"] <= 10
    assert max(row["mix_epoch"] for row in rows_of(dataset.folder, ["mix_epoch"])) == math.ceil(epochs["hau_Latn"]) - 1


def test_xlm_r_is_as_large_as_its_smallest_language_allows(mixed: Any) -> None:
    dataset = mixed("xlm-r", "web")
    sizes = available(mixed.corpus("web")[:1], "tokens")
    known = {lang: size**0.3 for lang, size in sizes.items() if lang in named("xlm-r")}
    smallest = min(known, key=lambda lang: sizes[lang] / known[lang])
    most = 10 * sizes[smallest] * sum(known.values()) / known[smallest]
    units = check(dataset, "tokens", by_share(known, most))
    assert units[smallest] == 10 * sizes[smallest]
    with pytest.raises(UserError, match=f"{smallest}.*the cap allows"):
        mixed("xlm-r", "web", budget=int(most) + 100)


def test_xglm_has_the_shares_of_its_card(mixed: Any) -> None:
    card = {"eng_Latn": 0.3259, "rus_Cyrl": 0.0602, "zho_Hans": 0.0483, "kor_Hang": 0.0811, "swh_Latn": 0.0037}
    card |= {"tam_Taml": 0.006, "ell_Grek": 0.0233}
    dataset = mixed("xglm", "web", budget=30_000)
    check(dataset, "tokens", by_share(card, 30_000))
    assert dataset.manifest.notes["spec"]["mix"]["ratios"]["kor_Hang"] == 0.0811


def test_mbart50_counts_pairs_at_temperature(mixed: Any) -> None:
    dataset = mixed("mbart50", "web", budget=500)
    pairs = Counter(
        canonical_lang(f"{row['src_lang']}-{row['tgt_lang']}")
        for row in rows_of(mixed.corpus("web")[1], ["src_lang", "tgt_lang"])
    )
    known = {pair: count ** (1 / 1.5) for pair, count in pairs.items() if pair != "eng_Latn-slk_Latn"}
    assert len(known) == 3
    units = check(dataset, "docs", by_share(known, 500))
    assert sum(units.values()) == 500
    assert all(abs(units[pair] - share) < 1 for pair, share in by_share(known, 500).items())
    rows = rows_of(dataset.folder, ["text", "src", "tgt"])
    assert all(row["text"] == f"{row['src']}\n{row['tgt']}" for row in rows)


def unimax(sizes: Mapping[str, int], budget: int, epochs: int) -> dict[str, Fraction]:
    """UniMax as its paper has it: smallest first, an equal part of what is left, at most so many epochs."""
    left, given = Fraction(budget), {}
    ordered = sorted(sizes, key=lambda lang: sizes[lang])
    for number, lang in enumerate(ordered):
        given[lang] = min(left / (len(ordered) - number), Fraction(epochs * sizes[lang]))
        left -= given[lang]
    return given


def test_umt5_gives_equal_parts_of_characters_up_to_an_epoch(mixed: Any) -> None:
    dataset = mixed("umt5", "web", budget=90_000)
    sizes = available(mixed.corpus("web")[:1], "chars")
    sizes = {lang: size for lang, size in sizes.items() if lang in named("umt5")}
    wanted = unimax(sizes, 90_000, 1)
    full = {lang for lang in sizes if wanted[lang] == sizes[lang]}
    assert 2 <= len(full) <= len(sizes) - 3  # some languages run out, some do not
    units = check(dataset, "chars", wanted)
    assert all(units[lang] == sizes[lang] for lang in full)
    assert len({int(part) for lang, part in wanted.items() if lang not in full}) == 1
    assert {row["mix_epoch"] for row in rows_of(dataset.folder, ["mix_epoch"])} == {0}


def test_centurio_is_half_english_and_the_rest_uniform(mixed: Any) -> None:
    """It takes text of any kind, but a pair of languages is none of its languages."""
    dataset = mixed("centurio", "web", budget=9_000)
    others = ("rus_Cyrl", "kor_Hang", "swh_Latn", "tam_Taml", "ell_Grek", "hau_Latn", "oci_Latn")
    units = check(dataset, "tokens", {"eng_Latn": 4_500, **dict.fromkeys(others, Fraction(4_500, len(others)))})
    assert set(others) <= named("centurio")
    assert units["eng_Latn"] == pytest.approx(4_500, abs=15)
    with pytest.raises(UserError, match="hau_Latn"):
        mixed("centurio", "web", budget=16_000)  # 1,000 tokens of each, of Hausa 700


def test_glot500_raises_new_languages_and_keeps_a_floor(mixed: Any) -> None:
    floor = 30 * GLOT["bci_Latn"]
    asked = {"bci_Latn": floor, "cak_Latn": floor * 2**0.3, "eng_Latn": floor, "swh_Latn": floor}
    dataset = mixed("glot500", "glot", budget=4_000)
    units = check(dataset, "docs", by_share(asked, 4_000))
    known = [units[lang] for lang in ("eng_Latn", "swh_Latn", "bci_Latn")]
    assert max(known) - min(known) <= 1
    assert sum(units.values()) == 4_000
    # What XLM-R knows stays at the floor however large it is; what is new does not.
    assert GLOT["cak_Latn"] > GLOT["eng_Latn"] > GLOT["bci_Latn"]
    assert units["cak_Latn"] / max(known) == pytest.approx(2**0.3, abs=2e-3)


def test_the_two_sides_of_the_maltese_ladder_are_of_one_size(mixed: Any) -> None:
    sizes = available(mixed.corpus("maltese"), "tokens", "domain")
    wiki = mixed("maltese-wikipedia", "maltese")
    rows = rows_of(mixed.corpus("maltese")[0], ["text", "lang", "domain"])
    maltese = [row["text"] for row in rows if (row["lang"], row["domain"]) == ("mlt_Latn", "wiki")]
    size = int(count_units(pa.array(maltese), "tokens").sum())
    assert check(wiki, "tokens", {"wiki": size}, "domain") == {"wiki": size}
    assert {row["lang"] for row in rows_of(wiki.folder, ["lang"])} == {"mlt_Latn"}
    domains = mixed("maltese-domains", "maltese", budget=size)
    parts = {"wiki": size, **{name: sizes[name] for name in ("press_mt", "law_mt", "speeches")}}
    units = check(domains, "tokens", by_share(parts, size), "domain")
    assert sum(units.values()) == pytest.approx(size, abs=20)
    assert {row["lang"] for row in rows_of(domains.folder, ["lang"])} == {"mlt_Latn"}


@pytest.mark.parametrize(
    ("name", "corpus", "budgets"),
    [
        ("maltese-domains", "maltese", (1_000, 1_001, 4_000)),
        pytest.param("mbart50", "web", (101, 102, 400), marks=pytest.mark.slow),
        pytest.param("umt5", "web", (9_000, 30_000, 90_000), marks=pytest.mark.slow),
        pytest.param("glot500", "glot", (999, 1_000, 4_000), marks=pytest.mark.slow),
    ],
)
def test_a_smaller_rung_is_a_part_of_the_larger_one(
    mixed: Any, name: str, corpus: str, budgets: tuple[int, ...]
) -> None:
    """Every use of every text, with caps of epochs and without."""
    rungs = [
        Counter((row["doc_id"], row["mix_epoch"]) for row in rows_of(mixed(name, corpus, budget=budget).folder))
        for budget in budgets
    ]
    assert all(rung.total() > 0 for rung in rungs)
    assert rungs[0] <= rungs[1] <= rungs[2]
    assert rungs[0] != rungs[2]


def test_every_file_that_ships_is_run_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    for name, path in shipped_mixes().items():
        assert path is None or f'mixed("{name}"' in here


def test_order_of_shards_does_not_matter(mixed: Any) -> None:
    """Any share of the output holds the shares of the whole: half of the documents are half of each language."""
    rows = rows_of(mixed("xglm", "web", budget=30_000).folder, ["lang", "mix_units"])
    gone = np.cumsum([row["mix_units"] for row in rows])
    half = int(np.searchsorted(gone, gone[-1] / 2))
    for lang in ("eng_Latn", "kor_Hang", "zho_Hans"):
        units = [row["mix_units"] * (row["lang"] == lang) for row in rows]
        assert sum(units[:half]) == pytest.approx(sum(units) / 2, rel=0.03)
