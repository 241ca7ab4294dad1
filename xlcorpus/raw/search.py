"""The files that paths, folders and globs mean, each once, and what lies there and is passed over, with the reason."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.layout import MANIFEST, RUN, WORK
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.raw.names import clean_name, own_name, shown, tell_apart, without_suffixes

_SHOWN = 20  # of what is passed over for one reason, so many are named; the others are counted

HIDDEN = "hidden: its name begins with . or _"
BROKEN_LINK = "a link to nothing"
NO_FILE = "not a regular file"
UNKNOWN_FORMAT = "unknown format"
EMPTY = "it has no bytes"
LISTING = "a list of what is there, not documents"
_READ_ALREADY = "a link to what is read from where it lies"
_LEAVES = "a link out of the input, which is followed"
_NOTHING = "nothing to read in it"


@dataclass(frozen=True)
class Candidate:
    """A file that an input means, before it is looked into; explicit: it was named itself; real: without links."""

    path: Location
    name: str
    source: str
    explicit: bool
    real: Location

    @property
    def own_name(self) -> str:
        """The file's name without folders."""
        return own_name(self.name)


@dataclass
class Remarks:
    """What the user is told of the inputs: paths by what is the matter with them."""

    skipped: dict[str, list[Location]] = field(default_factory=dict)  # what is not read
    noted: dict[str, list[Location]] = field(default_factory=dict)  # what is read all the same

    def skip(self, reason: str, path: Location) -> None:
        """This is not read."""
        self.skipped.setdefault(reason, []).append(path)

    def note(self, what: str, path: Location) -> None:
        """This is read, and the user should know."""
        self.noted.setdefault(what, []).append(path)

    def lines(self) -> list[str]:
        """A line for each of the first paths of a reason, and one for the number of the others."""
        found = []
        for word, reasons in (("skipped", self.skipped), ("note", self.noted)):
            for reason, paths in reasons.items():
                found += [f"{word} ({reason}): {shown(path)}" for path in paths[:_SHOWN]]
                if len(paths) > _SHOWN:
                    found.append(f"{word} ({reason}): {len(paths) - _SHOWN:,} more")
        return found


def chosen_files(inputs: Sequence[str], suffixes: Collection[str], remarks: Remarks) -> list[Candidate]:
    """The files that `inputs` (files, folders, globs) mean, each once, sorted by name whatever their order.

    A file that is reached twice, or through a link, is read once, under its longest name. suffixes: those that say a
    format; they are no part of a file's name as the name of its collection. Names that would be equal are told apart by
    their bytes, then by the folders above. Raises UserError where an input does not exist or cannot be read, or is a
    dataset.
    """
    chosen: dict[Location, Candidate] = {}
    for given in sorted(set(inputs)):
        any_file = False
        for candidate in _candidates(given, suffixes, remarks):
            any_file = True
            other = chosen.get(candidate.real)
            if other is None:
                chosen[candidate.real] = candidate
                continue
            first, second = sorted((other, candidate), key=_rank)
            chosen[candidate.real] = first
            if second.path.absolute() != first.path.absolute():
                remarks.skip(_READ_ALREADY, second.path)
        if not any_file:
            remarks.skip(_NOTHING, storage.locate(given))
    found = sorted(chosen.values(), key=lambda one: (one.name, one.path))
    names = tell_apart([(one.name, one.path, one.real) for one in found])
    return sorted(
        (replace(one, name=name) for one, name in zip(found, names, strict=True)), key=lambda one: (one.name, one.path)
    )


def _rank(candidate: Candidate) -> tuple[bool, int, bool, str, str, Location]:
    """The path without links wins, then the longest name (`news/a.txt` before `a.txt`), then the smaller."""
    linked, depth = candidate.path.absolute() != candidate.real, -candidate.name.count("/")
    return (linked, depth, not candidate.explicit, candidate.name, candidate.source, candidate.path)


def _candidates(given: str, suffixes: Collection[str], remarks: Remarks) -> Iterator[Candidate]:
    if re.match(r"[a-z][a-z0-9+.-]+://", given):
        raise UserError(f"{given}: only files on this machine can be read", remedy="copy or mount them first")
    if not given:
        raise UserError("an input is empty", remedy="is a variable of the shell not set? '.' is the current folder")
    path = storage.locate(given)
    if storage.is_folder(path):
        yield from _Walk(path, remarks).below(path)
    elif storage.is_file(path):
        source = clean_name(without_suffixes(path.name, suffixes))
        yield Candidate(path, clean_name(path.name), source, explicit=True, real=storage.resolve(path))
    elif storage.exists(path):
        raise UserError(f"{given} is not a regular file", remedy="pipe it in and give '-' as the input")
    elif storage.is_pattern(given):
        yield from _matches(given, remarks)
    elif storage.is_link(path):
        raise UserError(f"{given} is a link to nothing", remedy="mend the link, or give the file itself")
    else:
        raise UserError(f"{given} does not exist", remedy="check the path; put quotes around a glob")


def _matches(pattern: str, remarks: Remarks) -> Iterator[Candidate]:
    """The files that a pattern names, and those in the folders that it names."""
    parts = storage.locate(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if storage.is_pattern(part))
    prefix = storage.locate(*parts[:fixed]) if fixed else storage.locate("")
    walk = _Walk(prefix, remarks)
    if "**" in parts:
        # Not left to glob: where links form loops it follows them forty times over, two loops 2^40 times.
        wanted = parts[fixed:]
        for candidate in walk.below(prefix) if storage.is_folder(prefix) else ():
            inside = candidate.path.relative_to(prefix).parts
            if any(_fits(inside[:length], wanted) for length in range(1, len(inside) + 1)):
                yield candidate
        return
    for path in sorted(storage.matches_of(pattern), key=storage.is_link):  # a name of its own before that of a link
        inside = path.relative_to(prefix).parts
        # `_*.txt` asks for what begins with _; `*` does not.
        if any(_hidden(part) and not one.startswith(part[0]) for part, one in zip(inside, parts[fixed:], strict=True)):
            remarks.skip(HIDDEN, path)
        elif storage.is_folder(path):
            yield from walk.below(path)
        else:
            found = walk.file(path, "/".join(inside), is_link=storage.is_link(path))
            if found is not None:
                yield found


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path are what a pattern with `**` (any number of folders) names."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[at:], pattern[1:]) for at in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


class _Walk:
    """Goes through folders; `prefix` is what names are relative to, and what a link can leave."""

    def __init__(self, prefix: Location, remarks: Remarks) -> None:
        self.prefix, self.remarks = prefix, remarks
        self.root = storage.resolve(prefix)
        self.source = clean_name(self.root.name)
        self.seen: set[Location] = set()  # folders, without links: so loops end

    def below(self, top: Location) -> Iterator[Candidate]:
        """The files in a folder and the folders in it; those behind links last, so that a file has its own name."""
        inside = storage.relative_name(top, self.prefix)
        waiting = [(top, storage.resolve(top), "" if inside == "." else f"{inside}/")]
        links: list[tuple[Location, Location, str]] = []
        while waiting or links:
            folder, real, inside = waiting.pop() if waiting else links.pop(0)
            if real in self.seen:
                self.remarks.skip(_READ_ALREADY, folder)
                continue
            self.seen.add(real)
            folders: list[tuple[Location, Location, str]] = []
            for entry in self._entries(folder):
                path, name = folder / entry.name, f"{inside}{entry.name}"
                if _hidden(entry.name):
                    self.remarks.skip(HIDDEN, path)
                elif entry.kind == "folder":
                    folders.append((path, real / entry.name, f"{name}/"))
                elif entry.kind == "file":
                    yield self._candidate(path, name, real / entry.name)
                elif entry.kind == "link" and storage.is_folder(path):
                    self._leaves(path, storage.resolve(path))
                    links.append((path, storage.resolve(path), f"{name}/"))
                else:
                    found = self.file(path, name, is_link=entry.kind == "link")
                    if found is not None:
                        yield found
            waiting += reversed(folders)

    def file(self, path: Location, name: str, *, is_link: bool) -> Candidate | None:
        """The file that something which is no folder is; none where it is no file."""
        if not storage.is_file(path):
            self.remarks.skip(BROKEN_LINK if is_link and not storage.exists(path) else NO_FILE, path)
            return None
        real = storage.resolve(path)
        if is_link:
            self._leaves(path, real)
        return self._candidate(path, name, real)

    def _leaves(self, path: Location, real: Location) -> None:
        if not real.is_relative_to(self.root):
            self.remarks.note(_LEAVES, path)

    def _candidate(self, path: Location, name: str, real: Location) -> Candidate:
        return Candidate(path, clean_name(name), self.source, explicit=False, real=real)

    def _entries(self, folder: Location) -> list[storage.Entry]:
        entries = scan_folder(folder)
        if any(entry.name == MANIFEST for entry in entries) and is_dataset(folder):
            raise UserError(
                f"{folder} holds {MANIFEST}: it is an xlcorpus dataset, not raw input",
                remedy="give it to the next step as it is, or give the raw files themselves",
            )
        if any(entry.name == WORK for entry in entries) and storage.is_file(folder / WORK / RUN):
            raise UserError(
                f"{folder} holds an unfinished xlcorpus run: it is neither a dataset nor raw input",
                remedy="finish it first: the command that made it, with --resume",
            )
        return entries


def scan_folder(folder: Location) -> list[storage.Entry]:
    """What lies directly in a folder of the input, sorted by name; raises UserError where it cannot be read."""
    try:
        return storage.scan(folder)
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}", remedy="check its permissions") from error


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))
