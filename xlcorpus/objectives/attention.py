"""How the documents of a pack are kept apart: what a model's attention must be given, and a check that it is enough.

Nothing here goes by the names of models: `choose` tries what it chooses on the model itself, since a wrong mask is
silent. All is made from position_ids, which begin at 0 in each part (`data/parts.py`), on the device of the model.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

import torch

from xlcorpus.errors import UserError
from xlcorpus.objectives.objective import Vocabulary
from xlcorpus.objectives.parts import cu_seqlens_of, segments_of
from xlcorpus.options import StepOptions, option

Attention = Literal["positions", "mask", "flex", "varlen", "plain"]
# As configs name what is left out at random in training.
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "attention_dropout", "hidden_dropout", "dropout")
_PARTS = (7, 12, 5)  # tokens of the documents that are tried


class AttentionOptions(StepOptions):
    """Which tokens of a pack attend to one another."""

    attention: Literal["auto", "positions", "mask", "flex", "varlen"] = option(
        "auto",
        description="how documents of a pack are kept apart: by position ids alone, a 4D mask, FlexAttention's block "
        "mask, or cu_seqlens (flash attention); auto: by what the model attends with. Each is tried on the model first",
    )
    across_documents: bool = option(False, description="let tokens attend to earlier documents of their pack")


@dataclass(frozen=True)
class Needs:
    """What one model's attention is given. Holds no tensors and not the model, so workers can have it.

    kind: see `choose`; causal: whether it predicts the next token; offset: what is added to positions (RoBERTa: 2);
    windows: of each type of layer with a mask of its own, how far it looks (None: everywhere); empty: all are alike;
    window: how far all of them look; takes: arguments of the model's forward; dtype: of its mask.
    """

    kind: Attention
    causal: bool
    offset: int
    windows: tuple[tuple[str, int | None], ...]
    window: int | None
    takes: frozenset[str]
    dtype: torch.dtype

    def inputs(self, position_ids: torch.Tensor) -> dict[str, Any]:
        """Arguments of the model's forward beside input_ids, for int64[rows, length] that begin at 0 in each part."""
        given: dict[str, Any] = {"use_cache": False} if "use_cache" in self.takes else {}
        if self.kind == "plain":
            return given
        if "position_ids" in self.takes:
            given["position_ids"] = position_ids + self.offset if self.offset else position_ids
        if self.kind == "varlen":
            ends, longest = cu_seqlens_of(position_ids)
            given |= {"cu_seq_lens_q": ends, "cu_seq_lens_k": ends, "max_length_q": longest, "max_length_k": longest}
        elif self.kind in ("mask", "flex"):
            make = _float_mask if self.kind == "mask" else _block_mask
            segments, length = segments_of(position_ids), position_ids.shape[1]
            if any(window is not None and window < length for _, window in self.windows):
                given["attention_mask"] = {
                    name: make(segments, self.causal, window, self.dtype) for name, window in self.windows
                }
            else:
                given["attention_mask"] = make(segments, self.causal, self.window, self.dtype)
        return given


def choose(model: Any, vocabulary: Vocabulary, options: AttentionOptions, *, causal: bool) -> Needs:
    """What to give this model (a PreTrainedModel, not wrapped) so that documents stay apart, tried on it.

    positions: position_ids, no mask and no cache (transformers finds the parts by itself: decoders only); mask: a 4D
    float mask (eager, sdpa); flex: a BlockMask (flex_attention); varlen: cu_seqlens (flash attention); plain: nothing,
    where documents need not be kept apart. Raises UserError where what is asked for, or all, would be silently wrong.
    """
    implementation = str(getattr(model.config, "_attn_implementation", None))
    masked: Attention = "flex" if implementation == "flex_attention" else "mask"
    if options.attention != "auto":
        wanted: tuple[Attention, ...] = (options.attention,)
    elif "flash" in implementation:
        wanted = ("varlen",)
    else:
        wanted = ("positions", masked) if causal else (masked,)
    if options.across_documents:
        wanted = (*wanted, "plain")
    faults = []
    for kind in wanted:
        needs = needs_of(model, kind, causal)
        fault = _fault(model, vocabulary, needs, across=options.across_documents)
        if fault is None:
            return needs
        faults.append(f"{kind}: {fault}")
    raise UserError(
        f"{type(model).__name__} ({implementation}) does not keep the documents of a pack apart: {'; '.join(faults)}",
        remedy="leave `attention` at auto, load the model with attn_implementation='sdpa', pack with --strategy one, "
        "or ask for across_documents: true",
    )


def needs_of(model: Any, kind: Attention, causal: bool) -> Needs:
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    types = sorted(set(getattr(config, "layer_types", None) or ()))
    windows = tuple((name, window if name == "sliding_attention" else None) for name in types) if window else ()
    return Needs(
        kind,
        causal,
        first_position(model),
        windows,
        window if window and not types else None,
        frozenset(inspect.signature(model.forward).parameters),
        model.dtype,
    )


def first_position(model: Any) -> int:
    """Position of a text's first token in the model's own count: RoBERTa and XLM-R begin behind their padding's."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0


def most_tokens(model: Any) -> int | None:
    """Most tokens of a text, special ids included; None where nothing says."""
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return most - first_position(model) if most else None


def check_length(model: Any, length: int | None, what: str) -> None:
    """Raise UserError where rows are longer than the positions that the model (`what`, for people) has."""
    usable = most_tokens(model)
    if length is not None and usable is not None and length > usable:
        raise UserError(
            f"the rows have {length:,} tokens, and {what} reads {usable:,}",
            remedy=f"pack with --length {usable}, or start from a model with more positions",
        )


def check_model(model: Any, vocabulary: Vocabulary, length: int, *, languages: bool = False) -> None:
    """Raise UserError where the model has fewer embeddings than the shards ids, reads less than a row of them, or has
    to be told the language of each row (X-MOD), and is not (languages)."""
    vocabulary.check_fits(model)
    check_length(model, length, type(model).__name__)
    if not languages and getattr(model.config, "default_language", "") is None:
        raise UserError(
            f"the {model.config.model_type} has an adapter for each language, and of the objectives only colbert says "
            "which texts go through",
            remedy=f"write start: config: {{default_language: {model.config.languages[0]}}}, the adapter of all texts, "
            "or start from a model without adapters",
        )


def _allowed(segments: torch.Tensor, causal: bool, window: int | None, q: torch.Tensor, k: torch.Tensor) -> Any:
    """Whether place q may see place k of a row; window: decoders see that many with themselves, encoders each side."""
    far = q - k
    seen = far >= 0 if causal else far == far
    if window is not None:
        seen = seen & (far < window if causal else far.abs() <= window)
    return seen


def _float_mask(segments: torch.Tensor, causal: bool, window: int | None, dtype: torch.dtype) -> torch.Tensor:
    """dtype[rows, 1, length, length]: 0 where a token sees another, else the lowest number."""
    at = torch.arange(segments.shape[1], device=segments.device)
    seen = _allowed(segments, causal, window, at[:, None], at[None, :]) & (segments[:, :, None] == segments[:, None, :])
    mask = torch.full(seen.shape, torch.finfo(dtype).min, dtype=dtype, device=segments.device)
    return mask.masked_fill_(seen, 0.0)[:, None]


def _block_mask(segments: torch.Tensor, causal: bool, window: int | None, dtype: torch.dtype) -> Any:
    """torch's BlockMask of the same."""
    from torch.nn.attention.flex_attention import create_block_mask

    def seen(row: Any, head: Any, q: Any, k: Any) -> Any:
        return _allowed(segments, causal, window, q, k) & (segments[row, q] == segments[row, k])

    rows, length = segments.shape
    return create_block_mask(seen, rows, None, length, length, device=segments.device)


def _fault(model: Any, vocabulary: Vocabulary, needs: Needs, *, across: bool) -> str | None:
    """What is wrong with the logits of three short documents in one row, or None.

    Other documents are exchanged: those of the one that stays must not change, and be what they are alone.
    """
    strange = sorted({name for name, _ in needs.windows} - {"full_attention", "sliding_attention"})
    if strange and needs.kind in ("mask", "flex"):
        return f"its layers of {', '.join(strange)} need masks of their own"
    device, half = model.device, needs.kind == "varlen" and model.dtype == torch.float32  # flash attention wants it
    text = torch.tensor([one for one in range(vocabulary.size) if one not in vocabulary.special][:4096], device=device)
    pick = torch.Generator().manual_seed(0)
    sizes = (sum(_PARTS),) if across else _PARTS
    total = sum(sizes) + 8  # with padding
    starts = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    position_ids = torch.cat([torch.arange(size) for size in (*sizes, total - starts[-1])])[None].to(device)
    draws = [text[torch.randint(len(text), (1, total), generator=pick).to(device)] for _ in range(2)]
    # Of the largest logit, measured with new weights in 6 layers of Llama, BERT, XLM-R and ModernBERT: what is masked
    # leaks 0.0 (in bfloat16 too), else 0.01 to 1.4; alone it differs by 1e-6 (bfloat16 0.007), at wrong places by 0.7.
    close = 1e-3 if model.dtype == torch.float32 and device.type == "cpu" and not half else 0.2
    given, plain = needs.inputs(position_ids), replace(needs, kind="plain").inputs(position_ids)
    trained = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=half):
            whole = model(input_ids=draws[0], **given).logits
            scale = float(whole.abs().max())
            if not isfinite(scale):
                return "its logits are no numbers"
            for start, size in zip(starts[:-1], sizes, strict=True):
                here = slice(start, start + size)
                row = draws[1].clone()
                row[:, here] = draws[0][:, here]
                changed = model(input_ids=row, **given).logits
                if float((changed - whole)[:, here].abs().max()) > 1e-4 * scale:
                    return "its documents see one another"
                alone = model(input_ids=draws[0][:, here], **plain).logits
                if float((alone - whole[:, here]).abs().max()) > close * scale:
                    return "a document has other logits in a pack than alone"
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a model says of arguments that it does not take
        first = str(error).partition("\n")[0][:200] or type(error).__name__
        return f"the model does not take it ({first})"
    finally:
        model.train(trained)
    return None
