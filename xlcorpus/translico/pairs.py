"""The TransliCo view: pairs of a sentence and its romanisation (Liu, Ma, Ye and Schuetze 2024, arXiv:2401.06620).

The paper draws 5 % of its corpus as sentences and romanises each, Latin ones too. How it draws them is not published;
here it is by the hash of the text, so that the same documents give the same pairs whatever the order and the runner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dataset.decisions import DECISION, REJECT, decide, empty, reject
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import write_arrow
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.romanize.tools import COLUMNS, Tool, language_code
from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.sentences import sentences
from xlcorpus.translico.choose import LISTED, Group, list_file, state_file

PAIR = load_schema("translico").arrow
STEP_NAME = "romanize"
PIECE_BYTES = 1 << 20  # of text that is split at once: its arrays take about 30 times as much
_COLUMNS = ("doc_id", "text", "lang", "script", "origin")
_TABLE_ROWS = 40
# White space of any script and what else str.splitlines breaks at.
_WHITESPACE = r"[\s\p{Z}\x{0B}\x{1C}-\x{1F}\x{85}]+"


@dataclass(frozen=True)
class PairSettings:
    """What the passes share. lcode: `none` (as in the paper), an ISO 639-3 code, or else each document's own."""

    share: float = 0.05
    floor: int = 1000
    include_latin: bool = True
    lcode: str = "auto"
    min_chars: int = 5
    max_chars: int = 1000
    seed: int = 0


def check_columns(schema: pa.Schema, where: str) -> None:
    """Raise UserError, naming the dataset and the column, where one is missing that pairs are made of."""
    for name in ("text", "lang", "script"):
        if schema.get_field_index(name) < 0:
            raise UserError(
                f"{where} has no column {name!r}: pairs are drawn by language and script",
                remedy=f"add it with `xlcorpus identify {where} --output ...` and make the view of that dataset"
                if name != "text"
                else "name the text's column when the dataset is made: xlcorpus ingest --text-column NAME",
            )


def check_tool(name: str) -> None:
    """Raise UserError where the tool of this name writes something else than Latin script."""
    column = COLUMNS.get(name, "text_latn")
    if column != "text_latn":
        raise UserError(
            f"the tool {name} writes {column}, the view pairs a text with text_latn", remedy="--tool uroman, or icu"
        )


def one_line(texts: pa.Array) -> pa.Array:
    """Each run of white space as one space, none at the ends. string[n]."""
    return pc.utf8_trim(pc.replace_substring_regex(texts, pattern=_WHITESPACE, replacement=" "), characters=" ")


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
        digests = [xxhash.xxh3_128_digest(text) for text in self.texts.cast(pa.binary()).to_pylist()]
        return pa.array(digests, pa.binary(16))


def find_sentences(batch: pa.RecordBatch, settings: PairSettings) -> Found:
    """The sentences of a batch of documents (text, script) that have letters and a length within the limits."""
    script = batch.column("script")
    latin = pc.fill_null(pc.equal(script, "Latn"), False).to_numpy(zero_copy_only=False)
    latin = latin if not settings.include_latin else np.zeros(batch.num_rows, dtype=bool)
    texts = pc.if_else(pa.array(latin), pa.scalar(None, batch.column("text").type), batch.column("text"))
    parts, left_out = [], Counter[str]()
    weights = np.cumsum(pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    cuts = np.flatnonzero(np.diff(weights // PIECE_BYTES)) + 1
    for first, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), batch.num_rows], strict=True):
        found, rows, index = _split(texts.slice(first, stop - first), settings, left_out)
        parts.append((found, rows + first, index))
    return Found(
        pa.concat_arrays([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        latin,
        left_out,
    )


def _split(texts: pa.Array, settings: PairSettings, left_out: Counter[str]) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    points = code_points(texts)
    spans = sentences(points)
    whole = points.codes.tobytes().decode("utf-32-le")
    cut = zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    found = one_line(pa.array([whole[start:end] for start, end in cut], pa.string()))
    lengths = pc.utf8_length(found).to_numpy(zero_copy_only=False)
    letters = np.concatenate([[0], np.cumsum(properties.letters()[points.codes])])
    lettered = letters[spans.ends] > letters[spans.starts]
    short, long = lettered & (lengths < settings.min_chars), lettered & (lengths > settings.max_chars)
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

    folder: Path
    settings: PairSettings

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """The record holds the number of sentences, and the groups in the shard's own numbering."""
        path = Path(content["path"])
        numbers: dict[Group, int] = {}
        counts = Counter[str]()

        def listed() -> Iterator[pa.RecordBatch]:
            for batch in read_batches(path, _COLUMNS):
                found = find_sentences(batch, self.settings)
                of_document = [numbers.setdefault(group, len(numbers)) for group in groups_of(batch)]
                counts.update(documents=batch.num_rows, sentences=len(found.texts))
                rows = pa.array(found.rows)
                groups = pa.array(of_document, pa.int32()).take(rows)
                columns = [found.pair_ids, batch.column("doc_id").take(rows), groups, pa.array(found.index)]
                yield pa.RecordBatch.from_arrays(columns, schema=LISTED)

        write_arrow(list_file(self.folder, number), LISTED, listed())
        return {
            "rows_in": counts["documents"],
            "rows_out": counts["documents"],
            "bytes_in": path.stat().st_size,
            "sentences": counts["sentences"],
            "groups": [list(group) for group in numbers],
        }


@dataclass
class PairCounts:
    """What became of sentences: by (language, script) distinct, asked and written; and those left out, by reason."""

    groups: dict[Group, Counter[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    def count(self, name: str, groups: Iterable[Group]) -> None:
        """Add one to the count `name` of each group."""
        for group, number in Counter(groups).items():
            self.groups.setdefault(group, Counter())[name] += number

    def to_json(self) -> dict[str, Any]:
        """The entry in sidecars and in the manifest's notes, groups in order."""
        ordered = sorted(self.groups.items(), key=lambda item: (item[0][0] or "", item[0][1] or ""))
        names = ("distinct", "asked", "written")
        return {
            "groups": [
                {"lang": lang, "script": script} | {name: counts[name] for name in names}
                for (lang, script), counts in ordered
            ],
            "left_out": {name: count for name, count in sorted(self.left_out.items()) if count},
        }

    def add(self, value: Mapping[str, Any]) -> None:
        """Add what `to_json` gave."""
        for row in value["groups"]:
            counts = {name: row[name] for name in ("distinct", "asked", "written")}
            self.groups.setdefault((row["lang"], row["script"]), Counter()).update(counts)
        self.left_out.update(value["left_out"])


@dataclass(frozen=True)
class Pairs:
    """Pairs of a batch of documents (schema translico-1), and decision and reject rows of documents without any."""

    documents: int
    pairs: pa.RecordBatch
    decisions: pa.RecordBatch
    rejects: pa.RecordBatch

    @property
    def repeated(self) -> int:
        """Pairs beyond the first of each document."""
        return self.pairs.num_rows + self.decisions.num_rows + self.rejects.num_rows - self.documents


DUPLICATE, DISTINCT, CHOSEN = 0, 1, 2  # states of a sentence
_REASONS = np.array(["no_sentence", "duplicate_sentences", "not_sampled", "no_romanization"])


def make_pairs(
    batch: pa.RecordBatch,
    found: Found,
    states: np.ndarray,
    tool: Tool,
    settings: PairSettings,
    counts: PairCounts,
    *,
    keep_text: bool = False,
) -> Pairs:
    """Romanise the chosen sentences of a batch; states: int8[sentences]. `counts` is added to.

    A document without a pair gets one decision, for the stage that its furthest sentence reached, or a reject where
    the tool failed on that sentence. A pair is left out where the romanisation is empty, of signs that have none, or
    None, of a language or script that the tool does not know.
    """
    groups = groups_of(batch)
    counts.left_out.update(found.left_out)
    counts.left_out["duplicate"] += int((states == DUPLICATE).sum())
    counts.count("distinct", (groups[row] for row in found.rows[states >= DISTINCT].tolist()))
    chosen = np.flatnonzero(states == CHOSEN)
    rows = found.rows[chosen].tolist()
    counts.count("asked", (groups[row] for row in rows))
    codes = [language_code(groups[row][0], settings.lcode, tool.name) for row in rows]
    latn: list[str | None] = []
    failures: dict[int, Exception] = {}
    failed_pairs = 0
    for text, row, code in zip(found.texts.take(pa.array(chosen)).to_pylist(), rows, codes, strict=True):
        try:
            latn.append(tool.romanize(text, code, groups[row][1]))
        except (UserError, MemoryError):
            raise
        except Exception as error:
            failures.setdefault(row, error)
            failed_pairs += 1
            latn.append(None)
    lines = one_line(pa.array(latn, pa.string()))
    written = pc.fill_null(pc.not_equal(lines, ""), False)
    keep = pa.array(chosen).filter(written)
    counts.left_out.update(tool_failed=failed_pairs, no_romanization=len(chosen) - len(keep) - failed_pairs)
    of_pair = pa.array(found.rows).take(keep)
    counts.count("written", (groups[row] for row in of_pair.to_pylist()))
    pairs = pa.RecordBatch.from_arrays(
        [
            found.pair_ids.take(keep) if len(keep) else pa.array([], pa.binary(16)),
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
    stage = np.full(batch.num_rows, -1, dtype=np.int64)
    np.maximum.at(stage, found.rows, states)
    stage[np.unique(of_pair.to_numpy())] = CHOSEN + 1
    failed = np.zeros(batch.num_rows, dtype=bool)
    failed[list(failures)] = True
    failed &= stage <= CHOSEN
    gone = (stage <= CHOSEN) & ~failed
    reasons = np.where(found.latin, "latin", _REASONS[np.minimum(stage, CHOSEN) + 1])[gone]
    decisions = decide(batch.filter(pa.array(gone)), STEP_NAME, pa.array(reasons, pa.string()), keep_text=keep_text)
    errors = [failures[row] for row in np.flatnonzero(failed).tolist()]
    rejects = reject(
        batch.filter(pa.array(failed)),
        STEP_NAME,
        [type(error).__name__ for error in errors],
        [str(error)[:500] for error in errors],
    )
    return Pairs(batch.num_rows, pairs, decisions, rejects)


def pairs_of_shard(
    number: int,
    path: Path,
    folder: Path,
    tool: Tool,
    settings: PairSettings,
    counts: PairCounts,
    *,
    keep_text: bool = False,
) -> Iterator[Pairs]:
    """Pass 3: the shard once more, split as it was, batch by batch. At least one, so that the columns are known.

    Raises IntegrityError where a sentence was chosen that the shard does not hold.
    """
    file = state_file(folder, number)
    known = read_beside(file) if file.is_file() else None
    rows = known.column("row").to_numpy() if known is not None else np.zeros(0, dtype=np.int64)
    chosen = known.column("chosen").to_numpy(zero_copy_only=False) if known is not None else np.zeros(0, dtype=bool)
    start = 0
    for batch in read_batches(path, _COLUMNS):
        found = find_sentences(batch, settings)
        states = np.zeros(len(found.texts), dtype=np.int8)
        first, stop = np.searchsorted(rows, [start, start + len(states)])
        states[rows[first:stop] - start] = np.where(chosen[first:stop], CHOSEN, DISTINCT)
        yield make_pairs(batch, found, states, tool, settings, counts, keep_text=keep_text)
        start += len(states)
    if start == 0:
        yield Pairs(0, empty(PAIR), empty(DECISION), empty(REJECT))
    if len(rows) and rows[-1] >= start:
        raise IntegrityError(
            f"{path} has {start} sentences, {rows[-1] + 1} were listed", remedy="run again with --overwrite"
        )


def notes_of(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Notes for the manifest from the counts of all tasks (`PairCounts.to_json`)."""
    total = PairCounts()
    for part in parts:
        total.add(part)
    counts = total.to_json()
    return {"view": "translico", **counts, "table": pair_table(counts["groups"])}


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
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
