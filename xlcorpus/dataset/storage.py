"""The one door to files: everything that opens, lists, commits, locks or removes a file goes through here.

Local disks and shared mounts for now. Rooms get a `Location` from `locate`, join it with `/` and hand it back; none
of them opens, lists or removes anything by itself, so that object stores can be put behind this module.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import json
import mmap
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from xlcorpus.errors import StorageError, UserError

Mapped: TypeAlias = mmap.mmap | bytes
ParquetWriter: TypeAlias = pq.ParquetWriter  # what `parquet_writer` opens
Location: TypeAlias = Path  # joined by `/`, with `name`, `stem`, `suffix`, `parent`; everything else is asked here
State: TypeAlias = tuple[int, int, int]  # bytes, time of change, number on the disk: another one where it was changed

_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp")
_BLOCK = 1 << 20


# Where things are.


def locate(given: str | os.PathLike[str], *more: str) -> Location:
    """The location that a path as the user writes it means; `more`: names below it."""
    return Path(given, *more)


def resolve(location: str | Location) -> Location:
    """The location without links and relative parts: two that are one place become equal."""
    return Path(location).resolve()


def is_inside(location: str | Location, folder: Location) -> bool:
    """Whether a location is a folder, or lies in it, links followed."""
    return resolve(location).is_relative_to(resolve(folder))


def relative_name(location: Location, folder: Location) -> str:
    """The name of a location in a folder, its parts joined by `/`."""
    return Path(os.path.relpath(location, folder)).as_posix()


def is_file(location: Location) -> bool:
    """Whether there is a file; no name is too long to ask."""
    return os.path.isfile(location)


def is_folder(location: Location) -> bool:
    """Whether there is a folder; no name is too long to ask."""
    return os.path.isdir(location)


def is_link(location: Location) -> bool:
    """Whether it is a symbolic link, to whatever."""
    return location.is_symlink()


def exists(location: Location) -> bool:
    """Whether there is anything; no name is too long to ask."""
    return os.path.exists(location)


def size_of(location: Location) -> int:
    """Bytes of a file; raises OSError where there is none."""
    return location.stat().st_size


def state_of(location: Location | os.DirEntry[str]) -> State:
    """What a file is on the disk; raises OSError."""
    found = location.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def entries_of(folder: Location) -> list[Location]:
    """What lies directly in a folder, sorted by name; raises OSError where there is none."""
    return sorted(folder.iterdir())


def files_below(folder: Location) -> list[Location]:
    """All files in a folder and the folders in it, sorted; none where there is no folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Entry:
    """What lies in a folder: name, what it is itself (links are not followed), and the state of files."""

    name: str
    kind: Literal["file", "folder", "link", "other"]
    state: State | None = None


def scan(folder: Location) -> list[Entry]:
    """What lies directly in a folder, sorted by name; raises OSError. It says what each thing is."""
    found = []
    with os.scandir(folder) as entries:
        for one in sorted(entries, key=lambda entry: entry.name):
            if one.is_symlink():
                found.append(Entry(one.name, "link"))
            elif one.is_file():
                found.append(Entry(one.name, "file", state_of(one)))
            else:
                found.append(Entry(one.name, "folder" if one.is_dir() else "other"))
    return found


def names_below(folder: Location) -> list[str]:
    """Names of all that is in a folder and the folders in it, but the folders; a link is one thing. Raises OSError."""
    names: list[str] = []
    for one in scan(folder):
        below = names_below(folder / one.name) if one.kind == "folder" else []
        names += [f"{one.name}/{name}" for name in below] if one.kind == "folder" else [one.name]
    return names


def is_pattern(given: str) -> bool:
    """Whether it holds `*`, `?` or `[...]`: it may be a pattern for `matches_of`."""
    return glob.has_magic(given)


def matches_of(pattern: str) -> list[Location]:
    """What a pattern with `*`, `?`, `[...]` and `**` names, sorted."""
    return sorted(Path(match) for match in glob.glob(pattern, recursive=True))


def in_home(given: str) -> Location:
    """The location that a path means whose `~` stands for the user's home."""
    return Path(given).expanduser()


def named_by(variable: str) -> Location | None:
    """The location that an environment variable names; None where it is not set."""
    given = os.environ.get(variable)
    return Path(given) if given else None


def has_program(name: str) -> bool:
    """Whether there is a program of this name to call."""
    return shutil.which(name) is not None


def packaged(package: str, *names: str) -> Location:
    """A file or folder that ships with the package."""
    return Path(str(resources.files(package).joinpath(*names)))


# Reading.


def open_input(location: str | Location) -> BufferedReader:
    """A file to read, as bytes; raises OSError."""
    return Path(location).open("rb")


def read_bytes(location: str | Location) -> bytes:
    """All bytes of a file; raises OSError."""
    return Path(location).read_bytes()


def read_text(location: str | Location) -> str:
    """A file of UTF-8; raises OSError, UnicodeDecodeError."""
    return Path(location).read_text(encoding="utf-8")


def read_json(location: str | Location) -> Any:
    """Parse a JSON file; raises OSError or ValueError."""
    return json.loads(read_text(location))


def open_parquet(location: str | Location, **settings: Any) -> pq.ParquetFile:
    """A Parquet file to read (a context manager), its pages checked; raises OSError, pa.ArrowInvalid."""
    return pq.ParquetFile(location, page_checksum_verification=True, **settings)


def read_parquet(location: str | Location, columns: list[str] | None = None) -> pa.Table:
    """All rows of a Parquet file, its pages checked; raises OSError, pa.ArrowInvalid."""
    return pq.read_table(location, columns=columns, partitioning=None, page_checksum_verification=True)


def parquet_schema(location: str | Location) -> pa.Schema:
    """The columns of a Parquet file; raises OSError, pa.ArrowInvalid."""
    return pq.read_schema(location)


def mapped_buffer(location: str | Location) -> pa.Buffer:
    """The bytes of a file, mapped into memory for as long as they are used; raises OSError."""
    if not os.path.getsize(location):
        return pa.py_buffer(b"")
    with pa.memory_map(str(location)) as file:
        return file.read_buffer()


@contextmanager
def open_mapped(location: str | Location) -> Iterator[Mapped]:
    """The bytes of a file, mapped into memory; b"" where it is empty. Raises OSError."""
    with open_input(location) as stream:
        if not os.fstat(stream.fileno()).st_size:
            yield b""
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


@contextmanager
def local_copy(location: str | Location) -> Iterator[str]:
    """The path of a file on this machine's disk, for libraries that open files themselves."""
    yield os.fspath(location)


# Hashes of files.


def sha256_of(location: str | Location) -> str:
    """SHA-256 of a file's bytes, hex."""
    with open_input(location) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """xxh3-128, hex, of a JSON-able value in canonical form (sorted keys, no spaces)."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return xxhash.xxh3_128_hexdigest(canonical.encode())


def fingerprint_of_file(location: str | Location) -> str:
    """xxh3-128, hex, of a file's bytes."""
    digest = xxhash.xxh3_128()
    with open_input(location) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


# Writing: under a temporary name beside the place, then in one step under the name, or not at all.


def temporary_name(location: Location) -> Location:
    """A name beside `location` that no reader takes for a shard; `commit` gives it the final name."""
    return location.with_name(f".{location.name}.{uuid.uuid4().hex[:8]}.tmp")


def final_name(temporary: str) -> str:
    """The name that a file of a temporary name was to get (a run was killed before); any other name as it is."""
    folder, slash, name = temporary.rpartition("/")
    match = _TEMPORARY.fullmatch(name)
    return f"{folder}{slash}{match[1]}" if match else temporary


def commit(temporary: Location, location: Location) -> None:
    """Flush a finished file, or folder of files, to the disk and give it its name in one step; a file is replaced."""
    for one in [*(files_below(temporary) if temporary.is_dir() else ()), temporary]:
        handle = os.open(one, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    os.replace(temporary, location)


@contextmanager
def writing(location: Location) -> Iterator[Location]:
    """The temporary name to write under; afterwards the file has its name, after an exception there is none."""
    make_folder(location.parent)
    temporary = temporary_name(location)
    try:
        yield temporary
        commit(temporary, location)
    finally:
        remove(temporary)


def write_parts(location: Location, parts: Iterable[bytes]) -> None:
    """Write a file atomically, part after part as they come."""
    with writing(location) as temporary, temporary.open("wb") as stream:
        for part in parts:
            stream.write(part)


def write_bytes(location: Location, content: bytes) -> None:
    """Write a file atomically."""
    write_parts(location, [content])


def write_text(location: Location, text: str) -> None:
    """Write a text file (UTF-8) atomically."""
    write_bytes(location, text.encode())


def write_json(location: Location, value: Any) -> None:
    """Write JSON atomically: readers see the old file or the whole new one."""
    write_text(location, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def parquet_writer(temporary: Location, schema: pa.Schema, **settings: Any) -> pq.ParquetWriter:
    """A writer of Parquet under a temporary name (`temporary_name`, `commit`)."""
    return pq.ParquetWriter(temporary, schema, **settings)


# Folders, locks, removal.


def make_folder(folder: Location) -> Location:
    """The folder, made with all above it where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove(location: Location) -> None:
    """Remove a file, if it is there."""
    location.unlink(missing_ok=True)


def remove_folder(folder: Location, *, or_leave: bool = False) -> None:
    """Remove a folder with all that is in it, if it is there; or_leave: what cannot be removed stays without a word."""
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=or_leave)


def remove_empty(folder: Location, *, below: bool = False) -> None:
    """Remove a folder if it is there and holds nothing; below: the empty folders in it first."""
    if below and folder.is_dir() and not folder.is_symlink():
        for one in scan(folder):
            if one.kind == "folder":
                remove_empty(folder / one.name, below=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


@contextmanager
def lock(folder: Location) -> Iterator[None]:
    """Hold a folder against a second run; the lock dies with the process. Raises UserError when it is taken."""
    make_folder(folder)
    # On the folder itself: no lock file that would outlive the run or stand in the dataset.
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise UserError(
            f"another xlcorpus run is writing to {folder}", remedy="wait for it, or choose another --output"
        ) from error
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def scratch_folder() -> Iterator[Location]:
    """A folder on this machine's own disk that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="xlcorpus-") as folder:
        yield Path(folder)


@contextmanager
def spooled(stream: IO[bytes]) -> Iterator[Location]:
    """Copy standard input to a file, which can be split and read again; it is gone afterwards. Raises StorageError."""
    with scratch_folder() as folder:
        path = folder / "stdin"
        try:
            with path.open("wb") as file:
                while block := _next_block(stream):
                    file.write(block)
        except OSError as error:
            raise StorageError(
                f"cannot copy standard input to {folder.parent}: {error.strerror}",
                remedy="set TMPDIR to a folder with room for all of it, or give files instead",
            ) from error
        yield path


def _next_block(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(_BLOCK)
    except OSError as error:
        raise StorageError(f"cannot read standard input: {error.strerror}", remedy="give files instead") from error
