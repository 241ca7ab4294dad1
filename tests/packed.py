"""Small token-1 datasets in eleven scripts, made by our own `pack` once in a test session, without Beam.

`packs()` and `view()` give the folder of a finished dataset; `regroup` writes one anew with row groups and shards of
other sizes.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.rows import documents, pairs, write_dataset
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.manifest import StepRecord
from xlcorpus.dataset.result import Counts
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.storage import sha256_of
from xlcorpus.pack import notes, tasks
from xlcorpus.pack.options import PackOptions
from xlcorpus.sample import sample_folder

LENGTH = 64
SAMPLE = str(sample_folder() / "tokenizer.model")  # 6,000 pieces: pad 0, unk 1, bos 2, eos 3, mask 4

# Own sentences; of those in other scripts also how they are read in Latin letters.
TEXTS = {
    "eng_Latn": "The ferry leaves at nine and the bread is still warm.",
    "swh_Latn": "Mvua ilinyesha usiku kucha na mto umejaa maji.",
    "yor_Latn": "Ọmọ náà ń ka ìwé lábẹ́ igi ní àárọ̀.",
    "srp_Latn": "Sinoć smo dugo pričali o starom mostu.",
    "srp_Cyrl": "Синоћ смо дуго причали о старом мосту.",
    "ell_Grek": "Το παλιό λιμάνι ήταν γεμάτο ψαρόβαρκες.",
    "hin_Deva": "आज सुबह नदी के किनारे बहुत ठंडी हवा चल रही थी।",
    "ben_Beng": "আজ সকালে নদীর ধারে ঠান্ডা হাওয়া বইছিল।",
    "tha_Thai": "เมื่อวานฝนตกหนักจนถนนหน้าบ้านมีน้ำขัง",
    "khm_Khmr": "ភ្លៀងធ្លាក់ពេញមួយយប់ ហើយទន្លេពេញដោយទឹក។",
    "amh_Ethi": "ልጆቹ ከዛፉ ሥር ተቀምጠው ይጫወታሉ።",
    "heb_Hebr": "הילדים שיחקו בחצר עד שירד הערב.",
    "zho_Hans": "昨天晚上我们在河边散步,遇见了一只白猫。",
    "kor_Hang": "어젯밤에 우리는 강가를 걸었습니다.",
}
LATIN = {
    "srp_Cyrl": "Sinoc smo dugo pricali o starom mostu.",
    "ell_Grek": "To palio limani itan gemato psarovarkes.",
    "hin_Deva": "aaj subaha nadii ke kinaare bahuta thandii havaa chala rahii thii.",
    "ben_Beng": "aaj sakale nadir dhare thanda haoya baichhila.",
    "tha_Thai": "mueawan fontok nak chon thanon naban mi namkhang",
    "khm_Khmr": "phliang thleak penh muoy yup haey tonle penh daoy toek.",
    "amh_Ethi": "lijochu kezafu sir teqemitew yichawetalu.",
    "heb_Hebr": "hayeladim shichaku bechatzar ad sheyarad haerev.",
    "kor_Hang": "eojetbame urineun ganggareul georeotseumnida.",
}
_LONG = 13  # one document in so many is longer than a pack of 64
_HELD: list[tempfile.TemporaryDirectory[str]] = []


def _folder() -> Path:
    """A folder that lasts as long as the process."""
    if not _HELD:
        _HELD.append(tempfile.TemporaryDirectory(prefix="xlcorpus-packed-"))
    return Path(tempfile.mkdtemp(dir=_HELD[0].name)) / "out"


def document_rows(count: int, **columns: Any) -> pa.RecordBatch:
    """Documents of one to six sentences, every 13th of forty, languages by turns, each with its kind."""
    langs = [list(TEXTS)[row % len(TEXTS)] for row in range(count)]
    texts = [
        " ".join(f"{TEXTS[lang]} {row}.{turn}" for turn in range(40 if row % _LONG == 0 else 1 + row * 5 % 6))
        for row, lang in enumerate(langs)
    ]
    names = [f"document {row}" for row in range(count)]
    kinds = pa.array(["mono" if row % 3 else "bi" for row in range(count)])
    given = {"kind": kinds, "mix_epoch": pa.array(np.arange(count) % 2, pa.int32()), **columns}
    return documents(texts, langs, names=names, source="own", script=True, **given)


def pair_rows(count: int) -> pa.RecordBatch:
    """Pairs of the same sentences, English on the left."""
    others = [lang for lang in TEXTS if lang != "eng_Latn"]
    langs = [others[row % len(others)] for row in range(count)]
    rows = [(f"{TEXTS['eng_Latn']} {row}", f"{TEXTS[lang]} {row}") for row, lang in enumerate(langs)]
    return pairs(rows, "eng_Latn", langs, names=[f"pair {row}" for row in range(count)])


def restore_rows(count: int) -> pa.RecordBatch:
    """Sentences, and the same with their second word in English."""
    langs = [list(TEXTS)[row % len(TEXTS)] for row in range(count)]
    texts = [f"{TEXTS[lang]} {row}" for row, lang in enumerate(langs)]
    words = [text.split() for text in texts]
    switched = pa.array([" ".join([one[0], "bread", *one[2:]]) for one in words])
    made = documents(
        texts,
        langs,
        names=[f"restored {row}" for row in range(count)],
        inputs=switched,
        cs_langs=pa.array([["eng_Latn"]] * count),
        cs_ratio=pa.array(np.full(count, 0.2), pa.float32()),
        cs_operator=["dict_word"] * count,
    )
    return made.rename_columns([{"text": "targets"}.get(name, name) for name in made.schema.names])


def translico_rows(count: int) -> pa.RecordBatch:
    """Sentences and how they are read in Latin letters, each with a number of its own."""
    langs = [list(LATIN)[row % len(LATIN)] for row in range(count)]
    made = documents(
        [f"{TEXTS[lang]} {row}" for row, lang in enumerate(langs)],
        langs,
        names=[f"sentence {row}" for row in range(count)],
        script=True,
        text_latn=pa.array([f"{LATIN[lang]} {row}" for row, lang in enumerate(langs)]),
        sentence=pa.array(np.zeros(count), pa.int32()),
        **{name: ["by hand"] * count for name in ("translit_tool", "translit_version", "translit_lcode")},
    )
    return made.append_column("pair_id", made.column("doc_id"))


def triple_rows(count: int) -> pa.RecordBatch:
    """Queries, each with the text that it is the beginning of, and one of another language."""
    langs = [list(TEXTS)[row % len(TEXTS)] for row in range(count)]
    texts = [f"{TEXTS[lang]} {row}" for row, lang in enumerate(langs)]
    columns = {"query": [text[: len(text) // 2] for text in texts], "negative": [*texts[1:], texts[0]]}
    given = {name: pa.array(column) for name, column in columns.items()}
    return documents(texts, langs, names=[f"triple {row}" for row in range(count)], script=True, **given)


def pack(given: Sequence[pa.RecordBatch], schema: str, folder: Path, **options: Any) -> Dataset:
    """What `xlcorpus pack --output FOLDER` makes of these shards: its rows, notes and step, a shard a shard."""
    inputs = write_dataset(folder.parent / f"{folder.name}-input", given, schema)
    asked = PackOptions(**{"tokenizer": SAMPLE, "length": LENGTH, **options})
    count = tasks.CountShard.for_options(asked)
    held = [count(number, shard) for number, shard in enumerate(inputs.shards)] if count else []
    languages = tasks.numbers_for(asked, held)
    work = tasks.work_for(asked, held, languages, keep_text=False, scratch=folder.parent)
    counts: list[Counts] = []
    made: list[pa.RecordBatch] = []
    for number, shard in enumerate(inputs.shards):
        counts.append({})
        rows = [result.rows for result in work.results(number, shard, counts[-1])]
        made.append(pa.Table.from_batches(rows).combine_chunks().to_batches()[0])
    step = StepRecord("pack", asked.recorded())
    tags = work.tags if isinstance(work, tasks.TokenizeShard) else None
    said = notes.of_run(asked, [inputs], languages, tags, counts, made)
    numbered = languages and (options.get("pure") or options.get("view") == "triples")
    beside = (languages.files() if languages and numbered else {}) | (tags.files() if tags else {})
    for name, content in beside.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    return write_dataset(folder, made, "token", steps=(step,), notes=said)


@functools.cache
def packs(count: int = 300, shards: int = 2, **options: Any) -> Path:
    """Packs of 64 tokens of so many documents, in so many shards; options: of pack."""
    rows = document_rows(count)
    return pack(_cut(rows, shards), "document", _folder(), **options).folder


@functools.cache
def view(name: str, count: int = 120, shards: int = 2, **options: Any) -> Path:
    """Rows of the view `tlm`, `bitext`, `restore`, `translico`, `triples` or `crops`."""
    made = {
        "translico": ("translico", translico_rows),
        "crops": ("document", document_rows),
        "restore": ("restore", restore_rows),
        "triples": ("document", triple_rows),
    }
    schema, rows_of = made.get(name, ("pair", pair_rows))
    rows = rows_of(count)
    return pack(_cut(rows, shards), schema, _folder(), view=name, **options).folder


def _cut(rows: pa.RecordBatch, shards: int) -> list[pa.RecordBatch]:
    size = -(-rows.num_rows // shards)
    return [rows.slice(start, size) for start in range(0, rows.num_rows, size)]


def regroup(given: Path, folder: Path, groups: Iterable[Sequence[int]]) -> Path:
    """The dataset with other row groups: those of each shard, by their rows. What is beyond them is left out."""
    dataset = Dataset.open(given)
    table, start, files = dataset.to_arrow().combine_chunks(), 0, []
    for number, sizes in enumerate(groups):
        name = f"data/part-{number:05d}-000.parquet"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(folder / name, table.schema, compression="zstd", write_page_checksum=True) as writer:
            for size in sizes:
                writer.write_table(table.slice(start, size), row_group_size=max(size, 1))
                start += size
        files.append(ShardFile(name, sum(sizes), (folder / name).stat().st_size, sha256_of(folder / name)))
    replace(dataset.manifest, shards=tuple(files)).save(folder)
    return folder
