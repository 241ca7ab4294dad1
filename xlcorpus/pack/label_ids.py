"""Numbers of the tags of token classification, and what is known of the tags of a shard before they are numbered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.layout import LABELS_FILE
from xlcorpus.dataset.storage import Location, read_text
from xlcorpus.errors import UserError, nearest
from xlcorpus.tags.columns import LabelColumns
from xlcorpus.tags.schemes import OUTSIDE, STYLES, named_tags, split_tag, style_of
from xlcorpus.tags.spans import label_field

IGNORED = -100  # no loss at such a token: what torch's cross entropy, and so transformers, pass over


@dataclass(frozen=True)
class LabelIds:
    """Tags by their numbers 0, 1, 2, ...; style: how spans are written (a name of `schemes.STYLES`)."""

    names: tuple[str, ...]
    style: str = "iob2"

    @classmethod
    def build(cls, tags: Iterable[str], scheme: str | None = None, base: LabelIds | None = None) -> LabelIds:
        """Numbers for all that tokens with these tags can have: O first, then by label, then labels of tokens.

        scheme: of spans, else that of the tags. base: its tags keep their numbers, what is new follows. Digits (tags
        that were numbers without names) keep their values.
        """
        found = set(tags)
        # Of I alone nobody can say whether it is IOB1, where B is for a span that touches another one.
        style = scheme or (base.style if base else style_of([*found, "B-"]))
        parts = [split_tag(tag) for tag in sorted(found)]
        labels = sorted({label for prefix, label in parts if prefix not in ("", OUTSIDE)})
        flat = sorted(label for prefix, label in parts if not prefix)
        if flat and not labels and all(label.isdecimal() for label in flat):
            flat = [str(number) for number in range(max(map(int, flat)) + 1)]
        letters = list(dict.fromkeys(STYLES[style]))
        names = [OUTSIDE] if labels or OUTSIDE in found else []
        names += [f"{letter}-{label}" for label in labels for letter in letters]
        known = base.names if base else ()
        return cls((*known, *(name for name in [*names, *flat] if name not in known)), style)

    @property
    def with_outside(self) -> bool:
        """Whether tokens outside of all spans have a tag."""
        return OUTSIDE in self.names

    def files(self) -> dict[str, str]:
        """The content of labels.json."""
        table = {name: number for number, name in enumerate(self.names)}
        return {LABELS_FILE: json.dumps(table, ensure_ascii=False, indent=1) + "\n"}

    def number(self, tags: pa.Array) -> np.ndarray:
        """int32[n]: numbers of tags (string[n]), IGNORED for null; raises UserError for a tag without a number."""
        codes = tags.dictionary_encode()
        table = {name: number for number, name in enumerate(self.names)}
        numbers = []
        for tag in codes.dictionary.to_pylist():
            prefix, label = split_tag(tag)
            if tag not in table and prefix == "I":  # of a label whose spans had one token each
                tag = f"B-{label}" if f"B-{label}" in table else tag
            if tag not in table:
                raise UserError(
                    f"the tag {tag!r} has no number in {LABELS_FILE} ({nearest(tag, table)})",
                    remedy="leave out --label-ids, or give a dataset that has all tags",
                )
            numbers.append(table[tag])
        at = pc.fill_null(codes.indices.cast(pa.int64()), len(numbers)).to_numpy(zero_copy_only=False)
        found: np.ndarray = np.array([*numbers, IGNORED], dtype=np.int32)[at]
        return found


def tags_in(batch: pa.RecordBatch, column: str, columns: LabelColumns) -> set[str]:
    """The tags of a column as they are; of spans B- with their labels, and O."""
    values = batch.column(column)
    if column in columns.spans:
        field = label_field(values.type)
        if field is None:
            return {OUTSIDE, "B-"}
        labels = pc.unique(pc.struct_field(pc.list_flatten(values), field)).to_pylist()
        return {OUTSIDE, *(f"B-{label or ''}" for label in labels)}
    tags, _ = named_tags(values, columns.names.get(column))
    return {tag for tag in pc.unique(pc.list_flatten(tags)).to_pylist() if tag not in (None, "", "_")}


def ids_for(
    tags: Iterable[str], names: Sequence[tuple[str, ...]], scheme: str | None, base: LabelIds | None
) -> LabelIds:
    """Numbers for a run. names: those of the inputs' class labels; where all are alike, they are kept."""
    given = set(names)
    if base is None and scheme is None and len(given) == 1 and (own := given.pop()):
        return LabelIds(own, style_of(own))
    return LabelIds.build(tags, scheme, base)


def load_label_ids(folder: Location) -> LabelIds:
    """The numbers of a packed dataset; raises UserError where it has none, naming the file."""
    path = folder / LABELS_FILE
    try:
        table: Mapping[str, int] = json.loads(read_text(path))
        names = tuple(sorted(table, key=lambda name: table[name]))
        whole = [table[name] for name in names] == list(range(len(names)))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read: {error}", remedy="name the output of `xlcorpus pack --view labels`"
        ) from error
    if not whole:
        raise UserError(f"{path} does not number tags 0, 1, 2, ...", remedy="take the file that pack wrote, unaltered")
    return LabelIds(names, style_of(names))
