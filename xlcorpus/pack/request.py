"""What is asked of pack against what the input holds: refused before any work, with the way out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from xlcorpus.errors import UserError, nearest
from xlcorpus.pack.views import VIEWS

DOCUMENT, PAIR, RESTORE, TRANSLICO = "document", "pair", "restore", "translico"  # names of schemas
READS = {None: DOCUMENT, "translico": TRANSLICO, "restore": RESTORE, "bitext": PAIR, "tlm": PAIR, "triples": DOCUMENT}
_MADE_BY = {
    DOCUMENT: "give a dataset of documents",
    PAIR: "make pairs with `xlcorpus ingest --kind pairs`",
    RESTORE: "make restore rows with `xlcorpus codeswitch --view restore`",
    TRANSLICO: "make sentence pairs with `xlcorpus romanize --view translico`",
}


def check_input(folder: Path, kind: str, columns: Collection[str], view: str | None, by_language: str | None) -> None:
    """Raise UserError where packs, or the view, are not made of a dataset with this schema and these columns.

    by_language: the option that needs the column lang, if one does.
    """
    wanted, what = READS[view], f"--view {view} is" if view else "packs are"
    if kind != wanted:
        fitting = [f"--view {name}" for name, reads in READS.items() if name and reads == kind and name != "triples"]
        instead = f"give {' or '.join(fitting)}" if fitting else "leave out --view for packs of documents"
        raise UserError(
            f"{folder} holds rows of the kind {kind!r}; {what} made of the kind {wanted!r}",
            remedy=f"{_MADE_BY[wanted]}, or {instead}",
        )
    for side in VIEWS[view].sides if view else ("text",):
        if side not in columns:
            raise UserError(
                f"{what} made of the columns {', '.join(VIEWS[view].sides) if view else 'text'}; {folder} has no "
                f"{side!r} ({nearest(side, columns)})",
                remedy="ingest files that have these columns besides the one that becomes the text (--text-column)",
            )
    if by_language and "lang" not in columns:
        raise UserError(
            f"{by_language} goes by language, and {folder} has no column 'lang'", remedy="run `xlcorpus identify` first"
        )


def check_unused(values: Mapping[str, Any], defaults: Mapping[str, Any], where: str, remedy: str) -> None:
    """Raise UserError for an option that is not at its default although it means nothing for `where`."""
    for name, value in values.items():
        if value != defaults[name]:
            raise UserError(f"--{name.replace('_', '-')} means nothing for {where}", remedy=remedy)
