"""Encoder-decoders: what is read and written, against transformers' own losses and slow code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.objectives.masked_models import BOS, EOS, FIRST, PAD, SIZE
from tests.packed import packs, view
from tests.pretrain.runs import metrics, train
from xlcorpus.errors import UserError
from xlcorpus.objectives.kinds.restore import Restore, RestoreOptions
from xlcorpus.objectives.kinds.spans import SpanOptions, Spans, cut_out, spans_of
from xlcorpus.objectives.kinds.translation import Translation, TranslationOptions
from xlcorpus.objectives.label_costs import costs_at
from xlcorpus.objectives.objective import Vocabulary

LANGUAGES = (SIZE - 2, SIZE - 1)
VOCABULARY = Vocabulary(
    "f" * 32, SIZE, {"pad": PAD, "bos": BOS, "eos": EOS}, frozenset({PAD, BOS, EOS, *range(SIZE - 9, SIZE)})
)


def tiny(shape: str, **changes: Any) -> Any:
    """An encoder-decoder of 1 + 1 layers without dropout."""
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    settings = {
        "vocab_size": SIZE, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "num_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_heads": 2, "d_kv": 8, "d_ff": 32,
        "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "dropout": 0.0, "dropout_rate": 0.0, "pad_token_id": PAD,
        "bos_token_id": BOS, "eos_token_id": EOS, "decoder_start_token_id": EOS, "max_position_embeddings": 64,
    }  # fmt: skip
    torch.manual_seed(1)
    return AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(shape, **settings | changes))


def rows_of(names: tuple[str, str], ends: list[int] | None = None) -> pa.RecordBatch:
    draw = np.random.default_rng(3)
    lists = {
        name: pa.array(
            [[*draw.integers(FIRST, SIZE - 9, draw.integers(1, 9)).tolist(), *(ends or [])] for _ in range(5)],
            pa.list_(pa.int32()),
        )
        for name in names
    }
    return pa.RecordBatch.from_pydict(lists)


NO_KEYS = np.zeros(5, np.uint64)


@pytest.mark.parametrize("shape", ["bart", "t5", "marian", "m2m_100"])
def test_losses_are_transformers_own(shape: str) -> None:
    rows, model = rows_of(("src_ids", "tgt_ids")), tiny(shape).eval()
    objective = Translation(TranslationOptions(), VOCABULARY, 64)
    objective.prepare(model)
    batch = objective.collate(rows, NO_KEYS)
    for side, name in (("input_ids", "src_ids"), ("labels", "tgt_ids")):
        kept = [[one for one in row if one not in (PAD, -100)] for row in batch[side].tolist()]
        assert kept == [[*row, EOS] for row in rows.column(name).to_pylist()]
    with torch.no_grad():
        wanted = model(**batch).loss
        found = objective.losses(model, batch)
    assert found.total.item() == pytest.approx(wanted.item(), rel=1e-5)
    costs = objective.label_losses(model, batch)
    assert costs.sum().item() / int((batch["labels"] != -100).sum()) == pytest.approx(wanted.item(), rel=1e-5)
    assert bool((costs[batch["labels"] == -100] == 0).all())


@pytest.mark.parametrize("ends", [[], [EOS]])
@pytest.mark.parametrize("kind", [Translation, Restore])
def test_a_side_that_fills_the_length_still_ends(kind: Any, ends: list[int]) -> None:
    """Templates of `pack` leave no room for an eos that they do not write themselves."""
    for size in range(60, 65):
        text = [*[FIRST] * (size - len(ends)), *ends]
        lists = {name: pa.array([text, text[-3:]], pa.list_(pa.int32())) for name in kind.sides}
        made = kind(TranslationOptions(), VOCABULARY, 64).collate(pa.RecordBatch.from_pydict(lists), NO_KEYS[:2])
        for row in made["input_ids"].tolist(), made["labels"].masked_fill(made["labels"] < 0, PAD).tolist():
            long, short = ([one for one in ids if one != PAD] for ids in row)
            assert long == ([FIRST] * 63 + [EOS])[-size - 1 + len(ends) :]
            assert short == [*text[-3:], *([] if ends else [EOS])]


def test_a_language_that_is_no_special_id_stands_behind_the_end() -> None:
    """A token of the user's own is text to the tokenizer."""
    texts = [[FIRST, FIRST + 1, EOS, FIRST + 2], [FIRST + 2, FIRST], [EOS], [FIRST], []]
    lists = {name: pa.array(texts, pa.list_(pa.int32())) for name in Translation.sides}
    objective = Translation(TranslationOptions(begin="last"), VOCABULARY, 64)
    batch = objective.collate(pa.RecordBatch.from_pydict(lists), NO_KEYS)
    wanted = [texts[0], [*texts[1], EOS], texts[2], [FIRST, EOS], [EOS]]
    assert [[one for one in row if one != PAD] for row in batch["input_ids"].tolist()] == wanted
    assert objective.before(batch["labels"], None)[:, 0].tolist() == [row[-1] for row in wanted]


def test_mbart_begins_with_the_language_behind_eos() -> None:
    """What a template has written at the end stays the end; the decoder begins with it."""
    from transformers.models.mbart.modeling_mbart import shift_tokens_right

    rows = rows_of(("inputs_ids", "targets_ids"), [EOS, LANGUAGES[0]])
    objective, model = Restore(RestoreOptions(begin="last"), VOCABULARY, 64), tiny("mbart").eval()
    model.config.decoder_start_token_id = None
    objective.prepare(model)
    batch = objective.collate(rows, NO_KEYS)
    kept = [[one for one in row if one != PAD] for row in batch["input_ids"].tolist()]
    assert kept == rows.column("inputs_ids").to_pylist()
    filled = batch["labels"].masked_fill(batch["labels"] == -100, PAD)
    assert torch.equal(objective.before(batch["labels"], model.config), shift_tokens_right(filled, PAD))
    with torch.no_grad():
        assert objective.losses(model, batch).total.item() == pytest.approx(model(**batch).loss.item(), rel=1e-5)
    with pytest.raises(UserError, match=r"does not say what its decoder begins with(.|\n)*begin: last"):
        Restore(RestoreOptions(), VOCABULARY, 64).prepare(model)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothed_costs_and_gradients_are_torchs(smoothing: float) -> None:
    class Head(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Parameter(torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(2)))

        def forward(self, input_ids: torch.Tensor) -> Any:
            return type("Output", (), {"logits": self.table[input_ids]})

        def get_output_embeddings(self) -> None: ...

    ids = torch.arange(SIZE).reshape(4, -1)
    chosen, labels = ids % 3 > 0, (ids * 7 + 1) % SIZE
    gradients, losses = [], []
    for own in (True, False):
        model = Head()
        if own:
            loss = costs_at(model, chosen, labels[chosen], smoothing=smoothing, input_ids=ids)[0].sum()
        else:
            logits = model(ids).logits[chosen]
            loss = torch.nn.functional.cross_entropy(logits, labels[chosen], label_smoothing=smoothing, reduction="sum")
        loss.backward()
        losses.append(loss.item())
        gradients.append(model.table.grad)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert torch.allclose(*gradients, atol=1e-6)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.floats(0.05, 0.6), st.floats(1, 9), st.integers(0, 99))
def test_spans_are_as_many_as_t5_has(sizes: list[int], share: float, mean: float, seed: int) -> None:
    """T5's random_spans_noise_mask: so many tokens, so many spans, each behind a token that stays."""
    keys = np.random.default_rng(seed).integers(0, 1 << 63, len(sizes)).astype(np.uint64)
    out = cut_out(np.array(sizes), keys, share, mean)
    for row, size in enumerate(sizes):
        mask = out[row, :size]
        assert not out[row, size:].any()
        if size == 1:
            assert not mask.any()
            continue
        noise = min(max(int(np.round(size * share)), 1), size - 1)
        spans = min(max(int(np.round(noise / mean)), 1), noise, size - noise)
        assert (int(mask.sum()), int((np.diff(mask.astype(int), prepend=0) == 1).sum())) == (noise, spans)
        assert not mask[0]
        assert mask[-1]
    assert np.array_equal(cut_out(np.array(sizes)[::-1], keys[::-1], share, mean)[::-1], out)


def test_places_of_spans_are_uniform() -> None:
    """All ways of cutting 7 kept and 3 lost tokens in 2 + 2 segments are as frequent."""
    keys = np.random.default_rng(0).integers(0, 1 << 63, 24_000).astype(np.uint64)
    out = cut_out(np.full(len(keys), 10), keys, 0.3, 1.5)
    ways, counts = np.unique(out, axis=0, return_counts=True)
    assert len(ways) == 6 * 2
    assert counts.min() > 1800
    assert counts.max() < 2200


def test_a_row_can_be_put_together_again() -> None:
    draw = np.random.default_rng(8)
    texts = [draw.integers(FIRST, SIZE - 9, size).tolist() for size in (1, 2, 17, 40, 64)]
    rows = pa.RecordBatch.from_pydict({"input_ids": pa.array(texts, pa.list_(pa.int32()))})
    objective = Spans(SpanOptions(mean_span=3.0), VOCABULARY, 64)
    batch = objective.collate(rows, draw.integers(0, 1 << 63, 5).astype(np.uint64))
    sentinels = [*range(SIZE - 1, SIZE - 10, -1)]
    for text, read, labels in zip(texts, batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        inside = [one for one in read if one != PAD]
        wanted = [one for one in labels if one != -100]
        assert inside.pop() == wanted.pop() == EOS
        marks = [one for one in inside if one in sentinels]
        assert marks == [one for one in wanted if one in sentinels] == sentinels[: len(marks)]
        spans: dict[int, list[int]] = {}
        for one in wanted:
            if one in sentinels:
                spans[one] = []
            else:
                spans[[*spans][-1]].append(one)
        assert [one for mark in inside for one in spans.get(mark, [mark])] == text
        noise, count = spans_of(np.array([len(text)]), 0.15, 3.0)
        assert (sum(map(len, spans.values())), len(spans)) == (noise[0], count[0])


def test_tokens_are_those_of_both_sides_and_of_packs_all_places() -> None:
    rows = rows_of(("src_ids", "tgt_ids"))
    objective = Translation(TranslationOptions(), VOCABULARY, 64)
    texts = [text for name in ("src_ids", "tgt_ids") for text in rows.column(name).to_pylist()]
    assert objective.tokens(objective.collate(rows, NO_KEYS)) == sum(len(text) + 1 for text in texts)
    packs_of_two = pa.RecordBatch.from_pydict({"input_ids": pa.array([[7] * 9, [8] * 64], pa.list_(pa.int32()))})
    spans = Spans(SpanOptions(), VOCABULARY, 64)
    assert spans.tokens(spans.collate(packs_of_two, NO_KEYS[:2])) == 2 * 64


@pytest.mark.parametrize(("share", "mean"), [(0.15, 20.0), (0.01, 20.0), (0.6, 1.5)])
def test_rows_with_sentinels_fit_the_model(share: float, mean: float) -> None:
    """What is read and written is at most that long, whatever the row, and refused where the model reads less."""
    objective = Spans(SpanOptions(share=share, mean_span=mean, first_sentinel=39), VOCABULARY, 64)
    draw = np.random.default_rng(1)
    rows = [draw.integers(FIRST, SIZE - 9, size).tolist() for size in range(1, 65)]
    given = pa.RecordBatch.from_pydict({"input_ids": pa.array(rows, pa.list_(pa.int32()))})
    batch = objective.collate(given, draw.integers(0, 1 << 63, 64).astype(np.uint64))
    sizes = [int(batch["attention_mask"].sum(dim=1).max()), int((batch["labels"] != -100).sum(dim=1).max())]
    assert max(sizes) == objective.longest
    if objective.longest <= 64:
        objective.prepare(tiny("bart"))
    else:
        with pytest.raises(UserError, match=rf"up to {objective.longest} with sentinels(.|\n)*reads 64"):
            objective.prepare(tiny("bart"))


def test_too_few_sentinels() -> None:
    with pytest.raises(UserError, match=r"loses 51 spans, and the tokenizer has 9 sentinels"):
        Spans(SpanOptions(mean_span=3.0), VOCABULARY, 1024)
    Spans(SpanOptions(mean_span=3.0, first_sentinel=60), VOCABULARY, 1024)
    with pytest.raises(UserError, match="has 50 sentinels"):
        Spans(SpanOptions(mean_span=3.0, first_sentinel=49), VOCABULARY, 1024)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["bart", "t5", "mbart", "marian", "m2m_100"])
def test_all_shapes_are_trained(tmp_path: Path, shape: str) -> None:
    start = {"shape": shape, "layers": 1, "width": 16, "heads": 2}
    pairs = [{"folder": str(view("bitext")), "objective": "translation", "label_smoothing": 0.1}]
    assert train(tmp_path / "pairs", data=pairs, start=start, batch="24 rows", steps=20, log_every=10) == 0
    losses = [line["loss"] for line in metrics(tmp_path / "pairs") if "loss" in line]
    assert losses[-1] < losses[0]
    spans = [{"folder": str(packs()), "objective": "spans", "mean_span": 3, "first_sentinel": 5999}]
    assert train(tmp_path / "spans", data=spans, start={"model": str(tmp_path / "pairs" / "out")}, steps=2) == 0
