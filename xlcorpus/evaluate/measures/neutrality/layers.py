"""How little of language and script is in the vectors of sentences, and how near translations are, by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import Say
from xlcorpus.evaluate.measures.neutrality.probe import probe
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.standard_error import of_mean
from xlcorpus.evaluate.texts import Texts, some_of_each
from xlcorpus.evaluate.vectors import encode, layers_of, vectors
from xlcorpus.text.draws import row_states
from xlcorpus.text.labels import encode_pairs, normalize_label, script_of

_BLOCK = 1024  # rows whose distances are in memory at once


def neutrality(trained: TrainedModel, pairs: Texts, options: EvaluateOptions, say: Say = print) -> dict[str, Any]:
    """`probes`: what, layer, labels, sentences (judged), accuracy, error, chance; `distances`: a row for each pair of
    languages and layer, as `distances` gives them. Raises UserError where no language has two sentences on both halves.

    A sentence is on the side of its pair's source text, so translations of it are on the same one; sources are drawn by
    a hash of the text. A sentence of one language that is there several times counts once.
    """
    layers = layers_of(trained, options.layers or "all")
    table = some_of_each(pairs.table, options.pairs)
    sides = [encode(trained, table.column(name).combine_chunks(), options.sentence_tokens) for name in ("src", "tgt")]
    whole = np.logical_and(*(side.text[:, 1] > side.text[:, 0] for side in sides))
    if not whole.all():
        say(f"{pairs.given}: {int((~whole).sum()):,} pairs with a side without tokens were left out")
    table = table.filter(pa.array(whole))
    if not table.num_rows:
        raise UserError(f"{pairs.given} holds no pair with tokens on both sides", remedy="name pairs of sentences")
    langs = [table.column(name).combine_chunks() for name in ("src_lang", "tgt_lang")]
    made = [
        vectors(trained, side.chosen(whole), layers, options.pooling, options.batch, lang.to_pylist())
        for side, lang in zip(sides, langs, strict=True)
    ]
    kept, labels, groups, learnt = _sentences(table, pairs.packed is not None)
    named = sorted(set(labels.tolist()))
    both = [lang for lang in named if min((learnt & (labels == lang)).sum(), (~learnt & (labels == lang)).sum()) > 1]
    if left := sorted({*named} - {*both}):
        say(f"{pairs.given}: too few sentences to probe {', '.join(left)}")
    scripts = np.array([script_of(normalize_label(lang)) for lang in labels.tolist()])
    asked = [("language", labels), ("script", scripts)]
    use = np.isin(labels, both)
    probes = []
    for what, of in asked:
        names, codes = np.unique(of[use], return_inverse=True)
        if len(names) < 2:
            say(f"{pairs.given}: {len(names)} {what} alone, so there is nothing to tell apart")
            continue
        for layer in layers:
            states = np.concatenate([one[layer] for one in made])[kept][use]
            found = probe(states, codes, groups[use], learnt[use])
            row = {"what": what, "layer": layer, "labels": len(names), "sentences": int((~learnt[use]).sum())}
            probes.append(row | found)
    ways, of = encode_pairs(*langs)
    distant = []
    for number, (src, tgt) in sorted(enumerate(ways), key=lambda one: one[1]):
        rows = np.flatnonzero(of == number)
        if len(rows) < 2:
            say(f"{src} - {tgt}: {len(rows)} pairs, left out: there is no other to compare with")
            continue
        for layer in layers:
            row = {"src_lang": src, "tgt_lang": tgt, "layer": layer, "pairs": len(rows)}
            distant.append(row | distances(made[0][layer][rows], made[1][layer][rows]))
    if not probes and not distant:
        raise UserError(
            f"{pairs.given}: too few sentences of each language to tell anything", remedy="name a file with more pairs"
        )
    return {"probes": probes, "distances": distant}


def distances(a: np.ndarray, b: np.ndarray) -> dict[str, float | None]:
    """Of partners (row i of both, float[n, d], n > 1) and of all others: `cosine` (1 less the cosine) and `euclidean`,
    means with `_error`, the standard error over pairs, and `_others`; `ratio`, Euclidean, of partners by others, with
    its error (delta method; of others what each pair's two sentences are from all others), which no scale of the
    vectors alters; None where all vectors are alike."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    count = len(a)
    unit = [one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-300) for one in (a, b)]
    cosine = 1 - (unit[0] * unit[1]).sum(axis=1)
    total = 1 - float(unit[0].sum(axis=0) @ unit[1].sum(axis=0)) / count**2
    near = np.linalg.norm(a - b, axis=1)
    sums = np.zeros((2, count))
    norms = (b**2).sum(axis=1)
    for start in range(0, count, _BLOCK):
        rows = slice(start, start + _BLOCK)
        squares = (a[rows] ** 2).sum(axis=1)[:, None] + norms - 2 * a[rows] @ b.T
        far = np.sqrt(np.maximum(squares, 0))
        sums[0, rows] = far.sum(axis=1)
        sums[1] += far.sum(axis=0)
    other = (sums - near).mean(axis=0) / (count - 1)
    others = float(other.mean())
    ratio = float(near.mean()) / others if others else None
    return {
        "cosine": float(cosine.mean()),
        "cosine_error": of_mean(cosine),
        "cosine_others": (total * count**2 - float(cosine.sum())) / (count * (count - 1)),
        "euclidean": float(near.mean()),
        "euclidean_error": of_mean(near),
        "euclidean_others": others,
        "ratio": ratio,
        "ratio_error": None if ratio is None else of_mean((near - ratio * other) / others),
    }


def _sentences(table: pa.Table, packed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the sources, then the targets, the first of each text and language: their rows, languages, the number of the
    pair's source, and whether that is of the half to learn from."""
    texts = [_names(table.column(name).combine_chunks(), packed) for name in ("src", "tgt")]
    sources = texts[0].dictionary_encode()
    keys = row_states(sources.dictionary, "halves of a probe")
    first = np.argsort(np.argsort(keys, kind="stable"), kind="stable") < (len(keys) + 1) // 2
    groups = np.tile(sources.indices.to_numpy(zero_copy_only=False), 2)
    langs = np.concatenate(
        [table.column(name).combine_chunks().to_numpy(zero_copy_only=False) for name in ("src_lang", "tgt_lang")]
    ).astype(str)
    codes = pa.concat_arrays(texts).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, of = np.unique(langs, return_inverse=True)
    _, rows = np.unique(of.astype(np.int64) << 32 | codes, return_index=True)
    rows = np.sort(rows)
    return rows, langs[rows], groups[rows], first[groups[rows]]


def _names(column: pa.Array, packed: bool) -> pa.Array:
    if not packed:
        return column.cast(pa.string())
    return pc.binary_join(pc.cast(column, pa.list_(pa.string())), " ")
