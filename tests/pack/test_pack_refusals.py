"""What `pack` refuses: before any work, and with the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.pack.pack_runs import (
    LENGTH,
    document_rows,
    packing,
    run_pack,
    save,
)
from xlcorpus.errors import UserError
from xlcorpus.recipe.graph import passes_of
from xlcorpus.recipe.plan import plan_lines
from xlcorpus.recipe.run import Settings


def no_specials(folder: Path) -> str:
    """A tokenizer.json without any special token."""
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({"bread": 0, "warm": 1, "?": 2}, unk_token="?")
    tokenizers.Tokenizer(model).save(str(folder / "tokenizer.json"))
    return str(folder / "tokenizer.json")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message", "remedy"),
        [
            ({"tokenizer": "nowhere.model"}, r"there is no tokenizer nowhere.model", "SentencePiece .model"),
            ({"tokenizer": "PARQUET"}, r"parquet is a Parquet file, not a tokenizer", "tokenizer.json"),
            ({"tokenizer": "FOLDER"}, r"the folder .* has no tokenizer.json", "or its folder"),
            (
                {"tokenizer": "bytes", "objective": "mlm"},
                r"no bos and no mask id, which objective mlm needs",
                "extend",
            ),
            (
                {"tokenizer": "bytes", "view": "tlm"},
                r"no bos and no mask id, which the view tlm needs",
                "extend",
            ),
            ({"length": 7}, r"length: input should be greater than or equal to 8", "--help"),
            ({"view": "tlm", "length": 7}, r"length: input should be greater than or equal to 8", "--help"),
            (
                {"view": "tlm"},
                r"holds rows of the kind 'document'; --view tlm is made of the kind 'pair'",
                "--kind pairs",
            ),
            ({"view": "restore"}, r"--view restore is made of the kind 'restore'", "codeswitch --view restore"),
            ({"view": "translico"}, r"made of the kind 'translico'", "romanize --view translico"),
            ({"view": "triples"}, r"no column 'query' in .* made of query, positive, negative", "ingest files"),
            ({"byte_budget": "1k"}, r"--byte-budget counts bytes, and so must the tokenizer", "--tokenizer bytes"),
            ({"tokenizer": "bytes", "byte_budget": "1X"}, r"--byte-budget '1X' is not a size", "10M"),
            ({"tokenizer": "bytes", "byte_budget": "=5"}, r"--byte-budget: '=5' names no language", "eng_Latn=10M"),
            ({"long": "truncate"}, r"--long truncate is for views", "split or refuse"),
            ({"view": "triples", "long": "split"}, r"--long split is for packs", "truncate or refuse"),
            (
                {"view": "triples", "pure": True},
                r"--pure is an option of runs without --view; this is --view triples",
                "leave out --view",
            ),
            (
                {"view": "triples", "strategy": "one"},
                r"--strategy is an option of runs without --view",
                "leave out --view",
            ),
            ({"view": "triples", "bos": False}, r"--bos is an option of runs without --view", "leave out --view"),
            (
                {"cut": "character"},
                r"--cut is an option of --byte-budget; there is no --byte-budget",
                "give --byte-budget",
            ),
            ({"language_ids": "x"}, r"--language-ids means nothing for packs of mixed", "give --pure"),
            (
                {"strategy": "concatenate", "objective": "plain"},
                r"concatenate parts documents by eos",
                "best-fit or one",
            ),
            ({"strategy": "concatenate", "long": "refuse"}, r"no documents that are too long", "strategy best-fit"),
        ],
        ids=str,
    )
    def test_before_any_work(
        self, corpus: Path, tmp_path: Path, options: dict[str, Any], message: str, remedy: str
    ) -> None:
        files = {"PARQUET": str(next(corpus.rglob("*.parquet"))), "FOLDER": str(tmp_path)}
        given = {key: files.get(value, value) if isinstance(value, str) else value for key, value in options.items()}
        with pytest.raises(UserError, match=message) as caught:
            run_pack(corpus, tmp_path / "out", **given)
        assert remedy in str(caught.value.remedy)
        assert not (tmp_path / "out").exists()
        with pytest.raises(UserError, match=message):
            plan_lines([packing(corpus, **given)], lambda node: tmp_path / "out", Settings())

    @pytest.mark.parametrize(("options", "role"), [({}, "eos"), ({"objective": "plain", "bos": True}, "bos")], ids=str)
    def test_a_tokenizer_without_the_special_id(
        self, corpus: Path, tmp_path: Path, options: dict[str, Any], role: str
    ) -> None:
        tokenizer = no_specials(tmp_path)
        with pytest.raises(UserError, match=f"has no {role} id, which"):
            run_pack(corpus, tmp_path / "out", tokenizer=tokenizer, **options)
        made = run_pack(corpus, tmp_path / "plain", tokenizer=tokenizer, objective="plain", length=LENGTH)
        assert made.manifest.notes["tokenizer"]["special_ids"]["eos"] is None

    def test_pairs_are_no_documents(self, tmp_path: Path) -> None:
        rows = document_rows(["x"], ["eng_Latn"]).drop_columns(["lang", "script", "text"])
        sides = {"src": "a", "tgt": "b", "src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
        for name, value in sides.items():
            rows = rows.append_column(name, pa.array([value]))
        given = save(tmp_path / "pairs", [rows], "pair")
        with pytest.raises(UserError, match=r"'pair'; packs are made of the kind 'document'") as caught:
            run_pack(given, tmp_path / "out")
        assert "give --view bitext or --view tlm" in str(caught.value.remedy)

    @pytest.mark.parametrize("options", [{"pure": True}, {"byte_budget": "5"}], ids=str)
    def test_documents_without_a_language(self, tmp_path: Path, options: dict[str, Any]) -> None:
        given = save(tmp_path / "docs", [document_rows(["x"], ["eng_Latn"]).drop_columns(["lang"])])
        with pytest.raises(UserError, match="there is no column 'lang' in") as caught:
            run_pack(given, tmp_path / "out", tokenizer="bytes", **options)
        assert "xlcorpus identify" in str(caught.value.remedy)

    def test_token_shards_are_read_by_no_step(self, reference: Path, corpus: Path) -> None:
        with pytest.raises(UserError, match="kind 'token'"):
            passes_of([packing(corpus), packing(packing(corpus))])  # type: ignore[arg-type]
        with pytest.raises(UserError, match="kind 'token'"):
            run_pack(reference, reference.parent / "twice")
