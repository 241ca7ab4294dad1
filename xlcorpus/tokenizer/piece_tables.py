"""Tables of pieces that new embeddings are made by: counts in text, those that two vocabularies share, and the pieces
of words.

CLP-Transfer (Ostendorff and Rehm 2023) copies the rows of shared pieces; OFA (Liu et al. 2024) averages the vectors of
the words that a piece is in. Special tokens count nowhere as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.text.normalize import normalize_for_matching
from xlcorpus.text.ragged import offsets_of, sum_segments
from xlcorpus.tokenizer.byte_alphabet import byte_of_letter
from xlcorpus.tokenizer.kinds.huggingface import is_byte
from xlcorpus.tokenizer.text_sample import in_order, texts_by_language
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, UNKNOWN, Tokenizer

SPECIAL, BYTE, WORDS = "special", "byte", "text"  # what a piece is
EXACT, LOOSE = "exact", "loose"  # how two pieces are the same
_Key = tuple[str, str]
_TEXTS = 4096  # texts that are cut at a time
_WORDS = 1 << 16  # words that are cut at a time


def count_pieces(tokenizer: Tokenizer, datasets: Sequence[Dataset]) -> dict[str, np.ndarray]:
    """int64[vocab_size] by language in order (`und` where there is none): how often each id stands in all texts.

    As `encode_batch` gives them, so without special ids. 2 MB a language with 250,000 pieces. Raises UserError as
    `in_order`.
    """
    counts: dict[str, np.ndarray] = {}
    for dataset in in_order(datasets):
        names = dataset.manifest.arrow_schema.names
        for batch in dataset.batches([name for name in ("text", "lang") if name in names]):
            for lang, texts in texts_by_language(batch):
                ids, _ = tokenizer.encode_batch(texts)
                # In proportion to the ids, not to the vocabulary: a batch may have a text each of many languages.
                np.add.at(counts.setdefault(lang, np.zeros(tokenizer.vocab_size, np.int64)), ids, 1)
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


def shared_pieces(one: Tokenizer, other: Tokenizer, *, loose: bool = False) -> pa.Table:
    """Pieces that two vocabularies have: id, other_id (int32), piece, match; in the order of the first one's ids.

    The same are pieces of the same text with the same space before it, whatever mark a vocabulary has for that, special
    tokens of one role or name, and equal bytes. loose: then also, for ids of the first that have none, the first piece
    of the other that differs in case alone, else in case and the space before it (OFA).
    """
    ours, theirs = _keys(one), _keys(other)
    place: dict[_Key, int] = {}
    for number, keys in enumerate(theirs):
        for key in keys:
            place.setdefault(key, number)
    found = [next((place[key] for key in keys if key in place), -1) for keys in ours]
    match = [EXACT if at >= 0 else "" for at in found]
    for space in ("", " ") if loose else ():
        folded: dict[str, int] = {}
        for number, text in enumerate(_folded(theirs, space)):
            if text.strip(" "):
                folded.setdefault(text, number)
        for number, text in enumerate(_folded(ours, space)):
            if found[number] < 0 and text in folded:
                found[number], match[number] = folded[text], LOOSE
    ids = np.flatnonzero(np.array(found) >= 0).astype(np.int32)
    return pa.table(
        {
            "id": ids,
            "other_id": np.array(found, dtype=np.int32)[ids],
            "piece": pa.array(one.piece_names(), pa.string()).take(pa.array(ids)),
            "match": pa.array(match, pa.string()).take(pa.array(ids)),
        }
    )


def places_of_pieces(ours: Tokenizer, theirs: Tokenizer, whose: str) -> np.ndarray:
    """int64[size]: of each of our ids, theirs of the same piece. Raises UserError where `whose` tokenizer lacks one."""
    if ours.fingerprint == theirs.fingerprint:
        return np.arange(ours.vocab_size)
    shared = shared_pieces(ours, theirs)
    found = np.full(ours.vocab_size, -1, dtype=np.int64)
    found[shared["id"].to_numpy()] = shared["other_id"].to_numpy()
    lacking = np.flatnonzero(found < 0)
    if len(lacking):
        raise UserError(
            f"{whose} has another vocabulary: {len(lacking):,} of our {ours.vocab_size:,} pieces are none of its, such "
            f"as {ours.piece_names()[lacking[0]]!r}",
            remedy="pack with its tokenizer, or with one that xlcorpus tokenizer trim made of it",
        )
    return found


def _keys(tokenizer: Tokenizer) -> list[tuple[_Key, ...]]:
    """What each id is: of text, of bytes, or special, and its text, its bytes, or its name and roles; () of a hole."""
    roles: dict[int | None, list[str]] = {}
    for role, number in tokenizer.special_ids().items():
        roles.setdefault(number, []).append(role)
    names, texts, kinds = tokenizer.piece_names(), tokenizer.piece_texts(), tokenizer.piece_kinds.tolist()
    keys: list[tuple[_Key, ...]] = []
    for number, (name, text, kind) in enumerate(zip(names, texts, kinds, strict=True)):
        if not name:
            keys.append(())
        elif kind in (CONTROL, UNKNOWN):
            keys.append(((SPECIAL, name), *((SPECIAL, f"role {role}") for role in roles.get(number, ()))))
        elif kind == PARTIAL or text is None or is_byte(name):
            keys.append(((BYTE, name if is_byte(name) else _byte_name(name)),))
        else:
            keys.append(((WORDS, text),))
    return keys


def _byte_name(piece: str) -> str:
    """A byte of byte-level BPE as others write it, <0xC3>; pieces of several bytes as they are."""
    value = byte_of_letter().get(piece)
    return piece if value is None else f"<0x{value:02X}>"


def _folded(keys: Sequence[Sequence[_Key]], space: str) -> list[str]:
    """The texts in lower case without what is in `space` at their ends; '' of what is no text."""
    texts = pa.array([one[0][1] if one and one[0][0] == WORDS else "" for one in keys], pa.string())
    folded: list[str] = pc.utf8_trim(normalize_for_matching(texts), space).to_pylist()
    return folded


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
