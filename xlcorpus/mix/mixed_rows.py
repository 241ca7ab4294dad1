"""Rows as they go into a mix: the text that was counted, and all columns of all inputs."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
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


def mixed_schema(schema: str, arrow: pa.Schema) -> pa.Schema:
    """The columns that rows of a dataset have in a mix: its own, but for texts that become `text`."""
    kept = [field for field in arrow if field.name not in (*_LEFT_OUT[schema], *_OURS)]
    return pa.schema([*kept, *(pa.field(name, pa.string()) for name in _OURS)])


def mixed_rows(batch: pa.RecordBatch, schema: str, variant: int, template: str) -> pa.RecordBatch:
    """Rows as they go into a mix (`mixed_schema`): the text that was counted, lang and kind. All have the variant."""
    found = texts_of(batch, schema, variant, template, domain=False)
    if len(found.text) != batch.num_rows:
        raise AssertionError("a row without the variant was chosen")
    kept = batch.select([name for name in batch.schema.names if name not in (*_LEFT_OUT[schema], *_OURS)])
    lang = pc.if_else(pc.equal(found.lang, ""), pa.scalar(None, pa.string()), found.lang)
    columns = [*kept.columns, found.text, lang, found.kind]
    return pa.RecordBatch.from_arrays(columns, schema=mixed_schema(schema, batch.schema))


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly the columns of `schema`: missing ones are null, their order is the schema's."""
    columns = [column_or_null(batch, field.name, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def columns_of_all(inputs: Iterable[Dataset]) -> pa.Schema:
    """`unite_schemas` of datasets."""
    return unite_schemas((str(one.folder), one.manifest.schema_name, one.manifest.arrow_schema) for one in inputs)


def unite_schemas(schemas: Iterable[tuple[str, str, pa.Schema]]) -> pa.Schema:
    """All columns of the rows of several datasets (name, name of the schema, columns) as they go into a mix.

    In order of first appearance, doc_id and text first, without earlier mix_* columns.

    Raises UserError naming both datasets where a column has two types.
    """
    fields: dict[str, tuple[str, pa.Field]] = {}
    ours = {field.name for field in MIX_FIELDS}
    for where, name, schema in schemas:
        for field in mixed_schema(name, schema):
            if field.name in ours:
                continue
            known = fields.setdefault(field.name, (where, field))
            if known[1].type != field.type:
                raise UserError(
                    f"column {field.name!r} is {known[1].type} in {known[0]} and {field.type} in {where}",
                    remedy="rename or convert the column in one of the datasets before mixing them",
                )
    found = [field for _, field in fields.values()]
    first = ("doc_id", "text", "lang", "kind")
    found.sort(key=lambda field: first.index(field.name) if field.name in first else len(first))
    # Nulls stand where a dataset lacks a column, even one that another dataset says is never null.
    return pa.schema([field.remove_metadata().with_nullable(True) for field in found])
