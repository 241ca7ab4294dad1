"""Byte budgets by language, for models of bytes: the same of each language (MonoByte).

A byte is a token there, so what is cut is counted in both: `ByteBudget` says how many tokens of each document to keep,
and `tokenize_batch(..., keep=...)` cuts the ids. The tokenizer is `open_tokenizer("bytes")`, ids as ByT5 has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import require_column, sum_by, text_column, text_or_empty
from xlcorpus.dataset.decisions import decide
from xlcorpus.errors import UserError, nearest
from xlcorpus.pack.tokenize import STEP_NAME
from xlcorpus.text.codepoints import back_to_characters, string_buffers
from xlcorpus.text.ragged import sums_before_alike
from xlcorpus.text.sizes import parse_size

NO_BUDGET, OVER_BUDGET = "no_byte_budget", "over_byte_budget"


def read_budgets(text: str, available: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """`10M` for every language there is, or `eng_Latn=10M,khm_Khmr=5M`; raises UserError naming the part that is wrong.

    available: bytes by label, of each task.
    """
    if "=" not in text:
        size = _size(text)
        return dict.fromkeys(sorted({name for task in available for name in task if name}), size)
    budgets: dict[str, int] = {}
    for part in text.split(","):
        label, _, size_given = part.strip().partition("=")
        if not label or label in budgets:
            raise UserError(
                f"--byte-budget: {part.strip()!r} " + ("is given twice" if label else "names no language"),
                remedy="write eng_Latn=10M,khm_Khmr=5M",
            )
        budgets[label] = _size(size_given)
    return budgets


def _size(text: str) -> int:
    return parse_size(
        text, "--byte-budget", in_bytes=True, remedy="write 10M for each language, or eng_Latn=10M,khm_Khmr=500k"
    )


def plan_bytes(available: Sequence[Mapping[str, int]], budgets: Mapping[str, int]) -> list[dict[str, int]]:
    """Bytes of each language that each task takes: documents in the order of the tasks until the budget is spent.

    available: bytes of text by label, of each task; budgets: bytes by label. Raises UserError for a budget that is not
    positive, or more than there is, with the numbers.
    """
    totals = {label: sum(task.get(label, 0) for task in available) for label in budgets}
    known = {label for task in available for label in task if label}
    for label, budget in budgets.items():
        if budget < 1:
            raise UserError(f"the byte budget of {label} is {budget}", remedy="give at least 1 byte, or leave it out")
        if label not in known:
            raise UserError(f"there is no text in {label!r}, which has a byte budget", remedy=nearest(label, known))
    short = [label for label, budget in budgets.items() if totals[label] < budget]
    if short:
        listed = ", ".join(f"{label} has {totals[label]:,} of {budgets[label]:,}" for label in short)
        raise UserError(
            f"there are fewer bytes than the budget: {listed}",
            remedy=f"lower the budget (for all of them alike: {min(totals.values()):,}), or add text",
        )
    left = dict(budgets)
    plan = []
    for task in available:
        taken = {label: min(left[label], task.get(label, 0)) for label in budgets}
        plan.append(taken)  # 0 too: a budget that earlier tasks spent is not the same as none
        left = {label: left[label] - taken[label] for label in budgets}
    return plan


@dataclass(frozen=True)
class Taken:
    """Documents of a batch within the budgets: the rows, bytes to keep of each (int64[rows]; fewer than it has in the
    last one of a language), and decisions for the others."""

    documents: pa.RecordBatch
    keep: np.ndarray
    decisions: pa.RecordBatch


class ByteBudget:
    """Take documents of a task in order until the bytes of each language are spent.

    budgets: bytes by label (of the whole dataset, or a task's part by `plan_bytes`). The last document is cut. cut
    byte: where the budget ends, so that the bytes taken are exactly the budget; the text may end within a character,
    which a model of bytes reads as it reads the cut at the end of a pack. cut character: before that character, so
    that every text is valid UTF-8 and at most 3 bytes of the budget are left. Separators are not counted.
    """

    def __init__(self, budgets: Mapping[str, int], *, cut: str = "byte") -> None:
        self._left = dict(budgets)
        self._whole_characters = cut == "character"

    def take(self, batch: pa.RecordBatch, *, keep_text: bool = False) -> Taken:
        """The next documents (doc_id, text, lang, origin). Decisions: over_byte_budget (score: bytes; threshold: those
        that were left), no_byte_budget for other languages. Documents without text are kept."""
        require_column(batch.schema, "lang")
        content, offsets = string_buffers(text_column(batch))
        data = np.frombuffer(content, dtype=np.uint8)
        sizes = np.diff(offsets)
        encoded = text_or_empty(batch, "lang").dictionary_encode()
        labels = encoded.dictionary.to_pylist()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        before = sums_before_alike(codes, sizes)
        left = np.array([self._left.get(label, 0) for label in labels], dtype=np.int64)[codes] - before
        keep = np.clip(left, 0, sizes)
        cut = (keep > 0) & (keep < sizes)
        if self._whole_characters:
            starts = offsets[:-1][cut]
            keep[cut] = back_to_characters(data, starts + keep[cut]) - starts
        budgeted = np.array([label in self._left for label in labels], dtype=bool)[codes]
        stays = budgeted & ((keep > 0) | (sizes == 0))
        for label, count in sum_by(text_or_empty(batch, "lang"), sizes).items():
            if label in self._left:  # what did not fit spends the budget too, so that no later document is taken
                self._left[label] = max(self._left[label] - count, 0)
        rows, gone = np.flatnonzero(stays), np.flatnonzero(~stays)
        decisions = decide(
            batch.take(pa.array(gone)),
            STEP_NAME,
            pc.if_else(pa.array(budgeted[gone]), OVER_BUDGET, NO_BUDGET),
            score=sizes[gone].astype(np.float64),
            threshold=np.maximum(left[gone], 0).astype(np.float64),
            keep_text=keep_text,
        )
        return Taken(batch.take(pa.array(rows)), keep[rows], decisions)
