"""Documents to pairs of an operator: rows of schema pair-1, and a decision for every document that makes none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import free_name, require_column, text_column, text_or_empty
from xlcorpus.dataset.decisions import decide, repeat
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.generate.crop import crop
from xlcorpus.generate.draws import pair_ids, states
from xlcorpus.generate.operators import FEW_WORDS, MADE, REASONS, Made, Operator
from xlcorpus.generate.options import NEXT_SENTENCE, GenerateOptions
from xlcorpus.generate.shuffle import shuffle
from xlcorpus.generate.source import Source, source_of
from xlcorpus.generate.spans import next_sentences, span
from xlcorpus.generate.typo import typo
from xlcorpus.tags.columns import label_columns
from xlcorpus.text.labels import UNKNOWN_LANGUAGE
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS, SentenceBreaker
from xlcorpus.text.slices import pieces

STEP_NAME = "generate"
OPERATORS: Mapping[str, Operator] = {"crop": crop, "typo": typo, "shuffle": shuffle, "span": span}
_FIELDS = {field.name: field for field in load_schema("pair").fields}
_PROVENANCE = ("source", "origin", "url", "timestamp", "license")  # columns of documents that are of their pairs too
_LEAST_SENTENCES = 2

Offered = Callable[[np.ndarray, int], pa.Array]  # rows of the batch, copy -> what another text offers each


def purpose_of(options: GenerateOptions, seed: int) -> str:
    """What the numbers of an operator are drawn for; other options change what becomes of them."""
    return f"{STEP_NAME}/{options.operator}/{seed}"


def _purpose_of_ids(options: GenerateOptions, seed: int) -> str:
    """What ids are drawn for: pairs made in two ways of one operator are other rows, which one mix may hold."""
    changed = options.model_dump(mode="json", exclude_defaults=True, exclude={"operator", "copies"})
    return "/".join([purpose_of(options, seed), *(f"{name}={value}" for name, value in sorted(changed.items()))])


def breaker_of(options: GenerateOptions) -> SentenceBreaker | None:
    """The sentence breaker that is asked for."""
    return SENTENCE_BREAKERS.find(options.sentence_breaker) if options.sentence_breaker else None


def check_columns(schema: pa.Schema, where: str) -> None:
    """Raise UserError, naming the dataset and the column, where one is missing that pairs are made of."""
    require_column(schema, "text", where)
    remedy = f"add it with `xlcorpus identify {where} --output ...` and make the pairs of that dataset"
    require_column(schema, "lang", where, remedy=remedy)


def sources(batch: pa.RecordBatch, options: GenerateOptions) -> Iterator[tuple[int, Source]]:
    """The texts of a batch in pieces that fit a core's cache, with the row that each begins at."""
    breaker = breaker_of(options)
    for start, texts in pieces(text_column(batch)):
        yield start, source_of(texts, breaker)


def generate_batch(
    batch: pa.RecordBatch,
    options: GenerateOptions,
    seed: int,
    *,
    offered: Offered | None = None,
    keep_text: bool = False,
) -> Result:
    """Pairs of a batch of documents (doc_id, text, lang, origin; mix_epoch if it has it), `copies` of each.

    Rows: schema pair-1, the languages of both sides that of the document, pair_kind, pair_doc_id (the document), of
    next-sentence is_next, and the user's columns. Decisions: too_few_words, too_few_sentences (score: how many,
    threshold: the least), nothing_to_change, no_other_document; of a document without any pair, for its first. counts:
    `pairs`, and those that could not be made, by reason (`not_made`). offered: for next-sentence.
    """
    check_columns(batch.schema, "this batch")
    purpose = purpose_of(options, seed)
    reasons = np.zeros((options.copies, batch.num_rows), dtype=np.int64)
    found = np.zeros(batch.num_rows, dtype=np.int64)
    sides: list[tuple[np.ndarray, int, Made, np.ndarray]] = []
    for start, source in sources(batch, options):
        rows = np.arange(start, start + len(source))
        for copy in range(options.copies):
            drawn = states(batch, purpose, copy)[rows]
            made, follows = _made(source, drawn, options, offered, rows, copy)
            reasons[copy, rows], found[rows] = made.reasons, made.found
            sides.append((rows[made.reasons == MADE], copy, made, follows))
    pairs = _pairs(batch, options, _purpose_of_ids(options, seed), sides)
    left = np.flatnonzero((reasons != MADE).all(axis=0))
    why = reasons[0, left]
    words = why == FEW_WORDS
    decisions = decide(
        batch.take(pa.array(left)),
        STEP_NAME,
        pa.array(REASONS).take(pa.array(why)),
        score=found[left].astype(np.float64),
        threshold=np.where(words, options.min_words, _LEAST_SENTENCES).astype(np.float64),
        keep_text=keep_text,
    )
    missing = np.bincount(reasons[reasons != MADE], minlength=len(REASONS)).tolist()
    counts: Counts = {"pairs": pairs.num_rows}
    counts["not_made"] = {name: count for name, count in zip(REASONS, missing, strict=True) if count}
    repeated = pairs.num_rows + len(left) - batch.num_rows
    return Result(pairs, decisions, counts=counts, rows_in=batch.num_rows, repeated=repeated)


def _made(
    source: Source, drawn: np.ndarray, options: GenerateOptions, offered: Offered | None, rows: np.ndarray, copy: int
) -> tuple[Made, np.ndarray]:
    if options.operator != NEXT_SENTENCE:
        return OPERATORS[options.operator](source, drawn, options), np.zeros(0, dtype=bool)
    assert offered is not None
    both = next_sentences(source, drawn, options, offered(rows, copy))
    return both.made, both.follows


def _pairs(
    batch: pa.RecordBatch,
    options: GenerateOptions,
    purpose: str,
    sides: list[tuple[np.ndarray, int, Made, np.ndarray]],
) -> pa.RecordBatch:
    """The rows of all copies, those of a document one after the other."""
    rows = np.concatenate([one[0] for one in sides] or [np.zeros(0, dtype=np.int64)])
    copies = np.concatenate([np.full(len(one[0]), one[1]) for one in sides] or [rows])
    order = np.lexsort((copies, rows))
    place = pa.array(order)
    ids = pa.concat_arrays([pair_ids(batch, purpose, copy) for copy in range(options.copies)])
    of = pa.array(rows[order])
    lang = _known(text_or_empty(batch, "lang")).take(of)
    texts = [
        pa.concat_arrays([pa.array([], pa.string()), *(getattr(one[2], side) for one in sides)]).take(place)
        for side in ("src", "tgt")
    ]
    columns: dict[str, pa.Array] = {
        "doc_id": ids.take(pa.array((copies * batch.num_rows + rows)[order])),
        **dict(zip(("src", "tgt"), texts, strict=True)),
        "src_lang": lang,
        "tgt_lang": lang,
        **{name: batch.column(name).take(of) for name in _PROVENANCE if name in batch.schema.names},
        "pair_kind": repeat(options.operator, len(order)),
        "pair_doc_id": batch.column("doc_id").take(of),
    }
    if options.operator == NEXT_SENTENCE:
        columns["is_next"] = pa.array(np.concatenate([one[3] for one in sides] or [np.zeros(0, dtype=bool)])).take(
            place
        )
    for name in _of_user(batch.schema):
        columns[free_name(name, columns) if name in _FIELDS else name] = batch.column(name).take(of)
    return pa.RecordBatch.from_pydict(columns)


def _known(labels: pa.Array) -> pa.Array:
    """string[n]: labels, `und` for an empty one."""
    values = labels.dictionary_encode()
    names = [name or UNKNOWN_LANGUAGE for name in values.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(values.indices)


def labels_of_text(schema: pa.Schema) -> list[str]:
    """Columns of labels: they go by the words and places of the document, which are not those of its parts."""
    return list(label_columns(schema).all)


def _of_user(schema: pa.Schema) -> list[str]:
    """Columns that no step of ours made: what is known of a document (quality, duplicates, labels of its words) is not
    of its parts."""
    ours = load_schema("document").names | load_schema("quality").names | set(labels_of_text(schema))
    return [name for name in schema.names if name not in ours and not name.startswith("mix_")]
