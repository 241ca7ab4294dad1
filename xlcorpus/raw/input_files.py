"""Input files: which of those that were found can be read, what each is called, how it is compressed."""

from __future__ import annotations

import codecs
import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, State
from xlcorpus.errors import UserError
from xlcorpus.raw.names import suffixes_of
from xlcorpus.raw.prints import take_print
from xlcorpus.raw.search import UNKNOWN_FORMAT, Candidate, Remarks
from xlcorpus.raw.streams import MAGIC, Damage, read_head, read_stream

FIRST_BYTES = 4096  # what is looked at to tell formats apart
_FIRST_LINE = 256 << 20  # so far the end of the first line is looked for: it takes 0.03 s
_WITHOUT_NEWLINE = 1 << 20  # so far behind the first carriage return there is no newline where lines end with returns


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    name: path relative to the folder or glob given, the same on every machine; source: name of the collection;
    format: name of one in `ingest/formats`; compression: none, gzip, zstd, bz2 or xz; size: bytes on disk. Of two
    parallel files (moses) it is the first with the size of both; twin: the second one. state: of the file on the disk
    when it was looked into (`storage.state_of`). returns: its lines end with carriage returns alone (classic Mac OS).
    """

    path: Location
    name: str
    source: str
    format: str
    compression: str
    size: int
    twin: InputFile | None = None
    state: State | None = field(default=None, compare=False)
    returns: bool = False

    @property
    def sides(self) -> tuple[InputFile, ...]:
        """The file, or both."""
        return (self, self.twin) if self.twin else (self,)

    @functools.cached_property
    def fingerprints(self) -> tuple[str, ...]:
        """xxh3-128, hex, of the bytes of each side, read once: the value travels with the file to the workers."""
        return tuple(take_print(side.path, side.state) for side in self.sides)

    @property
    def looks(self) -> Iterator[tuple[Location, State | None, str]]:
        """Path, state and fingerprint of each side."""
        return ((side.path, side.state, found) for side, found in zip(self.sides, self.fingerprints, strict=True))


class FoundFiles(list[InputFile]):
    """Input files sorted by name; `remarks` holds what lies in the inputs besides and is not read."""

    remarks: Remarks


def found_files(
    files: Sequence[InputFile], remarks: Remarks, inputs: Sequence[str], formats: Sequence[str]
) -> FoundFiles:
    """The files sorted by name; raises UserError where there is none, or two have one name."""
    found = FoundFiles(sorted(files, key=lambda one: (one.name, one.path)))
    found.remarks = remarks
    if not found:
        _nothing(inputs, remarks, formats)
    for one, other in itertools.pairwise(found):
        if one.name == other.name:
            raise UserError(
                f"two inputs have the same name {one.name!r}: {one.path} and {other.path}; "
                "their documents could not be told apart",
                remedy="rename one of them",
            )
    return found


def _nothing(inputs: Sequence[str], remarks: Remarks, formats: Sequence[str]) -> None:
    where = ", ".join(inputs) if inputs else "no input was given"
    unknown = remarks.skipped.get(UNKNOWN_FORMAT, [])
    if unknown:
        shown = ", ".join(map(str, unknown[:3])) + (", ..." if len(unknown) > 3 else "")
        raise UserError(
            f"no input file of a known format in {where}; {len(unknown)} of unknown format: {shown}",
            remedy=f"say what they are with --format {'|'.join(formats)}",
        )
    besides = "".join(f"\n  {line}" for line in remarks.lines())
    raise UserError(
        f"no input file: {where}{besides}", remedy="give files, folders or globs; hidden files are not read"
    )


def look_into(candidate: Candidate, source: str | None) -> tuple[InputFile, bytes]:
    """The file, its format yet unknown, and the first 4 KB of its content. Raises UserError."""
    path = candidate.path
    try:
        state = storage.state_of(path)
        with storage.open_input(path) as stream:
            head = stream.read(FIRST_BYTES)
        compression = _compression(head, suffixes_of(candidate.own_name)[1])
        if compression != "none":
            head = read_head(path, compression, FIRST_BYTES)
        returns = _returns_alone(path, compression, head)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", remedy="check its permissions") from error
    source = source or candidate.source
    return InputFile(path, candidate.name, source, "", compression, state[0], state=state, returns=returns), head


def _returns_alone(path: Location, compression: str, head: bytes) -> bool:
    """Whether lines end with carriage returns alone: the first end of a line is one, and far and wide there is no LF.

    head: the first 4 KB of the content; it is read on only where no line ends there with LF.
    """
    if b"\n" in head or len(head) < FIRST_BYTES:
        return b"\n" not in head and b"\r" in head
    seen, first = 0, -1
    for piece in read_stream(path, compression):
        if isinstance(piece, Damage) or b"\n" in piece:
            return first >= 0 and isinstance(piece, Damage)
        if first < 0 and b"\r" in piece:
            first = seen + piece.index(b"\r")
        seen += len(piece)
        if seen > _FIRST_LINE if first < 0 else seen > first + _WITHOUT_NEWLINE:
            break
    return first >= 0


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
