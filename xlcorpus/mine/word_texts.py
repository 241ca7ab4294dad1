"""What the texts of both languages give: their words, counted shard by shard, and vectors of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_vectors
from xlcorpus.lexicon.entries import one_array
from xlcorpus.lexicon.induce import breaker_of, texts_of
from xlcorpus.lexicon.words import by_frequency, lines_of_words, words_in
from xlcorpus.mine.vocabulary import Vocabulary
from xlcorpus.text.labels import in_language

_NO_TEXTS = pa.array([], pa.string())


@dataclass(frozen=True)
class CountShard:
    """Count the words of both languages in a shard, into a file for each beside it."""

    folder: Location
    langs: tuple[str, str]

    def __call__(self, number: int, shard: Shard) -> Done:
        """Nothing to say."""
        parts: tuple[list[pa.Array], list[pa.Array]] = ([_NO_TEXTS], [_NO_TEXTS])
        for batch in read_batches(shard, ["text", "lang"]):
            texts, labels = (text_or_empty(batch, name) for name in ("text", "lang"))
            for side, lang in enumerate(self.langs):
                parts[side].append(texts.filter(pa.array(in_language(labels, lang))))
        for side, lang in enumerate(self.langs):
            texts = pa.concat_arrays(parts[side])
            table = words_in(texts, lang, breaker_of(texts, lang)).combine_chunks()
            columns = {name: one_array(table[name]) for name in table.column_names}
            write_beside(counts_file(self.folder, number, side), pa.RecordBatch.from_pydict(columns))
        return Done()


def counts_file(folder: Location, number: int, side: int) -> Location:
    """Where the counts of a shard lie."""
    return folder / f"{number:05d}.{side}.words"


def vocabulary_of(
    folder: Location, numbers: Sequence[int], side: int, lang: str, min_count: int, least: int
) -> Vocabulary:
    """The words of a language in all shards. Raises UserError where there are fewer than `least`."""
    tables = [pa.Table.from_batches([read_beside(counts_file(folder, number, side))]) for number in numbers]
    found = Vocabulary.of(lang, by_frequency(tables, min_count), breaker_of(_NO_TEXTS, lang))
    if len(found.words) < least:
        raise UserError(
            f"{lang}: its documents have {len(found.words):,} words that stand in them {min_count} times or more; "
            f"{least:,} are needed",
            remedy="give more text, or lower --min-count or --least-words",
        )
    return found


@dataclass(frozen=True)
class TrainSide:
    """Train vectors of the words of a language, into a file."""

    datasets: tuple[Dataset, ...]
    folder: Location
    most_bytes: int
    seed: int

    def __call__(self, number: int, lang: str) -> Done:
        """Nothing to say."""
        texts = texts_of(self.datasets, lang, self.most_bytes, self.seed)
        breaker = breaker_of(_NO_TEXTS, lang)
        options = EmbedOptions(min_count=1, seed=self.seed + 1)
        made = train_vectors(texts, options, breaker, lambda some: lines_of_words(some, lang, breaker))
        rows = pa.FixedSizeListArray.from_arrays(pa.array(made.matrix.ravel()), made.matrix.shape[1])
        columns = {"word": pa.array(made.words, pa.string()), "count": pa.array(made.counts), "vector": rows}
        write_beside(vectors_file(self.folder, number), pa.RecordBatch.from_pydict(columns))
        return Done()


def vectors_file(folder: Location, side: int) -> Location:
    """Where the vectors of a side lie."""
    return folder / f"{side}.vectors"


def read_side(folder: Location, side: int) -> Vectors:
    """The vectors that `TrainSide` wrote."""
    batch = read_beside(vectors_file(folder, side))
    rows = batch.column("vector")
    matrix = rows.flatten().to_numpy().reshape(-1, rows.type.list_size)
    return Vectors(batch.column("word").to_pylist(), np.asarray(batch.column("count")), matrix)
