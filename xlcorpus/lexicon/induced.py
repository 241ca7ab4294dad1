"""A dictionary for two languages that have none: vectors of each language's own text, mapped onto one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_vectors
from xlcorpus.lexicon.entries import entry_schema, merge_entries
from xlcorpus.lexicon.induce import InduceOptions, dictionary_seed, identical_seed, induce, numeral_seed
from xlcorpus.lexicon.lexicon_file import read_entries
from xlcorpus.text.draws import row_states
from xlcorpus.text.normalize import normalize_for_matching

SOURCE = "induced"
# Columns of text and of its language, in datasets of documents and of sentence pairs.
_TEXTS = (("text", "lang"), ("src", "src_lang"), ("tgt", "tgt_lang"))


@dataclass(frozen=True)
class InducedLexicon:
    """entries: canonical (lexicon-1), score is CSLS, source is `induced`; the rest is for the report.

    words: vocabulary of each side; texts: texts of each side that were trained on; seeds: pairs it began with.
    """

    entries: pa.Table
    words: tuple[int, int]
    texts: tuple[int, int]
    seeds: int


def texts_of(datasets: Sequence[Dataset], lang: str, most_bytes: int, seed: int) -> pa.Array:
    """Texts of a language in datasets of documents or pairs: string[n], at most about `most_bytes`, drawn by hash.

    Raises UserError, with the nearest language, where there is none.
    """
    total, known = 0, set()
    for texts, labels, _ in _columns(datasets):
        known.update(pc.unique(labels.filter(pc.greater(pc.binary_length(texts), 0))).to_pylist())
        total += pc.sum(pc.binary_length(texts.filter(pc.equal(labels, lang)))).as_py() or 0
    if not total:
        folders = ", ".join(str(dataset.folder) for dataset in datasets)
        raise UserError(
            f"{folders}: no text is in {lang!r}; {nearest(lang, [label for label in known if label])}",
            remedy="`xlcorpus inspect DIR` lists the languages of a dataset",
        )
    bound = min(1.0, most_bytes / total) * 2.0**64
    parts = [pa.array([], pa.string())]
    for texts, labels, ids in _columns(datasets):
        drawn = pa.array(row_states(ids, f"codeswitch/induce/{lang}/{seed}").astype(np.float64) < bound)
        parts.append(texts.filter(pc.and_(pc.equal(labels, lang), drawn)))
    return pa.concat_arrays(parts)


def _columns(datasets: Sequence[Dataset]) -> Iterable[tuple[pa.Array, pa.Array, pa.Array]]:
    for dataset in datasets:
        names = dataset.manifest.arrow_schema.names
        sides = [side for side in _TEXTS if set(side) <= set(names)]
        if not sides:
            raise UserError(
                f"{dataset.folder} has no columns text and lang",
                remedy="give documents that `xlcorpus identify` has labelled, or sentence pairs",
            )
        for batch in dataset.batches():
            for text, lang in sides:
                texts = pc.fill_null(batch.column(text).cast(pa.string()), "")
                yield texts, pc.fill_null(batch.column(lang), ""), batch.column("doc_id")


def seed_pairs(
    source: Vectors,
    target: Vectors,
    words: Literal["numerals", "identical"],
    dictionary: str | None,
    languages: tuple[str, str],
) -> np.ndarray:
    """int64[n, 2]: numerals or all words that both sides write alike, and the entries of a small dictionary.

    Raises UserError where no entry of the dictionary is in both vocabularies.
    """
    alike = numeral_seed(source, target) if words == "numerals" else identical_seed(source, target)
    if dictionary is None:
        return alike
    table = read_entries([Path(dictionary)], src=languages[0], tgt=languages[1]).table
    lowered = (normalize_for_matching(table[name].combine_chunks()).to_pylist() for name in ("src", "tgt"))
    given = dictionary_seed(source, target, zip(*lowered, strict=True))
    if not len(given):
        raise UserError(
            f"{dictionary}: of its {table.num_rows:,} entries none has words of both texts on its sides",
            remedy="give a dictionary of words that the texts hold, more text, or no --seed-dictionary",
        )
    return np.unique(np.concatenate([alike, given]), axis=0)


def _vectors(texts: pa.Array, lang: str, embed: EmbedOptions | None) -> Vectors:
    try:
        return train_vectors(texts, embed)
    except UserError as error:
        raise UserError(f"{lang}: {error.message}", remedy=error.remedy) from error


def induce_lexicon(
    texts: tuple[pa.Array, pa.Array],
    languages: tuple[str, str],
    *,
    words: Literal["numerals", "identical"] = "numerals",
    dictionary: str | None = None,
    embed: EmbedOptions | None = None,
    options: InduceOptions | None = None,
) -> InducedLexicon:
    """Entries from the first language to the second (see `induce`); the order of the texts does not matter.

    words, dictionary: as `seed_pairs`. Raises UserError where the languages are one, where there is too little text,
    or nothing to begin with.
    """
    if languages[0] == languages[1]:
        raise UserError(f"both sides of the dictionary would be {languages[0]}", remedy="name two languages")
    source, target = (_vectors(side, lang, embed) for side, lang in zip(texts, languages, strict=True))
    seed = seed_pairs(source, target, words, dictionary, languages)
    found = induce(source, target, seed, options)
    rows = found.num_rows
    labels = [pa.repeat(pa.scalar(label, pa.string()), rows) for label in languages]
    named = {
        "src": found["src"],
        "tgt": found["tgt"],
        "src_lang": labels[0],
        "tgt_lang": labels[1],
        "score": found["score"],
        "source": pa.repeat(pa.scalar(SOURCE, pa.string()), rows),
    }
    table = pa.table([named[name] for name in entry_schema().names], schema=entry_schema())
    entries, _ = merge_entries([table])
    return InducedLexicon(entries, (len(source), len(target)), (len(texts[0]), len(texts[1])), len(seed))
