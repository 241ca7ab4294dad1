"""What other documents of the same language offer, for pairs whose second side does not follow the first.

Documents of a shard stand in a circle for each language, in the order of a hash of their ids, and each draws how far
on its partner stands: any other document of its language and shard, as often. The circle does not depend on the order
of the documents; a language with one document in a shard has no partner there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.generate.draws import states
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.pairs import purpose_of, sources
from xlcorpus.generate.spans import offers
from xlcorpus.text.draws import below, draw_keys, id_halves
from xlcorpus.text.ragged import begins_of

COLUMNS = ("doc_id", "text", "lang", "mix_epoch")
_FURTHER = 9  # the number of a state that says how far on the partner stands


@dataclass(frozen=True)
class Others:
    """The offers of a shard.

    texts: string[n], of the documents that have a sentence, each once, language by language around their circles;
    place: int64[rows], where each row's document stands, -1 for none; begins, sizes: int64[n], the circle of each.
    """

    texts: pa.Array
    place: np.ndarray
    begins: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, batches: Iterable[pa.RecordBatch], options: GenerateOptions, seed: int) -> Others:
        """Read a shard once (COLUMNS)."""
        purpose = purpose_of(options, seed)
        given, langs = [pa.array([], pa.string())], [pa.array([], pa.string())]
        halves = [np.zeros((0, 2), dtype=np.uint64)]
        for batch in batches:
            drawn = states(batch, f"{purpose}/offer", 0)
            halves.append(id_halves(batch.column("doc_id")))
            langs.append(text_or_empty(batch, "lang"))
            for start, source in sources(batch, options):
                given.append(offers(source, drawn[start : start + len(source)], options))
        texts, ids = pa.concat_arrays(given), np.concatenate(halves)
        codes = pa.concat_arrays(langs).dictionary_encode().indices.to_numpy()
        some = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
        keys = draw_keys(ids, f"{purpose}/circle")
        order = some[np.lexsort((ids[some, 1], ids[some, 0], keys[some], codes[some]))]
        first = begins_of(codes[order]) | (ids[order][:, 0] != np.roll(ids[order][:, 0], 1))
        first |= ids[order][:, 1] != np.roll(ids[order][:, 1], 1)
        first[:1] = True
        place = np.full(len(texts), -1)
        place[order] = np.cumsum(first) - 1
        heads = order[first]
        circle = np.flatnonzero(begins_of(codes[heads]))
        sizes = np.diff(np.append(circle, len(heads)))
        return cls(texts.take(pa.array(heads)), place, np.repeat(circle, sizes), np.repeat(sizes, sizes))

    def offered(self, rows: np.ndarray, drawn: np.ndarray) -> pa.Array:
        """string[n]: what the partner of each row (int64[n], of the shard) offers; null where it has none."""
        place = self.place[rows]
        some = place >= 0
        some[some] = self.sizes[place[some]] > 1
        here = place[some]
        begin, size = self.begins[here], self.sizes[here]
        partner = np.zeros(len(rows), dtype=np.int64)
        partner[some] = begin + (here - begin + 1 + below(drawn[some], _FURTHER, size - 1)) % size
        return self.texts.take(pa.array(partner, mask=~some))
