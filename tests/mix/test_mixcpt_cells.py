"""The 36 mixes of MixCPT on generated corpora: planned and run, their languages, their shares, matched controls."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from tests.mix.mix_corpora import write_code, write_documents, write_pairs
from tests.mix.mix_helpers import totals_by
from tests.rows import rows_of
from tests.running import digests, run, write_recipe
from xlcorpus.beam.read import shard_tasks
from xlcorpus.cli import main as entry
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.yaml_file import parse_yaml
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import canonical_lang
from xlcorpus.mix.census import Counting, CountShard, cells_of
from xlcorpus.mix.mixcpt import mixcpt_cells, published_tables
from xlcorpus.mix.units import count_units

CELLS = mixcpt_cells()
CATEGORIES, MODELS = published_tables()["categories"], published_tables()["models"]
BUDGET = {"tokens": 60_000, "bytes": 150_000}  # of some 100 million published
STRANGERS = ("fra_Latn", "tur_Latn")  # neither trained on nor related, and there all the same
FAST = ("L3-Bi+Code-Alt", "L2-Mono-Stag", "V7-Mono+Code-Sel", "L3-Bi-Sel")
COLUMNS = ("lang", "kind", "text", "src", "tgt", "src_lang", "tgt_lang", "mix_units", "mix_class", "mix_epoch")


def parts_of(name: str) -> tuple[str, str, bool, str]:
    """Model, kind, whether there is code, and category of a cell's name."""
    model, data, short = name.split("-")
    kind, _, code = data.partition("+")
    return model, kind.lower(), bool(code), short


def published(name: str) -> dict[str, Fraction]:
    """Tokens by language or pair, of the tables."""
    _, kind, _, short = parts_of(name)
    table = CATEGORIES[short]["mono"] if kind == "mono" else CATEGORIES[short]["pairs"]
    return {canonical_lang(lang): Fraction(tokens) for lang, tokens in table.items()}


def expected(name: str, budget: int) -> dict[str, Fraction]:
    """Units by language, pair or `none` (code) at a budget, from the tables and the share of code alone."""
    code = Fraction(1, 10) * parts_of(name)[2]
    table = published(name)
    shares = {lang: (1 - code) * tokens / sum(table.values()) for lang, tokens in table.items()}
    return {lang: share * budget for lang, share in {**shares, **({"none": code} if code else {})}.items()}


@dataclass(frozen=True)
class Corpora:
    """Documents, sentence pairs and code for a category."""

    documents: Path
    pairs: Path
    code: Path

    def run(self, output: Path, mix: str | Path | None = None, seed: int = 3, **options: Any) -> Dataset:
        """`xlcorpus mix` on all three."""
        given = {"shards": 2, **({"mix": str(mix)} if mix else {}), **options}
        words = ", ".join(f"{key}: {value}" for key, value in given.items())
        step = f"{{step: mix, input: [{self.documents}, {self.pairs}, {self.code}], {words}}}"
        recipe = write_recipe(output, f"seed: {seed}\nsteps: [{step}]\n")
        return run(recipe, output / "out")["mix"].dataset


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Corpora by category, made when they are asked for: the published languages and pairs, with a fifth more than the
    mixes need, related languages and strangers."""
    folder = tmp_path_factory.mktemp("mixcpt")
    code = write_code(folder / "code", BUDGET["tokens"] // 8)

    def enough(tokens: Fraction, total: Fraction) -> int:
        return int(tokens / total * BUDGET["tokens"] * 6 / 5) + 1000

    @functools.cache
    def of(short: str) -> Corpora:
        category = CATEGORIES[short]
        pairs = {lang: Fraction(tokens) for lang, tokens in category["pairs"].items()}
        total = sum(pairs.values(), Fraction(0))
        sides: Counter[str] = Counter()
        for pair, tokens in pairs.items():  # three words to two: up to 3/5 are of one side
            for lang in pair.split("-"):
                sides[lang] += tokens * 3 / 5  # type: ignore[assignment]
        mono = {lang: max(Fraction(tokens), Fraction(sides[lang])) for lang, tokens in category["mono"].items()}
        sizes = {(lang, ""): enough(tokens, total) for lang, tokens in mono.items()}
        sizes |= {(lang, ""): 400 for lang in (*category["related"], *STRANGERS)}
        bilingual = {lang: enough(tokens, total) for lang, tokens in pairs.items()}
        bilingual |= {f"eng_Latn-{lang}": 400 for lang in (*category["related"][:3], *STRANGERS)}
        return Corpora(
            write_documents(folder / short / "documents", sizes),
            write_pairs(folder / short / "pairs", bilingual),
            code,
        )

    return of


@functools.cache
def counted(corpora: Corpora, unit: str, folder: Path) -> tuple[Any, ...]:
    """The cells of all three corpora, as the step counts them."""
    count = CountShard(folder, Counting(unit, template="{src}\n{tgt}"))
    datasets = map(Dataset.open, (corpora.documents, corpora.pairs, corpora.code))
    return cells_of(count(task.number, task.content) for task in shard_tasks(datasets))


@functools.cache
def made(corpora: Corpora, name: str, unit: str, folder: Path) -> Dataset:
    """The mix of a cell, once for all tests that look at it."""
    return corpora.run(folder / f"{name}-{unit}", name, budget=BUDGET[unit], unit=unit)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mixcpt-out")


def language_units(rows: list[dict[str, Any]], unit: str) -> dict[str, int]:
    """Units by single language of a mix's rows, counted anew: of pairs each side by itself; code counts for none."""
    texts: list[tuple[str, str]] = []
    for row in rows:
        if row["kind"] == "bi":
            texts += [(row["src_lang"], row["src"]), (row["tgt_lang"], row["tgt"])]
        elif row["lang"] is not None:
            texts.append((row["lang"], row["text"]))
    totals: Counter[str] = Counter()
    units = count_units(pa.array([text for _, text in texts]), unit).tolist()
    for (lang, _), size in zip(texts, units, strict=True):
        totals[lang] += size
    return dict(totals)


@pytest.mark.parametrize("unit", BUDGET)
@pytest.mark.parametrize("name", CELLS)
def test_every_cell_plans_on_counted_corpora(name: str, unit: str, corpora: Any, outputs: Path) -> None:
    _, kind, code, short = parts_of(name)
    found = counted(corpora(short), unit, outputs / f"count-{short}-{unit}")
    there = {side for cell in found for side in cell.lang.split("-")}
    assert {*CATEGORIES[short]["related"], *STRANGERS} < there  # so that leaving them out is something
    plan = plan_mix(found, CELLS[name].at(unit=unit), BUDGET[unit])
    wanted = expected(name, BUDGET[unit])
    assert totals_by(plan, "lang").keys() == wanted.keys()
    for lang, units in totals_by(plan, "lang").items():
        assert abs(units - wanted[lang]) <= 1
    assert set(totals_by(plan, "kind")) == {kind} | ({"code"} if code else set())
    assert sum(totals_by(plan, "lang").values()) == plan.budget == BUDGET[unit]
    assert plan.related_trained == plan.missing == ()
    assert all(item.epochs <= 1 for item in plan.cells)


def check_mix(name: str, dataset: Dataset, unit: str) -> None:
    """Languages, shares, totals, metadata of a cell's mix, from its rows."""
    model, kind, code, short = parts_of(name)
    category, notes = CATEGORIES[short], dataset.manifest.notes
    rows = rows_of(dataset.folder, COLUMNS)
    # Exactly the published languages, English, and code where it is asked for.
    languages = language_units(rows, unit)
    assert set(languages) == {"eng_Latn", *category["languages"]}
    assert {row["kind"] for row in rows} == {kind} | ({"code"} if code else set())
    assert not set(languages) & {*category["related"], *STRANGERS}
    # Each as published, within a document.
    units: Counter[str] = Counter()
    largest: Counter[str] = Counter()
    for row, size in zip(rows, count_units(pa.array([row["text"] for row in rows]), unit).tolist(), strict=True):
        lang = canonical_lang(row["lang"] or "none")
        assert row["mix_units"] == size
        units[lang] += size
        largest[lang] = max(largest[lang], size)
    wanted = expected(name, BUDGET[unit])
    assert units.keys() == wanted.keys()
    for lang, share in wanted.items():
        assert abs(units[lang] - share) <= largest[lang] + 1, lang
    assert units.total() == pytest.approx(BUDGET[unit], rel=2e-3)
    # The notes say the same, and what the run card needs.
    assert sum(cell["units"] for cell in notes["cells"]) == units.total()
    assert notes["budget"] == BUDGET[unit]
    assert notes["languages"].keys() == languages.keys()
    for lang, size in languages.items():  # line feeds between the sides are shared out with them
        assert 0 <= notes["languages"][lang] - size <= (len(rows) if unit == "bytes" and kind == "bi" else 0)
    assert sum(notes["languages"].values()) == units.total() - units["none"]
    assert notes["related"] == list(category["related"])
    assert notes["related_trained"] == []
    assert notes["spec"]["model"] == MODELS[model]
    assert notes["spec"]["open"] == list(CELLS[name].open)
    assert notes["spec"]["sources"] == list(CELLS[name].sources)
    assert f"web/mono/{category['related'][0]}/none" in notes["not_in_mix"]
    assert {row["mix_epoch"] for row in rows} == {0}


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in CELLS])
def test_every_cell_runs(name: str, corpora: Any, outputs: Path) -> None:
    check_mix(name, made(corpora(parts_of(name)[3]), name, "tokens", outputs), "tokens")


@pytest.mark.parametrize(
    "name", ["L3-Bi-Sel", *(pytest.param(name, marks=pytest.mark.slow) for name in FAST if name != "L3-Bi-Sel")]
)
def test_cells_run_in_bytes(name: str, corpora: Any, outputs: Path) -> None:
    check_mix(name, made(corpora(parts_of(name)[3]), name, "bytes", outputs), "bytes")


@pytest.mark.parametrize(
    "name", ["L3-Bi-Sel", *(pytest.param(name, marks=pytest.mark.slow) for name in FAST if name != "L3-Bi-Sel")]
)
def test_a_smaller_cell_is_a_part_of_a_larger_one(name: str, corpora: Any, outputs: Path, tmp_path: Path) -> None:
    small = corpora(parts_of(name)[3]).run(tmp_path, name, budget=BUDGET["tokens"] // 7)
    large = made(corpora(parts_of(name)[3]), name, "tokens", outputs)
    held = [{row["doc_id"] for row in rows_of(rung.folder, ["doc_id"])} for rung in (small, large)]
    assert 0 < len(held[0]) < len(held[1])
    assert held[0] < held[1]


def plain(dataset: Dataset) -> tuple[dict[str, str], dict[str, Any]]:
    """Digests of all files but the manifest; the manifest's notes without name and model."""
    files = {name: digest for name, digest in digests(dataset.folder).items() if name.endswith(".parquet")}
    spec = {key: value for key, value in dataset.manifest.notes["spec"].items() if key not in ("name", "model")}
    return files, {**dataset.manifest.notes, "spec": spec}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(name[3:], marks=() if name[3:] == "Mono-Stag" else pytest.mark.slow)
        for name in CELLS
        if name.startswith("L3")
    ],
)
def test_the_three_models_differ_in_metadata_alone(row: str, corpora: Any, outputs: Path) -> None:
    mixes = [made(corpora(row.rpartition("-")[2]), f"{model}-{row}", "tokens", outputs) for model in MODELS]
    for number, other in enumerate(mixes[1:], 1):
        assert plain(other) == plain(mixes[0])
        one, two = (mix.manifest.notes["spec"] for mix in (mixes[0], other))
        assert (one["name"], two["name"]) == (f"L3-{row}", f"{list(MODELS)[number]}-{row}")
        assert one["model"] != two["model"]
        assert other.manifest.fingerprint != mixes[0].manifest.fingerprint
    assert len(plain(mixes[0])[0]) >= 2


def compare(bilingual: Dataset, control: Dataset, unit: str) -> float:
    """The largest relative difference of a language between a mix of pairs and its control, from their rows."""
    one, two = (rows_of(mix.folder, COLUMNS) for mix in (bilingual, control))
    code = {row["kind"] for row in two} - {"mono"}
    assert code <= {"code"}
    assert not any(row["src"] for row in two)
    texts = language_units(two, unit)
    assert texts.keys() == language_units(one, unit).keys()
    assert texts == control.manifest.notes["languages"]
    wanted = bilingual.manifest.notes["languages"]
    return max(abs(texts[lang] - units) / units for lang, units in wanted.items())


@pytest.mark.parametrize(
    ("how", "short"),
    [
        *(("tokens", short) for short in CATEGORIES),
        *(pytest.param("bytes", short, marks=() if short == "Sel" else pytest.mark.slow) for short in CATEGORIES),
        *(pytest.param("tokenizer", short, marks=() if short == "Sel" else pytest.mark.slow) for short in CATEGORIES),
    ],
)
def test_the_matched_control_has_as_much_of_each_language(how: str, short: str, corpora: Any, outputs: Path) -> None:
    """Within 0.1 %: the smallest document left over is small beside every language here."""
    name, unit = f"L3-Bi-{short}", "bytes" if how == "tokenizer" else how
    if how == "tokenizer":
        options: dict[str, Any] = {"tokenizer": "bytes", "objective": "plain"}
        bilingual = corpora(short).run(outputs / f"{name}-bytes-tokenizer", name, budget=BUDGET["bytes"], **options)
    else:
        options = {"unit": unit}
        bilingual = made(corpora(short), name, unit, outputs)
    control = corpora(short).run(outputs / f"match-{how}-{short}", match_tokens_to=bilingual.folder, **options)
    assert compare(bilingual, control, unit) <= 0.001
    # Both sides of pairs are counted, each for its language, not in halves; what is between them goes with them.
    rows = rows_of(bilingual.folder, COLUMNS)
    sides, notes = language_units(rows, unit), bilingual.manifest.notes["languages"]
    assert sum(notes.values()) == sum(row["mix_units"] for row in rows)
    for lang, units in notes.items():
        assert units == sides[lang] if unit == "tokens" else units == pytest.approx(sides[lang], rel=0.02)
    halves: Counter[str] = Counter()
    for row in rows:
        for lang in (row["src_lang"], row["tgt_lang"]):
            halves[lang] += row["mix_units"] / 2
    assert max(abs(halves[lang] - units) / units for lang, units in notes.items()) > 0.05


def test_a_control_is_off_by_half_a_document_where_all_documents_are_long(tmp_path: Path) -> None:
    """With documents of 50 tokens each, sums are multiples of 50: 0.1 % of 1,015 cannot be had, the nearest sum is."""
    pairs = write_pairs(tmp_path / "pairs", {"eng_Latn-wol_Latn": 3000})
    recipe = f"steps: [{{step: mix, input: [{pairs}], rule: proportional, budget: 2500}}]\n"
    bilingual = run(write_recipe(tmp_path / "bi", recipe), tmp_path / "bi")["mix"].dataset
    wanted = bilingual.manifest.notes["languages"]
    sizes = {("eng_Latn", ""): 4000, ("wol_Latn", ""): 4000}
    long = write_documents(tmp_path / "long", sizes, shortest=49, longest=49)
    assert set(count_units(pa.array([row["text"] for row in rows_of(long, ["text"])]), "tokens").tolist()) == {50}
    recipe = f"steps: [{{step: mix, input: [{long}], match_tokens_to: {bilingual.folder}}}]\n"
    control = run(write_recipe(tmp_path / "mono", recipe), tmp_path / "mono")["mix"].dataset
    for lang, units in control.manifest.notes["languages"].items():
        assert units == 50 * round(wanted[lang] / 50)
    assert any(units % 50 for units in wanted.values())


@pytest.mark.parametrize("short", ["Sel"])
def test_a_shown_cell_becomes_the_control_of_its_bilingual_one_with_code(
    short: str, corpora: Any, outputs: Path, tmp_path: Path
) -> None:
    """`recipes show L3-Mono+Code-Sel > mine.yaml`, the published totals replaced by the mix that was made."""
    unit, budget = "tokens", BUDGET["tokens"]
    bilingual = made(corpora(short), f"L3-Bi+Code-{short}", unit, outputs)
    shown = CliRunner().invoke(entry.cli, ["recipes", "show", f"L3-Mono+Code-{short}"]).output
    content = parse_yaml(shown)
    del content["budget"]
    content["mix"]["parts"][0]["within"] = {"rule": "match", "to": str(bilingual.folder)}
    mine = tmp_path / "mine.yaml"
    mine.write_text(str(content), encoding="utf-8")  # what Python writes of plain data is flow YAML
    control = corpora(short).run(tmp_path / "control", mine, unit=unit, budget=budget)
    assert compare(bilingual, control, unit) <= 0.001
    notes = control.manifest.notes
    kinds = [
        {kind: sum(cell["units"] for cell in mix.manifest.notes["cells"] if cell["kind"] == kind) for kind in kinds}
        for mix, kinds in ((bilingual, ("bi", "code")), (control, ("mono", "code")))
    ]
    assert kinds[0]["code"] == kinds[1]["code"] == pytest.approx(budget / 10, abs=50)
    assert kinds[0]["bi"] == pytest.approx(kinds[1]["mono"], rel=1e-3)
    assert notes["related"] == list(CATEGORIES[short]["related"])
    assert notes["spec"]["model"] == MODELS["L3"]
    assert notes["spec"]["name"] == f"L3-Mono+Code-{short}"
    assert notes["spec"]["mix"]["parts"][0]["within"]["totals"] == bilingual.manifest.notes["languages"]


def test_a_cell_wants_all_of_its_languages(tmp_path: Path) -> None:
    sizes = {(lang, ""): 500 for lang in ("eng_Latn", "tha_Thai", "yor_Latn", "sna_Latn", "wol_Arab")}
    only = write_documents(tmp_path / "only", sizes)
    recipe = f"steps: [{{step: mix, input: [{only}], mix: L3-Mono-Stag, budget: 100}}]\n"
    with pytest.raises(UserError, match="wol_Latn"):
        run(write_recipe(tmp_path, recipe), tmp_path / "out")


def test_the_published_size_is_refused_with_a_size_that_can_be_had(corpora: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a budget of 92,112,452 tokens needs more than there is") as caught:
        corpora("Alt").run(tmp_path / "whole", "L3-Bi-Alt")
    found = re.search(r"--budget ([0-9]+) with these rules", str(caught.value))
    assert found is not None
    most = int(found[1])
    assert BUDGET["tokens"] < most < 2 * BUDGET["tokens"]
    largest = corpora("Alt").run(tmp_path / "largest", "L3-Bi-Alt", budget=most)
    assert largest.manifest.notes["budget"] == largest.manifest.notes["largest_budget"] == most
    assert max(cell["epochs"] for cell in largest.manifest.notes["cells"]) == pytest.approx(1, abs=1e-3)
    with pytest.raises(UserError, match="needs more than there is"):
        corpora("Alt").run(tmp_path / "more", "L3-Bi-Alt", budget=most + 1)
