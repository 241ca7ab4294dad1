"""Errors of training that a user can act on: a loss that is no number, and memory that does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.loader.rows import TokenRows
from xlcorpus.pretrain.recipe import StageOptions

_SHOWN = 16  # rows that a message names


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or its device had too little memory; torch has several classes for it."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text))
    )


@contextmanager
def needing_memory(advise: Callable[[], UserError]) -> Iterator[None]:
    """Raises what `advise` says where the memory does not suffice for what is done inside."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise advise() from error
        raise


def out_of_memory(stage: StageOptions, length: int) -> UserError:
    """Of a stage of rows of `length` tokens: what to lower, the first first."""
    ways = [f"`rows` from {stage.rows} to {stage.rows // 2} (the batch stays as it is)"] if stage.rows > 1 else []
    ways += ["`gradient_checkpointing: true`"] if not stage.gradient_checkpointing else []
    ways += ["`precision: bf16`"] if stage.precision == "fp32" else []
    ways += [f"rows shorter than {length:,} tokens (pack --length)", "a smaller model, or more ranks with fsdp"]
    return UserError(
        f"stage {stage.name}: the memory does not suffice for {stage.rows} rows of {length:,} tokens",
        remedy=f"lower {', or '.join(ways)}; what is saved is gone on with by --resume",
    )


def no_number(what: str, stage: str, step: int, rows: Sequence[str], last: Location | None) -> UserError:
    """what: `the loss is nan`; rows: those of the micro-batches at fault, as `named_rows` has them."""
    saved = f"{last} is the last checkpoint" if last else "nothing is saved yet"
    return UserError(
        f"stage {stage}, step {step}: {what}\n  " + "\n  ".join(rows),
        remedy=f"look at these rows; a lower lr, a longer warm-up or a lower clip often helps. {saved}",
    )


def named_rows(rows: TokenRows, groups: np.ndarray, within: np.ndarray) -> str:
    """Dataset, shard, row in the shard and doc_ids of some rows (int64[n]: row groups, and rows in these)."""
    shown = []
    for group, row in zip(groups[:_SHOWN].tolist(), within[:_SHOWN].tolist(), strict=True):
        shard, number = rows.place(group, row)
        names = [name for name in ("doc_ids", "pair_id") if name in rows.columns]
        held = rows.read(group, names).slice(row, 1).to_pylist()[0] if names else {}
        ids = held.get("doc_ids") or ([held["pair_id"]] if held.get("pair_id") else [])
        shown.append(f"{shard} row {number} (doc_ids {', '.join(one.hex() for one in ids)})")
    more = f" and {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else ""
    return f"{rows.folder}: {'; '.join(shown)}{more}"
