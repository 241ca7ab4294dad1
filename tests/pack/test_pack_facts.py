"""What readers of token shards take from the manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pack.pack_runs import SAMPLE, document_rows, run_pack, save
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.pack.facts import PackFacts, TokenizerFacts
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import CONTROL, ROLES


def test_facts_of_the_tokenizer_are_plain_values() -> None:
    facts = TokenizerFacts.of(open_tokenizer("bytes"))
    assert (facts.name, facts.kind, facts.vocab_size) == ("bytes", "bytes", 259)
    assert facts.special_ids == {**dict.fromkeys(ROLES), "pad": 0, "eos": 1, "unk": 2}
    assert facts.special == (0, 1)  # what no byte has a name for is made of texts
    noted = PackFacts(facts, 64, None, ((), (1,))).noted
    assert json.loads(json.dumps(noted)) == noted


def test_facts_come_back_from_the_manifest(tmp_path: Path) -> None:
    given = save(tmp_path / "docs", [document_rows(["bread and salt"], ["eng_Latn"])])
    manifest = run_pack(given, tmp_path / "out", length=32).manifest
    tokenizer = open_tokenizer(SAMPLE)
    found = PackFacts.of(manifest)
    assert (found.length, found.view, found.around) == (32, None, ((), (tokenizer.eos_id,)))
    assert found.tokenizer == TokenizerFacts.of(tokenizer)
    assert found.tokenizer.never_text == {at for at, kind in enumerate(tokenizer.piece_kinds) if kind == CONTROL}
    assert tokenizer.unk_id not in found.tokenizer.never_text

    old = {key: value for key, value in manifest.notes.items() if key not in ("length", "view")}
    old["tokenizer"] = {key: value for key, value in old["tokenizer"].items() if key != "special"}
    of_old = PackFacts.of(replace(manifest, notes=old))
    assert (of_old.length, of_old.view) == (32, None)
    roles = {number for role, number in tokenizer.special_ids().items() if role != "unk" and number is not None}
    assert of_old.tokenizer.never_text == roles
    with pytest.raises(UserError, match="does not say what the token shards were made with"):
        PackFacts.of(replace(manifest, notes={}))
    with pytest.raises(UserError, match="holds rows of the schema document-1, not token shards"):
        PackFacts.of(Dataset.open(given).manifest, str(given))
