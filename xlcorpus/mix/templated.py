"""Which rows of a mix a template makes the text of, and what they count for with the special tokens that it names."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import SIDES
from xlcorpus.templates.chat import CHAT, ChatTemplate, chat_template_of, columns_of_chat
from xlcorpus.templates.rendered import Rendered
from xlcorpus.templates.specials import special_ids_of
from xlcorpus.templates.template import Template, name_of_row, parse
from xlcorpus.tokenizer.pieces import with_around
from xlcorpus.tokenizer.template import Ids

PAIRS = "{src}\n{tgt}"  # of sentence pairs, where nothing else is asked for


def template_for(given: str, schema: str, names: Collection[str]) -> Template | None:
    """The template that the text of these rows is made by; None: their own text.

    One that writes src or tgt is for sentence pairs, another one for all rows that have its columns.
    """
    if given != CHAT:
        template = parse(given)
        of_pairs = any(side in template.columns for side in SIDES)
        if of_pairs == (schema == PAIR) and set(template.columns) <= set(names):
            return template
    return parse(PAIRS) if schema == PAIR else None


def columns_of(given: str, schema: str, names: Collection[str]) -> list[str]:
    """The columns that a template needs of these rows."""
    template = template_for(given, schema, names)
    return [*(columns_of_chat(names) if given == CHAT else []), *([] if template is None else template.wanted(names))]


def texts_by(template: Template, batch: pa.RecordBatch) -> pa.Array:
    """string[rows]: the texts, without special tokens. Raises UserError naming the row for which it fails."""
    return _checked(template.render(batch), batch).texts().cast(pa.string())


def tokens_by(
    given: str, schema: str, batch: pa.RecordBatch, tokenizer: str, around: tuple[Ids, Ids]
) -> np.ndarray | None:
    """int64[rows]: tokens of each row as `pack --template` makes them, 0 of a row that it leaves; None: those of the
    text, which has no special tokens of its own. around: as options have it; of a chat nothing unless it is asked for.
    """
    template: Template | ChatTemplate | None = template_for(given, schema, batch.schema.names)
    if given == CHAT:
        template = chat_template_of(tokenizer)
        if not template.wanted(batch.schema.names):
            return None
    elif template is None or not template.names_specials:
        return None
    assert template is not None
    ids, fits = special_ids_of(tokenizer), template.fits(batch)
    batch = batch.filter(pa.array(fits))
    rendered = _checked(template.render(batch).with_ids(ids), batch)
    encoded = ids.encoder(template).encode_pieces(with_around(rendered.pieces, *around), as_row=given == CHAT)
    counts = np.zeros(len(fits), dtype=np.int64)
    counts[fits] = np.diff(encoded.offsets)
    return counts


def check_template(given: str, inputs: Sequence[Dataset], tokenizer: str | None) -> None:
    """Raise UserError where no input has the columns of a template, or the tokenizer lacks a token that it names."""
    if given == CHAT:
        template: Template | ChatTemplate = chat_template_of(str(tokenizer))
    else:
        template = parse(given)
    if given != PAIRS and inputs:
        known = [set(one.manifest.arrow_schema.names) for one in inputs]
        fitting = [all(name in names for name in template.columns) for names in known]
        if given == CHAT:
            fitting = [bool(template.wanted(names)) for names in known]
        for one, fits in zip(inputs, fitting, strict=True):
            if not fits and one.manifest.schema_name == PAIR and set(SIDES) & set(template.columns):
                template.check(one.manifest.arrow_schema, str(one.folder))
        if not any(fitting):
            nearest = max(range(len(inputs)), key=lambda at: len(known[at] & set(template.columns)))
            template.check(inputs[nearest].manifest.arrow_schema, str(inputs[nearest].folder))
    if tokenizer is not None:
        for special in template.specials:
            assert special_ids_of(tokenizer)[special] >= 0  # raises UserError


def _checked(rendered: Rendered, batch: pa.RecordBatch) -> Rendered:
    for one in rendered.failed:
        raise UserError(
            f"--template fails for {name_of_row(batch, one.row)}: {one.message}",
            remedy="mend the row or the template, or leave the row out before the mix",
        )
    return rendered
