"""The step as it runs: rules, files, matches, notes in the manifest."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import finished, switched
from tests.mix.mixing import ALL, COUNTS, assert_meets_the_plan, bitext, mixed, refused, units_by, web
from tests.rows import documents, rows_of
from tests.running import write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.mix import inputs
from xlcorpus.mix.options import Options
from xlcorpus.mix.units import TOKEN_ESTIMATE


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
    assert notes_without_totals(matched) == {"rule": "match", "nearest": True}


def test_switched_words_count_for_their_own_language(tmp_path: Path) -> None:
    """A mix of code-switched texts, then one from text alone with as much of each language."""

    def spans(*words: str) -> list[dict[str, Any]]:
        return [{"start": 0, "end": 1, "src_token": "x", "new_token": word, "tgt_lang": "-"} for word in words]

    texts, put_in = (
        ["the Haus is alt und wide", "a maison here", "पानी cold है"],
        [["Haus", "alt"], ["maison"], ["cold"]],
    )
    langs, into = ["eng_Latn", "eng_Latn", "hin_Deva"], [["deu_Latn"], ["deu_Latn", "fra_Latn"], ["eng_Latn"]]
    schema, batch = switched(texts, texts, "eng_Latn")
    fields = {name: batch.schema.field(name).type for name in ("cs_spans", "cs_langs")}
    replaced = {"cs_spans": [spans(*words) for words in put_in], "cs_langs": into, "lang": langs}
    for name, values in replaced.items():
        column = pa.array(values, fields.get(name, pa.string()))
        batch = batch.set_column(batch.schema.get_field_index(name), name, column)
    finished(tmp_path / "switched", (schema, batch))
    for unit in ("bytes", "docs"):
        made = mixed(
            tmp_path, tmp_path / unit, ("switched",), ratios={"cs": 1.0}, unit=unit, budget=3 if unit == "docs" else 60
        )
        found, total = made.manifest.notes["languages"], sum(cell["units"] for cell in made.manifest.notes["cells"])
        sizes = [len(text.encode()) for text in texts]
        by_hand = {
            "deu_Latn": 8 + 3,
            "fra_Latn": 3,
            "eng_Latn": sizes[0] - 8 + sizes[1] - 6 + 4,
            "hin_Deva": sizes[2] - 4,
        }
        assert found == (by_hand if unit == "bytes" else {"eng_Latn": 2, "hin_Deva": 1})
        assert sum(found.values()) == total


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
