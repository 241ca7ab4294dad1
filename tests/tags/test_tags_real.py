"""Labels through switches and translation on 200 real sentences each, equal to slow code; none is stale."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.parallel import parallel_text
from tests.codeswitch.switch_helpers import direction, documents, index_of, wiktionary
from tests.house.source import ROOT
from tests.rows import pairs, records
from tests.tags.label_checks import check_projected, check_switched
from tests.tags.label_helpers import LISTS, columns_of
from xlcorpus.align.aligner import align_pairs, train_aligner
from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.dict_piece import switch_pieces
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.piece_table import build_piece_table
from xlcorpus.tags.aligned import METHODS
from xlcorpus.tokenizer.sentencepiece_model import open_processor

COUNT = 200
pytestmark = pytest.mark.slow


def spoken(shared: Path) -> pa.RecordBatch:
    """Turkish-German speech with its gold languages, and labels by rule."""
    found = records(shared / "codeswitch" / "sagt_tr-de_dev.jsonl.gz")[:COUNT]
    made = columns_of([row["text"] for row in found])
    gold = pa.array([row["langs"] for row in found], LISTS)
    own = pa.array([row["tokens"] for row in found], LISTS)
    return documents([row["text"] for row in found], "deu_Latn", tokens=own, pos_tags=gold, entities=made["entities"])


def test_gold_languages_through_a_dictionary_switch(shared_data: Path) -> None:
    batch = spoken(shared_data)
    index = index_of(wiktionary(shared_data, "de", "deu_Latn", "eng_Latn", inverse=True))
    switched = switch_words(batch, index, CodeswitchOptions()).rows
    assert switched.num_rows > 150
    found, lost = check_switched(batch, switched)
    assert found > 2000
    assert lost == 0  # a dictionary replaces words, and no label ends within one


def test_names_through_a_switch_of_pieces(shared_data: Path) -> None:
    model = open_processor(ROOT / "xlcorpus" / "sample" / "tokenizer.model")
    entries = direction("eng_Latn", "deu_Latn", **{"▁the": "▁die", "s": "en", "▁in": "▁im", "ed": "t", "▁": "x"})
    table = build_piece_table(model, *(pa.array(column, pa.string()) for column in zip(*entries, strict=True)))
    texts = [row["text"] for row in records(shared_data / "ntrex" / "eng.jsonl.gz")][:COUNT]
    batch = documents(texts, "eng_Latn", **columns_of(texts))
    switched = switch_pieces(
        batch, model, table, CodeswitchOptions(operator="dict-piece", tokenizer="x", ratio=0.9)
    ).rows
    assert check_switched(batch, switched)[0] > 2000


def aligned(shared: Path, code: str, label: str) -> pa.RecordBatch:
    """PUD pairs with their alignment, learned from a few of them, and labels by rule on both sides."""
    source, target, _ = parallel_text(shared, code)
    source, target = source[: 2 * COUNT], target[: 2 * COUNT]
    model = train_aligner(pa.array(source), pa.array(target))
    source, target = source[:COUNT], target[:COUNT]
    align = align_pairs(model, pa.array(source), pa.array(target))
    rows = list(zip(source, target, strict=True))
    sides = columns_of(source, "src_") | columns_of(target, "tgt_")
    return pairs(rows, "eng_Latn", label, align=align, **sides)


@pytest.mark.parametrize(("code", "label"), [("deu", "deu_Latn"), ("zho", "zho_Hant")])
def test_labels_through_aligned_spans_and_translation(shared_data: Path, code: str, label: str) -> None:
    batch = aligned(shared_data, code, label)
    result = switch_spans(batch, CodeswitchOptions(operator="align-span"))
    assert result.rows.num_rows > (150 if code == "deu" else 40)
    found, lost = check_switched(batch, result.rows, "tgt_")
    assert found > 1000
    assert 0 < lost < found / 2
    for method in METHODS:
        check_projected(batch, method)


def test_target_tokens_where_nobody_gave_any(shared_data: Path) -> None:
    batch = aligned(shared_data, "deu", "deu_Latn").slice(0, 40)
    check_projected(batch, "contiguous", own=False)
