"""`pack --view labels`: labels at the pieces of words, as the slow reader has them, ready for transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.pack.pack_runs import SAMPLE, decisions_of, document_rows, run_pack, save
from tests.rows import pairs, rows_of
from tests.tags.label_helpers import LISTS, columns_of
from tests.tags.labels_slow import decode, encode, find_tokens
from xlcorpus.errors import UserError
from xlcorpus.pack.label_ids import LabelIds
from xlcorpus.pack.labels import label_source
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
TEXTS = [
    "Kofi Annan spoke in Accra, 1998.",
    "他住在北京市。",
    "เขาไปกรุงเทพ 9",
    "नमस्ते Delhi 2024",
    "İzmir’de ﬁsh  Ångström",
]
LANGS = ["eng_Latn", "zho_Hans", "tha_Thai", "hin_Deva", "tur_Latn"]
NAMES = ["O", "B-HAN", "I-HAN", "B-NAME", "I-NAME", "B-NUM", "I-NUM"]


def dataset(folder: Path, **more: Any) -> Path:
    columns = columns_of(TEXTS)
    kept = {name: columns[name] for name in ("tokens", "ner_tags")}
    return save(folder, [document_rows(TEXTS, LANGS, **kept, **more)])


def slow_labels(text: str, words: list[str], tags: list[str], every: bool) -> list[int]:
    """A number for each piece of a text, or -100."""
    places = TOKENIZER.encode_places(pa.array([text]))
    pieces = []
    for start, end in zip(places.starts.tolist(), places.ends.tolist(), strict=True):
        printed = [at for at in range(start, end) if not text[at].isspace()]
        pieces.append((printed[0], printed[-1] + 1) if printed else None)
    labels = [-100] * len(pieces)
    where = find_tokens(text, words)
    if every:
        some = [number for number, piece in enumerate(pieces) if piece is not None]
        of_pieces = encode([pieces[number] for number in some], decode(where, tags))
        for number, tag in zip(some, of_pieces, strict=True):
            labels[number] = NAMES.index(tag)
    else:
        for place, tag in reversed(list(zip(where, tags, strict=True))):
            first = next(n for n, piece in enumerate(pieces) if piece is not None and piece[0] <= place[0] < piece[1])
            labels[first] = NAMES.index(tag)
    return labels


@pytest.mark.parametrize("pieces", ["first", "all"])
def test_labels_as_the_slow_reader(tmp_path: Path, pieces: str) -> None:
    made = run_pack(dataset(tmp_path / "in"), tmp_path / "out", view="labels", length=64, label_pieces=pieces)
    given = columns_of(TEXTS)
    for row, text, words, tags in zip(
        rows_of(made), TEXTS, given["tokens"].to_pylist(), given["ner_tags"].to_pylist(), strict=True
    ):
        assert row["input_ids"] == TOKENIZER.encode_batch(pa.array([text]))[0].tolist()
        assert row["labels"] == slow_labels(text, words, tags, pieces == "all")
    assert json.loads((tmp_path / "out" / "labels.json").read_text("utf-8")) == {n: i for i, n in enumerate(NAMES)}
    assert made.manifest.notes["labels"] == NAMES
    assert made.manifest.notes["label_scheme"] == "iob2"
    assert "labels.json" in made.manifest.files()


@pytest.mark.slow  # transformers and datasets are imported
def test_the_collator_of_transformers_takes_the_rows(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    datasets = pytest.importorskip("datasets")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    own = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    own.train_from_iterator(TEXTS * 3, trainers.WordPieceTrainer(vocab_size=90, special_tokens=special))
    own.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.save_pretrained(str(tmp_path / "t"))
    run_pack(dataset(tmp_path / "in"), tmp_path / "out", view="labels", length=64, tokenizer=str(tmp_path / "t"))
    loaded = datasets.load_dataset("parquet", data_files=str(tmp_path / "out" / "data" / "*.parquet"), split="train")
    rows = [{name: row[name] for name in ("input_ids", "labels")} for row in loaded]
    batch = transformers.DataCollatorForTokenClassification(fast)(rows)
    given = columns_of(TEXTS)
    for number, (words, tags) in enumerate(
        zip(given["tokens"].to_pylist(), given["ner_tags"].to_pylist(), strict=True)
    ):
        encoded = fast(TEXTS[number], return_offsets_mapping=True)  # as run_ner.py does, of the text
        wanted, places = [], find_tokens(TEXTS[number], words)
        first = {start: tag for (start, _), tag in zip(places, tags, strict=True)}
        for start, end in encoded["offset_mapping"]:
            wanted.append(NAMES.index(first[start]) if end > start and start in first else -100)
        size = len(wanted)
        assert batch["input_ids"][number, :size].tolist() == encoded["input_ids"]
        assert batch["labels"][number, :size].tolist() == wanted
        assert set(batch["labels"][number, size:].tolist()) <= {-100}
        assert batch["attention_mask"][number].sum() == size


def test_what_has_no_labels_is_kept_and_counted(tmp_path: Path) -> None:
    texts = ["Kofi spoke", "unlabelled", "", "one two three four five six seven eight nine ten"]
    tokens = pa.array([text.split() for text in texts], LISTS)
    tags = pa.array([["B-P", None], None, [], ["O"] * 10], LISTS)
    given = save(tmp_path / "in", [document_rows(texts, ["eng_Latn"] * 4, tokens=tokens, tags=tags)])
    made = run_pack(given, tmp_path / "out", view="labels", length=8)
    rows = rows_of(made)
    assert [row["truncated"] for row in rows] == [False, False, True]
    assert [sorted(set(row["labels"])) for row in rows] == [[-100, 1], [-100], [-100, 0]]
    words = {"labelled": 11, "without_piece": 0, "texts_without": 1, "cut": 6, "spans_cut": 0}
    assert made.manifest.notes["counts"]["label_words"] == words
    assert [row["reason"] for row in decisions_of(made)] == ["no_tokens"]


@pytest.mark.parametrize("pieces", ["first", "all"])
def test_what_is_cut_and_what_is_damaged_is_counted(tmp_path: Path, pieces: str) -> None:
    """A span of eight words, of which the row has some; a tag too many, one too few, and I without B."""
    texts = ["one two three four five six seven eight nine", "Kofi spoke", "in Accra", "he came"]
    tags = [["B-X", *["I-X"] * 7, "B-Y"], ["B-X", "O", "O"], ["O"], ["I-X", "O"]]
    given = {"tokens": pa.array([text.split() for text in texts], LISTS), "tags": pa.array(tags, LISTS)}
    source = save(tmp_path / "in", [document_rows(texts, ["eng_Latn"] * 4, **given)])
    made = run_pack(source, tmp_path / "out", view="labels", length=8, label_pieces=pieces)
    counts = made.manifest.notes["counts"]
    (whole, *_) = rows_of(run_pack(source, tmp_path / "whole", view="labels", length=64, label_pieces=pieces))
    (row, *_) = rows_of(made)
    assert row["truncated"]
    assert row["labels"] == whole["labels"][: row["length"]]
    assert counts["label_words"]["cut"] == sum(label >= 0 for label in whole["labels"][row["length"] :]) > 0
    assert counts["label_words"]["spans_cut"] == 1
    damage = {"more_tags_than_tokens": 1, "fewer_tags_than_tokens": 1, "inside_without_begin": 1}
    assert counts["label_damage"] == damage
    assert any("labels of the input: fewer_tags_than_tokens 1" in line for line in made.manifest.notes["table"])


def test_spans_in_characters_without_tokens(tmp_path: Path) -> None:
    entities = columns_of(TEXTS)["entities"]
    given = save(tmp_path / "in", [document_rows(TEXTS, LANGS, entities=entities)])
    made = run_pack(given, tmp_path / "out", view="labels", length=64, label_pieces="all", label_scheme="bioes")
    names = made.manifest.notes["labels"]
    assert names[:5] == ["O", "B-HAN", "I-HAN", "E-HAN", "S-HAN"]
    for row, text, spans in zip(rows_of(made), TEXTS, entities.to_pylist(), strict=True):
        places = TOKENIZER.encode_places(pa.array([text]))
        found = {
            names[label][2:]: True
            for label, start, end in zip(row["labels"], places.starts, places.ends, strict=True)
            if label > 0 and any(one["start"] < end and start < one["end"] for one in spans)
        }
        assert set(found) == {one["label"] for one in spans}


def test_numbers_of_labels_are_kept(tmp_path: Path) -> None:
    first = run_pack(dataset(tmp_path / "in"), tmp_path / "one", view="labels", length=64)
    texts, tokens = ["a b"], pa.array([["a", "b"]], LISTS)
    more = save(
        tmp_path / "more",
        [document_rows(texts, ["eng_Latn"], tokens=tokens, tags=pa.array([["B-AAA", "B-NUM"]], LISTS))],
    )
    second = run_pack(more, tmp_path / "two", view="labels", length=64, label_ids=str(first.folder))
    assert second.manifest.notes["labels"] == [*NAMES, "B-AAA", "I-AAA"]
    assert [label for label in rows_of(second)[0]["labels"] if label >= 0] == [7, 5]


def test_the_column_must_be_certain(tmp_path: Path) -> None:
    both = document_rows(TEXTS, LANGS, **columns_of(TEXTS))
    with pytest.raises(UserError, match="several columns of labels: ner_tags, pos_tags, entities"):
        label_source(both.schema, None)
    with pytest.raises(UserError, match="no column 'ner'"):
        label_source(both.schema, "ner")
    with pytest.raises(UserError, match="no column of labels"):
        label_source(document_rows(TEXTS, LANGS).schema, None)
    assert label_source(both.schema, "pos_tags").text == "text"


def test_labels_of_a_side_of_pairs(tmp_path: Path) -> None:
    columns = {"tgt_tokens": pa.array([["Kofi", "spoke"]], LISTS), "tgt_tags": pa.array([["S-P", "O"]], LISTS)}
    rows = pairs([("a", "Kofi spoke")], "deu_Latn", "eng_Latn", **columns)
    made = run_pack(save(tmp_path / "in", [rows], "pair"), tmp_path / "out", view="labels", length=64)
    assert made.manifest.notes["labels"] == ["O", "B-P", "I-P", "E-P", "S-P"]
    assert [label for label in rows_of(made)[0]["labels"] if label >= 0] == [4, 0]
    assert rows_of(made)[0]["lang"] == "eng_Latn"


def test_names_of_a_class_label_and_digits_keep_their_numbers() -> None:
    assert LabelIds.build(["2", "0"]).names == ("0", "1", "2")
    assert LabelIds.build(["NOUN", "_x", "O"]).names == ("O", "NOUN", "_x")
    assert LabelIds.build(["B-X", "O"], "io").names == ("O", "I-X")
    assert LabelIds.build(["I-X", "O"]).names == ("O", "B-X", "I-X")  # IOB1, perhaps
    assert LabelIds.build(["B-", "O"]).names == ("O", "B-", "I-")  # spans that have no field for a label
    assert np.array_equal(LabelIds(("O", "B-X")).number(pa.array(["B-X", "I-X"])), [1, 1])
    assert np.array_equal(LabelIds(("O", "B")).number(pa.array(["B", None, "O"])), [1, -100, 0])
    with pytest.raises(UserError, match="'C' has no number"):
        LabelIds(("O", "B")).number(pa.array(["C"]))


def test_spans_without_a_label(tmp_path: Path) -> None:
    spans = pa.array([[{"start": 0, "end": 10}]], pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())])))
    given = save(tmp_path / "in", [document_rows(["Kofi Annan spoke"], ["eng_Latn"], names_of=spans)])
    made = run_pack(given, tmp_path / "out", view="labels", length=64, tokenizer="bytes")
    assert made.manifest.notes["labels"] == ["O", "B-", "I-"]
    assert [label for label in rows_of(made)[0]["labels"] if label >= 0] == [1, 2, 0]
