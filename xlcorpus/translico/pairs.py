"""The TransliCo view: pairs of a sentence and its romanisation (Liu, Ma, Ye and Schuetze 2024, arXiv:2401.06620).

The paper draws 5 % of its corpus as sentences and romanises each, Latin ones too. How it draws them is not published;
here it is by the hash of the text, so that the same documents give the same pairs whatever the order and the runner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.dataset import Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import decide, empty, reject
from xlcorpus.dataset.kept import ROW, Kept, with_kept
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.text.romanizer import Tool
from xlcorpus.text.tables import table_lines
from xlcorpus.translico.choose import Group
from xlcorpus.translico.sentences import Found, as_documents, columns_of, find_sentences, groups_of, one_line

PAIR = load_schema("translico").arrow
STEP_NAME = "romanize"
NOTHING = Kept()
_TABLE_ROWS = 40

CodeOf = Callable[[str | None], str | None]  # label of a language -> the code that the tool is given
CountsOf = Callable[[Tool, pa.Array, pa.Array], Counts]  # what a tool says of sentences and their readings


def _no_counts(tool: Tool, texts: pa.Array, made: pa.Array) -> Counts:
    return {}


DUPLICATE, DISTINCT, CHOSEN = 0, 1, 2  # states of a sentence
_REASONS = np.array(["no_sentence", "duplicate_sentences", "not_sampled", "no_romanization"])


def make_pairs(
    batch: pa.RecordBatch,
    found: Found,
    states: np.ndarray,
    tool: Tool,
    code_of: CodeOf,
    *,
    keep_text: bool = False,
    counts_of: CountsOf = _no_counts,
    numbered: bool = False,
) -> Result:
    """Romanise the chosen sentences of a batch: pairs (translico-1), decisions, rejects; states: int8[sentences].

    A document without a pair gets one decision, for the stage that its furthest sentence reached, or a reject where
    the tool failed on that sentence. A pair is left out where the romanisation is empty, of signs that have none, or
    None, of a language or script that the tool does not know. counts: sentences by language and script (`groups`) and
    those that no pair is made of, by reason (`left_out`), and what `counts_of` says of the pairs. numbered: with a
    column `ROW`, the document of each pair.
    """
    groups = groups_of(batch)
    chosen = np.flatnonzero(states == CHOSEN)
    rows = found.rows[chosen].tolist()
    codes = [code_of(groups[row][0]) for row in rows]
    latn: list[str | None] = []
    failures: list[tuple[int, Exception]] = []
    for text, row, code in zip(found.texts.take(pa.array(chosen)).to_pylist(), rows, codes, strict=True):
        try:
            latn.append(tool.romanize(text, code, groups[row][1]))
        except (UserError, MemoryError):
            raise
        except Exception as error:
            failures.append((row, error))
            latn.append(None)
    lines = one_line(pa.array(latn, pa.string()))
    written = pc.fill_null(pc.not_equal(lines, ""), False)
    keep = pa.array(chosen).filter(written)
    of_pair = pa.array(found.rows).take(keep)
    pairs = pa.RecordBatch.from_arrays(
        [
            found.pair_ids.take(keep),
            found.texts.take(keep),
            lines.filter(written),
            *(batch.column(name).take(of_pair).cast(pa.string()) for name in ("lang", "script")),
            batch.column("doc_id").take(of_pair),
            pa.array(found.index).take(keep),
            *(pa.array([value] * len(keep), pa.string()) for value in (tool.name, tool.version)),
            pa.array(codes, pa.string()).filter(written),
        ],
        schema=PAIR,
    )
    if numbered:
        pairs = put_columns(pairs, {ROW: of_pair})
    left_out = found.left_out + Counter(
        duplicate=int((states == DUPLICATE).sum()),
        tool_failed=len(failures),
        no_romanization=len(chosen) - len(keep) - len(failures),
    )
    counted = {"distinct": found.rows[states >= DISTINCT].tolist(), "asked": rows, "written": of_pair.to_pylist()}
    decisions, rejects = _explain(batch, found, states, of_pair.to_numpy(), dict(reversed(failures)), keep_text)
    return Result(
        pairs,
        decisions,
        rejects,
        {"groups": _by_group(groups, counted), "left_out": dict(left_out)}
        | counts_of(tool, pairs.column("text"), pairs.column("text_latn")),
        rows_in=batch.num_rows,
        repeated=len(pairs) + len(decisions) + len(rejects) - batch.num_rows,
    )


def _explain(
    batch: pa.RecordBatch,
    found: Found,
    states: np.ndarray,
    paired: np.ndarray,
    failures: Mapping[int, Exception],
    keep_text: bool,
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """A decision or a reject for each document without a pair. paired: int64[pairs], documents; failures: the first
    of each document."""
    stage = np.full(batch.num_rows, -1, dtype=np.int64)
    np.maximum.at(stage, found.rows, states)
    stage[np.unique(paired)] = CHOSEN + 1
    failed = np.zeros(batch.num_rows, dtype=bool)
    failed[list(failures)] = True
    failed &= stage <= CHOSEN
    gone = (stage <= CHOSEN) & ~failed
    reasons = np.where(found.latin, "latin", _REASONS[np.minimum(stage, CHOSEN) + 1])[gone]
    errors = [failures[row] for row in np.flatnonzero(failed).tolist()]
    return (
        decide(batch.filter(pa.array(gone)), STEP_NAME, pa.array(reasons, pa.string()), keep_text=keep_text),
        reject(
            batch.filter(pa.array(failed)),
            STEP_NAME,
            [type(error).__name__ for error in errors],
            [str(error)[:500] for error in errors],
        ),
    )


def _by_group(groups: Sequence[Group], counted: Mapping[str, Sequence[int]]) -> Counts:
    """Language -> script -> name -> how many of these documents' sentences; '' where a document has none."""
    counts: Counts = {}
    for name, rows in counted.items():
        for (lang, script), number in Counter(groups[row] for row in rows).items():
            counts.setdefault(lang or "", {}).setdefault(script or "", {})[name] = number
    return counts


def pairs_of_shard(
    shard: Shard | Location,
    states_file: Location,
    tool: Tool,
    code_of: CodeOf,
    *,
    include_latin: bool = True,
    sentence_breaker: str | None = None,
    keep_text: bool = False,
    counts_of: CountsOf = _no_counts,
    kept: Kept = NOTHING,
    side: str | None = None,
) -> Iterator[Result]:
    """Pass 3: the shard once more, split as it was, batch by batch. At least one, so that the columns are known.

    kept: columns of the document that a pair has besides; side: of sentence pairs, what is read.

    Raises IntegrityError where a sentence was chosen that the shard does not hold.
    """
    known = read_beside(states_file) if storage.is_file(states_file) else None
    rows = known.column("row").to_numpy() if known is not None else np.zeros(0, dtype=np.int64)
    chosen = known.column("chosen").to_numpy(zero_copy_only=False) if known is not None else np.zeros(0, dtype=bool)
    start = 0
    for whole in read_batches(shard, list(dict.fromkeys([*columns_of(side), *kept.wanted]))):
        batch = as_documents(whole, side)
        found = find_sentences(batch, include_latin=include_latin, sentence_breaker=sentence_breaker)
        states = np.zeros(len(found.texts), dtype=np.int8)
        first, stop = np.searchsorted(rows, [start, start + len(states)])
        states[rows[first:stop] - start] = np.where(chosen[first:stop], CHOSEN, DISTINCT)
        made = make_pairs(
            batch, found, states, tool, code_of, keep_text=keep_text, counts_of=counts_of, numbered=bool(kept)
        )
        yield from with_kept(made, kept.of(whole)) if kept else (made,)
        start += len(states)
    if start == 0:
        yield Result(empty(pa.schema([*PAIR, *kept.schema(shard_fields(shard))])), rows_in=0)
    if len(rows) and rows[-1] >= start:
        raise IntegrityError(
            f"{shard} has {start} sentences, {rows[-1] + 1} were listed", remedy="run again with --overwrite"
        )


def notes_of(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Notes for the manifest from the counts of `make_pairs`: sentences by language and script, and those left out."""
    groups = [
        {"lang": lang or None, "script": script or None}
        | {name: numbers.get(name, 0) for name in ("distinct", "asked", "written")}
        for lang, scripts in sorted(counts.get("groups", {}).items())
        for script, numbers in sorted(scripts.items())
    ]
    left_out = {name: count for name, count in sorted(counts.get("left_out", {}).items()) if count}
    return {"view": "translico", "groups": groups, "left_out": left_out, "table": pair_table(groups)}


def pair_table(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Distinct sentences, and pairs asked and written, a line for each (language, script), the largest ones."""
    cells = [["lang", "script", "distinct", "asked", "written"]]
    shown = sorted(groups, key=lambda row: (-row["written"], row["lang"] or "", row["script"] or ""))[:_TABLE_ROWS]
    for row in shown:
        names = [row["lang"] or "(none)", row["script"] or "(none)"]
        cells.append([*names, *(f"{row[name]:,}" for name in ("distinct", "asked", "written"))])
    if len(groups) > len(shown):
        rest = [sum(row[name] for row in groups) - sum(row[name] for row in shown) for name in cells[0][2:]]
        cells.append([f"{len(groups) - len(shown)} more", "", *(f"{value:,}" for value in rest)])
    cells.append(["total", "", *(f"{sum(row[name] for row in groups):,}" for name in cells[0][2:])])
    return table_lines(cells, right=(2, 3, 4))
