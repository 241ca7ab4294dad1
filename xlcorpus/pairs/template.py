"""How a sentence pair becomes one text: a template with the fields src, tgt, src_lang and tgt_lang."""

from __future__ import annotations

import string

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.errors import UserError

TEMPLATE = "{src}\n{tgt}"
FIELDS = ("src", "tgt", "src_lang", "tgt_lang")


def check_template(template: str) -> str:
    """The template of a pair, if it has src and tgt and nothing unknown; `\\n` and `\\t` are read as signs."""
    template = template.replace("\\n", "\n").replace("\\t", "\t")
    try:
        parts = [part[1:] for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise UserError(f"--template {template!r}: {error}", remedy=f"write {TEMPLATE!r}") from None
    fields = [str(name) for name, _, _ in parts]
    # `{src!r}` and `{src:>9}` are no fields of ours either: a text goes in as it is.
    unknown = [
        f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
        for name, form, conversion in parts
        if name not in FIELDS or form or conversion
    ]
    if unknown or not {"src", "tgt"} <= set(fields):
        raise UserError(
            f"--template {template!r}: " + (f"there is no field {unknown[0]!r}" if unknown else "it lacks src or tgt"),
            remedy=f"write for example '[{{src_lang}}]: {{src}}\\n[{{tgt_lang}}]: {{tgt}}' with {', '.join(FIELDS)}",
        )
    return template


def render(batch: pa.RecordBatch, template: str) -> pa.Array:
    """string[rows]: sentence pairs as text, by the template (`check_template`)."""
    parts: list[pa.Array | pa.Scalar] = []
    for literal, name, _, _ in string.Formatter().parse(template):
        if literal:
            parts.append(pa.scalar(literal))
        if name is not None:
            parts.append(text_or_empty(batch, name))
    return pc.binary_join_element_wise(*parts, "")
