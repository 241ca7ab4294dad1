"""The pairs that demonstrations are taken from, out of the datasets of pairs that a step is given.

Linguistically diverse prompts (Nguyen et al. 2023, arXiv:2306.11372) show pairs of several languages, in scripts as
different as may be, all into the language that is wanted. Which languages and how many is not published; here they are
drawn by hashes, those of scripts that are not there yet first, and the manifest names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.text.draws import draw_keys, id_halves
from xlcorpus.text.hashes import hash_text
from xlcorpus.text.labels import language_of, same_language, script_of
from xlcorpus.text.language_names import english_name

NAMES = ("src_name", "tgt_name")
POOL = pa.schema(
    [("doc_id", pa.binary(16)), *((name, pa.string()) for name in ("src", "tgt", "src_lang", "tgt_lang", *NAMES))]
)
_LENGTHS = (20, 300)  # characters of the sides of an exemplar


def read_pairs(inputs: Sequence[Dataset]) -> pa.Table:
    """The pairs of these datasets: doc_id, src, tgt and their languages."""
    names = POOL.names[:5]
    kept = pa.schema([POOL.field(name) for name in names])
    parts = [dataset.to_arrow(names).cast(kept) for dataset in inputs]
    return pa.concat_tables([kept.empty_table(), *parts]).combine_chunks()


def of_both(pairs: pa.Table, pair: LanguagePair) -> pa.Table:
    """The pairs (`POOL`) of both languages, whichever side is which, with the sides as `pair` has them."""
    return _turned(pairs, [_way(one, other, pair.src, pair.tgt) for one, other in _labels(pairs)], pair)


def diverse(pairs: pa.Table, pair: LanguagePair, count: int, seed: int) -> tuple[pa.Table, list[dict[str, Any]]]:
    """`count` pairs (`POOL`) of the source language of `pair` with other languages than its target, and what they are.

    Languages in the order of a hash of them and the seed, but one whose script is not there yet goes before others;
    of each a pair, then of each a second one, until there are enough or no more. Pairs by hash of their id, those of
    usual length first.
    """
    ways = []
    for one, other in _labels(pairs):
        way = 1 if same_language(one, pair.src) else -1 if same_language(other, pair.src) else 0
        ways.append(0 if {language_of(one), language_of(other)} >= {language_of(pair.tgt)} else way)
    pool = _turned(pairs, ways, pair)
    langs = np.array(pool["tgt_lang"].to_pylist(), dtype=object)
    keys = draw_keys(id_halves(pool["doc_id"].combine_chunks()), f"mine/exemplar/{seed}")
    usual = np.array(
        [
            all(_LENGTHS[0] <= len(row[side] or "") <= _LENGTHS[1] for side in ("src", "tgt"))
            for row in pool.select(["src", "tgt"]).to_pylist()
        ],
        dtype=bool,
    )
    queues = {
        lang: [int(at) for at in np.lexsort((keys, ~usual)) if langs[at] == lang] for lang in dict.fromkeys(langs)
    }
    order = by_scripts(list(queues), seed)
    chosen: list[int] = []
    while len(chosen) < count and any(queues.values()):
        chosen += [queues[lang].pop(0) for lang in order if queues[lang]][: count - len(chosen)]
    found = pool.take(pa.array(chosen, pa.int64()))
    said = [{"lang": row["tgt_lang"], "doc_id": row["doc_id"].hex()} for row in found.to_pylist()]
    return found, said


def by_scripts(langs: Sequence[str], seed: int) -> list[str]:
    """Labels in the order of a hash, first one of each script, then a second one, and so on."""
    ordered = sorted(langs, key=lambda lang: (int(hash_text(f"mine/language/{seed}/{lang}")), lang))
    of_script: dict[str, int] = {}
    turns = []
    for place, lang in enumerate(ordered):
        turn = of_script[script_of(lang)] = of_script.get(script_of(lang), 0) + 1
        turns.append((turn, place, lang))
    return [lang for _, _, lang in sorted(turns)]


def _labels(pairs: pa.Table) -> list[tuple[str, str]]:
    return [
        (one or "", other or "") for one, other in zip(*(pairs[n].to_pylist() for n in POOL.names[3:5]), strict=True)
    ]


def _way(one: str, other: str, src: str, tgt: str) -> int:
    """1 where the labels are those of both sides, -1 where they are the other way round, 0 where they are others."""
    if one and other and same_language(one, src) and same_language(other, tgt):
        return 1
    return -1 if one and other and same_language(one, tgt) and same_language(other, src) else 0


def _turned(pairs: pa.Table, ways: Sequence[int], pair: LanguagePair) -> pa.Table:
    """Those with a way, the sides exchanged where it is -1, with what prompts call the languages."""
    found = np.array(ways, dtype=np.int8)
    parts = []
    for way, sides in ((1, ("src", "tgt")), (-1, ("tgt", "src"))):
        some = pairs.filter(pa.array(found == way))
        columns = [some["doc_id"], *(some[side] for side in sides), *(some[f"{side}_lang"] for side in sides)]
        names = [pair.src, pair.tgt], pair.names
        called = dict(zip(*names, strict=True))
        for side in sides:
            labels = some[f"{side}_lang"].to_pylist()
            columns.append(
                pa.chunked_array([pa.array([called.get(one) or english_name(one) for one in labels], pa.string())])
            )
        parts.append(pa.table(columns, schema=POOL))
    order = np.argsort(np.concatenate([np.flatnonzero(found == 1), np.flatnonzero(found == -1)]), kind="stable")
    return pa.concat_tables(parts).take(pa.array(order)).combine_chunks()
