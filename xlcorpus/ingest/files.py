"""Which input files a command line means, what each is called, and what is in it."""

from __future__ import annotations

import codecs
import glob
import itertools
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from xlcorpus.errors import UserError, nearest
from xlcorpus.ingest.streams import MAGIC, read_head

FORMATS = ("jsonl", "text", "parquet", "warc", "arc")
PAIR_FORMATS = ("jsonl", "parquet", "tsv", "csv", "moses")
_FORMAT_OF = {
    "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "jsonlines": "jsonl", "txt": "text", "text": "text",
    "parquet": "parquet", "pq": "parquet", "warc": "warc", "wet": "warc", "wat": "warc", "arc": "arc",
}  # fmt: skip
_COMPRESSION_OF = {"gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bz2", "xz": "xz"}
_HEAD = 4096
_JSON_HEAD = 1 << 16
_MANIFEST = "manifest.json"
_UNFINISHED = "_work/run.json"  # the state of a run, see beam/workspace.py


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    name: path relative to the folder or glob given, the same on every machine; source: name of the collection;
    format: one of FORMATS or PAIR_FORMATS; compression: none, gzip, zstd, bz2 or xz; size: bytes on disk. Of two
    parallel files (moses) it is the first with the size of both; beside, beside_compression: the second one.
    """

    path: str
    name: str
    source: str
    format: str
    compression: str
    size: int
    beside: str = ""
    beside_compression: str = "none"

    @property
    def paths(self) -> tuple[str, ...]:
        """The file, or both."""
        return (self.path, self.beside) if self.beside else (self.path,)


class FoundFiles(list[InputFile]):
    """Input files sorted by name; `skipped` lists the paths in folders and globs whose format is unknown."""

    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A file that an input means, before it is looked into; explicit: it was named itself."""

    path: str
    name: str
    source: str
    explicit: bool

    @property
    def plain_name(self) -> str:
        """The file's own name without the suffix that says how it is compressed."""
        name = self.name.rpartition("/")[2]
        return name if _suffixes(name, {})[1] is None else name.rpartition(".")[0]


def find_files(inputs: Sequence[str], *, source: str | None = None, format: str | None = None) -> FoundFiles:
    """The files that `inputs` (files, folders, globs) mean, each once, sorted by name whatever the order of `inputs`.

    source: name of the collection for all of them; format: read all of them as this, whatever their names say.
    Raises UserError where an input does not exist or holds nothing, is a dataset, has an unknown format, or where two
    files have one name.
    """
    format = _known_format(format)
    found: list[InputFile] = []
    skipped: list[str] = []
    for candidate in chosen_files(inputs):
        file = inspect_file(candidate, source, format)
        if file is None:
            skipped.append(candidate.path)
        else:
            found.append(file)
    return found_files(found, skipped, inputs, FORMATS)


def chosen_files(inputs: Sequence[str]) -> list[Candidate]:
    """The files that `inputs` mean, each once, sorted by name whatever the order of `inputs`."""
    chosen: dict[str, Candidate] = {}  # by real path: a file reached twice, or through a link, is read once
    for given in inputs:
        for candidate in _candidates(given):
            real = os.path.realpath(candidate.path)
            if real not in chosen or _rank(candidate) < _rank(chosen[real]):
                chosen[real] = candidate
    return sorted(chosen.values(), key=lambda one: (one.name, one.path))


def found_files(
    files: Sequence[InputFile], skipped: Sequence[str], inputs: Sequence[str], formats: Sequence[str]
) -> FoundFiles:
    """The files sorted by name; raises UserError where there is none, or two have one name."""
    found = FoundFiles(sorted(files, key=lambda one: (one.name, one.path)))
    found.skipped = tuple(skipped)
    if not found:
        _nothing(inputs, skipped, formats)
    for one, other in itertools.pairwise(found):
        if one.name == other.name:
            raise UserError(
                f"two input files have the same name {one.name!r}: {one.path} and {other.path}; "
                "their documents could not be told apart",
                remedy=f"give their common folder instead: {os.path.commonpath([one.path, other.path])}",
            )
    return found


def _known_format(format: str | None) -> str | None:
    if format is None or format in FORMATS:
        return format
    if format in _FORMAT_OF:
        return _FORMAT_OF[format]
    raise UserError(f"unknown input format {format!r}: {nearest(format, FORMATS)}", remedy="see --format in --help")


def _rank(candidate: Candidate) -> tuple[int, int, str, str]:
    """The longest name wins (`news/a.txt` before `a.txt`), then the smaller: the order of the inputs does not count."""
    return (-candidate.name.count("/"), not candidate.explicit, candidate.name, candidate.source)


def _nothing(inputs: Sequence[str], skipped: Sequence[str], formats: Sequence[str]) -> None:
    where = ", ".join(inputs) if inputs else "no input was given"
    if skipped:
        shown = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        raise UserError(
            f"no input file of a known format in {where}; {len(skipped)} of unknown format: {shown}",
            remedy=f"say what they are with --format {'|'.join(formats)}",
        )
    raise UserError(f"no input file: {where}", remedy="give files, folders or globs; hidden files are not read")


def _candidates(given: str) -> Iterator[Candidate]:
    if re.match(r"[a-z][a-z0-9+.-]+://", given):
        raise UserError(f"{given}: only files on this machine can be read", remedy="copy or mount them first")
    path = Path(given)
    if path.is_dir():
        yield from _walk(path, path)
    elif path.is_file():
        yield Candidate(str(path), clean_name(path.name), clean_name(_stem(path.name)), explicit=True)
    elif path.exists():
        raise UserError(f"{given} is not a regular file", remedy="pipe it in and give '-' as the input")
    elif glob.has_magic(given):
        yield from _matches(given)
    else:
        raise UserError(f"{given} does not exist", remedy="check the path; put quotes around a glob")


def _matches(pattern: str) -> Iterator[Candidate]:
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    prefix = Path(*parts[:fixed])
    for match in sorted(glob.glob(pattern, recursive=True)):
        path = Path(match)
        if any(_hidden(part) for part in path.relative_to(prefix).parts):
            continue
        if path.is_file():
            yield _candidate(path, prefix)
        elif path.is_dir() and parts[-1] != "**":  # which matches every file below as well
            yield from _walk(path, prefix)


def _walk(folder: Path, prefix: Path) -> Iterator[Candidate]:
    seen: set[str] = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        if _MANIFEST in names:
            raise UserError(
                f"{where} holds {_MANIFEST}: it is an xlcorpus dataset, not raw input",
                remedy="give it to the next step as it is, or give the raw files themselves",
            )
        if Path(where, _UNFINISHED).is_file():
            raise UserError(
                f"{where} holds an unfinished xlcorpus run: it is neither a dataset nor raw input",
                remedy="finish it first: the command that made it, with --resume",
            )
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in sorted(names):
            path = Path(where, name)
            if not _hidden(name) and path.is_file():
                yield _candidate(path, prefix)


def _candidate(path: Path, prefix: Path) -> Candidate:
    name = Path(os.path.relpath(path, prefix)).as_posix()
    return Candidate(str(path), clean_name(name), clean_name(prefix.resolve().name), explicit=False)


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def clean_name(name: str) -> str:
    """NFC (macOS file systems may hand out NFD) and undecodable bytes replaced: names go into Arrow strings."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _suffixes(name: str, formats: Mapping[str, str] = _FORMAT_OF) -> tuple[str | None, str | None]:
    """Format and compression as the name says them: `docs.jsonl.gz` is jsonl, gzip."""
    parts = name.lower().split(".")[1:]
    compression = _COMPRESSION_OF.get(parts[-1]) if parts else None
    if compression is not None:
        parts = parts[:-1]
    return (formats.get(parts[-1]) if parts else None), compression


def _stem(name: str) -> str:
    """The name without the suffixes that say format and compression."""
    format, compression = _suffixes(name)
    for _ in range((format is not None) + (compression is not None)):
        name = name.rpartition(".")[0]
    return name or "input"


def inspect_file(
    candidate: Candidate,
    source: str | None,
    format: str | None,
    more_suffixes: Mapping[str, str] = MappingProxyType({}),
) -> InputFile | None:
    """Format and compression of a file by its first bytes and its name; None where it is unknown and not explicit.

    format: what it is, whatever its name says; more_suffixes: formats by suffixes that documents do not have.
    Raises UserError where the file cannot be read or an explicit one is of unknown format.
    """
    try:
        size = os.path.getsize(candidate.path)
        with Path(candidate.path).open("rb") as stream:
            raw = stream.read(_HEAD)
    except OSError as error:
        raise UserError(f"cannot read {candidate.path}: {error.strerror}", remedy="check its permissions") from error
    says, compressed = _suffixes(os.path.basename(candidate.path), {**_FORMAT_OF, **more_suffixes})
    compression = _compression(raw, compressed)
    problem: str | None = None
    if format is None:
        format = _sniff(candidate.path, raw, compression, says)
        if format is None:
            problem = "has an unknown format"
            if says == "jsonl":
                problem = "is one JSON document, not one JSON object a line"
        elif format == "parquet" and compression != "none":
            problem = f"is a {compression} file around a Parquet file, which cannot be read"
    if problem is not None or format is None:
        if not candidate.explicit:
            return None
        raise UserError(
            f"{candidate.path} {problem}",
            remedy="rewrite it with jq -c '.[]' FILE > FILE.jsonl"
            if says == "jsonl"
            else f"say what it is with --format {'|'.join(FORMATS)}, decompressed if need be",
        )
    return InputFile(candidate.path, candidate.name, source or candidate.source, format, compression, size)


def _compression(raw: bytes, says: str | None) -> str:
    for name, magic in MAGIC.items():
        if raw.startswith(magic) and (name != "bz2" or raw[4:10] in (b"1AY&SY", b"\x17rE8P\x90")):
            return name
    if says is not None and raw:
        # `.gz` that a browser has already unpacked is text; anything else is damaged, and its reader will say so.
        try:
            text = codecs.getincrementaldecoder("utf-8")().decode(raw)
        except UnicodeDecodeError:
            return says
        return says if "\0" in text else "none"
    return "none"


def _sniff(path: str, raw: bytes, compression: str, says: str | None) -> str | None:
    """Format by magic bytes, else by suffix; a file without any suffix may be JSON Lines (Spark's `part-00000`)."""
    head = raw if compression == "none" else read_head(path, compression, _HEAD)
    if head.startswith((b"PAR1", b"PARE")) and (len(head) == 4 or head[4] < 0x20):
        return "parquet"
    if re.match(rb"WARC/\d", head):
        return "warc"
    if head.startswith(b"filedesc://"):
        return "arc"
    name = os.path.basename(path).lower()
    pretty = says == "jsonl" and re.search(r"\.json(\.\w+)?$", name) is not None
    if (says is None and "." not in name) or (pretty and head):
        line, newline, _ = (
            read_head(path, compression, _JSON_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
        )
        if not newline and len(line) > _JSON_HEAD // 2:
            return "jsonl" if line.startswith(b"{") else None
        try:
            return "jsonl" if isinstance(json.loads(line), dict) else None
        except (ValueError, RecursionError):
            return None
    return says
