"""Steps that make another text of a row leave no label of the old one beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.codeswitch.switch_helpers import direction, documents, index_of
from tests.ingest.ingest_helpers import jsonl, read_all
from tests.tags.label_helpers import columns_of
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.labels import carry_labels, said_of
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.pairs import OPERATORS, generate_batch, labels_of_text
from xlcorpus.mix.mixed_rows import mixed_rows
from xlcorpus.mix.templated import PAIRS
from xlcorpus.mix.texts import LATIN, ORIGINAL
from xlcorpus.tags.columns import label_columns
from xlcorpus.tags.project import columns_to_project

TEXTS = ["Анна видела Москву 2 раза , да", "他住在北京市 9 年"]
SENTENCES = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("lang", pa.string())]))
NAMES = ("tokens", "ner_tags", "pos_tags", "entities")


def labelled(**more: Any) -> pa.RecordBatch:
    return documents(TEXTS, "rus_Cyrl", names=["a", "b"], **columns_of(TEXTS), **more)


@pytest.mark.parametrize("operator", list(OPERATORS))
def test_pairs_that_are_made_of_a_document(operator: Any) -> None:
    batch = labelled(topic=pa.array(["x", "y"]))
    rows = generate_batch(batch, GenerateOptions(operator=operator), 1).rows
    assert not {*NAMES} & {*rows.schema.names}
    assert "topic" in rows.schema.names
    assert sorted(labels_of_text(batch.schema)) == sorted(NAMES)


@pytest.mark.parametrize(
    ("variant", "template", "kept"),
    [(ORIGINAL, PAIRS, True), (LATIN, PAIRS, False), (ORIGINAL, "Text: {text}", False), (ORIGINAL, "{src}", True)],
)
def test_texts_of_a_mix(variant: int, template: str, *, kept: bool) -> None:
    batch = labelled(text_latn=pa.array(["Anna videla Moskvu", "ta zhu zai Beijing"]))
    rows = mixed_rows(batch, "document", variant, template)
    for name in NAMES:
        assert rows[name].equals(batch[name]) if kept else rows[name].null_count == 2
    assert (rows["text"].to_pylist() == TEXTS) is kept


def test_labels_turn_round_with_the_sides(tmp_path: Path) -> None:
    row = {"src": "Ana", "tgt": "Анна", "src_lang": "eng_Latn", "tgt_lang": "rus_Cyrl", "src_tokens": ["Ana"]}
    row |= {"src_tags": ["B-PER"], "tgt_entities": [{"start": 0, "end": 4, "label": "PER"}]}
    path = jsonl(tmp_path / "a.jsonl", row)
    for turned in (False, True):
        columns = {"src_column": "tgt", "tgt_column": "src"} if turned else {}
        (made,) = read_all(path, kind="pairs", **columns).documents
        one, other = ("tgt", "src") if turned else ("src", "tgt")
        assert (made[one], made[f"{one}_tags"], made[f"{one}_tokens"]) == ("Ana", ["B-PER"], ["Ana"])
        assert made[f"{other}_entities"] == row["tgt_entities"]
        assert f"{other}_tags" not in made
        assert json.loads(made["extra"] or "{}") == {}


def test_languages_of_sentences_are_no_labels() -> None:
    sentences = pa.array([[{"start": 0, "end": 4, "lang": "rus_Cyrl"}]] * 2, SENTENCES)
    batch = labelled(lang_sentences=sentences)
    assert label_columns(batch.schema).layers == NAMES[1:]
    index = index_of(direction("rus_Cyrl", "eng_Latn", **{"видела": "saw"}))
    made, counts = carry_labels(switch_words(batch, index, CodeswitchOptions(ratio=1)).rows)
    assert "lang_sentences" not in made.schema.names
    assert not any("lang_sentences" in name for name in counts["label_spans"])
    assert "lang_sentences" in said_of(batch.schema, "docs")[0]
    sides = {"src": pa.string(), "tgt": pa.string(), "src_lang": pa.string(), "tgt_lang": pa.string()}
    spans = {"src_lang_sentences": SENTENCES, "tgt_lang_sentences": SENTENCES, "src_names": SENTENCES}
    schema = pa.schema({**sides, "align": pa.list_(pa.int32()), **spans})
    assert columns_to_project(schema, "src").layers == ("src_names",)
