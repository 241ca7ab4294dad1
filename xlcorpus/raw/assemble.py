"""Records put together as a kernel's results: rows with ids, decisions and rejects in batches, and nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import batch_of, put_columns, value_bytes
from xlcorpus.dataset.decisions import DECISION, decide, empty, reject, repeat
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.languages import Languages
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.rejects import Decision, Reject, excerpt, in_order
from xlcorpus.raw.text_values import check_texts
from xlcorpus.text.hashes import digests_of

STEP = "ingest"
BATCH_ROWS = 4096
BATCH_BYTES = 16 << 20
ORIGIN = DECISION.field("origin").type
DOC_ID = DECISION.field("doc_id").type
_LANGUAGES = ("src_lang", "tgt_lang")


def key_of(source: str, name: str, fingerprints: Sequence[str], reading: Sequence[str] = ()) -> bytes:
    """What the ids of a file's records are made of, but for the locator: these strings, each followed by NUL.

    fingerprints: of the file's bytes, xxh3-128 in hex; two of parallel files. With them the records of two files that
    have one name in two folders have ids of their own, and those of one file the same ids in every ingest.
    reading: `ReadOptions.reading`.
    """
    return "\0".join((source, name, *fingerprints, *reading, "")).encode("utf-8", "surrogatepass")


def doc_ids(keys: Sequence[bytes]) -> pa.Array:
    """binary[16][n]: xxh3-128 of each key, which is `key_of` the file and the locator in decimal digits."""
    return pa.Array.from_buffers(DOC_ID, len(keys), [None, pa.py_buffer(digests_of(keys))])


def origins(names: pa.Array, offsets: pa.Array) -> pa.Array:
    """struct<file, offset>[n] of names string[n] and locators int64[n]."""
    return pa.StructArray.from_arrays([names, offsets], fields=list(ORIGIN))


def decision_rows(identified: Mapping[str, pa.Array], decisions: Sequence[Decision]) -> pa.RecordBatch:
    """Decision rows (decision-1), with texts. identified: doc_id and origin of each."""
    columns = {
        "doc_id": identified["doc_id"],
        "origin": identified["origin"],
        "text": pa.array([one.text for one in decisions], pa.string()),
        "lang": pa.array([one.lang for one in decisions], pa.string()),
    }
    return decide(
        pa.RecordBatch.from_pydict(columns),
        STEP,
        pa.array([one.reason for one in decisions], pa.string()),
        score=pa.array([one.score for one in decisions], pa.float64()),
        threshold=pa.array([one.threshold for one in decisions], pa.float64()),
        keep_text=True,
    )


def reject_rows(origin: pa.Array, rejects: Sequence[Reject], places: Sequence[str]) -> pa.RecordBatch:
    """Reject rows (reject-1) of records that could not be read; they have no doc_id. places: of each, for people."""
    columns = {
        "doc_id": pa.nulls(len(rejects), DOC_ID),
        "origin": origin,
        "text": pa.array([excerpt(one.excerpt) for one in rejects], pa.string()),
    }
    messages = [f"{place}: {one.message}" for place, one in zip(places, rejects, strict=True)]
    messages = [one.encode("utf-8", "replace").decode() for one in messages]  # what Arrow cannot hold
    return reject(pa.RecordBatch.from_pydict(columns), STEP, [one.reason for one in rejects], messages)


def without_text(decisions: pa.RecordBatch | None) -> pa.RecordBatch | None:
    """Decision rows as they are written where the user did not ask for their texts."""
    if decisions is None:
        return None
    return put_columns(decisions, {"text": pa.nulls(decisions.num_rows, pa.string())})


def blank(text: pa.Array) -> np.ndarray:
    """bool[n]: texts that are empty or white space (by Unicode) alone; nulls are not blank."""
    # Few calls: each takes some microseconds, and small files come one text at a time.
    found = np.asarray(pc.utf8_is_space(text).fill_null(False)) | (np.asarray(pc.binary_length(text).fill_null(1)) == 0)
    return np.asarray(found, dtype=bool)


def _filter(
    offsets: np.ndarray, table: Mapping[str, pa.Array], keep: np.ndarray
) -> tuple[np.ndarray, dict[str, pa.Array]]:
    chosen = pa.array(np.flatnonzero(keep))
    return offsets[keep], {name: column.take(chosen) for name, column in table.items()}


class Assembler:
    """Turns columns of records into Result batches for one file and one schema; decisions have their texts.

    unit: what locators count.
    """

    def __init__(self, file: InputFile, options: ReadOptions, schema: pa.Schema, unit: str = "byte") -> None:
        self.file = file
        self.options = options
        self.schema = schema
        self.unit = unit
        self.languages = Languages(options, schema)

    def _ids(self, offsets: np.ndarray) -> dict[str, pa.Array]:
        """doc_id and origin of records at these locators."""
        key = key_of(self.file.source, self.file.name, self.file.fingerprints, self.options.reading)
        return {
            "doc_id": doc_ids([key + b"%d" % offset for offset in offsets.tolist()]),
            "origin": origins(repeat(self.file.name, len(offsets)), pa.array(offsets, pa.int64())),
        }

    def _decisions(self, decisions: Sequence[Decision]) -> pa.RecordBatch:
        return decision_rows(self._ids(np.array([one.offset for one in decisions], dtype=np.int64)), decisions)

    def _rejects(self, rejects: Sequence[Reject]) -> pa.RecordBatch:
        offsets = [one.offset for one in rejects]
        origin = origins(repeat(self.file.name, len(rejects)), pa.array(offsets, pa.int64()))
        return reject_rows(origin, rejects, [f"{self.file.name}, {self.unit} {offset:,}" for offset in offsets])

    def rejected(self, rejects: Sequence[Reject]) -> Iterator[Result]:
        """Rejects alone."""
        none = {output: pa.array([], pa.string()) for output in self.options.texts}
        yield from self.rows(np.zeros(0, dtype=np.int64), none, {}, size=0, rejects=rejects)

    def rows(
        self,
        offsets: np.ndarray,
        texts: Mapping[str, pa.Array],
        columns: Mapping[str, pa.Array],
        *,
        size: int,
        decisions: Sequence[Decision] = (),
        rejects: Sequence[Reject] = (),
    ) -> Iterator[Result]:
        """Batches of at most 4,096 rows and 16 MB; a larger document is alone in its batch.

        offsets: int64[n]; texts: by our column (`text`, or `src` and `tgt`), string[n] without nulls, or binary[n] as
        the file has them; columns: of the schema, nulls where one is missing; size: bytes of input; decisions and
        rejects: of other records of the same stretch of the file. Decisions made here: empty_text, or empty_src (both
        sides may be) and empty_tgt. Rejects made here: of binary texts those of `check_texts`; of languages (lang,
        src_lang, tgt_lang) invalid_lang, ambiguous_lang, of pairs missing_src_lang besides. The values that are wrong
        are counted under the same names.
        """
        table = {**columns, **texts}
        if any(pa.types.is_binary(column.type) for column in texts.values()):
            good, wrong_texts = check_texts(texts, offsets, self.options)
            if wrong_texts:
                rejects = in_order([*rejects, *wrong_texts])
                offsets, table = _filter(offsets, table, good)
            table |= {name: table[name].cast(pa.string()) for name in texts}
        counts: Counts = {}
        for name in self.options.languages:
            found = self.languages.of(name, table, len(offsets))
            table[name] = found.labels
            if found.wrong.any():
                rejects = in_order([*rejects, *found.rejects(offsets)])
                add_counts(counts, found.counts)
                offsets, table = _filter(offsets, table, ~found.wrong)
        first_empty = np.zeros(len(offsets), dtype=np.int8)  # number of the first text that is empty, from 1; 0: none
        for number, name in enumerate(texts, 1):
            first_empty[(first_empty == 0) & blank(table[name])] = number
        if first_empty.any():
            decisions = in_order([*decisions, *self._left_out(offsets, table, list(texts), first_empty)])
            offsets, table = _filter(offsets, table, first_empty == 0)
        yield from self._batches(offsets, table, list(decisions), list(rejects), size, counts)

    def _left_out(
        self, offsets: np.ndarray, table: Mapping[str, pa.Array], names: Sequence[str], first_empty: np.ndarray
    ) -> list[Decision]:
        """The decisions for records without a text; what is kept of a pair is both sides with a line feed between."""
        gone = np.flatnonzero(first_empty)
        chosen = pa.array(gone)
        texts = ["\n".join(sides) for sides in zip(*(table[n].take(chosen).to_pylist() for n in names), strict=True)]
        languages: list[str | None] = [None] * len(gone)
        if self.options.kind == "documents" and self.options.languages:
            languages = table["lang"].take(chosen).to_pylist()
        elif self.options.languages:
            languages = [
                "-".join(pair) for pair in zip(*(table[n].take(chosen).to_pylist() for n in _LANGUAGES), strict=True)
            ]
        return [
            Decision(offset, f"empty_{names[number - 1]}", text, lang=lang)
            for offset, number, text, lang in zip(
                offsets[gone].tolist(), first_empty[gone].tolist(), texts, languages, strict=True
            )
        ]

    def _batches(
        self,
        offsets: np.ndarray,
        table: Mapping[str, pa.Array],
        decisions: list[Decision],
        rejects: list[Reject],
        size: int,
        counts: Counts,
    ) -> Iterator[Result]:
        count = len(offsets)
        documents = self._documents(offsets, table)
        if count <= BATCH_ROWS and documents.get_total_buffer_size() + 64 * count <= BATCH_BYTES:
            weights = np.arange(1, count + 1)  # all of them are one batch, whatever they weigh
        else:
            weights = np.cumsum(_weights(documents))
        start = 0
        first = True
        while first or start < count or decisions or rejects:
            before = int(weights[start - 1]) if start else 0
            stop = int(np.searchsorted(weights, before + BATCH_BYTES, side="right")) if count else 0
            stop = min(max(stop, start + 1), start + BATCH_ROWS, count)
            now, decisions = decisions[:BATCH_ROWS], decisions[BATCH_ROWS:]
            failed, rejects = rejects[:BATCH_ROWS], rejects[BATCH_ROWS:]
            part = documents.slice(start, stop - start)
            yield Result(
                rows=part,
                decisions=self._decisions(now) if now else None,
                rejects=self._rejects(failed) if failed else None,
                counts=counts if first else {},
                rows_in=part.num_rows + len(now) + len(failed),
                bytes_in=size if first else 0,
            )
            start, first = stop, False

    def _documents(self, offsets: np.ndarray, table: Mapping[str, pa.Array]) -> pa.RecordBatch:
        count = len(offsets)
        if count == 0:
            return empty(self.schema)
        ours = self._ids(offsets) | {"source": repeat(self.file.source, count)}
        return batch_of(self.schema, {**table, **ours}, count)


def _weights(batch: pa.RecordBatch) -> np.ndarray:
    """int64[n]: about how many bytes each row takes."""
    weights = np.full(batch.num_rows, 64, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_nested(column.type) or pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            weights += value_bytes(column)
    return weights
