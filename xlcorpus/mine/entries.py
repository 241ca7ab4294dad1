"""Entries of dictionaries from one language of a pair into the other."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.storage import Location
from xlcorpus.lexicon.dictionaries import read_entries
from xlcorpus.lexicon.entries import is_multiword, one_array
from xlcorpus.mine.language_pair import LanguagePair


def entries_of(paths: Sequence[Location], pair: LanguagePair) -> pa.Table:
    """The entries (lexicon-2) of dictionaries from the source language into the target language; raises UserError."""
    return read_entries(paths, src=pair.src, tgt=pair.tgt).table


def single_words(entries: pa.Table) -> pa.Table:
    """Entries with one word on both sides."""
    return entries.filter(
        pc.invert(pc.or_(one_array(is_multiword(entries["src"])), one_array(is_multiword(entries["tgt"]))))
    )
