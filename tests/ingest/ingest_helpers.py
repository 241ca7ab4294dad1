"""Read whole inputs the way the pipeline does, and check on the way what must hold for every batch."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard

from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.dataset.schema import load_schema
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.find import find_files as find
from xlcorpus.ingest.read import cut_files, read_ranges
from xlcorpus.raw.input_files import FoundFiles, InputFile
from xlcorpus.raw.options import ReadOptions

# One sentence a script, written for these tests.
TEXTS = {
    "Latn": "Mto ule una samaki wengi na maji yake ni safi.",
    "Cyrl": "Утром над озером стоял густой туман.",
    "Arab": "جلس الأطفال تحت الشجرة الكبيرة.",
    "Deva": "गाँव के पास एक पुराना कुआँ है।",
    "Beng": "নদীর ধারে একটি ছোট নৌকা বাঁধা আছে।",
    "Thai": "แมวตัวหนึ่งนอนอยู่ใต้โต๊ะ",
    "Hans": "山上的雪还没有融化。",
    "Jpan": "駅の前に小さな本屋があります。",
    "Kore": "바람이 불어 창문이 흔들렸다.",
    "Ethi": "ዛሬ ጠዋት ዝናብ ዘነበ።",
    "Hebr": "הספר הישן מונח על המדף.",
    "Grek": "Το καράβι έφυγε πριν από την αυγή.",
    "Taml": "மழைக்குப் பிறகு வானம் தெளிவானது.",
    "Adlm": "𞤀𞤣𞤤𞤢𞤥",
    "Emoj": "🌧️ → 🌈 👩‍🌾",
}  # fmt: skip


@dataclass
class ReadRows:
    """Everything that came out of an input, as plain Python values."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    bytes: int = 0
    counts: Counts = field(default_factory=dict)
    schema: pa.Schema | None = None

    def add(self, part: Result, schema: pa.Schema) -> None:
        assert part.rows.schema.equals(schema)
        assert part.rows.num_rows <= 1 or part.rows.get_total_buffer_size() > 0
        assert part.decisions is None or part.decisions.schema.equals(load_schema("decision").arrow)
        assert part.rejects is None or part.rejects.schema.equals(load_schema("reject").arrow)
        found = [batch for batch in (part.rows, part.decisions, part.rejects) if batch is not None]
        assert part.rows_in == sum(batch.num_rows for batch in found)
        for batch in found:
            batch.validate(full=True)
            assert batch.num_rows <= 4096
        self.documents += part.rows.to_pylist()
        self.decisions += part.decisions.to_pylist() if part.decisions is not None else []
        self.rejects += part.rejects.to_pylist() if part.rejects is not None else []
        self.records += part.rows_in
        self.bytes += part.bytes_in
        add_counts(self.counts, part.counts)

    @property
    def texts(self) -> list[str]:
        return [row["text"] for row in self.documents]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(row["src"], row["tgt"]) for row in self.documents]

    @property
    def offsets(self) -> list[int]:
        return [row["origin"]["offset"] for row in self.documents]

    @property
    def reasons(self) -> Counter[str]:
        return Counter(row["reason"] for row in [*self.decisions, *self.rejects])


def find_files(inputs: Sequence[str], **options: Any) -> FoundFiles:
    """Find files; options are those of ReadOptions."""
    return find(inputs, ReadOptions(**options))


def read_all(*inputs: Path | str, target_bytes: int = 64 << 20, keep_text: bool = False, **options: Any) -> ReadRows:
    """Find, cut and read; options are those of ReadOptions."""
    read_options = ReadOptions(**{"source": "test", **options})
    return read_files(find([str(one) for one in inputs], read_options), read_options, target_bytes, keep_text)


def read_pairs(*inputs: Path | str, **options: Any) -> ReadRows:
    """The same for sentence pairs, English to German unless the options say otherwise."""
    given = {"src_column": "en", "tgt_column": "de", "src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
    return read_all(*inputs, kind="pairs", **{**given, **options})


def read_files(
    files: Sequence[InputFile], read_options: ReadOptions, target_bytes: int = 64 << 20, keep_text: bool = False
) -> ReadRows:
    """Cut and read."""
    schema = output_schema(files, read_options)
    result = ReadRows(schema=schema)
    for ranges in cut_files(files, target_bytes=target_bytes):
        for read in read_ranges(ranges, read_options, schema, keep_text=keep_text):
            result.add(read, schema)
    ids = [row["doc_id"] for row in [*result.documents, *result.decisions]]
    assert len(set(ids)) == len(ids)
    return result


def jsonl(path: Path, *records: Any) -> Path:
    """Write a JSON Lines file; `bytes` are written as they are."""
    lines = [one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode() for one in records]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


COMPRESS = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


# Archives, record by record

PAGE = "<!DOCTYPE html><html><head><title>t</title></head><body><main><h1>{0}</h1><p>{0} {0}</p></main></body></html>"


def record(kind: str, block: bytes, content_type: str = "application/http; msgtype=response", **fields: str) -> bytes:
    head = {
        "WARC-Type": kind,
        "WARC-Date": "2024-05-18T01:58:10Z",
        "WARC-Target-URI": "https://example.org/" + kind,
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"WARC/1.0\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def response(body: bytes, status: str = "200 OK", content_type: str = "text/html", **fields: str) -> bytes:
    head = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return record("response", f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)


def page(text: str, encoding: str = "utf-8") -> bytes:
    return PAGE.format(text).encode(encoding)


def wet(text: str) -> bytes:
    return record("conversion", text.encode(), "text/plain")


def write(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"".join(records))
    return path


def arc(*records: tuple[str, bytes]) -> bytes:
    out = b"filedesc://x.arc 0.0.0.0 20140216050221 text/plain 5\n1 0 x\n"
    for head, block in records:
        out += f"{head} {len(block)}\n".encode() + block + b"\n"
    return out


def raw_deflate(body: bytes) -> bytes:
    """DEFLATE without the zlib header, as some servers send it."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


def chunked(body: bytes, size: int = 50, line: str = "{:x}", end: bytes = b"\r\n", trailer: bytes = b"") -> bytes:
    """A body in chunks; line: of a chunk's size, with extensions."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(line.format(len(part)).encode() + end + part + end for part in parts) + b"0" + end + trailer + end
