"""Rows as they go into a mix: the text that was counted, and all columns of all inputs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import free_name, put_columns
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import Feature, features_of, renamed
from xlcorpus.dataset.kinds import CODESWITCH, DOCUMENT, MARKS, PAIR, TRANSLICO, is_mix, rows_of_kind
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.united import Fits, can_hold, united_schema
from xlcorpus.mix.templated import template_for
from xlcorpus.mix.texts import LATIN, ORIGINAL, SWAPPED, texts_of
from xlcorpus.pairs.swap import other_side, swapped_schema, with_both_sides
from xlcorpus.tags.columns import label_columns

# Columns that are not copied: romanised texts of documents, which are in `text` or are not; of the original, beside
# a switched text, they would be taken for those of `text`.
_LEFT_OUT = {DOCUMENT: ("text_latn", "text_ipa"), CODESWITCH: ("text_latn", "text_ipa")}
_OURS = ("text", "lang", "kind")
MIX_FIELDS = (
    pa.field("mix_class", pa.string()),
    pa.field("mix_epoch", pa.int32()),
    pa.field("mix_units", pa.int64()),
)


@dataclass(frozen=True)
class Form:
    """What the rows of a mix are made in: the schemas of its inputs, and whether pairs are swapped."""

    kinds: tuple[str, ...]
    swaps: bool = False

    @functools.cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The columns of these kinds, of documents and of code-switched ones, in their types."""
        shapes = dict.fromkeys((CODESWITCH, DOCUMENT, *self.kinds))
        return {field.name: field.type for shape in shapes for field in load_schema(shape).arrow}

    @functools.cached_property
    def marks(self) -> frozenset[str]:
        """The columns that tell kinds of rows apart in a mix of several."""
        return frozenset(name for kind in self.kinds for name in MARKS.get(kind, ()))

    def of(self, schema: str, arrow: pa.Schema) -> pa.Schema:
        """The columns of a dataset with those of the other side, where its pairs may be swapped."""
        return swapped_schema(arrow) if self.swaps and schema == PAIR else arrow


def _kept(schema: str, arrow: pa.Schema, form: Form) -> dict[str, pa.Field]:
    """Columns that are copied, by their name in the dataset, as they are in a mix (`mixed_schema`)."""
    own = load_schema(schema).names
    left_out = () if _holds_romanised(schema, arrow) else _LEFT_OUT.get(schema, ())
    kept, taken = {}, {*arrow.names, *_OURS}
    for field in arrow:
        name = field.name
        if name in (*left_out, *_OURS):
            continue
        # Of documents that are no mix, src is nothing of ours; beside pairs it would make pairs of them.
        foreign = schema == DOCUMENT and not is_mix(arrow.names) and name in form.marks
        others = {} if name in own else form.types
        if foreign or field.type not in (others.get(name, field.type), pa.null()):
            name = free_name(name, taken)
            taken.add(name)
        kept[field.name] = field.with_name(name)
    return kept


def _holds_romanised(schema: str, arrow: pa.Schema) -> bool:
    """Whether the romanised texts of a dataset of documents may be those of TransliCo pairs: of a mix of several
    kinds."""
    return schema == DOCUMENT and is_mix(arrow.names) and set(MARKS[TRANSLICO]) <= set(arrow.names)


def mixed_schema(schema: str, arrow: pa.Schema, form: Form | None = None) -> pa.Schema:
    """The columns that rows of a dataset have in a mix: its own, and the text that was counted.

    A column that bears a name of the rows of this mix in another type is `input_NAME`, as of ingest.
    """
    form = form or Form((schema,))
    kept = _kept(schema, form.of(schema, arrow), form)
    return pa.schema([*kept.values(), *(pa.field(name, pa.string()) for name in _OURS)])


def mixed_rows(
    batch: pa.RecordBatch, schema: str, variant: int, template: str, form: Form | None = None
) -> pa.RecordBatch:
    """Rows as they go into a mix (`mixed_schema`): the text that was counted, lang and kind. All have the variant."""
    form = form or Form((schema,))
    if form.swaps and schema == PAIR:
        batch = with_both_sides(batch, swapped=variant == SWAPPED)
        variant = ORIGINAL
    found = texts_of(batch, schema, variant, template, domain=False)
    if variant == LATIN or (schema != PAIR and template_for(template, schema, batch.schema.names) is not None):
        batch = _without_labels(batch)
    if len(found.text) != batch.num_rows:
        raise AssertionError("a row without the variant was chosen")
    kept = batch.select(list(_kept(schema, batch.schema, form)))
    # Of a sentence and its romanisation both count, and stand in columns of their own.
    own = schema == TRANSLICO or _holds_romanised(schema, batch.schema)
    lang = pc.if_else(pc.equal(found.lang, ""), pa.scalar(None, pa.string()), found.lang)
    columns = [*kept.columns, batch.column("text") if own and variant == ORIGINAL else found.text, lang, found.kind]
    made = pa.RecordBatch.from_arrays(columns, names=[*kept.schema.names, *_OURS])
    if _holds_romanised(schema, batch.schema):
        place, pairs = made.schema.get_field_index("text_latn"), rows_of_kind(batch, schema, TRANSLICO)
        made = made.set_column(
            place, "text_latn", pc.if_else(pa.array(pairs), made.column(place), pa.scalar(None, pa.string()))
        )
    schema_made = mixed_schema(schema, batch.schema, replace(form, swaps=False))
    return pa.RecordBatch.from_arrays(made.columns, schema=schema_made)


def _without_labels(batch: pa.RecordBatch) -> pa.RecordBatch:
    """With null for the labels of words: the text that is made here has other words, at other places."""
    names = label_columns(batch.schema).all
    return put_columns(batch, {name: pa.nulls(batch.num_rows, batch.schema.field(name).type) for name in names})


def form_of(inputs: Sequence[Dataset], *, swaps: bool = False) -> Form:
    """The form of a mix of these datasets."""
    return Form(tuple(dict.fromkeys(one.manifest.schema_name for one in inputs)), swaps)


def columns_of_all(inputs: Sequence[Dataset], form: Form) -> pa.Schema:
    """`unite_schemas` of datasets; where a column is of several types their values are looked at."""

    def fits(name: str, number: int, kind: pa.DataType) -> bool:
        one = inputs[number]
        columns = one.manifest.arrow_schema
        kept = _kept(one.manifest.schema_name, form.of(one.manifest.schema_name, columns), form)
        own = next(own for own, field in kept.items() if field.name == name)
        read = [each for each in {own, other_side(own) if form.swaps else own} if each in columns.names]
        return all(can_hold(values, kind) for batch in one.batches(read) for values in batch.columns)

    return unite_schemas([(one.manifest.schema_name, one.manifest.arrow_schema) for one in inputs], fits, form)


def features_in_mix(inputs: Sequence[Dataset], form: Form) -> tuple[dict[str, Feature], list[str]]:
    """`features_of` the inputs by the names that columns have in the mix, with those of the other side."""
    schemas = []
    for one in inputs:
        arrow = form.of(one.manifest.schema_name, one.manifest.arrow_schema)
        kept = _kept(one.manifest.schema_name, arrow, form)
        said = renamed(arrow.metadata, ((before, field.name) for before, field in kept.items()))
        schemas.append(pa.schema(kept.values(), metadata=said))
    return features_of(schemas)


def unite_schemas(
    schemas: Sequence[tuple[str, pa.Schema]], fits: Fits | None = None, form: Form | None = None
) -> pa.Schema:
    """All columns of the rows of several datasets (name of the schema, columns) as they go into a mix.

    See `united_schema`; doc_id and text first, without earlier mix_* columns.
    """
    form = form or Form(tuple(dict.fromkeys(name for name, _ in schemas)))
    ours = {field.name for field in MIX_FIELDS}
    mixed = [mixed_schema(name, schema, form) for name, schema in schemas]
    united = united_schema([pa.schema([one for one in schema if one.name not in ours]) for schema in mixed], fits)
    first = ("doc_id", "text", "lang", "kind")
    return pa.schema(sorted(united, key=lambda one: first.index(one.name) if one.name in first else len(first)))
