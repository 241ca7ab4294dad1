"""Pack the documents of one task, in order, window by window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.pack_counts import PackCounts
from xlcorpus.pack.packs import TASK_ROWS, Labels, Waiting, pack_rows
from xlcorpus.pack.part_bytes import deal_bytes
from xlcorpus.pack.rests import balanced, without_rests
from xlcorpus.pack.strategies import STRATEGIES, Parts
from xlcorpus.pack.token_documents import TokenDocuments

WINDOW_DOCUMENTS = 16_384
WINDOW_TOKENS = 16 << 20  # int32: 64 MB


class Packer:
    """Packs of one task; the rows depend on the documents and their order, not on how they come in batches.

    `best-fit` sees a window of documents at a time (window_documents, window_tokens), and the emptiest pack of each
    group goes into the next one. `concatenate` holds less than a pack of each group. So memory is a window and a pack
    a group, and a prefix of the packs is a prefix of the documents, but for a window.

    languages: packs are pure in language and script, with these numbers; None: packs are mixed. piece_bytes: of the
    tokenizer; without it all ids count alike where the bytes of a split document are dealt to its parts.
    """

    def __init__(
        self,
        options: PackOptions,
        task: int = 0,
        languages: LanguageIds | None = None,
        piece_bytes: np.ndarray | None = None,
        *,
        window_documents: int = WINDOW_DOCUMENTS,
        window_tokens: int = WINDOW_TOKENS,
    ) -> None:
        self.counts = PackCounts()
        self._length, self._strategy = options.length, options.strategy
        self._rests, self._least = options.rests_of_documents, options.least_rest
        self._window_documents, self._window_tokens = window_documents, window_tokens
        self._languages, self._piece_bytes = languages, piece_bytes
        self._next_id = task * TASK_ROWS
        self._labels: dict[int, Labels] = {}
        self._carried: Waiting | None = None
        self._window: list[Waiting] = []
        self._documents = 0
        self._tokens = 0

    def add(self, documents: TokenDocuments) -> Iterator[pa.RecordBatch]:
        """Take documents, at least one token each (else ValueError); gives the packs that are ready (packs.PACK)."""
        if not len(documents):
            return
        lengths = documents.lengths
        if lengths.min() < 1:
            raise ValueError("a document without tokens cannot be packed: tokenize_batch decides on these")
        self.counts.documents += len(documents)
        self.counts.tokens += int(lengths.sum())
        self.counts.text_bytes += pc.sum(documents.text_bytes).as_py()
        groups = self._groups(documents)
        ends = np.cumsum(lengths)
        start, before = 0, 0
        while start < len(documents):
            room = self._window_tokens - self._tokens
            stop = int(np.searchsorted(ends, before + room, side="right"))
            stop = min(stop, start + self._window_documents - self._documents)
            if stop <= start and self._window:
                yield from self._pack(last=False)
                continue
            stop = max(stop, start + 1)  # a document larger than a window is a window
            self._window.append(Waiting.of(documents.slice(start, stop), groups[start:stop]))
            self._documents += stop - start
            self._tokens += int(ends[stop - 1]) - before
            if self._documents >= self._window_documents:
                yield from self._pack(last=False)
            start, before = stop, int(ends[stop - 1])
        if self._strategy != "best-fit" and self._window:
            yield from self._pack(last=False)

    def finish(self) -> Iterator[pa.RecordBatch]:
        """The packs that are left; raises ConservationError where tokens were lost or doubled."""
        yield from self._pack(last=True)
        self.counts.check("pack")

    def _groups(self, documents: TokenDocuments) -> np.ndarray:
        if self._languages is None:
            return np.zeros(len(documents), dtype=np.int64)
        lang_ids, script_ids = self._languages.number(documents.langs, documents.scripts, documents.kinds)
        groups = lang_ids.astype(np.int64) << 32 | script_ids
        for group in np.unique(groups).tolist():
            if group not in self._labels:
                lang_id, script_id = group >> 32, group & 0xFFFFFFFF
                language, script = self._languages.names(lang_id, script_id)
                self._labels[group] = Labels(f"{language}_{script}", script, lang_id, script_id)
        return groups

    def _pack(self, *, last: bool) -> Iterator[pa.RecordBatch]:
        parts = [*([self._carried] if self._carried is not None else []), *self._window]
        self._window, self._carried, self._documents, self._tokens = [], None, 0, 0
        if not parts:
            return
        waiting = Waiting.concat(parts)
        parts.clear()  # a window's tokens are there once from here on
        lay_out = STRATEGIES[self._strategy]
        layout = lay_out(waiting.documents.lengths, waiting.groups, self._length, last=last)
        if self._rests == "balance":
            layout = balanced(layout, self._least)
        dealt = deal_bytes(waiting, layout, self._piece_bytes)
        if len(layout.waiting):
            self._carried = waiting.rest(layout.waiting, layout.waiting_starts, dealt.pieces_begun, dealt.pieces)
        packed, part_bytes = layout.parts, dealt.parts
        if self._rests == "drop":
            left = without_rests(waiting, packed, part_bytes, self._least)
            waiting, packed, part_bytes = left.waiting, left.parts, left.part_bytes
            self.counts.count_rests(left.rests, left.tokens, left.bytes)
        self._count(waiting, packed, part_bytes)
        first = self._next_id
        self._next_id += packed.count
        yield from pack_rows(waiting, packed, part_bytes, self._length, first, self._labels)

    def _count(self, waiting: Waiting, parts: Parts, part_bytes: np.ndarray) -> None:
        counts, of = self.counts, parts.documents
        starts = waiting.begun[of] + parts.starts
        counts.packs += parts.count
        counts.parts += len(of)
        counts.split += int(((starts == 0) & (parts.sizes < waiting.totals[of])).sum())
        counts.packed += int(parts.sizes.sum())
        counts.room += parts.count * self._length
        counts.count_parts(waiting.documents.langs.take(pa.array(of)), parts.sizes, part_bytes)
