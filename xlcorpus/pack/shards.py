"""The shards of a dataset as packs or rows of a view: one task, in the order of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.pack.byte_view import ByteBudget
from xlcorpus.pack.counts import PackCounts
from xlcorpus.pack.languages import NO_SCRIPT, LanguageIds, script_names
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.rows import PACK, TASK_ROWS
from xlcorpus.pack.settings import PackSettings
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.pack.views import ViewCounts, ViewSettings, view_rows
from xlcorpus.tokenizer.open import open_once

# doc_id to origin for decisions, the texts, and what labels a row.
_DOCUMENT = ("doc_id", "text", "origin", "lang", "script", "kind")


@dataclass
class Made:
    """Rows of a batch, decisions, and how many rows of the input they stand for."""

    rows_in: int
    rows: list[pa.RecordBatch] = field(default_factory=list)
    decisions: list[pa.RecordBatch] = field(default_factory=list)


@dataclass(frozen=True)
class CountShard:
    """What a shard holds: bytes of text by language for byte budgets, and what there is to number.

    bytes: whether to count them; labels: columns of labels that are numbered; scripts: whether scripts are.
    """

    bytes: bool = False
    labels: tuple[str, ...] = ()
    scripts: bool = False

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """Content: path, columns, rows. The record: `bytes` by label, `labels` and `scripts` sorted."""
        counts: Counter[str] = Counter()
        labels: set[str] = set()
        scripts: set[str] = set()
        columns = set(content["columns"])
        wanted = {"text", "lang"} if self.bytes else set()
        wanted |= {*self.labels, *(("script", "kind") if self.scripts else ())}
        given = [name for name in self.labels if name in columns]
        if len(given) < len(self.labels):
            labels.add("")  # rows without a label are und
            scripts.add(NO_SCRIPT)
        for batch in read_batches(Path(content["path"]), sorted(wanted & columns)) if wanted & columns else ():
            if self.bytes:
                counts.update(_bytes_by_label(batch))
            for name in given:
                langs = batch.column(name).cast(pa.string())
                labels.update(pc.unique(pc.fill_null(langs, "")).to_pylist())
                further = [column_or_null(batch, column, pa.string()) for column in ("script", "kind")]
                found = script_names(langs, *further) if self.scripts else script_names(langs)
                scripts.update(pc.unique(found).to_pylist())
        return {
            "rows_in": content["rows"],
            "bytes": {name: counts[name] for name in sorted(counts)},
            "labels": sorted(labels),
            "scripts": sorted(scripts),
        }


def _bytes_by_label(batch: pa.RecordBatch) -> dict[str, int]:
    sizes = pc.fill_null(pc.binary_length(batch.column("text")), 0).to_numpy(zero_copy_only=False)
    langs = pc.fill_null(batch.column("lang").cast(pa.string()), "").dictionary_encode()
    sums = np.zeros(len(langs.dictionary), dtype=np.int64)
    np.add.at(sums, langs.indices.to_numpy(zero_copy_only=False), sizes)
    return dict(zip(langs.dictionary.to_pylist(), sums.tolist(), strict=True))


def number_languages(counted: Sequence[Mapping[str, Any]], base: LanguageIds | None) -> LanguageIds:
    """Numbers of all labels and scripts in the records of `CountShard`."""
    labels = {label for record in counted for label in record["labels"]}
    scripts = {script for record in counted for script in record["scripts"]}
    return LanguageIds.build(labels, scripts=scripts, base=base)


@dataclass(frozen=True)
class PackDocuments:
    """Documents to packs. languages: packs are pure, with these numbers; budgets: bytes to take of each task."""

    tokenizer: str
    settings: PackSettings
    languages: LanguageIds | None = None
    budgets: tuple[Mapping[str, int], ...] | None = None
    cut: str = "byte"
    keep_text: bool = False
    schema: pa.Schema = PACK

    def run(self, number: int, content: Mapping[str, Any], counts: PackCounts) -> Iterator[Made]:
        """What each batch of the shard gives, and last what waited; adds to counts."""
        tokenizer = open_once(self.tokenizer)
        packer = Packer(self.settings, number, self.languages)
        budget = None if self.budgets is None else ByteBudget(self.budgets[number], cut=self.cut)
        wanted = [name for name in _DOCUMENT if name in content["columns"]]
        for batch in read_batches(Path(content["path"]), wanted):
            made = Made(batch.num_rows)
            keep = None
            if budget is not None:
                taken = budget.take(batch, keep_text=self.keep_text)
                batch, keep = taken.documents, taken.keep
                made.decisions.append(taken.decisions)
            tokenized = tokenize_batch(batch, tokenizer, self.settings, keep=keep, keep_text=self.keep_text)
            made.decisions.append(tokenized.decisions)
            made.rows += packer.add(tokenized.documents)
            yield made
        yield Made(0, list(packer.finish()))
        counts.add(packer.counts)


@dataclass(frozen=True)
class PackView:
    """Pairs or triples to rows of a view."""

    tokenizer: str
    settings: ViewSettings
    languages: LanguageIds | None = None
    keep_text: bool = False

    @property
    def schema(self) -> pa.Schema:
        """Columns of the rows."""
        return self.settings.spec.schema

    def run(self, number: int, content: Mapping[str, Any], counts: ViewCounts) -> Iterator[Made]:
        """What each batch of the shard gives; adds to counts."""
        tokenizer, first = open_once(self.tokenizer), number * TASK_ROWS
        for batch in read_batches(Path(content["path"])):
            found = view_rows(batch, tokenizer, self.settings, first, self.languages, keep_text=self.keep_text)
            first += found.rows.num_rows
            counts.add(found.counts)
            yield Made(batch.num_rows, [found.rows], [found.decisions])
