"""The passes of align over files: train an aligner for each pair of languages, then align each batch with its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.align.align import ALIGN, AlignmentModel, AlignOptions, align_pairs, train_aligner
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dataset.storage import fingerprint
from xlcorpus.errors import UserError
from xlcorpus.text.draws import row_states
from xlcorpus.text.properties import UNSPACED_SCRIPTS

Languages = tuple[str, str]
_UNSPACED = UNSPACED_SCRIPTS | {"Hans", "Hant", "Jpan"}  # as labels name them
_COLUMNS = ("doc_id", "src", "tgt", "src_lang", "tgt_lang")


def folder_of(folder: Path, languages: Languages) -> Path:
    """Where the model of a pair of languages lies; labels may hold any character."""
    return folder / fingerprint(languages)


def languages_of(batch: pa.RecordBatch) -> tuple[list[Languages], np.ndarray]:
    """The pairs of languages of a batch, and the number of each row's (int64[rows])."""
    sides = [pc.fill_null(batch.column(name), "") for name in ("src_lang", "tgt_lang")]
    joined = pc.binary_join_element_wise(*sides, "\t").dictionary_encode()
    labels = [tuple(label.split("\t")) for label in joined.dictionary.to_pylist()]
    return [(label[0], label[1]) for label in labels], joined.indices.to_numpy(zero_copy_only=False).astype(np.int64)


@dataclass(frozen=True)
class PairOptions:
    """AlignOptions for each two languages. auto: links of both directions alone where a side is written without spaces.

    There tokens are characters, and grow-diag-final-and links many of them wrongly: spans then begin and end within
    words. Measured on PUD English-Chinese, by reading.
    """

    options: AlignOptions
    auto: bool = True

    def of(self, languages: Languages) -> AlignOptions:
        """Those of these two languages."""
        unspaced = any(label.partition("_")[2] in _UNSPACED for label in languages)
        return replace(self.options, symmetrization="intersection") if self.auto and unspaced else self.options


@dataclass(frozen=True)
class CountLanguages:
    """Pass 1: how many pairs of each two languages a shard holds."""

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """The record holds them as [src_lang, tgt_lang, rows]."""
        counts: Counter[Languages] = Counter()
        for batch in read_batches(Path(content["path"]), ["src_lang", "tgt_lang"]):
            labels, codes = languages_of(batch)
            for label, rows in zip(labels, np.bincount(codes, minlength=len(labels)).tolist(), strict=True):
                counts[label] += rows
        return {
            "rows_in": sum(counts.values()),
            "languages": [[*label, rows] for label, rows in sorted(counts.items())],
        }


def add_languages(parts: Sequence[Sequence[Sequence[Any]]]) -> list[dict[str, Any]]:
    """The languages of all shards (see `CountLanguages`), sorted: languages and rows."""
    counts: Counter[Languages] = Counter()
    for part in parts:
        for src, tgt, rows in part:
            counts[src, tgt] += rows
    return [{"languages": list(label), "rows": rows} for label, rows in sorted(counts.items())]


@dataclass(frozen=True)
class TrainAligner:
    """Pass 2 as a task: the model of one pair of languages, of `most` of its pairs at most, drawn by hash of doc_id."""

    paths: tuple[str, ...]
    folder: Path
    options: PairOptions
    most: int
    seed: int

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """Content: languages and rows. The record says how many pairs were trained on: 0 where none has words."""
        languages: Languages = (content["languages"][0], content["languages"][1])
        source, target = self._sample(languages, content["rows"])
        try:
            model = train_aligner(source, target, self.options.of(languages))
        except UserError:  # every pair has an empty side: there is nothing to learn, and nothing to align
            return {"rows_in": len(source), "trained_on": 0}
        model.save(folder_of(self.folder, languages))
        return {"rows_in": len(source), "trained_on": model.pairs}

    def _sample(self, languages: Languages, rows: int) -> tuple[pa.Array, pa.Array]:
        """Texts of both sides; a draw of half as many again, cut to `most`, so that memory is bounded by it."""
        # 64 more: of a handful of pairs chance might otherwise draw none, and nothing would be aligned.
        bound = min(1.0, (1.5 * self.most + 64) / max(rows, 1)) * 2.0**64
        sources, targets, draws = [], [], []
        for path in self.paths:
            for batch in read_batches(Path(path), list(_COLUMNS)):
                labels, codes = languages_of(batch)
                if languages not in labels:
                    continue
                draw = row_states(batch.column("doc_id"), f"codeswitch/align/{self.seed}")
                at = np.flatnonzero((codes == labels.index(languages)) & (draw.astype(np.float64) < bound))
                sources.append(batch.column("src").take(pa.array(at)))
                targets.append(batch.column("tgt").take(pa.array(at)))
                draws.append(draw[at])
        if not draws:
            return pa.array([], pa.string()), pa.array([], pa.string())
        order = np.argsort(np.concatenate(draws), kind="stable")[: self.most]
        return pa.concat_arrays(sources).take(pa.array(order)), pa.concat_arrays(targets).take(pa.array(order))


class Aligners:
    """The models of a run, each loaded when its first pair is met."""

    def __init__(self, folder: Path, options: PairOptions) -> None:
        self._folder, self._options = folder, options
        self._models: dict[Languages, AlignmentModel | None] = {}

    def of(self, languages: Languages) -> AlignmentModel | None:
        """The model of a pair of languages; None where no pair of theirs has words on both sides."""
        if languages not in self._models:
            folder = folder_of(self._folder, languages)
            loaded = AlignmentModel.load(folder, self._options.of(languages)) if folder.is_dir() else None
            self._models[languages] = loaded
        return self._models[languages]


def align_batch(batch: pa.RecordBatch, aligners: Aligners) -> tuple[pa.RecordBatch, dict[str, int]]:
    """The pairs with the column align (see `align.align_pairs`), and counts: aligned, links, tokens by languages.

    batch: doc_id, src, tgt, src_lang, tgt_lang; a column align that is there is replaced.
    """
    labels, codes = languages_of(batch)
    parts, rows = [], []
    counts: Counter[str] = Counter()
    for number, label in enumerate(labels):
        at = np.flatnonzero(codes == number)
        model = aligners.of(label)
        taken = batch.take(pa.array(at))
        column = (
            pa.nulls(len(at), ALIGN) if model is None else align_pairs(model, taken.column("src"), taken.column("tgt"))
        )
        parts.append(column)
        rows.append(at)
        name = "-".join(label)
        links = pc.fill_null(pc.list_value_length(column), 0)
        counts[f"pairs {name}"] += len(at)
        counts[f"aligned {name}"] += int(pc.sum(pc.greater(links, 0)).as_py() or 0)
        counts[f"links {name}"] += int(pc.sum(links).as_py() or 0)
    column = pa.concat_arrays(parts) if parts else pa.array([], ALIGN)
    if len(parts) > 1:
        column = column.take(pa.array(np.argsort(np.concatenate(rows), kind="stable")))
    kept = [name for name in batch.schema.names if name != "align"]
    plain = batch.select(kept)
    fields = [*plain.schema, pa.field("align", ALIGN)]
    schema = pa.schema(fields, metadata=batch.schema.metadata)
    return pa.RecordBatch.from_arrays([*plain.columns, column], schema=schema), dict(counts)


def align_table(counts: Mapping[str, int], trained: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row for each pair of languages: pairs, trained on, aligned, links a pair."""
    rows = [["languages", "pairs", "trained on", "aligned", "links a pair"]]
    for item in trained:
        name = "-".join(item["languages"])
        pairs, aligned = counts.get(f"pairs {name}", 0), counts.get(f"aligned {name}", 0)
        links = counts.get(f"links {name}", 0) / max(aligned, 1)
        rows.append([name, f"{pairs:,}", f"{item['trained_on']:,}", f"{aligned:,}", f"{links:.1f}"])
    return rows


def options_of(values: Mapping[str, Any]) -> PairOptions:
    """Options of values that may hold others too; symmetrization may be `auto`."""
    auto = values["symmetrization"] == "auto"
    names = {field.name for field in fields(AlignOptions)} - ({"symmetrization"} if auto else set())
    return PairOptions(AlignOptions(**{name: value for name, value in values.items() if name in names}), auto)
