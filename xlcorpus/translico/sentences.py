"""The sentences of documents that may become pairs, and the list of them beside each shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import write_each
from xlcorpus.dataset.columns import fixed_binary, require_column
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.storage import Location
from xlcorpus.pairs.sides import of_side, side_rows
from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import digests
from xlcorpus.text.ragged import sums_before
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS, SentenceBreaker
from xlcorpus.text.sentences import sentences
from xlcorpus.text.slices import pieces, span_texts
from xlcorpus.translico.choose import LISTED, Group, Listed, list_file

COLUMNS = ("doc_id", "text", "lang", "script", "origin")  # what is read of the documents
MIN_CHARS, MAX_CHARS = 5, 1000  # of a sentence
# White space of any script and what else str.splitlines breaks at.
_WHITESPACE = r"[\s\p{Z}\x{0B}\x{1C}-\x{1F}\x{85}]+"


def _of(side: str | None, name: str) -> str:
    return of_side(side, name) if side else name


def check_columns(schema: pa.Schema, where: str, side: str | None = None) -> None:
    """Raise UserError, naming the dataset and the column, where one is missing that pairs are made of."""
    require_column(schema, _of(side, "text"), where)
    for name in (_of(side, "lang"), _of(side, "script")):
        remedy = f"add it with `xlcorpus identify {where} --output ...` and make the view of that dataset"
        require_column(schema, name, where, remedy=remedy)


def one_line(texts: pa.Array) -> pa.Array:
    """Each run of white space as one space, none at the ends. string[n]."""
    return pc.utf8_trim(pc.replace_substring_regex(texts, pattern=_WHITESPACE, replacement=" "), characters=" ")


def columns_of(side: str | None = None) -> list[str]:
    """What is read of documents; of sentence pairs, of a side."""
    return [name if name in ("doc_id", "origin") else _of(side, name) for name in COLUMNS]


def as_documents(batch: pa.RecordBatch, side: str | None = None) -> pa.RecordBatch:
    """The batch as documents: of sentence pairs a side."""
    return side_rows(batch, side) if side else batch


@dataclass(frozen=True)
class Found:
    """Sentences of a batch that may become pairs, in order.

    texts: string[n], one line each; rows: int64[n], their documents; index: int32[n], their numbers in these;
    latin: bool[documents], left out as Latin; left_out: sentences that no pair is made of, by reason.
    """

    texts: pa.Array
    rows: np.ndarray
    index: np.ndarray
    latin: np.ndarray
    left_out: Counter[str]

    @property
    def pair_ids(self) -> pa.Array:
        """binary[16][n]: xxh3-128 of each text."""
        return fixed_binary(np.frombuffer(digests(self.texts), dtype=np.uint64).reshape(-1, 2))


def find_sentences(batch: pa.RecordBatch, *, include_latin: bool, sentence_breaker: str | None = None) -> Found:
    """The sentences of a batch of documents (text, script) that have letters and a length within the limits.

    sentence_breaker: the name of one, for scripts that mark no end of a sentence.
    """
    breaker = SENTENCE_BREAKERS.find(sentence_breaker) if sentence_breaker else None
    latin = np.zeros(batch.num_rows, dtype=bool)
    if not include_latin:
        latin = pc.fill_null(pc.equal(batch.column("script"), "Latn"), False).to_numpy(zero_copy_only=False)
    texts = pc.if_else(pa.array(latin), pa.scalar(None, batch.column("text").type), batch.column("text"))
    left_out = Counter[str]()
    parts = [(start, *_split(piece, breaker, left_out)) for start, piece in pieces(texts)]
    parts = parts or [(0, *_split(texts, breaker, left_out))]
    return Found(
        pa.concat_arrays([found for _, found, _, _ in parts]),
        np.concatenate([rows + start for start, _, rows, _ in parts]),
        np.concatenate([index for _, _, _, index in parts]),
        latin,
        left_out,
    )


def _split(
    texts: pa.Array, breaker: SentenceBreaker | None, left_out: Counter[str]
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    points = code_points(texts)
    spans = sentences(points, breaker)
    found = one_line(span_texts(texts, points, spans).cast(pa.string()))
    lengths = pc.utf8_length(found).to_numpy(zero_copy_only=False)
    letters = sums_before(properties.letters()[points.codes])
    lettered = letters[spans.ends] > letters[spans.starts]
    short, long = lettered & (lengths < MIN_CHARS), lettered & (lengths > MAX_CHARS)
    left_out.update(no_letter=int((~lettered).sum()), too_short=int(short.sum()), too_long=int(long.sum()))
    keep = np.flatnonzero(lettered & ~short & ~long)
    index = (np.arange(len(spans)) - spans.offsets[spans.rows]).astype(np.int32)
    return found.take(pa.array(keep)), spans.rows[keep], index[keep]


def groups_of(batch: pa.RecordBatch) -> list[Group]:
    """(language, script) of each document."""
    return list(zip(batch.column("lang").to_pylist(), batch.column("script").to_pylist(), strict=True))


@dataclass(frozen=True)
class ListSentences:
    """Pass 1 as a task: hash, group, document and number of every sentence of a shard, written beside it."""

    folder: Location
    include_latin: bool
    sentence_breaker: str | None = None
    side: str | None = None

    def __call__(self, number: int, shard: Shard) -> Listed:
        """How many there are, and the groups of the shard in its own numbering."""
        numbers: dict[Group, int] = {}
        lengths: list[int] = []

        def listed() -> Iterator[pa.RecordBatch]:
            for whole in read_batches(shard, columns_of(self.side)):
                batch = as_documents(whole, self.side)
                found = find_sentences(batch, include_latin=self.include_latin, sentence_breaker=self.sentence_breaker)
                of_document = [numbers.setdefault(group, len(numbers)) for group in groups_of(batch)]
                lengths.append(len(found.texts))
                rows = pa.array(found.rows)
                groups = pa.array(of_document, pa.int32()).take(rows)
                columns = [found.pair_ids, batch.column("doc_id").take(rows), groups, pa.array(found.index)]
                yield pa.RecordBatch.from_arrays(columns, schema=LISTED)

        write_each(list_file(self.folder, number), LISTED, listed())
        return Listed(sum(lengths), tuple(numbers))
