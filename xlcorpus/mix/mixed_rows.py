"""Rows as they go into a mix: the text that was counted, and all columns of all inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import free_name
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.united import can_hold, in_type, united_field
from xlcorpus.mix.texts import CODESWITCH, DOCUMENT, PAIR, texts_of

# Columns that are not copied: their text is in `text`, or they place words in one that is not.
_LEFT_OUT = {
    DOCUMENT: ("text_latn", "text_ipa"),
    PAIR: ("align",),
    CODESWITCH: ("cs_source", "cs_target", "cs_spans", "text_latn", "text_ipa"),  # the last two are of the original
}
_OURS = ("text", "lang", "kind")
MIX_FIELDS = (
    pa.field("mix_class", pa.string()),
    pa.field("mix_epoch", pa.int32()),
    pa.field("mix_units", pa.int64()),
)


@functools.cache
def _types_in_mixes(schema: str) -> dict[str, pa.DataType]:
    """The columns of documents, plain or code-switched, that rows of a dataset of this schema may have in a mix."""
    shapes = (CODESWITCH,) if schema == DOCUMENT else (CODESWITCH, DOCUMENT)
    return {field.name: field.type for shape in shapes for field in load_schema(shape).arrow}


def _kept(schema: str, arrow: pa.Schema) -> dict[str, pa.Field]:
    """Columns that are copied, by their name in the dataset, as they are in a mix (`mixed_schema`)."""
    ours = _types_in_mixes(schema)
    kept, taken = {}, {*arrow.names, *_OURS}
    for field in arrow:
        if field.name in (*_LEFT_OUT[schema], *_OURS):
            continue
        name = field.name
        if field.type not in (ours.get(name, field.type), pa.null()):
            name = free_name(name, taken)
            taken.add(name)
        kept[field.name] = field.with_name(name)
    return kept


def mixed_schema(schema: str, arrow: pa.Schema) -> pa.Schema:
    """The columns that rows of a dataset have in a mix: its own, but for texts that become `text`.

    A mix is of documents, some of them code-switched: a column that bears a name of theirs in another type is
    `input_NAME`, as of ingest.
    """
    return pa.schema([*_kept(schema, arrow).values(), *(pa.field(name, pa.string()) for name in _OURS)])


def mixed_rows(batch: pa.RecordBatch, schema: str, variant: int, template: str) -> pa.RecordBatch:
    """Rows as they go into a mix (`mixed_schema`): the text that was counted, lang and kind. All have the variant."""
    found = texts_of(batch, schema, variant, template, domain=False)
    if len(found.text) != batch.num_rows:
        raise AssertionError("a row without the variant was chosen")
    kept = batch.select(list(_kept(schema, batch.schema)))
    lang = pc.if_else(pc.equal(found.lang, ""), pa.scalar(None, pa.string()), found.lang)
    columns = [*kept.columns, found.text, lang, found.kind]
    return pa.RecordBatch.from_arrays(columns, schema=mixed_schema(schema, batch.schema))


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly the columns of `schema`, in its order and types (`in_type`); missing ones are null."""
    columns = []
    for field in schema:
        own = batch.schema.get_field_index(field.name)
        missing = pa.nulls(batch.num_rows, field.type)
        columns.append(missing if own < 0 else in_type(batch.column(own), batch.schema.field(own), field))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def columns_of_all(inputs: Sequence[Dataset]) -> pa.Schema:
    """`unite_schemas` of datasets; where a column is of several types their values are looked at."""

    def fits(name: str, number: int, kind: pa.DataType) -> bool:
        one = inputs[number]
        kept = _kept(one.manifest.schema_name, one.manifest.arrow_schema)
        own = next(own for own, field in kept.items() if field.name == name)
        return all(can_hold(batch.column(own), kind) for batch in one.batches([own]))

    return unite_schemas([(one.manifest.schema_name, one.manifest.arrow_schema) for one in inputs], fits)


def unite_schemas(
    schemas: Sequence[tuple[str, pa.Schema]], fits: Callable[[str, int, pa.DataType], bool] | None = None
) -> pa.Schema:
    """All columns of the rows of several datasets (name of the schema, columns) as they go into a mix.

    In order of first appearance, doc_id and text first, without earlier mix_* columns; each of the type that
    `united_field` says. fits: whether the values of a column can be cast without loss, in the dataset of a number.
    Nulls stand where a dataset lacks a column, even one that another dataset says is never null.
    """
    fields: dict[str, dict[int, pa.Field]] = {}
    ours = {field.name for field in MIX_FIELDS}
    for number, (name, schema) in enumerate(schemas):
        for field in mixed_schema(name, schema):
            if field.name not in ours:
                fields.setdefault(field.name, {})[number] = field
    first = ("doc_id", "text", "lang", "kind")
    united = []
    for name in sorted(fields, key=lambda name: first.index(name) if name in first else len(first)):
        united.append(united_field(fields[name], fits and functools.partial(fits, name)))
    return pa.schema(united)
