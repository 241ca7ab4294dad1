"""The files of source trees, each with the licence of the nearest folder above it that has a licence file."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from xlcorpus.code.licenses import folder_license, is_license_file
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.layout import MANIFEST
from xlcorpus.dataset.storage import Location, State
from xlcorpus.errors import UserError
from xlcorpus.raw.names import clean_name
from xlcorpus.raw.prints import take_print

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr", "CVS"})
_LICENCE_BYTES = 256 << 10
FILES_A_TASK = 10_000  # small files take time too


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
    """Files sorted by name; `links`: symbolic links that were not followed."""

    links: int = 0


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
        found += _walk(root, name, source or name, _Licence(), found)
    found.sort(key=lambda file: (file.name, file.path))
    for one, two in pairwise(found):
        if one.name == two.name:
            raise UserError(f"{one.path} and {two.path} have one name", remedy="rename one of them")
    if not found:
        raise UserError(f"no file in {', '.join(inputs) or 'no folder'}", remedy="give the folders of source trees")
    return found


def _walk(folder: Location, name: str, source: str, licence: _Licence, found: FoundCode) -> Iterator[CodeFile]:
    """The files below a folder; counts links on the way. licence: of the folder above."""
    try:
        entries = storage.scan(folder)
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}", remedy="check its permissions") from error
    files = [entry for entry in entries if entry.kind == "file"]
    if any(entry.name == MANIFEST for entry in files) and is_dataset(folder):
        raise UserError(
            f"{folder} is an xlcorpus dataset, not a source tree", remedy="give it to the next step as it is"
        )
    licences = [entry.name for entry in files if is_license_file(entry.name)]
    if licences:
        texts = {one: read_start(folder / one, _LICENCE_BYTES).decode("utf-8", "replace") for one in licences}
        licence = _Licence(folder_license(texts), f"{name}/{clean_name(licences[0])}")
    for entry in files:
        path, inside = f"{folder}/{entry.name}", f"{name}/{clean_name(entry.name)}"
        size = entry.state[0] if entry.state else 0
        yield CodeFile(path, inside, source, size, licence.expression, licence.file, entry.state)
    for entry in entries:
        if entry.kind == "link":
            found.links += 1
        elif entry.kind == "folder" and entry.name not in _VERSION_CONTROL:
            yield from _walk(folder / entry.name, f"{name}/{clean_name(entry.name)}", source, licence, found)


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
