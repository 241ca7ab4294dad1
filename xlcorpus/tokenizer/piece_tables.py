"""Tables of pieces that new embeddings are made by: counts in text, pieces to keep, those that two vocabularies share,
and the pieces of words.

BiStil (Ansell et al. 2023) keeps what is frequent enough; CLP-Transfer (Ostendorff and Rehm 2023) copies the rows of
shared pieces; OFA (Liu et al. 2024) averages the vectors of the words that a piece is in. Special tokens count nowhere
as text, and are always kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import require_column
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.text.normalize import normalize_for_matching
from xlcorpus.text.ragged import offsets_of, sum_segments
from xlcorpus.tokenizer.kinds.huggingface import is_byte
from xlcorpus.tokenizer.text_sample import languages_of
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, UNKNOWN, Tokenizer

SPECIAL, BYTE, FREQUENT = "special", "byte", "frequent"  # why a piece is kept
EXACT, LOOSE = "exact", "loose"  # how two pieces are the same
_TEXTS = 4096  # texts that are cut at a time
_WORDS = 1 << 16  # words that are cut at a time


def count_pieces(tokenizer: Tokenizer, datasets: Sequence[Dataset]) -> dict[str, np.ndarray]:
    """int64[vocab_size] by language in order (`und` where there is none): how often each id stands in all texts.

    As `encode_batch` gives them, so without special ids. Raises UserError where a dataset has no text.
    """
    counts: dict[str, np.ndarray] = {}
    for dataset in datasets:
        names = dataset.manifest.arrow_schema.names
        require_column(dataset.manifest.arrow_schema, "text", str(dataset.folder))
        for batch in dataset.batches([name for name in ("text", "lang") if name in names]):
            langs = languages_of(batch).dictionary_encode()
            codes = langs.indices.to_numpy()
            for number, lang in enumerate(langs.dictionary.to_pylist()):
                ids, _ = tokenizer.encode_batch(batch.column("text").take(pa.array(np.flatnonzero(codes == number))))
                found = np.bincount(ids, minlength=tokenizer.vocab_size).astype(np.int64)
                counts[lang] = counts.get(lang, 0) + found
    return dict(sorted(counts.items()))


def counts_table(tokenizer: Tokenizer, counts: Mapping[str, np.ndarray], *, by_language: bool = False) -> pa.Table:
    """id (int32), piece (as the vocabulary writes it), count (int64): a row each id, zeros too; by_language: for each
    language, named first, a row each id that it has."""
    pieces = pa.array(tokenizer.piece_names(), pa.string())
    if not by_language:
        total = np.sum([np.zeros(tokenizer.vocab_size, np.int64), *counts.values()], axis=0)
        ids = np.arange(tokenizer.vocab_size, dtype=np.int32)
        return pa.table({"id": ids, "piece": pieces, "count": total})
    schema = pa.schema([("lang", pa.string()), ("id", pa.int32()), ("piece", pa.string()), ("count", pa.int64())])
    parts = [schema.empty_table()]
    for lang, found in counts.items():
        there = np.flatnonzero(found)
        columns = [pa.repeat(lang, len(there)), pa.array(there.astype(np.int32)), pieces.take(pa.array(there))]
        parts.append(pa.table([*columns, pa.array(found[there])], schema=schema))
    return pa.concat_tables(parts)


def trimmed(tokenizer: Tokenizer, counts: Mapping[str, np.ndarray], threshold: float) -> pa.Table:
    """What is left of a vocabulary: new_id, id (int32, ascending), piece, why, share (float64).

    Kept are special tokens, single bytes, and pieces whose share of the tokens of one language at least is not below
    the threshold (BiStil: 1e-6); share: the largest of the languages'. Raises UserError where there is no text.
    """
    totals = {lang: int(found.sum()) for lang, found in counts.items()}
    if not any(totals.values()):
        raise UserError("there is no text to count pieces in", remedy="name a dataset with documents")
    share = np.max([found / totals[lang] for lang, found in counts.items() if totals[lang]], axis=0)
    names, kinds = tokenizer.piece_names(), tokenizer.piece_kinds
    special = (kinds == CONTROL) | (kinds == UNKNOWN)
    single = np.array([is_byte(name) for name in names], dtype=bool)
    if tokenizer.kind == "bytes":
        single |= ~special
    why = np.where(special, SPECIAL, np.where(single, BYTE, FREQUENT))
    ids = np.flatnonzero(special | single | (share >= threshold)).astype(np.int32)
    return pa.table(
        {
            "new_id": np.arange(len(ids), dtype=np.int32),
            "id": ids,
            "piece": pa.array(names, pa.string()).take(pa.array(ids)),
            "why": pa.array(why[ids].tolist(), pa.string()),
            "share": share[ids],
        }
    )


def shared_pieces(one: Tokenizer, other: Tokenizer, *, loose: bool = False) -> pa.Table:
    """Pieces that two vocabularies have: id, other_id (int32), piece, match; in the order of the first one's ids.

    The same are pieces of the same text with the same space before it, whatever mark a vocabulary has for that, special
    tokens of one role or name, and equal bytes. loose: then also, for ids of the first that have none, the first piece
    of the other that differs in case and the space before it alone (OFA).
    """
    ours, theirs = _keys(one), _keys(other)
    place: dict[tuple[str, str], int] = {}
    for number, key in enumerate(theirs):
        place.setdefault(key, number)
    found = [place.get(key, -1) for key in ours]
    match = [EXACT if at >= 0 else "" for at in found]
    if loose:
        bare: dict[str, int] = {}
        for number, text in enumerate(_bare(theirs)):
            if text:
                bare.setdefault(text, number)
        for number, text in enumerate(_bare(ours)):
            if found[number] < 0 and text in bare:
                found[number], match[number] = bare[text], LOOSE
    ids = np.flatnonzero(np.array(found) >= 0).astype(np.int32)
    return pa.table(
        {
            "id": ids,
            "other_id": np.array(found, dtype=np.int32)[ids],
            "piece": pa.array(one.piece_names(), pa.string()).take(pa.array(ids)),
            "match": pa.array(match, pa.string()).take(pa.array(ids)),
        }
    )


def _keys(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """What each id is: of text, of bytes, or special, and its text or name."""
    roles = {number: role for role, number in tokenizer.special_ids().items() if number is not None}
    keys = []
    for number, (name, text, kind) in enumerate(
        zip(tokenizer.piece_names(), tokenizer.piece_texts(), tokenizer.piece_kinds.tolist(), strict=True)
    ):
        if kind in (CONTROL, UNKNOWN):
            keys.append((SPECIAL, roles.get(number, name)))
        elif kind == PARTIAL or text is None or is_byte(name):
            keys.append((BYTE, name))
        else:
            keys.append(("text", text))
    return keys


def _bare(keys: Sequence[tuple[str, str]]) -> list[str]:
    """The texts in lower case without the space before them; '' of what is no text."""
    texts = pa.array([text if kind == "text" else "" for kind, text in keys], pa.string())
    bare: list[str] = pc.utf8_trim(normalize_for_matching(texts), " ").to_pylist()
    return bare


def pieces_of_words(tokenizer: Tokenizer, words: pa.Array) -> pa.Table:
    """word (string[n]), ids (list<int32>), pieces (list<string>) of words as they stand behind a space in a text."""
    names = pa.array(tokenizer.piece_names(), pa.string())
    comma = tokenizer.encode_batch(pa.array([","], pa.string()))[0]
    parts = []
    for start in range(0, max(len(words), 1), _WORDS):
        some = words.slice(start, _WORDS).cast(pa.string())
        # Behind a comma, a word has the space before it that it has in text, whatever the tokenizer puts first.
        ids, offsets = tokenizer.encode_batch(pc.binary_join_element_wise(", ", some, ""))
        lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(ids, pa.int32()))
        ids_of = pc.list_slice(lists, len(comma))
        sizes = np.diff(offsets) - len(comma)
        pieces = pa.ListArray.from_arrays(pa.array(offsets_of(sizes), pa.int32()), names.take(pc.list_flatten(ids_of)))
        parts.append(pa.table({"word": some, "ids": ids_of, "pieces": pieces}))
    return pa.concat_tables(parts)


def piece_lines(tokenizer: Tokenizer, texts: pa.Array) -> Iterator[str]:
    """The pieces of each text (string[n]), as the vocabulary writes them, with a space between them.

    Without special and unknown ones, bytes, and what holds white space or is nothing but the mark of a space.
    """
    names = [name if name.strip("\u2581\u0120") and not name.split()[1:] else "" for name in tokenizer.piece_names()]
    kinds = tokenizer.piece_kinds
    words = [
        name if kind == NORMAL and not is_byte(name) else "" for name, kind in zip(names, kinds.tolist(), strict=True)
    ]
    there, listed = np.array([bool(word) for word in words]), pa.array(words, pa.string())
    for start in range(0, len(texts), _TEXTS):
        ids, offsets = tokenizer.encode_batch(texts.slice(start, _TEXTS))
        kept = there[ids]
        edges = offsets_of(sum_segments(kept, offsets))
        pieces = pa.ListArray.from_arrays(pa.array(edges, pa.int32()), listed.take(pa.array(ids[kept])))
        yield from pc.binary_join(pieces, " ").to_pylist()
