"""Which input files a command line means, and what each is called; nothing about their formats."""

from __future__ import annotations

import codecs
import functools
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import MANIFEST, WORK
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.raw.streams import MAGIC

_COMPRESSION_OF = {"gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bz2", "xz": "xz"}
FIRST_BYTES = 4096  # what is looked at to tell formats apart
_UNFINISHED = f"{WORK}/run.json"  # the state of a run, see beam/workspace.py


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    name: path relative to the folder or glob given, the same on every machine; source: name of the collection;
    format: name of one in `ingest/formats`; compression: none, gzip, zstd, bz2 or xz; size: bytes on disk. Of two
    parallel files (moses) it is the first with the size of both; twin: the second one.
    """

    path: Location
    name: str
    source: str
    format: str
    compression: str
    size: int
    twin: InputFile | None = None

    @property
    def paths(self) -> tuple[Location, ...]:
        """The file, or both."""
        return (self.path, self.twin.path) if self.twin else (self.path,)

    @functools.cached_property
    def fingerprints(self) -> tuple[str, ...]:
        """xxh3-128, hex, of the bytes of each path, read once: the value travels with the file to the workers."""
        return tuple(map(storage.fingerprint_of_file, self.paths))


class FoundFiles(list[InputFile]):
    """Input files sorted by name; `skipped` lists the paths in folders and globs whose format is unknown."""

    skipped: tuple[Location, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A file that an input means, before it is looked into; explicit: it was named itself."""

    path: Location
    name: str
    source: str
    explicit: bool

    @property
    def own_name(self) -> str:
        """The file's name without folders."""
        return self.name.rpartition("/")[2]

    @property
    def plain_name(self) -> str:
        """The file's own name without the suffix that says how it is compressed."""
        name = self.own_name
        return name if suffixes_of(name)[1] is None else name.rpartition(".")[0]


def chosen_files(inputs: Sequence[str], suffixes: Collection[str]) -> list[Candidate]:
    """The files that `inputs` (files, folders, globs) mean, each once, sorted by name whatever their order.

    suffixes: those that say a format; they are no part of a file's name as the name of its collection. Raises UserError
    where an input does not exist, or is a dataset.
    """
    chosen: dict[Location, Candidate] = {}  # by real path: a file reached twice, or through a link, is read once
    for given in inputs:
        for candidate in _candidates(given, suffixes):
            real = storage.resolve(candidate.path)
            if real not in chosen or _rank(candidate) < _rank(chosen[real]):
                chosen[real] = candidate
    return sorted(chosen.values(), key=lambda one: (one.name, one.path))


def found_files(
    files: Sequence[InputFile], skipped: Sequence[Location], inputs: Sequence[str], formats: Sequence[str]
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
                remedy=f"give their common folder instead: {storage.common_folder([one.path, other.path])}",
            )
    return found


def _rank(candidate: Candidate) -> tuple[int, int, str, str]:
    """The longest name wins (`news/a.txt` before `a.txt`), then the smaller: the order of the inputs does not count."""
    return (-candidate.name.count("/"), not candidate.explicit, candidate.name, candidate.source)


def _nothing(inputs: Sequence[str], skipped: Sequence[Location], formats: Sequence[str]) -> None:
    where = ", ".join(inputs) if inputs else "no input was given"
    if skipped:
        shown = ", ".join(map(str, skipped[:3])) + (", ..." if len(skipped) > 3 else "")
        raise UserError(
            f"no input file of a known format in {where}; {len(skipped)} of unknown format: {shown}",
            remedy=f"say what they are with --format {'|'.join(formats)}",
        )
    raise UserError(f"no input file: {where}", remedy="give files, folders or globs; hidden files are not read")


def _candidates(given: str, suffixes: Collection[str]) -> Iterator[Candidate]:
    if re.match(r"[a-z][a-z0-9+.-]+://", given):
        raise UserError(f"{given}: only files on this machine can be read", remedy="copy or mount them first")
    path = storage.locate(given)
    if storage.is_folder(path):
        yield from _walk(path, path)
    elif storage.is_file(path):
        yield Candidate(path, clean_name(path.name), clean_name(_stem(path.name, suffixes)), explicit=True)
    elif storage.exists(path):
        raise UserError(f"{given} is not a regular file", remedy="pipe it in and give '-' as the input")
    elif storage.is_pattern(given):
        yield from _matches(given)
    else:
        raise UserError(f"{given} does not exist", remedy="check the path; put quotes around a glob")


def _matches(pattern: str) -> Iterator[Candidate]:
    parts = storage.locate(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if storage.is_pattern(part))
    prefix = storage.locate(*parts[:fixed]) if fixed else storage.locate("")
    for path in storage.matches_of(pattern):
        if any(_hidden(part) for part in path.relative_to(prefix).parts):
            continue
        if storage.is_file(path):
            yield _candidate(path, prefix)
        elif storage.is_folder(path) and parts[-1] != "**":  # which matches every file below as well
            yield from _walk(path, prefix)


def _walk(folder: Location, prefix: Location) -> Iterator[Candidate]:
    seen: set[Location] = set()
    for where, folders, names in storage.walk(folder, follow_links=True):
        real = storage.resolve(where)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        if MANIFEST in names:
            raise UserError(
                f"{where} holds {MANIFEST}: it is an xlcorpus dataset, not raw input",
                remedy="give it to the next step as it is, or give the raw files themselves",
            )
        if storage.is_file(where / _UNFINISHED):
            raise UserError(
                f"{where} holds an unfinished xlcorpus run: it is neither a dataset nor raw input",
                remedy="finish it first: the command that made it, with --resume",
            )
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in sorted(names):
            path = where / name
            if not _hidden(name) and storage.is_file(path):
                yield _candidate(path, prefix)


def _candidate(path: Location, prefix: Location) -> Candidate:
    name = clean_name(storage.relative_name(path, prefix))
    return Candidate(path, name, clean_name(storage.resolve(prefix).name), explicit=False)


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def clean_name(name: str) -> str:
    """NFC (macOS file systems may hand out NFD) and undecodable bytes replaced: names go into Arrow strings."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def suffixes_of(name: str) -> tuple[str, str | None]:
    """What a name says of format and compression: of `docs.jsonl.gz` jsonl, gzip; '' and None where it says nothing."""
    parts = name.lower().split(".")[1:]
    compression = _COMPRESSION_OF.get(parts[-1]) if parts else None
    if compression is not None:
        parts = parts[:-1]
    return (parts[-1] if parts else ""), compression


def _stem(name: str, suffixes: Collection[str]) -> str:
    """The name without the suffixes that say format and compression."""
    suffix, compression = suffixes_of(name)
    for _ in range((suffix in suffixes) + (compression is not None)):
        name = name.rpartition(".")[0]
    return name or "input"


def look_into(candidate: Candidate, source: str | None) -> tuple[InputFile, bytes]:
    """The file, its format yet unknown, and its first bytes as they are on disk. Raises UserError."""
    try:
        size = storage.size_of(candidate.path)
        with storage.open_input(candidate.path) as stream:
            raw = stream.read(FIRST_BYTES)
    except OSError as error:
        raise UserError(f"cannot read {candidate.path}: {error.strerror}", remedy="check its permissions") from error
    compression = _compression(raw, suffixes_of(candidate.own_name)[1])
    return InputFile(candidate.path, candidate.name, source or candidate.source, "", compression, size), raw


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
