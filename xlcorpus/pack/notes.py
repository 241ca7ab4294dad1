"""What the manifest notes of packing: the tokenizer, counts, padding, fertility, and some rows as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.result import Counts, add_counts
from xlcorpus.pack.facts import PackFacts, TokenizerFacts
from xlcorpus.pack.holdout import labels_of
from xlcorpus.pack.label_ids import LabelIds
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.pack_counts import PackCounts
from xlcorpus.pack.sides import VIEWS, no_side_counts
from xlcorpus.pack.templated import OTHER_KIND, columns_read, template_of
from xlcorpus.tags.counts import damage_lines
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.text.labels import UNKNOWN_LANGUAGE
from xlcorpus.text.tables import table_lines
from xlcorpus.tokenizer.measure import measure
from xlcorpus.tokenizer.objectives import shown_around, special_ids_around
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.report_table import SHORT, report_rows
from xlcorpus.tokenizer.template import Ids
from xlcorpus.tokenizer.tokenizer import Tokenizer

# Fertility is measured on the beginnings of the first texts: always the same ones, and of bounded size.
MEASURED, MEASURED_CHARACTERS, MEASURED_BYTES = 2_000, 20_000, 16 << 20
_SHOWN, _PARTS, _WIDTH = 3, 3, 70
_MEASURES = tuple(name for name in SHORT if name != "tokens")


def of_run(
    options: PackOptions,
    inputs: Sequence[Dataset],
    languages: LanguageIds | None,
    tags: LabelIds | None,
    counts: Sequence[Counts],
    made: Iterable[pa.RecordBatch],
) -> dict[str, Any]:
    """All that the manifest notes. counts: of each task; made: the rows written."""
    tokenizer = open_tokenizer(options.tokenizer)
    numbers: dict[str, Any] = {}
    if languages is not None:
        numbers = {"languages": dict(languages.languages), "scripts": dict(languages.scripts)}
    numbers |= {"labels": list(tags.names), "label_scheme": tags.style} if tags else {}
    around: tuple[Ids, Ids] = ((), ())
    if options.view is not None:
        found = side_notes(tokenizer, counts, made, VIEWS[options.view].sides)
    else:
        texts = (batch for dataset in inputs for batch in _texts(options, dataset))
        around = special_ids_around(tokenizer, options.objective, options.bos, options.eos)
        found = pack_notes(tokenizer, counts, made, texts, options.length, around)
    template = template_of(options)
    if template is not None:
        found["template"] = template.source
        found["table"] = [line for line in found["table"] if not line.startswith("each document:")]
    facts = PackFacts(TokenizerFacts.of(tokenizer), options.length, options.view, around)
    return {**facts.noted, **numbers, **found}


def _texts(options: PackOptions, dataset: Dataset) -> Iterator[pa.RecordBatch]:
    names, template = dataset.manifest.arrow_schema.names, template_of(options)
    if template is None:
        yield from dataset.batches(text_columns(names))
        return
    for batch in dataset.batches(columns_read(names, template)):
        batch = batch.filter(pa.array(template.fits(batch)))
        yield pa.RecordBatch.from_pydict({"text": template.render(batch).texts(), "lang": labels_of(batch)})


def text_columns(columns: Iterable[str]) -> list[str]:
    """Those that fertility is measured on."""
    return [name for name in ("text", "lang") if name in columns]


def pack_notes(
    tokenizer: Tokenizer,
    counts: Iterable[Counts],
    packs: Iterable[pa.RecordBatch],
    texts: Iterable[pa.RecordBatch],
    length: int,
    around: tuple[Ids, Ids] = ((), ()),
) -> dict[str, Any]:
    """counts: of each task (`PackCounts`); packs: the rows made; texts: the documents, `text_columns`; around: ids
    before and after each document."""
    total = PackCounts(**_sum(counts))
    measured = measure(tokenizer, first_texts(texts))
    rows = language_rows(total, measured)
    table = [
        *pack_lines(total, length),
        f"each document: {shown_around(tokenizer, around)}",
        "",
        *table_lines(rows, right=tuple(range(1, len(rows[0])))),
    ]
    texts_measured = pc.sum(measured["texts"]).as_py() or 0
    if 0 < texts_measured < total.documents:
        table.append(f"fertility and what is right of it: of the first {texts_measured:,} documents")
    table += ["", *decoded_packs(tokenizer, packs)]
    return {"counts": asdict(total), "padding": round(total.padding, 6), "table": table}


def side_notes(
    tokenizer: Tokenizer, counts: Iterable[Counts], rows: Iterable[pa.RecordBatch], sides: Sequence[str]
) -> dict[str, Any]:
    """counts: of each task (`sides.no_side_counts`); rows: those made."""
    total = _sum([no_side_counts(), *counts])
    return {"counts": total, "table": [*side_lines(total), "", *decoded_sides(tokenizer, rows, sides)]}


def _sum(counts: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for one in counts:
        add_counts(total, one)
    return total


def first_texts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The first 2,000 documents (text and lang), of each the first 20,000 characters, at most 16 MB in all."""
    rows, size = MEASURED, MEASURED_BYTES
    for batch in batches:
        batch = batch.slice(0, rows)
        begun = pc.utf8_slice_codeunits(batch.column("text"), 0, MEASURED_CHARACTERS)
        sizes = byte_lengths(begun)
        taken = int((np.cumsum(sizes) <= size).sum())
        rows, size = rows - taken, size - int(sizes[:taken].sum())
        yield put_columns(batch, {"text": begun}).slice(0, taken)
        if not rows or taken < len(begun):
            return


def language_rows(counts: PackCounts, measured: pa.Table) -> list[list[str]]:
    """Tokens in the packs by language, special ids included, their share, and how the tokenizer treats the language."""
    header, *cells = report_rows(measured, _MEASURES)
    of_language = {row[0]: row[1:] for row in cells}
    packed = {label or UNKNOWN_LANGUAGE: count for label, count in sorted(counts.languages.items())}
    total = max(sum(packed.values()), 1)
    rows = [["lang", "tokens in packs", "share", *header[1:]]]
    for label in sorted({*of_language, *packed}):
        count = packed.get(label, 0)
        rows.append(
            [label, f"{count:,}", f"{100 * count / total:.1f} %", *of_language.get(label, [""] * len(_MEASURES))]
        )
    return rows


def pack_lines(counts: PackCounts, length: int) -> list[str]:
    """Packs, documents, tokens and padding, in a line."""
    return [
        f"{counts.packs:,} packs of {length:,}: {counts.documents:,} documents ({counts.split:,} split), "
        f"{counts.packed:,} tokens, padding {100 * counts.padding:.2f} %",
        *([f"{rests_line(counts.rests, counts.rest_tokens)} (--rests balance keeps them)"] if counts.rests else []),
    ]


def rests_line(rests: int, tokens: int) -> str:
    """What --min-tokens, or --long truncate, left out of documents."""
    return f"{rests:,} rests of long documents left out (--min-tokens, or --long truncate), {tokens:,} tokens"


def side_lines(counts: Counts) -> list[str]:
    """Rows, what was cut, and what a mix held besides."""
    sides = ", ".join(f"{side} {tokens:,} tokens" for side, tokens in counts["tokens"].items())
    cut = f"{counts['truncated']:,} rows cut, {sum(counts['tokens_cut'].values()):,} tokens lost"
    others = ", ".join(f"{kind or 'none'} {rows:,}" for kind, rows in sorted(counts.get(OTHER_KIND, {}).items()))
    left = [f"rows of other kinds in the mix, left out: {others}"] if others else []
    rests = [rests_line(counts["rests"], counts["rest_tokens"])] if counts.get("rests") else []
    return [f"{counts['rows']:,} rows: {sides} ({cut})", *rests, *label_lines(counts), *left]


def label_lines(counts: Counts) -> list[str]:
    """Labels of tokens, and what has none, in a line; none of other views."""
    if not counts.get("label_tags"):
        return []
    tags = ", ".join(f"{tag} {count:,}" for tag, count in counts["label_tags"].items() if count)
    words = counts["label_words"]
    return [
        f"labels: {tags or 'none'}; of {words['labelled']:,} labels {words['without_piece']:,} got no piece, "
        f"{words['cut']:,} pieces with one and {words['spans_cut']:,} spans are cut; "
        f"{words['texts_without']:,} texts without labels",
        *damage_lines(counts),
    ]


def decoded_packs(tokenizer: Tokenizer, batches: Iterable[pa.RecordBatch]) -> list[str]:
    """The first packs as text: the beginning of each of their first documents."""
    lines: list[str] = []
    for row in _first_rows(batches):
        starts = [*row["doc_starts"], row["length"]]
        lines.append(f"pack {row['pack_id']}: {row['length']:,} tokens, {_documents(len(row['doc_starts']))}")
        for place in range(min(_PARTS, len(row["doc_starts"]))):
            label = row["langs"][place] or row["kinds"][place] or UNKNOWN_LANGUAGE
            offset = f" from token {row['doc_offsets'][place]:,}" if row["doc_offsets"][place] else ""
            text = _beginning(tokenizer, row["input_ids"][starts[place] : starts[place + 1]])
            lines.append(f"  {label}{offset}  {text}")
    return lines


def decoded_sides(tokenizer: Tokenizer, batches: Iterable[pa.RecordBatch], sides: Sequence[str]) -> list[str]:
    """The first rows of a view as text: the beginning of each side."""
    width = max(len(side) for side in sides)
    lines: list[str] = []
    for row in _first_rows(batches):
        lines.append(f"row {row['pack_id']}: {row['length']:,} tokens{', cut' if row['truncated'] else ''}")
        lines += [f"  {side.ljust(width)}  {_beginning(tokenizer, row[f'{side}_ids'])}" for side in sides]
    return lines


def _first_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    return islice((row for batch in batches for row in batch.slice(0, _SHOWN).to_pylist()), _SHOWN)


def _documents(count: int) -> str:
    return f"{count:,} document{'s' if count != 1 else ''}"


def _beginning(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """Some text of the first tokens; the last character may be cut where a token is a byte."""
    text = tokenizer.decode(ids[:_WIDTH])
    if len(ids) > _WIDTH:
        text = text.rstrip("\ufffd")
    text = " ".join(text.split())
    cut = len(text) > _WIDTH or len(ids) > _WIDTH
    return f"{text[:_WIDTH]}{'...' if cut else ''}"
