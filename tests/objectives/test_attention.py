"""A document in a pack has the logits that it has alone: the table of docs/training.md, cell by cell; refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from tests.house.source import ROOT
from tests.objectives.attentions import CONFIGS, VOCABULARY, alone, batch_of, difference, given, model_of, packs_of
from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import AttentionOptions, choose
from xlcorpus.objectives.kinds.clm import ClmOptions
from xlcorpus.objectives.objective import OBJECTIVES

RIGHT, WRONG = 1e-5, 0.1  # of a logit; the largest ones are 2 to 3
COLUMNS = {"eager": "eager", "sdpa": "sdpa", "flex": "flex_attention"}


def table() -> dict[tuple[str, str, str], str]:
    """(given, decoder or encoder, implementation) to right or wrong, as the page has it; cells of - are left out."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    head, _, *rows = re.findall(r"^\| (.*) \|$", page[page.index("| given |") :].partition("\n\n")[0], re.MULTILINE)
    columns = [column.split(", ") for column in head.split(" | ")[1:]]
    cells = {}
    for row in rows:
        way, *verdicts = row.split(" | ")
        for (who, short), verdict in zip(columns, verdicts, strict=True):
            if verdict != "-":
                cells[way, who, COLUMNS[short]] = verdict
    return cells


def check(name: str, implementation: str, more: dict[str, str] | None = None) -> None:
    """Try each cell of a model and implementation."""
    causal = CONFIGS[name][1]
    model, rows = model_of(name, implementation), packs_of()
    batch, wanted = batch_of(rows), alone(model, rows)
    who = "decoder" if causal else "encoder"
    cells = {way: said for (way, one, other), said in table().items() if (one, other) == (who, implementation)}
    assert "right" in cells.values()
    for way, verdict in {**cells, **(more or {})}.items():
        found = difference(model, rows, batch, wanted, **given(way, model, batch, causal))
        assert found < RIGHT if verdict == "right" else found > WRONG, f"{way}: {found}"


def test_rows_are_of_every_kind() -> None:
    rows = packs_of().to_pylist()
    assert any(len(row["doc_starts"]) == 1 and row["length"] == 96 for row in rows)  # one part, no padding
    assert any(len(row["doc_starts"]) > 2 and row["length"] < 96 for row in rows)
    assert any(offset and row["doc_starts"][1:] for row in rows for offset in row["doc_offsets"])  # an end


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_table(name: str, implementation: str) -> None:
    learned = {"gpt2": "wrong", "llama": "right", "bert": "wrong"}  # positions that are relative do without
    more = {"4D float mask alone": learned[name]} if name in learned else {}
    check(name, implementation, {**more, "4D float mask, position_ids, cache as it is": "right"})


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "gpt2"])  # transformers has no flex for GPT-2
def test_the_table_of_flex_attention(name: str) -> None:
    check(name, "flex_attention")


def _flash(causal_of: dict[str, Any]) -> Any:
    """Flash attention by its own arguments, in plain torch; what it was called with is kept."""

    def whole(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **more: Any) -> torch.Tensor:
        k, v = (one.repeat_interleave(q.shape[2] // one.shape[2], dim=2) for one in (k, v))
        at = torch.arange(q.shape[1])
        far = at[:, None] - at[None, :]
        left, right = more.get("window_size", (-1, -1))
        seen = (far <= left if left >= 0 else far == far) & (-far <= right if right >= 0 else far == far)
        seen = seen & (far >= 0) if more.get("causal") else seen
        q, k, v = (one.transpose(1, 2) for one in (q, k, v))
        scale = more.get("softmax_scale")
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, seen, scale=scale).transpose(1, 2)

    def varlen(
        q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, cu_seqlens_q: Any, cu_seqlens_k: Any, max_seqlen_q: Any,
        max_seqlen_k: Any, causal: bool = False, softmax_scale: Any = None, window_size: Any = (-1, -1),
        dropout_p: float = 0.0, deterministic: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        assert torch.equal(cu_seqlens_q, cu_seqlens_k)
        assert max_seqlen_q == cu_seqlens_q.diff().max()
        causal_of["calls"] = causal_of.get("calls", 0) + 1
        more = {"causal": causal, "softmax_scale": softmax_scale, "window_size": window_size}
        cuts = cu_seqlens_q[1:-1].tolist()
        rows = zip(*(one.tensor_split(cuts) for one in (q, k, v)), strict=True)
        return torch.cat([whole(*(one[None] for one in row), **more)[0] for row in rows])

    process = transformers.modeling_flash_attention_utils._lazy_define_process_function(varlen)
    return lambda *_, **__: ((whole, varlen, None, None, None), (process, dict))


@pytest.mark.parametrize(
    "name", [name for name in CONFIGS if name != "gpt2"]
)  # transformers wants half precision there
def test_what_flash_attention_is_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in that has its arguments (the kernel itself runs on GPUs alone)."""
    rows, causal, seen = packs_of(), CONFIGS[name][1], {}
    batch, wanted = batch_of(rows), alone(model_of(name, "sdpa"), rows)
    monkeypatch.setattr(transformers.modeling_flash_attention_utils, "lazy_import_flash_attention", _flash(seen))
    model = model_of(name, "sdpa")
    model.config._attn_implementation = "flash_attention_2"
    found = difference(model, rows, batch, wanted, **given("cu_seq_lens, position_ids", model, batch, causal))
    assert seen["calls"] == 2  # once a layer
    assert found < RIGHT
    assert choose(model, VOCABULARY, AttentionOptions(), causal=causal).kind == "varlen"
    # several rows by positions alone are taken for one document each
    assert difference(model, rows, batch, wanted, **given("position_ids, no cache", model, batch, causal)) > WRONG


def test_what_is_chosen() -> None:
    for name, (_, causal) in CONFIGS.items():
        model = model_of(name, "sdpa").train()
        needs = choose(model, VOCABULARY, AttentionOptions(), causal=causal)
        assert needs.kind == ("positions" if causal else "mask")
        assert model.training


def _models() -> dict[str, Any]:
    shape = {"vocab_size": 261, "hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.2}
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return {
        "opt": transformers.OPTConfig(
            vocab_size=261, hidden_size=32, ffn_dim=32, num_hidden_layers=2, num_attention_heads=4, init_std=0.2,
            max_position_embeddings=64, word_embed_proj_dim=32, **ends,
        ),
        "bloom": transformers.BloomConfig(**shape, n_head=4, **ends),
        "mamba": transformers.MambaConfig(**shape, **ends),
    }  # fmt: skip


def test_models_that_do_not_keep_documents_apart() -> None:
    """transformers finds no parts for OPT, which then is given a mask; Bloom and Mamba take none."""
    models = {name: transformers.AutoModelForCausalLM.from_config(one).eval() for name, one in _models().items()}
    assert choose(models["opt"], VOCABULARY, AttentionOptions(), causal=True).kind == "mask"
    for name in ("bloom", "mamba"):
        with pytest.raises(UserError, match="positions: its documents see one another; mask: the model does not take"):
            choose(models[name], VOCABULARY, AttentionOptions(), causal=True)
        across = choose(models[name], VOCABULARY, AttentionOptions(across_documents=True), causal=True)
        assert across.kind in ("positions", "plain")


@pytest.mark.parametrize(
    ("name", "implementation", "attention", "fault"),
    [
        ("bert", "sdpa", "positions", "its documents see one another"),
        ("modernbert", "eager", "positions", "its documents see one another"),
        ("llama", "sdpa", "flex", "the model does not take it"),
        ("bert", "eager", "varlen", "its documents see one another"),
    ],
)
def test_what_would_be_silently_wrong_is_refused(name: str, implementation: str, attention: Any, fault: str) -> None:
    model = model_of(name, implementation)
    with pytest.raises(UserError, match=f"{attention}: {fault}"):
        choose(model, VOCABULARY, AttentionOptions(attention=attention), causal=CONFIGS[name][1])


def test_flex_attention_does_not_train_on_a_cpu() -> None:
    objective = OBJECTIVES.find("clm").make(ClmOptions(), VOCABULARY, 96)
    with pytest.raises(UserError, match="no backward pass on a CPU"):
        objective.prepare(model_of("llama", "flex_attention"))


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "name"), [("clm", "llama"), ("mlm", "xlm-roberta")])
def test_compiled_and_half_precision(objective: str, name: str) -> None:
    """The loss of a compiled model is that of the model; in bfloat16 it is about that."""
    kind, rows = OBJECTIVES.find(objective), packs_of()
    made = kind.make(kind.options(), VOCABULARY, 96)
    batch = made.collate(rows, np.arange(rows.num_rows, dtype=np.uint64))
    model = model_of(name, "sdpa")
    wanted = made.losses(model, batch).total
    for compiled in (torch.compile(model, backend="eager"), model_of(name, "sdpa")):
        compiled.compile(backend="eager")
        torch.testing.assert_close(made.losses(compiled, batch).total, wanted)
    half = made.losses(model_of(name, "sdpa").to(torch.bfloat16), batch).total
    with torch.autocast("cpu", torch.bfloat16):
        mixed = made.losses(model, batch).total
    for loss in (half, mixed):
        loss.backward()
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, wanted, atol=0.01, rtol=0)
