"""The sentences of documents in one language, and what is told of documents that give none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import require_column, text_or_empty
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.text.labels import in_language
from xlcorpus.translico.sentences import Found, find_sentences

ANOTHER_LANGUAGE, NO_SENTENCE = "another_language", "no_sentence"  # reasons of decisions
ELSEWHERE = -1  # sentences of a document in another language


def check_documents(dataset: Dataset) -> None:
    """Raise UserError, naming the dataset and the column, where one is missing."""
    where = str(dataset.folder)
    require_column(dataset.manifest.arrow_schema, "text", where)
    remedy = f"add it with `xlcorpus identify {where} --output ...` and use that dataset"
    require_column(dataset.manifest.arrow_schema, "lang", where, remedy=remedy)


@dataclass(frozen=True)
class OwnSentences:
    """Sentences of the documents of a batch that are in a language. found: rows are numbers of these documents;
    documents: int64, their numbers in the batch; own: bool[rows of the batch]."""

    found: Found
    documents: np.ndarray
    own: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """int64[sentences]: their documents, by number in the batch."""
        return self.documents[self.found.rows]

    @property
    def counts(self) -> np.ndarray:
        """int64[rows of the batch]: sentences of each document, ELSEWHERE in another language."""
        return np.where(self.own, np.bincount(self.rows, minlength=len(self.own)), ELSEWHERE)


def own_sentences(batch: pa.RecordBatch, lang: str, sentence_breaker: str | None) -> OwnSentences:
    """The sentences of documents (text, lang) whose label is of a language (`same_language`)."""
    own = in_language(text_or_empty(batch, "lang"), lang)
    documents = np.flatnonzero(own)
    taken = batch.take(pa.array(documents))
    found = find_sentences(taken, include_latin=True, sentence_breaker=sentence_breaker)
    return OwnSentences(found, documents, own)
