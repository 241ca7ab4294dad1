"""A dictionary for two languages that have none: vectors of each language's own text, mapped onto one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import require_column, text_or_empty
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import StorageError, UserError, nearest
from xlcorpus.lexicon.dictionaries import read_entries
from xlcorpus.lexicon.embed import Cut, EmbedOptions, Vectors, train_vectors, word_lines, write_vectors
from xlcorpus.lexicon.entries import entry_schema, limit_entries, merge_entries, place_in_file
from xlcorpus.lexicon.formats import INDUCED, INDUCED_PIECES
from xlcorpus.lexicon.vecmap import (
    InduceOptions,
    dictionary_seed,
    identical_seed,
    map_vectors,
    numeral_seed,
    retrieve,
)
from xlcorpus.text.breakers import WordBreaker, word_breaker_for
from xlcorpus.text.draws import row_states
from xlcorpus.text.labels import in_language, script_of
from xlcorpus.text.script import script_of_all

# Columns of text and of its language, in datasets of documents and of sentence pairs.
_TEXTS = (("text", "lang"), ("src", "src_lang"), ("tgt", "tgt_lang"))


@dataclass(frozen=True)
class InducedLexicon:
    """entries: canonical (lexicon-2), score is CSLS, source is `induced`; the rest is for the report.

    vectors, mapped: of each side's words, as they were trained, and float64[words, dimensions] in one space.
    words: vocabulary of each side; texts: texts of each side that were trained on; breakers: name and version of the
    word breaker of each side, None where words have spaces between them; seeds: pairs it began with.
    """

    entries: pa.Table
    vectors: tuple[Vectors, Vectors]
    mapped: tuple[np.ndarray, np.ndarray]
    words: tuple[int, ...]
    texts: tuple[int, ...]
    breakers: tuple[str | None, ...]
    seeds: int


def texts_of(datasets: Sequence[Dataset], lang: str, most_bytes: int, seed: int) -> pa.Array:
    """Texts of a language in datasets of documents or pairs: string[n], at most about `most_bytes`, drawn by hash.

    Raises UserError, with the nearest language, where there is none.
    """
    total, known = 0, set()
    for texts, labels, _ in _columns(datasets):
        known.update(pc.unique(labels.filter(pc.greater(pc.binary_length(texts), 0))).to_pylist())
        total += pc.sum(pc.binary_length(texts.filter(pa.array(in_language(labels, lang))))).as_py() or 0
    if not total:
        folders = ", ".join(str(dataset.folder) for dataset in datasets)
        raise UserError(
            f"{folders}: no text is in {lang!r}; {nearest(lang, [label for label in known if label])}",
            remedy="`xlcorpus inspect DIR` lists the languages of a dataset",
        )
    bound = min(1.0, most_bytes / total) * 2.0**64
    parts = [pa.array([], pa.string())]
    for texts, labels, ids in _columns(datasets):
        drawn = row_states(ids, f"codeswitch/induce/{lang}/{seed}").astype(np.float64) < bound
        parts.append(texts.filter(pa.array(in_language(labels, lang) & drawn)))
    return pa.concat_arrays(parts)


def _columns(datasets: Sequence[Dataset]) -> Iterator[tuple[pa.Array, pa.Array, pa.Array]]:
    """(texts, their languages, ids), batch by batch and side by side."""
    for dataset in datasets:
        names = set(dataset.manifest.arrow_schema.names)
        sides = [side for side in _TEXTS if set(side) <= names]
        if not sides:
            for name in _TEXTS[0]:
                require_column(
                    dataset.manifest.arrow_schema,
                    name,
                    str(dataset.folder),
                    remedy="give documents that `xlcorpus identify` has labelled, or sentence pairs",
                )
        for batch in dataset.batches(["doc_id", *(name for side in sides for name in side)]):
            for text, lang in sides:
                yield text_or_empty(batch, text), text_or_empty(batch, lang), batch.column("doc_id")


def seed_pairs(
    source: Vectors,
    target: Vectors,
    words: Literal["numerals", "identical"],
    dictionary: Location | None,
    languages: tuple[str, str],
    breakers: Sequence[WordBreaker | None] = (None, None),
    cut: Cut | None = None,
) -> np.ndarray:
    """int64[n, 2]: numerals or all words that both sides write alike, and the entries of a small dictionary.

    breakers, cut: of each side, as its vectors were trained, so that entries are the same words or pieces.

    Raises UserError where no entry of the dictionary is in both vocabularies.
    """
    alike = numeral_seed(source, target) if words == "numerals" else identical_seed(source, target)
    if dictionary is None:
        return alike
    table = read_entries([dictionary], src=languages[0], tgt=languages[1]).table
    sides = (
        word_lines(table[name].combine_chunks(), breaker) if cut is None else cut(table[name].combine_chunks())
        for name, breaker in zip(("src", "tgt"), breakers, strict=True)
    )
    given = dictionary_seed(source, target, zip(*sides, strict=True))
    if not len(given):
        raise UserError(
            f"{dictionary}: of its {table.num_rows:,} entries none has words of both texts on its sides",
            remedy=f"give a dictionary of words that the texts hold, those of {languages[0]} first (`xlcorpus lexicon "
            "invert` turns one round), or more text",
        )
    return np.unique(np.concatenate([alike, given]), axis=0)


def breaker_of(texts: pa.Array, lang: str) -> WordBreaker | None:
    """The word breaker for the script of a language, or of its texts where the label names none; None: it has spaces.

    Raises UserError where the script has no spaces between words, and none is installed: cut at each character, its
    texts would give a dictionary of fragments of syllables.
    """
    script = script_of(lang) or (script_of_all(texts) if len(texts) else "")
    with _naming(lang):
        return word_breaker_for(script)


@contextmanager
def _naming(lang: str) -> Iterator[None]:
    """Errors begin with the language."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{lang}: {error.message}", remedy=error.remedy) from error


def induce_lexicon(
    texts: tuple[pa.Array, pa.Array],
    languages: tuple[str, str],
    *,
    words: Literal["numerals", "identical"] = "numerals",
    dictionary: Location | None = None,
    embed: EmbedOptions | None = None,
    options: InduceOptions | None = None,
    cut: Cut | None = None,
) -> InducedLexicon:
    """Entries from the first language to the second (see `vecmap.induce`); the order of the texts does not matter.

    words, dictionary: as `seed_pairs`; cut: into a tokenizer's pieces, for a dictionary of these. Raises UserError as
    `breaker_of`, where there is too little text, or nothing to begin with.
    """
    breakers = [breaker_of(side, lang) if cut is None else None for side, lang in zip(texts, languages, strict=True)]
    sides = []
    for side, lang, breaker in zip(texts, languages, breakers, strict=True):
        with _naming(lang):
            sides.append(train_vectors(side, embed, breaker, cut))
    source, target = sides
    seed = seed_pairs(source, target, words, dictionary, languages, breakers, cut)
    options = options or InduceOptions()
    mapped = map_vectors(source, target, seed, options)
    found = retrieve(source, target, *mapped, options)
    rows = found.num_rows
    named = {
        "src": found["src"],
        "tgt": found["tgt"],
        "src_lang": pa.repeat(pa.scalar(languages[0], pa.string()), rows),
        "tgt_lang": pa.repeat(pa.scalar(languages[1], pa.string()), rows),
        "score": found["score"],
        "induced": pa.repeat(pa.scalar(value=True), rows),
        "source": pa.repeat(pa.scalar(INDUCED if cut is None else INDUCED_PIECES, pa.string()), rows),
    }
    named["rank"] = pa.array(place_in_file(pa.table(named)))
    table = pa.table(named, schema=entry_schema())
    entries, _ = merge_entries([table])
    named_breakers = tuple(f"{one.name} {one.version}" if one else None for one in breakers)
    vectors = (source, target)
    return InducedLexicon(
        entries, vectors, mapped, tuple(map(len, sides)), tuple(map(len, texts)), named_breakers, len(seed)
    )


def induce_from(
    datasets: Sequence[Dataset],
    languages: tuple[str, str],
    *,
    most_bytes: int,
    words: Literal["numerals", "identical"] = "numerals",
    dictionary: Location | None = None,
    candidates: int = 3,
    min_count: int = 2,
    min_score: float | None = None,
    seed: int = 0,
    cut: Cut | None = None,
) -> InducedLexicon:
    """`induce_lexicon` from the texts of datasets, at most about `most_bytes` of each language.

    min_count: of a word in the texts; min_score: entries with a lower one go; seed: of every random choice. Raises
    UserError as `texts_of` and `induce_lexicon`, where the languages are one, and where no entry has the score.
    """
    if languages[0] == languages[1]:  # before hours of training
        raise UserError(f"--src and --tgt are both {languages[0]}", remedy="name two languages")
    one, other = (texts_of(datasets, lang, most_bytes, seed) for lang in languages)
    made = induce_lexicon(
        (one, other),
        languages,
        words=words,
        dictionary=dictionary,
        embed=EmbedOptions(min_count=min_count, seed=seed + 1),
        options=InduceOptions(candidates=candidates, seed=seed),
        cut=cut,
    )
    entries = limit_entries(made.entries, min_score=min_score)
    if not entries.num_rows:
        raise UserError(
            f"none of the {made.entries.num_rows:,} entries has a score of {min_score} or more",
            remedy="lower --min-score, or leave it out",
        )
    return replace(made, entries=entries)


def write_all_vectors(made: InducedLexicon, languages: tuple[str, str], folder: Location) -> list[Location]:
    """Write the vectors of both sides into a folder, in word2vec's text format: LANG.vec as they were trained, and
    LANG.mapped.vec in one space, rows of length 1. Gives the files; raises StorageError where one cannot be written."""
    files = []
    try:
        storage.make_folder(folder)
        for lang, side, mapped in zip(languages, made.vectors, made.mapped, strict=True):
            for kind, matrix in (("vec", side.matrix), ("mapped.vec", mapped)):
                files.append(folder / f"{lang}.{kind}")
                write_vectors(files[-1], side.words, matrix)
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be written: {error.strerror or error}", remedy="free space, or name another place"
        ) from error
    return files
