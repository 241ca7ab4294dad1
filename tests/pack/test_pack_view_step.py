"""`pack --view` as it runs, on what the steps before it make."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.pack.pack_helpers import TEXTS
from tests.pack.pack_runs import (
    SAMPLE,
    decisions_of,
    document_rows,
    ids_of,
    run_pack,
    save,
)
from tests.rows import rows_of
from tests.running import run, write_recipe
from xlcorpus.tokenizer.open import open_tokenizer

SAMPLE_TOKENIZER = open_tokenizer(SAMPLE)


class TestViews:
    @pytest.fixture(scope="class")
    def pairs(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("pairs")
        lines = [f"The mill has {n} wheels.\tDie Mühle hat {n} Räder.\n" for n in range(40)]
        lines += [f"{'very ' * 80}deep\ttief {n}\n" for n in range(3)]
        (folder / "mill.tsv").write_text("en\tde\n" + "".join(lines), encoding="utf-8")
        sides = "src_column: en, tgt_column: de, src_lang: eng_Latn, tgt_lang: deu_Latn"
        text = f"name: p\nsteps:\n  - {{step: ingest, files: {folder / 'mill.tsv'}, kind: pairs, {sides}}}\n"
        return run(write_recipe(folder, text), folder / "out")["ingest"].dataset.folder

    def test_bitext(self, pairs: Path, tmp_path: Path) -> None:
        made, given = run_pack(pairs, tmp_path / "out", view="bitext", length=64), rows_of(pairs)
        rows = rows_of(made)
        assert len(rows) == len(given) == 43
        for row, pair in zip(rows, given, strict=True):
            source, target = (ids_of(SAMPLE_TOKENIZER, pair[side], "plain") for side in ("src", "tgt"))
            assert (row["src_ids"], row["tgt_ids"]) == (source[:62], target)
            assert row["truncated"] == (len(source) > 62)
            assert row["pair_id"] == pair["doc_id"]
            assert (row["src_lang"], row["tgt_lang"]) == ("eng_Latn", "deu_Latn")
            assert (row["src_lang_id"], row["tgt_lang_id"]) == (1, 0)
        assert json.loads((tmp_path / "out" / "languages.json").read_text("utf-8")) == {"deu": 0, "eng": 1}
        assert made.manifest.languages == {"eng_Latn-deu_Latn": 43}
        assert made.manifest.notes["counts"]["truncated"] == 3
        assert made.manifest.notes["table"][0].startswith("43 rows: src ")
        assert made.manifest.notes["table"][3].split() == ["src", "The", "mill", "has", "0", "wheels."]

    def test_tlm_shares_its_room(self, pairs: Path, tmp_path: Path) -> None:
        made = run_pack(pairs, tmp_path / "out", view="tlm", length=64)
        rows = rows_of(made)
        assert {row["truncated"] for row in rows} == {False, True}
        assert max(row["length"] for row in rows) == 61
        long = [row for row in rows if row["truncated"]]
        assert {len(row["src_ids"]) + len(row["tgt_ids"]) for row in long} == {61}

    def test_pairs_that_are_too_long_are_refused(self, pairs: Path, tmp_path: Path) -> None:
        made = run_pack(pairs, tmp_path / "out", view="bitext", length=64, long="refuse", settings={"keep_text": True})
        assert made.manifest.rows == 40
        assert [(row["reason"], row["threshold"]) for row in decisions_of(made)] == [("longer_than_pack", 62)] * 3

    @pytest.mark.slow  # what rows of all views are is in test_pack_views_slow.py
    def test_translico_and_restore_of_the_sample(self, tmp_path: Path) -> None:
        recipe = write_recipe(
            tmp_path,
            """
            name: views
            seed: 1
            steps:
              - {step: ingest, files: "${sample}/web/crawl-01.jsonl", source: web}
              - {step: identify, model: embedded}
              - {step: romanize, id: pairs, view: translico, share: 0.3, floor: 5, keep: true}
              - {step: pack, id: translico, tokenizer: "${sample}/tokenizer.model", view: translico, length: 64}
              - {step: codeswitch, id: switched, input: identify, view: restore,
                 dictionary: "${sample}/dictionary/eng.csv", ratio: 0.5}
              - {step: pack, id: restore, input: switched, tokenizer: "${sample}/tokenizer.model", view: restore,
                 length: 1024}
            """,
        )
        made = {name: done.dataset for name, done in run(recipe, tmp_path / "out").items()}
        for view, given, sides in (
            ("translico", "pairs", ("text", "text_latn")),
            ("restore", "switched", ("inputs", "targets")),
        ):
            rows, texts = rows_of(made[view]), rows_of(made[given])
            assert len(rows) == len(texts) > 0
            room = {"translico": 62, "restore": 1022}[view]
            languages = json.loads((made[view].folder / "languages.json").read_text("utf-8"))
            for row, pair in zip(rows, texts, strict=True):
                for side in sides:
                    assert row[f"{side}_ids"] == ids_of(SAMPLE_TOKENIZER, pair[side], "plain")[:room]
                assert row["lang"] == pair["lang"]
                assert row["lang_id"] == languages[pair["lang"].partition("_")[0]]
                assert row["pair_id"] == pair.get("pair_id", pair["doc_id"])
        scripts = json.loads((made["translico"].folder / "scripts.json").read_text("utf-8"))
        for row in rows_of(made["translico"]):
            assert (row["script"], row["script_id"]) == (row["lang"][-4:], scripts[row["lang"][-4:]])

    def test_triples(self, tmp_path: Path) -> None:
        texts = list(TEXTS.values())
        columns = {"query": texts, "positive": texts[1:] + texts[:1], "negative": [*texts[2:], "", "no"]}
        rows = document_rows(texts, list(TEXTS), **{name: pa.array(value) for name, value in columns.items()})
        made = run_pack(save(tmp_path / "docs", [rows]), tmp_path / "out", view="triples", length=64)
        kept = [place for place in range(8) if columns["negative"][place]]
        for row, place in zip(rows_of(made), kept, strict=True):
            for side, values in columns.items():
                assert row[f"{side}_ids"] == ids_of(SAMPLE_TOKENIZER, values[place], "plain")[:62]
        assert [row["reason"] for row in decisions_of(made)] == ["no_tokens"]
        # What `ingest --text-column positive` gives: the text of the document is the positive.
        without = rows.set_column(rows.schema.names.index("text"), "text", rows.column("positive"))
        renamed = save(tmp_path / "texts", [without.drop_columns(["positive"])])
        again = run_pack(renamed, tmp_path / "again", view="triples", length=64)
        assert rows_of(again) == rows_of(made)
