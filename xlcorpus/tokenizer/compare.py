"""What an extended tokenizer changes, language by language."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import count_words, tokens
from xlcorpus.tokenizer.text_sample import languages_of
from xlcorpus.tokenizer.tokenizer import Tokenizer

SCHEMA = pa.schema(
    [
        pa.field("lang", pa.string(), nullable=False),
        pa.field("texts", pa.int64(), nullable=False),
        pa.field("tokens_before", pa.int64(), nullable=False),
        pa.field("tokens_after", pa.int64(), nullable=False),
        pa.field("fertility_before", pa.float64()),
        pa.field("fertility_after", pa.float64()),
        pa.field("texts_changed", pa.float64()),  # share of the texts with any other id
        pa.field("tokens_changed", pa.float64()),  # share of the old tokens that are not among the new ones of the text
    ]
)


def compare(old: Tokenizer, new: Tokenizer, batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """A row a language (SCHEMA), in the order of their names. batches: text, lang."""
    sums: dict[str, np.ndarray] = {}
    for batch in batches:
        langs = languages_of(batch).dictionary_encode()
        codes = langs.indices.to_numpy()
        points = code_points(batch.column("text"))
        before, after = old.encode_batch(batch.column("text")), new.encode_batch(batch.column("text"))
        kept, same = _kept(before, after)
        counts = np.diff(before[1])
        columns = [codes * 0 + 1, counts, np.diff(after[1]), count_words(points, tokens(points)), ~same, counts - kept]
        for number, name in enumerate(langs.dictionary.to_pylist()):
            part = np.array([float(column[codes == number].sum()) for column in columns])
            sums[name] = sums.get(name, np.zeros(len(columns))) + part
    rows = []
    for name in sorted(sums):
        texts, first, second, words, changed, lost = sums[name].tolist()
        ratios = (first / words, second / words) if words else (None, None)
        share = lost / first if first else None
        row = (name, int(texts), int(first), int(second), *ratios, changed / texts, share)
        rows.append(dict(zip(SCHEMA.names, row, strict=True)))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _kept(before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """int64[rows]: ids of a text that both cuts have, as often as both have them; bool[rows]: all equal, in order."""
    rows = len(before[1]) - 1
    keys = [(np.repeat(np.arange(rows), np.diff(offsets)) << 32) | ids for ids, offsets in (before, after)]
    (first, one), (second, two) = (np.unique(key, return_counts=True) for key in keys)
    both, at, to = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    kept = np.bincount(both >> 32, weights=np.minimum(one[at], two[to]), minlength=rows).astype(np.int64)
    counts = np.diff(before[1])
    same = counts == np.diff(after[1])
    equal = keys[0][np.repeat(same, counts)] == keys[1][np.repeat(same, np.diff(after[1]))]
    wrong = np.bincount(np.repeat(np.flatnonzero(same), counts[same])[~equal], minlength=rows)
    return kept, same & (wrong == 0)
