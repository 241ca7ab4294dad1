"""The files of source trees, each with the licence of the nearest folder above it that has a licence file."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from xlcorpus.code.licenses import folder_license, is_license_file
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.layout import MANIFEST
from xlcorpus.dataset.storage import Location, State
from xlcorpus.errors import UserError
from xlcorpus.raw.names import clean_name, tell_apart
from xlcorpus.raw.prints import take_print
from xlcorpus.raw.search import NO_FILE, Remarks, scan_folder

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr", "CVS"})
_LINK = "a symbolic link, which is not followed"
_VERSIONS = "the store of a version control system"
_LICENCE_BYTES = 256 << 10


@dataclass(frozen=True)
class CodeFile:
    """One file of a tree.

    name: `TREE/path` with the name of the folder given, the same wherever the tree lies; size: bytes; license: SPDX
    expression of the nearest licence files above, None where there are none; license_from: the name of the first;
    state: of the file on the disk when it was found.
    """

    path: str
    name: str
    source: str
    size: int
    license: str | None = None
    license_from: str | None = None
    state: State | None = field(default=None, compare=False)

    @property
    def inside(self) -> str:
        """The path within the tree, whose own name may be such as `vendor`."""
        return self.name.partition("/")[2]

    @functools.cached_property
    def fingerprint(self) -> str:
        """xxh3-128, hex, of its bytes, read once: the value travels with the file to the workers."""
        return take_print(storage.locate(self.path), self.state)


class FoundCode(list[CodeFile]):
    """Files sorted by name; `remarks`: what lies in the trees besides."""

    def __init__(self) -> None:
        super().__init__()
        self.remarks = Remarks()


@dataclass(frozen=True)
class _Licence:
    expression: str | None = None
    file: str | None = None


def find_code(inputs: Sequence[str], *, source: str | None = None) -> FoundCode:
    """The files of the folders `inputs`, whatever their order: symbolic links and `.git` are passed over.

    source: name of the collection for all; default: the folder's name. Raises UserError where an input is no folder,
    a folder is a dataset or cannot be read, lies in another one, or where two folders have one name.
    """
    roots = {storage.resolve(given): given for given in inputs}
    for root, given in sorted(roots.items()):
        if not storage.is_folder(root):
            what = "is a file" if storage.exists(root) else "does not exist"
            raise UserError(f"{given} {what}", remedy="give the folders of source trees with --kind code")
    for root, other in pairwise(sorted(roots)):
        if storage.is_inside(other, root):
            raise UserError(f"{roots[other]} lies in {roots[root]}", remedy="give the outer folder alone")
    names: dict[str, str] = {}
    found = FoundCode()
    for root, given in sorted(roots.items()):
        name = clean_name(root.name)
        if name in names:
            raise UserError(
                f"two folders are called {name!r}: {names[name]} and {given}; their files could not be told apart",
                remedy="give their common folder, or rename one of them",
            )
        names[name] = given
        found += _walk(root, name, source or name, found.remarks)
    found.sort(key=_by_name)
    if len({file.name for file in found}) < len(found):
        places = [storage.locate(file.path) for file in found]
        apart = tell_apart([(file.name, place, place) for file, place in zip(found, places, strict=True)])
        found[:] = sorted((replace(file, name=name) for file, name in zip(found, apart, strict=True)), key=_by_name)
    if not found:
        raise UserError(f"no file in {', '.join(inputs) or 'no folder'}", remedy="give the folders of source trees")
    return found


def _by_name(file: CodeFile) -> tuple[str, str]:
    return file.name, file.path


def _walk(root: Location, tree: str, source: str, remarks: Remarks) -> Iterator[CodeFile]:
    """The files below a folder, each with the licence of the nearest folder that has one."""
    waiting = [(root, tree, _Licence())]
    while waiting:
        folder, name, licence = waiting.pop()
        entries = _entries(folder)
        files = [entry for entry in entries if entry.kind == "file"]
        licences = [entry.name for entry in files if is_license_file(entry.name)]
        if licences:
            texts = {one: read_start(folder / one, _LICENCE_BYTES).decode("utf-8", "replace") for one in licences}
            licence = _Licence(folder_license(texts), f"{name}/{clean_name(licences[0])}")
        for entry in entries:
            inside = f"{name}/{clean_name(entry.name)}"
            if entry.state is not None:
                path, size = f"{folder}/{entry.name}", entry.state[0]
                yield CodeFile(path, inside, source, size, licence.expression, licence.file, entry.state)
            elif entry.kind == "link":
                remarks.skip(_LINK, folder / entry.name)
            elif entry.kind != "folder":
                remarks.skip(NO_FILE, folder / entry.name)
            elif entry.name in _VERSION_CONTROL:
                remarks.skip(_VERSIONS, folder / entry.name)
            else:
                waiting.append((folder / entry.name, inside, licence))


def _entries(folder: Location) -> list[storage.Entry]:
    entries = scan_folder(folder)
    if any(entry.name == MANIFEST for entry in entries) and is_dataset(folder):
        raise UserError(
            f"{folder} is an xlcorpus dataset, not a source tree", remedy="give it to the next step as it is"
        )
    return entries


def read_start(path: str | Location, most: int) -> bytes:
    """A file, or its first bytes. Raises UserError where it is gone or may not be read."""
    try:
        with storage.open_input(path) as file:
            return file.read(most)
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}",
            remedy="put it back or check its permissions, and run the same command again",
        ) from error
