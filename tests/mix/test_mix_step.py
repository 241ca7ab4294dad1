"""The step as it runs: rules, files, matches, both exchanges, workers, notes in the manifest, and every refusal."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import finished, pairs, switched
from tests.rows import documents, rows_of
from tests.running import command, digests, run, write_recipe
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.mix import inputs
from xlcorpus.mix.options import Options
from xlcorpus.mix.units import TOKEN_ESTIMATE

# Words of our own choice; document n of a language has 1 + n * 7 % 13 of them.
WORDS = {
    "eng_Latn": "river boat morning market rice rain bridge letter",
    "swh_Latn": "mto mashua asubuhi soko mchele mvua daraja barua",
    "hin_Deva": "नदी नाव सुबह बाज़ार चावल बारिश पुल चिट्ठी",
    "ell_Grek": "ποτάμι βάρκα πρωί αγορά ρύζι βροχή γέφυρα γράμμα",
    "tha_Thai": "แม่น้ำ เรือ เช้า ตลาด ข้าว ฝน สะพาน จดหมาย",
}
COUNTS = {"eng_Latn": 400, "swh_Latn": 150, "hin_Deva": 90, "ell_Grek": 40, "tha_Thai": 20}


def text_of(lang: str, number: int) -> str:
    words = WORDS[lang].split()
    return " ".join(words[(number * 3 + at) % len(words)] for at in range(1 + number * 7 % 13))


def web(counts: Mapping[str, int] = COUNTS) -> pa.RecordBatch:
    """Documents of five scripts, one language after the other; some were found several times."""
    rows = [(lang, number) for lang, count in counts.items() for number in range(count)]
    texts = [text_of(lang, number) for lang, number in rows]
    sizes = [(1, 2, 1, 7)[number % 4] for _, number in rows]
    domains = [(None, "law")[number % 2] for _, number in rows]
    kept = {"dup_size": pa.array(sizes, pa.int32()), "domain": pa.array(domains)}
    return documents(texts, [lang for lang, _ in rows], names=[f"{lang} {number}" for lang, number in rows], **kept)


def bitext(one: str, other: str, count: int) -> Any:
    return pairs([(text_of(one, number), text_of(other, number)) for number in range(count)], one, other)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets: web, code, opus (pairs), switched (a code-switched one)."""
    folder = tmp_path_factory.mktemp("data")
    finished(folder / "web", web(), 3)
    code = [f"print({number} + {number % 7})" for number in range(60)]
    scripts = documents(code, [None] * 60, names=[f"f{number}.py" for number in range(60)])
    finished(folder / "code", scripts.append_column("kind", pa.array(["code"] * 60)))
    finished(folder / "opus", bitext("eng_Latn", "swh_Latn", 80), 2)
    originals = [text_of("swh_Latn", number) for number in range(40)]
    finished(folder / "switched", switched([f"{text} river" for text in originals], originals, "swh_Latn"))
    return folder


ALL = ("web", "code", "opus", "switched")


def mixed(data: Path, output: Path, inputs: tuple[str, ...] = ("web",), *, workers: int = 1, **options: Any) -> Dataset:
    """The mix of some datasets under these options."""
    step = {"step": "mix", "input": [str(data / name) for name in inputs], **options}
    recipe = write_recipe(output.parent, json.dumps({"name": "m", "seed": 3, "steps": [step]}), f"{output.name}.yaml")
    return run(recipe, output, workers=workers)["mix"].dataset


def units_by(dataset: Dataset, key: str) -> dict[str, int]:
    units: Counter[str] = Counter()
    for row in rows_of(dataset):
        units[row[key] or "none"] += row["mix_units"]
    return dict(units)


def refused(data: Path, output: Path, inputs: tuple[str, ...] = ("web",), **options: Any) -> str:
    """The message of a refusal, which leaves nothing behind."""
    with pytest.raises((UserError, IntegrityError)) as caught:
        mixed(data, output, inputs, **options)
    assert not list(output.glob("mix/*"))
    return str(caught.value)


def assert_meets_the_plan(dataset: Dataset) -> None:
    """Each cell has its budget to half of its largest document; each row a class, and is accounted for."""
    notes = dataset.manifest.notes
    rows = rows_of(dataset)
    for cell in notes["cells"]:
        mine = [row for row in rows if row["mix_class"] == cell["name"]]
        assert (cell["units"], cell["docs"]) == (sum(row["mix_units"] for row in mine), len(mine))
        largest = max((row["mix_units"] for row in mine), default=0)
        assert abs(cell["units"] - cell["budget"]) <= max(largest / 2, 1)
    assert sum(cell["budget"] for cell in notes["cells"]) == notes["budget"]
    assert {row["mix_class"] for row in rows} <= {cell["name"] for cell in notes["cells"]}
    tally = dataset.manifest.tallies[-1]
    assert tally.rows_in + tally.repeated == tally.rows_out + tally.removed_rows
    assert tally.rows_out == len(rows)
    load_schema("document").check(dataset.manifest.arrow_schema, "mix")
    dataset.manifest.verify(dataset.folder)


def test_unimax(data: Path, tmp_path: Path) -> None:
    """The three smallest are below an equal share and give their two epochs; the others share the rest."""
    dataset = mixed(data, tmp_path / "out", rule="unimax=2", unit="docs", budget=700, shards=2)
    assert_meets_the_plan(dataset)
    expected = {"tha_Thai": 40, "ell_Grek": 80, "hin_Deva": 180, "swh_Latn": 200, "eng_Latn": 200}
    assert {cell["lang"]: cell["budget"] for cell in dataset.manifest.notes["cells"]} == expected
    assert units_by(dataset, "lang") == expected
    epochs = Counter((row["lang"], row["mix_epoch"]) for row in rows_of(dataset))
    assert {key: epochs[key] for key in epochs if key[1]} == {
        ("tha_Thai", 1): 20, ("ell_Grek", 1): 40, ("hin_Deva", 1): 90, ("swh_Latn", 1): 50,
    }  # fmt: skip


def test_temperature(data: Path, tmp_path: Path) -> None:
    dataset = mixed(data, tmp_path / "out", rule="temperature=2", budget="1500", unit="docs", max_epochs=20)
    assert_meets_the_plan(dataset)
    whole = sum(math.sqrt(count) for count in COUNTS.values())
    found = units_by(dataset, "lang")
    for lang, count in COUNTS.items():
        assert found[lang] == pytest.approx(1500 * math.sqrt(count) / whole, abs=1)


def test_a_rule_by_another_key_and_with_what_is_passed_on(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "rule": "uniform",
        "by": "kind",
        "on_cap": "redistribute",
        "unit": "docs",
        "budget": "largest",
    }
    dataset = mixed(data, tmp_path / "out", ALL, **options)
    assert units_by(dataset, "kind") == {"mono": 700, "code": 60, "bi": 80, "cs": 40}
    assert_meets_the_plan(dataset)


def test_rehydration(data: Path, tmp_path: Path) -> None:
    dataset = mixed(data, tmp_path / "out", rule="rehydrate", unit="docs", max_epochs=2)
    assert_meets_the_plan(dataset)
    uses = Counter(row["origin"]["file"] for row in rows_of(dataset))
    assert uses == {
        f"{lang} {number}": 2 * (1, 2, 1, 5)[number % 4] for lang, count in COUNTS.items() for number in range(count)
    }


TREE = """
name: tree
about: four kinds
unit: bytes
budget: 24k
max_epochs: 4
related: [hin_Deva, mar_Deva]
mix:
  parts:
    - {where: {kind: mono}, share: 0.6, within: {by: lang, rule: unimax, epochs: 2}}
    - {where: {kind: bi}, share: 0.2}
    - {where: {kind: code}, share: 0.1}
    - {where: {kind: cs}, share: 0.1}
"""


def test_a_file_with_a_tree(data: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path, TREE, "tree.yaml")
    given: dict[str, Any] = {
        "mix": str(tmp_path / "tree.yaml"),
        "template": "{src_lang}: {src}\\n{tgt_lang}: {tgt}",
        "shards": 3,
    }
    dataset = mixed(data, tmp_path / "out", ALL, **given)
    assert_meets_the_plan(dataset)
    notes, rows = dataset.manifest.notes, rows_of(dataset)
    assert (notes["unit"], notes["unit_means"], notes["budget"]) == ("bytes", "bytes", 24_000)
    assert notes["largest_budget"] >= 24_000
    asked: Counter[str] = Counter()
    for cell in notes["cells"]:
        asked[cell["kind"]] += cell["budget"]
    assert asked == {"mono": 14_400, "bi": 4_800, "code": 2_400, "cs": 2_400}
    assert all(row["mix_units"] == len(row["text"].encode()) for row in rows)
    pair = next(row for row in rows if row["kind"] == "bi")
    assert pair["text"] == f"eng_Latn: {pair['src']}\nswh_Latn: {pair['tgt']}"
    assert pair["lang"] == "eng_Latn-swh_Latn"
    # What the run card needs.
    assert notes["spec"]["about"] == "four kinds"
    assert notes["related"] == ["hin_Deva", "mar_Deva"]
    assert notes["related_trained"] == ["hin_Deva"]
    assert notes["not_in_mix"] == []
    table = notes["table"]
    assert table[0].split()[:3] == ["class", "ratio", "achieved"]
    assert len(table) == 1 + len(notes["cells"]) + 3
    assert "to be evaluated, for gains on their relatives may cost them: hin_Deva, mar_Deva" in table
    assert table[-1] == "and yet trained on: hin_Deva"
    assert len(dataset.manifest.shards) == 3
    assert dataset.manifest.languages["eng_Latn-swh_Latn"] == sum(row["kind"] == "bi" for row in rows)
    # Both languages of pairs are in the units by language, code in none of them.
    languages = notes["languages"]
    assert set(languages) == set(COUNTS)
    got = {cell["name"]: cell["units"] for cell in notes["cells"]}
    assert sum(languages.values()) == sum(got.values()) - got["web/code/none/none"]
    assert languages["eng_Latn"] > got["web/mono/eng_Latn/none"]


def test_a_shipped_mix_for_data_that_has_some_of_its_languages(data: Path, tmp_path: Path) -> None:
    dataset = mixed(data, tmp_path / "out", mix="xglm", unit="docs", budget="largest", max_epochs=50)
    notes = dataset.manifest.notes
    assert {cell["lang"] for cell in notes["cells"]} == set(COUNTS)
    assert any(name.startswith("lang ") for name in notes["missing"])
    assert any(line.startswith("no document bears lang ") for line in notes["table"])
    assert notes["spec"]["sources"]
    assert dataset.manifest.steps[-1].models["mix"]


def test_what_the_mix_leaves_out_is_listed(data: Path, tmp_path: Path) -> None:
    dataset = mixed(data, tmp_path / "out", ALL, ratios={"code": 0.5, "tha_Thai": 0.5}, unit="docs", budget=30)
    assert units_by(dataset, "kind") == {"code": 15, "mono": 15}
    notes = dataset.manifest.notes
    assert [cell["name"] for cell in notes["cells"]] == ["web/code/none/none", "web/mono/tha_Thai/none"]
    assert len(notes["not_in_mix"]) == 6
    assert [cell["path"] for cell in notes["cells"]] == [
        ["parts: part 1 (kind code) 50 %"], ["parts: part 2 (lang tha_Thai) 50 %"],
    ]  # fmt: skip
    reasons = dataset.manifest.tallies[-1].reasons
    assert reasons == {"not_in_mix": 680 + 80 + 40, "over_budget": 45 + 5}


def test_ratios_by_kind_of_the_users_own(data: Path, tmp_path: Path) -> None:
    """Any value of the column `kind` is a name, known before anything is counted."""
    poems = documents(["neno"] * 4 + ["word"] * 6, ["swh_Latn"] * 10)
    finished(tmp_path / "poems", poems.append_column("kind", pa.array(["poem"] * 4 + ["song"] * 5 + [None])))
    dataset = mixed(tmp_path, tmp_path / "out", ("poems",), ratios={"poem": 0.5, "song": 0.5}, unit="docs", budget=8)
    assert units_by(dataset, "kind") == {"poem": 4, "song": 4}
    assert "did you mean 'poem'?" in refused(tmp_path, tmp_path / "no", ("poems",), ratios={"poems": 1.0}, unit="docs")


@pytest.mark.parametrize("counting", [{"tokenizer": "bytes"}, {"unit": "bytes"}])
def test_matched_mixes(data: Path, tmp_path: Path, counting: dict[str, Any]) -> None:
    """A bilingual mix of text and pairs, then one from text alone with as much of each language."""
    finished(tmp_path / "hindi", bitext("hin_Deva", "eng_Latn", 60))
    sources = {"web": 0.4, "eng_Latn-swh_Latn": 0.3, "hin_Deva-eng_Latn": 0.3}
    inputs = (str(data / "web"), str(data / "opus"), str(tmp_path / "hindi"))
    bilingual = mixed(data, tmp_path / "bi", inputs, ratios=sources, budget=20_000, **counting)
    assert_meets_the_plan(bilingual)
    totals = bilingual.manifest.notes["languages"]
    # Counted by hand: a pair's units are divided by the units of its sides.
    by_hand: Counter[str] = Counter()
    for row in rows_of(bilingual):
        if row["kind"] == "mono":
            by_hand[row["lang"]] += row["mix_units"]
    sides: dict[str, list[int]] = {}
    for row in rows_of(bilingual):
        if row["kind"] == "bi":
            sums = sides.setdefault(row["lang"], [0, 0, 0])
            for place, size in enumerate((row["mix_units"], len(row["src"].encode()), len(row["tgt"].encode()))):
                sums[place] += size
    for lang, (units, src, tgt) in sides.items():
        one, other = lang.split("-")
        by_hand[one] += units * src / (src + tgt)  # type: ignore[assignment]
        by_hand[other] += units * tgt / (src + tgt)  # type: ignore[assignment]
    assert totals == pytest.approx(dict(by_hand), abs=2)
    assert sum(totals.values()) == sum(cell["units"] for cell in bilingual.manifest.notes["cells"])
    assert sides["hin_Deva-eng_Latn"][1] > 1.5 * sides["hin_Deva-eng_Latn"][2]  # far from halves

    matched = mixed(data, tmp_path / "mono", match_tokens_to=str(bilingual.folder), max_epochs=9, **counting)
    assert_meets_the_plan(matched)
    assert {cell["lang"]: cell["budget"] for cell in matched.manifest.notes["cells"]} == totals
    assert {row["kind"] for row in rows_of(matched)} == {"mono"}
    found = units_by(matched, "lang")
    assert set(found) == set(totals)
    for lang, units in totals.items():
        largest = max(row["mix_units"] for row in rows_of(matched) if row["lang"] == lang)
        assert abs(found[lang] - units) <= largest / 2
        assert abs(matched.manifest.notes["languages"][lang] - units) <= largest / 2
    # The dataset depends on the content of the mix that it matches.
    fingerprint = bilingual.manifest.content_fingerprint
    assert matched.manifest.steps[-1].models[f"match {bilingual.folder.name}"] == fingerprint
    assert notes_without_totals(matched) == {"rule": "match"}


def notes_without_totals(dataset: Dataset) -> dict[str, Any]:
    return {key: value for key, value in dataset.manifest.notes["spec"]["mix"].items() if key != "totals"}


def test_two_mixes_of_one_name_are_both_in_the_fingerprint(data: Path, tmp_path: Path) -> None:
    """Both are called `mix`, in folders of their own: a change of either is a change of what is made."""
    first = mixed(data, tmp_path / "a", ratios={"tha_Thai": 1.0}, unit="docs", budget=5)
    second = mixed(data, tmp_path / "b", ratios={"ell_Grek": 1.0}, unit="docs", budget=7)
    assert first.folder.name == second.folder.name == "mix"
    parts = [
        {"where": {"lang": "tha_Thai"}, "share": 0.5, "within": {"rule": "match", "to": str(first.folder)}},
        {"where": {"lang": "ell_Grek"}, "share": 0.5, "within": {"rule": "match", "to": str(second.folder)}},
    ]
    content = json.dumps({"name": "both", "unit": "docs", "budget": 10, "mix": {"parts": parts}})
    dataset = mixed(data, tmp_path / "out", mix=str(write_recipe(tmp_path, content, "both.yaml")))
    assert units_by(dataset, "lang") == {"tha_Thai": 5, "ell_Grek": 5}
    prints = dataset.manifest.steps[-1].models["match mix"]
    assert prints == f"{first.manifest.content_fingerprint} {second.manifest.content_fingerprint}"
    # Not where they lie: moved, they are the same mixes, and so is what matches them.
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("a", "b"):
        (tmp_path / name).rename(moved / name)
    content = content.replace(f"{tmp_path}/", f"{moved}/")
    again = inputs.fingerprints(Options(mix=str(write_recipe(moved, content, "both.yaml"))))
    assert again == dataset.manifest.steps[-1].models
    swapped = content.replace("/a/", "/c/").replace("/b/", "/a/").replace("/c/", "/b/")
    assert again != inputs.fingerprints(Options(mix=str(write_recipe(moved, swapped, "both.yaml"))))


def test_tokens_are_counted_by_the_tokenizer(data: Path, tmp_path: Path) -> None:
    by_bytes = mixed(data, tmp_path / "bytes", rule="uniform", tokenizer="bytes", budget=3000)
    assert all(row["mix_units"] == len(row["text"].encode()) + 1 for row in rows_of(by_bytes))
    notes = by_bytes.manifest.notes
    assert notes["unit"] == "tokens"
    assert notes["unit_means"].startswith("tokens of ")
    model = by_bytes.manifest.steps[-1].models["tokenizer"]
    assert notes["unit_means"].endswith(f"({model}), each text with ... </s>")
    plain = mixed(data, tmp_path / "plain", rule="uniform", tokenizer="bytes", objective="plain", budget=3000)
    assert all(row["mix_units"] == len(row["text"].encode()) for row in rows_of(plain))
    assert plain.manifest.notes["unit_means"].endswith(f"({model})")
    estimated = mixed(data, tmp_path / "words", rule="uniform", budget=300)
    assert estimated.manifest.notes["unit_means"] == TOKEN_ESTIMATE
    words = {row["text"]: row["mix_units"] for row in rows_of(estimated) if row["lang"] == "swh_Latn"}
    assert words == {text: len(text.split()) for text in words}


def test_romanised_texts_are_a_kind_of_their_own(data: Path, tmp_path: Path) -> None:
    greek = web({"ell_Grek": 20, "eng_Latn": 20})
    latin = [f"latin {number}" if number < 20 else text for number, text in enumerate(greek.column("text").to_pylist())]
    romanised = greek.append_column("text_latn", pa.array(latin)).append_column(
        "translit_identity", pa.array([False] * 20 + [True] * 20)
    )
    finished(tmp_path / "latin", romanised)
    given: dict[str, Any] = {"ratios": {"translit": 0.5, "ell_Grek": 0.25, "eng_Latn": 0.25}, "unit": "docs"}
    dataset = mixed(tmp_path, tmp_path / "out", ("latin",), **given, latin=True)
    assert units_by(dataset, "kind") == {"translit": 20, "mono": 20}
    assert {row["text"] for row in rows_of(dataset) if row["kind"] == "translit"} == set(latin[:20])
    tally = dataset.manifest.tallies[-1]
    assert (tally.rows_in, tally.rows_out) == (40, 40)
    assert tally.repeated == tally.removed_rows > 0  # some Greek texts are there in both scripts
    assert_meets_the_plan(dataset)
    assert "no document has the language, kind or source 'translit'" in refused(
        tmp_path, tmp_path / "without", ("latin",), **given
    )
    assert "--latin: no input has romanised texts\n  remedy: run `xlcorpus romanize`" in refused(
        data, tmp_path / "web", rule="uniform", latin=True
    )


OPTIONS: dict[str, Any] = {
    "ratios": {"web": 0.6, "opus": 0.4}, "unit": "chars", "budget": 9000, "max_epochs": 3, "shards": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def through_files(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return mixed(data, tmp_path_factory.mktemp("files") / "out", ALL, **OPTIONS)


def assert_same(one: Dataset, other: Dataset, *, parameters: bool) -> None:
    """The same files, and manifests that differ in their parameters (and what follows from them) at most."""
    found = []
    for dataset in (one, other):
        content = digests(dataset.folder)
        manifest = json.loads((dataset.folder / "manifest.json").read_text(encoding="utf-8"))
        if not parameters:
            del content["manifest.json"], manifest["fingerprint"], manifest["checksum"]
            assert manifest["steps"][-1]["parameters"].pop("exchange") in ("files", "runner")
        found.append((content, manifest))
    assert found[0] == found[1]
    assert any(name.startswith("decisions/") for name in found[0][0])


def test_the_runner_moves_the_texts_to_the_same_bytes(data: Path, tmp_path: Path, through_files: Dataset) -> None:
    dataset = mixed(data, tmp_path / "out", ALL, **OPTIONS, exchange="runner")
    assert_same(dataset, through_files, parameters=False)
    assert_meets_the_plan(dataset)


def test_a_shard_that_nothing_comes_for_is_empty_through_the_runner_too(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"ratios": {"tha_Thai": 1.0}, "unit": "docs", "budget": 2, "shards": 8}
    one = mixed(data, tmp_path / "files", **options)
    other = mixed(data, tmp_path / "runner", **options, exchange="runner")
    assert [shard.rows for shard in one.manifest.shards if shard.rows] == [1, 1]
    assert_same(one, other, parameters=False)


@pytest.mark.process
@pytest.mark.parametrize("exchange", ["files", "runner"])
def test_two_workers_give_the_same_bytes(
    data: Path, tmp_path: Path, through_files: Dataset, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    dataset = mixed(data, tmp_path / "out", ALL, **OPTIONS, exchange=exchange, workers=2)
    assert_same(dataset, through_files, parameters=exchange == "files")


def test_the_order_of_the_inputs_does_not_matter(data: Path, tmp_path: Path, through_files: Dataset) -> None:
    dataset = mixed(data, tmp_path / "out", tuple(reversed(ALL)), **OPTIONS)
    ours = [{key: row[key] for key in sorted(row)} for row in rows_of(dataset)]
    assert ours == [{key: row[key] for key in sorted(row)} for row in rows_of(through_files)]


def test_rehydrated_text_is_counted_for_the_number_of_shards(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard is to hold so many bytes of text, copies included."""
    monkeypatch.setattr(inputs, "TARGET_BYTES", 12_000)
    for rule, epochs in (("rehydrate", 1), ("proportional", 3)):
        dataset = mixed(data, tmp_path / rule, rule=rule, unit="docs", max_epochs=epochs)
        whole = sum(len(row["text"].encode()) for row in rows_of(dataset))
        assert len(dataset.manifest.shards) == pytest.approx(whole / 12_000, abs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "mix: nothing says what the mixture is\n  remedy: give one of --ratios, --rule, --mix"),
        ({"ratios": {"web": 1.0}, "rule": "unimax"}, "mix: --ratios and --rule says what the mixture is"),
        ({"ratios": {"web": 1.0}, "mix": "xglm"}, "mix: --ratios and --mix says"),
        ({"rule": "unimax", "mix": "xglm"}, "mix: --rule and --mix says"),
        ({"ratios": {"web": 1.0}, "by": "lang"}, "--by goes with --rule"),
        ({"ratios": {"web": 0.5, "swh_Latn": 0.4}}, "--ratios sum to 0.9, not 1\n  remedy: in the same proportions:"),
        ({"ratios": "eng_Latn=0.5,swh_Latn=0.25,eng_Latn=0.25"}, "--ratios: 'eng_Latn' is given twice"),
        ({"ratios": {"web": 1.5, "swh_Latn": -0.5}}, "--ratios: the share of 'web' is 1.5"),
        ({"ratios": "swh_Latn=-0.5,web=1"}, "--ratios: the share of 'swh_Latn' is -0.5"),
        ({"ratios": "swh_Latn=nan,web=1"}, "--ratios: the share of 'swh_Latn' is nan"),
        ({"ratios": {"web": float("nan")}}, "--ratios: the share of 'web' is nan"),
        ({"ratios": "swh_Latn"}, "--ratios: 'swh_Latn' is not NAME=SHARE"),
        ({"ratios": {"swa_Latn": 1.0}}, "'swa_Latn'; did you mean 'swh_Latn'?"),
        ({"ratios": {"wob": 1.0}}, "'wob'; did you mean 'web'?"),
        ({"ratios": {"code": 1.0}}, "no document has the language, kind or source 'code'"),
        ({"rule": "unimx"}, "there is no rule 'unimx' that one value describes; did you mean 'unimax'?"),
        ({"rule": "temperature"}, "--rule temperature needs its temperature"),
        ({"rule": "uniform=3"}, "--rule uniform takes no value"),
        ({"rule": "exponent=soon"}, "--rule exponent=soon: mix.alpha: 'soon' is not a number"),
        ({"rule": "rehydrate", "by": "lang"}, "--by: the rule 'rehydrate' shares out among nothing"),
        ({"rule": "english=0.5", "by": "kind"}, "no document has the kind 'eng_Latn'"),
        ({"mix": "xglmm"}, "no shipped mix of that name; did you mean 'xglm'?"),
        ({"rule": "uniform", "template": "{src} {target}"}, "--template '{src} {target}': there is no field 'target'"),
        ({"rule": "uniform", "template": "{src}"}, "--template '{src}': it lacks src or tgt"),
        ({"rule": "uniform", "template": "{src} {tgt"}, "--template '{src} {tgt': expected '}'"),
        ({"rule": "uniform", "tokenizer": "nowhere.model"}, "there is no tokenizer nowhere.model"),
        ({"rule": "uniform", "budget": "lots"}, "--budget 'lots' is not a size"),
        ({"rule": "uniform", "max_epochs": 0}, "max_epochs: "),
        ({"rule": "uniform", "exchange": "post"}, "exchange: "),
        ({"match_tokens_to": "nowhere"}, "nowhere is not a dataset"),
    ],
)
def test_refusals(data: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    assert message in refused(data, tmp_path / "out", **options)


def test_what_an_option_cannot_mean_is_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    """Not after the steps before the mix have run."""
    for options, message in (({}, "nothing says"), ({"rule": "unimx"}, "no rule"), ({"rule": "floor"}, "needs its")):
        steps = [{"step": "ingest", "files": "nowhere.jsonl"}, {"step": "mix", **options}]
        with pytest.raises(UserError, match=message):
            run(write_recipe(tmp_path, json.dumps({"steps": steps})), tmp_path / "out")


def test_a_budget_beyond_the_data_is_refused_with_the_numbers(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"ratios": {"tha_Thai": 0.5, "eng_Latn": 0.5}, "unit": "docs"}
    message = refused(data, tmp_path / "no", **options, budget=60, max_epochs=1)
    assert "a budget of 60 docs needs more than there is:" in message
    assert "part 1 (lang tha_Thai): 30 docs asked, 20 there: 1.50 epochs; the cap allows 20" in message
    assert "eng_Latn" not in message
    assert "remedy: --max-epochs 1.5, or --budget 40 with these rules" in message
    for budget, epochs in ((60, 1.5), (40, 1)):
        dataset = mixed(data, tmp_path / str(budget), **options, budget=budget, max_epochs=epochs)
        assert units_by(dataset, "lang") == dict.fromkeys(("tha_Thai", "eng_Latn"), budget // 2)


def test_a_source_without_documents_or_without_text(data: Path, tmp_path: Path) -> None:
    finished(tmp_path / "none", documents([], []))
    assert "the inputs hold no docs" in refused(tmp_path, tmp_path / "a", ("none",), rule="uniform", unit="docs")
    assert "no document has the language, kind or source 'web'" in refused(
        tmp_path, tmp_path / "b", ("none",), ratios={"web": 1.0}
    )
    blank = documents(["", None], ["wol_Latn"] * 2, names=["a", "b"])
    blank = blank.set_column(blank.schema.get_field_index("source"), "source", pa.array(["blank"] * 2))
    finished(tmp_path / "blank", blank)
    both = (str(data / "web"), str(tmp_path / "blank"))
    assert "the documents of the source 'blank' hold no tokens\n  remedy: leave 'blank' out" in refused(
        tmp_path, tmp_path / "c", both, ratios={"web": 0.5, "blank": 0.5}
    )
    # Beside others a dataset without rows does no harm.
    dataset = mixed(tmp_path, tmp_path / "d", (both[0], str(tmp_path / "none")), ratios={"web": 1.0}, unit="docs")
    assert dataset.manifest.rows == 700


def test_datasets_that_do_not_fit_together(data: Path, tmp_path: Path) -> None:
    finished(tmp_path / "odd", documents(["a"], ["x"], cs_ratio=pa.array(["high"])))
    message = refused(tmp_path, tmp_path / "out", (str(data / "switched"), str(tmp_path / "odd")), rule="uniform")
    assert f"column 'cs_ratio' is float in {data / 'switched'} and string in {tmp_path / 'odd'}" in message
    assert "is given twice (or a copy of it)" in refused(data, tmp_path / "twice", ("web", "web"), rule="uniform")


def test_what_cannot_be_matched(data: Path, tmp_path: Path, through_files: Dataset) -> None:
    assert f"{data / 'web'} is no mix: there is nothing to match" in refused(
        data, tmp_path / "a", match_tokens_to=str(data / "web")
    )
    message = refused(data, tmp_path / "b", match_tokens_to=str(through_files.folder))
    assert f"was counted in chars, this mix in {TOKEN_ESTIMATE}" in message
    assert "remedy: use the same --unit, --tokenizer and --objective" in message
    message = refused(data, tmp_path / "c", ("switched",), match_tokens_to=str(through_files.folder), unit="chars")
    assert "no document has the lang 'ell_Grek'" in message


@pytest.mark.process
def test_the_command_line(data: Path, tmp_path: Path) -> None:
    """Flags as a user writes them, in a process of its own."""
    inputs = [data / name for name in ALL]
    ratios = ["--ratios", "web=0.6,opus=0.4", "--unit", "chars", "--budget", "9k", "--max-epochs", "3", "--shards", "4"]
    done = command("mix", *inputs, "-o", tmp_path / "mix", *ratios, "--seed", "3", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "web/mono/eng_Latn" in done.stdout
    recipe = mixed(data, tmp_path / "recipe", ALL, **OPTIONS)
    assert digests(tmp_path / "mix") == digests(recipe.folder)
    done = command("mix", *inputs, "-o", tmp_path / "other", "--rule", "unimax", *ratios, "--quiet")
    assert done.returncode == 1
    assert "--ratios and --rule says what the mixture is" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "other").exists()
