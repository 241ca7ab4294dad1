"""Datasets for the mix: pseudo-words in 40 languages and 17 scripts over five sources, any size, the same every time.

Sources: web, news and wiki (documents), repos (code, without a language) and opus (sentence pairs of six languages
with English). The largest language has a thousand times the text of the smallest, by a power of its rank. Documents are
log-normal, 200 B to 50 KB; languages stand mixed in every shard, as in a crawl that was identified. Written with the
project's own writer: Parquet shards and a manifest, as `ingest` and the steps after it leave them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.layout import DATA
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.shards import ShardFile, ShardWriter
from xlcorpus.dataset.tally import Tally

SEED = 6
# By size.
LANGS = (
    "eng_Latn", "rus_Cyrl", "zho_Hans", "deu_Latn", "spa_Latn", "jpn_Jpan", "fra_Latn", "arb_Arab",
    "por_Latn", "hin_Deva", "ind_Latn", "tur_Latn", "vie_Latn", "kor_Hang", "pes_Arab", "tha_Thai",
    "ukr_Cyrl", "ell_Grek", "heb_Hebr", "ben_Beng", "tam_Taml", "swh_Latn", "urd_Arab", "kat_Geor",
    "hye_Armn", "tel_Telu", "mya_Mymr", "khm_Khmr", "amh_Ethi", "mar_Deva", "kaz_Cyrl", "hau_Latn",
    "yor_Latn", "zul_Latn", "som_Latn", "tir_Ethi", "wol_Latn", "bel_Cyrl", "mlt_Latn", "lug_Latn",
)  # fmt: skip
PAIRED = ("swh_Latn", "hin_Deva", "yor_Latn", "arb_Arab", "deu_Latn", "zul_Latn")  # with English
SPREAD = 1000  # times the text of the smallest language is that of the largest
# Share of the text of each source, and of how many languages it is, the largest first.
SOURCES = {"web": (0.60, 40), "wiki": (0.12, 40), "news": (0.15, 25), "repos": (0.10, 0), "opus": (0.03, 0)}
_ALPHABETS = {
    "Latn": (0x61, 26), "Cyrl": (0x430, 32), "Hans": (0x4E00, 3000), "Jpan": (0x3042, 80), "Arab": (0x627, 36),
    "Deva": (0x905, 50), "Hang": (0xAC00, 2000), "Thai": (0xE01, 46), "Grek": (0x3B1, 25), "Hebr": (0x5D0, 27),
    "Beng": (0x995, 20), "Taml": (0xB95, 30), "Geor": (0x10D0, 33), "Armn": (0x561, 38), "Telu": (0xC05, 50),
    "Mymr": (0x1000, 33), "Khmr": (0x1780, 35), "Ethi": (0x1200, 200),
}  # fmt: skip
_UNSPACED = ("Hans", "Jpan", "Thai", "Mymr", "Khmr")
_WORDS, _DRAWS = 20_000, 1 << 16
_PROSE = ((" ", 0.88), (", ", 0.05), (". ", 0.06), (".\n", 0.01))  # what follows a word, and how often
_CODE = ((" = ", 0.2), ("(", 0.2), (")\n", 0.2), (", ", 0.2), (":\n    ", 0.2))
_LEAST, _MOST, _MEDIAN, _SIGMA = 200, 50_000, 1500, 1.0  # bytes of a document
_SENTENCE = (20, 600, 90, 0.6)  # bytes of a side of a pair: least, most, median, sigma
_ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])


@dataclass(frozen=True)
class Made:
    """One dataset: its folder, shards, documents and bytes of text."""

    folder: Path
    shards: int
    documents: int
    text_bytes: int


@dataclass(frozen=True)
class Language:
    """How texts of a language are made: words with what follows them, and a table of draws from their frequencies."""

    pieces: pa.Array
    table: np.ndarray

    def texts(self, sizes: np.ndarray, random: np.random.Generator) -> pa.Array:
        """string[n] of about these bytes, each a whole number of words."""
        lengths = pc.binary_length(self.pieces).to_numpy(zero_copy_only=False)
        drawn_lengths = lengths[self.table]
        ends = np.cumsum(sizes)
        count = int(ends[-1] / drawn_lengths.mean() * 1.05) + 1000
        draws = random.integers(0, _DRAWS, size=count, dtype=np.uint16)
        # Up to 2 GB of one language in a shard would not fit these offsets; a shard holds far less.
        words = np.concatenate([[0], np.cumsum(drawn_lengths[draws], dtype=np.int64)])
        cuts = np.searchsorted(words, np.concatenate([[0], ends]))
        cuts[-1] = min(int(cuts[-1]), count)
        joined = self.pieces.take(pa.array(self.table[draws[: cuts[-1]]]))
        offsets = words[cuts].astype(np.int32)
        return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(offsets), joined.buffers()[2])


@functools.cache
def language(label: str) -> Language:
    """The pseudo-words of a language, or of `code`."""
    script = "Latn" if label == "code" else label.rpartition("_")[2]
    number = len(LANGS) if label == "code" else LANGS.index(label)
    random = np.random.default_rng([SEED, number])
    first, letters = _ALPHABETS[script]
    favour = random.permutation(1 / np.arange(2, letters + 2))
    short = script in ("Hans", "Hang")
    lengths = random.integers(1, 4, _WORDS) if short else random.integers(2, 11, _WORDS)
    drawn = random.choice(letters, size=int(lengths.sum()), p=favour / favour.sum()) + first
    signs = "".join(map(chr, drawn.tolist()))
    stops = np.cumsum(lengths).tolist()
    words = [signs[stop - length : stop] for stop, length in zip(stops, lengths.tolist(), strict=True)]
    endings = _CODE if label == "code" else _PROSE
    bare = script in _UNSPACED
    pieces = [word + (end.replace(" ", "") if bare else end) for end, _ in endings for word in words]
    frequent = 1 / (np.arange(_WORDS) + 3.0)
    at = np.searchsorted(np.cumsum(frequent) / frequent.sum(), (np.arange(_DRAWS) + 0.5) / _DRAWS)
    ending = random.choice(len(endings), size=_DRAWS, p=[share for _, share in endings])
    return Language(pa.array(pieces), (np.minimum(at, _WORDS - 1) + _WORDS * ending).astype(np.int64))


def shares_of(count: int) -> np.ndarray:
    """float64[count], summing to 1: of the largest `count` languages, by a power law; all 40 spread by SPREAD."""
    weights = np.arange(1, count + 1) ** -(np.log(SPREAD) / np.log(len(LANGS)))
    return weights / weights.sum()


def _sizes(total: float, random: np.random.Generator, least: int, most: int, median: int, sigma: float) -> np.ndarray:
    """int64[n]: log-normal sizes that sum to about `total`."""
    mean = median * np.exp(sigma**2 / 2)
    drawn = np.clip(median * np.exp(random.normal(0, sigma, max(3, round(total / mean)))), least, most)
    return np.clip(drawn * (total / drawn.sum()), least, most).astype(np.int64)


def write_sources(folder: Path, megabytes: int, shard_megabytes: int) -> list[Made]:
    """All datasets, `megabytes` of text in all, in shards of so much text."""
    return [write_source(folder, source, megabytes, shard_megabytes) for source in SOURCES]


def write_source(folder: Path, source: str, megabytes: int, shard_megabytes: int) -> Made:
    """One dataset."""
    number = list(SOURCES).index(source)
    random = np.random.default_rng([SEED, 1000 + number])
    share, count = SOURCES[source]
    total = share * megabytes * 1e6
    labels: Sequence[str] = LANGS[:count] if count else ["code"] if source == "repos" else PAIRED
    form = (_LEAST, _MOST, _MEDIAN, _SIGMA)
    parts = shares_of(len(labels)) if count else np.full(len(labels), 1 / len(labels))
    if source == "opus":
        form, total = _SENTENCE, total / 2
    sizes = [_sizes(total * part, random, *form) for part in parts]
    codes = np.repeat(np.arange(len(labels)), list(map(len, sizes)))
    order = random.permutation(len(codes))
    sizes_of, codes = np.concatenate(sizes)[order], codes[order]
    weight = sizes_of * (2 if source == "opus" else 1)
    shard_of = np.cumsum(weight) // (shard_megabytes * 1_000_000)
    return _write(folder / source, source, labels, sizes_of, codes, shard_of, random)


def _write(
    folder: Path,
    source: str,
    labels: Sequence[str],
    sizes: np.ndarray,
    codes: np.ndarray,
    shard_of: np.ndarray,
    random: np.random.Generator,
) -> Made:
    tally, shards, text_bytes = Tally("ingest"), list[ShardFile](), 0
    schema = pa.schema([])
    for number in range(int(shard_of[-1]) + 1):
        rows = np.flatnonzero(shard_of == number)
        batch = _rows(source, labels, sizes[rows], codes[rows], int(rows[0]), random)
        schema = batch.schema
        for name in {"text", "src", "tgt"} & set(schema.names):
            text_bytes += int(pc.sum(pc.binary_length(batch.column(name))).as_py())
        with ShardWriter(folder, DATA, f"part-{number:05d}", schema) as writer:
            writer.write(batch)
            shards += writer.close()
        tally.count_languages(batch)
    tally.rows_in = tally.rows_out = len(sizes)
    Manifest(
        schema="pair-1" if source == "opus" else "document-1",
        arrow_schema=schema,
        steps=(),
        inputs={},
        fingerprint=f"benchmarks.mix {source} {len(sizes)}",
        code_version="benchmarks.mix",
        seed=SEED,
        shards=tuple(shards),
        decisions=(),
        rejects=(),
        tallies=(tally,),
    ).save(folder)
    return Made(folder, len(shards), len(sizes), text_bytes)


def _texts(labels: Sequence[str], sizes: np.ndarray, codes: np.ndarray, random: np.random.Generator) -> pa.Array:
    """string[n]: each text in the language that its code names."""
    made = [language(label).texts(sizes[codes == code], random) for code, label in _present(labels, codes)]
    place = np.empty(len(codes), dtype=np.int64)
    place[np.argsort(codes, kind="stable")] = np.arange(len(codes))
    return pa.concat_arrays(made).take(pa.array(place))


def _present(labels: Sequence[str], codes: np.ndarray) -> Iterator[tuple[int, str]]:
    for code in np.unique(codes).tolist():
        yield code, labels[code]


def _rows(
    source: str, labels: Sequence[str], sizes: np.ndarray, codes: np.ndarray, first: int, random: np.random.Generator
) -> pa.RecordBatch:
    count = len(sizes)
    ids = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), count, [None, pa.py_buffer(random.bytes(16 * count))])
    files = pa.repeat(pa.scalar(f"{source}.jsonl"), count)
    offsets = pa.array(np.arange(first, first + count, dtype=np.int64))
    langs = pa.array(labels).take(pa.array(codes))
    columns: dict[str, pa.Array] = {"doc_id": ids}
    if source == "opus":
        english = pa.repeat(pa.scalar("eng_Latn"), count)
        columns["src"] = _texts(["eng_Latn"], sizes, np.zeros(count, dtype=np.int64), random)
        columns["tgt"] = _texts(labels, sizes, codes, random)
        columns |= {"src_lang": english, "tgt_lang": langs}
    else:
        columns["text"] = _texts(labels, sizes, codes, random)
    columns["source"] = pa.repeat(pa.scalar(source), count)
    columns["origin"] = pa.StructArray.from_arrays([files, offsets], fields=list(_ORIGIN))
    if source == "repos":
        columns["kind"] = pa.repeat(pa.scalar("code"), count)
        columns["lang"] = pa.nulls(count, pa.string())
    elif source != "opus":
        columns["url"] = pc.binary_join_element_wise(f"https://{source}.example/", offsets.cast(pa.string()), "")
        columns["lang"] = langs
        columns["lang_score"] = pa.array(random.uniform(0.5, 1, count).astype(np.float32))
    columns["dup_size"] = pa.array(random.geometric(0.6, count).astype(np.int32))
    return pa.RecordBatch.from_pydict(columns)
