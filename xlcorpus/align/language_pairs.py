"""Align a dataset of any languages: an aligner is trained for each two of them, and aligns the pairs of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.align.aligner import AlignmentModel, align_and_score, train_aligner
from xlcorpus.align.options import AlignOptions
from xlcorpus.align.symmetrize import METHODS
from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import put_columns, text_or_empty
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import ALIGN
from xlcorpus.text.draws import row_states
from xlcorpus.text.labels import encode_pairs, script_of
from xlcorpus.text.properties import writes_spaces
from xlcorpus.text.tables import table_lines

Languages = tuple[str, str]
MADE = ("align", "pair_align_score")
_COLUMNS = ("doc_id", "src", "tgt", "src_lang", "tgt_lang")


@dataclass(frozen=True)
class LanguageRows:
    """How many pairs are of two languages."""

    src_lang: str
    tgt_lang: str
    rows: int

    @property
    def languages(self) -> Languages:
        """Both labels."""
        return self.src_lang, self.tgt_lang


@dataclass(frozen=True)
class Counted:
    """The pairs of a shard by their languages, sorted."""

    languages: tuple[LanguageRows, ...]


@dataclass(frozen=True)
class Trained:
    """How many pairs an aligner was trained on; 0: none of them has words, there is no model."""

    pairs: int


def model_file(folder: Location, languages: Languages) -> Location:
    """Where the model of two languages lies; labels may hold any character."""
    return folder / f"{storage.fingerprint(languages)}.arrow"


def _languages_of(batch: pa.RecordBatch) -> tuple[list[Languages], np.ndarray]:
    """The pairs of languages of a batch, and the number of each row's (int64[rows])."""
    return encode_pairs(text_or_empty(batch, "src_lang"), text_or_empty(batch, "tgt_lang"))


def symmetrization_of(options: AlignOptions, languages: Languages) -> str:
    """How the directions of two languages are joined: as asked for; of `auto`, intersection where one has no spaces.

    There tokens are characters, and grow-diag-final-and links many of them wrongly: spans then begin and end within
    words. Measured on PUD English-Chinese, by reading.
    """
    if options.symmetrization != "auto":
        return options.symmetrization
    return METHODS[0] if all(writes_spaces(script_of(label)) for label in languages) else "intersection"


def _sorted(counts: Counter[Languages]) -> tuple[LanguageRows, ...]:
    return tuple(LanguageRows(*languages, rows) for languages, rows in sorted(counts.items()))


@dataclass(frozen=True)
class CountLanguages:
    """The phase count: how many pairs of each two languages a shard holds."""

    def __call__(self, number: int, shard: Shard) -> Counted:
        """Reads the labels alone."""
        counts: Counter[Languages] = Counter()
        for batch in read_batches(shard, ["src_lang", "tgt_lang"]):
            labels, codes = _languages_of(batch)
            counts.update(dict(zip(labels, np.bincount(codes, minlength=len(labels)).tolist(), strict=True)))
        return Counted(_sorted(counts))


def add_languages(parts: Iterable[Counted]) -> tuple[LanguageRows, ...]:
    """The languages of all shards, sorted."""
    counts: Counter[Languages] = Counter()
    for part in parts:
        counts.update({one.languages: one.rows for one in part.languages})
    return _sorted(counts)


@dataclass(frozen=True)
class TrainAligner:
    """The phase train: the model of two languages, of `options.train_pairs` of their pairs at most, drawn by hash."""

    shards: tuple[Location, ...]
    folder: Location
    options: AlignOptions
    seed: int

    def __call__(self, number: int, wanted: LanguageRows) -> Trained:
        """Leaves a model in the folder, unless every pair has an empty side: there is nothing to learn or align."""
        source, target = self._sample(wanted)
        try:
            model = train_aligner(source, target, self.options)
        except UserError:
            return Trained(0)
        model.save(model_file(self.folder, wanted.languages))
        return Trained(model.pairs)

    def _sample(self, wanted: LanguageRows) -> tuple[pa.Array, pa.Array]:
        """Texts of both sides; a draw of half as many again, cut, so that memory is bounded by it."""
        # 64 more: of a handful of pairs chance might otherwise draw none, and nothing would be aligned.
        most = self.options.train_pairs
        bound = min(1.0, (1.5 * most + 64) / max(wanted.rows, 1)) * 2.0**64
        sources, targets, draws = [], [], []
        for shard in self.shards:
            for batch in read_batches(shard, list(_COLUMNS)):
                labels, codes = _languages_of(batch)
                if wanted.languages not in labels:
                    continue
                draw = row_states(batch.column("doc_id"), f"codeswitch/align/{self.seed}")
                at = np.flatnonzero((codes == labels.index(wanted.languages)) & (draw.astype(np.float64) < bound))
                sources.append(batch.column("src").take(pa.array(at)))
                targets.append(batch.column("tgt").take(pa.array(at)))
                draws.append(draw[at])
        if not draws:
            return pa.array([], pa.string()), pa.array([], pa.string())
        order = np.argsort(np.concatenate(draws), kind="stable")[:most]
        return pa.concat_arrays(sources).take(pa.array(order)), pa.concat_arrays(targets).take(pa.array(order))


class Aligners:
    """The models of a run, each loaded when its first pair is met."""

    def __init__(self, folder: Location, options: AlignOptions) -> None:
        """folder: where `TrainAligner` left them."""
        self.options = options
        self._folder = folder
        self._models: dict[Languages, AlignmentModel | None] = {}

    def of(self, languages: Languages) -> AlignmentModel | None:
        """The model of two languages; None where no pair of theirs has words on both sides."""
        if languages not in self._models:
            file = model_file(self._folder, languages)
            self._models[languages] = AlignmentModel.load(file, self.options) if storage.is_file(file) else None
        return self._models[languages]


def align_batch(batch: pa.RecordBatch, aligners: Aligners) -> Result:
    """The pairs with the columns align and pair_align_score (see `align_and_score`), and counts: pairs, aligned, links,
    each by languages.

    batch: doc_id, src, tgt, src_lang, tgt_lang; such columns that are there are replaced.
    """
    labels, codes = _languages_of(batch)
    parts = [(pa.array([], ALIGN), pa.array([], pa.float32()))]
    rows = [np.zeros(0, dtype=np.int64)]
    counts: Counts = {"pairs": {}, "aligned": {}, "links": {}}
    for number, languages in enumerate(labels):
        at = np.flatnonzero(codes == number)
        model, some = aligners.of(languages), batch.take(pa.array(at))
        method = symmetrization_of(aligners.options, languages)
        column, score = (
            (pa.nulls(len(at), ALIGN), pa.nulls(len(at), pa.float32()))
            if model is None
            else align_and_score(model, some.column("src"), some.column("tgt"), method)
        )
        parts.append((column, score))
        rows.append(at)
        links = pc.fill_null(pc.list_value_length(column), 0)
        name = "-".join(languages)
        counts["pairs"][name] = len(at)
        counts["aligned"][name] = int(pc.sum(pc.greater(links, 0)).as_py() or 0)
        counts["links"][name] = int(pc.sum(links).as_py() or 0)
    order = pa.array(np.argsort(np.concatenate(rows), kind="stable"))
    made = {
        name: pa.concat_arrays(column).take(order) for name, column in zip(MADE, zip(*parts, strict=True), strict=True)
    }
    kept = batch.select([name for name in batch.schema.names if name not in MADE])
    return Result(put_columns(kept, made), counts=counts)


def notes_of(counts: Counts, languages: Sequence[LanguageRows], trained: Sequence[Trained]) -> dict[str, Any]:
    """The manifest's notes: what was trained on, and a table with a row for each two languages.

    counts: as `align_batch` has them, of all rows.
    """
    table = [["languages", "pairs", "trained on", "aligned", "links a pair"]]
    for one, model in zip(languages, trained, strict=True):
        name = "-".join(one.languages)
        pairs, aligned, links = (counts[figure].get(name, 0) for figure in ("pairs", "aligned", "links"))
        table.append([name, f"{pairs:,}", f"{model.pairs:,}", f"{aligned:,}", f"{links / max(aligned, 1):.1f}"])
    return {
        "trained": [
            {"languages": list(one.languages), "rows": one.rows, "trained_on": model.pairs}
            for one, model in zip(languages, trained, strict=True)
        ],
        "table": table_lines(table, right=(1, 2, 3, 4)),
    }
