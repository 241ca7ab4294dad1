"""A tokenizer of bytes with all special ids, documents as tokens, and packs put together again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from tests.rows import doc_id
from tests.rows import documents as rows_of_texts
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import PACK
from xlcorpus.pack.token_documents import TokenDocuments
from xlcorpus.text.ragged import offsets_of
from xlcorpus.tokenizer.tokenizer import CONTROL, PARTIAL, Tokenizer

# Own sentences, in several scripts.
TEXTS = {
    "eng_Latn": "The ferry leaves at nine and the bread is still warm.",
    "hin_Deva": "आज सुबह नदी के किनारे बहुत ठंडी हवा चल रही थी।",
    "tha_Thai": "เมื่อวานฝนตกหนักจนถนนหน้าบ้านมีน้ำขัง",
    "srp_Cyrl": "Синоћ смо дуго причали о старом мосту.",
    "srp_Latn": "Sinoć smo dugo pričali o starom mostu.",
    "amh_Ethi": "ልጆቹ ከዛፉ ሥር ተቀምጠው ይጫወታሉ።",
    "zho_Hans": "昨天晚上我们在河边散步,遇见了一只白猫。",
    "yor_Latn": "Ọmọ náà ń ka ìwé lábẹ́ igi ní àárọ̀.",
}


@dataclass(frozen=True)
class Bytes(Tokenizer):
    """Bytes of UTF-8 from 5 on, after the special ids; `None` for one leaves it out."""

    pad_id: int | None = 0
    bos_id: int | None = 1
    eos_id: int | None = 2
    unk_id: int | None = 3
    mask_id: int | None = 4
    vocab_size: int = 261
    fingerprint: str = "fake"
    path: str = "few.model"
    name: str = "few"
    kind: ClassVar[str] = "bytes"

    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        parts = [text.encode() for text in texts.to_pylist()]
        ids = np.frombuffer(b"".join(parts), dtype=np.uint8).astype(np.int32) + 5
        return ids, offsets_of(np.array([len(part) for part in parts], dtype=np.int64))

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        return bytes(int(value) - 5 for value in ids if value >= 5).decode()

    def piece_texts(self) -> list[str | None]:
        return [None] * self.vocab_size

    @property
    def piece_kinds(self) -> np.ndarray:
        return np.where(np.arange(self.vocab_size) < 5, CONTROL, PARTIAL).astype(np.uint8)

    def id_of(self, token: str) -> int | None:
        raise NotImplementedError


def options_of(length: int, strategy: Any = "best-fit", objective: Any = "clm", **more: Any) -> PackOptions:
    """Options of packs of bytes."""
    return PackOptions(tokenizer="bytes", length=length, strategy=strategy, objective=objective, **more)


def view_options(view: Any, length: int, **more: Any) -> PackOptions:
    """Options of the rows of a view, of bytes."""
    return PackOptions(tokenizer="bytes", view=view, length=length, **more)


def documents(texts: Sequence[str | None], langs: Sequence[str | None], **columns: Any) -> pa.RecordBatch:
    """Documents named by their row."""
    return rows_of_texts(texts, langs, names=[str(row) for row in range(len(texts))], source=None, **columns)


def token_documents(lengths: Sequence[int] | np.ndarray, langs: Sequence[str] | None = None) -> TokenDocuments:
    """Documents of these lengths whose tokens are all different (0, 1, 2, ...), named by their row."""
    sizes = np.array(lengths, dtype=np.int64)
    names = pa.array(langs if langs is not None else ["eng_Latn"] * len(sizes), pa.string())
    nulls = pa.nulls(len(sizes), pa.string())
    ids = pa.array([doc_id(str(row)) for row in range(len(sizes))], pa.binary(16))
    epochs, text_bytes = pa.array(np.zeros(len(sizes), dtype=np.int32)), pa.array(sizes)
    tokens = np.arange(sizes.sum(), dtype=np.int32)
    return TokenDocuments(tokens, offsets_of(sizes), ids, names, nulls, nulls, nulls, epochs, text_bytes)


def pack(
    given: TokenDocuments,
    options: PackOptions,
    languages: LanguageIds | None = None,
    *,
    batches: Sequence[int] = (),
    task: int = 0,
    **window: int,
) -> tuple[pa.Table, Packer]:
    """All packs of the documents, added in batches that end at these rows."""
    packer = Packer(options, task, languages, **window)
    made: list[pa.RecordBatch] = []
    cuts = [0, *sorted(min(cut, len(given)) for cut in batches), len(given)]
    for start, stop in pairwise(cuts):
        made.extend(packer.add(given.slice(start, stop)))
    made.extend(packer.finish())
    return pa.Table.from_batches(made, schema=PACK).combine_chunks(), packer


def parts_of(packs: pa.Table | pa.RecordBatch) -> Iterable[dict[str, Any]]:
    """Each part of each pack: row of the pack, doc_id, offset, total, lang, ids."""
    for number, row in enumerate(packs.to_pylist()):
        ends = [*row["doc_starts"][1:], len(row["input_ids"])]
        for place, (start, end) in enumerate(zip(row["doc_starts"], ends, strict=True)):
            yield {
                "pack": number,
                "doc_id": row["doc_ids"][place],
                "offset": row["doc_offsets"][place],
                "total": row["doc_lengths"][place],
                "lang": row["langs"][place],
                "ids": row["input_ids"][start:end],
            }


def rebuilt(packs: pa.Table | pa.RecordBatch) -> dict[bytes, list[int]]:
    """The tokens of each document from its parts; fails where these leave a gap, overlap, or are not all."""
    parts: defaultdict[bytes, list[dict[str, Any]]] = defaultdict(list)
    for part in parts_of(packs):
        parts[part["doc_id"]].append(part)
    whole = {}
    for name, of_document in parts.items():
        ids: list[int] = []
        for part in sorted(of_document, key=lambda part: part["offset"]):
            assert part["offset"] == len(ids), "a gap, or a part that is there twice"
            assert part["ids"], "an empty part"
            ids += part["ids"]
        assert {part["total"] for part in of_document} == {len(ids)}
        whole[name] = ids
    return whole
