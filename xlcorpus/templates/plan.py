"""Templates of fields, literals and special tokens alone, filled by Arrow: whole columns at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import nodes

from xlcorpus.templates.rendered import FAILED, Failure, Rendered, without_rows
from xlcorpus.templates.specials import LANGUAGE, ROLE, ROLES, TOKEN, Special
from xlcorpus.text.ragged import offsets_of, ranges, rows_of
from xlcorpus.tokenizer.pieces import TEXT, Pieces

NO_LABEL = "lang_token is given no language: the label is empty"


@dataclass(frozen=True)
class Op:
    """What a template writes next: a literal or a column, a special token, that of a column's language (`special` has
    the convention), or a column's lines, each but the last ended by a special token."""

    literal: str = ""
    column: str | None = None
    special: Special | None = None
    trained: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is one text a row."""
        return self.special is None


def plan_of(body: Sequence[nodes.Node], columns: Collection[str], *, trained: bool = False) -> list[Op] | None:
    """The operations of a syntax tree; None where it is more than fields, literals and special tokens.

    columns: names that are those of columns.
    """
    found: list[Op] = []
    for node in body:
        if isinstance(node, nodes.CallBlock) and _is_generation(node):
            inner = plan_of(node.body, columns, trained=True)
        elif isinstance(node, nodes.Output):
            inner = []
            for child in node.nodes:
                ops = _ops(child, columns, trained)
                if ops is None:
                    return None
                inner += ops
        else:
            return None
        if inner is None:
            return None
        found += inner
    return found


def _is_generation(node: nodes.CallBlock) -> bool:
    called = node.call.node
    return isinstance(called, nodes.ExtensionAttribute) and called.name == "_trained"


def _ops(node: nodes.Node, columns: Collection[str], trained: bool) -> list[Op] | None:
    if isinstance(node, nodes.TemplateData):
        return [Op(node.data, trained=trained)]
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return [Op(node.value, trained=trained)]
    if isinstance(node, nodes.Concat):
        parts = [_ops(one, columns, trained) for one in node.nodes]
        return None if any(part is None for part in parts) else [op for part in parts if part for op in part]
    column = column_of(node, columns)
    if column is not None:
        return [Op(column=column, trained=trained)]
    special = special_of(node)
    if special is not None:
        return [Op(special=special, trained=trained)]
    if isinstance(node, nodes.Call) and _called(node) == "lang_token" and _plain(node):
        label, *more = node.args
        column, convention = column_of(label, columns), _strings(more)
        if column is not None and convention is not None and len(convention) <= 1:
            return [Op(column=column, special=Special(LANGUAGE, "", *convention), trained=trained)]
    if isinstance(node, nodes.Filter) and node.name == "lines_to" and node.node is not None and _plain(node):
        column, ends = column_of(node.node, columns), [special_of(one) for one in node.args]
        if column is not None and len(ends) == 1 and ends[0] is not None:
            return [Op(column=column, special=ends[0], trained=trained)]
    return None


def column_of(node: nodes.Node, columns: Collection[str]) -> str | None:
    """The column that an expression is: its name, or row["its name"]."""
    if isinstance(node, nodes.Name) and node.name in columns:
        return node.name
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name) and node.node.name == "row":
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return key if isinstance(key, str) else None
    return None


def special_of(node: nodes.Node) -> Special | None:
    """The special token that an expression is: `eos`, or special("<2eng_Latn>")."""
    if isinstance(node, nodes.Name) and node.name in ROLES:
        return Special(ROLE, node.name)
    if isinstance(node, nodes.Call) and _called(node) == "special":
        names = _strings(node.args) if _plain(node) else None
        if names is not None and len(names) == 1:
            return Special(TOKEN, names[0])
    return None


def _called(node: nodes.Call) -> str | None:
    return node.node.name if isinstance(node.node, nodes.Name) else None


def _plain(node: nodes.Call | nodes.Filter) -> bool:
    return bool(node.args or isinstance(node, nodes.Filter)) and not (node.kwargs or node.dyn_args or node.dyn_kwargs)


def _strings(given: Sequence[nodes.Node]) -> list[str] | None:
    values = [one.value for one in given if isinstance(one, nodes.Const) and isinstance(one.value, str)]
    return values if len(values) == len(given) else None


def fits(ops: Sequence[Op], schema: pa.Schema) -> bool:
    """Whether the columns are text or whole numbers, which Arrow writes as Jinja does."""
    return all(_is_plain(schema.field(op.column).type) for op in ops if op.column is not None)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind))


def fill(ops: Sequence[Op], batch: pa.RecordBatch) -> Rendered:
    """The pieces of a batch whose columns are as `fits` says."""
    trains = any(op.trained for op in ops)
    names: list[Special] = []
    parts: list[_Part] = []
    failed: dict[int, Failure] = {}
    for group in _grouped(ops):
        special = group[0].special
        if special is None:
            parts.append(_Part.of_texts(_joined(group, batch), trained=group[0].trained))
        elif group[0].column is None:
            parts.append(_Part.of_specials(np.full(batch.num_rows, len(names), dtype=np.int32), group[0].trained))
            names.append(special)
        elif special.kind == LANGUAGE:
            labels = _text(batch.column(group[0].column))
            encoded = pc.fill_null(labels, "").dictionary_encode()
            numbers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32) + np.int32(len(names))
            known = encoded.dictionary.to_pylist()
            names += [Special(LANGUAGE, label, special.convention) for label in known]
            if "" in known:
                for row in np.flatnonzero(np.asarray(pc.equal(pc.fill_null(labels, ""), ""))).tolist():
                    failed.setdefault(row, Failure(row, FAILED, NO_LABEL))
            parts.append(_Part.of_specials(numbers, group[0].trained))
        else:
            parts.append(_Part.of_lines(_text(batch.column(group[0].column)), len(names), group[0].trained))
            names.append(special)
    pieces = _together(parts, batch.num_rows, trains=trains)
    if failed:
        pieces = without_rows(pieces, np.array(sorted(failed), dtype=np.int64))
    return Rendered(pieces, names, [failed[row] for row in sorted(failed)])


def _grouped(ops: Sequence[Op]) -> list[list[Op]]:
    """Literals and columns that follow one another, and are trained on alike, are one text."""
    groups: list[list[Op]] = []
    for op in ops:
        if op.is_text and groups and groups[-1][0].is_text and groups[-1][0].trained == op.trained:
            groups[-1].append(op)
        else:
            groups.append([op])
    return groups


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if pa.types.is_large_string(column.type) else column.cast(pa.string())


def _joined(ops: Sequence[Op], batch: pa.RecordBatch) -> pa.Array:
    parts = [
        pa.scalar(op.literal) if op.column is None else pc.fill_null(_text(batch.column(op.column)), "") for op in ops
    ]
    if not any(isinstance(part, pa.Array) for part in parts):
        return pa.repeat(pa.scalar("".join(op.literal for op in ops)), batch.num_rows)
    if any(isinstance(part, pa.Array) and pa.types.is_large_string(part.type) for part in parts):
        parts = [part.cast(pa.large_string()) for part in parts]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, pa.scalar("", parts[0].type))


@dataclass(frozen=True)
class _Part:
    """Pieces of one operation: texts (string[n]), specials (int32[n]), and int64[rows], how many each row has."""

    texts: pa.Array
    specials: np.ndarray
    counts: np.ndarray
    trained: bool

    @classmethod
    def of_texts(cls, texts: pa.Array, *, trained: bool) -> _Part:
        count = len(texts)
        return cls(texts, np.full(count, TEXT, dtype=np.int32), np.ones(count, dtype=np.int64), trained)

    @classmethod
    def of_specials(cls, numbers: np.ndarray, trained: bool) -> _Part:
        texts = pa.repeat(pa.scalar("", pa.string()), len(numbers))
        return cls(texts, numbers, np.ones(len(numbers), dtype=np.int64), trained)

    @classmethod
    def of_lines(cls, texts: pa.Array, special: int, trained: bool) -> _Part:
        """Lines, and the special token after each but the last."""
        lines = pc.split_pattern_regex(pc.fill_null(texts, ""), r"\r?\n")
        counts = lines.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
        flat = lines.flatten()
        ends = offsets_of(counts)
        places = np.arange(len(flat), dtype=np.int64) * 2 - rows_of(ends)  # a row of k lines has 2 k - 1 pieces
        total = 2 * len(flat) - len(counts)
        source = np.full(total, len(flat), dtype=np.int64)
        source[places] = np.arange(len(flat))
        given = pa.concat_arrays([flat, pa.array([""], flat.type)])
        specials = np.where(source == len(flat), special, TEXT).astype(np.int32)
        return cls(given.take(pa.array(source)), specials, 2 * counts - 1, trained)


def _together(parts: Sequence[_Part], rows: int, *, trains: bool) -> Pieces:
    """The pieces of all operations, row by row."""
    if len(parts) == 1:
        (part,) = parts
        trained = np.full(len(part.specials), part.trained, dtype=bool) if trains else None
        return Pieces(part.texts, part.specials, offsets_of(part.counts), trained)
    counts = np.stack([part.counts for part in parts]) if parts else np.zeros((1, rows), dtype=np.int64)
    offsets = offsets_of(counts.sum(axis=0))
    begins = offsets[:-1] + np.cumsum(counts, axis=0) - counts
    places = [ranges(begin, count) for begin, count in zip(begins, counts, strict=True)]
    order = np.empty(int(offsets[-1]), dtype=np.int64)
    order[np.concatenate(places)] = np.arange(len(order))
    if not parts:
        return Pieces(pa.array([], pa.string()), np.zeros(0, dtype=np.int32), offsets, None)
    wide = any(pa.types.is_large_string(part.texts.type) for part in parts)
    texts = pa.concat_arrays([part.texts.cast(pa.large_string() if wide else pa.string()) for part in parts])
    trained = np.concatenate([np.full(len(part.specials), part.trained) for part in parts])
    return Pieces(
        texts.take(pa.array(order)),
        np.concatenate([part.specials for part in parts])[order],
        offsets,
        trained[order] if trains else None,
    )
