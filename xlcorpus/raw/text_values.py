"""Columns of raw bytes as texts: which values cannot be one, and what to say about them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.raw.lines import EXCERPT_BYTES
from xlcorpus.raw.options import SIDES, ReadOptions
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order, too_large


def check_texts(
    raw: Mapping[str, pa.Array], offsets: np.ndarray, options: ReadOptions
) -> tuple[np.ndarray, list[Reject]]:
    """bool[n], true for records whose texts are all valid, and a reject for each other one, in order.

    raw: binary[n] by our column (`text`, or `src` and `tgt`); offsets: int64[n]. Reject reasons: missing_text
    (missing_src, missing_tgt), record_too_large, nul_bytes, invalid_utf8; of two wrong texts the first says why.
    """
    good = np.ones(len(offsets), dtype=bool)
    rejects: list[Reject] = []
    for output, values in raw.items():
        wrong = _wrong(values, options.max_record_bytes) & good
        for index in np.flatnonzero(wrong).tolist():
            rejects.append(_reject(output, int(offsets[index]), values[index].as_py(), options))
        good &= ~wrong
    return good, in_order(rejects)


def _wrong(raw: pa.Array, limit: int) -> np.ndarray:
    """bool[n]: null, too large, with NUL or not UTF-8."""
    wrong = np.asarray(pc.is_null(raw)) | np.asarray(pc.fill_null(pc.greater(pc.binary_length(raw), limit), False))
    wrong |= np.asarray(pc.fill_null(pc.match_substring(raw, "\0"), False))
    return wrong | not_utf8(raw)


def not_utf8(raw: pa.Array) -> np.ndarray:
    """bool[n]: values of a binary array that are no UTF-8; nulls are not among them."""
    wrong = np.zeros(len(raw), dtype=bool)
    try:
        raw.cast(pa.string())
    except pa.ArrowInvalid:
        for index, value in enumerate(raw):
            data = value.as_py()
            wrong[index] = data is not None and not _is_utf8(data)
    return wrong


def _reject(output: str, offset: int, data: bytes | None, options: ReadOptions) -> Reject:
    if data is None:
        return Reject(offset, f"missing_{output}", f"column {options.texts[output]!r} is null")
    what = SIDES[output]
    if len(data) > options.max_record_bytes:
        return too_large(offset, what, len(data), data[:EXCERPT_BYTES], options)
    if b"\0" in data:
        return Reject(offset, "nul_bytes", f"{what} holds NUL bytes", data)
    return bad_utf8(offset, what, data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
