"""Sentence pairs the other way round: both sides exchanged, with all that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xlcorpus.dataset.columns import column_or_null, text_or_empty
from xlcorpus.dataset.features import renamed, said_in
from xlcorpus.dataset.united import nullable
from xlcorpus.errors import UserError
from xlcorpus.text.draws import id_halves
from xlcorpus.text.labels import encode_pairs, normalize_label, same_language
from xlcorpus.text.ragged import offsets_of, rows_of

SWAPPED = "swapped"  # column: true where the sides of the row are exchanged
AS_IS, TURNED, BOTH, INTO, FROM = "as-is", "swapped", "both", "into", "from"
_SRC, _TGT = "src", "tgt"
_OR_AS_IS = "rename one of them in the input, or use the pairs as they are (--directions as-is)"
_TURN = np.frombuffer(xxhash.xxh3_128_digest(b"swapped sides"), dtype=np.uint64)


@dataclass(frozen=True)
class Directions:
    """Which way round pairs are used. way: as-is, swapped, both, into or from; label: the language of the last two."""

    way: str = AS_IS
    label: str = ""

    @classmethod
    def parse(cls, text: str) -> Directions:
        """as-is, swapped, both, into=eng_Latn or from=eng_Latn; raises UserError for anything else."""
        way, equals, label = text.partition("=")
        if way in (AS_IS, TURNED, BOTH) and not equals:
            return cls(way)
        if way in (INTO, FROM) and label:
            return cls(way, normalize_label(label) if "_" in label else label)
        raise UserError(
            f"--directions {text!r} is no way to use pairs",
            remedy="give as-is, swapped, both, into=eng_Latn (the language to translate into) or from=eng_Latn",
        )

    @property
    def swaps(self) -> bool:
        """Whether rows are turned at all."""
        return self.way != AS_IS

    def rows(self, batch: pa.RecordBatch, *, swapped: bool) -> np.ndarray:
        """bool[rows]: the pairs that are used as they are, or swapped; with `both` each is in both.

        into, from: a pair that has the language on the other side alone is swapped; one without it stays as it is.
        """
        if self.way not in (INTO, FROM):
            return np.full(batch.num_rows, self.way == BOTH or swapped == (self.way == TURNED))
        langs = [text_or_empty(batch, name) for name in ("src_lang", "tgt_lang")]
        pairs, numbers = encode_pairs(*(langs if self.way == INTO else reversed(langs)))
        turned = [same_language(one, self.label) and not same_language(other, self.label) for one, other in pairs]
        found: np.ndarray = np.array(turned, dtype=bool)[numbers] == swapped
        return found


def other_side(name: str) -> str:
    """The column of the other side: tgt of src, tgt_lang of src_lang; any other name as it is."""
    for one, two in ((_SRC, _TGT), (_TGT, _SRC)):
        if name == one or name.startswith(f"{one}_"):
            return two + name.removeprefix(one)
    return name


def swapped_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of pairs of which some may be swapped: each side has those of the other, and there is `swapped`.

    Raises UserError where a column of one side is of another type than the other side's, or other things are said of it
    (`dataset.features`): names of classes.
    """
    fields, said = list(schema), said_in(schema.metadata)
    for field in schema:
        other = schema.get_field_index(other_side(field.name))
        if other < 0:
            at = schema.get_field_index(field.name)  # null in rows that are the other way round
            fields[at] = field.with_type(nullable(field.type))
            fields.append(fields[at].with_name(other_side(field.name)))
        elif schema.field(other).type != field.type:
            raise UserError(
                f"the sides cannot be exchanged: column {field.name!r} is {field.type}, "
                f"{schema.field(other).name!r} {schema.field(other).type}",
                remedy=_OR_AS_IS,
            )
        elif said.get(field.name) != said.get(other_side(field.name)):
            raise UserError(
                f"the sides cannot be exchanged: column {field.name!r} is {said.get(field.name, 'plain')} to Hugging "
                f"Face's datasets, {other_side(field.name)!r} {said.get(other_side(field.name), 'plain')}",
                remedy=_OR_AS_IS,
            )
    if SWAPPED not in schema.names:
        fields.append(pa.field(SWAPPED, pa.bool_()))
    elif schema.field(SWAPPED).type != pa.bool_():
        raise UserError(
            f"column {SWAPPED!r} is {schema.field(SWAPPED).type}; here it says whether the sides were exchanged",
            remedy="rename it in the input",
        )
    there = [(name, name) for name in schema.names]
    said_of_both = renamed(schema.metadata, [*((name, other_side(name)) for name in schema.names), *there])
    return pa.schema(fields, metadata=said_of_both or None)


def with_both_sides(batch: pa.RecordBatch, *, swapped: bool) -> pa.RecordBatch:
    """The pairs in the columns of `swapped_schema`, as they are or with their sides exchanged.

    swapped: each column src, src_NAME becomes tgt, tgt_NAME and the other way round; align places tokens the other way
    round, sorted; `swapped` is what it was not; doc_id is one of its own, from which another swap gives the first one.
    """
    schema = swapped_schema(batch.schema)
    was = pc.fill_null(column_or_null(batch, SWAPPED, pa.bool_()), False)
    columns = []
    for field in schema:
        source = other_side(field.name) if swapped else field.name
        if field.name == SWAPPED:
            columns.append(pc.invert(was) if swapped else was)
            continue
        values = column_or_null(batch, source, field.type).cast(field.type)
        if swapped and field.name == "doc_id":
            values = turned_ids(values)
        elif swapped and field.name == "align":
            values = _turned_alignment(values)
        columns.append(values)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def ids_before_swaps(batch: pa.RecordBatch) -> pa.Array:
    """binary[16][rows]: the doc_id that each row had before its sides were exchanged (`swapped`)."""
    ids = batch.column("doc_id")
    return pc.if_else(pc.fill_null(batch.column(SWAPPED), False), turned_ids(ids), ids)


def turned_ids(ids: pa.Array) -> pa.Array:
    """binary[16][rows]: the doc_ids that pairs have once their sides are exchanged; applied twice, as they were."""
    turned = id_halves(ids) ^ _TURN
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(ids), [None, pa.py_buffer(turned.tobytes())])


def _turned_alignment(align: pa.Array) -> pa.Array:
    """list<struct<src, tgt>>[rows]: the same links seen from the other side, sorted."""
    links = align.flatten()
    src, tgt = (pc.struct_field(links, name).to_numpy(zero_copy_only=False) for name in (_SRC, _TGT))
    sizes = pc.fill_null(pc.list_value_length(align), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = offsets_of(sizes)
    order = np.lexsort((src, tgt, rows_of(offsets)))
    fields = list(links.type)
    sides = [pa.array(tgt[order], fields[0].type), pa.array(src[order], fields[1].type)]
    turned = pa.StructArray.from_arrays(sides, fields=fields)
    bounds = pa.array(offsets.astype(np.int32))
    return pa.ListArray.from_arrays(bounds, turned, type=align.type, mask=pc.is_null(align))
