"""Bits per byte beside each document alone, by hand; a model that knows nothing; the same text packed otherwise."""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.evaluate.models import TOKENIZER, tiny
from tests.packed import TEXTS, packs, view
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.bits.costs import Bits
from xlcorpus.evaluate.measures.bits.per_byte import bits_per_byte, summary
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.objective import OBJECTIVES

DOCUMENTS = 28


def objective(rows: TokenRows, name: str = "clm", **options: Any) -> Any:
    kind = OBJECTIVES.find(name)
    return kind.make(kind.options(**options), rows.vocabulary, rows.length)


PIECES = TOKENIZER.piece_bytes
TEXT_OF = TOKENIZER.piece_texts()


def parts_of(row: dict[str, Any]) -> list[tuple[list[int], int]]:
    """Ids and bytes of text of each part: the space before the first word of a document is none of its text."""
    ends = [*row["doc_starts"][1:], len(row["input_ids"])]
    parts = [row["input_ids"][start:end] for start, end in zip(row["doc_starts"], ends, strict=True)]
    return [(ids, bytes_of(ids) - (first == 0)) for ids, first in zip(parts, row["doc_offsets"], strict=True)]


def bytes_of(ids: list[int]) -> int:
    return sum(1 if TEXT_OF[one] is None else len((TEXT_OF[one] or "").encode()) for one in ids if one > 3)


def by_hand(folder: Path, model: Any) -> dict[str, dict[bytes, tuple[float, int]]]:
    """Nats and bytes of each document, part by part, its tokens one after the other; bos and eos are 2 and 3."""
    found: dict[str, dict[bytes, tuple[float, int]]] = defaultdict(lambda: defaultdict(lambda: (0.0, 0)))
    rows = TokenRows.open(folder)
    for group in range(len(rows.groups)):
        for row in rows.read(group).to_pylist():
            for (ids, size), first, name, lang in zip(
                parts_of(row), row["doc_offsets"], row["doc_ids"], row["langs"], strict=True
            ):
                with torch.no_grad():
                    logs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
                nats = -sum(logs[place, one].item() for place, one in enumerate(ids[1:]) if one > 3)
                # the first word without one before it: left out with its bytes
                without = max(bytes_of(ids[:1]) - (first == 0), 0)
                before = found[lang][name]
                found[lang][name] = before[0] + nats, before[1] + size - without
    return found


@pytest.mark.parametrize("options", [{}, {"bos": True}])
def test_equal_to_each_document_alone(options: dict[str, Any]) -> None:
    folder, model = packs(DOCUMENTS, 2, **options), copy.deepcopy(tiny("LlamaForCausalLM")).train()
    rows = TokenRows.open(folder)
    found = bits_per_byte(model, objective(rows), rows, batch=5, piece_bytes=PIECES)
    assert model.training
    assert set(found) == set(TEXTS)
    for lang, documents in by_hand(folder, model.eval()).items():
        nats, sizes = (np.array(one) for one in zip(*documents.values(), strict=True))
        ratio = nats.sum() / sizes.sum() / math.log(2)
        assert found[lang].bits_per_byte == pytest.approx(ratio, abs=1e-5)
        assert (found[lang].documents, found[lang].total["bytes"]) == (len(documents), sizes.sum())
        rest = nats - ratio * math.log(2) * sizes
        error = math.sqrt((rest**2).sum() * len(nats) / (len(nats) - 1)) / sizes.sum() / math.log(2)
        assert found[lang].error == pytest.approx(error, abs=1e-5)


@pytest.mark.parametrize("options", [{}, {"bos": True}])
def test_a_model_that_knows_nothing_pays_the_vocabulary_for_each_token(options: dict[str, Any]) -> None:
    model = copy.deepcopy(tiny("LlamaForCausalLM"))
    torch.nn.init.zeros_(model.lm_head.weight)
    rows = TokenRows.open(packs(DOCUMENTS, 2, **options))
    for bits in bits_per_byte(model, objective(rows), rows, piece_bytes=PIECES).values():
        expected = math.log2(TOKENIZER.vocab_size) * bits.total["tokens"] / bits.total["bytes"]
        assert bits.bits_per_byte == pytest.approx(expected, rel=1e-6)
        assert bits.loss == pytest.approx(math.log(TOKENIZER.vocab_size), rel=1e-6)


@pytest.mark.parametrize(("documents", "length"), [(DOCUMENTS, 64), (4, 1536)])
def test_the_same_where_no_document_is_cut(documents: int, length: int) -> None:
    """best-fit cuts long documents alone, as `one` does; concatenate none where all of them fit into one row."""
    found = []
    for strategy in ("best-fit", "one", *(["concatenate"] if length == 1536 else [])):
        rows = TokenRows.open(packs(documents, 1, strategy=strategy, length=length))
        assert (rows.count == 1) == (strategy != "one" and length == 1536)
        found.append(bits_per_byte(tiny("LlamaForCausalLM"), objective(rows), rows, batch=7, piece_bytes=PIECES))
    for other in found[1:]:
        assert found[0].keys() == other.keys()
        for lang, bits in found[0].items():
            assert bits.bits_per_byte == pytest.approx(other[lang].bits_per_byte, abs=1e-5)
            assert bits.error == pytest.approx(other[lang].error, abs=1e-5)


def test_what_is_masked_stands_for_all_tokens() -> None:
    rows, model = TokenRows.open(packs(DOCUMENTS, 2, objective="mlm")), copy.deepcopy(tiny("XLMRobertaForMaskedLM"))
    made = objective(rows, "mlm", probability=0.3)
    found = bits_per_byte(model, made, rows, piece_bytes=PIECES)
    assert all(bits.pseudo and "pseudo_bits_per_byte" in bits.facts for bits in found.values())
    again = bits_per_byte(model, made, rows, piece_bytes=PIECES, batch=3)  # masked by row, not by batch
    assert all(bits.facts == pytest.approx(again[lang].facts) for lang, bits in found.items())
    torch.nn.init.zeros_(model.lm_head.decoder.weight)
    torch.nn.init.zeros_(model.lm_head.decoder.bias)
    for bits in bits_per_byte(model, made, rows, piece_bytes=PIECES).values():
        assert 0.1 < bits.total["labels"] / bits.total["tokens"] < 0.5
        expected = math.log2(TOKENIZER.vocab_size) * bits.total["tokens"] / bits.total["bytes"]
        assert bits.bits_per_byte == pytest.approx(expected, rel=1e-6)


def test_languages_together() -> None:
    rows = TokenRows.open(packs(DOCUMENTS, 2))
    found = bits_per_byte(tiny("LlamaForCausalLM"), objective(rows), rows, piece_bytes=PIECES)
    together = summary(found)["all"]
    assert together["documents"] == DOCUMENTS
    assert together["nats"] == pytest.approx(sum(bits.total["nats"] for bits in found.values()))
    assert together["bits_per_byte"] == pytest.approx(together["nats"] / together["bytes"] / math.log(2))
    assert 0 < together["error"] < 1
    only = next(iter(found.values()))
    assert Bits.together([only]).facts == only.facts


def test_tokens_of_unknown_characters_are_told() -> None:
    """The sample falls back to bytes and has none, so the piece of a full stop is taken for it."""
    rows = TokenRows.open(packs(DOCUMENTS, 2))
    (often,) = TOKENIZER.encode_batch(pa.array(["."]))[0].tolist()[-1:]
    rows = replace(rows, vocabulary=replace(rows.vocabulary, ids={**rows.vocabulary.ids, "unk": often}))
    found = bits_per_byte(tiny("LlamaForCausalLM"), objective(rows), rows, piece_bytes=PIECES)
    unknown = dict.fromkeys(found, 0)
    for group in range(len(rows.groups)):
        for row in rows.read(group).to_pylist():
            for (ids, _), lang in zip(parts_of(row), row["langs"], strict=True):
                unknown[lang] += ids[1:].count(often)  # as all figures, without the first token, which has no label
    assert any(unknown.values())
    for lang, bits in found.items():
        assert bits.facts["unknown"] == pytest.approx(unknown[lang] / bits.total["tokens"])


def test_some_rows_alone() -> None:
    rows = TokenRows.open(packs(DOCUMENTS, 2))
    few = bits_per_byte(tiny("LlamaForCausalLM"), objective(rows), rows, limit=4)
    whole = bits_per_byte(tiny("LlamaForCausalLM"), objective(rows), rows, limit=10_000)
    assert 0 < sum(bits.total["tokens"] for bits in few.values()) < sum(bits.total["tokens"] for bits in whole.values())


def test_rows_that_tell_no_bytes() -> None:
    rows = TokenRows.open(view("translico"))
    translico = OBJECTIVES.find("translico")
    with pytest.raises(UserError, match="of the view translico"):
        bits_per_byte(
            tiny("LlamaForCausalLM"), translico.make(translico.options(layer=1), rows.vocabulary, rows.length), rows
        )
