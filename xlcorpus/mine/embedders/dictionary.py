"""Character n-grams of weak translations: texts in one language of a dictionary word by word in the other one.

So both sides are in one language, and what they share is not only names and numbers. All other texts are taken as they
are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.dictionaries import fingerprint_of_dictionaries, read_entries
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.mine.embedder import Embedder, EmbedderKind, EmbedderOptions
from xlcorpus.mine.embedders import tfidf
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.weak import index_of, translate_words
from xlcorpus.pairs.cosines import Vectors
from xlcorpus.text.labels import encode_pairs, in_language


@dataclass(frozen=True)
class ByDictionary:
    """index: the best entry of each word of pair.src; plain: makes the vectors."""

    pair: LanguagePair
    index: LexiconIndex
    plain: Embedder
    identity: str

    def count(self, texts: pa.Array, langs: pa.Array) -> np.ndarray:
        """See Embedder."""
        return self.plain.count(*self._translated(texts, langs))

    def embed(self, texts: pa.Array, langs: pa.Array, counts: np.ndarray) -> Vectors:
        """See Embedder; sparse."""
        return self.plain.embed(*self._translated(texts, langs), counts)

    def _translated(self, texts: pa.Array, langs: pa.Array) -> tuple[pa.Array, pa.Array]:
        here = pa.array(in_language(pc.fill_null(langs, ""), self.pair.src))
        own = translate_words(texts.filter(here), self.index, self.pair).texts
        labels = pa.array([self.pair.tgt] * len(own), pa.string())
        sides = (texts, own), (langs, labels)
        made, said = (pc.replace_with_mask(whole.cast(pa.string()), here, part) for whole, part in sides)
        return made, said


def _identity(model: str, options: EmbedderOptions) -> str:
    plain = json.loads(tfidf.EMBEDDER.identity("", options))
    return json.dumps(plain | {"kind": "dictionary", "dictionary": fingerprint_of_dictionaries([locate(model)])})


def _open(model: str, options: EmbedderOptions) -> ByDictionary:
    entries = read_entries([locate(model)]).table
    found, _ = encode_pairs(*(entries[name].combine_chunks() for name in ("src_lang", "tgt_lang")))
    if len(found) != 1:
        said = ", ".join(f"{src}:{tgt}" for src, tgt in sorted(found)[:5])
        raise UserError(
            f"--embedder dictionary:{model} has words of {len(found)} pairs of languages: {said}",
            remedy="name a dictionary from one language into one other",
        )
    pair = LanguagePair(*found[0])
    return ByDictionary(pair, index_of(entries), tfidf.EMBEDDER.open("", options), _identity(model, options))


EMBEDDER = EmbedderKind(
    "dictionary",
    "n-grams as of tfidf, of one language word by word in the other",
    _identity,
    _open,
    "FILE",
    sparse=True,
)
